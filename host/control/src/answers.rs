//! What the facade answers with. Plain data: the API turns these into its own wire types.

use millrace_engine::QueryPlan;
use millrace_model::{
    FaultClass, Schema,
    graph::{GraphError, JobGraph},
    ids::{CheckpointId, NodeId, SavepointId},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The outcome of validating a graph or script: the canvas shows the errors in their places and the schemas on the edges.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ValidationReport {
    /// Everything wrong; empty when the graph can run.
    pub errors: Vec<GraphError>,
    /// What is accepted and perhaps not meant.
    pub warnings: Vec<GraphError>,
    /// Columns that each node sends; only complete when there are no errors.
    pub schemas: BTreeMap<NodeId, Schema>,
}

/// What a script or graph would do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExplainReport {
    /// Everything wrong; empty when it can run.
    pub errors: Vec<GraphError>,
    /// What is accepted and perhaps not meant.
    pub warnings: Vec<GraphError>,
    /// Its queries.
    pub queries: Vec<QueryPlan>,
    /// The graph that would run; absent when something is wrong, or for a question.
    pub graph: Option<JobGraph>,
}

/// A graph with everything that it refers to fixed by content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PinnedGraph {
    /// The graph as submitted.
    pub graph: JobGraph,
    /// What the names in the graph stood for: plugin content hashes, table designs. Holds no secrets.
    pub pins: serde_json::Value,
    /// SHA-256 over the canonical JSON of graph and pins, in hex: two versions are equal exactly when this is.
    pub content_hash: String,
}

/// What admission found in an uploaded component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentInfo {
    /// SHA-256 of the bytes, in hex.
    pub content_hash: String,
    /// World that the component implements: `etl-operator`.
    pub world: String,
    /// Version of the contract: `0.1.0`.
    pub wit_version: String,
    /// Size of the upload.
    pub size_bytes: u64,
}

/// A savepoint that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedSavepoint {
    /// Its id.
    pub id: SavepointId,
    /// Where it lies in the checkpoint store.
    pub location: String,
    /// Size of its state.
    pub size_bytes: u64,
    /// The checkpoint that it is.
    pub checkpoint_id: CheckpointId,
}

/// What an instance is doing on its engine right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionPhase {
    /// Plan, components and connectors are being opened.
    Starting,
    /// Records flow.
    Running,
    /// Waits to be started again after a failure that may pass.
    BackingOff,
    /// Taking a last savepoint or letting its operators end.
    Stopping,
    /// Ended.
    Ended,
}

/// A failure as users see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailureReport {
    /// Who has to act.
    pub class: FaultClass,
    /// Whether the instance is started again by itself.
    pub retryable: bool,
    /// The operator that failed.
    pub operator: Option<NodeId>,
    /// What was found, what was expected.
    pub message: String,
    /// Report of a fault in tenant code: batch offsets, reason, source line.
    pub fault: Option<serde_json::Value>,
    /// When, in epoch milliseconds.
    pub at_ms: i64,
}

/// What this worker sees of one of its instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceObservation {
    /// What it is doing.
    pub phase: ExecutionPhase,
    /// The worker that runs it.
    pub worker: String,
    /// When the current attempt began, in epoch milliseconds.
    pub started_at_ms: Option<i64>,
    /// How long the current attempt took from the decision to start until records could flow, in milliseconds.
    pub start_duration_ms: Option<u64>,
    /// Starts after a failure since the instance was last stable.
    pub restarts: u32,
    /// When the next attempt begins, in epoch milliseconds; only while backing off.
    pub next_attempt_at_ms: Option<i64>,
    /// The last failure, if any.
    pub last_failure: Option<FailureReport>,
    /// Metrics per operator and subtask under Flink's names; null before the first start.
    pub metrics: serde_json::Value,
    /// The last checkpoints, newest first.
    pub checkpoints: serde_json::Value,
}
