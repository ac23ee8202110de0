//! The benchmark's records: deterministic JSON events of about 119 bytes, 1,000 users, 3 actions, 5 regions; event time
//! advances one millisecond a record with up to 20 ms of disorder. A third of the records are purchases, four fifths of
//! these above 100.

use anyhow::Context;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    error::KafkaError,
    producer::{BaseProducer, BaseRecord, Producer as _},
    types::RDKafkaErrorCode,
};
use std::{fmt::Write, time::Duration};

/// First event time, epoch milliseconds.
const BASE_MS: u64 = 1_700_000_000_000;
/// Records that stay in one partition before the next partition's turn.
const RUN_RECORDS: u64 = 1_000;

/// Writes record `i` to `out`; its `ts` is `ts_ms` or, if absent, the corpus' own event time.
pub fn record(i: u64, ts_ms: Option<u64>, out: &mut String) {
    const ACTIONS: [&str; 3] = ["view", "click", "buy"];
    const REGIONS: [&str; 5] = ["eu-1", "eu-2", "us-1", "us-2", "ap-1"];
    let h = i.wrapping_mul(2_654_435_761) & 0xffff_ffff;
    let ts_ms = ts_ms.unwrap_or(BASE_MS + i - (h >> 11) % 21.min(i + 1));
    let (action, region) = (ACTIONS[(h >> 7) as usize % 3], REGIONS[(h >> 9) as usize % 5]);
    out.clear();
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        r#"{{"id":{i},"usr":"user-{:04}","item":"item-{:05}","action":"{action}","amount":{}.{:02},"region":"{region}","ts":{ts_ms}}}"#,
        h % 1_000,
        (h >> 10) % 50_000,
        (h >> 5) % 500,
        (h >> 3) % 100,
    );
}

/// Makes a topic.
pub async fn create_topic(bootstrap: &str, name: &str, partitions: i32) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", bootstrap).create()?;
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    for result in admin.create_topics([&topic], &AdminOptions::new()).await? {
        result.map_err(|(name, code)| anyhow::anyhow!("topic `{name}`: {code}"))?;
    }
    Ok(())
}

/// Produces the first `count` records of the corpus and waits until all are acknowledged.
pub fn produce(bootstrap: &str, topic: &str, partitions: i32, count: u64) -> anyhow::Result<()> {
    let mut producer = Producer::open(bootstrap, topic, partitions)?;
    let mut text = String::new();
    for i in 0..count {
        record(i, None, &mut text);
        producer.send(&text)?;
    }
    producer.finish()
}

/// Writes records to a topic, a run to each partition in turn.
pub struct Producer<'a> {
    inner: BaseProducer,
    topic: &'a str,
    partitions: i32,
    sent: u64,
}

impl<'a> Producer<'a> {
    /// A producer of this topic.
    pub fn open(bootstrap: &str, topic: &'a str, partitions: i32) -> anyhow::Result<Self> {
        let inner = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("linger.ms", "20")
            .set("batch.size", "1000000")
            .set("queue.buffering.max.messages", "200000")
            .create()?;
        Ok(Self { inner, topic, partitions, sent: 0 })
    }

    /// Sends the next record.
    pub fn send(&mut self, text: &str) -> anyhow::Result<()> {
        let partition = (self.sent / RUN_RECORDS) as i32 % self.partitions;
        loop {
            match self.inner.send(BaseRecord::<(), str>::to(self.topic).partition(partition).payload(text)) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    self.inner.poll(Duration::from_millis(10));
                }
                Err((error, _)) => return Err(error).context("producing the corpus"),
            }
        }
        self.sent += 1;
        if self.sent.is_multiple_of(10_000) {
            self.inner.poll(Duration::ZERO);
        }
        Ok(())
    }

    /// Waits until all are acknowledged.
    pub fn finish(self) -> anyhow::Result<()> {
        self.inner.flush(Duration::from_secs(120)).context("producing the corpus")
    }
}
