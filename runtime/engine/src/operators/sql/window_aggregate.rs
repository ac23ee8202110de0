//! Aggregates per window and key: tumbling windows, windows of the clock, and windows that rows carry already; those that
//! share slices are in [`super::sliced_window_aggregate`].
//!
//! Each window has groups of its own ([`super::tiered_windows`]): when the watermark reaches its end, their results leave as
//! columns and the window is dropped as a whole. A row counts in every window of its own that has not fired yet; it is
//! late only if none is left (Flink's slicing window operator).

use super::{
    groups::{GroupSpec, Groups, retractions},
    kept_watermark::KeptWatermark,
    late_rows::{LateRow, LateRows},
    tiered_windows::{TieredWindows, WindowsForm},
    window_time::{self, at_zone_ms, event_times, times, to_local_ms, to_utc_ms, windows_of},
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, TimestampMillisecondArray};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use chrono_tz::Tz;
use millrace_model::{Batch, ids::CheckpointId};
use millrace_sql::plan::{WindowKind, WindowStrategy};
use std::{collections::BTreeMap, sync::Arc};

const WINDOWS: &str = "windows";
/// Rows per emitted batch at most.
const EMIT_ROWS_MAX: usize = 8_192;

/// How rows find their windows, resolved.
#[derive(Debug, Clone)]
pub(crate) struct Windows {
    pub kind: WindowKind,
    /// Column of the time attribute, or of the window's end when rows carry it.
    pub column: usize,
    /// Column of the window's start when rows carry it.
    pub start_column: Option<usize>,
    pub is_processing_time: bool,
    /// Zone of the wall clock; UTC for TIMESTAMP.
    pub zone: Tz,
    /// The time attribute is an instant that must be shifted into the zone; carried bounds are wall-clock times already.
    pub shifts: bool,
}

impl Windows {
    pub(crate) fn new(strategy: &WindowStrategy, session_zone: Tz) -> Self {
        match strategy {
            WindowStrategy::Time(spec) => {
                let is_local = spec.is_local_zone || spec.is_processing_time;
                Self {
                    kind: spec.kind,
                    column: spec.time_column,
                    start_column: None,
                    is_processing_time: spec.is_processing_time,
                    zone: if is_local { session_zone } else { Tz::UTC },
                    shifts: is_local,
                }
            }
            WindowStrategy::Attached { start_column, end_column, kind, is_processing_time, is_local_zone } => Self {
                kind: *kind,
                column: *end_column,
                start_column: Some(*start_column),
                is_processing_time: *is_processing_time,
                zone: if *is_local_zone { session_zone } else { Tz::UTC },
                shifts: false,
            },
        }
    }

    /// When the window that ends at `end_ms` (wall clock) is complete: its last instant.
    pub(crate) fn complete_at_ms(&self, end_ms: i64) -> i64 {
        to_utc_ms(end_ms.saturating_sub(1), self.zone)
    }

    /// `window_time` as an instant of the window that ends at `end_ms` (wall clock). Where the zone's clock is changed it is not
    /// when the window is complete.
    pub(crate) fn time_of_ms(&self, end_ms: i64) -> i64 {
        at_zone_ms(end_ms.saturating_sub(1), self.zone)
    }

    /// Wall-clock times of the rows.
    pub(crate) fn local_times(&self, rows: &RecordBatch, now_ms: i64) -> Result<Vec<i64>, OperatorError> {
        if self.is_processing_time && self.start_column.is_none() {
            return Ok(vec![to_local_ms(now_ms, self.zone); rows.num_rows()]);
        }
        let column = rows.column(self.column);
        let values = event_times(column, "the window")?;
        if !self.shifts || self.zone == Tz::UTC {
            return Ok(values.to_vec());
        }
        Ok(values.iter().map(|&t| to_local_ms(t, self.zone)).collect())
    }
}

pub(crate) struct WindowAggregate {
    spec: GroupSpec,
    windows: Windows,
    kept: TieredWindows<Groups>,
    watermark: KeptWatermark,
    output: SchemaRef,
    late: LateRows,
}

