//! Finds the checkpoint to start from and hands its state to the operators, at whatever parallelism they have now.

use super::{StartFrom, StartOptions, matching};
use crate::{
    error::EngineError,
    key::KeyGroup,
    plan::{ExecutionPlan, PlannedOperator},
    services::EngineServices,
    state::{ChainLoader, KeyGroupBlobs, StateContext, blob},
};
use bytes::Bytes;
use millrace_checkpoint::{
    CheckpointReader, KEY_GROUPS_DEFAULT, KeyGroupRange, Manifest, SharedObjects, SkipReason, key_groups::range_of_subtask, latest,
    remove_incomplete, remove_unshared,
};
use millrace_connector::RestoredSinkState;
use millrace_model::ids::{CheckpointId, NodeId};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What an execution goes on from.
pub(super) struct Restored {
    reader: Option<CheckpointReader>,
    /// New checkpoints are numbered above this.
    pub last_id: CheckpointId,
    /// Complete checkpoints of this instance, ascending.
    pub complete: Vec<CheckpointId>,
    /// What they share; `None` if that is not known.
    pub shared: Option<SharedObjects>,
    /// Whether anything shared may be there.
    pub has_shared: bool,
    /// It is a checkpoint of this instance, to which later ones can add.
    is_own: bool,
    /// Whose state each operator takes over.
    owners: BTreeMap<NodeId, NodeId>,
}

impl Restored {
    /// Id of the restored checkpoint.
    pub fn checkpoint(&self) -> Option<CheckpointId> {
        self.reader.as_ref().map(|r| r.manifest().checkpoint)
    }

    /// The restored checkpoint, if later ones of this instance can go on from it.
    pub fn own(&self) -> Option<Arc<Manifest>> {
        self.reader.as_ref().filter(|_| self.is_own).map(|r| Arc::new(r.manifest().clone()))
    }
}

pub(super) async fn load(plan: &ExecutionPlan, options: &StartOptions, services: &EngineServices) -> Result<Restored, EngineError> {
    let store = &services.checkpoints;
    // Also for a fresh start: ids must go on above those of earlier runs, and leftovers must go.
    let own = latest(store, &options.instance).await?;
    remove_incomplete(&**store, &options.instance, own.last_id).await?;
    if let Some(shared) = own.shared.as_ref().filter(|_| own.has_shared) {
        remove_unshared(&**store, &options.instance, own.last_id, &shared.names()).await?;
    }
    let damaged = own.skipped.iter().find_map(|s| match &s.reason {
        SkipReason::Damaged(found) => Some((s.checkpoint, found.clone())),
        SkipReason::Incomplete => None,
    });
    let reader = match &options.from {
        StartFrom::Fresh => None,
        StartFrom::Savepoint { location, .. } => Some(CheckpointReader::open(store.clone(), location).await?),
        StartFrom::LatestCheckpoint => {
            if let Some((checkpoint, found)) = damaged {
                return Err(EngineError::Damaged { checkpoint, instance: options.instance.to_string(), found: Box::new(found) });
            }
            own.latest
        }
    };
    let allow_partial = matches!(options.from, StartFrom::Savepoint { allow_partial: true, .. });
    let owners = match &reader {
        Some(reader) => matching::owners(plan, reader.manifest(), allow_partial)?,
        None => BTreeMap::new(),
    };
    let is_own = options.from == StartFrom::LatestCheckpoint;
    Ok(Restored { reader, last_id: own.last_id, complete: own.complete, shared: own.shared, has_shared: own.has_shared, is_own, owners })
}

impl Restored {
    /// Where the state of an operator is, if there is any for it.
    fn of(&self, operator: &PlannedOperator) -> Option<(&CheckpointReader, &NodeId)> {
        Some((self.reader.as_ref()?, self.owners.get(&operator.node)?))
    }

    /// States of all subtasks of a source.
    pub async fn source(&self, operator: &PlannedOperator) -> Result<Vec<Vec<u8>>, EngineError> {
        let Some((reader, node)) = self.of(operator) else { return Ok(Vec::new()) };
        let states = reader.subtask_states(node).await?;
        Ok(states.into_iter().map(|(_, bytes)| bytes.to_vec()).collect())
    }

