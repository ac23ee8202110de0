//! The reconciler: compares the instances that are to run with those that this worker drives, and sets drivers to work.
//!
//! Invariant: a pass takes no input. A notification only makes the next pass come sooner, so a lost one does no harm.

use crate::{
    driver,
    engine::ExecutionEngine,
    local::{Locals, Wish},
    quality, savepoints, tenant_limits,
};
use millrace_checkpoint::CheckpointStore;
use millrace_datapackage::Inspector;
use millrace_domain::{InstanceState, permission::RevocationPolicy};
use millrace_engine::TenantAccounts;
use millrace_model::ids::InstanceId;
use millrace_places::FairPlaces;
use millrace_store::{Cause, Instance, LookedUp, Store, StoreError};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

/// Time between two passes when nobody notifies.
const SCAN: Duration = Duration::from_secs(1);
/// Time between two writings of what quality rules have counted, and between two looks at the quotas of tenants.
const COUNTS: Duration = Duration::from_secs(5);
/// Slots of the instances that one worker takes: each holds connections and the threads of their clients.
const SLOTS_MAX: i64 = 10_000;
/// A savepoint that has been pending for longer than any may take was left behind by a dead worker.
const SAVEPOINT_MAX_MS: i64 = 60 * 60 * 1_000;

/// What the reconciler and its drivers share.
pub(crate) struct Worker {
    pub(crate) store: Store,
    pub(crate) engine: Arc<dyn ExecutionEngine>,
    pub(crate) checkpoints: Arc<dyn CheckpointStore>,
    /// Name of this worker; leases carry it.
    pub(crate) name: String,
    /// How long a lease lasts without being renewed.
    pub(crate) lease: Duration,
    /// Bounds how many instances are starting at the same time, of one tenant half of them.
    pub(crate) starts: FairPlaces,
    pub(crate) locals: Locals,
    pub(crate) wake: Notify,
    pub(crate) closing: CancellationToken,
    /// What reads data packages.
    pub(crate) packages: Option<Inspector>,
    /// What tenants' code is charged to.
    pub(crate) accounts: TenantAccounts,
}

