//! `VALUES` as a bounded source: its rows once, then the end.

use crate::plan::{SourceWork, Work};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use arrow_select::concat::concat;
use async_trait::async_trait;
use bytes::Bytes;
use millrace_connector::{
    ConfigError, Connection, Connector, ConnectorError, DeadLetters, Sink, SinkContext, Source, SourceContext, SourceEvent, TableBinding,
};
use millrace_functions::{EvaluationContext, Expr, expression::evaluate};
use millrace_model::{Batch, Schema};
use millrace_sql::plan::PlanColumn;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, sync::Arc};

/// The source of these rows.
pub(super) fn source(rows: &[Vec<Expr>], columns: &[PlanColumn], schema: &Schema) -> Result<Work, String> {
    let connection = Connection { kind: KIND.into(), properties: BTreeMap::new() };
    let table = TableBinding { name: KIND.into(), physical_name: KIND.into(), schema: schema.clone(), format: Value::Null, connection };
    let values = Values { rows: rows.to_vec(), width: columns.len(), schema: schema.to_arrow() };
    Ok(Work::Source(SourceWork::new(Arc::new(values), table, Map::new())))
}

const KIND: &str = "values";

struct Values {
    rows: Vec<Vec<Expr>>,
    width: usize,
    schema: SchemaRef,
}

impl Values {
    fn batch(&self) -> Result<RecordBatch, ConnectorError> {
        let failed = |message: String| ConnectorError::BadRecord(format!("VALUES: {message}"));
        let one_row = super::rows_of(&[], 1).map_err(|e| failed(e.to_string()))?;
        let context = EvaluationContext::default();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.width);
        for index in 0..self.width {
            let mut cells: Vec<ArrayRef> = Vec::with_capacity(self.rows.len());
            for row in &self.rows {
                let cell = evaluate(&row[index], &one_row, &context).map_err(|e| failed(e.to_string()))?;
                cells.push(cell.to_array(1).map_err(|e| failed(e.to_string()))?);
            }
            let cells: Vec<&dyn arrow_array::Array> = cells.iter().map(AsRef::as_ref).collect();
            columns.push(concat(&cells).map_err(|e| failed(e.to_string()))?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows.len()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options).map_err(|e| failed(e.to_string()))
    }
}

#[async_trait]
impl Connector for Values {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn check_source(&self, _config: &Map<String, Value>, _table: &TableBinding) -> Vec<ConfigError> {
        Vec::new()
    }

    fn check_sink(&self, _config: &Map<String, Value>, _table: &TableBinding, _input: &Schema) -> Vec<ConfigError> {
        vec![ConfigError::new("table", "config.invalid", "VALUES cannot be written")]
    }

    async fn ensure_table(&self, _table: &TableBinding, _options: &Value) -> Result<bool, ConnectorError> {
        Ok(false)
    }

    async fn open_source(&self, context: SourceContext) -> Result<Box<dyn Source>, ConnectorError> {
        // State is whether the rows have been handed out.
        let is_done = context.restored.iter().any(|state| state == DONE) || context.subtask > 0;
        let rows = if is_done || self.rows.is_empty() { None } else { Some(self.batch()?) };
        Ok(Box::new(OpenValues { rows, has_ended: false }))
    }

    async fn open_sink(&self, _context: SinkContext) -> Result<Box<dyn Sink>, ConnectorError> {
        Err(ConnectorError::Internal("VALUES cannot be written".into()))
    }

    async fn open_dead_letters(&self, _table: &TableBinding) -> Result<Arc<dyn DeadLetters>, ConnectorError> {
        Err(ConnectorError::Internal("VALUES cannot be written".into()))
    }
}

const DONE: &[u8] = b"done";

struct OpenValues {
    rows: Option<RecordBatch>,
    has_ended: bool,
}

#[async_trait]
impl Source for OpenValues {
    async fn next(&mut self) -> Result<SourceEvent, ConnectorError> {
        if let Some(rows) = self.rows.take() {
            return Ok(SourceEvent::Batch(Batch::inserts(rows)));
        }
        if !std::mem::replace(&mut self.has_ended, true) {
            return Ok(SourceEvent::End);
        }
        std::future::pending().await
    }

    fn snapshot(&mut self) -> Result<Vec<u8>, ConnectorError> {
        Ok(if self.rows.is_none() { DONE.to_vec() } else { Bytes::new().to_vec() })
    }

    async fn committed(&mut self, _checkpoint: millrace_model::ids::CheckpointId, _snapshot: &[u8]) -> Result<(), ConnectorError> {
        Ok(())
    }
}
