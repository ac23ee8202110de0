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
use arrow_array::{Array, BooleanArray, cast::AsArray};
use arrow_buffer::BooleanBuffer;
use millrace_model::DataType;
use std::sync::Arc;

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
    if let Some(answer) = by_constant(call, &prepare, &holds)? {
        return Ok(answer);
    }
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

/// The answer for a whole column when the pattern is a constant, which it nearly always is: NULLs are taken over, and every
/// text is looked at once.
fn by_constant<P>(
    call: &Call<'_>,
    prepare: &impl Fn(&str, Option<char>) -> Result<P, EvaluationError>,
    holds: &impl Fn(&P, &str) -> bool,
) -> Result<Option<Columnar>, EvaluationError> {
    let [Columnar::Array(values), constants @ ..] = call.arguments else { return Ok(None) };
    let constant = |column: &Columnar| Some(column.as_scalar()?.as_string_opt::<i32>()?.clone()).filter(|text| text.is_valid(0));
    let Some(constants) = constants.iter().map(constant).collect::<Option<Vec<_>>>() else { return Ok(None) };
    let (Some(values), [pattern, escape @ ..]) = (values.as_string_opt::<i32>(), constants.as_slice()) else { return Ok(None) };
    // Of a column of NULLs nothing is asked, not even whether the pattern is right.
    if values.null_count() == values.len() {
        return Ok(None);
    }
    let escape = escape.first().map(|text| single_character(text.value(0))).transpose()?;
    let pattern = prepare(pattern.value(0), escape)?;
    let truth = BooleanBuffer::collect_bool(values.len(), |row| values.is_valid(row) && holds(&pattern, values.value(row)));
    Ok(Some(Columnar::Array(Arc::new(BooleanArray::new(truth, values.nulls().cloned())))))
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
