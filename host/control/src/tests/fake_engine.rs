//! An engine whose executions do what the test says.

use crate::engine::{Examined, Execution, ExecutionEngine, Launch};
use async_trait::async_trait;
use bytes::Bytes;
use millrace_checkpoint::CheckpointStore;
use millrace_engine::{
    Catalog, CheckpointOutcome, CheckpointSummary, EngineError, ExecutionState, JobFailure, JobMetrics, SavepointInfo, StartFrom,
};
use millrace_model::{
    FaultClass,
    graph::{GraphError, JobGraph},
    ids::{InstanceId, NodeId, SavepointId, TenantId},
};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, atomic::AtomicUsize, atomic::Ordering::SeqCst},
};
use tokio::sync::watch;

/// One launch as the engine saw it.
pub(super) struct Seen {
    pub(super) run: InstanceId,
    pub(super) from: StartFrom,
    pub(super) execution: Arc<FakeExecution>,
}

pub(super) struct FakeEngine {
    checkpoints: Arc<dyn CheckpointStore>,
    pub(super) seen: Mutex<Vec<Seen>>,
    /// Launches that fail, first first.
    pub(super) refusals: Mutex<VecDeque<JobFailure>>,
    running: Arc<AtomicUsize>,
    pub(super) running_max: AtomicUsize,
}

impl FakeEngine {
    pub(super) fn new(checkpoints: Arc<dyn CheckpointStore>) -> Arc<Self> {
        Arc::new(Self {
            checkpoints,
            seen: Mutex::default(),
            refusals: Mutex::default(),
            running: Arc::default(),
            running_max: AtomicUsize::new(0),
        })
    }

    pub(super) fn launches(&self) -> Vec<(InstanceId, StartFrom)> {
        self.seen.lock().iter().map(|s| (s.run.clone(), s.from.clone())).collect()
    }

    pub(super) fn newest(&self) -> Arc<FakeExecution> {
        self.seen.lock().last().map(|s| s.execution.clone()).unwrap()
    }
}

#[async_trait]
impl ExecutionEngine for FakeEngine {
    async fn examine(&self, graph: &JobGraph, _: &TenantId, _: &dyn Catalog, _: bool) -> Result<Examined, Vec<GraphError>> {
        let pins = serde_json::json!({});
        Ok(Examined { schemas: BTreeMap::new(), pins, graph: graph.clone(), queries: Vec::new(), warnings: Vec::new() })
    }

    async fn launch(&self, launch: Launch) -> Result<Arc<dyn Execution>, JobFailure> {
        if let Some(failure) = self.refusals.lock().pop_front() {
            return Err(failure);
        }
        let execution = Arc::new(FakeExecution {
            run: launch.instance.clone(),
            checkpoints: self.checkpoints.clone(),
            state: watch::channel(ExecutionState::Running).0,
            running: self.running.clone(),
            savepoints_work: Mutex::new(true),
            taken: Mutex::default(),
        });
        let running = self.running.fetch_add(1, SeqCst) + 1;
        self.running_max.fetch_max(running, SeqCst);
        self.seen.lock().push(Seen { run: launch.instance, from: launch.from, execution: execution.clone() });
        Ok(execution)
    }
}

pub(super) struct FakeExecution {
    run: InstanceId,
    checkpoints: Arc<dyn CheckpointStore>,
    state: watch::Sender<ExecutionState>,
    running: Arc<AtomicUsize>,
    pub(super) savepoints_work: Mutex<bool>,
    taken: Mutex<Vec<CheckpointSummary>>,
}

impl FakeExecution {
    /// Takes a checkpoint: what the control plane sees of one is its manifest.
    pub(super) async fn checkpoint(&self, number: u64) {
        let path = format!("{}/chk-{number}/manifest.json", self.run);
        self.checkpoints.put(&path, Bytes::from_static(b"{}")).await.unwrap();
        let outcome = CheckpointOutcome::Completed { size_bytes: 2, written_bytes: 2 };
        self.taken.lock().push(CheckpointSummary { checkpoint: number, savepoint: None, started_ms: 0, duration_ms: 1, outcome });
    }

    pub(super) fn end(&self, state: ExecutionState) {
        self.state.send_if_modified(|now| {
            let change = !now.is_final();
            if change {
                *now = state;
                self.running.fetch_sub(1, SeqCst);
            }
            change
        });
    }

    pub(super) fn is_running(&self) -> bool {
        !self.state.borrow().is_final()
    }
}

#[async_trait]
impl Execution for FakeExecution {
    fn state(&self) -> watch::Receiver<ExecutionState> {
        self.state.subscribe()
    }

    async fn savepoint(&self, id: &SavepointId) -> Result<SavepointInfo, EngineError> {
        if !*self.savepoints_work.lock() {
            return Err(EngineError::SavepointAborted("the disk is full".into()));
        }
        let location = format!("savepoints/{id}");
        self.checkpoints.put(&format!("{location}/manifest.json"), Bytes::from_static(b"{}")).await.unwrap();
        Ok(SavepointInfo { id: id.clone(), location, size_bytes: 2, checkpoint: 1 })
    }

    async fn stop(&self, with_savepoint: Option<&SavepointId>) -> Result<Option<SavepointInfo>, EngineError> {
        let info = match with_savepoint {
            Some(id) => Some(self.savepoint(id).await?),
            None => None,
        };
        self.end(ExecutionState::Stopped);
        Ok(info)
    }

    fn cancel(&self) {
        self.end(ExecutionState::Stopped);
    }

    fn metrics(&self) -> JobMetrics {
        JobMetrics { uptime_ms: 1, dead_letters: 0, operators: Vec::new(), dimension_tables: Vec::new() }
    }

    fn checkpoints(&self) -> Vec<CheckpointSummary> {
        self.taken.lock().clone()
    }
}

pub(super) fn failure(class: FaultClass, message: &str) -> JobFailure {
    let retryable = class != FaultClass::User;
    JobFailure { class, retryable, operator: Some(NodeId::new("op")), message: message.into(), fault: None }
}
