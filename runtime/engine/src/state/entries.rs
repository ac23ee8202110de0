//! Entries of keyed state on their way to disk and to checkpoints: key, then value or "removed".
//!
//! A segment is a sequence of (key group, length, entries), as [`super::blob`] without names, so that single key groups
//! can be picked. Within a key group the order counts: the last entry of a key holds.

use super::codec::{StateError, decode_bytes, encode_bytes};
use crate::key::KeyGroup;
use bytes::Bytes;
use std::collections::BTreeMap;

/// Collects entries by key group.
#[derive(Debug, Default)]
pub(crate) struct SegmentWriter {
    groups: BTreeMap<KeyGroup, Vec<u8>>,
    bytes: usize,
}

impl SegmentWriter {
    /// Adds an entry; without a value the key is removed.
    pub(crate) fn put(&mut self, group: KeyGroup, key: &[u8], value: Option<&[u8]>) {
        let out = self.groups.entry(group).or_default();
        let before = out.len();
        encode_bytes(key, out);
        match value {
            Some(value) => {
                out.push(1);
                encode_bytes(value, out);
            }
            None => out.push(0),
        }
        self.bytes += out.len() - before;
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The segment so far; begins the next one. `None` if it is empty.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        let groups = std::mem::take(&mut self.groups);
        let bytes = std::mem::take(&mut self.bytes);
        let mut out = Vec::with_capacity(bytes + groups.len() * 6);
        for (group, entries) in groups {
            out.extend_from_slice(&group.to_le_bytes());
            encode_bytes(&entries, &mut out);
        }
        (!out.is_empty()).then(|| Bytes::from(out))
    }
}

/// Calls `each` with the entries of the key groups for which `wanted` answers true, in order.
///
/// # Errors
/// A segment that is cut off, and what `each` answers.
pub(crate) fn read_segment<E: From<StateError>>(
    segment: &[u8],
    wanted: impl Fn(KeyGroup) -> bool,
    mut each: impl FnMut(KeyGroup, &[u8], Option<&[u8]>) -> Result<(), E>,
) -> Result<(), E> {
    let mut rest = segment;
    while !rest.is_empty() {
        let (group, after) = rest.split_first_chunk::<2>().ok_or_else(|| StateError("ends inside a key group".into()))?;
        rest = after;
        let group = KeyGroup::from_le_bytes(*group);
        let mut entries = decode_bytes(&mut rest)?;
        if !wanted(group) {
            continue;
        }
        while !entries.is_empty() {
            let key = decode_bytes(&mut entries)?;
            let (has_value, after) = entries.split_first().ok_or_else(|| StateError("ends inside an entry".into()))?;
            entries = after;
            let value = match has_value {
                0 => None,
                1 => Some(decode_bytes(&mut entries)?),
                other => return Err(StateError(format!("an entry of kind {other}, expected 0 or 1")).into()),
            };
            each(group, key, value)?;
        }
    }
    Ok(())
}

/// Entries that leave memory together; afterwards in the order of group and key.
#[derive(Debug, Default)]
pub(crate) struct EntryBuffer {
    bytes: Vec<u8>,
    entries: Vec<Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// Group and key, then the value.
    start: usize,
    value: usize,
    end: usize,
    is_removed: bool,
}

/// The key under which an entry lies on disk: key groups lie together.
pub(crate) fn stored_key(group: KeyGroup, key: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&group.to_be_bytes());
    out.extend_from_slice(key);
}

impl EntryBuffer {
    /// Adds an entry whose value `write` appends.
    pub(crate) fn put(&mut self, group: KeyGroup, key: &[u8], write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        stored_key(group, key, &mut self.bytes);
        let value = self.bytes.len();
        write(&mut self.bytes);
        self.entries.push(Place { start, value, end: self.bytes.len(), is_removed: false });
    }

    /// Adds the removal of a key.
    pub(crate) fn remove(&mut self, group: KeyGroup, key: &[u8]) {
        let start = self.bytes.len();
        stored_key(group, key, &mut self.bytes);
        let end = self.bytes.len();
        self.entries.push(Place { start, value: end, end, is_removed: true });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    /// Entries as (stored key, value or removed), ascending, each key once: the one that was put last.
    pub(crate) fn sorted(&mut self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let bytes = &self.bytes;
        // Stable: of equal keys the last one put comes last.
        self.entries.sort_by(|a, b| bytes[a.start..a.value].cmp(&bytes[b.start..b.value]));
        let entries = &self.entries;
        entries.iter().enumerate().filter_map(move |(position, entry)| {
            let key = &bytes[entry.start..entry.value];
            let is_replaced = entries.get(position + 1).is_some_and(|next| bytes[next.start..next.value] == *key);
            (!is_replaced).then(|| (key, (!entry.is_removed).then(|| &bytes[entry.value..entry.end])))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Entry = (KeyGroup, Vec<u8>, Option<Vec<u8>>);

    fn read(segment: &[u8], wanted: impl Fn(KeyGroup) -> bool) -> Result<Vec<Entry>, StateError> {
        let mut found = Vec::new();
        read_segment(segment, wanted, |group, key, value| {
            found.push((group, key.to_vec(), value.map(<[u8]>::to_vec)));
            Ok::<(), StateError>(())
        })?;
        Ok(found)
    }

    #[test]
    fn groups_of_a_segment_can_be_picked_and_cut_ones_are_errors() {
        let mut writer = SegmentWriter::default();
        writer.put(9, b"b", Some(b"1"));
        writer.put(3, b"a", Some(b""));
        writer.put(9, b"b", None);
        let segment = writer.take().unwrap();
        assert_eq!((writer.bytes(), writer.take()), (0, None));
        let all = [(3, b"a".to_vec(), Some(vec![])), (9, b"b".to_vec(), Some(b"1".to_vec())), (9, b"b".to_vec(), None)];
        assert_eq!(read(&segment, |_| true).unwrap(), all);
        assert_eq!(read(&segment, |group| group == 3).unwrap(), all[..1]);
        for cut in 1..segment.len() {
            let whole = read(&segment[..cut], |_| true);
            // A cut between two key groups is seen by the checksum only.
            assert!(whole.as_ref().is_err() || whole.as_ref() == Ok(&all[..1].to_vec()), "cut at {cut}: {whole:?}");
        }
    }

    #[test]
    fn a_buffer_gives_each_key_once_in_order() {
        let mut buffer = EntryBuffer::default();
        buffer.put(2, b"b", |out| out.extend_from_slice(b"old"));
        buffer.put(1, b"z", |out| out.push(7));
        buffer.remove(2, b"a");
        buffer.put(2, b"b", |out| out.extend_from_slice(b"new"));
        buffer.put(300, b"", |_| {});
        let sorted: Vec<(Vec<u8>, Option<Vec<u8>>)> = buffer.sorted().map(|(k, v)| (k.to_vec(), v.map(<[u8]>::to_vec))).collect();
        let key = |group: u8, key: &[u8]| [&[0, group], key].concat();
        let expected =
            [(key(1, b"z"), Some(vec![7])), (key(2, b"a"), None), (key(2, b"b"), Some(b"new".to_vec())), (vec![1, 44], Some(vec![]))];
        assert_eq!(sorted, expected);
    }
}
