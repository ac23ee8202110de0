//! Reading arguments row by row and building results, for functions that are written per row.
//!
//! Invariants: a text of a result is at most [`VALUE_BYTES_MAX`] long, and all results that an expression needs at one time are
//! bounded by [`crate::meter`]: data can make a call fail, not exhaust the memory. Each row counts as steps, so that a call can be
//! ended. When all arguments are scalars one value is computed, not a column.

use super::Call;
use crate::{
    Columnar, EvaluationError,
    meter::{self, Steps},
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, PrimitiveArray, StringArray, builder::BooleanBuilder,
    builder::PrimitiveBuilder, cast::AsArray,
};
use arrow_buffer::{Buffer, NullBufferBuilder, OffsetBuffer};
use std::sync::Arc;

/// Longest text or byte string that a function answers.
pub(super) const VALUE_BYTES_MAX: usize = 16 << 20;

/// How many values to compute, and whether the one stands for all rows.
pub(super) fn extent(call: &Call<'_>) -> (usize, bool) {
    let is_scalar = call.rows > 0 && call.arguments.iter().all(|a| a.as_scalar().is_some());
    (if is_scalar { 1 } else { call.rows }, is_scalar)
}

/// A column, or the scalar that it is.
pub(super) fn columnar(array: ArrayRef, is_scalar: bool) -> Columnar {
    if is_scalar { Columnar::Scalar(array) } else { Columnar::Array(array) }
}

/// Argument `index` of a call.
pub(super) fn argument<'a>(call: &Call<'a>, index: usize) -> Result<&'a Columnar, EvaluationError> {
    call.arguments.get(index).ok_or_else(|| EvaluationError(format!("argument {} is missing", index + 1)))
}

fn wrong_carrier(index: usize, array: &dyn Array) -> EvaluationError {
    EvaluationError(format!("argument {} is carried by {}, which the function did not ask for", index + 1, array.data_type()))
}

/// Values of an argument by row; `A` is its Arrow array.
#[derive(Debug)]
pub(super) struct Values<'a, A> {
    array: &'a A,
    is_scalar: bool,
}

impl<'a, A: Array> Values<'a, A> {
    fn position(&self, row: usize) -> Option<usize> {
        let position = if self.is_scalar { 0 } else { row };
        self.array.is_valid(position).then_some(position)
    }

    /// Whether there is one value for all rows.
    pub(super) fn is_scalar(&self) -> bool {
        self.is_scalar
    }
}

pub(super) type Texts<'a> = Values<'a, StringArray>;
pub(super) type Numbers<'a, T> = Values<'a, PrimitiveArray<T>>;

impl<'a> Values<'a, StringArray> {
    /// The text of a row; `None` is NULL.
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<&'a str> {
        self.position(row).map(|p| self.array.value(p))
    }
}

impl<'a> Values<'a, BinaryArray> {
    /// The bytes of a row; `None` is NULL.
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<&'a [u8]> {
        self.position(row).map(|p| self.array.value(p))
    }
}

#[allow(dead_code)] // for families of functions
impl Values<'_, BooleanArray> {
    /// The truth of a row; `None` is NULL.
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<bool> {
        self.position(row).map(|p| self.array.value(p))
    }
}

impl<T: ArrowPrimitiveType> Values<'_, PrimitiveArray<T>> {
    /// The number of a row; `None` is NULL.
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<T::Native> {
        self.position(row).map(|p| self.array.value(p))
    }
}

/// Argument `index` as texts.
pub(super) fn texts<'a>(call: &Call<'a>, index: usize) -> Result<Texts<'a>, EvaluationError> {
    let column = argument(call, index)?;
    let array = column.inner().as_string_opt::<i32>().ok_or_else(|| wrong_carrier(index, column.inner()))?;
    Ok(Values { array, is_scalar: column.as_scalar().is_some() })
}

/// Argument `index` as byte strings.
pub(super) fn bytes<'a>(call: &Call<'a>, index: usize) -> Result<Values<'a, BinaryArray>, EvaluationError> {
    let column = argument(call, index)?;
    let array = column.inner().as_binary_opt::<i32>().ok_or_else(|| wrong_carrier(index, column.inner()))?;
    Ok(Values { array, is_scalar: column.as_scalar().is_some() })
}

/// Argument `index` as truth values.
#[allow(dead_code)] // for families of functions
pub(super) fn booleans<'a>(call: &Call<'a>, index: usize) -> Result<Values<'a, BooleanArray>, EvaluationError> {
    let column = argument(call, index)?;
    let array = column.inner().as_boolean_opt().ok_or_else(|| wrong_carrier(index, column.inner()))?;
    Ok(Values { array, is_scalar: column.as_scalar().is_some() })
}

/// Argument `index` as numbers of Arrow type `T`.
pub(super) fn numbers<'a, T: ArrowPrimitiveType>(call: &Call<'a>, index: usize) -> Result<Numbers<'a, T>, EvaluationError> {
    let column = argument(call, index)?;
    let array = column.inner().as_primitive_opt::<T>().ok_or_else(|| wrong_carrier(index, column.inner()))?;
    Ok(Values { array, is_scalar: column.as_scalar().is_some() })
}

