//! What the tests share: topics of their own on one broker, contexts, and an independent reader and writer.

use crate::KafkaConnector;
use async_trait::async_trait;
use millrace_connector::{
    Connection, Connector, ConnectorError, DeadLetter, DeadLetters, MetadataColumn, RestoredSinkState, Sink, SinkContext, SinkMetrics,
    Source, SourceContext, SourceEvent, SourceMetrics, TableBinding,
};
use millrace_formats::{EncodedRows, Encoder};
use millrace_model::{
    Batch, ChangeKind, Field, Schema,
    graph::TimeAttribute,
    ids::{InstanceId, NodeId},
};
use millrace_test_servers::shared_broker;
use parking_lot::Mutex;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    producer::{BaseProducer, BaseRecord, Producer},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A name that no other test uses.
pub(crate) fn unique(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn connection_to(bootstrap: &str) -> Connection {
    let properties = BTreeMap::from([("bootstrap.servers".to_owned(), bootstrap.to_owned())]);
    Connection { kind: "kafka".into(), properties }
}

pub(crate) fn schema(columns: &[(&str, &str)]) -> Schema {
    Schema::new(columns.iter().map(|(name, t)| Field::new(*name, t.parse().unwrap(), true)).collect()).unwrap()
}

pub(crate) fn table_at(bootstrap: &str, topic: &str, columns: &[(&str, &str)]) -> TableBinding {
    TableBinding {
        name: topic.to_owned(),
        physical_name: topic.to_owned(),
        schema: schema(columns),
        format: json!({"type": "json"}),
        connection: connection_to(bootstrap),
    }
}

/// A table of its own with a topic of so many partitions on the shared broker.
pub(crate) async fn table(partitions: i32, columns: &[(&str, &str)]) -> TableBinding {
    let table = table_at(shared_broker().bootstrap(), &unique("t"), columns);
    assert!(KafkaConnector.ensure_table(&table, &json!({"partitions": partitions})).await.unwrap());
    table
}

/// Letters, kept.
#[derive(Default)]
pub(crate) struct KeptLetters(pub(crate) Mutex<Vec<DeadLetter>>);

#[async_trait]
impl DeadLetters for KeptLetters {
    async fn send(&self, letters: Vec<DeadLetter>) -> Result<(), ConnectorError> {
        self.0.lock().extend(letters);
        Ok(())
    }

    async fn flush(&self) -> Result<(), ConnectorError> {
        Ok(())
    }
}

/// A source under test with what it leaves behind.
pub(crate) struct SourceUnderTest {
    pub(crate) source: Box<dyn Source>,
    pub(crate) metrics: Arc<SourceMetrics>,
    pub(crate) letters: Arc<KeptLetters>,
}

#[derive(Clone)]
pub(crate) struct SourceSetup {
    pub(crate) table: TableBinding,
    pub(crate) config: Value,
    pub(crate) subtask: usize,
    pub(crate) parallelism: usize,
    pub(crate) batch_rows_max: usize,
    pub(crate) restored: Vec<Vec<u8>>,
    /// Keys of the metadata that are read.
    pub(crate) metadata: Vec<&'static str>,
}

impl SourceSetup {
    pub(crate) fn new(table: &TableBinding, config: Value) -> Self {
        Self { table: table.clone(), config, subtask: 0, parallelism: 1, batch_rows_max: 1_000, restored: Vec::new(), metadata: Vec::new() }
    }

    pub(crate) async fn open(self) -> Result<SourceUnderTest, ConnectorError> {
        let mut config = self.config.as_object().unwrap().clone();
        config.insert("topic".into(), json!(self.table.name));
        assert_eq!(KafkaConnector.check_source(&config, &self.table), []);
        let (metrics, letters) = (Arc::new(SourceMetrics::default()), Arc::new(KeptLetters::default()));
        let known = KafkaConnector.source_metadata(&config);
        let metadata = self.metadata.iter().map(|key| {
            let found = known.iter().find(|k| k.key == *key).unwrap();
            MetadataColumn { key: (*key).into(), field: Field::new(format!("m_{key}"), found.data_type.clone(), found.nullable) }
        });
        let context = SourceContext {
            metadata: metadata.collect(),
            instance: InstanceId::new("i1"),
            operator: NodeId::new("in"),
            config,
            table: self.table,
            time_attribute: TimeAttribute::EventTime,
            declared_time: None,
            batch_rows_max: self.batch_rows_max,
            subtask: self.subtask,
            parallelism: self.parallelism,
            restored: self.restored,
            metrics: metrics.clone(),
            dead_letters: letters.clone(),
        };
        let source = KafkaConnector.open_source(context).await?;
        Ok(SourceUnderTest { source, metrics, letters })
    }
}

impl SourceUnderTest {
    pub(crate) async fn next(&mut self) -> Result<SourceEvent, ConnectorError> {
        tokio::time::timeout(DEADLINE, self.source.next()).await.expect("the source gives an event in time")
    }

    /// Reads batches until there are `count` rows; each row as JSON.
    pub(crate) async fn rows(&mut self, table: &TableBinding, count: usize) -> Vec<String> {
        let mut rows = Vec::new();
        while rows.len() < count {
            if let SourceEvent::Batch(batch) = self.next().await.unwrap() {
                rows.extend(json_rows(table, &batch));
            }
        }
        rows
    }
}

pub(crate) fn json_rows(table: &TableBinding, batch: &Batch) -> Vec<String> {
    let mut rows = EncodedRows::default();
    let spec = crate::config::format_spec(table).unwrap();
    Encoder::new(&spec, &table.schema).unwrap().encode(&batch.rows, &mut rows).unwrap();
    rows.iter().map(|row| String::from_utf8(row.to_vec()).unwrap()).collect()
}

/// Writes messages as any other program would.
pub(crate) fn produce<T: AsRef<[u8]>>(table: &TableBinding, partition: i32, messages: &[T]) {
    let producer = producer(table);
    for message in messages {
        producer.send(BaseRecord::<(), [u8]>::to(&table.physical_name).partition(partition).payload(message.as_ref())).unwrap();
    }
    producer.flush(DEADLINE).unwrap();
}

pub(crate) fn producer(table: &TableBinding) -> BaseProducer {
    client_config(table).create().unwrap()
}

pub(crate) fn client_config(table: &TableBinding) -> ClientConfig {
    let mut config = ClientConfig::new();
    table.connection.properties.iter().for_each(|(name, value)| _ = config.set(name, value));
    config
}

/// All committed messages of the topic as `(key, value)`, partition by partition, as any other program would read them.
pub(crate) fn read_committed(table: &TableBinding) -> Vec<(Option<String>, String)> {
    let mut config = client_config(table);
    config.set("group.id", "reader").set("isolation.level", "read_committed").set("enable.partition.eof", "true");
    let consumer: BaseConsumer = config.create().unwrap();
    let metadata = consumer.fetch_metadata(Some(&table.physical_name), DEADLINE).unwrap();
    let partitions = metadata.topics()[0].partitions().len() as i32;
    let mut assignment = TopicPartitionList::new();
    for partition in 0..partitions {
        assignment.add_partition_offset(&table.physical_name, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&assignment).unwrap();
    let (mut ended, mut messages, deadline) = (0, Vec::new(), Instant::now() + DEADLINE);
    while ended < partitions {
        assert!(Instant::now() < deadline, "the topic is not read to its end in time");
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                let record = (message.key().map(text), text(message.payload().unwrap_or_default()));
                messages.push((message.partition(), message.offset(), record));
            }
            Some(Err(rdkafka::error::KafkaError::PartitionEOF(_))) => ended += 1,
            Some(Err(error)) => panic!("{error}"),
            None => {}
        }
    }
    messages.sort_by_key(|(partition, offset, _)| (*partition, *offset));
    messages.into_iter().map(|(_, _, record)| record).collect()
}

