//! Topics for tables (TOP-5): made when a table is published, or checked.

use crate::{
    failure::{cluster, topic_code_error, topic_error},
    native::{Client, ClientKind, Code, Topic, blocking},
    properties::{SOURCE_DEFAULTS, assemble},
};
use millrace_connector::{ConnectorError, TableBinding, parse_config};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
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
