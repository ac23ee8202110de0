//! Temporal joins: each left row meets the version of the right row with its key that was valid at its time (Flink's
//! `TemporalRowTimeJoinOperator`).
//!
//! Left rows wait until the watermark of both sides has passed their time: no version before it can come any more. A
//! version is valid from its time to that of the next one; a delete is a version in which there is no row. Of the versions
//! that the watermark has passed only the newest is kept.
//!
//! Invariant: versions of a key are in the order of their times, one per time; left rows of a key leave in the order in
//! which they came, each as the change that it is. A key is looked at when the earliest of its times is passed that has
//! come since it was looked at last.

use super::{
    change_kinds, evaluation_failed,
    groups::{BlobWriter, read_i64},
    held_batches::{HeldBatches, Place},
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
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, cast::AsArray, new_null_array};
use arrow_schema::SchemaRef;
use arrow_select::take::take;
use async_trait::async_trait;
use millrace_functions::{EvaluationContext, Expr, expression::evaluate};
use millrace_model::{Batch, ChangeKind, Origin, Schema};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

const ROWS: &str = "rows";
/// Rows of an emitted batch, about.
const ROWS_MAX: usize = 8_192;

/// What joins, made by the lowering.
#[derive(Debug, Clone)]
pub(crate) struct TemporalSpec {
    /// Key columns of each side.
    pub keys: [Vec<usize>; 2],
    /// The time attribute of each side.
    pub times: [usize; 2],
    /// What else must be TRUE, over the output.
    pub condition: Option<Expr>,
    /// Left rows without a version are kept with NULLs.
    pub is_left: bool,
    /// A key that nothing comes for so long is forgotten.
    pub state_ttl_ms: Option<u64>,
}

/// A row and when it is from.
struct Timed {
    time_ms: i64,
    place: Place,
    kind: u8,
}

/// What is known of a key.
#[derive(Default)]
struct OfKey {
    /// In the order in which they came.
    left: Vec<Timed>,
    /// In the order of their times.
    versions: Vec<Timed>,
    /// When it is to be looked at.
    timer_ms: Option<i64>,
    touched_ms: i64,
}

struct Side {
    keys: RowBytes,
    rows: RowBytes,
    time: usize,
    held: HeldBatches,
    width: usize,
}

pub(crate) struct TemporalJoin {
    sides: [Side; 2],
    slots: Slots<()>,
    of_keys: Vec<OfKey>,
    due: BinaryHeap<Reverse<(i64, u32)>>,
    condition: Option<Expr>,
    is_left: bool,
    ttl_ms: Option<i64>,
    swept_ms: i64,
    output: SchemaRef,
    evaluation: EvaluationContext,
}

/// Left rows that leave, each with the version that it meets.
#[derive(Default)]
struct Leaving {
    left: Vec<Place>,
    kinds: Vec<u8>,
    versions: Vec<Option<Place>>,
}

impl Side {
    fn new(spec: &TemporalSpec, side: usize, input: &Schema) -> Result<Self, OperatorError> {
        let all: Vec<usize> = (0..input.fields().len()).collect();
        Ok(Self {
            keys: RowBytes::new(&spec.keys[side], input)?,
            rows: RowBytes::new(&all, input)?,
            time: spec.times[side],
            held: HeldBatches::default(),
            width: all.len(),
        })
    }
}

impl TemporalJoin {
    pub(crate) fn new(
        spec: &TemporalSpec,
        inputs: &[Schema],
        zone: chrono_tz::Tz,
        output: SchemaRef,
        context: &OperatorContext,
    ) -> Result<Self, OperatorError> {
        let [left, right] = inputs else {
            return Err(OperatorError::Internal(format!("a temporal join of {} inputs", inputs.len())));
        };
        let mut made = Self {
            sides: [Side::new(spec, 0, left)?, Side::new(spec, 1, right)?],
            slots: Slots::default(),
            of_keys: Vec::new(),
            due: BinaryHeap::new(),
            condition: spec.condition.clone(),
            is_left: spec.is_left,
            ttl_ms: spec.state_ttl_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
            swept_ms: 0,
            output,
            evaluation: EvaluationContext { zone, ..EvaluationContext::default() },
        };
        for (&group, blob) in context.restored.get(ROWS).into_iter().flatten() {
            made.restore(group, blob)?;
        }
        Ok(made)
    }

