//! The tables of a tenant as everybody finds them (ROL-6, TOP-2, TOP-4): what is in an environment, whose it is, and what
//! the caller may do with it.
//!
//! Invariant: what is only designed is shown to its own project alone; that a table is published is no secret, what it holds
//! needs permission.

use crate::{
    allowed::allowed_each,
    caller::Caller,
    catalog_table::{AroundTableView, around},
    extract::QueryString,
    page::Listing,
    problem::Problem,
    table_publications::TablePublicationView,
};
use axum::{Json, extract::Path};
use millrace_domain::{
    Action, Environment, ProjectScope, Scope,
    permission::{Allowed, Asker, Permit, TablePermission, allowed},
};
use millrace_model::{
    Schema,
    ids::{ProjectId, TenantId},
};
use millrace_store::{CatalogQuery, CatalogTable, PageRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A table or topic of the catalog.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableView {
    id: String,
    /// As jobs of other projects name it: `project.table`.
    full_name: String,
    name: String,
    /// Id of the project that it belongs to.
    project: String,
    project_name: String,
    /// Id of its database; null for a topic.
    database: Option<String>,
    /// `design`, `test` or `production`.
    environment: String,
    /// The version in force; null for a design.
    version: Option<i64>,
    /// Id of the data source that holds it there.
    data_source: Option<String>,
    physical_name: String,
    description: String,
    #[schema(value_type = Vec<Object>)]
    schema: Schema,
    #[schema(value_type = Object)]
    format: Value,
    /// Id of the user who has designed it.
    designed_by: String,
    designed_by_me: bool,
    /// What the caller may do with its rows, by themselves or through one of their projects.
    permissions: Vec<TablePermissionView>,
    /// What the caller can do with it here: `edit`, `publish`, `retire`, `grant`, `apply`; on its page also `tag`,
    /// `add_quality_rule`.
    allowed_actions: Vec<&'static str>,
}

/// A permission that the caller has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TablePermissionView {
    /// `select`, `insert`, `update` or `delete`.
    permission: String,
    /// Only these columns; null: all.
    columns: Option<Vec<String>>,
}

/// A table with everything that is published of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableDetailView {
    #[serde(flatten)]
    table: TableView,
    /// The newest 50 versions, in force and before, newest first.
    publications: Vec<TablePublicationView>,
    /// Grows with each change of the design.
    revision: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
    #[serde(flatten)]
    around: AroundTableView,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TableParameters {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on the page: 1 to 200, 50 unless given.
    limit: Option<u32>,
    /// `design`, `test` (unless given) or `production`.
    #[param(value_type = Option<String>)]
    environment: Option<Environment>,
    /// Only of this project, by name or id.
    project: Option<String>,
    /// Only of this database, by id or, with a project, by name.
    database: Option<String>,
    /// Only what the caller has designed.
    designed_by_me: Option<bool>,
    /// Only with this in the name.
    search: Option<String>,
}

/// The projects that the caller has a role in; none for all of the tenant.
fn own_projects(caller: &Caller, tenant: &TenantId) -> Option<Vec<ProjectId>> {
    let place = Scope::Tenant(tenant.clone());
    if caller.principal.grants.iter().any(|g| g.scope.covers(&place)) {
        return None;
    }
    Some(caller.principal.grants.iter().filter(|g| place.covers(&g.scope)).filter_map(|g| g.scope.project().cloned()).collect())
}

/// List tables and topics of all projects, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/tables", tag = "tables", params(TableParameters), responses((status = 200, body = Listing<TableView>)))]
pub(crate) async fn list_tables(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<TableParameters>,
) -> Result<Json<Listing<TableView>>, Problem> {
    let id = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let query = query.parse()?;
    let store = &caller.api.store;
    let environment = query.environment.unwrap_or(Environment::Test);
    let project = match &query.project {
        Some(project) => Some(store.project(&id, project).await?.scope),
        None => None,
    };
    let database = match (&query.database, &project) {
        (Some(database), Some(scope)) => Some(store.database(scope, database).await?.id),
        (Some(database), None) => Some(millrace_model::ids::DatabaseId::new(database.as_str())),
        (None, _) => None,
    };
    let wanted = CatalogQuery {
        environment,
        project: project.map(|p| p.project),
        database,
        designed_by: query.designed_by_me.unwrap_or(false).then(|| caller.principal.user.clone()),
        name_contains: query.search,
        within: if environment == Environment::Design { own_projects(&caller, &id) } else { None },
    };
    let page = PageRequest { cursor: query.cursor, limit: query.limit };
    let found = store.catalog_tables(&id, &wanted, &page).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for table in found.items {
        items.push(view(&caller, table, environment).await?);
    }
    Ok(Json(Listing::with(millrace_store::Page { items, next_cursor: found.next_cursor }, |item| item)))
}

