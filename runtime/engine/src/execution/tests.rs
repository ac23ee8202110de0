//! Whole executions against a source and a sink in memory: restores at other parallelism, exactly once, failures.

use super::*;
use crate::{
    catalog::{Catalog, CatalogError, PluginBinding},
    operators::OperatorRegistry,
    services::TenantAccounts,
};
use arrow_array::{Int64Array, RecordBatch, cast::AsArray, types::Int64Type};
use async_trait::async_trait;
use bytes::Bytes;
use millrace_checkpoint::LocalStore;
use millrace_connector::*;
use millrace_model::{Batch, Schema, graph::JobGraph, ids::CheckpointId};
use millrace_sandbox::{CompilerCommand, Sandbox, SandboxConfig, TenantLimits};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

const PARTITIONS: i64 = 4;

/// The outside world: how much each partition may read yet, and what has been made visible.
#[derive(Default)]
struct World {
    available: Mutex<i64>,
    visible: Mutex<Visible>,
    fail_commit_of: Mutex<Option<CheckpointId>>,
}

#[derive(Default)]
struct Visible {
    rows: Vec<i64>,
    tokens: HashMap<String, CheckpointId>,
}

struct MemoryConnector(Arc<World>);

#[async_trait]
impl Connector for MemoryConnector {
    fn kind(&self) -> &'static str {
        "memory"
    }
    fn check_source(&self, _: &serde_json::Map<String, serde_json::Value>, _: &TableBinding) -> Vec<ConfigError> {
        Vec::new()
    }
    fn check_sink(&self, _: &serde_json::Map<String, serde_json::Value>, _: &TableBinding, _: &Schema) -> Vec<ConfigError> {
        Vec::new()
    }
    async fn ensure_table(&self, _: &TableBinding, _: &serde_json::Value) -> Result<bool, ConnectorError> {
        Ok(false)
    }
    async fn open_source(&self, context: SourceContext) -> Result<Box<dyn Source>, ConnectorError> {
        let mut positions: BTreeMap<i64, i64> =
            (0..PARTITIONS).filter(|p| *p as usize % context.parallelism == context.subtask).map(|p| (p, 0)).collect();
        for state in &context.restored {
            let old: BTreeMap<i64, i64> = serde_json::from_slice(state).unwrap();
            for (partition, next) in old {
                positions.entry(partition).and_modify(|n| *n = next);
            }
        }
        Ok(Box::new(MemorySource { world: self.0.clone(), positions, schema: context.table.schema }))
    }
    async fn open_sink(&self, context: SinkContext) -> Result<Box<dyn Sink>, ConnectorError> {
        for state in &context.restored {
            let prepared: Prepared = serde_json::from_slice(&state.bytes).unwrap();
            publish(&self.0, prepared, &context.metrics);
        }
        let name = format!("{}/{}/{}", context.instance, context.operator, context.subtask);
        Ok(Box::new(MemorySink { world: self.0.clone(), name, pending: Vec::new(), prepared: Vec::new() }))
    }
    async fn open_dead_letters(&self, _: &TableBinding) -> Result<Arc<dyn DeadLetters>, ConnectorError> {
        Err(ConnectorError::Config("none".into()))
    }
}

struct MemorySource {
    world: Arc<World>,
    positions: BTreeMap<i64, i64>,
    schema: Schema,
}

