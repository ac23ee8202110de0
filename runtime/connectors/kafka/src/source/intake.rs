//! From messages to one batch: decoding, event times, late rows, and letters for what must be given up.

use super::metadata::Metadata;
use crate::{
    config::{BadRecords, LateRecords},
    native::{Message, Messages},
};
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, UInt8Array, cast::AsArray, types::*};
use arrow_schema::{DataType, TimeUnit};
use arrow_select::filter::filter_record_batch;
use millrace_connector::{ConnectorError, DeadLetter, DeadLetterReason, RowWatermarks, SourceMetrics};
use millrace_formats::Decoder;
use millrace_model::{ChangeKind, OffsetRange};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
};

/// Payload bytes after which a batch closes although it could hold more rows.
const BATCH_BYTES_MAX: usize = 16 << 20;

/// Reads messages as the table declares.
pub(crate) struct Intake {
    pub(crate) decoder: Decoder,
    pub(crate) metadata: Metadata,
    pub(crate) topic: Arc<str>,
    pub(crate) operator: String,
    pub(crate) bad_records: BadRecords,
    pub(crate) late_records: LateRecords,
    /// Index of the event-time column in event time.
    pub(crate) event_time: Option<usize>,
    /// A watermark per row, declared by the planner; goes before `event_time`, and late rows are kept.
    pub(crate) declared: Option<Arc<dyn RowWatermarks>>,
    pub(crate) metrics: Arc<SourceMetrics>,
    /// Values are the latest rows of their keys, and tombstones take them away.
    pub(crate) is_upsert: bool,
    /// Message index of each row.
    rows: Vec<u32>,
    /// Change kind of each row; empty unless rows are upserts.
    kinds: Vec<u8>,
    /// Partition and first row of each run of rows of one partition.
    runs: Vec<(i32, u32)>,
}

/// What became of some messages.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The rows that go on; `None` if there are none.
    pub(crate) rows: Option<RecordBatch>,
    /// Their change kinds; `None` if all are inserts.
    pub(crate) kinds: Option<UInt8Array>,
    /// Offsets of all messages, good or not.
    pub(crate) ranges: Vec<OffsetRange>,
    /// Greatest event time per partition.
    pub(crate) event_times: BTreeMap<i32, i64>,
    pub(crate) letters: Vec<DeadLetter>,
    /// Messages that were looked at; the others are for the next batch.
    pub(crate) messages: usize,
}

impl Intake {
    pub(crate) fn new(
        (decoder, metadata): (Decoder, Metadata),
        topic: Arc<str>,
        operator: String,
        (bad_records, late_records): (BadRecords, LateRecords),
        (event_time, declared): (Option<usize>, Option<Arc<dyn RowWatermarks>>),
        metrics: Arc<SourceMetrics>,
    ) -> Self {
        let (rows, runs, kinds, is_upsert) = (Vec::new(), Vec::new(), Vec::new(), false);
        Self { decoder, metadata, topic, operator, bad_records, late_records, event_time, declared, metrics, is_upsert, rows, kinds, runs }
    }

    /// Decodes `messages` from index `from` on; rows at or below `watermark_ms` are late.
    pub(crate) fn take(&mut self, messages: &Messages, from: usize, watermark_ms: i64) -> Result<Taken, ConnectorError> {
        let mut taken = Taken::default();
        self.rows.clear();
        self.kinds.clear();
        self.runs.clear();
        let mut bytes = 0;
        for index in from..messages.len() {
            let Some(message) = messages.get(index) else { break };
            if message.failure.is_some() {
                break;
            }
            self.take_one(&message, index, &mut taken)?;
            taken.messages += 1;
            bytes += message.payload.map_or(0, <[u8]>::len);
            if bytes >= BATCH_BYTES_MAX {
                break;
            }
        }
        self.metrics.records_in.fetch_add(taken.messages as u64, Relaxed);
        self.metrics.bytes_in.fetch_add(bytes as u64, Relaxed);
        if self.decoder.rows() > 0 {
            let rows = self.metadata.add_to(self.decoder.finish(), messages, &self.rows)?;
            let rows = self.settle_times(rows, messages, watermark_ms, &mut taken)?;
            taken.rows = (rows.num_rows() > 0).then_some(rows);
            // Upserts have no event time of their own, so none of their rows has been taken out as late.
            taken.kinds = self.is_upsert.then(|| UInt8Array::from(std::mem::take(&mut self.kinds)));
        }
        Ok(taken)
    }

    #[inline]
    fn take_one(&mut self, message: &Message<'_>, index: usize, taken: &mut Taken) -> Result<(), ConnectorError> {
        match taken.ranges.last_mut() {
            Some(range) if range.partition == message.partition => range.last = message.offset,
            _ => self.open_range(message, taken),
        }
        let (text, kind) = match (message.payload, self.is_upsert) {
            (Some(payload), _) => (payload, ChangeKind::UpdateAfter),
            // A message without a value is a tombstone: its key alone says which row is gone.
            (None, true) => match message.key {
                Some(key) => (key, ChangeKind::Delete),
                None => return self.give_up(message, "a tombstone without a key takes no row away".into(), taken),
            },
            // Without a key in sight it is no row, as in Flink.
            (None, false) => return Ok(()),
        };
        match self.decoder.push(text) {
            Ok(()) => {
                if self.is_upsert {
                    self.kinds.push(kind as u8);
                }
                if self.runs.last().is_none_or(|(partition, _)| *partition != message.partition) {
                    self.runs.push((message.partition, self.rows.len() as u32));
                }
                self.rows.push(index as u32);
                Ok(())
            }
            Err(bad) => self.give_up(message, bad.to_string(), taken),
        }
    }

