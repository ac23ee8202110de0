//! Whether a version could be planned now, before anything is stopped for it.
//!
//! Invariant: it is planned with what a launch would be planned with: the version's pins, the viewer's environment and
//! permissions, the start's parameters. Nothing starts.

use crate::{ControlError, catalog::ProjectCatalog, facade::Control, parameters::override_parameters};
use millrace_model::graph::{GraphError, JobMode};
use millrace_store::{JobVersion, TableViewer};
use std::collections::BTreeMap;

impl Control {
    /// Everything that keeps `version` from being planned for the viewer.
    ///
    /// # Errors
    /// Only what is not the version's fault.
    pub async fn examine_version(
        &self,
        viewer: &TableViewer,
        version: &JobVersion,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Vec<GraphError>, ControlError> {
        let mut graph = version.graph.clone();
        if let Err(message) = override_parameters(&mut graph, parameters) {
            return Ok(vec![GraphError::in_document("parameters", "config.invalid", message)]);
        }
        if graph.mode() == JobMode::Jar {
            let message = "a program in a JAR runs on a cluster, and this server has no such engine";
            return Ok(vec![GraphError::in_document("jar", "engine.unavailable", message)]);
        }
        let catalog = ProjectCatalog::pinned(self.store().clone(), viewer.clone(), &graph, &version.pins);
        let catalog = catalog.map_err(|error| ControlError::Internal(format!("pins of version `{}`: {error}", version.id)))?;
        let catalog = catalog.with_packages(self.packages.clone());
        if !graph.nodes.is_empty() {
            // A script has become nodes when it was submitted: these are what runs.
            graph.sql = None;
        }
        let Err(mut errors) = self.worker.engine.examine(&graph, &viewer.scope.tenant, &catalog, false).await else {
            return Ok(Vec::new());
        };
        if let Some(message) = catalog.unreadable() {
            return Err(ControlError::External { system: "metadata store".into(), message });
        }
        catalog.explain_hidden(&mut errors);
        Ok(errors)
    }
}
