//! `(a - b) unit`: the interval between two points in time, registered as `MINUS_DATE(a, b, unit)`.

use super::kernel::{like, try_binary};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    calendar::{DAY_MS, add_months, civil_from_days},
    cast::nanos_per_unit,
    scalar::{Builtin, Call, signature::refused},
};
use arrow_array::types::{
    Date32Type, Int32Type, Int64Type, Time32MillisecondType, Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType,
};
use arrow_schema::{DataType as Arrow, TimeUnit};
use millrace_model::DataType;
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Builtin] = &[Builtin { name: "MINUS_DATE", resolve, evaluate, deterministic: true }];

fn resolve(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let refuse = || refused("MINUS_DATE", arguments, "two dates, times or timestamps of one type, and a unit");
    let [left, right, Argument { symbol: Some(unit), .. }] = arguments else { return Err(refuse()) };
    let operand = match (&left.typed.data_type, &right.typed.data_type) {
        (DataType::Date, DataType::Date) => DataType::Date,
        (DataType::Time { precision: a }, DataType::Time { precision: b }) => DataType::Time { precision: *a.max(b) },
        (DataType::Timestamp { precision: a }, DataType::Timestamp { precision: b }) => DataType::Timestamp { precision: *a.max(b) },
        (DataType::TimestampLtz { precision: a }, DataType::TimestampLtz { precision: b }) => {
            DataType::TimestampLtz { precision: *a.max(b) }
        }
        _ => return Err(refuse()),
    };
    let result = if matches!(*unit, "YEAR" | "QUARTER" | "MONTH") { DataType::IntervalYearMonth } else { DataType::IntervalDayTime };
    let nullable = left.typed.nullable || right.typed.nullable;
    Ok(Resolution { arguments: vec![operand.clone(), operand, DataType::String], result: Typed::new(result, nullable) })
}

fn evaluate(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let [left, right, ..] = call.arguments else { return Err(EvaluationError("a difference needs two values".to_owned())) };
    let in_months = call.result.data_type == DataType::IntervalYearMonth;
    macro_rules! between {
        ($type:ty, $milliseconds:expr) => {{
            let milliseconds = $milliseconds;
            if in_months {
                let months = |a, b| Ok(Some(months_between(milliseconds(i64::from(a)), milliseconds(i64::from(b)))));
                like(&[left, right], Arc::new(try_binary::<$type, $type, Int32Type>(left, right, months)?))
            } else {
                let difference = |a, b| Ok(milliseconds(i64::from(a)).checked_sub(milliseconds(i64::from(b))));
                like(&[left, right], Arc::new(try_binary::<$type, $type, Int64Type>(left, right, difference)?))
            }
        }};
    }
    Ok(match left.inner().data_type() {
        Arrow::Date32 => between!(Date32Type, |days: i64| days * DAY_MS),
        Arrow::Time32(_) => between!(Time32MillisecondType, |ms: i64| ms),
        Arrow::Time64(_) => between!(Time64NanosecondType, |ns: i64| ns / 1_000_000),
        Arrow::Timestamp(TimeUnit::Millisecond, _) => between!(TimestampMillisecondType, |ms: i64| ms),
        Arrow::Timestamp(TimeUnit::Microsecond, _) => {
            between!(TimestampMicrosecondType, |us: i64| us.div_euclid(1_000_000 / nanos_per_unit(6)))
        }
        Arrow::Timestamp(_, _) => between!(TimestampNanosecondType, |ns: i64| ns.div_euclid(1_000_000)),
        other => return Err(EvaluationError(format!("found {other}, expected points in time"))),
    })
}

/// Whole months from `earlier` to `later`, both in milliseconds; negative when they are the other way round.
fn months_between(later: i64, earlier: i64) -> i32 {
    if later < earlier {
        return -months_between(earlier, later);
    }
    let (later_day, earlier_day) = (later.div_euclid(DAY_MS), earlier.div_euclid(DAY_MS));
    let month = |day| {
        let (year, month, _) = civil_from_days(day);
        year * 12 + i64::from(month)
    };
    let mut months = month(later_day) - month(earlier_day);
    let reached = add_months(earlier_day, months);
    let is_short = reached > later_day || (reached == later_day && later.rem_euclid(DAY_MS) < earlier.rem_euclid(DAY_MS));
    months -= i64::from(is_short);
    i32::try_from(months).unwrap_or(i32::MAX)
}
