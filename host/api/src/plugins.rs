//! Plugins and their versions (EXT-5).

use crate::{
    allowed::allowed,
    caller::{Caller, to_the_end},
    extract::QueryString,
    page::{Listing, PageQuery},
    presentation::{self, DocumentationView, UploadParts, Uploaded, version_number},
    problem::Problem,
    resources::{UseView, UsesView},
};
use axum::{
    Json,
    body::Body,
    extract::Path,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use millrace_domain::{Action, Name, ProjectScope, Scope};
use millrace_store::{NewPluginVersion, Plugin, PluginVersion};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

/// A plugin with its newest version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginView {
    id: String,
    name: String,
    description: String,
    created_at_ms: i64,
    latest: PluginVersionView,
    /// What the caller can do: `upload`, `grant`, `delete`.
    allowed_actions: Vec<&'static str>,
}

/// A version of a plugin.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginVersionView {
    /// Counts from 1.
    number: i64,
    /// SHA-256 of the component, in hex.
    content_hash: String,
    /// World that it implements: `etl-operator`.
    world: String,
    /// Version of the contract: `0.1.0`.
    wit_version: String,
    size_bytes: i64,
    created_by: String,
    created_at_ms: i64,
    /// Where its icon is; null if it has none.
    icon_url: Option<String>,
    /// JSON Schema of the node's parameters, its properties in the order of the form; null if it says nothing.
    #[schema(value_type = Option<Object>)]
    parameters: Option<Box<RawValue>>,
    /// First paragraph of its documentation.
    summary: String,
    /// Where its documentation is; null if it has none.
    documentation_url: Option<String>,
    /// What the caller can do: `delete`; the newest version goes with the plugin only.
    allowed_actions: Vec<&'static str>,
}

impl PluginVersionView {
    fn of(caller: &Caller, scope: &ProjectScope, version: PluginVersion, is_newest: bool) -> Self {
        let ProjectScope { tenant, project, .. } = scope;
        let versions = format!("/api/v1/tenants/{tenant}/projects/{project}/plugins/{}/versions", version.plugin);
        let shown = &version.presentation;
        Self {
            icon_url: presentation::icon_url(&versions, version.number, shown),
            parameters: presentation::parameters(shown),
            documentation_url: presentation::documentation_url(&versions, version.number, shown),
            summary: shown.summary.clone(),
            allowed_actions: allowed(caller, &Scope::Project(scope.clone()), [("delete", Action::PluginDelete, !is_newest)]),
            number: version.number,
            content_hash: version.content_hash,
            world: version.world,
            wit_version: version.wit_version,
            size_bytes: version.size_bytes,
            created_by: version.created_by,
            created_at_ms: version.created_at_ms,
        }
    }
}

impl PluginView {
    fn of(caller: &Caller, plugin: Plugin) -> Self {
        let offers = [("upload", Action::PluginUpload, true), ("grant", Action::PluginGrant, true), ("delete", Action::PluginDelete, true)];
        Self {
            allowed_actions: allowed(caller, &Scope::Project(plugin.scope.clone()), offers),
            id: plugin.id.to_string(),
            name: plugin.name.to_string(),
            description: plugin.description,
            created_at_ms: plugin.created_at_ms,
            latest: PluginVersionView::of(caller, &plugin.scope, plugin.latest, true),
        }
    }
}

/// All versions of a plugin.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginVersionsView {
    /// Newest first.
    items: Vec<PluginVersionView>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadQuery {
    /// What the plugin does; keeps what is there unless given.
    description: Option<String>,
}

/// List the plugins of a project.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/plugins", tag = "plugins", params(PageQuery), responses((status = 200, body = Listing<PluginView>)))]
pub(crate) async fn list_plugins(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<PluginView>>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::PluginView).await?;
    let page = caller.api.store.plugins(&scope, &query.parse()?.into()).await?;
    Ok(Json(Listing::with(page, |plugin| PluginView::of(&caller, plugin))))
}

/// Get a plugin by name or id.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/plugins/{plugin}", tag = "plugins", responses((status = 200, body = PluginView)))]
pub(crate) async fn get_plugin(
    caller: Caller,
    Path((tenant, project, plugin)): Path<(String, String, String)>,
) -> Result<Json<PluginView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::PluginView).await?;
    Ok(Json(PluginView::of(&caller, caller.api.store.plugin(&scope, &plugin).await?)))
}

/// List the versions of a plugin.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/plugins/{plugin}/versions", tag = "plugins", responses((status = 200, body = PluginVersionsView)))]
pub(crate) async fn list_plugin_versions(
    caller: Caller,
    Path((tenant, project, plugin)): Path<(String, String, String)>,
) -> Result<Json<PluginVersionsView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::PluginView).await?;
    let plugin = caller.api.store.plugin(&scope, &plugin).await?;
    let versions = caller.api.store.plugin_versions(&scope, &plugin.id).await?;
    let newest = plugin.latest.number;
    let view = |version: PluginVersion| {
        let is_newest = version.number == newest;
        PluginVersionView::of(&caller, &scope, version, is_newest)
    };
    Ok(Json(PluginVersionsView { items: versions.into_iter().map(view).collect() }))
}

