//! `cargo xtask measure idle-jobs`: what a small job costs that has nothing to do — memory, and the time to start it.
//! Many tenants with one job each in one server, everything over the HTTP API; figures as JSON on the last line.

mod memory;

use anyhow::Context;
use clap::Parser;
use memory::resident_mib;
use millrace_e2e::{Kafka, Pipeline, PipelineOptions, Server, ServerOptions};
use millrace_test_servers::KafkaBroker;
use serde_json::json;

#[derive(Parser)]
#[command(about = "Memory and start time of small jobs")]
struct Arguments {
    /// Tenants with one job each
    #[arg(long, default_value_t = 200)]
    jobs: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let figures = measure(Arguments::parse().jobs).await?;
    #[allow(clippy::print_stdout, reason = "the figures are the program's output")]
    {
        println!("{figures}");
    }
    Ok(())
}

async fn measure(jobs: usize) -> anyhow::Result<serde_json::Value> {
    let broker = tokio::task::spawn_blocking(KafkaBroker::start).await??;
    let kafka = Kafka::at(broker.bootstrap());
    let server = Server::start(ServerOptions::default()).await?;
    let pid = server.pid().context("the server does not run")?;
    let api = server.api()?;
    let options = PipelineOptions { partitions: 1, parallelism: 1, checkpoint_interval_ms: 10_000, ..PipelineOptions::default() };
    let mut pipelines = Vec::with_capacity(jobs);
    for _ in 0..jobs {
        pipelines.push(Pipeline::make(&api, &kafka, options.clone()).await?);
    }
    // The first job brings what all share (compiled code, client library); it is not one of the measured.
    let mut first = Pipeline::make(&api, &kafka, options).await?;
    first.launch_fresh().await?;
    let before_mib = resident_mib(pid)?;

    let mut start_ms = Vec::with_capacity(jobs);
    for pipeline in &mut pipelines {
        pipeline.launch_fresh().await?;
        let status = pipeline.status().await?;
        let took = status["observation"]["start_duration_ms"].as_f64();
        start_ms.push(took.with_context(|| format!("no start_duration_ms in {status}"))?);
    }
    let running_mib = resident_mib(pid)?;
    start_ms.sort_by(f64::total_cmp);
    let rank = |share: f64| start_ms.get(((share * jobs as f64).ceil() as usize).saturating_sub(1)).copied();
    Ok(json!({
        "jobs": jobs,
        "memory_mib_before": before_mib,
        "memory_mib_running": running_mib,
        "memory_mib_per_job": (running_mib - before_mib) / jobs as f64,
        "start_ms_p50": rank(0.5),
        "start_ms_p99": rank(0.99),
    }))
}
