//! Metrics of a running instance under Flink's names and meanings
//! (<https://nightlies.apache.org/flink/flink-docs-stable/docs/ops/metrics/>).
//!
//! Counters are atomics that subtasks add to per batch; rates are worked out by the reader from two readings.

use millrace_connector::{SinkMetrics, SourceMetrics};
use millrace_model::ids::NodeId;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

/// What the name of a partition's watermark begins with; the partition's number follows.
pub const PARTITION_WATERMARK: &str = "currentOutputWatermark:";

/// Counters of one subtask.
#[derive(Debug)]
pub struct SubtaskMetrics {
    started: Instant,
    records_in: AtomicU64,
    records_out: AtomicU64,
    idle_us: AtomicU64,
    back_pressured_us: AtomicU64,
    watermark_ms: AtomicI64,
    counters: parking_lot::Mutex<BTreeMap<String, u64>>,
    /// Its keyed state.
    pub state: StateMetrics,
    /// Some rows by what they are samples of, the newest last.
    samples: parking_lot::Mutex<BTreeMap<String, Vec<String>>>,
    /// Kept by the connector when the subtask is a source.
    pub source: Arc<SourceMetrics>,
    /// Kept by the connector when the subtask is a sink.
    pub sink: Arc<SinkMetrics>,
}

impl Default for SubtaskMetrics {
    fn default() -> Self {
        let source = SourceMetrics::default();
        source.pending_records.store(-1, Relaxed);
        source.watermark_ms.store(i64::MIN, Relaxed);
        Self {
            started: Instant::now(),
            records_in: AtomicU64::new(0),
            records_out: AtomicU64::new(0),
            idle_us: AtomicU64::new(0),
            back_pressured_us: AtomicU64::new(0),
            watermark_ms: AtomicI64::new(i64::MIN),
            counters: parking_lot::Mutex::default(),
            state: StateMetrics::default(),
            samples: parking_lot::Mutex::default(),
            source: Arc::new(source),
            sink: Arc::new(SinkMetrics::default()),
        }
    }
}

/// Keyed state of one subtask; all zero where the operator has none that could leave memory.
#[derive(Debug, Default)]
pub struct StateMetrics {
    /// Bytes in memory, estimated.
    pub memory_bytes: AtomicU64,
    /// Bytes on local disk.
    pub disk_bytes: AtomicU64,
    /// Bytes that the last checkpoint wrote of it.
    pub checkpoint_bytes: AtomicU64,
    /// Bytes that the last checkpoint holds of it, those of earlier ones included.
    pub checkpoint_full_bytes: AtomicU64,
}

/// Adds the time until it is dropped to a counter.
pub struct Waiting<'a> {
    since: Instant,
    total_us: &'a AtomicU64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.total_us.fetch_add(self.since.elapsed().as_micros() as u64, Relaxed);
    }
}

impl SubtaskMetrics {
    /// Rows came in.
    pub fn records_in(&self, rows: usize) {
        self.records_in.fetch_add(rows as u64, Relaxed);
    }

    /// Rows went out.
    pub fn records_out(&self, rows: usize) {
        self.records_out.fetch_add(rows as u64, Relaxed);
    }

    /// The watermark rose.
    pub fn watermark(&self, watermark_ms: i64) {
        self.watermark_ms.store(watermark_ms, Relaxed);
    }

    /// Replaces the operator's own counters (tenant code's included).
    pub fn set_counters(&self, counters: BTreeMap<String, u64>) {
        *self.counters.lock() = counters;
    }

    /// One of the operator's own counters.
    pub fn counter(&self, name: &str) -> Option<u64> {
        self.counters.lock().get(name).copied()
    }

    /// Adds to one of the operator's own counters.
    pub fn count(&self, name: &str, delta: u64) {
        let mut counters = self.counters.lock();
        match counters.get_mut(name) {
            Some(value) => *value += delta,
            None => {
                counters.insert(name.to_owned(), delta);
            }
        }
    }

    /// Keeps texts as samples of `name`, the newest `max` of them.
    pub fn sample(&self, name: &str, texts: Vec<String>, max: usize) {
        if texts.is_empty() {
            return;
        }
        let mut samples = self.samples.lock();
        let kept = samples.entry(name.to_owned()).or_default();
        kept.extend(texts);
        let surplus = kept.len().saturating_sub(max);
        kept.drain(..surplus);
    }

