//! The audit log of a tenant: every change and every refusal (ROL-7).

use crate::{caller::Caller, extract::QueryString, page::Listing, problem::Problem};
use axum::{Json, extract::Path};
use millrace_domain::Action;
use millrace_store::{AuditEntry, AuditQuery, PageRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// One row of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditView {
    id: String,
    project: Option<String>,
    /// Id of the user, or `system`.
    actor: String,
    actor_name: String,
    /// `job.edit`, `instance.failed_for_now`, …
    action: String,
    /// Id or name of what it was asked for.
    object: String,
    /// `done` or `refused`.
    outcome: String,
    #[schema(value_type = Object)]
    detail: Value,
    request_id: Option<String>,
    at_ms: i64,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            project: entry.project.map(|p| p.to_string()),
            actor: entry.actor,
            actor_name: entry.actor_name,
            action: entry.action,
            object: entry.object,
            outcome: entry.outcome,
            detail: entry.detail,
            request_id: entry.request_id,
            at_ms: entry.at_ms,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditParameters {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on the page.
    limit: Option<u32>,
    /// Only of this actor, by id or name.
    actor: Option<String>,
    /// Only of this action.
    action: Option<String>,
    /// Only about this object.
    object: Option<String>,
    /// Only with this outcome.
    outcome: Option<String>,
    /// Only of this project, by name or id.
    project: Option<String>,
}

/// Read the audit log, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/audit", tag = "audit", params(AuditParameters), responses((status = 200, body = Listing<AuditView>)))]
pub(crate) async fn list_audit(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<AuditParameters>,
) -> Result<Json<Listing<AuditView>>, Problem> {
    let id = caller.in_tenant(&tenant, Action::AuditView).await?;
    let query = query.parse()?;
    let project = match &query.project {
        Some(project) => Some(caller.api.store.project(&id, project).await?.scope.project),
        None => None,
    };
    let wanted = AuditQuery { actor: query.actor, action: query.action, object: query.object, outcome: query.outcome, project };
    let page = PageRequest { cursor: query.cursor, limit: query.limit };
    Ok(Listing::of(caller.api.store.audit_log(&id, &wanted, &page).await?))
}
