//! A number for each key that has something in state.
//!
//! Invariant: a number is given to one key at a time; it is free again when the operator has nothing left of the key.

use super::groups::hash_of;
use hashbrown::HashTable;

#[derive(Default)]
pub(crate) struct KeySlots {
    slots: HashTable<u32>,
    /// Per slot its key and the key's hash.
    keys: Vec<(u64, Box<[u8]>)>,
    free: Vec<u32>,
}

impl KeySlots {
    /// The slot of a key, if it has one.
    pub(crate) fn find(&self, key: &[u8]) -> Option<u32> {
        let hash = hash_of(key);
        self.slots.find(hash, |&slot| self.is(slot, hash, key)).copied()
    }

    /// The slot of a key; a new one is below [`Self::len`] or next to it.
    pub(crate) fn slot(&mut self, key: &[u8]) -> u32 {
        if let Some(slot) = self.find(key) {
            return slot;
        }
        let entry = (hash_of(key), key.into());
        let slot = match self.free.pop() {
            Some(slot) => {
                if let Some(place) = self.keys.get_mut(slot as usize) {
                    *place = entry;
                }
                slot
            }
            None => {
                self.keys.push(entry);
                (self.keys.len() - 1) as u32
            }
        };
        let keys = &self.keys;
        let rehash = |&slot: &u32| keys.get(slot as usize).map_or(0, |(hash, _)| *hash);
        self.slots.insert_unique(rehash(&slot), slot, rehash);
        slot
    }

    /// Gives a slot back.
    pub(crate) fn forget(&mut self, slot: u32) {
        let hash = self.keys.get(slot as usize).map_or(0, |(hash, _)| *hash);
        if let Ok(found) = self.slots.find_entry(hash, |&other| other == slot) {
            found.remove();
            self.free.push(slot);
        }
    }

    /// The key of a slot.
    pub(crate) fn key(&self, slot: u32) -> &[u8] {
        self.keys.get(slot as usize).map_or(&[], |(_, key)| key)
    }

    /// Slots that were ever given.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    fn is(&self, slot: u32, hash: u64, key: &[u8]) -> bool {
        self.keys.get(slot as usize).is_some_and(|(h, k)| *h == hash && k.as_ref() == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_given_and_taken_back() {
        let mut slots = KeySlots::default();
        let (a, b) = (slots.slot(b"a"), slots.slot(b"b"));
        assert_eq!((slots.slot(b"a"), slots.find(b"b"), slots.find(b"c"), slots.len()), (a, Some(b), None, 2));
        slots.forget(a);
        assert_eq!((slots.find(b"a"), slots.slot(b"c"), slots.key(a), slots.len()), (None, a, b"c".as_slice(), 2));
    }
}
