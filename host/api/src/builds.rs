//! Builds of online code and JARs (EXT-1, EXT-2, EXT-4).

use crate::{
    allowed::allowed,
    caller::{Caller, to_the_end},
    control_plane::ControlFailure,
    extract::{JsonBody, QueryString},
    page::{Listing, PageQuery},
    problem::Problem,
    templates::{self, Filling},
};
use axum::{Json, extract::Path, http::StatusCode};
use base64::{Engine, engine::general_purpose::STANDARD};
use millrace_builder::{Jar, Language, SourceFile, World, sources::SourceLimits};
use millrace_control::{BuildOrder, CompletedFile};
use millrace_domain::{
    Action, Name, ProjectScope, ResourceKind, Scope,
    template::{BuiltinTemplate, TemplateLanguage, WORLDS},
};
use millrace_store::{Build, BuildTemplate};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};
use utoipa::{IntoParams, ToSchema};

/// Longest wait for a build within one request.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// Something to build: whole files, or what a template completes to one, or a class of a JAR.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BuildRequest {
    /// What kind of component: `etl-operator`, `scalar-function`, `table-function`, `aggregate-function`,
    /// `transform-operator`, `source-operator`, `sink-operator`, `dimension-updater`. That of the template if one is named.
    #[schema(value_type = Option<String>)]
    world: Option<World>,
    /// `java` or `scala`; that of the template, or Java, unless given.
    #[schema(value_type = Option<String>)]
    language: Option<Language>,
    /// Whole files.
    #[serde(default)]
    sources: Vec<SourceRequest>,
    /// What is written into a template: the system completes the class, and diagnostics point into what was written.
    template: Option<TemplateRequest>,
    /// Full name of the class; may be left out if exactly one class of the sources is of the world.
    class: Option<String>,
    /// JARs that are compiled against, or that hold the class.
    #[serde(default)]
    jars: Vec<JarRequest>,
    /// Name of a plugin: on success the component becomes its next version.
    #[schema(value_type = Option<String>)]
    plugin: Option<Name>,
    /// What the plugin does; keeps what is there unless given.
    description: Option<String>,
}

/// A file of source text.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceRequest {
    /// Relative path by which diagnostics name it: `acme/Clean.java`.
    path: String,
    /// The text.
    text: String,
}

/// What is written into a template.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TemplateRequest {
    /// Name or id of a template that the caller sees; the frame that everybody has for world and language unless given.
    name: Option<String>,
    /// Its version; the newest unless given.
    version: Option<i64>,
    /// The parameter `content`.
    content: Option<String>,
    /// The other parameters; what is not given takes its default.
    #[schema(value_type = Object)]
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
}

/// A JAR: its content, or a resource of the project that holds it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JarRequest {
    /// Name by which messages call it; that of the resource unless given.
    name: Option<String>,
    /// The archive, in Base64.
    content_base64: Option<String>,
    /// Name or id of a resource of the kind `jar` instead.
    resource: Option<String>,
    /// Version of the resource; the newest unless given.
    version: Option<i64>,
}

/// A version of a template that completed the text of a build.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BuildTemplateView {
    /// Null for a frame that everybody has.
    id: Option<String>,
    /// Its name at that time.
    name: String,
    version: i64,
}

impl From<BuildTemplate> for BuildTemplateView {
    fn from(template: BuildTemplate) -> Self {
        let BuildTemplate { id, name, version } = template;
        Self { id: Some(id).filter(|id| *id != name), name, version }
    }
}

/// A build.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BuildView {
    id: String,
    /// `queued`, `running`, `succeeded`, `failed`, `cancelled`.
    state: String,
    world: String,
    language: String,
    class: Option<String>,
    /// The version of the template that the text was completed by.
    template: Option<BuildTemplateView>,
    /// The step that runs.
    step: Option<String>,
    /// Steps that were taken, with `name` and `elapsed_ms`.
    #[schema(value_type = Vec<Object>)]
    steps: Value,
    /// What the compilers say: `severity`, `file`, `line`, `column` (from 1, in the text that was sent), `method`,
    /// `message`, `help`. `file` is a path of the sources, or the parameter of the template that the code was given for.
    #[schema(value_type = Vec<Object>)]
    diagnostics: Value,
    /// What the tools wrote; empty in lists.
    log: String,
    /// Why there is no component, if not for the code: a limit, or something missing on the server.
    failure: Option<String>,
    /// Whether an earlier build of the same request answered.
    reused: bool,
    /// SHA-256 of the component, in hex.
    content_hash: Option<String>,
    size_bytes: Option<i64>,
    plugin: Option<String>,
    /// The version of the plugin that the component became.
    plugin_version: Option<i64>,
    created_by: String,
    created_at_ms: i64,
    started_at_ms: Option<i64>,
    ended_at_ms: Option<i64>,
    /// `cancel`, while it can be.
    allowed_actions: Vec<&'static str>,
}

