//! What tenants may have, as the sandbox holds them to it: their quotas of memory and fuel.
//!
//! Invariant: a quota that is set for a tenant is the limit of its account on every worker that runs its code, also while
//! it runs; a tenant without one has the worker's own limits.

use crate::reconcile::Worker;
use millrace_domain::Quota;
use millrace_engine::TenantAccounts;
use millrace_model::ids::TenantId;
use millrace_store::{Store, StoreError};
use std::collections::BTreeSet;

/// Holds one tenant to its quotas.
///
/// # Errors
/// The metadata cannot be read: the limits stay as they were.
pub(crate) async fn hold(store: &Store, accounts: &TenantAccounts, tenant: &TenantId) -> Result<(), StoreError> {
    let memory_bytes = store.quota_set(tenant, Quota::MemoryBytes).await?;
    let fuel_per_second = store.quota_set(tenant, Quota::FuelPerSecond).await?;
    let amount = |quota: i64| u64::try_from(quota).unwrap_or(0);
    accounts.set_limits(tenant, memory_bytes.map(amount), fuel_per_second.map(amount));
    Ok(())
}

/// Holds the tenants whose instances run here to their quotas.
pub(crate) async fn hold_all(worker: &Worker) {
    let tenants: BTreeSet<TenantId> =
        worker.locals.views().iter().filter_map(|(_, view)| view.lock().scope.as_ref().map(|scope| scope.tenant.clone())).collect();
    for tenant in tenants {
        if let Err(error) = hold(&worker.store, &worker.accounts, &tenant).await {
            tracing::warn!(%tenant, %error, "cannot read the tenant's quotas; its limits stay as they are");
        }
    }
}
