//! Argument columns as slices of native values, and result columns out of them.

use super::Update;
use crate::EvaluationError;
use arrow_array::{Array, ArrayRef, BooleanArray, cast::AsArray, make_array};
use arrow_buffer::{ArrowNativeType, BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_data::ArrayData;
use arrow_schema::DataType as Arrow;

/// An argument column, when it is of the type that it was resolved to.
pub(super) fn argument<'a>(update: &Update<'a>, index: usize, expected: &Arrow) -> Result<&'a ArrayRef, EvaluationError> {
    let column = update.arguments.get(index).ok_or_else(|| EvaluationError(format!("an aggregate lacks its argument {}", index + 1)))?;
    if !column.data_type().equals_datatype(expected) {
        return Err(EvaluationError(format!("an aggregate over {expected} was given {}", column.data_type())));
    }
    Ok(column)
}

/// The NULLs of a column, when there are any.
pub(super) fn nulls(column: &ArrayRef) -> Option<NullBuffer> {
    column.logical_nulls().filter(|nulls| nulls.null_count() > 0)
}

/// The values of a column whose carrier is as wide as `T`; of a Boolean column 0 and 1.
pub(super) fn natives<T: ArrowNativeType>(column: &ArrayRef) -> ScalarBuffer<T> {
    if let Some(booleans) = column.as_boolean_opt() {
        return booleans.values().iter().map(|b| T::usize_as(usize::from(b))).collect();
    }
    let data = column.to_data();
    ScalarBuffer::new(data.buffers()[0].clone(), data.offset(), data.len())
}

/// A column of native values.
pub(super) fn from_natives<T: ArrowNativeType>(
    values: Vec<T>,
    nulls: Option<NullBuffer>,
    carrier: &Arrow,
) -> Result<ArrayRef, EvaluationError> {
    if *carrier == Arrow::Boolean {
        let bits = BooleanBuffer::collect_bool(values.len(), |i| values[i].as_usize() != 0);
        return Ok(std::sync::Arc::new(BooleanArray::new(bits, nulls)));
    }
    let data = ArrayData::builder(carrier.clone()).len(values.len()).add_buffer(Buffer::from_vec(values)).nulls(nulls).build()?;
    Ok(make_array(data))
}

/// A column of native values of which some are NULL.
pub(super) fn from_options<T: ArrowNativeType>(
    values: impl ExactSizeIterator<Item = Option<T>>,
    carrier: &Arrow,
) -> Result<ArrayRef, EvaluationError> {
    let mut valid = Vec::with_capacity(values.len());
    let natives: Vec<T> = values
        .map(|value| {
            valid.push(value.is_some());
            value.unwrap_or_default()
        })
        .collect();
    let nulls = NullBuffer::from(valid);
    from_natives(natives, (nulls.null_count() > 0).then_some(nulls), carrier)
}

/// Calls `visit` with row, slot, and whether it is taken back, for each row that is not NULL. Made for `visit` to be
/// inlined into four loops, of which the first is the hot one.
#[inline]
pub(super) fn each_row(
    update: &Update<'_>,
    nulls: Option<&NullBuffer>,
    mut visit: impl FnMut(usize, usize, bool) -> Result<(), EvaluationError>,
) -> Result<(), EvaluationError> {
    let groups = update.groups.iter().enumerate();
    match (nulls, update.retract) {
        (None, None) => {
            for (row, &group) in groups {
                visit(row, group as usize, false)?;
            }
        }
        (None, Some(retract)) => {
            for ((row, &group), &retract) in groups.zip(retract) {
                visit(row, group as usize, retract)?;
            }
        }
        (Some(nulls), None) => {
            for (row, &group) in groups {
                if nulls.is_valid(row) {
                    visit(row, group as usize, false)?;
                }
            }
        }
        (Some(nulls), Some(retract)) => {
            for ((row, &group), &retract) in groups.zip(retract) {
                if nulls.is_valid(row) {
                    visit(row, group as usize, retract)?;
                }
            }
        }
    }
    Ok(())
}
