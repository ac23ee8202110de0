//! The first rows of each partition, sorted; those beyond are forgotten (Flink's `AppendOnlyTopNFunction`,
//! `UpdatableTopNFunction`, `FastTop1Function`).
//!
//! With row keys a row may come again: it replaces its former self, and only ever rises. What is ranked behind the range
//! can then be forgotten as well: it comes again when it has risen.

use super::{
    super::{
        changes::{Changes, Held},
        row_bytes::{ByteRows, RowBytes},
        tiered_slots::SlotValue,
    },
    Incoming, Keeping, Ranking,
    partitions::{
        Partition as Stored, PartitionStore, Partitions, StoredRow, are_older, put_row, read_last, read_partition, read_rows,
        write_partition,
    },
};
use crate::error::OperatorError;
use arrow_array::UInt32Array;
use millrace_model::{ChangeKind, take_rows};
use std::sync::Arc;

pub(super) struct FirstRows {
    partitions: Partitions<Partition>,
    /// Partitions that took in rows of the batch at hand.
    touched: Vec<u32>,
}

pub(super) struct Partition {
    last: u64,
    rows: Vec<Ranked>,
    is_touched: bool,
}

struct Ranked {
    sort: Box<[u8]>,
    /// Empty without row keys.
    key: Box<[u8]>,
    row: Held,
    written_ms: i64,
}

/// A row that comes in.
struct New<'r> {
    sort: &'r [u8],
    key: &'r [u8],
    row: u32,
}

impl New<'_> {
    fn ranked(&self, now_ms: i64) -> Ranked {
        Ranked { sort: self.sort.into(), key: self.key.into(), row: Held::Fresh(self.row), written_ms: now_ms }
    }

    fn held(&self) -> Held {
        Held::Fresh(self.row)
    }
}

impl FirstRows {
    pub(super) fn new(partitions: Partitions<Partition>) -> Self {
        Self { partitions, touched: Vec::new() }
    }

    /// Rows of the batch that stay become bytes.
    fn settle(&mut self, ranking: &Ranking, incoming: &Incoming<'_>) -> Result<(), OperatorError> {
        let mut fresh: Vec<u32> = Vec::new();
        for &slot in &self.touched {
            let rows = self.partitions.slots.get(slot).into_iter().flat_map(|p| &p.rows);
            fresh.extend(rows.filter_map(|r| if let Held::Fresh(row) = r.row { Some(row) } else { None }));
        }
        let chosen = take_rows(&incoming.batch.rows, &UInt32Array::from(fresh))?;
        let bytes = ranking.rows.convert(&chosen)?;
        let mut next = 0;
        for slot in self.touched.drain(..) {
            let Some(partition) = self.partitions.slots.get_mut(slot) else { continue };
            partition.is_touched = false;
            for ranked in partition.rows.iter_mut().filter(|r| matches!(r.row, Held::Fresh(_))) {
                ranked.row = Held::Stored(Arc::from(bytes.get(next)));
                next += 1;
            }
        }
        Ok(())
    }

    fn add(&mut self, ranking: &Ranking, incoming: &Incoming<'_>, new: &New<'_>, changes: &mut Changes) {
        let row = new.row as usize;
        let make = || Partition { last: ranking.last(&incoming.batch.rows, row), rows: Vec::new(), is_touched: false };
        let slot = self.partitions.slots.slot(incoming.partitions.get(row), make);
        let Some(partition) = self.partitions.slots.look_at(slot) else { return };
        if ranking.ttl_ms.is_some() && !partition.rows.is_empty() {
            partition.rows.retain(|r| ranking.is_live(r.written_ms));
            if partition.rows.is_empty() {
                partition.last = ranking.last(&incoming.batch.rows, row);
            }
        }
        let known = self.partitions.row_keys.is_some().then(|| partition.rows.iter().position(|r| r.key.as_ref() == new.key)).flatten();
        let is_kept = if ranking.is_top1() {
            partition.replace(ranking, new, changes)
        } else {
            match known {
                Some(old) => {
                    partition.update(ranking, old, new, changes);
                    true
                }
                None => partition.insert(ranking, new, changes),
            }
        };
        if is_kept {
            if !std::mem::replace(&mut partition.is_touched, true) {
                self.touched.push(slot);
            }
            self.partitions.slots.changed(slot);
        }
    }
}

