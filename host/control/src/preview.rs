//! Live rows of a topic, or of a job up to one of its nodes (JOB-4).
//!
//! Invariants: a preview reads and writes nothing: no position is told to the system that is read, sinks are never opened;
//! it is bounded in rows, bytes and time, and what it could not read is shown with the reason.

use crate::{
    ControlError, PinError,
    facade::{Control, from_catalog},
};
use async_trait::async_trait;
use millrace_checkpoint::MemoryStore;
use millrace_connector::{
    Connector, ConnectorError, DeadLetter, DeadLetters, MetadataColumn, Source, SourceContext, SourceEvent, SourceMetrics, SourceStart,
    TableBinding,
};
use millrace_engine::{
    Catalog, EngineServices, ExecutionState, JobFailure, StartFrom, StartOptions, TableUsage,
    trial::{Collected, CollectionLimits, one_subtask_each, plan_up_to, rows_as_json},
};
use millrace_model::{
    Batch, Classified, FaultClass, Field, Schema,
    graph::{JobGraph, TimeAttribute},
    ids::{InstanceId, NodeId},
};
use millrace_places::Place;
use millrace_store::TableViewer;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Map, Value, json, value::RawValue};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// Rows of a preview at most.
pub const PREVIEW_ROWS_MAX: usize = 1_000;
/// Bytes of a preview at most.
pub const PREVIEW_BYTES_MAX: usize = 4 << 20;
/// Seconds of a preview at most.
pub const PREVIEW_SECONDS_MAX: u64 = 20;
/// Bad records that are shown.
const BAD_RECORDS_MAX: usize = 100;
/// Bytes of a bad record that are shown.
const BAD_RECORD_BYTES_MAX: usize = 1024;
/// A source that is silent for so long has given what is there.
const QUIET: Duration = Duration::from_millis(700);
/// State that the operators of a preview may have.
const STATE_BYTES_MAX: usize = 1 << 20;
/// Previews that run at one time in this process.
pub(crate) const PREVIEWS_MAX: usize = 16;

/// How much of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviewOrder {
    /// Where reading begins.
    pub start: SourceStart,
    /// Rows that are wanted.
    pub rows: usize,
    /// How long to wait for them.
    pub seconds: u64,
}

/// Rows of a preview.
#[derive(Debug, Clone, Serialize)]
pub struct PreviewReport {
    /// Columns of the rows.
    pub schema: Schema,
    /// The rows; of a topic the newest last.
    pub rows: Vec<PreviewRow>,
    /// Whether there may be more than these.
    pub has_more: bool,
    /// Records that could not be read.
    pub bad_records: Vec<BadRecord>,
    /// Why the job ended before its time, if it did.
    pub failure: Option<String>,
}

/// A row.
#[derive(Debug, Clone, Serialize)]
pub struct PreviewRow {
    /// What became of it: `+I`, `-U`, `+U`, `-D`.
    pub change: String,
    /// Where it lies: `partition`, `offset`, `timestamp` of a Kafka record.
    pub place: Option<Map<String, Value>>,
    /// Its columns.
    pub row: Box<RawValue>,
}

/// A record that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRecord {
    /// Where it lies: `topic/partition/offset`.
    pub origin: String,
    /// Why it cannot be read.
    pub reason: String,
    /// The start of it, as text.
    pub payload: String,
}

/// Takes the bad records of a preview.
#[derive(Default)]
struct BadRecords(Mutex<Vec<BadRecord>>);

#[async_trait]
impl DeadLetters for BadRecords {
    async fn send(&self, letters: Vec<DeadLetter>) -> Result<(), ConnectorError> {
        let mut kept = self.0.lock();
        for letter in letters {
            if kept.len() < BAD_RECORDS_MAX {
                let payload = letter.payload.get(..BAD_RECORD_BYTES_MAX).unwrap_or(&letter.payload);
                let payload = String::from_utf8_lossy(payload).into_owned();
                kept.push(BadRecord { origin: letter.origin, reason: letter.message, payload });
            }
        }
        Ok(())
    }

    async fn flush(&self) -> Result<(), ConnectorError> {
        Ok(())
    }
}

