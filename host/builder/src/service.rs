//! The build service: takes builds, runs a few at a time in warm builders, says what comes of them.
//!
//! Invariant: whatever a build does, the next one runs: a builder that was interrupted, failed or ran out of time is
//! ended with all its processes and never used again; a machine whose compilers cannot be prepared says so in bounded time.
//! Decisions are in [`queue`] and [`workers`], without clock or I/O.

pub mod queue;
pub mod workers;

use crate::{
    BuildError, BuildReport, Diagnostic, SourceBuild, SourceBuilder, SourceBuilderFactory, cage::CageLevel, check, jar::JarLimits,
    sources::SourceLimits, tool,
};
use async_trait::async_trait;
use millrace_model::{Classified, FaultClass};
use parking_lot::Mutex;
use queue::{Cancelled, Queue, QueueFull, QueueLimits};
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use workers::{Worker, WorkerRules, Workers};

/// Time between two looks at builders that wait.
const EXPIRY_LOOK: Duration = Duration::from_secs(10);
/// Steps before the compilers.
const CHECK: &str = "check";
const PREPARE: &str = "prepare";

/// Settings of the service.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// Bounds of the queue.
    pub queue: QueueLimits,
    /// When warm builders end.
    pub workers: WorkerRules,
    /// What sources may be.
    pub sources: SourceLimits,
    /// What JARs may be.
    pub jars: JarLimits,
    /// Longest time of one build, from its first compiler on.
    pub build_max: Duration,
    /// Longest time until a builder is ready; the first one fetches and prepares the compilers.
    pub prepare_max: Duration,
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self {
            queue: QueueLimits::default(),
            workers: WorkerRules::default(),
            sources: SourceLimits::default(),
            jars: JarLimits::default(),
            build_max: Duration::from_secs(180),
            prepare_max: Duration::from_secs(30 * 60),
        }
    }
}

/// How a build ended.
#[derive(Debug)]
pub enum BuildEnd {
    /// The compilers have answered: a component, or what is wrong with the code.
    Reported(BuildReport),
    /// The build broke a limit; the words are for its author.
    Limit(String),
    /// The machine is to blame; the words say what is missing or went wrong, and nothing of the inside.
    Machine(String),
    /// It was cancelled.
    Cancelled,
}

/// Hears what happens to builds.
#[async_trait]
pub trait BuildObserver: Send + Sync {
    /// It runs; `step` begins.
    async fn step(&self, id: &str, step: &str);
    /// It has ended. Called exactly once for each build that was taken.
    async fn ended(&self, id: &str, end: BuildEnd);
}

/// What the service is doing, for the people who run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStatus {
    /// Builds that wait.
    pub waiting: usize,
    /// Builds that run.
    pub running: usize,
    /// Warm builders that wait for work.
    pub idle_workers: usize,
    /// The cage in force.
    pub cage: CageLevel,
}

struct Taken {
    /// Until it runs.
    build: Option<SourceBuild>,
    observer: Arc<dyn BuildObserver>,
    cancel: CancellationToken,
}

struct State {
    queue: Queue,
    workers: Workers<Arc<dyn SourceBuilder>>,
    taken: HashMap<String, Taken>,
}

struct Shared {
    factory: Arc<dyn SourceBuilderFactory>,
    config: ServiceConfig,
    cage: CageLevel,
    started: Instant,
    state: Mutex<State>,
    closing: CancellationToken,
}

/// Handle on the service; cheap to clone. The last one that goes ends what runs.
#[derive(Clone)]
pub struct BuildService(Arc<Shared>);

impl Drop for Shared {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

impl BuildService {
    /// A service over these builders. Must be called within a Tokio runtime.
    pub fn new(factory: Arc<dyn SourceBuilderFactory>, cage: CageLevel, config: ServiceConfig) -> Self {
        let state = State { queue: Queue::new(config.queue), workers: Workers::new(config.workers), taken: HashMap::new() };
        let shared = Shared { factory, config, cage, started: Instant::now(), state: Mutex::new(state), closing: CancellationToken::new() };
        let service = Self(Arc::new(shared));
        tokio::spawn(expire(Arc::downgrade(&service.0)));
        service
    }

