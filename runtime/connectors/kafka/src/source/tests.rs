//! Against a real broker.

use crate::testing::*;
use millrace_connector::SourceEvent;
use serde_json::json;
use std::{sync::atomic::Ordering::Relaxed, time::Duration};

const CLICKS: &[(&str, &str)] = &[("id", "BIGINT"), ("ts", "BIGINT")];

fn clicks(ids: std::ops::Range<i64>) -> Vec<String> {
    ids.map(|id| format!("{{\"id\":{id},\"ts\":{}}}", 1_000 + id)).collect()
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort_by_key(|row| row.len());
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn earliest_reads_everything_and_says_where_it_came_from() {
    let table = table(2, CLICKS).await;
    produce(&table, 0, &clicks(0..10));
    produce(&table, 1, &clicks(10..15));
    let mut source = SourceSetup::new(&table, json!({"start": "earliest"})).open().await.unwrap();
    let (mut rows, mut ranges) = (Vec::new(), Vec::new());
    while rows.len() < 15 {
        if let SourceEvent::Batch(batch) = source.next().await.unwrap() {
            rows.extend(json_rows(&table, &batch));
            ranges.extend(batch.origin.iter().map(|r| (r.partition, r.first, r.last)));
        }
    }
    assert_eq!(sorted(rows), sorted(clicks(0..15)));
    let covered: i64 = ranges.iter().map(|(_, first, last)| last - first + 1).sum();
    assert_eq!(covered, 15);
    assert_eq!((source.metrics.records_in.load(Relaxed), source.metrics.pending_records.load(Relaxed)), (15, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn latest_is_settled_when_the_source_opens() {
    let table = table(1, CLICKS).await;
    produce(&table, 0, &clicks(0..5));
    let mut source = SourceSetup::new(&table, json!({})).open().await.unwrap();
    let snapshot = source.source.snapshot().unwrap();
    drop(source);
    // What comes between a checkpoint and a restart is read, although no record had been read before.
    produce(&table, 0, &clicks(5..8));
    let setup = SourceSetup { restored: vec![snapshot], ..SourceSetup::new(&table, json!({})) };
    let mut source = setup.open().await.unwrap();
    assert_eq!(source.rows(&table, 3).await, clicks(5..8));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_is_restored_at_another_parallelism() {
    let table = table(4, CLICKS).await;
    let mut expected = Vec::new();
    for partition in 0..4 {
        produce(&table, partition, &clicks(i64::from(partition) * 10..i64::from(partition) * 10 + 10));
    }
    let setup = SourceSetup { batch_rows_max: 3, ..SourceSetup::new(&table, json!({"start": "earliest"})) };
    let mut source = setup.clone().open().await.unwrap();
    expected.extend(source.rows(&table, 17).await);
    let snapshot = source.source.snapshot().unwrap();
    drop(source);
    let mut left = 40 - expected.len();
    for subtask in 0..2 {
        let setup = SourceSetup { subtask, parallelism: 2, restored: vec![snapshot.clone()], ..setup.clone() };
        let mut source = setup.open().await.unwrap();
        while let Ok(event) = tokio::time::timeout(Duration::from_secs(2), source.source.next()).await {
            if let SourceEvent::Batch(batch) = event.unwrap() {
                assert!(batch.origin.iter().all(|r| r.partition % 2 == subtask as i32));
                left -= batch.num_rows();
                expected.extend(json_rows(&table, &batch));
            }
        }
    }
    assert_eq!(left, 0);
    assert_eq!(sorted(expected), sorted(clicks(0..40)));
}
