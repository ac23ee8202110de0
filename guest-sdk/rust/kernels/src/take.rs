//! Gathers the selected values of a column.
#![allow(unsafe_code)]

use crate::Selection;

const BLOCK: usize = 8;

/// The values at the selected rows.
///
/// # Panics
/// A selected row is not in `values`.
pub fn take<T: Copy>(values: &[T], selection: &Selection) -> Vec<T> {
    selection.check(values.len());
    // SAFETY: `check` has just proved that the last index is inside `values`, and the indices of a selection ascend.
    let at = |row: u32| unsafe { *values.get_unchecked(row as usize) };
    let mut taken = Vec::with_capacity(selection.len());
    let (blocks, rest) = selection.indices().as_chunks::<BLOCK>();
    for block in blocks {
        taken.extend_from_slice(&block.map(at));
    }
    taken.extend(rest.iter().map(|&row| at(row)));
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selected_values_are_taken_in_order() {
        for rows in [0, 1, 7, 8, 9, 100] {
            let values: Vec<i64> = (0..rows).map(|i| i * 3).collect();
            let selection = Selection::of(values.len(), |row| row % 3 != 1);
            let expected: Vec<i64> = selection.iter().map(|row| values[row]).collect();
            assert_eq!(take(&values, &selection), expected);
        }
    }

    #[test]
    #[should_panic(expected = "row 4 is selected of a column of 3 values")]
    fn a_row_beyond_the_column_is_refused() {
        take(&[1, 2, 3], &Selection::all(5));
    }
}
