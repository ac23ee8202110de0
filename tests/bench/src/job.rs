//! The benchmark job on an engine of its own.

use crate::{blackhole::Blackhole, large_state::Numbers, native_filter::NativeFilterKind};
use anyhow::Context;
use async_trait::async_trait;
use bytes::Bytes;
use millrace_checkpoint::LocalStore;
use millrace_connector::{Connection, ConnectorRegistry, TableBinding};
use millrace_connector_kafka::KafkaConnector;
use millrace_engine::{
    Catalog, CatalogError, EngineServices, JobHandle, PackageBinding, PackageLines, PackageRows, PluginBinding, StartFrom, StartOptions,
    TenantAccounts, operators::OperatorRegistry, state::StateSettings,
};
use millrace_model::{
    graph::JobGraph,
    ids::{InstanceId, TenantId},
};
use millrace_nexmark::side_input;
use millrace_sandbox::{CompilerCommand, Sandbox, SandboxConfig, TenantLimits};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// An engine with its sandbox, the benchmark plugin and a broker.
pub struct Bench {
    services: EngineServices,
    names: Names,
    runs: std::sync::atomic::AtomicU32,
    _folder: tempfile::TempDir,
}

struct Names {
    bootstrap: String,
    plugin: Option<PluginBinding>,
    /// Columns of the topic `in`.
    input: Value,
    /// Columns of every topic but `in`.
    output: Value,
}

/// The table whose rows are worked out.
pub const NUMBERS: &str = "numbers";
/// The table that takes everything and keeps nothing.
pub const NOWHERE: &str = "nowhere";

/// Columns of the corpus.
fn input_schema() -> Value {
    json!([
        {"name": "id", "type": "BIGINT"}, {"name": "usr", "type": "STRING"}, {"name": "item", "type": "STRING"},
        {"name": "action", "type": "STRING"}, {"name": "amount", "type": "DOUBLE"}, {"name": "region", "type": "STRING"},
        {"name": "ts", "type": "BIGINT"},
    ])
}

/// Columns of the output.
fn output_schema() -> Value {
    json!([
        {"name": "id", "type": "BIGINT"}, {"name": "usr", "type": "STRING"}, {"name": "item", "type": "STRING"},
        {"name": "amt", "type": "DOUBLE"},
    ])
}

impl Names {
    fn kind(&self, table: &str) -> &'static str {
        match table {
            NOWHERE => "blackhole",
            NUMBERS => "numbers",
            _ => "kafka",
        }
    }
}

#[async_trait]
impl Catalog for Names {
    /// Any other name than [`NOWHERE`] and [`NUMBERS`] is a topic.
    async fn table(&self, name: &str) -> Result<TableBinding, CatalogError> {
        let schema = if name == "in" || name == NUMBERS { self.input.clone() } else { self.output.clone() };
        let schema = serde_json::from_value(schema).map_err(|e| CatalogError::External(e.to_string()))?;
        let properties = BTreeMap::from([("bootstrap.servers".to_owned(), self.bootstrap.clone())]);
        Ok(TableBinding {
            name: name.to_owned(),
            physical_name: name.to_owned(),
            schema,
            format: json!({"type": "json"}),
            connection: Connection { kind: self.kind(name).into(), properties },
        })
    }

    async fn package(&self, name: &str, _version: Option<&str>) -> Result<PackageBinding, CatalogError> {
        if name != "side_input" {
            return Err(CatalogError::NotFound { what: format!("data package `{name}`"), suggestion: None });
        }
        let schema = json!([{"name": "key", "type": "BIGINT"}, {"name": "value", "type": "STRING"}]);
        Ok(PackageBinding {
            name: name.to_owned(),
            version: "1".into(),
            content_hash: hex::encode(Sha256::digest(side_input())),
            schema: serde_json::from_value(schema).map_err(|e| CatalogError::External(e.to_string()))?,
            rows: Arc::new(SideInput),
        })
    }

    async fn plugin(&self, name: &str, _version: Option<&str>) -> Result<PluginBinding, CatalogError> {
        let named = self.plugin.clone().filter(|plugin| plugin.name == name);
        named.ok_or_else(|| CatalogError::NotFound { what: format!("plugin `{name}`"), suggestion: None })
    }
}

/// What q13 of Nexmark looks up.
struct SideInput;

#[async_trait]
impl PackageRows for SideInput {
    async fn read(&self, _rows_max: u64) -> Result<PackageLines, String> {
        Ok(PackageLines { lines: side_input().lines().map(str::to_owned).collect(), iso_timestamps: false })
    }
}

/// What runs between source and sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// The plugin in the sandbox.
    Component,
    /// The same kernel as an operator of the engine.
    Native,
}

/// The sandbox's separate compile process: this program again.
pub fn compiler() -> anyhow::Result<CompilerCommand> {
    Ok(CompilerCommand { program: std::env::current_exe()?, args: vec!["compile-component".into()] })
}

impl Bench {
    /// Compiles the plugin.
    pub async fn new(bootstrap: &str, plugin: &Path) -> anyhow::Result<Self> {
        let mut bench = Self::open(bootstrap, input_schema(), output_schema())?;
        bench.add_plugin("bench-filter", plugin).await?;
        Ok(bench)
    }

