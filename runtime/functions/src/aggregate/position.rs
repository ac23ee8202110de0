//! `FIRST_VALUE` and `LAST_VALUE` by order of arrival.

use super::{
    Accumulator, AggregateFunction, Update,
    column::{argument, each_row, nulls},
    element::{Element, for_any_element},
    sequence::Sequence,
    slots::{Heap, Kernel, Slots},
    state::take_flag,
};
use crate::{Argument, EvaluationError, Resolution, ResolveError};
use arrow_array::ArrayRef;
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;
use std::marker::PhantomData;

/// `FIRST_VALUE` or `LAST_VALUE`; NULL is passed over.
#[derive(Debug)]
pub(super) struct Position {
    /// The last instead of the first.
    pub(super) last: bool,
}

impl AggregateFunction for Position {
    fn name(&self) -> &str {
        if self.last { "LAST_VALUE" } else { "FIRST_VALUE" }
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let typed = super::one(self.name(), arguments)?;
        Ok(Resolution { arguments: vec![typed.data_type.clone()], result: typed.clone() })
    }

    fn accumulator(&self, arguments: &[DataType], _result: &DataType, can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        let [argument] = arguments else { return Err(super::not_taken(self.name(), arguments)) };
        let (carrier, last) = (argument.to_arrow(), self.last);
        Ok(for_any_element!(&carrier, E => {
            if can_retract {
                Slots::boxed(SequenceKernel::<E> { carrier, last, element: PhantomData })
            } else {
                Slots::boxed(PositionKernel::<E> { carrier, last, element: PhantomData })
            }
        }))
    }
}

/// Keeps the value.
struct PositionKernel<E> {
    carrier: Arrow,
    last: bool,
    element: PhantomData<E>,
}

impl<E: Element> Kernel for PositionKernel<E> {
    type State = Option<E>;

    fn update(&mut self, states: &mut [Option<E>], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError> {
        let array = argument(update, 0, &self.carrier)?;
        let column = E::column(array)?;
        each_row(update, nulls(array).as_ref(), |row, group, retract| {
            if retract {
                return Err(super::cannot_retract());
            }
            let state = &mut states[group];
            if self.last || state.is_none() {
                let value = E::at(&column, row);
                heap.change(state.as_ref().map_or(0, E::heap_bytes), value.heap_bytes());
                *state = Some(value);
            }
            Ok(())
        })
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &Option<E>>) -> Result<ArrayRef, EvaluationError> {
        E::build(&mut states.map(Option::as_ref), &self.carrier)
    }

    fn put(&self, state: &Option<E>, out: &mut Vec<u8>) {
        out.push(u8::from(state.is_some()));
        if let Some(value) = state {
            value.put(out);
        }
    }

    fn take(&self, input: &mut &[u8]) -> Result<Option<E>, EvaluationError> {
        take_flag(input)?.then(|| E::take(input, &self.carrier)).transpose()
    }

    fn merge(&self, state: &mut Option<E>, later: Option<E>) -> Result<(), EvaluationError> {
        if self.last && later.is_some() {
            *state = later;
        }
        Ok(())
    }

    fn is_empty(&self, state: &Option<E>) -> bool {
        state.is_none()
    }

    fn heap_bytes(&self, state: &Option<E>) -> usize {
        state.as_ref().map_or(0, E::heap_bytes)
    }
}

/// Keeps all values.
struct SequenceKernel<E> {
    carrier: Arrow,
    last: bool,
    element: PhantomData<E>,
}

impl<E: Element> Kernel for SequenceKernel<E> {
    type State = Sequence<E>;

    fn update(&mut self, states: &mut [Sequence<E>], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError> {
        let array = argument(update, 0, &self.carrier)?;
        let column = E::column(array)?;
        each_row(update, nulls(array).as_ref(), |row, group, retract| {
            states[group].change(Some(E::at(&column, row)), retract, heap);
            Ok(())
        })
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &Sequence<E>>) -> Result<ArrayRef, EvaluationError> {
        let mut chosen = states.map(|state| if self.last { state.values().next_back() } else { state.values().next() }.flatten());
        E::build(&mut chosen, &self.carrier)
    }

    fn put(&self, state: &Sequence<E>, out: &mut Vec<u8>) {
        state.put(out);
    }

    fn take(&self, input: &mut &[u8]) -> Result<Sequence<E>, EvaluationError> {
        Sequence::take(input, &self.carrier)
    }

    fn merge(&self, state: &mut Sequence<E>, later: Sequence<E>) -> Result<(), EvaluationError> {
        state.merge(later);
        Ok(())
    }

    fn is_empty(&self, state: &Sequence<E>) -> bool {
        state.is_untouched()
    }

    fn heap_bytes(&self, state: &Sequence<E>) -> usize {
        state.heap_bytes()
    }
}
