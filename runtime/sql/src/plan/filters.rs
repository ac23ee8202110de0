//! Filters over normalised upserts become part of the normalisation, as Flink's `PushCalcPastChangelogNormalizeRule` does
//! it: a row that no longer passes is a `-D` of the row that did, not a lost `+U` behind a stray `-U`.

use super::{NodeKind, PlanNode};
use millrace_functions::Expr;

/// The same plan with such filters moved.
pub(super) fn pushed(mut node: PlanNode) -> PlanNode {
    if let NodeKind::Calc { input, predicate, .. } = &mut node.kind
        && let NodeKind::ChangelogNormalize { filter, .. } = &mut input.kind
        && predicate.as_ref().is_some_and(Expr::is_deterministic)
    {
        *filter = match (filter.take(), predicate.take()) {
            (Some(first), Some(second)) => Some(Expr::And(vec![first, second])),
            (first, second) => first.or(second),
        };
    }
    for input in node.inputs_mut() {
        let placeholder = PlanNode { kind: NodeKind::Union { inputs: Vec::new() }, columns: Vec::new() };
        let taken = std::mem::replace(input, placeholder);
        *input = pushed(taken);
    }
    node
}
