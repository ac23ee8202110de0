//! Runs one sink subtask: rows in, `prepare` at barriers, `commit` once the coordinator says that it is durable.

use super::{Command, Reporter, SubtaskEvent, SubtaskState};
use crate::{
    error::OperatorError,
    input_gate::{GateEvent, InputGate},
    metrics::SubtaskMetrics,
};
use millrace_connector::Sink;
use millrace_model::Batch;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;

pub(crate) struct SinkSubtask {
    pub sink: Box<dyn Sink>,
    pub gate: InputGate,
    pub commands: UnboundedReceiver<Command>,
    pub reporter: Reporter,
    pub metrics: Arc<SubtaskMetrics>,
}

impl SinkSubtask {
    pub async fn run(mut self) -> Result<(), OperatorError> {
        let mut asked_for_checkpoint = false;
        loop {
            let metrics = self.metrics.clone();
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    None => return Ok(()),
                    Some(Command::Committed(checkpoint)) => self.commit(checkpoint).await?,
                    Some(Command::Inject(_)) => {}
                },
                event = metrics.idle_while_waiting(self.gate.next()) => match event.map_err(OperatorError::Internal)? {
                    GateEvent::Batch(batch) => {
                        self.write(batch).await?;
                        if self.sink.wants_checkpoint() && !asked_for_checkpoint {
                            asked_for_checkpoint = true;
                            self.reporter.send(SubtaskEvent::WantsCheckpoint);
                        }
                    }
                    GateEvent::Barrier(barrier) => {
                        asked_for_checkpoint = false;
                        let state = self.sink.prepare(barrier.checkpoint).await?;
                        self.reporter.ack(barrier.checkpoint, SubtaskState::Sink(state));
                    }
                    GateEvent::Watermark(watermark_ms) => self.metrics.watermark(watermark_ms),
                    GateEvent::Idle | GateEvent::Active => {}
                    GateEvent::Closed => return Ok(()),
                },
            }
        }
    }

    async fn write(&mut self, batch: Batch) -> Result<(), OperatorError> {
        self.metrics.records_in(batch.num_rows());
        Ok(self.sink.write(batch).await?)
    }

    async fn commit(&mut self, checkpoint: u64) -> Result<(), OperatorError> {
        self.sink.commit(checkpoint).await?;
        self.reporter.send(SubtaskEvent::SinkCommitted { checkpoint, subtask: self.reporter.subtask });
        Ok(())
    }
}
