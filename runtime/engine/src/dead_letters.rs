//! The instance's place for dead letters: counts them, keeps the newest for the API, passes them on if the job names a
//! dead-letter topic.

use async_trait::async_trait;
use millrace_connector::{ConnectorError, DeadLetter, DeadLetterReason, DeadLetters};
use serde::Serialize;
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// Letters kept for the API.
const RECENT_MAX: usize = 100;
/// Bytes of each kept letter's payload.
const RECENT_PAYLOAD_BYTES_MAX: usize = 1024;

/// A dead letter as shown to users.
#[derive(Debug, Clone, Serialize)]
pub struct RecentLetter {
    /// When it was given up, epoch milliseconds.
    pub at_ms: i64,
    /// The operator.
    pub operator: String,
    /// Kind of reason.
    pub reason: DeadLetterReason,
    /// What was found, what was expected.
    pub message: String,
    /// Where it came from.
    pub origin: String,
    /// The start of the record, as text.
    pub payload: String,
}

pub(crate) struct InstanceLetters {
    inner: Option<Arc<dyn DeadLetters>>,
    count: AtomicU64,
    recent: parking_lot::Mutex<VecDeque<RecentLetter>>,
}

impl InstanceLetters {
    pub fn new(inner: Option<Arc<dyn DeadLetters>>) -> Self {
        Self { inner, count: AtomicU64::new(0), recent: parking_lot::Mutex::default() }
    }

    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// Newest last.
    pub fn recent(&self) -> Vec<RecentLetter> {
        self.recent.lock().iter().cloned().collect()
    }
}

#[async_trait]
impl DeadLetters for InstanceLetters {
    async fn send(&self, letters: Vec<DeadLetter>) -> Result<(), ConnectorError> {
        self.count.fetch_add(letters.len() as u64, Relaxed);
        {
            let mut recent = self.recent.lock();
            for letter in letters.iter().rev().take(RECENT_MAX).rev() {
                if recent.len() == RECENT_MAX {
                    recent.pop_front();
                }
                recent.push_back(shown(letter));
            }
        }
        match &self.inner {
            Some(inner) => inner.send(letters).await,
            None => Ok(()),
        }
    }

    async fn flush(&self) -> Result<(), ConnectorError> {
        match &self.inner {
            Some(inner) => inner.flush().await,
            None => Ok(()),
        }
    }
}

fn shown(letter: &DeadLetter) -> RecentLetter {
    let payload = &letter.payload[..letter.payload.len().min(RECENT_PAYLOAD_BYTES_MAX)];
    RecentLetter {
        at_ms: crate::subtask::now_ms(),
        operator: letter.operator.clone(),
        reason: letter.reason,
        message: letter.message.clone(),
        origin: letter.origin.clone(),
        payload: String::from_utf8_lossy(payload).into_owned(),
    }
}
