//! The caller: who they are and what they may do; for persons their password, sessions and tokens.
//!
//! Invariant: password, sessions and own tokens are a matter between a person and this server: they need a session, so
//! that a token that got into wrong hands makes no other and changes no password.

use crate::{
    caller::{Caller, Newcomer, Origin},
    extract::{JsonBody, QueryString},
    page::{Listing, PageQuery},
    problem::Problem,
    sign_in,
    tokens::{IssuedTokenView, TokenView},
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Grant, Name, Principal, ProjectScope, Role, Scope, TokenLimit, TokenScope, password};
use millrace_model::ids::{ProjectId, TenantId};
use millrace_store::{AttemptSubject, NewPersonalToken, Place, Session, StoreError, TokenOwner, account_of};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeView {
    user: String,
    name: String,
    /// `person` or `service`.
    kind: &'static str,
    /// Name for people; empty for services.
    display_name: String,
    email: String,
    /// Id of the tenant that the user belongs to; null for users of the platform.
    tenant: Option<String>,
    grants: Vec<GrantView>,
    /// What the presented token may be used for; everything for a session.
    token_scopes: Vec<String>,
    /// What the caller may do on the platform.
    allowed_actions: Vec<String>,
    /// Tenants that the caller has a role in, or in a project of.
    tenants: Vec<PlaceView>,
    /// Projects that the caller has been given a role in; those of a whole tenant are not listed one by one.
    projects: Vec<PlaceView>,
    /// Nothing else is possible before the password was changed.
    must_change_password: bool,
    /// The session, if the caller came by one.
    session: Option<SessionView>,
    /// To be sent as `x-csrf-token` with every change by session.
    csrf_token: Option<String>,
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

/// A tenant or project, and what the caller is there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlaceView {
    id: String,
    name: String,
    /// Name of the tenant around a project.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// Roles that hold here.
    roles: Vec<String>,
    /// What the caller may do here.
    allowed_actions: Vec<String>,
}

impl PlaceView {
    fn of(principal: &Principal, id: String, name: String, tenant: Option<String>, scope: &Scope) -> Self {
        let here = principal.grants.iter().filter(|grant| grant.scope.covers(scope));
        let roles = here.map(|grant| grant.role.to_string()).collect::<BTreeSet<_>>().into_iter().collect();
        Self { id, name, tenant, roles, allowed_actions: action_words(principal, scope) }
    }
}

/// What `principal` may do in `scope`, as words.
pub(crate) fn action_words(principal: &Principal, scope: &Scope) -> Vec<String> {
    principal.allowed_actions(scope).iter().map(ToString::to_string).collect()
}

/// A session of a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    id: String,
    /// Whether this request came by it.
    current: bool,
    /// `password`, or the id of an identity provider.
    method: String,
    address: String,
    /// What the client calls itself.
    agent: String,
    created_at_ms: i64,
    /// To the minute.
    last_used_at_ms: i64,
    /// Ends without use after this time.
    idle_ms: i64,
    /// Ends at the latest.
    expires_at_ms: i64,
    /// What can be done with it: `end`.
    allowed_actions: Vec<&'static str>,
}

impl SessionView {
    fn of(session: Session, current: &str) -> Self {
        Self {
            current: session.id == current,
            id: session.id,
            method: session.method,
            address: session.address,
            agent: session.agent,
            created_at_ms: session.created_at_ms,
            last_used_at_ms: session.last_used_at_ms,
            idle_ms: session.idle_ms,
            expires_at_ms: session.expires_at_ms,
            allowed_actions: vec!["end"],
        }
    }
}

/// Who the caller is, and what they may do where.
#[utoipa::path(get, path = "/api/v1/me", tag = "me", responses((status = 200, body = MeView)))]
pub(crate) async fn get_me(Newcomer(caller): Newcomer) -> Result<Json<MeView>, Problem> {
    let store = &caller.api.store;
    let person = store.person(&caller.principal.user).await?;
    let principal = &caller.principal;
    let (tenants, projects) = places(principal, store.places(&principal.user).await?);
    let by = caller.by_session;
    Ok(Json(MeView {
        kind: if person.is_some() { "person" } else { "service" },
        tenant: person.as_ref().and_then(|p| p.tenant.as_ref()).map(ToString::to_string),
        email: person.as_ref().map(|p| p.email.clone()).unwrap_or_default(),
        display_name: person.map(|p| p.display_name).unwrap_or_default(),
        grants: principal.grants.iter().map(GrantView::from).collect(),
        token_scopes: principal.token_scopes.iter().map(ToString::to_string).collect(),
        allowed_actions: action_words(principal, &Scope::Platform),
        tenants,
        projects,
        must_change_password: by.as_ref().is_some_and(|by| by.must_change_password),
        csrf_token: by.as_ref().map(|by| by.csrf_token.clone()),
        session: by.map(|by| {
            let current = by.session.id.clone();
            SessionView::of(by.session, &current)
        }),
        user: principal.user.clone(),
        name: principal.name.clone(),
    }))
}

