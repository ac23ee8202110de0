//! Arithmetic of intervals, dates, times and timestamps.
//!
//! A date moves by whole days only, a time wraps at midnight, a day that a month does not have is its last.

use super::{
    arithmetic::Operator,
    kernel::{binary, like, numbers, try_binary},
};
use crate::{
    Columnar, EvaluationError,
    calendar::{DAY_MS, add_months},
    cast::nanos_per_unit,
    coercion::{is_integer, is_interval},
    scalar::Call,
};
use arrow_array::{
    Array, ArrowPrimitiveType, PrimitiveArray,
    types::{
        Date32Type, Int32Type, Int64Type, Time32MillisecondType, Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType,
    },
};
use millrace_model::DataType;
use std::sync::Arc;

fn is_point(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date | DataType::Time { .. } | DataType::Timestamp { .. } | DataType::TimestampLtz { .. })
}

/// Types of operands and result; `None` when this is not for intervals, or not taken.
pub(super) fn resolve(operator: Operator, left: &DataType, right: &DataType) -> Option<([DataType; 2], DataType)> {
    let as_they_are = |result: &DataType| Some(([left.clone(), right.clone()], result.clone()));
    match operator {
        Operator::Plus | Operator::Minus if is_interval(left) && left == right => as_they_are(left),
        Operator::Plus | Operator::Minus if is_point(left) && is_interval(right) => as_they_are(left),
        Operator::Plus if is_interval(left) && is_point(right) => as_they_are(right),
        Operator::Times if is_interval(left) && is_integer(right) => Some(([left.clone(), DataType::BigInt], left.clone())),
        Operator::Times if is_integer(left) && is_interval(right) => Some(([DataType::BigInt, right.clone()], right.clone())),
        _ => None,
    }
}

/// The result when it is an interval or a point in time, else `None`.
pub(super) fn evaluate(operator: Operator, call: &Call<'_>) -> Result<Option<Columnar>, EvaluationError> {
    let [left, right] = call.arguments else { return Ok(None) };
    let sign = if operator == Operator::Minus { -1 } else { 1 };
    let result = &call.result.data_type;
    Ok(Some(match result {
        DataType::IntervalDayTime if operator == Operator::Times => {
            binary::<Int64Type, Int64Type, Int64Type>(left, right, i64::wrapping_mul)?
        }
        DataType::IntervalYearMonth if operator == Operator::Times => {
            let (interval, factor) = if *left.inner().data_type() == arrow_schema::DataType::Int32 { (left, right) } else { (right, left) };
            binary::<Int32Type, Int64Type, Int32Type>(interval, factor, |a, b| i64::from(a).wrapping_mul(b) as i32)?
        }
        DataType::IntervalDayTime => binary::<Int64Type, Int64Type, Int64Type>(left, right, |a, b| a.wrapping_add(b.wrapping_mul(sign)))?,
        DataType::IntervalYearMonth => {
            binary::<Int32Type, Int32Type, Int32Type>(left, right, |a, b| a.wrapping_add(b.wrapping_mul(sign as i32)))?
        }
        result if is_point(result) => {
            let is_interval = |c: &Columnar| matches!(c.inner().data_type(), arrow_schema::DataType::Int32 | arrow_schema::DataType::Int64);
            let (point, interval) = if is_interval(left) { (right, left) } else { (left, right) };
            moved(point, interval, sign, result)?
        }
        _ => return Ok(None),
    }))
}

/// A column of points in time moved by intervals.
pub(in crate::scalar) fn moved(
    point: &Columnar,
    interval: &Columnar,
    sign: i64,
    data_type: &DataType,
) -> Result<Columnar, EvaluationError> {
    let by_months = *interval.inner().data_type() == arrow_schema::DataType::Int32;
    match data_type {
        DataType::Date if by_months => {
            moved_by_months::<Date32Type>(point, interval, sign, |days| (i64::from(days), 0), |days, _| i32::try_from(days).ok())
        }
        DataType::Date => {
            let days = |days: i32, ms: i64| i64::from(days).checked_add(sign * (ms / DAY_MS)).and_then(|days| i32::try_from(days).ok());
            checked::<Date32Type, Int64Type>(point, interval, days)
        }
        // Months change nothing about a time of day.
        DataType::Time { .. } if by_months => Ok(match point {
            Columnar::Scalar(_) if interval.as_scalar().is_none() => Columnar::Array(point.to_array(interval.inner().len())?),
            _ => point.clone(),
        }),
        DataType::Time { precision: 0..=3 } => {
            binary::<Time32MillisecondType, Int64Type, Time32MillisecondType>(point, interval, |time, ms| {
                (i64::from(time) + sign * (ms % DAY_MS)).rem_euclid(DAY_MS) as i32
            })
        }
        DataType::Time { .. } => binary::<Time64NanosecondType, Int64Type, Time64NanosecondType>(point, interval, |time, ms| {
            (time + sign * (ms % DAY_MS) * 1_000_000).rem_euclid(DAY_MS * 1_000_000)
        }),
        DataType::Timestamp { precision } | DataType::TimestampLtz { precision } => match precision {
            0..=3 => timestamps::<TimestampMillisecondType>(point, interval, sign, *precision, data_type),
            4..=6 => timestamps::<TimestampMicrosecondType>(point, interval, sign, *precision, data_type),
            _ => timestamps::<TimestampNanosecondType>(point, interval, sign, *precision, data_type),
        },
        other => Err(EvaluationError(format!("{other} is no point in time"))),
    }
}

fn timestamps<T: ArrowPrimitiveType<Native = i64>>(
    point: &Columnar,
    interval: &Columnar,
    sign: i64,
    precision: u8,
    data_type: &DataType,
) -> Result<Columnar, EvaluationError> {
    let per_ms = 1_000_000 / nanos_per_unit(precision);
    let per_day = DAY_MS * per_ms;
    let result = if *interval.inner().data_type() == arrow_schema::DataType::Int32 {
        moved_by_months::<T>(
            point,
            interval,
            sign,
            |value| (value.div_euclid(per_day), value.rem_euclid(per_day)),
            |days, rest| days.checked_mul(per_day)?.checked_add(rest),
        )
    } else {
        checked::<T, Int64Type>(point, interval, |value, ms| value.checked_add(ms.checked_mul(per_ms)?.checked_mul(sign)?))
    }?;
    // The carrier of an instant names its zone.
    let array = numbers::<T>(&result)?.clone().with_data_type(data_type.to_arrow());
    Ok(like(&[&result], Arc::new(array)))
}

fn checked<T: ArrowPrimitiveType, I: ArrowPrimitiveType>(
    point: &Columnar,
    interval: &Columnar,
    each: impl Fn(T::Native, I::Native) -> Option<T::Native>,
) -> Result<Columnar, EvaluationError> {
    let result: PrimitiveArray<T> = try_binary::<T, I, T>(point, interval, |value, by| {
        each(value, by).map(Some).ok_or_else(|| EvaluationError("a point in time is out of range".to_owned()))
    })?;
    Ok(like(&[point, interval], Arc::new(result)))
}

fn moved_by_months<T: ArrowPrimitiveType>(
    point: &Columnar,
    interval: &Columnar,
    sign: i64,
    split: impl Fn(T::Native) -> (i64, i64),
    join: impl Fn(i64, i64) -> Option<T::Native>,
) -> Result<Columnar, EvaluationError> {
    checked::<T, Int32Type>(point, interval, |value, months| {
        let (days, rest) = split(value);
        join(add_months(days, sign * i64::from(months)), rest)
    })
}
