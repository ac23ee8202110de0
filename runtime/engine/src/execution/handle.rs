//! What the control plane holds of a running execution: state, metrics, savepoints, stop.

use super::ExecutionState;
use crate::{
    dead_letters::{InstanceLetters, RecentLetter},
    dimension::JobDimensions,
    error::EngineError,
    metrics::{JobMetrics, OperatorRole, SubtaskMetrics, read_operator},
    tap::{OperatorTap, TapReader},
};
use millrace_functions::meter::Meter;
use millrace_model::{
    Schema,
    ids::{CheckpointId, NodeId, SavepointId},
};
use serde::Serialize;
use std::{collections::VecDeque, sync::Arc, time::Instant};
use tokio::sync::{mpsc::UnboundedSender, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// Checkpoints that the history keeps.
const HISTORY_MAX: usize = 50;

/// A savepoint that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SavepointInfo {
    /// Its id.
    pub id: SavepointId,
    /// Its folder in the checkpoint store.
    pub location: String,
    /// Size of its state.
    pub size_bytes: u64,
    /// The checkpoint that it is a copy of.
    pub checkpoint: CheckpointId,
}

/// How a checkpoint went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum CheckpointOutcome {
    /// Barriers are out or state is being written.
    InProgress,
    /// Durable.
    Completed {
        /// Size of its state.
        size_bytes: u64,
        /// How much of it this checkpoint has written; the rest is that of earlier ones.
        written_bytes: u64,
    },
    /// Given up.
    Failed {
        /// Why.
        reason: String,
    },
}

/// One line of the checkpoint history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckpointSummary {
    /// Its number.
    pub checkpoint: CheckpointId,
    /// Set for savepoints.
    pub savepoint: Option<SavepointId>,
    /// When its barriers were sent, epoch milliseconds.
    pub started_ms: i64,
    /// How long it took (so far).
    pub duration_ms: u64,
    /// How it went.
    #[serde(flatten)]
    pub outcome: CheckpointOutcome,
}

/// The newest checkpoints, oldest first.
#[derive(Default)]
pub(super) struct History(parking_lot::Mutex<VecDeque<CheckpointSummary>>);

impl History {
    pub fn begin(&self, checkpoint: CheckpointId, savepoint: Option<SavepointId>, started_ms: i64) {
        let mut lines = self.0.lock();
        if lines.len() == HISTORY_MAX {
            lines.pop_front();
        }
        lines.push_back(CheckpointSummary { checkpoint, savepoint, started_ms, duration_ms: 0, outcome: CheckpointOutcome::InProgress });
    }

    pub fn end(&self, checkpoint: CheckpointId, outcome: CheckpointOutcome, now_ms: i64) {
        if let Some(line) = self.0.lock().iter_mut().rev().find(|l| l.checkpoint == checkpoint) {
            line.duration_ms = u64::try_from(now_ms.saturating_sub(line.started_ms)).unwrap_or(0);
            line.outcome = outcome;
        }
    }

    fn all(&self) -> Vec<CheckpointSummary> {
        self.0.lock().iter().cloned().collect()
    }
}

pub(super) struct OperatorView {
    pub node: NodeId,
    pub name: String,
    pub kind: String,
    pub role: OperatorRole,
    pub subtasks: Vec<Arc<SubtaskMetrics>>,
    pub tap: Arc<OperatorTap>,
    /// Columns that leave it; none leave a sink.
    pub output: Option<Schema>,
    /// Positions of the operators before it.
    pub inputs: Vec<usize>,
}

/// A command of the control plane.
pub(super) enum Request {
    Savepoint { id: SavepointId, then_stop: bool, reply: oneshot::Sender<Result<SavepointInfo, EngineError>> },
}

/// A running (or ended) execution. Dropping all handles does not end it.
#[derive(Clone)]
pub struct JobHandle {
    pub(super) state: watch::Receiver<ExecutionState>,
    pub(super) requests: UnboundedSender<Request>,
    pub(super) cancel: CancellationToken,
    /// What its subtasks run by.
    pub(super) meter: Arc<Meter>,
    pub(super) operators: Arc<Vec<OperatorView>>,
    pub(super) history: Arc<History>,
    pub(super) letters: Arc<InstanceLetters>,
    pub(super) dimensions: Arc<JobDimensions>,
    pub(super) started: Instant,
    pub(super) restored: Option<CheckpointId>,
}

