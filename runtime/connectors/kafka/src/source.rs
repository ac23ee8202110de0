//! The source: partitions straight from librdkafka's buffers into batches.
//!
//! Invariants: the position moves exactly when `next` hands a batch out, so a snapshot is always just behind what was
//! returned; a future of `next` that is dropped loses nothing, because all progress is kept in the source; nothing
//! polls: the reader sleeps until librdkafka signals, a timer for idleness or discovery runs out, or a letter is taken.

mod assignment;
mod intake;
pub(crate) mod metadata;
mod snapshot;
#[cfg(test)]
mod tests;

use crate::{
    config::{Changelog, SourceConfig, Start, format_spec, source_config},
    failure::topic_error,
    native::{Client, ClientKind, Code, Failure, Fetcher, Messages, Topic, blocking, commit_offsets},
    properties::{SOURCE_DEFAULTS, SOURCE_REQUIRED, assemble},
};
use assignment::Share;
use async_trait::async_trait;
use intake::{Intake, Taken};
use metadata::Metadata;
use millrace_connector::{
    ConnectorError, DeadLetter, DeadLetters, PartitionWatermarks, Source, SourceContext, SourceEvent, SourceMetrics, TableBinding,
    WatermarkChange,
};
use millrace_formats::Decoder;
use millrace_model::{Batch, Field, Schema, graph::TimeAttribute};
use snapshot::{Position, Snapshot};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{task::JoinHandle, time::Instant};

/// How long a question to the cluster may take.
const REQUEST_MAX: Duration = Duration::from_secs(20);
/// How often the lag of a silent source is looked at.
const PENDING_INTERVAL: Duration = Duration::from_secs(5);

pub(crate) struct KafkaSource {
    // Messages before the fetcher: they must be given back first.
    messages: Messages,
    /// Messages before this index are decoded.
    decoded: usize,
    fetcher: Fetcher,
    intake: Intake,
    share: Share,
    cluster_id: String,
    positions: BTreeMap<i32, Position>,
    watermarks: Option<Watermarks>,
    /// Decoded, but not handed out yet.
    ready: Option<Taken>,
    dead_letters: Arc<dyn DeadLetters>,
    metrics: Arc<SourceMetrics>,
    batch_rows_max: usize,
    discovery: Discovery,
    /// Partitions whose end has been reached, if it is told.
    ended: Option<BTreeSet<i32>>,
    /// Publishes the offsets of the last checkpoint.
    publishing: Option<JoinHandle<()>>,
}

struct Watermarks {
    partitions: PartitionWatermarks,
    idle_timeout: Option<Duration>,
    is_idle: bool,
    /// When the watermarks of single partitions were last shown.
    shown_at_ms: i64,
}

/// How often the watermarks of single partitions are shown.
const SHOW_EVERY_MS: i64 = 1_000;

/// The search for new partitions.
struct Discovery {
    interval: Option<Duration>,
    next_at: Instant,
    running: Option<JoinHandle<Result<BTreeMap<i32, Position>, ConnectorError>>>,
}

/// What ended a wait.
enum Wake {
    Messages,
    Timer,
    /// New partitions, to be read from their first record.
    Partitions(BTreeMap<i32, Position>),
}

