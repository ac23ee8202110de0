//! Upserts made a full changelog (Flink's `ChangelogNormalize`): the last row of each key is kept, so that what a change
//! replaces can be said.
//!
//! The first row of a key is `+I`, a later one `-U` of the kept row and `+U`, a delete `-D` of the kept row, which is whole
//! even where the delete has only the key. A delete of an unknown key and a row equal to the kept one are no change; with
//! a time to live the latter is, because it lets the key live on downstream. A row that the filter refuses is as good as
//! deleted and is not kept. A `-U` says nothing that is not known: it is dropped. With mini-batch rows are collected, and of
//! those of a key only the last counts.

use super::{change_kinds, evaluation_failed, groups::read_i64, hot_groups::expires, mini_batch::Collected, row_bytes::RowBytes};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorSnapshot},
    state::{
        KeyGroupBlobs, StateError, encode_bytes,
        tiered_map::{RestoredSegments, TieredMap, TieredValue, hash_of},
    },
};
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, cast::AsArray};
use arrow_schema::SchemaRef;
use arrow_select::interleave::interleave;
use async_trait::async_trait;
use hashbrown::{HashMap, hash_map::Entry};
use millrace_functions::{EvaluationContext, Expr, expression::evaluate};
use millrace_model::{Batch, ChangeKind, Schema, ids::CheckpointId};
use millrace_sql::plan::MiniBatch;
use std::collections::BTreeMap;

pub(super) const ROWS: &str = "rows";

pub(crate) struct ChangelogNormalize {
    keys: RowBytes,
    rows: RowBytes,
    filter: Option<Expr>,
    context: EvaluationContext,
    /// The last row of each key.
    kept: TieredMap<Kept>,
    ttl_ms: Option<i64>,
    swept_ms: i64,
    output: SchemaRef,
    /// Rows are collected, and of those of a key only the last counts.
    collected: Option<Collected>,
    /// Whether the row that a change replaces is told.
    tells_before: bool,
}

pub(super) struct Kept {
    row: Box<[u8]>,
    written_ms: i64,
}

impl Kept {
    fn is_expired(&self, ttl_ms: Option<i64>, now_ms: i64) -> bool {
        ttl_ms.is_some_and(|ttl_ms| self.written_ms.saturating_add(ttl_ms) <= now_ms)
    }
}

/// When it was written, then the row.
impl TieredValue for Kept {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.written_ms.to_le_bytes());
        out.extend_from_slice(&self.row);
    }

    fn decode(mut value: &[u8]) -> Result<Self, StateError> {
        let written_ms = read_i64(&mut value)?;
        Ok(Self { row: value.into(), written_ms })
    }

    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.row.len()
    }
}

/// Rows that leave: each one of the batch, or one that was kept.
#[derive(Default)]
struct Changes {
    kinds: Vec<u8>,
    /// Whether the row was kept, and its position in the batch or in `before`.
    places: Vec<(usize, usize)>,
    before: Vec<Box<[u8]>>,
}

impl Changes {
    fn now(&mut self, kind: ChangeKind, row: usize) {
        self.kinds.push(kind as u8);
        self.places.push((0, row));
    }

    fn before(&mut self, kind: ChangeKind, row: Box<[u8]>) {
        self.kinds.push(kind as u8);
        self.places.push((1, self.before.len()));
        self.before.push(row);
    }
}

