//! What is wrong with a text, and where.
//!
//! Invariant: a message names what was found and what was expected; the place is a piece of the text the user wrote.

use crate::ast::Span;
use millrace_model::{Classified, FaultClass};
use std::fmt;

/// Most characters of a line that a rendered error shows.
const SHOWN_MAX: usize = 120;

/// Longest name that is compared with others to find a near one; the comparison takes time by the square.
const NEAREST_LENGTH_MAX: usize = 64;

/// A text that is not understood, or that asks for what is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// Stable, for machines: `sql.syntax`, `sql.unknown_column`, …
    pub code: &'static str,
    /// What was found and what was expected.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What to do about it.
    pub hint: Option<String>,
}

impl SqlError {
    /// An error without a hint.
    pub fn new(code: &'static str, message: impl Into<String>, span: Span) -> Self {
        Self { code, message: message.into(), span, hint: None }
    }

    /// The same error with a piece of advice.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Line and column of the error in its text, both counted from 1, columns in characters.
    pub fn position(&self, text: &str) -> (usize, usize) {
        let before = &text[..boundary(text, self.span.start)];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The error in one line: place, message, advice.
    pub fn at(&self, text: &str) -> String {
        let (line, column) = self.position(text);
        let hint = self.hint.as_ref().map(|h| format!("; {h}")).unwrap_or_default();
        format!("line {line}, column {column}: {}{hint}", self.message)
    }

    /// The error with the line it stands in and a caret below the place.
    pub fn render(&self, text: &str) -> String {
        let start = boundary(text, self.span.start);
        let end = boundary(text, self.span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
        // One column per character: a tab or a control character would move what the caret points at.
        let line: Vec<char> = text[line_start..line_end].trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let (number, column) = self.position(text);
        let width = text[start..end.min(line_end)].chars().count().max(1);

        let first = if column <= SHOWN_MAX { 0 } else { column - SHOWN_MAX / 2 };
        let shown: String = line.iter().skip(first).take(SHOWN_MAX).collect();
        let caret = " ".repeat(column - 1 - first);
        let marks = "^".repeat(width.min(SHOWN_MAX.saturating_sub(caret.len()).max(1)));
        let margin = " ".repeat(number.to_string().len());
        let mut rendered = format!("line {number}, column {column}: {}\n{number} | {shown}\n{margin} | {caret}{marks}\n", self.message);
        if let Some(hint) = &self.hint {
            rendered.push_str(&format!("{margin} = {hint}\n"));
        }
        rendered
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SqlError {}

impl Classified for SqlError {
    fn class(&self) -> FaultClass {
        if self.code == "sql.internal" { FaultClass::Internal } else { FaultClass::User }
    }
}

/// The offset itself or the next smaller one between two characters: an error may be shown against another text.
fn boundary(text: &str, offset: usize) -> usize {
    text.floor_char_boundary(offset.min(text.len()))
}

/// The known name that `wanted` is most likely meant to be: few letters differ, case does not count. `None` when nothing
/// is near, or when only the case differs and nothing else is known.
pub fn nearest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = wanted.to_lowercase().chars().take(NEAREST_LENGTH_MAX + 1).collect();
    if wanted.len() > NEAREST_LENGTH_MAX {
        return None;
    }
    let allowed = match wanted.len() {
        0..=2 => return None,
        3..=5 => 1,
        6..=8 => 2,
        _ => 3,
    };
    let mut best: Option<(usize, &str)> = None;
    for name in known {
        let letters: Vec<char> = name.to_lowercase().chars().take(NEAREST_LENGTH_MAX + 4).collect();
        if letters.len().abs_diff(wanted.len()) > allowed {
            continue;
        }
        let distance = distance(&wanted, &letters);
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

/// Letters to insert, remove, replace or swap with their neighbour (Damerau's distance, optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["FROM", "WHERE", "GROUP", "timestamp_ltz"];
        let check = |wanted: &str, expected| assert_eq!(nearest(wanted, known.into_iter()), expected, "for {wanted:?}");
        check("FORM", Some("FROM"));
        check("wehre", Some("WHERE"));
        check("TIMESTAMP_TLZ", Some("timestamp_ltz"));
        check("GROP", Some("GROUP"));
        check("x", None);
        check("quantity", None);
        check(&"f".repeat(100_000), None);
    }

    #[test]
    fn places_are_counted_in_characters_and_lines() {
        let text = "SELECT 'é',\n\tx FORM t";
        let at = text.find("FORM").unwrap();
        let error = SqlError::new("sql.syntax", "expected `FROM`, found `FORM`", Span { start: at, end: at + 4 }).with_hint("look");
        assert_eq!(error.position(text), (2, 4));
        assert_eq!(error.render(text), "line 2, column 4: expected `FROM`, found `FORM`\n2 |  x FORM t\n  |    ^^^^\n  = look\n");
        let beyond = SqlError::new("sql.syntax", "m", Span { start: 1000, end: 2000 });
        assert_eq!(beyond.position("é"), (1, 2));
        assert_eq!(SqlError::new("sql.syntax", "m", Span { start: 1, end: 2 }).position("é"), (1, 1));
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("SELECT {} FORM t", "a,".repeat(10_000));
        let at = text.find("FORM").unwrap();
        let rendered = SqlError::new("sql.syntax", "m", Span { start: at, end: at + 4 }).render(&text);
        assert!(rendered.lines().all(|l| l.chars().count() < 140), "{rendered}");
        assert!(rendered.contains("FORM t"));
    }
}