    /// One range per partition: a later run of the same partition extends its range.
    fn open_range(&self, message: &Message<'_>, taken: &mut Taken) {
        if let Some(at) = taken.ranges.iter().position(|r| r.partition == message.partition) {
            let mut range = taken.ranges.remove(at);
            range.last = message.offset;
            taken.ranges.push(range);
        } else {
            let (partition, offset) = (message.partition, message.offset);
            taken.ranges.push(OffsetRange { topic: self.topic.clone(), partition, first: offset, last: offset });
        }
    }

    fn give_up(&self, message: &Message<'_>, reason: String, taken: &mut Taken) -> Result<(), ConnectorError> {
        self.metrics.bad_records.fetch_add(1, Relaxed);
        match self.bad_records {
            BadRecords::Skip => {}
            BadRecords::DeadLetter => taken.letters.push(self.letter(message, DeadLetterReason::BadRecord, reason)),
            BadRecords::Fail => return Err(ConnectorError::BadRecord(format!("record {}: {reason}", self.origin(message)))),
        }
        Ok(())
    }

    fn letter(&self, message: &Message<'_>, reason: DeadLetterReason, text: String) -> DeadLetter {
        DeadLetter {
            operator: self.operator.clone(),
            reason,
            message: text,
            origin: self.origin(message),
            payload: message.payload.unwrap_or_default().to_vec(),
        }
    }

    fn origin(&self, message: &Message<'_>) -> String {
        format!("{}/{}/{}", self.topic, message.partition, message.offset)
    }

    /// Notes the greatest event times and takes out rows that are late or have none.
    fn settle_times(
        &self,
        rows: RecordBatch,
        messages: &Messages,
        watermark_ms: i64,
        taken: &mut Taken,
    ) -> Result<RecordBatch, ConnectorError> {
        if let Some(declared) = &self.declared {
            self.note_watermarks(&declared.watermarks_ms(&rows)?, taken);
            return Ok(rows);
        }
        let Some(column) = self.event_time.and_then(|index| rows.columns().get(index)) else { return Ok(rows) };
        let times = EventTimes::of(column)?;
        let mut keep = Vec::new();
        for (row, &index) in self.rows.iter().enumerate() {
            let Some(message) = messages.get(index as usize) else { continue };
            let kept = match times.get_ms(row) {
                Some(time_ms) => {
                    let newest = taken.event_times.entry(message.partition).or_insert(time_ms);
                    *newest = time_ms.max(*newest);
                    time_ms > watermark_ms || self.take_late(&message, time_ms, watermark_ms, taken)
                }
                None => {
                    self.give_up(&message, "the event-time field is NULL".into(), taken)?;
                    false
                }
            };
            if !kept && keep.is_empty() {
                keep.resize(rows.num_rows(), true);
            }
            if let Some(flag) = keep.get_mut(row) {
                *flag = kept;
            }
        }
        if keep.is_empty() {
            return Ok(rows);
        }
        filter_record_batch(&rows, &BooleanArray::from(keep)).map_err(|e| ConnectorError::Internal(format!("late rows: {e}")))
    }

    /// Notes the greatest declared watermark of each partition.
    fn note_watermarks(&self, watermarks: &Int64Array, taken: &mut Taken) {
        for (position, &(partition, first)) in self.runs.iter().enumerate() {
            let end = self.runs.get(position + 1).map_or(watermarks.len(), |(_, next)| *next as usize);
            let run = watermarks.slice(first as usize, end - first as usize);
            if let Some(newest) = arrow_arith::aggregate::max(&run) {
                let noted = taken.event_times.entry(partition).or_insert(newest);
                *noted = newest.max(*noted);
            }
        }
    }

    /// Deals with a late row; answers whether it goes on all the same.
    #[cold]
    fn take_late(&self, message: &Message<'_>, time_ms: i64, watermark_ms: i64, taken: &mut Taken) -> bool {
        if self.late_records == LateRecords::Keep {
            return true;
        }
        self.metrics.late_records_dropped.fetch_add(1, Relaxed);
        if self.late_records == LateRecords::DeadLetter {
            let text = format!("event time {time_ms} is not after the watermark {watermark_ms}");
            taken.letters.push(self.letter(message, DeadLetterReason::LateRecord, text));
        }
        false
    }
}

/// An event-time column in epoch milliseconds.
struct EventTimes<'a> {
    column: &'a ArrayRef,
    ticks: &'a [i64],
    per_ms: i64,
}

impl<'a> EventTimes<'a> {
    fn of(column: &'a ArrayRef) -> Result<Self, ConnectorError> {
        let (ticks, per_ms) = match column.data_type() {
            DataType::Int64 => (column.as_primitive::<Int64Type>().values(), 1),
            DataType::Timestamp(TimeUnit::Millisecond, _) => (column.as_primitive::<TimestampMillisecondType>().values(), 1),
            DataType::Timestamp(TimeUnit::Microsecond, _) => (column.as_primitive::<TimestampMicrosecondType>().values(), 1_000),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => (column.as_primitive::<TimestampNanosecondType>().values(), 1_000_000),
            other => return Err(ConnectorError::Config(format!("the event-time field is {other}, expected a timestamp or BIGINT"))),
        };
        Ok(Self { column, ticks, per_ms })
    }

    fn get_ms(&self, row: usize) -> Option<i64> {
        if self.column.is_null(row) { None } else { self.ticks.get(row).map(|t| t.div_euclid(self.per_ms)) }
    }
}
