//! A query as a value: a column of rows that are joined where the value is used.

use super::{
    super::{Binder, expression::Env, not_yet, null_literal},
    Attached, QUERY_BASE, all_of, call_of, named, plain_select, query_of,
    rows::Rows,
};
use crate::{
    ast::{
        Expression, ExpressionKind, Identifier, ObjectName, Query, Select, SelectItem, Span, TableAlias, TableReference, TableReferenceKind,
    },
    error::SqlError,
};
use millrace_functions::Expr;

/// Name of the column that is the value.
const VALUE: &str = "$value";

impl Binder<'_> {
    /// `(query)`
    pub(in super::super) fn query_value(&mut self, query: &Query, span: Span, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        if self.attaching.is_none() {
            return Err(self.placed(not_yet("a query as a value in this place", span)));
        }
        let (rows, column) = self.value_rows(query, span, env)?;
        let Rows { node, conditions, of_nothing, .. } = rows;
        let mut typed = node.columns.get(column).map(|c| c.typed.clone()).unwrap_or_else(|| null_literal().typed());
        typed.nullable = true;
        let Some(attaching) = self.attaching.as_mut() else { return Ok(null_literal()) };
        let first = attaching.push(Attached { node, condition: all_of(conditions) });
        let value = Expr::column(first + column, typed);
        match of_nothing.into_iter().next().flatten() {
            Some(of_nothing) => self.coalesce(vec![value, of_nothing], span),
            None => Ok(value),
        }
    }

    /// The rows to be joined, and which of their columns is the value.
    fn value_rows(&mut self, query: &Query, span: Span, env: &Env<'_>) -> Result<(Rows, usize), SqlError> {
        if let Some(select) = plain_select(query)
            && select.group_by.is_none()
            && let Some((value, is_aggregate)) = self.only_item(select)
        {
            let value = if is_aggregate { value.clone() } else { call_of("SINGLE_VALUE", value.clone()) };
            let grouped = Select { items: vec![named(value, VALUE)], distinct: false, ..select.clone() };
            let attaching = self.attaching.take();
            let base = attaching.as_ref().and_then(|a| a.base.clone());
            let rows = self.grouped_rows(&grouped, base.as_ref(), env.scope, !is_aggregate);
            self.attaching = attaching;
            let rows = rows?;
            if !rows.conditions.is_empty() {
                let rows = self.seen_from(rows, env, span)?;
                let column = rows.conditions.len();
                return Ok((rows, column));
            }
        }
        let single;
        let query = if self.has_one_row(query) {
            query
        } else {
            single = single_value(query, span);
            &single
        };
        let attaching = self.attaching.take();
        let node = self.query(query);
        self.attaching = attaching;
        let node = node?;
        if node.columns.len() != 1 {
            let message = format!("a query as a value has one column, this one has {}", node.columns.len());
            return Err(self.error("sql.column_count", message, span));
        }
        Ok((Rows { node, items: Vec::new(), names: Vec::new(), conditions: Vec::new(), of_nothing: Vec::new() }, 0))
    }

    /// The only item of a SELECT, and whether it is an aggregate.
    fn only_item<'s>(&self, select: &'s Select) -> Option<(&'s Expression, bool)> {
        match select.items.as_slice() {
            [SelectItem::Expression { expression, .. }] => Some((expression, self.is_aggregate(select))),
            _ => None,
        }
    }
}

/// `SELECT SINGLE_VALUE(c) FROM (query) AS t (c)`: an error if there is a second row.
fn single_value(query: &Query, span: Span) -> Query {
    aggregates_of(query, &["SINGLE_VALUE"], span)
}

/// `SELECT f(c), g(c), … FROM (query) AS t (c)`
pub(super) fn aggregates_of(query: &Query, functions: &[&str], span: Span) -> Query {
    let identifier = |value: &str| Identifier { value: value.to_owned(), span };
    let column = Expression { kind: ExpressionKind::Name(ObjectName { parts: vec![identifier(VALUE)] }), span };
    let star = Expression { kind: ExpressionKind::Star, span };
    let item = |name: &&str| {
        let (name, argument) = name.strip_suffix("(*)").map_or((*name, &column), |name| (name, &star));
        SelectItem::Expression { expression: call_of(name, argument.clone()), alias: None }
    };
    let from = TableReference {
        kind: TableReferenceKind::Derived { query: Box::new(query.clone()), lateral: false },
        alias: Some(TableAlias { name: identifier("$query"), columns: vec![identifier(VALUE)] }),
        span,
    };
    query_of(Select {
        hints: Vec::new(),
        distinct: false,
        items: functions.iter().map(item).collect(),
        from: vec![from],
        selection: None,
        group_by: None,
        having: None,
        windows: Vec::new(),
        qualify: None,
        emit: None,
        span,
    })
}

/// The first column of an inner query's own.
pub(super) fn inner_column(position: usize, node: &crate::plan::PlanNode) -> Expr {
    Expr::column(QUERY_BASE + position, node.columns[position].typed.clone())
}
