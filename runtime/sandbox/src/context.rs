//! What surrounds an instance beside its parameters: its place in the job, its capabilities, dimension tables, and what
//! becomes of rows that it rejects.

use crate::capabilities::Capabilities;
use crate::log::cut;
use arrow_array::RecordBatch;
use futures::future::BoxFuture;
use millrace_model::Schema;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of all messages of one batch's rejected rows; further rows are kept without their message.
const MESSAGES_BYTES_MAX: usize = 1 << 20;

/// What surrounds an instance. By default nothing is granted, there are no dimension tables, and a rejected row is a fault.
#[derive(Clone)]
pub struct GuestContext {
    /// The subtask that the instance belongs to.
    pub subtask: u32,
    /// What `reject-row` answers.
    pub on_reject: RejectPolicy,
    /// What an administrator has granted.
    pub capabilities: Arc<Capabilities>,
    /// The job's dimension tables.
    pub dimensions: Arc<dyn DimensionTables>,
}

impl Default for GuestContext {
    fn default() -> Self {
        Self { subtask: 0, on_reject: RejectPolicy::Fail, capabilities: Arc::default(), dimensions: Arc::new(NoDimensions) }
    }
}

/// What happens to a row that the guest says cannot be processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RejectPolicy {
    /// The guest is told to end the call with a fault.
    #[default]
    Fail,
    /// The row is kept aside and the call goes on.
    SetAside,
}

/// A row that the guest has rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Row of the batch.
    pub row: u32,
    /// Why, in the guest's words, cut to the operator's limit.
    pub message: String,
}

/// Columns of a dimension table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DimensionColumns {
    /// Key columns.
    pub key: Schema,
    /// What a look-up answers.
    pub value: Schema,
}

/// The dimension tables of a job.
pub trait DimensionTables: Send + Sync {
    /// Columns of a table.
    ///
    /// # Errors
    /// The job declares no such table; the reason is for the guest.
    fn columns(&self, table: &str) -> Result<&DimensionColumns, String>;

    /// One row of value columns per row of `keys`, in their order; nulls where there is none.
    ///
    /// # Errors
    /// The table cannot be read now; the reason is for the guest.
    fn lookup<'a>(&'a self, table: &'a str, keys: RecordBatch) -> BoxFuture<'a, Result<RecordBatch, String>>;
}

/// A job without dimension tables.
pub struct NoDimensions;

impl DimensionTables for NoDimensions {
    fn columns(&self, table: &str) -> Result<&DimensionColumns, String> {
        Err(format!("the job declares no dimension table `{}`", cut(table, 200)))
    }

    fn lookup<'a>(&'a self, table: &'a str, _keys: RecordBatch) -> BoxFuture<'a, Result<RecordBatch, String>> {
        Box::pin(async move { Err(format!("the job declares no dimension table `{}`", cut(table, 200))) })
    }
}

/// The rows of the batch in hand that the guest has rejected; bounded by the batch's rows and the bytes of messages.
#[derive(Debug, Default)]
pub(crate) struct Rejections {
    rows_of_batch: u32,
    rows: BTreeMap<u32, String>,
    message_bytes: usize,
}

impl Rejections {
    /// A call with a batch of so many rows begins.
    pub fn begin(&mut self, rows_of_batch: u32) {
        *self = Self { rows_of_batch, ..Self::default() };
    }

    /// Whether the batch in hand has this row.
    pub fn has(&self, row: u32) -> bool {
        row < self.rows_of_batch
    }

    pub fn rows_of_batch(&self) -> u32 {
        self.rows_of_batch
    }

    /// Keeps a row; the first reason for it stands.
    pub fn add(&mut self, row: u32, message: &str) {
        if self.rows.contains_key(&row) {
            return;
        }
        let message = if self.message_bytes + message.len() > MESSAGES_BYTES_MAX { "rejected (too many messages)" } else { message };
        self.message_bytes += message.len();
        self.rows.insert(row, message.to_owned());
    }

    /// What has been rejected, by row.
    pub fn take(&mut self) -> Vec<RejectedRow> {
        std::mem::take(self).rows.into_iter().map(|(row, message)| RejectedRow { row, message }).collect()
    }
}

/// The seed of an instance's random numbers: the same for the same place.
pub(crate) fn seed(job: &str, operator: &str, subtask: u32) -> u64 {
    let mut hash = Sha256::new();
    for part in [job.as_bytes(), operator.as_bytes(), &subtask.to_le_bytes()] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte))
}
