//! The one door through which the API reaches engines, sandbox and connectors.

use crate::{
    ComponentInfo, ControlError, ExplainReport, InstanceObservation, PinError, PinnedGraph, ValidationReport,
    builds::Builds,
    canonical,
    catalog::ProjectCatalog,
    checkpoint_probe::CheckpointProbe,
    data_sources::LOOKS_MAX,
    engine::{Examined, Execution, ExecutionEngine},
    jar, lineage,
    local::{Locals, Wish},
    native::NativeEngine,
    preview::PREVIEWS_MAX,
    prometheus, quality,
    reconcile::{self, Worker},
    tap::Taps,
    temp_tables, tenant_limits,
    unit_test::UnitTests,
};
use bytes::Bytes;
use millrace_builder::service::BuildService;
use millrace_connector::TableBinding;
use millrace_datapackage::Inspector;
use millrace_domain::{Environment, ProjectScope};
use millrace_engine::{Catalog, CatalogError, EngineServices};
use millrace_model::{
    Classified, FaultClass,
    graph::{GraphError, JobGraph},
    ids::{InstanceId, ProjectId, TenantId, TopicId},
};
use millrace_places::FairPlaces;
use millrace_store::{Store, TableViewer};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What the control plane is made of; given once by the composition root.
pub struct ControlParts {
    /// Metadata.
    pub store: Store,
    /// What the native engine runs with; connectors and sandbox are used directly too.
    pub services: EngineServices,
    /// Name of this worker: leases carry it, and a restarted process of the same name takes its instances at once.
    pub worker: String,
    /// How long a lease lasts without being renewed: after that another worker takes the instance.
    pub lease: Duration,
    /// Instances that may be starting at the same time, at least 1.
    pub starts_max: usize,
    /// What looks into data packages.
    pub packages: Inspector,
}

/// Handle on the control plane; cheap to clone.
#[derive(Clone)]
pub struct Control {
    pub(crate) worker: Arc<Worker>,
    pub(crate) services: EngineServices,
    builds: Arc<Builds>,
    pub(crate) packages: Inspector,
    unit_tests: UnitTests,
    previews: FairPlaces,
    /// Connectivity tests and samples of data sources under way.
    looks: FairPlaces,
    taps: Taps,
    checkpoint_probe: Arc<CheckpointProbe>,
}

impl Control {
    /// A control plane that does not reconcile yet: see [`Control::reconcile`].
    pub fn new(parts: ControlParts) -> Self {
        let ControlParts { store, services, worker, lease, starts_max, packages } = parts;
        let engine: Arc<dyn ExecutionEngine> = Arc::new(NativeEngine::new(services.clone()));
        let worker = Worker {
            store,
            engine,
            checkpoints: services.checkpoints.clone(),
            name: worker,
            lease,
            starts: FairPlaces::new(starts_max, starts_max / 2),
            locals: Locals::default(),
            wake: Notify::new(),
            closing: CancellationToken::new(),
            packages: Some(packages.clone()),
            accounts: services.accounts.clone(),
        };
        let builds = Arc::new(Builds::Absent("this server builds nothing".into()));
        let (unit_tests, taps) = (UnitTests::default(), Taps::default());
        let (previews, looks) = (FairPlaces::quarters(PREVIEWS_MAX), FairPlaces::quarters(LOOKS_MAX));
        Self { worker: Arc::new(worker), services, packages, builds, unit_tests, previews, looks, taps, checkpoint_probe: Arc::default() }
    }

    /// Builds online code with this service, or says why it does not.
    #[must_use]
    pub fn with_builds(self, service: Result<BuildService, String>) -> Self {
        Self { builds: Arc::new(service.map_or_else(Builds::Absent, Builds::here)), ..self }
    }

    pub(crate) fn builds(&self) -> &Builds {
        &self.builds
    }

    pub(crate) fn unit_tests(&self) -> &UnitTests {
        &self.unit_tests
    }

    pub(crate) fn previews(&self) -> &FairPlaces {
        &self.previews
    }

    pub(crate) fn looks(&self) -> &FairPlaces {
        &self.looks
    }

    pub(crate) fn taps(&self) -> &Taps {
        &self.taps
    }

    /// What runs of an instance of this tenant on this worker.
    pub(crate) fn execution(&self, tenant: &TenantId, instance: &InstanceId) -> Option<Arc<dyn Execution>> {
        let view = self.worker.locals.view(instance)?;
        let view = view.lock();
        let ours = view.scope.as_ref().is_some_and(|s| s.tenant == *tenant);
        if ours { view.execution.clone() } else { None }
    }

    /// Holds a tenant to its quotas of memory and fuel, before code of it runs here.
    pub(crate) async fn hold_tenant(&self, tenant: &TenantId) -> Result<(), ControlError> {
        tenant_limits::hold(&self.worker.store, &self.services.accounts, tenant).await.map_err(from_store)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.worker.store
    }

    pub(crate) fn worker_name(&self) -> &str {
        &self.worker.name
    }

