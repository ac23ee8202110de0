//! The broker as a neighbour of the product sees it: topics, a producer of known records, a reader of committed ones.

use crate::corpus::Event;
use anyhow::{Context, bail};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
    util::Timeout,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

const ADMIN_MAX: Duration = Duration::from_secs(30);

/// One broker.
#[derive(Debug, Clone)]
pub struct Kafka {
    bootstrap: String,
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Key, if any.
    pub key: Option<Vec<u8>>,
    /// Value; empty if null.
    pub value: Vec<u8>,
    /// Headers as text.
    pub headers: Vec<(String, String)>,
}

impl Received {
    /// The value as JSON.
    ///
    /// # Errors
    /// It is none.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_slice(&self.value).with_context(|| format!("not JSON: {}", String::from_utf8_lossy(&self.value)))
    }
}

impl Kafka {
    /// The broker at `bootstrap`.
    #[must_use]
    pub fn at(bootstrap: &str) -> Self {
        Self { bootstrap: bootstrap.to_owned() }
    }

    /// `bootstrap.servers`.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap);
        config
    }

    /// Makes a topic.
    ///
    /// # Errors
    /// The broker refuses.
    pub async fn create_topic(&self, name: &str, partitions: i32) -> anyhow::Result<()> {
        let admin: AdminClient<_> = self.config().create()?;
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        let options = AdminOptions::new().operation_timeout(Some(ADMIN_MAX));
        for result in admin.create_topics([&topic], &options).await? {
            result.map_err(|(name, error)| anyhow::anyhow!("topic {name}: {error}"))?;
        }
        Ok(())
    }

    /// Removes a topic.
    ///
    /// # Errors
    /// The broker refuses.
    pub async fn delete_topic(&self, name: &str) -> anyhow::Result<()> {
        let admin: AdminClient<_> = self.config().create()?;
        for result in admin.delete_topics(&[name], &AdminOptions::new()).await? {
            result.map_err(|(name, error)| anyhow::anyhow!("topic {name}: {error}"))?;
        }
        Ok(())
    }

    /// A producer that neither loses nor repeats.
    ///
    /// # Errors
    /// The client cannot be made.
    pub fn producer(&self, linger_ms: u32) -> anyhow::Result<ThreadedProducer<DefaultProducerContext>> {
        let producer = self
            .config()
            .set("enable.idempotence", "true")
            .set("linger.ms", linger_ms.to_string())
            .set("batch.size", "1000000")
            .set("queue.buffering.max.messages", "200000")
            .set("queue.buffering.max.kbytes", "262144")
            .create()?;
        Ok(producer)
    }

    /// Sends texts to partition 0 and waits until the broker has them.
    ///
    /// # Errors
    /// The broker does not take them.
    pub fn send(&self, topic: &str, values: &[&str]) -> anyhow::Result<()> {
        self.send_to(topic, 0, values)
    }

    /// Sends texts to a partition and waits until the broker has them.
    ///
    /// # Errors
    /// The broker does not take them.
    pub fn send_to(&self, topic: &str, partition: i32, values: &[&str]) -> anyhow::Result<()> {
        let producer = self.producer(0)?;
        for value in values {
            send_one(&producer, topic, partition, value.as_bytes())?;
        }
        producer.flush(Timeout::After(ADMIN_MAX))?;
        Ok(())
    }

    /// Sends rows by their keys to a partition, tombstones where there is no value, and waits until the broker has them.
    ///
    /// # Errors
    /// The broker does not take them.
    pub fn send_rows(&self, topic: &str, partition: i32, rows: &[(&str, Option<&str>)]) -> anyhow::Result<()> {
        let producer = self.producer(0)?;
        for (key, value) in rows {
            let mut record: BaseRecord<'_, str, str> = BaseRecord::to(topic).partition(partition).key(*key);
            record.payload = *value;
            producer.send(record).map_err(|(error, _)| anyhow::anyhow!("topic {topic}: {error}"))?;
        }
        producer.flush(Timeout::After(ADMIN_MAX))?;
        Ok(())
    }

    /// Sends the events of `ids` over `partitions` partitions as fast as it goes and waits until the broker has them.
    ///
    /// # Errors
    /// The broker does not take them.
    pub fn send_events(&self, topic: &str, ids: std::ops::Range<u64>, partitions: u64) -> anyhow::Result<()> {
        let producer = self.producer(20)?;
        let mut text = String::with_capacity(256);
        for id in ids {
            text.clear();
            Event::new(id).write_json(&mut text);
            send_one(&producer, topic, partition_of(id, partitions), text.as_bytes())?;
        }
        producer.flush(Timeout::After(Duration::from_secs(120)))?;
        Ok(())
    }

    /// Sends events from number `from` on at a steady rate until told to stop.
    ///
    /// # Errors
    /// The client cannot be made.
    pub fn produce(&self, topic: &str, from: u64, partitions: u64, per_second: u64) -> anyhow::Result<Producing> {
        let producer = self.producer(2)?;
        let stop = Arc::new(AtomicBool::new(false));
        let next = Arc::new(AtomicU64::new(from));
        let (topic, stopped, shown) = (topic.to_owned(), Arc::clone(&stop), Arc::clone(&next));
        let thread = std::thread::spawn(move || -> anyhow::Result<u64> {
            let started = Instant::now();
            let mut id = from;
            while !stopped.load(Ordering::Relaxed) {
                let due = from + (started.elapsed().as_secs_f64() * per_second as f64) as u64;
                while id < due {
                    send_one(&producer, &topic, partition_of(id, partitions), Event::new(id).json().as_bytes())?;
                    id += 1;
                }
                shown.store(id, Ordering::Relaxed);
                std::thread::park_timeout(Duration::from_millis(1));
            }
            producer.flush(Timeout::After(Duration::from_secs(60)))?;
            Ok(id)
        });
        Ok(Producing { stop, next, thread })
    }

    /// A reader of all partitions of `topic` from their beginning, of committed records only.
    ///
    /// # Errors
    /// The topic is not there.
    pub fn reader(&self, topic: &str) -> anyhow::Result<Reader> {
        self.reader_from(topic, Offset::Beginning)
    }

    /// A reader of what is committed to `topic` from now on.
    ///
    /// # Errors
    /// The topic is not there.
    pub fn tail(&self, topic: &str) -> anyhow::Result<Reader> {
        self.reader_from(topic, Offset::End)
    }

    fn reader_from(&self, topic: &str, offset: Offset) -> anyhow::Result<Reader> {
        let consumer: BaseConsumer = self
            .config()
            .set("group.id", "millrace-e2e-reader")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "5")
            .set("auto.offset.reset", "error")
            .create()?;
        let metadata = consumer.fetch_metadata(Some(topic), ADMIN_MAX)?;
        let partitions = metadata.topics().first().map_or(0, |t| t.partitions().len());
        anyhow::ensure!(partitions > 0, "topic {topic} is not there");
        let mut list = TopicPartitionList::new();
        for partition in 0..i32::try_from(partitions)? {
            list.add_partition_offset(topic, partition, offset)?;
        }
        consumer.assign(&list)?;
        Ok(Reader { consumer, at_end: vec![false; partitions] })
    }

    /// Everything committed in `topic` now.
    ///
    /// # Errors
    /// The broker does not answer.
    pub fn read_all(&self, topic: &str) -> anyhow::Result<Vec<Received>> {
        self.reader(topic)?.read_to_end(Duration::from_secs(120))
    }
}

