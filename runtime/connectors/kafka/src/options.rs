//! Options of a table in SQL, by the names of Flink's Kafka connector, as a source node's settings.

use millrace_connector::ConfigError;
use millrace_model::duration_ms;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Client properties that the connection sets, not the table.
const OF_THE_CONNECTION: [&str; 2] = ["properties.bootstrap.servers", "properties.group.id"];

pub(crate) fn apply(config: &mut Map<String, Value>, options: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    let wrong =
        |key: &str, value: &str, expected: &str| ConfigError::new(key, "config.invalid", format!("is `{value}`, expected {expected}"));
    for (key, value) in options {
        match key.as_str() {
            "scan.startup.mode" => {
                let start = match value.to_ascii_lowercase().as_str() {
                    "earliest-offset" => json!("earliest"),
                    "latest-offset" => json!("latest"),
                    "timestamp" => {
                        let at = options.get("scan.startup.timestamp-millis").map(String::as_str).unwrap_or_default();
                        let at: u64 = at.parse().map_err(|_| {
                            wrong("scan.startup.timestamp-millis", at, "epoch milliseconds, which `scan.startup.mode` = `timestamp` needs")
                        })?;
                        json!({ "mode": "timestamp", "timestamp_ms": at })
                    }
                    _ => {
                        return Err(wrong(
                            key,
                            value,
                            "`earliest-offset`, `latest-offset` or `timestamp` (offsets of a group are not used here)",
                        ));
                    }
                };
                config.insert("start".into(), start);
            }
            "scan.topic-partition-discovery.interval" | "scan.watermark.idle-timeout" => {
                let ms = duration_ms(value).ok_or_else(|| wrong(key, value, "a duration such as `5 min` or `30 s`"))?;
                let setting = if key.contains("idle") { "idle_timeout_ms" } else { "partition_discovery_interval_ms" };
                config.insert(setting.into(), json!(ms));
            }
            key if OF_THE_CONNECTION.contains(&key) => {}
            key => {
                let Some(property) = key.strip_prefix("properties.") else { continue };
                let properties = config.entry("properties").or_insert_with(|| json!({}));
                if let Some(properties) = properties.as_object_mut() {
                    properties.insert(property.to_owned(), json!(value));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(options: &[(&str, &str)]) -> Result<Value, String> {
        let options = options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut config = Map::from_iter([("topic".to_owned(), json!("clicks"))]);
        apply(&mut config, &options).map(|()| Value::Object(config)).map_err(|e| e.to_string())
    }

    #[test]
    fn options_become_settings() {
        let declared = [("connector", "kafka"), ("topic", "elsewhere"), ("properties.bootstrap.servers", "x:9092"), ("format", "json")];
        assert_eq!(applied(&declared), Ok(json!({"topic": "clicks"})));
        let options = [
            ("scan.startup.mode", "timestamp"),
            ("scan.startup.timestamp-millis", "1000"),
            ("scan.topic-partition-discovery.interval", "5 min"),
            ("properties.fetch.min.bytes", "10"),
        ];
        let expected = json!({
            "topic": "clicks", "start": {"mode": "timestamp", "timestamp_ms": 1000},
            "partition_discovery_interval_ms": 300_000, "properties": {"fetch.min.bytes": "10"},
        });
        assert_eq!(applied(&options), Ok(expected));
        assert_eq!(applied(&[("scan.startup.mode", "earliest-offset")]), Ok(json!({"topic": "clicks", "start": "earliest"})));
    }

    #[test]
    fn wrong_values_name_their_option() {
        let error = applied(&[("scan.startup.mode", "group-offsets")]).unwrap_err();
        assert!(error.starts_with("`scan.startup.mode`: is `group-offsets`, expected `earliest-offset`"), "{error}");
        let error = applied(&[("scan.startup.mode", "timestamp")]).unwrap_err();
        assert!(error.starts_with("`scan.startup.timestamp-millis`: is ``"), "{error}");
    }
}
