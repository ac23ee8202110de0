//! From a running execution to its end: by itself, by failure, by the user's wish or by the end of this process.

use super::{Driver, Over};
use crate::{ExecutionPhase, engine::Execution, local::Wish};
use millrace_domain::InstanceEvent;
use millrace_engine::{CheckpointOutcome, CheckpointSummary, ExecutionState, JobFailure};
use millrace_model::{FaultClass, ids::SavepointId};
use millrace_store::{Cause, CompleteCheckpoint};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

/// How long a last checkpoint may take when the process ends.
const LAST_CHECKPOINT_MAX: Duration = Duration::from_secs(5);
/// How long a cancelled execution may take to end.
const CANCEL_MAX: Duration = Duration::from_secs(30);

/// How often a running execution is asked for its newest checkpoint.
const NOTE_EVERY: Duration = Duration::from_millis(500);
/// How often that is written down after the first time; a restart accepts any checkpoint from there on.
const NOTE_AGAIN: Duration = Duration::from_secs(10);

/// How an execution ended.
pub(super) enum End {
    /// All sources came to their end.
    Finished,
    /// As the user wished.
    Halted,
    /// With a failure; with the time since when records had flowed.
    Failed(JobFailure, Option<i64>),
    /// Because this process ends.
    GivenBack,
    /// Because it is another worker's.
    Lost,
}

