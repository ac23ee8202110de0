//! A side whose rows do not all fit in memory: keys of a batch come to memory before it, keys that were not used for longest
//! leave after it, and checkpoints get what has changed. A key comes and leaves with all of its rows.
//!
//! Invariant: between [`Side::load`] and [`Side::make_room`] a key of the batch that is not in memory has no rows.

use super::{super::groups::hash_of, side::Side, stored_side::are_older};
use crate::{
    error::OperatorError,
    key::{KeyGroup, key_group_of_hash},
    operators::OperatorContext,
    state::{
        CHANGED, EachEntry, EntryBuffer, HotState, PINNED, STORED, StateBackend, StateError, UNSAVED, UNSTORED,
        leaving::{oldest, staying},
        read_segment,
        tiered_map::TieredSnapshot,
    },
};
use millrace_model::ids::CheckpointId;

/// Keys with more rows do not leave right after they were used: all their rows would be written and read for each batch.
const ROWS_THAT_LEAVE_MAX: usize = 1_024;

impl Side {
    /// Opens the state `name` behind this side, and takes in what was restored.
    pub(super) fn open(&mut self, name: &'static str, context: &mut OperatorContext) -> Result<(), OperatorError> {
        let (backend, segments) = context.state.backend(name, &context.metrics)?;
        if let Some(ttl_ms) = self.ttl_ms {
            let has_unique = self.unique.is_some();
            backend.expiry().set(move |value, now_ms| are_older(value, has_unique, now_ms.saturating_sub(ttl_ms)));
        }
        self.backend = Some(backend);
        for (range, segment) in segments {
            read_segment(&segment, |group| range.contains(group), |group, key, value| self.take_in(group, key, value))?;
        }
        for (&group, blob) in context.restored.get(name).into_iter().flatten() {
            self.restore(group, blob)?;
        }
        self.make_room()
    }

    /// Takes in what a segment of restored state says of a key.
    fn take_in(&mut self, group: KeyGroup, key: &[u8], value: Option<&[u8]>) -> Result<(), OperatorError> {
        self.keys.check_key(group, key)?;
        let hash = hash_of(key);
        if let Some(entry) = self.entry_of(hash, key) {
            self.let_go(entry);
        }
        match value {
            None => Ok(()),
            Some(value) => self.put_value((hash, key), value, StateBackend::new_marks(key) & !CHANGED | UNSTORED, |_| true),
        }
    }

    /// A key with its rows as they were written.
    fn put_value(
        &mut self,
        (hash, key): (u64, &[u8]),
        mut value: &[u8],
        marks: u8,
        is_wanted: impl Fn(i64) -> bool,
    ) -> Result<(), OperatorError> {
        self.take_rows((hash, key), &mut value, is_wanted)?;
        if !value.is_empty() {
            return Err(StateError(format!("{} bytes behind the rows of a join key", value.len())).into());
        }
        if let Some(entry) = self.entry_of(hash, key) {
            self.entries[entry as usize].marks = marks;
        }
        Ok(())
    }

    /// Begins a batch.
    pub(super) fn begin(&mut self, now_ms: i64) -> Result<(), OperatorError> {
        self.clock = self.clock.wrapping_add(1);
        self.sweep(now_ms);
        // What is swept must not be found on disk.
        self.tell_gone()
    }

    /// Whether rows may be on disk alone.
    pub(super) fn may_lack(&self) -> bool {
        self.backend.as_ref().is_some_and(StateBackend::has_cold)
    }

    /// Brings the rows of these keys to memory.
    pub(super) fn load(&mut self, keys: &[&[u8]], now_ms: i64) -> Result<(), OperatorError> {
        if !self.may_lack() {
            return Ok(());
        }
        let mut missing: Vec<(KeyGroup, &[u8], u64)> = Vec::new();
        for &key in keys {
            let hash = hash_of(key);
            match self.entry_of(hash, key) {
                Some(entry) => self.entries[entry as usize].used = self.clock,
                None => missing.push((key_group_of_hash(hash), key, hash)),
            }
        }
        // In the order in which they lie on disk.
        missing.sort_unstable();
        missing.dedup();
        let (mut values, mut places) = (Vec::new(), Vec::new());
        let Some(backend) = &mut self.backend else { return Ok(()) };
        backend.expiry().pass(now_ms);
        backend.load(missing.iter().map(|&(group, key, _)| (group, key)), |position, value| {
            places.push((position, values.len()));
            values.extend_from_slice(value);
            Ok(())
        })?;
        let since_ms = self.expired_ms(now_ms);
        for (number, &(position, start)) in places.iter().enumerate() {
            let end = places.get(number + 1).map_or(values.len(), |next| next.1);
            let (_, key, hash) = missing[position];
            self.put_value((hash, key), &values[start..end], STORED, |written_ms| since_ms.is_none_or(|since| written_ms > since))?;
        }
        Ok(())
    }

