//! Sinks that keep what they get for somebody to look at.
//!
//! Invariant: what is kept is bounded in rows per sink and in bytes over all sinks of a run; what comes beyond is counted
//! and dropped, so that a job that makes more than anybody looks at still runs to its end.

use async_trait::async_trait;
use bytes::Bytes;
use millrace_connector::{
    ConfigError, Connection, Connector, ConnectorError, DeadLetters, Sink, SinkContext, Source, SourceContext, TableBinding,
};
use millrace_formats::{EncodedRows, Encoder, FormatSpec, JsonOptions};
use millrace_model::{Batch, ChangeKind, Schema, ids::CheckpointId, ids::NodeId};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// What the connector is called; no data source is of this kind.
pub(super) const KIND: &str = "collect";

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectionLimits {
    /// Rows of each sink.
    pub rows_max: usize,
    /// Bytes of all sinks together, as JSON.
    pub bytes_max: usize,
}

/// One row that a sink got.
#[derive(Debug, Clone, Serialize)]
pub struct CollectedRow {
    /// Counts from 1 per sink.
    pub number: u64,
    /// What became of the row: `+I`, `-U`, `+U`, `-D`.
    pub change: &'static str,
    /// Its columns.
    pub row: Box<RawValue>,
}

/// Some of the rows of a sink.
#[derive(Debug, Clone, Serialize)]
pub struct CollectedPage {
    /// The rows.
    pub rows: Vec<CollectedRow>,
    /// Rows that the sink got so far.
    pub total: u64,
    /// Rows of them that are kept.
    pub kept: u64,
}

/// What one sink got.
pub struct Collected {
    schema: Schema,
    limits: CollectionLimits,
    /// Bytes that may still be kept, of all sinks.
    budget: Arc<AtomicUsize>,
    kept: parking_lot::Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    rows: Vec<CollectedRow>,
    total: u64,
}

/// Room for all sinks of a run.
pub(super) fn budget(limits: CollectionLimits) -> Arc<AtomicUsize> {
    Arc::new(AtomicUsize::new(limits.bytes_max))
}

/// A table that stands for a place where there is none.
pub(super) fn table(node: &NodeId, schema: Schema) -> TableBinding {
    let connection = Connection { kind: KIND.into(), properties: BTreeMap::new() };
    TableBinding { name: node.to_string(), physical_name: node.to_string(), schema, format: Value::Null, connection }
}

impl Collected {
    pub(super) fn new(schema: Schema, limits: CollectionLimits, budget: Arc<AtomicUsize>) -> Self {
        Self { schema, limits, budget, kept: parking_lot::Mutex::default() }
    }

    /// Columns of the rows.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Up to `limit` rows behind number `after`.
    pub fn page(&self, after: u64, limit: usize) -> CollectedPage {
        let kept = self.kept.lock();
        let from = usize::try_from(after).unwrap_or(usize::MAX).min(kept.rows.len());
        let rows = kept.rows.iter().skip(from).take(limit).cloned().collect();
        CollectedPage { rows, total: kept.total, kept: kept.rows.len() as u64 }
    }

    /// Rows that the sink got so far.
    pub fn total(&self) -> u64 {
        self.kept.lock().total
    }

    /// Whether as many rows are kept as may be.
    pub fn is_full(&self) -> bool {
        let kept = self.kept.lock();
        kept.rows.len() >= self.limits.rows_max || kept.total > kept.rows.len() as u64
    }

    fn take(&self, encoded: &EncodedRows, batch: &Batch) -> Result<(), ConnectorError> {
        let mut kept = self.kept.lock();
        for (at, text) in encoded.iter().enumerate() {
            kept.total += 1;
            // Once a row is left out all later ones are: what is kept is the beginning.
            let has_room = kept.total == kept.rows.len() as u64 + 1 && kept.rows.len() < self.limits.rows_max;
            if !has_room || self.budget.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(text.len() + 64)).is_err() {
                continue;
            }
            let text = std::str::from_utf8(text).map_err(|e| ConnectorError::Internal(format!("a row as JSON: {e}")))?;
            let row = RawValue::from_string(text.to_owned()).map_err(|e| ConnectorError::Internal(format!("a row as JSON: {e}")))?;
            let number = kept.total;
            kept.rows.push(CollectedRow { number, change: change_of(batch, at), row });
        }
        Ok(())
    }
}

