//! Who calls, and the one place where a request is allowed, refused or "not found".
//!
//! Invariant: a refusal is in the audit log before the caller hears of it (`refusals` bounds what anybody can write there).
//! A caller by cookie has shown that a page of ours sent the request.

use crate::{
    cookie,
    frame::RequestId,
    problem::Problem,
    refusals::{self, Asked},
    state::{ApiConfig, ApiState},
};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{Extensions, HeaderMap, StatusCode, header, request::Parts},
};
use millrace_domain::{Action, Environment, Principal, ProjectScope, Scope, TokenScope};
use millrace_model::ids::TenantId;
use millrace_store::{Cause, Session, StoreError, TableViewer, TokenSecret};
use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

/// A caller who has signed in, with the state of the API at hand.
pub(crate) struct Caller {
    pub(crate) api: ApiState,
    pub(crate) principal: Principal,
    /// The session that they came with; none for the bearer of a token.
    pub(crate) by_session: Option<BySession>,
    shown: Shown,
    request_id: String,
    asked: Asked,
}

/// What a caller has shown, to be looked at again by what lasts longer than a request.
enum Shown {
    Token(TokenSecret),
    Session(TokenSecret),
}

/// What is known of a caller who came by session.
pub(crate) struct BySession {
    pub(crate) session: Session,
    /// The person's tenant; none for a user of the platform.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) must_change_password: bool,
    /// What a page repeats with each change.
    pub(crate) csrf_token: String,
}

/// A caller who may still have to change a one-time password: for the few endpoints that do without.
pub(crate) struct Newcomer(pub(crate) Caller);

impl FromRequestParts<ApiState> for Newcomer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Problem> {
        let request_id = request_id(parts);
        let asked = parts.extensions.get::<Asked>().cloned().unwrap_or_default();
        let unknown = |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, "token.required", detail);
        if let Some(header) = parts.headers.get(header::AUTHORIZATION) {
            let secret = header.to_str().ok().and_then(|value| value.split_once(' '));
            let secret = secret.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            let (_, secret) = secret.ok_or_else(|| unknown("send `authorization: Bearer <token>`"))?;
            let secret = TokenSecret::presented(secret.trim());
            let principal = api.store.sign_in(&secret).await?;
            let principal = principal.ok_or_else(|| {
                tracing::warn!(request_id, "a token that is unknown, expired or revoked was presented");
                unknown("the token is unknown, expired or revoked")
            })?;
            asked.by(&principal);
            let shown = Shown::Token(secret);
            return Ok(Self(Caller { api: api.clone(), principal, by_session: None, shown, request_id, asked }));
        }
        let secret = cookie::session_secret(&parts.headers, &api.config);
        let secret = secret.ok_or_else(|| unknown("sign in, or send `authorization: Bearer <token>`"))?;
        let presented = TokenSecret::presented(secret.as_str());
        let found = api.store.resume_session(&presented).await?;
        let found = found.ok_or_else(|| unknown("the session has ended; sign in again"))?;
        asked.by(&found.principal);
        cookie::check_origin(&parts.headers, &parts.method, &api.config)?;
        cookie::check_csrf(&parts.headers, &parts.method, &secret)?;
        let by_session = BySession {
            session: found.session,
            tenant: found.tenant,
            must_change_password: found.must_change_password,
            csrf_token: cookie::csrf_token(&secret),
        };
        let shown = Shown::Session(presented);
        Ok(Self(Caller { api: api.clone(), principal: found.principal, by_session: Some(by_session), shown, request_id, asked }))
    }
}

impl FromRequestParts<ApiState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Problem> {
        let Newcomer(caller) = Newcomer::from_request_parts(parts, api).await?;
        if caller.by_session.as_ref().is_some_and(|by| by.must_change_password) {
            let detail = "you have signed in with a one-time password; choose one of your own first (PUT /api/v1/me/password)";
            return Err(Problem::new(StatusCode::FORBIDDEN, "password.must_change", detail));
        }
        Ok(caller)
    }
}

/// The id of a request.
pub(crate) fn request_id(parts: &Parts) -> String {
    parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

/// Where a request comes from, and what the client calls itself.
pub(crate) struct Origin {
    /// The address; for IPv6 its network, because one client has a whole one.
    pub(crate) address: String,
    /// `user-agent`.
    pub(crate) agent: String,
    pub(crate) request_id: String,
}

impl FromRequestParts<ApiState> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Infallible> {
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let address = address(&parts.headers, &parts.extensions, &api.config);
        Ok(Self { address, agent: agent.to_owned(), request_id: request_id(parts) })
    }
}

/// Where a request comes from; for IPv6 the network of the address.
pub(crate) fn address(headers: &HeaderMap, extensions: &Extensions, config: &ApiConfig) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // The last entry is the one that the nearest proxy has written; those before it are claims.
    let named = config.client_address_header.as_deref().map(|name| text(name).rsplit(',').next().unwrap_or_default().trim());
    let named = named.and_then(|address| address.parse::<IpAddr>().ok());
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    match named.or(peer) {
        Some(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => {
            let network = u128::from(v6) & !u128::from(u64::MAX);
            format!("{}/64", std::net::Ipv6Addr::from(network))
        }
        Some(address) => address.to_canonical().to_string(),
        None => "unknown".to_owned(),
    }
}

