//! Temp tables (TMP-1): the real topics behind what the metadata says, and the columns of tables that come into being with
//! the job that writes them.
//!
//! Invariant: nothing here changes metadata: callers do, and undo it when the broker fails.

use crate::{
    ControlError, PinError,
    facade::{Control, from_store},
    preview::PreviewOrder,
    temp_table_connector::KIND,
};
use millrace_connector::{Connection, Connector, ConnectorError, SourceStart, TableBinding};
use millrace_domain::{ProjectScope, table_use::foreign_name};
use millrace_model::{
    Classified, FaultClass, Schema,
    graph::{JobGraph, Node},
};
use millrace_store::{Store, StoreError, TEMP_TABLE_SINK, TableViewer, TempTable};
use serde::Serialize;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Rows from which the size of a table is estimated.
const SAMPLE_ROWS: usize = 100;

/// How large a temp table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TempTableSize {
    /// Records, those that end transactions included.
    pub records: u64,
    /// Partitions.
    pub partitions: u32,
    /// Records by the mean size of the newest; none when the table is empty.
    pub bytes_estimated: Option<u64>,
}

/// Nodes of a graph that write temp tables, with the tables' names.
fn written(graph: &JobGraph) -> impl Iterator<Item = (&Node, &str)> {
    graph.nodes.iter().filter(|n| n.kind == TEMP_TABLE_SINK).filter_map(|n| Some((n, n.config.get("table")?.as_str()?)))
}

/// A temp table as connectors see it.
pub(crate) async fn bind(store: &Store, table: &TempTable) -> Result<TableBinding, StoreError> {
    let found = store.connection(&table.scope, table.data_source.as_str()).await?;
    Ok(TableBinding {
        name: table.name.to_string(),
        physical_name: table.physical_name.clone(),
        schema: table.schema.clone(),
        format: table.format.clone(),
        connection: Connection { kind: KIND.into(), properties: found.properties },
    })
}

impl Control {
    /// Makes the topic of a temp table.
    ///
    /// # Errors
    /// The broker fails.
    pub async fn make_temp_topic(&self, table: &TempTable) -> Result<(), ControlError> {
        let (connector, binding) = self.bound(table).await?;
        let settings = self.store().temp_table_settings(&table.scope).await.map_err(from_store)?;
        let (partitions, replicas) = settings.map_or((1, 1), |s| (s.partitions, s.replication_factor));
        let options = json!({
            "partitions": partitions, "replication_factor": replicas,
            "configs": {"retention.ms": table.retention_ms.to_string()},
        });
        connector.ensure_table(&binding, &options).await.map(drop).map_err(|error| failed(&binding, &error))
    }

    /// Sets how long the topic of a temp table keeps records.
    ///
    /// # Errors
    /// The broker fails.
    pub async fn set_temp_retention(&self, table: &TempTable, retention_ms: i64) -> Result<(), ControlError> {
        let (connector, binding) = self.bound(table).await?;
        let retention_ms = u64::try_from(retention_ms).unwrap_or(0);
        connector.set_retention(&binding, retention_ms).await.map_err(|error| failed(&binding, &error))
    }

    /// Removes the topic of a temp table, whose metadata are gone.
    ///
    /// # Errors
    /// The broker fails: the topic that is left is named.
    pub async fn drop_temp_topic(&self, table: &TempTable) -> Result<(), ControlError> {
        let (connector, binding) = self.bound(table).await?;
        connector.drop_table(&binding).await.map_err(|error| match failed(&binding, &error) {
            ControlError::External { system, message } => {
                let message = format!("{message}; temp table `{}` is gone, but its topic `{}` is left", table.name, table.physical_name);
                ControlError::External { system, message }
            }
            other => other,
        })
    }

    /// How large a temp table is: asks the broker, and looks at its newest rows.
    ///
    /// # Errors
    /// The broker fails.
    pub async fn temp_table_size(&self, table: &TempTable) -> Result<TempTableSize, ControlError> {
        let (connector, binding) = self.bound(table).await?;
        let extent = connector.table_extent(&binding).await.map_err(|error| failed(&binding, &error))?.unwrap_or_default();
        let mut bytes_estimated = None;
        if extent.records > 0 {
            let start = SourceStart::Newest { records: SAMPLE_ROWS as u64 };
            let order = PreviewOrder { start, rows: SAMPLE_ROWS, seconds: 5 };
            let sample = self.preview_topic(&Self::of_project(&table.scope), table.name.as_str(), order).await?;
            let bytes: usize = sample.rows.iter().map(|row| row.row.get().len()).sum();
            bytes_estimated = (bytes as u64 * extent.records).checked_div(sample.rows.len() as u64);
        }
        Ok(TempTableSize { records: extent.records, partitions: extent.partitions, bytes_estimated })
    }

    /// The temp tables that a job's sinks write and that are not there yet, with the columns of what reaches them.
    ///
    /// # Errors
    /// The job is wrong, or the project has not said where it keeps temp tables.
    pub async fn temp_tables_to_make(&self, viewer: &TableViewer, graph: &JobGraph) -> Result<BTreeMap<String, Schema>, PinError> {
        let missing = missing(self.store(), &viewer.scope, graph).await.map_err(|error| PinError::Control(from_store(error)))?;
        if missing.is_empty() {
            return Ok(BTreeMap::new());
        }
        let examined = self.examine(viewer, graph, false).await.map_err(PinError::Control)?;
        let examined = examined.map_err(PinError::Graph)?;
        let columns = |node: &Node| examined.schemas.get(&node.id).cloned().unwrap_or_default();
        let new = written(graph).filter(|(_, table)| missing.contains(*table));
        Ok(new.map(|(node, table)| (table.to_owned(), columns(node))).collect())
    }

    async fn bound(&self, table: &TempTable) -> Result<(Arc<dyn Connector>, TableBinding), ControlError> {
        let binding = bind(self.store(), table).await.map_err(from_store)?;
        let connector = self.services.connectors.get(KIND);
        let connector = connector.ok_or_else(|| ControlError::invalid("temp_table.unavailable", "this server keeps no temp tables"))?;
        Ok((connector.clone(), binding))
    }
}

/// Temp tables that a graph writes and that are not there.
pub(crate) async fn missing(store: &Store, scope: &ProjectScope, graph: &JobGraph) -> Result<BTreeSet<String>, StoreError> {
    let mut missing = BTreeSet::new();
    // Tables of other projects are theirs to make.
    for (_, table) in written(graph).filter(|(_, table)| foreign_name(table).is_none()) {
        match store.temp_table(scope, table).await {
            Ok(_) => {}
            Err(StoreError::NotFound { .. }) => {
                missing.insert(table.to_owned());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(missing)
}

fn failed(table: &TableBinding, error: &ConnectorError) -> ControlError {
    match error.class() {
        FaultClass::User => ControlError::invalid("temp_table.unusable", error.to_string()),
        FaultClass::External => ControlError::External { system: format!("topic `{}`", table.physical_name), message: error.to_string() },
        FaultClass::Internal => ControlError::Internal(error.to_string()),
    }
}
