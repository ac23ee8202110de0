//! Values by key that leave memory when it is short: [`Slots`] in front of a [`StateBackend`].
//!
//! A batch first brings its keys to memory ([`TieredSlots::load`]), then they are looked up and changed there, then those
//! that were not used for longest leave if memory is short ([`TieredSlots::make_room`]). How a value is written is its
//! operator's business, so it is asked each time.
//!
//! Invariant: between `load` and `make_room` a key of the batch that is not found has no value.

mod written;

pub(super) use written::Written;

use super::{
    groups::{BlobWriter, hash_of},
    slots::Slots,
};
use crate::{
    error::OperatorError,
    key::{KeyGroup, key_group_of_hash},
    metrics::SubtaskMetrics,
    state::{
        CHANGED, EachEntry, EntryBuffer, KeyGroupBlobs, PINNED, STORED, StateBackend, StateContext, UNSAVED, UNSTORED,
        leaving::{USED_BYTES_MAX, oldest, staying},
        read_segment,
        tiered_map::{RestoredSegments, TieredSnapshot},
    },
};
use millrace_model::ids::CheckpointId;
use std::{
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
};
use written::{HotSlots, WriteValues, each_written, one_by_one};

/// What a key takes besides its bytes and its value: its slot, its place in the table, and what the allocator adds.
const ENTRY_BYTES: usize = 88;

/// A value that can leave memory.
pub(super) trait SlotValue {
    /// What it takes, about; asked after each batch that changed it.
    fn memory_bytes(&self) -> usize;

    /// Whether it is written and read at some cost, though it takes little itself: it does not leave right after it was used.
    fn is_large(&self) -> bool {
        false
    }
}

pub(super) struct TieredSlots<V> {
    slots: Slots<Tiered<V>>,
    backend: StateBackend,
    /// What keys and values take, as of the last batch.
    bytes: usize,
    /// Batches so far.
    clock: u32,
    /// Slots that were given out to be changed.
    touched: Vec<u32>,
}

/// A value, and what is known of it.
struct Tiered<V> {
    value: V,
    /// The batch that it was last used in.
    used: u32,
    /// What it took when it was last looked at.
    bytes: u32,
    /// What checkpoints and the disk do not have yet.
    marks: u8,
    is_touched: bool,
}

impl<V: SlotValue> TieredSlots<V> {
    /// Opens the state `name`; what is restored for it in memory is for [`Self::take_in`].
    pub(super) fn open(
        name: &'static str,
        state: &mut StateContext,
        metrics: &Arc<SubtaskMetrics>,
    ) -> Result<(Self, RestoredSegments), OperatorError> {
        let (backend, segments) = state.backend(name, metrics)?;
        Ok((Self { slots: Slots::default(), backend, bytes: 0, clock: 0, touched: Vec::new() }, segments))
    }

    /// Takes in restored segments; `read` checks key and value.
    pub(super) fn take_in(
        &mut self,
        segments: RestoredSegments,
        mut read: impl FnMut(KeyGroup, &[u8], &[u8]) -> Result<V, OperatorError>,
    ) -> Result<(), OperatorError> {
        for (range, segment) in segments {
            read_segment(
                &segment,
                |group| range.contains(group),
                |group, key, value| {
                    if let Some(slot) = self.slots.find(key) {
                        self.let_go(slot);
                    }
                    match value {
                        None => Ok::<(), OperatorError>(()),
                        Some(value) => {
                            let value = read(group, key, value)?;
                            self.put(key, value, StateBackend::new_marks(key) & !CHANGED | UNSTORED);
                            Ok(())
                        }
                    }
                },
            )?;
        }
        Ok(())
    }

    /// Values on disk for which `is_expired` answers true (value, processing time) are left out when they are rewritten.
    pub(super) fn expire_by(&mut self, is_expired: impl Fn(&[u8], i64) -> bool + Send + Sync + UnwindSafe + RefUnwindSafe + 'static) {
        self.backend.expiry().set(is_expired);
    }

