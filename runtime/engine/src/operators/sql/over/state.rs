//! State of [`OverAggregate`]: per key one entry with everything of it. Keys on disk, and how they come back.

use super::{
    super::{
        groups::{Groups, read_i64},
        row_bytes::{ByteRows, RowBytes},
        tiered_slots::Written,
    },
    Framed, OverAggregate, RowAt, Slot, Waiting,
    pages::Pages,
    waiting::insert_sorted,
};
use crate::{
    error::OperatorError,
    operators::OperatorSnapshot,
    state::{KeyGroupBlobs, Portion, StateError, encode_bytes, tiered_map::RestoredSegments},
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    sync::Arc,
};

pub(super) const KEYS: &str = "over";
/// What is written of slots.
struct Writer<'o> {
    groups: &'o Groups,
    rows: &'o Pages,
    framed: &'o Pages,
    row_bytes: &'o RowBytes,
    framed_bytes: &'o RowBytes,
    waiting: HashMap<u32, Vec<Waiting>>,
    forget: HashMap<u32, Vec<i64>>,
}

impl<'o> Writer<'o> {
    fn new(
        (groups, rows, framed): (&'o Groups, &'o Pages, &'o Pages),
        (row_bytes, framed_bytes): (&'o RowBytes, &'o RowBytes),
        all_waiting: &VecDeque<Waiting>,
        all_forget: &BinaryHeap<Reverse<(i64, u32)>>,
    ) -> Self {
        let (mut waiting, mut forget): (HashMap<u32, Vec<Waiting>>, HashMap<u32, Vec<i64>>) = Default::default();
        all_waiting.iter().for_each(|w| waiting.entry(w.slot).or_default().push(*w));
        all_forget.iter().for_each(|Reverse((at_ms, slot))| forget.entry(*slot).or_default().push(*at_ms));
        // The same state is the same bytes.
        forget.values_mut().for_each(|times| times.sort_unstable());
        Self { groups, rows, framed, row_bytes, framed_bytes, waiting, forget }
    }

    fn waiting(&self, slot: u32) -> &[Waiting] {
        self.waiting.get(&slot).map_or(&[], Vec::as_slice)
    }

    fn write(&self, slots: &[(u32, &Slot)], written: &mut Written) -> Result<(), OperatorError> {
        let numbers: Vec<u32> = slots.iter().map(|(slot, _)| *slot).collect();
        let states = self.groups.states(&numbers)?;
        let rows: Vec<RowAt> = slots.iter().flat_map(|(slot, _)| self.waiting(*slot)).map(|w| w.at).collect();
        let framed: Vec<RowAt> = slots.iter().flat_map(|(_, state)| &state.frame).map(|f| f.at).collect();
        let (rows, framed) = (bytes_at(self.rows, self.row_bytes, &rows)?, bytes_at(self.framed, self.framed_bytes, &framed)?);
        let (mut next_row, mut next_framed) = (0, 0);
        for (position, &(slot, state)) in slots.iter().enumerate() {
            let (waiting, forget) = (self.waiting(slot), self.forget.get(&slot).map_or(&[][..], Vec::as_slice));
            written.value(|out| {
                let mut put = |number: i64| out.extend_from_slice(&number.to_le_bytes());
                put(state.written_ms);
                put(state.answered_ms);
                put(i64::from(state.forget_ms.is_some()));
                put(state.forget_ms.unwrap_or_default());
                put(forget.len() as i64);
                forget.iter().for_each(|&at_ms| put(at_ms));
                put(waiting.len() as i64);
                put(state.frame.len() as i64);
                for waiting in waiting {
                    put_row(waiting.time_ms, rows.get(next_row), out);
                    next_row += 1;
                }
                for row in &state.frame {
                    put_row(row.time_ms, framed.get(next_framed), out);
                    next_framed += 1;
                }
                states.put(position, out);
            });
        }
        Ok(())
    }
}

fn put_row(time_ms: i64, row: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&time_ms.to_le_bytes());
    encode_bytes(row, out);
}

