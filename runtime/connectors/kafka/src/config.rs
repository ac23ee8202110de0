//! Settings of `kafka_source` and `kafka_sink` nodes (JOB-5, SNK-3).

use crate::{
    native::Client,
    properties::{self, beyond, refusal},
};
use millrace_connector::{ConfigError, ConnectorError, TableBinding, parse_config};
use millrace_formats::{Decoder, Encoder, FormatSpec};
use millrace_model::Schema;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A source node's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceConfig {
    /// Name of the table; resolved by the control plane.
    #[allow(dead_code)]
    pub(crate) topic: String,
    /// Name that SQL downstream uses; read by the planner.
    #[serde(default)]
    #[allow(dead_code)]
    pub(crate) table_name: Option<String>,
    /// Where to begin without restored state.
    #[serde(default)]
    pub(crate) start: Start,
    /// Column that holds the event time.
    #[serde(default)]
    pub(crate) event_time_field: Option<String>,
    /// How long to wait for late records.
    #[serde(default)]
    pub(crate) watermark_delay_ms: u64,
    /// A partition that is silent for so long does not hold the watermark back; 0 or absent: it always does.
    #[serde(default)]
    pub(crate) idle_timeout_ms: Option<u64>,
    /// What the topic's messages are.
    #[serde(default)]
    pub(crate) changelog: Changelog,
    /// Tell when the end is reached that each partition had; set for dimension tables.
    #[serde(default)]
    pub(crate) reports_end: bool,
    /// What happens to late records.
    #[serde(default)]
    pub(crate) late_records: LateRecords,
    /// What happens to records that cannot be read.
    #[serde(default)]
    pub(crate) bad_records: BadRecords,
    /// How often to look for new partitions; 0: never.
    #[serde(default = "five_minutes")]
    pub(crate) partition_discovery_interval_ms: u64,
    /// Free client properties.
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, String>,
}

fn five_minutes() -> u64 {
    300_000
}

/// Where a source begins: `"latest"`, `"earliest"` or `{"mode": "timestamp", "timestamp_ms": …}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Start {
    #[default]
    Latest,
    Earliest,
    Timestamp {
        timestamp_ms: i64,
    },
    /// So many records before the end of each partition.
    Newest {
        records: u64,
    },
}

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Object {
            mode: String,
            timestamp_ms: Option<i64>,
            records: Option<u64>,
        }
        const EXPECTED: &str = "expected \"latest\", \"earliest\" or {\"mode\": \"timestamp\", \"timestamp_ms\": epoch milliseconds}";
        let (mode, timestamp_ms, records) = match Value::deserialize(deserializer)? {
            Value::String(mode) => (mode, None, None),
            value @ Value::Object(_) => {
                let object: Object = serde_json::from_value(value).map_err(|e| D::Error::custom(format!("{e}; {EXPECTED}")))?;
                (object.mode, object.timestamp_ms, object.records)
            }
            other => return Err(D::Error::custom(format!("is {other}, {EXPECTED}"))),
        };
        match (mode.as_str(), timestamp_ms, records) {
            ("latest", None, None) => Ok(Self::Latest),
            ("earliest", None, None) => Ok(Self::Earliest),
            ("newest", None, Some(records)) => Ok(Self::Newest { records }),
            ("timestamp", Some(timestamp_ms), None) if timestamp_ms >= 0 => Ok(Self::Timestamp { timestamp_ms }),
            _ => Err(D::Error::custom(EXPECTED)),
        }
    }
}

/// What happens to records that come after the watermark has passed them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LateRecords {
    #[default]
    Drop,
    Keep,
    DeadLetter,
}

/// What happens to records that cannot be read as declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BadRecords {
    #[default]
    DeadLetter,
    Fail,
    Skip,
}

/// A sink node's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SinkConfig {
    /// Name of the table; resolved by the control plane.
    #[allow(dead_code)]
    pub(crate) topic: String,
    /// Delivery promise.
    #[serde(default)]
    pub(crate) delivery: Delivery,
    /// What becomes of updates and deletes.
    #[serde(default)]
    pub(crate) changelog: Changelog,
    /// Columns that make the message key; records of one key keep their order.
    #[serde(default)]
    pub(crate) key_fields: Vec<String>,
    /// Pending output of this size asks for a checkpoint (exactly once only).
    #[serde(default = "pending_bytes")]
    pub(crate) pending_bytes_max: usize,
    /// Free client properties.
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, String>,
}

