//! Against a real broker. Each restart drops the sink as a crash would and opens a new one from the checkpoint's bytes.

use crate::KafkaConnector;
use crate::testing::*;
use millrace_connector::{Connector, ConnectorError};
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
async fn an_upsert_topic_gets_the_last_change_of_each_key_and_tombstones() {
    let upsert = |delivery: &str| json!({"changelog": "upsert", "key_fields": ["id"], "delivery": delivery});
    let key = |id: u32| Some(format!("{{\"id\":{id}}}"));
    for delivery in ["at_least_once", "exactly_once"] {
        let table = table(1, OUT).await;
        let setup = SinkSetup::new(&table, upsert(delivery));
        let mut sink = setup.open().await.unwrap();
        let (one, two, three, four) = (row(1), row(2), row(3), row(4));
        let one_later = one.replace("n1", "later");
        sink.change(&[("+I", &one), ("+I", &two), ("-U", &one), ("+U", &one_later), ("-D", &two), ("+I", &three)]).await.unwrap();
        // A `-U` whose `+U` was filtered out on the way takes its row away, and so does a `-D`.
        sink.change(&[("-U", &three), ("+I", &four)]).await.unwrap();
        sink.change(&[("-D", &four)]).await.unwrap();
        let bytes = sink.sink.prepare(1).await.unwrap();
        // What waits in the checkpoint keeps its tombstones over a crash.
        drop(sink);
        let mut sink = setup.restored(&[(0, &bytes)]).open().await.unwrap();
        sink.write(&[&two]).await.unwrap();
        sink.sink.prepare(2).await.unwrap();
        sink.sink.commit(2).await.unwrap();
        let expected = [
            (key(1), one_later),
            (key(2), String::new()),
            (key(3), three),
            (key(3), String::new()),
            (key(4), four),
            (key(4), String::new()),
            (key(2), two),
        ];
        assert_eq!(read_committed(&table), expected, "{delivery}");
    }
}

