//! Signing in and out with a password.
//!
//! Invariant: the answer, and the time until it comes, are the same for an account that is not there, one that is
//! disabled, and a wrong password. An attempt is counted before the password is looked at.

use crate::{
    caller::{Newcomer, Origin},
    cookie,
    extract::{JsonBody, QueryString},
    problem::Problem,
    state::ApiState,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use millrace_domain::password::PASSWORD_BYTES_MAX;
use millrace_model::ids::TenantId;
use millrace_store::{AttemptSubject, Cause, Credential, NewSession, Session, StoreError, TokenSecret, account_of};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Longest name of an account that is looked at.
const ACCOUNT_BYTES_MAX: usize = 128;

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInBody {
    /// Name or id of the tenant; absent for users of the platform.
    tenant: Option<String>,
    /// Name of the user.
    name: String,
    /// The password.
    password: String,
}

/// A session just begun; its secret is in a cookie that scripts cannot read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedInView {
    /// Id of the user.
    user: String,
    name: String,
    /// To be sent as `x-csrf-token` with every request that changes something; also in the cookie `millrace_csrf`.
    csrf_token: String,
    /// Nothing else is possible before the password was changed.
    must_change_password: bool,
    /// Ends without use after this time.
    idle_ms: i64,
    /// Ends at the latest.
    expires_at_ms: i64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProvidersQuery {
    /// Name or id of the tenant; absent for users of the platform.
    tenant: Option<String>,
}

/// A way to sign in without a password of this server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignInProviderView {
    name: String,
    /// Where to send the browser; `return_to` can be added.
    url: String,
}

/// How one can sign in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignInOptionsView {
    items: Vec<SignInProviderView>,
}

/// Sign in with a password.
#[utoipa::path(post, path = "/api/v1/sign-in", tag = "sign-in", security(()), request_body = SignInBody, responses((status = 200, body = SignedInView)))]
pub(crate) async fn sign_in(
    State(api): State<ApiState>,
    origin: Origin,
    method: Method,
    headers: HeaderMap,
    body: JsonBody<SignInBody>,
) -> Result<Response, Problem> {
    cookie::check_origin(&headers, &method, &api.config)?;
    let SignInBody { tenant, name, password } = body.parse()?;
    let odd = |text: &str| text.len() > ACCOUNT_BYTES_MAX || text.chars().any(char::is_control);
    if odd(&name) || tenant.as_deref().is_some_and(odd) || password.len() > PASSWORD_BYTES_MAX {
        return Err(Problem::field("name", "request.invalid", "name, tenant or password is longer than any can be, or not in one line"));
    }
    let (known, account) = match &tenant {
        None => (Some(None), account_of(None, &name)),
        Some(text) => match api.store.tenant(text).await {
            Ok(found) => (Some(Some(found.id.clone())), account_of(Some(&found.id), &name)),
            Err(StoreError::NotFound { .. }) => (None, format!("{text}/{name}")),
            Err(error) => return Err(error.into()),
        },
    };
    let who = AttemptSubject { account, address: origin.address.clone() };
    admit(&api, &who).await?;
    let found = match &known {
        Some(tenant) => api.store.credential(tenant.as_ref(), &name).await?,
        None => None,
    };
    let usable = found.as_ref().filter(|c| c.enabled && c.expires_at_ms.is_none_or(|at_ms| at_ms > api.store.now_ms()));
    let stored = usable.and_then(|c| c.password_hash.clone());
    let right = api.hasher.verify(password.clone(), stored.clone()).await?;
    let tenant = known.flatten();
    let user = found.as_ref().map(|c| c.user.clone());
    let Some(credential) = found.filter(|_| right) else {
        return failed(&api, &origin, tenant.as_ref(), user).await;
    };
    api.store.forget_attempts(&who).await?;
    if let Some(old) = stored.filter(|stored| api.hasher.is_outdated(stored)) {
        let new = api.hasher.hash(password).await?;
        api.store.rehash_password(&credential.user, &old, &new).await?;
    }
    let (session, secret) = begin(&api, &origin, tenant, &credential, "password").await?;
    Ok(signed_in(&api, &session, &secret, credential))
}

