//! A Top-N before it is known by which operator it is run.
//!
//! Within windows it is a window Top-N, by a time attribute and of one row a deduplication, else a ranking.

use crate::ast::Span;

use super::{
    AttachedWindow, Deduplicate, Keep, NodeKind, PlanNode, Rank, RankRange, SortKey, TimeKind, WindowBound, WindowPart, WindowRank,
    changelog::changelog_mode,
};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// Where rows come from.
    pub input: Box<PlanNode>,
    /// `PARTITION BY`: input columns.
    pub partition_keys: Vec<usize>,
    /// `ORDER BY`
    pub order: Vec<SortKey>,
    /// Which ranks.
    pub range: RankRange,
    /// The rank is the last output column.
    pub outputs_rank: bool,
    /// What is not written for so long is forgotten.
    pub state_ttl_ms: Option<u64>,
    /// Rows are collected before they are sent on: nothing waits for the watermark then.
    pub is_mini_batch: bool,
    /// Where in the text it comes from.
    pub span: Option<Span>,
}

impl Ranking {
    /// The window in which rows are ranked, if PARTITION BY names both its bounds.
    pub fn window(&self) -> Option<(AttachedWindow, WindowPart)> {
        let part = |bound: WindowBound, of: Option<usize>| {
            self.partition_keys.iter().find_map(|&key| {
                let part = self.input.columns[key].window.filter(|p| p.bound == bound)?;
                of.is_none_or(|id| id == part.id).then_some((key, part))
            })
        };
        let (start_column, start) = part(WindowBound::Start, None)?;
        let (end_column, _) = part(WindowBound::End, Some(start.id))?;
        Some((AttachedWindow { start_column, end_column, kind: start.kind, is_local_zone: start.is_local_zone }, start))
    }

    /// The operator that answers it.
    pub fn into_node(self) -> NodeKind {
        let is_append = changelog_mode(&self.input).is_insert_only();
        let by_time = match self.order.as_slice() {
            [only] if self.is_one_row() && is_append && !self.outputs_rank => self.input.columns[only.column].time.map(|t| (*only, t)),
            _ => None,
        };
        if let (Some((window, part)), RankRange::Constant { first, last }, true) = (self.window(), self.range, is_append) {
            let bounds = |key: &usize| self.input.columns[*key].window.is_some_and(|p| p.id == part.id);
            let partition_keys = self.partition_keys.iter().copied().filter(|key| !bounds(key)).collect();
            let last_of_equal = by_time.is_some_and(|(key, time)| key.descending && time == TimeKind::Rowtime);
            let (input, order, outputs_rank) = (self.input, self.order, self.outputs_rank);
            return NodeKind::WindowRank(WindowRank { input, window, partition_keys, order, last_of_equal, first, last, outputs_rank });
        }
        if let Some((key, time)) = by_time {
            let keep = if key.descending { Keep::Last } else { Keep::First };
            let time_column = (time == TimeKind::Rowtime).then_some(key.column);
            let waits = keep == Keep::First && time_column.is_some() && !self.is_mini_batch;
            let (input, keys, state_ttl_ms, span) = (self.input, self.partition_keys, self.state_ttl_ms, self.span);
            return NodeKind::Deduplicate(Deduplicate { input, keys, keep, time_column, waits, state_ttl_ms, span });
        }
        NodeKind::Rank(self.into_rank())
    }

    /// As a ranking, whatever else it could be.
    pub fn into_rank(self) -> Rank {
        let strategy = Rank::strategy_for(&self.input, &self.partition_keys, &self.order);
        Rank {
            input: self.input,
            partition_keys: self.partition_keys,
            order: self.order,
            range: self.range,
            strategy,
            outputs_rank: self.outputs_rank,
            state_ttl_ms: self.state_ttl_ms,
            is_mini_batch: self.is_mini_batch,
            span: self.span,
        }
    }

    fn is_one_row(&self) -> bool {
        self.range == RankRange::Constant { first: 1, last: 1 }
    }
}

impl From<Rank> for Ranking {
    fn from(rank: Rank) -> Self {
        let Rank { input, partition_keys, order, range, outputs_rank, state_ttl_ms, is_mini_batch, span, strategy: _ } = rank;
        Self { input, partition_keys, order, range, outputs_rank, state_ttl_ms, is_mini_batch, span }
    }
}

impl Rank {
    /// The same without the rank in its output: perhaps another operator then, for one without ranks has less to tell.
    pub(super) fn without_rank(self) -> NodeKind {
        Ranking { outputs_rank: false, ..Ranking::from(self) }.into_node()
    }
}
