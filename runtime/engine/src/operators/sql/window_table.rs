//! Window table functions without aggregation: adds start, end and time of each window that a row lies in. Stateless;
//! late rows pass, as in Flink.

use super::{window_aggregate::Windows, window_time::windows_of};
use crate::error::OperatorError;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, TimestampMillisecondArray, UInt32Array};
use arrow_schema::{DataType, SchemaRef, TimeUnit};
use chrono_tz::Tz;
use millrace_model::Batch;
use millrace_sql::plan::{WindowSpec, WindowStrategy};
use std::sync::Arc;

pub(crate) struct WindowTable {
    windows: Windows,
    output: SchemaRef,
}

impl WindowTable {
    pub(crate) fn new(window: WindowSpec, zone: Tz, output: SchemaRef) -> Self {
        Self { windows: Windows::new(&WindowStrategy::Time(window), zone), output }
    }

    pub(crate) fn apply(&mut self, batch: Batch, now_ms: i64) -> Result<Batch, OperatorError> {
        let batch = with_times(batch, &self.windows)?;
        let times = self.windows.local_times(&batch.rows, now_ms)?;
        let (mut rows, mut starts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for (row, &time_ms) in times.iter().enumerate() {
            windows_of(self.windows.kind, time_ms, |start, end| {
                rows.push(row as u32);
                starts.push(start);
                ends.push(end);
            });
        }
        let count = rows.len();
        let one_each = count == batch.num_rows() && rows.iter().enumerate().all(|(i, &r)| i == r as usize);
        let taken = if one_each { batch } else { batch.take(&UInt32Array::from(rows))? };
        let mut columns: Vec<ArrayRef> = taken.rows.columns().to_vec();
        columns.extend(bounds(&self.windows, &self.output, starts, ends));
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let rows = RecordBatch::try_new_with_options(self.output.clone(), columns, &options)?;
        Ok(Batch { rows, ..taken })
    }
}

/// The rows that have a time: Flink's window functions drop the others.
pub(super) fn with_times(batch: Batch, windows: &Windows) -> Result<Batch, OperatorError> {
    Ok(match batch.rows.column(windows.column).nulls().filter(|n| n.null_count() > 0) {
        Some(nulls) if !windows.is_processing_time => {
            batch.take(&UInt32Array::from_iter_values(nulls.valid_indices().map(|i| i as u32)))?
        }
        _ => batch,
    })
}

/// The columns `window_start`, `window_end`, `window_time`, the last ones of `output`.
pub(super) fn bounds(windows: &Windows, output: &SchemaRef, starts: Vec<i64>, ends: Vec<i64>) -> [ArrayRef; 3] {
    let is_instant = output.fields().last().is_some_and(|f| f.data_type() != &DataType::Timestamp(TimeUnit::Millisecond, None));
    let time: Vec<i64> = ends.iter().map(|&end| if is_instant { windows.time_of_ms(end) } else { end.saturating_sub(1) }).collect();
    let time = TimestampMillisecondArray::from(time);
    [
        Arc::new(TimestampMillisecondArray::from(starts)),
        Arc::new(TimestampMillisecondArray::from(ends)),
        if is_instant { Arc::new(time.with_timezone("UTC")) } else { Arc::new(time) },
    ]
}
