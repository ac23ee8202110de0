//! Which entries leave memory when it is short.
//!
//! Invariant: those leave that were not used for longest, and no more than have to.

use std::cmp::Reverse;

/// A larger entry does not leave right after it was used: it would be written and read whole for each batch that changes it.
pub(crate) const USED_BYTES_MAX: u64 = 256 << 10;

/// How many of `there` entries that take `bytes` together have room in `stay_bytes`.
pub(crate) fn staying(stay_bytes: u64, there: usize, bytes: u64) -> usize {
    usize::try_from(u128::from(stay_bytes) * there as u128 / u128::from(bytes.max(1))).unwrap_or(usize::MAX)
}

/// Those of `slots` that leave so that `stay` of them stay; `age` is greater the longer ago a slot was used.
pub(crate) fn oldest<A: Ord>(mut slots: Vec<u32>, stay: usize, age: impl Fn(u32) -> A) -> Vec<u32> {
    let leave = slots.len().saturating_sub(stay);
    if (1..slots.len()).contains(&leave) {
        slots.select_nth_unstable_by_key(leave, |&slot| Reverse(age(slot)));
    }
    slots.truncate(leave);
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_leaves() {
        let used = [5_u32, 1, 4, 2, 3];
        let leaving = |stay| {
            let mut slots = oldest(vec![0, 1, 2, 3, 4], stay, |slot| Reverse(used[slot as usize]));
            slots.sort_unstable();
            slots
        };
        assert_eq!(leaving(3), [1, 3]);
        assert_eq!((leaving(0).len(), leaving(5).len(), leaving(9).len()), (5, 0, 0));
        assert_eq!((staying(50, 10, 100), staying(50, 10, 0), staying(0, 10, 100)), (5, 500, 0));
    }
}
