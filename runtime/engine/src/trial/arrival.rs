//! In which order the rows of a package come: shuffled within a bound, delayed by a distribution, the same for one seed.
//!
//! Invariant: pure; the order depends on the nominal times, the settings and the seed alone.

use serde::{Deserialize, Serialize};

/// How rows come out of order.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArrivalOrder {
    /// The same seed gives the same order.
    pub seed: u64,
    /// A row comes at most so many places later or earlier than it stands in its package.
    pub shuffle_rows: u32,
    /// How much later than its event time a row comes.
    pub delay: Delay,
    /// The share of rows that are delayed, 0 to 1; all unless given.
    pub delayed_share: Option<f64>,
}

/// A distribution of delays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "distribution", rename_all = "snake_case", deny_unknown_fields)]
pub enum Delay {
    /// None.
    #[default]
    None,
    /// Always the same.
    Fixed {
        /// The delay.
        ms: u64,
    },
    /// Each delay between two bounds is as likely as any other.
    Uniform {
        /// The shortest.
        min_ms: u64,
        /// The longest.
        max_ms: u64,
    },
    /// Most delays are short, few very long.
    Exponential {
        /// Their mean.
        mean_ms: u64,
    },
}

/// Longest delay that is drawn: a day beyond it says nothing more about a job.
const DELAY_MS_MAX: f64 = 1e12;

impl ArrivalOrder {
    /// What is wrong with the settings.
    ///
    /// # Errors
    /// The field and what was expected.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if let Some(share) = self.delayed_share.filter(|share| !(0.0..=1.0).contains(share)) {
            return Err(("delayed_share", format!("is {share}, expected 0 to 1")));
        }
        match self.delay {
            Delay::Uniform { min_ms, max_ms } if min_ms > max_ms => {
                Err(("delay", format!("`min_ms` is {min_ms}, more than `max_ms` {max_ms}")))
            }
            _ => Ok(()),
        }
    }

    /// The rows in the order in which they come, each as its position in the package and the time at which it comes.
    /// `nominal_ms` never falls; `salt` tells the sources of one run apart.
    pub(super) fn arrange(&self, nominal_ms: &[i64], salt: u64) -> Vec<(usize, i64)> {
        let mut random = Random(self.seed ^ salt);
        let mut order: Vec<(usize, i64)> = (nominal_ms.iter().enumerate())
            .map(|(row, &at_ms)| {
                let is_delayed = self.delayed_share.is_none_or(|share| random.unit() < share);
                let delay_ms = self.delay_ms(&mut random);
                (row, if is_delayed { at_ms.saturating_add(delay_ms) } else { at_ms })
            })
            .collect();
        // Stable: rows of one time keep the package's order.
        order.sort_by_key(|(_, at_ms)| *at_ms);
        if self.shuffle_rows > 0 {
            order = shuffle(order, u64::from(self.shuffle_rows), &mut random);
        }
        order
    }

    fn delay_ms(&self, random: &mut Random) -> i64 {
        let (unit, clamp) = (random.unit(), |ms: f64| ms.clamp(0.0, DELAY_MS_MAX) as i64);
        match self.delay {
            Delay::None => 0,
            Delay::Fixed { ms } => clamp(ms as f64),
            Delay::Uniform { min_ms, max_ms } => clamp(min_ms as f64 + unit * (max_ms.saturating_sub(min_ms) as f64 + 1.0).floor()),
            // Inverse of the distribution function.
            Delay::Exponential { mean_ms } => clamp(-(1.0 - unit).ln() * mean_ms as f64),
        }
    }
}

/// Each row gets a key of at most `bound` behind its place; sorted by key none has moved further than that. Times are
/// made to never fall again: a row comes when the one before it has come.
fn shuffle(order: Vec<(usize, i64)>, bound: u64, random: &mut Random) -> Vec<(usize, i64)> {
    let mut keyed: Vec<(u64, (usize, i64))> =
        (0u64..).zip(order).map(|(place, row)| (place.saturating_add(random.below(bound.saturating_add(1))), row)).collect();
    // Of two with one key the later comes first: else a bound of 1 would move nothing.
    keyed.reverse();
    keyed.sort_by_key(|(key, _)| *key);
    let mut latest_ms = i64::MIN;
    (keyed.into_iter())
        .map(|(_, (row, at_ms))| {
            latest_ms = latest_ms.max(at_ms);
            (row, latest_ms)
        })
        .collect()
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): the numbers of a seed are the
/// same in every release.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to and without 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, bound: u64) -> u64 {
        // The product of two 64-bit numbers; its upper half is below the bound.
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: [i64; 200] = {
        let mut times = [0; 200];
        let mut i = 0;
        while i < 200 {
            times[i] = i as i64 * 10;
            i += 1;
        }
        times
    };

    fn rows(order: ArrivalOrder) -> Vec<usize> {
        order.arrange(&TIMES, 1).into_iter().map(|(row, _)| row).collect()
    }

    #[test]
    fn one_seed_is_one_order_and_nothing_is_lost() {
        let plain: Vec<usize> = (0..200).collect();
        assert_eq!(rows(ArrivalOrder::default()), plain);
        let delays = [Delay::Uniform { min_ms: 0, max_ms: 300 }, Delay::Exponential { mean_ms: 50 }];
        for delay in delays {
            let of = |seed| ArrivalOrder { seed, delay, ..ArrivalOrder::default() };
            let first = rows(of(7));
            assert_eq!(first, rows(of(7)));
            assert_ne!(first, rows(of(8)));
            assert_ne!(first, plain);
            let mut sorted = first;
            sorted.sort_unstable();
            assert_eq!(sorted, plain);
        }
        let fixed = ArrivalOrder { delay: Delay::Fixed { ms: 500 }, ..ArrivalOrder::default() };
        assert_eq!(rows(fixed), plain, "all rows are as late as each other");
        let some = rows(ArrivalOrder { delayed_share: Some(0.1), ..fixed });
        assert_ne!(some, plain);
    }

    #[test]
    fn a_shuffle_keeps_its_bound() {
        for bound in [1, 5, 40] {
            let shuffled = rows(ArrivalOrder { seed: 3, shuffle_rows: bound, ..ArrivalOrder::default() });
            let furthest = shuffled.iter().enumerate().map(|(place, row)| place.abs_diff(*row)).max().unwrap();
            assert!(furthest >= 1 && furthest <= bound as usize, "{furthest}");
        }
        let arrivals = ArrivalOrder { seed: 3, shuffle_rows: 9, ..ArrivalOrder::default() }.arrange(&TIMES, 1);
        assert!(arrivals.windows(2).all(|pair| pair[0].1 <= pair[1].1));
    }

    #[test]
    fn wrong_settings_are_named() {
        let wrong = ArrivalOrder { delayed_share: Some(1.5), ..ArrivalOrder::default() };
        assert_eq!(wrong.check().unwrap_err(), ("delayed_share", "is 1.5, expected 0 to 1".to_owned()));
        let wrong = ArrivalOrder { delay: Delay::Uniform { min_ms: 2, max_ms: 1 }, ..ArrivalOrder::default() };
        assert_eq!(wrong.check().unwrap_err().0, "delay");
    }
}
