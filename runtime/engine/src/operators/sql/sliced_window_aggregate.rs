//! Aggregates of hopping and cumulating windows of event time, by slices: a row counts in one slice, and a window that is
//! complete is the merge of its slices (Flink's `SliceSharedWindowAggProcessor`).
//!
//! Slices of a hopping window are as long as its slide, those of a cumulating one as its step. A slice is kept until the
//! last window that it is part of is complete; a row is late only then. Which windows have fired is told by the watermark that
//! is kept with each key group, so it is known after a restore at any parallelism: key groups that were behind others catch
//! up first. Windows of the clock have nothing like it and stay with [`super::window_aggregate`].

use super::{
    groups::{GroupSpec, Groups, retractions},
    kept_watermark::KeptWatermark,
    late_rows::{LateRow, LateRows},
    tiered_windows::{TieredWindows, WindowsForm, slices::Merging},
    window_aggregate::{Windows, emit_window},
    window_time::{to_local_ms, window_start},
};
use crate::{
    error::OperatorError,
    key::KeyGroup,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use millrace_model::{Batch, ids::CheckpointId};
use millrace_sql::plan::{AggregateCall, WindowKind};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

const SLICES: &str = "slices";
/// Groups that leave before what has left is sent.
const PORTION_GROUPS: usize = 65_536;

/// How windows are made of slices; times are wall-clock milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slicing {
    size_ms: i64,
    slice_ms: i64,
    offset_ms: i64,
    is_cumulating: bool,
    /// A window merges its slices from the first to the last.
    is_forward: bool,
}

impl Slicing {
    /// The slices of windows of this kind; `None` if it has none that windows share, or a call cannot merge them.
    ///
    /// The order of merging counts where aggregates depend on it (texts, sums of floats), and is Flink's: a hopping window
    /// takes its slices from the last to the first, one of the older form (`is_group_window`) and a cumulating one as they
    /// came.
    pub(crate) fn of(windows: &Windows, is_group_window: bool, calls: &[AggregateCall]) -> Option<Self> {
        let can_merge = |call: &AggregateCall| call.function.can_merge(&call.argument_types, &call.result.data_type);
        if windows.is_processing_time || windows.start_column.is_some() || !calls.iter().all(can_merge) {
            return None;
        }
        match windows.kind {
            WindowKind::Hop { size_ms, slide_ms, offset_ms } if size_ms > slide_ms && size_ms % slide_ms == 0 => {
                Some(Self { size_ms, slice_ms: slide_ms, offset_ms, is_cumulating: false, is_forward: is_group_window })
            }
            WindowKind::Cumulate { size_ms, step_ms, offset_ms } => {
                Some(Self { size_ms, slice_ms: step_ms, offset_ms, is_cumulating: true, is_forward: true })
            }
            WindowKind::Hop { .. } | WindowKind::Tumble { .. } | WindowKind::Session { .. } => None,
        }
    }

    /// End of the slice in which a time lies.
    fn slice_end(&self, time_ms: i64) -> i64 {
        window_start(time_ms, self.offset_ms, self.slice_ms).saturating_add(self.slice_ms)
    }

    /// Start of the window that ends at `end_ms`.
    fn start(&self, end_ms: i64) -> i64 {
        if self.is_cumulating {
            window_start(end_ms.saturating_sub(1), self.offset_ms, self.size_ms)
        } else {
            end_ms.saturating_sub(self.size_ms)
        }
    }

    /// End of the last window that has the slice which ends at `slice_end_ms`.
    fn last_end(&self, slice_end_ms: i64) -> i64 {
        if self.is_cumulating {
            self.start(slice_end_ms).saturating_add(self.size_ms)
        } else {
            slice_end_ms.saturating_add(self.size_ms - self.slice_ms)
        }
    }

    /// The first window end after the wall-clock time `time_ms`.
    fn end_after(&self, time_ms: i64) -> i64 {
        self.slice_end(time_ms)
    }
}

pub(crate) struct SlicedWindowAggregate {
    spec: GroupSpec,
    windows: Windows,
    slicing: Slicing,
    kept: TieredWindows<Groups>,
    /// The first window that has a slice and has not fired, by its end.
    next_end_ms: Option<i64>,
    /// Windows that restored key groups have missed which were behind others: they leave first.
    missed: VecDeque<(i64, Arc<BTreeSet<KeyGroup>>)>,
    /// The window that is on its way out.
    firing: Option<Firing>,
    /// Windows that are complete by then are to leave.
    until_ms: i64,
    watermark: KeptWatermark,
    output: SchemaRef,
    late: LateRows,
}

struct Firing {
    end_ms: i64,
    /// It leaves for key groups that have missed it.
    is_missed: bool,
    merging: Merging,
}

