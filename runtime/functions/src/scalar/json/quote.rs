//! `JSON_QUOTE` and `JSON_UNQUOTE`, as Flink has them: their escapes are not quite those of JSON.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError,
    json::{Reader, escape},
    scalar::{
        Builtin, Call,
        columns::{TextWriter, text_result, texts},
        signature::{Accepts, Nulls, Signature},
    },
};
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "JSON_QUOTE", resolve: |a| resolve("JSON_QUOTE", a), evaluate: quote, deterministic: true },
    Builtin { name: "JSON_UNQUOTE", resolve: |a| resolve("JSON_UNQUOTE", a), evaluate: unquote, deterministic: true },
];

fn resolve(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    Signature { name, required: &[Accepts::Text], optional: &[], repeats: false, nulls: Nulls::FromArguments }
        .resolve(arguments, DataType::String)
}

fn quote(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    text_result(call, |row, out| {
        let Some(text) = values.get(row) else { return Ok(false) };
        out.push('"')?;
        for character in text.chars() {
            put_quoted(character, out)?;
        }
        out.push('"')?;
        Ok(true)
    })
}

/// Control characters without a letter stay as they are. What is beyond 16 bits is written with all its digits, and its
/// second half once more.
fn put_quoted(character: char, out: &mut TextWriter) -> Result<(), EvaluationError> {
    let escaped = match character {
        '"' => "\\\"",
        '\\' => "\\\\",
        '/' => "\\/",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        ascii if ascii.is_ascii() => return out.push(ascii),
        other => {
            out.push_str(&format!("\\u{:04x}", u32::from(other)))?;
            let mut units = [0; 2];
            return match other.encode_utf16(&mut units) {
                [_, low] => out.push_str(&format!("\\u{low:04x}")),
                _ => Ok(()),
            };
        }
    };
    out.push_str(escaped)
}

/// What is in quotes and begins with a JSON value is unescaped; anything else stays as it is.
fn unquote(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    let mut reader = Reader::default();
    text_result(call, |row, out| {
        let Some(text) = values.get(row) else { return Ok(false) };
        let is_quoted = text.len() > 1 && text.starts_with('"') && text.ends_with('"');
        if !is_quoted || reader.read(text).is_err() {
            out.push_str(text)?;
            return Ok(true);
        }
        let mut at = 1;
        // An escape may reach up to the last quote, which has no meaning of its own.
        while at + 1 < text.len() {
            let rest = text.get(at..text.len() - 1).unwrap_or_default();
            let length = rest.find('\\').unwrap_or(rest.len());
            out.push_str(rest.get(..length).unwrap_or_default())?;
            at += length;
            if length < rest.len() {
                let escaped = escape(text.get(at..).unwrap_or_default());
                let (character, length) =
                    escaped.ok_or_else(|| EvaluationError(format!("JSON_UNQUOTE: an unknown escape at byte {at} of the text")))?;
                out.push(character)?;
                at += length;
            }
        }
        Ok(true)
    })
}