#[async_trait]
impl Source for MemorySource {
    /// Every number is emitted twice, in two batches, so that deduplication has something to do.
    async fn next(&mut self) -> Result<SourceEvent, ConnectorError> {
        loop {
            tokio::time::sleep(Duration::from_micros(200)).await;
            let available = *self.world.available.lock().unwrap();
            let Some((partition, next)) = self.positions.iter_mut().filter(|(_, n)| **n < 2 * available).min_by_key(|(_, n)| **n) else {
                continue;
            };
            let values: Vec<i64> = (*next..(*next + 7).min(2 * available)).map(|i| (i / 2) * PARTITIONS + partition).collect();
            *next += values.len() as i64;
            let rows = RecordBatch::try_new(self.schema.to_arrow(), vec![Arc::new(Int64Array::from(values))]).unwrap();
            return Ok(SourceEvent::Batch(Batch::inserts(rows)));
        }
    }
    fn snapshot(&mut self) -> Result<Vec<u8>, ConnectorError> {
        Ok(serde_json::to_vec(&self.positions).unwrap())
    }
    async fn committed(&mut self, _checkpoint: millrace_model::ids::CheckpointId, _: &[u8]) -> Result<(), ConnectorError> {
        Ok(())
    }
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Prepared {
    name: String,
    token: CheckpointId,
    rows: Vec<i64>,
}

struct MemorySink {
    world: Arc<World>,
    name: String,
    pending: Vec<i64>,
    prepared: Vec<Prepared>,
}

fn publish(world: &World, prepared: Prepared, metrics: &SinkMetrics) {
    let mut visible = world.visible.lock().unwrap();
    if visible.tokens.get(&prepared.name).is_some_and(|t| *t >= prepared.token) {
        metrics.recovered_already_committed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        return;
    }
    metrics.recovered_written_again.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    visible.tokens.insert(prepared.name, prepared.token);
    visible.rows.extend(prepared.rows);
}

#[async_trait]
impl Sink for MemorySink {
    async fn write(&mut self, batch: Batch) -> Result<(), ConnectorError> {
        self.pending.extend(batch.rows.column(0).as_primitive::<Int64Type>().values());
        Ok(())
    }
    async fn prepare(&mut self, checkpoint: CheckpointId) -> Result<Bytes, ConnectorError> {
        let mut rows: Vec<i64> = self.prepared.drain(..).flat_map(|p| p.rows).collect();
        rows.append(&mut self.pending);
        let prepared = Prepared { name: self.name.clone(), token: checkpoint, rows };
        self.prepared.push(prepared.clone());
        Ok(Bytes::from(serde_json::to_vec(&prepared).unwrap()))
    }
    async fn commit(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        if *self.world.fail_commit_of.lock().unwrap() == Some(checkpoint) {
            let message = "gone".to_owned();
            return Err(ConnectorError::External { system: "memory".into(), message, retryable: true });
        }
        while let Some(first) = self.prepared.first()
            && first.token <= checkpoint
        {
            publish(&self.world, self.prepared.remove(0), &SinkMetrics::default());
        }
        Ok(())
    }
}

struct Names;

#[async_trait]
impl Catalog for Names {
    async fn table(&self, name: &str) -> Result<TableBinding, CatalogError> {
        let schema = serde_json::from_value(serde_json::json!([{"name": "n", "type": "BIGINT"}])).unwrap();
        let connection = Connection { kind: "memory".into(), properties: BTreeMap::new() };
        let name = name.to_owned();
        Ok(TableBinding { physical_name: name.clone(), name, schema, format: serde_json::json!({"type": "json"}), connection })
    }
    async fn plugin(&self, name: &str, _: Option<&str>) -> Result<PluginBinding, CatalogError> {
        Err(CatalogError::NotFound { what: format!("plugin `{name}`"), suggestion: None })
    }
}

struct Bench {
    world: Arc<World>,
    services: EngineServices,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Arc::new(World::default());
        let compiler = CompilerCommand { program: "false".into(), args: Vec::new() };
        let sandbox = Sandbox::new(SandboxConfig::new(folder.path().join("cache"), [7; 32], compiler)).unwrap();
        let services = EngineServices {
            threads: Default::default(),
            sandbox,
            connectors: ConnectorRegistry::default().with(Arc::new(MemoryConnector(world.clone()))),
            operators: OperatorRegistry::builtin(),
            functions: millrace_functions::FunctionRegistry::builtin(),
            checkpoints: Arc::new(LocalStore::open(folder.path().join("checkpoints")).unwrap()),
            accounts: TenantAccounts::new(TenantLimits::default()),
            state: crate::state::StateSettings::default(),
        };
        Self { world, services, _folder: folder }
    }

    async fn start(&self, parallelism: [u16; 3], from: StartFrom) -> Result<JobHandle, EngineError> {
        let graph: JobGraph = serde_json::from_value(serde_json::json!({
            "nodes": [
                {"id": "in", "kind": "memory_source", "config": {"table": "t"}, "parallelism": parallelism[0]},
                {"id": "once", "kind": "deduplicate", "config": {"key_fields": ["n"]}, "parallelism": parallelism[1]},
                {"id": "out", "kind": "memory_sink", "config": {"table": "t"}, "parallelism": parallelism[2]},
            ],
            "edges": [{"from": "in", "to": "once"}, {"from": "once", "to": "out"}],
            "parameters": {"checkpoint_interval_ms": 10},
        }))
        .unwrap();
        let tenant = TenantId::new("t1");
        let plan = crate::plan(&graph, &tenant, &Names, &self.services).await.unwrap();
        let options = StartOptions { tenant, instance: InstanceId::new("i1"), job: "j".into(), version_hash: "v".into(), from };
        start(plan, options, &self.services).await
    }

    fn allow(&self, rows_per_partition: i64) {
        *self.world.available.lock().unwrap() = rows_per_partition;
    }

    fn visible(&self) -> Vec<i64> {
        let mut rows = self.world.visible.lock().unwrap().rows.clone();
        rows.sort();
        rows
    }

    async fn until_visible(&self, count: usize) {
        let all = async {
            while self.visible().len() < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(30), all).await;
        assert!(ended.is_ok(), "{} of {count} rows are visible after 30 s", self.visible().len());
    }
}

