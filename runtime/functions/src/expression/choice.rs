//! `CASE` and `COALESCE`.
//!
//! Parts that can fail are evaluated only for the rows that need them, and their values put together. Where nothing can
//! fail and there are few parts, all are evaluated for all rows and selected from, which is cheaper.

use super::{
    EvaluationContext, Expr,
    evaluate::{over_rows, part as evaluate},
};
use crate::{Columnar, EvaluationError, Typed, meter};
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, cast::AsArray, new_null_array};
use arrow_select::{filter::prep_null_mask_filter, interleave::interleave, zip::zip};

/// Up to how many branches selecting among columns of all rows is cheaper than picking rows.
const SELECTED_BRANCHES_MAX: usize = 4;

/// Values of several parts, each over some of the rows, put back in the order of the rows.
struct Scatter {
    parts: Vec<ArrayRef>,
    /// Per row the part and the position in it; part 0 is one NULL.
    places: Vec<(usize, usize)>,
}

impl Scatter {
    fn new(typed: &Typed, rows: usize) -> Self {
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
        meter::check_places(&parts, &self.places)?;
        Ok(Columnar::Array(interleave(&parts, &self.places)?))
    }
}

pub(super) fn case(
    branches: &[(Expr, Expr)],
    otherwise: Option<&Expr>,
    typed: &Typed,
    rows: &RecordBatch,
    context: &EvaluationContext,
) -> Result<Columnar, EvaluationError> {
    let can_fail = branches.iter().flat_map(|(when, then)| [when, then]).chain(otherwise).any(Expr::can_fail);
    if branches.len() <= SELECTED_BRANCHES_MAX && !can_fail {
        return selected_case(branches, otherwise, typed, rows, context);
    }
    let count = rows.num_rows();
    let mut scatter = Scatter::new(typed, count);
    let mut open: Vec<u32> = (0..count as u32).collect();
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
        if chosen.len() == count {
            return evaluate(then, rows, context);
        }
        scatter.add(then, &chosen, rows, context)?;
        open = rest;
    }
    if let Some(otherwise) = otherwise {
        if open.len() == count {
            return evaluate(otherwise, rows, context);
        }
        scatter.add(otherwise, &open, rows, context)?;
    }
    scatter.finish()
}

/// Selects from values of all rows, the last branch first.
fn selected_case(
    branches: &[(Expr, Expr)],
    otherwise: Option<&Expr>,
    typed: &Typed,
    rows: &RecordBatch,
    context: &EvaluationContext,
) -> Result<Columnar, EvaluationError> {
    let count = rows.num_rows();
    let mut result = match otherwise {
        Some(otherwise) => evaluate(otherwise, rows, context)?,
        None => Columnar::Scalar(new_null_array(&typed.data_type.to_arrow(), 1)),
    };
    for (when, then) in branches.iter().rev() {
        let condition = evaluate(when, rows, context)?.to_array(count)?;
        let mask = truth(condition.as_boolean());
        let (then, chosen) = (evaluate(then, rows, context)?, mask.true_count());
        meter::check_either(&then, chosen, &result, count - chosen)?;
        result = Columnar::Array(zip(&mask, &then, &result)?);
    }
    Ok(result)
}

/// NULL does not hold.
fn truth(condition: &BooleanArray) -> BooleanArray {
    if condition.null_count() == 0 { condition.clone() } else { prep_null_mask_filter(condition) }
}

pub(super) fn coalesce(
    arguments: &[Expr],
    typed: &Typed,
    rows: &RecordBatch,
    context: &EvaluationContext,
) -> Result<Columnar, EvaluationError> {
    let count = rows.num_rows();
    let [first, others @ ..] = arguments else { return Err(EvaluationError("COALESCE needs values".to_owned())) };
    let first = evaluate(first, rows, context)?;
    if others.is_empty() || first.inner().logical_null_count() == 0 {
        return Ok(first);
    }
    if let [second] = others
        && !second.can_fail()
    {
        let first = first.to_array(count)?;
        let mask = arrow_arith::boolean::is_not_null(&first)?;
        let (first, second) = (Columnar::Array(first), evaluate(second, rows, context)?);
        meter::check_either(&second, mask.false_count(), &first, 0)?;
        return Ok(Columnar::Array(zip(&mask, &first, &second)?));
    }
    let mut scatter = Scatter::new(typed, count);
    let mut open: Vec<u32> = (0..count as u32).collect();
    for (position, argument) in arguments.iter().enumerate() {
        if open.is_empty() {
            break;
        }
        let values = if position == 0 { first.clone() } else { over_rows(argument, &open, rows, context)? };
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
