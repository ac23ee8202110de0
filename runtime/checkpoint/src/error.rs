//! Errors of checkpoints, classified once.

use millrace_model::{Classified, FaultClass};

/// What went wrong with a checkpoint or its store. Cloneable, so that one failure can be told to several waiters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The store has no room left.
    #[error(
        "no space left for checkpoints: {action} `{path}`: {found}; free space on the file system that holds it, raise the quota, or move the checkpoint folder"
    )]
    DiskFull {
        /// What was being done: `writing`.
        action: &'static str,
        /// The file or folder.
        path: String,
        /// What the operating system said.
        found: String,
    },
    /// The operating system refused something else.
    #[error("{action} `{path}`: {found}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file or folder.
        path: String,
        /// What the operating system said.
        found: String,
    },
    /// The object store failed.
    #[error("{store}: {action} `{path}`: {found}")]
    Remote {
        /// Which store: `s3 bucket x`.
        store: String,
        /// What was being done.
        action: &'static str,
        /// The object.
        path: String,
        /// What the store said.
        found: String,
        /// Whether trying again can help.
        retryable: bool,
    },
    /// State that waits on local disk for the checkpoint cannot be read.
    #[error("{0}")]
    LocalState(String),
    /// The object is not there.
    #[error("`{path}` is not in the checkpoint store")]
    NotFound {
        /// The object.
        path: String,
    },
    /// What was read is not what was written.
    #[error("`{path}` is damaged: {found}, expected {expected}")]
    Corrupt {
        /// The object.
        path: String,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// Written by a newer release.
    #[error(
        "`{path}` has manifest format {found}, this release reads formats up to {supported}; restore it with the release that wrote it or a newer one"
    )]
    NewerFormat {
        /// The manifest.
        path: String,
        /// Its format.
        found: u64,
        /// The newest format that this release knows.
        supported: u32,
    },
    /// Somebody else has completed this checkpoint: another process runs the same instance.
    #[error("`{path}` was completed by another process; this one must stop, it has been replaced")]
    AlreadyComplete {
        /// The manifest.
        path: String,
    },
    /// An id or path that may not name an object.
    #[error("`{path}` cannot name an object of a checkpoint store: {reason}")]
    BadPath {
        /// What was given.
        path: String,
        /// Why not.
        reason: &'static str,
    },
    /// The store's settings are wrong.
    #[error("checkpoint store: {0}")]
    Config(String),
    /// A defect of ours.
    #[error("internal: {0}")]
    Internal(String),
}

impl Classified for CheckpointError {
    fn class(&self) -> FaultClass {
        match self {
            Self::DiskFull { .. } | Self::Io { .. } | Self::Remote { .. } | Self::NotFound { .. } | Self::LocalState(_) => {
                FaultClass::External
            }
            Self::Corrupt { .. } | Self::AlreadyComplete { .. } => FaultClass::External,
            Self::NewerFormat { .. } | Self::BadPath { .. } | Self::Config(_) => FaultClass::User,
            Self::Internal(_) => FaultClass::Internal,
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            Self::DiskFull { .. } | Self::Io { .. } | Self::LocalState(_) => true,
            Self::Remote { retryable, .. } => *retryable,
            Self::NotFound { .. } | Self::Corrupt { .. } | Self::AlreadyComplete { .. } => false,
            Self::NewerFormat { .. } | Self::BadPath { .. } | Self::Config(_) | Self::Internal(_) => false,
        }
    }
}
