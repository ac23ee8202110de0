//! `OBJECT_OF` and `OBJECT_UPDATE`: structured values, which here are rows with named fields.
//!
//! The class is only a name: no class of a user runs inside the engine, so nothing is asked of it.

use super::is_nullable;
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    scalar::{
        Builtin, Call,
        columns::{argument, columnar, extent},
    },
};
use arrow_array::{Array, ArrayRef, StructArray, cast::AsArray};
use arrow_schema::DataType as Arrow;
use millrace_model::{DataType, data_type::RowField};
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "OBJECT_OF", resolve: resolve_of, evaluate: of, deterministic: true },
    Builtin { name: "OBJECT_UPDATE", resolve: resolve_update, evaluate: update, deterministic: true },
];

/// The text of a constant argument.
fn name<'a>(function: &str, position: usize, argument: &Argument<'a>) -> Result<&'a str, ResolveError> {
    let text = argument.literal.and_then(|value| value.as_string_opt::<i32>()).filter(|text| text.len() == 1 && text.is_valid(0));
    text.map(|text| text.value(0)).ok_or_else(|| ResolveError(format!("{function}: argument {position} is not a constant name")))
}

/// Names and values in turn.
fn fields(function: &str, arguments: &[Argument<'_>]) -> Result<Vec<RowField>, ResolveError> {
    if !arguments.len().is_multiple_of(2) {
        return Err(ResolveError(format!("{function} takes names and values in turn; the last name has no value")));
    }
    let mut fields: Vec<RowField> = Vec::new();
    for (at, pair) in arguments.chunks_exact(2).enumerate() {
        let name = name(function, 2 * at + 2, &pair[0])?;
        if name.trim().is_empty() {
            return Err(ResolveError(format!("{function}: the field name at position {} is blank", 2 * at + 2)));
        }
        if fields.iter().any(|field| field.name == name) {
            return Err(ResolveError(format!("{function}: the field `{name}` at position {} is there already", 2 * at + 2)));
        }
        fields.push(RowField { name: name.to_owned(), data_type: pair[1].typed.data_type.clone(), nullable: is_nullable(&pair[1]) });
    }
    Ok(fields)
}

fn own_types(arguments: &[Argument<'_>]) -> Vec<DataType> {
    arguments.iter().map(|a| a.typed.data_type.clone()).collect()
}

fn resolve_of(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let [class, rest @ ..] = arguments else { return Err(ResolveError("OBJECT_OF takes a class name, and names and values".to_owned())) };
    name("OBJECT_OF", 1, class)?;
    let result = Typed::not_null(DataType::Row(fields("OBJECT_OF", rest)?));
    Ok(Resolution { arguments: own_types(arguments), result })
}

fn resolve_update(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let (typed, rest) = match arguments {
        [Argument { typed, .. }, rest @ ..] if !rest.is_empty() => (typed, rest),
        _ => return Err(ResolveError("OBJECT_UPDATE takes an object, and names and values".to_owned())),
    };
    let DataType::Row(mut known) = typed.data_type.clone() else {
        return Err(ResolveError(format!("OBJECT_UPDATE takes an object, not {}", typed.data_type)));
    };
    for changed in fields("OBJECT_UPDATE", rest)? {
        let names: Vec<String> = known.iter().map(|field| field.name.clone()).collect();
        let Some(field) = known.iter_mut().find(|field| field.name == changed.name) else {
            let message = format!("OBJECT_UPDATE: the object has no field `{}`; it has {}", changed.name, names.join(", "));
            return Err(ResolveError(message));
        };
        *field = changed;
    }
    Ok(Resolution { arguments: own_types(arguments), result: Typed::new(DataType::Row(known), typed.nullable) })
}

fn of(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (rows, is_scalar) = extent(call);
    let columns = call.arguments.iter().skip(2).step_by(2).map(|a| a.to_array(rows)).collect::<Result<Vec<_>, _>>()?;
    object(call, columns, None, rows, is_scalar)
}

fn update(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (rows, is_scalar) = extent(call);
    let given = argument(call, 0)?.to_array(rows)?;
    let row = given.as_struct_opt().ok_or_else(|| EvaluationError("OBJECT_UPDATE was not given an object".to_owned()))?;
    let DataType::Row(fields) = &call.result.data_type else {
        return Err(EvaluationError(format!("{} is no object", call.result.data_type)));
    };
    let mut columns = row.columns().to_vec();
    for pair in call.arguments[1..].chunks_exact(2) {
        let name = pair[0].inner().as_string_opt::<i32>().filter(|text| !text.is_empty()).map(|text| text.value(0));
        let at = fields.iter().position(|field| Some(field.name.as_str()) == name);
        let place = at.and_then(|at| columns.get_mut(at)).ok_or_else(|| EvaluationError("OBJECT_UPDATE: a field is missing".to_owned()))?;
        *place = pair[1].to_array(rows)?;
    }
    object(call, columns, row.nulls().cloned(), rows, is_scalar)
}

fn object(
    call: &Call<'_>,
    columns: Vec<ArrayRef>,
    nulls: Option<arrow_buffer::NullBuffer>,
    rows: usize,
    is_scalar: bool,
) -> Result<Columnar, EvaluationError> {
    let Arrow::Struct(fields) = call.result.data_type.to_arrow() else {
        return Err(EvaluationError(format!("{} is no object", call.result.data_type)));
    };
    Ok(columnar(Arc::new(StructArray::try_new_with_length(fields, columns, nulls, rows)?), is_scalar))
}
