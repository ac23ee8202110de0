//! Checkpoints and savepoints: when they are taken (pure decisions), what they look like, and where they are kept.
//!
//! - [`protocol`] decides; it has no clock and no I/O.
//! - [`manifest`] is the document that makes a checkpoint complete; [`CheckpointWriter`] and [`CheckpointReader`] put
//!   and get the state that it names, verified by length and SHA-256.
//! - Large keyed state is written in steps ([`KeyedChain`]): a checkpoint adds what has changed and refers to what earlier
//!   ones have written, which stays as long as one refers to it ([`SharedObjects`]).
//! - [`CheckpointStore`] is bytes in, bytes out: [`LocalStore`], [`ObjectStore`] and [`MemoryStore`].
//! - [`key_groups`] says which subtask owns which share of the keyed state.
//!
//! Invariant: a checkpoint is complete if and only if its manifest is there, and the manifest is written once, last,
//! and only if it is not there yet. This crate knows nothing of the engine: state is opaque bytes.

mod chains;
mod error;
pub mod key_groups;
pub mod layout;
pub mod manifest;
pub mod protocol;
mod reader;
mod recovery;
mod shared;
mod store;
mod writer;

pub use chains::extended;
pub use error::CheckpointError;
pub use key_groups::{KEY_GROUPS_DEFAULT, KeyGroupRange};
pub use manifest::{Blob, CheckpointKind, KeyedChain, KeyedPart, KeyedState, Manifest, OperatorState, SubtaskState};
pub use reader::CheckpointReader;
pub use recovery::{Recovery, SkipReason, Skipped, latest, remove_checkpoint, remove_incomplete};
pub use shared::{SharedObjects, remove_unshared};
pub use store::{CheckpointStore, LocalStore, MemoryStore, ObjectStore, S3Config};
pub use writer::{CheckpointHeader, CheckpointWriter, copy_as_savepoint};
