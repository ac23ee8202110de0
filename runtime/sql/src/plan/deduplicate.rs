//! The first or the last row of each key by time (Flink's `Deduplicate`): a Top-N of one row by a time attribute.
//!
//! Output is the input's columns. The input only adds rows.

use super::{
    ChangelogMode, NodeKind, PlanColumn, PlanNode, UpsertKey,
    prune::{Moved, narrow, pick},
};
use crate::ast::Span;
use std::collections::BTreeSet;

/// Keeps one row per key.
#[derive(Debug, Clone)]
pub struct Deduplicate {
    /// Where rows come from.
    pub input: Box<PlanNode>,
    /// Input columns that are the key.
    pub keys: Vec<usize>,
    /// Which row stays.
    pub keep: Keep,
    /// The event-time column; by the clock, that is in the order of arrival, if there is none.
    pub time_column: Option<usize>,
    /// The first row by event time comes out once, when the watermark has reached it, instead of at once and perhaps replaced
    /// by an earlier one later.
    pub waits: bool,
    /// A key without rows for so long is forgotten.
    pub state_ttl_ms: Option<u64>,
    /// Where in the text it comes from.
    pub span: Option<Span>,
}

/// Which of the rows of a key stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keep {
    /// The one with the least time, of equal ones the first that came.
    First,
    /// The one with the greatest time, of equal ones the last that came.
    Last,
}

impl Deduplicate {
    /// What it emits.
    pub(super) fn changelog_mode(&self) -> ChangelogMode {
        let is_final = self.keep == Keep::First && (self.time_column.is_none() || self.waits);
        ChangelogMode { updates: !is_final, deletes: false, is_upsert: false }
    }

    /// Keys of its output.
    pub(super) fn upsert_keys(&self) -> Vec<UpsertKey> {
        vec![self.keys.iter().copied().collect()]
    }

    /// The same over an input without the columns that nothing reads.
    pub(super) fn narrowed(self, columns: Vec<PlanColumn>, required: &BTreeSet<usize>) -> (PlanNode, Moved) {
        let used: BTreeSet<usize> = required.iter().chain(&self.keys).chain(&self.time_column).copied().collect();
        let (input, moved) = narrow(*self.input, &used);
        let place = |i: usize| moved[i].unwrap_or_default();
        let kept: BTreeSet<usize> = (0..columns.len()).filter(|&i| moved[i].is_some()).collect();
        let keys = self.keys.iter().map(|&k| place(k)).collect();
        let node = Self { keys, time_column: self.time_column.map(place), input: Box::new(input), ..self };
        (PlanNode { kind: NodeKind::Deduplicate(node), columns: pick(columns, &kept) }, moved)
    }

    /// In the manner of Flink's `EXPLAIN`.
    pub(super) fn text(&self) -> String {
        let keep = match self.keep {
            Keep::First => "FirstRow",
            Keep::Last => "LastRow",
        };
        let keys = super::explain::names(&self.keys, &self.input.columns);
        let order = if self.time_column.is_some() { "ROWTIME" } else { "PROCTIME" };
        let ttl = self.state_ttl_ms.map(|ms| format!(", stateTtl=[{ms} ms]")).unwrap_or_default();
        format!("Deduplicate(keep=[{keep}], key=[{keys}], order=[{order}]{ttl}")
    }
}
