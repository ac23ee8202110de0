//! The loops that run subtasks: one spawned future each, fed by channels, driven by the coordinator's commands.
//!
//! Invariant: a subtask acknowledges a checkpoint exactly once, after everything before the barrier is handled and
//! the barrier has been sent on, and never touches the checkpoint store itself.

mod sink;
mod source;
mod transform;

pub(crate) use sink::SinkSubtask;
pub(crate) use source::SourceSubtask;
pub(crate) use transform::TransformSubtask;

use crate::{message::Barrier, operators::OperatorSnapshot};
use bytes::Bytes;
use millrace_model::ids::CheckpointId;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::UnboundedSender;

/// From the coordinator to a subtask.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    /// To sources: a checkpoint begins here.
    Inject(Barrier),
    /// To sources and sinks: the checkpoint is durable.
    Committed(CheckpointId),
}

/// State that a subtask hands over for a checkpoint.
#[derive(Debug)]
pub(crate) enum SubtaskState {
    Source(Vec<u8>),
    Transform(OperatorSnapshot),
    Sink(Bytes),
}

/// From a subtask to the coordinator.
#[derive(Debug)]
pub(crate) enum SubtaskEvent {
    /// The state at the barrier.
    Acked { checkpoint: CheckpointId, subtask: usize, state: SubtaskState },
    /// A sink has made the checkpoint's output visible.
    SinkCommitted { checkpoint: CheckpointId, subtask: usize },
    /// A sink's pending output is large.
    WantsCheckpoint,
    /// A bounded source has read everything.
    SourceFinished { subtask: usize },
}

/// Where a subtask reports, and as which number.
#[derive(Clone)]
pub(crate) struct Reporter {
    pub subtask: usize,
    pub events: UnboundedSender<SubtaskEvent>,
}

impl Reporter {
    /// The coordinator ends last, so an error only means that the job is being torn down.
    pub fn ack(&self, checkpoint: CheckpointId, state: SubtaskState) {
        let _ = self.events.send(SubtaskEvent::Acked { checkpoint, subtask: self.subtask, state });
    }

    pub fn send(&self, event: SubtaskEvent) {
        let _ = self.events.send(event);
    }
}

/// Processing time in epoch milliseconds.
pub(crate) fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
