//! Tasks of the repository that are more than one cargo command: `cargo xtask --help`.
//!
//! Invariant: this program links nothing heavy, so that it is built in seconds; what measures and kills are programs of
//! their own, which it has cargo build and run.

mod cargo;
mod conformance;
mod guest_languages;
mod measure;
mod plugins;

use anyhow::ensure;
use clap::{Parser, Subcommand};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(Parser)]
#[command(about = "Tasks of the Millrace repository")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measures the product with release builds; the last line is JSON with figures and goals
    Measure {
        /// Which measure; see --list
        #[arg(required_unless_present = "list")]
        name: Option<String>,
        /// Lists the measures with their goals
        #[arg(long)]
        list: bool,
        /// Further arguments of the measure, after `--`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Kills the server again and again while a job runs, and checks that every record is in the output exactly once
    Chaos {
        /// How many kills
        #[arg(long, default_value_t = 50)]
        kills: u32,
        /// Seed of the random points; printed by every run
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Records and compares what Apache Flink answers to the cases in tests/conformance
    Conformance {
        #[command(subcommand)]
        task: conformance::Task,
    },
    /// Builds the plugins of the sample tenants to components
    Plugins {
        /// Where the components go
        #[arg(long, default_value = plugins::FOLDER)]
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    std::env::set_current_dir(cargo::repository()?)?;
    match task {
        Task::Measure { name, list, arguments } => measure::run(name.as_deref().filter(|_| !list), &arguments),
        Task::Chaos { kills, seed } => chaos(kills, seed),
        Task::Conformance { task } => conformance::run(task),
        Task::Plugins { folder } => plugins::build(&folder),
    }
}

fn chaos(kills: u32, seed: Option<u64>) -> anyhow::Result<()> {
    ensure!(kills > 0, "--kills is 0, expected at least 1");
    plugins::build(Path::new(plugins::FOLDER))?;
    cargo::run(&["build", "--package", "millrace-server"])?;
    let mut variables = vec![("MILLRACE_CHAOS_KILLS", kills.to_string())];
    variables.extend(seed.map(|s| ("MILLRACE_CHAOS_SEED", s.to_string())));
    cargo::run_with(&["test", "--package", "millrace-e2e", "--test", "e2e", "--", "--nocapture", "exactly_once_under_kills"], &variables)
}
