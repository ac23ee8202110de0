//! From batches to keys and values, with columns in the table's order.

use super::{state::PendingRows, upsert};
use crate::config::{Changelog, SinkConfig, format_spec};
use arrow_array::{RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::SchemaRef;
use millrace_connector::{ConnectorError, SinkContext};
use millrace_formats::{EncodedRows, Encoder, FormatError};
use millrace_model::{Batch, ChangeKind, Schema};

pub(crate) struct RowEncoder {
    table: String,
    value: Encoder,
    value_columns: Projection,
    key: Option<(Encoder, Projection)>,
    changelog: Changelog,
    /// Keys and values under way, kept for their memory.
    keys: EncodedRows,
    values: EncodedRows,
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
            changelog: config.changelog,
            keys: EncodedRows::default(),
            values: EncodedRows::default(),
        })
    }

    /// Room for rows of this encoder.
    pub(crate) fn pending(&self) -> PendingRows {
        PendingRows { has_tombstones: self.changelog == Changelog::Upsert, ..PendingRows::default() }
    }

    /// Appends the batch's rows; answers how many messages they became.
    pub(crate) fn encode(&mut self, batch: &Batch, out: &mut PendingRows) -> Result<usize, ConnectorError> {
        let before = out.values.len();
        match self.changelog {
            Changelog::Append => self.append(batch, out)?,
            Changelog::Upsert => self.upsert(batch, out)?,
        }
        Ok(out.values.len() - before)
    }

    fn append(&mut self, batch: &Batch, out: &mut PendingRows) -> Result<(), ConnectorError> {
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

    /// Keys and values of the last change of each key.
    fn upsert(&mut self, batch: &Batch, out: &mut PendingRows) -> Result<(), ConnectorError> {
        let wrong = |error: FormatError| ConnectorError::Internal(format!("rows for table `{}`: {error}", self.table));
        let Some((encoder, key_columns)) = &mut self.key else {
            return Err(ConnectorError::Config(format!("table `{}`: an upsert needs key_fields", self.table)));
        };
        self.keys.clear();
        encoder.encode(&key_columns.apply(&batch.rows)?, &mut self.keys).map_err(wrong)?;
        let batch = upsert::picked(batch, upsert::last_of_each(&self.keys))?;
        encoder.encode(&key_columns.apply(&batch.rows)?, &mut out.keys).map_err(wrong)?;
        let Some(removals) = upsert::removals(&batch) else {
            return self.value.encode(&self.value_columns.apply(&batch.rows)?, &mut out.values).map_err(wrong);
        };
        let valued = (0u32..).zip(&removals).filter(|(_, is_removal)| !**is_removal).map(|(row, _)| row).collect();
        let valued = upsert::picked(&batch, valued)?;
        self.values.clear();
        self.value.encode(&self.value_columns.apply(&valued.rows)?, &mut self.values).map_err(wrong)?;
        upsert::with_tombstones(&self.values, &removals, &mut out.values)
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
