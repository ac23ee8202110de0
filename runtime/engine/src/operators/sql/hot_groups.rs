//! Groups in memory as a state backend sees them: entries of key and exported value, and how much they take.
//!
//! A value is when the group was last written (epoch milliseconds, 8 bytes), then the group's state.

use super::groups::Groups;
use crate::{
    error::OperatorError,
    key::{KeyGroup, key_group_of_hash},
    state::HotState,
};

/// Groups that are exported together.
const EXPORTED_TOGETHER: usize = 4_096;
/// Groups whose size is looked at to estimate that of all.
pub(crate) const SAMPLE: usize = 64;
/// What a group takes besides its key and its accumulators: slots of vectors and of the table, and the allocator's.
const ENTRY_BYTES: u64 = 96;

/// Groups and what goes with them by slot.
pub(crate) struct HotGroups<'a> {
    pub groups: &'a Groups,
    pub written_ms: &'a [i64],
    pub marks: &'a mut [u8],
    /// Time to live and now: what has expired is left out.
    pub expired: Option<(i64, i64)>,
}

/// Gets key group, key, marks and value of an entry.
type Each<'e> = &'e mut dyn FnMut(KeyGroup, &[u8], u8, &[u8]) -> Result<(), OperatorError>;

impl HotGroups<'_> {
    /// Calls `each` with these slots' entries.
    pub(crate) fn each(&self, slots: &[u32], each: Each<'_>) -> Result<(), OperatorError> {
        let mut value = Vec::new();
        for slots in slots.chunks(EXPORTED_TOGETHER) {
            let states = self.groups.states(slots)?;
            for (position, &slot) in slots.iter().enumerate() {
                let index = slot as usize;
                value.clear();
                value.extend_from_slice(&self.written_ms[index].to_le_bytes());
                states.put(position, &mut value);
                each(key_group_of_hash(self.groups.hash(slot)), self.groups.key(slot), self.marks[index], &value)?;
            }
        }
        Ok(())
    }
}

impl HotState for HotGroups<'_> {
    fn entries(&self, marks: u8, each: &mut crate::state::EachEntry<'_>) -> Result<(), OperatorError> {
        let mut slots = self.groups.in_order();
        slots.retain(|&slot| {
            let index = slot as usize;
            let is_expired = self.expired.is_some_and(|(ttl_ms, now_ms)| self.written_ms[index].saturating_add(ttl_ms) <= now_ms);
            (marks == 0 || self.marks[index] & marks != 0) && !is_expired
        });
        self.each(&slots, &mut |group, key, _, value| each(group, key, value))
    }

    fn mark(&mut self, clear: u8, set: u8) {
        self.marks.iter_mut().for_each(|marks| *marks = *marks & !clear | set);
    }
}

/// Whether a value that begins with the time it was written has expired.
pub(crate) fn expires(value: &[u8], ttl_ms: Option<i64>, now_ms: i64) -> bool {
    let written_ms = value.first_chunk::<8>().map(|bytes| i64::from_le_bytes(*bytes));
    ttl_ms.zip(written_ms).is_some_and(|(ttl_ms, written_ms)| written_ms.saturating_add(ttl_ms) <= now_ms)
}

/// Estimates what groups take, looking at some of them from time to time.
#[derive(Debug, Default)]
pub(crate) struct EntrySize {
    bytes_per_entry: u64,
    /// Groups there were when it was estimated.
    groups: usize,
    /// Questions since.
    asked: u32,
}

impl EntrySize {
    pub(crate) fn bytes_per_entry(&self) -> u64 {
        self.bytes_per_entry
    }

    /// Bytes that all groups take.
    #[inline]
    pub(crate) fn total(&mut self, groups: &Groups) -> Result<u64, OperatorError> {
        self.total_of(groups, groups.len(), |count| groups.some(count))
    }

    /// The same of `count` groups whose keys are kept by someone else; `some` answers slots of so many of them.
    #[inline]
    pub(crate) fn total_of(&mut self, groups: &Groups, count: usize, some: impl FnOnce(usize) -> Vec<u32>) -> Result<u64, OperatorError> {
        self.total_by(count, || entry_bytes(groups, &some(SAMPLE)).map(Some))
    }

    /// Bytes that `count` entries take, of which `estimate` answers what one does; `None` leaves that as it was.
    #[inline]
    pub(crate) fn total_by(
        &mut self,
        count: usize,
        estimate: impl FnOnce() -> Result<Option<u64>, OperatorError>,
    ) -> Result<u64, OperatorError> {
        self.asked += 1;
        // Seldom: what a group has collected may be large, and is exported for it.
        if (self.bytes_per_entry == 0 && count > 0) || count > self.groups + self.groups / 4 + SAMPLE || self.asked > 1_000 {
            self.bytes_per_entry = estimate()?.unwrap_or(self.bytes_per_entry);
            (self.groups, self.asked) = (count, 0);
        }
        Ok(self.bytes_per_entry * count as u64)
    }
}

/// What a group takes, estimated from some.
pub(crate) fn entry_bytes(groups: &Groups, slots: &[u32]) -> Result<u64, OperatorError> {
    let (mut bytes, mut value) = (0, Vec::new());
    let states = groups.states(slots)?;
    for (position, &slot) in slots.iter().enumerate() {
        value.clear();
        states.put(position, &mut value);
        bytes += (groups.key(slot).len() + value.len() + value.len() / 2) as u64;
    }
    Ok(ENTRY_BYTES + bytes / slots.len().max(1) as u64)
}
