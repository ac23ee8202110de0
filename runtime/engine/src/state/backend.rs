//! What lies behind the part of a keyed state that an operator has in memory: entries on local disk, and what has changed
//! since the last checkpoint.
//!
//! The operator keeps entries in memory in whatever form is fast, and per entry a byte of marks. It asks for entries that
//! it has not ([`StateBackend::load`]), hands over entries when memory is short ([`StateBackend::evict`]), and tells of
//! removals ([`StateBackend::removed`]). An entry in memory always counts for more than one on disk.
//!
//! Checkpoints of small state are whole and the operator's own business ([`StateBackend::is_small`]). Of large state the
//! first one is whole and the next ones hold what has changed, until that is more than the whole.
//!
//! Invariant: a step of a chain holds every change since the checkpoint that the chain goes on from, which is durable.

use super::{
    budget::{StateBudget, StateShare},
    change_log::{ChangeLog, SEGMENT_BYTES},
    cold::{ColdEntries, ColdStore, KEY_BYTES_MAX},
    entries::{EntryBuffer, SegmentWriter, stored_key},
    expiry::Expiry,
    local_folder::LocalFolder,
};
use crate::{error::OperatorError, key::KeyGroup, metrics::SubtaskMetrics};
use bytes::Bytes;
use millrace_checkpoint::KeyGroupRange;
use millrace_model::ids::CheckpointId;
use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// The entry is not in the last checkpoint as it is now.
pub(crate) const UNSAVED: u8 = 1;
/// The entry is not on disk as it is now.
pub(crate) const UNSTORED: u8 = 2;
/// Something of the key may lie on disk.
pub(crate) const STORED: u8 = 4;
/// The key is too long for the disk: the entry stays in memory.
pub(crate) const PINNED: u8 = 8;
/// What a change of an entry sets.
pub(crate) const CHANGED: u8 = UNSAVED | UNSTORED;

/// Removals that are kept in memory before they are written to disk.
const REMOVALS_MAX: usize = 65_536;

/// Keyed state in steps, for a checkpoint.
pub struct StateSegments {
    /// The checkpoint whose chain this goes on from; `None` for whole state.
    pub since: Option<CheckpointId>,
    /// The segments, oldest first; made while they are written.
    pub segments: Box<dyn Iterator<Item = Result<Bytes, OperatorError>> + Send>,
}

impl fmt::Debug for StateSegments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateSegments").field("since", &self.since).finish_non_exhaustive()
    }
}

/// A chain to go on from.
pub struct RestoredChain {
    /// The checkpoint of this instance that it is of; `None` when it is a savepoint's, to which nothing can be added.
    pub since: Option<CheckpointId>,
    /// Bytes of its segments.
    pub bytes: u64,
    pub(crate) content: ChainContent,
}

pub(crate) enum ChainContent {
    /// Segments, oldest first, with the key groups that count in them.
    Memory(Vec<(KeyGroupRange, Bytes)>),
    /// On disk, with segments of the keys that are too long for it.
    Disk(ColdStore, Vec<(KeyGroupRange, Bytes)>),
}

/// What a subtask has for its keyed state.
#[derive(Default)]
pub struct StateContext {
    /// Restored chains by state name.
    pub chains: BTreeMap<String, RestoredChain>,
    /// Whether state that was made by another query is left out instead of refused.
    pub may_begin_empty: bool,
    /// Memory of the job's state.
    pub budget: Arc<StateBudget>,
    /// Folder for this subtask's state on local disk.
    pub folder: Option<PathBuf>,
}

impl StateContext {
    /// Opens the state `name`. What was restored in memory is for the operator to take in.
    pub(crate) fn backend(
        &mut self,
        name: &'static str,
        metrics: &Arc<SubtaskMetrics>,
    ) -> Result<(StateBackend, Vec<(KeyGroupRange, Bytes)>), OperatorError> {
        let mut backend = StateBackend {
            name,
            share: StateShare::open(self.budget.clone(), metrics.clone()),
            parent: self.folder.clone(),
            folder: None,
            cold: None,
            expiry: Arc::default(),
            removals: HashSet::new(),
            log: ChangeLog::default(),
            since: None,
            last: Last::None,
            whole_bytes: Arc::default(),
            step_bytes: 0,
            stored: Vec::new(),
        };
        let Some(chain) = self.chains.remove(name) else { return Ok((backend, Vec::new())) };
        backend.since = chain.since;
        // What it was whole is not known: a chain that has been added to is at most as large again.
        backend.whole_bytes.store(chain.bytes / 2, Relaxed);
        backend.step_bytes = chain.bytes / 2;
        match chain.content {
            ChainContent::Memory(segments) => Ok((backend, segments)),
            ChainContent::Disk(store, segments) => {
                backend.share.takes_disk(store.disk_bytes());
                backend.expiry = store.expiry().clone();
                backend.cold = Some(store);
                Ok((backend, segments))
            }
        }
    }
}

