//! `OVER` by a column that is no time: a row that comes or goes changes the results of the rows behind it (Flink's
//! `NonTimeRangeUnboundedPrecedingFunction` and its sister for ROWS). Any changelog comes in, all four kinds go out.
//!
//! Per key the rows lie in order, with the accumulators' state after each place: a row in ROWS, the rows of equal order in
//! RANGE. A change is computed from the place before it on, and ends where a state stays as it was. A row that is taken back
//! and is not there is passed over.

use super::{
    super::{
        change_kinds,
        groups::{BlobWriter, GroupSpec, Groups, hash_of, key_of, read_i64},
        row_bytes::RowBytes,
        rows_of,
    },
    OverSpec,
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
    state::{KeyGroupBlobs, StateError, encode_bytes},
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{SchemaRef, SortOptions};
use arrow_select::take::take;
use async_trait::async_trait;
use millrace_model::{Batch, ChangeKind};
use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasherDefault,
};
use xxhash_rust::xxh3::Xxh3Default;

const PARTITIONS: &str = "partitions";

pub(crate) struct UpdatingOver {
    is_rows: bool,
    order_column: usize,
    order: RowConverter,
    groups_spec: GroupSpec,
    /// States at work; none between batches.
    groups: Groups,
    used: Vec<u32>,
    partitions: HashMap<Box<[u8]>, Partition, BuildHasherDefault<Xxh3Default>>,
    row_bytes: RowBytes,
    ttl_ms: Option<i64>,
    swept_ms: i64,
    output: SchemaRef,
}

#[derive(Default)]
struct Partition {
    places: Vec<Place>,
    written_ms: i64,
}

/// A row, or rows of equal order.
struct Place {
    /// What rows are ordered by, as bytes that compare alike.
    order: Box<[u8]>,
    rows: Vec<Box<[u8]>>,
    /// The accumulators after it.
    state: Vec<u8>,
}

/// Rows to be emitted: kind, the row's bytes, the slot with its results.
#[derive(Default)]
struct Changes {
    kinds: Vec<u8>,
    rows: Vec<Box<[u8]>>,
    slots: Vec<u32>,
}

impl Changes {
    fn push(&mut self, kind: ChangeKind, row: &[u8], slot: u32) {
        self.kinds.push(kind as u8);
        self.rows.push(row.into());
        self.slots.push(slot);
    }

    fn update(&mut self, row: &[u8], before: u32, after: u32) {
        self.push(ChangeKind::UpdateBefore, row, before);
        self.push(ChangeKind::UpdateAfter, row, after);
    }
}

impl UpdatingOver {
    pub(crate) fn new(spec: OverSpec, output: SchemaRef, context: &OperatorContext) -> Result<Self, OperatorError> {
        let groups_spec = GroupSpec::new(spec.keys, spec.calls, false, &context.input)?;
        let order_type = context.input.fields()[spec.order].data_type.to_arrow();
        let options = SortOptions { descending: false, nulls_first: spec.nulls_first };
        let all: Vec<usize> = (0..context.input.fields().len()).collect();
        let mut made = Self {
            is_rows: spec.frame.is_rows,
            order_column: spec.order,
            order: RowConverter::new(vec![SortField::new_with_options(order_type, options)])?,
            groups: Groups::new(&groups_spec)?,
            groups_spec,
            used: Vec::new(),
            partitions: HashMap::default(),
            row_bytes: RowBytes::new(&all, &context.input)?,
            ttl_ms: spec.state_ttl_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
            swept_ms: 0,
            output,
        };
        made.restore(&context.restored)?;
        Ok(made)
    }

    /// A slot with this state.
    fn load(&mut self, state: Option<&[u8]>) -> Result<u32, OperatorError> {
        let name = (self.used.len() as u64).to_le_bytes();
        let slot = self.groups.slot(hash_of(&name), &name);
        self.used.push(slot);
        if let Some(mut state) = state {
            self.groups.merge(slot, &mut state)?;
        }
        Ok(slot)
    }

    /// Adds rows to a slot, in order.
    fn add(&mut self, slot: u32, rows: &[Box<[u8]>]) -> Result<(), OperatorError> {
        let rows: Vec<&[u8]> = rows.iter().map(AsRef::as_ref).collect();
        let columns = self.row_bytes.columns(&rows)?;
        let batch = rows_of(&columns, rows.len())?;
        self.groups.update(&self.groups_spec, &batch, &vec![slot; rows.len()], None)
    }

    /// A slot with the state before place `at`.
    fn before(&mut self, partition: &Partition, at: usize) -> Result<u32, OperatorError> {
        self.load(at.checked_sub(1).and_then(|previous| partition.places.get(previous)).map(|p| p.state.as_slice()))
    }

