//! Rows that leave an operator that keeps rows: each is one of the batch at hand, or one that was kept as bytes.

use super::{change_kinds, row_bytes::RowBytes};
use crate::error::OperatorError;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use arrow_select::interleave::interleave;
use millrace_model::{Batch, ChangeKind};
use std::sync::Arc;

/// A row that is kept.
#[derive(Debug, Clone)]
pub(super) enum Held {
    /// Row of the batch at hand; becomes bytes when the batch is done.
    Fresh(u32),
    /// As bytes.
    Stored(Arc<[u8]>),
}

/// Rows in the order in which they leave.
#[derive(Default)]
pub(super) struct Changes {
    kinds: Vec<u8>,
    /// Whether the row was kept, and its position in the batch or in `stored`.
    places: Vec<(usize, usize)>,
    stored: Vec<Arc<[u8]>>,
    /// A number per row, if the operator adds one.
    ranks: Vec<i64>,
    /// Nobody behind needs the rows that changes replace.
    without_before: bool,
}

impl Changes {
    /// No changes yet; with or without the rows that they replace.
    pub(super) fn telling(tells_before: bool) -> Self {
        Self { without_before: !tells_before, ..Self::default() }
    }

    pub(super) fn push(&mut self, kind: ChangeKind, row: &Held, rank: u64) {
        if self.without_before && kind == ChangeKind::UpdateBefore {
            return;
        }
        self.kinds.push(kind as u8);
        self.ranks.push(i64::try_from(rank).unwrap_or(i64::MAX));
        match row {
            Held::Fresh(row) => self.places.push((0, *row as usize)),
            Held::Stored(bytes) => {
                self.places.push((1, self.stored.len()));
                self.stored.push(bytes.clone());
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The rows as a batch; their numbers are the last column if `with_ranks`.
    pub(super) fn into_batch(self, now: &Batch, rows: &RowBytes, with_ranks: bool, output: &SchemaRef) -> Result<Batch, OperatorError> {
        let stored: Vec<&[u8]> = self.stored.iter().map(AsRef::as_ref).collect();
        let stored = rows.columns(&stored)?;
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(output.fields().len());
        for (now, stored) in now.rows.columns().iter().zip(&stored) {
            let sources: [&dyn Array; 2] = [now.as_ref(), stored.as_ref()];
            columns.push(interleave(&sources, &self.places)?);
        }
        if with_ranks {
            columns.push(Arc::new(Int64Array::from(self.ranks)));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.places.len()));
        let rows = RecordBatch::try_new_with_options(output.clone(), columns, &options)?;
        Ok(Batch { rows, kinds: change_kinds(self.kinds), origin: now.origin.clone() })
    }
}
