//! Rows in the order of their time, then of other keys (Flink's `RowTimeSortOperator`, `ProcTimeSortOperator`).
//!
//! By event time rows wait until the watermark has reached them; a row that is not later than the last one that has come
//! out is late. By the clock the rows of a millisecond are ordered by the other keys.
//!
//! Invariant: rows that wait are one batch between calls; there are no keys, so one subtask has all rows.

use super::{
    groups::{BlobWriter, read_i64, read_key},
    late_rows::LateRows,
    row_bytes::RowBytes,
    sort_bytes::SortBytes,
    window_time::event_times,
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
    state::StateError,
};
use arrow_array::{RecordBatch, UInt32Array};
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use async_trait::async_trait;
use millrace_model::{Batch, take_rows};
use millrace_sql::plan::SortKey;
use std::collections::BTreeMap;

const ROWS: &str = "rows";

pub(crate) struct TemporalSort {
    /// The event-time column; the clock if there is none.
    time_column: Option<usize>,
    sorts: SortBytes,
    rows: RowBytes,
    /// Rows that wait, as they came.
    waiting: Vec<RecordBatch>,
    /// The least time of them; by the clock when they are due.
    first_ms: i64,
    /// Time of the last row that has come out.
    emitted_ms: i64,
    late: LateRows,
    output: SchemaRef,
}

impl TemporalSort {
    pub(crate) fn new(
        time_column: Option<usize>,
        order: &[SortKey],
        late: LateRows,
        output: SchemaRef,
        context: &OperatorContext,
    ) -> Result<Self, OperatorError> {
        let all: Vec<usize> = (0..context.input.fields().len()).collect();
        let mut made = Self {
            time_column,
            sorts: SortBytes::new(order, &context.input)?,
            rows: RowBytes::new(&all, &context.input)?,
            waiting: Vec::new(),
            first_ms: i64::MAX,
            emitted_ms: i64::MIN,
            late,
            output,
        };
        for blob in context.restored.get(ROWS).into_iter().flat_map(BTreeMap::values) {
            let mut blob: &[u8] = blob;
            read_key(&mut blob)?;
            made.emitted_ms = read_i64(&mut blob)?;
            let mut stored = Vec::new();
            while !blob.is_empty() {
                stored.push(made.rows.stored_row(&mut blob)?);
            }
            if stored.is_empty() {
                continue;
            }
            let rows = RecordBatch::try_new(context.input.to_arrow(), made.rows.columns(&stored)?)?;
            made.first_ms = match made.times(&rows)? {
                Some(times) => times.iter().copied().min().unwrap_or(i64::MAX),
                // What was waiting for its millisecond is due.
                None => i64::MIN,
            };
            made.waiting.push(rows);
        }
        Ok(made)
    }

    fn times<'r>(&self, rows: &'r RecordBatch) -> Result<Option<&'r [i64]>, OperatorError> {
        let Some(column) = self.time_column else { return Ok(None) };
        let column = rows.column(column);
        event_times(column, "the ORDER BY").map(Some)
    }

    /// Lets the rows go whose time is not beyond `until_ms`.
    fn fire(&mut self, until_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if self.first_ms > until_ms || self.waiting.is_empty() {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting);
        let schema = waiting[0].schema();
        let rows = concat_batches(&schema, &waiting)?;
        let (due, kept): (Vec<u32>, Vec<u32>) = {
            let times = self.times(&rows)?;
            let sorts = self.sorts.convert(&rows)?;
            let time = |row: u32| times.map_or(0, |times| times[row as usize]);
            let is_due = |row: &u32| times.is_none() || time(*row) <= until_ms;
            let (mut due, kept): (Vec<u32>, Vec<u32>) = (0..rows.num_rows() as u32).partition(is_due);
            // Stable: equal rows leave as they came.
            due.sort_by(|&a, &b| time(a).cmp(&time(b)).then_with(|| sorts.get(a as usize).cmp(sorts.get(b as usize))));
            self.emitted_ms = due.last().map_or(self.emitted_ms, |&last| self.emitted_ms.max(time(last)));
            self.first_ms = kept.iter().map(|&row| time(row)).min().unwrap_or(i64::MAX);
            (due, kept)
        };
        if !kept.is_empty() {
            self.waiting.push(take_rows(&rows, &UInt32Array::from(kept))?);
        }
        let due = take_rows(&rows, &UInt32Array::from(due))?;
        out.emit(Batch::inserts(RecordBatch::try_new(self.output.clone(), due.columns().to_vec())?));
        Ok(())
    }
}

#[async_trait]
impl Operator for TemporalSort {
    async fn process(&mut self, batch: Batch, now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        let Some(times) = self.times(&batch.rows)? else {
            self.first_ms = self.first_ms.min(now_ms.saturating_add(1));
            self.waiting.push(batch.rows);
            return Ok(());
        };
        let (late, kept): (Vec<u32>, Vec<u32>) = (0..batch.num_rows() as u32).partition(|&row| times[row as usize] <= self.emitted_ms);
        self.first_ms = kept.iter().map(|&row| times[row as usize]).fold(self.first_ms, i64::min);
        if late.is_empty() {
            self.waiting.push(batch.rows);
            return Ok(());
        }
        if !kept.is_empty() {
            self.waiting.push(take_rows(&batch.rows, &UInt32Array::from(kept))?);
        }
        self.late.take_behind(&batch, &late, self.emitted_ms).await
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        // By the clock only the end of all input lets rows go before they are due.
        if self.time_column.is_some() || watermark_ms == i64::MAX { self.fire(watermark_ms, out) } else { Ok(()) }
    }

    fn next_timer_ms(&self) -> Option<i64> {
        (self.time_column.is_none() && !self.waiting.is_empty()).then_some(self.first_ms)
    }

    async fn on_processing_time(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if self.time_column.is_none() { self.fire(now_ms, out) } else { Ok(()) }
    }

    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let mut stored = Vec::new();
        for rows in &self.waiting {
            let bytes = self.rows.convert(rows)?;
            for row in 0..rows.num_rows() {
                stored.extend_from_slice(
                    &u32::try_from(bytes.get(row).len()).map_err(|_| StateError("a row of 4 GiB".into()))?.to_le_bytes(),
                );
                stored.extend_from_slice(bytes.get(row));
            }
        }
        let mut blobs = BlobWriter::default();
        blobs.entry(&[], |out| {
            out.extend_from_slice(&self.emitted_ms.to_le_bytes());
            out.extend_from_slice(&stored);
        });
        Ok(OperatorSnapshot { keyed: BTreeMap::from([(ROWS.to_owned(), blobs.finish())]), ..OperatorSnapshot::default() })
    }
}
