//! From the text of a pattern to its items.

use super::{Field, Formatter, Item, Number, field::Sign};
use crate::{EvaluationError, scalar::datetime::names::Length};

/// Longest pattern that is compiled.
const PATTERN_CHARS_MAX: usize = 1_024;

/// Items of the levels of `[…]` that are open, the outermost first.
struct Builder {
    levels: Vec<Vec<Item>>,
    /// The number right before, by its place in the innermost level: numbers behind it may claim its digits.
    active: Option<usize>,
}

impl Formatter {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// A pattern that Java refuses.
    pub(in crate::scalar::datetime) fn compile(pattern: &str) -> Result<Self, EvaluationError> {
        if pattern.len() > PATTERN_CHARS_MAX {
            return Err(EvaluationError(format!("a date pattern is longer than {PATTERN_CHARS_MAX} bytes")));
        }
        let wrong = |what: String| EvaluationError(format!("date pattern '{pattern}': {what}"));
        let mut builder = Builder { levels: vec![Vec::new()], active: None };
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            let mut count = 1;
            if c.is_ascii_alphabetic() {
                while chars.next_if_eq(&c).is_some() {
                    count += 1;
                }
            }
            match c {
                'p' => {
                    let letter = chars.next().filter(char::is_ascii_alphabetic);
                    let letter = letter.ok_or_else(|| wrong("'p' pads nothing".to_owned()))?;
                    let mut width = 1;
                    while chars.next_if_eq(&letter).is_some() {
                        width += 1;
                    }
                    let item = field(letter, width).map_err(wrong)?;
                    builder.append(Item::Pad(count, Box::new(item)));
                }
                'a'..='z' | 'A'..='Z' => builder.append_field(field(c, count).map_err(wrong)?),
                '\'' => literal(&mut chars, &mut builder).ok_or_else(|| wrong("a quote is not closed".to_owned()))?,
                '[' => builder.open(),
                ']' if builder.levels.len() == 1 => return Err(wrong("']' without '['".to_owned())),
                ']' => builder.close(),
                '{' | '}' | '#' => return Err(wrong(format!("'{c}' is reserved"))),
                _ => builder.append(Item::Literal(c)),
            }
        }
        while builder.levels.len() > 1 {
            builder.close();
        }
        Ok(Self { items: builder.levels.pop().unwrap_or_default() })
    }
}

/// A quoted text behind its first quote; two quotes are one.
fn literal(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, builder: &mut Builder) -> Option<()> {
    let mut is_empty = true;
    loop {
        let c = chars.next()?;
        if c == '\'' && chars.next_if_eq(&'\'').is_none() {
            if is_empty {
                builder.append(Item::Literal('\''));
            }
            return Some(());
        }
        is_empty = false;
        builder.append(Item::Literal(c));
    }
}

impl Builder {
    fn append(&mut self, item: Item) {
        self.active = None;
        if let Some(level) = self.levels.last_mut() {
            level.push(item);
        }
    }

    /// Appends an item; numbers of a fixed width right behind a number leave it the digits that it can have.
    fn append_field(&mut self, item: Item) {
        let Some(level) = self.levels.last_mut() else { return };
        let (Item::Number(mut number) | Item::Fraction(mut number)) = item else {
            if let (Item::Reduced(_), Some(active)) = (&item, self.active) {
                reserve(level, active, 2);
                level.push(item);
            } else {
                let is_reduced = matches!(item, Item::Reduced(_));
                level.push(item);
                self.active = is_reduced.then(|| level.len() - 1);
            }
            return;
        };
        let is_of_fixed_width = number.min == number.max && number.sign == Sign::Never;
        match self.active {
            Some(active) if is_of_fixed_width => {
                number.is_fixed = true;
                reserve(level, active, number.max);
            }
            Some(active) => {
                if let Some(Item::Number(before) | Item::Fraction(before)) = level.get_mut(active) {
                    before.is_fixed = true;
                }
                self.active = Some(level.len());
            }
            None => self.active = Some(level.len()),
        }
        level.push(if matches!(item, Item::Fraction(_)) { Item::Fraction(number) } else { Item::Number(number) });
    }

    fn open(&mut self) {
        self.active = None;
        self.levels.push(Vec::new());
    }

    fn close(&mut self) {
        if let Some(items) = self.levels.pop() {
            self.append(Item::Optional(items));
        }
    }
}

