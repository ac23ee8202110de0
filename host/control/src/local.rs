//! The instances that this worker drives: what is wished of each driver and what it shows.
//!
//! Invariant: an instance has at most one entry, and an entry goes away only when its driver has ended.

use crate::{ExecutionPhase, FailureReport, InstanceObservation, engine::Execution, rates::Rates};
use millrace_domain::ProjectScope;
use millrace_engine::JobMetrics;
use millrace_model::ids::InstanceId;
use millrace_store::ForeignUses;
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc, time::Instant};
use tokio::sync::watch;

/// What a driver is to do with its instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Keep it running.
    Run,
    /// The user wants it stopped.
    Stop {
        /// After a savepoint.
        with_savepoint: bool,
    },
    /// A permission that it needs has ended: end it at once and report why.
    Forbid,
    /// It is another worker's now: end it at once and write nothing more.
    Abandon,
    /// This process ends: give it back so that it goes on elsewhere or later.
    GiveBack,
}

/// What a driver shows of its instance.
pub(crate) struct View {
    pub(crate) phase: ExecutionPhase,
    pub(crate) scope: Option<ProjectScope>,
    pub(crate) job: String,
    /// The worker's attempt; absent before the claim.
    pub(crate) attempt: Option<i64>,
    pub(crate) lease_until_ms: i64,
    pub(crate) started_at_ms: Option<i64>,
    pub(crate) start_duration_ms: Option<u64>,
    pub(crate) restarts: u32,
    pub(crate) next_attempt_at_ms: Option<i64>,
    pub(crate) last_failure: Option<FailureReport>,
    pub(crate) execution: Option<Arc<dyn Execution>>,
    pub(crate) rates: Rates,
    /// What it uses of other projects, if anything.
    pub(crate) uses: Option<ForeignUses>,
    /// Which of it is not permitted any more.
    pub(crate) refused: Option<String>,
}

impl View {
    fn new() -> Self {
        Self {
            phase: ExecutionPhase::Starting,
            scope: None,
            job: String::new(),
            attempt: None,
            lease_until_ms: i64::MAX,
            started_at_ms: None,
            start_duration_ms: None,
            restarts: 0,
            next_attempt_at_ms: None,
            last_failure: None,
            execution: None,
            rates: Rates::default(),
            uses: None,
            refused: None,
        }
    }

    /// Metrics now, rates included; absent before the first start.
    pub(crate) fn metrics(&self) -> Option<JobMetrics> {
        let mut metrics = self.execution.as_ref()?.metrics();
        self.rates.add_to(&mut metrics, Instant::now());
        Some(metrics)
    }

    /// Keeps a reading for the rates when it is time for one.
    pub(crate) fn read_rates(&mut self) {
        let now = Instant::now();
        if let Some(execution) = self.execution.as_ref().filter(|_| self.rates.is_due(now)) {
            self.rates.read(&execution.metrics(), now);
        }
    }

    pub(crate) fn observation(&self, worker: &str) -> InstanceObservation {
        let json = |value: Result<serde_json::Value, serde_json::Error>| value.unwrap_or_default();
        let execution = self.execution.as_ref();
        let newest_first = execution.map(|e| e.checkpoints().into_iter().rev().collect::<Vec<_>>()).unwrap_or_default();
        InstanceObservation {
            phase: self.phase,
            worker: worker.to_owned(),
            started_at_ms: self.started_at_ms,
            start_duration_ms: self.start_duration_ms,
            restarts: self.restarts,
            next_attempt_at_ms: self.next_attempt_at_ms,
            last_failure: self.last_failure.clone(),
            metrics: self.metrics().map(|m| json(serde_json::to_value(m))).unwrap_or_default(),
            checkpoints: json(serde_json::to_value(newest_first)),
        }
    }
}

/// One driven instance.
pub(crate) struct Local {
    pub(crate) wish: watch::Sender<Wish>,
    pub(crate) view: Arc<Mutex<View>>,
}

/// All driven instances of this worker.
#[derive(Default)]
pub(crate) struct Locals {
    by_instance: Mutex<HashMap<InstanceId, Local>>,
    /// Tells how many there are, for those who wait for none.
    count: watch::Sender<usize>,
}

impl Locals {
    /// Makes an entry; `None` when there is one already.
    pub(crate) fn reserve(&self, id: &InstanceId) -> Option<(watch::Receiver<Wish>, Arc<Mutex<View>>)> {
        let mut locals = self.by_instance.lock();
        if locals.contains_key(id) {
            return None;
        }
        let (wish, wished) = watch::channel(Wish::Run);
        let view = Arc::new(Mutex::new(View::new()));
        locals.insert(id.clone(), Local { wish, view: view.clone() });
        self.count.send_replace(locals.len());
        Some((wished, view))
    }

    /// Removes the entry of a driver that has ended.
    pub(crate) fn release(&self, id: &InstanceId) {
        let mut locals = self.by_instance.lock();
        locals.remove(id);
        self.count.send_replace(locals.len());
    }

    /// Wishes something of a driver; `Abandon` and `GiveBack` stand.
    pub(crate) fn wish(&self, id: &InstanceId, wish: Wish) {
        if let Some(local) = self.by_instance.lock().get(id) {
            local.wish.send_if_modified(|current| {
                let change = !matches!(current, Wish::Abandon | Wish::GiveBack) && *current != wish;
                if change {
                    *current = wish;
                }
                change
            });
        }
    }

    /// The view of an instance.
    pub(crate) fn view(&self, id: &InstanceId) -> Option<Arc<Mutex<View>>> {
        self.by_instance.lock().get(id).map(|l| l.view.clone())
    }

    /// The views of all instances, by id.
    pub(crate) fn views(&self) -> Vec<(InstanceId, Arc<Mutex<View>>)> {
        let mut views: Vec<_> = self.by_instance.lock().iter().map(|(id, l)| (id.clone(), l.view.clone())).collect();
        views.sort_by(|a, b| a.0.cmp(&b.0));
        views
    }

    /// Returns when no driver is left.
    pub(crate) async fn none_left(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }
}
