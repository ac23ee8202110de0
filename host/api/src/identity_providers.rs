//! Identity providers of a tenant or of the platform: how they are configured. What happens when somebody signs in there is
//! in `oidc`.
//!
//! Invariant: the client's secret goes in and never comes out; nobody lets a provider give more than they may give.

use crate::{
    allowed::allowed,
    caller::Caller,
    extract::{IfMatch, JsonBody, QueryString, Tagged},
    page::{Listing, PageQuery},
    problem::Problem,
    state::ApiState,
    users::{RoleBody, check_change, grants_of},
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, Grant, Name, Scope};
use millrace_identity::{OidcError, OidcSettings};
use millrace_model::ids::TenantId;
use millrace_store::{ExternalIdentity, IdentityProvider, NewIdentityProvider, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Rules of one provider.
const RULES_MAX: usize = 200;
/// Bytes of any text in the settings.
const TEXT_BYTES_MAX: usize = 1_000;

/// A role that a value of a claim gives.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleRule {
    /// A value of the claim `roles_claim`; empty: everybody who comes in.
    #[serde(default)]
    pub(crate) value: String,
    /// `developer`, …
    pub(crate) role: String,
    /// Name or id of a tenant; only for the platform's provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// Name or id of a project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<String>,
}

/// An identity provider (OpenID Connect).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderSettings {
    /// What the provider calls itself: `https://id.example.com`.
    pub(crate) issuer: String,
    /// What the provider calls this server.
    pub(crate) client_id: String,
    /// Asked for beside `openid`.
    #[serde(default = "default_scopes")]
    pub(crate) scopes: Vec<String>,
    /// Whether it can be used.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    /// Only people with a verified address in one of these domains; everybody if empty.
    #[serde(default)]
    pub(crate) allowed_domains: Vec<String>,
    /// Whether somebody who is not known yet becomes a user.
    #[serde(default)]
    pub(crate) auto_provision: bool,
    /// Claim that a new user's name is made of.
    #[serde(default = "default_name_claim")]
    pub(crate) name_claim: String,
    /// Claim whose values give roles; a dotted name goes into objects.
    #[serde(default = "default_roles_claim")]
    pub(crate) roles_claim: String,
    /// Roles by the claim's values.
    #[serde(default)]
    pub(crate) roles: Vec<RoleRule>,
    /// Whether each sign-in makes the user's roles what the claim gives; otherwise only the first.
    #[serde(default)]
    pub(crate) sync_roles: bool,
}

fn default_scopes() -> Vec<String> {
    vec!["profile".into(), "email".into()]
}

fn default_name_claim() -> String {
    "preferred_username".into()
}

fn default_roles_claim() -> String {
    "groups".into()
}

fn yes() -> bool {
    true
}

/// An identity provider to make or to replace.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderBody {
    settings: ProviderSettings,
    /// The client's secret; absent keeps the one that is there, if the issuer stays; empty for a public client.
    client_secret: Option<String>,
}

/// An identity provider without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProviderView {
    id: String,
    name: String,
    /// What to register at the provider as redirect URI.
    redirect_uri: String,
    has_client_secret: bool,
    settings: ProviderSettings,
    /// Also the ETag.
    revision: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
    /// What the caller can do: `edit`, `link`, `delete`.
    allowed_actions: Vec<&'static str>,
}

/// All identity providers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProvidersView {
    items: Vec<ProviderView>,
}

/// A subject of a provider.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityBody {
    /// Name or id of the user who signs in with it.
    user: String,
    /// The provider's `sub` claim.
    subject: String,
}

/// A person whom a provider signs in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IdentityView {
    /// Id of the user.
    user: String,
    user_name: String,
    /// What the provider calls them.
    subjects: Vec<SubjectView>,
    /// What the caller can do: `unlink`.
    allowed_actions: Vec<&'static str>,
}

/// What a provider calls a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubjectView {
    /// The provider's `sub` claim.
    subject: String,
    created_at_ms: i64,
}

