//! Parts of a plan that are the same, so that they need to run only once (Flink's reuse of sub-plans).
//!
//! Invariant: two parts have the same identity only if they give the same rows for the same inputs, whatever their columns
//! are called and wherever they stand in the text. A part whose rows differ each time it is run has none.

use super::{Lineage, NodeKind, PlanNode};
use millrace_functions::Expr;
use std::collections::BTreeSet;

/// What tells `node`, with all below it, from other parts of plans. `None` for a part that is not worth sharing, or must not
/// be shared.
pub fn identity(node: &PlanNode) -> Option<String> {
    if !keeps_state(node) || !can_be_shared(node) {
        return None;
    }
    let mut node = node.clone();
    erase_names(&mut node);
    Some(format!("{node:?}"))
}

/// The parts that occur several times in the plan, also within others that do.
pub fn repeated(plan: &PlanNode) -> BTreeSet<String> {
    let (mut seen, mut repeated) = (BTreeSet::new(), BTreeSet::new());
    let mut left = vec![plan];
    while let Some(node) = left.pop() {
        if let Some(identity) = identity(node)
            && !seen.insert(identity.clone())
        {
            repeated.insert(identity);
        }
        left.extend(node.inputs());
    }
    repeated
}

/// Whether it runs in a stage of its own behind an exchange; sharing anything less would save little.
fn keeps_state(node: &PlanNode) -> bool {
    use NodeKind::*;
    matches!(
        node.kind,
        ChangelogNormalize { .. } | WindowAggregate { .. } | GroupAggregate { .. } | Join(_) | Rank(_) | Deduplicate(_) | WindowRank(_)
    )
}

fn can_be_shared(node: &PlanNode) -> bool {
    use NodeKind::*;
    let own = match &node.kind {
        Scan(_) | Union { .. } | Expand { .. } | WindowTable { .. } => true,
        Calc { predicate, projection, .. } => projection.iter().chain(predicate).all(Expr::is_deterministic),
        ChangelogNormalize { filter, .. } => filter.iter().all(Expr::is_deterministic),
        Join(join) => join.condition.iter().all(Expr::is_deterministic),
        _ => keeps_state(node),
    };
    own && node.inputs().into_iter().all(can_be_shared)
}

/// Takes away names and places in the text.
fn erase_names(node: &mut PlanNode) {
    for column in &mut node.columns {
        column.name.clear();
        column.lineage = Lineage::default();
    }
    match &mut node.kind {
        NodeKind::GroupAggregate { span, .. } => *span = None,
        NodeKind::Rank(rank) => rank.span = None,
        NodeKind::Deduplicate(deduplicate) => deduplicate.span = None,
        _ => {}
    }
    node.inputs_mut().into_iter().for_each(erase_names);
}
