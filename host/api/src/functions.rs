//! Functions of projects and tenants, and their versions (EXT-4).
//!
//! Each endpoint is there twice: below a project, where names mean what they mean in its SQL, and below the tenant, for
//! functions of all its projects. What they do is written once, over [`FunctionScope`].

use crate::{
    allowed::allowed,
    caller::Caller,
    extract::{IfMatch, JsonBody, QueryString, Tagged},
    page::{Listing, PageQuery},
    presentation::{self, DocumentationView, version_number},
    problem::Problem,
};
use axum::{
    Json,
    extract::Path,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use millrace_domain::{
    Action, Name, ProjectScope, ResourceKind, Scope,
    function::{FUNCTION_WORLDS, FunctionState, check_attributes, function_name},
    icon::Icon,
    presentation::{GivenPresentation, Part},
};
use millrace_model::ids::FunctionId;
use millrace_store::{
    BUILT_COMPONENTS_KEPT, Function, FunctionChange, FunctionScope, FunctionVersion, NewFunctionVersion, PluginVersion, StoreError,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A function with its newest version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FunctionView {
    id: String,
    /// Name in SQL; there in any case.
    name: String,
    /// `tenant` or `project`; a project's function hides the tenant's of the same name.
    scope: &'static str,
    description: String,
    attributes: BTreeMap<String, String>,
    /// `enabled` or `deprecated`.
    state: &'static str,
    revision: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
    /// Absent before the first version.
    latest: Option<FunctionVersionView>,
    /// What the caller can do: `edit`, `add_version`, `delete`; those of the tenant are changed there.
    allowed_actions: Vec<&'static str>,
}

/// A version of a function.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FunctionVersionView {
    id: String,
    /// Counts from 1.
    number: i64,
    /// SHA-256 of the component, in hex.
    content_hash: String,
    /// `scalar-function`, `table-function` or `aggregate-function`.
    world: String,
    wit_version: String,
    size_bytes: i64,
    /// How it can be called: `parameters`, `variadic`, `result`, `deterministic`, of aggregates `retracts` and `merges`.
    #[schema(value_type = Vec<Object>)]
    signatures: Value,
    /// What the component was taken from.
    #[schema(value_type = Object)]
    origin: Value,
    /// Source text, language and class as they were given; null if there are none.
    #[schema(value_type = Option<SourceBody>)]
    source: Value,
    created_by: String,
    created_at_ms: i64,
    /// Where its icon is; null if it has none.
    icon_url: Option<String>,
    /// First paragraph of its documentation.
    summary: String,
    /// Where its documentation is; null if it has none.
    documentation_url: Option<String>,
}

impl FunctionVersionView {
    /// A version of the function `id` as it is seen from `place`.
    fn of(place: &FunctionScope, id: &FunctionId, version: FunctionVersion) -> Self {
        let tenant = place.tenant();
        let versions = match place.project() {
            None => format!("/api/v1/tenants/{tenant}/functions/{id}/versions"),
            Some(project) => format!("/api/v1/tenants/{tenant}/projects/{project}/functions/{id}/versions"),
        };
        let shown = &version.presentation;
        Self {
            icon_url: presentation::icon_url(&versions, version.number, shown),
            documentation_url: presentation::documentation_url(&versions, version.number, shown),
            summary: shown.summary.clone(),
            id: version.id,
            number: version.number,
            content_hash: version.content_hash,
            world: version.world,
            wit_version: version.wit_version,
            size_bytes: version.size_bytes,
            signatures: version.signatures,
            origin: version.origin,
            source: version.source,
            created_by: version.created_by,
            created_at_ms: version.created_at_ms,
        }
    }
}

impl FunctionView {
    /// A function as it is seen from `place`.
    fn of(caller: &Caller, place: &FunctionScope, function: Function) -> Self {
        let allowed_actions = match &function.scope {
            FunctionScope::Tenant(tenant) => {
                let share = Action::FunctionShare;
                allowed(
                    caller,
                    &Scope::Tenant(tenant.clone()),
                    [("edit", share, true), ("add_version", share, true), ("delete", share, true)],
                )
            }
            FunctionScope::Project(project) => {
                let offers = [
                    ("edit", Action::FunctionEdit, true),
                    ("add_version", Action::FunctionCreate, true),
                    ("delete", Action::FunctionDelete, true),
                ];
                allowed(caller, &Scope::Project(project.clone()), offers)
            }
        };
        Self {
            allowed_actions,
            id: function.id.to_string(),
            name: function.name.to_string(),
            scope: if function.scope.project().is_some() { "project" } else { "tenant" },
            description: function.description,
            attributes: function.attributes,
            state: function.state.as_str(),
            revision: function.revision,
            created_at_ms: function.created_at_ms,
            updated_at_ms: function.updated_at_ms,
            latest: function.latest.map(|version| FunctionVersionView::of(place, &function.id, version)),
        }
    }
}

/// All versions of a function.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FunctionVersionsView {
    /// Newest first.
    items: Vec<FunctionVersionView>,
}

