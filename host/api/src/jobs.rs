//! Jobs: definitions in a folder tree, their drafts and validation (JOB-1, DEV-1).

use crate::{
    allowed::allowed,
    caller::Caller,
    control_plane::ValidationReport,
    extract::{IfMatch, QueryString, Tagged},
    job_locks::{self, LockView},
    page::Listing,
    problem::Problem,
    yaml::DocumentBody,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, FolderPath, Name, Scope};
use millrace_model::graph::JobGraph;
use millrace_store::{Job, JobChange, JobFilter, NewJob, PageRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobView {
    id: String,
    name: String,
    folder: String,
    description: String,
    /// `online` (canvas or script) or `jar` (a program that a cluster runs).
    mode: String,
    /// The graph being edited: nodes, edges, parameters; or `sql`; or `jar`. Absent in lists, unless they are asked for with
    /// `full=true`.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    draft: Option<JobGraph>,
    /// Also the ETag.
    revision: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
    /// Who edits it now.
    lock: LockView,
    /// What the caller may do with it: `edit`, `submit`, `copy`, `delete`; `edit` is missing while somebody else edits.
    allowed_actions: Vec<&'static str>,
}

impl JobView {
    /// A job as `caller` sees it.
    pub(crate) fn of(caller: &Caller, job: Job) -> Self {
        let is_theirs = job.lock.as_ref().is_none_or(|lock| lock.holder.id == caller.principal.user);
        let offers = [
            ("edit", Action::JobEdit, is_theirs),
            ("submit", Action::JobSubmit, true),
            ("copy", Action::JobCreate, true),
            ("delete", Action::JobDelete, is_theirs),
        ];
        Self {
            lock: job_locks::shown(caller, &job.scope, job.lock.as_ref()),
            allowed_actions: allowed(caller, &Scope::Project(job.scope.clone()), offers),
            mode: job.draft.mode().as_str().to_owned(),
            id: job.id.to_string(),
            name: job.name.to_string(),
            folder: job.folder.as_str().to_owned(),
            description: job.description,
            draft: Some(job.draft),
            revision: job.revision,
            created_at_ms: job.created_at_ms,
            updated_at_ms: job.updated_at_ms,
        }
    }
}

/// A job to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewJobBody {
    #[schema(value_type = String)]
    name: Name,
    /// Names separated by `/`; the top unless given.
    #[serde(default)]
    #[schema(value_type = String)]
    folder: FolderPath,
    #[serde(default)]
    description: String,
    /// The first draft; an empty graph unless given.
    #[serde(default)]
    #[schema(value_type = Object)]
    draft: JobGraph,
}

/// A new draft with its surroundings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobBody {
    #[serde(default)]
    #[schema(value_type = String)]
    folder: FolderPath,
    #[serde(default)]
    description: String,
    #[schema(value_type = Object)]
    draft: JobGraph,
}

/// A graph to validate.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValidateBody {
    /// The job's draft unless given.
    #[schema(value_type = Option<Object>)]
    graph: Option<JobGraph>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on the page.
    limit: Option<u32>,
    /// Only jobs directly in this folder; empty for the top.
    #[param(value_type = Option<String>)]
    folder: Option<FolderPath>,
    /// Only jobs with this text in their name.
    name_contains: Option<String>,
    /// Also their drafts.
    #[serde(default)]
    full: bool,
}

/// List the jobs of a project. A page has at most 8 MiB of drafts, also where they are not shown: follow `next_cursor`.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs", tag = "jobs", params(JobQuery), responses((status = 200, body = Listing<JobView>)))]
pub(crate) async fn list_jobs(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<JobQuery>,
) -> Result<Json<Listing<JobView>>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobView).await?;
    let query = query.parse()?;
    let page = PageRequest { cursor: query.cursor, limit: query.limit };
    let filter = JobFilter { folder: query.folder, name_contains: query.name_contains };
    let found = caller.api.store.jobs(&scope, &filter, &page).await?;
    Ok(Json(Listing::with(found, |job| {
        let view = JobView::of(&caller, job);
        JobView { draft: view.draft.filter(|_| query.full), ..view }
    })))
}

/// Make a job.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs", tag = "jobs", request_body = NewJobBody, responses((status = 201, body = JobView)))]
pub(crate) async fn create_job(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    body: DocumentBody<NewJobBody>,
) -> Result<Tagged<JobView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobCreate).await?;
    let new = body.parse()?;
    let new = NewJob { name: new.name, folder: new.folder, description: new.description, draft: new.draft };
    let made = caller.api.store.create_job(&caller.cause(), &scope, &new).await?;
    Ok(Tagged(StatusCode::CREATED, made.revision, JobView::of(&caller, made)))
}

/// Get a job by name or id.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}", tag = "jobs", responses((status = 200, body = JobView)))]
pub(crate) async fn get_job(
    caller: Caller,
    Path((tenant, project, job)): Path<(String, String, String)>,
) -> Result<Tagged<JobView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobView).await?;
    let found = caller.api.store.job(&scope, &job).await?;
    Ok(Tagged(StatusCode::OK, found.revision, JobView::of(&caller, found)))
}

/// Replace the draft of a job. `If-Match` with the ETag that was read is needed, and nobody else may hold its edit lock.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}", tag = "jobs", request_body = JobBody, responses((status = 200, body = JobView)))]
pub(crate) async fn edit_job(
    caller: Caller,
    Path((tenant, project, job)): Path<(String, String, String)>,
    if_match: IfMatch,
    body: DocumentBody<JobBody>,
) -> Result<Tagged<JobView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobEdit).await?;
    let found = caller.api.store.job(&scope, &job).await?;
    let expected_revision = if_match.required()?;
    let new = body.parse()?;
    let change = JobChange { folder: new.folder, description: new.description, draft: new.draft, expected_revision };
    let changed = caller.api.store.change_job(&caller.cause(), &scope, &found.id, &change).await?;
    Ok(Tagged(StatusCode::OK, changed.revision, JobView::of(&caller, changed)))
}

/// Remove a job that has no active instance.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}", tag = "jobs", responses((status = 204)))]
pub(crate) async fn delete_job(
    caller: Caller,
    Path((tenant, project, job)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobDelete).await?;
    let found = caller.api.store.job(&scope, &job).await?;
    caller.api.store.delete_job(&caller.cause(), &scope, &found.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Find everything wrong with a graph, and the schema on every edge. A wrong graph is an answer, not an error.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}/validate", tag = "jobs", request_body = Option<ValidateBody>, responses((status = 200, body = ValidationReport)))]
pub(crate) async fn validate_job(
    caller: Caller,
    Path((tenant, project, job)): Path<(String, String, String)>,
    body: DocumentBody<ValidateBody>,
) -> Result<Json<ValidationReport>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobView).await?;
    let found = caller.api.store.job(&scope, &job).await?;
    let graph = body.parse_or_default()?.graph.unwrap_or(found.draft);
    Ok(Json(caller.api.control.validate(&caller.viewer(&scope), &graph).await?))
}
