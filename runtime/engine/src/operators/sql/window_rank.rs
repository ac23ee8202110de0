//! The first rows of each partition of each window, in some order, when the watermark passes the window's end (Flink's
//! `WindowRankProcessor` and `RowTimeWindowDeduplicateProcessor`).
//!
//! Rows beyond the range are forgotten at once; rows of windows that have fired are late.

use super::{
    groups::{BlobWriter, read_i64},
    kept_watermark::KeptWatermark,
    late_rows::{LateRow, LateRows},
    row_bytes::RowBytes,
    slots::Slots,
    sort_bytes::SortBytes,
    window_aggregate::Windows,
    window_time::times,
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
    state::{StateError, encode_bytes},
};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, UInt32Array};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use millrace_model::{Batch, take_rows};
use millrace_sql::plan::SortKey;
use std::{collections::BTreeMap, sync::Arc};

const WINDOWS: &str = "windows";

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
    partitions: RowBytes,
    sorts: SortBytes,
    rows: RowBytes,
    /// By end, then start (wall clock).
    buckets: BTreeMap<(i64, i64), Slots<Vec<Ranked>>>,
    watermark: KeptWatermark,
    late: LateRows,
    output: SchemaRef,
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
        context: &OperatorContext,
    ) -> Result<Self, OperatorError> {
        let input = &context.input;
        let all: Vec<usize> = (0..input.fields().len()).collect();
        let mut made = Self {
            partitions: RowBytes::new(&spec.partition_keys, input)?,
            sorts: SortBytes::new(&spec.order, input)?,
            rows: RowBytes::new(&all, input)?,
            spec,
            windows,
            buckets: BTreeMap::new(),
            watermark: KeptWatermark::open(context)?,
            late,
            output,
        };
        for (&group, blob) in context.restored.get(WINDOWS).into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = made.partitions.stored_key(group, &mut blob)?;
                let window = (read_i64(&mut blob)?, read_i64(&mut blob)?);
                let count = read_i64(&mut blob)?;
                let mut stored = Vec::new();
                for _ in 0..count {
                    stored.push(made.rows.stored_row(&mut blob)?);
                }
                let batch = super::rows_of(&made.rows.columns(&stored)?, stored.len())?;
                let sorts = made.sorts.convert(&batch)?;
                if (1..stored.len()).any(|i| sorts.get(i - 1) > sorts.get(i)) {
                    return Err(StateError("the rows of a partition are not in their order".into()).into());
                }
                let ranked = |(i, row): (usize, &&[u8])| Ranked { sort: sorts.get(i).into(), row: Row::Stored((*row).into()) };
                let ranked = stored.iter().enumerate().map(ranked).collect();
                made.buckets.entry(window).or_default().slot(key, || ranked);
            }
        }
        Ok(made)
    }

    /// Takes rows in; answers those that are late.
    fn take_in(&mut self, batch: &Batch) -> Result<Vec<LateRow>, OperatorError> {
        let ends = self.windows.local_times(&batch.rows, 0)?;
        let starts = self.windows.start_column.and_then(|column| times(batch.rows.column(column))).map(|(values, _)| values);
        let starts = starts.ok_or_else(|| OperatorError::Internal("a window start that is no timestamp".into()))?;
        let (partitions, sorts) = (self.partitions.convert(&batch.rows)?, self.sorts.convert(&batch.rows)?);
        let (mut late, mut touched) = (Vec::new(), Vec::new());
        for (row, (&end_ms, &start_ms)) in ends.iter().zip(starts).enumerate() {
            if self.windows.complete_at_ms(end_ms) <= self.watermark.ms {
                late.push(LateRow { row: row as u32, start_ms, end_ms });
                continue;
            }
            let bucket = self.buckets.entry((end_ms, start_ms)).or_default();
            let slot = bucket.slot(partitions.get(row), Vec::new);
            let Some(ranked) = bucket.get_mut(slot) else { continue };
            if self.spec.insert(ranked, sorts.get(row), row as u32) {
                touched.push(((end_ms, start_ms), slot));
            }
        }
        touched.sort_unstable();
        touched.dedup();
        self.settle(batch, &touched)?;
        Ok(late)
    }

    /// Rows of the batch that are kept become bytes.
    fn settle(&mut self, batch: &Batch, touched: &[((i64, i64), u32)]) -> Result<(), OperatorError> {
        let mut fresh: Vec<u32> = Vec::new();
        for (window, slot) in touched {
            let rows = self.buckets.get(window).and_then(|bucket| bucket.get(*slot)).into_iter().flatten();
            fresh.extend(rows.filter_map(|r| if let Row::Fresh(row) = r.row { Some(row) } else { None }));
        }
        let bytes = self.rows.convert(&take_rows(&batch.rows, &UInt32Array::from(fresh))?)?;
        let mut next = 0;
        for (window, slot) in touched {
            let rows = self.buckets.get_mut(window).and_then(|bucket| bucket.get_mut(*slot)).into_iter().flatten();
            for ranked in rows.filter(|r| matches!(r.row, Row::Fresh(_))) {
                ranked.row = Row::Stored(bytes.get(next).into());
                next += 1;
            }
        }
        Ok(())
    }

    fn emit(&self, bucket: &Slots<Vec<Ranked>>, out: &mut Collector) -> Result<(), OperatorError> {
        let (mut rows, mut ranks): (Vec<&[u8]>, Vec<i64>) = (Vec::new(), Vec::new());
        for (_, ranked) in bucket.iter() {
            for (position, ranked) in ranked.iter().enumerate() {
                let rank = position as u64 + 1;
                if let Row::Stored(row) = &ranked.row
                    && (self.spec.first..=self.spec.last).contains(&rank)
                {
                    rows.push(row);
                    ranks.push(i64::try_from(rank).unwrap_or(i64::MAX));
                }
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let mut columns = self.rows.columns(&rows)?;
        if self.spec.outputs_rank {
            let ranks: ArrayRef = Arc::new(Int64Array::from(ranks));
            columns.push(ranks);
        }
        out.emit(Batch::inserts(RecordBatch::try_new(self.output.clone(), columns)?));
        Ok(())
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
        while let Some(entry) = self.buckets.first_entry() {
            if self.windows.complete_at_ms(entry.key().0) > watermark_ms {
                break;
            }
            let bucket = entry.remove();
            self.emit(&bucket, out)?;
        }
        Ok(())
    }

    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let mut blobs = BlobWriter::default();
        for ((end_ms, start_ms), bucket) in &self.buckets {
            for (key, ranked) in bucket.iter() {
                blobs.entry(key, |out| {
                    out.extend_from_slice(&end_ms.to_le_bytes());
                    out.extend_from_slice(&start_ms.to_le_bytes());
                    out.extend_from_slice(&(ranked.len() as i64).to_le_bytes());
                    for ranked in ranked {
                        if let Row::Stored(row) = &ranked.row {
                            encode_bytes(row, out);
                        }
                    }
                });
            }
        }
        let mut keyed = BTreeMap::from([(WINDOWS.to_owned(), blobs.finish())]);
        self.watermark.add_to(&mut keyed);
        Ok(OperatorSnapshot { keyed, ..OperatorSnapshot::default() })
    }
}
