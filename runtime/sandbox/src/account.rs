//! Fuel, time and memory per tenant, and the limits on them.
//!
//! Invariant: every instance charges the account of its tenant and gives back what it held when it ends, however it
//! ends; all figures are atomics, so charging never waits for another tenant or another thread.

use crate::limits::TenantLimits;
use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed},
};
use std::time::{Duration, Instant};

/// A rate that is none.
const UNLIMITED: u64 = u64::MAX;

/// The account of one tenant in this process.
#[derive(Debug)]
pub struct TenantAccount {
    /// Seconds of fuel that can be saved up, and instances at one time; the other limits can change.
    limits: TenantLimits,
    /// Most bytes of linear memory; as much as is held already stays.
    memory_bytes_max: AtomicU64,
    /// Fuel per second; [`UNLIMITED`] for none.
    fuel_per_second: AtomicU64,
    /// The account that pays for this one.
    within: Option<Arc<TenantAccount>>,
    started: Instant,
    fuel: AtomicU64,
    time_us: AtomicU64,
    calls: AtomicU64,
    faults: AtomicU64,
    memory_bytes: AtomicU64,
    memory_peak_bytes: AtomicU64,
    instances: AtomicU32,
    /// Generic cell rate algorithm: when all fuel spent so far would be paid off, in microseconds since `started`.
    paid_off_at_us: AtomicI64,
}

/// Figures of an account at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct TenantUsage {
    /// Fuel charged since the account was made.
    pub fuel: u64,
    /// Microseconds that guests of the tenant ran.
    pub time_us: u64,
    /// Calls into guests.
    pub calls: u64,
    /// Calls that ended in a fault.
    pub faults: u64,
    /// Bytes of linear memory held now.
    pub memory_bytes: u64,
    /// Most bytes of linear memory held at one time.
    pub memory_peak_bytes: u64,
    /// Instances now.
    pub instances: u32,
}

impl TenantAccount {
    /// An account with nothing used.
    pub fn new(limits: TenantLimits) -> Self {
        Self {
            memory_bytes_max: AtomicU64::new(limits.memory_bytes_max),
            fuel_per_second: AtomicU64::new(limits.fuel_per_second.unwrap_or(UNLIMITED)),
            limits,
            within: None,
            started: Instant::now(),
            fuel: AtomicU64::new(0),
            time_us: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            memory_bytes: AtomicU64::new(0),
            memory_peak_bytes: AtomicU64::new(0),
            instances: AtomicU32::new(0),
            paid_off_at_us: AtomicI64::new(0),
        }
    }

    /// An account for a part of what a tenant runs: it counts by itself, and everything is charged to `whole` as well, whose
    /// limits hold.
    pub fn within(whole: Arc<Self>) -> Self {
        let limits = TenantLimits { memory_bytes_max: u64::MAX, fuel_per_second: None, ..whole.limits.clone() };
        Self::part_of(whole, limits)
    }

    /// As [`TenantAccount::within`], with limits of its own: both sets of limits hold.
    pub fn part_of(whole: Arc<Self>, limits: TenantLimits) -> Self {
        Self { within: Some(whole), ..Self::new(limits) }
    }

    /// The limits that hold here: this account's, and those of the account that pays for it.
    pub fn limits(&self) -> TenantLimits {
        let own = self.memory_bytes_max.load(Relaxed);
        let own = TenantLimits { memory_bytes_max: own, fuel_per_second: self.rate(), ..self.limits.clone() };
        let Some(whole) = self.within.as_ref().map(|whole| whole.limits()) else { return own };
        let rates = own.fuel_per_second.into_iter().chain(whole.fuel_per_second);
        TenantLimits {
            memory_bytes_max: own.memory_bytes_max.min(whole.memory_bytes_max),
            fuel_per_second: rates.min(),
            instances_max: own.instances_max.min(whole.instances_max),
            ..own
        }
    }

    /// Changes how much memory and fuel the tenant may have from now on. What it holds already stays; a tenant above its
    /// new limit gets no more until it is below.
    pub fn set_limits(&self, memory_bytes_max: u64, fuel_per_second: Option<u64>) {
        self.memory_bytes_max.store(memory_bytes_max, Relaxed);
        self.fuel_per_second.store(fuel_per_second.unwrap_or(UNLIMITED), Relaxed);
    }

    fn rate(&self) -> Option<u64> {
        let rate = self.fuel_per_second.load(Relaxed);
        (rate != UNLIMITED).then_some(rate)
    }

    /// The figures now.
    pub fn usage(&self) -> TenantUsage {
        TenantUsage {
            fuel: self.fuel.load(Relaxed),
            time_us: self.time_us.load(Relaxed),
            calls: self.calls.load(Relaxed),
            faults: self.faults.load(Relaxed),
            memory_bytes: self.memory_bytes.load(Relaxed),
            memory_peak_bytes: self.memory_peak_bytes.load(Relaxed),
            instances: self.instances.load(Relaxed),
        }
    }

