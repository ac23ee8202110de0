//! What the operators of the installation need: health, metrics, and the description of the API itself.

use crate::{caller::Caller, openapi, problem::Problem, state::ApiState};
use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use millrace_domain::Action;
use millrace_store::{StoreError, Writable};
use serde::Serialize;
use std::{fmt::Write, time::Duration};
use utoipa::ToSchema;

/// Longest wait for the metadata database.
const PING_MAX: Duration = Duration::from_secs(2);

/// Longest wait for a write to it; others may be writing much.
const WRITE_MAX: Duration = Duration::from_secs(5);

/// A healthy server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthView {
    /// `ok`.
    status: &'static str,
    /// Present when the checkpoint store of this server could not be written and read: jobs do not go on here, requests are
    /// answered all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoints: Option<&'static str>,
}

/// Whether the process lives.
#[utoipa::path(get, path = "/health/live", tag = "platform", security(()), responses((status = 200, body = HealthView)))]
pub(crate) async fn live() -> Json<HealthView> {
    Json(HealthView { status: "ok", checkpoints: None })
}

/// Whether the server can take requests: it is not ending, the metadata database answers and can be written, and the key of its
/// secrets is known here.
#[utoipa::path(get, path = "/health/ready", tag = "platform", security(()), responses((status = 200, body = HealthView)))]
pub(crate) async fn ready(State(api): State<ApiState>) -> Result<Json<HealthView>, Problem> {
    let not_ready = |detail: &str| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "server.not_ready", detail);
    if api.is_draining() {
        return Err(not_ready("the server is ending"));
    }
    match tokio::time::timeout(PING_MAX, api.store.check_key()).await {
        Ok(Ok(())) => {}
        Ok(Err(error @ StoreError::UnknownKey { .. })) => return Err(not_ready(&error.to_string())),
        Ok(Err(error)) => return Err(Problem { internal: Some(error.to_string()), ..not_ready("the metadata database does not answer") }),
        Err(_) => return Err(not_ready("the metadata database does not answer in time")),
    }
    match tokio::time::timeout(WRITE_MAX, api.store.writable()).await {
        Ok(Writable::Yes) => {
            // Why is in the log: anybody may ask here.
            let checkpoints = api.control.checkpoints_failure().map(|_| "the checkpoint store cannot be used; see the server's log");
            Ok(Json(HealthView { status: "ok", checkpoints }))
        }
        Ok(Writable::DiskFull) => Err(not_ready("the disk of the metadata database is full; free space, nothing has to be restarted")),
        Ok(Writable::No(error)) => Err(Problem { internal: Some(error), ..not_ready("the metadata database cannot be written") }),
        Err(_) => Err(not_ready("the metadata database cannot be written in time")),
    }
}

/// A caller, unless the metrics are public.
pub(crate) struct MetricsReader(Option<Caller>);

impl FromRequestParts<ApiState> for MetricsReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Problem> {
        if api.config.metrics_public {
            return Ok(Self(None));
        }
        Ok(Self(Some(Caller::from_request_parts(parts, api).await?)))
    }
}

/// Metrics of the whole installation in Prometheus text format. They name tenants and jobs, so they need a token of a
/// platform administrator unless the server's settings make them public.
#[utoipa::path(get, path = "/metrics", tag = "platform", responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(api): State<ApiState>, reader: MetricsReader) -> Result<Response, Problem> {
    if let Some(caller) = &reader.0 {
        caller.on_platform(Action::PlatformObserve).await?;
    }
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    let mut text = api.control.prometheus();
    // Those that do not run, failed ones above all, are known to the database only.
    let counts = api.store.count_instances().await?;
    if !counts.is_empty() {
        text.push_str("# TYPE millrace_instances_in_state gauge\n");
    }
    for (kind, state, number) in counts {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "millrace_instances_in_state{{kind=\"{kind}\",state=\"{state}\"}} {number}");
    }
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "platform", security(()), responses((status = 200, body = Object)))]
pub(crate) async fn openapi_document() -> Json<utoipa::openapi::OpenApi> {
    Json(openapi::document())
}