/// What the last checkpoint was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing, or it is durable by now.
    None,
    /// Small state, whole, outside of chains.
    Small,
    Whole,
    Step,
}

/// The part of a keyed state that is not in the operator's memory.
pub(crate) struct StateBackend {
    name: &'static str,
    share: StateShare,
    parent: Option<PathBuf>,
    folder: Option<Arc<LocalFolder>>,
    cold: Option<ColdStore>,
    /// When values on disk expire; the same as that of `cold`.
    expiry: Arc<Expiry>,
    /// Keys that are removed and may still lie on disk, as stored.
    removals: HashSet<Box<[u8]>>,
    log: ChangeLog,
    /// The durable checkpoint that the chain goes on from.
    since: Option<CheckpointId>,
    last: Last,
    /// Size of the last whole state, known once it is written.
    whole_bytes: Arc<AtomicU64>,
    /// Size of the steps since.
    step_bytes: u64,
    /// Scratch: a stored key.
    stored: Vec<u8>,
}

/// Takes key group, key and value of an entry.
pub(crate) type EachEntry<'a> = dyn FnMut(KeyGroup, &[u8], &[u8]) -> Result<(), OperatorError> + 'a;

/// What an operator has in memory.
pub(crate) trait HotState {
    /// Calls `each` with key group, key and value of every entry that has one of these marks (of every entry for 0).
    fn entries(&self, marks: u8, each: &mut EachEntry<'_>) -> Result<(), OperatorError>;

    /// Clears marks of all entries and sets others.
    fn mark(&mut self, clear: u8, set: u8);
}

impl StateBackend {
    /// Whether entries may lie on disk, so that one that is not in memory has to be looked for.
    #[inline]
    pub(crate) fn has_cold(&self) -> bool {
        self.cold.is_some()
    }

    /// Whether changes have to be told because a checkpoint may hold them alone.
    fn tracks(&self) -> bool {
        self.since.is_some() || self.last == Last::Whole
    }

    /// Whether marks of entries have a use: whoever has neither written a checkpoint of its own nor anything to disk may
    /// take all of its entries for changed.
    #[inline]
    pub(crate) fn needs_marks(&self) -> bool {
        self.has_cold() || self.tracks()
    }

    /// When values on disk expire.
    pub(crate) fn expiry(&self) -> &Expiry {
        &self.expiry
    }

    /// Takes note of what the operator has in memory; answers how many bytes of it may stay if that is too much.
    #[inline]
    pub(crate) fn takes(&mut self, bytes: u64) -> Option<u64> {
        self.share.takes(bytes)
    }

    /// Whether the state is small enough for whole checkpoints; then [`Self::snapshot_small`] says that one was made.
    pub(crate) fn is_small(&self) -> bool {
        self.cold.is_none() && self.share.memory_bytes() < self.share.budget().incremental_bytes_min()
    }

    /// Looks for keys that are not in memory; calls `found` with the position of each that is on disk, and its value.
    pub(crate) fn load<'k>(
        &mut self,
        keys: impl Iterator<Item = (KeyGroup, &'k [u8])>,
        mut found: impl FnMut(usize, &[u8]) -> Result<(), OperatorError>,
    ) -> Result<(), OperatorError> {
        let Some(cold) = &self.cold else { return Ok(()) };
        for (position, (group, key)) in keys.enumerate() {
            if key.len() > KEY_BYTES_MAX {
                continue;
            }
            if !self.removals.is_empty() {
                self.stored.clear();
                stored_key(group, key, &mut self.stored);
                if self.removals.contains(&self.stored[..]) {
                    continue;
                }
            }
            if let Some(value) = cold.get(group, key, &mut self.stored)? {
                found(position, value.as_ref())?;
            }
        }
        Ok(())
    }

    /// Calls `each` with key group, key and value of every entry on disk. One in memory is newer.
    pub(crate) fn scan(&self, each: &mut EachEntry<'_>) -> Result<(), OperatorError> {
        let Some(cold) = &self.cold else { return Ok(()) };
        let (mut entries, mut answer) = (cold.entries(), Ok(()));
        let mut stored = Vec::new();
        while entries.next(|group, key, value| {
            stored.clear();
            stored_key(group, key, &mut stored);
            if !self.removals.contains(&stored[..]) {
                answer = each(group, key, value);
            }
        })? {
            std::mem::replace(&mut answer, Ok(()))?;
        }
        answer
    }

    /// The entries on disk of a key group whose keys begin with `prefix`, as they are now; also those of keys that have been
    /// removed, see [`Self::is_removed`].
    pub(crate) fn entries_with(&self, group: KeyGroup, prefix: &[u8]) -> Option<ColdEntries> {
        self.cold.as_ref().map(|cold| cold.entries_with(group, prefix))
    }

