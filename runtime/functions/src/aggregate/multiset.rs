//! A multiset with an order, in which a value may be taken out before it is put in.

use super::{
    element::Element,
    slots::Heap,
    state::{Number, put_length, take_length},
};
use crate::EvaluationError;
use arrow_schema::DataType as Arrow;
use std::collections::{BTreeMap, btree_map::Entry};

/// Values and how often they are there: never 0 times, below 0 when more were taken out than put in.
#[derive(Debug)]
pub(super) struct Multiset<E> {
    counts: BTreeMap<E, i64>,
    /// Bytes that the values allocate.
    element_bytes: usize,
}

impl<E> Default for Multiset<E> {
    fn default() -> Self {
        Self { counts: BTreeMap::new(), element_bytes: 0 }
    }
}

impl<E: Element> Multiset<E> {
    /// Puts a value in or takes it out, and counts the difference in memory.
    pub(super) fn change_by_row(&mut self, element: E, retract: bool, heap: &mut Heap) {
        let before = self.heap_bytes();
        self.change(element, if retract { -1 } else { 1 });
        heap.change(before, self.heap_bytes());
    }

    /// Puts a value in `by` times, or takes it out when that is below 0.
    pub(super) fn change(&mut self, element: E, by: i64) {
        match self.counts.entry(element) {
            Entry::Vacant(_) if by == 0 => {}
            Entry::Vacant(vacant) => {
                self.element_bytes += vacant.key().heap_bytes();
                vacant.insert(by);
            }
            Entry::Occupied(mut occupied) => {
                let count = occupied.get().wrapping_add(by);
                if count == 0 {
                    self.element_bytes = self.element_bytes.saturating_sub(occupied.key().heap_bytes());
                    occupied.remove();
                } else {
                    *occupied.get_mut() = count;
                }
            }
        }
    }

    /// Values that are there, ascending, with how often.
    pub(super) fn present(&self) -> impl DoubleEndedIterator<Item = (&E, i64)> {
        self.counts.iter().map(|(element, &count)| (element, count)).filter(|(_, count)| *count > 0)
    }

    /// Whether nothing was put in or taken out.
    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Puts in what another holds.
    pub(super) fn merge(&mut self, other: Self) {
        for (element, count) in other.counts {
            self.change(element, count);
        }
    }

    /// Appends it.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_length(self.counts.len(), out);
        for (element, count) in &self.counts {
            element.put(out);
            Number::put(*count, out);
        }
    }

    /// Takes what `put` wrote.
    pub(super) fn take(input: &mut &[u8], carrier: &Arrow) -> Result<Self, EvaluationError> {
        let mut multiset = Self::default();
        for _ in 0..take_length(input)? {
            multiset.change(E::take(input, carrier)?, Number::take(input)?);
        }
        Ok(multiset)
    }

    /// Bytes that it allocates, about: nodes of the tree are about three quarters full.
    pub(super) fn heap_bytes(&self) -> usize {
        self.element_bytes + self.counts.len() * (size_of::<E>() + size_of::<i64>()) * 4 / 3
    }
}
