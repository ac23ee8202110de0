//! Partitions by key: their matches, and which of them has to be looked at when time goes on.

use super::partial::{PartialMatches, Rules};
use crate::operators::sql::groups::hash_of;
use hashbrown::HashTable;
use std::collections::BTreeSet;

/// The rows of one key.
pub(super) struct Partition {
    pub key: Box<[u8]>,
    hash: u64,
    pub matches: PartialMatches,
    /// How many of its rows wait for the watermark.
    pub waiting: u32,
    /// When its first partial match is out of time, if that is noted.
    deadline_ms: Option<i64>,
    /// Its place among those that are looked at together.
    pub rank: u32,
}

#[derive(Default)]
pub(super) struct Partitions {
    slots: HashTable<u32>,
    partitions: Vec<Partition>,
    free: Vec<u32>,
    deadlines: BTreeSet<(i64, u32)>,
}

impl Partitions {
    /// The partition of a key, made if there is none.
    pub(super) fn slot(&mut self, key: &[u8], rules: &Rules) -> u32 {
        let hash = hash_of(key);
        let partitions = &self.partitions;
        if let Some(&slot) = self.slots.find(hash, |&slot| partitions[slot as usize].key.as_ref() == key) {
            return slot;
        }
        let made = Partition { key: key.into(), hash, matches: PartialMatches::new(rules), waiting: 0, deadline_ms: None, rank: 0 };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.partitions[slot as usize] = made;
                slot
            }
            None => {
                self.partitions.push(made);
                (self.partitions.len() - 1) as u32
            }
        };
        let partitions = &self.partitions;
        self.slots.insert_unique(hash, slot, |&slot| partitions[slot as usize].hash);
        slot
    }

    pub(super) fn at(&mut self, slot: u32) -> &mut Partition {
        &mut self.partitions[slot as usize]
    }

    pub(super) fn get(&self, slot: u32) -> Option<&Partition> {
        self.partitions.get(slot as usize)
    }

    /// All partitions by their slots, in order: what was stored is stored again as the same bytes.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Partition)> {
        let mut slots: Vec<u32> = self.slots.iter().copied().collect();
        slots.sort_unstable();
        slots.into_iter().map(|slot| (slot, &self.partitions[slot as usize]))
    }

    /// Partitions with matches that are out of time, each with when that came to pass.
    pub(super) fn take_over(&mut self, time_ms: i64) -> Vec<(u32, i64)> {
        let mut over = Vec::new();
        while let Some(&(deadline_ms, slot)) = self.deadlines.first() {
            if deadline_ms > time_ms {
                break;
            }
            self.deadlines.pop_first();
            self.partitions[slot as usize].deadline_ms = None;
            over.push((slot, deadline_ms));
        }
        over
    }

    /// Ranks partitions by the earliest of their times; answers them in that order.
    pub(super) fn rank(&mut self, times: impl Iterator<Item = (u32, i64)>) -> Vec<u32> {
        let mut earliest: Vec<(i64, u32)> = Vec::new();
        for (slot, time_ms) in times {
            let partition = &mut self.partitions[slot as usize];
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
            self.partitions[slot as usize].rank = rank as u32;
        }
        earliest.into_iter().map(|(_, slot)| slot).collect()
    }

    /// Notes when a partition has to be looked at again, or forgets it if nothing is under way.
    pub(super) fn settle(&mut self, slot: u32, rules: &Rules, has_deadlines: bool) {
        let partition = &mut self.partitions[slot as usize];
        let deadline_ms = partition.matches.deadline_ms(rules).filter(|_| has_deadlines);
        if deadline_ms != partition.deadline_ms {
            partition.deadline_ms.map(|old_ms| self.deadlines.remove(&(old_ms, slot)));
            deadline_ms.map(|new_ms| self.deadlines.insert((new_ms, slot)));
            partition.deadline_ms = deadline_ms;
        }
        if partition.waiting == 0
            && partition.matches.is_idle()
            && let Ok(entry) = self.slots.find_entry(partition.hash, |&found| found == slot)
        {
            entry.remove();
            self.free.push(slot);
        }
    }
}
