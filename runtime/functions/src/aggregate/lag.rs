//! `LAG(value [, offset [, default]])`: the value of the row that many rows before, as Flink's `LagAggFunction` has it: in a
//! frame by RANGE, rows of one time are all counted before any of them is answered.

use super::{
    Accumulator, AggregateFunction, Update,
    column::{argument, natives, nulls},
    element::{Element, for_any_element},
    slots::{Heap, Kernel, Slots, is_retracted},
    state::{Number, put_length, take_flag, take_length},
};
use crate::{Argument, EvaluationError, Resolution, ResolveError, Typed};
use arrow_array::ArrayRef;
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;
use std::{collections::VecDeque, marker::PhantomData};

/// `LAG`
#[derive(Debug)]
pub(super) struct Lag;

impl AggregateFunction for Lag {
    fn name(&self) -> &str {
        "LAG"
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let (value, default) = match arguments {
            [value] | [value, _] => (value.typed, None),
            [value, _, default] => (value.typed, Some(default.typed)),
            other => return Err(ResolveError(format!("LAG takes one to three arguments, not {}", other.len()))),
        };
        if let Some(offset) = arguments.get(1)
            && !matches!(offset.typed.data_type, DataType::TinyInt | DataType::SmallInt | DataType::Int)
        {
            return Err(ResolveError(format!("the offset of LAG is an INT, not {}", offset.typed.data_type)));
        }
        let wanted = [value.data_type.clone(), DataType::Int, value.data_type.clone()];
        let nullable = value.nullable || default.is_none_or(|default| default.nullable);
        Ok(Resolution { arguments: wanted[..arguments.len()].to_vec(), result: Typed::new(value.data_type.clone(), nullable) })
    }

    fn accumulator(&self, arguments: &[DataType], _result: &DataType, can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        let [value, ..] = arguments else { return Err(super::not_taken(self.name(), arguments)) };
        if can_retract {
            return Err(ResolveError("LAG cannot take rows back".into()));
        }
        let carrier = value.to_arrow();
        Ok(for_any_element!(&carrier, E => Slots::boxed(LagKernel::<E> { carrier, element: PhantomData })))
    }
}

struct LagKernel<E> {
    carrier: Arrow,
    element: PhantomData<E>,
}

struct LagState<E> {
    offset: i32,
    default: Option<E>,
    /// The last values, one more than the offset.
    values: VecDeque<Option<E>>,
}

impl<E> Default for LagState<E> {
    fn default() -> Self {
        Self { offset: 1, default: None, values: VecDeque::new() }
    }
}

impl<E: Element> LagState<E> {
    fn answer(&self) -> Option<&E> {
        let is_full = self.values.len() > self.offset as usize;
        if is_full { self.values.front().and_then(Option::as_ref) } else { self.default.as_ref() }
    }

    fn bytes(&self) -> usize {
        let held = self.values.iter().flatten().chain(&self.default);
        self.values.capacity() * size_of::<Option<E>>() + held.map(E::heap_bytes).sum::<usize>()
    }
}

/// The arguments of a call, ready to be read.
struct Columns<E: Element> {
    values: (E::Column, Option<arrow_buffer::NullBuffer>),
    offsets: Option<(arrow_buffer::ScalarBuffer<i32>, Option<arrow_buffer::NullBuffer>)>,
    defaults: Option<(E::Column, Option<arrow_buffer::NullBuffer>)>,
}

impl<E: Element> Columns<E> {
    fn new(update: &Update<'_>, carrier: &Arrow) -> Result<Self, EvaluationError> {
        let element = |index: usize| -> Result<_, EvaluationError> {
            let array = argument(update, index, carrier)?;
            Ok((E::column(array)?, nulls(array)))
        };
        let offsets = match update.arguments.len() {
            0 | 1 => None,
            _ => {
                let array = argument(update, 1, &Arrow::Int32)?;
                Some((natives::<i32>(array), nulls(array)))
            }
        };
        let defaults = if update.arguments.len() > 2 { Some(element(2)?) } else { None };
        Ok(Self { values: element(0)?, offsets, defaults })
    }