    fn restore(&mut self, group: KeyGroup, mut blob: &[u8]) -> Result<(), OperatorError> {
        let mut rows: [Vec<&[u8]>; 2] = [Vec::new(), Vec::new()];
        let mut timed: [Vec<(u32, i64, u8)>; 2] = [Vec::new(), Vec::new()];
        while !blob.is_empty() {
            let slot = self.slots.slot(self.sides[0].keys.stored_key(group, &mut blob)?, || ());
            let of_key = self.of_key(slot);
            let timer_ms = read_i64(&mut blob)?;
            of_key.timer_ms = (timer_ms != i64::MAX).then_some(timer_ms);
            of_key.touched_ms = read_i64(&mut blob)?;
            if let Some(timer_ms) = of_key.timer_ms {
                self.due.push(Reverse((timer_ms, slot)));
            }
            for side in 0..2 {
                let count = usize::try_from(read_i64(&mut blob)?).map_err(|_| StateError("a negative number of rows".into()))?;
                for _ in 0..count {
                    let time_ms = read_i64(&mut blob)?;
                    let (&kind, rest) = blob.split_first().ok_or_else(|| StateError("ends before a row".into()))?;
                    blob = rest;
                    if kind > ChangeKind::Delete as u8 {
                        return Err(StateError(format!("a row that changes as {kind}")).into());
                    }
                    timed[side].push((slot, time_ms, kind));
                    rows[side].push(self.sides[side].rows.stored_row(&mut blob)?);
                }
            }
        }
        for (side, (rows, timed)) in rows.iter().zip(timed).enumerate() {
            if rows.is_empty() {
                continue;
            }
            let columns = self.sides[side].rows.columns(rows)?;
            let number = self.sides[side].held.hold(rows_of(&columns, rows.len())?, rows.len() as u32);
            for (row, (slot, time_ms, kind)) in (0u32..).zip(timed) {
                let timed = Timed { time_ms, place: (number, row), kind };
                if side == 0 { self.of_key(slot).left.push(timed) } else { self.add_version(slot, timed) }
            }
        }
        Ok(())
    }

    fn of_key(&mut self, slot: u32) -> &mut OfKey {
        let at = slot as usize;
        if self.of_keys.len() <= at {
            self.of_keys.resize_with(at + 1, OfKey::default);
        }
        &mut self.of_keys[at]
    }

    /// A version takes the place of another one of the same time.
    fn add_version(&mut self, slot: u32, version: Timed) {
        let versions = &mut self.of_key(slot).versions;
        let at = versions.partition_point(|v| v.time_ms < version.time_ms);
        match versions.get_mut(at).filter(|v| v.time_ms == version.time_ms) {
            Some(same) => {
                let before = std::mem::replace(same, version);
                self.sides[1].held.release(before.place);
            }
            None => versions.insert(at, version),
        }
    }

    /// Looks at the key when `time_ms` is passed, if not before.
    fn schedule(&mut self, slot: u32, time_ms: i64) {
        let of_key = self.of_key(slot);
        if of_key.timer_ms.is_none_or(|timer_ms| timer_ms > time_ms) {
            of_key.timer_ms = Some(time_ms);
            self.due.push(Reverse((time_ms, slot)));
        }
    }

    /// Keeps the rows of a batch.
    fn take_in(&mut self, side: usize, batch: &Batch, keys: &ByteRows, now_ms: i64) -> Result<(), OperatorError> {
        let column = batch.rows.column(self.sides[side].time).clone();
        let values = event_times(&column, "the join")?;
        let kind = |row: usize| batch.kinds.as_ref().map_or(ChangeKind::Insert as u8, |k| k.value(row));
        // What replaces a version says all: what was before it is known.
        let is_kept = |row: usize| side == 0 || kind(row) != ChangeKind::UpdateBefore as u8;
        let kept: Vec<u32> = (0..batch.num_rows()).filter(|&row| is_kept(row)).map(|row| row as u32).collect();
        if kept.is_empty() {
            return Ok(());
        }
        let number = self.sides[side].held.hold(batch.rows.clone(), kept.len() as u32);
        for row in kept {
            let (slot, time_ms) = (self.slots.slot(keys.get(row as usize), || ()), values[row as usize]);
            let timed = Timed { time_ms, place: (number, row), kind: kind(row as usize) };
            self.of_key(slot).touched_ms = now_ms;
            if side == 0 {
                self.of_key(slot).left.push(timed)
            } else {
                self.add_version(slot, timed)
            }
            self.schedule(slot, time_ms);
        }
        Ok(())
    }

