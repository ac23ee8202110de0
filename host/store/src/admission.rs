//! Admission: whether there is room for one more job, upload or running instance.
//!
//! Invariant: all checks of one admission happen under the tenant's lock, so that two at the same time never both take
//! the last place; what an instance takes is written before it counts as active.

use crate::{GoLive, Instance, Store, StoreError, row, transaction::Transaction};
use millrace_domain::{Allocation, ProjectScope, ProjectServices, Quota, quota::SLOT_MEMORY_BYTES};
use millrace_model::{
    graph::JobGraph,
    ids::{InstanceId, ProjectId, TenantId, VersionId},
};
use std::collections::BTreeMap;

/// What an instance takes while it is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Subtasks that hold connections, or all of the widest operator if those are more.
    pub slots: i64,
    /// Memory set aside.
    pub memory_bytes: i64,
    /// Fuel of tenant code set aside.
    pub fuel_per_second: i64,
}

impl Demand {
    /// What an instance of a graph takes: a slot for each subtask of its sources and sinks, as those hold connections and the
    /// threads of their clients, and at least as many as it was given or its widest operator has; as much memory and fuel as
    /// it was given, or each slot's memory.
    pub fn of(graph: &JobGraph, allocation: Option<&Allocation>) -> Self {
        let given = i64::from(allocation.map_or_else(|| widest(graph), |given| given.slots));
        let slots = given.max(subtasks(graph, |kind| kind.ends_with("_source") || kind.ends_with("_sink")));
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

/// Subtasks of one job: each is a task with its queues and, at its ends, its connections.
const SUBTASKS_MAX: i64 = 2_000;

/// Subtasks of the nodes of these kinds.
fn subtasks(graph: &JobGraph, is_counted: impl Fn(&str) -> bool) -> i64 {
    let default = graph.parameters.parallelism;
    let counted = graph.nodes.iter().filter(|node| is_counted(&node.kind));
    counted.map(|node| i64::from(node.parallelism.unwrap_or(default).max(1))).sum()
}

/// Makes sure that a graph is not too large to be run at all.
fn check_subtasks(graph: &JobGraph) -> Result<(), StoreError> {
    let found = subtasks(graph, |_| true);
    if found <= SUBTASKS_MAX {
        return Ok(());
    }
    let message = format!(
        "the {} nodes of this version have {found} subtasks together, and one job may have {SUBTASKS_MAX}; lower the parallelism, or make \
         several jobs of it",
        graph.nodes.len()
    );
    Err(StoreError::Invalid { field: "parallelism", message })
}

impl Store {
    /// Makes sure that the project may have one more job.
    pub(crate) async fn admit_job(&self, tx: &mut Transaction, scope: &ProjectScope) -> Result<(), StoreError> {
        self.lock_tenant(tx, &scope.tenant).await?;
        self.check_quota(tx, (&scope.tenant, Some(&scope.project)), Quota::Jobs, 1).await
    }

    /// Makes sure that the project may have one more uploaded version.
    pub(crate) async fn admit_upload(&self, tx: &mut Transaction, scope: &ProjectScope) -> Result<(), StoreError> {
        self.admit_version(tx, (&scope.tenant, Some(&scope.project))).await
    }

    /// As [`Self::admit_upload`], also for what belongs to the tenant as a whole.
    pub(crate) async fn admit_version(
        &self,
        tx: &mut Transaction,
        (tenant, project): (&TenantId, Option<&ProjectId>),
    ) -> Result<(), StoreError> {
        self.lock_tenant(tx, tenant).await?;
        self.check_quota(tx, (tenant, project), Quota::Uploads, 1).await
    }

    /// Makes sure that `instance` may become active, and notes what it then takes: what it was given at its go-live, or what
    /// its graph needs.
    pub(crate) async fn admit_start(&self, tx: &mut Transaction, instance: &Instance) -> Result<(), StoreError> {
        let scope = &instance.scope;
        let demand = self.demand_of(tx, (&instance.version, &instance.parameters), instance.allocation.as_ref()).await?;
        self.admit(tx, scope, demand, None).await?;
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

    /// Makes sure that a release may go live with this allocation, before anything is made: there must be room for its
    /// instance beside everything that is active now, without the instance that it replaces.
    pub(crate) async fn admit_go_live(
        &self,
        tx: &mut Transaction,
        scope: &ProjectScope,
        (version, how): (&VersionId, &GoLive),
        replaced: Option<&InstanceId>,
    ) -> Result<(), StoreError> {
        let demand = self.demand_of(tx, (version, &how.parameters), Some(&how.allocation)).await?;
        self.admit(tx, scope, demand, replaced).await
    }

    /// What an instance of a version takes, as far as the project's services allow it.
    async fn demand_of(
        &self,
        tx: &mut Transaction,
        (version, parameters): (&VersionId, &BTreeMap<String, String>),
        allocation: Option<&Allocation>,
    ) -> Result<Demand, StoreError> {
        let found = sqlx::query(
            "SELECT v.graph_json AS graph_json, p.services_json AS services_json, p.name AS name FROM job_versions v \
             JOIN projects p ON p.id = v.project_id WHERE v.id = $1",
        )
        .bind(version.as_str())
        .fetch_one(&mut **tx)
        .await?;
        let mut graph: JobGraph = row::json(&found, "graph_json")?;
        if let Some(parallelism) = parameters.get("parallelism").and_then(|text| text.parse().ok()) {
            graph.parameters.parallelism = parallelism;
        }
        check_subtasks(&graph)?;
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
        Ok(Demand::of(&graph, allocation))
    }

    /// Makes sure that there is room for one more active instance, when the active instance `without` is gone.
    async fn admit(
        &self,
        tx: &mut Transaction,
        scope: &ProjectScope,
        demand: Demand,
        without: Option<&InstanceId>,
    ) -> Result<(), StoreError> {
        self.lock_tenant(tx, &scope.tenant).await?;
        let freed = match without {
            Some(instance) => self.demand_noted(tx, instance).await?,
            None => None,
        };
        let place = (&scope.tenant, Some(&scope.project));
        for (quota, wanted, freed) in [
            (Quota::Instances, 1, freed.map(|_| 1)),
            (Quota::Slots, demand.slots, freed.map(|f| f.slots)),
            (Quota::MemoryBytes, demand.memory_bytes, freed.map(|f| f.memory_bytes)),
            (Quota::FuelPerSecond, demand.fuel_per_second, freed.map(|f| f.fuel_per_second)),
        ] {
            let wanted = wanted.saturating_sub(freed.unwrap_or(0));
            // What is there may be above a quota that was lowered since: less of it is always allowed.
            if freed.is_none() || wanted > 0 {
                self.check_quota(tx, place, quota, wanted).await?;
            }
        }
        Ok(())
    }

    /// What was noted when an instance became active.
    async fn demand_noted(&self, tx: &mut Transaction, instance: &InstanceId) -> Result<Option<Demand>, StoreError> {
        let found = sqlx::query("SELECT slots, memory_bytes, fuel_per_second FROM instance_demands WHERE instance_id = $1")
            .bind(instance.as_str())
            .fetch_optional(&mut **tx)
            .await?;
        let of = |found: &sqlx::any::AnyRow| {
            Ok::<_, StoreError>(Demand {
                slots: row::integer(found, "slots")?,
                memory_bytes: row::integer(found, "memory_bytes")?,
                fuel_per_second: row::integer(found, "fuel_per_second")?,
            })
        };
        found.as_ref().map(of).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_domain::Priority;
    use serde_json::json;

    fn graph(sources: usize, parallelism: u16) -> JobGraph {
        let source = |index: usize| json!({"id": format!("s{index}"), "kind": "kafka_source"});
        let mut nodes: Vec<_> = (0..sources).map(source).collect();
        nodes.push(json!({"id": "q", "kind": "sql"}));
        nodes.push(json!({"id": "out", "kind": "kafka_sink", "parallelism": 1}));
        serde_json::from_value(json!({"nodes": nodes, "edges": [], "parameters": {"parallelism": parallelism}})).unwrap()
    }

    #[test]
    fn whatever_holds_connections_takes_slots() {
        assert_eq!(Demand::of(&graph(1, 1), None).slots, 2);
        assert_eq!(Demand::of(&graph(3, 8), None).slots, 25, "three sources of eight subtasks, and one sink");
        let given = |slots| Allocation { slots, memory_mib: Some(64), fuel_per_second: None, priority: Priority::Normal };
        assert_eq!(Demand::of(&graph(1, 1), Some(&given(4))).slots, 4);
        let few = Demand::of(&graph(3, 8), Some(&given(8)));
        assert_eq!((few.slots, few.memory_bytes), (25, 64 << 20), "no allocation hides connections");
    }

    #[test]
    fn a_job_has_at_most_two_thousand_subtasks() {
        check_subtasks(&graph(14, 128)).unwrap();
        let problem = check_subtasks(&graph(30, 128)).unwrap_err().to_string();
        assert!(problem.contains("the 32 nodes of this version have 3969 subtasks together, and one job may have 2000"), "{problem}");
    }
}
