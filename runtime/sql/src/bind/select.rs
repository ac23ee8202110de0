//! Bodies of queries: `SELECT`, `VALUES`, set operations.

use super::{Binder, aggregate, all_columns, calc, expression::Env, not_yet, scope::Scope};
use crate::{
    ast::{Expression, ExpressionKind, ObjectName, QueryBody, Select, SelectItem, SetOperator, Span},
    error::{SqlError, nearest},
    plan::{NodeKind, PlanColumn, PlanNode},
};
use millrace_functions::{Expr, Typed, coercion};
use millrace_model::DataType;

impl Binder<'_> {
    pub(crate) fn query_body(&mut self, body: &QueryBody) -> Result<PlanNode, SqlError> {
        match body {
            QueryBody::Select(select) => self.select(select),
            QueryBody::Query(query) => self.query(query),
            QueryBody::Values { rows, span } => self.values(rows, *span),
            QueryBody::Set { operator: SetOperator::Union, all, left, right, span } => {
                let (left, right) = (self.query_body(left)?, self.query_body(right)?);
                let union = self.union(left, right, *span)?;
                if *all { Ok(union) } else { Ok(self.distinct(union, None)) }
            }
            QueryBody::Set { operator: SetOperator::Intersect, span, .. } => Err(self.placed(not_yet("INTERSECT", *span))),
            QueryBody::Set { operator: SetOperator::Except, span, .. } => Err(self.placed(not_yet("EXCEPT", *span))),
        }
    }

    fn select(&mut self, select: &Select) -> Result<PlanNode, SqlError> {
        super::hints::check(&select.hints).map_err(|e| self.placed(e))?;
        let (mut node, scope) = self.from(&select.from, select.span)?;
        if select.qualify.is_some() || !select.windows.is_empty() {
            return Err(self.placed(not_yet("`OVER` windows", select.span)));
        }
        if let Some(selection) = &select.selection {
            if let Some(found) = aggregate::find_aggregate(selection, &self.names.functions) {
                let error = self.error("sql.misplaced_aggregate", "aggregates cannot stand in WHERE", found);
                return Err(error.with_hint("filter groups with HAVING"));
            }
            let predicate = self.condition(selection, &mut Env::over(&scope))?;
            let (columns, projection) = (node.columns.clone(), all_columns(&node));
            node = calc(node, Some(predicate), projection, columns);
        }
        let state_ttl_ms = self.state_ttl(&select.hints)?.or(self.settings.state_ttl_ms);
        let items = self.items(&select.items, &scope)?;
        let aggregates = |e: &Expression| aggregate::find_aggregate(e, &self.names.functions).is_some();
        let is_aggregate = select.group_by.is_some() || select.having.is_some() || items.iter().any(|i| aggregates(&i.expression));
        let node = if is_aggregate {
            self.aggregate(node, &scope, select, &items, state_ttl_ms)?
        } else {
            let mut env = Env::over(&scope);
            let (mut projection, mut columns) = (Vec::new(), Vec::new());
            for item in &items {
                let expr = self.expression(&item.expression, &mut env)?;
                columns.push(computed_column(&item.name, &expr, &node.columns));
                projection.push(expr);
            }
            calc(node, None, projection, columns)
        };
        Ok(if select.distinct { self.distinct(node, state_ttl_ms) } else { node })
    }

    /// The items behind SELECT, stars spelt out, each with its name.
    fn items(&self, items: &[SelectItem], scope: &Scope) -> Result<Vec<NamedItem>, SqlError> {
        let mut named = Vec::new();
        for item in items {
            match item {
                SelectItem::Wildcard { qualifier, span } => self.wildcard(qualifier.as_ref(), *span, scope, &mut named)?,
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
        let Some(wanted) = wanted else {
            return Err(self.error("sql.no_columns", "`*` stands for no column: there is no FROM", span));
        };
        let error = self.error("sql.unknown_table", format!("there is no table `{}` in FROM", wanted.value), span);
        Err(match nearest(&wanted.value, scope.columns.iter().filter_map(|c| c.qualifier.as_deref())) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error,
        })
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

    fn union(&mut self, left: PlanNode, right: PlanNode, span: Span) -> Result<PlanNode, SqlError> {
        if left.columns.len() != right.columns.len() {
            let message = format!("the queries of UNION have {} and {} columns", left.columns.len(), right.columns.len());
            return Err(self.error("sql.column_count", message, span));
        }
        let mut columns = Vec::with_capacity(left.columns.len());
        for (index, (l, r)) in left.columns.iter().zip(&right.columns).enumerate() {
            let Some(data_type) = coercion::common_type(&l.typed.data_type, &r.typed.data_type) else {
                let message = format!(
                    "column {} of UNION is `{}` {} on the left and `{}` {} on the right",
                    index + 1,
                    l.name,
                    l.typed.data_type,
                    r.name,
                    r.typed.data_type
                );
                return Err(self.error("sql.type_mismatch", message, span).with_hint("cast one of them"));
            };
            let mut column = PlanColumn::new(&l.name, Typed::new(data_type, l.typed.nullable || r.typed.nullable));
            column.time = l.time.filter(|_| l.time == r.time);
            column.lineage = l.lineage.union(&r.lineage).cloned().collect();
            columns.push(column);
        }
        let mut inputs = Vec::new();
        for side in [left, right] {
            let side = self.with_types(side, &columns);
            match side.kind {
                NodeKind::Union { inputs: inner } => inputs.extend(inner),
                _ => inputs.push(side),
            }
        }
        Ok(PlanNode { kind: NodeKind::Union { inputs }, columns })
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

    fn distinct(&self, node: PlanNode, state_ttl_ms: Option<u64>) -> PlanNode {
        let keys = (0..node.columns.len()).collect();
        let columns = node.columns.iter().map(|c| PlanColumn { time: None, window: None, ..c.clone() }).collect();
        let mini_batch = self.settings.mini_batch();
        let state_ttl_ms = state_ttl_ms.or(self.settings.state_ttl_ms);
        let kind = NodeKind::GroupAggregate { input: Box::new(node), keys, calls: Vec::new(), state_ttl_ms, mini_batch };
        PlanNode { kind, columns }
    }

    fn state_ttl(&self, hints: &[crate::ast::Hint]) -> Result<Option<u64>, SqlError> {
        // An aggregate has one input, so the first duration is its own.
        let mut given = hints.iter().filter(|h| h.name.value.eq_ignore_ascii_case("STATE_TTL")).flat_map(|h| &h.options);
        let Some(option) = given.next() else {
            return Ok(None);
        };
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