/// Which partition event `id` goes to: runs of a thousand, so that batches are of one partition.
fn partition_of(id: u64, partitions: u64) -> i32 {
    i32::try_from(id / 1_000 % partitions).unwrap_or(0)
}

fn send_one(producer: &ThreadedProducer<DefaultProducerContext>, topic: &str, partition: i32, value: &[u8]) -> anyhow::Result<()> {
    let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).partition(partition).payload(value);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            // The queue is full: its own thread empties it.
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                record = back;
                std::thread::park_timeout(Duration::from_millis(1));
            }
            Err((error, _)) => bail!("topic {topic}: {error}"),
        }
    }
}

/// A producer at work.
pub struct Producing {
    stop: Arc<AtomicBool>,
    next: Arc<AtomicU64>,
    thread: JoinHandle<anyhow::Result<u64>>,
}

impl Producing {
    /// Number of the event to be sent next.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// Stops, waits until the broker has everything, and answers the number after the last event.
    ///
    /// # Errors
    /// The broker did not take a record.
    pub fn finish(self) -> anyhow::Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the producer panicked"))?
    }
}

/// Reads on from where it stopped.
pub struct Reader {
    consumer: BaseConsumer,
    at_end: Vec<bool>,
}

impl Reader {
    /// The next record, or none if none came within `wait`.
    ///
    /// # Errors
    /// The broker fails.
    pub fn next(&mut self, wait: Duration) -> anyhow::Result<Option<Received>> {
        match self.consumer.poll(wait) {
            None => Ok(None),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                if let Some(at_end) = usize::try_from(partition).ok().and_then(|p| self.at_end.get_mut(p)) {
                    *at_end = true;
                }
                Ok(None)
            }
            Some(Err(error)) => Err(error.into()),
            Some(Ok(message)) => {
                if let Some(at_end) = usize::try_from(message.partition()).ok().and_then(|p| self.at_end.get_mut(p)) {
                    *at_end = false;
                }
                use rdkafka::message::Headers;
                let headers = message.headers().into_iter().flat_map(|h| h.iter());
                let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
                Ok(Some(Received {
                    partition: message.partition(),
                    offset: message.offset(),
                    key: message.key().map(<[u8]>::to_vec),
                    value: message.payload().unwrap_or_default().to_vec(),
                    headers: headers.map(|h| (h.key.to_owned(), text(h.value))).collect(),
                }))
            }
        }
    }

    /// All records up to the end of every partition. Once per reader: the end is told only when it is reached.
    ///
    /// # Errors
    /// The broker fails, or the end is not reached in time.
    pub fn read_to_end(&mut self, max: Duration) -> anyhow::Result<Vec<Received>> {
        let deadline = Instant::now() + max;
        let mut received = Vec::new();
        while !self.at_end.iter().all(|e| *e) {
            anyhow::ensure!(Instant::now() < deadline, "the end of the topic was not reached within {max:?}");
            if let Some(record) = self.next(Duration::from_millis(100))? {
                received.push(record);
            }
        }
        Ok(received)
    }
}
