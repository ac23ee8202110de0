//! The queries on a real Apache Flink.

use super::{EVENTS, PARTITIONS, Query};
use anyhow::{Context, bail};
use millrace_test_servers::{
    FlinkCluster,
    gateway::{Outcome, Session},
};
use std::time::{Duration, Instant};

/// A job over the whole topic may take this long on a busy machine.
const JOB_MAX: Duration = Duration::from_secs(600);

pub(super) struct Flink {
    cluster: FlinkCluster,
    session: Session,
    bootstrap: String,
}

impl Flink {
    /// Starts a cluster with the Kafka connector and declares the input.
    pub(super) fn start(bootstrap: &str) -> anyhow::Result<Self> {
        eprintln!("starting Flink");
        let cluster = FlinkCluster::start(&[FlinkCluster::kafka_connector()?])?;
        let parallelism = PARTITIONS.to_string();
        let properties = [
            ("execution.runtime-mode", "streaming"),
            ("execution.checkpointing.interval", "10 s"),
            ("parallelism.default", parallelism.as_str()),
            ("table.local-time-zone", "UTC"),
            // An INSERT answers when its job has ended.
            ("table.dml-sync", "true"),
        ];
        let session = Session::open(cluster.gateway_port(), &properties)?.with_statement_max(JOB_MAX);
        let flink = Self { cluster, session, bootstrap: bootstrap.to_owned() };
        flink.statement(&format!(
            "CREATE TABLE events ({EVENTS}) WITH ('connector' = 'kafka', 'topic' = 'in', \
             'properties.bootstrap.servers' = '{bootstrap}', 'properties.group.id' = 'bench', 'format' = 'json', \
             'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset')"
        ))?;
        Ok(flink)
    }

    /// Runs the query into the topic `output`; answers CPU-seconds and seconds.
    pub(super) fn run(&self, query: &Query, output: &str) -> anyhow::Result<(f64, f64)> {
        let columns: Vec<String> = query.columns.iter().map(|(name, data_type)| format!("{name} {data_type}")).collect();
        self.statement(&format!(
            "CREATE TABLE `{output}` ({}) WITH ('connector' = 'kafka', 'topic' = '{output}', \
             'properties.bootstrap.servers' = '{}', 'format' = 'json')",
            columns.join(", "),
            self.bootstrap
        ))?;
        let (cpu, clock) = (self.cluster.task_manager_cpu_seconds()?, Instant::now());
        self.statement(&format!("INSERT INTO `{output}` {}", query.text))?;
        Ok((self.cluster.task_manager_cpu_seconds()? - cpu, clock.elapsed().as_secs_f64()))
    }

    fn statement(&self, text: &str) -> anyhow::Result<()> {
        match self.session.run(text).with_context(|| text.to_owned())? {
            Outcome::Rows(_) => Ok(()),
            Outcome::Refused(message) => bail!("Flink refuses `{text}`: {message}"),
        }
    }
}
