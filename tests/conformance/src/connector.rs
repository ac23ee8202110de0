//! The `case` connector: replays a `*.jsonl` input row by row, from any position, and keeps what the sink receives until
//! its checkpoint commits.
//!
//! As in the recorder, the watermark moves after every row: rows up to one that moves it form a batch, then the
//! watermark follows. `rows_per_batch_max` cuts batches further, which must not change any result.

use crate::{
    case::Row,
    input::{Step, read, time_after},
    metadata,
    world::{CaseLetters, Place, Prepared, World},
};
use arrow_array::{Array, RecordBatch, StringArray, UInt8Array};
use async_trait::async_trait;
use bytes::Bytes;
use millrace_connector::{
    ConfigError, Connector, ConnectorError, DeadLetters, MetadataKey, Sink, SinkContext, Source, SourceContext, SourceEvent, TableBinding,
};
use millrace_functions::{EvaluationContext, cast};
use millrace_model::{Batch, ChangeKind, Schema, ids::CheckpointId};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

/// Where inputs lie and results go.
pub struct CaseConnector {
    /// Folder of the case.
    pub folder: PathBuf,
    /// Most rows per batch.
    pub rows_per_batch_max: usize,
    /// Whether pauses of inputs are waited for.
    pub keeps_pauses: bool,
    /// Zone in which TIMESTAMP_LTZ is shown.
    pub context: EvaluationContext,
    /// What sources may read and what sinks have made visible.
    pub world: Arc<World>,
}

/// The engine runs in this process: it needs a fraction of the time that a cluster does.
const PAUSES_SHORTER: u64 = 4;

/// The connector's kind.
pub const KIND: &str = "case";

/// Set for a source that fills a dimension table.
const DIMENSION: &str = "dimension";

#[async_trait]
impl Connector for CaseConnector {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn check_source(&self, _config: &Map<String, Value>, _table: &TableBinding) -> Vec<ConfigError> {
        Vec::new()
    }

    /// As every sink: what may be NULL does not go where nothing may be.
    fn check_sink(&self, config: &Map<String, Value>, _table: &TableBinding, input: &Schema) -> Vec<ConfigError> {
        let not_null = names(config, "not_null");
        let wrong = input.fields().iter().filter(|f| f.nullable && not_null.contains(&f.name));
        wrong.map(|f| ConfigError::new("not_null", "config.schema_mismatch", format!("column `{}` may be NULL", f.name))).collect()
    }

    fn accepts_changes(&self, config: &Map<String, Value>) -> bool {
        config.get("changelog").and_then(Value::as_str) != Some("insert")
    }

    fn change_key(&self, config: &Map<String, Value>) -> Option<Vec<String>> {
        takes_upserts(config).then(|| key_fields(config))
    }

    fn needs_update_before(&self, config: &Map<String, Value>) -> bool {
        !takes_upserts(config)
    }

    fn sends_changes(&self, config: &Map<String, Value>) -> bool {
        config.get("changes").and_then(Value::as_bool).unwrap_or(false)
    }

    fn sends_upserts(&self, config: &Map<String, Value>) -> bool {
        config.get("upserts").and_then(Value::as_bool).unwrap_or(false)
    }

    fn source_metadata(&self, _config: &Map<String, Value>) -> Vec<MetadataKey> {
        metadata::keys()
    }

    /// Any input may have lines with watermarks.
    fn makes_watermarks(&self, _config: &Map<String, Value>) -> bool {
        true
    }

