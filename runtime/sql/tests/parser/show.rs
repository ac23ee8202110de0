//! Statements and queries as nested lists, a line per clause: what the golden files hold.

use crate::show_expression::{expression, expressions, order, over};
use crate::show_match::match_recognize;
use millrace_sql::ast::{
    ColumnKind, CreateTable, GroupingElement, Hint, Identifier, Insert, JoinConstraint, ObjectName, Query, QueryBody, Select, SelectItem,
    Statement, StatementKind, TableArgument, TableFunctionCall, TableReference, TableReferenceKind,
};

pub fn name(name: &ObjectName) -> String {
    name.parts.iter().map(|p| quoted(&p.value)).collect::<Vec<_>>().join(".")
}

pub fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
    if plain { name.to_owned() } else { format!("`{name}`") }
}

pub fn names(list: &[Identifier]) -> String {
    list.iter().map(|i| quoted(&i.value)).collect::<Vec<_>>().join(" ")
}

fn hints(list: &[Hint]) -> String {
    let option = |o: &millrace_sql::ast::HintOption| match &o.value {
        Some(value) => format!("{:?}={value:?}", o.key),
        None => format!("{:?}", o.key),
    };
    let hint = |h: &Hint| format!(" {}({})", h.name.value, h.options.iter().map(option).collect::<Vec<_>>().join(" "));
    if list.is_empty() { String::new() } else { format!(" hints{}", list.iter().map(hint).collect::<String>()) }
}

/// Each clause in parentheses on a line of its own, indented below the first.
pub fn clauses(head: &str, parts: Vec<String>) -> String {
    let body: String = parts.iter().map(|p| format!("\n  {}", p.replace('\n', "\n  "))).collect();
    format!("({head}{body})")
}

pub fn statement(s: &Statement) -> String {
    match &s.kind {
        StatementKind::CreateTable(table) => create_table(table),
        StatementKind::CreateView(v) => {
            let head = format!("create-view {}{}", name(&v.name), flags(&[(v.temporary, "temporary"), (v.if_not_exists, "if-not-exists")]));
            let comment = v.comment.iter().map(|c| format!("comment {c:?}"));
            let columns = (!v.columns.is_empty()).then(|| format!("columns {}", names(&v.columns)));
            clauses(&head, comment.chain(columns).chain([query(&v.query)]).collect())
        }
        StatementKind::CreateFunction(f) => {
            let flags = flags(&[(f.temporary, "temporary"), (f.system, "system"), (f.if_not_exists, "if-not-exists")]);
            let language = f.language.as_ref().map(|l| format!(" language {l}")).unwrap_or_default();
            let resources: String = f.resources.iter().map(|r| format!(" using {r:?}")).collect();
            format!("(create-function {}{flags} {:?}{language}{resources})", name(&f.name), f.identifier)
        }
        StatementKind::Insert(i) => insert(i),
        StatementKind::StatementSet(inserts) => clauses("statement-set", inserts.iter().map(insert).collect()),
        StatementKind::Set(o) => format!("(set {:?} {:?})", o.key, o.value),
        StatementKind::Reset(o) => format!("(reset{})", o.as_ref().map(|o| format!(" {:?}", o.key)).unwrap_or_default()),
        StatementKind::Explain { details, statement: inner } => {
            let head = details.iter().fold(String::from("explain"), |head, d| format!("{head} {d:?}"));
            clauses(&head, vec![statement(inner)])
        }
        StatementKind::Drop(d) => {
            let flags = flags(&[(d.temporary, "temporary"), (d.if_exists, "if-exists")]);
            format!("(drop {:?} {}{flags})", d.object, name(&d.name))
        }
        StatementKind::Query(q) => query(q),
        StatementKind::Unsupported(what) => format!("(unsupported {what:?})"),
    }
}

fn flags(flags: &[(bool, &str)]) -> String {
    flags.iter().filter(|(set, _)| *set).map(|(_, word)| format!(" {word}")).collect()
}