fn reserve(level: &mut [Item], active: usize, width: usize) {
    if let Some(Item::Number(before) | Item::Fraction(before)) = level.get_mut(active) {
        before.reserved += width;
    }
}

fn number(field: Field, min: usize, max: usize, sign: Sign) -> Item {
    Item::Number(Number { field, min, max, sign, reserved: 0, is_fixed: false })
}

/// The item of a letter that stands `count` times.
fn field(letter: char, count: usize) -> Result<Item, String> {
    use Field as F;
    let too_many = || Err(format!("too many letters '{letter}'"));
    let plain = |field| match count {
        1 => Ok(number(field, 1, 19, Sign::Normal)),
        2 => Ok(number(field, 2, 2, Sign::Never)),
        _ => too_many(),
    };
    let text = |field, short: usize| match count {
        3 => Ok(Item::Text(field, Length::Short)),
        4 => Ok(Item::Text(field, Length::Full)),
        5 => Ok(Item::Text(field, Length::Narrow)),
        _ if count < 3 && short == 1 => Ok(Item::Text(field, Length::Short)),
        _ => too_many(),
    };
    let wide = |field, sign| if count <= 19 { Ok(number(field, count, 19, sign)) } else { too_many() };
    let year = |field| match count {
        2 => Ok(Item::Reduced(field)),
        1 | 3 => wide(field, Sign::Normal),
        _ => wide(field, Sign::ExceedsPad),
    };
    let number_or_text = |number_field, text_field| if count <= 2 { plain(number_field) } else { text(text_field, 0) };
    match letter {
        'G' => text(F::Era, 1),
        'u' => year(F::Year),
        'y' => year(F::YearOfEra),
        'Y' => year(F::WeekYear),
        'Q' | 'q' => number_or_text(F::Quarter, F::Quarter),
        'M' | 'L' => number_or_text(F::Month, F::Month),
        'w' => plain(F::Week),
        'W' if count == 1 => plain(F::WeekOfMonth),
        'd' => plain(F::Day),
        'D' => match count {
            1 => plain(F::DayOfYear),
            2 | 3 => Ok(number(F::DayOfYear, count, 3, Sign::Never)),
            _ => too_many(),
        },
        'F' if count == 1 => plain(F::AlignedDay),
        'g' => wide(F::ModifiedJulianDay, Sign::Normal),
        'E' => text(F::DayOfWeek, 1),
        'e' => number_or_text(F::LocalDayOfWeek, F::DayOfWeek),
        'c' if count == 2 => Err("'cc' means nothing".to_owned()),
        'c' => number_or_text(F::LocalDayOfWeek, F::DayOfWeek),
        'a' if count == 1 => Ok(Item::Text(F::Half, Length::Full)),
        'B' if matches!(count, 1 | 4 | 5) => Ok(Item::Text(F::DayPeriod, Length::Full)),
        'H' => plain(F::Hour),
        'k' => plain(F::ClockHour),
        'K' => plain(F::HourOfHalf),
        'h' => plain(F::ClockHourOfHalf),
        'm' => plain(F::Minute),
        's' => plain(F::Second),
        'S' if count > 9 => Err("a second has at most 9 digits of fraction".to_owned()),
        'S' => Ok(Item::Fraction(Number { field: F::Nano, min: count, max: count, sign: Sign::Never, reserved: 0, is_fixed: false })),
        'A' => wide(F::MilliOfDay, Sign::Never),
        'n' => wide(F::Nano, Sign::Never),
        'N' => wide(F::NanoOfDay, Sign::Never),
        'V' if count == 2 => Ok(Item::Zone('V', 2)),
        'V' => Err("a zone is 'VV'".to_owned()),
        'z' if count <= 4 => Ok(Item::Zone('z', count)),
        'v' if matches!(count, 1 | 4) => Ok(Item::Zone('v', count)),
        'O' if matches!(count, 1 | 4) => Ok(Item::Offset('O', count)),
        'X' | 'x' | 'Z' if count <= 5 => Ok(Item::Offset(letter, count)),
        'W' | 'F' | 'a' | 'B' | 'z' | 'v' | 'O' | 'X' | 'x' | 'Z' => too_many(),
        _ => Err(format!("unknown letter '{letter}'")),
    }
}
