//! Groups of windows, or of slices of windows: in memory while there is room, else on local disk.
//!
//! The groups of a window leave memory together, those of the window that was not used for longest first; a batch brings
//! back the keys that it needs ([`TieredWindows::update`]). A window that is complete leaves in portions ([`leaving`]).
//!
//! On disk and in checkpoints in steps a key is the window's end and start, then the group's key; a value is when the window
//! is complete, then the group's state. What was complete at the kept watermark counts no more, wherever it lies, so nothing
//! has to be removed when a window fires. Windows of the clock have no such mark: their entries are removed one by one.
//!
//! Invariant: an entry in memory is newer than one on disk, and `cold` has every window with entries on disk that count.

mod contents;
pub(crate) mod gathered;
mod hot_windows;
mod leaving;
pub(crate) mod slices;

use super::{
    groups::{BlobWriter, GroupSpec, Groups, hash_of, key_of, read_i64, read_key},
    hot_groups::EntrySize,
    kept_watermark::KeptWatermark,
};
use crate::{
    error::OperatorError,
    key::{KeyGroup, key_group_of_hash},
    operators::{OperatorContext, OperatorSnapshot},
    state::{
        CHANGED, EntryBuffer, KEY_BYTES_MAX, STORED, StateBackend, StateError, UNSAVED, UNSTORED, leaving::USED_BYTES_MAX, read_segment,
    },
};
use arrow_row::Rows;
pub(crate) use contents::WindowContents;
use hot_windows::HotWindows;
use leaving::Leaving;
use millrace_model::{Batch, ids::CheckpointId};
use std::collections::{BTreeMap, VecDeque};

/// End and start of a window (wall clock); a slice has no start of its own.
pub(crate) type Window = (i64, i64);

/// Bytes of a window before a key.
const WINDOW_BYTES: usize = 16;
/// Entries that are written to disk together.
const RUN_BYTES: usize = 32 << 20;
/// What a window takes besides its groups.
const BUCKET_BYTES: u64 = 512;

/// Bytes on disk by window and key group, about.
pub(super) type ColdWindows = BTreeMap<Window, BTreeMap<KeyGroup, u64>>;

/// When a window is complete (epoch milliseconds).
pub(crate) type CompletesMs = Box<dyn Fn(Window) -> i64 + Send + Sync>;

/// What windows of an operator are like.
pub(crate) struct WindowsForm {
    /// Name of the state.
    pub name: &'static str,
    /// Whether small checkpoints have a start beside each end.
    pub has_starts: bool,
    /// Windows fire by the clock, not by the watermark.
    pub is_by_clock: bool,
    pub completes_ms: CompletesMs,
}

/// Groups of one window in memory.
pub(super) struct Bucket<C> {
    pub groups: C,
    /// Groups that are counted already.
    counted: usize,
    /// Per slot what checkpoints and the disk do not have yet; slots behind the end have changed.
    pub marks: Vec<u8>,
    /// Batch in which it was last used, and if its groups are large also the slots.
    used: u64,
    recent: Vec<u32>,
}

pub(crate) struct TieredWindows<C> {
    form: WindowsForm,
    buckets: BTreeMap<Window, Bucket<C>>,
    cold: ColdWindows,
    backend: StateBackend,
    size: EntrySize,
    /// Groups in memory.
    entries: usize,
    /// Batches so far.
    clock: u64,
    /// Windows that are on their way out, in order.
    leaving: VecDeque<Leaving<C>>,
    /// Every window has left that was complete by then.
    passed_ms: i64,
    passing_ms: i64,
}

