//! Who the caller is.

use crate::{caller::Caller, problem::Problem};
use axum::Json;
use millrace_domain::Grant;
use serde::Serialize;
use utoipa::ToSchema;

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeView {
    user: String,
    name: String,
    grants: Vec<GrantView>,
    /// What the presented token may be used for.
    token_scopes: Vec<String>,
}

/// A role and where it holds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GrantView {
    role: String,
    /// Null: everywhere.
    tenant: Option<String>,
    /// Null: the whole tenant.
    project: Option<String>,
}

impl From<&Grant> for GrantView {
    fn from(grant: &Grant) -> Self {
        Self {
            role: grant.role.to_string(),
            tenant: grant.scope.tenant().map(ToString::to_string),
            project: grant.scope.project().map(ToString::to_string),
        }
    }
}

/// Who the presented token belongs to.
#[utoipa::path(get, path = "/api/v1/me", tag = "me", responses((status = 200, body = MeView)))]
pub(crate) async fn get_me(caller: Caller) -> Result<Json<MeView>, Problem> {
    let principal = caller.principal;
    Ok(Json(MeView {
        grants: principal.grants.iter().map(GrantView::from).collect(),
        token_scopes: principal.token_scopes.iter().map(ToString::to_string).collect(),
        user: principal.user,
        name: principal.name,
    }))
}
