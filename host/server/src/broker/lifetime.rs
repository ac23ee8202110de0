//! Ties a child process to the thread that starts it: the kernel kills the child when that thread ends.
//!
//! Invariant: nothing between fork and exec allocates or takes a lock.
#![allow(unsafe_code)]

use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
use tokio::process::Command;

/// The child is killed as soon as the calling thread, so for the main thread the process, has ended in any way.
///
/// The signal is a kill: a broker that shuts down in order holds its port and lock for seconds, and the next start would
/// find them taken. Kafka recovers its log segments from that.
pub(super) fn end_with_this_thread(command: &mut Command) {
    let parent = getpid();
    let tie = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have ended before the line above; then no signal will come.
        if getppid() == Some(parent) { Ok(()) } else { Err(std::io::ErrorKind::BrokenPipe.into()) }
    };
    // SAFETY: `tie` runs between fork and exec, where only async-signal-safe calls are allowed. It makes two plain system
    // calls (prctl, getppid) and builds errors that are a bare code, without allocating.
    unsafe {
        command.pre_exec(tie);
    }
}
