//! Texts taken apart at a separator.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError,
    meter::Steps,
    scalar::{
        Builtin, Call,
        columns::{check_batch, columnar, extent, numbers, text_result, texts},
        signature::{Accepts, Nulls, Signature},
    },
};
use arrow_array::{
    builder::{ListBuilder, StringBuilder},
    types::Int32Type,
};
use millrace_model::{DataType, data_type::Element};
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "SPLIT_INDEX", resolve: resolve_split_index, evaluate: split_index, deterministic: true },
    Builtin { name: "SPLIT", resolve: resolve_split, evaluate: split, deterministic: true },
];

/// The separator is a text, or the number of a character.
fn resolve_split_index(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let signature = |separator| {
        let required = &[Accepts::Text, separator, Accepts::Int];
        Signature { name: "SPLIT_INDEX", required, optional: &[], repeats: false, nulls: Nulls::Always }
            .resolve(arguments, DataType::String)
    };
    signature(Accepts::Text).or_else(|refused| signature(Accepts::Int).map_err(|_| refused))
}

/// The part numbered `index` (from 0). No separator means white space; nothing has no parts.
fn part<'a>(text: &'a str, separator: &str, index: usize) -> Option<&'a str> {
    if text.is_empty() {
        None
    } else if separator.is_empty() {
        text.split(char::is_whitespace).nth(index)
    } else {
        text.split(separator).nth(index)
    }
}

fn split_index(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, indexes) = (texts(call, 0)?, numbers::<Int32Type>(call, 2)?);
    if let Ok(separators) = texts(call, 1) {
        return text_result(call, |row, out| {
            let (Some(text), Some(separator)) = (values.get(row), separators.get(row)) else { return Ok(false) };
            let Some(index) = indexes.get(row).and_then(|i| usize::try_from(i).ok()) else { return Ok(false) };
            let Some(part) = part(text, separator, index) else { return Ok(false) };
            out.push_str(part)?;
            Ok(true)
        });
    }
    let separators = numbers::<Int32Type>(call, 1)?;
    text_result(call, |row, out| {
        let Some(separator) = separators.get(row).and_then(|s| u8::try_from(s).ok()).filter(|s| *s > 0) else { return Ok(false) };
        let (Some(text), Some(index)) = (values.get(row), indexes.get(row).and_then(|i| usize::try_from(i).ok())) else { return Ok(false) };
        let Some(part) = part(text, char::from(separator).encode_utf8(&mut [0; 4]), index) else { return Ok(false) };
        out.push_str(part)?;
        Ok(true)
    })
}

fn resolve_split(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let parts = DataType::Array(Box::new(Element { data_type: DataType::String, nullable: true }));
    Signature { name: "SPLIT", required: &[Accepts::Text, Accepts::Text], optional: &[], repeats: false, nulls: Nulls::FromArguments }
        .resolve(arguments, parts)
}

fn split(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, separators) = (texts(call, 0)?, texts(call, 1)?);
    let (rows, is_scalar) = extent(call);
    let mut lists = ListBuilder::new(StringBuilder::new());
    let (mut parts, mut steps) = (0, Steps::default());
    for row in 0..rows {
        steps.row()?;
        let (Some(text), Some(separator)) = (values.get(row), separators.get(row)) else {
            lists.append_null();
            continue;
        };
        if separator.is_empty() {
            // Flink makes a text of every UTF-16 unit, and half a pair is written as a question mark.
            for c in text.chars() {
                match c.len_utf16() {
                    1 => lists.values().append_value(c.encode_utf8(&mut [0; 4])),
                    _ => (0..2).for_each(|_| lists.values().append_value("?")),
                }
            }
            parts += text.len();
        } else if !text.is_empty() {
            for part in text.split(separator) {
                lists.values().append_value(part);
                parts += 1;
                if parts.is_multiple_of(1 << 12) {
                    steps.take(1 << 12)?;
                    check_batch(parts.saturating_mul(8))?;
                }
            }
        }
        // An offset of four bytes for every part is what makes a batch large.
        check_batch(parts.saturating_mul(8))?;
        lists.append(true);
    }
    Ok(columnar(Arc::new(lists.finish()), is_scalar))
}
