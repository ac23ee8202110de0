//! What to do about a fault: pure decisions, no clock and no I/O.
//!
//! Invariant: the same policy and the same counts always give the same action; time comes in as an argument.

use serde::{Deserialize, Serialize};

/// What an operator's owner wants to happen when tenant code faults.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum FaultPolicy {
    /// Fail the job; it can be started again from its last checkpoint.
    #[default]
    Fail,
    /// Send the batch to the dead-letter topic and go on with a new instance.
    DeadLetter,
    /// Make a new instance after a delay and try the same batch again.
    Reload {
        /// Delay before the first new try, in milliseconds; doubles with every further one.
        delay_ms: u64,
        /// Longest delay, in milliseconds.
        delay_max_ms: u64,
        /// Tries of one batch before the job fails.
        attempts_max: u32,
    },
}

/// What the engine does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultAction {
    /// Fail the job with the report.
    FailJob,
    /// Dead-letter the batch, reopen the operator if it is closed, go on with the next batch.
    DeadLetterBatch,
    /// Wait so many milliseconds, reopen the operator, process the same batch again.
    ReloadAfter(u64),
}

/// Decides about a fault. `consecutive_faults` counts the faults on the same batch, this one included (so at least 1).
pub fn decide(policy: &FaultPolicy, consecutive_faults: u32) -> FaultAction {
    match *policy {
        FaultPolicy::Fail => FaultAction::FailJob,
        FaultPolicy::DeadLetter => FaultAction::DeadLetterBatch,
        FaultPolicy::Reload { attempts_max, .. } if consecutive_faults > attempts_max => FaultAction::FailJob,
        FaultPolicy::Reload { delay_ms, delay_max_ms, .. } => {
            let doublings = consecutive_faults.saturating_sub(1).min(63);
            let delay = delay_ms.checked_shl(doublings).filter(|delay| delay >> doublings == delay_ms).unwrap_or(u64::MAX);
            FaultAction::ReloadAfter(delay.min(delay_max_ms))
        }
    }
}

/// When a tenant's faults become too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakerLimits {
    /// Faults within the window that open the breaker.
    pub faults_max: u32,
    /// Length of the window, in milliseconds.
    pub window_ms: u64,
    /// How long the breaker stays open before one call may try again, in milliseconds.
    pub open_ms: u64,
}

impl Default for BreakerLimits {
    fn default() -> Self {
        Self { faults_max: 100, window_ms: 60_000, open_ms: 30_000 }
    }
}

/// State of a circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// Calls pass; so many faults since the window began.
    Closed {
        /// Faults in the window.
        faults: u32,
        /// Begin of the window, milliseconds of the caller's clock.
        since_ms: u64,
    },
    /// No call passes until then.
    Open {
        /// End of the pause, milliseconds of the caller's clock.
        until_ms: u64,
    },
    /// One call is on trial; its outcome decides.
    HalfOpen,
}

/// What happens to a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerEvent {
    /// A caller asks whether a call may start.
    Ask,
    /// A call ended well.
    Success,
    /// A call ended in a fault.
    Fault,
}

/// The circuit breaker of a tenant: keeps a tenant whose code does nothing but fault from reloading without end.
///
/// Answers the next state, and whether a call may start (for `Ask`; true otherwise).
pub fn breaker(state: Breaker, event: BreakerEvent, now_ms: u64, limits: &BreakerLimits) -> (Breaker, bool) {
    let opened = Breaker::Open { until_ms: now_ms.saturating_add(limits.open_ms) };
    match (state, event) {
        (Breaker::Closed { .. }, BreakerEvent::Ask | BreakerEvent::Success) => (state, true),
        (Breaker::Closed { faults, since_ms }, BreakerEvent::Fault) => {
            let in_window = now_ms.saturating_sub(since_ms) < limits.window_ms;
            let (faults, since_ms) = if in_window { (faults.saturating_add(1), since_ms) } else { (1, now_ms) };
            (if faults >= limits.faults_max { opened } else { Breaker::Closed { faults, since_ms } }, true)
        }
        (Breaker::Open { until_ms }, BreakerEvent::Ask) if now_ms >= until_ms => (Breaker::HalfOpen, true),
        (Breaker::Open { .. }, BreakerEvent::Ask) => (state, false),
        // Calls that were under way when the breaker opened do not change it.
        (Breaker::Open { .. }, BreakerEvent::Success | BreakerEvent::Fault) => (state, true),
        (Breaker::HalfOpen, BreakerEvent::Ask) => (state, false),
        (Breaker::HalfOpen, BreakerEvent::Success) => (Breaker::Closed { faults: 0, since_ms: now_ms }, true),
        (Breaker::HalfOpen, BreakerEvent::Fault) => (opened, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_by_policy_and_count() {
        let reload = FaultPolicy::Reload { delay_ms: 100, delay_max_ms: 1_000, attempts_max: 6 };
        let huge = FaultPolicy::Reload { delay_ms: u64::MAX / 2, delay_max_ms: u64::MAX, attempts_max: u32::MAX };
        let mut table = String::new();
        for (name, policy) in [("fail", FaultPolicy::Fail), ("dead_letter", FaultPolicy::DeadLetter), ("reload", reload), ("huge", huge)] {
            for faults in [1, 2, 3, 4, 5, 6, 7, u32::MAX] {
                table += &format!("{name:12} {faults:10} {:?}\n", decide(&policy, faults));
            }
        }
        assert_eq!(table, include_str!("policy/decisions.txt"));
    }

    #[test]
    fn breaker_by_state_and_event() {
        let limits = BreakerLimits { faults_max: 3, window_ms: 100, open_ms: 50 };
        let states = [
            Breaker::Closed { faults: 0, since_ms: 0 },
            Breaker::Closed { faults: 2, since_ms: 950 },
            Breaker::Closed { faults: 2, since_ms: 900 },
            Breaker::Open { until_ms: 1_000 },
            Breaker::Open { until_ms: 1_001 },
            Breaker::HalfOpen,
        ];
        let mut table = String::new();
        for state in states {
            for event in [BreakerEvent::Ask, BreakerEvent::Success, BreakerEvent::Fault] {
                let (next, passes) = breaker(state, event, 1_000, &limits);
                table += &format!("{state:?} + {event:?} -> {next:?}, {}\n", if passes { "passes" } else { "held" });
            }
        }
        assert_eq!(table, include_str!("policy/breaker.txt"));
    }
}
