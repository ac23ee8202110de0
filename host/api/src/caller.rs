//! Who calls, and the one place where a request is allowed, refused or "not found".
//!
//! Invariant: a refusal is in the audit log before the caller hears of it. Requests without a valid token are only
//! logged: anybody can make any number of them, and nobody is there to name.

use crate::{frame::RequestId, problem::Problem, state::ApiState};
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, header, request::Parts},
};
use millrace_domain::{Action, Environment, Principal, ProjectScope, Scope};
use millrace_model::ids::TenantId;
use millrace_store::{Cause, TableViewer, TokenSecret};

/// A caller who has signed in, with the state of the API at hand.
pub(crate) struct Caller {
    pub(crate) api: ApiState,
    pub(crate) principal: Principal,
    request_id: String,
}

impl FromRequestParts<ApiState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Problem> {
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
        let unknown = |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, "token.required", detail);
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let secret = header.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, secret) = secret.ok_or_else(|| unknown("send `authorization: Bearer <token>`"))?;
        let principal = api.store.sign_in(&TokenSecret::presented(secret.trim())).await?;
        let principal = principal.ok_or_else(|| {
            tracing::warn!(request_id, "a token that is unknown, expired or revoked was presented");
            unknown("the token is unknown, expired or revoked")
        })?;
        Ok(Self { api: api.clone(), principal, request_id })
    }
}

impl Caller {
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
        let id = self.api.store.tenant(tenant).await?.id;
        let around = Scope::Tenant(id.clone());
        if !self.principal.sees(&around) {
            return self.refuse(action, &around, ("tenant", tenant)).await;
        }
        let found = self.api.store.project(&id, project).await?;
        self.authorize(action, &Scope::Project(found.scope.clone()), ("project", project)).await?;
        let from_outside = matches!(action, Action::ProjectView | Action::ProjectArchive);
        if found.archived_at_ms.is_some() && !from_outside {
            let detail = format!("project `{}` is archived and cannot be entered", found.name);
            return Err(Problem::new(StatusCode::CONFLICT, "project.archived", detail));
        }
        Ok(found.scope)
    }

    /// May the caller do `action` in `scope`? `place` says what to call it if they may not even know of it.
    pub(crate) async fn authorize(&self, action: Action, scope: &Scope, place: (&str, &str)) -> Result<(), Problem> {
        if self.principal.allowed(action, scope) { Ok(()) } else { self.refuse(action, scope, place).await }
    }

    /// Notes the refusal, then answers it: 404 to those who may not even know of the place, else 403.
    pub(crate) async fn refuse<T>(&self, action: Action, scope: &Scope, (what, name): (&str, &str)) -> Result<T, Problem> {
        self.api.store.record_refusal(&self.cause(), action, scope, name).await?;
        if !self.principal.sees(scope) {
            return Err(Problem::not_found(what, name));
        }
        let detail = format!("`{}` may not do `{action}` in {what} `{name}`", self.principal.name);
        Err(Problem::new(StatusCode::FORBIDDEN, "access.forbidden", detail))
    }
}

/// Runs something that must not stop halfway when the client goes away.
pub(crate) async fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(|error| Problem::internal(format!("a detached request failed: {error}")))
}