impl ChangelogNormalize {
    pub(crate) fn new(
        (keys, filter): (&[usize], Option<Expr>),
        state_ttl_ms: Option<u64>,
        zone: chrono_tz::Tz,
        input: &Schema,
        output: SchemaRef,
        restored: &BTreeMap<String, KeyGroupBlobs>,
        (kept, segments): (TieredMap<Kept>, RestoredSegments),
    ) -> Result<Self, OperatorError> {
        let all: Vec<usize> = (0..input.fields().len()).collect();
        let mut made = Self {
            keys: RowBytes::new(keys, input)?,
            rows: RowBytes::new(&all, input)?,
            filter,
            context: EvaluationContext { zone, ..EvaluationContext::default() },
            kept,
            ttl_ms: state_ttl_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
            swept_ms: 0,
            output,
            collected: None,
            tells_before: true,
        };
        if let Some(ttl_ms) = made.ttl_ms {
            made.kept.expire_by(move |value, now_ms| expires(value, Some(ttl_ms), now_ms));
        }
        let (keys, rows) = (&made.keys, &made.rows);
        made.kept.take_in(segments, |group, key, kept: &Kept| {
            keys.check_key(group, key)?;
            rows.check_row(&kept.row)
        })?;
        for (&group, blob) in restored.get(ROWS).into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = made.keys.stored_key(group, &mut blob)?;
                let written_ms = read_i64(&mut blob)?;
                let row = made.rows.stored_row(&mut blob)?;
                made.kept.insert(hash_of(key), key, Kept { row: row.into(), written_ms });
            }
        }
        made.kept.make_room()?;
        Ok(made)
    }

    /// The same, with rows collected before they are worked on.
    pub(super) fn collecting(mut self, settings: Option<MiniBatch>) -> Self {
        self.collected = settings.map(Collected::new);
        self
    }

    /// Which rows pass the filter; `None` when all do.
    fn passing(&self, rows: &RecordBatch) -> Result<Option<BooleanArray>, OperatorError> {
        let Some(filter) = &self.filter else {
            return Ok(None);
        };
        let value = evaluate(filter, rows, &self.context).map_err(evaluation_failed)?;
        Ok(Some(value.to_array(rows.num_rows())?.as_boolean().clone()))
    }

    fn changes(&mut self, batch: &Batch, now_ms: i64) -> Result<Changes, OperatorError> {
        let passing = self.passing(&batch.rows)?;
        let keys = self.keys.convert(&batch.rows)?;
        let rows = self.rows.convert(&batch.rows)?;
        let ttl_ms = self.ttl_ms;
        let hashes: Vec<u64> = (0..batch.num_rows()).map(|row| hash_of(keys.get(row))).collect();
        let all = hashes.iter().enumerate().map(|(row, &hash)| (hash, keys.get(row)));
        let stored = &self.rows;
        self.kept.load(all, |kept| kept.is_expired(ttl_ms, now_ms), |kept| stored.check_row(&kept.row))?;
        let mut changes = Changes::default();
        let kind_of = |row: usize| batch.kinds.as_ref().map_or(ChangeKind::Insert as u8, |k| k.value(row));
        let is_told = |row: &usize| kind_of(*row) != ChangeKind::UpdateBefore as u8;
        let told: Vec<usize> = (0..hashes.len()).filter(is_told).collect();
        let told = if self.collected.is_some() { last_of_keys(told, |row| keys.get(row)) } else { told };
        for row in told {
            let (hash, kind) = (hashes[row], kind_of(row));
            let passes = passing.as_ref().is_none_or(|p| p.is_valid(row) && p.value(row));
            let key = keys.get(row);
            if kind == ChangeKind::Delete as u8 || !passes {
                if let Some(kept) = self.kept.remove(hash, key)?.filter(|kept| !kept.is_expired(ttl_ms, now_ms)) {
                    changes.before(ChangeKind::Delete, kept.row);
                }
                continue;
            }
            let data = rows.get(row);
            let now = || Kept { row: data.into(), written_ms: now_ms };
            match self.kept.get(hash, key) {
                Some(kept) if ttl_ms.is_none() && kept.row.as_ref() == data => {}
                Some(kept) if !kept.is_expired(ttl_ms, now_ms) => {
                    let before = self.kept.change(hash, key, |kept| std::mem::replace(kept, now()));
                    if self.tells_before {
                        changes.before(ChangeKind::UpdateBefore, before.map_or_else(Box::default, |kept| kept.row));
                    }
                    changes.now(ChangeKind::UpdateAfter, row);
                }
                None | Some(_) => {
                    changes.now(ChangeKind::Insert, row);
                    self.kept.insert(hash, key, now());
                }
            }
        }
        self.kept.make_room()?;
        Ok(changes)
    }

    /// Emits what has been collected.
    fn flush(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        match self.collected.as_mut().map(Collected::take).transpose()?.flatten() {
            Some(batch) => self.normalize(batch, now_ms, out),
            None => Ok(()),
        }
    }

    fn normalize(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let changes = self.changes(&batch, now_ms)?;
        if changes.kinds.is_empty() {
            return Ok(());
        }
        let before: Vec<&[u8]> = changes.before.iter().map(AsRef::as_ref).collect();
        let before = self.rows.columns(&before)?;
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(before.len());
        for (now, before) in batch.rows.columns().iter().zip(&before) {
            columns.push(interleave(&[now.as_ref(), before.as_ref()], &changes.places)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(changes.kinds.len()));
        let rows = RecordBatch::try_new_with_options(self.output.clone(), columns, &options)?;
        let kinds = change_kinds(changes.kinds);
        out.emit(Batch { rows, kinds, origin: batch.origin });
        Ok(())
    }

    /// Forgets expired keys from time to time, so that silent ones do not stay for ever.
    fn sweep(&mut self, now_ms: i64) {
        let Some(ttl_ms) = self.ttl_ms else {
            return;
        };
        if now_ms.saturating_sub(self.swept_ms) >= ttl_ms / 2 {
            self.swept_ms = now_ms;
            self.kept.forget_expired(|kept| kept.is_expired(Some(ttl_ms), now_ms));
        }
    }
}

