//! From batches to keys and values, with columns in the table's order.

use super::state::PendingRows;
use crate::config::{SinkConfig, format_spec};
use arrow_array::{RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::SchemaRef;
use millrace_connector::{ConnectorError, SinkContext};
use millrace_formats::{Encoder, FormatError};
use millrace_model::{Batch, ChangeKind, Schema};

pub(crate) struct RowEncoder {
    table: String,
    value: Encoder,
    value_columns: Projection,
    key: Option<(Encoder, Projection)>,
}

impl RowEncoder {
    pub(crate) fn new(context: &SinkContext, config: &SinkConfig) -> Result<Self, ConnectorError> {
        let table = &context.table;
        let wrong = |error: FormatError| ConnectorError::Config(error.to_string());
        let spec = format_spec(table).map_err(wrong)?;
        let key = if config.key_fields.is_empty() {
            None
        } else {
            let fields = config.key_fields.iter().filter_map(|name| context.input.field(name).cloned()).collect();
            let schema = Schema::new(fields).map_err(|e| ConnectorError::Config(format!("key_fields: {e}")))?;
            if schema.fields().len() != config.key_fields.len() {
                return Err(ConnectorError::Config("key_fields: names a column that the input does not have".into()));
            }
            Some((Encoder::new(&spec, &schema).map_err(wrong)?, Projection::new(&schema, &context.input)))
        };
        Ok(Self {
            table: table.name.clone(),
            value: Encoder::new(&spec, &table.schema).map_err(wrong)?,
            value_columns: Projection::new(&table.schema, &context.input),
            key,
        })
    }

    /// Appends the batch's rows.
    pub(crate) fn encode(&mut self, batch: &Batch, out: &mut PendingRows) -> Result<(), ConnectorError> {
        if let Some(kinds) = &batch.kinds {
            let retracts = |k: &u8| *k == ChangeKind::UpdateBefore as u8 || *k == ChangeKind::Delete as u8;
            if kinds.values().iter().any(retracts) {
                let message = format!("table `{}` takes inserts only, but got -U or -D rows; use an upsert sink", self.table);
                return Err(ConnectorError::Config(message));
            }
        }
        let wrong = |error: FormatError| ConnectorError::Internal(format!("rows for table `{}`: {error}", self.table));
        self.value.encode(&self.value_columns.apply(&batch.rows)?, &mut out.values).map_err(wrong)?;
        if let Some((encoder, columns)) = &mut self.key {
            encoder.encode(&columns.apply(&batch.rows)?, &mut out.keys).map_err(wrong)?;
        }
        Ok(())
    }
}

/// Picks columns by position; a column that the input lacks is NULL.
struct Projection {
    schema: SchemaRef,
    from: Vec<Option<usize>>,
}

impl Projection {
    fn new(wanted: &Schema, input: &Schema) -> Self {
        Self { schema: wanted.to_arrow(), from: wanted.fields().iter().map(|f| input.index_of(&f.name)).collect() }
    }

    fn apply(&self, rows: &RecordBatch) -> Result<RecordBatch, ConnectorError> {
        let column = |(from, field): (&Option<usize>, &std::sync::Arc<arrow_schema::Field>)| match from {
            Some(index) => rows.columns().get(*index).cloned(),
            None => Some(new_null_array(field.data_type(), rows.num_rows())),
        };
        let columns: Option<Vec<_>> = self.from.iter().zip(self.schema.fields()).map(column).collect();
        let columns = columns.ok_or_else(|| ConnectorError::Internal("a batch has fewer columns than its schema".into()))?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map_err(|error| ConnectorError::Internal(format!("a batch does not fit its schema: {error}")))
    }
}
