//! Tenants (ROL-7).

use crate::{
    caller::Caller,
    extract::{JsonBody, QueryString},
    me::action_words,
    page::{Listing, PageQuery},
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, Name, Principal, Scope};
use millrace_store::Tenant;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TenantView {
    id: String,
    name: String,
    description: String,
    created_at_ms: i64,
    /// What the caller may do here.
    allowed_actions: Vec<String>,
}

impl TenantView {
    fn of(principal: &Principal, tenant: Tenant) -> Self {
        Self {
            allowed_actions: action_words(principal, &Scope::Tenant(tenant.id.clone())),
            id: tenant.id.to_string(),
            name: tenant.name.to_string(),
            description: tenant.description,
            created_at_ms: tenant.created_at_ms,
        }
    }
}

/// A tenant to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTenantBody {
    /// Lower-case letters, digits, `_` and `-`.
    #[schema(value_type = String)]
    name: Name,
    #[serde(default)]
    description: String,
}

/// What can be changed of a tenant or project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DescriptionBody {
    pub(crate) description: String,
}

/// List the tenants that the caller has a role in.
#[utoipa::path(get, path = "/api/v1/tenants", tag = "tenants", params(PageQuery), responses((status = 200, body = Listing<TenantView>)))]
pub(crate) async fn list_tenants(caller: Caller, query: QueryString<PageQuery>) -> Result<Json<Listing<TenantView>>, Problem> {
    // Everybody may ask; what they see is theirs.
    let user = if caller.principal.allowed(Action::TenantView, &Scope::Platform) { None } else { Some(caller.principal.user.as_str()) };
    let page = caller.api.store.tenants(user, &query.parse()?.into()).await?;
    Ok(Json(Listing::with(page, |tenant| TenantView::of(&caller.principal, tenant))))
}

/// Make a tenant.
#[utoipa::path(post, path = "/api/v1/tenants", tag = "tenants", request_body = NewTenantBody, responses((status = 201, body = TenantView)))]
pub(crate) async fn create_tenant(caller: Caller, body: JsonBody<NewTenantBody>) -> Result<(StatusCode, Json<TenantView>), Problem> {
    caller.on_platform(Action::TenantCreate).await?;
    let new = body.parse()?;
    let made = caller.api.store.create_tenant(&caller.cause(), &new.name, &new.description).await?;
    Ok((StatusCode::CREATED, Json(TenantView::of(&caller.principal, made))))
}

/// Get a tenant by name or id.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}", tag = "tenants", responses((status = 200, body = TenantView)))]
pub(crate) async fn get_tenant(caller: Caller, Path(tenant): Path<String>) -> Result<Json<TenantView>, Problem> {
    let id = caller.in_tenant(&tenant, Action::TenantView).await?;
    let found = caller.api.store.tenant(id.as_str()).await?;
    Ok(Json(TenantView::of(&caller.principal, found)))
}

/// Change a tenant's description.
#[utoipa::path(patch, path = "/api/v1/tenants/{tenant}", tag = "tenants", request_body = DescriptionBody, responses((status = 200, body = TenantView)))]
pub(crate) async fn edit_tenant(
    caller: Caller,
    Path(tenant): Path<String>,
    body: JsonBody<DescriptionBody>,
) -> Result<Json<TenantView>, Problem> {
    let id = caller.in_tenant(&tenant, Action::TenantEdit).await?;
    let changed = caller.api.store.describe_tenant(&caller.cause(), &id, &body.parse()?.description).await?;
    Ok(Json(TenantView::of(&caller.principal, changed)))
}
