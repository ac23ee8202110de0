//! Java's regular expressions on an engine that takes linear time, whatever the pattern and the text.
//!
//! A pattern is rewritten so that it means to the `regex` crate what it means to `java.util.regex`: `\d`, `\w`, `\s` and
//! POSIX classes are ASCII, `\b` is not, `.` stops at all of Java's line ends, `(?i)` is ASCII unless `(?u)`, `\Q…\E`, `\h`, `\R`,
//! octal and control escapes, and `$` also holds before a line end that ends the text.
//!
//! Refused, because they need backtracking: look-ahead and look-behind (`(?=`, `(?!`, `(?<=`, `(?<!`), back references
//! (`\1`, `\k<name>`), possessive quantifiers (`a++`), atomic groups (`(?>`), `\G`; and because the engine does not know
//! them: `\X`, `\N{…}`, Unicode blocks (`\p{InGreek}`), most `\p{java…}` classes. Also patterns that are too large when
//! compiled. A pattern that Java does not understand either is [`PatternError::Invalid`], of which each function makes what
//! Flink does.

mod class;
mod matches;
mod parser;
mod property;

pub(crate) use matches::JavaRegex;

use crate::{Argument, EvaluationError, ResolveError, scalar::columns::Texts};
use arrow_array::{Array, cast::AsArray};
use std::{cell::RefCell, collections::HashMap, rc::Rc};

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatternError {
    /// Java refuses it too.
    #[error("the regular expression is not valid: {0}")]
    Invalid(String),
    /// Java knows it, this engine does not.
    #[error("the regular expression uses {0}, which is not supported")]
    Unsupported(String),
}

/// Longest pattern that is compiled.
const PATTERN_BYTES_MAX: usize = 16 << 10;
/// Most patterns that a thread keeps compiled.
const KEPT_MAX: usize = 64;

thread_local! {
    /// Compiled patterns: batches may be small, and compiling one costs more than matching a row.
    static COMPILED: RefCell<HashMap<String, Rc<Result<JavaRegex, PatternError>>>> = RefCell::default();
}

/// The compiled pattern.
pub(crate) fn compiled(pattern: &str) -> Rc<Result<JavaRegex, PatternError>> {
    COMPILED.with_borrow_mut(|kept| {
        if let Some(known) = kept.get(pattern) {
            return Rc::clone(known);
        }
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        let made = Rc::new(JavaRegex::compile(pattern));
        kept.insert(pattern.to_owned(), Rc::clone(&made));
        made
    })
}

/// The patterns of a column, one after the other.
pub(super) struct Patterns<'a> {
    texts: Texts<'a>,
    last: Option<(&'a str, Rc<Result<JavaRegex, PatternError>>)>,
}

impl<'a> Patterns<'a> {
    pub(super) fn new(texts: Texts<'a>) -> Self {
        Self { texts, last: None }
    }

    /// The pattern of a row: `None` when it is NULL, `Some(None)` when Java does not understand it.
    ///
    /// # Errors
    /// A pattern that only this engine does not understand.
    pub(super) fn get(&mut self, row: usize) -> Result<Option<Option<&JavaRegex>>, EvaluationError> {
        let Some(text) = self.texts.get(row) else { return Ok(None) };
        if self.last.as_ref().is_none_or(|(known, _)| *known != text) {
            self.last = Some((text, compiled(text)));
        }
        match self.last.as_ref().map(|(_, regex)| regex.as_ref()) {
            Some(Ok(regex)) => Ok(Some(Some(regex))),
            Some(Err(PatternError::Invalid(_))) | None => Ok(Some(None)),
            Some(Err(error)) => Err(EvaluationError(error.to_string())),
        }
    }
}

/// Refuses a constant pattern that only this engine does not understand.
pub(super) fn check_constant(function: &str, pattern: &Argument<'_>) -> Result<(), ResolveError> {
    let literal = pattern.literal.and_then(|l| l.as_string_opt::<i32>()).filter(|l| l.len() == 1 && l.is_valid(0));
    match literal.map(|l| compiled(l.value(0))).as_deref() {
        Some(Err(error @ PatternError::Unsupported(_))) => Err(ResolveError(format!("{function}: {error}"))),
        _ => Ok(()),
    }
}
