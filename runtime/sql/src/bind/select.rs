//! Bodies of queries: `SELECT`, `VALUES`, set operations.

use super::{
    Binder, aggregate, all_columns, calc,
    expression::Env,
    order::with_aliases,
    over::OverCalls,
    scope::Scope,
    subquery::{Attaching, two_valued},
};
use crate::{
    ast::{Expression, ExpressionKind, ObjectName, QueryBody, Select, SelectItem, Span, TableReferenceKind},
    error::{SqlError, nearest},
    plan::{NodeKind, PlanColumn, PlanNode, pushed, refused_window_join},
};
use millrace_functions::{Expr, Typed};
use millrace_model::DataType;

impl Binder<'_> {
    pub(crate) fn query_body(&mut self, body: &QueryBody) -> Result<PlanNode, SqlError> {
        match body {
            QueryBody::Select(select) => self.select(select),
            QueryBody::Query(query) => self.query(query),
            QueryBody::Values { rows, span } => self.values(rows, *span),
            QueryBody::Set { operator, all, left, right, span } => {
                let sides = (self.query_body(left)?, self.query_body(right)?);
                self.set_operation(*operator, *all, sides, *span)
            }
        }
    }

    fn select(&mut self, select: &Select) -> Result<PlanNode, SqlError> {
        super::hints::check(&select.hints).map_err(|e| self.placed(e))?;
        let ttl_hints = self.ttl_hints(&select.hints, &select.from)?;
        let outer_hints = std::mem::replace(&mut self.ttl_hints, ttl_hints);
        let outer_selection = std::mem::replace(&mut self.selection, select.selection.clone());
        let from = self.from(&select.from, select.span);
        self.selection = outer_selection;
        let (mut node, scope) = from?;
        let ttl_hints = std::mem::replace(&mut self.ttl_hints, outer_hints);
        self.check_named_windows(&select.windows)?;
        let select = &self.with_qualified_aliases(select, &scope);
        if let Some(selection) = &select.selection {
            if let Some(found) = aggregate::find_aggregate(selection, &self.names.functions) {
                let error = self.error("sql.misplaced_aggregate", "aggregates cannot stand in WHERE", found);
                return Err(error.with_hint("filter groups with HAVING"));
            }
            node = self.filtered(node, &scope, selection)?;
            node = self.ranked(node)?;
        }
        let has_join = select.from.len() > 1 || select.from.iter().any(|t| matches!(t.kind, TableReferenceKind::Join { .. }));
        if has_join || select.selection.is_some() {
            // Which kind of join it is decides whether its columns are still time attributes.
            node = pushed(node);
            if let Some(message) = refused_window_join(&node) {
                return Err(self.error("sql.unsupported", message, select.span));
            }
        }
        // An aggregate has one input, so the first duration is its own; of a join the hint names the sides.
        let hinted = ttl_hints.first().filter(|_| !has_join).and_then(|(_, ttl_ms)| *ttl_ms);
        let state_ttl_ms = hinted.or(self.settings.state_ttl_ms);
        let items = self.items(&select.items, &scope)?;
        let aggregates = |e: &Expression| aggregate::find_aggregate(e, &self.names.functions).is_some();
        let is_aggregate = select.group_by.is_some() || select.having.is_some() || items.iter().any(|i| aggregates(&i.expression));
        let node = if is_aggregate {
            self.aggregate(node, &scope, select, &items, state_ttl_ms)?
        } else {
            self.refuse_emit_clause(select.emit.as_ref())?;
            let outer = self.begin_values(Attaching::over(&node), &items, select.qualify.as_ref());
            let mut env = Env { over: Some(OverCalls::new(&select.windows)), ..Env::over(&scope) };
            let projection = items.iter().map(|i| self.expression(&i.expression, &mut env)).collect::<Result<_, _>>();
            let qualify = select.qualify.as_ref().map(|q| self.condition(q, &mut env)).transpose();
            let calls = env.over.take().map(|o| o.calls).unwrap_or_default();
            let attaching = self.end_values(outer);
            let node = self.attach(node, attaching, &|i| i);
            self.projected(node, None, projection?, qualify?, &items, calls, state_ttl_ms)?
        };
        Ok(if select.distinct { self.distinct(node, state_ttl_ms, select.span) } else { node })
    }

    /// From here on queries may stand for values of SELECT and QUALIFY; answers what was before.
    pub(super) fn begin_values(&mut self, attaching: Attaching, items: &[NamedItem], qualify: Option<&Expression>) -> ValuesBefore {
        let mut spans = Vec::new();
        items.iter().for_each(|item| two_valued(&item.expression, false, &mut spans));
        qualify.iter().for_each(|qualify| two_valued(qualify, true, &mut spans));
        ValuesBefore { attaching: self.attaching.replace(attaching), two_valued: std::mem::replace(&mut self.two_valued, spans) }
    }

    /// The rows that are to be joined for these values.
    pub(super) fn end_values(&mut self, before: ValuesBefore) -> Option<Attaching> {
        self.two_valued = before.two_valued;
        std::mem::replace(&mut self.attaching, before.attaching)
    }

    /// QUALIFY may use the names that SELECT gives, where no column has them.
    fn with_qualified_aliases(&self, select: &Select, scope: &Scope) -> Select {
        let is_column = |name: &ObjectName| scope.resolve(name).is_ok();
        let qualify = select.qualify.as_ref().map(|condition| with_aliases(condition, &select.items, &is_column));
        Select { qualify, ..select.clone() }
    }

    /// The items behind SELECT, stars spelt out, each with its name.
    pub(super) fn items(&self, items: &[SelectItem], scope: &Scope) -> Result<Vec<NamedItem>, SqlError> {
        let mut named = Vec::new();
        for item in items {
            match item {
                SelectItem::Wildcard { qualifier, span } => {
                    self.wildcard(qualifier.as_ref(), *span, scope, &mut named)?;
                    self.check_width(named.len(), *span)?;
                }
                SelectItem::Expression { expression, alias } => {
                    let name = match (alias, &expression.kind) {
                        (Some(alias), _) => alias.value.clone(),
                        (None, ExpressionKind::Name(name)) => name.parts.last().map(|p| p.value.clone()).unwrap_or_default(),
                        (None, ExpressionKind::Field(_, field)) => field.value.clone(),
                        _ => format!("EXPR${}", named.len()),
                    };
                    named.push(NamedItem { expression: expression.clone(), name });
                }
            }
        }
        Ok(named)
    }

    fn wildcard(&self, qualifier: Option<&ObjectName>, span: Span, scope: &Scope, into: &mut Vec<NamedItem>) -> Result<(), SqlError> {
        let wanted = qualifier.and_then(|q| q.parts.last());
        let before = into.len();
        for column in &scope.columns {
            if wanted.is_none() && column.is_hidden {
                continue;
            }
            if wanted.is_some_and(|w| column.qualifier.as_deref() != Some(&w.value)) {
                continue;
            }
            let mut parts: Vec<crate::ast::Identifier> = Vec::new();
            // The table's name is needed where two tables have a column of this name.
            if let Some(qualifier) = &column.qualifier {
                parts.push(crate::ast::Identifier { value: qualifier.clone(), span });
            }
            parts.push(crate::ast::Identifier { value: column.column.name.clone(), span });
            let kind = ExpressionKind::Name(ObjectName { parts });
            into.push(NamedItem { expression: Expression { kind, span }, name: column.column.name.clone() });
        }
        if into.len() > before {
            return Ok(());
        }
        if let Some(row) = qualifier
            && self.row_fields(row, span, scope, into)
        {
            return Ok(());
        }
        let Some(wanted) = wanted else {
            return Err(self.error("sql.no_columns", "`*` stands for no column: there is no FROM", span));
        };
        let error = self.error("sql.unknown_table", format!("there is no table `{}` in FROM", wanted.value), span);
        Err(match nearest(&wanted.value, scope.columns.iter().filter_map(|c| c.qualifier.as_deref())) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error,
        })
    }

    /// `row.*`: the fields of a column of ROW. False if there is no such column.
    fn row_fields(&self, row: &ObjectName, span: Span, scope: &Scope, into: &mut Vec<NamedItem>) -> bool {
        let Ok(found) = scope.resolve(row) else { return false };
        let mut data_type = scope.columns.get(found.index).map(|c| c.column.typed.data_type.clone());
        for field in found.fields {
            data_type = match data_type {
                Some(DataType::Row(fields)) => fields.into_iter().find(|f| f.name == field.value).map(|f| f.data_type),
                _ => None,
            };
        }
        let Some(DataType::Row(fields)) = data_type else { return false };
        for field in fields {
            let value = Box::new(Expression { kind: ExpressionKind::Name(row.clone()), span });
            let kind = ExpressionKind::Field(value, crate::ast::Identifier { value: field.name.clone(), span });
            into.push(NamedItem { expression: Expression { kind, span }, name: field.name });
        }
        true
    }

    fn values(&mut self, rows: &[Vec<Expression>], span: Span) -> Result<PlanNode, SqlError> {
        let width = rows.first().map_or(0, Vec::len);
        let mut bound: Vec<Vec<Expr>> = Vec::with_capacity(rows.len());
        let scope = Scope::default();
        for row in rows {
            if row.len() != width {
                let message = format!("a row of VALUES has {} values, the first has {width}", row.len());
                return Err(self.error("sql.column_count", message, span));
            }
            bound.push(row.iter().map(|e| self.expression(e, &mut Env::over(&scope))).collect::<Result<_, _>>()?);
        }
        let mut columns = Vec::with_capacity(width);
        for index in 0..width {
            let cells: Vec<Expr> = bound.iter().map(|row| row[index].clone()).collect();
            let cells = self.unified(cells, "VALUES", span)?;
            let data_type = cells.first().map_or(DataType::Null, |c| c.typed().data_type);
            let nullable = cells.iter().any(|c| c.typed().nullable);
            columns.push(PlanColumn::new(format!("EXPR${index}"), Typed::new(data_type, nullable)));
            for (row, cell) in bound.iter_mut().zip(cells) {
                row[index] = cell;
            }
        }
        Ok(PlanNode { kind: NodeKind::Values { rows: bound }, columns })
    }

    /// One row without columns, for a SELECT without FROM.
    pub(crate) fn one_row(&self) -> PlanNode {
        PlanNode { kind: NodeKind::Values { rows: vec![Vec::new()] }, columns: Vec::new() }
    }

    /// The same rows cast to the types of `columns`.
    pub(crate) fn with_types(&self, node: PlanNode, columns: &[PlanColumn]) -> PlanNode {
        let same = node.columns.iter().zip(columns).all(|(a, b)| a.typed.data_type == b.typed.data_type);
        if same {
            return node;
        }
        let projection: Vec<Expr> =
            all_columns(&node).into_iter().zip(columns).map(|(e, c)| self.implicit(e, &c.typed.data_type)).collect();
        let columns = (node.columns.iter().zip(columns))
            .map(|(from, to)| PlanColumn { typed: Typed::new(to.typed.data_type.clone(), from.typed.nullable), ..from.clone() })
            .collect();
        calc(node, None, projection, columns)
    }

    pub(super) fn distinct(&self, node: PlanNode, state_ttl_ms: Option<u64>, span: Span) -> PlanNode {
        let keys = (0..node.columns.len()).collect();
        let columns = node.columns.iter().map(|c| PlanColumn { time: None, window: None, ..c.clone() }).collect();
        let mini_batch = self.settings.mini_batch();
        let state_ttl_ms = state_ttl_ms.or(self.settings.state_ttl_ms);
        let span = Some(self.placed_span(span));
        let kind = NodeKind::GroupAggregate { input: Box::new(node), keys, calls: Vec::new(), state_ttl_ms, mini_batch, span };
        PlanNode { kind, columns }
    }

    pub(super) fn ttl_ms(&self, option: &crate::ast::HintOption) -> Result<Option<u64>, SqlError> {
        let value = option.value.as_deref().unwrap_or_default();
        match millrace_model::duration_ms(value) {
            Some(ttl_ms) => Ok(Some(ttl_ms).filter(|&ms| ms > 0)),
            None => {
                let error = self.error("sql.invalid_option", format!("`{value}` is no duration"), option.span);
                Err(error.with_hint("write it as `'1 d'`, `'12 h'` or `'30 min'`"))
            }
        }
    }
}

