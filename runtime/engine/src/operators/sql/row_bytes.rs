//! Rows as bytes, for keys and for rows that are kept in state: Arrow's row format (<https://docs.rs/arrow-row>).
//!
//! Invariant: equal rows have equal bytes; the bytes of key columns are those of [`crate::key::KeyHasher`]. Bytes come back
//! from storage: what is no row of these columns is an error, not a panic.

use super::groups::read_key;
use crate::{
    error::OperatorError,
    key::{KeyGroup, key_group_of},
    state::StateError,
    stored_key,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::DataType;
use millrace_model::Schema;

pub(crate) struct RowBytes {
    columns: Vec<usize>,
    types: Vec<DataType>,
    converter: RowConverter,
}

impl RowBytes {
    /// Rows of these columns of `schema`.
    pub(crate) fn new(columns: &[usize], schema: &Schema) -> Result<Self, OperatorError> {
        let types: Vec<DataType> = columns.iter().map(|&c| schema.fields()[c].data_type.to_arrow()).collect();
        let converter = RowConverter::new(types.iter().cloned().map(SortField::new).collect())?;
        Ok(Self { columns: columns.to_vec(), types, converter })
    }

    /// The bytes of every row; empty ones when there are no columns.
    pub(crate) fn convert(&self, rows: &RecordBatch) -> Result<ByteRows, OperatorError> {
        if self.columns.is_empty() {
            return Ok(ByteRows(None));
        }
        let columns: Vec<ArrayRef> = self.columns.iter().map(|&c| rows.column(c).clone()).collect();
        Ok(ByteRows(Some(self.converter.convert_columns(&columns)?)))
    }

    /// Takes a key of key group `group` that was stored off the front.
    ///
    /// # Errors
    /// Bytes that are no row of these columns, or of another key group.
    pub(crate) fn stored_key<'a>(&self, group: KeyGroup, blob: &mut &'a [u8]) -> Result<&'a [u8], StateError> {
        let key = read_key(blob)?;
        self.check_key(group, key)?;
        Ok(key)
    }

    /// Whether a stored key is one of key group `group`.
    ///
    /// # Errors
    /// Bytes that are no row of these columns, or of another key group.
    pub(crate) fn check_key(&self, group: KeyGroup, key: &[u8]) -> Result<(), StateError> {
        self.check_row(key)?;
        let found = key_group_of(key);
        if found == group { Ok(()) } else { Err(StateError(format!("a key of group {found} lies in the blob of group {group}"))) }
    }

    /// Takes a row that was stored off the front.
    ///
    /// # Errors
    /// Bytes that are no row of these columns.
    pub(crate) fn stored_row<'a>(&self, blob: &mut &'a [u8]) -> Result<&'a [u8], StateError> {
        let row = read_key(blob)?;
        self.check_row(row)?;
        Ok(row)
    }

    /// Whether these bytes are a row.
    ///
    /// # Errors
    /// Bytes that are no row of these columns.
    pub(crate) fn check_row(&self, row: &[u8]) -> Result<(), StateError> {
        if !stored_key::is_well_formed(row, &self.types) {
            return Err(StateError(format!("{} bytes are no row of the types {:?}", row.len(), self.types)));
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
