//! Groups of windows in memory as a state backend sees them.

use super::{Bucket, ColdWindows, CompletesMs, Window, WindowContents, add_bytes, put_key};
use crate::{
    error::OperatorError,
    key::{KeyGroup, key_group_of_hash},
    state::{CHANGED, EachEntry, HotState, KEY_BYTES_MAX, PINNED, STORED, UNSTORED},
};
use std::collections::BTreeMap;

/// Groups that are exported together.
const EXPORTED_TOGETHER: usize = 4_096;

/// Gets key group, stored key, marks and value of a group.
type Each<'e> = &'e mut dyn FnMut(KeyGroup, &[u8], u8, &[u8]) -> Result<(), OperatorError>;

pub(super) struct HotWindows<'a, C> {
    pub buckets: &'a mut BTreeMap<Window, Bucket<C>>,
    pub cold: &'a mut ColdWindows,
    pub completes_ms: &'a CompletesMs,
}

impl<C: WindowContents> Bucket<C> {
    pub(super) fn marks(&self, slot: u32) -> u8 {
        self.marks.get(slot as usize).copied().unwrap_or(CHANGED)
    }

    /// Calls `each` with the entries of these slots.
    pub(super) fn each(&self, window: Window, complete_ms: i64, slots: &[u32], each: Each<'_>) -> Result<(), OperatorError> {
        let (mut stored, mut value) = (Vec::new(), Vec::new());
        for slots in slots.chunks(EXPORTED_TOGETHER) {
            let put_state = self.groups.states(slots)?;
            for (position, &slot) in slots.iter().enumerate() {
                stored.clear();
                put_key(window, self.groups.key(slot), &mut stored);
                value.clear();
                value.extend_from_slice(&complete_ms.to_le_bytes());
                put_state(position, &mut value);
                each(key_group_of_hash(self.groups.hash(slot)), &stored, self.marks(slot), &value)?;
            }
        }
        Ok(())
    }

    fn is_pinned(&self, slot: u32) -> bool {
        self.groups.key(slot).len() + super::WINDOW_BYTES > KEY_BYTES_MAX
    }
}

impl<C: WindowContents> HotState for HotWindows<'_, C> {
    fn entries(&self, marks: u8, each: &mut EachEntry<'_>) -> Result<(), OperatorError> {
        for (window, bucket) in self.buckets.iter() {
            let mut slots = bucket.groups.in_order();
            if marks != 0 {
                slots.retain(|&slot| bucket.marks(slot) & marks != 0 || (marks & PINNED != 0 && bucket.is_pinned(slot)));
            }
            bucket.each(*window, (self.completes_ms)(*window), &slots, &mut |group, stored, _, value| each(group, stored, value))?;
        }
        Ok(())
    }

    fn mark(&mut self, clear: u8, set: u8) {
        for (window, bucket) in self.buckets.iter_mut() {
            let slots = bucket.groups.in_order();
            bucket.marks.resize(slots.last().map_or(0, |&slot| slot as usize + 1).max(bucket.marks.len()), CHANGED);
            for slot in slots {
                if set & STORED != 0 && bucket.marks(slot) & UNSTORED != 0 && !bucket.is_pinned(slot) {
                    let group = key_group_of_hash(bucket.groups.hash(slot));
                    add_bytes(self.cold, *window, group, bucket.groups.key(slot).len() + super::WINDOW_BYTES);
                }
                let marks = &mut bucket.marks[slot as usize];
                *marks = *marks & !clear | set;
            }
        }
    }
}
