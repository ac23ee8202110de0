//! All rows of each partition, sorted, because any may be taken back (Flink's `RetractableTopNFunction`).
//!
//! Taking back a row that is not there changes nothing.

use super::{
    super::{
        changes::{Changes, Held},
        row_bytes::RowBytes,
        tiered_slots::SlotValue,
    },
    Incoming, Keeping, Ranking,
    partitions::{
        Partition as Stored, PartitionStore, Partitions, StoredRow, are_older, put_row, read_last, read_partition, read_rows,
        write_partition,
    },
};
use crate::error::OperatorError;
use millrace_model::ChangeKind;
use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};

pub(super) struct Retractable(pub(super) Partitions<Partition>);

pub(super) struct Partition {
    last: u64,
    /// Rows by sort key, equal ones as they came.
    rows: BTreeMap<Box<[u8]>, Equal>,
    /// How many rows those are.
    count: usize,
}

#[derive(Default)]
struct Equal {
    rows: Vec<Arc<[u8]>>,
    written_ms: i64,
}

impl Partition {
    /// Forgets rows that have expired.
    fn forget(&mut self, ranking: &Ranking) {
        let count = &mut self.count;
        self.rows.retain(|_, equal| {
            let is_live = ranking.is_live(equal.written_ms);
            if !is_live {
                *count = count.saturating_sub(equal.rows.len());
            }
            is_live
        });
    }

    /// A row that is there again, behind those of equal sort keys.
    fn put(&mut self, sort: &[u8], row: Arc<[u8]>, written_ms: i64) {
        let equal = self.rows.entry(sort.into()).or_default();
        equal.rows.push(row);
        equal.written_ms = equal.written_ms.max(written_ms);
        self.count += 1;
    }

    /// Rows before those of `sort`; counts no further than the range.
    fn before(&self, sort: &[u8]) -> u64 {
        let mut count = 0;
        for equal in self.rows.range::<[u8], _>((Unbounded, Excluded(sort))).map(|(_, e)| e) {
            count += equal.rows.len() as u64;
            if count >= self.last {
                break;
            }
        }
        count
    }

    /// Rows behind those of `sort`.
    fn behind(&self, sort: &[u8]) -> impl Iterator<Item = &Arc<[u8]>> {
        self.rows.range::<[u8], _>((Excluded(sort), Unbounded)).flat_map(|(_, e)| &e.rows)
    }

    fn tell(&self, ranking: &Ranking, kind: ChangeKind, row: &Held, rank: u64, changes: &mut Changes) {
        if rank >= ranking.first() && rank <= self.last {
            changes.push(kind, row, rank);
        }
    }

    fn add(&mut self, ranking: &Ranking, (sort, bytes): (&[u8], &[u8]), row: u32, changes: &mut Changes) {
        let own = self.rows.get(sort).map_or(0, |e| e.rows.len() as u64);
        let mut rank = self.before(sort) + own + 1;
        let new = Held::Fresh(row);
        if rank <= self.last && ranking.is_numbered() {
            let mut current = new;
            for shifted in self.behind(sort) {
                if rank > self.last {
                    break;
                }
                let shifted = Held::Stored(shifted.clone());
                self.tell(ranking, ChangeKind::UpdateBefore, &shifted, rank, changes);
                self.tell(ranking, ChangeKind::UpdateAfter, &current, rank, changes);
                current = shifted;
                rank += 1;
            }
            self.tell(ranking, ChangeKind::Insert, &current, rank, changes);
        } else if rank <= self.last {
            let fallen = usize::try_from(self.last - rank).ok().and_then(|places| self.behind(sort).nth(places));
            if let Some(fallen) = fallen {
                changes.push(ChangeKind::Delete, &Held::Stored(fallen.clone()), 0);
            }
            changes.push(ChangeKind::Insert, &new, 0);
        }
        let equal = match self.rows.get_mut(sort) {
            Some(equal) => equal,
            None => self.rows.entry(sort.into()).or_default(),
        };
        equal.rows.push(bytes.into());
        equal.written_ms = ranking.now_ms;
        self.count += 1;
    }

    fn take_back(&mut self, ranking: &Ranking, (sort, bytes): (&[u8], &[u8]), changes: &mut Changes) {
        let before = self.before(sort);
        let Some(equal) = self.rows.get_mut(sort) else { return };
        let Some(position) = equal.rows.iter().position(|row| row.as_ref() == bytes) else { return };
        let removed = Held::Stored(equal.rows.remove(position));
        equal.written_ms = ranking.now_ms;
        self.count = self.count.saturating_sub(1);
        self.tell_taken_back(ranking, sort, position, removed, before + position as u64 + 1, changes);
        if self.rows.get(sort).is_some_and(|e| e.rows.is_empty()) {
            self.rows.remove(sort);
        }
    }