    /// Opaque states of all subtasks of an operator, with their numbers.
    pub async fn subtasks(&self, operator: &PlannedOperator) -> Result<Vec<(u16, Bytes)>, EngineError> {
        let Some((reader, node)) = self.of(operator) else { return Ok(Vec::new()) };
        Ok(reader.subtask_states(node).await?)
    }

    /// How many subtasks the operator had.
    pub fn parallelism(&self, operator: &PlannedOperator) -> Option<usize> {
        let (reader, node) = self.of(operator)?;
        reader.manifest().operator(node).map(|state| state.parallelism.into())
    }

    /// States that sink subtask `subtask` must settle.
    pub async fn sink(&self, operator: &PlannedOperator, subtask: usize) -> Result<Vec<RestoredSinkState>, EngineError> {
        let Some((reader, node)) = self.of(operator) else { return Ok(Vec::new()) };
        let states = reader.subtask_states(node).await?;
        let mine = states.into_iter().map(|(old, bytes)| RestoredSinkState { subtask: old.into(), bytes });
        Ok(mine.filter(|s| s.subtask % operator.parallelism == subtask).collect())
    }

    /// Keyed state of the key groups that subtask `subtask` owns.
    pub async fn keyed(&self, operator: &PlannedOperator, subtask: usize) -> Result<BTreeMap<String, KeyGroupBlobs>, EngineError> {
        let mut states = BTreeMap::new();
        let Some((reader, node)) = self.of(operator) else { return Ok(states) };
        let range = range_of(operator, subtask)?;
        let wanted: BTreeSet<KeyGroup> = range.iter().collect();
        for (_, part) in reader.keyed_parts(node, range).await? {
            blob::split(&part, |group| wanted.contains(&group), &mut states)
                .map_err(|e| EngineError::Open { operator: operator.node.clone(), error: e.into() })?;
        }
        Ok(states)
    }

    /// Takes in the chains of the key groups that subtask `subtask` owns.
    pub async fn chains(&self, operator: &PlannedOperator, subtask: usize, state: &mut StateContext) -> Result<(), EngineError> {
        let Some((reader, node)) = self.of(operator) else { return Ok(()) };
        let range = range_of(operator, subtask)?;
        let mut by_state: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for chain in reader.chains(node, range) {
            if let Some(wanted) = chain.key_groups.intersection(range) {
                by_state.entry(&chain.state).or_default().push((wanted, chain));
            }
        }
        let failed = |error| EngineError::Open { operator: operator.node.clone(), error };
        for (name, chains) in by_state {
            let share = |wanted: KeyGroupRange, all: KeyGroupRange| wanted.count() as f64 / all.count() as f64;
            let length = |segments: &[millrace_checkpoint::Blob]| segments.iter().map(|s| s.length).sum::<u64>();
            let bytes = chains.iter().map(|(wanted, c)| (length(&c.segments) as f64 * share(*wanted, c.key_groups)) as u64).sum();
            let plain = name.rsplit('/').next().unwrap_or(name);
            let mut loader = ChainLoader::new(plain, bytes, &state.budget, state.folder.as_deref()).map_err(failed)?;
            for (wanted, chain) in chains {
                for segment in &chain.segments {
                    let read = reader.read_blob(segment).await?;
                    let taken = tokio::task::spawn_blocking(move || loader.segment(wanted, read).map(|()| loader)).await;
                    let broke = |error| failed(crate::error::OperatorError::Internal(format!("restoring state: {error}")));
                    loader = taken.map_err(broke)?.map_err(failed)?;
                }
            }
            let since = self.checkpoint().filter(|_| self.is_own && *node == operator.node);
            state.chains.insert(name.to_owned(), loader.finish(since).map_err(failed)?);
        }
        Ok(())
    }
}

/// The key groups that subtask `subtask` owns.
fn range_of(operator: &PlannedOperator, subtask: usize) -> Result<KeyGroupRange, EngineError> {
    range_of_subtask(KEY_GROUPS_DEFAULT, operator.parallelism as u16, subtask as u16).ok_or_else(|| {
        EngineError::Incompatible(format!(
            "the node `{}` has {} subtasks, at most {KEY_GROUPS_DEFAULT} can share keyed state",
            operator.node, operator.parallelism
        ))
    })
}
