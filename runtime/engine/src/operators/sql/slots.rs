//! Values by key: a hash table of slots, looked up by the key's bytes and their hash.
//!
//! Invariant: a slot number stays that of its key until the key is removed.

use super::groups::hash_of;
use hashbrown::HashTable;

pub(super) struct Slots<V> {
    table: HashTable<u32>,
    /// Per slot its key, the key's hash and the value; `None` where a slot is free.
    entries: Vec<Option<Entry<V>>>,
    free: Vec<u32>,
}

struct Entry<V> {
    hash: u64,
    key: Box<[u8]>,
    value: V,
}

impl<V> Default for Slots<V> {
    fn default() -> Self {
        Self { table: HashTable::new(), entries: Vec::new(), free: Vec::new() }
    }
}

impl<V> Slots<V> {
    /// The slot of `key`, made with `new` if it is not there yet.
    pub(super) fn slot(&mut self, key: &[u8], new: impl FnOnce() -> V) -> u32 {
        let hash = hash_of(key);
        if let Some(slot) = self.find_hashed(hash, key) {
            return slot;
        }
        let entry = Some(Entry { hash, key: key.into(), value: new() });
        let slot = match self.free.pop() {
            Some(slot) => {
                self.entries[slot as usize] = entry;
                slot
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
        };
        let entries = &self.entries;
        self.table.insert_unique(hash, slot, |&slot| entries[slot as usize].as_ref().map_or(0, |e| e.hash));
        slot
    }

    /// The slot of `key`.
    pub(super) fn find(&self, key: &[u8]) -> Option<u32> {
        self.find_hashed(hash_of(key), key)
    }

    /// The slot of the key with this hash.
    pub(super) fn find_hashed(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let is_it = |slot: &u32| self.entries[*slot as usize].as_ref().is_some_and(|e| e.key.as_ref() == key);
        self.table.find(hash, is_it).copied()
    }

    /// The key of a slot; empty where a slot is free.
    pub(super) fn key(&self, slot: u32) -> &[u8] {
        self.entries.get(slot as usize).and_then(Option::as_ref).map_or(&[], |e| &e.key)
    }

    /// Number of keys.
    pub(super) fn keys(&self) -> usize {
        self.table.len()
    }

    /// Slots that were ever given.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The hash of a slot's key; 0 where a slot is free.
    pub(super) fn hash(&self, slot: u32) -> u64 {
        self.entries.get(slot as usize).and_then(Option::as_ref).map_or(0, |e| e.hash)
    }

    /// Number of keys.
    pub(super) fn count(&self) -> usize {
        self.table.len()
    }

    /// The value of a slot.
    pub(super) fn get(&self, slot: u32) -> Option<&V> {
        self.entries.get(slot as usize)?.as_ref().map(|e| &e.value)
    }

    /// The value of a slot, to be changed.
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut V> {
        self.entries.get_mut(slot as usize)?.as_mut().map(|e| &mut e.value)
    }

    /// Removes a slot's key; answers its value.
    pub(super) fn remove(&mut self, slot: u32) -> Option<V> {
        let entry = self.entries.get_mut(slot as usize).and_then(Option::take)?;
        if let Ok(found) = self.table.find_entry(entry.hash, |&other| other == slot) {
            found.remove();
        }
        self.free.push(slot);
        Some(entry.value)
    }

    /// Keys and values in the order of their slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.entries.iter().flatten().map(|e| (e.key.as_ref(), &e.value))
    }

    /// All values, to be changed.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().flatten().map(|e| &mut e.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_slots_and_free_ones_are_reused() {
        let mut slots = Slots::default();
        let made: Vec<u32> = (0..100u8).map(|n| slots.slot(&[n], || n)).collect();
        assert_eq!(slots.slot(&[7], || 0), made[7]);
        for slot in made.iter().step_by(2) {
            assert!(slots.remove(*slot).is_some());
        }
        assert_eq!((slots.find(&[6]), slots.find(&[7])), (None, Some(made[7])));
        assert!(slots.slot(&[200], || 200) < 100, "a free slot");
        assert_eq!(slots.iter().count(), 51);
    }

    #[test]
    fn slots_are_given_and_taken_back() {
        let mut slots = Slots::default();
        let (a, b) = (slots.slot(b"a", || ()), slots.slot(b"b", || ()));
        assert_eq!((slots.slot(b"a", || ()), slots.find(b"b"), slots.find(b"c"), slots.len()), (a, Some(b), None, 2));
        slots.remove(a);
        assert_eq!((slots.find(b"a"), slots.slot(b"c", || ()), slots.key(a), slots.len()), (None, a, b"c".as_slice(), 2));
    }
}
