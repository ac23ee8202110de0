//! `MIN` and `MAX` over a frame that slides: values go in the order in which they came.
//!
//! A slot keeps only values that may still become the result: those behind which no better one came (a monotonic queue).
//! Each value enters and leaves it once, so a row costs constant time over the run of a frame, however long it is.
//! Invariant: a slot's values are in the order of their arrival, and none is worse than one behind it.

use super::{
    Update,
    column::{argument, each_row, nulls},
    element::Element,
    slots::{Heap, Kernel, is_retracted},
    state::{damaged, put_length, take_length},
};
use crate::EvaluationError;
use arrow_array::ArrayRef;
use arrow_schema::DataType as Arrow;
use std::{collections::VecDeque, marker::PhantomData};

pub(super) struct SlidingKernel<E> {
    pub(super) carrier: Arrow,
    pub(super) largest: bool,
    pub(super) element: PhantomData<E>,
}

impl<E: Element> SlidingKernel<E> {
    #[inline]
    fn is_worse(&self, value: &E, than: &E) -> bool {
        if self.largest { value < than } else { value > than }
    }

    #[inline]
    fn change(&self, state: &mut VecDeque<E>, value: E, is_retracted: bool, heap: &mut Heap) {
        if is_retracted {
            // If it is not in front, a better value behind it has put it out already.
            if state.front() == Some(&value) {
                state.pop_front();
                heap.shrink(value.heap_bytes());
            }
            return;
        }
        while let Some(last) = state.back().filter(|last| self.is_worse(last, &value)) {
            heap.shrink(last.heap_bytes());
            state.pop_back();
        }
        heap.grow(value.heap_bytes());
        state.push_back(value);
    }
}

impl<E: Element> Kernel for SlidingKernel<E> {
    type State = VecDeque<E>;

    fn update(&mut self, states: &mut [VecDeque<E>], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError> {
        let array = argument(update, 0, &self.carrier)?;
        let column = E::column(array)?;
        each_row(update, nulls(array).as_ref(), |row, group, retract| {
            self.change(&mut states[group], E::at(&column, row), retract, heap);
            Ok(())
        })
    }

    const CAN_RUN: bool = true;
    const CAN_SLIDE: bool = true;

    fn running_values(
        &mut self,
        states: &mut [VecDeque<E>],
        update: &Update<'_>,
        heap: &mut Heap,
    ) -> Result<Option<ArrayRef>, EvaluationError> {
        let array = argument(update, 0, &self.carrier)?;
        let (column, nulls) = (E::column(array)?, nulls(array));
        let mut best: Vec<Option<E>> = Vec::with_capacity(update.groups.len());
        for (row, &group) in update.groups.iter().enumerate() {
            let state = &mut states[group as usize];
            if nulls.as_ref().is_none_or(|n| n.is_valid(row)) {
                self.change(state, E::at(&column, row), is_retracted(update, row), heap);
            }
            best.push(state.front().cloned());
        }
        E::build(&mut best.iter().map(Option::as_ref), &self.carrier).map(Some)
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &VecDeque<E>>) -> Result<ArrayRef, EvaluationError> {
        E::build(&mut states.map(VecDeque::front), &self.carrier)
    }

    fn put(&self, state: &VecDeque<E>, out: &mut Vec<u8>) {
        put_length(state.len(), out);
        state.iter().for_each(|value| value.put(out));
    }

    fn take(&self, input: &mut &[u8]) -> Result<VecDeque<E>, EvaluationError> {
        let mut state: VecDeque<E> = VecDeque::new();
        for _ in 0..take_length(input)? {
            let value = E::take(input, &self.carrier)?;
            if state.back().is_some_and(|last| self.is_worse(last, &value)) {
                return Err(damaged());
            }
            state.push_back(value);
        }
        Ok(state)
    }

    fn merge(&self, state: &mut VecDeque<E>, later: VecDeque<E>) -> Result<(), EvaluationError> {
        let mut heap = Heap::default();
        later.into_iter().for_each(|value| self.change(state, value, false, &mut heap));
        Ok(())
    }

    fn is_empty(&self, state: &VecDeque<E>) -> bool {
        state.is_empty()
    }

    fn heap_bytes(&self, state: &VecDeque<E>) -> usize {
        state.capacity() * size_of::<E>() + state.iter().map(E::heap_bytes).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::slots::Slots;
    use arrow_array::{Int32Array, cast::AsArray, types::Int32Type};
    use std::sync::Arc;

    #[test]
    fn a_sliding_maximum_is_that_of_the_frame() {
        // Rows come and go in the same order, a frame of three; a plain loop over the frame says what is right.
        let rows: Vec<Option<i32>> = (0..200).map(|i| (i % 11 != 3).then_some((i * 7919) % 23)).collect();
        let mut sliding = Slots::boxed(SlidingKernel::<i32> { carrier: Arrow::Int32, largest: true, element: PhantomData });
        sliding.resize(1);
        let (mut values, mut retract) = (Vec::new(), Vec::new());
        for (i, value) in rows.iter().enumerate() {
            if i >= 3 {
                values.push(rows[i - 3]);
                retract.push(true);
            }
            values.push(*value);
            retract.push(false);
        }
        let arguments: [ArrayRef; 1] = [Arc::new(Int32Array::from(values))];
        let groups = vec![0; retract.len()];
        let update = Update { groups: &groups, retract: Some(&retract), arguments: &arguments };
        let answers = sliding.running(&update).unwrap().unwrap();
        let answers: Vec<Option<i32>> = answers.as_primitive::<Int32Type>().iter().collect();
        let answers: Vec<Option<i32>> = answers.into_iter().zip(&retract).filter(|(_, r)| !**r).map(|(a, _)| a).collect();
        let expected: Vec<Option<i32>> = (0..rows.len()).map(|i| rows[i.saturating_sub(2)..=i].iter().flatten().max().copied()).collect();
        assert_eq!(answers, expected);
        let mut state = Vec::new();
        sliding.export(0, &mut state);
        let mut other = Slots::boxed(SlidingKernel::<i32> { carrier: Arrow::Int32, largest: true, element: PhantomData });
        other.resize(1);
        other.merge(0, &mut state.as_slice()).unwrap();
        assert_eq!(other.values(&[0]).unwrap().as_ref(), sliding.values(&[0]).unwrap().as_ref());
    }
}
