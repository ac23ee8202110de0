//! Columns of plan nodes: type, time attribute, window property, lineage.

use super::window::WindowKind;
use millrace_functions::Typed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// An output column of a plan node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanColumn {
    /// Its name; not unique within a node.
    pub name: String,
    /// Its type.
    pub typed: Typed,
    /// Whether windows and watermarks may refer to it.
    pub time: Option<TimeKind>,
    /// Set when the column is a bound of the window that the row lies in.
    pub window: Option<WindowPart>,
    /// Columns of tables that its value is made from.
    pub lineage: Lineage,
}

/// Which time a time attribute is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeKind {
    /// Event time, with watermarks.
    Rowtime,
    /// The clock.
    Proctime,
    /// Event time before a regular join: Flink still takes it for a window in GROUP BY, and for nothing else.
    JoinedRowtime,
}

/// A bound of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowPart {
    /// Which bound.
    pub bound: WindowBound,
    /// Which windows.
    pub kind: WindowKind,
    /// Windows of processing time.
    pub is_processing_time: bool,
    /// Wall-clock times of the session's zone.
    pub is_local_zone: bool,
    /// Tells windows of different window functions apart.
    pub id: usize,
}

/// Bounds of windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowBound {
    /// `window_start`
    Start,
    /// `window_end`
    End,
    /// `window_time`
    Time,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceColumn {
    /// The table's name in the session.
    pub table: String,
    /// The column's name.
    pub column: String,
}

/// Where a value comes from.
pub type Lineage = BTreeSet<SourceColumn>;

impl PlanColumn {
    /// A column that is neither time attribute nor window bound and comes from nowhere.
    pub fn new(name: impl Into<String>, typed: Typed) -> Self {
        Self { name: name.into(), typed, time: None, window: None, lineage: Lineage::new() }
    }
}
