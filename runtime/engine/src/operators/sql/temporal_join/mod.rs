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
//!
//! Keys leave memory when it is short, with all of their rows; those that are to be looked at are known by their time
//! ([`DueKeys`]) and come back in portions. A versioned table whose rows are all passed costs no memory then.

mod stored;

use super::{
    change_kinds, evaluation_failed,
    held_batches::{HeldBatches, Place},
    kept_watermark::KeptWatermark,
    row_bytes::{ByteRows, RowBytes},
    tiered_slots::{SlotValue, TieredSlots},
    window_time::event_times,
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
    state::DueKeys,
};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, cast::AsArray, new_null_array};
use arrow_schema::SchemaRef;
use arrow_select::take::take;
use async_trait::async_trait;
use millrace_functions::{EvaluationContext, Expr, expression::evaluate};
use millrace_model::{Batch, ChangeKind, Origin, Schema, ids::CheckpointId};
use std::{cmp::Reverse, collections::BinaryHeap};

const ROWS: &str = "rows";
const SWEPT: &str = "swept";
/// Rows of an emitted batch, about.
const ROWS_MAX: usize = 8_192;
/// Rows that leave in one call, about.
const ROWS_AT_ONCE: usize = 8 * ROWS_MAX;
/// A key with more rows does not leave memory right after it was used.
const ROWS_THAT_LEAVE_MAX: usize = 1_024;

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

impl SlotValue for OfKey {
    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + (self.left.capacity() + self.versions.capacity()) * size_of::<Timed>()
    }

    fn is_large(&self) -> bool {
        self.left.len() + self.versions.len() > ROWS_THAT_LEAVE_MAX
    }
}

impl OfKey {
    /// Keeps a version; answers the one of the same time whose place it takes.
    fn add_version(&mut self, version: Timed) -> Option<Timed> {
        let at = self.versions.partition_point(|v| v.time_ms < version.time_ms);
        match self.versions.get_mut(at).filter(|v| v.time_ms == version.time_ms) {
            Some(same) => Some(std::mem::replace(same, version)),
            None => {
                self.versions.insert(at, version);
                None
            }
        }
    }

