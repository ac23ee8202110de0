//! Projects (PRJ-1, PRJ-2).

use crate::{
    caller::Caller,
    extract::{JsonBody, QueryString},
    page::Listing,
    problem::Problem,
    tenants::DescriptionBody,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, Name, Principal, Scope, Service};
use millrace_store::{PageRequest, Project};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A project.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectView {
    id: String,
    tenant: String,
    name: String,
    description: String,
    created_at_ms: i64,
    /// Archived projects keep their data and cannot be entered.
    archived_at_ms: Option<i64>,
    /// The services that the project has.
    services: Vec<&'static str>,
    /// What the caller may do here; of an archived project only what can be done from outside.
    allowed_actions: Vec<String>,
}

impl ProjectView {
    fn of(principal: &Principal, project: Project) -> Self {
        let archived = project.archived_at_ms.is_some();
        let allowed = principal.allowed_actions(&Scope::Project(project.scope.clone())).into_iter();
        let possible =
            allowed.filter(|&action| if archived { action == Action::ProjectView } else { project.services.admit(action).is_ok() });
        let services = Service::ALL.iter().filter(|&&service| project.services.state(service).enabled);
        Self {
            allowed_actions: possible.map(|action| action.to_string()).collect(),
            services: services.map(|service| service.as_str()).collect(),
            id: project.scope.project.to_string(),
            tenant: project.scope.tenant.to_string(),
            name: project.name.to_string(),
            description: project.description,
            created_at_ms: project.created_at_ms,
            archived_at_ms: project.archived_at_ms,
        }
    }
}

/// A project to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProjectBody {
    /// Lower-case letters, digits, `_` and `-`.
    #[schema(value_type = String)]
    name: Name,
    #[serde(default)]
    description: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProjectQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on the page.
    limit: Option<u32>,
    /// Also list archived projects.
    #[serde(default)]
    archived: bool,
}

/// List the projects of a tenant that the caller has a role in, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects", tag = "projects", params(ProjectQuery), responses((status = 200, body = Listing<ProjectView>)))]
pub(crate) async fn list_projects(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<ProjectQuery>,
) -> Result<Json<Listing<ProjectView>>, Problem> {
    let id = caller.in_tenant(&tenant, Action::TenantView).await?;
    let query = query.parse()?;
    let sees_all = caller.principal.allowed(Action::ProjectView, &Scope::Tenant(id.clone()));
    let user = if sees_all { None } else { Some(caller.principal.user.as_str()) };
    let page = PageRequest { cursor: query.cursor, limit: query.limit };
    let found = caller.api.store.projects(&id, user, query.archived, &page).await?;
    Ok(Json(Listing::with(found, |project| ProjectView::of(&caller.principal, project))))
}

/// Make a project.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects", tag = "projects", request_body = NewProjectBody, responses((status = 201, body = ProjectView)))]
pub(crate) async fn create_project(
    caller: Caller,
    Path(tenant): Path<String>,
    body: JsonBody<NewProjectBody>,
) -> Result<(StatusCode, Json<ProjectView>), Problem> {
    let id = caller.in_tenant(&tenant, Action::ProjectCreate).await?;
    let new = body.parse()?;
    let made = caller.api.store.create_project(&caller.cause(), &id, &new.name, &new.description).await?;
    Ok((StatusCode::CREATED, Json(ProjectView::of(&caller.principal, made))))
}

/// Get a project by name or id.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}", tag = "projects", responses((status = 200, body = ProjectView)))]
pub(crate) async fn get_project(caller: Caller, Path((tenant, project)): Path<(String, String)>) -> Result<Json<ProjectView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ProjectView).await?;
    let found = caller.api.store.project(&scope.tenant, scope.project.as_str()).await?;
    Ok(Json(ProjectView::of(&caller.principal, found)))
}

/// Change a project's description.
#[utoipa::path(patch, path = "/api/v1/tenants/{tenant}/projects/{project}", tag = "projects", request_body = DescriptionBody, responses((status = 200, body = ProjectView)))]
pub(crate) async fn edit_project(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    body: JsonBody<DescriptionBody>,
) -> Result<Json<ProjectView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ProjectEdit).await?;
    let changed = caller.api.store.describe_project(&caller.cause(), &scope, &body.parse()?.description).await?;
    Ok(Json(ProjectView::of(&caller.principal, changed)))
}

/// Archive a project: its instances stop, its data stays, and it cannot be entered again.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/archive", tag = "projects", responses((status = 200, body = ProjectView)))]
pub(crate) async fn archive_project(caller: Caller, Path((tenant, project)): Path<(String, String)>) -> Result<Json<ProjectView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ProjectArchive).await?;
    let archived = caller.api.store.archive_project(&caller.cause(), &scope).await?;
    caller.api.control.notify();
    Ok(Json(ProjectView::of(&caller.principal, archived)))
}
