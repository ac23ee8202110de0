//! A changelog made upserts by another key than its own, where rows that share the sink's key are not meant to be
//! (`ON CONFLICT DO NOTHING | ERROR`; Flink's `WatermarkCompactingSinkMaterializer`).
//!
//! Changes wait for the watermark. When it moves, those of each key are taken together: what was taken back in between is
//! gone, so rows that hand a key on do not meet. What is left must be one row (`ERROR`), or the first one is the sink's and
//! the others are forgotten (`NOTHING`).
//!
//! Invariant: a key waits exactly while its value has changes that no watermark has followed.

use super::{
    change_kinds, evaluation_failed,
    groups::{BlobWriter, read_key},
    row_bytes::RowBytes,
    tiered_slots::{SlotValue, TieredSlots},
    upsert_materialize::{KeptRow, MaterializeSpec},
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
    state::{StateError, encode_bytes},
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use millrace_functions::{EvaluationContext, cast};
use millrace_model::{Batch, ChangeKind, Field, Origin, Schema, ids::CheckpointId};
use std::sync::Arc;

const KEYS: &str = "keys";
/// Keys that are brought to memory together when the watermark moves.
const KEYS_AT_ONCE: usize = 8_192;

/// What conflicts, and what then.
#[derive(Debug, Clone)]
pub(crate) struct ConflictSpec {
    /// By what rows are kept.
    pub by: MaterializeSpec,
    /// Rows that share a key end the job; else the first one stays.
    pub is_error: bool,
}

impl ConflictSpec {
    /// Changes whenever the meaning of the state does.
    pub(crate) fn signature(&self) -> String {
        format!("conflicts {}", self.by.signature())
    }
}

pub(crate) struct ConflictMaterialize {
    keys: RowBytes,
    row_keys: RowBytes,
    /// The input has a key of its own: a row with an equal one is a new version of that row.
    has_row_keys: bool,
    rows: RowBytes,
    is_error: bool,
    fields: Vec<Field>,
    key_fields: Vec<Field>,
    kept: TieredSlots<Kept>,
    /// Keys with changes, in the order in which the first of them came.
    waiting: Vec<Box<[u8]>>,
    output: SchemaRef,
}

/// What is known of a key.
#[derive(Default)]
struct Kept {
    /// The sink's row.
    current: Option<KeptRow>,
    /// Since the watermark moved last.
    changes: Vec<(u8, KeptRow)>,
}

impl SlotValue for Kept {
    fn memory_bytes(&self) -> usize {
        let rows = self.current.iter().chain(self.changes.iter().map(|(_, row)| row));
        size_of::<Self>() + rows.map(KeptRow::memory_bytes).sum::<usize>()
    }
}

impl Kept {
    /// Whether a value in byte form has changes that wait.
    fn is_waiting(value: &[u8]) -> bool {
        value.first() == Some(&1)
    }

    /// Appends whether it waits, whether there is a current row, that row, and the changes behind their kinds.
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[u8::from(!self.changes.is_empty()), u8::from(self.current.is_some())]);
        self.current.iter().for_each(|row| row.write(out));
        for (kind, row) in &self.changes {
            out.push(*kind);
            row.write(out);
        }
    }

    fn read(rows: &RowBytes, value: &[u8]) -> Result<Self, OperatorError> {
        let [_, has_current, rest @ ..] = value else {
            return Err(StateError(format!("a value of {} bytes", value.len())).into());
        };
        let mut value = rest;
        let current = (*has_current == 1).then(|| KeptRow::read(rows, &mut value)).transpose()?;
        let mut changes = Vec::new();
        while let Some((&kind, rest)) = value.split_first() {
            value = rest;
            ChangeKind::from_byte(kind).ok_or_else(|| StateError(format!("a row that changes as {kind}")))?;
            changes.push((kind, KeptRow::read(rows, &mut value)?));
        }
        Ok(Self { current, changes })
    }

    /// Takes the changes together; answers the rows of the key now, the sink's own one first.
    fn settle(&mut self, has_row_keys: bool) -> Vec<KeptRow> {
        let mut rows: Vec<KeptRow> = self.current.iter().cloned().collect();
        for (kind, row) in self.changes.drain(..) {
            let position = rows.iter().position(|r| r.key == row.key);
            let takes_back = kind == ChangeKind::UpdateBefore as u8 || kind == ChangeKind::Delete as u8;
            match (position, takes_back) {
                (Some(position), true) => drop(rows.remove(position)),
                // Taking back an unknown row changes nothing.
                (None, true) => {}
                (Some(position), false) if has_row_keys => rows[position] = row,
                (_, false) => rows.push(row),
            }
        }
        rows
    }
}