/// Of these rows the last of each key, in the order in which the keys came first.
fn last_of_keys<'k>(rows: Vec<usize>, key: impl Fn(usize) -> &'k [u8]) -> Vec<usize> {
    let mut places: HashMap<&[u8], usize> = HashMap::with_capacity(rows.len());
    let mut last: Vec<usize> = Vec::new();
    for row in rows {
        match places.entry(key(row)) {
            Entry::Occupied(place) => last[*place.get()] = row,
            Entry::Vacant(place) => {
                place.insert(last.len());
                last.push(row);
            }
        }
    }
    last
}

#[async_trait]
impl Operator for ChangelogNormalize {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.sweep(now_ms);
        let Some(collected) = &mut self.collected else {
            return self.normalize(batch, now_ms, out);
        };
        if collected.add(batch, now_ms) { self.flush(now_ms, out) } else { Ok(()) }
    }

    /// What is held back belongs before the watermark.
    async fn on_watermark(&mut self, _watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let now_ms = self.collected.as_ref().map_or(0, Collected::now_ms);
        self.flush(now_ms, out)
    }

    fn next_timer_ms(&self) -> Option<i64> {
        self.collected.as_ref().and_then(Collected::next_timer_ms)
    }

    async fn on_processing_time(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if self.collected.as_ref().is_some_and(|c| c.is_due(now_ms)) { self.flush(now_ms, out) } else { Ok(()) }
    }

    async fn before_barrier(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.flush(now_ms, out)
    }

    fn leave_out_before(&mut self) {
        self.tells_before = false;
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.kept.committed(checkpoint);
    }

    async fn snapshot(&mut self, now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let ttl_ms = self.ttl_ms;
        let snapshot = self.kept.snapshot(
            now_ms,
            |kept| kept.is_expired(ttl_ms, now_ms),
            |kept, out| {
                out.extend_from_slice(&kept.written_ms.to_le_bytes());
                encode_bytes(&kept.row, out);
            },
        )?;
        let mut all = OperatorSnapshot::default();
        all.put(ROWS, snapshot);
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::StateContext;
    use arrow_array::{Int64Array, UInt8Array, types::Int64Type};
    use bytes::Bytes;
    use millrace_model::{DataType, Field};
    use std::sync::Arc;

    fn schema() -> Schema {
        Schema::new(vec![Field::new("v", DataType::BigInt, true), Field::new("id", DataType::BigInt, false)]).unwrap()
    }

    fn open(ttl_ms: Option<u64>, restored: &BTreeMap<String, KeyGroupBlobs>) -> Result<ChangelogNormalize, OperatorError> {
        let kept = TieredMap::open(ROWS, &mut StateContext::default(), &Arc::default())?;
        ChangelogNormalize::new((&[1], None), ttl_ms, chrono_tz::Tz::UTC, &schema(), schema().to_arrow(), restored, kept)
    }

    /// Upserts as `(kind, id, v)`, and what they become.
    async fn given(operator: &mut ChangelogNormalize, now_ms: i64, rows: &[(ChangeKind, i64, Option<i64>)]) -> Vec<String> {
        let values: ArrayRef = Arc::new(Int64Array::from_iter(rows.iter().map(|r| r.2)));
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.1)));
        let rows_in = RecordBatch::try_new(schema().to_arrow(), vec![values, ids]).unwrap();
        let kinds = Some(UInt8Array::from_iter_values(rows.iter().map(|r| r.0 as u8)));
        let mut out = Collector::default();
        operator.process(Batch { rows: rows_in, kinds, origin: Arc::from([]) }, now_ms, &mut out).await.unwrap();
        let shown = |batch: Batch| {
            let column = |i: usize| batch.rows.column(i).as_primitive::<Int64Type>().clone();
            let (values, ids) = (column(0), column(1));
            let kind = |row| batch.kinds.as_ref().map_or(ChangeKind::Insert, |k| ChangeKind::from_byte(k.value(row)).unwrap()).short();
            (0..batch.num_rows())
                .map(|row| format!("{} {} {:?}", kind(row), ids.value(row), values.iter().nth(row).unwrap()))
                .collect::<Vec<_>>()
        };
        out.drain().flat_map(shown).collect()
    }

    use ChangeKind::{Delete, Insert, UpdateAfter};

    #[tokio::test]
    async fn the_row_before_each_change_is_told() {
        let mut operator = open(None, &BTreeMap::new()).unwrap();
        let rows = [
            (UpdateAfter, 1, Some(10)),
            (Insert, 1, Some(10)),
            (Insert, 2, None),
            (UpdateAfter, 1, Some(11)),
            (Delete, 1, None),
            (Delete, 1, None),
        ];
        let expected = ["+I 1 Some(10)", "+I 2 None", "-U 1 Some(10)", "+U 1 Some(11)", "-D 1 Some(11)"];
        assert_eq!(given(&mut operator, 0, &rows).await, expected);
    }

    #[tokio::test]
    async fn with_a_time_to_live_equal_rows_go_on_and_old_ones_are_forgotten() {
        let mut operator = open(Some(100), &BTreeMap::new()).unwrap();
        assert_eq!(given(&mut operator, 0, &[(Insert, 1, Some(10)), (Insert, 2, Some(20))]).await, ["+I 1 Some(10)", "+I 2 Some(20)"]);
        assert_eq!(given(&mut operator, 99, &[(Insert, 1, Some(10))]).await, ["-U 1 Some(10)", "+U 1 Some(10)"]);
        assert_eq!(given(&mut operator, 100, &[(Delete, 2, None), (UpdateAfter, 1, Some(11))]).await, ["-U 1 Some(10)", "+U 1 Some(11)"]);
        assert_eq!(given(&mut operator, 200, &[(UpdateAfter, 1, Some(12))]).await, ["+I 1 Some(12)"]);
        assert!(operator.snapshot(300).await.unwrap().keyed[ROWS].is_empty(), "expired rows are not kept in checkpoints");
    }

    #[tokio::test]
    async fn of_rows_that_are_collected_the_last_of_each_key_counts() {
        let mut operator = open(None, &BTreeMap::new()).unwrap().collecting(Some(MiniBatch { size: 6, allow_latency_ms: 50 }));
        let rows = [(Insert, 1, Some(10)), (Insert, 2, Some(20)), (UpdateAfter, 1, Some(11)), (Insert, 3, Some(30)), (Delete, 3, None)];
        assert!(given(&mut operator, 0, &rows).await.is_empty(), "there are not enough yet");
        assert_eq!(operator.next_timer_ms(), Some(50));
        assert_eq!(given(&mut operator, 1, &[(UpdateAfter, 2, Some(21))]).await, ["+I 1 Some(11)", "+I 2 Some(21)"]);
        assert_eq!(operator.next_timer_ms(), None);
        assert!(given(&mut operator, 2, &[(UpdateAfter, 1, Some(12)), (UpdateAfter, 1, Some(11))]).await.is_empty());
        let mut out = Collector::default();
        operator.before_barrier(3, &mut out).await.unwrap();
        assert_eq!(out.drain().count(), 0, "what is as it was is no change");
    }

    #[tokio::test]
    async fn what_is_replaced_is_left_out_where_nobody_needs_it() {
        let mut operator = open(None, &BTreeMap::new()).unwrap();
        operator.leave_out_before();
        let rows = [(Insert, 1, Some(10)), (UpdateAfter, 1, Some(11)), (Delete, 1, None)];
        assert_eq!(given(&mut operator, 0, &rows).await, ["+I 1 Some(10)", "+U 1 Some(11)", "-D 1 Some(11)"]);
    }

    #[tokio::test]
    async fn damaged_state_is_an_error() {
        let mut operator = open(None, &BTreeMap::new()).unwrap();
        given(&mut operator, 0, &[(Insert, 1, Some(10))]).await;
        let keyed = operator.snapshot(0).await.unwrap().keyed;
        let mut restored = open(None, &keyed).unwrap();
        assert_eq!(given(&mut restored, 0, &[(Delete, 1, None)]).await, ["-D 1 Some(10)"]);
        let (&group, blob) = keyed[ROWS].iter().next().unwrap();
        let damaged = |bytes: &[u8]| BTreeMap::from([(ROWS.to_owned(), KeyGroupBlobs::from([(group, Bytes::copy_from_slice(bytes))]))]);
        for cut in 1..blob.len() {
            assert!(open(None, &damaged(&blob[..cut])).is_err(), "cut at {cut}");
        }
        let mut shorter = blob.to_vec();
        let row = shorter.len() - 18;
        shorter.truncate(shorter.len() - 1);
        let length = row - 4;
        shorter[length..row].copy_from_slice(&17u32.to_le_bytes());
        assert!(open(None, &damaged(&shorter)).is_err(), "a row that is too short");
    }
}
