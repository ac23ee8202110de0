//! State that was cut off, flipped or made up is refused, or taken for other state; nothing panics, and no length in it
//! makes anybody reserve memory.

use super::{QUERIES, Query, States};
use bytes::Bytes;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Damages tried per query.
const DAMAGES: usize = 120;
/// More than all tests of this crate need together.
const GROWTH_MAX_KIB: u64 = 4 << 20;

/// Damages one of the blobs.
fn damage(states: &mut [States], random: &mut StdRng) {
    let mut blobs: Vec<&mut Bytes> =
        states.iter_mut().flat_map(|s| s.values_mut()).flat_map(|g| g.values_mut()).filter(|b| !b.is_empty()).collect();
    // The only one may have been cut to nothing before.
    if blobs.is_empty() {
        return;
    }
    let which = random.random_range(0..blobs.len());
    let mut bytes = blobs[which].to_vec();
    let at = random.random_range(0..bytes.len());
    match random.random_range(0..6) {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << random.random_range(0..8),
        2 => bytes[at] = random.random(),
        // A length or a number of enormous size.
        3 => bytes.iter_mut().skip(at).take(8).for_each(|b| *b = 0xff),
        4 => bytes.iter_mut().skip(at).take(8).for_each(|b| *b = random.random()),
        _ => bytes.extend_from_within(at..),
    }
    *blobs[which] = Bytes::from(bytes);
}

/// The most address space that this process has had, in KiB.
fn address_space_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

#[tokio::test]
async fn damaged_state_never_panics() {
    let seed: u64 = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    let (mut refused, mut tried) = (0, 0);
    for (name, sql, changes) in QUERIES {
        let query = Query::plan(sql, *changes);
        let whole = query.state().await;
        let before_kib = address_space_kib();
        for _ in 0..DAMAGES {
            let mut states = whole.clone();
            for _ in 0..random.random_range(1..=3) {
                damage(&mut states, &mut random);
            }
            tried += 1;
            // Rows, every window, and the next checkpoint, on top of whatever was let in.
            let Ok(mut open) = query.open(&states).await else {
                refused += 1;
                continue;
            };
            let _ = open.feed(&query).await;
            let _ = open.watermark(i64::MAX).await;
            let _ = open.snapshot().await;
        }
        let growth_kib = address_space_kib() - before_kib;
        assert!(growth_kib < GROWTH_MAX_KIB, "{name}, seed {seed}: the process grew by {growth_kib} KiB");
    }
    assert!(refused > tried / 4, "seed {seed}: {refused} of {tried} damaged states were refused");
}
