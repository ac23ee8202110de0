//! Temp tables (TMP-1): what jobs leave for each other, in topics that the platform makes.

use crate::{
    allowed::allowed,
    caller::{Caller, to_the_end},
    data_access::{RowsOf, may_see_rows},
    extract::{IfMatch, JsonBody, QueryString, Tagged},
    page::{Listing, PageQuery},
    preview::{PreviewRowsView, TopicPreviewBody},
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{
    Action, Name, ProjectScope, Scope,
    temp_table::{RETENTION_MS_MAX, RETENTION_MS_MIN, TableUseDirection},
};
use millrace_model::{Schema, graph::JobGraph};
use millrace_store::{NewTempTable, TempTable, TempTableChange, TempTableSettings, TempTableUse};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// The kind of data source that can hold temp tables.
const SOURCE_KIND: &str = "kafka";
const PARTITIONS_MAX: i64 = 128;

/// Where a project keeps its temp tables.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TempTableSettingsBody {
    /// Name or id of a Kafka data source of the project.
    data_source: String,
    /// Partitions of a new table: 1 to 128.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 128)]
    partitions: i64,
    /// Copies of a new table.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 16)]
    replication_factor: i64,
    /// How long a new table keeps records: from a minute to 90 days, a day unless given.
    #[serde(default = "one_day")]
    #[schema(minimum = 60000, maximum = 7776000000i64)]
    retention_ms: i64,
}

/// Where a project keeps its temp tables, if it has said so.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TempTableSettingsView {
    /// Null until somebody has said where.
    settings: Option<TempTableSettingsBody>,
    /// What the caller can do: `edit`.
    allowed_actions: Vec<&'static str>,
}

impl TempTableSettingsView {
    fn of(caller: &Caller, scope: &ProjectScope, settings: Option<TempTableSettings>) -> Self {
        let offers = [("edit", Action::TempTableConfigure, true)];
        let allowed_actions = allowed(caller, &Scope::Project(scope.clone()), offers);
        Self { settings: settings.map(TempTableSettingsBody::from), allowed_actions }
    }
}

fn one() -> i64 {
    1
}

fn one_day() -> i64 {
    24 * 3_600_000
}

/// A temp table to make. A job's sink makes its table by itself when the job is submitted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTempTableBody {
    #[schema(value_type = String)]
    name: Name,
    #[serde(default)]
    description: String,
    /// Columns.
    #[schema(value_type = Vec<Object>)]
    schema: Schema,
    /// How long it keeps records; as the project's settings say unless given.
    retention_ms: Option<i64>,
}

/// What can be changed of a temp table.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TempTableBody {
    #[serde(default)]
    description: String,
    /// How long it keeps records: set on the real topic.
    #[schema(minimum = 60000, maximum = 7776000000i64)]
    retention_ms: i64,
}

/// A temp table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TempTableView {
    id: String,
    name: String,
    description: String,
    /// Id of the data source that holds it.
    data_source: String,
    /// Name of its topic in the broker.
    physical_name: String,
    #[schema(value_type = Vec<Object>)]
    schema: Schema,
    retention_ms: i64,
    /// Who made it.
    owner: String,
    revision: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
    /// Jobs that write it.
    writers: Vec<TempTableUseView>,
    /// Jobs that read it.
    readers: Vec<TempTableUseView>,
    /// `edit`, `preview`, `delete` (when no job needs it), `grant`.
    allowed_actions: Vec<&'static str>,
}

/// A job that writes or reads a temp table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TempTableUseView {
    /// Id of the job's project, which may be another than the table's.
    project: String,
    project_name: String,
    /// Id of the job.
    job: String,
    job_name: String,
    /// Number of the newest version that does so.
    version: i64,
    /// Whether the job's newest version still does.
    current: bool,
    /// Whether an active instance does.
    active: bool,
}

