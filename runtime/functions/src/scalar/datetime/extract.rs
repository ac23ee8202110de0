//! Fields of points in time and of intervals.

use super::moments::{Moment, Moments};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    calendar::{DAY_MS, civil_from_days, days_from_civil},
    scalar::{
        Builtin, Call,
        columns::{number_result, texts},
        signature::refused,
    },
};
use arrow_array::types::Int64Type;
use millrace_model::DataType;

/// `YEAR(x)` and the like are `EXTRACT` with a fixed unit.
macro_rules! shorthand {
    ($name:literal, $unit:literal) => {
        Builtin {
            name: $name,
            resolve: |arguments| match arguments {
                [value] => check($name, $unit, value, arguments).map(|()| resolution(value, vec![value.typed.data_type.clone()])),
                _ => Err(refused($name, arguments, "point in time")),
            },
            evaluate: |call| extract(call, $unit, 0),
            deterministic: true,
        }
    };
}

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "EXTRACT",
        resolve,
        evaluate: |call| extract(call, texts(call, 0)?.get(0).unwrap_or_default(), 1),
        deterministic: true,
    },
    shorthand!("YEAR", "YEAR"),
    shorthand!("QUARTER", "QUARTER"),
    shorthand!("MONTH", "MONTH"),
    shorthand!("WEEK", "WEEK"),
    shorthand!("DAYOFYEAR", "DOY"),
    shorthand!("DAYOFMONTH", "DAY"),
    shorthand!("DAYOFWEEK", "DOW"),
    shorthand!("HOUR", "HOUR"),
    shorthand!("MINUTE", "MINUTE"),
    shorthand!("SECOND", "SECOND"),
];

const OF_A_DAY: &[&str] = &["HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND", "NANOSECOND"];
const OF_A_DATE: &[&str] =
    &["YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DOW", "DOY", "ISODOW", "ISOYEAR", "DECADE", "CENTURY", "MILLENNIUM", "EPOCH"];

fn resolve(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    match arguments {
        [unit, value] if unit.symbol.is_some() => {
            check("EXTRACT", unit.symbol.unwrap_or_default(), value, arguments)?;
            Ok(resolution(value, vec![DataType::String, value.typed.data_type.clone()]))
        }
        _ => Err(refused("EXTRACT", arguments, "unit FROM point in time or interval")),
    }
}

fn resolution(value: &Argument<'_>, arguments: Vec<DataType>) -> Resolution {
    Resolution { arguments, result: Typed::new(DataType::BigInt, value.typed.nullable) }
}

/// Which units a type has.
fn check(name: &str, unit: &str, value: &Argument<'_>, arguments: &[Argument<'_>]) -> Result<(), ResolveError> {
    let has = match value.typed.data_type {
        DataType::Date => OF_A_DAY[..4].contains(&unit) || OF_A_DATE.contains(&unit),
        DataType::Timestamp { .. } | DataType::TimestampLtz { .. } => OF_A_DAY.contains(&unit) || OF_A_DATE.contains(&unit),
        DataType::Time { .. } | DataType::IntervalDayTime => {
            OF_A_DAY[..4].contains(&unit) || (unit == "DAY" && value.typed.data_type == DataType::IntervalDayTime)
        }
        DataType::IntervalYearMonth => matches!(unit, "YEAR" | "QUARTER" | "MONTH" | "CENTURY" | "MILLENNIUM"),
        _ => return Err(refused(name, arguments, "a point in time or an interval")),
    };
    if has { Ok(()) } else { Err(ResolveError(format!("{} has no {unit}", value.typed.data_type))) }
}

fn extract(call: &Call<'_>, unit: &str, index: usize) -> Result<Columnar, EvaluationError> {
    let values = Moments::of(call, index)?;
    let is_instant = matches!(call.arguments[index].inner().data_type(), arrow_schema::DataType::Timestamp(_, Some(_)));
    number_result::<Int64Type>(call, |row| {
        Ok(values.get(row).map(|moment| match &values {
            Moments::Months(_) => of_months(unit, moment.ms),
            // Flink takes the parts of a day from the number of the day.
            Moments::Date(_) if OF_A_DAY.contains(&unit) => of_a_day(unit, Moment::new(moment.ms / DAY_MS, 0)),
            Moments::Interval(_) if unit == "DAY" => moment.ms / DAY_MS,
            _ if is_instant => of_moment(unit, moment.at_zone(call.context.zone)),
            _ => of_moment(unit, moment),
        }))
    })
}

fn of_months(unit: &str, months: i64) -> i64 {
    match unit {
        "YEAR" => months / 12,
        "QUARTER" => (months % 12 - 1) / 3 + 1,
        "MONTH" => months % 12,
        "CENTURY" => months / 1_200,
        _ => months / 12_000,
    }
}

fn of_moment(unit: &str, moment: Moment) -> i64 {
    if OF_A_DAY.contains(&unit) {
        return of_a_day(unit, moment);
    }
    match unit {
        "EPOCH" => moment.ms / 1_000,
        // Rounded towards 1970, as Flink does: before it, a day has the fields of the next one.
        _ => of_days(unit, moment.ms / DAY_MS),
    }
}

/// Rounded towards 1970 too: before it, the parts of a day are negative.
fn of_a_day(unit: &str, moment: Moment) -> i64 {
    let ms = moment.ms;
    match unit {
        "HOUR" => ms % DAY_MS / 3_600_000,
        "MINUTE" => ms % 3_600_000 / 60_000,
        "SECOND" => ms % 60_000 / 1_000,
        "MILLISECOND" => ms % 1_000,
        "MICROSECOND" => ms % 1_000 * 1_000 + i64::from(moment.nanos) / 1_000,
        _ => ms % 1_000 * 1_000_000 + i64::from(moment.nanos),
    }
}

/// A field of a day counted from 1970-01-01.
pub(super) fn of_days(unit: &str, days: i64) -> i64 {
    let (year, month, day) = civil_from_days(days);
    let century = |years: i64| if year > 0 { (year + years - 1) / years } else { (year - years + 1) / years };
    match unit {
        "YEAR" => year,
        "QUARTER" => i64::from(month.saturating_sub(1) / 3 + 1),
        "MONTH" => i64::from(month),
        "DAY" => i64::from(day),
        "DOW" => (days + 4).rem_euclid(7) + 1,
        "ISODOW" => (days + 3).rem_euclid(7) + 1,
        "DOY" => days - days_from_civil(year, 1, 1) + 1,
        "WEEK" => iso_week(days).1,
        "ISOYEAR" => iso_week(days).0,
        "DECADE" => year.div_euclid(10),
        "CENTURY" => century(100),
        _ => century(1_000),
    }
}

/// Year and week by ISO 8601: weeks start on Monday, the first has the year's first Thursday.
pub(super) fn iso_week(days: i64) -> (i64, i64) {
    let thursday = days - (days + 3).rem_euclid(7) + 3;
    let (year, ..) = civil_from_days(thursday);
    (year, (thursday - days_from_civil(year, 1, 1)) / 7 + 1)
}