impl KafkaSource {
    pub(crate) async fn open(context: SourceContext) -> Result<Self, ConnectorError> {
        let config = source_config(&context.config)?;
        let table = &context.table;
        // Nobody joins the group: it is the name under which offsets are published.
        let group = format!("millrace-{}-{}", context.instance, context.operator);
        let mut required = SOURCE_REQUIRED.to_vec();
        required.push(("group.id", &group));
        if config.reports_end {
            required.retain(|(name, _)| *name != "enable.partition.eof");
            required.push(("enable.partition.eof", "true"));
        }
        let properties = assemble(&table.connection, SOURCE_DEFAULTS, &config.properties, &required)?;
        let spec = format_spec(table).map_err(|e| ConnectorError::Config(e.to_string()))?;
        let decoder = Decoder::new(&spec, &readable(&config, table)?).map_err(|e| ConnectorError::Config(e.to_string()))?;
        let share = Share {
            topic: table.physical_name.clone(),
            connection: table.connection.clone(),
            subtask: context.subtask,
            parallelism: context.parallelism,
        };
        let event_time = event_time_column(&config, &context)?;
        let client = Client::new(ClientKind::Consumer, &properties)?;
        let topic = Topic::new(&client, &share.topic).map_err(|f| topic_error(&share.topic, &share.connection, Some(&client), &f))?;
        let (restored, start, opened_share) = (context.restored, config.start, share.clone());
        let (topic, cluster_id, positions) = blocking(move || {
            let (cluster_id, positions) = settle_positions(&opened_share, &topic, &restored, start)?;
            Ok((topic, cluster_id, positions))
        })
        .await?;
        let handling = (config.bad_records, config.late_records);
        let name: Arc<str> = Arc::from(share.topic.as_str());
        let metadata = Metadata::new(&context.metadata, decoder.schema(), name.clone())?;
        let metrics = context.metrics.clone();
        let declared = context.declared_time;
        let times = (event_time, declared.as_ref().map(|d| d.watermarks.clone()));
        let mut intake = Intake::new((decoder, metadata), name, context.operator.to_string(), handling, times, metrics);
        intake.is_upsert = config.changelog == Changelog::Upsert;
        let fetcher = Fetcher::new(topic);
        let idle_timeout = config.idle_timeout_ms.or(declared.as_ref().and_then(|d| d.idle_timeout_ms)).filter(|&ms| ms > 0);
        let interval = Some(config.partition_discovery_interval_ms).filter(|&ms| ms > 0).map(Duration::from_millis);
        let mut source = Self {
            messages: fetcher.messages(),
            decoded: 0,
            fetcher,
            intake,
            share,
            cluster_id,
            positions: BTreeMap::new(),
            watermarks: (event_time.is_some() || declared.is_some()).then(|| Watermarks {
                partitions: match declared {
                    Some(_) => PartitionWatermarks::of_watermarks(idle_timeout),
                    None => PartitionWatermarks::new(config.watermark_delay_ms, idle_timeout),
                },
                idle_timeout: idle_timeout.map(Duration::from_millis),
                is_idle: false,
                shown_at_ms: 0,
            }),
            ready: None,
            dead_letters: context.dead_letters,
            metrics: context.metrics,
            batch_rows_max: context.batch_rows_max.max(1),
            discovery: Discovery { interval, next_at: Instant::now() + interval.unwrap_or_default(), running: None },
            ended: config.reports_end.then(BTreeSet::new),
            publishing: None,
        };
        source.metrics.watermark_ms.store(i64::MIN, Relaxed);
        source.add_partitions(positions)?;
        Ok(source)
    }

    fn add_partitions(&mut self, positions: BTreeMap<i32, Position>) -> Result<(), ConnectorError> {
        for (partition, position) in positions {
            if let Some(watermarks) = &mut self.watermarks {
                watermarks.partitions.add_partition(partition, now_ms());
                if let Some(time_ms) = position.event_time_max_ms {
                    watermarks.partitions.observe(partition, time_ms, now_ms());
                }
            }
            self.fetcher.start(partition, position.next_offset).map_err(|f| self.failed(&f))?;
            self.positions.insert(partition, position);
        }
        Ok(())
    }

    fn failed(&self, failure: &Failure) -> ConnectorError {
        topic_error(&self.share.topic, &self.share.connection, Some(self.fetcher.topic().client()), failure)
    }

