//! The hidden command `compile-component`: the process that compiles what tenants upload, under limits of its own.
//!
//! Invariant: it runs before anything else is set up, so it has no threads, no runtime, no files and no network.

use std::{os::unix::process::CommandExt, process::ExitCode};

/// What the sandbox starts this program with.
pub(crate) const COMPILE_COMPONENT: &str = "compile-component";

/// mimalloc takes a gigabyte of writable address space at once unless told otherwise, and the compile process may have
/// no more than that. The allocator reads it before `main`, so the process has to start itself anew.
const RESERVE_ONLY: (&str, &str) = ("MIMALLOC_ARENA_EAGER_COMMIT", "0");

/// Compiles what comes on standard input; does not return when the process starts itself anew.
pub(crate) fn run() -> ExitCode {
    let (name, value) = RESERVE_ONLY;
    if cfg!(debug_assertions) || std::env::var_os(name).is_some() {
        return millrace_sandbox::compile_child_main();
    }
    let error = std::process::Command::new("/proc/self/exe").arg(COMPILE_COMPONENT).env(name, value).exec();
    eprintln!("cannot start the compile process: {error}");
    ExitCode::FAILURE
}
