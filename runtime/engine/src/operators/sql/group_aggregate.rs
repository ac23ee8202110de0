//! Unbounded `GROUP BY`: every row updates the result of its key at once (Flink's `GroupAggFunction`), or rows are
//! collected first (its `MiniBatchGroupAggFunction`).
//!
//! Vectorized by rounds: the first rows of all keys of a batch make a round, the second ones the next, and so on. Within
//! a round no key comes twice, so the results before and after each row are the columns of results before and after the
//! round; what has changed is brought back into the order of the rows. Without retractions, and when all calls can answer
//! running results, a batch is one pass instead.

use super::{
    equal_results::equal_results,
    groups::{BlobWriter, GroupSpec, Groups, hash_of, key_of, read_i64, retractions},
    hot_groups::{EntrySize, HotGroups, expires},
    mini_batch::Collected,
    rounds::rounds,
};
use crate::{
    error::OperatorError,
    key::{KeyGroup, key_group_of_hash},
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
    state::{
        CHANGED, EntryBuffer, STORED, StateBackend, StateError, UNSTORED,
        leaving::{USED_BYTES_MAX, oldest},
        read_segment,
    },
};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt8Array, UInt32Array};
use arrow_row::Rows;
use arrow_schema::SchemaRef;
use arrow_select::interleave::interleave;
use async_trait::async_trait;
use hashbrown::{HashTable, hash_table::Entry};
use millrace_model::{Batch, ChangeKind, ids::CheckpointId};
use millrace_sql::plan::MiniBatch;
use std::{cmp::Reverse, collections::BTreeMap};

const GROUPS: &str = "groups";

pub(crate) struct GroupAggregate {
    spec: GroupSpec,
    groups: Groups,
    /// When each slot was last written, for the time to live.
    written_ms: Vec<i64>,
    /// Per slot what checkpoints and the disk do not have yet.
    marks: Vec<u8>,
    /// Keys that are not in memory, and what has changed.
    backend: StateBackend,
    size: EntrySize,
    ttl_ms: Option<i64>,
    swept_ms: i64,
    /// Round in which a slot was last seen.
    seen: Vec<u64>,
    segment: u64,
    /// Row of the batch in which a slot was last seen.
    last_row: Vec<u32>,
    /// All calls have running results: a batch is one pass.
    can_run: bool,
    output: SchemaRef,
    mini_batch: Option<Collected>,
    /// Whether the row that a change replaces is told.
    tells_before: bool,
}

/// One output row: its kind, the row whose key it has, and whether it shows the results before the segment.
struct Change {
    kind: ChangeKind,
    row: u32,
    results: (usize, usize),
}

