//! Runs a tenant's source: asks it for rows as long as the job can take them.
//!
//! The guest lives in a spawned future of its own and is asked by messages: a question that is under way when a barrier
//! comes is not given up (that would end the instance) but waited for, and what it answers goes out before the barrier.

use super::{Faults, GuestCode, GuestSite, Verdict, connector_error, fault_error};
use async_trait::async_trait;
use millrace_connector::{ConnectorError, DeclaredTime, Source, SourceContext, SourceEvent, SourceMetrics};
use millrace_model::{Batch, OffsetRange, Origin, Schema, ids::CheckpointId};
use millrace_sandbox::{GuestNext, GuestPlace, GuestPolled, SourceGuest};
use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

/// Longest wait that a source can ask for: it must be heard of now and then.
const WAIT_MAX_MS: u32 = 60_000;
/// Version of the envelope around a position.
const POSITION_VERSION: u8 = 1;

enum Question {
    Poll(oneshot::Sender<Result<GuestPolled, ConnectorError>>),
    Position(oneshot::Sender<Result<Vec<u8>, ConnectorError>>),
    Committed(CheckpointId),
}

/// One subtask of a tenant's source.
pub(super) struct GuestSource {
    questions: mpsc::UnboundedSender<Question>,
    /// The poll that is under way.
    polling: Option<oneshot::Receiver<Result<GuestPolled, ConnectorError>>>,
    /// Not before then.
    wait_until: Option<Instant>,
    ready: VecDeque<SourceEvent>,
    finished: bool,
    watermark_ms: i64,
    declared: Option<DeclaredTime>,
    /// Positions of the columns that are read.
    columns: Vec<usize>,
    name: Arc<str>,
    place: GuestPlace,
    rows_given: i64,
    position: Vec<u8>,
    metrics: Arc<SourceMetrics>,
}

/// Opens one subtask. With the parallelism of before it stands for the earlier subtask of its number; with another one each
/// stands for all, because only the source knows how its work is divided.
pub(super) async fn open(code: &GuestCode, context: SourceContext) -> Result<GuestSource, ConnectorError> {
    let component = code.load().await?;
    let instance = context.instance.to_string();
    let site = GuestSite::of_subtask(&instance, &context.operator, context.subtask);
    let mut guest = code.sandbox().source(&component, code.open(site)).await.map_err(fault_error)?;
    let columns = columns_of(guest.schema(), &context.table.schema).ok_or_else(|| {
        ConnectorError::Config(format!("plugin `{}` gives other columns than when the job was planned", code.plugin.name))
    })?;
    let subtask = u32::try_from(context.subtask).unwrap_or(u32::MAX);
    let place = GuestPlace { subtask, parallelism: u32::try_from(context.parallelism).unwrap_or(u32::MAX) };
    let mut mine = Vec::new();
    for state in &context.restored {
        let (earlier, position) = unwrap_position(state, &code.plugin.name)?;
        if earlier.parallelism != place.parallelism || earlier.subtask == place.subtask {
            mine.push(position.to_vec());
        }
    }
    guest.open(place, &mine).await.map_err(fault_error)?;
    let (questions, asked) = mpsc::unbounded_channel();
    let rows_max = u32::try_from(context.batch_rows_max).unwrap_or(u32::MAX);
    let faults = Faults::new(code.config.on_fault.clone());
    tokio::spawn(answer(guest, faults, rows_max, asked));
    Ok(GuestSource {
        questions,
        polling: None,
        wait_until: None,
        ready: VecDeque::new(),
        finished: false,
        watermark_ms: i64::MIN,
        declared: context.declared_time,
        columns,
        name: code.plugin.name.as_str().into(),
        place,
        rows_given: 0,
        position: Vec::new(),
        metrics: context.metrics,
    })
}

/// Where the columns that are read lie among those that the guest gives; `None` if one is missing or of another type.
fn columns_of(given: &Schema, read: &Schema) -> Option<Vec<usize>> {
    let position = |field: &millrace_model::Field| given.index_of(&field.name).filter(|&i| given.fields()[i].data_type == field.data_type);
    read.fields().iter().map(position).collect()
}

/// Owns the guest until nobody can ask any more. After an error nothing is answered.
async fn answer(mut guest: SourceGuest, mut faults: Faults, rows_max: u32, mut asked: mpsc::UnboundedReceiver<Question>) {
    while let Some(question) = asked.recv().await {
        let failed = match question {
            Question::Poll(reply) => {
                let polled = poll(&mut guest, &mut faults, rows_max).await;
                let failed = polled.is_err();
                // Nobody waits any more when the job is being torn down.
                let _ = reply.send(polled);
                failed
            }
            Question::Position(reply) => {
                let position = guest.position().await.map_err(fault_error);
                let failed = position.is_err();
                let _ = reply.send(position);
                failed
            }
            Question::Committed(checkpoint) => match guest.committed(checkpoint).await {
                Ok(()) => false,
                Err(fault) => {
                    // The checkpoint is durable all the same; what could not be acknowledged comes again, at worst.
                    tracing::warn!(instance = fault.job.as_str(), operator = fault.operator.as_str(), "{fault}");
                    !guest.is_open()
                }
            },
        };
        if failed {
            return;
        }
    }
}

async fn poll(guest: &mut SourceGuest, faults: &mut Faults, rows_max: u32) -> Result<GuestPolled, ConnectorError> {
    loop {
        match guest.poll(rows_max).await {
            Ok(polled) => {
                faults.over();
                return Ok(polled);
            }
            Err(fault) => match faults.judge(fault, guest.is_open(), false).await.map_err(connector_error)? {
                Verdict::Again | Verdict::GiveUp => {}
            },
        }
    }
}

