//! Words of temp tables (TMP-1).

use crate::text_enum::text_enum;

text_enum! {
    /// What a job does with a temp table.
    TableUseDirection, "use of a table", {
        /// It is a source.
        Read = "read",
        /// It is a sink.
        Write = "write",
    }
}

/// Shortest time that a temp table can keep records: a job that was stopped for a moment must find them.
pub const RETENTION_MS_MIN: i64 = 60_000;
/// Longest: a temp table is no archive.
pub const RETENTION_MS_MAX: i64 = 90 * 24 * 3_600_000;
