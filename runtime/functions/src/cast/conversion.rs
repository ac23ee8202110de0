//! How a cast deals with values that do not fit, for all families of casts.

use super::TextForm;
use crate::{EvaluationContext, EvaluationError};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, StringArray, builder::PrimitiveBuilder};
use std::sync::Arc;

/// What a cast may depend on besides the value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conversion<'a> {
    /// `TRY_CAST`
    pub(crate) is_try: bool,
    /// How values are written as texts.
    pub(crate) text: TextForm,
    /// Zone, times.
    pub(crate) context: &'a EvaluationContext,
}

/// A column after a cast.
pub(super) struct Converted {
    /// The values.
    pub(super) array: ArrayRef,
    /// Rows in which `TRY_CAST` met a value that does not fit, ascending. They are NULL; a nested value around one
    /// becomes NULL as a whole, which is why they are told apart from other NULLs.
    pub(super) failed: Vec<u32>,
}

impl From<ArrayRef> for Converted {
    fn from(array: ArrayRef) -> Self {
        Self { array, failed: Vec::new() }
    }
}

impl Converted {
    /// A column in which nothing failed.
    pub(super) fn whole(array: impl Array + 'static) -> Self {
        Self { array: Arc::new(array), failed: Vec::new() }
    }
}

impl Conversion<'_> {
    /// The verdict on a value that does not fit: the error, or note that the row failed.
    pub(super) fn fail<T>(self, row: usize, error: EvaluationError, failed: &mut Vec<u32>) -> Result<Option<T>, EvaluationError> {
        if self.is_try {
            failed.push(row as u32);
            Ok(None)
        } else {
            Err(error)
        }
    }

    /// Casts numbers one by one. `Ok(None)` is NULL without being a failure.
    pub(super) fn numbers<I: ArrowPrimitiveType, O: ArrowPrimitiveType>(
        self,
        array: &PrimitiveArray<I>,
        each: impl Fn(I::Native) -> Result<Option<O::Native>, EvaluationError>,
    ) -> Result<(PrimitiveArray<O>, Vec<u32>), EvaluationError> {
        self.rows::<O>(array.len(), |row| if array.is_null(row) { Ok(None) } else { each(array.value(row)) })
    }

    /// Casts texts one by one.
    pub(super) fn texts<O: ArrowPrimitiveType>(
        self,
        array: &StringArray,
        each: impl Fn(&str) -> Result<Option<O::Native>, EvaluationError>,
    ) -> Result<(PrimitiveArray<O>, Vec<u32>), EvaluationError> {
        self.rows::<O>(array.len(), |row| if array.is_null(row) { Ok(None) } else { each(array.value(row)) })
    }

    fn rows<O: ArrowPrimitiveType>(
        self,
        rows: usize,
        each: impl Fn(usize) -> Result<Option<O::Native>, EvaluationError>,
    ) -> Result<(PrimitiveArray<O>, Vec<u32>), EvaluationError> {
        let mut builder = PrimitiveBuilder::<O>::with_capacity(rows);
        let mut failed = Vec::new();
        for row in 0..rows {
            let value = match each(row) {
                Ok(value) => value,
                Err(error) => self.fail(row, error, &mut failed)?,
            };
            builder.append_option(value);
        }
        Ok((builder.finish(), failed))
    }
}
