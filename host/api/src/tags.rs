//! Tags: coloured words on tables, columns, jobs and business data (ROL-2).
//!
//! Invariant: what belongs to a project is tagged by who has a role there, or in the whole tenant.

use crate::{
    allowed::allowed,
    caller::Caller,
    catalog_table::visible,
    extract::{IfMatch, JsonBody, QueryString, Tagged},
    page::{Listing, PageQuery},
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, Name, ProjectScope, Scope, search::SearchKind};
use millrace_model::ids::{ProjectId, TenantId};
use millrace_store::{StoreError, Tag, TagChange, TagUse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A tag.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TagView {
    id: String,
    name: String,
    /// `#rrggbb`.
    colour: String,
    description: String,
    revision: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
    /// What the caller can do: `edit`, `delete`, `attach` (to what they may tag).
    allowed_actions: Vec<&'static str>,
}

impl TagView {
    fn of(caller: &Caller, tenant: &TenantId, tag: Tag) -> Self {
        let offers = [("edit", Action::TagManage, true), ("delete", Action::TagManage, true), ("attach", Action::TagAttach, true)];
        let allowed_actions = allowed(caller, &Scope::Tenant(tenant.clone()), offers);
        let Tag { id, name, colour, description, revision, created_at_ms, updated_at_ms } = tag;
        Self { id, name: name.to_string(), colour, description, revision, created_at_ms, updated_at_ms, allowed_actions }
    }
}

/// A tag on something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TagOnView {
    /// Id of the tag.
    tag: String,
    name: String,
    colour: String,
    /// What it is on: `table`, `job`, `business_data`.
    kind: String,
    /// Id of what it is on.
    id: String,
    /// The column of a table.
    column: Option<String>,
}

impl From<TagUse> for TagOnView {
    fn from(on: TagUse) -> Self {
        Self {
            tag: on.tag.id,
            name: on.tag.name.to_string(),
            colour: on.tag.colour,
            kind: on.kind.to_string(),
            id: on.object,
            column: on.column,
        }
    }
}

/// A tag with everything that it is on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TagDetailView {
    #[serde(flatten)]
    tag: TagView,
    /// At most 1,000.
    uses: Vec<TagOnView>,
}

/// A tag to make, or its new settings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TagBody {
    #[schema(value_type = String)]
    name: Name,
    /// `#rrggbb`; grey unless given.
    #[serde(default = "grey")]
    colour: String,
    #[serde(default)]
    description: String,
}

fn grey() -> String {
    "#888888".into()
}

impl TagBody {
    fn change(self) -> Result<TagChange, Problem> {
        let hex = self.colour.strip_prefix('#').filter(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        if hex.is_none() {
            return Err(Problem::field("colour", "request.invalid", "expected six hexadecimal digits behind `#`, such as #1677ff"));
        }
        if self.description.chars().count() > 1_000 {
            return Err(Problem::field("description", "request.invalid", "is longer than 1000 characters"));
        }
        Ok(TagChange { name: self.name, colour: self.colour.to_ascii_lowercase(), description: self.description })
    }
}

/// What a tag is put on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TagUseBody {
    /// `table`, `job` or `business_data`.
    #[schema(value_type = String)]
    kind: SearchKind,
    /// Its id.
    id: String,
    /// A column of the table.
    column: Option<String>,
}

/// List the tags of a tenant.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/tags", tag = "business metadata", params(PageQuery), responses((status = 200, body = Listing<TagView>)))]
pub(crate) async fn list_tags(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<TagView>>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let page = caller.api.store.tags(&tenant, &query.parse()?.into()).await?;
    Ok(Json(Listing::with(page, |tag| TagView::of(&caller, &tenant, tag))))
}

/// Make a tag.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/tags", tag = "business metadata", request_body = TagBody, responses((status = 201, body = TagView)))]
pub(crate) async fn create_tag(caller: Caller, Path(tenant): Path<String>, body: JsonBody<TagBody>) -> Result<Tagged<TagView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::TagManage).await?;
    let made = caller.api.store.create_tag(&caller.cause(), &tenant, &body.parse()?.change()?).await?;
    Ok(Tagged(StatusCode::CREATED, made.revision, TagView::of(&caller, &tenant, made)))
}

/// Get a tag by name or id, with what it is on.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/tags/{tag}", tag = "business metadata", responses((status = 200, body = TagDetailView)))]
pub(crate) async fn get_tag(caller: Caller, Path((tenant, tag)): Path<(String, String)>) -> Result<Tagged<TagDetailView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let tag = caller.api.store.tag(&tenant, &tag).await?;
    let uses = caller.api.store.uses_of_tag(&tenant, &tag.id).await?;
    let (revision, uses) = (tag.revision, uses.into_iter().map(TagOnView::from).collect());
    Ok(Tagged(StatusCode::OK, revision, TagDetailView { uses, tag: TagView::of(&caller, &tenant, tag) }))
}

