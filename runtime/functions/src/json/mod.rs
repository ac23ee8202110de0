//! JSON: documents, their numbers, their text form, and the paths into them.
//!
//! Invariants: a document is read without recursion, nests at most [`DEPTH_MAX`] levels and takes memory in proportion to
//! its text; numbers keep their digits and never pass through a `DOUBLE`; what a document holds can make a call fail or
//! answer nothing, never panic. What is a document, and how a value is written, is as in Jackson, with which Flink does it.

mod document;
pub(crate) mod number;
pub(crate) mod path;
mod reader;
#[cfg(test)]
mod tests;
pub(crate) mod write;

pub(crate) use document::{Document, Node};
pub(crate) use reader::{Reader, escape};

/// Most levels of arrays and objects in a document, and in what is written.
pub(crate) const DEPTH_MAX: usize = 1_000;

/// Why a text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{found} at byte {offset} of the JSON text")]
pub(crate) struct JsonError {
    /// What stands there.
    pub(crate) found: &'static str,
    /// Where.
    pub(crate) offset: usize,
}
