//! Arrays with more, fewer or rearranged elements.

use super::{
    any_nullable, common, element_of,
    elements::Elements,
    fits, is_nullable,
    lists::{ListWriter, Lists, NOTHING},
};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    scalar::{
        Builtin, Call,
        columns::{argument, extent, numbers},
        signature::refused,
    },
};
use arrow_array::types::Int32Type;
use millrace_model::{DataType, data_type::Element};
use std::{collections::HashSet, ops::Range};

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "ARRAY_APPEND",
        resolve: |a| resolve_with_element("ARRAY_APPEND", a),
        evaluate: |c| add(c, false),
        deterministic: true,
    },
    Builtin {
        name: "ARRAY_PREPEND",
        resolve: |a| resolve_with_element("ARRAY_PREPEND", a),
        evaluate: |c| add(c, true),
        deterministic: true,
    },
    Builtin { name: "ARRAY_CONCAT", resolve: resolve_concat, evaluate: concat, deterministic: true },
    Builtin { name: "ARRAY_REMOVE", resolve: resolve_remove, evaluate: remove, deterministic: true },
    Builtin { name: "ARRAY_REVERSE", resolve: |a| resolve_same("ARRAY_REVERSE", a), evaluate: reverse, deterministic: true },
    Builtin { name: "ARRAY_DISTINCT", resolve: |a| resolve_same("ARRAY_DISTINCT", a), evaluate: distinct, deterministic: true },
    Builtin { name: "ARRAY_SLICE", resolve: resolve_slice, evaluate: slice, deterministic: true },
];

/// An array and an element for it; an element that may be NULL makes an array of such.
fn resolve_with_element(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let refuse = || refused(name, arguments, "ARRAY<t>, t");
    let element = element_of(arguments.first()).ok_or_else(refuse)?;
    let [array, value] = arguments else { return Err(refuse()) };
    if !fits(value, &element.data_type) {
        return Err(refuse());
    }
    let result = Element { data_type: element.data_type.clone(), nullable: element.nullable || is_nullable(value) };
    Ok(Resolution {
        arguments: vec![array.typed.data_type.clone(), element.data_type.clone()],
        result: Typed::new(DataType::Array(Box::new(result)), any_nullable(arguments)),
    })
}

fn add(call: &Call<'_>, in_front: bool) -> Result<Columnar, EvaluationError> {
    let (lists, values) = (Lists::of(call, 0)?, argument(call, 1)?);
    let (rows, is_scalar) = extent(call);
    let mut writer = ListWriter::new(rows);
    for row in 0..rows {
        let Some(elements) = lists.get(row) else {
            writer.null()?;
            continue;
        };
        let value = if values.is_null(row) { NOTHING } else { (2, values.index(row)) };
        if in_front {
            writer.push(value);
        }
        writer.extend(1, elements);
        if !in_front {
            writer.push(value);
        }
        writer.end()?;
    }
    writer.finish(call, &[lists.elements(), values.inner()], is_scalar)
}

fn resolve_concat(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    if arguments.is_empty() || arguments.iter().any(|a| element_of(Some(a)).is_none()) {
        return Err(refused("ARRAY_CONCAT", arguments, "ARRAY, …"));
    }
    let result = common("ARRAY_CONCAT", arguments)?;
    Ok(Resolution { arguments: vec![result.clone(); arguments.len()], result: Typed::new(result, any_nullable(arguments)) })
}

fn concat(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let parts = (0..call.arguments.len()).map(|i| Lists::of(call, i)).collect::<Result<Vec<_>, _>>()?;
    let (rows, is_scalar) = extent(call);
    let mut writer = ListWriter::new(rows);
    for row in 0..rows {
        let Some(arrays) = parts.iter().map(|p| p.get(row)).collect::<Option<Vec<_>>>() else {
            writer.null()?;
            continue;
        };
        for (i, elements) in arrays.into_iter().enumerate() {
            writer.extend(i + 1, elements);
        }
        writer.end()?;
    }
    let sources: Vec<_> = parts.iter().map(Lists::elements).collect();
    writer.finish(call, &sources, is_scalar)
}

