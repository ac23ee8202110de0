//! `OVER` by time: each row leaves with the results over the rows before it (Flink's `RowTime…` and `ProcTime…` functions of
//! the package `over`).
//!
//! Event time: rows wait as columns until the watermark has passed them, then leave in order of time, many keys at once. A
//! frame that rows leave again keeps only the arguments of its rows; what leaves it is taken back from the accumulators
//! before a row is added. Processing time: a row is answered as it comes, but for a RANGE with a distance, where the rows of
//! one millisecond are answered together once it is over.
//!
//! Late rows, as in Flink: an unbounded frame drops rows at or behind the watermark; a bounded one those at or behind the
//! last time that was answered for their key, and those at or before 1970.
//!
//! Keys leave memory when it is short, with their rows that wait and the rows of their frames; those that have something to
//! do are known by its time ([`DueKeys`]) and come back in portions.

mod answers;
mod frames;
mod pages;
mod spec;
mod state;
mod updating;
mod waiting;

pub(crate) use spec::OverSpec;
pub(crate) use updating::UpdatingOver;

use super::{
    groups::{GroupSpec, Groups, key_of},
    hot_groups::EntrySize,
    kept_watermark::KeptWatermark,
    late_rows::LateRows,
    row_bytes::RowBytes,
    tiered_slots::{SlotValue, TieredSlots},
    window_time::event_times,
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
    state::DueKeys,
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use millrace_model::{Batch, Origin, Schema, ids::CheckpointId};
use millrace_sql::plan::{AggregateCall, Frame, TimeKind};
use pages::{Pages, RowAt};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    sync::Arc,
};

/// Rows per emitted batch, about: rows of one time stay together.
const EMIT_ROWS: usize = 8_192;
/// Rows that leave in one call, about.
const ROWS_AT_ONCE: usize = 8 * EMIT_ROWS;
/// A key with more rows does not leave memory right after it was used.
const ROWS_THAT_LEAVE_MAX: usize = 1_024;

pub(crate) struct OverAggregate {
    spec: OverSpec,
    /// Keys over the input, arguments over `argument_columns`.
    groups_spec: GroupSpec,
    /// Accumulators by slot.
    groups: Groups,
    size: EntrySize,
    /// Input columns that arguments are taken from.
    argument_columns: Vec<usize>,
    /// Keys, and what is known of each beside its accumulators.
    kept: TieredSlots<Slot>,
    /// When something is to be done for keys that are not in memory.
    away: DueKeys,
    has_more: bool,
    /// Rows that wait, by time, those of one time as they came.
    waiting: VecDeque<Waiting>,
    rows: Pages,
    /// Arguments of the rows in frames.
    framed: Pages,
    /// When slots of a bounded RANGE are looked at: those without younger rows are forgotten.
    forget: BinaryHeap<Reverse<(i64, u32)>>,
    /// Per slot a row of the batch at hand; `u32::MAX` between batches.
    last_seen: Vec<u32>,
    row_bytes: RowBytes,
    framed_bytes: RowBytes,
    watermark: KeptWatermark,
    ttl_ms: Option<i64>,
    swept_ms: i64,
    now_ms: i64,
    late: LateRows,
    output: SchemaRef,
}

#[derive(Default)]
struct Slot {
    /// The last time that was answered.
    answered_ms: i64,
    /// From when on the slot may be forgotten, for a bounded RANGE.
    forget_ms: Option<i64>,
    written_ms: i64,
    waiting: u32,
    /// The rows of the last frame, in order.
    frame: VecDeque<Framed>,
    /// All of it as it was stored, on its way to memory.
    stored: Option<Box<[u8]>>,
}

impl SlotValue for Slot {
    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.frame.capacity() * size_of::<Framed>() + self.waiting as usize * size_of::<Waiting>()
    }

    fn is_large(&self) -> bool {
        self.frame.len() + self.waiting as usize > ROWS_THAT_LEAVE_MAX
    }
}