/// A function to make; its versions are added afterwards.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFunctionBody {
    /// Lower-case letters, digits and `_`.
    name: String,
    /// What it does.
    #[serde(default)]
    description: String,
    /// What else is said of it: up to 50 names with values.
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    /// `enabled` or `deprecated`.
    #[schema(value_type = String)]
    #[serde(default = "enabled")]
    state: FunctionState,
}

/// What is said of a function from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FunctionBody {
    /// What it does.
    #[serde(default)]
    description: String,
    /// What else is said of it: up to 50 names with values.
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    /// `enabled` or `deprecated`.
    #[schema(value_type = String)]
    #[serde(default = "enabled")]
    state: FunctionState,
}

const fn enabled() -> FunctionState {
    FunctionState::Enabled
}

/// A version to add: a component from exactly one of `plugin`, `resource`, `build` and `content_hash`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFunctionVersionBody {
    /// Name or id of a plugin.
    plugin: Option<String>,
    /// Name or id of a resource that is a component.
    resource: Option<String>,
    /// Id of a build that has succeeded.
    build: Option<String>,
    /// SHA-256 of a component that the tenant has.
    content_hash: Option<String>,
    /// Version of the plugin or resource; the newest unless given.
    version: Option<i64>,
    /// The project of plugin, resource or build, for functions of a tenant.
    project: Option<String>,
    /// What the component was built from, to be edited again.
    source: Option<SourceBody>,
    /// Icon as PNG or SVG, in Base64; that of the plugin, else of the version before, unless given. Empty for none.
    icon_base64: Option<String>,
    /// Markdown; that of the plugin, else of the version before, unless given. Empty for none.
    documentation: Option<String>,
}

/// Source text with what is needed to build it again.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceBody {
    /// `java`, `scala`, `javascript`, `python`, `rust`.
    language: String,
    /// Full name of the class.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    /// The text.
    files: Vec<SourceFileBody>,
    /// Resources (JARs) that it was built with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    resources: Vec<String>,
    /// The template that the text was written into, with its parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    template: Option<Value>,
}

/// A file of source text.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceFileBody {
    path: String,
    text: String,
}

/// Most bytes of a version's source.
const SOURCE_BYTES_MAX: usize = 512 << 10;

async fn tenant_scope(caller: &Caller, tenant: &str, action: Action) -> Result<FunctionScope, Problem> {
    Ok(FunctionScope::Tenant(caller.in_tenant(tenant, action).await?))
}

async fn project_scope(caller: &Caller, tenant: &str, project: &str, action: Action) -> Result<FunctionScope, Problem> {
    Ok(FunctionScope::Project(caller.in_project(tenant, project, action).await?))
}

/// The function that a name means: in a project also one of the tenant.
async fn known(caller: &Caller, scope: &FunctionScope, function: &str) -> Result<Function, Problem> {
    Ok(match scope {
        FunctionScope::Tenant(_) => caller.api.store.function(scope, function).await?,
        FunctionScope::Project(project) => caller.api.store.function_in(project, function).await?,
    })
}

