//! Lineage of tables and columns, and runs as OpenLineage events.

use crate::{
    caller::Caller,
    catalog_table::visible,
    extract::QueryString,
    page::{Listing, PageQuery},
    problem::Problem,
    search::FoundPlaceView,
};
use axum::{Json, extract::Path};
use millrace_domain::{Action, lineage::run_event, search::Sight};
use millrace_store::{Lineage, LineageColumn, LineageUse, RunRecord};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Who says so in OpenLineage events.
pub const PRODUCER: &str = concat!("urn:millrace:", env!("CARGO_PKG_VERSION"));
/// Jobs that a question goes through at most.
const DEPTH_MAX: u32 = 10;

/// What is around a table.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct LineageView {
    /// Tables, with the one that was asked for.
    tables: Vec<LineageTableView>,
    /// Versions of jobs between them.
    jobs: Vec<LineageJobView>,
    /// What which job does with which table.
    edges: Vec<LineageEdgeView>,
    /// Which columns come from which.
    columns: Vec<LineageColumnView>,
    /// There is more than what is shown.
    is_cut: bool,
}

/// A table of the lineage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub(crate) struct LineageTableView {
    /// Its id; for what is not in the catalog its name, marked by `external:`.
    id: String,
    name: String,
    /// Whether it is in the catalog.
    in_catalog: bool,
}

/// A version of a job.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LineageJobView {
    /// Id of the version.
    id: String,
    /// Number of the version.
    version: i64,
    /// The job and its project; null if the caller does not see the project.
    job: Option<FoundPlaceView>,
    project: Option<FoundPlaceView>,
    /// Whether it runs.
    is_active: bool,
}

/// One use of a table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineageEdgeView {
    table: String,
    /// Id of the job's version.
    job: String,
    /// `read`, `write`, `look_up` or `dead_letters`.
    usage: String,
}

/// A column that is made from another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineageColumnView {
    /// Id of the job's version that makes it.
    job: String,
    from: LineageEndView,
    to: LineageEndView,
}

/// A column of a table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineageEndView {
    table: String,
    column: String,
}

fn table_key(id: &str, name: &str) -> String {
    if id.is_empty() { format!("external:{name}") } else { id.to_owned() }
}

impl LineageView {
    /// What `sight` may know of it.
    pub(crate) fn of(found: Lineage, sight: &Sight) -> Self {
        let mut view = Self { is_cut: found.is_cut, ..Self::default() };
        for LineageUse { table, table_name, usage, job, project, version, is_active } in found.uses {
            let id = table_key(&table, &table_name);
            let shown = LineageTableView { id: id.clone(), name: table_name, in_catalog: !table.is_empty() };
            if !view.tables.iter().any(|t| t.id == id) {
                view.tables.push(shown);
            }
            if !view.jobs.iter().any(|j| j.id == version.0) {
                let sees = sight.sees_all || sight.seen.contains(&project.0);
                let (job, project) = if sees { (Some(FoundPlaceView::of(job)), Some(FoundPlaceView::of(project))) } else { (None, None) };
                view.jobs.push(LineageJobView { id: version.0.clone(), version: version.1, job, project, is_active });
            }
            view.edges.push(LineageEdgeView { table: id, job: version.0, usage: usage.to_string() });
        }
        let end = |(id, name, column): (String, String, String)| LineageEndView { table: table_key(&id, &name), column };
        let columns = found.columns.into_iter();
        view.columns =
            columns.map(|LineageColumn { version, to, from }| LineageColumnView { job: version, from: end(from), to: end(to) }).collect();
        view
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineageParameters {
    /// Id of a table, or `project.table`.
    table: String,
    /// Jobs to go through: 1 to 10, 1 unless given.
    depth: Option<u32>,
    /// `upstream`, `downstream` or `both`, which it is unless given.
    direction: Option<String>,
}

/// What a table is made from, and what is made from it: by the newest versions of jobs and those that run.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/lineage", tag = "catalog", params(LineageParameters), responses((status = 200, body = LineageView)))]
pub(crate) async fn get_lineage(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<LineageParameters>,
) -> Result<Json<LineageView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let query = query.parse()?;
    let (up, down) = match query.direction.as_deref() {
        None | Some("both") => (true, true),
        Some("upstream") => (true, false),
        Some("downstream") => (false, true),
        Some(_) => return Err(Problem::field("direction", "request.invalid", "expected upstream, downstream or both")),
    };
    let table = visible(&caller, &tenant, &query.table).await?;
    let depth = query.depth.unwrap_or(1).clamp(1, DEPTH_MAX);
    let found = caller.api.store.lineage(&tenant, &table.id, depth, up, down).await?;
    Ok(Json(LineageView::of(found, &Sight::of(&caller.principal, &tenant))))
}

/// An OpenLineage event: a `RunEvent` of the public specification 2-0-2.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RunEventView {
    /// `START`, `RUNNING`, `COMPLETE` or `FAIL`.
    event_type: String,
    /// RFC 3339.
    event_time: String,
    /// Id and facets of the run.
    #[schema(value_type = Object)]
    run: Value,
    /// Namespace, name and facets of the job.
    #[schema(value_type = Object)]
    job: Value,
    /// Tables that it reads, with schemas.
    #[schema(value_type = Vec<Object>)]
    inputs: Vec<Value>,
    /// Tables that it writes, with schemas and lineage of columns.
    #[schema(value_type = Vec<Object>)]
    outputs: Vec<Value>,
    producer: String,
    #[serde(rename = "schemaURL")]
    schema_url: String,
}

impl From<RunRecord> for RunEventView {
    fn from(record: RunRecord) -> Self {
        serde_json::from_value(run_event(&record.fact, &record.graph, &record.pins, PRODUCER)).unwrap_or_default()
    }
}

/// Runs of a project's jobs as OpenLineage events, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/lineage-events", tag = "catalog", params(PageQuery), responses((status = 200, body = Listing<RunEventView>)))]
pub(crate) async fn list_lineage_events(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<RunEventView>>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::InstanceView).await?;
    let page = query.parse()?.into();
    Ok(Listing::of(caller.api.store.run_records(&scope.tenant, Some(scope.project.as_str()), &page).await?))
}
