//! Top-N: the first rows of each partition in some order (Flink's `rank` operators).
//!
//! Which rows leave, and as what, is Flink's: with ranks every row that is shifted is an update of its rank; without them
//! only the row that falls out leaves (`-D`) before the one that comes in (`+I`); of one row alone (`rn = 1`) the change is
//! an update. Rows with equal sort keys are ranked as they came.
//!
//! Invariant: rows are kept as bytes between batches; within a batch a row that comes in is its number until it is known
//! to stay, so rows that are pushed out at once are never copied.

mod counted;
mod first_rows;
mod retractable;

use super::{
    changes::Changes,
    groups::{BlobWriter, read_i64},
    row_bytes::{ByteRows, RowBytes},
    sort_bytes::{SortBytes, Sorted},
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorSnapshot},
    state::{KeyGroupBlobs, StateError, encode_bytes},
};
use arrow_array::{
    Array, ArrayRef, RecordBatch,
    cast::AsArray,
    types::{Int16Type, Int32Type, Int64Type},
};
use arrow_schema::{DataType, SchemaRef};
use async_trait::async_trait;
use millrace_model::{Batch, ChangeKind, Schema};
use millrace_sql::plan::{RankRange, RankStrategy, SortKey};
use std::{collections::BTreeMap, sync::Arc};

const PARTITIONS: &str = "partitions";

/// What is ranked, how.
#[derive(Debug, Clone)]
pub(crate) struct RankSpec {
    pub partition_keys: Vec<usize>,
    pub order: Vec<SortKey>,
    pub range: RankRange,
    pub strategy: RankStrategy,
    pub outputs_rank: bool,
}

impl RankSpec {
    /// Changes whenever the meaning of the state does. Whether the rank is shown makes no difference to what is kept.
    pub(crate) fn signature(&self) -> String {
        format!("rank {:?} {:?} {:?} {:?}", self.partition_keys, self.order, self.range, self.strategy)
    }
}

/// What all ways to keep rows have in common.
struct Ranking {
    range: RankRange,
    outputs_rank: bool,
    partitions: RowBytes,
    sorts: SortBytes,
    rows: RowBytes,
    /// Epoch milliseconds.
    now_ms: i64,
    ttl_ms: Option<i64>,
}

impl Ranking {
    fn is_live(&self, written_ms: i64) -> bool {
        self.ttl_ms.is_none_or(|ttl| written_ms.saturating_add(ttl) > self.now_ms)
    }

    fn is_top1(&self) -> bool {
        self.range == RankRange::Constant { first: 1, last: 1 }
    }

    /// The first rank that is shown.
    fn first(&self) -> u64 {
        match self.range {
            RankRange::Constant { first, .. } => first,
            RankRange::Column(_) => 1,
        }
    }

    /// Whether rows that are shifted are told.
    fn is_numbered(&self) -> bool {
        self.outputs_rank || self.first() > 1
    }

    /// The last rank for a partition whose first row is row `row` of the batch.
    fn last(&self, batch: &RecordBatch, row: usize) -> u64 {
        match self.range {
            RankRange::Constant { last, .. } => last,
            RankRange::Column(column) => number_at(batch.column(column), row),
        }
    }
}

/// A number of rows from a column; NULL and what is negative is none.
fn number_at(column: &ArrayRef, row: usize) -> u64 {
    if column.is_null(row) {
        return 0;
    }
    let value = match column.data_type() {
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row),
        _ => 0,
    };
    u64::try_from(value).unwrap_or(0)
}

/// The rows of a batch, as bytes where they are asked for.
struct Incoming<'b> {
    batch: &'b Batch,
    partitions: ByteRows,
    sorts: Sorted,
}

impl Incoming<'_> {
    fn kind(&self, row: usize) -> u8 {
        self.batch.kinds.as_ref().map_or(ChangeKind::Insert as u8, |k| k.value(row))
    }
}

