//! Apache Kafka: source, sink, connectivity test, topics and dead letters (SRC-1, SRC-2, JOB-5, SNK-3, TOP-5).
//!
//! Invariants: the only crate that knows librdkafka; `unsafe` only in `native`; a job's position and its uncommitted
//! output live in its checkpoints, never in Kafka alone.

mod config;
mod connectivity;
mod data_source;
mod dead_letters;
mod failure;
#[cfg(test)]
mod hostile;
mod native;
mod options;
mod properties;
mod sampling;
mod sink;
mod source;
mod sql;
mod table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use data_source::KafkaDataSource;

use async_trait::async_trait;
use millrace_connector::{
    ConfigError, Connector, ConnectorError, DeadLetters, MetadataKey, Sink, SinkContext, Source, SourceContext, SourceStart, SqlConnector,
    SqlNode, SqlTable, TableBinding, TableExtent,
};
use millrace_model::Schema;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// Limits the addresses that clients of this process connect to, also those that brokers name; the first call counts.
pub fn limit_networks(policy: millrace_dial::NetworkPolicy) {
    native::permission::limit(policy);
}

/// The connector of data sources of kind `kafka`.
#[derive(Debug, Clone, Copy, Default)]
pub struct KafkaConnector;

#[async_trait]
impl Connector for KafkaConnector {
    fn kind(&self) -> &'static str {
        "kafka"
    }

    fn check_source(&self, config: &Map<String, Value>, table: &TableBinding) -> Vec<ConfigError> {
        config::check_source(config, table)
    }

    fn check_sink(&self, config: &Map<String, Value>, table: &TableBinding, input: &Schema) -> Vec<ConfigError> {
        config::check_sink(config, table, input)
    }

    fn source_metadata(&self, _config: &Map<String, Value>) -> Vec<MetadataKey> {
        source::metadata::keys()
    }

    fn table_options(&self) -> &'static [&'static str] {
        sql::OPTIONS
    }

    fn apply_table_options(&self, config: &mut Map<String, Value>, options: &BTreeMap<String, String>) -> Result<(), ConfigError> {
        options::apply(config, options)
    }

    fn set_start(&self, config: &mut Map<String, Value>, start: SourceStart) {
        let start = match start {
            SourceStart::Earliest => json!("earliest"),
            SourceStart::Latest => json!("latest"),
            SourceStart::Newest { records } => json!({"mode": "newest", "records": records}),
            SourceStart::Time { timestamp_ms } => json!({"mode": "timestamp", "timestamp_ms": timestamp_ms.max(0)}),
        };
        config.insert("start".into(), start);
    }

    fn sends_changes(&self, config: &Map<String, Value>) -> bool {
        self.sends_upserts(config)
    }

    fn sends_upserts(&self, config: &Map<String, Value>) -> bool {
        config::source_config(config).is_ok_and(|c| c.changelog == config::Changelog::Upsert)
    }

    fn dimension_source(&self, table: &TableBinding, _parameters: &BTreeMap<String, String>) -> Option<Map<String, Value>> {
        // A bad record would leave a hole that nobody sees, so it is an error.
        let config = serde_json::json!({
            "topic": table.name, "start": "earliest", "changelog": "upsert", "reports_end": true, "bad_records": "fail",
        });
        match config {
            Value::Object(config) => Some(config),
            _ => None,
        }
    }

    fn accepts_changes(&self, config: &Map<String, Value>) -> bool {
        self.change_key(config).is_some()
    }

    /// The new row of a key replaces the one before.
    fn needs_update_before(&self, _config: &Map<String, Value>) -> bool {
        false
    }

    fn change_key(&self, config: &Map<String, Value>) -> Option<Vec<String>> {
        let config = config::sink_config(config).ok()?;
        (config.changelog == config::Changelog::Upsert).then_some(config.key_fields)
    }

    fn sql_connectors(&self) -> &'static [SqlConnector] {
        sql::CONNECTORS
    }

    fn sql_source(&self, table: &SqlTable<'_>) -> Result<SqlNode, Vec<ConfigError>> {
        sql::source(table)
    }

    fn sql_sink(&self, table: &SqlTable<'_>) -> Result<SqlNode, Vec<ConfigError>> {
        sql::sink(table)
    }

    async fn ensure_table(&self, table: &TableBinding, options: &Value) -> Result<bool, ConnectorError> {
        table::ensure(table, options).await
    }

    async fn table_extent(&self, table: &TableBinding) -> Result<Option<TableExtent>, ConnectorError> {
        table::extent(table).await.map(Some)
    }

    async fn set_retention(&self, table: &TableBinding, retention_ms: u64) -> Result<(), ConnectorError> {
        table::set_retention(table, retention_ms).await
    }

    async fn drop_table(&self, table: &TableBinding) -> Result<(), ConnectorError> {
        table::drop_topic(table).await
    }

    async fn open_source(&self, context: SourceContext) -> Result<Box<dyn Source>, ConnectorError> {
        Ok(Box::new(source::KafkaSource::open(context).await?))
    }

    async fn open_sink(&self, context: SinkContext) -> Result<Box<dyn Sink>, ConnectorError> {
        sink::open(context).await
    }

    async fn open_dead_letters(&self, table: &TableBinding) -> Result<Arc<dyn DeadLetters>, ConnectorError> {
        Ok(Arc::new(dead_letters::KafkaDeadLetters::open(table)?))
    }
}
