//! One watermark out of several input channels, as Flink's `StatusWatermarkValve`: the minimum over the channels that are
//! neither idle nor still behind what was merged while they were. When all are idle, nothing is left to wait for: the
//! furthest of them counts, if the last one to fall idle was what held it back.
//!
//! Invariant: the merged watermark never falls. Pure.

/// Watermark state of an operator's input channels.
#[derive(Debug)]
pub struct WatermarkMerge {
    channels: Vec<ChannelState>,
    merged_ms: i64,
    idle: bool,
}

#[derive(Debug, Clone, Copy)]
struct ChannelState {
    watermark_ms: i64,
    idle: bool,
}

/// What a channel's message changes for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// Nothing.
    Unchanged,
    /// The watermark rose to this many epoch milliseconds.
    Rose(i64),
    /// All channels are idle.
    BecameIdle,
    /// All channels are idle, and the watermark rose to this many epoch milliseconds before.
    RoseAndBecameIdle(i64),
    /// Not all channels are idle any more.
    BecameActive,
}

impl WatermarkMerge {
    /// Merges `channels` channels.
    pub fn new(channels: usize) -> Self {
        let fresh = ChannelState { watermark_ms: i64::MIN, idle: false };
        Self { channels: vec![fresh; channels], merged_ms: i64::MIN, idle: false }
    }

    /// A channel's watermark rose.
    pub fn watermark(&mut self, channel: usize, watermark_ms: i64) -> Merged {
        let state = &mut self.channels[channel];
        state.watermark_ms = state.watermark_ms.max(watermark_ms);
        self.rise()
    }

    /// A channel fell silent.
    pub fn idle(&mut self, channel: usize) -> Merged {
        self.channels[channel].idle = true;
        if self.channels.iter().any(|c| !c.idle) {
            return self.rise();
        }
        if std::mem::replace(&mut self.idle, true) {
            return Merged::Unchanged;
        }
        let held_back = self.channels[channel].watermark_ms == self.merged_ms;
        match self.channels.iter().map(|c| c.watermark_ms).max() {
            Some(max_ms) if held_back && max_ms > self.merged_ms => {
                self.merged_ms = max_ms;
                Merged::RoseAndBecameIdle(max_ms)
            }
            _ => Merged::BecameIdle,
        }
    }

    /// A channel has rows again.
    pub fn active(&mut self, channel: usize) -> Merged {
        self.channels[channel].idle = false;
        let became = self.idle;
        self.idle = false;
        if became { Merged::BecameActive } else { Merged::Unchanged }
    }

    fn rise(&mut self) -> Merged {
        let counts = |c: &&ChannelState| !c.idle && c.watermark_ms >= self.merged_ms;
        let min_ms = self.channels.iter().filter(counts).map(|c| c.watermark_ms).min();
        match min_ms {
            Some(min_ms) if min_ms > self.merged_ms => {
                self.merged_ms = min_ms;
                Merged::Rose(min_ms)
            }
            _ => Merged::Unchanged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_channel_that_is_not_idle_decides() {
        let mut merge = WatermarkMerge::new(2);
        assert_eq!(merge.watermark(0, 100), Merged::Unchanged);
        assert_eq!(merge.watermark(1, 50), Merged::Rose(50));
        assert_eq!(merge.idle(1), Merged::Rose(100), "channel 1 holds nothing back any more");
    }

    #[test]
    fn a_channel_that_woke_up_behind_counts_again_when_it_has_caught_up() {
        let mut merge = WatermarkMerge::new(2);
        merge.watermark(0, 100);
        merge.watermark(1, 50);
        merge.idle(1);
        assert_eq!(merge.active(1), Merged::Unchanged);
        assert_eq!(merge.watermark(0, 200), Merged::Rose(200), "channel 1 is at 50, behind 100");
        assert_eq!(merge.watermark(1, 150), Merged::Unchanged, "never falls");
        assert_eq!(merge.watermark(1, 210), Merged::Unchanged, "channel 0 is at 200");
        assert_eq!(merge.watermark(0, 300), Merged::Rose(210), "channel 1 counts again");
    }

    #[test]
    fn the_furthest_counts_when_the_last_that_held_it_back_falls_idle() {
        let mut merge = WatermarkMerge::new(2);
        merge.watermark(0, 200);
        merge.watermark(1, 50);
        assert_eq!(merge.idle(0), Merged::Unchanged);
        assert_eq!(merge.idle(1), Merged::RoseAndBecameIdle(200));
        assert_eq!(merge.active(1), Merged::BecameActive);
        assert_eq!(merge.watermark(1, 190), Merged::Unchanged, "never falls");
    }

    #[test]
    fn idleness_is_passed_on_once() {
        let mut merge = WatermarkMerge::new(2);
        assert_eq!(merge.idle(0), Merged::Unchanged);
        assert_eq!(merge.idle(1), Merged::BecameIdle);
        assert_eq!(merge.idle(1), Merged::Unchanged);
        assert_eq!(merge.active(0), Merged::BecameActive);
    }
}
