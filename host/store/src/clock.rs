//! Time and ids from outside, so that tests decide both.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

/// Says what time it is.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Milliseconds since the epoch.
    fn now_ms(&self) -> i64;
}

/// Makes the unique part of ids.
pub trait IdSource: Send + Sync + fmt::Debug {
    /// 128 bits that never came before; later calls give greater numbers, so that ids sort by creation.
    fn next(&self) -> u128;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        // A clock before 1970 or after the year 292 million reads as the epoch: ids and times stay valid.
        SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|d| i64::try_from(d.as_millis()).ok()).unwrap_or(0)
    }
}

/// Version 7 UUIDs (RFC 9562): time first, then a counter, then randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimeOrderedIds;

impl IdSource for TimeOrderedIds {
    fn next(&self) -> u128 {
        uuid::Uuid::now_v7().as_u128()
    }
}