fn resolve_remove(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let mut resolution = resolve_with_element("ARRAY_REMOVE", arguments)?;
    resolution.result = arguments[0].typed.clone();
    Ok(resolution)
}

/// Elements of the one array argument, chosen and arranged by `each`.
fn arranged(
    call: &Call<'_>,
    mut each: impl FnMut(usize, Range<usize>, &mut ListWriter) -> Result<bool, EvaluationError>,
) -> Result<Columnar, EvaluationError> {
    let lists = Lists::of(call, 0)?;
    let (rows, is_scalar) = extent(call);
    let mut writer = ListWriter::new(rows);
    for row in 0..rows {
        let is_valid = match lists.get(row) {
            Some(elements) => each(row, elements, &mut writer)?,
            None => false,
        };
        if is_valid { writer.end()? } else { writer.null()? }
    }
    writer.finish(call, &[lists.elements()], is_scalar)
}

fn remove(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = argument(call, 1)?;
    let elements = Elements::new(&[Lists::of(call, 0)?.elements(), values.inner()])?;
    arranged(call, |row, range, writer| {
        let value = values.index(row);
        writer.extend(1, range.filter(|&at| !elements.equal((0, at), (1, value))));
        Ok(true)
    })
}

fn resolve_same(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    match arguments {
        [array] if element_of(Some(array)).is_some() => {
            Ok(Resolution { arguments: vec![array.typed.data_type.clone()], result: array.typed.clone() })
        }
        _ => Err(refused(name, arguments, "ARRAY")),
    }
}

fn reverse(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    arranged(call, |_, range, writer| {
        writer.extend(1, range.rev());
        Ok(true)
    })
}

fn distinct(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let elements = Elements::new(&[Lists::of(call, 0)?.elements()])?;
    arranged(call, |_, range, writer| {
        let mut known = HashSet::new();
        writer.extend(1, range.filter(|&at| elements.is_nan(0, at) || known.insert(elements.get(0, at))));
        Ok(true)
    })
}

fn resolve_slice(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let is_int = |a: &Argument<'_>| matches!(a.typed.data_type, DataType::TinyInt | DataType::SmallInt | DataType::Int | DataType::Null);
    match arguments {
        [array, offsets @ ..] if element_of(Some(array)).is_some() && matches!(offsets.len(), 1 | 2) && offsets.iter().all(is_int) => {
            let mut casts = vec![array.typed.data_type.clone()];
            casts.resize(arguments.len(), DataType::Int);
            Ok(Resolution { arguments: casts, result: Typed::new(array.typed.data_type.clone(), any_nullable(arguments)) })
        }
        _ => Err(refused("ARRAY_SLICE", arguments, "ARRAY, INT, [INT]")),
    }
}

/// Offsets from 1, both inclusive; negative ones count from the end, and 0 is 1.
fn slice(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let starts = numbers::<Int32Type>(call, 1)?;
    let ends = (call.arguments.len() > 2).then(|| numbers::<Int32Type>(call, 2)).transpose()?;
    arranged(call, |row, range, writer| {
        let length = range.len() as i64;
        let (Some(start), Some(end)) = (starts.get(row), ends.as_ref().map_or(Some(i32::MAX), |e| e.get(row))) else { return Ok(false) };
        let from_end = |offset: i32| if offset < 0 { i64::from(offset) + length + 1 } else { i64::from(offset) };
        let start = from_end(start).max(1);
        let end = match from_end(end) {
            0 => 1,
            end => end.min(length),
        };
        if start <= end && end <= length {
            writer.extend(1, range.start + start as usize - 1..range.start + end as usize);
        }
        Ok(true)
    })
}
