//! Finds the checkpoint to restore after a crash, and clears away what crashes leave behind.
//!
//! Invariant: an error of the store is never taken for "there is no checkpoint"; a job must not start from scratch
//! because a disk was away for a moment.

use crate::{
    CheckpointError, CheckpointReader, CheckpointStore,
    layout::{MANIFEST, checkpoint_folder, checkpoint_of, shared_of, writer_of_shared},
    shared::SharedObjects,
};
use millrace_model::ids::{CheckpointId, InstanceId};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Why a checkpoint was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipReason {
    /// It was never completed, so nothing was ever committed on its strength: passing it over is always right.
    Incomplete,
    /// It was complete and is damaged now. Its output may have been committed: restoring an older one repeats output
    /// that the outside system already shows, so exactly-once sinks must not go on without the user's consent.
    Damaged(CheckpointError),
}

/// A checkpoint that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which.
    pub checkpoint: CheckpointId,
    /// Why.
    pub reason: SkipReason,
}

/// What an instance left in a store.
#[derive(Debug)]
pub struct Recovery {
    /// The latest checkpoint that is complete and whole.
    pub latest: Option<CheckpointReader>,
    /// Greatest id ever begun, 0 if none: new checkpoints must be numbered above it.
    pub last_id: CheckpointId,
    /// Ids of all complete checkpoints up to `latest`, ascending: what the coordinator may remove later.
    pub complete: Vec<CheckpointId>,
    /// Those later than `latest` that cannot be restored, latest first.
    pub skipped: Vec<Skipped>,
    /// Whether anything shared is there, left over or not.
    pub has_shared: bool,
    /// What the complete checkpoints share; `None` if that could not be worked out, and nothing shared may be removed.
    pub shared: Option<SharedObjects>,
}

/// Looks for the latest whole checkpoint of `instance`. Reads all its state once, to be sure.
///
/// # Errors
/// The store's, and [`CheckpointError::NewerFormat`]: an older release must not fall back behind a newer one.
pub async fn latest(store: &Arc<dyn CheckpointStore>, instance: &InstanceId) -> Result<Recovery, CheckpointError> {
    let Folders { checkpoints: found, last_shared } = folders(&**store, instance).await?;
    let last_id = found.keys().next_back().copied().max(last_shared).unwrap_or(0);
    let mut recovery = Recovery {
        latest: None,
        last_id,
        complete: Vec::new(),
        skipped: Vec::new(),
        has_shared: last_shared.is_some(),
        shared: Some(SharedObjects::default()),
    };
    for (&checkpoint, &complete) in found.iter().rev() {
        if recovery.latest.is_some() {
            if complete {
                recovery.complete.push(checkpoint);
            }
            continue;
        }
        let reason = if !complete {
            SkipReason::Incomplete
        } else {
            match open_whole(store, instance, checkpoint).await {
                Ok(reader) => {
                    recovery.latest = Some(reader);
                    recovery.complete.push(checkpoint);
                    continue;
                }
                Err(error @ (CheckpointError::Corrupt { .. } | CheckpointError::NotFound { .. } | CheckpointError::BadPath { .. })) => {
                    SkipReason::Damaged(error)
                }
                Err(error) => return Err(error),
            }
        };
        match &reason {
            SkipReason::Incomplete => tracing::info!(%instance, checkpoint, "passing over a checkpoint that was never completed"),
            SkipReason::Damaged(error) => tracing::error!(%instance, checkpoint, %error, "passing over a damaged checkpoint"),
        }
        recovery.skipped.push(Skipped { checkpoint, reason });
    }
    recovery.complete.reverse();
    if last_shared.is_some() {
        recovery.shared = shared(store, instance, &recovery).await?;
    }
    Ok(recovery)
}

/// What the complete checkpoints share. A manifest that cannot be read may refer to anything.
async fn shared(
    store: &Arc<dyn CheckpointStore>,
    instance: &InstanceId,
    found: &Recovery,
) -> Result<Option<SharedObjects>, CheckpointError> {
    if found.skipped.iter().any(|s| matches!(s.reason, SkipReason::Damaged(_))) {
        return Ok(None);
    }
    let mut shared = SharedObjects::default();
    for &checkpoint in &found.complete {
        match CheckpointReader::open(Arc::clone(store), &checkpoint_folder(instance, checkpoint)).await {
            Ok(reader) => shared.note(reader.manifest()),
            Err(CheckpointError::Corrupt { .. } | CheckpointError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(shared))
}

struct Folders {
    /// With whether they are complete.
    checkpoints: BTreeMap<CheckpointId, bool>,
    /// The latest that has written something shared.
    last_shared: Option<CheckpointId>,
}

/// Checkpoints of an instance.
async fn folders(store: &dyn CheckpointStore, instance: &InstanceId) -> Result<Folders, CheckpointError> {
    let mut found: BTreeMap<CheckpointId, bool> = BTreeMap::new();
    let mut last_shared = None;
    for path in store.list(instance.as_str()).await? {
        last_shared = last_shared.max(shared_of(instance, &path).and_then(writer_of_shared));
        if let Some(checkpoint) = checkpoint_of(instance, &path) {
            let is_manifest = path == format!("{}/{MANIFEST}", checkpoint_folder(instance, checkpoint));
            *found.entry(checkpoint).or_default() |= is_manifest;
        }
    }
    Ok(Folders { checkpoints: found, last_shared })
}

async fn open_whole(
    store: &Arc<dyn CheckpointStore>,
    instance: &InstanceId,
    checkpoint: CheckpointId,
) -> Result<CheckpointReader, CheckpointError> {
    let reader = CheckpointReader::open(Arc::clone(store), &checkpoint_folder(instance, checkpoint)).await?;
    reader.verify().await?;
    Ok(reader)
}

/// Removes a checkpoint, its manifest first: cut short, it is incomplete, never damaged.
///
/// # Errors
/// The store's.
pub async fn remove_checkpoint(
    store: &dyn CheckpointStore,
    instance: &InstanceId,
    checkpoint: CheckpointId,
) -> Result<(), CheckpointError> {
    let folder = checkpoint_folder(instance, checkpoint);
    store.delete_prefix(&format!("{folder}/{MANIFEST}")).await?;
    store.delete_prefix(&folder).await
}

/// Removes what unfinished checkpoints of `instance` left behind, up to and including `last_id`. To be called before a
/// restored instance takes its first checkpoint. Answers the removed ids.
///
/// # Errors
/// The store's.
pub async fn remove_incomplete(
    store: &dyn CheckpointStore,
    instance: &InstanceId,
    last_id: CheckpointId,
) -> Result<BTreeSet<CheckpointId>, CheckpointError> {
    let mut removed = BTreeSet::new();
    for (checkpoint, complete) in folders(store, instance).await?.checkpoints {
        if !complete && checkpoint <= last_id {
            store.delete_prefix(&checkpoint_folder(instance, checkpoint)).await?;
            removed.insert(checkpoint);
        }
    }
    Ok(removed)
}