impl Partition {
    fn tell(&self, ranking: &Ranking, kind: ChangeKind, row: &Held, rank: u64, changes: &mut Changes) {
        if rank >= ranking.first() && rank <= self.last {
            changes.push(kind, row, rank);
        }
    }

    /// One row alone: a better one takes its place.
    fn replace(&mut self, ranking: &Ranking, new: &New<'_>, changes: &mut Changes) -> bool {
        let ranked = || new.ranked(ranking.now_ms);
        match self.rows.first_mut() {
            None => {
                changes.push(ChangeKind::Insert, &new.held(), 1);
                self.rows.push(ranked());
            }
            Some(old) if new.sort < old.sort.as_ref() => {
                changes.push(ChangeKind::UpdateBefore, &old.row, 1);
                changes.push(ChangeKind::UpdateAfter, &new.held(), 1);
                *old = ranked();
            }
            Some(_) => return false,
        }
        true
    }

    /// Where a row comes to stand: behind those that are equal.
    fn place(&self, sort: &[u8]) -> usize {
        self.rows.partition_point(|r| r.sort.as_ref() <= sort)
    }

    fn is_full(&self) -> bool {
        self.rows.len() as u64 >= self.last
    }

    /// A row that is not there yet; answers whether it is kept.
    fn insert(&mut self, ranking: &Ranking, new: &New<'_>, changes: &mut Changes) -> bool {
        if self.is_full() && self.rows.last().is_none_or(|worst| new.sort >= worst.sort.as_ref()) {
            return false;
        }
        let at = self.place(new.sort);
        if ranking.is_numbered() {
            let mut current = new.held();
            for (behind, shifted) in self.rows[at..].iter().enumerate() {
                let rank = (at + behind) as u64 + 1;
                self.tell(ranking, ChangeKind::UpdateBefore, &shifted.row, rank, changes);
                self.tell(ranking, ChangeKind::UpdateAfter, &current, rank, changes);
                current = shifted.row.clone();
            }
            self.tell(ranking, ChangeKind::Insert, &current, self.rows.len() as u64 + 1, changes);
        }
        self.rows.insert(at, new.ranked(ranking.now_ms));
        let fallen = if self.rows.len() as u64 > self.last { self.rows.pop() } else { None };
        if !ranking.is_numbered() {
            if let Some(fallen) = fallen {
                changes.push(ChangeKind::Delete, &fallen.row, 0);
            }
            changes.push(ChangeKind::Insert, &new.held(), 0);
        }
        true
    }

    /// A row that is there already, at position `old`, in a new version.
    fn update(&mut self, ranking: &Ranking, old: usize, new: &New<'_>, changes: &mut Changes) {
        let same_place = self.rows[old].sort.as_ref() == new.sort;
        let before = if same_place { std::mem::replace(&mut self.rows[old], new.ranked(ranking.now_ms)) } else { self.rows.remove(old) };
        let at = if same_place { old } else { self.place(new.sort) };
        if !same_place {
            self.rows.insert(at, new.ranked(ranking.now_ms));
        }
        if !ranking.is_numbered() {
            changes.push(ChangeKind::UpdateBefore, &before.row, 0);
            changes.push(ChangeKind::UpdateAfter, &new.held(), 0);
            return;
        }
        let rank = |position: usize| position as u64 + 1;
        let mut tell = |kind, row: &Held, at: usize| {
            if rank(at) >= ranking.first() {
                changes.push(kind, row, rank(at));
            }
        };
        if at > old {
            // It has fallen, which only happens when the operator before has forgotten what it was.
            tell(ChangeKind::UpdateBefore, &before.row, old);
            for position in old..at {
                tell(ChangeKind::UpdateBefore, &self.rows[position].row, position + 1);
                tell(ChangeKind::UpdateAfter, &self.rows[position].row, position);
            }
            tell(ChangeKind::UpdateAfter, &new.held(), at);
            return;
        }
        let mut current = new.held();
        for position in at..old {
            let shifted = self.rows[position + 1].row.clone();
            tell(ChangeKind::UpdateBefore, &shifted, position);
            if position == at {
                tell(ChangeKind::UpdateBefore, &before.row, old);
            }
            tell(ChangeKind::UpdateAfter, &current, position);
            current = shifted;
        }
        if at == old {
            tell(ChangeKind::UpdateBefore, &before.row, old);
        }
        tell(ChangeKind::UpdateAfter, &current, old);
    }
}