impl BuildView {
    fn of(caller: &Caller, build: Build) -> Self {
        let offers = [("cancel", Action::BuildCancel, !build.state.has_ended())];
        Self {
            allowed_actions: allowed(caller, &Scope::Project(build.scope.clone()), offers),
            id: build.id,
            state: build.state.as_str().to_owned(),
            world: build.world,
            language: build.language,
            class: build.class,
            template: build.template.map(BuildTemplateView::from),
            step: build.step,
            steps: build.steps,
            diagnostics: build.diagnostics,
            log: build.log,
            failure: build.failure,
            reused: build.reused,
            content_hash: build.content_hash,
            size_bytes: build.size_bytes,
            plugin: build.plugin,
            plugin_version: build.plugin_version,
            created_by: build.created_by,
            created_at_ms: build.created_at_ms,
            started_at_ms: build.started_at_ms,
            ended_at_ms: build.ended_at_ms,
        }
    }
}

/// How long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitQuery {
    /// Answers when the build has ended, or after so many milliseconds as it is then; at most 120000, 0 unless given.
    wait_ms: Option<u64>,
}

impl WaitQuery {
    fn wait(&self) -> Duration {
        Duration::from_millis(self.wait_ms.unwrap_or_default()).min(WAIT_MAX)
    }
}

/// List the builds of a project, without their logs.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/builds", tag = "builds", params(PageQuery), responses((status = 200, body = Listing<BuildView>)))]
pub(crate) async fn list_builds(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<BuildView>>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::BuildView).await?;
    let mut page = caller.api.store.builds(&scope, &query.parse()?.into()).await?;
    page.items.iter_mut().for_each(|build| build.log.clear());
    Ok(Json(Listing::with(page, |build| BuildView::of(&caller, build))))
}

/// Build a component from online code or JARs. Answers at once, or when it has ended with `wait_ms`.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/builds", tag = "builds", params(WaitQuery), request_body = BuildRequest, responses((status = 202, body = BuildView)))]
pub(crate) async fn create_build(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<WaitQuery>,
    body: JsonBody<BuildRequest>,
) -> Result<(StatusCode, Json<BuildView>), Problem> {
    let scope = caller.in_project(&tenant, &project, Action::BuildCreate).await?;
    if !caller.api.store.services(&scope).await?.0.online_code() {
        let detail =
            format!("the service `stream_computing` of project `{project}` builds no code; an administrator of the tenant can allow it");
        return Err(Problem::new(StatusCode::CONFLICT, "project.no_online_code", detail));
    }
    let wait = query.parse()?.wait();
    let request = body.parse()?;
    if request.plugin.is_some() {
        caller.in_project(&tenant, &project, Action::PluginUpload).await?;
    }
    // Held until the build waits: what is loaded and not yet counted by the queue is of a few requests only.
    let turn = tokio::time::timeout(caller.api.config.uploads.wait_max, caller.api.build_loads.clone().acquire_owned()).await;
    let turn =
        turn.map_err(|_| Problem::from(ControlFailure::Busy("too many builds are on their way in; ask again in a moment".into())))?;
    let turn = turn.map_err(|_| Problem::internal("builds are closed"))?;
    let order = order(&caller, &scope, request).await?;
    let api = caller.api.clone();
    let (noted, scope, caller) = to_the_end(async move {
        let noted = caller.api.control.submit_build(&caller.cause(), &scope, order).await;
        drop(turn);
        noted.map(|noted| (noted, scope, caller))
    })
    .await??;
    let build = if wait.is_zero() { noted } else { api.control.wait_for_build(&scope, &noted.id, wait).await? };
    Ok((StatusCode::ACCEPTED, Json(BuildView::of(&caller, build))))
}

/// Get a build with its diagnostics and log.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/builds/{build}", tag = "builds", params(WaitQuery), responses((status = 200, body = BuildView)))]
pub(crate) async fn get_build(
    caller: Caller,
    Path((tenant, project, build)): Path<(String, String, String)>,
    query: QueryString<WaitQuery>,
) -> Result<Json<BuildView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::BuildView).await?;
    let found = caller.api.control.wait_for_build(&scope, &build, query.parse()?.wait()).await?;
    Ok(Json(BuildView::of(&caller, found)))
}

