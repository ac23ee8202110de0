//! What Flink answers to the Nexmark queries over the small corpus: a digest goes into the repository, all rows into the
//! target folder, where a test that finds a difference can look them up.

use super::{CONNECTOR, FACTORY, FOLDER, cases::Case, println, recording, recording::Recording};
use crate::cargo;
use anyhow::{Context, bail, ensure};
use millrace_nexmark::{Corpus, Expected, JAVA_FACTORY, JAVA_FUNCTION, JAVA_SOURCES, QUERIES, Query};
use millrace_test_servers::FlinkCluster;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

/// Where the digests are.
const EXPECTED: &str = "tests/nexmark/expected";

pub(super) fn record(only: &[String]) -> anyhow::Result<()> {
    let queries: Vec<&Query> = QUERIES.iter().filter(|query| only.is_empty() || only.iter().any(|name| name == query.name)).collect();
    ensure!(!queries.is_empty(), "there is no query {}", only.join(", "));
    let work = tempfile::tempdir().context("cannot make a folder")?;
    fs::write(work.path().join("events.jsonl"), Corpus::SMALL.lines()).context("cannot write the events")?;
    fs::write(work.path().join("side_input.jsonl"), millrace_nexmark::side_input()).context("cannot write the side input")?;
    let connector = FlinkCluster::compile(&Path::new(FOLDER).join(CONNECTOR), FACTORY, work.path())?;
    let own = FlinkCluster::compile(Path::new(JAVA_SOURCES), JAVA_FACTORY, work.path())?;
    let cluster = FlinkCluster::start(&[connector, own])?;
    let rows_folder = rows_folder();
    fs::create_dir_all(&rows_folder).with_context(|| format!("cannot make {}", rows_folder.display()))?;
    let mut failed = Vec::new();
    for query in queries {
        let started = Instant::now();
        match answer(query, work.path(), &cluster).and_then(|text| write(query, &text, &rows_folder)) {
            Ok(rows) => println(&format!("{:<5}{:>7} ms {rows:>7} rows", query.name, started.elapsed().as_millis())),
            Err(error) => failed.push(format!("{}: {error:#}", query.name)),
        }
    }
    ensure!(failed.is_empty(), "not recorded:\n{}", failed.join("\n"));
    Ok(())
}

fn rows_folder() -> PathBuf {
    cargo::target().join("nexmark-flink")
}

fn answer(query: &Query, folder: &Path, cluster: &FlinkCluster) -> anyhow::Result<String> {
    let side_input = format!("WITH ('connector' = 'side_input', 'path' = '{}')", folder.join("side_input.jsonl").display());
    let tables = query.script("WITH ('connector' = 'case', 'input' = 'events.jsonl')", &side_input);
    let script = if query.has_function() { format!("{JAVA_FUNCTION};\n{tables}") } else { tables };
    let case = Case { name: query.name.to_owned(), folder: folder.to_owned(), script };
    match recording::of(&case, cluster)? {
        Recording::Rows { text, .. } => Ok(text),
        Recording::Refused(message) => bail!("Flink refuses it: {message}"),
    }
}

fn write(query: &Query, text: &str, rows_folder: &Path) -> anyhow::Result<usize> {
    let (expected, rows) = Expected::of_recording(text, query.compare)?;
    let digest = Path::new(EXPECTED).join(format!("{}.json", query.name));
    let json = serde_json::to_string_pretty(&expected)? + "\n";
    fs::write(&digest, json).with_context(|| format!("cannot write {}", digest.display()))?;
    let all = rows_folder.join(format!("{}.jsonl", query.name));
    fs::write(&all, rows.join("\n") + "\n").with_context(|| format!("cannot write {}", all.display()))?;
    Ok(expected.rows)
}