    fn dimension_source(&self, table: &TableBinding, parameters: &BTreeMap<String, String>) -> Option<Map<String, Value>> {
        let mut config = Map::from_iter([("table".into(), Value::String(table.name.clone())), (DIMENSION.into(), Value::Bool(true))]);
        config.extend(parameters.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))));
        Some(config)
    }

    fn table_options(&self) -> &'static [&'static str] {
        &["input", "splits", "changelog"]
    }

    /// The runner has read `changelog` already.
    fn apply_table_options(&self, config: &mut Map<String, Value>, options: &BTreeMap<String, String>) -> Result<(), ConfigError> {
        for (key, value) in options.iter().filter(|(key, _)| matches!(key.as_str(), "input" | "splits")) {
            let number = value.parse().ok().filter(|_| key == "splits").map(Value::Number);
            config.insert(key.clone(), number.unwrap_or_else(|| Value::String(value.clone())));
        }
        Ok(())
    }

    async fn ensure_table(&self, _table: &TableBinding, _options: &Value) -> Result<bool, ConnectorError> {
        Ok(false)
    }

    async fn open_source(&self, context: SourceContext) -> Result<Box<dyn Source>, ConnectorError> {
        let failed = |message: String| ConnectorError::Config(message);
        let steps = read(&self.folder, &context).map_err(|e| failed(format!("{e:#}")))?;
        let position = position_of(&context, steps.len())?;
        let name = format!("{}/{}", context.operator, context.subtask);
        // A dimension table is read wholly before anything is looked up in it.
        let is_gated = !context.config.contains_key(DIMENSION);
        if is_gated {
            self.world.has_read(&name, position, steps.len());
        }
        Ok(Box::new(CaseSource {
            name,
            subtask: context.subtask,
            first: time_after(&steps[..position]).into(),
            schema: metadata::schema(&context),
            steps,
            position,
            rows_per_batch_max: self.rows_per_batch_max.max(1),
            keeps_pauses: self.keeps_pauses,
            has_ended: false,
            is_gated,
            world: self.world.clone(),
        }))
    }

    async fn open_sink(&self, context: SinkContext) -> Result<Box<dyn Sink>, ConnectorError> {
        for state in &context.restored {
            self.world.publish(serde_json::from_slice(&state.bytes).map_err(state_error)?);
        }
        let name = format!("{}/{}/{}", context.instance, context.operator, context.subtask);
        let names = key_fields(&context.config);
        let key = takes_upserts(&context.config).then(|| names.iter().filter_map(|name| context.input.index_of(name)).collect());
        let (open, prepared) = (Vec::new(), VecDeque::new());
        Ok(Box::new(CaseSink { name, input: context.input, key, context: self.context.clone(), world: self.world.clone(), open, prepared }))
    }

    async fn open_dead_letters(&self, _table: &TableBinding) -> Result<Arc<dyn DeadLetters>, ConnectorError> {
        Ok(Arc::new(CaseLetters(self.world.clone())))
    }
}

/// Whether a sink holds one row per key.
fn takes_upserts(config: &Map<String, Value>) -> bool {
    config.get("upserts").and_then(Value::as_bool).unwrap_or(false)
}

fn key_fields(config: &Map<String, Value>) -> Vec<String> {
    names(config, "key_fields")
}

fn names(config: &Map<String, Value>, of: &str) -> Vec<String> {
    let names = config.get(of).and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn state_error(error: serde_json::Error) -> ConnectorError {
    ConnectorError::State { what: "case".into(), message: error.to_string() }
}

/// The steps that the subtask had told; its splits are the same as then.
fn position_of(context: &SourceContext, steps: usize) -> Result<usize, ConnectorError> {
    let wrong = |message: String| ConnectorError::State { what: "case".into(), message };
    if !context.restored.is_empty() && context.restored.len() != context.parallelism {
        return Err(wrong(format!("{} subtasks read the input before, {} do now", context.restored.len(), context.parallelism)));
    }
    for state in &context.restored {
        let (subtask, position): (usize, usize) = serde_json::from_slice(state).map_err(state_error)?;
        if subtask == context.subtask {
            return if position <= steps { Ok(position) } else { Err(wrong(format!("position {position} of {steps}"))) };
        }
    }
    Ok(0)
}

struct CaseSource {
    name: String,
    subtask: usize,
    /// Told before the first step: what a restored position means.
    first: VecDeque<SourceEvent>,
    schema: arrow_schema::SchemaRef,
    steps: Vec<Step>,
    /// Steps told.
    position: usize,
    rows_per_batch_max: usize,
    keeps_pauses: bool,
    has_ended: bool,
    /// Reads no further than the world allows.
    is_gated: bool,
    world: Arc<World>,
}

impl CaseSource {
    /// The step at the position, with the rows behind it that go into the same batch.
    fn event(&mut self, end: usize) -> Result<SourceEvent, ConnectorError> {
        let event = match &self.steps[self.position] {
            Step::Watermark(watermark_ms) => SourceEvent::Watermark(*watermark_ms),
            Step::Idle => SourceEvent::Idle,
            Step::Active => SourceEvent::Active,
            // Waited for before.
            Step::Pause(_) => return Err(ConnectorError::Internal("a pause is no event".into())),
            Step::Row(..) => {
                let until = end.min(self.position + self.rows_per_batch_max);
                let rows = self.steps[self.position..until].iter().map_while(|step| match step {
                    Step::Row(row, kind) => Some((row, *kind)),
                    Step::Watermark(_) | Step::Idle | Step::Active | Step::Pause(_) => None,
                });
                let (rows, kinds): (Vec<&RecordBatch>, Vec<u8>) = rows.unzip();
                let count = rows.len();
                let rows = one_batch(&self.schema, &rows)?;
                let kinds = kinds.iter().any(|&k| k != ChangeKind::Insert as u8).then(|| UInt8Array::from(kinds));
                self.position += count;
                return Ok(SourceEvent::Batch(Batch { rows, kinds, origin: Arc::from([]) }));
            }
        };
        self.position += 1;
        Ok(event)
    }
}

fn one_batch(schema: &arrow_schema::SchemaRef, rows: &[&RecordBatch]) -> Result<RecordBatch, ConnectorError> {
    let internal = |e: arrow_schema::ArrowError| ConnectorError::Internal(e.to_string());
    if schema.fields().is_empty() {
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows.len()));
        return RecordBatch::try_new_with_options(schema.clone(), Vec::new(), &options).map_err(internal);
    }
    arrow_select::concat::concat_batches(schema, rows.iter().copied()).map_err(internal)
}