impl IdentityView {
    fn of(caller: &Caller, home: &Option<TenantId>, found: ExternalIdentity) -> Self {
        let subjects = found.subjects.into_iter().map(|(subject, created_at_ms)| SubjectView { subject, created_at_ms });
        let (place, action) = match home {
            Some(tenant) => (Scope::Tenant(tenant.clone()), Action::SignInEdit),
            None => (Scope::Platform, Action::PlatformSignIn),
        };
        Self {
            user: found.user,
            user_name: found.user_name.to_string(),
            subjects: subjects.collect(),
            allowed_actions: allowed(caller, &place, [("unlink", action, true)]),
        }
    }
}

/// The settings of a stored provider.
pub(crate) fn settings_of(provider: &IdentityProvider) -> Result<ProviderSettings, Problem> {
    let read = serde_json::from_value(provider.settings.clone());
    read.map_err(|error| Problem::internal(format!("settings of identity provider {}: {error}", provider.id)))
}

/// Whether people can sign in with it.
pub(crate) fn is_enabled(provider: &IdentityProvider) -> bool {
    settings_of(provider).is_ok_and(|settings| settings.enabled)
}

impl ProviderSettings {
    pub(crate) fn openid(&self) -> OidcSettings {
        OidcSettings { issuer: self.issuer.clone(), client_id: self.client_id.clone(), scopes: self.scopes.clone() }
    }

    fn check(&self) -> Result<(), Problem> {
        let wrong = |field: &str, message: String| Err(Problem::field(field, "request.invalid", message));
        let rules = self.roles.iter().flat_map(|rule| [&rule.value, &rule.role]);
        let texts = [&self.issuer, &self.client_id, &self.name_claim, &self.roles_claim];
        let all = texts.into_iter().chain(&self.scopes).chain(&self.allowed_domains).chain(rules);
        if all.clone().any(|text| text.len() > TEXT_BYTES_MAX) || all.count() > 3 * RULES_MAX {
            return wrong("settings", format!("expected at most {RULES_MAX} rules and {TEXT_BYTES_MAX} bytes in each text"));
        }
        if self.client_id.is_empty() {
            return wrong("client_id", "is empty".into());
        }
        if let Some(domain) = self.allowed_domains.iter().find(|domain| domain.contains('@') || !domain.contains('.')) {
            return wrong("allowed_domains", format!("`{domain}` is not a domain such as example.com"));
        }
        if let Some(scope) = self.scopes.iter().find(|scope| scope.contains(char::is_whitespace)) {
            return wrong("scopes", format!("`{scope}` holds a space; give one scope at a time"));
        }
        Ok(())
    }

    /// The grants that `values` of the claim give.
    pub(crate) async fn grants(&self, api: &ApiState, home: Option<&TenantId>, values: &[&str]) -> Result<Vec<Grant>, Problem> {
        let matching = self.roles.iter().filter(|rule| rule.value.is_empty() || values.contains(&rule.value.as_str()));
        let mut grants = Vec::new();
        for rule in matching {
            let body = rule.body()?;
            // A project that is gone since gives nothing.
            match grants_of(api, &home.cloned(), std::slice::from_ref(&body)).await {
                Ok(found) => grants.extend(found.into_iter().filter(|grant| !grants.contains(grant)).collect::<Vec<_>>()),
                Err(problem) if problem.status == StatusCode::NOT_FOUND => {}
                Err(problem) => return Err(problem),
            }
        }
        Ok(grants)
    }
}

impl RoleRule {
    fn body(&self) -> Result<RoleBody, Problem> {
        let role = self
            .role
            .parse()
            .map_err(|error: millrace_domain::UnknownWord| Problem::field("roles", "request.invalid", error.to_string()))?;
        Ok(RoleBody { role, tenant: self.tenant.clone(), project: self.project.clone() })
    }
}

