//! `ORDER BY` a time attribute, ascending, then perhaps others: rows come out when no earlier one can come any more.
//!
//! Output is the input's columns. The input only adds rows; so does the output.

use super::{
    NodeKind, PlanColumn, PlanNode, SortKey,
    prune::{Moved, narrow, pick},
    sort_key,
};
use std::collections::BTreeSet;

/// Puts rows into the order of their time.
#[derive(Debug, Clone)]
pub struct TemporalSort {
    /// Where rows come from.
    pub input: Box<PlanNode>,
    /// The event-time column; the clock if there is none.
    pub time_column: Option<usize>,
    /// Keys behind the time.
    pub order: Vec<SortKey>,
}

impl TemporalSort {
    /// The same over an input without the columns that nothing reads.
    pub(super) fn narrowed(self, columns: Vec<PlanColumn>, required: &BTreeSet<usize>) -> (PlanNode, Moved) {
        let mut used = required.clone();
        used.extend(self.time_column.into_iter().chain(self.order.iter().map(|k| k.column)));
        let (input, moved) = narrow(*self.input, &used);
        let kept: BTreeSet<usize> = (0..columns.len()).filter(|&i| moved[i].is_some()).collect();
        let time_column = self.time_column.map(|i| moved[i].unwrap_or_default());
        let order = self.order.iter().map(|k| k.moved(&moved)).collect();
        let node = Self { time_column, order, input: Box::new(input) };
        (PlanNode { kind: NodeKind::TemporalSort(node), columns: pick(columns, &kept) }, moved)
    }

    /// In the manner of Flink's `EXPLAIN`.
    pub(super) fn text(&self) -> String {
        let columns = &self.input.columns;
        let time = self.time_column.map_or("PROCTIME".to_owned(), |i| format!("{} ASC", columns[i].name));
        let order = sort_key::text(&self.order, columns);
        format!("TemporalSort(orderBy=[{time}{}{order}]", if order.is_empty() { "" } else { ", " })
    }
}
