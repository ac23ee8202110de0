//! Services of a project: added, reconfigured, removed (PRJ-1).

use crate::{
    allowed::allowed,
    caller::Caller,
    extract::{IfMatch, JsonBody, Tagged},
    problem::Problem,
};
use axum::{extract::Path, http::StatusCode};
use millrace_domain::{Action, ProjectScope, ProjectServices, Scope, Service, service::ServiceState};
use millrace_store::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServiceView {
    /// `stream_computing`, `data_governance`.
    name: &'static str,
    /// Whether the project has it. Without it, its endpoints answer `project.no_service`.
    enabled: bool,
    /// All its settings.
    #[schema(value_type = Object)]
    configuration: Map<String, Value>,
}

impl ServiceView {
    fn of(services: &ProjectServices, service: Service) -> Self {
        let ServiceState { enabled, configuration } = services.state(service);
        Self { name: service.as_str(), enabled, configuration }
    }
}

/// All services of a project.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServicesView {
    items: Vec<ServiceView>,
    /// What the caller can do with each: `edit` (add, configure anew), `remove`.
    allowed_actions: Vec<&'static str>,
}

impl ServicesView {
    fn of(caller: &Caller, scope: &ProjectScope, services: &ProjectServices) -> Self {
        let offers = [("edit", Action::ServiceEdit, true), ("remove", Action::ServiceEdit, true)];
        Self {
            items: Service::ALL.iter().map(|&service| ServiceView::of(services, service)).collect(),
            allowed_actions: allowed(caller, &Scope::Project(scope.clone()), offers),
        }
    }
}

/// A service to add or to configure anew.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceBody {
    /// Settings; what is absent gets its default. `stream_computing`: `parallelism_max`, `online_code`.
    #[serde(default)]
    #[schema(value_type = Object)]
    configuration: Map<String, Value>,
}

/// List the services of a project.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/services", tag = "projects", responses((status = 200, body = ServicesView)))]
pub(crate) async fn list_services(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
) -> Result<Tagged<ServicesView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ServiceView).await?;
    let (services, revision) = caller.api.store.services(&scope).await?;
    Ok(Tagged(StatusCode::OK, revision, ServicesView::of(&caller, &scope, &services)))
}

/// Add a service to a project, or configure it anew. With `If-Match` only if nobody has changed the services meanwhile.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/services/{service}", tag = "projects", request_body = Option<ServiceBody>, responses((status = 200, body = ServicesView)))]
pub(crate) async fn set_service(
    caller: Caller,
    Path((tenant, project, service)): Path<(String, String, String)>,
    if_match: IfMatch,
    body: JsonBody<ServiceBody>,
) -> Result<Tagged<ServicesView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ServiceEdit).await?;
    let service = named(service)?;
    let revision = if_match.revision()?;
    let configuration = service.configure(&body.parse_or_default()?.configuration);
    let configuration = configuration.map_err(|message| Problem::field("configuration", "request.invalid", message))?;
    let state = ServiceState { enabled: true, configuration };
    let (services, revision) = caller.api.store.set_service(&caller.cause(), &scope, service, state, revision).await?;
    Ok(Tagged(StatusCode::OK, revision, ServicesView::of(&caller, &scope, &services)))
}

/// Remove a service from a project: nothing is deleted, and nothing of it can be reached until it is added again.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/services/{service}", tag = "projects", responses((status = 204)))]
pub(crate) async fn remove_service(
    caller: Caller,
    Path((tenant, project, service)): Path<(String, String, String)>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ServiceEdit).await?;
    let service = named(service)?;
    let revision = if_match.revision()?;
    let state = ServiceState { enabled: false, ..caller.api.store.services(&scope).await?.0.state(service) };
    caller.api.store.set_service(&caller.cause(), &scope, service, state, revision).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn named(service: String) -> Result<Service, Problem> {
    service.parse().map_err(|_| StoreError::not_found("service", service).into())
}
