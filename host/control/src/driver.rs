//! Drives one instance: claims it, launches it, watches it, reports what happens, until it is no longer this worker's.
//!
//! Invariant: everything that is written names the attempt of the claim; once that is over (fenced) the execution is
//! cancelled and nothing more is written. When the driver ends, its execution has ended.

mod end;
mod lost;
mod report;

use crate::{
    ExecutionPhase, FailureReport,
    catalog::ProjectCatalog,
    engine::{Execution, Launch},
    local::{View, Wish},
    parameters::override_parameters,
    quality,
    reconcile::Worker,
    restart::{FailureRecord, Verdict},
    start_point, start_time, tenant_limits,
};
use end::End;
use millrace_domain::{Environment, InstanceEvent, InstanceKind, InstanceState};
use millrace_engine::JobFailure;
use millrace_model::{
    Classified, FaultClass,
    graph::{JobMode, RestartPolicy},
    ids::InstanceId,
};
use millrace_store::{Instance, StartFrom};
use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// How long a start keeps others waiting.
const PLACE_MAX: Duration = Duration::from_secs(15);

/// Why a driver ends without a report.
#[derive(Debug)]
pub(crate) enum Over {
    /// The instance is not this worker's (any more).
    NotOurs,
}

pub(crate) struct Driver {
    worker: Arc<Worker>,
    wish: watch::Receiver<Wish>,
    view: Arc<Mutex<View>>,
    instance: Instance,
    failures: FailureRecord,
    policy: RestartPolicy,
    /// When the newest checkpoint was last written down.
    noted: Option<Instant>,
}

/// Takes the driver's entry away however it ends, and lets the next pass look whether there is more to do.
struct Entry {
    worker: Arc<Worker>,
    id: InstanceId,
    view: Arc<Mutex<View>>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(execution) = self.view.lock().execution.take() {
            execution.cancel();
        }
        self.worker.locals.release(&self.id);
        self.worker.wake.notify_one();
    }
}

/// Drives the instance `id` until it is ended, lost or given back.
pub(crate) async fn drive(worker: Arc<Worker>, id: InstanceId, wish: watch::Receiver<Wish>, view: Arc<Mutex<View>>) {
    let _entry = Entry { worker: worker.clone(), id: id.clone(), view: view.clone() };
    let noticed = Instant::now();
    let Ok(instance) = claim(&worker, &id, &view).await else { return };
    let failures = FailureRecord::after(u32::try_from(instance.restart_count).unwrap_or(0));
    let mut driver = Driver { worker, wish, view, instance, failures, policy: RestartPolicy::default(), noted: None };
    if let Err(Over::NotOurs) = driver.run(noticed).await {
        tracing::warn!(instance = %id, "the instance is another worker's now");
    }
}

/// Takes the lease.
async fn claim(worker: &Worker, id: &InstanceId, view: &Mutex<View>) -> Result<Instance, Over> {
    let until_ms = worker.lease_until_ms();
    match worker.store.claim_instance(id, &worker.name, until_ms).await {
        Ok(Some(instance)) => {
            let mut view = view.lock();
            view.attempt = Some(instance.attempt);
            view.lease_until_ms = until_ms;
            view.scope = Some(instance.scope.clone());
            view.restarts = u32::try_from(instance.restart_count).unwrap_or(0);
            Ok(instance)
        }
        Ok(None) => Err(Over::NotOurs),
        Err(error) => {
            tracing::warn!(instance = %id, %error, "cannot claim the instance; the next scan tries again");
            Err(Over::NotOurs)
        }
    }
}

impl Driver {
    async fn run(&mut self, noticed: Instant) -> Result<(), Over> {
        if self.instance.state == InstanceState::Running {
            // Its worker died without a word (perhaps this one, before a restart): that is said first, then it starts again.
            if !self.report_lost_worker().await? {
                return Ok(());
            }
            self.instance = claim(&self.worker, &self.instance.id, &self.view).await?;
        }
        let mut began = noticed;
        loop {
            if self.instance.state == InstanceState::Stopping {
                return self.report(InstanceEvent::Halted, None).await;
            }
            let end = match self.launch().await {
                Launched::Running(execution) => {
                    let end = self.watch(execution, began).await;
                    // The last counts of an execution are there only until the next one.
                    quality::keep_counts_of(&self.worker, &self.instance.id, &self.view).await;
                    end?
                }
                Launched::Failed(failure) => End::Failed(failure, None),
                Launched::Interrupted(Wish::GiveBack) => End::GivenBack,
                Launched::Interrupted(Wish::Abandon) => End::Lost,
                Launched::Interrupted(Wish::Forbid) => End::Failed(self.forbidden(), None),
                Launched::Interrupted(Wish::Run | Wish::Stop { .. }) => End::Halted,
            };
            match end {
                End::Finished => return self.report(InstanceEvent::Ended, None).await,
                End::Halted => return self.report(InstanceEvent::Halted, None).await,
                End::GivenBack => return self.report(InstanceEvent::WorkerLost, None).await,
                End::Lost => return Err(Over::NotOurs),
                End::Failed(failure, ran_since_ms) => {
                    if !self.fail(failure, ran_since_ms).await? {
                        return Ok(());
                    }
                }
            }
            began = Instant::now();
        }
    }

