//! The queries on a real Apache Flink.

use super::{Cost, PARTITIONS, TOPIC};
use anyhow::{Context, bail, ensure};
use millrace_nexmark::{JAVA_FACTORY, JAVA_FUNCTION, JAVA_SOURCES, Query, side_input};
use millrace_test_servers::{
    FlinkCluster,
    gateway::{Outcome, Session},
};
use std::{
    cell::Cell,
    path::Path,
    time::{Duration, Instant},
};

/// A query over the whole topic may take this long on a busy machine.
const JOB_MAX: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(50);
pub(super) struct Flink {
    cluster: FlinkCluster,
    /// Options of the tables.
    events: String,
    side_input: String,
    runs: Cell<u32>,
    _folder: tempfile::TempDir,
}

impl Flink {
    pub(super) fn start(bootstrap: &str) -> anyhow::Result<Self> {
        eprintln!("starting Flink");
        let folder = tempfile::tempdir()?;
        // The measure is run from the repository's root.
        let own = FlinkCluster::compile(Path::new(JAVA_SOURCES), JAVA_FACTORY, folder.path())?;
        let cluster = FlinkCluster::start_large(&[FlinkCluster::kafka_connector()?, own])?;
        let rows = folder.path().join("side_input.jsonl");
        std::fs::write(&rows, side_input())?;
        let side_input = format!("WITH ('connector' = 'side_input', 'path' = '{}')", rows.display());
        let events = format!(
            "WITH ('connector' = 'kafka', 'topic' = '{TOPIC}', 'properties.bootstrap.servers' = '{bootstrap}', \
             'properties.group.id' = 'bench', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', \
             'scan.bounded.mode' = 'latest-offset')"
        );
        Ok(Self { cluster, events, side_input, runs: Cell::new(0), _folder: folder })
    }

    /// The cost of the topic's second half.
    pub(super) fn run(&self, query: &Query, events: u64) -> anyhow::Result<Cost> {
        let job = self.submit(query)?;
        let deadline = Instant::now() + JOB_MAX;
        let mut half = None;
        loop {
            ensure!(Instant::now() < deadline, "not done within {} s", JOB_MAX.as_secs());
            match self.cluster.job_state(&job)?.as_str() {
                "FINISHED" => break,
                "FAILED" | "CANCELED" => bail!("{}", self.cluster.job_failure(&job)?),
                _ => {}
            }
            if half.is_none() {
                let read = self.cluster.records_read(&job)?;
                let found = (read, self.cluster.task_manager_cpu_seconds()?, Instant::now());
                half = (read >= events as f64 / 2.0).then_some(found);
            }
            std::thread::sleep(POLL);
        }
        let (read, cpu, clock) = half.context("the job ended before it was seen to have read half of the topic")?;
        ensure!(read < events as f64 * 0.9, "{read} records were read when it was seen first; take more events");
        let cpu_seconds = self.cluster.task_manager_cpu_seconds()? - cpu;
        Ok(Cost::of(events as f64 - read, cpu_seconds, clock.elapsed().as_secs_f64()))
    }

    /// Starts the query in a session of its own; answers the job's number.
    fn submit(&self, query: &Query) -> anyhow::Result<String> {
        let parallelism = PARTITIONS.to_string();
        let properties = [
            ("execution.runtime-mode", "streaming"),
            ("parallelism.default", parallelism.as_str()),
            // As the benchmark's own suite runs Flink.
            ("pipeline.object-reuse", "true"),
            ("table.local-time-zone", "UTC"),
        ];
        let session = Session::open(self.cluster.gateway_port(), &properties)?;
        let statement = |text: &str| match session.run(text).with_context(|| text.to_owned())? {
            Outcome::Rows(rows) => Ok(rows),
            Outcome::Refused(message) => bail!("Flink refuses `{text}`: {message}"),
        };
        let (tables, select) = query.statements(&self.events, &self.side_input);
        if query.has_function() {
            statement(JAVA_FUNCTION)?;
        }
        for table in &tables {
            statement(table)?;
        }
        let run = self.runs.replace(self.runs.get() + 1);
        let rows = statement(&format!("CREATE TABLE nothing_{run} WITH ('connector' = 'blackhole') AS {select}"))?;
        let job = rows.rows.first().and_then(|(_, cells)| cells.first().cloned().flatten());
        job.context("Flink started the query and named no job")
    }
}
