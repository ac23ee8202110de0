//! Metadata of the rows of a case: `partition`, `offset`, `timestamp`.

use anyhow::{Result, bail};
use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, TimestampMillisecondArray};
use arrow_schema::{Schema, SchemaRef};
use millrace_connector::{MetadataColumn, MetadataKey, SourceContext};
use millrace_model::DataType;
use std::sync::Arc;

/// What rows have beside their columns.
pub(crate) fn keys() -> Vec<MetadataKey> {
    vec![
        MetadataKey::new("partition", DataType::Int, false),
        MetadataKey::new("offset", DataType::BigInt, false),
        MetadataKey::new("timestamp", DataType::TimestampLtz { precision: 3 }, false),
    ]
}

/// The columns of a source's rows: those of its table, then the metadata that it was asked for.
pub(crate) fn schema(context: &SourceContext) -> SchemaRef {
    let mut fields = context.table.schema.to_arrow().fields().to_vec();
    fields.extend(context.metadata.iter().map(|m| Arc::new(m.field.to_arrow())));
    Arc::new(Schema::new(fields))
}

/// Adds metadata to rows as they come.
pub(crate) struct RowMetadata {
    columns: Vec<MetadataColumn>,
    schema: SchemaRef,
    /// Rows so far, by split.
    offsets: Vec<i64>,
}

impl RowMetadata {
    pub(crate) fn new(context: &SourceContext, splits: usize) -> Self {
        Self { columns: context.metadata.clone(), schema: schema(context), offsets: vec![0; splits] }
    }

    /// The next row of a split.
    pub(crate) fn add_to(&mut self, row: RecordBatch, split: usize, timestamp_ms: i64) -> Result<RecordBatch> {
        let offset = self.offsets[split];
        self.offsets[split] += 1;
        let mut columns = row.columns().to_vec();
        for column in &self.columns {
            let value: ArrayRef = match column.key.as_str() {
                "partition" => Arc::new(Int32Array::from(vec![split as i32])),
                "offset" => Arc::new(Int64Array::from(vec![offset])),
                "timestamp" => Arc::new(TimestampMillisecondArray::from(vec![timestamp_ms]).with_timezone("UTC")),
                other => bail!("there is no metadata `{other}`"),
            };
            columns.push(value);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}
