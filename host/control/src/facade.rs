//! The one door through which the API reaches engines, sandbox and connectors.

use crate::{ComponentInfo, ControlError, CreatedSavepoint, InstanceObservation, PinError, PinnedGraph, ValidationReport};
use bytes::Bytes;
use millrace_connector::ConnectivityReport;
use millrace_model::{
    graph::JobGraph,
    ids::{InstanceId, ProjectId, TenantId, TopicId},
};
use std::{collections::BTreeMap, sync::Arc};

/// Handle on the control plane; cheap to clone.
#[derive(Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

struct Shared {}

impl Control {
    /// Connects with these properties and says what was reached or exactly what failed (SRC-2).
    pub async fn test_connection(&self, kind: &str, properties: BTreeMap<String, String>) -> ConnectivityReport {
        let (_, _, _) = (kind, properties, &self.shared);
        ConnectivityReport { reachable: false, message: "no connectors".into(), failure: None, elapsed_ms: 0 }
    }

    /// Makes the real topic if it is not there, else checks that it agrees with the design (TOP-5). Answers whether it
    /// was made.
    ///
    /// # Errors
    /// The topic is not in the project, or its data source cannot be used.
    pub async fn ensure_topic(&self, tenant: &TenantId, project: &ProjectId, topic: &TopicId) -> Result<bool, ControlError> {
        let (_, _, _) = (tenant, project, topic);
        Err(ControlError::Internal("not wired".into()))
    }

    /// Checks an upload against the admission limits and compiles it, so that a bad component is refused at once.
    ///
    /// # Errors
    /// The bytes are no component of a known contract, or break a limit.
    pub async fn admit_plugin(&self, tenant: &TenantId, component: Bytes) -> Result<ComponentInfo, ControlError> {
        let (_, _) = (tenant, component);
        Err(ControlError::Internal("not wired".into()))
    }

    /// Finds everything wrong with a graph and the schema on every edge. Errors of the graph are an answer, not a failure.
    ///
    /// # Errors
    /// Only what is not the graph's fault.
    pub async fn validate(&self, tenant: &TenantId, project: &ProjectId, graph: &JobGraph) -> Result<ValidationReport, ControlError> {
        let (_, _, _) = (tenant, project, graph);
        Err(ControlError::Internal("not wired".into()))
    }

    /// Validates a graph and fixes everything that it refers to by content, ready to be stored as a version.
    ///
    /// # Errors
    /// The graph is wrong, or what is not the graph's fault.
    pub async fn pin(&self, tenant: &TenantId, project: &ProjectId, graph: &JobGraph) -> Result<PinnedGraph, PinError> {
        let (_, _, _) = (tenant, project, graph);
        Err(ControlError::Internal("not wired".into()).into())
    }

    /// Desired state changed: reconcile now instead of at the next scan. Never waits.
    pub fn notify(&self) {}

    /// What this worker sees of an instance; absent when it does not run here.
    pub fn observe(&self, instance: &InstanceId) -> Option<InstanceObservation> {
        let _ = instance;
        None
    }

    /// Takes a savepoint of a running instance and records it in the metadata store.
    ///
    /// # Errors
    /// The instance does not run, or its state cannot be written.
    pub async fn create_savepoint(&self, tenant: &TenantId, instance: &InstanceId) -> Result<CreatedSavepoint, ControlError> {
        let (_, _) = (tenant, instance);
        Err(ControlError::Internal("not wired".into()))
    }

    /// Metrics of all instances of this worker in Prometheus text format, labelled by tenant, job, instance, operator.
    pub fn prometheus(&self) -> String {
        String::new()
    }
}
