//! `LIKE` and `SIMILAR TO`.
//!
//! Invariant: a pattern that is the same for all rows is prepared once per batch.

mod like;
mod similar;

use super::{
    Builtin, Call,
    columns::{Texts, boolean_result, texts},
    signature::refused,
};
use crate::{Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed};
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "LIKE",
        resolve: |arguments| resolve("LIKE", arguments),
        evaluate: |call| matches(call, like::Pattern::new, |pattern, text| pattern.matches(text)),
        deterministic: true,
    },
    Builtin {
        name: "SIMILAR TO",
        resolve: |arguments| resolve("SIMILAR TO", arguments),
        evaluate: |call| matches(call, similar::compile, |pattern, text| pattern.is_match(text)),
        deterministic: true,
    },
];

fn resolve(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let are_texts = arguments.iter().all(|a| matches!(a.typed.data_type, DataType::String | DataType::Null));
    if !(2..=3).contains(&arguments.len()) || !are_texts {
        return Err(refused(name, arguments, "STRING, STRING, [STRING]"));
    }
    let nullable = arguments.iter().any(|a| a.typed.nullable || a.typed.data_type == DataType::Null);
    Ok(Resolution { arguments: vec![DataType::String; arguments.len()], result: Typed::new(DataType::Boolean, nullable) })
}

/// Asks a pattern, prepared by `prepare` from its text and escape character, about every row.
fn matches<P>(
    call: &Call<'_>,
    prepare: impl Fn(&str, Option<char>) -> Result<P, EvaluationError>,
    holds: impl Fn(&P, &str) -> bool,
) -> Result<Columnar, EvaluationError> {
    let (values, patterns) = (texts(call, 0)?, texts(call, 1)?);
    let escapes = if call.arguments.len() > 2 { Some(texts(call, 2)?) } else { None };
    let escape = |escapes: &Texts<'_>, row| match escapes.get(row) {
        None => Ok::<_, EvaluationError>(None),
        Some(text) => single_character(text).map(|c| Some(Some(c))),
    };
    // The pattern of the row before, which most often is the pattern of all rows.
    let mut prepared: Option<(&str, Option<char>, P)> = None;
    boolean_result(call, |row| {
        let (Some(value), Some(pattern)) = (values.get(row), patterns.get(row)) else { return Ok(None) };
        let escape = match &escapes {
            None => None,
            Some(escapes) => match escape(escapes, row)? {
                None => return Ok(None),
                Some(escape) => escape,
            },
        };
        let is_same = prepared.as_ref().is_some_and(|(text, e, _)| (std::ptr::eq(*text, pattern) || *text == pattern) && *e == escape);
        if !is_same {
            prepared = Some((pattern, escape, prepare(pattern, escape)?));
        }
        Ok(prepared.as_ref().map(|(_, _, pattern)| holds(pattern, value)))
    })
}

fn single_character(text: &str) -> Result<char, EvaluationError> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => Ok(character),
        _ => Err(EvaluationError(format!("invalid escape character '{text}': it must be one character"))),
    }
}

fn invalid_escape(pattern: &str, at: usize) -> EvaluationError {
    EvaluationError(format!("invalid escape sequence '{pattern}', {at}"))
}
