//! Bit-packed flags as Arrow stores validity and booleans: least significant bit first, 1 = true.

use crate::Selection;

/// The flag of `row`.
///
/// # Panics
/// `bits` is too short.
#[inline]
pub fn get_bit(bits: &[u8], row: usize) -> bool {
    bits[row >> 3] >> (row & 7) & 1 == 1
}

/// How many of the first `rows` flags are set.
///
/// # Panics
/// `bits` is too short.
pub fn count_ones(bits: &[u8], rows: usize) -> usize {
    let whole: usize = bits[..rows / 8].iter().map(|byte| byte.count_ones() as usize).sum();
    let last = if rows.is_multiple_of(8) { 0 } else { bits[rows / 8] & ((1 << (rows % 8)) - 1) };
    whole + last.count_ones() as usize
}

/// Packs flags.
pub fn pack_bools(flags: &[bool]) -> Vec<u8> {
    let (blocks, rest) = flags.as_chunks::<8>();
    let pack = |flags: &[bool]| flags.iter().enumerate().fold(0, |byte, (k, &flag)| byte | u8::from(flag) << k);
    let mut packed: Vec<u8> = blocks.iter().map(|block| pack(block)).collect();
    if !rest.is_empty() {
        packed.push(pack(rest));
    }
    packed
}

/// The flags of the selected rows.
///
/// # Panics
/// `bits` is too short.
pub fn take_bits(bits: &[u8], selection: &Selection) -> Vec<u8> {
    let (blocks, rest) = selection.indices().as_chunks::<8>();
    let pack = |rows: &[u32]| rows.iter().enumerate().fold(0, |byte, (k, &row)| byte | u8::from(get_bit(bits, row as usize)) << k);
    let mut packed: Vec<u8> = blocks.iter().map(|block| pack(block)).collect();
    if !rest.is_empty() {
        packed.push(pack(rest));
    }
    packed
}

/// Packs flags that come one by one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BitWriter {
    bytes: Vec<u8>,
    len: usize,
}

impl BitWriter {
    /// An empty writer with room for `capacity` flags.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity.div_ceil(8)), len: 0 }
    }

    /// Appends a flag.
    #[inline]
    pub fn push(&mut self, flag: bool) {
        if self.len & 7 == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(flag) << (self.len & 7);
        }
        self.len += 1;
    }

    /// Appends `count` times the same flag.
    pub fn push_many(&mut self, flag: bool, count: usize) {
        for _ in 0..count {
            self.push(flag);
        }
    }

    /// How many flags are there.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no flag is there.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The packed flags; bits behind the last flag are 0.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_flags_read_back() {
        for rows in [0usize, 1, 7, 8, 9, 64, 100] {
            let flags: Vec<bool> = (0..rows).map(|i| i % 3 == 0).collect();
            let packed = pack_bools(&flags);
            let mut writer = BitWriter::with_capacity(rows);
            flags.iter().for_each(|&flag| writer.push(flag));
            assert_eq!(writer.len(), rows);
            assert_eq!(writer.into_bytes(), packed);
            assert_eq!((0..rows).map(|row| get_bit(&packed, row)).collect::<Vec<_>>(), flags);
            assert_eq!(count_ones(&packed, rows), flags.iter().filter(|&&flag| flag).count());
            let selection = Selection::of(rows, |row| row % 2 == 0);
            let taken: Vec<bool> = selection.iter().map(|row| flags[row]).collect();
            assert_eq!(take_bits(&packed, &selection), pack_bools(&taken));
        }
    }
}