    /// A row is gone that stood at `position` among those of `sort`, with this rank.
    fn tell_taken_back(&self, ranking: &Ranking, sort: &[u8], position: usize, removed: Held, mut rank: u64, changes: &mut Changes) {
        let equal: &[Arc<[u8]>] = self.rows.get(sort).map_or(&[], |e| &e.rows);
        let mut following = equal[position..].iter().chain(self.behind(sort));
        if rank <= self.last && ranking.is_numbered() {
            let mut former = removed;
            for next in following {
                if rank > self.last {
                    break;
                }
                let next = Held::Stored(next.clone());
                self.tell(ranking, ChangeKind::UpdateBefore, &former, rank, changes);
                self.tell(ranking, ChangeKind::UpdateAfter, &next, rank, changes);
                former = next;
                rank += 1;
            }
            self.tell(ranking, ChangeKind::Delete, &former, rank, changes);
        } else if rank <= self.last {
            changes.push(ChangeKind::Delete, &removed, 0);
            let risen = usize::try_from(self.last - rank).ok().and_then(|places| following.nth(places));
            if let Some(risen) = risen {
                changes.push(ChangeKind::Insert, &Held::Stored(risen.clone()), 0);
            }
        }
    }
}

impl Keeping for Retractable {
    fn take_in(&mut self, ranking: &Ranking, incoming: &Incoming<'_>, changes: &mut Changes) -> Result<(), OperatorError> {
        let rows = ranking.rows.convert(&incoming.batch.rows)?;
        for row in 0..incoming.batch.num_rows() {
            let kind = incoming.kind(row);
            let takes_back = kind == ChangeKind::UpdateBefore as u8 || kind == ChangeKind::Delete as u8;
            let key = incoming.partitions.get(row);
            let slot = match (self.0.slots.find(key), takes_back) {
                (Some(slot), _) => slot,
                (None, true) => continue,
                (None, false) => {
                    let last = ranking.last(&incoming.batch.rows, row);
                    self.0.slots.slot(key, || Partition { last, rows: BTreeMap::new(), count: 0 })
                }
            };
            let Some(partition) = self.0.slots.get_mut(slot) else { continue };
            if ranking.ttl_ms.is_some() {
                partition.forget(ranking);
            }
            let what = (incoming.sorts.get(row), rows.get(row));
            if takes_back {
                partition.take_back(ranking, what, changes);
                if partition.rows.is_empty() {
                    self.0.slots.remove(slot)?;
                }
            } else {
                partition.add(ranking, what, row as u32, changes);
            }
        }
        Ok(())
    }

    fn sweep(&mut self, ranking: &Ranking) -> Result<(), OperatorError> {
        self.0.slots.retain(|partition| {
            partition.forget(ranking);
            !partition.rows.is_empty()
        })
    }

    fn store(&mut self) -> &mut dyn PartitionStore {
        &mut self.0
    }
}

impl SlotValue for Partition {
    fn memory_bytes(&self) -> usize {
        // With what trees, lists and the allocator add.
        let of_row = self.rows.first_key_value().map(|(sort, equal)| 160 + sort.len() + equal.rows.first().map_or(0, |row| row.len()));
        size_of::<Self>() + self.count * of_row.unwrap_or_default()
    }
}

impl Stored for Partition {
    fn is_live(&self, ranking: &Ranking) -> bool {
        self.rows.values().any(|equal| ranking.is_live(equal.written_ms) && !equal.rows.is_empty())
    }

    fn write_whole(&self, ranking: &Ranking, out: &mut Vec<u8>) {
        let live = || self.rows.values().filter(|e| ranking.is_live(e.written_ms));
        let count: usize = live().map(|e| e.rows.len()).sum();
        out.extend_from_slice(&self.last.to_le_bytes());
        out.extend_from_slice(&(count as i64).to_le_bytes());
        for equal in live() {
            equal.rows.iter().for_each(|row| put_row(equal.written_ms, row, out));
        }
    }

    fn read_whole(ranking: &Ranking, _row_keys: Option<&RowBytes>, state: &mut &[u8]) -> Result<Self, OperatorError> {
        let last = read_last(state)?;
        let found = read_rows(ranking, None, state)?;
        let mut made = Self { last, rows: BTreeMap::new(), count: 0 };
        for (position, (row, written_ms)) in found.rows.into_iter().zip(found.written_ms).enumerate() {
            made.put(found.sorts.get(position), row, written_ms);
        }
        Ok(made)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let rows = self
            .rows
            .iter()
            .flat_map(|(sort, equal)| equal.rows.iter().map(move |row| StoredRow { written_ms: equal.written_ms, sort, key: &[], row }));
        write_partition(self.last, rows, out);
    }

    fn read(ranking: &Ranking, value: &[u8]) -> Result<Self, OperatorError> {
        let (last, rows) = read_partition(ranking, value)?;
        let mut made = Self { last, rows: BTreeMap::new(), count: 0 };
        rows.into_iter().for_each(|found| made.put(found.sort, Arc::from(found.row), found.written_ms));
        Ok(made)
    }

    fn is_older(value: &[u8], since_ms: i64) -> bool {
        are_older(value, since_ms)
    }
}
