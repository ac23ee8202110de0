//! Errors of the engine, and the failure that ends an execution.

use crate::output::EmitError;
use millrace_connector::ConnectorError;
use millrace_model::{Classified, FaultClass, ids::NodeId};
use millrace_sandbox::FaultReport;
use serde::Serialize;

/// Why an operator cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// Tenant code failed and the policy is to fail the job.
    #[error("{0}")]
    Fault(Box<FaultReport>),
    /// Tenant code failed, and the policy is to go on from the last checkpoint.
    #[error("{0}")]
    Restart(Box<FaultReport>),
    /// The outside system failed, or its settings are wrong.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// A dimension table cannot be looked up.
    #[error("{0}")]
    Dimension(String),
    /// A SQL expression failed on the data.
    #[error("the query failed on its data: {0}; guard the expression (CASE, TRY_CAST, COALESCE) or filter the rows before it")]
    Evaluation(String),
    /// Rows share the key of a sink, which the query says they do not.
    #[error("{0}")]
    Conflict(String),
    /// Restored state does not fit the operator.
    #[error("restored state: {0}")]
    State(#[from] crate::state::StateError),
    /// State on local disk cannot be read or written.
    #[error("state on local disk: {0}")]
    LocalState(String),
    /// A defect of ours.
    #[error("internal: {0}")]
    Internal(String),
    /// The job is being torn down; not a failure of its own.
    #[error("a neighbouring subtask has ended")]
    TornDown,
}

impl From<EmitError> for OperatorError {
    fn from(error: EmitError) -> Self {
        match error {
            EmitError::Disconnected(_) => Self::TornDown,
            EmitError::Key(error) => Self::Internal(format!("keyed exchange: {error}")),
        }
    }
}

impl From<arrow_schema::ArrowError> for OperatorError {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::Internal(format!("columns: {error}"))
    }
}

impl Classified for OperatorError {
    fn class(&self) -> FaultClass {
        match self {
            Self::Fault(report) | Self::Restart(report) => report.class(),
            Self::Connector(error) => error.class(),
            Self::Dimension(_) => FaultClass::External,
            Self::State(_) | Self::Evaluation(_) | Self::Conflict(_) => FaultClass::User,
            Self::LocalState(_) => FaultClass::External,
            Self::Internal(_) | Self::TornDown => FaultClass::Internal,
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            Self::Fault(report) => report.is_retryable(),
            Self::Restart(_) => true,
            Self::Connector(error) => error.is_retryable(),
            Self::State(_) | Self::Evaluation(_) | Self::Conflict(_) | Self::Internal(_) => false,
            Self::TornDown | Self::Dimension(_) | Self::LocalState(_) => true,
        }
    }
}

/// What ended an execution.
#[derive(Debug, Clone, Serialize)]
pub struct JobFailure {
    /// Who has to act.
    pub class: FaultClass,
    /// Whether a restart from the last checkpoint may help.
    pub retryable: bool,
    /// The operator that failed, if it was one.
    pub operator: Option<NodeId>,
    /// What happened, for the user.
    pub message: String,
    /// The full report when tenant code failed.
    pub fault: Option<Box<FaultReport>>,
}

impl JobFailure {
    pub(crate) fn of_operator(operator: &NodeId, error: OperatorError) -> Self {
        let (class, retryable, message) = (error.class(), error.is_retryable(), error.to_string());
        let fault = match error {
            OperatorError::Fault(report) | OperatorError::Restart(report) => Some(report),
            _ => None,
        };
        Self { class, retryable, operator: Some(operator.clone()), message, fault }
    }

    pub(crate) fn internal(operator: Option<&NodeId>, message: String) -> Self {
        Self { class: FaultClass::Internal, retryable: true, operator: operator.cloned(), message, fault: None }
    }
}

/// Why an execution could not be started or commanded.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// An operator could not be opened.
    #[error("operator `{operator}`: {error}")]
    Open {
        /// The node.
        operator: NodeId,
        /// Why.
        error: OperatorError,
    },
    /// A checkpoint or savepoint could not be read or written.
    #[error(transparent)]
    Checkpoint(#[from] millrace_checkpoint::CheckpointError),
    /// The savepoint does not fit the job.
    #[error("the savepoint does not fit the job: {0}")]
    Incompatible(String),
    /// The checkpoint that a run must go on from cannot be read as it was written.
    #[error(
        "checkpoint {checkpoint} is damaged in the checkpoint store: {found}. Its output may already be visible, so going on from an older \
         one could write records twice. Restore the folder `{instance}` of the checkpoint store from a copy and start again, start from a \
         savepoint (`--from-savepoint`), or without state on purpose (`--fresh`)"
    )]
    Damaged {
        /// Its number.
        checkpoint: millrace_model::ids::CheckpointId,
        /// The run whose checkpoint it is.
        instance: String,
        /// What is wrong with it.
        found: Box<millrace_checkpoint::CheckpointError>,
    },
    /// The savepoint was given up.
    #[error("savepoint not taken: {0}")]
    SavepointAborted(String),
    /// The execution has ended.
    #[error("the instance is not running")]
    NotRunning,
    /// A defect of ours while it was opened.
    #[error("internal: opening broke: {0}")]
    Broken(String),
}

impl Classified for EngineError {
    fn class(&self) -> FaultClass {
        match self {
            Self::Open { error, .. } => error.class(),
            Self::Checkpoint(error) => error.class(),
            Self::Incompatible(_) | Self::NotRunning => FaultClass::User,
            Self::SavepointAborted(_) | Self::Damaged { .. } => FaultClass::External,
            Self::Broken(_) => FaultClass::Internal,
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            Self::Open { error, .. } => error.is_retryable(),
            Self::Checkpoint(error) => error.is_retryable(),
            Self::Incompatible(_) | Self::NotRunning | Self::Damaged { .. } => false,
            Self::SavepointAborted(_) | Self::Broken(_) => true,
        }
    }
}

impl From<EngineError> for JobFailure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Open { operator, error } => Self::of_operator(&operator, error),
            other => {
                let (class, retryable) = (other.class(), other.is_retryable());
                Self { class, retryable, operator: None, message: other.to_string(), fault: None }
            }
        }
    }
}
