//! Members of a project: persons with roles in it.

use crate::{
    allowed::allowed,
    caller::Caller,
    extract::{IfMatch, JsonBody, QueryString},
    page::{Listing, PageQuery},
    problem::Problem,
    users::check_change,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, Grant, ProjectScope, Role, Scope};
use millrace_store::Member;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberView {
    /// Id of the user.
    user: String,
    name: String,
    display_name: String,
    /// `active` or `disabled`.
    state: &'static str,
    /// Roles in this project. Those of the whole tenant hold here too and are not listed.
    roles: Vec<String>,
    /// What the caller can do: `edit` the roles, `remove`; both need that they may give and take each of the roles.
    allowed_actions: Vec<&'static str>,
}

impl MemberView {
    fn of(caller: &Caller, scope: &ProjectScope, member: Member) -> Self {
        Self {
            allowed_actions: with_member(caller, scope, &member.roles),
            user: member.user,
            name: member.name,
            display_name: member.display_name,
            state: if member.enabled { "active" } else { "disabled" },
            roles: member.roles.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What the caller may do with a member who has these roles: nobody takes what they could not give.
fn with_member(caller: &Caller, scope: &ProjectScope, roles: &[Role]) -> Vec<&'static str> {
    let place = Scope::Project(scope.clone());
    let may = roles.iter().all(|&role| caller.principal.may_grant(role, &place));
    allowed(caller, &place, [("edit", Action::MemberEdit, may), ("remove", Action::MemberEdit, may)])
}

/// The roles of a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberBody {
    /// `developer`, `project_data_admin`, …
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
}

/// List the members of a project.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/members", tag = "projects", params(PageQuery), responses((status = 200, body = Listing<MemberView>)))]
pub(crate) async fn list_members(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<MemberView>>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::MemberView).await?;
    let page = caller.api.store.members(&scope, &query.parse()?.into()).await?;
    Ok(Json(Listing::with(page, |member| MemberView::of(&caller, &scope, member))))
}

/// Say which roles a user of the tenant has in a project. With `If-Match` (the user's ETag) only if nobody has changed
/// them meanwhile.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/members/{user}", tag = "projects", request_body = MemberBody, responses((status = 200, body = MemberView)))]
pub(crate) async fn set_member(
    caller: Caller,
    Path((tenant, project, user)): Path<(String, String, String)>,
    if_match: IfMatch,
    body: JsonBody<MemberBody>,
) -> Result<Json<MemberView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::MemberEdit).await?;
    let revision = if_match.revision()?;
    let roles = body.parse()?.roles;
    if roles.is_empty() {
        return Err(Problem::field("roles", "request.invalid", "names no role; remove the member instead"));
    }
    change(&caller, &scope, &user, &roles, revision).await.map(Json)
}

/// Take all roles in a project from a user; those of the whole tenant stay.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/members/{user}", tag = "projects", responses((status = 204)))]
pub(crate) async fn remove_member(
    caller: Caller,
    Path((tenant, project, user)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::MemberEdit).await?;
    change(&caller, &scope, &user, &[], None).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn change(caller: &Caller, scope: &ProjectScope, user: &str, roles: &[Role], revision: Option<i64>) -> Result<MemberView, Problem> {
    if roles.contains(&Role::PlatformAdmin) {
        return Err(Problem::field("roles", "request.invalid", "platform_admin is not a role in a project"));
    }
    let (store, home) = (&caller.api.store, Some(scope.tenant.clone()));
    let found = store.user(home.as_ref(), user).await?;
    let held = store.grants(&found.id).await?;
    let here = Scope::Project(scope.clone());
    let mut wanted: Vec<Grant> = held.iter().filter(|grant| grant.scope != here).cloned().collect();
    for &role in roles {
        let grant = Grant { role, scope: here.clone() };
        if !wanted.contains(&grant) {
            wanted.push(grant);
        }
    }
    check_change(caller, &home, &held, &wanted).await?;
    store.set_grants(&caller.cause(), home.as_ref(), &found.id, &wanted, revision.unwrap_or(found.revision)).await?;
    Ok(MemberView {
        allowed_actions: with_member(caller, scope, roles),
        user: found.id,
        name: found.name.to_string(),
        display_name: found.display_name,
        state: if found.disabled_at_ms.is_some() { "disabled" } else { "active" },
        roles: wanted.iter().filter(|grant| grant.scope == here).map(|grant| grant.role.to_string()).collect(),
    })
}
