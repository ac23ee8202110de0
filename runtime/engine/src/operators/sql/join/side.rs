//! What a join keeps of one of its inputs: rows by join key, after Flink's `JoinRecordStateViews` and
//! `OuterJoinRecordStateViews`.
//!
//! A row is kept as bytes in a slot; the slots of a key form a list in the order of arrival. Where rows must be found again
//! (they are replaced by a unique key, counted, or taken back), an index finds the slot of a key and an identity.
//!
//! Keys whose rows are not in memory, and what has changed, are the business of [`super::tiered_side`]; the byte form that of
//! [`super::stored_side`].
//!
//! Invariant: an entry has at least one slot; slots outside of any list are free. All rows of a key are in memory, or none.

use super::super::{groups::hash_of, row_bytes::RowBytes};
use crate::{
    error::OperatorError,
    state::{CHANGED, StateBackend},
};
use arrow_array::{Array, RecordBatch};
use hashbrown::HashTable;
use millrace_model::Schema;
use millrace_sql::plan::{Join, SideRows};

pub(super) const NONE: u32 = u32::MAX;
/// What a key takes besides its bytes: its entry, its place in the table, and what the allocator adds.
const ENTRY_BYTES: usize = size_of::<Entry>() + 24;
/// What a row takes besides its bytes: its slot, what it is noted in when it is found, and what the allocator adds.
const SLOT_BYTES: usize = size_of::<Slot>() + 24;
/// What a row that can be found by its identity takes besides: its place in the index, and the allocator's.
const INDEXED_BYTES: usize = 24;

/// One side of a join.
pub(super) struct Side {
    /// The join key of a row.
    pub keys: RowBytes,
    /// A whole row.
    pub rows: RowBytes,
    /// The unique key of a row, where rows are kept by one.
    pub(super) unique: Option<RowBytes>,
    pub(super) kept: SideRows,
    /// Key columns in which NULL matches nothing.
    never_null: Vec<usize>,
    pub(super) ttl_ms: Option<i64>,
    swept_ms: i64,
    /// Entries by the hash of their key.
    pub(super) table: HashTable<u32>,
    pub(super) entries: Vec<Entry>,
    free_entries: Vec<u32>,
    /// Slots by the hash of key and identity.
    index: HashTable<u32>,
    pub(super) slots: Vec<Slot>,
    free_slots: Vec<u32>,
    /// What keys and rows take in memory, about.
    pub(super) bytes: usize,
    /// Batches so far.
    pub(super) clock: u32,
    /// Keys that are not in memory, and what has changed; `None` where state is short-lived and stays in memory.
    pub(super) backend: Option<StateBackend>,
    /// Keys whose last row has gone since the backend was told.
    pub(super) gone: Vec<Gone>,
}

/// The rows of a join key.
pub(super) struct Entry {
    pub hash: u64,
    pub key: Box<[u8]>,
    pub first: u32,
    last: u32,
    /// The batch that it was made or looked for in.
    pub used: u32,
    /// What checkpoints and the disk do not have yet.
    pub marks: u8,
}

/// A key without rows.
pub(super) struct Gone {
    pub hash: u64,
    pub key: Box<[u8]>,
    pub marks: u8,
}

pub(super) struct Slot {
    pub row: Box<[u8]>,
    /// The unique key, where rows are kept by one; else empty.
    pub unique: Box<[u8]>,
    entry: u32,
    previous: u32,
    pub next: u32,
    /// How often the row is there.
    pub count: u32,
    /// Rows of the other side that match it, where this side is kept with NULLs.
    pub partners: u32,
    pub written_ms: i64,
}

/// A row that comes in.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'r> {
    pub hash: u64,
    pub key: &'r [u8],
    pub row: &'r [u8],
    pub unique: &'r [u8],
}

/// A kept row.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    pub count: u32,
    pub partners: u32,
}

/// The shape of a side.
#[derive(Debug, Clone)]
pub(crate) struct SideSpec {
    pub keys: Vec<usize>,
    pub never_null: Vec<usize>,
    pub kept: SideRows,
    pub ttl_ms: Option<u64>,
}

