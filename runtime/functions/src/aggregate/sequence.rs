//! Values in their order of arrival, of which the first equal one can be taken out.

use super::{
    element::Element,
    slots::Heap,
    state::{Number, damaged, put_length, take_flag, take_length},
};
use crate::EvaluationError;
use arrow_schema::DataType as Arrow;
use std::collections::{HashMap, VecDeque};

/// Up to this many entries a value is looked for one by one; beyond, an index pays.
const SEARCHED_ONE_BY_ONE_MAX: usize = 32;

/// Values, NULL among them, in order of arrival.
///
/// A value taken out before it came is remembered in `awaited` and cancels the next equal one.
pub(super) struct Sequence<E> {
    /// `None` where a value was taken out; never at the ends.
    entries: VecDeque<Option<Option<E>>>,
    /// The number of the first entry; entries are numbered as they come.
    first: u64,
    live: usize,
    /// Numbers of the entries that hold a value, ascending. Made when first needed.
    #[expect(clippy::box_collection, reason = "one word in each slot instead of six")]
    index: Option<Box<HashMap<Option<E>, VecDeque<u64>>>>,
    #[expect(clippy::box_collection, reason = "one word in each slot instead of six")]
    awaited: Option<Box<HashMap<Option<E>, u64>>>,
    element_bytes: usize,
}

impl<E> Default for Sequence<E> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), first: 0, live: 0, index: None, awaited: None, element_bytes: 0 }
    }
}

fn element_bytes<E: Element>(value: &Option<E>) -> usize {
    value.as_ref().map_or(0, E::heap_bytes)
}

impl<E: Element> Sequence<E> {
    /// Adds a value or takes it out, and counts the difference in memory.
    pub(super) fn change(&mut self, value: Option<E>, retract: bool, heap: &mut Heap) {
        let before = self.heap_bytes();
        if retract {
            self.remove(value)
        } else {
            self.add(value)
        }
        heap.change(before, self.heap_bytes());
    }

    /// Adds a value at the end, or cancels one taken out before.
    pub(super) fn add(&mut self, value: Option<E>) {
        if let Some(awaited) = &mut self.awaited
            && let Some(times) = awaited.get_mut(&value)
        {
            *times -= 1;
            if *times == 0 {
                awaited.remove(&value);
            }
            if awaited.is_empty() {
                self.awaited = None;
            }
            return;
        }
        if let Some(index) = &mut self.index {
            index.entry(value.clone()).or_default().push_back(self.first + self.entries.len() as u64);
        }
        self.element_bytes += element_bytes(&value);
        self.live += 1;
        self.entries.push_back(Some(value));
    }

    /// Takes the first equal value out, or lets the next one be cancelled.
    pub(super) fn remove(&mut self, value: Option<E>) {
        self.remove_times(value, 1);
    }

    fn remove_times(&mut self, value: Option<E>, times: u64) {
        for done in 0..times {
            let Some(position) = self.find(&value) else {
                let awaited = self.awaited.get_or_insert_default().entry(value).or_insert(0);
                *awaited = awaited.saturating_add(times - done);
                return;
            };
            self.entries[position] = None;
            self.live -= 1;
            self.element_bytes = self.element_bytes.saturating_sub(element_bytes(&value));
            self.tidy();
        }
    }

    /// The position of the first equal value; it leaves the index.
    fn find(&mut self, value: &Option<E>) -> Option<usize> {
        if self.index.is_none() && self.entries.len() <= SEARCHED_ONE_BY_ONE_MAX {
            return self.entries.iter().position(|entry| entry.as_ref() == Some(value));
        }
        let (first, entries) = (self.first, &self.entries);
        let index = self.index.get_or_insert_with(|| {
            let mut index: HashMap<Option<E>, VecDeque<u64>> = HashMap::new();
            for (number, entry) in (first..).zip(entries) {
                if let Some(value) = entry {
                    index.entry(value.clone()).or_default().push_back(number);
                }
            }
            Box::new(index)
        });
        let numbers = index.get_mut(value)?;
        let number = numbers.pop_front()?;
        if numbers.is_empty() {
            index.remove(value);
        }
        usize::try_from(number - first).ok()
    }

    /// Drops gaps at the ends, and all when they are more than half.
    fn tidy(&mut self) {
        while let Some(None) = self.entries.front() {
            self.entries.pop_front();
            self.first += 1;
        }
        while let Some(None) = self.entries.back() {
            self.entries.pop_back();
        }
        if self.entries.len() > 2 * self.live.max(SEARCHED_ONE_BY_ONE_MAX) {
            self.entries.retain(Option::is_some);
            self.index = None;
        }
    }

    /// The values in order.
    pub(super) fn values(&self) -> impl DoubleEndedIterator<Item = Option<&E>> {
        self.entries.iter().flatten().map(Option::as_ref)
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// Whether nothing was added or taken out.
    pub(super) fn is_untouched(&self) -> bool {
        self.live == 0 && self.awaited.is_none()
    }

    /// Lets the rows that made `later` come after those that made this.
    pub(super) fn merge(&mut self, later: Self) {
        for (value, times) in later.awaited.into_iter().flat_map(|awaited| *awaited) {
            self.remove_times(value, times);
        }
        later.entries.into_iter().flatten().for_each(|value| self.add(value));
    }

    /// Appends it.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_length(self.live, out);
        self.values().for_each(|value| put_value(value, out));
        put_length(self.awaited.as_ref().map_or(0, |awaited| awaited.len()), out);
        for (value, times) in self.awaited.iter().flat_map(|awaited| awaited.iter()) {
            put_value(value.as_ref(), out);
            Number::put(*times, out);
        }
    }

    /// Takes what `put` wrote.
    pub(super) fn take(input: &mut &[u8], carrier: &Arrow) -> Result<Self, EvaluationError> {
        let mut sequence = Self::default();
        for _ in 0..take_length(input)? {
            sequence.add(take_value(input, carrier)?);
        }
        let awaited_length = take_length(input)?;
        let mut awaited: HashMap<Option<E>, u64> = HashMap::new();
        for _ in 0..awaited_length {
            let (value, times): (_, u64) = (take_value(input, carrier)?, Number::take(input)?);
            if times == 0 {
                return Err(damaged());
            }
            awaited.insert(value, times);
        }
        sequence.awaited = (!awaited.is_empty()).then(|| Box::new(awaited));
        Ok(sequence)
    }

    /// Bytes that it allocates, about.
    pub(super) fn heap_bytes(&self) -> usize {
        let entries = self.entries.len() * size_of::<Option<Option<E>>>() + self.element_bytes;
        let index = self.index.as_ref().map_or(0, |index| index.len() * 80 + self.live * 8 + self.element_bytes);
        entries + index + self.awaited.as_ref().map_or(0, |awaited| awaited.len() * 64)
    }
}

fn put_value<E: Element>(value: Option<&E>, out: &mut Vec<u8>) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        value.put(out);
    }
}

fn take_value<E: Element>(input: &mut &[u8], carrier: &Arrow) -> Result<Option<E>, EvaluationError> {
    take_flag(input)?.then(|| E::take(input, carrier)).transpose()
}
