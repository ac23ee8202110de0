//! The first rows that come (Flink's `AppendOnlyFirstNFunction`): a counter per partition.

use super::{
    super::{
        changes::{Changes, Held},
        groups::read_i64,
        row_bytes::RowBytes,
        tiered_slots::SlotValue,
    },
    Incoming, Keeping, Ranking,
    partitions::{Partition, PartitionStore, Partitions, read_last},
};
use crate::{error::OperatorError, state::StateError};
use millrace_model::ChangeKind;

pub(super) struct Counted(pub(super) Partitions<Count>);

#[derive(Clone, Copy)]
pub(super) struct Count {
    count: u64,
    last: u64,
    written_ms: i64,
}

impl SlotValue for Count {
    fn memory_bytes(&self) -> usize {
        0
    }
}

impl Partition for Count {
    fn is_live(&self, ranking: &Ranking) -> bool {
        ranking.is_live(self.written_ms)
    }

    fn write_whole(&self, _ranking: &Ranking, out: &mut Vec<u8>) {
        self.write(out);
    }

    fn read_whole(_ranking: &Ranking, _row_keys: Option<&RowBytes>, state: &mut &[u8]) -> Result<Self, OperatorError> {
        let count = read_i64(state)?;
        let count = u64::try_from(count).map_err(|_| StateError(format!("a count of {count} rows")))?;
        Ok(Self { count, last: read_last(state)?, written_ms: read_i64(state)? })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.last.to_le_bytes());
        out.extend_from_slice(&self.written_ms.to_le_bytes());
    }

    fn read(ranking: &Ranking, mut value: &[u8]) -> Result<Self, OperatorError> {
        let count = Self::read_whole(ranking, None, &mut value)?;
        if value.is_empty() { Ok(count) } else { Err(StateError(format!("{} bytes behind a count", value.len())).into()) }
    }

    fn is_older(value: &[u8], since_ms: i64) -> bool {
        value.last_chunk::<8>().is_some_and(|written_ms| i64::from_le_bytes(*written_ms) <= since_ms)
    }
}

impl Keeping for Counted {
    fn take_in(&mut self, ranking: &Ranking, incoming: &Incoming<'_>, changes: &mut Changes) -> Result<(), OperatorError> {
        for row in 0..incoming.batch.num_rows() {
            let new = || Count { count: 0, last: ranking.last(&incoming.batch.rows, row), written_ms: ranking.now_ms };
            let slot = self.0.slots.slot(incoming.partitions.get(row), new);
            if self.0.slots.get(slot).is_some_and(|p| p.count >= p.last && ranking.is_live(p.written_ms)) {
                continue;
            }
            let Some(partition) = self.0.slots.get_mut(slot) else { continue };
            if !ranking.is_live(partition.written_ms) {
                *partition = new();
            }
            if partition.count >= partition.last {
                continue;
            }
            partition.count += 1;
            partition.written_ms = ranking.now_ms;
            if partition.count >= ranking.first() {
                changes.push(ChangeKind::Insert, &Held::Fresh(row as u32), partition.count);
            }
        }
        Ok(())
    }

    fn sweep(&mut self, ranking: &Ranking) -> Result<(), OperatorError> {
        self.0.slots.retain(|partition| ranking.is_live(partition.written_ms))
    }

    fn store(&mut self) -> &mut dyn PartitionStore {
        &mut self.0
    }
}