#[async_trait]
impl Source for CaseSource {
    async fn next(&mut self) -> Result<SourceEvent, ConnectorError> {
        if let Some(event) = self.first.pop_front() {
            return Ok(event);
        }
        let of = self.steps.len();
        let mut end = if self.is_gated { self.world.may_read(self.position, of).await } else { of };
        while let Some(Step::Pause(pause_ms)) = self.steps.get(self.position).filter(|_| self.is_gated) {
            if self.keeps_pauses {
                tokio::time::sleep(Duration::from_millis(pause_ms / PAUSES_SHORTER)).await;
            }
            self.position += 1;
            self.world.has_read(&self.name, self.position, of);
            end = self.world.may_read(self.position, of).await;
        }
        if self.position < self.steps.len() {
            let event = self.event(end);
            if self.is_gated {
                self.world.has_read(&self.name, self.position, self.steps.len());
            }
            return event;
        }
        if !std::mem::replace(&mut self.has_ended, true) {
            return Ok(SourceEvent::End);
        }
        std::future::pending().await
    }

    fn snapshot(&mut self) -> Result<Vec<u8>, ConnectorError> {
        serde_json::to_vec(&(self.subtask, self.position)).map_err(state_error)
    }

    async fn committed(&mut self, _checkpoint: millrace_model::ids::CheckpointId, _snapshot: &[u8]) -> Result<(), ConnectorError> {
        Ok(())
    }
}

struct CaseSink {
    name: String,
    input: Schema,
    /// A sink that holds one row per key: of what goes it writes only the key.
    key: Option<Vec<usize>>,
    context: EvaluationContext,
    world: Arc<World>,
    /// Rows since the last barrier.
    open: Vec<Row>,
    /// Rows of checkpoints that are not committed yet; each holds those of the ones before that were given up.
    prepared: VecDeque<Prepared>,
}

#[async_trait]
impl Sink for CaseSink {
    async fn write(&mut self, batch: Batch) -> Result<(), ConnectorError> {
        let mut columns = Vec::new();
        for (array, field) in batch.rows.columns().iter().zip(self.input.fields()) {
            let text = cast::to_text(array, &field.data_type, &self.context).map_err(|e| ConnectorError::Internal(e.to_string()))?;
            columns.push(text);
        }
        for row in 0..batch.num_rows() {
            let kind = batch.kinds.as_ref().map_or(Some(ChangeKind::Insert), |k| ChangeKind::from_byte(k.value(row)));
            let is_written = |column: usize| match &self.key {
                Some(key) => kind != Some(ChangeKind::Delete) || key.contains(&column),
                None => true,
            };
            let kind = kind.map_or("?", ChangeKind::short).to_owned();
            let cell =
                |(place, column): (usize, &StringArray)| (is_written(place) && column.is_valid(row)).then(|| column.value(row).to_owned());
            let cells = columns.iter().enumerate().map(cell).collect();
            self.open.push(Row { kind, cells });
        }
        Ok(())
    }

    async fn prepare(&mut self, checkpoint: CheckpointId) -> Result<Bytes, ConnectorError> {
        self.world.pass(Place::Prepare).await;
        let mut rows: Vec<Row> = self.prepared.drain(..).flat_map(|p| p.rows).collect();
        rows.append(&mut self.open);
        let prepared = Prepared { sink: self.name.clone(), checkpoint, rows };
        let bytes = serde_json::to_vec(&prepared).map_err(state_error)?;
        self.prepared.push_back(prepared);
        Ok(Bytes::from(bytes))
    }

    async fn commit(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        self.world.pass(Place::Commit).await;
        while let Some(prepared) = self.prepared.pop_front_if(|p| p.checkpoint <= checkpoint) {
            self.world.publish(prepared);
        }
        self.world.pass(Place::Committed).await;
        Ok(())
    }
}
