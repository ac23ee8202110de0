//! SQL functions: scalar ([`crate::scalar_function!`], [`ScalarFunction`]), table ([`crate::table_function!`],
//! [`TableFunction`]) and aggregate ones ([`Aggregate`], [`AggregateFunction`]).
//!
//! Each has a short form over values and a fast one over columns. A component is one function; its overloads are its
//! signatures.
//! Invariant: what the host checks is right by construction: lengths, types, and which row an answer belongs to.

mod aggregate;
mod arguments;
mod macros;
mod scalar;
mod signature;
mod state;
mod table;

#[doc(hidden)]
pub use aggregate::AggregateRunner;
pub use aggregate::{Aggregate, AggregateFunction, Groups, RowAggregate, Update};
pub use arguments::Arguments;
#[doc(hidden)]
pub use scalar::ScalarRunner;
pub use scalar::{Outcome, Overload, Overloads, ScalarFunction, ScalarOverload, evaluate};
pub use signature::{Signature, argument_schema};
pub use state::State;
#[doc(hidden)]
pub use table::TableRunner;
pub use table::{IntoRows, Rows, TableFunction, TableOverload, call_rows};
