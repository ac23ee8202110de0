//! Keyed state and timers, partitioned by key group so that parallelism can change on restore.
//!
//! State that does not fit in memory lies in an LSM tree on local disk, and large state is written by checkpoints in steps:
//! both are the business of a [`StateBackend`] behind what an operator has in memory.
//!
//! Invariant: a subtask holds only keys of its own key-group range; a snapshot has one blob per non-empty key group.

mod backend;
pub(crate) mod blob;
mod budget;
mod change_log;
mod codec;
mod cold;
mod due_keys;
mod entries;
mod expiry;
mod keyed;
pub(crate) mod leaving;
mod local_folder;
mod restored_chain;
pub(crate) mod tiered_map;
mod timers;

pub(crate) use backend::{CHANGED, EachEntry, HotState, PINNED, STORED, StateBackend, UNSAVED, UNSTORED};
pub use backend::{RestoredChain, StateContext, StateSegments};
pub(crate) use budget::size_text;
pub use budget::{Ceiling, StateBudget, StateSettings};
pub(crate) use codec::encode_bytes;
pub use codec::{StateCodec, StateError};
pub(crate) use cold::{ColdEntries, ColdStore, KEY_BYTES_MAX};
pub(crate) use due_keys::{DueKeys, Portion};
pub(crate) use entries::{EntryBuffer, read_segment};
pub use keyed::KeyedState;
pub(crate) use local_folder::remove_leftovers;
pub(crate) use restored_chain::ChainLoader;
pub use timers::{Timer, TimerService};

use crate::key::KeyGroup;
use bytes::Bytes;
use std::collections::BTreeMap;

/// Snapshot of one state by key group.
pub type KeyGroupBlobs = BTreeMap<KeyGroup, Bytes>;