/// Argument `index` as texts or byte strings: a view of the bytes of either.
pub(super) fn raw<'a>(call: &Call<'a>, index: usize) -> Result<impl Fn(usize) -> Option<&'a [u8]> + use<'a>, EvaluationError> {
    let column = argument(call, index)?;
    let text = column.inner().as_string_opt::<i32>();
    let binary = column.inner().as_binary_opt::<i32>();
    if text.is_none() && binary.is_none() {
        return Err(wrong_carrier(index, column.inner()));
    }
    Ok(move |row| {
        let position = column.index(row);
        match (text, binary) {
            (Some(text), _) => text.is_valid(position).then(|| text.value(position).as_bytes()),
            (None, Some(binary)) => binary.is_valid(position).then(|| binary.value(position)),
            (None, None) => None,
        }
    })
}

/// Texts of a result, one after the other.
#[derive(Debug)]
pub(super) struct TextWriter {
    values: String,
    /// Where the text that is being written starts.
    start: usize,
    /// Bytes that all of them may have.
    bytes_max: usize,
    offsets: Vec<i32>,
    valid: NullBufferBuilder,
}

impl TextWriter {
    pub(super) fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { values: String::new(), start: 0, bytes_max: meter::bytes_left(), offsets, valid: NullBufferBuilder::new(rows) }
    }

    /// Adds to the text that is being written.
    #[inline]
    pub(super) fn push_str(&mut self, text: &str) -> Result<(), EvaluationError> {
        self.check(text.len())?;
        self.values.push_str(text);
        Ok(())
    }

    /// Adds to the text that is being written.
    #[inline]
    pub(super) fn push(&mut self, character: char) -> Result<(), EvaluationError> {
        self.check(character.len_utf8())?;
        self.values.push(character);
        Ok(())
    }

    fn check(&self, more: usize) -> Result<(), EvaluationError> {
        check_value(self.values.len() - self.start + more)?;
        if self.values.len() + more <= self.bytes_max { Ok(()) } else { Err(meter::too_many_bytes()) }
    }

    /// Ends the text that is being written: keeps it, or puts NULL in its place.
    pub(super) fn end(&mut self, is_valid: bool) {
        if !is_valid {
            self.values.truncate(self.start);
        }
        self.start = self.values.len();
        // Fits: a batch is bounded far below i32::MAX.
        self.offsets.push(self.start as i32);
        self.valid.append(is_valid);
    }

    pub(super) fn finish(mut self) -> StringArray {
        let offsets = OffsetBuffer::new(self.offsets.into());
        StringArray::new(offsets, Buffer::from_vec(self.values.into_bytes()), self.valid.finish())
    }
}

/// Refuses a text or byte string that would be too long.
pub(crate) fn check_value(length_bytes: usize) -> Result<(), EvaluationError> {
    if length_bytes > VALUE_BYTES_MAX {
        return Err(EvaluationError(format!("a value would be longer than {VALUE_BYTES_MAX} bytes")));
    }
    Ok(())
}

/// Refuses results of a batch that would be too large together.
pub(super) fn check_batch(length_bytes: usize) -> Result<(), EvaluationError> {
    meter::check_bytes(length_bytes)
}

/// A result of texts: `each` writes the text of a row and answers whether it is one; `false` is NULL.
pub(super) fn text_result(
    call: &Call<'_>,
    mut each: impl FnMut(usize, &mut TextWriter) -> Result<bool, EvaluationError>,
) -> Result<Columnar, EvaluationError> {
    let (rows, is_scalar) = extent(call);
    let mut writer = TextWriter::new(rows);
    let mut steps = Steps::default();
    for row in 0..rows {
        steps.row()?;
        let is_valid = each(row, &mut writer)?;
        writer.end(is_valid);
    }
    Ok(columnar(Arc::new(writer.finish()), is_scalar))
}

/// A result of byte strings.
pub(super) fn bytes_result(
    call: &Call<'_>,
    mut each: impl FnMut(usize) -> Result<Option<Vec<u8>>, EvaluationError>,
) -> Result<Columnar, EvaluationError> {
    let (rows, is_scalar) = extent(call);
    let mut builder = arrow_array::builder::BinaryBuilder::new();
    let (mut total, mut steps) = (0, Steps::default());
    for row in 0..rows {
        steps.row()?;
        let value = each(row)?;
        let length = value.as_ref().map_or(0, Vec::len);
        total += length;
        check_value(length)?;
        check_batch(total)?;
        builder.append_option(value);
    }
    Ok(columnar(Arc::new(builder.finish()), is_scalar))
}

/// A result of numbers.
pub(super) fn number_result<T: ArrowPrimitiveType>(
    call: &Call<'_>,
    mut each: impl FnMut(usize) -> Result<Option<T::Native>, EvaluationError>,
) -> Result<Columnar, EvaluationError> {
    let (rows, is_scalar) = extent(call);
    // The carrier may say more than `T` does (the zone of an instant).
    let mut builder = PrimitiveBuilder::<T>::with_capacity(rows).with_data_type(call.result.data_type.to_arrow());
    let mut steps = Steps::default();
    for row in 0..rows {
        steps.row()?;
        builder.append_option(each(row)?);
    }
    Ok(columnar(Arc::new(builder.finish()), is_scalar))
}

/// A result of truth values.
pub(super) fn boolean_result(
    call: &Call<'_>,
    mut each: impl FnMut(usize) -> Result<Option<bool>, EvaluationError>,
) -> Result<Columnar, EvaluationError> {
    let (rows, is_scalar) = extent(call);
    let mut builder = BooleanBuilder::with_capacity(rows);
    let mut steps = Steps::default();
    for row in 0..rows {
        steps.row()?;
        builder.append_option(each(row)?);
    }
    Ok(columnar(Arc::new(builder.finish()), is_scalar))
}
