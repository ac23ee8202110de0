//! The sending end of a subtask: per outgoing edge an exchange that decides which subtask gets which rows.

use crate::{
    key::{KeyHasher, subtask_of_key_group},
    message::Message,
    metrics::SubtaskMetrics,
    tap::OperatorTap,
};
use arrow_array::UInt32Array;
use millrace_model::Batch;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// The receiver is gone: the job is being torn down.
#[derive(Debug, thiserror::Error)]
#[error("a receiving subtask has ended")]
pub struct Disconnected;

/// How the rows of one edge are spread over the receiving subtasks.
pub enum Exchange {
    /// All to one subtask: same parallelism on both sides.
    Forward(Sender<Message>),
    /// Whole batches in turn.
    Rebalance {
        /// One sender per receiving subtask.
        senders: Vec<Sender<Message>>,
        /// The subtask that gets the next batch.
        next: usize,
    },
    /// Rows by the key group of their key.
    Hash {
        /// One sender per receiving subtask.
        senders: Vec<Sender<Message>>,
        /// Computes key groups.
        hasher: KeyHasher,
    },
}

/// All outgoing edges of a subtask.
pub struct Output {
    exchanges: Vec<Exchange>,
    metrics: Arc<SubtaskMetrics>,
    tap: Arc<OperatorTap>,
}

impl Output {
    /// An output over these edges.
    pub fn new(exchanges: Vec<Exchange>, metrics: Arc<SubtaskMetrics>, tap: Arc<OperatorTap>) -> Self {
        Self { exchanges, metrics, tap }
    }

    /// Sends rows along every edge; waits while receivers are full.
    ///
    /// # Errors
    /// A receiver is gone, or keys cannot be hashed.
    pub async fn emit(&mut self, batch: Batch) -> Result<(), EmitError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.metrics.records_out(batch.num_rows());
        self.tap.offer(&batch);
        for exchange in &mut self.exchanges {
            exchange.emit(batch.clone(), &self.metrics).await?;
        }
        Ok(())
    }

    /// Sends a watermark, idleness or barrier to every receiving subtask.
    ///
    /// # Errors
    /// A receiver is gone.
    pub async fn broadcast(&mut self, message: &Message) -> Result<(), EmitError> {
        for exchange in &self.exchanges {
            for sender in exchange.senders() {
                send(sender, message.clone(), &self.metrics).await?;
            }
        }
        Ok(())
    }
}

/// Why rows could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// The job is being torn down.
    #[error(transparent)]
    Disconnected(#[from] Disconnected),
    /// Key columns could not be hashed: a defect of ours.
    #[error("keyed exchange: {0}")]
    Key(#[from] arrow_schema::ArrowError),
}

impl Exchange {
    fn senders(&self) -> &[Sender<Message>] {
        match self {
            Self::Forward(sender) => std::slice::from_ref(sender),
            Self::Rebalance { senders, .. } | Self::Hash { senders, .. } => senders,
        }
    }

    async fn emit(&mut self, batch: Batch, metrics: &SubtaskMetrics) -> Result<(), EmitError> {
        match self {
            Self::Forward(sender) => send(sender, Message::Batch(batch), metrics).await?,
            Self::Rebalance { senders, next } => {
                *next = (*next + 1) % senders.len();
                send(&senders[*next], Message::Batch(batch), metrics).await?;
            }
            Self::Hash { senders, hasher } => {
                let parts = partition(&batch, hasher, senders.len())?;
                for (sender, part) in senders.iter().zip(parts) {
                    if let Some(part) = part {
                        send(sender, Message::Batch(part), metrics).await?;
                    }
                }
            }
        }
        Ok(())
    }
}

async fn send(sender: &Sender<Message>, message: Message, metrics: &SubtaskMetrics) -> Result<(), Disconnected> {
    let message = match sender.try_send(message) {
        Ok(()) => return Ok(()),
        Err(tokio::sync::mpsc::error::TrySendError::Full(message)) => message,
        Err(tokio::sync::mpsc::error::TrySendError::Closed(_)) => return Err(Disconnected),
    };
    let _waiting = metrics.back_pressured();
    sender.send(message).await.map_err(|_| Disconnected)
}

/// Splits a batch by the subtask that owns each row's key group; `None` for subtasks without rows.
fn partition(batch: &Batch, hasher: &KeyHasher, subtasks: usize) -> Result<Vec<Option<Batch>>, arrow_schema::ArrowError> {
    if subtasks == 1 {
        return Ok(vec![Some(batch.clone())]);
    }
    let mut indices: Vec<Vec<u32>> = vec![Vec::new(); subtasks];
    for (row, group) in hasher.key_groups(&batch.rows)?.into_iter().enumerate() {
        indices[subtask_of_key_group(group, subtasks)].push(row as u32);
    }
    indices
        .into_iter()
        .map(|rows| match rows.len() {
            0 => Ok(None),
            n if n == batch.num_rows() => Ok(Some(batch.clone())),
            _ => batch.take(&UInt32Array::from(rows)).map(Some),
        })
        .collect()
}
