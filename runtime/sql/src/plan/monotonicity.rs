//! How the values of a changing row move, as Flink's `FlinkRelMdModifiedMonotonicity` derives it: a count only grows.
//!
//! Invariant: what is answered holds for every change of a row to its next version; `None` where rows may be deleted.

use super::{AggregateCall, NodeKind, PlanNode, changelog::changelog_mode};
use arrow_array::Array;
use millrace_functions::{Expr, cast, coercion};

/// How a column moves from one version of a row to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Monotonicity {
    /// It stays.
    Constant,
    /// It grows, or stays.
    Increasing,
    /// It falls, or stays.
    Decreasing,
    /// It may do anything.
    None,
}

/// How each column of `node` moves.
pub fn of(node: &PlanNode) -> Option<Vec<Monotonicity>> {
    use Monotonicity::{Constant, None as Anything};
    let width = node.columns.len();
    let mode = changelog_mode(node);
    if mode.is_insert_only() {
        return Some(vec![Constant; width]);
    }
    if mode.deletes {
        return None;
    }
    match &node.kind {
        NodeKind::GroupAggregate { input, keys, calls, .. } => {
            let below = of(input)?;
            if keys.iter().any(|&k| below[k] != Constant) {
                return None;
            }
            let over_updates = !changelog_mode(input).is_insert_only();
            let of_call = |call: &AggregateCall| match (aggregate(call, input), call.arguments.as_slice()) {
                (found, _) if !over_updates || call.function.name() == "COUNT" => found,
                (found, [argument]) if below[*argument] == found => found,
                _ => Anything,
            };
            Some(keys.iter().map(|_| Constant).chain(calls.iter().map(of_call)).collect())
        }
        NodeKind::Calc { input, predicate, projection } => {
            let below = of(input)?;
            // A row may come to pass the filter or leave it, so its versions are told from those before.
            if predicate.is_some() {
                return None;
            }
            Some(projection.iter().map(|e| column_of(e).map_or(Anything, |column| below[column])).collect())
        }
        NodeKind::Deduplicate(deduplicate) => {
            Some((0..width).map(|i| if deduplicate.keys.contains(&i) { Constant } else { Anything }).collect())
        }
        _ => Some(vec![Anything; width]),
    }
}

fn aggregate(call: &AggregateCall, input: &PlanNode) -> Monotonicity {
    match (call.function.name(), call.arguments.as_slice()) {
        ("COUNT", _) | ("MAX", [_]) => Monotonicity::Increasing,
        ("MIN", [_]) => Monotonicity::Decreasing,
        ("SUM", [argument]) if is_never_negative(*argument, input) => Monotonicity::Increasing,
        _ => Monotonicity::None,
    }
}

/// Whether a filter below leaves out the rows in which a column is less than zero, or it is such a constant.
fn is_never_negative(column: usize, input: &PlanNode) -> bool {
    let NodeKind::Calc { predicate, projection, .. } = &input.kind else { return false };
    let Some(expr) = projection.get(column) else { return false };
    if is_at_least_zero(expr) {
        return true;
    }
    let Some(wanted) = column_of(expr) else { return false };
    let conditions: &[Expr] = match predicate {
        Some(Expr::And(parts)) => parts,
        Some(single) => std::slice::from_ref(single),
        None => return false,
    };
    conditions.iter().any(|condition| match condition {
        Expr::Call { function, arguments, .. } => match (function.name(), arguments.as_slice()) {
            (">" | ">=" | "=", [left, right]) => column_of(left) == Some(wanted) && is_at_least_zero(right),
            ("<" | "<=", [left, right]) => column_of(right) == Some(wanted) && is_at_least_zero(left),
            _ => false,
        },
        _ => false,
    })
}

fn is_at_least_zero(expr: &Expr) -> bool {
    match expr {
        Expr::Literal { value, typed, is_symbol: false }
            if value.len() == 1 && value.is_valid(0) && coercion::is_numeric(&typed.data_type) =>
        {
            let text = cast::to_text(value, &typed.data_type, &Default::default());
            text.is_ok_and(|t| t.len() == 1 && !t.value(0).starts_with('-'))
        }
        Expr::Cast { value, .. } => is_at_least_zero(value),
        _ => false,
    }
}

fn column_of(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Column { index, .. } => Some(*index),
        Expr::Cast { value, is_try: false, .. } => column_of(value),
        _ => None,
    }
}
