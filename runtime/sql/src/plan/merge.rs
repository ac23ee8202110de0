//! Two computations on top of each other become one, as long as nothing is computed twice that differs each time.
//!
//! The binder merges most of them as it makes them; a table with `PROCTIME()` keeps its own, because the clock may be read by
//! several expressions above it. Once unread columns are gone it mostly is not.

use super::{NodeKind, PlanNode};
use crate::bind::{may_merge, merged_calc};
use millrace_functions::Expr;

/// The same plan with fewer `Calc`s.
pub(super) fn merged(mut node: PlanNode) -> PlanNode {
    for input in node.inputs_mut() {
        let placeholder = PlanNode { kind: NodeKind::Union { inputs: Vec::new() }, columns: Vec::new() };
        let taken = std::mem::replace(input, placeholder);
        *input = merged(taken);
    }
    let is_stacked = match &node.kind {
        NodeKind::Calc { input, predicate, projection } => match &input.kind {
            NodeKind::Calc { projection: inner, .. } => {
                reads_once(projection.iter().chain(predicate), inner) && may_merge(projection.iter().chain(predicate), inner)
            }
            _ => false,
        },
        _ => false,
    };
    let PlanNode { kind, columns } = node;
    match kind {
        NodeKind::Calc { input, predicate, projection } if is_stacked => merged_calc(*input, predicate, projection, columns),
        kind => PlanNode { kind, columns },
    }
}

/// Whether each value that differs each time is read by at most one of `outer`, once.
fn reads_once<'e>(outer: impl Iterator<Item = &'e Expr>, inner: &[Expr]) -> bool {
    let mut reads = vec![0usize; inner.len()];
    outer.for_each(|expr| count(expr, &mut reads));
    inner.iter().zip(reads).all(|(expr, reads)| reads <= 1 || expr.is_deterministic())
}

fn count(expr: &Expr, reads: &mut [usize]) {
    if let Expr::Column { index, .. } = expr
        && let Some(reads) = reads.get_mut(*index)
    {
        *reads += 1;
    }
    expr.children().into_iter().for_each(|child| count(child, reads));
}
