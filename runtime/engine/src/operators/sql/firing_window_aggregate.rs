//! Windows of `GROUP BY` that give out results before their end, and again for rows that come after it (Flink's
//! `WindowOperator` with early and late triggers).
//!
//! Per window and key the last result that was given out is kept; a later one takes it back, unless it is the same. A window
//! is dropped once the watermark has passed its end and the allowed lateness; only then is a row late.
//!
//! When results leave: with every row (delay 0), or by the clock, a delay after the first row of a key and then as often; at
//! the end always. A key whose first row comes after the end is answered at once.

use super::{
    groups::{BlobWriter, GroupSpec, Groups, hash_of, key_of, read_i64, retractions},
    kept_watermark::KeptWatermark,
    late_rows::{LateRow, LateRows},
    rounds::rounds,
    row_bytes::RowBytes,
    rows_of,
    window_aggregate::{Windows, bound_columns},
    window_time::{to_utc_ms, windows_of},
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
    state::encode_bytes,
};
use arrow_array::{RecordBatch, RecordBatchOptions, UInt8Array};
use arrow_schema::SchemaRef;
use arrow_select::interleave::interleave;
use async_trait::async_trait;
use millrace_model::{Batch, ChangeKind, Field, Origin, Schema};
use millrace_sql::plan::EmitStrategy;
use std::{collections::BTreeMap, sync::Arc};

const WINDOWS: &str = "firing-windows";

/// A window by its end and start, and a slot of it.
type WindowSlot = ((i64, i64), u32);

pub(crate) struct FiringWindowAggregate {
    spec: GroupSpec,
    windows: Windows,
    strategy: EmitStrategy,
    /// By end, then start (wall clock).
    buckets: BTreeMap<(i64, i64), Bucket>,
    /// When slots of windows give out results by the clock.
    timers: BTreeMap<i64, Vec<WindowSlot>>,
    result_bytes: RowBytes,
    watermark: KeptWatermark,
    late: LateRows,
    output: SchemaRef,
}

struct Bucket {
    groups: Groups,
    slots: Vec<Slot>,
    /// The result at its end was given out.
    has_ended: bool,
}

#[derive(Default)]
struct Slot {
    /// The results that were given out last.
    given: Option<Box<[u8]>>,
    /// It was there when the window ended.
    was_at_end: bool,
    next_ms: Option<i64>,
}

/// Rows to be emitted: what orders them, kind, window, slot, and where the results are: given out before (0) or now (1).
struct Change {
    row: u32,
    kind: ChangeKind,
    window: (i64, i64),
    key: Box<[u8]>,
    results: (usize, usize),
}

#[derive(Default)]
struct Changes {
    changes: Vec<Change>,
    given: Vec<Box<[u8]>>,
    now: Vec<Box<[u8]>>,
}

