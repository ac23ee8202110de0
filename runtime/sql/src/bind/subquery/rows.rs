//! The rows of an inner query as a row of the outer one sees them.
//!
//! What an inner query compares with outer columns becomes a condition of the join between both. If its rows are grouped,
//! they have to be grouped by outer values too: by the inner side of an equality (`r.k = l.k` groups by `r.k`), else the
//! inner tables are first joined with the distinct outer values that the query reads, as Calcite's decorrelation does it.

use super::{
    super::{Binder, all_columns, calc, expression::Env, not_yet, scope::Scope, scope::ScopeColumn},
    QUERY_BASE, conjuncts, holds_query, named, plain_select, query_of,
};
use crate::{
    ast::{
        BinaryOperator, CastKind, Expression, ExpressionKind, GroupingElement, Identifier, Literal, ObjectName, Query, Select, SelectItem,
        Span,
    },
    error::SqlError,
    plan::{JoinKind, PlanColumn, PlanNode, joined, one_zero, pushed},
};
use millrace_functions::{Expr, registry::Function};
use millrace_model::DataType;
use std::collections::BTreeSet;

/// The rows of an inner query.
pub(super) struct Rows {
    pub node: PlanNode,
    /// What it selects, over the outer columns and its own.
    pub items: Vec<Expr>,
    pub names: Vec<String>,
    /// Which of its rows an outer row sees: all must be TRUE.
    pub conditions: Vec<Expr>,
    /// What an aggregate without GROUP BY selects for an outer row that sees none, where that is not NULL.
    pub of_nothing: Vec<Option<Expr>>,
}

/// The qualifier of outer values that are columns of an inner query.
const OUTER: &str = "$outer";

