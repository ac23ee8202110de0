//! `BIN`, `HEX` and `UNHEX`.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    coercion::is_integer,
    scalar::{
        Builtin, Call,
        columns::{argument, bytes_result, numbers, text_result, texts},
        signature::refused,
    },
};
use arrow_array::types::Int64Type;
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "BIN", resolve: |arguments| resolve("BIN", arguments, false), evaluate: binary, deterministic: true },
    Builtin { name: "HEX", resolve: |arguments| resolve("HEX", arguments, true), evaluate: hexadecimal, deterministic: true },
    Builtin {
        name: "UNHEX",
        resolve: |arguments| match arguments {
            [Argument { typed, .. }] if matches!(typed.data_type, DataType::String | DataType::Null) => {
                Ok(Resolution { arguments: vec![DataType::String], result: Typed::nullable(DataType::Bytes) })
            }
            _ => Err(refused("UNHEX", arguments, "STRING")),
        },
        evaluate: |call| {
            let values = texts(call, 0)?;
            bytes_result(call, |row| Ok(values.get(row).and_then(|text| unhex(text.as_bytes()))))
        },
        deterministic: true,
    },
];

fn resolve(name: &str, arguments: &[Argument<'_>], takes_text: bool) -> Result<Resolution, ResolveError> {
    let takes = if takes_text { "an integer or STRING" } else { "an integer" };
    let [Argument { typed, .. }] = arguments else { return Err(refused(name, arguments, takes)) };
    let is_null = typed.data_type == DataType::Null;
    let cast = match &typed.data_type {
        other if is_integer(other) || is_null => DataType::BigInt,
        DataType::String if takes_text => DataType::String,
        _ => return Err(refused(name, arguments, takes)),
    };
    Ok(Resolution { arguments: vec![cast], result: Typed::new(DataType::String, typed.nullable || is_null) })
}

fn binary(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = numbers::<Int64Type>(call, 0)?;
    text_result(call, |row, out| match values.get(row) {
        Some(value) => out.push_str(&format!("{value:b}")).map(|()| true),
        None => Ok(false),
    })
}

fn hexadecimal(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    if *argument(call, 0)?.inner().data_type() == Arrow::Utf8 {
        let values = texts(call, 0)?;
        return text_result(call, |row, out| match values.get(row) {
            Some(text) => out.push_str(&hex::encode_upper(text)).map(|()| true),
            None => Ok(false),
        });
    }
    let values = numbers::<Int64Type>(call, 0)?;
    text_result(call, |row, out| match values.get(row) {
        Some(value) => out.push_str(&format!("{value:X}")).map(|()| true),
        None => Ok(false),
    })
}

/// Bytes of pairs of hexadecimal digits. Of an odd number of digits Flink checks the first, but its byte is 0.
fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (odd, pairs) = text.split_at(text.len() % 2);
    let mut bytes = Vec::with_capacity(text.len().div_ceil(2));
    for byte in odd {
        digit(*byte)?;
        bytes.push(0);
    }
    for pair in pairs.chunks_exact(2) {
        bytes.push((digit(pair[0])? << 4 | digit(pair[1])?) as u8);
    }
    Some(bytes)
}
