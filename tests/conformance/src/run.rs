//! Runs one case as a job of the native engine.

use crate::{
    case::{Answer, Case},
    connector::{CaseConnector, KIND},
};
use anyhow::{Context, Result, anyhow, ensure};
use async_trait::async_trait;
use millrace_checkpoint::LocalStore;
use millrace_connector::{Connection, ConnectorRegistry, TableBinding};
use millrace_engine::{
    Catalog, CatalogError, EngineServices, ExecutionState, PluginBinding, StartFrom, StartOptions, TenantAccounts,
    operators::OperatorRegistry,
};
use millrace_functions::{EvaluationContext, FunctionRegistry};
use millrace_model::{
    Field, Schema,
    graph::JobGraph,
    ids::{InstanceId, TenantId},
};
use millrace_sandbox::{CompilerCommand, Sandbox, SandboxConfig, TenantLimits};
use millrace_sql::{
    TableDefinition,
    ast::{CreateTable, StatementKind},
    parser,
    settings::Settings,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicUsize},
};

/// How a case is run.
#[derive(Debug, Clone, Copy)]
pub struct RunOptions {
    /// Subtasks of each operator.
    pub parallelism: u16,
    /// Most rows per batch.
    pub rows_per_batch_max: usize,
}

/// What a run gave.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The sink's columns and rows.
    pub answer: Answer,
    /// Rows that operators of the engine took in: proof that it did the work.
    pub records_processed: u64,
}

/// Runs `case`.
///
/// # Errors
/// The text is refused, the job fails, or the case cannot be read.
pub async fn run(case: &Case, options: RunOptions) -> Result<Outcome> {
    let folder = tempfile::tempdir()?;
    let statements = parser::parse_script(&case.sql).map_err(|e| anyhow!(e.at(&case.sql)))?;
    let mut settings = Settings::default();
    let mut tables = Vec::new();
    for statement in &statements {
        match &statement.kind {
            StatementKind::CreateTable(table) => tables.push(table),
            StatementKind::Set(option) => settings.set(option).map_err(|e| anyhow!(e.at(&case.sql)))?,
            _ => {}
        }
    }
    let (graph, catalog) = job(case, &tables, options)?;
    let received = Arc::default();
    let connector = CaseConnector {
        folder: case.folder.clone(),
        rows_per_batch_max: options.rows_per_batch_max,
        context: EvaluationContext { zone: settings.zone, now_ms: 0 },
        received: Arc::clone(&received),
    };
    let compiler = CompilerCommand { program: "false".into(), args: Vec::new() };
    let services = EngineServices {
        sandbox: Sandbox::new(SandboxConfig::new(folder.path().join("cache"), [7; 32], compiler))?,
        connectors: ConnectorRegistry::default().with(Arc::new(connector)),
        operators: OperatorRegistry::builtin(),
        functions: FunctionRegistry::builtin(),
        checkpoints: Arc::new(LocalStore::open(folder.path().join("checkpoints"))?),
        accounts: TenantAccounts::new(TenantLimits::default()),
    };
    let tenant = TenantId::new("t1");
    let plan = millrace_engine::plan(&graph, &tenant, &catalog, &services).await;
    let plan = plan.map_err(|errors| anyhow!(errors.iter().map(|e| e.message.clone()).collect::<Vec<_>>().join("; ")))?;
    let schemas = plan.output_schemas();
    let (_, schema) = schemas.iter().find(|(id, _)| id.as_str() == "out").context("the job has no sink")?;
    let columns = schema.fields().iter().map(|f| (f.name.clone(), f.data_type.to_string())).collect();
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let instance = format!("i{}", NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    let start = StartOptions {
        tenant,
        instance: InstanceId::new(instance),
        job: case.name.clone(),
        version_hash: "v".into(),
        from: StartFrom::Fresh,
    };
    let handle = millrace_engine::start(plan, start, &services).await?;
    let ended = tokio::time::timeout(std::time::Duration::from_secs(30), handle.ended()).await;
    let metrics = handle.metrics();
    match ended.map_err(|_| anyhow!("the job did not end in 30 s"))? {
        ExecutionState::Finished => {}
        ExecutionState::Failed(failure) => return Err(anyhow!(failure.message)),
        other => return Err(anyhow!("the job ended as {other:?}")),
    }
    let taken_in = |o: &millrace_engine::OperatorMetrics| o.subtasks.iter().filter_map(|s| s.get("numRecordsIn")).sum::<f64>();
    let records_processed = metrics.operators.iter().map(taken_in).sum::<f64>() as u64;
    let rows = std::mem::take(&mut *received.lock());
    Ok(Outcome { answer: Answer { columns, rows }, records_processed })
}

struct Tables(BTreeMap<String, Schema>);

/// The job of a case: a source per declared table that the query reads, the SQL node, a sink.
fn job(case: &Case, tables: &[&CreateTable], options: RunOptions) -> Result<(JobGraph, Tables)> {
    let mut nodes: Vec<Value> = Vec::new();
    let mut edges: Vec<Value> = Vec::new();
    let mut schemas = BTreeMap::from([("out".to_owned(), Schema::default())]);
    for table in tables {
        let definition = TableDefinition::declared(table).map_err(|e| anyhow!(e.at(&case.sql)))?;
        let option = |key: &str| definition.options.get(key).cloned();
        if option("connector").as_deref() != Some(KIND) {
            continue;
        }
        let input = option("input").context("a table without input")?;
        let text = std::fs::read_to_string(case.folder.join(&input)).with_context(|| input.clone())?;
        let fields = definition.physical_schema().into_iter().map(|(name, typed)| Field::new(name, typed.data_type, typed.nullable));
        schemas.insert(definition.name.clone(), Schema::new(fields.collect())?);
        let id = format!("source-{}", nodes.len());
        let splits: u64 = option("splits").map_or(Ok(1), |s| s.parse())?;
        ensure!(option("changelog").as_deref() != Some("upsert"), "upsert inputs are not supported");
        let changes = text.contains("\"$op\"") || option("changelog").as_deref() == Some("all");
        nodes.push(json!({
            "id": id, "kind": "case_source", "parallelism": 1,
            "config": { "table": definition.name, "table_name": definition.name, "input": input, "splits": splits, "changes": changes },
        }));
        edges.push(json!({ "from": id, "to": "query" }));
    }
    nodes.push(json!({ "id": "query", "kind": "sql", "config": { "sql": case.sql }, "parallelism": options.parallelism }));
    nodes.push(json!({ "id": "out", "kind": "case_sink", "config": { "table": "out" }, "parallelism": 1 }));
    edges.push(json!({ "from": "query", "to": "out" }));
    let graph = json!({ "nodes": nodes, "edges": edges, "parameters": { "checkpoint_interval_ms": 60_000, "parallelism": 1 } });
    Ok((serde_json::from_value(graph)?, Tables(schemas)))
}

#[async_trait]
impl Catalog for Tables {
    async fn table(&self, name: &str) -> Result<TableBinding, CatalogError> {
        let schema = self.0.get(name).cloned();
        let schema = schema.ok_or_else(|| CatalogError::NotFound { what: format!("table `{name}`"), suggestion: None })?;
        let connection = Connection { kind: KIND.into(), properties: BTreeMap::new() };
        Ok(TableBinding { name: name.to_owned(), physical_name: name.to_owned(), schema, format: Value::Null, connection })
    }

    async fn plugin(&self, name: &str, _version: Option<&str>) -> Result<PluginBinding, CatalogError> {
        Err(CatalogError::NotFound { what: format!("plugin `{name}`"), suggestion: None })
    }
}
