//! Parts of a plan that are the same, so that they need to run only once (Flink's reuse of sub-plans).
//!
//! Invariant: two parts have the same identity only if they give the same rows for the same inputs, whatever their columns
//! are called and wherever they stand in the text. A part whose rows differ each time it is run has none.

use super::{Lineage, NodeKind, PlanNode};
use millrace_functions::Expr;
use std::collections::BTreeMap;

/// What tells `node`, with all below it, from other parts of plans. `None` for a part that must not be shared.
pub fn identity(node: &PlanNode) -> Option<String> {
    can_be_shared(node).then(|| format!("{:?}", nameless(node.clone())))
}

/// How often each part that keeps state occurs in the plan; those within a part that occurs several times count each time.
pub fn occurrences(plan: &PlanNode) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    count(plan, &mut found);
    found
}

fn count(node: &PlanNode, found: &mut BTreeMap<String, usize>) {
    if let Some(identity) = Some(node).filter(|node| keeps_state(node)).and_then(identity) {
        *found.entry(identity).or_insert(0) += 1;
    }
    node.inputs().into_iter().for_each(|input| count(input, found));
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

/// The part without names and places in the text.
fn nameless(mut node: PlanNode) -> PlanNode {
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
    for input in node.inputs_mut() {
        *input = nameless(input.clone());
    }
    node
}
