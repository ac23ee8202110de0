//! The coordinator's spawned loop: carries events to the pure checkpoint protocol and its effects out to the subtasks.

use super::{
    ExecutionState, StartOptions,
    handle::{CheckpointOutcome, History, JobHandle, OperatorView, Request, SavepointInfo},
    open::{Body, Opened},
    restore::Restored,
    store::{Collected, Written, write},
};
use crate::{
    error::{EngineError, JobFailure, OperatorError},
    message::Barrier,
    metrics::{OperatorRole, SubtaskMetrics},
    plan::ExecutionPlan,
    services::EngineServices,
    subtask::{Command, Reporter, SinkSubtask, SourceSubtask, SubtaskEvent, SubtaskState, TransformSubtask, now_ms},
};
use millrace_checkpoint::{
    CheckpointError, Manifest, SharedObjects,
    protocol::{Coordinator, CoordinatorConfig, Effect, Event},
    remove_checkpoint, remove_unshared,
};
use millrace_connector::DeadLetters;
use millrace_functions::meter::Meter;
use millrace_model::{
    Classified,
    ids::{CheckpointId, NodeId, SavepointId},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot, watch,
    },
    task::JoinSet,
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

/// How long the end of an execution waits for a checkpoint that is being written.
const STORE_END_MAX: Duration = Duration::from_secs(10);

type Stored = (CheckpointId, Result<Written, CheckpointError>);
type Ended = (NodeId, Result<(), OperatorError>);

/// Why the loop ends.
enum End {
    Finished,
    Stopped,
    Failed(JobFailure),
}

struct SavepointWaiter {
    then_stop: bool,
    reply: oneshot::Sender<Result<SavepointInfo, EngineError>>,
}

struct Run {
    plan: ExecutionPlan,
    options: StartOptions,
    services: EngineServices,
    coordinator: Coordinator,
    /// Per subtask in the order of the plan.
    commands: Vec<(OperatorRole, UnboundedSender<Command>)>,
    subtasks: JoinSet<Ended>,
    /// Writes of checkpoints and removals of obsolete ones.
    stores: JoinSet<Option<Stored>>,
    history: Arc<History>,
    /// States of the checkpoint in flight, by subtask.
    collecting: HashMap<usize, SubtaskState>,
    /// The last durable checkpoint: the next one goes on from it.
    last: Option<Arc<Manifest>>,
    /// What the retained checkpoints share; `None` if that is not known, and nothing shared may be removed.
    shared: Option<SharedObjects>,
    /// Whether anything shared may be there.
    has_shared: bool,
    /// Per subtask in the order of the plan.
    metrics: Vec<Arc<SubtaskMetrics>>,
    /// Stops wanted by savepoints: their barriers are the last ones.
    waiters: HashMap<SavepointId, SavepointWaiter>,
    /// The execution ends when every sink has committed this checkpoint.
    last_commit: Option<LastCommit>,
    sources_running: usize,
    /// What the subtasks run by: ends what they compute.
    meter: Arc<Meter>,
}

struct LastCommit {
    checkpoint: CheckpointId,
    sinks_missing: BTreeSet<usize>,
    end: End,
    reply: Option<(oneshot::Sender<Result<SavepointInfo, EngineError>>, SavepointInfo)>,
}

