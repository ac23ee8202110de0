//! Loops over one or two columns of numbers, with a path of their own for scalars.
//!
//! Invariant: a function is called for rows only in which no argument is NULL, unless it cannot fail.

use crate::{Columnar, EvaluationError};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray,
    builder::{BooleanBuilder, PrimitiveBuilder},
    cast::AsArray,
};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use std::sync::Arc;

/// The numbers of a column.
pub(in crate::scalar) fn numbers<T: ArrowPrimitiveType>(column: &Columnar) -> Result<&PrimitiveArray<T>, EvaluationError> {
    let array = column.inner();
    array.as_primitive_opt::<T>().ok_or_else(|| EvaluationError(format!("found {}, expected {}", array.data_type(), T::DATA_TYPE)))
}

/// What stays a scalar when all of `columns` are.
pub(in crate::scalar) fn like(columns: &[&Columnar], array: ArrayRef) -> Columnar {
    if columns.iter().all(|c| c.as_scalar().is_some()) { Columnar::Scalar(array) } else { Columnar::Array(array) }
}

/// A function of one number.
pub(in crate::scalar) fn unary<A: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    column: &Columnar,
    each: impl Fn(A::Native) -> O::Native,
) -> Result<Columnar, EvaluationError> {
    let result = numbers::<A>(column)?.unary::<_, O>(each);
    Ok(like(&[column], Arc::new(result)))
}

/// A function of two numbers that cannot fail.
pub(in crate::scalar) fn binary<A: ArrowPrimitiveType, B: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    left: &Columnar,
    right: &Columnar,
    each: impl Fn(A::Native, B::Native) -> O::Native,
) -> Result<Columnar, EvaluationError> {
    let (a, b) = (numbers::<A>(left)?, numbers::<B>(right)?);
    let result: PrimitiveArray<O> = match (left.as_scalar(), right.as_scalar()) {
        (None, Some(_)) if b.is_null(0) => PrimitiveArray::new_null(a.len()),
        (None, Some(_)) => {
            let constant = b.value(0);
            a.unary(|value| each(value, constant))
        }
        (Some(_), None) if a.is_null(0) => PrimitiveArray::new_null(b.len()),
        (Some(_), None) => {
            let constant = a.value(0);
            b.unary(|value| each(constant, value))
        }
        _ => arrow_arith::arity::binary(a, b, each)?,
    };
    Ok(like(&[left, right], Arc::new(result)))
}

/// A function of two numbers that can fail, or answer NULL.
pub(in crate::scalar) fn try_binary<A: ArrowPrimitiveType, B: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    left: &Columnar,
    right: &Columnar,
    each: impl Fn(A::Native, B::Native) -> Result<Option<O::Native>, EvaluationError>,
) -> Result<PrimitiveArray<O>, EvaluationError> {
    let (a, b) = (numbers::<A>(left)?, numbers::<B>(right)?);
    let rows = rows_of(left, right);
    let mut builder = PrimitiveBuilder::<O>::with_capacity(rows);
    for row in 0..rows {
        let (i, j) = (left.index(row), right.index(row));
        if a.is_null(i) || b.is_null(j) {
            builder.append_null();
        } else {
            builder.append_option(each(a.value(i), b.value(j))?);
        }
    }
    Ok(builder.finish())
}

/// Rows that two columns make together.
pub(in crate::scalar) fn rows_of(left: &Columnar, right: &Columnar) -> usize {
    match (left, right) {
        (Columnar::Array(array), _) | (_, Columnar::Array(array)) => array.len(),
        _ => 1,
    }
}

/// Whether each row is neither NULL here nor there; `None` when all are.
pub(in crate::scalar) fn both_valid(left: &Columnar, right: &Columnar, rows: usize) -> Option<NullBuffer> {
    let nulls = |column: &Columnar| match column {
        Columnar::Array(array) => array.logical_nulls(),
        Columnar::Scalar(value) if value.is_null(0) || value.data_type().is_null() => Some(NullBuffer::new_null(rows)),
        Columnar::Scalar(_) => None,
    };
    NullBuffer::union(nulls(left).as_ref(), nulls(right).as_ref())
}

/// A question about two numbers that cannot fail.
pub(in crate::scalar) fn test<T: ArrowPrimitiveType>(
    left: &Columnar,
    right: &Columnar,
    holds: impl Fn(T::Native, T::Native) -> bool,
) -> Result<Columnar, EvaluationError> {
    let (a, b) = (numbers::<T>(left)?, numbers::<T>(right)?);
    let rows = rows_of(left, right);
    let nulls = both_valid(left, right, rows);
    let (a, b) = (a.values(), b.values());
    let truth = match (left.as_scalar(), right.as_scalar()) {
        (None, Some(_)) => {
            let constant = b[0];
            BooleanBuffer::collect_bool(rows, |row| holds(a[row], constant))
        }
        (Some(_), None) => {
            let constant = a[0];
            BooleanBuffer::collect_bool(rows, |row| holds(constant, b[row]))
        }
        _ => BooleanBuffer::collect_bool(rows, |row| holds(a[row], b[row])),
    };
    Ok(like(&[left, right], Arc::new(BooleanArray::new(truth, nulls))))
}

/// A question about rows of two columns; asked only where neither is NULL.
pub(in crate::scalar) fn test_rows(left: &Columnar, right: &Columnar, holds: impl Fn(usize, usize) -> bool) -> Columnar {
    let rows = rows_of(left, right);
    let nulls = both_valid(left, right, rows);
    let mut builder = BooleanBuilder::with_capacity(rows);
    for row in 0..rows {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            builder.append_null();
        } else {
            builder.append_value(holds(left.index(row), right.index(row)));
        }
    }
    like(&[left, right], Arc::new(builder.finish()))
}