impl Binder<'_> {
    /// The rows of a query; duplicates may be there that DISTINCT would take out.
    pub(super) fn inner_rows(&mut self, query: &Query, with_items: bool, env: &Env<'_>) -> Result<Rows, SqlError> {
        let attaching = self.attaching.take();
        let base = attaching.as_ref().and_then(|a| a.base.clone());
        let made = match plain_select(query) {
            Some(select) if !self.is_aggregate(select) => self.selected_rows(select, with_items, env.scope),
            Some(select) => self.grouped_rows(select, base.as_ref(), env.scope, false),
            None => self.query(query).map(uncorrelated),
        };
        self.attaching = attaching;
        self.seen_from(made?, env, query.span)
    }

    /// The same rows, outer columns where `env` has them: behind an aggregate only its keys are left.
    pub(super) fn seen_from(&self, mut rows: Rows, env: &Env<'_>, span: Span) -> Result<Rows, SqlError> {
        if env.aggregation.is_none() {
            return Ok(rows);
        }
        let mut used = BTreeSet::new();
        rows.items.iter().chain(&rows.conditions).for_each(|e| e.columns(&mut used));
        let mut places = std::collections::BTreeMap::new();
        for column in used.into_iter().filter(|&c| c < QUERY_BASE) {
            let Some(place) = env.key_column(column) else {
                let name = env.scope.columns.get(column).map_or("?", |c| c.column.name.as_str());
                let message = format!("`{name}` is read by a query inside of this one, but is not in GROUP BY");
                return Err(self.error("sql.not_grouped", message, span));
            };
            places.insert(column, place);
        }
        let place = |i: usize| places.get(&i).copied().unwrap_or(i);
        let moved = |list: Vec<Expr>| list.into_iter().map(|e| e.map_columns(&place)).collect();
        (rows.items, rows.conditions) = (moved(rows.items), moved(rows.conditions));
        Ok(rows)
    }

    /// A query without aggregates: its rows before it selects, and what it compares with outer columns.
    pub(super) fn selected_rows(&mut self, select: &Select, with_items: bool, scope: &Scope) -> Result<Rows, SqlError> {
        let (mut node, inner) = self.from(&select.from, select.span)?;
        let width = scope.columns.len();
        let both = inner.clone().inside(scope);
        let (mut filters, mut conditions, mut tests) = (Vec::new(), Vec::new(), Vec::new());
        for part in select.selection.iter().flat_map(conjuncts) {
            if holds_query(part) {
                tests.push(part);
                continue;
            }
            let bound = self.condition(part, &mut Env::over(&both))?;
            if reads_outer(&bound, width) { conditions.push(bound) } else { filters.push(bound.map_columns(&|i| i - width)) }
        }
        if !filters.is_empty() {
            let (columns, all) = (node.columns.clone(), all_columns(&node));
            node = calc(node, Some(Expr::And(filters)), all, columns);
        }
        for test in tests {
            node = self.filtered(node, &inner, test)?;
        }
        let (mut items, mut names) = (Vec::new(), Vec::new());
        if with_items {
            for item in self.items(&select.items, &inner)? {
                items.push(self.expression(&item.expression, &mut Env::over(&both))?);
                names.push(item.name);
            }
        }
        let place = |i: usize| if i < width { i } else { QUERY_BASE + i - width };
        let moved = |list: Vec<Expr>| list.into_iter().map(|e| e.map_columns(&place)).collect();
        Ok(Rows { node, items: moved(items), names, conditions: moved(conditions), of_nothing: Vec::new() })
    }

    /// A query whose rows are grouped, or told apart by DISTINCT. With `only_met`, only rows that an outer row meets may be
    /// looked at, unless the query compares with outer columns as they are (as in Flink).
    pub(super) fn grouped_rows(
        &mut self,
        select: &Select,
        base: Option<&PlanNode>,
        scope: &Scope,
        only_met: bool,
    ) -> Result<Rows, SqlError> {
        let windows = self.windows;
        let (_, inner) = self.from(&select.from, select.span)?;
        self.windows = windows;
        let both = inner.clone().inside(scope);
        let width = scope.columns.len();
        let items = self.items(&select.items, &inner)?;
        let mut elsewhere = BTreeSet::new();
        items.iter().for_each(|item| outer_names(&item.expression, &both, &mut elsewhere));
        select.having.iter().for_each(|having| outer_names(having, &both, &mut elsewhere));
        for element in select.group_by.iter().flatten() {
            if let GroupingElement::Expression(key) = element {
                outer_names(key, &both, &mut elsewhere);
            }
        }
        let (mut own, mut outer, mut used) = (Vec::new(), Vec::new(), elsewhere.clone());
        for part in select.selection.iter().flat_map(conjuncts) {
            let mut names = BTreeSet::new();
            outer_names(part, &both, &mut names);
            if names.is_empty() {
                own.push(part)
            } else {
                outer.push(part)
            }
            used.extend(names);
        }
        let items: Vec<SelectItem> = items.into_iter().map(|item| named(item.expression, &item.name)).collect();
        let select = Select { items, ..select.clone() };
        if used.is_empty() {
            return self.query(&query_of(select)).map(uncorrelated);
        }
        if elsewhere.is_empty()
            && let Some(keys) = self.equalities(&outer, &both, width)?
            && (base.is_none() || !only_met || keys.iter().all(|(_, outer)| matches!(outer, Expr::Column { .. })))
        {
            let selection = own.into_iter().cloned().reduce(and);
            let of_nothing = self.values_of_nothing(&select);
            let rows = self.rows_by_key(Select { selection, ..select }, keys)?;
            return Ok(Rows { of_nothing, ..rows });
        }
        match base {
            Some(base) => {
                let of_nothing = self.values_of_nothing(&select);
                let rows = self.rows_by_values(&select, base, scope, &used)?;
                Ok(Rows { of_nothing, ..rows })
            }
            None => {
                let what = "a query behind GROUP BY that reads outer columns other than by `inner column = outer column` in its WHERE";
                Err(self.placed(not_yet(what, select.span)))
            }
        }
    }

    /// What each item is of no rows: 0 where rows are counted.
    fn values_of_nothing(&mut self, select: &Select) -> Vec<Option<Expr>> {
        if select.group_by.is_some() || select.having.is_some() || !self.is_aggregate(select) {
            return Vec::new();
        }
        let mut found = Vec::with_capacity(select.items.len());
        for item in &select.items {
            let SelectItem::Expression { expression, .. } = item else { continue };
            let mut of_nothing = expression.clone();
            self.without_aggregates(&mut of_nothing);
            let bound = self.expression(&of_nothing, &mut Env::over(&Scope::default())).ok();
            found.push(bound.filter(|value| !value.typed().nullable));
        }
        found
    }

    /// Puts the value of no rows in the place of each aggregate.
    fn without_aggregates(&self, expression: &mut Expression) {
        if let ExpressionKind::Call(call) = &expression.kind
            && let Some(name) = call.name.parts.last()
            && let Some(Function::Aggregate(function)) = self.names.functions.get(&name.value.to_uppercase())
        {
            let literal = |literal| Expression { kind: ExpressionKind::Literal(literal), span: expression.span };
            let none = || Box::new(literal(Literal::Number("0".into())));
            let nothing = match function.name() {
                "COUNT" | "APPROX_COUNT_DISTINCT" => ExpressionKind::Cast {
                    value: none(),
                    data_type: DataType::BigInt,
                    length: None,
                    parts: Vec::new(),
                    kind: CastKind::Cast,
                },
                _ if function.is_null_when_empty() => ExpressionKind::Literal(Literal::Null),
                _ => return,
            };
            expression.kind = nothing;
            return;
        }
        super::super::aggregate::parts_mut(expression).into_iter().for_each(|part| self.without_aggregates(part));
    }

    /// `inner = outer` each: the inner expression with the outer one. `None` if one is something else.
    fn equalities(&mut self, parts: &[&Expression], both: &Scope, width: usize) -> Result<Option<Vec<(Expression, Expr)>>, SqlError> {
        let mut keys = Vec::with_capacity(parts.len());
        for part in parts {
            let ExpressionKind::Binary(BinaryOperator::Equal, left, right) = &part.kind else { return Ok(None) };
            if holds_query(part) {
                return Ok(None);
            }
            let mut sides = [(left.as_ref(), 0), (right.as_ref(), 1)];
            let bound = [self.expression(left, &mut Env::over(both))?, self.expression(right, &mut Env::over(both))?];
            let is_outer = bound.each_ref().map(|e| reads_outer(e, width));
            if is_outer[0] {
                sides.reverse();
            }
            let [(inner, at), (_, other)] = sides;
            let mut read = BTreeSet::new();
            bound[other].columns(&mut read);
            if is_outer[at] || !is_outer[other] || read.iter().any(|&c| c >= width) {
                return Ok(None);
            }
            keys.push((with_one_zero(inner, &bound[at].typed().data_type), bound[other].clone()));
        }
        Ok(Some(keys))
    }

    /// Grouped by what is compared with outer values as well.
    fn rows_by_key(&mut self, select: Select, keys: Vec<(Expression, Expr)>) -> Result<Rows, SqlError> {
        let inner: Vec<Expression> = keys.iter().map(|(inner, _)| inner.clone()).collect();
        let query = query_of(with_keys(select, inner, |s| self.is_aggregate(s)));
        let node = self.query(&query)?;
        let mut conditions = Vec::with_capacity(keys.len());
        for (position, (inner, outer)) in keys.into_iter().enumerate() {
            let key = Expr::column(QUERY_BASE + position, node.columns[position].typed.clone());
            conditions.push(self.call("=", vec![outer, key], inner.span)?);
        }
        Ok(behind_keys(node, conditions))
    }

    /// Grouped by the outer values `used`, with which the inner tables are joined.
    fn rows_by_values(&mut self, select: &Select, base: &PlanNode, scope: &Scope, used: &BTreeSet<usize>) -> Result<Rows, SqlError> {
        let values = self.distinct_values(base, used, select.span);
        let (node, inner) = self.from(&select.from, select.span)?;
        let node = joined(values, node, JoinKind::Inner, None, [self.settings.state_ttl_ms; 2]);
        // Each outer value twice: under its own name, and under one that nothing hides.
        let count = used.len();
        let mut projection: Vec<Expr> = all_columns(&node);
        let copies: Vec<Expr> = projection.iter().take(count).cloned().collect();
        let mut columns: Vec<PlanColumn> = node.columns.clone();
        for (position, copy) in copies.into_iter().enumerate() {
            columns.insert(position, PlanColumn { name: key_name(position), ..node.columns[position].clone() });
            projection.insert(position, copy);
        }
        let node = calc(node, None, projection, columns);
        let column = |at: usize, qualifier: Option<String>, name: String, is_hidden: bool| ScopeColumn {
            qualifier,
            column: PlanColumn { name, ..node.columns[at].clone() },
            is_hidden,
        };
        let copies = (0..count).map(|at| column(at, Some(OUTER.to_owned()), key_name(at), true));
        let own = used.iter().enumerate().map(|(at, &c)| {
            let known = &scope.columns[c];
            column(count + at, known.qualifier.clone(), known.column.name.clone(), known.is_hidden)
        });
        let both = Scope { columns: copies.chain(own).chain(inner.columns).collect(), outer: 2 * count };
        let mut node = node;
        if let Some(selection) = &select.selection {
            node = pushed(self.filtered(node, &both, selection)?);
        }
        let keys = (0..count).map(|at| outer_value(at, select.span)).collect();
        let select = with_keys(Select { selection: None, ..select.clone() }, keys, |s| self.is_aggregate(s));
        let items = self.items(&select.items, &both)?;
        let ttl = self.settings.state_ttl_ms;
        let node = if self.is_aggregate(&select) {
            self.aggregate(node, &both, &select, &items, ttl)?
        } else {
            let projection = items.iter().map(|i| self.expression(&i.expression, &mut Env::over(&both))).collect::<Result<_, _>>()?;
            self.projected(node, None, projection, None, &items, Vec::new(), ttl)?
        };
        let node = if select.distinct { self.distinct(node, ttl, select.span) } else { node };
        let mut conditions = Vec::with_capacity(count);
        for (position, &column) in used.iter().enumerate() {
            let typed = scope.columns[column].column.typed.clone();
            let sign = if typed.nullable { "IS NOT DISTINCT FROM" } else { "=" };
            let key = Expr::column(QUERY_BASE + position, node.columns[position].typed.clone());
            conditions.push(self.call(sign, vec![Expr::column(column, typed), key], select.span)?);
        }
        Ok(behind_keys(node, conditions))
    }

    /// The distinct values of these columns. Both zeros are one value: each outer row has to find one of them only.
    pub(super) fn distinct_values(&mut self, base: &PlanNode, used: &BTreeSet<usize>, span: Span) -> PlanNode {
        let projection: Vec<Expr> = used.iter().map(|&c| one_zero(Expr::column(c, base.columns[c].typed.clone()))).collect();
        let columns = used.iter().map(|&c| base.columns[c].clone()).collect();
        self.distinct(calc(base.clone(), None, projection, columns), self.settings.state_ttl_ms, span)
    }

    pub(super) fn is_aggregate(&self, select: &Select) -> bool {
        let aggregates = |e: &Expression| super::super::aggregate::find_aggregate(e, &self.names.functions).is_some();
        let item_aggregates = |item: &SelectItem| matches!(item, SelectItem::Expression { expression, .. } if aggregates(expression));
        select.group_by.is_some() || select.having.is_some() || select.items.iter().any(item_aggregates)
    }
}

