//! The streaming plan: a tree of operators over typed columns, as the binder makes it and the engine runs it.
//!
//! Invariants: every node knows its output columns; expressions refer to input columns by position; a node's changelog
//! mode follows from its inputs alone ([`changelog`]).

pub mod analysis;
mod arrange;
pub mod changelog;
mod columns;
mod deduplicate;
mod emit;
mod empty;
pub mod explain;
mod filters;
mod grouping_sets;
mod interval_join;
mod join;
mod lookup_join;
mod match_recognize;
mod merge;
pub mod monotonicity;
mod over;
mod prune;
mod rank;
mod ranking;
pub mod reuse;
mod sides;
mod sort_key;
mod temporal_join;
mod temporal_sort;
mod upsert_key;
mod window;
mod window_join;
mod window_rank;

pub(crate) use arrange::one_zero;
pub use changelog::ChangelogMode;
pub use columns::{Lineage, PlanColumn, SourceColumn, TimeKind, WindowBound, WindowPart};
pub use deduplicate::{Deduplicate, Keep};
pub use emit::EmitStrategy;
pub(crate) use filters::pushed;
pub use grouping_sets::{set_masks, set_numbers};
pub use interval_join::{IntervalBounds, IntervalJoin};
pub(crate) use join::joined;
pub use join::{Join, JoinKey, JoinKind, SideRows};
pub use lookup_join::{LookupJoin, LookupKey};
pub use match_recognize::{MatchExpr, MatchOperand, MatchRecognize, MatchRows, MatchSkip, MatchVariable, OrderKey};
pub use over::{Frame, Over, SortColumn};
pub use rank::{Rank, RankRange, RankStrategy};
pub use ranking::Ranking;
pub use sort_key::SortKey;
pub use temporal_join::TemporalJoin;
pub use temporal_sort::TemporalSort;
pub use upsert_key::{UpsertKey, upsert_keys};
pub use window::{WindowKind, WindowSpec, WindowStrategy};
pub use window_join::WindowJoin;
pub(crate) use window_join::refused_window_join;
pub use window_rank::{AttachedWindow, WindowRank};

use crate::ast::Span;
use millrace_functions::{Expr, Typed, aggregate::AggregateFunction, table::TableFunction};
use millrace_model::DataType;
use std::{collections::BTreeMap, sync::Arc};

/// The plan as it is run: filters where they save most, and no column that nothing reads.
pub fn optimized(node: PlanNode) -> PlanNode {
    merge::merged(prune::prune(pushed(empty::without_empty(node))))
}

/// The plan as it is run, if it can be.
///
/// # Errors
/// A part that is written rightly and that no operator runs.
pub fn runnable(node: PlanNode) -> Result<PlanNode, crate::error::SqlError> {
    let node = optimized(node);
    match over::refused(&node) {
        Some(error) => Err(error.clone()),
        None => Ok(node),
    }
}

/// An operator of the plan with everything below it.
#[derive(Debug, Clone)]
pub struct PlanNode {
    /// What it does.
    pub kind: NodeKind,
    /// Its output columns.
    pub columns: Vec<PlanColumn>,
}