impl GroupAggregate {
    pub(crate) fn new(
        spec: GroupSpec,
        state_ttl_ms: Option<u64>,
        mini_batch: Option<MiniBatch>,
        output: SchemaRef,
        context: &mut OperatorContext,
    ) -> Result<Self, OperatorError> {
        let (backend, segments) = context.state.backend(GROUPS, &context.metrics)?;
        let groups = Groups::new(&spec)?;
        let ttl_ms = state_ttl_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
        if ttl_ms.is_some() {
            backend.expiry().set(move |value, now_ms| expires(value, ttl_ms, now_ms));
        }
        let mini_batch = mini_batch.map(Collected::new);
        let (written_ms, seen) = (Vec::new(), Vec::new());
        let can_run = mini_batch.is_none() && groups.can_run(&spec);
        let mut made = Self {
            spec,
            groups,
            written_ms,
            marks: Vec::new(),
            backend,
            size: EntrySize::default(),
            ttl_ms,
            swept_ms: 0,
            seen,
            segment: 0,
            last_row: Vec::new(),
            can_run,
            output,
            mini_batch,
            tells_before: true,
        };
        for (range, segment) in segments {
            read_segment(&segment, |group| range.contains(group), |group, key, value| made.take_in(group, key, value))?;
        }
        for (&group, blob) in context.restored.get(GROUPS).into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = made.spec.stored_key(group, &mut blob)?;
                let slot = made.groups.slot(hash_of(key), key);
                let written_ms = read_i64(&mut blob)?;
                made.groups.merge(slot, &mut blob)?;
                made.touch(slot, written_ms);
            }
        }
        made.make_room()?;
        Ok(made)
    }

    /// Takes in what a segment of restored state says of a key.
    fn take_in(&mut self, group: KeyGroup, key: &[u8], value: Option<&[u8]>) -> Result<(), OperatorError> {
        self.spec.check_key(group, key)?;
        let hash = hash_of(key);
        if let Some(slot) = self.groups.find(hash, key) {
            self.groups.remove(slot);
        }
        if let Some(value) = value {
            let slot = self.put_value(hash, key, value)?;
            self.marks[slot as usize] = StateBackend::new_marks(key) & !CHANGED | UNSTORED;
        }
        Ok(())
    }

    /// A new slot with a value as it was exported.
    fn put_value(&mut self, hash: u64, key: &[u8], mut value: &[u8]) -> Result<u32, OperatorError> {
        let written_ms = read_i64(&mut value)?;
        let slot = self.groups.slot(hash, key);
        // Also of a value that is refused the slot is known.
        self.touch(slot, written_ms);
        self.groups.merge(slot, &mut value)?;
        if !value.is_empty() {
            return Err(StateError(format!("{} bytes behind a group", value.len())).into());
        }
        Ok(slot)
    }

    /// Brings the keys of a batch to memory.
    fn load(&mut self, hashes: &[u64], keys: Option<&Rows>, now_ms: i64) -> Result<(), OperatorError> {
        let mut missing: Vec<u32> = Vec::new();
        let mut known: HashTable<u32> = HashTable::new();
        for (row, &hash) in hashes.iter().enumerate() {
            let key = key_of(keys, row);
            if self.groups.find(hash, key).is_some() {
                continue;
            }
            let is_same = |&other: &u32| hashes[other as usize] == hash && key_of(keys, other as usize) == key;
            if let Entry::Vacant(entry) = known.entry(hash, is_same, |&other| hashes[other as usize]) {
                entry.insert(row as u32);
                missing.push(row as u32);
            }
        }
        let at = |row: u32| (key_group_of_hash(hashes[row as usize]), key_of(keys, row as usize));
        // In the order in which they lie on disk.
        missing.sort_unstable_by(|&a, &b| at(a).cmp(&at(b)));
        let (mut values, mut places) = (Vec::new(), Vec::new());
        self.backend.expiry().pass(now_ms);
        self.backend.load(missing.iter().map(|&row| at(row)), |position, value| {
            places.push((missing[position], values.len()));
            values.extend_from_slice(value);
            Ok(())
        })?;
        for (number, &(row, start)) in places.iter().enumerate() {
            let end = places.get(number + 1).map_or(values.len(), |next| next.1);
            let value = &values[start..end];
            if expires(value, self.ttl_ms, now_ms) {
                continue;
            }
            let slot = self.put_value(hashes[row as usize], key_of(keys, row as usize), value)?;
            self.marks[slot as usize] = STORED;
            self.seen[slot as usize] = self.segment;
        }
        Ok(())
    }

    /// Lets keys that were not seen for longest leave memory, if it is short.
    fn make_room(&mut self) -> Result<(), OperatorError> {
        let bytes = self.size.total(&self.groups)?;
        let Some(stay_bytes) = self.backend.takes(bytes) else { return Ok(()) };
        let mut slots = self.groups.in_order();
        let are_large = self.size.bytes_per_entry() > USED_BYTES_MAX;
        let is_in_use = |slot: u32| are_large && self.seen[slot as usize] == self.segment;
        slots.retain(|&slot| self.marks[slot as usize] & crate::state::PINNED == 0 && !is_in_use(slot));
        let stay = usize::try_from(stay_bytes / self.size.bytes_per_entry().max(1)).unwrap_or(usize::MAX);
        let slots = oldest(slots, stay, |slot| Reverse(self.seen[slot as usize]));
        if slots.is_empty() {
            return Ok(());
        }
        let mut stored = EntryBuffer::default();
        let hot = HotGroups { groups: &self.groups, written_ms: &self.written_ms, marks: &mut self.marks, expired: None };
        let (backend, buffer) = (&mut self.backend, &mut stored);
        hot.each(&slots, &mut |group, key, marks, value| {
            if marks & crate::state::UNSAVED != 0 {
                backend.unsaved(group, key, value)?;
            }
            if marks & UNSTORED != 0 {
                buffer.put(group, key, |out| out.extend_from_slice(value));
            }
            Ok(())
        })?;
        self.backend.evict(&mut stored)?;
        slots.iter().for_each(|&slot| self.groups.remove(slot));
        self.backend.takes(self.size.bytes_per_entry() * self.groups.len() as u64);
        Ok(())
    }

    /// A key has gone for good.
    fn forget(&mut self, slot: u32) -> Result<(), OperatorError> {
        let group = key_group_of_hash(self.groups.hash(slot));
        self.backend.removed(group, self.groups.key(slot), self.marks[slot as usize])?;
        self.groups.remove(slot);
        Ok(())
    }

    fn touch(&mut self, slot: u32, now_ms: i64) {
        let index = slot as usize;
        if self.written_ms.len() <= index {
            self.written_ms.resize(index + 1, 0);
            self.seen.resize(index + 1, 0);
            self.last_row.resize(index + 1, 0);
            self.marks.resize(index + 1, 0);
        }
        self.written_ms[index] = now_ms;
        self.marks[index] = StateBackend::new_marks(self.groups.key(slot));
    }

    fn is_expired(&self, slot: u32, now_ms: i64) -> bool {
        self.ttl_ms.is_some_and(|ttl| self.written_ms.get(slot as usize).is_some_and(|w| w.saturating_add(ttl) <= now_ms))
    }

    /// The slot of a key that has rows and has not expired.
    fn live(&mut self, hash: u64, key: &[u8], now_ms: i64) -> Option<u32> {
        let slot = self.groups.find(hash, key)?;
        if self.is_expired(slot, now_ms) {
            self.groups.remove(slot);
            return None;
        }
        Some(slot)
    }

    /// The slot of a key, and whether it is new.
    fn slot_of(&mut self, hash: u64, key: &[u8], now_ms: i64) -> (u32, bool) {
        if let Some(slot) = self.live(hash, key, now_ms) {
            return (slot, self.groups.counts[slot as usize] == 0);
        }
        let slot = self.groups.slot(hash, key);
        self.touch(slot, now_ms);
        (slot, true)
    }

    fn update(&mut self, batch: &Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let keys = self.spec.key_bytes(&batch.rows)?;
        let retract = retractions(batch);
        let hashes: Vec<u64> = (0..batch.num_rows()).map(|row| hash_of(key_of(keys.as_ref(), row))).collect();
        if self.backend.has_cold() {
            self.load(&hashes, keys.as_ref(), now_ms)?;
        }
        if self.can_run {
            let answer = self.run(batch, keys.as_ref(), &hashes, now_ms)?;
            return self.emit(batch, answer, out);
        }
        let mut answer = Answer::default();
        let all = || vec![(0..batch.num_rows() as u32).collect()];
        let rounds = if self.mini_batch.is_some() { all() } else { rounds(&hashes, |row| key_of(keys.as_ref(), row)) };
        for rows in rounds {
            self.segment += 1;
            let mut segment = Segment::default();
            for row in rows {
                let index = row as usize;
                let (hash, key) = (hashes[index], key_of(keys.as_ref(), index));
                let (slot, is_new) = match retract.as_ref().is_some_and(|r| r[index]) {
                    false => self.slot_of(hash, key, now_ms),
                    true => match self.live(hash, key, now_ms) {
                        Some(slot) => (slot, self.groups.counts[slot as usize] == 0),
                        // Taken back before it came, or after it was forgotten.
                        None => continue,
                    },
                };
                if self.seen[slot as usize] != self.segment {
                    self.seen[slot as usize] = self.segment;
                    segment.first_rows.push(row);
                    segment.slots.push(slot);
                    segment.is_new.push(is_new);
                }
                segment.rows.push(row);
                segment.groups.push(slot);
            }
            self.close(batch, retract.as_deref(), segment, now_ms, &mut answer)?;
        }
        // Rows of one key are in different rounds, and rounds are in the order of a key's rows.
        answer.changes.sort_by_key(|c| c.row);
        self.emit(batch, answer, out)
    }

    /// Adds all rows in one pass. What stood before a row is the result after the last row of its key, or the key's result
    /// before the batch.
    fn run(&mut self, batch: &Batch, keys: Option<&Rows>, hashes: &[u64], now_ms: i64) -> Result<Answer, OperatorError> {
        self.segment += 1;
        let count = batch.num_rows();
        let (mut slots, mut before, mut is_new) = (Vec::with_capacity(count), Vec::with_capacity(count), vec![false; count]);
        // Slots in order of first touch.
        let mut touched: Vec<u32> = Vec::new();
        for (row, &hash) in hashes.iter().enumerate() {
            let (slot, new) = self.slot_of(hash, key_of(keys, row), now_ms);
            let index = slot as usize;
            if std::mem::replace(&mut self.seen[index], self.segment) != self.segment {
                is_new[row] = new;
                before.push((0, touched.len()));
                touched.push(slot);
            } else {
                before.push((1, self.last_row[index] as usize));
            }
            self.last_row[index] = row as u32;
            self.written_ms[index] = now_ms;
            self.marks[index] |= CHANGED;
            slots.push(slot);
        }
        let initial = self.groups.values(&touched)?;
        let after = self.groups.running(&self.spec, &batch.rows, &slots)?;
        let same = match self.ttl_ms {
            Some(_) => None,
            None => {
                let pairs = initial.iter().zip(&after);
                let old = pairs.map(|(i, a)| interleave(&[i.as_ref(), a.as_ref()], &before)).collect::<Result<Vec<_>, _>>()?;
                Some(equal_results(&old, &after, count)?)
            }
        };
        let mut answer = Answer { parts: vec![initial, after], changes: Vec::with_capacity(2 * count) };
        for (row, &old) in before.iter().enumerate() {
            let mut note = |kind, results| answer.changes.push(Change { kind, row: row as u32, results });
            if is_new[row] {
                note(ChangeKind::Insert, (1, row));
            } else if !self.spec.calls.is_empty() && !same.as_ref().is_some_and(|same| same[row]) {
                if self.tells_before {
                    note(ChangeKind::UpdateBefore, old);
                }
                note(ChangeKind::UpdateAfter, (1, row));
            }
        }
        Ok(answer)
    }

    /// Updates the groups by one segment and notes what has changed.
    fn close(
        &mut self,
        batch: &Batch,
        retract: Option<&[bool]>,
        segment: Segment,
        now_ms: i64,
        answer: &mut Answer,
    ) -> Result<(), OperatorError> {
        if segment.rows.is_empty() {
            return Ok(());
        }
        let before = self.groups.values(&segment.slots)?;
        self.groups.update_chosen(&self.spec, batch, retract, &segment.rows, &segment.groups)?;
        let after = self.groups.values(&segment.slots)?;
        let same = if self.ttl_ms.is_some() { None } else { Some(equal_results(&before, &after, segment.slots.len())?) };
        let part = answer.parts.len();
        answer.parts.extend([before, after]);
        for (position, &slot) in segment.slots.iter().enumerate() {
            let row = segment.first_rows[position];
            let mut note = |kind, results| answer.changes.push(Change { kind, row, results });
            let (old, new) = ((part, position), (part + 1, position));
            self.written_ms[slot as usize] = now_ms;
            self.marks[slot as usize] |= CHANGED;
            let is_gone = self.spec.can_retract && self.groups.counts[slot as usize] <= 0;
            match (segment.is_new[position], is_gone) {
                (true, true) => self.forget(slot)?,
                (true, false) => note(ChangeKind::Insert, new),
                (false, true) => {
                    note(ChangeKind::Delete, old);
                    self.forget(slot)?;
                }
                // Without calls a key only comes and goes.
                (false, false) if self.spec.calls.is_empty() => {}
                (false, false) if same.as_ref().is_some_and(|same| same[position]) => {}
                (false, false) => {
                    if self.tells_before {
                        note(ChangeKind::UpdateBefore, old);
                    }
                    note(ChangeKind::UpdateAfter, new);
                }
            }
        }
        Ok(())
    }

    fn emit(&self, batch: &Batch, answer: Answer, out: &mut Collector) -> Result<(), OperatorError> {
        if answer.changes.is_empty() {
            return Ok(());
        }
        let rows = UInt32Array::from_iter_values(answer.changes.iter().map(|c| c.row));
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.output.fields().len());
        for &key in &self.spec.keys {
            columns.push(arrow_select::take::take(batch.rows.column(key), &rows, None)?);
        }
        let places: Vec<(usize, usize)> = answer.changes.iter().map(|c| c.results).collect();
        for call in 0..self.spec.calls.len() {
            let arrays: Vec<&dyn Array> = answer.parts.iter().map(|part| part[call].as_ref()).collect();
            columns.push(interleave(&arrays, &places)?);
        }
        let kinds = answer.changes.iter().any(|c| c.kind != ChangeKind::Insert);
        let kinds = kinds.then(|| UInt8Array::from_iter_values(answer.changes.iter().map(|c| c.kind as u8)));
        let options = RecordBatchOptions::new().with_row_count(Some(answer.changes.len()));
        let rows = RecordBatch::try_new_with_options(self.output.clone(), columns, &options)?;
        out.emit(Batch { rows, kinds, origin: batch.origin.clone() });
        Ok(())
    }

    /// Emits what the mini-batch has collected.
    fn flush(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let Some(batch) = self.mini_batch.as_mut().map(Collected::take).transpose()?.flatten() else {
            return Ok(());
        };
        self.update(&batch, now_ms, out)?;
        self.make_room()
    }

    /// Forgets expired keys from time to time, so that silent ones do not stay for ever.
    fn sweep(&mut self, now_ms: i64) {
        let Some(ttl_ms) = self.ttl_ms else {
            return;
        };
        if now_ms.saturating_sub(self.swept_ms) < ttl_ms / 2 {
            return;
        }
        self.swept_ms = now_ms;
        let expired: Vec<u32> = self.groups.in_order().into_iter().filter(|&slot| self.is_expired(slot, now_ms)).collect();
        expired.into_iter().for_each(|slot| self.groups.remove(slot));
    }
}

