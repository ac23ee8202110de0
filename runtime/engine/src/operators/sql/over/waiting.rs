//! Rows on their way in: late ones are left out, the others wait for their time.

use super::{
    super::{
        groups::{hash_of, key_of},
        late_rows::LateRow,
    },
    OverAggregate, Waiting,
    pages::RowAt,
};
use crate::error::OperatorError;
use arrow_array::UInt32Array;
use millrace_model::{Batch, take_rows};
use std::{cmp::Reverse, collections::VecDeque};

impl OverAggregate {
    /// Whether a row at this time comes too late for its key.
    fn is_late(&self, hash: u64, key: &[u8], time_ms: i64) -> bool {
        if self.spec.frame.preceding.is_none() {
            return time_ms <= self.watermark.ms;
        }
        let answered_ms = match self.groups.find(hash, key).and_then(|slot| Some((slot, self.slots.get(slot as usize)?))) {
            Some((slot, state)) if !self.is_expired(slot) => state.answered_ms,
            _ => 0,
        };
        time_ms <= answered_ms
    }

    /// Lets rows wait for their time.
    pub(super) async fn hold(&mut self, batch: &Batch, row_times: &[i64]) -> Result<(), OperatorError> {
        let keys = self.groups_spec.key_bytes(&batch.rows)?;
        let mut late = Vec::new();
        let mut kept: Vec<(i64, u32, u32)> = Vec::with_capacity(row_times.len());
        for (row, &time_ms) in row_times.iter().enumerate() {
            let key = key_of(keys.as_ref(), row);
            let hash = hash_of(key);
            if !self.is_by_clock() && self.is_late(hash, key, time_ms) {
                late.push(LateRow { row: row as u32, start_ms: time_ms, end_ms: time_ms });
                continue;
            }
            let slot = self.slot_of(hash, key);
            self.slots[slot as usize].waiting += 1;
            self.note_forgetting(slot, time_ms);
            kept.push((time_ms, slot, row as u32));
        }
        drop(keys);
        if !kept.is_empty() {
            let columns = if late.is_empty() {
                batch.rows.columns().to_vec()
            } else {
                let rows = UInt32Array::from_iter_values(kept.iter().map(|(_, _, row)| *row));
                take_rows(&batch.rows, &rows)?.columns().to_vec()
            };
            let page = self.rows.add(columns, kept.len());
            let held = kept.iter().enumerate();
            let held: Vec<Waiting> = held.map(|(row, &(time_ms, slot, _))| Waiting { time_ms, slot, at: RowAt::new(page, row) }).collect();
            insert_sorted(&mut self.waiting, held);
        }
        if self.rows.is_sparse() {
            self.rows.renew(self.waiting.iter_mut().map(|w| &mut w.at).collect())?;
        }
        self.late.take(batch, &late, self.watermark.ms).await
    }

    /// Asks for a look at a slot of a bounded RANGE when no row can need its frame any more; seldom, so that a busy key is
    /// not asked for with every row (half a range of leeway, as Flink has it).
    fn note_forgetting(&mut self, slot: u32, time_ms: i64) {
        let Some(range_ms) = self.range_ms() else { return };
        let state = &mut self.slots[slot as usize];
        let least_ms = time_ms.saturating_add(range_ms).saturating_add(1);
        if state.forget_ms.is_none_or(|ms| ms < least_ms) {
            let at_ms = least_ms.saturating_add(range_ms / 2);
            state.forget_ms = Some(at_ms);
            self.forget.push(Reverse((at_ms, slot)));
        }
    }
}

/// Puts rows among those that wait: by time, and behind those of the same time.
pub(super) fn insert_sorted(waiting: &mut VecDeque<Waiting>, mut held: Vec<Waiting>) {
    held.sort_by_key(|w| w.time_ms);
    let Some(first_ms) = held.first().map(|w| w.time_ms) else { return };
    let kept = waiting.partition_point(|w| w.time_ms <= first_ms);
    let mut behind = waiting.split_off(kept).into_iter().peekable();
    for next in held {
        while let Some(earlier) = behind.next_if(|w| w.time_ms <= next.time_ms) {
            waiting.push_back(earlier);
        }
        waiting.push_back(next);
    }
    waiting.extend(behind);
}
