//! Top-N: the first rows of each partition in some order, also `LIMIT`, which is the order of arrival.
//!
//! Output is the input's columns, then the rank as `BIGINT NOT NULL` if it is wanted. Which algorithm keeps the rows
//! follows from what the input may change, as in Flink's `RankProcessStrategy`.

use super::{
    ChangelogMode, NodeKind, PlanColumn, PlanNode, SortKey, UpsertKey,
    changelog::changelog_mode,
    monotonicity::{self, Monotonicity},
    prune::{Moved, narrow, pick},
    sort_key, upsert_keys,
};
use crate::ast::Span;
use std::collections::BTreeSet;

/// Keeps the rows whose rank lies in a range.
#[derive(Debug, Clone)]
pub struct Rank {
    /// Where rows come from.
    pub input: Box<PlanNode>,
    /// `PARTITION BY`: input columns.
    pub partition_keys: Vec<usize>,
    /// `ORDER BY`; without keys the order is that of arrival.
    pub order: Vec<SortKey>,
    /// Which ranks.
    pub range: RankRange,
    /// How rows are kept.
    pub strategy: RankStrategy,
    /// The rank is the last output column.
    pub outputs_rank: bool,
    /// What is not written for so long is forgotten.
    pub state_ttl_ms: Option<u64>,
    /// Rows are collected before they are sent on: a deduplication that this may become waits for nothing then.
    pub is_mini_batch: bool,
    /// Where in the text it comes from.
    pub span: Option<Span>,
}

/// Which ranks pass; the first row has rank 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RankRange {
    /// From `first` to `last`.
    Constant {
        /// At least 1.
        first: u64,
        /// At least 1.
        last: u64,
    },
    /// Up to the value of this input column in the first row of the partition.
    Column(usize),
}

/// How rows are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RankStrategy {
    /// The input only adds rows, and they come in the order: a counter is enough.
    First,
    /// The input only adds rows: those beyond the range are forgotten.
    Append,
    /// Rows are told apart by these columns and only rise: those beyond the range are forgotten, a rising row replaces its
    /// former self. The input's `-U` says nothing new.
    Update {
        /// Input columns, the partition keys among them.
        row_keys: Vec<usize>,
    },
    /// Rows may be taken back: all are kept.
    Retract,
}

impl Rank {
    /// The strategy that fits the input.
    pub fn strategy_for(input: &PlanNode, partition_keys: &[usize], order: &[SortKey]) -> RankStrategy {
        let mode = changelog_mode(input);
        if mode.is_insert_only() {
            let is_clock = |key: &SortKey| input.columns[key.column].time == Some(super::TimeKind::Proctime);
            let in_order = order.is_empty() || (SortKey::is_only_ascending(order) && is_clock(&order[0]));
            return if in_order { RankStrategy::First } else { RankStrategy::Append };
        }
        if mode.deletes || order.is_empty() {
            return RankStrategy::Retract;
        }
        let partition: BTreeSet<usize> = partition_keys.iter().copied().collect();
        let key = upsert_keys(input).into_iter().find(|key| key.is_superset(&partition));
        let rises = monotonicity::of(input).is_some_and(|found| {
            order.iter().all(|key| match found[key.column] {
                Monotonicity::Constant => true,
                Monotonicity::Increasing => key.descending,
                Monotonicity::Decreasing => !key.descending,
                Monotonicity::None => false,
            })
        });
        match key {
            Some(key) if rises => RankStrategy::Update { row_keys: key.into_iter().collect() },
            _ => RankStrategy::Retract,
        }
    }

    /// One row per partition, without its rank.
    pub fn is_top1(&self) -> bool {
        self.range == RankRange::Constant { first: 1, last: 1 }
    }

    /// Rows that are shifted are told one by one: the rank is shown, or the range does not begin with the first row.
    pub fn is_numbered(&self) -> bool {
        self.outputs_rank || matches!(self.range, RankRange::Constant { first, .. } if first > 1)
    }

    /// What it emits.
    pub(super) fn changelog_mode(&self) -> ChangelogMode {
        let mode = |updates, deletes| ChangelogMode { updates, deletes, is_upsert: false };
        match &self.strategy {
            RankStrategy::First => ChangelogMode::INSERT_ONLY,
            RankStrategy::Append | RankStrategy::Update { .. } if self.is_top1() => mode(true, false),
            RankStrategy::Append | RankStrategy::Update { .. } if self.is_numbered() => mode(true, false),
            RankStrategy::Append => mode(false, true),
            RankStrategy::Update { .. } => mode(true, true),
            RankStrategy::Retract if self.is_numbered() => mode(true, true),
            RankStrategy::Retract => mode(false, true),
        }
    }

