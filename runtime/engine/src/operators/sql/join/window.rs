//! Window joins, after Flink's `WindowJoinOperator`: rows are kept per window and key until the watermark passes the
//! window's end, then its pairs (and rows without partner, where they are kept) leave at once.
//!
//! Invariant: a window that is kept has not fired, and no row is added to one that has: it is late.

use super::{
    super::{
        evaluation_failed,
        groups::{BlobWriter, hash_of, read_i64},
        kept_watermark::KeptWatermark,
        late_rows::{LateRow, LateRows},
        rows_of,
        stage::StageSettings,
        window_time::{times, to_utc_ms},
    },
    Bytes, Condition, PAIRS_MAX, SIDES,
    changes::indices,
    side::{Side, SideSpec},
    stored_side::read_u32,
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
    state::{StateError, encode_bytes},
};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, cast::AsArray};
use arrow_schema::SchemaRef;
use arrow_select::take::take;
use async_trait::async_trait;
use chrono_tz::Tz;
use millrace_functions::{Expr, expression::evaluate};
use millrace_model::{Batch, Schema};
use millrace_sql::plan::{JoinKind, SideRows, WindowJoin as PlannedJoin};
use std::collections::{BTreeMap, btree_map::Entry};

/// What a window join does.
#[derive(Debug, Clone)]
pub(crate) struct WindowJoinSpec {
    pub kind: JoinKind,
    pub condition: Option<Expr>,
    pub sides: [SideSpec; 2],
    /// Columns of the windows' starts and ends.
    pub starts: [usize; 2],
    pub ends: [usize; 2],
    pub is_local_zone: bool,
    pub output: Schema,
}

impl WindowJoinSpec {
    pub(crate) fn of(join: &PlannedJoin, output: Schema) -> Self {
        let side = |side: usize| SideSpec {
            keys: join.keys_of(side),
            never_null: join.keys.iter().filter(|key| !key.matches_nulls).map(|key| key.of(side)).collect(),
            kept: SideRows::All,
            ttl_ms: None,
        };
        Self {
            kind: join.kind,
            condition: join.condition.clone(),
            sides: [side(0), side(1)],
            starts: join.starts,
            ends: join.ends,
            is_local_zone: join.is_local_zone,
            output,
        }
    }

    /// What the state depends on.
    pub(in super::super) fn signature(&self) -> String {
        let sides = self.sides.each_ref().map(|s| (&s.keys, &s.never_null));
        format!("window join {:?} {:?} {sides:?} {:?} {}", self.kind, self.condition, self.ends, self.is_local_zone)
    }
}

/// Rows without a key that can match are kept with this number of partners, others with 0.
const LONELY: u32 = 1;

pub(crate) struct WindowJoin {
    spec: WindowJoinSpec,
    inputs: [Schema; 2],
    condition: Option<Condition>,
    /// By the window's end (wall clock).
    windows: BTreeMap<i64, [Side; 2]>,
    /// For the bytes of rows; keeps none.
    empty: [Side; 2],
    zone: Tz,
    watermark: KeptWatermark,
    late: [LateRows; 2],
    output: SchemaRef,
}

impl WindowJoin {
    pub(crate) fn new(spec: &WindowJoinSpec, settings: &StageSettings, context: &OperatorContext) -> Result<Self, OperatorError> {
        let [Some(left), Some(right)] = [0, 1].map(|side| settings.inputs.get(side).cloned()) else {
            return Err(OperatorError::Internal(format!("a window join of {} inputs", settings.inputs.len())));
        };
        let late =
            [LateRows::of_input(settings.late_records, &left, context)?, LateRows::of_input(settings.late_records, &right, context)?];
        let condition = spec.condition.as_ref().map(|c| Condition::new(c, left.fields().len(), settings.zone));
        let inputs = [left, right];
        let mut made = Self {
            condition,
            windows: BTreeMap::new(),
            empty: new_sides(spec, &inputs)?,
            zone: if spec.is_local_zone { settings.zone } else { Tz::UTC },
            watermark: KeptWatermark::open(context)?,
            late,
            output: spec.output.to_arrow(),
            spec: spec.clone(),
            inputs,
        };
        for (side, name) in SIDES.iter().enumerate() {
            for (&group, blob) in context.restored.get(*name).into_iter().flatten() {
                made.restore(side, group, blob)?;
            }
        }
        Ok(made)
    }

