//! Releases: a version's way from a healthy test instance to production (RUN-2 to RUN-4).

use crate::{
    caller::Caller,
    extract::{JsonBody, QueryString},
    instances::{InstanceView, StartPoint},
    page::Listing,
    problem::{FieldError, Problem},
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, Allocation, Environment, ProjectScope, ReleaseEvent, ReleaseState, Scope};
use millrace_model::{graph::RestartPolicy, ids::InstanceId};
use millrace_store::{GoLive, JobVersion, NewRelease, PageRequest, Release, ReleaseFilter, TableViewer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// A release.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReleaseView {
    id: String,
    job: String,
    job_name: String,
    version: String,
    version_number: i64,
    /// The test instance that showed the version healthy.
    test_instance: String,
    /// `requested`, `rejected`, `withdrawn`, `published`, `online`, `offline`, `replaced`.
    state: String,
    /// What the caller can do: `go_live`, `take_offline`; a request that waits is decided through its approval.
    allowed_actions: Vec<String>,
    /// Why it is to go to production.
    reason: String,
    /// The approval that decides it.
    approval: Option<String>,
    /// What the administrator said.
    opinion: Option<String>,
    decided_by: Option<String>,
    /// Its production instance.
    instance: Option<String>,
    /// What that may use.
    #[schema(value_type = Option<Object>)]
    allocation: Option<Allocation>,
    /// Values for the job's parameters that its production instance runs with, at every start.
    parameters: BTreeMap<String, String>,
    created_by: String,
    created_at_ms: i64,
    updated_at_ms: i64,
    /// Approved at.
    published_at_ms: Option<i64>,
    /// Last went live at.
    online_at_ms: Option<i64>,
    /// Only in the answer to a request for a release: what would keep it from going live now, all of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<FieldError>,
}

impl ReleaseView {
    fn of(caller: &Caller, release: Release) -> Self {
        let place = Scope::Project(release.scope.clone());
        let possible = release.state.possible().into_iter().filter(|event| caller.principal.allowed(event.action(), &place));
        Self {
            allowed_actions: possible.map(|event| event.to_string()).collect(),
            id: release.id,
            job: release.job.to_string(),
            job_name: release.job_name,
            version: release.version.to_string(),
            version_number: release.version_number,
            test_instance: release.test_instance.to_string(),
            state: release.state.to_string(),
            reason: release.reason,
            approval: release.approval,
            opinion: release.opinion,
            decided_by: release.decided_by,
            instance: release.instance.map(|id| id.to_string()),
            allocation: release.allocation,
            parameters: release.parameters,
            created_by: release.created_by_name,
            created_at_ms: release.created_at_ms,
            updated_at_ms: release.updated_at_ms,
            published_at_ms: release.published_at_ms,
            online_at_ms: release.online_at_ms,
            warnings: Vec::new(),
        }
    }
}

/// A version to publish to production.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReleaseBody {
    /// A healthy test instance of it: one that runs without failures, or has finished.
    test_instance: String,
    /// Why, for whoever decides.
    #[serde(default)]
    reason: String,
}

/// How a release goes live.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GoLiveBody {
    /// `slots` (subtasks of the widest operator), `memory_mib` and `fuel_per_second` of tenant code (the tenant's limits
    /// unless given), `priority` (`low`, `normal`, `high`).
    #[schema(value_type = Object)]
    allocation: Allocation,
    /// Where it starts from: fresh, a time, a savepoint or the latest state of an instance. Unless given: where the
    /// production instance before it ends, if its state is compatible.
    #[schema(value_type = Option<Object>)]
    start: Option<StartPoint>,
    /// Values for the job's parameters.
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    /// How it is restarted after failures; as the job says unless given.
    #[schema(value_type = Option<Object>)]
    restart: Option<RestartPolicy>,
    /// Start at once. Where it replaces a release whose instance runs, it starts by itself when that has ended.
    #[serde(default)]
    start_now: bool,
}

/// A release that went live.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WentLiveView {
    release: ReleaseView,
    instance: InstanceView,
}

/// How a release is taken off production.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfflineBody {
    /// Take a savepoint first; yes unless given.
    #[serde(default = "yes")]
    with_savepoint: bool,
}

fn yes() -> bool {
    true
}

impl Default for OfflineBody {
    fn default() -> Self {
        Self { with_savepoint: true }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on the page.
    limit: Option<u32>,
    /// Only of this job, by name or id.
    job: Option<String>,
    /// Only in this state: `published` is the list of what may go live.
    #[param(value_type = Option<String>)]
    state: Option<ReleaseState>,
}

/// List the releases of a project, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/releases", tag = "releases", params(ReleaseQuery), responses((status = 200, body = Listing<ReleaseView>)))]
pub(crate) async fn list_releases(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<ReleaseQuery>,
) -> Result<Json<Listing<ReleaseView>>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ReleaseView).await?;
    let query = query.parse()?;
    let job = match &query.job {
        Some(job) => Some(caller.api.store.job(&scope, job).await?.id),
        None => None,
    };
    let page = PageRequest { cursor: query.cursor, limit: query.limit };
    let found = caller.api.store.releases(&scope, &ReleaseFilter { job, state: query.state }, &page).await?;
    Ok(Json(Listing::with(found, |release| ReleaseView::of(&caller, release))))
}

