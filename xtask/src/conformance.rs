//! The conformance cases and the real Apache Flink: records what Flink answers, and compares the engine with it live.
//!
//! Invariant: a recording is Flink's own answer or nothing; what failed for another reason than the script is reported
//! and leaves the former recording as it is.

mod cases;
mod nexmark;
mod recording;
mod script;

use crate::cargo;
use anyhow::{Context, ensure};
use cases::Case;
use clap::Subcommand;
use millrace_test_servers::FlinkCluster;
use recording::Recording;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Where the cases are.
const FOLDER: &str = "tests/conformance";
/// The `case` connector for Flink.
const CONNECTOR: &str = "flink/millrace/conformance";
const FACTORY: &str = "millrace.conformance.CaseTableFactory";
/// Scripts that run at the same time: planning is single-threaded and Flink mostly waits for itself.
const WORKERS: usize = 3;

#[derive(Subcommand)]
pub(crate) enum Task {
    /// Runs the cases on a real Apache Flink and writes what they must give
    Record {
        /// Only cases whose `area/name` contains this text, or one of these between commas
        #[arg(long)]
        only: Option<String>,
        /// Writes nothing; fails if Flink now answers something else
        #[arg(long)]
        check: bool,
    },
    /// Runs the cases on a real Apache Flink and then on Millrace, and compares the two
    Live {
        /// Only cases whose `area/name` contains this text, or one of these between commas
        #[arg(long)]
        only: Option<String>,
    },
    /// Runs the Nexmark queries on a real Apache Flink and writes what they must give
    Nexmark {
        /// Only these queries, as q3,q5
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
    },
}

pub(crate) fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Record { only, check } => record(only.as_deref(), check),
        Task::Live { only } => live(only.as_deref()),
        Task::Nexmark { only } => nexmark::record(&only),
    }
}

fn record(only: Option<&str>, check: bool) -> anyhow::Result<()> {
    let done = ask_flink(only)?;
    let mut differing = 0;
    for Done { case, recording, took } in &done {
        let verdict = match recording.differs_from(&case.folder)? {
            None => "as before",
            Some(difference) => {
                differing += 1;
                if !check {
                    recording.write(&case.folder)?;
                }
                difference
            }
        };
        row(case, recording, *took, verdict);
    }
    println(&format!("{} cases, {} refused, {differing} not as before", done.len(), done.iter().filter(|d| d.recording.refused()).count()));
    ensure!(!check || differing == 0, "{differing} cases are not as recorded");
    Ok(())
}

fn live(only: Option<&str>) -> anyhow::Result<()> {
    let expected = cargo::target().join("conformance-live");
    if expected.exists() {
        fs::remove_dir_all(&expected).with_context(|| format!("cannot remove {}", expected.display()))?;
    }
    // The runner reads all expectations, also of cases that it then leaves out.
    for case in cases::matching(&cases_folder(), None)? {
        recording::copy(&case.folder, &expected.join(&case.name))?;
    }
    for Done { case, recording, took } in &ask_flink(only)? {
        recording.write(&expected.join(&case.name))?;
        row(case, recording, *took, "fresh");
    }
    let expected = fs::canonicalize(&expected).with_context(|| format!("no folder {}", expected.display()))?;
    let mut variables = vec![("MILLRACE_CONFORMANCE_EXPECTED", expected.display().to_string())];
    variables.extend(only.map(|only| ("MILLRACE_CONFORMANCE_ONLY", only.to_owned())));
    // The other tests hold the engine against itself: fresh answers change nothing for them.
    let command = ["test", "--workspace", "--test", "conformance", "the_engine_answers_as_flink_does", "--", "--nocapture"];
    cargo::run_with(&command, &variables)
}

fn cases_folder() -> PathBuf {
    Path::new(FOLDER).join("cases")
}

struct Done {
    case: Case,
    recording: Recording,
    took: Duration,
}

/// The answers to all matching cases, in the order of their names. Fails if one could not be asked.
fn ask_flink(only: Option<&str>) -> anyhow::Result<Vec<Done>> {
    let cases = cases::matching(&cases_folder(), only)?;
    ensure!(!cases.is_empty(), "no case matches `{}`", only.unwrap_or_default());
    let work = tempfile::tempdir().context("cannot make a folder")?;
    let connector = FlinkCluster::compile(&Path::new(FOLDER).join(CONNECTOR), FACTORY, work.path())?;
    let cluster = FlinkCluster::start(&[connector])?;
    let waiting = Mutex::new(cases.into_iter());
    let answers = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(case) = next else { return };
                    let started = Instant::now();
                    let answer = recording::of(&case, &cluster).with_context(|| case.name.clone());
                    answers.lock().unwrap_or_else(PoisonError::into_inner).push(answer.map(|recording| Done {
                        case,
                        recording,
                        took: started.elapsed(),
                    }));
                }
            });
        }
    });
    let answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut done = answers.into_iter().collect::<anyhow::Result<Vec<Done>>>()?;
    done.sort_by(|a, b| a.case.name.cmp(&b.case.name));
    Ok(done)
}

fn row(case: &Case, recording: &Recording, took: Duration, verdict: &str) {
    println(&format!("{:<52}{:>5} ms  {:<12}{verdict}", case.name, took.as_millis(), recording.summary()));
}

#[expect(clippy::print_stdout, reason = "the table is this program's output")]
fn println(line: &str) {
    println!("{line}");
}
