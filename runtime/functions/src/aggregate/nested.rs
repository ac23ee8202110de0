//! Arrays, maps, rows and multisets as elements of states.

use super::{
    cells::{CellColumn, CellReader},
    element::Element,
    state::{damaged, put_bytes, take_bytes},
};
use crate::EvaluationError;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType as Arrow;

/// A nested value, encoded; ordered somehow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Nested(Box<[u8]>);

impl Element for Nested {
    type Column = CellColumn;

    fn column(array: &ArrayRef) -> Result<CellColumn, EvaluationError> {
        CellColumn::new(array)
    }

    fn at(column: &CellColumn, row: usize) -> Self {
        let mut cell = Vec::new();
        column.put(row, &mut cell);
        Self(cell.into())
    }

    fn build(values: &mut dyn ExactSizeIterator<Item = Option<&Self>>, carrier: &Arrow) -> Result<ArrayRef, EvaluationError> {
        let mut reader = CellReader::new(carrier)?;
        for value in values {
            match value {
                Some(cell) => reader.push(&mut &*cell.0)?,
                None => reader.push_null(),
            }
        }
        reader.finish()
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(&self.0, out);
    }

    fn take(input: &mut &[u8], carrier: &Arrow) -> Result<Self, EvaluationError> {
        let cell = take_bytes(input)?;
        let (mut rest, mut reader) = (cell, CellReader::new(carrier)?);
        reader.push(&mut rest)?;
        // What makes no column now would make none when asked for its value.
        let value = reader.finish()?;
        if !rest.is_empty() || value.is_null(0) {
            return Err(damaged());
        }
        Ok(Self(cell.into()))
    }

    fn heap_bytes(&self) -> usize {
        self.0.len() + 16
    }
}
