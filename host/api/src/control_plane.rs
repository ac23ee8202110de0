//! What the API needs from the control plane, as one trait, and the shapes in which it answers.
//!
//! The trait keeps the API's tests free of engines and brokers; `millrace_control::Control` implements it in
//! `engine_control`.

use crate::problem::FieldError;
use async_trait::async_trait;
use bytes::Bytes;
use millrace_control::{
    BuildOrder, BuildsStatus, DescribedFunction, InspectedResource, KindSpec, PackageHints, PreviewOrder, PreviewReport, SampledTable,
    SinkRows, TappedRows, TempTableSize, UnitTestOrder, UnitTestReport, Unreachable,
};
use millrace_domain::ProjectScope;
use millrace_model::{
    Schema,
    graph::JobGraph,
    ids::{InstanceId, JobId, NodeId, SavepointId, TenantId, TopicId},
};
use millrace_store::{Build, Cause, JobVersion, TableViewer, TempTable};
use serde::Serialize;
use serde_json::Value;
use std::{collections::BTreeMap, fs::File, time::Duration};
use utoipa::ToSchema;

/// The outcome of a connectivity test (SRC-2).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConnectivityReport {
    /// Whether the system can be used.
    pub reachable: bool,
    /// What was reached, or what failed and what to do.
    pub message: String,
    /// What was reached, piece by piece: `server`, `version`, `database`, …
    pub details: BTreeMap<String, String>,
    /// The failing step: `dns`, `refused`, `timeout`, `tls`, `credentials`, `missing`, `protocol`, `configuration`.
    pub failure: Option<String>,
    /// How long the test took.
    pub elapsed_ms: u64,
}

/// What admission found in a component.
#[derive(Debug, Clone)]
pub struct AdmittedComponent {
    /// SHA-256 of the bytes, in hex.
    pub content_hash: String,
    /// World that it implements.
    pub world: String,
    /// Version of the contract.
    pub wit_version: String,
}

/// The outcome of validating a graph.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ValidationReport {
    /// Whether the graph can be submitted.
    pub valid: bool,
    /// Everything wrong.
    pub errors: Vec<FieldError>,
    /// What is accepted and perhaps not meant.
    pub warnings: Vec<FieldError>,
    /// Columns that each node sends, by node id.
    #[schema(value_type = BTreeMap<String, Value>)]
    pub schemas: BTreeMap<String, Value>,
}

/// What a script or graph would do.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ExplainReport {
    /// Whether it can run; true for a question too, whose rows go nowhere.
    pub valid: bool,
    /// Everything wrong.
    pub errors: Vec<FieldError>,
    /// What is accepted and perhaps not meant.
    pub warnings: Vec<FieldError>,
    /// Its queries, in order.
    pub queries: Vec<QueryView>,
    /// The graph that would run: for a script what it becomes.
    #[schema(value_type = Option<Object>)]
    pub graph: Option<Value>,
}

/// A query with its plan.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QueryView {
    /// The SQL node that runs it; absent for a query whose rows go nowhere.
    pub node: Option<String>,
    /// Its operators, one a line, the last first, with the kinds of changes that each sends.
    pub plan: String,
    /// Kinds of changes in the result: `I`, `I,UB,UA` or `I,UB,UA,D`.
    pub changelog_mode: String,
    /// Sets of columns that tell the rows of the result apart: one of them must be in the key of an upsert sink.
    pub upsert_keys: Vec<Vec<String>>,
    /// Columns of the result.
    pub columns: Vec<QueryColumnView>,
}

/// A column of a query's result.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QueryColumnView {
    /// Its name.
    pub name: String,
    /// Its type, as Flink writes it.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Columns of tables that its value is made from.
    pub lineage: Vec<SourceColumnView>,
}

/// A column of a table.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SourceColumnView {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
}

/// A graph with everything that it refers to fixed by content.
#[derive(Debug, Clone)]
pub struct PinnedGraph {
    /// The graph as submitted.
    pub graph: JobGraph,
    /// What it refers to.
    pub pins: Value,
    /// Over both.
    pub content_hash: String,
}