fn pending_bytes() -> usize {
    64 << 20
}

/// What messages are to a sink or source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Changelog {
    /// Every message is a row of its own; sinks refuse updates and deletes.
    #[default]
    Append,
    /// The latest message of a key is its row: an update replaces it, a delete is a message without a value.
    Upsert,
}

/// Delivery promises of a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Delivery {
    #[default]
    ExactlyOnce,
    AtLeastOnce,
}

/// Reads settings for running; `check_source` has shown them to be right.
pub(crate) fn source_config(config: &Map<String, Value>) -> Result<SourceConfig, ConnectorError> {
    parse_config(config).map_err(|error| ConnectorError::Config(error.to_string()))
}

/// Reads settings for running; `check_sink` has shown them to be right.
pub(crate) fn sink_config(config: &Map<String, Value>) -> Result<SinkConfig, ConnectorError> {
    parse_config(config).map_err(|error| ConnectorError::Config(error.to_string()))
}

/// Everything wrong with a source node.
pub(crate) fn check_source(config: &Map<String, Value>, table: &TableBinding) -> Vec<ConfigError> {
    let config: SourceConfig = match parse_config(config) {
        Ok(config) => config,
        Err(error) => return vec![error],
    };
    let mut errors = check_properties(&config.properties, table);
    if config.changelog == Changelog::Upsert {
        errors.extend(check_upsert_source(&config, table));
    }
    if let Some(name) = &config.event_time_field {
        match table.schema.field(name) {
            None => errors.push(unknown_column("event_time_field", name, &table.schema)),
            Some(field) if !field.data_type.is_event_time() => errors.push(ConfigError::new(
                "event_time_field",
                "config.invalid",
                format!("column `{name}` is {}, expected TIMESTAMP, TIMESTAMP_LTZ or BIGINT epoch milliseconds", field.data_type),
            )),
            Some(_) => {}
        }
    }
    match format_spec(table) {
        Ok(spec) => errors.extend(Decoder::new(&spec, &table.schema).err().map(format_error)),
        Err(error) => errors.push(format_error(error)),
    }
    errors
}

/// Everything wrong with a sink node.
pub(crate) fn check_sink(config: &Map<String, Value>, table: &TableBinding, input: &Schema) -> Vec<ConfigError> {
    let config: SinkConfig = match parse_config(config) {
        Ok(config) => config,
        Err(error) => return vec![error],
    };
    let mut errors = check_properties(&config.properties, table);
    for (index, name) in config.key_fields.iter().enumerate() {
        let field = format!("key_fields[{index}]");
        if input.field(name).is_none() {
            errors.push(unknown_column(&field, name, input));
        } else if config.key_fields.iter().take(index).any(|earlier| earlier == name) {
            errors.push(ConfigError::new(field, "config.invalid", format!("column `{name}` is named twice")));
        }
    }
    if config.changelog == Changelog::Upsert {
        errors.extend(check_upsert(&config, table));
    }
    if config.pending_bytes_max == 0 || config.pending_bytes_max > 1 << 30 {
        let message = format!("is {}, expected 1 to {} (1 GiB)", config.pending_bytes_max, 1 << 30);
        errors.push(ConfigError::new("pending_bytes_max", "config.invalid", message));
    }
    errors.extend(check_columns(table, input));
    match format_spec(table) {
        Ok(spec) => errors.extend(Encoder::new(&spec, &table.schema).err().map(format_error)),
        Err(error) => errors.push(format_error(error)),
    }
    errors
}

/// Keys are read like values that have only some of the columns.
fn check_upsert_source(config: &SourceConfig, table: &TableBinding) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    let mut refuse = |field: &str, message: &str| errors.push(ConfigError::new(field, "config.invalid", message));
    match format_spec(table) {
        Ok(FormatSpec::Json(options)) if options.fail_on_missing_field => {
            refuse("changelog", "\"upsert\" reads keys that lack the other columns, which the topic's `fail_on_missing_field` forbids");
        }
        Ok(FormatSpec::Csv(_)) => refuse("changelog", "\"upsert\" needs messages in JSON: a CSV key does not name its columns"),
        Ok(FormatSpec::Json(_)) | Err(_) => {}
    }
    if config.event_time_field.is_some() {
        refuse("event_time_field", "has no meaning for upserts: a deleted row has only its key");
    }
    errors
}