fn view(caller: &Caller, provider: IdentityProvider) -> Result<ProviderView, Problem> {
    let (edit, place) = match &provider.tenant {
        Some(tenant) => (Action::SignInEdit, Scope::Tenant(tenant.clone())),
        None => (Action::PlatformSignIn, Scope::Platform),
    };
    let offers = [("edit", edit, true), ("link", edit, true), ("delete", edit, true)];
    Ok(ProviderView {
        allowed_actions: allowed(caller, &place, offers),
        settings: settings_of(&provider)?,
        redirect_uri: crate::oidc::redirect_uri(&caller.api.config),
        has_client_secret: !provider.client_secret.is_empty(),
        id: provider.id,
        name: provider.name.to_string(),
        revision: provider.revision,
        created_at_ms: provider.created_at_ms,
        updated_at_ms: provider.updated_at_ms,
    })
}

async fn list(caller: &Caller, home: Option<TenantId>) -> Result<Json<ProvidersView>, Problem> {
    let found = caller.api.store.identity_providers(home.as_ref()).await?;
    Ok(Json(ProvidersView { items: found.into_iter().map(|p| view(caller, p)).collect::<Result<_, _>>()? }))
}

async fn set(
    caller: &Caller,
    home: Option<TenantId>,
    name: &str,
    if_match: &IfMatch,
    body: JsonBody<ProviderBody>,
) -> Result<Tagged<ProviderView>, Problem> {
    let name: Name =
        name.parse().map_err(|error: millrace_domain::NameError| Problem::field("name", "request.invalid", error.to_string()))?;
    let revision = if_match.revision()?;
    let ProviderBody { settings, client_secret } = body.parse()?;
    settings.check()?;
    for rule in &settings.roles {
        let grants = grants_of(&caller.api, &home, &[rule.body()?]).await?;
        check_change(caller, &home, &[], &grants).await?;
    }
    let all = caller.api.store.identity_providers(home.as_ref()).await?;
    let known = all.into_iter().find(|provider| provider.name == name);
    if client_secret.is_none() {
        check_kept_secret(known.as_ref(), &settings)?;
    }
    // What was looked at is what is changed: the secret that stays is the one of this issuer.
    let revision = revision.or_else(|| known.as_ref().filter(|_| client_secret.is_none()).map(|known| known.revision));
    if settings.enabled {
        caller.api.openid.check(&settings.openid()).await.map_err(refused)?;
    }
    let settings = serde_json::to_value(&settings).map_err(|error| Problem::internal(error.to_string()))?;
    let new = NewIdentityProvider { name, client_secret, settings };
    let made = caller.api.store.put_identity_provider(&caller.cause(), home.as_ref(), &new, revision).await?;
    Ok(Tagged(StatusCode::OK, made.revision, view(caller, made)?))
}

/// The client's secret stays with the issuer to whom it was given: another one would get it at the first sign-in.
fn check_kept_secret(known: Option<&IdentityProvider>, new: &ProviderSettings) -> Result<(), Problem> {
    let Some(known) = known.filter(|known| !known.client_secret.is_empty()) else { return Ok(()) };
    let issuer = settings_of(known)?.issuer;
    if issuer == new.issuer {
        return Ok(());
    }
    let message = format!("was given for `{issuer}`; give the secret for `{}`, or an empty one", new.issuer);
    Err(Problem::field("client_secret", "identity_provider.secret_moved", message))
}

/// What a provider answered, as far as whoever configures it needs it.
fn refused(error: OidcError) -> Problem {
    let problem = match &error {
        OidcError::Settings(_) => Problem::field("issuer", "sign_in.provider", error.to_string()),
        OidcError::Provider { .. } | OidcError::Token(_) => Problem::new(StatusCode::BAD_GATEWAY, "sign_in.provider", error.to_string()),
    };
    Problem { internal: Some(format!("{error:?}")), ..problem }
}

