//! Aggregates per session and key; [`super::sessions`] says which session a row belongs to.

use super::{
    groups::{GroupSpec, Groups, hash_of, key_of, retractions},
    hot_groups::EntrySize,
    kept_watermark::KeptWatermark,
    late_rows::{LateRow, LateRows},
    tiered_sessions::{PutState, SessionContents, TieredSessions},
    window_aggregate::{Windows, results},
};
use crate::{
    error::OperatorError,
    key::KeyGroup,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
    state::StateError,
};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use millrace_model::{Batch, ids::CheckpointId};

const SESSIONS: &str = "sessions";
/// Sessions per emitted batch at most, and before what was emitted is sent.
const EMIT_ROWS_MAX: usize = 8_192;
const PORTION_ROWS: usize = 65_536;

pub(crate) struct SessionAggregate {
    windows: Windows,
    sessions: TieredSessions,
    held: HeldGroups,
    size: EntrySize,
    /// Sessions that are complete by then are to leave.
    until_ms: i64,
    watermark: KeptWatermark,
    output: SchemaRef,
    late: LateRows,
}

/// What sessions hold; a session's slot is keyed by key and a number.
struct HeldGroups {
    spec: GroupSpec,
    groups: Groups,
    next_number: u64,
}

impl HeldGroups {
    /// Several sessions of a key live at once: a number behind the key tells their slots apart.
    fn new_slot(&mut self, key: &[u8]) -> u32 {
        let mut named = key.to_vec();
        named.extend_from_slice(&self.next_number.to_be_bytes());
        self.next_number += 1;
        self.groups.slot(hash_of(&named), &named)
    }
}

impl SessionContents for HeldGroups {
    fn states<'a>(&'a self, slots: &'a [u32]) -> Result<PutState<'a>, OperatorError> {
        let states = self.groups.states(slots)?;
        Ok(Box::new(move |position, out| states.put(position, out)))
    }

    fn take_in(&mut self, key: &[u8], state: &mut &[u8]) -> Result<u32, OperatorError> {
        let slot = self.new_slot(key);
        self.groups.merge(slot, state)?;
        Ok(slot)
    }

    fn release(&mut self, slot: u32) {
        self.groups.remove(slot);
    }

    fn check_key(&self, group: KeyGroup, key: &[u8]) -> Result<(), StateError> {
        self.spec.check_key(group, key)
    }
}

impl SessionAggregate {
    pub(crate) fn new(
        spec: GroupSpec,
        windows: Windows,
        gap_ms: i64,
        late: LateRows,
        output: SchemaRef,
        context: &mut OperatorContext,
    ) -> Result<Self, OperatorError> {
        let mut held = HeldGroups { groups: Groups::new(&spec)?, spec, next_number: 0 };
        let watermark = KeptWatermark::open(context)?;
        let sessions = TieredSessions::open(SESSIONS, gap_ms, &mut held, context)?;
        let mut made = Self { windows, sessions, held, size: EntrySize::default(), until_ms: i64::MIN, watermark, output, late };
        made.make_room()?;
        Ok(made)
    }

    fn make_room(&mut self) -> Result<(), OperatorError> {
        let bytes = self.size.total(&self.held.groups)?;
        self.sessions.make_room(bytes, &mut self.held)
    }

    /// The session of a row, made or merged as needed; the session's bounds if the row is late for it. Before sessions
    /// are merged, `run` is given to the accumulators: its rows count in the slots that they had.
    fn session_of(&mut self, key: &[u8], time_ms: i64, run: &mut Run<'_>) -> Result<Result<u32, (i64, i64)>, OperatorError> {
        let Self { sessions, held, windows, watermark, .. } = self;
        let is_late = |end_ms: i64| !windows.is_processing_time && windows.complete_at_ms(end_ms) <= watermark.ms;
        let place = match sessions.sessions.place(key, time_ms, is_late, || held.new_slot(key)) {
            Ok(place) => place,
            Err(late) => return Ok(Err(late)),
        };
        if !place.merged.is_empty() {
            run.close(held)?;
        }
        for other in place.merged {
            let state = held.groups.state(other)?;
            held.groups.merge(place.slot, &mut state.as_slice())?;
            held.groups.remove(other);
        }
        Ok(Ok(place.slot))
    }