/// The function that a name means, to be changed: only one of `scope` itself.
async fn own(caller: &Caller, scope: &FunctionScope, function: &str) -> Result<Function, Problem> {
    let missing = match caller.api.store.function(scope, function).await {
        Ok(found) => return Ok(found),
        Err(error) => error,
    };
    let shared = match scope {
        FunctionScope::Tenant(_) => None,
        FunctionScope::Project(project) => caller.api.store.function_in(project, function).await.ok(),
    };
    match shared {
        None => Err(missing.into()),
        Some(shared) => {
            let detail = format!("function `{}` belongs to the whole tenant and is changed there, by its administrator", shared.name);
            Err(Problem::new(StatusCode::CONFLICT, "function.shared", detail))
        }
    }
}

async fn list(caller: &Caller, scope: FunctionScope, query: QueryString<PageQuery>) -> Result<Json<Listing<FunctionView>>, Problem> {
    let page = caller.api.store.functions(&scope, &query.parse()?.into()).await?;
    Ok(Json(Listing::with(page, |function| FunctionView::of(caller, &scope, function))))
}

fn settings(description: String, attributes: BTreeMap<String, String>, state: FunctionState) -> Result<FunctionChange, Problem> {
    check_attributes(&attributes).map_err(|message| Problem::field("attributes", "request.invalid", message))?;
    Ok(FunctionChange { description, attributes, state })
}

async fn create(caller: &Caller, scope: FunctionScope, body: JsonBody<NewFunctionBody>) -> Result<Tagged<FunctionView>, Problem> {
    let NewFunctionBody { name, description, attributes, state } = body.parse()?;
    let name: Name = function_name(&name).map_err(|message| Problem::field("name", "request.invalid", message))?;
    let new = settings(description, attributes, state)?;
    let made = caller.api.store.create_function(&caller.cause(), &scope, &name, &new).await?;
    Ok(Tagged(StatusCode::CREATED, made.revision, FunctionView::of(caller, &scope, made)))
}

async fn edit(
    caller: &Caller,
    scope: FunctionScope,
    function: &str,
    if_match: IfMatch,
    body: JsonBody<FunctionBody>,
) -> Result<Tagged<FunctionView>, Problem> {
    let found = own(caller, &scope, function).await?;
    let FunctionBody { description, attributes, state } = body.parse()?;
    let change = settings(description, attributes, state)?;
    let changed = caller.api.store.change_function(&caller.cause(), &scope, &found.id, &change, if_match.revision()?).await?;
    Ok(Tagged(StatusCode::OK, changed.revision, FunctionView::of(caller, &scope, changed)))
}

async fn versions(caller: &Caller, scope: FunctionScope, function: &str) -> Result<Json<FunctionVersionsView>, Problem> {
    let found = known(caller, &scope, function).await?;
    let versions = caller.api.store.function_versions(scope.tenant(), &found.id).await?;
    Ok(Json(FunctionVersionsView {
        items: versions.into_iter().map(|version| FunctionVersionView::of(&scope, &found.id, version)).collect(),
    }))
}

async fn add(
    caller: &Caller,
    scope: FunctionScope,
    function: &str,
    body: JsonBody<NewFunctionVersionBody>,
) -> Result<(StatusCode, Json<FunctionVersionView>), Problem> {
    let found = own(caller, &scope, function).await?;
    let body = body.parse()?;
    let source = match &body.source {
        Some(source) => serde_json::to_value(source).map_err(|error| Problem::internal(error.to_string()))?,
        None => Value::Null,
    };
    let bytes = source.to_string().len();
    if bytes > SOURCE_BYTES_MAX {
        let message = format!("has {bytes} bytes, expected at most {SOURCE_BYTES_MAX}");
        return Err(Problem::field("source", "request.invalid", message));
    }
    let given = presentation::of_texts(body.icon_base64.as_deref(), body.documentation.as_deref())?;
    let (content_hash, origin, of_plugin) = component_of(caller, &scope, &body).await?;
    let component = match caller.api.store.component(scope.tenant(), &content_hash).await {
        Ok(component) => component,
        Err(StoreError::NotFound { .. }) => return Err(not_kept(&body)),
        Err(error) => return Err(error.into()),
    };
    let size_bytes = i64::try_from(component.len()).unwrap_or(i64::MAX);
    let described = caller.api.control.describe_function(scope.tenant(), found.name.as_str(), component.into()).await?;
    if !FUNCTION_WORLDS.contains(&described.world.as_str()) {
        let detail = format!("the component is of the world `{}`; a function is one of {}", described.world, FUNCTION_WORLDS.join(", "));
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "function.wrong_world", detail));
    }
    let new = NewFunctionVersion {
        content_hash,
        world: described.world,
        wit_version: described.wit_version,
        size_bytes,
        signatures: described.signatures,
        origin,
        source,
        presentation: over(given, of_plugin),
    };
    let added = caller.api.store.add_function_version(&caller.cause(), &scope, &found.id, &new).await?;
    Ok((StatusCode::CREATED, Json(FunctionVersionView::of(&scope, &found.id, added))))
}

