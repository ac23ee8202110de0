//! Dates and times: counts since the epoch, with the declared digits of fractional seconds as type parameter.
//!
//! Carriers are the contract's: 0–3 digits count milliseconds, 4–6 microseconds, 7–9 nanoseconds; `Time` counts
//! milliseconds of the day up to 3 digits and nanoseconds above. The calendar is the proleptic Gregorian one
//! (algorithm: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").

use crate::column::ColumnBuilder as _;
use crate::{
    bindings::types::ColumnData,
    column::{AnyBuf, AnyColumn, ColumnBuf, ColumnType, IntoColumn},
    scalar::{Scalar, ScalarBuilder, Values, column_type, plain},
    schema::DataType,
};
use std::fmt;

/// A day, as days since 1970-01-01.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub i32);

/// A time of the day, as nanoseconds since midnight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time<const DIGITS: u8>(pub i64);

/// Wall-clock time without a zone, counted from 1970-01-01 00:00 in [`units_per_second`]`(DIGITS)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp<const DIGITS: u8>(pub i64);

/// An instant, counted from the epoch (UTC) in [`units_per_second`]`(DIGITS)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimestampLtz<const DIGITS: u8>(pub i64);

/// How many units of a timestamp of this many digits make a second.
pub const fn units_per_second(digits: u8) -> i64 {
    match digits {
        0..=3 => 1_000,
        4..=6 => 1_000_000,
        _ => 1_000_000_000,
    }
}

/// Whether a timestamp declared with `found` digits can be read as one of `wanted`: same unit, no digit lost.
fn same_unit(found: u8, wanted: u8) -> bool {
    found <= wanted && units_per_second(found) == units_per_second(wanted)
}

impl Date {
    /// The day of this year, month (1–12) and day of the month.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Self {
        let year = i64::from(year) - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = i64::from((153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1);
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self((era * 146_097 + day_of_era - 719_468) as i32)
    }

    /// Year, month (1–12) and day of the month.
    pub fn ymd(self) -> (i32, u32, u32) {
        let days = i64::from(self.0) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_index = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * month_index + 2) / 5 + 1) as u32;
        let month = (if month_index < 10 { month_index + 3 } else { month_index - 9 }) as u32;
        ((year_of_era + era * 400 + i64::from(month <= 2)) as i32, month, day)
    }

    /// Day of the week, 0 = Monday.
    pub fn weekday(self) -> u32 {
        (i64::from(self.0) + 3).rem_euclid(7) as u32
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl<const DIGITS: u8> Time<DIGITS> {
    /// The time of this hour, minute, second and nanosecond.
    pub fn from_hms(hour: u32, minute: u32, second: u32, nanos: u32) -> Self {
        Self((i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second)) * 1_000_000_000 + i64::from(nanos))
    }

    /// Hour, minute, second and nanosecond.
    pub fn hms(self) -> (u32, u32, u32, u32) {
        let seconds = self.0 / 1_000_000_000;
        ((seconds / 3_600) as u32, (seconds / 60 % 60) as u32, (seconds % 60) as u32, (self.0 % 1_000_000_000) as u32)
    }
}

impl<const DIGITS: u8> fmt::Display for Time<DIGITS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second, nanos) = self.hms();
        write!(f, "{hour:02}:{minute:02}:{second:02}")?;
        write_fraction(f, nanos, DIGITS)
    }
}

fn write_fraction(f: &mut fmt::Formatter<'_>, nanos: u32, digits: u8) -> fmt::Result {
    match digits.min(9) {
        0 => Ok(()),
        digits => write!(f, ".{:0width$}", nanos / 10u32.pow(9 - u32::from(digits)), width = digits.into()),
    }
}

macro_rules! timestamp {
    ($type:ident, $zone:literal) => {
        impl<const DIGITS: u8> $type<DIGITS> {
            /// The time this many milliseconds after the epoch.
            pub const fn from_epoch_ms(ms: i64) -> Self {
                Self(ms * (units_per_second(DIGITS) / 1_000))
            }

            /// Milliseconds since the epoch, rounded down.
            pub const fn epoch_ms(self) -> i64 {
                self.0.div_euclid(units_per_second(DIGITS) / 1_000)
            }

            /// The time on this day.
            pub fn from_date_time(date: Date, time: Time<9>) -> Self {
                let unit = units_per_second(DIGITS);
                Self(i64::from(date.0) * 86_400 * unit + time.0 / (1_000_000_000 / unit))
            }

            /// The day.
            pub fn date(self) -> Date {
                Date(self.0.div_euclid(86_400 * units_per_second(DIGITS)) as i32)
            }

            /// The time of the day.
            pub fn time(self) -> Time<9> {
                let unit = units_per_second(DIGITS);
                Time(self.0.rem_euclid(86_400 * unit) * (1_000_000_000 / unit))
            }

            /// The time rounded down to a multiple of this many milliseconds since the epoch: a bucket's start.
            pub const fn floor_ms(self, step_ms: i64) -> Self {
                let step = step_ms * (units_per_second(DIGITS) / 1_000);
                Self(self.0 - self.0.rem_euclid(step))
            }
        }

        impl<const DIGITS: u8> fmt::Display for $type<DIGITS> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let (hour, minute, second, nanos) = self.time().hms();
                write!(f, "{} {hour:02}:{minute:02}:{second:02}", self.date())?;
                write_fraction(f, nanos, DIGITS)?;
                f.write_str($zone)
            }
        }

        plain!($type<D>, i64, I64s, DataType::$type(D),
            accepts |d| matches!(d, DataType::$type(found) if same_unit(*found, D)), $type, |v| v.0, D);
    };
}

