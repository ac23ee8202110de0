//! The first or the last row of each key by time (Flink's `Deduplicate` operators).
//!
//! By the clock rows are compared by nothing: the first that comes, or the last. The last by the clock replaces its
//! predecessor unless it is equal; with a time to live also then, because that lets the key live on downstream. By event
//! time the last is the one with the greatest time, of equal ones the last that came. The first by event time waits until
//! the watermark has reached it, so it comes out once; rows behind the watermark are late. Where rows are collected
//! anyway (mini-batch) it does not wait, and an earlier row replaces it.
//!
//! Invariant: rows of the batch at hand are numbers until it is done, so of many rows of a key one becomes bytes.

use super::{
    changes::{Changes, Held},
    groups::{BlobWriter, read_i64},
    hot_groups::expires,
    kept_watermark::KeptWatermark,
    late_rows::LateRows,
    row_bytes::{ByteRows, RowBytes},
    tiered_slots::{SlotValue, TieredSlots},
    window_time::event_times,
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
    state::{StateError, encode_bytes},
};
use arrow_array::{RecordBatch, UInt32Array};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use millrace_model::{Batch, ChangeKind, ids::CheckpointId, take_rows};
use millrace_sql::plan::Keep;
use std::{collections::BTreeMap, sync::Arc};

const KEYS: &str = "keys";
/// Rows per emitted batch at most.
const EMIT_ROWS_MAX: usize = 8_192;

/// What is kept of each key.
#[derive(Debug, Clone)]
pub(crate) struct DeduplicateSpec {
    pub keys: Vec<usize>,
    pub keep: Keep,
    pub time_column: Option<usize>,
    pub waits: bool,
}

impl DeduplicateSpec {
    /// Changes whenever the meaning of the state does.
    pub(crate) fn signature(&self) -> String {
        format!("deduplicate {:?} {:?} {:?} {}", self.keys, self.keep, self.time_column, self.waits)
    }

    /// The first row by the clock is only known to have been there.
    fn keeps_rows(&self) -> bool {
        self.keep == Keep::Last || self.time_column.is_some()
    }
}

pub(crate) struct DeduplicateRows {
    spec: DeduplicateSpec,
    keys: RowBytes,
    rows: RowBytes,
    kept: TieredSlots<Kept>,
    /// Keys whose row waits, by its time.
    waiting: BTreeMap<i64, Vec<u32>>,
    touched: Vec<u32>,
    watermark: KeptWatermark,
    late: LateRows,
    /// Epoch milliseconds.
    now_ms: i64,
    ttl_ms: Option<i64>,
    swept_ms: i64,
    output: SchemaRef,
    /// Whether the row that a change replaces is told.
    tells_before: bool,
}

pub(super) struct Kept {
    time_ms: i64,
    written_ms: i64,
    /// Absent where only the key counts: it has come out, or is one of first rows by the clock.
    row: Option<Held>,
}

impl SlotValue for Kept {
    fn memory_bytes(&self) -> usize {
        let row = if let Some(Held::Stored(row)) = &self.row { 32 + row.len() } else { 0 };
        size_of::<Self>() + row
    }
}

impl Kept {
    /// Appends when it was written, its time, and its row if it has one.
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.written_ms.to_le_bytes());
        out.extend_from_slice(&self.time_ms.to_le_bytes());
        let row = if let Some(Held::Stored(row)) = &self.row { Some(row) } else { None };
        out.extend_from_slice(&i64::from(row.is_some()).to_le_bytes());
        if let Some(row) = row {
            encode_bytes(row, out);
        }
    }

    /// Takes what [`Self::write`] wrote off the front.
    fn read(spec: &DeduplicateSpec, rows: &RowBytes, bytes: &mut &[u8]) -> Result<Self, OperatorError> {
        let (written_ms, time_ms, has_row) = (read_i64(bytes)?, read_i64(bytes)?, read_i64(bytes)?);
        let row = match has_row {
            0 => None,
            1 => Some(Held::Stored(Arc::from(rows.stored_row(bytes)?))),
            other => return Err(StateError(format!("a key with {other} rows, expected one at most")).into()),
        };
        if row.is_none() && spec.keeps_rows() && !spec.waits {
            return Err(StateError("a key without its row".into()).into());
        }
        Ok(Self { time_ms, written_ms, row })
    }

    /// Reads all of a value.
    fn read_value(spec: &DeduplicateSpec, rows: &RowBytes, mut value: &[u8]) -> Result<Self, OperatorError> {
        let kept = Self::read(spec, rows, &mut value)?;
        if value.is_empty() { Ok(kept) } else { Err(StateError(format!("{} bytes behind a key's row", value.len())).into()) }
    }

    fn is_live(&self, ttl_ms: Option<i64>, now_ms: i64, waits: bool) -> bool {
        // What waits is not forgotten before it has come out.
        (waits && self.row.is_some()) || ttl_ms.is_none_or(|ttl| self.written_ms.saturating_add(ttl) > now_ms)
    }
}

