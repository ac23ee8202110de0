//! Transforming operators: what a kind is, and the registry of kinds.
//!
//! A new operator is one file here and one line in [`OperatorRegistry::builtin`].

pub mod deduplicate;
pub mod etl;
pub mod quality_check;
pub mod sql;

use crate::{
    catalog::Catalog,
    dimension::JobDimensions,
    error::OperatorError,
    metrics::SubtaskMetrics,
    services::EngineServices,
    state::{KeyGroupBlobs, StateContext, StateSegments, tiered_map::TieredSnapshot},
};
use async_trait::async_trait;
use bytes::Bytes;
use millrace_connector::DeadLetters;
use millrace_model::{
    Batch, Schema,
    graph::{GraphError, JobParameters, Node},
    ids::{CheckpointId, InstanceId, NodeId, TenantId},
};
use millrace_sql::plan::ChangelogMode;
use std::{any::Any, collections::BTreeMap, sync::Arc};

/// A kind of transforming operator.
#[async_trait]
pub trait OperatorKind: Send + Sync {
    /// The node kind: `etl`.
    fn kind(&self) -> &'static str;

    /// Version of this kind's state layout; a savepoint of another version is refused.
    fn state_version(&self) -> u32 {
        1
    }

    /// Checks a node's settings against its input and works out what it will do.
    ///
    /// # Errors
    /// Everything that is wrong, by field.
    async fn plan(&self, node: &Node, input: &Schema, context: &PlanContext<'_>) -> Result<PlannedTransform, Vec<GraphError>>;

    /// Whether its inputs may have different columns; then [`Self::plan_inputs`] plans it.
    fn takes_different_inputs(&self) -> bool {
        false
    }

    /// Like [`Self::plan`], for inputs with different columns.
    ///
    /// # Errors
    /// Everything that is wrong, by field.
    async fn plan_inputs(&self, node: &Node, inputs: &[Schema], context: &PlanContext<'_>) -> Result<PlannedTransform, Vec<GraphError>> {
        match inputs.first() {
            Some(input) => self.plan(node, input, context).await,
            None => Err(vec![GraphError::in_node(&node.id, "graph.no_input", "has no input; connect a node before it")]),
        }
    }

    /// Whether rows leave with the kind of change and the key that they come with, so that updates and deletes may pass, and
    /// what is behind sees through the operator.
    fn keeps_changes(&self) -> bool {
        false
    }

    /// `planned`, for an input that sends these changes; asked only where [`Self::keeps_changes`].
    fn for_changes(&self, planned: PlannedTransform, _changes: ChangelogMode) -> PlannedTransform {
        planned
    }

    /// Opens one subtask.
    ///
    /// # Errors
    /// Tenant code that fails to open, state that does not fit.
    async fn open(&self, context: OperatorContext) -> Result<Box<dyn Operator>, OperatorError>;
}

/// What planning may look at.
pub struct PlanContext<'a> {
    /// Whose job it is.
    pub tenant: &'a TenantId,
    /// Names of the project.
    pub catalog: &'a dyn Catalog,
    /// Shared services.
    pub services: &'a EngineServices,
    /// The job's parameters.
    pub parameters: &'a JobParameters,
    /// The job's dimension tables.
    pub(crate) dimensions: Arc<JobDimensions>,
}

/// Columns by which the rows of an operator's inputs are spread over its subtasks.
///
/// Invariant: the columns of a key have the same types, in the same order, in every input, so that rows with equal keys meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFields {
    /// Columns of the same names in every input.
    Same(Vec<String>),
    /// Of each input its own.
    PerInput(Vec<Vec<String>>),
}

impl KeyFields {
    /// The key columns of input `input`.
    pub fn of(&self, input: usize) -> &[String] {
        match self {
            Self::Same(fields) => fields,
            Self::PerInput(inputs) => inputs.get(input).map_or(&[], Vec::as_slice),
        }
    }
}

/// A node that has been checked and resolved.
#[derive(Clone)]
pub struct PlannedTransform {
    /// Columns that leave the operator.
    pub output: Schema,
    /// Columns by which rows are spread over subtasks; `None` when any subtask may have any row.
    pub key_fields: Option<KeyFields>,
    /// What the kind itself needs at `open`; it alone knows the type.
    pub settings: Arc<dyn Any + Send + Sync>,
    /// What the version pins for this node (content hashes), for people and for reproduction.
    pub pins: serde_json::Value,
}

/// What one subtask needs to open.
pub struct OperatorContext {
    /// Whose job it is.
    pub tenant: TenantId,
    /// Instance that it belongs to.
    pub instance: InstanceId,
    /// The job's name, for reports.
    pub job: String,
    /// The node.
    pub operator: NodeId,
    /// Columns that come in.
    pub input: Schema,
    /// What `plan` answered.
    pub planned: PlannedTransform,
    /// This subtask's number, from 0.
    pub subtask: usize,
    /// Number of subtasks.
    pub parallelism: usize,
    /// Restored keyed state of this subtask's key groups, by state name.
    pub restored: BTreeMap<String, KeyGroupBlobs>,
    /// Restored state in steps, memory for state, and where it may go on local disk.
    pub state: StateContext,
    /// Opaque states of all earlier subtasks of this operator, with their numbers.
    pub restored_subtasks: Vec<(u16, Bytes)>,
    /// How many earlier subtasks there were; `None` at a fresh start.
    pub restored_parallelism: Option<usize>,
    /// The job's dimension tables.
    pub(crate) dimensions: Arc<JobDimensions>,
    /// Counters of the subtask.
    pub metrics: Arc<SubtaskMetrics>,
    /// Where rows go that could not be processed.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// Shared services.
    pub services: EngineServices,
}