/// How large a temp table is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TempTableSizeView {
    /// Records, those that end transactions included.
    records: u64,
    partitions: u32,
    /// Records by the mean size of the newest; null when the table is empty.
    bytes_estimated: Option<u64>,
}

impl From<TempTableUse> for TempTableUseView {
    fn from(found: TempTableUse) -> Self {
        let TempTableUse { project: (project, project_name), job, job_name, version, is_current, is_active, .. } = found;
        Self { project, project_name, job: job.to_string(), job_name, version, current: is_current, active: is_active }
    }
}

/// A table with its jobs and what the caller may do.
async fn view(caller: &Caller, table: TempTable) -> Result<TempTableView, Problem> {
    let uses = caller.api.store.temp_table_uses(&table.scope, &table.id).await?;
    let is_needed = uses.iter().any(|u| u.is_active || (u.direction == TableUseDirection::Read && u.is_current));
    let offers = [
        ("edit", Action::TempTableEdit, true),
        ("preview", Action::DataPreview, true),
        ("delete", Action::TempTableDelete, !is_needed),
        ("grant", Action::PermissionGrant, true),
    ];
    let (readers, writers): (Vec<_>, Vec<_>) = uses.into_iter().partition(|u| u.direction == TableUseDirection::Read);
    Ok(TempTableView {
        allowed_actions: allowed(caller, &Scope::Project(table.scope.clone()), offers),
        id: table.id.to_string(),
        name: table.name.to_string(),
        description: table.description,
        data_source: table.data_source.to_string(),
        physical_name: table.physical_name,
        schema: table.schema,
        retention_ms: table.retention_ms,
        owner: table.owner_name,
        revision: table.revision,
        created_at_ms: table.created_at_ms,
        updated_at_ms: table.updated_at_ms,
        writers: writers.into_iter().map(TempTableUseView::from).collect(),
        readers: readers.into_iter().map(TempTableUseView::from).collect(),
    })
}

fn check_retention(retention_ms: i64) -> Result<i64, Problem> {
    if (RETENTION_MS_MIN..=RETENTION_MS_MAX).contains(&retention_ms) {
        return Ok(retention_ms);
    }
    let message = format!("is {retention_ms}, expected {RETENTION_MS_MIN} (a minute) to {RETENTION_MS_MAX} (90 days)");
    Err(Problem::field("retention_ms", "request.invalid", message))
}

/// Makes the table and its topic; if the broker fails, nothing is made.
async fn make(caller: &Caller, scope: &ProjectScope, new: &NewTempTable) -> Result<TempTable, Problem> {
    let (store, cause) = (&caller.api.store, caller.cause());
    let made = store.create_temp_table(&cause, scope, new).await?;
    if let Err(failure) = caller.api.control.make_temp_topic(&made).await {
        if let Err(error) = store.delete_temp_table(&cause, scope, &made.id).await {
            tracing::warn!(table = %made.name, %error, "a temp table without a topic could not be taken back");
        }
        return Err(failure.into());
    }
    Ok(made)
}

/// Makes the temp tables that a job writes and that are not there yet. Called before a version is pinned.
pub(crate) async fn make_written(caller: &Caller, scope: &ProjectScope, graph: &JobGraph) -> Result<(), Problem> {
    for (name, schema) in caller.api.control.temp_tables_to_make(&caller.viewer(scope), graph).await? {
        // Whoever may not make tables may still submit jobs that write those that are there.
        caller
            .authorize(Action::TempTableEdit, &millrace_domain::Scope::Project(scope.clone()), ("project", scope.project.as_str()))
            .await?;
        let invalid = |error: millrace_domain::NameError| Problem::field("config.table", "request.invalid", error.to_string());
        let name: Name = name.parse().map_err(invalid)?;
        make(caller, scope, &NewTempTable { name, description: String::new(), schema, retention_ms: None }).await?;
    }
    Ok(())
}