fn insert(i: &Insert) -> String {
    let columns = if i.columns.is_empty() { String::new() } else { format!(" [{}]", names(&i.columns)) };
    let conflict = i.on_conflict.map(|c| format!(" on-conflict {c:?}")).unwrap_or_default();
    let head = format!("insert {}{columns}{}{}{conflict}", name(&i.table), flags(&[(i.overwrite, "overwrite")]), hints(&i.hints));
    clauses(&head, vec![query(&i.query)])
}

fn create_table(t: &CreateTable) -> String {
    let mut parts = Vec::new();
    for column in &t.columns {
        let typed =
            |data_type: &millrace_model::DataType, nullable: bool| format!("{data_type}{}", if nullable { "" } else { " not-null" });
        let kind = match &column.kind {
            ColumnKind::Physical { data_type, nullable } => typed(data_type, *nullable),
            ColumnKind::Metadata { data_type, nullable, key, is_virtual } => {
                let key = key.as_ref().map(|k| format!(" from {k:?}")).unwrap_or_default();
                format!("{} metadata{key}{}", typed(data_type, *nullable), flags(&[(*is_virtual, "virtual")]))
            }
            ColumnKind::Computed(e) => format!("computed {}", expression(e)),
        };
        let comment = column.comment.as_ref().map(|c| format!(" comment {c:?}")).unwrap_or_default();
        parts.push(format!("(column {} {kind}{comment})", quoted(&column.name.value)));
    }
    parts.extend(t.watermark.as_ref().map(|w| format!("(watermark {} {})", quoted(&w.column.value), expression(&w.expression))));
    parts.extend(t.primary_key.as_ref().map(|k| format!("(key {}{})", names(&k.columns), flags(&[(k.enforced, "enforced")]))));
    parts.extend(t.comment.as_ref().map(|c| format!("comment {c:?}")));
    parts.extend((!t.partitioned_by.is_empty()).then(|| format!("partitioned {}", names(&t.partitioned_by))));
    parts.extend(t.options.iter().map(|o| format!("with {:?} {:?}", o.key, o.value)));
    parts.extend(t.like.as_ref().map(|l| format!("like {} {:?}", name(l), t.like_options)));
    parts.extend(t.query.as_ref().map(query));
    let flags = flags(&[(t.temporary, "temporary"), (t.if_not_exists, "if-not-exists")]);
    clauses(&format!("create-table {}{flags}", name(&t.name)), parts)
}

pub fn query(q: &Query) -> String {
    let mut parts: Vec<String> = Vec::new();
    for common in &q.with {
        let columns = if common.columns.is_empty() { String::new() } else { format!(" [{}]", names(&common.columns)) };
        parts.push(clauses(&format!("with {}{columns}", common.name.value), vec![query(&common.query)]));
    }
    let body = body(&q.body);
    parts.extend((!q.order_by.is_empty()).then(|| format!("order {}", order(&q.order_by))));
    parts.extend(q.limit.as_ref().map(|e| format!("limit {}", expression(e))));
    parts.extend(q.offset.as_ref().map(|e| format!("offset {}", expression(e))));
    if parts.is_empty() {
        return body;
    }
    parts.push(body);
    clauses("query", parts)
}

fn body(b: &QueryBody) -> String {
    match b {
        QueryBody::Select(s) => select(s),
        QueryBody::Query(q) => format!("(nested {})", query(q)),
        QueryBody::Set { operator, all, left, right, .. } => {
            let all = if *all { "-all" } else { "" };
            clauses(&format!("{}{all}", format!("{operator:?}").to_lowercase()), vec![body(left), body(right)])
        }
        QueryBody::Values { rows, .. } => {
            let rows: Vec<String> = rows.iter().map(|r| format!("[{}]", expressions(r))).collect();
            format!("(values {})", rows.join(" "))
        }
    }
}

