//! Which rows of a batch go on.
//!
//! Invariant: the indices of a `Selection` ascend strictly, so its last one bounds all of them.

const BLOCK: usize = 16;

/// Row numbers in ascending order, without repetition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    indices: Vec<u32>,
}

impl Selection {
    /// The rows of `0..rows` for which `keep` answers true.
    pub fn of(rows: usize, mut keep: impl FnMut(usize) -> bool) -> Self {
        let mut writer = Writer::new(rows);
        let mut row = 0;
        while row + BLOCK <= rows {
            let flags: [bool; BLOCK] = core::array::from_fn(|k| keep(row + k));
            writer.push_block(row, flags);
            row += BLOCK;
        }
        for row in row..rows {
            writer.push(row, keep(row));
        }
        writer.finish()
    }

    /// The rows whose value passes `keep`. Faster than [`Selection::of`]: the test becomes vector instructions.
    pub fn of_values<T: Copy>(values: &[T], mut keep: impl FnMut(T) -> bool) -> Self {
        let mut writer = Writer::new(values.len());
        let (blocks, rest) = values.as_chunks::<BLOCK>();
        let mut row = 0;
        for block in blocks {
            writer.push_block(row, block.map(&mut keep));
            row += BLOCK;
        }
        for &value in rest {
            writer.push(row, keep(value));
            row += 1;
        }
        writer.finish()
    }

    /// The rows whose pair of values passes `keep`, like [`Selection::of_values`].
    ///
    /// # Panics
    /// The columns differ in length.
    pub fn of_pairs<A: Copy, B: Copy>(left: &[A], right: &[B], mut keep: impl FnMut(A, B) -> bool) -> Self {
        assert_eq!(left.len(), right.len(), "both columns must have the same number of values");
        let mut writer = Writer::new(left.len());
        let ((left_blocks, left_rest), (right_blocks, right_rest)) = (left.as_chunks::<BLOCK>(), right.as_chunks::<BLOCK>());
        let mut row = 0;
        for (left, right) in left_blocks.iter().zip(right_blocks) {
            writer.push_block(row, core::array::from_fn(|k| keep(left[k], right[k])));
            row += BLOCK;
        }
        for (&left, &right) in left_rest.iter().zip(right_rest) {
            writer.push(row, keep(left, right));
            row += 1;
        }
        writer.finish()
    }

    /// All rows of `0..rows`.
    pub fn all(rows: usize) -> Self {
        Self { indices: (0..rows as u32).collect() }
    }

    /// Keeps those of the selected rows for which `keep` answers true.
    pub fn and(mut self, mut keep: impl FnMut(usize) -> bool) -> Self {
        self.indices.retain(|&row| keep(row as usize));
        self
    }

    /// Keeps the selected rows that are not null in `validity` (bit-packed, 1 = not null; `None`: no nulls).
    pub fn and_valid(self, validity: Option<&[u8]>) -> Self {
        match validity {
            Some(bits) => self.and(|row| crate::get_bit(bits, row)),
            None => self,
        }
    }

    /// Rows that are known to ascend strictly if `offsets` they came from do; panics otherwise.
    pub(crate) fn ascending(indices: Vec<u32>) -> Self {
        assert!(indices.is_sorted_by(|a, b| a < b), "offsets of a nested column must not fall");
        Self { indices }
    }

    /// The row numbers.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// How many rows are selected.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether no row is selected.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The row numbers one by one.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.indices.iter().map(|&row| row as usize)
    }

    /// Panics unless every row is below `rows`: what the take kernels rely on.
    pub(crate) fn check(&self, rows: usize) {
        if let Some(&last) = self.indices.last() {
            assert!((last as usize) < rows, "row {last} is selected of a column of {rows} values");
        }
    }
}

/// Compacts flags into row numbers without a branch per row.
struct Writer {
    /// Always one block longer than the rows: a block is written whole, then counted.
    buffer: Vec<u32>,
    len: usize,
}

impl Writer {
    fn new(rows: usize) -> Self {
        assert!(u32::try_from(rows).is_ok(), "a batch has at most {} rows", u32::MAX);
        Self { buffer: vec![0; rows + BLOCK], len: 0 }
    }

    #[inline]
    fn push_block(&mut self, first_row: usize, flags: [bool; BLOCK]) {
        let Some(window) = self.buffer[self.len..].first_chunk_mut::<BLOCK>() else { unreachable!("buffer is one block longer") };
        let mut at = 0;
        for (k, flag) in flags.into_iter().enumerate() {
            // `at` never exceeds `k`; the mask only tells the compiler so.
            window[at & (BLOCK - 1)] = (first_row + k) as u32;
            at += usize::from(flag);
        }
        self.len += at;
    }

    #[inline]
    fn push(&mut self, row: usize, flag: bool) {
        self.buffer[self.len] = row as u32;
        self.len += usize::from(flag);
    }

    fn finish(mut self) -> Selection {
        self.buffer.truncate(self.len);
        Selection { indices: self.buffer }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_agree_with_a_plain_filter_at_every_length() {
        for rows in (0..70).chain([1000]) {
            let values: Vec<i64> = (0..rows as i64).map(|i| i * 7919 % 13).collect();
            let expected: Vec<u32> = (0..rows as u32).filter(|&i| values[i as usize] > 5).collect();
            assert_eq!(Selection::of(rows, |row| values[row] > 5).indices(), expected);
            assert_eq!(Selection::of_values(&values, |v| v > 5).indices(), expected);
            assert_eq!(Selection::of_pairs(&values, &values, |a, b| a + b > 11).indices(), expected);
            assert_eq!(Selection::all(rows).and(|row| values[row] > 5).indices(), expected);
        }
    }

    #[test]
    fn nulls_are_left_out() {
        assert_eq!(Selection::all(10).and_valid(Some(&[0b1010_0101, 0b10])).indices(), [0, 2, 5, 7, 9]);
        assert_eq!(Selection::all(3).and_valid(None).len(), 3);
    }
}