/// List who uses a plugin: versions of jobs, and functions.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/plugins/{plugin}/used-by", tag = "plugins", responses((status = 200, body = UsesView)))]
pub(crate) async fn list_plugin_uses(
    caller: Caller,
    Path((tenant, project, plugin)): Path<(String, String, String)>,
) -> Result<Json<UsesView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::PluginView).await?;
    let found = caller.api.store.plugin(&scope, &plugin).await?;
    let uses = caller.api.store.plugin_uses(&scope, &found.id).await?;
    Ok(Json(UsesView { items: uses.into_iter().map(UseView::from).collect() }))
}

/// Remove a plugin with all its versions. One that is used is not removed; the answer says who uses it.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/plugins/{plugin}", tag = "plugins", responses((status = 204)))]
pub(crate) async fn delete_plugin(
    caller: Caller,
    Path((tenant, project, plugin)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::PluginDelete).await?;
    let found = caller.api.store.plugin(&scope, &plugin).await?;
    caller.api.store.delete_plugin(&caller.cause(), &scope, &found.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a version of a plugin that nobody uses. The newest goes with the plugin only.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/plugins/{plugin}/versions/{version}", tag = "plugins", responses((status = 204)))]
pub(crate) async fn delete_plugin_version(
    caller: Caller,
    Path((tenant, project, plugin, version)): Path<(String, String, String, String)>,
) -> Result<StatusCode, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::PluginDelete).await?;
    let found = caller.api.store.plugin(&scope, &plugin).await?;
    let number = version_number(&version)?;
    caller.api.store.delete_plugin_version(&caller.cause(), &scope, &found.id, number).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Get the icon of a version of a plugin.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant}/projects/{project}/plugins/{plugin}/versions/{version}/icon",
    tag = "plugins",
    responses((status = 200, content((Vec<u8> = "image/png"), (Vec<u8> = "image/svg+xml"))), (status = 304))
)]
pub(crate) async fn get_plugin_icon(
    caller: Caller,
    Path((tenant, project, plugin, version)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::PluginView).await?;
    let found = caller.api.store.plugin_version(&scope, &plugin, version_number(&version)?).await?;
    presentation::send_icon(&caller.api, &scope.tenant, &headers, &found.presentation).await
}

/// Get the documentation of a version of a plugin.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/plugins/{plugin}/versions/{version}/documentation", tag = "plugins", responses((status = 200, body = DocumentationView)))]
pub(crate) async fn get_plugin_documentation(
    caller: Caller,
    Path((tenant, project, plugin, version)): Path<(String, String, String, String)>,
) -> Result<Json<DocumentationView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::PluginView).await?;
    let found = caller.api.store.plugin_version(&scope, &plugin, version_number(&version)?).await?;
    presentation::documentation_of(&caller.api, &scope.tenant, found.number, &found.presentation).await
}

/// Upload a component as a new version, alone or with icon, form of its parameters and documentation; a plugin of a new name is
/// made. The same component again, shown in the same way, adds nothing.
#[utoipa::path(
    post,
    path = "/api/v1/tenants/{tenant}/projects/{project}/plugins/{plugin}/versions",
    tag = "plugins",
    params(UploadQuery),
    request_body(
        content((Vec<u8> = "application/wasm"), (UploadParts = "multipart/form-data")),
        description = "The WebAssembly component, or parts"
    ),
    responses((status = 201, body = PluginView))
)]
pub(crate) async fn upload_plugin(
    caller: Caller,
    Path((tenant, project, plugin)): Path<(String, String, String)>,
    query: QueryString<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<PluginView>), Problem> {
    let scope = caller.in_project(&tenant, &project, Action::PluginUpload).await?;
    let name: Name = match plugin.parse() {
        Ok(name) => name,
        // The id of a plugin that is there will do as well.
        Err(error) => match caller.api.store.plugin(&scope, &plugin).await {
            Ok(found) => found.name,
            Err(_) => return Err(Problem::field("plugin", "request.invalid", error.to_string())),
        },
    };
    let description = query.parse()?.description;
    let bytes_max = caller.api.config.plugin_bytes_max as u64;
    let Uploaded { component, presentation } = presentation::receive(&caller.api, &scope.tenant, &headers, body, bytes_max).await?;
    let work = async move {
        let component = match component {
            Some(component) => component,
            None => {
                let hash = caller.api.store.plugin(&scope, name.as_str()).await?.latest.content_hash;
                caller.api.store.component(&scope.tenant, &hash).await?.into()
            }
        };
        let admitted = caller.api.control.admit_plugin(&scope.tenant, component.clone()).await?;
        presentation::check_world(&admitted.world, &presentation)?;
        let new = NewPluginVersion {
            name,
            description,
            content_hash: admitted.content_hash,
            world: admitted.world,
            wit_version: admitted.wit_version,
            component: &component,
            presentation,
        };
        let plugin = caller.api.store.add_plugin_version(&caller.cause(), &scope, &new).await?;
        Ok::<_, Problem>((StatusCode::CREATED, Json(PluginView::of(&caller, plugin))))
    };
    to_the_end(work).await?
}