    fn restore(&mut self, side: usize, group: u16, mut blob: &[u8]) -> Result<(), OperatorError> {
        while !blob.is_empty() {
            let key = self.empty[side].keys.stored_key(group, &mut blob)?.to_vec();
            let (end_ms, count) = (read_i64(&mut blob)?, read_u32(&mut blob)?);
            for _ in 0..count {
                let partners = read_u32(&mut blob)?;
                let row = self.empty[side].rows.stored_row(&mut blob)?.to_vec();
                if partners > LONELY {
                    return Err(StateError(format!("a row of a window join with {partners} partners")).into());
                }
                let row = super::side::Incoming { hash: hash_of(&key), key: &key, row: &row, unique: &[] };
                self.window(end_ms)?[side].add(row, partners, 0);
            }
        }
        Ok(())
    }

    fn window(&mut self, end_ms: i64) -> Result<&mut [Side; 2], OperatorError> {
        Ok(match self.windows.entry(end_ms) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(new_sides(&self.spec, &self.inputs)?),
        })
    }

    fn complete_at_ms(&self, end_ms: i64) -> i64 {
        to_utc_ms(end_ms.saturating_sub(1), self.zone)
    }

    fn keep(&mut self, input: usize, batch: &Batch) -> Result<Vec<LateRow>, OperatorError> {
        let time = |column: usize| {
            let column = batch.rows.column(column);
            let (values, nulls) = times(column).ok_or_else(|| OperatorError::Internal(format!("a window of {}", column.data_type())))?;
            if nulls.is_some_and(|n| n.null_count() > 0) {
                return Err(OperatorError::Internal("a window without bounds".into()));
            }
            Ok(values)
        };
        let (starts, ends) = (time(self.spec.starts[input])?, time(self.spec.ends[input])?);
        let side = &self.empty[input];
        let bytes = Bytes { keys: side.keys.convert(&batch.rows)?, rows: side.rows.convert(&batch.rows)?, unique: None };
        let matchable = side.matchable(&batch.rows);
        let is_kept = self.spec.kind.keeps(input) || (self.spec.kind == JoinKind::Anti && input == 0);
        let mut late = Vec::new();
        for (row, (&start_ms, &end_ms)) in starts.iter().zip(ends).enumerate() {
            if self.complete_at_ms(end_ms) <= self.watermark.ms {
                late.push(LateRow { row: row as u32, start_ms, end_ms });
                continue;
            }
            let is_lonely = matchable.as_ref().is_some_and(|m| !m[row]);
            if is_lonely && !is_kept {
                continue;
            }
            self.window(end_ms)?[input].add(bytes.row(row), if is_lonely { LONELY } else { 0 }, 0);
        }
        Ok(late)
    }

    fn fire(&mut self, sides: &[Side; 2], out: &mut Collector) -> Result<(), OperatorError> {
        let slots = sides.each_ref().map(Side::all_slots);
        let mut columns = Vec::with_capacity(2);
        for (side, slots) in sides.iter().zip(&slots) {
            let bytes: Vec<&[u8]> = slots.iter().map(|&slot| side.row(slot)).collect();
            columns.push(side.rows.columns(&bytes)?);
        }
        // Slots of a window are never freed, so a slot is a position.
        let mut has_partner = slots.each_ref().map(|slots| vec![false; slots.len()]);
        let mut pairs = Pairs::default();
        let mut matches = Vec::new();
        for (left, slot) in slots[0].iter().enumerate() {
            if sides[0].kept(*slot).partners == LONELY {
                continue;
            }
            matches.clear();
            let (hash, key) = sides[0].key_of(*slot);
            sides[1].matches(hash, key, 0, &mut matches);
            for &right in &matches {
                pairs.left.push(left as u32);
                pairs.right.push(right);
            }
            if pairs.left.len() >= PAIRS_MAX {
                self.emit_pairs(std::mem::take(&mut pairs), &columns, &mut has_partner, out)?;
            }
        }
        self.emit_pairs(pairs, &columns, &mut has_partner, out)?;
        let lonely = |side: usize, wanted: bool| -> Vec<u32> {
            has_partner[side].iter().enumerate().filter(|(_, has)| **has == wanted).map(|(i, _)| i as u32).collect()
        };
        match self.spec.kind {
            JoinKind::Semi => self.emit([Some(lonely(0, true)), None], &columns, out)?,
            JoinKind::Anti => self.emit([Some(lonely(0, false)), None], &columns, out)?,
            kind => {
                if kind.keeps(0) {
                    self.emit([Some(lonely(0, false)), None], &columns, out)?;
                }
                if kind.keeps(1) {
                    self.emit([None, Some(lonely(1, false))], &columns, out)?;
                }
            }
        }
        Ok(())
    }

    fn emit_pairs(
        &mut self,
        mut pairs: Pairs,
        columns: &[Vec<ArrayRef>],
        has_partner: &mut [Vec<bool>; 2],
        out: &mut Collector,
    ) -> Result<(), OperatorError> {
        if let Some(condition) = self.condition.as_ref().filter(|_| !pairs.left.is_empty()) {
            let places = [UInt32Array::from(pairs.left.clone()), UInt32Array::from(pairs.right.clone())];
            let read = condition.columns.iter().map(|&(side, column)| take(&columns[side][column], &places[side], None));
            let rows = rows_of(&read.collect::<Result<Vec<_>, _>>()?, pairs.left.len())?;
            let truth = evaluate(&condition.expr, &rows, &condition.context).map_err(evaluation_failed)?.to_array(rows.num_rows())?;
            let truth = truth.as_boolean();
            let passes = |i: &usize| truth.is_valid(*i) && truth.value(*i);
            let passed: Vec<usize> = (0..truth.len()).filter(passes).collect();
            pairs =
                Pairs { left: passed.iter().map(|&i| pairs.left[i]).collect(), right: passed.iter().map(|&i| pairs.right[i]).collect() };
        }
        pairs.left.iter().for_each(|&row| has_partner[0][row as usize] = true);
        pairs.right.iter().for_each(|&row| has_partner[1][row as usize] = true);
        if self.spec.kind.has_right() { self.emit([Some(pairs.left), Some(pairs.right)], columns, out) } else { Ok(()) }
    }

    /// Emits rows of both sides by position; NULLs for a side that is missing.
    fn emit(&self, places: [Option<Vec<u32>>; 2], columns: &[Vec<ArrayRef>], out: &mut Collector) -> Result<(), OperatorError> {
        let count = places.iter().flatten().map(Vec::len).max().unwrap_or_default();
        if count == 0 {
            return Ok(());
        }
        let mut all = Vec::with_capacity(self.output.fields().len());
        let sides = if self.spec.kind.has_right() { 2 } else { 1 };
        for (columns, places) in columns.iter().zip(places).take(sides) {
            let indices = places.map_or_else(|| UInt32Array::new_null(count), |p| indices(&p));
            for column in columns {
                all.push(take(column, &indices, None)?);
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        out.emit(Batch::inserts(RecordBatch::try_new_with_options(self.output.clone(), all, &options)?));
        Ok(())
    }
}

#[derive(Default)]
struct Pairs {
    left: Vec<u32>,
    right: Vec<u32>,
}

fn new_sides(spec: &WindowJoinSpec, inputs: &[Schema; 2]) -> Result<[Side; 2], OperatorError> {
    Ok([Side::new(&spec.sides[0], &inputs[0])?, Side::new(&spec.sides[1], &inputs[1])?])
}

#[async_trait]
impl Operator for WindowJoin {
    async fn process(&mut self, _batch: Batch, _now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        Err(OperatorError::Internal("a window join was given rows of no input".into()))
    }

    async fn process_input(&mut self, input: usize, batch: Batch, _now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        let input = input.min(1);
        let late = self.keep(input, &batch)?;
        self.late[input].take(&batch, &late, self.watermark.ms).await
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.watermark.rise(watermark_ms);
        while let Some((&end_ms, _)) = self.windows.first_key_value() {
            if self.complete_at_ms(end_ms) > watermark_ms {
                break;
            }
            if let Some(sides) = self.windows.remove(&end_ms) {
                self.fire(&sides, out)?;
            }
        }
        Ok(())
    }

    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let mut keyed = BTreeMap::new();
        for (side, name) in SIDES.iter().enumerate() {
            let mut blobs = BlobWriter::default();
            for (end_ms, sides) in &self.windows {
                let side = &sides[side];
                side.each_key(|key, slots| {
                    blobs.entry(key, |out| {
                        out.extend_from_slice(&end_ms.to_le_bytes());
                        out.extend_from_slice(&(slots.len() as u32).to_le_bytes());
                        for &slot in slots {
                            out.extend_from_slice(&side.kept(slot).partners.to_le_bytes());
                            encode_bytes(side.row(slot), out);
                        }
                    });
                });
            }
            keyed.insert((*name).to_owned(), blobs.finish());
        }
        self.watermark.add_to(&mut keyed);
        Ok(OperatorSnapshot { keyed, ..OperatorSnapshot::default() })
    }
}
