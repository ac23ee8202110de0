//! Reads a checkpoint or savepoint, verifying everything before it is trusted.

use crate::{
    CheckpointError, CheckpointStore,
    key_groups::KeyGroupRange,
    layout::{MANIFEST, check_path, shared_path},
    manifest::{Blob, BlobPlace, KeyedChain, Manifest},
};
use bytes::Bytes;
use millrace_model::ids::NodeId;
use std::{collections::BTreeSet, fmt, sync::Arc};

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
        let path = match &blob.place {
            BlobPlace::Path(relative) => {
                check_path(relative)?;
                format!("{}/{relative}", self.folder)
            }
            BlobPlace::Shared(name) => self.shared_path(name)?,
            BlobPlace::Inline(_) => {
                let contained = blob.contained(&format!("{}/{MANIFEST}", self.folder))?;
                return contained.ok_or_else(|| CheckpointError::Internal("contained state without bytes".into()));
            }
        };
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

    fn shared_path(&self, name: &str) -> Result<String, CheckpointError> {
        let path = shared_path(&self.folder, name);
        check_path(&path)?;
        Ok(path)
    }

    /// Chains of the operator at `node` that overlap `wanted`. A chain may hold key groups outside of it: the caller
    /// picks those that are in both. Segments are read one by one with [`Self::read_blob`].
    pub fn chains(&self, node: &NodeId, wanted: KeyGroupRange) -> impl Iterator<Item = &KeyedChain> {
        let keyed = self.manifest.operator(node).and_then(|o| o.keyed.as_ref());
        keyed.into_iter().flat_map(|k| &k.chains).filter(move |c| c.key_groups.intersection(wanted).is_some())
    }

    /// Reads and verifies all state but the segments of chains, which may be large and are verified when they are
    /// restored; of those it is only seen whether they are there. One blob is in memory at a time.
    ///
    /// # Errors
    /// As [`Self::read_blob`].
    pub async fn verify(&self) -> Result<(), CheckpointError> {
        let operators = &self.manifest.operators;
        let segments: Vec<&Blob> =
            operators.iter().filter_map(|o| o.keyed.as_ref()).flat_map(|k| &k.chains).flat_map(|c| &c.segments).collect();
        if !segments.is_empty() {
            self.verify_presence(&segments).await?;
        }
        for operator in operators {
            let parts = operator.keyed.iter().flat_map(|k| &k.parts).map(|p| &p.blob);
            for blob in operator.subtasks.iter().map(|s| &s.blob).chain(parts) {
                self.read_blob(blob).await?;
            }
        }
        Ok(())
    }

    async fn verify_presence(&self, segments: &[&Blob]) -> Result<(), CheckpointError> {
        let mut wanted = BTreeSet::new();
        for segment in segments {
            match &segment.place {
                BlobPlace::Inline(_) => {}
                BlobPlace::Path(relative) => drop(wanted.insert(format!("{}/{relative}", self.folder))),
                BlobPlace::Shared(name) => drop(wanted.insert(self.shared_path(name)?)),
            }
        }
        let folders: BTreeSet<String> =
            wanted.iter().filter_map(|path| path.rsplit_once('/')).map(|(folder, _)| folder.to_owned()).collect();
        for folder in folders {
            check_path(&folder)?;
            for path in self.store.list(&folder).await? {
                wanted.remove(&path);
            }
        }
        wanted.pop_first().map_or(Ok(()), |path| Err(CheckpointError::NotFound { path }))
    }
}
