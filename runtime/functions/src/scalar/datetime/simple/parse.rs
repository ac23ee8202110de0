//! From text to an instant, leniently; what follows the pattern is ignored.

use super::{Item, SimpleFormat, calendar};
use crate::scalar::datetime::{
    names::{DAYS, Length, MONTHS},
    zone::Zone,
};

/// Fields that were read, and which of them later.
#[derive(Debug, Default)]
struct Fields {
    /// By letter: the value and the number of the item.
    values: std::collections::BTreeMap<char, (i64, usize)>,
    /// Seconds ahead of UTC.
    offset: Option<Zone>,
}

impl SimpleFormat {
    /// The instant of a text in epoch milliseconds; `now_ms` decides the century of years of two digits.
    pub(in crate::scalar::datetime) fn parse(&self, text: &str, zone: Zone, now_ms: i64) -> Option<i64> {
        let mut fields = Fields::default();
        let mut rest = text;
        for (i, item) in self.items.iter().enumerate() {
            match *item {
                Item::Literal(c) => rest = rest.strip_prefix(c)?,
                Item::Field(letter, count) => {
                    rest = rest.trim_start_matches([' ', '\t']);
                    if rest.is_empty() {
                        return None;
                    }
                    // Numbers that stand right behind each other have the width of their letters.
                    let width =
                        matches!(self.items.get(i + 1), Some(Item::Field(next, count)) if is_number(*next, *count)).then_some(count);
                    rest = fields.read(letter, count, width, rest, i, now_ms)?;
                }
            }
        }
        fields.instant(zone)
    }
}

fn is_number(letter: char, count: usize) -> bool {
    match letter {
        'M' | 'L' => count <= 2,
        'G' | 'E' | 'a' | 'z' | 'Z' | 'X' => false,
        _ => true,
    }
}

/// A whole number at the start of a text, at most `width` long, and what follows.
fn number(text: &str, width: Option<usize>) -> Option<(i64, &str)> {
    let limited = match width {
        Some(width) => text.get(..width)?,
        None => text,
    };
    let (digits, is_negative) = limited.strip_prefix('-').map_or((limited, false), |digits| (digits, true));
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let value: i64 = digits.get(..length).filter(|d| !d.is_empty() && d.len() <= 18)?.parse().ok()?;
    Some((if is_negative { -value } else { value }, &text[length + usize::from(is_negative)..]))
}

/// The longest of some names at the start of a text, without case: its place.
fn name<'a>(names: &[&'static str], text: &'a str) -> Option<(i64, &'a str)> {
    let starts = |name: &str| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    names
        .iter()
        .enumerate()
        .flat_map(|(i, name)| [(i, *name), (i, Length::Short.of(name))])
        .filter(|(_, name)| starts(name))
        .max_by_key(|(_, name)| name.len())
        .map(|(i, name)| (i as i64, &text[name.len()..]))
}

