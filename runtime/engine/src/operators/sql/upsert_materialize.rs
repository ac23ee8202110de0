//! A changelog made upserts by another key than its own (Flink's `SinkUpsertMaterializer`), for sinks that hold one row
//! per key.
//!
//! Several rows of the input may share the sink's key. All are kept in the order in which they came; the last one is the
//! sink's row. When it goes, the one before it comes back (`+U`); when the last of all goes, the sink's row goes (`-D`).
//! Rows are told apart by the input's own key if it has one, else as a whole. Taking back an unknown row changes nothing.

use super::{
    changes::{Changes, Held},
    conflict_materialize::ConflictSpec,
    groups::{BlobWriter, read_i64, read_key},
    hot_groups::expires,
    late_rows::LateRecords,
    row_bytes::RowBytes,
    stage::{Head, StageSettings},
    tiered_slots::{SlotValue, TieredSlots},
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorSnapshot},
    state::{KeyGroupBlobs, StateError, encode_bytes, tiered_map::RestoredSegments},
};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use millrace_model::{Batch, ChangeKind, Schema, ids::CheckpointId};
use millrace_sql::Conflicts;
use std::{collections::BTreeMap, sync::Arc};

pub(super) const KEYS: &str = "keys";

/// By what rows are kept.
#[derive(Debug, Clone)]
pub(crate) struct MaterializeSpec {
    /// Columns of the sink's key.
    pub keys: Vec<usize>,
    /// Columns that tell the input's rows apart; without them all columns do.
    pub row_keys: Option<Vec<usize>>,
}

impl MaterializeSpec {
    /// Changes whenever the meaning of the state does.
    pub(crate) fn signature(&self) -> String {
        format!("materialize {:?} {:?}", self.keys, self.row_keys)
    }
}

/// What a sink behind a SQL node must know of its changes.
#[derive(Debug, Clone)]
pub(crate) struct SinkChanges {
    /// What happens to rows that share the sink's key.
    pub conflicts: Conflicts,
    /// The INSERT says so itself (`ON CONFLICT`).
    pub says_conflicts: bool,
    /// The operator that makes the updates, for people.
    pub updating_operator: Option<String>,
    /// How long rows of a key are kept.
    pub state_ttl_ms: Option<u64>,
    pub zone: chrono_tz::Tz,
}

impl SinkChanges {
    /// The settings of a stage that makes the changes upserts.
    pub(crate) fn stage(&self, spec: MaterializeSpec, schema: &Schema) -> StageSettings {
        let output = schema.clone();
        let head = match self.conflicts {
            Conflicts::FirstWins => Head::ConflictMaterialize { spec: ConflictSpec { by: spec, is_error: false }, output },
            Conflicts::Error => Head::ConflictMaterialize { spec: ConflictSpec { by: spec, is_error: true }, output },
            _ => Head::UpsertMaterialize { spec, state_ttl_ms: self.state_ttl_ms, output },
        };
        StageSettings {
            leaves_out_before: false,
            head: Some(head),
            inputs: vec![schema.clone()],
            steps: Vec::new(),
            zone: self.zone,
            late_records: LateRecords::Drop,
            text: String::new(),
            output: schema.to_arrow(),
        }
    }
}

pub(crate) struct UpsertMaterialize {
    keys: RowBytes,
    row_keys: RowBytes,
    /// The input has a key of its own: a row with an equal one is a new version of that row.
    has_row_keys: bool,
    rows: RowBytes,
    kept: TieredSlots<Kept>,
    ttl_ms: Option<i64>,
    swept_ms: i64,
    output: SchemaRef,
}

pub(super) struct Kept {
    written_ms: i64,
    rows: Vec<KeptRow>,
}

/// A row that is kept, with what tells it apart.
#[derive(Clone)]
pub(super) struct KeptRow {
    pub key: Box<[u8]>,
    pub row: Arc<[u8]>,
}