fn bytes_at(pages: &Pages, bytes: &RowBytes, rows: &[RowAt]) -> Result<ByteRows, OperatorError> {
    bytes.convert(&unnamed(pages.gather(rows)?, rows.len())?)
}

/// What is at the front of a value.
struct Front {
    written_ms: i64,
    answered_ms: i64,
    forget_ms: Option<i64>,
    /// When it is looked at, to be forgotten.
    forget: Vec<i64>,
    waiting: usize,
    framed: usize,
}

impl Front {
    fn read(value: &mut &[u8]) -> Result<Self, StateError> {
        let (written_ms, answered_ms) = (read_i64(value)?, read_i64(value)?);
        let (has_forget, forget_ms) = (read_i64(value)? != 0, read_i64(value)?);
        let forget = (0..read_count(value)?).map(|_| read_i64(value)).collect::<Result<Vec<_>, _>>()?;
        let (waiting, framed) = (read_count(value)?, read_count(value)?);
        Ok(Self { written_ms, answered_ms, forget_ms: has_forget.then_some(forget_ms), forget, waiting, framed })
    }

    /// When something is to be done for the key first; `value` is what is behind this.
    fn due_ms(&self, mut value: &[u8]) -> Result<Option<i64>, StateError> {
        let waiting_ms = if self.waiting > 0 { Some(read_i64(&mut value)?) } else { None };
        Ok(self.forget.iter().copied().chain(waiting_ms).min())
    }
}

/// Whether a value has expired.
fn expires(mut value: &[u8], ttl_ms: Option<i64>, now_ms: i64) -> bool {
    let is_old = |front: Front| front.waiting == 0 && ttl_ms.is_some_and(|ttl_ms| front.written_ms.saturating_add(ttl_ms) <= now_ms);
    ttl_ms.is_some() && Front::read(&mut value).is_ok_and(is_old)
}

/// Rows on their way to memory, as bytes.
#[derive(Default)]
struct Coming {
    waiting: Vec<(i64, u32)>,
    waiting_rows: Rows,
    framed: Vec<(i64, u32)>,
    framed_rows: Rows,
}

#[derive(Default)]
struct Rows {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Rows {
    fn push(&mut self, row: &[u8]) {
        self.bytes.extend_from_slice(row);
        self.ends.push(self.bytes.len());
    }

    fn columns(&self, rows: &RowBytes) -> Result<Vec<ArrayRef>, OperatorError> {
        let mut start = 0;
        let all: Vec<&[u8]> = self.ends.iter().map(|&end| &self.bytes[std::mem::replace(&mut start, end)..end]).collect();
        rows.columns(&all)
    }
}

impl OverAggregate {
    pub(super) fn save(&mut self) -> Result<OperatorSnapshot, OperatorError> {
        let (ttl_ms, now_ms) = (self.ttl_ms, self.now_ms);
        let Self { kept, groups, rows, framed, row_bytes, framed_bytes, waiting, forget, .. } = self;
        let writer = Writer::new((groups, rows, framed), (row_bytes, framed_bytes), waiting, forget);
        let write = |slots: &[(u32, &Slot)], written: &mut Written| writer.write(slots, written);
        let mut all = OperatorSnapshot::default();
        all.put(KEYS, kept.snapshot_written(&write, |state| !state.is_expired(ttl_ms, now_ms), now_ms)?);
        self.watermark.add_to(&mut all.keyed);
        Ok(all)
    }

