//! Keys on local disk in the order in which they are due, so that whoever waits for a time finds them.
//!
//! Invariant: of every key that was put at a time an entry is found once that time has come. An entry may have been
//! overtaken: its key is in memory by then, is gone, or is due later.

use crate::{
    error::OperatorError,
    key::KeyGroup,
    state::{ColdStore, EntryBuffer, StateBackend, StateError},
};
use std::collections::BTreeMap;

/// Entries that are taken at once.
const TAKEN_MAX: usize = 8_192;

#[derive(Default)]
pub(super) struct DueKeys {
    store: Option<ColdStore>,
    /// Per key group a time that is not behind its first entry.
    next_ms: BTreeMap<KeyGroup, i64>,
    entries: EntryBuffer,
}

impl DueKeys {
    /// A key lies on disk from now on, until `at_ms`; written by [`Self::write`].
    pub(super) fn put(&mut self, group: KeyGroup, key: &[u8], at_ms: i64) {
        let next_ms = self.next_ms.entry(group).or_insert(at_ms);
        *next_ms = at_ms.min(*next_ms);
        self.entries.put(group, &stored(at_ms, key), |_| {});
    }

    /// Whether so much waits to be written that it should be.
    pub(super) fn is_full(&self) -> bool {
        self.entries.bytes() >= 4 << 20
    }

    /// Writes what was put.
    pub(super) fn write(&mut self, backend: &StateBackend) -> Result<(), OperatorError> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let store = match &mut self.store {
            Some(store) => store,
            None => self.store.insert(backend.beside("due")?),
        };
        store.write(self.entries.sorted())?;
        self.entries.clear();
        Ok(())
    }

    /// A time at which an entry may be due; none is earlier.
    pub(super) fn next_ms(&self) -> Option<i64> {
        self.next_ms.values().min().copied()
    }

    /// Takes some of the keys whose time `is_due`, with their key groups; none at the end.
    pub(super) fn take(&mut self, is_due: impl Fn(i64) -> bool) -> Result<Vec<(KeyGroup, Vec<u8>)>, OperatorError> {
        let (mut taken, mut gone) = (Vec::new(), EntryBuffer::default());
        let groups: Vec<KeyGroup> = self.next_ms.iter().filter(|(_, ms)| is_due(**ms)).map(|(group, _)| *group).collect();
        for group in groups {
            let (Some(store), Some(&from_ms)) = (&self.store, self.next_ms.get(&group)) else { break };
            let mut entries = store.entries_since(group, &stored(from_ms, &[]));
            let mut next_ms = None;
            loop {
                let mut found = Ok(None);
                let has_entry = entries.next(|_, entry, _| found = time_and_key(entry).map(|(at_ms, key)| Some((at_ms, key.to_vec()))))?;
                let (true, Some((at_ms, key))) = (has_entry, found?) else { break };
                if !is_due(at_ms) || taken.len() >= TAKEN_MAX {
                    next_ms = Some(at_ms);
                    break;
                }
                gone.remove(group, &stored(at_ms, &key));
                taken.push((group, key));
            }
            match next_ms {
                Some(next_ms) => drop(self.next_ms.insert(group, next_ms)),
                None => drop(self.next_ms.remove(&group)),
            }
            if taken.len() >= TAKEN_MAX {
                break;
            }
        }
        if self.next_ms.is_empty() {
            self.store = None;
        } else if let Some(store) = self.store.as_mut().filter(|_| !gone.is_empty()) {
            store.write(gone.sorted())?;
        }
        Ok(taken)
    }
}

fn stored(at_ms: i64, key: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(key.len() + 8);
    stored.extend_from_slice(&(at_ms ^ i64::MIN).to_be_bytes());
    stored.extend_from_slice(key);
    stored
}

fn time_and_key(entry: &[u8]) -> Result<(i64, &[u8]), StateError> {
    let (time, key) = entry.split_first_chunk::<8>().ok_or_else(|| StateError("an entry without a time".into()))?;
    Ok((i64::from_be_bytes(*time) ^ i64::MIN, key))
}