    fn insert(
        &mut self,
        partition: &mut Partition,
        order: &[u8],
        row: &[u8],
        kind: ChangeKind,
        changes: &mut Changes,
    ) -> Result<(), OperatorError> {
        let at = partition.places.partition_point(|p| if self.is_rows { p.order.as_ref() <= order } else { p.order.as_ref() < order });
        let current = self.before(partition, at)?;
        let is_new = self.is_rows || partition.places.get(at).is_none_or(|p| p.order.as_ref() != order);
        if is_new {
            partition.places.insert(at, Place { order: order.into(), rows: vec![row.into()], state: Vec::new() });
            self.add(current, &partition.places[at].rows)?;
            let state = self.groups.state(current)?;
            let result = self.load(Some(&state))?;
            changes.push(kind, row, result);
            partition.places[at].state = state;
        } else {
            let place = &mut partition.places[at];
            place.rows.push(row.into());
            self.add(current, &place.rows)?;
            let state = self.groups.state(current)?;
            let result = self.load(Some(&state))?;
            if !is_same(&state, &place.state) {
                let old = self.load(Some(&place.state))?;
                let others = place.rows.len() - 1;
                place.rows[..others].iter().for_each(|other| changes.update(other, old, result));
            }
            changes.push(kind, row, result);
            place.state = state;
        }
        self.go_on(partition, at + 1, current, changes)
    }

    fn remove(&mut self, partition: &mut Partition, order: &[u8], row: &[u8], changes: &mut Changes) -> Result<(), OperatorError> {
        let first = partition.places.partition_point(|p| p.order.as_ref() < order);
        let equal = partition.places[first..].iter().take_while(|p| p.order.as_ref() == order);
        let found = equal.enumerate().find_map(|(i, p)| Some((first + i, p.rows.iter().rposition(|r| r.as_ref() == row)?)));
        let Some((at, gone)) = found else { return Ok(()) };
        let current = self.before(partition, at)?;
        let old = self.load(Some(&partition.places[at].state))?;
        if partition.places[at].rows.len() == 1 {
            changes.push(ChangeKind::Delete, row, old);
            partition.places.remove(at);
            return self.go_on(partition, at, current, changes);
        }
        let place = &mut partition.places[at];
        place.rows.remove(gone);
        self.add(current, &place.rows)?;
        let state = self.groups.state(current)?;
        let is_unchanged = is_same(&state, &place.state);
        let result = self.load(Some(&state))?;
        for (position, other) in place.rows.iter().enumerate() {
            if position == gone {
                changes.push(ChangeKind::Delete, row, old);
            }
            if !is_unchanged {
                changes.update(other, old, result);
            }
        }
        if gone == place.rows.len() {
            changes.push(ChangeKind::Delete, row, old);
        }
        place.state = state;
        self.go_on(partition, at + 1, current, changes)
    }

    /// Computes the places from `at` on anew, until one stays as it was.
    fn go_on(&mut self, partition: &mut Partition, at: usize, current: u32, changes: &mut Changes) -> Result<(), OperatorError> {
        for place in &mut partition.places[at..] {
            self.add(current, &place.rows)?;
            let state = self.groups.state(current)?;
            if is_same(&state, &place.state) {
                return Ok(());
            }
            let (old, new) = (self.load(Some(&place.state))?, self.load(Some(&state))?);
            place.rows.iter().for_each(|row| changes.update(row, old, new));
            place.state = state;
        }
        Ok(())
    }

    fn emit(&mut self, changes: Changes, batch: &Batch, out: &mut Collector) -> Result<(), OperatorError> {
        let count = changes.kinds.len();
        if count > 0 {
            let rows: Vec<&[u8]> = changes.rows.iter().map(AsRef::as_ref).collect();
            let mut columns = self.row_bytes.columns(&rows)?;
            // Slots have results of their own; several rows may share one.
            let mut distinct = changes.slots.clone();
            distinct.sort_unstable();
            distinct.dedup();
            let places = changes.slots.iter().map(|slot| distinct.binary_search(slot).unwrap_or_default() as u32);
            let places = UInt32Array::from_iter_values(places);
            for results in self.groups.values(&distinct)? {
                columns.push(take(&results, &places, None)?);
            }
            let options = RecordBatchOptions::new().with_row_count(Some(count));
            let rows = RecordBatch::try_new_with_options(self.output.clone(), columns, &options)?;
            let kinds = change_kinds(changes.kinds);
            out.emit(Batch { rows, kinds, origin: batch.origin.clone() });
        }
        for slot in std::mem::take(&mut self.used) {
            self.groups.remove(slot);
        }
        Ok(())
    }

    fn is_expired(&self, partition: &Partition, now_ms: i64) -> bool {
        self.ttl_ms.is_some_and(|ttl| partition.written_ms.saturating_add(ttl) <= now_ms)
    }