/// What an operator does.
#[derive(Debug, Clone)]
pub enum NodeKind {
    /// Reads a table of the session.
    Scan(Scan),
    /// Turns upserts into a changelog of all four kinds: the row before each change is known by its key.
    ChangelogNormalize {
        /// Where upserts come from.
        input: Box<PlanNode>,
        /// Columns of the primary key.
        keys: Vec<usize>,
        /// Rows for which it is not TRUE are as good as deleted.
        filter: Option<Expr>,
        /// A key without changes for so long is forgotten (`table.exec.state.ttl`).
        state_ttl_ms: Option<u64>,
    },
    /// Constant rows, once.
    Values {
        /// Rows of constant expressions, as wide as the columns.
        rows: Vec<Vec<Expr>>,
    },
    /// Filters, then computes: output column `i` is `projection[i]` over the input.
    Calc {
        /// Where rows come from.
        input: Box<PlanNode>,
        /// Rows for which it is not TRUE are dropped; seen before the projection.
        predicate: Option<Expr>,
        /// One expression per output column.
        projection: Vec<Expr>,
    },
    /// All rows of all inputs; columns by position.
    Union {
        /// At least one.
        inputs: Vec<PlanNode>,
    },
    /// Repeats each row once per grouping set: output is the input's columns, then `keys` (NULL where the set does not
    /// have the key), then the set's mask as `BIGINT NOT NULL` (bit `keys.len() - 1 - i` is set when key `i` is absent).
    Expand {
        /// Where rows come from.
        input: Box<PlanNode>,
        /// Input columns that are keys of any set.
        keys: Vec<usize>,
        /// Per set, which keys (positions in `keys`) it has.
        sets: Vec<Vec<usize>>,
    },
    /// A window table function: output is the input's columns, then `window_start`, `window_end`, `window_time`.
    /// Tumbling, hopping and cumulating windows need no state; sessions hold their rows until they close.
    WindowTable {
        /// Where rows come from.
        input: Box<PlanNode>,
        /// Which windows.
        window: WindowSpec,
    },
    /// Aggregates per window and key: output is keys, calls, then `window_start`, `window_end`, `window_time`.
    WindowAggregate {
        /// Where rows come from.
        input: Box<PlanNode>,
        /// How a row finds its windows.
        strategy: WindowStrategy,
        /// The window is a function in GROUP BY, the older form. Flink then merges the parts of a hopping window from the
        /// first to the last, else from the last to the first.
        is_group_window: bool,
        /// Results beside those at the end.
        emit: Option<EmitStrategy>,
        /// Input columns that are keys, beside the window.
        keys: Vec<usize>,
        /// What is computed.
        calls: Vec<AggregateCall>,
    },
    /// Aggregates per key, updating its result with every row: output is keys, calls.
    GroupAggregate {
        /// Where rows come from.
        input: Box<PlanNode>,
        /// Input columns that are keys; empty for one group of everything.
        keys: Vec<usize>,
        /// What is computed; empty for `DISTINCT`.
        calls: Vec<AggregateCall>,
        /// A key without rows for so long is forgotten (`STATE_TTL` hint, `table.exec.state.ttl`).
        state_ttl_ms: Option<u64>,
        /// Collect rows before emitting (`table.exec.mini-batch.*`).
        mini_batch: Option<MiniBatch>,
        /// Where in the text it comes from.
        span: Option<Span>,
    },
    /// Aggregates over the rows before each row.
    Over(Over),
    /// Rows of a table function joined to the row that they come from: output is the input's columns, then the function's.
    Correlate {
        /// Where rows come from.
        input: Box<PlanNode>,
        /// What makes the rows.
        function: Correlation,
        /// A row without answers is kept with NULLs (`LEFT JOIN … ON TRUE`).
        is_left: bool,
    },
    /// Finds patterns in the rows of each partition: output is the keys, then the measures.
    MatchRecognize(Box<MatchRecognize>),
    /// A regular join.
    Join(Join),
    /// A join of rows of the same window.
    WindowJoin(WindowJoin),
    /// Rows joined to those of a dimension table as it is now.
    LookupJoin(LookupJoin),
    /// Rows of two inputs joined by their times.
    IntervalJoin(IntervalJoin),
    /// Rows joined to the versions that were valid at their time.
    TemporalJoin(TemporalJoin),
    /// The first rows of each partition.
    Rank(Rank),
    /// The first or last row of each key by time.
    Deduplicate(Deduplicate),
    /// The first rows of each partition of each window.
    WindowRank(WindowRank),
    /// Rows in the order of their time.
    TemporalSort(TemporalSort),
}

/// Reads a table.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The table's name in the session.
    pub table: String,
    /// The physical and metadata columns that are read, in output order.
    pub physical: Vec<ScanColumn>,
    /// The watermark that a row stands for, as an expression over the output columns (a timestamp), if declared.
    pub watermark: Option<Expr>,
    /// The source's own watermarks count (`SOURCE_WATERMARK()`).
    pub is_source_watermark: bool,
    /// Kinds of changes that the table holds.
    pub changes: ChangelogMode,
    /// Columns of its primary key; empty without one.
    pub key: Vec<String>,
    /// Options of the table's `WITH`, those of `/*+ OPTIONS(…) */` over them.
    pub options: BTreeMap<String, String>,
}

/// A column that a scan reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanColumn {
    /// Its name in the record, or the metadata key.
    pub name: String,
    /// Whether it is metadata of the record.
    pub is_metadata: bool,
    /// Its type.
    pub typed: Typed,
}

/// One aggregate call.
#[derive(Debug, Clone)]
pub struct AggregateCall {
    /// The function.
    pub function: Arc<dyn AggregateFunction>,
    /// Input columns that are its arguments, already of `argument_types`.
    pub arguments: Vec<usize>,
    /// Types of the arguments.
    pub argument_types: Vec<DataType>,
    /// `DISTINCT`
    pub distinct: bool,
    /// A BOOLEAN input column; only rows with TRUE count.
    pub filter: Option<usize>,
    /// Type of the result.
    pub result: Typed,
}