impl<C: WindowContents> TieredWindows<C> {
    /// Opens the state over what is restored for it.
    pub(crate) fn open(
        form: WindowsForm,
        spec: &C::Spec,
        watermark: &KeptWatermark,
        context: &mut OperatorContext,
    ) -> Result<Self, OperatorError> {
        let (backend, segments) = context.state.backend(form.name, &context.metrics)?;
        backend.expiry().pass(i64::MIN);
        if !form.is_by_clock {
            backend.expiry().set(|value, passed_ms| read_i64(&mut { value }).is_ok_and(|complete_ms| complete_ms <= passed_ms));
        }
        let mut made = Self {
            form,
            buckets: BTreeMap::new(),
            cold: BTreeMap::new(),
            backend,
            size: EntrySize::default(),
            entries: 0,
            clock: 0,
            leaving: VecDeque::new(),
            passed_ms: i64::MIN,
            passing_ms: i64::MIN,
        };
        for (range, segment) in segments {
            let wanted = |group| range.contains(group);
            read_segment(&segment, wanted, |group, key, value| made.take_in(spec, watermark, group, key, value))?;
        }
        made.count_cold(spec, watermark)?;
        for (&group, blob) in context.restored.get(made.form.name).into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = read_key(&mut blob)?;
                C::check_key(spec, group, key)?;
                let end_ms = read_i64(&mut blob)?;
                let window = (end_ms, if made.form.has_starts { read_i64(&mut blob)? } else { 0 });
                bucket_at(&mut made.buckets, spec, window)?.groups.take_in(spec, hash_of(key), key, &mut blob)?;
                made.recount(window);
            }
        }
        made.make_room()?;
        Ok(made)
    }

    /// Whether a window had left before the checkpoint that it is read from.
    fn is_over(&self, window: Window, group: KeyGroup, watermark: &KeptWatermark) -> bool {
        !self.form.is_by_clock && (self.form.completes_ms)(window) <= watermark.fired_ms(group)
    }

    /// Takes in what a segment of restored state says of a key.
    fn take_in(
        &mut self,
        spec: &C::Spec,
        watermark: &KeptWatermark,
        group: KeyGroup,
        stored: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), OperatorError> {
        let (window, key) = window_and_key(stored)?;
        C::check_key(spec, group, key)?;
        if self.is_over(window, group, watermark) {
            return Ok(());
        }
        let hash = hash_of(key);
        let Some(value) = value else {
            if let Some(bucket) = self.buckets.get_mut(&window) {
                bucket.remove(hash, key);
            }
            self.recount(window);
            return Ok(());
        };
        let bucket = bucket_at(&mut self.buckets, spec, window)?;
        bucket.remove(hash, key);
        bucket.put(spec, hash, key, value, UNSTORED)?;
        self.recount(window);
        Ok(())
    }

    /// Finds the windows of restored entries that went straight to disk.
    fn count_cold(&mut self, spec: &C::Spec, watermark: &KeptWatermark) -> Result<(), OperatorError> {
        if !self.backend.has_cold() {
            return Ok(());
        }
        let mut cold = ColdWindows::new();
        self.backend.scan(&mut |group, stored, value| {
            let (window, key) = window_and_key(stored)?;
            C::check_key(spec, group, key)?;
            if !self.is_over(window, group, watermark) {
                add_bytes(&mut cold, window, group, stored.len() + value.len());
            }
            Ok(())
        })?;
        self.cold = cold;
        Ok(())
    }

    /// What a window keeps, made if it is new; these keys are in memory if they have anything in it.
    pub(crate) fn bring<'k>(
        &mut self,
        spec: &C::Spec,
        window: Window,
        keys: impl Iterator<Item = &'k [u8]>,
    ) -> Result<&mut C, OperatorError> {
        let is_cold = !self.cold.is_empty() && self.cold.contains_key(&window);
        let bucket = bucket_at(&mut self.buckets, spec, window)?;
        if is_cold {
            load(&mut self.backend, spec, bucket, window, keys)?;
        }
        bucket.used = self.clock;
        Ok(&mut bucket.groups)
    }

    /// These slots of a window have changed.
    pub(crate) fn changed(&mut self, window: Window, slots: Vec<u32>) {
        let Some(bucket) = self.buckets.get_mut(&window) else { return };
        if self.backend.needs_marks() {
            bucket.note_changes(&slots);
        }
        if self.size.bytes_per_entry() > USED_BYTES_MAX {
            bucket.recent = slots;
        }
        self.recount(window);
    }

    fn recount(&mut self, window: Window) {
        if let Some(bucket) = self.buckets.get_mut(&window) {
            let count = bucket.groups.len();
            self.entries = self.entries + count - std::mem::replace(&mut bucket.counted, count);
        }
    }

    /// Whether [`Self::changed`] has a use for slots.
    pub(crate) fn notes_changes(&self) -> bool {
        self.backend.needs_marks() || self.size.bytes_per_entry() > USED_BYTES_MAX
    }

    /// The first window that has groups.
    pub(crate) fn first(&self) -> Option<Window> {
        let (hot, cold) = (self.buckets.first_key_value(), self.cold.first_key_value());
        hot.map(|(window, _)| *window).into_iter().chain(cold.map(|(window, _)| *window)).min()
    }

    /// Windows that have groups, from `from` to `to`.
    pub(crate) fn between(&self, from: Window, to: Window) -> Vec<Window> {
        let cold = self.cold.range(from..=to).map(|(window, _)| *window);
        let mut all: Vec<Window> = self.buckets.range(from..=to).map(|(window, _)| *window).chain(cold).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Ends a batch: windows that were not used for longest leave if memory is short.
    pub(crate) fn make_room(&mut self) -> Result<(), OperatorError> {
        self.clock += 1;
        let bytes = self.bytes()?;
        let Some(stay_bytes) = self.backend.takes(bytes) else { return Ok(()) };
        let mut order: Vec<(u64, Window)> = self.buckets.iter().map(|(window, bucket)| (bucket.used, *window)).collect();
        order.sort_unstable();
        let mut left = bytes;
        for (_, window) in order {
            if left <= stay_bytes {
                break;
            }
            self.evict(window)?;
            left = self.bytes()?;
        }
        self.backend.takes(left);
        Ok(())
    }

    fn bytes(&mut self) -> Result<u64, OperatorError> {
        let buckets = &self.buckets;
        let largest = || {
            let largest = buckets.values().map(|bucket| &bucket.groups).max_by_key(|groups| groups.len());
            largest.map(WindowContents::bytes_per_key).transpose()
        };
        Ok(self.size.total_by(self.entries, largest)? + BUCKET_BYTES * buckets.len() as u64)
    }

    /// Writes the groups of a window to disk and forgets them, but for those with keys that are too long.
    fn evict(&mut self, window: Window) -> Result<(), OperatorError> {
        let Some(mut bucket) = self.buckets.remove(&window) else { return Ok(()) };
        let mut slots = bucket.groups.in_order();
        slots.retain(|&slot| bucket.groups.key(slot).len() + WINDOW_BYTES <= KEY_BYTES_MAX);
        // A large group does not leave right after it was used: it would be written and read whole for each batch.
        if bucket.used + 1 == self.clock && !bucket.recent.is_empty() {
            let recent: std::collections::HashSet<u32> = bucket.recent.iter().copied().collect();
            slots.retain(|slot| !recent.contains(slot));
        }
        // Parts of it lie one behind the other.
        slots.sort_unstable_by_key(|&slot| key_group_of_hash(bucket.groups.hash(slot)));
        let complete_ms = (self.form.completes_ms)(window);
        let (backend, cold, mut buffer) = (&mut self.backend, &mut self.cold, EntryBuffer::default());
        bucket.each(window, complete_ms, &slots, &mut |group, stored, marks, value| {
            if marks & UNSAVED != 0 {
                backend.unsaved(group, stored, value)?;
            }
            if marks & UNSTORED != 0 {
                add_bytes(cold, window, group, stored.len() + value.len());
                buffer.put(group, stored, |out| out.extend_from_slice(value));
                if buffer.bytes() >= RUN_BYTES {
                    backend.evict(&mut buffer)?;
                    buffer.clear();
                }
            }
            Ok(())
        })?;
        if !buffer.is_empty() {
            self.backend.evict(&mut buffer)?;
        }
        if slots.len() < bucket.groups.len() {
            slots.iter().for_each(|&slot| bucket.forget(slot));
            self.buckets.insert(window, bucket);
            self.recount(window);
        } else {
            self.entries -= bucket.counted;
        }
        Ok(())
    }

    /// The last checkpoint is durable.
    pub(crate) fn committed(&mut self, checkpoint: CheckpointId) {
        self.backend.committed(checkpoint);
    }

    /// Adds the state to a checkpoint: whole while it is small, then in steps.
    pub(crate) fn add_to(&mut self, snapshot: &mut OperatorSnapshot) -> Result<(), OperatorError> {
        if !self.backend.is_small() {
            let mut hot = HotWindows { buckets: &mut self.buckets, cold: &mut self.cold, completes_ms: &self.form.completes_ms };
            let segments = self.backend.snapshot(&mut hot, self.passed_ms)?;
            snapshot.segments.insert(self.form.name.to_owned(), segments);
            return Ok(());
        }
        self.backend.snapshot_small();
        let mut blobs = BlobWriter::default();
        for ((end_ms, start_ms), bucket) in &self.buckets {
            let slots = bucket.groups.in_order();
            let put_state = bucket.groups.states(&slots)?;
            for (position, &slot) in slots.iter().enumerate() {
                blobs.entry(bucket.groups.key(slot), |out| {
                    out.extend_from_slice(&end_ms.to_le_bytes());
                    if self.form.has_starts {
                        out.extend_from_slice(&start_ms.to_le_bytes());
                    }
                    put_state(position, out);
                });
            }
        }
        snapshot.keyed.insert(self.form.name.to_owned(), blobs.finish());
        Ok(())
    }
}

