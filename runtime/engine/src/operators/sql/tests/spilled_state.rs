//! Every query with and without memory for its state: with 600 bytes of it, checkpoints in steps and restores in between,
//! it gives what it gives with all of its state in memory.

use super::{ADDED, NOW_MS, Open, Query, States, TABLES, all};
use crate::{
    error::OperatorError,
    operators::OperatorSnapshot,
    state::{ChainLoader, StateBudget, StateContext, StateSettings},
};
use bytes::Bytes;
use millrace_checkpoint::KeyGroupRange;
use millrace_model::{Batch, ChangeKind};
use millrace_sql::plan::ChangelogMode;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// Queries whose state is that of others, but comes and goes otherwise: name, query, how `t` changes.
const MORE: &[(&str, &str, ChangelogMode)] = &[
    (
        "tumble-retracting",
        "SELECT k, window_end, COUNT(*), SUM(i), MIN(d), COLLECT(i), LAST_VALUE(k) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end",
        ChangelogMode::ALL,
    ),
    (
        "tumble-all",
        "SELECT window_end, COUNT(*), SUM(d), LISTAGG(k) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "hop-values",
        "SELECT k, window_end, LISTAGG(k), FIRST_VALUE(i), COUNT(DISTINCT n), STDDEV_POP(d) FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '12' SECOND)) GROUP BY k, window_start, window_end",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "group-window-hop",
        "SELECT b, i, HOP_END(ts, INTERVAL '2' SECOND, INTERVAL '12' SECOND), SUM(d), MAX(k) FROM t GROUP BY b, i, HOP(ts, INTERVAL '2' SECOND, INTERVAL '12' SECOND)",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "hop-retracting",
        "SELECT k, window_end, COUNT(*), SUM(i), MAX(n) FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end",
        ChangelogMode::ALL,
    ),
    (
        "tumble-by-clock",
        "SELECT k, TUMBLE_END(pt, INTERVAL '1' MINUTE), COUNT(*), MAX(d) FROM (SELECT k, d, PROCTIME() AS pt FROM t) GROUP BY k, TUMBLE(pt, INTERVAL '1' MINUTE)",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "session-by-clock",
        "SELECT k, SESSION_END(pt, INTERVAL '1' MINUTE), COUNT(*), SUM(d) FROM (SELECT k, d, PROCTIME() AS pt FROM t) GROUP BY k, SESSION(pt, INTERVAL '1' MINUTE)",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "session-short",
        "SELECT k, window_start, window_end, COUNT(DISTINCT i), FIRST_VALUE(n) FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end",
        ChangelogMode::INSERT_ONLY,
    ),
];

/// What is done to a query.
const STEPS: usize = 60;
pub(super) const MEMORY_BYTES: u64 = 600;

const KEYS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "a longer key, of more than one block of eight bytes and more than thirty-two"];