async fn link(caller: &Caller, home: Option<TenantId>, name: &str, body: JsonBody<IdentityBody>) -> Result<StatusCode, Problem> {
    let IdentityBody { user, subject } = body.parse()?;
    if subject.is_empty() || subject.len() > 255 || subject.chars().any(char::is_control) {
        return Err(Problem::field("subject", "request.invalid", "expected 1 to 255 characters in one line"));
    }
    let found = caller.api.store.user(home.as_ref(), &user).await?;
    // Whoever decides how somebody signs in can be that somebody.
    let held = caller.api.store.grants(&found.id).await?;
    check_change(caller, &home, &held, &[]).await?;
    let provider = named(caller, &home, name).await?;
    caller.api.store.link_external_user(&caller.cause(), &provider, &subject, &found.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn named(caller: &Caller, home: &Option<TenantId>, name: &str) -> Result<IdentityProvider, Problem> {
    let all = caller.api.store.identity_providers(home.as_ref()).await?;
    let provider = all.into_iter().find(|p| p.name.as_str() == name || p.id == name);
    Ok(provider.ok_or_else(|| StoreError::not_found("identity provider", name))?)
}

async fn list_linked(
    caller: &Caller,
    home: Option<TenantId>,
    name: &str,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<IdentityView>>, Problem> {
    let provider = named(caller, &home, name).await?;
    let page = caller.api.store.external_identities(&provider, &query.parse()?.into()).await?;
    Ok(Json(Listing::with(page, |found| IdentityView::of(caller, &home, found))))
}

async fn unlink(caller: &Caller, home: Option<TenantId>, name: &str, subject: &str) -> Result<StatusCode, Problem> {
    let provider = named(caller, &home, name).await?;
    let user = caller.api.store.person_of_subject(&provider, subject).await?;
    // Nobody takes away how somebody comes in who can do more than they can.
    let held = caller.api.store.grants(&user).await?;
    check_change(caller, &home, &held, &[]).await?;
    caller.api.store.unlink_external_user(&caller.cause(), &provider, subject).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the identity providers of a tenant.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/identity-providers", tag = "sign-in", responses((status = 200, body = ProvidersView)))]
pub(crate) async fn list_identity_providers(caller: Caller, Path(tenant): Path<String>) -> Result<Json<ProvidersView>, Problem> {
    let home = Some(caller.in_tenant(&tenant, Action::SignInView).await?);
    list(&caller, home).await
}

/// Make an identity provider of a tenant, or replace it. The provider must answer, unless it is not enabled.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/identity-providers/{provider}", tag = "sign-in", request_body = ProviderBody, responses((status = 200, body = ProviderView)))]
pub(crate) async fn set_identity_provider(
    caller: Caller,
    Path((tenant, provider)): Path<(String, String)>,
    if_match: IfMatch,
    body: JsonBody<ProviderBody>,
) -> Result<Tagged<ProviderView>, Problem> {
    let home = Some(caller.in_tenant(&tenant, Action::SignInEdit).await?);
    set(&caller, home, &provider, &if_match, body).await
}

/// Remove an identity provider of a tenant; users that it made stay.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/identity-providers/{provider}", tag = "sign-in", responses((status = 204)))]
pub(crate) async fn delete_identity_provider(
    caller: Caller,
    Path((tenant, provider)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let home = caller.in_tenant(&tenant, Action::SignInEdit).await?;
    caller.api.store.delete_identity_provider(&caller.cause(), Some(&home), &provider).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say which user a subject of an identity provider is.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/identity-providers/{provider}/identities", tag = "sign-in", request_body = IdentityBody, responses((status = 204)))]
pub(crate) async fn link_identity(
    caller: Caller,
    Path((tenant, provider)): Path<(String, String)>,
    body: JsonBody<IdentityBody>,
) -> Result<StatusCode, Problem> {
    let home = Some(caller.in_tenant(&tenant, Action::SignInEdit).await?);
    link(&caller, home, &provider, body).await
}

/// List the users whom an identity provider of a tenant signs in, and what it calls them.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/identity-providers/{provider}/identities", tag = "sign-in", params(PageQuery), responses((status = 200, body = Listing<IdentityView>)))]
pub(crate) async fn list_identities(
    caller: Caller,
    Path((tenant, provider)): Path<(String, String)>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<IdentityView>>, Problem> {
    let home = Some(caller.in_tenant(&tenant, Action::SignInView).await?);
    list_linked(&caller, home, &provider, query).await
}

/// Say that a subject of an identity provider of a tenant is nobody any more; sessions begun there end.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/identity-providers/{provider}/identities/{subject}", tag = "sign-in", responses((status = 204)))]
pub(crate) async fn unlink_identity(
    caller: Caller,
    Path((tenant, provider, subject)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let home = Some(caller.in_tenant(&tenant, Action::SignInEdit).await?);
    unlink(&caller, home, &provider, &subject).await
}

/// List the users whom an identity provider of the platform signs in, and what it calls them.
#[utoipa::path(get, path = "/api/v1/platform/identity-providers/{provider}/identities", tag = "sign-in", params(PageQuery), responses((status = 200, body = Listing<IdentityView>)))]
pub(crate) async fn list_platform_identities(
    caller: Caller,
    Path(provider): Path<String>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<IdentityView>>, Problem> {
    caller.on_platform(Action::PlatformSignIn).await?;
    list_linked(&caller, None, &provider, query).await
}

/// Say which user of the platform a subject of an identity provider is.
#[utoipa::path(post, path = "/api/v1/platform/identity-providers/{provider}/identities", tag = "sign-in", request_body = IdentityBody, responses((status = 204)))]
pub(crate) async fn link_platform_identity(
    caller: Caller,
    Path(provider): Path<String>,
    body: JsonBody<IdentityBody>,
) -> Result<StatusCode, Problem> {
    caller.on_platform(Action::PlatformSignIn).await?;
    link(&caller, None, &provider, body).await
}

/// Say that a subject of an identity provider of the platform is nobody any more; sessions begun there end.
#[utoipa::path(delete, path = "/api/v1/platform/identity-providers/{provider}/identities/{subject}", tag = "sign-in", responses((status = 204)))]
pub(crate) async fn unlink_platform_identity(
    caller: Caller,
    Path((provider, subject)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    caller.on_platform(Action::PlatformSignIn).await?;
    unlink(&caller, None, &provider, &subject).await
}

/// List the identity providers of the platform.
#[utoipa::path(get, path = "/api/v1/platform/identity-providers", tag = "sign-in", responses((status = 200, body = ProvidersView)))]
pub(crate) async fn list_platform_identity_providers(caller: Caller) -> Result<Json<ProvidersView>, Problem> {
    caller.on_platform(Action::PlatformSignIn).await?;
    list(&caller, None).await
}

/// Make an identity provider of the platform, or replace it.
#[utoipa::path(put, path = "/api/v1/platform/identity-providers/{provider}", tag = "sign-in", request_body = ProviderBody, responses((status = 200, body = ProviderView)))]
pub(crate) async fn set_platform_identity_provider(
    caller: Caller,
    Path(provider): Path<String>,
    if_match: IfMatch,
    body: JsonBody<ProviderBody>,
) -> Result<Tagged<ProviderView>, Problem> {
    caller.on_platform(Action::PlatformSignIn).await?;
    set(&caller, None, &provider, &if_match, body).await
}

/// Remove an identity provider of the platform.
#[utoipa::path(delete, path = "/api/v1/platform/identity-providers/{provider}", tag = "sign-in", responses((status = 204)))]
pub(crate) async fn delete_platform_identity_provider(caller: Caller, Path(provider): Path<String>) -> Result<StatusCode, Problem> {
    caller.on_platform(Action::PlatformSignIn).await?;
    caller.api.store.delete_identity_provider(&caller.cause(), None, &provider).await?;
    Ok(StatusCode::NO_CONTENT)
}
