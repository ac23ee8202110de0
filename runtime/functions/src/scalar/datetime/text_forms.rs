//! The forms in which Flink reads dates and times without a pattern.

use super::{formatter::Formatter, moments::Moment};
use crate::calendar::{DAY_MS, days_from_civil, days_in_month};
use std::sync::OnceLock;

/// `2020`, `2020-5`, `2020-05-15`, and what follows a space: days from 1970-01-01.
pub(super) fn date(text: &str) -> Option<i64> {
    let text = text.trim_matches(' ');
    let text = text.split_once(' ').map_or(text, |(date, _)| date);
    let mut parts = text.split('-');
    let mut part = || parts.next().map(|part| number(part, 9));
    let (year, month, day) = (part()??, part().unwrap_or(Some(1))?, part().unwrap_or(Some(1))?);
    if parts.next().is_some() || !(0..=9_999).contains(&year) {
        return None;
    }
    let month = u32::try_from(month).ok().filter(|m| (1..=12).contains(m))?;
    let day = u32::try_from(day).ok().filter(|d| (1..=days_in_month(year, month)).contains(d))?;
    Some(days_from_civil(year, month, day))
}

fn number(digits: &str, digits_max: usize) -> Option<i64> {
    let is_number = (1..=digits_max).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// `2020-5-15` and `2020-05-15 1:02:03.123456789`: years of four digits.
pub(super) fn from_default_form(text: &str) -> Option<Moment> {
    static FORM: OnceLock<Option<Formatter>> = OnceLock::new();
    let form = FORM.get_or_init(|| Formatter::compile("yyyy-[MM][M]-[dd][d][ [HH][H]:[mm][m]:[ss][s]]").ok()).as_ref()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) || (whole.len() < text.len() && !whole.contains(' ')) {
        return None;
    }
    let moment = form.parse(whole)?.resolve()?;
    let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
    Some(Moment::new(moment.ms.checked_add(i64::from(nanos / 1_000_000))?, nanos % 1_000_000))
}

/// The form of `java.sql.Timestamp.valueOf` (with a space) and `java.sql.Date.valueOf`: days, hours, minutes and seconds
/// beyond their ranges carry over.
pub(super) fn from_jdbc_form(text: &str) -> Option<Moment> {
    let text = text.trim();
    let (date, time) = text.split_once(' ').map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    // The calendar has no year 0.
    let year = number(year, 4)?.max(1);
    let (month, day) = (number(month, 2).filter(|m| (1..=12).contains(m))?, number(day, 2).filter(|d| (1..=31).contains(d))?);
    let days = days_from_civil(year, u32::try_from(month).ok()?, 1) + day - 1;
    let (ms, nanos) = time.map_or(Some((0, 0)), time_of_jdbc)?;
    Some(Moment::new(days * DAY_MS + ms, nanos))
}

fn time_of_jdbc(time: &str) -> Option<(i64, i32)> {
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    if !(1..=9).contains(&fraction.len()) || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    let mut parts = clock.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let seconds = number(hour, 9)? * 3_600 + number(minute, 9)? * 60 + number(second, 9)?;
    Some((seconds * 1_000 + nanos / 1_000_000, (nanos % 1_000_000) as i32))
}
