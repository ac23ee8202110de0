//! The `case` connector in memory: replays a `*.jsonl` input row by row and keeps what the sink receives.
//!
//! As in the recorder, the watermark moves after every row: rows up to one that moves it form a batch, then the
//! watermark follows. `rows_per_batch_max` cuts batches further, which must not change any result.

use crate::case::Row;
use anyhow::{Context, Result, ensure};
use arrow_array::{Array, RecordBatch, UInt8Array};
use async_trait::async_trait;
use bytes::Bytes;
use millrace_connector::{
    ConfigError, Connection, ConnectivityReport, Connector, ConnectorError, DeadLetters, Sink, SinkContext, Source, SourceContext,
    SourceEvent, TableBinding,
};
use millrace_formats::{Decoder, FormatSpec};
use millrace_functions::{EvaluationContext, cast};
use millrace_model::{Batch, ChangeKind, Schema, ids::CheckpointId};
use parking_lot::Mutex;
use serde_json::{Map, Value};
use std::{collections::VecDeque, path::PathBuf, sync::Arc, time::Duration};

/// Where inputs lie and results go.
pub struct CaseConnector {
    /// Folder of the case.
    pub folder: PathBuf,
    /// Most rows per batch.
    pub rows_per_batch_max: usize,
    /// Zone in which TIMESTAMP_LTZ is shown.
    pub context: EvaluationContext,
    /// What the sink has received.
    pub received: Arc<Mutex<Vec<Row>>>,
}

/// The connector's kind.
pub const KIND: &str = "case";

#[async_trait]
impl Connector for CaseConnector {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn test_connection(&self, _connection: &Connection, _deadline: Duration) -> ConnectivityReport {
        ConnectivityReport { reachable: true, message: "memory".into(), failure: None, elapsed_ms: 0 }
    }

    fn check_source(&self, _config: &Map<String, Value>, _table: &TableBinding) -> Vec<ConfigError> {
        Vec::new()
    }

    fn check_sink(&self, _config: &Map<String, Value>, _table: &TableBinding, _input: &Schema) -> Vec<ConfigError> {
        Vec::new()
    }

    fn accepts_changes(&self, _config: &Map<String, Value>) -> bool {
        true
    }

    fn sends_changes(&self, config: &Map<String, Value>) -> bool {
        config.get("changes").and_then(Value::as_bool).unwrap_or(false)
    }

    async fn ensure_table(&self, _table: &TableBinding, _options: &Value) -> Result<bool, ConnectorError> {
        Ok(false)
    }

    async fn open_source(&self, context: SourceContext) -> Result<Box<dyn Source>, ConnectorError> {
        let events = if context.subtask == 0 { self.events(&context) } else { Ok(VecDeque::new()) };
        let events = events.map_err(|e| ConnectorError::Config(format!("{e:#}")))?;
        Ok(Box::new(CaseSource { events, has_ended: false }))
    }

    async fn open_sink(&self, context: SinkContext) -> Result<Box<dyn Sink>, ConnectorError> {
        Ok(Box::new(CaseSink { input: context.input, context: self.context.clone(), received: self.received.clone() }))
    }

    async fn open_dead_letters(&self, _table: &TableBinding) -> Result<Arc<dyn DeadLetters>, ConnectorError> {
        Err(ConnectorError::Config("cases have no dead letters".into()))
    }
}

/// Watermarks of the splits of one source.
struct Splits {
    watermarks_ms: Vec<i64>,
    idle: Vec<bool>,
    combined_ms: i64,
    is_idle: bool,
}

impl Splits {
    /// What the source has to tell after a change.
    fn event(&mut self) -> Option<SourceEvent> {
        let active = (0..self.idle.len()).filter(|&i| !self.idle[i]);
        match active.map(|i| self.watermarks_ms[i]).min() {
            None => (!std::mem::replace(&mut self.is_idle, true)).then_some(SourceEvent::Idle),
            Some(min_ms) if min_ms > self.combined_ms => {
                self.combined_ms = min_ms;
                Some(SourceEvent::Watermark(min_ms))
            }
            Some(_) => None,
        }
    }
}

