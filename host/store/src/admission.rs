//! Admission: whether there is room for one more job, upload or running instance.
//!
//! Invariant: all checks of one admission happen under the tenant's lock, so that two at the same time never both take
//! the last place; what an instance takes is written before it counts as active.

use crate::{Instance, Store, StoreError, row, transaction::Transaction};
use millrace_domain::{Allocation, ProjectScope, ProjectServices, Quota, quota::SLOT_MEMORY_BYTES};
use millrace_model::graph::JobGraph;

/// What an instance takes while it is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Subtasks that run side by side.
    pub slots: i64,
    /// Memory set aside.
    pub memory_bytes: i64,
    /// Fuel of tenant code set aside.
    pub fuel_per_second: i64,
}

impl Demand {
    /// What an instance of a graph takes: as many slots and as much memory and fuel as it was given; without, a slot for each
    /// subtask of its widest operator, and each slot's memory.
    pub fn of(graph: &JobGraph, allocation: Option<&Allocation>) -> Self {
        let slots = i64::from(allocation.map_or_else(|| widest(graph), |given| given.slots));
        let memory_bytes = allocation.and_then(|given| given.memory_mib).map(|mib| i64::from(mib) << 20);
        let fuel_per_second = allocation.and_then(|given| given.fuel_per_second).unwrap_or(0);
        Self {
            slots,
            memory_bytes: memory_bytes.unwrap_or_else(|| slots.saturating_mul(SLOT_MEMORY_BYTES)),
            fuel_per_second: i64::try_from(fuel_per_second).unwrap_or(i64::MAX),
        }
    }
}

/// The largest parallelism of an operator.
fn widest(graph: &JobGraph) -> u16 {
    let default = graph.parameters.parallelism;
    graph.nodes.iter().map(|node| node.parallelism.unwrap_or(default)).max().unwrap_or(default).max(1)
}

impl Store {
    /// Makes sure that the project may have one more job.
    pub(crate) async fn admit_job(&self, tx: &mut Transaction, scope: &ProjectScope) -> Result<(), StoreError> {
        self.lock_tenant(tx, &scope.tenant).await?;
        self.check_quota(tx, (&scope.tenant, Some(&scope.project)), Quota::Jobs, 1).await
    }

    /// Makes sure that the project may have one more uploaded version.
    pub(crate) async fn admit_upload(&self, tx: &mut Transaction, scope: &ProjectScope) -> Result<(), StoreError> {
        self.lock_tenant(tx, &scope.tenant).await?;
        self.check_quota(tx, (&scope.tenant, Some(&scope.project)), Quota::Uploads, 1).await
    }

    /// Makes sure that `instance` may become active, and notes what it then takes: what it was given at its go-live, or what
    /// its graph needs.
    pub(crate) async fn admit_start(&self, tx: &mut Transaction, instance: &Instance) -> Result<(), StoreError> {
        let scope = &instance.scope;
        let found = sqlx::query(
            "SELECT v.graph_json AS graph_json, p.services_json AS services_json, p.name AS name FROM job_versions v \
             JOIN projects p ON p.id = v.project_id WHERE v.id = $1",
        )
        .bind(instance.version.as_str())
        .fetch_one(&mut **tx)
        .await?;
        let graph: JobGraph = row::json(&found, "graph_json")?;
        let services: ProjectServices = row::json(&found, "services_json")?;
        let (wide, allowed) = (i64::from(widest(&graph)), services.parallelism_max());
        if wide > allowed {
            let message = format!(
                "an operator of this version has {wide} subtasks, and the service `stream_computing` of project `{}` allows {allowed}; \
                 lower the parallelism, or ask an administrator of the tenant to configure the service",
                row::text(&found, "name")?
            );
            return Err(StoreError::Invalid { field: "parallelism", message });
        }
        let demand = Demand::of(&graph, instance.allocation.as_ref());
        self.lock_tenant(tx, &scope.tenant).await?;
        let place = (&scope.tenant, Some(&scope.project));
        for (quota, wanted) in [
            (Quota::Instances, 1),
            (Quota::Slots, demand.slots),
            (Quota::MemoryBytes, demand.memory_bytes),
            (Quota::FuelPerSecond, demand.fuel_per_second),
        ] {
            self.check_quota(tx, place, quota, wanted).await?;
        }
        sqlx::query(
            "INSERT INTO instance_demands (instance_id, tenant_id, project_id, slots, memory_bytes, fuel_per_second) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (instance_id) DO UPDATE SET slots = excluded.slots, \
             memory_bytes = excluded.memory_bytes, fuel_per_second = excluded.fuel_per_second",
        )
        .bind(instance.id.as_str())
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(demand.slots)
        .bind(demand.memory_bytes)
        .bind(demand.fuel_per_second)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}
