//! Waiting for conditions. Tests never sleep for a time and hope: they look until something is so, or say what they saw.

use anyhow::bail;
use std::time::{Duration, Instant};

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// A point in time that must not be reached.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// `seconds` from now.
    #[must_use]
    pub fn in_seconds(seconds: u64) -> Self {
        Self(Instant::now() + Duration::from_secs(seconds))
    }

    /// Whether it has been reached.
    #[must_use]
    pub fn is_over(self) -> bool {
        Instant::now() >= self.0
    }

    /// Time left.
    #[must_use]
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// Looks until `probe` answers `Ok`, at most `seconds`; its `Err` says what was seen instead.
///
/// # Errors
/// The deadline, with `what` was awaited and what was seen last.
pub async fn until<T>(what: &str, seconds: u64, mut probe: impl AsyncFnMut() -> Result<T, String>) -> anyhow::Result<T> {
    let deadline = Deadline::in_seconds(seconds);
    loop {
        match probe().await {
            Ok(found) => return Ok(found),
            Err(seen) if deadline.is_over() => bail!("{what}: not within {seconds} s; last seen: {seen}"),
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}
