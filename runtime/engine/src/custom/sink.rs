//! Runs a tenant's sink: rows, barriers and commits in their order, one call at a time.

use super::{Faults, GuestCode, GuestSite, Verdict, connector_error, fault_error};
use crate::{operators::etl::RecordErrorPolicy, row_letters::RowLetters};
use async_trait::async_trait;
use bytes::Bytes;
use millrace_connector::{ConnectorError, DeadLetters, Sink, SinkContext, SinkMetrics};
use millrace_model::{Batch, ids::CheckpointId};
use millrace_sandbox::{FaultReport, GuestPlace, SinkGuest};
use std::sync::{Arc, atomic::Ordering::Relaxed};

/// One subtask of a tenant's sink.
pub(super) struct GuestSink {
    guest: SinkGuest,
    faults: Faults,
    record_errors: RecordErrorPolicy,
    letters: RowLetters,
    dead_letters: Arc<dyn DeadLetters>,
    metrics: Arc<SinkMetrics>,
}

impl GuestSink {
    pub async fn open(code: &GuestCode, context: SinkContext) -> Result<Self, ConnectorError> {
        let component = code.load().await?;
        let instance = context.instance.to_string();
        let site = GuestSite::of_subtask(&instance, &context.operator, context.subtask);
        let mut guest = code.sandbox().sink(&component, code.open(site)).await.map_err(fault_error)?;
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let place = GuestPlace { subtask: number(context.subtask), parallelism: number(context.parallelism) };
        let restored: Vec<&[u8]> = context.restored.iter().map(|state| &state.bytes[..]).collect();
        guest.open(&context.input, place, &restored).await.map_err(fault_error)?;
        let letters = RowLetters::new(context.operator.clone(), &context.input);
        Ok(Self {
            guest,
            faults: Faults::new(code.config.on_fault.clone()),
            record_errors: code.record_errors(),
            letters: letters.map_err(|e| ConnectorError::Internal(e.to_string()))?,
            dead_letters: context.dead_letters,
            metrics: context.metrics,
        })
    }

    async fn set_aside(&mut self, batch: &Batch) -> Result<(), ConnectorError> {
        let rejected = self.guest.take_rejected();
        if rejected.is_empty() || self.record_errors != RecordErrorPolicy::DeadLetter {
            return Ok(());
        }
        let letters = self.letters.of_rejected(batch, rejected).map_err(connector_error)?;
        self.dead_letters.send(letters).await
    }

    /// Asks again, or fails: for calls without rows that could be given up.
    async fn again(&mut self, fault: FaultReport) -> Result<(), ConnectorError> {
        let alive = self.guest.is_open();
        self.faults.judge(fault, alive, false).await.map_err(connector_error).map(drop)
    }
}

#[async_trait]
impl Sink for GuestSink {
    async fn write(&mut self, batch: Batch) -> Result<(), ConnectorError> {
        loop {
            let fault = match self.guest.write(&batch).await {
                Ok(()) => {
                    self.faults.over();
                    self.metrics.records_out.fetch_add(batch.num_rows() as u64, Relaxed);
                    self.metrics.pending_commit.fetch_add(batch.num_rows() as u64, Relaxed);
                    return self.set_aside(&batch).await;
                }
                Err(fault) => fault,
            };
            let (alive, message) = (self.guest.is_open(), fault.to_string());
            match self.faults.judge(fault, alive, true).await.map_err(connector_error)? {
                Verdict::Again => {}
                Verdict::GiveUp => {
                    let letters = self.letters.of_batch(&batch, &message).map_err(connector_error)?;
                    return self.dead_letters.send(letters).await;
                }
            }
        }
    }

    async fn prepare(&mut self, checkpoint: CheckpointId) -> Result<Bytes, ConnectorError> {
        self.dead_letters.flush().await?;
        loop {
            match self.guest.prepare(checkpoint).await {
                Ok(prepared) => {
                    self.faults.over();
                    return Ok(prepared.into());
                }
                Err(fault) => self.again(fault).await?,
            }
        }
    }

    async fn commit(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        loop {
            match self.guest.commit(checkpoint).await {
                Ok(()) => {
                    self.faults.over();
                    self.metrics.pending_commit.store(0, Relaxed);
                    return Ok(());
                }
                Err(fault) => self.again(fault).await?,
            }
        }
    }
}