    fn step(&self, state: &mut LagState<E>, row: usize, heap: &mut Heap) -> Result<(), EvaluationError> {
        let at = |(column, nulls): &(E::Column, Option<arrow_buffer::NullBuffer>)| {
            nulls.as_ref().is_none_or(|n| n.is_valid(row)).then(|| E::at(column, row))
        };
        if let Some((offsets, nulls)) = &self.offsets {
            let offset = if nulls.as_ref().is_none_or(|n| n.is_valid(row)) { offsets[row] } else { 0 };
            if offset < 0 {
                return Err(EvaluationError(format!("the offset of LAG is {offset}, it must not be negative")));
            }
            state.offset = offset;
        }
        if let Some(defaults) = &self.defaults {
            let default = at(defaults);
            heap.change(state.default.as_ref().map_or(0, E::heap_bytes), default.as_ref().map_or(0, E::heap_bytes));
            state.default = default;
        }
        let value = at(&self.values);
        heap.grow(value.as_ref().map_or(0, E::heap_bytes));
        state.values.push_back(value);
        while state.values.len() > state.offset as usize + 1 {
            heap.shrink(state.values.pop_front().flatten().map_or(0, |gone| gone.heap_bytes()));
        }
        Ok(())
    }
}

impl<E: Element> Kernel for LagKernel<E> {
    type State = LagState<E>;

    fn update(&mut self, states: &mut [LagState<E>], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError> {
        let columns = Columns::<E>::new(update, &self.carrier)?;
        for (row, &group) in update.groups.iter().enumerate() {
            if is_retracted(update, row) {
                return Err(super::cannot_retract());
            }
            columns.step(&mut states[group as usize], row, heap)?;
        }
        Ok(())
    }

    const CAN_RUN: bool = true;

    fn running_values(
        &mut self,
        states: &mut [LagState<E>],
        update: &Update<'_>,
        heap: &mut Heap,
    ) -> Result<Option<ArrayRef>, EvaluationError> {
        let columns = Columns::<E>::new(update, &self.carrier)?;
        let mut answers: Vec<Option<E>> = Vec::with_capacity(update.groups.len());
        for (row, &group) in update.groups.iter().enumerate() {
            let state = &mut states[group as usize];
            columns.step(state, row, heap)?;
            answers.push(state.answer().cloned());
        }
        E::build(&mut answers.iter().map(Option::as_ref), &self.carrier).map(Some)
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &LagState<E>>) -> Result<ArrayRef, EvaluationError> {
        E::build(&mut states.map(LagState::answer), &self.carrier)
    }

    fn put(&self, state: &LagState<E>, out: &mut Vec<u8>) {
        Number::put(state.offset, out);
        put_length(state.values.len(), out);
        for value in std::iter::once(&state.default).chain(&state.values) {
            out.push(u8::from(value.is_some()));
            if let Some(value) = value {
                value.put(out);
            }
        }
    }

    fn take(&self, input: &mut &[u8]) -> Result<LagState<E>, EvaluationError> {
        let offset = <i32 as Number>::take(input)?;
        let count = take_length(input)?;
        if offset < 0 {
            return Err(super::state::damaged());
        }
        let mut next = || take_flag(input)?.then(|| E::take(input, &self.carrier)).transpose();
        let default = next()?;
        let mut values = VecDeque::new();
        for _ in 0..count {
            values.push_back(next()?);
        }
        Ok(LagState { offset, default, values })
    }

    fn merge(&self, _state: &mut LagState<E>, _later: LagState<E>) -> Result<(), EvaluationError> {
        Err(EvaluationError("the rows of two windows were to be merged".to_owned()))
    }

    fn is_empty(&self, state: &LagState<E>) -> bool {
        state.values.is_empty()
    }

    fn heap_bytes(&self, state: &LagState<E>) -> usize {
        state.bytes()
    }
}