    pub(super) fn restore(&mut self, segments: RestoredSegments, blobs: Option<&KeyGroupBlobs>) -> Result<(), OperatorError> {
        if let Some(ttl_ms) = self.ttl_ms {
            self.kept.expire_by(move |value, now_ms| expires(value, Some(ttl_ms), now_ms));
        }
        let groups_spec = &self.groups_spec;
        self.kept.take_in(segments, |group, key, value| {
            groups_spec.check_key(group, key)?;
            Ok(Slot { stored: Some(value.into()), ..Slot::default() })
        })?;
        let mut coming = Coming::default();
        let stored: Vec<u32> = self.kept.iter().map(|(slot, _)| slot).collect();
        self.unpack(stored, &mut coming)?;
        for (&group, blob) in blobs.into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = self.groups_spec.stored_key(group, &mut blob)?;
                let slot = self.kept.slot(key, Slot::default);
                self.take_value(slot, &mut blob, &mut coming)?;
            }
        }
        self.take_rows(coming)?;
        let away = &mut self.away;
        self.kept.scan(&mut |_, key, mut value| {
            let front = Front::read(&mut value)?;
            front.due_ms(value)?.map_or(Ok(()), |at_ms| away.add(at_ms, key))
        })?;
        self.make_room()
    }

    /// What is stored of these slots comes to memory, but for its rows.
    fn unpack(&mut self, slots: Vec<u32>, coming: &mut Coming) -> Result<(), OperatorError> {
        // Also of a value that is refused the slot is known.
        slots.iter().for_each(|&slot| self.groups.reach(slot));
        for slot in slots {
            let Some(stored) = self.kept.look_at(slot).and_then(|state| state.stored.take()) else { continue };
            let mut value: &[u8] = &stored;
            self.take_value(slot, &mut value, coming)?;
            if !value.is_empty() {
                return Err(StateError(format!("{} bytes behind a key", value.len())).into());
            }
        }
        Ok(())
    }

    /// Takes a value off the front.
    fn take_value(&mut self, slot: u32, value: &mut &[u8], coming: &mut Coming) -> Result<(), OperatorError> {
        let front = Front::read(value)?;
        for _ in 0..front.waiting {
            coming.waiting.push((read_i64(value)?, slot));
            coming.waiting_rows.push(self.row_bytes.stored_row(value)?);
        }
        for _ in 0..front.framed {
            coming.framed.push((read_i64(value)?, slot));
            coming.framed_rows.push(self.framed_bytes.stored_row(value)?);
        }
        self.groups.reach(slot);
        self.groups.merge(slot, value)?;
        self.forget.extend(front.forget.iter().map(|&at_ms| Reverse((at_ms, slot))));
        if let Some(state) = self.kept.look_at(slot) {
            state.written_ms = front.written_ms;
            state.answered_ms = front.answered_ms;
            state.forget_ms = front.forget_ms;
            state.waiting = u32::try_from(front.waiting).unwrap_or(u32::MAX);
        }
        Ok(())
    }

    /// The rows of what came to memory.
    fn take_rows(&mut self, coming: Coming) -> Result<(), OperatorError> {
        if !coming.waiting.is_empty() {
            let page = self.rows.add(coming.waiting_rows.columns(&self.row_bytes)?, coming.waiting.len());
            let waiting = coming.waiting.into_iter().enumerate();
            let waiting = waiting.map(|(row, (time_ms, slot))| Waiting { time_ms, slot, at: RowAt::new(page, row) });
            insert_sorted(&mut self.waiting, waiting.collect());
        }
        if !coming.framed.is_empty() {
            let page = self.framed.add(coming.framed_rows.columns(&self.framed_bytes)?, coming.framed.len());
            for (row, (time_ms, slot)) in coming.framed.into_iter().enumerate() {
                if let Some(state) = self.kept.look_at(slot) {
                    state.frame.push_back(Framed { time_ms, at: RowAt::new(page, row) });
                }
            }
        }
        Ok(())
    }

    /// Brings these keys to memory; answers what those take that were not there.
    pub(super) fn bring<'k>(&mut self, keys: impl Iterator<Item = &'k [u8]>) -> Result<usize, OperatorError> {
        let (ttl_ms, now_ms) = (self.ttl_ms, self.now_ms);
        let mut bytes = 0;
        let slots = self.kept.load_slots(keys, now_ms, |value| {
            bytes += value.len();
            Ok((!expires(value, ttl_ms, now_ms)).then(|| Slot { stored: Some(value.into()), ..Slot::default() }))
        })?;
        if slots.is_empty() {
            return Ok(0);
        }
        let mut coming = Coming::default();
        self.unpack(slots, &mut coming)?;
        self.take_rows(coming)?;
        Ok(bytes)
    }

    /// Brings a portion of the keys to memory that have something to do; answers whether there were any.
    pub(super) fn bring_due(&mut self, time_ms: i64) -> Result<bool, OperatorError> {
        let mut portion = Portion::default();
        while let Some(keys) = portion.next(&mut self.away, time_ms)? {
            portion.takes(self.bring(keys.iter().map(AsRef::as_ref))?);
        }
        Ok(portion.has_any())
    }

    /// Lets keys leave that were not used for longest, if memory is short.
    pub(super) fn make_room(&mut self) -> Result<(), OperatorError> {
        let beside_bytes = self.beside_bytes()?;
        if !self.kept.is_short(beside_bytes) {
            return Ok(());
        }
        self.renew_loose()?;
        let beside_bytes = self.beside_bytes()?;
        let Self { kept, groups, rows, framed, row_bytes, framed_bytes, waiting, forget, .. } = self;
        let writer = Writer::new((groups, rows, framed), (row_bytes, framed_bytes), waiting, forget);
        let mut gone: HashMap<u32, (Slot, Box<[u8]>)> = HashMap::new();
        kept.let_leave(
            beside_bytes,
            |_| true,
            &|slots, written| writer.write(slots, written),
            |slot, key, state| {
                gone.insert(slot, (state, key.into()));
                Ok(())
            },
        )?;
        let Writer { waiting, forget, .. } = writer;
        for (slot, (state, key)) in &gone {
            let waiting = waiting.get(slot).map_or(&[][..], Vec::as_slice);
            let forget_ms = forget.get(slot).and_then(|times| times.first()).copied();
            if let Some(at_ms) = waiting.first().map(|w| w.time_ms).into_iter().chain(forget_ms).min() {
                self.away.add(at_ms, key)?;
            }
            waiting.iter().for_each(|w| self.rows.release(w.at));
            state.frame.iter().for_each(|framed| self.framed.release(framed.at));
            self.groups.clear(*slot);
        }
        self.waiting.retain(|w| !gone.contains_key(&w.slot));
        self.forget.retain(|Reverse((_, slot))| !gone.contains_key(slot));
        self.renew_loose()?;
        let beside_bytes = self.beside_bytes()?;
        self.kept.is_short(beside_bytes);
        Ok(())
    }

    /// Makes pages anew of which many rows lie idle.
    fn renew_loose(&mut self) -> Result<(), OperatorError> {
        if self.rows.is_loose() {
            self.rows.renew(self.waiting.iter_mut().map(|w| &mut w.at).collect())?;
        }
        if self.framed.is_loose() {
            self.framed.renew(self.kept.values_mut().flat_map(|s| &mut s.frame).map(|f| &mut f.at).collect())?;
        }
        Ok(())
    }

    /// What is kept beside the keys.
    fn beside_bytes(&mut self) -> Result<u64, OperatorError> {
        let kept = &self.kept;
        let some = |count: usize| kept.iter().map(|(slot, _)| slot).take(count).collect();
        let accumulators = self.size.total_of(&self.groups, kept.count_of_keys(), some)?;
        Ok(accumulators + (self.rows.bytes() + self.framed.bytes()) as u64 + self.away.bytes())
    }
}

/// A number of entries, each of which takes bytes of what follows.
fn read_count(blob: &mut &[u8]) -> Result<usize, StateError> {
    let count = read_i64(blob)?;
    usize::try_from(count).ok().filter(|&count| count <= blob.len()).ok_or_else(|| StateError(format!("{count} entries")))
}

fn unnamed(columns: Vec<ArrayRef>, count: usize) -> Result<RecordBatch, OperatorError> {
    let fields: Vec<Field> = columns.iter().map(|c| Field::new("", c.data_type().clone(), true)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
}
