//! Checks of a graph that need no knowledge of kinds beyond their arity: unique ids, edges that exist, no cycles.

use super::{GraphError, JobGraph, NODES_MAX};
use crate::ids::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// How many edges may end and start at a node of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arity {
    /// Fewest incoming edges.
    pub inputs_min: usize,
    /// Most incoming edges.
    pub inputs_max: usize,
    /// Whether outgoing edges are needed (`true`) or forbidden (`false`).
    pub has_output: bool,
}

impl Arity {
    /// No input, some output.
    pub const SOURCE: Self = Self { inputs_min: 0, inputs_max: 0, has_output: true };
    /// Any number of inputs of one schema, some output.
    pub const TRANSFORM: Self = Self { inputs_min: 1, inputs_max: usize::MAX, has_output: true };
    /// Any number of inputs of one schema, no output.
    pub const SINK: Self = Self { inputs_min: 1, inputs_max: usize::MAX, has_output: false };
}

/// Subtasks of one operator at most.
pub const PARALLELISM_MAX: u16 = 128;

/// Everything wrong with the structure of `graph`; `arity` knows the kinds and answers `None` for an unknown one.
pub fn check_structure(graph: &JobGraph, arity: impl Fn(&str) -> Option<Arity>) -> Vec<GraphError> {
    let mut errors = check_parameters(graph);
    if graph.nodes.is_empty() {
        errors.push(GraphError::in_graph("graph.empty", "the graph has no nodes; add a source, an operator and a sink"));
    }
    if graph.nodes.len() > NODES_MAX {
        let found = graph.nodes.len();
        errors.push(GraphError::in_graph("graph.too_large", format!("the graph has {found} nodes, at most {NODES_MAX} are allowed")));
        return errors;
    }
    check_nodes(graph, &mut errors);
    check_edges(graph, &arity, &mut errors);
    if errors.is_empty()
        && let Err(error) = topological_order(graph)
    {
        errors.push(error);
    }
    errors
}

fn check_parameters(graph: &JobGraph) -> Vec<GraphError> {
    let p = &graph.parameters;
    let mut errors = Vec::new();
    let mut range = |field: &str, found: u64, min: u64, max: u64| {
        if !(min..=max).contains(&found) {
            let message = format!("is {found}, expected {min} to {max}");
            errors.push(GraphError::in_document(format!("parameters.{field}"), "parameters.out_of_range", message));
        }
    };
    range("checkpoint_interval_ms", p.checkpoint_interval_ms, 10, 86_400_000);
    range("checkpoint_timeout_ms", p.checkpoint_timeout_ms, 100, 86_400_000);
    range("checkpoints_retained", p.checkpoints_retained.into(), 1, 100);
    if let Some(bytes) = p.state_memory_bytes_max {
        range("state_memory_bytes_max", bytes, 1 << 20, 1 << 50);
    }
    range("parallelism", p.parallelism.into(), 1, PARALLELISM_MAX.into());
    range("batch_rows_max", p.batch_rows_max.into(), 1, 65_536);
    range("restart.delay_ms", p.restart.delay_ms, 1, 3_600_000);
    range("restart.delay_max_ms", p.restart.delay_max_ms, p.restart.delay_ms.min(3_600_000), 3_600_000);
    errors
}

fn check_nodes(graph: &JobGraph, errors: &mut Vec<GraphError>) {
    let mut seen = BTreeSet::new();
    for node in &graph.nodes {
        let id = node.id.as_str();
        let plain = !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !plain {
            errors.push(GraphError::in_field(&node.id, "id", "graph.bad_id", "expected 1 to 64 letters, digits, `_` or `-`"));
        }
        if !seen.insert(id) {
            errors.push(GraphError::in_field(&node.id, "id", "graph.duplicate_id", "another node has the same id; ids must be unique"));
        }
        if let Some(found) = node.parallelism.filter(|p| !(1..=PARALLELISM_MAX).contains(p)) {
            let message = format!("is {found}, expected 1 to {PARALLELISM_MAX}");
            errors.push(GraphError::in_field(&node.id, "parallelism", "graph.parallelism", message));
        }
    }
}

