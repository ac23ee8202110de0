//! Paths into documents: `lax $.a[0]`, `strict $..b[?(@.c > 1)]`.
//!
//! The language is that of Jayway JsonPath 2.10, which Flink uses, with its `lax` and `strict` in front; without either a
//! path is strict. Not taken: functions with arguments, functions behind `..`, JSON texts inside filters.

mod condition;
mod filter;
mod function;
mod parser;
mod select;

pub(crate) use function::Function;
pub(crate) use select::{Item, SelectError, Selection};

use condition::Condition;
use std::{cell::RefCell, collections::HashMap, rc::Rc};

/// Longest path that is compiled.
const PATH_BYTES_MAX: usize = 16 << 10;
/// Most paths that a thread keeps compiled.
const KEPT_MAX: usize = 64;

/// What a path does where it finds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It selects nothing.
    Lax,
    /// It fails.
    Strict,
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    /// Flink does not understand it either: the path fails on every document.
    #[error("the JSON path is not valid: {0}")]
    Invalid(String),
    /// Flink knows it, this engine does not.
    #[error("the JSON path uses {0}, which is not supported")]
    Unsupported(String),
}

fn invalid(message: impl Into<String>) -> PathError {
    PathError::Invalid(message.into())
}

/// One step of a path.
#[derive(Debug)]
enum Step {
    /// `.a`, `['a']`, `['a','b']`
    Members(Vec<String>),
    /// `[0]`, `[0,-1]`
    Elements(Vec<i32>),
    /// `[1:]`, `[:-1]`, `[1:3]`
    Slice { from: Option<i32>, to: Option<i32> },
    /// `.*`, `[*]`
    All,
    /// `..`: the containers in it that the next step can be applied to
    Scan,
    /// `[?(…)]`
    Filter(Condition),
}

/// The steps of a path.
#[derive(Debug)]
pub(crate) struct Steps {
    steps: Vec<Step>,
    function: Option<Function>,
    /// Whether it leads to one value at most.
    is_definite: bool,
    /// Whether each step asks for one member or element, and there is no function.
    is_plain: bool,
}

/// A compiled path.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) mode: Mode,
    /// Its steps, or why it has none.
    pub(crate) steps: Result<Steps, PathError>,
}

impl Path {
    fn compile(text: &str) -> Self {
        let (mode, steps) = mode_of(text);
        let steps = if steps.len() > PATH_BYTES_MAX {
            Err(PathError::Unsupported(format!("more than {PATH_BYTES_MAX} bytes")))
        } else {
            parser::parse(steps, 0)
        };
        Self { mode, steps }
    }
}

/// `lax` or `strict`, blanks, and the rest; without either the whole text is a strict path.
fn mode_of(text: &str) -> (Mode, &str) {
    let trimmed = text.trim_ascii_start();
    for (word, mode) in [("lax", Mode::Lax), ("strict", Mode::Strict)] {
        let Some((start, rest)) = trimmed.split_at_checked(word.len()) else { continue };
        if !start.eq_ignore_ascii_case(word) {
            continue;
        }
        let path = rest.trim_ascii_start();
        let blanks = rest.len() - path.len();
        // All blanks but the last may belong to the separator.
        match (blanks, path.is_empty()) {
            (1.., false) => return (mode, path),
            (2.., true) => return (mode, rest.get(rest.len() - 1..).unwrap_or_default()),
            _ => {}
        }
    }
    (Mode::Strict, text)
}

thread_local! {
    /// Compiled paths: a constant path is compiled once per thread, not once per batch.
    static COMPILED: RefCell<HashMap<String, Rc<Path>>> = RefCell::default();
}

/// The compiled path.
pub(crate) fn compiled(text: &str) -> Rc<Path> {
    COMPILED.with_borrow_mut(|kept| {
        if let Some(known) = kept.get(text) {
            return Rc::clone(known);
        }
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        let made = Rc::new(Path::compile(text));
        kept.insert(text.to_owned(), Rc::clone(&made));
        made
    })
}
