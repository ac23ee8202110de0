//! A folder of this machine.
//!
//! Invariant: an object appears under its name only when its bytes are on disk (write aside, flush, rename or link,
//! flush the folder), so a crash at any point leaves the old object or the new one. Folders are readable by this user
//! only (0700): state is tenant data.

use super::CheckpointStore;
use crate::{CheckpointError, layout::check_path};
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Names of files that are being written; [`check_path`] admits no object of such a name.
const ASIDE: &str = ".aside-";

/// A checkpoint store in a local folder.
#[derive(Debug, Clone)]
pub struct LocalStore {
    root: Arc<Path>,
    next: Arc<AtomicU64>,
}

impl LocalStore {
    /// Opens the store in `root`, which is made if it is not there.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, CheckpointError> {
        let root: PathBuf = root.into();
        DirBuilder::new().recursive(true).mode(0o700).create(&root).map_err(|error| io_error("making the folder", &root, &error))?;
        Ok(Self { root: root.into(), next: Arc::default() })
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Runs file system calls where they may block.
    async fn blocking<T: Send + 'static>(
        &self,
        path: &str,
        call: impl FnOnce(&Self, PathBuf) -> Result<T, CheckpointError> + Send + 'static,
    ) -> Result<T, CheckpointError> {
        check_path(path)?;
        let store = self.clone();
        let full = self.root.join(path);
        let joined = tokio::task::spawn_blocking(move || call(&store, full)).await;
        joined.map_err(|error| CheckpointError::Internal(format!("checkpoint store: {error}")))?
    }

    /// Makes the folder of `full` and flushes every folder that got a new entry.
    fn make_parent(&self, full: &Path) -> Result<(), CheckpointError> {
        let Some(parent) = full.parent() else { return Ok(()) };
        let mut missing = Vec::new();
        let mut folder = parent;
        while folder != &*self.root && !folder.is_dir() {
            missing.push(folder);
            let Some(above) = folder.parent() else { break };
            folder = above;
        }
        for folder in missing.into_iter().rev() {
            match DirBuilder::new().mode(0o700).create(folder) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io_error("making the folder", folder, &error)),
            }
            flush_folder(folder.parent().unwrap_or(&self.root))?;
        }
        Ok(())
    }

    /// Writes and flushes `bytes` beside `full`, then lets `publish` give them their name.
    fn write(&self, full: &Path, bytes: &[u8], publish: impl FnOnce(&Path, &Path) -> io::Result<bool>) -> Result<bool, CheckpointError> {
        self.make_parent(full)?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let aside = full.with_file_name(format!("{ASIDE}{}-{number}", std::process::id()));
        let written = write_flushed(&aside, bytes).map_err(|error| io_error("writing", full, &error));
        let published = written.and_then(|()| publish(&aside, full).map_err(|error| io_error("naming", full, &error)));
        if !matches!(published, Ok(true)) {
            // Gone after a rename, useless after a failure: room is what a full disk needs most.
            let _ = fs::remove_file(&aside);
        }
        let published = published?;
        flush_folder(full.parent().unwrap_or(&self.root))?;
        Ok(published)
    }
}

#[async_trait]
impl CheckpointStore for LocalStore {
    async fn put(&self, path: &str, bytes: Bytes) -> Result<(), CheckpointError> {
        let put = move |store: &Self, full: PathBuf| store.write(&full, &bytes, |aside, full| fs::rename(aside, full).map(|()| true));
        self.blocking(path, put).await.map(|_| ())
    }

    async fn put_if_absent(&self, path: &str, bytes: Bytes) -> Result<bool, CheckpointError> {
        let put = move |store: &Self, full: PathBuf| {
            store.write(&full, &bytes, |aside, full| match fs::hard_link(aside, full) {
                Ok(()) => fs::remove_file(aside).map(|()| true),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
                Err(error) => Err(error),
            })
        };
        self.blocking(path, put).await
    }

    async fn get(&self, path: &str) -> Result<Bytes, CheckpointError> {
        let name = path.to_owned();
        let get = move |_: &Self, full: PathBuf| match fs::read(&full) {
            Ok(bytes) => Ok(Bytes::from(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(CheckpointError::NotFound { path: name }),
            Err(error) => Err(io_error("reading", &full, &error)),
        };
        self.blocking(path, get).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, CheckpointError> {
        let top = prefix.to_owned();
        let list = move |_: &Self, full: PathBuf| {
            let mut found = Vec::new();
            let mut folders = vec![(top, full)];
            while let Some((name, folder)) = folders.pop() {
                list_folder(&name, &folder, &mut found, &mut folders)?;
            }
            found.sort_unstable();
            Ok(found)
        };
        self.blocking(prefix, list).await
    }

    async fn delete_prefix(&self, prefix: &str) -> Result<(), CheckpointError> {
        let delete = move |store: &Self, full: PathBuf| {
            let is_folder = match fs::symlink_metadata(&full) {
                Ok(metadata) => metadata.is_dir(),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(io_error("looking at", &full, &error)),
            };
            let removed = if is_folder { fs::remove_dir_all(&full) } else { fs::remove_file(&full) };
            match removed {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(io_error("removing", &full, &error)),
            }
            // Otherwise a crash could bring a removed manifest back while its state stays gone.
            flush_folder(full.parent().unwrap_or(&store.root))
        };
        self.blocking(prefix, delete).await
    }
}

fn list_folder(name: &str, folder: &Path, found: &mut Vec<String>, folders: &mut Vec<(String, PathBuf)>) -> Result<(), CheckpointError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // Not there, or removed meanwhile by the coordinator, or an object of that name.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
        Err(error) => return Err(io_error("listing", folder, &error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| io_error("listing", folder, &error))?;
        let file_name = entry.file_name();
        let Some(file_name) = file_name.to_str().filter(|n| check_path(n).is_ok()) else { continue };
        let path = format!("{name}/{file_name}");
        let kind = entry.file_type().map_err(|error| io_error("looking at", &entry.path(), &error))?;
        if kind.is_dir() {
            folders.push((path, entry.path()));
        } else {
            found.push(path);
        }
    }
    Ok(())
}

fn write_flushed(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn flush_folder(folder: &Path) -> Result<(), CheckpointError> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(|error| io_error("flushing the folder", folder, &error))
}

fn io_error(action: &'static str, path: &Path, error: &io::Error) -> CheckpointError {
    let (path, found) = (path.display().to_string(), error.to_string());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => CheckpointError::DiskFull { action, path, found },
        _ => CheckpointError::Io { action, path, found },
    }
}
