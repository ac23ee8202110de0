//! Where a launch takes its state from.
//!
//! Invariant: state belongs to a run (one start by a user). A restart within a run goes on from the run's own latest
//! checkpoint; only a run that has none yet looks at what the user asked for. So a fresh start never picks up state of
//! an earlier run, and a crash right after it does not either. Who asks for the state of an instance never begins without
//! any unawares, and a run that has completed a checkpoint never begins anew because it cannot be found: its output would
//! come twice.

use millrace_checkpoint::{CheckpointError, CheckpointStore};
use millrace_engine::StartFrom as EngineStart;
use millrace_model::ids::{CheckpointId, InstanceId};
use millrace_store::{CompleteCheckpoint, Instance, StartFrom, Store, StoreError};

/// Why the start point could not be found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartPointError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("savepoint `{0}` has no location; only a completed savepoint can be started from")]
    NotCompleted(String),
    #[error(
        "instance `{0}` has no state to start from: no run of it has left a checkpoint or savepoint; start fresh on purpose, or from a savepoint"
    )]
    NoState(String),
    #[error(
        "the checkpoints of instance `{instance}` are gone: checkpoint {checkpoint} of its run {run} was complete, and the checkpoint store \
         has {found}; its output may be visible, so going on from anything older would write it twice. Restore the folder \
         `{instance}-{run}` of the checkpoint store and start it again, or start without state on purpose (`--fresh`)"
    )]
    Gone { instance: String, run: i64, checkpoint: i64, found: String },
}

impl StartPointError {
    fn gone(instance: &InstanceId, complete: CompleteCheckpoint, newest: Option<CheckpointId>) -> Self {
        let found = match newest {
            Some(newest) => format!("of that run only checkpoint {newest}"),
            None => "none of that run".to_owned(),
        };
        Self::Gone { instance: instance.to_string(), run: complete.run, checkpoint: complete.checkpoint, found }
    }
}

/// The name under which a run keeps state and writes output.
pub(crate) fn run_id(instance: &InstanceId, run: i64) -> InstanceId {
    InstanceId::new(format!("{instance}-{run}"))
}

/// Finds the start point of `instance`'s current run.
pub(crate) async fn find(store: &Store, checkpoints: &dyn CheckpointStore, instance: &Instance) -> Result<EngineStart, StartPointError> {
    let newest = latest_complete(checkpoints, &run_id(&instance.id, instance.run)).await?;
    let own = instance.complete.filter(|complete| complete.run == instance.run);
    if let Some(complete) = own.filter(|complete| is_before(newest, complete.checkpoint)) {
        return Err(StartPointError::gone(&instance.id, complete, newest));
    }
    if newest.is_some() {
        return Ok(EngineStart::LatestCheckpoint);
    }
    let mut start = &instance.start;
    loop {
        match start {
            // The sources were told the time before: see `start_time`.
            StartFrom::Fresh | StartFrom::Time { .. } => return Ok(EngineStart::Fresh),
            StartFrom::Savepoint { savepoint, allow_partial } => {
                let found = store.savepoint(&instance.scope, savepoint).await?;
                let location = found.location.ok_or_else(|| StartPointError::NotCompleted(savepoint.to_string()))?;
                return Ok(EngineStart::Savepoint { location, allow_partial: *allow_partial });
            }
            StartFrom::Latest { instance: other, allow_partial, or_fresh, instead } => {
                if let Some(location) = latest_of(store, checkpoints, instance, other).await? {
                    return Ok(EngineStart::Savepoint { location, allow_partial: *allow_partial });
                }
                match instead {
                    Some(instead) => start = instead,
                    None if *or_fresh => break,
                    None => return Err(StartPointError::NoState(other.to_string())),
                }
            }
        }
    }
    tracing::warn!(instance = %instance.id, run = instance.run, "no run before has left state: this one begins without any");
    store.note_fresh_start(instance).await?;
    Ok(EngineStart::Fresh)
}

/// Where the latest state of `other` lies, of the runs before the current one if it is `instance` itself. State that is known to
/// have been there and is not is an error, whatever else is asked for.
async fn latest_of(
    store: &Store,
    checkpoints: &dyn CheckpointStore,
    instance: &Instance,
    other: &InstanceId,
) -> Result<Option<String>, StartPointError> {
    let (runs, complete) = if *other == instance.id {
        (instance.run - 1, instance.complete)
    } else {
        let found = store.instance(&instance.scope, other).await?;
        (found.run, found.complete)
    };
    let complete = complete.filter(|complete| complete.run <= runs);
    for run in (1..=runs).rev() {
        let folder = run_id(other, run);
        let newest = latest_complete(checkpoints, &folder).await?;
        if let Some(complete) = complete.filter(|complete| complete.run == run && is_before(newest, complete.checkpoint)) {
            return Err(StartPointError::gone(other, complete, newest));
        }
        if let Some(checkpoint) = newest {
            return Ok(Some(millrace_checkpoint::layout::checkpoint_folder(&folder, checkpoint)));
        }
    }
    Ok(None)
}

/// Whether the newest checkpoint that is there is older than one that was complete.
fn is_before(newest: Option<CheckpointId>, complete: i64) -> bool {
    newest.is_none_or(|newest| i64::try_from(newest).is_ok_and(|newest| newest < complete))
}

/// The greatest checkpoint of `run` that is complete, by its manifest.
pub(crate) async fn latest_complete(checkpoints: &dyn CheckpointStore, run: &InstanceId) -> Result<Option<CheckpointId>, CheckpointError> {
    let paths = checkpoints.list(run.as_str()).await?;
    let number = |path: &String| -> Option<CheckpointId> {
        let (folder, file) = path.rsplit_once('/')?;
        let number = folder.strip_prefix(run.as_str())?.strip_prefix("/chk-")?;
        if file == millrace_checkpoint::layout::MANIFEST { number.parse().ok() } else { None }
    };
    Ok(paths.iter().filter_map(number).max())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use millrace_checkpoint::LocalStore;

    #[tokio::test]
    async fn the_latest_complete_checkpoint_of_the_run_itself_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path()).unwrap();
        for path in
            ["ins_a-1/chk-2/manifest.json", "ins_a-1/chk-10/manifest.json", "ins_a-1/chk-11/blobs/ff", "ins_a-12/chk-99/manifest.json"]
        {
            store.put(path, Bytes::from_static(b"{}")).await.unwrap();
        }
        let latest = |run| {
            let store = store.clone();
            async move { latest_complete(&store, &run_id(&InstanceId::new("ins_a"), run)).await.unwrap() }
        };
        assert_eq!(latest(1).await, Some(10));
        assert_eq!(latest(12).await, Some(99));
        assert_eq!(latest(2).await, None);
    }
}
