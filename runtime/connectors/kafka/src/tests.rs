//! Connectivity, topics, dead letters and settings, against a real broker where one is needed.

use crate::{KafkaConnector, KafkaDataSource, testing::*};
use millrace_connector::{
    Connection, ConnectivityFailure, Connector, DataSourceKind, DeadLetter, DeadLetterReason, Properties, Sample, SampleLimits,
    SampledMessages,
};
use millrace_dial::{Dialer, NetworkPolicy};
use millrace_test_servers::shared_broker;
use rdkafka::producer::{BaseRecord, Producer};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn data_source() -> KafkaDataSource {
    KafkaDataSource::new(Dialer::new(NetworkPolicy::with_loopback()))
}

async fn failure(connection: &Connection) -> (Option<ConnectivityFailure>, String) {
    let report = data_source().test(&connection.properties, Duration::from_secs(5)).await;
    assert_eq!(report.reachable, report.failure.is_none());
    assert!(report.elapsed_ms < 15_000, "{report:?}");
    (report.failure, report.message)
}

fn with(mut connection: Connection, properties: &[(&str, &str)]) -> Connection {
    connection.properties.extend(properties.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
    connection
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connectivity_test_tells_what_was_reached() {
    let broker = shared_broker();
    let (failed, message) = failure(&connection_to(broker.bootstrap())).await;
    assert_eq!(failed, None, "{message}");
    assert!(message.starts_with("Kafka cluster M") && message.ends_with(", 1 broker"), "{message}");
    let (user, password) = broker.sasl_credentials();
    let sasl = with(
        connection_to(broker.sasl_bootstrap()),
        &[("security.protocol", "sasl_plaintext"), ("sasl.mechanism", "PLAIN"), ("sasl.username", user)],
    );
    assert_eq!(failure(&with(sasl.clone(), &[("sasl.password", password)])).await.0, None);
    let (failed, message) = failure(&with(sasl, &[("sasl.password", "not-the-secret")])).await;
    assert_eq!(failed, Some(ConnectivityFailure::Credentials), "{message}");
    assert!(!message.contains("not-the-secret"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connectivity_test_tells_failures_apart() {
    let broker = shared_broker();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent.local_addr().map(|address| (silent, address.to_string())).unwrap();
    let file = with(connection_to(broker.bootstrap()), &[("ssl.ca.location", "/etc/passwd")]);
    let unknown = with(connection_to(broker.bootstrap()), &[("no.such.property", "1")]);
    let tls = with(connection_to(broker.bootstrap()), &[("security.protocol", "ssl")]);
    for (connection, expected) in [
        (connection_to("no-such-host.invalid:9092"), ConnectivityFailure::Dns),
        (connection_to("127.0.0.1:1"), ConnectivityFailure::Refused),
        (connection_to(&silent.1), ConnectivityFailure::Timeout),
        (connection_to(""), ConnectivityFailure::Configuration),
        (file, ConnectivityFailure::Configuration),
        (unknown, ConnectivityFailure::Configuration),
        (tls, ConnectivityFailure::Tls),
        (connection_to("169.254.169.254:9092"), ConnectivityFailure::Configuration),
    ] {
        let (failed, message) = failure(&connection).await;
        assert_eq!(failed, Some(expected), "{connection:?}: {message}");
    }
}

#[test]
fn a_data_source_is_checked_by_field() {
    let check = |properties: &[(&str, &str)]| {
        let properties: Properties = properties.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        data_source().check(&properties).into_iter().map(|e| format!("{} {}", e.field, e.code)).collect::<Vec<_>>()
    };
    let right = ("bootstrap.servers", "a:9092, SSL://b:9092");
    assert_eq!(check(&[right, ("sasl.username", "ann"), ("socket.timeout.ms", "5000"), ("schema.registry.url", "http://r:8081")]), [""; 0]);
    assert_eq!(check(&[]), ["properties.bootstrap.servers config.missing"]);
    assert_eq!(check(&[right, ("ssl.ca.location", "/etc/passwd")]), ["properties.ssl.ca.location config.property_refused"]);
    let servers = vec!["a:9092"; 8_000].join(",");
    assert_eq!(check(&[("bootstrap.servers", &servers)]), ["properties.bootstrap.servers config.invalid"]);
    assert_eq!(check(&[right, ("fetch.max.bytes", "2147483135")]), ["properties.fetch.max.bytes config.invalid"]);
    assert_eq!(check(&[right, ("no.such", "1")]), ["properties.no.such config.invalid"]);
    assert_eq!(check(&[right, ("security.protocol", "tls")]), ["properties.security.protocol config.invalid"]);
    assert_eq!(check(&[right, ("schema.registry.url", "http://u:p@r")]), ["properties.schema.registry.url config.invalid"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sample_is_the_newest_messages_and_leaves_nothing() {
    let table = table(2, &[("id", "BIGINT")]).await;
    let rows: Vec<_> = (0..50).map(|id| format!("{{\"id\": {id}}}")).collect();
    produce(&table, 0, &rows);
    let tombstones = producer(&table);
    tombstones.send(BaseRecord::<str, [u8]>::to(&table.physical_name).partition(1).key("k")).unwrap();
    tombstones.flush(DEADLINE).unwrap();
    let limits = |rows_max: usize, bytes_max: usize| SampleLimits {
        rows_max,
        bytes_max,
        tables_max: 10_000,
        until: Instant::now() + Duration::from_secs(20),
    };
    let properties = &table.connection.properties;
    let sample = |topic: String, limits: SampleLimits| async move {
        match data_source().sample(properties, &topic, &limits).await {
            Ok(Sample::Messages(messages)) => Ok(messages),
            Ok(Sample::Table(_)) => panic!("topics have messages"),
            Err(error) => Err(error),
        }
    };
    let found: SampledMessages = sample(table.physical_name.clone(), limits(20, 1 << 20)).await.unwrap();
    let texts: Vec<_> = found.values.iter().map(|v| String::from_utf8_lossy(v).into_owned()).collect();
    let newest: Vec<_> = (40..50).map(|id| format!("{{\"id\": {id}}}")).collect();
    assert_eq!(texts, newest, "half of the rows for each of the two partitions");
    assert_eq!((found.tombstones, found.partitions, found.registered), (1, 2, None));
    let small = sample(table.physical_name.clone(), limits(1000, 100)).await.unwrap();
    assert!(small.values.len() < 15 && small.notes[0].contains("beyond the sample's size"), "{small:?}");
    let missing = sample(unique("nothing"), limits(10, 100)).await.unwrap_err();
    assert_eq!(missing.failure, ConnectivityFailure::Missing, "{missing}");
    let (names, _) = data_source().tables(properties, &limits(1, 1)).await.unwrap();
    assert!(names.contains(&table.physical_name) && !names.iter().any(|n| n.starts_with("__")), "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_made_once_and_checked_after() {
    let table = table_at(shared_broker().bootstrap(), &unique("made"), &[("id", "BIGINT")]);
    let ensure = |options: Value| {
        let table = table.clone();
        async move { KafkaConnector.ensure_table(&table, &options).await.map_err(|e| e.to_string()) }
    };
    assert_eq!(ensure(json!({"partitions": 3, "configs": {"retention.ms": "60000"}})).await, Ok(true));
    assert_eq!(ensure(json!({"partitions": 3})).await, Ok(false));
    assert_eq!(ensure(Value::Null).await, Ok(false));
    assert!(ensure(json!({"partitions": 4})).await.unwrap_err().contains("has 3 partitions, but 4 are wanted"));
    assert!(ensure(json!({"partition": 4})).await.unwrap_err().contains("partition"));
    assert!(ensure(json!({"partitions": 0})).await.unwrap_err().contains("at least 1"));
    let other = table_at(shared_broker().bootstrap(), &unique("made"), &[("id", "BIGINT")]);
    let error = KafkaConnector.ensure_table(&other, &json!({"configs": {"no.such.setting": "1"}})).await.unwrap_err();
    assert!(error.to_string().contains("the topic cannot be made"), "{error}");

    KafkaConnector.set_retention(&table, 120_000).await.unwrap();
    let lost = KafkaConnector.set_retention(&other, 120_000).await.unwrap_err();
    assert!(lost.to_string().contains("retention cannot be set"), "{lost}");
    KafkaConnector.drop_table(&table).await.unwrap();
    // Brokers forget a removed topic after a moment.
    for attempt in 0.. {
        match KafkaConnector.table_extent(&table).await {
            Err(error) if error.to_string().contains("the topic is not there") => break,
            other => assert!(attempt < 100, "the topic is still there: {other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    KafkaConnector.drop_table(&table).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_json_records() {
    let table = table(1, &[]).await;
    let letters = KafkaConnector.open_dead_letters(&table).await.unwrap();
    let letter = |payload: &[u8]| DeadLetter {
        operator: "in".into(),
        reason: DeadLetterReason::BadRecord,
        message: "not \"JSON\"".into(),
        origin: "clicks/0/7".into(),
        payload: payload.to_vec(),
    };
    letters.send(vec![letter(b"text"), letter(b"\xff\x00")]).await.unwrap();
    letters.flush().await.unwrap();
    let mut found: Vec<Value> = values(&table).iter().map(|v| serde_json::from_str(v).unwrap()).collect();
    for letter in &mut found {
        assert!(letter.as_object_mut().unwrap().remove("at_ms").is_some_and(|at| at.is_u64()));
    }
    let expected = |name: &str, payload: &str| json!({"operator": "in", "reason": "bad_record", "message": "not \"JSON\"", "origin": "clicks/0/7", name: payload});
    assert_eq!(found, [expected("payload", "text"), expected("payload_base64", "/wA=")]);
}

#[test]
fn wrong_settings_are_refused_by_field() {
    let mut table = table_at("127.0.0.1:9092", "clicks", &[("id", "BIGINT"), ("at", "TIMESTAMP(3)"), ("name", "STRING")]);
    let source = |config: Value, table: &millrace_connector::TableBinding| -> Vec<String> {
        let errors = KafkaConnector.check_source(config.as_object().unwrap(), table);
        errors.into_iter().map(|e| e.field).collect()
    };
    for (config, field) in [
        (json!({}), "topic"),
        (json!({"topic": "clicks", "offset": 1}), "offset"),
        (json!({"topic": "clicks", "start": "yesterday"}), "start"),
        (json!({"topic": "clicks", "start": {"mode": "timestamp"}}), "start"),
        (json!({"topic": "clicks", "watermark_delay_ms": -1}), "watermark_delay_ms"),
        (json!({"topic": "clicks", "event_time_field": "when"}), "event_time_field"),
        (json!({"topic": "clicks", "event_time_field": "name"}), "event_time_field"),
        (json!({"topic": "clicks", "late_records": "forget"}), "late_records"),
        (json!({"topic": "clicks", "properties": {"ssl.key.location": "/etc/shadow"}}), "properties.ssl.key.location"),
        (json!({"topic": "clicks", "properties": {"no.such": "1"}}), "properties.no.such"),
        (json!({"topic": "clicks", "properties": {"fetch.wait.max.ms": "soon"}}), "properties.fetch.wait.max.ms"),
    ] {
        assert_eq!(source(config.clone(), &table), [field], "{config}");
    }
    let good = json!({"topic": "clicks", "start": {"mode": "timestamp", "timestamp_ms": 5}, "event_time_field": "at"});
    assert_eq!(source(good.clone(), &table), [""; 0]);
    table.format = json!({"type": "jsn"});
    assert_eq!(source(good, &table), ["topic"]);
}

#[test]
fn a_sink_needs_columns_that_fit_its_table() {
    let table = table_at("127.0.0.1:9092", "out", &[("id", "BIGINT"), ("name", "STRING")]);
    let check = |config: Value, columns: &[(&str, &str)]| -> Vec<String> {
        let errors = KafkaConnector.check_sink(config.as_object().unwrap(), &table, &schema(columns));
        errors.into_iter().map(|e| format!("{}: {}", e.field, e.message)).collect()
    };
    let topic = json!({"topic": "out"});
    assert_eq!(check(topic.clone(), &[("name", "STRING"), ("id", "BIGINT")]), [""; 0]);
    assert_eq!(check(topic.clone(), &[("id", "BIGINT")]), [""; 0], "a nullable column may be left out");
    assert_eq!(check(topic.clone(), &[("id", "INT")]), ["topic: column `id` is INT in the input, but BIGINT in table `out`"]);
    assert_eq!(check(topic, &[("id", "BIGINT"), ("x", "INT")]), ["topic: the input's column `x` is not in table `out`"]);
    let keyed = json!({"topic": "out", "key_fields": ["id", "who"]});
    assert_eq!(check(keyed, &[("id", "BIGINT")]), ["key_fields[1]: there is no column `who`; columns are id"]);
    let often = check(json!({"topic": "out", "delivery": "sometimes"}), &[("id", "BIGINT")]);
    assert!(often[0].starts_with("delivery: unknown variant `sometimes`"), "{often:?}");
}
