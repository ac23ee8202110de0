//! Kernels over strings (or bytes) stored as offsets and data, Arrow's layout of variable-size values.
//!
//! Short values dominate real data and a call to the general copy costs more than the copy itself, so values are
//! copied in blocks of fixed size that may reach past the value; what is too much is overwritten by the next one.

use crate::{Selection, take};

const COPY: usize = 16;
const BLOCK: usize = 64;
const WORD: usize = 8;

/// The selected values, as offsets and data.
///
/// # Panics
/// A selected row is not in the column, or an offset not in `data`.
pub fn take_text(offsets: &[i32], data: &[u8], selection: &Selection) -> (Vec<i32>, Vec<u8>) {
    let rows = offsets.len().saturating_sub(1);
    let starts = take(&offsets[..rows], selection);
    let ends = take(&offsets[offsets.len() - rows..], selection);
    let mut total = 0;
    let mut taken_offsets = Vec::with_capacity(selection.len() + 1);
    taken_offsets.push(0);
    taken_offsets.extend(starts.iter().zip(&ends).map(|(start, end)| {
        total += end - start;
        total
    }));
    let mut taken = vec![0; total as usize + COPY];
    for ((&start, &end), &at) in starts.iter().zip(&ends).zip(&taken_offsets) {
        let (start, end, at) = (start as usize, end as usize, at as usize);
        let blocks = (taken.get_mut(at..at + COPY), data.get(start..start + COPY));
        match blocks {
            (Some(to), Some(from)) if end - start <= COPY => to.copy_from_slice(from),
            _ => taken[at..at + (end - start)].copy_from_slice(&data[start..end]),
        }
    }
    taken.truncate(total as usize);
    (taken_offsets, taken)
}

/// The offsets of the selected values of a nested column, and the selection of the children that they hold.
///
/// # Panics
/// A selected row is not in the column.
pub fn take_offsets(offsets: &[i32], selection: &Selection) -> (Vec<i32>, Selection) {
    selection.check(offsets.len().saturating_sub(1));
    let mut taken_offsets = Vec::with_capacity(selection.len() + 1);
    let mut children = Vec::new();
    taken_offsets.push(0);
    for row in selection.iter() {
        children.extend(offsets[row] as u32..offsets[row + 1] as u32);
        taken_offsets.push(children.len() as i32);
    }
    (taken_offsets, Selection::ascending(children))
}

/// The rows whose value equals `wanted`.
///
/// # Panics
/// An offset is not in `data`.
pub fn select_equal(offsets: &[i32], data: &[u8], wanted: &[u8]) -> Selection {
    let rows = offsets.len().saturating_sub(1);
    // Most values already differ in length, and lengths are compared as vectors before any byte is looked up.
    let len = wanted.len() as i32;
    let same_length = Selection::of_pairs(&offsets[..rows], &offsets[offsets.len() - rows..], |from, to| to - from == len);
    let mut padded = [0; WORD];
    match padded.get_mut(..wanted.len()) {
        Some(start) => start.copy_from_slice(wanted),
        None => return same_length.and(|row| data[offsets[row] as usize..][..wanted.len()] == *wanted),
    }
    let word = u64::from_le_bytes(padded);
    let mask = if wanted.len() == WORD { u64::MAX } else { (1 << (8 * wanted.len())) - 1 };
    same_length.and(|row| match data[offsets[row] as usize..].first_chunk::<WORD>() {
        Some(found) => u64::from_le_bytes(*found) & mask == word,
        None => data[offsets[row] as usize..][..wanted.len()] == *wanted,
    })
}

/// Data as text, if it is UTF-8. Most data is ASCII, which is told by vector instructions.
#[allow(unsafe_code)]
pub fn as_text(data: &[u8]) -> Option<&str> {
    let (blocks, rest) = data.as_chunks::<BLOCK>();
    // Eight bytes at a time, joined over a block: one test per block.
    let joined = |block: &[u8; BLOCK]| {
        let words: [u64; BLOCK / WORD] = core::array::from_fn(|k| {
            let mut word = [0; WORD];
            word.copy_from_slice(&block[k * WORD..(k + 1) * WORD]);
            u64::from_ne_bytes(word)
        });
        words.into_iter().fold(0, |all, word| all | word)
    };
    const HIGHEST_BITS: u64 = u64::from_ne_bytes([0x80; WORD]);
    if rest.is_ascii() && blocks.iter().all(|block| joined(block) & HIGHEST_BITS == 0) {
        // SAFETY: no byte has its highest bit set, and such bytes are UTF-8 each by itself.
        return Some(unsafe { std::str::from_utf8_unchecked(data) });
    }
    std::str::from_utf8(data).ok()
}

