//! Who may use a table: whitelists of projects and persons, and what everybody may do (PRM-4, PRM-5).

use crate::{
    allowed::allowed,
    caller::Caller,
    extract::JsonBody,
    permissions::{check_expiry, check_permissions},
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{
    Action, ProjectScope, Scope,
    permission::{Grantee, GranteeKind, Permit, RevocationPolicy, TablePermission},
};
use millrace_model::ids::TenantId;
use millrace_store::{SharedTable, TableGrant};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Most permissions that one request gives.
const PERMITS_MAX: usize = 2_000;

/// Who may use a table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableGrantsView {
    /// What everybody in the tenant may do.
    public: Vec<String>,
    /// What happens to running instances when a permission ends: `stop_running` or `next_start`.
    revocation: String,
    /// Projects, oldest first.
    projects: Vec<TableGrantView>,
    /// Persons, oldest first.
    persons: Vec<TableGrantView>,
    /// What the caller can do: `grant`.
    allowed_actions: Vec<&'static str>,
}

/// One permission that was given.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableGrantView {
    id: String,
    /// Id of the project or user.
    grantee: String,
    grantee_name: String,
    permission: String,
    /// Only on this column; null: the whole table.
    column: Option<String>,
    expires_at_ms: Option<i64>,
    expired: bool,
    granted_by: String,
    /// Id of the request that it comes from; null if an administrator has given it.
    approval: Option<String>,
    created_at_ms: i64,
    updated_at_ms: i64,
}

/// Permissions to give: what is there already gets the new expiry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantsBody {
    /// Names or ids of projects.
    #[serde(default)]
    projects: Vec<String>,
    /// Names or ids of users.
    #[serde(default)]
    persons: Vec<String>,
    /// `select`, `insert`, `update`, `delete`; for topics the first two.
    #[schema(value_type = Vec<String>)]
    permissions: Vec<TablePermission>,
    /// Only on these columns: for persons and tables other than topics.
    #[serde(default)]
    columns: Vec<String>,
    /// Until when, in milliseconds since the epoch; without end unless given.
    expires_at_ms: Option<i64>,
}

/// What everybody may do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessBody {
    /// What everybody in the tenant may do; empty: nothing.
    #[schema(value_type = Vec<String>)]
    public: Vec<TablePermission>,
    /// What happens to running instances when a permission ends: `stop_running` (unless given) or `next_start`.
    #[schema(value_type = Option<String>)]
    revocation: Option<RevocationPolicy>,
}

/// Who may use a table of the project; also of an archived one.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/topics/{topic}/grants", tag = "permissions", responses((status = 200, body = TableGrantsView)))]
pub(crate) async fn list_grants(
    caller: Caller,
    Path((tenant, project, topic)): Path<(String, String, String)>,
) -> Result<Json<TableGrantsView>, Problem> {
    let scope = caller.in_project_or_archive(&tenant, &project, Action::PermissionView).await?;
    let table = designed(&caller, &scope, &topic).await?;
    Ok(Json(grants(&caller, &table).await?))
}

/// Who may use a temp table of the project; also of an archived one.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/temp-tables/{table}/grants", tag = "permissions", responses((status = 200, body = TableGrantsView)))]
pub(crate) async fn list_temp_table_grants(
    caller: Caller,
    Path((tenant, project, table)): Path<(String, String, String)>,
) -> Result<Json<TableGrantsView>, Problem> {
    let scope = caller.in_project_or_archive(&tenant, &project, Action::PermissionView).await?;
    let table = temp(&caller, &scope, &table).await?;
    Ok(Json(grants(&caller, &table).await?))
}

async fn designed(caller: &Caller, scope: &ProjectScope, topic: &str) -> Result<SharedTable, Problem> {
    Ok(SharedTable::Designed(caller.api.store.topic(scope, topic).await?))
}

async fn temp(caller: &Caller, scope: &ProjectScope, table: &str) -> Result<SharedTable, Problem> {
    Ok(SharedTable::Temp(caller.api.store.temp_table(scope, table).await?))
}

