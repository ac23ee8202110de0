//! Which windows a time lies in, and when a window's end is reached, as Flink's `TimeWindow` and `TimeWindowUtil` define
//! it.
//!
//! Windows of TIMESTAMP_LTZ (and of the clock) are wall-clock windows of the session's zone: times are shifted into it
//! before windows are assigned, ends are shifted back before they are compared with the watermark.

use crate::error::OperatorError;
use arrow_array::{Array, ArrayRef, cast::AsArray, types::TimestampMillisecondType};
use chrono::{LocalResult, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;
use millrace_sql::plan::WindowKind;

/// Wall-clock milliseconds of an instant.
pub(crate) fn to_local_ms(utc_ms: i64, zone: Tz) -> i64 {
    if zone == Tz::UTC {
        return utc_ms;
    }
    match chrono::DateTime::from_timestamp_millis(utc_ms) {
        Some(time) => utc_ms.saturating_add(i64::from(zone.offset_from_utc_datetime(&time.naive_utc()).fix().local_minus_utc()) * 1_000),
        None => utc_ms,
    }
}

/// The instant at which a wall clock has reached `local_ms`: the later one where the hour is repeated, the end of the gap
/// where it is left out.
pub(crate) fn to_utc_ms(local_ms: i64, zone: Tz) -> i64 {
    const STEP_MS: i64 = 15 * 60_000;
    if zone == Tz::UTC {
        return local_ms;
    }
    let mut wanted_ms = local_ms;
    // A gap is at most a day long.
    for _ in 0..=96 {
        let Some(time) = chrono::DateTime::from_timestamp_millis(wanted_ms).map(|t| t.naive_utc()) else {
            return local_ms;
        };
        match resolve(time, zone) {
            Some(utc_ms) => return utc_ms,
            None => wanted_ms = (wanted_ms.div_euclid(STEP_MS) + 1) * STEP_MS,
        }
    }
    local_ms
}

/// The instant that a wall clock's `local_ms` is taken for as a value (Java's `LocalDateTime.atZone`): the earlier one where the
/// hour is repeated, and by the length of the gap later where it is left out.
pub(crate) fn at_zone_ms(local_ms: i64, zone: Tz) -> i64 {
    const DAY_MS: i64 = 86_400_000;
    if zone == Tz::UTC {
        return local_ms;
    }
    let Some(time) = chrono::DateTime::from_timestamp_millis(local_ms).map(|t| t.naive_utc()) else {
        return local_ms;
    };
    match zone.from_local_datetime(&time) {
        LocalResult::Single(found) | LocalResult::Ambiguous(found, _) => found.timestamp_millis(),
        LocalResult::None => {
            // The offset before the gap: zones do not change twice within a day.
            let before_ms = local_ms.saturating_sub(DAY_MS);
            let offset_ms = to_local_ms(before_ms, zone).saturating_sub(before_ms);
            local_ms.saturating_sub(offset_ms)
        }
    }
}

fn resolve(time: NaiveDateTime, zone: Tz) -> Option<i64> {
    match zone.from_local_datetime(&time) {
        LocalResult::Single(found) => Some(found.timestamp_millis()),
        LocalResult::Ambiguous(_, later) => Some(later.timestamp_millis()),
        LocalResult::None => None,
    }
}

/// Milliseconds of a time attribute's column; `None` where it is NULL.
pub(crate) fn times(column: &ArrayRef) -> Option<(&[i64], Option<&arrow_buffer::NullBuffer>)> {
    let times = column.as_primitive_opt::<TimestampMillisecondType>()?;
    Some((times.values(), times.nulls()))
}

/// Milliseconds of an event-time column none of whose rows may be NULL; `before` says in front of what such rows are to be
/// filtered.
pub(crate) fn event_times<'c>(column: &'c ArrayRef, before: &str) -> Result<&'c [i64], OperatorError> {
    let (values, nulls) = times(column).ok_or_else(|| OperatorError::Internal(format!("a time attribute of {}", column.data_type())))?;
    if nulls.is_some_and(|n| n.null_count() > 0) {
        return Err(OperatorError::Evaluation(format!("the event time of a row is NULL; filter such rows before {before}")));
    }
    Ok(values)
}

