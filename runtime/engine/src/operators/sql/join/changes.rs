//! Rows that leave a join: pairs of a row of the batch and a kept one, either of which may be missing.

use super::{super::change_kinds, side::Side};
use crate::error::OperatorError;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_buffer::NullBuffer;
use arrow_schema::SchemaRef;
use arrow_select::take::take;
use millrace_model::Batch;

/// Stands for NULLs in place of a row.
const MISSING: u32 = u32::MAX;

/// Kept rows that are needed, each decoded once.
#[derive(Default)]
pub(super) struct Found {
    slots: Vec<u32>,
    /// Per slot the round in which it was noted last, and its position in `slots`.
    noted: Vec<(u32, u32)>,
    round: u32,
    columns: Option<Vec<ArrayRef>>,
}

impl Found {
    /// Forgets all.
    pub(super) fn clear(&mut self, slots: usize) {
        self.slots.clear();
        self.columns = None;
        self.noted.resize(slots.max(self.noted.len()), (0, 0));
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.noted.fill((0, 0));
            self.round = 1;
        }
    }

    /// The position of a kept row among those that are needed.
    pub(super) fn position(&mut self, slot: u32) -> u32 {
        let noted = &mut self.noted[slot as usize];
        if noted.0 != self.round {
            *noted = (self.round, self.slots.len() as u32);
            self.slots.push(slot);
        }
        noted.1
    }

    /// The columns of the rows noted so far; no others may be noted afterwards.
    pub(super) fn columns(&mut self, side: &Side) -> Result<&[ArrayRef], OperatorError> {
        if self.columns.is_none() {
            let bytes: Vec<&[u8]> = self.slots.iter().map(|&slot| side.row(slot)).collect();
            self.columns = Some(side.rows.columns(&bytes)?);
        }
        Ok(self.columns.as_deref().unwrap_or_default())
    }
}

/// Rows that leave, in order.
#[derive(Default)]
pub(super) struct Changes {
    kinds: Vec<u8>,
    rows: Vec<u32>,
    kept: Vec<u32>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    fn push(&mut self, kind: u8, row: u32, kept: u32) {
        self.kinds.push(kind);
        self.rows.push(row);
        self.kept.push(kept);
    }

    /// A row of the batch with a kept one.
    pub(super) fn pair(&mut self, kind: u8, row: u32, kept: u32) {
        self.push(kind, row, kept);
    }

    /// A row of the batch without partner.
    pub(super) fn row(&mut self, kind: u8, row: u32) {
        self.push(kind, row, MISSING);
    }

    /// A kept row without partner.
    pub(super) fn kept(&mut self, kind: u8, kept: u32) {
        self.push(kind, MISSING, kept);
    }

    /// The changes as a batch; `is_left` says whether the rows of `batch` are those of the left side, `has_right` whether
    /// columns of the right side leave.
    pub(super) fn into_batch(
        self,
        batch: &Batch,
        kept: &[ArrayRef],
        is_left: bool,
        has_right: bool,
        output: &SchemaRef,
    ) -> Result<Batch, OperatorError> {
        let mut columns = Vec::with_capacity(output.fields().len());
        let mut add = |from: &[ArrayRef], places: &[u32]| -> Result<(), OperatorError> {
            let indices = indices(places);
            for column in from {
                columns.push(take(column, &indices, None)?);
            }
            Ok(())
        };
        let rows = batch.rows.columns();
        match (is_left, has_right) {
            (true, true) => {
                add(rows, &self.rows)?;
                add(kept, &self.kept)?;
            }
            (false, true) => {
                add(kept, &self.kept)?;
                add(rows, &self.rows)?;
            }
            (true, false) => add(rows, &self.rows)?,
            (false, false) => add(kept, &self.kept)?,
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.kinds.len()));
        let rows = RecordBatch::try_new_with_options(output.clone(), columns, &options)?;
        let kinds = change_kinds(self.kinds);
        Ok(Batch { rows, kinds, origin: batch.origin.clone() })
    }
}

pub(super) fn indices(places: &[u32]) -> UInt32Array {
    if !places.contains(&MISSING) {
        return UInt32Array::from(places.to_vec());
    }
    let nulls: NullBuffer = places.iter().map(|&p| p != MISSING).collect();
    let places: Vec<u32> = places.iter().map(|&p| if p == MISSING { 0 } else { p }).collect();
    UInt32Array::new(places.into(), Some(nulls))
}
