//! Accumulators that lie in a guest: the operator's slots on one side, the guest's group numbers on the other.
//!
//! Windows have an accumulator each, all in the same instance, so group numbers are given out here. Clearing and importing
//! are noted and told to the guest together, before the next call that depends on them.
//! Invariant: a group number is given out again only after the guest has been told to forget it.

use super::{opened::Failure, scalar::refuse_nulls, wait::wait};
use arrow_array::{ArrayRef, BinaryArray, builder::BinaryBuilder, new_empty_array};
use arrow_schema::DataType as Arrow;
use millrace_functions::{
    EvaluationError,
    aggregate::{Accumulator, Update},
};
use millrace_sandbox::{AggregateGuest, Usage};
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc};

/// Bytes of states that one call should move, going by the states seen so far.
const CHUNK_BYTES: usize = 4 << 20;
/// Groups of the first call that moves states.
const CHUNK_GROUPS_FIRST: usize = 64;
/// Groups of one call at most.
const CHUNK_GROUPS_MAX: usize = 65_536;

/// All groups of one call in one subtask. Cheap to clone.
#[derive(Clone)]
pub(super) struct GuestGroups {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    name: String,
    guest: AggregateGuest,
    /// Per argument whether the function takes no NULL there.
    not_null: Vec<bool>,
    result: Arrow,
    failure: Failure,
    /// The next number never given out.
    next: u32,
    /// Numbers to give out again.
    free: Vec<u32>,
    /// Groups that the guest has still to forget.
    cleared: Vec<u32>,
    /// States that the guest has still to take, after forgetting.
    imports: BTreeMap<u32, Vec<u8>>,
    import_bytes: usize,
    /// How many groups a call that moves states has.
    chunk_groups: usize,
}

impl GuestGroups {
    pub(super) fn new(name: &str, guest: AggregateGuest, not_null: Vec<bool>, result: Arrow, failure: Failure) -> Self {
        let shared = Shared {
            name: name.to_owned(),
            guest,
            not_null,
            result,
            failure,
            next: 0,
            free: Vec::new(),
            cleared: Vec::new(),
            imports: BTreeMap::new(),
            import_bytes: 0,
            chunk_groups: CHUNK_GROUPS_FIRST,
        };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }

    pub(super) fn usage(&self) -> Usage {
        self.shared.lock().guest.usage()
    }

    /// Accumulators of an own set of slots.
    pub(super) fn accumulator(&self) -> GuestAccumulator {
        GuestAccumulator { shared: self.shared.clone(), groups: Vec::new() }
    }
}

impl Shared {
    fn take_group(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            let group = self.next;
            self.next = self.next.saturating_add(1);
            group
        })
    }

    fn forget(&mut self, group: u32) {
        if let Some(state) = self.imports.remove(&group) {
            self.import_bytes = self.import_bytes.saturating_sub(state.len());
        }
        self.cleared.push(group);
    }

    /// Tells the guest what has been noted.
    fn flush(&mut self) -> Result<(), EvaluationError> {
        if !self.cleared.is_empty() {
            let mut cleared = std::mem::take(&mut self.cleared);
            cleared.sort_unstable();
            cleared.dedup();
            wait(self.guest.clear(&cleared))?.map_err(|report| self.failure.note(report))?;
        }
        let imports = std::mem::take(&mut self.imports);
        self.import_bytes = 0;
        let (mut groups, mut states, mut bytes) = (Vec::new(), BinaryBuilder::new(), 0);
        for (group, state) in imports {
            groups.push(group);
            states.append_value(&state);
            bytes += state.len();
            if bytes >= CHUNK_BYTES || groups.len() >= CHUNK_GROUPS_MAX {
                self.import(&std::mem::take(&mut groups), &states.finish())?;
                bytes = 0;
            }
        }
        if groups.is_empty() { Ok(()) } else { self.import(&groups, &states.finish()) }
    }

    fn import(&mut self, groups: &[u32], states: &BinaryArray) -> Result<(), EvaluationError> {
        wait(self.guest.import_states(groups, states))?.map_err(|report| self.failure.note(report))
    }

    /// The states of these groups, each with its length before it.
    fn export(&mut self, groups: &[u32]) -> Result<BinaryArray, EvaluationError> {
        self.flush()?;
        let mut all = BinaryBuilder::new();
        let (mut rest, mut state) = (groups, Vec::new());
        while !rest.is_empty() {
            let (chunk, later) = rest.split_at(self.chunk_groups.clamp(1, CHUNK_GROUPS_MAX).min(rest.len()));
            let states = wait(self.guest.export_states(chunk))?.map_err(|report| self.failure.note(report))?;
            self.chunk_groups = CHUNK_BYTES / (states.value_data().len() / chunk.len().max(1)).max(1);
            for one in states.iter() {
                let one = one.unwrap_or_default();
                let length = u32::try_from(one.len()).map_err(|_| EvaluationError(format!("a state of `{}` is too long", self.name)))?;
                state.clear();
                state.extend_from_slice(&length.to_le_bytes());
                state.extend_from_slice(one);
                all.append_value(&state);
            }
            rest = later;
        }
        Ok(all.finish())
    }
}

