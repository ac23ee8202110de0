//! Sums and averages of decimals, in 128 bit with 38 digits.
//!
//! Invariant: a sum of more than 38 digits is NULL. As in Flink, the next value then starts a `SUM` anew; `$SUM0` and the sum of
//! an average stay NULL whatever comes.

use super::{
    Accumulator, Update,
    column::{argument, each_row, from_options, natives, nulls},
    slots::{Heap, Kernel, Slots, is_retracted, trace},
    state::Number,
};
use crate::EvaluationError;
use arrow_array::ArrayRef;
use arrow_schema::DataType as Arrow;

/// The first number of more than 38 digits.
const LIMIT: i128 = 10_i128.pow(38);

/// Stands for a sum of too many digits; no sum has this value.
const OVERFLOWN: i128 = i128::MIN;

/// `SUM` or `$SUM0` of a decimal.
pub(super) fn sum(precision: u8, scale: u8, zero_when_empty: bool) -> Box<dyn Accumulator> {
    let finish = if zero_when_empty { Finish::SumOrZero } else { Finish::Sum };
    kernel(precision, scale, scale, finish)
}

/// `AVG` of a decimal, with the scale of the result.
pub(super) fn average(precision: u8, scale: u8, result_scale: u8) -> Box<dyn Accumulator> {
    kernel(precision, scale, result_scale, Finish::Average { digits_more: result_scale.saturating_sub(scale) })
}

fn kernel(precision: u8, scale: u8, result_scale: u8, finish: Finish) -> Box<dyn Accumulator> {
    Slots::boxed(DecimalKernel {
        argument: Arrow::Decimal128(precision, scale as i8),
        result: Arrow::Decimal128(38, result_scale as i8),
        finish,
    })
}

/// What is made of sum and count.
#[derive(Debug, Clone, Copy)]
enum Finish {
    Sum,
    SumOrZero,
    Average { digits_more: u8 },
}

struct DecimalKernel {
    argument: Arrow,
    result: Arrow,
    finish: Finish,
}

/// A sum, and of how many values.
#[derive(Default, Clone, Copy)]
struct DecimalState {
    sum: i128,
    count: i64,
}

impl DecimalKernel {
    /// A sum of sums, or of a sum and a value.
    #[inline]
    fn plus(&self, sum: i128, value: i128) -> i128 {
        if sum == OVERFLOWN || value == OVERFLOWN {
            return match self.finish {
                Finish::Sum if sum == OVERFLOWN => value,
                Finish::Sum => sum,
                _ => OVERFLOWN,
            };
        }
        sum.checked_add(value).filter(|sum| (-LIMIT < *sum) & (*sum < LIMIT)).unwrap_or(OVERFLOWN)
    }
}

/// `sum / count` with more digits after the point, rounded half away from zero; `None` when it has too many digits.
pub(super) fn divide(sum: i128, count: i64, digits_more: u8) -> Option<i128> {
    let count = i128::from(count);
    let (whole, rest) = (sum.checked_div(count)?, sum.checked_rem(count)?);
    let factor = 10_i128.checked_pow(u32::from(digits_more))?;
    // The rest is below 2^63 and at most 38 digits are added; where that is too much, the whole part would be as well.
    let scaled_rest = rest.checked_mul(factor)?;
    let (digits, rest) = (scaled_rest / count, scaled_rest % count);
    let away = i128::from(rest.unsigned_abs() * 2 >= count.unsigned_abs()) * if (sum < 0) == (count < 0) { 1 } else { -1 };
    let quotient = whole.checked_mul(factor)?.checked_add(digits)?.checked_add(away)?;
    (quotient.unsigned_abs() < LIMIT.unsigned_abs()).then_some(quotient)
}

impl Kernel for DecimalKernel {
    type State = DecimalState;

    fn update(&mut self, states: &mut [DecimalState], update: &Update<'_>, _heap: &mut Heap) -> Result<(), EvaluationError> {
        let column = argument(update, 0, &self.argument)?;
        let values = natives::<i128>(column);
        each_row(update, nulls(column).as_ref(), |row, group, retract| {
            let state = &mut states[group];
            let value = values[row];
            state.sum = self.plus(state.sum, if retract { value.wrapping_neg() } else { value });
            state.count = state.count.wrapping_add(if retract { -1 } else { 1 });
            Ok(())
        })
    }

    const CAN_RUN: bool = true;
    const CAN_SLIDE: bool = true;

    fn running(
        &mut self,
        states: &mut [DecimalState],
        update: &Update<'_>,
        _heap: &mut Heap,
    ) -> Result<Option<Vec<DecimalState>>, EvaluationError> {
        let column = argument(update, 0, &self.argument)?;
        let (values, nulls) = (natives::<i128>(column), nulls(column));
        Ok(Some(trace(states, update.groups, |state, row| {
            if nulls.as_ref().is_none_or(|n| n.is_valid(row)) {
                let is_retracted = is_retracted(update, row);
                state.sum = self.plus(state.sum, if is_retracted { values[row].wrapping_neg() } else { values[row] });
                state.count = state.count.wrapping_add(if is_retracted { -1 } else { 1 });
            }
        })))
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &DecimalState>) -> Result<ArrayRef, EvaluationError> {
        let value = |s: &DecimalState| {
            if s.sum == OVERFLOWN {
                return None;
            }
            match self.finish {
                Finish::SumOrZero => Some(s.sum),
                Finish::Sum => (s.count != 0).then_some(s.sum),
                Finish::Average { digits_more } => divide(s.sum, s.count, digits_more),
            }
        };
        from_options(states.map(value), &self.result)
    }

    fn put(&self, state: &DecimalState, out: &mut Vec<u8>) {
        state.sum.put(out);
        state.count.put(out);
    }

    fn take(&self, input: &mut &[u8]) -> Result<DecimalState, EvaluationError> {
        let state = DecimalState { sum: i128::take(input)?, count: i64::take(input)? };
        if state.sum != OVERFLOWN && state.sum.unsigned_abs() >= LIMIT.unsigned_abs() {
            return Err(super::state::damaged());
        }
        Ok(state)
    }

    fn merge(&self, state: &mut DecimalState, later: DecimalState) -> Result<(), EvaluationError> {
        state.sum = self.plus(state.sum, later.sum);
        state.count = state.count.wrapping_add(later.count);
        Ok(())
    }

    fn is_empty(&self, state: &DecimalState) -> bool {
        state.count == 0 && state.sum == 0
    }
}
