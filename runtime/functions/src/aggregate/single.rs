//! `SINGLE_VALUE`: the value of a scalar sub-query, which must not have a second row.

use super::{
    Accumulator, AggregateFunction, Update,
    column::{argument, each_row},
    element::{Element, for_any_element},
    slots::{Heap, Kernel, Slots},
    state::{Number, take_flag},
};
use crate::{Argument, EvaluationError, Resolution, ResolveError, Typed};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;
use std::marker::PhantomData;

/// `SINGLE_VALUE`
#[derive(Debug)]
pub(super) struct Single;

impl AggregateFunction for Single {
    fn name(&self) -> &str {
        "SINGLE_VALUE"
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let typed = super::one(self.name(), arguments)?;
        Ok(Resolution { arguments: vec![typed.data_type.clone()], result: Typed::nullable(typed.data_type.clone()) })
    }

    fn accumulator(&self, arguments: &[DataType], _result: &DataType, _can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        let [argument] = arguments else { return Err(super::not_taken(self.name(), arguments)) };
        let carrier = argument.to_arrow();
        Ok(for_any_element!(&carrier, E => Slots::boxed(SingleKernel::<E> { carrier, element: PhantomData })))
    }
}

fn second_row() -> EvaluationError {
    EvaluationError("a sub-query that stands for one value gave more than one row".to_owned())
}

struct SingleKernel<E> {
    carrier: Arrow,
    element: PhantomData<E>,
}

/// The value of the row, and how many rows there are: −1, 0 or 1, and whatever a damaged state says.
struct SingleState<E> {
    value: Option<E>,
    count: i64,
}

impl<E> Default for SingleState<E> {
    fn default() -> Self {
        Self { value: None, count: 0 }
    }
}

impl<E: Element> Kernel for SingleKernel<E> {
    type State = SingleState<E>;

    fn update(&mut self, states: &mut [SingleState<E>], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError> {
        let array = argument(update, 0, &self.carrier)?;
        let column = E::column(array)?;
        each_row(update, None, |row, group, retract| {
            let state = &mut states[group];
            let before = state.value.as_ref().map_or(0, E::heap_bytes);
            state.count = state.count.wrapping_add(if retract { -1 } else { 1 });
            if state.count > 1 || state.count < -1 {
                return Err(second_row());
            }
            // A row that cancels one taken back before leaves nothing.
            state.value = (state.count > 0 && array.is_valid(row)).then(|| E::at(&column, row));
            heap.change(before, state.value.as_ref().map_or(0, E::heap_bytes));
            Ok(())
        })
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &SingleState<E>>) -> Result<ArrayRef, EvaluationError> {
        E::build(&mut states.map(|state| state.value.as_ref()), &self.carrier)
    }

    fn put(&self, state: &SingleState<E>, out: &mut Vec<u8>) {
        state.count.put(out);
        out.push(u8::from(state.value.is_some()));
        if let Some(value) = &state.value {
            value.put(out);
        }
    }

    fn take(&self, input: &mut &[u8]) -> Result<SingleState<E>, EvaluationError> {
        let count = Number::take(input)?;
        let value = take_flag(input)?.then(|| E::take(input, &self.carrier)).transpose()?;
        Ok(SingleState { value, count })
    }

    fn merge(&self, state: &mut SingleState<E>, later: SingleState<E>) -> Result<(), EvaluationError> {
        let before = state.count;
        state.count = before.wrapping_add(later.count);
        if state.count > 1 || state.count < -1 {
            return Err(second_row());
        }
        if state.count < 1 {
            state.value = None;
        } else if later.count > 0 {
            state.value = later.value;
        }
        Ok(())
    }

    fn is_empty(&self, state: &SingleState<E>) -> bool {
        state.count == 0
    }

    fn heap_bytes(&self, state: &SingleState<E>) -> usize {
        state.value.as_ref().map_or(0, E::heap_bytes)
    }
}
