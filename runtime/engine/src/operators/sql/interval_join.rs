//! Interval joins: rows meet when their times lie within bounds of each other (Flink's `TimeIntervalJoin`).
//!
//! A row waits as long as a row of the other side may come that it would meet: then it is let go, with NULLs if its side
//! keeps rows without a partner. Only inserts come and go, and rows leave before the watermark that this operator passes
//! on, which is held back by the longest wait, so that their times stay event times.
//!
//! Invariant: rows of a key wait in the order of their times; a side's rows meet rows of the other side alone, so a batch
//! first meets what waits and then waits itself.

use super::{
    evaluation_failed,
    groups::{BlobWriter, read_i64},
    held_batches::{HeldBatches, Place},
    kept_watermark::KeptWatermark,
    row_bytes::{ByteRows, RowBytes},
    rows_of,
    slots::Slots,
    window_time::event_times,
};
use crate::{
    error::OperatorError,
    key::KeyGroup,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
    state::{StateError, encode_bytes},
};
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array, cast::AsArray, new_null_array};
use arrow_schema::SchemaRef;
use arrow_select::{filter::filter_record_batch, take::take};
use async_trait::async_trait;
use millrace_functions::{EvaluationContext, Expr, expression::evaluate};
use millrace_model::{Batch, Origin, Schema};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

/// Names of the sides' states.
const STATES: [&str; 2] = ["left", "right"];
/// Pairs that are looked at together, and rows of an emitted batch, about.
const PAIRS_MAX: usize = 8_192;

/// What joins, made by the lowering.
#[derive(Debug, Clone)]
pub(crate) struct IntervalSpec {
    /// Key columns of each side.
    pub keys: [Vec<usize>; 2],
    /// The time attribute of each side; `None` for the clock.
    pub times: Option<[usize; 2]>,
    /// Left time minus right time at least.
    pub lower_ms: i64,
    /// Left time minus right time at most.
    pub upper_ms: i64,
    /// What else must be TRUE, over the output.
    pub condition: Option<Expr>,
    /// Rows of a side without partner are kept with NULLs.
    pub keeps: [bool; 2],
}

impl IntervalSpec {
    /// How long after its time a row of a side may still meet one: a left row waits for right ones, and the other way.
    pub(crate) fn reach_ms(&self, side: usize) -> i64 {
        if side == 0 { self.lower_ms.saturating_neg() } else { self.upper_ms }
    }
}

/// A row that waits.
struct Waiting {
    time_ms: i64,
    place: Place,
    has_partner: bool,
}

/// One input.
struct Side {
    keys: RowBytes,
    key_columns: Vec<usize>,
    rows: RowBytes,
    time: Option<usize>,
    reach_ms: i64,
    keeps: bool,
    width: usize,
    held: HeldBatches,
    /// By slot, in the order of their times.
    waiting: Vec<Vec<Waiting>>,
    /// When the first row of a slot is to go. An entry that is not the slot's `due_of` means nothing.
    due: BinaryHeap<Reverse<(i64, u32)>>,
    /// By slot; `None` where nothing waits.
    due_of: Vec<Option<i64>>,
}

pub(crate) struct IntervalJoin {
    sides: [Side; 2],
    slots: Slots<()>,
    lower_ms: i64,
    upper_ms: i64,
    condition: Option<Expr>,
    is_event_time: bool,
    watermark: KeptWatermark,
    output: SchemaRef,
    evaluation: EvaluationContext,
}

/// Pairs of a batch's rows with rows that wait.
#[derive(Default)]
struct Pairs {
    own: Vec<u32>,
    other: Vec<Place>,
    /// Slot and position of the one that waits.
    partners: Vec<(u32, u32)>,
}

impl Side {
    fn new(spec: &IntervalSpec, side: usize, input: &Schema) -> Result<Self, OperatorError> {
        let all: Vec<usize> = (0..input.fields().len()).collect();
        Ok(Self {
            keys: RowBytes::new(&spec.keys[side], input)?,
            key_columns: spec.keys[side].clone(),
            rows: RowBytes::new(&all, input)?,
            time: spec.times.map(|t| t[side]),
            reach_ms: spec.reach_ms(side),
            keeps: spec.keeps[side],
            width: all.len(),
            held: HeldBatches::default(),
            waiting: Vec::new(),
            due: BinaryHeap::new(),
            due_of: Vec::new(),
        })
    }

