//! The instance's place for dead letters: counts them, keeps the newest for the API, passes them on if the job names a
//! dead-letter topic.

use async_trait::async_trait;
use millrace_connector::{ConnectorError, DeadLetter, DeadLetterReason, DeadLetters};
use millrace_model::ids::InstanceId;
use serde::Serialize;
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
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

/// Letters without a topic that are told one by one in the log; later ones are counted.
const TOLD_MAX: u64 = 10;
/// Time between two lines that count them.
const COUNT_EVERY: Duration = Duration::from_secs(60);

pub(crate) struct InstanceLetters {
    inner: Option<Arc<dyn DeadLetters>>,
    /// The instance, for log lines.
    instance: String,
    /// When letters were last counted in the log, and how many there were then.
    counted: parking_lot::Mutex<(Option<Instant>, u64)>,
    count: AtomicU64,
    recent: parking_lot::Mutex<VecDeque<RecentLetter>>,
}

impl InstanceLetters {
    pub fn new(inner: Option<Arc<dyn DeadLetters>>) -> Self {
        let (counted, recent) = (parking_lot::Mutex::default(), parking_lot::Mutex::default());
        Self { inner, instance: String::new(), counted, count: AtomicU64::new(0), recent }
    }

    /// The same with the instance's name in log lines.
    pub fn of_instance(self, instance: &InstanceId) -> Self {
        Self { instance: instance.to_string(), ..self }
    }

    /// Letters that go nowhere leave a trace: the first ones with reason and origin, then how many there are.
    fn tell(&self, before: u64, letters: &[DeadLetter]) {
        let instance = self.instance.as_str();
        let told = usize::try_from(TOLD_MAX.saturating_sub(before)).unwrap_or(0);
        for letter in letters.iter().take(told) {
            let reason = letter.reason.as_str();
            tracing::warn!(instance, operator = letter.operator, reason, origin = letter.origin, "record given up: {}", letter.message);
        }
        let count = before + letters.len() as u64;
        if count <= TOLD_MAX {
            return;
        }
        let mut counted = self.counted.lock();
        if counted.0.is_none_or(|at| at.elapsed() >= COUNT_EVERY) {
            let since = count.saturating_sub(counted.1);
            *counted = (Some(Instant::now()), count);
            tracing::warn!(instance, count, since, "records are given up and kept nowhere; give the job a dead_letter_topic to keep them");
        }
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
        let before = self.count.fetch_add(letters.len() as u64, Relaxed);
        if self.inner.is_none() {
            self.tell(before, &letters);
        }
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
