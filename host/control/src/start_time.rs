//! Starting at a time (RUN-4): sources begin at the records of that moment instead of where their node says.
//!
//! Invariant: only where a source begins changes; its state, once there, still goes first, so a restart within the run
//! repeats nothing.

use millrace_model::graph::JobGraph;
use serde_json::json;

/// Kinds of sources that can begin at a time; the others begin as their node says.
const WITH_TIMES: [&str; 1] = ["kafka_source"];

/// Lets the sources of `graph` begin at `timestamp_ms`.
pub(crate) fn begin_at(graph: &mut JobGraph, timestamp_ms: i64) {
    for node in graph.nodes.iter_mut().filter(|node| WITH_TIMES.contains(&node.kind.as_str())) {
        node.config.insert("start".to_owned(), json!({"mode": "timestamp", "timestamp_ms": timestamp_ms}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_begin_at_the_time_and_nothing_else_changes() {
        let graph = |start: serde_json::Value| -> JobGraph {
            let nodes = json!([
                {"id": "in", "kind": "kafka_source", "config": {"topic": "clicks", "start": start}},
                {"id": "own", "kind": "source", "config": {"start": "x"}},
            ]);
            serde_json::from_value(json!({"nodes": nodes})).unwrap()
        };
        let mut changed = graph(json!("latest"));
        begin_at(&mut changed, 5);
        assert_eq!(changed, graph(json!({"mode": "timestamp", "timestamp_ms": 5})));
    }
}
