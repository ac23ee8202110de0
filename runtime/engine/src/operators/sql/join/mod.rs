//! Regular joins of changelogs, after Flink's `StreamingJoinOperator` and `StreamingSemiAntiJoinOperator`.
//!
//! Every row looks for its partners among the kept rows of the other side, is kept itself, and its pairs leave at once. A
//! side that is kept without partner (LEFT, RIGHT, FULL) counts the partners of each row: the first one takes back the row
//! with NULLs, the last one that goes brings it again. Semi and anti joins count those of their left rows alike.
//!
//! Invariant: while a batch of one side is processed, the rows of the other side stay; only their numbers of partners
//! change. So all pairs of a run of rows are found and tested against the condition together. Before it is processed, all
//! kept rows of its keys are in memory; afterwards those of others leave if memory is short.

mod changes;
mod side;
mod stored_side;
#[cfg(test)]
mod tests;
mod tiered_side;
pub(crate) mod window;
mod window_side;

use super::{evaluation_failed, groups::hash_of, row_bytes::ByteRows, rows_of, stage::StageSettings};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
};
use arrow_array::{Array, ArrayRef, UInt32Array, cast::AsArray};
use arrow_schema::SchemaRef;
use arrow_select::take::take;
use async_trait::async_trait;
use changes::{Changes, Found};
use millrace_functions::{EvaluationContext, Expr, expression::evaluate};
use millrace_model::{Batch, ChangeKind, Schema, ids::CheckpointId};
use millrace_sql::plan::JoinKind;
pub(crate) use side::SideSpec;
use side::{Incoming, Side};
use std::collections::BTreeSet;

/// Names of the sides' states.
const SIDES: [&str; 2] = ["left", "right"];
/// Pairs that are tested and sent together; a single row may have more.
const PAIRS_MAX: usize = 8_192;

/// What a join does.
#[derive(Debug, Clone)]
pub(crate) struct JoinSpec {
    pub kind: JoinKind,
    /// What must be TRUE beside equal keys, over the left columns, then the right ones.
    pub condition: Option<Expr>,
    pub sides: [SideSpec; 2],
    pub output: Schema,
}

impl JoinSpec {
    /// What the state depends on.
    pub(super) fn signature(&self) -> String {
        let sides = self.sides.each_ref().map(|s| (&s.keys, &s.never_null, &s.kept));
        format!("join {:?} {:?} {sides:?}", self.kind, self.condition)
    }
}

pub(crate) struct RegularJoin {
    kind: JoinKind,
    condition: Option<Condition>,
    sides: [Side; 2],
    found: Found,
    output: SchemaRef,
}

/// The condition over the columns that it reads.
struct Condition {
    expr: Expr,
    /// Side and column, in the order in which `expr` counts them.
    columns: Vec<(usize, usize)>,
    context: EvaluationContext,
}

impl Condition {
    fn new(expr: &Expr, left_width: usize, zone: chrono_tz::Tz) -> Self {
        let mut used = BTreeSet::new();
        expr.columns(&mut used);
        let place = |column: usize| used.iter().position(|&c| c == column).unwrap_or_default();
        let expr = expr.clone().map_columns(&place);
        let columns = used.iter().map(|&c| if c < left_width { (0, c) } else { (1, c - left_width) }).collect();
        Self { expr, columns, context: EvaluationContext { zone, ..EvaluationContext::default() } }
    }
}

/// Rows of a batch as bytes.
struct Bytes {
    keys: ByteRows,
    rows: ByteRows,
    unique: Option<ByteRows>,
}

impl Bytes {
    fn row(&self, row: usize) -> Incoming<'_> {
        let key = self.keys.get(row);
        Incoming { hash: hash_of(key), key, row: self.rows.get(row), unique: self.unique.as_ref().map_or(&[], |u| u.get(row)) }
    }
}

/// Kept rows that match the rows of a run.
struct Matches {
    slots: Vec<u32>,
    /// Per row of the run where its slots end.
    ends: Vec<usize>,
}

impl RegularJoin {
    pub(crate) fn new(spec: &JoinSpec, settings: &StageSettings, context: &mut OperatorContext) -> Result<Self, OperatorError> {
        let [Some(left), Some(right)] = [0, 1].map(|side| settings.inputs.get(side)) else {
            return Err(OperatorError::Internal(format!("a join of {} inputs", settings.inputs.len())));
        };
        let mut sides = [Side::new(&spec.sides[0], left)?, Side::new(&spec.sides[1], right)?];
        for (side, name) in sides.iter_mut().zip(SIDES) {
            side.open(name, context)?;
        }
        let condition = spec.condition.as_ref().map(|c| Condition::new(c, left.fields().len(), settings.zone));
        Ok(Self { kind: spec.kind, condition, sides, found: Found::default(), output: spec.output.to_arrow() })
    }

