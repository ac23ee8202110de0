//! Dimension tables that the engine holds itself: the rows of an uploaded data package, or the newest row of each key of
//! a table that a source follows.
//!
//! Invariant: nothing is looked up before the package is read, or the source has come to the end that its table had at
//! the start. What the source brings later takes effect when it comes: look-ups find the rows of now, in no order with
//! the rows that ask.

use super::{
    ALL_BYTES_MAX, DeclarationError, DimensionMetrics,
    rows::{HeldRows, Matches},
};
use crate::{catalog::PackageBinding, dead_letters::InstanceLetters};
use arrow_array::RecordBatch;
use millrace_connector::{Connector, Source, SourceContext, SourceEvent, SourceMetrics, TableBinding};
use millrace_formats::{Decoder, FormatSpec};
use millrace_model::{
    Field, Schema,
    graph::TimeAttribute,
    ids::{InstanceId, NodeId},
};
use millrace_sandbox::DimensionColumns;
use parking_lot::RwLock;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{sync::Mutex, task::AbortHandle};

/// How often a source that has nothing to tell is asked whether it is at the end.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// How long a table may take to be read to its end.
const LOAD_MAX: Duration = Duration::from_secs(600);
/// Rows of a batch.
const BATCH_ROWS: usize = 8_192;

/// Where the rows come from.
pub(super) enum Feed {
    Package(PackageBinding),
    Table { connector: Arc<dyn Connector>, table: TableBinding, config: serde_json::Map<String, serde_json::Value> },
}

/// What is shared with the task that follows a source.
struct Shared {
    name: String,
    rows: RwLock<HeldRows>,
    rows_max: u64,
    is_ready: AtomicBool,
    /// Why the source could not be followed any longer.
    failed: parking_lot::Mutex<Option<String>>,
    loads: AtomicU64,
    errors: AtomicU64,
}

/// A dimension table that is held in memory.
pub(super) struct HeldTable {
    shared: Arc<Shared>,
    columns: DimensionColumns,
    /// Key columns, then the others.
    schema: Schema,
    /// Columns as their source has them.
    source_schema: Schema,
    /// For each column of `schema` its place in `source_schema`.
    order: Vec<usize>,
    feed: Arc<Feed>,
    /// The follower.
    follower: Mutex<Option<AbortHandle>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Drop for HeldTable {
    fn drop(&mut self) {
        if let Some(follower) = self.follower.get_mut().take() {
            follower.abort();
        }
    }
}

impl HeldTable {
    /// A table of these columns; loads nothing yet.
    pub(super) fn new(name: &str, schema: &Schema, primary_key: &[String], rows_max: u64, feed: Feed) -> Result<Self, DeclarationError> {
        let wrong = |code: &str, message: String| DeclarationError { field: "primary_key", code: code.to_owned(), message };
        let mut order = Vec::with_capacity(schema.fields().len());
        for key in primary_key {
            match schema.index_of(key) {
                Some(column) if !order.contains(&column) => order.push(column),
                Some(_) => return Err(wrong("config.invalid", format!("names the column `{key}` twice"))),
                None => return Err(wrong("config.invalid", format!("there is no column `{key}`"))),
            }
        }
        let keys = order.len();
        order.extend((0..schema.fields().len()).filter(|c| !primary_key.iter().any(|k| schema.index_of(k) == Some(*c))));
        let ordered: Vec<Field> = order.iter().filter_map(|&c| schema.fields().get(c)).cloned().collect();
        // The key of a deleted row comes without the other columns.
        let held = ordered.iter().enumerate().map(|(i, f)| Field { nullable: f.nullable || i >= keys || keys == 0, ..f.clone() }).collect();
        let internal = |e: String| wrong("internal", e);
        let held = Schema::new(held).map_err(|e| internal(e.to_string()))?;
        let part = |range: &[Field], nullable: bool| {
            Schema::new(range.iter().map(|f| Field { nullable: f.nullable || nullable, ..f.clone() }).collect())
        };
        let (key, value) = ordered.split_at(keys);
        let columns = DimensionColumns {
            key: part(key, false).map_err(|e| internal(e.to_string()))?,
            value: part(value, true).map_err(|e| internal(e.to_string()))?,
        };
        let rows = HeldRows::new(held.to_arrow(), (0..keys).collect()).map_err(|e| internal(e.to_string()))?;
        let shared = Shared {
            name: name.to_owned(),
            rows: RwLock::new(rows),
            rows_max,
            is_ready: AtomicBool::new(false),
            failed: parking_lot::Mutex::default(),
            loads: AtomicU64::new(0),
            errors: AtomicU64::new(0),
        };
        Ok(Self {
            shared: Arc::new(shared),
            columns,
            schema: Schema::new(ordered).map_err(|e| internal(e.to_string()))?,
            source_schema: schema.clone(),
            order,
            feed: Arc::new(feed),
            follower: Mutex::new(None),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        })
    }