    fn is_due(&self) -> bool {
        self.sessions.next_end_ms().is_some_and(|end_ms| self.windows.complete_at_ms(end_ms) <= self.until_ms)
    }

    /// Emits a portion of the sessions that are to leave.
    fn emit(&mut self, out: &mut Collector) -> Result<(), OperatorError> {
        let (windows, until_ms) = (&self.windows, self.until_ms);
        let complete = self.sessions.take_due(PORTION_ROWS, |end_ms| windows.complete_at_ms(end_ms) <= until_ms, &mut self.held)?;
        // The clock may be put back: only what was there at this time is to leave.
        if self.windows.is_processing_time && !self.is_due() {
            self.until_ms = i64::MIN;
        }
        if complete.is_empty() {
            return Ok(());
        }
        let groups = &self.held.groups;
        for complete in complete.chunks(EMIT_ROWS_MAX) {
            let live = || complete.iter().filter(|(_, session)| groups.counts[session.slot as usize] != 0);
            let slots: Vec<u32> = live().map(|(_, session)| session.slot).collect();
            let bounds: Vec<(i64, i64)> = live().map(|(_, session)| (session.start_ms, session.end_ms)).collect();
            let keys: Vec<&[u8]> = live().map(|(key, _)| key.as_ref()).collect();
            if !slots.is_empty() {
                out.emit(results(&self.held.spec, groups, &slots, &keys, &bounds, &self.windows, &self.output)?);
            }
        }
        complete.iter().for_each(|(_, session)| self.held.groups.remove(session.slot));
        self.make_room()
    }
}

/// Rows of a batch whose sessions are known and that no accumulator has seen yet.
struct Run<'b> {
    batch: &'b Batch,
    retract: Option<Vec<bool>>,
    rows: Vec<u32>,
    slots: Vec<u32>,
}

impl Run<'_> {
    fn close(&mut self, held: &mut HeldGroups) -> Result<(), OperatorError> {
        let (rows, slots) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.slots));
        if rows.is_empty() {
            return Ok(());
        }
        held.groups.update_chosen(&held.spec, self.batch, self.retract.as_deref(), &rows, &slots)
    }
}

#[async_trait]
impl Operator for SessionAggregate {
    async fn process(&mut self, batch: Batch, now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        let keys = self.held.spec.key_bytes(&batch.rows)?;
        self.sessions.load((0..batch.num_rows()).map(|row| key_of(keys.as_ref(), row)), &mut self.held)?;
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
        run.close(&mut self.held)?;
        drop((run, keys));
        self.make_room()?;
        self.late.take(&batch, &late, self.watermark.ms).await
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.watermark.rise(watermark_ms);
        if self.windows.is_processing_time && watermark_ms < i64::MAX {
            return Ok(());
        }
        self.until_ms = self.until_ms.max(watermark_ms);
        self.emit(out)
    }

    fn next_timer_ms(&self) -> Option<i64> {
        if !self.windows.is_processing_time {
            return None;
        }
        self.sessions.next_end_ms().map(|end_ms| self.windows.complete_at_ms(end_ms))
    }

    async fn on_processing_time(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if !self.windows.is_processing_time {
            return Ok(());
        }
        self.until_ms = now_ms;
        self.emit(out)
    }

    fn has_rest(&self) -> bool {
        self.is_due()
    }

    async fn emit_rest(&mut self, out: &mut Collector) -> Result<(), OperatorError> {
        self.emit(out)
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.sessions.committed(checkpoint);
    }

    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let mut snapshot = OperatorSnapshot::default();
        self.sessions.add_to(&mut snapshot, &self.held)?;
        self.watermark.add_to(&mut snapshot.keyed);
        Ok(snapshot)
    }
}
