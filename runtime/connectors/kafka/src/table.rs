//! Topics for tables (TOP-5): made when a table is published, or checked.

use crate::{
    failure::{topic_code_error, topic_error},
    native::{
        Client, ClientKind, Code, Failure, OffsetSpec, Topic, TopicToMake, blocking, create_topic, delete_topic, list_offsets,
        set_topic_config,
    },
    properties::{SOURCE_DEFAULTS, assemble},
};
use millrace_connector::{ConnectorError, TableBinding, TableExtent, parse_config};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

const REQUEST_MAX: Duration = Duration::from_secs(20);
/// How long a topic that was made may take until a broker tells of it, and how often it is asked.
const KNOWN_MAX: Duration = Duration::from_secs(10);
const KNOWN_EVERY: Duration = Duration::from_millis(10);

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
    let (partitions, replication_factor, configs) = (options.partitions, options.replication_factor, options.configs.clone());
    change(table, properties, "the topic cannot be made", move |client, name| {
        match create_topic(client, &TopicToMake { name, partitions, replication_factor, configs: &configs }, REQUEST_MAX) {
            Ok(()) => known(client, name).map(|()| true),
            // Somebody else was quicker.
            Err(failure) if failure.code == Code::RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS => Ok(false),
            Err(failure) => Err(failure),
        }
    })
    .await
}

/// Waits until the broker that was asked tells of a topic that was just made: it learns of it a moment after the controller.
fn known(client: &Arc<Client>, name: &str) -> Result<(), Failure> {
    let topic = Topic::new(client, name)?;
    let begun = Instant::now();
    while begun.elapsed() < KNOWN_MAX {
        let metadata = client.metadata(Some(&topic), REQUEST_MAX)?;
        if metadata.topic_error.is_none() && !metadata.partitions.is_empty() {
            break;
        }
        std::thread::sleep(KNOWN_EVERY);
    }
    Ok(())
}

/// Sets how long a topic of ours keeps records. All its other settings are the broker's: they are what they were.
pub(crate) async fn set_retention(table: &TableBinding, retention_ms: u64) -> Result<(), ConnectorError> {
    let properties = assemble(&table.connection, SOURCE_DEFAULTS, &BTreeMap::new(), &[])?;
    change(table, &properties, "retention cannot be set", move |client, name| {
        set_topic_config(client, name, ("retention.ms", &retention_ms.to_string()), REQUEST_MAX)
    })
    .await
}

/// Removes a topic.
pub(crate) async fn drop_topic(table: &TableBinding) -> Result<(), ConnectorError> {
    let properties = assemble(&table.connection, SOURCE_DEFAULTS, &BTreeMap::new(), &[])?;
    change(table, &properties, "the topic cannot be removed", |client, name| match delete_topic(client, name, REQUEST_MAX) {
        Err(Failure { code: Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART | Code::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, .. }) => Ok(()),
        outcome => outcome,
    })
    .await
}

/// Changes a topic; `problem` says what could not be done where the cluster refuses.
async fn change<T: Send + 'static>(
    table: &TableBinding,
    properties: &BTreeMap<String, String>,
    problem: &'static str,
    work: impl FnOnce(&Arc<Client>, &str) -> Result<T, Failure> + Send + 'static,
) -> Result<T, ConnectorError> {
    let (name, connection, properties) = (table.physical_name.clone(), table.connection.clone(), properties.clone());
    blocking(move || {
        let client = Client::new(ClientKind::Consumer, &properties)?;
        work(&client, &name).map_err(|failure| match topic_error(&name, &connection, Some(&client), &failure) {
            ConnectorError::External { system, message, retryable } => {
                ConnectorError::External { system, message: format!("{problem}: {message}"), retryable }
            }
            other => other,
        })
    })
    .await
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
