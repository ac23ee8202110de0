//! Signing in at an identity provider: the browser goes there and comes back with a code.
//!
//! Invariant: only the browser that was sent away comes back, once and in time (state, a cookie, one row); where it goes in
//! the end is a path of this server. Somebody is only ever the user whom the provider knows by that subject: addresses and
//! names of the provider never make somebody an existing user.

use crate::{
    caller::Origin,
    cookie,
    extract::QueryString,
    identity_providers::{ProviderSettings, is_enabled, settings_of},
    problem::Problem,
    sign_in,
    state::{ApiConfig, ApiState},
};
use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use millrace_domain::{Name, name::NAME_CHARACTERS_MAX};
use millrace_identity::{Claims, OidcError};
use millrace_store::{Cause, Credential, IdentityProvider, ProvisionedUser, SignInFlow, StoreError, TokenSecret};
use serde::Deserialize;
use std::time::Duration;
use utoipa::IntoParams;

/// Time that somebody may take at the provider.
const FLOW_MAX: Duration = Duration::from_secs(600);
/// Longest path to return to, and longest code and state that are looked at.
const TEXT_BYTES_MAX: usize = 2_048;
/// Names that are tried for a new user when the first ones are taken.
const NAMES_TRIED: u32 = 20;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeginQuery {
    /// Path of this server to go to in the end; `/` unless given.
    return_to: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallbackQuery {
    /// The provider's code.
    code: Option<String>,
    /// What was sent with the browser.
    state: Option<String>,
    /// Why the provider refuses.
    error: Option<String>,
    /// What the provider calls itself, if it says so (RFC 9207).
    iss: Option<String>,
}

/// What to register at identity providers.
pub(crate) fn redirect_uri(config: &ApiConfig) -> String {
    format!("{}/api/v1/sign-in/callback", config.public_url.trim_end_matches('/'))
}

/// Send the browser to an identity provider.
#[utoipa::path(get, path = "/api/v1/sign-in/oidc/{provider}", tag = "sign-in", security(()), params(BeginQuery), responses((status = 303, description = "To the identity provider")))]
pub(crate) async fn begin_oidc(
    State(api): State<ApiState>,
    Path(provider): Path<String>,
    query: QueryString<BeginQuery>,
) -> Result<Response, Problem> {
    let return_to = query.parse()?.return_to.unwrap_or_else(|| "/".into());
    if !is_own_path(&return_to) {
        return Err(Problem::field("return_to", "request.invalid", "expected a path of this server that begins with one `/`"));
    }
    let provider = api.store.identity_provider(&provider).await?;
    if !is_enabled(&provider) {
        return Err(Problem::not_found("identity provider", &provider.id));
    }
    let settings = settings_of(&provider)?;
    let redirect = api.openid.begin(&settings.openid(), &redirect_uri(&api.config)).await.map_err(|error| unreachable(&error))?;
    let browser = TokenSecret::generate_session();
    let flow = SignInFlow {
        provider: provider.id,
        nonce: redirect.nonce,
        verifier: redirect.verifier,
        return_to,
        expires_at_ms: api.store.now_ms().saturating_add(i64::try_from(FLOW_MAX.as_millis()).unwrap_or(i64::MAX)),
    };
    api.store.begin_flow(&redirect.state, browser.reveal(), &flow).await?;
    let cookie = cookie::begin_flow(&api.config, browser.reveal(), FLOW_MAX);
    see_other(&redirect.url, [(header::SET_COOKIE, cookie)])
}

/// Where an identity provider sends the browser back to.
#[utoipa::path(get, path = "/api/v1/sign-in/callback", tag = "sign-in", security(()), params(CallbackQuery), responses((status = 303, description = "Signed in; to where the sign-in began")))]
pub(crate) async fn finish_oidc(
    State(api): State<ApiState>,
    origin: Origin,
    headers: HeaderMap,
    query: QueryString<CallbackQuery>,
) -> Result<Response, Problem> {
    let CallbackQuery { code, state, error, iss } = query.parse()?;
    let strange =
        || Problem::new(StatusCode::BAD_REQUEST, "sign_in.unknown_flow", "this sign-in was not begun here, or has ended; begin again");
    let state = state.filter(|state| state.len() <= TEXT_BYTES_MAX).ok_or_else(strange)?;
    let browser = cookie::flow_secret(&headers).ok_or_else(strange)?;
    let flow = api.store.take_flow(&state, &browser).await?.ok_or_else(strange)?;
    let provider = api.store.identity_provider(&flow.provider).await?;
    let refused = |reason: &str| {
        Problem::new(StatusCode::UNAUTHORIZED, "sign_in.failed", format!("the sign-in at `{}` failed: {reason}", provider.name)).noted()
    };
    if iss.is_some_and(|iss| settings_of(&provider).is_ok_and(|settings| settings.issuer != iss)) {
        api.store.record_failed_flow(&provider, &origin.address, "another issuer").await?;
        return Err(refused("another provider has answered"));
    }
    if let Some(error) = error {
        let word: String = error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(64).collect();
        api.store.record_failed_flow(&provider, &origin.address, &word).await?;
        return Err(refused(&format!("the provider answers `{word}`")));
    }
    let code = code.filter(|code| code.len() <= TEXT_BYTES_MAX).ok_or_else(strange)?;
    match come_in(&api, &origin, &provider, &flow, &code).await {
        Ok(secret) => {
            let [session, csrf] = cookie::begin(&api.config, secret.reveal());
            let over = cookie::begin_flow(&api.config, "", Duration::ZERO);
            see_other(&flow.return_to, [session, csrf, over].map(|cookie| (header::SET_COOKIE, cookie)))
        }
        Err(Refusal::Person(reason)) => {
            api.store.record_failed_flow(&provider, &origin.address, &reason).await?;
            Err(refused(&reason))
        }
        Err(Refusal::Provider(error)) => {
            api.store.record_failed_flow(&provider, &origin.address, &error.to_string()).await?;
            Err(unreachable(&error))
        }
        Err(Refusal::Problem(problem)) => Err(*problem),
    }
}

/// Why somebody does not come in.
enum Refusal {
    Person(String),
    Provider(OidcError),
    Problem(Box<Problem>),
}

impl<E: Into<Problem>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Problem(Box::new(error.into()))
    }
}

