//! A source that gives the rows of a package, with the watermarks that the real source would make of them.
//!
//! Invariant: rows are decoded before the run begins, so that a package that does not fit is an error of the request; a
//! record that is no JSON at all is what the real source would find in its topic, and is treated as that source's settings
//! say.

use super::{
    ArrivalOrder,
    fit::{self, CHANGE_COLUMN, PackageShape},
    turns::Turns,
};
use crate::plan::SourceWork;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray, UInt8Array, UInt32Array, cast::AsArray};
use async_trait::async_trait;
use millrace_connector::{
    ConfigError, Connector, ConnectorError, DeadLetter, DeadLetterReason, DeadLetters, MetadataColumn, MetadataKey, PartitionWatermarks,
    Sink, SinkContext, Source, SourceContext, SourceEvent, TableBinding, WatermarkChange,
};
use millrace_formats::{Decoder, FormatSpec, JsonOptions, TimestampFormat};
use millrace_model::{
    Batch, ChangeKind, DataType, Field, OffsetRange, Schema,
    graph::{GraphError, TimeAttribute},
    ids::{CheckpointId, NodeId},
};
use serde_json::{Map, Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering::Relaxed},
};

/// Batches that event-time rows are cut into at most: a watermark follows each.
const BATCHES_MAX: usize = 2_000;

/// The rows of a package.
pub struct ReplayRows {
    /// What is known of its columns.
    pub shape: PackageShape,
    /// A JSON object each.
    pub lines: Vec<String>,
    /// Date-times are written as ISO 8601 says.
    pub iso_timestamps: bool,
    /// A line that cannot be read is a bad record, as in a topic; otherwise the package is wrong.
    pub keeps_bad_records: bool,
}

/// Rows that are ready to be sent, in the order in which they come.
#[derive(Clone)]
pub(super) struct Prepared {
    rows: RecordBatch,
    kinds: Option<UInt8Array>,
    /// Per row its event time or declared watermark, if rows have one.
    times_ms: Option<Vec<Option<i64>>>,
    pub(super) arrivals_ms: Vec<i64>,
    /// Line and reason.
    bad: Vec<(String, String)>,
    late: LateRows,
    watermark_delay_ms: u64,
    is_declared: bool,
}

/// What happens to late and bad records, as sources call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LateRows {
    Drop,
    Keep,
    DeadLetter,
}

/// Decodes and arranges rows for `source`; answers warnings too.
pub(super) fn prepare(
    node: &NodeId,
    source: &SourceWork,
    rows: ReplayRows,
    order: ArrivalOrder,
    time: TimeAttribute,
) -> Result<(Prepared, Vec<String>), Vec<GraphError>> {
    let (errors, warnings) = fit::check(node, &rows.shape, source);
    if !errors.is_empty() {
        return Err(errors);
    }
    let fail = |message: String| vec![GraphError::in_node(node, "unit_test.columns", message)];
    let (decoded, bad) = decode(source, &rows).map_err(fail)?;
    if source.config.get("bad_records").and_then(Value::as_str) == Some("fail")
        && let Some((_, reason)) = bad.first()
    {
        return Err(fail(format!("{}: {reason}, and the source fails on bad records", rows.shape.name)));
    }
    let (decoded, kinds) = take_kinds(source, decoded).map_err(fail)?;
    let internal = |error: &dyn std::fmt::Display| vec![GraphError::in_node(node, "unit_test.internal", error.to_string())];
    let times_ms = match (&source.declared_time, event_time_field(source, time)) {
        (Some(declared), _) => {
            let with_metadata = add_metadata(decoded.clone(), source, None).map_err(|e| internal(&e))?;
            let watermarks = declared.watermarks.watermarks_ms(&with_metadata).map_err(|e| fail(e.to_string()))?;
            Some(watermarks.iter().collect::<Vec<_>>())
        }
        (None, Some(index)) => Some(times_of(decoded.column(index)).ok_or_else(|| fail("its event-time field has no time".into()))?),
        (None, None) => None,
    };
    let nominal = nominal_ms(times_ms.as_deref(), decoded.num_rows());
    let arranged = order.arrange(&nominal, salt(node));
    let indices = UInt32Array::from_iter_values(arranged.iter().map(|(row, _)| *row as u32));
    let batch = Batch { rows: decoded, kinds, origin: Arc::from([]) }.take(&indices).map_err(|e| internal(&e))?;
    let times_ms = times_ms.map(|times| arranged.iter().map(|(row, _)| times.get(*row).copied().flatten()).collect::<Vec<_>>());
    let rows = add_metadata(batch.rows, source, times_ms.as_deref()).map_err(|e| internal(&e))?;
    let text = |name: &str| source.config.get(name).and_then(Value::as_str).unwrap_or_default();
    let late = match text("late_records") {
        "keep" => LateRows::Keep,
        "dead_letter" => LateRows::DeadLetter,
        _ => LateRows::Drop,
    };
    let prepared = Prepared {
        rows,
        kinds: batch.kinds,
        times_ms,
        arrivals_ms: arranged.into_iter().map(|(_, at_ms)| at_ms).collect(),
        bad: if text("bad_records") == "skip" { bad.into_iter().map(|(_, why)| (String::new(), why)).collect() } else { bad },
        late,
        watermark_delay_ms: source.config.get("watermark_delay_ms").and_then(Value::as_u64).unwrap_or(0),
        is_declared: source.declared_time.is_some(),
    };
    Ok((prepared, warnings))
}