impl CaseConnector {
    fn events(&self, context: &SourceContext) -> Result<VecDeque<SourceEvent>> {
        let input = context.config.get("input").and_then(Value::as_str).context("a source without input")?;
        let text = std::fs::read_to_string(self.folder.join(input)).with_context(|| input.to_owned())?;
        let count = context.config.get("splits").and_then(Value::as_u64).unwrap_or(1).max(1) as usize;
        let mut splits = Splits { watermarks_ms: vec![i64::MIN; count], idle: vec![false; count], combined_ms: i64::MIN, is_idle: false };
        let spec = FormatSpec::from_json(&serde_json::json!({ "type": "json" }))?;
        let mut decoder = Decoder::new(&spec, &context.table.schema)?;
        let mut events = VecDeque::new();
        let mut open: Vec<(RecordBatch, u8)> = Vec::new();
        for line in text.lines().filter(|l| !l.trim().is_empty()) {
            let mut object: Map<String, Value> = serde_json::from_str(line).with_context(|| line.to_owned())?;
            let split = object.remove("$split").and_then(|s| s.as_u64()).unwrap_or(0) as usize;
            ensure!(split < count, "split {split} of {count}");
            let kind = kind_of(object.remove("$op").as_ref())?;
            if object.remove("$idle").is_some() {
                self.close(&mut open, &mut events)?;
                splits.idle[split] = true;
                events.extend(splits.event());
                continue;
            }
            ensure!(!object.contains_key("$watermark"), "watermarks of the source itself are not supported");
            object.retain(|key, _| !key.starts_with('$'));
            decoder.push(serde_json::to_string(&object)?.as_bytes()).map_err(|e| anyhow::anyhow!("{e}"))?;
            let row = decoder.finish();
            if std::mem::take(&mut splits.idle[split]) && std::mem::take(&mut splits.is_idle) {
                self.close(&mut open, &mut events)?;
                events.push_back(SourceEvent::Active);
            }
            let watermark = match &context.declared_time {
                Some(declared) => declared.watermarks.watermarks_ms(&row)?,
                None => arrow_array::Int64Array::new_null(1),
            };
            open.push((row, kind as u8));
            if watermark.is_valid(0) {
                splits.watermarks_ms[split] = splits.watermarks_ms[split].max(watermark.value(0));
            }
            if let Some(event) = splits.event() {
                self.close(&mut open, &mut events)?;
                events.push_back(event);
            }
        }
        self.close(&mut open, &mut events)?;
        Ok(events)
    }

    /// Turns the open rows into batches.
    fn close(&self, open: &mut Vec<(RecordBatch, u8)>, events: &mut VecDeque<SourceEvent>) -> Result<()> {
        for chunk in std::mem::take(open).chunks(self.rows_per_batch_max.max(1)) {
            let rows = arrow_select::concat::concat_batches(&chunk[0].0.schema(), chunk.iter().map(|(row, _)| row))?;
            let kinds: Vec<u8> = chunk.iter().map(|(_, kind)| *kind).collect();
            let kinds = kinds.iter().any(|&k| k != ChangeKind::Insert as u8).then(|| UInt8Array::from(kinds));
            events.push_back(SourceEvent::Batch(Batch { rows, kinds, origin: Arc::from([]) }));
        }
        Ok(())
    }
}

fn kind_of(op: Option<&Value>) -> Result<ChangeKind> {
    Ok(match op.and_then(Value::as_str).unwrap_or("+I") {
        "+I" => ChangeKind::Insert,
        "-U" => ChangeKind::UpdateBefore,
        "+U" => ChangeKind::UpdateAfter,
        "-D" => ChangeKind::Delete,
        other => anyhow::bail!("`$op` is `{other}`"),
    })
}

struct CaseSource {
    events: VecDeque<SourceEvent>,
    has_ended: bool,
}

#[async_trait]
impl Source for CaseSource {
    async fn next(&mut self) -> Result<SourceEvent, ConnectorError> {
        if let Some(event) = self.events.pop_front() {
            return Ok(event);
        }
        if !std::mem::replace(&mut self.has_ended, true) {
            return Ok(SourceEvent::End);
        }
        std::future::pending().await
    }

    fn snapshot(&mut self) -> Result<Vec<u8>, ConnectorError> {
        Ok(Vec::new())
    }

    async fn committed(&mut self, _snapshot: &[u8]) -> Result<(), ConnectorError> {
        Ok(())
    }
}

struct CaseSink {
    input: Schema,
    context: EvaluationContext,
    received: Arc<Mutex<Vec<Row>>>,
}

#[async_trait]
impl Sink for CaseSink {
    async fn write(&mut self, batch: Batch) -> Result<(), ConnectorError> {
        let mut columns = Vec::new();
        for (array, field) in batch.rows.columns().iter().zip(self.input.fields()) {
            let text = cast::to_text(array, &field.data_type, &self.context).map_err(|e| ConnectorError::Internal(e.to_string()))?;
            columns.push(text);
        }
        let mut received = self.received.lock();
        for row in 0..batch.num_rows() {
            let kind = batch.kinds.as_ref().map_or(Some(ChangeKind::Insert), |k| ChangeKind::from_byte(k.value(row)));
            let kind = kind.map_or("?", ChangeKind::short).to_owned();
            let cells = columns.iter().map(|c| c.is_valid(row).then(|| c.value(row).to_owned())).collect();
            received.push(Row { kind, cells });
        }
        Ok(())
    }

    async fn prepare(&mut self, _checkpoint: CheckpointId) -> Result<Bytes, ConnectorError> {
        Ok(Bytes::new())
    }

    async fn commit(&mut self, _checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        Ok(())
    }
}
