//! Where checkpoints are kept: bytes in, bytes out.

mod local;
mod memory;
mod object;
#[cfg(test)]
mod tests;

pub use local::LocalStore;
pub use memory::MemoryStore;
pub use object::{ObjectStore, S3Config};

use crate::CheckpointError;
use async_trait::async_trait;
use bytes::Bytes;

/// A place for checkpoints. Paths are relative, as [`crate::layout::check_path`] wants them.
#[async_trait]
pub trait CheckpointStore: Send + Sync {
    /// Writes an object, replacing one that is there. Durable on return; never half written.
    async fn put(&self, path: &str, bytes: Bytes) -> Result<(), CheckpointError>;

    /// Writes an object unless it is there; answers whether it was written. Of several callers one gets `true`.
    /// Durable on return; never half written.
    async fn put_if_absent(&self, path: &str, bytes: Bytes) -> Result<bool, CheckpointError>;

    /// Reads an object; [`CheckpointError::NotFound`] if it is not there.
    async fn get(&self, path: &str) -> Result<Bytes, CheckpointError>;

    /// Paths of all objects below the folder `prefix`, at any depth, in order. Empty if there are none.
    async fn list(&self, prefix: &str) -> Result<Vec<String>, CheckpointError>;

    /// Removes the object `prefix` or all objects below the folder `prefix`; nothing there is no error.
    async fn delete_prefix(&self, prefix: &str) -> Result<(), CheckpointError>;
}
