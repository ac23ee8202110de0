//! Users of a tenant and of the platform: made, changed, disabled and removed by administrators (ROL-7).
//!
//! Invariant: nobody gives or takes a role that is more than their own; one-time passwords are in one answer and never
//! again. Both kinds of users go the same way: `home` is the tenant, or none for the platform.

use crate::{
    caller::Caller,
    extract::{IfMatch, JsonBody, QueryString, Tagged},
    me::GrantView,
    page::Listing,
    problem::Problem,
    state::ApiState,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, Grant, Name, Role, Scope};
use millrace_identity::one_time_password;
use millrace_model::ids::TenantId;
use millrace_store::{NewUser, PageRequest, User, UserChange, UserFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A one-time password ends after seven days.
const ONE_TIME_MS: i64 = 7 * 24 * 3_600_000;
/// Longest name for people and longest address.
const TEXT_CHARACTERS_MAX: usize = 200;

/// A user. What only administrators need is null for everybody else.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserView {
    id: String,
    /// Name to sign in with.
    name: String,
    /// Name for people.
    display_name: String,
    /// `active` or `disabled`.
    state: &'static str,
    email: Option<String>,
    has_password: Option<bool>,
    last_sign_in_at_ms: Option<i64>,
    /// Everything that the user has been given; for a single user, and in lists that ask for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<GrantView>>,
    /// Also the ETag.
    revision: i64,
    created_at_ms: i64,
    /// What the caller may do with the user: `user.edit`, `user.delete`, …
    allowed_actions: Vec<String>,
}

/// A role to give.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleBody {
    /// `tenant_admin`, `developer`, …
    #[schema(value_type = String)]
    pub(crate) role: Role,
    /// Name or id of a tenant; only for users of the platform.
    pub(crate) tenant: Option<String>,
    /// Name or id of a project; the whole tenant unless given.
    pub(crate) project: Option<String>,
}

/// All roles of a user.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RolesBody {
    roles: Vec<RoleBody>,
}

/// All roles of a user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RolesView {
    roles: Vec<GrantView>,
}

/// A user to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUserBody {
    /// Lower-case letters, digits, `_` and `-`.
    #[schema(value_type = String)]
    name: Name,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    roles: Vec<RoleBody>,
    /// Whether to make a one-time password; not needed for who signs in at an identity provider.
    #[serde(default = "yes")]
    password: bool,
}

fn yes() -> bool {
    true
}

/// What to change of a user; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserBody {
    display_name: Option<String>,
    email: Option<String>,
    /// False: signed out everywhere at once, tokens ended, and not let in again.
    enabled: Option<bool>,
}

/// A user just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewUserView {
    #[serde(flatten)]
    user: UserView,
    /// Shown only now; must be changed at the first sign-in, within seven days.
    one_time_password: Option<String>,
}

/// A password just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct OneTimePasswordView {
    /// Shown only now; must be changed at the next sign-in.
    one_time_password: String,
    /// Ends at, in milliseconds since the epoch.
    expires_at_ms: i64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on the page.
    limit: Option<u32>,
    /// Only users with this in a name or address.
    search: Option<String>,
    /// `active` or `disabled`.
    state: Option<String>,
    /// Also list their roles; for administrators.
    #[serde(default)]
    with_roles: bool,
}

type Home = Option<TenantId>;

fn scope_of(home: &Home) -> Scope {
    home.clone().map_or(Scope::Platform, Scope::Tenant)
}

fn view(caller: &Caller, home: &Home, user: User, roles: Option<Vec<Grant>>) -> UserView {
    let scope = scope_of(home);
    let administers = caller.principal.allowed(if home.is_some() { Action::RoleView } else { Action::PlatformUsers }, &scope);
    let own = user.id == caller.principal.user;
    let with_user: &[Action] = match home {
        Some(_) => &[Action::UserEdit, Action::UserDelete, Action::UserResetPassword, Action::RoleView, Action::RoleGrant],
        None => &[Action::PlatformUsers],
    };
    let allowed = with_user.iter().filter(|&&action| caller.principal.allowed(action, &scope));
    UserView {
        allowed_actions: allowed.map(ToString::to_string).collect(),
        state: if user.disabled_at_ms.is_some() { "disabled" } else { "active" },
        email: (administers || own).then_some(user.email),
        has_password: administers.then_some(user.has_password),
        last_sign_in_at_ms: user.last_sign_in_at_ms.filter(|_| administers),
        roles: roles.map(|roles| roles.iter().map(GrantView::from).collect()),
        id: user.id,
        name: user.name.to_string(),
        display_name: user.display_name,
        revision: user.revision,
        created_at_ms: user.created_at_ms,
    }
}

