//! Generated rows: whatever the batches, the parallelism, the splits and their interleaving, the order of rows within the
//! watermark's bound, and the crashes, the table in the end is that of a plain run row by row; and counts, sums, least and
//! greatest values are those that a few loops over the rows give.

use super::{kills::number_of, side_by_side};
use anyhow::{Result, ensure};
use chrono::DateTime;
use millrace_conformance::{
    case::{Answer, Case, CaseSettings, Compare, Expected, Row},
    compare::differences,
    lives::{live, random_lives, runtime},
    run::{CaseJob, RunOptions, run_job},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::Path,
};

const ROWS: usize = 160;
/// Arrangements of the same rows per query.
const TRIALS: usize = 3;
/// 2024-01-01 00:00:00
const START_MS: i64 = 1_704_067_200_000;
/// Rows come up to this much later than their time says; the watermark waits a little longer.
const DISORDER_MS: i64 = 4_900;

/// A row of `t`; taken back later, or not.
#[derive(Clone)]
struct Event {
    key: Option<&'static str>,
    value: Option<i64>,
    /// A quarter of an integer: sums of such are exact in any order.
    number: f64,
    time_ms: i64,
    is_taken_back: bool,
}

/// What a query's answer is also compared with.
#[derive(Clone, Copy, PartialEq)]
enum Naive {
    No,
    Group,
    Tumble,
    Hop,
    Cumulate,
    Session,
}

const GROUPED: &str = "k, COUNT(*), COUNT(v), SUM(v), MIN(v), MAX(v)";
const ALL_KINDS: &str = "k, COUNT(*), COUNT(v), SUM(v), AVG(v), MIN(v), MAX(v), SUM(d), MIN(d), COUNT(DISTINCT v), SUM(DISTINCT v), \
    COUNT(*) FILTER (WHERE v > 0), STDDEV_POP(v)";
const OVER: &str = "COUNT(*) OVER w, SUM(v) OVER w, MIN(v) OVER w, MAX(v) OVER w, COUNT(DISTINCT v) OVER w";
const MINI_BATCH: &str = "SET 'table.exec.mini-batch.enabled' = 'true';\nSET 'table.exec.mini-batch.allow-latency' = '1 s';\n\
    SET 'table.exec.mini-batch.size' = '7';\n";