impl TieredWindows<Groups> {
    /// Adds (or takes back) rows of a batch to the groups of their keys in a window; all rows if `chosen` is `None`.
    pub(crate) fn update(
        &mut self,
        spec: &GroupSpec,
        window: Window,
        batch: &Batch,
        keys: Option<&Rows>,
        (retract, chosen): (Option<&[bool]>, Option<&[u32]>),
    ) -> Result<(), OperatorError> {
        let groups = match chosen {
            None => self.bring(spec, window, (0..batch.num_rows()).map(|row| key_of(keys, row)))?,
            Some(chosen) => self.bring(spec, window, chosen.iter().map(|&row| key_of(keys, row as usize)))?,
        };
        let slots = groups.update_by_key(spec, batch, keys, retract, chosen)?;
        self.changed(window, slots);
        Ok(())
    }
}

/// What a window keeps in memory, made if there is nothing yet.
fn bucket_at<'b, C: WindowContents>(
    buckets: &'b mut BTreeMap<Window, Bucket<C>>,
    spec: &C::Spec,
    at: Window,
) -> Result<&'b mut Bucket<C>, OperatorError> {
    Ok(match buckets.entry(at) {
        std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
        std::collections::btree_map::Entry::Vacant(entry) => {
            entry.insert(Bucket { groups: C::new(spec)?, counted: 0, marks: Vec::new(), used: 0, recent: Vec::new() })
        }
    })
}