    /// Runs `future` and counts the time in which it waits (not the time in which it works) as idle.
    pub async fn idle_while_waiting<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut waiting: Option<Waiting<'_>> = None;
        poll_fn(|context| {
            drop(waiting.take());
            let polled = future.as_mut().poll(context);
            if polled.is_pending() {
                waiting = Some(Waiting { since: Instant::now(), total_us: &self.idle_us });
            }
            polled
        })
        .await
    }

    /// Counts time waiting for a receiver until dropped.
    pub fn back_pressured(&self) -> Waiting<'_> {
        Waiting { since: Instant::now(), total_us: &self.back_pressured_us }
    }

    /// The metrics now.
    pub fn read(&self) -> BTreeMap<String, f64> {
        let mut values: BTreeMap<String, f64> = BTreeMap::new();
        let elapsed_us = self.started.elapsed().as_micros().max(1) as f64;
        let idle_us = self.idle_us.load(Relaxed) as f64;
        let back_us = self.back_pressured_us.load(Relaxed) as f64;
        let busy_us = (elapsed_us - idle_us - back_us).max(0.0);
        let per_second = |us: f64| (us / elapsed_us * 1000.0).min(1000.0);
        let mut put = |name: &str, value: f64| values.insert(name.to_owned(), value);
        let source_in = self.source.records_in.load(Relaxed);
        let sink_out = self.sink.records_out.load(Relaxed);
        put("numRecordsIn", (self.records_in.load(Relaxed) + source_in) as f64);
        put("numRecordsOut", (self.records_out.load(Relaxed) + sink_out) as f64);
        put("accumulateIdleTimeMs", idle_us / 1e3);
        put("accumulateBackPressuredTimeMs", back_us / 1e3);
        put("accumulateBusyTimeMs", busy_us / 1e3);
        put("idleTimeMsPerSecond", per_second(idle_us));
        put("backPressuredTimeMsPerSecond", per_second(back_us));
        put("busyTimeMsPerSecond", per_second(busy_us));
        let state = &self.state;
        let bytes = [
            ("stateMemoryBytes", &state.memory_bytes),
            ("stateDiskBytes", &state.disk_bytes),
            ("lastCheckpointStateBytes", &state.checkpoint_bytes),
            ("lastCheckpointFullStateBytes", &state.checkpoint_full_bytes),
        ];
        for (name, bytes) in bytes.map(|(name, bytes)| (name, bytes.load(Relaxed))) {
            if bytes > 0 {
                put(name, bytes as f64);
            }
        }
        let watermark_ms = self.watermark_ms.load(Relaxed);
        if watermark_ms != i64::MIN {
            put("currentInputWatermark", watermark_ms as f64);
        }
        values
    }

    /// The metrics that only a source has.
    fn read_source(&self, values: &mut BTreeMap<String, f64>) {
        let s = &self.source;
        values.insert("numBytesIn".into(), s.bytes_in.load(Relaxed) as f64);
        values.insert("numRecordsInErrors".into(), s.bad_records.load(Relaxed) as f64);
        values.insert("numLateRecordsDropped".into(), s.late_records_dropped.load(Relaxed) as f64);
        let pending = s.pending_records.load(Relaxed);
        if pending >= 0 {
            values.insert("pendingRecords".into(), pending as f64);
        }
        let watermark_ms = s.watermark_ms.load(Relaxed);
        if watermark_ms != i64::MIN {
            values.insert("currentOutputWatermark".into(), watermark_ms as f64);
        }
        for (partition, watermark_ms) in s.partition_watermarks_ms() {
            values.insert(format!("{PARTITION_WATERMARK}{partition}"), watermark_ms as f64);
        }
    }

    /// The metrics that only a sink has.
    fn read_sink(&self, values: &mut BTreeMap<String, f64>) {
        let s = &self.sink;
        values.insert("numRecordsSend".into(), s.records_out.load(Relaxed) as f64);
        values.insert("numBytesSend".into(), s.bytes_out.load(Relaxed) as f64);
        values.insert("pendingCommit".into(), s.pending_commit.load(Relaxed) as f64);
        values.insert("recoveredAlreadyCommitted".into(), s.recovered_already_committed.load(Relaxed) as f64);
        values.insert("recoveredWrittenAgain".into(), s.recovered_written_again.load(Relaxed) as f64);
    }
}

/// What an operator does in the flow; decides which metrics it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorRole {
    /// Reads from outside.
    Source,
    /// Rows in, rows out.
    Transform,
    /// Writes to outside.
    Sink,
}

/// Metrics of one operator.
#[derive(Debug, Clone, Serialize)]
pub struct OperatorMetrics {
    /// The node.
    pub node: NodeId,
    /// Its name for users.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// What it does in the flow.
    pub role: OperatorRole,
    /// Values by metric name, per subtask.
    pub subtasks: Vec<BTreeMap<String, f64>>,
    /// Counters of the operator itself and of tenant code, over all subtasks.
    pub counters: BTreeMap<String, u64>,
    /// Some rows by what they are samples of; data, so not among the metrics that are shown.
    #[serde(skip)]
    pub samples: BTreeMap<String, Vec<String>>,
}

/// Metrics of an instance at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct JobMetrics {
    /// Since the execution started.
    pub uptime_ms: u64,
    /// Dead letters of this execution, whether or not a topic receives them.
    pub dead_letters: u64,
    /// Per operator, in the order of the flow.
    pub operators: Vec<OperatorMetrics>,
    /// Per dimension table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dimension_tables: Vec<crate::dimension::DimensionMetrics>,
}

/// Reads one operator's metrics from its subtasks' counters.
pub(crate) fn read_operator(
    node: &NodeId,
    name: &str,
    kind: &str,
    role: OperatorRole,
    subtasks: &[Arc<SubtaskMetrics>],
) -> OperatorMetrics {
    let mut counters = BTreeMap::new();
    let mut samples: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut values = Vec::with_capacity(subtasks.len());
    for subtask in subtasks {
        let mut read = subtask.read();
        match role {
            OperatorRole::Source => subtask.read_source(&mut read),
            OperatorRole::Sink => subtask.read_sink(&mut read),
            OperatorRole::Transform => {}
        }
        for (name, value) in subtask.counters.lock().iter() {
            *counters.entry(name.clone()).or_insert(0) += value;
        }
        for (name, texts) in subtask.samples.lock().iter() {
            samples.entry(name.clone()).or_default().extend(texts.iter().cloned());
        }
        values.push(read);
    }
    OperatorMetrics { node: node.clone(), name: name.to_owned(), kind: kind.to_owned(), role, subtasks: values, counters, samples }
}
