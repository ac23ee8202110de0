//! Savepoints for users: taken here, or by the worker that runs the instance.
//!
//! Invariant: a savepoint is noted before it is taken and its end is noted whatever happens, so whoever waits for it needs the
//! metadata only: it does not matter which server they have asked.

use crate::{
    ControlError, CreatedSavepoint,
    engine::Execution,
    facade::{Control, from_store},
    reconcile::Worker,
};
use millrace_model::{
    Classified, FaultClass,
    ids::{InstanceId, SavepointId, TenantId},
};
use millrace_store::{Cause, Savepoint, SavepointState, Store, StoreError};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// How long the worker of an instance may take to begin with a savepoint that it was asked for.
const TAKEN_MAX: Duration = Duration::from_secs(15);
/// How long a savepoint of another worker is waited for; it goes on after that.
const COMPLETE_MAX: Duration = Duration::from_secs(10 * 60);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(200);

impl Control {
    /// Takes a savepoint of a running instance and records it in the metadata store.
    ///
    /// # Errors
    /// The instance does not run, or its state cannot be written.
    pub async fn create_savepoint(&self, tenant: &TenantId, instance: &InstanceId) -> Result<CreatedSavepoint, ControlError> {
        self.create_savepoint_by(tenant, instance, &Cause::system("system")).await
    }

    /// As [`Control::create_savepoint`], noting who asked for it.
    ///
    /// # Errors
    /// The instance does not run, or its state cannot be written.
    pub async fn create_savepoint_by(
        &self,
        tenant: &TenantId,
        instance: &InstanceId,
        by: &Cause,
    ) -> Result<CreatedSavepoint, ControlError> {
        let store = self.store();
        if let Some(execution) = self.execution(tenant, instance) {
            let begun = store.begin_savepoint(by, tenant, instance).await.map_err(from_store)?;
            return take(store, &execution, tenant, &begun.id).await;
        }
        let found = store.any_instance(instance).await.map_err(from_store)?;
        let owner = found.worker.filter(|worker| found.scope.tenant == *tenant && worker != self.worker_name());
        let Some(worker) = owner.filter(|_| found.state.is_active()) else {
            return Err(ControlError::Conflict(format!("instance `{instance}` is not running; a savepoint needs a running instance")));
        };
        let asked = store.ask_for_savepoint(by, tenant, instance, &worker).await.map_err(from_store)?;
        await_savepoint(store, &asked, &worker).await
    }

    /// Removes the state of a savepoint that is in the metadata no longer.
    ///
    /// # Errors
    /// The checkpoint store fails.
    pub async fn remove_savepoint_state(&self, location: &str) -> Result<(), ControlError> {
        let removed = self.services.checkpoints.delete_prefix(location).await;
        removed.map(drop).map_err(|error| ControlError::External { system: "checkpoint store".into(), message: error.to_string() })
    }
}

/// Takes the savepoint `id`, which is noted, and notes how it ended.
async fn take(
    store: &Store,
    execution: &Arc<dyn Execution>,
    tenant: &TenantId,
    id: &SavepointId,
) -> Result<CreatedSavepoint, ControlError> {
    match execution.savepoint(id).await {
        Ok(info) => {
            let noted = store.complete_savepoint(tenant, id, &info.location, info.checkpoint, info.size_bytes).await;
            noted.map_err(from_store)?;
            Ok(CreatedSavepoint { id: id.clone(), location: info.location, size_bytes: info.size_bytes, checkpoint_id: info.checkpoint })
        }
        Err(error) => {
            fail(store, tenant, id, &error.to_string()).await;
            Err(match error.class() {
                FaultClass::User => ControlError::Conflict(error.to_string()),
                FaultClass::External => ControlError::External { system: "checkpoint store".into(), message: error.to_string() },
                FaultClass::Internal => ControlError::Internal(error.to_string()),
            })
        }
    }
}

async fn fail(store: &Store, tenant: &TenantId, id: &SavepointId, failure: &str) {
    if let Err(error) = store.fail_savepoint(tenant, id, failure).await {
        tracing::warn!(savepoint = %id, %error, "cannot note that the savepoint failed");
    }
}

/// Waits for a savepoint that `worker` is to take.
pub(crate) async fn await_savepoint(store: &Store, asked: &Savepoint, worker: &str) -> Result<CreatedSavepoint, ControlError> {
    let (id, tenant, began) = (&asked.id, &asked.scope.tenant, Instant::now());
    let mut is_begun = false;
    loop {
        let found = store.savepoint(&asked.scope, id).await.map_err(from_store)?;
        match (found.state, found.location) {
            (SavepointState::Completed, Some(location)) => {
                let size_bytes = found.size_bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default();
                return Ok(CreatedSavepoint { id: id.clone(), location, size_bytes, checkpoint_id: found.checkpoint.unwrap_or_default() });
            }
            (SavepointState::Failed, _) => return Err(ControlError::Conflict(found.failure.unwrap_or_default())),
            (SavepointState::Pending | SavepointState::Completed, _) => {}
        }
        if !is_begun && began.elapsed() >= TAKEN_MAX {
            let seconds = TAKEN_MAX.as_secs();
            let message = format!("worker `{worker}`, which runs the instance, has not begun with the savepoint within {seconds} s");
            // If it begins at this moment, it is waited for.
            is_begun = !store.give_up_savepoint(tenant, id, &message).await.map_err(from_store)?;
            if !is_begun {
                return Err(ControlError::External { system: "worker".into(), message });
            }
        }
        if began.elapsed() >= COMPLETE_MAX {
            let message = format!("worker `{worker}` still takes savepoint `{id}`; the instance's savepoints show how it ends");
            return Err(ControlError::Busy(message));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Takes the savepoints that other servers have asked this worker for.
pub(crate) async fn take_asked(worker: &Arc<Worker>) -> Result<(), StoreError> {
    for asked in worker.store.take_asked_savepoints(&worker.name).await? {
        let worker = worker.clone();
        tokio::spawn(async move {
            let (store, tenant) = (&worker.store, &asked.scope.tenant);
            let execution = worker.locals.view(&asked.instance).and_then(|view| view.lock().execution.clone());
            match execution {
                // How it ended is noted; whoever has asked reads it there.
                Some(execution) => drop(take(store, &execution, tenant, &asked.id).await),
                None => {
                    let failure = format!("instance `{}` is not running; a savepoint needs a running instance", asked.instance);
                    fail(store, tenant, &asked.id, &failure).await;
                }
            }
        });
    }
    Ok(())
}
