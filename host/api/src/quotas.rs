//! Quotas of a tenant and of its projects, with what is used of them (ROL-7).

use crate::{allowed::allowed, caller::Caller, extract::JsonBody, problem::Problem};
use axum::{Json, extract::Path};
use millrace_domain::{Action, Quota, Scope};
use millrace_store::{Allowance, QuotaUse, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much of something a tenant has and may have.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuotaView {
    /// `storage_bytes`: uploaded and built content; content that is there twice counts once. `jobs`, `instances` (active
    /// ones), `slots` (the largest parallelism in each active instance, summed up), `memory_bytes` and `fuel_per_second`
    /// (set aside for active instances), `uploads` (versions of resources and plugins).
    name: &'static str,
    used: i64,
    allowed: i64,
}

impl From<QuotaUse> for QuotaView {
    fn from(found: QuotaUse) -> Self {
        Self { name: found.quota.as_str(), used: found.used, allowed: found.allowed }
    }
}

/// All quotas.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuotasView {
    items: Vec<QuotaView>,
    /// What the caller can do with each: `edit`.
    allowed_actions: Vec<&'static str>,
}

/// How much of something a project has and may have.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectQuotaView {
    name: &'static str,
    used: i64,
    /// Null: as much as the tenant.
    allowed: Option<i64>,
    /// What all projects of the tenant have together.
    tenant_used: i64,
    /// What they may have together.
    tenant_allowed: i64,
}

impl From<Allowance> for ProjectQuotaView {
    fn from(found: Allowance) -> Self {
        Self {
            name: found.quota.as_str(),
            used: found.used,
            allowed: found.allowed,
            tenant_used: found.tenant.used,
            tenant_allowed: found.tenant.allowed,
        }
    }
}

/// All quotas of a project.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectQuotasView {
    items: Vec<ProjectQuotaView>,
    /// What the caller can do with each: `edit`.
    allowed_actions: Vec<&'static str>,
}

/// How much a tenant may have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuotaBody {
    /// The new limit, in the unit that the quota's name ends with. What is there already stays.
    allowed: i64,
}

/// How much a project may have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProjectQuotaBody {
    /// The new limit; null: as much as the tenant. What is there already stays.
    allowed: Option<i64>,
}

/// List what a tenant has and may have.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/quotas", tag = "tenants", responses((status = 200, body = QuotasView)))]
pub(crate) async fn list_quotas(caller: Caller, Path(tenant): Path<String>) -> Result<Json<QuotasView>, Problem> {
    let id = caller.in_tenant(&tenant, Action::QuotaView).await?;
    let quotas = caller.api.store.quotas(&id).await?;
    let allowed_actions = allowed(&caller, &Scope::Tenant(id), [("edit", Action::QuotaEdit, true)]);
    Ok(Json(QuotasView { items: quotas.into_iter().map(QuotaView::from).collect(), allowed_actions }))
}

/// Say how much a tenant may have; for administrators of the platform.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/quotas/{quota}", tag = "tenants", request_body = QuotaBody, responses((status = 200, body = QuotaView)))]
pub(crate) async fn set_quota(
    caller: Caller,
    Path((tenant, quota)): Path<(String, String)>,
    body: JsonBody<QuotaBody>,
) -> Result<Json<QuotaView>, Problem> {
    let id = caller.api.store.tenant(&tenant).await?.id;
    caller.authorize(Action::QuotaEdit, &Scope::Tenant(id.clone()), ("tenant", &tenant)).await?;
    let quota = named(quota)?;
    let allowed = body.parse()?.allowed;
    Ok(Json(caller.api.store.set_quota(&caller.cause(), &id, quota, allowed).await?.into()))
}

/// List what a project has and may have, beside its tenant.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/quotas", tag = "projects", responses((status = 200, body = ProjectQuotasView)))]
pub(crate) async fn list_project_quotas(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
) -> Result<Json<ProjectQuotasView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::QuotaView).await?;
    let quotas = caller.api.store.project_quotas(&scope).await?;
    let allowed_actions = allowed(&caller, &Scope::Project(scope), [("edit", Action::QuotaShare, true)]);
    Ok(Json(ProjectQuotasView { items: quotas.into_iter().map(ProjectQuotaView::from).collect(), allowed_actions }))
}

/// Say how much of the tenant's quota a project may have; for administrators of the tenant.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/quotas/{quota}", tag = "projects", request_body = ProjectQuotaBody, responses((status = 200, body = ProjectQuotaView)))]
pub(crate) async fn set_project_quota(
    caller: Caller,
    Path((tenant, project, quota)): Path<(String, String, String)>,
    body: JsonBody<ProjectQuotaBody>,
) -> Result<Json<ProjectQuotaView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::QuotaShare).await?;
    let quota = named(quota)?;
    let allowed = body.parse()?.allowed;
    Ok(Json(caller.api.store.set_project_quota(&caller.cause(), &scope, quota, allowed).await?.into()))
}

fn named(quota: String) -> Result<Quota, Problem> {
    quota.parse().map_err(|_| StoreError::not_found("quota", quota).into())
}
