//! Which columns tell the rows of a changing result apart, as Flink's `FlinkRelMdUpsertKeys` derives them: of all rows with
//! equal values in such columns at most one is valid at a time, and all changes to it carry these values.
//!
//! Invariant: what is answered is a key; that none is answered does not mean that there is none.

use super::{NodeKind, PlanNode, Scan};
use millrace_functions::{Expr, cast::CastTarget};
use millrace_model::DataType;
use std::collections::BTreeSet;

/// Positions of output columns that form a key together; empty for a result of at most one row.
pub type UpsertKey = BTreeSet<usize>;

/// Keys that are followed at most: a column that is projected twice doubles them.
const KEYS_MAX: usize = 16;

/// The keys of `node`'s output, shortest first.
pub fn upsert_keys(node: &PlanNode) -> Vec<UpsertKey> {
    let mut keys = match &node.kind {
        NodeKind::GroupAggregate { keys, .. } => vec![(0..keys.len()).collect()],
        NodeKind::ChangelogNormalize { keys, .. } => vec![keys.iter().copied().collect()],
        NodeKind::WindowAggregate { keys, calls, is_group_window, .. } => {
            let start = keys.len() + calls.len();
            let with = |bounds: &[usize]| (0..keys.len()).chain(bounds.iter().copied()).collect();
            match is_group_window {
                // Windows of one size: either bound tells them apart, and of the sessions of a key no two share one.
                true => vec![with(&[start]), with(&[start + 1])],
                false => vec![with(&[start, start + 1])],
            }
        }
        NodeKind::Over(over) => over.upsert_keys(),
        NodeKind::Calc { input, projection, .. } => projected(&upsert_keys(input), projection),
        NodeKind::Rank(rank) => rank.upsert_keys(),
        NodeKind::Deduplicate(deduplicate) => deduplicate.upsert_keys(),
        NodeKind::WindowRank(rank) => rank.upsert_keys(),
        NodeKind::Join(join) => join.upsert_keys(),
        NodeKind::LookupJoin(join) => join.upsert_keys(upsert_keys(&join.input)),
        NodeKind::TemporalJoin(join) => join.upsert_keys(),
        NodeKind::Scan(scan) => scan_key(scan).into_iter().collect(),
        NodeKind::IntervalJoin(_)
        | NodeKind::TemporalSort(_)
        | NodeKind::Values { .. }
        | NodeKind::Union { .. }
        | NodeKind::WindowJoin(_)
        | NodeKind::Expand { .. }
        | NodeKind::MatchRecognize(_)
        | NodeKind::WindowTable { .. }
        | NodeKind::Correlate { .. } => Vec::new(),
    };
    keys.sort_by_key(|key: &UpsertKey| (key.len(), key.clone()));
    keys.dedup();
    keys.truncate(KEYS_MAX);
    keys
}

/// The primary key of a table, when all its columns are read.
fn scan_key(scan: &Scan) -> Option<UpsertKey> {
    let place = |name: &String| scan.physical.iter().position(|c| !c.is_metadata && c.name == *name);
    scan.key.iter().map(place).collect::<Option<UpsertKey>>().filter(|key| !key.is_empty())
}

/// The keys behind a projection: every column of a key must be there, perhaps several times.
fn projected(below: &[UpsertKey], projection: &[Expr]) -> Vec<UpsertKey> {
    let mut keys = Vec::new();
    for key in below {
        let mut made: Vec<UpsertKey> = vec![UpsertKey::new()];
        for &column in key {
            let places: Vec<usize> =
                (projection.iter().enumerate()).filter(|(_, e)| kept_column(e) == Some(column)).map(|(place, _)| place).collect();
            let with = |key: &UpsertKey, place: usize| key.iter().copied().chain([place]).collect();
            made = made.iter().flat_map(|key| places.iter().map(|&place| with(key, place))).take(KEYS_MAX).collect();
        }
        keys.extend(made);
    }
    keys
}

/// The column that `expr` passes on such that different values stay different.
fn kept_column(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Column { index, .. } => Some(*index),
        Expr::Cast { value, target, is_try: false, .. } if is_injective(&value.typed().data_type, target) => kept_column(value),
        _ => None,
    }
}

/// Whether a cast makes different values of different values.
fn is_injective(from: &DataType, CastTarget { data_type: to, length, .. }: &CastTarget) -> bool {
    let width = |t: &DataType| match t {
        DataType::TinyInt => Some(1),
        DataType::SmallInt => Some(2),
        DataType::Int => Some(4),
        DataType::BigInt => Some(8),
        _ => None,
    };
    match (width(from), width(to)) {
        // A text of at most so many characters may be cut.
        _ if length.is_some() => false,
        (Some(from), Some(to)) => from <= to,
        (Some(_), None) => *to == DataType::String,
        _ => from == to || (*from == DataType::Date && *to == DataType::String),
    }
}