    fn times(&self, rows: &RecordBatch, now_ms: i64) -> Result<Vec<i64>, OperatorError> {
        let Some(column) = self.time else { return Ok(vec![now_ms; rows.num_rows()]) };
        let column = rows.column(column);
        Ok(event_times(column, "the join")?.to_vec())
    }

    /// Whether a key column of the row is NULL: it equals nothing.
    fn has_null_key(&self, rows: &RecordBatch, row: usize) -> bool {
        self.key_columns.iter().any(|&c| rows.column(c).is_null(row))
    }

    /// A row begins to wait.
    fn wait(&mut self, slot: u32, row: Waiting) {
        let at = slot as usize;
        if self.waiting.len() <= at {
            self.waiting.resize_with(at + 1, Vec::new);
            self.due_of.resize(at + 1, None);
        }
        let due_ms = self.due_ms(row.time_ms);
        let rows = &mut self.waiting[at];
        let position = if rows.last().is_none_or(|last| last.time_ms <= row.time_ms) {
            rows.len()
        } else {
            rows.partition_point(|w| w.time_ms <= row.time_ms)
        };
        rows.insert(position, row);
        if self.due_of[at].is_none_or(|scheduled_ms| due_ms < scheduled_ms) {
            self.due_of[at] = Some(due_ms);
            self.due.push(Reverse((due_ms, slot)));
        }
    }

    fn due_ms(&self, time_ms: i64) -> i64 {
        time_ms.saturating_add(self.reach_ms).saturating_add(1)
    }

    /// The rows of a slot, if any.
    fn of(&self, slot: u32) -> &[Waiting] {
        self.waiting.get(slot as usize).map_or(&[], Vec::as_slice)
    }

    fn is_empty(&self, slot: u32) -> bool {
        self.of(slot).is_empty()
    }
}

impl IntervalJoin {
    pub(crate) fn new(
        spec: &IntervalSpec,
        inputs: &[Schema],
        zone: chrono_tz::Tz,
        output: SchemaRef,
        context: &OperatorContext,
    ) -> Result<Self, OperatorError> {
        let [left, right] = inputs else {
            return Err(OperatorError::Internal(format!("an interval join of {} inputs", inputs.len())));
        };
        let mut made = Self {
            sides: [Side::new(spec, 0, left)?, Side::new(spec, 1, right)?],
            slots: Slots::default(),
            lower_ms: spec.lower_ms,
            upper_ms: spec.upper_ms,
            condition: spec.condition.clone(),
            is_event_time: spec.times.is_some(),
            watermark: KeptWatermark::open(context)?,
            output,
            evaluation: EvaluationContext { zone, ..EvaluationContext::default() },
        };
        for (side, name) in STATES.iter().enumerate() {
            for (&group, blob) in context.restored.get(*name).into_iter().flatten() {
                made.restore(side, group, blob)?;
            }
        }
        Ok(made)
    }

