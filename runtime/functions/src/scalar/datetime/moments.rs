//! Points in time as numbers, from and to their Arrow carriers.
//!
//! Invariant: inside the functions a `TIMESTAMP` or an instant is milliseconds since the epoch and nanoseconds (0–999 999)
//! within the millisecond, as in Flink, whatever the precision of its type.

use crate::{
    Columnar, EvaluationError, calendar,
    scalar::{
        Call,
        columns::{Numbers, argument, columnar, extent, numbers},
    },
};
use arrow_array::{
    ArrayRef, PrimitiveArray,
    builder::PrimitiveBuilder,
    types::{
        ArrowPrimitiveType, Date32Type, Int32Type, Int64Type, Time32MillisecondType, Time64NanosecondType, TimestampMicrosecondType,
        TimestampMillisecondType, TimestampNanosecondType,
    },
};
use chrono_tz::Tz;
use millrace_model::DataType;
use std::sync::Arc;

/// Milliseconds since the epoch, and nanoseconds of the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) ms: i64,
    pub(super) nanos: i32,
}

impl Moment {
    pub(super) fn new(ms: i64, nanos: i32) -> Self {
        Self { ms, nanos }
    }

    /// The instant's wall-clock time in the zone, as a moment.
    pub(super) fn at_zone(self, zone: Tz) -> Self {
        Self { ms: self.ms.saturating_add(offset_ms(zone, self.ms)), nanos: self.nanos }
    }
}

/// Milliseconds that a zone is ahead of UTC at an instant.
pub(super) fn offset_ms(zone: Tz, ms: i64) -> i64 {
    calendar::offset_at(zone, ms.div_euclid(1_000)) * 1_000
}

/// The instant at which the zone's clock shows this time.
#[allow(dead_code)] // for families of functions
pub(super) fn instant_ms(zone: Tz, wall_ms: i64) -> i64 {
    calendar::instant_of(zone, wall_ms.div_euclid(1_000)).saturating_mul(1_000).saturating_add(wall_ms.rem_euclid(1_000))
}

