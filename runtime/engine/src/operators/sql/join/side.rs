//! What a join keeps of one of its inputs: rows by join key, after Flink's `JoinRecordStateViews` and
//! `OuterJoinRecordStateViews`.
//!
//! A row is kept as bytes in a slot; the slots of a key form a list in the order of arrival. Where rows must be found again
//! (they are replaced by a unique key, counted, or taken back), an index finds the slot of a key and an identity.
//!
//! Invariant: an entry has at least one slot; slots outside of any list are free.

use super::super::{
    groups::{BlobWriter, hash_of, read_i64},
    row_bytes::RowBytes,
};
use crate::{
    error::OperatorError,
    key::KeyGroup,
    state::{KeyGroupBlobs, StateError, encode_bytes},
};
use arrow_array::{Array, RecordBatch};
use hashbrown::HashTable;
use millrace_model::Schema;
use millrace_sql::plan::{Join, SideRows};

const NONE: u32 = u32::MAX;

/// One side of a join.
pub(super) struct Side {
    /// The join key of a row.
    pub keys: RowBytes,
    /// A whole row.
    pub rows: RowBytes,
    /// The unique key of a row, where rows are kept by one.
    unique: Option<RowBytes>,
    kept: SideRows,
    /// Key columns in which NULL matches nothing.
    never_null: Vec<usize>,
    ttl_ms: Option<i64>,
    swept_ms: i64,
    /// Entries by the hash of their key.
    table: HashTable<u32>,
    entries: Vec<Entry>,
    free_entries: Vec<u32>,
    /// Slots by the hash of key and identity.
    index: HashTable<u32>,
    slots: Vec<Slot>,
    free_slots: Vec<u32>,
}

/// The rows of a join key.
struct Entry {
    hash: u64,
    key: Box<[u8]>,
    first: u32,
    last: u32,
}

struct Slot {
    row: Box<[u8]>,
    /// The unique key, where rows are kept by one; else empty.
    unique: Box<[u8]>,
    entry: u32,
    previous: u32,
    next: u32,
    /// How often the row is there.
    count: u32,
    /// Rows of the other side that match it, where this side is kept with NULLs.
    partners: u32,
    written_ms: i64,
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

    fn entry_of(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let is_same = |&entry: &u32| self.entries.get(entry as usize).is_some_and(|e| e.hash == hash && e.key.as_ref() == key);
        self.table.find(hash, is_same).copied()
    }

    fn is_live(&self, slot: &Slot, now_ms: i64) -> bool {
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

    /// Calls `visit` with each key and its rows.
    pub(super) fn each_key(&self, mut visit: impl FnMut(&[u8], &[u32])) {
        let mut slots = Vec::new();
        for &entry in &self.table {
            let entry = &self.entries[entry as usize];
            slots.clear();
            let mut next = entry.first;
            while next != NONE {
                slots.push(next);
                next = self.slots[next as usize].next;
            }
            visit(&entry.key, &slots);
        }
    }

    /// Slots that there may be.
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The row has another number of partners now.
    pub(super) fn set_partners(&mut self, slot: u32, partners: u32, now_ms: i64) {
        let slot = &mut self.slots[slot as usize];
        (slot.partners, slot.written_ms) = (partners, now_ms);
    }

    fn identity<'r>(&self, row: &'r [u8], unique: &'r [u8]) -> &'r [u8] {
        if self.unique.is_some() { unique } else { row }
    }

    fn index_hash(&self, key_hash: u64, row: &[u8], unique: &[u8]) -> u64 {
        key_hash.rotate_left(17) ^ hash_of(self.identity(row, unique))
    }

    /// The slot of the row that `row` is equal to, or that it replaces.
    fn find(&self, row: Incoming<'_>) -> Option<u32> {
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
            slot.row = row.row.into();
        }
        (slot.partners, slot.written_ms) = (partners, now_ms);
    }

    fn insert(&mut self, row: Incoming<'_>, (count, partners): (u32, u32), now_ms: i64) {
        let entry = match self.entry_of(row.hash, row.key) {
            Some(entry) => entry,
            None => self.new_entry(row.hash, row.key),
        };
        let previous = self.entries[entry as usize].last;
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
        self.entries[entry as usize].last = slot;
        if matches!(self.kept, SideRows::Unique(_) | SideRows::Counted) {
            let hash = self.index_hash(row.hash, row.row, row.unique);
            let mut index = std::mem::take(&mut self.index);
            index.insert_unique(hash, slot, |&slot| self.hash_of_slot(slot));
            self.index = index;
        }
    }

