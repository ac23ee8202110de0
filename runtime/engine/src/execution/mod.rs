//! One run of a plan: open everything, run the subtasks, coordinate checkpoints, end.
//!
//! Invariant: when the state is final (`Finished`, `Stopped`, `Failed`), no subtask of the execution runs any more, so
//! that the instance can be started again, here or elsewhere.

mod handle;
mod matching;
mod open;
mod restore;
mod run;
mod store;
#[cfg(test)]
mod tests;

pub use handle::{CheckpointOutcome, CheckpointSummary, JobHandle, SavepointInfo};

use crate::{
    error::{EngineError, JobFailure},
    plan::ExecutionPlan,
    services::EngineServices,
    threads::TURN_MAX,
};
use millrace_functions::meter::Meter;
use millrace_model::ids::{InstanceId, TenantId};
use serde::Serialize;
use tokio::task::JoinSet;

/// Where an execution starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartFrom {
    /// From nothing: sources by their start position.
    Fresh,
    /// From this instance's latest checkpoint; from nothing when there is none.
    LatestCheckpoint,
    /// From a savepoint of this or another instance.
    Savepoint {
        /// Its folder in the checkpoint store.
        location: String,
        /// Whether state that does not fit is left out, and its operators begin without.
        allow_partial: bool,
    },
}

/// How an execution starts.
#[derive(Debug, Clone)]
pub struct StartOptions {
    /// Whose job it is.
    pub tenant: TenantId,
    /// Names state, transactions and checkpoints.
    pub instance: InstanceId,
    /// The job's name, for reports.
    pub job: String,
    /// Content hash of the version, kept in checkpoints.
    pub version_hash: String,
    /// What to restore.
    pub from: StartFrom,
}

/// State of an execution.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ExecutionState {
    /// Rows flow.
    Running,
    /// All sources were bounded and everything is written.
    Finished,
    /// Ended on command.
    Stopped,
    /// Ended by a failure.
    Failed(JobFailure),
}

impl ExecutionState {
    /// Whether the execution has ended.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Running => false,
            Self::Finished | Self::Stopped | Self::Failed(_) => true,
        }
    }
}

/// Starts `plan`. On return sources, operators and sinks are open, restored output is settled, and rows flow.
///
/// # Errors
/// Something cannot be opened or restored; nothing runs then.
pub async fn start(plan: ExecutionPlan, options: StartOptions, services: &EngineServices) -> Result<JobHandle, EngineError> {
    // Opening computes too (state that is read back, tenant code that is set up). Given up when this future is.
    let (mut opening, shared) = (JoinSet::new(), services.clone());
    let meter = Meter::new(TURN_MAX);
    let open = async move {
        let restored = restore::load(&plan, &options, &shared).await?;
        let opened = open::open(&plan, &options, &shared, &restored).await?;
        Ok::<_, EngineError>((plan, options, restored, opened))
    };
    opening.spawn_on(meter.scope(open), &services.threads.jobs());
    let (plan, options, restored, opened) = match opening.join_next().await {
        Some(Ok(opened)) => opened?,
        Some(Err(error)) => return Err(EngineError::Broken(error.to_string())),
        None => return Err(EngineError::NotRunning),
    };
    Ok(run::spawn(plan, options, services.clone(), restored, opened, meter))
}
