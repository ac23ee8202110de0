//! One value per key: in memory while there is room, else on local disk.
//!
//! A batch first brings its keys to memory ([`TieredMap::load`]); then they are looked up and changed there; then entries
//! that were not used for longest leave if memory is short ([`TieredMap::make_room`]).
//!
//! Invariant: between `load` and `make_room` a key of the batch that is not found has no value.

use super::{
    KeyGroupBlobs,
    backend::{CHANGED, HotState, PINNED, STORED, StateBackend, StateContext, StateSegments, UNSAVED, UNSTORED},
    codec::StateError,
    entries::{EntryBuffer, read_segment},
    leaving::staying,
};
use crate::{
    error::OperatorError,
    key::{KeyGroup, key_group_of_hash},
    metrics::SubtaskMetrics,
};
use bytes::Bytes;
use hashbrown::HashTable;
use millrace_checkpoint::KeyGroupRange;
use millrace_model::ids::CheckpointId;
use std::{
    collections::BTreeMap,
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
};
use xxhash_rust::xxh3::xxh3_64;

/// What an entry takes besides key and value.
const ENTRY_BYTES: usize = 64;

/// A value that can leave memory.
pub(crate) trait TieredValue: Sized + Send {
    /// Appends the byte form.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads the whole of `value`.
    ///
    /// # Errors
    /// Bytes without meaning.
    fn decode(value: &[u8]) -> Result<Self, StateError>;

    /// What it takes on the heap and in place.
    fn memory_bytes(&self) -> usize;
}

struct Entry<V> {
    hash: u64,
    /// Batch in which it was last used.
    used: u32,
    marks: u8,
    key: Box<[u8]>,
    value: V,
}

/// Restored segments that are to be taken in.
pub(crate) type RestoredSegments = Vec<(KeyGroupRange, Bytes)>;

/// Values by key.
pub(crate) struct TieredMap<V> {
    entries: HashTable<Entry<V>>,
    backend: StateBackend,
    bytes: usize,
    /// Batches so far.
    clock: u32,
}

/// The hash by which keys are looked up.
#[inline]
pub(crate) fn hash_of(key: &[u8]) -> u64 {
    xxh3_64(key)
}

impl<V: TieredValue> TieredMap<V> {
    /// Opens the state `name`; what is restored for it in memory is for [`Self::take_in`].
    pub(crate) fn open(
        name: &'static str,
        state: &mut StateContext,
        metrics: &Arc<SubtaskMetrics>,
    ) -> Result<(Self, RestoredSegments), OperatorError> {
        let (backend, segments) = state.backend(name, metrics)?;
        Ok((Self { entries: HashTable::new(), backend, bytes: 0, clock: 0 }, segments))
    }

    /// Takes in restored segments whose entries `check` accepts.
    pub(crate) fn take_in(
        &mut self,
        segments: RestoredSegments,
        mut check: impl FnMut(KeyGroup, &[u8], &V) -> Result<(), StateError>,
    ) -> Result<(), OperatorError> {
        for (range, segment) in segments {
            read_segment(
                &segment,
                |group| range.contains(group),
                |group, key, value| {
                    let hash = hash_of(key);
                    match value {
                        None => drop(self.take(hash, key)),
                        Some(value) => {
                            let value = V::decode(value)?;
                            check(group, key, &value)?;
                            self.put(hash, key, value, StateBackend::new_marks(key) & !CHANGED | UNSTORED);
                        }
                    }
                    Ok::<(), OperatorError>(())
                },
            )?;
        }
        self.make_room()
    }

    /// Values on disk for which `is_expired` answers true (value, processing time) are left out when they are rewritten.
    pub(crate) fn expire_by(&mut self, is_expired: impl Fn(&[u8], i64) -> bool + Send + Sync + UnwindSafe + RefUnwindSafe + 'static) {
        self.backend.expiry().set(is_expired);
    }

