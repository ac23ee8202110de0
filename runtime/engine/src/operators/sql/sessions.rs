//! Sessions by key: rows of a key that are nearer than the gap share one, and a row between two makes them one.
//!
//! Invariant: the sessions of a key are ascending and do not touch. What a session holds is kept elsewhere, by its slot.

use crate::state::{CHANGED, leaving::oldest};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    hash::BuildHasherDefault,
    sync::Arc,
};
use xxhash_rust::xxh3::Xxh3Default;

/// A session of a key; times are wall-clock milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Session {
    pub start_ms: i64,
    /// The last row's time and the gap.
    pub end_ms: i64,
    pub slot: u32,
}

/// Where a row belongs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub slot: u32,
    /// Slots of sessions that are part of this one from now on, in order.
    pub merged: Vec<u32>,
}

/// All sessions of a key.
#[derive(Debug)]
pub(crate) struct KeySessions {
    pub all: Vec<Session>,
    /// Batch in which it was last used.
    used: u32,
    /// What checkpoints and the disk do not have yet.
    pub marks: u8,
}

impl Default for KeySessions {
    fn default() -> Self {
        Self { all: Vec::new(), used: 0, marks: CHANGED }
    }
}

pub(crate) struct Sessions {
    gap_ms: i64,
    /// Batches so far.
    clock: u32,
    by_key: HashMap<Arc<[u8]>, KeySessions, BuildHasherDefault<Xxh3Default>>,
    /// Keys of all sessions by their end, to be taken in order.
    ends: BTreeMap<(i64, u32), Arc<[u8]>>,
}

impl Sessions {
    pub(crate) fn new(gap_ms: i64) -> Self {
        Self { gap_ms, clock: 0, by_key: HashMap::default(), ends: BTreeMap::new() }
    }

    /// The session of a row, made, grown or merged as needed; the session's start and end if `is_late` says so of the end.
    pub(crate) fn place(
        &mut self,
        key: &[u8],
        time_ms: i64,
        is_late: impl Fn(i64) -> bool,
        new_slot: impl FnOnce() -> u32,
    ) -> Result<Place, (i64, i64)> {
        let (mut start_ms, mut end_ms) = (time_ms, time_ms.saturating_add(self.gap_ms));
        let (mut first, mut touched): (usize, &[Session]) = (0, &[]);
        if let Some(KeySessions { all: sessions, .. }) = self.by_key.get(key) {
            first = sessions.partition_point(|s| s.end_ms < start_ms);
            let behind = first + sessions[first..].partition_point(|s| s.start_ms <= end_ms);
            touched = &sessions[first..behind];
        }
        if let (Some(earliest), Some(latest)) = (touched.first(), touched.last()) {
            start_ms = start_ms.min(earliest.start_ms);
            end_ms = end_ms.max(latest.end_ms);
        }
        if is_late(end_ms) {
            return Err((start_ms, end_ms));
        }
        let count = touched.len();
        let (slot, merged) = match touched.split_first() {
            None => (new_slot(), Vec::new()),
            Some((earliest, others)) => (earliest.slot, others.iter().map(|s| s.slot).collect()),
        };
        let key: Arc<[u8]> = match touched.first().and_then(|s| self.ends.get(&(s.end_ms, s.slot))) {
            Some(key) => key.clone(),
            None => key.into(),
        };
        let gone: Vec<(i64, u32)> = touched.iter().filter(|s| s.end_ms != end_ms || s.slot != slot).map(|s| (s.end_ms, s.slot)).collect();
        gone.iter().for_each(|end| drop(self.ends.remove(end)));
        self.ends.insert((end_ms, slot), key.clone());
        let clock = self.clock;
        let kept = self.by_key.entry(key).or_default();
        kept.all.splice(first..first + count, [Session { start_ms, end_ms, slot }]);
        kept.marks |= CHANGED;
        kept.used = clock;
        Ok(Place { slot, merged })
    }

    /// Puts back a session that was kept.
    pub(crate) fn restore(&mut self, key: &[u8], session: Session) {
        let key: Arc<[u8]> = key.into();
        self.ends.insert((session.end_ms, session.slot), key.clone());
        let clock = self.clock;
        let kept = self.by_key.entry(key).or_default();
        kept.used = clock;
        let sessions = &mut kept.all;
        let at = sessions.partition_point(|s| s.start_ms < session.start_ms);
        sessions.insert(at, session);
    }

    /// The end of the session that ends first.
    pub(crate) fn next_end_ms(&self) -> Option<i64> {
        self.ends.first_key_value().map(|((end_ms, _), _)| *end_ms)
    }

