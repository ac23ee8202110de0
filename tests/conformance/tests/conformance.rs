//! Every recorded case on the native engine (JOB-6, JOB-9): the same rows as Apache Flink gave.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test that cannot go on has failed

mod functions;
mod generated;
mod kills;
mod nexmark;

use futures::StreamExt;
use millrace_conformance::{
    case::{Case, Compare, Expected, load_all},
    compare::differences,
    run::{Outcome, RunOptions, run},
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// Cases in which the engine is known to differ from Flink; each is explained in docs/DIVERGENCES.md. A case that
/// becomes equal must leave the list.
const KNOWN_DIFFERENT: &str = include_str!("../known-different.txt");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

fn cases() -> Vec<Case> {
    let expected = std::env::var_os("MILLRACE_CONFORMANCE_EXPECTED").map_or_else(root, PathBuf::from);
    let only = std::env::var("MILLRACE_CONFORMANCE_ONLY").unwrap_or_default();
    load_all(&root(), &expected).unwrap().into_iter().filter(|c| only.split(',').any(|text| c.name.contains(text))).collect()
}

/// Works on several items at the same time (runs mostly wait for the disk); answers all that went wrong.
fn side_by_side<T: Sync>(items: &[T], work: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    const AT_ONCE: usize = 4;
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Relaxed)) {
                    let found = work(item);
                    wrong.lock().unwrap().extend(found);
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

fn judge(case: &Case, outcome: &anyhow::Result<Outcome>) -> Vec<String> {
    match (&case.expected, outcome) {
        (Expected::Error(_), Err(_)) => Vec::new(),
        (Expected::Error(error), Ok(_)) => vec![format!("Flink refuses it ({error}), the engine ran it")],
        (Expected::Rows(_), Err(error)) => vec![format!("error: {error:#}")],
        (Expected::Rows(expected), Ok(outcome)) => {
            let mut found = differences(expected, &outcome.answer, case.settings.compare);
            if outcome.records_processed == 0 && !expected.rows.is_empty() {
                found.push("no operator of the engine took in any row".into());
            }
            found
        }
    }
}

async fn run_all(options: RunOptions, cases: &[Case]) -> Vec<(String, Vec<String>)> {
    let judged = futures::stream::iter(cases).map(|case| async move { (case.name.clone(), judge(case, &run(case, options).await)) });
    // Most of the time of a case is waiting: for the disk, or for its inputs' pauses.
    judged.buffered(8).collect().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engine_answers_as_flink_does() {
    let cases = cases();
    assert!(!cases.is_empty());
    let known: BTreeSet<&str> = KNOWN_DIFFERENT.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    let judged = run_all(RunOptions { parallelism: 1, rows_per_batch_max: 1_024, source_parallelism: 1, keeps_pauses: true }, &cases).await;
    let mut unexpected = Vec::new();
    for (name, found) in &judged {
        match (found.is_empty(), known.contains(name.as_str())) {
            (true, false) => {}
            // Whoever asks for single cases wants to see what is left to do in them.
            (false, true) if std::env::var_os("MILLRACE_CONFORMANCE_ONLY").is_some() => {
                println!("{name}, as known:\n    {}", found.join("\n    "));
            }
            (false, true) => {}
            (true, true) => unexpected.push(format!("{name}: is equal to Flink now; take it out of known-different.txt")),
            (false, false) => unexpected.push(format!("{name}:\n    {}", found.iter().take(6).cloned().collect::<Vec<_>>().join("\n    "))),
        }
    }
    let equal = judged.iter().filter(|(_, found)| found.is_empty()).count();
    println!("conformance: {equal} of {} cases equal to Flink, {} known to differ", judged.len(), known.len());
    assert!(unexpected.is_empty(), "{} cases differ from Flink:\n{}", unexpected.len(), unexpected.join("\n"));
}

/// Rows cut into other batches, and keys spread over more subtasks, give the same changes (order aside).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_and_parallelism_change_nothing() {
    let known: BTreeSet<&str> = KNOWN_DIFFERENT.lines().map(str::trim).collect();
    let mut cases: Vec<Case> = cases().into_iter().filter(|c| !known.contains(c.name.as_str())).collect();
    cases.retain(|c| {
        const AREAS: &[&str] = &[
            "aggregate/",
            "window-",
            "group-window/",
            "retraction/",
            "correlate/",
            "idle/",
            "match-recognize/",
            "join/",
            "semi-join/",
            "set-operation/",
            "lookup-join/",
            "interval-join/",
            "temporal-join/",
            "over",
            "emit/",
            "top-n/",
            "deduplicate/",
        ];
        AREAS.iter().any(|area| c.name.starts_with(area))
    });
    cases.retain(|case| !case.settings.depends_on_order);
    for case in &mut cases {
        // Several subtasks race: the final table is what they must agree on.
        case.settings.compare = Compare::Table;
    }
    for (parallelism, rows_per_batch_max) in [(1, 1), (2, 3), (4, 1_024)] {
        let judged = run_all(RunOptions { parallelism, rows_per_batch_max, source_parallelism: 1, keeps_pauses: false }, &cases).await;
        let different: Vec<_> = judged.iter().filter(|(_, found)| !found.is_empty()).collect();
        assert!(different.is_empty(), "parallelism {parallelism}, {rows_per_batch_max} rows a batch: {different:#?}");
    }
}

/// The check can fail: a row that is changed, lost or doubled in the expectation is found.
#[tokio::test]
async fn a_wrong_expectation_is_found() {
    let cases = cases();
    let case = cases.iter().find(|c| matches!(&c.expected, Expected::Rows(a) if a.rows.len() > 1)).unwrap();
    let Expected::Rows(answer) = &case.expected else { return };
    let mut changed = answer.clone();
    changed.rows[0].cells[0] = Some("something else".into());
    let mut lost = answer.clone();
    lost.rows.pop();
    let mut doubled = answer.clone();
    doubled.rows.push(answer.rows[0].clone());
    for (what, wrong) in [("changed", changed), ("lost", lost), ("doubled", doubled)] {
        for compare in [Compare::Ordered, Compare::Unordered, Compare::Table] {
            assert!(!differences(&wrong, answer, compare).is_empty(), "{what} is not seen by {compare:?}");
        }
    }
}