impl Driver {
    /// Reports that records flow and stays until they do not.
    ///
    /// # Errors
    /// The attempt is over; the execution has ended then.
    pub(super) async fn watch(&mut self, execution: Arc<dyn Execution>, began: Instant) -> Result<End, Over> {
        let since_ms = self.worker.store.now_ms();
        self.show(|view| {
            view.phase = ExecutionPhase::Running;
            view.started_at_ms = Some(since_ms);
            view.start_duration_ms = Some(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
            view.execution = Some(execution.clone());
        });
        if let Err(over) = self.report(InstanceEvent::Launched, None).await {
            cancel(&execution).await;
            return Err(over);
        }
        let mut state = execution.state();
        let end = loop {
            // A sender that is gone has sent its last state before.
            let now = state.borrow_and_update().clone();
            match now {
                ExecutionState::Finished => break End::Finished,
                ExecutionState::Failed(failure) => break End::Failed(failure, Some(since_ms)),
                // Nobody here has asked for it: treated as a failure that passes.
                ExecutionState::Stopped => break End::Failed(unasked(), Some(since_ms)),
                ExecutionState::Running => {}
            }
            let wish = *self.wish.borrow_and_update();
            match wish {
                Wish::Run => {}
                Wish::Stop { with_savepoint } => break self.stop(&execution, with_savepoint).await,
                Wish::GiveBack => break self.give_back(&execution).await,
                Wish::Forbid => {
                    cancel(&execution).await;
                    break End::Failed(self.forbidden(), Some(since_ms));
                }
                Wish::Abandon => {
                    cancel(&execution).await;
                    break End::Lost;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(NOTE_EVERY) => self.note_checkpoint(&execution).await,
                changed = state.changed() => if changed.is_err() && !state.borrow().is_final() {
                    break End::Failed(unasked(), Some(since_ms));
                },
                changed = self.wish.changed() => if changed.is_err() {
                    cancel(&execution).await;
                    break End::Lost;
                },
            }
        };
        // The next start of this run must know that there is something to go on from.
        self.note_checkpoint(&execution).await;
        Ok(end)
    }

    /// Keeps the number of the newest complete checkpoint with the instance: the first one soon, later ones now and then.
    async fn note_checkpoint(&mut self, execution: &Arc<dyn Execution>) {
        let is_complete = |c: &&CheckpointSummary| matches!(c.outcome, CheckpointOutcome::Completed { .. });
        let newest = execution.checkpoints().iter().rev().find(is_complete).and_then(|c| i64::try_from(c.checkpoint).ok());
        let Some(checkpoint) = newest else { return };
        let run = self.instance.run;
        let known = self.instance.complete.filter(|c| c.run == run);
        let is_due = self.noted.is_none_or(|at| at.elapsed() >= NOTE_AGAIN) || execution.state().borrow().is_final();
        if known.is_some_and(|known| known.checkpoint >= checkpoint || !is_due) {
            return;
        }
        match self.worker.store.note_checkpoint(&self.instance.id, self.instance.attempt, checkpoint).await {
            Ok(()) => {
                self.instance.complete = Some(CompleteCheckpoint { run, checkpoint });
                self.noted = Some(Instant::now());
            }
            // Reports tell when the attempt is over; the next look tries again.
            Err(error) => tracing::debug!(instance = %self.instance.id, %error, "cannot note a checkpoint"),
        }
    }

    /// Stops as the user wishes. If the savepoint cannot be taken, the instance stops all the same: its state is safe in
    /// the latest checkpoint, and the savepoint says why it failed.
    async fn stop(&mut self, execution: &Arc<dyn Execution>, with_savepoint: bool) -> End {
        self.show(|view| view.phase = ExecutionPhase::Stopping);
        if with_savepoint {
            let taken = tokio::select! {
                taken = self.stop_with_savepoint(execution) => Some(taken),
                () = abandoned(self.wish.clone()) => None,
            };
            match taken {
                Some(true) => return End::Halted,
                Some(false) => {}
                None => {
                    cancel(execution).await;
                    return End::Lost;
                }
            }
        }
        cancel(execution).await;
        End::Halted
    }

    async fn stop_with_savepoint(&self, execution: &Arc<dyn Execution>) -> bool {
        let (store, tenant, id) = (&self.worker.store, &self.instance.scope.tenant, &self.instance.id);
        let savepoint = match store.begin_savepoint(&Cause::system("reconciler"), tenant, id).await {
            Ok(savepoint) => savepoint.id,
            Err(error) => {
                tracing::error!(instance = %id, %error, "cannot note the savepoint; stopping without one");
                return false;
            }
        };
        let noted = match execution.stop(Some(&savepoint)).await {
            Ok(Some(info)) => {
                store.complete_savepoint(tenant, &savepoint, &info.location, info.checkpoint, info.size_bytes).await.map(|_| true)
            }
            Ok(None) => store.fail_savepoint(tenant, &savepoint, "the engine took no savepoint").await.map(|_| false),
            Err(error) => {
                tracing::warn!(instance = %id, %error, "the savepoint could not be taken; stopping without one");
                store.fail_savepoint(tenant, &savepoint, &error.to_string()).await.map(|_| false)
            }
        };
        noted.unwrap_or_else(|error| {
            tracing::error!(instance = %id, %error, "cannot note how the savepoint ended");
            false
        })
    }

    /// Ends the execution because this process ends, with a last checkpoint when that is quick: the next start then
    /// repeats nothing.
    async fn give_back(&mut self, execution: &Arc<dyn Execution>) -> End {
        self.show(|view| view.phase = ExecutionPhase::Stopping);
        let id = SavepointId::new(format!("closing-{}", uuid::Uuid::now_v7()));
        match timeout(LAST_CHECKPOINT_MAX, execution.stop(Some(&id))).await {
            Ok(Ok(Some(info))) => {
                // The checkpoint itself stays with the instance; the copy for the user is not wanted.
                if let Err(error) = self.worker.checkpoints.delete_prefix(&info.location).await {
                    tracing::warn!(location = info.location, %error, "cannot remove the copy of the last checkpoint");
                }
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::info!(instance = %self.instance.id, %error, "no last checkpoint"),
            Err(_) => tracing::info!(instance = %self.instance.id, "a last checkpoint would take too long"),
        }
        cancel(execution).await;
        End::GivenBack
    }
}

async fn abandoned(mut wish: watch::Receiver<Wish>) {
    // An error means that the driver's entry is gone: the same.
    let _ = wish.wait_for(|w| *w == Wish::Abandon).await;
}

/// Cancels and waits until nothing of the execution runs any more.
async fn cancel(execution: &Arc<dyn Execution>) {
    execution.cancel();
    let mut state = execution.state();
    if timeout(CANCEL_MAX, state.wait_for(ExecutionState::is_final)).await.is_err() {
        tracing::error!("an execution does not end {} s after it was cancelled", CANCEL_MAX.as_secs());
    }
}

fn unasked() -> JobFailure {
    let message = "the execution ended without being asked to".to_owned();
    JobFailure { class: FaultClass::Internal, retryable: true, operator: None, message, fault: None }
}
