//! How wrong passwords slow an account and an address down.
//!
//! Invariant: an attempt is counted before its password is looked at, so that attempts at the same time do not get more
//! tries; the wait depends on what was counted only, never on whether the account is there.

/// How one kind of subject is slowed down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottleRule {
    /// Attempts before the first wait.
    pub attempts_free: i64,
    /// The first wait.
    pub delay_ms: i64,
    /// The longest wait; each is twice the one before.
    pub delay_max_ms: i64,
    /// Attempts are forgotten after this time without another one.
    pub memory_ms: i64,
}

/// For one account. The longest wait is short enough that nobody can keep its owner out for long.
pub const ACCOUNT: ThrottleRule = ThrottleRule { attempts_free: 5, delay_ms: 30_000, delay_max_ms: 15 * 60_000, memory_ms: 24 * 3_600_000 };
/// For one network address, over all accounts.
pub const ADDRESS: ThrottleRule = ThrottleRule { attempts_free: 30, delay_ms: 30_000, delay_max_ms: 3_600_000, memory_ms: 3_600_000 };

/// Attempts of one subject so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempts {
    /// Failed ones, and those under way.
    pub count: i64,
    /// The last one, in milliseconds since the epoch.
    pub last_at_ms: i64,
    /// No further one before.
    pub blocked_until_ms: i64,
}

impl Attempts {
    /// How long the subject has to wait now.
    pub fn wait_ms(&self, now_ms: i64) -> Option<i64> {
        Some(self.blocked_until_ms.saturating_sub(now_ms)).filter(|&wait_ms| wait_ms > 0)
    }

    /// With one more attempt.
    #[must_use]
    pub fn counted(self, rule: &ThrottleRule, now_ms: i64) -> Self {
        let forgotten = now_ms.saturating_sub(self.last_at_ms) > rule.memory_ms;
        let count = if forgotten { 1 } else { self.count.saturating_add(1) };
        let over = count - rule.attempts_free;
        let blocked_until_ms = match u32::try_from(over) {
            // Twice as long each time, without leaving the range.
            Ok(over) => now_ms.saturating_add(rule.delay_ms.saturating_mul(1i64 << over.min(30)).min(rule.delay_max_ms)),
            Err(_) => 0,
        };
        Self { count, last_at_ms: now_ms, blocked_until_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    #[test]
    fn the_waits_grow_and_end() {
        let mut table = String::from("attempt  account, wait s  address, wait s");
        let (mut account, mut address) = (Attempts::default(), Attempts::default());
        for attempt in 1..=40 {
            (account, address) = (account.counted(&ACCOUNT, 1_000), address.counted(&ADDRESS, 1_000));
            let wait = |a: &Attempts| a.wait_ms(1_000).unwrap_or(0) / 1_000;
            write!(table, "\n{attempt:<9}{:<17}{}", wait(&account), wait(&address)).unwrap();
        }
        insta::assert_snapshot!("sign_in_waits", table);
        assert_eq!(account.wait_ms(account.blocked_until_ms), None);
        let later = account.counted(&ACCOUNT, 1_001 + ACCOUNT.memory_ms);
        assert_eq!((later.count, later.blocked_until_ms), (1, 0), "forgotten after a day");
    }
}
