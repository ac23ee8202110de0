//! Relations of business data to business data, tables and columns (ROL-3, ROL-5, approved by ROL-2).
//!
//! Invariant: a relation to a table is made, changed and removed by who has a role in the table's project, or in the whole tenant.

use crate::{
    approvals::ApprovalView,
    caller::Caller,
    catalog_table::visible,
    extract::{IfMatch, JsonBody, QueryString, Tagged},
    governed::{GovernedQuery, GovernedVersionsView, GovernedView, PublicationRequest, checked, items, publish, save, stored},
    page::Listing,
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{
    Action, Name, Scope,
    governed::{GovernedKind, Relation, RelationEndKind, Wrong},
};
use millrace_model::ids::TenantId;
use millrace_store::{GovernedItem, NewGoverned};
use serde::Deserialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

const KIND: GovernedKind = GovernedKind::Relation;

/// A relation to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRelationBody {
    /// The word for it: `describes`.
    #[schema(value_type = String)]
    name: Name,
    /// `{"from": {"kind": "business_data", "id": "bsd_…"}, "to": {"kind": "table", "id": "top_…", "column": "url"}}`.
    #[schema(value_type = Object)]
    document: Relation,
}

async fn new(caller: &Caller, tenant: &TenantId, body: NewRelationBody) -> Result<NewGoverned, Problem> {
    check_ends(caller, tenant, &body.document).await?;
    let parent = body.document.from.id.clone();
    Ok(NewGoverned { kind: KIND, project: None, name: body.name, parent, draft: stored(&body.document)? })
}

async fn check_ends(caller: &Caller, tenant: &TenantId, relation: &Relation) -> Result<(), Problem> {
    let (mut wrong, mut is_elsewhere) = (relation.check(), false);
    for (field, end) in [("from", &relation.from), ("to", &relation.to)] {
        let found = match end.kind {
            RelationEndKind::BusinessData => {
                caller.api.store.governed(tenant, GovernedKind::BusinessData, &end.id).await.map(|found| found.id).map_err(Problem::from)
            }
            RelationEndKind::Table => visible(caller, tenant, &end.id).await.map(|table| {
                is_elsewhere |= !caller.principal.allowed(Action::RelationEdit, &Scope::Project(table.scope.clone()));
                if let Some(column) = end.column.as_deref().filter(|column| table.schema.field(column).is_none()) {
                    wrong.push(Wrong::new(format!("{field}.column"), format!("`{column}` is no column of `{}`", table.name)));
                }
                table.id
            }),
        };
        match found {
            Ok(id) if id == end.id => {}
            Ok(id) => wrong.push(Wrong::new(format!("{field}.id"), format!("must be an id; that of `{}` is `{id}`", end.id))),
            Err(problem) if problem.status == StatusCode::NOT_FOUND => wrong.push(Wrong::new(format!("{field}.id"), "is not there")),
            Err(problem) => return Err(problem),
        }
    }
    checked(wrong)?;
    match is_elsewhere {
        true => caller.refuse(Action::RelationEdit, &Scope::Tenant(tenant.clone()), ("table", &relation.to.id)).await,
        false => Ok(()),
    }
}

/// The tables that a relation leads to, by its draft and by what was published of it.
fn tables(item: &GovernedItem) -> BTreeSet<String> {
    let documents = [Some(&item.draft), item.published.as_ref()].into_iter().flatten();
    let ends = documents.filter_map(|document| Relation::deserialize(document).ok()).map(|relation| relation.to);
    ends.filter(|end| end.kind == RelationEndKind::Table).map(|end| end.id).collect()
}

/// Ids of those of the relations that the caller may not change: they lead to tables of projects that are not theirs.
async fn others(caller: &Caller, tenant: &TenantId, relations: &[GovernedItem]) -> Result<BTreeSet<String>, Problem> {
    if caller.principal.allowed_throughout(Action::RelationEdit, &Scope::Tenant(tenant.clone())) {
        return Ok(BTreeSet::new());
    }
    let all: BTreeSet<String> = relations.iter().flat_map(tables).collect();
    let projects = caller.api.store.projects_of_tables(tenant, &all).await?;
    let is_other = |table: &String| {
        projects.get(table).is_some_and(|project| !caller.principal.allowed(Action::RelationEdit, &Scope::Project(project.clone())))
    };
    Ok(relations.iter().filter(|item| tables(item).iter().any(is_other)).map(|item| item.id.clone()).collect())
}

/// The relation of this name or id, if the caller may change it.
async fn editable(caller: &Caller, tenant: &TenantId, relation: &str) -> Result<GovernedItem, Problem> {
    let found = caller.api.store.governed(tenant, KIND, relation).await?;
    match others(caller, tenant, std::slice::from_ref(&found)).await?.is_empty() {
        true => Ok(found),
        false => caller.refuse(Action::RelationEdit, &Scope::Tenant(tenant.clone()), ("relation", relation)).await,
    }
}

