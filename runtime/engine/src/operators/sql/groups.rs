//! Groups of rows by key: which slot a key has, and the accumulators of all slots.
//!
//! Key bytes are those of [`crate::key::KeyHasher`], so a group's key group is the one by which the exchange sent its rows.

use super::evaluation_failed;
use crate::{
    error::OperatorError,
    key::{KeyGroup, key_group_of},
    state::{KeyGroupBlobs, StateError, encode_bytes},
    stored_key,
};
use arrow_array::{ArrayRef, BinaryArray, BooleanArray, RecordBatch, UInt32Array, cast::AsArray};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::DataType;
use bytes::Bytes;
use hashbrown::HashTable;
use millrace_functions::aggregate::{Accumulator, Chosen, Update, distinct, running_chosen};
use millrace_model::{Batch, ChangeKind, Schema, take_rows};
use millrace_sql::plan::AggregateCall;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// What makes the groups: key columns and calls.
pub(crate) struct GroupSpec {
    pub keys: Vec<usize>,
    pub calls: Vec<AggregateCall>,
    pub can_retract: bool,
    /// Rows of a key are taken back in the order in which they were added.
    pub is_sliding: bool,
    converter: RowConverter,
    key_types: Vec<DataType>,
}

impl GroupSpec {
    pub(crate) fn new(keys: Vec<usize>, calls: Vec<AggregateCall>, can_retract: bool, input: &Schema) -> Result<Self, OperatorError> {
        let key_types: Vec<DataType> = keys.iter().map(|&k| input.fields()[k].data_type.to_arrow()).collect();
        let converter = RowConverter::new(key_types.iter().cloned().map(SortField::new).collect())?;
        Ok(Self { keys, calls, can_retract, is_sliding: false, converter, key_types })
    }

    /// Key bytes of every row; `None` when there are no key columns.
    pub(crate) fn key_bytes(&self, rows: &RecordBatch) -> Result<Option<Rows>, OperatorError> {
        if self.keys.is_empty() {
            return Ok(None);
        }
        let columns: Vec<ArrayRef> = self.keys.iter().map(|&k| rows.column(k).clone()).collect();
        Ok(Some(self.converter.convert_columns(&columns)?))
    }

    /// Takes the key of a stored entry off the front, once it is known to be one that `key_columns` can read.
    pub(crate) fn stored_key<'a>(&self, group: KeyGroup, blob: &mut &'a [u8]) -> Result<&'a [u8], StateError> {
        let key = read_key(blob)?;
        self.check_key(group, key)?;
        Ok(key)
    }

    /// Whether a stored key is one of this key group that `key_columns` can read.
    pub(crate) fn check_key(&self, group: KeyGroup, key: &[u8]) -> Result<(), StateError> {
        let found = key_group_of(key);
        if found != group {
            return Err(StateError(format!("a key of group {found} lies in the blob of group {group}")));
        }
        if !stored_key::is_well_formed(key, &self.key_types) {
            return Err(StateError(format!("a key of {} bytes is no key of the types {:?}", key.len(), self.key_types)));
        }
        Ok(())
    }

    /// Key columns of these keys.
    pub(crate) fn key_columns(&self, keys: &[&[u8]]) -> Result<Vec<ArrayRef>, OperatorError> {
        if self.keys.is_empty() {
            return Ok(Vec::new());
        }
        let parser = self.converter.parser();
        Ok(self.converter.convert_rows(keys.iter().map(|k| parser.parse(k)))?)
    }
}

/// The key of row `row`.
pub(crate) fn key_of(keys: Option<&Rows>, row: usize) -> &[u8] {
    match keys {
        Some(keys) => keys.row(row).data(),
        None => &[],
    }
}

/// The hash by which keys are looked up: that of [`crate::key::key_group_of`].
#[inline]
pub(crate) fn hash_of(key: &[u8]) -> u64 {
    xxh3_64(key)
}

/// More rows than a group can ever have had: leaves room to count on.
const ROWS_MAX: u64 = 1 << 62;

/// Slots by key, with one accumulator per call over all slots.
pub(crate) struct Groups {
    /// Slots by the hash of their key.
    slots: HashTable<u32>,
    /// Per slot its key and the key's hash.
    keys: Vec<(u64, Box<[u8]>)>,
    free: Vec<u32>,
    /// Rows added minus rows taken back, per slot.
    pub counts: Vec<i64>,
    accumulators: Vec<Box<dyn Accumulator>>,
}