/// Good rows as columns, bad lines with reasons. The last column is the change kind, if the package has one.
fn decode(source: &SourceWork, rows: &ReplayRows) -> Result<(RecordBatch, Vec<(String, String)>), String> {
    let is_upsert = source.connector.sends_upserts(&source.config);
    let mut fields: Vec<Field> = source.columns.fields().to_vec();
    // The key of a deleted row lacks the other columns.
    fields.iter_mut().for_each(|field| field.nullable |= is_upsert);
    if rows.shape.schema.field(CHANGE_COLUMN).is_some() {
        fields.push(Field::new(CHANGE_COLUMN, DataType::String, true));
    }
    let schema = Schema::new(fields).map_err(|e| e.to_string())?;
    let timestamp_format = if rows.iso_timestamps { TimestampFormat::Iso8601 } else { TimestampFormat::Sql };
    let spec = FormatSpec::Json(JsonOptions { timestamp_format, ..JsonOptions::default() });
    let mut decoder = Decoder::new(&spec, &schema).map_err(|e| e.to_string())?;
    let mut bad = Vec::new();
    for (number, line) in (1..).zip(&rows.lines) {
        if let Err(error) = decoder.push(line.as_bytes()) {
            let reason = format!("row {number}: {error}");
            if !rows.keeps_bad_records {
                return Err(format!("{}, {reason}", rows.shape.name));
            }
            bad.push((line.clone(), reason));
        }
    }
    if let (0, Some((_, first))) = (decoder.rows(), bad.first()) {
        return Err(format!("{}: no row can be read as a row of `{}`: {first}", rows.shape.name, source.table.name));
    }
    Ok((decoder.finish(), bad))
}

/// Takes the change kinds out of their column.
fn take_kinds(source: &SourceWork, rows: RecordBatch) -> Result<(RecordBatch, Option<UInt8Array>), String> {
    let default = if source.connector.sends_upserts(&source.config) { ChangeKind::UpdateAfter } else { ChangeKind::Insert };
    let at = source.columns.fields().len();
    let column = rows.columns().get(at).cloned();
    let kinds: Vec<u8> = match &column {
        None => vec![default as u8; rows.num_rows()],
        Some(column) => kinds_of(column.as_string::<i32>(), default)?,
    };
    let plain: Vec<usize> = (0..at).collect();
    let rows = rows.project(&plain).map_err(|e| e.to_string())?;
    if source.connector.sends_changes(&source.config) {
        return Ok((rows, Some(UInt8Array::from(kinds))));
    }
    if kinds.iter().any(|&kind| kind != ChangeKind::Insert as u8) {
        return Err(format!("`{CHANGE_COLUMN}` has updates or deletes, but the source of `{}` sends only inserts (+I)", source.table.name));
    }
    Ok((rows, None))
}

fn kinds_of(column: &StringArray, default: ChangeKind) -> Result<Vec<u8>, String> {
    let kind = |(row, text): (usize, Option<&str>)| match text.map(str::trim) {
        None | Some("") => Ok(default as u8),
        Some("+I") => Ok(ChangeKind::Insert as u8),
        Some("-U") => Ok(ChangeKind::UpdateBefore as u8),
        Some("+U") => Ok(ChangeKind::UpdateAfter as u8),
        Some("-D") => Ok(ChangeKind::Delete as u8),
        Some(other) => Err(format!("row {}: `{CHANGE_COLUMN}` is `{other}`, expected +I, -U, +U or -D", row + 1)),
    };
    column.iter().enumerate().map(kind).collect()
}

fn event_time_field(source: &SourceWork, time: TimeAttribute) -> Option<usize> {
    let name = source.config.get("event_time_field").and_then(Value::as_str)?;
    if time == TimeAttribute::EventTime { source.columns.index_of(name) } else { None }
}

