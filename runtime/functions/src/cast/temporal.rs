//! Casts among dates, times, timestamps and instants, and from text to them.
//!
//! All go through seconds and nanoseconds: of the wall clock, or since the epoch for instants; the session's zone is
//! between the two.

use super::{Conversion, conversion::Converted, parse::unreadable, parse_date, parse_time, parse_timestamp};
use crate::{
    EvaluationError,
    calendar::{DAY_MS, instant_of, offset_at},
};
use arrow_array::{
    Array, ArrayRef, PrimitiveArray, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    cast::AsArray,
    types::{
        Date32Type, Int64Type, Time32MillisecondType, Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType,
    },
};
use arrow_schema::{DataType as Arrow, TimeUnit};
use millrace_model::DataType;
use std::sync::Arc;

/// Nanoseconds of one unit of a timestamp's carrier.
pub(crate) fn nanos_per_unit(precision: u8) -> i64 {
    match precision {
        0..=3 => 1_000_000,
        4..=6 => 1_000,
        _ => 1,
    }
}

/// The numbers inside a column of timestamps; `None` for other columns.
pub(crate) fn timestamp_values(array: &ArrayRef) -> Option<&[i64]> {
    Some(match array.data_type() {
        Arrow::Timestamp(TimeUnit::Millisecond, _) => array.as_primitive_opt::<TimestampMillisecondType>()?.values(),
        Arrow::Timestamp(TimeUnit::Microsecond, _) => array.as_primitive_opt::<TimestampMicrosecondType>()?.values(),
        Arrow::Timestamp(TimeUnit::Nanosecond, _) => array.as_primitive_opt::<TimestampNanosecondType>()?.values(),
        _ => return None,
    })
}

/// Seconds and nanoseconds as a number of the carrier of timestamps of a precision, further digits cut; `None` outside
/// its range.
pub(crate) fn rescale_timestamp(seconds: i64, nanos: u32, precision: u8) -> Option<i64> {
    let unit = nanos_per_unit(precision);
    let value = seconds.checked_mul(1_000_000_000 / unit)?.checked_add(i64::from(nanos) / unit)?;
    // Below a unit of the carrier. Flink cuts whole milliseconds toward the epoch, finer digits toward the past.
    let cut = match precision {
        0..=2 => 10_i64.pow(3 - u32::from(precision)),
        4..=5 => 10_i64.pow(6 - u32::from(precision)),
        7..=8 => 10_i64.pow(9 - u32::from(precision)),
        _ => 1,
    };
    Some(if precision < 3 { value - value % cut } else { value - value.rem_euclid(cut) })
}

/// A column of numbers of a timestamp's carrier as such a column.
pub(crate) fn timestamps(values: PrimitiveArray<Int64Type>, data_type: &DataType) -> ArrayRef {
    let (values, nulls) = (values.values().clone(), values.nulls().cloned());
    match data_type.to_arrow() {
        Arrow::Timestamp(TimeUnit::Millisecond, zone) => Arc::new(TimestampMillisecondArray::new(values, nulls).with_timezone_opt(zone)),
        Arrow::Timestamp(TimeUnit::Microsecond, zone) => Arc::new(TimestampMicrosecondArray::new(values, nulls).with_timezone_opt(zone)),
        Arrow::Timestamp(_, zone) => Arc::new(TimestampNanosecondArray::new(values, nulls).with_timezone_opt(zone)),
        _ => Arc::new(PrimitiveArray::<Int64Type>::new(values, nulls)),
    }
}

