//! Recorded cases through crashes (HA-2): killed at random places, restored at another parallelism, they give what an
//! uninterrupted run gives.
//!
//! Every case whose job keeps keyed state takes part, so a new operator is covered by its conformance cases.
//! `MILLRACE_KILL_SEED` repeats a run, `MILLRACE_KILL_ROUNDS` says how many histories each case lives through.

use super::{cases, side_by_side};
use anyhow::{Context, Result, ensure};
use millrace_checkpoint::{Blob, Manifest, latest, layout::MANIFEST};
use millrace_conformance::{
    case::{Answer, Case, Compare, Expected, Row},
    compare::differences,
    lives::{End, Left, Life, live, random_lives, runtime},
    run::{CaseJob, Outcome, RunOptions, run_job},
    world::Place,
};
use millrace_model::ids::InstanceId;
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};
use tokio::runtime::Runtime;

/// Kills per history.
const KILLS: usize = 3;
/// Kills after which state was restored from steps.
static IN_STEPS: AtomicUsize = AtomicUsize::new(0);
/// Areas without state: their queries work row by row.
const STATELESS: [&str; 6] = ["casts/", "ddl/", "decimals/", "errors/", "functions-", "unicode/"];

pub(super) fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

#[test]
fn killed_and_restored_at_other_parallelism_cases_give_the_same() {
    let seed = number_of("MILLRACE_KILL_SEED").unwrap_or_else(rand::random);
    let rounds = number_of("MILLRACE_KILL_ROUNDS").unwrap_or(2);
    let mut cases = cases();
    cases.retain(|case| matches!(case.expected, Expected::Rows(_)) && !STATELESS.iter().any(|area| case.name.starts_with(area)));
    cases.retain(|case| !case.settings.depends_on_order);
    let lived = AtomicUsize::new(0);
    let wrong = side_by_side(&cases, |case| match histories(case, seed, rounds) {
        Ok(None) => Vec::new(),
        Ok(Some(found)) => {
            lived.fetch_add(1, Relaxed);
            found
        }
        Err(error) => vec![format!("{}: {error:#}", case.name)],
    });
    let lived = lived.into_inner();
    println!("kills: {lived} cases with state, {rounds} histories each, {KILLS} kills a history, MILLRACE_KILL_SEED={seed}");
    let in_steps = IN_STEPS.load(Relaxed);
    println!("kills: state was restored from steps {in_steps} times");
    assert!(wrong.is_empty(), "MILLRACE_KILL_SEED={seed}: {} histories went wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(in_steps > 20 || std::env::var_os("MILLRACE_CONFORMANCE_ONLY").is_some(), "only {in_steps} restores were from steps");
    assert!(lived > 100 || std::env::var_os("MILLRACE_CONFORMANCE_ONLY").is_some(), "only {lived} cases kept state");
}

/// What went wrong in the histories of a case; `None` if it keeps no state, or does not run at all.
fn histories(case: &Case, seed: u64, rounds: u64) -> Result<Option<Vec<String>>> {
    let Some((expected, letters)) = uninterrupted(case)? else { return Ok(None) };
    ensure!(letters.len() as u64 == expected.late_records, "{} late rows, but the letters {letters:?}", expected.late_records);
    let mut wrong = Vec::new();
    for round in 0..rounds {
        let lives = random_lives(seed ^ hash(&case.name).wrapping_add(round), KILLS, 1);
        let job = CaseJob::new(case)?;
        // Every other history has no memory for its state: all of it goes to disk and to checkpoints in steps.
        let job = if round % 2 == 1 { job.spilling() } else { job };
        let between = |runtime: &Runtime, left: &Left| {
            let found = runtime.block_on(latest(&job.store, &InstanceId::new(&left.instance)))?.latest;
            if found.is_some_and(|checkpoint| checkpoint.manifest().shared().next().is_some()) {
                IN_STEPS.fetch_add(1, Relaxed);
            }
            Ok(())
        };
        let found = match live(&job, &lives, between) {
            Ok(rows) => compared(&expected, rows).into_iter().chain(letters_compared(&letters, &job.world.letters())).collect(),
            Err(error) => vec![format!("{error:#}")],
        };
        if !found.is_empty() {
            let found = found.iter().take(6).cloned().collect::<Vec<_>>().join("\n        ");
            wrong.push(format!("{} round {round}:\n    {lives:?}\n        {found}", case.name));
        }
    }
    Ok(Some(wrong))
}

/// The answer and the dead letters of a run that nothing interrupts, if the case keeps keyed state.
fn uninterrupted(case: &Case) -> Result<Option<(Outcome, Vec<String>)>> {
    let runtime = runtime()?;
    let job = CaseJob::new(case)?;
    let Ok(outcome) = runtime
        .block_on(run_job(&job, RunOptions { parallelism: 1, rows_per_batch_max: 1_024, source_parallelism: 1, keeps_pauses: false }))
    else {
        return Ok(None);
    };
    let end = runtime.block_on(latest(&job.store, &InstanceId::new("uninterrupted")))?.latest.context("no checkpoint at the end")?;
    Ok(end.manifest().operators.iter().any(|o| o.keyed.is_some()).then(|| (outcome, job.world.letters())))
}

/// Rows that are only ever added must be the same, each as often; changes must amount to the same table.
pub(super) fn compared(expected: &Outcome, rows: Vec<Row>) -> Vec<String> {
    let found = Answer { columns: expected.answer.columns.clone(), key: expected.answer.key.clone(), rows };
    differences(&expected.answer, &found, if expected.is_insert_only { Compare::Unordered } else { Compare::Table })
}

/// Letters are delivered at least once: each that is expected is there, and no other.
fn letters_compared(expected: &[String], found: &[String]) -> Vec<String> {
    let (expected, found): (BTreeSet<&String>, BTreeSet<&String>) = (expected.iter().collect(), found.iter().collect());
    let lost = expected.difference(&found).map(|letter| format!("lost letter: {letter}"));
    let surplus = found.difference(&expected).map(|letter| format!("surplus letter: {letter}"));
    lost.chain(surplus).collect()
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Half of the input is read, then comes the kill; what the restored run finds is spoiled on purpose.
fn spoiled(name: &str, end: End, spoil: impl Fn(&mut Manifest) -> Result<()>) -> Vec<String> {
    let cases = cases();
    let case = cases.iter().find(|c| c.name == name).unwrap();
    let (expected, _) = uninterrupted(case).unwrap().expect("the case keeps state");
    let job = CaseJob::new(case).unwrap();
    let life = |parallelism, end| Life {
        options: RunOptions { parallelism, rows_per_batch_max: 2, source_parallelism: 1, keeps_pauses: false },
        checkpoints: vec![500],
        then: 800,
        end,
        is_settled: true,
    };
    let first = std::cell::Cell::new(true);
    let between = |runtime: &Runtime, left: &Left| {
        if first.replace(false) { runtime.block_on(edit(&job, &left.instance, &spoil)) } else { Ok(()) }
    };
    let lives = [life(2, end), life(4, End::Input)];
    compared(&expected, live(&job, &lives, between).unwrap())
}

async fn edit(job: &CaseJob<'_>, instance: &str, spoil: &impl Fn(&mut Manifest) -> Result<()>) -> Result<()> {
    let found = latest(&job.store, &InstanceId::new(instance)).await?.latest.context("no checkpoint")?;
    let mut manifest = found.manifest().clone();
    // Everything contained, so that it can be taken apart.
    for operator in &mut manifest.operators {
        let keyed = operator.keyed.iter_mut().flat_map(|k| &mut k.parts).map(|p| &mut p.blob);
        for blob in operator.subtasks.iter_mut().map(|s| &mut s.blob).chain(keyed) {
            *blob = Blob::inline(&found.read_blob(blob).await?);
        }
    }
    spoil(&mut manifest)?;
    Ok(job.store.put(&format!("{}/{MANIFEST}", found.folder()), manifest.encode()?).await?)
}

/// The check can fail: state that is lost, output that is lost, and rows that are read twice are found.
#[test]
fn a_wrong_restore_is_found() {
    const CASE: &str = "aggregate/group-by";
    if std::env::var_os("MILLRACE_CONFORMANCE_ONLY").is_some() {
        return;
    }
    assert_eq!(spoiled(CASE, End::BetweenRows, |_| Ok(())), Vec::<String>::new());
    assert_eq!(spoiled(CASE, End::At(Place::Commit), |_| Ok(())), Vec::<String>::new());
    // A key that never comes again is not missed: one of the first few does.
    let lost_group = (0..4).map(|lost| {
        spoiled(CASE, End::BetweenRows, |manifest| {
            let keyed = manifest.operators.iter_mut().filter_map(|o| o.keyed.as_mut());
            let part = keyed.flat_map(|k| &mut k.parts).next().context("no keyed state")?;
            part.blob = Blob::inline(&without_group(&bytes_of(&part.blob)?, lost)?);
            Ok(())
        })
    });
    assert!(lost_group.into_iter().any(|found| !found.is_empty()), "a lost key group is not seen");
    let lost_output = spoiled(CASE, End::At(Place::Commit), |manifest| {
        manifest.operators.iter_mut().filter(|o| o.kind == "case_sink").for_each(|o| o.subtasks.clear());
        Ok(())
    });
    assert!(!lost_output.is_empty(), "lost output is not seen");
    let read_twice = spoiled(CASE, End::BetweenRows, |manifest| {
        let sources = manifest.operators.iter_mut().filter(|o| o.kind == "case_source");
        sources.flat_map(|o| &mut o.subtasks).for_each(|s| s.blob = Blob::inline(b"[0,0]"));
        Ok(())
    });
    assert!(!read_twice.is_empty(), "rows that are read twice are not seen");
}

fn bytes_of(blob: &Blob) -> Result<Vec<u8>> {
    let document = serde_json::to_value(blob)?;
    let text = document.get("inline").and_then(|t| t.as_str()).context("not contained")?;
    Ok(base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text)?)
}

/// A blob is a sequence of (length, name, key group, length, bytes): see `state::blob` of the engine.
fn without_group(blob: &[u8], lost: usize) -> Result<Vec<u8>> {
    let length_at = |at: usize| -> Result<usize> {
        let bytes = blob.get(at..at + 4).context("cut off")?;
        Ok(u32::from_le_bytes(bytes.try_into()?) as usize)
    };
    let (mut kept, mut at, mut number) = (Vec::new(), 0, 0);
    while at < blob.len() {
        let state_at = at + 4 + length_at(at)? + 2;
        let end = state_at + 4 + length_at(state_at)?;
        if number != lost {
            kept.extend_from_slice(&blob[at..end]);
        }
        (at, number) = (end, number + 1);
    }
    Ok(kept)
}
