//! How many brokers a client may learn of.
//!
//! librdkafka makes a thread and two descriptors for each broker that the cluster's metadata list, up to 10 000, and asks
//! nobody. Its hook for changes of brokers runs on the thread that adds them, with the client's lock held: from one broker too
//! many on, that thread is held up there, and the client counts as refused. Whoever uses it is told, lets it go, and that
//! ends the adding.
//!
//! Invariant: a client has at most [`BROKERS_MAX`] brokers of the cluster's and a few of its own, and one more for each time
//! that nobody let go of it although it was refused.

use super::{Code, Failure, codecs};
use parking_lot::{Condvar, Mutex};
use rdkafka_sys as rd;
use std::{
    cell::Cell,
    ffi::CStr,
    os::raw::{c_char, c_int, c_void},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

/// Brokers of a cluster that a client connects to.
pub(crate) const BROKERS_MAX: usize = 200;
/// What a client has besides: the servers that it was told, itself, and coordinators.
const OWN_MAX: usize = crate::properties::SERVERS_MAX + 4;
/// How long the first broker too many holds the adding up; each further one longer by as much.
const HOLD: Duration = Duration::from_secs(1);
const HOLD_MAX: Duration = Duration::from_secs(30);
/// As above, while the client is about to be released.
const HOLD_RELEASING: Duration = Duration::from_millis(250);

thread_local! {
    /// Whether this is the thread of a broker: only those report changes of brokers that are there already.
    static IS_BROKER: Cell<bool> = const { Cell::new(false) };
}

/// Counts a client's brokers and holds up what adds too many.
#[derive(Debug, Default)]
pub(super) struct BrokerGate {
    added: AtomicUsize,
    gone: AtomicUsize,
    refused: AtomicBool,
    releasing: Mutex<bool>,
    released: Condvar,
}

impl BrokerGate {
    /// Why the client can be used no more.
    pub(super) fn refusal(&self) -> Option<Failure> {
        let message = format!("the cluster lists more than {BROKERS_MAX} brokers, and clients connect to at most as many");
        self.refused.load(Relaxed).then(|| Failure { message, ..Failure::of(Code::RD_KAFKA_RESP_ERR__FATAL) })
    }

    pub(super) fn is_refused(&self) -> bool {
        self.refused.load(Relaxed)
    }

    /// The client is about to be released: nothing is held up for long any more.
    pub(super) fn release(&self) {
        *self.releasing.lock() = true;
        self.released.notify_all();
    }

    /// One more broker is there. Waits if that is too many.
    fn add(&self) {
        let there = (self.added.fetch_add(1, Relaxed) + 1).saturating_sub(self.gone.load(Relaxed));
        let excess = there.saturating_sub(BROKERS_MAX + OWN_MAX);
        if excess == 0 {
            return;
        }
        self.refused.store(true, Relaxed);
        let mut releasing = self.releasing.lock();
        if !*releasing {
            let hold = HOLD.saturating_mul(u32::try_from(excess).unwrap_or(u32::MAX)).min(HOLD_MAX);
            self.released.wait_for(&mut releasing, hold);
        }
        let is_releasing = *releasing;
        drop(releasing);
        if is_releasing {
            std::thread::sleep(HOLD_RELEASING);
        }
    }
}

/// Hooks that a client calls, from its first thread on.
pub(super) unsafe extern "C" fn on_new(
    rk: *mut rd::rd_kafka_t,
    _: *const rd::rd_kafka_conf_t,
    gate: *mut c_void,
    _: *mut c_char,
    _: usize,
) -> Code {
    let name = c"millrace".as_ptr();
    // SAFETY: the client is being made; the gate outlives it (see `Client`).
    unsafe {
        rd::rd_kafka_interceptor_add_on_thread_start(rk, name, Some(on_thread_start), gate);
        rd::rd_kafka_interceptor_add_on_response_received(rk, name, Some(codecs::on_answer), gate);
        rd::rd_kafka_interceptor_add_on_thread_exit(rk, name, Some(on_thread_exit), gate);
        rd::rd_kafka_interceptor_add_on_broker_state_change(rk, name, Some(on_broker), gate)
    }
}

unsafe extern "C" fn on_thread_start(_: *mut rd::rd_kafka_t, kind: rd::rd_kafka_thread_type_t, _: *const c_char, _: *mut c_void) -> Code {
    IS_BROKER.set(kind == rd::rd_kafka_thread_type_t::RD_KAFKA_THREAD_BROKER);
    Code::RD_KAFKA_RESP_ERR_NO_ERROR
}

unsafe extern "C" fn on_thread_exit(_: *mut rd::rd_kafka_t, kind: rd::rd_kafka_thread_type_t, _: *const c_char, gate: *mut c_void) -> Code {
    if kind == rd::rd_kafka_thread_type_t::RD_KAFKA_THREAD_BROKER {
        // SAFETY: the gate outlives the client's threads.
        unsafe { &*gate.cast::<BrokerGate>().cast_const() }.gone.fetch_add(1, Relaxed);
    }
    Code::RD_KAFKA_RESP_ERR_NO_ERROR
}

unsafe extern "C" fn on_broker(
    _: *mut rd::rd_kafka_t,
    _: i32,
    _: *const c_char,
    _: *const c_char,
    _: c_int,
    state: *const c_char,
    gate: *mut c_void,
) -> Code {
    // SAFETY: a text; the gate outlives the client.
    let (is_new, gate) = unsafe { (CStr::from_ptr(state) == c"INIT", &*gate.cast::<BrokerGate>().cast_const()) };
    if is_new && !IS_BROKER.get() {
        gate.add();
    }
    Code::RD_KAFKA_RESP_ERR_NO_ERROR
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::Arc, time::Instant};

    #[test]
    fn what_adds_too_many_brokers_is_held_up_until_the_client_is_let_go() {
        let gate = Arc::new(BrokerGate::default());
        let began = Instant::now();
        (0..BROKERS_MAX + OWN_MAX).for_each(|_| gate.add());
        assert!(gate.refusal().is_none() && began.elapsed() < HOLD / 2);
        gate.gone.fetch_add(1, Relaxed);
        gate.add();
        assert!(gate.refusal().is_none(), "one that is gone leaves its place");
        let adding = gate.clone();
        let adder = std::thread::spawn(move || (0..2).for_each(|_| adding.add()));
        std::thread::sleep(Duration::from_millis(100));
        assert!(gate.refusal().unwrap().message.contains("more than 200 brokers") && !adder.is_finished());
        gate.release();
        adder.join().unwrap();
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}
