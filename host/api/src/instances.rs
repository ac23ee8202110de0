//! Instances: made from a version, started and stopped (RUN-1, RUN-4).

use crate::{
    allowed::allowed,
    caller::Caller,
    extract::{JsonBody, QueryString},
    page::Listing,
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, Allocation, InstanceAction, InstanceKind, InstanceState, ProjectScope, Scope};
use millrace_model::{
    graph::{JobGraph, JobMode, RestartPolicy},
    ids::{InstanceId, SavepointId},
};
use millrace_store::{Instance, InstanceFilter, InstanceRequest, NewInstance, PageRequest, StartFrom};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::{IntoParams, ToSchema};

/// An instance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InstanceView {
    id: String,
    job: String,
    version: String,
    /// `created`, `starting`, `running`, `restarting`, `stopping`, `stopped`, `failed`, `finished`.
    state: String,
    /// What can be asked of it now: `start`, `stop`, `savepoint`.
    allowed_actions: Vec<&'static str>,
    /// `test` or `production`.
    kind: String,
    /// The release that it came to production with.
    release: Option<String>,
    /// What it may use.
    #[schema(value_type = Option<Object>)]
    allocation: Option<Allocation>,
    /// Its restart policy instead of the job's.
    #[schema(value_type = Option<Object>)]
    restart: Option<RestartPolicy>,
    /// It starts by itself when this instance has ended.
    start_after: Option<String>,
    /// Where the current run starts from: `{"from": "fresh"}`, `{"from": "savepoint", "savepoint": id}`,
    /// `{"from": "latest", "instance": id}`, `{"from": "time", "timestamp_ms": 0}`.
    #[schema(value_type = Object)]
    start: StartFrom,
    parameters: BTreeMap<String, String>,
    /// How often it was started by a user.
    run: i64,
    worker: Option<String>,
    restart_count: i64,
    /// The last failure of this run.
    #[schema(value_type = Option<Object>)]
    last_failure: Option<Value>,
    created_by: String,
    created_at_ms: i64,
    updated_at_ms: i64,
    started_at_ms: Option<i64>,
    ended_at_ms: Option<i64>,
    /// The newest checkpoint that is known to be complete: its number and the run that took it.
    checkpoint: Option<CompleteCheckpointView>,
    /// What its worker sees right now; only for a single instance, and null when `worker` is not this server's.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    observation: Option<Value>,
}

/// A checkpoint that is complete.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompleteCheckpointView {
    run: i64,
    checkpoint: i64,
}

impl InstanceView {
    /// As the caller sees it: what its state and its release allow and their roles too.
    pub(crate) async fn seen(caller: &Caller, instance: Instance) -> Result<Self, Problem> {
        let off_line = caller.api.store.off_line(&instance.scope, std::slice::from_ref(&instance)).await?;
        Ok(Self::of(caller, instance, &off_line))
    }

    fn of(caller: &Caller, instance: Instance, off_line: &BTreeSet<InstanceId>) -> Self {
        let possible = instance.state.allowed_actions();
        let offer = |word, action, what: InstanceAction| (word, action, possible.contains(&what));
        let (word, action, can_start) = offer("start", Action::InstanceStart, InstanceAction::Start);
        let offers = [
            (word, action, can_start && !off_line.contains(&instance.id)),
            offer("stop", Action::InstanceStop, InstanceAction::Stop),
            offer("savepoint", Action::SavepointCreate, InstanceAction::Savepoint),
        ];
        Self {
            id: instance.id.to_string(),
            job: instance.job.to_string(),
            version: instance.version.to_string(),
            state: instance.state.to_string(),
            allowed_actions: allowed(caller, &Scope::Project(instance.scope.clone()), offers),
            kind: instance.kind.to_string(),
            release: instance.release,
            allocation: instance.allocation,
            restart: instance.restart,
            start_after: instance.start_after.map(|id| id.to_string()),
            start: instance.start,
            parameters: instance.parameters,
            run: instance.run,
            worker: instance.worker,
            restart_count: instance.restart_count,
            last_failure: instance.last_failure,
            created_by: instance.created_by,
            created_at_ms: instance.created_at_ms,
            updated_at_ms: instance.updated_at_ms,
            started_at_ms: instance.started_at_ms,
            ended_at_ms: instance.ended_at_ms,
            checkpoint: instance.complete.map(|c| CompleteCheckpointView { run: c.run, checkpoint: c.checkpoint }),
            observation: None,
        }
    }
}

