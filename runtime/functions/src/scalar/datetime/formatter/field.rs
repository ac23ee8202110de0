//! Fields of a date and of a time of day.

use super::super::extract::of_days;
use crate::{
    calendar::{DAY_MS, civil_from_days, days_from_civil},
    scalar::datetime::moments::Moment,
};

/// A field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scalar::datetime) enum Field {
    /// 0 BC, 1 AD
    Era,
    Year,
    YearOfEra,
    WeekYear,
    Quarter,
    Month,
    Week,
    WeekOfMonth,
    Day,
    DayOfYear,
    /// Place of the day in groups of seven from the first of the month.
    AlignedDay,
    /// 1 is Monday.
    DayOfWeek,
    /// 1 is Sunday.
    LocalDayOfWeek,
    ModifiedJulianDay,
    Hour,
    /// 1–24
    ClockHour,
    /// 0–11
    HourOfHalf,
    /// 1–12
    ClockHourOfHalf,
    /// 0 AM, 1 PM
    Half,
    /// `in the morning` and the like, by its middle in minutes.
    DayPeriod,
    Minute,
    Second,
    Nano,
    MilliOfDay,
    NanoOfDay,
}

impl Field {
    /// How many there are.
    pub(super) const COUNT: usize = Self::NanoOfDay as usize + 1;

    /// Smallest and largest value.
    pub(super) fn range(self) -> (i64, i64) {
        match self {
            Self::Era | Self::Half => (0, 1),
            Self::Year | Self::WeekYear => (-999_999_999, 999_999_999),
            Self::YearOfEra => (1, 999_999_999),
            Self::ModifiedJulianDay => (-365_243_000_000, 365_241_000_000),
            Self::Quarter => (1, 4),
            Self::Month => (1, 12),
            Self::Week => (1, 54),
            Self::WeekOfMonth => (0, 6),
            Self::Day => (1, 31),
            Self::DayOfYear => (1, 366),
            Self::AlignedDay | Self::DayOfWeek | Self::LocalDayOfWeek => (1, 7),
            Self::Hour => (0, 23),
            Self::ClockHour => (1, 24),
            Self::HourOfHalf => (0, 11),
            Self::ClockHourOfHalf => (1, 12),
            Self::DayPeriod => (0, 1_439),
            Self::Minute | Self::Second => (0, 59),
            Self::Nano => (0, 999_999_999),
            Self::MilliOfDay => (0, DAY_MS - 1),
            Self::NanoOfDay => (0, DAY_MS * 1_000_000 - 1),
        }
    }

    /// Its value at a wall-clock time.
    pub(super) fn of(self, moment: Moment) -> i64 {
        let days = moment.ms.div_euclid(DAY_MS);
        match self.of_date(days) {
            Some(value) => value,
            None => self.of_time(moment.ms.rem_euclid(DAY_MS) * 1_000_000 + i64::from(moment.nanos)),
        }
    }

    /// Its value on a day, when it is a field of a date.
    pub(super) fn of_date(self, days: i64) -> Option<i64> {
        let (year, month, day) = civil_from_days(days);
        Some(match self {
            Self::Era => i64::from(year > 0),
            Self::Year => year,
            Self::YearOfEra => {
                if year > 0 {
                    year
                } else {
                    1 - year
                }
            }
            Self::WeekYear => local_week(days).0,
            Self::Week => local_week(days).1,
            Self::WeekOfMonth => {
                let first = days - i64::from(day) + 1;
                (days - sunday(first)) / 7 + 1
            }
            Self::Quarter => of_days("QUARTER", days),
            Self::Month => i64::from(month),
            Self::Day => i64::from(day),
            Self::DayOfYear => of_days("DOY", days),
            Self::AlignedDay => i64::from(day.saturating_sub(1) % 7 + 1),
            Self::DayOfWeek => of_days("ISODOW", days),
            Self::LocalDayOfWeek => of_days("DOW", days),
            Self::ModifiedJulianDay => days + 40_587,
            _ => return None,
        })
    }

    /// Its value at a time of day in nanoseconds.
    pub(super) fn of_time(self, nano_of_day: i64) -> i64 {
        let second = nano_of_day / 1_000_000_000;
        let hour = second / 3_600;
        match self {
            Self::Hour => hour,
            Self::ClockHour => {
                if hour == 0 {
                    24
                } else {
                    hour
                }
            }
            Self::HourOfHalf => hour % 12,
            Self::ClockHourOfHalf => {
                if hour % 12 == 0 {
                    12
                } else {
                    hour % 12
                }
            }
            Self::Half => hour / 12,
            Self::DayPeriod => second / 60,
            Self::Minute => second / 60 % 60,
            Self::Second => second % 60,
            Self::Nano => nano_of_day % 1_000_000_000,
            Self::MilliOfDay => nano_of_day / 1_000_000,
            _ => nano_of_day,
        }
    }
}

/// When a number may have a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// Negative ones.
    Normal,
    /// Also numbers that are longer than their width.
    ExceedsPad,
    Never,
}

/// The Sunday on or before a day.
fn sunday(days: i64) -> i64 {
    days - (days + 4).rem_euclid(7)
}

/// Year and week where weeks start on Sunday and the first has 1 January.
pub(in crate::scalar::datetime) fn local_week(days: i64) -> (i64, i64) {
    let saturday = sunday(days) + 6;
    let (year, ..) = civil_from_days(saturday);
    (year, (sunday(days) - first_week(year)) / 7 + 1)
}

/// The first day of a year's first week.
pub(in crate::scalar::datetime) fn first_week(year: i64) -> i64 {
    sunday(days_from_civil(year, 1, 1))
}