    /// The kept rows that match the rows from `from` on, until there are enough.
    fn matches(&mut self, input: usize, batch: &Batch, bytes: &Bytes, from: usize, now_ms: i64) -> Result<Matches, OperatorError> {
        let matchable = self.sides[input].matchable(&batch.rows);
        let other = &self.sides[1 - input];
        self.found.clear(other.slots());
        let mut matches = Matches { slots: Vec::new(), ends: Vec::new() };
        for row in from..batch.num_rows() {
            if matchable.as_ref().is_none_or(|m| m[row]) {
                let key = bytes.keys.get(row);
                other.matches(hash_of(key), key, now_ms, &mut matches.slots);
            }
            matches.ends.push(matches.slots.len());
            if matches.slots.len() >= PAIRS_MAX {
                break;
            }
        }
        if self.condition.is_none() || matches.slots.is_empty() { Ok(matches) } else { self.tested(input, batch, from, matches, now_ms) }
    }

    /// Those for which the condition is TRUE.
    fn tested(&mut self, input: usize, batch: &Batch, from: usize, matches: Matches, now_ms: i64) -> Result<Matches, OperatorError> {
        let Some(condition) = &mut self.condition else { return Ok(matches) };
        let places = UInt32Array::from_iter_values(matches.slots.iter().map(|&slot| self.found.position(slot)));
        let mut rows = Vec::with_capacity(matches.slots.len());
        let mut start = 0;
        for (row, &end) in matches.ends.iter().enumerate() {
            rows.extend(std::iter::repeat_n((from + row) as u32, end - start));
            start = end;
        }
        let rows = UInt32Array::from(rows);
        let kept = self.found.columns(&self.sides[1 - input])?;
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(condition.columns.len());
        for &(side, column) in &condition.columns {
            columns.push(if side == input { take(batch.rows.column(column), &rows, None)? } else { take(&kept[column], &places, None)? });
        }
        condition.context.now_ms = now_ms;
        let pairs = rows_of(&columns, matches.slots.len())?;
        let truth = evaluate(&condition.expr, &pairs, &condition.context).map_err(evaluation_failed)?.to_array(pairs.num_rows())?;
        let truth = truth.as_boolean();
        let mut passed = Matches { slots: Vec::with_capacity(matches.slots.len()), ends: Vec::with_capacity(matches.ends.len()) };
        let mut start = 0;
        for &end in &matches.ends {
            passed.slots.extend((start..end).filter(|&i| truth.is_valid(i) && truth.value(i)).map(|i| matches.slots[i]));
            passed.ends.push(passed.slots.len());
            start = end;
        }
        Ok(passed)
    }

    fn run(
        &mut self,
        input: usize,
        batch: &Batch,
        bytes: &Bytes,
        from: usize,
        now_ms: i64,
        out: &mut Collector,
    ) -> Result<usize, OperatorError> {
        let matches = self.matches(input, batch, bytes, from, now_ms)?;
        let matchable = self.sides[input].matchable(&batch.rows);
        let mut changes = Changes::default();
        let mut start = 0;
        for (position, &end) in matches.ends.iter().enumerate() {
            let row = from + position;
            let kind = batch.kinds.as_ref().map_or(ChangeKind::Insert as u8, |k| k.value(row));
            let slots = &matches.slots[start..end];
            start = end;
            // A row that nothing can ever match need not be kept.
            let kept = matchable.as_ref().is_none_or(|m| m[row]).then(|| bytes.row(row));
            let mut turn = Turn { sides: &mut self.sides, found: &mut self.found, changes: &mut changes, input, row: row as u32, now_ms };
            match (self.kind, input) {
                (JoinKind::Semi | JoinKind::Anti, 0) => turn.left_of_semi(self.kind == JoinKind::Anti, kind, kept, slots),
                (JoinKind::Semi | JoinKind::Anti, _) => turn.right_of_semi(self.kind == JoinKind::Anti, kind, kept, slots),
                (kind_of_join, _) => turn.outer(kind_of_join, kind, kept, slots),
            }
        }
        if !changes.is_empty() {
            let kept = self.found.columns(&self.sides[1 - input])?;
            out.emit(changes.into_batch(batch, kept, input == 0, self.kind.has_right(), &self.output)?);
        }
        Ok(from + matches.ends.len())
    }
}

/// One row at work.
struct Turn<'j> {
    sides: &'j mut [Side; 2],
    found: &'j mut Found,
    changes: &'j mut Changes,
    input: usize,
    row: u32,
    now_ms: i64,
}

const INSERT: u8 = ChangeKind::Insert as u8;
const DELETE: u8 = ChangeKind::Delete as u8;

fn is_added(kind: u8) -> bool {
    kind == INSERT || kind == ChangeKind::UpdateAfter as u8
}

