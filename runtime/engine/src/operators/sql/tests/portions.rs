//! A watermark that makes everything due: keys that are not in memory come back in portions, whose rows are bounded, and
//! together they give what a query gives that has all of its state in memory.

use super::{Open, Query, TABLES, spilled_state::context};
use crate::{error::OperatorError, operators::Collector};
use millrace_sql::plan::ChangelogMode;
use std::fmt::Write;

const KEYS: usize = 5_000;
/// Keys per batch.
const BATCH: usize = 500;
/// Rows of a key that leave when all is due, at most.
const ROWS_OF_KEY_MAX: usize = 2;
/// Keys that may come back for one call.
const PORTION_KEYS: usize = 1_024;

const INSERTS: [ChangelogMode; 2] = [ChangelogMode::INSERT_ONLY; 2];
const QUERIES: [(&str, [ChangelogMode; 2]); 5] = [
    (
        "SELECT t.k, t.i, u.n FROM t LEFT JOIN u FOR SYSTEM_TIME AS OF t.ts ON t.k = u.k",
        [ChangelogMode::INSERT_ONLY, ChangelogMode::UPSERT],
    ),
    ("SELECT t.k, u.k AS other FROM t FULL JOIN u ON t.k = u.k AND t.n > u.n AND t.ts BETWEEN u.ts AND u.ts + INTERVAL '1' HOUR", INSERTS),
    ("SELECT k, ts, SUM(i) OVER w, MAX(k) OVER w FROM t WINDOW w AS (PARTITION BY k ORDER BY ts)", INSERTS),
    (
        "SELECT k, ts, SUM(i) OVER w FROM t WINDOW w AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW)",
        INSERTS,
    ),
    (
        "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.i AS i, B.ts AS b PATTERN (A B) DEFINE B AS B.i > A.i)",
        INSERTS,
    ),
];

/// Two rows of each of these keys.
fn lines(keys: std::ops::Range<usize>) -> String {
    let mut lines = String::new();
    for key in keys {
        for i in 1..=2 {
            let _ = writeln!(
                lines,
                r#"{{"k":"key-{key}","i":{i},"n":{key},"d":0.5,"m":1.5,"b":true,"y":"","a":[],"r":null,"ts":"2024-01-01 00:{:02}:0{i}.000"}}"#,
                key % 50
            );
        }
    }
    lines
}

impl Open {
    /// What leaves the last stage with each call for a watermark, and what it is called.
    async fn portions(&mut self, watermark_ms: i64) -> Result<Vec<usize>, OperatorError> {
        let mut rows = Vec::new();
        for number in 0..self.stages.len() {
            loop {
                let mut out = Collector::default();
                self.stages[number].on_watermark(watermark_ms, &mut out).await?;
                let batches: Vec<_> = out.drain().collect();
                if number + 1 == self.stages.len() {
                    rows.push(batches.iter().map(|batch| batch.num_rows()).sum());
                } else {
                    self.process(TABLES.len() + number, batches, super::NOW_MS).await?;
                }
                if !self.stages[number].has_more() {
                    break;
                }
            }
        }
        Ok(rows)
    }
}

#[tokio::test]
async fn a_watermark_that_makes_everything_due_is_handled_in_portions() {
    for (sql, changes) in QUERIES {
        let query = Query::of_tables(sql, changes);
        let folder = tempfile::tempdir().unwrap();
        let mut plain = query.open(&[]).await.unwrap();
        let mut spilling = query.open_with(Vec::new(), || context(folder.path(), 20_000)).await.unwrap();
        for start in (0..KEYS).step_by(BATCH) {
            let lines = lines(start..start + BATCH);
            for table in 0..TABLES.len() {
                let Some(batch) = query.rows_of(table, lines.lines().map(|line| (0, line))) else { continue };
                plain.process(table, vec![batch.clone()], super::NOW_MS).await.unwrap();
                spilling.process(table, vec![batch], super::NOW_MS).await.unwrap();
            }
        }
        let expected: usize = plain.portions(i64::MAX).await.unwrap().into_iter().sum();
        let found = spilling.portions(i64::MAX).await.unwrap();
        assert!(expected >= KEYS, "{sql}: {expected} rows");
        assert_eq!(found.iter().sum::<usize>(), expected, "{sql}");
        // Two sides have a portion each; and what was in memory leaves beside the first one.
        let most = 2 * (PORTION_KEYS + BATCH) * ROWS_OF_KEY_MAX;
        assert!(found.len() > KEYS / PORTION_KEYS / 2 && found.iter().all(|rows| *rows <= most), "{sql}: {found:?}");
    }
}
