//! Tables of SQL scripts: options of Flink's connectors `kafka` and `upsert-kafka` as settings of our nodes.
//!
//! Invariant: where and how to connect, and how messages are written, is the topic's and its data source's business; a
//! script may repeat it, and must then agree. Credentials have no place in a script.

mod format;
#[cfg(test)]
mod tests;

use crate::properties::refusal;
use millrace_connector::{ConfigError, SqlConnector, SqlNode, SqlTable};
use millrace_model::duration_ms;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The append-only table, and the one that holds the latest row of each key.
pub(crate) const CONNECTORS: &[SqlConnector] = &[
    SqlConnector { name: "kafka", table_option: "topic", sends_changes: false, options: OPTIONS },
    SqlConnector { name: UPSERT, table_option: "topic", sends_changes: true, options: OPTIONS },
];

const UPSERT: &str = "upsert-kafka";

/// Every option that is known; `*` stands for any end.
pub(crate) const OPTIONS: &[&str] = &[
    "connector",
    "topic",
    "properties.*",
    "format",
    "value.format",
    "key.format",
    "key.fields",
    "key.fields-prefix",
    "value.fields-include",
    "scan.startup.mode",
    "scan.startup.timestamp-millis",
    "scan.startup.specific-offsets",
    "scan.bounded.mode",
    "scan.topic-partition-discovery.interval",
    "scan.watermark.idle-timeout",
    "scan.watermark.emit.strategy",
    "scan.parallelism",
    "sink.delivery-guarantee",
    "sink.parallelism",
    "sink.partitioner",
    "sink.transactional-id-prefix",
    "sink.transaction-naming-strategy",
    "sink.buffer-flush.max-rows",
    "sink.buffer-flush.interval",
    "json.fail-on-missing-field",
    "json.ignore-parse-errors",
    "json.timestamp-format.standard",
    "json.encode.ignore-null-fields",
    "json.encode.decimal-as-plain-number",
    "json.map-null-key.mode",
    "json.map-null-key.literal",
    "csv.field-delimiter",
    "csv.quote-character",
    "csv.disable-quote-character",
    "csv.null-literal",
    "csv.ignore-parse-errors",
    "csv.allow-comments",
    "csv.array-element-delimiter",
    "csv.escape-character",
    "value.json.*",
    "value.csv.*",
    "key.json.*",
    "key.csv.*",
];

/// Accepted, and without effect: what they tune is settled otherwise here.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("properties.group.id", "positions are kept in the job's checkpoints, not in a consumer group"),
    ("sink.transactional-id-prefix", "transactions are named after the instance"),
    ("sink.transaction-naming-strategy", "transactions are named after the instance"),
    ("sink.buffer-flush.max-rows", "rows are written with each checkpoint"),
    ("sink.buffer-flush.interval", "rows are written with each checkpoint"),
    ("scan.watermark.emit.strategy", "watermarks follow every batch"),
];

/// Options under work, and what is wrong with them.
struct Reading<'a> {
    table: &'a SqlTable<'a>,
    node: SqlNode,
    errors: Vec<ConfigError>,
}

/// A `kafka_source` for the table.
pub(crate) fn source(table: &SqlTable<'_>) -> Result<SqlNode, Vec<ConfigError>> {
    let mut reading = Reading::begin(table);
    let start = reading.start();
    reading.set("start", "scan.startup.mode", start);
    if let Some(ms) = reading.duration("scan.watermark.idle-timeout") {
        reading.set("idle_timeout_ms", "scan.watermark.idle-timeout", json!(ms));
    }
    if let Some(ms) = reading.duration("scan.topic-partition-discovery.interval") {
        reading.set("partition_discovery_interval_ms", "scan.topic-partition-discovery.interval", json!(ms));
    }
    if reading.option("scan.bounded.mode").is_some_and(|mode| mode != "unbounded") {
        reading.wrong("scan.bounded.mode", "sql.unsupported", "a job reads on without end; leave it out, or write 'unbounded'".into());
    }
    reading.node.parallelism = reading.parallelism("scan.parallelism");
    if reading.is_upsert() {
        reading.set("changelog", "connector", json!("upsert"));
    }
    reading.end()
}

/// A `kafka_sink` for the table.
pub(crate) fn sink(table: &SqlTable<'_>) -> Result<SqlNode, Vec<ConfigError>> {
    let mut reading = Reading::begin(table);
    let delivery = match reading.option("sink.delivery-guarantee") {
        None | Some("exactly-once") => "exactly_once",
        Some("at-least-once") => "at_least_once",
        Some("none") => {
            reading.warn("sink.delivery-guarantee", "'none' is not weaker here: rows are delivered at least once".into());
            "at_least_once"
        }
        Some(other) => {
            let message = format!("is '{other}', expected 'exactly-once', 'at-least-once' or 'none'");
            reading.wrong("sink.delivery-guarantee", "sql.invalid_option", message);
            "exactly_once"
        }
    };
    reading.set("delivery", "sink.delivery-guarantee", json!(delivery));
    if let Some(other) = reading.option("sink.partitioner").filter(|p| *p != "default") {
        let message = format!("is '{other}', but rows go to the partition of their key; name the key with 'key.fields'");
        reading.wrong("sink.partitioner", "sql.unsupported", message);
    }
    reading.node.parallelism = reading.parallelism("sink.parallelism");
    let keys = reading.keys();
    if !keys.is_empty() {
        reading.set("key_fields", "key.fields", json!(keys));
    }
    if reading.is_upsert() {
        reading.set("changelog", "connector", json!("upsert"));
    }
    reading.end()
}

