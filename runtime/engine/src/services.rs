//! What the engine needs from its surroundings, given once by the composition root.

use crate::{operators::OperatorRegistry, state::StateSettings, threads::EngineThreads};
use millrace_checkpoint::CheckpointStore;
use millrace_connector::ConnectorRegistry;
use millrace_functions::FunctionRegistry;
use millrace_model::ids::TenantId;
use millrace_sandbox::{Sandbox, TenantAccount, TenantLimits};
use std::{collections::HashMap, sync::Arc};

/// Shared services of all executions in a process.
#[derive(Clone)]
pub struct EngineServices {
    /// Runs tenant code.
    pub sandbox: Sandbox,
    /// Outside systems by kind.
    pub connectors: ConnectorRegistry,
    /// Operators by kind.
    pub operators: OperatorRegistry,
    /// SQL functions: built-in ones and those of the process.
    pub functions: FunctionRegistry,
    /// Where checkpoints and savepoints go.
    pub checkpoints: Arc<dyn CheckpointStore>,
    /// What each tenant may use and has used.
    pub accounts: TenantAccounts,
    /// Memory for keyed state, and where it goes beyond.
    pub state: StateSettings,
    /// Threads for jobs, places for planning.
    pub threads: EngineThreads,
}

/// One account per tenant for the whole process, made when first asked for.
#[derive(Clone)]
pub struct TenantAccounts {
    limits: TenantLimits,
    by_tenant: Arc<parking_lot::Mutex<HashMap<TenantId, Arc<TenantAccount>>>>,
}

impl TenantAccounts {
    /// Accounts that all start with these limits.
    pub fn new(limits: TenantLimits) -> Self {
        Self { limits, by_tenant: Arc::default() }
    }

    /// The account of `tenant`.
    pub fn get(&self, tenant: &TenantId) -> Arc<TenantAccount> {
        let mut accounts = self.by_tenant.lock();
        accounts.entry(tenant.clone()).or_insert_with(|| Arc::new(TenantAccount::new(self.limits.clone()))).clone()
    }

    /// Holds a tenant to these limits from now on; none: to those that all begin with.
    pub fn set_limits(&self, tenant: &TenantId, memory_bytes_max: Option<u64>, fuel_per_second: Option<u64>) {
        let memory_bytes_max = memory_bytes_max.unwrap_or(self.limits.memory_bytes_max);
        self.get(tenant).set_limits(memory_bytes_max, fuel_per_second.or(self.limits.fuel_per_second));
    }

    /// Accounts of one tenant for one run: they count by themselves and are charged to the tenant's account as well.
    #[must_use]
    pub fn of_one_run(&self, tenant: &TenantId) -> Self {
        let part = Arc::new(TenantAccount::within(self.get(tenant)));
        Self { limits: self.limits.clone(), by_tenant: Arc::new(parking_lot::Mutex::new(HashMap::from([(tenant.clone(), part)]))) }
    }

    /// Accounts for one job of `tenant`: its part of the tenant's account, with limits of its own where they are given.
    #[must_use]
    pub fn with_part(&self, tenant: &TenantId, memory_bytes_max: Option<u64>, fuel_per_second: Option<u64>) -> Self {
        // Without a limit of its own the part has that of the tenant, which may change.
        let memory_bytes_max = memory_bytes_max.unwrap_or(u64::MAX);
        let limits = TenantLimits { memory_bytes_max, fuel_per_second, ..self.limits.clone() };
        let part = Arc::new(TenantAccount::part_of(self.get(tenant), limits));
        Self { limits: self.limits.clone(), by_tenant: Arc::new(parking_lot::Mutex::new(HashMap::from([(tenant.clone(), part)]))) }
    }

    /// All accounts made so far, by tenant.
    pub fn all(&self) -> Vec<(TenantId, Arc<TenantAccount>)> {
        let mut all: Vec<_> = self.by_tenant.lock().iter().map(|(t, a)| (t.clone(), a.clone())).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }
}
