//! Data sources (SRC-1 to SRC-3). Secret properties are answered as `***`; sent back so, they keep their value.

use crate::{
    caller::Caller,
    control_plane::ConnectivityReport,
    extract::{IfMatch, JsonBody, QueryString, Tagged},
    page::{Listing, PageQuery},
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, Name};
use millrace_store::{DataSource, DataSourceChange, NewDataSource};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Most properties of one data source.
const PROPERTIES_MAX: usize = 200;

/// A data source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DataSourceView {
    id: String,
    name: String,
    kind: String,
    description: String,
    /// Secrets read `***`.
    properties: BTreeMap<String, String>,
    revision: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
}

impl From<DataSource> for DataSourceView {
    fn from(source: DataSource) -> Self {
        Self {
            id: source.id.to_string(),
            name: source.name.to_string(),
            kind: source.kind,
            description: source.description,
            properties: source.properties,
            revision: source.revision,
            created_at_ms: source.created_at_ms,
            updated_at_ms: source.updated_at_ms,
        }
    }
}

/// A data source to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDataSourceBody {
    #[schema(value_type = String)]
    name: Name,
    /// `kafka`.
    #[schema(value_type = String)]
    kind: Name,
    #[serde(default)]
    description: String,
    /// Client properties by the system's own names: `bootstrap.servers`.
    properties: BTreeMap<String, String>,
}

/// New settings of a data source.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataSourceBody {
    #[serde(default)]
    description: String,
    /// All properties; `***` keeps a secret.
    properties: BTreeMap<String, String>,
}

fn check(properties: &BTreeMap<String, String>) -> Result<(), Problem> {
    if properties.len() > PROPERTIES_MAX {
        let message = format!("has {} entries, at most {PROPERTIES_MAX} are allowed", properties.len());
        return Err(Problem::field("properties", "request.invalid", message));
    }
    Ok(())
}

/// List the data sources of a project.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/data-sources", tag = "data sources", params(PageQuery), responses((status = 200, body = Listing<DataSourceView>)))]
pub(crate) async fn list_data_sources(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<DataSourceView>>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataSourceView).await?;
    Ok(Listing::of(caller.api.store.data_sources(&scope, &query.parse()?.into()).await?))
}

/// Make a data source.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/data-sources", tag = "data sources", request_body = NewDataSourceBody, responses((status = 201, body = DataSourceView)))]
pub(crate) async fn create_data_source(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    body: JsonBody<NewDataSourceBody>,
) -> Result<Tagged<DataSourceView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataSourceCreate).await?;
    let new = body.parse()?;
    check(&new.properties)?;
    let new = NewDataSource { name: new.name, kind: new.kind.to_string(), description: new.description, properties: new.properties };
    let made = caller.api.store.create_data_source(&caller.cause(), &scope, &new).await?;
    Ok(Tagged(StatusCode::CREATED, made.revision, made.into()))
}

/// Get a data source by name or id.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/data-sources/{source}", tag = "data sources", responses((status = 200, body = DataSourceView)))]
pub(crate) async fn get_data_source(
    caller: Caller,
    Path((tenant, project, source)): Path<(String, String, String)>,
) -> Result<Tagged<DataSourceView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataSourceView).await?;
    let found = caller.api.store.data_source(&scope, &source).await?;
    Ok(Tagged(StatusCode::OK, found.revision, found.into()))
}

/// Replace description and properties of a data source.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/data-sources/{source}", tag = "data sources", request_body = DataSourceBody, responses((status = 200, body = DataSourceView)))]
pub(crate) async fn edit_data_source(
    caller: Caller,
    Path((tenant, project, source)): Path<(String, String, String)>,
    if_match: IfMatch,
    body: JsonBody<DataSourceBody>,
) -> Result<Tagged<DataSourceView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataSourceEdit).await?;
    let found = caller.api.store.data_source(&scope, &source).await?;
    let new = body.parse()?;
    check(&new.properties)?;
    let change = DataSourceChange { description: new.description, properties: new.properties, expected_revision: if_match.revision()? };
    let changed = caller.api.store.change_data_source(&caller.cause(), &scope, &found.id, &change).await?;
    Ok(Tagged(StatusCode::OK, changed.revision, changed.into()))
}

/// Remove a data source that no topic uses.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/data-sources/{source}", tag = "data sources", responses((status = 204)))]
pub(crate) async fn delete_data_source(
    caller: Caller,
    Path((tenant, project, source)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataSourceDelete).await?;
    let found = caller.api.store.data_source(&scope, &source).await?;
    caller.api.store.delete_data_source(&caller.cause(), &scope, &found.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Try to reach a data source. What cannot be reached is an answer, not an error.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/data-sources/{source}/test", tag = "data sources", responses((status = 200, body = ConnectivityReport)))]
pub(crate) async fn test_data_source(
    caller: Caller,
    Path((tenant, project, source)): Path<(String, String, String)>,
) -> Result<Json<ConnectivityReport>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataSourceTest).await?;
    let connection = caller.api.store.connection(&scope, &source).await?;
    let report = caller.api.control.test_connection(&connection.kind, connection.properties).await;
    let detail = json!({"reachable": report.reachable, "failure": report.failure});
    caller.api.store.record_done(&caller.cause(), Action::DataSourceTest, &scope, connection.id.as_str(), detail).await?;
    Ok(Json(report))
}