    /// Resolves and starts the execution, unless something else is wished meanwhile.
    async fn launch(&mut self) -> Launched {
        self.show(|view| {
            view.phase = ExecutionPhase::Starting;
            view.next_attempt_at_ms = None;
        });
        let interrupted = other_wish(self.wish.clone());
        let worker = self.worker.clone();
        let tenant = self.instance.scope.tenant.clone();
        let start = async {
            let place = worker.starts.take(&tenant).await;
            let mut starting = std::pin::pin!(self.prepare_and_start());
            tokio::select! {
                started = &mut starting => return started,
                // What takes longer waits for somebody else's system, and holds nobody up with that.
                () = tokio::time::sleep(PLACE_MAX) => drop(place),
            }
            starting.await
        };
        tokio::select! {
            biased;
            wish = interrupted => Launched::Interrupted(wish),
            started = start => match started {
                Ok(execution) => Launched::Running(execution),
                Err(failure) => Launched::Failed(*failure),
            },
        }
    }

    async fn prepare_and_start(&mut self) -> Result<Arc<dyn Execution>, Box<JobFailure>> {
        let (store, scope) = (&self.worker.store, &self.instance.scope);
        let version = store.version(scope, &self.instance.version).await.map_err(failure)?;
        let job = store.job(scope, self.instance.job.as_str()).await.map(|j| j.name.to_string());
        // A removed job's instance goes on under the job's id.
        let job = job.unwrap_or_else(|_| self.instance.job.to_string());
        let mut graph = version.graph;
        override_parameters(&mut graph, &self.instance.parameters).map_err(|m| Box::new(plain(FaultClass::User, false, m)))?;
        if graph.mode() == JobMode::Jar {
            let message = "a program in a JAR runs on a cluster, and this server has no such engine";
            return Err(Box::new(plain(FaultClass::User, false, message.into())));
        }
        if let Some(allocation) = &self.instance.allocation {
            // The parallelism may have come with the start's parameters.
            allocation.check(&graph).map_err(|e| Box::new(plain(FaultClass::User, false, e.to_string())))?;
        }
        if let StartFrom::Time { timestamp_ms } = self.instance.start {
            start_time::begin_at(&mut graph, timestamp_ms);
        }
        self.policy = self.instance.restart.clone().unwrap_or_else(|| graph.parameters.restart.clone());
        let uses = store.foreign_uses(scope, &self.instance.id, environment(&self.instance)).await.map_err(failure)?;
        let catalog = ProjectCatalog::pinned(store.clone(), uses.viewer.clone(), &graph, &version.pins);
        let mut catalog = catalog.map_err(|e| Box::new(plain(FaultClass::Internal, false, format!("pins of the version: {e}"))))?;
        if let Some(packages) = &self.worker.packages {
            catalog = catalog.with_packages(packages.clone());
        }
        let catalog = Arc::new(catalog);
        let from = start_point::find(store, self.worker.checkpoints.as_ref(), &self.instance).await.map_err(start_failure)?;
        self.show(|view| {
            view.job.clone_from(&job);
            (view.uses, view.refused) = ((!uses.uses.is_empty()).then_some(uses), None);
        });
        tenant_limits::hold(store, &self.worker.accounts, &scope.tenant).await.map_err(failure)?;
        let launch = Launch {
            tenant: scope.tenant.clone(),
            instance: start_point::run_id(&self.instance.id, self.instance.run),
            job,
            version_hash: version.content_hash,
            graph,
            catalog: catalog.clone(),
            from,
            allocation: self.instance.allocation.clone(),
        };
        self.worker.engine.launch(launch).await.map_err(|failure| {
            // The planner takes every name that cannot be resolved for the user's mistake.
            Box::new(match catalog.unreadable() {
                Some(message) => plain(FaultClass::External, true, message),
                None => failure,
            })
        })
    }

