//! Takes in a chain of a checkpoint segment by segment: into memory if it fits, else to local disk.
//!
//! On disk whole state comes in the order in which it lies there, so it is written once and in large runs.

use super::{
    backend::{ChainContent, RestoredChain},
    budget::StateBudget,
    cold::{ColdStore, KEY_BYTES_MAX},
    entries::{EntryBuffer, SegmentWriter, read_segment},
};
use crate::error::OperatorError;
use bytes::Bytes;
use millrace_checkpoint::KeyGroupRange;
use millrace_model::ids::CheckpointId;
use std::{path::Path, sync::Arc};

/// Entries that are written to disk together.
const RUN_BYTES: usize = 32 << 20;

/// A chain that is being read.
pub(crate) struct ChainLoader {
    content: ChainContent,
    /// Entries on their way to disk.
    run: EntryBuffer,
    bytes: u64,
}

impl ChainLoader {
    /// A loader for a state whose segments have so many bytes in the key groups that are wanted.
    pub(crate) fn new(name: &str, bytes: u64, budget: &StateBudget, folder: Option<&Path>) -> Result<Self, OperatorError> {
        let content = match folder.filter(|_| budget.is_too_large(bytes)) {
            Some(folder) => ChainContent::Disk(ColdStore::make(folder, name, budget.cache(), Arc::default())?, Vec::new()),
            None => ChainContent::Memory(Vec::new()),
        };
        Ok(Self { content, run: EntryBuffer::default(), bytes })
    }

    /// Takes in the next segment, of which the key groups `wanted` count.
    pub(crate) fn segment(&mut self, wanted: KeyGroupRange, segment: Bytes) -> Result<(), OperatorError> {
        match &mut self.content {
            ChainContent::Memory(segments) => segments.push((wanted, segment)),
            ChainContent::Disk(store, long) => {
                let (run, mut stay) = (&mut self.run, SegmentWriter::default());
                read_segment(
                    &segment,
                    |group| wanted.contains(group),
                    |group, key, value| {
                        match value {
                            _ if key.len() > KEY_BYTES_MAX => stay.put(group, key, value),
                            Some(value) => run.put(group, key, |out| out.extend_from_slice(value)),
                            None => run.remove(group, key),
                        }
                        Ok::<(), OperatorError>(())
                    },
                )?;
                long.extend(stay.take().map(|segment| (wanted, segment)));
                if run.bytes() >= RUN_BYTES {
                    store.write(run.sorted())?;
                    run.clear();
                }
            }
        }
        Ok(())
    }

    /// The chain, of the checkpoint `since` of this instance.
    pub(crate) fn finish(mut self, since: Option<CheckpointId>) -> Result<RestoredChain, OperatorError> {
        if let ChainContent::Disk(store, _) = &mut self.content
            && !self.run.is_empty()
        {
            store.write(self.run.sorted())?;
        }
        Ok(RestoredChain { since, bytes: self.bytes, content: self.content })
    }
}
