//! The memory of this process: for runs that nobody goes on from, such as unit tests of jobs.
//!
//! Invariant: what is kept is bounded; beyond it a write is refused, and the run's checkpoint fails as on a full disk.

use super::CheckpointStore;
use crate::{CheckpointError, layout::check_path};
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A checkpoint store that is gone with its process.
#[derive(Debug)]
pub struct MemoryStore {
    objects: Mutex<BTreeMap<String, Bytes>>,
    bytes_max: usize,
}

impl MemoryStore {
    /// An empty store that takes so many bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self { objects: Mutex::default(), bytes_max }
    }

    /// A map is whole between two calls, also after a panic elsewhere.
    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, path: &str, bytes: Bytes, replace: bool) -> Result<bool, CheckpointError> {
        check_path(path)?;
        let mut objects = self.objects();
        if !replace && objects.contains_key(path) {
            return Ok(false);
        }
        let held: usize = objects.iter().filter(|(name, _)| *name != path).map(|(_, object)| object.len()).sum();
        if held.saturating_add(bytes.len()) > self.bytes_max {
            let found = format!("the state of this run has more than the {} bytes that are kept in memory", self.bytes_max);
            return Err(CheckpointError::DiskFull { action: "writing", path: path.to_owned(), found });
        }
        objects.insert(path.to_owned(), bytes);
        Ok(true)
    }
}

/// `path` itself, or something in the folder `path`.
fn lies_in(name: &str, path: &str) -> bool {
    name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[async_trait]
impl CheckpointStore for MemoryStore {
    async fn put(&self, path: &str, bytes: Bytes) -> Result<(), CheckpointError> {
        self.write(path, bytes, true).map(drop)
    }

    async fn put_if_absent(&self, path: &str, bytes: Bytes) -> Result<bool, CheckpointError> {
        self.write(path, bytes, false)
    }

    async fn get(&self, path: &str) -> Result<Bytes, CheckpointError> {
        check_path(path)?;
        self.objects().get(path).cloned().ok_or_else(|| CheckpointError::NotFound { path: path.to_owned() })
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, CheckpointError> {
        check_path(prefix)?;
        Ok(self.objects().keys().filter(|name| *name != prefix && lies_in(name, prefix)).cloned().collect())
    }

    async fn delete_prefix(&self, prefix: &str) -> Result<(), CheckpointError> {
        check_path(prefix)?;
        self.objects().retain(|name, _| !lies_in(name, prefix));
        Ok(())
    }
}