impl Groups {
    pub(crate) fn new(spec: &GroupSpec) -> Result<Self, OperatorError> {
        let mut accumulators = Vec::with_capacity(spec.calls.len());
        for call in &spec.calls {
            // Of equal arguments the first is added, and taken back with the last: DISTINCT does not keep the order.
            let made = match spec.is_sliding && !call.distinct {
                true => call.function.sliding_accumulator(&call.argument_types, &call.result.data_type),
                false => call.function.accumulator(&call.argument_types, &call.result.data_type, spec.can_retract),
            };
            let made = made.map_err(|e| OperatorError::Evaluation(e.to_string()))?;
            accumulators.push(if call.distinct { distinct(made, &call.argument_types) } else { made });
        }
        Ok(Self { slots: HashTable::new(), keys: Vec::new(), free: Vec::new(), counts: Vec::new(), accumulators })
    }

    /// The slot of the key with this hash.
    #[inline]
    pub(crate) fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let keys = &self.keys;
        self.slots.find(hash, |&slot| keys[slot as usize].1.as_ref() == key).copied()
    }

    /// The hash of a slot's key.
    pub(crate) fn hash(&self, slot: u32) -> u64 {
        self.keys[slot as usize].0
    }

    /// The key of a slot; empty where keys are kept by someone else.
    pub(crate) fn key(&self, slot: u32) -> &[u8] {
        self.keys.get(slot as usize).map_or(&[], |(_, key)| key)
    }

    /// Makes room for the slots up to this one, where keys are kept by someone else.
    #[inline]
    pub(crate) fn reach(&mut self, slot: u32) {
        let count = slot as usize + 1;
        if self.counts.len() < count {
            self.counts.resize(count, 0);
            self.accumulators.iter_mut().for_each(|a| a.resize(count));
        }
    }

    /// Forgets what a slot has, where keys are kept by someone else.
    pub(crate) fn clear(&mut self, slot: u32) {
        if let Some(count) = self.counts.get_mut(slot as usize) {
            *count = 0;
            self.accumulators.iter_mut().for_each(|a| a.clear(slot));
        }
    }

    /// Number of keys.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Some slots, spread evenly.
    pub(crate) fn some(&self, count: usize) -> Vec<u32> {
        self.slots.iter().copied().take(count).collect()
    }

    /// The slot of the key with this hash, made if it is new.
    #[inline]
    pub(crate) fn slot(&mut self, hash: u64, key: &[u8]) -> u32 {
        match self.find(hash, key) {
            Some(slot) => slot,
            None => self.new_slot(hash, key),
        }
    }

    fn new_slot(&mut self, hash: u64, key: &[u8]) -> u32 {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.keys[slot as usize] = (hash, key.into());
                slot
            }
            None => {
                self.keys.push((hash, key.into()));
                self.counts.push(0);
                let slot = self.keys.len() - 1;
                self.accumulators.iter_mut().for_each(|a| a.resize(slot + 1));
                slot as u32
            }
        };
        let keys = &self.keys;
        self.slots.insert_unique(hash, slot, |&slot| keys[slot as usize].0);
        slot
    }

    /// Slots in the order in which their keys came first (reused slots aside).
    pub(crate) fn in_order(&self) -> Vec<u32> {
        let mut slots: Vec<u32> = self.slots.iter().copied().collect();
        slots.sort_unstable();
        slots
    }

    pub(crate) fn remove(&mut self, slot: u32) {
        if let Ok(entry) = self.slots.find_entry(self.keys[slot as usize].0, |&found| found == slot) {
            entry.remove();
        }
        self.counts[slot as usize] = 0;
        self.accumulators.iter_mut().for_each(|a| a.clear(slot));
        self.free.push(slot);
    }

    /// Adds (or takes back) rows; `groups` and `retract` are per row of `rows`.
    pub(crate) fn update(
        &mut self,
        spec: &GroupSpec,
        rows: &RecordBatch,
        groups: &[u32],
        retract: Option<&[bool]>,
    ) -> Result<(), OperatorError> {
        for (row, &group) in groups.iter().enumerate() {
            self.counts[group as usize] += if retract.is_some_and(|r| r[row]) { -1 } else { 1 };
        }
        for (call, accumulator) in spec.calls.iter().zip(&mut self.accumulators) {
            let arguments: Vec<ArrayRef> = call.arguments.iter().map(|&i| rows.column(i).clone()).collect();
            let update = Update { groups, retract, arguments: &arguments };
            let done = match call.filter {
                None => accumulator.update(&update),
                Some(filter) => {
                    let chosen = Chosen::of(&update, &true_rows(rows.column(filter).as_boolean()));
                    chosen.and_then(|chosen| accumulator.update(&chosen.update()))
                }
            };
            done.map_err(evaluation_failed)?;
        }
        Ok(())
    }

    /// Adds (or takes back) rows of a batch, given by their positions, ascending; `groups` is per position, `retract` per row of the
    /// batch.
    pub(crate) fn update_chosen(
        &mut self,
        spec: &GroupSpec,
        batch: &Batch,
        retract: Option<&[bool]>,
        chosen: &[u32],
        groups: &[u32],
    ) -> Result<(), OperatorError> {
        if chosen.len() == batch.num_rows() {
            return self.update(spec, &batch.rows, groups, retract);
        }
        let flags: Option<Vec<bool>> = retract.map(|r| chosen.iter().map(|&row| r[row as usize]).collect());
        let rows = take_rows(&batch.rows, &UInt32Array::from(chosen.to_vec()))?;
        self.update(spec, &rows, groups, flags.as_deref())
    }

    /// Adds (or takes back) rows of a batch to the groups of their keys; all rows if `chosen` is `None`. Answers the slots.
    pub(crate) fn update_by_key(
        &mut self,
        spec: &GroupSpec,
        batch: &Batch,
        keys: Option<&Rows>,
        retract: Option<&[bool]>,
        chosen: Option<&[u32]>,
    ) -> Result<Vec<u32>, OperatorError> {
        let mut slot_of = |row: usize| {
            let key = key_of(keys, row);
            self.slot(hash_of(key), key)
        };
        match chosen {
            None => {
                let slots: Vec<u32> = (0..batch.num_rows()).map(&mut slot_of).collect();
                self.update(spec, &batch.rows, &slots, retract)?;
                Ok(slots)
            }
            Some(chosen) => {
                let slots: Vec<u32> = chosen.iter().map(|&row| slot_of(row as usize)).collect();
                self.update_chosen(spec, batch, retract, chosen, &slots)?;
                Ok(slots)
            }
        }
    }

    /// Counts of rows per slot, and the accumulators of the calls.
    pub(crate) fn parts_mut(&mut self) -> (&mut [i64], &mut [Box<dyn Accumulator>]) {
        (&mut self.counts, &mut self.accumulators)
    }

    /// Whether [`Self::running`] works: every call can.
    pub(crate) fn can_run(&self, spec: &GroupSpec) -> bool {
        !spec.can_retract && self.accumulators.iter().all(|a| a.can_run())
    }

    /// Adds rows one after the other; answers per row the results of its slot right after it.
    pub(crate) fn running(&mut self, spec: &GroupSpec, rows: &RecordBatch, groups: &[u32]) -> Result<Vec<ArrayRef>, OperatorError> {
        groups.iter().for_each(|&group| self.counts[group as usize] += 1);
        let results = spec.calls.iter().zip(&mut self.accumulators).map(|(call, accumulator)| {
            let arguments: Vec<ArrayRef> = call.arguments.iter().map(|&i| rows.column(i).clone()).collect();
            let update = Update { groups, retract: None, arguments: &arguments };
            let found = match call.filter {
                None => accumulator.running(&update),
                Some(filter) => running_chosen(accumulator.as_mut(), &update, &true_rows(rows.column(filter).as_boolean())),
            };
            let found = found.map_err(evaluation_failed)?;
            found.ok_or_else(|| OperatorError::Internal(format!("`{}` has no running results", call.function.name())))
        });
        results.collect()
    }

    /// Results of all calls for these slots.
    pub(crate) fn values(&self, slots: &[u32]) -> Result<Vec<ArrayRef>, OperatorError> {
        self.accumulators.iter().map(|a| a.values(slots).map_err(evaluation_failed)).collect()
    }

    /// The states of these slots, to be written one by one.
    pub(crate) fn states<'g>(&'g self, slots: &'g [u32]) -> Result<States<'g>, OperatorError> {
        let given_out = self.accumulators.iter().map(|a| a.exported(slots).map_err(evaluation_failed)).collect::<Result<Vec<_>, _>>()?;
        Ok(States { groups: self, slots, given_out })
    }

    /// A slot's state.
    pub(crate) fn state(&self, slot: u32) -> Result<Vec<u8>, OperatorError> {
        let mut out = Vec::new();
        self.states(&[slot])?.put(0, &mut out);
        Ok(out)
    }

    /// Merges groups of `later` in this order.
    pub(crate) fn merge_slots(&mut self, later: &Self, from: &[u32]) -> Result<(), OperatorError> {
        let mut pairs = Vec::with_capacity(from.len());
        for &slot in from {
            let into = self.slot(later.hash(slot), later.key(slot));
            self.counts[into as usize] = self.counts[into as usize].saturating_add(later.counts[slot as usize]);
            pairs.push((slot, into));
        }
        let mut state = Vec::new();
        for (accumulator, other) in self.accumulators.iter_mut().zip(&later.accumulators) {
            if accumulator.merge_slots(other.as_ref(), &pairs).map_err(evaluation_failed)? {
                continue;
            }
            let given_out = other.exported(from).map_err(evaluation_failed)?;
            for (position, &(slot, into)) in pairs.iter().enumerate() {
                state.clear();
                match &given_out {
                    Some(states) => state.extend_from_slice(states.value(position)),
                    None => other.export(slot, &mut state),
                }
                accumulator.merge(into, &mut state.as_slice()).map_err(evaluation_failed)?;
            }
        }
        Ok(())
    }

    /// Merges what [`Self::states`] wrote into a slot.
    pub(crate) fn merge(&mut self, slot: u32, state: &mut &[u8]) -> Result<(), OperatorError> {
        let stored = read_i64(state)?;
        let count = self.counts[slot as usize].checked_add(stored).filter(|count| count.unsigned_abs() < ROWS_MAX);
        self.counts[slot as usize] = count.ok_or_else(|| StateError(format!("a group of {stored} rows")))?;
        for accumulator in &mut self.accumulators {
            accumulator.merge(slot, state).map_err(|e| StateError(e.to_string()))?;
        }
        Ok(())
    }
}