/// Rows that leave.
#[derive(Default)]
struct Leaving {
    kinds: Vec<u8>,
    rows: Vec<Arc<[u8]>>,
}

impl ConflictMaterialize {
    pub(super) fn new(spec: &ConflictSpec, output: &Schema, context: &mut OperatorContext) -> Result<Self, OperatorError> {
        let input = &context.input;
        let all: Vec<usize> = (0..input.fields().len()).collect();
        let (kept, segments) = TieredSlots::open(KEYS, &mut context.state, &context.metrics)?;
        let mut made = Self {
            keys: RowBytes::new(&spec.by.keys, input)?,
            row_keys: RowBytes::new(spec.by.row_keys.as_deref().unwrap_or(&all), input)?,
            has_row_keys: spec.by.row_keys.is_some(),
            rows: RowBytes::new(&all, input)?,
            is_error: spec.is_error,
            fields: input.fields().to_vec(),
            key_fields: spec.by.keys.iter().filter_map(|&column| input.fields().get(column).cloned()).collect(),
            kept,
            waiting: Vec::new(),
            output: output.to_arrow(),
        };
        let (keys, rows) = (&made.keys, &made.rows);
        let read = |group, key: &[u8], value: &[u8]| {
            keys.check_key(group, key)?;
            Kept::read(rows, value)
        };
        made.kept.take_in(segments, read)?;
        made.kept.load_all(Kept::is_waiting, read)?;
        for (&group, blob) in context.restored.get(KEYS).into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = made.keys.stored_key(group, &mut blob)?;
                let kept = Kept::read(&made.rows, read_key(&mut blob)?)?;
                made.kept.slot(key, || kept);
            }
        }
        made.waiting = made.kept.iter().filter(|(_, kept)| !kept.changes.is_empty()).map(|(slot, _)| made.kept.key(slot).into()).collect();
        made.kept.make_room(|_| true, Kept::write)?;
        Ok(made)
    }

    fn load<'k>(&mut self, keys: impl Iterator<Item = &'k [u8]>) -> Result<(), OperatorError> {
        let rows = &self.rows;
        self.kept.load(keys, 0, |value| Kept::read(rows, value).map(Some))
    }

    /// Settles these keys.
    fn settle(&mut self, waiting: &[Box<[u8]>], leaving: &mut Leaving) -> Result<(), OperatorError> {
        self.load(waiting.iter().map(AsRef::as_ref))?;
        for key in waiting {
            let Some(slot) = self.kept.find(key) else { continue };
            let Some(kept) = self.kept.get_mut(slot) else { continue };
            let rows = kept.settle(self.has_row_keys);
            if self.is_error
                && let [first, second, ..] = rows.as_slice()
            {
                return Err(self.conflict(key, [&first.row, &second.row])?);
            }
            let before = std::mem::replace(&mut kept.current, rows.into_iter().next());
            match (before, &kept.current) {
                (None, Some(now)) => leaving.push(ChangeKind::Insert, now),
                (Some(before), Some(now)) if before.row != now.row => leaving.push(ChangeKind::UpdateAfter, now),
                (Some(_), Some(_)) => {}
                (before, None) => {
                    before.iter().for_each(|before| leaving.push(ChangeKind::Delete, before));
                    self.kept.remove(slot)?;
                }
            }
        }
        self.kept.make_room(|_| true, Kept::write)
    }

    /// Rows that share a key, for people.
    fn conflict(&self, key: &[u8], rows: [&[u8]; 2]) -> Result<OperatorError, OperatorError> {
        let key = shown(&self.keys, &self.key_fields, key)?;
        let [first, second] = rows.map(|row| shown(&self.rows, &self.fields, row));
        Ok(OperatorError::Conflict(format!(
            "two rows share the sink's key ({key}): ({}) and ({}); make the key tell the rows apart, or end the INSERT with ON CONFLICT \
             DO NOTHING, which keeps the first row, or DO DEDUPLICATE, which keeps the latest",
            first?, second?
        )))
    }
}

