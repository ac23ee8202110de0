//! Texts as bytes and back: Base64 and character sets.

use super::charset::Charset;
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError,
    scalar::{
        Builtin, Call,
        columns::{bytes, bytes_result, raw, text_result, texts},
        signature::{Accepts, Nulls, Signature},
    },
};
use base64::{
    Engine, alphabet,
    engine::DecodePaddingMode,
    engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD},
};
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "TO_BASE64",
        resolve: |a| resolve("TO_BASE64", a, &[Accepts::TextOrBytes], DataType::String),
        evaluate: to_base64,
        deterministic: true,
    },
    Builtin {
        name: "FROM_BASE64",
        resolve: |a| resolve("FROM_BASE64", a, &[Accepts::TextOrBytes], DataType::String),
        evaluate: from_base64,
        deterministic: true,
    },
    Builtin {
        name: "DECODE",
        resolve: |a| resolve("DECODE", a, &[Accepts::Bytes, Accepts::Text], DataType::String),
        evaluate: decode,
        deterministic: true,
    },
    Builtin {
        name: "ENCODE",
        resolve: |a| resolve("ENCODE", a, &[Accepts::Text, Accepts::Text], DataType::Bytes),
        evaluate: encode,
        deterministic: true,
    },
];

/// Java's basic decoder: padding may be missing, and bits beyond the last byte are ignored.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn resolve(name: &str, arguments: &[Argument<'_>], required: &[Accepts], result: DataType) -> Result<Resolution, ResolveError> {
    Signature { name, required, optional: &[], repeats: false, nulls: Nulls::FromArguments }.resolve(arguments, result)
}

fn to_base64(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = raw(call, 0)?;
    text_result(call, |row, out| {
        let Some(value) = values(row) else { return Ok(false) };
        out.push_str(&STANDARD.encode(value))?;
        Ok(true)
    })
}

fn from_base64(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = raw(call, 0)?;
    text_result(call, |row, out| {
        let Some(value) = values(row) else { return Ok(false) };
        let is_half_padded = value.last() == Some(&b'=') && !value.len().is_multiple_of(4);
        let decoded = LENIENT.decode(value).ok().filter(|_| !is_half_padded);
        let decoded = decoded.ok_or_else(|| EvaluationError("FROM_BASE64: the value is not Base64".to_owned()))?;
        out.push_str(&String::from_utf8_lossy(&decoded))?;
        Ok(true)
    })
}

fn decode(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, charsets) = (bytes(call, 0)?, texts(call, 1)?);
    text_result(call, |row, out| {
        let (Some(value), Some(charset)) = (values.get(row), charsets.get(row)) else { return Ok(false) };
        out.push_str(&Charset::named(charset)?.decode(value))?;
        Ok(true)
    })
}

fn encode(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, charsets) = (texts(call, 0)?, texts(call, 1)?);
    bytes_result(call, |row| {
        let (Some(value), Some(charset)) = (values.get(row), charsets.get(row)) else { return Ok(None) };
        Charset::named(charset)?.encode(value).map(Some)
    })
}
