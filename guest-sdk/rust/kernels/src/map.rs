//! Computes one column from another, a block of values per turn.

const BLOCK: usize = 16;

/// `f` of every value.
pub fn map<A: Copy, B: Copy>(values: &[A], mut f: impl FnMut(A) -> B) -> Vec<B> {
    let mut mapped = Vec::with_capacity(values.len());
    let (blocks, rest) = values.as_chunks::<BLOCK>();
    for block in blocks {
        mapped.extend_from_slice(&block.map(&mut f));
    }
    mapped.extend(rest.iter().map(|&value| f(value)));
    mapped
}

/// `f` of every pair of values.
///
/// # Panics
/// The columns differ in length.
pub fn zip_map<A: Copy, B: Copy, C: Copy>(left: &[A], right: &[B], mut f: impl FnMut(A, B) -> C) -> Vec<C> {
    assert_eq!(left.len(), right.len(), "both columns must have the same number of values");
    let mut mapped = Vec::with_capacity(left.len());
    let ((left_blocks, left_rest), (right_blocks, right_rest)) = (left.as_chunks::<BLOCK>(), right.as_chunks::<BLOCK>());
    for (left, right) in left_blocks.iter().zip(right_blocks) {
        let block: [C; BLOCK] = core::array::from_fn(|k| f(left[k], right[k]));
        mapped.extend_from_slice(&block);
    }
    mapped.extend(left_rest.iter().zip(right_rest).map(|(&left, &right)| f(left, right)));
    mapped
}

/// `f` of every row number below `rows`.
pub fn map_indexed<B: Copy>(rows: usize, mut f: impl FnMut(usize) -> B) -> Vec<B> {
    let mut mapped = Vec::with_capacity(rows);
    let mut row = 0;
    while row + BLOCK <= rows {
        let block: [B; BLOCK] = core::array::from_fn(|k| f(row + k));
        mapped.extend_from_slice(&block);
        row += BLOCK;
    }
    mapped.extend((row..rows).map(f));
    mapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_agree_with_plain_iterators_at_every_length() {
        for rows in [0usize, 1, 15, 16, 17, 100] {
            let values: Vec<f64> = (0..rows).map(|i| i as f64).collect();
            let doubled: Vec<f64> = values.iter().map(|v| v * 2.0).collect();
            assert_eq!(map(&values, |v| v * 2.0), doubled);
            assert_eq!(zip_map(&values, &values, |a, b| a + b), doubled);
            assert_eq!(map_indexed(rows, |row| values[row] * 2.0), doubled);
        }
    }
}
