//! Errors of the facade, classified once; the API maps them to problem details.

use millrace_model::{Classified, FaultClass, graph::GraphError};

/// Why a request to the control plane could not be done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ControlError {
    /// What was named is not there (or belongs to another tenant, which must look the same).
    #[error("{what} was not found{}", .suggestion.as_ref().map(|s| format!("; did you mean `{s}`?")).unwrap_or_default())]
    NotFound {
        /// What was looked for: `topic "clicks"`.
        what: String,
        /// A name that is near and exists.
        suggestion: Option<String>,
    },
    /// The request is wrong; the user must change it.
    #[error("{message}")]
    Invalid {
        /// Stable code: `plugin.not_a_component`, `source.unknown_kind`, …
        code: String,
        /// What was found, what was expected, what to do next.
        message: String,
    },
    /// The request does not fit what the thing is doing now: a savepoint of a stopped instance.
    #[error("{0}")]
    Conflict(String),
    /// Too much waits already; later it may be done.
    #[error("{0}")]
    Busy(String),
    /// An outside system failed: broker, disk, object store, metadata database.
    #[error("{system}: {message}")]
    External {
        /// What failed: `kafka topic clicks`.
        system: String,
        /// What it said.
        message: String,
    },
    /// A defect of ours; logged, never explained to the user.
    #[error("internal: {0}")]
    Internal(String),
}

impl ControlError {
    /// A request that is wrong.
    pub fn invalid(code: &str, message: impl Into<String>) -> Self {
        Self::Invalid { code: code.to_owned(), message: message.into() }
    }

    /// Something that is not there and has no near neighbour.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound { what: what.into(), suggestion: None }
    }
}

impl Classified for ControlError {
    fn class(&self) -> FaultClass {
        match self {
            Self::NotFound { .. } | Self::Invalid { .. } | Self::Conflict(_) | Self::Busy(_) => FaultClass::User,
            Self::External { .. } => FaultClass::External,
            Self::Internal(_) => FaultClass::Internal,
        }
    }
}

/// Why a graph could not become a version.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PinError {
    /// The graph is wrong; every error names node, field and reason.
    #[error("the job graph has {} error(s); the first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    Graph(Vec<GraphError>),
    /// Something else failed.
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl Classified for PinError {
    fn class(&self) -> FaultClass {
        match self {
            Self::Graph(_) => FaultClass::User,
            Self::Control(error) => error.class(),
        }
    }
}