    /// Whether a key that may lie on disk has been removed.
    pub(crate) fn is_removed(&mut self, group: KeyGroup, key: &[u8]) -> bool {
        if self.removals.is_empty() {
            return false;
        }
        self.stored.clear();
        stored_key(group, key, &mut self.stored);
        self.removals.contains(&self.stored[..])
    }

    /// An empty store beside that of the entries, for what can be made of them again.
    pub(crate) fn beside(&self, name: &str) -> Result<ColdStore, OperatorError> {
        let parent = self.parent.as_ref().ok_or_else(|| OperatorError::Internal("state has no folder to leave memory for".into()))?;
        ColdStore::make(parent, &format!("{}-{name}", self.name), self.share.budget().cache(), Arc::default())
    }

    /// Nothing on disk counts any more.
    pub(crate) fn leave_disk(&mut self) {
        self.cold = None;
        self.removals.clear();
        self.share.takes_disk(self.log.bytes());
    }

    /// The marks of a new entry.
    #[inline]
    pub(crate) fn new_marks(key: &[u8]) -> u8 {
        if key.len() > KEY_BYTES_MAX { CHANGED | PINNED } else { CHANGED }
    }

    /// An unsaved entry is about to leave memory.
    pub(crate) fn unsaved(&mut self, group: KeyGroup, key: &[u8], value: &[u8]) -> Result<(), OperatorError> {
        if self.tracks() { self.log_put(group, key, Some(value)) } else { Ok(()) }
    }

    fn log_put(&mut self, group: KeyGroup, key: &[u8], value: Option<&[u8]>) -> Result<(), OperatorError> {
        if self.log.bytes() as usize >= SEGMENT_BYTES / 2 && self.folder.is_none() {
            self.make_folder()?;
        }
        self.log.put(group, key, value, self.folder.as_ref())
    }

    fn make_folder(&mut self) -> Result<(), OperatorError> {
        if let Some(parent) = &self.parent {
            self.folder = Some(Arc::new(LocalFolder::make(parent, &format!("{}-changes", self.name))?));
        }
        Ok(())
    }

    /// Writes entries that leave memory, or that are to be on disk before all of it is read.
    pub(crate) fn evict(&mut self, entries: &mut EntryBuffer) -> Result<(), OperatorError> {
        let mut cold = match (self.cold.take(), &self.parent) {
            (Some(cold), _) => cold,
            (None, Some(parent)) => ColdStore::make(parent, self.name, self.share.budget().cache(), self.expiry.clone())?,
            (None, None) => return Err(OperatorError::Internal("state has no folder to leave memory for".into())),
        };
        let mut removals = EntryBuffer::default();
        // Removals first: of a key that came again the entry counts.
        for stored in self.removals.drain() {
            if let Some((group, key)) = stored.split_first_chunk::<2>() {
                removals.remove(KeyGroup::from_be_bytes(*group), key);
            }
        }
        let written =
            if removals.is_empty() { cold.write(entries.sorted()) } else { cold.write(merged(removals.sorted(), entries.sorted())) };
        let disk_bytes = cold.disk_bytes();
        self.cold = Some(cold);
        self.share.takes_disk(disk_bytes + self.log.bytes());
        written
    }

    /// A key has gone; `marks` are those of its entry.
    pub(crate) fn removed(&mut self, group: KeyGroup, key: &[u8], marks: u8) -> Result<(), OperatorError> {
        if self.tracks() {
            self.log_put(group, key, None)?;
        }
        if marks & STORED != 0 && key.len() <= KEY_BYTES_MAX && self.cold.is_some() {
            let mut stored = Vec::with_capacity(key.len() + 2);
            stored_key(group, key, &mut stored);
            self.removals.insert(stored.into());
            if self.removals.len() >= REMOVALS_MAX {
                self.evict(&mut EntryBuffer::default())?;
            }
        }
        Ok(())
    }

    /// A whole checkpoint was made of small state: chains end here.
    pub(crate) fn snapshot_small(&mut self) {
        self.log.clear();
        self.since = None;
        self.last = Last::Small;
    }

    /// The state for a checkpoint: what has changed, or all of it that has not expired.
    pub(crate) fn snapshot(&mut self, hot: &mut dyn HotState, now_ms: i64) -> Result<StateSegments, OperatorError> {
        self.expiry.pass(now_ms);
        let is_outgrown =
            self.step_bytes + self.log.bytes() > self.whole_bytes.load(Relaxed).max(self.share.budget().incremental_bytes_min());
        if self.since.is_none() || self.last == Last::Whole || is_outgrown {
            return self.whole(hot);
        }
        hot.entries(UNSAVED, &mut |group, key, value| self.log_put(group, key, Some(value)))?;
        hot.mark(UNSAVED, 0);
        let segments = self.log.give();
        self.last = Last::Step;
        Ok(StateSegments { since: self.since, segments: Box::new(segments.into_iter().map(|s| s.read())) })
    }