impl Fields {
    fn read<'a>(&mut self, letter: char, count: usize, width: Option<usize>, text: &'a str, item: usize, now_ms: i64) -> Option<&'a str> {
        let (value, rest) = match letter {
            'G' => {
                let (value, rest) = name(&["BC", "AD"], text)?;
                (value, rest)
            }
            'M' | 'L' if count > 2 => name(&MONTHS, text).map(|(month, rest)| (month + 1, rest))?,
            'E' => name(&DAYS, text).map(|(day, rest)| (day + 1, rest))?,
            'a' => name(&["AM", "PM"], text)?,
            'z' | 'Z' | 'X' => {
                let (zone, rest) = zone(letter, count, text)?;
                self.offset = Some(zone);
                return Some(rest);
            }
            _ => number(text, width)?,
        };
        let length = text.len() - rest.len();
        let value = match letter {
            'y' | 'Y' if count <= 2 && length == 2 && (0..100).contains(&value) => century(value, now_ms),
            'k' if value == 24 => 0,
            'h' if value == 12 => 0,
            // Monday is 1; days of the week are kept from Sunday.
            'u' => value % 7 + 1,
            _ => value,
        };
        let letter = match letter {
            'L' => 'M',
            'u' => 'E',
            'k' => 'H',
            'h' => 'K',
            other => other,
        };
        self.values.insert(letter, (value, item));
        Some(rest)
    }

    fn get(&self, letter: char) -> Option<i64> {
        self.values.get(&letter).map(|(value, _)| *value)
    }

    /// The place of the last of some fields, when all of them were read.
    fn last(&self, letters: &[char]) -> Option<usize> {
        letters.iter().map(|l| self.values.get(l).map(|(_, item)| *item)).try_fold(0, |last, item| Some(last.max(item?)))
    }

    /// The day that the fields which came last make up.
    fn days(&self) -> i64 {
        let year = self.get('y').unwrap_or(1970);
        let year = if self.get('G') == Some(0) { 1 - year } else { year };
        let month = self.get('M').unwrap_or(1);
        let day_of_week = self.get('E').unwrap_or(1);
        if let Some(week_year) = self.get('Y')
            && self.last(&['Y']) > self.last(&['y'])
        {
            return calendar::first_week(week_year) + (self.get('w').unwrap_or(1) - 1) * 7 + day_of_week - 1;
        }
        let first = || calendar::days_of_lenient(year, month, 1);
        let of_month = || calendar::days_of_lenient(year, month, self.get('d').unwrap_or(1));
        let of_week = || {
            calendar::first_week(year).saturating_add((self.get('w').unwrap_or(1) - 1).saturating_mul(7)).saturating_add(day_of_week - 1)
        };
        let in_month =
            || calendar::sunday(first()).saturating_add((self.get('W').unwrap_or(1) - 1).saturating_mul(7)).saturating_add(day_of_week - 1);
        let nth = || {
            let first = first();
            first + (day_of_week - 1 - (first + 4).rem_euclid(7)).rem_euclid(7) + (self.get('F').unwrap_or(1) - 1).saturating_mul(7)
        };
        let of_year = || calendar::days_of_lenient(year, 1, self.get('D').unwrap_or(1));
        // Complete combinations first, the one that was read last; then a week alone.
        let complete = [
            (self.last(&['d']), 'd'),
            (self.last(&['W', 'E']), 'W'),
            (self.last(&['F', 'E']), 'F'),
            (self.last(&['D']), 'D'),
            (self.last(&['w', 'E']), 'w'),
        ];
        let alone = [(self.last(&['W']), 'W'), (self.last(&['F']), 'F'), (self.last(&['w']), 'w')];
        let latest = |candidates: &[(Option<usize>, char)]| {
            candidates.iter().filter(|(item, _)| item.is_some()).max_by_key(|(item, _)| *item).map(|(_, letter)| *letter)
        };
        match latest(&complete).or_else(|| latest(&alone)) {
            Some('W') => in_month(),
            Some('F') => nth(),
            Some('D') => of_year(),
            Some('w') => of_week(),
            Some(_) => of_month(),
            // A weekday alone is the first one of the month.
            None if self.get('E').is_some() => nth(),
            None => of_month(),
        }
    }

    fn instant(&self, zone: Zone) -> Option<i64> {
        let hour = match (self.last(&['H']), self.last(&['K'])) {
            (of_day, of_half) if of_half > of_day => self.get('K')?.checked_add(self.get('a').unwrap_or(0) * 12)?,
            (Some(_), _) => self.get('H')?,
            _ => self.get('a').unwrap_or(0) * 12,
        };
        let part = |letter, ms: i64| self.get(letter).unwrap_or(0).checked_mul(ms);
        let of_day =
            hour.checked_mul(3_600_000)?.checked_add(part('m', 60_000)?)?.checked_add(part('s', 1_000)?)?.checked_add(part('S', 1)?)?;
        let wall = self.days().checked_mul(crate::calendar::DAY_MS)?.checked_add(of_day)?;
        let seconds = self.offset.unwrap_or(zone).instant_of(wall.div_euclid(1_000));
        seconds.checked_mul(1_000)?.checked_add(wall.rem_euclid(1_000))
    }
}