impl GuestSource {
    /// What a poll answered, as events.
    fn take(&mut self, polled: GuestPolled) -> Result<(), ConnectorError> {
        let has_rows = polled.rows.is_some();
        if let Some(rows) = polled.rows {
            let rows = rows.project(&self.columns).map_err(|e| ConnectorError::Internal(e.to_string()))?;
            let count = rows.num_rows() as i64;
            self.metrics.records_in.fetch_add(count as u64, Relaxed);
            self.metrics.bytes_in.fetch_add(rows.get_array_memory_size() as u64, Relaxed);
            let watermarks = match &self.declared {
                Some(declared) => Some(declared.watermarks.watermarks_ms(&rows)?),
                None => None,
            };
            let (first, last) = (self.rows_given, self.rows_given + count - 1);
            self.rows_given += count;
            let partition = i32::try_from(self.place.subtask).unwrap_or(i32::MAX);
            let origin: Origin = [OffsetRange { topic: self.name.clone(), partition, first, last }].into();
            self.ready.push_back(SourceEvent::Batch(Batch { rows, kinds: None, origin }));
            if let Some(highest) = watermarks.and_then(|w| w.iter().flatten().max()) {
                self.rise(highest);
            }
        }
        if self.declared.is_none()
            && let Some(watermark_ms) = polled.watermark_ms
        {
            self.rise(watermark_ms);
        }
        match polled.next {
            GuestNext::Finished => {
                self.finished = true;
                self.ready.push_back(SourceEvent::End);
            }
            GuestNext::Wait(ms) => self.wait_until = Some(Instant::now() + Duration::from_millis(ms.min(WAIT_MAX_MS).into())),
            // A source that says "ready" and has nothing must not spin.
            GuestNext::Ready if !has_rows => self.wait_until = Some(Instant::now() + Duration::from_millis(1)),
            GuestNext::Ready => {}
        }
        Ok(())
    }

    fn rise(&mut self, watermark_ms: i64) {
        if watermark_ms > self.watermark_ms {
            self.watermark_ms = watermark_ms;
            self.metrics.watermark_ms.store(watermark_ms, Relaxed);
            self.ready.push_back(SourceEvent::Watermark(watermark_ms));
        }
    }

    /// Waits for the poll under way, if there is one.
    async fn settle(&mut self) -> Result<(), ConnectorError> {
        let Some(polling) = &mut self.polling else { return Ok(()) };
        // Cancel safe: the receiver stays until it has answered.
        let polled = polling.await;
        self.polling = None;
        self.take(polled.map_err(|_| gone())??)
    }
}

#[async_trait]
impl Source for GuestSource {
    async fn next(&mut self) -> Result<SourceEvent, ConnectorError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            if self.finished {
                std::future::pending::<()>().await;
            }
            if let Some(until) = self.wait_until {
                tokio::time::sleep_until(until).await;
                self.wait_until = None;
            }
            if self.polling.is_none() {
                let (reply, polling) = oneshot::channel();
                self.questions.send(Question::Poll(reply)).map_err(|_| gone())?;
                self.polling = Some(polling);
            }
            self.settle().await?;
        }
    }

    async fn before_barrier(&mut self, _checkpoint: CheckpointId) -> Result<Vec<SourceEvent>, ConnectorError> {
        self.settle().await?;
        let (reply, position) = oneshot::channel();
        self.questions.send(Question::Position(reply)).map_err(|_| gone())?;
        let position = position.await.map_err(|_| gone())??;
        self.position = wrap_position(self.place, &position);
        Ok(self.ready.drain(..).collect())
    }

    fn snapshot(&mut self) -> Result<Vec<u8>, ConnectorError> {
        Ok(self.position.clone())
    }

    async fn committed(&mut self, checkpoint: CheckpointId, _snapshot: &[u8]) -> Result<(), ConnectorError> {
        // Not waited for: the guest may be in the middle of a poll. If it is gone, the next question tells.
        let _ = self.questions.send(Question::Committed(checkpoint));
        Ok(())
    }
}

fn gone() -> ConnectorError {
    ConnectorError::Fault { message: "the plugin's instance ended with an earlier fault".into(), retryable: true }
}

/// Position with the place that it belongs to.
fn wrap_position(place: GuestPlace, position: &[u8]) -> Vec<u8> {
    let mut bytes = vec![POSITION_VERSION];
    bytes.extend(place.subtask.to_le_bytes());
    bytes.extend(place.parallelism.to_le_bytes());
    bytes.extend(position);
    bytes
}

fn unwrap_position<'a>(bytes: &'a [u8], plugin: &str) -> Result<(GuestPlace, &'a [u8]), ConnectorError> {
    let parts = bytes.split_first().and_then(|(version, rest)| {
        let (subtask, rest) = rest.split_first_chunk::<4>()?;
        let (parallelism, position) = rest.split_first_chunk::<4>()?;
        let place = GuestPlace { subtask: u32::from_le_bytes(*subtask), parallelism: u32::from_le_bytes(*parallelism) };
        Some((*version, place, position))
    });
    match parts {
        Some((POSITION_VERSION, place, position)) => Ok((place, position)),
        _ => Err(ConnectorError::State { what: format!("plugin `{plugin}`"), message: "it is not a position of a source".into() }),
    }
}