/// How rows are kept.
trait Keeping: Send {
    /// Takes the rows of a batch in.
    fn take_in(&mut self, ranking: &Ranking, incoming: &Incoming<'_>, changes: &mut Changes) -> Result<(), OperatorError>;

    /// Forgets what has expired.
    fn sweep(&mut self, ranking: &Ranking);

    /// Writes all live partitions.
    fn snapshot(&self, ranking: &Ranking, blobs: &mut BlobWriter) -> Result<(), OperatorError>;

    /// Takes a partition back: `state` is what [`Self::snapshot`] wrote of it.
    fn restore(&mut self, ranking: &Ranking, key: &[u8], state: &mut &[u8]) -> Result<(), OperatorError>;
}

pub(crate) struct RankOperator {
    ranking: Ranking,
    keeping: Box<dyn Keeping>,
    swept_ms: i64,
    output: SchemaRef,
    /// Whether the row that a change replaces is told.
    tells_before: bool,
}

impl RankOperator {
    pub(crate) fn new(
        spec: &RankSpec,
        state_ttl_ms: Option<u64>,
        input: &Schema,
        output: SchemaRef,
        restored: &BTreeMap<String, KeyGroupBlobs>,
    ) -> Result<Self, OperatorError> {
        let all: Vec<usize> = (0..input.fields().len()).collect();
        let ranking = Ranking {
            range: spec.range,
            outputs_rank: spec.outputs_rank,
            partitions: RowBytes::new(&spec.partition_keys, input)?,
            sorts: SortBytes::new(&spec.order, input)?,
            rows: RowBytes::new(&all, input)?,
            now_ms: 0,
            ttl_ms: state_ttl_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
        };
        let keeping: Box<dyn Keeping> = match &spec.strategy {
            RankStrategy::First => Box::new(counted::Counted::default()),
            RankStrategy::Append => Box::new(first_rows::FirstRows::new(None)),
            RankStrategy::Update { row_keys } => Box::new(first_rows::FirstRows::new(Some(RowBytes::new(row_keys, input)?))),
            RankStrategy::Retract => Box::new(retractable::Retractable::default()),
        };
        let mut made = Self { ranking, keeping, swept_ms: 0, output, tells_before: true };
        for (&group, blob) in restored.get(PARTITIONS).into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = made.ranking.partitions.stored_key(group, &mut blob)?;
                made.keeping.restore(&made.ranking, key, &mut blob)?;
            }
        }
        Ok(made)
    }
}

#[async_trait]
impl Operator for RankOperator {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.ranking.now_ms = now_ms;
        if let Some(ttl_ms) = self.ranking.ttl_ms
            && now_ms.saturating_sub(self.swept_ms) >= ttl_ms / 2
        {
            self.swept_ms = now_ms;
            self.keeping.sweep(&self.ranking);
        }
        let mut changes = Changes::telling(self.tells_before);
        {
            let (partitions, sorts) = (self.ranking.partitions.convert(&batch.rows)?, self.ranking.sorts.convert(&batch.rows)?);
            let incoming = Incoming { batch: &batch, partitions, sorts };
            self.keeping.take_in(&self.ranking, &incoming, &mut changes)?;
        }
        if !changes.is_empty() {
            out.emit(changes.into_batch(&batch, &self.ranking.rows, self.ranking.outputs_rank, &self.output)?);
        }
        Ok(())
    }

    fn leave_out_before(&mut self) {
        self.tells_before = false;
    }

    async fn snapshot(&mut self, now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        self.ranking.now_ms = now_ms;
        let mut blobs = BlobWriter::default();
        self.keeping.snapshot(&self.ranking, &mut blobs)?;
        Ok(OperatorSnapshot { keyed: BTreeMap::from([(PARTITIONS.to_owned(), blobs.finish())]), ..OperatorSnapshot::default() })
    }
}

/// Appends a row that is kept.
fn put_row(written_ms: i64, row: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&written_ms.to_le_bytes());
    encode_bytes(row, out);
}

/// Rows of a partition as they come back: when each was written, its bytes, its sort key and its row key.
struct Restored {
    written_ms: Vec<i64>,
    rows: Vec<Arc<[u8]>>,
    sorts: Sorted,
    keys: Option<ByteRows>,
}

/// Takes `count` rows off the front; they must be in their order.
fn read_rows(ranking: &Ranking, row_keys: Option<&RowBytes>, state: &mut &[u8]) -> Result<Restored, OperatorError> {
    let count = read_i64(state)?;
    let (mut written_ms, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..count {
        written_ms.push(read_i64(state)?);
        bytes.push(ranking.rows.stored_row(state)?);
    }
    let columns = ranking.rows.columns(&bytes)?;
    let batch = super::rows_of(&columns, bytes.len())?;
    let sorts = ranking.sorts.convert(&batch)?;
    if (1..bytes.len()).any(|i| sorts.get(i - 1) > sorts.get(i)) {
        return Err(StateError("the rows of a partition are not in their order".into()).into());
    }
    let keys = row_keys.map(|keys| keys.convert(&batch)).transpose()?;
    Ok(Restored { written_ms, rows: bytes.into_iter().map(Arc::from).collect(), sorts, keys })
}
