//! Writes a checkpoint: state first, in any order and from any task, then the manifest that makes it complete.
//!
//! Invariant: state objects are named by their content, so a process that was replaced but still runs can never change
//! what a manifest names; and of several processes that write one checkpoint, one completes it.

use crate::{
    CheckpointError, CheckpointReader, CheckpointStore,
    layout::{MANIFEST, check_path, checkpoint_folder, savepoint_folder, shared_name, shared_path},
    manifest::{Blob, BlobPlace, CheckpointKind, Manifest, OperatorState, sha256},
};
use bytes::Bytes;
use millrace_model::ids::{CheckpointId, InstanceId, JobId, SavepointId};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// State up to this many bytes stands in the manifest.
const INLINE_BYTES_MAX: usize = 16 * 1024;
/// All state in a manifest together: beyond, even small state gets objects of its own.
const INLINE_BYTES_TOTAL: usize = 1024 * 1024;

/// Segments below this size are joined when so many of them end a chain.
const SMALL_SEGMENT_BYTES: u64 = 4 * 1024 * 1024;
const SMALL_SEGMENTS_MAX: usize = 16;

/// What a manifest says about the job as a whole.
#[derive(Debug, Clone)]
pub struct CheckpointHeader {
    /// The job.
    pub job: JobId,
    /// Content hash of the version.
    pub version_hash: String,
    /// Now, in epoch milliseconds.
    pub created_ms: i64,
}

/// One checkpoint being written. Clones write the same checkpoint.
#[derive(Clone)]
pub struct CheckpointWriter {
    store: Arc<dyn CheckpointStore>,
    instance: InstanceId,
    checkpoint: CheckpointId,
    folder: String,
    inlined: Arc<AtomicUsize>,
}

impl CheckpointWriter {
    /// Starts checkpoint `checkpoint` of `instance`; nothing is written yet.
    pub fn new(store: Arc<dyn CheckpointStore>, instance: InstanceId, checkpoint: CheckpointId) -> Self {
        let folder = checkpoint_folder(&instance, checkpoint);
        Self { store, instance, checkpoint, folder, inlined: Arc::default() }
    }

    /// Keeps state, and says how the manifest names it. Small state costs no I/O.
    ///
    /// # Errors
    /// The store's.
    pub async fn put_blob(&self, bytes: Bytes) -> Result<Blob, CheckpointError> {
        if bytes.len() <= INLINE_BYTES_MAX {
            let before = self.inlined.fetch_add(bytes.len(), Ordering::Relaxed);
            if before + bytes.len() <= INLINE_BYTES_TOTAL {
                return Ok(Blob::inline(&bytes));
            }
        }
        put_object(&*self.store, &self.folder, bytes).await
    }

    /// Keeps a segment of a chain, to which later checkpoints of the instance may refer as well.
    ///
    /// # Errors
    /// The store's.
    pub async fn put_segment(&self, bytes: Bytes) -> Result<Blob, CheckpointError> {
        let (length, sha256) = (bytes.len() as u64, sha256(&bytes));
        let name = shared_name(self.checkpoint, &sha256);
        self.store.put(&shared_path(&self.folder, &name), bytes).await?;
        Ok(Blob { length, sha256, place: BlobPlace::Shared(name) })
    }

    /// Joins the newest segments of a chain once many small ones have come together, so that a chain stays short. What
    /// it says of each key stays the same: segments one behind the other are a segment.
    ///
    /// # Errors
    /// The store's, or [`CheckpointError::Corrupt`] if a segment is damaged.
    pub async fn shortened(&self, mut segments: Vec<Blob>) -> Result<Vec<Blob>, CheckpointError> {
        let small = segments.iter().rev().take_while(|s| s.length < SMALL_SEGMENT_BYTES).count();
        if small < SMALL_SEGMENTS_MAX {
            return Ok(segments);
        }
        let joined = segments.split_off(segments.len() - small);
        let mut bytes = Vec::new();
        for segment in &joined {
            let BlobPlace::Shared(name) = &segment.place else {
                return Err(CheckpointError::Internal("a segment that is not shared".into()));
            };
            let path = shared_path(&self.folder, name);
            check_path(&path)?;
            let read = self.store.get(&path).await?;
            segment.verify(&path, &read)?;
            bytes.extend_from_slice(&read);
        }
        segments.push(self.put_segment(Bytes::from(bytes)).await?);
        Ok(segments)
    }

    /// Completes the checkpoint. On return it is durable.
    ///
    /// # Errors
    /// [`CheckpointError::AlreadyComplete`] if another process has completed this checkpoint; else the store's. After
    /// an error of the store it is unknown whether the checkpoint is complete: it must not be committed, and is safe to
    /// restore.
    pub async fn complete(&self, header: CheckpointHeader, operators: Vec<OperatorState>) -> Result<Manifest, CheckpointError> {
        let manifest = Manifest {
            format: Manifest::format_needed(&operators),
            checkpoint: self.checkpoint,
            kind: CheckpointKind::Checkpoint,
            savepoint: None,
            instance: self.instance.clone(),
            job: header.job,
            version_hash: header.version_hash,
            created_ms: header.created_ms,
            operators,
        };
        complete(&*self.store, &self.folder, &manifest).await?;
        Ok(manifest)
    }
}

/// Copies a complete checkpoint (or savepoint, perhaps of another store) to the savepoint `savepoint` of `target`. The
/// copy holds all its state: it stays whole when the original is removed, and its folder can be moved anywhere.
///
/// # Errors
/// Those of either store; [`CheckpointError::Corrupt`] if the original is damaged;
/// [`CheckpointError::AlreadyComplete`] if another savepoint has that id.
pub async fn copy_as_savepoint(
    from: &CheckpointReader,
    target: &dyn CheckpointStore,
    savepoint: &SavepointId,
) -> Result<Manifest, CheckpointError> {
    let folder = savepoint_folder(savepoint);
    let mut manifest = from.manifest().clone();
    manifest.kind = CheckpointKind::Savepoint;
    manifest.savepoint = Some(savepoint.clone());
    for blob in manifest.blobs_mut() {
        if matches!(blob.place, BlobPlace::Path(_) | BlobPlace::Shared(_)) {
            let bytes = from.read_blob(blob).await?;
            *blob = put_object(target, &folder, bytes).await?;
        }
    }
    complete(target, &folder, &manifest).await?;
    Ok(manifest)
}

async fn put_object(store: &dyn CheckpointStore, folder: &str, bytes: Bytes) -> Result<Blob, CheckpointError> {
    let (length, sha256) = (bytes.len() as u64, sha256(&bytes));
    let path = format!("blobs/{sha256}");
    store.put(&format!("{folder}/{path}"), bytes).await?;
    Ok(Blob { length, sha256, place: BlobPlace::Path(path) })
}

async fn complete(store: &dyn CheckpointStore, folder: &str, manifest: &Manifest) -> Result<(), CheckpointError> {
    let path = format!("{folder}/{MANIFEST}");
    let bytes = manifest.encode()?;
    if store.put_if_absent(&path, bytes.clone()).await? {
        return Ok(());
    }
    // A conditional write that was answered late and sent again finds itself.
    if store.get(&path).await? == bytes { Ok(()) } else { Err(CheckpointError::AlreadyComplete { path }) }
}