impl SlicedWindowAggregate {
    pub(crate) fn new(
        spec: GroupSpec,
        (windows, slicing): (Windows, Slicing),
        late: LateRows,
        output: SchemaRef,
        context: &mut OperatorContext,
    ) -> Result<Self, OperatorError> {
        let watermark = KeptWatermark::open(context)?;
        let complete = windows.clone();
        let form = WindowsForm {
            name: SLICES,
            has_starts: false,
            is_by_clock: false,
            completes_ms: Box::new(move |(slice_end_ms, _)| complete.complete_at_ms(slicing.last_end(slice_end_ms))),
        };
        let kept = TieredWindows::open(form, &spec, &watermark, context)?;
        let (missed, next_end_ms, firing, until_ms) = (VecDeque::new(), None, None, i64::MIN);
        let mut made = Self { spec, windows, slicing, kept, next_end_ms, missed, firing, until_ms, watermark, output, late };
        let slices: Vec<i64> =
            made.kept.between((i64::MIN, i64::MIN), (i64::MAX, i64::MAX)).into_iter().map(|(end_ms, _)| end_ms).collect();
        slices.iter().for_each(|&end_ms| made.expect(end_ms));
        made.missed = made.missed(&slices);
        Ok(made)
    }

    /// Windows of these slices that have fired, but for key groups that were behind.
    fn missed(&self, slices: &[i64]) -> VecDeque<(i64, Arc<BTreeSet<KeyGroup>>)> {
        let mut missed = VecDeque::new();
        for (fired_ms, groups) in self.watermark.all_behind() {
            let is_due = |end_ms: i64| (fired_ms.saturating_add(1)..=self.watermark.ms).contains(&self.windows.complete_at_ms(end_ms));
            let mut ends: BTreeSet<i64> = BTreeSet::new();
            for &slice_end_ms in slices {
                let last_ms = self.slicing.last_end(slice_end_ms);
                let all = std::iter::successors(Some(slice_end_ms), |end_ms| end_ms.checked_add(self.slicing.slice_ms));
                ends.extend(all.take_while(|end_ms| *end_ms <= last_ms).filter(|end_ms| is_due(*end_ms)));
            }
            let groups = Arc::new(groups);
            missed.extend(ends.into_iter().map(|end_ms| (end_ms, groups.clone())));
        }
        missed
    }

    /// Before anything else is done, what was missed leaves.
    fn catch_up(&mut self, out: &mut Collector) -> Result<(), OperatorError> {
        while !self.missed.is_empty() || self.firing.is_some() {
            self.emit(out)?;
        }
        Ok(())
    }

    /// Whether the last window of a slice is not complete.
    fn is_open(&self, slice_end_ms: i64) -> bool {
        self.windows.complete_at_ms(self.slicing.last_end(slice_end_ms)) > self.watermark.ms
    }

    /// Sees to it that the first window of an open slice that has not fired will.
    fn expect(&mut self, slice_end_ms: i64) {
        let fired_ms = self.watermark.ms;
        let mut end_ms = slice_end_ms;
        if self.windows.complete_at_ms(end_ms) <= fired_ms {
            end_ms = end_ms.max(self.slicing.end_after(to_local_ms(fired_ms, self.windows.zone).saturating_add(1)));
            // Where the wall clock was put back an end comes twice.
            while self.windows.complete_at_ms(end_ms) <= fired_ms && end_ms < self.slicing.last_end(slice_end_ms) {
                end_ms = end_ms.saturating_add(self.slicing.slice_ms);
            }
        }
        self.next_end_ms = Some(self.next_end_ms.map_or(end_ms, |next| next.min(end_ms)));
    }

    /// The rows of each open slice, by position in the batch (all of them if `None`); `late` gets the others.
    fn assign(&self, local: &[i64], late: &mut Vec<LateRow>) -> Vec<(i64, Option<Vec<u32>>)> {
        let (least, most) = (local.iter().min().copied(), local.iter().max().copied());
        let late_row = |row: u32, slice_end_ms: i64| {
            let end_ms = self.slicing.last_end(slice_end_ms);
            LateRow { row, start_ms: self.slicing.start(end_ms), end_ms }
        };
        let one = least.zip(most).map(|(least, most)| (self.slicing.slice_end(least), self.slicing.slice_end(most)));
        // Nearly every batch lies in one slice.
        if let Some((end_ms, other)) = one
            && end_ms == other
        {
            if self.is_open(end_ms) {
                return vec![(end_ms, None)];
            }
            late.extend((0..local.len() as u32).map(|row| late_row(row, end_ms)));
            return Vec::new();
        }
        let mut found: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
        for (row, &time_ms) in local.iter().enumerate() {
            found.entry(self.slicing.slice_end(time_ms)).or_default().push(row as u32);
        }
        found.retain(|&end_ms, rows| {
            let open = self.is_open(end_ms);
            if !open {
                late.extend(rows.iter().map(|&row| late_row(row, end_ms)));
            }
            open
        });
        found.into_iter().map(|(end_ms, rows)| (end_ms, Some(rows))).collect()
    }