    /// An engine for jobs that read a topic `in` of these columns and write to [`NOWHERE`]; with a SQL function.
    pub async fn reading(bootstrap: &str, input: Value, function: Option<(&str, &Path)>) -> anyhow::Result<Self> {
        let mut bench = Self::open(bootstrap, input, json!([]))?;
        if let Some((name, component)) = function {
            bench.add_plugin(name, component).await?;
        }
        Ok(bench)
    }

    /// An engine for jobs that read [`NUMBERS`] and write to [`NOWHERE`] in a process that has so much memory: a third is for
    /// keyed state, the rest for rows on their way, checkpoints being written and the program itself.
    pub fn of_numbers(memory_bytes: Option<u64>) -> anyhow::Result<Self> {
        let columns = [("k", "BIGINT"), ("v", "BIGINT"), ("name", "STRING")];
        let columns = columns.iter().map(|(name, data_type)| json!({"name": name, "type": data_type})).collect();
        let mut bench = Self::open("", columns, json!([]))?;
        if let Some(bytes) = memory_bytes {
            let folder = Some(bench._folder.path().join("state"));
            bench.services.state = StateSettings { folder, memory_bytes_max: bytes / 3, ..StateSettings::default() };
        }
        Ok(bench)
    }

    /// The plugin or function that jobs may name.
    async fn add_plugin(&mut self, name: &str, component: &Path) -> anyhow::Result<()> {
        let component = Bytes::from(std::fs::read(component).with_context(|| format!("plugin {}", component.display()))?);
        let content_hash = hex::encode(Sha256::digest(&component));
        self.services.sandbox.admit(component.clone()).await.context("plugin")?;
        self.names.plugin =
            Some(PluginBinding { name: name.into(), version: "1".into(), content_hash, component, grants: Default::default(), form: None });
        Ok(())
    }

    /// An engine for jobs without tenant code; all topics but `in` have these columns (name, type).
    pub fn without_plugin(bootstrap: &str, columns: &[(&str, &str)]) -> anyhow::Result<Self> {
        let output = columns.iter().map(|(name, data_type)| json!({"name": name, "type": data_type})).collect();
        Self::open(bootstrap, input_schema(), output)
    }

    fn open(bootstrap: &str, input: Value, output: Value) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let services = EngineServices {
            threads: Default::default(),
            sandbox: Sandbox::new(SandboxConfig::new(folder.path().join("cache"), [1; 32], compiler()?))?,
            connectors: ConnectorRegistry::default().with(Arc::new(KafkaConnector)).with(Arc::new(Blackhole)).with(Arc::new(Numbers)),
            functions: millrace_functions::FunctionRegistry::builtin(),
            operators: OperatorRegistry::builtin().with(Arc::new(NativeFilterKind)),
            checkpoints: Arc::new(LocalStore::open(folder.path().join("checkpoints"))?),
            accounts: TenantAccounts::new(TenantLimits::default()),
            state: StateSettings::default(),
        };
        let names = Names { bootstrap: bootstrap.to_owned(), plugin: None, input, output };
        Ok(Self { services, names, runs: std::sync::atomic::AtomicU32::new(0), _folder: folder })
    }

    /// Starts the job `input` → filter → `output`.
    pub async fn start(&self, filter: Filter, input: &str, start: &str, output: &str, delivery: &str) -> anyhow::Result<JobHandle> {
        let middle = match filter {
            Filter::Component => json!({"id": "filter", "kind": "etl", "config": {"plugin": "bench-filter"}}),
            Filter::Native => json!({"id": "filter", "kind": "native_filter"}),
        };
        self.start_graph(json!({
            "nodes": [
                {"id": "in", "kind": "kafka_source", "config": {"topic": input, "start": start}},
                middle,
                {"id": "out", "kind": "kafka_sink", "config": {"topic": output, "delivery": delivery}},
            ],
            "edges": [{"from": "in", "to": "filter"}, {"from": "filter", "to": "out"}],
        }))
        .await
    }

    /// Starts the job of this graph.
    pub async fn start_graph(&self, graph: Value) -> anyhow::Result<JobHandle> {
        self.start_graph_from(graph, StartFrom::Fresh).await
    }

    /// Starts the job of this graph from what another run has left.
    pub async fn start_graph_from(&self, graph: Value, from: StartFrom) -> anyhow::Result<JobHandle> {
        let graph: JobGraph = serde_json::from_value(graph)?;
        let tenant = TenantId::new("bench");
        let plan = millrace_engine::plan(&graph, &tenant, &self.names, &self.services).await;
        let plan = plan.map_err(|errors| anyhow::anyhow!("the job is refused: {errors:?}"))?;
        let run = self.runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let instance = InstanceId::new(format!("run-{run}"));
        let options = StartOptions { tenant, instance, job: "bench".into(), version_hash: "bench".into(), from };
        Ok(millrace_engine::start(plan, options, &self.services).await?)
    }
}

/// Sum of a metric over the subtasks of a node.
pub fn metric(handle: &JobHandle, node: &str, name: &str) -> f64 {
    let metrics = handle.metrics();
    let operator = metrics.operators.iter().find(|o| o.node.as_str() == node);
    operator.map_or(0.0, |o| o.subtasks.iter().filter_map(|s| s.get(name)).sum())
}
