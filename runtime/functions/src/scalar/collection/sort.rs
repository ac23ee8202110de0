//! The order of an array's elements.

use super::{
    any_nullable, element_of,
    elements::Elements,
    lists::{ListWriter, Lists, NOTHING, Place, gather},
};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    scalar::{
        Builtin, Call,
        columns::{booleans, columnar, extent},
        signature::refused,
    },
};
use arrow_array::Array;
use millrace_model::DataType;
use std::cmp::Ordering;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "ARRAY_SORT", resolve: resolve_sort, evaluate: sort, deterministic: true },
    Builtin {
        name: "ARRAY_MAX",
        resolve: |a| resolve_extreme("ARRAY_MAX", a),
        evaluate: |c| extreme(c, Ordering::Greater),
        deterministic: true,
    },
    Builtin {
        name: "ARRAY_MIN",
        resolve: |a| resolve_extreme("ARRAY_MIN", a),
        evaluate: |c| extreme(c, Ordering::Less),
        deterministic: true,
    },
];

/// Whether elements have an order.
fn is_ordered(data_type: &DataType) -> bool {
    use DataType as D;
    !matches!(data_type, D::Boolean | D::Array(_) | D::Map(..) | D::Multiset(_) | D::Row(_) | D::Null)
}

fn resolve_sort(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let is_boolean = |a: &Argument<'_>| matches!(a.typed.data_type, DataType::Boolean | DataType::Null) && a.symbol.is_none();
    let takes = element_of(arguments.first()).is_some_and(|e| is_ordered(&e.data_type))
        && arguments.len() <= 3
        && arguments[1..].iter().all(is_boolean);
    if !takes {
        return Err(refused("ARRAY_SORT", arguments, "ARRAY of values that have an order, [BOOLEAN], [BOOLEAN]"));
    }
    let mut casts = vec![arguments[0].typed.data_type.clone()];
    casts.resize(arguments.len(), DataType::Boolean);
    Ok(Resolution { arguments: casts, result: Typed::new(arguments[0].typed.data_type.clone(), any_nullable(arguments)) })
}

/// Ascending with NULL first, descending with NULL last, unless NULL is told where to go.
fn sort(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let lists = Lists::of(call, 0)?;
    let flag = |index| (call.arguments.len() > index).then(|| booleans(call, index)).transpose();
    let (ascending, nulls_first) = (flag(1)?, flag(2)?);
    let elements = Elements::new(&[lists.elements()])?;
    let (rows, is_scalar) = extent(call);
    let mut writer = ListWriter::new(rows);
    for row in 0..rows {
        let ascending = ascending.as_ref().map_or(Some(true), |a| a.get(row));
        let nulls_first = nulls_first.as_ref().map_or(ascending, |n| n.get(row));
        let (Some(range), Some(ascending), Some(nulls_first)) = (lists.get(row), ascending, nulls_first) else {
            writer.null()?;
            continue;
        };
        let (nulls, mut values): (Vec<usize>, Vec<usize>) = range.partition(|&at| lists.elements().is_null(at));
        values.sort_by(|&a, &b| {
            let order = elements.get(0, a).cmp(&elements.get(0, b));
            if ascending { order } else { order.reverse() }
        });
        if nulls_first {
            writer.extend(1, nulls.iter().copied());
        }
        writer.extend(1, values);
        if !nulls_first {
            writer.extend(1, nulls);
        }
        writer.end()?;
    }
    writer.finish(call, &[lists.elements()], is_scalar)
}

fn resolve_extreme(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    match (arguments, element_of(arguments.first())) {
        ([array], Some(element)) if is_ordered(&element.data_type) => {
            Ok(Resolution { arguments: vec![array.typed.data_type.clone()], result: Typed::nullable(element.data_type.clone()) })
        }
        _ => Err(refused(name, arguments, "ARRAY of values that have an order")),
    }
}

/// The first element that no later one is beyond. `NaN` is beyond nothing, and nothing is beyond it.
fn extreme(call: &Call<'_>, beyond: Ordering) -> Result<Columnar, EvaluationError> {
    let lists = Lists::of(call, 0)?;
    let elements = Elements::new(&[lists.elements()])?;
    let (rows, is_scalar) = extent(call);
    let places: Vec<Place> = (0..rows)
        .map(|row| {
            let values = lists.get(row).into_iter().flatten().filter(|&at| lists.elements().is_valid(at));
            let best = values.reduce(|best, at| {
                let is_beyond = elements.get(0, at).cmp(&elements.get(0, best)) == beyond;
                if is_beyond && !elements.is_nan(0, at) && !elements.is_nan(0, best) { at } else { best }
            });
            best.map_or(NOTHING, |at| (1, at))
        })
        .collect();
    gather(&[lists.elements()], &places, lists.elements().data_type()).map(|array| columnar(array, is_scalar))
}
