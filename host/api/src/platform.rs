//! What the operators of the installation need: health, metrics, and the description of the API itself.

use crate::{caller::Caller, openapi, problem::Problem, state::ApiState};
use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use millrace_domain::Action;
use millrace_store::StoreError;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// Longest wait for the metadata database.
const PING_MAX: Duration = Duration::from_secs(2);

/// A healthy server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthView {
    /// `ok`.
    status: &'static str,
}

/// Whether the process lives.
#[utoipa::path(get, path = "/health/live", tag = "platform", security(()), responses((status = 200, body = HealthView)))]
pub(crate) async fn live() -> Json<HealthView> {
    Json(HealthView { status: "ok" })
}

/// Whether the server can take requests: it is not ending, the metadata database answers, and the key of its secrets is known
/// here.
#[utoipa::path(get, path = "/health/ready", tag = "platform", security(()), responses((status = 200, body = HealthView)))]
pub(crate) async fn ready(State(api): State<ApiState>) -> Result<Json<HealthView>, Problem> {
    let not_ready = |detail: &str| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "server.not_ready", detail);
    if api.is_draining() {
        return Err(not_ready("the server is ending"));
    }
    match tokio::time::timeout(PING_MAX, api.store.check_key()).await {
        Ok(Ok(())) => Ok(Json(HealthView { status: "ok" })),
        Ok(Err(error @ StoreError::UnknownKey { .. })) => Err(not_ready(&error.to_string())),
        Ok(Err(error)) => Err(Problem { internal: Some(error.to_string()), ..not_ready("the metadata database does not answer") }),
        Err(_) => Err(not_ready("the metadata database does not answer in time")),
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
    Ok(([(header::CONTENT_TYPE, kind)], api.control.prometheus()).into_response())
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "platform", security(()), responses((status = 200, body = Object)))]
pub(crate) async fn openapi_document() -> Json<utoipa::openapi::OpenApi> {
    Json(openapi::document())
}
