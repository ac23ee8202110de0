//! Window joins, after Flink's `WindowJoinOperator`: rows are kept per window and key until the watermark passes the
//! window's end, then its pairs (and rows without partner, where they are kept) leave at once.
//!
//! Invariant: a window that is kept has not fired, and no row is added to one that has: it is late.

use super::{
    super::{
        evaluation_failed,
        kept_watermark::KeptWatermark,
        late_rows::{LateRow, LateRows},
        rows_of,
        stage::StageSettings,
        tiered_windows::{TieredWindows, Window, WindowContents, WindowsForm, gathered::Part},
        window_time::{times, to_utc_ms},
    },
    Bytes, Condition, PAIRS_MAX, SIDES,
    changes::indices,
    side::{Side, SideSpec},
    window_side::{LONELY, WindowSide},
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, cast::AsArray};
use arrow_schema::SchemaRef;
use arrow_select::take::take;
use async_trait::async_trait;
use chrono_tz::Tz;
use millrace_functions::{Expr, expression::evaluate};
use millrace_model::{Batch, Schema, ids::CheckpointId};
use millrace_sql::plan::{JoinKind, SideRows, WindowJoin as PlannedJoin};
use std::collections::BTreeMap;

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

pub(crate) struct WindowJoin {
    spec: WindowJoinSpec,
    condition: Option<Condition>,
    sides: [WindowSide; 2],
    /// Rows by the window's end (wall clock).
    kept: [TieredWindows<Side>; 2],
    /// For the bytes of rows; keeps none.
    empty: [Side; 2],
    zone: Tz,
    /// The window that is on its way out.
    firing: Option<Firing>,
    /// Windows that are complete by then are to leave.
    until_ms: i64,
    watermark: KeptWatermark,
    late: [LateRows; 2],
    output: SchemaRef,
}

struct Firing {
    window: Window,
    /// Slots in memory of each side, by key group.
    slots: [Vec<u32>; 2],
    /// `None` is the window as a whole, of which nothing lies on disk.
    parts: std::vec::IntoIter<Option<Part>>,
}

impl WindowJoin {
    pub(crate) fn new(spec: &WindowJoinSpec, settings: &StageSettings, context: &mut OperatorContext) -> Result<Self, OperatorError> {
        let [Some(left), Some(right)] = [0, 1].map(|side| settings.inputs.get(side).cloned()) else {
            return Err(OperatorError::Internal(format!("a window join of {} inputs", settings.inputs.len())));
        };
        let late =
            [LateRows::of_input(settings.late_records, &left, context)?, LateRows::of_input(settings.late_records, &right, context)?];
        let condition = spec.condition.as_ref().map(|c| Condition::new(c, left.fields().len(), settings.zone));
        let zone = if spec.is_local_zone { settings.zone } else { Tz::UTC };
        let sides = [WindowSide::new(&spec.sides[0], &left)?, WindowSide::new(&spec.sides[1], &right)?];
        let watermark = KeptWatermark::open(context)?;
        let mut open = |side: usize| {
            let form = WindowsForm {
                name: SIDES[side],
                has_starts: false,
                is_by_clock: false,
                completes_ms: Box::new(move |(end_ms, _)| complete_at_ms(end_ms, zone)),
            };
            TieredWindows::open(form, &sides[side], &watermark, context)
        };
        let kept = [open(0)?, open(1)?];
        Ok(Self {
            condition,
            empty: [Side::new(&spec.sides[0], &left)?, Side::new(&spec.sides[1], &right)?],
            sides,
            kept,
            zone,
            firing: None,
            until_ms: i64::MIN,
            watermark,
            late,
            output: spec.output.to_arrow(),
            spec: spec.clone(),
        })
    }

