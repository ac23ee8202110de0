//! Folders for state that does not fit in memory: they live as long as somebody uses what is in them.
//!
//! Invariant: nothing is ever read from a folder that another run has left: what lies there is removed at the start.

use crate::error::OperatorError;
use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// A folder that is removed with its last user.
#[derive(Debug)]
pub(crate) struct LocalFolder {
    path: PathBuf,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl LocalFolder {
    /// Makes a new folder in `parent`, readable by this user only.
    pub(crate) fn make(parent: &Path, name: &str) -> Result<Self, OperatorError> {
        use std::os::unix::fs::DirBuilderExt;
        let path = parent.join(format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(|error| failed("making", &path, &error))?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for LocalFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(folder = %self.path.display(), "state on local disk could not be removed: {error}");
        }
    }
}

/// Removes what an earlier run has left in `folder`; nothing there is no error.
pub(crate) fn remove_leftovers(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Ok(()) => tracing::info!(folder = %folder.display(), "removed state on local disk that an earlier run has left"),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(folder = %folder.display(), "state of an earlier run could not be removed: {error}"),
    }
}

/// What the operating system said, and what to do.
pub(crate) fn failed(action: &str, path: &Path, error: &io::Error) -> OperatorError {
    let advice = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "; free space on the file system that holds it, move the folder to a larger one, or give the job more memory for its state"
        }
        _ => "",
    };
    OperatorError::LocalState(format!("{action} `{}`: {error}{advice}", path.display()))
}