fn select(s: &Select) -> String {
    let item = |item: &SelectItem| match item {
        SelectItem::Wildcard { qualifier, .. } => qualifier.as_ref().map_or("*".into(), |q| format!("{}.*", name(q))),
        SelectItem::Expression { expression: e, alias } => {
            alias.as_ref().map_or_else(|| expression(e), |a| format!("{{{} as {}}}", expression(e), quoted(&a.value)))
        }
    };
    let items: Vec<String> = s.items.iter().map(item).collect();
    let mut parts: Vec<String> = s.from.iter().map(|t| format!("from {}", table(t))).collect();
    parts.extend(s.selection.as_ref().map(|e| format!("where {}", expression(e))));
    parts.extend(s.group_by.as_ref().map(|g| format!("group {}", grouping(g))));
    parts.extend(s.having.as_ref().map(|e| format!("having {}", expression(e))));
    parts.extend(s.windows.iter().map(|w| format!("window {} {}", w.name.value, over(&w.over))));
    parts.extend(s.qualify.as_ref().map(|e| format!("qualify {}", expression(e))));
    clauses(&format!("select{}{} {}", flags(&[(s.distinct, "distinct")]), hints(&s.hints), items.join(" ")), parts)
}

fn grouping(elements: &[GroupingElement]) -> String {
    let tuples =
        |list: &[Vec<millrace_sql::ast::Expression>]| list.iter().map(|t| format!("[{}]", expressions(t))).collect::<Vec<_>>().join(" ");
    let element = |e: &GroupingElement| match e {
        GroupingElement::Expression(e) => expression(e),
        GroupingElement::Sets(sets, _) => format!("(sets {})", grouping(sets)),
        GroupingElement::Cube(list, _) => format!("(cube {})", tuples(list)),
        GroupingElement::Rollup(list, _) => format!("(rollup {})", tuples(list)),
        GroupingElement::Tuple(list, _) => format!("[{}]", expressions(list)),
        GroupingElement::Distinct(elements, _) => format!("(distinct {})", grouping(elements)),
    };
    if elements.is_empty() { "()".into() } else { elements.iter().map(element).collect::<Vec<_>>().join(" ") }
}

pub fn table(t: &TableReference) -> String {
    let shown = match &t.kind {
        TableReferenceKind::Named { name: n, hints: h, as_of } => {
            let as_of = as_of.as_ref().map(|e| format!(" as-of {}", expression(e))).unwrap_or_default();
            format!("{}{}{as_of}", name(n), hints(h))
        }
        TableReferenceKind::Derived { query: q, lateral } => format!("{}{}", if *lateral { "lateral " } else { "" }, query(q)),
        TableReferenceKind::Function { call, lateral } => format!("{}{}", if *lateral { "lateral " } else { "" }, table_call(call)),
        TableReferenceKind::Unnest { expressions: e, with_ordinality } => {
            format!("(unnest{} {})", flags(&[(*with_ordinality, "with-ordinality")]), expressions(e))
        }
        TableReferenceKind::Join { left, right, kind, constraint } => {
            let constraint = match constraint {
                JoinConstraint::On(e) => format!("on {}", expression(e)),
                JoinConstraint::Using(columns) => format!("using {}", names(columns)),
                JoinConstraint::Natural => "natural".into(),
                JoinConstraint::None => "unconditional".into(),
            };
            clauses(&format!("{}-join {constraint}", format!("{kind:?}").to_lowercase()), vec![table(left), table(right)])
        }
        TableReferenceKind::MatchRecognize(clause) => match_recognize(clause),
    };
    match &t.alias {
        Some(a) if a.columns.is_empty() => format!("{{{shown} as {}}}", quoted(&a.name.value)),
        Some(a) => format!("{{{shown} as {} [{}]}}", quoted(&a.name.value), names(&a.columns)),
        None => shown,
    }
}

fn table_call(call: &TableFunctionCall) -> String {
    let mut parts = vec![name(&call.name)];
    for argument in &call.arguments {
        let named = argument.name.as_ref().map(|n| format!("{}=>", n.value)).unwrap_or_default();
        let value = match &argument.value {
            TableArgument::Expression(e) => expression(e),
            TableArgument::Descriptor(columns) => format!("(descriptor {})", names(columns)),
            TableArgument::Table { table: t, partition_by, order_by } => {
                let partition = if partition_by.is_empty() { String::new() } else { format!(" partition [{}]", expressions(partition_by)) };
                let order = if order_by.is_empty() { String::new() } else { format!(" order [{}]", order(order_by)) };
                format!("(table {}{partition}{order})", table(t))
            }
        };
        parts.push(format!("{named}{value}"));
    }
    format!("({})", parts.join(" "))
}
