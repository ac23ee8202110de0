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
    Builtin { name: "INSTR", resolve: |a| resolve("INSTR", a, 2), evaluate: in_string, deterministic: true },
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
    if character == 0 {
        return 0;
    }
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

/// The place of the `occurrence`-th `needle` in `text`, looked for from its end backward: the first that ends at or
/// before the character numbered `from_end` from the end (from 1). 0 when there is none.
fn place_from_end(needle: &str, text: &str, from_end: u32, occurrence: i32) -> i32 {
    if needle.is_empty() {
        return text.chars().count() as i32 + 1;
    }
    let skipped = usize::try_from(from_end - 1).unwrap_or(usize::MAX);
    let Some(mut end) = text.char_indices().rev().nth(skipped).map(|(at, c)| at + c.len_utf8()) else { return 0 };
    let mut left = occurrence;
    while let Some(at) = text.get(..end).and_then(|rest| rest.rfind(needle)) {
        left -= 1;
        if left <= 0 {
            return text[..at].chars().count() as i32 + 1;
        }
        // Occurrences may overlap: the next ends one character before this one.
        let last = text[..at + needle.len()].chars().next_back().map_or(1, char::len_utf8);
        end = at + needle.len() - last;
    }
    0
}

/// `INSTR(text, needle, start, occurrence)`: a negative start counts, and looks, from the end.
fn in_string(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    find_with(call, 1, 0, |needle, text, start, occurrence| match start {
        _ if occurrence <= 0 => Err(EvaluationError(format!("INSTR: the occurrence is {occurrence}, expected one from 1"))),
        0 => Ok(0),
        1.. => Ok(place(needle, text, start, occurrence)),
        _ => Ok(place_from_end(needle, text, start.unsigned_abs(), occurrence)),
    })
}

fn find(call: &Call<'_>, needle: usize, text: usize) -> Result<Columnar, EvaluationError> {
    find_with(call, needle, text, |needle, text, start, occurrence| Ok(place(needle, text, start, occurrence)))
}

fn find_with(
    call: &Call<'_>,
    needle: usize,
    text: usize,
    place: impl Fn(&str, &str, i32, i32) -> Result<i32, EvaluationError>,
) -> Result<Columnar, EvaluationError> {
    let (needles, values) = (texts(call, needle)?, texts(call, text)?);
    let number = |index| (call.arguments.len() > index).then(|| numbers::<Int32Type>(call, index)).transpose();
    let (starts, occurrences) = (number(2)?, number(3)?);
    number_result::<Int32Type>(call, |row| {
        let (Some(needle), Some(text)) = (needles.get(row), values.get(row)) else { return Ok(None) };
        let Some(start) = starts.as_ref().map_or(Some(1), |s| s.get(row)) else { return Ok(None) };
        let Some(occurrence) = occurrences.as_ref().map_or(Some(1), |o| o.get(row)) else { return Ok(None) };
        place(needle, text, start, occurrence).map(Some)
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