    /// Begins a batch with these keys (hash and bytes): afterwards those that have a value are in memory. Values that
    /// `is_expired` are left where they are, the others have to pass `check`: they may be from a restored chain.
    pub(crate) fn load<'k>(
        &mut self,
        keys: impl Iterator<Item = (u64, &'k [u8])>,
        is_expired: impl Fn(&V) -> bool,
        check: impl Fn(&V) -> Result<(), StateError>,
    ) -> Result<(), OperatorError> {
        self.clock = self.clock.wrapping_add(1);
        if !self.backend.has_cold() {
            return Ok(());
        }
        let mut missing: Vec<(KeyGroup, &[u8], u64)> = Vec::new();
        for (hash, key) in keys {
            if self.get(hash, key).is_none() {
                missing.push((key_group_of_hash(hash), key, hash));
            }
        }
        missing.sort_unstable();
        missing.dedup();
        let mut found = Vec::new();
        let wanted = missing.iter().map(|&(group, key, _)| (group, key));
        self.backend.load(wanted, |position, value| {
            found.push((position, V::decode(value)?));
            Ok(())
        })?;
        for (position, value) in found {
            let (_, key, hash) = missing[position];
            if !is_expired(&value) {
                check(&value)?;
                self.put(hash, key, value, STORED);
            }
        }
        Ok(())
    }

    /// The value of a key in memory.
    #[inline]
    pub(crate) fn get(&self, hash: u64, key: &[u8]) -> Option<&V> {
        self.entries.find(hash, |e| e.hash == hash && *e.key == *key).map(|e| &e.value)
    }

    /// Changes the value of a key in memory; `None` if it has none.
    #[inline]
    pub(crate) fn change<R>(&mut self, hash: u64, key: &[u8], change: impl FnOnce(&mut V) -> R) -> Option<R> {
        let entry = self.entries.find_mut(hash, |e| e.hash == hash && *e.key == *key)?;
        let before = entry.value.memory_bytes();
        let answer = change(&mut entry.value);
        self.bytes = (self.bytes + entry.value.memory_bytes()).saturating_sub(before);
        entry.marks |= CHANGED;
        entry.used = self.clock;
        Some(answer)
    }

    /// Sets the value of a key.
    pub(crate) fn insert(&mut self, hash: u64, key: &[u8], value: V) {
        if let Some(entry) = self.entries.find_mut(hash, |e| e.hash == hash && *e.key == *key) {
            self.bytes = (self.bytes + value.memory_bytes()).saturating_sub(entry.value.memory_bytes());
            entry.value = value;
            entry.marks |= CHANGED;
            entry.used = self.clock;
            return;
        }
        self.put(hash, key, value, StateBackend::new_marks(key));
    }

    /// Replaces an entry with its marks.
    fn put(&mut self, hash: u64, key: &[u8], value: V, marks: u8) {
        drop(self.take(hash, key));
        self.bytes += ENTRY_BYTES + key.len() + value.memory_bytes();
        let entry = Entry { hash, used: self.clock, marks, key: key.into(), value };
        self.entries.insert_unique(hash, entry, |e| e.hash);
    }

    fn take(&mut self, hash: u64, key: &[u8]) -> Option<Entry<V>> {
        let found = self.entries.find_entry(hash, |e| e.hash == hash && *e.key == *key).ok()?;
        let (entry, _) = found.remove();
        self.bytes = self.bytes.saturating_sub(ENTRY_BYTES + key.len() + entry.value.memory_bytes());
        Some(entry)
    }

    /// Removes a key; answers the value that it had.
    pub(crate) fn remove(&mut self, hash: u64, key: &[u8]) -> Result<Option<V>, OperatorError> {
        let Some(entry) = self.take(hash, key) else { return Ok(None) };
        self.backend.removed(key_group_of_hash(hash), key, entry.marks)?;
        Ok(Some(entry.value))
    }

    /// Lets go of the values in memory that `is_expired`; those on disk are left out when they are read.
    pub(crate) fn forget_expired(&mut self, is_expired: impl Fn(&V) -> bool) {
        let mut freed = 0;
        self.entries.retain(|entry| {
            let goes = is_expired(&entry.value);
            if goes {
                freed += ENTRY_BYTES + entry.key.len() + entry.value.memory_bytes();
            }
            !goes
        });
        self.bytes = self.bytes.saturating_sub(freed);
    }