impl Slot {
    fn is_expired(&self, ttl_ms: Option<i64>, now_ms: i64) -> bool {
        self.waiting == 0 && ttl_ms.is_some_and(|ttl_ms| self.written_ms.saturating_add(ttl_ms) <= now_ms)
    }
}

#[derive(Clone, Copy)]
struct Waiting {
    time_ms: i64,
    slot: u32,
    at: RowAt,
}

#[derive(Clone, Copy)]
struct Framed {
    time_ms: i64,
    at: RowAt,
}

/// Rows that are answered together.
struct Due<'a> {
    columns: &'a [ArrayRef],
    times: &'a [i64],
    slots: &'a [u32],
}

impl OverAggregate {
    pub(crate) fn new(spec: OverSpec, late: LateRows, output: SchemaRef, context: &mut OperatorContext) -> Result<Self, OperatorError> {
        let mut argument_columns: Vec<usize> = spec.calls.iter().flat_map(|c| c.arguments.iter().copied()).collect();
        argument_columns.sort_unstable();
        argument_columns.dedup();
        let place = |i: &usize| argument_columns.binary_search(i).unwrap_or_default();
        let calls = spec.calls.iter().map(|c| AggregateCall { arguments: c.arguments.iter().map(place).collect(), ..c.clone() });
        let is_bounded = spec.frame.preceding.is_some();
        let mut groups_spec = GroupSpec::new(spec.keys.clone(), calls.collect(), is_bounded, &context.input)?;
        groups_spec.is_sliding = is_bounded;
        let all: Vec<usize> = (0..context.input.fields().len()).collect();
        let fields = argument_columns.iter().map(|&c| context.input.fields()[c].clone()).collect();
        let arguments = Schema::new(fields).map_err(|e| OperatorError::Internal(e.to_string()))?;
        let types = |columns: &[usize]| columns.iter().map(|&c| context.input.fields()[c].data_type.to_arrow()).collect();
        let away = DueKeys::open("over-due", &context.state);
        let (kept, segments) = TieredSlots::open(state::KEYS, &mut context.state, &context.metrics)?;
        let has_ttl = spec.frame.is_rows || !is_bounded;
        let mut made = Self {
            groups: Groups::new(&groups_spec)?,
            groups_spec,
            size: EntrySize::default(),
            kept,
            away,
            has_more: false,
            waiting: VecDeque::new(),
            rows: Pages::new(types(&all)),
            framed: Pages::new(types(&argument_columns)),
            forget: BinaryHeap::new(),
            last_seen: Vec::new(),
            row_bytes: RowBytes::new(&all, &context.input)?,
            framed_bytes: RowBytes::new(&(0..argument_columns.len()).collect::<Vec<_>>(), &arguments)?,
            argument_columns,
            watermark: KeptWatermark::open(context)?,
            ttl_ms: spec.state_ttl_ms.filter(|_| has_ttl).map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
            swept_ms: 0,
            now_ms: 0,
            late,
            output,
            spec,
        };
        made.restore(segments, context.restored.get(state::KEYS))?;
        Ok(made)
    }

    fn is_by_clock(&self) -> bool {
        self.spec.time == Some(TimeKind::Proctime)
    }

    /// Rows are answered as they come.
    fn is_immediate(&self) -> bool {
        self.is_by_clock() && (self.spec.frame.is_rows || self.spec.frame.preceding.is_none())
    }

    /// Milliseconds of a bounded RANGE.
    fn range_ms(&self) -> Option<i64> {
        let Frame { is_rows, preceding } = self.spec.frame;
        preceding.filter(|_| !is_rows).map(|ms| i64::try_from(ms).unwrap_or(i64::MAX))
    }

    /// The slot of a key, made if it is new or has expired.
    fn slot_of(&mut self, key: &[u8]) -> Result<u32, OperatorError> {
        let now_ms = self.now_ms;
        let mut slot = self.kept.slot(key, || Slot { written_ms: now_ms, ..Slot::default() });
        if self.is_expired(slot) {
            self.reset(slot)?;
            slot = self.kept.slot(key, Slot::default);
        }
        self.groups.reach(slot);
        if let Some(state) = self.kept.get_mut(slot) {
            state.written_ms = now_ms;
        }
        Ok(slot)
    }

