//! The Nexmark queries over generated events (JOB-9): the same answers as Apache Flink, recorded as a digest.
//!
//! `cargo xtask conformance nexmark` records them. On a machine that has recorded, `target/nexmark-flink` holds all of
//! Flink's rows, and a difference is then shown row by row.

use super::{functions::Project, side_by_side};
use anyhow::{Context, Result};
use millrace_conformance::{
    case::{Answer, Case, CaseSettings, Expected as Recorded},
    lives::runtime,
    run::{CaseJob, RunOptions, run_job},
};
use millrace_nexmark::{Compare, Corpus, Expected, QUERIES, Query, side_input};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Queries that differ on purpose, and why; docs/DIVERGENCES.md says it at length.
const DIFFERENT: &[(&str, &str)] =
    &[("q9", "Flink takes nothing back when a better first row replaces another one, so its changes do not lead to one row per auction")];

/// The generated inputs, on disk.
fn corpus() -> &'static Path {
    static CORPUS: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = CORPUS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("events.jsonl"), Corpus::SMALL.lines()).unwrap();
        std::fs::write(folder.path().join("side_input.jsonl"), side_input()).unwrap();
        folder
    });
    folder.path()
}

fn case(query: &Query) -> Case {
    let table = |options: &str| format!("WITH ('connector' = 'case', {options})");
    let sql = query.script(&table("'input' = 'events.jsonl'"), &table("'input' = 'side_input.jsonl', 'lookup' = 'true'"));
    let expected = Recorded::Rows(Answer::default());
    Case { name: format!("nexmark/{}", query.name), folder: corpus().to_owned(), sql, settings: CaseSettings::default(), expected }
}

/// What differs from Flink; nothing if the answers are equal.
fn differences(query: &Query, parallelism: u16) -> Result<Vec<String>> {
    let case = case(query);
    let job = if query.has_function() { Project::get().job(&case, "occurrences", "count_char")? } else { CaseJob::new(&case)? };
    let options = RunOptions { parallelism, rows_per_batch_max: 1_024, source_parallelism: 1, keeps_pauses: false };
    let answer = runtime()?.block_on(run_job(&job, options))?.answer;
    if query.compare == Compare::Nothing {
        return Ok(Vec::new());
    }
    let columns = answer.columns.iter().map(|(name, _)| name.clone()).collect();
    let changes = answer.rows.iter().map(|row| (row.kind.as_str(), row.cells.as_slice()));
    let (found, rows) = Expected::of(columns, changes, query.compare)?;
    let path = root().join(format!("tests/nexmark/expected/{}.json", query.name));
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let expected: Expected = serde_json::from_str(&text)?;
    if found == expected {
        return Ok(Vec::new());
    }
    let mut differences = vec![format!("Flink: {expected:?}"), format!("found: {found:?}")];
    let all = root().join(format!("target/nexmark-flink/{}.jsonl", query.name));
    if let Ok(all) = std::fs::read_to_string(all) {
        differences.extend(missing_and_surplus(&all, &rows));
    }
    Ok(differences)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn missing_and_surplus(flink: &str, rows: &[String]) -> Vec<String> {
    const SHOWN: usize = 8;
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    flink.lines().for_each(|row| *counts.entry(row).or_default() += 1);
    rows.iter().for_each(|row| *counts.entry(row).or_default() -= 1);
    counts.retain(|_, count| *count != 0);
    let total = counts.len();
    let shown = counts.into_iter().take(SHOWN).map(|(row, count)| match count {
        1.. => format!("missing {count}x {row}"),
        _ => format!("surplus {}x {row}", -count),
    });
    shown.chain([format!("{total} rows differ")]).collect()
}

fn only(query: &&Query) -> bool {
    std::env::var("MILLRACE_NEXMARK_ONLY").map_or(true, |only| only.split(',').any(|name| name == query.name))
}

#[test]
fn the_nexmark_queries_answer_as_flink_does() {
    let queries: Vec<&Query> = QUERIES.iter().filter(only).collect();
    let wrong = side_by_side(&queries, |query: &&Query| {
        let found = differences(query, 1).unwrap_or_else(|error| vec![format!("error: {error:#}")]);
        match (found.is_empty(), DIFFERENT.iter().find(|(name, _)| *name == query.name)) {
            (true, None) => Vec::new(),
            (true, Some(_)) => vec![format!("{} is equal to Flink now: take it out of the list", query.name)],
            (false, Some((_, why))) if std::env::var_os("MILLRACE_NEXMARK_ONLY").is_none() => {
                println!("{} differs: {why}", query.name);
                Vec::new()
            }
            (false, _) => vec![format!("{}:\n    {}", query.name, found.join("\n    "))],
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
