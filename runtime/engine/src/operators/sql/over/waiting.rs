//! Rows on their way in: late ones are left out, the others wait for their time.

use super::{
    super::{groups::key_of, late_rows::LateRow},
    OverAggregate, Waiting,
    pages::RowAt,
};
use crate::error::OperatorError;
use arrow_array::UInt32Array;
use millrace_model::{Batch, take_rows};
use std::{cmp::Reverse, collections::VecDeque};

impl OverAggregate {
    /// Whether a row at this time comes too late for its key.
    fn is_late(&self, key: &[u8], time_ms: i64) -> bool {
        if self.spec.frame.preceding.is_none() {
            return time_ms <= self.watermark.ms;
        }
        let answered_ms = match self.kept.find(key).and_then(|slot| self.kept.get(slot)) {
            Some(state) if !state.is_expired(self.ttl_ms, self.now_ms) => state.answered_ms,
            _ => 0,
        };
        time_ms <= answered_ms
    }

    /// Lets rows wait for their time.
    pub(super) async fn hold(&mut self, batch: &Batch, row_times: &[i64]) -> Result<(), OperatorError> {
        let keys = self.groups_spec.key_bytes(&batch.rows)?;
        self.bring((0..batch.num_rows()).map(|row| key_of(keys.as_ref(), row)))?;
        let mut late = Vec::new();
        let mut kept: Vec<(i64, u32, u32)> = Vec::with_capacity(row_times.len());
        for (row, &time_ms) in row_times.iter().enumerate() {
            let key = key_of(keys.as_ref(), row);
            if !self.is_by_clock() && self.is_late(key, time_ms) {
                late.push(LateRow { row: row as u32, start_ms: time_ms, end_ms: time_ms });
                continue;
            }
            let slot = self.slot_of(key)?;
            self.begin_waiting(slot, time_ms);
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

    /// A row of a slot begins to wait. Asks for a look at a slot of a bounded RANGE when no row can need its frame any more;
    /// seldom, so that a busy key is not asked for with every row (half a range of leeway, as Flink has it).
    fn begin_waiting(&mut self, slot: u32, time_ms: i64) {
        let range_ms = self.range_ms();
        let Some(state) = self.kept.look_at(slot) else { return };
        state.waiting += 1;
        let Some(range_ms) = range_ms else { return };
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
