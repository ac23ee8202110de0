//! Watermarks over several partitions with idleness, as Flink's `WatermarkOutputMultiplexer` and
//! `BoundedOutOfOrdernessWatermarks` define them: per partition `max event time - delay - 1`, combined by the minimum
//! over partitions that are not idle.
//!
//! Invariant: the combined watermark never falls. Pure: the caller passes the time.

use std::collections::BTreeMap;

/// Tracks event times per partition.
#[derive(Debug)]
pub struct PartitionWatermarks {
    delay_ms: i64,
    idle_timeout_ms: Option<i64>,
    partitions: BTreeMap<i32, Partition>,
    combined_ms: i64,
    idle: bool,
}

#[derive(Debug)]
struct Partition {
    event_time_max_ms: i64,
    last_record_at_ms: i64,
}

/// A change of the combined state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatermarkChange {
    /// Nothing new.
    None,
    /// The combined watermark rose to this many epoch milliseconds.
    Rose(i64),
    /// All partitions became idle.
    BecameIdle,
    /// A partition has records again.
    BecameActive,
}

impl PartitionWatermarks {
    /// Waits `delay_ms` for late records; a partition without records for `idle_timeout_ms` does not hold others back
    /// (`None`: it always does).
    pub fn new(delay_ms: u64, idle_timeout_ms: Option<u64>) -> Self {
        let clamp = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        Self {
            delay_ms: clamp(delay_ms),
            idle_timeout_ms: idle_timeout_ms.map(clamp),
            partitions: BTreeMap::new(),
            combined_ms: i64::MIN,
            idle: false,
        }
    }

    /// For watermarks that are declared per row: what `observe` gets is the watermark itself, not an event time.
    pub fn of_watermarks(idle_timeout_ms: Option<u64>) -> Self {
        // `max - delay - 1` is then the greatest watermark as it is.
        Self { delay_ms: -1, ..Self::new(0, idle_timeout_ms) }
    }

    /// A partition is assigned; until its first record (or idleness) it holds the watermark back.
    pub fn add_partition(&mut self, partition: i32, now_ms: i64) {
        let fresh = Partition { event_time_max_ms: i64::MIN, last_record_at_ms: now_ms };
        self.partitions.entry(partition).or_insert(fresh);
    }

    /// Records of `partition` were read; `event_time_max_ms` is the greatest event time among them.
    pub fn observe(&mut self, partition: i32, event_time_max_ms: i64, now_ms: i64) {
        self.add_partition(partition, now_ms);
        if let Some(p) = self.partitions.get_mut(&partition) {
            p.event_time_max_ms = p.event_time_max_ms.max(event_time_max_ms);
            p.last_record_at_ms = now_ms;
        }
    }

    /// Recomputes the combined watermark; call after `observe` and periodically for idleness. At most one change is
    /// returned per call: call again until `None`.
    pub fn advance(&mut self, now_ms: i64) -> WatermarkChange {
        let mut active = false;
        let mut min_ms = i64::MAX;
        for p in self.partitions.values() {
            let silent = self.idle_timeout_ms.is_some_and(|t| now_ms.saturating_sub(p.last_record_at_ms) >= t);
            if !silent {
                active = true;
                min_ms = min_ms.min(p.event_time_max_ms);
            }
        }
        if !active {
            let became = !self.idle && !self.partitions.is_empty();
            self.idle |= became;
            return if became { WatermarkChange::BecameIdle } else { WatermarkChange::None };
        }
        if self.idle {
            self.idle = false;
            return WatermarkChange::BecameActive;
        }
        if min_ms == i64::MIN {
            return WatermarkChange::None;
        }
        let combined_ms = min_ms.saturating_sub(self.delay_ms).saturating_sub(1);
        if combined_ms <= self.combined_ms {
            return WatermarkChange::None;
        }
        self.combined_ms = combined_ms;
        WatermarkChange::Rose(combined_ms)
    }

    /// The combined watermark; `i64::MIN` before the first. A row with an event time at or below it is late.
    pub fn current_ms(&self) -> i64 {
        self.combined_ms
    }

    /// The watermark of each partition that has had a record.
    pub fn each(&self) -> impl Iterator<Item = (i32, i64)> + '_ {
        let seen = self.partitions.iter().filter(|(_, p)| p.event_time_max_ms != i64::MIN);
        seen.map(|(partition, p)| (*partition, p.event_time_max_ms.saturating_sub(self.delay_ms).saturating_sub(1)))
    }

    /// Greatest event time per partition, to be kept in the checkpoint.
    pub fn event_time_max_ms(&self, partition: i32) -> Option<i64> {
        self.partitions.get(&partition).map(|p| p.event_time_max_ms).filter(|&t| t != i64::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_active_partition_decides() {
        let mut w = PartitionWatermarks::new(10, Some(100));
        w.add_partition(0, 0);
        w.add_partition(1, 0);
        w.observe(0, 1_000, 0);
        assert_eq!(w.advance(0), WatermarkChange::None, "partition 1 has no record yet");
        w.observe(1, 500, 50);
        assert_eq!(w.advance(50), WatermarkChange::Rose(489));
        assert_eq!(w.each().collect::<Vec<_>>(), [(0, 989), (1, 489)]);
        w.observe(0, 2_000, 120);
        assert_eq!(w.advance(149), WatermarkChange::None, "partition 1 is not silent for long enough");
        assert_eq!(w.advance(150), WatermarkChange::Rose(1_989), "partition 1 is idle");
    }

    #[test]
    fn the_watermark_never_falls_and_idleness_ends() {
        let mut w = PartitionWatermarks::new(0, Some(100));
        w.observe(0, 1_000, 0);
        assert_eq!(w.advance(0), WatermarkChange::Rose(999));
        assert_eq!(w.advance(100), WatermarkChange::BecameIdle);
        assert_eq!(w.advance(200), WatermarkChange::None);
        w.observe(0, 10, 200);
        assert_eq!(w.advance(200), WatermarkChange::BecameActive);
        assert_eq!(w.advance(200), WatermarkChange::None, "10 is late, the watermark stays");
        assert_eq!(w.current_ms(), 999);
    }
}