    /// Sees whether the checkpoint store can be written and read; answers what is wrong.
    pub async fn probe_checkpoints(&self) -> Option<String> {
        self.checkpoint_probe.probe(self.services.checkpoints.as_ref()).await
    }

    /// What was wrong with the checkpoint store when it was last probed.
    pub fn checkpoints_failure(&self) -> Option<String> {
        self.checkpoint_probe.failure()
    }

    /// Runs instances until [`Control::close`].
    pub async fn reconcile(&self) {
        reconcile::run(self.worker.clone()).await;
    }

    /// Takes no more instances and gives back those that run here, each with a last checkpoint when that is quick. Their
    /// desired state stays, so that they go on elsewhere or at the next start. Returns when none is left, or after `max`.
    pub async fn close(&self, max: Duration) {
        self.worker.closing.cancel();
        self.builds.close();
        for (id, _) in self.worker.locals.views() {
            self.worker.locals.wish(&id, Wish::GiveBack);
        }
        if tokio::time::timeout(max, self.worker.locals.none_left()).await.is_err() {
            tracing::warn!("instances did not end in {} ms; their leases run out", max.as_millis());
        }
    }

    /// Makes the real topic if it is not there, else checks that it agrees with the design (TOP-5). Answers whether it
    /// was made.
    ///
    /// # Errors
    /// The topic is not in the project, or its data source cannot be used.
    pub async fn ensure_topic(&self, tenant: &TenantId, project: &ProjectId, topic: &TopicId) -> Result<bool, ControlError> {
        self.ensure_topic_with(tenant, project, topic, &serde_json::json!({})).await
    }

    /// As [`Control::ensure_topic`], with options for a topic that has to be made: for Kafka `partitions` and
    /// `replication`.
    ///
    /// # Errors
    /// The topic is not in the project, or its data source cannot be used.
    pub async fn ensure_topic_with(
        &self,
        tenant: &TenantId,
        project: &ProjectId,
        topic: &TopicId,
        options: &serde_json::Value,
    ) -> Result<bool, ControlError> {
        let scope = ProjectScope::new(tenant.clone(), project.clone());
        let viewer = TableViewer { scope, environment: Environment::Test, person: None };
        self.ensure_table_in(&viewer, topic, options).await
    }

    /// Makes the real table or topic that the viewer's environment means, or checks the one that is there (TOP-5).
    ///
    /// # Errors
    /// The table is not in the project or environment, or its data source cannot be used.
    pub async fn ensure_table_in(&self, viewer: &TableViewer, topic: &TopicId, options: &serde_json::Value) -> Result<bool, ControlError> {
        let catalog = self.catalog(viewer);
        let table: TableBinding = catalog.table(topic.as_str()).await.map_err(from_catalog)?;
        let Some(connector) = self.services.connectors.get(&table.connection.kind) else {
            let kind = &table.connection.kind;
            return Err(ControlError::invalid("source.unknown_kind", format!("`{kind}` is not a known kind of data source")));
        };
        connector.ensure_table(&table, options).await.map_err(|error| match error.class() {
            FaultClass::User => ControlError::invalid("topic.unusable", error.to_string()),
            FaultClass::External => ControlError::External {
                system: format!("{} topic `{}`", table.connection.kind, table.physical_name),
                message: error.to_string(),
            },
            FaultClass::Internal => ControlError::Internal(error.to_string()),
        })
    }

    /// Checks an upload against the admission limits and compiles it, so that a bad component is refused at once.
    ///
    /// # Errors
    /// The bytes are no component of a known contract, or break a limit.
    pub async fn admit_plugin(&self, tenant: &TenantId, component: Bytes) -> Result<ComponentInfo, ControlError> {
        let size_bytes = component.len() as u64;
        let admitted = self.services.sandbox.for_tenant(tenant).admit(component).await.map_err(|error| match error.class() {
            FaultClass::User => ControlError::invalid("plugin.refused", error.to_string()),
            FaultClass::External => ControlError::External { system: "plugin compiler".into(), message: error.to_string() },
            FaultClass::Internal => ControlError::Internal(error.to_string()),
        })?;
        Ok(ComponentInfo { content_hash: admitted.content_hash, world: admitted.world, wit_version: admitted.wit_version, size_bytes })
    }

    /// Finds everything wrong with a graph and the schema on every edge. Errors of the graph are an answer, not a failure.
    ///
    /// # Errors
    /// Only what is not the graph's fault.
    pub async fn validate(&self, viewer: &TableViewer, graph: &JobGraph) -> Result<ValidationReport, ControlError> {
        Ok(match self.examine(viewer, graph, false).await? {
            Ok(examined) => ValidationReport { errors: Vec::new(), warnings: examined.warnings, schemas: examined.schemas },
            Err(errors) => ValidationReport { errors, ..ValidationReport::default() },
        })
    }

