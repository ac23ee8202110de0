//! What would keep a version from running in production: looked at before anything that runs is stopped for it (RUN-3).
//!
//! Invariant: this is what a launch looks at, and for the same person: tables that are published in production, data sources
//! that are bound there, permissions on other projects' tables and columns.

use crate::{ForeignUses, JobVersion, ResolvedTable, Store, StoreError, TableViewer};
use millrace_domain::{
    Environment,
    table_use::{TableUse, table_uses},
};

/// Why a version could not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductionObstacle {
    /// The table that is meant, as the graph names it.
    pub table: String,
    /// Stable code: `table.not_published`, `permission.missing`.
    pub code: &'static str,
    /// What was found and what to do.
    pub message: String,
}

impl Store {
    /// Everything that keeps `version` from being run by the viewer, as far as the metadata tells. What a name means that
    /// is no table here is left to the planner.
    ///
    /// # Errors
    /// A secret cannot be opened, or the database fails.
    pub async fn production_obstacles(&self, viewer: &TableViewer, version: &JobVersion) -> Result<Vec<ProductionObstacle>, StoreError> {
        let mut found: Vec<ProductionObstacle> = Vec::new();
        for wanted in table_uses(&version.graph, &version.pins) {
            let obstacle = self.production_obstacle(viewer, &wanted).await?;
            found.extend(obstacle.filter(|new| !found.contains(new)));
        }
        Ok(found)
    }

    async fn production_obstacle(&self, viewer: &TableViewer, wanted: &TableUse) -> Result<Option<ProductionObstacle>, StoreError> {
        let obstacle = |code, message| Ok(Some(ProductionObstacle { table: wanted.table.clone(), code, message }));
        let table: ResolvedTable = match self.resolve_table(viewer, &wanted.table, Some(wanted.permission)).await {
            Ok(table) => table,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(StoreError::Forbidden { code, message } | StoreError::Conflict { code, message }) => return obstacle(code, message),
            Err(error) => return Err(error),
        };
        let uses = ForeignUses { viewer: viewer.clone(), uses: vec![wanted.clone()] };
        if let Some(refused) = self.refused_uses(&uses).await?.into_iter().next() {
            return obstacle("permission.missing", refused.message);
        }
        // Temp tables are the same in all environments.
        let environment = if table.is_temp { Environment::Test } else { viewer.environment };
        match self.connection_in(&table.owner, table.data_source.as_str(), environment).await {
            Ok(_) => Ok(None),
            Err(StoreError::Conflict { code, message }) => obstacle(code, message),
            Err(error) => Err(error),
        }
    }
}
