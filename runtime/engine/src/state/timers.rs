//! Timers per key, in event or processing time, fired in order of time.
//!
//! Invariant: a (time, key) pair is registered once however often it is asked for, as in Flink's `TimerService`.

use super::{
    KeyGroupBlobs,
    codec::{StateCodec, StateError, decode_bytes, encode_bytes},
};
use crate::key::{KeyGroup, key_group_of};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// A timer that has come due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    /// When it was to fire, epoch milliseconds.
    pub at_ms: i64,
    /// The key that it belongs to.
    pub key: Box<[u8]>,
}

/// Timers of one operator subtask in one kind of time.
#[derive(Debug, Default)]
pub struct TimerService {
    timers: BTreeSet<Timer>,
}

impl TimerService {
    /// Asks for a call at `at_ms` on behalf of `key`.
    pub fn register(&mut self, at_ms: i64, key: &[u8]) {
        self.timers.insert(Timer { at_ms, key: key.into() });
    }

    /// When the next timer is due.
    pub fn next_at_ms(&self) -> Option<i64> {
        self.timers.first().map(|t| t.at_ms)
    }

    /// Takes the earliest timer that is due at `now_ms` (for event time: at the watermark).
    pub fn pop_due(&mut self, now_ms: i64) -> Option<Timer> {
        if self.next_at_ms()? > now_ms {
            return None;
        }
        self.timers.pop_first()
    }

    /// All timers, one blob per key group.
    pub fn snapshot(&self) -> KeyGroupBlobs {
        let mut groups: BTreeMap<KeyGroup, Vec<u8>> = BTreeMap::new();
        for timer in &self.timers {
            let out = groups.entry(key_group_of(&timer.key)).or_default();
            timer.at_ms.encode(out);
            encode_bytes(&timer.key, out);
        }
        groups.into_iter().map(|(group, out)| (group, Bytes::from(out))).collect()
    }

    /// Adds the timers of one key group's blob.
    ///
    /// # Errors
    /// A blob that is cut off.
    pub fn restore(&mut self, mut blob: &[u8]) -> Result<(), StateError> {
        while !blob.is_empty() {
            let at_ms = i64::decode(&mut blob)?;
            let key = decode_bytes(&mut blob)?;
            self.register(at_ms, key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_fire_once_in_order_and_survive_a_restore() {
        let mut timers = TimerService::default();
        for (at_ms, key) in [(30, b"c"), (10, b"a"), (20, b"b"), (10, b"a")] {
            timers.register(at_ms, key);
        }
        let mut restored = TimerService::default();
        for blob in timers.snapshot().values() {
            restored.restore(blob).unwrap();
        }
        let due: Vec<i64> = std::iter::from_fn(|| restored.pop_due(25)).map(|t| t.at_ms).collect();
        assert_eq!(due, [10, 20]);
        assert_eq!(restored.next_at_ms(), Some(30));
    }
}
