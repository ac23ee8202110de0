//! Errors of the store, classified once.

use millrace_domain::{Quota, approval, edit_lock, lifecycle, production, release};
use millrace_model::{Classified, FaultClass};

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing of that name or id in the scope.
    #[error("{what} `{name}` was not found")]
    NotFound {
        /// The kind of thing: `topic`.
        what: &'static str,
        /// The name or id that was asked for.
        name: String,
    },
    /// The name is taken.
    #[error("{what} `{name}` exists already")]
    AlreadyExists {
        /// The kind of thing.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Somebody else changed it first.
    #[error("{what} `{name}` was changed meanwhile: expected revision {expected}, found {found}; read it again")]
    RevisionConflict {
        /// The kind of thing.
        what: &'static str,
        /// Its name or id.
        name: String,
        /// The revision that the caller had read.
        expected: i64,
        /// The revision that is there.
        found: i64,
    },
    /// Other things depend on it.
    #[error("{what} `{name}` is in use: {by}")]
    InUse {
        /// The kind of thing.
        what: &'static str,
        /// Its name or id.
        name: String,
        /// What uses it and what to do.
        by: String,
    },
    /// The tenant or project may not have that much.
    #[error(
        "quota `{quota}`: the {place} uses {used}, wants {wanted} more and may have {allowed}; remove or stop what nobody uses, or ask \
         an administrator of the {} for more", if *place == "project" { "tenant" } else { "platform" }
    )]
    QuotaExceeded {
        /// `tenant` or `project`: whose quota it is.
        place: &'static str,
        /// Of what.
        quota: Quota,
        /// What is used.
        used: i64,
        /// What is wanted besides.
        wanted: i64,
        /// What may be used.
        allowed: i64,
    },
    /// Bytes to be stored cannot be read.
    #[error("the content cannot be read: {0}")]
    Unreadable(String),
    /// The project is archived and cannot be entered.
    #[error("project `{0}` is archived and cannot be changed")]
    Archived(String),
    /// The project does not have that service.
    #[error("project `{project}` has no service `{service}`; an administrator of the tenant can add it")]
    NoService {
        /// The project.
        project: String,
        /// The service.
        service: millrace_domain::Service,
    },
    /// The event does not fit the instance's state.
    #[error(transparent)]
    Lifecycle(#[from] lifecycle::Rejected),
    /// The approval cannot be decided so, or not by this caller.
    #[error(transparent)]
    Approval(#[from] approval::Refusal),
    /// The edit lock does not allow it.
    #[error(transparent)]
    Locked(#[from] edit_lock::LockRefused),
    /// The event does not fit the release's state.
    #[error(transparent)]
    Release(#[from] release::Rejected),
    /// Resources that cannot be given, or that a job does not fit into.
    #[error(transparent)]
    Allocation(#[from] production::AllocationError),
    /// What is there does not allow it; the caller can do something about it.
    #[error("{message}")]
    Conflict {
        /// Stable code: `approval.pending`.
        code: &'static str,
        /// What was found, and what to do.
        message: String,
    },
    /// The caller, or a job, may not use it.
    #[error("{message}")]
    Forbidden {
        /// Stable code: `permission.missing`.
        code: &'static str,
        /// What is missing, and how to apply for it.
        message: String,
    },
    /// The worker no longer owns the instance.
    #[error("instance `{instance}`: attempt {attempt} is over; the current one is {current}")]
    Fenced {
        /// The instance.
        instance: String,
        /// The caller's attempt.
        attempt: i64,
        /// The attempt that counts.
        current: i64,
    },
    /// A given value cannot be stored.
    #[error("{field}: {message}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What was found, what was expected.
        message: String,
    },
    /// A secret cannot be read: another key, or altered data.
    #[error("the secret `{0}` cannot be decrypted; is the key file the one it was written with?")]
    Undecryptable(String),
    /// The secrets of this metadata are sealed with a key that this server does not have.
    #[error(
        "the secrets of this metadata are sealed with the key `{active}`, and this server has `{own}` only; copy `secrets.key` from the \
         data folder of a server that is ready into this server's, or give both the same MILLRACE_SECRETS_KEYS, and start it again"
    )]
    UnknownKey {
        /// Id of the key that seals.
        active: String,
        /// Id of the key that this server has.
        own: String,
    },
    /// Stored data is not what this version of the program writes.
    #[error("stored data is wrong: {0}")]
    Corrupt(String),
    /// The database was written by a newer version of the program.
    #[error("the database has schema version {found}, this program knows versions up to {known}; install a newer version")]
    NewerSchema {
        /// Version of the database.
        found: i64,
        /// Newest version known here.
        known: i64,
    },
    /// The database cannot be reached.
    #[error("the metadata database at {address} cannot be reached: {error}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the network said.
        error: sqlx::Error,
    },
    /// The database failed.
    #[error("metadata database: {0}")]
    Database(#[from] sqlx::Error),
}

impl StoreError {
    /// A [`StoreError::NotFound`].
    pub fn not_found(what: &'static str, name: impl Into<String>) -> Self {
        Self::NotFound { what, name: name.into() }
    }

    /// Whether the disk of the metadata database is full.
    pub fn is_disk_full(&self) -> bool {
        /// `SQLITE_FULL`, and PostgreSQL's `disk_full`.
        const CODES: [&str; 2] = ["13", "53100"];
        match self {
            Self::Database(sqlx::Error::Database(error)) => error.code().is_some_and(|code| CODES.contains(&&*code)),
            _ => false,
        }
    }
}

/// Turns the refusal of a duplicate name into its own error.
pub(crate) fn unless_taken<'a>(what: &'static str, name: &'a str) -> impl FnOnce(sqlx::Error) -> StoreError + 'a {
    move |error| match &error {
        sqlx::Error::Database(database) if database.is_unique_violation() => StoreError::AlreadyExists { what, name: name.to_owned() },
        _ => StoreError::Database(error),
    }
}

/// Whether something else points to what was to be removed; whoever knows what does says so before.
pub(crate) fn unless_used<'a>(what: &'static str, name: &'a str) -> impl FnOnce(sqlx::Error) -> StoreError + 'a {
    move |error| match &error {
        sqlx::Error::Database(database) if database.is_foreign_key_violation() => {
            let by = "settings or other things of the project point to it; take it out of them first".to_owned();
            StoreError::InUse { what, name: name.to_owned(), by }
        }
        _ => StoreError::Database(error),
    }
}

impl Classified for StoreError {
    fn class(&self) -> FaultClass {
        match self {
            Self::NotFound { .. }
            | Self::AlreadyExists { .. }
            | Self::RevisionConflict { .. }
            | Self::InUse { .. }
            | Self::QuotaExceeded { .. }
            | Self::Archived(_)
            | Self::NoService { .. }
            | Self::Lifecycle(_)
            | Self::Approval(_)
            | Self::Locked(_)
            | Self::Release(_)
            | Self::Allocation(_)
            | Self::Conflict { .. }
            | Self::Forbidden { .. }
            | Self::Invalid { .. } => FaultClass::User,
            Self::Database(_) | Self::Unreachable { .. } | Self::Unreadable(_) | Self::UnknownKey { .. } => FaultClass::External,
            Self::Fenced { .. } | Self::Undecryptable(_) | Self::Corrupt(_) | Self::NewerSchema { .. } => FaultClass::Internal,
        }
    }
}