    /// Takes the session that ends first, with its key; and the key's marks if that was its last one.
    pub(crate) fn pop(&mut self) -> Option<(Arc<[u8]>, Session, Option<u8>)> {
        let ((_, slot), key) = self.ends.pop_first()?;
        let kept = self.by_key.get_mut(&key)?;
        let at = kept.all.iter().position(|s| s.slot == slot)?;
        let session = kept.all.remove(at);
        kept.marks |= CHANGED;
        let gone = kept.all.is_empty().then_some(kept.marks);
        if gone.is_some() {
            self.by_key.remove(&key);
        }
        Some((key, session, gone))
    }

    /// A new batch begins.
    pub(crate) fn next_batch(&mut self) {
        self.clock = self.clock.wrapping_add(1);
    }

    /// Number of keys.
    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether a key has sessions here.
    pub(crate) fn has(&self, key: &[u8]) -> bool {
        self.by_key.contains_key(key)
    }

    /// What a key takes, from a sample.
    pub(crate) fn key_bytes(&self) -> u64 {
        const SAMPLE: usize = 64;
        let bytes: usize = self.by_key.keys().take(SAMPLE).map(|key| key.len()).sum();
        (bytes / self.by_key.len().clamp(1, SAMPLE)) as u64
    }

    /// Takes a key with all of its sessions.
    pub(crate) fn take(&mut self, key: &[u8]) -> Option<KeySessions> {
        let kept = self.by_key.remove(key)?;
        kept.all.iter().for_each(|s| drop(self.ends.remove(&(s.end_ms, s.slot))));
        Some(kept)
    }

    /// Says what checkpoints and the disk do not have of a key.
    pub(crate) fn set_marks(&mut self, key: &[u8], marks: u8) {
        if let Some(kept) = self.by_key.get_mut(key) {
            kept.marks = marks;
        }
    }

    /// The keys that were not used for longest and are no longer than that, so that `stay` stay.
    pub(crate) fn oldest(&self, stay: usize, longest: usize) -> Vec<Arc<[u8]>> {
        let keys: Vec<(&Arc<[u8]>, u32)> =
            self.by_key.iter().filter(|(key, _)| key.len() <= longest).map(|(key, kept)| (key, kept.used)).collect();
        let leave = oldest((0..keys.len() as u32).collect(), stay, |n| Reverse(keys[n as usize].1));
        leave.into_iter().map(|n| keys[n as usize].0.clone()).collect()
    }

    /// All keys with their sessions.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&[u8], &KeySessions)> {
        self.by_key.iter().map(|(key, kept)| (key.as_ref(), kept))
    }

    /// What is kept of all keys, to be marked.
    pub(crate) fn keys_mut(&mut self) -> impl Iterator<Item = &mut KeySessions> {
        self.by_key.values_mut()
    }

    /// All sessions with their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &Session)> {
        self.by_key.iter().flat_map(|(key, sessions)| sessions.all.iter().map(move |s| (key.as_ref(), s)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_join_grow_and_merge_sessions() {
        let mut sessions = Sessions::new(10);
        let mut next = 0;
        let mut place = |sessions: &mut Sessions, time_ms: i64| {
            let new_slot = || {
                next += 1;
                next - 1
            };
            sessions.place(b"k", time_ms, |end_ms| end_ms <= 5, new_slot).ok().map(|p| (p.slot, p.merged))
        };
        assert_eq!(place(&mut sessions, -6), None, "late");
        assert_eq!(place(&mut sessions, 0), Some((0, vec![])));
        assert_eq!(place(&mut sessions, 40), Some((1, vec![])));
        assert_eq!(place(&mut sessions, 20), Some((2, vec![])));
        assert_eq!(place(&mut sessions, 10), Some((0, vec![2])), "touches the ends of both");
        assert_eq!(place(&mut sessions, 5), Some((0, vec![])), "inside");
        assert_eq!(sessions.next_end_ms(), Some(30));
        let mut taken = || sessions.pop().map(|(_, s, _)| (s.start_ms, s.end_ms, s.slot));
        assert_eq!([taken(), taken(), taken()], [Some((0, 30, 0)), Some((40, 50, 1)), None]);
    }

    #[test]
    fn what_is_restored_can_be_merged() {
        let mut sessions = Sessions::new(10);
        for (start_ms, slot) in [(30, 7), (0, 8)] {
            sessions.restore(b"k", Session { start_ms, end_ms: start_ms + 10, slot });
        }
        assert_eq!(sessions.place(b"k", 20, |_| false, || 9), Ok(Place { slot: 7, merged: vec![] }));
        assert_eq!(sessions.place(b"k", 10, |_| false, || 9), Ok(Place { slot: 8, merged: vec![7] }));
        assert_eq!(sessions.iter().map(|(_, s)| (s.start_ms, s.end_ms)).collect::<Vec<_>>(), [(0, 40)]);
    }
}