/// An instance to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewInstanceBody {
    /// Name or id of the job.
    job: String,
    /// Number or id of the version; the newest unless given.
    version: Option<VersionName>,
    /// Where the first run starts from; fresh unless given.
    #[schema(value_type = Option<Object>)]
    start: Option<StartPoint>,
    /// Values for the job's parameters.
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    /// How it is restarted after failures; as the job says unless given.
    #[schema(value_type = Option<Object>)]
    restart: Option<RestartPolicy>,
}

/// Where a start takes its state from, as callers say it.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum StartPoint {
    /// Nowhere.
    Fresh,
    /// No state, sources at a time: a moment, or so long ago.
    Time {
        /// The moment, in milliseconds since the epoch.
        timestamp_ms: Option<i64>,
        /// How long ago, in milliseconds.
        ago_ms: Option<i64>,
    },
    /// A savepoint.
    Savepoint {
        /// Which.
        savepoint: SavepointId,
        /// Whether state that does not fit the version is left out and its operators begin without; refused otherwise.
        #[serde(default)]
        allow_partial: bool,
    },
    /// The latest state of an instance.
    Latest {
        /// Which.
        instance: InstanceId,
        /// Whether state that does not fit the version is left out and its operators begin without; refused otherwise.
        #[serde(default)]
        allow_partial: bool,
        /// Whether it begins without state if the instance has none; refused otherwise.
        #[serde(default)]
        or_fresh: bool,
    },
}

impl StartPoint {
    /// The start point with its time settled.
    ///
    /// # Errors
    /// Not exactly one way to say the time, or a time that is not there.
    pub(crate) fn settled(self, now_ms: i64) -> Result<StartFrom, Problem> {
        Ok(match self {
            Self::Fresh => StartFrom::Fresh,
            Self::Savepoint { savepoint, allow_partial } => StartFrom::Savepoint { savepoint, allow_partial },
            Self::Latest { instance, allow_partial, or_fresh } => StartFrom::Latest { instance, allow_partial, or_fresh, instead: None },
            Self::Time { timestamp_ms: Some(timestamp_ms), ago_ms: None } => StartFrom::Time { timestamp_ms },
            Self::Time { timestamp_ms: None, ago_ms: Some(ago_ms) } if ago_ms >= 0 => {
                StartFrom::Time { timestamp_ms: now_ms.saturating_sub(ago_ms) }
            }
            Self::Time { .. } => {
                let message = "needs either `timestamp_ms` (milliseconds since the epoch) or `ago_ms` (0 or more)";
                return Err(Problem::field("start", "request.invalid", message));
            }
        })
    }
}

/// A version by number or by id.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum VersionName {
    /// Its number.
    Number(i64),
    /// Its number or id as text.
    Text(String),
}

/// How to start.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartBody {
    /// Where the state comes from. Unless given: the first time as the instance was made, later its own latest state.
    #[schema(value_type = Option<Object>)]
    start: Option<StartPoint>,
    /// Values for the job's parameters from now on; those that it has unless given.
    parameters: Option<BTreeMap<String, String>>,
}

/// How to stop.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StopBody {
    /// Take a savepoint first.
    #[serde(default)]
    with_savepoint: bool,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstanceQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on the page.
    limit: Option<u32>,
    /// Only instances of this job, by name or id.
    job: Option<String>,
    /// `test` or `production`; both unless given.
    #[param(value_type = Option<String>)]
    kind: Option<InstanceKind>,
    /// Only instances in this state.
    #[param(value_type = Option<String>)]
    state: Option<InstanceState>,
}