fn uncorrelated(node: PlanNode) -> Rows {
    behind(node, 0, Vec::new())
}

/// Rows whose first columns are those that the conditions read.
fn behind_keys(node: PlanNode, conditions: Vec<Expr>) -> Rows {
    behind(node, conditions.len(), conditions)
}

fn behind(node: PlanNode, first: usize, conditions: Vec<Expr>) -> Rows {
    let selected = node.columns.iter().enumerate().skip(first);
    let (items, names) = selected.map(|(i, c)| (Expr::column(QUERY_BASE + i, c.typed.clone()), c.name.clone())).unzip();
    Rows { node, items, names, conditions, of_nothing: Vec::new() }
}

/// The same SELECT with these expressions before its own, and grouped by them too.
fn with_keys(mut select: Select, keys: Vec<Expression>, is_aggregate: impl Fn(&Select) -> bool) -> Select {
    if is_aggregate(&select) {
        let keys = keys.iter().cloned().map(GroupingElement::Expression);
        select.group_by = Some(select.group_by.take().into_iter().flatten().chain(keys).collect());
    }
    let keys = keys.into_iter().enumerate().map(|(position, key)| named(key, &key_name(position)));
    select.items = keys.chain(std::mem::take(&mut select.items)).collect();
    select
}

fn key_name(position: usize) -> String {
    format!("$key{position}")
}

