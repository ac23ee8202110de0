//! Topics for tables (TOP-5): made when a table is published, or checked.

use crate::{
    failure::{cluster, topic_code_error, topic_error},
    native::{Client, ClientKind, Code, OffsetSpec, Topic, blocking, list_offsets},
    properties::{SOURCE_DEFAULTS, assemble},
};
use millrace_connector::{ConnectorError, TableBinding, TableExtent, parse_config};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
    error::RDKafkaErrorCode,
};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};

const REQUEST_MAX: Duration = Duration::from_secs(20);

/// How to make a topic.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TopicOptions {
    partitions: i32,
    replication_factor: i32,
    /// Topic settings by Kafka's names: `retention.ms`.
    configs: BTreeMap<String, String>,
}

impl Default for TopicOptions {
    fn default() -> Self {
        Self { partitions: 1, replication_factor: 1, configs: BTreeMap::new() }
    }
}

/// Makes the topic if it is not there; answers whether it did.
pub(crate) async fn ensure(table: &TableBinding, options: &serde_json::Value) -> Result<bool, ConnectorError> {
    let object = match options {
        serde_json::Value::Null => serde_json::Map::new(),
        serde_json::Value::Object(object) => object.clone(),
        other => return Err(ConnectorError::Config(format!("topic options are {other}, expected an object"))),
    };
    let options: TopicOptions = parse_config(&object).map_err(|e| ConnectorError::Config(format!("topic options: {e}")))?;
    if options.partitions < 1 || options.replication_factor < 1 {
        return Err(ConnectorError::Config("topic options: `partitions` and `replication_factor` must be at least 1".into()));
    }
    let properties = assemble(&table.connection, SOURCE_DEFAULTS, &BTreeMap::new(), &[])?;
    match partition_count(table, &properties).await? {
        Some(found) => {
            // Only an explicit wish can be broken.
            if object.contains_key("partitions") && found < options.partitions {
                let message = format!(
                    "topic `{}` has {found} partitions, but {} are wanted; add them first",
                    table.physical_name, options.partitions
                );
                return Err(ConnectorError::Config(message));
            }
            Ok(false)
        }
        None => create(table, &properties, &options).await,
    }
}