impl SideSpec {
    /// Side 0 (left) or 1 (right) of `join`.
    pub(crate) fn of(join: &Join, side: usize) -> Self {
        Self {
            keys: join.keys_of(side),
            never_null: join.keys.iter().filter(|key| !key.matches_nulls).map(|key| key.of(side)).collect(),
            kept: join.side_rows(side),
            ttl_ms: join.state_ttl_ms[side],
        }
    }
}

impl Side {
    pub(super) fn new(spec: &SideSpec, input: &Schema) -> Result<Self, OperatorError> {
        let all: Vec<usize> = (0..input.fields().len()).collect();
        let unique = match &spec.kept {
            SideRows::Unique(columns) => Some(RowBytes::new(columns, input)?),
            SideRows::One | SideRows::Counted | SideRows::All => None,
        };
        Ok(Self {
            keys: RowBytes::new(&spec.keys, input)?,
            rows: RowBytes::new(&all, input)?,
            unique,
            kept: spec.kept.clone(),
            never_null: spec.never_null.clone(),
            ttl_ms: spec.ttl_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
            swept_ms: 0,
            table: HashTable::new(),
            entries: Vec::new(),
            free_entries: Vec::new(),
            index: HashTable::new(),
            slots: Vec::new(),
            free_slots: Vec::new(),
            bytes: 0,
            clock: 0,
            backend: None,
            gone: Vec::new(),
        })
    }

    /// The unique keys of rows, where they are needed.
    pub(super) fn unique_keys(&self, rows: &RecordBatch) -> Result<Option<super::super::row_bytes::ByteRows>, OperatorError> {
        self.unique.as_ref().map(|unique| unique.convert(rows)).transpose()
    }

    /// Whether a row can have partners at all: `None` when all can.
    pub(super) fn matchable(&self, rows: &RecordBatch) -> Option<Vec<bool>> {
        let nullable: Vec<_> = self.never_null.iter().map(|&c| rows.column(c)).filter(|c| c.null_count() > 0).collect();
        if nullable.is_empty() {
            return None;
        }
        Some((0..rows.num_rows()).map(|row| nullable.iter().all(|c| c.is_valid(row))).collect())
    }

    pub(super) fn entry_of(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let is_same = |&entry: &u32| self.entries.get(entry as usize).is_some_and(|e| e.hash == hash && e.key.as_ref() == key);
        self.table.find(hash, is_same).copied()
    }

    pub(super) fn is_live(&self, slot: &Slot, now_ms: i64) -> bool {
        self.ttl_ms.is_none_or(|ttl| slot.written_ms.saturating_add(ttl) > now_ms)
    }

    /// Appends the slots of a key's rows, in the order of their arrival.
    pub(super) fn matches(&self, hash: u64, key: &[u8], now_ms: i64, into: &mut Vec<u32>) {
        let mut next = self.entry_of(hash, key).map_or(NONE, |entry| self.entries[entry as usize].first);
        while next != NONE {
            let slot = &self.slots[next as usize];
            if self.is_live(slot, now_ms) {
                into.push(next);
            }
            next = slot.next;
        }
    }

    pub(super) fn kept(&self, slot: u32) -> Kept {
        let slot = &self.slots[slot as usize];
        Kept { count: slot.count, partners: slot.partners }
    }

    pub(super) fn row(&self, slot: u32) -> &[u8] {
        &self.slots[slot as usize].row
    }

    /// The key of a row, with its hash.
    pub(super) fn key_of(&self, slot: u32) -> (u64, &[u8]) {
        let entry = &self.entries[self.slots[slot as usize].entry as usize];
        (entry.hash, &entry.key)
    }

    /// All rows of a side that none was ever taken from.
    pub(super) fn all_slots(&self) -> Vec<u32> {
        (0..self.slots.len() as u32).collect()
    }

    /// Whether none of its slots is free.
    pub(super) fn is_dense(&self) -> bool {
        self.free_slots.is_empty()
    }

    /// Slots that there may be.
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The row has another number of partners now.
    pub(super) fn set_partners(&mut self, slot: u32, partners: u32, now_ms: i64) {
        let slot = &mut self.slots[slot as usize];
        (slot.partners, slot.written_ms) = (partners, now_ms);
        self.entries[slot.entry as usize].marks |= CHANGED;
    }

