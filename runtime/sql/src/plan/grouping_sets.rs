//! Grouping sets: which number the rows of each have.

/// Per set the number of its rows: its mask, in which bit `keys - 1 - i` is set when key `i` is absent. A set that is there again
/// has a negative number, so that its groups are its own.
pub fn set_numbers(sets: &[Vec<usize>], keys: usize) -> Vec<i64> {
    (sets.iter().zip(set_masks(sets, keys)).enumerate())
        .map(|(position, (set, mask))| if sets[..position].contains(set) { -(position as i64) } else { mask })
        .collect()
}

/// Per set its mask.
pub fn set_masks(sets: &[Vec<usize>], keys: usize) -> Vec<i64> {
    let mask = |set: &Vec<usize>| (0..keys).filter(|i| !set.contains(i)).fold(0, |mask, i| mask | 1 << (keys - 1 - i));
    sets.iter().map(mask).collect()
}
