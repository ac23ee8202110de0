//! `ARRAY[…]`, `MAP[…]`, `ROW(…)`.

use super::{
    any_nullable, common,
    elements::Elements,
    is_nullable,
    lists::{ListWriter, Place, Rows, gather, map_column},
};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    scalar::{
        Builtin, Call,
        columns::{columnar, extent},
    },
};
use arrow_array::{ArrayRef, StructArray};
use arrow_schema::DataType as Arrow;
use millrace_model::{
    DataType,
    data_type::{Element, RowField},
};
use std::{collections::HashMap, sync::Arc};

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "ARRAY", resolve: resolve_array, evaluate: array, deterministic: true },
    Builtin { name: "MAP", resolve: resolve_map, evaluate: map, deterministic: true },
    Builtin { name: "ROW", resolve: resolve_row, evaluate: row, deterministic: true },
];

fn element(name: &str, arguments: &[Argument<'_>]) -> Result<Element, ResolveError> {
    Ok(Element { data_type: common(name, arguments)?, nullable: any_nullable(arguments) })
}

fn resolve_array(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    if arguments.is_empty() {
        return Err(ResolveError("ARRAY needs at least one element".to_owned()));
    }
    let element = element("ARRAY", arguments)?;
    let casts = vec![element.data_type.clone(); arguments.len()];
    Ok(Resolution { arguments: casts, result: Typed::not_null(DataType::Array(Box::new(element))) })
}

fn inner<'a>(call: &Call<'a>) -> Vec<&'a ArrayRef> {
    call.arguments.iter().map(Columnar::inner).collect()
}

fn array(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (rows, is_scalar) = extent(call);
    let mut writer = ListWriter::new(rows);
    for row in 0..rows {
        for (i, argument) in call.arguments.iter().enumerate() {
            writer.push((i + 1, argument.index(row)));
        }
        writer.end()?;
    }
    writer.finish(call, &inner(call), is_scalar)
}

fn resolve_map(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    if arguments.is_empty() || !arguments.len().is_multiple_of(2) {
        return Err(ResolveError("MAP needs keys and values in turn, at least one of each".to_owned()));
    }
    let every_second = |first: usize| arguments.iter().copied().skip(first).step_by(2).collect::<Vec<_>>();
    let (key, value) = (element("MAP", &every_second(0))?, element("MAP", &every_second(1))?);
    let casts = (0..arguments.len()).map(|i| if i % 2 == 0 { key.data_type.clone() } else { value.data_type.clone() }).collect();
    Ok(Resolution { arguments: casts, result: Typed::not_null(DataType::Map(Box::new(key), Box::new(value))) })
}

/// A key that comes again keeps its place and gets the later value.
fn map(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (rows, is_scalar) = extent(call);
    let sources = inner(call);
    let every_second = |first: usize| sources.iter().copied().skip(first).step_by(2).collect::<Vec<_>>();
    let (key_sources, value_sources) = (every_second(0), every_second(1));
    let elements = Elements::new(&key_sources)?;
    let (mut keys, mut values): (Vec<Place>, Vec<Place>) = (Vec::new(), Vec::new());
    let mut ends = Rows::new(rows);
    for row in 0..rows {
        let mut known = HashMap::new();
        for pair in 0..key_sources.len() {
            let (key, value) = (call.arguments[pair * 2].index(row), call.arguments[pair * 2 + 1].index(row));
            match known.get(&elements.get(pair, key)) {
                Some(&at) => values[at] = (pair + 1, value),
                None => {
                    known.insert(elements.get(pair, key), keys.len());
                    keys.push((pair + 1, key));
                    values.push((pair + 1, value));
                }
            }
        }
        ends.end(keys.len(), true)?;
    }
    let keys = gather(&key_sources, &keys, key_sources[0].data_type())?;
    let values = gather(&value_sources, &values, value_sources[0].data_type())?;
    map_column(call, keys, values, ends, is_scalar)
}

fn resolve_row(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let fields = arguments.iter().enumerate().map(|(i, a)| RowField {
        name: format!("EXPR${i}"),
        data_type: a.typed.data_type.clone(),
        nullable: is_nullable(a),
    });
    let result = Typed::not_null(DataType::Row(fields.collect()));
    Ok(Resolution { arguments: arguments.iter().map(|a| a.typed.data_type.clone()).collect(), result })
}

fn row(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (rows, is_scalar) = extent(call);
    let Arrow::Struct(fields) = call.result.data_type.to_arrow() else {
        return Err(EvaluationError(format!("{} is no row", call.result.data_type)));
    };
    let columns = call.arguments.iter().map(|a| a.to_array(rows)).collect::<Result<Vec<_>, _>>()?;
    if columns.is_empty() {
        return Ok(columnar(Arc::new(StructArray::new_empty_fields(rows, None)), is_scalar));
    }
    Ok(columnar(Arc::new(StructArray::try_new(fields, columns, None)?), is_scalar))
}
