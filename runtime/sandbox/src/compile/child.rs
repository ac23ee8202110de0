//! The compile process: limits itself, reads a component, writes machine code.

use super::{CPU_S, EXIT_HOST, EXIT_REFUSED, MEMORY_BYTES};
use crate::limits::CompileLimits;
use crate::machine;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{Read, Write};
use std::process::ExitCode;

/// Entry of the compile process. A program that serves as compiler calls this first thing in its `main` (for
/// `millrace`: in the hidden subcommand `compile-component`) and returns what it returns: 0 with machine code on standard
/// output, else a reason on standard error.
///
/// Before it reads a byte it limits itself: CPU seconds, writable memory, no files, no processes, no core dump, lowest
/// priority; descriptors beyond the three standard ones are closed.
pub fn compile_child_main() -> ExitCode {
    let defaults = CompileLimits::default();
    let limits = CompileLimits {
        cpu_s: number(CPU_S).unwrap_or(defaults.cpu_s),
        memory_bytes: number(MEMORY_BYTES).unwrap_or(defaults.memory_bytes),
        ..defaults
    };
    // The engine first: it looks at the machine once, which may need a file.
    let engine = match machine::compile_engine() {
        Ok(engine) => engine,
        Err(error) => return fail(EXIT_HOST, &format!("the compiler cannot start: {error}")),
    };
    if let Err(error) = limit(&limits) {
        return fail(EXIT_HOST, &format!("the compiler cannot limit itself: {error}"));
    }
    let mut component = Vec::new();
    if let Err(error) = std::io::stdin().lock().read_to_end(&mut component) {
        return fail(EXIT_HOST, &format!("the compiler cannot read its input: {error}"));
    }
    match engine.precompile_component(&component) {
        Ok(code) => match std::io::stdout().lock().write_all(&code) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(EXIT_HOST, &format!("the compiler cannot write its output: {error}")),
        },
        Err(error) => fail(EXIT_REFUSED, &format!("{error:#}")),
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn fail(code: u8, reason: &str) -> ExitCode {
    let _ = std::io::stderr().lock().write_all(crate::log::cut(reason, 4096).as_bytes());
    ExitCode::from(code)
}

fn limit(limits: &CompileLimits) -> std::io::Result<()> {
    close_descriptors();
    let set = |resource, value| setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) });
    set(Resource::Cpu, limits.cpu_s)?;
    // Data counts what is really written to, which is what costs; the address space is wider because allocators and
    // stacks reserve more than they use.
    set(Resource::Data, limits.memory_bytes)?;
    set(Resource::As, limits.memory_bytes.saturating_mul(4))?;
    set(Resource::Core, 0)?;
    set(Resource::Fsize, 0)?;
    set(Resource::Nofile, 3)?;
    set(Resource::Nproc, 0)?;
    // Running jobs go first.
    let _ = rustix::process::nice(10);
    Ok(())
}

/// Closes what an ancestor may have left open without `O_CLOEXEC`.
fn close_descriptors() {
    let open: Vec<i32> = std::fs::read_dir("/proc/self/fd")
        .map(|entries| entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
        .unwrap_or_default();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // The list held the descriptor of its own folder, which is closed by now.
        if std::fs::symlink_metadata(format!("/proc/self/fd/{descriptor}")).is_ok() {
            descriptors::close(descriptor);
        }
    }
}

/// Closing by number.
mod descriptors {
    #![allow(unsafe_code)]

    /// Closes a descriptor that nothing in this process owns.
    pub fn close(descriptor: i32) {
        // SAFETY: called before anything in this process has opened a descriptor that it still uses; 0, 1 and 2 are
        // excluded by the caller, who has just seen that it is open.
        unsafe { rustix::io::close(descriptor) };
    }
}
