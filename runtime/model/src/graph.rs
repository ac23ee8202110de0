//! The job graph: one engine-neutral JSON document of nodes, edges and parameters (requirements JOB-2, JOB-3).
//!
//! Invariant: this module knows the document's shape, not what a node kind means; kinds are registered by the engine
//! and the connectors. A document that deserializes may still be wrong: `check_structure` first, then the planner.
//!
//! A job may be written as a SQL script instead. The script stays in the document as it was written; nodes and edges are
//! then what it was planned into: absent in drafts, there in versions, so that a version runs the same for ever.
//!
//! Or it is a program in a JAR: then the document has no nodes, and a cluster engine runs it.

use crate::ids::NodeId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

mod jar;
mod structure;
pub use jar::{ARGUMENT_CHARACTERS_MAX, ARGUMENTS_MAX, JarEngine, JarProgram, JobMode, check_jar};
pub use structure::{Arity, check_structure, topological_order};

/// Most nodes that a graph may have.
pub const NODES_MAX: usize = 500;

/// A job graph as users write it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobGraph {
    /// A Flink SQL script that the job is made from. With it, nodes and edges of a draft are made anew, not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// A program in a JAR that is the whole job (JOB-1). With it, there are no nodes and no script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jar: Option<JarProgram>,
    /// The operators.
    #[serde(default)]
    pub nodes: Vec<Node>,
    /// The flows between them.
    #[serde(default)]
    pub edges: Vec<Edge>,
    /// Dimension tables that the job's plugins look up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dimension_tables: Vec<DimensionTableSpec>,
    /// Parameters of the whole job.
    #[serde(default)]
    pub parameters: JobParameters,
}

/// A dimension table of a job (DIM-1, DIM-2). Its rows come from one of a plugin, a data package or a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DimensionTableSpec {
    /// What queries and plugins call it.
    pub name: String,
    /// The dimension updater that fills it, a plugin of the project.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub plugin: String,
    /// The uploaded data package that has its rows, a resource of the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The table (topic) of the project whose newest row of each key it holds: read to its end first, then followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Columns that tell its rows apart; an updater says them itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    /// Its columns, where they are not those of the package or table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<crate::Schema>,
    /// Version of the plugin or package; the newest when the job is submitted, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What the updater reads with `parameter`, or settings of the table's source.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// What is kept in memory.
    #[serde(default)]
    pub cache: DimensionCache,
    /// Rows (`ALL`) or keys (`LRU`) at most; 0 for the usual number.
    #[serde(default)]
    pub cache_size: u64,
    /// How long a loaded row may be used, in milliseconds; the updater may say less. 0: as long as it says.
    #[serde(default)]
    pub cache_ttl_ms: u64,
}

/// What is kept of a dimension table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DimensionCache {
    /// All rows; after the time to live they are loaded again while the old ones stay in use.
    #[serde(rename = "ALL")]
    All,
    /// The keys used last.
    #[default]
    #[serde(rename = "LRU")]
    Lru,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Unique in the graph; operator state is found again by it, so it stays when a node is renamed.
    pub id: NodeId,
    /// Name shown to users; the id when empty.
    #[serde(default)]
    pub name: String,
    /// What the node is: `kafka_source`, `etl`, `kafka_sink`, …
    pub kind: String,
    /// Settings whose shape the kind defines.
    #[serde(default)]
    pub config: serde_json::Map<String, serde_json::Value>,
    /// Subtasks of this operator; the job's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<u16>,
    /// Where the canvas draws the node; without meaning for execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

/// A place on the canvas, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// To the right.
    pub x: f64,
    /// Downwards.
    pub y: f64,
}

/// A flow of rows from one node to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// The node that sends.
    pub from: NodeId,
    /// The node that receives.
    pub to: NodeId,
}

/// Which time windows and watermarks mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeAttribute {
    /// The clock of the machine.
    #[default]
    ProcessingTime,
    /// A field of the record.
    EventTime,
}

/// Where keyed state is kept while a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateBackendKind {
    /// In memory, and beyond the limit on local disk.
    #[default]
    Tiered,
    /// In memory as far as the server gives a job so much; beyond that on local disk.
    Memory,
}