impl KeptRow {
    /// Appends the row behind its key.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        encode_bytes(&self.key, out);
        encode_bytes(&self.row, out);
    }

    /// Takes a row off the front of `value`.
    pub(super) fn read(rows: &RowBytes, value: &mut &[u8]) -> Result<Self, OperatorError> {
        Ok(Self { key: read_key(value)?.into(), row: rows.stored_row(value)?.into() })
    }

    /// With what the allocator adds to key and row.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + 48 + self.key.len() + self.row.len()
    }
}

impl SlotValue for Kept {
    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.rows.len() * self.rows.first().map_or(0, KeptRow::memory_bytes)
    }
}

impl Kept {
    /// Appends the form on disk and in steps: when it was written, then each row behind its key.
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.written_ms.to_le_bytes());
        self.rows.iter().for_each(|kept| kept.write(out));
    }

    fn read(rows: &RowBytes, mut value: &[u8]) -> Result<Self, OperatorError> {
        let mut made = Self { written_ms: read_i64(&mut value)?, rows: Vec::new() };
        while !value.is_empty() {
            made.rows.push(KeptRow::read(rows, &mut value)?);
        }
        Ok(made)
    }
}

impl UpsertMaterialize {
    pub(super) fn new(
        spec: &MaterializeSpec,
        state_ttl_ms: Option<u64>,
        input: &Schema,
        output: SchemaRef,
        restored: &BTreeMap<String, KeyGroupBlobs>,
        (kept, segments): (TieredSlots<Kept>, RestoredSegments),
    ) -> Result<Self, OperatorError> {
        let all: Vec<usize> = (0..input.fields().len()).collect();
        let mut made = Self {
            keys: RowBytes::new(&spec.keys, input)?,
            row_keys: RowBytes::new(spec.row_keys.as_deref().unwrap_or(&all), input)?,
            has_row_keys: spec.row_keys.is_some(),
            rows: RowBytes::new(&all, input)?,
            kept,
            ttl_ms: state_ttl_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
            swept_ms: 0,
            output,
        };
        if made.ttl_ms.is_some() {
            let ttl_ms = made.ttl_ms;
            made.kept.expire_by(move |value, now_ms| expires(value, ttl_ms, now_ms));
        }
        let (keys, rows) = (&made.keys, &made.rows);
        made.kept.take_in(segments, |group, key, value| {
            keys.check_key(group, key)?;
            Kept::read(rows, value)
        })?;
        for (&group, blob) in restored.get(KEYS).into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = made.keys.stored_key(group, &mut blob)?;
                let (written_ms, count) = (read_i64(&mut blob)?, read_i64(&mut blob)?);
                let mut stored = Vec::new();
                for _ in 0..count {
                    stored.push(made.rows.stored_row(&mut blob)?);
                }
                if stored.is_empty() {
                    return Err(StateError("a key without rows".into()).into());
                }
                let batch = super::rows_of(&made.rows.columns(&stored)?, stored.len())?;
                let keys = made.row_keys.convert(&batch)?;
                let rows = stored.iter().enumerate().map(|(i, row)| KeptRow { key: keys.get(i).into(), row: Arc::from(*row) }).collect();
                made.kept.slot(key, || Kept { written_ms, rows });
            }
        }
        made.kept.make_room(|_| true, Kept::write)?;
        Ok(made)
    }

    fn take_in(&mut self, batch: &Batch, now_ms: i64, changes: &mut Changes) -> Result<(), OperatorError> {
        let (keys, row_keys) = (self.keys.convert(&batch.rows)?, self.row_keys.convert(&batch.rows)?);
        let rows = self.rows.convert(&batch.rows)?;
        let (ttl_ms, stored) = (self.ttl_ms, &self.rows);
        self.kept.load((0..batch.num_rows()).map(|row| keys.get(row)), now_ms, |value| {
            if expires(value, ttl_ms, now_ms) { Ok(None) } else { Kept::read(stored, value).map(Some) }
        })?;
        for row in 0..batch.num_rows() {
            let kind = batch.kinds.as_ref().map_or(ChangeKind::Insert as u8, |k| k.value(row));
            let takes_back = kind == ChangeKind::UpdateBefore as u8 || kind == ChangeKind::Delete as u8;
            let slot = match (self.kept.find(keys.get(row)), takes_back) {
                (Some(slot), _) => slot,
                (None, true) => continue,
                (None, false) => self.kept.slot(keys.get(row), || Kept { written_ms: now_ms, rows: Vec::new() }),
            };
            let Some(kept) = self.kept.get_mut(slot) else { continue };
            if self.ttl_ms.is_some_and(|ttl| kept.written_ms.saturating_add(ttl) <= now_ms) {
                kept.rows.clear();
            }
            kept.written_ms = now_ms;
            let own = row_keys.get(row);
            let position = kept.rows.iter().position(|r| r.key.as_ref() == own);
            if takes_back {
                let Some(position) = position else { continue };
                kept.rows.remove(position);
                match kept.rows.last() {
                    None => {
                        changes.push(ChangeKind::Delete, &Held::Fresh(row as u32), 0);
                        self.kept.remove(slot)?;
                    }
                    Some(latest) if position == kept.rows.len() => {
                        changes.push(ChangeKind::UpdateAfter, &Held::Stored(latest.row.clone()), 0)
                    }
                    Some(_) => {}
                }
                continue;
            }
            let kind = if kept.rows.is_empty() { ChangeKind::Insert } else { ChangeKind::UpdateAfter };
            let added = KeptRow { key: own.into(), row: Arc::from(rows.get(row)) };
            match position.filter(|_| self.has_row_keys) {
                Some(position) => kept.rows[position] = added,
                None => kept.rows.push(added),
            }
            changes.push(kind, &Held::Fresh(row as u32), 0);
        }
        self.kept.make_room(|_| true, Kept::write)
    }
}

