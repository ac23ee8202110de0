//! Patterns of `SIMILAR TO`, turned into regular expressions that must match the whole text.
//!
//! As in Flink, what SQL gives no meaning (`.`) keeps its meaning in regular expressions; `$` and `\` are themselves.

use super::invalid_escape;
use crate::EvaluationError;
use regex::{Regex, RegexBuilder};

/// Most memory of a compiled pattern.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// The dot of Java's regular expressions: anything but the end of a line.
const ANY_ONE: &str = r"[^\n\r\x{85}\x{2028}\x{2029}]";

/// Characters with a meaning in `SIMILAR TO`, which may be escaped.
const SPECIALS: &str = "[]()|^-+*_%?{}";

/// Names of classes of characters that may stand inside brackets, and what they stand for there.
const CLASSES: &[(&str, &str)] = &[
    ("ALPHA", "a-zA-Z"),
    ("UPPER", "A-Z"),
    ("LOWER", "a-z"),
    ("DIGIT", "0-9"),
    ("ALNUM", "a-zA-Z0-9"),
    ("SPACE", " "),
    ("WHITESPACE", r"\s"),
];

pub(super) fn compile(pattern: &str, escape: Option<char>) -> Result<Regex, EvaluationError> {
    let characters: Vec<char> = pattern.chars().collect();
    let mut regex = String::with_capacity(pattern.len() + 16);
    regex.push_str("^(?:");
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        at += 1;
        match character {
            _ if Some(character) == escape => {
                regex.push_str(&escaped(pattern, &characters, at, escape)?);
                at += 1;
            }
            '_' | '.' => regex.push_str(ANY_ONE),
            '%' => regex.push_str("(?s:.*)"),
            '[' => at = brackets(pattern, &characters, at, escape, &mut regex)?,
            ']' => return Err(invalid(pattern)),
            '\\' | '$' => regex.extend(['\\', character]),
            _ => regex.push(character),
        }
    }
    regex.push_str(")$");
    RegexBuilder::new(&regex).size_limit(COMPILED_BYTES_MAX).build().map_err(|_| invalid(pattern))
}

fn escaped(pattern: &str, characters: &[char], at: usize, escape: Option<char>) -> Result<String, EvaluationError> {
    match characters.get(at) {
        Some(next) if SPECIALS.contains(*next) || Some(*next) == escape => Ok(regex::escape(&next.to_string())),
        _ => Err(invalid_escape(pattern, at - 1)),
    }
}

/// What stands between brackets; answers the place behind it.
fn brackets(pattern: &str, characters: &[char], mut at: usize, escape: Option<char>, regex: &mut String) -> Result<usize, EvaluationError> {
    regex.push('[');
    if characters.get(at) == Some(&'^') {
        regex.push('^');
        at += 1;
    }
    while let Some(&character) = characters.get(at) {
        at += 1;
        match character {
            ']' => {
                regex.push(']');
                return Ok(at);
            }
            '[' if characters.get(at) == Some(&':') => {
                let name: String = characters[at + 1..].iter().take_while(|c| **c != ':').collect();
                let end = at + 1 + name.chars().count();
                let class = CLASSES.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
                let (Some((_, class)), Some(':'), Some(']')) = (class, characters.get(end), characters.get(end + 1)) else {
                    return Err(invalid(pattern));
                };
                regex.push_str(class);
                at = end + 2;
            }
            _ if Some(character) == escape => {
                regex.push_str(&escaped(pattern, characters, at, escape)?);
                at += 1;
            }
            '-' => regex.push('-'),
            _ => regex.push_str(&regex::escape(&character.to_string())),
        }
    }
    Err(invalid(pattern))
}

fn invalid(pattern: &str) -> EvaluationError {
    EvaluationError(format!("invalid regular expression '{pattern}' (SIMILAR TO)"))
}
