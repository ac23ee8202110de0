//! One side of a window join as what a window keeps by key.

use super::{
    super::{row_bytes::RowBytes, tiered_sessions::PutState, tiered_windows::WindowContents},
    side::{Incoming, Side, SideSpec},
    stored_side::read_u32,
};
use crate::{
    error::OperatorError,
    key::KeyGroup,
    state::{StateError, encode_bytes},
};
use millrace_model::Schema;

/// Rows without a key that can match are kept with this number of partners, others with 0.
pub(super) const LONELY: u32 = 1;

/// What a side is like in all windows.
pub(super) struct WindowSide {
    spec: SideSpec,
    input: Schema,
    keys: RowBytes,
    rows: RowBytes,
}

impl WindowSide {
    pub(super) fn new(spec: &SideSpec, input: &Schema) -> Result<Self, OperatorError> {
        let all: Vec<usize> = (0..input.fields().len()).collect();
        Ok(Self { spec: spec.clone(), input: input.clone(), keys: RowBytes::new(&spec.keys, input)?, rows: RowBytes::new(&all, input)? })
    }
}

impl WindowContents for Side {
    type Spec = WindowSide;

    fn new(spec: &WindowSide) -> Result<Self, OperatorError> {
        Self::new(&spec.spec, &spec.input)
    }

    fn check_key(spec: &WindowSide, group: KeyGroup, key: &[u8]) -> Result<(), StateError> {
        spec.keys.check_key(group, key)
    }

    fn len(&self) -> usize {
        self.table.len()
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        self.entry_of(hash, key)
    }

    fn hash(&self, slot: u32) -> u64 {
        self.entries[slot as usize].hash
    }

    fn key(&self, slot: u32) -> &[u8] {
        &self.entries[slot as usize].key
    }

    fn in_order(&self) -> Vec<u32> {
        let mut entries: Vec<u32> = self.table.iter().copied().collect();
        entries.sort_unstable();
        entries
    }

    fn remove(&mut self, slot: u32) {
        self.let_go(slot);
    }

    fn states<'a>(&'a self, slots: &'a [u32]) -> Result<PutState<'a>, OperatorError> {
        Ok(Box::new(move |position, out| {
            let Some(&entry) = slots.get(position) else { return };
            out.extend_from_slice(&(self.slots_of(entry).count() as u32).to_le_bytes());
            for slot in self.slots_of(entry) {
                out.extend_from_slice(&slot.partners.to_le_bytes());
                encode_bytes(&slot.row, out);
            }
        }))
    }

    fn take_in(&mut self, spec: &WindowSide, hash: u64, key: &[u8], state: &mut &[u8]) -> Result<u32, OperatorError> {
        for _ in 0..read_u32(state)? {
            let partners = read_u32(state)?;
            let row = spec.rows.stored_row(state)?;
            if partners > LONELY {
                return Err(StateError(format!("a row of a window join with {partners} partners")).into());
            }
            self.add(Incoming { hash, key, row, unique: &[] }, partners, 0);
        }
        self.entry_of(hash, key).ok_or_else(|| StateError("a key of a window join without rows".into()).into())
    }

    fn bytes_per_key(&self) -> Result<u64, OperatorError> {
        Ok((self.bytes / self.table.len().max(1)) as u64)
    }
}
