//! The interrupt tick: one thread that advances wasmtime's epoch while guests run.
//!
//! Invariant: while any call is under way the epoch advances about every tick; while none is, the thread sleeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{self, Thread};
use std::time::Duration;
use wasmtime::{Engine, EngineWeak};

#[derive(Debug, Default)]
struct State {
    running: AtomicUsize,
    asleep: AtomicBool,
    ended: AtomicBool,
}

/// Owner of the thread; it ends with the last owner.
#[derive(Debug)]
pub struct Ticker {
    state: Arc<State>,
    thread: Thread,
}

impl Ticker {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(engine: &Engine, tick: Duration) -> std::io::Result<Self> {
        let state = Arc::new(State::default());
        let (seen, engine) = (state.clone(), engine.weak());
        let handle =
            thread::Builder::new().name("interrupt-tick".into()).stack_size(64 * 1024).spawn(move || tick_on(&seen, &engine, tick))?;
        Ok(Self { state, thread: handle.thread().clone() })
    }

    /// Keeps the tick going until the guard is dropped.
    pub fn running(&self) -> Running<'_> {
        self.state.running.fetch_add(1, SeqCst);
        if self.state.asleep.load(SeqCst) && self.state.asleep.swap(false, SeqCst) {
            self.thread.unpark();
        }
        Running(&self.state)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.ended.store(true, SeqCst);
        self.thread.unpark();
    }
}

/// A call is under way.
pub struct Running<'a>(&'a State);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

fn tick_on(state: &State, engine: &EngineWeak, tick: Duration) {
    while !state.ended.load(SeqCst) {
        if state.running.load(SeqCst) == 0 {
            state.asleep.store(true, SeqCst);
            // Seen again after announcing sleep: a call that began in between finds `asleep` or is found here.
            if state.running.load(SeqCst) == 0 && !state.ended.load(SeqCst) {
                thread::park();
            }
            state.asleep.store(false, SeqCst);
            continue;
        }
        thread::sleep(tick);
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None => return,
        }
    }
}