/// The accumulators of one set of slots.
pub(super) struct GuestAccumulator {
    shared: Arc<Mutex<Shared>>,
    /// Per slot the guest's group.
    groups: Vec<u32>,
}

impl GuestAccumulator {
    fn guest_groups(&self, slots: &[u32]) -> Result<Vec<u32>, EvaluationError> {
        let groups: Option<Vec<u32>> = slots.iter().map(|&slot| self.groups.get(slot as usize).copied()).collect();
        groups.ok_or_else(|| EvaluationError("an aggregate was asked for a group that it does not have".to_owned()))
    }
}

impl Drop for GuestAccumulator {
    fn drop(&mut self) {
        let mut shared = self.shared.lock();
        for group in std::mem::take(&mut self.groups) {
            shared.forget(group);
            shared.free.push(group);
        }
    }
}

impl Accumulator for GuestAccumulator {
    fn resize(&mut self, groups: usize) {
        let mut shared = self.shared.lock();
        while self.groups.len() < groups {
            self.groups.push(shared.take_group());
        }
    }

    fn update(&mut self, update: &Update<'_>) -> Result<(), EvaluationError> {
        if update.groups.is_empty() {
            return Ok(());
        }
        let groups = self.guest_groups(update.groups)?;
        let shared = &mut *self.shared.lock();
        refuse_nulls(&shared.name, update.arguments, &shared.not_null)?;
        shared.flush()?;
        let retract = update.retract.filter(|retract| retract.iter().any(|r| *r)).map(packed);
        let updated = wait(shared.guest.update(&groups, retract.as_deref(), update.arguments))?;
        updated.map_err(|report| shared.failure.note(report))
    }

    fn values(&self, groups: &[u32]) -> Result<ArrayRef, EvaluationError> {
        let shared = &mut *self.shared.lock();
        if groups.is_empty() {
            return Ok(new_empty_array(&shared.result));
        }
        let groups = self.guest_groups(groups)?;
        shared.flush()?;
        wait(shared.guest.values(&groups))?.map_err(|report| shared.failure.note(report))
    }

    fn exported(&self, groups: &[u32]) -> Result<Option<BinaryArray>, EvaluationError> {
        let groups = self.guest_groups(groups)?;
        self.shared.lock().export(&groups).map(Some)
    }

    /// Not asked: see [`Accumulator::exported`].
    fn export(&self, _group: u32, _out: &mut Vec<u8>) {}

    fn merge(&mut self, group: u32, state: &mut &[u8]) -> Result<(), EvaluationError> {
        let damaged = || EvaluationError("the stored state of an aggregate ends too early".to_owned());
        let (length, rest) = state.split_first_chunk::<4>().ok_or_else(damaged)?;
        let length = u32::from_le_bytes(*length) as usize;
        let own = rest.get(..length).ok_or_else(damaged)?;
        *state = rest.get(length..).unwrap_or_default();
        let group = self.guest_groups(&[group])?.first().copied().unwrap_or_default();
        let shared = &mut *self.shared.lock();
        // Groups of one call must differ: a second state for one is the next call.
        if shared.imports.contains_key(&group) || shared.import_bytes > CHUNK_BYTES {
            shared.flush()?;
        }
        shared.import_bytes += own.len();
        shared.imports.insert(group, own.to_vec());
        Ok(())
    }

    fn clear(&mut self, group: u32) {
        if let Some(&group) = self.groups.get(group as usize) {
            self.shared.lock().forget(group);
        }
    }

    /// The share of the instance's memory that these slots have.
    fn size_bytes(&self) -> usize {
        let shared = self.shared.lock();
        let used = (shared.next as usize).saturating_sub(shared.free.len()).max(1);
        (shared.guest.memory_bytes() as f64 * self.groups.len() as f64 / used as f64) as usize
    }
}

/// Bits, least significant first.
fn packed(flags: &[bool]) -> Vec<u8> {
    flags.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |byte, (bit, flag)| byte | (u8::from(*flag) << bit))).collect()
}
