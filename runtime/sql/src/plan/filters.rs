//! Filters go down to where they save most.
//!
//! Over normalised upserts they become part of the normalisation, as Flink's `PushCalcPastChangelogNormalizeRule` does it:
//! a row that no longer passes is a `-D` of the row that did, not a lost `+U` behind a stray `-U`. Over joins they go to the
//! side that they speak of ([`super::arrange`]).

use super::{NodeKind, PlanNode, arrange};
use crate::bind::{all_columns, calc, may_merge, substitute};
use millrace_functions::{Expr, Typed};
use millrace_model::DataType;
use std::collections::BTreeSet;

/// The same plan with filters moved down and joins arranged.
pub(crate) fn pushed(node: PlanNode) -> PlanNode {
    filtered(node, Vec::new())
}

/// `node` without the rows for which a filter is not TRUE; what cannot go further down stays on top.
pub(super) fn filtered(node: PlanNode, filters: Vec<Expr>) -> PlanNode {
    let (node, rest) = offered(node, filters);
    if rest.is_empty() {
        return node;
    }
    let (columns, projection) = (node.columns.clone(), all_columns(&node));
    calc(node, conjunction(rest), projection, columns)
}

/// `node` with the filters that it takes, and those that it does not.
fn offered(node: PlanNode, filters: Vec<Expr>) -> (PlanNode, Vec<Expr>) {
    let PlanNode { kind, mut columns } = node;
    match kind {
        NodeKind::Calc { input, predicate, projection } => {
            let mut all: Vec<Expr> = predicate.map(conjuncts).unwrap_or_default();
            // What is computed anew each time, such as the clock, is not computed twice.
            let (passing, rest): (Vec<Expr>, Vec<Expr>) = if takes_filters(&input) && may_merge(filters.iter(), &projection) {
                filters.into_iter().partition(|filter| reads_certain(filter, &projection))
            } else {
                (Vec::new(), filters)
            };
            all.extend(passing.into_iter().map(|f| substitute(f, &projection)));
            let (down, mut stay): (Vec<Expr>, Vec<Expr>) =
                if takes_filters(&input) { all.into_iter().partition(Expr::is_deterministic) } else { (Vec::new(), all) };
            let before: Vec<_> = input.columns.iter().map(|c| (c.time, c.window)).collect();
            let (input, refused) = offered(*input, down);
            stay.extend(refused);
            // What a join below took from its columns is gone here too.
            for (column, expr) in columns.iter_mut().zip(&projection) {
                if let Expr::Column { index, .. } = expr {
                    let now = (input.columns[*index].time, input.columns[*index].window);
                    if now != before[*index] {
                        (column.time, column.window) = now;
                    }
                }
            }
            let kind = NodeKind::Calc { input: Box::new(input), predicate: conjunction(stay), projection };
            (PlanNode { kind, columns }, rest)
        }
        NodeKind::ChangelogNormalize { input, keys, filter, state_ttl_ms } => {
            let filter = conjunction(filter.map(conjuncts).into_iter().flatten().chain(filters).collect());
            let kind = NodeKind::ChangelogNormalize { input: Box::new(pushed(*input)), keys, filter, state_ttl_ms };
            (PlanNode { kind, columns }, Vec::new())
        }
        NodeKind::Correlate { input, function, is_left } if takes_filters(&input) => {
            let width = input.columns.len();
            let certain = all_columns(&input);
            let (down, mut stay): (Vec<Expr>, Vec<Expr>) =
                filters.into_iter().partition(|filter| filter.is_deterministic() && reads_certain(filter, &certain));
            let before: Vec<_> = input.columns.iter().map(|c| (c.time, c.window)).collect();
            let (input, refused) = offered(*input, down);
            stay.extend(refused);
            for (column, (own, before)) in columns.iter_mut().zip(input.columns.iter().zip(before)).take(width) {
                if (own.time, own.window) != before {
                    (column.time, column.window) = (own.time, own.window);
                }
            }
            (PlanNode { kind: NodeKind::Correlate { input: Box::new(input), function, is_left }, columns }, stay)
        }
        NodeKind::Join(join) => arrange::arranged(join, columns, filters),
        kind => {
            let mut node = PlanNode { kind, columns };
            for input in node.inputs_mut() {
                let placeholder = PlanNode { kind: NodeKind::Union { inputs: Vec::new() }, columns: Vec::new() };
                let taken = std::mem::replace(input, placeholder);
                *input = pushed(taken);
            }
            (node, filters)
        }
    }
}

fn takes_filters(node: &PlanNode) -> bool {
    match &node.kind {
        NodeKind::ChangelogNormalize { .. } | NodeKind::Join(_) => true,
        NodeKind::Calc { input, .. } | NodeKind::Correlate { input, .. } => takes_filters(input),
        _ => false,
    }
}

/// Whether all columns that it reads are there and have one value for each row.
fn reads_certain(filter: &Expr, projection: &[Expr]) -> bool {
    let mut used = BTreeSet::new();
    filter.columns(&mut used);
    used.iter().all(|&column| projection.get(column).is_some_and(Expr::is_deterministic))
}

/// The parts of a condition that must all be TRUE.
///
/// `ROW(a, b) = ROW(c, d)` is `a = c AND b = d`, as in Calcite: a NULL among them is equal to nothing.
pub(super) fn conjuncts(condition: Expr) -> Vec<Expr> {
    match condition {
        Expr::And(parts) => parts.into_iter().flat_map(conjuncts).collect(),
        Expr::Call { function, arguments, typed } if function.name() == "=" => match fields(&arguments) {
            None => vec![Expr::Call { function, arguments, typed }],
            Some(pairs) => {
                let equal = |pair: [Expr; 2]| {
                    let nullable = pair.iter().any(|side| side.typed().nullable);
                    let typed = Typed::new(DataType::Boolean, nullable);
                    conjuncts(Expr::Call { function: function.clone(), arguments: pair.into(), typed })
                };
                pairs.into_iter().flat_map(equal).collect()
            }
        },
        other => vec![other],
    }
}

/// The fields of two rows that are written out.
fn fields(arguments: &[Expr]) -> Option<Vec<[Expr; 2]>> {
    let [Expr::Call { function: f, arguments: left, .. }, Expr::Call { function: g, arguments: right, .. }] = arguments else {
        return None;
    };
    let same = f.name() == "ROW" && g.name() == "ROW" && left.len() == right.len();
    let types = || left.iter().zip(right).all(|(l, r)| l.typed().data_type == r.typed().data_type);
    (same && types()).then(|| left.iter().zip(right).map(|(l, r)| [l.clone(), r.clone()]).collect())
}

/// All of them as one condition.
pub(super) fn conjunction(mut parts: Vec<Expr>) -> Option<Expr> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(Expr::And(parts)),
    }
}
