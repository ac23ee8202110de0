//! The exactly-once sink: rows wait in the checkpoint, a commit writes them in one transaction.

use super::{
    rows::RowEncoder,
    state::{Identity, PendingRows, SinkState, Token},
    transaction::TransactionalProducer,
};
use crate::{config::SinkConfig, native::blocking};
use async_trait::async_trait;
use bytes::Bytes;
use millrace_connector::{Connection, ConnectorError, RestoredSinkState, Sink, SinkContext, SinkMetrics};
use millrace_model::{Batch, ids::CheckpointId};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::task::JoinHandle;

/// Pending output beyond this ends the job: checkpoints have not completed for too long.
const PENDING_BYTES_LIMIT: usize = 2 << 30;

pub(crate) struct ExactlyOnceSink {
    encoder: RowEncoder,
    pending: PendingRows,
    state: SinkState,
    /// Made at the first commit: a job that writes nothing holds no connection.
    producer: Option<Arc<TransactionalProducer>>,
    /// A commit whose caller went away; it is waited for before the next.
    committing: Option<JoinHandle<Result<Token, ConnectorError>>>,
    connection: Connection,
    properties: BTreeMap<String, String>,
    pending_bytes_max: usize,
    metrics: Arc<SinkMetrics>,
}

impl ExactlyOnceSink {
    pub(crate) async fn open(context: SinkContext, config: SinkConfig) -> Result<Self, ConnectorError> {
        let encoder = RowEncoder::new(&context, &config)?;
        let SinkContext { instance, operator, table, subtask, restored, metrics, .. } = context;
        let identity = Identity::new(&instance, &operator, subtask, &table.physical_name);
        let properties = config.properties;
        let (run, last_committed) = settle_all(&identity, &restored, &table.connection, &properties, &metrics).await?;
        Ok(Self {
            pending: encoder.pending(),
            encoder,
            state: SinkState { identity, run, last_committed, epochs: Vec::new() },
            producer: None,
            committing: None,
            connection: table.connection,
            properties,
            pending_bytes_max: config.pending_bytes_max,
            metrics,
        })
    }

    async fn finish_commit(&mut self) -> Result<(), ConnectorError> {
        let Some(committing) = &mut self.committing else { return Ok(()) };
        let result = committing.await;
        self.committing = None;
        let token = result.map_err(|error| ConnectorError::Internal(format!("a Kafka commit was lost: {error}")))??;
        self.state.epochs.retain(|epoch| epoch.token > token);
        self.state.last_committed = Some(token);
        self.update_pending();
        Ok(())
    }

    fn update_pending(&self) {
        self.metrics.pending_commit.store((self.state.rows() + self.pending.values.len()) as u64, Relaxed);
    }
}

impl Drop for ExactlyOnceSink {
    fn drop(&mut self) {
        // A commit that is under way ends with the call that it is in. What it leaves behind the next start settles.
        if let Some(producer) = &self.producer {
            producer.give_up();
        }
    }
}

#[async_trait]
impl Sink for ExactlyOnceSink {
    async fn write(&mut self, batch: Batch) -> Result<(), ConnectorError> {
        let before = self.pending.values.data.len();
        let messages = self.encoder.encode(&batch, &mut self.pending)?;
        if self.pending.bytes() > PENDING_BYTES_LIMIT {
            return Err(ConnectorError::External {
                system: format!("kafka sink `{}`", self.state.identity.transactional_id),
                message: format!("{} bytes of output wait for a checkpoint, at most {PENDING_BYTES_LIMIT} may", self.pending.bytes()),
                retryable: true,
            });
        }
        self.metrics.records_out.fetch_add(messages as u64, Relaxed);
        self.metrics.bytes_out.fetch_add((self.pending.values.data.len() - before) as u64, Relaxed);
        self.update_pending();
        Ok(())
    }

    fn wants_checkpoint(&self) -> bool {
        self.pending.bytes() >= self.pending_bytes_max
    }

    async fn prepare(&mut self, checkpoint: CheckpointId) -> Result<Bytes, ConnectorError> {
        self.finish_commit().await?;
        if let Some(producer) = &self.producer {
            producer.poll();
        }
        let bytes = self.state.prepare(checkpoint, &mut self.pending)?;
        self.update_pending();
        Ok(bytes)
    }

