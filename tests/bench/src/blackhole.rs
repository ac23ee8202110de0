//! The connector `blackhole`: a sink that counts rows and forgets them.

use async_trait::async_trait;
use bytes::Bytes;
use millrace_connector::{
    ConfigError, Connector, ConnectorError, DeadLetters, Sink, SinkContext, SinkMetrics, Source, SourceContext, TableBinding,
};
use millrace_model::{Batch, Schema, ids::CheckpointId};
use serde_json::{Map, Value};
use std::sync::{Arc, atomic::Ordering::Relaxed};

/// Registers as `blackhole`.
pub struct Blackhole;

#[async_trait]
impl Connector for Blackhole {
    fn kind(&self) -> &'static str {
        "blackhole"
    }

    fn check_source(&self, _config: &Map<String, Value>, _table: &TableBinding) -> Vec<ConfigError> {
        vec![ConfigError::new("table", "config.no_source", "nothing can be read from a black hole")]
    }

    fn check_sink(&self, _config: &Map<String, Value>, _table: &TableBinding, _input: &Schema) -> Vec<ConfigError> {
        Vec::new()
    }

    fn accepts_changes(&self, _config: &Map<String, Value>) -> bool {
        true
    }

    fn needs_update_before(&self, _config: &Map<String, Value>) -> bool {
        false
    }

    async fn ensure_table(&self, _table: &TableBinding, _options: &Value) -> Result<bool, ConnectorError> {
        Ok(false)
    }

    async fn open_source(&self, context: SourceContext) -> Result<Box<dyn Source>, ConnectorError> {
        Err(ConnectorError::Config(format!("nothing can be read from `{}`", context.table.name)))
    }

    async fn open_sink(&self, context: SinkContext) -> Result<Box<dyn Sink>, ConnectorError> {
        Ok(Box::new(Nothing(context.metrics)))
    }

    async fn open_dead_letters(&self, table: &TableBinding) -> Result<Arc<dyn DeadLetters>, ConnectorError> {
        Err(ConnectorError::Config(format!("`{}` keeps no letters", table.name)))
    }
}

struct Nothing(Arc<SinkMetrics>);

#[async_trait]
impl Sink for Nothing {
    async fn write(&mut self, batch: Batch) -> Result<(), ConnectorError> {
        self.0.records_out.fetch_add(batch.num_rows() as u64, Relaxed);
        Ok(())
    }

    async fn prepare(&mut self, _checkpoint: CheckpointId) -> Result<Bytes, ConnectorError> {
        Ok(Bytes::new())
    }

    async fn commit(&mut self, _checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        Ok(())
    }
}
