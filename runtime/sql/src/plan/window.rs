//! Windows: their kinds and how a row finds its own.
//!
//! Alignment is Flink's (`TimeWindow.getWindowStartWithOffset`): windows start at multiples of the size (or slide) plus
//! the offset, counted from the epoch in the window's wall-clock time: for TIMESTAMP that is the value itself, for
//! TIMESTAMP_LTZ the session's time zone.

/// Kinds of windows; all lengths in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WindowKind {
    /// Back to back.
    Tumble {
        /// Length.
        size_ms: i64,
        /// Shift of the alignment.
        offset_ms: i64,
    },
    /// Of one size, starting every slide.
    Hop {
        /// Length.
        size_ms: i64,
        /// Distance between starts.
        slide_ms: i64,
        /// Shift of the alignment.
        offset_ms: i64,
    },
    /// Growing by steps up to the largest size, then starting anew.
    Cumulate {
        /// Largest length.
        size_ms: i64,
        /// Growth; divides the size.
        step_ms: i64,
        /// Shift of the alignment.
        offset_ms: i64,
    },
    /// Rows of a key that are nearer than the gap.
    Session {
        /// Silence that ends a session.
        gap_ms: i64,
    },
}

/// A window over a time attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowSpec {
    /// Which windows.
    pub kind: WindowKind,
    /// The input column that is the time attribute (`TIMESTAMP(3)` or `TIMESTAMP_LTZ(3)`).
    pub time_column: usize,
    /// Processing time: the column is ignored, the clock decides.
    pub is_processing_time: bool,
    /// The time attribute is a TIMESTAMP_LTZ: windows align in the session's zone.
    pub is_local_zone: bool,
    /// `PARTITION BY` of a session: input columns.
    pub partition_keys: Vec<usize>,
}

/// How a row finds the window that it is aggregated in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WindowStrategy {
    /// By its time attribute.
    Time(WindowSpec),
    /// It carries its window already: these input columns hold start and end (`TIMESTAMP(3)` in wall-clock time).
    Attached {
        /// Column of the start.
        start_column: usize,
        /// Column of the end.
        end_column: usize,
        /// The kind, for people.
        kind: WindowKind,
        /// Window ends are reached by the clock, not the watermark.
        is_processing_time: bool,
        /// Ends are wall-clock times of the session's zone.
        is_local_zone: bool,
    },
}