    /// A change of the watermark that is due.
    fn watermark_event(&mut self) -> Option<SourceEvent> {
        let watermarks = self.watermarks.as_mut()?;
        let now_ms = now_ms();
        if now_ms.saturating_sub(watermarks.shown_at_ms) >= SHOW_EVERY_MS {
            watermarks.shown_at_ms = now_ms;
            self.metrics.show_partitions(watermarks.partitions.each());
        }
        match watermarks.partitions.advance(now_ms) {
            WatermarkChange::None => None,
            WatermarkChange::Rose(watermark_ms) => {
                self.metrics.watermark_ms.store(watermark_ms, Relaxed);
                Some(SourceEvent::Watermark(watermark_ms))
            }
            WatermarkChange::BecameIdle => {
                watermarks.is_idle = true;
                Some(SourceEvent::Idle)
            }
            WatermarkChange::BecameActive => {
                watermarks.is_idle = false;
                Some(SourceEvent::Active)
            }
        }
    }

    /// Decodes what librdkafka has, without waiting; false if there was nothing.
    fn decode(&mut self) -> Result<bool, ConnectorError> {
        if self.decoded >= self.messages.len() {
            self.messages.clear();
            self.decoded = 0;
            self.fetcher.take(&mut self.messages, self.batch_rows_max);
        }
        while let Some(failure) = self.messages.get(self.decoded).and_then(|m| m.failure.map(|f| (m.partition, f))) {
            self.decoded += 1;
            self.partition_failed(failure.0, &failure.1)?;
        }
        if self.decoded >= self.messages.len() {
            return Ok(false);
        }
        let watermark_ms = self.watermarks.as_ref().map_or(i64::MIN, |w| w.partitions.current_ms());
        let taken = self.intake.take(&self.messages, self.decoded, watermark_ms)?;
        self.decoded += taken.messages;
        self.ready = Some(taken);
        Ok(true)
    }

    /// librdkafka retries what may pass by itself; what it cannot mend ends the source.
    fn partition_failed(&mut self, partition: i32, failure: &Failure) -> Result<(), ConnectorError> {
        use Code::*;
        match failure.code {
            RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET | RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE => {
                let offset = self.positions.get(&partition).map_or(-1, |p| p.next_offset);
                let message = format!(
                    "offset {offset} of partition {partition} is gone (retention, or the topic was made anew): records are lost; \
                     start again with another `start` to go on without them"
                );
                let system = format!("kafka topic `{}` on {}", self.share.topic, crate::failure::cluster(&self.share.connection));
                Err(ConnectorError::External { system, message, retryable: false })
            }
            RD_KAFKA_RESP_ERR__PARTITION_EOF => {
                if let Some(ended) = &mut self.ended {
                    ended.insert(partition);
                }
                Ok(())
            }
            RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
            | RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC
            | RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION
            | RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
            | RD_KAFKA_RESP_ERR__AUTHENTICATION
            | RD_KAFKA_RESP_ERR__FATAL
            | RD_KAFKA_RESP_ERR__BAD_MSG
            | RD_KAFKA_RESP_ERR__BAD_COMPRESSION => Err(self.failed(failure)),
            _ => {
                tracing::warn!(topic = self.share.topic, partition, error = failure.message, "kafka fetch failed; it is retried");
                Ok(())
            }
        }
    }

    /// Hands out what is decoded: moves positions and event times with it.
    fn hand_out(&mut self, taken: Taken) -> Option<SourceEvent> {
        for range in &taken.ranges {
            if let Some(position) = self.positions.get_mut(&range.partition) {
                position.next_offset = range.last + 1;
            }
        }
        if let Some(watermarks) = &mut self.watermarks {
            let now_ms = now_ms();
            for (&partition, &time_ms) in &taken.event_times {
                watermarks.partitions.observe(partition, time_ms, now_ms);
                if let Some(position) = self.positions.get_mut(&partition) {
                    position.event_time_max_ms = position.event_time_max_ms.max(Some(time_ms));
                }
            }
        }
        self.update_pending();
        let rows = taken.rows?;
        Some(SourceEvent::Batch(Batch { rows, kinds: taken.kinds, origin: Arc::from(taken.ranges) }))
    }