/// Say where a project keeps its temp tables.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/temp-table-settings", tag = "temp tables", request_body = TempTableSettingsBody, responses((status = 200, body = TempTableSettingsView)))]
pub(crate) async fn set_temp_table_settings(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    body: JsonBody<TempTableSettingsBody>,
) -> Result<Json<TempTableSettingsView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TempTableConfigure).await?;
    let body = body.parse()?;
    let source = caller.api.store.data_source(&scope, &body.data_source).await.map_err(|error| match error {
        millrace_store::StoreError::NotFound { .. } => {
            Problem::field("data_source", "data_source.not_found", format!("`{}` is not in this project", body.data_source))
        }
        other => other.into(),
    })?;
    if source.kind != SOURCE_KIND {
        let message = format!("`{}` is a {} data source, expected {SOURCE_KIND}", source.name, source.kind);
        return Err(Problem::field("data_source", "temp_table.wrong_kind", message));
    }
    for (field, found, max) in [("partitions", body.partitions, PARTITIONS_MAX), ("replication_factor", body.replication_factor, 16)] {
        if !(1..=max).contains(&found) {
            return Err(Problem::field(field, "request.invalid", format!("is {found}, expected 1 to {max}")));
        }
    }
    let settings = TempTableSettings {
        data_source: source.id,
        partitions: body.partitions,
        replication_factor: body.replication_factor,
        retention_ms: check_retention(body.retention_ms)?,
    };
    let set = caller.api.store.set_temp_table_settings(&caller.cause(), &scope, &settings).await?;
    Ok(Json(TempTableSettingsView::of(&caller, &scope, Some(set))))
}

impl From<TempTableSettings> for TempTableSettingsBody {
    fn from(found: TempTableSettings) -> Self {
        let TempTableSettings { data_source, partitions, replication_factor, retention_ms } = found;
        Self { data_source: data_source.to_string(), partitions, replication_factor, retention_ms }
    }
}

/// Get where a project keeps its temp tables.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/temp-table-settings", tag = "temp tables", responses((status = 200, body = TempTableSettingsView)))]
pub(crate) async fn get_temp_table_settings(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
) -> Result<Json<TempTableSettingsView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TempTableView).await?;
    let settings = caller.api.store.temp_table_settings(&scope).await?;
    Ok(Json(TempTableSettingsView::of(&caller, &scope, settings)))
}

/// List the temp tables of a project with their writers and readers.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/temp-tables", tag = "temp tables", params(PageQuery), responses((status = 200, body = Listing<TempTableView>)))]
pub(crate) async fn list_temp_tables(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<TempTableView>>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TempTableView).await?;
    let page = caller.api.store.temp_tables(&scope, &query.parse()?.into()).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for table in page.items {
        items.push(view(&caller, table).await?);
    }
    Ok(Listing::of(millrace_store::Page { items, next_cursor: page.next_cursor }))
}

/// Make a temp table with its topic.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/temp-tables", tag = "temp tables", request_body = NewTempTableBody, responses((status = 201, body = TempTableView)))]
pub(crate) async fn create_temp_table(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    body: JsonBody<NewTempTableBody>,
) -> Result<Tagged<TempTableView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TempTableEdit).await?;
    let NewTempTableBody { name, description, schema, retention_ms } = body.parse()?;
    if let Err(error) = schema.check() {
        return Err(Problem::field("schema", "request.invalid", error.to_string()));
    }
    if schema.fields().is_empty() {
        return Err(Problem::field("schema", "request.invalid", "has no columns, expected at least one"));
    }
    let retention_ms = retention_ms.map(check_retention).transpose()?;
    let new = NewTempTable { name, description, schema, retention_ms };
    let work = async move {
        let made = make(&caller, &scope, &new).await?;
        Ok::<_, Problem>(Tagged(StatusCode::CREATED, made.revision, view(&caller, made).await?))
    };
    to_the_end(work).await?
}