/// Epoch milliseconds of an event-time column.
fn times_of(column: &ArrayRef) -> Option<Vec<Option<i64>>> {
    let (ticks, per_ms) = ticks(column)?;
    Some((0..column.len()).map(|row| (!column.is_null(row)).then(|| ticks.get(row).map(|t| t.div_euclid(per_ms))).flatten()).collect())
}

/// Ticks of a time column, and how many there are in a millisecond.
fn ticks(column: &ArrayRef) -> Option<(&[i64], i64)> {
    use arrow_array::types::{Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType};
    use arrow_schema::{DataType as Arrow, TimeUnit};
    Some(match column.data_type() {
        Arrow::Int64 => (column.as_primitive::<Int64Type>().values().as_ref(), 1),
        Arrow::Timestamp(TimeUnit::Millisecond, _) => (column.as_primitive::<TimestampMillisecondType>().values().as_ref(), 1),
        Arrow::Timestamp(TimeUnit::Microsecond, _) => (column.as_primitive::<TimestampMicrosecondType>().values().as_ref(), 1_000),
        Arrow::Timestamp(TimeUnit::Nanosecond, _) => (column.as_primitive::<TimestampNanosecondType>().values().as_ref(), 1_000_000),
        _ => return None,
    })
}

/// When each row would come if none were delayed: at its event time, but not before the row in front of it, so that a row
/// that is late in the package is late in the run. Without event times a row comes each millisecond.
fn nominal_ms(times_ms: Option<&[Option<i64>]>, rows: usize) -> Vec<i64> {
    let Some(times) = times_ms else { return (0..rows as i64).collect() };
    let mut latest_ms = times.iter().flatten().copied().next().unwrap_or(0);
    let mut next = |time: &Option<i64>| {
        latest_ms = latest_ms.max(time.unwrap_or(latest_ms));
        latest_ms
    };
    times.iter().map(&mut next).collect()
}

/// FNV-1a of the node's id: sources of one run are shuffled differently.
fn salt(node: &NodeId) -> u64 {
    node.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Adds the metadata columns that queries ask for: a row's place is partition 0 and the number of its arrival.
fn add_metadata(rows: RecordBatch, source: &SourceWork, times_ms: Option<&[Option<i64>]>) -> Result<RecordBatch, String> {
    if source.metadata.is_empty() {
        return Ok(rows);
    }
    // Before rows are arranged nobody looks at the values.
    let fields = source.metadata.iter().map(|m| m.field.clone()).collect();
    let schema = Schema::new(fields).map_err(|e| e.to_string())?;
    let mut decoder = Decoder::new(&FormatSpec::Json(JsonOptions::default()), &schema).map_err(|e| e.to_string())?;
    for row in 0..rows.num_rows() {
        let at_ms = times_ms.and_then(|times| times.get(row).copied().flatten()).unwrap_or(row as i64);
        let value = |m: &MetadataColumn| (m.field.name.clone(), metadata_value(m, &source.table.physical_name, row, at_ms));
        let record: Map<String, Value> = source.metadata.iter().map(value).collect();
        decoder.push(Value::Object(record).to_string().as_bytes()).map_err(|e| format!("metadata: {e}"))?;
    }
    let metadata = decoder.finish();
    let columns = rows.columns().iter().chain(metadata.columns()).cloned().collect();
    RecordBatch::try_new(source.output.to_arrow(), columns).map_err(|e| e.to_string())
}

fn metadata_value(column: &MetadataColumn, topic: &str, row: usize, at_ms: i64) -> Value {
    match (column.key.as_str(), &column.field.data_type) {
        ("topic", _) => json!(topic),
        ("offset", _) => json!(row),
        ("timestamp-type", _) => json!("CreateTime"),
        (_, DataType::TimestampLtz { .. } | DataType::Timestamp { .. }) => {
            let zone = if matches!(column.field.data_type, DataType::TimestampLtz { .. }) { "Z" } else { "" };
            let at = chrono::DateTime::from_timestamp_millis(at_ms).unwrap_or_default();
            json!(format!("{}{zone}", at.format("%Y-%m-%d %H:%M:%S%.3f")))
        }
        _ if column.field.nullable => Value::Null,
        (_, DataType::Map(..) | DataType::Row(_)) => json!({}),
        (_, DataType::Array(_)) => json!([]),
        (_, DataType::String | DataType::Bytes) => json!(""),
        (_, DataType::Boolean) => json!(false),
        _ => json!(0),
    }
}

/// The connector of one replaced source.
pub(super) struct ReplayConnector {
    number: usize,
    prepared: Prepared,
    turns: Arc<Turns>,
}

impl ReplayConnector {
    pub(super) fn new(number: usize, prepared: Prepared, turns: Arc<Turns>) -> Self {
        Self { number, prepared, turns }
    }
}

#[async_trait]
impl Connector for ReplayConnector {
    fn kind(&self) -> &'static str {
        "replay"
    }

    fn check_source(&self, _config: &Map<String, Value>, _table: &TableBinding) -> Vec<ConfigError> {
        Vec::new()
    }

    fn check_sink(&self, _config: &Map<String, Value>, _table: &TableBinding, _input: &Schema) -> Vec<ConfigError> {
        vec![ConfigError::new("kind", "config.invalid", "a data package cannot be written")]
    }

    fn source_metadata(&self, _config: &Map<String, Value>) -> Vec<MetadataKey> {
        Vec::new()
    }

    async fn ensure_table(&self, _table: &TableBinding, _options: &Value) -> Result<bool, ConnectorError> {
        Ok(false)
    }

    async fn open_source(&self, context: SourceContext) -> Result<Box<dyn Source>, ConnectorError> {
        let prepared = self.prepared.clone();
        let watermarks = prepared.times_ms.is_some().then(|| {
            let mut watermarks = match prepared.is_declared {
                true => PartitionWatermarks::of_watermarks(None),
                false => PartitionWatermarks::new(prepared.watermark_delay_ms, None),
            };
            watermarks.add_partition(0, 0);
            watermarks
        });
        let rows = prepared.rows.num_rows();
        let batch_rows = if watermarks.is_some() { rows.div_ceil(BATCHES_MAX) } else { context.batch_rows_max };
        let mut source = ReplaySource {
            number: self.number,
            turns: self.turns.clone(),
            topic: context.table.physical_name.as_str().into(),
            prepared,
            watermarks,
            batch_rows: batch_rows.max(1),
            next_row: 0,
            turn: None,
            ended: false,
            ready: VecDeque::new(),
            context,
        };
        source.context.metrics.watermark_ms.store(i64::MIN, Relaxed);
        source.context.metrics.pending_records.store(rows as i64, Relaxed);
        source.give_up_bad_records().await?;
        Ok(Box::new(source))
    }

    async fn open_sink(&self, _context: SinkContext) -> Result<Box<dyn Sink>, ConnectorError> {
        Err(ConnectorError::Config("a data package cannot be written".into()))
    }

    async fn open_dead_letters(&self, _table: &TableBinding) -> Result<Arc<dyn DeadLetters>, ConnectorError> {
        Err(ConnectorError::Config("a data package cannot be the place for dead letters".into()))
    }
}

