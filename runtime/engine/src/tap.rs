//! Looking at the rows that an operator of a running job sends.
//!
//! Invariants: without a reader a batch costs one relaxed load of an atomic; with readers it costs a copy of at most
//! [`BATCH_ROWS_MAX`] rows for each, and never a wait: what a slow reader does not take is counted and dropped.

use crate::trial::{change_of, row_encoder};
use arrow_array::UInt32Array;
use millrace_connector::ConnectorError;
use millrace_formats::{EncodedRows, Encoder};
use millrace_model::{Batch, Schema};
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};
use tokio::sync::mpsc;

/// Rows of one batch that a reader gets.
const BATCH_ROWS_MAX: usize = 100;
/// Batches that wait for a reader.
const WAITING_MAX: usize = 16;

/// The place in an operator's output where readers listen; shared by its subtasks.
#[derive(Default)]
pub(crate) struct OperatorTap {
    has_readers: AtomicBool,
    readers: parking_lot::Mutex<Vec<Listener>>,
}

#[derive(Clone)]
struct Listener {
    batches: mpsc::Sender<Batch>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    seen: AtomicU64,
    dropped: AtomicU64,
}

impl OperatorTap {
    /// Shows a batch to whoever listens.
    #[inline]
    pub(crate) fn offer(&self, batch: &Batch) {
        if self.has_readers.load(Relaxed) {
            self.show(batch);
        }
    }

    #[cold]
    fn show(&self, batch: &Batch) {
        let mut readers = self.readers.lock();
        readers.retain(|reader| !reader.batches.is_closed());
        self.has_readers.store(!readers.is_empty(), Relaxed);
        for reader in readers.iter() {
            let rows = batch.num_rows() as u64;
            reader.counts.seen.fetch_add(rows, Relaxed);
            let sent = reader.batches.try_reserve().ok().and_then(|place| {
                // Copied, so that a reader keeps no large batch alive.
                let first = UInt32Array::from_iter_values(0..batch.num_rows().min(BATCH_ROWS_MAX) as u32);
                let copy = batch.take(&first).ok()?;
                let copied = copy.num_rows() as u64;
                place.send(copy);
                Some(copied)
            });
            reader.counts.dropped.fetch_add(rows - sent.unwrap_or(0), Relaxed);
        }
    }

    fn listen(&self, listener: Listener) {
        let mut readers = self.readers.lock();
        readers.push(listener);
        self.has_readers.store(true, Relaxed);
    }
}

/// A row that an operator sent.
#[derive(Debug, Clone, Serialize)]
pub struct TappedRow {
    /// What became of the row: `+I`, `-U`, `+U`, `-D`.
    pub change: &'static str,
    /// Its columns.
    pub row: Box<RawValue>,
}

/// Rows that an operator sent, and how many more there were.
#[derive(Debug, Clone, Serialize)]
pub struct TappedRows {
    /// Some of the rows.
    pub rows: Vec<TappedRow>,
    /// Rows that have passed since the tap was opened.
    pub seen: u64,
    /// Rows of them that were left out.
    pub dropped: u64,
}

/// Reads what an operator sends, until it is dropped or the job ends.
pub struct TapReader {
    schema: Schema,
    encoder: Encoder,
    batches: mpsc::Receiver<Batch>,
    counts: Arc<Counts>,
}

impl TapReader {
    /// Listens at all `taps`, whose rows have these columns.
    pub(crate) fn open(taps: &[Arc<OperatorTap>], schema: Schema) -> Result<Self, ConnectorError> {
        let encoder = row_encoder(&schema)?;
        let (sender, batches) = mpsc::channel(WAITING_MAX);
        let counts = Arc::new(Counts::default());
        for tap in taps {
            tap.listen(Listener { batches: sender.clone(), counts: counts.clone() });
        }
        Ok(Self { schema, encoder, batches, counts })
    }

    /// Columns of the rows.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Waits for rows; `None` when the job has ended. Cancel safe.
    ///
    /// # Errors
    /// Rows that cannot be shown: a defect of ours.
    pub async fn next(&mut self) -> Result<Option<TappedRows>, ConnectorError> {
        let Some(batch) = self.batches.recv().await else { return Ok(None) };
        let mut encoded = EncodedRows::default();
        self.encoder.encode(&batch.rows, &mut encoded).map_err(|e| ConnectorError::Internal(format!("tapped rows: {e}")))?;
        let row = |(at, text): (usize, &[u8])| {
            let text = String::from_utf8(text.to_vec()).map_err(|e| ConnectorError::Internal(e.to_string()))?;
            let row = RawValue::from_string(text).map_err(|e| ConnectorError::Internal(e.to_string()))?;
            Ok(TappedRow { change: change_of(&batch, at), row })
        };
        let rows = encoded.iter().enumerate().map(row).collect::<Result<_, ConnectorError>>()?;
        Ok(Some(TappedRows { rows, seen: self.counts.seen.load(Relaxed), dropped: self.counts.dropped.load(Relaxed) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int64Array, RecordBatch};
    use millrace_model::{DataType, Field};

    fn schema() -> Schema {
        Schema::new(vec![Field::new("n", DataType::BigInt, false)]).unwrap()
    }

    fn batch(rows: std::ops::Range<i64>) -> Batch {
        let column = Arc::new(Int64Array::from_iter_values(rows));
        Batch::inserts(RecordBatch::try_new(schema().to_arrow(), vec![column]).unwrap())
    }

    /// RUN-5, tap: nobody waits for a slow reader; what it has not taken is counted.
    #[tokio::test]
    async fn a_slow_reader_loses_rows_and_holds_nobody_up() {
        let tap = Arc::new(OperatorTap::default());
        tap.offer(&batch(0..10));
        let mut reader = TapReader::open(std::slice::from_ref(&tap), schema()).unwrap();
        for _ in 0..20 {
            tap.offer(&batch(0..150));
        }
        let first = reader.next().await.unwrap().unwrap();
        assert_eq!((first.rows.len(), first.rows[1].row.get(), first.rows[1].change), (100, "{\"n\":1}", "+I"));
        assert_eq!((first.seen, first.dropped), (20 * 150, 20 * 150 - 16 * 100));
        drop(reader);
        tap.offer(&batch(0..1));
        assert!(!tap.has_readers.load(Relaxed), "the tap is closed with its last reader");
    }
}