    /// Says what a graph or script would do: its queries with plan, columns and lineage. A script may have queries whose
    /// rows go nowhere. Errors are an answer, not a failure.
    ///
    /// # Errors
    /// Only what is not the graph's fault.
    pub async fn explain(&self, viewer: &TableViewer, graph: &JobGraph) -> Result<ExplainReport, ControlError> {
        Ok(match self.examine(viewer, graph, true).await? {
            Ok(Examined { queries, warnings, graph, .. }) => {
                let graph = (!graph.nodes.is_empty()).then_some(graph);
                ExplainReport { errors: Vec::new(), warnings, queries, graph }
            }
            Err(errors) => ExplainReport { errors, ..ExplainReport::default() },
        })
    }

    /// Validates a graph and fixes everything that it refers to by content, ready to be stored as a version.
    ///
    /// # Errors
    /// The graph is wrong, or what is not the graph's fault.
    pub async fn pin(&self, viewer: &TableViewer, graph: &JobGraph) -> Result<PinnedGraph, PinError> {
        let graph = quality::without_steps(graph);
        let errors = quality::foreign_rules(self.store(), &viewer.scope, &graph).await.map_err(from_store)?;
        if !errors.is_empty() {
            return Err(PinError::Graph(errors));
        }
        let mut examined = self.examine(viewer, &graph, false).await?.map_err(PinError::Graph)?;
        let steps = quality::with_steps(self.store(), &viewer.scope, &examined.graph, &examined.schemas, &examined.pins).await;
        if let Some(mut graph) = steps.map_err(from_store)?.map_err(PinError::Graph)? {
            // A script is not planned anew: its nodes are what the steps were added to.
            let script = graph.sql.take();
            examined = self.examine(viewer, &graph, false).await?.map_err(PinError::Graph)?;
            examined.graph.sql = script;
        }
        let Examined { mut pins, graph, schemas, queries, .. } = examined;
        lineage::pin_columns(&graph, &schemas, &queries, &mut pins);
        let document = serde_json::json!({ "graph": graph, "pins": pins });
        Ok(PinnedGraph { content_hash: canonical::hash(&document), graph, pins })
    }

    /// Desired state changed: reconcile now instead of at the next scan. Never waits.
    pub fn notify(&self) {
        self.worker.wake.notify_one();
    }

    /// What this worker sees of an instance; absent when it does not run here.
    pub fn observe(&self, instance: &InstanceId) -> Option<InstanceObservation> {
        let view = self.worker.locals.view(instance)?;
        let observation = view.lock().observation(&self.worker.name);
        Some(observation)
    }

    /// Metrics of all instances of this worker in Prometheus text format, labelled by tenant, job, instance, operator.
    pub fn prometheus(&self) -> String {
        prometheus::render(&self.worker.name, &self.worker.locals.views(), &self.services.accounts)
    }

    /// The project itself in test: what is permitted to a person alone does not count.
    pub(crate) fn of_project(scope: &ProjectScope) -> TableViewer {
        TableViewer { scope: scope.clone(), environment: Environment::Test, person: None }
    }

    pub(crate) fn catalog(&self, viewer: &TableViewer) -> ProjectCatalog {
        ProjectCatalog::current(self.worker.store.clone(), viewer.clone()).with_packages(self.packages.clone())
    }

    /// The project as a draft sees it: with the temp tables that it will make.
    pub(crate) async fn draft_catalog(&self, viewer: &TableViewer, graph: &JobGraph) -> Result<ProjectCatalog, ControlError> {
        let to_be_made = temp_tables::missing(&self.worker.store, &viewer.scope, graph).await.map_err(from_store)?;
        Ok(self.catalog(viewer).with_tables_to_be_made(to_be_made))
    }

    pub(crate) async fn examine(
        &self,
        viewer: &TableViewer,
        graph: &JobGraph,
        is_question: bool,
    ) -> Result<Result<Examined, Vec<GraphError>>, ControlError> {
        if let Some(program) = &graph.jar {
            return jar::examine(self.store(), &viewer.scope, graph, program).await.map_err(from_store);
        }
        let place = self.services.threads.planning_place(&viewer.scope.tenant).await;
        let _place = place.map_err(|error| ControlError::Busy(error.to_string()))?;
        let catalog = self.draft_catalog(viewer, graph).await?;
        let mut examined = self.worker.engine.examine(graph, &viewer.scope.tenant, &catalog, is_question).await;
        if let Err(errors) = &mut examined {
            catalog.explain_hidden(errors);
        }
        match (examined, catalog.unreadable()) {
            (Err(_), Some(message)) => Err(ControlError::External { system: "metadata store".into(), message }),
            (examined, _) => Ok(examined),
        }
    }
}

pub(crate) fn from_catalog(error: CatalogError) -> ControlError {
    match error {
        CatalogError::NotFound { what, suggestion } => ControlError::NotFound { what, suggestion },
        CatalogError::Forbidden(message) => ControlError::invalid("catalog.forbidden", message),
        CatalogError::External(message) => ControlError::External { system: "metadata store".into(), message },
    }
}

pub(crate) fn from_store(error: millrace_store::StoreError) -> ControlError {
    match error.class() {
        FaultClass::User => ControlError::not_found(error.to_string()),
        FaultClass::External => ControlError::External { system: "metadata store".into(), message: error.to_string() },
        FaultClass::Internal => ControlError::Internal(error.to_string()),
    }
}