#[tokio::test]
async fn an_upsert_needs_a_key_of_the_table() {
    let table = table_at("127.0.0.1:9", "out", OUT);
    let check = |config: serde_json::Value, field: &str, text: &str| {
        let errors = KafkaConnector.check_sink(config.as_object().unwrap(), &table, &table.schema);
        assert!(errors.iter().any(|e| e.field == field && e.message.contains(text)), "{config}: {errors:?}");
    };
    check(json!({"topic": "out", "changelog": "upsert"}), "key_fields", "is missing");
    check(json!({"topic": "out", "changelog": "upsert", "key_fields": ["ip"]}), "key_fields[0]", "there is no column `ip`");
    check(json!({"topic": "out", "changelog": "upsrt"}), "changelog", "unknown variant `upsrt`");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn states_are_settled_at_another_parallelism_and_by_another_instance() {
    let table = table(2, OUT).await;
    let setup = SinkSetup { parallelism: 2, ..SinkSetup::new(&table, json!({})) };
    let mut states = Vec::new();
    for subtask in 0..2 {
        let mut sink = SinkSetup { subtask, ..setup.clone() }.open().await.unwrap();
        sink.write(&[&row(subtask as u32)]).await.unwrap();
        states.push(sink.sink.prepare(1).await.unwrap());
    }
    let one = SinkSetup { parallelism: 1, ..setup.clone() }.restored(&[(0, &states[0]), (1, &states[1])]);
    let sink = one.open().await.unwrap();
    assert_eq!(sink.metrics.recovered_written_again.load(Relaxed), 2);
    // The same savepoint in an instance of its own finds everything there.
    let other = SinkSetup { instance: unique("other"), ..one };
    let mut sink = other.open().await.unwrap();
    assert_eq!(sink.metrics.recovered_already_committed.load(Relaxed), 2);
    sink.write(&[&row(2)]).await.unwrap();
    sink.sink.prepare(2).await.unwrap();
    sink.sink.commit(2).await.unwrap();
    let mut found = values(&table);
    found.sort();
    assert_eq!(found, [row(0), row(1), row(2)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_checkpoint_restored_later_does_not_hide_new_output() {
    let table = table(1, OUT).await;
    let setup = SinkSetup::new(&table, json!({}));
    let mut sink = setup.open().await.unwrap();
    let mut first = bytes::Bytes::new();
    for checkpoint in 1..=5 {
        sink.write(&[&row(checkpoint)]).await.unwrap();
        let bytes = sink.sink.prepare(u64::from(checkpoint)).await.unwrap();
        sink.sink.commit(u64::from(checkpoint)).await.unwrap();
        if checkpoint == 1 {
            first = bytes;
        }
    }
    // The token stands at 5. From checkpoint 1, number 2 is used again, and the process dies before its commit.
    let mut sink = setup.restored(&[(0, &first)]).open().await.unwrap();
    sink.write(&[&row(20)]).await.unwrap();
    let again = sink.sink.prepare(2).await.unwrap();
    drop(sink);
    let sink = setup.restored(&[(0, &again)]).open().await.unwrap();
    assert_eq!(sink.metrics.recovered_written_again.load(Relaxed), 1);
    assert_eq!(values(&table), [row(1), row(2), row(3), row(4), row(5), row(20)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_inside_the_transaction_writes_once() {
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
    let table = table(1, OUT).await;
    let setup = SinkSetup::new(&table, json!({}));
    let mut sink = setup.open().await.unwrap();
    sink.write(&[&row(1)]).await.unwrap();
    let bytes = sink.sink.prepare(1).await.unwrap();
    drop(sink);
    // What a process leaves that dies between producing and committing: records in an open transaction.
    let id = format!("millrace-sink-{}-out-0", setup.instance);
    let dying: BaseProducer = client_config(&table).set("transactional.id", &id).create().unwrap();
    dying.init_transactions(DEADLINE).unwrap();
    dying.begin_transaction().unwrap();
    dying.send(BaseRecord::<(), str>::to(&table.physical_name).payload(&row(1))).unwrap();
    dying.flush(DEADLINE).unwrap();
    let sink = setup.restored(&[(0, &bytes)]).open().await.unwrap();
    assert_eq!(sink.metrics.recovered_written_again.load(Relaxed), 1);
    assert_eq!(values(&table), [row(1)]);
    assert!(dying.commit_transaction(DEADLINE).is_err(), "the old producer is fenced");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_token_is_an_error_not_a_guess() {
    use rdkafka::admin::{AdminClient, AdminOptions};
    let table = table(1, OUT).await;
    let setup = SinkSetup::new(&table, json!({}));
    let mut sink = setup.open().await.unwrap();
    for checkpoint in 1..=2 {
        sink.write(&[&row(checkpoint)]).await.unwrap();
        let bytes = sink.sink.prepare(u64::from(checkpoint)).await.unwrap();
        if checkpoint == 1 {
            sink.sink.commit(1).await.unwrap();
            continue;
        }
        let admin: AdminClient<_> = client_config(&table).create().unwrap();
        let group = format!("millrace-sink-{}-out-0", setup.instance);
        admin.delete_groups(&[&group], &AdminOptions::new()).await.unwrap()[0].as_ref().unwrap();
        let error = setup.restored(&[(0, &bytes)]).open().await.err().unwrap().to_string();
        assert!(error.contains("its token is gone"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_epochs_write_nothing_and_connect_to_nobody() {
    // Nobody listens at this address: an idle sink must not mind.
    let table = table_at("127.0.0.1:1", "out", OUT);
    let mut sink = SinkSetup::new(&table, json!({})).open().await.unwrap();
    for checkpoint in 1..=3 {
        sink.sink.prepare(checkpoint).await.unwrap();
        sink.sink.commit(checkpoint).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pending_output_asks_for_a_checkpoint() {
    let table = table_at("127.0.0.1:1", "out", OUT);
    let mut sink = SinkSetup::new(&table, json!({"pending_bytes_max": 50})).open().await.unwrap();
    sink.write(&[&row(1)]).await.unwrap();
    assert!(!sink.sink.wants_checkpoint());
    sink.write(&[&row(2), &row(3)]).await.unwrap();
    assert!(sink.sink.wants_checkpoint());
    assert_eq!(sink.metrics.pending_commit.load(Relaxed), 3);
    sink.sink.prepare(1).await.unwrap();
    assert!(!sink.sink.wants_checkpoint());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undeliverable_rows_fail_the_checkpoint() {
    let mut table = table(1, OUT).await;
    table.physical_name = "not-there".into();
    let config = json!({"delivery": "at_least_once", "properties": {"topic.metadata.propagation.max.ms": "500"}});
    let mut sink = SinkSetup::new(&table, config).open().await.unwrap();
    sink.write(&[&row(1)]).await.unwrap();
    let error = sink.sink.prepare(1).await.unwrap_err().to_string();
    assert!(error.contains("kafka topic `not-there`") && error.contains("the topic is not there"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retractions_are_refused() {
    let table = table_at("127.0.0.1:1", "out", OUT);
    let mut sink = SinkSetup::new(&table, json!({})).open().await.unwrap();
    let rows = arrow_array::RecordBatch::new_empty(table.schema.to_arrow());
    let kinds = |bytes: Vec<u8>| Some(arrow_array::UInt8Array::from(bytes));
    let batch = millrace_model::Batch { rows, kinds: kinds(vec![0, 3]), origin: [].into() };
    let error = sink.sink.write(batch).await.unwrap_err().to_string();
    assert!(error.contains("takes inserts only"), "{error}");
}