impl Control {
    /// Schema and live rows of a topic: with [`SourceStart::Newest`] the newest, else the first from there on.
    ///
    /// # Errors
    /// The topic is not there, its system does not answer, or too many previews run.
    pub async fn preview_topic(&self, viewer: &TableViewer, topic: &str, order: PreviewOrder) -> Result<PreviewReport, ControlError> {
        let _place = self.preview_place(viewer)?;
        let table = self.catalog(viewer).table_for(topic, TableUsage::Read).await.map_err(from_catalog)?;
        let Some(connector) = self.services.connectors.get(&table.connection.kind) else {
            let kind = &table.connection.kind;
            return Err(ControlError::invalid("source.unknown_kind", format!("`{kind}` is not a known kind of data source")));
        };
        let deadline = Instant::now() + Duration::from_secs(order.seconds.clamp(1, PREVIEW_SECONDS_MAX));
        let system = format!("{} topic `{}`", table.connection.kind, table.physical_name);
        let late = || ControlError::External { system: system.clone(), message: format!("did not answer within {} s", order.seconds) };
        let extent = timeout_at(deadline, connector.table_extent(&table)).await.map_err(|_| late())?.map_err(|e| failed(&system, &e))?;
        if extent.is_some_and(|extent| extent.records == 0) && order.start != SourceStart::Latest {
            return Ok(PreviewReport { schema: table.schema, rows: Vec::new(), has_more: false, bad_records: Vec::new(), failure: None });
        }
        let bad = Arc::new(BadRecords::default());
        let (context, metadata) = context(connector, &table, order, bad.clone())?;
        let opened = timeout_at(deadline, connector.open_source(context)).await.map_err(|_| late())?;
        let mut reading = Reading { table, metadata, order, rows: Vec::new(), bytes: 0, has_more: false };
        reading.read(opened.map_err(|e| failed(&system, &e))?, deadline).await.map_err(|e| failed(&system, &e))?;
        let bad_records = std::mem::take(&mut *bad.0.lock());
        Ok(reading.report(bad_records))
    }

    /// The rows that a job's node sends, or that its sink would write, when its sources begin as the order says. Its sinks
    /// are not opened; plugins get neither hosts nor folders.
    ///
    /// # Errors
    /// That part of the job is wrong or cannot start, or too many previews run.
    pub async fn preview_job(
        &self,
        viewer: &TableViewer,
        graph: &JobGraph,
        node: &NodeId,
        order: PreviewOrder,
    ) -> Result<PreviewReport, PinError> {
        let _place = self.preview_place(viewer).map_err(PinError::Control)?;
        let scope = &viewer.scope;
        self.hold_tenant(&scope.tenant).await.map_err(PinError::Control)?;
        let catalog = self.draft_catalog(viewer, graph).await.map_err(PinError::Control)?;
        let catalog = crate::catalog::WithoutOutside(&catalog);
        let services = EngineServices {
            checkpoints: Arc::new(MemoryStore::new(STATE_BYTES_MAX)),
            accounts: self.services.accounts.of_one_run(&scope.tenant),
            sandbox: self.services.sandbox.for_tenant(&scope.tenant),
            ..self.services.clone()
        };
        let mut graph = graph.clone();
        one_subtask_each(&mut graph);
        let plan = plan_up_to(&graph, node, &scope.tenant, &catalog, &services).await.map_err(|mut errors| {
            catalog.0.explain_hidden(&mut errors);
            PinError::Graph(errors)
        })?;
        let limits = CollectionLimits { rows_max: order.rows.clamp(1, PREVIEW_ROWS_MAX), bytes_max: PREVIEW_BYTES_MAX };
        let trial = plan.into_preview(node, order.start, limits);
        let Some(collected) = trial.collected.into_values().next() else {
            return Err(PinError::Control(ControlError::Internal(format!("nothing collects the rows of `{node}`"))));
        };
        let options = StartOptions {
            tenant: scope.tenant.clone(),
            instance: InstanceId::new(format!("preview-{}", uuid::Uuid::now_v7().simple())),
            job: "preview".into(),
            version_hash: String::new(),
            from: StartFrom::Fresh,
        };
        let deadline = Instant::now() + Duration::from_secs(order.seconds.clamp(1, PREVIEW_SECONDS_MAX));
        let started = timeout_at(deadline, millrace_engine::start(trial.plan, options, &services)).await;
        let handle = match started {
            Ok(Ok(handle)) => handle,
            Ok(Err(error)) => return Err(PinError::Control(not_started(JobFailure::from(error)))),
            Err(_) => {
                let message = format!("its sources did not answer within {} s", order.seconds);
                return Err(PinError::Control(ControlError::External { system: "preview".into(), message }));
            }
        };
        // Also when the request is given up: nothing of a preview stays.
        let guard = CancelOnDrop(handle.clone());
        let failure = until_enough(&handle, &collected, deadline).await;
        drop(guard);
        handle.ended().await;
        let letters = handle.recent_dead_letters();
        let bad_records = letters.into_iter().map(|l| BadRecord { origin: l.origin, reason: l.message, payload: l.payload }).collect();
        let page = collected.page(0, PREVIEW_ROWS_MAX);
        let rows = page.rows.into_iter().map(|r| PreviewRow { change: r.change.to_owned(), place: None, row: r.row }).collect();
        Ok(PreviewReport { schema: collected.schema().clone(), rows, has_more: page.total > page.kept, bad_records, failure })
    }

