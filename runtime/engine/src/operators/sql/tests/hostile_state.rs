//! State that was cut off, flipped or made up is refused, or taken for other state; nothing panics, and no length in it
//! makes anybody reserve memory.

use super::{
    Open, Query, States, all,
    spilled_state::{MEMORY_BYTES, restored, stored},
};
use crate::state::blob;
use bytes::Bytes;
use rand::{Rng, SeedableRng, rngs::StdRng};
use rustix::process::{Resource, Rlimit};

/// Damages tried per query.
const DAMAGES: usize = 120;
/// Damages tried per query whose state is in steps.
const DAMAGES_IN_STEPS: usize = 30;
/// More than any of the states needs.
const MEMORY_MORE_BYTES: u64 = 256 << 20;
const IN_CHILD: &str = "MILLRACE_HOSTILE_STATE_CHILD";

/// Damages one of the blobs.
fn damage(states: &mut [States], random: &mut StdRng) {
    let mut blobs: Vec<&mut Bytes> =
        states.iter_mut().flat_map(|s| s.values_mut()).flat_map(|g| g.values_mut()).filter(|b| !b.is_empty()).collect();
    // The only one may have been cut to nothing before.
    if blobs.is_empty() {
        return;
    }
    let which = random.random_range(0..blobs.len());
    *blobs[which] = damaged(blobs[which], random);
}

fn damaged(bytes: &Bytes, random: &mut StdRng) -> Bytes {
    let mut bytes = bytes.to_vec();
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
    Bytes::from(bytes)
}

/// This process as it is, and so much more memory at most: who asks for more is refused, and the process aborts.
fn bound_memory() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmData:")).unwrap();
    let used_kib: u64 = line.trim().trim_end_matches(" kB").trim().parse().unwrap();
    let maximum = rustix::process::getrlimit(Resource::Data).maximum;
    let current = Some((used_kib << 10) + MEMORY_MORE_BYTES);
    rustix::process::setrlimit(Resource::Data, Rlimit { current, maximum }).unwrap();
}

/// Rows, every window, and the next checkpoint, on top of whatever was let in.
async fn use_it(mut open: Open, query: &Query) {
    // A join believes how often a row is there, and so many rows would leave.
    if query.schemas[1].is_none() || !query.changes[1].deletes {
        let _ = open.feed(query).await;
    }
    let _ = open.watermark(i64::MAX).await;
    if let Ok((_, snapshots)) = open.snapshot_at(super::NOW_MS).await {
        snapshots.into_iter().flat_map(|s| s.segments.into_values()).for_each(|steps| steps.segments.for_each(drop));
    }
}

/// Damages segments of state in steps: what goes to memory is checked when it is taken in, what goes to disk when it is read.
async fn in_steps(query: &Query, random: &mut StdRng) {
    let folder = tempfile::tempdir().unwrap();
    let whole = stored(query, folder.path()).await;
    if whole.iter().all(|stored| stored.chains.is_empty()) {
        return;
    }
    for number in 0..DAMAGES_IN_STEPS {
        let mut stored = whole.clone();
        let segments = stored.iter_mut().flat_map(|s| s.chains.values_mut()).flat_map(|(_, chain)| chain);
        for segment in segments.filter(|segment| !segment.is_empty()) {
            *segment = damaged(segment, random);
        }
        let memory_bytes_max = if number % 2 == 0 { MEMORY_BYTES } else { 1 << 30 };
        if let Ok(open) = restored(query, &stored, folder.path(), memory_bytes_max).await {
            use_it(open, query).await;
        }
    }
}

/// In a process of its own: the memory of other tests cannot be told from what a damaged length asks for.
#[test]
fn damaged_state_neither_panics_nor_takes_memory() {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let child = child.args(["--exact", "--nocapture", "operators::sql::tests::hostile_state::in_its_own_process"]).env(IN_CHILD, "1");
    let ended = child.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&ended.stderr));
}

#[tokio::test]
async fn in_its_own_process() {
    if std::env::var_os(IN_CHILD).is_none() {
        return;
    }
    let seed: u64 = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    #[allow(clippy::print_stdout)] // for a run that fails
    {
        println!("seed {seed}");
    }
    let all = all().await;
    bound_memory();
    let (mut refused, mut tried) = (0, 0);
    for (_, _, query) in all {
        let whole = query.state().await;
        for _ in 0..DAMAGES {
            let mut states = whole.clone();
            for _ in 0..random.random_range(1..=3) {
                damage(&mut states, &mut random);
            }
            tried += 1;
            // As the checkpoint store hands it over: one blob per operator, from which key groups are picked.
            let mut joined: Vec<States> = vec![[("joined".into(), [(0, blob::join(&states[0]))].into())].into()];
            damage(&mut joined, &mut random);
            let _ = blob::split(&joined[0]["joined"][&0], |_| true, &mut States::new());
            match query.open(&states).await {
                Ok(open) => use_it(open, &query).await,
                Err(_) => refused += 1,
            }
        }
        in_steps(&query, &mut random).await;
    }
    assert!(refused > tried / 4, "{refused} of {tried} damaged states were refused");
}
