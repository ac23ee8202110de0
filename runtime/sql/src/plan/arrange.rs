//! Arranges a join: what concerns one side goes to that side, equalities between both become keys.
//!
//! A filter over an outer join that no row with NULLs can pass makes the join an inner one on that side, as Calcite's
//! `RelOptUtil.simplifyJoin` does it: Flink's plan then sends no rows with NULLs that are taken back later.
//!
//! Invariant: the output columns keep their positions.

use super::{
    IntervalJoin, JoinKind, NodeKind, PlanColumn, PlanNode, TimeKind,
    filters::{conjunction, conjuncts, filtered},
    interval_join,
    join::{Join, JoinKey, join_columns},
    window_join,
};
use crate::bind::{all_columns, calc, literal};
use arrow_array::Float64Array;
use millrace_functions::{Expr, FunctionRegistry, Typed, cast::CastTarget, coercion, registry::Function};
use millrace_model::DataType;
use std::{collections::BTreeSet, sync::Arc};

/// The arranged join with the filters that it takes, and those that must stay above it.
pub(super) fn arranged(mut join: Join, columns: Vec<PlanColumn>, filters: Vec<Expr>) -> (PlanNode, Vec<Expr>) {
    let width = join.left.columns.len();
    join.kind = simplified(join.kind, &filters, width);
    let mut sides = [Vec::new(), Vec::new()];
    let (mut condition, mut above) = (Vec::new(), Vec::new());
    for filter in filters {
        match side_of(&filter, width) {
            // What is filtered out of a side that is kept would come back with NULLs for the other.
            Some(side) if filter.is_deterministic() && !join.kind.keeps(1 - side) => sides[side].push(filter),
            _ if join.kind == JoinKind::Inner => condition.push(filter),
            _ => above.push(filter),
        }
    }
    for part in join.condition.take().map(conjuncts).unwrap_or_default() {
        match side_of(&part, width) {
            // A kept row that fails its own part of the condition has no partner, but stays.
            Some(side) if part.is_deterministic() && !join.kind.keeps(side) && (side == 1 || join.kind != JoinKind::Anti) => {
                sides[side].push(part);
            }
            _ => condition.push(part),
        }
    }
    let [left_filters, right_filters] = sides;
    let right_filters = right_filters.into_iter().map(|f| f.map_columns(&|i| i - width)).collect();
    let mut left = filtered(*join.left, left_filters);
    let mut right = filtered(*join.right, right_filters);
    let bounds = interval_join::bounds(join.kind, &mut condition, &left, &right);
    let mut added = [Vec::new(), Vec::new()];
    let mut rest = Vec::new();
    for part in condition {
        match key_of(&part, width).filter(|key| bounds.is_none() || !key.matches_nulls) {
            Some(KeyParts { left: l, right: r, matches_nulls, is_exact }) => {
                if !is_exact {
                    rest.push(part);
                }
                let r = r.map_columns(&|i| i - width);
                let (left_column, right_column) = (key_column(l, &left, &mut added[0]), key_column(r, &right, &mut added[1]));
                let key = JoinKey { left: left_column, right: right_column, matches_nulls };
                if !join.keys.contains(&key) {
                    join.keys.push(key);
                }
            }
            None => rest.push(part),
        }
    }
    let [left_added, right_added] = added;
    let (left_more, right_more) = (left_added.len(), right_added.len());
    left = with_columns(left, left_added);
    right = with_columns(right, right_added);
    let moved = |i: usize| if i < width { i } else { i + left_more };
    join.condition = conjunction(rest).map(|c| c.map_columns(&moved));
    (join.left, join.right) = (Box::new(left), Box::new(right));
    let made = join_columns(&join.left, &join.right, join.kind);
    let node = match bounds {
        // Rows leave while their times are still to come for whoever is behind: they stay event times.
        Some(bounds) => PlanNode { columns: made, kind: NodeKind::IntervalJoin(IntervalJoin::of(join, bounds)) },
        None => unbounded(join, made),
    };
    let named = |i: usize, from: &PlanColumn| PlanColumn { name: from.name.clone(), ..node.columns[moved(i)].clone() };
    let columns: Vec<PlanColumn> = columns.iter().enumerate().map(|(i, c)| named(i, c)).collect();
    if left_more + right_more == 0 {
        return (PlanNode { columns, ..node }, above);
    }
    let projection = (0..columns.len()).map(|i| Expr::column(moved(i), columns[i].typed.clone())).collect();
    (PlanNode { kind: NodeKind::Calc { input: Box::new(node), predicate: None, projection }, columns }, above)
}

/// A join of rows of the same window, or of all rows.
fn unbounded(join: Join, made: Vec<PlanColumn>) -> PlanNode {
    match window_join::of(join) {
        Ok(join) => PlanNode { columns: join.columns(made), kind: NodeKind::WindowJoin(join) },
        Err(join) => {
            // The result of a regular join has no event time: rows come whenever their partner does.
            let joined = |t: TimeKind| matches!(t, TimeKind::Rowtime | TimeKind::JoinedRowtime).then_some(TimeKind::JoinedRowtime);
            let plain = |c: PlanColumn| PlanColumn { time: c.time.and_then(joined), window: None, ..c };
            PlanNode { columns: made.into_iter().map(plain).collect(), kind: NodeKind::Join(*join) }
        }
    }
}

/// The only side whose columns `expr` reads; `None` when it reads both or neither.
fn side_of(expr: &Expr, width: usize) -> Option<usize> {
    let mut used = BTreeSet::new();
    expr.columns(&mut used);
    match (used.iter().any(|&c| c < width), used.iter().any(|&c| c >= width)) {
        (true, false) => Some(0),
        (false, true) => Some(1),
        _ => None,
    }
}

