//! Patterns of `java.text.SimpleDateFormat` in English: formatting, and its lenient parsing, in which the 35th of a month is a
//! day of the next one. Flink uses it for `FROM_UNIXTIME`, `UNIX_TIMESTAMP`, `CONVERT_TZ`, `TO_DATE` with a format and
//! `DATE_FORMAT` of a text.
//!
//! Source: the class documentation of `SimpleDateFormat`. Weeks are those of the United States.

mod calendar;
mod format;
mod parse;

use crate::EvaluationError;

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SimpleFormat {
    items: Vec<Item>,
}

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Literal(char),
    /// A letter and how often it stands.
    Field(char, usize),
}

/// Longest pattern that is compiled.
const PATTERN_CHARS_MAX: usize = 1_024;

impl SimpleFormat {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// A pattern that Java refuses.
    pub(super) fn compile(pattern: &str) -> Result<Self, EvaluationError> {
        if pattern.len() > PATTERN_CHARS_MAX {
            return Err(EvaluationError(format!("a date pattern is longer than {PATTERN_CHARS_MAX} bytes")));
        }
        let mut items = Vec::new();
        let mut is_quoted = false;
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            if c == '\'' {
                if chars.next_if_eq(&'\'').is_some() {
                    items.push(Item::Literal('\''));
                } else {
                    is_quoted = !is_quoted;
                }
            } else if is_quoted || !c.is_ascii_alphabetic() {
                items.push(Item::Literal(c));
            } else if "GyMdkHmsSEDFwWahKzZYuXL".contains(c) {
                let mut count = 1;
                while chars.next_if_eq(&c).is_some() {
                    count += 1;
                }
                if c == 'X' && count > 3 {
                    return Err(EvaluationError(format!("date pattern '{pattern}': too many letters 'X'")));
                }
                items.push(Item::Field(c, count));
            } else {
                return Err(EvaluationError(format!("date pattern '{pattern}': unknown letter '{c}'")));
            }
        }
        if is_quoted {
            return Err(EvaluationError(format!("date pattern '{pattern}': a quote is not closed")));
        }
        Ok(Self { items })
    }
}
