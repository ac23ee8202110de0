//! A window in parts: some of its keys, gathered from memory and disk.
//!
//! Invariant: the parts of a window have each of its keys once.

use super::{ColdWindows, TieredWindows, Window, WindowContents, put_key, take_value, window_and_key};
use crate::{
    error::OperatorError,
    key::{KeyGroup, key_group_of_hash},
    operators::sql::groups::hash_of,
};
use std::{collections::BTreeMap, ops::Range};

/// Bytes from disk that are in memory at once.
const PART_BYTES: u64 = 16 << 20;

/// Some of the keys of a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// The key group; `None` for all.
    pub group: Option<KeyGroup>,
    /// Of so many passes, by the keys' hashes, this one.
    pass: u64,
    passes: u64,
}

impl Part {
    /// Parts of these key groups, or of all; so many that each is small.
    pub(super) fn passes(group: Option<KeyGroup>, passes: u64) -> impl Iterator<Item = Self> {
        (0..passes).map(move |pass| Self { group, pass, passes })
    }

    /// Parts for what takes so many bytes on disk, by key group.
    pub(crate) fn of(bytes: &BTreeMap<KeyGroup, u64>) -> Vec<Self> {
        bytes.iter().flat_map(|(&group, &bytes)| Self::passes(Some(group), bytes / PART_BYTES + 1)).collect()
    }

    pub(super) fn is_all(&self) -> bool {
        self.passes == 1 && self.group.is_none()
    }

    pub(super) fn has(&self, hash: u64) -> bool {
        self.passes == 1 || (hash >> 32) % self.passes == self.pass
    }

    /// Those of slots, sorted by key group, that belong to it.
    pub(super) fn chosen<C: WindowContents>(&self, contents: &C, sorted: &[u32]) -> Vec<u32> {
        let of_group = match self.group {
            Some(group) => &sorted[range_of(contents, sorted, group)],
            None => sorted,
        };
        of_group.iter().copied().filter(|&slot| self.has(contents.hash(slot))).collect()
    }
}

impl<C: WindowContents> TieredWindows<C> {
    /// Adds to `bytes` what a window has on disk, if it has any.
    pub(crate) fn add_cold_bytes(&self, window: Window, bytes: &mut BTreeMap<KeyGroup, u64>) {
        add_cold_bytes(&self.cold, window, bytes);
    }

    /// The slots of a window in memory, sorted by key group; their key groups are added to `groups`.
    pub(crate) fn sorted_slots(&self, window: Window, groups: &mut BTreeMap<KeyGroup, u64>) -> Vec<u32> {
        let Some(bucket) = self.buckets.get(&window) else { return Vec::new() };
        let group_of = |slot: u32| key_group_of_hash(bucket.groups.hash(slot));
        let mut slots = bucket.groups.in_order();
        slots.sort_by_key(|&slot| group_of(slot));
        for &slot in &slots {
            groups.entry(group_of(slot)).or_default();
        }
        slots
    }

    /// A part of a window, of which these are the sorted slots in memory.
    pub(crate) fn gather(&self, spec: &C::Spec, window: Window, sorted: &[u32], part: &Part) -> Result<C, OperatorError> {
        let mut gathered = C::new(spec)?;
        let hot = self.buckets.get(&window).map(|bucket| &bucket.groups);
        if let Some(hot) = hot {
            let slots = part.chosen(hot, sorted);
            let put_state = hot.states(&slots)?;
            let mut state = Vec::new();
            for (position, &slot) in slots.iter().enumerate() {
                state.clear();
                put_state(position, &mut state);
                gathered.take_in(spec, hot.hash(slot), hot.key(slot), &mut state.as_slice())?;
            }
        }
        if let Some(group) = part.group {
            self.add_cold(spec, window, (group, part), hot, &mut gathered)?;
        }
        Ok(gathered)
    }

    /// Adds what of a part of a window lies on disk alone.
    pub(super) fn add_cold(
        &self,
        spec: &C::Spec,
        window: Window,
        (group, part): (KeyGroup, &Part),
        hot: Option<&C>,
        into: &mut C,
    ) -> Result<(), OperatorError> {
        if !self.cold.get(&window).is_some_and(|cold| cold.contains_key(&group)) {
            return Ok(());
        }
        let mut prefix = Vec::new();
        put_key(window, &[], &mut prefix);
        let Some(mut entries) = self.backend.entries_with(group, &prefix) else { return Ok(()) };
        let mut taken = Ok(());
        while entries.next(|_, stored, value| {
            taken = window_and_key(stored).map_err(OperatorError::from).and_then(|(_, key)| {
                let hash = hash_of(key);
                if !part.has(hash) || hot.is_some_and(|hot| hot.find(hash, key).is_some()) {
                    return Ok(());
                }
                take_value(into, spec, hash, key, value).map(|_| ())
            });
        })? {
            std::mem::replace(&mut taken, Ok(()))?;
        }
        Ok(())
    }

    /// Takes what a window has in memory; what it has on disk is forgotten.
    pub(crate) fn take(&mut self, window: Window) -> Option<C> {
        self.cold.remove(&window);
        let bucket = self.buckets.remove(&window)?;
        self.entries -= bucket.counted;
        Some(bucket.groups)
    }

    /// What a window keeps in memory.
    pub(crate) fn get(&self, window: Window) -> Option<&C> {
        self.buckets.get(&window).map(|bucket| &bucket.groups)
    }

    /// All windows have left that are complete by `until_ms`.
    pub(crate) fn pass(&mut self, until_ms: i64) -> Result<(), OperatorError> {
        self.passing_ms = self.passing_ms.max(until_ms);
        self.passed();
        self.make_room()
    }
}

pub(super) fn add_cold_bytes(cold: &ColdWindows, window: Window, bytes: &mut BTreeMap<KeyGroup, u64>) {
    for (&group, &more) in cold.get(&window).into_iter().flatten() {
        *bytes.entry(group).or_default() += more;
    }
}

/// Where the slots of a key group are among slots that are sorted by it.
fn range_of<C: WindowContents>(contents: &C, sorted: &[u32], group: KeyGroup) -> Range<usize> {
    let of = |&slot: &u32| key_group_of_hash(contents.hash(slot));
    sorted.partition_point(|slot| of(slot) < group)..sorted.partition_point(|slot| of(slot) <= group)
}
