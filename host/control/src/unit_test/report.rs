//! What a unit test shows of itself. Plain data: the API turns it into its own wire types.

use crate::FailureReport;
use millrace_domain::golden::GoldenMode;
use millrace_engine::{RecentLetter, trial::CollectedPage};
use millrace_model::Schema;
use serde::Serialize;

/// How far a unit test is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitTestState {
    /// Rows flow.
    Running,
    /// Every row has gone through the job, and all that was expected was found.
    Passed,
    /// Every row has gone through the job; something else was expected.
    Differs,
    /// Every row has gone through the job; nothing was expected.
    Finished,
    /// The job failed.
    Failed,
    /// It used all that it may: time or fuel.
    OutOfBounds,
    /// Somebody ended it.
    Cancelled,
}

/// A unit test.
#[derive(Debug, Clone, Serialize)]
pub struct UnitTestReport {
    /// Its id, `ut_…`.
    pub id: String,
    /// Id of the job.
    pub job: String,
    /// The job's name.
    pub job_name: String,
    /// Who runs it.
    pub by: String,
    /// How far it is.
    pub state: UnitTestState,
    /// The seed of its order.
    pub seed: u64,
    /// Since when, in epoch milliseconds.
    pub started_at_ms: i64,
    /// Until when.
    pub ended_at_ms: Option<i64>,
    /// Per source.
    pub sources: Vec<UnitTestSource>,
    /// Per sink.
    pub sinks: Vec<UnitTestSink>,
    /// Late records that were dropped, of all operators.
    pub late_rows: u64,
    /// Dead letters: bad and late records, rows on which a plugin failed.
    pub dead_letters: u64,
    /// The newest of them.
    pub recent_dead_letters: Vec<RecentLetter>,
    /// What ended it, if that was not its last row.
    pub failure: Option<FailureReport>,
    /// What may not be as its author thinks.
    pub warnings: Vec<String>,
    /// Fuel burnt by its plugins.
    pub fuel: u64,
}

/// A source of a unit test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnitTestSource {
    /// The node.
    pub node: String,
    /// The table that it would read.
    pub table: String,
    /// Rows of its package.
    pub rows: u64,
    /// Rows read so far.
    pub rows_read: u64,
    /// Late ones that were dropped.
    pub late_rows: u64,
    /// Ones that could not be read.
    pub bad_rows: u64,
    /// Its watermark, in epoch milliseconds.
    pub watermark_ms: Option<i64>,
}

/// A sink of a unit test.
#[derive(Debug, Clone, Serialize)]
pub struct UnitTestSink {
    /// The node.
    pub node: String,
    /// The table that it would write.
    pub table: String,
    /// Columns of its rows.
    pub schema: Schema,
    /// Rows that it got so far.
    pub rows: u64,
    /// Rows of them that are kept.
    pub rows_kept: u64,
    /// The watermark that reached it, in epoch milliseconds.
    pub watermark_ms: Option<i64>,
    /// How its rows compare; none before the end, or when nothing was expected.
    pub comparison: Option<ComparisonReport>,
}

/// How the rows of a sink compare with those that were expected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparisonReport {
    /// How they were compared.
    pub mode: GoldenMode,
    /// Whether nothing differs.
    pub matches: bool,
    /// Rows expected.
    pub expected: u64,
    /// Rows found: in mode `table` those that are left.
    pub found: u64,
    /// Expected and not found, the first of them.
    pub missing: Vec<GoldenRowReport>,
    /// How many those are.
    pub missing_total: u64,
    /// Found and not expected, the first of them.
    pub unexpected: Vec<GoldenRowReport>,
    /// How many those are.
    pub unexpected_total: u64,
    /// In order: number of the first row that differs.
    pub first_difference: Option<u64>,
    /// Why the rows could not be compared wholly.
    pub note: Option<String>,
}

/// A row in a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GoldenRowReport {
    /// What became of it, where changes are compared.
    pub change: Option<String>,
    /// Its columns.
    pub row: serde_json::Map<String, serde_json::Value>,
}

/// Some rows of a sink.
#[derive(Debug, Clone, Serialize)]
pub struct SinkRows {
    /// The rows, and how many there are.
    #[serde(flatten)]
    pub page: CollectedPage,
    /// Whether more may come.
    pub is_running: bool,
}
