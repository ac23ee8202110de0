//! Which values on local disk have expired: they are left out when they are rewritten, by compaction or for a checkpoint.
//!
//! Invariant: only values that no look-up may answer any more are called expired, so it does not matter when they go.

use lsm_tree::{
    Error,
    compaction::{CompactionFilter, Factory, ItemAccessor, Verdict, filter::Context},
};
use std::{
    panic::{RefUnwindSafe, UnwindSafe},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

/// Takes a value and the time (epoch milliseconds): the clock's, or the watermark that windows have seen.
type IsExpired = dyn Fn(&[u8], i64) -> bool + Send + Sync + UnwindSafe + RefUnwindSafe;

/// When values of a state expire.
#[derive(Default)]
pub(crate) struct Expiry {
    /// Unset where nothing ever does, and until the operator has said it.
    is_expired: OnceLock<Box<IsExpired>>,
    now_ms: AtomicI64,
}

impl Expiry {
    /// Values for which `is_expired` answers true have expired; what was said first holds.
    pub(crate) fn set(&self, is_expired: impl Fn(&[u8], i64) -> bool + Send + Sync + UnwindSafe + RefUnwindSafe + 'static) {
        let _ = self.is_expired.set(Box::new(is_expired));
    }

    /// It is so late now.
    pub(crate) fn pass(&self, now_ms: i64) {
        self.now_ms.store(now_ms, Relaxed);
    }

    /// The time that was told last.
    pub(crate) fn now_ms(&self) -> i64 {
        self.now_ms.load(Relaxed)
    }

    /// Whether a value has expired at a time.
    pub(crate) fn is_expired(&self, value: &[u8], now_ms: i64) -> bool {
        self.is_expired.get().is_some_and(|is_expired| is_expired(value, now_ms))
    }
}

/// Leaves expired values out of what compaction writes.
pub(crate) struct ExpiryFilter(pub(crate) Arc<Expiry>);

impl Factory for ExpiryFilter {
    fn name(&self) -> &str {
        "expiry"
    }

    fn make_filter(&self, _context: &Context) -> Box<dyn CompactionFilter> {
        Box::new(Self(self.0.clone()))
    }
}

impl CompactionFilter for ExpiryFilter {
    fn filter_item(&mut self, item: ItemAccessor<'_>, _context: &Context) -> Result<Verdict, Error> {
        Ok(if self.0.is_expired(&item.value()?, self.0.now_ms()) { Verdict::Remove } else { Verdict::Keep })
    }
}
