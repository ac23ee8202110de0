//! What distinguishes production from test: the kind of an instance and the resources that a go-live gives it (RUN-3).
//!
//! Invariant: an allocation that [`Allocation::check`] accepts is within what one worker can give.

use crate::text_enum::text_enum;
use millrace_model::graph::JobGraph;
use serde::{Deserialize, Serialize};

text_enum! {
    /// Where an instance belongs (RUN-1, RUN-3).
    InstanceKind, "instance kind", {
        /// Made by its developer to try a version.
        Test = "test",
        /// Made by a go-live of an approved release.
        Production = "production",
    }
}

text_enum! {
    /// Which instances a worker takes first when there are many (HA-1).
    Priority, "priority", {
        /// May wait.
        Low = "low",
        /// As most.
        Normal = "normal",
        /// Before all others.
        High = "high",
    }
}

/// Most slots of one instance: as many as key groups can be shared by.
pub const SLOTS_MAX: u16 = 128;
/// Least memory that can be given to tenant code, in MiB.
const MEMORY_MIB_MIN: u32 = 16;
/// Most memory that can be given to tenant code, in MiB.
const MEMORY_MIB_MAX: u32 = 1 << 20;

/// What an instance may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allocation {
    /// Subtasks of its widest operator at most: one slot holds one subtask of each operator, as in Flink.
    pub slots: u16,
    /// Memory of its tenant code; the tenant's limit unless given.
    #[serde(default)]
    pub memory_mib: Option<u32>,
    /// Fuel of its tenant code per second; the tenant's limit unless given.
    #[serde(default)]
    pub fuel_per_second: Option<u64>,
    /// Whether it goes before others.
    #[serde(default = "normal")]
    pub priority: Priority,
}

fn normal() -> Priority {
    Priority::Normal
}

/// An allocation that cannot be, or that a graph does not fit into.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("allocation.{field}: {message}")]
pub struct AllocationError {
    /// Which part of the allocation.
    pub field: &'static str,
    /// What was found, what was expected, what to do.
    pub message: String,
}

impl Allocation {
    /// Whether this can be given and `graph` fits into it.
    ///
    /// # Errors
    /// A figure out of bounds, or too few slots for the graph's parallelism.
    pub fn check(&self, graph: &JobGraph) -> Result<(), AllocationError> {
        let wrong = |field, message: String| Err(AllocationError { field, message });
        if !(1..=SLOTS_MAX).contains(&self.slots) {
            return wrong("slots", format!("is {}, expected 1 to {SLOTS_MAX}", self.slots));
        }
        if let Some(found) = self.memory_mib.filter(|mib| !(MEMORY_MIB_MIN..=MEMORY_MIB_MAX).contains(mib)) {
            return wrong("memory_mib", format!("is {found}, expected {MEMORY_MIB_MIN} to {MEMORY_MIB_MAX}"));
        }
        if self.fuel_per_second == Some(0) {
            return wrong("fuel_per_second", "is 0, expected at least 1; leave it out for the tenant's own limit".to_owned());
        }
        let (needed, node) = widest(graph);
        if needed > self.slots {
            let message = format!(
                "are {}, and {node} has a parallelism of {needed}; give at least {needed} slots or lower the parallelism",
                self.slots
            );
            return wrong("slots", message);
        }
        Ok(())
    }
}

/// The greatest parallelism in a graph, and what has it.
fn widest(graph: &JobGraph) -> (u16, String) {
    let default = graph.parameters.parallelism;
    let of = |node: &millrace_model::graph::Node| node.parallelism.unwrap_or(default);
    match graph.nodes.iter().max_by_key(|node| of(node)) {
        Some(node) => (of(node), format!("the node `{}`", node.id)),
        None => (default, "the job".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(allocation: serde_json::Value, expected: Result<(), &str>) {
        let graph: JobGraph = serde_json::from_value(json!({
            "nodes": [{"id": "in", "kind": "kafka_source"}, {"id": "agg", "kind": "sql", "parallelism": 4}], "edges": [],
            "parameters": {"parallelism": 2},
        }))
        .unwrap();
        let allocation: Allocation = serde_json::from_value(allocation).unwrap();
        assert_eq!(allocation.check(&graph).map_err(|e| e.to_string()), expected.map_err(str::to_owned));
    }

    #[test]
    fn a_graph_must_fit_into_its_slots() {
        check(json!({"slots": 4, "memory_mib": 64, "fuel_per_second": 1_000, "priority": "high"}), Ok(()));
        check(json!({"slots": 0}), Err("allocation.slots: is 0, expected 1 to 128"));
        check(json!({"slots": 4, "memory_mib": 1}), Err("allocation.memory_mib: is 1, expected 16 to 1048576"));
        check(
            json!({"slots": 3}),
            Err("allocation.slots: are 3, and the node `agg` has a parallelism of 4; give at least 4 slots or lower the parallelism"),
        );
    }
}
