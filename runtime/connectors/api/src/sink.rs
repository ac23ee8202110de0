//! Writing to an outside system, in two steps around a checkpoint.
//!
//! Protocol: any number of `write`; at a barrier `prepare(n)`, whose bytes become part of checkpoint n; once checkpoint
//! n is durable `commit(n)`, possibly after further `write`s. A checkpoint that failed is never committed: its bytes are
//! carried into the next `prepare`. After a restore, `Connector::open_sink` gets the bytes of the last durable
//! checkpoint and must make them visible exactly once, whether or not `commit` had run before the crash.

use crate::{ConnectorError, DeadLetters, TableBinding};
use async_trait::async_trait;
use bytes::Bytes;
use millrace_model::{
    Batch, Schema,
    ids::{CheckpointId, InstanceId, NodeId},
};
use std::sync::{Arc, atomic::AtomicU64};

/// Counters that a sink keeps; names in the API are Flink's (`numRecordsSend`, `numBytesSend`, …).
#[derive(Debug, Default)]
pub struct SinkMetrics {
    /// Records accepted for delivery.
    pub records_out: AtomicU64,
    /// Payload bytes accepted for delivery.
    pub bytes_out: AtomicU64,
    /// Records waiting for the next commit.
    pub pending_commit: AtomicU64,
    /// Restored transactions that had been committed before the crash.
    pub recovered_already_committed: AtomicU64,
    /// Restored transactions that had to be written again.
    pub recovered_written_again: AtomicU64,
}

/// The bytes that one sink subtask gave to `prepare` for the restored checkpoint.
#[derive(Debug, Clone)]
pub struct RestoredSinkState {
    /// Number of the subtask that prepared it; parallelism may have been another.
    pub subtask: usize,
    /// What `prepare` returned.
    pub bytes: Bytes,
}

/// What a sink subtask needs to open.
pub struct SinkContext {
    /// Instance that it belongs to; names transactions and tokens.
    pub instance: InstanceId,
    /// Operator that it belongs to.
    pub operator: NodeId,
    /// Settings of the node, checked by `Connector::check_sink`.
    pub config: serde_json::Map<String, serde_json::Value>,
    /// The table to write.
    pub table: TableBinding,
    /// Columns of the rows to come.
    pub input: Schema,
    /// This subtask's number, from 0.
    pub subtask: usize,
    /// Number of subtasks.
    pub parallelism: usize,
    /// States that this subtask must settle: those of old subtasks `s` with `s % parallelism == subtask`.
    pub restored: Vec<RestoredSinkState>,
    /// Counters to keep.
    pub metrics: Arc<SinkMetrics>,
    /// Where rows go that cannot be written.
    pub dead_letters: Arc<dyn DeadLetters>,
}

/// One open sink subtask.
#[async_trait]
pub trait Sink: Send {
    /// Accepts rows; waits when too much is under way (back-pressure).
    async fn write(&mut self, batch: Batch) -> Result<(), ConnectorError>;

    /// Whether pending output has grown so large that a checkpoint should be taken now.
    fn wants_checkpoint(&self) -> bool {
        false
    }

    /// Barrier: everything written so far is either delivered on return or contained in the returned bytes.
    async fn prepare(&mut self, checkpoint: CheckpointId) -> Result<Bytes, ConnectorError>;

    /// Checkpoint `checkpoint` is durable: makes what was prepared for it (and before) visible, exactly once.
    async fn commit(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError>;
}
