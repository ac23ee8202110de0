//! Submitted versions of jobs (DEV-1, DEV-4).

use crate::{
    caller::Caller,
    extract::{IfMatch, JsonBody, QueryString},
    page::{Listing, PageQuery},
    problem::Problem,
    temp_tables,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::Action;
use millrace_model::graph::JobGraph;
use millrace_store::{JobVersion, NewJobVersion, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobVersionView {
    id: String,
    job: String,
    /// Counts from 1.
    number: i64,
    #[schema(value_type = Object)]
    graph: JobGraph,
    /// What the graph refers to, by content.
    #[schema(value_type = Object)]
    pins: Value,
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
            graph: version.graph,
            pins: version.pins,
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

/// List the versions of a job, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}/versions", tag = "jobs", params(PageQuery), responses((status = 200, body = Listing<JobVersionView>)))]
pub(crate) async fn list_job_versions(
    caller: Caller,
    Path((tenant, project, job)): Path<(String, String, String)>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<JobVersionView>>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobView).await?;
    let found = caller.api.store.job(&scope, &job).await?;
    Ok(Listing::of(caller.api.store.job_versions(&scope, &found.id, &query.parse()?.into()).await?))
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
