//! Numbers and texts that look random and are the same on every machine (SplitMix64: Steele, Lea, Flood 2014).

/// A generator of its own for each event, so that no event depends on those before it.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `end`, which is left out.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // The upper half of a product of 32-bit numbers: no bias that anything here could show.
        ((self.next() >> 32) * end) >> 32
    }

    /// Whether this is one of `of` cases that are as likely as each other, but not the first.
    pub(crate) fn is_hot(&mut self, of: u64) -> bool {
        self.below(of) > 0
    }

    pub(crate) fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> Option<&'a T> {
        all.get(self.below(all.len() as u64) as usize).copied()
    }

    /// A price in cents, as often between 100 and 1,000 as between 10,000,000 and 100,000,000.
    pub(crate) fn price(&mut self) -> u64 {
        let fraction = self.below(1 << 24) as f64 / f64::from(1 << 24);
        // Not the platform's own function: its last digit differs between machines.
        (libm::pow(10.0, fraction * 6.0) * 100.0).round() as u64
    }

    /// So many letters.
    pub(crate) fn letters(&mut self, count: u64, out: &mut String) {
        for _ in 0..count {
            out.push(char::from(b'a' + self.below(26) as u8));
        }
    }

    /// Three to `end` letters, some of them replaced by an underscore.
    pub(crate) fn word(&mut self, end: u64, out: &mut String) {
        for _ in 0..3 + self.below(end - 3) {
            let letter = if self.below(13) == 0 { '_' } else { char::from(b'a' + self.below(26) as u8) };
            out.push(letter);
        }
    }

    /// Letters that bring an event of `size` bytes to `average` bytes, a fifth more or less.
    pub(crate) fn filling(&mut self, size: u64, average: u64, out: &mut String) {
        let wanted = average.saturating_sub(size);
        let delta = (wanted + 2) / 5;
        if wanted > 0 {
            let count = wanted - delta + self.below((2 * delta).max(1));
            self.letters(count, out);
        }
    }
}
