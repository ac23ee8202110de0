//! Which threads do what: jobs compute on their own, so that whatever they compute the rest of the process answers; texts are
//! planned on threads of their own with deep stacks.
//!
//! Invariant: nothing that a tenant wrote keeps a thread for ever: what runs by a [`Meter`] ends when it is cancelled or has used
//! up its time.

use millrace_functions::meter::Meter;
use millrace_model::ids::TenantId;
use millrace_places::{FairPlaces, Place};
use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};

/// Longest time that a subtask may compute without giving its thread back, by which no cancelling is waited for.
pub(crate) const TURN_MAX: Duration = Duration::from_secs(60);
/// Longest time that the planning of one text may take.
const PLANNING_MAX: Duration = Duration::from_secs(10);
/// Longest time that a text waits until it is its turn to be planned.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Texts that are planned at one time, whatever the number of processors.
const PLACES_MIN: usize = 4;

/// Threads of the process for jobs, and places for planning.
#[derive(Debug, Clone)]
pub struct EngineThreads {
    /// Where subtasks run; where they are started from when absent.
    jobs: Option<Handle>,
    planning: FairPlaces,
}

impl Default for EngineThreads {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let places = PLACES_MIN.max(processors);
        Self { jobs: None, planning: FairPlaces::new(places, places / 2) }
    }
}

impl EngineThreads {
    /// Subtasks run on this runtime, and nothing else does.
    pub fn of(jobs: Handle) -> Self {
        Self { jobs: Some(jobs), ..Self::default() }
    }

    /// Where subtasks run.
    pub(crate) fn jobs(&self) -> Handle {
        self.jobs.clone().unwrap_or_else(Handle::current)
    }

    /// Waits for a place in which a text of this tenant may be planned; no tenant has more than half of them.
    ///
    /// # Errors
    /// There was none for too long.
    pub async fn planning_place(&self, tenant: &TenantId) -> Result<Place, NoPlanningPlace> {
        planning_place(&self.planning, tenant, WAIT_MAX).await
    }
}

/// All places for planning are taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("too many texts are being planned, of {of}; ask again in a moment")]
pub struct NoPlanningPlace {
    of: &'static str,
}

/// Waits so long for a place at most.
async fn planning_place(places: &FairPlaces, tenant: &TenantId, wait: Duration) -> Result<Place, NoPlanningPlace> {
    let place = tokio::time::timeout(wait, places.take(tenant)).await;
    place.map_err(|_| NoPlanningPlace { of: if places.is_at_share(tenant) { "this tenant" } else { "all tenants" } })
}

/// Does the part of planning that computes: on a thread of its own with a deep stack, by the time that a text may take, while
/// the tasks of this worker go on elsewhere.
pub(crate) fn planned<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let metered = || Meter::new(PLANNING_MAX).run(|| millrace_sql::with_deep_stack(work));
    let is_worker = Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if is_worker { tokio::task::block_in_place(metered) } else { metered() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tenant_has_at_most_half_of_the_places() {
        let places = FairPlaces::new(4, 2);
        let (a, b) = (TenantId::new("a"), TenantId::new("b"));
        let short = Duration::from_millis(20);
        let first = planning_place(&places, &a, short).await.unwrap();
        let _second = planning_place(&places, &a, short).await.unwrap();
        let error = planning_place(&places, &a, short).await.unwrap_err();
        assert_eq!(error.to_string(), "too many texts are being planned, of this tenant; ask again in a moment");
        let _others = (planning_place(&places, &b, short).await.unwrap(), planning_place(&places, &b, short).await.unwrap());
        let error = planning_place(&places, &TenantId::new("c"), short).await.unwrap_err();
        assert_eq!(error.to_string(), "too many texts are being planned, of all tenants; ask again in a moment");
        drop(first);
        planning_place(&places, &a, short).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn planning_holds_up_no_other_task() {
        let (started, is_started) = std::sync::mpsc::channel();
        let (release, is_released) = std::sync::mpsc::channel::<()>();
        let planning = tokio::spawn(async move {
            planned(move || {
                started.send(()).unwrap();
                is_released.recv_timeout(Duration::from_secs(20)).is_ok()
            })
        });
        tokio::task::spawn_blocking(move || is_started.recv().unwrap()).await.unwrap();
        // The one worker has a task that computes, and still runs others.
        tokio::spawn(async move { release.send(()).unwrap() }).await.unwrap();
        assert!(planning.await.unwrap());
    }
}
