//! Which checkpoints refer to which shared objects, and the removal of those that none refers to any more.
//!
//! Invariant: an object is removed only if no checkpoint that is complete and kept refers to it, and if it was written by
//! a checkpoint that is settled; what a checkpoint in flight writes is named by its own, later number.

use crate::{
    CheckpointError, CheckpointStore, Manifest,
    layout::{shared_folder, shared_of, writer_of_shared},
};
use millrace_model::ids::{CheckpointId, InstanceId};
use std::collections::{BTreeMap, BTreeSet};

/// Shared objects by the checkpoints that refer to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SharedObjects {
    by_checkpoint: BTreeMap<CheckpointId, BTreeSet<String>>,
}

impl SharedObjects {
    /// Notes what a complete checkpoint refers to.
    pub fn note(&mut self, manifest: &Manifest) {
        let names: BTreeSet<String> = manifest.shared().map(str::to_owned).collect();
        if !names.is_empty() {
            self.by_checkpoint.insert(manifest.checkpoint, names);
        }
    }

    /// Forgets a checkpoint that is removed.
    pub fn forget(&mut self, checkpoint: CheckpointId) {
        self.by_checkpoint.remove(&checkpoint);
    }

    /// Whether no checkpoint refers to anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_checkpoint.is_empty()
    }

    /// All objects that are referred to.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        self.by_checkpoint.values().flatten().cloned().collect()
    }
}

/// Removes the shared objects of `instance` that checkpoints up to and including `settled` have written and that are not
/// among `kept`. Answers how many. `settled` must be below any checkpoint in flight.
///
/// # Errors
/// The store's.
pub async fn remove_unshared(
    store: &dyn CheckpointStore,
    instance: &InstanceId,
    settled: CheckpointId,
    kept: &BTreeSet<String>,
) -> Result<usize, CheckpointError> {
    let mut removed = 0;
    for path in store.list(&shared_folder(instance)).await? {
        let Some(name) = shared_of(instance, &path) else { continue };
        if writer_of_shared(name).is_some_and(|writer| writer <= settled) && !kept.contains(name) {
            store.delete_prefix(&path).await?;
            removed += 1;
        }
    }
    Ok(removed)
}
