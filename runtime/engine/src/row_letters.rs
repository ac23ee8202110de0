//! Dead letters of rows that tenant code could not process: the row as JSON, where it came from, what was said.

use crate::error::OperatorError;
use arrow_array::UInt32Array;
use millrace_connector::{DeadLetter, DeadLetterReason};
use millrace_formats::{EncodedRows, Encoder, FormatSpec, JsonOptions};
use millrace_model::{Batch, OffsetRange, Schema, ids::NodeId};
use millrace_sandbox::RejectedRow;

/// Makes letters of one operator's input.
pub(crate) struct RowLetters {
    operator: NodeId,
    encoder: Encoder,
}

impl RowLetters {
    /// For rows of `input`.
    ///
    /// # Errors
    /// A column that JSON cannot carry.
    pub fn new(operator: NodeId, input: &Schema) -> Result<Self, OperatorError> {
        let encoder = Encoder::new(&FormatSpec::Json(JsonOptions::default()), input).map_err(|e| wrong(&e))?;
        Ok(Self { operator, encoder })
    }

    /// One letter per row of a batch that was given up as a whole.
    ///
    /// # Errors
    /// The rows cannot be written as JSON.
    pub fn of_batch(&mut self, batch: &Batch, message: &str) -> Result<Vec<DeadLetter>, OperatorError> {
        let mut rows = EncodedRows::default();
        self.encoder.encode(&batch.rows, &mut rows).map_err(|e| wrong(&e))?;
        let origin = describe_origin(&batch.origin);
        Ok(rows.iter().map(|payload| self.letter(payload, message.to_owned(), origin.clone())).collect())
    }

    /// One letter per rejected row, with the plugin's own words.
    ///
    /// # Errors
    /// The rows cannot be written as JSON.
    pub fn of_rejected(&mut self, batch: &Batch, rejected: Vec<RejectedRow>) -> Result<Vec<DeadLetter>, OperatorError> {
        let taken = batch.take(&UInt32Array::from_iter_values(rejected.iter().map(|r| r.row)))?;
        let mut rows = EncodedRows::default();
        self.encoder.encode(&taken.rows, &mut rows).map_err(|e| wrong(&e))?;
        let letter = |(payload, rejected): (&[u8], RejectedRow)| {
            self.letter(payload, rejected.message, row_origin(&batch.origin, batch.num_rows(), rejected.row))
        };
        Ok(rows.iter().zip(rejected).map(letter).collect())
    }

    fn letter(&self, payload: &[u8], message: String, origin: String) -> DeadLetter {
        let reason = DeadLetterReason::OperatorFault;
        DeadLetter { operator: self.operator.to_string(), reason, message, origin, payload: payload.to_vec() }
    }
}

fn wrong(error: &dyn std::fmt::Display) -> OperatorError {
    OperatorError::Internal(format!("dead letters: {error}"))
}

/// Where a row of a batch came from. Exact where the batch is one whole range of offsets, else the batch's ranges: filters
/// before this operator leave no trace of which offsets went.
fn row_origin(origin: &[OffsetRange], rows: usize, row: u32) -> String {
    match origin {
        [range] if range.last - range.first + 1 == rows as i64 => {
            let offset = range.first + i64::from(row);
            describe_origin(&[OffsetRange { first: offset, last: offset, ..range.clone() }])
        }
        ranges => describe_origin(ranges),
    }
}

/// `topic/partition/first-last`, comma separated.
pub(crate) fn describe_origin(origin: &[OffsetRange]) -> String {
    let parts: Vec<String> = origin.iter().map(|r| format!("{}/{}/{}-{}", r.topic, r.partition, r.first, r.last)).collect();
    parts.join(",")
}
