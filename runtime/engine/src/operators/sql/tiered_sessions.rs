//! Sessions whose keys leave memory when it is short: all sessions of a key together, with what they hold.
//!
//! A batch first brings its keys to memory ([`TieredSessions::load`]), then sessions are placed there, then keys that were not
//! used for longest leave ([`TieredSessions::make_room`]). Those on disk are found again when they are due ([`DueKeys`]).
//!
//! Invariant: between `load` and `make_room` a key of the batch that is not found has no session.

use super::{
    due_keys::DueKeys,
    groups::{BlobWriter, read_i64, read_key},
    sessions::{KeySessions, Session, Sessions},
};
use crate::{
    error::OperatorError,
    key::{KeyGroup, key_group_of},
    operators::{OperatorContext, OperatorSnapshot},
    state::{
        CHANGED, EachEntry, EntryBuffer, HotState, KEY_BYTES_MAX, PINNED, STORED, StateBackend, StateError, UNSAVED, UNSTORED,
        leaving::staying, read_segment,
    },
};
use millrace_model::ids::CheckpointId;
use std::sync::Arc;

/// What a key takes besides its bytes and what its sessions hold: entries of both tables.
const KEY_BYTES: u64 = 160;
/// Entries that are written to disk together.
const RUN_BYTES: usize = 32 << 20;
/// Keys are kept on disk with a time before them.
const LONGEST_KEY_BYTES: usize = KEY_BYTES_MAX - 8;

/// What sessions hold, by slot.
pub(super) trait SessionContents {
    /// Writes what these slots hold, by position.
    fn states<'a>(&'a self, slots: &'a [u32]) -> Result<PutState<'a>, OperatorError>;

    /// A new slot for a session of this key with what was written, taken off the front.
    fn take_in(&mut self, key: &[u8], state: &mut &[u8]) -> Result<u32, OperatorError>;

    /// Forgets a slot.
    fn release(&mut self, slot: u32);

    /// Whether a stored key is one of this key group.
    fn check_key(&self, group: KeyGroup, key: &[u8]) -> Result<(), StateError>;
}

/// Appends the state of the slot at a position.
pub(super) type PutState<'a> = Box<dyn Fn(usize, &mut Vec<u8>) + 'a>;

/// A session that is complete, with its key.
pub(super) type Complete = (Arc<[u8]>, Session);

pub(super) struct TieredSessions {
    name: &'static str,
    pub sessions: Sessions,
    backend: StateBackend,
    due: DueKeys,
    key_bytes: u64,
}