    /// Begins a batch with these keys: afterwards those that have a value are in memory. `read` answers `None` for what has
    /// expired.
    pub(super) fn load<'k>(
        &mut self,
        keys: impl Iterator<Item = &'k [u8]>,
        now_ms: i64,
        read: impl FnMut(&[u8]) -> Result<Option<V>, OperatorError>,
    ) -> Result<(), OperatorError> {
        self.load_slots(keys, now_ms, read).map(drop)
    }

    /// The same; answers the slots of those that were not in memory.
    pub(super) fn load_slots<'k>(
        &mut self,
        keys: impl Iterator<Item = &'k [u8]>,
        now_ms: i64,
        mut read: impl FnMut(&[u8]) -> Result<Option<V>, OperatorError>,
    ) -> Result<Vec<u32>, OperatorError> {
        self.clock = self.clock.wrapping_add(1);
        if !self.backend.has_cold() {
            return Ok(Vec::new());
        }
        self.backend.expiry().pass(now_ms);
        let mut missing: Vec<(KeyGroup, &[u8])> = Vec::new();
        for key in keys {
            match self.slots.find(key).and_then(|slot| self.slots.get_mut(slot)) {
                Some(tiered) => tiered.used = self.clock,
                None => missing.push((key_group_of_hash(hash_of(key)), key)),
            }
        }
        // In the order in which they lie on disk.
        missing.sort_unstable();
        missing.dedup();
        let mut found = Vec::new();
        self.backend.load(missing.iter().copied(), |position, value| {
            if let Some(value) = read(value)? {
                found.push((missing[position].1, value));
            }
            Ok(())
        })?;
        Ok(found.into_iter().map(|(key, value)| self.put(key, value, STORED)).collect())
    }

    fn put(&mut self, key: &[u8], value: V, marks: u8) -> u32 {
        let slot = self.slot(key, || value);
        if let Some(tiered) = self.slots.get_mut(slot) {
            tiered.marks = marks;
        }
        slot
    }

    /// Whether keys may be on disk alone.
    #[inline]
    pub(super) fn has_cold(&self) -> bool {
        self.backend.has_cold()
    }

    /// Calls `each` with key group, key and value of every key on disk. One in memory is newer.
    pub(super) fn scan(&self, each: &mut EachEntry<'_>) -> Result<(), OperatorError> {
        self.backend.scan(each)
    }

    /// The slot of `key`, made with `new` if it is not there yet.
    pub(super) fn slot(&mut self, key: &[u8], new: impl FnOnce() -> V) -> u32 {
        let (clock, mut is_new) = (self.clock, false);
        let slot = self.slots.slot(key, || {
            is_new = true;
            Tiered { value: new(), used: clock, bytes: 0, marks: StateBackend::new_marks(key), is_touched: true }
        });
        if is_new {
            self.touched.push(slot);
            self.bytes += ENTRY_BYTES + key.len();
        }
        slot
    }

    /// The slot of `key`.
    pub(super) fn find(&self, key: &[u8]) -> Option<u32> {
        self.slots.find(key)
    }

    /// The key of a slot.
    pub(super) fn key(&self, slot: u32) -> &[u8] {
        self.slots.key(slot)
    }

    /// Keys in memory.
    pub(super) fn count_of_keys(&self) -> usize {
        self.slots.keys()
    }

    /// Slots that were ever given.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The value of a slot.
    pub(super) fn get(&self, slot: u32) -> Option<&V> {
        self.slots.get(slot).map(|tiered| &tiered.value)
    }

    /// The value of a slot, to be changed.
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut V> {
        let tiered = self.slots.get_mut(slot)?;
        if !std::mem::replace(&mut tiered.is_touched, true) {
            self.touched.push(slot);
        }
        tiered.marks |= CHANGED;
        tiered.used = self.clock;
        Some(&mut tiered.value)
    }

    /// The value of a slot, to be changed perhaps: then [`Self::changed`] has to be told.
    pub(super) fn look_at(&mut self, slot: u32) -> Option<&mut V> {
        let tiered = self.slots.get_mut(slot)?;
        tiered.used = self.clock;
        Some(&mut tiered.value)
    }

    /// The value of a slot is another one.
    pub(super) fn changed(&mut self, slot: u32) {
        let Some(tiered) = self.slots.get_mut(slot) else { return };
        if !std::mem::replace(&mut tiered.is_touched, true) {
            self.touched.push(slot);
        }
        tiered.marks |= CHANGED;
    }

    /// Removes a key for good.
    pub(super) fn remove(&mut self, slot: u32) -> Result<(), OperatorError> {
        if let Some(tiered) = self.slots.get(slot) {
            let key = self.slots.key(slot);
            self.backend.removed(key_group_of_hash(hash_of(key)), key, tiered.marks)?;
        }
        self.let_go(slot);
        Ok(())
    }

    /// Lets go of a key in memory; answers its value.
    fn let_go(&mut self, slot: u32) -> Option<V> {
        if let Some(tiered) = self.slots.get(slot) {
            self.bytes = self.bytes.saturating_sub(ENTRY_BYTES + self.slots.key(slot).len() + tiered.bytes as usize);
        }
        self.slots.remove(slot).map(|tiered| tiered.value)
    }

    /// Removes the keys in memory for which `keep` answers false; it may change what it keeps only to what has not expired.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut V) -> bool) -> Result<(), OperatorError> {
        for slot in 0..self.slots.len() as u32 {
            if self.slots.get_mut(slot).is_some_and(|tiered| !keep(&mut tiered.value)) {
                self.remove(slot)?;
            }
        }
        Ok(())
    }

    /// Brings those values on disk to memory for which `is_wanted` answers true.
    pub(super) fn load_all(
        &mut self,
        is_wanted: impl Fn(&[u8]) -> bool,
        mut read: impl FnMut(KeyGroup, &[u8], &[u8]) -> Result<V, OperatorError>,
    ) -> Result<(), OperatorError> {
        let mut found = Vec::new();
        self.backend.scan(&mut |group, key, value| {
            if is_wanted(value) {
                found.push((Box::<[u8]>::from(key), read(group, key, value)?));
            }
            Ok(())
        })?;
        for (key, value) in found {
            // What is in memory is newer.
            if self.find(&key).is_none() {
                self.put(&key, value, STORED);
            }
        }
        Ok(())
    }

    /// The slots of all keys in memory, with their values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &V)> {
        (0..self.slots.len() as u32).filter_map(|slot| self.get(slot).map(|value| (slot, value)))
    }

    /// The values of all keys in memory; what is changed is not what is stored.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.slots.values_mut().map(|tiered| &mut tiered.value)
    }

    /// Ends a batch: keys that were not used for longest leave if memory is short, as far as they `can_leave`; `write`
    /// appends a value.
    pub(super) fn make_room(&mut self, can_leave: impl Fn(&V) -> bool, write: impl Fn(&V, &mut Vec<u8>)) -> Result<(), OperatorError> {
        self.let_leave(0, can_leave, &one_by_one(&write), |_, _, _| Ok(()))
    }

    /// Takes note of what values take, and `beside_bytes` that are kept beside them; answers whether memory is short.
    pub(super) fn is_short(&mut self, beside_bytes: u64) -> bool {
        self.count();
        self.backend.takes(self.bytes as u64 + beside_bytes).is_some()
    }

    /// [`Self::make_room`] for values of which parts, `beside_bytes` together, are kept elsewhere: `write` appends many at
    /// once, and `gone` gets slot, key and value of each that has left.
    pub(super) fn let_leave(
        &mut self,
        beside_bytes: u64,
        can_leave: impl Fn(&V) -> bool,
        write: &WriteValues<'_, V>,
        mut gone: impl FnMut(u32, &[u8], V) -> Result<(), OperatorError>,
    ) -> Result<(), OperatorError> {
        self.count();
        let all_bytes = self.bytes as u64 + beside_bytes;
        let Some(stay_bytes) = self.backend.takes(all_bytes) else { return Ok(()) };
        let leaving = self.leaving(stay_bytes, all_bytes, can_leave);
        if leaving.is_empty() {
            return Ok(());
        }
        let mut stored = EntryBuffer::default();
        let (slots, backend) = (&self.slots, &mut self.backend);
        let changed: Vec<u32> =
            leaving.iter().copied().filter(|&slot| slots.get(slot).is_some_and(|t| t.marks & (UNSAVED | UNSTORED) != 0)).collect();
        each_written(slots, &changed, write, &mut |slot, group, key, value| {
            let marks = slots.get(slot).map_or(0, |tiered| tiered.marks);
            if marks & UNSAVED != 0 {
                backend.unsaved(group, key, value)?;
            }
            if marks & UNSTORED != 0 {
                stored.put(group, key, |out| out.extend_from_slice(value));
            }
            Ok(())
        })?;
        self.backend.evict(&mut stored)?;
        for slot in leaving {
            let key = Box::<[u8]>::from(self.slots.key(slot));
            if let Some(value) = self.let_go(slot) {
                gone(slot, &key, value)?;
            }
        }
        self.backend.takes(self.bytes as u64);
        Ok(())
    }

    /// The slots that leave so that about so many of all bytes stay.
    fn leaving(&self, stay_bytes: u64, all_bytes: u64, can_leave: impl Fn(&V) -> bool) -> Vec<u32> {
        let mut leaving: Vec<u32> = Vec::new();
        let mut there = 0;
        for slot in 0..self.slots.len() as u32 {
            let Some(tiered) = self.slots.get(slot) else { continue };
            there += 1;
            let is_in_use = tiered.used == self.clock && (u64::from(tiered.bytes) > USED_BYTES_MAX || tiered.value.is_large());
            if tiered.marks & PINNED == 0 && !is_in_use && can_leave(&tiered.value) {
                leaving.push(slot);
            }
        }
        let age = |slot: u32| self.slots.get(slot).map_or(0, |tiered| self.clock.wrapping_sub(tiered.used));
        oldest(leaving, staying(stay_bytes, there, all_bytes), age)
    }

    /// Looks at what the values take that were given out to be changed.
    fn count(&mut self) {
        for slot in self.touched.drain(..) {
            let Some(tiered) = self.slots.get_mut(slot) else { continue };
            // A slot that was given to another key may be here twice.
            if std::mem::replace(&mut tiered.is_touched, false) {
                let now = u32::try_from(tiered.value.memory_bytes()).unwrap_or(u32::MAX);
                self.bytes = (self.bytes + now as usize).saturating_sub(tiered.bytes as usize);
                tiered.bytes = now;
            }
        }
    }

    /// The state for a checkpoint: small state whole, by `blobs`; large state in steps of what `write` appends.
    /// `is_live` tells of a value in memory whether it counts in whole state.
    pub(super) fn snapshot(
        &mut self,
        blobs: impl FnOnce(&mut dyn Iterator<Item = (&[u8], &V)>) -> KeyGroupBlobs,
        write: impl Fn(&V, &mut Vec<u8>),
        is_live: impl Fn(&V) -> bool,
        now_ms: i64,
    ) -> Result<TieredSnapshot, OperatorError> {
        self.count();
        if self.backend.is_small() {
            self.backend.snapshot_small();
            let mut live = self.slots.iter().map(|(key, tiered)| (key, &tiered.value)).filter(|(_, value)| is_live(value));
            return Ok(TieredSnapshot::Whole(blobs(&mut live)));
        }
        let write = one_by_one(&write);
        let mut hot = HotSlots { slots: &mut self.slots, write: &write, is_live: &is_live };
        Ok(TieredSnapshot::Steps(self.backend.snapshot(&mut hot, now_ms)?))
    }

    /// The same, where whole state is what `write` appends too.
    pub(super) fn snapshot_written(
        &mut self,
        write: &WriteValues<'_, V>,
        is_live: impl Fn(&V) -> bool,
        now_ms: i64,
    ) -> Result<TieredSnapshot, OperatorError> {
        self.count();
        if self.backend.is_small() {
            let live: Vec<u32> = self.iter().filter(|(_, value)| is_live(value)).map(|(slot, _)| slot).collect();
            let mut blobs = BlobWriter::default();
            each_written(&self.slots, &live, write, &mut |_, _, key, value| {
                blobs.entry(key, |out| out.extend_from_slice(value));
                Ok(())
            })?;
            self.backend.snapshot_small();
            return Ok(TieredSnapshot::Whole(blobs.finish()));
        }
        let mut hot = HotSlots { slots: &mut self.slots, write, is_live: &is_live };
        Ok(TieredSnapshot::Steps(self.backend.snapshot(&mut hot, now_ms)?))
    }

    /// The last checkpoint is durable.
    pub(super) fn committed(&mut self, checkpoint: CheckpointId) {
        self.backend.committed(checkpoint);
    }
}
