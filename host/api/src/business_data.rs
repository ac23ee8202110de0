//! Business data: entries that follow a published meta-model (ROL-3, approved by ROL-2).

use crate::{
    approvals::ApprovalView,
    caller::Caller,
    extract::{IfMatch, JsonBody, QueryString, Tagged},
    governed::{GovernedQuery, GovernedVersionsView, GovernedView, PublicationRequest, checked, items, manages_all, publish, save, stored},
    page::Listing,
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{
    Action, Name, Scope,
    governed::{BusinessData, GovernedKind, MetaModel},
};
use millrace_model::ids::TenantId;
use millrace_store::{GovernedItem, NewGoverned};
use serde::Deserialize;
use std::collections::HashMap;
use utoipa::ToSchema;

const KIND: GovernedKind = GovernedKind::BusinessData;

/// An entry to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBusinessDataBody {
    #[schema(value_type = String)]
    name: Name,
    /// Name or id of its meta-model, which must have been published.
    meta_model: String,
    /// `{"description": "…", "values": {"owner": "ann"}}`, as the meta-model has it.
    #[serde(default)]
    #[schema(value_type = Object)]
    document: BusinessData,
}

async fn new(caller: &Caller, tenant: &TenantId, body: NewBusinessDataBody) -> Result<NewGoverned, Problem> {
    let model = caller.api.store.governed(tenant, GovernedKind::MetaModel, &body.meta_model).await?;
    let new = NewGoverned { kind: KIND, project: None, name: body.name, parent: model.id.clone(), draft: stored(&body.document)? };
    if !manages(caller, &model).await? {
        return Err(not_manager(&model));
    }
    checked(body.document.check(&published(&model)?))?;
    Ok(new)
}

/// The meta-model as it was published.
fn published(model: &GovernedItem) -> Result<MetaModel, Problem> {
    let Some(document) = &model.published else {
        let detail = format!("meta-model `{}` was never published; its entries come after that", model.name);
        return Err(Problem::new(StatusCode::CONFLICT, "meta_model.not_published", detail));
    };
    MetaModel::deserialize(document).map_err(|error| Problem::internal(format!("meta-model {}: {error}", model.id)))
}

/// Whether the caller is one of the people who manage the data of the meta-model, or nobody is named.
async fn manages(caller: &Caller, model: &GovernedItem) -> Result<bool, Problem> {
    if manages_all(caller, &Scope::Tenant(model.tenant.clone())) {
        return Ok(true);
    }
    let managers = caller.api.store.meta_model_managers(model).await?;
    Ok(managers.is_empty() || managers.iter().any(|(id, _)| *id == caller.principal.user))
}

fn not_manager(model: &GovernedItem) -> Problem {
    let detail = format!("only the people who manage the data of meta-model `{}` change its entries; ask to be named", model.name);
    Problem::new(StatusCode::FORBIDDEN, "business_data.not_manager", detail)
}

/// The meta-model of an entry that the caller may change.
async fn may_edit(caller: &Caller, item: &GovernedItem) -> Result<GovernedItem, Problem> {
    let model = caller.api.store.governed(&item.tenant, GovernedKind::MetaModel, &item.parent).await?;
    if manages(caller, &model).await? { Ok(model) } else { Err(not_manager(&model)) }
}

async fn view(caller: &Caller, item: GovernedItem) -> Result<GovernedView, Problem> {
    let may = may_edit(caller, &item).await.is_ok();
    Ok(GovernedView::of(caller, item, may))
}

/// List entries of business data, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/business-data", tag = "business metadata", params(GovernedQuery), responses((status = 200, body = Listing<GovernedView>)))]
pub(crate) async fn list_business_data(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<GovernedQuery>,
) -> Result<Json<Listing<GovernedView>>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let found = items(&caller, &tenant, KIND, None, query.parse()?).await?;
    // Entries of one meta-model have the same people, who are asked for once.
    let mut may = HashMap::new();
    for item in &found.items {
        if !may.contains_key(&item.parent) {
            may.insert(item.parent.clone(), may_edit(&caller, item).await.is_ok());
        }
    }
    Ok(Json(Listing::with(found, |item| {
        let may = may.get(&item.parent) == Some(&true);
        GovernedView::of(&caller, item, may)
    })))
}

