//! Aggregates of rows that already lie in windows: `GROUP BY window_start, window_end` over a window function.
//!
//! Where nothing before the aggregate looks at the bounds, the windows are found anew from the time, so that slices are shared
//! and nothing is repeated per window; else by the bounds that the rows carry.

use super::{
    aggregate::Before,
    calc,
    grouping::{GroupKey, Grouping, form},
    window::window_columns,
};
use crate::plan::{NodeKind, PlanColumn, PlanNode, WindowBound, WindowKind, WindowPart, WindowSpec, WindowStrategy};
use millrace_functions::Expr;

/// The window that the rows already lie in, when GROUP BY names its start and end.
pub(super) struct AttachedWindow {
    pub part: WindowPart,
    start: usize,
    end: usize,
    pub id: usize,
}

fn window_part<'c>(key: &GroupKey, input: &'c PlanNode) -> Option<(usize, &'c WindowPart)> {
    match &key.expr {
        Expr::Column { index, .. } => input.columns[*index].window.as_ref().map(|part| (*index, part)),
        _ => None,
    }
}

pub(super) fn attached_window(grouping: &Grouping, input: &PlanNode) -> Option<AttachedWindow> {
    let parts: Vec<(usize, &WindowPart)> = grouping.keys.iter().filter_map(|k| window_part(k, input)).collect();
    let (start, part) = parts.iter().find(|(_, p)| p.bound == WindowBound::Start)?;
    let (end, _) = parts.iter().find(|(_, p)| p.bound == WindowBound::End && p.id == part.id)?;
    // A window must be in every grouping set, or the groups are not bounded by it.
    let position = |index: usize| grouping.keys.iter().position(|k| matches!(&k.expr, Expr::Column { index: i, .. } if *i == index));
    let (start_key, end_key) = (position(*start)?, position(*end)?);
    let everywhere = grouping.sets.iter().all(|set| set.contains(&start_key) && set.contains(&end_key));
    // Rows of one session have the same keys only where these are the keys that the sessions were made by.
    let is_session = matches!(part.kind, WindowKind::Session { .. });
    if is_session && !groups_sessions(grouping, input, part.id) {
        return None;
    }
    everywhere.then_some(AttachedWindow { part: **part, start: *start, end: *end, id: part.id })
}

/// Whether the groups are the sessions themselves: exactly the keys of their PARTITION BY.
fn groups_sessions(grouping: &Grouping, input: &PlanNode, id: usize) -> bool {
    let Some((partition, origins)) = session_keys(input) else {
        return false;
    };
    let own = grouping.keys.iter().filter(|k| window_part(k, input).is_none_or(|(_, part)| part.id != id));
    let origin = |key: &GroupKey| match &key.expr {
        Expr::Column { index, .. } => origins[*index],
        _ => None,
    };
    let keys: Option<std::collections::BTreeSet<usize>> = own.map(origin).collect();
    !grouping.has_sets() && keys.is_some_and(|keys| keys == partition.iter().copied().collect())
}

/// The keys of the session window below, and for each column of `node` the key that it is.
fn session_keys(node: &PlanNode) -> Option<(Vec<usize>, Vec<Option<usize>>)> {
    match &node.kind {
        NodeKind::WindowTable { window, .. } => {
            let keys = window.partition_keys.clone();
            let origins = (0..node.columns.len()).map(|i| keys.contains(&i).then_some(i)).collect();
            Some((keys, origins))
        }
        NodeKind::Calc { input, projection, .. } => {
            let (keys, below) = session_keys(input)?;
            let origin = |e: &Expr| match e {
                Expr::Column { index, .. } => below[*index],
                _ => None,
            };
            Some((keys, projection.iter().map(origin).collect()))
        }
        _ => None,
    }
}

/// Takes the window's bounds out of the keys.
pub(super) fn take_window_keys(grouping: &mut Grouping, input: &PlanNode, id: usize) -> Vec<(GroupKey, WindowPart)> {
    let mut taken = Vec::new();
    let mut kept = Vec::new();
    let mut moved = Vec::new();
    for key in std::mem::take(&mut grouping.keys) {
        match window_part(&key, input).map(|(_, part)| *part).filter(|part| part.id == id) {
            Some(part) => {
                moved.push(None);
                taken.push((key, part));
            }
            None => {
                moved.push(Some(kept.len()));
                kept.push(key);
            }
        }
    }
    for set in &mut grouping.sets {
        *set = set.iter().filter_map(|&position| moved[position]).collect();
    }
    grouping.keys = kept;
    taken
}

