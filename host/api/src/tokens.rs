//! Tokens of a tenant and of the platform (ROL-7). The secret is in the answer that makes the token and never again.

use crate::{
    caller::Caller,
    extract::{JsonBody, QueryString},
    page::{Listing, PageQuery},
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, Name, ProjectScope, Role, Scope, TokenScope};
use millrace_store::{IssuedToken, NewToken, Token, TokenOwner};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A token without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenView {
    id: String,
    name: String,
    /// The person whose token it is; null for tokens of machines.
    owner: Option<String>,
    /// Role of a machine's token; for a person's the only one that it keeps, null for all of them.
    role: Option<String>,
    /// Id of the project that it is limited to.
    project: Option<String>,
    /// `read`, `write`, `operate`, `administer`.
    scopes: Vec<String>,
    created_by: String,
    /// The server whose own administrator it is; only for tokens of the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    worker: Option<String>,
    created_at_ms: i64,
    expires_at_ms: Option<i64>,
    /// To the minute.
    last_used_at_ms: Option<i64>,
    revoked_at_ms: Option<i64>,
    /// What the caller can do: `revoke`, until it is.
    allowed_actions: Vec<&'static str>,
}

impl TokenView {
    pub(crate) fn of(token: Token, may_revoke: bool) -> Self {
        let is_revoked = token.revoked_at_ms.is_some();
        Self {
            allowed_actions: if may_revoke && !is_revoked { vec!["revoke"] } else { Vec::new() },
            id: token.id,
            name: token.name.to_string(),
            owner: token.owner,
            role: token.role.map(|role| role.to_string()),
            project: token.project.map(|p| p.to_string()),
            scopes: token.scopes.iter().map(ToString::to_string).collect(),
            created_by: token.created_by,
            worker: token.worker,
            created_at_ms: token.created_at_ms,
            expires_at_ms: token.expires_at_ms,
            last_used_at_ms: token.last_used_at_ms,
            revoked_at_ms: token.revoked_at_ms,
        }
    }
}

/// A token just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedTokenView {
    /// To be sent as `authorization: Bearer <secret>`; shown only now.
    secret: String,
    #[serde(flatten)]
    token: TokenView,
}

impl IssuedTokenView {
    pub(crate) fn of(issued: IssuedToken, may_revoke: bool) -> Self {
        Self { secret: issued.secret.reveal().to_owned(), token: TokenView::of(issued.token, may_revoke) }
    }
}

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTokenBody {
    #[schema(value_type = String)]
    name: Name,
    /// `tenant_admin`, `developer`, …
    #[schema(value_type = String)]
    role: Role,
    /// Name or id of a project to limit the token to.
    project: Option<String>,
    /// All unless given.
    #[schema(value_type = Option<Vec<String>>)]
    scopes: Option<BTreeSet<TokenScope>>,
    /// When it ends by itself, in milliseconds since the epoch; never unless given.
    expires_at_ms: Option<i64>,
}

/// List the tokens of a tenant, ended ones too.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/tokens", tag = "tokens", params(PageQuery), responses((status = 200, body = Listing<TokenView>)))]
pub(crate) async fn list_tokens(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<TokenView>>, Problem> {
    let id = caller.in_tenant(&tenant, Action::TokenView).await?;
    let page = caller.api.store.tokens(TokenOwner::Tenant(&id), &query.parse()?.into()).await?;
    let may_revoke = caller.principal.allowed(Action::TokenRevoke, &Scope::Tenant(id));
    Ok(Json(Listing::with(page, |token| TokenView::of(token, may_revoke))))
}

/// Make a token. Nobody can give it more than they may do themselves.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/tokens", tag = "tokens", request_body = NewTokenBody, responses((status = 201, body = IssuedTokenView)))]
pub(crate) async fn create_token(
    caller: Caller,
    Path(tenant): Path<String>,
    body: JsonBody<NewTokenBody>,
) -> Result<(StatusCode, Json<IssuedTokenView>), Problem> {
    let id = caller.in_tenant(&tenant, Action::TokenCreate).await?;
    let new = body.parse()?;
    let project = match &new.project {
        Some(project) => Some(caller.api.store.project(&id, project).await?.scope.project),
        None => None,
    };
    let scope = match &project {
        Some(project) => Scope::Project(ProjectScope::new(id.clone(), project.clone())),
        None => Scope::Tenant(id.clone()),
    };
    if new.role == Role::PlatformAdmin {
        return Err(Problem::field("role", "request.invalid", "a token of a tenant cannot administer the platform"));
    }
    if !caller.principal.may_grant(new.role, &scope) {
        return caller.refuse(Action::TokenCreate, &scope, ("tenant", &tenant)).await;
    }
    if new.expires_at_ms.is_some_and(|at_ms| at_ms <= caller.api.store.now_ms()) {
        return Err(Problem::field("expires_at_ms", "request.invalid", "lies in the past"));
    }
    let scopes = new.scopes.unwrap_or_else(|| TokenScope::ALL.iter().copied().collect());
    let new = NewToken { name: new.name, role: new.role, project, scopes, expires_at_ms: new.expires_at_ms };
    let issued = caller.api.store.create_token(&caller.cause(), &id, &new).await?;
    let may_revoke = caller.principal.allowed(Action::TokenRevoke, &Scope::Tenant(id));
    Ok((StatusCode::CREATED, Json(IssuedTokenView::of(issued, may_revoke))))
}

/// End a token at once.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/tokens/{token}", tag = "tokens", responses((status = 204)))]
pub(crate) async fn revoke_token(caller: Caller, Path((tenant, token)): Path<(String, String)>) -> Result<StatusCode, Problem> {
    let id = caller.in_tenant(&tenant, Action::TokenRevoke).await?;
    caller.api.store.revoke_token(&caller.cause(), TokenOwner::Tenant(&id), &token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the tokens of the platform: those that servers have made for their own administrators, and those of its users; ended
/// ones too.
#[utoipa::path(get, path = "/api/v1/platform/tokens", tag = "tokens", params(PageQuery), responses((status = 200, body = Listing<TokenView>)))]
pub(crate) async fn list_platform_tokens(caller: Caller, query: QueryString<PageQuery>) -> Result<Json<Listing<TokenView>>, Problem> {
    caller.on_platform(Action::PlatformUsers).await?;
    let page = caller.api.store.tokens(TokenOwner::Platform, &query.parse()?.into()).await?;
    let may_revoke = caller.principal.allowed(Action::PlatformUsers, &Scope::Platform);
    Ok(Json(Listing::with(page, |token| TokenView::of(token, may_revoke))))
}

/// End a token of the platform at once.
#[utoipa::path(delete, path = "/api/v1/platform/tokens/{token}", tag = "tokens", responses((status = 204)))]
pub(crate) async fn revoke_platform_token(caller: Caller, Path(token): Path<String>) -> Result<StatusCode, Problem> {
    caller.on_platform(Action::PlatformUsers).await?;
    caller.api.store.revoke_token(&caller.cause(), TokenOwner::Platform, &token).await?;
    Ok(StatusCode::NO_CONTENT)
}
