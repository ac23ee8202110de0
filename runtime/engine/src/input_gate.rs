//! The receiving end of a subtask: several bounded channels, merged watermarks, aligned barriers.
//!
//! Alignment: a channel that has delivered barrier n is not read until every channel has; so what a subtask has
//! processed at the barrier is exactly what lies before it (Carbone et al., "Lightweight Asynchronous Snapshots for
//! Distributed Dataflows", 2015). Unread channels fill up and hold their senders back.

use crate::{
    message::{Barrier, Message},
    watermark_merge::{Merged, WatermarkMerge},
};
use millrace_model::Batch;
use std::{future::poll_fn, task::Poll};
use tokio::sync::mpsc::Receiver;

/// What a gate delivers to its subtask.
#[derive(Debug)]
pub enum GateEvent {
    /// Rows of one channel.
    Batch(Batch),
    /// The merged watermark rose.
    Watermark(i64),
    /// All channels are idle.
    Idle,
    /// Some channel is active again.
    Active,
    /// All channels have reached this barrier.
    Barrier(Barrier),
    /// All senders are gone.
    Closed,
}

struct Channel {
    receiver: Receiver<Message>,
    blocked: bool,
    closed: bool,
}

/// Receives from all upstream subtasks.
pub struct InputGate {
    channels: Vec<Channel>,
    merge: WatermarkMerge,
    aligning: Option<Barrier>,
    next: usize,
    /// Per channel the operator's input that it belongs to.
    inputs: Vec<usize>,
    input: usize,
    /// What the last message means besides what was delivered for it.
    also: Option<GateEvent>,
}

impl InputGate {
    /// A gate over one receiver per upstream subtask; `inputs` says to which of the operator's inputs each belongs.
    pub fn new(receivers: Vec<Receiver<Message>>, inputs: Vec<usize>) -> Self {
        let merge = WatermarkMerge::new(receivers.len());
        let channels = receivers.into_iter().map(|receiver| Channel { receiver, blocked: false, closed: false }).collect();
        Self { channels, merge, aligning: None, next: 0, inputs, input: 0, also: None }
    }

    /// The input that the last rows came from.
    pub fn input(&self) -> usize {
        self.input
    }

    /// The next event. Cancel safe: a message is taken and handled in one step.
    ///
    /// # Errors
    /// Barriers out of order: a defect of ours, told as text.
    pub async fn next(&mut self) -> Result<GateEvent, String> {
        if let Some(event) = self.also.take() {
            return Ok(event);
        }
        loop {
            let (index, message) = self.receive().await;
            let Some(message) = message else {
                if self.channels.iter().all(|c| c.closed) {
                    return Ok(GateEvent::Closed);
                }
                let _ = index;
                continue;
            };
            if let Some(event) = self.accept(index, message)? {
                return Ok(event);
            }
        }
    }

    /// Waits for any open channel; `None` means that the channel closed.
    async fn receive(&mut self) -> (usize, Option<Message>) {
        poll_fn(|context| {
            let count = self.channels.len();
            if self.channels.iter().all(|c| c.closed) {
                return Poll::Ready((0, None));
            }
            for step in 0..count {
                let index = (self.next + step) % count;
                let channel = &mut self.channels[index];
                if channel.blocked || channel.closed {
                    continue;
                }
                if let Poll::Ready(message) = channel.receiver.poll_recv(context) {
                    channel.closed = message.is_none();
                    self.next = index + 1;
                    return Poll::Ready((index, message));
                }
            }
            Poll::Pending
        })
        .await
    }

    fn accept(&mut self, index: usize, message: Message) -> Result<Option<GateEvent>, String> {
        let merged = match message {
            Message::Batch(batch) => {
                self.input = self.inputs.get(index).copied().unwrap_or_default();
                return Ok(Some(GateEvent::Batch(batch)));
            }
            Message::Barrier(barrier) => return self.align(index, barrier),
            Message::Watermark(watermark_ms) => self.merge.watermark(index, watermark_ms),
            Message::Idle => self.merge.idle(index),
            Message::Active => self.merge.active(index),
        };
        Ok(match merged {
            Merged::Unchanged => None,
            Merged::Rose(watermark_ms) => Some(GateEvent::Watermark(watermark_ms)),
            Merged::BecameIdle => Some(GateEvent::Idle),
            Merged::RoseAndBecameIdle(watermark_ms) => {
                self.also = Some(GateEvent::Idle);
                Some(GateEvent::Watermark(watermark_ms))
            }
            Merged::BecameActive => Some(GateEvent::Active),
        })
    }

    fn align(&mut self, index: usize, barrier: Barrier) -> Result<Option<GateEvent>, String> {
        match &self.aligning {
            Some(current) if current.checkpoint != barrier.checkpoint => {
                return Err(format!("channel {index} sent barrier {} while aligning {}", barrier.checkpoint, current.checkpoint));
            }
            Some(_) => {}
            None => self.aligning = Some(barrier),
        }
        self.channels[index].blocked = true;
        if !self.channels.iter().all(|c| c.blocked) {
            return Ok(None);
        }
        for channel in &mut self.channels {
            channel.blocked = false;
        }
        Ok(self.aligning.take().map(GateEvent::Barrier))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int64Array, RecordBatch};
    use std::sync::Arc;
    use tokio::sync::mpsc::channel;

    fn rows(first: i64) -> Message {
        let column: arrow_array::ArrayRef = Arc::new(Int64Array::from(vec![first]));
        Message::Batch(Batch::inserts(RecordBatch::try_from_iter([("a", column)]).unwrap()))
    }

    fn barrier(checkpoint: u64) -> Message {
        Message::Barrier(Barrier { checkpoint, savepoint: None, is_last: false })
    }

    fn first_value(event: &GateEvent) -> Option<i64> {
        match event {
            GateEvent::Batch(batch) => {
                Some(arrow_array::cast::AsArray::as_primitive::<arrow_array::types::Int64Type>(batch.rows.column(0)).value(0))
            }
            _ => None,
        }
    }

    #[tokio::test]
    async fn rows_behind_a_barrier_wait_until_all_channels_have_reached_it() {
        let (a, gate_a) = channel(8);
        let (b, gate_b) = channel(8);
        let mut gate = InputGate::new(vec![gate_a, gate_b], vec![0, 0]);
        for message in [rows(1), barrier(1), rows(3)] {
            a.send(message).await.unwrap();
        }
        b.send(rows(2)).await.unwrap();
        let mut before = vec![first_value(&gate.next().await.unwrap()), first_value(&gate.next().await.unwrap())];
        before.sort();
        assert_eq!(before, [Some(1), Some(2)], "row 3 lies behind the barrier");
        b.send(barrier(1)).await.unwrap();
        assert!(matches!(gate.next().await.unwrap(), GateEvent::Barrier(b) if b.checkpoint == 1));
        assert_eq!(first_value(&gate.next().await.unwrap()), Some(3));
        drop((a, b));
        assert!(matches!(gate.next().await.unwrap(), GateEvent::Closed));
    }

    #[tokio::test]
    async fn a_blocked_channel_holds_its_sender_back() {
        let (a, gate_a) = channel(1);
        let (_b, gate_b) = channel(1);
        let mut gate = InputGate::new(vec![gate_a, gate_b], vec![0, 0]);
        a.send(barrier(1)).await.unwrap();
        assert!(tokio::time::timeout(std::time::Duration::from_millis(5), gate.next()).await.is_err());
        a.send(rows(1)).await.unwrap();
        assert!(a.try_send(rows(2)).is_err(), "the bounded channel is full while its barrier waits");
    }
}
