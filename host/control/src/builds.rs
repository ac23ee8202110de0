//! Builds of online code and JARs: from a request over the build service to a component, and to a version of a plugin.
//!
//! Invariants: a component that a build made is admitted like any upload before it becomes a version; what is reused was
//! built in the same project from the same request by the same tools; diagnostics point into what the user sent.

use crate::{Control, ControlError, facade::from_store};
use async_trait::async_trait;
use bytes::Bytes;
use millrace_builder::{
    BuildReport, Diagnostic, Jar, Language, Severity, SourceBuild, SourceFile, World,
    service::{BuildEnd, BuildObserver, BuildService, ServiceStatus},
};
use millrace_domain::{
    Name, ProjectScope,
    template::{LineMap, Origin},
};
use millrace_model::{Classified, FaultClass, ids::TenantId};
use millrace_store::{Build, BuildEnding, BuildState, BuildTemplate, Cause, NewBuild, NewPluginVersion, StoreError};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// Bytes of a log that are kept.
const LOG_BYTES_MAX: usize = 64 << 10;
/// Diagnostics that are kept.
const DIAGNOSTICS_MAX: usize = 200;
/// Time between two looks at a build that another server builds.
const LOOK: Duration = Duration::from_millis(500);

/// A file that a template has completed from what the user wrote.
#[derive(Debug, Clone)]
pub struct CompletedFile {
    /// The file.
    pub source: SourceFile,
    /// Where the user's code stands in it.
    pub lines: LineMap,
    /// The version of the template.
    pub template: BuildTemplate,
}

/// A build that somebody asks for.
#[derive(Debug, Clone)]
pub struct BuildOrder {
    /// What kind of component.
    pub world: World,
    /// Language of the sources.
    pub language: Language,
    /// Whole files.
    pub sources: Vec<SourceFile>,
    /// A file that was completed from the user's text: diagnostics point into that text.
    pub completed: Option<CompletedFile>,
    /// Full name of the class.
    pub class: Option<String>,
    /// Dependencies, or what holds the class.
    pub jars: Vec<Jar>,
    /// The plugin that the component becomes a version of.
    pub plugin: Option<Name>,
    /// What the plugin does.
    pub description: Option<String>,
}

/// What the build service can do here.
#[derive(Debug, Clone)]
pub struct BuildsStatus {
    /// What it is doing; absent when this server does not build.
    pub service: Option<ServiceStatus>,
    /// The tools, or what is missing and how to install it.
    pub toolchain: Result<String, String>,
}

/// The build service, or why there is none.
pub(crate) enum Builds {
    /// It builds.
    Here(Box<BuildsHere>),
    /// It does not.
    Absent(String),
}

pub(crate) struct BuildsHere {
    service: BuildService,
    toolchain: Mutex<Option<String>>,
    /// Something has ended.
    ended: Notify,
}

impl Builds {
    pub(crate) fn here(service: BuildService) -> Self {
        Self::Here(Box::new(BuildsHere { service, toolchain: Mutex::new(None), ended: Notify::new() }))
    }

    fn get(&self) -> Result<&BuildsHere, ControlError> {
        match self {
            Self::Here(here) => Ok(here),
            Self::Absent(reason) => Err(ControlError::External { system: "build service".into(), message: reason.clone() }),
        }
    }

    /// Ends what runs.
    pub(crate) fn close(&self) {
        if let Self::Here(here) = self {
            here.service.close();
        }
    }
}