    fn restore(&mut self, side: usize, group: KeyGroup, mut blob: &[u8]) -> Result<(), OperatorError> {
        let mut rows: Vec<&[u8]> = Vec::new();
        let mut waiting: Vec<(u32, i64, bool)> = Vec::new();
        while !blob.is_empty() {
            let slot = self.slots.slot(self.sides[side].keys.stored_key(group, &mut blob)?, || ());
            let count = usize::try_from(read_i64(&mut blob)?).map_err(|_| StateError("a negative number of rows".into()))?;
            for _ in 0..count {
                let time_ms = read_i64(&mut blob)?;
                let (&joined, rest) = blob.split_first().ok_or_else(|| StateError("ends before a row".into()))?;
                blob = rest;
                waiting.push((slot, time_ms, joined != 0));
                rows.push(self.sides[side].rows.stored_row(&mut blob)?);
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let side = &mut self.sides[side];
        let columns = side.rows.columns(&rows)?;
        let number = side.held.hold(rows_of(&columns, rows.len())?, rows.len() as u32);
        for (row, (slot, time_ms, has_partner)) in (0u32..).zip(waiting) {
            side.wait(slot, Waiting { time_ms, place: (number, row), has_partner });
        }
        Ok(())
    }

    /// The operator's time: that of the watermark, or the clock's.
    fn now_ms(&self, clock_ms: i64) -> i64 {
        if self.is_event_time { self.watermark.ms } else { clock_ms }
    }

    /// Times of rows on the other side that a row of `side` with this time meets.
    fn range(&self, side: usize, time_ms: i64) -> (i64, i64) {
        let (from, to) = if side == 0 {
            (time_ms.saturating_sub(self.upper_ms), time_ms.saturating_sub(self.lower_ms))
        } else {
            (time_ms.saturating_add(self.lower_ms), time_ms.saturating_add(self.upper_ms))
        };
        (from, to)
    }

    /// Lets the rows of a batch meet those that wait; answers which have found a partner.
    fn meet(
        &mut self,
        side: usize,
        batch: &Batch,
        (keys, times, nulls): (&ByteRows, &[i64], &[bool]),
        out: &mut Collector,
    ) -> Result<Vec<bool>, OperatorError> {
        let mut found = vec![false; batch.num_rows()];
        let mut pairs = Pairs::default();
        for (row, &time_ms) in times.iter().enumerate() {
            if nulls[row] {
                continue;
            }
            let Some(slot) = self.slots.find(keys.get(row)) else { continue };
            let (from_ms, to_ms) = self.range(side, time_ms);
            let waiting = self.sides[1 - side].of(slot);
            let first = waiting.partition_point(|w| w.time_ms < from_ms);
            for (position, partner) in waiting.iter().enumerate().skip(first).take_while(|(_, w)| w.time_ms <= to_ms) {
                pairs.own.push(row as u32);
                pairs.other.push(partner.place);
                pairs.partners.push((slot, position as u32));
            }
            if pairs.own.len() >= PAIRS_MAX {
                self.emit(side, batch, std::mem::take(&mut pairs), &mut found, out)?;
            }
        }
        self.emit(side, batch, pairs, &mut found, out)?;
        Ok(found)
    }

    /// Emits the pairs that meet the condition, and marks both rows.
    fn emit(&mut self, side: usize, batch: &Batch, pairs: Pairs, found: &mut [bool], out: &mut Collector) -> Result<(), OperatorError> {
        let Some(other) = self.sides[1 - side].held.gather(&pairs.other)? else { return Ok(()) };
        let own = UInt32Array::from(pairs.own);
        let taken = batch.rows.columns().iter().map(|c| take(c, &own, None)).collect::<Result<Vec<_>, _>>()?;
        let columns = if side == 0 { taken.into_iter().chain(other).collect() } else { other.into_iter().chain(taken).collect() };
        let mut rows = self.rows(columns, own.len())?;
        let passing = match &self.condition {
            None => None,
            Some(condition) => {
                let truth = evaluate(condition, &rows, &self.evaluation).map_err(evaluation_failed)?.to_array(own.len())?;
                let truth: BooleanArray = truth.as_boolean().clone();
                rows = filter_record_batch(&rows, &truth)?;
                Some(truth)
            }
        };
        for (pair, (row, (slot, position))) in own.values().iter().zip(pairs.partners).enumerate() {
            if passing.as_ref().is_some_and(|t| t.is_null(pair) || !t.value(pair)) {
                continue;
            }
            found[*row as usize] = true;
            if let Some(partner) = self.sides[1 - side].waiting[slot as usize].get_mut(position as usize) {
                partner.has_partner = true;
            }
        }
        out.emit(Batch { rows, kinds: None, origin: batch.origin.clone() });
        Ok(())
    }

    fn rows(&self, columns: Vec<ArrayRef>, count: usize) -> Result<RecordBatch, OperatorError> {
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(self.output.clone(), columns, &options)?)
    }

    /// Emits rows of one side with NULLs for the other.
    fn emit_lonely(
        &self,
        side: usize,
        columns: Vec<ArrayRef>,
        count: usize,
        origin: Origin,
        out: &mut Collector,
    ) -> Result<(), OperatorError> {
        let width = self.sides[0].width;
        let others = if side == 0 { width..self.output.fields().len() } else { 0..width };
        let nulls: Vec<ArrayRef> = others.map(|c| new_null_array(self.output.field(c).data_type(), count)).collect();
        let columns = if side == 0 { columns.into_iter().chain(nulls).collect() } else { nulls.into_iter().chain(columns).collect() };
        out.emit(Batch { rows: self.rows(columns, count)?, kinds: None, origin });
        Ok(())
    }

    /// Lets rows wait that may still meet others; the others leave if they are kept and have no partner.
    fn settle(
        &mut self,
        side: usize,
        batch: &Batch,
        (keys, times, nulls): (&ByteRows, &[i64], &[bool]),
        (found, now_ms): (&[bool], i64),
        out: &mut Collector,
    ) -> Result<(), OperatorError> {
        let reach_ms = self.sides[side].reach_ms;
        let waits = |row: usize| !nulls[row] && now_ms < times[row].saturating_add(reach_ms);
        let waiting: Vec<u32> = (0..batch.num_rows()).filter(|&row| waits(row)).map(|row| row as u32).collect();
        if !waiting.is_empty() {
            let number = self.sides[side].held.hold(batch.rows.clone(), waiting.len() as u32);
            for &row in &waiting {
                let slot = self.slots.slot(keys.get(row as usize), || ());
                let (time_ms, has_partner) = (times[row as usize], found[row as usize]);
                self.sides[side].wait(slot, Waiting { time_ms, place: (number, row), has_partner });
            }
        }
        if !self.sides[side].keeps || waiting.len() == batch.num_rows() {
            return Ok(());
        }
        let lonely: Vec<u32> = (0..batch.num_rows()).filter(|&row| !waits(row) && !found[row]).map(|row| row as u32).collect();
        if lonely.is_empty() {
            return Ok(());
        }
        let lonely = UInt32Array::from(lonely);
        let columns = batch.rows.columns().iter().map(|c| take(c, &lonely, None)).collect::<Result<Vec<_>, _>>()?;
        self.emit_lonely(side, columns, lonely.len(), batch.origin.clone(), out)
    }

    /// Lets the rows of a side go that can meet no more.
    fn expire(&mut self, side: usize, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let (mut gone, mut lonely) = (Vec::new(), Vec::new());
        let this = &mut self.sides[side];
        let mut emptied = Vec::new();
        while let Some(&Reverse((due_ms, slot))) = this.due.peek() {
            if due_ms > now_ms {
                break;
            }
            this.due.pop();
            // An earlier row came since: it was looked at then.
            if this.due_of[slot as usize] != Some(due_ms) {
                continue;
            }
            let reach_ms = this.reach_ms;
            let rows = &mut this.waiting[slot as usize];
            let is_over = |w: &Waiting| w.time_ms.saturating_add(reach_ms).saturating_add(1) <= now_ms;
            let over = rows.partition_point(is_over);
            for row in rows.drain(..over) {
                gone.push(row.place);
                if this.keeps && !row.has_partner {
                    lonely.push(row.place);
                }
            }
            let next_ms = rows.first().map(|w| w.time_ms).map(|time_ms| this.due_ms(time_ms));
            this.due_of[slot as usize] = next_ms;
            match next_ms {
                Some(next_ms) => this.due.push(Reverse((next_ms, slot))),
                None => emptied.push(slot),
            }
        }
        for chunk in lonely.chunks(PAIRS_MAX) {
            if let Some(columns) = self.sides[side].held.gather(chunk)? {
                self.emit_lonely(side, columns, chunk.len(), Origin::from([]), out)?;
            }
        }
        gone.into_iter().for_each(|place| self.sides[side].held.release(place));
        for slot in emptied {
            if self.sides.iter().all(|s| s.is_empty(slot)) {
                self.slots.remove(slot);
            }
        }
        Ok(())
    }

    /// Packs the rows that wait anew where most of the rows in memory wait no more.
    fn repack(&mut self) -> Result<(), OperatorError> {
        for side in self.sides.iter_mut().filter(|side| side.held.is_sparse()) {
            side.held.repack(side.waiting.iter_mut().flatten().map(|w| &mut w.place))?;
        }
        Ok(())
    }

    fn put(&self, side: usize, blobs: &mut BlobWriter) -> Result<(), OperatorError> {
        let side = &self.sides[side];
        let mut slots: Vec<u32> = (0..self.slots.len() as u32).filter(|&slot| !side.is_empty(slot)).collect();
        while !slots.is_empty() {
            // So many keys that about as many rows as a batch has are turned into bytes together.
            let mut rows = 0;
            let enough = slots.iter().position(|&slot| {
                rows += side.of(slot).len();
                rows >= PAIRS_MAX
            });
            let rest = slots.split_off(enough.map_or(slots.len(), |last| last + 1));
            let places: Vec<Place> = slots.iter().flat_map(|&slot| side.of(slot).iter().map(|w| w.place)).collect();
            let Some(columns) = side.held.gather(&places)? else { break };
            let bytes = side.rows.convert(&rows_of(&columns, places.len())?)?;
            let mut next = 0;
            for &slot in &slots {
                let waiting = side.of(slot);
                blobs.entry(self.slots.key(slot), |out| {
                    out.extend_from_slice(&(waiting.len() as i64).to_le_bytes());
                    for row in waiting {
                        let data = bytes.get(next);
                        next += 1;
                        out.extend_from_slice(&row.time_ms.to_le_bytes());
                        out.push(u8::from(row.has_partner));
                        encode_bytes(data, out);
                    }
                });
            }
            slots = rest;
        }
        Ok(())
    }
}

#[async_trait]
impl Operator for IntervalJoin {
    async fn process(&mut self, _batch: Batch, _now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        Err(OperatorError::Internal("an interval join has two inputs".into()))
    }