/// Start of the window of this size (or slide) in which `time_ms` lies.
#[inline]
pub(crate) fn window_start(time_ms: i64, offset_ms: i64, size_ms: i64) -> i64 {
    // Times come from data and may be any.
    time_ms.saturating_sub(time_ms.wrapping_sub(offset_ms).rem_euclid(size_ms))
}

/// Calls `visit(start, end)` for every window of `time_ms`, ends ascending. Sessions are no business of this.
#[inline]
pub(crate) fn windows_of(kind: WindowKind, time_ms: i64, mut visit: impl FnMut(i64, i64)) {
    match kind {
        WindowKind::Tumble { size_ms, offset_ms } => {
            let start = window_start(time_ms, offset_ms, size_ms);
            visit(start, start.saturating_add(size_ms));
        }
        WindowKind::Hop { size_ms, slide_ms, offset_ms } => {
            let last = window_start(time_ms, offset_ms, slide_ms);
            let count = (size_ms - (time_ms - last) + slide_ms - 1).div_euclid(slide_ms);
            for back in (0..count).rev() {
                let start = last.saturating_sub(back * slide_ms);
                visit(start, start.saturating_add(size_ms));
            }
        }
        WindowKind::Cumulate { size_ms, step_ms, offset_ms } => {
            let start = window_start(time_ms, offset_ms, size_ms);
            let mut steps = (time_ms - start).div_euclid(step_ms) + 1;
            while steps * step_ms <= size_ms {
                visit(start, start.saturating_add(steps * step_ms));
                steps += 1;
            }
        }
        WindowKind::Session { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_repeated_and_missing_hours() {
        let berlin = chrono_tz::Europe::Berlin;
        // 2024-10-27 02:59:59.999 comes twice, 2024-03-31 02:59:59.999 never.
        assert_eq!(at_zone_ms(1_729_997_999_999, berlin), 1_729_990_799_999);
        assert_eq!(to_utc_ms(1_729_997_999_999, berlin), 1_729_994_399_999);
        assert_eq!(at_zone_ms(1_711_853_999_999, berlin), 1_711_850_399_999);
        assert_eq!(at_zone_ms(1_711_843_199_999, berlin), 1_711_839_599_999);
    }

    fn windows(kind: WindowKind, time_ms: i64) -> Vec<(i64, i64)> {
        let mut found = Vec::new();
        windows_of(kind, time_ms, |start, end| found.push((start, end)));
        found
    }

    #[test]
    fn windows_of_each_kind() {
        let tumble = WindowKind::Tumble { size_ms: 10, offset_ms: 0 };
        assert_eq!(windows(tumble, 19), [(10, 20)]);
        assert_eq!(windows(tumble, -1), [(-10, 0)]);
        assert_eq!(windows(WindowKind::Tumble { size_ms: 10, offset_ms: 3 }, 2), [(-7, 3)]);
        let hop = WindowKind::Hop { size_ms: 10, slide_ms: 5, offset_ms: 0 };
        assert_eq!(windows(hop, 7), [(0, 10), (5, 15)]);
        assert_eq!(windows(WindowKind::Hop { size_ms: 5, slide_ms: 10, offset_ms: 0 }, 7), [], "between two windows");
        let cumulate = WindowKind::Cumulate { size_ms: 15, step_ms: 5, offset_ms: 0 };
        assert_eq!(windows(cumulate, 6), [(0, 10), (0, 15)]);
    }

    #[test]
    fn repeated_and_missing_hours() {
        let zone = Tz::America__Los_Angeles;
        let at = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc().timestamp_millis();
        // 2021-03-14: 02:00 to 03:00 does not exist; 2021-11-07: 01:00 to 02:00 comes twice.
        assert_eq!(to_utc_ms(at("2021-03-14 02:30"), zone), at("2021-03-14 10:00"));
        assert_eq!(to_utc_ms(at("2021-11-07 01:30"), zone), at("2021-11-07 09:30"));
        assert_eq!(to_local_ms(at("2021-07-01 07:00"), zone), at("2021-07-01 00:00"));
    }
}
