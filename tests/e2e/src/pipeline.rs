//! The job that most tests run: a Kafka topic → the sample operator → a Kafka topic, in a project of its own.

use crate::{Api, Kafka, Project, Server, api::Problem, corpus, corpus::Event, wait::until};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// How a pipeline is made.
#[derive(Debug, Clone)]
pub struct PipelineOptions {
    /// Partitions of the input and the output topic.
    pub partitions: i32,
    /// Subtasks of every operator.
    pub parallelism: u16,
    /// `exactly_once` or `at_least_once`.
    pub delivery: &'static str,
    /// Time between checkpoints.
    pub checkpoint_interval_ms: u64,
    /// Checkpoints in a row that may fail.
    pub checkpoint_failures_max: u32,
    /// Rows per batch at most.
    pub batch_rows_max: u32,
    /// The component in the middle, which must send the columns that it gets; the sample operator when absent.
    pub component: Option<Vec<u8>>,
}

/// Name of the job in its project.
pub const JOB: &str = "purchases";

impl Default for PipelineOptions {
    fn default() -> Self {
        Self {
            partitions: 2,
            parallelism: 2,
            delivery: "exactly_once",
            checkpoint_interval_ms: 200,
            checkpoint_failures_max: 1_000,
            batch_rows_max: 8_192,
            component: None,
        }
    }
}

/// One pipeline: topics in the broker, a project with everything that the job needs, the job, and its instance.
pub struct Pipeline {
    /// The project.
    pub project: Project,
    /// The broker.
    pub kafka: Kafka,
    /// Input topic in the broker.
    pub input: String,
    /// Output topic in the broker.
    pub output: String,
    /// Topic of what could not be processed.
    pub dead_letters: String,
    /// The instance's id, once there is one.
    pub instance: String,
    options: PipelineOptions,
}

/// Columns that the sample operator sends.
#[must_use]
pub fn output_columns() -> Value {
    json!([
        {"name": "id", "type": "BIGINT", "nullable": false},
        {"name": "usr", "type": "STRING", "nullable": false},
        {"name": "item", "type": "STRING", "nullable": false},
        {"name": "amt", "type": "DOUBLE", "nullable": false},
    ])
}

/// Columns of dead letters.
fn dead_letter_columns() -> Value {
    json!([
        {"name": "operator", "type": "STRING"},
        {"name": "reason", "type": "STRING"},
        {"name": "message", "type": "STRING"},
        {"name": "origin", "type": "STRING"},
    ])
}

/// A component that `cargo xtask plugins` has built.
///
/// # Errors
/// It is not there.
pub fn component(name: &str) -> anyhow::Result<Vec<u8>> {
    let folder = std::env::var_os("MILLRACE_PLUGINS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins"), PathBuf::from);
    let path = folder.join(format!("{name}.wasm"));
    std::fs::read(&path).with_context(|| format!("{}: build it first with `cargo xtask plugins`", path.display()))
}

