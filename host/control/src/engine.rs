//! What an engine is for the control plane: it examines graphs and launches executions.
//!
//! Invariant: the reconciler knows only these two traits, so that a job graph runs on any engine that implements them.
//! The vocabulary (failures, metrics under Flink's names, checkpoint summaries) is the native engine's.

use async_trait::async_trait;
use millrace_domain::Allocation;
use millrace_engine::{
    Catalog, CheckpointSummary, EngineError, ExecutionState, JobFailure, JobMetrics, QueryPlan, SavepointInfo, StartFrom, TapReader,
};
use millrace_model::{
    Schema,
    graph::{GraphError, JobGraph},
    ids::{InstanceId, NodeId, SavepointId, TenantId},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::watch;

/// What examining a correct graph tells.
#[derive(Debug, Clone)]
pub struct Examined {
    /// Columns that leave each node; for sinks those that enter.
    pub schemas: BTreeMap<NodeId, Schema>,
    /// What the names in the graph stand for, by content.
    pub pins: serde_json::Value,
    /// The graph to run: for a SQL script what it became.
    pub graph: JobGraph,
    /// Its queries, with plans and lineage.
    pub queries: Vec<QueryPlan>,
    /// What is accepted and perhaps not meant.
    pub warnings: Vec<GraphError>,
}

/// An execution to start.
pub struct Launch {
    /// Whose it is.
    pub tenant: TenantId,
    /// Names state, transactions and checkpoints.
    pub instance: InstanceId,
    /// The job's name, for reports.
    pub job: String,
    /// Content hash of the version.
    pub version_hash: String,
    /// The graph to run.
    pub graph: JobGraph,
    /// What its names stand for.
    pub catalog: Arc<dyn Catalog>,
    /// What to restore.
    pub from: StartFrom,
    /// What it may use; the tenant's limits unless given.
    pub allocation: Option<Allocation>,
}

/// An engine.
#[async_trait]
pub trait ExecutionEngine: Send + Sync {
    /// Checks a graph or script and infers its schemas. Starts nothing. With `is_question` a script may have queries whose
    /// rows go nowhere.
    ///
    /// # Errors
    /// Everything that is wrong, by node and field.
    async fn examine(
        &self,
        graph: &JobGraph,
        tenant: &TenantId,
        catalog: &dyn Catalog,
        is_question: bool,
    ) -> Result<Examined, Vec<GraphError>>;

    /// Starts an execution. On return records flow.
    ///
    /// # Errors
    /// The graph is wrong, or something cannot be opened or restored; nothing runs then.
    async fn launch(&self, launch: Launch) -> Result<Arc<dyn Execution>, JobFailure>;
}

/// A started execution. Dropping it does not end it.
#[async_trait]
pub trait Execution: Send + Sync {
    /// The state, and a wake-up whenever it changes.
    fn state(&self) -> watch::Receiver<ExecutionState>;

    /// Takes a savepoint; returns when it is durable. Records flow on.
    ///
    /// # Errors
    /// It could not be taken, or the execution has ended.
    async fn savepoint(&self, id: &SavepointId) -> Result<SavepointInfo, EngineError>;

    /// Ends the execution; returns when nothing of it runs any more. If the savepoint cannot be taken, it runs on.
    ///
    /// # Errors
    /// The savepoint could not be taken, or the execution has ended.
    async fn stop(&self, with_savepoint: Option<&SavepointId>) -> Result<Option<SavepointInfo>, EngineError>;

    /// Asks the execution to end at once; does not wait.
    fn cancel(&self);

    /// Metrics now.
    fn metrics(&self) -> JobMetrics;

    /// Listens to the rows that leave a node; `None` if there is no such node, or the engine cannot.
    ///
    /// # Errors
    /// The rows cannot be shown.
    fn tap(&self, _node: &NodeId) -> Result<Option<TapReader>, EngineError> {
        Ok(None)
    }

    /// Ids of all nodes, in the order of the flow.
    fn nodes(&self) -> Vec<NodeId> {
        Vec::new()
    }

    /// The newest checkpoints, oldest first.
    fn checkpoints(&self) -> Vec<CheckpointSummary>;
}
