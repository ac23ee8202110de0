//! Releasing clients: it waits for librdkafka's threads, so it happens on threads that are there for nothing else.
//!
//! Invariant: they are there before the first client is. Letting a client go hands it over, which neither waits nor fails, even
//! where the process can make no more threads.

use parking_lot::{Condvar, Mutex};
use std::{collections::VecDeque, io};

/// A name that cannot be resolved holds one of them up for as long as the look-up takes.
const THREADS: usize = 4;

type Work = Box<dyn FnOnce() + Send>;

struct Releases {
    waiting: Mutex<VecDeque<Work>>,
    more: Condvar,
    threads: Mutex<usize>,
}

static RELEASES: Releases = Releases { waiting: Mutex::new(VecDeque::new()), more: Condvar::new(), threads: Mutex::new(0) };

/// Makes sure that somebody releases clients.
///
/// # Errors
/// The process can make no threads.
pub(super) fn ready() -> io::Result<()> {
    let mut threads = RELEASES.threads.lock();
    while *threads < THREADS {
        match std::thread::Builder::new().name("kafka-release".into()).spawn(run) {
            Ok(_) => *threads += 1,
            Err(error) if *threads == 0 => return Err(error),
            // One is enough for now; the next client tries again.
            Err(_) => break,
        }
    }
    Ok(())
}

/// Has `work` done, soon.
pub(super) fn hand_over(work: Work) {
    RELEASES.waiting.lock().push_back(work);
    RELEASES.more.notify_one();
}

fn run() {
    loop {
        let mut waiting = RELEASES.waiting.lock();
        let work = loop {
            match waiting.pop_front() {
                Some(work) => break work,
                None => RELEASES.more.wait(&mut waiting),
            }
        };
        drop(waiting);
        work();
    }
}