/// Why the control plane did not do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlFailure {
    /// What was named is not there.
    NotFound(String),
    /// The request is wrong.
    Invalid {
        /// Stable code.
        code: String,
        /// What was found, what was expected.
        message: String,
    },
    /// The request does not fit what the thing is doing now.
    Conflict(String),
    /// Too much waits already.
    Busy(String),
    /// A system outside failed.
    External(String),
    /// A defect; logged, never answered.
    Internal(String),
}

/// Why a graph could not become a version.
#[derive(Debug, Clone)]
pub enum PinFailure {
    /// The graph is wrong.
    Graph(Vec<FieldError>),
    /// Something else.
    Control(ControlFailure),
}

/// Rows that pass in a running instance.
#[async_trait]
pub trait RowTap: Send {
    /// Columns of the rows.
    fn schema(&self) -> Value;
    /// Waits for rows; none when the instance has ended. Cancel safe.
    async fn next(&mut self) -> Result<Option<TappedRows>, ControlFailure>;
}

/// Engines, sandbox and connectors, as far as the API needs them.
#[async_trait]
pub trait ControlPlane: Send + Sync + 'static {
    /// The kinds of data sources that there are.
    fn data_source_kinds(&self) -> Vec<KindSpec>;
    /// Everything wrong with a data source's properties, secrets in clear.
    fn check_data_source(&self, kind: &str, properties: &BTreeMap<String, String>) -> Vec<FieldError>;
    /// Names of a data source's tables, and whether there are more.
    async fn data_source_tables(
        &self,
        tenant: &TenantId,
        kind: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<(Vec<String>, bool), Unreachable>;
    /// Columns of a table as its system has it.
    async fn sample_data_source(
        &self,
        tenant: &TenantId,
        kind: &str,
        properties: &BTreeMap<String, String>,
        table: &str,
        rows_max: usize,
    ) -> Result<SampledTable, Unreachable>;
    /// Connects with these properties, secrets in clear.
    async fn test_connection(&self, tenant: &TenantId, kind: &str, properties: BTreeMap<String, String>) -> ConnectivityReport;
    /// Makes the real topic or checks it; whether it was made. `options` are the connector's: partitions, …
    async fn ensure_topic(&self, scope: &ProjectScope, topic: &TopicId, options: &Value) -> Result<bool, ControlFailure>;
    /// Admits and compiles a component.
    async fn admit_plugin(&self, tenant: &TenantId, component: Bytes) -> Result<AdmittedComponent, ControlFailure>;
    /// Finds out what an uploaded file is.
    async fn inspect_resource(&self, tenant: &TenantId, file: File, hints: PackageHints) -> Result<InspectedResource, ControlFailure>;
    /// Says what a component is as a SQL function.
    async fn describe_function(&self, tenant: &TenantId, name: &str, component: Bytes) -> Result<DescribedFunction, ControlFailure>;
    /// Makes the real table or topic that the viewer's environment means, or checks it; whether it was made.
    async fn ensure_table_in(&self, viewer: &TableViewer, topic: &TopicId, options: &Value) -> Result<bool, ControlFailure>;
    /// Finds everything wrong with a graph.
    async fn validate(&self, viewer: &TableViewer, graph: &JobGraph) -> Result<ValidationReport, ControlFailure>;
    /// Says what a graph or script would do.
    async fn explain(&self, viewer: &TableViewer, graph: &JobGraph) -> Result<ExplainReport, ControlFailure>;
    /// Fixes everything that a graph refers to.
    async fn pin(&self, viewer: &TableViewer, graph: &JobGraph) -> Result<PinnedGraph, PinFailure>;
    /// Everything that keeps a version from being planned for the viewer, with these values for its parameters.
    async fn examine_version(
        &self,
        viewer: &TableViewer,
        version: &JobVersion,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Vec<FieldError>, ControlFailure>;
    /// Desired state has changed.
    fn notify(&self);
    /// What is seen of an instance right now: phase, `metrics`, `checkpoints`, last failure.
    fn observe(&self, instance: &InstanceId) -> Option<Value>;
    /// Takes a savepoint for the user `by` and records it in the store.
    async fn create_savepoint(&self, tenant: &TenantId, instance: &InstanceId, by: &Cause) -> Result<SavepointId, ControlFailure>;
    /// Reads live rows of a topic.
    async fn preview_topic(&self, viewer: &TableViewer, topic: &str, order: PreviewOrder) -> Result<PreviewReport, ControlFailure>;
    /// Runs a job up to a node for a moment.
    async fn preview_job(
        &self,
        viewer: &TableViewer,
        graph: &JobGraph,
        node: &NodeId,
        order: PreviewOrder,
    ) -> Result<PreviewReport, PinFailure>;
    /// Listens to the rows that leave a node of a running instance.
    fn tap(&self, tenant: &TenantId, instance: &InstanceId, node: &NodeId) -> Result<Box<dyn RowTap>, ControlFailure>;
    /// Runs a job on data packages.
    async fn begin_unit_test(&self, viewer: &TableViewer, by: &str, order: UnitTestOrder) -> Result<UnitTestReport, PinFailure>;
    /// A unit test that is still kept.
    fn unit_test(&self, scope: &ProjectScope, id: &str) -> Result<UnitTestReport, ControlFailure>;
    /// The unit tests of a project that are still kept, newest first.
    fn recent_unit_tests(&self, scope: &ProjectScope, job: Option<&JobId>) -> Vec<UnitTestReport>;
    /// Rows that a sink of a unit test got.
    fn unit_test_rows(&self, scope: &ProjectScope, id: &str, sink: &NodeId, after: u64, limit: usize) -> Result<SinkRows, ControlFailure>;
    /// Ends a unit test.
    fn cancel_unit_test(&self, scope: &ProjectScope, id: &str) -> Result<UnitTestReport, ControlFailure>;
    /// Temp tables that a job's sinks write and that are not there yet, with their columns.
    async fn temp_tables_to_make(&self, viewer: &TableViewer, graph: &JobGraph) -> Result<BTreeMap<String, Schema>, PinFailure>;
    /// Makes the topic of a temp table.
    async fn make_temp_topic(&self, table: &TempTable) -> Result<(), ControlFailure>;
    /// Sets how long the topic of a temp table keeps records.
    async fn set_temp_retention(&self, table: &TempTable, retention_ms: i64) -> Result<(), ControlFailure>;
    /// Removes the topic of a temp table.
    async fn drop_temp_topic(&self, table: &TempTable) -> Result<(), ControlFailure>;
    /// How large a temp table is.
    async fn temp_table_size(&self, table: &TempTable) -> Result<TempTableSize, ControlFailure>;
    /// Removes the state of a savepoint.
    async fn remove_savepoint_state(&self, location: &str) -> Result<(), ControlFailure>;
    /// Whether a build with so many bytes of JARs would be taken now.
    fn admits_build(&self, tenant: &TenantId, bytes: usize) -> Result<(), ControlFailure>;
    /// Takes a build.
    async fn submit_build(&self, cause: &Cause, scope: &ProjectScope, order: BuildOrder) -> Result<Build, ControlFailure>;
    /// Ends a build.
    async fn cancel_build(&self, cause: &Cause, scope: &ProjectScope, id: &str) -> Result<Build, ControlFailure>;
    /// The build when it has ended, or as it is after `wait`.
    async fn wait_for_build(&self, scope: &ProjectScope, id: &str, wait: Duration) -> Result<Build, ControlFailure>;
    /// What the build service can do here.
    async fn builds_status(&self) -> BuildsStatus;
    /// What was wrong with the checkpoint store when it was last probed.
    fn checkpoints_failure(&self) -> Option<String> {
        None
    }
    /// Metrics in Prometheus text format.
    fn prometheus(&self) -> String;
}
