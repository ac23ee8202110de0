//! The first rows of each partition of each window, in some order, when the watermark passes the window's end (Flink's
//! `WindowRankProcessor` and `RowTimeWindowDeduplicateProcessor`).
//!
//! Rows beyond the range are forgotten at once; rows of windows that have fired are late.

use super::{
    groups::read_i64,
    kept_watermark::KeptWatermark,
    late_rows::{LateRow, LateRows},
    row_bytes::RowBytes,
    slots::Slots,
    sort_bytes::SortBytes,
    tiered_sessions::PutState,
    tiered_windows::{TieredWindows, Window, WindowContents, WindowsForm},
    window_aggregate::Windows,
    window_time::times,
};
use crate::{
    error::OperatorError,
    key::KeyGroup,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
    state::{StateError, encode_bytes},
};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, UInt32Array};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use millrace_model::{Batch, ids::CheckpointId, take_rows};
use millrace_sql::plan::SortKey;
use std::{collections::BTreeMap, sync::Arc};

const WINDOWS: &str = "windows";
/// Rows per emitted batch at most.
const EMIT_ROWS_MAX: usize = 8_192;
/// What a row takes besides its bytes and those it is sorted by.
const ROW_BYTES: usize = 64;
/// What a partition takes besides its key and rows.
const PARTITION_BYTES: usize = 96;
/// Partitions that are looked at to estimate what one takes.
const SAMPLE: usize = 64;

/// What is ranked in each window.
#[derive(Debug, Clone)]
pub(crate) struct WindowRankSpec {
    pub partition_keys: Vec<usize>,
    pub order: Vec<SortKey>,
    pub last_of_equal: bool,
    pub first: u64,
    pub last: u64,
    pub outputs_rank: bool,
}

impl WindowRankSpec {
    /// Changes whenever the meaning of the state does.
    pub(crate) fn signature(&self) -> String {
        format!("window rank {:?} {:?} {} {}", self.partition_keys, self.order, self.last_of_equal, self.last)
    }
}

pub(crate) struct WindowRank {
    spec: WindowRankSpec,
    windows: Windows,
    bytes: RankBytes,
    kept: TieredWindows<RankedRows>,
    watermark: KeptWatermark,
    late: LateRows,
    output: SchemaRef,
}

/// Byte forms of partitions and rows.
struct RankBytes {
    partitions: RowBytes,
    sorts: SortBytes,
    rows: RowBytes,
}

/// The first rows of each partition of a window.
#[derive(Default)]
struct RankedRows {
    slots: Slots<Vec<Ranked>>,
}

struct Ranked {
    sort: Box<[u8]>,
    row: Row,
}

enum Row {
    /// Row of the batch at hand.
    Fresh(u32),
    Stored(Box<[u8]>),
}

impl WindowRank {
    pub(crate) fn new(
        spec: WindowRankSpec,
        windows: Windows,
        late: LateRows,
        output: SchemaRef,
        context: &mut OperatorContext,
    ) -> Result<Self, OperatorError> {
        let input = &context.input;
        let all: Vec<usize> = (0..input.fields().len()).collect();
        let bytes = RankBytes {
            partitions: RowBytes::new(&spec.partition_keys, input)?,
            sorts: SortBytes::new(&spec.order, input)?,
            rows: RowBytes::new(&all, input)?,
        };
        let watermark = KeptWatermark::open(context)?;
        let complete = windows.clone();
        let form = WindowsForm {
            name: WINDOWS,
            has_starts: true,
            is_by_clock: false,
            completes_ms: Box::new(move |(end_ms, _)| complete.complete_at_ms(end_ms)),
        };
        let kept = TieredWindows::open(form, &bytes, &watermark, context)?;
        Ok(Self { spec, windows, bytes, kept, watermark, late, output })
    }

