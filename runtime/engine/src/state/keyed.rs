//! One value per key, in memory, with Flink's time to live: set on create and write, expired values never returned.

use super::{
    KeyGroupBlobs,
    codec::{StateCodec, StateError, decode_bytes, encode_bytes},
};
use crate::key::{KeyGroup, key_group_of};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};

/// Values by key, grouped by key group.
#[derive(Debug)]
pub struct KeyedState<V> {
    groups: BTreeMap<KeyGroup, HashMap<Box<[u8]>, Entry<V>>>,
    ttl_ms: Option<i64>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    written_ms: i64,
}

impl<V: StateCodec> KeyedState<V> {
    /// Empty state; values are forgotten `ttl_ms` after they were last written.
    pub fn new(ttl_ms: Option<u64>) -> Self {
        Self { groups: BTreeMap::new(), ttl_ms: ttl_ms.map(|t| i64::try_from(t).unwrap_or(i64::MAX)) }
    }

    /// The value of `key`, unless it has expired at `now_ms`.
    pub fn get(&self, key: &[u8], now_ms: i64) -> Option<&V> {
        let entry = self.groups.get(&key_group_of(key))?.get(key)?;
        (!self.is_expired(entry, now_ms)).then_some(&entry.value)
    }

    /// Sets the value of `key`.
    pub fn put(&mut self, key: &[u8], value: V, now_ms: i64) {
        self.groups.entry(key_group_of(key)).or_default().insert(key.into(), Entry { value, written_ms: now_ms });
    }

    /// Forgets `key`.
    pub fn remove(&mut self, key: &[u8]) {
        if let Some(group) = self.groups.get_mut(&key_group_of(key)) {
            group.remove(key);
        }
    }

    /// Number of keys held, expired ones included until they are removed.
    pub fn len(&self) -> usize {
        self.groups.values().map(HashMap::len).sum()
    }

    /// Whether no key is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The live entries, one blob per key group.
    pub fn snapshot(&self, now_ms: i64) -> KeyGroupBlobs {
        let mut blobs = KeyGroupBlobs::new();
        for (&group, entries) in &self.groups {
            let mut out = Vec::new();
            for (key, entry) in entries.iter().filter(|(_, e)| !self.is_expired(e, now_ms)) {
                encode_bytes(key, &mut out);
                entry.written_ms.encode(&mut out);
                entry.value.encode(&mut out);
            }
            if !out.is_empty() {
                blobs.insert(group, Bytes::from(out));
            }
        }
        blobs
    }

    /// Adds the entries of one key group's blob.
    ///
    /// # Errors
    /// A blob that is cut off or holds keys of another group.
    pub fn restore(&mut self, group: KeyGroup, mut blob: &[u8]) -> Result<(), StateError> {
        let entries = self.groups.entry(group).or_default();
        while !blob.is_empty() {
            let key = decode_bytes(&mut blob)?;
            if key_group_of(key) != group {
                return Err(StateError(format!("a key of group {} lies in the blob of group {group}", key_group_of(key))));
            }
            let written_ms = i64::decode(&mut blob)?;
            let value = V::decode(&mut blob)?;
            entries.insert(key.into(), Entry { value, written_ms });
        }
        Ok(())
    }

    fn is_expired(&self, entry: &Entry<V>, now_ms: i64) -> bool {
        self.ttl_ms.is_some_and(|ttl| entry.written_ms.saturating_add(ttl) <= now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_expire_silently_and_writes_prolong() {
        let mut state = KeyedState::new(Some(100));
        state.put(b"a", 1i64, 0);
        assert_eq!(state.get(b"a", 99), Some(&1));
        assert_eq!(state.get(b"a", 100), None);
        state.put(b"a", 2, 100);
        assert_eq!(state.get(b"a", 150), Some(&2));
        assert!(state.snapshot(300).is_empty(), "expired entries are not kept in checkpoints");
    }

    #[test]
    fn snapshot_and_restore_keep_every_key_in_its_group() {
        let mut state = KeyedState::new(None);
        for n in 0..1_000i64 {
            state.put(&n.to_le_bytes(), n, 0);
        }
        let blobs = state.snapshot(0);
        assert!(blobs.len() > 100, "1,000 keys spread over the 128 groups");
        let mut restored = KeyedState::new(None);
        for (&group, blob) in &blobs {
            restored.restore(group, blob).unwrap();
        }
        assert_eq!(restored.len(), 1_000);
        assert_eq!(restored.get(&7i64.to_le_bytes(), 0), Some(&7));
    }

    #[test]
    fn a_damaged_blob_is_an_error() {
        let mut state = KeyedState::<i64>::new(None);
        state.put(b"key", 1, 0);
        let blobs = state.snapshot(0);
        let (&group, blob) = blobs.iter().next().unwrap();
        for cut in 1..blob.len() {
            assert!(KeyedState::<i64>::new(None).restore(group, &blob[..cut]).is_err(), "cut at {cut}");
        }
        assert!(KeyedState::<i64>::new(None).restore((group + 1) % 128, blob).is_err());
    }
}
