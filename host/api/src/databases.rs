//! Databases: tables of one system, designed and then published (TOP-1 to TOP-4).

use crate::{
    allowed::allowed,
    approvals::ApprovalView,
    caller::Caller,
    extract::{IfMatch, JsonBody, QueryString, Tagged},
    page::{Listing, PageQuery},
    problem::Problem,
    topics::{own_source, physical_name},
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, Environment, Name, ProjectScope, Scope};
use millrace_store::{Database, DatabaseChange, DatabasePublication, DatabasePublishRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A database.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DatabaseView {
    id: String,
    name: String,
    /// Name in the outside system.
    physical_name: String,
    /// Id of the data source that holds it while it is only designed.
    data_source: Option<String>,
    description: String,
    revision: i64,
    created_by: String,
    created_at_ms: i64,
    updated_at_ms: i64,
    /// What the caller can do: `edit`, `publish`, `delete`.
    allowed_actions: Vec<&'static str>,
}

/// A database with what is published of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DatabaseDetailView {
    #[serde(flatten)]
    database: DatabaseView,
    /// Newest first; the newest of each environment that is not retired is in force.
    publications: Vec<DatabasePublicationView>,
}

/// A database in an environment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DatabasePublicationView {
    id: String,
    environment: String,
    number: i64,
    data_source: String,
    physical_name: String,
    published_by: String,
    approval: String,
    created_at_ms: i64,
    retired_at_ms: Option<i64>,
}

impl From<DatabasePublication> for DatabasePublicationView {
    fn from(found: DatabasePublication) -> Self {
        Self {
            id: found.id,
            environment: found.environment.to_string(),
            number: found.number,
            data_source: found.data_source.to_string(),
            physical_name: found.physical_name,
            published_by: found.published_by,
            approval: found.approval.to_string(),
            created_at_ms: found.created_at_ms,
            retired_at_ms: found.retired_at_ms,
        }
    }
}

impl DatabaseView {
    fn of(caller: &Caller, found: Database) -> Self {
        let offers =
            [("edit", Action::DatabaseEdit, true), ("publish", Action::DatabasePublish, true), ("delete", Action::DatabaseDelete, true)];
        Self {
            allowed_actions: allowed(caller, &Scope::Project(found.scope.clone()), offers),
            id: found.id.to_string(),
            name: found.name.to_string(),
            physical_name: found.physical_name,
            data_source: found.data_source.map(|s| s.to_string()),
            description: found.description,
            revision: found.revision,
            created_by: found.created_by,
            created_at_ms: found.created_at_ms,
            updated_at_ms: found.updated_at_ms,
        }
    }
}

/// A database to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDatabaseBody {
    #[schema(value_type = String)]
    name: Name,
    /// Name in the outside system; the same name unless given.
    physical_name: Option<String>,
    /// Name or id of the data source that holds it until it is published; may be left open.
    data_source: Option<String>,
    #[serde(default)]
    description: String,
}

/// New settings of a database.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatabaseBody {
    physical_name: String,
    data_source: Option<String>,
    #[serde(default)]
    description: String,
}

/// A request to publish a database.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublishDatabaseBody {
    /// `test` or `production`.
    #[schema(value_type = String)]
    environment: Environment,
    /// Name or id of the data source that it binds to.
    data_source: Option<String>,
    /// Name there; as it is designed unless given.
    physical_name: Option<String>,
    /// Why; the decider reads it.
    #[serde(default)]
    reason: String,
}

async fn settings(caller: &Caller, scope: &ProjectScope, body: DatabaseBody) -> Result<DatabaseChange, Problem> {
    physical_name(&body.physical_name)?;
    let source = match &body.data_source {
        Some(source) => Some(own_source(caller, scope, source).await?.id),
        None => None,
    };
    let DatabaseBody { physical_name, description, .. } = body;
    Ok(DatabaseChange { physical_name, data_source: source, description, expected_revision: None })
}

/// List the databases of a project.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/databases", tag = "tables", params(PageQuery), responses((status = 200, body = Listing<DatabaseView>)))]
pub(crate) async fn list_databases(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<DatabaseView>>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DatabaseView).await?;
    let found = caller.api.store.databases(&scope, &query.parse()?.into()).await?;
    Ok(Json(Listing::with(found, |database| DatabaseView::of(&caller, database))))
}