async fn view(caller: &Caller, tenant: &TenantId, item: GovernedItem) -> Result<GovernedView, Problem> {
    let may_edit = others(caller, tenant, std::slice::from_ref(&item)).await?.is_empty();
    Ok(GovernedView::of(caller, item, may_edit))
}

async fn check(caller: &Caller, item: &GovernedItem, document: &Relation) -> Result<(), Problem> {
    if document.from.id != item.parent {
        return Err(Problem::field("from.id", "request.invalid", "cannot change; make another relation"));
    }
    check_ends(caller, &item.tenant, document).await
}

/// List relations, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/relations", tag = "business metadata", params(GovernedQuery), responses((status = 200, body = Listing<GovernedView>)))]
pub(crate) async fn list_relations(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<GovernedQuery>,
) -> Result<Json<Listing<GovernedView>>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let found = items(&caller, &tenant, KIND, None, query.parse()?).await?;
    let others = others(&caller, &tenant, &found.items).await?;
    Ok(Json(Listing::with(found, |item| {
        let may_edit = !others.contains(&item.id);
        GovernedView::of(&caller, item, may_edit)
    })))
}

/// Make a relation: a draft.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/relations", tag = "business metadata", request_body = NewRelationBody, responses((status = 201, body = GovernedView)))]
pub(crate) async fn create_relation(
    caller: Caller,
    Path(tenant): Path<String>,
    body: JsonBody<NewRelationBody>,
) -> Result<Tagged<GovernedView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::RelationEdit).await?;
    let new = new(&caller, &tenant, body.parse()?).await?;
    let made = caller.api.store.create_governed(&caller.cause(), &tenant, &new).await?;
    Ok(Tagged(StatusCode::CREATED, made.revision, GovernedView::of(&caller, made, true)))
}

/// Get a relation by name or id.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/relations/{relation}", tag = "business metadata", responses((status = 200, body = GovernedView)))]
pub(crate) async fn get_relation(
    caller: Caller,
    Path((tenant, relation)): Path<(String, String)>,
) -> Result<Tagged<GovernedView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let found = caller.api.store.governed(&tenant, KIND, &relation).await?;
    Ok(Tagged(StatusCode::OK, found.revision, view(&caller, &tenant, found).await?))
}

/// Replace the draft of a relation. While its publication waits for a decision it stands still.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/relations/{relation}", tag = "business metadata", request_body(content = Object, description = "The relation: from, to and description."), responses((status = 200, body = GovernedView)))]
pub(crate) async fn edit_relation(
    caller: Caller,
    Path((tenant, relation)): Path<(String, String)>,
    if_match: IfMatch,
    body: JsonBody<Relation>,
) -> Result<Tagged<GovernedView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::RelationEdit).await?;
    let found = editable(&caller, &tenant, &relation).await?;
    let document = body.parse()?;
    check(&caller, &found, &document).await?;
    let changed = save(&caller, &found, &document, &if_match).await?;
    Ok(Tagged(StatusCode::OK, changed.revision, GovernedView::of(&caller, changed, true)))
}

/// Remove a relation that nothing else needs.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/relations/{relation}", tag = "business metadata", responses((status = 204)))]
pub(crate) async fn delete_relation(caller: Caller, Path((tenant, relation)): Path<(String, String)>) -> Result<StatusCode, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::RelationEdit).await?;
    let found = editable(&caller, &tenant, &relation).await?;
    caller.api.store.delete_governed(&caller.cause(), &found).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask for the publication of the draft of a relation.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/relations/{relation}/publish", tag = "business metadata", request_body = Option<PublicationRequest>, responses((status = 201, body = ApprovalView)))]
pub(crate) async fn publish_relation(
    caller: Caller,
    Path((tenant, relation)): Path<(String, String)>,
    body: JsonBody<PublicationRequest>,
) -> Result<(StatusCode, Json<ApprovalView>), Problem> {
    let tenant = caller.in_tenant(&tenant, Action::RelationEdit).await?;
    let found = editable(&caller, &tenant, &relation).await?;
    publish(&caller, &found, body).await
}

/// List the published versions of a relation, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/relations/{relation}/versions", tag = "business metadata", responses((status = 200, body = GovernedVersionsView)))]
pub(crate) async fn list_relation_versions(
    caller: Caller,
    Path((tenant, relation)): Path<(String, String)>,
) -> Result<Json<GovernedVersionsView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let found = caller.api.store.governed(&tenant, KIND, &relation).await?;
    Ok(Json(GovernedVersionsView::of(caller.api.store.governed_versions(&found).await?)))
}
