//! Evaluates an expression over a batch.

use super::{
    EvaluationContext, Expr,
    choice::{case, coalesce},
    logical::logical,
};
use crate::{Columnar, EvaluationError, cast, scalar::Call};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_select::take::take;
use std::collections::BTreeSet;

/// The value of `expr` over `rows`.
///
/// # Errors
/// Data on which a part fails.
pub fn evaluate(expr: &Expr, rows: &RecordBatch, context: &EvaluationContext) -> Result<Columnar, EvaluationError> {
    match expr {
        Expr::Column { index, .. } => Ok(Columnar::Array(rows.column(*index).clone())),
        Expr::Literal { value, .. } => Ok(Columnar::Scalar(value.clone())),
        Expr::Call { function, arguments, typed } => {
            let arguments = arguments.iter().map(|a| evaluate(a, rows, context)).collect::<Result<Vec<_>, _>>()?;
            function.evaluate(&Call { arguments: &arguments, rows: rows.num_rows(), result: typed, context })
        }
        Expr::Cast { value, target, is_try, .. } => {
            let from = value.typed().data_type;
            cast::cast(&evaluate(value, rows, context)?, &from, target, *is_try, context)
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
        return evaluate(expr, rows, context);
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
    evaluate(expr, &RecordBatch::try_new_with_options(rows.schema(), columns, &options)?, context)
}