fn line(random: &mut StdRng, at_ms: i64) -> String {
    let mut number = |values: usize| random.random_range(0..values);
    let (key, i, n, d, b) = (KEYS[number(8)], number(4), number(6), ["0.5", "-1.5", "2.25", "7.5"][number(4)], number(2) == 0);
    let (k, a, r) = (format!("{key:?}"), format!("[{}, null]", number(5)), format!("{{\"x\": {}, \"z\": \"z{}\"}}", number(3), number(4)));
    let (k, i, n, b) = (k, i.to_string(), n.to_string(), b.to_string());
    // Of one row in three a value is missing.
    let mut values = [k, i, n, b, a, r];
    if let Some(value) = values.get_mut(number(18)) {
        *value = "null".to_owned();
    }
    let [k, i, n, b, a, r] = values;
    let ts = format!("2024-01-01 00:{:02}:{:02}.{:03}", at_ms / 60_000 % 60, at_ms / 1_000 % 60, at_ms % 1_000);
    format!(r#"{{"k":{k},"i":{i},"n":{n},"d":{d},"m":{d},"b":{b},"y":"AA==","a":{a},"r":{r},"ts":"{ts}"}}"#)
}

/// Changes of a table that may come: what is taken back has come before.
fn changes(query: &Query, table: usize, there: &mut Vec<String>, random: &mut StdRng, now_ms: i64) -> Vec<(u8, String)> {
    let mode = query.changes[table];
    let mut all = Vec::new();
    for _ in 0..random.random_range(1..12) {
        let taken = (mode.deletes && random.random_range(0..3) == 0 && !there.is_empty())
            .then(|| there.swap_remove(random.random_range(0..there.len())));
        let is_update: bool = random.random();
        if let Some(row) = taken {
            if !is_update {
                all.push((ChangeKind::Delete as u8, row));
                continue;
            }
            if !mode.is_upsert {
                all.push((ChangeKind::UpdateBefore as u8, row));
            }
        }
        let row = match random.random_range(0..6) {
            0 => ADDED.lines().filter(|l| !l.is_empty()).collect::<Vec<_>>().choose(random).map(|l| (*l).to_owned()).unwrap(),
            _ => {
                let around_ms = random.random_range(-8_000..8_000);
                line(random, (now_ms + around_ms).max(0))
            }
        };
        if mode.is_upsert {
            let key = |row: &str| row.split("\"i\"").next().map(str::to_owned);
            if row.contains("\"k\":null") {
                continue;
            }
            there.retain(|other| key(other) != key(&row));
        }
        let kind = if is_update && mode.updates { ChangeKind::UpdateAfter } else { ChangeKind::Insert };
        there.push(row.clone());
        all.push((kind as u8, row));
    }
    all
}

/// Kinds and rows, in any order.
fn shown(batches: &[Batch]) -> Vec<String> {
    let mut all = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let kind = batch.kinds.as_ref().map_or(ChangeKind::Insert, |k| ChangeKind::from_byte(k.value(row)).unwrap());
            let values: Vec<String> = batch.rows.columns().iter().map(|c| format!("{:?}", c.slice(row, 1))).collect();
            let values: String = values.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
            all.push(format!("{} {values}", kind.short()));
        }
    }
    all.sort_unstable();
    all
}

/// The last durable checkpoint of each stage.
#[derive(Default, Clone)]
pub(super) struct Stored {
    keyed: States,
    /// By state the checkpoint that the chain is of, and its segments.
    pub chains: BTreeMap<String, (u64, Vec<Bytes>)>,
}

impl Stored {
    fn store(&self, snapshot: OperatorSnapshot, checkpoint: u64) -> Self {
        let mut chains = BTreeMap::new();
        for (name, steps) in snapshot.segments {
            let mut chain = match steps.since {
                None => Vec::new(),
                Some(since) => {
                    let (last, chain) = self.chains.get(&name).expect("a chain to go on from");
                    assert_eq!(*last, since, "a step goes on from the last durable checkpoint");
                    chain.clone()
                }
            };
            chain.extend(steps.segments.map(Result::unwrap));
            chains.insert(name, (checkpoint, chain));
        }
        Self { keyed: snapshot.keyed, chains }
    }
}

pub(super) fn context(folder: &Path, memory_bytes_max: u64) -> StateContext {
    let settings =
        StateSettings { folder: Some(folder.to_owned()), memory_bytes_max, incremental_bytes_min: 1, ..StateSettings::default() };
    StateContext { budget: Arc::new(StateBudget::new(settings)), folder: Some(folder.to_owned()), ..StateContext::default() }
}

/// What a query has stored after its first rows, in steps as far as it can.
pub(super) async fn stored(query: &Query, folder: &Path) -> Vec<Stored> {
    let mut open = query.open_with(Vec::new(), || context(folder, MEMORY_BYTES)).await.unwrap();
    open.feed(query).await.unwrap();
    open.watermark(super::FIRST_WATERMARK_MS).await.unwrap();
    let (_, snapshots) = open.snapshot_at(NOW_MS).await.unwrap();
    snapshots.into_iter().map(|snapshot| Stored::default().store(snapshot, 1)).collect()
}

pub(super) async fn restored(query: &Query, stored: &[Stored], folder: &Path, memory_bytes_max: u64) -> Result<Open, OperatorError> {
    let mut states = Vec::new();
    for stored in stored {
        let mut context = context(folder, memory_bytes_max);
        for (name, (since, chain)) in &stored.chains {
            let bytes = chain.iter().map(|s| s.len() as u64).sum();
            let mut loader = ChainLoader::new(name.rsplit('/').next().unwrap(), bytes, &context.budget, Some(folder))?;
            for segment in chain {
                loader.segment(KeyGroupRange { start: 0, end: 127 }, segment.clone())?;
            }
            context.chains.insert(name.clone(), loader.finish(Some(*since))?);
        }
        states.push((stored.keyed.clone(), context));
    }
    query.open_with(states, StateContext::default).await
}

