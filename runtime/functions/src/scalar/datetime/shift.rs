//! Points in time moved by units, and units between them.

use super::moments::{Moment, Moments, moment_result, out_of_range};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    calendar::{DAY_MS, add_months, civil_from_days},
    scalar::{
        Builtin, Call,
        columns::{number_result, numbers, texts},
        signature::refused,
    },
};
use arrow_array::types::{Int32Type, Int64Type};
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "TIMESTAMPADD", resolve: resolve_add, evaluate: add, deterministic: true },
    Builtin { name: "TIMESTAMPDIFF", resolve: resolve_difference, evaluate: difference, deterministic: true },
];

/// A unit with which moments move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// Milliseconds of one.
    Time(i64),
    /// Months of one.
    Months(i64),
    /// How many there are in a millisecond.
    Fraction(i64),
}

fn unit(symbol: &str) -> Option<Unit> {
    Some(match symbol.strip_prefix("SQL_TSI_").unwrap_or(symbol) {
        "YEAR" => Unit::Months(12),
        "QUARTER" => Unit::Months(3),
        "MONTH" => Unit::Months(1),
        "DECADE" => Unit::Months(120),
        "CENTURY" => Unit::Months(1_200),
        "MILLENNIUM" => Unit::Months(12_000),
        "WEEK" => Unit::Time(7 * DAY_MS),
        "DAY" => Unit::Time(DAY_MS),
        "HOUR" => Unit::Time(3_600_000),
        "MINUTE" => Unit::Time(60_000),
        "SECOND" => Unit::Time(1_000),
        "MILLISECOND" => Unit::Time(1),
        "MICROSECOND" => Unit::Fraction(1_000),
        "NANOSECOND" | "FRAC_SECOND" => Unit::Fraction(1_000_000),
        _ => return None,
    })
}

fn resolve_add(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let takes = "unit, BIGINT, point in time";
    let [symbol, count, value] = arguments else { return Err(refused("TIMESTAMPADD", arguments, takes)) };
    let unit = match symbol.symbol.and_then(unit) {
        Some(unit @ (Unit::Time(_) | Unit::Months(_))) => unit,
        _ => return Err(refused("TIMESTAMPADD", arguments, takes)),
    };
    if !matches!(count.typed.data_type, DataType::TinyInt | DataType::SmallInt | DataType::Int | DataType::BigInt | DataType::Null) {
        return Err(refused("TIMESTAMPADD", arguments, takes));
    }
    let result = match (&value.typed.data_type, unit) {
        (DataType::Date, Unit::Time(ms)) if (1_000..DAY_MS).contains(&ms) => DataType::Timestamp { precision: 6 },
        (DataType::Timestamp { precision }, Unit::Time(1)) => DataType::Timestamp { precision: 3.max(*precision) },
        (DataType::TimestampLtz { precision }, Unit::Time(1)) => DataType::TimestampLtz { precision: 3.max(*precision) },
        (DataType::Date, Unit::Time(1)) => return Err(refused("TIMESTAMPADD", arguments, takes)),
        (given @ (DataType::Date | DataType::Time { .. } | DataType::Timestamp { .. } | DataType::TimestampLtz { .. }), _) => given.clone(),
        _ => return Err(refused("TIMESTAMPADD", arguments, takes)),
    };
    let nullable = arguments[1..].iter().any(|a| a.typed.nullable || a.typed.data_type == DataType::Null);
    Ok(Resolution {
        arguments: vec![DataType::String, DataType::BigInt, value.typed.data_type.clone()],
        result: Typed::new(result, nullable),
    })
}

/// A moment moved by months: the time of day stays, the day is cut to the month's length.
fn plus_months(moment: Moment, months: i64) -> Option<Moment> {
    // Beyond this a month more is no point in time any more.
    let months = Some(months).filter(|m| m.abs() < 100_000_000)?;
    let days = add_months(moment.ms.div_euclid(DAY_MS), months);
    Some(Moment::new(days.checked_mul(DAY_MS)?.checked_add(moment.ms.rem_euclid(DAY_MS))?, moment.nanos))
}

