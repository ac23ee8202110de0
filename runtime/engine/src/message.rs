//! What travels through channels between subtasks.

use millrace_model::{
    Batch,
    ids::{CheckpointId, SavepointId},
};

/// One message of a channel. Order within a channel is kept; barriers and watermarks never overtake rows.
#[derive(Debug, Clone)]
pub enum Message {
    /// Rows, at least one.
    Batch(Batch),
    /// No later row of this channel has an event time at or before this many epoch milliseconds.
    Watermark(i64),
    /// The channel is silent: do not wait for its watermark until `Active`.
    Idle,
    /// The channel has rows again.
    Active,
    /// Everything before belongs to the checkpoint, everything behind does not.
    Barrier(Barrier),
}

/// Marks a checkpoint's place in the flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Barrier {
    /// The checkpoint.
    pub checkpoint: CheckpointId,
    /// Set when the checkpoint is a savepoint.
    pub savepoint: Option<SavepointId>,
    /// Sources emit nothing behind this barrier (stop with savepoint).
    pub is_last: bool,
}