/// A sink under test with its counters.
pub(crate) struct SinkUnderTest {
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) metrics: Arc<SinkMetrics>,
    table: TableBinding,
}

#[derive(Clone)]
pub(crate) struct SinkSetup {
    pub(crate) table: TableBinding,
    pub(crate) config: Value,
    pub(crate) instance: String,
    pub(crate) subtask: usize,
    pub(crate) parallelism: usize,
    pub(crate) restored: Vec<RestoredSinkState>,
}

impl SinkSetup {
    pub(crate) fn new(table: &TableBinding, config: Value) -> Self {
        let instance = unique("i");
        Self { table: table.clone(), config, instance, subtask: 0, parallelism: 1, restored: Vec::new() }
    }

    /// The same sink after a restart from a checkpoint.
    pub(crate) fn restored(&self, states: &[(usize, &bytes::Bytes)]) -> Self {
        let restored = states.iter().map(|(subtask, bytes)| RestoredSinkState { subtask: *subtask, bytes: (*bytes).clone() });
        Self { restored: restored.collect(), ..self.clone() }
    }

    pub(crate) async fn open(&self) -> Result<SinkUnderTest, ConnectorError> {
        let mut config = self.config.as_object().unwrap().clone();
        config.insert("topic".into(), json!(self.table.name));
        assert_eq!(KafkaConnector.check_sink(&config, &self.table, &self.table.schema), []);
        let metrics = Arc::new(SinkMetrics::default());
        let context = SinkContext {
            instance: InstanceId::new(&self.instance),
            operator: NodeId::new("out"),
            config,
            input: self.table.schema.clone(),
            table: self.table.clone(),
            subtask: self.subtask,
            parallelism: self.parallelism,
            restored: self.restored.clone(),
            metrics: metrics.clone(),
            dead_letters: Arc::new(millrace_connector::NoDeadLetters),
        };
        Ok(SinkUnderTest { sink: KafkaConnector.open_sink(context).await?, metrics, table: self.table.clone() })
    }
}

impl SinkUnderTest {
    /// Writes JSON rows as one batch.
    pub(crate) async fn write(&mut self, rows: &[&str]) -> Result<(), ConnectorError> {
        let spec = crate::config::format_spec(&self.table).unwrap();
        let mut decoder = millrace_formats::Decoder::new(&spec, &self.table.schema).unwrap();
        rows.iter().for_each(|row| decoder.push(row.as_bytes()).unwrap());
        self.sink.write(Batch::inserts(decoder.finish())).await
    }

    /// Writes changes, each a kind (`+I`, `-U`, `+U`, `-D`) and a JSON row, as one batch.
    pub(crate) async fn change(&mut self, changes: &[(&str, &str)]) -> Result<(), ConnectorError> {
        let spec = crate::config::format_spec(&self.table).unwrap();
        let mut decoder = millrace_formats::Decoder::new(&spec, &self.table.schema).unwrap();
        changes.iter().for_each(|(_, row)| decoder.push(row.as_bytes()).unwrap());
        let byte = |short: &str| (0..4).find(|b| ChangeKind::from_byte(*b).unwrap().short() == short).unwrap();
        let kinds = changes.iter().map(|(kind, _)| byte(kind)).collect::<Vec<u8>>();
        self.sink.write(Batch { kinds: Some(kinds.into()), ..Batch::inserts(decoder.finish()) }).await
    }
}

/// Values of `read_committed` without keys.
pub(crate) fn values(table: &TableBinding) -> Vec<String> {
    read_committed(table).into_iter().map(|(_, value)| value).collect()
}
