//! Where partitions are: in memory while there is room, else on local disk; and how they are stored.
//!
//! A checkpoint of small state has of each row only its bytes: sort key and row key are worked out again. Partitions on
//! disk, and in checkpoints in steps, come and go often, so they have both as bytes.

use super::{
    super::{
        groups::{BlobWriter, read_i64, read_key},
        row_bytes::{ByteRows, RowBytes},
        sort_bytes::Sorted,
        tiered_slots::{SlotValue, TieredSlots},
    },
    Incoming, PARTITIONS, Ranking,
};
use crate::{
    error::OperatorError,
    operators::OperatorContext,
    state::{StateError, encode_bytes, tiered_map::TieredSnapshot},
};
use millrace_model::ids::CheckpointId;
use std::sync::Arc;

/// A partition that can be stored.
pub(super) trait Partition: SlotValue + Sized + Send + 'static {
    /// Whether anything of it has not expired.
    fn is_live(&self, ranking: &Ranking) -> bool;

    /// Appends what has not expired of it, for a checkpoint as a whole.
    fn write_whole(&self, ranking: &Ranking, out: &mut Vec<u8>);

    /// Takes what [`Self::write_whole`] wrote off the front.
    fn read_whole(ranking: &Ranking, row_keys: Option<&RowBytes>, state: &mut &[u8]) -> Result<Self, OperatorError>;

    /// Appends all of it, for the disk and for steps.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads what [`Self::write`] wrote.
    fn read(ranking: &Ranking, value: &[u8]) -> Result<Self, OperatorError>;

    /// Whether all that [`Self::write`] wrote was written then or before; `false` for bytes without meaning.
    fn is_older(value: &[u8], since_ms: i64) -> bool;
}

/// The partitions of a way to keep rows.
pub(super) struct Partitions<P> {
    pub slots: TieredSlots<P>,
    /// What tells rows apart that may come again.
    pub row_keys: Option<RowBytes>,
}

/// What all of them do.
pub(super) trait PartitionStore {
    /// Brings the partitions of a batch to memory.
    fn load(&mut self, ranking: &Ranking, incoming: &Incoming<'_>) -> Result<(), OperatorError>;

    /// Lets partitions leave if memory is short.
    fn make_room(&mut self) -> Result<(), OperatorError>;

    /// The state for a checkpoint.
    fn snapshot(&mut self, ranking: &Ranking) -> Result<TieredSnapshot, OperatorError>;

    /// The last checkpoint is durable.
    fn committed(&mut self, checkpoint: CheckpointId);
}

impl<P: Partition> Partitions<P> {
    /// Opens the state with what was restored.
    pub(super) fn open(ranking: &Ranking, row_keys: Option<RowBytes>, context: &mut OperatorContext) -> Result<Self, OperatorError> {
        let (slots, segments) = TieredSlots::open(PARTITIONS, &mut context.state, &context.metrics)?;
        let mut made = Self { slots, row_keys };
        if let Some(ttl_ms) = ranking.ttl_ms {
            made.slots.expire_by(move |value, now_ms| P::is_older(value, now_ms.saturating_sub(ttl_ms)));
        }
        made.slots.take_in(segments, |group, key, value| {
            ranking.partitions.check_key(group, key)?;
            P::read(ranking, value)
        })?;
        for (&group, blob) in context.restored.get(PARTITIONS).into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = ranking.partitions.stored_key(group, &mut blob)?;
                let partition = P::read_whole(ranking, made.row_keys.as_ref(), &mut blob)?;
                made.slots.slot(key, || partition);
            }
        }
        made.make_room()?;
        Ok(made)
    }
}

impl<P: Partition> PartitionStore for Partitions<P> {
    fn load(&mut self, ranking: &Ranking, incoming: &Incoming<'_>) -> Result<(), OperatorError> {
        let keys = (0..incoming.batch.num_rows()).map(|row| incoming.partitions.get(row));
        self.slots.load(keys, ranking.now_ms, |value| Ok(Some(P::read(ranking, value)?).filter(|partition| partition.is_live(ranking))))
    }

    fn make_room(&mut self) -> Result<(), OperatorError> {
        self.slots.make_room(|_| true, P::write)
    }

