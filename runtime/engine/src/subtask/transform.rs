//! Runs one subtask of a transforming operator.

use super::{Command, Reporter, SubtaskState, now_ms};
use crate::{
    error::OperatorError,
    input_gate::{GateEvent, InputGate},
    message::{Barrier, Message},
    metrics::SubtaskMetrics,
    operators::{Collector, Operator},
    output::Output,
};
use millrace_connector::DeadLetters;
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc::UnboundedReceiver;

pub(crate) struct TransformSubtask {
    pub operator: Box<dyn Operator>,
    pub gate: InputGate,
    pub output: Output,
    pub commands: UnboundedReceiver<Command>,
    pub reporter: Reporter,
    pub metrics: Arc<SubtaskMetrics>,
    pub dead_letters: Arc<dyn DeadLetters>,
}

impl TransformSubtask {
    pub async fn run(mut self) -> Result<(), OperatorError> {
        let mut out = Collector::default();
        loop {
            let metrics = self.metrics.clone();
            let timer = self.operator.next_timer_ms();
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    None => return Ok(()),
                    Some(command) => self.obey(command),
                },
                () = until(timer), if timer.is_some() => self.operator.on_processing_time(now_ms(), &mut out).await?,
                event = metrics.idle_while_waiting(self.gate.next()) => match event.map_err(OperatorError::Internal)? {
                    GateEvent::Closed => return Ok(()),
                    event => self.handle(event, &mut out).await?,
                },
            }
            self.send(&mut out).await?;
        }
    }

    async fn handle(&mut self, event: GateEvent, out: &mut Collector) -> Result<(), OperatorError> {
        match event {
            GateEvent::Batch(batch) => {
                self.metrics.records_in(batch.num_rows());
                let (input, count, at_once) = (self.gate.input(), batch.num_rows(), self.operator.rows_at_once());
                if count <= at_once {
                    return self.operator.process_input(input, batch, now_ms(), out).await;
                }
                for start in (0..count).step_by(at_once) {
                    let part = batch.slice(start, at_once.min(count - start));
                    self.operator.process_input(input, part, now_ms(), out).await?;
                    self.send(out).await?;
                }
                Ok(())
            }
            GateEvent::Watermark(watermark_ms) => {
                self.metrics.watermark(watermark_ms);
                loop {
                    self.operator.on_watermark(watermark_ms, out).await?;
                    self.send(out).await?;
                    if !self.operator.has_more() {
                        break;
                    }
                }
                let behind_ms = self.operator.output_watermark_ms(watermark_ms);
                Ok(self.output.broadcast(&Message::Watermark(behind_ms)).await?)
            }
            GateEvent::Idle => Ok(self.output.broadcast(&Message::Idle).await?),
            GateEvent::Active => Ok(self.output.broadcast(&Message::Active).await?),
            GateEvent::Barrier(barrier) => {
                self.operator.before_barrier(now_ms(), out).await?;
                self.send(out).await?;
                self.checkpoint(barrier).await
            }
            GateEvent::Closed => Ok(()),
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Committed(checkpoint) => self.operator.committed(checkpoint),
            Command::Inject(_) => {}
        }
    }

    async fn checkpoint(&mut self, barrier: Barrier) -> Result<(), OperatorError> {
        // Sent before this barrier was: what the state is taken against is the last durable checkpoint.
        while let Ok(command) = self.commands.try_recv() {
            self.obey(command);
        }
        let snapshot = self.operator.snapshot(now_ms()).await?;
        let checkpoint = barrier.checkpoint;
        self.output.broadcast(&Message::Barrier(barrier)).await?;
        self.dead_letters.flush().await?;
        self.reporter.ack(checkpoint, SubtaskState::Transform(snapshot));
        Ok(())
    }

    /// Sends what the operator has emitted, and all that it still has to emit.
    async fn send(&mut self, out: &mut Collector) -> Result<(), OperatorError> {
        loop {
            for batch in out.drain() {
                self.output.emit(batch).await?;
            }
            if !self.operator.has_rest() {
                return Ok(());
            }
            self.operator.emit_rest(out).await?;
        }
    }
}

/// Waits until processing time `at_ms`; for ever when `None`.
async fn until(at_ms: Option<i64>) {
    match at_ms {
        Some(at_ms) => {
            let wait_ms = u64::try_from(at_ms.saturating_sub(now_ms())).unwrap_or(0);
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
        None => std::future::pending().await,
    }
}
