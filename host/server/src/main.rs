//! The `millrace` binary: server, command line, local playground.
//!
//! Invariant: `compile-component`, `inspect-package` and `build-cage` run before anything else is set up, so that the
//! processes which handle untrusted bytes have no threads, no runtime, no files and no network.

mod broker;
mod build_service;
mod checkpoint_location;
mod cli;
mod client;
mod config;
mod generate;
mod instance_log;
mod keys;
mod logging;
mod machine_memory;
mod manifest;
mod openlineage;
mod page;
mod plugin_test;
mod secret_keys;
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
/// The hidden command that closes the cage around a process of a build.
const BUILD_CAGE: &str = "build-cage";
/// The hidden command of the process that looks into data packages.
const INSPECT_PACKAGE: &str = "inspect-package";

fn main() -> ExitCode {
    let first = std::env::args_os().nth(1).unwrap_or_default();
    if first == COMPILE_COMPONENT {
        return millrace_sandbox::compile_child_main();
    }
    if first == INSPECT_PACKAGE {
        return millrace_datapackage::inspect_child_main();
    }
    if first == BUILD_CAGE {
        return millrace_builder::cage::build_cage_main(std::env::args_os().skip(2));
    }
    cli::run()
}
