//! JSON functions.
//!
//! Their clauses come as keywords behind the arguments, in the order of the text: `NULL ON EMPTY`, `DEFAULT ON ERROR` with
//! the value behind it, `RETURNING INT`. The constructors have a form of their own; see `construct`.

mod column;
mod construct;
mod exists;
mod kind;
mod query;
mod quote;
mod value;
mod variant;

pub(super) use variant::{item as variant_item, resolve_item as resolve_variant_item};

use super::Builtin;
use crate::{
    Argument, EvaluationError, ResolveError,
    json::{
        Document, JsonError, Reader,
        path::{Mode, Path, PathError, SelectError, Selection, compiled},
    },
    scalar::{Call, columns::Texts},
};
use arrow_array::{Array, cast::AsArray};
use std::rc::Rc;

/// The families of JSON functions.
pub(super) const FAMILIES: &[&[Builtin]] =
    &[construct::FUNCTIONS, exists::FUNCTIONS, kind::FUNCTIONS, query::FUNCTIONS, quote::FUNCTIONS, value::FUNCTIONS, variant::FUNCTIONS];

/// Refuses a constant path that only this engine does not understand.
fn check_path(function: &str, path: Option<&Argument<'_>>) -> Result<(), ResolveError> {
    let literal = path.and_then(|p| p.literal).and_then(|l| l.as_string_opt::<i32>()).filter(|l| l.len() == 1 && l.is_valid(0));
    match literal.map(|l| compiled(l.value(0))).as_deref() {
        Some(Path { steps: Err(error @ PathError::Unsupported(_)), .. }) => Err(ResolveError(format!("{function}: {error}"))),
        _ => Ok(()),
    }
}

/// The clauses of a call, without their values: keywords and where they stand.
fn keywords(call: &Call<'_>, from: usize) -> Vec<(usize, String)> {
    let text = |index: usize| {
        let array = call.arguments.get(index)?.as_scalar()?.as_string_opt::<i32>()?;
        (array.len() == 1 && array.is_valid(0)).then(|| array.value(0).to_owned())
    };
    let mut found = Vec::new();
    let mut index = from;
    while index < call.arguments.len() {
        if let Some(keyword) = text(index) {
            // The value of a DEFAULT is no keyword, even when it reads like one.
            let step = if keyword.starts_with("DEFAULT ") { 2 } else { 1 };
            found.push((index, keyword));
            index += step;
        } else {
            index += 1;
        }
    }
    found
}

/// Why a path selects nothing in a text.
enum Failure {
    /// The text is no JSON, and the path is strict.
    Text(JsonError),
    /// There is no such path.
    Invalid(PathError),
    /// The path does not fit the document.
    Misfit(String, &'static str),
    /// What is found is of the wrong kind.
    Kind(String, &'static str),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(error) => write!(f, "the text is no JSON: {error}"),
            Self::Invalid(error) => write!(f, "{error}"),
            Self::Misfit(path, what) => write!(f, "the JSON path '{path}' {what}"),
            Self::Kind(path, expected) => write!(f, "the JSON path '{path}' leads to something else than {expected}"),
        }
    }
}

/// What a path selects in a text.
struct Selected<'d> {
    /// Nothing when a text is no JSON and the path is lax.
    document: Option<Document<'d>>,
    selection: Selection<'d>,
    mode: Mode,
}

/// The paths of a column, and the reader of the documents that they are followed in.
struct Selector<'a> {
    paths: Texts<'a>,
    last: Option<(&'a str, Rc<Path>)>,
    reader: Reader,
}

impl<'a> Selector<'a> {
    fn new(paths: Texts<'a>) -> Self {
        Self { paths, last: None, reader: Reader::default() }
    }

    /// What the path of a row selects in a text; `None` when the path is NULL.
    fn select<'d>(&'d mut self, row: usize, text: &'d str) -> Result<Option<Result<Selected<'d>, Failure>>, EvaluationError> {
        let Some(path_text) = self.paths.get(row) else { return Ok(None) };
        if self.last.as_ref().is_none_or(|(known, _)| *known != path_text) {
            self.last = Some((path_text, compiled(path_text)));
        }
        let Some((_, path)) = &self.last else { return Ok(None) };
        let mode = path.mode;
        let document = match (self.reader.read(text), mode) {
            (Ok(document), _) => document,
            (Err(_), Mode::Lax) => return Ok(Some(Ok(Selected { document: None, selection: Selection::Nothing, mode }))),
            (Err(error), Mode::Strict) => return Ok(Some(Err(Failure::Text(error)))),
        };
        let steps = match &path.steps {
            Ok(steps) => steps,
            Err(error @ PathError::Invalid(_)) => return Ok(Some(Err(Failure::Invalid(error.clone())))),
            Err(error @ PathError::Unsupported(_)) => return Err(EvaluationError(error.to_string())),
        };
        match steps.select(&document, mode) {
            Ok(selection) => Ok(Some(Ok(Selected { document: Some(document), selection, mode }))),
            Err(SelectError::Path(what)) => Ok(Some(Err(Failure::Misfit(path_text.to_owned(), what)))),
            Err(SelectError::Limit(error)) => Err(error),
        }
    }
}
