//! Waiting for a guest inside of synchronous code.
//!
//! Evaluation of expressions and accumulators is synchronous, because for built-in functions anything else would cost on
//! every call. A guest's call is a future: it gives way at interrupt ticks and ends at its deadline. The worker thread that
//! waits hands its other work to a fresh one first, so nothing starves; how many wait at a time is bounded by
//! [`Guests::enter`](super::Guests::enter), so the pool of such threads cannot run out.

use millrace_functions::EvaluationError;
use std::future::Future;
use tokio::runtime::{Handle, RuntimeFlavor};

/// Runs `work` to its end on this thread.
///
/// # Errors
/// There is no runtime with several threads: the timers that end a guest's call would not run.
pub(super) fn wait<T>(work: impl Future<Output = T>) -> Result<T, EvaluationError> {
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() != RuntimeFlavor::CurrentThread => Ok(tokio::task::block_in_place(|| handle.block_on(work))),
        _ => Err(EvaluationError("functions of the project need a runtime with worker threads".to_owned())),
    }
}