    /// What identifies the tools.
    ///
    /// # Errors
    /// A tool is missing; the message says how to install it.
    pub async fn toolchain(&self) -> Result<String, BuildError> {
        self.0.factory.toolchain().await
    }

    /// Takes a build of `tenant`. `id` names it from now on; `observer` hears of it.
    ///
    /// # Errors
    /// Too many wait, or too much.
    pub fn submit(&self, tenant: &str, id: &str, build: SourceBuild, observer: Arc<dyn BuildObserver>) -> Result<(), QueueFull> {
        {
            let mut state = self.0.state.lock();
            state.queue.submit(tenant, id, build.bytes())?;
            state.taken.insert(id.to_owned(), Taken { build: Some(build), observer, cancel: self.0.closing.child_token() });
        }
        start_next(&self.0);
        Ok(())
    }

    /// Whether a build of `tenant` with so many bytes of sources and JARs would be taken now: asked before they are loaded.
    ///
    /// # Errors
    /// Too many wait, or too much.
    pub fn admits(&self, tenant: &str, bytes: usize) -> Result<(), QueueFull> {
        self.0.state.lock().queue.admits(tenant, bytes)
    }

    /// Ends a build. Answers whether it was here.
    pub async fn cancel(&self, id: &str) -> bool {
        let waiting = {
            let mut state = self.0.state.lock();
            match state.queue.cancel(id) {
                Cancelled::Waiting => state.taken.remove(id),
                Cancelled::Running => {
                    if let Some(taken) = state.taken.get(id) {
                        taken.cancel.cancel();
                    }
                    return true;
                }
                Cancelled::Unknown => return false,
            }
        };
        if let Some(taken) = waiting {
            taken.observer.ended(id, BuildEnd::Cancelled).await;
        }
        true
    }

    /// Ends what runs and what waits, with all processes; nothing is built from now on.
    pub fn close(&self) {
        self.0.closing.cancel();
        let idle = self.0.state.lock().workers.expire(u64::MAX);
        drop(idle);
    }