impl FiringWindowAggregate {
    pub(crate) fn new(
        spec: GroupSpec,
        windows: Windows,
        strategy: EmitStrategy,
        late: LateRows,
        output: SchemaRef,
        context: &OperatorContext,
    ) -> Result<Self, OperatorError> {
        let field =
            |(i, call): (usize, &millrace_sql::plan::AggregateCall)| Field::new(format!("r{i}"), call.result.data_type.clone(), true);
        let results =
            Schema::new(spec.calls.iter().enumerate().map(field).collect()).map_err(|e| OperatorError::Internal(e.to_string()))?;
        let result_bytes = RowBytes::new(&(0..spec.calls.len()).collect::<Vec<_>>(), &results)?;
        let (buckets, timers) = (BTreeMap::new(), BTreeMap::new());
        let watermark = KeptWatermark::open(context)?;
        let mut made = Self { spec, windows, strategy, buckets, timers, result_bytes, watermark, late, output };
        for (&group, blob) in context.restored.get(WINDOWS).into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                made.restore_entry(group, &mut blob)?;
            }
        }
        Ok(made)
    }

    fn restore_entry(&mut self, group: crate::key::KeyGroup, blob: &mut &[u8]) -> Result<(), OperatorError> {
        let key = self.spec.stored_key(group, blob)?;
        let window = (read_i64(blob)?, read_i64(blob)?);
        let (flags, next_ms) = (read_i64(blob)?, read_i64(blob)?);
        let given = if flags & 1 != 0 { Some(self.result_bytes.stored_row(blob)?.into()) } else { None };
        let is_new = !self.buckets.contains_key(&window);
        let bucket = bucket_at(&mut self.buckets, &self.spec, window, false)?;
        // Where one subtask was behind, the window ends once more, for the keys that have not been at its end.
        bucket.has_ended = (is_new || bucket.has_ended) && flags & 8 != 0;
        let slot = bucket.slot_of(key);
        bucket.groups.merge(slot, blob)?;
        let next_ms = (flags & 2 != 0).then_some(next_ms);
        bucket.slots[slot as usize] = Slot { given, was_at_end: flags & 4 != 0, next_ms };
        if let Some(next_ms) = next_ms {
            self.timers.entry(next_ms).or_default().push((window, slot));
        }
        Ok(())
    }

    fn ends_at_ms(&self, end_ms: i64) -> i64 {
        self.windows.complete_at_ms(end_ms)
    }

    /// When a window is dropped.
    fn dropped_at_ms(&self, end_ms: i64) -> i64 {
        let lateness_ms = i64::try_from(self.strategy.lateness_ms).unwrap_or(i64::MAX);
        to_utc_ms(end_ms.saturating_sub(1).saturating_add(lateness_ms), self.windows.zone)
    }

    fn is_open(&self, end_ms: i64) -> bool {
        self.windows.is_processing_time || self.dropped_at_ms(end_ms) > self.watermark.ms
    }

    /// Takes the rows of one window into account; results leave if its trigger says so.
    fn update(
        &mut self,
        batch: &Batch,
        keys: &Keys<'_>,
        retract: Option<&[bool]>,
        (window, rows): (&(i64, i64), &[u32]),
        now_ms: i64,
        changes: &mut Changes,
    ) -> Result<(), OperatorError> {
        let is_over = !self.windows.is_processing_time && self.ends_at_ms(window.0) <= self.watermark.ms;
        let delay_ms = if is_over { self.strategy.late_ms } else { self.strategy.early_ms };
        let with_every_row = delay_ms == Some(0) || (is_over && delay_ms.is_none());
        // A window that begins after its end has no end to come.
        let bucket = bucket_at(&mut self.buckets, &self.spec, *window, is_over)?;
        let hashes: Vec<u64> = rows.iter().map(|&row| keys.hashes[row as usize]).collect();
        let chosen = match with_every_row || is_over {
            true => {
                rounds(&hashes, |i| keys.key(rows[i] as usize)).into_iter().map(|r| r.iter().map(|&i| rows[i as usize]).collect()).collect()
            }
            false => vec![rows.to_vec()],
        };
        for rows in chosen {
            let slots: Vec<u32> = rows.iter().map(|&row| bucket.slot_of(keys.key(row as usize))).collect();
            bucket.groups.update_chosen(&self.spec, batch, retract, &rows, &slots)?;
            let (mut fired, mut fired_rows) = (Vec::new(), Vec::new());
            for (&row, &slot) in rows.iter().zip(&slots) {
                let state = &mut bucket.slots[slot as usize];
                let at_once = with_every_row || (is_over && !state.was_at_end);
                match delay_ms {
                    _ if at_once => {
                        fired.push(slot);
                        fired_rows.push(row);
                    }
                    Some(delay_ms) if state.next_ms.is_none() => {
                        let next_ms = now_ms.saturating_add(i64::try_from(delay_ms).unwrap_or(i64::MAX));
                        state.next_ms = Some(next_ms);
                        self.timers.entry(next_ms).or_default().push((*window, slot));
                    }
                    _ => {}
                }
            }
            give_out(&self.spec, &self.result_bytes, bucket, *window, (&fired, &fired_rows), changes)?;
        }
        Ok(())
    }

    /// Results of windows that end by this time; windows without a use are dropped.
    fn end(&mut self, time_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let mut changes = Changes::default();
        let mut dropped = Vec::new();
        let keeps_timers = self.strategy.early_ms == self.strategy.late_ms;
        let windows: Vec<(i64, i64)> = self.buckets.keys().copied().collect();
        for window in windows {
            if self.ends_at_ms(window.0) > time_ms {
                break;
            }
            let is_dropped = self.windows.is_processing_time || self.dropped_at_ms(window.0) <= time_ms;
            let Some(bucket) = self.buckets.get_mut(&window) else { continue };
            if !bucket.has_ended {
                bucket.has_ended = true;
                let mut slots = bucket.groups.in_order();
                slots.retain(|&slot| !bucket.slots[slot as usize].was_at_end);
                for &slot in &slots {
                    let state = &mut bucket.slots[slot as usize];
                    state.was_at_end = true;
                    if !keeps_timers {
                        state.next_ms = None;
                    }
                }
                let rows = vec![0; slots.len()];
                give_out(&self.spec, &self.result_bytes, bucket, window, (&slots, &rows), &mut changes)?;
            }
            if is_dropped {
                dropped.push(window);
            }
        }
        dropped.iter().for_each(|window| drop(self.buckets.remove(window)));
        self.emit(changes, Arc::from([]), out)
    }

    /// Results that are due by the clock.
    fn by_clock(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let mut changes = Changes::default();
        while let Some(entry) = self.timers.first_entry().filter(|e| *e.key() <= now_ms) {
            let (at_ms, due) = entry.remove_entry();
            let mut by_window: BTreeMap<(i64, i64), Vec<u32>> = BTreeMap::new();
            for (window, slot) in due {
                let Some(state) = self.buckets.get_mut(&window).and_then(|b| b.slots.get_mut(slot as usize)) else { continue };
                if state.next_ms != Some(at_ms) {
                    continue;
                }
                let delay_ms = if state.was_at_end { self.strategy.late_ms } else { self.strategy.early_ms };
                let Some(delay_ms) = delay_ms.and_then(|ms| i64::try_from(ms).ok()).filter(|&ms| ms > 0) else { continue };
                by_window.entry(window).or_default().push(slot);
                // What was missed while the job stood still is not made up for.
                let missed = now_ms.saturating_sub(at_ms) / delay_ms;
                let next_ms = at_ms.saturating_add(delay_ms.saturating_mul(missed.saturating_add(1)));
                state.next_ms = Some(next_ms);
                self.timers.entry(next_ms).or_default().push((window, slot));
            }
            for (window, slots) in by_window {
                let rows = vec![0; slots.len()];
                if let Some(bucket) = self.buckets.get_mut(&window) {
                    give_out(&self.spec, &self.result_bytes, bucket, window, (&slots, &rows), &mut changes)?;
                }
            }
        }
        self.emit(changes, Arc::from([]), out)
    }

    fn emit(&self, mut changes: Changes, origin: Origin, out: &mut Collector) -> Result<(), OperatorError> {
        if changes.changes.is_empty() {
            return Ok(());
        }
        // In the order of the rows that caused them; of one row by window.
        changes.changes.sort_by_key(|c| c.row);
        let all = &changes.changes;
        let keys: Vec<&[u8]> = all.iter().map(|c| c.key.as_ref()).collect();
        let mut columns = self.spec.key_columns(&keys)?;
        let read = |rows: &[Box<[u8]>]| self.result_bytes.columns(&rows.iter().map(AsRef::as_ref).collect::<Vec<_>>());
        let (given, now) = (read(&changes.given)?, read(&changes.now)?);
        let places: Vec<(usize, usize)> = all.iter().map(|c| c.results).collect();
        for (given, now) in given.iter().zip(&now) {
            columns.push(interleave(&[given.as_ref(), now.as_ref()], &places)?);
        }
        let bounds: Vec<(i64, i64)> = all.iter().map(|c| (c.window.1, c.window.0)).collect();
        columns.extend(bound_columns(&bounds, &self.windows, &self.output));
        let options = RecordBatchOptions::new().with_row_count(Some(all.len()));
        let rows = RecordBatch::try_new_with_options(self.output.clone(), columns, &options)?;
        let kinds = UInt8Array::from_iter_values(all.iter().map(|c| c.kind as u8));
        out.emit(Batch { rows, kinds: Some(kinds), origin });
        Ok(())
    }

    /// The rows of each window that takes them; the others are late.
    fn assign(&self, rows: &RecordBatch, now_ms: i64, late: &mut Vec<LateRow>) -> Result<BTreeMap<(i64, i64), Vec<u32>>, OperatorError> {
        let mut found: BTreeMap<(i64, i64), Vec<u32>> = BTreeMap::new();
        for (row, &time_ms) in self.windows.local_times(rows, now_ms)?.iter().enumerate() {
            let (mut is_counted, mut last) = (false, None);
            windows_of(self.windows.kind, time_ms, |start, end| {
                last = Some((start, end));
                if self.is_open(end) {
                    is_counted = true;
                    found.entry((end, start)).or_default().push(row as u32);
                }
            });
            if let Some((start_ms, end_ms)) = last.filter(|_| !is_counted) {
                late.push(LateRow { row: row as u32, start_ms, end_ms });
            }
        }
        Ok(found)
    }
}

