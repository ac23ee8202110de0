//! Savepoints of an instance (RUN-1, RUN-4).

use crate::{
    caller::{Caller, to_the_end},
    extract::QueryString,
    instances::find,
    page::{Listing, PageQuery},
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, InstanceAction};
use millrace_store::Savepoint;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

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
}

impl From<Savepoint> for SavepointView {
    fn from(savepoint: Savepoint) -> Self {
        Self {
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
    Ok(Listing::of(caller.api.store.savepoints(&scope, &found.id, &query.parse()?.into()).await?))
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
        let id = caller.api.control.create_savepoint(&scope.tenant, &found.id, &caller.principal.user).await?;
        let detail = json!({"savepoint": id});
        caller.api.store.record_done(&caller.cause(), Action::SavepointCreate, &scope, found.id.as_str(), detail).await?;
        Ok((StatusCode::CREATED, Json(caller.api.store.savepoint(&scope, &id).await?.into())))
    };
    to_the_end(work).await?
}
