//! `MIN` and `MAX`: one value per slot, or all values with their counts when rows may be taken back.

use super::{
    Accumulator, AggregateFunction, Update,
    column::{argument, each_row, nulls},
    element::{Element, for_element},
    multiset::Multiset,
    sliding::SlidingKernel,
    slots::{Heap, Kernel, Slots, trace},
    state::take_flag,
};
use crate::{Argument, EvaluationError, Resolution, ResolveError};
use arrow_array::ArrayRef;
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;
use std::marker::PhantomData;

/// `MIN` or `MAX`
#[derive(Debug)]
pub(super) struct Extreme {
    /// The largest instead of the smallest.
    pub(super) largest: bool,
}

impl AggregateFunction for Extreme {
    fn name(&self) -> &str {
        if self.largest { "MAX" } else { "MIN" }
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let typed = super::one(self.name(), arguments)?;
        let ordered = !matches!(
            typed.data_type,
            DataType::Bytes | DataType::Array(_) | DataType::Map(..) | DataType::Multiset(_) | DataType::Row(_) | DataType::Null
        );
        if !ordered {
            return Err(super::not_taken(self.name(), std::slice::from_ref(&typed.data_type)));
        }
        Ok(Resolution { arguments: vec![typed.data_type.clone()], result: typed.clone() })
    }

    fn accumulator(&self, arguments: &[DataType], _result: &DataType, can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        let [argument] = arguments else { return Err(super::not_taken(self.name(), arguments)) };
        let (carrier, largest) = (argument.to_arrow(), self.largest);
        Ok(for_element!(&carrier, E => {
            if can_retract {
                Slots::boxed(MultisetKernel::<E> { carrier, largest, element: PhantomData })
            } else {
                Slots::boxed(ExtremeKernel::<E> { carrier, largest, element: PhantomData })
            }
        }, return Err(super::not_taken(self.name(), arguments))))
    }

    fn sliding_accumulator(&self, arguments: &[DataType], _result: &DataType) -> Result<Box<dyn Accumulator>, ResolveError> {
        let [argument] = arguments else { return Err(super::not_taken(self.name(), arguments)) };
        let (carrier, largest) = (argument.to_arrow(), self.largest);
        Ok(for_element!(&carrier, E => Slots::boxed(SlidingKernel::<E> { carrier, largest, element: PhantomData }),
            return Err(super::not_taken(self.name(), arguments))))
    }
}

/// Keeps the value; equal ones and NaN replace nothing, as the comparison of SQL has it.
struct ExtremeKernel<E> {
    carrier: Arrow,
    largest: bool,
    element: PhantomData<E>,
}

impl<E: Element> ExtremeKernel<E> {
    #[inline]
    fn is_better(&self, value: &E, than: &E) -> bool {
        if self.largest { than.is_below(value) } else { value.is_below(than) }
    }

    #[inline]
    fn take_over(&self, state: &mut Option<E>, value: E, heap: &mut Heap) {
        if state.as_ref().is_none_or(|best| self.is_better(&value, best)) {
            heap.change(state.as_ref().map_or(0, E::heap_bytes), value.heap_bytes());
            *state = Some(value);
        }
    }
}

impl<E: Element> Kernel for ExtremeKernel<E> {
    type State = Option<E>;

    fn update(&mut self, states: &mut [Option<E>], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError> {
        let array = argument(update, 0, &self.carrier)?;
        let column = E::column(array)?;
        each_row(update, nulls(array).as_ref(), |row, group, retract| {
            if retract {
                return Err(super::cannot_retract());
            }
            self.take_over(&mut states[group], E::at(&column, row), heap);
            Ok(())
        })
    }

    const CAN_RUN: bool = true;

    fn running(
        &mut self,
        states: &mut [Option<E>],
        update: &Update<'_>,
        heap: &mut Heap,
    ) -> Result<Option<Vec<Option<E>>>, EvaluationError> {
        let array = argument(update, 0, &self.carrier)?;
        let (column, nulls) = (E::column(array)?, nulls(array));
        Ok(Some(trace(states, update.groups, |state, row| {
            if nulls.as_ref().is_none_or(|n| n.is_valid(row)) {
                self.take_over(state, E::at(&column, row), heap);
            }
        })))
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
        if let Some(later) = later
            && state.as_ref().is_none_or(|best| self.is_better(&later, best))
        {
            *state = Some(later);
        }
        Ok(())
    }

    fn copied(&self, state: &Option<E>) -> Option<Option<E>> {
        Some(state.clone())
    }

    fn is_empty(&self, state: &Option<E>) -> bool {
        state.is_none()
    }

    fn heap_bytes(&self, state: &Option<E>) -> usize {
        state.as_ref().map_or(0, E::heap_bytes)
    }
}

/// Keeps all values.
struct MultisetKernel<E> {
    carrier: Arrow,
    largest: bool,
    element: PhantomData<E>,
}

impl<E: Element> Kernel for MultisetKernel<E> {
    type State = Multiset<E>;

    fn update(&mut self, states: &mut [Multiset<E>], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError> {
        let array = argument(update, 0, &self.carrier)?;
        let column = E::column(array)?;
        each_row(update, nulls(array).as_ref(), |row, group, retract| {
            states[group].change_by_row(E::at(&column, row), retract, heap);
            Ok(())
        })
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &Multiset<E>>) -> Result<ArrayRef, EvaluationError> {
        let mut best = states.map(|state| {
            let mut present = state.present().map(|(element, _)| element);
            if self.largest { present.next_back() } else { present.next() }
        });
        E::build(&mut best, &self.carrier)
    }

    fn put(&self, state: &Multiset<E>, out: &mut Vec<u8>) {
        state.put(out);
    }

    fn take(&self, input: &mut &[u8]) -> Result<Multiset<E>, EvaluationError> {
        Multiset::take(input, &self.carrier)
    }

    fn merge(&self, state: &mut Multiset<E>, later: Multiset<E>) -> Result<(), EvaluationError> {
        state.merge(later);
        Ok(())
    }

    fn is_empty(&self, state: &Multiset<E>) -> bool {
        state.is_empty()
    }

    fn heap_bytes(&self, state: &Multiset<E>) -> usize {
        state.heap_bytes()
    }
}