impl Bucket {
    fn slot_of(&mut self, key: &[u8]) -> u32 {
        let slot = self.groups.slot(hash_of(key), key);
        if self.slots.len() <= slot as usize {
            self.slots.resize_with(slot as usize + 1, Slot::default);
        }
        slot
    }
}

/// The bucket of a window, made if there is none yet; `has_ended` tells of a new one whether its end has passed.
fn bucket_at<'b>(
    buckets: &'b mut BTreeMap<(i64, i64), Bucket>,
    spec: &GroupSpec,
    window: (i64, i64),
    has_ended: bool,
) -> Result<&'b mut Bucket, OperatorError> {
    Ok(match buckets.entry(window) {
        std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
        std::collections::btree_map::Entry::Vacant(entry) => {
            entry.insert(Bucket { groups: Groups::new(spec)?, slots: Vec::new(), has_ended })
        }
    })
}

/// Notes what has changed in these slots since their results were given out last.
fn give_out(
    spec: &GroupSpec,
    result_bytes: &RowBytes,
    bucket: &mut Bucket,
    window: (i64, i64),
    (slots, rows): (&[u32], &[u32]),
    changes: &mut Changes,
) -> Result<(), OperatorError> {
    if slots.is_empty() {
        return Ok(());
    }
    let values = bucket.groups.values(slots)?;
    let results = result_bytes.convert(&rows_of(&values, slots.len())?)?;
    for (position, (&slot, &row)) in slots.iter().zip(rows).enumerate() {
        let is_there = !spec.can_retract || bucket.groups.counts[slot as usize] > 0;
        let key: Box<[u8]> = bucket.groups.key(slot).into();
        let given = &mut bucket.slots[slot as usize].given;
        let now = is_there.then(|| results.get(position));
        if given.as_deref() == now {
            continue;
        }
        let before = std::mem::replace(given, now.map(Into::into));
        let mut note = |kind, results| changes.changes.push(Change { row, kind, window, key: key.clone(), results });
        let (old, new) = ((0, changes.given.len()), (1, changes.now.len()));
        match (&before, now) {
            (None, Some(_)) => note(ChangeKind::Insert, new),
            (Some(_), Some(_)) => {
                note(ChangeKind::UpdateBefore, old);
                note(ChangeKind::UpdateAfter, new);
            }
            (Some(_), None) => note(ChangeKind::Delete, old),
            (None, None) => {}
        }
        changes.given.extend(before);
        changes.now.extend(now.map(Into::into));
    }
    Ok(())
}