    fn is_due(&self) -> bool {
        self.next_end_ms.is_some_and(|end_ms| self.windows.complete_at_ms(end_ms) <= self.until_ms)
    }

    /// The next window that is to leave.
    fn next_firing(&mut self) -> Option<Firing> {
        let (end_ms, only) = match self.missed.pop_front() {
            Some((end_ms, groups)) => (end_ms, Some(groups)),
            None => (self.next_end_ms.filter(|_| self.is_due())?, None),
        };
        let mut slices = self.kept.between((self.slicing.start(end_ms).saturating_add(1), i64::MIN), (end_ms, i64::MAX));
        if !self.slicing.is_forward {
            slices.reverse();
        }
        Some(Firing { end_ms, is_missed: only.is_some(), merging: self.kept.merging(slices, only) })
    }

    /// Emits a portion of what is to leave.
    fn emit(&mut self, out: &mut Collector) -> Result<(), OperatorError> {
        let mut count = 0;
        while count < PORTION_GROUPS {
            let Some(mut firing) = self.firing.take().or_else(|| self.next_firing()) else { break };
            let bounds = (self.slicing.start(firing.end_ms), firing.end_ms);
            let Self { spec, windows, kept, output, .. } = &*self;
            let emit = &mut |groups: &_| emit_window(spec, groups, bounds, windows, output, out);
            match kept.merge_part(spec, &mut firing.merging, emit)? {
                Some(groups) => {
                    count += groups;
                    self.firing = Some(firing);
                }
                None if firing.is_missed => {}
                None => self.fired(firing.end_ms),
            }
        }
        if !self.has_rest() { self.kept.pass(self.until_ms) } else { Ok(()) }
    }

    /// The window with this end has left: slices that no later window has go.
    fn fired(&mut self, end_ms: i64) {
        while let Some(first) = self.kept.first().filter(|(slice_end_ms, _)| self.slicing.last_end(*slice_end_ms) <= end_ms) {
            self.kept.remove(first);
        }
        let following_ms = end_ms.saturating_add(self.slicing.slice_ms);
        self.next_end_ms = self.kept.first().map(|(first, _)| following_ms.max(first)).filter(|&next| next > end_ms);
    }
}

#[async_trait]
impl Operator for SlicedWindowAggregate {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.catch_up(out)?;
        let mut late = Vec::new();
        let assigned = self.assign(&self.windows.local_times(&batch.rows, now_ms)?, &mut late);
        {
            let keys = self.spec.key_bytes(&batch.rows)?;
            let retract = retractions(&batch);
            for (end_ms, chosen) in assigned {
                self.expect(end_ms);
                self.kept.update(&self.spec, (end_ms, 0), &batch, keys.as_ref(), (retract.as_deref(), chosen.as_deref()))?;
            }
        }
        self.kept.make_room()?;
        self.late.take(&batch, &late, self.watermark.ms).await
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.catch_up(out)?;
        self.watermark.rise(watermark_ms);
        self.until_ms = self.until_ms.max(watermark_ms);
        self.emit(out)
    }

    async fn before_barrier(&mut self, _now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.catch_up(out)
    }

    fn has_rest(&self) -> bool {
        self.firing.is_some() || !self.missed.is_empty() || self.is_due()
    }

    async fn emit_rest(&mut self, out: &mut Collector) -> Result<(), OperatorError> {
        self.emit(out)
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.kept.committed(checkpoint);
    }

    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let mut snapshot = OperatorSnapshot::default();
        self.kept.add_to(&mut snapshot)?;
        self.watermark.add_to(&mut snapshot.keyed);
        Ok(snapshot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_made_of_slices() {
        let hop = Slicing { size_ms: 15, slice_ms: 5, offset_ms: 0, is_cumulating: false, is_forward: false };
        assert_eq!((hop.slice_end(4), hop.slice_end(5), hop.slice_end(-1)), (5, 10, 0));
        assert_eq!((hop.start(20), hop.last_end(10)), (5, 20));
        let cumulate = Slicing { is_cumulating: true, ..hop };
        assert_eq!((cumulate.start(10), cumulate.start(15), cumulate.start(20)), (0, 0, 15));
        assert_eq!((cumulate.last_end(5), cumulate.last_end(15), cumulate.last_end(20)), (15, 15, 30));
    }
}