impl JobHandle {
    /// The state, and a wake-up whenever it changes.
    pub fn state(&self) -> watch::Receiver<ExecutionState> {
        self.state.clone()
    }

    /// The checkpoint that the execution was restored from.
    pub fn restored(&self) -> Option<CheckpointId> {
        self.restored
    }

    /// Takes a savepoint; returns when it is durable. Rows flow on.
    ///
    /// # Errors
    /// The savepoint could not be taken, or the execution has ended.
    pub async fn savepoint(&self, id: &SavepointId) -> Result<SavepointInfo, EngineError> {
        self.request_savepoint(id, false).await
    }

    /// Ends the execution; returns when nothing of it runs any more. With a savepoint, sources stop at its barrier and
    /// everything before it is delivered first; if it cannot be taken, the execution goes on.
    ///
    /// # Errors
    /// The savepoint could not be taken, or the execution has ended.
    pub async fn stop(&self, with_savepoint: Option<&SavepointId>) -> Result<Option<SavepointInfo>, EngineError> {
        let info = match with_savepoint {
            Some(id) => Some(self.request_savepoint(id, true).await?),
            None => {
                self.cancel();
                None
            }
        };
        self.ended().await;
        Ok(info)
    }

    /// Asks the execution to end without a savepoint; does not wait.
    pub fn cancel(&self) {
        // First the word, then the end of what is being computed: that is no failure then.
        self.cancel.cancel();
        self.meter.cancel();
    }

    /// Waits until the state is final, and answers it.
    pub async fn ended(&self) -> ExecutionState {
        let mut state = self.state.clone();
        let ended = state.wait_for(ExecutionState::is_final).await.map(|s| s.clone());
        ended.unwrap_or(ExecutionState::Stopped)
    }

    /// Metrics now.
    pub fn metrics(&self) -> JobMetrics {
        let operators = self.operators.iter().map(|o| read_operator(&o.node, &o.name, &o.kind, o.role, &o.subtasks)).collect();
        JobMetrics {
            uptime_ms: self.started.elapsed().as_millis() as u64,
            dead_letters: self.letters.count(),
            operators,
            dimension_tables: self.dimensions.metrics(),
        }
    }

    /// The newest checkpoints, oldest first.
    pub fn checkpoints(&self) -> Vec<CheckpointSummary> {
        self.history.all()
    }

    /// The newest dead letters, oldest first.
    pub fn recent_dead_letters(&self) -> Vec<RecentLetter> {
        self.letters.recent()
    }

    /// Listens to the rows that leave a node: of a sink, to those that enter it. `None` if there is no such node.
    ///
    /// # Errors
    /// Rows of these columns cannot be shown.
    pub fn tap(&self, node: &NodeId) -> Result<Option<TapReader>, EngineError> {
        // The last operator of a node stands for it.
        let Some(operator) = self.operators.iter().rfind(|o| o.node == *node) else { return Ok(None) };
        let senders: Vec<&OperatorView> = match operator.output {
            Some(_) => vec![operator],
            None => operator.inputs.iter().filter_map(|&input| self.operators.get(input)).collect(),
        };
        let Some(schema) = senders.first().and_then(|sender| sender.output.clone()) else { return Ok(None) };
        let taps: Vec<_> = senders.iter().map(|sender| sender.tap.clone()).collect();
        let opened = TapReader::open(&taps, schema);
        opened.map(Some).map_err(|error| EngineError::Open { operator: node.clone(), error: error.into() })
    }

    /// Ids of all nodes, in the order of the flow.
    pub fn nodes(&self) -> Vec<NodeId> {
        self.operators.iter().map(|o| o.node.clone()).collect()
    }

    async fn request_savepoint(&self, id: &SavepointId, then_stop: bool) -> Result<SavepointInfo, EngineError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Savepoint { id: id.clone(), then_stop, reply };
        self.requests.send(request).map_err(|_| EngineError::NotRunning)?;
        answer.await.map_err(|_| EngineError::NotRunning)?
    }
}