/// Change a tag, wherever it is.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/tags/{tag}", tag = "business metadata", request_body = TagBody, responses((status = 200, body = TagView)))]
pub(crate) async fn edit_tag(
    caller: Caller,
    Path((tenant, tag)): Path<(String, String)>,
    if_match: IfMatch,
    body: JsonBody<TagBody>,
) -> Result<Tagged<TagView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::TagManage).await?;
    let tag = caller.api.store.tag(&tenant, &tag).await?;
    let (change, expected) = (body.parse()?.change()?, if_match.revision()?);
    let changed = caller.api.store.change_tag(&caller.cause(), &tenant, &tag.id, &change, expected).await?;
    Ok(Tagged(StatusCode::OK, changed.revision, TagView::of(&caller, &tenant, changed)))
}

/// Remove a tag, from everything that it is on.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/tags/{tag}", tag = "business metadata", responses((status = 204)))]
pub(crate) async fn delete_tag(caller: Caller, Path((tenant, tag)): Path<(String, String)>) -> Result<StatusCode, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::TagManage).await?;
    let tag = caller.api.store.tag(&tenant, &tag).await?;
    caller.api.store.delete_tag(&caller.cause(), &tenant, &tag.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Put a tag on a table, a column, a job or business data.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/tags/{tag}/attach", tag = "business metadata", request_body = TagUseBody, responses((status = 204)))]
pub(crate) async fn attach_tag(
    caller: Caller,
    Path((tenant, tag)): Path<(String, String)>,
    body: JsonBody<TagUseBody>,
) -> Result<StatusCode, Problem> {
    set(caller, tenant, tag, body, true).await
}

/// Take a tag off.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/tags/{tag}/detach", tag = "business metadata", request_body = TagUseBody, responses((status = 204)))]
pub(crate) async fn detach_tag(
    caller: Caller,
    Path((tenant, tag)): Path<(String, String)>,
    body: JsonBody<TagUseBody>,
) -> Result<StatusCode, Problem> {
    set(caller, tenant, tag, body, false).await
}

async fn set(caller: Caller, tenant: String, tag: String, body: JsonBody<TagUseBody>, is_on: bool) -> Result<StatusCode, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::TagAttach).await?;
    let TagUseBody { kind, id, column } = body.parse()?;
    let store = &caller.api.store;
    let tag = store.tag(&tenant, &tag).await?;
    if !matches!(kind, SearchKind::Table | SearchKind::Job | SearchKind::BusinessData) {
        return Err(Problem::field("kind", "request.invalid", format!("is {kind}; tags lie on tables, jobs and business data")));
    }
    match store.findable(&tenant, kind, &id).await {
        Ok(project) => check_place(&caller, &tenant, (kind, &id, column.as_deref()), project, is_on).await?,
        // What is taken off may be gone already.
        Err(StoreError::NotFound { .. }) if !is_on => {}
        Err(StoreError::NotFound { .. }) => return Err(Problem::not_found(kind.as_str(), &id)),
        Err(error) => return Err(error.into()),
    }
    store.set_tag(&caller.cause(), &tenant, &TagUse { tag, kind, object: id, column }, is_on).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the caller may tag this: what belongs to a project is tagged by who has a role there, or in the whole tenant.
async fn check_place(
    caller: &Caller,
    tenant: &TenantId,
    (kind, id, column): (SearchKind, &str, Option<&str>),
    project: Option<String>,
    is_on: bool,
) -> Result<(), Problem> {
    let owner = project.map(|project| Scope::Project(ProjectScope::new(tenant.clone(), ProjectId::new(project))));
    let sees_jobs = |place: &Scope| caller.principal.allowed(Action::JobView, place);
    if kind == SearchKind::Job && !owner.as_ref().is_some_and(sees_jobs) {
        return Err(Problem::not_found(kind.as_str(), id));
    }
    // What is only designed is its project's. What is taken off may be in an archived project, or of a column that is gone.
    let table = if kind == SearchKind::Table && is_on { Some(visible(caller, tenant, id).await?) } else { None };
    if owner.is_some_and(|place| !caller.principal.allowed(Action::TagAttach, &place)) {
        return caller.refuse(Action::TagAttach, &Scope::Tenant(tenant.clone()), (kind.as_str(), id)).await;
    }
    match column {
        Some(column) if is_on && table.is_none_or(|table| table.schema.field(column).is_none()) => {
            Err(Problem::field("column", "request.invalid", "is no column of the table"))
        }
        Some(_) | None => Ok(()),
    }
}
