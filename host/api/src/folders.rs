//! The folder tree of a project's jobs, and moving and copying jobs (JOB-1).

use crate::{
    caller::Caller,
    extract::{IfMatch, JsonBody, QueryString, Tagged},
    jobs::JobView,
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, FolderPath, Name};
use millrace_store::{Folder, JobMove, NewJob};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A folder.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FolderView {
    /// Names separated by `/`; empty for the top.
    path: String,
    /// Jobs directly in it.
    jobs: i64,
    /// Jobs in it and below.
    jobs_below: i64,
}

/// The tree in the order of paths, the top first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FoldersView {
    items: Vec<FolderView>,
}

impl From<Vec<Folder>> for FoldersView {
    fn from(folders: Vec<Folder>) -> Self {
        let view = |f: Folder| FolderView { path: f.path, jobs: f.jobs, jobs_below: f.jobs_below };
        Self { items: folders.into_iter().map(view).collect() }
    }
}

/// A folder to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FolderBody {
    /// Names separated by `/`.
    #[schema(value_type = String)]
    path: FolderPath,
}

/// Where a folder goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FolderMoveBody {
    /// The folder.
    #[schema(value_type = String)]
    from: FolderPath,
    /// Its new path; empty: what lies in it goes to the top.
    #[schema(value_type = String)]
    to: FolderPath,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FolderQuery {
    /// The folder.
    #[param(value_type = String)]
    path: FolderPath,
}

/// A new name or place of a job.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobMoveBody {
    /// Its new name; stays unless given.
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
    /// Its new folder; stays unless given.
    #[schema(value_type = Option<String>)]
    folder: Option<FolderPath>,
}

/// A copy of a job.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobCopyBody {
    /// Name of the copy.
    #[schema(value_type = String)]
    name: Name,
    /// Its folder; that of the job unless given.
    #[schema(value_type = Option<String>)]
    folder: Option<FolderPath>,
}

/// List the folders of a project's jobs, with how many jobs lie in them.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/folders", tag = "jobs", responses((status = 200, body = FoldersView)))]
pub(crate) async fn list_folders(caller: Caller, Path((tenant, project)): Path<(String, String)>) -> Result<Json<FoldersView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobView).await?;
    Ok(Json(caller.api.store.folders(&scope).await?.into()))
}

/// Make an empty folder; folders with jobs in them need not be made.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/folders", tag = "jobs", request_body = FolderBody, responses((status = 201, body = FoldersView)))]
pub(crate) async fn create_folder(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    body: JsonBody<FolderBody>,
) -> Result<(StatusCode, Json<FoldersView>), Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobCreate).await?;
    let path = body.parse()?.path;
    if path.as_str().is_empty() {
        return Err(Problem::field("path", "request.invalid", "is empty, which is the top and always there; expected a path"));
    }
    caller.api.store.create_folder(&caller.cause(), &scope, &path).await?;
    Ok((StatusCode::CREATED, Json(caller.api.store.folders(&scope).await?.into())))
}

/// Rename or move a folder with everything below it. Jobs that somebody else edits are in the way.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/folders/move", tag = "jobs", request_body = FolderMoveBody, responses((status = 200, body = FoldersView)))]
pub(crate) async fn move_folder(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    body: JsonBody<FolderMoveBody>,
) -> Result<Json<FoldersView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobEdit).await?;
    let FolderMoveBody { from, to } = body.parse()?;
    caller.api.store.move_folder(&caller.cause(), &scope, &from, &to).await?;
    Ok(Json(caller.api.store.folders(&scope).await?.into()))
}

/// Remove a folder that has no jobs in or below it.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/folders", tag = "jobs", params(FolderQuery), responses((status = 204)))]
pub(crate) async fn delete_folder(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<FolderQuery>,
) -> Result<StatusCode, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobDelete).await?;
    caller.api.store.delete_folder(&caller.cause(), &scope, &query.parse()?.path).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a job another name or folder. With `If-Match` only if it is as it was read.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}/move", tag = "jobs", request_body = JobMoveBody, responses((status = 200, body = JobView)))]
pub(crate) async fn move_job(
    caller: Caller,
    Path((tenant, project, job)): Path<(String, String, String)>,
    if_match: IfMatch,
    body: JsonBody<JobMoveBody>,
) -> Result<Tagged<JobView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobEdit).await?;
    let found = caller.api.store.job(&scope, &job).await?;
    let expected_revision = if_match.revision()?;
    let JobMoveBody { name, folder } = body.parse()?;
    let moved = caller.api.store.move_job(&caller.cause(), &scope, &found.id, &JobMove { name, folder, expected_revision }).await?;
    Ok(Tagged(StatusCode::OK, moved.revision, JobView::of(&caller, moved)))
}

/// Make a new job with this job's draft; versions stay with the job.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}/copy", tag = "jobs", request_body = JobCopyBody, responses((status = 201, body = JobView)))]
pub(crate) async fn copy_job(
    caller: Caller,
    Path((tenant, project, job)): Path<(String, String, String)>,
    body: JsonBody<JobCopyBody>,
) -> Result<Tagged<JobView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobCreate).await?;
    let found = caller.api.store.job(&scope, &job).await?;
    let JobCopyBody { name, folder } = body.parse()?;
    let new = NewJob { name, folder: folder.unwrap_or(found.folder), description: found.description, draft: found.draft };
    let made = caller.api.store.create_job(&caller.cause(), &scope, &new).await?;
    Ok(Tagged(StatusCode::CREATED, made.revision, JobView::of(&caller, made)))
}