/// Cancel a build; one that has ended stays as it is.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/builds/{build}", tag = "builds", responses((status = 200, body = BuildView)))]
pub(crate) async fn cancel_build(
    caller: Caller,
    Path((tenant, project, build)): Path<(String, String, String)>,
) -> Result<Json<BuildView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::BuildCancel).await?;
    let cancelled = caller.api.control.cancel_build(&caller.cause(), &scope, &build).await?;
    Ok(Json(BuildView::of(&caller, cancelled)))
}

/// A JAR that a build is asked with.
enum FoundJar {
    /// It came with the request.
    Given(Jar),
    /// It is a resource, which is not loaded yet.
    Kept { name: String, content_hash: String, size_bytes: usize },
}

impl FoundJar {
    fn bytes(&self) -> usize {
        match self {
            Self::Given(jar) => jar.bytes.len(),
            Self::Kept { size_bytes, .. } => *size_bytes,
        }
    }
}

/// The JAR, wherever its content lies; `left` is what the JARs of the request may still have together.
async fn jar(caller: &Caller, scope: &ProjectScope, number: usize, jar: JarRequest, left: &mut usize) -> Result<FoundJar, Problem> {
    let wrong = |field: &str, message: String| Problem::field(&format!("jars[{number}].{field}"), "request.invalid", message);
    let found = match (jar.content_base64, jar.resource) {
        (Some(text), None) => {
            let bytes = STANDARD.decode(&text).map_err(|error| wrong("content_base64", format!("is not Base64: {error}")))?;
            FoundJar::Given(Jar { name: jar.name.unwrap_or_else(|| format!("{}.jar", number + 1)), bytes })
        }
        (None, Some(name)) => {
            let found = caller.api.store.resource(scope, &name).await?;
            if found.kind != ResourceKind::Jar {
                return Err(wrong("resource", format!("`{}` is a {}, expected a jar", found.name, found.kind)));
            }
            let version = jar.version.map_or_else(|| "latest".to_owned(), |version| version.to_string());
            let (version, _) = caller.api.store.resource_version(scope, &found.id, &version).await?;
            let size_bytes = usize::try_from(version.size_bytes).unwrap_or(usize::MAX);
            if size_bytes > *left {
                return Err(wrong("resource", format!("has {size_bytes} bytes; the JARs of a build may have {left} more")));
            }
            let name = jar.name.unwrap_or_else(|| format!("{}.jar", found.name));
            FoundJar::Kept { name, content_hash: version.content_hash, size_bytes }
        }
        _ => return Err(wrong("content_base64", "expected either the content or a `resource`".to_owned())),
    };
    *left = left.saturating_sub(found.bytes());
    Ok(found)
}

/// World, language and the file that a template was completed to.
struct Asked {
    world: World,
    language: Language,
    class: Option<String>,
    completed: Option<CompletedFile>,
}

/// Completes what is written into a template; without one, world and language are as the request says.
async fn asked(caller: &Caller, scope: &ProjectScope, request: &mut BuildRequest) -> Result<Asked, Problem> {
    let no_world = || Problem::field("world", "request.invalid", format!("is missing, expected one of {}", WORLDS.join(", ")));
    let class = request.class.take();
    let Some(TemplateRequest { name, version, content, parameters }) = request.template.take() else {
        let world = request.world.ok_or_else(no_world)?;
        return Ok(Asked { world, language: request.language.unwrap_or(Language::Java), class, completed: None });
    };
    let name = match name {
        Some(name) => name,
        None => {
            let (world, language) = (request.world.ok_or_else(no_world)?, request.language.unwrap_or(Language::Java));
            let default = BuiltinTemplate::default_for(world.name(), template_language(language)).ok_or_else(|| {
                let (world, language) = (world.name(), template_language(language));
                let message =
                    format!("is missing: there is no frame for `{world}` in {language}; name a template, or send whole `sources`");
                Problem::field("template.name", "request.invalid", message)
            })?;
            default.name.to_owned()
        }
    };
    let tenant = caller.in_tenant(scope.tenant.as_str(), Action::TemplateView).await?;
    let filled = templates::complete(caller, &tenant, &name, Filling { version, content, parameters }).await?;
    let language = match filled.language {
        TemplateLanguage::Java => Language::Java,
        TemplateLanguage::Scala => Language::Scala,
        other @ (TemplateLanguage::Javascript | TemplateLanguage::Python) => {
            let message = format!("`{name}` is in {other}, and the server builds java and scala; build it with `millrace plugin build`");
            return Err(Problem::field("template.name", "request.invalid", message));
        }
    };
    let world = World::ALL.into_iter().find(|world| world.name() == filled.world);
    let world = world.ok_or_else(|| Problem::internal(format!("template {name} is for the world {}", filled.world)))?;
    let differs = |field: &str, asked: &str, found: &str| {
        Problem::field(field, "request.invalid", format!("is {asked}, and template `{name}` is for {found}; leave it out"))
    };
    if let Some(asked) = request.world.filter(|asked| *asked != world) {
        return Err(differs("world", asked.name(), world.name()));
    }
    if let Some(asked) = request.language.filter(|asked| *asked != language) {
        return Err(differs("language", template_language(asked).as_str(), filled.language.as_str()));
    }
    let class = class.or_else(|| filled.class.as_ref().map(|class| full_name(&filled.completion.text, class)));
    let source = SourceFile { path: filled.path, text: filled.completion.text };
    let completed = CompletedFile { source, lines: filled.completion.lines, template: filled.used };
    Ok(Asked { world, language, class, completed: Some(completed) })
}

