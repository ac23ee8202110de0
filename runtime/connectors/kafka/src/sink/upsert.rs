//! Which rows of a batch an upsert topic needs: of each key the last change, as a value or as a tombstone.
//!
//! `-U` and `-D` both take the row of their key away: a `-U` whose `+U` has the same key is replaced by it within the
//! batch, and one whose `+U` was filtered out on the way, or has another key, must leave no old row behind.

use arrow_array::UInt32Array;
use millrace_connector::ConnectorError;
use millrace_formats::EncodedRows;
use millrace_model::{Batch, ChangeKind};
use std::collections::HashSet;

/// Positions of the rows that are the last of their key, in order.
pub(super) fn last_of_each(keys: &EncodedRows) -> Vec<u32> {
    let all: Vec<&[u8]> = keys.iter().collect();
    let mut seen: HashSet<&[u8]> = HashSet::with_capacity(all.len());
    let mut kept: Vec<u32> = all.iter().enumerate().rev().filter(|(_, key)| seen.insert(key)).map(|(row, _)| row as u32).collect();
    kept.reverse();
    kept
}

/// The rows at `positions`.
pub(super) fn picked(batch: &Batch, positions: Vec<u32>) -> Result<Batch, ConnectorError> {
    if positions.len() == batch.num_rows() {
        return Ok(batch.clone());
    }
    batch.take(&UInt32Array::from(positions)).map_err(|e| ConnectorError::Internal(format!("rows of a batch: {e}")))
}

/// Per row whether it takes the row of its key away; `None` if none does.
pub(super) fn removals(batch: &Batch) -> Option<Vec<bool>> {
    let kinds = batch.kinds.as_ref()?;
    let removes = |kind: &u8| *kind == ChangeKind::UpdateBefore as u8 || *kind == ChangeKind::Delete as u8;
    let removals: Vec<bool> = kinds.values().iter().map(removes).collect();
    removals.contains(&true).then_some(removals)
}

/// Puts an empty message, which stands for none, between `values` wherever a row is a removal.
pub(super) fn with_tombstones(values: &EncodedRows, removals: &[bool], out: &mut EncodedRows) -> Result<(), ConnectorError> {
    let mut values = values.iter();
    for is_removal in removals {
        if !is_removal {
            out.data.extend_from_slice(values.next().unwrap_or_default());
        }
        let end = u32::try_from(out.data.len());
        out.ends.push(end.map_err(|_| ConnectorError::Internal("the messages of one buffer would exceed 4 GiB".into()))?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_row_of_each_key_stays_in_order() {
        let mut keys = EncodedRows::default();
        for key in ["a", "b", "a", "", "c", "b", ""] {
            keys.data.extend_from_slice(key.as_bytes());
            keys.ends.push(keys.data.len() as u32);
        }
        assert_eq!(last_of_each(&keys), [2, 4, 5, 6]);
        assert_eq!(last_of_each(&EncodedRows::default()), [0u32; 0]);
    }
}
