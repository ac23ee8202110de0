//! `value IN (…)`.
//!
//! As in Flink the constants of a list are cast to the type of the value (`1 IN (1.5)` holds), except that decimals keep
//! their digits; a list with other values meets in a common type.

use super::{
    compare::{Order, compare},
    comparison::operand_types,
    kernel::like,
};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    cast::is_castable,
    coercion::{common_type_of, decimal, is_exact},
    scalar::{Builtin, Call, signature::refused},
};
use arrow_arith::boolean::or_kleene;
use arrow_array::{Array, ArrayRef, BooleanArray, StringArray, cast::AsArray};
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;
use std::{collections::HashSet, sync::Arc};

/// From how many constants on a set is cheaper than comparing with one after the other.
const SET_SIZE_MIN: usize = 8;

pub(super) const FUNCTIONS: &[Builtin] = &[Builtin { name: "IN", resolve, evaluate, deterministic: true }];

fn resolve(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let [value, list @ ..] = arguments else { return Err(refused("IN", arguments, "a value and a list")) };
    if list.is_empty() {
        return Err(refused("IN", arguments, "a value and a list"));
    }
    let nullable = arguments.iter().any(|a| a.typed.nullable || a.typed.data_type == DataType::Null);
    let result = Typed::new(DataType::Boolean, nullable);
    let wanted = &value.typed.data_type;
    let cast_to_value = || {
        let casts = list.iter().map(|a| constant_type(&a.typed.data_type, wanted)).collect::<Option<Vec<_>>>();
        casts.map(|casts| std::iter::once(wanted.clone()).chain(casts).collect())
    };
    let common = || common_type_of(arguments.iter().map(|a| &a.typed.data_type)).map(|common| vec![common; arguments.len()]);
    let are_constants = *wanted != DataType::Null && list.iter().all(|a| a.literal.is_some());
    let types = if are_constants { cast_to_value().or_else(common) } else { common().or_else(cast_to_value) };
    match types {
        Some(arguments) => Ok(Resolution { arguments, result }),
        None => Err(refused("IN", arguments, "values of comparable types")),
    }
}

/// The type that a constant of the list is cast to; `None` when it cannot be compared with the value at all.
fn constant_type(constant: &DataType, value: &DataType) -> Option<DataType> {
    if *constant == DataType::Null {
        return Some(value.clone());
    }
    if matches!(value, DataType::Decimal { .. }) && is_exact(constant) {
        return decimal::of_exact(constant).map(Into::into);
    }
    let comparable = operand_types(constant, value, Order::Less).is_some() || operand_types(constant, value, Order::Equal).is_some();
    (comparable && is_castable(constant, value)).then(|| value.clone())
}

fn evaluate(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let [value, list @ ..] = call.arguments else { return Err(EvaluationError("IN needs a value".to_owned())) };
    if list.len() >= SET_SIZE_MIN && value.as_scalar().is_none() && list.iter().all(|item| item.as_scalar().is_some()) {
        let items: Vec<&dyn Array> = list.iter().map(|item| item.inner().as_ref()).collect();
        if let Some(found) = in_set(value.inner(), &items)? {
            return Ok(Columnar::Array(Arc::new(found)));
        }
    }
    let mut found: Option<(BooleanArray, bool)> = None;
    for item in list {
        let equal = compare(value, item, Order::Equal)?;
        let is_scalar = equal.as_scalar().is_some();
        let truth = equal.inner().as_boolean();
        found = Some(match found {
            None => (truth.clone(), is_scalar),
            Some((so_far, was_scalar)) if was_scalar == is_scalar => (or_kleene(&so_far, truth)?, is_scalar),
            Some((so_far, was_scalar)) => {
                let wide = |truth: &BooleanArray, is_scalar: bool| -> Result<ArrayRef, EvaluationError> {
                    let array: ArrayRef = Arc::new(truth.clone());
                    Ok(if is_scalar { Columnar::Scalar(array).to_array(call.rows)? } else { array })
                };
                let (a, b) = (wide(&so_far, was_scalar)?, wide(truth, is_scalar)?);
                (or_kleene(a.as_boolean(), b.as_boolean())?, false)
            }
        });
    }
    let (found, _) = found.ok_or_else(|| EvaluationError("IN needs a list".to_owned()))?;
    let all: Vec<&Columnar> = call.arguments.iter().collect();
    Ok(like(&all, Arc::new(found)))
}

/// Looks integers and texts up in a set; `None` for other types.
fn in_set(values: &ArrayRef, items: &[&dyn Array]) -> Result<Option<BooleanArray>, EvaluationError> {
    let list = arrow_select::concat::concat(items)?;
    let has_null = list.null_count() > 0;
    macro_rules! integers {
        ($type:ty) => {{
            let set: HashSet<_> = list.as_primitive::<$type>().iter().flatten().collect();
            let values = values.as_primitive::<$type>();
            values.iter().map(|value| value.and_then(|value| answer(set.contains(&value), has_null))).collect()
        }};
    }
    Ok(Some(match values.data_type() {
        Arrow::Int8 => integers!(arrow_array::types::Int8Type),
        Arrow::Int16 => integers!(arrow_array::types::Int16Type),
        Arrow::Int32 => integers!(arrow_array::types::Int32Type),
        Arrow::Int64 => integers!(arrow_array::types::Int64Type),
        Arrow::Utf8 => {
            let texts: &StringArray = list.as_string();
            let set: HashSet<&str> = texts.iter().flatten().collect();
            let values: &StringArray = values.as_string();
            values.iter().map(|value| value.and_then(|value| answer(set.contains(value), has_null))).collect()
        }
        _ => return Ok(None),
    }))
}

/// What is not found in a list with NULL may be equal to it.
fn answer(found: bool, has_null: bool) -> Option<bool> {
    (found || !has_null).then_some(found)
}
