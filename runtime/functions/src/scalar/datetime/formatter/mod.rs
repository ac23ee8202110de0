//! Patterns of `java.time.format.DateTimeFormatter` in English: formatting, strict parsing, and the date and time that
//! parsed fields mean.
//!
//! Weeks are those of the United States (they start on Sunday, the first has 1 January), as in a Java virtual machine that
//! was told no locale. Source: the class documentation of `DateTimeFormatterBuilder.appendPattern`.

mod field;
mod format;
mod parse;
mod pattern;
mod resolve;

pub(super) use field::Field;
pub(super) use parse::Parsed;

use field::Sign;

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Formatter {
    items: Vec<Item>,
}

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Literal(char),
    Number(Number),
    /// Digits of the second's fraction.
    Fraction(Number),
    /// The last two digits of a year from 2000.
    Reduced(Field),
    Text(Field, super::names::Length),
    /// An offset from UTC: its pattern letter and count.
    Offset(char, usize),
    /// A zone by id (`VV`) or name.
    Zone(char, usize),
    /// `[…]`
    Optional(Vec<Item>),
    /// Spaces up to a width before an item.
    Pad(usize, Box<Item>),
}

/// How digits are written and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number {
    field: Field,
    min: usize,
    max: usize,
    sign: Sign,
    /// Digits that the numbers right behind need.
    reserved: usize,
    /// Whether it has exactly its width because it stands right behind or before another number.
    is_fixed: bool,
}
