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

/// What another program packs, a broker checks and we read; and the other way round.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_codecs_are_read_and_written() {
    for codec in ["gzip", "lz4", "zstd", "snappy", "none"] {
        let table = table(1, CLICKS).await;
        let config = json!({"delivery": "at_least_once", "properties": {"compression.type": codec, "linger.ms": "50"}});
        let mut sink = SinkSetup::new(&table, config).open().await.unwrap();
        let rows = clicks(0..5_000);
        sink.write(&rows.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
        sink.sink.prepare(1).await.unwrap();
        assert_eq!(sorted(values(&table)), sorted(clicks(0..5_000)), "{codec}");
        let mut source = SourceSetup::new(&table, json!({"start": "earliest"})).open().await.unwrap();
        assert_eq!(sorted(source.rows(&table, 5_000).await), sorted(rows), "{codec}");
    }
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

/// Rows of a batch, cell by cell as text.
fn shown(batch: &millrace_model::Batch) -> Vec<String> {
    use arrow_array::{Array, cast::AsArray, types::*};
    let cell = |column: &arrow_array::ArrayRef, row: usize| match column.data_type() {
        _ if column.is_null(row) => "NULL".to_owned(),
        arrow_schema::DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        arrow_schema::DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        arrow_schema::DataType::Timestamp(..) => column.as_primitive::<TimestampMillisecondType>().value(row).to_string(),
        arrow_schema::DataType::Map(..) => {
            let entries = column.as_map().value(row);
            let (names, values) = (entries.column(0).as_string::<i32>(), entries.column(1).as_binary::<i32>());
            let entry = |i| format!("{}={:?}", names.value(i), values.is_valid(i).then(|| String::from_utf8_lossy(values.value(i))));
            (0..entries.len()).map(entry).collect::<Vec<_>>().join(" ")
        }
        _ => column.as_string::<i32>().value(row).to_owned(),
    };
    (0..batch.num_rows()).map(|row| batch.rows.columns().iter().map(|c| cell(c, row)).collect::<Vec<_>>().join(", ")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_are_columns_behind_those_of_the_table() {
    use rdkafka::{
        message::{Header, OwnedHeaders},
        producer::{BaseRecord, Producer},
    };
    let table = table(2, &[("id", "BIGINT")]).await;
    let writer = producer(&table);
    let header = |key, value| Header { key, value };
    let headers = OwnedHeaders::new().insert(header("a", Some("1"))).insert(header("b", None::<&str>)).insert(header("a", Some("2")));
    let record = |value: &'static str| BaseRecord::<(), str>::to(&table.physical_name).partition(1).payload(value);
    writer.send(record("{\"id\":1}").timestamp(1_600_000_000_123).headers(headers)).unwrap();
    writer.send(record("no json").timestamp(5)).unwrap();
    writer.send(record("{\"id\":3}").timestamp(1_600_000_000_456)).unwrap();
    writer.flush(DEADLINE).unwrap();
    let metadata = vec!["offset", "partition", "timestamp", "timestamp-type", "topic", "headers", "leader-epoch"];
    let setup = SourceSetup { metadata, ..SourceSetup::new(&table, json!({"start": "earliest"})) };
    let mut source = setup.open().await.unwrap();
    let mut rows = Vec::new();
    while rows.len() < 2 {
        if let SourceEvent::Batch(batch) = source.next().await.unwrap() {
            rows.extend(shown(&batch));
        }
    }
    let topic = &table.physical_name;
    let expected = [
        format!("1, 0, 1, 1600000000123, CreateTime, {topic}, a=Some(\"2\") b=None, 0"),
        format!("3, 2, 1, 1600000000456, CreateTime, {topic}, , 0"),
    ];
    assert_eq!(rows, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_metadata_that_are_asked_for_are_read() {
    let table = table(1, CLICKS).await;
    produce(&table, 0, &clicks(0..2));
    let setup = SourceSetup { metadata: vec!["offset"], ..SourceSetup::new(&table, json!({"start": "earliest"})) };
    let mut source = setup.open().await.unwrap();
    loop {
        if let SourceEvent::Batch(batch) = source.next().await.unwrap() {
            let names: Vec<&str> = batch.rows.schema_ref().fields().iter().map(|f| f.name().as_str()).collect();
            assert_eq!(names, ["id", "ts", "m_offset"]);
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_brokers_own_time_is_told_apart() {
    let mut table = table(1, CLICKS).await;
    table.physical_name = unique("append-time");
    use millrace_connector::Connector;
    let options = json!({"configs": {"message.timestamp.type": "LogAppendTime"}});
    assert!(crate::KafkaConnector.ensure_table(&table, &options).await.unwrap());
    produce(&table, 0, &clicks(0..1));
    let setup = SourceSetup { metadata: vec!["timestamp-type"], ..SourceSetup::new(&table, json!({"start": "earliest"})) };
    let mut source = setup.open().await.unwrap();
    loop {
        if let SourceEvent::Batch(batch) = source.next().await.unwrap() {
            assert_eq!(shown(&batch), ["0, 1000, LogAppendTime"]);
            return;
        }
    }
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_records_become_letters_and_the_rest_goes_on() {
    let table = table(1, CLICKS).await;
    produce(&table, 0, &["{\"id\":1,\"ts\":1}", "not json", "{\"id\":\"x\",\"ts\":1}", "{\"id\":2,\"ts\":2}"]);
    let mut source = SourceSetup::new(&table, json!({"start": "earliest"})).open().await.unwrap();
    assert_eq!(source.rows(&table, 2).await, ["{\"id\":1,\"ts\":1}", "{\"id\":2,\"ts\":2}"]);
    let letters = source.letters.0.lock();
    let shown: Vec<_> =
        letters.iter().map(|l| (l.origin.clone(), String::from_utf8(l.payload.clone()).unwrap(), l.message.clone())).collect();
    let origin = |offset| format!("{}/0/{offset}", table.physical_name);
    assert_eq!(
        shown,
        [
            (origin(1), "not json".into(), "found 'n' at byte 0, expected a JSON object".into()),
            (origin(2), "{\"id\":\"x\",\"ts\":1}".into(), "field `id`: `x` is not BIGINT, expected an integer in range".into()),
        ]
    );
    assert_eq!(source.metrics.bad_records.load(Relaxed), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_record_fails_the_source_where_that_is_wanted() {
    let table = table(1, CLICKS).await;
    produce(&table, 0, &["{}", "oops"]);
    let config = json!({"start": "earliest", "bad_records": "fail"});
    let mut source = SourceSetup::new(&table, config).open().await.unwrap();
    let error = loop {
        if let Err(error) = source.next().await {
            break error.to_string();
        }
    };
    assert_eq!(error, format!("record {}/0/1: found 'o' at byte 0, expected a JSON object", table.physical_name));
}

/// Reads events until the watermark is there; batches as rows.
async fn until_watermark(source: &mut SourceUnderTest, table: &millrace_connector::TableBinding, watermark_ms: i64) -> Vec<String> {
    let mut rows = Vec::new();
    loop {
        match source.next().await.unwrap() {
            SourceEvent::Batch(batch) => rows.extend(json_rows(table, &batch)),
            SourceEvent::Watermark(found) if found >= watermark_ms => return rows,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_rows_are_taken_out_of_their_batch() {
    for (late_records, kept, dropped, letters) in [("drop", 1, 2, 0), ("keep", 3, 0, 0), ("dead_letter", 1, 2, 2)] {
        let table = table(1, CLICKS).await;
        let config = json!({
            "start": "earliest", "event_time_field": "ts", "watermark_delay_ms": 100, "late_records": late_records, "idle_timeout_ms": 60_000
        });
        let mut source = SourceSetup::new(&table, config).open().await.unwrap();
        produce(&table, 0, &["{\"id\":1,\"ts\":1000}"]);
        assert_eq!(until_watermark(&mut source, &table, 899).await, ["{\"id\":1,\"ts\":1000}"]);
        // One message is one fetch: all three rows are judged by the watermark 899.
        let messages = ["{\"id\":2,\"ts\":899}", "{\"id\":3,\"ts\":900}", "{\"id\":4,\"ts\":5}", "{\"id\":5,\"ts\":2000}"];
        produce(&table, 0, &messages);
        let rows = until_watermark(&mut source, &table, 1_899).await;
        assert!(rows.contains(&"{\"id\":3,\"ts\":900}".to_owned()) && rows.contains(&"{\"id\":5,\"ts\":2000}".to_owned()), "{rows:?}");
        assert_eq!(rows.len(), kept + 1, "{late_records}: {rows:?}");
        assert_eq!(source.metrics.late_records_dropped.load(Relaxed), dropped, "{late_records}");
        assert_eq!(source.letters.0.lock().len(), letters, "{late_records}");
        assert_eq!(source.metrics.watermark_ms.load(Relaxed), 1_899);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_partition_holds_the_watermark_only_until_it_is_idle() {
    let table = table(2, CLICKS).await;
    produce(&table, 0, &["{\"id\":1,\"ts\":1000}"]);
    let config = json!({"start": "earliest", "event_time_field": "ts", "idle_timeout_ms": 1_500});
    let mut source = SourceSetup::new(&table, config).open().await.unwrap();
    let (mut seen, began) = (Vec::new(), std::time::Instant::now());
    loop {
        match source.next().await.unwrap() {
            SourceEvent::Batch(_) => seen.push("batch".to_owned()),
            SourceEvent::Watermark(ms) => seen.push(format!("watermark {ms}")),
            SourceEvent::Idle => seen.push("idle".into()),
            SourceEvent::Active => seen.push("active".into()),
            SourceEvent::End => seen.push("end".into()),
        }
        if seen.last().is_some_and(|s| s == "idle") {
            produce(&table, 1, &["{\"id\":2,\"ts\":3000}"]);
        }
        if seen.iter().any(|s| s == "active") && seen.last().is_some_and(|s| s == "watermark 2999") {
            break;
        }
        assert!(began.elapsed() < DEADLINE, "{seen:?}");
    }
    let of_interest: Vec<&str> = seen.iter().map(String::as_str).filter(|s| *s != "watermark 999").collect();
    assert_eq!(of_interest, ["batch", "idle", "batch", "active", "watermark 2999"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_partitions_are_found_and_read_from_their_beginning() {
    use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
    let table = table(1, CLICKS).await;
    let config = json!({"partition_discovery_interval_ms": 100});
    let mut source = SourceSetup::new(&table, config).open().await.unwrap();
    let admin: AdminClient<_> = client_config(&table).create().unwrap();
    admin.create_partitions([&NewPartitions::new(&table.physical_name, 2)], &AdminOptions::new()).await.unwrap();
    let deadline = std::time::Instant::now() + DEADLINE;
    let writer = producer(&table);
    // The new partition is known to clients a little later.
    loop {
        use rdkafka::producer::Producer;
        let metadata = writer.client().fetch_metadata(Some(&table.physical_name), DEADLINE).unwrap();
        if metadata.topics()[0].partitions().len() == 2 {
            break;
        }
        assert!(std::time::Instant::now() < deadline);
    }
    produce(&table, 1, &clicks(0..3));
    assert_eq!(source.rows(&table, 3).await, clicks(0..3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_time_begins_with_the_first_record_at_or_after_it() {
    use rdkafka::producer::{BaseRecord, Producer};
    let table = table(1, CLICKS).await;
    let writer = producer(&table);
    for (id, at_ms) in [(1, 1_600_000_000_000_i64), (2, 1_600_000_001_000), (3, 1_600_000_002_000)] {
        let value = format!("{{\"id\":{id},\"ts\":{at_ms}}}");
        writer.send(BaseRecord::<(), str>::to(&table.physical_name).payload(&value).timestamp(at_ms)).unwrap();
    }
    writer.flush(DEADLINE).unwrap();
    let at = |timestamp_ms: i64| SourceSetup::new(&table, json!({"start": {"mode": "timestamp", "timestamp_ms": timestamp_ms}}));
    let mut source = at(1_600_000_000_500).open().await.unwrap();
    assert_eq!(source.rows(&table, 2).await.len(), 2);
    // Later than every record: what comes next.
    let mut source = at(1_700_000_000_000).open().await.unwrap();
    produce(&table, 0, &["{\"id\":4,\"ts\":4}"]);
    assert_eq!(source.rows(&table, 1).await, ["{\"id\":4,\"ts\":4}"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_transactions_are_not_read() {
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
    let table = table(1, CLICKS).await;
    let writer: BaseProducer = client_config(&table).set("transactional.id", unique("tx")).create().unwrap();
    writer.init_transactions(DEADLINE).unwrap();
    for (id, commit) in [(1, false), (2, true)] {
        writer.begin_transaction().unwrap();
        let value = format!("{{\"id\":{id},\"ts\":{id}}}");
        writer.send(BaseRecord::<(), str>::to(&table.physical_name).payload(&value)).unwrap();
        writer.flush(DEADLINE).unwrap();
        if commit { writer.commit_transaction(DEADLINE).unwrap() } else { writer.abort_transaction(DEADLINE).unwrap() }
    }
    let mut source = SourceSetup::new(&table, json!({"start": "earliest"})).open().await.unwrap();
    assert_eq!(source.rows(&table, 1).await, ["{\"id\":2,\"ts\":2}"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_topic_is_named() {
    let mut table = table(1, CLICKS).await;
    table.physical_name = "not-there".into();
    let error = SourceSetup::new(&table, json!({})).open().await.err().unwrap().to_string();
    let cluster = millrace_test_servers::shared_broker().bootstrap();
    assert_eq!(error, format!("kafka topic `not-there` on {cluster}: the topic is not there; publish the table or make the topic"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offset_that_is_gone_is_an_error_not_a_reset() {
    use rdkafka::{
        Offset, TopicPartitionList,
        admin::{AdminClient, AdminOptions},
    };
    let table = table(1, CLICKS).await;
    produce(&table, 0, &clicks(0..5));
    let mut source = SourceSetup { batch_rows_max: 2, ..SourceSetup::new(&table, json!({"start": "earliest"})) }.open().await.unwrap();
    source.rows(&table, 2).await;
    let snapshot = source.source.snapshot().unwrap();
    drop(source);
    let admin: AdminClient<_> = client_config(&table).create().unwrap();
    let mut upto = TopicPartitionList::new();
    upto.add_partition_offset(&table.physical_name, 0, Offset::Offset(4)).unwrap();
    admin.delete_records(&upto, &AdminOptions::new()).await.unwrap();
    let setup = SourceSetup { restored: vec![snapshot], ..SourceSetup::new(&table, json!({})) };
    let mut source = setup.open().await.unwrap();
    let error = source.next().await.unwrap_err().to_string();
    assert!(error.contains("offset 2 of partition 0 is gone"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completed_checkpoints_are_published_for_lag_monitors() {
    use rdkafka::consumer::{BaseConsumer, Consumer};
    let table = table(1, CLICKS).await;
    produce(&table, 0, &clicks(0..5));
    let mut source = SourceSetup::new(&table, json!({"start": "earliest"})).open().await.unwrap();
    source.rows(&table, 5).await;
    let snapshot = source.source.snapshot().unwrap();
    source.source.committed(1, &snapshot).await.unwrap();
    let monitor: BaseConsumer = client_config(&table).set("group.id", "millrace-i1-in").create().unwrap();
    let mut asked = rdkafka::TopicPartitionList::new();
    asked.add_partition(&table.physical_name, 0);
    let deadline = std::time::Instant::now() + DEADLINE;
    loop {
        // Published beside the reading, so it may take a moment.
        let found = monitor.committed_offsets(asked.clone(), DEADLINE).unwrap().elements()[0].offset();
        if found == rdkafka::Offset::Offset(5) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_loses_nothing() {
    let table = table(1, CLICKS).await;
    let mut source = SourceSetup { batch_rows_max: 7, ..SourceSetup::new(&table, json!({"start": "earliest"})) }.open().await.unwrap();
    produce(&table, 0, &clicks(0..500));
    let (mut rows, deadline) = (Vec::new(), std::time::Instant::now() + DEADLINE);
    while rows.len() < 500 {
        assert!(std::time::Instant::now() < deadline, "{} rows", rows.len());
        // Dropped at its first wait, again and again.
        tokio::select! {
            biased;
            event = source.source.next() => if let SourceEvent::Batch(batch) = event.unwrap() {
                rows.extend(json_rows(&table, &batch));
            },
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(rows, clicks(0..500));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_goes_away_and_comes_back_loses_nothing() {
    let mut broker = millrace_test_servers::KafkaBroker::start().unwrap();
    let table = table_at(broker.bootstrap(), "clicks", CLICKS);
    use millrace_connector::Connector;
    crate::KafkaConnector.ensure_table(&table, &json!({})).await.unwrap();
    produce(&table, 0, &clicks(0..5));
    let mut source = SourceSetup::new(&table, json!({"start": "earliest"})).open().await.unwrap();
    let mut sink = SinkSetup::new(&table, json!({})).open().await.unwrap();
    assert_eq!(source.rows(&table, 5).await, clicks(0..5));
    sink.write(&["{\"id\":5,\"ts\":1005}"]).await.unwrap();
    sink.sink.prepare(1).await.unwrap();
    sink.sink.commit(1).await.unwrap();
    assert_eq!(source.rows(&table, 1).await, clicks(5..6));
    sink.write(&["{\"id\":6,\"ts\":1006}"]).await.unwrap();
    sink.sink.prepare(2).await.unwrap();
    broker.kill().unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(1_500), source.source.next()).await;
    assert!(waiting.is_err(), "the source waits while the broker is away: {waiting:?}");
    // The commit begins while nobody answers and completes when the broker is back.
    let commit = tokio::spawn(async move {
        let result = sink.sink.commit(2).await;
        (sink, result)
    });
    let broker = tokio::task::spawn_blocking(move || broker.restart().map(|()| broker)).await.unwrap().unwrap();
    let (_sink, committed) = commit.await.unwrap();
    committed.unwrap();
    produce(&table, 0, &clicks(7..9));
    assert_eq!(source.rows(&table, 3).await, clicks(6..9));
    assert_eq!(values(&table), clicks(0..9));
    drop(broker);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upsert_topic_gives_the_latest_rows_of_keys_and_deletes() {
    use rdkafka::producer::{BaseRecord, Producer};
    let table = table(1, &[("id", "BIGINT"), ("name", "STRING")]).await;
    let writer = producer(&table);
    let id = |n: u32| format!("{{\"id\":{n}}}");
    let row = |n: u32| format!("{{\"id\":{n},\"name\":\"n{n}\"}}");
    let records: [(Option<String>, Option<String>); 6] = [
        (Some(id(1)), Some(row(1))),
        (Some(id(2)), Some(row(2))),
        (Some(id(1)), None),
        (None, None),
        (Some("no".into()), None),
        (Some(id(3)), Some(row(3))),
    ];
    for (key, value) in &records {
        let mut record: BaseRecord<'_, str, str> = BaseRecord::to(&table.physical_name).partition(0);
        if let Some(key) = key {
            record = record.key(key);
        }
        if let Some(value) = value {
            record = record.payload(value);
        }
        writer.send(record).unwrap();
    }
    writer.flush(std::time::Duration::from_secs(20)).unwrap();
    let mut source = SourceSetup::new(&table, json!({"start": "earliest", "changelog": "upsert"})).open().await.unwrap();
    let mut found = Vec::new();
    while found.len() < 4 {
        let SourceEvent::Batch(batch) = source.next().await.unwrap() else { continue };
        let kinds = batch.kinds.clone().unwrap();
        let shown = json_rows(&table, &batch).into_iter().zip(kinds.values().iter());
        found.extend(shown.map(|(row, kind)| format!("{} {row}", millrace_model::ChangeKind::from_byte(*kind).unwrap().short())));
    }
    let deleted = "-D {\"id\":1,\"name\":null}".to_owned();
    assert_eq!(found, [format!("+U {}", row(1)), format!("+U {}", row(2)), deleted, format!("+U {}", row(3))]);
    assert_eq!(source.letters.0.lock().len(), 2, "a tombstone without a key, and one with a broken key");
}

/// DIM-1: a dimension table is filled by what its topic had; markers of transactions at the end of a partition and empty
/// partitions do not keep it waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_every_partition_is_told_when_it_is_asked_for() {
    use millrace_connector::Connector;
    let table = table(3, CLICKS).await;
    produce(&table, 0, &clicks(0..10));
    produce(&table, 1, &clicks(10..12));
    let config = crate::KafkaConnector.dimension_source(&table, &Default::default()).unwrap();
    let mut source = SourceSetup::new(&table, serde_json::Value::Object(config)).open().await.unwrap();
    assert!(!source.source.has_reached_end());
    let mut rows = Vec::new();
    while !source.source.has_reached_end() {
        if let Ok(Ok(SourceEvent::Batch(batch))) = tokio::time::timeout(Duration::from_millis(50), source.source.next()).await {
            rows.extend(shown(&batch));
        }
    }
    assert_eq!(rows.len(), 12);
    produce(&table, 2, &clicks(12..13));
    assert_eq!(source.rows(&table, 1).await, clicks(12..13), "it reads on behind the end");
}
