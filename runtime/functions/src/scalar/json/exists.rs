//! `JSON_EXISTS`.

use super::{Selector, check_path, keywords};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError,
    json::path::Selection,
    scalar::{
        Builtin, Call,
        columns::{boolean_result, texts},
        signature::{Accepts, Nulls, Signature, refused},
    },
};
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[Builtin { name: "JSON_EXISTS", resolve, evaluate: exists, deterministic: true }];

const TAKES: &str = "STRING, path, [TRUE or FALSE or UNKNOWN or ERROR ON ERROR]";

fn resolve(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let signature = Signature {
        name: "JSON_EXISTS",
        required: &[Accepts::Text, Accepts::Text],
        optional: &[Accepts::Symbol],
        repeats: false,
        nulls: Nulls::Always,
    };
    let resolution = signature.resolve(arguments, DataType::Boolean)?;
    check_path("JSON_EXISTS", arguments.get(1))?;
    match arguments.get(2).and_then(|a| a.symbol) {
        None | Some("TRUE ON ERROR" | "FALSE ON ERROR" | "UNKNOWN ON ERROR" | "ERROR ON ERROR") => Ok(resolution),
        Some(_) => Err(refused("JSON_EXISTS", arguments, TAKES)),
    }
}

fn exists(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    let mut selector = Selector::new(texts(call, 1)?);
    let clauses = keywords(call, 2);
    let on_error = clauses.first().map_or("FALSE ON ERROR", |(_, keyword)| keyword.as_str());
    boolean_result(call, |row| {
        let Some(text) = values.get(row) else { return Ok(None) };
        match (selector.select(row, text)?, on_error) {
            (None, _) => Ok(None),
            (Some(Ok(selected)), _) => Ok(Some(!matches!(selected.selection, Selection::Nothing))),
            (Some(Err(_)), "TRUE ON ERROR") => Ok(Some(true)),
            (Some(Err(_)), "UNKNOWN ON ERROR") => Ok(None),
            (Some(Err(failure)), "ERROR ON ERROR") => Err(EvaluationError(format!("JSON_EXISTS: {failure}"))),
            (Some(Err(_)), _) => Ok(Some(false)),
        }
    })
}