/// Spawns the subtasks and the coordinator.
pub(super) fn spawn(
    plan: ExecutionPlan,
    options: StartOptions,
    services: EngineServices,
    restored: Restored,
    opened: Opened,
    meter: Arc<Meter>,
) -> JobHandle {
    let (events_in, events) = unbounded_channel();
    let (requests, requested) = unbounded_channel();
    let (state_in, state) = watch::channel(ExecutionState::Running);
    let history = Arc::new(History::default());
    let cancel = CancellationToken::new();
    let letters = opened.letters.clone();
    let mut subtasks = JoinSet::new();
    let mut commands = Vec::new();
    let spawner = Spawner { events: events_in, meter: meter.clone(), threads: services.threads.jobs() };
    let operators = spawn_subtasks(&plan, opened, &spawner, &mut subtasks, &mut commands);
    let parameters = &plan.parameters;
    let config = CoordinatorConfig {
        interval_ms: parameters.checkpoint_interval_ms,
        timeout_ms: parameters.checkpoint_timeout_ms,
        min_pause_ms: 0,
        retained: parameters.checkpoints_retained as usize,
        failures_max: parameters.checkpoint_failures_max,
    };
    let metrics = operators.iter().flat_map(|o| o.subtasks.iter().cloned()).collect();
    let handle = JobHandle {
        state,
        requests,
        cancel: cancel.clone(),
        meter: meter.clone(),
        operators: Arc::new(operators),
        history: history.clone(),
        letters,
        dimensions: plan.dimensions.clone(),
        started: Instant::now(),
        restored: restored.checkpoint(),
    };
    let last = restored.own();
    let sources_running = commands.iter().filter(|(role, _)| *role == OperatorRole::Source).count();
    let run = Run {
        coordinator: Coordinator::new(config, commands.len(), restored.last_id, restored.complete),
        plan,
        options,
        services,
        commands,
        subtasks,
        stores: JoinSet::new(),
        history,
        collecting: HashMap::new(),
        last,
        shared: restored.shared,
        has_shared: restored.has_shared,
        metrics,
        waiters: HashMap::new(),
        last_commit: None,
        sources_running,
        meter,
    };
    tokio::spawn(run.until_end(events, requested, cancel, state_in));
    handle
}

/// How subtasks are started.
struct Spawner {
    events: UnboundedSender<SubtaskEvent>,
    meter: Arc<Meter>,
    threads: tokio::runtime::Handle,
}

impl Spawner {
    fn spawn<F>(&self, subtasks: &mut JoinSet<Ended>, node: NodeId, run: F)
    where
        F: Future<Output = Result<(), OperatorError>> + Send + 'static,
    {
        let metered = self.meter.scope(run);
        subtasks.spawn_on(async move { (node, metered.await) }, &self.threads);
    }
}

fn spawn_subtasks(
    plan: &ExecutionPlan,
    opened: Opened,
    spawner: &Spawner,
    spawned: &mut JoinSet<Ended>,
    commands: &mut Vec<(OperatorRole, UnboundedSender<Command>)>,
) -> Vec<OperatorView> {
    let mut views = Vec::with_capacity(plan.operators.len());
    for (operator, opened_operator) in plan.operators.iter().zip(opened.operators) {
        let mut metrics_of_operator = Vec::new();
        for subtask in opened_operator.subtasks {
            let (command, received) = unbounded_channel();
            let reporter = Reporter { subtask: commands.len(), events: spawner.events.clone() };
            commands.push((operator.role(), command));
            metrics_of_operator.push(subtask.metrics.clone());
            let dead_letters: Arc<dyn DeadLetters> = opened.letters.clone();
            let (metrics, gate, output) = (subtask.metrics, subtask.gate, subtask.output);
            let node = operator.node.clone();
            match subtask.body {
                Body::Source(source) => {
                    let subtask = SourceSubtask { source, output, commands: received, reporter, metrics, dead_letters };
                    spawner.spawn(spawned, node, subtask.run());
                }
                Body::Transform(operator) => {
                    let subtask = TransformSubtask { operator, gate, output, commands: received, reporter, metrics, dead_letters };
                    spawner.spawn(spawned, node, subtask.run());
                }
                Body::Sink(sink) => {
                    let subtask = SinkSubtask { sink, gate, commands: received, reporter, metrics };
                    spawner.spawn(spawned, node, subtask.run());
                }
            }
        }
        let (node, name, kind, role) = (operator.node.clone(), operator.name.clone(), operator.kind.clone(), operator.role());
        let (tap, output, inputs) = (opened_operator.tap, operator.output().cloned(), operator.inputs.clone());
        views.push(OperatorView { node, name, kind, role, subtasks: metrics_of_operator, tap, output, inputs });
    }
    views
}

