//! Values as bytes. Many are written together, because their rows may lie in columns that become bytes at once.
//!
//! Invariant: so many are written together that their bytes take little memory beside them.

use super::{SlotValue, Slots, Tiered};
use crate::{
    error::OperatorError,
    key::{KeyGroup, key_group_of_hash},
    operators::sql::groups::hash_of,
    state::{EachEntry, HotState},
};

/// Values that are written together at most.
const VALUES_MAX: usize = 1_024;
/// A group of values is closed when it takes so much.
const VALUES_BYTES: usize = 4 << 20;
/// What a value counts for that has its rows elsewhere.
const LARGE_BYTES: usize = VALUES_BYTES / 16;

/// Bytes of values, one after the other.
#[derive(Default)]
pub(in super::super) struct Written {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Written {
    /// Appends the next value.
    pub(in super::super) fn value(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    fn get(&self, position: usize) -> &[u8] {
        let start = position.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.ends.get(position).and_then(|&end| self.bytes.get(start..end)).unwrap_or_default()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// Appends values, each given with its slot.
pub(in super::super) type WriteValues<'w, V> = dyn Fn(&[(u32, &V)], &mut Written) -> Result<(), OperatorError> + 'w;

/// Writes values of which each has all of itself.
pub(super) fn one_by_one<V>(write: &impl Fn(&V, &mut Vec<u8>)) -> impl Fn(&[(u32, &V)], &mut Written) -> Result<(), OperatorError> {
    |values, written| {
        values.iter().for_each(|(_, value)| written.value(|out| write(value, out)));
        Ok(())
    }
}

/// Gets slot, key group, key and value.
type Each<'e> = dyn FnMut(u32, KeyGroup, &[u8], &[u8]) -> Result<(), OperatorError> + 'e;

/// Calls `each` with the values of these slots.
pub(super) fn each_written<V: SlotValue>(
    slots: &Slots<Tiered<V>>,
    chosen: &[u32],
    write: &WriteValues<'_, V>,
    each: &mut Each<'_>,
) -> Result<(), OperatorError> {
    let (mut written, mut values, mut bytes) = (Written::default(), Vec::new(), 0);
    let mut chosen = chosen.iter().copied().peekable();
    while let Some(slot) = chosen.next() {
        if let Some(tiered) = slots.get(slot) {
            bytes += tiered.bytes as usize + if tiered.value.is_large() { LARGE_BYTES } else { 0 };
            values.push((slot, &tiered.value));
        }
        if values.len() < VALUES_MAX && bytes < VALUES_BYTES && chosen.peek().is_some() {
            continue;
        }
        written.clear();
        write(&values, &mut written)?;
        for (position, (slot, _)) in values.drain(..).enumerate() {
            let key = slots.key(slot);
            each(slot, key_group_of_hash(hash_of(key)), key, written.get(position))?;
        }
        bytes = 0;
    }
    Ok(())
}

/// What is in memory, for checkpoints.
pub(super) struct HotSlots<'s, V, L> {
    pub slots: &'s mut Slots<Tiered<V>>,
    pub write: &'s WriteValues<'s, V>,
    pub is_live: &'s L,
}

impl<V: SlotValue, L: Fn(&V) -> bool> HotState for HotSlots<'_, V, L> {
    fn entries(&self, marks: u8, each: &mut EachEntry<'_>) -> Result<(), OperatorError> {
        // A change is told though the value has expired: an older word on the key may hold what lives longer.
        let is_wanted = |tiered: &Tiered<V>| if marks == 0 { (self.is_live)(&tiered.value) } else { tiered.marks & marks != 0 };
        let slots = 0..self.slots.len() as u32;
        let chosen: Vec<u32> = slots.filter(|&slot| self.slots.get(slot).is_some_and(is_wanted)).collect();
        each_written(self.slots, &chosen, self.write, &mut |_, group, key, value| each(group, key, value))
    }

    fn mark(&mut self, clear: u8, set: u8) {
        self.slots.values_mut().for_each(|tiered| tiered.marks = tiered.marks & !clear | set);
    }
}