/// What a `Correlate` calls.
#[derive(Debug, Clone)]
pub enum Correlation {
    /// `UNNEST`: one row per element; a ROW element becomes its fields.
    Unnest {
        /// An array, map or multiset over the input.
        collection: Expr,
        /// Adds the element's position from 1, as `INT NOT NULL`.
        with_ordinality: bool,
        /// Whether elements are ROWs that become one column per field.
        flatten: bool,
    },
    /// A table function.
    Function {
        /// The function.
        function: Arc<dyn TableFunction>,
        /// Its arguments over the input.
        arguments: Vec<Expr>,
    },
}

/// Collecting rows before emitting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MiniBatch {
    /// Emit at the latest after so many rows.
    pub size: u64,
    /// Emit at the latest after so long.
    pub allow_latency_ms: u64,
}

impl PlanNode {
    /// The nodes right below.
    pub fn inputs(&self) -> Vec<&PlanNode> {
        match &self.kind {
            NodeKind::Scan(_) | NodeKind::Values { .. } => Vec::new(),
            NodeKind::Union { inputs } => inputs.iter().collect(),
            NodeKind::MatchRecognize(node) => vec![&node.input],
            NodeKind::Join(join) => vec![&join.left, &join.right],
            NodeKind::WindowJoin(join) => vec![&join.left, &join.right],
            NodeKind::IntervalJoin(join) => vec![&join.left, &join.right],
            NodeKind::TemporalJoin(join) => vec![&join.left, &join.right],
            NodeKind::Calc { input, .. }
            | NodeKind::ChangelogNormalize { input, .. }
            | NodeKind::Expand { input, .. }
            | NodeKind::WindowTable { input, .. }
            | NodeKind::WindowAggregate { input, .. }
            | NodeKind::GroupAggregate { input, .. }
            | NodeKind::Over(Over { input, .. })
            | NodeKind::Correlate { input, .. }
            | NodeKind::LookupJoin(LookupJoin { input, .. })
            | NodeKind::Rank(Rank { input, .. })
            | NodeKind::Deduplicate(Deduplicate { input, .. })
            | NodeKind::WindowRank(WindowRank { input, .. })
            | NodeKind::TemporalSort(TemporalSort { input, .. }) => vec![input],
        }
    }

    /// The nodes right below, to be changed.
    pub fn inputs_mut(&mut self) -> Vec<&mut PlanNode> {
        match &mut self.kind {
            NodeKind::Scan(_) | NodeKind::Values { .. } => Vec::new(),
            NodeKind::Union { inputs } => inputs.iter_mut().collect(),
            NodeKind::MatchRecognize(node) => vec![&mut node.input],
            NodeKind::Join(join) => vec![&mut join.left, &mut join.right],
            NodeKind::WindowJoin(join) => vec![&mut join.left, &mut join.right],
            NodeKind::IntervalJoin(join) => vec![&mut join.left, &mut join.right],
            NodeKind::TemporalJoin(join) => vec![&mut join.left, &mut join.right],
            NodeKind::Calc { input, .. }
            | NodeKind::ChangelogNormalize { input, .. }
            | NodeKind::Expand { input, .. }
            | NodeKind::WindowTable { input, .. }
            | NodeKind::WindowAggregate { input, .. }
            | NodeKind::GroupAggregate { input, .. }
            | NodeKind::Over(Over { input, .. })
            | NodeKind::Correlate { input, .. }
            | NodeKind::LookupJoin(LookupJoin { input, .. })
            | NodeKind::Rank(Rank { input, .. })
            | NodeKind::Deduplicate(Deduplicate { input, .. })
            | NodeKind::WindowRank(WindowRank { input, .. })
            | NodeKind::TemporalSort(TemporalSort { input, .. }) => vec![input],
        }
    }

    /// The look-ups in this tree.
    pub fn lookups(&self) -> Vec<&LookupJoin> {
        let own = if let NodeKind::LookupJoin(join) = &self.kind { Some(join) } else { None };
        own.into_iter().chain(self.inputs().into_iter().flat_map(PlanNode::lookups)).collect()
    }

    /// The scans in this tree.
    pub fn scans(&self) -> Vec<&Scan> {
        match &self.kind {
            NodeKind::Scan(scan) => vec![scan],
            _ => self.inputs().into_iter().flat_map(PlanNode::scans).collect(),
        }
    }
}
