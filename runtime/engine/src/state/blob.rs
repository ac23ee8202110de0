//! All keyed state of one operator subtask as one blob: a sequence of (state name, key group, bytes).
//!
//! Invariant: single key groups can be picked when parallelism has changed.

use super::{
    KeyGroupBlobs,
    codec::{StateError, decode_bytes, encode_bytes},
};
use crate::key::KeyGroup;
use bytes::Bytes;
use std::collections::BTreeMap;

/// Joins the states of one subtask.
pub fn join(states: &BTreeMap<String, KeyGroupBlobs>) -> Bytes {
    let mut out = Vec::new();
    for (name, groups) in states {
        for (group, bytes) in groups {
            encode_bytes(name.as_bytes(), &mut out);
            out.extend_from_slice(&group.to_le_bytes());
            encode_bytes(bytes, &mut out);
        }
    }
    Bytes::from(out)
}

/// Adds to `states` what the blob holds of the key groups for which `wanted` answers true.
///
/// # Errors
/// A blob that is cut off or not made by [`join`].
pub fn split(blob: &Bytes, wanted: impl Fn(KeyGroup) -> bool, states: &mut BTreeMap<String, KeyGroupBlobs>) -> Result<(), StateError> {
    let mut rest: &[u8] = blob;
    while !rest.is_empty() {
        let name = std::str::from_utf8(decode_bytes(&mut rest)?).map_err(|_| StateError("a state name is not UTF-8".into()))?;
        let (group, after) = rest.split_first_chunk::<2>().ok_or_else(|| StateError("ends inside a key group".into()))?;
        rest = after;
        let group = KeyGroup::from_le_bytes(*group);
        let bytes = decode_bytes(&mut rest)?;
        if wanted(group) {
            states.entry(name.to_owned()).or_default().insert(group, blob.slice_ref(bytes));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_can_be_picked_from_a_blob() {
        let groups = KeyGroupBlobs::from([(3, Bytes::from_static(b"three")), (70, Bytes::from_static(b"seventy"))]);
        let states = BTreeMap::from([("a".to_owned(), groups.clone()), ("b".to_owned(), groups)]);
        let blob = join(&states);
        let mut picked = BTreeMap::new();
        split(&blob, |g| g >= 64, &mut picked).unwrap();
        assert_eq!(picked["b"].keys().collect::<Vec<_>>(), [&70]);
        assert_eq!(picked["a"][&70], "seventy");
        for cut in 1..blob.len() {
            let _ = split(&blob.slice(..cut), |_| true, &mut BTreeMap::new());
        }
    }
}
