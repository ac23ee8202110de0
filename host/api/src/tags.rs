//! Tags: coloured words on tables, columns, jobs and business data (ROL-2).

use crate::{
    caller::Caller,
    catalog_table::visible,
    extract::{IfMatch, JsonBody, QueryString, Tagged},
    page::{Listing, PageQuery},
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, Name, search::SearchKind};
use millrace_store::{Tag, TagChange, TagUse};
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
}

impl From<Tag> for TagView {
    fn from(tag: Tag) -> Self {
        let Tag { id, name, colour, description, revision, created_at_ms, updated_at_ms } = tag;
        Self { id, name: name.to_string(), colour, description, revision, created_at_ms, updated_at_ms }
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
    Ok(Listing::of(caller.api.store.tags(&tenant, &query.parse()?.into()).await?))
}

/// Make a tag.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/tags", tag = "business metadata", request_body = TagBody, responses((status = 201, body = TagView)))]
pub(crate) async fn create_tag(caller: Caller, Path(tenant): Path<String>, body: JsonBody<TagBody>) -> Result<Tagged<TagView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::TagManage).await?;
    let made = caller.api.store.create_tag(&caller.cause(), &tenant, &body.parse()?.change()?).await?;
    Ok(Tagged(StatusCode::CREATED, made.revision, made.into()))
}

/// Get a tag by name or id, with what it is on.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/tags/{tag}", tag = "business metadata", responses((status = 200, body = TagDetailView)))]
pub(crate) async fn get_tag(caller: Caller, Path((tenant, tag)): Path<(String, String)>) -> Result<Tagged<TagDetailView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let tag = caller.api.store.tag(&tenant, &tag).await?;
    let uses = caller.api.store.uses_of_tag(&tenant, &tag.id).await?;
    let view = TagDetailView { uses: uses.into_iter().map(TagOnView::from).collect(), tag: tag.clone().into() };
    Ok(Tagged(StatusCode::OK, tag.revision, view))
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
    Ok(Tagged(StatusCode::OK, changed.revision, changed.into()))
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
    // What is taken off may be gone already.
    if is_on {
        let project = store.findable(&tenant, kind, &id).await.map_err(|_| Problem::not_found(kind.as_str(), &id))?;
        let sight = millrace_domain::search::Sight::of(&caller.principal, &tenant);
        let works = sight.works_everywhere || project.is_some_and(|p| sight.worked.contains(&p));
        if kind == SearchKind::Job && !works {
            return Err(Problem::not_found(kind.as_str(), &id));
        }
        let table = if kind == SearchKind::Table { Some(visible(&caller, &tenant, &id).await?) } else { None };
        if let Some(column) = &column
            && table.is_none_or(|table| table.schema.field(column).is_none())
        {
            return Err(Problem::field("column", "request.invalid", "is no column of the table"));
        }
    }
    store.set_tag(&caller.cause(), &tenant, &TagUse { tag, kind, object: id, column }, is_on).await?;
    Ok(StatusCode::NO_CONTENT)
}
