//! Against a real broker. Each restart drops the sink as a crash would and opens a new one from the checkpoint's bytes.

use crate::testing::*;
use millrace_connector::ConnectorError;
use serde_json::json;
use std::sync::atomic::Ordering::Relaxed;

const OUT: &[(&str, &str)] = &[("id", "BIGINT"), ("name", "STRING")];

fn row(id: u32) -> String {
    format!("{{\"id\":{id},\"name\":\"n{id}\"}}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_least_once_delivers_before_the_checkpoint_completes() {
    let table = table(1, OUT).await;
    let setup = SinkSetup::new(&table, json!({"delivery": "at_least_once", "key_fields": ["name"]}));
    let mut sink = setup.open().await.unwrap();
    sink.write(&[&row(1), &row(2)]).await.unwrap();
    sink.sink.prepare(1).await.unwrap();
    let key = |id| Some(format!("{{\"name\":\"n{id}\"}}"));
    assert_eq!(read_committed(&table), [(key(1), row(1)), (key(2), row(2))]);
    assert_eq!(sink.metrics.records_out.load(Relaxed), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_once_shows_output_at_the_commit_and_not_before() {
    let table = table(1, OUT).await;
    let mut sink = SinkSetup::new(&table, json!({})).open().await.unwrap();
    sink.write(&[&row(1)]).await.unwrap();
    sink.sink.prepare(1).await.unwrap();
    sink.write(&[&row(2)]).await.unwrap();
    assert_eq!(values(&table), [""; 0]);
    sink.sink.commit(1).await.unwrap();
    assert_eq!(values(&table), [row(1)]);
    // Checkpoint 2 fails: its output goes with checkpoint 3.
    sink.sink.prepare(2).await.unwrap();
    sink.write(&[&row(3)]).await.unwrap();
    sink.sink.prepare(3).await.unwrap();
    sink.sink.commit(3).await.unwrap();
    assert_eq!(values(&table), [row(1), row(2), row(3)]);
    assert_eq!(sink.metrics.pending_commit.load(Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_prepare_and_commit_writes_once() {
    let table = table(1, OUT).await;
    let setup = SinkSetup::new(&table, json!({}));
    let mut sink = setup.open().await.unwrap();
    sink.write(&[&row(1)]).await.unwrap();
    let bytes = sink.sink.prepare(1).await.unwrap();
    drop(sink);
    let sink = setup.restored(&[(0, &bytes)]).open().await.unwrap();
    assert_eq!(values(&table), [row(1)]);
    assert_eq!(sink.metrics.recovered_written_again.load(Relaxed), 1);
    drop(sink);
    // Once more: the same checkpoint is restored again.
    let sink = setup.restored(&[(0, &bytes)]).open().await.unwrap();
    assert_eq!(values(&table), [row(1)]);
    assert_eq!(sink.metrics.recovered_already_committed.load(Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_after_the_commit_writes_nothing_again() {
    let table = table(1, OUT).await;
    let setup = SinkSetup::new(&table, json!({}));
    let mut sink = setup.open().await.unwrap();
    sink.write(&[&row(1)]).await.unwrap();
    let bytes = sink.sink.prepare(1).await.unwrap();
    sink.sink.commit(1).await.unwrap();
    drop(sink);
    let mut sink = setup.restored(&[(0, &bytes)]).open().await.unwrap();
    assert_eq!(values(&table), [row(1)]);
    // And the restored sink goes on.
    sink.write(&[&row(2)]).await.unwrap();
    sink.sink.prepare(2).await.unwrap();
    sink.sink.commit(2).await.unwrap();
    assert_eq!(values(&table), [row(1), row(2)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_process_is_fenced() {
    let table = table(1, OUT).await;
    let setup = SinkSetup::new(&table, json!({}));
    let mut old = setup.open().await.unwrap();
    old.write(&[&row(1)]).await.unwrap();
    let bytes = old.sink.prepare(1).await.unwrap();
    old.sink.commit(1).await.unwrap();
    let mut new = setup.restored(&[(0, &bytes)]).open().await.unwrap();
    old.write(&[&row(2)]).await.unwrap();
    old.sink.prepare(2).await.unwrap();
    let error = old.sink.commit(2).await.unwrap_err();
    assert!(matches!(error, ConnectorError::Fenced(_)), "{error}");
    new.write(&[&row(2)]).await.unwrap();
    new.sink.prepare(2).await.unwrap();
    new.sink.commit(2).await.unwrap();
    assert_eq!(values(&table), [row(1), row(2)]);
}
