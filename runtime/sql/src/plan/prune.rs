//! Drops columns that nothing reads, down to the scans: a source decodes only what the query needs.

use super::{AggregateCall, Correlation, NodeKind, PlanNode, WindowStrategy, match_recognize};
use millrace_functions::Expr;
use std::collections::BTreeSet;

/// The same plan without unread columns; its own output stays as it is.
pub fn prune(node: PlanNode) -> PlanNode {
    let all = (0..node.columns.len()).collect();
    exact(node, &all)
}

/// Where each old column went; `None` if it is gone.
pub(super) type Moved = Vec<Option<usize>>;

/// Exactly the columns of `required`, in order.
pub(super) fn exact(node: PlanNode, required: &BTreeSet<usize>) -> PlanNode {
    let (node, moved) = narrow(node, required);
    if required.iter().enumerate().all(|(new, &old)| moved[old] == Some(new)) && node.columns.len() == required.len() {
        return node;
    }
    let kept: Vec<usize> = required.iter().filter_map(|&old| moved[old]).collect();
    let projection = kept.iter().map(|&i| Expr::column(i, node.columns[i].typed.clone())).collect();
    let columns = kept.iter().map(|&i| node.columns[i].clone()).collect();
    PlanNode { kind: NodeKind::Calc { input: Box::new(node), predicate: None, projection }, columns }
}

/// At least the columns of `required`, in their old order.
pub(super) fn narrow(node: PlanNode, required: &BTreeSet<usize>) -> (PlanNode, Moved) {
    let PlanNode { kind, columns } = node;
    let width = columns.len();
    // Rows are counted by their columns: one must stay.
    let one = BTreeSet::from([0]);
    let required = if required.is_empty() && width > 0 { &one } else { required };
    match kind {
        NodeKind::Scan(mut scan) => {
            let mut kept = required.clone();
            if let Some(watermark) = &scan.watermark {
                watermark.columns(&mut kept);
            }
            let moved = moved(width, &kept);
            scan.physical = pick(scan.physical, &kept);
            scan.watermark = scan.watermark.map(|w| relocate(w, &moved));
            (PlanNode { kind: NodeKind::Scan(scan), columns: pick(columns, &kept) }, moved)
        }
        NodeKind::ChangelogNormalize { input, keys, filter, state_ttl_ms } => {
            // Equal rows are no change, so only what is read later may make a difference.
            let mut kept = required.clone();
            kept.extend(&keys);
            filter.iter().for_each(|f| f.columns(&mut kept));
            let input = Box::new(exact(*input, &kept));
            let moved = moved(width, &kept);
            let keys = keys.into_iter().filter_map(|k| moved[k]).collect();
            let filter = filter.map(|f| relocate(f, &moved));
            let kind = NodeKind::ChangelogNormalize { input, keys, filter, state_ttl_ms };
            (PlanNode { kind, columns: pick(columns, &kept) }, moved)
        }
        NodeKind::Values { rows } => {
            let rows = rows.into_iter().map(|row| pick(row, required)).collect();
            (PlanNode { kind: NodeKind::Values { rows }, columns: pick(columns, required) }, moved(width, required))
        }
        NodeKind::Calc { input, predicate, projection } => {
            let projection = pick(projection, required);
            let mut used = BTreeSet::new();
            projection.iter().chain(&predicate).for_each(|e| e.columns(&mut used));
            let (input, below) = narrow(*input, &used);
            let projection = projection.into_iter().map(|e| relocate(e, &below)).collect();
            let predicate = predicate.map(|p| relocate(p, &below));
            let kind = NodeKind::Calc { input: Box::new(input), predicate, projection };
            (PlanNode { kind, columns: pick(columns, required) }, moved(width, required))
        }
        NodeKind::Join(join) => join.narrowed(columns, required),
        NodeKind::WindowJoin(join) => join.narrowed(columns, required),
        NodeKind::Union { inputs } => {
            let kept = required.clone();
            let inputs = inputs.into_iter().map(|input| exact(input, &kept)).collect();
            let moved = moved(width, &kept);
            (PlanNode { kind: NodeKind::Union { inputs }, columns: pick(columns, &kept) }, moved)
        }
        NodeKind::Expand { input, keys, sets } => {
            let mut used: BTreeSet<usize> = required.iter().copied().filter(|&i| i < input.columns.len()).collect();
            used.extend(&keys);
            let (before, (input, below)) = (input.columns.len(), narrow(*input, &used));
            let keys = keys.iter().filter_map(|&k| below[k]).collect();
            let (columns, moved) = appended(columns, &below, before, &input);
            (PlanNode { kind: NodeKind::Expand { input: Box::new(input), keys, sets }, columns }, moved)
        }
        NodeKind::WindowTable { input, mut window } => {
            let mut used: BTreeSet<usize> = required.iter().copied().filter(|&i| i < input.columns.len()).collect();
            used.insert(window.time_column);
            used.extend(&window.partition_keys);
            let (before, (input, below)) = (input.columns.len(), narrow(*input, &used));
            window.time_column = below[window.time_column].unwrap_or_default();
            window.partition_keys = window.partition_keys.iter().filter_map(|&k| below[k]).collect();
            let (columns, moved) = appended(columns, &below, before, &input);
            (PlanNode { kind: NodeKind::WindowTable { input: Box::new(input), window }, columns }, moved)
        }
        NodeKind::WindowAggregate { input, mut strategy, is_group_window, emit, keys, calls } => {
            let mut used = aggregate_columns(&keys, &calls);
            match &strategy {
                WindowStrategy::Time(spec) => drop(used.insert(spec.time_column)),
                WindowStrategy::Attached { start_column, end_column, .. } => used.extend([*start_column, *end_column]),
            }
            let (input, below) = narrow(*input, &used);
            match &mut strategy {
                WindowStrategy::Time(spec) => spec.time_column = below[spec.time_column].unwrap_or_default(),
                WindowStrategy::Attached { start_column, end_column, .. } => {
                    *start_column = below[*start_column].unwrap_or_default();
                    *end_column = below[*end_column].unwrap_or_default();
                }
            }
            let (keys, calls) = relocate_aggregate(keys, calls, &below);
            let kind = NodeKind::WindowAggregate { input: Box::new(input), strategy, is_group_window, emit, keys, calls };
            (PlanNode { kind, columns }, (0..width).map(Some).collect())
        }
        NodeKind::MatchRecognize(node) => {
            let (node, kept) = match_recognize::narrowed(*node, columns, required, narrow);
            (node, moved(width, &kept))
        }
        NodeKind::GroupAggregate { input, keys, calls, state_ttl_ms, mini_batch, span } => {
            let (input, below) = narrow(*input, &aggregate_columns(&keys, &calls));
            let (keys, calls) = relocate_aggregate(keys, calls, &below);
            let kind = NodeKind::GroupAggregate { input: Box::new(input), keys, calls, state_ttl_ms, mini_batch, span };
            (PlanNode { kind, columns }, (0..width).map(Some).collect())
        }
        NodeKind::Over(over) => over.narrowed(columns, required),
        NodeKind::Rank(rank) => rank.narrowed(columns, required),
        NodeKind::Deduplicate(deduplicate) => deduplicate.narrowed(columns, required),
        NodeKind::WindowRank(rank) => rank.narrowed(columns, required),
        NodeKind::TemporalSort(sort) => sort.narrowed(columns, required),
        NodeKind::Correlate { input, function, is_left } => {
            let mut used: BTreeSet<usize> = required.iter().copied().filter(|&i| i < input.columns.len()).collect();
            match &function {
                Correlation::Unnest { collection, .. } => collection.columns(&mut used),
                Correlation::Function { arguments, .. } => arguments.iter().for_each(|a| a.columns(&mut used)),
            }
            let (before, (input, below)) = (input.columns.len(), narrow(*input, &used));
            let function = match function {
                Correlation::Unnest { collection, with_ordinality, flatten } => {
                    Correlation::Unnest { collection: relocate(collection, &below), with_ordinality, flatten }
                }
                Correlation::Function { function, arguments } => {
                    Correlation::Function { function, arguments: arguments.into_iter().map(|a| relocate(a, &below)).collect() }
                }
            };
            let (columns, moved) = appended(columns, &below, before, &input);
            (PlanNode { kind: NodeKind::Correlate { input: Box::new(input), function, is_left }, columns }, moved)
        }
        NodeKind::LookupJoin(join) => join.narrowed(columns, required, narrow),
        NodeKind::IntervalJoin(join) => join.narrowed(columns, required, exact),
        NodeKind::TemporalJoin(join) => join.narrowed(columns, required, exact),
    }
}

