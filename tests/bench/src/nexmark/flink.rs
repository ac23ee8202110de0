//! The queries on a real Apache Flink.

use super::{Cost, PARTITIONS, TOPIC};
use anyhow::{Context, bail, ensure};
use millrace_nexmark::Query;
use millrace_test_servers::{
    FlinkCluster,
    gateway::{Outcome, Session},
};
use std::{
    cell::Cell,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// A query over the whole topic may take this long on a busy machine.
const JOB_MAX: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(50);
/// The function that q14 calls.
const FUNCTION: &str = "package millrace.nexmark;
public class CountChar extends org.apache.flink.table.functions.ScalarFunction {
    public long eval(String text, String wanted) {
        var count = 0L;
        var letter = wanted.charAt(0);
        for (var at = 0; text != null && at < text.length(); at++) {
            if (text.charAt(at) == letter) {
                count++;
            }
        }
        return count;
    }
}
";

pub(super) struct Flink {
    cluster: FlinkCluster,
    events: String,
    runs: Cell<u32>,
    _folder: tempfile::TempDir,
}

impl Flink {
    pub(super) fn start(bootstrap: &str) -> anyhow::Result<Self> {
        eprintln!("starting Flink");
        let folder = tempfile::tempdir()?;
        let cluster = FlinkCluster::start_large(&[FlinkCluster::kafka_connector()?, function(folder.path())?])?;
        let events = format!(
            "WITH ('connector' = 'kafka', 'topic' = '{TOPIC}', 'properties.bootstrap.servers' = '{bootstrap}', \
             'properties.group.id' = 'bench', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', \
             'scan.bounded.mode' = 'latest-offset')"
        );
        Ok(Self { cluster, events, runs: Cell::new(0), _folder: folder })
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
        let (tables, select) = query.statements(&self.events, "WITH ('connector' = 'side_input')");
        if query.has_function() {
            statement("CREATE TEMPORARY SYSTEM FUNCTION count_char AS 'millrace.nexmark.CountChar' LANGUAGE JAVA")?;
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

/// Compiles the function of q14; answers its jar.
fn function(folder: &Path) -> anyhow::Result<PathBuf> {
    let (source, classes, jar) = (folder.join("CountChar.java"), folder.join("classes"), folder.join("count-char.jar"));
    std::fs::write(&source, FUNCTION)?;
    call(Command::new("javac").arg("-cp").arg(FlinkCluster::jars()?.join("*")).arg("-d").arg(&classes).arg(&source))?;
    call(Command::new("jar").arg("cf").arg(&jar).arg("-C").arg(&classes).arg("."))?;
    Ok(jar)
}

fn call(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start {program} (is a JDK 17 installed?)"))?;
    ensure!(output.status.success(), "{program} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(())
}
