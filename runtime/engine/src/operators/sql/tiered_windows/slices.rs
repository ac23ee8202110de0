//! Windows that are merged from slices: in parts, so that what is merged stays small however large the slices are.
//!
//! Invariant: of a key the slices are merged in the order that was asked for.

use super::{TieredWindows, Window, gathered::Part};
use crate::{
    error::OperatorError,
    key::{KeyGroup, key_group_of_hash},
    operators::sql::groups::{GroupSpec, Groups},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Groups in memory that are merged at once.
const PART_GROUPS: u64 = 262_144;

/// A window that is being merged.
pub(crate) struct Merging {
    /// Its slices, in the order in which they are merged.
    slices: Vec<Window>,
    /// Slots in memory of each slice, by key group; empty where nothing lies on disk.
    slots: Vec<Vec<u32>>,
    /// The only key groups that count.
    only: Option<Arc<BTreeSet<KeyGroup>>>,
    parts: std::vec::IntoIter<Part>,
}

impl TieredWindows<Groups> {
    /// Begins with the window of these slices.
    pub(crate) fn merging(&self, slices: Vec<Window>, only: Option<Arc<BTreeSet<KeyGroup>>>) -> Merging {
        let mut bytes: BTreeMap<KeyGroup, u64> = BTreeMap::new();
        slices.iter().for_each(|&slice| self.add_cold_bytes(slice, &mut bytes));
        if bytes.is_empty() {
            let count: u64 = slices.iter().filter_map(|&slice| self.get(slice)).map(|groups| groups.len() as u64).sum();
            let parts: Vec<Part> = Part::passes(None, count / PART_GROUPS + 1).collect();
            return Merging { slices, slots: Vec::new(), only, parts: parts.into_iter() };
        }
        let slots = slices.iter().map(|&slice| self.sorted_slots(slice, &mut bytes)).collect();
        bytes.retain(|group, _| only.as_ref().is_none_or(|only| only.contains(group)));
        Merging { slices, slots, only, parts: Part::of(&bytes).into_iter() }
    }

    /// Merges the next part of a window and gives it to `emit`; answers the number of its groups, `None` at the end.
    pub(crate) fn merge_part(
        &self,
        spec: &GroupSpec,
        merging: &mut Merging,
        emit: &mut dyn FnMut(&Groups) -> Result<(), OperatorError>,
    ) -> Result<Option<usize>, OperatorError> {
        let Some(part) = merging.parts.next() else { return Ok(None) };
        if let ([slice], true) = (merging.slices.as_slice(), part.is_all() && merging.only.is_none()) {
            let Some(groups) = self.get(*slice) else { return Ok(Some(0)) };
            emit(groups)?;
            return Ok(Some(groups.len()));
        }
        let mut merged = Groups::new(spec)?;
        for (position, &slice) in merging.slices.iter().enumerate() {
            let hot = self.get(slice);
            if let Some(hot) = hot {
                let mut slots = match merging.slots.get(position) {
                    Some(sorted) => part.chosen(hot, sorted),
                    None => part.chosen(hot, &hot.in_order()),
                };
                if let Some(only) = &merging.only {
                    slots.retain(|&slot| only.contains(&key_group_of_hash(hot.hash(slot))));
                }
                merged.merge_slots(hot, &slots)?;
            }
            if let Some(group) = part.group {
                self.add_cold(spec, slice, (group, &part), hot, &mut merged)?;
            }
        }
        emit(&merged)?;
        Ok(Some(merged.len()))
    }

    /// Forgets a slice that no later window has.
    pub(crate) fn remove(&mut self, slice: Window) {
        self.take(slice);
    }
}
