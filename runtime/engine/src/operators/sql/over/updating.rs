//! `OVER` by a column that is no time: a row that comes or goes changes the results of the rows behind it (Flink's
//! `NonTimeRangeUnboundedPrecedingFunction` and its sister for ROWS). Any changelog comes in, all four kinds go out.
//!
//! Per key the rows lie in order, with the accumulators' state after each place: a row in ROWS, the rows of equal order in
//! RANGE. A change is computed from the place before it on, and ends where a state stays as it was. A row that is taken back
//! and is not there is passed over.

use super::{
    super::{
        change_kinds,
        groups::{GroupSpec, Groups, hash_of, key_of, read_i64},
        hot_groups::expires,
        row_bytes::RowBytes,
        rows_of,
        tiered_slots::{SlotValue, TieredSlots, Written},
    },
    OverSpec,
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
    state::{KeyGroupBlobs, StateError, encode_bytes, tiered_map::RestoredSegments},
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{SchemaRef, SortOptions};
use arrow_select::take::take;
use async_trait::async_trait;
use millrace_model::{Batch, ChangeKind, ids::CheckpointId};

const PARTITIONS: &str = "partitions";

pub(crate) struct UpdatingOver {
    is_rows: bool,
    order_column: usize,
    order: RowConverter,
    groups_spec: GroupSpec,
    /// States at work; none between batches.
    groups: Groups,
    used: Vec<u32>,
    partitions: TieredSlots<Partition>,
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

impl SlotValue for Partition {
    fn memory_bytes(&self) -> usize {
        let rows = |place: &Place| place.rows.iter().map(|row| size_of::<Box<[u8]>>() + 16 + row.len()).sum::<usize>();
        let place = |place: &Place| size_of::<Place>() + 48 + place.order.len() + place.state.len() + rows(place);
        size_of::<Self>() + self.places.iter().map(place).sum::<usize>()
    }
}

impl Partition {
    fn is_expired(&self, ttl_ms: Option<i64>, now_ms: i64) -> bool {
        ttl_ms.is_some_and(|ttl_ms| self.written_ms.saturating_add(ttl_ms) <= now_ms)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut numbers = vec![self.written_ms, self.places.len() as i64];
        for place in &self.places {
            numbers.push(place.rows.len() as i64);
            numbers.drain(..).for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
            for row in &place.rows {
                encode_bytes(row, out);
            }
            out.extend_from_slice(&place.state);
        }
    }
}

/// Reads partitions that were stored.
struct Reader<'o> {
    row_bytes: &'o RowBytes,
    order: &'o RowConverter,
    order_column: usize,
    groups: &'o mut Groups,
}

impl Reader<'_> {
    /// Takes a partition off the front.
    fn read(&mut self, value: &mut &[u8]) -> Result<Partition, OperatorError> {
        let written_ms = read_i64(value)?;
        let (mut places, mut firsts): (Vec<Place>, Vec<&[u8]>) = (Vec::new(), Vec::new());
        for _ in 0..read_i64(value)? {
            let count = read_i64(value)?;
            let mut rows: Vec<&[u8]> = Vec::new();
            for _ in 0..count {
                rows.push(self.row_bytes.stored_row(value)?);
            }
            firsts.push(*rows.first().ok_or_else(|| StateError("a place without rows".into()))?);
            // Checked by being taken in once.
            let before = *value;
            let slot = self.groups.slot(hash_of(&[]), &[]);
            let taken = self.groups.merge(slot, value);
            self.groups.remove(slot);
            taken?;
            let state = before[..before.len() - value.len()].to_vec();
            places.push(Place { order: Box::default(), rows: rows.into_iter().map(Into::into).collect(), state });
        }
        if !firsts.is_empty() {
            let column: ArrayRef = self.row_bytes.columns(&firsts)?.swap_remove(self.order_column);
            let orders = self.order.convert_columns(&[column])?;
            places.iter_mut().zip(orders.iter()).for_each(|(place, order)| place.order = order.data().into());
        }
        if !places.is_sorted_by(|a, b| a.order <= b.order) {
            return Err(StateError("rows of a window that are not in order".into()).into());
        }
        Ok(Partition { places, written_ms })
    }

    /// Reads all of a value.
    fn read_value(&mut self, mut value: &[u8]) -> Result<Partition, OperatorError> {
        let partition = self.read(&mut value)?;
        if value.is_empty() { Ok(partition) } else { Err(StateError(format!("{} bytes behind a partition", value.len())).into()) }
    }
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
    pub(crate) fn new(spec: OverSpec, output: SchemaRef, context: &mut OperatorContext) -> Result<Self, OperatorError> {
        let (partitions, segments) = TieredSlots::open(PARTITIONS, &mut context.state, &context.metrics)?;
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
            partitions,
            row_bytes: RowBytes::new(&all, &context.input)?,
            ttl_ms: spec.state_ttl_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
            swept_ms: 0,
            output,
        };
        made.restore(segments, context.restored.get(PARTITIONS))?;
        Ok(made)
    }

    /// A slot with this state.
    fn at_state(&mut self, state: Option<&[u8]>) -> Result<u32, OperatorError> {
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
        self.at_state(at.checked_sub(1).and_then(|previous| partition.places.get(previous)).map(|p| p.state.as_slice()))
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
            let result = self.at_state(Some(&state))?;
            changes.push(kind, row, result);
            partition.places[at].state = state;
        } else {
            let place = &mut partition.places[at];
            place.rows.push(row.into());
            self.add(current, &place.rows)?;
            let state = self.groups.state(current)?;
            let result = self.at_state(Some(&state))?;
            if !is_same(&state, &place.state) {
                let old = self.at_state(Some(&place.state))?;
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
        let old = self.at_state(Some(&partition.places[at].state))?;
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
        let result = self.at_state(Some(&state))?;
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
            let (old, new) = (self.at_state(Some(&place.state))?, self.at_state(Some(&state))?);
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

    /// Forgets expired keys from time to time, so that silent ones do not stay for ever.
    fn sweep(&mut self, now_ms: i64) -> Result<(), OperatorError> {
        let Some(ttl_ms) = self.ttl_ms else { return Ok(()) };
        if now_ms.saturating_sub(self.swept_ms) < ttl_ms / 2 {
            return Ok(());
        }
        self.swept_ms = now_ms;
        self.partitions.retain(|partition| !partition.is_expired(Some(ttl_ms), now_ms))
    }

    /// Brings the partitions of a batch to memory.
    fn load<'k>(&mut self, keys: impl Iterator<Item = &'k [u8]>, now_ms: i64) -> Result<(), OperatorError> {
        let Self { partitions, row_bytes, order, order_column, groups, ttl_ms, .. } = self;
        let mut reader = Reader { row_bytes, order, order_column: *order_column, groups };
        let ttl_ms = *ttl_ms;
        partitions.load(keys, now_ms, |value| if expires(value, ttl_ms, now_ms) { Ok(None) } else { reader.read_value(value).map(Some) })
    }

    fn change(&mut self, batch: &Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let keys = self.groups_spec.key_bytes(&batch.rows)?;
        self.load((0..batch.num_rows()).map(|row| key_of(keys.as_ref(), row)), now_ms)?;
        let orders = self.order.convert_columns(&[batch.rows.column(self.order_column).clone()])?;
        let rows = self.row_bytes.convert(&batch.rows)?;
        let mut changes = Changes::default();
        for index in 0..batch.num_rows() {
            let kind = batch.kinds.as_ref().and_then(|k| ChangeKind::from_byte(k.value(index))).unwrap_or(ChangeKind::Insert);
            let (order, row) = (orders.row(index), rows.get(index));
            let slot = self.partitions.slot(key_of(keys.as_ref(), index), Partition::default);
            let Some(kept) = self.partitions.get_mut(slot) else { continue };
            let mut partition = std::mem::take(kept);
            if partition.is_expired(self.ttl_ms, now_ms) {
                partition.places.clear();
            }
            partition.written_ms = now_ms;
            match kind {
                ChangeKind::Insert | ChangeKind::UpdateAfter => self.insert(&mut partition, order.data(), row, kind, &mut changes)?,
                ChangeKind::UpdateBefore | ChangeKind::Delete => self.remove(&mut partition, order.data(), row, &mut changes)?,
            }
            if partition.places.is_empty() {
                self.partitions.remove(slot)?;
            } else if let Some(kept) = self.partitions.look_at(slot) {
                *kept = partition;
            }
        }
        self.emit(changes, batch, out)?;
        self.partitions.make_room(|_| true, Partition::write)
    }

    fn restore(&mut self, segments: RestoredSegments, blobs: Option<&KeyGroupBlobs>) -> Result<(), OperatorError> {
        let Self { partitions, row_bytes, order, order_column, groups, groups_spec, ttl_ms, .. } = self;
        if let Some(ttl_ms) = *ttl_ms {
            partitions.expire_by(move |value, now_ms| expires(value, Some(ttl_ms), now_ms));
        }
        let mut reader = Reader { row_bytes, order, order_column: *order_column, groups };
        partitions.take_in(segments, |group, key, value| {
            groups_spec.check_key(group, key)?;
            reader.read_value(value)
        })?;
        for (&group, blob) in blobs.into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = groups_spec.stored_key(group, &mut blob)?;
                let partition = reader.read(&mut blob)?;
                partitions.slot(key, || partition);
            }
        }
        partitions.make_room(|_| true, Partition::write)
    }
}

/// Whether accumulators are equal; the number of rows, which stands before them, does not matter.
fn is_same(state: &[u8], other: &[u8]) -> bool {
    state.get(size_of::<i64>()..) == other.get(size_of::<i64>()..)
}

#[async_trait]
impl Operator for UpdatingOver {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.sweep(now_ms)?;
        self.change(&batch, now_ms, out)
    }

    async fn snapshot(&mut self, now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let ttl_ms = self.ttl_ms;
        let write = |partitions: &[(u32, &Partition)], written: &mut Written| {
            partitions.iter().for_each(|(_, partition)| written.value(|out| partition.write(out)));
            Ok(())
        };
        let mut all = OperatorSnapshot::default();
        all.put(PARTITIONS, self.partitions.snapshot_written(&write, |partition| !partition.is_expired(ttl_ms, now_ms), now_ms)?);
        Ok(all)
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.partitions.committed(checkpoint);
    }
}
