//! From an instant to text.

use super::{Item, SimpleFormat, calendar};
use crate::{
    EvaluationError,
    calendar::DAY_MS,
    scalar::datetime::{
        names::{DAYS, HALVES, Length, MONTHS},
        zone::{Zone, offset_text},
    },
};
use std::fmt::Write as _;

impl SimpleFormat {
    /// Writes an instant in a zone.
    ///
    /// # Errors
    /// A full name of a zone is asked for.
    pub(in crate::scalar::datetime) fn format(&self, ms: i64, zone: Zone, out: &mut String) -> Result<(), EvaluationError> {
        let seconds = ms.div_euclid(1_000);
        let offset = zone.offset_at(seconds);
        let wall = ms.saturating_add(offset * 1_000);
        for item in &self.items {
            match *item {
                Item::Literal(c) => out.push(c),
                Item::Field('z', count) if count >= 4 => {
                    return Err(EvaluationError("full names of zones ('zzzz') are not supported".to_owned()));
                }
                Item::Field('z', _) => out.push_str(&zone.short_name(seconds)),
                Item::Field('Z', _) => out.push_str(&offset_text(offset, "")),
                Item::Field('X', _) if offset == 0 => out.push('Z'),
                Item::Field('X', 1) => out.push_str(offset_text(offset, "").get(..3).unwrap_or_default()),
                Item::Field('X', count) => out.push_str(&offset_text(offset, if count == 2 { "" } else { ":" })),
                Item::Field(letter, count) => write_field(letter, count, wall, out),
            }
        }
        Ok(())
    }
}

fn write_field(letter: char, count: usize, wall: i64, out: &mut String) {
    let days = wall.div_euclid(DAY_MS);
    let ms = wall.rem_euclid(DAY_MS);
    let hour = ms / 3_600_000;
    let (year, month, day) = calendar::date_of(days);
    let day_of_week = (days + 4).rem_euclid(7);
    let length = if count >= 4 { Length::Full } else { Length::Short };
    let name =
        |names: &[&'static str], index: i64| usize::try_from(index).ok().and_then(|i| names.get(i)).map_or("", |name| length.of(name));
    let year_of_era = |year: i64| if year > 0 { year } else { 1 - year };
    let (value, width) = match letter {
        'G' => return out.push_str(if year > 0 { "AD" } else { "BC" }),
        'M' | 'L' if count >= 3 => return out.push_str(name(&MONTHS, i64::from(month) - 1)),
        'E' => return out.push_str(name(&DAYS, day_of_week)),
        'a' => return out.push_str(name_of_half(hour)),
        'y' if count == 2 => (year_of_era(year) % 100, 2),
        'Y' if count == 2 => (calendar::week_of(days).0.rem_euclid(100), 2),
        'y' => (year_of_era(year), count),
        'Y' => (calendar::week_of(days).0, count),
        'M' | 'L' => (i64::from(month), count),
        'd' => (i64::from(day), count),
        'D' => (days - calendar::days_of_lenient(year, 1, 1) + 1, count),
        'F' => (i64::from(day.saturating_sub(1) / 7) + 1, count),
        'w' => (calendar::week_of(days).1, count),
        'W' => {
            let first = days - i64::from(day) + 1;
            ((days - calendar::sunday(first)) / 7 + 1, count)
        }
        'u' => ((day_of_week + 6) % 7 + 1, count),
        'H' => (hour, count),
        'k' => (if hour == 0 { 24 } else { hour }, count),
        'K' => (hour % 12, count),
        'h' => (if hour % 12 == 0 { 12 } else { hour % 12 }, count),
        'm' => (ms / 60_000 % 60, count),
        's' => (ms / 1_000 % 60, count),
        _ => (ms % 1_000, count),
    };
    let _ = write!(out, "{value:0width$}");
}

fn name_of_half(hour: i64) -> &'static str {
    HALVES[usize::from(hour >= 12)]
}
