//! Instances: made from a version, started and stopped (RUN-1, RUN-4).

use crate::{
    caller::Caller,
    extract::{JsonBody, QueryString},
    page::Listing,
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, ProjectScope};
use millrace_model::ids::InstanceId;
use millrace_store::{Instance, InstanceRequest, NewInstance, PageRequest, StartFrom};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
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
    allowed_actions: Vec<String>,
    /// Where the current run starts from: `{"from": "fresh"}`, `{"from": "savepoint", "savepoint": id}`,
    /// `{"from": "latest", "instance": id}`.
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
    /// What its worker sees right now; only for a single instance, and null when it does not run here.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    observation: Option<Value>,
}

impl From<Instance> for InstanceView {
    fn from(instance: Instance) -> Self {
        Self {
            id: instance.id.to_string(),
            job: instance.job.to_string(),
            version: instance.version.to_string(),
            state: instance.state.to_string(),
            allowed_actions: instance.state.allowed_actions().iter().map(ToString::to_string).collect(),
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
    start: Option<StartFrom>,
    /// Values for the job's parameters.
    #[serde(default)]
    parameters: BTreeMap<String, String>,
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
    start: Option<StartFrom>,
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
    Ok(Listing::of(caller.api.store.instances(&scope, job.as_ref(), &page).await?))
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
    let start = new.start.unwrap_or(StartFrom::Fresh);
    let new = NewInstance { job: job.id, version: version.id, start, parameters: new.parameters };
    let made = store.create_instance(&caller.cause(), &scope, &new).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Get an instance with what its worker sees right now.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}", tag = "instances", responses((status = 200, body = InstanceView)))]
pub(crate) async fn get_instance(caller: Caller, Path(path): Path<(String, String, String)>) -> Result<Json<InstanceView>, Problem> {
    let (_, found) = find(&caller, &path, Action::InstanceView).await?;
    let observation = caller.api.control.observe(&found.id);
    Ok(Json(InstanceView { observation, ..found.into() }))
}

/// Start an instance. The answer comes at once; the state says how far it is.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/start", tag = "instances", request_body = Option<StartBody>, responses((status = 202, body = InstanceView)))]
pub(crate) async fn start_instance(
    caller: Caller,
    Path(path): Path<(String, String, String)>,
    body: JsonBody<StartBody>,
) -> Result<(StatusCode, Json<InstanceView>), Problem> {
    let (scope, found) = find(&caller, &path, Action::InstanceStart).await?;
    let request = InstanceRequest::Start { from: body.parse_or_default()?.start };
    let changed = caller.api.store.request_instance(&caller.cause(), &scope, &found.id, &request).await?;
    caller.api.control.notify();
    Ok((StatusCode::ACCEPTED, Json(changed.into())))
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
    Ok((StatusCode::ACCEPTED, Json(changed.into())))
}