    fn update_pending(&self) {
        let topic = self.fetcher.topic();
        topic.client().poll();
        let behind =
            |(&partition, position): (&i32, &Position)| Some((topic.client().cached_end(topic, partition)? - position.next_offset).max(0));
        let pending: Option<i64> = self.positions.iter().map(behind).sum();
        self.metrics.pending_records.store(pending.unwrap_or(-1), Relaxed);
    }

    /// Sleeps until there is something to do. Cancel safe.
    async fn wait(&mut self) -> Result<Wake, ConnectorError> {
        let idle_timeout = self.watermarks.as_ref().filter(|w| !w.is_idle).and_then(|w| w.idle_timeout);
        let look = idle_timeout.map_or(PENDING_INTERVAL, |t| (t / 4).clamp(Duration::from_millis(10), PENDING_INTERVAL));
        let timer = tokio::time::sleep(look);
        let discovery = &mut self.discovery;
        if discovery.running.is_none() && discovery.interval.is_some() && Instant::now() >= discovery.next_at {
            let known = self.positions.keys().copied().collect();
            discovery.running = Some(search(self.share.clone(), self.fetcher.topic().client().clone(), known));
        }
        let found = async {
            match &mut discovery.running {
                Some(running) => running.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.fetcher.nonempty() => Ok(Wake::Messages),
            found = found => {
                discovery.running = None;
                discovery.next_at = Instant::now() + discovery.interval.unwrap_or_default();
                match found {
                    Ok(Ok(partitions)) => Ok(Wake::Partitions(partitions)),
                    Ok(Err(error)) => {
                        tracing::warn!(topic = self.share.topic, %error, "search for new partitions failed; it is repeated");
                        Ok(Wake::Timer)
                    }
                    Err(error) => Err(ConnectorError::Internal(format!("search for new partitions: {error}"))),
                }
            }
            () = timer => Ok(Wake::Timer),
        }
    }
}

#[async_trait]
impl Source for KafkaSource {
    async fn next(&mut self) -> Result<SourceEvent, ConnectorError> {
        loop {
            if let Some(event) = self.watermark_event() {
                return Ok(event);
            }
            if let Some(mut taken) = self.ready.take() {
                if !taken.letters.is_empty() {
                    // A copy goes out, so that a dropped call sends again instead of losing letters.
                    let letters: Vec<DeadLetter> = taken.letters.clone();
                    let dead_letters = self.dead_letters.clone();
                    self.ready = Some(taken);
                    dead_letters.send(letters).await?;
                    match self.ready.take() {
                        Some(sent) => taken = sent,
                        None => continue,
                    }
                    taken.letters.clear();
                }
                match self.hand_out(taken) {
                    Some(event) => return Ok(event),
                    None => continue,
                }
            }
            if self.decode()? {
                continue;
            }
            if let Some(refused) = self.fetcher.topic().client().refusal() {
                return Err(self.failed(&refused));
            }
            match self.wait().await? {
                Wake::Messages => {}
                Wake::Timer => self.update_pending(),
                Wake::Partitions(found) => self.add_partitions(found)?,
            }
        }
    }

    fn has_reached_end(&self) -> bool {
        // What was there before the end has been handed out when nothing is left between.
        let is_drained = self.ready.is_none() && self.decoded >= self.messages.len();
        is_drained && self.ended.as_ref().is_some_and(|ended| self.positions.keys().all(|partition| ended.contains(partition)))
    }

    fn snapshot(&mut self) -> Result<Vec<u8>, ConnectorError> {
        Snapshot::new(&self.share.topic, &self.cluster_id, self.positions.clone()).to_bytes()
    }

