//! Flink SQL: from text to a streaming plan.
//!
//! Invariant: no I/O and no clock; a text from outside can be wrong in any way and is answered with an error that points
//! into it, never with a panic, and costs are bounded (length, nesting).

pub mod ast;
pub mod bind;
mod error;
pub mod parser;
pub mod plan;
mod session;
pub mod settings;
mod stack;

pub use bind::{ColumnSource, SourceTraits, TableColumn, TableDefinition};
pub use error::{SqlError, nearest};
pub use session::{BoundInsert, Conflicts, Script, Session};
pub use stack::with_deep_stack;
