//! Messages of one format into one schema's columns.

use crate::{
    column::Column,
    csv::CsvDecoder,
    error::{BadRecord, FormatError},
    json::JsonDecoder,
    spec::FormatSpec,
};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use millrace_model::Schema;

/// Collects records until [`Self::finish`] takes them as a batch.
pub struct Decoder {
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
    format: Format,
}

/// An enum, so that the choice costs a predicted branch per record instead of an indirect call.
enum Format {
    Json(JsonDecoder),
    Csv(CsvDecoder),
}

impl Decoder {
    /// A decoder of `schema`'s columns.
    ///
    /// # Errors
    /// The format cannot carry a column's type.
    pub fn new(spec: &FormatSpec, schema: &Schema) -> Result<Self, FormatError> {
        let format = match spec {
            FormatSpec::Json(options) => Format::Json(JsonDecoder::new(options, schema)),
            FormatSpec::Csv(options) => Format::Csv(CsvDecoder::new(options, schema)?),
        };
        let columns = schema.fields().iter().map(|f| Column::new(&f.name, &f.data_type, f.nullable)).collect::<Result<_, _>>()?;
        Ok(Self { schema: schema.to_arrow(), columns, rows: 0, format })
    }

    /// Appends one record as one row.
    ///
    /// # Errors
    /// The record cannot be read; the columns are as before.
    #[inline]
    pub fn push(&mut self, payload: &[u8]) -> Result<(), BadRecord> {
        let pushed = match &mut self.format {
            Format::Json(json) => json.push(payload, &mut self.columns, self.rows),
            Format::Csv(csv) => csv.push(payload, &mut self.columns),
        };
        match pushed {
            Ok(()) => {
                self.rows += 1;
                Ok(())
            }
            Err(fault) => {
                self.columns.iter_mut().for_each(|c| c.truncate(self.rows));
                Err(*fault)
            }
        }
    }

    /// Rows collected since the last [`Self::finish`].
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns' Arrow schema.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Takes the collected rows; the decoder is empty afterwards.
    pub fn finish(&mut self) -> RecordBatch {
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        let arrays = self.columns.iter_mut().map(Column::finish).collect::<Result<Vec<_>, _>>();
        match arrays.and_then(|arrays| RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)) {
            Ok(batch) => batch,
            // The columns are made from the same schema, so this is a defect of this crate, not of the data.
            Err(error) => unreachable!("decoded columns do not fit their schema: {error}"),
        }
    }
}