async fn come_in(
    api: &ApiState,
    origin: &Origin,
    provider: &IdentityProvider,
    flow: &SignInFlow,
    code: &str,
) -> Result<TokenSecret, Refusal> {
    let settings = settings_of(provider)?;
    if !settings.enabled {
        return Err(Refusal::Person("it is not enabled any more".into()));
    }
    let secrets = (flow.verifier.as_str(), flow.nonce.as_str());
    let claims = api.openid.finish(&settings.openid(), &provider.client_secret, &redirect_uri(&api.config), code, secrets).await;
    let claims = claims.map_err(Refusal::Provider)?;
    check_domain(&settings, &claims).map_err(Refusal::Person)?;
    let home = provider.tenant.as_ref();
    let grants = settings.grants(api, home, &claims.texts(&settings.roles_claim)).await?;
    let provision = settings.auto_provision.then(|| ProvisionedUser {
        names: names(&settings, &claims),
        display_name: claims.text("name").unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect(),
        email: claims.text("email").unwrap_or_default().chars().take(200).collect(),
        grants: grants.clone(),
    });
    let cause = Cause { request_id: Some(origin.request_id.clone()), ..Cause::system("sign-in") };
    let user = match api.store.external_user(&cause, provider, &claims.subject, provision.as_ref()).await {
        Ok(user) => user,
        Err(StoreError::NotFound { .. }) => {
            return Err(Refusal::Person("nobody here is known by this identity, and new users are not made; ask an administrator".into()));
        }
        Err(error) => return Err(error.into()),
    };
    let person = api.store.person(&user).await?.filter(|person| person.disabled_at_ms.is_none());
    let person = person.ok_or_else(|| Refusal::Person("the account is disabled or removed".into()))?;
    if settings.sync_roles && api.store.grants(&user).await? != grants {
        match api.store.set_grants(&cause, home, &user, &grants, person.revision).await {
            Ok(()) => {}
            // The last administrator stays one; somebody who changes roles at this moment wins.
            Err(error @ (StoreError::InUse { .. } | StoreError::RevisionConflict { .. })) => {
                tracing::warn!(user, %error, "roles were not synchronized")
            }
            Err(error) => return Err(error.into()),
        }
    }
    let credential = Credential { user, name: person.name, password_hash: None, must_change: false, expires_at_ms: None, enabled: true };
    let (_, secret) = sign_in::begin(api, origin, provider.tenant.clone(), &credential, &provider.id).await?;
    Ok(secret)
}

