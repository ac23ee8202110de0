//! Late rows of every kind of window as dead letters: which rows, and what is said about them.

use super::{NOW_MS, all};
use std::fmt::Write;

/// One row that is late for every window, one that is in time for some hopping and cumulating windows, one in time.
const ROWS: &str = r#"
{"k":"a","i":1,"d":0.5,"ts":"2024-01-01 00:00:01.000"}
{"k":"b","i":2,"d":0.5,"ts":"2024-01-01 00:00:12.000"}
{"k":"c","i":3,"d":0.5,"ts":"2024-01-01 00:00:31.000"}
"#;
/// 2024-01-01 00:00:16.000
const WATERMARK_MS: i64 = 1_704_067_216_000;

#[tokio::test]
async fn late_rows_become_letters_that_explain_themselves() {
    let mut shown = String::new();
    for (name, _, query) in all().await {
        let mut open = query.open(&[]).await.unwrap();
        open.watermark(WATERMARK_MS).await.unwrap();
        open.process(0, vec![query.rows(ROWS, 0)], NOW_MS).await.unwrap();
        let letters = query.letters.recent();
        let is_window = !name.starts_with("group-") || name.contains("window");
        if !is_window {
            assert!(letters.is_empty(), "{name} is no window");
        }
        for letter in letters {
            let reason = serde_json::to_value(letter.reason).unwrap();
            writeln!(shown, "{name}: {} {reason}: {}\n  {}", letter.operator, letter.message, letter.payload).unwrap();
        }
    }
    insta::assert_snapshot!("late-rows", shown);
}

/// Times at both ends of what 64 bits can say neither panic nor loop.
#[tokio::test]
async fn any_time_finds_its_windows() {
    for (name, _, query) in all().await {
        let mut open = query.open(&[]).await.unwrap();
        for time_ms in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX] {
            let mut batch = query.rows(ROWS, 0);
            let Some(column) = query.schemas[0].as_ref().and_then(|schema| schema.index_of("ts")) else { continue };
            let mut columns = batch.rows.columns().to_vec();
            columns[column] = std::sync::Arc::new(arrow_array::TimestampMillisecondArray::from(vec![time_ms; 3]));
            batch.rows = arrow_array::RecordBatch::try_new(batch.rows.schema(), columns).unwrap();
            open.process(0, vec![batch], NOW_MS).await.unwrap_or_else(|e| panic!("{name} at {time_ms}: {e}"));
        }
        open.watermark(i64::MAX).await.unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}
