//! When a failed instance is started again: exponential back-off as Flink's `exponential-delay` strategy, without
//! jitter (<https://nightlies.apache.org/flink/flink-docs-stable/docs/ops/state/task_failure_recovery/>).
//!
//! Invariant: pure; the caller passes the time. A failure that cannot pass by itself never leads to a restart.

use millrace_model::graph::RestartPolicy;

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start again at this time, in milliseconds of the caller's clock.
    RestartAt {
        /// When.
        at_ms: u64,
    },
    /// Give up: the failure does not pass by itself.
    NotRetryable,
    /// Give up: it failed too often in a row.
    Exhausted {
        /// Restarts that were allowed and used.
        attempts: u32,
    },
}

/// Failures in a row of one instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailureRecord {
    restarts: u32,
}

impl FailureRecord {
    /// A record that goes on after `restarts` restarts.
    pub fn after(restarts: u32) -> Self {
        Self { restarts }
    }

    /// Restarts since the instance was last stable.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// The instance failed at `now_ms` after having run since `running_since_ms` (`None`: it never ran this time).
    pub fn failed(&mut self, policy: &RestartPolicy, retryable: bool, running_since_ms: Option<u64>, now_ms: u64) -> Verdict {
        if !retryable {
            return Verdict::NotRetryable;
        }
        if running_since_ms.is_some_and(|since| now_ms.saturating_sub(since) >= policy.reset_after_ms) {
            self.restarts = 0;
        }
        if self.restarts >= policy.attempts_max {
            return Verdict::Exhausted { attempts: self.restarts };
        }
        let at_ms = now_ms.saturating_add(delay_ms(policy, self.restarts));
        self.restarts += 1;
        Verdict::RestartAt { at_ms }
    }
}

/// The wait before the restart that follows `earlier` others: doubles each time up to the longest.
fn delay_ms(policy: &RestartPolicy, earlier: u32) -> u64 {
    let factor = 1u64.checked_shl(earlier).unwrap_or(u64::MAX);
    policy.delay_ms.saturating_mul(factor).min(policy.delay_max_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RestartPolicy = RestartPolicy { attempts_max: 4, delay_ms: 100, delay_max_ms: 350, reset_after_ms: 1_000 };

    #[test]
    fn waits_double_up_to_the_longest_and_then_it_gives_up() {
        let mut record = FailureRecord::default();
        let verdicts: Vec<Verdict> = (0..5).map(|_| record.failed(&POLICY, true, Some(10_000), 10_010)).collect();
        let at = |at_ms| Verdict::RestartAt { at_ms };
        assert_eq!(verdicts, [at(10_110), at(10_210), at(10_360), at(10_360), Verdict::Exhausted { attempts: 4 }]);
        assert_eq!(record.restarts(), 4);
    }

    #[test]
    fn running_long_enough_forgets_earlier_failures() {
        let mut record = FailureRecord::default();
        for _ in 0..4 {
            record.failed(&POLICY, true, None, 0);
        }
        assert_eq!(record.clone().failed(&POLICY, true, Some(5_000), 5_999), Verdict::Exhausted { attempts: 4 });
        assert_eq!(record.failed(&POLICY, true, Some(5_000), 6_000), Verdict::RestartAt { at_ms: 6_100 });
        assert_eq!(record.restarts(), 1);
    }

    #[test]
    fn a_user_fault_fails_at_once() {
        assert_eq!(FailureRecord::default().failed(&POLICY, false, Some(0), 5_000), Verdict::NotRetryable);
    }

    #[test]
    fn no_policy_overflows() {
        let policy = RestartPolicy { attempts_max: u32::MAX, delay_ms: 3_600_000, delay_max_ms: 3_600_000, reset_after_ms: u64::MAX };
        let mut record = FailureRecord { restarts: 4_000_000_000 };
        assert_eq!(record.failed(&policy, true, None, u64::MAX), Verdict::RestartAt { at_ms: u64::MAX });
    }
}