/// Whether the person's address is one that may come in.
fn check_domain(settings: &ProviderSettings, claims: &Claims) -> Result<(), String> {
    if settings.allowed_domains.is_empty() {
        return Ok(());
    }
    let verified = claims.all.get("email_verified").and_then(serde_json::Value::as_bool) == Some(true);
    let domain = claims.text("email").and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain.to_ascii_lowercase());
    match domain {
        Some(domain) if verified && settings.allowed_domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(&domain)) => Ok(()),
        Some(domain) if verified => Err(format!("addresses of `{domain}` are not let in")),
        Some(_) | None => Err("the provider does not say that it has verified an address".into()),
    }
}

/// Names for a new user, best first: from the claim or the address, then with a number behind it.
fn names(settings: &ProviderSettings, claims: &Claims) -> Vec<Name> {
    let wish = claims.text(&settings.name_claim).or_else(|| claims.text("email")).unwrap_or("user");
    let local = wish.split('@').next().unwrap_or_default().to_lowercase();
    let plain: String = local.chars().map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' { c } else { '-' }).collect();
    let plain = plain.trim_matches(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit());
    let starts_well = plain.starts_with(|c: char| c.is_ascii_lowercase());
    let base: String = if starts_well { plain.to_owned() } else { format!("user-{plain}") };
    let base: String = base.trim_end_matches('-').chars().take(NAME_CHARACTERS_MAX - 4).collect();
    let numbered = (2..NAMES_TRIED).map(|number| format!("{base}-{number}"));
    std::iter::once(base.clone()).chain(numbered).filter_map(|name| name.parse().ok()).collect()
}

/// Whether a browser that goes there stays on this server.
fn is_own_path(path: &str) -> bool {
    path.len() <= TEXT_BYTES_MAX
        && path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && path.chars().all(|c| c.is_ascii_graphic())
}

fn see_other<const N: usize>(to: &str, cookies: [(header::HeaderName, HeaderValue); N]) -> Result<Response, Problem> {
    let to = HeaderValue::from_str(to).map_err(|_| Problem::internal("a place to send the browser to is no header"))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to)], AppendHeaders(cookies)).into_response())
}

fn unreachable(error: &OidcError) -> Problem {
    let problem = Problem::new(
        StatusCode::BAD_GATEWAY,
        "sign_in.provider",
        "the identity provider did not let you in; try again, or tell an administrator",
    );
    Problem { internal: Some(format!("{error:?}")), ..problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn browsers_stay_here() {
        for (path, own) in [
            ("/", true),
            ("/t/acme?x=1#y", true),
            ("//evil", false),
            ("https://evil", false),
            ("/\\evil", false),
            ("", false),
            ("/ä", false),
        ] {
            assert_eq!(is_own_path(path), own, "{path}");
        }
    }

    #[test]
    fn names_are_made_of_claims() {
        let settings: ProviderSettings = serde_json::from_value(json!({"issuer": "https://x", "client_id": "c"})).unwrap();
        let first = |claims: serde_json::Value| {
            let claims = Claims { subject: "1".into(), all: claims.as_object().unwrap().clone() };
            names(&settings, &claims)[0].to_string()
        };
        assert_eq!(first(json!({"preferred_username": "Ann.Smith"})), "ann-smith");
        assert_eq!(first(json!({"email": "bob@example.com"})), "bob");
        assert_eq!(first(json!({"preferred_username": "42"})), "user-42");
        assert_eq!(first(json!({"preferred_username": "李雷"})), "user");
        assert_eq!(first(json!({})), "user");
    }

    #[test]
    fn only_verified_addresses_of_the_domains_come_in() {
        let settings = json!({"issuer": "https://x", "client_id": "c", "allowed_domains": ["example.com"]});
        let settings: ProviderSettings = serde_json::from_value(settings).unwrap();
        let check =
            |claims: serde_json::Value| check_domain(&settings, &Claims { subject: "1".into(), all: claims.as_object().unwrap().clone() });
        assert!(check(json!({"email": "a@Example.com", "email_verified": true})).is_ok());
        for wrong in [
            json!({"email": "a@example.com"}),
            json!({"email": "a@example.com", "email_verified": "true"}),
            json!({"email": "a@example.com.evil", "email_verified": true}),
            json!({}),
        ] {
            assert!(check(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