    async fn commit(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        self.finish_commit().await?;
        let upto = Token { run: self.state.run, checkpoint };
        let epochs: Vec<_> = self.state.epochs.iter().filter(|e| e.token <= upto).cloned().collect();
        let Some(token) = epochs.last().map(|e| e.token) else { return Ok(()) };
        let producer = match &self.producer {
            Some(producer) => producer.clone(),
            None => {
                let (identity, connection, properties) = (self.state.identity.clone(), self.connection.clone(), self.properties.clone());
                let run = self.state.run;
                let producer = blocking(move || begin(&identity, &connection, &properties, run).map(Arc::new)).await?;
                self.producer = Some(producer.clone());
                producer
            }
        };
        self.committing = Some(tokio::task::spawn_blocking(move || producer.write(&epochs).map(|()| token)));
        self.finish_commit().await
    }
}

/// Makes the producer of this run and fences all before it; refuses if a later run has been here.
fn begin(
    identity: &Identity,
    connection: &Connection,
    properties: &BTreeMap<String, String>,
    run: u64,
) -> Result<TransactionalProducer, ConnectorError> {
    let producer = TransactionalProducer::new(identity, connection, properties)?;
    producer.take_over()?;
    match producer.token()? {
        Some(token) if token.run > run => Err(ConnectorError::Fenced(format!("kafka producer `{}`", identity.transactional_id))),
        _ => Ok(producer),
    }
}

/// Settles all restored states; answers the number of the new run and the token of `own`.
pub(super) async fn settle_all(
    own: &Identity,
    restored: &[RestoredSinkState],
    connection: &Connection,
    properties: &BTreeMap<String, String>,
    metrics: &Arc<SinkMetrics>,
) -> Result<(u64, Option<Token>), ConnectorError> {
    let states = restored.iter().map(|r| SinkState::from_bytes(&r.bytes)).collect::<Result<Vec<_>, _>>()?;
    let mut run = states.iter().map(|s| s.run + 1).fold(now_ms(), u64::max);
    if states.is_empty() {
        return Ok((run, None));
    }
    let (own, connection, properties, metrics) = (own.clone(), connection.clone(), properties.clone(), metrics.clone());
    blocking(move || {
        let mut last_committed = None;
        for state in &states {
            let token = settle(state, &own, &connection, &properties, &metrics)?;
            // Whatever clock made earlier runs: ours must be the latest.
            run = token.map_or(run, |t| run.max(t.run + 1));
            if state.identity.transactional_id == own.transactional_id {
                last_committed = token;
            }
        }
        Ok((run, last_committed))
    })
    .await
}

/// Brings the output of a restored state into Kafka unless it is there. Answers the token that is in Kafka afterwards.
fn settle(
    state: &SinkState,
    own: &Identity,
    connection: &Connection,
    properties: &BTreeMap<String, String>,
    metrics: &SinkMetrics,
) -> Result<Option<Token>, ConnectorError> {
    let foreign = state.identity.instance != own.instance;
    let Some(last) = state.epochs.last().map(|e| e.token) else {
        if !foreign {
            // Nothing to write, but a forgotten process of this instance may still try to.
            let producer = TransactionalProducer::new(&state.identity, connection, properties)?;
            producer.take_over()?;
            return producer.token();
        }
        return Ok(None);
    };
    let producer = TransactionalProducer::new(&state.identity, connection, properties)?;
    if foreign && producer.token()?.is_some_and(|token| token >= last) {
        // The savepoint's job may go on under its own name: it must not be fenced without need.
        metrics.recovered_already_committed.fetch_add(state.epochs.len() as u64, Relaxed);
        return Ok(None);
    }
    producer.take_over()?;
    let token = producer.token()?;
    if token.is_none() && state.last_committed.is_some() {
        let message = "its token is gone (Kafka keeps offsets of groups without members for `offsets.retention.minutes`), so \
                       nobody can tell whether its last output was written; restore a later checkpoint, or start without state";
        return Err(ConnectorError::State { what: format!("kafka sink `{}`", state.identity.transactional_id), message: message.into() });
    }
    let missing: Vec<_> = state.epochs.iter().filter(|e| token.is_none_or(|t| e.token > t)).cloned().collect();
    metrics.recovered_already_committed.fetch_add((state.epochs.len() - missing.len()) as u64, Relaxed);
    metrics.recovered_written_again.fetch_add(missing.len() as u64, Relaxed);
    producer.write(&missing)?;
    let now_there = missing.last().map(|e| e.token).or(token);
    Ok(if foreign { None } else { now_there })
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
