//! A stack that is deep enough for the deepest text, whoever asks.
//!
//! Texts may nest queries, views and expressions in each other; their number is bounded, and so is the stack that planning
//! them takes, but it is more than a worker of an asynchronous runtime has.

use millrace_functions::meter::Meter;
use std::cell::Cell;

/// Bytes of the stack on which texts are planned. Pages that are not touched cost nothing.
const STACK_BYTES: usize = 16 << 20;

thread_local! {
    static IS_DEEP: Cell<bool> = const { Cell::new(false) };
}

/// Does `work` on a thread with a deep stack, which may be this one. The meter of this thread stays in force.
pub fn with_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if IS_DEEP.get() {
        return work();
    }
    let meter = Meter::current();
    let (mut waiting, mut answer) = (Some(work), None);
    let ended = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("planning".into()).stack_size(STACK_BYTES);
        let spawned = thread.spawn_scoped(scope, || {
            IS_DEEP.set(true);
            if let Some(work) = waiting.take() {
                answer = Some(match meter {
                    Some(meter) => meter.run(work),
                    None => work(),
                });
            }
        });
        // Where there are no more threads it is done here: shallow texts need no deep stack.
        spawned.map_or(Ok(()), |thread| thread.join())
    });
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
    match (answer, waiting) {
        (Some(answer), _) => answer,
        (None, Some(work)) => work(),
        (None, None) => unreachable!("the thread has taken the work and has not ended with a panic"),
    }
}
