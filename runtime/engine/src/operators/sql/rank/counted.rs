//! The first rows that come (Flink's `AppendOnlyFirstNFunction`): a counter per partition.

use super::{
    super::{
        changes::{Changes, Held},
        groups::{BlobWriter, read_i64},
        slots::Slots,
    },
    Incoming, Keeping, Ranking,
};
use crate::{error::OperatorError, state::StateError};
use millrace_model::ChangeKind;

#[derive(Default)]
pub(super) struct Counted {
    partitions: Slots<Partition>,
}

#[derive(Clone, Copy)]
struct Partition {
    count: u64,
    last: u64,
    written_ms: i64,
}

impl Keeping for Counted {
    fn take_in(&mut self, ranking: &Ranking, incoming: &Incoming<'_>, changes: &mut Changes) -> Result<(), OperatorError> {
        for row in 0..incoming.batch.num_rows() {
            let new = || Partition { count: 0, last: ranking.last(&incoming.batch.rows, row), written_ms: ranking.now_ms };
            let slot = self.partitions.slot(incoming.partitions.get(row), new);
            let Some(partition) = self.partitions.get_mut(slot) else { continue };
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

    fn sweep(&mut self, ranking: &Ranking) {
        self.partitions.retain(|partition| ranking.is_live(partition.written_ms));
    }

    fn snapshot(&self, ranking: &Ranking, blobs: &mut BlobWriter) -> Result<(), OperatorError> {
        for (key, partition) in self.partitions.iter().filter(|(_, p)| ranking.is_live(p.written_ms)) {
            blobs.entry(key, |out| {
                out.extend_from_slice(&partition.count.to_le_bytes());
                out.extend_from_slice(&partition.last.to_le_bytes());
                out.extend_from_slice(&partition.written_ms.to_le_bytes());
            });
        }
        Ok(())
    }

    fn restore(&mut self, _ranking: &Ranking, key: &[u8], state: &mut &[u8]) -> Result<(), OperatorError> {
        let mut number = || read_i64(state);
        let (count, last, written_ms) = (number()?, number()?, number()?);
        let unsigned = |n: i64| u64::try_from(n).map_err(|_| StateError(format!("a count of {n} rows")));
        let partition = Partition { count: unsigned(count)?, last: unsigned(last)?, written_ms };
        self.partitions.slot(key, || partition);
        Ok(())
    }
}
