//! `[…]`: classes of characters, rewritten item by item.

use super::{PatternError, parser::Parser};

/// Items of a class as the engine writes them, without the brackets.
pub(super) fn any_but_line_ends(is_unix: bool) -> &'static str {
    if is_unix { r"[^\n]" } else { r"[^\n\r\x{85}\x{2028}\x{2029}]" }
}

/// A character as an item of a class.
fn item(c: char) -> String {
    if c.is_ascii_alphanumeric() { c.to_string() } else { format!(r"\x{{{:x}}}", u32::from(c)) }
}

/// A range of characters, with the other case of its ASCII letters when `is_caseless`.
fn range(from: char, to: char, is_caseless: bool) -> String {
    let mut text = if from == to { item(from) } else { format!("{}-{}", item(from), item(to)) };
    if is_caseless {
        for (first, last, distance) in [('a', 'z', -32), ('A', 'Z', 32)] {
            let (low, high) = (from.max(first), to.min(last));
            if low <= high {
                let other = |c: char| char::from_u32(u32::from(c).wrapping_add_signed(distance)).unwrap_or(c);
                text.push_str(&format!("{}-{}", item(other(low)), item(other(high))));
            }
        }
    }
    text
}

impl Parser<'_> {
    /// A class behind its `[`.
    pub(super) fn class(&mut self, depth: usize) -> Result<String, PatternError> {
        if depth > 50 {
            return Err(PatternError::Unsupported("deeply nested classes".to_owned()));
        }
        let mut out = String::from(if self.accept('^') { "[^" } else { "[" });
        let mut is_empty = true;
        loop {
            let c = self.next().ok_or_else(|| PatternError::Invalid("a class is not closed".to_owned()))?;
            match c {
                ']' if !is_empty => {
                    out.push(']');
                    return Ok(out);
                }
                '[' => out.push_str(&self.class(depth + 1)?),
                '&' if self.accept('&') => {
                    // Java allows nothing on a side; the engine reads that as an empty class.
                    while self.accept('&') {}
                    if is_empty || self.peek() == Some(']') {
                        continue;
                    }
                    out.push_str("&&");
                    continue;
                }
                '\\' if self.accept('Q') => {
                    for c in self.quoted() {
                        out.push_str(&range(c, c, self.is_ascii_caseless()));
                    }
                }
                c if self.skips(c) => continue,
                _ => {
                    let from = match c {
                        '\\' => match self.class_escape()? {
                            Escaped::Character(c) => c,
                            Escaped::Items(items) => {
                                out.push_str(&items);
                                is_empty = false;
                                continue;
                            }
                        },
                        c => c,
                    };
                    out.push_str(&self.rest_of_range(from)?);
                }
            }
            is_empty = false;
        }
    }

    /// What follows a character of a class: `-` and the end of a range, or nothing.
    fn rest_of_range(&mut self, from: char) -> Result<String, PatternError> {
        let ends_range = self.peek() == Some('-') && !matches!(self.peek_second(), Some(']' | '[') | None);
        if !ends_range {
            return Ok(range(from, from, self.is_ascii_caseless()));
        }
        self.accept('-');
        let to = match self.next() {
            Some('\\') => match self.class_escape()? {
                Escaped::Character(c) => c,
                Escaped::Items(_) => return Err(PatternError::Invalid("a range does not end with a character".to_owned())),
            },
            Some(c) => c,
            None => return Err(PatternError::Invalid("a class is not closed".to_owned())),
        };
        if to < from {
            return Err(PatternError::Invalid(format!("the range {from}-{to} is empty")));
        }
        Ok(range(from, to, self.is_ascii_caseless()))
    }
}

/// What an escape stands for.
pub(super) enum Escaped {
    /// One character.
    Character(char),
    /// Several, as items of a class.
    Items(String),
}

/// A character outside classes.
pub(super) fn literal(c: char, is_ascii_caseless: bool) -> String {
    if is_ascii_caseless && c.is_ascii_alphabetic() {
        return format!("[{}{}]", c.to_ascii_lowercase(), c.to_ascii_uppercase());
    }
    item(c)
}
