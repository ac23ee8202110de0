//! The coordinator of one running instance: pure decisions, no clock, no I/O.
//!
//! The engine feeds [`Event`]s with the time they happened and carries out the [`Effect`]s in order. A checkpoint goes
//! `idle → collecting (barriers are out) → storing (every subtask has answered) → idle`.
//!
//! Invariants:
//! - at most one checkpoint is in flight, and ids grow strictly, above those of any run before;
//! - [`Effect::NotifyCommitted`] follows only on [`Event::Stored`] of the checkpoint in flight: nothing is committed
//!   that could not be restored;
//! - the newest stored checkpoint is never removed. A checkpoint that was given up while it was being stored may become
//!   complete all the same: it is never committed, is safe to restore (it is a consistent cut; sinks carry its output
//!   on), and is removed together with obsolete ones.

use millrace_model::ids::{CheckpointId, SavepointId};
use std::collections::{BTreeSet, VecDeque};

#[cfg(test)]
mod tests;

/// When checkpoints are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoordinatorConfig {
    /// From the start of one checkpoint to the start of the next.
    pub interval_ms: u64,
    /// A checkpoint that takes longer is given up.
    pub timeout_ms: u64,
    /// Shortest pause between the end of one checkpoint and the start of the next; savepoints do not wait for it.
    pub min_pause_ms: u64,
    /// Stored checkpoints that are kept, at least one.
    pub retained: usize,
    /// Checkpoints in a row that may fail; one more fails the job. Savepoints do not count.
    pub failures_max: u32,
}