    pub(super) fn columns(&self) -> &DimensionColumns {
        &self.columns
    }

    /// Key columns, then the others.
    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(super) fn pins(&self) -> serde_json::Value {
        match &*self.feed {
            Feed::Package(package) => serde_json::json!({
                "package": package.name, "version": package.version, "content_hash": package.content_hash,
            }),
            Feed::Table { table, .. } => serde_json::json!({
                "table": table.name, "physical_name": table.physical_name, "schema": table.schema, "format": table.format,
            }),
        }
    }

    pub(super) fn metrics(&self) -> DimensionMetrics {
        DimensionMetrics {
            name: self.shared.name.clone(),
            hits: self.hits.load(Relaxed),
            misses: self.misses.load(Relaxed),
            loads: self.shared.loads.load(Relaxed),
            errors: self.shared.errors.load(Relaxed),
            rows: self.shared.rows.read().len() as u64,
        }
    }

    /// The rows that have these keys in these columns of [`Self::schema`].
    pub(super) async fn matches(self: &Arc<Self>, columns: &[usize], keys: &RecordBatch) -> Result<Matches, String> {
        if !self.shared.is_ready.load(Relaxed) {
            // A load that is under way ends in its own time, whatever becomes of who asked for it.
            let table = self.clone();
            let loaded = tokio::spawn(async move { table.ready().await }).await;
            loaded.unwrap_or_else(|_| Err("the load of the dimension table was ended by the server".into()))?;
        }
        let wrong = |e: arrow_schema::ArrowError| format!("dimension table `{}`: {e}", self.shared.name);
        if !self.shared.rows.read().is_indexed(columns) {
            self.shared.rows.write().index(columns).map_err(wrong)?;
        }
        let found = self.shared.rows.read().matches(columns, keys).map_err(wrong)?;
        let mut answered = found.keys.clone();
        answered.dedup();
        self.hits.fetch_add(answered.len() as u64, Relaxed);
        self.misses.fetch_add((keys.num_rows() - answered.len()) as u64, Relaxed);
        Ok(found)
    }

    /// Returns when the table is loaded.
    async fn ready(&self) -> Result<(), String> {
        if let Some(reason) = self.shared.failed.lock().take() {
            return Err(reason);
        }
        if self.shared.is_ready.load(Relaxed) {
            return Ok(());
        }
        // Whoever comes first loads, the others wait.
        let mut follower = self.follower.lock().await;
        if self.shared.is_ready.load(Relaxed) {
            return Ok(());
        }
        self.shared.loads.fetch_add(1, Relaxed);
        let loaded = tokio::time::timeout(LOAD_MAX, self.load()).await;
        match loaded.unwrap_or_else(|_| Err(format!("it was not read to its end within {} s", LOAD_MAX.as_secs()))) {
            Ok(task) => {
                *follower = task;
                self.shared.is_ready.store(true, Relaxed);
                Ok(())
            }
            Err(reason) => {
                self.shared.errors.fetch_add(1, Relaxed);
                Err(format!("dimension table `{}` cannot be loaded: {reason}", self.shared.name))
            }
        }
    }

    async fn load(&self) -> Result<Option<AbortHandle>, String> {
        self.shared.begin_anew(self.columns.key.fields().len())?;
        match &*self.feed {
            Feed::Package(package) => {
                let rows = package.rows.read(self.shared.rows_max).await?;
                self.shared.take_lines(&rows.lines, rows.iso_timestamps, &self.schema)?;
                Ok(None)
            }
            Feed::Table { connector, table, config } => {
                let source = connector.open_source(self.source_context(table, config)).await.map_err(|e| e.to_string())?;
                self.follow(source).await
            }
        }
    }

