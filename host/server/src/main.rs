//! The `millrace` binary: server, command line, local playground.
//!
//! Invariant: `compile-component` runs before anything else is set up, so that the process which handles untrusted
//! bytes has no threads, no runtime, no files and no network.

mod broker;
mod checkpoint_location;
mod cli;
mod client;
mod config;
mod generate;
mod keys;
mod logging;
mod manifest;
mod page;
mod serve;
mod shutdown;
mod up;

use std::process::ExitCode;

/// The allocator that gives memory back and does not slow down with many threads.
#[cfg(not(debug_assertions))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The hidden command of the compile process.
const COMPILE_COMPONENT: &str = "compile-component";

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|first| first == COMPILE_COMPONENT) {
        return millrace_sandbox::compile_child_main();
    }
    cli::run()
}