impl<'a> Reading<'a> {
    /// Reads what sources and sinks share.
    fn begin(table: &'a SqlTable<'a>) -> Self {
        let mut reading = Self { table, node: SqlNode::default(), errors: Vec::new() };
        reading.node.config.insert("topic".into(), json!(table.binding.name));
        reading.properties();
        reading.format();
        for (option, reason) in WITHOUT_EFFECT {
            if table.options.contains_key(*option) {
                reading.warn(option, format!("has no effect: {reason}"));
            }
        }
        let has_key = !table.primary_key.is_empty();
        if reading.is_upsert() && !has_key {
            let message = format!("'{UPSERT}' needs a key; declare `PRIMARY KEY (…) NOT ENFORCED` in the table");
            reading.wrong("connector", "sql.no_primary_key", message);
        } else if !reading.is_upsert() && has_key {
            let message =
                format!("'{}' appends every row and keeps no primary key; write '{UPSERT}', or leave the key out", table.connector);
            reading.wrong("connector", "sql.primary_key", message);
        }
        reading
    }

    fn end(self) -> Result<SqlNode, Vec<ConfigError>> {
        if self.errors.is_empty() { Ok(self.node) } else { Err(self.errors) }
    }

    fn is_upsert(&self) -> bool {
        self.table.connector == UPSERT
    }

    fn option(&self, name: &str) -> Option<&'a str> {
        self.table.options.get(name).map(|value| value.trim())
    }

    fn set(&mut self, field: &str, option: &str, value: Value) {
        self.node.config.insert(field.into(), value);
        self.node.origins.insert(field.into(), option.into());
    }

    fn wrong(&mut self, option: &str, code: &str, message: String) {
        self.errors.push(ConfigError::new(option, code, message));
    }

    fn warn(&mut self, option: &str, message: String) {
        self.node.warnings.push(ConfigError::new(option, "sql.without_effect", message));
    }

    fn duration(&mut self, option: &str) -> Option<u64> {
        let value = self.option(option)?;
        let found = duration_ms(value);
        if found.is_none() {
            self.wrong(option, "sql.invalid_option", format!("is '{value}', expected a duration such as '10 s' or '1 min'"));
        }
        found
    }

    fn parallelism(&mut self, option: &str) -> Option<u16> {
        let value = self.option(option)?;
        let found = value.parse().ok().filter(|&n| n > 0);
        if found.is_none() {
            self.wrong(option, "sql.invalid_option", format!("is '{value}', expected a whole number from 1"));
        }
        found
    }

    fn start(&mut self) -> Value {
        const MILLIS: &str = "scan.startup.timestamp-millis";
        match (self.option("scan.startup.mode"), self.option(MILLIS)) {
            (None, None) | (Some("earliest-offset"), _) => json!("earliest"),
            (Some("latest-offset"), _) => json!("latest"),
            (Some("timestamp") | None, Some(text)) => match text.parse::<i64>().ok().filter(|ms| *ms >= 0) {
                Some(ms) => json!({ "mode": "timestamp", "timestamp_ms": ms }),
                None => {
                    self.wrong(MILLIS, "sql.invalid_option", format!("is '{text}', expected milliseconds since 1970-01-01"));
                    Value::Null
                }
            },
            (Some("timestamp"), None) => {
                self.wrong("scan.startup.mode", "sql.invalid_option", format!("is 'timestamp', so '{MILLIS}' must say which"));
                Value::Null
            }
            (Some(mode), _) => {
                let message = match mode {
                    "group-offsets" => "is 'group-offsets', but a job's position is kept in its checkpoints, not in a consumer group",
                    "specific-offsets" => "is 'specific-offsets', which is not supported",
                    _ => "is not known",
                };
                let expected = "write 'earliest-offset' (the default), 'latest-offset' or 'timestamp'";
                self.wrong("scan.startup.mode", "sql.invalid_option", format!("{message}; {expected}"));
                Value::Null
            }
        }
    }

    /// Columns of the message key.
    fn keys(&mut self) -> Vec<String> {
        if self.is_upsert() {
            if self.table.options.contains_key("key.fields") {
                self.wrong("key.fields", "sql.invalid_option", "is the primary key; leave it out".into());
            }
            return self.table.primary_key.to_vec();
        }
        let names = self.option("key.fields").unwrap_or_default();
        names.split(';').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    }

    fn properties(&mut self) {
        let mut properties = serde_json::Map::new();
        for (option, value) in self.table.options {
            let Some(name) = option.strip_prefix("properties.") else { continue };
            if name == "bootstrap.servers" {
                self.check_servers(option, value);
            } else if name == "group.id" {
                // Said to have no effect.
            } else if let Some(reason) = refusal(name) {
                let belongs = if reason == "it belongs to the data source" {
                    "how to connect, and with which credentials, is kept in the data source, never in a script"
                } else {
                    reason
                };
                self.wrong(option, "config.property_refused", format!("cannot be set: {belongs}"));
            } else {
                properties.insert(name.to_owned(), json!(value));
            }
        }
        if !properties.is_empty() {
            self.node.config.insert("properties".into(), Value::Object(properties));
        }
    }

    /// A script may name the brokers; they must be those of the topic's data source, or some of them.
    fn check_servers(&mut self, option: &str, found: &str) {
        let servers = |text: &str| text.split(',').map(|s| s.trim().to_lowercase()).filter(|s| !s.is_empty()).collect::<BTreeSet<_>>();
        let own = self.table.binding.connection.properties.get("bootstrap.servers").map(|s| servers(s)).unwrap_or_default();
        if !servers(found).is_subset(&own) {
            let topic = &self.table.binding.name;
            let message = format!("'{found}' is not the cluster of the data source that topic `{topic}` lies in; leave the option out");
            self.wrong(option, "sql.other_cluster", message);
        }
    }
}