/// A column of points in time.
enum Reader<'a> {
    Days(&'a [i32]),
    Milliseconds(&'a [i32]),
    Nanoseconds(&'a [i64]),
    Timestamps(&'a [i64], i64),
}

impl<'a> Reader<'a> {
    fn new(array: &'a ArrayRef, data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Date => Self::Days(array.as_primitive_opt::<Date32Type>()?.values()),
            DataType::Time { precision: 0..=3 } => Self::Milliseconds(array.as_primitive_opt::<Time32MillisecondType>()?.values()),
            DataType::Time { .. } => Self::Nanoseconds(array.as_primitive_opt::<Time64NanosecondType>()?.values()),
            DataType::Timestamp { precision } | DataType::TimestampLtz { precision } => {
                Self::Timestamps(timestamp_values(array)?, nanos_per_unit(*precision))
            }
            _ => return None,
        })
    }

    #[inline]
    fn read(&self, row: usize) -> (i64, u32) {
        let (value, nanos_per_unit) = match self {
            Self::Days(values) => return (i64::from(values[row]) * 86_400, 0),
            Self::Milliseconds(values) => (i64::from(values[row]), 1_000_000),
            Self::Nanoseconds(values) => (values[row], 1),
            Self::Timestamps(values, nanos_per_unit) => (values[row], *nanos_per_unit),
        };
        let per_second = 1_000_000_000 / nanos_per_unit;
        (value.div_euclid(per_second), (value.rem_euclid(per_second) * nanos_per_unit) as u32)
    }
}

/// Casts between two different types of points in time.
pub(super) fn convert(array: &ArrayRef, from: &DataType, to: &DataType, conversion: Conversion<'_>) -> Result<Converted, EvaluationError> {
    let reader =
        Reader::new(array, from).ok_or_else(|| EvaluationError(format!("an array of {} does not carry {from}", array.data_type())))?;
    let zone = conversion.context.zone;
    let is_instant = |t: &DataType| matches!(t, DataType::TimestampLtz { .. });
    let (from_instant, to_instant) = (is_instant(from), is_instant(to));
    let read = |row: usize| {
        let (seconds, nanos) = reader.read(row);
        let seconds = match (from_instant, to_instant) {
            (true, false) => seconds + offset_at(zone, seconds),
            (false, true) => instant_of(zone, seconds),
            _ => seconds,
        };
        (seconds, nanos)
    };
    let rows = PrimitiveArray::<Int64Type>::new((0..array.len() as i64).collect(), array.logical_nulls());
    let cut: fn(i64, u32, i64) -> (i64, u32) = if matches!(from, DataType::Timestamp { .. }) { toward_epoch } else { toward_past };
    match to {
        DataType::Date => build(&rows, to, conversion, |row| {
            let (seconds, nanos) = read(row as usize);
            Ok(cut(seconds, nanos, DAY_MS))
        }),
        DataType::Time { precision: precision @ 0..=2 } => build(&rows, to, conversion, |row| {
            let (seconds, nanos) = read(row as usize);
            Ok(cut(seconds, nanos, 10_i64.pow(3 - u32::from(*precision))))
        }),
        _ => build(&rows, to, conversion, |row| Ok(read(row as usize))),
    }
}

/// Cuts to a multiple of some milliseconds as Flink cuts wall-clock timestamps: toward 1970, so that before it the result
/// is the later day or second.
fn toward_epoch(seconds: i64, nanos: u32, unit_ms: i64) -> (i64, u32) {
    let ms = seconds * 1000 + i64::from(nanos / 1_000_000);
    split(ms - ms % unit_ms)
}

/// Cuts to a multiple of some milliseconds as Flink cuts everything else.
fn toward_past(seconds: i64, nanos: u32, unit_ms: i64) -> (i64, u32) {
    let ms = seconds * 1000 + i64::from(nanos / 1_000_000);
    split(ms - ms.rem_euclid(unit_ms))
}

fn split(ms: i64) -> (i64, u32) {
    (ms.div_euclid(1000), ms.rem_euclid(1000) as u32 * 1_000_000)
}

/// Casts texts to points in time.
pub(super) fn parse(array: &StringArray, to: &DataType, conversion: Conversion<'_>) -> Result<Converted, EvaluationError> {
    let zone = conversion.context.zone;
    let rows = PrimitiveArray::<Int64Type>::new((0..array.len() as i64).collect(), array.nulls().cloned());
    build(&rows, to, conversion, |row| {
        let text = array.value(row as usize);
        let parsed = match to {
            DataType::Date => parse_date(text).map(|days| (i64::from(days) * 86_400, 0)),
            DataType::Time { precision } => parse_time(text).map(|ms| {
                let unit_ms = 10_i64.pow(3 - u32::from(*precision).min(3));
                split(i64::from(ms) - i64::from(ms) % unit_ms)
            }),
            DataType::TimestampLtz { precision } => {
                parse_timestamp(text).map(|(seconds, nanos)| (instant_of(zone, seconds), cut_nanos(nanos, *precision)))
            }
            DataType::Timestamp { precision } => parse_timestamp(text).map(|(seconds, nanos)| (seconds, cut_nanos(nanos, *precision))),
            _ => parse_timestamp(text),
        };
        parsed.ok_or_else(|| unreadable(text, to))
    })
}

/// A text's digits beyond the precision are cut where they stand: also before 1970.
fn cut_nanos(nanos: u32, precision: u8) -> u32 {
    nanos - nanos % 10_u32.pow(9 - u32::from(precision.min(9)))
}

/// Builds the column of `to` from the seconds and nanoseconds of each row number.
fn build(
    rows: &PrimitiveArray<Int64Type>,
    to: &DataType,
    conversion: Conversion<'_>,
    read: impl Fn(i64) -> Result<(i64, u32), EvaluationError>,
) -> Result<Converted, EvaluationError> {
    match to {
        DataType::Date => {
            let (days, failed) = conversion.numbers::<_, Date32Type>(rows, |row| Ok(Some(read(row)?.0.div_euclid(86_400) as i32)))?;
            Ok(Converted { array: Arc::new(days), failed })
        }
        DataType::Time { precision: 0..=3 } => {
            let (times, failed) = conversion.numbers::<_, Time32MillisecondType>(rows, |row| {
                let (seconds, nanos) = read(row)?;
                Ok(Some((seconds.rem_euclid(86_400) * 1000) as i32 + (nanos / 1_000_000) as i32))
            })?;
            Ok(Converted { array: Arc::new(times), failed })
        }
        DataType::Time { .. } => {
            let (times, failed) = conversion.numbers::<_, Time64NanosecondType>(rows, |row| {
                let (seconds, nanos) = read(row)?;
                Ok(Some(seconds.rem_euclid(86_400) * 1_000_000_000 + i64::from(nanos)))
            })?;
            Ok(Converted { array: Arc::new(times), failed })
        }
        DataType::Timestamp { precision } | DataType::TimestampLtz { precision } => {
            let (values, failed) = conversion.numbers::<_, Int64Type>(rows, |row| {
                let (seconds, nanos) = read(row)?;
                let value = rescale_timestamp(seconds, nanos, *precision);
                value.map(Some).ok_or_else(|| EvaluationError(format!("a point in time is outside the range of {to}")))
            })?;
            Ok(Converted { array: timestamps(values, to), failed })
        }
        other => Err(EvaluationError(format!("{other} is no point in time"))),
    }
}