async fn grants(caller: &Caller, table: &SharedTable) -> Result<TableGrantsView, Problem> {
    let (scope, id) = (table.scope(), table.id());
    let store = &caller.api.store;
    let (mut projects, mut persons, mut public) = (Vec::new(), Vec::new(), Vec::new());
    let grants = store.table_grants(scope, &id).await?;
    let grantees = grants.iter().filter(|grant| grant.permit.grantee != Grantee::Everyone);
    let grantees = grantees.map(|grant| grant.permit.grantee.id().to_owned()).collect();
    let names = store.grantee_names(&scope.tenant, &grantees).await?;
    let now_ms = store.now_ms();
    for grant in grants {
        let place = match grant.permit.grantee.kind() {
            GranteeKind::Everyone => {
                public.push(grant.permit.permission.to_string());
                continue;
            }
            GranteeKind::Project => &mut projects,
            GranteeKind::Person => &mut persons,
        };
        place.push(view(grant, &names, now_ms));
    }
    Ok(TableGrantsView {
        public,
        revocation: store.revocation_policy(scope, &id).await?.to_string(),
        projects,
        persons,
        allowed_actions: allowed(caller, &Scope::Project(scope.clone()), [("grant", Action::PermissionGrant, true)]),
    })
}

fn view(grant: TableGrant, names: &BTreeMap<String, String>, now_ms: i64) -> TableGrantView {
    let TableGrant { id, permit, granted_by, approval, created_at_ms, updated_at_ms, .. } = grant;
    let grantee = permit.grantee.id().to_owned();
    TableGrantView {
        id,
        grantee_name: names.get(&grantee).unwrap_or(&grantee).clone(),
        grantee,
        permission: permit.permission.to_string(),
        column: permit.column,
        expired: permit.expires_at_ms.is_some_and(|at_ms| at_ms <= now_ms),
        expires_at_ms: permit.expires_at_ms,
        granted_by,
        approval: approval.map(|a| a.to_string()),
        created_at_ms,
        updated_at_ms,
    }
}

/// Give permissions to projects and persons, or change how long they hold.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/topics/{topic}/grants", tag = "permissions", request_body = GrantsBody, responses((status = 200, body = TableGrantsView)))]
pub(crate) async fn set_grants(
    caller: Caller,
    Path((tenant, project, topic)): Path<(String, String, String)>,
    body: JsonBody<GrantsBody>,
) -> Result<Json<TableGrantsView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::PermissionGrant).await?;
    let body = body.parse()?;
    give(&caller, &designed(&caller, &scope, &topic).await?, &body).await
}

/// Give permissions on a temp table to projects and persons, or change how long they hold.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/temp-tables/{table}/grants", tag = "permissions", request_body = GrantsBody, responses((status = 200, body = TableGrantsView)))]
pub(crate) async fn set_temp_table_grants(
    caller: Caller,
    Path((tenant, project, table)): Path<(String, String, String)>,
    body: JsonBody<GrantsBody>,
) -> Result<Json<TableGrantsView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::PermissionGrant).await?;
    let body = body.parse()?;
    give(&caller, &temp(&caller, &scope, &table).await?, &body).await
}

async fn give(caller: &Caller, table: &SharedTable, body: &GrantsBody) -> Result<Json<TableGrantsView>, Problem> {
    check_permissions(caller, table, &body.permissions, &body.columns).await?;
    check_expiry(caller, body.expires_at_ms)?;
    let permits = permits(caller, &table.scope().tenant, body).await?;
    caller.api.store.set_table_grants(&caller.cause(), (table.scope(), &table.id()), &permits).await?;
    caller.api.control.notify();
    Ok(Json(grants(caller, table).await?))
}

