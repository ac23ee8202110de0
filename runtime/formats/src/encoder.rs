//! Rows of one schema into messages of one format.

use crate::{cells::Cells, csv::CsvEncoder, error::FormatError, json::JsonEncoder, spec::FormatSpec};
use arrow_array::RecordBatch;
use millrace_model::Schema;

/// Messages end to end in one buffer.
#[derive(Debug, Default, Clone)]
pub struct EncodedRows {
    /// All messages.
    pub data: Vec<u8>,
    /// Where each message ends in `data`; it begins where the one before ends.
    pub ends: Vec<u32>,
}

impl EncodedRows {
    /// Forgets all messages, keeps the memory.
    pub fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
    }

    /// Number of messages.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The messages in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let end = end as usize;
            let message = self.data.get(start..end).unwrap_or_default();
            start = end;
            message
        })
    }
}

/// Writes batches of one schema.
pub struct Encoder {
    schema: Schema,
    format: Format,
}

enum Format {
    Json(JsonEncoder),
    Csv(CsvEncoder),
}

impl Encoder {
    /// An encoder of `schema`'s columns.
    ///
    /// # Errors
    /// The format cannot carry a column's type.
    pub fn new(spec: &FormatSpec, schema: &Schema) -> Result<Self, FormatError> {
        let format = match spec {
            FormatSpec::Json(options) => Format::Json(JsonEncoder::new(options, schema)),
            FormatSpec::Csv(options) => Format::Csv(CsvEncoder::new(options, schema)?),
        };
        Ok(Self { schema: schema.clone(), format })
    }

    /// Appends one message per row.
    ///
    /// # Errors
    /// The batch has other columns than the schema, or `out` would exceed 4 GiB; `out` is as before.
    pub fn encode(&mut self, batch: &RecordBatch, out: &mut EncodedRows) -> Result<(), FormatError> {
        let fields = self.schema.fields();
        if batch.num_columns() != fields.len() {
            let message = format!("the batch has {} columns, expected {}", batch.num_columns(), fields.len());
            return Err(FormatError::new("format", message));
        }
        let pairs = fields.iter().zip(batch.columns());
        let columns: Vec<Cells<'_>> =
            pairs.map(|(field, array)| Cells::new(&field.name, array.as_ref(), &field.data_type)).collect::<Result<_, _>>()?;
        let (bytes, rows) = (out.data.len(), out.ends.len());
        out.ends.reserve(batch.num_rows());
        for row in 0..batch.num_rows() {
            match &self.format {
                Format::Json(json) => json.write_row(&columns, row, &mut out.data),
                Format::Csv(csv) => csv.write_row(&columns, row, &mut out.data),
            }
            let Ok(end) = u32::try_from(out.data.len()) else {
                out.data.truncate(bytes);
                out.ends.truncate(rows);
                return Err(FormatError::new("format", "the messages of one buffer would exceed 4 GiB"));
            };
            out.ends.push(end);
        }
        Ok(())
    }
}
