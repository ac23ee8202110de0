//! Maps: keys, values, entries, and maps made of arrays and of other maps.

use super::{
    any_nullable, common, element_of,
    elements::Elements,
    lists::{ListWriter, Lists, Maps, Place, Rows, gather, map_column},
};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    scalar::{Builtin, Call, columns::extent, signature::refused},
};
use arrow_array::{ArrayRef, StructArray};
use arrow_schema::DataType as Arrow;
use millrace_model::{
    DataType,
    data_type::{Element, RowField},
};
use std::{collections::HashSet, sync::Arc};

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "MAP_KEYS", resolve: |a| resolve_part("MAP_KEYS", a), evaluate: |c| part(c, true), deterministic: true },
    Builtin { name: "MAP_VALUES", resolve: |a| resolve_part("MAP_VALUES", a), evaluate: |c| part(c, false), deterministic: true },
    Builtin { name: "MAP_ENTRIES", resolve: |a| resolve_part("MAP_ENTRIES", a), evaluate: entries, deterministic: true },
    Builtin { name: "MAP_FROM_ARRAYS", resolve: resolve_from_arrays, evaluate: from_arrays, deterministic: true },
    Builtin { name: "MAP_UNION", resolve: resolve_union, evaluate: union, deterministic: true },
];

fn resolve_part(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let [Argument { typed: Typed { data_type: map @ DataType::Map(key, value), nullable }, .. }] = arguments else {
        return Err(refused(name, arguments, "MAP"));
    };
    let element = match name {
        "MAP_KEYS" => Element::clone(key),
        "MAP_VALUES" => Element::clone(value),
        _ => {
            let field = |name: &str, element: &Element| RowField {
                name: name.to_owned(),
                data_type: element.data_type.clone(),
                nullable: element.nullable,
            };
            Element { data_type: DataType::Row(vec![field("key", key), field("value", value)]), nullable: true }
        }
    };
    Ok(Resolution { arguments: vec![map.clone()], result: Typed::new(DataType::Array(Box::new(element)), *nullable) })
}

fn listed(call: &Call<'_>, maps: &Maps<'_>, elements: &ArrayRef) -> Result<Columnar, EvaluationError> {
    let (rows, is_scalar) = extent(call);
    let mut writer = ListWriter::new(rows);
    for row in 0..rows {
        match maps.get(row) {
            Some(entries) => {
                writer.extend(1, entries);
                writer.end()?;
            }
            None => writer.null()?,
        }
    }
    writer.finish(call, &[elements], is_scalar)
}

fn part(call: &Call<'_>, is_key: bool) -> Result<Columnar, EvaluationError> {
    let maps = Maps::of(call, 0)?;
    listed(call, &maps, if is_key { maps.keys() } else { maps.values() })
}

fn entries(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let maps = Maps::of(call, 0)?;
    let Arrow::List(field) = call.result.data_type.to_arrow() else {
        return Err(EvaluationError(format!("{} is no array", call.result.data_type)));
    };
    let Arrow::Struct(fields) = field.data_type() else {
        return Err(EvaluationError(format!("{} is no array of rows", call.result.data_type)));
    };
    let rows = StructArray::try_new(fields.clone(), vec![maps.keys().clone(), maps.values().clone()], None)?;
    let rows: ArrayRef = Arc::new(rows);
    listed(call, &maps, &rows)
}

fn resolve_from_arrays(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    match (arguments, element_of(arguments.first()), element_of(arguments.get(1))) {
        ([keys, values], Some(key), Some(value)) => Ok(Resolution {
            arguments: vec![keys.typed.data_type.clone(), values.typed.data_type.clone()],
            result: Typed::new(DataType::Map(Box::new(key.clone()), Box::new(value.clone())), any_nullable(arguments)),
        }),
        _ => Err(refused("MAP_FROM_ARRAYS", arguments, "ARRAY, ARRAY")),
    }
}

fn from_arrays(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (keys, values) = (Lists::of(call, 0)?, Lists::of(call, 1)?);
    let (rows, is_scalar) = extent(call);
    let (mut key_places, mut value_places): (Vec<Place>, Vec<Place>) = (Vec::new(), Vec::new());
    let mut ends = Rows::new(rows);
    for row in 0..rows {
        let (Some(key), Some(value)) = (keys.get(row), values.get(row)) else {
            ends.end(key_places.len(), false)?;
            continue;
        };
        if key.len() != value.len() {
            return Err(EvaluationError(format!("MAP_FROM_ARRAYS: {} keys for {} values", key.len(), value.len())));
        }
        key_places.extend(key.map(|at| (1, at)));
        value_places.extend(value.map(|at| (1, at)));
        ends.end(key_places.len(), true)?;
    }
    let gathered = |lists: &Lists<'_>, places: &[Place]| gather(&[lists.elements()], places, lists.elements().data_type());
    map_column(call, gathered(&keys, &key_places)?, gathered(&values, &value_places)?, ends, is_scalar)
}

fn resolve_union(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    if arguments.is_empty() || arguments.iter().any(|a| !matches!(a.typed.data_type, DataType::Map(..))) {
        return Err(refused("MAP_UNION", arguments, "MAP, …"));
    }
    let result = common("MAP_UNION", arguments)?;
    Ok(Resolution { arguments: vec![result.clone(); arguments.len()], result: Typed::new(result, any_nullable(arguments)) })
}

/// The value of a later map wins.
fn union(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let maps = (0..call.arguments.len()).map(|i| Maps::of(call, i)).collect::<Result<Vec<_>, _>>()?;
    let (key_sources, value_sources): (Vec<_>, Vec<_>) = maps.iter().map(|m| (m.keys(), m.values())).unzip();
    let elements = Elements::new(&key_sources)?;
    let (rows, is_scalar) = extent(call);
    let (mut keys, mut values): (Vec<Place>, Vec<Place>) = (Vec::new(), Vec::new());
    let mut ends = Rows::new(rows);
    for row in 0..rows {
        let Some(ranges) = maps.iter().map(|m| m.get(row)).collect::<Option<Vec<_>>>() else {
            ends.end(keys.len(), false)?;
            continue;
        };
        // The last map first, as in Flink: a map has no order, but its text has.
        let mut known = HashSet::new();
        for (map, range) in ranges.into_iter().enumerate().rev() {
            for entry in range.filter(|&entry| known.insert(elements.get(map, entry))) {
                keys.push((map + 1, entry));
                values.push((map + 1, entry));
            }
        }
        ends.end(keys.len(), true)?;
    }
    let keys = gather(&key_sources, &keys, key_sources[0].data_type())?;
    let values = gather(&value_sources, &values, value_sources[0].data_type())?;
    map_column(call, keys, values, ends, is_scalar)
}
