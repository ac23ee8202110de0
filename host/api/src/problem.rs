//! Errors as RFC 9457 problem details with stable codes.
//!
//! Invariant: a [`Problem`] carries what the user may know; what went wrong inside travels beside it in `internal`, is
//! logged by `frame` with the request's id, and never leaves the server.

use crate::control_plane::{ControlFailure, PinFailure};
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use millrace_domain::approval::Refusal;
use millrace_identity::PasswordFailure;
use millrace_model::graph::GraphError;
use millrace_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

/// One wrong field of a request or of a job graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Node of the job graph, if one is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Path of the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Stable code.
    pub code: String,
    /// What was found, what was expected.
    pub message: String,
    /// Line of the field's text, from 1, if the field is a SQL script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in that line, from 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

impl FieldError {
    /// An error in a field of a request.
    pub fn in_field(field: &str, code: &str, message: impl Into<String>) -> Self {
        let (field, code, message) = (Some(field.to_owned()), code.to_owned(), message.into());
        Self { node: None, field, code, message, line: None, column: None }
    }
}

impl From<GraphError> for FieldError {
    fn from(error: GraphError) -> Self {
        let (line, column) = error.place.map(|p| (p.line, p.column)).unzip();
        Self { node: error.node.map(|n| n.to_string()), field: error.field, code: error.code, message: error.message, line, column }
    }
}

/// Why a request was not done.
#[derive(Debug, Clone)]
pub struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) detail: String,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) internal: Option<String>,
    /// When to come again.
    pub(crate) retry_after_s: Option<i64>,
    /// The refusal is in the audit log already.
    pub(crate) is_noted: bool,
}

/// The document that is sent, with media type `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemDocument {
    /// `urn:millrace:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable code for programs: `job.not_found`.
    pub code: String,
    /// What was found, what was expected, what to do.
    pub detail: String,
    /// Names the request in the server's log and in the audit log.
    pub request_id: String,
    /// The wrong fields, if the request or a job graph has some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// A problem that the caller can do something about.
    pub fn new(status: StatusCode, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { status, code: code.into(), detail: detail.into(), errors: Vec::new(), internal: None, retry_after_s: None, is_noted: false }
    }

    /// A wrong field of a request.
    pub fn field(field: &str, code: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let error = FieldError::in_field(field, code, message.clone());
        Self { errors: vec![error], ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, format!("`{field}`: {message}")) }
    }

    /// With a time in seconds after which it makes sense to come again.
    #[must_use]
    pub fn after(self, seconds: i64) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// The refusal is in the audit log already.
    #[must_use]
    pub(crate) fn noted(self) -> Self {
        Self { is_noted: true, ..self }
    }

    /// Something of this name is not there, or not for this caller.
    pub fn not_found(what: &str, name: &str) -> Self {
        // Of what it is one stands in the text alone.
        let kind = what.split(" of the ").next().unwrap_or(what);
        let code = format!("{}.not_found", kind.replace(' ', "_"));
        Self::new(StatusCode::NOT_FOUND, code, format!("{what} `{}` was not found", shortened(name)))
    }

    /// A job graph that is wrong.
    pub fn graph(errors: Vec<FieldError>) -> Self {
        let detail = format!("the job graph has {} error(s)", errors.len());
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "graph.invalid", detail) }
    }

    /// A defect of ours.
    pub fn internal(what: impl Into<String>) -> Self {
        let detail = "the server failed; the log names the request";
        Self { internal: Some(what.into()), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail) }
    }

    pub(crate) fn document(self, request_id: &str) -> ProblemDocument {
        ProblemDocument {
            kind: format!("urn:millrace:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
            request_id: request_id.to_owned(),
            errors: self.errors,
        }
    }
}

