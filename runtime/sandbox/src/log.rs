//! The guest's log and counters, bounded in length, rate and number.
//!
//! Invariant: a flood costs the host no more than counting it.

use crate::limits::OperatorLimits;
use std::collections::BTreeMap;
use std::time::Instant;

/// Severity of a log line.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    wasmtime::component::ComponentType,
    wasmtime::component::Lift,
    serde::Serialize,
)]
#[component(enum)]
#[repr(u8)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Finest detail.
    #[component(name = "trace")]
    Trace,
    /// Detail for the author.
    #[component(name = "debug")]
    Debug,
    /// Ordinary progress.
    #[component(name = "info")]
    Info,
    /// Something to look at.
    #[component(name = "warn")]
    Warn,
    /// Something went wrong.
    #[component(name = "error")]
    Error,
}

/// Where the lines of a guest go. Called on the thread that runs the guest: must not block.
pub trait GuestLog: Send + Sync {
    /// One line, already cut to the operator's limit.
    fn line(&self, level: LogLevel, message: &str);

    /// So many lines were dropped because the guest logged too fast.
    fn dropped(&self, lines: u64);
}

/// A log that keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLog;

impl GuestLog for NoLog {
    fn line(&self, _level: LogLevel, _message: &str) {}
    fn dropped(&self, _lines: u64) {}
}

/// Lets `log_lines_per_second` lines pass, with a burst of twice as many.
#[derive(Debug)]
pub(crate) struct LogRate {
    per_second: f64,
    tokens: f64,
    refilled: Instant,
    dropped: u64,
}

impl LogRate {
    pub(crate) fn new(lines_per_second: u32, now: Instant) -> Self {
        let per_second = f64::from(lines_per_second);
        Self { per_second, tokens: per_second * 2.0, refilled: now, dropped: 0 }
    }

    /// `Some(dropped lines to report first)` when a line may pass now.
    pub(crate) fn pass(&mut self, now: Instant) -> Option<u64> {
        let elapsed = now.saturating_duration_since(self.refilled).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.per_second).min(self.per_second * 2.0);
        self.refilled = now;
        if self.tokens < 1.0 {
            self.dropped += 1;
            return None;
        }
        self.tokens -= 1.0;
        Some(std::mem::take(&mut self.dropped))
    }
}

/// Custom counters of one operator.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    values: BTreeMap<String, u64>,
    refused: u64,
}

impl Counters {
    pub(crate) fn add(&mut self, name: &str, delta: u64, limits: &OperatorLimits) {
        if let Some(value) = self.values.get_mut(name) {
            *value = value.saturating_add(delta);
        } else if self.values.len() < limits.counters_max && !name.is_empty() && name.len() <= limits.name_bytes_max {
            self.values.insert(name.to_owned(), delta);
        } else {
            self.refused += 1;
        }
    }

    pub(crate) fn values(&self) -> &BTreeMap<String, u64> {
        &self.values
    }

    /// Additions that were dropped: a new name beyond the limit, or a name too long or empty.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }
}

/// `text` cut to at most `bytes_max` bytes at a character's border, with `…` where it was cut.
pub(crate) fn cut(text: &str, bytes_max: usize) -> std::borrow::Cow<'_, str> {
    if text.len() <= bytes_max {
        return text.into();
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = text.get(..end).unwrap_or_default();
    format!("{kept}… (cut, {} bytes in all)", text.len()).into()
}