impl Control {
    /// Takes a build. It is noted, waits for its turn, and is answered at once if the project has built the same before.
    ///
    /// # Errors
    /// Too many builds wait, or this server does not build.
    pub async fn submit_build(&self, cause: &Cause, scope: &ProjectScope, order: BuildOrder) -> Result<Build, ControlError> {
        let here = self.builds().get()?;
        let description = order.description.clone();
        let plugin = order.plugin.clone();
        let completed = order.completed;
        let mut build =
            SourceBuild { world: order.world, language: order.language, sources: order.sources, jars: order.jars, class: order.class };
        build.sources.extend(completed.as_ref().map(|completed| completed.source.clone()));
        let hash = request_hash(&build, completed.as_ref());
        let new = NewBuild {
            world: build.world.name().to_owned(),
            language: language_name(build.language).to_owned(),
            class: build.class.clone(),
            plugin: plugin.clone(),
            template: completed.as_ref().map(|completed| completed.template.clone()),
            worker: self.worker_name().to_owned(),
        };
        let noted = self.store().create_build(cause, scope, &new).await.map_err(from_store)?;
        let (cause, scope, id) = (cause.clone(), scope.clone(), noted.id.clone());
        let observer =
            Observer { control: self.clone(), cause, scope: scope.clone(), world: build.world, plugin, description, completed, hash };
        let known = here.toolchain.lock().clone();
        if let Some(toolchain) = known
            && observer.reuse(&id, &toolchain).await?
        {
            here.ended.notify_waiters();
            return self.store().build(&scope, &id).await.map_err(from_store);
        }
        if let Err(full) = here.service.submit(scope.tenant.as_str(), &id, build, Arc::new(observer)) {
            let ending = BuildEnding { failure: Some(full.to_string()), ..BuildEnding::default() };
            self.store().end_build(&scope, &id, BuildState::Failed, ending).await.map_err(from_store)?;
            return Err(ControlError::Busy(full.to_string()));
        }
        Ok(noted)
    }

    /// Whether a build with so many bytes of JARs would be taken now: asked before they are loaded.
    ///
    /// # Errors
    /// Too many builds wait, or too much, or this server does not build.
    pub fn admits_build(&self, tenant: &TenantId, bytes: usize) -> Result<(), ControlError> {
        let here = self.builds().get()?;
        here.service.admits(tenant.as_str(), bytes).map_err(|full| ControlError::Busy(full.to_string()))
    }

    /// Ends a build; one that has ended stays as it is.
    ///
    /// # Errors
    /// The project has no such build.
    pub async fn cancel_build(&self, cause: &Cause, scope: &ProjectScope, id: &str) -> Result<Build, ControlError> {
        let build = self.store().cancel_build(cause, scope, id).await.map_err(from_store)?;
        if let Builds::Here(here) = self.builds() {
            here.service.cancel(id).await;
            here.ended.notify_waiters();
        }
        Ok(build)
    }

    /// The build when it has ended, or as it is after `wait`.
    ///
    /// # Errors
    /// The project has no such build.
    pub async fn wait_for_build(&self, scope: &ProjectScope, id: &str, wait: Duration) -> Result<Build, ControlError> {
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            let notified = match self.builds() {
                Builds::Here(here) => Some(here.ended.notified()),
                Builds::Absent(_) => None,
            };
            let build = self.store().build(scope, id).await.map_err(from_store)?;
            let now = tokio::time::Instant::now();
            if build.state.has_ended() || now >= deadline {
                return Ok(build);
            }
            let look = tokio::time::sleep_until(deadline.min(now + LOOK));
            match notified {
                Some(notified) => tokio::select! { () = notified => {}, () = look => {} },
                None => look.await,
            }
        }
    }

    /// What the build service can do here.
    pub async fn builds_status(&self) -> BuildsStatus {
        match self.builds() {
            Builds::Absent(reason) => BuildsStatus { service: None, toolchain: Err(reason.clone()) },
            Builds::Here(here) => {
                let known = here.toolchain.lock().clone();
                let toolchain = match known {
                    Some(known) => Ok(known),
                    // The first look may install the tools, which takes minutes; a status does not wait for that.
                    None => Err("not looked for yet: the first build finds and prepares the tools".to_owned()),
                };
                BuildsStatus { service: Some(here.service.status()), toolchain }
            }
        }
    }
}

/// What a build tells, for one build.
struct Observer {
    control: Control,
    cause: Cause,
    scope: ProjectScope,
    world: World,
    plugin: Option<Name>,
    description: Option<String>,
    completed: Option<CompletedFile>,
    hash: [u8; 32],
}

