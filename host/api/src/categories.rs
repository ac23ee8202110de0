//! Categories of business metadata: a tree (ROL-1).

use crate::{
    allowed::allowed,
    caller::Caller,
    extract::{IfMatch, JsonBody, Tagged},
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, Name, Scope};
use millrace_model::ids::TenantId;
use millrace_store::{Category, CategoryChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A category.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CategoryView {
    id: String,
    /// Id of the one that it lies in; null at the root.
    parent: Option<String>,
    name: String,
    description: String,
    revision: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
    /// What the caller can do: `edit`, `delete` (which is refused while something lies in it).
    allowed_actions: Vec<&'static str>,
}

impl CategoryView {
    fn of(caller: &Caller, tenant: &TenantId, category: Category) -> Self {
        let manage = Action::CategoryManage;
        let allowed_actions = allowed(caller, &Scope::Tenant(tenant.clone()), [("edit", manage, true), ("delete", manage, true)]);
        let Category { id, parent, name, description, revision, created_at_ms, updated_at_ms } = category;
        Self { id, parent, name: name.to_string(), description, revision, created_at_ms, updated_at_ms, allowed_actions }
    }
}

/// The whole tree.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CategoriesView {
    /// Parents and children in one list, by name.
    items: Vec<CategoryView>,
    /// Whether the caller may change the tree.
    allowed_actions: Vec<&'static str>,
}

/// A category to make, or its new settings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CategoryBody {
    #[schema(value_type = String)]
    name: Name,
    /// Name or id of the one that it lies in; the root unless given.
    parent: Option<String>,
    #[serde(default)]
    description: String,
}

async fn change(caller: &Caller, tenant: &TenantId, body: CategoryBody) -> Result<CategoryChange, Problem> {
    if body.description.chars().count() > 1_000 {
        return Err(Problem::field("description", "request.invalid", "is longer than 1000 characters"));
    }
    let parent = match &body.parent {
        None => None,
        Some(parent) => Some(caller.api.store.category(tenant, parent).await?.id),
    };
    Ok(CategoryChange { name: body.name, parent, description: body.description })
}

/// List all categories of a tenant.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/categories", tag = "business metadata", responses((status = 200, body = CategoriesView)))]
pub(crate) async fn list_categories(caller: Caller, Path(tenant): Path<String>) -> Result<Json<CategoriesView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let items = caller.api.store.categories(&tenant).await?.into_iter().map(|found| CategoryView::of(&caller, &tenant, found)).collect();
    let manage = Action::CategoryManage;
    let offers = [("create", manage, true), ("edit", manage, true), ("delete", manage, true)];
    Ok(Json(CategoriesView { items, allowed_actions: allowed(&caller, &Scope::Tenant(tenant), offers) }))
}

/// Make a category.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/categories", tag = "business metadata", request_body = CategoryBody, responses((status = 201, body = CategoryView)))]
pub(crate) async fn create_category(
    caller: Caller,
    Path(tenant): Path<String>,
    body: JsonBody<CategoryBody>,
) -> Result<Tagged<CategoryView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CategoryManage).await?;
    let new = change(&caller, &tenant, body.parse()?).await?;
    let made = caller.api.store.create_category(&caller.cause(), &tenant, &new).await?;
    Ok(Tagged(StatusCode::CREATED, made.revision, CategoryView::of(&caller, &tenant, made)))
}

/// Change or move a category, by name or id.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/categories/{category}", tag = "business metadata", request_body = CategoryBody, responses((status = 200, body = CategoryView)))]
pub(crate) async fn edit_category(
    caller: Caller,
    Path((tenant, category)): Path<(String, String)>,
    if_match: IfMatch,
    body: JsonBody<CategoryBody>,
) -> Result<Tagged<CategoryView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CategoryManage).await?;
    let found = caller.api.store.category(&tenant, &category).await?;
    let new = change(&caller, &tenant, body.parse()?).await?;
    let changed = caller.api.store.change_category(&caller.cause(), &tenant, &found.id, &new, if_match.revision()?).await?;
    Ok(Tagged(StatusCode::OK, changed.revision, CategoryView::of(&caller, &tenant, changed)))
}

/// Remove a category that nothing lies in.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/categories/{category}", tag = "business metadata", responses((status = 204)))]
pub(crate) async fn delete_category(caller: Caller, Path((tenant, category)): Path<(String, String)>) -> Result<StatusCode, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CategoryManage).await?;
    let found = caller.api.store.category(&tenant, &category).await?;
    caller.api.store.delete_category(&caller.cause(), &tenant, &found.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
