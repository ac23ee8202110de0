//! Removal of characters at the ends of a text.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError,
    scalar::{
        Builtin, Call,
        columns::{argument, text_result, texts},
        signature::{Accepts, Nulls, Signature, refused},
    },
};
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "TRIM", resolve: resolve_trim, evaluate: trim, deterministic: true },
    Builtin { name: "LTRIM", resolve: |a| resolve("LTRIM", a), evaluate: |c| side(c, true, false), deterministic: true },
    Builtin { name: "RTRIM", resolve: |a| resolve("RTRIM", a), evaluate: |c| side(c, false, true), deterministic: true },
    Builtin { name: "BTRIM", resolve: |a| resolve("BTRIM", a), evaluate: |c| side(c, true, true), deterministic: true },
];

fn resolve(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    Signature { name, required: &[Accepts::Text], optional: &[Accepts::Text], repeats: false, nulls: Nulls::FromArguments }
        .resolve(arguments, DataType::String)
}

/// `TRIM(text)`, `TRIM(side, characters, text)` and `TRIM(side, text)`.
fn resolve_trim(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let takes = "STRING) or TRIM(BOTH | LEADING | TRAILING, STRING, STRING";
    let signature = |required| Signature { name: "TRIM", required, optional: &[], repeats: false, nulls: Nulls::FromArguments };
    let resolved = match arguments {
        [_] => signature(&[Accepts::Text]).resolve(arguments, DataType::String),
        [side, ..] if side.symbol.is_some_and(|s| matches!(s, "BOTH" | "LEADING" | "TRAILING")) => match arguments.len() {
            2 => signature(&[Accepts::Symbol, Accepts::Text]).resolve(arguments, DataType::String),
            _ => signature(&[Accepts::Symbol, Accepts::Text, Accepts::Text]).resolve(arguments, DataType::String),
        },
        _ => Err(refused("TRIM", arguments, takes)),
    };
    resolved.map_err(|_| refused("TRIM", arguments, takes))
}

fn trim(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let side = if call.arguments.len() > 1 { texts(call, 0)?.get(0).unwrap_or("BOTH") } else { "BOTH" };
    let (start, end) = (side != "TRAILING", side != "LEADING");
    match call.arguments {
        [_] => cut(call, 0, None, start, end),
        [_, _] => cut(call, 1, None, start, end),
        _ => cut(call, 2, Some(1), start, end),
    }
}

fn side(call: &Call<'_>, start: bool, end: bool) -> Result<Columnar, EvaluationError> {
    cut(call, 0, (call.arguments.len() > 1).then_some(1), start, end)
}

/// Cuts characters of a set (spaces when there is none) from the ends.
fn cut(call: &Call<'_>, text: usize, set: Option<usize>, start: bool, end: bool) -> Result<Columnar, EvaluationError> {
    argument(call, text)?;
    let values = texts(call, text)?;
    let sets = set.map(|set| texts(call, set)).transpose()?;
    text_result(call, |row, out| {
        let Some(mut value) = values.get(row) else { return Ok(false) };
        let Some(set) = sets.as_ref().map_or(Some(" "), |s| s.get(row)) else { return Ok(false) };
        if start {
            value = value.trim_start_matches(|c| set.contains(c));
        }
        if end {
            value = value.trim_end_matches(|c| set.contains(c));
        }
        out.push_str(value)?;
        Ok(true)
    })
}
