//! `SESSION` as a table function: rows wait until their session is complete, then leave with its start, end and time (Flink's
//! `UnalignedWindowTableFunctionOperator`), whatever change they stand for. Late rows are dropped and counted.

use super::{
    groups::read_i64,
    kept_watermark::KeptWatermark,
    late_rows::{LateRow, LateRows},
    row_bytes::RowBytes,
    sessions::Session,
    tiered_sessions::{PutState, SessionContents, TieredSessions},
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
use millrace_model::{Batch, ChangeKind, ids::CheckpointId};
use millrace_sql::plan::{WindowKind, WindowSpec, WindowStrategy};
use std::sync::Arc;

const SESSIONS: &str = "sessions";
/// Rows per emitted batch at most.
const EMIT_ROWS_MAX: usize = 8_192;
/// Sessions and bytes of rows that leave before what was emitted is sent.
const PORTION_SESSIONS: usize = 8_192;
/// What a row that is held takes besides its bytes.
const ROW_BYTES: usize = 9;
/// What a session takes besides its rows.
const SESSION_BYTES: usize = 96;

pub(crate) struct SessionTable {
    windows: Windows,
    sessions: TieredSessions,
    held: Held,
    /// Sessions that are complete by then are to leave.
    until_ms: i64,
    watermark: KeptWatermark,
    output: SchemaRef,
    late: LateRows,
}

/// The rows of all sessions.
struct Held {
    keys: RowBytes,
    rows: RowBytes,
    /// By the session's slot.
    sessions: Vec<HeldRows>,
    free: Vec<u32>,
    bytes: usize,
}

impl Held {
    /// A slot without rows.
    fn free_slot(&mut self) -> u32 {
        self.bytes += SESSION_BYTES;
        self.free.pop().unwrap_or_else(|| {
            self.sessions.push(HeldRows::default());
            (self.sessions.len() - 1) as u32
        })
    }

    fn take(&mut self, slot: u32) -> HeldRows {
        let taken = std::mem::take(&mut self.sessions[slot as usize]);
        self.bytes = self.bytes.saturating_sub(SESSION_BYTES + taken.memory_bytes());
        self.free.push(slot);
        taken
    }

    fn push(&mut self, slot: u32, row: &[u8], kind: u8) {
        self.bytes += row.len() + ROW_BYTES;
        self.sessions[slot as usize].push(row, kind);
    }
}

impl SessionContents for Held {
    fn states<'a>(&'a self, slots: &'a [u32]) -> Result<PutState<'a>, OperatorError> {
        Ok(Box::new(move |position, out| {
            let Some(held) = slots.get(position).and_then(|&slot| self.sessions.get(slot as usize)) else { return };
            out.extend_from_slice(&(held.ends.len() as i64).to_le_bytes());
            for (row, kind) in held.iter() {
                out.push(kind);
                encode_bytes(row, out);
            }
        }))
    }

    fn take_in(&mut self, _key: &[u8], state: &mut &[u8]) -> Result<u32, OperatorError> {
        let count = usize::try_from(read_i64(state)?).map_err(|_| StateError("a negative number of rows".into()))?;
        let slot = self.free_slot();
        for _ in 0..count {
            let (&kind, rest) = state.split_first().ok_or_else(|| StateError("ends before a row".into()))?;
            *state = rest;
            let row = self.rows.stored_row(state)?;
            self.push(slot, row, kind);
        }
        Ok(slot)
    }

    fn release(&mut self, slot: u32) {
        self.take(slot);
    }

    fn check_key(&self, group: KeyGroup, key: &[u8]) -> Result<(), StateError> {
        self.keys.check_key(group, key)
    }
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

    fn memory_bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * ROW_BYTES
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
        context: &mut OperatorContext,
    ) -> Result<Self, OperatorError> {
        let WindowKind::Session { gap_ms } = window.kind else {
            return Err(OperatorError::Internal("rows are held for sessions only".into()));
        };
        let all: Vec<usize> = (0..context.input.fields().len()).collect();
        let mut held = Held {
            keys: RowBytes::new(&window.partition_keys, &context.input)?,
            rows: RowBytes::new(&all, &context.input)?,
            sessions: Vec::new(),
            free: Vec::new(),
            bytes: 0,
        };
        let (windows, watermark) = (Windows::new(&WindowStrategy::Time(window.clone()), zone), KeptWatermark::open(context)?);
        let sessions = TieredSessions::open(SESSIONS, gap_ms, &mut held, context)?;
        let mut made = Self { windows, sessions, held, until_ms: i64::MIN, watermark, output, late };
        made.make_room()?;
        Ok(made)
    }

    fn make_room(&mut self) -> Result<(), OperatorError> {
        self.sessions.make_room(self.held.bytes as u64, &mut self.held)
    }

    /// Keeps a row with its session; the session's start and end if the row is late for it.
    fn hold(&mut self, key: &[u8], (row, kind): (&[u8], u8), time_ms: i64) -> Result<(), (i64, i64)> {
        let Self { sessions, held, windows, watermark, .. } = self;
        let is_late = |end_ms: i64| !windows.is_processing_time && windows.complete_at_ms(end_ms) <= watermark.ms;
        let place = sessions.sessions.place(key, time_ms, is_late, || held.free_slot())?;
        for slot in place.merged {
            for (row, kind) in held.take(slot).iter() {
                held.push(place.slot, row, kind);
            }
        }
        held.push(place.slot, row, kind);
        Ok(())
    }

    /// Emits a portion of the sessions that are to leave.
    fn emit(&mut self, out: &mut Collector) -> Result<(), OperatorError> {
        let (windows, until_ms) = (&self.windows, self.until_ms);
        let due = self.sessions.take_due(PORTION_SESSIONS, |end_ms| windows.complete_at_ms(end_ms) <= until_ms, &mut self.held)?;
        // The clock may be put back: only what was there at this time is to leave.
        if self.windows.is_processing_time && !self.has_rest() {
            self.until_ms = i64::MIN;
        }
        if due.is_empty() {
            return Ok(());
        }
        let complete: Vec<(Session, HeldRows)> = due.into_iter().map(|(_, session)| (session, self.held.take(session.slot))).collect();
        let mut rows: Vec<(&[u8], u8, Session)> = Vec::new();
        for (session, held) in &complete {
            rows.extend(held.iter().map(|(row, kind)| (row, kind, *session)));
        }
        for rows in rows.chunks(EMIT_ROWS_MAX) {
            let bytes: Vec<&[u8]> = rows.iter().map(|(row, ..)| *row).collect();
            let mut columns: Vec<ArrayRef> = self.held.rows.columns(&bytes)?;
            let (starts, ends) = rows.iter().map(|(.., session)| (session.start_ms, session.end_ms)).unzip();
            columns.extend(bounds(&self.windows, &self.output, starts, ends));
            let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
            let kinds = rows.iter().any(|(_, kind, _)| *kind != ChangeKind::Insert as u8);
            let kinds = kinds.then(|| UInt8Array::from_iter_values(rows.iter().map(|(_, kind, _)| *kind)));
            let rows = RecordBatch::try_new_with_options(self.output.clone(), columns, &options)?;
            out.emit(Batch { rows, kinds, origin: Arc::from([]) });
        }
        self.make_room()
    }
}

