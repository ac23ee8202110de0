//! `COUNT(*)` and `COUNT(x, …)`: rows in which no argument is NULL.

use super::{
    Accumulator, AggregateFunction, Update,
    column::{each_row, from_natives, nulls},
    slots::{Heap, Kernel, Slots, is_retracted, trace},
    state::Number,
};
use crate::{Argument, EvaluationError, Resolution, ResolveError, Typed};
use arrow_array::ArrayRef;
use arrow_buffer::NullBuffer;
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;

/// `COUNT`
#[derive(Debug)]
pub(super) struct Count;

impl AggregateFunction for Count {
    fn name(&self) -> &str {
        "COUNT"
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let arguments = arguments.iter().map(|a| a.typed.data_type.clone()).collect();
        Ok(Resolution { arguments, result: Typed::not_null(DataType::BigInt) })
    }

    fn is_null_when_empty(&self) -> bool {
        false
    }

    fn accumulator(&self, _arguments: &[DataType], _result: &DataType, _can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        Ok(Slots::boxed(CountKernel))
    }
}

pub(super) struct CountKernel;

impl Kernel for CountKernel {
    type State = i64;

    fn update(&mut self, states: &mut [i64], update: &Update<'_>, _heap: &mut Heap) -> Result<(), EvaluationError> {
        let nulls = update.arguments.iter().fold(None, |all, column| NullBuffer::union(all.as_ref(), nulls(column).as_ref()));
        each_row(update, nulls.as_ref(), |_, group, retract| {
            let count = &mut states[group];
            *count = count.wrapping_add(if retract { -1 } else { 1 });
            Ok(())
        })
    }

    const CAN_RUN: bool = true;
    const CAN_SLIDE: bool = true;

    fn running(&mut self, states: &mut [i64], update: &Update<'_>, _heap: &mut Heap) -> Result<Option<Vec<i64>>, EvaluationError> {
        let nulls = update.arguments.iter().fold(None, |all, column| NullBuffer::union(all.as_ref(), nulls(column).as_ref()));
        Ok(Some(trace(states, update.groups, |count, row| {
            if nulls.as_ref().is_none_or(|n| n.is_valid(row)) {
                *count = count.wrapping_add(if is_retracted(update, row) { -1 } else { 1 });
            }
        })))
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &i64>) -> Result<ArrayRef, EvaluationError> {
        from_natives(states.copied().collect(), None, &Arrow::Int64)
    }

    fn put(&self, state: &i64, out: &mut Vec<u8>) {
        state.put(out);
    }

    fn take(&self, input: &mut &[u8]) -> Result<i64, EvaluationError> {
        i64::take(input)
    }

    fn merge(&self, state: &mut i64, later: i64) -> Result<(), EvaluationError> {
        *state = state.wrapping_add(later);
        Ok(())
    }

    fn copied(&self, state: &i64) -> Option<i64> {
        Some(*state)
    }

    fn is_empty(&self, state: &i64) -> bool {
        *state == 0
    }
}
