//! Rows that are collected before they are worked on (`table.exec.mini-batch.*`): until there are enough of them, until the
//! first has waited long enough, and at the latest until a watermark or a checkpoint comes behind them.

use crate::error::OperatorError;
use arrow_array::{RecordBatch, RecordBatchOptions, UInt8Array};
use arrow_select::concat::concat_batches;
use millrace_model::{Batch, ChangeKind, Origin};
use millrace_sql::plan::MiniBatch;

/// What has been collected.
pub(super) struct Collected {
    settings: MiniBatch,
    batches: Vec<Batch>,
    rows: u64,
    due_ms: i64,
    /// Processing time of the last rows.
    now_ms: i64,
}

impl Collected {
    pub(super) fn new(settings: MiniBatch) -> Self {
        Self { settings, batches: Vec::new(), rows: 0, due_ms: i64::MAX, now_ms: 0 }
    }

    /// Adds rows; answers whether there are enough.
    pub(super) fn add(&mut self, batch: Batch, now_ms: i64) -> bool {
        self.rows += batch.num_rows() as u64;
        self.now_ms = now_ms;
        self.due_ms = self.due_ms.min(now_ms.saturating_add(i64::try_from(self.settings.allow_latency_ms).unwrap_or(i64::MAX)));
        self.batches.push(batch);
        self.rows >= self.settings.size
    }

    /// Processing time of the last rows.
    pub(super) fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// When the first row will have waited long enough.
    pub(super) fn next_timer_ms(&self) -> Option<i64> {
        (self.due_ms < i64::MAX).then_some(self.due_ms)
    }

    /// Whether it has.
    pub(super) fn is_due(&self, now_ms: i64) -> bool {
        self.due_ms <= now_ms
    }

    /// Takes everything as one batch.
    pub(super) fn take(&mut self) -> Result<Option<Batch>, OperatorError> {
        self.rows = 0;
        self.due_ms = i64::MAX;
        one_batch(std::mem::take(&mut self.batches))
    }
}

fn one_batch(mut batches: Vec<Batch>) -> Result<Option<Batch>, OperatorError> {
    let Some(first) = batches.first() else {
        return Ok(None);
    };
    if batches.len() == 1 {
        return Ok(batches.pop());
    }
    let count = batches.iter().map(Batch::num_rows).sum();
    let rows = if first.rows.num_columns() == 0 {
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(first.rows.schema(), Vec::new(), &options)?
    } else {
        concat_batches(&first.rows.schema(), batches.iter().map(|b| &b.rows))?
    };
    let kinds = batches.iter().any(|b| b.kinds.is_some()).then(|| {
        let all = batches.iter().flat_map(|b| match &b.kinds {
            Some(kinds) => kinds.values().to_vec(),
            None => vec![ChangeKind::Insert as u8; b.num_rows()],
        });
        UInt8Array::from_iter_values(all)
    });
    let origin: Origin = batches.iter().flat_map(|b| b.origin.iter().cloned()).collect::<Vec<_>>().into();
    Ok(Some(Batch { rows, kinds, origin }))
}