    fn preview_place(&self, viewer: &TableViewer) -> Result<Place, ControlError> {
        let (places, tenant) = (self.previews(), &viewer.scope.tenant);
        places.try_take(tenant).ok_or_else(|| {
            ControlError::Busy(format!(
                "as many previews run on this server as may ({}, and {} of one tenant); try again in a moment",
                places.all(),
                places.each()
            ))
        })
    }
}

struct CancelOnDrop(millrace_engine::JobHandle);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Waits for as many rows as are kept, for silence, or for the end; answers why the job failed, if it did.
async fn until_enough(handle: &millrace_engine::JobHandle, collected: &Collected, deadline: Instant) -> Option<String> {
    let mut state = handle.state();
    let (mut progress, mut quiet_since) = (0.0, Instant::now());
    loop {
        let look = Instant::now() + Duration::from_millis(50);
        match timeout_at(look.min(deadline), state.wait_for(ExecutionState::is_final)).await {
            Ok(Ok(ended)) => {
                return match &*ended {
                    ExecutionState::Failed(failure) => Some(failure.message.clone()),
                    ExecutionState::Running | ExecutionState::Finished | ExecutionState::Stopped => None,
                };
            }
            Ok(Err(_)) => return None,
            Err(_) => {}
        }
        if collected.is_full() || Instant::now() >= deadline {
            return None;
        }
        let moved: f64 = (handle.metrics().operators.iter())
            .flat_map(|o| &o.subtasks)
            .map(|values| values.get("numRecordsIn").copied().unwrap_or(0.0))
            .sum();
        if moved > progress || progress == 0.0 {
            (progress, quiet_since) = (moved, Instant::now());
        } else if quiet_since.elapsed() >= QUIET {
            return None;
        }
    }
}

fn not_started(failure: JobFailure) -> ControlError {
    match failure.class {
        FaultClass::User => ControlError::invalid("preview.start", failure.message),
        FaultClass::External => ControlError::External { system: "preview".into(), message: failure.message },
        FaultClass::Internal => ControlError::Internal(failure.message),
    }
}

fn failed(system: &str, error: &ConnectorError) -> ControlError {
    match error.class() {
        FaultClass::User => ControlError::invalid("preview.unusable", error.to_string()),
        FaultClass::External => ControlError::External { system: system.to_owned(), message: error.to_string() },
        FaultClass::Internal => ControlError::Internal(error.to_string()),
    }
}