/// The values of `bytes` behind their names.
fn shown(of: &RowBytes, fields: &[Field], bytes: &[u8]) -> Result<String, OperatorError> {
    let cell = |(column, field): (&ArrayRef, &Field)| {
        let text = cast::to_text(column, &field.data_type, &EvaluationContext::default()).map_err(evaluation_failed)?;
        Ok(format!("{} = {}", field.name, if text.is_null(0) { "NULL" } else { text.value(0) }))
    };
    let cells: Vec<String> = of.columns(&[bytes])?.iter().zip(fields).map(cell).collect::<Result<_, OperatorError>>()?;
    Ok(cells.join(", "))
}

impl Leaving {
    fn push(&mut self, kind: ChangeKind, row: &KeptRow) {
        self.kinds.push(kind as u8);
        self.rows.push(row.row.clone());
    }
}

#[async_trait]
impl Operator for ConflictMaterialize {
    async fn process(&mut self, batch: Batch, _now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        let (keys, row_keys) = (self.keys.convert(&batch.rows)?, self.row_keys.convert(&batch.rows)?);
        let rows = self.rows.convert(&batch.rows)?;
        self.load((0..batch.num_rows()).map(|row| keys.get(row)))?;
        for row in 0..batch.num_rows() {
            let kind = batch.kinds.as_ref().map_or(ChangeKind::Insert as u8, |k| k.value(row));
            let slot = self.kept.slot(keys.get(row), Kept::default);
            let Some(kept) = self.kept.get_mut(slot) else { continue };
            if kept.changes.is_empty() {
                self.waiting.push(keys.get(row).into());
            }
            kept.changes.push((kind, KeptRow { key: row_keys.get(row).into(), row: rows.get(row).into() }));
        }
        self.kept.make_room(|_| true, Kept::write)
    }

    async fn on_watermark(&mut self, _watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let waiting = std::mem::take(&mut self.waiting);
        for waiting in waiting.chunks(KEYS_AT_ONCE) {
            let mut leaving = Leaving::default();
            self.settle(waiting, &mut leaving)?;
            if leaving.rows.is_empty() {
                continue;
            }
            let bytes: Vec<&[u8]> = leaving.rows.iter().map(AsRef::as_ref).collect();
            let rows = RecordBatch::try_new(self.output.clone(), self.rows.columns(&bytes)?)?;
            out.emit(Batch { rows, kinds: change_kinds(leaving.kinds), origin: Origin::from([]) });
        }
        Ok(())
    }

    async fn snapshot(&mut self, now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let blobs = |live: &mut dyn Iterator<Item = (&[u8], &Kept)>| {
            let mut blobs = BlobWriter::default();
            let mut value = Vec::new();
            live.for_each(|(key, kept)| {
                value.clear();
                kept.write(&mut value);
                blobs.entry(key, |out| encode_bytes(&value, out));
            });
            blobs.finish()
        };
        let snapshot = self.kept.snapshot(blobs, Kept::write, |_| true, now_ms)?;
        let mut all = OperatorSnapshot::default();
        all.put(KEYS, snapshot);
        Ok(all)
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.kept.committed(checkpoint);
    }
}
