//! The embedded engine behind the common trait.

use crate::engine::{Examined, Execution, ExecutionEngine, Launch};
use async_trait::async_trait;
use millrace_domain::Allocation;
use millrace_engine::{
    Catalog, CheckpointSummary, EngineError, EngineServices, ExecutionState, JobFailure, JobHandle, JobMetrics, SavepointInfo,
    StartOptions, TapReader, state::Ceiling,
};
use millrace_model::{
    FaultClass,
    graph::{GraphError, JobGraph},
    ids::{NodeId, SavepointId, TenantId},
};
use std::sync::Arc;
use tokio::sync::watch;

/// Runs jobs in this process.
pub struct NativeEngine {
    services: EngineServices,
}

impl NativeEngine {
    /// An engine with these services.
    pub fn new(services: EngineServices) -> Self {
        Self { services }
    }

    /// What jobs of a tenant get.
    fn services_of(&self, tenant: &TenantId) -> EngineServices {
        EngineServices { sandbox: self.services.sandbox.for_tenant(tenant), ..self.services.clone() }
    }
}

#[async_trait]
impl ExecutionEngine for NativeEngine {
    async fn examine(
        &self,
        graph: &JobGraph,
        tenant: &TenantId,
        catalog: &dyn Catalog,
        is_question: bool,
    ) -> Result<Examined, Vec<GraphError>> {
        let planned = millrace_engine::plan_document(graph, tenant, catalog, &self.services_of(tenant), is_question).await?;
        let millrace_engine::Planned { graph, plan, queries, warnings } = planned;
        let (schemas, pins) = plan.map(|p| (p.output_schemas(), p.pins())).unwrap_or_default();
        Ok(Examined { schemas, pins, graph, queries, warnings })
    }

    async fn launch(&self, launch: Launch) -> Result<Arc<dyn Execution>, JobFailure> {
        let Launch { tenant, instance, job, version_hash, graph, catalog, from, allocation } = launch;
        let services = match allocation {
            Some(Allocation { memory_mib, fuel_per_second, .. }) if memory_mib.is_some() || fuel_per_second.is_some() => {
                let memory_bytes_max = memory_mib.map(|mib| u64::from(mib) << 20);
                let accounts = self.services.accounts.with_part(&tenant, memory_bytes_max, fuel_per_second);
                let mut state = self.services.state.clone();
                if let Some(bytes) = memory_bytes_max {
                    // Whoever is below decides what the job can ask for.
                    if bytes < state.ceiling.bytes() {
                        state.ceiling = Ceiling::Assigned(bytes);
                    }
                    state.memory_bytes_max = bytes.min(state.ceiling.bytes());
                }
                EngineServices { accounts, state, ..self.services_of(&tenant) }
            }
            Some(_) | None => self.services_of(&tenant),
        };
        let plan = millrace_engine::plan(&graph, &tenant, catalog.as_ref(), &services).await.map_err(wrong_graph)?;
        let options = StartOptions { tenant, instance, job, version_hash, from };
        let handle = millrace_engine::start(plan, options, &services).await?;
        Ok(Arc::new(NativeExecution(handle)))
    }
}

/// A version was right when it was submitted; what it names has changed or gone since.
fn wrong_graph(errors: Vec<GraphError>) -> JobFailure {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    JobFailure {
        class: FaultClass::User,
        retryable: false,
        operator: errors.into_iter().find_map(|e| e.node),
        message: format!("the job cannot start any more: {}", lines.join("; ")),
        fault: None,
    }
}

struct NativeExecution(JobHandle);

#[async_trait]
impl Execution for NativeExecution {
    fn state(&self) -> watch::Receiver<ExecutionState> {
        self.0.state()
    }

    async fn savepoint(&self, id: &SavepointId) -> Result<SavepointInfo, EngineError> {
        self.0.savepoint(id).await
    }

    async fn stop(&self, with_savepoint: Option<&SavepointId>) -> Result<Option<SavepointInfo>, EngineError> {
        self.0.stop(with_savepoint).await
    }

    fn cancel(&self) {
        self.0.cancel();
    }

    fn metrics(&self) -> JobMetrics {
        self.0.metrics()
    }

    fn tap(&self, node: &NodeId) -> Result<Option<TapReader>, EngineError> {
        self.0.tap(node)
    }

    fn nodes(&self) -> Vec<NodeId> {
        self.0.nodes()
    }

    fn checkpoints(&self) -> Vec<CheckpointSummary> {
        self.0.checkpoints()
    }
}