    /// Takes rows in; answers those that are late.
    fn take_in(&mut self, batch: &Batch) -> Result<Vec<LateRow>, OperatorError> {
        let ends = self.windows.local_times(&batch.rows, 0)?;
        let starts = self.windows.start_column.and_then(|column| times(batch.rows.column(column))).map(|(values, _)| values);
        let starts = starts.ok_or_else(|| OperatorError::Internal("a window start that is no timestamp".into()))?;
        let (partitions, sorts) = (self.bytes.partitions.convert(&batch.rows)?, self.bytes.sorts.convert(&batch.rows)?);
        let (mut late, mut found) = (Vec::new(), BTreeMap::<Window, Vec<u32>>::new());
        for (row, (&end_ms, &start_ms)) in ends.iter().zip(starts).enumerate() {
            if self.windows.complete_at_ms(end_ms) <= self.watermark.ms {
                late.push(LateRow { row: row as u32, start_ms, end_ms });
                continue;
            }
            found.entry((end_ms, start_ms)).or_default().push(row as u32);
        }
        for (window, rows) in found {
            let bucket = self.kept.bring(&self.bytes, window, rows.iter().map(|&row| partitions.get(row as usize)))?;
            let mut touched = Vec::new();
            for &row in &rows {
                let slot = bucket.slots.slot(partitions.get(row as usize), Vec::new);
                let Some(ranked) = bucket.slots.get_mut(slot) else { continue };
                if self.spec.insert(ranked, sorts.get(row as usize), row) {
                    touched.push(slot);
                }
            }
            touched.sort_unstable();
            touched.dedup();
            settle(&self.bytes.rows, batch, bucket, &touched)?;
            self.kept.changed(window, touched);
        }
        self.kept.make_room()?;
        Ok(late)
    }

    /// Emits a portion of the windows that have fired.
    fn emit(&mut self, out: &mut Collector) -> Result<(), OperatorError> {
        let Self { spec, bytes, kept, output, .. } = self;
        kept.emit_rest(bytes, &mut |_, bucket, slots| {
            let (mut rows, mut ranks): (Vec<&[u8]>, Vec<i64>) = (Vec::new(), Vec::new());
            for ranked in slots.iter().filter_map(|&slot| bucket.slots.get(slot)) {
                for (position, ranked) in ranked.iter().enumerate() {
                    let rank = position as u64 + 1;
                    if let Row::Stored(row) = &ranked.row
                        && (spec.first..=spec.last).contains(&rank)
                    {
                        rows.push(row);
                        ranks.push(i64::try_from(rank).unwrap_or(i64::MAX));
                    }
                }
            }
            for (rows, ranks) in rows.chunks(EMIT_ROWS_MAX).zip(ranks.chunks(EMIT_ROWS_MAX)) {
                let mut columns = bytes.rows.columns(rows)?;
                if spec.outputs_rank {
                    let ranks: ArrayRef = Arc::new(Int64Array::from(ranks.to_vec()));
                    columns.push(ranks);
                }
                out.emit(Batch::inserts(RecordBatch::try_new(output.clone(), columns)?));
            }
            Ok(())
        })
    }
}

/// Rows of the batch that are kept become bytes.
fn settle(rows: &RowBytes, batch: &Batch, bucket: &mut RankedRows, touched: &[u32]) -> Result<(), OperatorError> {
    let mut fresh: Vec<u32> = Vec::new();
    for &slot in touched {
        let ranked = bucket.slots.get(slot).into_iter().flatten();
        fresh.extend(ranked.filter_map(|r| if let Row::Fresh(row) = r.row { Some(row) } else { None }));
    }
    let bytes = rows.convert(&take_rows(&batch.rows, &UInt32Array::from(fresh))?)?;
    let mut next = 0;
    for &slot in touched {
        let ranked = bucket.slots.get_mut(slot).into_iter().flatten();
        for ranked in ranked.filter(|r| matches!(r.row, Row::Fresh(_))) {
            ranked.row = Row::Stored(bytes.get(next).into());
            next += 1;
        }
    }
    Ok(())
}

impl WindowContents for RankedRows {
    type Spec = RankBytes;

    fn new(_spec: &RankBytes) -> Result<Self, OperatorError> {
        Ok(Self::default())
    }