/// Get a temp table by name or id.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/temp-tables/{table}", tag = "temp tables", responses((status = 200, body = TempTableView)))]
pub(crate) async fn get_temp_table(
    caller: Caller,
    Path((tenant, project, table)): Path<(String, String, String)>,
) -> Result<Tagged<TempTableView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TempTableView).await?;
    let found = caller.api.store.temp_table(&scope, &table).await?;
    Ok(Tagged(StatusCode::OK, found.revision, view(&caller, found).await?))
}

/// Change what is said of a temp table, and how long its topic keeps records.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/temp-tables/{table}", tag = "temp tables", request_body = TempTableBody, responses((status = 200, body = TempTableView)))]
pub(crate) async fn edit_temp_table(
    caller: Caller,
    Path((tenant, project, table)): Path<(String, String, String)>,
    if_match: IfMatch,
    body: JsonBody<TempTableBody>,
) -> Result<Tagged<TempTableView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TempTableEdit).await?;
    let found = caller.api.store.temp_table(&scope, &table).await?;
    let expected_revision = if_match.revision()?;
    let TempTableBody { description, retention_ms } = body.parse()?;
    let change = TempTableChange { description, retention_ms: check_retention(retention_ms)?, expected_revision };
    let work = async move {
        let changed = caller.api.store.change_temp_table(&caller.cause(), &scope, &found.id, &change).await?;
        if let Err(failure) = caller.api.control.set_temp_retention(&changed, changed.retention_ms).await {
            // What the topic does is what is shown.
            let undo = TempTableChange { description: found.description, retention_ms: found.retention_ms, expected_revision: None };
            caller.api.store.change_temp_table(&caller.cause(), &scope, &found.id, &undo).await?;
            return Err(failure.into());
        }
        Ok::<_, Problem>(Tagged(StatusCode::OK, changed.revision, view(&caller, changed).await?))
    };
    to_the_end(work).await?
}

/// Remove a temp table that no job needs, with its topic and all its records.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/temp-tables/{table}", tag = "temp tables", responses((status = 204)))]
pub(crate) async fn delete_temp_table(
    caller: Caller,
    Path((tenant, project, table)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TempTableDelete).await?;
    let found = caller.api.store.temp_table(&scope, &table).await?;
    let work = async move {
        caller.api.store.delete_temp_table(&caller.cause(), &scope, &found.id).await?;
        caller.api.control.drop_temp_topic(&found).await?;
        Ok::<_, Problem>(StatusCode::NO_CONTENT)
    };
    to_the_end(work).await?
}

/// Get how large a temp table is: records by the broker, bytes by a sample of its newest rows.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/temp-tables/{table}/size", tag = "temp tables", responses((status = 200, body = TempTableSizeView)))]
pub(crate) async fn get_temp_table_size(
    caller: Caller,
    Path((tenant, project, table)): Path<(String, String, String)>,
) -> Result<Json<TempTableSizeView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TempTableView).await?;
    let found = caller.api.store.temp_table(&scope, &table).await?;
    let size = caller.api.control.temp_table_size(&found).await?;
    Ok(Json(TempTableSizeView { records: size.records, partitions: size.partitions, bytes_estimated: size.bytes_estimated }))
}

/// Look at live rows of a temp table.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/temp-tables/{table}/preview", tag = "temp tables", request_body = Option<TopicPreviewBody>, responses((status = 200, body = PreviewRowsView)))]
pub(crate) async fn preview_temp_table(
    caller: Caller,
    Path((tenant, project, table)): Path<(String, String, String)>,
    body: JsonBody<TopicPreviewBody>,
) -> Result<Json<PreviewRowsView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataPreview).await?;
    let found = caller.api.store.temp_table(&scope, &table).await?;
    let order = body.parse_or_default()?.order()?;
    may_see_rows(&caller, &scope, Action::DataPreview, RowsOf::Table(found.name.as_str()), json!({"rows": order.rows})).await?;
    Ok(Json(caller.api.control.preview_topic(&caller.viewer(&scope), found.name.as_str(), order).await?.into()))
}
