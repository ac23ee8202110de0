//! Partitions by key: their matches, and which of them has to be looked at when time goes on.

use super::partial::{Partial, PartialMatches, Rules};
use crate::{
    error::OperatorError,
    operators::sql::tiered_slots::{SlotValue, TieredSlots},
};
use std::collections::BTreeSet;

/// A partition with more partial matches, or rows that wait, does not leave memory right after it was used.
const ROWS_THAT_LEAVE_MAX: usize = 1_024;

/// The rows of one key.
pub(super) struct Partition {
    pub matches: PartialMatches,
    /// How many of its rows wait for the watermark.
    pub waiting: u32,
    /// When its first partial match is out of time, if that is noted.
    pub deadline_ms: Option<i64>,
    /// Its place among those that are looked at together.
    pub rank: u32,
    /// All of it as it was stored, on its way to memory.
    pub stored: Option<Box<[u8]>>,
}

impl Partition {
    pub(super) fn new(rules: &Rules) -> Self {
        Self { matches: PartialMatches::new(rules), waiting: 0, deadline_ms: None, rank: 0, stored: None }
    }

    fn partials(&self) -> usize {
        self.matches.partial.items().len() + self.matches.complete.items().len()
    }
}

impl SlotValue for Partition {
    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.partials() * size_of::<Partial>()
    }

    fn is_large(&self) -> bool {
        self.partials() + self.waiting as usize > ROWS_THAT_LEAVE_MAX
    }
}

pub(super) struct Partitions {
    pub kept: TieredSlots<Partition>,
    deadlines: BTreeSet<(i64, u32)>,
}

impl Partitions {
    pub(super) fn new(kept: TieredSlots<Partition>) -> Self {
        Self { kept, deadlines: BTreeSet::new() }
    }

    /// The partition of a key, made if there is none.
    pub(super) fn slot(&mut self, key: &[u8], rules: &Rules) -> u32 {
        self.kept.slot(key, || Partition::new(rules))
    }

    /// A partition, to be changed.
    pub(super) fn at(&mut self, slot: u32) -> Option<&mut Partition> {
        self.kept.get_mut(slot)
    }

    pub(super) fn get(&self, slot: u32) -> Option<&Partition> {
        self.kept.get(slot)
    }

    /// Another row of a partition waits.
    pub(super) fn waits(&mut self, slot: u32) {
        if let Some(partition) = self.at(slot) {
            partition.waiting += 1;
        }
    }

    /// A row of a partition waits no more.
    pub(super) fn waits_no_more(&mut self, slot: u32) {
        if let Some(partition) = self.at(slot) {
            partition.waiting = partition.waiting.saturating_sub(1);
        }
    }

    /// Partitions with matches that are out of time, each with when that came to pass.
    pub(super) fn take_over(&mut self, time_ms: i64) -> Vec<(u32, i64)> {
        let mut over = Vec::new();
        while let Some(&(deadline_ms, slot)) = self.deadlines.first() {
            if deadline_ms > time_ms {
                break;
            }
            self.deadlines.pop_first();
            if let Some(partition) = self.kept.look_at(slot) {
                partition.deadline_ms = None;
            }
            over.push((slot, deadline_ms));
        }
        over
    }

    /// Ranks partitions by the earliest of their times; answers them in that order.
    pub(super) fn rank(&mut self, times: impl Iterator<Item = (u32, i64)>) -> Vec<u32> {
        let mut earliest: Vec<(i64, u32)> = Vec::new();
        for (slot, time_ms) in times {
            let Some(partition) = self.kept.look_at(slot) else { continue };
            match earliest.get_mut(partition.rank as usize).filter(|(_, known)| *known == slot) {
                Some((known_ms, _)) => *known_ms = time_ms.min(*known_ms),
                None => {
                    partition.rank = earliest.len() as u32;
                    earliest.push((time_ms, slot));
                }
            }
        }
        earliest.sort_unstable();
        for (rank, &(_, slot)) in earliest.iter().enumerate() {
            if let Some(partition) = self.kept.look_at(slot) {
                partition.rank = rank as u32;
            }
        }
        earliest.into_iter().map(|(_, slot)| slot).collect()
    }

    /// Notes when a partition has to be looked at again, or forgets it if nothing is under way.
    pub(super) fn settle(&mut self, slot: u32, rules: &Rules, has_deadlines: bool) -> Result<(), OperatorError> {
        let Some(partition) = self.kept.look_at(slot) else { return Ok(()) };
        let deadline_ms = partition.matches.deadline_ms(rules).filter(|_| has_deadlines);
        if deadline_ms != partition.deadline_ms {
            partition.deadline_ms.map(|old_ms| self.deadlines.remove(&(old_ms, slot)));
            deadline_ms.map(|new_ms| self.deadlines.insert((new_ms, slot)));
            partition.deadline_ms = deadline_ms;
        }
        if partition.waiting == 0 && partition.matches.is_idle() { self.kept.remove(slot) } else { Ok(()) }
    }

    /// A partition has left memory.
    pub(super) fn left(&mut self, slot: u32, partition: &Partition) {
        if let Some(deadline_ms) = partition.deadline_ms {
            self.deadlines.remove(&(deadline_ms, slot));
        }
    }
}
