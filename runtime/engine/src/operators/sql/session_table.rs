//! `SESSION` as a table function: rows wait until their session is complete, then leave with its start, end and time (Flink's
//! `UnalignedWindowTableFunctionOperator`), whatever change they stand for. Late rows are dropped and counted.

use super::{
    groups::{BlobWriter, read_i64},
    kept_watermark::KeptWatermark,
    late_rows::{LateRow, LateRows},
    row_bytes::RowBytes,
    sessions::{Session, Sessions},
    window_aggregate::Windows,
    window_table::{bounds, with_times},
};
use crate::{
    error::OperatorError,
    key::KeyGroup,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
    state::{StateError, encode_bytes},
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt8Array};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use chrono_tz::Tz;
use millrace_model::{Batch, ChangeKind};
use millrace_sql::plan::{WindowKind, WindowSpec, WindowStrategy};
use std::{collections::BTreeMap, sync::Arc};

const SESSIONS: &str = "sessions";
/// Rows per emitted batch at most.
const EMIT_ROWS_MAX: usize = 8_192;

pub(crate) struct SessionTable {
    keys: RowBytes,
    rows: RowBytes,
    windows: Windows,
    sessions: Sessions,
    /// The rows of each session, by its slot.
    held: Vec<HeldRows>,
    free: Vec<u32>,
    watermark: KeptWatermark,
    output: SchemaRef,
    late: LateRows,
}

/// Rows in the order in which they came, each with its change kind.
#[derive(Default)]
struct HeldRows {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    kinds: Vec<u8>,
}

impl HeldRows {
    fn push(&mut self, row: &[u8], kind: u8) {
        self.bytes.extend_from_slice(row);
        self.ends.push(self.bytes.len());
        self.kinds.push(kind);
    }

    fn append(&mut self, other: &Self) {
        let base = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| base + end));
        self.kinds.extend_from_slice(&other.kinds);
    }

    fn iter(&self) -> impl Iterator<Item = (&[u8], u8)> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).zip(&self.kinds).map(|((start, &end), &kind)| (&self.bytes[start..end], kind))
    }
}

impl SessionTable {
    pub(crate) fn new(
        window: &WindowSpec,
        zone: Tz,
        late: LateRows,
        output: SchemaRef,
        context: &OperatorContext,
    ) -> Result<Self, OperatorError> {
        let WindowKind::Session { gap_ms } = window.kind else {
            return Err(OperatorError::Internal("rows are held for sessions only".into()));
        };
        let all: Vec<usize> = (0..context.input.fields().len()).collect();
        let mut made = Self {
            keys: RowBytes::new(&window.partition_keys, &context.input)?,
            rows: RowBytes::new(&all, &context.input)?,
            windows: Windows::new(&WindowStrategy::Time(window.clone()), zone),
            sessions: Sessions::new(gap_ms),
            held: Vec::new(),
            free: Vec::new(),
            watermark: KeptWatermark::open(context)?,
            output,
            late,
        };
        for (&group, blob) in context.restored.get(SESSIONS).into_iter().flatten() {
            made.restore(group, blob)?;
        }
        Ok(made)
    }

    fn restore(&mut self, group: KeyGroup, mut blob: &[u8]) -> Result<(), OperatorError> {
        while !blob.is_empty() {
            let key = self.keys.stored_key(group, &mut blob)?;
            let (start_ms, end_ms) = (read_i64(&mut blob)?, read_i64(&mut blob)?);
            let count = usize::try_from(read_i64(&mut blob)?).map_err(|_| StateError("a negative number of rows".into()))?;
            let mut held = HeldRows::default();
            for _ in 0..count {
                let (&kind, rest) = blob.split_first().ok_or_else(|| StateError("ends before a row".into()))?;
                blob = rest;
                held.push(self.rows.stored_row(&mut blob)?, kind);
            }
            let slot = free_slot(&mut self.held, &mut self.free);
            self.held[slot as usize] = held;
            self.sessions.restore(key, Session { start_ms, end_ms, slot });
        }
        Ok(())
    }

