//! Keyed state and timers, partitioned by key group so that parallelism can change on restore.
//!
//! Invariant: a subtask holds only keys of its own key-group range; a snapshot has one blob per non-empty key group.

pub(crate) mod blob;
mod codec;
mod keyed;
mod timers;

pub use codec::{StateCodec, StateError};
pub use keyed::KeyedState;
pub use timers::{Timer, TimerService};

use crate::key::KeyGroup;
use bytes::Bytes;
use std::collections::BTreeMap;

/// Snapshot of one state by key group.
pub type KeyGroupBlobs = BTreeMap<KeyGroup, Bytes>;
