//! Components of Java and Scala: built as the server builds them, run in the real sandbox.
//!
//! A case is a folder in `cases`: source files and `case.json`, which says what goes in and what must come out.

// A test may unwrap; clippy knows that of functions marked as tests only, not of what they call.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod building;
mod diagnostics;
mod etl;
mod functions;
mod library;
mod sandboxed;
