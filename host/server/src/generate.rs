//! Synthetic clicks for a topic: written through the product's own sink, at a steady rate.
//!
//! The columns of the topic decide what is made: names that a click stream usually has get plausible values, others
//! get values of their type. Invariant: the generator never runs ahead of its rate by more than one tick.

mod clicks;

use anyhow::Context;
use clicks::ClickMaker;
use millrace_connector::{Connection, Connector, Sink, SinkContext, SinkMetrics, TableBinding};
use millrace_connector_kafka::KafkaConnector;
use millrace_model::{
    Batch, DataType, Field, Schema,
    ids::{InstanceId, NodeId},
};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior};

/// Time between two batches; short enough that the stream looks steady.
const TICK: Duration = Duration::from_millis(50);
/// Rows of one batch at most, so that a late tick does not make a huge one.
const ROWS_MAX: u64 = 8_192;

/// Where to write and how much.
pub(crate) struct Generate {
    /// `bootstrap.servers`.
    pub(crate) kafka: String,
    /// Name of the topic in the broker; made with this many partitions if it is not there.
    pub(crate) topic: String,
    pub(crate) partitions: u32,
    /// Columns of the topic; the usual ones of a click when absent.
    pub(crate) schema: Option<Schema>,
    pub(crate) records_per_second: u64,
    /// Records in total; without end when absent.
    pub(crate) records_max: Option<u64>,
}

/// Writes until `records_max` are written; without it, until the future is dropped. Answers how many were written.
///
/// # Errors
/// The broker cannot be reached or refuses a record, or the schema has a column that cannot be made.
pub(crate) async fn run(options: Generate, written: Arc<std::sync::atomic::AtomicU64>) -> anyhow::Result<u64> {
    let schema = options.schema.unwrap_or_else(usual_columns);
    let mut maker = ClickMaker::new(&schema)?;
    let mut sink = open(&options.kafka, &options.topic, options.partitions, &schema).await?;
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut total, mut since, mut since_total) = (0u64, Instant::now(), 0u64);
    let mut flushes = 0;
    while options.records_max.is_none_or(|max| total < max) {
        tick.tick().await;
        let due = (since.elapsed().as_secs_f64() * options.records_per_second as f64) as u64;
        let left = options.records_max.map_or(u64::MAX, |max| max - total);
        let rows = due.saturating_sub(since_total).min(ROWS_MAX).min(left);
        if rows == 0 {
            continue;
        }
        sink.write(Batch::inserts(maker.rows(rows as usize)?)).await.context("the broker refuses clicks")?;
        total += rows;
        since_total += rows;
        written.store(total, std::sync::atomic::Ordering::Relaxed);
        if since.elapsed() > Duration::from_secs(1) {
            // What was missed while the broker was slow is not made up for later.
            flushes += 1;
            sink.prepare(flushes).await?;
            (since, since_total) = (Instant::now(), 0);
        }
    }
    sink.prepare(flushes + 1).await.context("the broker refuses clicks")?;
    Ok(total)
}

async fn open(kafka: &str, topic: &str, partitions: u32, schema: &Schema) -> anyhow::Result<Box<dyn Sink>> {
    let connector = KafkaConnector;
    let table = TableBinding {
        name: topic.to_owned(),
        physical_name: topic.to_owned(),
        schema: schema.clone(),
        format: json!({ "type": "json" }),
        connection: Connection { kind: "kafka".into(), properties: BTreeMap::from([("bootstrap.servers".into(), kafka.to_owned())]) },
    };
    connector.ensure_table(&table, &json!({ "partitions": partitions, "replication_factor": 1 })).await?;
    let config = match json!({ "topic": topic, "delivery": "at_least_once" }) {
        serde_json::Value::Object(config) => config,
        _ => serde_json::Map::new(),
    };
    let context = SinkContext {
        instance: InstanceId::new(format!("generator-{}", uuid::Uuid::now_v7())),
        operator: NodeId::new("clicks"),
        config,
        table,
        input: schema.clone(),
        subtask: 0,
        parallelism: 1,
        restored: Vec::new(),
        metrics: Arc::new(SinkMetrics::default()),
        dead_letters: Arc::new(millrace_connector::NoDeadLetters),
    };
    Ok(connector.open_sink(context).await?)
}

fn usual_columns() -> Schema {
    let text = |name: &str| Field::new(name, DataType::String, true);
    let fields = vec![
        Field::new("event_id", DataType::String, false),
        Field::new("ts", DataType::BigInt, false),
        text("user_id"),
        text("session_id"),
        text("url"),
        text("referrer"),
        text("user_agent"),
        text("ip"),
        text("country"),
    ];
    // The names above are unique; an empty schema would only make the generator refuse to start.
    Schema::new(fields).unwrap_or_default()
}