    /// What it is doing.
    pub fn status(&self) -> ServiceStatus {
        let state = self.0.state.lock();
        ServiceStatus {
            waiting: state.queue.waiting_count(),
            running: state.queue.running_count(),
            idle_workers: state.workers.idle_count(),
            cage: self.0.cage,
        }
    }
}

/// Ends builders that have waited long enough, until the service is gone.
async fn expire(service: Weak<Shared>) {
    loop {
        tokio::time::sleep(EXPIRY_LOOK).await;
        let Some(shared) = service.upgrade() else { return };
        let ended = shared.state.lock().workers.expire(now_ms(&shared));
        drop(ended);
    }
}

fn now_ms(shared: &Shared) -> u64 {
    u64::try_from(shared.started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn start_next(shared: &Arc<Shared>) {
    loop {
        let Some((tenant, id)) = shared.state.lock().queue.take_next() else { return };
        tokio::spawn(run(shared.clone(), tenant, id));
    }
}

async fn run(shared: Arc<Shared>, tenant: String, id: String) {
    let taken = {
        let mut state = shared.state.lock();
        state.taken.get_mut(&id).and_then(|taken| Some((taken.build.take()?, taken.observer.clone(), taken.cancel.clone())))
    };
    let Some((build, observer, cancel)) = taken else {
        shared.state.lock().queue.ended(&id);
        return;
    };
    // A defect in a builder must not take the place of a build for ever.
    let work = tokio::spawn({
        let (shared, id, observer) = (shared.clone(), id.clone(), observer.clone());
        async move { build_one(&shared, &tenant, &id, build, &*observer, &cancel).await }
    });
    let end = work.await.unwrap_or_else(|error| {
        tracing::error!(build = id, %error, "a build failed");
        BuildEnd::Machine("the build failed by a defect of the server; its log names the build".into())
    });
    {
        let mut state = shared.state.lock();
        state.queue.ended(&id);
        state.taken.remove(&id);
    }
    observer.ended(&id, end).await;
    start_next(&shared);
}

async fn build_one(
    shared: &Shared,
    tenant: &str,
    id: &str,
    build: SourceBuild,
    observer: &dyn BuildObserver,
    cancel: &CancellationToken,
) -> BuildEnd {
    if cancel.is_cancelled() {
        return cancelled(shared);
    }
    observer.step(id, CHECK).await;
    let (build, warnings) = match checked(shared, build).await {
        Ok(checked) => checked,
        Err(end) => return end,
    };
    let worker = shared.state.lock().workers.take(tenant);
    let worker = match worker {
        Some(worker) => worker,
        None => match open(shared, id, observer, cancel).await {
            Ok(builder) => Worker::new(builder),
            Err(end) => return end,
        },
    };
    let (steps, mut begun) = tokio::sync::mpsc::unbounded_channel::<String>();
    let on_step = move |step: &str| {
        let _ = steps.send(step.to_owned());
    };
    let built = {
        let builder = worker.builder.clone();
        async move { builder.build_watched(build, &on_step).await }
    };
    let told = async {
        while let Some(step) = begun.recv().await {
            observer.step(id, &step).await;
        }
    };
    let watched = async { tokio::join!(built, told).0 };
    let ended = tokio::select! {
        () = cancel.cancelled() => return cancelled(shared),
        ended = tokio::time::timeout(shared.config.build_max, watched) => ended,
    };
    match ended {
        Ok(Ok(mut report)) => {
            let gone = shared.state.lock().workers.give_back(tenant, worker, now_ms(shared));
            drop(gone);
            report.diagnostics.splice(0..0, warnings);
            BuildEnd::Reported(report)
        }
        Ok(Err(error)) => failed(id, &error),
        Err(_) => BuildEnd::Limit(format!("the build takes longer than {} s", shared.config.build_max.as_secs())),
    }
}

/// The author or the end of the server has stopped it.
fn cancelled(shared: &Shared) -> BuildEnd {
    if shared.closing.is_cancelled() {
        return BuildEnd::Machine("the server was stopped during the build; build again".into());
    }
    BuildEnd::Cancelled
}

/// A builder; the first on a machine takes minutes, and for ever where the network does not answer.
async fn open(
    shared: &Shared,
    id: &str,
    observer: &dyn BuildObserver,
    cancel: &CancellationToken,
) -> Result<Arc<dyn SourceBuilder>, BuildEnd> {
    observer.step(id, PREPARE).await;
    let opened = tokio::select! {
        () = cancel.cancelled() => return Err(cancelled(shared)),
        opened = tokio::time::timeout(shared.config.prepare_max, shared.factory.open()) => opened,
    };
    match opened {
        Ok(Ok(builder)) => Ok(builder),
        Ok(Err(error)) => Err(failed(id, &error)),
        Err(_) => {
            let time = tool::shown(shared.config.prepare_max);
            tracing::error!(build = id, time, "the compilers could not be prepared in time");
            Err(BuildEnd::Machine(format!(
                "the compilers were not ready after {time}; whoever runs the server prepares them with `millrace server prepare-builds`"
            )))
        }
    }
}

/// The build with JARs that were written anew, and what is to be said of them.
async fn checked(shared: &Shared, build: SourceBuild) -> Result<(SourceBuild, Vec<Diagnostic>), BuildEnd> {
    let (sources, jars) = (shared.config.sources, shared.config.jars.clone());
    match tokio::task::spawn_blocking(move || check::checked(build, &sources, &jars)).await {
        Ok(Ok(checked)) => Ok(checked),
        Ok(Err(diagnostics)) => {
            let log = "the sources or JARs were refused before a compiler saw them\n".to_owned();
            Err(BuildEnd::Reported(BuildReport { component: None, diagnostics, log, steps: Vec::new() }))
        }
        Err(error) => {
            tracing::error!(%error, "the check of sources and JARs failed");
            Err(BuildEnd::Machine("the sources and JARs could not be checked by a defect of the server".into()))
        }
    }
}

fn failed(id: &str, error: &BuildError) -> BuildEnd {
    match error.class() {
        FaultClass::User => BuildEnd::Limit(error.to_string()),
        FaultClass::External => BuildEnd::Machine(error.to_string()),
        FaultClass::Internal => {
            tracing::error!(build = id, %error, "a build failed");
            BuildEnd::Machine("the build failed by a defect of the server; its log names the build".into())
        }
    }
}