#[async_trait]
impl Operator for UpsertMaterialize {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if let Some(ttl_ms) = self.ttl_ms
            && now_ms.saturating_sub(self.swept_ms) >= ttl_ms / 2
        {
            self.swept_ms = now_ms;
            self.kept.retain(|kept| kept.written_ms.saturating_add(ttl_ms) > now_ms)?;
        }
        let mut changes = Changes::default();
        self.take_in(&batch, now_ms, &mut changes)?;
        if !changes.is_empty() {
            out.emit(changes.into_batch(&batch, &self.rows, false, &self.output)?);
        }
        Ok(())
    }

    async fn snapshot(&mut self, now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let ttl_ms = self.ttl_ms;
        let is_live = |kept: &Kept| !kept.rows.is_empty() && ttl_ms.is_none_or(|ttl| kept.written_ms.saturating_add(ttl) > now_ms);
        let blobs = |live: &mut dyn Iterator<Item = (&[u8], &Kept)>| {
            let mut blobs = BlobWriter::default();
            live.for_each(|(key, kept)| {
                blobs.entry(key, |out| {
                    out.extend_from_slice(&kept.written_ms.to_le_bytes());
                    out.extend_from_slice(&(kept.rows.len() as i64).to_le_bytes());
                    kept.rows.iter().for_each(|kept| encode_bytes(&kept.row, out));
                });
            });
            blobs.finish()
        };
        let snapshot = self.kept.snapshot(blobs, Kept::write, is_live, now_ms)?;
        let mut all = OperatorSnapshot::default();
        all.put(KEYS, snapshot);
        Ok(all)
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.kept.committed(checkpoint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{ArrayRef, Int64Array, RecordBatch, UInt8Array, cast::AsArray, types::Int64Type};
    use bytes::Bytes;
    use millrace_model::{DataType, Field};

    fn schema() -> Schema {
        Schema::new(["id", "k", "v"].map(|name| Field::new(name, DataType::BigInt, true)).to_vec()).unwrap()
    }

    fn open(row_keys: Option<Vec<usize>>, restored: &BTreeMap<String, KeyGroupBlobs>) -> Result<UpsertMaterialize, OperatorError> {
        let spec = MaterializeSpec { keys: vec![1], row_keys };
        let kept = TieredSlots::open(KEYS, &mut crate::state::StateContext::default(), &Arc::default())?;
        UpsertMaterialize::new(&spec, None, &schema(), schema().to_arrow(), restored, kept)
    }

    /// Changes as `(kind, id, k, v)`, and what they become.
    async fn given(operator: &mut UpsertMaterialize, rows: &[(ChangeKind, i64, i64, i64)]) -> Vec<String> {
        let column =
            |of: fn(&(ChangeKind, i64, i64, i64)) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(rows.iter().map(of))) };
        let columns = vec![column(|r| r.1), column(|r| r.2), column(|r| r.3)];
        let kinds = Some(UInt8Array::from_iter_values(rows.iter().map(|r| r.0 as u8)));
        let mut out = Collector::default();
        let rows = RecordBatch::try_new(schema().to_arrow(), columns).unwrap();
        operator.process(Batch { rows, kinds, origin: Arc::from([]) }, 0, &mut out).await.unwrap();
        let shown = |batch: Batch| {
            let kind = |row| batch.kinds.as_ref().map_or(ChangeKind::Insert, |k| ChangeKind::from_byte(k.value(row)).unwrap()).short();
            let cell = |column: usize, row| batch.rows.column(column).as_primitive::<Int64Type>().value(row);
            (0..batch.num_rows()).map(|row| format!("{} {} {} {}", kind(row), cell(0, row), cell(1, row), cell(2, row))).collect::<Vec<_>>()
        };
        out.drain().flat_map(shown).collect()
    }

    use ChangeKind::{Delete, Insert, UpdateAfter, UpdateBefore};

    #[tokio::test]
    async fn the_latest_row_of_a_key_wins_and_the_one_before_it_comes_back() {
        let mut operator = open(Some(vec![0]), &BTreeMap::new()).unwrap();
        let rows = [
            (Insert, 1, 7, 10),
            (Insert, 2, 7, 20),
            (UpdateBefore, 1, 7, 10),
            (UpdateAfter, 1, 7, 11),
            (Delete, 1, 7, 11),
            (Insert, 3, 7, 30),
            (Delete, 3, 7, 30),
            (Delete, 9, 9, 9),
            (Delete, 2, 7, 20),
        ];
        let expected = ["+I 1 7 10", "+U 2 7 20", "+U 1 7 11", "+U 2 7 20", "+U 3 7 30", "+U 2 7 20", "-D 2 7 20"];
        assert_eq!(given(&mut operator, &rows).await, expected);
        assert!(operator.snapshot(0).await.unwrap().keyed[KEYS].is_empty());
    }

    #[tokio::test]
    async fn without_a_key_rows_are_told_apart_as_a_whole() {
        let mut operator = open(None, &BTreeMap::new()).unwrap();
        let rows = [(Insert, 1, 7, 10), (Insert, 1, 7, 10), (Delete, 1, 7, 10), (Insert, 1, 7, 11)];
        assert_eq!(given(&mut operator, &rows).await, ["+I 1 7 10", "+U 1 7 10", "+U 1 7 11"]);
        let keyed = operator.snapshot(0).await.unwrap().keyed;
        let mut restored = open(None, &keyed).unwrap();
        assert_eq!(given(&mut restored, &[(Delete, 1, 7, 11)]).await, ["+U 1 7 10"]);
        let (&group, blob) = keyed[KEYS].iter().next().unwrap();
        for cut in 1..blob.len() {
            let damaged = BTreeMap::from([(KEYS.to_owned(), KeyGroupBlobs::from([(group, Bytes::copy_from_slice(&blob[..cut]))]))]);
            assert!(open(None, &damaged).is_err(), "cut at {cut}");
        }
    }
}