    /// Ends a batch: entries that were not used for longest leave if memory is short.
    pub(crate) fn make_room(&mut self) -> Result<(), OperatorError> {
        let Some(stay_bytes) = self.backend.takes(self.bytes as u64) else { return Ok(()) };
        let mut ages: Vec<u32> = self.entries.iter().map(|e| self.clock.wrapping_sub(e.used)).collect();
        let stay = staying(stay_bytes, self.entries.len(), self.bytes as u64);
        if stay >= ages.len() {
            return Ok(());
        }
        // Entries of this age and older leave; as many as are equally old are let go together.
        let (_, &mut age, _) = ages.select_nth_unstable(stay);
        let mut stored = EntryBuffer::default();
        let mut value = Vec::new();
        for entry in self.entries.iter().filter(|e| self.clock.wrapping_sub(e.used) >= age && e.marks & PINNED == 0) {
            let group = key_group_of_hash(entry.hash);
            if entry.marks & UNSAVED != 0 {
                value.clear();
                entry.value.encode(&mut value);
                self.backend.unsaved(group, &entry.key, &value)?;
            }
            if entry.marks & UNSTORED != 0 {
                stored.put(group, &entry.key, |out| entry.value.encode(out));
            }
        }
        self.backend.evict(&mut stored)?;
        let clock = self.clock;
        self.entries.retain(|e| clock.wrapping_sub(e.used) < age || e.marks & PINNED != 0);
        self.entries.shrink_to(self.entries.len() * 2, |e| e.hash);
        self.bytes = self.entries.iter().map(|e| ENTRY_BYTES + e.key.len() + e.value.memory_bytes()).sum();
        self.backend.takes(self.bytes as u64);
        Ok(())
    }

    /// The state for a checkpoint. Small state is whole, each entry in the form that `write` appends after the key; large
    /// state comes in steps.
    pub(crate) fn snapshot(
        &mut self,
        now_ms: i64,
        is_expired: impl Fn(&V) -> bool,
        mut write: impl FnMut(&V, &mut Vec<u8>),
    ) -> Result<TieredSnapshot, OperatorError> {
        if self.backend.is_small() {
            self.backend.snapshot_small();
            let mut groups: BTreeMap<KeyGroup, Vec<u8>> = BTreeMap::new();
            for entry in self.entries.iter().filter(|e| !is_expired(&e.value)) {
                let out = groups.entry(key_group_of_hash(entry.hash)).or_default();
                out.extend_from_slice(&(entry.key.len() as u32).to_le_bytes());
                out.extend_from_slice(&entry.key);
                write(&entry.value, out);
            }
            let blobs = groups.into_iter().map(|(group, out)| (group, Bytes::from(out))).collect();
            return Ok(TieredSnapshot::Whole(blobs));
        }
        let mut hot = HotEntries { entries: &mut self.entries, is_expired: &is_expired };
        Ok(TieredSnapshot::Steps(self.backend.snapshot(&mut hot, now_ms)?))
    }

    /// The last checkpoint is durable.
    pub(crate) fn committed(&mut self, checkpoint: CheckpointId) {
        self.backend.committed(checkpoint);
    }
}

/// State for a checkpoint.
pub(crate) enum TieredSnapshot {
    /// Whole, by key group.
    Whole(KeyGroupBlobs),
    /// In steps.
    Steps(StateSegments),
}

struct HotEntries<'a, V, F> {
    entries: &'a mut HashTable<Entry<V>>,
    is_expired: &'a F,
}

