//! One input of an interval join: the rows that wait for rows of the other one, by key. A key's value is the number of its
//! rows, then of each its time, whether it has met one, and its bytes.

use super::{IntervalSpec, ROWS_AT_ONCE, STATES};
use crate::{
    error::OperatorError,
    operators::{
        OperatorContext,
        sql::{
            groups::read_i64,
            held_batches::{Arriving, HeldBatches, Place},
            row_bytes::{ByteRows, RowBytes},
            rows_of,
            tiered_slots::{SlotValue, TieredSlots, Written},
            window_time::event_times,
        },
    },
    state::{
        DueKeys, KeyGroupBlobs, Portion, StateError, encode_bytes,
        tiered_map::{RestoredSegments, TieredSnapshot},
    },
};
use arrow_array::{Array, RecordBatch};
use millrace_model::{Schema, ids::CheckpointId};
use std::{cmp::Reverse, collections::BinaryHeap};

/// Names of what says when keys on disk are due.
const DUE: [&str; 2] = ["left-due", "right-due"];
/// A key with more rows does not leave memory right after it was used.
const ROWS_THAT_LEAVE_MAX: usize = 1_024;

/// A row that waits.
pub(super) struct Waiting {
    pub time_ms: i64,
    pub place: Place,
    pub has_partner: bool,
}

/// The rows of a key.
#[derive(Default)]
pub(super) struct OfKey {
    /// In the order of their times.
    rows: Vec<Waiting>,
    /// When the first of them is to go, or an earlier one was.
    due_ms: Option<i64>,
}

impl SlotValue for OfKey {
    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.rows.capacity() * size_of::<Waiting>()
    }

    fn is_large(&self) -> bool {
        self.rows.len() > ROWS_THAT_LEAVE_MAX
    }
}

/// One input.
pub(super) struct Side {
    pub keys: RowBytes,
    key_columns: Vec<usize>,
    rows: RowBytes,
    time: Option<usize>,
    pub reach_ms: i64,
    pub keeps: bool,
    pub width: usize,
    pub held: HeldBatches,
    kept: TieredSlots<OfKey>,
    /// When the first row of a slot is to go. An entry that is not what its key says means nothing.
    due: BinaryHeap<Reverse<(i64, u32)>>,
    /// When the first row of a key is to go that is not in memory.
    away: DueKeys,
}

impl Side {
    pub(super) fn open(spec: &IntervalSpec, side: usize, input: &Schema, context: &mut OperatorContext) -> Result<Self, OperatorError> {
        let all: Vec<usize> = (0..input.fields().len()).collect();
        let away = DueKeys::open(DUE[side], &context.state);
        let (kept, segments) = TieredSlots::open(STATES[side], &mut context.state, &context.metrics)?;
        let mut made = Self {
            keys: RowBytes::new(&spec.keys[side], input)?,
            key_columns: spec.keys[side].clone(),
            rows: RowBytes::new(&all, input)?,
            time: spec.times.map(|t| t[side]),
            reach_ms: spec.reach_ms(side),
            keeps: spec.keeps[side],
            width: all.len(),
            held: HeldBatches::default(),
            kept,
            due: BinaryHeap::new(),
            away,
        };
        made.restore(segments, context.restored.get(STATES[side]))?;
        Ok(made)
    }

    pub(super) fn times(&self, rows: &RecordBatch, now_ms: i64) -> Result<Vec<i64>, OperatorError> {
        let Some(column) = self.time else { return Ok(vec![now_ms; rows.num_rows()]) };
        let column = rows.column(column);
        Ok(event_times(column, "the join")?.to_vec())
    }

    /// Whether a key column of the row is NULL: it equals nothing.
    pub(super) fn has_null_key(&self, rows: &RecordBatch, row: usize) -> bool {
        self.key_columns.iter().any(|&c| rows.column(c).is_null(row))
    }

    /// The slot of a key of which rows wait, and those.
    pub(super) fn find(&self, key: &[u8]) -> Option<(u32, &[Waiting])> {
        let slot = self.kept.find(key)?;
        Some((slot, &self.kept.get(slot)?.rows))
    }

    /// A row that waits has met another one.
    pub(super) fn found_partner(&mut self, slot: u32, position: u32) {
        let partner = self.kept.look_at(slot).and_then(|of_key| of_key.rows.get_mut(position as usize));
        if partner.is_some_and(|partner| !std::mem::replace(&mut partner.has_partner, true)) {
            self.kept.changed(slot);
        }
    }

