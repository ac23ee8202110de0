//! Texts put together.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, meter,
    scalar::{
        Builtin, Call,
        columns::{argument, check_value, columnar, extent, numbers, text_result, texts},
        signature::{Accepts, Nulls, Signature, refused},
    },
};
use arrow_array::{Array, new_null_array, types::Int32Type};
use arrow_select::interleave::interleave;
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "CONCAT", resolve: |a| resolve("CONCAT", a), evaluate: concat, deterministic: true },
    Builtin { name: "CONCAT_WS", resolve: |a| resolve("CONCAT_WS", a), evaluate: concat_ws, deterministic: true },
    Builtin { name: "REPEAT", resolve: resolve_repeat, evaluate: repeat, deterministic: true },
    Builtin { name: "ELT", resolve: resolve_elt, evaluate: elt, deterministic: true },
];

fn resolve(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    Signature { name, required: &[Accepts::Text], optional: &[], repeats: true, nulls: Nulls::FromArguments }
        .resolve(arguments, DataType::String)
}

fn concat(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let parts = (0..call.arguments.len()).map(|i| texts(call, i)).collect::<Result<Vec<_>, _>>()?;
    text_result(call, |row, out| {
        for part in &parts {
            let Some(text) = part.get(row) else { return Ok(false) };
            out.push_str(text)?;
        }
        Ok(true)
    })
}

fn concat_ws(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let separators = texts(call, 0)?;
    let parts = (1..call.arguments.len()).map(|i| texts(call, i)).collect::<Result<Vec<_>, _>>()?;
    text_result(call, |row, out| {
        let Some(separator) = separators.get(row) else { return Ok(false) };
        for (i, text) in parts.iter().filter_map(|part| part.get(row)).enumerate() {
            if i > 0 {
                out.push_str(separator)?;
            }
            out.push_str(text)?;
        }
        Ok(true)
    })
}

fn resolve_repeat(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    Signature { name: "REPEAT", required: &[Accepts::Text, Accepts::Int], optional: &[], repeats: false, nulls: Nulls::FromArguments }
        .resolve(arguments, DataType::String)
}

fn repeat(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, counts) = (texts(call, 0)?, numbers::<Int32Type>(call, 1)?);
    text_result(call, |row, out| {
        let (Some(text), Some(count)) = (values.get(row), counts.get(row)) else { return Ok(false) };
        let count = if text.is_empty() { 0 } else { usize::try_from(count).unwrap_or(0) };
        check_value(text.len().saturating_mul(count))?;
        for _ in 0..count {
            out.push_str(text)?;
        }
        Ok(true)
    })
}

/// An integer, then texts only or byte strings only.
fn resolve_elt(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let signature = |accepts, result| {
        Signature { name: "ELT", required: &[Accepts::BigInt, accepts], optional: &[], repeats: true, nulls: Nulls::Always }
            .resolve(arguments, result)
    };
    signature(Accepts::Text, DataType::String)
        .or_else(|_| signature(Accepts::Bytes, DataType::Bytes))
        .map_err(|_| refused("ELT", arguments, "BIGINT, STRING, … or BIGINT, BYTES, …"))
}

fn elt(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let indexes = numbers::<arrow_array::types::Int64Type>(call, 0)?;
    let (rows, is_scalar) = extent(call);
    // Part 0 is one NULL, so that an index is the number of its part.
    let null = new_null_array(&call.result.data_type.to_arrow(), 1);
    let mut parts: Vec<&dyn Array> = vec![null.as_ref()];
    for index in 1..call.arguments.len() {
        parts.push(argument(call, index)?.inner().as_ref());
    }
    let places: Vec<(usize, usize)> = (0..rows)
        .map(|row| match indexes.get(row).and_then(|i| usize::try_from(i).ok()) {
            Some(index) if index > 0 && index < parts.len() => (index, call.arguments[index].index(row)),
            _ => (0, 0),
        })
        .collect();
    meter::check_places(&parts, &places)?;
    Ok(columnar(interleave(&parts, &places)?, is_scalar))
}
