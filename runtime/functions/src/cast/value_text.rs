//! Single decimals, dates, times and intervals as text.

use crate::calendar::{DAY_MS, civil_from_days, offset_at};
use chrono_tz::Tz;
use std::fmt::{Result, Write};

/// Writes a decimal plainly, with all digits of its scale.
pub(crate) fn write_decimal(value: i128, scale: u8, out: &mut impl Write) -> Result {
    if scale == 0 {
        return write!(out, "{value}");
    }
    let unit = super::POWERS_OF_TEN[usize::from(scale)].unsigned_abs();
    let (whole, fraction) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
    let sign = if value < 0 { "-" } else { "" };
    write!(out, "{sign}{whole}.{fraction:0width$}", width = usize::from(scale))
}

/// Writes a day counted from 1970-01-01.
pub(crate) fn write_date(days: i64, out: &mut impl Write) -> Result {
    let (year, month, day) = civil_from_days(days);
    // Flink writes four digits: the year 10000 is `0000`.
    if year >= 0 {
        let digit = |n: i64| b'0' + (n % 10) as u8;
        let (month, day) = (i64::from(month), i64::from(day));
        let bytes = [
            digit(year / 1000),
            digit(year / 100),
            digit(year / 10),
            digit(year),
            b'-',
            digit(month / 10),
            digit(month),
            b'-',
            digit(day / 10),
            digit(day),
        ];
        return out.write_str(std::str::from_utf8(&bytes).unwrap_or_default());
    }
    write!(out, "-{:04}-{month:02}-{day:02}", year.unsigned_abs())
}

fn write_clock(second_of_day: i64, out: &mut impl Write) -> Result {
    let two = |n: i64| [b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8];
    let ([h1, h2], [m1, m2], [s1, s2]) = (two(second_of_day / 3600), two(second_of_day / 60 % 60), two(second_of_day % 60));
    out.write_str(std::str::from_utf8(&[h1, h2, b':', m1, m2, b':', s1, s2]).unwrap_or_default())
}

/// Writes a time of day given in milliseconds. Flink drops zeros at the end of the fraction, but never all of it.
pub(crate) fn write_time(milliseconds: i64, precision: u8, out: &mut impl Write) -> Result {
    // The end of a day, which CEIL gives, is not its beginning.
    let milliseconds = if milliseconds == DAY_MS { DAY_MS } else { milliseconds.rem_euclid(DAY_MS) };
    write_clock(milliseconds / 1000, out)?;
    let mut rest = milliseconds % 1000;
    for place in 0..precision {
        if place == 0 {
            out.write_char('.')?;
        }
        out.write_char(char::from(b'0' + (rest / 100) as u8))?;
        rest = rest % 100 * 10;
        if rest == 0 {
            break;
        }
    }
    Ok(())
}

/// Writes a timestamp given in units of `nanos_per_unit`; in `zone` when it is an instant. The fraction has `precision`
/// digits, or more when they are not zero.
pub(crate) fn write_timestamp(value: i64, nanos_per_unit: i64, precision: u8, zone: Option<Tz>, out: &mut impl Write) -> Result {
    let per_second = 1_000_000_000 / nanos_per_unit;
    let mut seconds = value.div_euclid(per_second);
    let mut fraction = value.rem_euclid(per_second) * nanos_per_unit;
    if let Some(zone) = zone {
        seconds += offset_at(zone, seconds);
    }
    write_date(seconds.div_euclid(86_400), out)?;
    out.write_char(' ')?;
    write_clock(seconds.rem_euclid(86_400), out)?;
    let mut width = 9;
    while width > usize::from(precision) && fraction % 10 == 0 {
        fraction /= 10;
        width -= 1;
    }
    if width == 0 { Ok(()) } else { write!(out, ".{fraction:0width$}") }
}

/// Writes a year-month interval: `+1-02`.
pub(crate) fn write_months(months: i32, out: &mut impl Write) -> Result {
    let sign = if months < 0 { '-' } else { '+' };
    let months = months.unsigned_abs();
    write!(out, "{sign}{}-{:02}", months / 12, months % 12)
}

/// Writes a day-time interval: `+1 02:03:04.567`.
pub(crate) fn write_milliseconds(milliseconds: i64, out: &mut impl Write) -> Result {
    let sign = if milliseconds < 0 { '-' } else { '+' };
    let milliseconds = milliseconds.unsigned_abs();
    let day = DAY_MS as u64;
    write!(out, "{sign}{} ", milliseconds / day)?;
    write_clock((milliseconds % day / 1000) as i64, out)?;
    write!(out, ".{:03}", milliseconds % 1000)
}
