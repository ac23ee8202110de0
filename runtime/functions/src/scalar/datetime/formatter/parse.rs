//! From text to fields: the strict, case-sensitive parsing of `DateTimeFormatter`.

use super::{
    Field, Formatter, Item, Number,
    field::Sign,
    format::{DAY_PERIODS, name},
};
use crate::scalar::datetime::{names::Length, zone::Zone};

/// Fields that were read, by [`Field`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::scalar::datetime) struct Parsed {
    fields: [Option<i64>; Field::COUNT],
}

impl Parsed {
    pub(super) fn get(&self, field: Field) -> Option<i64> {
        self.fields[field as usize]
    }

    /// Sets a field; `None` when it already has another value.
    fn set(&mut self, field: Field, value: i64) -> Option<()> {
        let place = &mut self.fields[field as usize];
        match *place {
            Some(old) if old != value => None,
            _ => {
                *place = Some(value);
                Some(())
            }
        }
    }
}

impl Formatter {
    /// The fields of a text that follows the pattern as a whole.
    pub(in crate::scalar::datetime) fn parse(&self, text: &str) -> Option<Parsed> {
        let mut parsed = Parsed { fields: [None; Field::COUNT] };
        let end = read_items(&self.items, text, 0, &mut parsed)?;
        (end == text.len()).then_some(parsed)
    }
}

fn read_items(items: &[Item], text: &str, start: usize, parsed: &mut Parsed) -> Option<usize> {
    items.iter().try_fold(start, |at, item| read_item(item, text, at, parsed))
}

/// Reads an item at byte `at`; the answer is where it ends.
fn read_item(item: &Item, text: &str, at: usize, parsed: &mut Parsed) -> Option<usize> {
    let rest = text.get(at..)?;
    match item {
        Item::Literal(c) => rest.starts_with(*c).then(|| at + c.len_utf8()),
        Item::Number(number) => {
            let (value, length) = read_number(number, rest)?;
            parsed.set(number.field, value)?;
            Some(at + length)
        }
        Item::Fraction(number) => {
            let wanted = number.max;
            let digits = rest.get(..wanted).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
            let value = format!("{digits:0<9}").parse().ok()?;
            parsed.set(number.field, value)?;
            Some(at + wanted)
        }
        Item::Reduced(field) => {
            let digits = rest.get(..2).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
            parsed.set(*field, 2_000 + digits.parse::<i64>().ok()?)?;
            Some(at + 2)
        }
        Item::Text(field, length) => {
            let (value, length) = read_name(*field, *length, rest)?;
            parsed.set(*field, value)?;
            Some(at + length)
        }
        // The offset and the zone do not change what the clock shows.
        Item::Offset(letter, count) => read_offset(*letter, *count, rest).map(|length| at + length),
        Item::Zone(letter, _) => read_zone(*letter, rest).map(|length| at + length),
        Item::Optional(items) => {
            let mut inner = parsed.clone();
            match read_items(items, text, at, &mut inner) {
                Some(end) => {
                    *parsed = inner;
                    Some(end)
                }
                None => Some(at),
            }
        }
        Item::Pad(width, item) => {
            let (end, _) = rest.char_indices().map(|(i, c)| (i + c.len_utf8(), c)).nth(width - 1)?;
            let padded = rest.get(..end)?;
            let content = padded.trim_start_matches(' ');
            let inner = read_item(item, content, 0, parsed)?;
            (inner == content.len()).then_some(at + end)
        }
    }
}

