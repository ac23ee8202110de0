//! Finding texts in texts.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError,
    scalar::{
        Builtin, Call,
        columns::{boolean_result, number_result, numbers, raw, texts},
        signature::{Accepts, Nulls, Signature, refused},
    },
};
use arrow_array::types::Int32Type;
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "POSITION", resolve: |a| resolve("POSITION", a, 0), evaluate: |c| find(c, 0, 1), deterministic: true },
    Builtin { name: "LOCATE", resolve: |a| resolve("LOCATE", a, 1), evaluate: |c| find(c, 0, 1), deterministic: true },
    Builtin { name: "INSTR", resolve: |a| resolve("INSTR", a, 2), evaluate: |c| find(c, 1, 0), deterministic: true },
    Builtin {
        name: "STARTSWITH",
        resolve: |a| resolve_ends("STARTSWITH", a),
        evaluate: |c| ends(c, <[u8]>::starts_with),
        deterministic: true,
    },
    Builtin { name: "ENDSWITH", resolve: |a| resolve_ends("ENDSWITH", a), evaluate: |c| ends(c, <[u8]>::ends_with), deterministic: true },
];

fn resolve(name: &str, arguments: &[Argument<'_>], numbers: usize) -> Result<Resolution, ResolveError> {
    let optional = &[Accepts::Int, Accepts::Int][..numbers];
    Signature { name, required: &[Accepts::Text, Accepts::Text], optional, repeats: false, nulls: Nulls::FromArguments }
        .resolve(arguments, DataType::Int)
}

/// Byte offset of the character with this number, or the end.
fn byte_of(text: &str, character: usize) -> usize {
    text.char_indices().nth(character).map_or(text.len(), |(at, _)| at)
}

/// The place (from 1, in characters) of the `occurrence`-th `needle` in `text` at or after place `start`; 0 when there is
/// none. Occurrences may overlap.
fn place(needle: &str, text: &str, start: i32, occurrence: i32) -> i32 {
    if needle.is_empty() {
        return 1;
    }
    let mut from = byte_of(text, usize::try_from(start.max(1) - 1).unwrap_or(0));
    let mut left = occurrence;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find(needle)) {
        let at = from + found;
        left -= 1;
        if left <= 0 {
            return text[..at].chars().count() as i32 + 1;
        }
        from = at + text[at..].chars().next().map_or(1, char::len_utf8);
    }
    0
}

fn find(call: &Call<'_>, needle: usize, text: usize) -> Result<Columnar, EvaluationError> {
    let (needles, values) = (texts(call, needle)?, texts(call, text)?);
    let number = |index| (call.arguments.len() > index).then(|| numbers::<Int32Type>(call, index)).transpose();
    let (starts, occurrences) = (number(2)?, number(3)?);
    number_result::<Int32Type>(call, |row| {
        let (Some(needle), Some(text)) = (needles.get(row), values.get(row)) else { return Ok(None) };
        let Some(start) = starts.as_ref().map_or(Some(1), |s| s.get(row)) else { return Ok(None) };
        let Some(occurrence) = occurrences.as_ref().map_or(Some(1), |o| o.get(row)) else { return Ok(None) };
        Ok(Some(place(needle, text, start, occurrence)))
    })
}

/// Two texts or two byte strings.
fn resolve_ends(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let signature = |accepts: &[Accepts]| {
        Signature { name, required: accepts, optional: &[], repeats: false, nulls: Nulls::FromArguments }
            .resolve(arguments, DataType::Boolean)
    };
    signature(&[Accepts::Text, Accepts::Text])
        .or_else(|_| signature(&[Accepts::Bytes, Accepts::Bytes]))
        .map_err(|_| refused(name, arguments, "STRING, STRING or BYTES, BYTES"))
}

fn ends(call: &Call<'_>, holds: fn(&[u8], &[u8]) -> bool) -> Result<Columnar, EvaluationError> {
    let (values, parts) = (raw(call, 0)?, raw(call, 1)?);
    boolean_result(call, |row| Ok(values(row).zip(parts(row)).map(|(value, part)| holds(value, part))))
}
