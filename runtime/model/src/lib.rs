//! The vocabulary of the data plane: ids, types and schemas, batches with change kinds, the job graph, fault classes.
//!
//! Invariant: no I/O, no clock, no async. Every other crate may depend on this one; it depends on none of ours.

pub mod batch;
pub mod data_type;
mod duration;
pub mod fault;
pub mod graph;
pub mod ids;
pub mod packed;
pub mod schema;

pub use batch::{Batch, ChangeKind, OffsetRange, Origin, take_rows};
pub use data_type::{DataType, DataTypeError};
pub use duration::duration_ms;
pub use fault::{Classified, FaultClass};
pub use schema::{Field, Schema};