#[async_trait]
impl BuildObserver for Observer {
    async fn step(&self, id: &str, step: &str) {
        if let Err(error) = self.control.store().note_build_step(&self.scope, id, step).await {
            tracing::warn!(build = id, %error, "a step of a build cannot be noted");
        }
    }

    async fn ended(&self, id: &str, end: BuildEnd) {
        let (state, ending) = match end {
            BuildEnd::Reported(report) => self.reported(report).await,
            BuildEnd::Limit(reason) | BuildEnd::Machine(reason) => (BuildState::Failed, failure(reason)),
            BuildEnd::Cancelled => (BuildState::Cancelled, BuildEnding::default()),
        };
        match self.note_end(id, state, ending).await {
            Ok(_) => tracing::info!(build = id, tenant = %self.scope.tenant, state = state.as_str(), "a build has ended"),
            Err(error) => tracing::error!(build = id, %error, "the end of a build cannot be noted"),
        }
        if let Builds::Here(here) = self.control.builds() {
            here.ended.notify_waiters();
        }
    }
}

impl Observer {
    async fn reported(&self, report: BuildReport) -> (BuildState, BuildEnding) {
        let mapped = report.diagnostics.into_iter().take(DIAGNOSTICS_MAX);
        let diagnostics: Vec<Diagnostic> = match &self.completed {
            Some(completed) => mapped.map(|diagnostic| completed.in_users_text(diagnostic)).collect(),
            None => mapped.collect(),
        };
        let has_errors = diagnostics.iter().any(|d| d.severity == Severity::Error);
        let request_hash = match self.control.builds() {
            Builds::Here(here) => here.toolchain(&self.hash).await,
            Builds::Absent(_) => None,
        };
        let mut ending = BuildEnding {
            request_hash,
            steps: serde_json::to_value(report.steps).unwrap_or_default(),
            diagnostics: serde_json::to_value(&diagnostics).unwrap_or_default(),
            log: cut(report.log, LOG_BYTES_MAX),
            ..BuildEnding::default()
        };
        let Some(component) = report.component.filter(|_| !has_errors) else {
            if !has_errors {
                ending.failure = Some("the compilers made no component and did not say why".into());
                ending.request_hash = None;
            }
            return (BuildState::Failed, ending);
        };
        self.finish(component, ending).await
    }

    /// Admits the component and makes it a version of the plugin, if one is named.
    async fn finish(&self, component: Vec<u8>, mut ending: BuildEnding) -> (BuildState, BuildEnding) {
        let component = Bytes::from(component);
        let refused = |mut ending: BuildEnding, reason: String| {
            ending.failure = Some(reason);
            ending.request_hash = None;
            (BuildState::Failed, ending)
        };
        let admitted = match self.control.admit_plugin(&self.scope.tenant, component.clone()).await {
            Ok(admitted) => admitted,
            Err(error) => return refused(ending, format!("the component was built, but is not admitted: {error}")),
        };
        if admitted.world != self.world.name() {
            return refused(ending, format!("the component is of the world `{}`, expected `{}`", admitted.world, self.world.name()));
        }
        if let Some(name) = &self.plugin {
            let new = NewPluginVersion {
                name: name.clone(),
                description: self.description.clone(),
                content_hash: admitted.content_hash.clone(),
                world: admitted.world,
                wit_version: admitted.wit_version,
                component: &component,
                presentation: Default::default(),
            };
            match self.control.store().add_plugin_version(&self.cause, &self.scope, &new).await {
                Ok(plugin) => ending.plugin_version = Some(plugin.latest.number),
                Err(error) => {
                    return refused(ending, format!("the component was built, but not added to plugin `{name}`: {}", shown(&error)));
                }
            }
        }
        ending.component = Some((admitted.content_hash, component.to_vec()));
        (BuildState::Succeeded, ending)
    }