impl WindowAggregate {
    pub(crate) fn new(
        spec: GroupSpec,
        windows: Windows,
        late: LateRows,
        output: SchemaRef,
        context: &mut OperatorContext,
    ) -> Result<Self, OperatorError> {
        let watermark = KeptWatermark::open(context)?;
        let complete = windows.clone();
        let form = WindowsForm {
            name: WINDOWS,
            has_starts: true,
            is_by_clock: windows.is_processing_time,
            completes_ms: Box::new(move |(end_ms, _)| complete.complete_at_ms(end_ms)),
        };
        let kept = TieredWindows::open(form, &spec, &watermark, context)?;
        Ok(Self { spec, windows, kept, watermark, output, late })
    }

    /// The rows of each window, by position in the batch; `late` gets those that are left out.
    fn assign(&self, rows: &RecordBatch, now_ms: i64, late: &mut Vec<LateRow>) -> Result<Vec<Assigned>, OperatorError> {
        let local = self.windows.local_times(rows, now_ms)?;
        if let Some(start_column) = self.windows.start_column {
            let starts = times(rows.column(start_column)).map(|(values, _)| values);
            let starts = starts.ok_or_else(|| OperatorError::Internal("a window start that is no timestamp".into()))?;
            return Ok(self.without_late(by_window(local.iter().zip(starts).map(|(&end, &start)| (end, start))), local.len(), late));
        }
        if let (WindowKind::Tumble { size_ms, offset_ms }, Some(&least), Some(&most)) =
            (self.windows.kind, local.iter().min(), local.iter().max())
        {
            let start = window_time::window_start(least, offset_ms, size_ms);
            // Nearly every batch lies in one window.
            if most < start.saturating_add(size_ms) {
                return Ok(self.without_late(vec![((start.saturating_add(size_ms), start), Chosen::All)], local.len(), late));
            }
        }
        let mut found: BTreeMap<(i64, i64), Vec<u32>> = BTreeMap::new();
        for (row, &time_ms) in local.iter().enumerate() {
            let (mut is_counted, mut last) = (false, None);
            windows_of(self.windows.kind, time_ms, |start, end| {
                last = Some((start, end));
                if self.is_open(end) {
                    is_counted = true;
                    found.entry((end, start)).or_default().push(row as u32);
                }
            });
            if is_counted {
                continue;
            }
            // A time between two hopping windows lies in none: it is late only once the watermark has passed it.
            let (start_ms, end_ms) = last.unwrap_or((time_ms, time_ms.saturating_add(1)));
            if last.is_some() || !self.is_open(end_ms) {
                late.push(LateRow { row: row as u32, start_ms, end_ms });
            }
        }
        Ok(found.into_iter().map(|(window, rows)| (window, Chosen::Some(rows))).collect())
    }

    fn is_open(&self, end_ms: i64) -> bool {
        self.windows.is_processing_time || self.windows.complete_at_ms(end_ms) > self.watermark.ms
    }

    fn without_late(&self, mut found: Vec<Assigned>, all: usize, late: &mut Vec<LateRow>) -> Vec<Assigned> {
        found.retain(|&((end_ms, start_ms), ref chosen)| {
            let open = self.is_open(end_ms);
            if !open {
                let late_row = |row| LateRow { row, start_ms, end_ms };
                match chosen {
                    Chosen::All => late.extend((0..all as u32).map(late_row)),
                    Chosen::Some(rows) => late.extend(rows.iter().copied().map(late_row)),
                }
            }
            open
        });
        found
    }

    fn fire(&mut self, time_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.kept.fire(time_ms);
        self.emit(out)
    }

    /// Emits a portion of the windows that have fired.
    fn emit(&mut self, out: &mut Collector) -> Result<(), OperatorError> {
        let Self { spec, windows, kept, output, .. } = self;
        kept.emit_rest(spec, &mut |(end_ms, start_ms), groups, slots| {
            let slots: Vec<u32> = slots.iter().copied().filter(|&s| groups.counts[s as usize] != 0).collect();
            let keys: Vec<&[u8]> = slots.iter().map(|&s| groups.key(s)).collect();
            if !slots.is_empty() {
                out.emit(results(spec, groups, &slots, &keys, &vec![(start_ms, end_ms); slots.len()], windows, output)?);
            }
            Ok(())
        })
    }
}

/// A window (end, start) and its rows.
type Assigned = ((i64, i64), Chosen);

/// Rows of a batch.
enum Chosen {
    All,
    Some(Vec<u32>),
}