    fn identity<'r>(&self, row: &'r [u8], unique: &'r [u8]) -> &'r [u8] {
        if self.unique.is_some() { unique } else { row }
    }

    fn index_hash(&self, key_hash: u64, row: &[u8], unique: &[u8]) -> u64 {
        key_hash.rotate_left(17) ^ hash_of(self.identity(row, unique))
    }

    /// The slot of the row that `row` is equal to, or that it replaces.
    pub(super) fn find(&self, row: Incoming<'_>) -> Option<u32> {
        let entry = self.entry_of(row.hash, row.key)?;
        match self.kept {
            SideRows::One => Some(self.entries[entry as usize].first),
            SideRows::Unique(_) | SideRows::Counted => {
                let wanted = self.identity(row.row, row.unique);
                let is_same = |&slot: &u32| {
                    let slot = &self.slots[slot as usize];
                    slot.entry == entry && self.identity(&slot.row, &slot.unique) == wanted
                };
                self.index.find(self.index_hash(row.hash, row.row, row.unique), is_same).copied()
            }
            SideRows::All => {
                let mut next = self.entries[entry as usize].first;
                while next != NONE && self.slots[next as usize].row.as_ref() != row.row {
                    next = self.slots[next as usize].next;
                }
                (next != NONE).then_some(next)
            }
        }
    }

    /// Adds a row that has so many partners.
    pub(super) fn add(&mut self, row: Incoming<'_>, partners: u32, now_ms: i64) {
        let found = if self.kept == SideRows::All { None } else { self.find(row) };
        let Some(found) = found else {
            self.insert(row, (1, partners), now_ms);
            return;
        };
        let is_live = self.is_live(&self.slots[found as usize], now_ms);
        let is_counted = self.kept == SideRows::Counted;
        let slot = &mut self.slots[found as usize];
        if is_counted {
            slot.count = if is_live { slot.count.saturating_add(1) } else { 1 };
        } else if slot.row.as_ref() != row.row {
            self.bytes = (self.bytes + row.row.len()).saturating_sub(slot.row.len());
            slot.row = row.row.into();
        }
        (slot.partners, slot.written_ms) = (partners, now_ms);
        self.entries[slot.entry as usize].marks |= CHANGED;
    }

    pub(super) fn insert(&mut self, row: Incoming<'_>, (count, partners): (u32, u32), now_ms: i64) {
        let entry = match self.entry_of(row.hash, row.key) {
            Some(entry) => entry,
            None => self.new_entry(row.hash, row.key),
        };
        let previous = self.entries[entry as usize].last;
        self.bytes += self.row_bytes(row.row, row.unique);
        let unique: Box<[u8]> = if self.unique.is_some() { row.unique.into() } else { Box::default() };
        let made = Slot { row: row.row.into(), unique, entry, previous, next: NONE, count, partners, written_ms: now_ms };
        let slot = match self.free_slots.pop() {
            Some(slot) => {
                self.slots[slot as usize] = made;
                slot
            }
            None => {
                self.slots.push(made);
                (self.slots.len() - 1) as u32
            }
        };
        match previous {
            NONE => self.entries[entry as usize].first = slot,
            previous => self.slots[previous as usize].next = slot,
        }
        let last = &mut self.entries[entry as usize];
        last.last = slot;
        last.marks |= CHANGED;
        if self.is_indexed() {
            let hash = self.index_hash(row.hash, row.row, row.unique);
            let mut index = std::mem::take(&mut self.index);
            index.insert_unique(hash, slot, |&slot| self.hash_of_slot(slot));
            self.index = index;
        }
    }

    /// Whether rows are found by their identity.
    fn is_indexed(&self) -> bool {
        matches!(self.kept, SideRows::Unique(_) | SideRows::Counted)
    }

    /// What a row takes in memory.
    fn row_bytes(&self, row: &[u8], unique: &[u8]) -> usize {
        let identity = if self.is_indexed() { INDEXED_BYTES } else { 0 };
        SLOT_BYTES + identity + row.len() + if self.unique.is_some() { unique.len() } else { 0 }
    }

    fn hash_of_slot(&self, slot: u32) -> u64 {
        let slot = &self.slots[slot as usize];
        self.index_hash(self.entries[slot.entry as usize].hash, &slot.row, &slot.unique)
    }

