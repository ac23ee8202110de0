//! What could not be processed, kept with its reason. Delivery is at least once: letters are flushed before a
//! checkpoint completes, and may be written again after a restore.

use crate::ConnectorError;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Why a record or batch became a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterReason {
    /// The record cannot be read as the declared format and schema.
    BadRecord,
    /// The record came after the watermark had passed it.
    LateRecord,
    /// Tenant code failed on the batch that held the record.
    OperatorFault,
    /// The row breaks a quality rule that diverts.
    QualityRule,
}

impl DeadLetterReason {
    /// The reason as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRecord => "bad_record",
            Self::LateRecord => "late_record",
            Self::OperatorFault => "operator_fault",
            Self::QualityRule => "quality_rule",
        }
    }
}

/// One letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Operator that gave the record up.
    pub operator: String,
    /// Kind of reason.
    pub reason: DeadLetterReason,
    /// What was found, what was expected.
    pub message: String,
    /// Where the record came from, as `topic/partition/offset`; a range `first-last` for a batch.
    pub origin: String,
    /// The record as it was read, or the batch's row as JSON.
    pub payload: Vec<u8>,
}

/// A place for dead letters; shared by all subtasks of an instance.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Takes letters; returns once they are accepted for delivery (back-pressure).
    async fn send(&self, letters: Vec<DeadLetter>) -> Result<(), ConnectorError>;

    /// Returns once all accepted letters are delivered.
    async fn flush(&self) -> Result<(), ConnectorError>;
}

/// Takes letters and keeps none: for what runs outside of a job.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDeadLetters;

#[async_trait]
impl DeadLetters for NoDeadLetters {
    async fn send(&self, _letters: Vec<DeadLetter>) -> Result<(), ConnectorError> {
        Ok(())
    }

    async fn flush(&self) -> Result<(), ConnectorError> {
        Ok(())
    }
}