/// Number of a subtask among all subtasks of the instance.
pub type SubtaskIndex = usize;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Time passed. Expected several times per interval.
    Tick,
    /// The user wants a savepoint.
    SavepointRequested(SavepointId),
    /// A sink holds so much uncommitted output that the next checkpoint should not wait for the interval.
    CheckpointRequested,
    /// A subtask has handed over its state of a checkpoint.
    Acked {
        /// Which checkpoint.
        checkpoint: CheckpointId,
        /// Which subtask.
        subtask: SubtaskIndex,
    },
    /// A subtask cannot take part in a checkpoint.
    Declined {
        /// Which checkpoint.
        checkpoint: CheckpointId,
        /// Which subtask.
        subtask: SubtaskIndex,
        /// Why not.
        reason: String,
    },
    /// A checkpoint is complete and durable.
    Stored(CheckpointId),
    /// A checkpoint could not be stored.
    StoreFailed {
        /// Which checkpoint.
        checkpoint: CheckpointId,
        /// Why not.
        reason: String,
    },
    /// A subtask has ended and handed over its final state, which counts for the checkpoint in flight and all later
    /// ones: everything that it sent lies before its end, and so before any later barrier.
    SubtaskFinished(SubtaskIndex),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Sources send the barrier of this checkpoint.
    InjectBarriers {
        /// Which checkpoint.
        checkpoint: CheckpointId,
        /// The savepoint that is to be made of it.
        savepoint: Option<SavepointId>,
    },
    /// All state is there: make the checkpoint durable, answer with `Stored` or `StoreFailed`. If a savepoint is
    /// wanted, it is copied once the checkpoint itself is durable.
    Store {
        /// Which checkpoint.
        checkpoint: CheckpointId,
        /// The savepoint that is to be made of it.
        savepoint: Option<SavepointId>,
    },
    /// The checkpoint is durable: sinks commit what they prepared for it.
    NotifyCommitted {
        /// Which checkpoint.
        checkpoint: CheckpointId,
    },
    /// The checkpoint is given up: tell subtasks, drop its state; a savepoint that was to be made of it has failed.
    Abort {
        /// Which checkpoint.
        checkpoint: CheckpointId,
        /// The savepoint that was to be made of it.
        savepoint: Option<SavepointId>,
        /// Why.
        reason: String,
    },
    /// A savepoint cannot be made at all.
    RejectSavepoint {
        /// Which savepoint.
        savepoint: SavepointId,
        /// Why.
        reason: String,
    },
    /// These checkpoints are no longer needed.
    DeleteObsolete {
        /// Which, ascending.
        checkpoints: Vec<CheckpointId>,
    },
    /// The job cannot go on.
    FailJob {
        /// Why.
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Idle,
    Collecting { missing: BTreeSet<SubtaskIndex> },
    Storing,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct InFlight {
    checkpoint: CheckpointId,
    savepoint: Option<SavepointId>,
    started_ms: i64,
}

/// Decides when an instance takes checkpoints and when they count.
#[derive(Debug, Clone)]
pub struct Coordinator {
    config: CoordinatorConfig,
    running: BTreeSet<SubtaskIndex>,
    phase: Phase,
    in_flight: Option<InFlight>,
    last_id: CheckpointId,
    /// Start of the last regular checkpoint (or of the job): the interval counts from here.
    last_start_ms: Option<i64>,
    /// Regular checkpoints do not start before.
    not_before_ms: i64,
    failures: u32,
    requested: bool,
    savepoints: VecDeque<SavepointId>,
    /// Stored checkpoints, ascending.
    stored: VecDeque<CheckpointId>,
    given_up: BTreeSet<CheckpointId>,
}

impl Coordinator {
    /// A coordinator of an instance with subtasks `0..subtasks` that starts now; ids go on above `last_id` (see
    /// [`crate::Recovery::last_id`], 0 for the first run), `complete` are the checkpoints that it takes over from the
    /// run before, ascending.
    #[must_use]
    pub fn new(config: CoordinatorConfig, subtasks: usize, last_id: CheckpointId, complete: Vec<CheckpointId>) -> Self {
        let last_id = complete.last().copied().unwrap_or(0).max(last_id);
        Self {
            config,
            running: (0..subtasks).collect(),
            phase: Phase::Idle,
            in_flight: None,
            last_id,
            last_start_ms: None,
            not_before_ms: i64::MIN,
            failures: 0,
            requested: false,
            savepoints: VecDeque::new(),
            stored: complete.into(),
            given_up: BTreeSet::new(),
        }
    }

    /// Takes an event of time `now_ms` (any steady clock in milliseconds) and says what to do, in this order.
    pub fn handle(&mut self, now_ms: i64, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.phase == Phase::Failed {
            if let Event::SavepointRequested(savepoint) = event {
                effects.push(Effect::RejectSavepoint { savepoint, reason: "the job has failed".into() });
            }
            return effects;
        }
        // The first event starts the interval, so that the first checkpoint is one interval away.
        self.last_start_ms.get_or_insert(now_ms);
        match event {
            Event::Tick => self.check_timeout(now_ms, &mut effects),
            Event::SavepointRequested(savepoint) => self.savepoints.push_back(savepoint),
            Event::CheckpointRequested => self.requested = true,
            Event::Acked { checkpoint, subtask } => self.acked(checkpoint, subtask, &mut effects),
            Event::Declined { checkpoint, subtask, reason } => {
                if self.is_collecting(checkpoint) {
                    self.give_up(now_ms, format!("subtask {subtask} declined: {reason}"), &mut effects);
                }
            }
            Event::Stored(checkpoint) => self.complete(now_ms, checkpoint, &mut effects),
            Event::StoreFailed { checkpoint, reason } => {
                if self.is_storing(checkpoint) {
                    self.give_up(now_ms, reason, &mut effects);
                }
            }
            Event::SubtaskFinished(subtask) => {
                self.running.remove(&subtask);
                if let Some(checkpoint) = self.in_flight.as_ref().map(|f| f.checkpoint) {
                    self.acked(checkpoint, subtask, &mut effects);
                }
            }
        }
        self.start_if_due(now_ms, &mut effects);
        effects
    }

    /// The checkpoint in flight.
    #[must_use]
    pub fn in_flight(&self) -> Option<CheckpointId> {
        self.in_flight.as_ref().map(|f| f.checkpoint)
    }

    /// The newest stored checkpoint.
    #[must_use]
    pub fn last_stored(&self) -> Option<CheckpointId> {
        self.stored.back().copied()
    }

    /// Failed checkpoints since the last good one.
    #[must_use]
    pub fn failures_in_row(&self) -> u32 {
        self.failures
    }

    fn is_collecting(&self, checkpoint: CheckpointId) -> bool {
        matches!(self.phase, Phase::Collecting { .. }) && self.in_flight() == Some(checkpoint)
    }

    fn is_storing(&self, checkpoint: CheckpointId) -> bool {
        self.phase == Phase::Storing && self.in_flight() == Some(checkpoint)
    }

    fn start_if_due(&mut self, now_ms: i64, effects: &mut Vec<Effect>) {
        if self.phase != Phase::Idle {
            return;
        }
        if self.running.is_empty() {
            let reason = || "the job has ended".to_owned();
            effects.extend(self.savepoints.drain(..).map(|savepoint| Effect::RejectSavepoint { savepoint, reason: reason() }));
            return;
        }
        let interval_over = self.last_start_ms.is_some_and(|start| elapsed_ms(start, now_ms) >= self.config.interval_ms);
        let regular = (interval_over || self.requested) && now_ms >= self.not_before_ms;
        let savepoint = self.savepoints.pop_front();
        if !regular && savepoint.is_none() {
            return;
        }
        self.last_id += 1;
        let checkpoint = self.last_id;
        self.requested = false;
        self.last_start_ms = Some(now_ms);
        self.in_flight = Some(InFlight { checkpoint, savepoint: savepoint.clone(), started_ms: now_ms });
        self.phase = Phase::Collecting { missing: self.running.clone() };
        effects.push(Effect::InjectBarriers { checkpoint, savepoint });
    }

    fn acked(&mut self, checkpoint: CheckpointId, subtask: SubtaskIndex, effects: &mut Vec<Effect>) {
        let Some(in_flight) = self.in_flight.as_ref().filter(|f| f.checkpoint == checkpoint) else { return };
        let Phase::Collecting { missing } = &mut self.phase else { return };
        missing.remove(&subtask);
        if missing.is_empty() {
            effects.push(Effect::Store { checkpoint, savepoint: in_flight.savepoint.clone() });
            self.phase = Phase::Storing;
        }
    }

    fn complete(&mut self, now_ms: i64, checkpoint: CheckpointId, effects: &mut Vec<Effect>) {
        if !self.is_storing(checkpoint) {
            return;
        }
        self.end(now_ms, self.config.min_pause_ms);
        self.failures = 0;
        self.stored.push_back(checkpoint);
        effects.push(Effect::NotifyCommitted { checkpoint });
        let mut obsolete = std::mem::take(&mut self.given_up);
        while self.stored.len() > self.config.retained.max(1) {
            obsolete.extend(self.stored.pop_front());
        }
        if !obsolete.is_empty() {
            effects.push(Effect::DeleteObsolete { checkpoints: obsolete.into_iter().collect() });
        }
    }

    fn check_timeout(&mut self, now_ms: i64, effects: &mut Vec<Effect>) {
        let Some(in_flight) = &self.in_flight else { return };
        let taken_ms = elapsed_ms(in_flight.started_ms, now_ms);
        if taken_ms < self.config.timeout_ms {
            return;
        }
        let waiting_for = match &self.phase {
            Phase::Collecting { missing } => format!("{} of {} subtasks have not answered", missing.len(), self.running.len()),
            Phase::Storing | Phase::Idle | Phase::Failed => "it is not stored yet".to_owned(),
        };
        let reason = format!("not complete after {taken_ms} ms (timeout {} ms): {waiting_for}", self.config.timeout_ms);
        self.give_up(now_ms, reason, effects);
    }

    fn give_up(&mut self, now_ms: i64, reason: String, effects: &mut Vec<Effect>) {
        // After a failure a request does not start the next one at once: a full disk would use up the failures in no time.
        let Some(in_flight) = self.end(now_ms, self.config.min_pause_ms.max(self.config.interval_ms)) else { return };
        let InFlight { checkpoint, savepoint, .. } = in_flight;
        self.given_up.insert(checkpoint);
        let counts = savepoint.is_none();
        effects.push(Effect::Abort { checkpoint, savepoint, reason: reason.clone() });
        if !counts {
            return;
        }
        self.failures += 1;
        if self.failures > self.config.failures_max {
            self.phase = Phase::Failed;
            let rejected = |savepoint| Effect::RejectSavepoint { savepoint, reason: "the job has failed".into() };
            effects.extend(self.savepoints.drain(..).map(rejected));
            let failures = self.failures;
            effects.push(Effect::FailJob { reason: format!("{failures} checkpoints in a row failed; the last one: {reason}") });
        }
    }

    fn end(&mut self, now_ms: i64, pause_ms: u64) -> Option<InFlight> {
        self.phase = Phase::Idle;
        self.not_before_ms = now_ms.saturating_add_unsigned(pause_ms);
        self.in_flight.take()
    }
}

/// Milliseconds from `start_ms` to `now_ms`; 0 if the clock went back.
fn elapsed_ms(start_ms: i64, now_ms: i64) -> u64 {
    u64::try_from(now_ms.saturating_sub(start_ms)).unwrap_or(0)
}