/// Tenants and projects out of what somebody has been given; a token may see less of it.
fn places(principal: &Principal, given: Vec<Place>) -> (Vec<PlaceView>, Vec<PlaceView>) {
    let (mut tenants, mut projects): (Vec<PlaceView>, Vec<PlaceView>) = (Vec::new(), Vec::new());
    for place in given {
        let id = TenantId::new(place.tenant.as_str());
        let around = Scope::Tenant(id.clone());
        if principal.sees(&around) && !tenants.iter().any(|known| known.id == place.tenant) {
            tenants.push(PlaceView::of(principal, place.tenant, place.tenant_name.clone(), None, &around));
        }
        if let Some((project, name)) = place.project {
            let scope = Scope::Project(ProjectScope::new(id, ProjectId::new(project.as_str())));
            if principal.sees(&scope) {
                projects.push(PlaceView::of(principal, project, name, Some(place.tenant_name), &scope));
            }
        }
    }
    (tenants, projects)
}

/// A new password of one's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordBody {
    /// The one that holds now.
    current: String,
    /// The one that is to hold: at least 10 characters.
    new: String,
}

/// Change one's own password; every other session of the caller ends.
#[utoipa::path(put, path = "/api/v1/me/password", tag = "me", request_body = PasswordBody, responses((status = 204)))]
pub(crate) async fn change_password(
    Newcomer(caller): Newcomer,
    origin: Origin,
    body: JsonBody<PasswordBody>,
) -> Result<StatusCode, Problem> {
    let by = caller.session()?;
    let PasswordBody { current, new } = body.parse()?;
    let (api, user) = (&caller.api, caller.principal.user.as_str());
    let wrong = |field: &str, message: String| Problem::field(field, "password.refused", message);
    password::check(&new, &caller.principal.name).map_err(|error| wrong("new", error.to_string()))?;
    if current.len() > password::PASSWORD_BYTES_MAX {
        return Err(wrong("current", "is not the password that holds now".into()));
    }
    // Whoever sits down at somebody's open session must not guess the password either.
    let who = AttemptSubject { account: account_of(by.tenant.as_ref(), &caller.principal.name), address: origin.address };
    sign_in::admit(api, &who).await?;
    let stored = api.store.credential(by.tenant.as_ref(), user).await?.and_then(|c| c.password_hash);
    if stored.is_none() {
        return Err(wrong("current", "you have no password here: you sign in with an identity provider".into()));
    }
    if !api.hasher.verify(current.clone(), stored).await? {
        return Err(wrong("current", "is not the password that holds now".into()));
    }
    if current == new {
        return Err(wrong("new", "is the one that holds now".into()));
    }
    api.store.forget_attempts(&who).await?;
    let hash = api.hasher.hash(new).await?;
    api.store.change_password(&caller.cause(), by.tenant.as_ref(), user, &hash, Some(&by.session.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List one's own sessions.
#[utoipa::path(get, path = "/api/v1/me/sessions", tag = "me", params(PageQuery), responses((status = 200, body = Listing<SessionView>)))]
pub(crate) async fn list_own_sessions(caller: Caller, query: QueryString<PageQuery>) -> Result<Json<Listing<SessionView>>, Problem> {
    let current = caller.session()?.session.id.clone();
    let page = caller.api.store.sessions(&caller.principal.user, &query.parse()?.into()).await?;
    Ok(Json(Listing::with(page, |session| SessionView::of(session, &current))))
}

/// End a session of one's own.
#[utoipa::path(delete, path = "/api/v1/me/sessions/{session}", tag = "me", responses((status = 204)))]
pub(crate) async fn end_own_session(caller: Caller, Path(session): Path<String>) -> Result<StatusCode, Problem> {
    let by = caller.session()?;
    let (cause, user) = (caller.cause(), caller.principal.user.as_str());
    caller.api.store.end_session(&cause, by.tenant.as_ref(), user, &session, "session.end").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A token of one's own to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnTokenBody {
    #[schema(value_type = String)]
    name: Name,
    /// Only this one of the caller's roles, or a lesser one; all unless given.
    #[schema(value_type = Option<String>)]
    role: Option<Role>,
    /// Name or id of a tenant to limit the token to; for users of the platform. Those of a tenant are always limited to it.
    tenant: Option<String>,
    /// Name or id of a project to limit the token to.
    project: Option<String>,
    /// All unless given.
    #[schema(value_type = Option<Vec<String>>)]
    scopes: Option<BTreeSet<TokenScope>>,
    /// When it ends by itself, in milliseconds since the epoch; never unless given.
    expires_at_ms: Option<i64>,
}

/// List one's own tokens, ended ones too.
#[utoipa::path(get, path = "/api/v1/me/tokens", tag = "me", params(PageQuery), responses((status = 200, body = Listing<TokenView>)))]
pub(crate) async fn list_own_tokens(caller: Caller, query: QueryString<PageQuery>) -> Result<Json<Listing<TokenView>>, Problem> {
    let by = caller.session()?;
    let own = TokenOwner::Person { user: &caller.principal.user, tenant: by.tenant.as_ref() };
    let page = caller.api.store.tokens(own, &query.parse()?.into()).await?;
    Ok(Json(Listing::with(page, |token| TokenView::of(token, true))))
}

/// Make a token of one's own. It is never more than its owner is at the moment of its use.
#[utoipa::path(post, path = "/api/v1/me/tokens", tag = "me", request_body = OwnTokenBody, responses((status = 201, body = IssuedTokenView)))]
pub(crate) async fn create_own_token(caller: Caller, body: JsonBody<OwnTokenBody>) -> Result<(StatusCode, Json<IssuedTokenView>), Problem> {
    let by = caller.session()?;
    let new = body.parse()?;
    let store = &caller.api.store;
    let tenant = match (&by.tenant, &new.tenant) {
        (own, None) => own.clone(),
        (None, Some(text)) => Some(store.tenant(text).await?.id),
        (Some(own), Some(text)) => match store.tenant(text).await {
            Ok(found) if found.id == *own => Some(found.id),
            Ok(_) | Err(StoreError::NotFound { .. }) => return Err(Problem::not_found("tenant", text)),
            Err(error) => return Err(error.into()),
        },
    };
    let project = match (&new.project, &tenant) {
        (None, _) => None,
        (Some(text), Some(tenant)) => {
            let found = store.project(tenant, text).await?.scope;
            if !caller.principal.sees(&Scope::Project(found.clone())) {
                return Err(Problem::not_found("project", text));
            }
            Some(found.project)
        }
        (Some(_), None) => return Err(Problem::field("project", "request.invalid", "a project needs `tenant` beside it")),
    };
    let limit = TokenLimit { role: new.role, tenant, project };
    if limit.narrow(&caller.principal.grants).is_empty() {
        return Err(Problem::field("role", "request.invalid", "you have no such role there, so the token could do nothing"));
    }
    if new.expires_at_ms.is_some_and(|at_ms| at_ms <= store.now_ms()) {
        return Err(Problem::field("expires_at_ms", "request.invalid", "lies in the past"));
    }
    let scopes = new.scopes.unwrap_or_else(|| TokenScope::ALL.iter().copied().collect());
    let new = NewPersonalToken { name: new.name, limit, scopes, expires_at_ms: new.expires_at_ms };
    let issued = store.create_personal_token(&caller.cause(), by.tenant.as_ref(), &caller.principal.user, &new).await?;
    Ok((StatusCode::CREATED, Json(IssuedTokenView::of(issued, true))))
}

/// End a token of one's own at once.
#[utoipa::path(delete, path = "/api/v1/me/tokens/{token}", tag = "me", responses((status = 204)))]
pub(crate) async fn revoke_own_token(caller: Caller, Path(token): Path<String>) -> Result<StatusCode, Problem> {
    let by = caller.session()?;
    let own = TokenOwner::Person { user: &caller.principal.user, tenant: by.tenant.as_ref() };
    caller.api.store.revoke_token(&caller.cause(), own, &token).await?;
    Ok(StatusCode::NO_CONTENT)
}