    /// Whether it was forgotten when expired keys were last looked for.
    fn is_older(&self, ttl_ms: i64, now_ms: i64) -> bool {
        self.touched_ms.saturating_add(ttl_ms) <= now_ms
    }
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
    kept: TieredSlots<OfKey>,
    /// When keys in memory are looked at. An entry that is not its key's timer means nothing.
    due: BinaryHeap<Reverse<(i64, u32)>>,
    /// When the others are.
    away: DueKeys,
    has_more: bool,
    condition: Option<Expr>,
    is_left: bool,
    ttl_ms: Option<i64>,
    /// When expired keys were last looked for: only then they are forgotten. Kept with keys on disk, which are asked for it.
    swept: KeptWatermark,
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
        context: &mut OperatorContext,
    ) -> Result<Self, OperatorError> {
        let [left, right] = inputs else {
            return Err(OperatorError::Internal(format!("a temporal join of {} inputs", inputs.len())));
        };
        let away = DueKeys::open("versions-due", &context.state);
        let (kept, segments) = TieredSlots::open(ROWS, &mut context.state, &context.metrics)?;
        let mut made = Self {
            sides: [Side::new(spec, 0, left)?, Side::new(spec, 1, right)?],
            kept,
            due: BinaryHeap::new(),
            away,
            has_more: false,
            condition: spec.condition.clone(),
            is_left: spec.is_left,
            ttl_ms: spec.state_ttl_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
            swept: KeptWatermark::named(SWEPT, context)?,
            output,
            evaluation: EvaluationContext { zone, ..EvaluationContext::default() },
        };
        made.restore(segments, context.restored.get(ROWS))?;
        Ok(made)
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
        let Self { sides: [_, right], kept: of_keys, due, .. } = self;
        for row in kept {
            let time_ms = values[row as usize];
            let slot = of_keys.slot(keys.get(row as usize), OfKey::default);
            let Some(of_key) = of_keys.get_mut(slot) else { continue };
            let timed = Timed { time_ms, place: (number, row), kind: kind(row as usize) };
            of_key.touched_ms = now_ms;
            if side == 0 {
                of_key.left.push(timed);
            } else if let Some(before) = of_key.add_version(timed) {
                right.held.release(before.place);
            }
            // It is looked at when this is passed, if not before.
            if of_key.timer_ms.is_none_or(|timer_ms| timer_ms > time_ms) {
                of_key.timer_ms = Some(time_ms);
                due.push(Reverse((time_ms, slot)));
            }
        }
        Ok(())
    }

    /// Left rows of a key that the watermark has passed, with their versions; drops versions that no row can meet.
    fn look_at(&mut self, slot: u32, watermark_ms: i64, leaving: &mut Leaving, gone: &mut [Vec<Place>; 2]) -> Result<(), OperatorError> {
        let Some(of_key) = self.kept.get_mut(slot) else { return Ok(()) };
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
            of_key.timer_ms = Some(next_ms);
            self.due.push(Reverse((next_ms, slot)));
        } else if of_key.left.is_empty() && of_key.versions.is_empty() {
            self.kept.remove(slot)?;
        }
        Ok(())
    }

    /// Looks at keys that are due: first those in memory, then a portion of the others.
    fn fire(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.has_more = !self.fire_in_memory(watermark_ms, out)?;
        if self.has_more {
            return Ok(());
        }
        self.has_more = self.bring_due(watermark_ms)?;
        if self.has_more {
            self.fire_in_memory(watermark_ms, out)?;
            self.make_room()?;
        }
        Ok(())
    }

    /// Looks at keys in memory that are due; answers whether all are done, or so many rows have left that the rest has to wait.
    fn fire_in_memory(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<bool, OperatorError> {
        let (mut leaving, mut gone) = (Leaving::default(), [Vec::new(), Vec::new()]);
        let (mut left, mut all) = (0, true);
        while let Some(&Reverse((time_ms, slot))) = self.due.peek() {
            if time_ms > watermark_ms {
                break;
            }
            if left >= ROWS_AT_ONCE {
                all = false;
                break;
            }
            self.due.pop();
            if self.kept.get(slot).is_none_or(|k| k.timer_ms != Some(time_ms)) {
                // It has been looked at earlier.
                continue;
            }
            self.look_at(slot, watermark_ms, &mut leaving, &mut gone)?;
            if leaving.left.len() >= ROWS_MAX {
                left += leaving.left.len();
                self.emit(std::mem::take(&mut leaving), out)?;
                self.release(&mut gone);
            }
        }
        self.emit(leaving, out)?;
        self.release(&mut gone);
        Ok(all)
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
        self.repack_if(HeldBatches::is_sparse)
    }

    fn repack_if(&mut self, is_worth_it: impl Fn(&HeldBatches) -> bool) -> Result<(), OperatorError> {
        let Self { sides: [left, right], kept, .. } = self;
        if is_worth_it(&left.held) {
            left.held.repack(kept.values_mut().flat_map(|k| &mut k.left).map(|row| &mut row.place))?;
        }
        if is_worth_it(&right.held) {
            right.held.repack(kept.values_mut().flat_map(|k| &mut k.versions).map(|row| &mut row.place))?;
        }
        Ok(())
    }

    /// Forgets keys that nothing has come for, from time to time.
    fn sweep(&mut self, now_ms: i64) -> Result<(), OperatorError> {
        let Some(ttl_ms) = self.ttl_ms else { return Ok(()) };
        if now_ms.saturating_sub(self.swept.ms.max(0)) < ttl_ms / 2 {
            return Ok(());
        }
        self.swept.rise(now_ms);
        let Self { sides: [left, right], kept, .. } = self;
        kept.retain(|of_key| {
            let keep = !of_key.is_older(ttl_ms, now_ms);
            if !keep {
                of_key.left.drain(..).for_each(|row| left.held.release(row.place));
                of_key.versions.drain(..).for_each(|row| right.held.release(row.place));
            }
            keep
        })
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
        self.sweep(now_ms)?;
        let keys = self.sides[side].keys.convert(&batch.rows)?;
        self.bring((0..batch.num_rows()).map(|row| keys.get(row)))?;
        self.take_in(side, &batch, &keys, now_ms)?;
        self.repack()?;
        self.make_room()
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.fire(watermark_ms, out)?;
        if !self.has_more {
            self.evaluation.watermark_ms = Some(watermark_ms);
        }
        Ok(())
    }

    fn has_more(&self) -> bool {
        self.has_more
    }

    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let Self { sides, kept, swept, .. } = self;
        let mut all = OperatorSnapshot::default();
        all.put(ROWS, kept.snapshot_written(&|keys, written| stored::write(sides, keys, written), |_| true, swept.ms)?);
        if self.ttl_ms.is_some() && self.kept.has_cold() {
            self.swept.add_to(&mut all.keyed);
        }
        Ok(all)
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.kept.committed(checkpoint);
    }
}
