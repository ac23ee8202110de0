//! Dates and times as text, both ways. Calendar arithmetic: Howard Hinnant, "chrono-Compatible Low-Level Date
//! Algorithms" (proleptic Gregorian). Years are 0000 to 9999.

pub(crate) const NANOS_PER_SECOND: u64 = 1_000_000_000;
pub(crate) const SECONDS_PER_DAY: i64 = 86_400;

/// Days since 1970-01-01 of `yyyy-MM-dd`.
pub(crate) fn parse_date(text: &[u8]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else { return None };
    let year = i64::from(two_digits(y1, y2)?) * 100 + i64::from(two_digits(y3, y4)?);
    let (month, day) = (two_digits(m1, m2)?, two_digits(d1, d2)?);
    if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    i32::try_from(days_from_civil(year, month, day)).ok()
}

/// Nanoseconds of the day of `HH:mm:ss[.fraction]`; without seconds too when `short`.
pub(crate) fn parse_time(text: &[u8], short: bool) -> Option<u64> {
    let (clock, fraction) = text.split_at_checked(8).unwrap_or((text, &[]));
    let (hour, minute, second) = match *clock {
        [h1, h2, b':', m1, m2, b':', s1, s2] => (two_digits(h1, h2)?, two_digits(m1, m2)?, two_digits(s1, s2)?),
        [h1, h2, b':', m1, m2] if short => (two_digits(h1, h2)?, two_digits(m1, m2)?, 0),
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = u64::from(hour) * 3_600 + u64::from(minute) * 60 + u64::from(second);
    Some(seconds * NANOS_PER_SECOND + u64::from(parse_fraction(fraction)?))
}

/// Seconds since the epoch and nanoseconds of the second of `<date><separator><time>`, with a final `Z` when `zoned`.
pub(crate) fn parse_timestamp(text: &[u8], separator: u8, zoned: bool) -> Option<(i64, u32)> {
    let text = if zoned { text.strip_suffix(b"Z")? } else { text };
    let (date, rest) = text.split_at_checked(10)?;
    let time = rest.strip_prefix(&[separator])?;
    let nanos = parse_time(time, separator == b'T')?;
    let seconds = i64::from(parse_date(date)?) * SECONDS_PER_DAY + (nanos / NANOS_PER_SECOND) as i64;
    Some((seconds, (nanos % NANOS_PER_SECOND) as u32))
}

/// Cuts nanoseconds to `precision` digits.
pub(crate) fn truncate_nanos(nanos: u64, precision: u8) -> u64 {
    let unit = 10u64.pow(u32::from(9u8.saturating_sub(precision)));
    nanos - nanos % unit
}

/// Appends `yyyy-MM-dd`.
pub(crate) fn write_date(days: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil_from_days(days);
    if (0..=9_999).contains(&year) {
        let year = year as u32;
        write_two(year / 100, out);
        write_two(year % 100, out);
    } else {
        // As `java.time` prints years beyond four digits.
        let sign = if year < 0 { "-" } else { "+" };
        out.extend_from_slice(format!("{sign}{:04}", year.unsigned_abs()).as_bytes());
    }
    out.push(b'-');
    write_two(month, out);
    out.push(b'-');
    write_two(day, out);
}

/// Appends `HH:mm:ss` and the fraction without its trailing zeros, as `java.time`'s `appendFraction(0, 9)`.
pub(crate) fn write_time(nanos_of_day: u64, out: &mut Vec<u8>) {
    let seconds = (nanos_of_day / NANOS_PER_SECOND) as u32;
    write_two(seconds / 3_600, out);
    out.push(b':');
    write_two(seconds / 60 % 60, out);
    out.push(b':');
    write_two(seconds % 60, out);
    let mut fraction = nanos_of_day % NANOS_PER_SECOND;
    if fraction > 0 {
        out.push(b'.');
        let mut unit = NANOS_PER_SECOND / 10;
        while fraction > 0 {
            out.push(b'0' + (fraction / unit) as u8);
            fraction %= unit;
            unit /= 10;
        }
    }
}

/// Appends date, separator and time, and `Z` when `zoned`.
pub(crate) fn write_timestamp(seconds: i64, nanos: u64, separator: u8, zoned: bool, out: &mut Vec<u8>) {
    write_date(seconds.div_euclid(SECONDS_PER_DAY), out);
    out.push(separator);
    write_time(seconds.rem_euclid(SECONDS_PER_DAY) as u64 * NANOS_PER_SECOND + nanos, out);
    if zoned {
        out.push(b'Z');
    }
}

fn two_digits(tens: u8, ones: u8) -> Option<u32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
}

fn write_two(number: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
}

/// Nanoseconds of `.digits` (1 to 9 of them); zero for nothing.
fn parse_fraction(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return Some(0);
    }
    let digits = text.strip_prefix(b".")?;
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0, |n, d| n * 10 + u32::from(d - b'0'));
    Some(value * 10u32.pow(9 - digits.len() as u32))
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, NaiveDate};

    #[test]
    fn every_day_of_four_centuries_agrees_with_chrono() {
        let mut day = NaiveDate::from_ymd_opt(1800, 1, 1).unwrap();
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        while day.year() < 2200 {
            let expected = day.signed_duration_since(epoch).num_days();
            let text = day.to_string();
            assert_eq!(parse_date(text.as_bytes()).map(i64::from), Some(expected), "{text}");
            let mut out = Vec::new();
            write_date(expected, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
            day = day.succ_opt().unwrap();
        }
    }

    #[test]
    fn impossible_dates_and_times_are_refused() {
        for text in ["2023-02-29", "2023-13-01", "2023-00-01", "2023-04-31", "2023-4-1", "02023-01-01", "2023-01-0x", ""] {
            assert_eq!(parse_date(text.as_bytes()), None, "{text}");
        }
        for text in ["24:00:00", "12:60:00", "12:00:60", "12:00", "12:00:00.", "12:00:00.1234567890", "12:00:00x", "1:00:00"] {
            assert_eq!(parse_time(text.as_bytes(), false), None, "{text}");
        }
    }

    #[test]
    fn timestamps_round_trip_in_both_forms() {
        for (text, separator, zoned, expected) in [
            ("2020-01-01 00:00:00.123", b' ', false, (1_577_836_800, 123_000_000)),
            ("1969-12-31 23:59:59.5", b' ', false, (-1, 500_000_000)),
            ("2020-01-01T00:00:00Z", b'T', true, (1_577_836_800, 0)),
            ("2020-01-01 00:00:00.000000001Z", b' ', true, (1_577_836_800, 1)),
        ] {
            assert_eq!(parse_timestamp(text.as_bytes(), separator, zoned), Some(expected), "{text}");
            let mut out = Vec::new();
            write_timestamp(expected.0, u64::from(expected.1), separator, zoned, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
        assert_eq!(parse_timestamp(b"2020-01-01T00:00", b'T', false), Some((1_577_836_800, 0)));
        assert_eq!(parse_timestamp(b"2020-01-01 00:00:00", b' ', true), None, "the zone is missing");
    }
}
