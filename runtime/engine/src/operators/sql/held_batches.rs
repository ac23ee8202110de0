//! Rows that wait in the batches that they came in, until they are gathered or let go.
//!
//! Invariant: a batch is kept as long as any of its rows is; rows are gathered by columns, never one by one. When most rows
//! of the batches wait no more, the others are packed anew ([`HeldBatches::repack`]).

use super::{row_bytes::RowBytes, rows_of};
use crate::error::OperatorError;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::ArrowError;
use arrow_select::interleave::interleave;
use std::collections::BTreeMap;

/// Where a row lies: its batch, and its place there.
pub(crate) type Place = (u32, u32);

/// Rows that are packed together.
const PACKED_ROWS: usize = 8_192;
/// Rows that no longer wait are not worth the work before there are so many of them.
const IDLE_ROWS_MIN: usize = 65_536;

struct Held {
    rows: RecordBatch,
    /// Rows that still wait.
    waiting: u32,
    /// What its rows take.
    bytes: usize,
}

/// Rows that come back as bytes, to be held together: they have their places at once, and are there in the end.
pub(crate) struct Arriving {
    number: u32,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Arriving {
    /// The place of the next row.
    pub(crate) fn push(&mut self, row: &[u8]) -> Place {
        self.bytes.extend_from_slice(row);
        self.ends.push(self.bytes.len());
        (self.number, (self.ends.len() - 1) as u32)
    }

    /// What the rows take so far.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

#[derive(Default)]
pub(crate) struct HeldBatches {
    batches: Vec<Option<Held>>,
    free: Vec<u32>,
    /// Rows of all batches, and how many of them wait.
    rows: usize,
    waiting: usize,
    bytes: usize,
}

impl HeldBatches {
    /// Keeps a batch of which `waiting` rows wait, at least one; answers its number.
    pub(crate) fn hold(&mut self, rows: RecordBatch, waiting: u32) -> u32 {
        self.rows += rows.num_rows();
        self.waiting += waiting as usize;
        let bytes = rows.columns().iter().map(bytes_of).sum();
        self.bytes += bytes;
        let number = self.number();
        if let Some(slot) = self.batches.get_mut(number as usize) {
            *slot = Some(Held { rows, waiting, bytes });
        }
        number
    }

    fn number(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.batches.push(None);
            (self.batches.len() - 1) as u32
        })
    }

    /// Begins to take in rows that come back as bytes.
    pub(crate) fn arriving(&mut self) -> Arriving {
        Arriving { number: self.number(), bytes: Vec::new(), ends: Vec::new() }
    }

    /// Holds the rows that have come back, which are rows of `bytes`.
    pub(crate) fn hold_arrived(&mut self, arrived: &Arriving, bytes: &RowBytes) -> Result<(), OperatorError> {
        self.free.push(arrived.number);
        if arrived.ends.is_empty() {
            return Ok(());
        }
        let mut start = 0;
        let rows: Vec<&[u8]> = arrived.ends.iter().map(|&end| &arrived.bytes[std::mem::replace(&mut start, end)..end]).collect();
        self.hold(rows_of(&bytes.columns(&rows)?, rows.len())?, rows.len() as u32);
        Ok(())
    }

    /// What the rows of all batches take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Lets one row of a batch go.
    pub(crate) fn release(&mut self, (number, _): Place) {
        let Some(slot) = self.batches.get_mut(number as usize) else { return };
        if let Some(held) = slot {
            self.waiting = self.waiting.saturating_sub(held.waiting.min(1) as usize);
            held.waiting = held.waiting.saturating_sub(1);
            if held.waiting == 0 {
                self.rows = self.rows.saturating_sub(held.rows.num_rows());
                self.bytes = self.bytes.saturating_sub(held.bytes);
                *slot = None;
                self.free.push(number);
            }
        }
    }

    /// Whether most of the rows in memory wait no more.
    pub(crate) fn is_sparse(&self) -> bool {
        self.rows > 4 * self.waiting + IDLE_ROWS_MIN
    }

    /// Whether so many rows wait no more that it is worth the work to pack the others when memory is short.
    pub(crate) fn is_loose(&self) -> bool {
        self.rows > self.waiting + self.waiting / 2
    }

    /// Packs the rows that wait into batches of their own; `places` are those of all of them.
    pub(crate) fn repack<'p>(&mut self, places: impl Iterator<Item = &'p mut Place>) -> Result<(), OperatorError> {
        let mut places: Vec<&mut Place> = places.collect();
        let mut packed = Self::default();
        for places in places.chunks_mut(PACKED_ROWS) {
            let wanted: Vec<Place> = places.iter().map(|place| **place).collect();
            let Some(columns) = self.gather(&wanted)? else { continue };
            let number = packed.hold(rows_of(&columns, wanted.len())?, wanted.len() as u32);
            for (row, place) in (0u32..).zip(places) {
                **place = (number, row);
            }
        }
        *self = packed;
        Ok(())
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

/// What the rows of a column take, which may be a part of a larger one.
pub(crate) fn bytes_of(column: &ArrayRef) -> usize {
    column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
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

    #[test]
    fn rows_that_wait_are_packed_when_most_do_not() {
        let mut held = HeldBatches::default();
        let mut places: Vec<Place> = (0..30).map(|n| (held.hold(rows(vec![n; 5_000]), 1), 17)).collect();
        assert!(held.is_sparse());
        held.repack(places.iter_mut()).unwrap();
        assert!(!held.is_sparse() && held.rows == 30);
        let found = held.gather(&places).unwrap().unwrap();
        assert_eq!(found[0].as_primitive::<Int32Type>().values().to_vec(), (0..30).collect::<Vec<_>>());
        places.into_iter().for_each(|place| held.release(place));
        assert_eq!((held.rows, held.waiting), (0, 0));
    }
}