fn first(count: i64) -> Vec<i64> {
    (0..count).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_and_other_parallelism_leave_every_row_exactly_once() {
    let bench = Bench::new();
    let shapes = [[1, 1, 1], [2, 4, 1], [4, 2, 2], [1, 3, 4]];
    for round in 0..24 {
        bench.allow((round + 1) * 50);
        let handle = bench.start(shapes[round as usize % shapes.len()], StartFrom::LatestCheckpoint).await.unwrap();
        // Ends at another moment each time: in the middle of a batch, a checkpoint, a commit.
        tokio::time::sleep(Duration::from_millis(5 + (round as u64 * 7) % 40)).await;
        handle.cancel();
        let ended = handle.ended().await;
        assert!(matches!(ended, ExecutionState::Stopped), "round {round}: {ended:?}");
    }
    let handle = bench.start([2, 2, 2], StartFrom::LatestCheckpoint).await.unwrap();
    bench.until_visible(24 * 50 * PARTITIONS as usize).await;
    handle.stop(None).await.unwrap();
    assert_eq!(bench.visible(), first(24 * 50 * PARTITIONS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_with_savepoint_and_start_from_it_goes_on_without_loss() {
    let bench = Bench::new();
    bench.allow(100);
    let handle = bench.start([1, 2, 1], StartFrom::Fresh).await.unwrap();
    let info = handle.stop(Some(&millrace_model::ids::SavepointId::new("sp1"))).await.unwrap().unwrap();
    let at_stop = bench.visible();
    assert_eq!(handle.checkpoints().last().unwrap().savepoint, Some(info.id.clone()));
    let handle = bench.start([2, 1, 2], StartFrom::Savepoint { location: info.location, allow_partial: false }).await.unwrap();
    bench.until_visible(100 * PARTITIONS as usize).await;
    assert_eq!(bench.visible(), first(100 * PARTITIONS), "{} rows were visible at the stop", at_stop.len());
    handle.stop(None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_commit_fails_the_job_and_the_restart_writes_it_again() {
    let bench = Bench::new();
    bench.allow(50);
    *bench.world.fail_commit_of.lock().unwrap() = Some(2);
    let handle = bench.start([1, 1, 1], StartFrom::Fresh).await.unwrap();
    let ExecutionState::Failed(failure) = handle.ended().await else { panic!("the job must fail") };
    assert_eq!((failure.operator.unwrap().as_str(), failure.retryable), ("out", true));
    assert_eq!(failure.message, "memory: gone");
    *bench.world.fail_commit_of.lock().unwrap() = None;
    let handle = bench.start([1, 1, 1], StartFrom::LatestCheckpoint).await.unwrap();
    bench.until_visible(50 * PARTITIONS as usize).await;
    handle.stop(None).await.unwrap();
    assert_eq!(bench.visible(), first(50 * PARTITIONS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_savepoint_of_another_job_is_refused_by_name() {
    let bench = Bench::new();
    bench.allow(10);
    let handle = bench.start([1, 1, 1], StartFrom::Fresh).await.unwrap();
    let info = handle.stop(Some(&millrace_model::ids::SavepointId::new("sp1"))).await.unwrap().unwrap();
    let graph: JobGraph = serde_json::from_value(serde_json::json!({
        "nodes": [
            {"id": "other", "kind": "memory_source", "config": {"table": "t"}},
            {"id": "out", "kind": "memory_sink", "config": {"table": "t"}},
        ],
        "edges": [{"from": "other", "to": "out"}],
    }))
    .unwrap();
    let tenant = TenantId::new("t1");
    let plan = crate::plan(&graph, &tenant, &Names, &bench.services).await.unwrap();
    let from = StartFrom::Savepoint { location: info.location, allow_partial: false };
    let options = StartOptions { tenant, instance: InstanceId::new("i2"), job: "j".into(), version_hash: "v".into(), from };
    let Err(error) = start(plan, options, &bench.services).await else { panic!("must be refused") };
    assert!(error.to_string().contains("holds state of the node `in`, which the job no longer has"), "{error}");
}

#[tokio::test]
async fn a_wrong_graph_is_refused_with_node_field_and_reason() {
    let bench = Bench::new();
    let graph: JobGraph = serde_json::from_value(serde_json::json!({
        "nodes": [
            {"id": "in", "kind": "memory_source", "config": {}},
            {"id": "once", "kind": "deduplicate", "config": {"key_fields": ["m"]}},
            {"id": "in2", "kind": "memory_source", "config": {"table": "t"}},
            {"id": "once2", "kind": "deduplicate", "config": {"key_fields": ["m"]}},
            {"id": "etl", "kind": "etl", "config": {"plugin": "p", "colour": "red"}},
            {"id": "out", "kind": "memory_sink", "config": {"table": "t"}},
        ],
        "edges": [{"from": "in", "to": "once"}, {"from": "once", "to": "out"}, {"from": "in2", "to": "once2"},
            {"from": "once2", "to": "out"}, {"from": "in2", "to": "etl"}, {"from": "etl", "to": "out"}],
    }))
    .unwrap();
    let Err(errors) = crate::plan(&graph, &TenantId::new("t1"), &Names, &bench.services).await else { panic!("must be refused") };
    let shown: Vec<String> = errors.iter().map(|e| format!("{} {e}", e.code)).collect();
    assert_eq!(
        shown,
        [
            "config.missing node `in`, field `config.table`: is missing; name a table of the project",
            "config.unknown_column node `once2`, field `config.key_fields`: column `m` is not in the input; its columns are n",
            "config.invalid node `etl`, field `config.colour`: unknown field `colour`, expected one of `plugin`, `version`, `parameters`, `on_fault`, `on_record_error`",
        ]
    );
}