    /// Publishes offsets under the group `millrace-<instance>-<operator>`, where lag monitors find them.
    async fn committed(&mut self, _checkpoint: millrace_model::ids::CheckpointId, snapshot: &[u8]) -> Result<(), ConnectorError> {
        let snapshot = Snapshot::from_bytes(snapshot)?;
        let owned = snapshot.partitions.iter().filter(|(partition, _)| self.share.owns(**partition));
        let offsets: Vec<(i32, i64)> = owned.map(|(&partition, position)| (partition, position.next_offset)).collect();
        if self.publishing.as_ref().is_some_and(|earlier| !earlier.is_finished()) {
            // The cluster is slow or away. Reading must not wait for monitors; the next checkpoint publishes again.
            return Ok(());
        }
        let (client, topic) = (self.fetcher.topic().client().clone(), self.share.topic.clone());
        self.publishing = Some(tokio::task::spawn_blocking(move || {
            if let Err(failure) = commit_offsets(&client, &topic, &offsets, REQUEST_MAX) {
                tracing::warn!(topic, error = failure.message, "offsets could not be published for lag monitors");
            }
        }));
        Ok(())
    }
}

/// Where each of the subtask's partitions begins: restored, or by `start`. Waits.
fn settle_positions(
    share: &Share,
    topic: &Topic,
    restored: &[Vec<u8>],
    start: Start,
) -> Result<(String, BTreeMap<i32, Position>), ConnectorError> {
    let all = assignment::partitions(share, topic, REQUEST_MAX)?;
    let cluster_id = topic.client().cluster_id(REQUEST_MAX).unwrap_or_default();
    let mut known = Snapshot::merge(restored, &share.topic, &cluster_id)?;
    if let Some(gone) = known.keys().find(|p| !all.contains(p)) {
        let message = format!("names partition {gone}, but the topic has {} partitions", all.len());
        return Err(ConnectorError::State { what: format!("kafka source of topic `{}`", share.topic), message });
    }
    known.retain(|&partition, _| share.owns(partition));
    let fresh: Vec<i32> = all.into_iter().filter(|&p| share.owns(p) && !known.contains_key(&p)).collect();
    // A partition that a restored job does not know was added since: nothing in it has been read.
    let start = if restored.is_empty() { start } else { Start::Earliest };
    known.extend(assignment::begin_at(share, topic, &fresh, start, REQUEST_MAX)?);
    Ok((cluster_id, known))
}

/// Looks for partitions that are not `known`. They are read from their first record: it came after the job's start.
fn search(share: Share, client: Arc<Client>, known: Vec<i32>) -> JoinHandle<Result<BTreeMap<i32, Position>, ConnectorError>> {
    tokio::task::spawn_blocking(move || {
        let topic = Topic::new(&client, &share.topic).map_err(|f| topic_error(&share.topic, &share.connection, None, &f))?;
        let mut new = assignment::partitions(&share, &topic, REQUEST_MAX)?;
        new.retain(|p| share.owns(*p) && !known.contains(p));
        assignment::begin_at(&share, &topic, &new, Start::Earliest, REQUEST_MAX)
    })
}

/// The columns as they are read: the key of a deleted row lacks the others.
fn readable(config: &SourceConfig, table: &TableBinding) -> Result<Schema, ConnectorError> {
    if config.changelog == Changelog::Append {
        return Ok(table.schema.clone());
    }
    let fields = table.schema.fields().iter().map(|f| Field { nullable: true, ..f.clone() }).collect();
    Schema::new(fields).map_err(|e| ConnectorError::Internal(format!("columns of table `{}`: {e}", table.name)))
}

fn event_time_column(config: &SourceConfig, context: &SourceContext) -> Result<Option<usize>, ConnectorError> {
    match (&config.event_time_field, context.time_attribute) {
        (Some(name), TimeAttribute::EventTime) => match context.table.schema.index_of(name) {
            Some(index) => Ok(Some(index)),
            None => Err(ConnectorError::Config(format!("event_time_field: there is no column `{name}`"))),
        },
        _ => Ok(None),
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
