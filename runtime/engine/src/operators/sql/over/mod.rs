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
    groups::{GroupSpec, Groups, hash_of, key_of},
    kept_watermark::KeptWatermark,
    late_rows::LateRows,
    row_bytes::RowBytes,
    window_time::event_times,
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use millrace_model::{Batch, Origin, Schema};
use millrace_sql::plan::{AggregateCall, Frame, TimeKind};
use pages::{Pages, RowAt};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    sync::Arc,
};

/// Rows per emitted batch, about: rows of one time stay together.
const EMIT_ROWS: usize = 8_192;

pub(crate) struct OverAggregate {
    spec: OverSpec,
    /// Keys over the input, arguments over `argument_columns`.
    groups_spec: GroupSpec,
    groups: Groups,
    /// Input columns that arguments are taken from.
    argument_columns: Vec<usize>,
    /// What is known of each slot beside its accumulators.
    slots: Vec<Slot>,
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
    pub(crate) fn new(spec: OverSpec, late: LateRows, output: SchemaRef, context: &OperatorContext) -> Result<Self, OperatorError> {
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
        let has_ttl = spec.frame.is_rows || !is_bounded;
        let mut made = Self {
            groups: Groups::new(&groups_spec)?,
            groups_spec,
            slots: Vec::new(),
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
        made.restore(&context.restored)?;
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
    fn slot_of(&mut self, hash: u64, key: &[u8]) -> u32 {
        let slot = self.groups.slot(hash, key);
        let index = slot as usize;
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, Slot::default);
        }
        if self.is_expired(slot) {
            self.reset(slot);
            return self.slot_of(hash, key);
        }
        self.slots[index].written_ms = self.now_ms;
        slot
    }

    fn is_expired(&self, slot: u32) -> bool {
        let state = &self.slots[slot as usize];
        let is_old = |ttl: i64| state.written_ms.saturating_add(ttl) <= self.now_ms;
        state.waiting == 0 && self.groups.counts[slot as usize] != 0 && self.ttl_ms.is_some_and(is_old)
    }

    /// Forgets a key.
    fn reset(&mut self, slot: u32) {
        let state = std::mem::take(&mut self.slots[slot as usize]);
        state.frame.iter().for_each(|framed| self.framed.release(framed.at));
        self.groups.remove(slot);
    }

    /// Answers all rows that wait for times up to `time_ms`.
    fn fire(&mut self, time_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let due = self.waiting.partition_point(|w| w.time_ms <= time_ms);
        let mut left = due;
        while left > 0 {
            let count = self.chunk(left);
            let chunk: Vec<Waiting> = self.waiting.drain(..count).collect();
            left -= count;
            let at: Vec<RowAt> = chunk.iter().map(|w| w.at).collect();
            let columns = self.rows.gather(&at)?;
            at.into_iter().for_each(|at| self.rows.release(at));
            let row_times: Vec<i64> = chunk.iter().map(|w| w.time_ms).collect();
            let slots: Vec<u32> = chunk.iter().map(|w| w.slot).collect();
            for waiting in &chunk {
                let state = &mut self.slots[waiting.slot as usize];
                state.waiting -= 1;
                // After a restore a watermark may come before the clock is known.
                state.written_ms = state.written_ms.max(self.now_ms);
                state.answered_ms = waiting.time_ms;
            }
            let answered = self.answer(&Due { columns: &columns, times: &row_times, slots: &slots })?;
            self.emit(columns, answered, chunk.len(), Arc::from([]), out)?;
        }
        self.forget_until(time_ms);
        Ok(())
    }

    /// How many of the first `due` rows are answered together; rows of one time are not torn apart.
    fn chunk(&self, due: usize) -> usize {
        if due <= EMIT_ROWS {
            return due;
        }
        let last_ms = self.waiting.get(EMIT_ROWS - 1).map_or(i64::MAX, |w| w.time_ms);
        self.waiting.partition_point(|w| w.time_ms <= last_ms).min(due)
    }

    fn forget_until(&mut self, time_ms: i64) {
        while let Some(&Reverse((at_ms, slot))) = self.forget.peek() {
            if at_ms > time_ms {
                return;
            }
            self.forget.pop();
            let state = &mut self.slots[slot as usize];
            if state.waiting == 0 && state.forget_ms.is_some_and(|ms| ms <= at_ms) {
                self.reset(slot);
            } else {
                // As in Flink the look itself counts as an answer: rows before it are late.
                state.answered_ms = state.answered_ms.max(at_ms);
            }
        }
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
        let mut slots = Vec::with_capacity(count);
        for row in 0..count {
            let key = key_of(keys.as_ref(), row);
            slots.push(self.slot_of(hash_of(key), key));
        }
        drop(keys);
        let columns = batch.rows.columns().to_vec();
        let answered = self.answer(&Due { columns: &columns, times: &vec![self.now_ms; count], slots: &slots })?;
        self.emit(columns, answered, count, batch.origin.clone(), out)
    }

    /// Forgets expired keys from time to time, so that silent ones do not stay for ever.
    fn sweep(&mut self) {
        let Some(ttl_ms) = self.ttl_ms else { return };
        if self.now_ms.saturating_sub(self.swept_ms) < ttl_ms / 2 {
            return;
        }
        self.swept_ms = self.now_ms;
        let expired: Vec<u32> = self.groups.in_order().into_iter().filter(|&slot| self.is_expired(slot)).collect();
        expired.into_iter().for_each(|slot| self.reset(slot));
    }
}

#[async_trait]
impl Operator for OverAggregate {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.now_ms = now_ms;
        self.sweep();
        if self.is_immediate() {
            return self.answer_now(&batch, out);
        }
        if self.is_by_clock() {
            // What came in an earlier millisecond is complete.
            self.fire(now_ms.saturating_sub(1), out)?;
            return self.hold(&batch, &vec![now_ms; batch.num_rows()]).await;
        }
        let column = batch.rows.column(self.spec.order).clone();
        let row_times = event_times(&column, "the window")?;
        self.hold(&batch, row_times).await
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        // After a restore watermarks come again that had been there: a row behind them waits for the next one, as it did.
        if watermark_ms <= self.watermark.ms {
            return Ok(());
        }
        self.watermark.rise(watermark_ms);
        // The end of a bounded input completes what waits for the clock too.
        if self.is_by_clock() && watermark_ms < i64::MAX {
            return Ok(());
        }
        self.fire(watermark_ms, out)
    }

    fn next_timer_ms(&self) -> Option<i64> {
        let due = self.waiting.front().map(|w| w.time_ms.saturating_add(1));
        let forgotten = self.forget.peek().map(|Reverse((at_ms, _))| *at_ms);
        due.into_iter().chain(forgotten).min().filter(|_| self.is_by_clock())
    }

    async fn on_processing_time(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.now_ms = self.now_ms.max(now_ms);
        if self.is_by_clock() { self.fire(now_ms.saturating_sub(1), out) } else { Ok(()) }
    }

    async fn snapshot(&mut self, now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        self.now_ms = self.now_ms.max(now_ms);
        self.save()
    }
}
