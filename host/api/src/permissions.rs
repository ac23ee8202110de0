//! Applying for data permissions, and which ones somebody has (PRM-1, PRM-2). Records and decisions are approvals of the
//! kind `table_permission`.
//!
//! Invariant: an application for a project and one for a person are two approvals.

use crate::{
    approvals::ApprovalView,
    caller::Caller,
    extract::{JsonBody, QueryString},
    page::Listing,
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{
    Action, Environment,
    permission::{Grantee, GranteeKind, TablePermission},
};
use millrace_model::ids::TenantId;
use millrace_store::{GrantedTable, PageRequest, PermissionRequest, SharedTable};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Most columns in one application.
const COLUMNS_MAX: usize = 1_000;

/// An application.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplicationBody {
    /// The table: its id, or `project.table`.
    table: String,
    /// For this project, by name or id.
    project: Option<String>,
    /// For the caller too, or instead.
    #[serde(default)]
    for_me: bool,
    /// `select`, `insert`, `update`, `delete`; for topics the first two.
    #[schema(value_type = Vec<String>)]
    permissions: Vec<TablePermission>,
    /// Only on these columns: for a person and tables other than topics.
    #[serde(default)]
    columns: Vec<String>,
    /// Until when, in milliseconds since the epoch; without end unless given.
    expires_at_ms: Option<i64>,
    /// Why; the decider reads it.
    reason: String,
}

/// The requests that an application has made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApplicationView {
    /// One for the project, one for the person.
    requests: Vec<ApprovalView>,
}

/// A permission that a project or person has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PermissionView {
    id: String,
    /// `project.table`.
    table: String,
    /// `project` or `person`.
    grantee_kind: String,
    permission: String,
    /// Only on this column; null: the whole table.
    column: Option<String>,
    expires_at_ms: Option<i64>,
    expired: bool,
    /// Id of the request that it comes from; null if an administrator has given it.
    approval: Option<String>,
    created_at_ms: i64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PermissionParameters {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on the page: 1 to 200, 50 unless given.
    limit: Option<u32>,
    /// Those of this project, by name or id; the caller's own unless given.
    project: Option<String>,
}

/// Checks what may be asked for of this table.
pub(crate) async fn check_permissions(
    caller: &Caller,
    table: &SharedTable,
    permissions: &[TablePermission],
    columns: &[String],
) -> Result<(), Problem> {
    if permissions.is_empty() {
        return Err(Problem::field("permissions", "request.invalid", "is empty; expected select, insert, update or delete"));
    }
    let table = match table {
        SharedTable::Designed(table) => table,
        SharedTable::Temp(_) => return as_topic(permissions, columns),
    };
    let store = &caller.api.store;
    let published = match store.table_in(&table.scope, &table.id, Environment::Production).await? {
        Some(found) => Some(found),
        None => store.table_in(&table.scope, &table.id, Environment::Test).await?,
    };
    let source = published.as_ref().map(|p| p.data_source.clone()).or_else(|| table.data_source.clone());
    let kind = match source {
        Some(source) => Some(store.data_source(&table.scope, source.as_str()).await?.kind),
        None => None,
    };
    if kind.as_deref() == Some("kafka") || (kind.is_none() && table.database.is_none()) {
        as_topic(permissions, columns)?;
    }
    let schema = published.map_or_else(|| table.schema.clone(), |p| p.schema);
    if columns.len() > COLUMNS_MAX {
        return Err(Problem::field("columns", "request.invalid", format!("names more than {COLUMNS_MAX} columns")));
    }
    match columns.iter().find(|c| schema.field(c).is_none()) {
        Some(column) => Err(Problem::field("columns", "permission.no_column", format!("`{column}` is not a column of the table"))),
        None => Ok(()),
    }
}

/// Topics, temp tables among them, can be read and added to, as a whole (PRM-1).
fn as_topic(permissions: &[TablePermission], columns: &[String]) -> Result<(), Problem> {
    if let Some(odd) = permissions.iter().find(|p| !p.fits_topics()) {
        let message = format!("`{odd}` is not possible on a topic; expected select or insert");
        return Err(Problem::field("permissions", "permission.not_on_topics", message));
    }
    match columns.is_empty() {
        true => Ok(()),
        false => {
            let message = "a topic has permissions on the whole of it only; leave the columns out";
            Err(Problem::field("columns", "permission.not_on_topics", message))
        }
    }
}