    /// Books one call; the fuel is paid off at the tenant's rate before `wait_for_fuel` lets the next one start.
    pub(crate) fn charge(&self, fuel: u64, time: Duration, fault: bool) {
        if let Some(whole) = &self.within {
            whole.charge(fuel, time, fault);
        }
        self.fuel.fetch_add(fuel, Relaxed);
        self.time_us.fetch_add(time.as_micros() as u64, Relaxed);
        self.calls.fetch_add(1, Relaxed);
        if fault {
            self.faults.fetch_add(1, Relaxed);
        }
        if let Some(rate) = self.rate() {
            let debt_us = (u128::from(fuel) * 1_000_000 / u128::from(rate.max(1))).min(i64::MAX as u128 / 4) as i64;
            let now_us = self.now_us();
            let _ = self.paid_off_at_us.fetch_update(Relaxed, Relaxed, |at| Some(at.max(now_us).saturating_add(debt_us)));
        }
    }

    /// How long the next call has to wait for fuel; zero when it may start at once.
    pub(crate) fn fuel_wait(&self) -> Duration {
        let whole = self.within.as_ref().map_or(Duration::ZERO, |whole| whole.fuel_wait());
        if self.rate().is_none() {
            return whole;
        }
        let burst_us = i64::from(self.limits.fuel_burst_s) * 1_000_000;
        let wait_us = self.paid_off_at_us.load(Relaxed) - burst_us - self.now_us();
        Duration::from_micros(wait_us.max(0) as u64).max(whole)
    }

    /// Waits until the tenant has fuel; other tenants go on meanwhile.
    pub async fn wait_for_fuel(&self) {
        loop {
            let wait = self.fuel_wait();
            if wait.is_zero() {
                return;
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes memory; `false`, and nothing taken, when the tenant would pass its limit.
    pub(crate) fn take_memory(&self, bytes: u64) -> bool {
        if self.within.as_ref().is_some_and(|whole| !whole.take_memory(bytes)) {
            return false;
        }
        let limit = self.memory_bytes_max.load(Relaxed);
        let taken = self.memory_bytes.fetch_update(Relaxed, Relaxed, |held| held.checked_add(bytes).filter(|sum| *sum <= limit));
        match taken {
            Ok(before) => {
                self.memory_peak_bytes.fetch_max(before + bytes, Relaxed);
                true
            }
            Err(_) => {
                if let Some(whole) = &self.within {
                    whole.give_back_memory(bytes);
                }
                false
            }
        }
    }

    pub(crate) fn give_back_memory(&self, bytes: u64) {
        if let Some(whole) = &self.within {
            whole.give_back_memory(bytes);
        }
        self.memory_bytes.fetch_sub(bytes, Relaxed);
    }

    /// Takes a place for an instance; `false` when the tenant has as many as it may.
    pub(crate) fn take_instance(&self) -> bool {
        if self.within.as_ref().is_some_and(|whole| !whole.take_instance()) {
            return false;
        }
        let limit = self.limits.instances_max;
        let taken = self.instances.fetch_update(Relaxed, Relaxed, |n| (n < limit).then_some(n + 1)).is_ok();
        if let Some(whole) = self.within.as_ref().filter(|_| !taken) {
            whole.give_back_instance();
        }
        taken
    }

    pub(crate) fn give_back_instance(&self) {
        if let Some(whole) = &self.within {
            whole.give_back_instance();
        }
        self.instances.fetch_sub(1, Relaxed);
    }

    fn now_us(&self) -> i64 {
        self.started.elapsed().as_micros() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_held_to_its_own_limits_and_those_of_the_whole() {
        let limits =
            |memory_bytes_max, fuel_per_second| TenantLimits { memory_bytes_max, fuel_per_second, fuel_burst_s: 0, instances_max: 2 };
        let whole = Arc::new(TenantAccount::new(limits(100, None)));
        let one = TenantAccount::part_of(whole.clone(), limits(60, Some(10)));
        let other = TenantAccount::part_of(whole.clone(), limits(60, None));
        assert!(one.take_memory(60) && !one.take_memory(1) && !other.take_memory(50) && other.take_memory(40));
        assert_eq!((whole.usage().memory_bytes, one.usage().memory_bytes, other.usage().memory_bytes), (100, 60, 40));
        one.give_back_memory(60);
        assert_eq!(whole.usage().memory_bytes, 40);
        assert!(one.take_instance() && other.take_instance() && !other.take_instance(), "the whole has two");
        assert_eq!((one.usage().instances, whole.usage().instances), (1, 2));
        one.charge(1_000, Duration::from_micros(5), true);
        assert_eq!((whole.usage().fuel, whole.usage().faults), (1_000, 1));
        assert!(!one.fuel_wait().is_zero() && other.fuel_wait().is_zero() && whole.fuel_wait().is_zero(), "only the part has a rate");
    }

    #[test]
    fn limits_change_while_code_runs() {
        let limits = TenantLimits { memory_bytes_max: 100, fuel_per_second: None, fuel_burst_s: 0, instances_max: 2 };
        let whole = Arc::new(TenantAccount::new(limits));
        let run = TenantAccount::within(whole.clone());
        assert!(run.take_memory(80));
        whole.set_limits(50, Some(10));
        assert!(!run.take_memory(1), "the new limit holds for what runs already");
        run.give_back_memory(40);
        assert!(run.take_memory(10) && !run.take_memory(1));
        whole.set_limits(200, Some(10));
        assert!(run.take_memory(150), "a run is held to the limits of its tenant, not to those at its start");
        run.charge(1_000, Duration::ZERO, false);
        assert!(!run.fuel_wait().is_zero());
        assert_eq!((run.limits().memory_bytes_max, run.limits().fuel_per_second), (200, Some(10)));
    }
}