/// Settings, query, whether rows are taken back, and what else the answer is compared with.
fn queries() -> Vec<(&'static str, String, bool, Naive)> {
    let windowed =
        |window: &str| format!("SELECT {GROUPED}, window_start, window_end FROM TABLE({window}) GROUP BY k, window_start, window_end");
    let tumble = "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)";
    let mut queries = Vec::new();
    for is_changelog in [false, true] {
        for settings in ["", MINI_BATCH] {
            queries.push((settings, format!("SELECT {GROUPED} FROM t GROUP BY k"), is_changelog, Naive::Group));
            queries.push((settings, format!("SELECT {ALL_KINDS} FROM t GROUP BY k"), is_changelog, Naive::No));
        }
        for sql in [
            "SELECT COUNT(*), SUM(v), COUNT(DISTINCT k) FROM t",
            "SELECT n, COUNT(*) FROM (SELECT k, COUNT(*) AS n FROM t GROUP BY k) GROUP BY n",
            "SELECT MAX(s), MIN(s), SUM(n) FROM (SELECT v, SUM(d) AS s, COUNT(*) AS n FROM t GROUP BY v)",
            "SELECT DISTINCT k, v FROM t",
            "SELECT k, v, COUNT(*) FROM t GROUP BY GROUPING SETS ((k, v), (k), ())",
            "SELECT k, SUM(v) FROM t GROUP BY k HAVING COUNT(*) > 20",
            "SELECT k, v, d, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC, d, ts) AS rn FROM t) WHERE rn <= 3",
            "SELECT k, v, d FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC, d, ts) AS rn FROM t) WHERE rn <= 2",
            "SELECT k, v, d FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY v ORDER BY d, k, ts) AS rn FROM t) WHERE rn BETWEEN 2 AND 3",
            "SELECT k, c FROM (SELECT k, c, ROW_NUMBER() OVER (ORDER BY c DESC, k) AS rn FROM (SELECT k, COUNT(*) AS c FROM t GROUP BY k)) WHERE rn <= 2",
            "SELECT k, v, c, rn FROM (SELECT k, v, c, ROW_NUMBER() OVER (PARTITION BY k ORDER BY c DESC, v) AS rn FROM (SELECT k, v, COUNT(*) AS c FROM t GROUP BY k, v)) WHERE rn <= 3",
            "SELECT d, v FROM t ORDER BY d DESC, v LIMIT 5 OFFSET 2",
        ] {
            queries.push(("", sql.to_owned(), is_changelog, Naive::No));
        }
    }
    queries.push(("", windowed(tumble), false, Naive::Tumble));
    queries.push(("", windowed("HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND)"), false, Naive::Hop));
    queries.push(("", windowed("CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND)"), false, Naive::Cumulate));
    queries.push(("", windowed("SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)"), false, Naive::Session));
    for sql in [
        format!("SELECT {ALL_KINDS}, window_end FROM TABLE({tumble}) GROUP BY k, window_start, window_end"),
        format!("SELECT k, COUNT(*), window_end FROM TABLE({tumble}) GROUP BY GROUPING SETS ((window_start, window_end, k), (window_start, window_end))"),
        format!("SELECT window_start, MAX(n), COUNT(*) FROM (SELECT k, window_start, window_end, COUNT(*) AS n FROM TABLE({tumble}) GROUP BY k, window_start, window_end) GROUP BY window_start, window_end"),
        format!("SELECT SUM(n), MAX(n) FROM (SELECT COUNT(*) AS n FROM TABLE({tumble}) GROUP BY k, window_start, window_end)"),
        "SELECT k, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts) AS rn FROM t) WHERE rn = 1".into(),
        "SELECT v, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY v ORDER BY ts DESC) AS rn FROM t) WHERE rn = 1".into(),
        format!("SELECT k, v, d, rn, window_end FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY d DESC, v, ts) AS rn FROM TABLE({tumble})) WHERE rn <= 2"),
        format!("SELECT k, n, window_end FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY n DESC, k) AS rn FROM (SELECT k, window_start, window_end, COUNT(*) AS n FROM TABLE({tumble}) GROUP BY k, window_start, window_end)) WHERE rn = 1"),
        "SELECT k, v, d, ts FROM t ORDER BY ts, v, k".into(),
        "SELECT k, SUM(v), SESSION_START(ts, INTERVAL '3' SECOND) FROM t GROUP BY k, SESSION(ts, INTERVAL '3' SECOND)".into(),
        "SELECT COUNT(*), SUM(d), HOP_END(ts, INTERVAL '4' SECOND, INTERVAL '12' SECOND) FROM t GROUP BY HOP(ts, INTERVAL '4' SECOND, INTERVAL '12' SECOND)".into(),
        // Frames by RANGE: rows of one time have no order among each other.
        format!("SELECT k, v, ts, {OVER} FROM t WINDOW w AS (PARTITION BY k ORDER BY ts)"),
        format!("SELECT k, v, ts, {OVER} FROM t WINDOW w AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '7' SECOND PRECEDING AND CURRENT ROW)"),
        format!("SELECT v, ts, {OVER} FROM t WINDOW w AS (ORDER BY ts RANGE BETWEEN INTERVAL '2' SECOND PRECEDING AND CURRENT ROW)"),
        // Joins by time.
        "SELECT a.k, a.v, b.d, b.ts FROM t AS a JOIN t AS b ON a.k = b.k AND a.ts BETWEEN b.ts - INTERVAL '4' SECOND AND b.ts + INTERVAL '6' SECOND".into(),
        "SELECT a.k, a.v, a.ts, b.k AS other, b.d FROM t AS a FULL JOIN t AS b ON a.k = b.k AND a.v < b.v AND a.ts BETWEEN b.ts AND b.ts + INTERVAL '9' SECOND".into(),
    ] {
        queries.push(("", sql, false, Naive::No));
    }
    for is_changelog in [false, true] {
        queries.push((
            "",
            format!(
                "SELECT k, v, d, ts, {OVER} FROM (SELECT k, v, d, CAST(ts AS STRING) AS ts FROM t) WINDOW w AS (PARTITION BY k ORDER BY d)"
            ),
            is_changelog,
            Naive::No,
        ));
    }
    let early =
        "SELECT k, COUNT(*), SUM(v), MAX(v), TUMBLE_END(ts, INTERVAL '10' SECOND) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND)";
    queries.push(("", format!("{early} EMIT EARLY, LATE ALLOW LATENESS INTERVAL '5' SECOND"), false, Naive::No));
    queries
}