    async fn process_input(&mut self, side: usize, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if side > 1 {
            return Err(OperatorError::Internal(format!("rows of input {side} of an interval join")));
        }
        self.evaluation.now_ms = now_ms;
        let keys = self.sides[side].keys.convert(&batch.rows)?;
        let times = self.sides[side].times(&batch.rows, now_ms)?;
        let nulls: Vec<bool> = (0..batch.num_rows()).map(|row| self.sides[side].has_null_key(&batch.rows, row)).collect();
        let rows = (&keys, times.as_slice(), nulls.as_slice());
        let found = self.meet(side, &batch, rows, out)?;
        self.settle(side, &batch, rows, (&found, self.now_ms(now_ms)), out)?;
        self.repack()
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.watermark.rise(watermark_ms);
        self.evaluation.watermark_ms = Some(watermark_ms);
        // The end of a bounded input lets rows of the clock go too.
        if self.is_event_time || watermark_ms == i64::MAX {
            self.expire(0, watermark_ms, out)?;
            self.expire(1, watermark_ms, out)?;
        }
        Ok(())
    }

    fn output_watermark_ms(&self, watermark_ms: i64) -> i64 {
        if !self.is_event_time || watermark_ms == i64::MAX {
            return watermark_ms;
        }
        let wait_ms = self.sides.iter().map(|s| s.reach_ms).max().unwrap_or(0).max(0);
        watermark_ms.saturating_sub(wait_ms)
    }

    fn next_timer_ms(&self) -> Option<i64> {
        if self.is_event_time {
            return None;
        }
        self.sides.iter().filter_map(|s| s.due.peek().map(|Reverse((due_ms, _))| *due_ms)).min()
    }

    async fn on_processing_time(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if !self.is_event_time {
            self.expire(0, now_ms, out)?;
            self.expire(1, now_ms, out)?;
        }
        Ok(())
    }

    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let mut keyed = BTreeMap::new();
        for (side, name) in STATES.iter().enumerate() {
            let mut blobs = BlobWriter::default();
            self.put(side, &mut blobs)?;
            keyed.insert((*name).to_owned(), blobs.finish());
        }
        self.watermark.add_to(&mut keyed);
        Ok(OperatorSnapshot { keyed, ..OperatorSnapshot::default() })
    }
}
