//! How a chain of segments goes on from one checkpoint to the next.
//!
//! Invariant: a chain of a later checkpoint holds the segments of the earlier one in their order, then its own; so what
//! it says of a key is what the newest segment says.

use crate::{Blob, KeyGroupRange, KeyedChain};

/// The chains of the state `state` for the key groups `range` once `segments` are added to what `previous` chains hold.
///
/// Key groups may have been spread otherwise before: the answer has a chain per earlier chain that overlaps `range`, and
/// one for each part of `range` that no earlier chain covers.
#[must_use]
pub fn extended(previous: &[KeyedChain], state: &str, range: KeyGroupRange, segments: &[Blob]) -> Vec<KeyedChain> {
    let overlap = |chain: &KeyedChain| Some((chain.key_groups.intersection(range)?, chain.segments.clone()));
    let mut parts: Vec<(KeyGroupRange, Vec<Blob>)> = previous.iter().filter(|c| c.state == state).filter_map(overlap).collect();
    parts.sort_unstable_by_key(|(key_groups, _)| *key_groups);
    let mut gaps = Vec::new();
    let mut next = range.start;
    for (covered, _) in &parts {
        if covered.start > next {
            gaps.push((KeyGroupRange { start: next, end: covered.start - 1 }, Vec::new()));
        }
        next = covered.end.saturating_add(1);
    }
    if next <= range.end {
        gaps.push((KeyGroupRange { start: next, end: range.end }, Vec::new()));
    }
    parts.extend(gaps);
    parts.sort_unstable_by_key(|(key_groups, _)| *key_groups);
    let chain = |(key_groups, mut all): (KeyGroupRange, Vec<Blob>)| {
        all.extend_from_slice(segments);
        KeyedChain { state: state.to_owned(), key_groups, segments: all }
    };
    parts.into_iter().map(chain).filter(|chain| !chain.segments.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u16, end: u16) -> KeyGroupRange {
        KeyGroupRange { start, end }
    }

    fn chain(start: u16, end: u16, names: &[&str]) -> KeyedChain {
        let segments = names.iter().map(|name| Blob::inline(name.as_bytes())).collect();
        KeyedChain { state: "s".into(), key_groups: range(start, end), segments }
    }

    fn shown(chains: &[KeyedChain], names: &[&str]) -> Vec<String> {
        let name = |blob: &Blob| names.iter().find(|n| Blob::inline(n.as_bytes()) == *blob).copied().unwrap_or("?");
        let one =
            |c: &KeyedChain| format!("{}-{} {}", c.key_groups.start, c.key_groups.end, c.segments.iter().map(name).collect::<String>());
        chains.iter().map(one).collect()
    }

    #[test]
    fn chains_go_on_however_the_key_groups_are_spread() {
        let names = ["a", "b", "c"];
        let new = [Blob::inline(b"c")];
        let two = [chain(0, 63, &["a"]), chain(64, 127, &["b"])];
        let cases: [(&[KeyedChain], KeyGroupRange, &[&str]); 8] = [
            (&[], range(0, 127), &["0-127 c"]),
            (&two, range(0, 63), &["0-63 ac"]),
            (&two, range(0, 127), &["0-63 ac", "64-127 bc"]),
            (&two, range(32, 95), &["32-63 ac", "64-95 bc"]),
            (&two[..1], range(32, 95), &["32-63 ac", "64-95 c"]),
            (&two[1..], range(32, 95), &["32-63 c", "64-95 bc"]),
            (&two[1..], range(0, 127), &["0-63 c", "64-127 bc"]),
            (&two[..1], range(64, 64), &["64-64 c"]),
        ];
        for (previous, range, expected) in cases {
            assert_eq!(shown(&extended(previous, "s", range, &new), &names), expected, "{previous:?} {range:?}");
        }
        assert_eq!(extended(&two, "other", range(0, 9), &[]), [], "nothing before and nothing new");
        assert_eq!(shown(&extended(&two, "s", range(64, 99), &[]), &names), ["64-99 b"], "nothing has changed");
    }
}