async fn list(caller: Caller, home: Home, query: QueryString<UserQuery>) -> Result<Json<Listing<UserView>>, Problem> {
    let query = query.parse()?;
    let enabled = match query.state.as_deref() {
        None => None,
        Some("active") => Some(true),
        Some("disabled") => Some(false),
        Some(other) => return Err(Problem::field("state", "request.invalid", format!("is `{other}`, expected active or disabled"))),
    };
    let search = query.search.map(|text| text.chars().filter(|c| !c.is_control()).take(TEXT_CHARACTERS_MAX).collect());
    let page = PageRequest { cursor: query.cursor, limit: query.limit };
    let mut found = caller.api.store.users(home.as_ref(), &UserFilter { search, enabled }, &page).await?;
    let mut roles = Vec::new();
    let with_roles = query.with_roles && (home.is_none() || caller.principal.allowed(Action::RoleView, &scope_of(&home)));
    for user in &found.items {
        roles.push(if with_roles { Some(caller.api.store.grants(&user.id).await?) } else { None });
    }
    let items: Vec<_> = found.items.drain(..).zip(roles).collect();
    let page = millrace_store::Page { items, next_cursor: found.next_cursor };
    Ok(Json(Listing::with(page, |(user, roles)| view(&caller, &home, user, roles))))
}

async fn create(caller: Caller, home: Home, body: JsonBody<NewUserBody>) -> Result<(StatusCode, Json<NewUserView>), Problem> {
    let new = body.parse()?;
    let new_user =
        NewUser { name: new.name, display_name: bounded("display_name", new.display_name)?, email: bounded("email", new.email)? };
    let grants = grants_of(&caller.api, &home, &new.roles).await?;
    check_change(&caller, &home, &[], &grants).await?;
    let (store, cause) = (&caller.api.store, caller.cause());
    let one_time_password = new.password.then(one_time_password);
    let hash = match &one_time_password {
        Some(password) => Some(caller.api.hasher.hash(password.clone()).await?),
        None => None,
    };
    let one_time = hash.as_ref().map(|hash| (hash.as_str(), store.now_ms().saturating_add(ONE_TIME_MS)));
    let user = store.create_account(&cause, home.as_ref(), &new_user, &grants, one_time).await?;
    let user = view(&caller, &home, user, Some(grants));
    Ok((StatusCode::CREATED, Json(NewUserView { user, one_time_password })))
}

async fn get(caller: Caller, home: Home, user: &str) -> Result<Tagged<UserView>, Problem> {
    let found = caller.api.store.user(home.as_ref(), user).await?;
    let sees_roles = home.is_none() || caller.principal.allowed(Action::RoleView, &scope_of(&home));
    let roles = if sees_roles { Some(caller.api.store.grants(&found.id).await?) } else { None };
    Ok(Tagged(StatusCode::OK, found.revision, view(&caller, &home, found, roles)))
}

async fn edit(caller: Caller, home: Home, user: &str, if_match: IfMatch, body: JsonBody<UserBody>) -> Result<Tagged<UserView>, Problem> {
    let found = caller.api.store.user(home.as_ref(), user).await?;
    let revision = if_match.required()?;
    let UserBody { display_name, email, enabled } = body.parse()?;
    // Who may not give all that a user has must not put them out or let them in.
    if enabled.is_some() {
        let held = caller.api.store.grants(&found.id).await?;
        check_change(&caller, &home, &held, &[]).await?;
    }
    let change = UserChange {
        display_name: display_name.map(|text| bounded("display_name", text)).transpose()?,
        email: email.map(|text| bounded("email", text)).transpose()?,
        enabled,
    };
    let changed = caller.api.store.change_user(&caller.cause(), home.as_ref(), &found.id, &change, Some(revision)).await?;
    Ok(Tagged(StatusCode::OK, changed.revision, view(&caller, &home, changed, None)))
}

