//! The calendar of `java.util.GregorianCalendar`: Julian until 1582-10-04, Gregorian from the next day, 1582-10-15.

use crate::calendar::{civil_from_days, days_from_civil};

/// 1582-10-15, counted from 1970-01-01.
const CUTOVER_DAYS: i64 = -141_427;
/// Julian 1 March of year 0, counted from 1970-01-01.
const JULIAN_ERA_DAYS: i64 = -719_470;

/// Year (0 is 1 BC), month and day of a day counted from 1970-01-01.
pub(super) fn date_of(days: i64) -> (i64, u32, u32) {
    if days >= CUTOVER_DAYS {
        return civil_from_days(days);
    }
    let shifted = days - JULIAN_ERA_DAYS;
    let cycle = shifted.div_euclid(1_461);
    let day_of_cycle = shifted.rem_euclid(1_461);
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460) / 365;
    let day_of_year = day_of_cycle - 365 * year_of_cycle;
    let month_index = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_index + 2) / 5 + 1) as u32;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 } as u32;
    (cycle * 4 + year_of_cycle + i64::from(month <= 2), month, day)
}

/// The first of a Julian month, counted from 1970-01-01.
fn julian_month(year: i64, month: u32) -> i64 {
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let shifted = i64::from((month + 9) % 12);
    shifted_year * 365 + shifted_year.div_euclid(4) + (153 * shifted + 2) / 5 + JULIAN_ERA_DAYS
}

/// The day of fields that may be beyond their ranges: month 13 is January of the next year, day 0 the day before the first.
/// A day that the cutover skipped is read as a Julian one.
pub(super) fn days_of_lenient(year: i64, month: i64, day: i64) -> i64 {
    // What no day is counted for any more is far beyond what Java's calendar reaches.
    let total = year.saturating_mul(12).saturating_add(month.saturating_sub(1)).clamp(-10_000_000_000, 10_000_000_000);
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) as u32 + 1);
    let gregorian = days_from_civil(year, month, 1).saturating_add(day.saturating_sub(1));
    if gregorian >= CUTOVER_DAYS { gregorian } else { julian_month(year, month).saturating_add(day.saturating_sub(1)) }
}

/// The Sunday on or before a day.
pub(super) fn sunday(days: i64) -> i64 {
    days - (days + 4).rem_euclid(7)
}

/// The first day of a year's first week.
pub(super) fn first_week(year: i64) -> i64 {
    sunday(days_of_lenient(year, 1, 1))
}

/// Year and week where weeks start on Sunday and the first has 1 January.
pub(super) fn week_of(days: i64) -> (i64, i64) {
    let (year, ..) = date_of(sunday(days).saturating_add(6));
    (year, (sunday(days) - first_week(year)) / 7 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_round_trip_on_both_sides_of_the_cutover() {
        for days in (-800_000..200_000).step_by(13).chain(-141_500..-141_400) {
            let (year, month, day) = date_of(days);
            assert_eq!(days_of_lenient(year, i64::from(month), i64::from(day)), days, "{year}-{month}-{day}");
        }
        assert_eq!(date_of(CUTOVER_DAYS - 1), (1582, 10, 4));
        assert_eq!(date_of(CUTOVER_DAYS), (1582, 10, 15));
    }

    #[test]
    fn days_that_were_skipped_are_later_ones() {
        assert_eq!(days_of_lenient(1582, 10, 10), CUTOVER_DAYS + 5);
        assert_eq!(days_of_lenient(2020, 14, 0), days_from_civil(2021, 1, 31));
    }
}
