//! Aggregates over rows that can be seen not to be there: as in Flink they are one constant row, where a stream of nothing would
//! never give one.

use super::{NodeKind, PlanNode};
use crate::bind::literal;
use arrow_array::{
    Array, ArrayRef,
    cast::AsArray,
    new_null_array,
    types::{Int8Type, Int16Type, Int32Type, Int64Type},
};
use millrace_functions::Expr;
use std::collections::{BTreeMap, HashSet};

/// The same plan with the rows of such aggregates.
pub(super) fn without_empty(mut node: PlanNode) -> PlanNode {
    for input in node.inputs_mut() {
        let placeholder = PlanNode { kind: NodeKind::Values { rows: Vec::new() }, columns: Vec::new() };
        let taken = std::mem::replace(input, placeholder);
        *input = without_empty(taken);
    }
    if let NodeKind::GroupAggregate { input, keys, calls, .. } = &node.kind
        && keys.is_empty()
        && !calls.is_empty()
        && is_empty(input)
    {
        let row: Option<Vec<Expr>> = calls.iter().zip(&node.columns).map(|(call, column)| of_nothing(call, column)).collect();
        if let Some(row) = row {
            return PlanNode { kind: NodeKind::Values { rows: vec![row] }, columns: node.columns };
        }
    }
    node
}

/// What an aggregate is of no rows; `None` where only the function knows.
fn of_nothing(call: &super::AggregateCall, column: &super::PlanColumn) -> Option<Expr> {
    if call.function.name() == "COUNT" {
        return Some(literal::bigint(0));
    }
    let data_type = &column.typed.data_type;
    let is_null = call.function.is_null_when_empty() && column.typed.nullable;
    is_null.then(|| literal::constant(new_null_array(&data_type.to_arrow(), 1), data_type.clone(), true))
}

/// Whether no row can come, as far as conditions and constants say.
fn is_empty(node: &PlanNode) -> bool {
    match &node.kind {
        NodeKind::Values { rows } => rows.is_empty(),
        NodeKind::Calc { input, predicate, .. } => predicate.as_ref().is_some_and(is_never_true) || is_empty(input),
        NodeKind::ChangelogNormalize { input, filter, .. } => filter.as_ref().is_some_and(is_never_true) || is_empty(input),
        NodeKind::Union { inputs } => inputs.iter().all(is_empty),
        NodeKind::Expand { input, .. } | NodeKind::Correlate { input, .. } => is_empty(input),
        NodeKind::GroupAggregate { input, keys, .. } => !keys.is_empty() && is_empty(input),
        _ => false,
    }
}

/// Whether a condition cannot be TRUE.
fn is_never_true(condition: &Expr) -> bool {
    match condition {
        Expr::Literal { value, .. } => {
            value.logical_null_count() == value.len() || value.as_boolean_opt().is_some_and(|value| value.true_count() == 0)
        }
        Expr::And(parts) => parts.iter().any(is_never_true) || contradict(parts),
        Expr::Or(parts) => parts.iter().all(is_never_true),
        Expr::Call { function, arguments, .. } => match function.name() {
            "=" | "<>" | "<" | "<=" | ">" | ">=" => arguments.iter().any(is_null),
            "IS NULL" => arguments.iter().all(|argument| !argument.typed().nullable),
            _ => false,
        },
        _ => false,
    }
}

fn is_null(expr: &Expr) -> bool {
    expr.literal().is_some_and(|value| value.logical_null_count() == value.len())
}

/// Whether two parts cannot both be TRUE: a value between bounds that leave nothing, or one that is NULL and is not.
fn contradict(parts: &[Expr]) -> bool {
    let (mut nulls, mut others) = (HashSet::new(), HashSet::new());
    let mut bounds: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for part in parts {
        let Expr::Call { function, arguments, .. } = part else { continue };
        match (function.name(), arguments.as_slice()) {
            ("IS NULL", [value]) => drop(nulls.insert(format!("{value:?}"))),
            ("IS NOT NULL", [value]) => drop(others.insert(format!("{value:?}"))),
            (sign, [left, right]) => {
                let (value, sign, bound) = match (whole(left), whole(right)) {
                    (None, Some(bound)) => (left, sign, bound),
                    (Some(bound), None) => (right, turned(sign), bound),
                    _ => continue,
                };
                let (least, most) = match sign {
                    "=" => (bound, bound),
                    "<" => (i64::MIN, bound.saturating_sub(1)),
                    "<=" => (i64::MIN, bound),
                    ">" => (bound.saturating_add(1), i64::MAX),
                    ">=" => (bound, i64::MAX),
                    _ => continue,
                };
                // Between two whole numbers there may be others, but not of whole numbers.
                if !millrace_functions::coercion::is_integer(&value.typed().data_type) || !value.is_deterministic() {
                    continue;
                }
                let known = bounds.entry(format!("{value:?}")).or_insert((i64::MIN, i64::MAX));
                *known = (known.0.max(least), known.1.min(most));
            }
            _ => {}
        }
    }
    bounds.values().any(|(least, most)| least > most) || nulls.iter().any(|value| others.contains(value))
}

/// The same comparison with its sides exchanged.
fn turned(sign: &str) -> &str {
    match sign {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        other => other,
    }
}

/// A whole constant.
fn whole(expr: &Expr) -> Option<i64> {
    let value: &ArrayRef = expr.literal().filter(|value| value.len() == 1 && value.is_valid(0))?;
    if let Some(value) = value.as_primitive_opt::<Int32Type>() {
        return Some(i64::from(value.value(0)));
    }
    if let Some(value) = value.as_primitive_opt::<Int64Type>() {
        return Some(value.value(0));
    }
    if let Some(value) = value.as_primitive_opt::<Int16Type>() {
        return Some(i64::from(value.value(0)));
    }
    value.as_primitive_opt::<Int8Type>().map(|value| i64::from(value.value(0)))
}