    fn complete_at_ms(&self, end_ms: i64) -> i64 {
        complete_at_ms(end_ms, self.zone)
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
        let (mut late, mut found) = (Vec::new(), BTreeMap::<i64, Vec<u32>>::new());
        for (row, (&start_ms, &end_ms)) in starts.iter().zip(ends).enumerate() {
            if self.complete_at_ms(end_ms) <= self.watermark.ms {
                late.push(LateRow { row: row as u32, start_ms, end_ms });
                continue;
            }
            let is_lonely = matchable.as_ref().is_some_and(|m| !m[row]);
            if is_lonely && !is_kept {
                continue;
            }
            found.entry(end_ms).or_default().push(row as u32);
        }
        let kept = &mut self.kept[input];
        let notes_changes = kept.notes_changes();
        for (end_ms, rows) in found {
            let incoming = || rows.iter().map(|&row| bytes.row(row as usize));
            let side = kept.bring(&self.sides[input], (end_ms, 0), incoming().map(|row| row.key))?;
            for (&row, incoming) in rows.iter().zip(incoming()) {
                let is_lonely = matchable.as_ref().is_some_and(|m| !m[row as usize]);
                side.add(incoming, if is_lonely { LONELY } else { 0 }, 0);
            }
            let touched = incoming().filter(|_| notes_changes).filter_map(|row| side.entry_of(row.hash, row.key)).collect();
            kept.changed((end_ms, 0), touched);
        }
        kept.make_room()?;
        Ok(late)
    }

    /// The next window that is to leave.
    fn next_firing(&self) -> Option<Firing> {
        let first = self.kept.iter().filter_map(TieredWindows::first).min();
        let window = first.filter(|(end_ms, _)| self.complete_at_ms(*end_ms) <= self.until_ms)?;
        let mut bytes = BTreeMap::new();
        self.kept.iter().for_each(|kept| kept.add_cold_bytes(window, &mut bytes));
        let is_dense = self.kept.iter().filter_map(|kept| kept.get(window)).all(Side::is_dense);
        if bytes.is_empty() && is_dense {
            return Some(Firing { window, slots: Default::default(), parts: vec![None].into_iter() });
        }
        let slots = self.kept.each_ref().map(|kept| kept.sorted_slots(window, &mut bytes));
        let parts: Vec<Option<Part>> = Part::of(&bytes).into_iter().map(Some).collect();
        Some(Firing { window, slots, parts: parts.into_iter() })
    }

    /// Emits a part of what is to leave.
    fn emit_part(&mut self, out: &mut Collector) -> Result<(), OperatorError> {
        let Some(mut firing) = self.firing.take().or_else(|| self.next_firing()) else {
            let until_ms = self.until_ms;
            return self.kept.iter_mut().try_for_each(|kept| kept.pass(until_ms));
        };
        let (window, [left, right]) = (firing.window, &firing.slots);
        match firing.parts.next() {
            Some(Some(part)) => {
                let sides =
                    [self.kept[0].gather(&self.sides[0], window, left, &part)?, self.kept[1].gather(&self.sides[1], window, right, &part)?];
                self.firing = Some(firing);
                self.fire(&sides, out)
            }
            Some(None) => {
                let taken = self.kept.each_mut().map(|kept| kept.take(window));
                let [left, right] = taken;
                let made = |side: Option<Side>, number: usize| side.map_or_else(|| WindowContents::new(&self.sides[number]), Ok);
                let sides = [made(left, 0)?, made(right, 1)?];
                self.fire(&sides, out)
            }
            None => {
                self.kept.iter_mut().for_each(|kept| drop(kept.take(window)));
                Ok(())
            }
        }
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

fn complete_at_ms(end_ms: i64, zone: Tz) -> i64 {
    to_utc_ms(end_ms.saturating_sub(1), zone)
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
        self.until_ms = self.until_ms.max(watermark_ms);
        self.emit_part(out)
    }

    /// What is kept of a key group that was behind others has to leave before the watermark of all is told of it.
    async fn before_barrier(&mut self, _now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        self.until_ms = self.until_ms.max(self.watermark.ms);
        Ok(())
    }

    fn has_rest(&self) -> bool {
        let first = || self.kept.iter().filter_map(TieredWindows::first).min();
        self.firing.is_some() || first().is_some_and(|(end_ms, _)| self.complete_at_ms(end_ms) <= self.until_ms)
    }

    async fn emit_rest(&mut self, out: &mut Collector) -> Result<(), OperatorError> {
        self.emit_part(out)
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.kept.iter_mut().for_each(|kept| kept.committed(checkpoint));
    }

    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let mut snapshot = OperatorSnapshot::default();
        for kept in &mut self.kept {
            kept.add_to(&mut snapshot)?;
        }
        self.watermark.add_to(&mut snapshot.keyed);
        Ok(snapshot)
    }
}
