//! The Nexmark benchmark: an auction house's events, the queries over them, and what Apache Flink answers.
//!
//! Invariant: the events are a function of [`Corpus`] alone, so every engine, machine and run reads the same bytes.

mod events;
mod expected;
mod query;
mod random;

pub use events::{Corpus, SIDE_ROWS, side_input};
pub use expected::Expected;
pub use query::{Compare, JAVA_FACTORY, JAVA_FUNCTION, JAVA_SOURCES, QUERIES, Query, events_table};