/// One history of a query; answers whether any of its state was stored in steps.
async fn history(name: &str, query: &Query, random: &mut StdRng) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let mut plain = query.open(&[]).await.unwrap();
    let mut spilling = query.open_with(Vec::new(), || context(folder.path(), MEMORY_BYTES)).await.unwrap();
    let mut there = [Vec::new(), Vec::new()];
    let mut durable: Vec<Stored> = vec![Stored::default(); query.stages.len()];
    let (mut now_ms, mut event_ms, mut in_steps) = (NOW_MS, 0, false);
    for step in 0..STEPS {
        let what = random.random_range(0..10);
        // A time to live of an hour is passed now and then.
        now_ms += if random.random_range(0..12) == 0 { 1_900_000 } else { 1 };
        event_ms += random.random_range(0..3_000);
        let (expected, found) = (plain.clock(now_ms).await.unwrap(), spilling.clock(now_ms).await.unwrap());
        assert_eq!(shown(&found), shown(&expected), "{name}, timers at step {step}");
        match what {
            0..6 => {
                let table = random.random_range(0..TABLES.len());
                let changes = changes(query, table, &mut there[table], random, event_ms);
                let Some(batch) = query.rows_of(table, changes.iter().map(|(kind, row)| (*kind, row.as_str()))) else { continue };
                let expected = plain.process(table, vec![batch.clone()], now_ms).await.unwrap();
                let found = spilling.process(table, vec![batch], now_ms).await.unwrap();
                assert_eq!(shown(&found), shown(&expected), "{name}, step {step}");
            }
            6..8 => {
                let watermark_ms = super::FIRST_WATERMARK_MS - 3_000 + event_ms;
                let (expected, found) = (plain.watermark(watermark_ms).await.unwrap(), spilling.watermark(watermark_ms).await.unwrap());
                assert_eq!(shown(&found), shown(&expected), "{name}, watermark at step {step}");
            }
            _ => {
                let checkpoint = step as u64 + 1;
                let ((expected, _), (found, snapshots)) =
                    (plain.snapshot_at(now_ms).await.unwrap(), spilling.snapshot_at(now_ms).await.unwrap());
                assert_eq!(shown(&found), shown(&expected), "{name}, barrier at step {step}");
                in_steps |= snapshots.iter().any(|s| !s.segments.is_empty());
                if random.random_range(0..4) == 0 {
                    continue; // it came to nothing
                }
                durable = durable.iter().zip(snapshots).map(|(before, snapshot)| before.store(snapshot, checkpoint)).collect();
                spilling.stages.iter_mut().for_each(|stage| stage.committed(checkpoint));
                if random.random_range(0..3) == 0 {
                    spilling = restored(query, &durable, folder.path(), MEMORY_BYTES).await.unwrap();
                }
            }
        }
    }
    in_steps
}

#[tokio::test]
async fn state_on_disk_gives_what_state_in_memory_gives() {
    let seed: u64 = std::env::var("MILLRACE_SPILL_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    #[allow(clippy::print_stdout)] // for a run that fails
    {
        println!("MILLRACE_SPILL_SEED={seed}");
    }
    let mut random = StdRng::seed_from_u64(seed);
    let mut stored_in_steps = Vec::new();
    let more = MORE.iter().map(|(name, sql, changes)| (*name, *sql, Query::plan(sql, *changes)));
    for (name, _, query) in all().await.into_iter().chain(more) {
        let mut in_steps = false;
        for _ in 0..3 {
            in_steps |= history(name, &query, &mut random).await;
        }
        if in_steps {
            stored_in_steps.push(name);
        }
    }
    let of_rows = ["group-numbers", "upserts", "join-inner", "join-full-of-keys", "join-anti", "join-time-to-live"];
    let of_time = [
        "join-versions",
        "join-versions-time-to-live",
        "join-interval",
        "join-interval-full",
        "over-unbounded",
        "over-rows",
        "over-range",
        "over-updating",
        "match-recognize",
    ];
    let windows = [
        "tumble",
        "hop",
        "cumulate",
        "attached-windows",
        "window-top-n",
        "join-windows",
        "tumble-by-clock",
        "session",
        "session-rows",
        "session-by-clock",
    ];
    for wanted in of_rows.into_iter().chain(of_time).chain(windows) {
        assert!(stored_in_steps.contains(&wanted), "{wanted} is not stored in steps: only {stored_in_steps:?}");
    }
}
