//! Reads a checkpoint or savepoint, verifying everything before it is trusted.

use crate::{
    CheckpointError, CheckpointStore,
    key_groups::KeyGroupRange,
    layout::{MANIFEST, check_path},
    manifest::{Blob, BlobPlace, Manifest},
};
use bytes::Bytes;
use millrace_model::ids::NodeId;
use std::{fmt, sync::Arc};

/// An open checkpoint or savepoint.
#[derive(Clone)]
pub struct CheckpointReader {
    store: Arc<dyn CheckpointStore>,
    folder: String,
    manifest: Arc<Manifest>,
}

impl fmt::Debug for CheckpointReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckpointReader").field("folder", &self.folder).field("checkpoint", &self.manifest.checkpoint).finish()
    }
}

impl CheckpointReader {
    /// Opens the checkpoint or savepoint in `folder` (see [`crate::layout`]). Reads the manifest only.
    ///
    /// # Errors
    /// [`CheckpointError::NotFound`] if it is not there or not complete, else as [`Manifest::decode`].
    pub async fn open(store: Arc<dyn CheckpointStore>, folder: &str) -> Result<Self, CheckpointError> {
        check_path(folder)?;
        let path = format!("{folder}/{MANIFEST}");
        let manifest = Manifest::decode(&path, &store.get(&path).await?)?;
        Ok(Self { store, folder: folder.to_owned(), manifest: Arc::new(manifest) })
    }

    /// The table of contents.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Folder in the store.
    #[must_use]
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// The bytes of a blob of this checkpoint, verified by length and SHA-256.
    ///
    /// # Errors
    /// [`CheckpointError::Corrupt`] or [`CheckpointError::NotFound`] when the state is damaged or gone; the store's.
    pub async fn read_blob(&self, blob: &Blob) -> Result<Bytes, CheckpointError> {
        let relative = match &blob.place {
            BlobPlace::Path(path) => path,
            BlobPlace::Inline(_) => {
                let contained = blob.contained(&format!("{}/{MANIFEST}", self.folder))?;
                return contained.ok_or_else(|| CheckpointError::Internal("contained state without bytes".into()));
            }
        };
        check_path(relative)?;
        let path = format!("{}/{relative}", self.folder);
        let bytes = self.store.get(&path).await?;
        blob.verify(&path, &bytes)?;
        Ok(bytes)
    }

    /// States of all subtasks of the operator at `node`, with their numbers; empty if it has none.
    ///
    /// # Errors
    /// As [`Self::read_blob`].
    pub async fn subtask_states(&self, node: &NodeId) -> Result<Vec<(u16, Bytes)>, CheckpointError> {
        let mut states = Vec::new();
        if let Some(operator) = self.manifest.operator(node) {
            for state in &operator.subtasks {
                states.push((state.subtask, self.read_blob(&state.blob).await?));
            }
        }
        Ok(states)
    }

    /// Keyed state of the operator at `node` that overlaps `wanted`. A part may hold key groups outside of it: the
    /// caller picks its own.
    ///
    /// # Errors
    /// As [`Self::read_blob`].
    pub async fn keyed_parts(&self, node: &NodeId, wanted: KeyGroupRange) -> Result<Vec<(KeyGroupRange, Bytes)>, CheckpointError> {
        let mut parts = Vec::new();
        if let Some(keyed) = self.manifest.operator(node).and_then(|o| o.keyed.as_ref()) {
            for part in keyed.parts.iter().filter(|p| p.key_groups.intersection(wanted).is_some()) {
                parts.push((part.key_groups, self.read_blob(&part.blob).await?));
            }
        }
        Ok(parts)
    }

    /// Reads and verifies all state. One blob is in memory at a time.
    ///
    /// # Errors
    /// As [`Self::read_blob`].
    pub async fn verify(&self) -> Result<(), CheckpointError> {
        for blob in self.manifest.blobs() {
            self.read_blob(blob).await?;
        }
        Ok(())
    }
}