/// Make an entry of business data: a draft.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/business-data", tag = "business metadata", request_body = NewBusinessDataBody, responses((status = 201, body = GovernedView)))]
pub(crate) async fn create_business_data_entry(
    caller: Caller,
    Path(tenant): Path<String>,
    body: JsonBody<NewBusinessDataBody>,
) -> Result<Tagged<GovernedView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::BusinessDataEdit).await?;
    let new = new(&caller, &tenant, body.parse()?).await?;
    let made = caller.api.store.create_governed(&caller.cause(), &tenant, &new).await?;
    Ok(Tagged(StatusCode::CREATED, made.revision, view(&caller, made).await?))
}

/// Get an entry of business data by name or id.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/business-data/{entry}", tag = "business metadata", responses((status = 200, body = GovernedView)))]
pub(crate) async fn get_business_data_entry(
    caller: Caller,
    Path((tenant, entry)): Path<(String, String)>,
) -> Result<Tagged<GovernedView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let found = caller.api.store.governed(&tenant, KIND, &entry).await?;
    Ok(Tagged(StatusCode::OK, found.revision, view(&caller, found).await?))
}

/// Replace the draft of an entry of business data. While its publication waits for a decision it stands still.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/business-data/{entry}", tag = "business metadata", request_body(content = Object, description = "The entry: description and values."), responses((status = 200, body = GovernedView)))]
pub(crate) async fn edit_business_data_entry(
    caller: Caller,
    Path((tenant, entry)): Path<(String, String)>,
    if_match: IfMatch,
    body: JsonBody<BusinessData>,
) -> Result<Tagged<GovernedView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::BusinessDataEdit).await?;
    let found = caller.api.store.governed(&tenant, KIND, &entry).await?;
    let document = body.parse()?;
    let model = may_edit(&caller, &found).await?;
    checked(document.check(&published(&model)?))?;
    let changed = save(&caller, &found, &document, &if_match).await?;
    Ok(Tagged(StatusCode::OK, changed.revision, view(&caller, changed).await?))
}

/// Remove an entry of business data that nothing else needs.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/business-data/{entry}", tag = "business metadata", responses((status = 204)))]
pub(crate) async fn delete_business_data_entry(
    caller: Caller,
    Path((tenant, entry)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::BusinessDataEdit).await?;
    let found = caller.api.store.governed(&tenant, KIND, &entry).await?;
    may_edit(&caller, &found).await?;
    caller.api.store.delete_governed(&caller.cause(), &found).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask for the publication of the draft of an entry of business data.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/business-data/{entry}/publish", tag = "business metadata", request_body = Option<PublicationRequest>, responses((status = 201, body = ApprovalView)))]
pub(crate) async fn publish_business_data_entry(
    caller: Caller,
    Path((tenant, entry)): Path<(String, String)>,
    body: JsonBody<PublicationRequest>,
) -> Result<(StatusCode, Json<ApprovalView>), Problem> {
    let tenant = caller.in_tenant(&tenant, Action::BusinessDataEdit).await?;
    let found = caller.api.store.governed(&tenant, KIND, &entry).await?;
    may_edit(&caller, &found).await?;
    publish(&caller, &found, body).await
}

/// List the published versions of an entry of business data, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/business-data/{entry}/versions", tag = "business metadata", responses((status = 200, body = GovernedVersionsView)))]
pub(crate) async fn list_business_data_entry_versions(
    caller: Caller,
    Path((tenant, entry)): Path<(String, String)>,
) -> Result<Json<GovernedVersionsView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let found = caller.api.store.governed(&tenant, KIND, &entry).await?;
    Ok(Json(GovernedVersionsView::of(caller.api.store.governed_versions(&found).await?)))
}
