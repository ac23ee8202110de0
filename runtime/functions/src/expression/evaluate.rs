//! Evaluates an expression over a batch.

use super::{
    EvaluationContext, Expr,
    choice::{case, coalesce},
    logical::logical,
};
use crate::{Columnar, EvaluationError, cast, meter, scalar::Call};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_select::take::take;
use std::collections::BTreeSet;

/// The value of `expr` over `rows`.
///
/// # Errors
/// Data on which a part fails, more than a batch may take, work that was cancelled.
pub fn evaluate(expr: &Expr, rows: &RecordBatch, context: &EvaluationContext) -> Result<Columnar, EvaluationError> {
    let before = meter::live_bytes();
    let value = part(expr, rows, context);
    meter::end_of_expression(before);
    value
}

/// The value of an expression that may be part of another one, whose results are still needed.
pub(super) fn part(expr: &Expr, rows: &RecordBatch, context: &EvaluationContext) -> Result<Columnar, EvaluationError> {
    match expr {
        Expr::Column { index, .. } => Ok(Columnar::Array(rows.column(*index).clone())),
        Expr::Literal { value, .. } => Ok(Columnar::Scalar(value.clone())),
        Expr::Call { function, arguments, typed } => {
            let before = meter::live_bytes();
            let arguments = arguments.iter().map(|a| part(a, rows, context)).collect::<Result<Vec<_>, _>>()?;
            let answer = function.evaluate(&Call { arguments: &arguments, rows: rows.num_rows(), result: typed, context });
            let answer = answer.map_err(|error| meter::named(error, function.name()))?;
            // A field of a row is part of what is there anyway.
            let made = if function.name() == "FIELD" { 0 } else { meter::size_bytes(answer.inner()) };
            meter::settle(before, made).map_err(|error| meter::named(error, function.name()))?;
            Ok(answer)
        }
        Expr::Cast { value, target, is_try, .. } => {
            let (before, from) = (meter::live_bytes(), value.typed().data_type);
            let answer = cast::cast(&part(value, rows, context)?, &from, target, *is_try, context);
            let answer = answer.map_err(|error| meter::named(error, "CAST"))?;
            meter::settle(before, meter::size_bytes(answer.inner())).map_err(|error| meter::named(error, "CAST"))?;
            Ok(answer)
        }
        Expr::Case { branches, otherwise, typed } => case(branches, otherwise.as_deref(), typed, rows, context),
        Expr::Coalesce { arguments, typed } => coalesce(arguments, typed, rows, context),
        Expr::And(parts) => logical(parts, false, rows, context),
        Expr::Or(parts) => logical(parts, true, rows, context),
    }
}

/// The value of `expr` for the rows numbered in `chosen`, which ascend.
pub(super) fn over_rows(expr: &Expr, chosen: &[u32], rows: &RecordBatch, context: &EvaluationContext) -> Result<Columnar, EvaluationError> {
    if chosen.len() == rows.num_rows() || matches!(expr, Expr::Literal { .. }) {
        return part(expr, rows, context);
    }
    let mut used = BTreeSet::new();
    expr.columns(&mut used);
    let positions = UInt32Array::from(chosen.to_vec());
    let columns = rows.columns().iter().enumerate().map(|(index, column)| {
        // What is not read only has to be of the right length.
        if used.contains(&index) { take(column, &positions, None) } else { Ok(column.slice(0, chosen.len())) }
    });
    let columns = columns.collect::<Result<Vec<ArrayRef>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(chosen.len()));
    part(expr, &RecordBatch::try_new_with_options(rows.schema(), columns, &options)?, context)
}