pub(crate) fn check_expiry(caller: &Caller, expires_at_ms: Option<i64>) -> Result<(), Problem> {
    match expires_at_ms {
        Some(at_ms) if at_ms <= caller.api.store.now_ms() => Err(Problem::field("expires_at_ms", "request.invalid", "lies in the past")),
        _ => Ok(()),
    }
}

/// Apply for permissions on a table or temp table of another project: for a project, for oneself, or both.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/permission-requests", tag = "permissions", request_body = ApplicationBody, responses((status = 201, body = ApplicationView)))]
pub(crate) async fn apply_for_permission(
    caller: Caller,
    Path(tenant): Path<String>,
    body: JsonBody<ApplicationBody>,
) -> Result<(StatusCode, Json<ApplicationView>), Problem> {
    let id = caller.in_tenant(&tenant, Action::PermissionApply).await?;
    let body = body.parse()?;
    let (table, owner) = caller.api.store.shared_table(&id, &body.table).await?;
    check_permissions(&caller, &table, &body.permissions, &body.columns).await?;
    check_expiry(&caller, body.expires_at_ms)?;
    let applications = applications(&caller, &id, &table, &body, &tenant).await?;
    let name = format!("{owner}.{}", table.name());
    let made = caller.api.store.apply_for_table(&caller.cause(), &table, &name, &applications, &body.reason).await?;
    let requests = made.into_iter().map(|approval| ApprovalView::of(&caller, approval)).collect();
    Ok((StatusCode::CREATED, Json(ApplicationView { requests })))
}

type Application = (Option<millrace_model::ids::ProjectId>, PermissionRequest);

async fn applications(
    caller: &Caller,
    tenant: &TenantId,
    table: &SharedTable,
    body: &ApplicationBody,
    tenant_name: &str,
) -> Result<Vec<Application>, Problem> {
    let asked = |grantee_kind: GranteeKind, grantee: String, grantee_name: String| PermissionRequest {
        grantee_kind,
        grantee,
        grantee_name,
        permissions: body.permissions.clone(),
        columns: body.columns.clone(),
        expires_at_ms: body.expires_at_ms,
    };
    let mut found = Vec::new();
    if let Some(project) = &body.project {
        let scope = caller.in_project(tenant_name, project, Action::PermissionApply).await?;
        if scope == *table.scope() {
            let message = "is the project that the table belongs to, which may use it without asking";
            return Err(Problem::field("project", "request.invalid", message));
        }
        if !body.columns.is_empty() {
            return Err(Problem::field(
                "columns",
                "permission.columns_of_person",
                "columns are given to persons only; leave the project out",
            ));
        }
        let name = caller.api.store.project(tenant, scope.project.as_str()).await?.name;
        found.push((Some(scope.project.clone()), asked(GranteeKind::Project, scope.project.to_string(), name.to_string())));
    }
    if body.for_me {
        found.push((None, asked(GranteeKind::Person, caller.principal.user.clone(), caller.principal.name.clone())));
    }
    if found.is_empty() {
        return Err(Problem::field("project", "request.invalid", "is missing; name a project, or say `for_me`, or both"));
    }
    Ok(found)
}

/// List the permissions on tables of other projects that the caller, or a project, has.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/permissions", tag = "permissions", params(PermissionParameters), responses((status = 200, body = Listing<PermissionView>)))]
pub(crate) async fn list_permissions(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<PermissionParameters>,
) -> Result<Json<Listing<PermissionView>>, Problem> {
    let id = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let query = query.parse()?;
    let grantee = match &query.project {
        Some(project) => Grantee::Project(caller.in_project(&tenant, project, Action::PermissionView).await?.project),
        None => Grantee::Person(caller.principal.user.clone()),
    };
    let page = PageRequest { cursor: query.cursor, limit: query.limit };
    let found = caller.api.store.grants_to(&id, &grantee, &page).await?;
    let now_ms = caller.api.store.now_ms();
    Ok(Json(Listing::with(found, |GrantedTable { grant, table_name }| PermissionView {
        id: grant.id,
        table: table_name,
        grantee_kind: grant.permit.grantee.kind().to_string(),
        permission: grant.permit.permission.to_string(),
        column: grant.permit.column,
        expires_at_ms: grant.permit.expires_at_ms,
        expired: grant.permit.expires_at_ms.is_some_and(|at_ms| at_ms <= now_ms),
        approval: grant.approval.map(|a| a.to_string()),
        created_at_ms: grant.created_at_ms,
    })))
}