    /// Reports a failure and waits until the next attempt. False: there is none.
    async fn fail(&mut self, failure: JobFailure, ran_since_ms: Option<i64>) -> Result<bool, Over> {
        let now_ms = self.worker.store.now_ms();
        let clock = |ms: i64| u64::try_from(ms).unwrap_or(0);
        let verdict = self.failures.failed(&self.policy, failure.retryable, ran_since_ms.map(clock), clock(now_ms));
        let mut report = FailureReport::of(failure, now_ms);
        let instance = self.instance.id.clone();
        let (event, at_ms) = match verdict {
            Verdict::RestartAt { at_ms } => (InstanceEvent::FailedForNow, i64::try_from(at_ms).unwrap_or(i64::MAX)),
            Verdict::NotRetryable => (InstanceEvent::FailedForGood, now_ms),
            Verdict::Exhausted { attempts } => {
                report.message = format!("gave up after {attempts} restarts; the last failure: {}", report.message);
                (InstanceEvent::FailedForGood, now_ms)
            }
        };
        report.retryable = event == InstanceEvent::FailedForNow;
        tracing::warn!(%instance, class = ?report.class, operator = ?report.operator, restarts = self.failures.restarts(), "{}", report.message);
        let restarts = self.failures.restarts();
        self.show(|view| {
            view.last_failure = Some(report.clone());
            view.restarts = restarts;
            view.phase = ExecutionPhase::BackingOff;
            view.next_attempt_at_ms = Some(at_ms);
        });
        self.report(event, Some(report)).await?;
        if self.instance.state != InstanceState::Restarting {
            return Ok(false);
        }
        let wait = Duration::from_millis(clock(at_ms.saturating_sub(now_ms)));
        let wish = tokio::select! {
            () = tokio::time::sleep(wait) => return Ok(true),
            wish = other_wish(self.wish.clone()) => wish,
        };
        let event = match wish {
            Wish::Abandon => return Err(Over::NotOurs),
            Wish::GiveBack => InstanceEvent::WorkerLost,
            Wish::Forbid => {
                let report = FailureReport::of(self.forbidden(), self.worker.store.now_ms());
                self.show(|view| view.last_failure = Some(report.clone()));
                return self.report(InstanceEvent::FailedForGood, Some(report)).await.map(|()| false);
            }
            Wish::Run | Wish::Stop { .. } => InstanceEvent::Halted,
        };
        self.report(event, None).await.map(|()| false)
    }

    /// Why the instance may not run any more (PRM-6).
    fn forbidden(&self) -> JobFailure {
        let message = self.view.lock().refused.clone().unwrap_or_default();
        plain(FaultClass::User, false, format!("stopped, because a permission has ended: {message}"))
    }

    fn show(&self, change: impl FnOnce(&mut View)) {
        change(&mut self.view.lock());
    }
}

/// The environment whose tables an instance sees.
fn environment(instance: &Instance) -> Environment {
    match instance.kind {
        InstanceKind::Test => Environment::Test,
        InstanceKind::Production => Environment::Production,
    }
}

/// Waits until something else than running is wished.
async fn other_wish(mut wish: watch::Receiver<Wish>) -> Wish {
    // An error means that the sender is gone, which it is only when this driver's entry is.
    wish.wait_for(|w| *w != Wish::Run).await.map_or(Wish::Abandon, |w| *w)
}

enum Launched {
    Running(Arc<dyn Execution>),
    Failed(JobFailure),
    Interrupted(Wish),
}

impl FailureReport {
    fn of(failure: JobFailure, at_ms: i64) -> Self {
        let JobFailure { class, retryable, operator, message, fault } = failure;
        Self { class, retryable, operator, message, fault: fault.and_then(|f| serde_json::to_value(f).ok()), at_ms }
    }
}

fn plain(class: FaultClass, retryable: bool, message: String) -> JobFailure {
    JobFailure { class, retryable, operator: None, message, fault: None }
}

/// Boxed, because a failure is large and rare.
fn failure<E: Classified + std::fmt::Display>(error: E) -> Box<JobFailure> {
    Box::new(plain(error.class(), error.is_retryable(), error.to_string()))
}

fn start_failure(error: start_point::StartPointError) -> Box<JobFailure> {
    use start_point::StartPointError as E;
    match error {
        E::Store(error) => failure(error),
        E::Checkpoint(error) => failure(error),
        E::NotCompleted(_) | E::NoState(_) => Box::new(plain(FaultClass::User, false, error.to_string())),
        E::Gone { .. } => Box::new(plain(FaultClass::External, false, error.to_string())),
    }
}