impl DeduplicateRows {
    pub(crate) fn new(
        spec: DeduplicateSpec,
        state_ttl_ms: Option<u64>,
        late: LateRows,
        output: SchemaRef,
        context: &mut OperatorContext,
    ) -> Result<Self, OperatorError> {
        let (kept, segments) = TieredSlots::open(KEYS, &mut context.state, &context.metrics)?;
        let input = &context.input;
        let all: Vec<usize> = (0..input.fields().len()).collect();
        let mut made = Self {
            keys: RowBytes::new(&spec.keys, input)?,
            rows: RowBytes::new(&all, input)?,
            spec,
            kept,
            waiting: BTreeMap::new(),
            touched: Vec::new(),
            watermark: KeptWatermark::open(context)?,
            late,
            now_ms: 0,
            ttl_ms: state_ttl_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
            swept_ms: 0,
            output,
            tells_before: true,
        };
        let (ttl_ms, waits) = (made.ttl_ms, made.spec.waits);
        if ttl_ms.is_some() {
            made.kept.expire_by(move |value, now_ms| !(waits && has_row(value)) && expires(value, ttl_ms, now_ms));
        }
        let (spec, keys, rows) = (&made.spec, &made.keys, &made.rows);
        let read = |group, key: &[u8], value: &[u8]| {
            keys.check_key(group, key)?;
            Kept::read_value(spec, rows, value)
        };
        made.kept.take_in(segments, read)?;
        if spec.waits {
            // What waits has to be at hand when its time comes.
            made.kept.load_all(has_row, read)?;
        }
        for (&group, blob) in context.restored.get(KEYS).into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = keys.stored_key(group, &mut blob)?;
                let kept = Kept::read(spec, rows, &mut blob)?;
                made.kept.slot(key, || kept);
            }
        }
        if spec.waits {
            for (slot, kept) in made.kept.iter().filter(|(_, kept)| kept.row.is_some()) {
                made.waiting.entry(kept.time_ms).or_default().push(slot);
            }
        }
        made.make_room()?;
        Ok(made)
    }

    /// Lets keys leave if memory is short; those whose row waits stay.
    fn make_room(&mut self) -> Result<(), OperatorError> {
        let waits = self.spec.waits;
        self.kept.make_room(|kept| !waits || kept.row.is_none(), Kept::write)
    }

    /// Brings the keys of a batch to memory.
    fn load(&mut self, keys: &ByteRows, count: usize) -> Result<(), OperatorError> {
        let (spec, rows, ttl_ms, now_ms) = (&self.spec, &self.rows, self.ttl_ms, self.now_ms);
        self.kept.load((0..count).map(|row| keys.get(row)), now_ms, |value| {
            let kept = Kept::read_value(spec, rows, value)?;
            Ok(Some(kept).filter(|kept| kept.is_live(ttl_ms, now_ms, spec.waits)))
        })
    }

    fn times<'r>(&self, rows: &'r RecordBatch) -> Result<Option<&'r [i64]>, OperatorError> {
        let Some(column) = self.spec.time_column else { return Ok(None) };
        let column = rows.column(column);
        event_times(column, "the deduplication").map(Some)
    }

    /// Takes rows in; answers those that are late.
    fn take_in(&mut self, batch: &Batch, changes: &mut Changes) -> Result<Vec<u32>, OperatorError> {
        let keys = self.keys.convert(&batch.rows)?;
        let times = self.times(&batch.rows)?;
        // Only the last row by the clock is compared as a whole.
        let is_compared = self.spec.keep == Keep::Last && times.is_none() && self.ttl_ms.is_none();
        let compared = if is_compared { Some(self.rows.convert(&batch.rows)?) } else { None };
        self.load(&keys, batch.num_rows())?;
        let mut late = Vec::new();
        for row in 0..batch.num_rows() {
            let time_ms = times.map_or(0, |times| times[row]);
            if self.spec.waits && time_ms < self.watermark.ms {
                late.push(row as u32);
                continue;
            }
            let now_ms = self.now_ms;
            let mut is_new = false;
            let slot = self.kept.slot(keys.get(row), || {
                is_new = true;
                Kept { time_ms, written_ms: now_ms, row: None }
            });
            let Some(kept) = self.kept.get(slot) else { continue };
            let is_live = kept.is_live(self.ttl_ms, now_ms, self.spec.waits);
            if !is_new && is_live && !self.spec.replaces(kept, time_ms, row, compared.as_ref()) {
                continue;
            }
            let Some(kept) = self.kept.get_mut(slot) else { continue };
            if !is_live {
                *kept = Kept { time_ms, written_ms: now_ms, row: None };
            }
            let fresh = Held::Fresh(row as u32);
            if self.spec.waits {
                self.waiting.entry(time_ms).or_default().push(slot);
            } else {
                match &kept.row {
                    Some(before) => {
                        changes.push(ChangeKind::UpdateBefore, before, 0);
                        changes.push(ChangeKind::UpdateAfter, &fresh, 0);
                    }
                    None => changes.push(ChangeKind::Insert, &fresh, 0),
                }
            }
            kept.written_ms = now_ms;
            kept.time_ms = time_ms;
            if self.spec.keeps_rows() {
                if !matches!(kept.row, Some(Held::Fresh(_))) {
                    self.touched.push(slot);
                }
                kept.row = Some(fresh);
            }
        }
        Ok(late)
    }

    /// Rows of the batch that are kept become bytes.
    fn settle(&mut self, batch: &Batch) -> Result<(), OperatorError> {
        let fresh = self.touched.iter().map(|&slot| match self.kept.get(slot).and_then(|k| k.row.as_ref()) {
            Some(Held::Fresh(row)) => *row,
            _ => 0,
        });
        let chosen = take_rows(&batch.rows, &UInt32Array::from_iter_values(fresh))?;
        let bytes = self.rows.convert(&chosen)?;
        for (position, slot) in self.touched.drain(..).enumerate() {
            if let Some(kept) = self.kept.get_mut(slot) {
                kept.row = Some(Held::Stored(Arc::from(bytes.get(position))));
            }
        }
        Ok(())
    }

    /// Rows whose time has come.
    fn fire(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let mut rows: Vec<Arc<[u8]>> = Vec::new();
        while let Some(entry) = self.waiting.first_entry() {
            if *entry.key() > watermark_ms {
                break;
            }
            let (time_ms, slots) = entry.remove_entry();
            for slot in slots {
                // An earlier row may have taken its place.
                if let Some(kept) = self.kept.get_mut(slot).filter(|kept| kept.time_ms == time_ms)
                    && let Some(Held::Stored(row)) = kept.row.take()
                {
                    kept.written_ms = self.now_ms;
                    rows.push(row);
                }
            }
        }
        for rows in rows.chunks(EMIT_ROWS_MAX) {
            let bytes: Vec<&[u8]> = rows.iter().map(AsRef::as_ref).collect();
            out.emit(Batch::inserts(RecordBatch::try_new(self.output.clone(), self.rows.columns(&bytes)?)?));
        }
        Ok(())
    }

    /// Forgets expired keys from time to time, so that silent ones do not stay for ever.
    fn sweep(&mut self) -> Result<(), OperatorError> {
        let Some(ttl_ms) = self.ttl_ms else { return Ok(()) };
        if self.now_ms.saturating_sub(self.swept_ms) >= ttl_ms / 2 {
            self.swept_ms = self.now_ms;
            let (now_ms, waits) = (self.now_ms, self.spec.waits);
            self.kept.retain(|kept| kept.is_live(Some(ttl_ms), now_ms, waits))?;
        }
        Ok(())
    }
}

