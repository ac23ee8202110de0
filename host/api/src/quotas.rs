//! Quotas of a tenant (ROL-7).

use crate::{caller::Caller, extract::JsonBody, problem::Problem};
use axum::{Json, extract::Path};
use millrace_domain::{Action, Quota, Scope};
use millrace_store::{StoreError, TenantQuota};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much of something a tenant has and may have.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuotaView {
    /// `storage_bytes`: uploaded and built content; content that is there twice counts once.
    name: &'static str,
    used: i64,
    allowed: i64,
}

impl From<TenantQuota> for QuotaView {
    fn from(found: TenantQuota) -> Self {
        Self { name: found.quota.as_str(), used: found.used, allowed: found.allowed }
    }
}

/// All quotas.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuotasView {
    items: Vec<QuotaView>,
}

/// How much a tenant may have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuotaBody {
    /// The new limit, in the unit that the quota's name ends with. What is there already stays.
    allowed: i64,
}

/// List what a tenant has and may have.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/quotas", tag = "tenants", responses((status = 200, body = QuotasView)))]
pub(crate) async fn list_quotas(caller: Caller, Path(tenant): Path<String>) -> Result<Json<QuotasView>, Problem> {
    let id = caller.in_tenant(&tenant, Action::QuotaView).await?;
    let quotas = caller.api.store.quotas(&id).await?;
    Ok(Json(QuotasView { items: quotas.into_iter().map(QuotaView::from).collect() }))
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
    let quota: Quota = quota.parse().map_err(|_| StoreError::not_found("quota", quota))?;
    let allowed = body.parse()?.allowed;
    Ok(Json(caller.api.store.set_quota(&caller.cause(), &id, quota, allowed).await?.into()))
}
