//! What is in an array.

use super::{any_nullable, element_of, elements::Elements, fits, is_nullable, lists::Lists};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    scalar::{
        Builtin, Call,
        columns::{argument, boolean_result, number_result, text_result, texts},
        signature::refused,
    },
};
use arrow_array::{Array, cast::AsArray, types::Int32Type};
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "ARRAY_CONTAINS", resolve: resolve_contains, evaluate: contains, deterministic: true },
    Builtin { name: "ARRAY_POSITION", resolve: resolve_position, evaluate: position, deterministic: true },
    Builtin { name: "ARRAY_JOIN", resolve: resolve_join, evaluate: join, deterministic: true },
];

fn resolve(name: &str, arguments: &[Argument<'_>], result: DataType, nullable: bool) -> Result<Resolution, ResolveError> {
    let refuse = || refused(name, arguments, "ARRAY<t>, t");
    let element = element_of(arguments.first()).ok_or_else(refuse)?;
    let [array, value] = arguments else { return Err(refuse()) };
    if !fits(value, &element.data_type) {
        return Err(refuse());
    }
    Ok(Resolution { arguments: vec![array.typed.data_type.clone(), element.data_type.clone()], result: Typed::new(result, nullable) })
}

fn resolve_contains(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let nullable = arguments.first().is_some_and(is_nullable);
    resolve("ARRAY_CONTAINS", arguments, DataType::Boolean, nullable)
}

fn resolve_position(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    resolve("ARRAY_POSITION", arguments, DataType::Int, any_nullable(arguments))
}

fn contains(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (lists, values) = (Lists::of(call, 0)?, argument(call, 1)?);
    let elements = Elements::new(&[lists.elements(), values.inner()])?;
    boolean_result(call, |row| Ok(lists.get(row).map(|mut range| range.any(|at| elements.equal((0, at), (1, values.index(row)))))))
}

/// From 1; 0 when it is not there.
fn position(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (lists, values) = (Lists::of(call, 0)?, argument(call, 1)?);
    let elements = Elements::new(&[lists.elements(), values.inner()])?;
    number_result::<Int32Type>(call, |row| {
        let Some(mut range) = lists.get(row).filter(|_| !values.is_null(row)) else { return Ok(None) };
        Ok(Some(range.position(|at| elements.equal((0, at), (1, values.index(row)))).map_or(0, |at| at as i32 + 1)))
    })
}

fn resolve_join(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let is_text = |a: &Argument<'_>| matches!(a.typed.data_type, DataType::String | DataType::Null) && a.symbol.is_none();
    let takes = element_of(arguments.first()).is_some_and(|e| e.data_type == DataType::String)
        && matches!(arguments.len(), 2 | 3)
        && arguments[1..].iter().all(is_text);
    if !takes {
        return Err(refused("ARRAY_JOIN", arguments, "ARRAY<STRING>, STRING, [STRING]"));
    }
    let mut casts = vec![arguments[0].typed.data_type.clone()];
    casts.resize(arguments.len(), DataType::String);
    Ok(Resolution { arguments: casts, result: Typed::new(DataType::String, any_nullable(arguments)) })
}

/// Elements that are NULL are left out, or replaced.
fn join(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (lists, separators) = (Lists::of(call, 0)?, texts(call, 1)?);
    let replacements = (call.arguments.len() > 2).then(|| texts(call, 2)).transpose()?;
    let parts =
        lists.elements().as_string_opt::<i32>().ok_or_else(|| EvaluationError("ARRAY_JOIN: the elements are no texts".to_owned()))?;
    text_result(call, |row, out| {
        let (Some(range), Some(separator)) = (lists.get(row), separators.get(row)) else { return Ok(false) };
        let replacement = match &replacements {
            None => None,
            Some(replacements) => match replacements.get(row) {
                None => return Ok(false),
                some => some,
            },
        };
        let texts = range.filter_map(|at| if parts.is_valid(at) { Some(parts.value(at)) } else { replacement });
        for (i, text) in texts.enumerate() {
            if i > 0 {
                out.push_str(separator)?;
            }
            out.push_str(text)?;
        }
        Ok(true)
    })
}
