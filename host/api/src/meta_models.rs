//! Meta-models of business data: which attributes entries have (ROL-2, approved by ROL-1).

use crate::{
    approvals::ApprovalView,
    caller::Caller,
    extract::{IfMatch, JsonBody, QueryString, Tagged},
    governed::{GovernedQuery, GovernedVersionsView, GovernedView, PublicationRequest, checked, items, publish, save, stored},
    page::Listing,
    problem::Problem,
    search::FoundPlaceView,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{
    Action, Name,
    governed::{GovernedKind, MetaModel},
};
use millrace_model::ids::TenantId;
use millrace_store::NewGoverned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const KIND: GovernedKind = GovernedKind::MetaModel;

/// A meta-model to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMetaModelBody {
    #[schema(value_type = String)]
    name: Name,
    /// Name or id of its category.
    category: Option<String>,
    /// `{"description": "…", "attributes": [{"name": "owner", "type": "text", "required": true}]}`; types are `text`,
    /// `integer`, `number`, `boolean`, `date` and `enum`, with `values`, `min`, `max` and `characters_max`.
    #[serde(default)]
    #[schema(value_type = Object)]
    document: MetaModel,
}

/// Who manages the data of a meta-model.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManagersBody {
    /// Ids of users; nobody: everybody whose role lets them.
    users: Vec<String>,
}

/// Who manages the data of a meta-model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ManagersView {
    /// Users; nobody: everybody whose role lets them.
    users: Vec<FoundPlaceView>,
}

async fn new(caller: &Caller, tenant: &TenantId, body: NewMetaModelBody) -> Result<NewGoverned, Problem> {
    checked(body.document.check())?;
    let parent = match &body.category {
        None => String::new(),
        Some(category) => caller.api.store.category(tenant, category).await?.id,
    };
    Ok(NewGoverned { kind: KIND, project: None, name: body.name, parent, draft: stored(&body.document)? })
}

/// List meta-models, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/meta-models", tag = "business metadata", params(GovernedQuery), responses((status = 200, body = Listing<GovernedView>)))]
pub(crate) async fn list_meta_models(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<GovernedQuery>,
) -> Result<Json<Listing<GovernedView>>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let found = items(&caller, &tenant, KIND, None, query.parse()?).await?;
    Ok(Json(Listing::with(found, |item| GovernedView::of(&caller, item, true))))
}

/// Make a meta-model: a draft.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/meta-models", tag = "business metadata", request_body = NewMetaModelBody, responses((status = 201, body = GovernedView)))]
pub(crate) async fn create_meta_model(
    caller: Caller,
    Path(tenant): Path<String>,
    body: JsonBody<NewMetaModelBody>,
) -> Result<Tagged<GovernedView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::MetaModelEdit).await?;
    let new = new(&caller, &tenant, body.parse()?).await?;
    let made = caller.api.store.create_governed(&caller.cause(), &tenant, &new).await?;
    Ok(Tagged(StatusCode::CREATED, made.revision, GovernedView::of(&caller, made, true)))
}

/// Get a meta-model by name or id.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/meta-models/{meta_model}", tag = "business metadata", responses((status = 200, body = GovernedView)))]
pub(crate) async fn get_meta_model(
    caller: Caller,
    Path((tenant, meta_model)): Path<(String, String)>,
) -> Result<Tagged<GovernedView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let found = caller.api.store.governed(&tenant, KIND, &meta_model).await?;
    Ok(Tagged(StatusCode::OK, found.revision, GovernedView::of(&caller, found, true)))
}

/// Replace the draft of a meta-model. While its publication waits for a decision it stands still.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/meta-models/{meta_model}", tag = "business metadata", request_body(content = Object, description = "The meta-model: description and attributes."), responses((status = 200, body = GovernedView)))]
pub(crate) async fn edit_meta_model(
    caller: Caller,
    Path((tenant, meta_model)): Path<(String, String)>,
    if_match: IfMatch,
    body: JsonBody<MetaModel>,
) -> Result<Tagged<GovernedView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::MetaModelEdit).await?;
    let found = caller.api.store.governed(&tenant, KIND, &meta_model).await?;
    let document = body.parse()?;
    checked(document.check())?;
    let changed = save(&caller, &found, &document, &if_match).await?;
    Ok(Tagged(StatusCode::OK, changed.revision, GovernedView::of(&caller, changed, true)))
}

/// Remove a meta-model that nothing else needs.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/meta-models/{meta_model}", tag = "business metadata", responses((status = 204)))]
pub(crate) async fn delete_meta_model(caller: Caller, Path((tenant, meta_model)): Path<(String, String)>) -> Result<StatusCode, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::MetaModelEdit).await?;
    let found = caller.api.store.governed(&tenant, KIND, &meta_model).await?;
    caller.api.store.delete_governed(&caller.cause(), &found).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask for the publication of the draft of a meta-model.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/meta-models/{meta_model}/publish", tag = "business metadata", request_body = Option<PublicationRequest>, responses((status = 201, body = ApprovalView)))]
pub(crate) async fn publish_meta_model(
    caller: Caller,
    Path((tenant, meta_model)): Path<(String, String)>,
    body: JsonBody<PublicationRequest>,
) -> Result<(StatusCode, Json<ApprovalView>), Problem> {
    let tenant = caller.in_tenant(&tenant, Action::MetaModelEdit).await?;
    let found = caller.api.store.governed(&tenant, KIND, &meta_model).await?;
    publish(&caller, &found, body).await
}

/// List the published versions of a meta-model, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/meta-models/{meta_model}/versions", tag = "business metadata", responses((status = 200, body = GovernedVersionsView)))]
pub(crate) async fn list_meta_model_versions(
    caller: Caller,
    Path((tenant, meta_model)): Path<(String, String)>,
) -> Result<Json<GovernedVersionsView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let found = caller.api.store.governed(&tenant, KIND, &meta_model).await?;
    Ok(Json(GovernedVersionsView::of(caller.api.store.governed_versions(&found).await?)))
}

/// See who manages the data of a meta-model.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/meta-models/{meta_model}/managers", tag = "business metadata", responses((status = 200, body = ManagersView)))]
pub(crate) async fn get_meta_model_managers(
    caller: Caller,
    Path((tenant, meta_model)): Path<(String, String)>,
) -> Result<Json<ManagersView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let found = caller.api.store.governed(&tenant, KIND, &meta_model).await?;
    let users = caller.api.store.meta_model_managers(&found).await?.into_iter().map(FoundPlaceView::of).collect();
    Ok(Json(ManagersView { users }))
}

/// Say who manages the data of a meta-model: only they, and who may change meta-models, change its entries then.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/meta-models/{meta_model}/managers", tag = "business metadata", request_body = ManagersBody, responses((status = 200, body = ManagersView)))]
pub(crate) async fn set_meta_model_managers(
    caller: Caller,
    Path((tenant, meta_model)): Path<(String, String)>,
    body: JsonBody<ManagersBody>,
) -> Result<Json<ManagersView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::MetaModelEdit).await?;
    let found = caller.api.store.governed(&tenant, KIND, &meta_model).await?;
    let users = body.parse()?.users;
    if users.len() > 200 {
        return Err(Problem::field("users", "request.invalid", "names more than 200 people"));
    }
    caller.api.store.set_meta_model_managers(&caller.cause(), &found, &users).await?;
    let users = caller.api.store.meta_model_managers(&found).await?.into_iter().map(FoundPlaceView::of).collect();
    Ok(Json(ManagersView { users }))
}