/// How often the protocol is told that time has passed.
fn tick_interval(checkpoint_interval_ms: u64) -> Duration {
    Duration::from_millis((checkpoint_interval_ms / 4).clamp(5, 250))
}

impl Run {
    async fn until_end(
        mut self,
        events: UnboundedReceiver<SubtaskEvent>,
        requests: UnboundedReceiver<Request>,
        cancel: CancellationToken,
        state: watch::Sender<ExecutionState>,
    ) {
        let end = self.drive(events, requests, cancel).await;
        // What is being computed ends at its next look, and its subtask with it.
        self.meter.cancel();
        self.subtasks.shutdown().await;
        // A write that is under way cannot be called back: were it to complete after the next run has looked for
        // checkpoints, both would claim the same number. So it is waited for, within reason.
        let written = async { while self.stores.join_next().await.is_some() {} };
        if tokio::time::timeout(STORE_END_MAX, written).await.is_err() {
            tracing::warn!(instance = %self.options.instance, "ended while a checkpoint was still being written");
        }
        let state_now = match end {
            End::Finished => ExecutionState::Finished,
            End::Stopped => ExecutionState::Stopped,
            End::Failed(failure) => {
                let operator = failure.operator.as_ref().map(NodeId::as_str);
                tracing::warn!(instance = %self.options.instance, operator, retryable = failure.retryable, "failed: {}", failure.message);
                ExecutionState::Failed(failure)
            }
        };
        let reply = self.last_commit.take().and_then(|l| l.reply);
        let stopped = !matches!(state_now, ExecutionState::Failed(_));
        // Everything that belongs to the execution is gone before anybody hears of the end.
        drop(self);
        state.send_replace(state_now);
        if let Some((reply, info)) = reply {
            let answer =
                if stopped { Ok(info) } else { Err(EngineError::SavepointAborted("the job failed before its output was written".into())) };
            let _ = reply.send(answer);
        }
    }