fn by_window(windows: impl Iterator<Item = (i64, i64)>) -> Vec<Assigned> {
    let mut found: BTreeMap<(i64, i64), Vec<u32>> = BTreeMap::new();
    for (row, window) in windows.enumerate() {
        found.entry(window).or_default().push(row as u32);
    }
    found.into_iter().map(|(window, rows)| (window, Chosen::Some(rows))).collect()
}

/// Emits the groups of the window with these bounds (start, end) that have rows.
pub(crate) fn emit_window(
    spec: &GroupSpec,
    groups: &Groups,
    bounds: (i64, i64),
    windows: &Windows,
    output: &SchemaRef,
    out: &mut Collector,
) -> Result<(), OperatorError> {
    let slots: Vec<u32> = groups.in_order().into_iter().filter(|&s| groups.counts[s as usize] != 0).collect();
    for slots in slots.chunks(EMIT_ROWS_MAX) {
        let keys: Vec<&[u8]> = slots.iter().map(|&s| groups.key(s)).collect();
        out.emit(results(spec, groups, slots, &keys, &vec![bounds; slots.len()], windows, output)?);
    }
    Ok(())
}

/// Rows of results: keys, calls, window start, end and time.
pub(crate) fn results(
    spec: &GroupSpec,
    groups: &Groups,
    slots: &[u32],
    keys: &[&[u8]],
    bounds: &[(i64, i64)],
    windows: &Windows,
    output: &SchemaRef,
) -> Result<Batch, OperatorError> {
    let mut columns = spec.key_columns(keys)?;
    columns.extend(groups.values(slots)?);
    columns.extend(bound_columns(bounds, windows, output));
    let options = RecordBatchOptions::new().with_row_count(Some(bounds.len()));
    Ok(Batch::inserts(RecordBatch::try_new_with_options(output.clone(), columns, &options)?))
}

/// Window start, end and time of windows with these bounds (start, end).
pub(crate) fn bound_columns(bounds: &[(i64, i64)], windows: &Windows, output: &SchemaRef) -> [ArrayRef; 3] {
    let wall = |times: Vec<i64>| Arc::new(TimestampMillisecondArray::from(times)) as ArrayRef;
    let (starts, ends) = (wall(bounds.iter().map(|b| b.0).collect()), wall(bounds.iter().map(|b| b.1).collect()));
    let is_instant = output
        .fields()
        .last()
        .is_some_and(|f| f.data_type() != &arrow_schema::DataType::Timestamp(arrow_schema::TimeUnit::Millisecond, None));
    let time: Vec<i64> = bounds.iter().map(|b| if is_instant { windows.time_of_ms(b.1) } else { b.1.saturating_sub(1) }).collect();
    let time = TimestampMillisecondArray::from(time);
    [starts, ends, if is_instant { Arc::new(time.with_timezone("UTC")) } else { Arc::new(time) }]
}

#[async_trait]
impl Operator for WindowAggregate {
    async fn process(&mut self, batch: Batch, now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        let keys = self.spec.key_bytes(&batch.rows)?;
        let retract = retractions(&batch);
        let mut late = Vec::new();
        for (window, chosen) in self.assign(&batch.rows, now_ms, &mut late)? {
            let chosen = match &chosen {
                Chosen::All => None,
                Chosen::Some(rows) => Some(rows.as_slice()),
            };
            self.kept.update(&self.spec, window, &batch, keys.as_ref(), (retract.as_deref(), chosen))?;
        }
        drop(keys);
        self.kept.make_room()?;
        self.late.take(&batch, &late, self.watermark.ms).await
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.watermark.rise(watermark_ms);
        // The end of a bounded input fires windows of the clock too, as Flink does.
        if self.windows.is_processing_time && watermark_ms < i64::MAX {
            return Ok(());
        }
        self.fire(watermark_ms, out)
    }

    fn next_timer_ms(&self) -> Option<i64> {
        if !self.windows.is_processing_time {
            return None;
        }
        self.kept.first().map(|(end_ms, _)| self.windows.complete_at_ms(end_ms))
    }

    async fn on_processing_time(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if self.windows.is_processing_time { self.fire(now_ms, out) } else { Ok(()) }
    }

    /// What is kept of a key group that was behind others has to leave before the watermark of all is told of it.
    async fn before_barrier(&mut self, _now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if self.windows.is_processing_time { Ok(()) } else { self.fire(self.watermark.ms, out) }
    }

    fn has_rest(&self) -> bool {
        self.kept.has_rest()
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