/// What is given, and else what the plugin has.
fn over(given: GivenPresentation, of_plugin: GivenPresentation) -> GivenPresentation {
    fn first<T>(given: Part<T>, other: Part<T>) -> Part<T> {
        if matches!(given, Part::Kept) { other } else { given }
    }
    GivenPresentation {
        icon: first(given.icon, of_plugin.icon),
        parameters: Part::Kept,
        documentation: first(given.documentation, of_plugin.documentation),
    }
}

/// Icon and documentation of a plugin's version, to be given to a function that is taken from it.
async fn shown_of(caller: &Caller, scope: &ProjectScope, version: &PluginVersion) -> Result<GivenPresentation, Problem> {
    let (store, shown) = (&caller.api.store, &version.presentation);
    let mut given = GivenPresentation::default();
    if shown.icon.is_some() {
        let (icon, bytes) = store.icon(&scope.tenant, shown).await?;
        given.icon = Part::Given(Icon { format: icon.format, bytes });
    }
    if shown.documentation_hash.is_some() {
        given.documentation = Part::Given(store.documentation(&scope.tenant, shown).await?);
    }
    Ok(given)
}

/// What is said when the content that a body names is not there.
fn not_kept(body: &NewFunctionVersionBody) -> Problem {
    match &body.build {
        None => Problem::field("content_hash", "request.invalid", "the tenant has no such content"),
        Some(build) => {
            let message = format!(
                "the component of build `{build}` is not kept any more: of a project's builds the newest {BUILT_COMPONENTS_KEPT} keep theirs; \
                 build it again"
            );
            Problem::field("build", "request.invalid", message)
        }
    }
}

/// Content hash of what the body names, what is remembered of where it came from, and what is shown of it there.
async fn component_of(
    caller: &Caller,
    scope: &FunctionScope,
    body: &NewFunctionVersionBody,
) -> Result<(String, Value, GivenPresentation), Problem> {
    let nothing = GivenPresentation::default();
    let store = &caller.api.store;
    let no_version = |what: &str, name: &str, number: i64| {
        Problem::field("version", "request.invalid", format!("{what} `{name}` has no version {number}"))
    };
    match (&body.plugin, &body.resource, &body.build, &body.content_hash) {
        (Some(plugin), None, None, None) => {
            let project = place(caller, scope, body).await?;
            let found = store.plugin(&project, plugin).await.map_err(|error| named_in("plugin", error))?;
            let version = match body.version {
                None => found.latest,
                Some(number) => {
                    let versions = store.plugin_versions(&project, &found.id).await?;
                    versions.into_iter().find(|v| v.number == number).ok_or_else(|| no_version("plugin", plugin, number))?
                }
            };
            let shown = shown_of(caller, &project, &version).await?;
            Ok((version.content_hash, json!({"plugin": found.name, "version": version.number, "project": project.project}), shown))
        }
        (None, Some(resource), None, None) => {
            let project = place(caller, scope, body).await?;
            let found = store.resource(&project, resource).await.map_err(|error| named_in("resource", error))?;
            if found.kind != ResourceKind::Component {
                let message = format!("`{}` is a {}; expected a component (build a JAR first)", found.name, found.kind);
                return Err(Problem::field("resource", "request.invalid", message));
            }
            let version = match body.version {
                None => found.latest,
                Some(number) => {
                    let versions = store.resource_versions(&project, &found.id).await?;
                    versions.into_iter().find(|v| v.number == number).ok_or_else(|| no_version("resource", resource, number))?
                }
            };
            Ok((version.content_hash, json!({"resource": found.name, "version": version.number, "project": project.project}), nothing))
        }
        (None, None, Some(build), None) => {
            let project = place(caller, scope, body).await?;
            let found = store.build(&project, build).await.map_err(|error| named_in("build", error))?;
            let hash = found.content_hash.ok_or_else(|| {
                let message = format!("build `{build}` is {} and has made no component; see its diagnostics", found.state.as_str());
                Problem::field("build", "request.invalid", message)
            })?;
            Ok((hash, json!({"build": found.id, "project": project.project}), nothing))
        }
        (None, None, None, Some(hash)) => Ok((hash.clone(), json!({"content_hash": hash}), nothing)),
        _ => {
            let detail = "give exactly one of `plugin`, `resource`, `build` and `content_hash`";
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "request.invalid", detail))
        }
    }
}