impl TieredSessions {
    /// Opens the state over what is restored for it.
    pub(super) fn open(
        name: &'static str,
        gap_ms: i64,
        contents: &mut impl SessionContents,
        context: &mut OperatorContext,
    ) -> Result<Self, OperatorError> {
        let (backend, segments) = context.state.backend(name, &context.metrics)?;
        let mut made = Self { name, sessions: Sessions::new(gap_ms), backend, due: DueKeys::default(), key_bytes: 0 };
        for (range, segment) in segments {
            let wanted = |group| range.contains(group);
            read_segment(&segment, wanted, |group, key, value| {
                contents.check_key(group, key)?;
                made.drop_key(key, contents);
                value.map_or(Ok(()), |value| made.put(key, value, UNSTORED, contents))
            })?;
        }
        if made.backend.has_cold() {
            let Self { backend, due, .. } = &mut made;
            backend.scan(&mut |group, key, value| {
                contents.check_key(group, key)?;
                let mut value = value;
                read_i64(&mut value)?;
                read_i64(&mut value)?;
                due.put(group, key, read_i64(&mut value)?);
                if due.is_full() { due.write(backend) } else { Ok(()) }
            })?;
            due.write(backend)?;
        }
        for (&group, blob) in context.restored.get(name).into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = read_key(&mut blob)?;
                contents.check_key(group, key)?;
                let (start_ms, end_ms) = (read_i64(&mut blob)?, read_i64(&mut blob)?);
                let slot = contents.take_in(key, &mut blob)?;
                made.sessions.restore(key, Session { start_ms, end_ms, slot });
            }
        }
        Ok(made)
    }

    /// Puts a key with all of its sessions as they were written.
    fn put(&mut self, key: &[u8], mut value: &[u8], marks: u8, contents: &mut impl SessionContents) -> Result<(), OperatorError> {
        let count = read_i64(&mut value)?;
        for _ in 0..count {
            let (start_ms, end_ms) = (read_i64(&mut value)?, read_i64(&mut value)?);
            let mut state = read_key(&mut value)?;
            let slot = contents.take_in(key, &mut state)?;
            self.sessions.restore(key, Session { start_ms, end_ms, slot });
            if !state.is_empty() {
                return Err(StateError(format!("{} bytes behind a session", state.len())).into());
            }
        }
        if !value.is_empty() || count == 0 {
            return Err(StateError(format!("{count} sessions, {} bytes behind them", value.len())).into());
        }
        self.sessions.set_marks(key, marks);
        Ok(())
    }

    fn drop_key(&mut self, key: &[u8], contents: &mut impl SessionContents) {
        for session in self.sessions.take(key).into_iter().flat_map(|kept| kept.all) {
            contents.release(session.slot);
        }
    }

    /// Begins a batch with these keys: afterwards those that have sessions are in memory.
    pub(super) fn load<'k>(
        &mut self,
        keys: impl Iterator<Item = &'k [u8]>,
        contents: &mut impl SessionContents,
    ) -> Result<(), OperatorError> {
        self.sessions.next_batch();
        if !self.backend.has_cold() {
            return Ok(());
        }
        let missing = keys.filter(|key| !self.sessions.has(key)).map(|key| (key_group_of(key), key)).collect();
        self.bring(missing, contents)
    }

    fn bring(&mut self, mut missing: Vec<(KeyGroup, &[u8])>, contents: &mut impl SessionContents) -> Result<(), OperatorError> {
        missing.sort_unstable();
        missing.dedup();
        let mut found = Vec::new();
        self.backend.load(missing.iter().copied(), |position, value| {
            found.push((position, value.to_vec()));
            Ok(())
        })?;
        found.into_iter().try_for_each(|(position, value)| self.put(missing[position].1, &value, STORED, contents))
    }

    /// When the session that ends first ends; not later.
    pub(super) fn next_end_ms(&self) -> Option<i64> {
        self.sessions.next_end_ms().into_iter().chain(self.due.next_ms()).min()
    }

    /// Takes sessions whose end `is_due`, about `max` of them; none at the end. What they hold is to be released.
    pub(super) fn take_due(
        &mut self,
        max: usize,
        is_due: impl Fn(i64) -> bool,
        contents: &mut impl SessionContents,
    ) -> Result<Vec<Complete>, OperatorError> {
        let mut complete = Vec::new();
        loop {
            while complete.len() < max && self.sessions.next_end_ms().is_some_and(&is_due) {
                let Some((key, session, gone)) = self.sessions.pop() else { break };
                if let Some(marks) = gone {
                    self.backend.removed(key_group_of(&key), &key, marks)?;
                }
                complete.push((key, session));
            }
            if complete.len() >= max || !self.due.next_ms().is_some_and(&is_due) {
                return Ok(complete);
            }
            let taken = self.due.take(&is_due)?;
            let missing = taken.iter().map(|(group, key)| (*group, key.as_slice())).filter(|(_, key)| !self.sessions.has(key)).collect();
            self.bring(missing, contents)?;
        }
    }

    /// Ends a batch: keys that were not used for longest leave if memory is short. `bytes` is what sessions hold.
    pub(super) fn make_room(&mut self, bytes: u64, contents: &mut impl SessionContents) -> Result<(), OperatorError> {
        let keys = self.sessions.len();
        let all_bytes = bytes + (KEY_BYTES + self.key_bytes) * keys as u64;
        let Some(stay_bytes) = self.backend.takes(all_bytes) else { return Ok(()) };
        self.key_bytes = self.sessions.key_bytes();
        let leave = self.sessions.oldest(staying(stay_bytes, keys, all_bytes), LONGEST_KEY_BYTES);
        let (mut buffer, mut value) = (EntryBuffer::default(), Vec::new());
        for key in leave {
            let Some(kept) = self.sessions.take(&key) else { continue };
            let group = key_group_of(&key);
            if kept.marks & CHANGED != 0 {
                value.clear();
                put_value(&kept.all, contents, &mut value)?;
            }
            if kept.marks & UNSAVED != 0 {
                self.backend.unsaved(group, &key, &value)?;
            }
            if kept.marks & UNSTORED != 0 {
                buffer.put(group, &key, |out| out.extend_from_slice(&value));
            }
            if let Some(first) = kept.all.first() {
                self.due.put(group, &key, first.end_ms);
            }
            kept.all.iter().for_each(|session| contents.release(session.slot));
            if buffer.bytes() >= RUN_BYTES {
                self.backend.evict(&mut buffer)?;
                buffer.clear();
                self.due.write(&self.backend)?;
            }
        }
        if !buffer.is_empty() {
            self.backend.evict(&mut buffer)?;
        }
        self.due.write(&self.backend)?;
        let left = all_bytes / keys.max(1) as u64 * self.sessions.len() as u64;
        self.backend.takes(left);
        Ok(())
    }

    /// The last checkpoint is durable.
    pub(super) fn committed(&mut self, checkpoint: CheckpointId) {
        self.backend.committed(checkpoint);
    }

    /// Adds the state to a checkpoint: whole while it is small, then in steps.
    pub(super) fn add_to(&mut self, snapshot: &mut OperatorSnapshot, contents: &impl SessionContents) -> Result<(), OperatorError> {
        if !self.backend.is_small() {
            let mut hot = HotSessions { sessions: &mut self.sessions, contents };
            let segments = self.backend.snapshot(&mut hot, i64::MIN)?;
            snapshot.segments.insert(self.name.to_owned(), segments);
            return Ok(());
        }
        self.backend.snapshot_small();
        let mut blobs = BlobWriter::default();
        let mut sessions: Vec<_> = self.sessions.iter().collect();
        // The same state is the same bytes.
        sessions.sort_unstable_by_key(|(_, session)| session.slot);
        let slots: Vec<u32> = sessions.iter().map(|(_, session)| session.slot).collect();
        let put_state = contents.states(&slots)?;
        for (position, (key, session)) in sessions.into_iter().enumerate() {
            blobs.entry(key, |out| {
                out.extend_from_slice(&session.start_ms.to_le_bytes());
                out.extend_from_slice(&session.end_ms.to_le_bytes());
                put_state(position, out);
            });
        }
        snapshot.keyed.insert(self.name.to_owned(), blobs.finish());
        Ok(())
    }
}

