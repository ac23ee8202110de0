//! A compiled pattern, and the matches that Java's `Matcher.find` would report one after the other.

use super::{PATTERN_BYTES_MAX, PatternError, parser};
use crate::{EvaluationError, meter::Steps};
use regex::{Captures, Regex, RegexBuilder};

/// Bytes that a compiled pattern may take.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct JavaRegex {
    regex: Regex,
    /// Whether `$` or `\Z` occurs, which also holds before a line end that ends the text.
    has_end: bool,
}

impl JavaRegex {
    /// Compiles a pattern of Java's.
    pub(super) fn compile(pattern: &str) -> Result<Self, PatternError> {
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(PatternError::Unsupported(format!("more than {PATTERN_BYTES_MAX} bytes")));
        }
        let (text, has_end) = parser::rewrite(pattern)?;
        let regex = RegexBuilder::new(&text).size_limit(COMPILED_BYTES_MAX).dfa_size_limit(COMPILED_BYTES_MAX).nest_limit(200).build();
        regex.map(|regex| Self { regex, has_end }).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => PatternError::Unsupported("more memory than a pattern may take".to_owned()),
            other => PatternError::Invalid(other.to_string().lines().last().unwrap_or_default().trim().to_owned()),
        })
    }

    /// Groups that the pattern has, group 0 not counted.
    pub(in crate::scalar) fn groups(&self) -> usize {
        self.regex.captures_len() - 1
    }

    /// Whether some part of the text matches.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text) || before_line_end(text).is_some_and(|text| self.has_end && self.regex.is_match(text))
    }

    /// The first match at or after byte `start`: where it is.
    pub(in crate::scalar) fn find_at(&self, text: &str, start: usize) -> Option<(usize, usize)> {
        let range = |text: &str| (start <= text.len()).then(|| self.regex.find_at(text, start)).flatten().map(|m| (m.start(), m.end()));
        let whole = range(text);
        let cut = if self.has_end { before_line_end(text).and_then(range) } else { None };
        match (whole, cut) {
            (Some(whole), Some(cut)) => Some(if cut.0 < whole.0 { cut } else { whole }),
            (whole, cut) => whole.or(cut),
        }
    }

    /// The groups of the first match at or after byte `start`.
    pub(in crate::scalar) fn captures_at<'t>(&self, text: &'t str, start: usize) -> Option<Captures<'t>> {
        let found = self.find_at(text, start)?;
        let is_of = |captures: &Captures<'_>| captures.get(0).is_some_and(|m| (m.start(), m.end()) == found);
        self.regex
            .captures_at(text, start)
            .filter(is_of)
            .or_else(|| before_line_end(text).and_then(|text| self.regex.captures_at(text, start)).filter(is_of))
    }

    /// All matches, one after the other. An empty one may stand right behind another one.
    ///
    /// Each search is linear in what is left of the text, all of them together are not: they count as steps, and an error is
    /// the last answer.
    pub(in crate::scalar) fn find_all<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Result<(usize, usize), EvaluationError>> + 'a {
        let (mut next, mut steps) = (Some(0), Steps::default());
        std::iter::from_fn(move || {
            let from = next.take()?;
            if let Err(error) = steps.take(text.len().saturating_sub(from)) {
                return Some(Err(error));
            }
            let (start, end) = self.find_at(text, from)?;
            next = after(text, start, end);
            Some(Ok((start, end)))
        })
    }

    /// The groups of all matches; see [`Self::find_all`].
    pub(in crate::scalar) fn captures_all<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Result<Captures<'a>, EvaluationError>> + 'a {
        let (mut next, mut steps) = (Some(0), Steps::default());
        std::iter::from_fn(move || {
            let from = next.take()?;
            if let Err(error) = steps.take(text.len().saturating_sub(from)) {
                return Some(Err(error));
            }
            let captures = self.captures_at(text, from)?;
            next = captures.get(0).and_then(|whole| after(text, whole.start(), whole.end()));
            Some(Ok(captures))
        })
    }
}

/// Where to search behind a match: behind an empty one, a character further.
fn after(text: &str, start: usize, end: usize) -> Option<usize> {
    if start < end {
        return Some(end);
    }
    text.get(end..)?.chars().next().map(|c| end + c.len_utf8())
}

/// The text without the line end that it ends with.
fn before_line_end(text: &str) -> Option<&str> {
    text.strip_suffix("\r\n").or_else(|| text.strip_suffix(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> Vec<String> {
        let regex = JavaRegex::compile(pattern).expect("a pattern");
        regex.find_all(text).map(|found| found.expect("no bound")).map(|(start, end)| text[start..end].to_owned()).collect()
    }

    #[test]
    fn the_end_is_also_before_the_last_line_end() {
        assert_eq!(found("b$", "ab\n"), ["b"]);
        assert_eq!(found("b$", "ab\r\n"), ["b"]);
        assert_eq!(found(r"b\Z", "ab\n"), ["b"]);
        assert_eq!(found(r"b\z", "ab\n"), Vec::<String>::new());
        assert_eq!(found("b$", "ab\n\n"), Vec::<String>::new());
        assert_eq!(found(".*$", "ab\n"), ["ab", "", ""]);
        assert_eq!(found("(?m)b$", "ab\nb"), ["b", "b"]);
    }

    #[test]
    fn a_dot_stops_at_every_line_end() {
        assert_eq!(found(".+", "a\rb\u{2028}c"), ["a", "b", "c"]);
        assert_eq!(found("(?d).+", "a\rb\nc"), ["a\rb", "c"]);
        assert_eq!(found("(?s).+", "a\nb"), ["a\nb"]);
    }

    #[test]
    fn hostile_patterns_are_refused_or_fast() {
        assert!(JavaRegex::compile(&"(".repeat(100_000)).is_err());
        assert!(JavaRegex::compile("((a{100}){100}){100}").is_err());
        assert!(JavaRegex::compile(&"[".repeat(10_000)).is_err());
        let regex = JavaRegex::compile("(a*)*b").expect("a pattern");
        assert!(!regex.is_match(&"a".repeat(100_000)));
    }
}