fn add(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let unit = texts(call, 0)?.get(0).and_then(unit);
    let (counts, values) = (numbers::<Int64Type>(call, 1)?, Moments::of(call, 2)?);
    let is_time = matches!(call.result.data_type, DataType::Time { .. });
    moment_result(call, |row| {
        let (Some(count), Some(moment)) = (counts.get(row), values.get(row)) else { return Ok(None) };
        let moved = match unit {
            Some(Unit::Months(_)) if is_time => Some(moment),
            Some(Unit::Months(months)) => count.checked_mul(months).and_then(|months| plus_months(moment, months)),
            Some(Unit::Time(ms)) => count.checked_mul(ms).and_then(|ms| moment.ms.checked_add(ms)).map(|ms| Moment::new(ms, moment.nanos)),
            Some(Unit::Fraction(_)) | None => None,
        };
        let moved = moved.ok_or_else(out_of_range)?;
        // The clock of a time of day goes round.
        Ok(Some(if is_time { Moment::new(moved.ms.rem_euclid(DAY_MS), moved.nanos) } else { moved }))
    })
}

fn resolve_difference(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    use DataType as D;
    let takes = "unit, point in time, point in time of the same kind";
    let refuse = || refused("TIMESTAMPDIFF", arguments, takes);
    let [symbol, from, to] = arguments else { return Err(refuse()) };
    let unit_name = symbol.symbol.ok_or_else(refuse)?;
    unit(unit_name).ok_or_else(refuse)?;
    let fits = matches!(
        (&from.typed.data_type, &to.typed.data_type),
        (D::Date | D::Timestamp { .. }, D::Date | D::Timestamp { .. })
            | (D::Time { .. }, D::Time { .. })
            | (D::TimestampLtz { .. }, D::TimestampLtz { .. })
    );
    if !fits {
        return Err(refuse());
    }
    let result = if unit(unit_name) == Some(Unit::Fraction(1_000_000)) { D::BigInt } else { D::Int };
    Ok(Resolution {
        arguments: vec![D::String, from.typed.data_type.clone(), to.typed.data_type.clone()],
        result: Typed::new(result, from.typed.nullable || to.typed.nullable),
    })
}

/// Whole months from `from` to `to`, in milliseconds both.
fn months_between(from: i64, to: i64) -> i64 {
    if to.div_euclid(DAY_MS) < from.div_euclid(DAY_MS) {
        let months = -days_months(to.div_euclid(DAY_MS), from.div_euclid(DAY_MS));
        return whole_months(months, from, to);
    }
    whole_months(days_months(from.div_euclid(DAY_MS), to.div_euclid(DAY_MS)), from, to)
}

/// On the day on which the last month is full the time of day decides.
fn whole_months(months: i64, from: i64, to: i64) -> i64 {
    let is_last_day = add_months(from.div_euclid(DAY_MS), months) == to.div_euclid(DAY_MS);
    months - i64::from(is_last_day && to.rem_euclid(DAY_MS) < from.rem_euclid(DAY_MS))
}

/// Months that fit between two days, `from` not after `to`.
fn days_months(from: i64, to: i64) -> i64 {
    let ((from_year, from_month, _), (to_year, to_month, _)) = (civil_from_days(from), civil_from_days(to));
    let months = (to_year - from_year) * 12 + i64::from(to_month) - i64::from(from_month);
    months - i64::from(add_months(from, months) > to)
}

fn difference(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let name = texts(call, 0)?.get(0).unwrap_or_default();
    let unit = unit(name);
    let (froms, tos) = (Moments::of(call, 1)?, Moments::of(call, 2)?);
    let between = |row| -> Option<i64> {
        let (from, to) = (froms.get(row)?, tos.get(row)?);
        let ms = to.ms.wrapping_sub(from.ms);
        Some(match unit? {
            // Weeks are made of an INT of seconds, as in Flink, which wraps around behind 68 years.
            Unit::Time(size) if size == 7 * DAY_MS => i64::from((ms / 1_000) as i32) / (size / 1_000),
            Unit::Time(size) => ms / size,
            Unit::Fraction(count) => ms.wrapping_mul(count),
            // Flink counts years between decades.
            Unit::Months(120) => months_between(from.ms, to.ms) / 12,
            Unit::Months(months) => months_between(from.ms, to.ms) / months,
        })
    };
    match call.result.data_type {
        DataType::BigInt => number_result::<Int64Type>(call, |row| Ok(between(row))),
        // What does not fit into an INT is cut to its low bits, as Java does.
        _ => number_result::<Int32Type>(call, |row| Ok(between(row).map(|n| n as i32))),
    }
}