fn outer_value(position: usize, span: Span) -> Expression {
    let part = |value: &str| Identifier { value: value.to_owned(), span };
    let parts = vec![part(OUTER), part(&key_name(position))];
    Expression { kind: ExpressionKind::Name(ObjectName { parts }), span }
}

fn reads_outer(expr: &Expr, width: usize) -> bool {
    let mut used = BTreeSet::new();
    expr.columns(&mut used);
    used.first().is_some_and(|&first| first < width)
}

/// The outer columns that `expression` names.
fn outer_names(expression: &Expression, both: &Scope, into: &mut BTreeSet<usize>) {
    if let ExpressionKind::Name(name) = &expression.kind
        && let Ok(found) = both.resolve(name)
        && found.index < both.outer
    {
        into.insert(found.index);
    }
    if let ExpressionKind::Call(call) = &expression.kind {
        call.filter.iter().for_each(|filter| outer_names(filter, both, into));
    }
    super::super::aggregate::parts(expression).into_iter().for_each(|part| outer_names(part, both, into));
}

/// What inner rows are grouped by: both zeros are equal to an outer one, so they have to be in one group.
fn with_one_zero(inner: &Expression, data_type: &DataType) -> Expression {
    if !matches!(data_type, DataType::Float | DataType::Double) {
        return inner.clone();
    }
    let expression = |kind| Box::new(Expression { kind, span: inner.span });
    let number = expression(ExpressionKind::Literal(Literal::Number("0".into())));
    let zero = ExpressionKind::Cast { value: number, data_type: data_type.clone(), length: None, parts: Vec::new(), kind: CastKind::Cast };
    let sum = ExpressionKind::Binary(BinaryOperator::Plus, Box::new(inner.clone()), expression(zero));
    Expression { kind: sum, span: inner.span }
}

fn and(left: Expression, right: Expression) -> Expression {
    let span = left.span.to(right.span);
    Expression { kind: ExpressionKind::Binary(BinaryOperator::And, Box::new(left), Box::new(right)), span }
}
