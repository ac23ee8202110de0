//! Flink SQL on the native engine: a SQL node becomes stages, each a subtask of its own.
//!
//! A stage has at most one stateful head (an aggregate, sessions, upserts made whole), fed by a keyed exchange, and behind
//! it any number of stateless steps (calc, expand, window assignment, correlate), which run in the same subtask without
//! a channel between them.
//!
//! Invariant: what a stage keeps belongs to its head; its name in checkpoints holds the signature of what is computed,
//! so a changed query never misreads the state of another.

mod calc;
mod changelog_normalize;
mod changes;
pub(crate) mod conflict_materialize;
mod correlate;
mod deduplicate_rows;
mod due_keys;
mod equal_results;
mod expand;
mod firing_window_aggregate;
mod group_aggregate;
mod groups;
mod head;
mod held_batches;
mod hot_groups;
mod interval_join;
mod join;
mod kept_watermark;
mod late_rows;
mod lookup_join;
pub(crate) mod lower;
mod match_recognize;
mod mini_batch;
mod node;
mod over;
mod rank;
mod rounds;
mod row_bytes;
mod session_aggregate;
mod session_table;
mod sessions;
mod sliced_window_aggregate;
mod slots;
mod sort_bytes;
pub(crate) mod stage;
mod temporal_join;
mod temporal_sort;
#[cfg(test)]
mod tests;
mod tiered_sessions;
mod tiered_slots;
mod tiered_windows;
pub(crate) mod upsert_materialize;
mod values;
mod warnings;
mod watermark;
mod window_aggregate;
mod window_rank;
mod window_table;
mod window_time;

pub(crate) use lower::with_metadata;
pub(crate) use node::{KIND, SourceRequest, Upstream, dimension_of, dimension_traits, node_functions, place, plan_sql};
pub use node::{QueryColumn, QueryPlan};
pub(crate) use upsert_materialize::SinkChanges;
pub(crate) use warnings::of_job_options;

use crate::error::OperatorError;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt8Array};
use arrow_schema::{Field, Schema};
use millrace_functions::EvaluationError;
use millrace_model::ChangeKind;
use std::sync::Arc;

/// Rows that leave at one time a step that makes several of one.
pub(crate) const ROWS_AT_ONCE_MAX: usize = 8192;
/// Bytes of rows that such steps may make of the rows that come in at one time: they are held until those are done with.
pub(crate) const HELD_BYTES_MAX: usize = 256 << 20;

/// Columns as rows without names: expressions go by position.
pub(crate) fn rows_of(columns: &[ArrayRef], count: usize) -> Result<RecordBatch, OperatorError> {
    let field = |c: &ArrayRef| Field::new("", c.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    Ok(RecordBatch::try_new_with_options(schema, columns.to_vec(), &options)?)
}

/// The kinds of a batch's changes; none if all are inserts.
pub(crate) fn change_kinds(kinds: Vec<u8>) -> Option<UInt8Array> {
    kinds.iter().any(|&kind| kind != ChangeKind::Insert as u8).then(|| UInt8Array::from(kinds))
}

pub(crate) fn evaluation_failed(error: EvaluationError) -> OperatorError {
    OperatorError::Evaluation(error.to_string())
}