    /// Keys of its output. A row that is shifted out of the range leaves as the old half of another row's update, so keys of
    /// the input are no keys of numbered rows.
    pub(super) fn upsert_keys(&self) -> Vec<UpsertKey> {
        let partition: UpsertKey = self.partition_keys.iter().copied().collect();
        if self.is_top1() {
            return vec![partition];
        }
        if self.outputs_rank {
            return vec![partition.into_iter().chain([self.input.columns.len()]).collect()];
        }
        if self.is_numbered() {
            return Vec::new();
        }
        upsert_keys(&self.input).into_iter().filter(|key| key.is_superset(&partition)).collect()
    }

    /// The input columns that it reads itself.
    fn reads(&self) -> BTreeSet<usize> {
        let mut used: BTreeSet<usize> = self.partition_keys.iter().copied().chain(self.order.iter().map(|k| k.column)).collect();
        match &self.strategy {
            RankStrategy::Update { row_keys } => used.extend(row_keys),
            RankStrategy::First | RankStrategy::Append | RankStrategy::Retract => {}
        }
        if let RankRange::Column(column) = self.range {
            used.insert(column);
        }
        used
    }

    /// The same over an input without the columns that nothing reads.
    pub(super) fn narrowed(self, columns: Vec<PlanColumn>, required: &BTreeSet<usize>) -> (PlanNode, Moved) {
        let width = self.input.columns.len();
        if self.outputs_rank && !required.contains(&width) {
            let mut columns = columns;
            columns.pop();
            let (node, mut moved) = narrow(PlanNode { kind: self.without_rank(), columns }, required);
            moved.push(None);
            return (node, moved);
        }
        let mut used: BTreeSet<usize> = required.iter().copied().filter(|&i| i < width).collect();
        used.extend(self.reads());
        let (input, below) = narrow(*self.input, &used);
        let place = |i: usize| below[i].unwrap_or_default();
        let mut moved = below.clone();
        let kept: BTreeSet<usize> = (0..width).filter(|&i| below[i].is_some()).chain(self.outputs_rank.then_some(width)).collect();
        if self.outputs_rank {
            moved.push(Some(input.columns.len()));
        }
        let rank = Self {
            partition_keys: self.partition_keys.iter().map(|&k| place(k)).collect(),
            order: self.order.iter().map(|k| k.moved(&below)).collect(),
            range: match self.range {
                RankRange::Column(column) => RankRange::Column(place(column)),
                constant @ RankRange::Constant { .. } => constant,
            },
            strategy: match self.strategy {
                RankStrategy::Update { row_keys } => RankStrategy::Update { row_keys: row_keys.into_iter().map(place).collect() },
                other => other,
            },
            input: Box::new(input),
            ..self
        };
        (PlanNode { kind: NodeKind::Rank(rank), columns: pick(columns, &kept) }, moved)
    }

    /// In the manner of Flink's `EXPLAIN`.
    pub(super) fn text(&self) -> String {
        let columns = &self.input.columns;
        let strategy = match &self.strategy {
            RankStrategy::First => "FirstStrategy".to_owned(),
            RankStrategy::Append => "AppendFastStrategy".to_owned(),
            RankStrategy::Update { row_keys } => format!("UpdateFastStrategy({})", super::explain::names(row_keys, columns)),
            RankStrategy::Retract => "RetractStrategy".to_owned(),
        };
        let range = match self.range {
            RankRange::Constant { first, last } => format!("rankStart={first}, rankEnd={last}"),
            RankRange::Column(column) => format!("rankEnd={}", columns[column].name),
        };
        let partition = super::explain::names(&self.partition_keys, columns);
        let order = sort_key::text(&self.order, columns);
        let ttl = self.state_ttl_ms.map(|ms| format!(", stateTtl=[{ms} ms]")).unwrap_or_default();
        format!("Rank(strategy=[{strategy}], rankRange=[{range}], partitionBy=[{partition}], orderBy=[{order}]{ttl}")
    }
}
