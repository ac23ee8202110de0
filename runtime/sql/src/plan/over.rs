//! `OVER` aggregation: per row its own columns and the results over the rows before it.
//!
//! By time, results are final and rows only come; by another column a row that comes changes the results of those behind it.

use super::{
    AggregateCall, ChangelogMode, NodeKind, PlanNode, TimeKind, UpsertKey,
    explain::{call_texts, names},
    prune::{Moved, appended, narrow},
};
use crate::{ast::Span, error::SqlError};
use std::collections::BTreeSet;

/// Aggregates over the rows before each row: output is the input's columns, then the calls'.
#[derive(Debug, Clone)]
pub struct Over {
    /// Where rows come from.
    pub input: Box<PlanNode>,
    /// `PARTITION BY`: input columns.
    pub keys: Vec<usize>,
    /// `ORDER BY`: input columns.
    pub order: Vec<SortColumn>,
    /// The time that rows are ordered by; `None` when it is another column.
    pub time: Option<TimeKind>,
    /// Which rows count.
    pub frame: Frame,
    /// What is computed.
    pub calls: Vec<AggregateCall>,
    /// A key without rows for so long is forgotten (`STATE_TTL` hint, `table.exec.state.ttl`).
    pub state_ttl_ms: Option<u64>,
    /// Why it cannot be run as it stands: the window is one that only ranks can have. Whoever makes a rank of it never asks.
    pub refused: Option<Box<SqlError>>,
    /// Where the first call stands.
    pub span: Span,
}

/// A column that rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortColumn {
    /// Which.
    pub column: usize,
    /// `DESC`
    pub descending: bool,
    /// NULL comes before all values.
    pub nulls_first: bool,
}

/// The rows that count for a row; the last is the row itself, or all of its time (or of equal order).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// `ROWS`: counted in rows, and rows of one time are told apart. Else `RANGE`.
    pub is_rows: bool,
    /// Rows (`ROWS`) or milliseconds (`RANGE`) before the row; `None` is `UNBOUNDED PRECEDING`.
    pub preceding: Option<u64>,
}

impl Over {
    /// Whether a key that is silent for longer than the frame is forgotten.
    pub(super) fn forgets(&self) -> bool {
        self.time.is_some() && !self.frame.is_rows && self.frame.preceding.is_some()
    }

    /// What it emits.
    pub(super) fn changelog_mode(&self) -> ChangelogMode {
        if self.time.is_some() { ChangelogMode::INSERT_ONLY } else { ChangelogMode::ALL }
    }

    /// Keys of the input, those of which all changes come to one place: they hold what rows are partitioned by.
    pub(super) fn upsert_keys(&self) -> Vec<UpsertKey> {
        let holds_partition = |key: &UpsertKey| self.keys.iter().all(|k| key.contains(k));
        super::upsert_keys(&self.input).into_iter().filter(holds_partition).collect()
    }

    /// The same over only the columns that are needed.
    pub(super) fn narrowed(self, columns: Vec<super::PlanColumn>, required: &BTreeSet<usize>) -> (PlanNode, Moved) {
        let mut used: BTreeSet<usize> = required.iter().copied().filter(|&i| i < self.input.columns.len()).collect();
        used.extend(self.keys.iter().copied().chain(self.order.iter().map(|o| o.column)));
        used.extend(self.calls.iter().flat_map(|c| c.arguments.iter().chain(&c.filter)));
        let (before, (input, below)) = (self.input.columns.len(), narrow(*self.input, &used));
        let place = |i: usize| below[i].unwrap_or_default();
        let call = |call: AggregateCall| AggregateCall {
            arguments: call.arguments.iter().map(|&a| place(a)).collect(),
            filter: call.filter.map(place),
            ..call
        };
        let (columns, moved) = appended(columns, &below, before, &input);
        let over = Over {
            keys: self.keys.iter().map(|&k| place(k)).collect(),
            order: self.order.iter().map(|o| SortColumn { column: place(o.column), ..*o }).collect(),
            calls: self.calls.into_iter().map(call).collect(),
            input: Box::new(input),
            ..self
        };
        (PlanNode { kind: NodeKind::Over(over), columns }, moved)
    }

    /// In the manner of Flink's `EXPLAIN`, without the closing parenthesis.
    pub(super) fn text(&self) -> String {
        let columns = &self.input.columns;
        let keys = names(&self.keys, columns);
        let keys = if keys.is_empty() { keys } else { format!("partitionBy=[{keys}], ") };
        let order = |o: &SortColumn| format!("{} {}", columns[o.column].name, if o.descending { "DESC" } else { "ASC" });
        let order: Vec<String> = self.order.iter().map(order).collect();
        let unit = if self.frame.is_rows { "ROWS" } else { "RANGE" };
        let from = match self.frame.preceding {
            None => "UNBOUNDED PRECEDING".to_owned(),
            Some(n) if self.frame.is_rows => format!("{n} PRECEDING"),
            Some(ms) => format!("{ms} ms PRECEDING"),
        };
        let ttl = match (self.frame, self.time) {
            (Frame { is_rows: false, preceding: Some(_) }, _) => String::new(),
            _ => self.state_ttl_ms.map(|ms| format!(", stateTtl=[{ms} ms]")).unwrap_or_default(),
        };
        format!(
            "OverAggregate({keys}orderBy=[{}], window=[{unit} BETWEEN {from} AND CURRENT ROW], select=[{}]{ttl}",
            order.join(", "),
            call_texts(&self.calls, &self.input)
        )
    }
}

/// Why this plan cannot be run: an `OVER` of it has a window that only ranks can have.
pub fn refused(node: &PlanNode) -> Option<&SqlError> {
    if let NodeKind::Over(Over { refused: Some(error), .. }) = &node.kind {
        return Some(error);
    }
    node.inputs().into_iter().find_map(refused)
}