#[async_trait]
impl Operator for SessionTable {
    async fn process(&mut self, batch: Batch, now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        let batch = with_times(batch, &self.windows)?;
        let keys = self.held.keys.convert(&batch.rows)?;
        let rows = self.held.rows.convert(&batch.rows)?;
        self.sessions.load((0..batch.num_rows()).map(|row| keys.get(row)), &mut self.held)?;
        let times = self.windows.local_times(&batch.rows, now_ms)?;
        let mut late = Vec::new();
        for (row, &time_ms) in times.iter().enumerate() {
            let kind = batch.kinds.as_ref().map_or(ChangeKind::Insert as u8, |k| k.value(row));
            if let Err((start_ms, end_ms)) = self.hold(keys.get(row), (rows.get(row), kind), time_ms) {
                late.push(LateRow { row: row as u32, start_ms, end_ms });
            }
        }
        drop((keys, rows));
        self.make_room()?;
        self.late.take(&batch, &late, self.watermark.ms).await
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.watermark.rise(watermark_ms);
        // The end of a bounded input completes sessions of the clock too.
        if self.windows.is_processing_time && watermark_ms < i64::MAX {
            return Ok(());
        }
        self.until_ms = self.until_ms.max(watermark_ms);
        self.emit(out)
    }

    fn next_timer_ms(&self) -> Option<i64> {
        let end_ms = self.sessions.next_end_ms().filter(|_| self.windows.is_processing_time)?;
        Some(self.windows.complete_at_ms(end_ms))
    }

    async fn on_processing_time(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if !self.windows.is_processing_time {
            return Ok(());
        }
        self.until_ms = now_ms;
        self.emit(out)
    }

    fn has_rest(&self) -> bool {
        self.sessions.next_end_ms().is_some_and(|end_ms| self.windows.complete_at_ms(end_ms) <= self.until_ms)
    }

    async fn emit_rest(&mut self, out: &mut Collector) -> Result<(), OperatorError> {
        self.emit(out)
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.sessions.committed(checkpoint);
    }

    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let mut snapshot = OperatorSnapshot::default();
        self.sessions.add_to(&mut snapshot, &self.held)?;
        self.watermark.add_to(&mut snapshot.keyed);
        Ok(snapshot)
    }
}