/// Receives what an operator emits; the subtask sends it on after the call.
#[derive(Debug, Default)]
pub struct Collector {
    batches: Vec<Batch>,
}

impl Collector {
    /// Emits rows; empty batches are dropped.
    pub fn emit(&mut self, batch: Batch) {
        if batch.num_rows() > 0 {
            self.batches.push(batch);
        }
    }

    pub(crate) fn drain(&mut self) -> std::vec::Drain<'_, Batch> {
        self.batches.drain(..)
    }
}

/// State that an operator subtask puts into a checkpoint.
#[derive(Debug, Default)]
pub struct OperatorSnapshot {
    /// Keyed state by state name and key group.
    pub keyed: BTreeMap<String, KeyGroupBlobs>,
    /// Large keyed state in steps, by state name.
    pub segments: BTreeMap<String, StateSegments>,
    /// State of the subtask as a whole, opaque to the engine; empty if there is none.
    pub subtask: Bytes,
}

impl OperatorSnapshot {
    /// Adds a state.
    pub(crate) fn put(&mut self, name: &str, state: TieredSnapshot) {
        match state {
            TieredSnapshot::Whole(blobs) => drop(self.keyed.insert(name.to_owned(), blobs)),
            TieredSnapshot::Steps(segments) => drop(self.segments.insert(name.to_owned(), segments)),
        }
    }

    /// Total size in bytes, without what is in steps.
    pub fn size_bytes(&self) -> usize {
        self.keyed.values().flat_map(|s| s.values()).map(Bytes::len).sum::<usize>() + self.subtask.len()
    }
}

/// One open subtask of an operator.
#[async_trait]
pub trait Operator: Send {
    /// Handles rows. `now_ms` is the processing time in epoch milliseconds.
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError>;

    /// Handles rows of one of several inputs, in the order of the graph's edges.
    async fn process_input(&mut self, _input: usize, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.process(batch, now_ms, out).await
    }

    /// Rows that it should get at one time: few where it may make very many of each.
    fn rows_at_once(&self) -> usize {
        usize::MAX
    }

    /// Event time has reached `watermark_ms`; fires event-time timers.
    async fn on_watermark(&mut self, _watermark_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        Ok(())
    }

    /// Whether the last watermark makes more due than one call of [`Self::on_watermark`] has handled: then it is called with the
    /// same watermark again, once what it has emitted is sent. So a watermark that makes everything due takes no more memory
    /// than one portion of it.
    fn has_more(&self) -> bool {
        false
    }

    /// The watermark that receivers get when this one has been handled: less where rows may leave later than they came.
    fn output_watermark_ms(&self, watermark_ms: i64) -> i64 {
        watermark_ms
    }

    /// When the next processing-time timer is due.
    fn next_timer_ms(&self) -> Option<i64> {
        None
    }

    /// Processing time has reached `now_ms`; fires processing-time timers.
    async fn on_processing_time(&mut self, _now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        Ok(())
    }

    /// A barrier has come: emits what is held back only to be emitted together, before the state is taken.
    async fn before_barrier(&mut self, _now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        Ok(())
    }

    /// Whether the last call, whichever it was, has more to emit than it could keep in memory. Then [`Self::emit_rest`] is called
    /// before anything else, again and again, and what it emits is sent in between.
    fn has_rest(&self) -> bool {
        false
    }

    /// Emits the next part of what is left.
    async fn emit_rest(&mut self, _out: &mut Collector) -> Result<(), OperatorError> {
        Ok(())
    }

    /// Called right after opening where nobody behind needs the rows that changes replace: an operator may leave out its `-U`.
    fn leave_out_before(&mut self) {}

    /// The checkpoint that the last snapshot was for is durable.
    fn committed(&mut self, _checkpoint: CheckpointId) {}

    /// State for a checkpoint.
    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        Ok(OperatorSnapshot::default())
    }
}

/// Operator kinds by name.
#[derive(Clone, Default)]
pub struct OperatorRegistry {
    by_kind: BTreeMap<&'static str, Arc<dyn OperatorKind>>,
}

impl OperatorRegistry {
    /// The kinds that the engine brings along.
    pub fn builtin() -> Self {
        Self::default()
            .with(Arc::new(etl::EtlKind))
            .with(Arc::new(deduplicate::DeduplicateKind))
            .with(Arc::new(quality_check::QualityCheckKind))
            .with(Arc::new(crate::custom::TransformKind))
    }

    /// Adds a kind.
    #[must_use]
    pub fn with(mut self, kind: Arc<dyn OperatorKind>) -> Self {
        self.by_kind.insert(kind.kind(), kind);
        self
    }

    /// The kind named `kind`.
    pub fn get(&self, kind: &str) -> Option<&Arc<dyn OperatorKind>> {
        self.by_kind.get(kind)
    }

    /// All kinds, in order.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.by_kind.keys().copied()
    }
}