/// What opening the source takes, and the metadata that tells where each row lies.
fn context(
    connector: &Arc<dyn Connector>,
    table: &TableBinding,
    order: PreviewOrder,
    bad: Arc<BadRecords>,
) -> Result<(SourceContext, Vec<MetadataColumn>), ControlError> {
    let mut config = Map::new();
    config.insert(millrace_engine::table_field(connector.kind()).into(), json!(table.name));
    connector.set_start(&mut config, order.start);
    if let Some(error) = connector.check_source(&config, table).first() {
        return Err(ControlError::invalid("preview.unusable", format!("topic `{}` cannot be read: {error}", table.name)));
    }
    let wanted = ["partition", "offset", "timestamp"];
    let metadata: Vec<MetadataColumn> = (connector.source_metadata(&config).into_iter())
        .filter(|m| wanted.contains(&m.key))
        .map(|m| MetadataColumn { key: m.key.to_owned(), field: Field::new(format!("$place.{}", m.key), m.data_type, m.nullable) })
        .collect();
    let context = SourceContext {
        instance: InstanceId::new("preview"),
        operator: NodeId::new("preview"),
        config,
        table: table.clone(),
        metadata: metadata.clone(),
        time_attribute: TimeAttribute::ProcessingTime,
        declared_time: None,
        batch_rows_max: PREVIEW_ROWS_MAX,
        subtask: 0,
        parallelism: 1,
        restored: Vec::new(),
        metrics: Arc::new(SourceMetrics::default()),
        dead_letters: bad,
    };
    Ok((context, metadata))
}

struct Reading {
    table: TableBinding,
    metadata: Vec<MetadataColumn>,
    order: PreviewOrder,
    rows: Vec<PreviewRow>,
    bytes: usize,
    has_more: bool,
}

impl Reading {
    /// The newest rows of several partitions are known only when all have been read; others are enough when they are.
    fn is_newest(&self) -> bool {
        matches!(self.order.start, SourceStart::Newest { .. })
    }

    async fn read(&mut self, mut source: Box<dyn Source>, deadline: Instant) -> Result<(), ConnectorError> {
        let mut until = deadline;
        loop {
            let Ok(event) = timeout_at(until.min(deadline), source.next()).await else { return Ok(()) };
            match event? {
                SourceEvent::Batch(batch) => self.take(&batch)?,
                SourceEvent::End => return Ok(()),
                SourceEvent::Watermark(_) | SourceEvent::Idle | SourceEvent::Active => {}
            }
            if self.bytes >= PREVIEW_BYTES_MAX || (!self.is_newest() && self.rows.len() >= self.order.rows) {
                self.has_more = true;
                return Ok(());
            }
            until = Instant::now() + QUIET;
        }
    }

    fn take(&mut self, batch: &Batch) -> Result<(), ConnectorError> {
        let width = self.table.schema.fields().len();
        let places = Schema::new(self.metadata.iter().map(|m| m.field.clone()).collect());
        let places = places.map_err(|e| ConnectorError::Internal(e.to_string()))?;
        let project = |columns: std::ops::Range<usize>| {
            let rows = batch.rows.project(&columns.collect::<Vec<_>>()).map_err(|e| ConnectorError::Internal(e.to_string()))?;
            Ok::<_, ConnectorError>(Batch { rows, kinds: batch.kinds.clone(), origin: batch.origin.clone() })
        };
        let rows = rows_as_json(&self.table.schema, &project(0..width)?)?;
        let places = rows_as_json(&places, &project(width..width + self.metadata.len())?)?;
        for ((change, row), (_, place)) in rows.into_iter().zip(places) {
            self.bytes += row.get().len() + 64;
            let place: Map<String, Value> = serde_json::from_str(place.get()).unwrap_or_default();
            let place = place.into_iter().map(|(name, value)| (name.trim_start_matches("$place.").to_owned(), value)).collect();
            self.rows.push(PreviewRow { change: change.to_owned(), place: Some(place), row });
        }
        Ok(())
    }

    fn report(mut self, bad_records: Vec<BadRecord>) -> PreviewReport {
        let key = |row: &PreviewRow| {
            let part = |name: &str| row.place.as_ref().and_then(|p| p.get(name)).cloned().unwrap_or_default();
            let number = |value: &Value| value.as_i64().unwrap_or_default();
            // Times are texts of one form.
            let at = part("timestamp").as_str().unwrap_or_default().to_owned();
            (at, number(&part("partition")), number(&part("offset")))
        };
        self.rows.sort_by_cached_key(key);
        let surplus = self.rows.len().saturating_sub(self.order.rows);
        if self.is_newest() {
            self.rows.drain(..surplus);
        } else {
            self.rows.truncate(self.order.rows);
        }
        let has_more = self.has_more || surplus > 0;
        PreviewReport { schema: self.table.schema, rows: self.rows, has_more, bad_records, failure: None }
    }
}