/// The project of the plugin, resource or build that a version is taken from.
async fn place(caller: &Caller, scope: &FunctionScope, body: &NewFunctionVersionBody) -> Result<ProjectScope, Problem> {
    match (scope, &body.project) {
        (FunctionScope::Project(project), None) => Ok(project.clone()),
        (FunctionScope::Project(_), Some(_)) => {
            Err(Problem::field("project", "request.invalid", "is for functions of a tenant; a project's are taken from the project itself"))
        }
        (FunctionScope::Tenant(_), None) => {
            Err(Problem::field("project", "request.invalid", "is missing; which project's plugin or resource is meant?"))
        }
        (FunctionScope::Tenant(tenant), Some(project)) => {
            let found = caller.api.store.project(tenant, project).await.map_err(|error| named_in("project", error))?;
            caller.authorize(Action::FunctionView, &Scope::Project(found.scope.clone()), ("project", project)).await?;
            Ok(found.scope)
        }
    }
}

/// What a body names and is not there is a wrong body, not a missing path.
fn named_in(field: &str, error: StoreError) -> Problem {
    match error {
        StoreError::NotFound { .. } => Problem::field(field, "request.invalid", error.to_string()),
        other => other.into(),
    }
}

async fn delete(caller: &Caller, scope: FunctionScope, function: &str) -> Result<StatusCode, Problem> {
    let found = own(caller, &scope, function).await?;
    caller.api.store.delete_function(&caller.cause(), &scope, &found.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the functions of a project.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/functions", tag = "functions", params(PageQuery), responses((status = 200, body = Listing<FunctionView>)))]
pub(crate) async fn list_functions(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<FunctionView>>, Problem> {
    let scope = project_scope(&caller, &tenant, &project, Action::FunctionView).await?;
    list(&caller, scope, query).await
}

/// List the functions of the whole tenant.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/functions", tag = "functions", params(PageQuery), responses((status = 200, body = Listing<FunctionView>)))]
pub(crate) async fn list_tenant_functions(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<FunctionView>>, Problem> {
    let scope = tenant_scope(&caller, &tenant, Action::FunctionView).await?;
    list(&caller, scope, query).await
}

/// Make a function of a project.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/functions", tag = "functions", request_body = NewFunctionBody, responses((status = 201, body = FunctionView)))]
pub(crate) async fn create_function(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    body: JsonBody<NewFunctionBody>,
) -> Result<Tagged<FunctionView>, Problem> {
    let scope = project_scope(&caller, &tenant, &project, Action::FunctionCreate).await?;
    create(&caller, scope, body).await
}

/// Make a function of the whole tenant.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/functions", tag = "functions", request_body = NewFunctionBody, responses((status = 201, body = FunctionView)))]
pub(crate) async fn create_tenant_function(
    caller: Caller,
    Path(tenant): Path<String>,
    body: JsonBody<NewFunctionBody>,
) -> Result<Tagged<FunctionView>, Problem> {
    let scope = tenant_scope(&caller, &tenant, Action::FunctionShare).await?;
    create(&caller, scope, body).await
}

/// Get a function of a project by name or id.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/functions/{function}", tag = "functions", responses((status = 200, body = FunctionView)))]
pub(crate) async fn get_function(
    caller: Caller,
    Path((tenant, project, function)): Path<(String, String, String)>,
) -> Result<Tagged<FunctionView>, Problem> {
    let scope = project_scope(&caller, &tenant, &project, Action::FunctionView).await?;
    let found = known(&caller, &scope, &function).await?;
    Ok(Tagged(StatusCode::OK, found.revision, FunctionView::of(&caller, &scope, found)))
}

/// Get a function of the whole tenant by name or id.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/functions/{function}", tag = "functions", responses((status = 200, body = FunctionView)))]
pub(crate) async fn get_tenant_function(
    caller: Caller,
    Path((tenant, function)): Path<(String, String)>,
) -> Result<Tagged<FunctionView>, Problem> {
    let scope = tenant_scope(&caller, &tenant, Action::FunctionView).await?;
    let found = known(&caller, &scope, &function).await?;
    Ok(Tagged(StatusCode::OK, found.revision, FunctionView::of(&caller, &scope, found)))
}

/// Change what is said of a function of a project.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/functions/{function}", tag = "functions", request_body = FunctionBody, responses((status = 200, body = FunctionView)))]
pub(crate) async fn edit_function(
    caller: Caller,
    Path((tenant, project, function)): Path<(String, String, String)>,
    if_match: IfMatch,
    body: JsonBody<FunctionBody>,
) -> Result<Tagged<FunctionView>, Problem> {
    let scope = project_scope(&caller, &tenant, &project, Action::FunctionEdit).await?;
    edit(&caller, scope, &function, if_match, body).await
}

/// Change what is said of a function of the whole tenant.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/functions/{function}", tag = "functions", request_body = FunctionBody, responses((status = 200, body = FunctionView)))]
pub(crate) async fn edit_tenant_function(
    caller: Caller,
    Path((tenant, function)): Path<(String, String)>,
    if_match: IfMatch,
    body: JsonBody<FunctionBody>,
) -> Result<Tagged<FunctionView>, Problem> {
    let scope = tenant_scope(&caller, &tenant, Action::FunctionShare).await?;
    edit(&caller, scope, &function, if_match, body).await
}

/// Remove a function of a project that no job's version has pinned.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/functions/{function}", tag = "functions", responses((status = 204)))]
pub(crate) async fn delete_function(
    caller: Caller,
    Path((tenant, project, function)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let scope = project_scope(&caller, &tenant, &project, Action::FunctionDelete).await?;
    delete(&caller, scope, &function).await
}

/// Remove a function of the whole tenant that no job's version has pinned.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/functions/{function}", tag = "functions", responses((status = 204)))]
pub(crate) async fn delete_tenant_function(
    caller: Caller,
    Path((tenant, function)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let scope = tenant_scope(&caller, &tenant, Action::FunctionShare).await?;
    delete(&caller, scope, &function).await
}

/// List the versions of a function of a project.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/functions/{function}/versions", tag = "functions", responses((status = 200, body = FunctionVersionsView)))]
pub(crate) async fn list_function_versions(
    caller: Caller,
    Path((tenant, project, function)): Path<(String, String, String)>,
) -> Result<Json<FunctionVersionsView>, Problem> {
    let scope = project_scope(&caller, &tenant, &project, Action::FunctionView).await?;
    versions(&caller, scope, &function).await
}

/// List the versions of a function of the whole tenant.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/functions/{function}/versions", tag = "functions", responses((status = 200, body = FunctionVersionsView)))]
pub(crate) async fn list_tenant_function_versions(
    caller: Caller,
    Path((tenant, function)): Path<(String, String)>,
) -> Result<Json<FunctionVersionsView>, Problem> {
    let scope = tenant_scope(&caller, &tenant, Action::FunctionView).await?;
    versions(&caller, scope, &function).await
}

/// Add a version to a function of a project. The component must be there: uploaded as a plugin or resource, or made by a build.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/functions/{function}/versions", tag = "functions", request_body = NewFunctionVersionBody, responses((status = 201, body = FunctionVersionView)))]
pub(crate) async fn add_function_version(
    caller: Caller,
    Path((tenant, project, function)): Path<(String, String, String)>,
    body: JsonBody<NewFunctionVersionBody>,
) -> Result<(StatusCode, Json<FunctionVersionView>), Problem> {
    let scope = project_scope(&caller, &tenant, &project, Action::FunctionCreate).await?;
    add(&caller, scope, &function, body).await
}

/// Add a version to a function of the whole tenant. The component must be there: uploaded as a plugin or resource, or made by a build.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/functions/{function}/versions", tag = "functions", request_body = NewFunctionVersionBody, responses((status = 201, body = FunctionVersionView)))]
pub(crate) async fn add_tenant_function_version(
    caller: Caller,
    Path((tenant, function)): Path<(String, String)>,
    body: JsonBody<NewFunctionVersionBody>,
) -> Result<(StatusCode, Json<FunctionVersionView>), Problem> {
    let scope = tenant_scope(&caller, &tenant, Action::FunctionShare).await?;
    add(&caller, scope, &function, body).await
}

/// Get the icon of a version of a function of a project.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant}/projects/{project}/functions/{function}/versions/{version}/icon",
    tag = "functions",
    responses((status = 200, content((Vec<u8> = "image/png"), (Vec<u8> = "image/svg+xml"))), (status = 304))
)]
pub(crate) async fn get_function_icon(
    caller: Caller,
    Path((tenant, project, function, version)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let scope = project_scope(&caller, &tenant, &project, Action::FunctionView).await?;
    let found = one_version(&caller, &scope, &function, &version).await?;
    presentation::send_icon(&caller.api, scope.tenant(), &headers, &found.presentation).await
}

/// Get the icon of a version of a function of the whole tenant.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant}/functions/{function}/versions/{version}/icon",
    tag = "functions",
    responses((status = 200, content((Vec<u8> = "image/png"), (Vec<u8> = "image/svg+xml"))), (status = 304))
)]
pub(crate) async fn get_tenant_function_icon(
    caller: Caller,
    Path((tenant, function, version)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let scope = tenant_scope(&caller, &tenant, Action::FunctionView).await?;
    let found = one_version(&caller, &scope, &function, &version).await?;
    presentation::send_icon(&caller.api, scope.tenant(), &headers, &found.presentation).await
}

/// Get the documentation of a version of a function of a project.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/functions/{function}/versions/{version}/documentation", tag = "functions", responses((status = 200, body = DocumentationView)))]
pub(crate) async fn get_function_documentation(
    caller: Caller,
    Path((tenant, project, function, version)): Path<(String, String, String, String)>,
) -> Result<Json<DocumentationView>, Problem> {
    let scope = project_scope(&caller, &tenant, &project, Action::FunctionView).await?;
    let found = one_version(&caller, &scope, &function, &version).await?;
    presentation::documentation_of(&caller.api, scope.tenant(), found.number, &found.presentation).await
}

/// Get the documentation of a version of a function of the whole tenant.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/functions/{function}/versions/{version}/documentation", tag = "functions", responses((status = 200, body = DocumentationView)))]
pub(crate) async fn get_tenant_function_documentation(
    caller: Caller,
    Path((tenant, function, version)): Path<(String, String, String)>,
) -> Result<Json<DocumentationView>, Problem> {
    let scope = tenant_scope(&caller, &tenant, Action::FunctionView).await?;
    let found = one_version(&caller, &scope, &function, &version).await?;
    presentation::documentation_of(&caller.api, scope.tenant(), found.number, &found.presentation).await
}

/// A version of the function that a name means.
async fn one_version(caller: &Caller, scope: &FunctionScope, function: &str, version: &str) -> Result<FunctionVersion, Problem> {
    let found = known(caller, scope, function).await?;
    Ok(caller.api.store.function_version(scope.tenant(), &found.id, version_number(version)?).await?)
}
