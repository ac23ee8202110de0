//! Rows that wait in the batches that they came in, until they are gathered or let go.
//!
//! Invariant: a batch is kept as long as any of its rows is; rows are gathered by columns, never one by one.

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::ArrowError;
use arrow_select::interleave::interleave;
use std::collections::BTreeMap;

/// Where a row lies: its batch, and its place there.
pub(crate) type Place = (u32, u32);

struct Held {
    rows: RecordBatch,
    /// Rows that still wait.
    waiting: u32,
}

#[derive(Default)]
pub(crate) struct HeldBatches {
    batches: Vec<Option<Held>>,
    free: Vec<u32>,
}

impl HeldBatches {
    /// Keeps a batch of which `waiting` rows wait, at least one; answers its number.
    pub(crate) fn hold(&mut self, rows: RecordBatch, waiting: u32) -> u32 {
        let held = Some(Held { rows, waiting });
        match self.free.pop() {
            Some(number) => {
                if let Some(slot) = self.batches.get_mut(number as usize) {
                    *slot = held;
                }
                number
            }
            None => {
                self.batches.push(held);
                (self.batches.len() - 1) as u32
            }
        }
    }

    /// Lets one row of a batch go.
    pub(crate) fn release(&mut self, (number, _): Place) {
        let Some(slot) = self.batches.get_mut(number as usize) else { return };
        if let Some(held) = slot {
            held.waiting = held.waiting.saturating_sub(1);
            if held.waiting == 0 {
                *slot = None;
                self.free.push(number);
            }
        }
    }

    /// The columns of these rows; `None` for no rows.
    pub(crate) fn gather(&self, places: &[Place]) -> Result<Option<Vec<ArrayRef>>, ArrowError> {
        let mut numbers: BTreeMap<u32, usize> = BTreeMap::new();
        let mut batches: Vec<&RecordBatch> = Vec::new();
        let mut indices = Vec::with_capacity(places.len());
        for &(number, row) in places {
            let position = match numbers.get(&number) {
                Some(position) => *position,
                None => {
                    let held = self.batches.get(number as usize).and_then(Option::as_ref);
                    let held = held.ok_or_else(|| ArrowError::ComputeError("a row that waits has lost its batch".into()))?;
                    batches.push(&held.rows);
                    numbers.insert(number, batches.len() - 1);
                    batches.len() - 1
                }
            };
            indices.push((position, row as usize));
        }
        let Some(first) = batches.first() else { return Ok(None) };
        let column = |c: usize| {
            let arrays: Vec<&dyn Array> = batches.iter().map(|b| b.column(c).as_ref()).collect();
            interleave(&arrays, &indices)
        };
        (0..first.num_columns()).map(column).collect::<Result<Vec<_>, _>>().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int32Array, cast::AsArray, types::Int32Type};
    use std::sync::Arc;

    fn rows(values: Vec<i32>) -> RecordBatch {
        RecordBatch::try_from_iter([("v", Arc::new(Int32Array::from(values)) as ArrayRef)]).unwrap()
    }

    #[test]
    fn rows_are_gathered_from_their_batches_and_batches_go_with_their_last_row() {
        let mut held = HeldBatches::default();
        let (a, b) = (held.hold(rows(vec![1, 2, 3]), 2), held.hold(rows(vec![4]), 1));
        let found = held.gather(&[(b, 0), (a, 2), (a, 0)]).unwrap().unwrap();
        assert_eq!(found[0].as_primitive::<Int32Type>().values().to_vec(), [4, 3, 1]);
        held.release((a, 0));
        held.release((a, 2));
        assert!(held.gather(&[(a, 0)]).is_err());
        assert_eq!(held.hold(rows(vec![5]), 1), a);
        assert!(held.gather(&[]).unwrap().is_none());
    }
}