/// Short form of a row's change kind.
pub(crate) fn change_of(batch: &Batch, row: usize) -> &'static str {
    let byte = batch.kinds.as_ref().and_then(|kinds| kinds.values().get(row).copied());
    byte.and_then(ChangeKind::from_byte).unwrap_or(ChangeKind::Insert).short()
}

/// Rows as JSON objects, as the API shows them.
pub(crate) fn row_encoder(schema: &Schema) -> Result<Encoder, ConnectorError> {
    Encoder::new(&FormatSpec::Json(JsonOptions::default()), schema)
        .map_err(|e| ConnectorError::Config(format!("rows cannot be shown: {e}")))
}

/// Change kind and JSON object of each row of a batch.
///
/// # Errors
/// Columns that cannot be shown.
pub fn rows_as_json(schema: &Schema, batch: &Batch) -> Result<Vec<(&'static str, Box<RawValue>)>, ConnectorError> {
    let mut encoded = EncodedRows::default();
    row_encoder(schema)?.encode(&batch.rows, &mut encoded).map_err(|e| ConnectorError::Internal(format!("rows as JSON: {e}")))?;
    let row = |(at, text): (usize, &[u8])| {
        let text = String::from_utf8(text.to_vec()).map_err(|e| ConnectorError::Internal(e.to_string()))?;
        Ok((change_of(batch, at), RawValue::from_string(text).map_err(|e| ConnectorError::Internal(e.to_string()))?))
    };
    encoded.iter().enumerate().map(row).collect()
}

/// The connector of one sink, with the place for its rows.
#[derive(Default)]
pub(super) struct CollectConnector(Option<Arc<Collected>>);

impl CollectConnector {
    pub(super) fn new(collected: Arc<Collected>) -> Self {
        Self(Some(collected))
    }
}

#[async_trait]
impl Connector for CollectConnector {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn check_source(&self, _config: &Map<String, Value>, _table: &TableBinding) -> Vec<ConfigError> {
        vec![ConfigError::new("kind", "config.invalid", "rows that are collected cannot be read by a job")]
    }

    fn check_sink(&self, _config: &Map<String, Value>, _table: &TableBinding, _input: &Schema) -> Vec<ConfigError> {
        Vec::new()
    }

    fn accepts_changes(&self, _config: &Map<String, Value>) -> bool {
        true
    }

    async fn ensure_table(&self, _table: &TableBinding, _options: &Value) -> Result<bool, ConnectorError> {
        Ok(false)
    }

    async fn open_source(&self, _context: SourceContext) -> Result<Box<dyn Source>, ConnectorError> {
        Err(ConnectorError::Config("rows that are collected cannot be read by a job".into()))
    }

    async fn open_sink(&self, context: SinkContext) -> Result<Box<dyn Sink>, ConnectorError> {
        let Some(collected) = self.0.clone() else {
            return Err(ConnectorError::Internal("there is no place for collected rows".into()));
        };
        let encoder = row_encoder(&context.input)?;
        Ok(Box::new(CollectSink { collected, encoder, encoded: EncodedRows::default(), metrics: context.metrics }))
    }

    async fn open_dead_letters(&self, _table: &TableBinding) -> Result<Arc<dyn DeadLetters>, ConnectorError> {
        Err(ConnectorError::Config("collected rows cannot be the place for dead letters".into()))
    }
}

struct CollectSink {
    collected: Arc<Collected>,
    encoder: Encoder,
    encoded: EncodedRows,
    metrics: Arc<millrace_connector::SinkMetrics>,
}

#[async_trait]
impl Sink for CollectSink {
    async fn write(&mut self, batch: Batch) -> Result<(), ConnectorError> {
        self.encoded.clear();
        self.encoder.encode(&batch.rows, &mut self.encoded).map_err(|e| ConnectorError::Internal(format!("collected rows: {e}")))?;
        self.metrics.records_out.fetch_add(batch.num_rows() as u64, Relaxed);
        self.metrics.bytes_out.fetch_add(self.encoded.data.len() as u64, Relaxed);
        self.collected.take(&self.encoded, &batch)
    }

    async fn prepare(&mut self, _checkpoint: CheckpointId) -> Result<Bytes, ConnectorError> {
        Ok(Bytes::new())
    }

    async fn commit(&mut self, _checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        Ok(())
    }
}