async fn delete(caller: Caller, home: Home, user: &str) -> Result<StatusCode, Problem> {
    let found = caller.api.store.user(home.as_ref(), user).await?;
    let held = caller.api.store.grants(&found.id).await?;
    check_change(&caller, &home, &held, &[]).await?;
    caller.api.store.delete_user(&caller.cause(), home.as_ref(), &found.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn reset(caller: &Caller, home: &Home, user: &str) -> Result<OneTimePasswordView, Problem> {
    let found = caller.api.store.user(home.as_ref(), user).await?;
    // A new password is a way to be that user.
    let held = caller.api.store.grants(&found.id).await?;
    check_change(caller, home, &held, &[]).await?;
    let one_time_password = one_time_password();
    let hash = caller.api.hasher.hash(one_time_password.clone()).await?;
    let expires_at_ms = caller.api.store.now_ms().saturating_add(ONE_TIME_MS);
    caller.api.store.reset_password(&caller.cause(), home.as_ref(), &found.id, &hash, expires_at_ms).await?;
    Ok(OneTimePasswordView { one_time_password, expires_at_ms })
}

async fn roles(caller: Caller, home: Home, user: &str) -> Result<Tagged<RolesView>, Problem> {
    let found = caller.api.store.user(home.as_ref(), user).await?;
    let roles = caller.api.store.grants(&found.id).await?;
    Ok(Tagged(StatusCode::OK, found.revision, RolesView { roles: roles.iter().map(GrantView::from).collect() }))
}

async fn set_roles(
    caller: Caller,
    home: Home,
    user: &str,
    if_match: IfMatch,
    body: JsonBody<RolesBody>,
) -> Result<Tagged<RolesView>, Problem> {
    let found = caller.api.store.user(home.as_ref(), user).await?;
    let revision = if_match.required()?;
    let wanted = grants_of(&caller.api, &home, &body.parse()?.roles).await?;
    let held = caller.api.store.grants(&found.id).await?;
    check_change(&caller, &home, &held, &wanted).await?;
    caller.api.store.set_grants(&caller.cause(), home.as_ref(), &found.id, &wanted, revision).await?;
    let roles = wanted.iter().map(GrantView::from).collect();
    Ok(Tagged(StatusCode::OK, revision + 1, RolesView { roles }))
}

/// The grants that `roles` mean, each once.
pub(crate) async fn grants_of(api: &ApiState, home: &Home, roles: &[RoleBody]) -> Result<Vec<Grant>, Problem> {
    let store = &api.store;
    let mut grants: Vec<Grant> = Vec::new();
    for body in roles {
        let tenant = match (home, &body.tenant) {
            (Some(home), None) => Some(home.clone()),
            (None, None) => None,
            (None, Some(text)) => Some(store.tenant(text).await?.id),
            (Some(_), Some(_)) => {
                return Err(Problem::field("roles", "request.invalid", "users of a tenant have roles in it only; leave `tenant` out"));
            }
        };
        let scope = match (tenant, &body.project) {
            (Some(tenant), Some(project)) => Scope::Project(store.project(&tenant, project).await?.scope),
            (Some(tenant), None) => Scope::Tenant(tenant),
            (None, None) => Scope::Platform,
            (None, Some(_)) => return Err(Problem::field("roles", "request.invalid", "a project needs `tenant` beside it")),
        };
        if body.role == Role::PlatformAdmin && scope != Scope::Platform {
            return Err(Problem::field(
                "roles",
                "request.invalid",
                "platform_admin is a role of the platform's users, for the whole platform",
            ));
        }
        if scope == Scope::Platform && body.role != Role::PlatformAdmin {
            let message = format!("{} is a role within a tenant; name the tenant", body.role);
            return Err(Problem::field("roles", "request.invalid", message));
        }
        let grant = Grant { role: body.role, scope };
        if !grants.contains(&grant) {
            grants.push(grant);
        }
    }
    Ok(grants)
}

/// Nobody gives or takes more than they have.
pub(crate) async fn check_change(caller: &Caller, home: &Home, held: &[Grant], wanted: &[Grant]) -> Result<(), Problem> {
    let differs = held.iter().filter(|grant| !wanted.contains(grant)).chain(wanted.iter().filter(|grant| !held.contains(grant)));
    for grant in differs {
        if !caller.principal.may_grant(grant.role, &grant.scope) {
            let place = home.as_ref().map_or("platform", |tenant| tenant.as_str());
            let action = if home.is_some() { Action::RoleGrant } else { Action::PlatformUsers };
            crate::refusals::note_in_place(&caller.api, &caller.cause(), action, &scope_of(home), place).await?;
            let detail = format!("`{}` may not give or take the role {}: it can do more than they can", caller.principal.name, grant.role);
            return Err(Problem::new(StatusCode::FORBIDDEN, "access.forbidden", detail).noted());
        }
    }
    Ok(())
}

fn bounded(field: &str, text: String) -> Result<String, Problem> {
    match text.chars().count() <= TEXT_CHARACTERS_MAX && !text.chars().any(char::is_control) {
        true => Ok(text),
        false => Err(Problem::field(field, "request.invalid", format!("expected at most {TEXT_CHARACTERS_MAX} characters in one line"))),
    }
}

/// Find users of a tenant, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/users", tag = "users", params(UserQuery), responses((status = 200, body = Listing<UserView>)))]
pub(crate) async fn list_users(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<UserQuery>,
) -> Result<Json<Listing<UserView>>, Problem> {
    let home = Some(caller.in_tenant(&tenant, Action::UserView).await?);
    list(caller, home, query).await
}

/// Make a user of a tenant, with a one-time password.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/users", tag = "users", request_body = NewUserBody, responses((status = 201, body = NewUserView)))]
pub(crate) async fn create_user(
    caller: Caller,
    Path(tenant): Path<String>,
    body: JsonBody<NewUserBody>,
) -> Result<(StatusCode, Json<NewUserView>), Problem> {
    let home = Some(caller.in_tenant(&tenant, Action::UserCreate).await?);
    create(caller, home, body).await
}

/// Get a user by name or id.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/users/{user}", tag = "users", responses((status = 200, body = UserView)))]
pub(crate) async fn get_user(caller: Caller, Path((tenant, user)): Path<(String, String)>) -> Result<Tagged<UserView>, Problem> {
    let home = Some(caller.in_tenant(&tenant, Action::UserView).await?);
    get(caller, home, &user).await
}

/// Change, disable or enable a user. `If-Match` with the ETag that was read is needed.
#[utoipa::path(patch, path = "/api/v1/tenants/{tenant}/users/{user}", tag = "users", request_body = UserBody, responses((status = 200, body = UserView)))]
pub(crate) async fn edit_user(
    caller: Caller,
    Path((tenant, user)): Path<(String, String)>,
    if_match: IfMatch,
    body: JsonBody<UserBody>,
) -> Result<Tagged<UserView>, Problem> {
    let home = Some(caller.in_tenant(&tenant, Action::UserEdit).await?);
    edit(caller, home, &user, if_match, body).await
}

/// Remove a user: their sessions and tokens end, their name is free again. What they did stays in the audit log.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/users/{user}", tag = "users", responses((status = 204)))]
pub(crate) async fn delete_user(caller: Caller, Path((tenant, user)): Path<(String, String)>) -> Result<StatusCode, Problem> {
    let home = Some(caller.in_tenant(&tenant, Action::UserDelete).await?);
    delete(caller, home, &user).await
}

/// Give a user a one-time password; their sessions end.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/users/{user}/reset-password", tag = "users", responses((status = 200, body = OneTimePasswordView)))]
pub(crate) async fn reset_user_password(
    caller: Caller,
    Path((tenant, user)): Path<(String, String)>,
) -> Result<Json<OneTimePasswordView>, Problem> {
    let home = Some(caller.in_tenant(&tenant, Action::UserResetPassword).await?);
    Ok(Json(reset(&caller, &home, &user).await?))
}

/// List the roles of a user.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/users/{user}/roles", tag = "users", responses((status = 200, body = RolesView)))]
pub(crate) async fn get_user_roles(caller: Caller, Path((tenant, user)): Path<(String, String)>) -> Result<Tagged<RolesView>, Problem> {
    let home = Some(caller.in_tenant(&tenant, Action::RoleView).await?);
    roles(caller, home, &user).await
}

/// Replace the roles of a user. `If-Match` with the ETag that was read is needed. Nobody gives or takes more than they
/// have.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/users/{user}/roles", tag = "users", request_body = RolesBody, responses((status = 200, body = RolesView)))]
pub(crate) async fn set_user_roles(
    caller: Caller,
    Path((tenant, user)): Path<(String, String)>,
    if_match: IfMatch,
    body: JsonBody<RolesBody>,
) -> Result<Tagged<RolesView>, Problem> {
    let home = Some(caller.in_tenant(&tenant, Action::RoleGrant).await?);
    set_roles(caller, home, &user, if_match, body).await
}

/// Find users of the platform, newest first.
#[utoipa::path(get, path = "/api/v1/platform/users", tag = "users", params(UserQuery), responses((status = 200, body = Listing<UserView>)))]
pub(crate) async fn list_platform_users(caller: Caller, query: QueryString<UserQuery>) -> Result<Json<Listing<UserView>>, Problem> {
    caller.on_platform(Action::PlatformUsers).await?;
    list(caller, None, query).await
}

/// Make a user of the platform, with a one-time password.
#[utoipa::path(post, path = "/api/v1/platform/users", tag = "users", request_body = NewUserBody, responses((status = 201, body = NewUserView)))]
pub(crate) async fn create_platform_user(caller: Caller, body: JsonBody<NewUserBody>) -> Result<(StatusCode, Json<NewUserView>), Problem> {
    caller.on_platform(Action::PlatformUsers).await?;
    create(caller, None, body).await
}

/// Get a user of the platform by name or id.
#[utoipa::path(get, path = "/api/v1/platform/users/{user}", tag = "users", responses((status = 200, body = UserView)))]
pub(crate) async fn get_platform_user(caller: Caller, Path(user): Path<String>) -> Result<Tagged<UserView>, Problem> {
    caller.on_platform(Action::PlatformUsers).await?;
    get(caller, None, &user).await
}

/// Change, disable or enable a user of the platform. `If-Match` with the ETag that was read is needed.
#[utoipa::path(patch, path = "/api/v1/platform/users/{user}", tag = "users", request_body = UserBody, responses((status = 200, body = UserView)))]
pub(crate) async fn edit_platform_user(
    caller: Caller,
    Path(user): Path<String>,
    if_match: IfMatch,
    body: JsonBody<UserBody>,
) -> Result<Tagged<UserView>, Problem> {
    caller.on_platform(Action::PlatformUsers).await?;
    edit(caller, None, &user, if_match, body).await
}

/// Remove a user of the platform.
#[utoipa::path(delete, path = "/api/v1/platform/users/{user}", tag = "users", responses((status = 204)))]
pub(crate) async fn delete_platform_user(caller: Caller, Path(user): Path<String>) -> Result<StatusCode, Problem> {
    caller.on_platform(Action::PlatformUsers).await?;
    delete(caller, None, &user).await
}

/// Give a user of the platform a one-time password; their sessions end.
#[utoipa::path(post, path = "/api/v1/platform/users/{user}/reset-password", tag = "users", responses((status = 200, body = OneTimePasswordView)))]
pub(crate) async fn reset_platform_user_password(caller: Caller, Path(user): Path<String>) -> Result<Json<OneTimePasswordView>, Problem> {
    caller.on_platform(Action::PlatformUsers).await?;
    Ok(Json(reset(&caller, &None, &user).await?))
}

/// List the roles of a user of the platform.
#[utoipa::path(get, path = "/api/v1/platform/users/{user}/roles", tag = "users", responses((status = 200, body = RolesView)))]
pub(crate) async fn get_platform_user_roles(caller: Caller, Path(user): Path<String>) -> Result<Tagged<RolesView>, Problem> {
    caller.on_platform(Action::PlatformUsers).await?;
    roles(caller, None, &user).await
}

/// Replace the roles of a user of the platform. `If-Match` with the ETag that was read is needed.
#[utoipa::path(put, path = "/api/v1/platform/users/{user}/roles", tag = "users", request_body = RolesBody, responses((status = 200, body = RolesView)))]
pub(crate) async fn set_platform_user_roles(
    caller: Caller,
    Path(user): Path<String>,
    if_match: IfMatch,
    body: JsonBody<RolesBody>,
) -> Result<Tagged<RolesView>, Problem> {
    caller.on_platform(Action::PlatformUsers).await?;
    set_roles(caller, None, &user, if_match, body).await
}