/// A name that several columns have gets a number, as in Flink: `id`, `id0`, `id1`.
pub(crate) fn unique_names(columns: &mut [PlanColumn]) {
    let mut taken = std::collections::HashSet::new();
    // Per name the first number that may be free: many columns may have one name.
    let mut numbers: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for column in columns {
        if taken.insert(column.name.clone()) {
            continue;
        }
        let wanted = column.name.clone();
        let next = numbers.entry(wanted.clone()).or_default();
        while !taken.insert(column.name.clone()) {
            column.name = format!("{wanted}{next}");
            *next += 1;
        }
    }
}

/// What the clause around the one being bound knows of its values.
pub(super) struct ValuesBefore {
    attaching: Option<Attaching>,
    two_valued: Vec<Span>,
}

/// An item behind SELECT with the name of its column.
pub(crate) struct NamedItem {
    pub expression: Expression,
    pub name: String,
}

/// The column that `expr` over `input` makes.
pub(crate) fn computed_column(name: &str, expr: &Expr, input: &[PlanColumn]) -> PlanColumn {
    if let Expr::Column { index, .. } = expr {
        return PlanColumn { name: name.to_owned(), ..input[*index].clone() };
    }
    let mut used = std::collections::BTreeSet::new();
    expr.columns(&mut used);
    let mut column = PlanColumn::new(name, expr.typed());
    column.lineage = used.into_iter().flat_map(|i| input[i].lineage.iter().cloned()).collect();
    if is_clock(expr) {
        column.time = Some(crate::plan::TimeKind::Proctime);
    }
    column
}

/// `PROCTIME()` is bound to the clock's function.
fn is_clock(expr: &Expr) -> bool {
    matches!(expr, Expr::Call { function, arguments, .. } if arguments.is_empty() && function.name() == "CURRENT_ROW_TIMESTAMP")
}

/// TRUE, for filters that are none.
pub(crate) fn is_true(expr: &Expr) -> bool {
    use arrow_array::cast::AsArray;
    match expr {
        Expr::Literal { value, typed, .. } if typed.data_type == DataType::Boolean => {
            value.as_boolean_opt().is_some_and(|b| b.len() == 1 && !arrow_array::Array::is_null(b, 0) && b.value(0))
        }
        _ => false,
    }
}
