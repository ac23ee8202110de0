//! Entries that do not fit in memory, on local disk: an LSM tree (<https://docs.rs/lsm-tree>) without write-ahead log.
//!
//! Entries come in sorted batches, each of which becomes tables at once, so nothing is buffered and a batch is written
//! once, plus what compaction rewrites. Compaction runs on a thread of its own; when too many batches wait for it, the
//! writer waits too.
//!
//! Invariant: this is no place to recover from. Files are never opened by another run.

use super::{
    entries::stored_key,
    expiry::{Expiry, ExpiryFilter},
    local_folder::{LocalFolder, failed},
};
use crate::{error::OperatorError, key::KeyGroup};
use lsm_tree::{
    AbstractTree, AnyTree, Cache, CompressionType, Config, Guard, KvPair, SeqNo, SequenceNumberCounter,
    compaction::Leveled,
    config::{BlockSizePolicy, CompressionPolicy, PinningPolicy},
};
use std::{io, path::Path, sync::Arc, thread::JoinHandle};

/// Sorted batches that wait for compaction before a thread is started for them, and before the writer waits.
const RUNS_BEFORE_COMPACTION: usize = 4;
const RUNS_MAX: usize = 12;
/// Compactions in a row by one thread.
const COMPACTIONS_MAX: usize = 16;
const TABLE_BYTES: u64 = 32 << 20;
/// Reads see what is there: an older moment may be gone by the time it is looked for, when compaction ends in between.
const LATEST: SeqNo = SeqNo::MAX;
/// Keys that are longer stay in memory: the tree takes up to 65,535 bytes.
pub(crate) const KEY_BYTES_MAX: usize = 60_000;

/// Keyed entries on local disk.
pub(crate) struct ColdStore {
    tree: AnyTree,
    seen: SequenceNumberCounter,
    compaction: Option<JoinHandle<Result<(), lsm_tree::Error>>>,
    expiry: Arc<Expiry>,
    /// Removed with the last user of the tree.
    folder: Arc<LocalFolder>,
}

/// All entries at one moment, whatever is written later.
pub(crate) struct ColdEntries {
    entries: Box<dyn DoubleEndedIterator<Item = lsm_tree::IterGuardImpl> + Send + 'static>,
    folder: Arc<LocalFolder>,
}

impl ColdStore {
    /// An empty store in a new folder below `parent`.
    pub(crate) fn make(parent: &Path, name: &str, cache: Arc<Cache>, expiry: Arc<Expiry>) -> Result<Self, OperatorError> {
        let folder = Arc::new(LocalFolder::make(parent, name)?);
        let seen = SequenceNumberCounter::default();
        // Filters and indexes are cut into blocks that the cache takes one by one: a look-up reads two small blocks of a
        // table instead of a filter of a megabyte.
        let config = Config::new(folder.path(), SequenceNumberCounter::default(), seen.clone())
            .use_cache(cache)
            .with_compaction_filter_factory(Some(Arc::new(ExpiryFilter(expiry.clone()))))
            .data_block_size_policy(BlockSizePolicy::all(4_096))
            .data_block_compression_policy(CompressionPolicy::all(CompressionType::None))
            .filter_block_partitioning_policy(PinningPolicy::all(true))
            .index_block_partitioning_policy(PinningPolicy::all(true));
        let tree = config.open().map_err(|error| told("opening", folder.path(), error))?;
        Ok(Self { tree, seen, compaction: None, expiry, folder })
    }

    fn failed(&self, action: &str, error: lsm_tree::Error) -> OperatorError {
        told(action, self.folder.path(), error)
    }