/// The instance of this id, if the caller may do `action` with it.
pub(crate) async fn find(
    caller: &Caller,
    (tenant, project, instance): &(String, String, String),
    action: Action,
) -> Result<(ProjectScope, Instance), Problem> {
    let scope = caller.in_project(tenant, project, action).await?;
    let found = caller.api.store.instance(&scope, &InstanceId::new(instance.as_str())).await?;
    Ok((scope, found))
}

/// List the instances of a project.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/instances", tag = "instances", params(InstanceQuery), responses((status = 200, body = Listing<InstanceView>)))]
pub(crate) async fn list_instances(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<InstanceQuery>,
) -> Result<Json<Listing<InstanceView>>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::InstanceView).await?;
    let query = query.parse()?;
    let job = match &query.job {
        Some(job) => Some(caller.api.store.job(&scope, job).await?.id),
        None => None,
    };
    let page = PageRequest { cursor: query.cursor, limit: query.limit };
    let filter = InstanceFilter { job, kind: query.kind, state: query.state };
    let page = caller.api.store.instances(&scope, &filter, &page).await?;
    let off_line = caller.api.store.off_line(&scope, &page.items).await?;
    Ok(Json(Listing::with(page, |instance| InstanceView::of(&caller, instance, &off_line))))
}

/// Make an instance of a version; it does not start by itself.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/instances", tag = "instances", request_body = NewInstanceBody, responses((status = 201, body = InstanceView)))]
pub(crate) async fn create_instance(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    body: JsonBody<NewInstanceBody>,
) -> Result<(StatusCode, Json<InstanceView>), Problem> {
    let scope = caller.in_project(&tenant, &project, Action::InstanceCreate).await?;
    let new = body.parse()?;
    let store = &caller.api.store;
    let job = store.job(&scope, &new.job).await?;
    let version = match new.version {
        Some(VersionName::Number(number)) => store.job_version(&scope, &job.id, &number.to_string()).await?,
        Some(VersionName::Text(text)) => store.job_version(&scope, &job.id, &text).await?,
        None => {
            let newest = store.job_versions(&scope, &job.id, &PageRequest { cursor: None, limit: Some(1) }).await?.items.pop();
            newest.ok_or_else(|| {
                let detail = format!("job `{}` has no version; submit it first", job.name);
                Problem::new(StatusCode::CONFLICT, "job.not_submitted", detail)
            })?
        }
    };
    check_parameters(&version.graph, &new.parameters)?;
    let start = new.start.unwrap_or(StartPoint::Fresh).settled(store.now_ms())?;
    let (parameters, restart) = (new.parameters, new.restart);
    let new = NewInstance { job: job.id, version: version.id, start, parameters, restart, production: None };
    let made = store.create_instance(&caller.cause(), &scope, &new).await?;
    Ok((StatusCode::CREATED, Json(InstanceView::seen(&caller, made).await?)))
}

/// A value that is not of the parameter's type would only fail the start.
fn check_parameters(graph: &JobGraph, parameters: &BTreeMap<String, String>) -> Result<(), Problem> {
    millrace_control::check_parameters(graph, parameters).map_err(|message| Problem::field("parameters", "request.invalid", message))
}

