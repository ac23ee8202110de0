//! Lineage of tables and columns, and runs as OpenLineage events.
//!
//! Invariant: a table of which the caller may not know is a nameless place: neither its id nor its name nor its columns are told,
//! and nothing behind it is looked for.

use crate::{
    caller::Caller,
    catalog_table::visible,
    extract::QueryString,
    page::{Listing, PageQuery},
    problem::Problem,
    search::FoundPlaceView,
};
use axum::{Json, extract::Path};
use millrace_domain::{Action, ProjectScope, Scope, lineage::run_event, search::Sight};
use millrace_model::ids::{ProjectId, TenantId};
use millrace_store::{Lineage, LineageColumn, LineageUse, RunRecord};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
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
    /// Its id; for what is not in the catalog its name, marked by `external:`; for one of which the caller may not know a number,
    /// marked by `hidden:`, which is of this answer alone.
    id: String,
    /// Empty for one of which the caller may not know.
    name: String,
    /// Whether it is in the catalog.
    in_catalog: bool,
    /// Whether the caller may not know of it.
    is_hidden: bool,
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

/// Whether the caller sees the tables of a project of the tenant, also those that are only designed.
fn sees<'a>(caller: &'a Caller, tenant: &'a TenantId) -> impl Fn(&str) -> bool + Sync + use<'a> {
    move |project: &str| {
        let scope = ProjectScope { tenant: tenant.clone(), project: ProjectId::new(project) };
        caller.principal.allowed(Action::TopicView, &Scope::Project(scope))
    }
}

impl LineageView {
    /// What is around `table`, which the caller may know of.
    pub(crate) async fn around(
        caller: &Caller,
        tenant: &TenantId,
        table: &str,
        depth: u32,
        directions: (bool, bool),
    ) -> Result<Self, Problem> {
        let sees = sees(caller, tenant);
        let found = caller.api.store.lineage(tenant, table, depth, directions, &sees).await?;
        Ok(Self::of(found, &Sight::of(&caller.principal, tenant), &|used| used.table == table || used.is_known(&sees)))
    }

    /// What `sight` may know of it, and of tables whose uses `is_known` says so of.
    fn of(found: Lineage, sight: &Sight, is_known: &dyn Fn(&LineageUse) -> bool) -> Self {
        let mut view = Self { is_cut: found.is_cut, ..Self::default() };
        let mut hidden: Vec<String> = Vec::new();
        // Ends of columns, by the version that names them.
        let mut known: BTreeSet<(String, String)> = BTreeSet::new();
        for used in found.uses {
            let is_known = is_known(&used);
            let LineageUse { table, table_name, usage, job, project, version, is_active, .. } = used;
            let key = table_key(&table, &table_name);
            let id = if is_known {
                known.insert((version.0.clone(), key.clone()));
                key
            } else {
                let number = hidden.iter().position(|earlier| *earlier == key).unwrap_or(hidden.len());
                if number == hidden.len() {
                    hidden.push(key);
                }
                format!("hidden:{}", number + 1)
            };
            if !view.tables.iter().any(|t| t.id == id) {
                let name = if is_known { table_name } else { String::new() };
                view.tables.push(LineageTableView { id: id.clone(), name, in_catalog: !table.is_empty(), is_hidden: !is_known });
            }
            if !view.jobs.iter().any(|j| j.id == version.0) {
                let sees = sight.sees_all || sight.seen.contains(&project.0);
                let (job, project) = if sees { (Some(FoundPlaceView::of(job)), Some(FoundPlaceView::of(project))) } else { (None, None) };
                view.jobs.push(LineageJobView { id: version.0.clone(), version: version.1, job, project, is_active });
            }
            view.edges.push(LineageEdgeView { table: id, job: version.0, usage: usage.to_string() });
        }
        for LineageColumn { version, to, from } in found.columns {
            let end = |(id, name, column): (String, String, String)| LineageEndView { table: table_key(&id, &name), column };
            let (from, to) = (end(from), end(to));
            if [&from, &to].into_iter().all(|end| known.contains(&(version.clone(), end.table.clone()))) {
                view.columns.push(LineageColumnView { job: version, from, to });
            }
        }
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
    Ok(Json(LineageView::around(&caller, &tenant, &table.id, depth, (up, down)).await?))
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