/// A name that no other test of this run uses, in the broker or in a server.
#[must_use]
pub fn unique(stem: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{stem}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Pipeline {
    /// Makes topics, tenant, project, data source, plugin and job; a version of it is submitted, and nothing runs yet.
    ///
    /// # Errors
    /// The broker or the server refuses.
    pub async fn make(api: &Api, kafka: &Kafka, options: PipelineOptions) -> anyhow::Result<Self> {
        let name = unique("e2e");
        let (input, output, dead_letters) = (format!("{name}-in"), format!("{name}-out"), format!("{name}-dead"));
        kafka.create_topic(&input, options.partitions).await?;
        kafka.create_topic(&output, options.partitions).await?;
        kafka.create_topic(&dead_letters, 1).await?;
        let project = api.make_project(&name).await?;
        project.make_kafka("kafka", kafka.bootstrap()).await?;
        project.make_topic("events", &input, &corpus::input_columns()).await?;
        let columns = if options.component.is_some() { corpus::input_columns() } else { output_columns() };
        project.make_topic("purchases", &output, &columns).await?;
        project.make_topic("dead", &dead_letters, &dead_letter_columns()).await?;
        let middle = options.component.clone().map_or_else(|| component("bench-filter"), Ok)?;
        project.upload_plugin("bench-filter", middle).await?;
        let pipeline = Self { project, kafka: kafka.clone(), input, output, dead_letters, instance: String::new(), options };
        pipeline.project.make_job(JOB, &pipeline.graph()).await?;
        pipeline.project.submit(JOB).await?;
        Ok(pipeline)
    }

    /// The job graph.
    #[must_use]
    pub fn graph(&self) -> Value {
        let o = &self.options;
        json!({
            "nodes": [
                {"id": "events", "kind": "kafka_source", "config": {"topic": "events", "start": "earliest"}},
                {"id": "filter", "kind": "etl", "config": {"plugin": "bench-filter"}},
                {"id": "purchases", "kind": "kafka_sink", "config": {"topic": "purchases", "delivery": o.delivery}},
            ],
            "edges": [{"from": "events", "to": "filter"}, {"from": "filter", "to": "purchases"}],
            "parameters": {
                "parallelism": o.parallelism,
                "checkpoint_interval_ms": o.checkpoint_interval_ms,
                "checkpoint_failures_max": o.checkpoint_failures_max,
                "batch_rows_max": o.batch_rows_max,
                "dead_letter_topic": "dead",
                "restart": {"attempts_max": 1_000_000, "delay_ms": 50, "delay_max_ms": 500},
            },
        })
    }

    /// Makes an instance that takes its state from `start`, with values for the job's parameters, and starts it. From
    /// here on this pipeline's instance is that one.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn launch(&mut self, start: Value, parameters: Value) -> anyhow::Result<()> {
        self.instance = self.project.make_instance(JOB, &start, &parameters).await?;
        self.project.start_instance(&self.instance, None).await?;
        Ok(())
    }

    /// [`Self::launch`] from scratch, and waits until rows can flow.
    ///
    /// # Errors
    /// The server refuses, or the instance does not run in time.
    pub async fn launch_fresh(&mut self) -> anyhow::Result<()> {
        self.launch(json!({"from": "fresh"}), json!({})).await?;
        self.await_state("running", 60).await
    }

    /// What the server says of the instance.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn status(&self) -> Result<Value, Problem> {
        self.project.instance(&self.instance).await
    }

    /// Waits for a state of the instance.
    ///
    /// # Errors
    /// It fails for good, or is not in that state in time.
    pub async fn await_state(&self, wanted: &str, seconds: u64) -> anyhow::Result<()> {
        self.project.await_state(&self.instance, wanted, seconds).await
    }

    /// Stops with a savepoint and answers its id.
    ///
    /// # Errors
    /// The server refuses, or the instance does not stop in time.
    pub async fn stop_with_savepoint(&self, seconds: u64) -> anyhow::Result<String> {
        self.project.stop_instance(&self.instance, true).await?;
        self.await_state("stopped", seconds).await?;
        let latest = self.project.savepoints(&self.instance).await?;
        let savepoint = latest["items"][0].clone();
        anyhow::ensure!(savepoint["state"] == "completed", "the savepoint of the stop is {savepoint}");
        savepoint["id"].as_str().map(str::to_owned).with_context(|| format!("no id in {savepoint}"))
    }

    /// Sum of a metric over the subtasks of an operator; `None` while the instance does not run.
    pub async fn metric(&self, operator: &str, name: &str) -> Option<f64> {
        let metrics = self.project.metrics(&self.instance).await.ok()?;
        let operators = metrics["operators"].as_array()?;
        let operator = operators.iter().find(|o| o["node"] == operator)?;
        let subtasks = operator["subtasks"].as_array()?;
        Some(subtasks.iter().filter_map(|s| s[name].as_f64()).sum())
    }

    /// Checkpoints of the instance's runs that are complete, by their manifests in the folder of `server`.
    #[must_use]
    pub fn manifests(&self, server: &Server) -> Vec<PathBuf> {
        manifests(&server.data_dir().join("checkpoints"), &self.instance)
    }

    /// Checks that the output topic holds exactly what must become of the events below `sent`: every record there, none
    /// twice, each with the right values.
    ///
    /// # Errors
    /// What is missing, too much or wrong.
    pub fn check_output(&self, sent: u64) -> anyhow::Result<u64> {
        let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
        for record in self.kafka.read_all(&self.output)? {
            let row = record.json()?;
            let id = row["id"].as_u64().with_context(|| format!("no `id` in {row}"))?;
            Event::new(id).check_output(&row).map_err(anyhow::Error::msg)?;
            *counts.entry(id).or_default() += 1;
        }
        let expected: Vec<u64> = (0..sent).filter(|id| Event::new(*id).passes()).collect();
        let lost: Vec<u64> = expected.iter().copied().filter(|id| !counts.contains_key(id)).collect();
        let repeated: Vec<_> = counts.iter().filter(|(_, n)| **n > 1).collect();
        let strange: Vec<_> = counts.keys().filter(|id| **id >= sent || !Event::new(**id).passes()).collect();
        if !(lost.is_empty() && repeated.is_empty() && strange.is_empty()) {
            bail!(
                "of {} expected records {} are lost (first {:?}), {} are repeated (first {:?}), {} should not be there (first {:?})",
                expected.len(),
                lost.len(),
                lost.iter().take(5).collect::<Vec<_>>(),
                repeated.len(),
                repeated.iter().take(5).collect::<Vec<_>>(),
                strange.len(),
                strange.iter().take(5).collect::<Vec<_>>(),
            );
        }
        Ok(expected.len() as u64)
    }

    /// Waits until the job has read everything and its output is committed, without looking at the output itself.
    ///
    /// # Errors
    /// Not in time.
    pub async fn await_output(&self, sent: u64, seconds: u64) -> anyhow::Result<()> {
        let wanted = (0..sent).filter(|id| Event::new(*id).passes()).count();
        let mut reader = self.kafka.reader(&self.output)?;
        let mut seen = 0;
        until("all output is committed", seconds, async || {
            while seen < wanted && reader.next(std::time::Duration::from_millis(50)).map_err(|e| e.to_string())?.is_some() {
                seen += 1;
            }
            if seen >= wanted { Ok(()) } else { Err(format!("{seen} of {wanted} records")) }
        })
        .await
    }
}

/// Manifests below `folder` of all runs of `instance`: of checkpoints that are complete.
#[must_use]
pub fn manifests(folder: &Path, instance: &str) -> Vec<PathBuf> {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found = Vec::new();
    for run in entries(folder).filter(|e| e.file_name().to_string_lossy().starts_with(instance)) {
        for checkpoint in entries(&run.path()) {
            let manifest = checkpoint.path().join("manifest.json");
            if manifest.exists() {
                found.push(manifest);
            }
        }
    }
    found
}