    /// A row begins to wait.
    pub(super) fn wait(&mut self, key: &[u8], row: Waiting) {
        let due_ms = due_ms(row.time_ms, self.reach_ms);
        let slot = self.kept.slot(key, OfKey::default);
        let Some(OfKey { rows, due_ms: scheduled_ms }) = self.kept.get_mut(slot) else { return };
        let position = if rows.last().is_none_or(|last| last.time_ms <= row.time_ms) {
            rows.len()
        } else {
            rows.partition_point(|w| w.time_ms <= row.time_ms)
        };
        rows.insert(position, row);
        if scheduled_ms.is_none_or(|scheduled_ms| due_ms < scheduled_ms) {
            *scheduled_ms = Some(due_ms);
            self.due.push(Reverse((due_ms, slot)));
        }
    }

    /// When something is to be done first.
    pub(super) fn next_ms(&self) -> Option<i64> {
        self.due.peek().map(|Reverse((due_ms, _))| *due_ms).into_iter().chain(self.away.next_ms()).min()
    }

    /// Takes rows of keys in memory that can meet no more; `lonely` are those of them that leave. Answers whether that was all.
    pub(super) fn take_over(&mut self, now_ms: i64, gone: &mut Vec<Place>, lonely: &mut Vec<Place>) -> Result<bool, OperatorError> {
        let reach_ms = self.reach_ms;
        while let Some(&Reverse((at_ms, slot))) = self.due.peek() {
            if at_ms > now_ms {
                break;
            }
            if gone.len() >= ROWS_AT_ONCE {
                return Ok(false);
            }
            self.due.pop();
            // An earlier row came since: it was looked at then.
            if self.kept.get(slot).is_none_or(|of_key| of_key.due_ms != Some(at_ms)) {
                continue;
            }
            let Some(of_key) = self.kept.get_mut(slot) else { continue };
            let over = of_key.rows.partition_point(|row| due_ms(row.time_ms, reach_ms) <= now_ms);
            for row in of_key.rows.drain(..over) {
                gone.push(row.place);
                if self.keeps && !row.has_partner {
                    lonely.push(row.place);
                }
            }
            of_key.due_ms = of_key.first_due_ms(reach_ms);
            match of_key.due_ms {
                Some(next_ms) => self.due.push(Reverse((next_ms, slot))),
                None => self.kept.remove(slot)?,
            }
        }
        Ok(true)
    }

    /// Packs the rows that wait anew where most of the rows in memory wait no more.
    pub(super) fn repack(&mut self) -> Result<(), OperatorError> {
        self.repack_if(HeldBatches::is_sparse)
    }

    fn repack_if(&mut self, is_worth_it: impl Fn(&HeldBatches) -> bool) -> Result<(), OperatorError> {
        if is_worth_it(&self.held) {
            self.held.repack(self.kept.values_mut().flat_map(|of_key| &mut of_key.rows).map(|row| &mut row.place))?;
        }
        Ok(())
    }

    fn restore(&mut self, segments: RestoredSegments, blobs: Option<&KeyGroupBlobs>) -> Result<(), OperatorError> {
        let Self { keys, rows, reach_ms, held, kept, due, away, .. } = self;
        let is_in_steps = !segments.is_empty();
        let mut arriving = held.arriving();
        kept.take_in(segments, |group, key, value| {
            keys.check_key(group, key)?;
            read_value(rows, *reach_ms, &mut arriving, value)
        })?;
        for (&group, blob) in blobs.into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = keys.stored_key(group, &mut blob)?;
                let of_key = read(rows, *reach_ms, &mut arriving, &mut blob)?;
                kept.slot(key, || of_key);
            }
        }
        held.hold_arrived(&arriving, rows)?;
        due.extend(kept.iter().filter_map(|(slot, of_key)| Some(Reverse((of_key.due_ms?, slot)))));
        kept.scan(&mut |_, key, mut value| {
            read_i64(&mut value)?;
            away.add(due_ms(read_i64(&mut value)?, *reach_ms), key)
        })?;
        // Of a key that is told of several times the earlier rows have come too.
        self.repack_if(|_| is_in_steps)?;
        self.make_room()
    }

    /// Brings these keys to memory; answers what the rows of those take that were not there.
    pub(super) fn bring<'k>(&mut self, keys: impl Iterator<Item = &'k [u8]>) -> Result<usize, OperatorError> {
        let Self { rows, reach_ms, held, kept, due, away, .. } = self;
        if !kept.has_cold() {
            return kept.load(keys, 0, |_| Ok(None)).map(|()| 0);
        }
        let mut arriving = held.arriving();
        let slots = kept.load_slots(keys, 0, |value| read_value(rows, *reach_ms, &mut arriving, value).map(Some))?;
        for slot in slots {
            if let Some(due_ms) = kept.get(slot).and_then(|of_key| of_key.due_ms) {
                due.push(Reverse((due_ms, slot)));
                away.remove(due_ms, kept.key(slot));
            }
        }
        held.hold_arrived(&arriving, rows)?;
        Ok(arriving.bytes())
    }

    /// Brings a portion of the keys to memory of which rows are to go; answers whether there were any.
    pub(super) fn bring_due(&mut self, now_ms: i64) -> Result<bool, OperatorError> {
        let mut portion = Portion::default();
        while let Some(keys) = portion.next(&mut self.away, now_ms)? {
            portion.takes(self.bring(keys.iter().map(AsRef::as_ref))?);
        }
        Ok(portion.has_any())
    }

    /// Lets keys leave that were not used for longest, if memory is short.
    pub(super) fn make_room(&mut self) -> Result<(), OperatorError> {
        if !self.kept.is_short(self.beside_bytes()) {
            return Ok(());
        }
        self.repack_if(HeldBatches::is_loose)?;
        let beside_bytes = self.beside_bytes();
        let Self { rows, held, kept, due, away, .. } = self;
        let mut gone = Vec::new();
        kept.let_leave(
            beside_bytes,
            |_| true,
            &|keys, written| write(rows, held, keys, written),
            |_, key, of_key| {
                gone.extend(of_key.rows.iter().map(|row| row.place));
                of_key.due_ms.map_or(Ok(()), |due_ms| away.add(due_ms, key))
            },
        )?;
        due.retain(|Reverse((at_ms, slot))| kept.get(*slot).is_some_and(|of_key| of_key.due_ms == Some(*at_ms)));
        gone.into_iter().for_each(|place| held.release(place));
        self.repack_if(HeldBatches::is_loose)?;
        self.kept.is_short(self.beside_bytes());
        Ok(())
    }

    /// What is kept beside the keys.
    fn beside_bytes(&self) -> u64 {
        self.held.bytes() as u64 + self.away.bytes()
    }

    pub(super) fn snapshot(&mut self) -> Result<TieredSnapshot, OperatorError> {
        let Self { rows, held, kept, .. } = self;
        kept.snapshot_written(&|keys, written| write(rows, held, keys, written), |_| true, 0)
    }

    pub(super) fn committed(&mut self, checkpoint: CheckpointId) {
        self.kept.committed(checkpoint);
    }
}

