//! Errors of connectors, classified once.

use millrace_model::{Classified, FaultClass};

/// What went wrong at the border to an outside system.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectorError {
    /// A setting is wrong; the user must change it.
    #[error("{0}")]
    Config(String),
    /// A record cannot be read and the policy is to fail.
    #[error("{0}")]
    BadRecord(String),
    /// The outside system failed; the job restarts from its last checkpoint.
    #[error("{system}: {message}")]
    External {
        /// What failed: `kafka topic clicks`.
        system: String,
        /// What it said.
        message: String,
        /// Whether trying again can help.
        retryable: bool,
    },
    /// Tenant code failed.
    #[error("{message}")]
    Fault {
        /// The report.
        message: String,
        /// Whether going on from the last checkpoint can help.
        retryable: bool,
    },
    /// A newer owner has taken over; this process must stop writing.
    #[error("{0}: fenced by a newer owner")]
    Fenced(String),
    /// Restored state cannot be read.
    #[error("restored state of {what}: {message}")]
    State {
        /// Which state.
        what: String,
        /// What is wrong with it.
        message: String,
    },
    /// A defect of ours.
    #[error("internal: {0}")]
    Internal(String),
}

impl Classified for ConnectorError {
    fn class(&self) -> FaultClass {
        match self {
            Self::Config(_) | Self::BadRecord(_) | Self::State { .. } | Self::Fault { .. } => FaultClass::User,
            Self::External { .. } | Self::Fenced(_) => FaultClass::External,
            Self::Internal(_) => FaultClass::Internal,
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            Self::External { retryable, .. } | Self::Fault { retryable, .. } => *retryable,
            Self::Fenced(_) | Self::Config(_) | Self::BadRecord(_) | Self::State { .. } | Self::Internal(_) => false,
        }
    }
}
