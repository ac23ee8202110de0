//! `large-state`: an aggregation and a join over many keys, in memory without a limit, and with the memory of the whole
//! process capped.
//!
//! Each run is a process of its own, so that the cap holds all of it: rows come from a generator inside the process and
//! go nowhere. The system's own limit on memory is used (a cgroup); where none can be made, the process is watched and
//! killed. Figures of a run that did not live through its cap are left out, and `…_capped_failure` says what happened.

mod cap;
mod child;
mod numbers;

pub use child::run as run_child;
pub use numbers::Numbers;

use anyhow::{Context, bail};
use cap::Cap;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use std::process::{Command, Stdio};

/// Settings of the measure.
#[derive(Args)]
pub struct Options {
    /// Keys in the state.
    #[arg(long, default_value_t = 20_000_000)]
    keys: u64,
    /// Memory of the whole process in the capped runs, in MiB.
    #[arg(long, default_value_t = 1_024)]
    memory_mib: u64,
    /// Only this query.
    #[arg(long)]
    only: Option<Query>,
    /// Leave out the runs without a cap.
    #[arg(long)]
    capped_only: bool,
}

/// Settings of one run.
#[derive(Args)]
pub struct ChildOptions {
    #[arg(long)]
    query: Query,
    #[arg(long)]
    keys: u64,
    /// Memory of the process, if it is capped.
    #[arg(long)]
    memory_mib: Option<u64>,
}

/// What holds the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Query {
    /// Count and sum per key; every key comes once, then half of the keys again.
    Aggregation,
    /// Two tables whose rows meet by key.
    Join,
}

impl Query {
    fn name(self) -> &'static str {
        match self {
            Self::Aggregation => "aggregation",
            Self::Join => "join",
        }
    }
}

/// Runs the measurement and answers its figures.
pub fn run(options: &Options) -> anyhow::Result<Value> {
    let mut figures = Map::from_iter([("keys".to_owned(), json!(options.keys)), ("memory_mib".to_owned(), json!(options.memory_mib))]);
    for query in [Query::Aggregation, Query::Join] {
        if options.only.is_some_and(|only| only != query) {
            continue;
        }
        if !options.capped_only {
            add(&mut figures, query, "in_memory", one(options, query, None)?);
        }
        let cap = Cap::new(options.memory_mib << 20)?;
        figures.insert("cap".to_owned(), json!(cap.how()));
        add(&mut figures, query, "capped", one(options, query, Some(&cap))?);
    }
    Ok(Value::Object(figures))
}

/// Figures of one run, or why there are none.
fn one(options: &Options, query: Query, cap: Option<&Cap>) -> anyhow::Result<Result<Map<String, Value>, String>> {
    let program = std::env::current_exe()?;
    let mut arguments =
        vec!["large-state-run".to_owned(), "--query".into(), query.name().into(), "--keys".into(), options.keys.to_string()];
    if cap.is_some() {
        arguments.extend(["--memory-mib".to_owned(), options.memory_mib.to_string()]);
    }
    let mut command = match cap {
        Some(cap) => cap.command(&program, &arguments),
        None => {
            let mut command = Command::new(&program);
            command.args(&arguments);
            command
        }
    };
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start the run")?;
    let peak = cap::watch(&mut child, cap)?;
    let output = child.wait_with_output()?;
    let peak_mib = peak.bytes >> 20;
    if !output.status.success() {
        let why = if peak.was_killed || cap.is_some_and(Cap::was_reached) { "out of memory" } else { "failed" };
        return Ok(Err(format!("{why} ({}), {peak_mib} MiB", output.status)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let Some(Value::Object(mut figures)) = text.lines().last().and_then(|line| serde_json::from_str(line).ok()) else {
        bail!("the run printed no figures: {text}");
    };
    figures.insert("peak_memory_mib".to_owned(), json!(peak_mib));
    Ok(Ok(figures))
}

fn add(figures: &mut Map<String, Value>, query: Query, mode: &str, found: Result<Map<String, Value>, String>) {
    let prefix = format!("{}_{mode}", query.name());
    eprintln!("{prefix}: {found:?}");
    match found {
        Ok(found) => figures.extend(found.into_iter().map(|(name, value)| (format!("{prefix}_{name}"), value))),
        Err(failure) => {
            figures.insert(format!("{prefix}_failure"), json!(failure));
        }
    }
}