fn aggregate_columns(keys: &[usize], calls: &[AggregateCall]) -> BTreeSet<usize> {
    let called = calls.iter().flat_map(|c| c.arguments.iter().chain(&c.filter));
    keys.iter().chain(called).copied().collect()
}

fn relocate_aggregate(keys: Vec<usize>, calls: Vec<AggregateCall>, moved: &Moved) -> (Vec<usize>, Vec<AggregateCall>) {
    let place = |i: usize| moved[i].unwrap_or_default();
    let call = |call: AggregateCall| AggregateCall {
        arguments: call.arguments.iter().map(|&a| place(a)).collect(),
        filter: call.filter.map(place),
        ..call
    };
    (keys.into_iter().map(place).collect(), calls.into_iter().map(call).collect())
}

/// Columns of a node that keeps its input's (`before` of them, now narrowed) and appends its own.
pub(super) fn appended(columns: Vec<super::PlanColumn>, below: &Moved, before: usize, input: &PlanNode) -> (Vec<super::PlanColumn>, Moved) {
    let mut moved = below.clone();
    let now = input.columns.len();
    moved.extend((0..columns.len() - before).map(|i| Some(now + i)));
    let mut kept: Vec<(usize, super::PlanColumn)> =
        columns.into_iter().enumerate().filter_map(|(old, column)| Some((moved[old]?, column))).collect();
    kept.sort_by_key(|(new, _)| *new);
    (kept.into_iter().map(|(_, column)| column).collect(), moved)
}

pub(super) fn moved(width: usize, kept: &BTreeSet<usize>) -> Moved {
    let mut moved = vec![None; width];
    kept.iter().enumerate().for_each(|(new, &old)| moved[old] = Some(new));
    moved
}

pub(super) fn pick<T>(all: Vec<T>, kept: &BTreeSet<usize>) -> Vec<T> {
    all.into_iter().enumerate().filter(|(i, _)| kept.contains(i)).map(|(_, item)| item).collect()
}

fn relocate(expr: Expr, moved: &Moved) -> Expr {
    expr.map_columns(&|i| moved[i].unwrap_or_default())
}