    fn new_entry(&mut self, hash: u64, key: &[u8]) -> u32 {
        self.bytes += ENTRY_BYTES + key.len();
        let made = Entry { hash, key: key.into(), first: NONE, last: NONE, used: self.clock, marks: StateBackend::new_marks(key) };
        let entry = match self.free_entries.pop() {
            Some(entry) => {
                self.entries[entry as usize] = made;
                entry
            }
            None => {
                self.entries.push(made);
                (self.entries.len() - 1) as u32
            }
        };
        let entries = &self.entries;
        self.table.insert_unique(hash, entry, |&entry| entries[entry as usize].hash);
        entry
    }

    /// Takes a row back; one that is not there was forgotten.
    pub(super) fn retract(&mut self, row: Incoming<'_>, now_ms: i64) {
        let Some(found) = self.find(row) else { return };
        let is_live = self.is_live(&self.slots[found as usize], now_ms);
        let slot = &mut self.slots[found as usize];
        if is_live && slot.count > 1 {
            slot.count -= 1;
            slot.written_ms = now_ms;
            self.entries[slot.entry as usize].marks |= CHANGED;
        } else {
            self.remove(found);
        }
    }

    fn remove(&mut self, slot: u32) {
        let Slot { entry, previous, next, .. } = self.slots[slot as usize];
        match previous {
            NONE => self.entries[entry as usize].first = next,
            previous => self.slots[previous as usize].next = next,
        }
        match next {
            NONE => self.entries[entry as usize].last = previous,
            next => self.slots[next as usize].previous = previous,
        }
        self.free_slot(slot);
        let left = &mut self.entries[entry as usize];
        left.marks |= CHANGED;
        if left.first == NONE {
            let (hash, marks) = (left.hash, left.marks);
            let key = self.free_entry(entry);
            if self.backend.is_some() {
                self.gone.push(Gone { hash, key, marks });
            }
        }
    }

    /// Lets go of a key and its rows, as if they had never been in memory.
    pub(super) fn let_go(&mut self, entry: u32) {
        let mut next = self.entries[entry as usize].first;
        while next != NONE {
            let slot = next;
            next = self.slots[slot as usize].next;
            self.free_slot(slot);
        }
        drop(self.free_entry(entry));
    }

    /// Frees a slot whose entry is still known; the list that it was in is the caller's business.
    fn free_slot(&mut self, slot: u32) {
        if self.is_indexed() {
            let hash = self.hash_of_slot(slot);
            if let Ok(found) = self.index.find_entry(hash, |&other| other == slot) {
                found.remove();
            }
        }
        let freed = &mut self.slots[slot as usize];
        let (row, unique) = (std::mem::take(&mut freed.row), std::mem::take(&mut freed.unique));
        self.bytes = self.bytes.saturating_sub(self.row_bytes(&row, &unique));
        self.free_slots.push(slot);
    }

    /// Frees an entry without slots; answers its key.
    fn free_entry(&mut self, entry: u32) -> Box<[u8]> {
        let freed = &mut self.entries[entry as usize];
        let key = std::mem::take(&mut freed.key);
        freed.first = NONE;
        if let Ok(found) = self.table.find_entry(freed.hash, |&other| other == entry) {
            found.remove();
        }
        self.bytes = self.bytes.saturating_sub(ENTRY_BYTES + key.len());
        self.free_entries.push(entry);
        key
    }

    /// Forgets expired rows from time to time, so that those of silent keys do not stay for ever.
    pub(super) fn sweep(&mut self, now_ms: i64) {
        let Some(ttl_ms) = self.ttl_ms else { return };
        if now_ms.saturating_sub(self.swept_ms) < ttl_ms / 2 {
            return;
        }
        self.swept_ms = now_ms;
        let mut expired = Vec::new();
        for &entry in &self.table {
            let mut next = self.entries[entry as usize].first;
            while next != NONE {
                let slot = &self.slots[next as usize];
                if !self.is_live(slot, now_ms) {
                    expired.push(next);
                }
                next = slot.next;
            }
        }
        expired.into_iter().for_each(|slot| self.remove(slot));
    }
}