/// Values of a temporal argument.
pub(super) enum Moments<'a> {
    Millisecond(Numbers<'a, TimestampMillisecondType>),
    Microsecond(Numbers<'a, TimestampMicrosecondType>),
    Nanosecond(Numbers<'a, TimestampNanosecondType>),
    /// Days.
    Date(Numbers<'a, Date32Type>),
    /// A time of day: milliseconds of it.
    Time(Numbers<'a, Time32MillisecondType>),
    /// A time of day with more digits.
    TimeNanos(Numbers<'a, Time64NanosecondType>),
    /// Months.
    Months(Numbers<'a, Int32Type>),
    /// Milliseconds of an interval.
    Interval(Numbers<'a, Int64Type>),
}

impl<'a> Moments<'a> {
    /// Argument `index`; what it is follows from its carrier.
    pub(super) fn of(call: &Call<'a>, index: usize) -> Result<Self, EvaluationError> {
        use arrow_schema::{DataType as Arrow, TimeUnit};
        match argument(call, index)?.inner().data_type() {
            Arrow::Timestamp(TimeUnit::Millisecond, _) => numbers(call, index).map(Self::Millisecond),
            Arrow::Timestamp(TimeUnit::Microsecond, _) => numbers(call, index).map(Self::Microsecond),
            Arrow::Timestamp(..) => numbers(call, index).map(Self::Nanosecond),
            Arrow::Date32 => numbers(call, index).map(Self::Date),
            Arrow::Time32(_) => numbers(call, index).map(Self::Time),
            Arrow::Time64(_) => numbers(call, index).map(Self::TimeNanos),
            Arrow::Int32 => numbers(call, index).map(Self::Months),
            _ => numbers(call, index).map(Self::Interval),
        }
    }

    /// The value of a row: dates at midnight, times on the first day, intervals as milliseconds or months.
    pub(super) fn get(&self, row: usize) -> Option<Moment> {
        match self {
            Self::Millisecond(v) => v.get(row).map(|ms| Moment::new(ms, 0)),
            Self::Microsecond(v) => v.get(row).map(|us| Moment::new(us.div_euclid(1_000), us.rem_euclid(1_000) as i32 * 1_000)),
            Self::Nanosecond(v) => v.get(row).map(|ns| Moment::new(ns.div_euclid(1_000_000), ns.rem_euclid(1_000_000) as i32)),
            Self::Date(v) => v.get(row).map(|days| Moment::new(i64::from(days) * calendar::DAY_MS, 0)),
            Self::Time(v) => v.get(row).map(|ms| Moment::new(i64::from(ms), 0)),
            Self::TimeNanos(v) => v.get(row).map(|ns| Moment::new(ns.div_euclid(1_000_000), ns.rem_euclid(1_000_000) as i32)),
            Self::Months(v) => v.get(row).map(|months| Moment::new(i64::from(months), 0)),
            Self::Interval(v) => v.get(row).map(|ms| Moment::new(ms, 0)),
        }
    }
}

/// A result of moments in the result type's carrier.
///
/// # Errors
/// A moment that the carrier cannot hold.
pub(super) fn moment_result(
    call: &Call<'_>,
    mut each: impl FnMut(usize) -> Result<Option<Moment>, EvaluationError>,
) -> Result<Columnar, EvaluationError> {
    let (rows, is_scalar) = extent(call);
    let mut values = Vec::with_capacity(rows);
    for row in 0..rows {
        values.push(each(row)?);
    }
    moment_array(&values, &call.result.data_type).map(|array| columnar(array, is_scalar))
}

/// Moments in the carrier of a type.
pub(super) fn moment_array(values: &[Option<Moment>], data_type: &DataType) -> Result<ArrayRef, EvaluationError> {
    let carrier = data_type.to_arrow();
    match data_type {
        DataType::Date => carry::<Date32Type>(values, carrier, |m| i32::try_from(m.ms.div_euclid(calendar::DAY_MS)).ok()),
        DataType::Time { precision: 0..=3 } => carry::<Time32MillisecondType>(values, carrier, |m| i32::try_from(m.ms).ok()),
        DataType::Time { .. } => carry::<Time64NanosecondType>(values, carrier, nanoseconds),
        DataType::Timestamp { precision } | DataType::TimestampLtz { precision } => match precision {
            0..=3 => carry::<TimestampMillisecondType>(values, carrier, |m| Some(m.ms)),
            4..=6 => {
                carry::<TimestampMicrosecondType>(values, carrier, |m| m.ms.checked_mul(1_000)?.checked_add(i64::from(m.nanos / 1_000)))
            }
            _ => carry::<TimestampNanosecondType>(values, carrier, nanoseconds),
        },
        other => Err(EvaluationError(format!("{other} is no point in time"))),
    }
}

fn nanoseconds(moment: Moment) -> Option<i64> {
    moment.ms.checked_mul(1_000_000)?.checked_add(i64::from(moment.nanos))
}

fn carry<T: ArrowPrimitiveType>(
    values: &[Option<Moment>],
    carrier: arrow_schema::DataType,
    convert: impl Fn(Moment) -> Option<T::Native>,
) -> Result<ArrayRef, EvaluationError> {
    let mut builder = PrimitiveBuilder::<T>::with_capacity(values.len()).with_data_type(carrier);
    for value in values {
        match value {
            None => builder.append_null(),
            Some(moment) => builder.append_value(convert(*moment).ok_or_else(out_of_range)?),
        }
    }
    let array: PrimitiveArray<T> = builder.finish();
    Ok(Arc::new(array))
}

/// A point in time that no carrier holds.
pub(super) fn out_of_range() -> EvaluationError {
    EvaluationError("a point in time is out of range".to_owned())
}
