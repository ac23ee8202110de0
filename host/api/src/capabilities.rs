//! What tenants and plugins may do beyond computing (EXT-3): the platform administrator sets the tenant's bounds, a tenant
//! administrator what one plugin has within them.

use crate::{caller::Caller, extract::JsonBody, problem::Problem};
use axum::{Json, extract::Path};
use millrace_domain::{
    Action,
    capability::{Folder, FolderUse, PluginCapabilities, TenantCapabilities},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// What a tenant's plugins may have at most.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TenantGrants {
    /// They may read the clock.
    clock: bool,
    /// Hosts, as `host` or `host:port`; `*` for any public one.
    http: BTreeSet<String>,
    /// Names of secrets; `*` for any.
    secrets: BTreeSet<String>,
    /// Folders of the server by name.
    folders: BTreeMap<String, FolderGrant>,
}

/// A folder of the server.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FolderGrant {
    /// Absolute path.
    path: String,
    #[serde(default)]
    writable: bool,
}

/// What a plugin may do.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PluginGrants {
    /// It may read the clock.
    clock: bool,
    /// Hosts, as `host` or `host:port`.
    http: BTreeSet<String>,
    /// Values of secrets by name; answered as `***`, which keeps a value when it is sent back.
    secrets: BTreeMap<String, String>,
    /// The tenant's folders that it may use, by name.
    folders: BTreeMap<String, FolderUseGrant>,
}

/// How a plugin may use a folder.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FolderUseGrant {
    writable: bool,
}

impl From<TenantCapabilities> for TenantGrants {
    fn from(found: TenantCapabilities) -> Self {
        let folder = |(name, Folder { path, writable })| (name, FolderGrant { path, writable });
        let TenantCapabilities { clock, http, secrets, folders } = found;
        Self { clock, http, secrets, folders: folders.into_iter().map(folder).collect() }
    }
}

impl From<TenantGrants> for TenantCapabilities {
    fn from(given: TenantGrants) -> Self {
        let folder = |(name, FolderGrant { path, writable })| (name, Folder { path, writable });
        let TenantGrants { clock, http, secrets, folders } = given;
        Self { clock, http, secrets, folders: folders.into_iter().map(folder).collect() }
    }
}

impl From<PluginCapabilities> for PluginGrants {
    fn from(found: PluginCapabilities) -> Self {
        let folder = |(name, FolderUse { writable })| (name, FolderUseGrant { writable });
        let PluginCapabilities { clock, http, secrets, folders } = found;
        Self { clock, http, secrets, folders: folders.into_iter().map(folder).collect() }
    }
}

impl From<PluginGrants> for PluginCapabilities {
    fn from(given: PluginGrants) -> Self {
        let folder = |(name, FolderUseGrant { writable })| (name, FolderUse { writable });
        let PluginGrants { clock, http, secrets, folders } = given;
        Self { clock, http, secrets, folders: folders.into_iter().map(folder).collect() }
    }
}

/// What the tenant's plugins may have at most.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/grants", tag = "grants", responses((status = 200, body = TenantGrants)))]
pub(crate) async fn get_tenant_grants(caller: Caller, Path(tenant): Path<String>) -> Result<Json<TenantGrants>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::TenantGrantView).await?;
    Ok(Json(caller.api.store.tenant_capabilities(&tenant).await?.into()))
}

/// Replace what the tenant's plugins may have at most. Running instances keep what they have until they start again.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/grants", tag = "grants", request_body = TenantGrants, responses((status = 200, body = TenantGrants)))]
pub(crate) async fn set_tenant_grants(
    caller: Caller,
    Path(tenant): Path<String>,
    body: JsonBody<TenantGrants>,
) -> Result<Json<TenantGrants>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::TenantGrant).await?;
    let new: TenantCapabilities = body.parse()?.into();
    caller.api.store.set_tenant_capabilities(&caller.cause(), &tenant, &new).await?;
    Ok(Json(new.into()))
}

/// What a plugin may do; secrets read `***`.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/plugins/{plugin}/grants", tag = "grants", responses((status = 200, body = PluginGrants)))]
pub(crate) async fn get_plugin_grants(
    caller: Caller,
    Path((tenant, project, plugin)): Path<(String, String, String)>,
) -> Result<Json<PluginGrants>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::PluginView).await?;
    let plugin = caller.api.store.plugin(&scope, &plugin).await?;
    Ok(Json(caller.api.store.plugin_capabilities(&scope, &plugin.id).await?.into()))
}

/// Replace what a plugin may do, within what the tenant may have. Running instances keep what they have until they start again.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/plugins/{plugin}/grants", tag = "grants", request_body = PluginGrants, responses((status = 200, body = PluginGrants)))]
pub(crate) async fn set_plugin_grants(
    caller: Caller,
    Path((tenant, project, plugin)): Path<(String, String, String)>,
    body: JsonBody<PluginGrants>,
) -> Result<Json<PluginGrants>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::PluginGrant).await?;
    let plugin = caller.api.store.plugin(&scope, &plugin).await?;
    let new: PluginCapabilities = body.parse()?.into();
    caller.api.store.set_plugin_capabilities(&caller.cause(), &scope, &plugin.id, &new).await?;
    Ok(Json(caller.api.store.plugin_capabilities(&scope, &plugin.id).await?.into()))
}
