//! Results that leave by the clock: early results of windows, and `OVER` by processing time with a RANGE.

use super::{ADDED, Open, Query};
use crate::operators::Collector;
use arrow_array::{cast::AsArray, types::Int64Type};
use millrace_model::{Batch, ChangeKind};
use millrace_sql::plan::ChangelogMode;

const ONE_MORE: &str = r#"{"k":"a","i":1,"ts":"2024-01-01 00:00:05.000"}"#;

/// Kind and last column (a count) of the rows that leave at this time: of rows that come, then of timers; in any order.
async fn at(open: &mut Open, now_ms: i64, mut batches: Vec<Batch>) -> Vec<(&'static str, i64)> {
    for stage in &mut open.stages {
        let mut out = Collector::default();
        for batch in batches {
            stage.process(batch, now_ms, &mut out).await.unwrap();
        }
        if stage.next_timer_ms().is_some_and(|due_ms| due_ms <= now_ms) {
            stage.on_processing_time(now_ms, &mut out).await.unwrap();
        }
        batches = out.drain().collect();
    }
    let mut found = Vec::new();
    for batch in batches {
        let counts = batch.rows.columns().last().unwrap().as_primitive::<Int64Type>().clone();
        for (row, count) in counts.values().iter().enumerate() {
            let kind = batch.kinds.as_ref().map_or(ChangeKind::Insert, |k| ChangeKind::from_byte(k.value(row)).unwrap());
            found.push((kind.short(), *count));
        }
    }
    found.sort_unstable();
    found
}

#[tokio::test]
async fn early_results_come_a_delay_after_the_first_row_and_then_as_often() {
    let sql = "SELECT k, COUNT(*) AS n FROM t GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND) EMIT EARLY EVERY INTERVAL '1' SECOND";
    let query = Query::plan(sql, ChangelogMode::INSERT_ONLY);
    let mut open = query.open(&[]).await.unwrap();
    assert_eq!(at(&mut open, 1_000, vec![query.rows(ADDED, 0)]).await, []);
    assert_eq!(at(&mut open, 1_999, Vec::new()).await, []);
    assert_eq!(at(&mut open, 2_000, Vec::new()).await, [("+I", 1), ("+I", 1), ("+I", 1), ("+I", 1), ("+I", 2)]);
    assert_eq!(at(&mut open, 2_500, vec![query.rows(ONE_MORE, 0)]).await, []);
    // Timers are restored with what they are for.
    let state = open.snapshot().await.unwrap();
    let mut open = query.open(&state).await.unwrap();
    assert_eq!(at(&mut open, 3_000, Vec::new()).await, [("+U", 3), ("-U", 2)]);
    assert_eq!(at(&mut open, 4_000, Vec::new()).await, [], "nothing has changed");
}

#[tokio::test]
async fn rows_of_a_millisecond_are_answered_together_once_it_is_over() {
    let sql = "SELECT k, i, COUNT(*) OVER (PARTITION BY k ORDER BY pt RANGE BETWEEN INTERVAL '1' SECOND PRECEDING AND CURRENT ROW) AS n \
               FROM (SELECT k, i, PROCTIME() AS pt FROM t)";
    let query = Query::plan(sql, ChangelogMode::INSERT_ONLY);
    let mut open = query.open(&[]).await.unwrap();
    assert_eq!(at(&mut open, 1_000, vec![query.rows(ADDED, 0)]).await, []);
    assert_eq!(at(&mut open, 1_001, Vec::new()).await, [("+I", 1), ("+I", 1), ("+I", 2), ("+I", 2), ("+I", 2), ("+I", 2)]);
    assert_eq!(at(&mut open, 1_500, vec![query.rows(ONE_MORE, 0)]).await, []);
    let state = open.snapshot().await.unwrap();
    let mut open = query.open(&state).await.unwrap();
    assert_eq!(at(&mut open, 1_501, Vec::new()).await, [("+I", 3)]);
    assert_eq!(at(&mut open, 2_501, vec![query.rows(ONE_MORE, 0)]).await, []);
    assert_eq!(at(&mut open, 2_600, Vec::new()).await, [("+I", 1)], "what is older than a second has left the frame");
}
