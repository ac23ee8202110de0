//! Options of scripts and the settings that they become.

use super::*;
use crate::testing::table_at;
use millrace_connector::TableBinding;
use std::collections::BTreeMap;

fn binding() -> TableBinding {
    table_at("b1:9092,b2:9092", "clicks", &[("usr", "STRING"), ("n", "BIGINT")])
}

fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

type Make = fn(&SqlTable<'_>) -> Result<SqlNode, Vec<ConfigError>>;

fn made(make: Make, connector: &str, key: &[&str], pairs: &[(&str, &str)]) -> Result<SqlNode, Vec<ConfigError>> {
    let (binding, options) = (binding(), options(pairs));
    let key: Vec<String> = key.iter().map(|k| (*k).to_owned()).collect();
    make(&SqlTable { connector, options: &options, primary_key: &key, binding: &binding })
}

#[test]
fn options_become_settings() {
    let topic = binding().name;
    let check = |make: Make, connector: &str, key: &[&str], pairs: &[(&str, &str)], mut expected: Value| {
        expected["topic"] = json!(topic);
        let node = made(make, connector, key, pairs).unwrap_or_else(|e| panic!("{pairs:?}: {e:?}"));
        assert_eq!(Value::Object(node.config), expected, "{pairs:?}");
    };
    check(source, "kafka", &[], &[], json!({"start": "earliest"}));
    check(source, "kafka", &[], &[("scan.startup.mode", "latest-offset")], json!({"start": "latest"}));
    let timed = [("scan.startup.mode", "timestamp"), ("scan.startup.timestamp-millis", "17")];
    check(source, "kafka", &[], &timed, json!({"start": {"mode": "timestamp", "timestamp_ms": 17}}));
    let tuned = [
        ("format", "json"),
        ("json.ignore-parse-errors", "true"),
        ("json.timestamp-format.standard", "SQL"),
        ("properties.bootstrap.servers", "B2:9092"),
        ("properties.fetch.wait.max.ms", "50"),
        ("scan.watermark.idle-timeout", "5 s"),
        ("scan.topic-partition-discovery.interval", "1 min"),
    ];
    let expected = json!({
        "start": "earliest", "bad_records": "skip", "idle_timeout_ms": 5_000, "partition_discovery_interval_ms": 60_000,
        "properties": {"fetch.wait.max.ms": "50"},
    });
    check(source, "kafka", &[], &tuned, expected);
    check(source, "upsert-kafka", &["usr"], &[], json!({"start": "earliest", "changelog": "upsert"}));
    check(sink, "kafka", &[], &[], json!({"delivery": "exactly_once"}));
    let keyed = [("key.fields", "usr;n"), ("sink.delivery-guarantee", "at-least-once"), ("sink.parallelism", "3")];
    check(sink, "kafka", &[], &keyed, json!({"delivery": "at_least_once", "key_fields": ["usr", "n"]}));
    check(sink, "upsert-kafka", &["usr"], &[], json!({"delivery": "exactly_once", "key_fields": ["usr"], "changelog": "upsert"}));
    assert_eq!(made(sink, "kafka", &[], &keyed).map(|n| n.parallelism), Ok(Some(3)));
}

#[test]
fn wrong_options_are_refused_by_name() {
    let check = |make: Make, connector: &str, key: &[&str], pair: (&str, &str), option: &str, text: &str| {
        let errors = made(make, connector, key, &[pair]).err().unwrap_or_default();
        assert!(errors.iter().any(|e| e.field == option && e.message.contains(text)), "{pair:?}: {errors:?}");
    };
    let checks: &[(Make, (&str, &str), &str)] = &[
        (source, ("scan.startup.mode", "group-offsets"), "checkpoints"),
        (source, ("scan.startup.mode", "timestamp"), "scan.startup.timestamp-millis"),
        (source, ("scan.startup.timestamp-millis", "yesterday"), "milliseconds"),
        (source, ("scan.watermark.idle-timeout", "soon"), "a duration"),
        (source, ("scan.bounded.mode", "latest-offset"), "without end"),
        (source, ("scan.parallelism", "0"), "a whole number"),
        (source, ("format", "avro"), "holds json"),
        (source, ("csv.field-delimiter", ";"), "holds json"),
        (source, ("json.timestamp-format.standard", "ISO-8601"), "designed with 'SQL'"),
        (source, ("properties.sasl.password", "secret"), "kept in the data source"),
        (source, ("properties.security.protocol", "SSL"), "kept in the data source"),
        (source, ("properties.isolation.level", "read_uncommitted"), "committed records only"),
        (source, ("properties.bootstrap.servers", "b3:9092"), "not the cluster"),
        (sink, ("sink.delivery-guarantee", "twice"), "'exactly-once'"),
        (sink, ("sink.partitioner", "fixed"), "key.fields"),
        (sink, ("key.format", "raw"), "keys are written in the format of the topic"),
        (sink, ("value.fields-include", "EXCEPT_KEY"), "must be 'ALL'"),
    ];
    for (make, pair, text) in checks {
        check(*make, "kafka", &[], *pair, pair.0, text);
    }
    check(sink, "kafka", &["usr"], ("topic", "clicks"), "connector", "upsert-kafka");
    check(sink, "upsert-kafka", &[], ("topic", "clicks"), "connector", "PRIMARY KEY");
    check(sink, "upsert-kafka", &["usr"], ("key.fields", "usr"), "key.fields", "primary key");
    let error = &made(source, "kafka", &[], &[("properties.bootstrap.servers", "b3:9092")]).unwrap_err()[0];
    assert!(!error.message.contains("b1"), "the address of the data source is not told: {error:?}");
}

#[test]
fn what_has_no_effect_is_said() {
    let node = made(source, "kafka", &[], &[("properties.group.id", "flink-job"), ("sink.transactional-id-prefix", "p")]).unwrap();
    let warned: Vec<&str> = node.warnings.iter().map(|w| w.field.as_str()).collect();
    assert_eq!(warned, ["properties.group.id", "sink.transactional-id-prefix"]);
}