impl<V: TieredValue, F: Fn(&V) -> bool> HotState for HotEntries<'_, V, F> {
    fn entries(&self, marks: u8, each: &mut crate::state::EachEntry<'_>) -> Result<(), OperatorError> {
        let mut value = Vec::new();
        for entry in self.entries.iter().filter(|e| (marks == 0 || e.marks & marks != 0) && !(self.is_expired)(&e.value)) {
            value.clear();
            entry.value.encode(&mut value);
            each(key_group_of_hash(entry.hash), &entry.key, &value)?;
        }
        Ok(())
    }

    fn mark(&mut self, clear: u8, set: u8) {
        self.entries.iter_mut().for_each(|entry| entry.marks = entry.marks & !clear | set);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{ChainLoader, StateBudget, StateSettings, cold::KEY_BYTES_MAX};
    use rand::{Rng, SeedableRng, rngs::StdRng};
    use std::collections::HashMap;

    impl TieredValue for u64 {
        fn encode(&self, out: &mut Vec<u8>) {
            out.extend_from_slice(&self.to_le_bytes());
        }

        fn decode(value: &[u8]) -> Result<Self, StateError> {
            Ok(Self::from_le_bytes(value.try_into().map_err(|_| StateError("not 8 bytes".into()))?))
        }

        fn memory_bytes(&self) -> usize {
            8
        }
    }

    type Model = HashMap<Vec<u8>, u64>;

    fn context(folder: &std::path::Path, memory_bytes_max: u64) -> StateContext {
        let settings =
            StateSettings { folder: Some(folder.to_owned()), memory_bytes_max, incremental_bytes_min: 1, ..StateSettings::default() };
        StateContext { budget: Arc::new(StateBudget::new(settings)), folder: Some(folder.to_owned()), ..StateContext::default() }
    }

    /// What a chain restores, in memory or on disk.
    fn restored(chain: &[Bytes], folder: &std::path::Path, memory_bytes_max: u64, since: u64) -> TieredMap<u64> {
        let mut context = context(folder, memory_bytes_max);
        let bytes = chain.iter().map(|s| s.len() as u64).sum();
        let mut loader = ChainLoader::new("s", bytes, &context.budget, Some(folder)).unwrap();
        for segment in chain {
            loader.segment(KeyGroupRange { start: 0, end: 127 }, segment.clone()).unwrap();
        }
        context.chains.insert("s".into(), loader.finish(Some(since)).unwrap());
        let (mut map, segments) = TieredMap::open("s", &mut context, &Arc::default()).unwrap();
        map.take_in(segments, |_, _, _| Ok(())).unwrap();
        map
    }

    fn assert_holds(map: &mut TieredMap<u64>, model: &Model, keys: &[Vec<u8>]) {
        map.load(keys.iter().map(|k| (hash_of(k), k.as_slice())), |_| false, |_| Ok(())).unwrap();
        for key in keys {
            assert_eq!(map.get(hash_of(key), key), model.get(key), "{key:?}");
        }
        map.make_room().unwrap();
    }

    /// Random batches, checkpoints that succeed or come to nothing, and restores: what is kept is what a plain map keeps,
    /// however little memory there is.
    #[test]
    fn with_little_memory_it_keeps_what_a_plain_map_keeps() {
        for (seed, memory) in [(1, 2_000), (2, 20_000), (3, 1 << 30), (4, 200)] {
            let mut random = StdRng::seed_from_u64(seed);
            let folder = tempfile::tempdir().unwrap();
            // Some keys are too long for the disk.
            let length = |n: u32| if n % 100 == 7 { KEY_BYTES_MAX + n as usize * 10 } else { 7 };
            let keys: Vec<Vec<u8>> = (0..600u32).map(|n| format!("{n:0>width$}", width = length(n)).into_bytes()).collect();
            let (mut map, _) = TieredMap::<u64>::open("s", &mut context(folder.path(), memory), &Arc::default()).unwrap();
            let mut model = Model::new();
            // The last durable checkpoint: its number, its chain, and what it stands for.
            let mut durable: (u64, Vec<Bytes>, Model) = (0, Vec::new(), Model::new());
            for checkpoint in 1..60u64 {
                for _ in 0..random.random_range(1..5) {
                    let chosen: Vec<&Vec<u8>> =
                        (0..random.random_range(1..80)).map(|_| &keys[random.random_range(0..keys.len())]).collect();
                    map.load(chosen.iter().map(|k| (hash_of(k), k.as_slice())), |_| false, |_| Ok(())).unwrap();
                    for key in chosen {
                        let (hash, value) = (hash_of(key), random.random());
                        match random.random_range(0..4) {
                            0 => assert_eq!(map.remove(hash, key).unwrap(), model.remove(key)),
                            1 => {
                                let changed = map.change(hash, key, |v| *v = value);
                                assert_eq!(changed.is_some(), model.get_mut(key).map(|v| *v = value).is_some());
                            }
                            _ => {
                                map.insert(hash, key, value);
                                model.insert(key.clone(), value);
                            }
                        }
                    }
                    map.make_room().unwrap();
                }
                let TieredSnapshot::Steps(steps) = map.snapshot(0, |_| false, |v, out| v.encode(out)).unwrap() else {
                    panic!("not in steps")
                };
                if random.random_range(0..4) == 0 {
                    continue;
                }
                let mut chain = match steps.since {
                    None => Vec::new(),
                    Some(since) => {
                        assert_eq!(since, durable.0, "a step goes on from the last durable checkpoint");
                        durable.1.clone()
                    }
                };
                chain.extend(steps.segments.map(Result::unwrap));
                durable = (checkpoint, chain, model.clone());
                map.committed(checkpoint);
                if random.random_range(0..5) == 0 {
                    map = restored(&durable.1, folder.path(), memory, checkpoint);
                }
                assert_holds(&mut map, &model, &keys[..200]);
            }
            for memory in [300, 1 << 30] {
                assert_holds(&mut restored(&durable.1, folder.path(), memory, durable.0), &durable.2, &keys);
            }
        }
    }
}