    async fn drive(
        &mut self,
        mut events: UnboundedReceiver<SubtaskEvent>,
        mut requests: UnboundedReceiver<Request>,
        cancel: CancellationToken,
    ) -> End {
        let mut ticks = tokio::time::interval(tick_interval(self.plan.parameters.checkpoint_interval_ms));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let ended = tokio::select! {
                () = cancel.cancelled() => Some(End::Stopped),
                Some(event) = events.recv() => self.on_subtask(event),
                Some(request) = requests.recv() => self.on_request(request),
                Some(ended) = self.subtasks.join_next() => self.on_ended(ended),
                Some(stored) = self.stores.join_next() => self.on_stored(stored),
                _ = ticks.tick() => self.on_tick(),
            };
            if let Some(end) = ended {
                return end;
            }
        }
    }

    fn on_tick(&mut self) -> Option<End> {
        if self.sources_running == 0 && self.last_commit.is_none() && self.coordinator.in_flight().is_none() {
            // All sources have read everything: one more checkpoint makes the rest visible.
            return self.handle(Event::CheckpointRequested);
        }
        self.handle(Event::Tick)
    }

    fn on_request(&mut self, request: Request) -> Option<End> {
        let Request::Savepoint { id, then_stop, reply } = request;
        self.waiters.insert(id.clone(), SavepointWaiter { then_stop, reply });
        self.handle(Event::SavepointRequested(id))
    }

    fn on_subtask(&mut self, event: SubtaskEvent) -> Option<End> {
        match event {
            SubtaskEvent::Acked { checkpoint, subtask, state } => {
                if self.coordinator.in_flight() != Some(checkpoint) {
                    return None;
                }
                self.collecting.insert(subtask, state);
                self.handle(Event::Acked { checkpoint, subtask })
            }
            SubtaskEvent::WantsCheckpoint => self.handle(Event::CheckpointRequested),
            SubtaskEvent::SourceFinished { subtask } => {
                tracing::debug!(instance = %self.options.instance, subtask, "source has read everything");
                self.sources_running = self.sources_running.saturating_sub(1);
                // The last one: what is written need not wait for the next tick to become visible.
                if self.sources_running == 0 { self.on_tick() } else { None }
            }
            SubtaskEvent::SinkCommitted { checkpoint, subtask } => {
                let last = self.last_commit.as_mut().filter(|l| l.checkpoint == checkpoint)?;
                last.sinks_missing.remove(&subtask);
                last.sinks_missing.is_empty().then(|| std::mem::replace(&mut last.end, End::Stopped))
            }
        }
    }

    fn on_ended(&mut self, ended: Result<Ended, tokio::task::JoinError>) -> Option<End> {
        match ended {
            Ok((_, Ok(()) | Err(OperatorError::TornDown))) => None,
            // It was told to end while it computed; whoever did that is heard next.
            Ok((_, Err(_))) if self.meter.is_cancelled() => None,
            Ok((node, Err(error))) => Some(End::Failed(JobFailure::of_operator(&node, error))),
            Err(error) => Some(End::Failed(JobFailure::internal(None, format!("a subtask broke: {error}")))),
        }
    }

    fn on_stored(&mut self, stored: Result<Option<Stored>, tokio::task::JoinError>) -> Option<End> {
        match stored {
            Ok(None) => None,
            Err(error) => Some(End::Failed(JobFailure::internal(None, format!("writing a checkpoint broke: {error}")))),
            Ok(Some((checkpoint, Ok(Written { manifest, savepoint })))) => {
                if self.coordinator.in_flight() != Some(checkpoint) {
                    return None;
                }
                let (size_bytes, written_bytes) = (manifest.state_bytes(), manifest.written_bytes());
                self.history.end(checkpoint, CheckpointOutcome::Completed { size_bytes, written_bytes }, now_ms());
                self.has_shared |= manifest.shared().next().is_some();
                if let Some(shared) = &mut self.shared {
                    shared.note(&manifest);
                }
                self.last = Some(manifest);
                self.before_commit(checkpoint, savepoint);
                self.handle(Event::Stored(checkpoint))
            }
            Ok(Some((checkpoint, Err(error)))) => {
                if let CheckpointError::AlreadyComplete { .. } = error {
                    // A run before this one completed it late. A restart finds it and goes on from it.
                    let failure =
                        JobFailure { class: error.class(), retryable: true, operator: None, message: error.to_string(), fault: None };
                    return Some(End::Failed(failure));
                }
                self.handle(Event::StoreFailed { checkpoint, reason: error.to_string() })
            }
        }
    }

    /// Answers whoever waits for the savepoint, or remembers that the execution ends once sinks have committed.
    fn before_commit(&mut self, checkpoint: CheckpointId, savepoint: Option<SavepointInfo>) {
        let sinks = || (0..self.commands.len()).filter(|&s| self.commands[s].0 == OperatorRole::Sink).collect();
        if let Some(info) = savepoint
            && let Some(waiter) = self.waiters.remove(&info.id)
        {
            if waiter.then_stop {
                let reply = Some((waiter.reply, info));
                self.last_commit = Some(LastCommit { checkpoint, sinks_missing: sinks(), end: End::Stopped, reply });
            } else {
                let _ = waiter.reply.send(Ok(info));
            }
        } else if self.sources_running == 0 && self.last_commit.is_none() {
            self.last_commit = Some(LastCommit { checkpoint, sinks_missing: sinks(), end: End::Finished, reply: None });
        }
    }

    /// Feeds the protocol and carries out what it decides.
    fn handle(&mut self, event: Event) -> Option<End> {
        for effect in self.coordinator.handle(now_ms(), event) {
            if let Some(end) = self.carry_out(effect) {
                return Some(end);
            }
        }
        None
    }

    fn carry_out(&mut self, effect: Effect) -> Option<End> {
        match effect {
            // Nothing comes behind the last barrier, so there is nothing left to checkpoint.
            Effect::InjectBarriers { .. } if self.last_commit.is_some() => {}
            Effect::InjectBarriers { checkpoint, savepoint } => {
                self.history.begin(checkpoint, savepoint.clone(), now_ms());
                self.collecting.clear();
                let is_last = savepoint.as_ref().and_then(|s| self.waiters.get(s)).is_some_and(|w| w.then_stop);
                self.command(OperatorRole::Source, &Command::Inject(Barrier { checkpoint, savepoint, is_last }));
            }
            Effect::Store { checkpoint, savepoint } => self.store(checkpoint, savepoint),
            Effect::NotifyCommitted { checkpoint } => {
                self.command(OperatorRole::Sink, &Command::Committed(checkpoint));
                self.command(OperatorRole::Source, &Command::Committed(checkpoint));
                self.command(OperatorRole::Transform, &Command::Committed(checkpoint));
            }
            Effect::Abort { checkpoint, savepoint, reason } => {
                tracing::warn!(instance = %self.options.instance, checkpoint, "checkpoint given up: {reason}");
                self.collecting.clear();
                self.history.end(checkpoint, CheckpointOutcome::Failed { reason: reason.clone() }, now_ms());
                if let Some(waiter) = savepoint.and_then(|s| self.waiters.remove(&s)) {
                    let stopping = waiter.then_stop;
                    let _ = waiter.reply.send(Err(EngineError::SavepointAborted(reason.clone())));
                    if stopping {
                        // Sources have stopped at the barrier; a restart from the last checkpoint lets rows flow again.
                        let message = format!("stop with savepoint failed: {reason}");
                        return Some(End::Failed(JobFailure::internal(None, message)));
                    }
                }
            }
            Effect::RejectSavepoint { savepoint, reason } => {
                if let Some(waiter) = self.waiters.remove(&savepoint) {
                    let _ = waiter.reply.send(Err(EngineError::SavepointAborted(reason)));
                }
            }
            Effect::DeleteObsolete { checkpoints } => self.delete(checkpoints),
            Effect::FailJob { reason } => {
                let class = millrace_model::FaultClass::External;
                return Some(End::Failed(JobFailure { class, retryable: true, operator: None, message: reason, fault: None }));
            }
        }
        None
    }

    fn command(&self, role: OperatorRole, command: &Command) {
        for (_, sender) in self.commands.iter().filter(|(r, _)| *r == role) {
            // A subtask that has ended is heard of through its result.
            let _ = sender.send(command.clone());
        }
    }

    fn store(&mut self, checkpoint: CheckpointId, savepoint: Option<SavepointId>) {
        let mut states: Vec<(usize, SubtaskState)> = self.collecting.drain().collect();
        states.sort_by_key(|(subtask, _)| *subtask);
        let metrics = states.iter().filter_map(|(subtask, _)| self.metrics.get(*subtask).cloned()).collect();
        let states = states.into_iter().map(|(_, state)| state).collect();
        let collected = Collected { checkpoint, savepoint, states, metrics, previous: self.last.clone() };
        let (store, plan, options) = (self.services.checkpoints.clone(), self.plan.clone(), self.options.clone());
        self.stores.spawn(async move { Some((checkpoint, write(store, &plan, &options, collected).await)) });
    }

    fn delete(&mut self, checkpoints: Vec<CheckpointId>) {
        let (store, instance) = (self.services.checkpoints.clone(), self.options.instance.clone());
        let mut kept = None;
        if let Some(shared) = self.shared.as_mut().filter(|_| self.has_shared) {
            checkpoints.iter().for_each(|&checkpoint| shared.forget(checkpoint));
            // What the checkpoint in flight writes has a later number than the last one that is stored.
            kept = self.coordinator.last_stored().map(|settled| (settled, shared.names()));
        }
        self.stores.spawn(async move {
            for checkpoint in checkpoints {
                if let Err(error) = remove_checkpoint(&*store, &instance, checkpoint).await {
                    tracing::warn!(%instance, checkpoint, "an obsolete checkpoint could not be removed: {error}");
                }
            }
            if let Some((settled, kept)) = kept
                && let Err(error) = remove_unshared(&*store, &instance, settled, &kept).await
            {
                tracing::warn!(%instance, "state that no checkpoint needs any more could not be removed: {error}");
            }
            None
        });
    }
}
