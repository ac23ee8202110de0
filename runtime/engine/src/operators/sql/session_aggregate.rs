//! Aggregates per session and key; [`super::sessions`] says which session a row belongs to.

use super::{
    groups::{BlobWriter, GroupSpec, Groups, hash_of, key_of, read_i64, retractions},
    kept_watermark::KeptWatermark,
    late_rows::{LateRow, LateRows},
    sessions::{Session, Sessions},
    window_aggregate::{Windows, results},
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use millrace_model::Batch;
use std::collections::BTreeMap;

const SESSIONS: &str = "sessions";

pub(crate) struct SessionAggregate {
    spec: GroupSpec,
    windows: Windows,
    /// A session's slot in `groups` is keyed by key and a number.
    sessions: Sessions,
    groups: Groups,
    next_number: u64,
    watermark: KeptWatermark,
    output: SchemaRef,
    late: LateRows,
}

impl SessionAggregate {
    pub(crate) fn new(
        spec: GroupSpec,
        windows: Windows,
        gap_ms: i64,
        late: LateRows,
        output: SchemaRef,
        context: &OperatorContext,
    ) -> Result<Self, OperatorError> {
        let groups = Groups::new(&spec)?;
        let (sessions, watermark) = (Sessions::new(gap_ms), KeptWatermark::open(context)?);
        let mut made = Self { spec, windows, sessions, groups, next_number: 0, watermark, output, late };
        for (&group, blob) in context.restored.get(SESSIONS).into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = made.spec.stored_key(group, &mut blob)?;
                let (start_ms, end_ms) = (read_i64(&mut blob)?, read_i64(&mut blob)?);
                let slot = new_slot(&mut made.groups, &mut made.next_number, key);
                made.groups.merge(slot, &mut blob)?;
                made.sessions.restore(key, Session { start_ms, end_ms, slot });
            }
        }
        Ok(made)
    }

    /// The session of a row, made or merged as needed; the session's bounds if the row is late for it. Before sessions
    /// are merged, `run` is given to the accumulators: its rows count in the slots that they had.
    fn session_of(&mut self, key: &[u8], time_ms: i64, run: &mut Run<'_>) -> Result<Result<u32, (i64, i64)>, OperatorError> {
        let Self { sessions, groups, next_number, windows, watermark, spec, .. } = self;
        let is_late = |end_ms: i64| !windows.is_processing_time && windows.complete_at_ms(end_ms) <= watermark.ms;
        let place = match sessions.place(key, time_ms, is_late, || new_slot(groups, next_number, key)) {
            Ok(place) => place,
            Err(late) => return Ok(Err(late)),
        };
        if !place.merged.is_empty() {
            run.close(spec, groups)?;
        }
        for other in place.merged {
            let state = groups.state(other)?;
            groups.merge(place.slot, &mut state.as_slice())?;
            groups.remove(other);
        }
        Ok(Ok(place.slot))
    }

    fn fire(&mut self, time_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let (mut fired, mut bounds) = (Vec::new(), Vec::new());
        while self.sessions.next_end_ms().is_some_and(|end_ms| self.windows.complete_at_ms(end_ms) <= time_ms) {
            if let Some((key, session)) = self.sessions.pop() {
                fired.push((session.slot, key));
                bounds.push((session.start_ms, session.end_ms));
            }
        }
        if fired.is_empty() {
            return Ok(());
        }
        let live: Vec<usize> = (0..fired.len()).filter(|&i| self.groups.counts[fired[i].0 as usize] != 0).collect();
        if !live.is_empty() {
            let slots: Vec<u32> = live.iter().map(|&i| fired[i].0).collect();
            let bounds: Vec<(i64, i64)> = live.iter().map(|&i| bounds[i]).collect();
            let keys: Vec<&[u8]> = live.iter().map(|&i| fired[i].1.as_ref()).collect();
            out.emit(results(&self.spec, &self.groups, &slots, &keys, &bounds, &self.windows, &self.output)?);
        }
        fired.iter().for_each(|(slot, _)| self.groups.remove(*slot));
        Ok(())
    }
}

/// Several sessions of a key live at once: a number behind the key tells their slots apart.
fn new_slot(groups: &mut Groups, next_number: &mut u64, key: &[u8]) -> u32 {
    let mut named = key.to_vec();
    named.extend_from_slice(&next_number.to_be_bytes());
    *next_number += 1;
    groups.slot(hash_of(&named), &named)
}

/// Rows of a batch whose sessions are known and that no accumulator has seen yet.
struct Run<'b> {
    batch: &'b Batch,
    retract: Option<Vec<bool>>,
    rows: Vec<u32>,
    slots: Vec<u32>,
}

impl Run<'_> {
    fn close(&mut self, spec: &GroupSpec, groups: &mut Groups) -> Result<(), OperatorError> {
        let (rows, slots) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.slots));
        if rows.is_empty() {
            return Ok(());
        }
        groups.update_chosen(spec, self.batch, self.retract.as_deref(), &rows, &slots)
    }
}

#[async_trait]
impl Operator for SessionAggregate {
    async fn process(&mut self, batch: Batch, now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        let keys = self.spec.key_bytes(&batch.rows)?;
        let retract = retractions(&batch);
        let times = self.windows.local_times(&batch.rows, now_ms)?;
        let mut late = Vec::new();
        let mut run = Run { batch: &batch, retract, rows: Vec::new(), slots: Vec::new() };
        for (row, &time_ms) in times.iter().enumerate() {
            match self.session_of(key_of(keys.as_ref(), row), time_ms, &mut run)? {
                Ok(slot) => {
                    run.rows.push(row as u32);
                    run.slots.push(slot);
                }
                Err((start_ms, end_ms)) => late.push(LateRow { row: row as u32, start_ms, end_ms }),
            }
        }
        run.close(&self.spec, &mut self.groups)?;
        drop((run, keys));
        self.late.take(&batch, &late, self.watermark.ms).await
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.watermark.rise(watermark_ms);
        if self.windows.is_processing_time && watermark_ms < i64::MAX {
            return Ok(());
        }
        self.fire(watermark_ms, out)
    }

    fn next_timer_ms(&self) -> Option<i64> {
        if !self.windows.is_processing_time {
            return None;
        }
        self.sessions.next_end_ms().map(|end_ms| self.windows.complete_at_ms(end_ms))
    }

    async fn on_processing_time(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if self.windows.is_processing_time { self.fire(now_ms, out) } else { Ok(()) }
    }

    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let mut blobs = BlobWriter::default();
        let mut sessions: Vec<_> = self.sessions.iter().collect();
        // The same state is the same bytes.
        sessions.sort_unstable_by_key(|(_, session)| session.slot);
        let slots: Vec<u32> = sessions.iter().map(|(_, session)| session.slot).collect();
        let states = self.groups.states(&slots)?;
        for (position, (key, session)) in sessions.into_iter().enumerate() {
            blobs.entry(key, |out| {
                out.extend_from_slice(&session.start_ms.to_le_bytes());
                out.extend_from_slice(&session.end_ms.to_le_bytes());
                states.put(position, out);
            });
        }
        let mut keyed = BTreeMap::from([(SESSIONS.to_owned(), blobs.finish())]);
        self.watermark.add_to(&mut keyed);
        Ok(OperatorSnapshot { keyed, ..OperatorSnapshot::default() })
    }
}