/// Appends the sessions of a key: their number, then of each start, end and what it holds.
fn put_value(sessions: &[Session], contents: &impl SessionContents, out: &mut Vec<u8>) -> Result<(), OperatorError> {
    out.extend_from_slice(&(sessions.len() as i64).to_le_bytes());
    let slots: Vec<u32> = sessions.iter().map(|session| session.slot).collect();
    let put_state = contents.states(&slots)?;
    for (position, session) in sessions.iter().enumerate() {
        out.extend_from_slice(&session.start_ms.to_le_bytes());
        out.extend_from_slice(&session.end_ms.to_le_bytes());
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        put_state(position, out);
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }
    Ok(())
}

struct HotSessions<'a, C> {
    sessions: &'a mut Sessions,
    contents: &'a C,
}

impl<C: SessionContents> HotState for HotSessions<'_, C> {
    fn entries(&self, marks: u8, each: &mut EachEntry<'_>) -> Result<(), OperatorError> {
        let mut value = Vec::new();
        for (key, kept) in self.sessions.keys() {
            let is_pinned = marks & PINNED != 0 && key.len() > KEY_BYTES_MAX;
            if marks == 0 || kept.marks & marks != 0 || is_pinned {
                value.clear();
                put_value(&kept.all, self.contents, &mut value)?;
                each(key_group_of(key), key, &value)?;
            }
        }
        Ok(())
    }

    fn mark(&mut self, clear: u8, set: u8) {
        self.sessions.keys_mut().for_each(|kept: &mut KeySessions| kept.marks = kept.marks & !clear | set);
    }
}