/// A year of two digits within 80 years before and 20 years after now.
fn century(year: i64, now_ms: i64) -> i64 {
    let start = now_ms.div_euclid(1_000) / 86_400;
    let (now_year, month, day) = calendar::date_of(start);
    let first = now_year - 80;
    let candidate = first - first.rem_euclid(100) + year;
    // In the first year of the hundred the day decides; a year alone is its 1 January.
    let is_before = candidate < first || (candidate == first && (month, day) > (1, 1));
    if is_before { candidate + 100 } else { candidate }
}

/// A zone at the start of a text, and what follows.
fn zone(letter: char, count: usize, text: &str) -> Option<(Zone, &str)> {
    if letter == 'X' {
        if let Some(rest) = text.strip_prefix('Z') {
            return Some((Zone::Fixed(0), rest));
        }
        let length = match count {
            1 => 3,
            2 => 5,
            _ => 6,
        };
        let (offset, rest) = text.split_at_checked(length)?;
        return Some((Zone::Fixed(offset_of(offset, count == 3)?), rest));
    }
    if let Some(rest) = text.strip_prefix("GMT") {
        if !rest.starts_with(['+', '-']) {
            return Some((Zone::Fixed(0), rest));
        }
        let (hours, after) = number(rest.get(1..)?, None)?;
        let (minutes, after) = after.strip_prefix(':').and_then(|minutes| number(minutes, Some(2))).unwrap_or((0, after));
        let offset = hours * 3_600 + minutes * 60;
        return (hours <= 23 && minutes <= 59).then_some((Zone::Fixed(if rest.starts_with('-') { -offset } else { offset }), after));
    }
    if text.starts_with(['+', '-']) {
        let (offset, rest) = text.split_at_checked(5)?;
        return Some((Zone::Fixed(offset_of(offset, false)?), rest));
    }
    let length = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_')).count();
    let (id, rest) = text.split_at_checked(length)?;
    let (_, hours) = NAMED_HALF_HOURS.iter().find(|(name, _)| name.eq_ignore_ascii_case(id))?;
    Some((Zone::Fixed(hours * 1_800), rest))
}

/// Short names of zones, each of one offset, in half hours ahead of UTC.
const NAMED_HALF_HOURS: &[(&str, i64)] = &[
    ("UTC", 0),
    ("UT", 0),
    ("Z", 0),
    ("WET", 0),
    ("WEST", 2),
    ("BST", 2),
    ("CET", 2),
    ("CEST", 4),
    ("EET", 4),
    ("EEST", 6),
    ("MSK", 6),
    ("IST", 11),
    ("SGT", 16),
    ("HKT", 16),
    ("JST", 18),
    ("KST", 18),
    ("AEST", 20),
    ("AEDT", 22),
    ("AST", -8),
    ("ADT", -6),
    ("EST", -10),
    ("EDT", -8),
    ("CST", -12),
    ("CDT", -10),
    ("MST", -14),
    ("MDT", -12),
    ("PST", -16),
    ("PDT", -14),
    ("AKST", -18),
    ("AKDT", -16),
    ("HST", -20),
];

/// `+02`, `+0200`, `+02:00` in seconds.
fn offset_of(text: &str, has_colon: bool) -> Option<i64> {
    let plain = if has_colon { text.replacen(':', "", 1) } else { text.to_owned() };
    if has_colon && plain.len() == text.len() {
        return None;
    }
    let (hours, minutes) = (plain.get(1..3)?, plain.get(3..).filter(|m| !m.is_empty()).unwrap_or("00"));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten();
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    let offset = hours * 3_600 + minutes * 60;
    (hours <= 23 && minutes <= 59).then_some(if plain.starts_with('-') { -offset } else { offset })
}