struct ReplaySource {
    number: usize,
    turns: Arc<Turns>,
    topic: Arc<str>,
    prepared: Prepared,
    watermarks: Option<PartitionWatermarks>,
    batch_rows: usize,
    next_row: usize,
    /// Number of the turn that is running, and the row at which it ends.
    turn: Option<(usize, usize)>,
    ended: bool,
    ready: VecDeque<SourceEvent>,
    context: SourceContext,
}

impl ReplaySource {
    async fn give_up_bad_records(&mut self) -> Result<(), ConnectorError> {
        let bad = std::mem::take(&mut self.prepared.bad);
        let count = bad.len() as u64;
        self.context.metrics.records_in.fetch_add(count, Relaxed);
        self.context.metrics.bad_records.fetch_add(count, Relaxed);
        let kept = bad.into_iter().filter(|(line, _)| !line.is_empty());
        let letters = kept.map(|(line, reason)| self.letter(DeadLetterReason::BadRecord, reason, line.into_bytes())).collect();
        self.context.dead_letters.send(letters).await
    }

    fn letter(&self, reason: DeadLetterReason, message: String, payload: Vec<u8>) -> DeadLetter {
        let (operator, origin) = (self.context.operator.to_string(), format!("{}/0/{}", self.topic, self.next_row));
        DeadLetter { operator, reason, message, origin, payload }
    }