impl StateBackendKind {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Parameters of the whole job (JOB-3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobParameters {
    /// Processing or event time.
    pub time_attribute: TimeAttribute,
    /// Time between checkpoints.
    pub checkpoint_interval_ms: u64,
    /// A checkpoint that takes longer is given up.
    pub checkpoint_timeout_ms: u64,
    /// Completed checkpoints that are kept.
    pub checkpoints_retained: u32,
    /// Checkpoints in a row that may fail before the job fails.
    pub checkpoint_failures_max: u32,
    /// Where keyed state is kept.
    #[serde(skip_serializing_if = "StateBackendKind::is_default")]
    pub state_backend: StateBackendKind,
    /// Memory for the keyed state of the job; what the server allows when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_memory_bytes_max: Option<u64>,
    /// Subtasks of operators that name no parallelism.
    pub parallelism: u16,
    /// Rows per batch at most.
    pub batch_rows_max: u32,
    /// What happens after a failure that may pass.
    pub restart: RestartPolicy,
    /// Table that receives what could not be processed: bad records, late records, faulty batches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter_topic: Option<String>,
    /// Free environment parameters.
    pub environment: BTreeMap<String, String>,
}

impl Default for JobParameters {
    fn default() -> Self {
        Self {
            time_attribute: TimeAttribute::default(),
            checkpoint_interval_ms: 10_000,
            checkpoint_timeout_ms: 600_000,
            checkpoints_retained: 3,
            checkpoint_failures_max: 10,
            state_backend: StateBackendKind::default(),
            state_memory_bytes_max: None,
            parallelism: 1,
            batch_rows_max: 8_192,
            restart: RestartPolicy::default(),
            dead_letter_topic: None,
            environment: BTreeMap::new(),
        }
    }
}

/// Restart with exponential back-off, as Flink's `exponential-delay` strategy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RestartPolicy {
    /// Restarts before the instance fails for good; counted again from zero after `reset_after_ms` without a failure.
    pub attempts_max: u32,
    /// First wait.
    pub delay_ms: u64,
    /// Longest wait; each wait is twice the one before.
    pub delay_max_ms: u64,
    /// Running this long forgets earlier failures.
    pub reset_after_ms: u64,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self { attempts_max: 10, delay_ms: 1_000, delay_max_ms: 60_000, reset_after_ms: 600_000 }
    }
}

/// Something wrong in a graph: names node, field and reason, so that the canvas can show it in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("node `{}`, field `{}`{}: {message}", .node.as_ref().map_or("-", |n| n.as_str()), .field.as_deref().unwrap_or("-"), placed(.place.as_ref()))]
pub struct GraphError {
    /// The node, absent when the graph as a whole is meant.
    pub node: Option<NodeId>,
    /// Path of the field: `config.topic`, `parallelism`, …
    pub field: Option<String>,
    /// Stable code for programs and translations: `graph.cycle`, `config.unknown_field`, …
    pub code: String,
    /// What was found, what was expected, what to do next.
    pub message: String,
    /// Where in the field's text, if the field is a SQL script.
    #[serde(flatten)]
    pub place: Option<TextPlace>,
}

/// A place in a text of several lines; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TextPlace {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

fn placed(place: Option<&TextPlace>) -> String {
    place.map(|p| format!(", line {}, column {}", p.line, p.column)).unwrap_or_default()
}

impl GraphError {
    /// An error in a field of a node.
    pub fn in_field(node: &NodeId, field: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self { node: Some(node.clone()), field: Some(field.into()), code: code.into(), message: message.into(), place: None }
    }

    /// An error of a node as a whole.
    pub fn in_node(node: &NodeId, code: &str, message: impl Into<String>) -> Self {
        Self { node: Some(node.clone()), field: None, code: code.into(), message: message.into(), place: None }
    }

    /// An error of the graph as a whole.
    pub fn in_graph(code: &str, message: impl Into<String>) -> Self {
        Self { node: None, field: None, code: code.into(), message: message.into(), place: None }
    }

    /// An error in a field of the document that belongs to no node: `parameters.parallelism`, `sql`.
    pub fn in_document(field: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self { node: None, field: Some(field.into()), code: code.into(), message: message.into(), place: None }
    }

    /// The same error with its place in the field's text.
    #[must_use]
    pub fn at(self, place: TextPlace) -> Self {
        Self { place: Some(place), ..self }
    }
}
