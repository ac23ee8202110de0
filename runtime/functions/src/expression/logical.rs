//! Three-valued `AND` and `OR`.

use super::{
    EvaluationContext, Expr,
    evaluate::{over_rows, part as evaluate},
};
use crate::{Columnar, EvaluationError};
use arrow_arith::boolean::{and_kleene, or_kleene};
use arrow_array::{Array, BooleanArray, RecordBatch, cast::AsArray};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};
use std::sync::Arc;

/// `AND` (`decisive` false) or `OR` (`decisive` true). A part that can fail is evaluated only for the rows that the parts
/// before it have left open; the others for all rows at once, which is cheaper than picking rows.
pub(super) fn logical(
    parts: &[Expr],
    decisive: bool,
    rows: &RecordBatch,
    context: &EvaluationContext,
) -> Result<Columnar, EvaluationError> {
    let count = rows.num_rows();
    let mut so_far: Option<BooleanArray> = None;
    for part in parts {
        let open = so_far.as_ref().map_or(count, |truth| count_open(truth, decisive));
        if open == 0 && count > 0 {
            break;
        }
        let values = if open == count || !part.can_fail() {
            full(&evaluate(part, rows, context)?, count)?
        } else {
            let truth = so_far.as_ref().ok_or_else(|| EvaluationError("a part came before the first".to_owned()))?;
            let open: Vec<u32> = (0..count as u32).filter(|row| is_open(truth, *row as usize, decisive)).collect();
            spread(&over_rows(part, &open, rows, context)?, &open, count, !decisive)
        };
        so_far = Some(match so_far {
            None => values,
            Some(so_far) if decisive => or_kleene(&so_far, &values)?,
            Some(so_far) => and_kleene(&so_far, &values)?,
        });
    }
    let truth = so_far.ok_or_else(|| EvaluationError("AND and OR need parts".to_owned()))?;
    Ok(Columnar::Array(Arc::new(truth)))
}

fn is_open(truth: &BooleanArray, row: usize, decisive: bool) -> bool {
    truth.is_null(row) || truth.value(row) != decisive
}

fn count_open(truth: &BooleanArray, decisive: bool) -> usize {
    let decided = if decisive { truth.true_count() } else { truth.false_count() };
    truth.len() - decided
}

fn full(values: &Columnar, count: usize) -> Result<BooleanArray, EvaluationError> {
    Ok(values.to_array(count)?.as_boolean().clone())
}

/// Values of some rows put among all; the others get `neutral`.
fn spread(values: &Columnar, chosen: &[u32], count: usize, neutral: bool) -> BooleanArray {
    let truth = values.inner().as_boolean();
    let mut bits = BooleanBufferBuilder::new(count);
    bits.append_n(count, neutral);
    let mut valid = BooleanBufferBuilder::new(count);
    valid.append_n(count, true);
    for (position, &row) in chosen.iter().enumerate() {
        let i = values.index(position);
        if truth.is_null(i) {
            valid.set_bit(row as usize, false);
        } else {
            bits.set_bit(row as usize, truth.value(i));
        }
    }
    let valid: BooleanBuffer = valid.finish();
    BooleanArray::new(bits.finish(), Some(valid.into()))
}
