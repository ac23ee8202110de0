//! The byte form of a side's rows: per join key how many rows there are, then each row with the time it was written, how
//! often it is there, its partners, its bytes, and its unique key where rows are kept by one.
//!
//! Invariant: what comes back is checked before it is kept; bytes without meaning are an error.

use super::{
    super::groups::{BlobWriter, hash_of, read_i64},
    side::{Incoming, NONE, Side, Slot},
};
use crate::{
    error::OperatorError,
    key::KeyGroup,
    state::{KeyGroupBlobs, StateError, encode_bytes},
};
use millrace_sql::plan::SideRows;

impl Side {
    /// The slots of an entry, in the order of arrival.
    pub(super) fn slots_of(&self, entry: u32) -> impl Iterator<Item = &Slot> {
        let mut next = self.entries[entry as usize].first;
        std::iter::from_fn(move || {
            let slot = (next != NONE).then(|| &self.slots[next as usize])?;
            next = slot.next;
            Some(slot)
        })
    }

    /// Appends rows of a key; answers how many.
    pub(super) fn write_rows<'s>(&self, slots: impl Iterator<Item = &'s Slot>, out: &mut Vec<u8>) -> u32 {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        let mut count = 0u32;
        for slot in slots {
            count += 1;
            out.extend_from_slice(&slot.written_ms.to_le_bytes());
            out.extend_from_slice(&slot.count.to_le_bytes());
            out.extend_from_slice(&slot.partners.to_le_bytes());
            encode_bytes(&slot.row, out);
            if self.unique.is_some() {
                encode_bytes(&slot.unique, out);
            }
        }
        out[start..start + 4].copy_from_slice(&count.to_le_bytes());
        count
    }

    /// All rows that have not expired, by key group: keys, each followed by its rows.
    pub(super) fn blobs(&self, now_ms: i64) -> KeyGroupBlobs {
        let mut blobs = BlobWriter::default();
        for &entry in &self.table {
            let live = || self.slots_of(entry).filter(|slot| self.is_live(slot, now_ms));
            if live().next().is_some() {
                blobs.entry(&self.entries[entry as usize].key, |out| {
                    self.write_rows(live(), out);
                });
            }
        }
        blobs.finish()
    }

    /// Takes in what [`Self::blobs`] wrote of a key group.
    ///
    /// # Errors
    /// Bytes that are no state of this side.
    pub(super) fn restore(&mut self, group: KeyGroup, mut blob: &[u8]) -> Result<(), OperatorError> {
        while !blob.is_empty() {
            let key = self.keys.stored_key(group, &mut blob)?;
            let hash = hash_of(key);
            if self.entry_of(hash, key).is_some() {
                return Err(StateError("a join key that is there twice".into()).into());
            }
            self.take_rows((hash, key), &mut blob, |_| true)?;
        }
        Ok(())
    }

    /// Takes in the rows of a key that is not there, as far as `is_wanted` by the time they were written.
    ///
    /// # Errors
    /// Bytes that are no rows of this side.
    pub(super) fn take_rows(
        &mut self,
        (hash, key): (u64, &[u8]),
        bytes: &mut &[u8],
        is_wanted: impl Fn(i64) -> bool,
    ) -> Result<(), OperatorError> {
        let rows = read_u32(bytes)?;
        if rows == 0 || (rows > 1 && self.kept == SideRows::One) {
            return Err(StateError(format!("a join key with {rows} rows")).into());
        }
        for _ in 0..rows {
            let written_ms = read_i64(bytes)?;
            let (count, partners) = (read_u32(bytes)?, read_u32(bytes)?);
            let row = self.rows.stored_row(bytes)?;
            let unique = match &self.unique {
                Some(unique) => unique.stored_row(bytes)?,
                None => &[],
            };
            let row = Incoming { hash, key, row, unique };
            let is_counted = self.kept == SideRows::Counted;
            if count == 0 || (count > 1 && !is_counted) || (self.kept != SideRows::All && self.find(row).is_some()) {
                return Err(StateError("a row of a join is there more than once, or not at all".into()).into());
            }
            if is_wanted(written_ms) {
                self.insert(row, (count, partners), written_ms);
            }
        }
        Ok(())
    }
}

/// Whether all rows of a key were written before `since_ms`; `false` for bytes that are none.
pub(super) fn are_older(mut bytes: &[u8], has_unique: bool, since_ms: i64) -> bool {
    let mut read = || -> Result<bool, StateError> {
        for _ in 0..read_u32(&mut bytes)? {
            if read_i64(&mut bytes)? > since_ms {
                return Ok(false);
            }
            skip(&mut bytes, 8)?;
            for _ in 0..1 + usize::from(has_unique) {
                let length = read_u32(&mut bytes)?;
                skip(&mut bytes, length as usize)?;
            }
        }
        Ok(true)
    };
    read().unwrap_or(false)
}

fn skip(bytes: &mut &[u8], count: usize) -> Result<(), StateError> {
    *bytes = bytes.get(count..).ok_or_else(|| StateError("ends inside a row".into()))?;
    Ok(())
}

pub(super) fn read_u32(blob: &mut &[u8]) -> Result<u32, StateError> {
    let (head, rest) = blob.split_first_chunk::<4>().ok_or_else(|| StateError("ends inside a number".into()))?;
    *blob = rest;
    Ok(u32::from_le_bytes(*head))
}