/// Keys of a batch.
struct Keys<'k> {
    rows: Option<&'k arrow_row::Rows>,
    hashes: Vec<u64>,
}

impl Keys<'_> {
    fn key(&self, row: usize) -> &[u8] {
        key_of(self.rows, row)
    }
}

#[async_trait]
impl Operator for FiringWindowAggregate {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let mut late = Vec::new();
        {
            let rows = self.spec.key_bytes(&batch.rows)?;
            let hashes = (0..batch.num_rows()).map(|row| hash_of(key_of(rows.as_ref(), row))).collect();
            let keys = Keys { rows: rows.as_ref(), hashes };
            let retract = retractions(&batch);
            let mut changes = Changes::default();
            for (window, rows) in &self.assign(&batch.rows, now_ms, &mut late)? {
                self.update(&batch, &keys, retract.as_deref(), (window, rows), now_ms, &mut changes)?;
            }
            self.emit(changes, batch.origin.clone(), out)?;
        }
        self.late.take(&batch, &late, self.watermark.ms).await
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.watermark.rise(watermark_ms);
        // The end of a bounded input ends windows of the clock too.
        if self.windows.is_processing_time && watermark_ms < i64::MAX {
            return Ok(());
        }
        self.end(self.watermark.ms, out)
    }

    fn next_timer_ms(&self) -> Option<i64> {
        let end = self.buckets.first_key_value().map(|((end_ms, _), _)| self.ends_at_ms(*end_ms));
        let end = end.filter(|_| self.windows.is_processing_time);
        self.timers.first_key_value().map(|(at_ms, _)| *at_ms).into_iter().chain(end).min()
    }

    async fn on_processing_time(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.by_clock(now_ms, out)?;
        if self.windows.is_processing_time { self.end(now_ms, out) } else { Ok(()) }
    }

    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let mut blobs = BlobWriter::default();
        for ((end_ms, start_ms), bucket) in &self.buckets {
            let slots = bucket.groups.in_order();
            let states = bucket.groups.states(&slots)?;
            for (position, &slot) in slots.iter().enumerate() {
                let state = &bucket.slots[slot as usize];
                let bits = [state.given.is_some(), state.next_ms.is_some(), state.was_at_end, bucket.has_ended];
                let flags = bits.iter().enumerate().fold(0, |flags, (bit, &is_set)| flags | i64::from(is_set) << bit);
                blobs.entry(bucket.groups.key(slot), |out| {
                    for number in [*end_ms, *start_ms, flags, state.next_ms.unwrap_or_default()] {
                        out.extend_from_slice(&number.to_le_bytes());
                    }
                    if let Some(given) = &state.given {
                        encode_bytes(given, out);
                    }
                    states.put(position, out);
                });
            }
        }
        let mut keyed = BTreeMap::from([(WINDOWS.to_owned(), blobs.finish())]);
        self.watermark.add_to(&mut keyed);
        Ok(OperatorSnapshot { keyed, ..OperatorSnapshot::default() })
    }
}
