//! Runs conformance cases on the native engine: a case's script as a job of in-memory sources, one SQL node and an
//! in-memory sink.
//!
//! Invariant: the rows that are compared left the engine's own sink; nothing here computes a result.

pub mod case;
pub mod compare;
pub mod connector;
mod input;
pub mod lives;
mod metadata;
pub mod run;
pub mod world;