/// An upsert needs a key of the table's own columns, so that whoever reads the table finds its rows again.
fn check_upsert(config: &SinkConfig, table: &TableBinding) -> Vec<ConfigError> {
    if config.key_fields.is_empty() {
        let message = "is missing; with `changelog` \"upsert\" name the columns by which rows are told apart";
        return vec![ConfigError::new("key_fields", "config.missing", message)];
    }
    let mut errors: Vec<ConfigError> = (config.key_fields.iter().enumerate())
        .filter(|(_, name)| table.schema.field(name).is_none())
        .map(|(index, name)| unknown_column(&format!("key_fields[{index}]"), name, &table.schema))
        .collect();
    // A line of one NULL has no character, which could not be told from a deleted row.
    if matches!(format_spec(table), Ok(FormatSpec::Csv(_))) && table.schema.fields().len() == 1 {
        errors.push(ConfigError::new("changelog", "config.invalid", "\"upsert\" needs more than one column where messages are CSV"));
    }
    errors
}

/// Columns go by name and must have the table's types; a nullable column cannot feed a NOT NULL one.
fn check_columns(table: &TableBinding, input: &Schema) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    for column in table.schema.fields() {
        let message = match input.field(&column.name) {
            None if column.nullable => continue,
            None => format!("column `{}` of table `{}` is NOT NULL, but the input does not have it", column.name, table.name),
            Some(found) if found.data_type != column.data_type => {
                format!("column `{}` is {} in the input, but {} in table `{}`", column.name, found.data_type, column.data_type, table.name)
            }
            Some(found) if found.nullable && !column.nullable => {
                format!("column `{}` may be NULL in the input, but is NOT NULL in table `{}`", column.name, table.name)
            }
            Some(_) => continue,
        };
        errors.push(ConfigError::new("topic", "config.schema_mismatch", message));
    }
    for column in input.fields().iter().filter(|c| table.schema.field(&c.name).is_none()) {
        let message = format!("the input's column `{}` is not in table `{}`", column.name, table.name);
        errors.push(ConfigError::new("topic", "config.schema_mismatch", message));
    }
    errors
}

fn check_properties(operator: &BTreeMap<String, String>, table: &TableBinding) -> Vec<ConfigError> {
    let refused = operator.keys().filter_map(|name| {
        let reason = refusal(name)?;
        Some(ConfigError::new(format!("properties.{name}"), "config.property_refused", format!("cannot be set: {reason}")))
    });
    let mut errors: Vec<ConfigError> = refused.collect();
    if errors.is_empty() {
        for (name, value) in operator {
            let one = BTreeMap::from([(name.clone(), value.clone())]);
            if let Some(problem) = beyond(name, value) {
                errors.push(ConfigError::new(format!("properties.{name}"), "config.invalid", problem));
            } else if let Err(error) = Client::check_properties(&one) {
                errors.push(ConfigError::new(format!("properties.{name}"), "config.invalid", error.to_string()));
            }
        }
    }
    if let Err(error) = properties::check_connection(&table.connection) {
        errors.push(ConfigError::new("topic", "config.invalid", format!("data source of table `{}`: {error}", table.name)));
    }
    errors
}

pub(crate) fn format_spec(table: &TableBinding) -> Result<FormatSpec, millrace_formats::FormatError> {
    FormatSpec::from_json(&table.format)
}

fn format_error(error: millrace_formats::FormatError) -> ConfigError {
    ConfigError::new("topic", "config.format", format!("message format: {error}"))
}

fn unknown_column(field: &str, name: &str, schema: &Schema) -> ConfigError {
    let known: Vec<&str> = schema.fields().iter().map(|f| f.name.as_str()).collect();
    ConfigError::new(field, "config.unknown_column", format!("there is no column `{name}`; columns are {}", known.join(", ")))
}
