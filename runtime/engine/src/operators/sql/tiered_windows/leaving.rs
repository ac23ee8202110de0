//! Complete windows on their way out, in portions: groups in memory, then those that lie on disk alone, as they lie there.

use super::{Bucket, TieredWindows, WINDOW_BYTES, Window, WindowContents, put_key, take_value, window_and_key};
use crate::{
    error::OperatorError,
    key::{KeyGroup, key_group_of_hash},
    operators::sql::groups::hash_of,
    state::{ColdEntries, StateBackend},
};

/// Groups that leave as one batch.
const BATCH_GROUPS: usize = 8_192;
/// Bytes from disk that leave as one batch.
const BATCH_BYTES: usize = 4 << 20;
/// Groups that leave before what has left is sent.
const PORTION_GROUPS: usize = 65_536;

/// Takes a window, what is kept in it, and slots of that which are to be emitted.
pub(crate) type EmitGroups<'e, C> = dyn FnMut(Window, &C, &[u32]) -> Result<(), OperatorError> + 'e;

/// A window on its way out.
pub(super) struct Leaving<C> {
    window: Window,
    bucket: Option<Bucket<C>>,
    /// What of the bucket has not left yet.
    slots: std::vec::IntoIter<u32>,
    /// Key groups that have entries on disk, and those of the one at hand.
    groups: std::vec::IntoIter<KeyGroup>,
    entries: Option<ColdEntries>,
}

impl<C: WindowContents> TieredWindows<C> {
    /// All windows that are complete by `until_ms` are to leave, see [`Self::emit_rest`].
    pub(crate) fn fire(&mut self, until_ms: i64) {
        while let Some(window) = self.first().filter(|window| (self.form.completes_ms)(*window) <= until_ms) {
            let bucket = self.buckets.remove(&window);
            let slots = bucket.as_ref().map(|bucket| bucket.groups.in_order()).unwrap_or_default();
            let groups: Vec<KeyGroup> = self.cold.remove(&window).unwrap_or_default().into_keys().collect();
            self.leaving.push_back(Leaving { window, bucket, slots: slots.into_iter(), groups: groups.into_iter(), entries: None });
        }
        self.passing_ms = self.passing_ms.max(until_ms);
        if self.leaving.is_empty() {
            self.passed();
        }
    }

    /// Whether windows that are to leave have not left altogether.
    pub(crate) fn has_rest(&self) -> bool {
        !self.leaving.is_empty()
    }

    /// Emits a portion of the windows that are to leave.
    pub(crate) fn emit_rest(&mut self, spec: &C::Spec, emit: &mut EmitGroups<'_, C>) -> Result<(), OperatorError> {
        let mut count = 0;
        while count < PORTION_GROUPS
            && let Some(leaving) = self.leaving.front_mut()
        {
            let by_clock = self.form.is_by_clock;
            match leaving.batch(spec, &mut self.backend, by_clock, emit)? {
                0 => {
                    let gone = self.leaving.pop_front().and_then(|leaving| leaving.bucket);
                    self.entries -= gone.map_or(0, |bucket| bucket.counted);
                }
                some => count += some,
            }
        }
        if self.leaving.is_empty() {
            self.passed();
            self.make_room()?;
        }
        Ok(())
    }

    /// Every window that was complete has left: what is left of them on disk may go.
    pub(super) fn passed(&mut self) {
        // Wall clocks jump: a window that ends later may be complete earlier.
        let next_ms = self.first().map_or(i64::MAX, |window| (self.form.completes_ms)(window).saturating_sub(1));
        self.passed_ms = self.passed_ms.max(self.passing_ms.min(next_ms));
        self.backend.expiry().pass(self.passed_ms);
        if self.cold.is_empty() && self.backend.has_cold() {
            self.backend.leave_disk();
        }
    }
}

impl<C: WindowContents> Leaving<C> {
    /// Emits a batch; answers how many groups were looked at, none at the end.
    fn batch(
        &mut self,
        spec: &C::Spec,
        backend: &mut StateBackend,
        by_clock: bool,
        emit: &mut EmitGroups<'_, C>,
    ) -> Result<usize, OperatorError> {
        if let Some(bucket) = &self.bucket {
            let slots: Vec<u32> = self.slots.by_ref().take(BATCH_GROUPS).collect();
            if !slots.is_empty() {
                emit(self.window, &bucket.groups, &slots)?;
                if by_clock {
                    forget(backend, self.window, slots.iter().map(|&slot| (bucket.groups.hash(slot), bucket.groups.key(slot))))?;
                }
                return Ok(slots.len());
            }
        }
        let (mut portion, mut count, mut bytes) = (C::new(spec)?, 0, 0);
        while count < BATCH_GROUPS && bytes < BATCH_BYTES {
            let Some(entries) = &mut self.entries else {
                let Some(group) = self.groups.next() else { break };
                let mut prefix = Vec::with_capacity(WINDOW_BYTES);
                put_key(self.window, &[], &mut prefix);
                self.entries = backend.entries_with(group, &prefix);
                continue;
            };
            let mut taken = Ok(());
            let bucket = self.bucket.as_ref();
            let has_entry = entries.next(|group, stored, value| {
                (count, bytes) = (count + 1, bytes + stored.len() + value.len());
                if !backend.is_removed(group, stored) {
                    taken = take_in(&mut portion, spec, bucket, stored, value);
                }
            })?;
            taken?;
            if !has_entry {
                self.entries = None;
            }
        }
        let slots = portion.in_order();
        emit(self.window, &portion, &slots)?;
        if by_clock {
            forget(backend, self.window, slots.iter().map(|&slot| (portion.hash(slot), portion.key(slot))))?;
        }
        Ok(count)
    }
}

/// Takes in an entry that lies on disk alone.
fn take_in<C: WindowContents>(
    portion: &mut C,
    spec: &C::Spec,
    hot: Option<&Bucket<C>>,
    stored: &[u8],
    value: &[u8],
) -> Result<(), OperatorError> {
    let (_, key) = window_and_key(stored)?;
    let hash = hash_of(key);
    if hot.is_none_or(|bucket| bucket.groups.find(hash, key).is_none()) {
        take_value(portion, spec, hash, key, value)?;
    }
    Ok(())
}

/// Tells the removal of keys.
fn forget<'k>(backend: &mut StateBackend, window: Window, keys: impl Iterator<Item = (u64, &'k [u8])>) -> Result<(), OperatorError> {
    if !backend.needs_marks() {
        return Ok(());
    }
    let mut stored = Vec::new();
    for (hash, key) in keys {
        stored.clear();
        put_key(window, key, &mut stored);
        // Whether it lies on disk is not known of a key in memory.
        backend.removed(key_group_of_hash(hash), &stored, crate::state::STORED)?;
    }
    Ok(())
}