const fn template_language(language: Language) -> TemplateLanguage {
    match language {
        Language::Java => TemplateLanguage::Java,
        Language::Scala => TemplateLanguage::Scala,
    }
}

/// A class with the package that its file says.
fn full_name(text: &str, class: &str) -> String {
    let package = text.lines().find_map(|line| line.trim().strip_prefix("package "));
    let package =
        package.map(|name| name.trim_end_matches(';').trim()).filter(|name| !name.is_empty() && !name.contains(char::is_whitespace));
    package.map_or_else(|| class.to_owned(), |package| format!("{package}.{class}"))
}

async fn order(caller: &Caller, scope: &ProjectScope, mut request: BuildRequest) -> Result<BuildOrder, Problem> {
    let (count, count_max) = (request.jars.len(), SourceLimits::default().jars_max);
    if count > count_max {
        return Err(Problem::field("jars", "request.invalid", format!("there are {count}, expected at most {count_max}")));
    }
    let Asked { world, language, class, completed } = asked(caller, scope, &mut request).await?;
    let (mut found, mut left) = (Vec::new(), caller.api.config.build_bytes_max);
    for (number, asked) in request.jars.into_iter().enumerate() {
        found.push(jar(caller, scope, number, asked, &mut left).await?);
    }
    caller.api.control.admits_build(&scope.tenant, found.iter().map(FoundJar::bytes).sum())?;
    let mut jars = Vec::with_capacity(found.len());
    for found in found {
        jars.push(match found {
            FoundJar::Given(jar) => jar,
            FoundJar::Kept { name, content_hash, .. } => {
                Jar { name, bytes: caller.api.store.component(&scope.tenant, &content_hash).await? }
            }
        });
    }
    Ok(BuildOrder {
        world,
        language,
        sources: request.sources.into_iter().map(|file| SourceFile { path: file.path, text: file.text }).collect(),
        completed,
        class,
        jars,
        plugin: request.plugin,
        description: request.description,
    })
}

/// The build service of this server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BuildServiceView {
    /// Whether this server builds online code.
    available: bool,
    /// Why not, or what is missing.
    reason: Option<String>,
    /// Versions of the tools.
    toolchain: Option<String>,
    /// How strongly builds are held: `namespaces`, `landlock`, `limits`.
    cage: Option<&'static str>,
    /// What that means.
    cage_meaning: Option<&'static str>,
    /// Builds that wait.
    waiting: usize,
    /// Builds that run.
    running: usize,
    /// Warm builders that wait for work.
    idle_workers: usize,
}

/// Say whether and how safely this server builds online code.
#[utoipa::path(get, path = "/api/v1/platform/build-service", tag = "platform", responses((status = 200, body = BuildServiceView)))]
pub(crate) async fn get_build_service(caller: Caller) -> Result<Json<BuildServiceView>, Problem> {
    caller.on_platform(Action::PlatformObserve).await?;
    let status = caller.api.control.builds_status().await;
    let (toolchain, reason) = match status.toolchain {
        Ok(toolchain) => (Some(toolchain), None),
        Err(reason) => (None, Some(reason)),
    };
    let service = status.service;
    Ok(Json(BuildServiceView {
        available: service.is_some(),
        reason,
        toolchain,
        cage: service.as_ref().map(|service| service.cage.name()),
        cage_meaning: service.as_ref().map(|service| service.cage.meaning()),
        waiting: service.as_ref().map_or(0, |service| service.waiting),
        running: service.as_ref().map_or(0, |service| service.running),
        idle_workers: service.as_ref().map_or(0, |service| service.idle_workers),
    }))
}
