//! `ROW_NUMBER`, `RANK` and `DENSE_RANK` of the rows of a window, in their order.

use super::{
    Accumulator, AggregateFunction, Update,
    column::{argument, from_natives, nulls},
    count::CountKernel,
    element::{Element, for_any_element},
    slots::{Heap, Kernel, Slots, is_retracted, trace},
    state::{Number, take_flag},
};
use crate::{Argument, EvaluationError, Resolution, ResolveError, Typed};
use arrow_array::ArrayRef;
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;
use std::marker::PhantomData;

/// `ROW_NUMBER`: rows so far.
#[derive(Debug)]
pub(super) struct RowNumber;

impl AggregateFunction for RowNumber {
    fn name(&self) -> &str {
        "ROW_NUMBER"
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        if !arguments.is_empty() {
            return Err(ResolveError("ROW_NUMBER takes no argument".into()));
        }
        Ok(Resolution { arguments: Vec::new(), result: Typed::not_null(DataType::BigInt) })
    }

    fn is_null_when_empty(&self) -> bool {
        false
    }

    fn accumulator(&self, _arguments: &[DataType], _result: &DataType, _can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        Ok(Slots::boxed(CountKernel))
    }
}

/// `RANK`, or `DENSE_RANK`; its argument is what rows are ordered by.
#[derive(Debug)]
pub(super) struct Rank {
    /// Without gaps.
    pub(super) is_dense: bool,
}

impl AggregateFunction for Rank {
    fn name(&self) -> &str {
        if self.is_dense { "DENSE_RANK" } else { "RANK" }
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let typed = super::one(self.name(), arguments)?;
        Ok(Resolution { arguments: vec![typed.data_type.clone()], result: Typed::not_null(DataType::BigInt) })
    }

    fn is_null_when_empty(&self) -> bool {
        false
    }

    fn accumulator(&self, arguments: &[DataType], _result: &DataType, can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        let [argument] = arguments else { return Err(super::not_taken(self.name(), arguments)) };
        if can_retract {
            return Err(ResolveError(format!("{} cannot take rows back", self.name())));
        }
        let (carrier, is_dense) = (argument.to_arrow(), self.is_dense);
        Ok(for_any_element!(&carrier, E => Slots::boxed(RankKernel::<E> { carrier, is_dense, element: PhantomData })))
    }
}

struct RankKernel<E> {
    carrier: Arrow,
    is_dense: bool,
    element: PhantomData<E>,
}

#[derive(Clone)]
struct RankState<E> {
    /// Rows so far.
    rows: i64,
    /// The rank of the last row.
    rank: i64,
    /// What the last row is ordered by.
    last: Option<E>,
}

impl<E> Default for RankState<E> {
    fn default() -> Self {
        Self { rows: 0, rank: 0, last: None }
    }
}

impl<E: Element> RankKernel<E> {
    fn step(&self, state: &mut RankState<E>, next: Option<E>, heap: &mut Heap) {
        state.rows = state.rows.wrapping_add(1);
        if state.rows > 1 && state.last == next {
            return;
        }
        state.rank = if self.is_dense { state.rank.wrapping_add(1) } else { state.rows };
        heap.change(state.last.as_ref().map_or(0, E::heap_bytes), next.as_ref().map_or(0, E::heap_bytes));
        state.last = next;
    }
}

impl<E: Element> Kernel for RankKernel<E> {
    type State = RankState<E>;

    fn update(&mut self, states: &mut [RankState<E>], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError> {
        let array = argument(update, 0, &self.carrier)?;
        let (column, nulls) = (E::column(array)?, nulls(array));
        for (row, &group) in update.groups.iter().enumerate() {
            if is_retracted(update, row) {
                return Err(super::cannot_retract());
            }
            let next = nulls.as_ref().is_none_or(|n| n.is_valid(row)).then(|| E::at(&column, row));
            self.step(&mut states[group as usize], next, heap);
        }
        Ok(())
    }

    const CAN_RUN: bool = true;

    fn running(
        &mut self,
        states: &mut [RankState<E>],
        update: &Update<'_>,
        heap: &mut Heap,
    ) -> Result<Option<Vec<RankState<E>>>, EvaluationError> {
        let array = argument(update, 0, &self.carrier)?;
        let (column, nulls) = (E::column(array)?, nulls(array));
        Ok(Some(trace(states, update.groups, |state, row| {
            let next = nulls.as_ref().is_none_or(|n| n.is_valid(row)).then(|| E::at(&column, row));
            self.step(state, next, heap);
        })))
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &RankState<E>>) -> Result<ArrayRef, EvaluationError> {
        from_natives(states.map(|s| s.rank).collect(), None, &Arrow::Int64)
    }

    fn put(&self, state: &RankState<E>, out: &mut Vec<u8>) {
        Number::put(state.rows, out);
        Number::put(state.rank, out);
        out.push(u8::from(state.last.is_some()));
        if let Some(last) = &state.last {
            last.put(out);
        }
    }

    fn take(&self, input: &mut &[u8]) -> Result<RankState<E>, EvaluationError> {
        let (rows, rank) = (<i64 as Number>::take(input)?, <i64 as Number>::take(input)?);
        let last = take_flag(input)?.then(|| E::take(input, &self.carrier)).transpose()?;
        Ok(RankState { rows, rank, last })
    }

    fn merge(&self, _state: &mut RankState<E>, _later: RankState<E>) -> Result<(), EvaluationError> {
        Err(EvaluationError("the ranks of two windows were to be merged".to_owned()))
    }

    fn is_empty(&self, state: &RankState<E>) -> bool {
        state.rows == 0
    }

    fn heap_bytes(&self, state: &RankState<E>) -> usize {
        state.last.as_ref().map_or(0, E::heap_bytes)
    }
}