/// A number at the start of a text, and its length.
fn read_number(number: &Number, text: &str) -> Option<(i64, usize)> {
    let is_fixed_width = number.is_fixed || (number.min == number.max && number.sign == Sign::Never);
    let (sign, digits_at) = match text.as_bytes().first()? {
        b'+' if number.sign == Sign::ExceedsPad && !is_fixed_width => (Some(b'+'), 1),
        b'-' if number.sign != Sign::Never && !is_fixed_width => (Some(b'-'), 1),
        _ => (None, 0),
    };
    let available = text.as_bytes()[digits_at..].iter().take(number.max + number.reserved).take_while(|b| b.is_ascii_digit()).count();
    if available < number.min {
        return None;
    }
    let width = if number.reserved > 0 { available.saturating_sub(number.reserved).max(number.min) } else { available };
    let value: i64 = text.get(digits_at..digits_at + width)?.parse().ok()?;
    match sign {
        Some(b'-') if value == 0 => return None,
        Some(b'+') if width <= number.min => return None,
        None if number.sign == Sign::ExceedsPad && width > number.min => return None,
        _ => {}
    }
    Some((if sign == Some(b'-') { -value } else { value }, digits_at + width))
}

/// The longest name of a field at the start of a text: its value and length.
fn read_name(field: Field, length: Length, text: &str) -> Option<(i64, usize)> {
    if field == Field::DayPeriod {
        let (from, to, name) = DAY_PERIODS.iter().find(|(.., name)| text.starts_with(name))?;
        return Some(((from + to) / 2, name.len()));
    }
    let (first, last) = field.range();
    // A narrow name may stand for several values: the last one wins.
    (first..=last)
        .map(|value| (value, name(field, value, length)))
        .filter(|(_, name)| !name.is_empty() && text.starts_with(name.as_str()))
        .max_by_key(|(value, name)| (name.len(), *value))
        .map(|(value, name)| (value, name.len()))
}

fn digits(text: &str, at: usize, most: i64) -> Option<i64> {
    let value = text.get(at..at + 2).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
    (0..=most).contains(&value).then_some(value)
}

/// The length of an offset like `+02:00`.
fn read_offset(letter: char, count: usize, text: &str) -> Option<usize> {
    if letter == 'O' || (letter == 'Z' && count == 4) {
        return read_gmt(text.strip_prefix("GMT")?, letter == 'O' && count == 1).map(|length| length + 3);
    }
    let is_zulu = letter == 'X' || (letter == 'Z' && count == 5);
    if is_zulu && text.starts_with('Z') {
        return Some(1);
    }
    if !text.starts_with(['+', '-']) {
        return None;
    }
    digits(text, 1, 18)?;
    let has_colon = count == 3 || count == 5;
    let next = |at: usize| {
        let at = if has_colon { text.get(at..)?.starts_with(':').then_some(at + 1)? } else { at };
        digits(text, at, 59).map(|_| at + 2)
    };
    match (letter, count) {
        ('X' | 'x', 1) => Some(next(3).unwrap_or(3)),
        ('Z', 1..=3) | (_, 2 | 3) => next(3),
        _ => {
            let minutes = next(3)?;
            Some(next(minutes).unwrap_or(minutes))
        }
    }
}

/// The length of what may follow `GMT`: `+2`, `+02:00`, nothing.
fn read_gmt(text: &str, is_short: bool) -> Option<usize> {
    if !text.starts_with(['+', '-']) {
        return Some(0);
    }
    let hours = if is_short { text[1..].bytes().take(2).take_while(u8::is_ascii_digit).count() } else { digits(text, 1, 18).map(|_| 2)? };
    if hours == 0 {
        return None;
    }
    let minutes = text.get(1 + hours..).filter(|rest| rest.starts_with(':')).and_then(|rest| digits(rest, 1, 59));
    match minutes {
        Some(_) => Some(hours + 4),
        None => is_short.then_some(hours + 1),
    }
}

/// The length of the longest zone id, or short zone name, at the start of a text.
fn read_zone(letter: char, text: &str) -> Option<usize> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '+' | '-' | ':'))).unwrap_or(text.len());
    (1..=end).rev().find(|&length| {
        let id = &text[..length];
        Zone::strict(id).is_some() || (letter != 'V' && id.bytes().all(|b| b.is_ascii_uppercase()) && Zone::lenient(id) != Zone::Fixed(0))
    })
}
