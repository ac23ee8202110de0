//! Dimension tables of a job (DIM-1, DIM-2): filled by updaters that tenants wrote, looked up by the job's other guests.
//!
//! Invariant: an updater's instance belongs to its table, not to who looks up: a look-up that is given up (its caller's
//! deadline) leaves a load that is under way to end in its own time. What is loaded is bounded in rows and bytes.

mod cache;
mod table;

use crate::{catalog::Catalog, services::EngineServices};
use arrow_array::RecordBatch;
use futures::future::BoxFuture;
use millrace_model::{
    graph::{DimensionTableSpec, GraphError},
    ids::TenantId,
};
use millrace_sandbox::{DimensionColumns, DimensionTables};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};
use table::DimensionTable;

/// The dimension tables of one job.
#[derive(Default)]
pub(crate) struct JobDimensions {
    by_name: BTreeMap<String, Arc<DimensionTable>>,
}

/// Figures of one dimension table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DimensionMetrics {
    /// Its name.
    pub name: String,
    /// Keys that were found in the cache, or known not to be there.
    pub hits: u64,
    /// Keys that had to be loaded.
    pub misses: u64,
    /// Loads: of pages, or of some keys.
    pub loads: u64,
    /// Loads that failed.
    pub errors: u64,
    /// Rows that are cached now.
    pub rows: u64,
}

impl JobDimensions {
    /// Opens the updaters of all declared tables.
    ///
    /// # Errors
    /// Everything that is wrong, by table.
    pub async fn open(
        declared: &[DimensionTableSpec],
        tenant: &TenantId,
        catalog: &dyn Catalog,
        services: &EngineServices,
    ) -> Result<Self, Vec<GraphError>> {
        let (mut by_name, mut errors) = (BTreeMap::new(), Vec::new());
        for (position, spec) in declared.iter().enumerate() {
            let fail = |field: &str, code: &str, message: String| {
                GraphError::in_document(format!("dimension_tables[{position}].{field}"), code, message)
            };
            if by_name.contains_key(&spec.name) {
                errors.push(fail("name", "graph.duplicate_name", format!("`{}` is declared twice", spec.name)));
                continue;
            }
            match DimensionTable::open(spec, tenant, catalog, services).await {
                Ok(table) => drop(by_name.insert(spec.name.clone(), Arc::new(table))),
                Err(error) => errors.push(fail(error.field, &error.code, error.message)),
            }
        }
        if errors.is_empty() { Ok(Self { by_name }) } else { Err(errors) }
    }

    /// What a version pins, by table.
    pub fn pins(&self) -> impl Iterator<Item = (&str, serde_json::Value)> {
        self.by_name.iter().map(|(name, table)| (name.as_str(), table.pins()))
    }

    pub fn metrics(&self) -> Vec<DimensionMetrics> {
        self.by_name.iter().map(|(name, table)| table.metrics(name)).collect()
    }

    fn table(&self, name: &str) -> Result<&Arc<DimensionTable>, String> {
        self.by_name.get(name).ok_or_else(|| {
            let declared: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
            let known = if declared.is_empty() { "it declares none".into() } else { format!("it declares {}", declared.join(", ")) };
            let shown: String = name.chars().take(100).collect();
            format!("the job declares no dimension table `{shown}`; {known}")
        })
    }
}

impl DimensionTables for JobDimensions {
    fn columns(&self, table: &str) -> Result<&DimensionColumns, String> {
        Ok(self.table(table)?.columns())
    }

    fn lookup<'a>(&'a self, table: &'a str, keys: RecordBatch) -> BoxFuture<'a, Result<RecordBatch, String>> {
        Box::pin(async move { self.table(table)?.lookup(keys).await })
    }
}
