//! Exactly once, honestly: the whole server is killed again and again while a job runs; afterwards every record is in
//! the output once (HA-2).
//!
//! A third of the kills come at random points. A third aim at the point where sinks with two phases lose data or repeat
//! it: the checkpoint is durable, its output is not committed yet. A third come right after a commit, when a restart
//! must find out that there is nothing to write again. Input keeps coming all the time.

use crate::kafka;
use anyhow::Context;
use millrace_e2e::{Deadline, Pipeline, PipelineOptions, Server, ServerOptions, until};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use std::{collections::BTreeSet, path::PathBuf, time::Duration};

/// Kills unless `MILLRACE_CHAOS_KILLS` says otherwise.
const KILLS_DEFAULT: u32 = 50;
/// Events per second while the server is killed.
const EVENTS_PER_SECOND: u64 = 4_000;

fn variable<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// What restored sinks found, over all restarts.
#[derive(Debug, Default)]
struct Recoveries {
    already_committed: u64,
    written_again: u64,
}

impl Recoveries {
    /// Counters start from zero with every process, so each restart is read once.
    async fn read(&mut self, pipeline: &Pipeline) -> anyhow::Result<()> {
        let found = until("metrics of the sink", 60, async || {
            let committed = pipeline.metric("purchases", "recoveredAlreadyCommitted").await;
            let again = pipeline.metric("purchases", "recoveredWrittenAgain").await;
            match committed.zip(again) {
                Some(found) => Ok(found),
                None => Err(pipeline.status().await.map_or_else(|e| e.to_string(), |s| s.to_string())),
            }
        });
        let (committed, again) = found.await?;
        self.already_committed += committed as u64;
        self.written_again += again as u64;
        Ok(())
    }
}

/// Waits for a checkpoint that is not among `before`; looks without pause, to be there first.
fn next_manifest(pipeline: &Pipeline, server: &Server, before: &BTreeSet<PathBuf>, deadline: Deadline) -> anyhow::Result<()> {
    while !deadline.is_over() {
        if pipeline.manifests(server).into_iter().any(|m| !before.contains(&m)) {
            return Ok(());
        }
        std::thread::park_timeout(Duration::from_micros(200));
    }
    anyhow::bail!("no new checkpoint appeared; the job makes no progress")
}

/// When to kill.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// As soon as a new checkpoint is durable: its output is on the way.
    BeforeCommit,
    /// As soon as output of a checkpoint can be read.
    AfterCommit,
    /// Some time after a new checkpoint.
    Any,
}

const MOMENTS: [Moment; 3] = [Moment::BeforeCommit, Moment::AfterCommit, Moment::Any];

async fn kill_and_restart(server: &mut Server, pipeline: &Pipeline, random: &mut StdRng, moment: Moment) -> anyhow::Result<()> {
    let before: BTreeSet<PathBuf> = pipeline.manifests(server).into_iter().collect();
    // At least one more checkpoint each time: a job that is killed faster than it works would prove nothing.
    next_manifest(pipeline, server, &before, Deadline::in_seconds(60))?;
    match moment {
        Moment::BeforeCommit => {}
        Moment::AfterCommit => await_commit(pipeline, Deadline::in_seconds(60))?,
        Moment::Any => tokio::time::sleep(Duration::from_micros(random.random_range(0..500_000))).await,
    }
    server.kill()?;
    server.restart().await?;
    pipeline.await_state("running", 60).await
}

/// Waits until something is committed to the output from now on.
fn await_commit(pipeline: &Pipeline, deadline: Deadline) -> anyhow::Result<()> {
    let mut tail = pipeline.kafka.tail(&pipeline.output)?;
    while tail.next(Duration::from_millis(20))?.is_none() {
        anyhow::ensure!(!deadline.is_over(), "nothing is committed; the job makes no progress");
    }
    Ok(())
}

async fn run(kills: u32, seed: u64) -> anyhow::Result<()> {
    let mut server = Server::start(ServerOptions::default()).await?;
    let done = run_on(&mut server, kills, seed).await;
    done.with_context(|| server.state())
}

async fn run_on(server: &mut Server, kills: u32, seed: u64) -> anyhow::Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let options = PipelineOptions { partitions: 4, parallelism: 2, checkpoint_interval_ms: 150, ..PipelineOptions::default() };
    let mut pipeline = Pipeline::make(&server.api()?, &kafka(), options).await?;
    let producing = pipeline.kafka.produce(&pipeline.input, 0, 4, EVENTS_PER_SECOND)?;
    pipeline.launch_fresh().await?;

    let mut recoveries = Recoveries::default();
    for (kill, moment) in (0..kills).zip(MOMENTS.into_iter().cycle()) {
        // At half time the job moves to another parallelism, through a savepoint of the user.
        if kill == kills / 2 {
            let savepoint = pipeline.stop_with_savepoint(60).await?;
            pipeline.launch(json!({"from": "savepoint", "savepoint": savepoint}), json!({"parallelism": "3"})).await?;
            pipeline.await_state("running", 60).await?;
        }
        kill_and_restart(server, &pipeline, &mut random, moment).await?;
        recoveries.read(&pipeline).await?;
    }

    let sent = producing.finish()?;
    pipeline.await_output(sent, 120).await?;
    pipeline.stop_with_savepoint(60).await?;
    let expected = pipeline.check_output(sent)?;
    println!("exactly once: {kills} kills, {sent} records in, {expected} records out, {recoveries:?}, seed {seed}");
    // A few kills may all fall on one side.
    if kills >= 10 {
        anyhow::ensure!(recoveries.already_committed > 0, "no kill fell between a commit and the next checkpoint: {recoveries:?}");
        anyhow::ensure!(recoveries.written_again > 0, "no kill fell between a checkpoint and its commit: {recoveries:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_once_under_kills() {
    let kills = variable("MILLRACE_CHAOS_KILLS").unwrap_or(KILLS_DEFAULT);
    let seed = variable("MILLRACE_CHAOS_SEED").unwrap_or_else(|| rand::rng().random());
    if let Err(error) = run(kills, seed).await {
        panic!("seed {seed}: {error:#}");
    }
}