impl Worker {
    /// When a lease taken now ends, by the store's clock.
    pub(crate) fn lease_until_ms(&self) -> i64 {
        self.store.now_ms().saturating_add(i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Reconciles and keeps the leases until the worker closes. Two loops, so that a slow database write for one instance's
/// lease never delays the start of another.
pub(crate) async fn run(worker: Arc<Worker>) {
    tokio::select! {
        () = compare(&worker) => {}
        () = keep_leases(&worker) => {}
        () = worker.closing.cancelled() => {}
    }
}

async fn compare(worker: &Arc<Worker>) {
    let mut readable = true;
    let mut counted = Instant::now();
    loop {
        let passed = pass(worker).await;
        // Once per outage: the passes go on.
        match (&passed, readable) {
            (Err(error @ StoreError::UnknownKey { .. }), true) => tracing::error!(%error, "this worker takes no instances"),
            (Err(error), true) => {
                tracing::error!(%error, "the metadata store cannot be read; instances go on running until their leases end");
            }
            (Err(_), false) | (Ok(()), _) => {}
        }
        readable = passed.is_ok();
        for (_, view) in worker.locals.views() {
            view.lock().read_rates();
        }
        if counted.elapsed() >= COUNTS {
            quality::keep_counts(worker).await;
            tenant_limits::hold_all(worker).await;
            counted = Instant::now();
        }
        tokio::select! {
            () = worker.wake.notified() => {}
            () = tokio::time::sleep(SCAN) => {}
        }
    }
}

async fn keep_leases(worker: &Worker) {
    loop {
        tokio::time::sleep(worker.lease / 3).await;
        renew(worker).await;
    }
}

/// One comparison of desired and observed.
pub(crate) async fn pass(worker: &Arc<Worker>) -> Result<(), StoreError> {
    worker.store.start_due_successors(&Cause::system("reconciler")).await?;
    let active = worker.store.active_instances().await?;
    let now_ms = worker.store.now_ms();
    let driven = worker.locals.views();
    let by_id: HashMap<&InstanceId, &Instance> = active.iter().map(|i| (&i.id, i)).collect();
    for (id, view) in driven {
        let Some(attempt) = view.lock().attempt else { continue };
        match by_id.get(&id) {
            // The list may be older than our own claim; a greater attempt is somebody else's.
            Some(instance) if instance.attempt > attempt => worker.locals.wish(&id, Wish::Abandon),
            Some(instance) if instance.state == InstanceState::Stopping => {
                worker.locals.wish(&id, Wish::Stop { with_savepoint: instance.stop_with_savepoint });
            }
            Some(_) | None => {}
        }
    }
    end_forbidden(worker).await?;
    savepoints::take_asked(worker).await?;
    // Without the key of secrets nothing that reaches another system could start here: others take it.
    worker.store.check_key().await?;
    let claimable: Vec<_> = active.iter().filter(|i| is_claimable(i, &worker.name, now_ms)).collect();
    if claimable.is_empty() {
        return Ok(());
    }
    let slots = worker.store.slots_of_active().await?;
    let wanted_by = |id: &InstanceId| slots.get(id).copied().unwrap_or(1);
    let mut taken: i64 = worker.locals.views().iter().map(|(id, _)| wanted_by(id)).sum();
    for instance in claimable {
        let wanted = wanted_by(&instance.id);
        // One that no worker had room for would never start: an idle worker takes whatever there is.
        if taken > 0 && taken.saturating_add(wanted) > SLOTS_MAX {
            tracing::debug!(instance = %instance.id, taken, wanted, "this worker is full; it takes no more until something ends");
            continue;
        }
        if let Some((wish, view)) = worker.locals.reserve(&instance.id) {
            taken += wanted;
            tokio::spawn(driver::drive(worker.clone(), instance.id.clone(), wish, view));
        }
    }
    Ok(())
}

/// Ends instances that use tables of other projects which are not permitted to them any more, where the tables' policy is to
/// stop them (PRM-6). Revocation and expiry are the same here: what is not permitted now is not permitted.
async fn end_forbidden(worker: &Worker) -> Result<(), StoreError> {
    // Many instances use the same tables: each is looked up once a round.
    let mut looked_up = LookedUp::default();
    for (id, view) in worker.locals.views() {
        let Some(uses) = view.lock().uses.clone().filter(|uses| !uses.uses.is_empty()) else { continue };
        let refused = worker.store.refused_uses_of(&uses, &mut looked_up).await?;
        let stops = refused.into_iter().filter(|r| r.policy == RevocationPolicy::StopRunning).map(|r| r.message);
        let message = stops.collect::<Vec<_>>().join("; ");
        if !message.is_empty() {
            view.lock().refused = Some(message);
            worker.locals.wish(&id, Wish::Forbid);
        }
    }
    Ok(())
}

fn is_claimable(instance: &Instance, worker: &str, now_ms: i64) -> bool {
    match &instance.worker {
        None => true,
        Some(owner) => owner == worker || instance.lease_until_ms.is_none_or(|until| until <= now_ms),
    }
}

/// Extends the leases of all driven instances; gives up those that are lost.
async fn renew(worker: &Worker) {
    for (id, view) in worker.locals.views() {
        let Some(attempt) = view.lock().attempt else { continue };
        let until_ms = worker.lease_until_ms();
        match worker.store.renew_lease(&id, attempt, until_ms).await {
            Ok(true) => view.lock().lease_until_ms = until_ms,
            Ok(false) => {
                // The driver may have claimed anew since the attempt was read.
                if view.lock().attempt == Some(attempt) {
                    worker.locals.wish(&id, Wish::Abandon);
                }
            }
            Err(error) => {
                // Until the lease ends nobody else can take the instance; after that somebody may.
                let left_ms = view.lock().lease_until_ms.saturating_sub(worker.store.now_ms());
                tracing::warn!(instance = %id, %error, left_ms, "cannot renew the lease");
                let soon_ms = i64::try_from((worker.lease / 4).as_millis()).unwrap_or(i64::MAX);
                if left_ms <= soon_ms {
                    worker.locals.wish(&id, Wish::Abandon);
                }
            }
        }
    }
    let before_ms = worker.store.now_ms().saturating_sub(SAVEPOINT_MAX_MS);
    let cleared = worker.store.fail_pending_savepoints(before_ms, "the worker ended before the savepoint was complete").await;
    if let Err(error) = cleared {
        tracing::warn!(%error, "cannot clear savepoints that dead workers left pending");
    }
    match worker.store.sweep_approvals().await {
        Ok(swept) if swept.expired + swept.reminded > 0 => {
            tracing::info!(expired = swept.expired, reminded = swept.reminded, "approvals whose time is over, or half over");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "cannot look for approvals whose time is over"),
    }
}
