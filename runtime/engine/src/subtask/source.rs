//! Runs one source subtask: rows and watermarks out, barriers between two events of the source.

use super::{Command, Reporter, SubtaskEvent, SubtaskState};
use crate::{
    error::OperatorError,
    message::{Barrier, Message},
    metrics::SubtaskMetrics,
    output::Output,
};
use millrace_connector::{DeadLetters, Source, SourceEvent};
use millrace_model::ids::CheckpointId;
use std::{collections::VecDeque, sync::Arc};
use tokio::sync::mpsc::UnboundedReceiver;

pub(crate) struct SourceSubtask {
    pub source: Box<dyn Source>,
    pub output: Output,
    pub commands: UnboundedReceiver<Command>,
    pub reporter: Reporter,
    pub metrics: Arc<SubtaskMetrics>,
    pub dead_letters: Arc<dyn DeadLetters>,
}

impl SourceSubtask {
    pub async fn run(mut self) -> Result<(), OperatorError> {
        let mut reading = true;
        let mut snapshots: VecDeque<(CheckpointId, Vec<u8>)> = VecDeque::new();
        loop {
            let metrics = self.metrics.clone();
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    None => return Ok(()),
                    Some(Command::Inject(barrier)) => {
                        reading &= !barrier.is_last;
                        let (snapshot, ended) = self.inject(barrier.clone()).await?;
                        reading &= !ended;
                        snapshots.push_back((barrier.checkpoint, snapshot));
                    }
                    Some(Command::Committed(checkpoint)) => self.committed(checkpoint, &mut snapshots).await?,
                },
                event = metrics.idle_while_waiting(self.source.next()), if reading => {
                    let event = event?;
                    reading &= !matches!(event, SourceEvent::End);
                    self.send(event).await?;
                }
            }
        }
    }

    async fn send(&mut self, event: SourceEvent) -> Result<(), OperatorError> {
        match event {
            SourceEvent::End => {
                self.output.broadcast(&Message::Watermark(i64::MAX)).await?;
                self.reporter.send(SubtaskEvent::SourceFinished { subtask: self.reporter.subtask });
            }
            SourceEvent::Batch(batch) => self.output.emit(batch).await?,
            SourceEvent::Watermark(watermark_ms) => self.output.broadcast(&Message::Watermark(watermark_ms)).await?,
            SourceEvent::Idle => self.output.broadcast(&Message::Idle).await?,
            SourceEvent::Active => self.output.broadcast(&Message::Active).await?,
        }
        Ok(())
    }

    /// Answers the position at the barrier, and whether the source has ended with it.
    async fn inject(&mut self, barrier: Barrier) -> Result<(Vec<u8>, bool), OperatorError> {
        let mut ended = false;
        for event in self.source.before_barrier(barrier.checkpoint).await? {
            ended |= matches!(event, SourceEvent::End);
            self.send(event).await?;
        }
        let snapshot = self.source.snapshot()?;
        let checkpoint = barrier.checkpoint;
        self.output.broadcast(&Message::Barrier(barrier)).await?;
        // Bad records behind the position are gone from the topic's point of view: they must be safe first.
        self.dead_letters.flush().await?;
        self.reporter.ack(checkpoint, SubtaskState::Source(snapshot.clone()));
        Ok((snapshot, ended))
    }

    async fn committed(
        &mut self,
        checkpoint: CheckpointId,
        snapshots: &mut VecDeque<(CheckpointId, Vec<u8>)>,
    ) -> Result<(), OperatorError> {
        while let Some((taken, snapshot)) = snapshots.pop_front() {
            if taken == checkpoint {
                self.source.committed(checkpoint, &snapshot).await?;
            }
            if taken >= checkpoint {
                break;
            }
        }
        Ok(())
    }
}