    /// Forgets expired keys from time to time, so that silent ones do not stay for ever.
    fn sweep(&mut self, now_ms: i64) {
        let Some(ttl_ms) = self.ttl_ms else { return };
        if now_ms.saturating_sub(self.swept_ms) < ttl_ms / 2 {
            return;
        }
        self.swept_ms = now_ms;
        self.partitions.retain(|_, partition| partition.written_ms.saturating_add(ttl_ms) > now_ms);
    }

    fn change(&mut self, batch: &Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let keys = self.groups_spec.key_bytes(&batch.rows)?;
        let orders = self.order.convert_columns(&[batch.rows.column(self.order_column).clone()])?;
        let rows = self.row_bytes.convert(&batch.rows)?;
        let mut changes = Changes::default();
        for index in 0..batch.num_rows() {
            let kind = batch.kinds.as_ref().and_then(|k| ChangeKind::from_byte(k.value(index))).unwrap_or(ChangeKind::Insert);
            let (key, order, row) = (key_of(keys.as_ref(), index), orders.row(index), rows.get(index));
            let (name, mut partition) = match self.partitions.remove_entry(key) {
                Some((name, partition)) if !self.is_expired(&partition, now_ms) => (name, partition),
                Some((name, _)) => (name, Partition::default()),
                None => (key.into(), Partition::default()),
            };
            partition.written_ms = now_ms;
            match kind {
                ChangeKind::Insert | ChangeKind::UpdateAfter => self.insert(&mut partition, order.data(), row, kind, &mut changes)?,
                ChangeKind::UpdateBefore | ChangeKind::Delete => self.remove(&mut partition, order.data(), row, &mut changes)?,
            }
            if !partition.places.is_empty() {
                self.partitions.insert(name, partition);
            }
        }
        self.emit(changes, batch, out)
    }

    fn restore(&mut self, restored: &BTreeMap<String, KeyGroupBlobs>) -> Result<(), OperatorError> {
        for (&group, blob) in restored.get(PARTITIONS).into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = self.groups_spec.stored_key(group, &mut blob)?;
                let written_ms = read_i64(&mut blob)?;
                let mut partition = Partition { places: Vec::new(), written_ms };
                for _ in 0..read_i64(&mut blob)? {
                    let count = read_i64(&mut blob)?;
                    let mut rows: Vec<&[u8]> = Vec::new();
                    for _ in 0..count {
                        rows.push(self.row_bytes.stored_row(&mut blob)?);
                    }
                    let first = rows.first().ok_or_else(|| StateError("a place without rows".into()))?;
                    let column: ArrayRef = self.row_bytes.columns(&[*first])?.swap_remove(self.order_column);
                    let order = self.order.convert_columns(&[column])?.row(0).data().into();
                    // Checked by being loaded once.
                    let before = blob;
                    let slot = self.load(None)?;
                    self.groups.merge(slot, &mut blob)?;
                    let state = before[..before.len() - blob.len()].to_vec();
                    partition.places.push(Place { order, rows: rows.into_iter().map(Into::into).collect(), state });
                    for slot in std::mem::take(&mut self.used) {
                        self.groups.remove(slot);
                    }
                }
                if !partition.places.is_sorted_by(|a, b| a.order <= b.order) {
                    return Err(StateError("rows of a window that are not in order".into()).into());
                }
                self.partitions.insert(key.into(), partition);
            }
        }
        Ok(())
    }
}

/// Whether accumulators are equal; the number of rows, which stands before them, does not matter.
fn is_same(state: &[u8], other: &[u8]) -> bool {
    state.get(size_of::<i64>()..) == other.get(size_of::<i64>()..)
}

#[async_trait]
impl Operator for UpdatingOver {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.sweep(now_ms);
        self.change(&batch, now_ms, out)
    }

    async fn snapshot(&mut self, now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let mut live: Vec<_> = self.partitions.iter().filter(|(_, p)| !self.is_expired(p, now_ms)).collect();
        // The same state is the same bytes.
        live.sort_unstable_by_key(|(key, _)| *key);
        let mut blobs = BlobWriter::default();
        for (key, partition) in live {
            blobs.entry(key, |out| {
                let mut numbers = vec![partition.written_ms, partition.places.len() as i64];
                for place in &partition.places {
                    numbers.push(place.rows.len() as i64);
                    numbers.drain(..).for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
                    for row in &place.rows {
                        encode_bytes(row, out);
                    }
                    out.extend_from_slice(&place.state);
                }
            });
        }
        let keyed = BTreeMap::from([(PARTITIONS.to_owned(), blobs.finish())]);
        Ok(OperatorSnapshot { keyed, ..OperatorSnapshot::default() })
    }
}
