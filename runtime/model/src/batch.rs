//! What flows between operators: a columnar batch of rows with change kinds and its origin.
//!
//! Invariant: `kinds`, when present, has exactly one entry per row; absent means that all rows are inserts.

use arrow_array::{RecordBatch, UInt8Array};
use std::sync::Arc;

/// The kind of change that a row stands for; numbers are Flink's `RowKind` byte values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ChangeKind {
    /// `+I`
    Insert = 0,
    /// `-U`: the row as it was before an update
    UpdateBefore = 1,
    /// `+U`: the row as it is after an update
    UpdateAfter = 2,
    /// `-D`
    Delete = 3,
}

impl ChangeKind {
    /// The kind for a byte from outside; `None` if it is none of 0 to 3.
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Insert),
            1 => Some(Self::UpdateBefore),
            2 => Some(Self::UpdateAfter),
            3 => Some(Self::Delete),
            _ => None,
        }
    }

    /// Flink's short form: `+I`, `-U`, `+U`, `-D`.
    pub fn short(self) -> &'static str {
        match self {
            Self::Insert => "+I",
            Self::UpdateBefore => "-U",
            Self::UpdateAfter => "+U",
            Self::Delete => "-D",
        }
    }
}

/// Records of one partition, by first and last offset (both included).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OffsetRange {
    /// Topic, or the source's own name of what it reads.
    pub topic: Arc<str>,
    /// Partition number.
    pub partition: i32,
    /// First offset that contributed to the batch.
    pub first: i64,
    /// Last offset that contributed to the batch.
    pub last: i64,
}

/// Where the rows of a batch were read from; carried along so that a fault report can name the records.
pub type Origin = Arc<[OffsetRange]>;

/// Rows in columns, with their change kinds and origin.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The columns.
    pub rows: RecordBatch,
    /// Change kind per row as Flink's byte values; `None` means all inserts. Never holds nulls.
    pub kinds: Option<UInt8Array>,
    /// Source positions of the rows; empty if unknown.
    pub origin: Origin,
}

impl Batch {
    /// A batch of inserts without a known origin.
    pub fn inserts(rows: RecordBatch) -> Self {
        Self { rows, kinds: None, origin: Arc::from([]) }
    }

    /// Number of rows.
    pub fn num_rows(&self) -> usize {
        self.rows.num_rows()
    }

    /// So many rows from row `start` on.
    #[must_use]
    pub fn slice(&self, start: usize, length: usize) -> Self {
        Self {
            rows: self.rows.slice(start, length),
            kinds: self.kinds.as_ref().map(|k| k.slice(start, length)),
            origin: self.origin.clone(),
        }
    }

    /// The same kinds and origin would not fit other rows, so both are stated: used by operators that map 1:1.
    pub fn with_rows(&self, rows: RecordBatch) -> Self {
        debug_assert!(self.kinds.as_ref().is_none_or(|k| k.len() == rows.num_rows()));
        Self { rows, kinds: self.kinds.clone(), origin: self.origin.clone() }
    }

    /// The rows at `indices`, with their change kinds; the origin stays the whole batch's.
    ///
    /// # Errors
    /// An index beyond the batch.
    pub fn take(&self, indices: &arrow_array::UInt32Array) -> Result<Self, arrow_schema::ArrowError> {
        let rows = take_rows(&self.rows, indices)?;
        let kinds = match &self.kinds {
            Some(kinds) => {
                let taken = arrow_select::take::take(kinds, indices, None)?;
                Some(arrow_array::cast::AsArray::as_primitive::<arrow_array::types::UInt8Type>(&taken).clone())
            }
            None => None,
        };
        Ok(Self { rows, kinds, origin: self.origin.clone() })
    }
}

/// The rows at `indices`; rows without columns are only counted.
///
/// # Errors
/// An index beyond the rows.
pub fn take_rows(rows: &RecordBatch, indices: &arrow_array::UInt32Array) -> Result<RecordBatch, arrow_schema::ArrowError> {
    if rows.num_columns() > 0 {
        return arrow_select::take::take_record_batch(rows, indices);
    }
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(indices.len()));
    RecordBatch::try_new_with_options(rows.schema(), Vec::new(), &options)
}
