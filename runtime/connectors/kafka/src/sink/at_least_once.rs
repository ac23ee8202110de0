//! The at-least-once sink: rows go out at once, a checkpoint waits for their delivery.

use super::{rows::RowEncoder, state::PendingRows};
use crate::{
    config::SinkConfig,
    failure::topic_error,
    native::{Client, ClientKind, Failure, Producer, Sent, Topic, blocking},
    properties::{AT_LEAST_ONCE_DEFAULTS, SINK_REQUIRED, assemble},
};
use async_trait::async_trait;
use bytes::Bytes;
use millrace_connector::{Connection, ConnectorError, Sink, SinkContext, SinkMetrics};
use millrace_model::{Batch, ids::CheckpointId};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

/// How long to wait for room in a full queue before looking again: about one batch's time.
const FULL_WAIT: Duration = Duration::from_millis(2);
/// Slice of waiting for deliveries; librdkafka gives a message up by itself after `message.timeout.ms`.
const FLUSH_SLICE: Duration = Duration::from_secs(1);

pub(crate) struct AtLeastOnceSink {
    encoder: RowEncoder,
    rows: PendingRows,
    /// Made at the first row: a job that writes nothing holds no connection.
    producer: Option<Arc<Producer>>,
    topic: String,
    connection: Connection,
    properties: BTreeMap<String, String>,
    metrics: Arc<SinkMetrics>,
}

impl AtLeastOnceSink {
    pub(crate) fn open(context: SinkContext, config: SinkConfig) -> Result<Self, ConnectorError> {
        let encoder = RowEncoder::new(&context, &config)?;
        let connection = context.table.connection;
        let properties = assemble(&connection, AT_LEAST_ONCE_DEFAULTS, &config.properties, SINK_REQUIRED)?;
        let (topic, metrics) = (context.table.physical_name, context.metrics);
        Ok(Self { rows: encoder.pending(), encoder, producer: None, topic, connection, properties, metrics })
    }

    fn producer(&mut self) -> Result<Arc<Producer>, ConnectorError> {
        if let Some(producer) = &self.producer {
            return Ok(producer.clone());
        }
        let producer = Arc::new(open_producer(&self.topic, &self.connection, &self.properties)?);
        self.producer = Some(producer.clone());
        Ok(producer)
    }
}

/// A producer without transactions.
pub(crate) fn open_producer(
    topic: &str,
    connection: &Connection,
    properties: &BTreeMap<String, String>,
) -> Result<Producer, ConnectorError> {
    let client = Client::new(ClientKind::Producer, properties)?;
    let handle = Topic::new(&client, topic).map_err(|f| topic_error(topic, connection, Some(&client), &f))?;
    Ok(Producer::new(handle))
}

/// Hands all rows over, waiting for room; fails if an earlier row could not be delivered.
pub(crate) async fn send_all(producer: &Producer, rows: &PendingRows, topic: &str, connection: &Connection) -> Result<(), ConnectorError> {
    let failed = |failure: &Failure| topic_error(topic, connection, Some(producer.client()), failure);
    for (key, value) in rows.records() {
        while producer.send(key, value).map_err(|f| failed(&f))? == Sent::Full {
            check_deliveries(producer, topic, connection)?;
            tokio::time::sleep(FULL_WAIT).await;
        }
    }
    check_deliveries(producer, topic, connection)
}

/// Waits until everything handed over is delivered.
pub(crate) async fn flush(producer: &Arc<Producer>, topic: &str, connection: &Connection) -> Result<(), ConnectorError> {
    if producer.in_flight() > 0 {
        let (waiting, name, at) = (producer.clone(), topic.to_owned(), connection.clone());
        blocking(move || {
            while !waiting.flush(FLUSH_SLICE).map_err(|f| topic_error(&name, &at, Some(waiting.client()), &f))? {}
            Ok(())
        })
        .await?;
    }
    check_deliveries(producer, topic, connection)
}

fn check_deliveries(producer: &Producer, topic: &str, connection: &Connection) -> Result<(), ConnectorError> {
    producer.client().poll();
    match producer.client().take_delivery_error().or_else(|| producer.client().refusal()) {
        Some(failure) => Err(topic_error(topic, connection, Some(producer.client()), &failure)),
        None => Ok(()),
    }
}

#[async_trait]
impl Sink for AtLeastOnceSink {
    async fn write(&mut self, batch: Batch) -> Result<(), ConnectorError> {
        let producer = self.producer()?;
        self.rows.clear();
        let messages = self.encoder.encode(&batch, &mut self.rows)?;
        send_all(&producer, &self.rows, &self.topic, &self.connection).await?;
        self.metrics.records_out.fetch_add(messages as u64, Relaxed);
        self.metrics.bytes_out.fetch_add(self.rows.values.data.len() as u64, Relaxed);
        Ok(())
    }

    async fn prepare(&mut self, _: CheckpointId) -> Result<Bytes, ConnectorError> {
        if let Some(producer) = &self.producer {
            flush(producer, &self.topic, &self.connection).await?;
        }
        Ok(Bytes::new())
    }

    async fn commit(&mut self, _: CheckpointId) -> Result<(), ConnectorError> {
        Ok(())
    }
}
