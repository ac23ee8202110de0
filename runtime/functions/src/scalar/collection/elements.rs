//! Elements that can be compared, as Flink compares them: NULL equals NULL, `NaN` equals nothing, the zeros are equal.

use crate::EvaluationError;
use arrow_array::{Array, ArrayRef, cast::AsArray, types::Float32Type, types::Float64Type};
use arrow_row::{Row, RowConverter, Rows, SortField};
use std::sync::Arc;

/// The elements of one or more columns of the same type, each as bytes that are equal when the elements are.
pub(super) struct Elements {
    columns: Vec<(Rows, ArrayRef)>,
}

impl Elements {
    /// # Errors
    /// Elements of a type that cannot be compared.
    pub(super) fn new(columns: &[&ArrayRef]) -> Result<Self, EvaluationError> {
        let Some(first) = columns.first() else { return Ok(Self { columns: Vec::new() }) };
        let converter = RowConverter::new(vec![SortField::new(first.data_type().clone())])?;
        let columns = columns.iter().map(|column| {
            let column = with_one_zero(column);
            Ok((converter.convert_columns(&[Arc::clone(&column)])?, column))
        });
        Ok(Self { columns: columns.collect::<Result<_, EvaluationError>>()? })
    }

    /// An element, by column and place.
    pub(super) fn get(&self, column: usize, place: usize) -> Row<'_> {
        self.columns[column].0.row(place)
    }

    /// Whether an element equals no element, itself included.
    pub(super) fn is_nan(&self, column: usize, place: usize) -> bool {
        let array = &self.columns[column].1;
        array.is_valid(place)
            && (array.as_primitive_opt::<Float64Type>().is_some_and(|a| a.value(place).is_nan())
                || array.as_primitive_opt::<Float32Type>().is_some_and(|a| a.value(place).is_nan()))
    }

    /// Whether two elements are equal.
    pub(super) fn equal(&self, (column, place): (usize, usize), (other, other_place): (usize, usize)) -> bool {
        self.get(column, place) == self.get(other, other_place) && !self.is_nan(column, place)
    }
}

/// Floats with `0.0` for `-0.0`.
fn with_one_zero(column: &ArrayRef) -> ArrayRef {
    if let Some(array) = column.as_primitive_opt::<Float64Type>() {
        return Arc::new(array.unary::<_, Float64Type>(|v| if v == 0.0 { 0.0 } else { v }));
    }
    if let Some(array) = column.as_primitive_opt::<Float32Type>() {
        return Arc::new(array.unary::<_, Float32Type>(|v| if v == 0.0 { 0.0 } else { v }));
    }
    Arc::clone(column)
}
