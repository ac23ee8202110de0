//! Interval joins: rows meet when their times lie within bounds of each other (Flink's `TimeIntervalJoin`).
//!
//! A row waits as long as a row of the other side may come that it would meet: then it is let go, with NULLs if its side
//! keeps rows without a partner. Only inserts come and go, and rows leave before the watermark that this operator passes
//! on, which is held back by the longest wait, so that their times stay event times.
//!
//! Invariant: rows of a key wait in the order of their times; a side's rows meet rows of the other side alone, so a batch
//! first meets what waits and then waits itself.
//!
//! Keys of a side leave memory when it is short, with all of their rows; when their first row is to go is known
//! ([`DueKeys`]), and they come back in portions.

mod side;

use super::{evaluation_failed, held_batches::Place, kept_watermark::KeptWatermark, row_bytes::ByteRows};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
};
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array, cast::AsArray, new_null_array};
use arrow_schema::SchemaRef;
use arrow_select::{filter::filter_record_batch, take::take};
use async_trait::async_trait;
use millrace_functions::{EvaluationContext, Expr, expression::evaluate};
use millrace_model::{Batch, Origin, Schema, ids::CheckpointId};
use side::{Side, Waiting};

/// Names of the sides' states.
const STATES: [&str; 2] = ["left", "right"];
/// Pairs that are looked at together, and rows of an emitted batch, about.
const PAIRS_MAX: usize = 8_192;
/// Rows that go in one call, about.
const ROWS_AT_ONCE: usize = 8 * PAIRS_MAX;

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

pub(crate) struct IntervalJoin {
    sides: [Side; 2],
    has_more: bool,
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

impl IntervalJoin {
    pub(crate) fn new(
        spec: &IntervalSpec,
        inputs: &[Schema],
        zone: chrono_tz::Tz,
        output: SchemaRef,
        context: &mut OperatorContext,
    ) -> Result<Self, OperatorError> {
        let [left, right] = inputs else {
            return Err(OperatorError::Internal(format!("an interval join of {} inputs", inputs.len())));
        };
        Ok(Self {
            sides: [Side::open(spec, 0, left, context)?, Side::open(spec, 1, right, context)?],
            has_more: false,
            lower_ms: spec.lower_ms,
            upper_ms: spec.upper_ms,
            condition: spec.condition.clone(),
            is_event_time: spec.times.is_some(),
            watermark: KeptWatermark::open(context)?,
            output,
            evaluation: EvaluationContext { zone, ..EvaluationContext::default() },
        })
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
            let Some((slot, waiting)) = self.sides[1 - side].find(keys.get(row)) else { continue };
            let (from_ms, to_ms) = self.range(side, time_ms);
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
            self.sides[1 - side].found_partner(slot, position);
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
                let (time_ms, has_partner) = (times[row as usize], found[row as usize]);
                self.sides[side].wait(keys.get(row as usize), Waiting { time_ms, place: (number, row), has_partner });
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

    /// Lets rows go that can meet no more: first those of keys in memory, then those of a portion of the others.
    fn expire(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.has_more = false;
        for side in 0..2 {
            let mut is_done = self.expire_in_memory(side, now_ms, out)?;
            if is_done && self.sides[side].bring_due(now_ms)? {
                is_done = false;
                self.expire_in_memory(side, now_ms, out)?;
                self.sides[side].make_room()?;
            }
            self.has_more |= !is_done;
        }
        Ok(())
    }

    /// Lets the rows of keys in memory go; answers whether all are done, or so many have gone that the rest has to wait.
    fn expire_in_memory(&mut self, side: usize, now_ms: i64, out: &mut Collector) -> Result<bool, OperatorError> {
        let (mut gone, mut lonely) = (Vec::new(), Vec::new());
        let is_done = self.sides[side].take_over(now_ms, &mut gone, &mut lonely)?;
        for chunk in lonely.chunks(PAIRS_MAX) {
            if let Some(columns) = self.sides[side].held.gather(chunk)? {
                self.emit_lonely(side, columns, chunk.len(), Origin::from([]), out)?;
            }
        }
        gone.into_iter().for_each(|place| self.sides[side].held.release(place));
        Ok(is_done)
    }

    /// Begins a batch: its keys come to memory, of both sides.
    fn bring(&mut self, keys: &ByteRows, nulls: &[bool]) -> Result<(), OperatorError> {
        for side in &mut self.sides {
            side.bring((0..nulls.len()).filter(|&row| !nulls[row]).map(|row| keys.get(row)))?;
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
        self.bring(&keys, &nulls)?;
        let found = self.meet(side, &batch, rows, out)?;
        self.settle(side, &batch, rows, (&found, self.now_ms(now_ms)), out)?;
        self.sides.iter_mut().try_for_each(|side| {
            side.repack()?;
            side.make_room()
        })
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.watermark.rise(watermark_ms);
        self.evaluation.watermark_ms = Some(watermark_ms);
        // The end of a bounded input lets rows of the clock go too.
        if self.is_event_time || watermark_ms == i64::MAX {
            self.expire(watermark_ms, out)?;
        }
        Ok(())
    }

    fn has_more(&self) -> bool {
        self.has_more
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
        self.sides.iter().filter_map(Side::next_ms).min()
    }

    async fn on_processing_time(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if !self.is_event_time {
            self.expire(now_ms, out)?;
            // The clock calls again at once for what is left.
            self.has_more = false;
        }
        Ok(())
    }

    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let mut all = OperatorSnapshot::default();
        for (side, name) in self.sides.iter_mut().zip(STATES) {
            all.put(name, side.snapshot()?);
        }
        self.watermark.add_to(&mut all.keyed);
        Ok(all)
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.sides.iter_mut().for_each(|side| side.committed(checkpoint));
    }
}
