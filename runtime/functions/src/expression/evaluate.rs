//! Evaluates an expression over a batch.

use super::{EvaluationContext, Expr};
use crate::{Columnar, EvaluationError, cast, scalar::Call};
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array, cast::AsArray, new_null_array};
use arrow_buffer::BooleanBuffer;
use arrow_select::{interleave::interleave, take::take_record_batch};
use std::sync::Arc;

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

/// Values of several parts, each over some of the rows, put back in the order of the rows.
struct Scatter {
    parts: Vec<ArrayRef>,
    /// Per row the part and the position in it; part 0 is one NULL.
    places: Vec<(usize, usize)>,
}

impl Scatter {
    fn new(typed: &crate::Typed, rows: usize) -> Self {
        Self { parts: vec![new_null_array(&typed.data_type.to_arrow(), 1)], places: vec![(0, 0); rows] }
    }

    /// Evaluates `expr` for the rows numbered in `chosen`.
    fn add(&mut self, expr: &Expr, chosen: &[u32], rows: &RecordBatch, context: &EvaluationContext) -> Result<(), EvaluationError> {
        if chosen.is_empty() {
            return Ok(());
        }
        let values = over_rows(expr, chosen, rows, context)?;
        let part = self.parts.len();
        for (position, &row) in chosen.iter().enumerate() {
            self.places[row as usize] = (part, values.index(position));
        }
        self.parts.push(values.inner().clone());
        Ok(())
    }

    fn finish(self) -> Result<Columnar, EvaluationError> {
        let parts: Vec<&dyn Array> = self.parts.iter().map(AsRef::as_ref).collect();
        Ok(Columnar::Array(interleave(&parts, &self.places)?))
    }
}

fn over_rows(expr: &Expr, chosen: &[u32], rows: &RecordBatch, context: &EvaluationContext) -> Result<Columnar, EvaluationError> {
    if chosen.len() == rows.num_rows() || matches!(expr, Expr::Literal { .. }) {
        return evaluate(expr, rows, context);
    }
    evaluate(expr, &take_record_batch(rows, &UInt32Array::from(chosen.to_vec()))?, context)
}

fn case(
    branches: &[(Expr, Expr)],
    otherwise: Option<&Expr>,
    typed: &crate::Typed,
    rows: &RecordBatch,
    context: &EvaluationContext,
) -> Result<Columnar, EvaluationError> {
    let mut scatter = Scatter::new(typed, rows.num_rows());
    let mut open: Vec<u32> = (0..rows.num_rows() as u32).collect();
    for (when, then) in branches {
        if open.is_empty() {
            break;
        }
        let condition = over_rows(when, &open, rows, context)?;
        let truth = condition.inner().as_boolean();
        let holds = |position: usize| {
            let i = condition.index(position);
            truth.is_valid(i) && truth.value(i)
        };
        let (mut chosen, mut rest) = (Vec::new(), Vec::new());
        for (position, &row) in open.iter().enumerate() {
            if holds(position) { chosen.push(row) } else { rest.push(row) }
        }
        scatter.add(then, &chosen, rows, context)?;
        open = rest;
    }
    if let Some(otherwise) = otherwise {
        scatter.add(otherwise, &open, rows, context)?;
    }
    scatter.finish()
}

fn coalesce(arguments: &[Expr], typed: &crate::Typed, rows: &RecordBatch, context: &EvaluationContext) -> Result<Columnar, EvaluationError> {
    let mut scatter = Scatter::new(typed, rows.num_rows());
    let mut open: Vec<u32> = (0..rows.num_rows() as u32).collect();
    for argument in arguments {
        if open.is_empty() {
            break;
        }
        let values = over_rows(argument, &open, rows, context)?;
        let part = scatter.parts.len();
        let mut rest = Vec::new();
        for (position, &row) in open.iter().enumerate() {
            if values.is_null(position) {
                rest.push(row);
            } else {
                scatter.places[row as usize] = (part, values.index(position));
            }
        }
        scatter.parts.push(values.inner().clone());
        open = rest;
    }
    scatter.finish()
}

/// Three-valued `AND` (`decisive` false) or `OR` (`decisive` true): a row that is decided is not looked at again.
fn logical(parts: &[Expr], decisive: bool, rows: &RecordBatch, context: &EvaluationContext) -> Result<Columnar, EvaluationError> {
    let count = rows.num_rows();
    let mut open: Vec<u32> = (0..count as u32).collect();
    let mut decided = vec![false; count];
    let mut unknown = vec![false; count];
    for part in parts {
        if open.is_empty() {
            break;
        }
        let values = over_rows(part, &open, rows, context)?;
        let truth = values.inner().as_boolean();
        let mut rest = Vec::with_capacity(open.len());
        for (position, &row) in open.iter().enumerate() {
            let i = values.index(position);
            if truth.is_null(i) {
                unknown[row as usize] = true;
                rest.push(row);
            } else if truth.value(i) == decisive {
                decided[row as usize] = true;
            } else {
                rest.push(row);
            }
        }
        open = rest;
    }
    let values = BooleanBuffer::collect_bool(count, |row| decided[row] == decisive);
    let valid = BooleanBuffer::collect_bool(count, |row| decided[row] || !unknown[row]);
    Ok(Columnar::Array(Arc::new(BooleanArray::new(values, Some(valid.into())))))
}