impl DeduplicateSpec {
    /// Whether a row of this time takes the place of what is kept of its key.
    fn replaces(&self, kept: &Kept, time_ms: i64, row: usize, compared: Option<&ByteRows>) -> bool {
        match (self.keep, self.time_column) {
            (Keep::First, None) => false,
            // What has come out is final.
            (Keep::First, Some(_)) => (!self.waits || kept.row.is_some()) && time_ms < kept.time_ms,
            (Keep::Last, Some(_)) => time_ms >= kept.time_ms,
            (Keep::Last, None) => match (compared, &kept.row) {
                (Some(rows), Some(Held::Fresh(before))) => rows.get(*before as usize) != rows.get(row),
                (Some(rows), Some(Held::Stored(before))) => rows.get(row) != before.as_ref(),
                _ => true,
            },
        }
    }
}

#[async_trait]
impl Operator for DeduplicateRows {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.now_ms = now_ms;
        self.sweep()?;
        let mut changes = Changes::telling(self.tells_before);
        let late = self.take_in(&batch, &mut changes)?;
        if !changes.is_empty() {
            out.emit(changes.into_batch(&batch, &self.rows, false, &self.output)?);
        }
        self.settle(&batch)?;
        self.make_room()?;
        self.late.take_behind(&batch, &late, self.watermark.ms).await
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.watermark.rise(watermark_ms);
        self.fire(watermark_ms, out)
    }

    fn leave_out_before(&mut self) {
        self.tells_before = false;
    }

    async fn snapshot(&mut self, now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let (ttl_ms, waits) = (self.ttl_ms, self.spec.waits);
        let blobs = |live: &mut dyn Iterator<Item = (&[u8], &Kept)>| {
            let mut blobs = BlobWriter::default();
            live.for_each(|(key, kept)| blobs.entry(key, |out| kept.write(out)));
            blobs.finish()
        };
        let snapshot = self.kept.snapshot(blobs, Kept::write, |kept| kept.is_live(ttl_ms, now_ms, waits), now_ms)?;
        let mut all = OperatorSnapshot::default();
        all.put(KEYS, snapshot);
        if self.spec.waits {
            self.watermark.add_to(&mut all.keyed);
        }
        Ok(all)
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.kept.committed(checkpoint);
    }
}

/// Whether a value on disk has a row.
fn has_row(value: &[u8]) -> bool {
    value.get(16).is_some_and(|has_row| *has_row == 1)
}