#[test]
fn arrangement_and_crashes_change_nothing() {
    let seed = number_of("MILLRACE_KILL_SEED").unwrap_or_else(rand::random);
    let queries: Vec<_> = queries().into_iter().enumerate().collect();
    let wrong = side_by_side(&queries, |(number, query)| {
        let found = check(query, seed.wrapping_add(*number as u64));
        let found = found.unwrap_or_else(|error| vec![format!("{error:#}")]);
        if found.is_empty() { Vec::new() } else { vec![format!("{}{}:\n    {}", query.0, query.1, found.join("\n    "))] }
    });
    println!("generated: {} queries, MILLRACE_KILL_SEED={seed}", queries.len());
    assert!(wrong.is_empty(), "MILLRACE_KILL_SEED={seed}: {} queries went wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn check((settings, sql, is_changelog, naive): &(&'static str, String, bool, Naive), seed: u64) -> Result<Vec<String>> {
    let mut random = StdRng::seed_from_u64(seed);
    let events = events(&mut random, *is_changelog);
    let folder = tempfile::tempdir()?;
    let plain = RunOptions { parallelism: 1, rows_per_batch_max: 1, source_parallelism: 1, keeps_pauses: false };
    let expected = {
        let case = arranged(folder.path(), settings, sql, &events, 1, None)?;
        let outcome = runtime()?.block_on(run_job(&CaseJob::new(&case)?, plain))?;
        ensure!(outcome.late_records == 0, "a row is late in the plain run");
        outcome.answer
    };
    ensure!(!expected.rows.is_empty(), "the query gives nothing");
    let mut found = Vec::new();
    if *naive != Naive::No {
        let rows = looped(*naive, &events);
        let naive = Answer { columns: expected.columns.clone(), key: None, rows };
        found.extend(differences(&naive, &expected, Compare::Table).into_iter().take(4).map(|d| format!("by loops: {d}")));
    }
    for trial in 0..TRIALS {
        let splits: u16 = random.random_range(1..=4);
        let options = RunOptions {
            parallelism: [1, 2, 4][trial % 3],
            rows_per_batch_max: [1, 2, 7, 1_024][random.random_range(0..4)],
            source_parallelism: random.random_range(1..=splits),
            keeps_pauses: false,
        };
        let case = arranged(folder.path(), settings, sql, &events, splits.into(), Some(&mut random))?;
        let job = CaseJob::new(&case)?;
        // One arrangement and the crashes have no memory for state: all of it goes to disk.
        let job = if trial == 1 { job.spilling() } else { job };
        let outcome = runtime()?.block_on(run_job(&job, options))?;
        ensure!(outcome.late_records == 0, "a row is late: {options:?}");
        let mut differ = differences(&expected, &outcome.answer, Compare::Table);
        if differ.is_empty() && trial == 0 {
            let lives = random_lives(random.random(), 3, options.source_parallelism);
            let job = CaseJob::new(&case)?;
            let job = if random.random() { job.spilling() } else { job };
            let rows = live(&job, &lives, |_, _| Ok(()))?;
            let killed = Answer { columns: expected.columns.clone(), key: None, rows };
            differ = differences(&expected, &killed, Compare::Table).into_iter().map(|d| format!("{lives:?}: {d}")).collect();
        }
        found.extend(differ.into_iter().take(4).map(|d| format!("{options:?}, {splits} splits: {d}")));
    }
    Ok(found)
}

fn events(random: &mut StdRng, is_changelog: bool) -> Vec<Event> {
    let mut time_ms = START_MS;
    let keys = [Some("a"), Some("b"), Some("c"), Some("a longer key than the others"), None];
    let event = |_| {
        // Pauses, so that sessions end.
        time_ms += if random.random_ratio(1, 12) { random.random_range(3_000..9_000) } else { random.random_range(0..900) };
        Event {
            key: keys[random.random_range(0..keys.len())],
            value: (!random.random_ratio(1, 8)).then(|| random.random_range(-9..10)),
            number: f64::from(random.random_range(-400..400)) / 4.0,
            time_ms,
            is_taken_back: is_changelog && random.random_ratio(1, 3),
        }
    };
    (0..ROWS).map(event).collect()
}

/// The rows as a case: in the order of their times, or in another one that their splits and the watermark allow.
fn arranged(folder: &Path, settings: &str, sql: &str, events: &[Event], splits: usize, mut disorder: Option<&mut StdRng>) -> Result<Case> {
    let mut later = |most_ms: i64| disorder.as_mut().map_or(0, |random| random.random_range(0..=most_ms));
    // (when it arrives, number, takes back): a row is taken back after it has come, in the same split.
    let mut arrivals = Vec::new();
    for (number, event) in events.iter().enumerate() {
        let arrival_ms = event.time_ms + later(DISORDER_MS);
        arrivals.push((arrival_ms, number, false));
        if event.is_taken_back {
            arrivals.push((arrival_ms + 1 + later(20_000), number, true));
        }
    }
    arrivals.sort_unstable();
    let is_changelog = events.iter().any(|e| e.is_taken_back);
    let mut lines = String::new();
    for (_, number, takes_back) in arrivals {
        let event = &events[number];
        let op = if takes_back { "-D" } else { "+I" };
        let mut line = serde_json::json!({
            "k": event.key, "v": event.value, "d": event.number, "ts": text_of(event.time_ms), "$split": number % splits,
        });
        // A kind makes the table a changelog, which not every operator takes.
        if is_changelog {
            line["$op"] = op.into();
        }
        writeln!(lines, "{line}")?;
    }
    std::fs::write(folder.join("in.jsonl"), lines)?;
    let watermark = if is_changelog { "" } else { ", WATERMARK FOR ts AS ts - INTERVAL '5' SECOND" };
    let changelog = if is_changelog { ", 'changelog' = 'all'" } else { "" };
    let sql = format!(
        "{settings}CREATE TABLE t (k STRING, v INT, d DOUBLE, ts TIMESTAMP(3){watermark}) \
         WITH ('connector' = 'case', 'input' = 'in.jsonl', 'splits' = '{splits}'{changelog});\n{sql};\n"
    );
    let expected = Expected::Rows(Answer::default());
    Ok(Case { name: "generated/rows".into(), folder: folder.to_owned(), sql, settings: CaseSettings::default(), expected })
}

fn text_of(time_ms: i64) -> String {
    DateTime::from_timestamp_millis(time_ms).unwrap().format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// Count, sum, least and greatest value of each key (and window), by loops.
fn looped(naive: Naive, events: &[Event]) -> Vec<Row> {
    type Place = (Option<&'static str>, Option<(i64, i64)>);
    let mut groups: BTreeMap<Place, Vec<Option<i64>>> = BTreeMap::new();
    for event in events.iter().filter(|e| !e.is_taken_back) {
        let time_ms = event.time_ms;
        let windows: Vec<Option<(i64, i64)>> = match naive {
            Naive::No | Naive::Group => vec![None],
            Naive::Tumble => vec![Some((time_ms - time_ms % 10_000, time_ms - time_ms % 10_000 + 10_000))],
            Naive::Hop => {
                let starts = (0..3).map(|back| time_ms - time_ms % 5_000 - back * 5_000);
                starts.map(|start| Some((start, start + 15_000))).collect()
            }
            Naive::Cumulate => {
                let start = time_ms - time_ms % 20_000;
                (1..=4).map(|step| (start, start + step * 5_000)).filter(|(_, end)| time_ms < *end).map(Some).collect()
            }
            Naive::Session => {
                // As far as the rows of the key hang together.
                let mut times: Vec<i64> = events.iter().filter(|e| e.key == event.key).map(|e| e.time_ms).collect();
                times.sort_unstable();
                let (mut start, mut end) = (time_ms, time_ms + 3_000);
                times.iter().rev().filter(|t| **t <= time_ms).for_each(|t| {
                    if t + 3_000 >= start {
                        start = start.min(*t)
                    }
                });
                times.iter().filter(|t| **t >= time_ms).for_each(|t| {
                    if *t <= end {
                        end = end.max(t + 3_000)
                    }
                });
                vec![Some((start, end))]
            }
        };
        for window in windows {
            groups.entry((event.key, window)).or_default().push(event.value);
        }
    }
    let row = |((key, window), values): (Place, Vec<Option<i64>>)| {
        let known = || values.iter().flatten();
        let number = |n: Option<i64>| n.map(|n| n.to_string());
        let mut cells = vec![
            key.map(str::to_owned),
            number(Some(values.len() as i64)),
            number(Some(known().count() as i64)),
            number(known().next().map(|_| known().sum())),
            number(known().min().copied()),
            number(known().max().copied()),
        ];
        if let Some((start, end)) = window {
            cells.extend([Some(text_of(start)), Some(text_of(end))]);
        }
        Row { kind: "+I".into(), cells }
    };
    groups.into_iter().map(row).collect()
}

/// Splits that fall silent let the watermark pass them, and which rows are late is then a matter of who is faster. But
/// whatever happens, and however often the job is killed: no window fires twice, none counts a row that it was not given,
/// and each row is counted or has become a dead letter.
#[test]
fn silent_splits_neither_lose_nor_double() {
    let seed = number_of("MILLRACE_KILL_SEED").unwrap_or_else(rand::random);
    let windows = [
        "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '2' SECOND)",
        "CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '2' SECOND)",
        "HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '2' SECOND)",
        "SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '1' SECOND)",
    ];
    let histories: Vec<(&str, u64)> = windows.iter().flat_map(|window| (0..4).map(move |n| (*window, seed.wrapping_add(n)))).collect();
    let wrong = side_by_side(&histories, |(window, seed)| match silent(window, *seed) {
        Ok(found) if found.is_empty() => found,
        Ok(found) => vec![format!("{window}, MILLRACE_KILL_SEED={seed}:\n    {}", found.join("\n    "))],
        Err(error) => vec![format!("{window}, MILLRACE_KILL_SEED={seed}: {error:#}")],
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn silent(window: &str, seed: u64) -> Result<Vec<String>> {
    const SPLITS: usize = 3;
    let mut random = StdRng::seed_from_u64(seed);
    let events = events(&mut random, false);
    let mut lines = String::new();
    for (id, event) in events.iter().enumerate() {
        let split = random.random_range(0..SPLITS);
        let ts = text_of(event.time_ms - random.random_range(0..3_000));
        writeln!(lines, "{}", serde_json::json!({ "id": id.to_string(), "k": event.key, "ts": ts, "$split": split }))?;
        if random.random_ratio(1, 6) {
            writeln!(lines, "{}", serde_json::json!({ "$split": random.random_range(0..SPLITS), "$idle": true }))?;
        }
    }
    // A split that is silent at the end would never say that it has ended.
    for split in 0..SPLITS {
        writeln!(
            lines,
            "{}",
            serde_json::json!({ "id": (ROWS + split).to_string(), "k": "end", "ts": "2024-01-02 00:00:00", "$split": split })
        )?;
    }
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("in.jsonl"), lines)?;
    let sql = format!(
        "CREATE TABLE t (id STRING, k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) \
         WITH ('connector' = 'case', 'input' = 'in.jsonl', 'splits' = '{SPLITS}');\n\
         SELECT window_start, window_end, k, COUNT(*), LISTAGG(id) FROM TABLE({window}) GROUP BY k, window_start, window_end;"
    );
    let expected = Expected::Rows(Answer::default());
    let case = Case { name: "generated/silent".into(), folder: folder.path().to_owned(), sql, settings: CaseSettings::default(), expected };
    let job = CaseJob::new(&case)?;
    let rows = live(&job, &random_lives(random.random(), 3, 3), |_, _| Ok(()))?;
    let mut found = Vec::new();
    let mut fired = BTreeSet::new();
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    for row in &rows {
        let ids = row.cells[4].clone().unwrap_or_default();
        ids.split(',').try_for_each(|id| id.parse().map(|id| *seen.entry(id).or_default() += 1))?;
        if !fired.insert(&row.cells[..3]) {
            found.push(format!("fired twice: {row:?}"));
        }
    }
    let times_max = if window.starts_with("HOP") || window.starts_with("CUMULATE") { 2 } else { 1 };
    found.extend(seen.iter().filter(|(_, times)| **times > times_max).map(|(id, times)| format!("row {id} is counted {times} times")));
    let letters: BTreeSet<usize> = job.world.letters().iter().filter_map(|letter| id_of(letter)).collect();
    let lost = (0..ROWS).filter(|id| !seen.contains_key(id) && !letters.contains(id));
    found.extend(lost.map(|id| format!("row {id} is neither counted nor a letter")));
    Ok(found)
}

fn id_of(letter: &str) -> Option<usize> {
    let (_, after) = letter.split_once("\"id\":\"")?;
    after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