    fn is_expired(&self, slot: u32) -> bool {
        self.ttl_ms.is_some() && self.kept.get(slot).is_some_and(|state| state.is_expired(self.ttl_ms, self.now_ms))
    }

    /// Forgets a key.
    fn reset(&mut self, slot: u32) -> Result<(), OperatorError> {
        if let Some(state) = self.kept.look_at(slot) {
            state.frame.drain(..).for_each(|framed| self.framed.release(framed.at));
        }
        self.groups.clear(slot);
        self.kept.remove(slot)
    }

    /// Answers rows that wait for times up to `time_ms`: first those of keys in memory, then those of a portion of the others.
    fn fire(&mut self, time_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.has_more = !self.fire_in_memory(time_ms, out)?;
        if self.has_more {
            return Ok(());
        }
        self.has_more = self.bring_due(time_ms)?;
        if self.has_more {
            self.fire_in_memory(time_ms, out)?;
            self.make_room()?;
        }
        Ok(())
    }

    /// Answers rows of keys in memory; answers whether all are done, or so many have left that the rest has to wait.
    fn fire_in_memory(&mut self, time_ms: i64, out: &mut Collector) -> Result<bool, OperatorError> {
        let due = self.waiting.partition_point(|w| w.time_ms <= time_ms);
        let mut left = due;
        while left > 0 {
            if due - left >= ROWS_AT_ONCE {
                return Ok(false);
            }
            let count = self.chunk(left);
            let chunk: Vec<Waiting> = self.waiting.drain(..count).collect();
            left -= count;
            let at: Vec<RowAt> = chunk.iter().map(|w| w.at).collect();
            let columns = self.rows.gather(&at)?;
            at.into_iter().for_each(|at| self.rows.release(at));
            let row_times: Vec<i64> = chunk.iter().map(|w| w.time_ms).collect();
            let slots: Vec<u32> = chunk.iter().map(|w| w.slot).collect();
            for waiting in &chunk {
                let Some(state) = self.kept.get_mut(waiting.slot) else { continue };
                state.waiting = state.waiting.saturating_sub(1);
                // After a restore a watermark may come before the clock is known.
                state.written_ms = state.written_ms.max(self.now_ms);
                state.answered_ms = waiting.time_ms;
            }
            let answered = self.answer(&Due { columns: &columns, times: &row_times, slots: &slots })?;
            self.emit(columns, answered, chunk.len(), Arc::from([]), out)?;
        }
        self.forget_until(time_ms)?;
        Ok(true)
    }

    /// How many of the first `due` rows are answered together; rows of one time are not torn apart.
    fn chunk(&self, due: usize) -> usize {
        if due <= EMIT_ROWS {
            return due;
        }
        let last_ms = self.waiting.get(EMIT_ROWS - 1).map_or(i64::MAX, |w| w.time_ms);
        self.waiting.partition_point(|w| w.time_ms <= last_ms).min(due)
    }

    fn forget_until(&mut self, time_ms: i64) -> Result<(), OperatorError> {
        while let Some(&Reverse((at_ms, slot))) = self.forget.peek() {
            if at_ms > time_ms {
                break;
            }
            self.forget.pop();
            let Some(state) = self.kept.get_mut(slot) else { continue };
            if state.waiting == 0 && state.forget_ms.is_some_and(|ms| ms <= at_ms) {
                self.reset(slot)?;
            } else {
                // As in Flink the look itself counts as an answer: rows before it are late.
                state.answered_ms = state.answered_ms.max(at_ms);
            }
        }
        Ok(())
    }