    fn hash_of_slot(&self, slot: u32) -> u64 {
        let slot = &self.slots[slot as usize];
        self.index_hash(self.entries[slot.entry as usize].hash, &slot.row, &slot.unique)
    }

    fn new_entry(&mut self, hash: u64, key: &[u8]) -> u32 {
        let made = Entry { hash, key: key.into(), first: NONE, last: NONE };
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
        } else {
            self.remove(found);
        }
    }

    fn remove(&mut self, slot: u32) {
        if matches!(self.kept, SideRows::Unique(_) | SideRows::Counted) {
            let hash = self.hash_of_slot(slot);
            if let Ok(found) = self.index.find_entry(hash, |&other| other == slot) {
                found.remove();
            }
        }
        let Slot { entry, previous, next, .. } = self.slots[slot as usize];
        match previous {
            NONE => self.entries[entry as usize].first = next,
            previous => self.slots[previous as usize].next = next,
        }
        match next {
            NONE => self.entries[entry as usize].last = previous,
            next => self.slots[next as usize].previous = previous,
        }
        (self.slots[slot as usize].row, self.slots[slot as usize].unique) = (Box::default(), Box::default());
        self.free_slots.push(slot);
        if self.entries[entry as usize].first == NONE {
            let hash = self.entries[entry as usize].hash;
            if let Ok(found) = self.table.find_entry(hash, |&other| other == entry) {
                found.remove();
            }
            self.entries[entry as usize].key = Box::default();
            self.free_entries.push(entry);
        }
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

    /// Per key its rows: how many, then each with the time it was written, its count, its partners and its bytes.
    pub(super) fn snapshot(&self, now_ms: i64) -> KeyGroupBlobs {
        let mut blobs = BlobWriter::default();
        let mut live = Vec::new();
        for &entry in &self.table {
            let entry = &self.entries[entry as usize];
            live.clear();
            let mut next = entry.first;
            while next != NONE {
                let slot = &self.slots[next as usize];
                if self.is_live(slot, now_ms) {
                    live.push(next);
                }
                next = slot.next;
            }
            if live.is_empty() {
                continue;
            }
            blobs.entry(&entry.key, |out| {
                out.extend_from_slice(&(live.len() as u32).to_le_bytes());
                for &slot in &live {
                    let slot = &self.slots[slot as usize];
                    out.extend_from_slice(&slot.written_ms.to_le_bytes());
                    out.extend_from_slice(&slot.count.to_le_bytes());
                    out.extend_from_slice(&slot.partners.to_le_bytes());
                    encode_bytes(&slot.row, out);
                    if self.unique.is_some() {
                        encode_bytes(&slot.unique, out);
                    }
                }
            });
        }
        blobs.finish()
    }

    /// Takes in what [`Self::snapshot`] wrote of a key group.
    ///
    /// # Errors
    /// Bytes that are no state of this side.
    pub(super) fn restore(&mut self, group: KeyGroup, mut blob: &[u8]) -> Result<(), OperatorError> {
        while !blob.is_empty() {
            let key = self.keys.stored_key(group, &mut blob)?.to_vec();
            let hash = hash_of(&key);
            let count = read_u32(&mut blob)?;
            if count == 0 || (count > 1 && self.kept == SideRows::One) || self.entry_of(hash, &key).is_some() {
                return Err(StateError(format!("a join key with {count} rows, or one that is there twice")).into());
            }
            for _ in 0..count {
                let written_ms = read_i64(&mut blob)?;
                let (count, partners) = (read_u32(&mut blob)?, read_u32(&mut blob)?);
                let row = self.rows.stored_row(&mut blob)?.to_vec();
                let unique = match &self.unique {
                    Some(unique) => unique.stored_row(&mut blob)?.to_vec(),
                    None => Vec::new(),
                };
                let row = Incoming { hash, key: &key, row: &row, unique: &unique };
                if count == 0 || (self.kept != SideRows::All && self.find(row).is_some()) {
                    return Err(StateError("a row of a join is there twice, or not at all".into()).into());
                }
                self.insert(row, (count, partners), written_ms);
            }
        }
        Ok(())
    }
}

pub(super) fn read_u32(blob: &mut &[u8]) -> Result<u32, StateError> {
    let (head, rest) = blob.split_first_chunk::<4>().ok_or_else(|| StateError("ends inside a number".into()))?;
    *blob = rest;
    Ok(u32::from_le_bytes(*head))
}