/// ASCII letters to upper case, the rest as it is; UTF-8 stays UTF-8 and offsets stay right.
pub fn ascii_uppercase(data: &mut [u8]) {
    map_bytes(data, |byte| byte ^ (u8::from(byte.is_ascii_lowercase()) << 5));
}

/// ASCII letters to lower case, the rest as it is; UTF-8 stays UTF-8 and offsets stay right.
pub fn ascii_lowercase(data: &mut [u8]) {
    map_bytes(data, |byte| byte ^ (u8::from(byte.is_ascii_uppercase()) << 5));
}

#[inline]
fn map_bytes(data: &mut [u8], f: impl Fn(u8) -> u8) {
    let (blocks, rest) = data.as_chunks_mut::<BLOCK>();
    for block in blocks {
        *block = block.map(&f);
    }
    for byte in rest {
        *byte = f(*byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[&str]) -> (Vec<i32>, Vec<u8>) {
        let mut offsets = vec![0];
        let mut data = Vec::new();
        for value in values {
            data.extend_from_slice(value.as_bytes());
            offsets.push(data.len() as i32);
        }
        (offsets, data)
    }

    #[test]
    fn values_of_every_length_are_taken_whole() {
        let long = "x".repeat(40);
        let values = ["", "a", "exactly sixteen!", "seventeen letters", &long, "ende", ""];
        let (offsets, data) = column(&values);
        for mask in 0..1 << values.len() {
            let selection = Selection::of(values.len(), |row| mask >> row & 1 == 1);
            let kept: Vec<&str> = selection.iter().map(|row| values[row]).collect();
            assert_eq!(take_text(&offsets, &data, &selection), column(&kept));
        }
    }

    #[test]
    fn equality_finds_whole_values_only() {
        let (offsets, data) = column(&["buy", "bu", "buyy", "", "buy"]);
        assert_eq!(select_equal(&offsets, &data, b"buy").indices(), [0, 4]);
        assert_eq!(select_equal(&offsets, &data, b"").indices(), [3]);
        for wanted in ["exactly8", "exactly-9", "much longer than a word"] {
            let (offsets, data) = column(&[wanted, "exactly9", "exactly-8", wanted, "much longer than a ward"]);
            assert_eq!(select_equal(&offsets, &data, wanted.as_bytes()).indices(), [0, 3], "{wanted}");
        }
        assert!(select_equal(&[], &[], b"x").is_empty());
    }

    #[test]
    fn text_is_told_from_other_bytes() {
        for len in [0, 1, 63, 64, 65, 200] {
            let ascii = vec![b'x'; len];
            assert_eq!(as_text(&ascii), std::str::from_utf8(&ascii).ok());
            for at in 0..len {
                let mut other = ascii.clone();
                other[at] = 0xc3;
                assert_eq!(as_text(&other), None);
                if let Some(next) = other.get_mut(at + 1) {
                    *next = 0xa9;
                    assert_eq!(as_text(&other), std::str::from_utf8(&other).ok());
                    assert!(as_text(&other).is_some());
                }
            }
        }
    }

    #[test]
    fn case_changes_touch_ascii_letters_only() {
        let text = "aZ09@[`{é ß 漢 ".repeat(9);
        let mut upper = text.clone().into_bytes();
        ascii_uppercase(&mut upper);
        assert_eq!(upper, text.to_ascii_uppercase().into_bytes());
        let mut lower = text.clone().into_bytes();
        ascii_lowercase(&mut lower);
        assert_eq!(lower, text.to_ascii_lowercase().into_bytes());
    }

    #[test]
    fn offsets_select_their_children() {
        let selection = Selection::of(3, |row| row != 1);
        assert_eq!(take_offsets(&[0, 2, 5, 6], &selection), (vec![0, 2, 3], Selection::of(6, |row| [0, 1, 5].contains(&row))));
    }
}