    fn whole(&mut self, hot: &mut dyn HotState) -> Result<StateSegments, OperatorError> {
        self.last = Last::Whole;
        self.log.clear();
        self.step_bytes = 0;
        self.whole_bytes = Arc::default();
        let whole_bytes = self.whole_bytes.clone();
        if self.cold.is_none() {
            let (mut writer, mut segments) = (SegmentWriter::default(), Vec::new());
            hot.entries(0, &mut |group, key, value| {
                writer.put(group, key, Some(value));
                if writer.bytes() >= SEGMENT_BYTES {
                    segments.extend(writer.take());
                }
                Ok(())
            })?;
            segments.extend(writer.take());
            hot.mark(UNSAVED, 0);
            whole_bytes.store(segments.iter().map(|s| s.len() as u64).sum(), Relaxed);
            return Ok(StateSegments { since: None, segments: Box::new(segments.into_iter().map(Ok)) });
        }
        // Everything is brought to disk, where it can be read as it is now while the operator goes on.
        let mut buffer = EntryBuffer::default();
        let mut stay = SegmentWriter::default();
        hot.entries(UNSTORED | PINNED, &mut |group, key, value| {
            if key.len() > KEY_BYTES_MAX {
                stay.put(group, key, Some(value));
            } else {
                buffer.put(group, key, |out| out.extend_from_slice(value));
            }
            Ok(())
        })?;
        self.evict(&mut buffer)?;
        hot.mark(CHANGED, STORED);
        let cold = self.cold.as_ref().ok_or_else(|| OperatorError::Internal("state on disk has gone".into()))?;
        // What expires while this is read belongs to it still.
        let (expiry, now_ms) = (self.expiry.clone(), self.expiry.now_ms());
        let entries = WholeState { entries: Some(cold.entries()), writer: stay, expiry, now_ms, bytes: whole_bytes };
        Ok(StateSegments { since: None, segments: Box::new(entries) })
    }

    /// The last checkpoint is durable.
    pub(crate) fn committed(&mut self, checkpoint: CheckpointId) {
        match std::mem::replace(&mut self.last, Last::None) {
            Last::None => {}
            Last::Small => self.since = None,
            Last::Whole => self.since = Some(checkpoint),
            Last::Step => {
                self.step_bytes += self.log.given_bytes();
                self.log.committed();
                self.since = Some(checkpoint);
            }
        }
    }
}

/// Both in one ascending order; of a key in both the entry counts.
fn merged<'e>(
    removals: impl Iterator<Item = (&'e [u8], Option<&'e [u8]>)>,
    entries: impl Iterator<Item = (&'e [u8], Option<&'e [u8]>)>,
) -> impl Iterator<Item = (&'e [u8], Option<&'e [u8]>)> {
    let (mut removals, mut entries) = (removals.peekable(), entries.peekable());
    std::iter::from_fn(move || match (removals.peek(), entries.peek()) {
        (Some((removed, _)), Some((kept, _))) if removed < kept => removals.next(),
        (Some((removed, _)), Some((kept, _))) => {
            if removed == kept {
                removals.next();
            }
            entries.next()
        }
        (Some(_), None) => removals.next(),
        (None, _) => entries.next(),
    })
}

/// All entries on disk as segments.
struct WholeState {
    entries: Option<ColdEntries>,
    writer: SegmentWriter,
    expiry: Arc<Expiry>,
    /// When it was taken.
    now_ms: i64,
    bytes: Arc<AtomicU64>,
}

impl WholeState {
    fn segment(&mut self) -> Result<Option<Bytes>, OperatorError> {
        if let Some(entries) = &mut self.entries {
            let (writer, expiry, now_ms) = (&mut self.writer, &self.expiry, self.now_ms);
            let next = |entries: &mut ColdEntries, writer: &mut SegmentWriter| {
                entries.next(|group, key, value| {
                    if !expiry.is_expired(value, now_ms) {
                        writer.put(group, key, Some(value));
                    }
                })
            };
            while next(entries, writer)? {
                if writer.bytes() >= SEGMENT_BYTES {
                    return Ok(writer.take());
                }
            }
            self.entries = None;
        }
        Ok(self.writer.take())
    }
}

impl Iterator for WholeState {
    type Item = Result<Bytes, OperatorError>;

    fn next(&mut self) -> Option<Self::Item> {
        let segment = self.segment().transpose()?;
        if let Ok(bytes) = &segment {
            self.bytes.fetch_add(bytes.len() as u64, Relaxed);
        }
        Some(segment)
    }
}
