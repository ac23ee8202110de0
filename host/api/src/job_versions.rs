//! Submitted versions of jobs (DEV-1, DEV-4).

use crate::{
    caller::Caller,
    extract::{IfMatch, JsonBody, QueryString},
    page::Listing,
    problem::Problem,
    temp_tables,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::Action;
use millrace_model::graph::JobGraph;
use millrace_store::{JobVersion, NewJobVersion, PageRequest, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobVersionView {
    id: String,
    job: String,
    /// Counts from 1.
    number: i64,
    /// Absent in lists, unless they are asked for with `full=true`.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    graph: Option<JobGraph>,
    /// What the graph refers to, by content. Absent as it is.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pins: Option<Value>,
    content_hash: String,
    description: String,
    created_by: String,
    created_at_ms: i64,
}

impl From<JobVersion> for JobVersionView {
    fn from(version: JobVersion) -> Self {
        Self {
            id: version.id.to_string(),
            job: version.job.to_string(),
            number: version.number,
            graph: Some(version.graph),
            pins: Some(version.pins),
            content_hash: version.content_hash,
            description: version.description,
            created_by: version.created_by,
            created_at_ms: version.created_at_ms,
        }
    }
}

/// What to say about a version.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubmitBody {
    /// What changed.
    #[serde(default)]
    description: String,
}

/// Make an immutable version of the draft, with everything it refers to pinned by content. If nothing differs from the
/// newest version, that one is the answer. With `If-Match` only the draft that was read is submitted.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}/versions", tag = "jobs", request_body = Option<SubmitBody>, responses((status = 201, body = JobVersionView)))]
pub(crate) async fn submit_job(
    caller: Caller,
    Path((tenant, project, job)): Path<(String, String, String)>,
    if_match: IfMatch,
    body: JsonBody<SubmitBody>,
) -> Result<(StatusCode, Json<JobVersionView>), Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobSubmit).await?;
    let found = caller.api.store.job(&scope, &job).await?;
    if let Some(expected) = if_match.revision()?.filter(|revision| *revision != found.revision) {
        return Err(StoreError::RevisionConflict { what: "job", name: found.name.to_string(), expected, found: found.revision }.into());
    }
    let description = body.parse_or_default()?.description;
    temp_tables::make_written(&caller, &scope, &found.draft).await?;
    let pinned = caller.api.control.pin(&caller.viewer(&scope), &found.draft).await?;
    let new = NewJobVersion { graph: pinned.graph, pins: pinned.pins, content_hash: pinned.content_hash, description };
    let made = caller.api.store.add_job_version(&caller.cause(), &scope, &found.id, &new).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Which versions to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct VersionQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on the page.
    limit: Option<u32>,
    /// Also their graphs and pins.
    #[serde(default)]
    full: bool,
}

/// List the versions of a job, newest first. A page has at most 8 MiB of graphs, also where they are not shown: follow
/// `next_cursor`.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}/versions", tag = "jobs", params(VersionQuery), responses((status = 200, body = Listing<JobVersionView>)))]
pub(crate) async fn list_job_versions(
    caller: Caller,
    Path((tenant, project, job)): Path<(String, String, String)>,
    query: QueryString<VersionQuery>,
) -> Result<Json<Listing<JobVersionView>>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobView).await?;
    let found = caller.api.store.job(&scope, &job).await?;
    let VersionQuery { cursor, limit, full } = query.parse()?;
    let page = caller.api.store.job_versions(&scope, &found.id, &PageRequest { cursor, limit }).await?;
    Ok(Json(Listing::with(page, |version| {
        let view = JobVersionView::from(version);
        JobVersionView { graph: view.graph.filter(|_| full), pins: view.pins.filter(|_| full), ..view }
    })))
}

/// Get a version by number or id.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}/versions/{version}", tag = "jobs", responses((status = 200, body = JobVersionView)))]
pub(crate) async fn get_job_version(
    caller: Caller,
    Path((tenant, project, job, version)): Path<(String, String, String, String)>,
) -> Result<Json<JobVersionView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobView).await?;
    let found = caller.api.store.job(&scope, &job).await?;
    Ok(Json(caller.api.store.job_version(&scope, &found.id, &version).await?.into()))
}