fn check_edges(graph: &JobGraph, arity: &impl Fn(&str) -> Option<Arity>, errors: &mut Vec<GraphError>) {
    let ids: BTreeSet<&NodeId> = graph.nodes.iter().map(|n| &n.id).collect();
    let mut seen = BTreeSet::new();
    for edge in &graph.edges {
        for (end, id) in [("from", &edge.from), ("to", &edge.to)] {
            if !ids.contains(id) {
                let message = format!("the edge `{}` to `{}` names the node `{id}`, which is not in the graph", edge.from, edge.to);
                errors.push(GraphError::in_document(format!("edges.{end}"), "graph.unknown_node", message));
            }
        }
        if !seen.insert((&edge.from, &edge.to)) {
            let message = format!("the edge from `{}` to `{}` is there twice", edge.from, edge.to);
            errors.push(GraphError::in_node(&edge.to, "graph.duplicate_edge", message));
        }
    }
    for node in &graph.nodes {
        let Some(arity) = arity(&node.kind) else {
            errors.push(GraphError::in_field(
                &node.id,
                "kind",
                "graph.unknown_kind",
                format!("`{}` is not a known kind of node", node.kind),
            ));
            continue;
        };
        let inputs = graph.edges.iter().filter(|e| e.to == node.id).count();
        let outputs = graph.edges.iter().filter(|e| e.from == node.id).count();
        if inputs < arity.inputs_min {
            errors.push(GraphError::in_node(&node.id, "graph.no_input", "has no input; connect a node before it"));
        }
        if inputs > arity.inputs_max {
            let message = format!("has {inputs} inputs, at most {} are allowed", arity.inputs_max);
            errors.push(GraphError::in_node(&node.id, "graph.too_many_inputs", message));
        }
        if arity.has_output && outputs == 0 {
            errors.push(GraphError::in_node(&node.id, "graph.no_output", "its rows go nowhere; connect it to an operator or a sink"));
        }
        if !arity.has_output && outputs > 0 {
            errors.push(GraphError::in_node(&node.id, "graph.sink_output", "is a sink and cannot have outgoing edges"));
        }
    }
}

/// Positions of the nodes such that every edge goes forward; nodes keep their document order where edges allow.
///
/// # Errors
/// The graph has a cycle; the error names a node on it.
pub fn topological_order(graph: &JobGraph) -> Result<Vec<usize>, GraphError> {
    let position: BTreeMap<&NodeId, usize> = graph.nodes.iter().enumerate().map(|(i, n)| (&n.id, i)).collect();
    let mut missing = vec![0usize; graph.nodes.len()];
    for edge in &graph.edges {
        if let Some(&to) = position.get(&edge.to) {
            missing[to] += 1;
        }
    }
    let mut ready: BTreeSet<usize> = (0..graph.nodes.len()).filter(|&i| missing[i] == 0).collect();
    let mut order = Vec::with_capacity(graph.nodes.len());
    while let Some(next) = ready.pop_first() {
        order.push(next);
        for edge in graph.edges.iter().filter(|e| e.from == graph.nodes[next].id) {
            if let Some(&to) = position.get(&edge.to) {
                missing[to] -= 1;
                if missing[to] == 0 {
                    ready.insert(to);
                }
            }
        }
    }
    match missing.iter().position(|&m| m > 0) {
        None => Ok(order),
        Some(stuck) => {
            let node = &graph.nodes[stuck].id;
            Err(GraphError::in_node(node, "graph.cycle", "lies on or behind a cycle of edges; a job graph must not have cycles"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(graph: &str, expected: &[&str]) {
        let graph: JobGraph = serde_json::from_str(graph).expect("graph");
        let arity = |kind: &str| match kind {
            "source" => Some(Arity::SOURCE),
            "op" => Some(Arity::TRANSFORM),
            "sink" => Some(Arity::SINK),
            _ => None,
        };
        let found: Vec<String> = check_structure(&graph, arity).iter().map(|e| format!("{} {e}", e.code)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_good_graph_has_no_errors() {
        check(
            r#"{"nodes":[{"id":"a","kind":"source"},{"id":"b","kind":"op"},{"id":"c","kind":"sink"}],
               "edges":[{"from":"a","to":"b"},{"from":"b","to":"c"}]}"#,
            &[],
        );
    }

    #[test]
    fn every_structural_error_names_its_place() {
        check(r#"{"nodes":[]}"#, &["graph.empty node `-`, field `-`: the graph has no nodes; add a source, an operator and a sink"]);
        check(
            r#"{"nodes":[{"id":"a","kind":"source"},{"id":"c","kind":"sank"}],"edges":[{"from":"a","to":"x"}],"parameters":{"parallelism":0}}"#,
            &[
                "parameters.out_of_range node `-`, field `parameters.parallelism`: is 0, expected 1 to 128",
                "graph.unknown_node node `-`, field `edges.to`: the edge `a` to `x` names the node `x`, which is not in the graph",
                "graph.unknown_kind node `c`, field `kind`: `sank` is not a known kind of node",
            ],
        );
        check(
            r#"{"nodes":[{"id":"a","kind":"op"},{"id":"b","kind":"op"}],"edges":[{"from":"a","to":"b"},{"from":"b","to":"a"}]}"#,
            &["graph.cycle node `a`, field `-`: lies on or behind a cycle of edges; a job graph must not have cycles"],
        );
    }
}
