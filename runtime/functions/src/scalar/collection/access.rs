//! Sizes and parts of collections and rows.

use super::{
    elements::Elements,
    is_nullable,
    lists::{Lists, Maps, NOTHING, Place, gather},
};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed, coercion,
    scalar::{
        Builtin, Call,
        columns::{argument, columnar, extent, number_result, numbers, texts},
        json::{resolve_variant_item, variant_item},
        signature::refused,
    },
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, StructArray,
    cast::AsArray,
    types::{Int32Type, Int64Type},
};
use arrow_select::nullif::nullif;
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "CARDINALITY", resolve: resolve_cardinality, evaluate: cardinality, deterministic: true },
    Builtin { name: "ELEMENT", resolve: resolve_element, evaluate: element, deterministic: true },
    Builtin { name: "ITEM", resolve: resolve_item, evaluate: item, deterministic: true },
    Builtin { name: "FIELD", resolve: resolve_field, evaluate: field, deterministic: true },
];

fn resolve_cardinality(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    match arguments {
        [value] if matches!(value.typed.data_type, DataType::Array(_) | DataType::Map(..) | DataType::Multiset(_)) => {
            Ok(Resolution { arguments: vec![value.typed.data_type.clone()], result: Typed::new(DataType::Int, value.typed.nullable) })
        }
        _ => Err(refused("CARDINALITY", arguments, "ARRAY, MAP or MULTISET")),
    }
}

fn cardinality(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    if let Ok(lists) = Lists::of(call, 0) {
        return number_result::<Int32Type>(call, |row| Ok(lists.get(row).map(|elements| elements.len() as i32)));
    }
    let maps = Maps::of(call, 0)?;
    number_result::<Int32Type>(call, |row| Ok(maps.get(row).map(|entries| entries.len() as i32)))
}

fn resolve_element(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    match arguments {
        // NULL for an empty array, although Flink declares the result by the element.
        [Argument { typed: Typed { data_type: array @ DataType::Array(element), .. }, .. }] => {
            Ok(Resolution { arguments: vec![array.clone()], result: Typed::nullable(element.data_type.clone()) })
        }
        _ => Err(refused("ELEMENT", arguments, "ARRAY")),
    }
}

/// One element of each row of a source, or NULL.
fn picked(
    call: &Call<'_>,
    source: &ArrayRef,
    mut each: impl FnMut(usize) -> Result<Option<usize>, EvaluationError>,
) -> Result<Columnar, EvaluationError> {
    let (rows, is_scalar) = extent(call);
    let places: Vec<Place> = (0..rows).map(|row| Ok(each(row)?.map_or(NOTHING, |at| (1, at)))).collect::<Result<_, EvaluationError>>()?;
    gather(&[source], &places, source.data_type()).map(|array| columnar(array, is_scalar))
}

fn element(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let lists = Lists::of(call, 0)?;
    picked(call, lists.elements(), |row| match lists.get(row) {
        Some(elements) if elements.len() > 1 => Err(EvaluationError("ELEMENT: the array has more than one element".to_owned())),
        Some(elements) => Ok((!elements.is_empty()).then_some(elements.start)),
        None => Ok(None),
    })
}

fn not_from_one(index: i64) -> String {
    format!("an index of an array starts at 1, but is {index}")
}

fn resolve_item(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let refuse = || refused("ITEM", arguments, "ARRAY, BIGINT or MAP, key or VARIANT, BIGINT or STRING");
    let [collection, index] = arguments else { return Err(refuse()) };
    match &collection.typed.data_type {
        array @ DataType::Array(element) => {
            if !(coercion::is_integer(&index.typed.data_type) || index.typed.data_type == DataType::Null) {
                return Err(refuse());
            }
            let constant = index.literal.filter(|l| l.is_valid(0)).and_then(|l| l.as_primitive_opt::<Int32Type>()).map(|l| l.value(0));
            if let Some(index @ ..=0) = constant {
                return Err(ResolveError(not_from_one(i64::from(index))));
            }
            Ok(Resolution { arguments: vec![array.clone(), DataType::BigInt], result: Typed::nullable(element.data_type.clone()) })
        }
        map @ DataType::Map(key, value) => {
            if index.symbol.is_some() || !coercion::is_implicit(&index.typed.data_type, &key.data_type) {
                return Err(refuse());
            }
            Ok(Resolution { arguments: vec![map.clone(), key.data_type.clone()], result: Typed::nullable(value.data_type.clone()) })
        }
        DataType::Variant => resolve_variant_item(index).ok_or_else(refuse),
        _ => Err(refuse()),
    }
}

fn item(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    if let Some(variants) = argument(call, 0)?.inner().as_string_opt::<i64>() {
        return variant_item(call, variants);
    }
    if let Ok(lists) = Lists::of(call, 0) {
        let indexes = numbers::<Int64Type>(call, 1)?;
        return picked(call, lists.elements(), |row| {
            let (Some(elements), Some(index)) = (lists.get(row), indexes.get(row)) else { return Ok(None) };
            // Only a constant below 1 is refused: that of a row finds nothing, as in Flink.
            Ok(usize::try_from(index.wrapping_sub(1)).ok().filter(|i| *i < elements.len()).map(|i| elements.start + i))
        });
    }
    let maps = Maps::of(call, 0)?;
    let wanted = argument(call, 1)?;
    let elements = Elements::new(&[maps.keys(), wanted.inner()])?;
    picked(call, maps.values(), |row| {
        let at = wanted.index(row);
        if wanted.is_null(row) {
            return Ok(None);
        }
        Ok(maps.get(row).and_then(|mut entries| entries.find(|entry| elements.equal((0, *entry), (1, at)))))
    })
}

fn resolve_field(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let [row, name] = arguments else { return Err(refused("FIELD", arguments, "ROW, name")) };
    let (DataType::Row(fields), Some(wanted)) = (&row.typed.data_type, name.symbol) else {
        return Err(refused("FIELD", arguments, "ROW, name"));
    };
    let field = fields.iter().find(|f| f.name == wanted);
    let field = field.ok_or_else(|| ResolveError(format!("{} has no field `{wanted}`", row.typed.data_type)))?;
    Ok(Resolution {
        arguments: vec![row.typed.data_type.clone(), DataType::String],
        result: Typed::new(field.data_type.clone(), field.nullable || is_nullable(row)),
    })
}

fn field(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let rows = argument(call, 0)?;
    let name = texts(call, 1)?.get(0).unwrap_or_default();
    let missing = || EvaluationError(format!("the row has no field `{name}`"));
    let array: &StructArray = rows.inner().as_struct_opt().ok_or_else(missing)?;
    let values = array.column_by_name(name).ok_or_else(missing)?;
    // A field of a NULL row is NULL. Mostly it is so already, and nothing has to be made anew.
    let values = match array.nulls() {
        Some(nulls) if !values.data_type().is_null() && !values.nulls().is_some_and(|own| own.contains(nulls)) => {
            nullif(values, &BooleanArray::from(!nulls.inner()))?
        }
        _ => values.clone(),
    };
    Ok(columnar(values, rows.as_scalar().is_some()))
}
