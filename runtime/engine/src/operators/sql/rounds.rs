//! Rows of a batch by how often their key came before in it.
//!
//! Invariant: a round has no key twice, and the rows of a key are in successive rounds in their order.

use hashbrown::HashTable;

/// Row numbers per round, ascending; `hashes` are those of the keys.
pub(super) fn rounds<'k>(hashes: &[u64], key: impl Fn(usize) -> &'k [u8]) -> Vec<Vec<u32>> {
    // Per key its first row and how many rows it has had.
    let mut keys: HashTable<(u32, u32)> = HashTable::with_capacity(hashes.len().min(1_024));
    let mut rounds: Vec<Vec<u32>> = Vec::new();
    for (row, &hash) in hashes.iter().enumerate() {
        let is_same = |&(first, _): &(u32, u32)| hashes[first as usize] == hash && key(first as usize) == key(row);
        let round = match keys.find_mut(hash, is_same) {
            Some((_, count)) => {
                *count += 1;
                *count as usize
            }
            None => {
                keys.insert_unique(hash, (row as u32, 0), |&(first, _)| hashes[first as usize]);
                0
            }
        };
        if round == rounds.len() {
            rounds.push(Vec::new());
        }
        rounds[round].push(row as u32);
    }
    rounds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_has_no_key_twice_and_keys_keep_their_order() {
        let keys: [&[u8]; 6] = [b"a", b"b", b"a", b"a", b"c", b"b"];
        // All hashes equal: keys decide.
        let found = rounds(&[7; 6], |row| keys[row]);
        assert_eq!(found, [vec![0, 1, 4], vec![2, 5], vec![3]]);
        assert!(rounds(&[], |_| &[]).is_empty());
    }
}
