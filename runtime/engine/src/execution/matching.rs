//! Which operator of a plan takes over the state of which operator of a checkpoint.
//!
//! Nodes of the graph are found again by their ids. The operators inside of a SQL node have numbers as ids, which move when
//! the query changes: those with state are found by the signature of what they compute, within the node.
//!
//! Invariant: no operator gets state that it would misread, and state is only left out when the user allows it.

use crate::{error::EngineError, plan::ExecutionPlan};
use millrace_checkpoint::{Manifest, OperatorState};
use millrace_model::ids::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// The operator of the checkpoint for each operator of the plan that takes over state.
///
/// # Errors
/// State that no operator can take over, unless `allow_partial`.
pub(super) fn owners(plan: &ExecutionPlan, manifest: &Manifest, allow_partial: bool) -> Result<BTreeMap<NodeId, NodeId>, EngineError> {
    let mut owners = BTreeMap::new();
    let mut taken: BTreeSet<&NodeId> = BTreeSet::new();
    for operator in &plan.operators {
        let signature = operator.state_signature();
        let fits = |state: &&OperatorState| {
            let is_same = match (&signature, &state.signature) {
                (Some(wanted), Some(found)) => wanted == found && base(&operator.node) == base(&state.node),
                (None, Some(_)) => false,
                // Written before signatures were: the operator itself looks at what it gets.
                (_, None) => operator.node == state.node,
            };
            is_same && operator.kind == state.kind && operator.state_version() == state.state_version && !taken.contains(&state.node)
        };
        // Of equals the one that kept its id, else the first.
        let found = manifest.operators.iter().filter(fits).min_by_key(|state| state.node != operator.node);
        if let Some(state) = found {
            taken.insert(&state.node);
            owners.insert(operator.node.clone(), state.node.clone());
        }
    }
    for state in manifest.operators.iter().filter(|state| has_state(state) && !taken.contains(&state.node)) {
        let reason = why_not(plan, state);
        if !allow_partial {
            return Err(EngineError::Incompatible(reason));
        }
        tracing::warn!(node = %state.node, "state of the savepoint is left out, as allowed: {reason}");
    }
    Ok(owners)
}

fn has_state(state: &OperatorState) -> bool {
    !state.subtasks.is_empty() || state.keyed.as_ref().is_some_and(|k| !k.parts.is_empty() || !k.chains.is_empty())
}

/// The id of the graph's node; a dot cannot be part of it.
fn base(node: &NodeId) -> &str {
    node.as_str().split('.').next().unwrap_or_default()
}

fn why_not(plan: &ExecutionPlan, state: &OperatorState) -> String {
    let hint = "or allow that it is left out (`--allow-partial`)";
    let same_node = plan.operators.iter().find(|o| o.node == state.node);
    let of_query = state.signature.is_some() && plan.operators.iter().any(|o| base(&o.node) == base(&state.node));
    match same_node {
        _ if of_query => format!(
            "it holds state of the operator `{}` that was made by another query (other keys, aggregates, types or windows); go back to that query, start fresh, {hint}",
            state.node
        ),
        Some(operator) if operator.kind != state.kind => {
            format!(
                "the node `{}` was a `{}` and is now a `{}`; give the new node another id, {hint}",
                state.node, state.kind, operator.kind
            )
        }
        Some(operator) => format!(
            "state of the node `{}` has version {}, this release reads version {}; restore it with the release that wrote it, {hint}",
            state.node,
            state.state_version,
            operator.state_version()
        ),
        None => {
            format!("it holds state of the node `{}`, which the job no longer has; keep the node's id, start fresh, {hint}", state.node)
        }
    }
}