    /// Left rows of a key that the watermark has passed, with their versions; drops versions that no row can meet.
    fn look_at(&mut self, slot: u32, watermark_ms: i64, leaving: &mut Leaving, gone: &mut [Vec<Place>; 2]) {
        let Some(of_key) = self.of_keys.get_mut(slot as usize) else { return };
        of_key.timer_ms = None;
        let mut next_ms = i64::MAX;
        let versions = &of_key.versions;
        of_key.left.retain(|row| {
            if row.time_ms > watermark_ms {
                next_ms = next_ms.min(row.time_ms);
                return true;
            }
            let newer = versions.partition_point(|v| v.time_ms <= row.time_ms);
            let version = newer.checked_sub(1).and_then(|at| versions.get(at));
            let adds = |kind: u8| kind == ChangeKind::Insert as u8 || kind == ChangeKind::UpdateAfter as u8;
            leaving.left.push(row.place);
            leaving.kinds.push(row.kind);
            leaving.versions.push(version.filter(|v| adds(v.kind)).map(|v| v.place));
            gone[0].push(row.place);
            false
        });
        let passed = of_key.versions.partition_point(|v| v.time_ms <= watermark_ms);
        gone[1].extend(of_key.versions.drain(..passed.saturating_sub(1)).map(|v| v.place));
        if next_ms < i64::MAX {
            self.schedule(slot, next_ms);
        } else if of_key.left.is_empty() && of_key.versions.is_empty() {
            self.slots.remove(slot);
        }
    }

    fn fire(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let (mut leaving, mut gone) = (Leaving::default(), [Vec::new(), Vec::new()]);
        while let Some(&Reverse((time_ms, slot))) = self.due.peek() {
            if time_ms > watermark_ms {
                break;
            }
            self.due.pop();
            if self.of_keys.get(slot as usize).is_none_or(|k| k.timer_ms != Some(time_ms)) {
                // It has been looked at earlier.
                continue;
            }
            self.look_at(slot, watermark_ms, &mut leaving, &mut gone);
            if leaving.left.len() >= ROWS_MAX {
                self.emit(std::mem::take(&mut leaving), out)?;
                self.release(&mut gone);
            }
        }
        self.emit(leaving, out)?;
        self.release(&mut gone);
        Ok(())
    }

    fn release(&mut self, gone: &mut [Vec<Place>; 2]) {
        for (side, places) in gone.iter_mut().enumerate() {
            places.drain(..).for_each(|place| self.sides[side].held.release(place));
        }
    }

