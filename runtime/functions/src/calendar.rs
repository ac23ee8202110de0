//! Days, wall-clock times and zones as numbers.
//!
//! The civil-date arithmetic is the era method of Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms"
//! (proleptic Gregorian, as Java's `LocalDate`). Zone rules follow Java's `LocalDateTime.atZone`: a wall-clock time that a
//! zone skips moves forward by the gap, one that occurs twice is the earlier instant.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// Days from 1970-01-01 to the given civil date; the month may be outside 1–12 only if the caller has normalized it.
pub(crate) fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = i64::from((month + 9) % 12);
    let day_of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of a day counted from 1970-01-01.
pub(crate) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_index + 2) / 5 + 1) as u32;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Days of a month.
pub(crate) fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// A day moved by months; the day of the month is cut to the month's length, as Java's `plusMonths`.
pub(crate) fn add_months(days: i64, months: i64) -> i64 {
    let (year, month, day) = civil_from_days(days);
    let total = year * 12 + i64::from(month) - 1 + months;
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) as u32 + 1);
    days_from_civil(year, month, day.min(days_in_month(year, month)))
}

/// Seconds that the zone is ahead of UTC at an instant in epoch seconds.
pub(crate) fn offset_at(zone: Tz, epoch_seconds: i64) -> i64 {
    if zone == Tz::UTC {
        return 0;
    }
    DateTime::from_timestamp(epoch_seconds, 0)
        .map_or(0, |instant| i64::from(zone.offset_from_utc_datetime(&instant.naive_utc()).fix().local_minus_utc()))
}

/// Epoch seconds of a wall-clock time given as seconds from 1970-01-01 00:00 on that clock.
pub(crate) fn instant_of(zone: Tz, wall_seconds: i64) -> i64 {
    if zone == Tz::UTC {
        return wall_seconds;
    }
    let Some(wall) = DateTime::from_timestamp(wall_seconds, 0) else { return wall_seconds };
    match zone.offset_from_local_datetime(&wall.naive_utc()) {
        chrono::LocalResult::Single(offset) | chrono::LocalResult::Ambiguous(offset, _) => {
            wall_seconds - i64::from(offset.fix().local_minus_utc())
        }
        // The offset before the gap: zones do not change twice within a day.
        chrono::LocalResult::None => wall_seconds - offset_at(zone, wall_seconds - 86_400 - offset_at(zone, wall_seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_dates_round_trip() {
        for days in (-1_000_000..1_000_000).step_by(37) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
        assert_eq!(civil_from_days(0), (1970, 1, 1));
        assert_eq!(civil_from_days(11_016), (2000, 2, 29));
        assert_eq!(add_months(days_from_civil(2024, 1, 31), 1), days_from_civil(2024, 2, 29));
        assert_eq!(add_months(days_from_civil(2024, 1, 31), -14), days_from_civil(2022, 11, 30));
    }

    #[test]
    fn gaps_and_overlaps_follow_java() {
        let zone = Tz::Europe__Berlin;
        let wall = |d: u32, h: i64, m: i64| days_from_civil(2021, if d == 28 { 3 } else { 10 }, d) * 86_400 + h * 3_600 + m * 60;
        assert_eq!(instant_of(zone, wall(28, 2, 30)), wall(28, 1, 30));
        assert_eq!(instant_of(zone, wall(31, 2, 30)), wall(31, 0, 30));
    }
}
