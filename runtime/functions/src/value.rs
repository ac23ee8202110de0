//! A column, or one value that stands for a whole column.

use arrow_array::{Array, ArrayRef, Datum, UInt32Array};
use arrow_schema::ArrowError;

/// The value of an expression over a batch.
#[derive(Debug, Clone)]
pub enum Columnar {
    /// One value per row.
    Array(ArrayRef),
    /// The same value for every row: an array of length one.
    Scalar(ArrayRef),
}

impl Columnar {
    /// The values as an array of `rows` values.
    ///
    /// # Errors
    /// A scalar that is not of length one.
    pub fn to_array(&self, rows: usize) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Array(array) => Ok(array.clone()),
            Self::Scalar(value) => arrow_select::take::take(value, &UInt32Array::from(vec![0; rows]), None),
        }
    }

    /// The array inside: all values, or the one.
    pub fn inner(&self) -> &ArrayRef {
        match self {
            Self::Array(array) | Self::Scalar(array) => array,
        }
    }

    /// The one value, when it is one.
    pub fn as_scalar(&self) -> Option<&ArrayRef> {
        match self {
            Self::Array(_) => None,
            Self::Scalar(value) => Some(value),
        }
    }

    /// Position in `inner` of row `row`.
    #[inline]
    pub fn index(&self, row: usize) -> usize {
        match self {
            Self::Array(_) => row,
            Self::Scalar(_) => 0,
        }
    }

    /// Whether row `row` is NULL.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        self.inner().is_null(self.index(row))
    }
}

impl Datum for Columnar {
    fn get(&self) -> (&dyn Array, bool) {
        match self {
            Self::Array(array) => (array.as_ref(), false),
            Self::Scalar(value) => (value.as_ref(), true),
        }
    }
}