struct KeyParts {
    left: Expr,
    right: Expr,
    matches_nulls: bool,
    /// Equal keys are all that it asks for.
    is_exact: bool,
}

/// An equality of one side with the other, in one type.
fn key_of(part: &Expr, width: usize) -> Option<KeyParts> {
    let Expr::Call { function, arguments, .. } = part else { return None };
    let matches_nulls = match function.name() {
        "=" => false,
        "IS NOT DISTINCT FROM" => true,
        _ => return None,
    };
    let [first, second] = arguments.as_slice() else { return None };
    if !part.is_deterministic() {
        return None;
    }
    let (left, right) = match (side_of(first, width)?, side_of(second, width)?) {
        (0, 1) => (first, second),
        (1, 0) => (second, first),
        _ => return None,
    };
    let (left_type, right_type) = (left.typed().data_type, right.typed().data_type);
    let common = coercion::common_type(&left_type, &right_type).filter(|t| !matches!(t, DataType::Map(..) | DataType::Multiset(_)))?;
    let (left, right) = (cast(left.clone(), &common), cast(right.clone(), &common));
    match common {
        // Both zeros are equal, and NaN is equal to nothing, though their bytes say otherwise.
        DataType::Float | DataType::Double => {
            Some(KeyParts { left: unsigned_zero(left)?, right: unsigned_zero(right)?, matches_nulls, is_exact: false })
        }
        // A ROW with a NULL in it is not NULL, but equal to nothing.
        DataType::Row(_) => Some(KeyParts { left, right, matches_nulls, is_exact: false }),
        _ => Some(KeyParts { left, right, matches_nulls, is_exact: true }),
    }
}

/// `value + 0.0`: makes -0.0 to 0.0.
fn unsigned_zero(value: Expr) -> Option<Expr> {
    let Some(Function::Scalar(plus)) = FunctionRegistry::builtin().get("+").cloned() else { return None };
    let value = cast(value, &DataType::Double);
    let typed = value.typed();
    let zero = literal::constant(Arc::new(Float64Array::from(vec![0.0])), DataType::Double, false);
    Some(Expr::Call { function: plus, arguments: vec![value, zero], typed })
}

/// The value with one zero instead of two, which are equal, in its own type.
pub(crate) fn one_zero(value: Expr) -> Expr {
    let data_type = value.typed().data_type;
    match data_type {
        DataType::Float | DataType::Double => unsigned_zero(value.clone()).map_or(value, |zero| cast(zero, &data_type)),
        _ => value,
    }
}

fn cast(value: Expr, to: &DataType) -> Expr {
    let from = value.typed();
    if from.data_type == *to {
        return value;
    }
    let typed = Typed::new(to.clone(), from.nullable);
    Expr::Cast { value: Box::new(value), target: CastTarget::from(to.clone()), is_try: false, typed }
}

/// The column that holds the key: one of the side's own, or one that is added.
fn key_column(key: Expr, side: &PlanNode, added: &mut Vec<Expr>) -> usize {
    if let Expr::Column { index, .. } = key {
        return index;
    }
    let position = added.iter().position(|a| a.is_same(&key)).unwrap_or_else(|| {
        added.push(key);
        added.len() - 1
    });
    side.columns.len() + position
}

fn with_columns(node: PlanNode, added: Vec<Expr>) -> PlanNode {
    if added.is_empty() {
        return node;
    }
    let mut columns = node.columns.clone();
    columns.extend(added.iter().enumerate().map(|(i, e)| PlanColumn::new(format!("$f{i}"), e.typed())));
    let projection = all_columns(&node).into_iter().chain(added).collect();
    calc(node, None, projection, columns)
}

/// The kind that the join is below these filters.
fn simplified(kind: JoinKind, filters: &[Expr], width: usize) -> JoinKind {
    let needs = |side: usize| filters.iter().any(|f| refuses_nulls(f, &|c| (c < width) == (side == 0)));
    match kind {
        JoinKind::Left if needs(1) => JoinKind::Inner,
        JoinKind::Right if needs(0) => JoinKind::Inner,
        JoinKind::Full => match (needs(0), needs(1)) {
            (true, true) => JoinKind::Inner,
            (true, false) => JoinKind::Left,
            (false, true) => JoinKind::Right,
            (false, false) => JoinKind::Full,
        },
        other => other,
    }
}

/// Functions that answer NULL when any argument is NULL.
const STRICT: &[&str] = &["=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "||", "LIKE", "SIMILAR TO", "UPPER", "LOWER", "NOT"];

/// Whether the condition cannot be TRUE when the columns that are `missing` are NULL.
fn refuses_nulls(condition: &Expr, missing: &impl Fn(usize) -> bool) -> bool {
    match condition {
        Expr::And(parts) => parts.iter().any(|p| refuses_nulls(p, missing)),
        Expr::Or(parts) => parts.iter().all(|p| refuses_nulls(p, missing)),
        Expr::Call { function, arguments, .. } => match (function.name(), arguments.as_slice()) {
            ("IS NOT NULL", [value]) => is_null(value, missing),
            ("IS TRUE", [value]) => refuses_nulls(value, missing),
            ("IN", [value, ..]) => is_null(value, missing),
            _ => is_null(condition, missing),
        },
        other => is_null(other, missing),
    }
}

/// Whether it is surely NULL when these columns are.
fn is_null(expr: &Expr, missing: &impl Fn(usize) -> bool) -> bool {
    match expr {
        Expr::Column { index, .. } => missing(*index),
        Expr::Cast { value, .. } => is_null(value, missing),
        Expr::Call { function, arguments, .. } if STRICT.contains(&function.name()) => arguments.iter().any(|a| is_null(a, missing)),
        _ => false,
    }
}