    /// Keeps a row with its session; the session's start and end if the row is late for it.
    fn hold(&mut self, key: &[u8], (row, kind): (&[u8], u8), time_ms: i64) -> Result<(), (i64, i64)> {
        let Self { sessions, held, free, windows, watermark, .. } = self;
        let is_late = |end_ms: i64| !windows.is_processing_time && windows.complete_at_ms(end_ms) <= watermark.ms;
        let place = sessions.place(key, time_ms, is_late, || free_slot(held, free))?;
        for slot in place.merged {
            let others = std::mem::take(&mut self.held[slot as usize]);
            self.held[place.slot as usize].append(&others);
            self.free.push(slot);
        }
        self.held[place.slot as usize].push(row, kind);
        Ok(())
    }

    fn fire(&mut self, time_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let mut complete = Vec::new();
        while self.sessions.next_end_ms().is_some_and(|end_ms| self.windows.complete_at_ms(end_ms) <= time_ms) {
            if let Some((_, session)) = self.sessions.pop() {
                complete.push((session, std::mem::take(&mut self.held[session.slot as usize])));
                self.free.push(session.slot);
            }
        }
        let mut rows: Vec<(&[u8], u8, Session)> = Vec::new();
        for (session, held) in &complete {
            rows.extend(held.iter().map(|(row, kind)| (row, kind, *session)));
        }
        for rows in rows.chunks(EMIT_ROWS_MAX) {
            let bytes: Vec<&[u8]> = rows.iter().map(|(row, ..)| *row).collect();
            let mut columns: Vec<ArrayRef> = self.rows.columns(&bytes)?;
            let (starts, ends) = rows.iter().map(|(.., session)| (session.start_ms, session.end_ms)).unzip();
            columns.extend(bounds(&self.windows, &self.output, starts, ends));
            let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
            let kinds = rows.iter().any(|(_, kind, _)| *kind != ChangeKind::Insert as u8);
            let kinds = kinds.then(|| UInt8Array::from_iter_values(rows.iter().map(|(_, kind, _)| *kind)));
            let rows = RecordBatch::try_new_with_options(self.output.clone(), columns, &options)?;
            out.emit(Batch { rows, kinds, origin: Arc::from([]) });
        }
        Ok(())
    }
}

/// A slot without rows.
fn free_slot(held: &mut Vec<HeldRows>, free: &mut Vec<u32>) -> u32 {
    free.pop().unwrap_or_else(|| {
        held.push(HeldRows::default());
        (held.len() - 1) as u32
    })
}

#[async_trait]
impl Operator for SessionTable {
    async fn process(&mut self, batch: Batch, now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        let batch = with_times(batch, &self.windows)?;
        let keys = self.keys.convert(&batch.rows)?;
        let rows = self.rows.convert(&batch.rows)?;
        let times = self.windows.local_times(&batch.rows, now_ms)?;
        let mut late = Vec::new();
        for (row, &time_ms) in times.iter().enumerate() {
            let kind = batch.kinds.as_ref().map_or(ChangeKind::Insert as u8, |k| k.value(row));
            if let Err((start_ms, end_ms)) = self.hold(keys.get(row), (rows.get(row), kind), time_ms) {
                late.push(LateRow { row: row as u32, start_ms, end_ms });
            }
        }
        drop((keys, rows));
        self.late.take(&batch, &late, self.watermark.ms).await
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.watermark.rise(watermark_ms);
        // The end of a bounded input completes sessions of the clock too.
        if self.windows.is_processing_time && watermark_ms < i64::MAX {
            return Ok(());
        }
        self.fire(watermark_ms, out)
    }

    fn next_timer_ms(&self) -> Option<i64> {
        let end_ms = self.sessions.next_end_ms().filter(|_| self.windows.is_processing_time)?;
        Some(self.windows.complete_at_ms(end_ms))
    }

    async fn on_processing_time(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if self.windows.is_processing_time { self.fire(now_ms, out) } else { Ok(()) }
    }

    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let mut blobs = BlobWriter::default();
        for (key, session) in self.sessions.iter() {
            let held = &self.held[session.slot as usize];
            blobs.entry(key, |out| {
                for number in [session.start_ms, session.end_ms, held.ends.len() as i64] {
                    out.extend_from_slice(&number.to_le_bytes());
                }
                for (row, kind) in held.iter() {
                    out.push(kind);
                    encode_bytes(row, out);
                }
            });
        }
        let mut keyed = BTreeMap::from([(SESSIONS.to_owned(), blobs.finish())]);
        self.watermark.add_to(&mut keyed);
        Ok(OperatorSnapshot { keyed, ..OperatorSnapshot::default() })
    }
}