impl Keeping for FirstRows {
    fn take_in(&mut self, ranking: &Ranking, incoming: &Incoming<'_>, changes: &mut Changes) -> Result<(), OperatorError> {
        let keys: Option<ByteRows> = self.partitions.row_keys.as_ref().map(|keys| keys.convert(&incoming.batch.rows)).transpose()?;
        for row in 0..incoming.batch.num_rows() {
            // Former versions are known by their keys.
            if incoming.kind(row) == ChangeKind::UpdateBefore as u8 {
                continue;
            }
            let key = keys.as_ref().map_or(&[][..], |keys| keys.get(row));
            let new = New { sort: incoming.sorts.get(row), key, row: row as u32 };
            self.add(ranking, incoming, &new, changes);
        }
        self.settle(ranking, incoming)
    }

    fn sweep(&mut self, ranking: &Ranking) -> Result<(), OperatorError> {
        self.partitions.slots.retain(|partition| {
            partition.rows.retain(|r| ranking.is_live(r.written_ms));
            !partition.rows.is_empty()
        })
    }

    fn store(&mut self) -> &mut dyn PartitionStore {
        &mut self.partitions
    }
}

impl SlotValue for Partition {
    fn memory_bytes(&self) -> usize {
        let of_row = |ranked: &Ranked| {
            let row = if let Held::Stored(row) = &ranked.row { row.len() } else { 0 };
            // With what the allocator adds to each of the three.
            size_of::<Ranked>() + 64 + ranked.sort.len() + ranked.key.len() + row
        };
        size_of::<Self>() + self.rows.len() * self.rows.first().map_or(0, of_row)
    }
}

impl Stored for Partition {
    fn is_live(&self, ranking: &Ranking) -> bool {
        self.rows.iter().any(|r| ranking.is_live(r.written_ms))
    }

    fn write_whole(&self, ranking: &Ranking, out: &mut Vec<u8>) {
        let live = || self.rows.iter().filter(|r| ranking.is_live(r.written_ms));
        out.extend_from_slice(&self.last.to_le_bytes());
        out.extend_from_slice(&(live().count() as i64).to_le_bytes());
        for ranked in live() {
            if let Held::Stored(row) = &ranked.row {
                put_row(ranked.written_ms, row, out);
            }
        }
    }

    fn read_whole(ranking: &Ranking, row_keys: Option<&RowBytes>, state: &mut &[u8]) -> Result<Self, OperatorError> {
        let last = read_last(state)?;
        let found = read_rows(ranking, row_keys, state)?;
        let ranked = |(position, (row, written_ms)): (usize, (Arc<[u8]>, i64))| Ranked {
            sort: found.sorts.get(position).into(),
            key: found.keys.as_ref().map_or(&[][..], |keys| keys.get(position)).into(),
            row: Held::Stored(row),
            written_ms,
        };
        let rows = found.rows.iter().cloned().zip(found.written_ms.iter().copied()).enumerate().map(ranked).collect();
        Ok(Self { last, rows, is_touched: false })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let rows = self.rows.iter().filter_map(|ranked| match &ranked.row {
            Held::Stored(row) => Some(StoredRow { written_ms: ranked.written_ms, sort: &ranked.sort, key: &ranked.key, row }),
            Held::Fresh(_) => None,
        });
        write_partition(self.last, rows, out);
    }

    fn read(ranking: &Ranking, value: &[u8]) -> Result<Self, OperatorError> {
        let (last, rows) = read_partition(ranking, value)?;
        let ranked = |found: StoredRow<'_>| Ranked {
            sort: found.sort.into(),
            key: found.key.into(),
            row: Held::Stored(found.row.into()),
            written_ms: found.written_ms,
        };
        Ok(Self { last, rows: rows.into_iter().map(ranked).collect(), is_touched: false })
    }

    fn is_older(value: &[u8], since_ms: i64) -> bool {
        are_older(value, since_ms)
    }
}
