//! Key groups: the shares that keyed state is cut into, so that parallelism can change between runs.
//!
//! The rules are those of Flink's `KeyGroupRangeAssignment` and `MathUtils.murmurHash`
//! (<https://github.com/apache/flink>, flink-runtime `state`, flink-core `util`).
//!
//! Invariant: the key group of a hash never changes between releases — it is part of the checkpoint format. The hash
//! given must therefore itself be fixed: independent of process, seed, machine and release.

use serde::{Deserialize, Serialize};

/// Key groups of an operator that names no other number; also its largest parallelism.
pub const KEY_GROUPS_DEFAULT: u16 = 128;

/// Neighbouring key groups, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyGroupRange {
    /// First key group.
    pub start: u16,
    /// Last key group.
    pub end: u16,
}

impl KeyGroupRange {
    /// Whether `key_group` lies in the range.
    #[must_use]
    pub fn contains(self, key_group: u16) -> bool {
        (self.start..=self.end).contains(&key_group)
    }

    /// What two ranges share, if anything.
    #[must_use]
    pub fn intersection(self, other: Self) -> Option<Self> {
        let (start, end) = (self.start.max(other.start), self.end.min(other.end));
        (start <= end).then_some(Self { start, end })
    }

    /// All key groups of the range.
    pub fn iter(self) -> impl Iterator<Item = u16> {
        self.start..=self.end
    }

    /// Number of key groups, at least one.
    #[must_use]
    pub fn count(self) -> usize {
        usize::from(self.end.saturating_sub(self.start)) + 1
    }
}

/// Key group of a fixed 64-bit key hash, below `key_groups` (0 if that is 0). A hash is first folded to 32 bits as
/// Java's `Long.hashCode` does, so 32-bit hashes (zero-extended) get exactly Flink's key group.
#[inline]
#[must_use]
pub fn key_group_of(hash: u64, key_groups: u16) -> u16 {
    let folded = (hash ^ (hash >> 32)) as u32;
    // The remainder is below `key_groups`, so it fits.
    murmur(folded).checked_rem(u32::from(key_groups)).unwrap_or(0) as u16
}

/// Flink's `MathUtils.murmurHash(int)`; never above `i32::MAX`.
#[inline]
fn murmur(code: u32) -> u32 {
    let mut h = code.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593).rotate_left(13);
    h = h.wrapping_mul(5).wrapping_add(0xe654_6b64) ^ 4;
    h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
    h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
    h ^= h >> 16;
    let signed = h as i32;
    // Java's sign rule: the absolute value, and 0 for the one number that has none.
    if signed == i32::MIN { 0 } else { signed.unsigned_abs() }
}

/// Key groups of subtask `subtask` of `parallelism`; `None` if there is no such subtask or more subtasks than groups.
#[must_use]
pub fn range_of_subtask(key_groups: u16, parallelism: u16, subtask: u16) -> Option<KeyGroupRange> {
    if subtask >= parallelism || parallelism > key_groups {
        return None;
    }
    let (groups, p, s) = (u32::from(key_groups), u32::from(parallelism), u32::from(subtask));
    let start = (s * groups).div_ceil(p);
    let end = ((s + 1) * groups - 1) / p;
    Some(KeyGroupRange { start: u16::try_from(start).ok()?, end: u16::try_from(end).ok()? })
}

/// The subtask that owns `key_group`; below `parallelism` for every key group below `key_groups`.
#[inline]
#[must_use]
pub fn subtask_of_key_group(key_groups: u16, parallelism: u16, key_group: u16) -> u16 {
    let product = u32::from(key_group) * u32::from(parallelism);
    // Below `parallelism` for a valid key group, so it fits.
    product.checked_div(u32::from(key_groups)).unwrap_or(0) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_part_all_key_groups_and_agree_with_the_owner() {
        for key_groups in [1u16, 2, 7, 128, 1_000, 32_768] {
            for parallelism in [1u16, 2, 3, 5, 64, 127, 128].into_iter().filter(|p| *p <= key_groups) {
                let mut next = 0u32;
                for subtask in 0..parallelism {
                    let range = range_of_subtask(key_groups, parallelism, subtask).expect("range");
                    assert_eq!(u32::from(range.start), next, "{key_groups} {parallelism} {subtask}");
                    for group in range.iter() {
                        assert_eq!(subtask_of_key_group(key_groups, parallelism, group), subtask);
                        assert!(range.contains(group));
                    }
                    next = u32::from(range.end) + 1;
                }
                assert_eq!(next, u32::from(key_groups));
            }
        }
        assert_eq!(range_of_subtask(4, 5, 0), None, "more subtasks than key groups");
        assert_eq!(range_of_subtask(4, 2, 2), None, "no such subtask");
    }

    /// Recorded from `KeyGroupRangeAssignment` of Flink 2.3.0: hash, key group of 128, key group of 1,000.
    #[test]
    fn key_groups_are_those_of_flink() {
        let recorded = [
            (0x0, 94, 54),
            (0x1, 86, 478),
            (0x2, 127, 463),
            (0x2a, 29, 565),
            (0x7f, 27, 395),
            (0x3e8, 7, 311),
            (0xffff, 18, 322),
            (0x75b_cd15, 81, 449),
            (0x7fff_ffff, 62, 534),
            (0x8000_0000, 108, 732),
            (0xffff_ffff, 80, 648),
            (0x1_0000_0000, 86, 478),
            (0x0123_4567_89ab_cdef, 17, 145),
            (0xdead_beef_cafe_babe, 67, 979),
            (u64::MAX, 94, 54),
        ];
        for (hash, of_128, of_1000) in recorded {
            assert_eq!((key_group_of(hash, 128), key_group_of(hash, 1_000)), (of_128, of_1000), "{hash:#x}");
        }
        for ((groups, parallelism, subtask), start, end) in
            [((128, 3, 0), 0, 42), ((128, 3, 1), 43, 85), ((128, 3, 2), 86, 127), ((128, 5, 4), 103, 127), ((10, 4, 1), 3, 4)]
        {
            assert_eq!(range_of_subtask(groups, parallelism, subtask), Some(KeyGroupRange { start, end }));
        }
    }

    #[test]
    fn ranges_intersect() {
        let r = |start, end| KeyGroupRange { start, end };
        assert_eq!(r(0, 63).intersection(r(43, 85)), Some(r(43, 63)));
        assert_eq!(r(0, 42).intersection(r(43, 85)), None);
        assert_eq!(r(5, 5).count(), 1);
    }
}