async fn permits(caller: &Caller, tenant: &TenantId, body: &GrantsBody) -> Result<Vec<Permit>, Problem> {
    if !body.columns.is_empty() && !body.projects.is_empty() {
        return Err(Problem::field("columns", "permission.columns_of_person", "columns are given to persons only; leave the projects out"));
    }
    let grantees = body.projects.len() + body.persons.len();
    if grantees == 0 || grantees * body.permissions.len() * body.columns.len().max(1) > PERMITS_MAX {
        let message = format!("expected at least one project or person, and at most {PERMITS_MAX} permissions at once");
        return Err(Problem::field("projects", "request.invalid", message));
    }
    let mut to = Vec::with_capacity(grantees);
    for project in &body.projects {
        to.push(Grantee::Project(caller.api.store.project(tenant, project).await?.scope.project));
    }
    for person in &body.persons {
        to.push(Grantee::Person(caller.api.store.grantee_user(tenant, person).await?.0));
    }
    let columns: Vec<Option<String>> = if body.columns.is_empty() { vec![None] } else { body.columns.iter().cloned().map(Some).collect() };
    let mut permits = Vec::new();
    for grantee in to {
        for &permission in &body.permissions {
            let one = |column: &Option<String>| Permit {
                grantee: grantee.clone(),
                permission,
                column: column.clone(),
                expires_at_ms: body.expires_at_ms,
            };
            permits.extend(columns.iter().map(one));
        }
    }
    Ok(permits)
}

/// Take a permission away; also of an archived project, whose tables others may still use. Running instances that use it are
/// stopped, or refused at their next start, as the table says.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/topics/{topic}/grants/{grant}", tag = "permissions", responses((status = 204)))]
pub(crate) async fn revoke_grant(
    caller: Caller,
    Path((tenant, project, topic, grant)): Path<(String, String, String, String)>,
) -> Result<StatusCode, Problem> {
    let scope = caller.in_project_or_archive(&tenant, &project, Action::PermissionGrant).await?;
    take(&caller, &designed(&caller, &scope, &topic).await?, &grant).await
}

/// Take a permission on a temp table away; also of an archived project.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/temp-tables/{table}/grants/{grant}", tag = "permissions", responses((status = 204)))]
pub(crate) async fn revoke_temp_table_grant(
    caller: Caller,
    Path((tenant, project, table, grant)): Path<(String, String, String, String)>,
) -> Result<StatusCode, Problem> {
    let scope = caller.in_project_or_archive(&tenant, &project, Action::PermissionGrant).await?;
    take(&caller, &temp(&caller, &scope, &table).await?, &grant).await
}

async fn take(caller: &Caller, table: &SharedTable, grant: &str) -> Result<StatusCode, Problem> {
    caller.api.store.revoke_table_grant(&caller.cause(), (table.scope(), &table.id()), grant).await?;
    caller.api.control.notify();
    Ok(StatusCode::NO_CONTENT)
}

/// Say what everybody may do with a table, and what happens to running instances when a permission ends.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/topics/{topic}/access", tag = "permissions", request_body = AccessBody, responses((status = 200, body = TableGrantsView)))]
pub(crate) async fn set_access(
    caller: Caller,
    Path((tenant, project, topic)): Path<(String, String, String)>,
    body: JsonBody<AccessBody>,
) -> Result<Json<TableGrantsView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::PermissionGrant).await?;
    let body = body.parse()?;
    open_to_all(&caller, &designed(&caller, &scope, &topic).await?, &body).await
}

/// Say what everybody may do with a temp table, and what happens to running instances when a permission ends.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/temp-tables/{table}/access", tag = "permissions", request_body = AccessBody, responses((status = 200, body = TableGrantsView)))]
pub(crate) async fn set_temp_table_access(
    caller: Caller,
    Path((tenant, project, table)): Path<(String, String, String)>,
    body: JsonBody<AccessBody>,
) -> Result<Json<TableGrantsView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::PermissionGrant).await?;
    let body = body.parse()?;
    open_to_all(&caller, &temp(&caller, &scope, &table).await?, &body).await
}

async fn open_to_all(caller: &Caller, table: &SharedTable, body: &AccessBody) -> Result<Json<TableGrantsView>, Problem> {
    if !body.public.is_empty() {
        check_permissions(caller, table, &body.public, &[]).await?;
    }
    let policy = body.revocation.unwrap_or(RevocationPolicy::StopRunning);
    caller.api.store.set_table_access(&caller.cause(), (table.scope(), &table.id()), &body.public, policy).await?;
    caller.api.control.notify();
    Ok(Json(grants(caller, table).await?))
}
