//! `millrace-bench`: runs benchmark jobs on the engine in this process against a real broker and prints figures.
//!
//! The engine is embedded, so that a figure is the engine's and not the server's, and so that an operator with native
//! code can stand where the component stands. Called by `cargo xtask measure`; prints one JSON object on the last line.

mod blackhole;
mod corpus;
mod cpu;
mod guest_languages;
mod job;
mod large_state;
mod latency;
mod native_filter;
mod nexmark;
mod pipeline;
mod sandbox_call;
mod sql_pipeline;

use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Kafka JSON → component → Kafka, and the same with native code in the component's place.
    EtlPipeline {
        /// The component of the plugin `bench-filter`.
        #[arg(long)]
        plugin: PathBuf,
        /// Records in the topic.
        #[arg(long, default_value_t = 5_000_000)]
        records: u64,
        /// Runs of each kind; the medians are reported.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
    },
    /// Time from produce to readable output at a steady rate, at least once.
    Latency {
        /// The component of the plugin `bench-filter`.
        #[arg(long)]
        plugin: PathBuf,
        /// Records per second.
        #[arg(long, default_value_t = 50_000)]
        rate: u64,
        /// Seconds that are measured, after five of warm-up.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    /// Kafka JSON → SQL → Kafka, a filter and a tumbling window, on the native engine and on Apache Flink.
    SqlPipeline {
        /// Records in the topic.
        #[arg(long, default_value_t = 5_000_000)]
        records: u64,
        /// Runs of each query on each engine, after one of warm-up; the medians are reported.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Leave Flink out.
        #[arg(long)]
        alone: bool,
    },
    /// The Nexmark queries over a topic of events, into nothing, on the native engine and on Apache Flink.
    Nexmark(nexmark::Options),
    /// An aggregation and a join over many keys, in memory and with the memory of the process capped.
    LargeState(large_state::Options),
    /// One run of `large-state`.
    #[command(hide = true)]
    LargeStateRun(large_state::ChildOptions),
    /// Calls of a component on batches of 1,024 rows, against the same kernel native.
    SandboxCall {
        /// The component of `tests/bench/call-guest`.
        #[arg(long)]
        component: PathBuf,
    },
    /// The same operator made from several languages.
    GuestLanguages {
        /// `name=component.wasm`; `admit:name=component.wasm` is only admitted, for its compile time.
        components: Vec<String>,
    },
    /// The separate compile process of the sandbox.
    #[command(hide = true)]
    CompileComponent,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::CompileComponent => return millrace_sandbox::compile_child_main(),
        Command::EtlPipeline { plugin, records, rounds } => pipeline::run(&plugin, records, rounds),
        Command::SqlPipeline { records, rounds, alone } => sql_pipeline::run(records, rounds, !alone),
        Command::LargeState(options) => large_state::run(&options),
        Command::LargeStateRun(options) => large_state::run_child(&options),
        Command::Nexmark(options) => nexmark::run(&options),
        Command::SandboxCall { component } => sandbox_call::run(&component),
        Command::GuestLanguages { components } => guest_languages::run(&components),
        Command::Latency { plugin, rate, seconds } => latency::run(&plugin, rate, seconds),
    };
    match result {
        Ok(figures) => {
            #[allow(clippy::print_stdout, reason = "the figures are the program's output")]
            {
                println!("{figures}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("millrace-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