impl Turn<'_> {
    fn keep(&mut self, kept: Option<Incoming<'_>>, partners: u32) {
        if let Some(row) = kept {
            self.sides[self.input].add(row, partners, self.now_ms);
        }
    }

    fn take_back(&mut self, kept: Option<Incoming<'_>>) {
        if let Some(row) = kept {
            self.sides[self.input].retract(row, self.now_ms);
        }
    }

    /// A row of an inner or outer join.
    fn outer(&mut self, join: JoinKind, kind: u8, kept: Option<Incoming<'_>>, slots: &[u32]) {
        let (is_kept, other_is_kept) = (join.keeps(self.input), join.keeps(1 - self.input));
        let adds = is_added(kind);
        if !adds {
            self.take_back(kept);
        }
        if slots.is_empty() && is_kept {
            self.changes.row(if adds { INSERT } else { DELETE }, self.row);
        }
        let pair_kind = match (adds, is_kept, other_is_kept) {
            (true, false, false) | (false, false, _) => kind,
            (true, ..) => INSERT,
            (false, true, _) => DELETE,
        };
        let mut partners = 0u32;
        for &slot in slots {
            let other = self.sides[1 - self.input].kept(slot);
            let place = self.found.position(slot);
            partners = partners.saturating_add(other.count);
            for _ in 0..other.count {
                if adds && other_is_kept && other.partners == 0 {
                    self.changes.kept(DELETE, place);
                }
                self.changes.pair(pair_kind, self.row, place);
                if !adds && other_is_kept && other.partners == 1 {
                    self.changes.kept(INSERT, place);
                }
            }
            if other_is_kept {
                let now = if adds { other.partners.saturating_add(1) } else { other.partners.saturating_sub(1) };
                self.sides[1 - self.input].set_partners(slot, now, self.now_ms);
            }
        }
        if adds {
            self.keep(kept, if is_kept { partners } else { 0 });
        }
    }

    /// A left row of a semi or anti join leaves as it came, if it has a partner or has none.
    fn left_of_semi(&mut self, is_anti: bool, kind: u8, kept: Option<Incoming<'_>>, slots: &[u32]) {
        if slots.is_empty() == is_anti {
            self.changes.row(kind, self.row);
        }
        if is_added(kind) {
            let count = |&slot: &u32| self.sides[1].kept(slot).count;
            let partners = slots.iter().map(count).fold(0u32, u32::saturating_add);
            self.keep(kept, partners);
        } else {
            self.take_back(kept);
        }
    }

    /// A right row brings left rows or takes them away, if it is their first partner or the last one that goes.
    fn right_of_semi(&mut self, is_anti: bool, kind: u8, kept: Option<Incoming<'_>>, slots: &[u32]) {
        let adds = is_added(kind);
        if adds {
            self.keep(kept, 0)
        } else {
            self.take_back(kept)
        }
        for &slot in slots {
            let left = self.sides[0].kept(slot);
            if left.partners == u32::from(!adds) {
                let kind = match (is_anti, adds) {
                    (false, _) => kind,
                    (true, true) => DELETE,
                    (true, false) => INSERT,
                };
                let place = self.found.position(slot);
                (0..left.count).for_each(|_| self.changes.kept(kind, place));
            }
            let now = if adds { left.partners.saturating_add(1) } else { left.partners.saturating_sub(1) };
            self.sides[0].set_partners(slot, now, self.now_ms);
        }
    }
}

#[async_trait]
impl Operator for RegularJoin {
    async fn process(&mut self, _batch: Batch, _now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        Err(OperatorError::Internal("a join was given rows of no input".into()))
    }

    async fn process_input(&mut self, input: usize, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let input = input.min(1);
        self.sides.iter_mut().try_for_each(|side| side.begin(now_ms))?;
        let side = &self.sides[input];
        let bytes =
            Bytes { keys: side.keys.convert(&batch.rows)?, rows: side.rows.convert(&batch.rows)?, unique: side.unique_keys(&batch.rows)? };
        if self.sides.iter().any(Side::may_lack) {
            let matchable = side.matchable(&batch.rows);
            let rows = (0..batch.num_rows()).filter(|&row| matchable.as_ref().is_none_or(|m| m[row]));
            let keys: Vec<&[u8]> = rows.map(|row| bytes.keys.get(row)).collect();
            self.sides.iter_mut().try_for_each(|side| side.load(&keys, now_ms))?;
        }
        let mut from = 0;
        while from < batch.num_rows() {
            from = self.run(input, &batch, &bytes, from, now_ms, out)?;
        }
        self.sides.iter_mut().try_for_each(Side::make_room)
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.sides.iter_mut().for_each(|side| side.committed(checkpoint));
    }

    async fn snapshot(&mut self, now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let mut all = OperatorSnapshot::default();
        for (side, name) in self.sides.iter_mut().zip(SIDES) {
            all.put(name, side.snapshot(now_ms)?);
        }
        Ok(all)
    }
}