    /// The next rows, without those that are late; their watermark follows.
    async fn advance(&mut self, end: usize) -> Result<(), ConnectorError> {
        let first = self.next_row;
        let count = self.batch_rows.min(end - first);
        let watermark_ms = self.watermarks.as_ref().map_or(i64::MIN, PartitionWatermarks::current_ms);
        let mut keep: Vec<u32> = Vec::with_capacity(count);
        let (mut newest, mut letters) = (None, Vec::new());
        for row in first..first + count {
            let time_ms = self.prepared.times_ms.as_ref().and_then(|times| times.get(row).copied().flatten());
            newest = newest.max(time_ms);
            if self.prepared.is_declared || self.watermarks.is_none() {
                keep.push(row as u32);
                continue;
            }
            match time_ms {
                Some(time_ms) if time_ms > watermark_ms || self.prepared.late == LateRows::Keep => keep.push(row as u32),
                Some(time_ms) => {
                    self.context.metrics.late_records_dropped.fetch_add(1, Relaxed);
                    if self.prepared.late == LateRows::DeadLetter {
                        let text = format!("event time {time_ms} is not after the watermark {watermark_ms}");
                        letters.push(self.letter(DeadLetterReason::LateRecord, text, Vec::new()));
                    }
                }
                None => {
                    self.context.metrics.bad_records.fetch_add(1, Relaxed);
                    letters.push(self.letter(DeadLetterReason::BadRecord, "the event-time field is NULL".into(), Vec::new()));
                }
            }
        }
        // Nothing is lost when this future is dropped while letters wait: the position moves afterwards.
        if !letters.is_empty() {
            self.context.dead_letters.send(letters).await?;
        }
        self.next_row = first + count;
        self.context.metrics.records_in.fetch_add(count as u64, Relaxed);
        self.context.metrics.pending_records.store((self.prepared.rows.num_rows() - self.next_row) as i64, Relaxed);
        if !keep.is_empty() {
            self.ready.push_back(SourceEvent::Batch(self.batch(&keep, first, count)?));
        }
        if let (Some(watermarks), Some(newest)) = (&mut self.watermarks, newest) {
            watermarks.observe(0, newest, 0);
            if let WatermarkChange::Rose(watermark_ms) = watermarks.advance(0) {
                self.context.metrics.watermark_ms.store(watermark_ms, Relaxed);
                self.ready.push_back(SourceEvent::Watermark(watermark_ms));
            }
        }
        Ok(())
    }

    fn batch(&self, keep: &[u32], first: usize, count: usize) -> Result<Batch, ConnectorError> {
        let range = OffsetRange { topic: self.topic.clone(), partition: 0, first: first as i64, last: (first + count) as i64 - 1 };
        let (rows, kinds) = (&self.prepared.rows, self.prepared.kinds.as_ref());
        if keep.len() == count {
            return Ok(Batch { rows: rows.slice(first, count), kinds: kinds.map(|k| k.slice(first, count)), origin: Arc::from([range]) });
        }
        let all = Batch { rows: rows.clone(), kinds: kinds.cloned(), origin: Arc::from([range]) };
        all.take(&UInt32Array::from(keep.to_vec())).map_err(|e| ConnectorError::Internal(e.to_string()))
    }
}

#[async_trait]
impl Source for ReplaySource {
    async fn next(&mut self) -> Result<SourceEvent, ConnectorError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            match self.turn {
                Some((_, end)) if self.next_row < end => self.advance(end).await?,
                _ if self.ended => std::future::pending().await,
                // Nobody waits for what comes behind its last turn.
                Some((number, _)) if !self.turns.has_later(self.number, number) => self.begin(None),
                // The turn is over when its checkpoint is.
                Some((number, _)) => match self.turns.next_of(self.number).await {
                    Some((next, _)) if next == number => std::future::pending().await,
                    next => self.begin(next),
                },
                None => {
                    let next = self.turns.next_of(self.number).await;
                    self.begin(next);
                }
            }
        }
    }

    /// The turn that everything before the barrier belongs to, if it is complete.
    fn snapshot(&mut self) -> Result<Vec<u8>, ConnectorError> {
        let is_sent = |&(number, end): &(usize, usize)| {
            self.next_row >= end && self.ready.is_empty() && (self.ended || self.turns.has_later(self.number, number))
        };
        let complete = self.turn.filter(is_sent).map(|(number, _)| number as u64);
        Ok(complete.map(|number| number.to_le_bytes().to_vec()).unwrap_or_default())
    }

    async fn committed(&mut self, _checkpoint: CheckpointId, snapshot: &[u8]) -> Result<(), ConnectorError> {
        if let Ok(bytes) = <[u8; 8]>::try_from(snapshot) {
            self.turns.over(usize::try_from(u64::from_le_bytes(bytes)).unwrap_or(usize::MAX));
        }
        Ok(())
    }
}

impl ReplaySource {
    fn begin(&mut self, turn: Option<(usize, usize)>) {
        match turn {
            Some((number, rows)) => self.turn = Some((number, (self.next_row + rows).min(self.prepared.rows.num_rows()))),
            None => {
                self.ended = true;
                self.ready.push_back(SourceEvent::End);
            }
        }
    }
}