    /// Rows written then or before have expired.
    fn expired_ms(&self, now_ms: i64) -> Option<i64> {
        self.ttl_ms.map(|ttl_ms| now_ms.saturating_sub(ttl_ms))
    }

    /// Ends a batch: keys that were not used for longest leave if memory is short.
    pub(super) fn make_room(&mut self) -> Result<(), OperatorError> {
        self.tell_gone()?;
        let bytes = self.bytes as u64;
        let Some(mut backend) = self.backend.take() else { return Ok(()) };
        if let Some(stay_bytes) = backend.takes(bytes) {
            self.leave(&mut backend, stay_bytes)?;
            backend.takes(self.bytes as u64);
        }
        self.backend = Some(backend);
        Ok(())
    }

    fn tell_gone(&mut self) -> Result<(), OperatorError> {
        let Some(backend) = &mut self.backend else { return Ok(()) };
        self.gone.drain(..).try_for_each(|gone| backend.removed(key_group_of_hash(gone.hash), &gone.key, gone.marks))
    }

    fn leave(&mut self, backend: &mut StateBackend, stay_bytes: u64) -> Result<(), OperatorError> {
        let leaving: Vec<u32> = self.table.iter().copied().filter(|&entry| self.can_leave(entry)).collect();
        let age = |entry: u32| self.clock.wrapping_sub(self.entries[entry as usize].used);
        let leaving = oldest(leaving, staying(stay_bytes, self.table.len(), self.bytes as u64), age);
        if leaving.is_empty() {
            return Ok(());
        }
        let mut stored = EntryBuffer::default();
        let mut value = Vec::new();
        for &entry in &leaving {
            let left = &self.entries[entry as usize];
            let group = key_group_of_hash(left.hash);
            if left.marks & UNSAVED != 0 {
                value.clear();
                self.write_rows(self.slots_of(entry), &mut value);
                backend.unsaved(group, &left.key, &value)?;
            }
            if left.marks & UNSTORED != 0 {
                stored.put(group, &left.key, |out| {
                    self.write_rows(self.slots_of(entry), out);
                });
            }
        }
        backend.evict(&mut stored)?;
        leaving.into_iter().for_each(|entry| self.let_go(entry));
        Ok(())
    }

    fn can_leave(&self, entry: u32) -> bool {
        let found = &self.entries[entry as usize];
        let is_in_use = || found.used == self.clock && self.slots_of(entry).nth(ROWS_THAT_LEAVE_MAX).is_some();
        found.marks & PINNED == 0 && !is_in_use()
    }

    /// The state for a checkpoint.
    pub(super) fn snapshot(&mut self, now_ms: i64) -> Result<TieredSnapshot, OperatorError> {
        self.tell_gone()?;
        let Some(mut backend) = self.backend.take() else { return Ok(TieredSnapshot::Whole(self.blobs(now_ms))) };
        let snapshot = if backend.is_small() {
            backend.snapshot_small();
            TieredSnapshot::Whole(self.blobs(now_ms))
        } else {
            TieredSnapshot::Steps(backend.snapshot(&mut HotSide { side: self, now_ms }, now_ms)?)
        };
        self.backend = Some(backend);
        Ok(snapshot)
    }

    /// The last checkpoint is durable.
    pub(super) fn committed(&mut self, checkpoint: CheckpointId) {
        if let Some(backend) = &mut self.backend {
            backend.committed(checkpoint);
        }
    }
}

/// What a side has in memory.
struct HotSide<'s> {
    side: &'s mut Side,
    now_ms: i64,
}

impl HotState for HotSide<'_> {
    fn entries(&self, marks: u8, each: &mut EachEntry<'_>) -> Result<(), OperatorError> {
        let (side, mut value) = (&*self.side, Vec::new());
        for &entry in &side.table {
            let found = &side.entries[entry as usize];
            if marks != 0 && found.marks & marks == 0 {
                continue;
            }
            value.clear();
            // An older word on the key may have rows that live longer, so a change is told though its rows have expired.
            let is_whole = marks == 0;
            if side.write_rows(side.slots_of(entry).filter(|slot| !is_whole || side.is_live(slot, self.now_ms)), &mut value) > 0 {
                each(key_group_of_hash(found.hash), &found.key, &value)?;
            }
        }
        Ok(())
    }

    fn mark(&mut self, clear: u8, set: u8) {
        for &entry in &self.side.table {
            let marks = &mut self.side.entries[entry as usize].marks;
            *marks = *marks & !clear | set;
        }
    }
}
