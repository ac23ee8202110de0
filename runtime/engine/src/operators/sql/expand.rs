//! Grouping sets: each row once per set, with NULL where the set does not have a key.
//!
//! Invariant: rows leave in batches of about [`ROWS_AT_ONCE_MAX`] at most, however many sets there are.

use super::{ROWS_AT_ONCE_MAX, correlate::Behind};
use crate::error::OperatorError;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow_schema::SchemaRef;
use arrow_select::{concat::concat, take::take};
use millrace_model::Batch;
use millrace_sql::plan::set_numbers;
use std::sync::Arc;

pub(crate) struct Expand {
    keys: Vec<usize>,
    sets: Vec<Vec<usize>>,
    output: SchemaRef,
}

impl Expand {
    pub(crate) fn new(keys: Vec<usize>, sets: Vec<Vec<usize>>, output: SchemaRef) -> Self {
        Self { keys, sets, output }
    }

    /// Rows of one input row stay together, so an update's two halves do not drift apart.
    pub(crate) fn apply(&mut self, batch: Batch, behind: &mut Behind<'_>) -> Result<(), OperatorError> {
        let (count, at_once) = (batch.num_rows(), (ROWS_AT_ONCE_MAX / self.sets.len().max(1)).max(1));
        if count <= at_once {
            return behind(self.expanded(&batch)?);
        }
        for start in (0..count).step_by(at_once) {
            behind(self.expanded(&batch.slice(start, at_once.min(count - start)))?)?;
        }
        Ok(())
    }

    fn expanded(&self, batch: &Batch) -> Result<Batch, OperatorError> {
        let (count, sets) = (batch.num_rows(), self.sets.len());
        let repeated = UInt32Array::from_iter_values((0..count).flat_map(|row| std::iter::repeat_n(row as u32, sets)));
        let taken = batch.take(&repeated)?;
        let mut columns: Vec<ArrayRef> = taken.rows.columns().to_vec();
        // Row `r` of set `s` stands at `r * sets + s`: gathered from the set-wise columns below.
        let order = UInt32Array::from_iter_values((0..count).flat_map(|row| (0..sets).map(move |set| (set * count + row) as u32)));
        for (position, &key) in self.keys.iter().enumerate() {
            let source = batch.rows.column(key);
            let null = new_null_array(source.data_type(), count);
            let parts: Vec<&dyn arrow_array::Array> =
                self.sets.iter().map(|set| if set.contains(&position) { source.as_ref() } else { null.as_ref() }).collect();
            columns.push(take(&concat(&parts)?, &order, None)?);
        }
        let numbers = set_numbers(&self.sets, self.keys.len());
        columns.push(Arc::new(Int64Array::from_iter_values((0..count).flat_map(|_| numbers.iter().copied()))));
        let options = RecordBatchOptions::new().with_row_count(Some(count * sets));
        let rows = RecordBatch::try_new_with_options(self.output.clone(), columns, &options)?;
        Ok(Batch { rows, ..taken })
    }
}
