//! Savepoints of an instance (RUN-1, RUN-4).

use crate::{
    allowed::allowed,
    caller::{Caller, to_the_end},
    extract::QueryString,
    instances::find,
    page::{Listing, PageQuery},
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, InstanceAction, Scope};
use millrace_model::ids::SavepointId;
use millrace_store::{PageRequest, Savepoint, SavepointState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A savepoint.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SavepointView {
    id: String,
    job: String,
    instance: String,
    /// `pending`, `completed`, `failed`.
    state: String,
    /// Where it lies in the checkpoint store.
    location: Option<String>,
    size_bytes: Option<i64>,
    /// Why it could not be taken.
    failure: Option<String>,
    created_by: String,
    created_at_ms: i64,
    ended_at_ms: Option<i64>,
    /// What the caller can do: `start` an instance from it, `delete`.
    allowed_actions: Vec<&'static str>,
}

impl SavepointView {
    fn of(caller: &Caller, savepoint: Savepoint) -> Self {
        let offers = [
            ("start", Action::InstanceStart, savepoint.state == SavepointState::Completed),
            ("delete", Action::SavepointDelete, savepoint.state != SavepointState::Pending),
        ];
        Self {
            allowed_actions: allowed(caller, &Scope::Project(savepoint.scope.clone()), offers),
            id: savepoint.id.to_string(),
            job: savepoint.job.to_string(),
            instance: savepoint.instance.to_string(),
            state: savepoint.state.as_str().to_owned(),
            location: savepoint.location,
            size_bytes: savepoint.size_bytes,
            failure: savepoint.failure,
            created_by: savepoint.created_by,
            created_at_ms: savepoint.created_at_ms,
            ended_at_ms: savepoint.ended_at_ms,
        }
    }
}

/// List the savepoints of an instance, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/savepoints", tag = "instances", params(PageQuery), responses((status = 200, body = Listing<SavepointView>)))]
pub(crate) async fn list_savepoints(
    caller: Caller,
    Path(path): Path<(String, String, String)>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<SavepointView>>, Problem> {
    let (scope, found) = find(&caller, &path, Action::InstanceView).await?;
    let page = caller.api.store.savepoints(&scope, &found.id, &query.parse()?.into()).await?;
    Ok(Json(Listing::with(page, |savepoint| SavepointView::of(&caller, savepoint))))
}

/// Take a savepoint of a running instance; answers when it is durable.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/savepoints", tag = "instances", responses((status = 201, body = SavepointView)))]
pub(crate) async fn create_savepoint(
    caller: Caller,
    Path(path): Path<(String, String, String)>,
) -> Result<(StatusCode, Json<SavepointView>), Problem> {
    let (scope, found) = find(&caller, &path, Action::SavepointCreate).await?;
    if !found.state.allowed_actions().contains(&InstanceAction::Savepoint) {
        let detail = format!("a savepoint is not possible while the instance is {}", found.state);
        return Err(Problem::new(StatusCode::CONFLICT, "instance.state", detail));
    }
    let work = async move {
        let id = caller.api.control.create_savepoint(&scope.tenant, &found.id, &caller.cause()).await?;
        let taken = caller.api.store.savepoint(&scope, &id).await?;
        Ok((StatusCode::CREATED, Json(SavepointView::of(&caller, taken))))
    };
    to_the_end(work).await?
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompatibilityQuery {
    /// Number or id of the version of the job that is to start; the newest unless given.
    version: Option<String>,
}

/// Whether a version can go on from a savepoint.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompatibilityView {
    /// The version whose state the savepoint holds.
    from_version: i64,
    /// The version that is to start.
    to_version: i64,
    /// `compatible`, `partly` (some operators begin without state), `incompatible` (the engine would refuse it).
    verdict: String,
    /// Every operator: `node`, `kind`, `verdict`, `reason`.
    #[schema(value_type = Vec<Object>)]
    operators: Value,
}

/// Whether a version of the job can start from this savepoint, operator by operator.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/savepoints/{savepoint}/compatibility", tag = "instances", params(CompatibilityQuery), responses((status = 200, body = CompatibilityView)))]
pub(crate) async fn savepoint_compatibility(
    caller: Caller,
    Path((tenant, project, instance, savepoint)): Path<(String, String, String, String)>,
    query: QueryString<CompatibilityQuery>,
) -> Result<Json<CompatibilityView>, Problem> {
    let (scope, found) = find(&caller, &(tenant, project, instance), Action::InstanceView).await?;
    let store = &caller.api.store;
    let taken = store.savepoint(&scope, &SavepointId::new(savepoint)).await?;
    if taken.instance != found.id {
        return Err(Problem::not_found("savepoint", taken.id.as_str()));
    }
    let from = store.version(&scope, &found.version).await?;
    let to = match query.parse()?.version {
        Some(version) => store.job_version(&scope, &found.job, &version).await?,
        None => {
            let newest = store.job_versions(&scope, &found.job, &PageRequest { cursor: None, limit: Some(1) }).await?.items.pop();
            newest.unwrap_or_else(|| from.clone())
        }
    };
    let verdict = store.state_verdict(&scope, &from.id, &to.id).await?;
    Ok(Json(CompatibilityView {
        from_version: from.number,
        to_version: to.number,
        verdict: verdict.verdict.to_string(),
        operators: serde_json::to_value(verdict.operators).map_err(|error| Problem::internal(error.to_string()))?,
    }))
}

/// Remove a savepoint with its state. Not while an instance starts from it.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/savepoints/{savepoint}", tag = "instances", responses((status = 204)))]
pub(crate) async fn delete_savepoint(
    caller: Caller,
    Path((tenant, project, instance, savepoint)): Path<(String, String, String, String)>,
) -> Result<StatusCode, Problem> {
    let (scope, found) = find(&caller, &(tenant, project, instance), Action::SavepointDelete).await?;
    let taken = caller.api.store.savepoint(&scope, &SavepointId::new(savepoint)).await?;
    if taken.instance != found.id {
        return Err(Problem::not_found("savepoint", taken.id.as_str()));
    }
    let work = async move {
        let removed = caller.api.store.delete_savepoint(&caller.cause(), &scope, &taken.id).await?;
        if let Some(location) = removed.location {
            // It is gone for users either way; what cannot be removed now only takes space.
            if let Err(error) = caller.api.control.remove_savepoint_state(&location).await {
                tracing::warn!(location, ?error, "the state of a removed savepoint stays in the checkpoint store");
            }
        }
        Ok(StatusCode::NO_CONTENT)
    };
    to_the_end(work).await?
}
