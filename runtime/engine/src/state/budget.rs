//! How much memory the keyed state of a job may take, and what it takes.
//!
//! The limit is the job's: states that need more than their equal share may have what the others leave.

use crate::metrics::SubtaskMetrics;
use lsm_tree::Cache;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

/// Smallest cache of blocks from disk.
const CACHE_BYTES_MIN: u64 = 4 << 20;
/// Keyed state up to this size is written whole by every checkpoint.
pub const INCREMENTAL_BYTES_MIN: u64 = 1 << 20;

/// The most that a job may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ceiling {
    /// What the server gives one job.
    Server(u64),
    /// The memory that was assigned to the production instance.
    Assigned(u64),
}

impl Ceiling {
    /// In bytes.
    pub fn bytes(self) -> u64 {
        match self {
            Self::Server(bytes) | Self::Assigned(bytes) => bytes,
        }
    }
}

/// A size for people.
pub(crate) fn size_text(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20)];
    let (unit, shift) = units.into_iter().find(|(_, shift)| bytes >> shift > 0).unwrap_or(("MiB", 20));
    format!("{:.1} {unit}", bytes as f64 / (1_u64 << shift) as f64)
}

/// Where state goes that does not fit in memory, and when.
#[derive(Debug, Clone)]
pub struct StateSettings {
    /// Folder for state on local disk; `None` keeps everything in memory, whatever it takes.
    pub folder: Option<PathBuf>,
    /// Memory for the keyed state of a job on this machine, unless the job says.
    pub memory_bytes_max: u64,
    /// The most that a job can say.
    pub ceiling: Ceiling,
    /// State that is larger is written by checkpoints in steps: only what has changed.
    pub incremental_bytes_min: u64,
}

impl Default for StateSettings {
    fn default() -> Self {
        Self { folder: None, memory_bytes_max: u64::MAX, ceiling: Ceiling::Server(u64::MAX), incremental_bytes_min: INCREMENTAL_BYTES_MIN }
    }
}

/// Memory of the keyed state of one execution.
pub struct StateBudget {
    settings: StateSettings,
    cache: Arc<Cache>,
    used: AtomicU64,
    states: AtomicUsize,
}

impl Default for StateBudget {
    fn default() -> Self {
        Self::new(StateSettings::default())
    }
}

impl StateBudget {
    /// A budget of which nothing is used; an eighth of it is for blocks that were read from disk.
    pub fn new(mut settings: StateSettings) -> Self {
        let cache_bytes = if settings.folder.is_some() { (settings.memory_bytes_max / 8).clamp(CACHE_BYTES_MIN, 256 << 20) } else { 0 };
        settings.memory_bytes_max = (settings.memory_bytes_max / 8).saturating_mul(7);
        Self { cache: Arc::new(Cache::with_capacity_bytes(cache_bytes)), settings, used: AtomicU64::new(0), states: AtomicUsize::new(0) }
    }

    pub(crate) fn cache(&self) -> Arc<Cache> {
        self.cache.clone()
    }

    /// Whether state can leave memory.
    pub(crate) fn can_spill(&self) -> bool {
        self.settings.folder.is_some()
    }

    pub(crate) fn incremental_bytes_min(&self) -> u64 {
        self.settings.incremental_bytes_min
    }

    /// Whether restored state of so many bytes is too large to begin with in memory.
    pub(crate) fn is_too_large(&self, bytes: u64) -> bool {
        self.can_spill() && bytes > self.settings.memory_bytes_max.saturating_sub(self.used.load(Relaxed)) / 2
    }
}

/// What one state takes of the budget; given back when dropped.
pub(crate) struct StateShare {
    budget: Arc<StateBudget>,
    metrics: Arc<SubtaskMetrics>,
    memory_bytes: u64,
    disk_bytes: u64,
}

impl StateShare {
    pub(crate) fn open(budget: Arc<StateBudget>, metrics: Arc<SubtaskMetrics>) -> Self {
        budget.states.fetch_add(1, Relaxed);
        Self { budget, metrics, memory_bytes: 0, disk_bytes: 0 }
    }

    pub(crate) fn budget(&self) -> &Arc<StateBudget> {
        &self.budget
    }

    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// Takes note of what is in memory; answers how much of it may stay when the job is above its limit.
    #[inline]
    pub(crate) fn takes(&mut self, bytes: u64) -> Option<u64> {
        if bytes != self.memory_bytes {
            self.metrics.state.memory_bytes.fetch_add(bytes.wrapping_sub(self.memory_bytes), Relaxed);
            self.budget.used.fetch_add(bytes.wrapping_sub(self.memory_bytes), Relaxed);
            self.memory_bytes = bytes;
        }
        let max = self.budget.settings.memory_bytes_max;
        let used = self.budget.used.load(Relaxed);
        if used <= max || !self.budget.can_spill() {
            return None;
        }
        let fair = max / self.budget.states.load(Relaxed).max(1) as u64;
        let allowed = max.saturating_sub(used.saturating_sub(bytes)).max(fair);
        // Some at once, so that not every batch has to make room.
        (bytes > allowed).then_some(allowed / 4 * 3)
    }

    pub(crate) fn takes_disk(&mut self, bytes: u64) {
        self.metrics.state.disk_bytes.fetch_add(bytes.wrapping_sub(self.disk_bytes), Relaxed);
        self.disk_bytes = bytes;
    }
}

impl Drop for StateShare {
    fn drop(&mut self) {
        self.takes(0);
        self.takes_disk(0);
        self.budget.states.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_needs_more_than_its_share_gets_what_others_leave() {
        let settings = StateSettings { folder: Some("/nowhere".into()), memory_bytes_max: 800 * 8 / 7, ..StateSettings::default() };
        let budget = Arc::new(StateBudget::new(settings));
        let open = || StateShare::open(budget.clone(), Arc::default());
        let (mut small, mut large) = (open(), open());
        let max = budget.settings.memory_bytes_max;
        assert!((790..=800).contains(&max), "{max}");
        assert_eq!(small.takes(100), None);
        assert_eq!(large.takes(600), None);
        assert_eq!(large.takes(900), Some((max - 100) / 4 * 3));
        assert_eq!(small.takes(max / 2 + 100), Some(max / 2 / 4 * 3), "each may have its half");
        drop(large);
        assert_eq!(small.takes(700), None);
        drop(small);
        assert_eq!((budget.used.load(Relaxed), budget.states.load(Relaxed)), (0, 0));
    }
}