/// Get a release.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/releases/{release}", tag = "releases", responses((status = 200, body = ReleaseView)))]
pub(crate) async fn get_release(
    caller: Caller,
    Path((tenant, project, release)): Path<(String, String, String)>,
) -> Result<Json<ReleaseView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ReleaseView).await?;
    let found = caller.api.store.release(&scope, &release).await?;
    Ok(Json(ReleaseView::of(&caller, found)))
}

/// Ask that the version of a healthy test instance may go to production; an administrator decides (see approvals).
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/releases", tag = "releases", request_body = NewReleaseBody, responses((status = 201, body = ReleaseView)))]
pub(crate) async fn request_release(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    body: JsonBody<NewReleaseBody>,
) -> Result<(StatusCode, Json<ReleaseView>), Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ReleaseRequest).await?;
    let NewReleaseBody { test_instance, reason } = body.parse()?;
    let new = NewRelease { test_instance: InstanceId::new(test_instance), reason };
    let made = caller.api.store.request_release(&caller.cause(), &scope, &new).await?;
    let version = caller.api.store.version(&scope, &made.version).await?;
    let warnings = obstacles(&caller, &scope, &version, &BTreeMap::new()).await.unwrap_or_else(|problem| {
        // The request is made; that nobody can say what will be in its way is no reason against it.
        tracing::warn!(release = made.id, internal = problem.internal, "a release could not be looked at: {}", problem.detail);
        Vec::new()
    });
    Ok((StatusCode::CREATED, Json(ReleaseView { warnings, ..ReleaseView::of(&caller, made) })))
}

/// What keeps a version from running in production for the caller: first what the metadata tells (permissions, tables that
/// are not published there, data sources that are not bound), then what the planner finds.
async fn obstacles(
    caller: &Caller,
    scope: &ProjectScope,
    version: &JobVersion,
    parameters: &BTreeMap<String, String>,
) -> Result<Vec<FieldError>, Problem> {
    let viewer = TableViewer { environment: Environment::Production, ..caller.viewer(scope) };
    let found = caller.api.store.production_obstacles(&viewer, version).await?;
    if found.is_empty() {
        return Ok(caller.api.control.examine_version(&viewer, version, parameters).await?);
    }
    Ok(found.into_iter().map(|obstacle| FieldError::in_field(&obstacle.table, obstacle.code, obstacle.message)).collect())
}

/// Refuses to stop what runs for a version that could not start.
fn refuse_obstacles(version: &JobVersion, job: &str, errors: Vec<FieldError>) -> Result<(), Problem> {
    if errors.is_empty() {
        return Ok(());
    }
    let is_permission = errors.iter().all(|error| error.code.starts_with("permission."));
    let (status, code) = match is_permission {
        true => (StatusCode::FORBIDDEN, "permission.missing"),
        false => (StatusCode::CONFLICT, "release.cannot_start"),
    };
    let reasons: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    let detail = format!(
        "version {} of job `{job}` cannot run in production, so nothing was stopped for it: {}",
        version.number,
        reasons.join("; ")
    );
    Err(Problem { errors, ..Problem::new(status, code, detail) })
}

/// Give an approved release its resources and its production instance. The job's release that is online before is replaced:
/// its instance stops with a savepoint, and the new one goes on from there. Nothing stops for a version that could not start
/// for the caller: all reasons come back at once, as 403 where permissions are missing, else as 409.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/releases/{release}/go-live", tag = "releases", request_body = GoLiveBody, responses((status = 201, body = WentLiveView)))]
pub(crate) async fn go_live(
    caller: Caller,
    Path((tenant, project, release)): Path<(String, String, String)>,
    body: JsonBody<GoLiveBody>,
) -> Result<(StatusCode, Json<WentLiveView>), Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ReleaseGoLive).await?;
    let body = body.parse()?;
    let store = &caller.api.store;
    let start = body.start.map(|start| start.settled(store.now_ms())).transpose()?;
    let GoLiveBody { allocation, parameters, restart, start_now, .. } = body;
    let found = store.release(&scope, &release).await?;
    // Whether the release may go live at all is the store's to say.
    if found.state.possible().contains(&ReleaseEvent::GoLive) {
        let version = store.version(&scope, &found.version).await?;
        refuse_obstacles(&version, &found.job_name, obstacles(&caller, &scope, &version, &parameters).await?)?;
    }
    let how = GoLive { allocation, start, parameters, restart, start_now };
    let (release, instance) = store.go_live(&caller.cause(), &scope, &release, &how).await?;
    caller.api.control.notify();
    let release = ReleaseView::of(&caller, release);
    let instance = InstanceView::seen(&caller, instance).await?;
    Ok((StatusCode::CREATED, Json(WentLiveView { release, instance })))
}

/// Take a release off production: its instance stops and cannot be started again; the release can go live again.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/releases/{release}/take-offline", tag = "releases", request_body = Option<OfflineBody>, responses((status = 200, body = ReleaseView)))]
pub(crate) async fn take_offline(
    caller: Caller,
    Path((tenant, project, release)): Path<(String, String, String)>,
    body: JsonBody<OfflineBody>,
) -> Result<Json<ReleaseView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ReleaseTakeOffline).await?;
    let with_savepoint = body.parse_or_default()?.with_savepoint;
    let off = caller.api.store.take_offline(&caller.cause(), &scope, &release, with_savepoint).await?;
    caller.api.control.notify();
    Ok(Json(ReleaseView::of(&caller, off)))
}