    fn source_context(&self, table: &TableBinding, config: &serde_json::Map<String, serde_json::Value>) -> SourceContext {
        SourceContext {
            instance: InstanceId::new("dimension"),
            operator: NodeId::new(format!("dimension_{}", self.shared.name)),
            config: config.clone(),
            table: TableBinding { schema: self.source_schema.clone(), ..table.clone() },
            metadata: Vec::new(),
            time_attribute: TimeAttribute::ProcessingTime,
            declared_time: None,
            batch_rows_max: BATCH_ROWS,
            subtask: 0,
            parallelism: 1,
            restored: Vec::new(),
            metrics: Arc::new(SourceMetrics::default()),
            dead_letters: Arc::new(InstanceLetters::new(None)),
        }
    }

    /// Reads the source to its end as it is now, and leaves a task that reads on.
    async fn follow(&self, mut source: Box<dyn Source>) -> Result<Option<AbortHandle>, String> {
        loop {
            if source.has_reached_end() {
                break;
            }
            let next = tokio::time::timeout(LOOK_INTERVAL, source.next()).await;
            match next {
                Err(_) => {}
                Ok(Ok(SourceEvent::Batch(batch))) => self.shared.take(&batch, &self.order)?,
                Ok(Ok(SourceEvent::End)) => return Ok(None),
                Ok(Ok(SourceEvent::Watermark(_) | SourceEvent::Idle | SourceEvent::Active)) => {}
                Ok(Err(error)) => return Err(error.to_string()),
            }
        }
        let (shared, order) = (self.shared.clone(), self.order.clone());
        let task = tokio::spawn(async move {
            let reason = loop {
                match source.next().await {
                    Ok(SourceEvent::Batch(batch)) => {
                        if let Err(reason) = shared.take(&batch, &order) {
                            break reason;
                        }
                    }
                    Ok(SourceEvent::End) => return,
                    Ok(SourceEvent::Watermark(_) | SourceEvent::Idle | SourceEvent::Active) => {}
                    Err(error) => break error.to_string(),
                }
            };
            shared.errors.fetch_add(1, Relaxed);
            shared.is_ready.store(false, Relaxed);
            *shared.failed.lock() = Some(format!("dimension table `{}` cannot be followed: {reason}", shared.name));
        });
        Ok(Some(task.abort_handle()))
    }
}

impl Shared {
    fn begin_anew(&self, keys: usize) -> Result<(), String> {
        let mut rows = self.rows.write();
        let schema = rows.schema().clone();
        *rows = HeldRows::new(schema, (0..keys).collect()).map_err(|e| e.to_string())?;
        Ok(())
    }

    /// Takes rows of a source.
    fn take(&self, batch: &millrace_model::Batch, order: &[usize]) -> Result<(), String> {
        let ordered = batch.rows.project(order).map_err(|e| e.to_string())?;
        let mut rows = self.rows.write();
        rows.apply(&ordered, batch.kinds.as_ref()).map_err(|e| e.to_string())?;
        self.check_size(&rows)
    }

    fn take_lines(&self, lines: &[String], iso_timestamps: bool, schema: &Schema) -> Result<(), String> {
        let form = if iso_timestamps { "ISO-8601" } else { "SQL" };
        let spec = FormatSpec::from_json(&serde_json::json!({ "type": "json", "timestamp_format": form })).map_err(|e| e.to_string())?;
        let mut decoder = Decoder::new(&spec, schema).map_err(|e| e.to_string())?;
        for (number, line) in (1u64..).zip(lines) {
            decoder.push(line.as_bytes()).map_err(|e| format!("row {number} of the package: {e}"))?;
            if decoder.rows() >= BATCH_ROWS {
                self.take_rows(&decoder.finish())?;
            }
        }
        self.take_rows(&decoder.finish())
    }

    fn take_rows(&self, batch: &RecordBatch) -> Result<(), String> {
        let mut rows = self.rows.write();
        rows.apply(batch, None).map_err(|e| e.to_string())?;
        self.check_size(&rows)
    }

    fn check_size(&self, rows: &HeldRows) -> Result<(), String> {
        if rows.len() as u64 > self.rows_max {
            return Err(format!("it has more than {} rows (`cache_size`); allow more", self.rows_max));
        }
        if rows.bytes() > 2 * ALL_BYTES_MAX {
            return Err(format!("it takes more than {} bytes of memory", 2 * ALL_BYTES_MAX));
        }
        Ok(())
    }
}