/// Brings keys to memory.
fn load<'k, C: WindowContents>(
    backend: &mut StateBackend,
    spec: &C::Spec,
    bucket: &mut Bucket<C>,
    window: Window,
    keys: impl Iterator<Item = &'k [u8]>,
) -> Result<(), OperatorError> {
    let mut missing: Vec<(KeyGroup, &[u8], u64)> = Vec::new();
    for key in keys {
        let hash = hash_of(key);
        if bucket.groups.find(hash, key).is_none() {
            missing.push((key_group_of_hash(hash), key, hash));
        }
    }
    // In the order in which they lie on disk.
    missing.sort_unstable();
    missing.dedup();
    let (mut stored, mut ends) = (Vec::new(), Vec::with_capacity(missing.len()));
    for (_, key, _) in &missing {
        put_key(window, key, &mut stored);
        ends.push(stored.len());
    }
    let wanted = missing.iter().enumerate().map(|(position, (group, ..))| {
        let start = position.checked_sub(1).map_or(0, |before| ends[before]);
        (*group, &stored[start..ends[position]])
    });
    backend.load(wanted, |position, value| {
        let (_, key, hash) = missing[position];
        bucket.put(spec, hash, key, value, STORED)
    })
}

impl<C: WindowContents> Bucket<C> {
    /// A key with a value as it was written.
    pub(super) fn put(&mut self, spec: &C::Spec, hash: u64, key: &[u8], value: &[u8], marks: u8) -> Result<(), OperatorError> {
        let slot = take_value(&mut self.groups, spec, hash, key, value)?;
        *self.mark_of(slot) = marks;
        Ok(())
    }

    fn mark_of(&mut self, slot: u32) -> &mut u8 {
        if self.marks.len() <= slot as usize {
            self.marks.resize(slot as usize + 1, CHANGED);
        }
        &mut self.marks[slot as usize]
    }

    fn note_changes(&mut self, slots: &[u32]) {
        if let Some(&last) = slots.iter().max() {
            self.mark_of(last);
        }
        slots.iter().for_each(|&slot| self.marks[slot as usize] |= CHANGED);
    }

    /// Forgets a key.
    fn remove(&mut self, hash: u64, key: &[u8]) {
        if let Some(slot) = self.groups.find(hash, key) {
            self.forget(slot);
        }
    }

    fn forget(&mut self, slot: u32) {
        self.groups.remove(slot);
        // The slot's next key is new.
        if let Some(marks) = self.marks.get_mut(slot as usize) {
            *marks = CHANGED;
        }
    }
}

/// Adds a stored value to a key; answers the key's slot.
fn take_value<C: WindowContents>(contents: &mut C, spec: &C::Spec, hash: u64, key: &[u8], mut value: &[u8]) -> Result<u32, OperatorError> {
    read_i64(&mut value)?;
    let slot = contents.take_in(spec, hash, key, &mut value)?;
    if value.is_empty() { Ok(slot) } else { Err(StateError(format!("{} bytes behind a group", value.len())).into()) }
}

/// Appends the key under which a group lies on disk: windows lie in their order.
fn put_key((end_ms, start_ms): Window, key: &[u8], out: &mut Vec<u8>) {
    for ms in [end_ms, start_ms] {
        out.extend_from_slice(&(ms ^ i64::MIN).to_be_bytes());
    }
    out.extend_from_slice(key);
}

/// The window and the group's key of a stored key.
fn window_and_key(stored: &[u8]) -> Result<(Window, &[u8]), StateError> {
    let read = |bytes: &[u8; 8]| i64::from_be_bytes(*bytes) ^ i64::MIN;
    let halves = stored.split_first_chunk::<8>().and_then(|(end, rest)| Some((end, rest.split_first_chunk::<8>()?)));
    let (end, (start, key)) = halves.ok_or_else(|| StateError(format!("a key of {} bytes has no window", stored.len())))?;
    Ok(((read(end), read(start)), key))
}

fn add_bytes(cold: &mut ColdWindows, window: Window, group: KeyGroup, bytes: usize) {
    *cold.entry(window).or_default().entry(group).or_default() += bytes as u64;
}
