//! Dead letters as JSON records of a topic, delivered at least once.

use crate::{
    native::Producer,
    properties::{AT_LEAST_ONCE_DEFAULTS, SINK_REQUIRED, assemble},
    sink::{PendingRows, flush, open_producer, send_all},
};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use millrace_connector::{Connection, ConnectorError, DeadLetter, DeadLetterReason, DeadLetters, TableBinding};
use parking_lot::Mutex;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

pub(crate) struct KafkaDeadLetters {
    topic: String,
    connection: Connection,
    properties: BTreeMap<String, String>,
    /// Made for the first letter: most jobs never write one.
    producer: Mutex<Option<Arc<Producer>>>,
}

/// A letter as it is written.
#[derive(Serialize)]
struct Record<'a> {
    operator: &'a str,
    reason: DeadLetterReason,
    message: &'a str,
    origin: &'a str,
    /// The record, if it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a str>,
    /// The record otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
    at_ms: u64,
}

impl KafkaDeadLetters {
    pub(crate) fn open(table: &TableBinding) -> Result<Self, ConnectorError> {
        let properties = assemble(&table.connection, AT_LEAST_ONCE_DEFAULTS, &BTreeMap::new(), SINK_REQUIRED)?;
        let (topic, connection) = (table.physical_name.clone(), table.connection.clone());
        Ok(Self { topic, connection, properties, producer: Mutex::new(None) })
    }

    fn producer(&self) -> Result<Arc<Producer>, ConnectorError> {
        let mut held = self.producer.lock();
        if let Some(producer) = held.as_ref() {
            return Ok(producer.clone());
        }
        let producer = Arc::new(open_producer(&self.topic, &self.connection, &self.properties)?);
        Ok(held.insert(producer).clone())
    }
}

#[async_trait]
impl DeadLetters for KafkaDeadLetters {
    async fn send(&self, letters: Vec<DeadLetter>) -> Result<(), ConnectorError> {
        let producer = self.producer()?;
        let mut rows = PendingRows::default();
        for letter in &letters {
            let json = |e| ConnectorError::Internal(format!("dead letter: {e}"));
            serde_json::to_writer(&mut rows.values.data, &record(letter)).map_err(json)?;
            let end = u32::try_from(rows.values.data.len());
            rows.values.ends.push(end.map_err(|_| ConnectorError::Internal("more than 4 GiB of dead letters at once".into()))?);
        }
        send_all(&producer, &rows, &self.topic, &self.connection).await
    }

    async fn flush(&self) -> Result<(), ConnectorError> {
        let producer = self.producer.lock().clone();
        match producer {
            Some(producer) => flush(&producer, &self.topic, &self.connection).await,
            None => Ok(()),
        }
    }
}

fn record(letter: &DeadLetter) -> Record<'_> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let payload = std::str::from_utf8(&letter.payload).ok();
    Record {
        operator: &letter.operator,
        reason: letter.reason,
        message: &letter.message,
        origin: &letter.origin,
        payload,
        payload_base64: payload.is_none().then(|| STANDARD.encode(&letter.payload)),
        at_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
    }
}