    /// Writes entries, ascending by stored key and each key once; without a value a key is removed.
    pub(crate) fn write<'e>(&mut self, entries: impl Iterator<Item = (&'e [u8], Option<&'e [u8]>)>) -> Result<(), OperatorError> {
        let mut ingestion = self.tree.ingestion().map_err(|error| self.failed("writing", error))?;
        let mut last: &[u8] = &[];
        for (key, value) in entries {
            if key <= last {
                return Err(OperatorError::Internal("state leaves memory out of order".into()));
            }
            let written = match value {
                Some(value) => ingestion.write(key, value),
                None => ingestion.write_tombstone(key),
            };
            written.map_err(|error| self.failed("writing", error))?;
            last = key;
        }
        ingestion.finish().map_err(|error| self.failed("writing", error))?;
        self.compact()
    }

    fn compact(&mut self) -> Result<(), OperatorError> {
        let runs = self.tree.l0_run_count();
        if runs < RUNS_BEFORE_COMPACTION {
            return Ok(());
        }
        if runs >= RUNS_MAX || self.compaction.as_ref().is_none_or(JoinHandle::is_finished) {
            self.end_compaction()?;
            let (tree, seen) = (self.tree.clone(), self.seen.clone());
            let work = move || {
                let strategy = Arc::new(Leveled::default().with_table_target_size(TABLE_BYTES));
                for _ in 0..COMPACTIONS_MAX {
                    tree.compact(strategy.clone(), seen.get())?;
                    if tree.l0_run_count() < RUNS_BEFORE_COMPACTION {
                        break;
                    }
                }
                Ok(())
            };
            let spawned = std::thread::Builder::new().name("state-compaction".into()).spawn(work);
            self.compaction = Some(spawned.map_err(|error| failed("compacting", self.folder.path(), &error))?);
        }
        Ok(())
    }

    fn end_compaction(&mut self) -> Result<(), OperatorError> {
        match self.compaction.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(error))) => Err(self.failed("compacting", error)),
            Some(Err(_)) => Err(OperatorError::Internal("the compaction of state on local disk broke".into())),
        }
    }

    /// The value of a key.
    pub(crate) fn get(&self, group: KeyGroup, key: &[u8], stored: &mut Vec<u8>) -> Result<Option<impl AsRef<[u8]>>, OperatorError> {
        stored.clear();
        stored_key(group, key, stored);
        self.tree.get(&stored[..], LATEST).map_err(|error| self.failed("reading", error))
    }

    /// All entries as they are now, in the order of their stored keys.
    pub(crate) fn entries(&self) -> ColdEntries {
        ColdEntries { entries: self.tree.iter(LATEST, None), folder: self.folder.clone() }
    }

    /// The entries of a key group whose keys begin with `prefix`, as they are now, in the order of their keys.
    pub(crate) fn entries_with(&self, group: KeyGroup, prefix: &[u8]) -> ColdEntries {
        let mut stored = Vec::with_capacity(prefix.len() + 2);
        stored_key(group, prefix, &mut stored);
        ColdEntries { entries: self.tree.prefix(stored, LATEST, None), folder: self.folder.clone() }
    }

    /// The entries of a key group from the key `from` on, as they are now, in the order of their keys.
    pub(crate) fn entries_since(&self, group: KeyGroup, from: &[u8]) -> ColdEntries {
        let mut stored = Vec::with_capacity(from.len() + 2);
        stored_key(group, from, &mut stored);
        let entries = match group.checked_add(1) {
            Some(next) => self.tree.range(stored..next.to_be_bytes().to_vec(), LATEST, None),
            None => self.tree.range(stored.., LATEST, None),
        };
        ColdEntries { entries, folder: self.folder.clone() }
    }

    /// The entries from this stored key on, as they are now.
    pub(crate) fn entries_from(&self, stored: &[u8]) -> ColdEntries {
        ColdEntries { entries: self.tree.range(stored.., LATEST, None), folder: self.folder.clone() }
    }

    /// When entries expire.
    pub(crate) fn expiry(&self) -> &Arc<Expiry> {
        &self.expiry
    }

    pub(crate) fn disk_bytes(&self) -> u64 {
        self.tree.disk_space()
    }
}

impl Drop for ColdStore {
    fn drop(&mut self) {
        // The thread must not write into a folder that is going.
        let _ = self.end_compaction();
    }
}

