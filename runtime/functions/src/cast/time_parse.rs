//! Dates, times and timestamps in the forms of text that Flink reads.

use crate::calendar::{days_from_civil, days_in_month};

/// Days from 1970-01-01 of `year[-month[-day]]`; what follows a space is not looked at. `None` when it is not a date.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let text = match text.find(' ') {
        Some(at) if at > 0 => &text[..at],
        _ => text,
    };
    let mut parts = text.splitn(3, '-').map(number);
    let year = parts.next()??;
    let month = parts.next().unwrap_or(Some(1))?;
    let day = parts.next().unwrap_or(Some(1))?;
    civil(year, month, day)
}

/// Milliseconds of the day of `hour[:minute[:second[.fraction]]]`. `None` when it is not a time.
pub(crate) fn parse_time(text: &str) -> Option<i32> {
    let (clock, zone) = match text.find(['-', '+']) {
        Some(at) => (&text[..at], Some((text.as_bytes()[at] == b'-', &text[at + 1..]))),
        None => (text, None),
    };
    let mut parts = clock.splitn(3, ':');
    let mut hour = number(parts.next()?)?;
    let mut minute = parts.next().map_or(Some(0), number)?;
    let (second, milliseconds) = match parts.next() {
        None => (0, 0),
        Some(rest) => match rest.split_once('.') {
            None => (number(rest)?, 0),
            Some((second, fraction)) => (number(second)?, milliseconds_of(fraction.trim())?),
        },
    };
    if let Some((is_behind, zone)) = zone {
        // Flink shifts to the other side of the zone than one might expect; what it reads is what counts.
        let sign = if is_behind { -1 } else { 1 };
        let (hours, minutes) = zone.split_once(':').unwrap_or((zone, "0"));
        hour = hour.checked_add(sign * number(hours)?)?;
        minute = minute.checked_add(sign * number(minutes)?)?;
    }
    let in_range = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
    // Only now is it sure that the numbers are small.
    in_range.then(|| ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds)
}

fn milliseconds_of(fraction: &str) -> Option<i32> {
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digit = |place: usize| fraction.as_bytes().get(place).map_or(0, |b| i32::from(b - b'0'));
    Some((0..3).fold(0, |value, place| value * 10 + digit(place)) + i32::from(digit(3) >= 5))
}

/// Wall-clock seconds and nanoseconds of `yyyy-M-d[ H:m:s[.fraction]]`. `None` when it is not that.
pub(crate) fn parse_timestamp(text: &str) -> Option<(i64, u32)> {
    let (date, clock) = match text.split_once(' ') {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let mut parts = date.splitn(3, '-');
    // Unlike a date, a timestamp has no year 0.
    let year = digits(parts.next()?, 4, 4).filter(|year| *year > 0)?;
    let (month, day) = (digits(parts.next()?, 1, 2)?, digits(parts.next()?, 1, 2)?);
    if !(1..=31).contains(&day) || !(1..=12).contains(&month) {
        return None;
    }
    // Java's lenient resolution: 30 February is the last of February.
    let day = day.min(i64::from(days_in_month(year, month as u32)));
    let midnight = days_from_civil(year, month as u32, day as u32) * 86_400;
    let Some(clock) = clock else { return Some((midnight, 0)) };
    let (clock, nanos) = match clock.split_once('.') {
        Some((clock, fraction)) => (clock, nanos_of(fraction)?),
        None => (clock, 0),
    };
    let mut parts = clock.splitn(3, ':').map(|part| digits(part, 1, 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    // Midnight may be written as the end of its day.
    let in_range = (hour < 24 && minute < 60 && second < 60) || (hour == 24 && minute == 0 && second == 0 && nanos == 0);
    in_range.then(|| (midnight + (hour * 60 + minute) * 60 + second, nanos))
}

fn nanos_of(fraction: &str) -> Option<u32> {
    if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((0..9).fold(0, |value, place| value * 10 + fraction.as_bytes().get(place).map_or(0, |b| u32::from(b - b'0'))))
}

fn digits(text: &str, min: usize, max: usize) -> Option<i64> {
    let fits = (min..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// A whole number of at most nine digits, with spaces around it.
fn number(text: &str) -> Option<i32> {
    digits(text.trim(), 1, 9).map(|n| n as i32)
}

fn civil(year: i32, month: i32, day: i32) -> Option<i32> {
    if !(0..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    let is_day = (1..=days_in_month(i64::from(year), month as u32) as i32).contains(&day);
    is_day.then(|| days_from_civil(i64::from(year), month as u32, day as u32) as i32)
}