timestamp!(Timestamp, "");
timestamp!(TimestampLtz, "Z");
plain!(Date, i32, I32s, DataType::Date, accepts | d | *d == DataType::Date, Date, |v| v.0);

/// The values of a `TIME` column in either carrier.
#[derive(Debug, Clone, Copy)]
pub enum Times<'a> {
    /// Milliseconds of the day.
    Millis(&'a [i32]),
    /// Nanoseconds of the day.
    Nanos(&'a [i64]),
}

impl<const D: u8> Scalar for Time<D> {
    type Slice<'a> = Times<'a>;
    type Buffer = Vec<i64>;

    fn data_type() -> DataType {
        DataType::Time(D)
    }
    fn accepts(declared: &DataType) -> bool {
        matches!(declared, DataType::Time(found) if *found <= D)
    }
    fn slice(data: &ColumnData) -> Option<Times<'_>> {
        match data {
            ColumnData::I32s(values) => Some(Times::Millis(values)),
            ColumnData::I64s(values) => Some(Times::Nanos(values)),
            _ => None,
        }
    }
    fn at(times: Times<'_>, row: usize) -> Self {
        match times {
            Times::Millis(values) => Self(i64::from(values[row]) * 1_000_000),
            Times::Nanos(values) => Self(values[row]),
        }
    }
    fn buffer(rows: usize) -> Vec<i64> {
        Vec::with_capacity(rows)
    }
    fn push(buffer: &mut Vec<i64>, value: Self) {
        buffer.push(value.0);
    }
    fn filler() -> Self {
        Self(0)
    }
    fn buffer_len(buffer: &Vec<i64>) -> usize {
        buffer.len()
    }
    fn wrap(buffer: Vec<i64>) -> ColumnData {
        match D {
            0..=3 => ColumnData::I32s(buffer.into_iter().map(|nanos| (nanos / 1_000_000) as i32).collect()),
            _ => ColumnData::I64s(buffer),
        }
    }
}

column_type!(Time<D>, D);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_calendar_agree() {
        for (ymd, days, weekday) in [
            ((1970, 1, 1), 0, 3),
            ((2000, 2, 29), 11_016, 1),
            ((1969, 12, 31), -1, 2),
            ((0, 3, 1), -719_468, 2),
            ((9999, 12, 31), 2_932_896, 4),
        ] {
            assert_eq!(Date::from_ymd(ymd.0, ymd.1, ymd.2), Date(days));
            assert_eq!(Date(days).ymd(), ymd);
            assert_eq!(Date(days).weekday(), weekday);
        }
        assert!((-800_000..3_000_000).step_by(13).all(|day| {
            let (y, m, d) = Date(day).ymd();
            Date::from_ymd(y, m, d) == Date(day)
        }));
    }

    #[test]
    fn times_show_their_declared_digits() {
        let time = Timestamp::<3>::from_date_time(Date::from_ymd(2026, 3, 4), Time::from_hms(5, 6, 7, 89_000_000));
        assert_eq!(time.to_string(), "2026-03-04 05:06:07.089");
        assert_eq!(TimestampLtz::<9>(-1).to_string(), "1969-12-31 23:59:59.999999999Z");
        assert_eq!(Timestamp::<0>::from_epoch_ms(1_500).to_string(), "1970-01-01 00:00:01");
        assert_eq!(Timestamp::<6>::from_epoch_ms(-1).epoch_ms(), -1);
        assert_eq!(Timestamp::<3>(125_000).floor_ms(60_000), Timestamp(120_000));
        assert_eq!(Timestamp::<3>(-1).floor_ms(60_000), Timestamp(-60_000));
    }

    #[test]
    fn a_declared_precision_is_read_only_by_the_same_unit() {
        assert!(<Timestamp<3> as ColumnType>::accepts(&DataType::Timestamp(0)));
        assert!(!<Timestamp<3> as ColumnType>::accepts(&DataType::Timestamp(6)));
        assert!(!<Timestamp<6> as ColumnType>::accepts(&DataType::Timestamp(3)));
        assert!(!<Timestamp<3> as ColumnType>::accepts(&DataType::TimestampLtz(3)));
    }
}