/// Get a table or topic by id or as `project.table`: the state in production, else in test, else, for its own project, the design;
/// with everything around it: tags, lineage, quality, business data, who may use it. Rows and addresses are not in it.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/tables/{table}", tag = "tables", responses((status = 200, body = TableDetailView)))]
pub(crate) async fn get_table(caller: Caller, Path((tenant, table)): Path<(String, String)>) -> Result<Json<TableDetailView>, Problem> {
    let id = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let (design, project_name) = find(&caller, &id, &table).await?;
    let store = &caller.api.store;
    let publications = store.table_publications(&design.scope, &design.id, &PageRequest::default()).await?.items;
    let publication = match store.table_in(&design.scope, &design.id, Environment::Production).await? {
        Some(in_production) => Some(in_production),
        None => store.table_in(&design.scope, &design.id, Environment::Test).await?,
    };
    let is_own = caller.principal.allowed(Action::TopicView, &Scope::Project(design.scope.clone()));
    if publication.is_none() && !is_own {
        return Err(Problem::not_found("table", &table));
    }
    let environment = publication.as_ref().map_or(Environment::Design, |p| p.environment);
    let publications = publications.iter().cloned().map(TablePublicationView::from).collect();
    let around = around(&caller, &id, design.id.as_str()).await?;
    let (revision, created_at_ms, updated_at_ms) = (design.revision, design.created_at_ms, design.updated_at_ms);
    let own = Scope::Project(design.scope.clone());
    let more = [("tag", Action::TagAttach, true), ("add_quality_rule", Action::QualityRuleEdit, true)];
    let more = allowed_each(&caller, more.map(|offer| (&own, offer)));
    let mut table = view(&caller, CatalogTable { design, project_name, publication }, environment).await?;
    table.allowed_actions.extend(more);
    Ok(Json(TableDetailView { table, publications, revision, created_at_ms, updated_at_ms, around }))
}

/// The design of a table by id or as `project.table`, with its project's name.
async fn find(caller: &Caller, tenant: &TenantId, table: &str) -> Result<(millrace_store::Topic, String), Problem> {
    let found = caller.api.store.table_of_tenant(tenant, table).await;
    found.map_err(|error| match error {
        millrace_store::StoreError::NotFound { .. } => Problem::not_found("table", table),
        other => other.into(),
    })
}

async fn view(caller: &Caller, found: CatalogTable, environment: Environment) -> Result<TableView, Problem> {
    let CatalogTable { design, project_name, publication } = found;
    let permissions = permissions(caller, &design.scope, &design.id).await?;
    let (project, tenant) = (Scope::Project(design.scope.clone()), Scope::Tenant(design.scope.tenant.clone()));
    let is_published = publication.is_some();
    let offers = [
        (&project, ("edit", Action::TopicEdit, true)),
        (&project, ("publish", Action::TablePublish, true)),
        (&project, ("retire", Action::TablePublishDecide, is_published)),
        (&project, ("grant", Action::PermissionGrant, true)),
        (&tenant, ("apply", Action::PermissionApply, is_published)),
    ];
    let allowed_actions = allowed_each(caller, offers);
    let (version, data_source, physical_name, description, schema, format) = match publication {
        Some(p) => (Some(p.number), Some(p.data_source.to_string()), p.physical_name, p.description, p.schema, p.format),
        None => {
            let source = design.data_source.map(|s| s.to_string());
            (None, source, design.physical_name, design.description, design.schema, design.format)
        }
    };
    Ok(TableView {
        id: design.id.to_string(),
        full_name: format!("{project_name}.{}", design.name),
        name: design.name.to_string(),
        project: design.scope.project.to_string(),
        project_name,
        database: design.database.map(|d| d.to_string()),
        environment: environment.to_string(),
        version,
        data_source,
        physical_name,
        description,
        schema,
        format,
        designed_by_me: design.created_by == caller.principal.user,
        designed_by: design.created_by,
        permissions,
        allowed_actions,
    })
}

/// What the caller may do with a table, by themselves or through any of their projects.
async fn permissions(
    caller: &Caller,
    owner: &ProjectScope,
    table: &millrace_model::ids::TopicId,
) -> Result<Vec<TablePermissionView>, Problem> {
    let word = |permission: TablePermission, columns| TablePermissionView { permission: permission.to_string(), columns };
    if caller.principal.allowed(Action::TopicEnsure, &Scope::Project(owner.clone())) {
        return Ok(TablePermission::ALL.iter().map(|p| word(*p, None)).collect());
    }
    let permits: Vec<Permit> = caller.api.store.table_grants(owner, table).await?.into_iter().map(|g| g.permit).collect();
    let projects = own_projects(caller, &owner.tenant).unwrap_or_default();
    let nobody = ProjectId::new("none");
    let mut found = Vec::new();
    for &permission in TablePermission::ALL {
        let mut best = Allowed::Nothing;
        for project in projects.iter().chain(std::iter::once(&nobody)) {
            let asker = Asker { project, person: Some(&caller.principal.user) };
            match allowed(&permits, asker, permission, caller.api.store.now_ms()) {
                Allowed::Everything => best = Allowed::Everything,
                Allowed::Columns(columns) if best == Allowed::Nothing => best = Allowed::Columns(columns),
                Allowed::Columns(_) | Allowed::Nothing => {}
            }
        }
        match best {
            Allowed::Nothing => {}
            Allowed::Everything => found.push(word(permission, None)),
            Allowed::Columns(columns) => found.push(word(permission, Some(columns.into_iter().collect()))),
        }
    }
    Ok(found)
}