async fn partition_count(table: &TableBinding, properties: &BTreeMap<String, String>) -> Result<Option<i32>, ConnectorError> {
    let (name, connection, properties) = (table.physical_name.clone(), table.connection.clone(), properties.clone());
    blocking(move || {
        let client = Client::new(ClientKind::Consumer, &properties)?;
        let failed = |failure| topic_error(&name, &connection, Some(&client), &failure);
        let topic = Topic::new(&client, &name).map_err(failed)?;
        let metadata = client.metadata(Some(&topic), REQUEST_MAX).map_err(failed)?;
        match metadata.topic_error {
            None => Ok(i32::try_from(metadata.partitions.len()).ok()),
            Some(Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => Ok(None),
            Some(code) => Err(topic_code_error(&name, &connection, code)),
        }
    })
    .await
}

async fn create(table: &TableBinding, properties: &BTreeMap<String, String>, options: &TopicOptions) -> Result<bool, ConnectorError> {
    let name = table.physical_name.as_str();
    let system = format!("kafka topic `{name}` on {}", cluster(&table.connection));
    let external = |message: String, retryable| ConnectorError::External { system: system.clone(), message, retryable };
    let mut config = ClientConfig::new();
    properties.iter().for_each(|(name, value)| _ = config.set(name, value));
    let admin: AdminClient<DefaultClientContext> = config.create().map_err(|e| external(e.to_string(), false))?;
    let mut topic = NewTopic::new(name, options.partitions, TopicReplication::Fixed(options.replication_factor));
    for (name, value) in &options.configs {
        topic = topic.set(name, value);
    }
    let admin_options = AdminOptions::new().operation_timeout(Some(REQUEST_MAX)).request_timeout(Some(REQUEST_MAX));
    let results = admin.create_topics([&topic], &admin_options).await.map_err(|e| external(e.to_string(), true))?;
    match results.into_iter().next() {
        Some(Ok(_)) => Ok(true),
        // Somebody else was quicker.
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
        Some(Err((_, code))) => Err(external(format!("the topic cannot be made: {code}"), false)),
        None => Err(external("the broker did not say whether the topic was made".into(), true)),
    }
}

/// An administration client and how to name its topic in errors.
fn admin(table: &TableBinding) -> Result<(AdminClient<DefaultClientContext>, AdminOptions, String), ConnectorError> {
    let properties = assemble(&table.connection, SOURCE_DEFAULTS, &BTreeMap::new(), &[])?;
    let system = format!("kafka topic `{}` on {}", table.physical_name, cluster(&table.connection));
    let mut config = ClientConfig::new();
    properties.iter().for_each(|(name, value)| _ = config.set(name, value));
    let made =
        config.create().map_err(|e| ConnectorError::External { system: system.clone(), message: e.to_string(), retryable: false })?;
    Ok((made, AdminOptions::new().operation_timeout(Some(REQUEST_MAX)).request_timeout(Some(REQUEST_MAX)), system))
}

/// Sets how long a topic of ours keeps records. All its other settings are the broker's: they are what they were.
pub(crate) async fn set_retention(table: &TableBinding, retention_ms: u64) -> Result<(), ConnectorError> {
    let (admin, options, system) = admin(table)?;
    let retention_ms = retention_ms.to_string();
    let change = AlterConfig::new(ResourceSpecifier::Topic(&table.physical_name)).set("retention.ms", &retention_ms);
    let external = |message: String, retryable| ConnectorError::External { system: system.clone(), message, retryable };
    let results = admin.alter_configs([&change], &options).await.map_err(|e| external(e.to_string(), true))?;
    match results.into_iter().next() {
        Some(Ok(_)) => Ok(()),
        Some(Err((_, code))) => Err(external(format!("retention cannot be set: {code}"), false)),
        None => Err(external("the broker did not say whether retention was set".into(), true)),
    }
}

/// Removes a topic.
pub(crate) async fn drop_topic(table: &TableBinding) -> Result<(), ConnectorError> {
    let (admin, options, system) = admin(table)?;
    let external = |message: String, retryable| ConnectorError::External { system: system.clone(), message, retryable };
    let results = admin.delete_topics(&[&table.physical_name], &options).await.map_err(|e| external(e.to_string(), true))?;
    match results.into_iter().next() {
        Some(Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic))) => Ok(()),
        Some(Err((_, code))) => Err(external(format!("the topic cannot be removed: {code}"), false)),
        None => Err(external("the broker did not say whether the topic was removed".into(), true)),
    }
}

/// Counts by the first and the last offset of each partition.
pub(crate) async fn extent(table: &TableBinding) -> Result<TableExtent, ConnectorError> {
    let properties = assemble(&table.connection, SOURCE_DEFAULTS, &BTreeMap::new(), &[])?;
    let (name, connection) = (table.physical_name.clone(), table.connection.clone());
    blocking(move || {
        let client = Client::new(ClientKind::Consumer, &properties)?;
        let failed = |failure| topic_error(&name, &connection, Some(&client), &failure);
        let topic = Topic::new(&client, &name).map_err(failed)?;
        let metadata = client.metadata(Some(&topic), REQUEST_MAX).map_err(failed)?;
        if let Some(code) = metadata.topic_error {
            return Err(topic_code_error(&name, &connection, code));
        }
        let list = |at: OffsetSpec| {
            let wanted: Vec<(i32, OffsetSpec)> = metadata.partitions.iter().map(|&partition| (partition, at)).collect();
            list_offsets(&client, &name, &wanted, REQUEST_MAX).map_err(failed)
        };
        let first: BTreeMap<i32, i64> = list(OffsetSpec::Earliest)?.into_iter().collect();
        let count = |(partition, end): (i32, i64)| u64::try_from(end - first.get(&partition).copied().unwrap_or(end)).unwrap_or(0);
        let records = list(OffsetSpec::Latest)?.into_iter().map(count).sum();
        Ok(TableExtent { records, partitions: u32::try_from(metadata.partitions.len()).unwrap_or(0) })
    })
    .await
}