impl OfKey {
    fn first_due_ms(&self, reach_ms: i64) -> Option<i64> {
        self.rows.first().map(|row| due_ms(row.time_ms, reach_ms))
    }
}

/// When a row is to go.
fn due_ms(time_ms: i64, reach_ms: i64) -> i64 {
    time_ms.saturating_add(reach_ms).saturating_add(1)
}

/// Appends keys.
fn write(rows: &RowBytes, held: &HeldBatches, keys: &[(u32, &OfKey)], written: &mut Written) -> Result<(), OperatorError> {
    let places: Vec<Place> = keys.iter().flat_map(|(_, of_key)| &of_key.rows).map(|row| row.place).collect();
    let bytes: Option<ByteRows> = match held.gather(&places)? {
        Some(columns) => Some(rows.convert(&rows_of(&columns, places.len())?)?),
        None => None,
    };
    let mut next = 0;
    for (_, of_key) in keys {
        written.value(|out| {
            out.extend_from_slice(&(of_key.rows.len() as i64).to_le_bytes());
            for row in &of_key.rows {
                out.extend_from_slice(&row.time_ms.to_le_bytes());
                out.push(u8::from(row.has_partner));
                encode_bytes(bytes.as_ref().map_or(&[][..], |bytes| bytes.get(next)), out);
                next += 1;
            }
        });
    }
    Ok(())
}

/// Takes what [`write`] wrote of a key off the front.
fn read(rows: &RowBytes, reach_ms: i64, arriving: &mut Arriving, value: &mut &[u8]) -> Result<OfKey, OperatorError> {
    let count = usize::try_from(read_i64(value)?).map_err(|_| StateError("a negative number of rows".into()))?;
    let mut of_key = OfKey::default();
    for _ in 0..count {
        let time_ms = read_i64(value)?;
        let (&joined, rest) = value.split_first().ok_or_else(|| StateError("ends before a row".into()))?;
        *value = rest;
        of_key.rows.push(Waiting { time_ms, place: arriving.push(rows.stored_row(value)?), has_partner: joined != 0 });
    }
    if !of_key.rows.is_sorted_by_key(|row| row.time_ms) {
        return Err(StateError("the rows of a key are not in the order of their times".into()).into());
    }
    of_key.due_ms = of_key.first_due_ms(reach_ms);
    Ok(of_key)
}

/// Reads all of a value.
fn read_value(rows: &RowBytes, reach_ms: i64, arriving: &mut Arriving, mut value: &[u8]) -> Result<OfKey, OperatorError> {
    let of_key = read(rows, reach_ms, arriving, &mut value)?;
    if value.is_empty() { Ok(of_key) } else { Err(StateError(format!("{} bytes behind the rows of a key", value.len())).into()) }
}
