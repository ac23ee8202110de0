//! What a window keeps by key, as [`super::TieredWindows`] needs to know it.

use crate::{
    error::OperatorError,
    key::KeyGroup,
    operators::sql::{
        groups::{GroupSpec, Groups},
        hot_groups::{SAMPLE, entry_bytes},
        tiered_sessions::PutState,
    },
    state::StateError,
};

/// What one window keeps by key; a key has a slot.
pub(crate) trait WindowContents: Sized + Send {
    /// What all windows of an operator have in common.
    type Spec;

    fn new(spec: &Self::Spec) -> Result<Self, OperatorError>;

    /// Whether a stored key is one of this key group.
    fn check_key(spec: &Self::Spec, group: KeyGroup, key: &[u8]) -> Result<(), StateError>;

    /// Number of keys.
    fn len(&self) -> usize;

    fn find(&self, hash: u64, key: &[u8]) -> Option<u32>;

    fn hash(&self, slot: u32) -> u64;

    fn key(&self, slot: u32) -> &[u8];

    /// All slots, ascending.
    fn in_order(&self) -> Vec<u32>;

    fn remove(&mut self, slot: u32);

    /// Writes what these slots hold, by position.
    fn states<'a>(&'a self, slots: &'a [u32]) -> Result<PutState<'a>, OperatorError>;

    /// Adds what was written, taken off the front, to a key; answers the key's slot.
    fn take_in(&mut self, spec: &Self::Spec, hash: u64, key: &[u8], state: &mut &[u8]) -> Result<u32, OperatorError>;

    /// What a key takes in memory, from a sample; asked seldom.
    fn bytes_per_key(&self) -> Result<u64, OperatorError>;
}

impl WindowContents for Groups {
    type Spec = GroupSpec;

    fn new(spec: &GroupSpec) -> Result<Self, OperatorError> {
        Self::new(spec)
    }

    fn check_key(spec: &GroupSpec, group: KeyGroup, key: &[u8]) -> Result<(), StateError> {
        spec.check_key(group, key)
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        self.find(hash, key)
    }

    fn hash(&self, slot: u32) -> u64 {
        self.hash(slot)
    }

    fn key(&self, slot: u32) -> &[u8] {
        self.key(slot)
    }

    fn in_order(&self) -> Vec<u32> {
        self.in_order()
    }

    fn remove(&mut self, slot: u32) {
        self.remove(slot);
    }

    fn states<'a>(&'a self, slots: &'a [u32]) -> Result<PutState<'a>, OperatorError> {
        let states = self.states(slots)?;
        Ok(Box::new(move |position, out| states.put(position, out)))
    }

    fn take_in(&mut self, _spec: &GroupSpec, hash: u64, key: &[u8], state: &mut &[u8]) -> Result<u32, OperatorError> {
        let slot = self.slot(hash, key);
        self.merge(slot, state)?;
        Ok(slot)
    }

    fn bytes_per_key(&self) -> Result<u64, OperatorError> {
        entry_bytes(self, &self.some(SAMPLE))
    }
}
