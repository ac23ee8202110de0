//! Top-N: the first rows of each partition in some order (Flink's `rank` operators).
//!
//! Which rows leave, and as what, is Flink's: with ranks every row that is shifted is an update of its rank; without them
//! only the row that falls out leaves (`-D`) before the one that comes in (`+I`); of one row alone (`rn = 1`) the change is
//! an update. Rows with equal sort keys are ranked as they came.
//!
//! Invariant: rows are kept as bytes between batches; within a batch a row that comes in is its number until it is known
//! to stay, so rows that are pushed out at once are never copied. Partitions of a batch are in memory while it is handled.

mod counted;
mod first_rows;
mod partitions;
mod retractable;

use super::{
    changes::Changes,
    row_bytes::{ByteRows, RowBytes},
    sort_bytes::{SortBytes, Sorted},
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
};
use arrow_array::{
    Array, ArrayRef, RecordBatch,
    cast::AsArray,
    types::{Int16Type, Int32Type, Int64Type},
};
use arrow_schema::{DataType, SchemaRef};
use async_trait::async_trait;
use millrace_model::{Batch, ChangeKind, ids::CheckpointId};
use millrace_sql::plan::{RankRange, RankStrategy, SortKey};
use partitions::{PartitionStore, Partitions};

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
    fn sweep(&mut self, ranking: &Ranking) -> Result<(), OperatorError>;

    /// Where the partitions are.
    fn store(&mut self) -> &mut dyn PartitionStore;
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
        output: SchemaRef,
        context: &mut OperatorContext,
    ) -> Result<Self, OperatorError> {
        let input = &context.input;
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
        let row_keys = match &spec.strategy {
            RankStrategy::Update { row_keys } => Some(RowBytes::new(row_keys, input)?),
            RankStrategy::First | RankStrategy::Append | RankStrategy::Retract => None,
        };
        let keeping: Box<dyn Keeping> = match &spec.strategy {
            RankStrategy::First => Box::new(counted::Counted(Partitions::open(&ranking, None, context)?)),
            RankStrategy::Append | RankStrategy::Update { .. } => {
                Box::new(first_rows::FirstRows::new(Partitions::open(&ranking, row_keys, context)?))
            }
            RankStrategy::Retract => Box::new(retractable::Retractable(Partitions::open(&ranking, None, context)?)),
        };
        Ok(Self { ranking, keeping, swept_ms: 0, output, tells_before: true })
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
            self.keeping.sweep(&self.ranking)?;
        }
        let mut changes = Changes::telling(self.tells_before);
        {
            let (partitions, sorts) = (self.ranking.partitions.convert(&batch.rows)?, self.ranking.sorts.convert(&batch.rows)?);
            let incoming = Incoming { batch: &batch, partitions, sorts };
            self.keeping.store().load(&self.ranking, &incoming)?;
            self.keeping.take_in(&self.ranking, &incoming, &mut changes)?;
            self.keeping.store().make_room()?;
        }
        if !changes.is_empty() {
            out.emit(changes.into_batch(&batch, &self.ranking.rows, self.ranking.outputs_rank, &self.output)?);
        }
        Ok(())
    }

    fn leave_out_before(&mut self) {
        self.tells_before = false;
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.keeping.store().committed(checkpoint);
    }

    async fn snapshot(&mut self, now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        self.ranking.now_ms = now_ms;
        let mut all = OperatorSnapshot::default();
        all.put(PARTITIONS, self.keeping.store().snapshot(&self.ranking)?);
        Ok(all)
    }
}