/// Chooses between finding the windows anew from the time attribute (slices are shared, nothing is repeated per window)
/// and the bounds that the rows carry.
pub(super) fn attach(
    input: PlanNode,
    attached: AttachedWindow,
    before: &mut Before,
    has_sets: bool,
    keys: &[usize],
) -> (PlanNode, Option<WindowStrategy>) {
    if let Some(spec) = pulled_up(&input, before, has_sets, keys) {
        let (below, projection) = without_window_table(input);
        for expr in &mut before.projection {
            let taken = std::mem::replace(expr, Expr::And(Vec::new()));
            *expr = match &projection {
                Some((_, inner)) => super::substitute(taken, inner),
                None => taken,
            };
        }
        let time = Expr::column(spec.time_column, below.columns[spec.time_column].typed.clone());
        let below = match projection {
            Some((Some(predicate), _)) => {
                let (columns, all) = (below.columns.clone(), super::all_columns(&below));
                calc(below, Some(predicate), all, columns)
            }
            _ => below,
        };
        before.projection.push(time);
        before.forms.push(String::from("the time attribute"));
        let time_column = before.projection.len() - 1;
        let partition_keys = Vec::new();
        return (below, Some(WindowStrategy::Time(WindowSpec { time_column, partition_keys, ..spec })));
    }
    let column = |index: usize| Expr::column(index, input.columns[index].typed.clone());
    let strategy = WindowStrategy::Attached {
        start_column: before.column(&column(attached.start)),
        end_column: before.column(&column(attached.end)),
        kind: attached.part.kind,
        is_processing_time: attached.part.is_processing_time,
        is_local_zone: attached.part.is_local_zone,
    };
    (input, Some(strategy))
}

/// The window function right below (perhaps under a calc), if nothing before the aggregate looks at its bounds.
fn pulled_up(input: &PlanNode, before: &Before, has_sets: bool, keys: &[usize]) -> Option<WindowSpec> {
    let (table, projection, predicate) = match &input.kind {
        NodeKind::WindowTable { .. } => (input, None, None),
        NodeKind::Calc { input, projection, predicate } => (input.as_ref(), Some(projection), predicate.as_ref()),
        _ => return None,
    };
    let NodeKind::WindowTable { input: below, window } = &table.kind else {
        return None;
    };
    let width = below.columns.len();
    let looks_at_bounds = |expr: &Expr| {
        let mut used = std::collections::BTreeSet::new();
        expr.columns(&mut used);
        used.iter().any(|&i| i >= width)
    };
    if projection.is_some_and(|projection| !super::may_merge(before.projection.iter(), projection)) {
        return None;
    }
    let resolved: Vec<Expr> = match projection {
        Some(projection) => before.projection.iter().map(|e| super::substitute(e.clone(), projection)).collect(),
        None => before.projection.clone(),
    };
    if resolved.iter().any(looks_at_bounds) || predicate.is_some_and(looks_at_bounds) {
        return None;
    }
    match window.kind {
        // Slices of a hop need the slide to divide the size.
        WindowKind::Hop { size_ms, slide_ms, .. } if size_ms % slide_ms != 0 => None,
        WindowKind::Session { .. } => {
            // Sessions of the window function are per partition key: groups must be the same keys.
            let mut group: Vec<String> = keys.iter().map(|&k| form(&resolved[k])).collect();
            let column = |&index: &usize| form(&Expr::column(index, below.columns[index].typed.clone()));
            let mut partition: Vec<String> = window.partition_keys.iter().map(column).collect();
            group.sort();
            partition.sort();
            (!has_sets && group == partition).then(|| window.clone())
        }
        _ => Some(window.clone()),
    }
}

type Projection = (Option<Expr>, Vec<Expr>);

fn without_window_table(input: PlanNode) -> (PlanNode, Option<Projection>) {
    match input.kind {
        NodeKind::WindowTable { input, .. } => (*input, None),
        NodeKind::Calc { input, predicate, projection } => (without_window_table(*input).0, Some((predicate, projection))),
        other => (PlanNode { kind: other, columns: input.columns }, None),
    }
}

pub(super) fn strategy_columns(strategy: &WindowStrategy, id: usize, input: &[PlanColumn]) -> [PlanColumn; 3] {
    match strategy {
        WindowStrategy::Time(spec) => window_columns(spec, id, &input[spec.time_column].lineage),
        WindowStrategy::Attached { end_column, kind, is_processing_time, is_local_zone, .. } => {
            let spec = WindowSpec {
                kind: *kind,
                time_column: *end_column,
                is_processing_time: *is_processing_time,
                is_local_zone: *is_local_zone,
                partition_keys: Vec::new(),
            };
            window_columns(&spec, id, &input[*end_column].lineage)
        }
    }
}