/// What callers wrote is repeated to them, but not without end.
fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // `frame` writes the document: only it knows the request's id.
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let code = |what: &str, end: &str| format!("{}.{end}", what.replace(' ', "_"));
        match &error {
            StoreError::NotFound { what, name } => Self::not_found(what, name),
            StoreError::AlreadyExists { what, .. } => Self::new(StatusCode::CONFLICT, code(what, "exists"), error.to_string()),
            StoreError::RevisionConflict { what, .. } => {
                Self::new(StatusCode::PRECONDITION_FAILED, code(what, "changed"), error.to_string())
            }
            StoreError::InUse { what, .. } => Self::new(StatusCode::CONFLICT, code(what, "in_use"), error.to_string()),
            StoreError::QuotaExceeded { .. } => Self::new(StatusCode::CONFLICT, "quota.exceeded", error.to_string()),
            StoreError::Archived(_) => Self::new(StatusCode::CONFLICT, "project.archived", error.to_string()),
            StoreError::NoService { .. } => Self::new(StatusCode::CONFLICT, "project.no_service", error.to_string()),
            StoreError::Lifecycle(_) => Self::new(StatusCode::CONFLICT, "instance.state", error.to_string()),
            StoreError::Approval(refusal) => match refusal {
                Refusal::State { .. } => Self::new(StatusCode::CONFLICT, "approval.state", error.to_string()),
                Refusal::OwnRequest => Self::new(StatusCode::FORBIDDEN, "approval.own_request", error.to_string()),
                Refusal::NotApplicant => Self::new(StatusCode::FORBIDDEN, "approval.not_applicant", error.to_string()),
                Refusal::NotDecider => Self::new(StatusCode::FORBIDDEN, "access.forbidden", error.to_string()),
            },
            StoreError::Locked(refused) => {
                let is_locked = refused.reason == millrace_domain::edit_lock::LockReason::Locked;
                match is_locked {
                    true => Self::new(StatusCode::LOCKED, "job.locked", error.to_string()),
                    false => Self::new(StatusCode::CONFLICT, format!("job.lock_{}", refused.reason), error.to_string()),
                }
            }
            StoreError::Release(_) => Self::new(StatusCode::CONFLICT, "release.state", error.to_string()),
            StoreError::Allocation(wrong) => {
                Self::field(&format!("allocation.{}", wrong.field), "allocation.invalid", wrong.message.clone())
            }
            StoreError::Forbidden { code, message } => Self::new(StatusCode::FORBIDDEN, *code, message.clone()),
            StoreError::Conflict { code, message } => Self::new(StatusCode::CONFLICT, *code, message.clone()),
            StoreError::Invalid { field, message } => Self::field(field, "request.invalid", message.clone()),
            StoreError::Database(_) | StoreError::Unreachable { .. } => {
                let detail = match error.is_disk_full() {
                    true => "the disk of the metadata database is full; nothing was changed, try again when there is room",
                    false => "the metadata database does not answer as it should; try again",
                };
                Self { internal: Some(error.to_string()), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "metadata.unavailable", detail) }
            }
            StoreError::UnknownKey { .. } => Self::new(StatusCode::SERVICE_UNAVAILABLE, "keys.unknown", error.to_string()),
            StoreError::Unreadable(_) => Self::internal(error.to_string()),
            StoreError::Fenced { .. } | StoreError::Undecryptable(_) | StoreError::Corrupt(_) | StoreError::NewerSchema { .. } => {
                Self::internal(error.to_string())
            }
        }
    }
}

impl From<PasswordFailure> for Problem {
    fn from(failure: PasswordFailure) -> Self {
        match failure {
            PasswordFailure::Busy => Self::new(StatusCode::TOO_MANY_REQUESTS, "sign_in.busy", failure.to_string()).after(5),
            PasswordFailure::Defect(_) => Self::internal(failure.to_string()),
        }
    }
}

impl From<ControlFailure> for Problem {
    fn from(failure: ControlFailure) -> Self {
        match failure {
            ControlFailure::NotFound(what) => Self::new(StatusCode::NOT_FOUND, "not_found", what),
            ControlFailure::Invalid { code, message } => Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message),
            ControlFailure::Conflict(message) => Self::new(StatusCode::CONFLICT, "conflict", message),
            ControlFailure::Busy(message) => Self::new(StatusCode::TOO_MANY_REQUESTS, "queue.full", message),
            ControlFailure::External(message) => Self::new(StatusCode::BAD_GATEWAY, "external.failed", message),
            ControlFailure::Internal(message) => Self::internal(message),
        }
    }
}

impl From<PinFailure> for Problem {
    fn from(failure: PinFailure) -> Self {
        match failure {
            PinFailure::Graph(errors) => Self::graph(errors),
            PinFailure::Control(failure) => failure.into(),
        }
    }
}
