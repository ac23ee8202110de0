//! Rows as bytes, for keys and for rows that are kept in state: Arrow's row format (<https://docs.rs/arrow-row>).
//!
//! Invariant: equal rows have equal bytes; the bytes of key columns are those of [`crate::key::KeyHasher`]. Bytes come back
//! from storage: what is no row of these columns is an error, not a panic.

use crate::{error::OperatorError, state::StateError};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_row::{RowConverter, Rows, SortField};
use millrace_model::Schema;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Rows that are read together to see whether they can be.
const CHECKED_ROWS_MAX: usize = 8_192;

pub(crate) struct RowBytes {
    columns: Vec<usize>,
    converter: RowConverter,
}

impl RowBytes {
    /// Rows of these columns of `schema`.
    pub(crate) fn new(columns: &[usize], schema: &Schema) -> Result<Self, OperatorError> {
        let fields = columns.iter().map(|&c| SortField::new(schema.fields()[c].data_type.to_arrow())).collect();
        Ok(Self { columns: columns.to_vec(), converter: RowConverter::new(fields)? })
    }

    /// The bytes of every row; empty ones when there are no columns.
    pub(crate) fn convert(&self, rows: &RecordBatch) -> Result<ByteRows, OperatorError> {
        if self.columns.is_empty() {
            return Ok(ByteRows(None));
        }
        let columns: Vec<ArrayRef> = self.columns.iter().map(|&c| rows.column(c).clone()).collect();
        Ok(ByteRows(Some(self.converter.convert_columns(&columns)?)))
    }

    /// Whether rows that were stored can be read back.
    ///
    /// # Errors
    /// Bytes that are no row of these columns.
    pub(crate) fn check(&self, rows: &[&[u8]]) -> Result<(), StateError> {
        for rows in rows.chunks(CHECKED_ROWS_MAX) {
            // Arrow trusts the bytes that it has made; these may be others.
            match catch_unwind(AssertUnwindSafe(|| self.columns(rows))) {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(StateError(format!("a stored row cannot be read: {error}"))),
                Err(_) => return Err(StateError("a stored row is damaged".into())),
            }
        }
        Ok(())
    }

    /// The columns that rows of bytes stand for.
    pub(crate) fn columns(&self, rows: &[&[u8]]) -> Result<Vec<ArrayRef>, OperatorError> {
        if self.columns.is_empty() {
            return Ok(Vec::new());
        }
        let parser = self.converter.parser();
        Ok(self.converter.convert_rows(rows.iter().map(|row| parser.parse(row)))?)
    }
}

/// Rows as bytes, made from a batch.
pub(crate) struct ByteRows(Option<Rows>);

impl ByteRows {
    /// The bytes of row `row`.
    pub(crate) fn get(&self, row: usize) -> &[u8] {
        self.0.as_ref().map_or(&[], |rows| rows.row(row).data())
    }
}