    fn joined(&self, left: &[ArrayRef], leaving: &Leaving) -> Result<RecordBatch, OperatorError> {
        let count = leaving.left.len();
        let found: Vec<Place> = leaving.versions.iter().flatten().copied().collect();
        let mut columns = left.to_vec();
        match self.sides[1].held.gather(&found)? {
            Some(versions) => {
                let mut next = 0u32;
                let place = |version: &Option<Place>| {
                    version.map(|_| {
                        next += 1;
                        next - 1
                    })
                };
                let places: UInt32Array = leaving.versions.iter().map(place).collect();
                for column in &versions {
                    columns.push(take(column, &places, None)?);
                }
            }
            None => {
                let width = self.sides[0].width;
                columns.extend((width..self.output.fields().len()).map(|c| new_null_array(self.output.field(c).data_type(), count)));
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(self.output.clone(), columns, &options)?)
    }

    fn emit(&self, mut leaving: Leaving, out: &mut Collector) -> Result<(), OperatorError> {
        let Some(mut left) = self.sides[0].held.gather(&leaving.left)? else { return Ok(()) };
        if let Some(condition) = &self.condition {
            let rows = self.joined(&left, &leaving)?;
            let truth = evaluate(condition, &rows, &self.evaluation).map_err(evaluation_failed)?.to_array(rows.num_rows())?;
            let truth = truth.as_boolean();
            for (row, version) in leaving.versions.iter_mut().enumerate() {
                if truth.is_null(row) || !truth.value(row) {
                    *version = None;
                }
            }
        }
        if !self.is_left {
            let kept: Vec<u32> = (0u32..).zip(&leaving.versions).filter(|(_, v)| v.is_some()).map(|(row, _)| row).collect();
            if kept.len() < leaving.left.len() {
                let pick = |row: &u32| *row as usize;
                leaving.kinds = kept.iter().map(|row| leaving.kinds[pick(row)]).collect();
                leaving.left = kept.iter().map(|row| leaving.left[pick(row)]).collect();
                leaving.versions = leaving.versions.into_iter().filter(Option::is_some).collect();
                let kept = UInt32Array::from(kept);
                left = left.iter().map(|c| take(c, &kept, None)).collect::<Result<Vec<_>, _>>()?;
            }
        }
        if leaving.left.is_empty() {
            return Ok(());
        }
        let rows = self.joined(&left, &leaving)?;
        let kinds = change_kinds(leaving.kinds);
        out.emit(Batch { rows, kinds, origin: Origin::from([]) });
        Ok(())
    }

    /// Packs the rows that are kept anew where most of the rows in memory are not: versions of quiet keys stay for long.
    fn repack(&mut self) -> Result<(), OperatorError> {
        let [left, right] = &mut self.sides;
        if left.held.is_sparse() {
            left.held.repack(self.of_keys.iter_mut().flat_map(|k| &mut k.left).map(|row| &mut row.place))?;
        }
        if right.held.is_sparse() {
            right.held.repack(self.of_keys.iter_mut().flat_map(|k| &mut k.versions).map(|row| &mut row.place))?;
        }
        Ok(())
    }

    /// The bytes of rows of a side; `None` of no rows.
    fn bytes(&self, side: usize, rows: &[Timed]) -> Result<Option<ByteRows>, OperatorError> {
        let places: Vec<Place> = rows.iter().map(|t| t.place).collect();
        let Some(columns) = self.sides[side].held.gather(&places)? else { return Ok(None) };
        Ok(Some(self.sides[side].rows.convert(&rows_of(&columns, places.len())?)?))
    }

    /// Forgets keys that nothing has come for, from time to time.
    fn sweep(&mut self, now_ms: i64) {
        let Some(ttl_ms) = self.ttl_ms else { return };
        if now_ms.saturating_sub(self.swept_ms) < ttl_ms / 2 {
            return;
        }
        self.swept_ms = now_ms;
        let is_old = |k: &OfKey| !(k.left.is_empty() && k.versions.is_empty()) && k.touched_ms.saturating_add(ttl_ms) <= now_ms;
        let old: Vec<u32> = (0u32..).zip(&self.of_keys).filter(|(_, k)| is_old(k)).map(|(slot, _)| slot).collect();
        for slot in old {
            let of_key = std::mem::take(&mut self.of_keys[slot as usize]);
            of_key.left.iter().for_each(|row| self.sides[0].held.release(row.place));
            of_key.versions.iter().for_each(|row| self.sides[1].held.release(row.place));
            self.slots.remove(slot);
        }
    }
}

#[async_trait]
impl Operator for TemporalJoin {
    async fn process(&mut self, _batch: Batch, _now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        Err(OperatorError::Internal("a temporal join has two inputs".into()))
    }

    async fn process_input(&mut self, side: usize, batch: Batch, now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        if side > 1 {
            return Err(OperatorError::Internal(format!("rows of input {side} of a temporal join")));
        }
        self.evaluation.now_ms = now_ms;
        self.sweep(now_ms);
        let keys = self.sides[side].keys.convert(&batch.rows)?;
        self.take_in(side, &batch, &keys, now_ms)?;
        self.repack()
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.fire(watermark_ms, out)?;
        self.evaluation.watermark_ms = Some(watermark_ms);
        Ok(())
    }

    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let mut blobs = BlobWriter::default();
        for slot in 0..self.slots.len() as u32 {
            let Some(of_key) = self.of_keys.get(slot as usize) else { continue };
            if of_key.left.is_empty() && of_key.versions.is_empty() {
                continue;
            }
            let stored = [(&of_key.left, self.bytes(0, &of_key.left)?), (&of_key.versions, self.bytes(1, &of_key.versions)?)];
            blobs.entry(self.slots.key(slot), |out| {
                out.extend_from_slice(&of_key.timer_ms.unwrap_or(i64::MAX).to_le_bytes());
                out.extend_from_slice(&of_key.touched_ms.to_le_bytes());
                for (timed, bytes) in &stored {
                    out.extend_from_slice(&(timed.len() as i64).to_le_bytes());
                    for (row, timed) in timed.iter().enumerate() {
                        let data = bytes.as_ref().map_or(&[][..], |b| b.get(row));
                        out.extend_from_slice(&timed.time_ms.to_le_bytes());
                        out.push(timed.kind);
                        encode_bytes(data, out);
                    }
                }
            });
        }
        Ok(OperatorSnapshot { keyed: BTreeMap::from([(ROWS.to_owned(), blobs.finish())]), ..OperatorSnapshot::default() })
    }
}