    /// Answers with an earlier build of the same request. False if there is none.
    async fn reuse(&self, id: &str, toolchain: &str) -> Result<bool, ControlError> {
        let store = self.control.store();
        let hash = with_toolchain(&self.hash, toolchain);
        let Some(earlier) = store.answered_build(&self.scope, &hash).await.map_err(from_store)? else { return Ok(false) };
        let ending = BuildEnding {
            request_hash: Some(hash),
            reused: true,
            steps: earlier.steps,
            diagnostics: earlier.diagnostics,
            log: earlier.log,
            ..BuildEnding::default()
        };
        let (state, ending) = if earlier.state == BuildState::Succeeded {
            let component = match store.built_component(&self.scope, &earlier.id).await {
                Ok(component) => component,
                // It was let go a moment ago.
                Err(StoreError::NotFound { .. }) => return Ok(false),
                Err(error) => return Err(from_store(error)),
            };
            self.finish(component, ending).await
        } else {
            (BuildState::Failed, ending)
        };
        self.note_end(id, state, ending).await.map_err(from_store)
    }

    /// Notes how the build ended; one whose component may not be kept has failed.
    async fn note_end(&self, id: &str, state: BuildState, ending: BuildEnding) -> Result<bool, StoreError> {
        let store = self.control.store();
        let (steps, diagnostics, log) = (ending.steps.clone(), ending.diagnostics.clone(), ending.log.clone());
        match store.end_build(&self.scope, id, state, ending).await {
            Err(error) if error.class() == FaultClass::User => {
                let failure = Some(format!("the component was built, but cannot be kept: {error}"));
                let ending = BuildEnding { failure, steps, diagnostics, log, ..BuildEnding::default() };
                store.end_build(&self.scope, id, BuildState::Failed, ending).await
            }
            noted => noted,
        }
    }
}

impl BuildsHere {
    /// The hash of a request and the tools; none if the tools cannot be named.
    async fn toolchain(&self, hash: &[u8; 32]) -> Option<String> {
        let toolchain = self.service.toolchain().await.ok()?;
        let named = with_toolchain(hash, &toolchain);
        *self.toolchain.lock() = Some(toolchain);
        Some(named)
    }
}

fn failure(reason: String) -> BuildEnding {
    BuildEnding { failure: Some(reason), ..BuildEnding::default() }
}

impl CompletedFile {
    /// A diagnostic about the file as its author must read it: `file` becomes the parameter that the code was given for.
    fn in_users_text(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        if diagnostic.file.as_deref() != Some(self.source.path.as_str()) {
            return diagnostic;
        }
        let found = diagnostic.line.and_then(|line| self.lines.nearest(line, diagnostic.column));
        if let Some(Origin { parameter, line, column }) = found {
            diagnostic.file = Some(parameter);
            (diagnostic.line, diagnostic.column) = (Some(line), column);
        }
        diagnostic
    }
}

fn language_name(language: Language) -> &'static str {
    match language {
        Language::Java => "java",
        Language::Scala => "scala",
    }
}

/// Over all that decides what a build answers, but the tools.
fn request_hash(build: &SourceBuild, completed: Option<&CompletedFile>) -> [u8; 32] {
    let jars: Vec<Value> = build.jars.iter().map(|jar| json!([jar.name, hex::encode(Sha256::digest(&jar.bytes))])).collect();
    let sources = serde_json::to_value(&build.sources).unwrap_or_default();
    // Where the user's code stands decides what diagnostics say.
    let lines = completed.map(|completed| json!([completed.source.path, completed.lines]));
    let document = json!([build.world.name(), language_name(build.language), build.class, sources, jars, lines]);
    Sha256::digest(document.to_string()).into()
}

fn with_toolchain(hash: &[u8; 32], toolchain: &str) -> String {
    hex::encode(Sha256::new().chain_update(hash).chain_update(toolchain).finalize())
}

/// At most `bytes_max` bytes, cut between characters.
fn cut(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        let end = (0..=bytes_max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(end);
        text.push_str("\n… cut");
    }
    text
}

/// What a user may know of it.
fn shown(error: &StoreError) -> String {
    if error.class() == FaultClass::User { error.to_string() } else { "the metadata store does not answer as it should".to_owned() }
}