/// States of some slots.
pub(crate) struct States<'g> {
    groups: &'g Groups,
    slots: &'g [u32],
    /// Per accumulator the states of all slots, if it gives them out together.
    given_out: Vec<Option<BinaryArray>>,
}

impl States<'_> {
    /// Appends the state of the slot at `position`: count, then each accumulator.
    pub(crate) fn put(&self, position: usize, out: &mut Vec<u8>) {
        let Some(&slot) = self.slots.get(position) else { return };
        out.extend_from_slice(&self.groups.counts[slot as usize].to_le_bytes());
        for (accumulator, given_out) in self.groups.accumulators.iter().zip(&self.given_out) {
            match given_out {
                Some(states) => out.extend_from_slice(states.value(position)),
                None => accumulator.export(slot, out),
            }
        }
    }
}

fn true_rows(filter: &BooleanArray) -> Vec<u32> {
    filter.iter().enumerate().filter(|(_, v)| *v == Some(true)).map(|(i, _)| i as u32).collect()
}

/// Entries of a state by key group: key, then whatever `write` appends.
#[derive(Default)]
pub(crate) struct BlobWriter {
    groups: BTreeMap<KeyGroup, Vec<u8>>,
}

impl BlobWriter {
    pub(crate) fn entry(&mut self, key: &[u8], write: impl FnOnce(&mut Vec<u8>)) {
        let out = self.groups.entry(key_group_of(key)).or_default();
        encode_bytes(key, out);
        write(out);
    }

