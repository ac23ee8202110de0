//! State of [`OverAggregate`] in checkpoints: per key one entry with everything of it.

use super::{
    super::groups::{BlobWriter, hash_of, read_i64},
    Framed, OverAggregate, RowAt, Slot, Waiting,
    waiting::insert_sorted,
};
use crate::{
    error::OperatorError,
    operators::OperatorSnapshot,
    state::{KeyGroupBlobs, StateError, encode_bytes},
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

const KEYS: &str = "over";

impl OverAggregate {
    pub(super) fn save(&mut self) -> Result<OperatorSnapshot, OperatorError> {
        let slots: Vec<u32> = self.groups.in_order().into_iter().filter(|&slot| !self.is_expired(slot)).collect();
        let mut waiting: HashMap<u32, Vec<&Waiting>> = HashMap::new();
        self.waiting.iter().for_each(|w| waiting.entry(w.slot).or_default().push(w));
        let mut forget: HashMap<u32, Vec<i64>> = HashMap::new();
        self.forget.iter().for_each(|Reverse((at_ms, slot))| forget.entry(*slot).or_default().push(*at_ms));
        // The same state is the same bytes.
        forget.values_mut().for_each(|times| times.sort_unstable());
        let states = self.groups.states(&slots)?;
        let mut blobs = BlobWriter::default();
        for (position, &slot) in slots.iter().enumerate() {
            let state = &self.slots[slot as usize];
            let waiting = waiting.remove(&slot).unwrap_or_default();
            let forget = forget.remove(&slot).unwrap_or_default();
            let rows = self.rows.gather(&waiting.iter().map(|w| w.at).collect::<Vec<_>>())?;
            let rows = self.row_bytes.convert(&unnamed(rows, waiting.len())?)?;
            let framed = self.framed.gather(&state.frame.iter().map(|f| f.at).collect::<Vec<_>>())?;
            let framed = self.framed_bytes.convert(&unnamed(framed, state.frame.len())?)?;
            blobs.entry(self.groups.key(slot), |out| {
                let mut put = |number: i64| out.extend_from_slice(&number.to_le_bytes());
                put(state.written_ms);
                put(state.answered_ms);
                put(i64::from(state.forget_ms.is_some()));
                put(state.forget_ms.unwrap_or_default());
                put(forget.len() as i64);
                forget.iter().for_each(|&at_ms| put(at_ms));
                put(waiting.len() as i64);
                put(state.frame.len() as i64);
                let mut row = |time_ms: i64, bytes: &[u8]| {
                    out.extend_from_slice(&time_ms.to_le_bytes());
                    encode_bytes(bytes, out);
                };
                waiting.iter().enumerate().for_each(|(i, w)| row(w.time_ms, rows.get(i)));
                state.frame.iter().enumerate().for_each(|(i, f)| row(f.time_ms, framed.get(i)));
                states.put(position, out);
            });
        }
        let mut keyed = BTreeMap::from([(KEYS.to_owned(), blobs.finish())]);
        self.watermark.add_to(&mut keyed);
        Ok(OperatorSnapshot { keyed, ..OperatorSnapshot::default() })
    }

    pub(super) fn restore(&mut self, restored: &BTreeMap<String, KeyGroupBlobs>) -> Result<(), OperatorError> {
        let (mut waiting, mut waiting_rows): (Vec<Waiting>, Vec<&[u8]>) = Default::default();
        let (mut framed, mut framed_rows): (Vec<(u32, i64)>, Vec<&[u8]>) = Default::default();
        for (&group, blob) in restored.get(KEYS).into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = self.groups_spec.stored_key(group, &mut blob)?;
                let slot = self.groups.slot(hash_of(key), key);
                if self.slots.len() <= slot as usize {
                    self.slots.resize_with(slot as usize + 1, Slot::default);
                }
                let (written_ms, answered_ms) = (read_i64(&mut blob)?, read_i64(&mut blob)?);
                let (has_forget, forget_ms) = (read_i64(&mut blob)? != 0, read_i64(&mut blob)?);
                for _ in 0..read_count(&mut blob)? {
                    self.forget.push(Reverse((read_i64(&mut blob)?, slot)));
                }
                let (waits, frames) = (read_count(&mut blob)?, read_count(&mut blob)?);
                for _ in 0..waits {
                    let time_ms = read_i64(&mut blob)?;
                    waiting.push(Waiting { time_ms, slot, at: RowAt::new(0, waiting_rows.len()) });
                    waiting_rows.push(self.row_bytes.stored_row(&mut blob)?);
                }
                for _ in 0..frames {
                    framed.push((slot, read_i64(&mut blob)?));
                    framed_rows.push(self.framed_bytes.stored_row(&mut blob)?);
                }
                self.groups.merge(slot, &mut blob)?;
                let state = &mut self.slots[slot as usize];
                state.written_ms = written_ms;
                state.answered_ms = answered_ms;
                state.forget_ms = has_forget.then_some(forget_ms);
                state.waiting = u32::try_from(waits).unwrap_or(u32::MAX);
            }
        }
        if !waiting.is_empty() {
            let page = self.rows.add(self.row_bytes.columns(&waiting_rows)?, waiting.len());
            waiting.iter_mut().enumerate().for_each(|(row, w)| w.at = RowAt::new(page, row));
            insert_sorted(&mut self.waiting, waiting);
        }
        if !framed.is_empty() {
            let page = self.framed.add(self.framed_bytes.columns(&framed_rows)?, framed.len());
            for (row, (slot, time_ms)) in framed.into_iter().enumerate() {
                self.slots[slot as usize].frame.push_back(Framed { time_ms, at: RowAt::new(page, row) });
            }
        }
        Ok(())
    }
}

/// A number of entries, each of which takes bytes of what follows.
fn read_count(blob: &mut &[u8]) -> Result<usize, StateError> {
    let count = read_i64(blob)?;
    usize::try_from(count).ok().filter(|&count| count <= blob.len()).ok_or_else(|| StateError(format!("{count} entries")))
}

fn unnamed(columns: Vec<ArrayRef>, count: usize) -> Result<RecordBatch, OperatorError> {
    let fields: Vec<Field> = columns.iter().map(|c| Field::new("", c.data_type().clone(), true)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
}