impl ColdEntries {
    /// Calls `each` with key group, key and value of the next entry; answers whether there was one.
    pub(crate) fn next(&mut self, each: impl FnOnce(KeyGroup, &[u8], &[u8])) -> Result<bool, OperatorError> {
        let Some((key, value)) = self.next_stored()? else { return Ok(false) };
        let (group, bare) =
            (key.as_ref().split_first_chunk::<2>()).ok_or_else(|| OperatorError::Internal("a stored key without a key group".into()))?;
        each(KeyGroup::from_be_bytes(*group), bare, value.as_ref());
        Ok(true)
    }

    /// Stored key and value of the next entry.
    pub(crate) fn next_stored(&mut self) -> Result<Option<KvPair>, OperatorError> {
        let Some(guard) = self.entries.next() else { return Ok(None) };
        guard.into_inner().map(Some).map_err(|error| told("reading", self.folder.path(), error))
    }
}

fn told(action: &str, folder: &Path, error: lsm_tree::Error) -> OperatorError {
    match error {
        lsm_tree::Error::Io(error) => failed(action, folder, &error),
        other => failed(action, folder, &io::Error::other(other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::entries::EntryBuffer;
    use std::collections::BTreeMap;

    #[test]
    fn expired_entries_go_when_they_are_rewritten() {
        let parent = tempfile::tempdir().unwrap();
        let mut store = ColdStore::make(parent.path(), "s", Arc::new(Cache::with_capacity_bytes(1 << 20)), Arc::default()).unwrap();
        store.expiry().set(|value, now_ms| i64::from_le_bytes(*value.first_chunk().unwrap()) < now_ms);
        for round in 0..60i64 {
            store.expiry().pass(round - 3);
            let mut buffer = EntryBuffer::default();
            for n in 0..200u32 {
                let key = (n * 31 + round as u32 * 7_919).to_be_bytes();
                buffer.put((n % 5) as KeyGroup, &key, |out| out.extend_from_slice(&round.to_le_bytes()));
            }
            store.write(buffer.sorted()).unwrap();
            store.end_compaction().unwrap();
        }
        let (mut left, mut entries) = (0, store.entries());
        while entries.next(|_, _, _| left += 1).unwrap() {}
        assert!(left < 60 * 200 / 2, "{left} of {} are left", 60 * 200);
    }

    #[test]
    fn what_is_written_is_read_until_it_is_removed_and_an_earlier_moment_stays() {
        let parent = tempfile::tempdir().unwrap();
        let mut store = ColdStore::make(parent.path(), "s", Arc::new(Cache::with_capacity_bytes(1 << 20)), Arc::default()).unwrap();
        let mut expected: BTreeMap<(KeyGroup, Vec<u8>), Vec<u8>> = BTreeMap::new();
        let mut at_ten = None;
        for round in 0..30u32 {
            let mut buffer = EntryBuffer::default();
            for n in 0..500u32 {
                let (group, key) = ((n % 7) as KeyGroup, (n * 31 % 997 + round).to_be_bytes());
                if (n + round) % 5 == 0 {
                    buffer.remove(group, &key);
                    expected.remove(&(group, key.to_vec()));
                } else {
                    let value = format!("{round}/{n}").into_bytes();
                    buffer.put(group, &key, |out| out.extend_from_slice(&value));
                    expected.insert((group, key.to_vec()), value);
                }
            }
            store.write(buffer.sorted()).unwrap();
            if round == 10 {
                at_ten = Some((store.entries(), expected.clone()));
            }
        }
        let mut stored = Vec::new();
        for ((group, key), value) in &expected {
            let found = store.get(*group, key, &mut stored).unwrap().map(|v| v.as_ref().to_vec());
            assert_eq!(found.as_ref(), Some(value));
        }
        assert!(store.get(200, b"none", &mut stored).unwrap().is_none());
        let read = |mut entries: ColdEntries| {
            let mut all = BTreeMap::new();
            while entries.next(|group, key, value| drop(all.insert((group, key.to_vec()), value.to_vec()))).unwrap() {}
            all
        };
        assert_eq!(read(store.entries()), expected);
        let (entries, then) = at_ten.unwrap();
        drop(store);
        assert_eq!(read(entries), then, "also after its store is gone");
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0, "the folder goes with its last user");
    }
}
