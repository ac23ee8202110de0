//! Compilation in a process of its own: components come in by standard input, machine code goes out by standard output.
//!
//! Invariant: the server's process never compiles. A compile bomb costs one short-lived process its limits, nothing else.

mod child;
mod parent;

pub use child::compile_child_main;
pub(crate) use parent::{CompileError, Compiler};

/// Environment variables by which the parent tells the child its limits; everything else of the environment is removed.
const CPU_S: &str = "MILLRACE_COMPILE_CPU_S";
const MEMORY_BYTES: &str = "MILLRACE_COMPILE_MEMORY_BYTES";

/// Exit codes of the child.
const EXIT_REFUSED: u8 = 1;
const EXIT_HOST: u8 = 2;