    fn check_key(spec: &RankBytes, group: KeyGroup, key: &[u8]) -> Result<(), StateError> {
        spec.partitions.check_key(group, key)
    }

    fn len(&self) -> usize {
        self.slots.count()
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        self.slots.find_hashed(hash, key)
    }

    fn hash(&self, slot: u32) -> u64 {
        self.slots.hash(slot)
    }

    fn key(&self, slot: u32) -> &[u8] {
        self.slots.key(slot)
    }

    fn in_order(&self) -> Vec<u32> {
        (0..self.slots.len() as u32).filter(|&slot| self.slots.get(slot).is_some()).collect()
    }

    fn remove(&mut self, slot: u32) {
        self.slots.remove(slot);
    }

    fn states<'a>(&'a self, slots: &'a [u32]) -> Result<PutState<'a>, OperatorError> {
        Ok(Box::new(move |position, out| {
            let Some(ranked) = slots.get(position).and_then(|&slot| self.slots.get(slot)) else { return };
            out.extend_from_slice(&(ranked.len() as i64).to_le_bytes());
            for ranked in ranked {
                if let Row::Stored(row) = &ranked.row {
                    encode_bytes(row, out);
                }
            }
        }))
    }

    fn take_in(&mut self, spec: &RankBytes, _hash: u64, key: &[u8], state: &mut &[u8]) -> Result<u32, OperatorError> {
        let count = read_i64(state)?;
        let mut stored = Vec::new();
        for _ in 0..count {
            stored.push(spec.rows.stored_row(state)?);
        }
        let batch = super::rows_of(&spec.rows.columns(&stored)?, stored.len())?;
        let sorts = spec.sorts.convert(&batch)?;
        if (1..stored.len()).any(|i| sorts.get(i - 1) > sorts.get(i)) {
            return Err(StateError("the rows of a partition are not in their order".into()).into());
        }
        let ranked = |(i, row): (usize, &&[u8])| Ranked { sort: sorts.get(i).into(), row: Row::Stored((*row).into()) };
        let ranked = stored.iter().enumerate().map(ranked).collect();
        Ok(self.slots.slot(key, || ranked))
    }

    fn bytes_per_key(&self) -> Result<u64, OperatorError> {
        let (mut count, mut bytes) = (0, 0);
        for (key, ranked) in self.slots.iter().take(SAMPLE) {
            let row_bytes = |r: &Ranked| ROW_BYTES + r.sort.len() + if let Row::Stored(row) = &r.row { row.len() } else { 0 };
            (count, bytes) = (count + 1, bytes + PARTITION_BYTES + key.len() + ranked.iter().map(row_bytes).sum::<usize>());
        }
        Ok((bytes / count.max(1)) as u64)
    }
}

impl WindowRankSpec {
    /// Puts a row into its place; answers whether it is kept.
    fn insert(&self, ranked: &mut Vec<Ranked>, sort: &[u8], row: u32) -> bool {
        let goes_before = |other: &Ranked| if self.last_of_equal { sort <= other.sort.as_ref() } else { sort < other.sort.as_ref() };
        if ranked.len() as u64 >= self.last && !ranked.last().is_some_and(goes_before) {
            return false;
        }
        let at = ranked.partition_point(|other| !goes_before(other));
        ranked.insert(at, Ranked { sort: sort.into(), row: Row::Fresh(row) });
        ranked.truncate(usize::try_from(self.last).unwrap_or(usize::MAX));
        true
    }
}

#[async_trait]
impl Operator for WindowRank {
    async fn process(&mut self, batch: Batch, _now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        let late = self.take_in(&batch)?;
        self.late.take(&batch, &late, self.watermark.ms).await
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.watermark.rise(watermark_ms);
        self.kept.fire(watermark_ms);
        self.emit(out)
    }

    /// What is kept of a key group that was behind others has to leave before the watermark of all is told of it.
    async fn before_barrier(&mut self, _now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.kept.fire(self.watermark.ms);
        self.emit(out)
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
