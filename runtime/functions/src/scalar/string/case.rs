//! Length, case and order of the characters of a text.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError,
    scalar::{
        Builtin, Call,
        columns::{number_result, text_result, texts},
        signature::{Accepts, Nulls, Signature},
    },
};
use arrow_array::types::{Int32Type, Int64Type};
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "CHAR_LENGTH", resolve: |a| measure("CHAR_LENGTH", a), evaluate: char_length, deterministic: true },
    Builtin { name: "CHARACTER_LENGTH", resolve: |a| measure("CHARACTER_LENGTH", a), evaluate: char_length, deterministic: true },
    Builtin { name: "UPPER", resolve: |a| change("UPPER", a, Nulls::FromArguments), evaluate: upper, deterministic: true },
    Builtin { name: "LOWER", resolve: |a| change("LOWER", a, Nulls::FromArguments), evaluate: lower, deterministic: true },
    Builtin { name: "INITCAP", resolve: |a| change("INITCAP", a, Nulls::FromArguments), evaluate: initcap, deterministic: true },
    Builtin { name: "REVERSE", resolve: |a| change("REVERSE", a, Nulls::Always), evaluate: reverse, deterministic: true },
    Builtin { name: "ASCII", resolve: |a| measure("ASCII", a), evaluate: ascii, deterministic: true },
    Builtin { name: "CHR", resolve: resolve_chr, evaluate: chr, deterministic: true },
];

fn measure(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    Signature { name, required: &[Accepts::Text], optional: &[], repeats: false, nulls: Nulls::FromArguments }
        .resolve(arguments, DataType::Int)
}

fn change(name: &str, arguments: &[Argument<'_>], nulls: Nulls) -> Result<Resolution, ResolveError> {
    Signature { name, required: &[Accepts::Text], optional: &[], repeats: false, nulls }.resolve(arguments, DataType::String)
}

fn resolve_chr(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    Signature { name: "CHR", required: &[Accepts::BigInt], optional: &[], repeats: false, nulls: Nulls::Always }
        .resolve(arguments, DataType::String)
}

fn char_length(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    number_result::<Int32Type>(call, |row| Ok(values.get(row).map(|text| text.chars().count() as i32)))
}

fn upper(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    text_result(call, |row, out| {
        let Some(text) = values.get(row) else { return Ok(false) };
        out.push_str(&text.to_uppercase())?;
        Ok(true)
    })
}

fn lower(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    text_result(call, |row, out| {
        let Some(text) = values.get(row) else { return Ok(false) };
        out.push_str(&text.to_lowercase())?;
        Ok(true)
    })
}

/// Words are runs of ASCII letters and digits; other characters stay as they are.
fn initcap(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    text_result(call, |row, out| {
        let Some(text) = values.get(row) else { return Ok(false) };
        let mut in_word = false;
        for c in text.chars() {
            out.push(if in_word { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() })?;
            in_word = c.is_ascii_alphanumeric();
        }
        Ok(true)
    })
}

fn reverse(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    text_result(call, |row, out| {
        let Some(text) = values.get(row) else { return Ok(false) };
        for c in text.chars().rev() {
            out.push(c)?;
        }
        Ok(true)
    })
}

/// The first byte, signed as Java's bytes are.
fn ascii(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    number_result::<Int32Type>(call, |row| Ok(values.get(row).map(|text| text.bytes().next().map_or(0, |b| i32::from(b as i8)))))
}

fn chr(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = crate::scalar::columns::numbers::<Int64Type>(call, 0)?;
    text_result(call, |row, out| {
        let Some(code) = values.get(row) else { return Ok(false) };
        if code >= 0 {
            out.push(char::from((code & 0xff) as u8))?;
        }
        Ok(true)
    })
}
