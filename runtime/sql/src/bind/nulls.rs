//! NULL where nothing says of which type it is: refused, as in Flink.
//!
//! Columns that an INSERT writes have types of their own, so its query may select NULL; so may a list of values one of which has
//! a type.

use crate::{
    ast::{Expression, ExpressionKind, Literal, Query, QueryBody, SelectItem, Span, TableReference, TableReferenceKind},
    error::SqlError,
};

/// Whether it is the word NULL.
pub(super) fn is_null(expression: &Expression) -> bool {
    matches!(expression.kind, ExpressionKind::Literal(Literal::Null))
}

/// The error about a NULL at this place.
pub(super) fn untyped(span: Span) -> SqlError {
    SqlError::new("sql.untyped_null", "nothing says here of which type NULL is", span).with_hint("write its type: `CAST(NULL AS INT)`")
}

/// Refuses NULL without a type.
pub(super) fn check(expression: &Expression) -> Result<(), SqlError> {
    if is_null(expression) { Err(untyped(expression.span)) } else { Ok(()) }
}

/// Refuses NULL as a column of a query or of one in its FROM; with `has_types` the columns of the query itself have types.
///
/// # Errors
/// The first such column.
pub(crate) fn check_columns(query: &Query, has_types: bool) -> Result<(), SqlError> {
    query.with.iter().try_for_each(|table| check_columns(&table.query, false))?;
    check_body(&query.body, has_types)
}

fn check_body(body: &QueryBody, has_types: bool) -> Result<(), SqlError> {
    match body {
        QueryBody::Query(query) => check_columns(query, has_types),
        QueryBody::Values { rows, .. } if !has_types => rows.iter().flatten().try_for_each(check),
        QueryBody::Values { .. } => Ok(()),
        QueryBody::Set { left, right, .. } => {
            check_body(left, has_types)?;
            check_body(right, has_types)
        }
        QueryBody::Select(select) => {
            for item in &select.items {
                if let SelectItem::Expression { expression, .. } = item
                    && !has_types
                {
                    check(expression)?;
                }
            }
            select.from.iter().try_for_each(check_table)
        }
    }
}

fn check_table(table: &TableReference) -> Result<(), SqlError> {
    match &table.kind {
        TableReferenceKind::Derived { query, .. } => check_columns(query, false),
        TableReferenceKind::Join { left, right, .. } => {
            check_table(left)?;
            check_table(right)
        }
        _ => Ok(()),
    }
}
