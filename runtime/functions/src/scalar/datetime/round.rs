//! Points in time brought down or up to the start of a unit: `FLOOR(x TO unit)` and `CEIL(x TO unit)`.

use super::moments::{Moment, Moments, moment_result, offset_ms, out_of_range};
use crate::{
    Columnar, EvaluationError,
    calendar::{DAY_MS, civil_from_days, days_from_civil},
    scalar::{Call, columns::texts},
};
use millrace_model::DataType;

/// Whether values of a type are rounded to this unit.
pub(in crate::scalar) fn rounds_to(data_type: &DataType, unit: &str) -> bool {
    let of_a_day = matches!(unit, "HOUR" | "MINUTE" | "SECOND" | "MILLISECOND");
    match data_type {
        DataType::Time { .. } => of_a_day,
        DataType::Date | DataType::Timestamp { .. } | DataType::TimestampLtz { .. } => {
            of_a_day || matches!(unit, "MILLENNIUM" | "CENTURY" | "DECADE" | "YEAR" | "QUARTER" | "MONTH" | "WEEK" | "DAY")
        }
        _ => false,
    }
}

/// `FLOOR(x TO unit)`: argument 0 is the point in time, argument 1 the unit; the result has the type of argument 0.
///
/// # Errors
/// A result out of range.
pub(in crate::scalar) fn floor_to_unit(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    round(call, false)
}

/// `CEIL(x TO unit)`, as [`floor_to_unit`].
///
/// # Errors
/// A result out of range.
pub(in crate::scalar) fn ceil_to_unit(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    round(call, true)
}

fn round(call: &Call<'_>, up: bool) -> Result<Columnar, EvaluationError> {
    let values = Moments::of(call, 0)?;
    let unit = texts(call, 1)?.get(0).unwrap_or_default();
    let is_date = call.result.data_type == DataType::Date;
    let is_instant = matches!(call.result.data_type, DataType::TimestampLtz { .. });
    moment_result(call, |row| {
        let Some(moment) = values.get(row) else { return Ok(None) };
        // The offset of the instant itself serves for both ways, even when the zone's clock changed in between: so does Flink.
        let offset = if is_instant { offset_ms(call.context.zone, moment.ms) } else { 0 };
        let local = Moment::new(moment.ms.checked_add(offset).ok_or_else(out_of_range)?, moment.nanos);
        // A date is brought up to the day after it, as in Flink; a time of day behind its last hour is 24:00:00.
        let next = up && is_date && unit == "DAY";
        let ms = if next { local.ms.checked_add(DAY_MS) } else { to_unit(local, unit, up) };
        Ok(Some(Moment::new(ms.ok_or_else(out_of_range)? - offset, 0)))
    })
}

/// The start of the unit in which a moment lies, or the next start when `up` and the moment is not one; milliseconds.
fn to_unit(moment: Moment, unit: &str, up: bool) -> Option<i64> {
    let size = match unit {
        "MILLISECOND" => return if up && moment.nanos > 0 { moment.ms.checked_add(1) } else { Some(moment.ms) },
        "SECOND" => 1_000,
        "MINUTE" => 60_000,
        "HOUR" => 3_600_000,
        "DAY" => DAY_MS,
        // Rounded towards 1970, as in `extract`: before it, a day counts as the next one.
        _ => return days_to_unit(moment.ms / DAY_MS, unit, up).map(|days| days * DAY_MS),
    };
    let down = moment.ms.div_euclid(size).checked_mul(size)?;
    if up && down < moment.ms { down.checked_add(size) } else { Some(down) }
}

/// As [`to_unit`] for units above a day. As in Flink the time of day does not count, and the first day of a quarter, decade,
/// century or millennium is brought up to the next one too, but for that of a year's first quarter.
fn days_to_unit(days: i64, unit: &str, up: bool) -> Option<i64> {
    let (year, month, _) = civil_from_days(days);
    let start = |year| days_from_civil(year, 1, 1);
    let (down, next, always) = match unit {
        "WEEK" => {
            // Weeks start on Sunday here.
            let sunday = days - (days + 4).rem_euclid(7);
            (sunday, sunday + 7, false)
        }
        "MONTH" | "QUARTER" => {
            let months = if unit == "MONTH" { 1 } else { 3 };
            let first = (month.saturating_sub(1)) / months * months;
            let next = first + months;
            let next = if next >= 12 { start(year + 1) } else { days_from_civil(year, next + 1, 1) };
            (days_from_civil(year, first + 1, 1), next, unit == "QUARTER" && month > 1)
        }
        "YEAR" => (start(year), start(year + 1), false),
        "DECADE" => (start(year.div_euclid(10) * 10), start(year.div_euclid(10) * 10 + 10), true),
        "CENTURY" | "MILLENNIUM" => {
            let years = if unit == "CENTURY" { 100 } else { 1_000 };
            let first = (year - 1).div_euclid(years) * years + 1;
            (start(first), start(first + years), true)
        }
        _ => return None,
    };
    Some(if up && (always || down < days) { next } else { down })
}
