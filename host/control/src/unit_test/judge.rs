//! The end of a unit test: what sinks got against what was expected.

use super::report::{ComparisonReport, GoldenRowReport};
use millrace_domain::golden::{Differences, GoldenMode, GoldenRow, compare, default_mode};
use millrace_engine::trial::{Collected, ExpectedRows, comparable};

/// Rows of each list of differences.
const LISTED_MAX: usize = 100;

/// What is expected of one sink.
pub(super) struct Expectation {
    pub(super) rows: ExpectedRows,
    pub(super) mode: Option<GoldenMode>,
    pub(super) key: Option<Vec<String>>,
}

/// Compares everything that is kept of a sink.
pub(super) fn judge(expectation: &Expectation, collected: &Collected) -> ComparisonReport {
    let page = collected.page(0, usize::MAX);
    let found: Vec<GoldenRow> = (page.rows.iter())
        .map(|row| GoldenRow { change: Some(row.change.to_owned()), row: comparable(row.row.get(), collected.schema()) })
        .collect();
    let rows = expectation.rows.rows.iter();
    let expected: Vec<GoldenRow> = rows.map(|(change, row)| GoldenRow { change: change.clone(), row: row.clone() }).collect();
    let mode = expectation.mode.unwrap_or_else(|| default_mode(&expected, &found));
    let differences = compare(mode, &expected, &found, &expectation.rows.columns, expectation.key.as_deref(), LISTED_MAX);
    let is_cut = page.kept < page.total;
    let note = is_cut.then(|| format!("the sink got {} rows, of which the first {} are kept and compared", page.total, page.kept));
    let matches = differences.is_none() && !is_cut;
    let Differences { expected, found, missing, missing_total, unexpected, unexpected_total, first_difference } = differences;
    let list = |rows: Vec<GoldenRow>| rows.into_iter().map(|row| GoldenRowReport { change: row.change, row: row.row }).collect();
    ComparisonReport {
        mode,
        matches,
        expected,
        found,
        missing: list(missing),
        missing_total,
        unexpected: list(unexpected),
        unexpected_total,
        first_difference,
        note,
    }
}