impl Caller {
    /// Looks again who the caller is and what they may do: a token may have been revoked since, a session ended, a role taken away.
    /// It is no use of a session.
    pub(crate) async fn look_again(&mut self) -> Result<(), Problem> {
        let found = match &self.shown {
            Shown::Token(secret) => self.api.store.sign_in(secret).await?,
            Shown::Session(secret) => {
                let found = self.api.store.look_at_session(secret).await?;
                found.filter(|found| !found.must_change_password).map(|found| found.principal)
            }
        };
        let ended = || Problem::new(StatusCode::UNAUTHORIZED, "token.required", "the token or the session has ended");
        self.principal = found.ok_or_else(ended)?;
        Ok(())
    }

    /// The caller as the cause of a change.
    pub(crate) fn cause(&self) -> Cause {
        Cause { actor: self.principal.user.clone(), actor_name: self.principal.name.clone(), request_id: Some(self.request_id.clone()) }
    }

    /// The caller as somebody who works on the test state of tables in `scope`.
    pub(crate) fn viewer(&self, scope: &ProjectScope) -> TableViewer {
        TableViewer { scope: scope.clone(), environment: Environment::Test, person: Some(self.principal.user.clone()) }
    }

    /// May the caller do `action` on the whole installation?
    pub(crate) async fn on_platform(&self, action: Action) -> Result<(), Problem> {
        self.authorize(action, &Scope::Platform, ("platform", "platform")).await
    }

    /// Finds the tenant of this name or id, if the caller may do `action` in it.
    pub(crate) async fn in_tenant(&self, tenant: &str, action: Action) -> Result<TenantId, Problem> {
        let id = self.api.store.tenant(tenant).await?.id;
        self.authorize(action, &Scope::Tenant(id.clone()), ("tenant", tenant)).await?;
        Ok(id)
    }

    /// Finds the project of this name or id, if the caller may do `action` in it. An archived project can be looked at
    /// but not entered (PRJ-2).
    pub(crate) async fn in_project(&self, tenant: &str, project: &str, action: Action) -> Result<ProjectScope, Problem> {
        let from_outside = matches!(action, Action::ProjectView | Action::ProjectArchive);
        self.find_project(tenant, project, action, from_outside).await
    }

    /// As [`Self::in_project`], for what must stay possible when the project is archived: taking permissions away.
    pub(crate) async fn in_project_or_archive(&self, tenant: &str, project: &str, action: Action) -> Result<ProjectScope, Problem> {
        self.find_project(tenant, project, action, true).await
    }

    async fn find_project(&self, tenant: &str, project: &str, action: Action, from_outside: bool) -> Result<ProjectScope, Problem> {
        let id = self.api.store.tenant(tenant).await?.id;
        let around = Scope::Tenant(id.clone());
        if !self.principal.sees(&around) {
            return self.refuse(action, &around, ("tenant", tenant)).await;
        }
        let found = self.api.store.project(&id, project).await?;
        self.authorize(action, &Scope::Project(found.scope.clone()), ("project", project)).await?;
        if found.archived_at_ms.is_some() && !from_outside {
            let detail = format!("project `{}` is archived and cannot be entered", found.name);
            return Err(Problem::new(StatusCode::CONFLICT, "project.archived", detail));
        }
        if let Err(service) = found.services.admit(action) {
            return Err(StoreError::NoService { project: found.name.to_string(), service }.into());
        }
        Ok(found.scope)
    }

    /// The session of a person; bearers of tokens have none.
    pub(crate) fn session(&self) -> Result<&BySession, Problem> {
        let detail = "only a person who has signed in can do this; a token cannot (millrace sign-in, or POST /api/v1/sign-in)";
        self.by_session.as_ref().ok_or_else(|| Problem::new(StatusCode::FORBIDDEN, "session.required", detail))
    }

    /// May the caller do `action` in `scope`? `place` says what to call it if they may not even know of it.
    pub(crate) async fn authorize(&self, action: Action, scope: &Scope, place: (&str, &str)) -> Result<(), Problem> {
        self.asked.about(action, scope);
        if self.principal.allowed(action, scope) { Ok(()) } else { self.refuse(action, scope, place).await }
    }

    /// Notes the refusal, then answers it: 404 to those who may not even know of the place, else 403.
    pub(crate) async fn refuse<T>(&self, action: Action, scope: &Scope, (what, name): (&str, &str)) -> Result<T, Problem> {
        refusals::note_in_place(&self.api, &self.cause(), action, scope, name).await?;
        if !self.principal.sees(scope) {
            return Err(Problem::not_found(what, name).noted());
        }
        let mut whole = self.principal.clone();
        whole.token_scopes = TokenScope::ALL.iter().copied().collect();
        if !self.principal.allowed(action, scope) && whole.allowed(action, scope) {
            let needed = action.token_scope();
            let detail = format!(
                "the token of `{}` may not do `{action}` in {what} `{name}`: it lacks the scope `{needed}`, which its role would allow",
                self.principal.name
            );
            return Err(Problem::new(StatusCode::FORBIDDEN, "access.token_scope", detail).noted());
        }
        let detail = format!("`{}` may not do `{action}` in {what} `{name}`", self.principal.name);
        Err(Problem::new(StatusCode::FORBIDDEN, "access.forbidden", detail).noted())
    }
}

/// Runs something that must not stop halfway when the client goes away.
pub(crate) async fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(|error| Problem::internal(format!("a detached request failed: {error}")))
}
