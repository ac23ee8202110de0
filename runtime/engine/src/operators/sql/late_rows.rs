//! Rows that come when no window of theirs is open any more: dropped one by one, counted, and sent to the job's dead
//! letters if the node wants them there.
//!
//! Letters are flushed before a barrier is answered, like those of all operators, so each late row of a checkpoint has
//! been delivered at least once.

use crate::{error::OperatorError, metrics::SubtaskMetrics, operators::OperatorContext, row_letters::describe_origin};
use arrow_array::UInt32Array;
use millrace_connector::{DeadLetter, DeadLetterReason, DeadLetters};
use millrace_formats::{EncodedRows, Encoder, FormatSpec, JsonOptions};
use millrace_model::{Batch, ChangeKind, Schema, take_rows};
use serde::Deserialize;
use std::sync::Arc;

/// What a SQL node does with late rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LateRecords {
    /// They are gone.
    #[default]
    Drop,
    /// They become dead letters.
    DeadLetter,
}

/// A late row of a batch, and the bounds (wall clock) of the window that it would have been the last to be in; twice its own
/// time where there are no windows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LateRow {
    pub row: u32,
    pub start_ms: i64,
    pub end_ms: i64,
}

pub(crate) struct LateRows {
    operator: String,
    metrics: Arc<SubtaskMetrics>,
    letters: Option<(Arc<dyn DeadLetters>, Encoder)>,
}

impl LateRows {
    pub(crate) fn open(handling: LateRecords, context: &OperatorContext) -> Result<Self, OperatorError> {
        Self::of_input(handling, &context.input, context)
    }

    /// As [`Self::open`], for rows of one of several inputs.
    pub(crate) fn of_input(handling: LateRecords, input: &Schema, context: &OperatorContext) -> Result<Self, OperatorError> {
        let letters = match handling {
            LateRecords::Drop => None,
            LateRecords::DeadLetter => {
                let encoder = Encoder::new(&FormatSpec::Json(JsonOptions::default()), input)
                    .map_err(|e| OperatorError::Internal(format!("dead letters: {e}")))?;
                Some((context.dead_letters.clone(), encoder))
            }
        };
        Ok(Self { operator: context.operator.to_string(), metrics: context.metrics.clone(), letters })
    }

    /// Takes rows of `batch` whose time lies behind what has come out already.
    pub(crate) async fn take_behind(&mut self, batch: &Batch, late: &[u32], passed_ms: i64) -> Result<(), OperatorError> {
        let message = |batch: &Batch, _row: usize| format!("{}late: {} has passed its time", change_text(batch, 0), time_text(passed_ms));
        self.send(batch, late, message).await
    }

    /// Takes the late rows of `batch`.
    pub(crate) async fn take(&mut self, batch: &Batch, late: &[LateRow], watermark_ms: i64) -> Result<(), OperatorError> {
        let rows: Vec<u32> = late.iter().map(|l| l.row).collect();
        self.send(batch, &rows, |batch, position| late.get(position).map_or_else(String::new, |l| message(batch, l, watermark_ms))).await
    }

    /// Counts late rows and sends them where they are wanted; `message` says why by their position in `late`.
    async fn send(
        &mut self,
        batch: &Batch,
        late: &[u32],
        message: impl Fn(&Batch, usize) -> String + Send + Sync,
    ) -> Result<(), OperatorError> {
        if late.is_empty() {
            return Ok(());
        }
        self.metrics.count("numLateRecordsDropped", late.len() as u64);
        let Some((letters, encoder)) = &mut self.letters else { return Ok(()) };
        let rows = take_rows(&batch.rows, &UInt32Array::from(late.to_vec()))?;
        let mut encoded = EncodedRows::default();
        encoder.encode(&rows, &mut encoded).map_err(|e| OperatorError::Internal(format!("dead letters: {e}")))?;
        let origin = describe_origin(&batch.origin);
        let letter = |(position, payload): (usize, &[u8])| DeadLetter {
            operator: self.operator.clone(),
            reason: DeadLetterReason::LateRecord,
            message: message(batch, position),
            origin: origin.clone(),
            payload: payload.to_vec(),
        };
        let made: Vec<DeadLetter> = encoded.iter().enumerate().map(letter).collect();
        self.metrics.count("deadLetterRecords", made.len() as u64);
        Ok(letters.send(made).await?)
    }
}

/// Names the kind of a change that is none of a new row.
fn change_text(batch: &Batch, row: u32) -> String {
    let kind = batch.kinds.as_ref().and_then(|k| ChangeKind::from_byte(k.value(row as usize))).unwrap_or(ChangeKind::Insert);
    if kind == ChangeKind::Insert { String::new() } else { format!("the change {} is ", kind.short()) }
}

fn message(batch: &Batch, late: &LateRow, watermark_ms: i64) -> String {
    let what = change_text(batch, late.row);
    if late.start_ms == late.end_ms {
        return format!(
            "{what}late: its time is {}, the watermark is {} ({watermark_ms})",
            time_text(late.start_ms),
            time_text(watermark_ms)
        );
    }
    format!(
        "{what}late: its window from {} to {} was complete, the watermark is {} ({watermark_ms})",
        time_text(late.start_ms),
        time_text(late.end_ms),
        time_text(watermark_ms),
    )
}

fn time_text(ms: i64) -> String {
    match chrono::DateTime::from_timestamp_millis(ms) {
        _ if ms == i64::MAX => "the end of time".into(),
        Some(time) => time.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        None => format!("{ms} ms"),
    }
}