    pub(crate) fn finish(self) -> KeyGroupBlobs {
        self.groups.into_iter().map(|(group, out)| (group, Bytes::from(out))).collect()
    }
}

/// Takes the key off the front of an entry.
pub(crate) fn read_key<'a>(blob: &mut &'a [u8]) -> Result<&'a [u8], StateError> {
    let (length, rest) = blob.split_first_chunk::<4>().ok_or_else(|| StateError("ends inside a length".into()))?;
    let length = u32::from_le_bytes(*length) as usize;
    let key = rest.get(..length).ok_or_else(|| StateError(format!("{} bytes left, expected {length}", rest.len())))?;
    *blob = &rest[length..];
    Ok(key)
}

pub(crate) fn read_i64(blob: &mut &[u8]) -> Result<i64, StateError> {
    let (head, rest) = blob.split_first_chunk::<8>().ok_or_else(|| StateError("ends inside a number".into()))?;
    *blob = rest;
    Ok(i64::from_le_bytes(*head))
}

/// Change kinds as "takes back" flags; `None` when all rows are added.
pub(crate) fn retractions(batch: &Batch) -> Option<Vec<bool>> {
    let kinds = batch.kinds.as_ref()?;
    Some(kinds.values().iter().map(|&k| k == ChangeKind::UpdateBefore as u8 || k == ChangeKind::Delete as u8).collect())
}
