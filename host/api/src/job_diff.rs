//! Any two versions of a job compared, or a version with the draft (DEV-3).

use crate::{caller::Caller, extract::QueryString, problem::Problem};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{
    Action, ProjectScope,
    graph_diff::{DiffSide, diff},
};
use millrace_model::graph::JobGraph;
use millrace_store::{Job, JobVersion, PageRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// What stands for the draft.
const DRAFT: &str = "draft";

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiffQuery {
    /// Number or id of the earlier version, or `draft`; the newest version unless given.
    from: Option<String>,
    /// Number or id of the later version, or `draft`, which it is unless given.
    to: Option<String>,
}

/// One side of a comparison.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiffSideView {
    /// The number of the version; null for the draft.
    version: Option<i64>,
    /// For the canvas.
    #[schema(value_type = Object)]
    graph: JobGraph,
    created_by: Option<String>,
    created_at_ms: i64,
}

/// The difference of two graphs of a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiffView {
    from: DiffSideView,
    to: DiffSideView,
    /// `is_same`; `nodes` and `edges` that were `added`, `removed` or `changed`; `fields` by JSON pointer with `before` and
    /// `after` or, for texts, `hunks` of lines; `parameters`, `dimension_tables`, `sql`, `jar`, `pins`. Places on the canvas
    /// are no difference.
    #[schema(value_type = Object)]
    diff: Value,
}

struct Side {
    view: DiffSideView,
    pins: Option<Value>,
}

impl Side {
    fn draft(job: &Job) -> Self {
        let view = DiffSideView { version: None, graph: job.draft.clone(), created_by: None, created_at_ms: job.updated_at_ms };
        Self { view, pins: None }
    }

    fn version(version: JobVersion) -> Self {
        let (created_by, created_at_ms) = (Some(version.created_by), version.created_at_ms);
        let view = DiffSideView { version: Some(version.number), graph: version.graph, created_by, created_at_ms };
        Self { view, pins: Some(version.pins) }
    }

    fn compared(&self) -> DiffSide<'_> {
        DiffSide { graph: &self.view.graph, pins: self.pins.as_ref() }
    }
}

async fn side(caller: &Caller, scope: &ProjectScope, job: &Job, which: &str) -> Result<Side, Problem> {
    if which == DRAFT {
        return Ok(Side::draft(job));
    }
    Ok(Side::version(caller.api.store.job_version(scope, &job.id, which).await?))
}

/// Compare two versions of a job, or a version with the draft.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}/diff", tag = "jobs", params(DiffQuery), responses((status = 200, body = DiffView)))]
pub(crate) async fn diff_job(
    caller: Caller,
    Path((tenant, project, job)): Path<(String, String, String)>,
    query: QueryString<DiffQuery>,
) -> Result<Json<DiffView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobView).await?;
    let job = caller.api.store.job(&scope, &job).await?;
    let query = query.parse()?;
    let from = match query.from.as_deref() {
        Some(which) => side(&caller, &scope, &job, which).await?,
        None => {
            let newest = caller.api.store.job_versions(&scope, &job.id, &PageRequest { cursor: None, limit: Some(1) }).await?.items.pop();
            let missing = || {
                let detail = format!("job `{}` has no version to compare with; submit it first", job.name);
                Problem::new(StatusCode::CONFLICT, "job.not_submitted", detail)
            };
            Side::version(newest.ok_or_else(missing)?)
        }
    };
    let to = side(&caller, &scope, &job, query.to.as_deref().unwrap_or(DRAFT)).await?;
    let found = diff(from.compared(), to.compared());
    let diff = serde_json::to_value(found).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(Json(DiffView { from: from.view, to: to.view, diff }))
}
