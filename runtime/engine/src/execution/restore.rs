//! Finds the checkpoint to start from and hands its state to the operators, at whatever parallelism they have now.

use super::{StartFrom, StartOptions};
use crate::{
    error::EngineError,
    key::KeyGroup,
    plan::{ExecutionPlan, PlannedOperator},
    services::EngineServices,
    state::{KeyGroupBlobs, blob},
};
use bytes::Bytes;
use millrace_checkpoint::{CheckpointReader, KEY_GROUPS_DEFAULT, SkipReason, key_groups::range_of_subtask, latest, remove_incomplete};
use millrace_connector::RestoredSinkState;
use millrace_model::ids::CheckpointId;
use std::collections::{BTreeMap, BTreeSet};

/// What an execution goes on from.
pub(super) struct Restored {
    reader: Option<CheckpointReader>,
    /// New checkpoints are numbered above this.
    pub last_id: CheckpointId,
    /// Complete checkpoints of this instance, ascending.
    pub complete: Vec<CheckpointId>,
}

impl Restored {
    /// Id of the restored checkpoint.
    pub fn checkpoint(&self) -> Option<CheckpointId> {
        self.reader.as_ref().map(|r| r.manifest().checkpoint)
    }
}

pub(super) async fn load(plan: &ExecutionPlan, options: &StartOptions, services: &EngineServices) -> Result<Restored, EngineError> {
    let store = &services.checkpoints;
    // Also for a fresh start: ids must go on above those of earlier runs, and leftovers must go.
    let own = latest(store, &options.instance).await?;
    remove_incomplete(&**store, &options.instance, own.last_id).await?;
    let damaged = own.skipped.iter().find(|s| matches!(s.reason, SkipReason::Damaged(_)));
    let reader = match &options.from {
        StartFrom::Fresh => None,
        StartFrom::Savepoint { location } => Some(CheckpointReader::open(store.clone(), location).await?),
        StartFrom::LatestCheckpoint => {
            if let Some(skipped) = damaged {
                return Err(EngineError::Incompatible(format!(
                    "checkpoint {} is damaged; its output may already be visible, so going on from an older one could write records twice; start from a savepoint, or fresh",
                    skipped.checkpoint
                )));
            }
            own.latest
        }
    };
    if let Some(reader) = &reader {
        check(plan, reader)?;
    }
    Ok(Restored { reader, last_id: own.last_id, complete: own.complete })
}

/// Refuses a checkpoint whose state would be lost or misread by the plan.
fn check(plan: &ExecutionPlan, reader: &CheckpointReader) -> Result<(), EngineError> {
    for state in &reader.manifest().operators {
        let has_state = !state.subtasks.is_empty() || state.keyed.as_ref().is_some_and(|k| !k.parts.is_empty());
        let Some(operator) = plan.operators.iter().find(|o| o.node == state.node) else {
            if has_state {
                let message =
                    format!("it holds state of the node `{}`, which the job no longer has; keep the node's id, or start fresh", state.node);
                return Err(EngineError::Incompatible(message));
            }
            continue;
        };
        if operator.kind != state.kind {
            let message = format!("the node `{}` was a `{}` and is now a `{}`", state.node, state.kind, operator.kind);
            return Err(EngineError::Incompatible(message));
        }
        if operator.state_version() != state.state_version {
            let (found, expected) = (state.state_version, operator.state_version());
            let message = format!("state of the node `{}` has version {found}, this release reads version {expected}", state.node);
            return Err(EngineError::Incompatible(message));
        }
    }
    Ok(())
}

impl Restored {
    /// States of all subtasks of a source.
    pub async fn source(&self, operator: &PlannedOperator) -> Result<Vec<Vec<u8>>, EngineError> {
        let Some(reader) = &self.reader else { return Ok(Vec::new()) };
        let states = reader.subtask_states(&operator.node).await?;
        Ok(states.into_iter().map(|(_, bytes)| bytes.to_vec()).collect())
    }

    /// Opaque states of all subtasks of an operator, with their numbers.
    pub async fn subtasks(&self, operator: &PlannedOperator) -> Result<Vec<(u16, Bytes)>, EngineError> {
        let Some(reader) = &self.reader else { return Ok(Vec::new()) };
        Ok(reader.subtask_states(&operator.node).await?)
    }

    /// How many subtasks the operator had.
    pub fn parallelism(&self, operator: &PlannedOperator) -> Option<usize> {
        let states = &self.reader.as_ref()?.manifest().operators;
        states.iter().find(|state| state.node == operator.node).map(|state| state.parallelism.into())
    }

    /// States that sink subtask `subtask` must settle.
    pub async fn sink(&self, operator: &PlannedOperator, subtask: usize) -> Result<Vec<RestoredSinkState>, EngineError> {
        let Some(reader) = &self.reader else { return Ok(Vec::new()) };
        let states = reader.subtask_states(&operator.node).await?;
        let mine = states.into_iter().map(|(old, bytes)| RestoredSinkState { subtask: old.into(), bytes });
        Ok(mine.filter(|s| s.subtask % operator.parallelism == subtask).collect())
    }

    /// Keyed state of the key groups that subtask `subtask` owns.
    pub async fn keyed(&self, operator: &PlannedOperator, subtask: usize) -> Result<BTreeMap<String, KeyGroupBlobs>, EngineError> {
        let mut states = BTreeMap::new();
        let Some(reader) = &self.reader else { return Ok(states) };
        let range = range_of_subtask(KEY_GROUPS_DEFAULT, operator.parallelism as u16, subtask as u16);
        let Some(range) = range else {
            let message = format!(
                "the node `{}` has {} subtasks, at most {KEY_GROUPS_DEFAULT} can share keyed state",
                operator.node, operator.parallelism
            );
            return Err(EngineError::Incompatible(message));
        };
        let wanted: BTreeSet<KeyGroup> = range.iter().collect();
        for (_, part) in reader.keyed_parts(&operator.node, range).await? {
            blob::split(&part, |group| wanted.contains(&group), &mut states)
                .map_err(|e| EngineError::Open { operator: operator.node.clone(), error: e.into() })?;
        }
        Ok(states)
    }
}
