//! Window Top-N and window deduplication: the first rows of each partition of each window, once the window is complete.
//!
//! Output is the input's columns, then the rank as `BIGINT NOT NULL` if it is wanted. The input carries its windows and
//! only adds rows; so does the output.

use super::{
    NodeKind, PlanColumn, PlanNode, SortKey, UpsertKey, WindowKind,
    prune::{Moved, narrow, pick},
    sort_key,
};
use std::collections::BTreeSet;

/// Keeps the rows of each window whose rank lies in a range.
#[derive(Debug, Clone)]
pub struct WindowRank {
    /// Where rows come from.
    pub input: Box<PlanNode>,
    /// The window that a row lies in.
    pub window: AttachedWindow,
    /// `PARTITION BY` without the window's bounds: input columns.
    pub partition_keys: Vec<usize>,
    /// `ORDER BY`
    pub order: Vec<SortKey>,
    /// Of rows that are equal by `order` the last that came is first: the last row by time is kept.
    pub last_of_equal: bool,
    /// The first rank that passes, from 1.
    pub first: u64,
    /// The last rank that passes.
    pub last: u64,
    /// The rank is the last output column.
    pub outputs_rank: bool,
}

/// Where rows carry their window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachedWindow {
    /// Column of the start.
    pub start_column: usize,
    /// Column of the end (`TIMESTAMP(3)` in wall-clock time).
    pub end_column: usize,
    /// The kind, for people.
    pub kind: WindowKind,
    /// Ends are wall-clock times of the session's zone.
    pub is_local_zone: bool,
}

impl WindowRank {
    /// Keys of its output.
    pub(super) fn upsert_keys(&self) -> Vec<UpsertKey> {
        let window = [self.window.start_column, self.window.end_column];
        let partition = || self.partition_keys.iter().copied().chain(window);
        if self.first == 1 && self.last == 1 {
            return vec![partition().collect()];
        }
        self.outputs_rank.then(|| partition().chain([self.input.columns.len()]).collect()).into_iter().collect()
    }

    /// The same over an input without the columns that nothing reads.
    pub(super) fn narrowed(self, columns: Vec<PlanColumn>, required: &BTreeSet<usize>) -> (PlanNode, Moved) {
        let width = self.input.columns.len();
        if self.outputs_rank && !required.contains(&width) {
            let mut columns = columns;
            columns.pop();
            let (node, mut moved) = Self { outputs_rank: false, ..self }.narrowed(columns, required);
            moved.push(None);
            return (node, moved);
        }
        let mut used: BTreeSet<usize> = required.iter().copied().filter(|&i| i < width).collect();
        used.extend(self.partition_keys.iter().copied().chain(self.order.iter().map(|k| k.column)));
        used.extend([self.window.start_column, self.window.end_column]);
        let (input, below) = narrow(*self.input, &used);
        let place = |i: usize| below[i].unwrap_or_default();
        let mut moved = below.clone();
        let kept: BTreeSet<usize> = (0..width).filter(|&i| below[i].is_some()).chain(self.outputs_rank.then_some(width)).collect();
        if self.outputs_rank {
            moved.push(Some(input.columns.len()));
        }
        let window =
            AttachedWindow { start_column: place(self.window.start_column), end_column: place(self.window.end_column), ..self.window };
        let partition_keys = self.partition_keys.iter().map(|&k| place(k)).collect();
        let order = self.order.iter().map(|k| k.moved(&below)).collect();
        let node = Self { window, partition_keys, order, input: Box::new(input), ..self };
        (PlanNode { kind: NodeKind::WindowRank(node), columns: pick(columns, &kept) }, moved)
    }

    /// In the manner of Flink's `EXPLAIN`.
    pub(super) fn text(&self) -> String {
        let columns = &self.input.columns;
        let window = super::explain::window_text(self.window.kind, &columns[self.window.end_column].name);
        let (first, last) = (self.first, self.last);
        let partition = super::explain::names(&self.partition_keys, columns);
        let order = sort_key::text(&self.order, columns);
        format!("WindowRank(window=[{window}], rankRange=[rankStart={first}, rankEnd={last}], partitionBy=[{partition}], orderBy=[{order}]")
    }
}