#[derive(Default)]
struct Segment {
    /// Rows in order, and the slot of each.
    rows: Vec<u32>,
    groups: Vec<u32>,
    /// Slots in order of first touch, with the row that touched them first.
    slots: Vec<u32>,
    first_rows: Vec<u32>,
    is_new: Vec<bool>,
}

#[derive(Default)]
struct Answer {
    /// Results of the calls, two parts per segment: before and after.
    parts: Vec<Vec<ArrayRef>>,
    changes: Vec<Change>,
}

#[async_trait]
impl Operator for GroupAggregate {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.sweep(now_ms);
        let Some(collected) = &mut self.mini_batch else {
            self.update(&batch, now_ms, out)?;
            return self.make_room();
        };
        if collected.add(batch, now_ms) { self.flush(now_ms, out) } else { Ok(()) }
    }

    /// What is held back belongs before the watermark.
    async fn on_watermark(&mut self, _watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let now_ms = self.mini_batch.as_ref().map_or(0, Collected::now_ms);
        self.flush(now_ms, out)
    }

    fn next_timer_ms(&self) -> Option<i64> {
        self.mini_batch.as_ref().and_then(Collected::next_timer_ms)
    }

    async fn on_processing_time(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if self.mini_batch.as_ref().is_some_and(|c| c.is_due(now_ms)) { self.flush(now_ms, out) } else { Ok(()) }
    }

    async fn before_barrier(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.flush(now_ms, out)
    }

    fn leave_out_before(&mut self) {
        self.tells_before = false;
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.backend.committed(checkpoint);
    }

    async fn snapshot(&mut self, now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        if !self.backend.is_small() {
            let expired = self.ttl_ms.map(|ttl_ms| (ttl_ms, now_ms));
            let mut hot = HotGroups { groups: &self.groups, written_ms: &self.written_ms, marks: &mut self.marks, expired };
            let segments = self.backend.snapshot(&mut hot, now_ms)?;
            return Ok(OperatorSnapshot { segments: BTreeMap::from([(GROUPS.to_owned(), segments)]), ..OperatorSnapshot::default() });
        }
        self.backend.snapshot_small();
        let mut blobs = BlobWriter::default();
        let live: Vec<u32> = self.groups.in_order().into_iter().filter(|&slot| !self.is_expired(slot, now_ms)).collect();
        let states = self.groups.states(&live)?;
        for (position, &slot) in live.iter().enumerate() {
            blobs.entry(self.groups.key(slot), |out| {
                out.extend_from_slice(&self.written_ms[slot as usize].to_le_bytes());
                states.put(position, out);
            });
        }
        Ok(OperatorSnapshot { keyed: BTreeMap::from([(GROUPS.to_owned(), blobs.finish())]), ..OperatorSnapshot::default() })
    }
}