    fn emit(
        &self,
        mut columns: Vec<ArrayRef>,
        answered: Vec<ArrayRef>,
        count: usize,
        origin: Origin,
        out: &mut Collector,
    ) -> Result<(), OperatorError> {
        columns.extend(answered);
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let rows = RecordBatch::try_new_with_options(self.output.clone(), columns, &options)?;
        out.emit(Batch { rows, kinds: None, origin });
        Ok(())
    }

    /// Answers rows as they come.
    fn answer_now(&mut self, batch: &Batch, out: &mut Collector) -> Result<(), OperatorError> {
        let keys = self.groups_spec.key_bytes(&batch.rows)?;
        let count = batch.num_rows();
        self.bring((0..count).map(|row| key_of(keys.as_ref(), row)))?;
        let mut slots = Vec::with_capacity(count);
        for row in 0..count {
            slots.push(self.slot_of(key_of(keys.as_ref(), row))?);
        }
        drop(keys);
        let columns = batch.rows.columns().to_vec();
        let answered = self.answer(&Due { columns: &columns, times: &vec![self.now_ms; count], slots: &slots })?;
        self.emit(columns, answered, count, batch.origin.clone(), out)
    }

    /// Forgets expired keys from time to time, so that silent ones do not stay for ever.
    fn sweep(&mut self) -> Result<(), OperatorError> {
        let Some(ttl_ms) = self.ttl_ms else { return Ok(()) };
        if self.now_ms.saturating_sub(self.swept_ms) < ttl_ms / 2 {
            return Ok(());
        }
        self.swept_ms = self.now_ms;
        let (ttl_ms, now_ms) = (self.ttl_ms, self.now_ms);
        let expired: Vec<u32> = self.kept.iter().filter(|(_, state)| state.is_expired(ttl_ms, now_ms)).map(|(slot, _)| slot).collect();
        expired.into_iter().try_for_each(|slot| self.reset(slot))
    }

    /// All that came before `time_ms` is complete.
    fn complete(&mut self, time_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        loop {
            self.fire(time_ms, out)?;
            if !self.has_more {
                return Ok(());
            }
        }
    }
}

#[async_trait]
impl Operator for OverAggregate {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.now_ms = now_ms;
        self.sweep()?;
        if self.is_immediate() {
            self.answer_now(&batch, out)?;
        } else if self.is_by_clock() {
            // What came in an earlier millisecond is complete.
            self.complete(now_ms.saturating_sub(1), out)?;
            self.hold(&batch, &vec![now_ms; batch.num_rows()]).await?;
        } else {
            let column = batch.rows.column(self.spec.order).clone();
            let row_times = event_times(&column, "the window")?;
            self.hold(&batch, row_times).await?;
        }
        self.make_room()
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        // After a restore watermarks come again that had been there: a row behind them waits for the next one, as it did.
        if watermark_ms <= self.watermark.ms && !self.has_more {
            return Ok(());
        }
        self.watermark.rise(watermark_ms);
        // The end of a bounded input completes what waits for the clock too.
        if self.is_by_clock() && watermark_ms < i64::MAX {
            return Ok(());
        }
        self.fire(watermark_ms, out)
    }

    fn has_more(&self) -> bool {
        self.has_more
    }

    fn next_timer_ms(&self) -> Option<i64> {
        let due = self.waiting.front().map(|w| w.time_ms).into_iter().chain(self.away.next_ms()).min();
        let forgotten = self.forget.peek().map(|Reverse((at_ms, _))| *at_ms);
        due.map(|time_ms| time_ms.saturating_add(1)).into_iter().chain(forgotten).min().filter(|_| self.is_by_clock())
    }

    async fn on_processing_time(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.now_ms = self.now_ms.max(now_ms);
        if self.is_by_clock() {
            self.fire(now_ms.saturating_sub(1), out)?;
            // The clock calls again at once for what is left.
            self.has_more = false;
        }
        Ok(())
    }

    async fn snapshot(&mut self, now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        self.now_ms = self.now_ms.max(now_ms);
        self.save()
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.kept.committed(checkpoint);
    }
}