/// Make a database in the design state.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/databases", tag = "tables", request_body = NewDatabaseBody, responses((status = 201, body = DatabaseView)))]
pub(crate) async fn create_database(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    body: JsonBody<NewDatabaseBody>,
) -> Result<Tagged<DatabaseView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DatabaseCreate).await?;
    let NewDatabaseBody { name, physical_name, data_source, description } = body.parse()?;
    let body = DatabaseBody { physical_name: physical_name.unwrap_or_else(|| name.to_string()), data_source, description };
    let settings = settings(&caller, &scope, body).await?;
    let made = caller.api.store.create_database(&caller.cause(), &scope, &name, &settings).await?;
    Ok(Tagged(StatusCode::CREATED, made.revision, DatabaseView::of(&caller, made)))
}

/// Get a database, by name or id, with what is published of it.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/databases/{database}", tag = "tables", responses((status = 200, body = DatabaseDetailView)))]
pub(crate) async fn get_database(
    caller: Caller,
    Path((tenant, project, database)): Path<(String, String, String)>,
) -> Result<Tagged<DatabaseDetailView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DatabaseView).await?;
    let found = caller.api.store.database(&scope, &database).await?;
    let publications = caller.api.store.database_publications(&scope, &found.id).await?;
    let publications = publications.into_iter().map(DatabasePublicationView::from).collect();
    Ok(Tagged(StatusCode::OK, found.revision, DatabaseDetailView { database: DatabaseView::of(&caller, found), publications }))
}

/// Replace the settings of a database's design.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/databases/{database}", tag = "tables", request_body = DatabaseBody, responses((status = 200, body = DatabaseView)))]
pub(crate) async fn edit_database(
    caller: Caller,
    Path((tenant, project, database)): Path<(String, String, String)>,
    if_match: IfMatch,
    body: JsonBody<DatabaseBody>,
) -> Result<Tagged<DatabaseView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DatabaseEdit).await?;
    let found = caller.api.store.database(&scope, &database).await?;
    let mut change = settings(&caller, &scope, body.parse()?).await?;
    change.expected_revision = Some(if_match.required()?);
    let changed = caller.api.store.change_database(&caller.cause(), &scope, &found.id, &change).await?;
    Ok(Tagged(StatusCode::OK, changed.revision, DatabaseView::of(&caller, changed)))
}

/// Remove a database without tables that was never published.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/databases/{database}", tag = "tables", responses((status = 204)))]
pub(crate) async fn delete_database(
    caller: Caller,
    Path((tenant, project, database)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DatabaseDelete).await?;
    let found = caller.api.store.database(&scope, &database).await?;
    caller.api.store.delete_database(&caller.cause(), &scope, &found.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask for a database in test or production; a global data administrator decides.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/databases/{database}/publish", tag = "tables", request_body = PublishDatabaseBody, responses((status = 201, body = ApprovalView)))]
pub(crate) async fn publish_database(
    caller: Caller,
    Path((tenant, project, database)): Path<(String, String, String)>,
    body: JsonBody<PublishDatabaseBody>,
) -> Result<(StatusCode, Json<ApprovalView>), Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DatabasePublish).await?;
    let body = body.parse()?;
    let store = &caller.api.store;
    let found = store.database(&scope, &database).await?;
    let environment = published(body.environment)?;
    if environment == Environment::Production && store.database_in(&scope, &found.id, Environment::Test).await?.is_none() {
        let detail = format!("database `{}` is not in test; publish it to test first", found.name);
        return Err(Problem::new(StatusCode::CONFLICT, "publish.not_in_test", detail));
    }
    let source = match (&body.data_source, &found.data_source) {
        (Some(source), _) => own_source(&caller, &scope, source).await?,
        (None, Some(source)) if environment == Environment::Test => own_source(&caller, &scope, source.as_str()).await?,
        (None, _) => {
            return Err(Problem::field(
                "data_source",
                "request.invalid",
                format!("is missing; name the data source that holds it in {environment}"),
            ));
        }
    };
    let name = body.physical_name.unwrap_or_else(|| found.physical_name.clone());
    physical_name(&name)?;
    let replaces =
        store.database_publications(&scope, &found.id).await?.iter().filter(|p| p.environment == environment).map(|p| p.number).max();
    let asked = DatabasePublishRequest {
        data_source: source.id,
        data_source_name: source.name.to_string(),
        physical_name: name,
        replaces: replaces.unwrap_or(0),
    };
    let made = store.request_database_publication(&caller.cause(), &found, environment, &asked, &body.reason).await?;
    Ok((StatusCode::CREATED, Json(ApprovalView::of(&caller, made))))
}

/// An environment that something can be published to.
pub(crate) fn published(environment: Environment) -> Result<Environment, Problem> {
    match environment {
        Environment::Test | Environment::Production => Ok(environment),
        Environment::Design => Err(Problem::field("environment", "request.invalid", "is design; expected test or production")),
    }
}
