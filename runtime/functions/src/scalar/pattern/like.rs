//! Patterns of `LIKE`: `%` is any text, `_` any one character but the end of a line, all else is itself.

use super::invalid_escape;
use crate::EvaluationError;
use memchr::memmem::Finder;

/// A pattern, in the cheapest form that answers it.
pub(super) enum Pattern {
    Equals(String),
    StartsWith(String),
    EndsWith(String),
    Contains(Box<Finder<'static>>),
    /// Texts with `%` between them: the first at the start, the last at the end, the others in order between.
    InOrder {
        start: String,
        between: Vec<Finder<'static>>,
        end: String,
    },
    General(Vec<Part>),
}

/// A part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    One(char),
    AnyOne,
    Any,
}

impl Pattern {
    pub(super) fn new(pattern: &str, escape: Option<char>) -> Result<Self, EvaluationError> {
        let parts = parts(pattern, escape)?;
        if parts.contains(&Part::AnyOne) {
            return Ok(Self::General(parts));
        }
        let mut texts: Vec<String> = parts.split(|part| *part == Part::Any).map(|part| part.iter().filter_map(one).collect()).collect();
        Ok(match texts.as_mut_slice() {
            [text] => Self::Equals(std::mem::take(text)),
            [start, end] if end.is_empty() => Self::StartsWith(std::mem::take(start)),
            [start, end] if start.is_empty() => Self::EndsWith(std::mem::take(end)),
            [start, inner, end] if start.is_empty() && end.is_empty() => Self::Contains(Box::new(finder(inner))),
            [start, between @ .., end] => {
                let between = between.iter().map(|text| finder(text)).collect();
                Self::InOrder { start: std::mem::take(start), between, end: std::mem::take(end) }
            }
            [] => Self::Equals(String::new()),
        })
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Equals(other) => text == other,
            Self::StartsWith(start) => text.starts_with(start.as_str()),
            Self::EndsWith(end) => text.ends_with(end.as_str()),
            Self::Contains(inner) => inner.find(text.as_bytes()).is_some(),
            Self::InOrder { start, between, end } => in_order(text.as_bytes(), start, between, end),
            Self::General(parts) => general(text, parts),
        }
    }
}

/// What `_` does not stand for: Flink matches it by a regular expression of Java, whose dot stops at the end of a line.
fn is_line_end(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn one(part: &Part) -> Option<char> {
    match part {
        Part::One(character) => Some(*character),
        Part::AnyOne | Part::Any => None,
    }
}

fn parts(pattern: &str, escape: Option<char>) -> Result<Vec<Part>, EvaluationError> {
    let mut parts = Vec::with_capacity(pattern.len());
    let mut characters = pattern.chars().enumerate();
    while let Some((at, character)) = characters.next() {
        parts.push(match character {
            _ if Some(character) == escape => match characters.next() {
                Some((_, next)) if matches!(next, '%' | '_') || Some(next) == escape => Part::One(next),
                _ => return Err(invalid_escape(pattern, at)),
            },
            '%' if parts.last() == Some(&Part::Any) => continue,
            '%' => Part::Any,
            '_' => Part::AnyOne,
            _ => Part::One(character),
        });
    }
    Ok(parts)
}

/// A text that is looked for in many others.
fn finder(text: &str) -> Finder<'static> {
    Finder::new(text).into_owned()
}

/// Bytes will do: a character never begins in the middle of another.
fn in_order(text: &[u8], start: &str, between: &[Finder<'static>], end: &str) -> bool {
    let Some(mut rest) = text.strip_prefix(start.as_bytes()) else { return false };
    for inner in between {
        match inner.find(rest) {
            Some(at) => rest = &rest[at + inner.needle().len()..],
            None => return false,
        }
    }
    rest.ends_with(end.as_bytes())
}

/// Tries each `%` with as little text as possible, and gives the last one more where that fails.
fn general(text: &str, parts: &[Part]) -> bool {
    let mut rest = text.chars();
    let mut at = 0;
    let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        if parts.get(at) == Some(&Part::Any) {
            retry = Some((at + 1, rest.clone()));
            at += 1;
            continue;
        }
        let next = rest.next();
        let fits = match (parts.get(at), next) {
            (None, None) => return true,
            (Some(Part::AnyOne), Some(found)) => !is_line_end(found),
            (Some(Part::One(wanted)), Some(found)) => *wanted == found,
            _ => false,
        };
        if fits {
            at += 1;
            continue;
        }
        match &mut retry {
            Some((behind, from)) => {
                if from.next().is_none() {
                    return false;
                }
                at = *behind;
                rest = from.clone();
            }
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_expected() {
        let cases: &[(&str, &str, bool)] = &[
            ("abc", "abc", true),
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "%b%", true),
            ("abc", "%", true),
            ("", "%", true),
            ("", "", true),
            ("a", "", false),
            ("abc", "a%c", true),
            ("ac", "a%c", true),
            ("a", "a%a", false),
            ("abcabc", "a%b%c", true),
            ("abcab", "a%b%c", false),
            ("abc", "a_c", true),
            ("abc", "___", true),
            ("abc", "__", false),
            ("abc", "%_%_%", true),
            ("a", "%_%_%", false),
            ("aXbXc", "%X_", true),
            ("über", "_ber", true),
            ("a\nb", "a_b", false),
            ("a\nb", "a%b", true),
            ("a\nb", "%b", true),
            ("\u{2028}", "_", false),
            ("aab", "%a_", true),
            ("mississippi", "m%iss_p%i", true),
        ];
        for (text, pattern, expected) in cases {
            let found = Pattern::new(pattern, None).map(|p| p.matches(text));
            assert_eq!(found, Ok(*expected), "{text} LIKE {pattern}");
        }
        assert!(Pattern::new("a!%b", Some('!')).is_ok_and(|p| p.matches("a%b") && !p.matches("axb")));
        assert!(Pattern::new("a!b", Some('!')).is_err());
    }
}