/// Waits are answered with the time that is left.
pub(crate) async fn admit(api: &ApiState, who: &AttemptSubject) -> Result<(), Problem> {
    let Some(wait_ms) = api.store.count_attempt(who).await? else { return Ok(()) };
    tracing::warn!(address = who.address, wait_ms, "too many attempts to sign in");
    let seconds = wait_ms.div_euclid(1_000) + 1;
    let detail = format!("too many attempts to sign in; try again in {seconds} s");
    Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "sign_in.too_many", detail).after(seconds))
}

async fn failed(api: &ApiState, origin: &Origin, tenant: Option<&TenantId>, user: Option<String>) -> Result<Response, Problem> {
    let cause = Cause { actor: "anonymous".into(), actor_name: "anonymous".into(), request_id: Some(origin.request_id.clone()) };
    api.store.record_failed_sign_in(&cause, tenant, user.as_deref(), &origin.address, "password").await?;
    let detail = "tenant, name or password is wrong, or the account is disabled";
    Err(Problem::new(StatusCode::UNAUTHORIZED, "sign_in.failed", detail).noted())
}

/// Begins a session of the person.
pub(crate) async fn begin(
    api: &ApiState,
    origin: &Origin,
    tenant: Option<TenantId>,
    credential: &Credential,
    method: &str,
) -> Result<(Session, TokenSecret), Problem> {
    let millis = |time: std::time::Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let new = NewSession {
        tenant,
        user: credential.user.clone(),
        method: method.to_owned(),
        address: origin.address.clone(),
        agent: origin.agent.clone(),
        idle_ms: millis(api.config.session_idle),
        lasts_ms: millis(api.config.session_max),
    };
    let request_id = Some(origin.request_id.clone());
    let cause = Cause { actor: credential.user.clone(), actor_name: credential.name.to_string(), request_id };
    Ok(api.store.begin_session(&cause, &new).await?)
}

fn signed_in(api: &ApiState, session: &Session, secret: &TokenSecret, credential: Credential) -> Response {
    let view = SignedInView {
        user: credential.user,
        name: credential.name.to_string(),
        csrf_token: cookie::csrf_token(secret.reveal()),
        must_change_password: credential.must_change,
        idle_ms: session.idle_ms,
        expires_at_ms: session.expires_at_ms,
    };
    let cookies = cookie::begin(&api.config, secret.reveal()).map(|cookie| (header::SET_COOKIE, cookie));
    (AppendHeaders(cookies), Json(view)).into_response()
}

/// Sign out: the session that the request comes with ends.
#[utoipa::path(post, path = "/api/v1/sign-out", tag = "sign-in", responses((status = 204)))]
pub(crate) async fn sign_out(Newcomer(caller): Newcomer) -> Result<Response, Problem> {
    let by = caller.session()?;
    let (cause, user) = (caller.cause(), caller.principal.user.as_str());
    caller.api.store.end_session(&cause, by.tenant.as_ref(), user, &by.session.id, "session.sign_out").await?;
    let cookies = cookie::end(&caller.api.config).map(|cookie| (header::SET_COOKIE, cookie));
    Ok((StatusCode::NO_CONTENT, AppendHeaders(cookies)).into_response())
}

/// List the identity providers that a tenant's users, or the platform's, can sign in with. A tenant that is not there has
/// none.
#[utoipa::path(get, path = "/api/v1/sign-in/providers", tag = "sign-in", security(()), params(ProvidersQuery), responses((status = 200, body = SignInOptionsView)))]
pub(crate) async fn list_sign_in_providers(
    State(api): State<ApiState>,
    query: QueryString<ProvidersQuery>,
) -> Result<Json<SignInOptionsView>, Problem> {
    let tenant = match query.parse()?.tenant {
        None => None,
        Some(text) => match api.store.tenant(&text).await {
            Ok(found) => Some(found.id),
            Err(StoreError::NotFound { .. }) => return Ok(Json(SignInOptionsView { items: Vec::new() })),
            Err(error) => return Err(error.into()),
        },
    };
    let found = api.store.identity_providers(tenant.as_ref()).await?;
    let usable = found.into_iter().filter(crate::identity_providers::is_enabled);
    let items = usable.map(|p| SignInProviderView { name: p.name.to_string(), url: format!("/api/v1/sign-in/oidc/{}", p.id) });
    Ok(Json(SignInOptionsView { items: items.collect() }))
}
