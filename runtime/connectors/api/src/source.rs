//! Reading from an outside system.

use crate::{ConnectorError, DeadLetters, MetadataColumn, TableBinding};
use arrow_array::{Int64Array, RecordBatch};
use async_trait::async_trait;
use millrace_model::{
    Batch,
    graph::TimeAttribute,
    ids::{CheckpointId, InstanceId, NodeId},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64},
    },
};

/// Where a source begins to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceStart {
    /// With the first record that is there.
    Earliest,
    /// With what comes from now on.
    Latest,
    /// So many records before the end, in each partition.
    Newest {
        /// How many.
        records: u64,
    },
    /// With the first record of this time or later.
    Time {
        /// Epoch milliseconds.
        timestamp_ms: i64,
    },
}

/// What a source tells the engine.
#[derive(Debug)]
pub enum SourceEvent {
    /// Rows, at least one.
    Batch(Batch),
    /// No later row has an event time at or before this many epoch milliseconds; grows strictly.
    Watermark(i64),
    /// All partitions are silent: do not wait for this subtask's watermark.
    Idle,
    /// The subtask reads again after `Idle`.
    Active,
    /// A bounded source has read everything.
    End,
}

/// Counters that a source keeps; names in the API are Flink's (`numRecordsIn`, `pendingRecords`, …).
#[derive(Debug, Default)]
pub struct SourceMetrics {
    /// Records read, good and bad.
    pub records_in: AtomicU64,
    /// Payload bytes read.
    pub bytes_in: AtomicU64,
    /// Records that could not be read as declared.
    pub bad_records: AtomicU64,
    /// Records dropped because the watermark had passed them.
    pub late_records_dropped: AtomicU64,
    /// Records in the partitions not read yet; -1 if unknown.
    pub pending_records: AtomicI64,
    /// Last watermark in epoch milliseconds; `i64::MIN` before the first.
    pub watermark_ms: AtomicI64,
    partition_watermarks_ms: Mutex<BTreeMap<i32, i64>>,
}

/// Most partitions of a subtask whose watermarks are shown.
const PARTITIONS_SHOWN_MAX: usize = 256;

impl SourceMetrics {
    /// Shows the watermark of each partition, in epoch milliseconds.
    pub fn show_partitions(&self, watermarks_ms: impl Iterator<Item = (i32, i64)>) {
        let shown = watermarks_ms.take(PARTITIONS_SHOWN_MAX).collect();
        *self.partition_watermarks_ms.lock().unwrap_or_else(PoisonError::into_inner) = shown;
    }

    /// The watermarks that were shown last, by partition.
    pub fn partition_watermarks_ms(&self) -> BTreeMap<i32, i64> {
        self.partition_watermarks_ms.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Works out, from a source's own rows, the watermark that each row stands for.
pub trait RowWatermarks: Send + Sync {
    /// Epoch milliseconds per row; NULL where a row says nothing about time.
    ///
    /// # Errors
    /// Rows on which it cannot be computed.
    fn watermarks_ms(&self, rows: &RecordBatch) -> Result<Int64Array, ConnectorError>;
}

/// Event time that the planner declares for a source, beside (and before) what its own settings say.
#[derive(Clone)]
pub struct DeclaredTime {
    /// The watermark of each row.
    pub watermarks: Arc<dyn RowWatermarks>,
    /// A partition that is silent for so long does not hold the watermark back; `None`: it always does.
    pub idle_timeout_ms: Option<u64>,
}

/// What a source subtask needs to open.
pub struct SourceContext {
    /// Instance that it belongs to.
    pub instance: InstanceId,
    /// Operator that it belongs to.
    pub operator: NodeId,
    /// Settings of the node, checked by `Connector::check_source`.
    pub config: serde_json::Map<String, serde_json::Value>,
    /// The table to read.
    pub table: TableBinding,
    /// Metadata to add as columns behind the table's, in this order.
    pub metadata: Vec<MetadataColumn>,
    /// Processing or event time.
    pub time_attribute: TimeAttribute,
    /// Set when a SQL table declares its watermark; late rows are then the operators' business, the source keeps them.
    pub declared_time: Option<DeclaredTime>,
    /// Rows per batch at most.
    pub batch_rows_max: usize,
    /// This subtask's number, from 0.
    pub subtask: usize,
    /// Number of subtasks.
    pub parallelism: usize,
    /// States of *all* subtasks of this operator in the checkpoint, in any order, perhaps of another parallelism;
    /// the source picks what it is assigned. Empty on a fresh start.
    pub restored: Vec<Vec<u8>>,
    /// Counters to keep.
    pub metrics: Arc<SourceMetrics>,
    /// Where bad and late records go.
    pub dead_letters: Arc<dyn DeadLetters>,
}

/// One open source subtask.
#[async_trait]
pub trait Source: Send {
    /// Waits for the next event. Cancel safe: a dropped call loses no record.
    async fn next(&mut self) -> Result<SourceEvent, ConnectorError>;

    /// Whether all that the table had when the source was opened has been returned. Only sources whose settings come from
    /// `Connector::dimension_source` tell, and those that end.
    fn has_reached_end(&self) -> bool {
        false
    }

    /// A barrier comes: events that are on their way and must lie before it. Called right before `snapshot`.
    async fn before_barrier(&mut self, _checkpoint: CheckpointId) -> Result<Vec<SourceEvent>, ConnectorError> {
        Ok(Vec::new())
    }

    /// The position just behind everything that `next` and `before_barrier` have returned.
    fn snapshot(&mut self) -> Result<Vec<u8>, ConnectorError>;

    /// The checkpoint that holds the given snapshot is durable (e.g. publish offsets for lag monitors). Best effort.
    async fn committed(&mut self, checkpoint: CheckpointId, snapshot: &[u8]) -> Result<(), ConnectorError>;
}