/// Remove an instance that does not run, with its log. Savepoints are removed before; what a release names stays.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}", tag = "instances", responses((status = 204)))]
pub(crate) async fn delete_instance(caller: Caller, Path(path): Path<(String, String, String)>) -> Result<StatusCode, Problem> {
    let (scope, found) = find(&caller, &path, Action::InstanceCreate).await?;
    caller.api.store.delete_instance(&caller.cause(), &scope, &found.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Get an instance with what its worker sees right now.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}", tag = "instances", responses((status = 200, body = InstanceView)))]
pub(crate) async fn get_instance(caller: Caller, Path(path): Path<(String, String, String)>) -> Result<Json<InstanceView>, Problem> {
    let (_, found) = find(&caller, &path, Action::InstanceView).await?;
    let observation = caller.api.control.observe(&found.id);
    Ok(Json(InstanceView { observation, ..InstanceView::seen(&caller, found).await? }))
}

/// Start an instance. The answer comes at once; the state says how far it is.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/start", tag = "instances", request_body = Option<StartBody>, responses((status = 202, body = InstanceView)))]
pub(crate) async fn start_instance(
    caller: Caller,
    Path(path): Path<(String, String, String)>,
    body: JsonBody<StartBody>,
) -> Result<(StatusCode, Json<InstanceView>), Problem> {
    let (scope, found) = find(&caller, &path, Action::InstanceStart).await?;
    let StartBody { start, parameters } = body.parse_or_default()?;
    let from = start.map(|start| start.settled(caller.api.store.now_ms())).transpose()?;
    refuse_without_engine(&caller, &scope, &found).await?;
    if let Some(parameters) = &parameters {
        check_parameters(&caller.api.store.version(&scope, &found.version).await?.graph, parameters)?;
    }
    let request = InstanceRequest::Start { from, parameters };
    let changed = caller.api.store.request_instance(&caller.cause(), &scope, &found.id, &request).await?;
    caller.api.control.notify();
    Ok((StatusCode::ACCEPTED, Json(InstanceView::seen(&caller, changed).await?)))
}

/// A program in a JAR needs a cluster; none can be reached yet, and starting it would only fail later.
async fn refuse_without_engine(caller: &Caller, scope: &ProjectScope, instance: &Instance) -> Result<(), Problem> {
    let version = caller.api.store.version(scope, &instance.version).await?;
    let Some(jar) = version.graph.jar.as_ref().filter(|_| version.graph.mode() == JobMode::Jar) else { return Ok(()) };
    let detail = format!(
        "version {} is a program for {}, which runs on a cluster; this server has no such engine. Develop the job `online` to run it here",
        version.number,
        jar.engine.as_str(),
    );
    Err(Problem::new(StatusCode::CONFLICT, "engine.unavailable", detail))
}

/// How an instance is restarted after failures.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestartBody {
    /// `attempts_max`, `delay_ms`, `delay_max_ms`, `reset_after_ms`; null: as the job says.
    #[schema(value_type = Option<Object>)]
    restart: Option<RestartPolicy>,
}

/// Say how an instance is restarted after failures, from its next start on.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/restart-policy", tag = "instances", request_body = RestartBody, responses((status = 200, body = InstanceView)))]
pub(crate) async fn set_restart_policy(
    caller: Caller,
    Path(path): Path<(String, String, String)>,
    body: JsonBody<RestartBody>,
) -> Result<Json<InstanceView>, Problem> {
    let (scope, found) = find(&caller, &path, Action::InstanceStart).await?;
    let policy = body.parse()?.restart;
    if let Some(wrong) = policy.as_ref().filter(|p| p.delay_ms == 0 || p.delay_ms > p.delay_max_ms || p.delay_max_ms > 3_600_000) {
        let message = format!("waits {} to {} ms, expected 1 to 3600000 and the first wait not longer", wrong.delay_ms, wrong.delay_max_ms);
        return Err(Problem::field("restart", "request.invalid", message));
    }
    let changed = caller.api.store.set_restart_policy(&caller.cause(), &scope, &found.id, policy.as_ref()).await?;
    Ok(Json(InstanceView::seen(&caller, changed).await?))
}

/// Stop an instance. The answer comes at once; the state says how far it is.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/stop", tag = "instances", request_body = Option<StopBody>, responses((status = 202, body = InstanceView)))]
pub(crate) async fn stop_instance(
    caller: Caller,
    Path(path): Path<(String, String, String)>,
    body: JsonBody<StopBody>,
) -> Result<(StatusCode, Json<InstanceView>), Problem> {
    let (scope, found) = find(&caller, &path, Action::InstanceStop).await?;
    let request = InstanceRequest::Stop { with_savepoint: body.parse_or_default()?.with_savepoint };
    let changed = caller.api.store.request_instance(&caller.cause(), &scope, &found.id, &request).await?;
    caller.api.control.notify();
    Ok((StatusCode::ACCEPTED, Json(InstanceView::seen(&caller, changed).await?)))
}
