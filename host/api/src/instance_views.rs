//! What the monitoring page shows of an instance: metrics, checkpoints, exceptions (RUN-5).

use crate::{
    caller::Caller,
    extract::QueryString,
    instances::find,
    page::{Listing, PageQuery},
    problem::Problem,
};
use axum::{Json, extract::Path};
use millrace_domain::Action;
use millrace_store::AuditEntry;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A part of what the worker sees.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ObservedView {
    /// Whether the worker of this server runs the instance.
    observed: bool,
    /// The worker that runs it: another server's where `observed` is false. Ask that one.
    worker: Option<String>,
    /// What it sees; null when it does not run here.
    value: Value,
}

/// A failure of an instance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExceptionView {
    /// `false`: it was started again by itself.
    final_failure: bool,
    /// What failed: class, operator, message, fault report.
    failure: Value,
    /// The attempt that failed.
    attempt: Option<i64>,
    at_ms: i64,
}

impl From<AuditEntry> for ExceptionView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            final_failure: entry.action.ends_with("failed_for_good"),
            failure: entry.detail.get("failure").cloned().unwrap_or(Value::Null),
            attempt: entry.detail.get("attempt").and_then(Value::as_i64),
            at_ms: entry.at_ms,
        }
    }
}

async fn observed(caller: Caller, path: &(String, String, String), part: &str) -> Result<Json<ObservedView>, Problem> {
    let (_, found) = find(&caller, path, Action::InstanceView).await?;
    let observation = caller.api.control.observe(&found.id);
    let value = observation.as_ref().and_then(|seen| seen.get(part)).cloned().unwrap_or(Value::Null);
    Ok(Json(ObservedView { observed: observation.is_some(), worker: found.worker, value }))
}

/// Metrics per operator and subtask, under Flink's names.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/metrics", tag = "instances", responses((status = 200, body = ObservedView)))]
pub(crate) async fn instance_metrics(caller: Caller, Path(path): Path<(String, String, String)>) -> Result<Json<ObservedView>, Problem> {
    observed(caller, &path, "metrics").await
}

/// The last checkpoints, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/checkpoints", tag = "instances", responses((status = 200, body = ObservedView)))]
pub(crate) async fn instance_checkpoints(
    caller: Caller,
    Path(path): Path<(String, String, String)>,
) -> Result<Json<ObservedView>, Problem> {
    observed(caller, &path, "checkpoints").await
}

/// The failures of an instance over all its runs, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/exceptions", tag = "instances", params(PageQuery), responses((status = 200, body = Listing<ExceptionView>)))]
pub(crate) async fn instance_exceptions(
    caller: Caller,
    Path(path): Path<(String, String, String)>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<ExceptionView>>, Problem> {
    let (scope, found) = find(&caller, &path, Action::InstanceView).await?;
    Ok(Listing::of(caller.api.store.instance_failures(&scope, &found.id, &query.parse()?.into()).await?))
}
