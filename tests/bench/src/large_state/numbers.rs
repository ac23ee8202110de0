//! The connector `numbers`: rows worked out from their number, as fast as the engine takes them.
//!
//! Keys come in an order that leaps through all of them, so that neighbours in time are none in the state.

use arrow_array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use millrace_connector::{
    ConfigError, Connector, ConnectorError, DeadLetters, Sink, SinkContext, Source, SourceContext, SourceEvent, SourceMetrics, TableBinding,
};
use millrace_model::{Batch, Schema, ids::CheckpointId};
use serde_json::{Map, Value};
use std::sync::{Arc, atomic::Ordering::Relaxed};

/// A prime beyond any number of keys, so that multiples of it meet each key once.
const LEAP: u64 = 2_654_435_761;

/// Registers as `numbers`.
pub struct Numbers;

fn number(config: &Map<String, Value>, name: &str) -> Result<u64, ConnectorError> {
    let found = config.get(name).and_then(Value::as_u64).filter(|&number| number > 0);
    found.ok_or_else(|| ConnectorError::Config(format!("`{name}` must be a number from 1")))
}

#[async_trait]
impl Connector for Numbers {
    fn kind(&self) -> &'static str {
        "numbers"
    }

    fn check_source(&self, _config: &Map<String, Value>, _table: &TableBinding) -> Vec<ConfigError> {
        Vec::new()
    }

    fn check_sink(&self, _config: &Map<String, Value>, _table: &TableBinding, _input: &Schema) -> Vec<ConfigError> {
        vec![ConfigError::new("table", "config.no_sink", "nothing can be written to numbers")]
    }

    async fn ensure_table(&self, _table: &TableBinding, _options: &Value) -> Result<bool, ConnectorError> {
        Ok(false)
    }

    async fn open_source(&self, context: SourceContext) -> Result<Box<dyn Source>, ConnectorError> {
        let (rows, keys) = (number(&context.config, "rows")?, number(&context.config, "keys")?);
        let state_error = |e: serde_json::Error| ConnectorError::State { what: "numbers".into(), message: e.to_string() };
        let mut next = context.subtask as u64;
        for state in &context.restored {
            let (subtask, position): (usize, u64) = serde_json::from_slice(state).map_err(state_error)?;
            if subtask == context.subtask {
                next = position;
            }
        }
        Ok(Box::new(Generator {
            schema: context.table.schema.to_arrow(),
            subtask: context.subtask,
            parallelism: context.parallelism as u64,
            rows,
            keys,
            batch_rows: context.batch_rows_max as u64,
            next,
            metrics: context.metrics,
        }))
    }

    async fn open_sink(&self, context: SinkContext) -> Result<Box<dyn Sink>, ConnectorError> {
        Err(ConnectorError::Config(format!("nothing can be written to `{}`", context.table.name)))
    }

    async fn open_dead_letters(&self, table: &TableBinding) -> Result<Arc<dyn DeadLetters>, ConnectorError> {
        Err(ConnectorError::Config(format!("`{}` keeps no letters", table.name)))
    }
}

struct Generator {
    schema: SchemaRef,
    subtask: usize,
    parallelism: u64,
    rows: u64,
    keys: u64,
    batch_rows: u64,
    /// The next row of this subtask, which has every `parallelism`th.
    next: u64,
    metrics: Arc<SourceMetrics>,
}

impl Generator {
    /// The column `name` of the rows of these numbers.
    fn column(&self, name: &str, numbers: &[u64]) -> ArrayRef {
        match name {
            "k" => Arc::new(numbers.iter().map(|row| (row.wrapping_mul(LEAP) % self.keys).cast_signed()).collect::<Int64Array>()),
            "v" => Arc::new(numbers.iter().map(|row| (row % 1_000).cast_signed()).collect::<Int64Array>()),
            _ => Arc::new(StringArray::from_iter_values(numbers.iter().map(|row| format!("name of {:012}", row % self.keys)))),
        }
    }
}

#[async_trait]
impl Source for Generator {
    async fn next(&mut self) -> Result<SourceEvent, ConnectorError> {
        if self.next >= self.rows {
            return std::future::pending().await;
        }
        let end = self.rows.min(self.next + self.batch_rows * self.parallelism);
        let numbers: Vec<u64> = (self.next..end).step_by(self.parallelism as usize).collect();
        // The planner asks only for the columns that the query reads.
        let columns = self.schema.fields().iter().map(|field| self.column(field.name(), &numbers)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(numbers.len()));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options);
        let rows = rows.map_err(|e| ConnectorError::Internal(e.to_string()))?;
        self.next += numbers.len() as u64 * self.parallelism;
        self.metrics.records_in.fetch_add(numbers.len() as u64, Relaxed);
        Ok(SourceEvent::Batch(Batch { rows, kinds: None, origin: Arc::from([]) }))
    }

    fn snapshot(&mut self) -> Result<Vec<u8>, ConnectorError> {
        serde_json::to_vec(&(self.subtask, self.next)).map_err(|e| ConnectorError::Internal(e.to_string()))
    }

    async fn committed(&mut self, _checkpoint: CheckpointId, _snapshot: &[u8]) -> Result<(), ConnectorError> {
        Ok(())
    }
}
