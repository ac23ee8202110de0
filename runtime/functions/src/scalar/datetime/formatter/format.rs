//! From a wall-clock time to text.

use super::{Field, Formatter, Item, Number, field::Sign};
use crate::{
    EvaluationError,
    scalar::datetime::{
        moments::Moment,
        names::{DAYS, HALVES, Length, MONTHS},
    },
};
use std::fmt::Write as _;

impl Formatter {
    /// Writes a wall-clock time, which has no zone.
    ///
    /// # Errors
    /// A zone is asked for, or a field does not fit into its width.
    pub(in crate::scalar::datetime) fn format(&self, moment: Moment, out: &mut String) -> Result<(), EvaluationError> {
        write_items(&self.items, moment, out)
    }
}

fn write_items(items: &[Item], moment: Moment, out: &mut String) -> Result<(), EvaluationError> {
    items.iter().try_for_each(|item| write_item(item, moment, out))
}

fn write_item(item: &Item, moment: Moment, out: &mut String) -> Result<(), EvaluationError> {
    match item {
        Item::Literal(c) => out.push(*c),
        Item::Number(number) => write_number(number, number.field.of(moment), out)?,
        Item::Fraction(number) => {
            let digits = format!("{:09}", number.field.of(moment));
            out.push_str(digits.get(..number.max).unwrap_or(&digits));
        }
        Item::Reduced(field) => {
            let _ = write!(out, "{:02}", field.of(moment).abs() % 100);
        }
        Item::Text(field, length) => out.push_str(&name(*field, field.of(moment), *length)),
        Item::Offset(..) | Item::Zone(..) => {
            return Err(EvaluationError("a date pattern asks for a zone or an offset, which a TIMESTAMP does not have".to_owned()));
        }
        Item::Optional(items) => {
            let start = out.len();
            if write_items(items, moment, out).is_err() {
                out.truncate(start);
            }
        }
        Item::Pad(width, item) => {
            let mut text = String::new();
            write_item(item, moment, &mut text)?;
            let length = text.chars().count();
            if length > *width {
                return Err(EvaluationError(format!("'{text}' is wider than the {width} places that the date pattern has for it")));
            }
            out.extend(std::iter::repeat_n(' ', width - length));
            out.push_str(&text);
        }
    }
    Ok(())
}

fn write_number(number: &Number, value: i64, out: &mut String) -> Result<(), EvaluationError> {
    let digits = value.unsigned_abs().to_string();
    if digits.len() > number.max || (value < 0 && number.sign == Sign::Never) {
        return Err(EvaluationError(format!("{value} does not fit into the {} places that the date pattern has for it", number.max)));
    }
    if value < 0 {
        out.push('-');
    } else if number.sign == Sign::ExceedsPad && digits.len() > number.min {
        out.push('+');
    }
    out.extend(std::iter::repeat_n('0', number.min.saturating_sub(digits.len())));
    out.push_str(&digits);
    Ok(())
}

fn at<'a>(names: &[&'a str], index: i64) -> &'a str {
    usize::try_from(index).ok().and_then(|i| names.get(i)).copied().unwrap_or_default()
}

/// The name of a field's value.
pub(super) fn name(field: Field, value: i64, length: Length) -> String {
    match (field, length) {
        (Field::Era, Length::Full) => at(&["Before Christ", "Anno Domini"], value).to_owned(),
        (Field::Era, Length::Short) => at(&["BC", "AD"], value).to_owned(),
        (Field::Era, Length::Narrow) => at(&["B", "A"], value).to_owned(),
        (Field::Quarter, Length::Full) => at(&["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"], value - 1).to_owned(),
        (Field::Quarter, Length::Short) => format!("Q{value}"),
        (Field::Quarter, Length::Narrow) => value.to_string(),
        (Field::Month, _) => cut(length, &MONTHS, value - 1),
        (Field::DayOfWeek, _) => cut(length, &DAYS, value % 7),
        (Field::Half, _) => at(&HALVES, value).to_owned(),
        _ => day_period(value).to_owned(),
    }
}

fn cut(length: Length, names: &[&'static str], index: i64) -> String {
    usize::try_from(index).ok().and_then(|i| names.get(i)).map(|name| length.of(name)).unwrap_or_default().to_owned()
}

/// Parts of a day by minute: from, to (exclusive), name. Midnight and noon are moments.
pub(super) const DAY_PERIODS: [(i64, i64, &str); 7] = [
    (0, 1, "midnight"),
    (720, 721, "noon"),
    (0, 360, "at night"),
    (360, 720, "in the morning"),
    (720, 1_080, "in the afternoon"),
    (1_080, 1_260, "in the evening"),
    (1_260, 1_440, "at night"),
];

fn day_period(minute: i64) -> &'static str {
    DAY_PERIODS.iter().find(|(from, to, _)| (*from..*to).contains(&minute)).map_or("", |(.., name)| name)
}