    fn snapshot(&mut self, ranking: &Ranking) -> Result<TieredSnapshot, OperatorError> {
        let blobs = |live: &mut dyn Iterator<Item = (&[u8], &P)>| {
            let mut blobs = BlobWriter::default();
            live.for_each(|(key, partition)| blobs.entry(key, |out| partition.write_whole(ranking, out)));
            blobs.finish()
        };
        self.slots.snapshot(blobs, P::write, |partition| partition.is_live(ranking), ranking.now_ms)
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.slots.committed(checkpoint);
    }
}

/// Appends a row for a checkpoint as a whole.
pub(super) fn put_row(written_ms: i64, row: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&written_ms.to_le_bytes());
    encode_bytes(row, out);
}

/// Rows of a partition as they come back: when each was written, its bytes, its sort key and its row key.
pub(super) struct Restored {
    pub written_ms: Vec<i64>,
    pub rows: Vec<Arc<[u8]>>,
    pub sorts: Sorted,
    pub keys: Option<ByteRows>,
}

/// Takes rows that [`put_row`] wrote off the front, and their number before them; they must be in their order.
pub(super) fn read_rows(ranking: &Ranking, row_keys: Option<&RowBytes>, state: &mut &[u8]) -> Result<Restored, OperatorError> {
    let count = read_i64(state)?;
    let (mut written_ms, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..count {
        written_ms.push(read_i64(state)?);
        bytes.push(ranking.rows.stored_row(state)?);
    }
    let columns = ranking.rows.columns(&bytes)?;
    let batch = super::super::rows_of(&columns, bytes.len())?;
    let sorts = ranking.sorts.convert(&batch)?;
    if (1..bytes.len()).any(|i| sorts.get(i - 1) > sorts.get(i)) {
        return Err(out_of_order());
    }
    let keys = row_keys.map(|keys| keys.convert(&batch)).transpose()?;
    Ok(Restored { written_ms, rows: bytes.into_iter().map(Arc::from).collect(), sorts, keys })
}

fn out_of_order() -> OperatorError {
    StateError("the rows of a partition are not in their order".into()).into()
}

/// A row as it is stored in steps and on disk.
#[derive(Clone, Copy)]
pub(super) struct StoredRow<'r> {
    pub written_ms: i64,
    pub sort: &'r [u8],
    pub key: &'r [u8],
    pub row: &'r [u8],
}

/// Appends how many rows a partition can show, and its rows.
pub(super) fn write_partition<'r>(last: u64, rows: impl Iterator<Item = StoredRow<'r>>, out: &mut Vec<u8>) {
    out.extend_from_slice(&last.to_le_bytes());
    for row in rows {
        out.extend_from_slice(&row.written_ms.to_le_bytes());
        encode_bytes(row.sort, out);
        encode_bytes(row.key, out);
        encode_bytes(row.row, out);
    }
}

/// Reads what [`write_partition`] wrote.
pub(super) fn read_partition<'v>(ranking: &Ranking, mut value: &'v [u8]) -> Result<(u64, Vec<StoredRow<'v>>), OperatorError> {
    let last = read_last(&mut value)?;
    let mut rows: Vec<StoredRow<'v>> = Vec::new();
    while !value.is_empty() {
        let (written_ms, sort, key) = (read_i64(&mut value)?, read_key(&mut value)?, read_key(&mut value)?);
        let row = ranking.rows.stored_row(&mut value)?;
        if rows.last().is_some_and(|before| before.sort > sort) {
            return Err(out_of_order());
        }
        rows.push(StoredRow { written_ms, sort, key, row });
    }
    Ok((last, rows))
}

/// Whether all rows that [`write_partition`] wrote were written then or before.
pub(super) fn are_older(mut value: &[u8], since_ms: i64) -> bool {
    let mut read = || -> Result<bool, StateError> {
        read_i64(&mut value)?;
        while !value.is_empty() {
            if read_i64(&mut value)? > since_ms {
                return Ok(false);
            }
            (0..3).try_for_each(|_| read_key(&mut value).map(drop))?;
        }
        Ok(true)
    };
    read().unwrap_or(false)
}

/// How many rows a partition can show.
pub(super) fn read_last(state: &mut &[u8]) -> Result<u64, StateError> {
    let last = read_i64(state)?;
    u64::try_from(last).map_err(|_| StateError(format!("a Top-{last}")))
}
