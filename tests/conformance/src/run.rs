//! Runs one case as a job of the native engine.

use crate::{
    case::{Answer, Case},
    connector::{CaseConnector, KIND},
    world::{Place, World},
};
use anyhow::{Context, Result, anyhow};
use async_trait::async_trait;
use bytes::Bytes;
use millrace_checkpoint::{CheckpointError, CheckpointStore, LocalStore, layout::MANIFEST};
use millrace_connector::{Connection, ConnectorRegistry, TableBinding};
use millrace_engine::{
    Catalog, CatalogError, EngineServices, ExecutionState, JobHandle, PluginBinding, StartFrom, StartOptions, TenantAccounts,
    operators::OperatorRegistry, state::StateSettings,
};
use millrace_functions::{EvaluationContext, FunctionRegistry, Typed};
use millrace_model::{
    Field, Schema,
    graph::JobGraph,
    ids::{InstanceId, TenantId},
};
use millrace_sandbox::{CompilerCommand, Sandbox, SandboxConfig, TenantLimits};
use millrace_sql::{
    Session, SourceTraits, TableDefinition,
    ast::{CreateTable, StatementKind},
    parser,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// How a case is run.
#[derive(Debug, Clone, Copy)]
pub struct RunOptions {
    /// Subtasks of each operator.
    pub parallelism: u16,
    /// Most rows per batch.
    pub rows_per_batch_max: usize,
    /// Subtasks of each source, which share the splits of its input; with one, rows arrive in the order of the lines.
    pub source_parallelism: u16,
    /// Whether pauses of inputs are waited for, so that several inputs arrive in the order that Flink was given.
    pub keeps_pauses: bool,
}

/// What a run gave.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The sink's columns and rows.
    pub answer: Answer,
    /// Whether the query only ever adds rows.
    pub is_insert_only: bool,
    /// Rows that windows left out because they came too late.
    pub late_records: u64,
    /// Rows that operators of the engine took in: proof that it did the work.
    pub records_processed: u64,
}

/// The table of dead letters.
const LETTERS: &str = "letters";

/// How long a run may take to get anywhere.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A run that has begun.
pub struct Started {
    /// The run.
    pub handle: JobHandle,
    /// The result's columns.
    pub columns: Vec<(String, String)>,
    /// Places of its key, if it is inserted into a table that has one.
    pub key: Option<Vec<usize>>,
    /// Whether the query only ever adds rows.
    pub is_insert_only: bool,
}

/// A case as a job that can be started again and again in the same world.
pub struct CaseJob<'a> {
    case: &'a Case,
    /// What its script declares.
    session: Session,
    sandbox: Sandbox,
    /// Where its checkpoints go.
    pub store: Arc<dyn CheckpointStore>,
    /// What outlives a run.
    pub world: Arc<World>,
    functions: Functions,
    /// Memory for its state.
    state: StateSettings,
    _folder: tempfile::TempDir,
}

/// One sandbox for all cases that call nothing: each reserves address space for the guests that it could hold.
fn sandbox_without_guests() -> Result<Sandbox> {
    static SHARED: Mutex<Option<Sandbox>> = Mutex::new(None);
    let mut shared = SHARED.lock().map_err(|_| anyhow!("a sandbox could not be made before"))?;
    if let Some(sandbox) = &*shared {
        return Ok(sandbox.clone());
    }
    let folder = tempfile::tempdir()?;
    let compiler = CompilerCommand { program: "false".into(), args: Vec::new() };
    let sandbox = Sandbox::new(SandboxConfig::new(folder.path().join("cache"), [7; 32], compiler))?;
    Ok(shared.insert(sandbox).clone())
}

impl<'a> CaseJob<'a> {
    /// Reads the case's script.
    ///
    /// # Errors
    /// A script that cannot be read.
    pub fn new(case: &'a Case) -> Result<Self> {
        Self::with_functions(case, sandbox_without_guests()?, Functions::default())
    }

    /// Reads the case's script, which may call functions of the project; `sandbox` runs them.
    ///
    /// # Errors
    /// A script that cannot be read.
    pub fn with_functions(case: &'a Case, sandbox: Sandbox, functions: Functions) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let builtin = FunctionRegistry::builtin();
        let mut session = Session::new(builtin.clone());
        // Only what the script declares is read here: what its functions are does not matter yet.
        for name in functions.keys() {
            session.add_implementation(name, builtin.get("UPPER").context("no UPPER")?.clone());
        }
        for name in dimensions_of(&case.sql)? {
            session.connect(&name, SourceTraits { is_dimension: true, ..SourceTraits::default() });
        }
        session.declare(&case.sql).map_err(|e| anyhow!(e.at(&case.sql)))?;
        let world = Arc::new(World::default());
        let local = LocalStore::open(folder.path().join("checkpoints"))?;
        let store = Arc::new(HeldStore { inner: local, world: world.clone() });
        let state = StateSettings::default();
        Ok(Self { case, session, sandbox, store, world, functions, state, _folder: folder })
    }

    /// The same with so little memory for state that nearly everything goes to disk, and checkpoints in steps from the
    /// first byte.
    #[must_use]
    pub fn spilling(mut self) -> Self {
        self.state = StateSettings {
            folder: Some(self._folder.path().join("state")),
            memory_bytes_max: 600,
            incremental_bytes_min: 1,
            ..StateSettings::default()
        };
        self
    }

    /// The table that the script inserts into.
    fn inserted(&self) -> Result<Option<&TableDefinition>> {
        let statements = parser::parse_script(&self.case.sql).map_err(|e| anyhow!(e.at(&self.case.sql)))?;
        let Some(StatementKind::Insert(insert)) = statements.last().map(|s| &s.kind) else { return Ok(None) };
        Ok(insert.table.parts.last().and_then(|name| self.session.table(&name.value)))
    }

    /// Starts it.
    ///
    /// # Errors
    /// The text is refused, or the job cannot be opened or restored.
    pub async fn start(&self, options: RunOptions, instance: &str, from: StartFrom) -> Result<Started> {
        let connector = CaseConnector {
            folder: self.case.folder.clone(),
            rows_per_batch_max: options.rows_per_batch_max,
            keeps_pauses: options.keeps_pauses,
            context: EvaluationContext { zone: self.session.settings().zone, ..EvaluationContext::default() },
            world: self.world.clone(),
        };
        let services = EngineServices {
            threads: Default::default(),
            sandbox: self.sandbox.clone(),
            connectors: ConnectorRegistry::default().with(Arc::new(connector)),
            operators: OperatorRegistry::builtin(),
            functions: FunctionRegistry::builtin(),
            checkpoints: self.store.clone(),
            accounts: TenantAccounts::new(TenantLimits::default()),
            state: self.state.clone(),
        };
        let tenant = TenantId::new("t1");
        let (graph, schemas) = job(self.case, &self.session, self.inserted()?, options)?;
        let catalog = Names { tables: schemas, functions: self.functions.clone() };
        let plan = millrace_engine::plan(&graph, &tenant, &catalog, &services).await;
        let plan = plan.map_err(|errors| anyhow!(errors.iter().map(|e| e.message.clone()).collect::<Vec<_>>().join("; ")))?;
        let schemas = plan.output_schemas();
        let (_, schema) = schemas.iter().find(|(id, _)| id.as_str() == "out").context("the job has no sink")?;
        let columns = schema.fields().iter().map(|f| (f.name.clone(), f.data_type.to_string())).collect();
        let key = match self.inserted()? {
            Some(table) if takes_upserts(table) => table.primary_key.iter().map(|name| schema.index_of(name)).collect(),
            _ => None,
        };
        let is_insert_only = plan.pins().pointer("/query/changelog_mode").and_then(Value::as_str) == Some("I");
        let (instance, job) = (InstanceId::new(instance), self.case.name.clone());
        let start = StartOptions { tenant, instance, job, version_hash: "v".into(), from };
        Ok(Started { handle: millrace_engine::start(plan, start, &services).await?, columns, key, is_insert_only })
    }
}

/// Runs `case` without any interruption.
///
/// # Errors
/// The text is refused, the job fails, or the case cannot be read.
pub async fn run(case: &Case, options: RunOptions) -> Result<Outcome> {
    let job = CaseJob::new(case)?;
    run_job(&job, options).await
}

/// Runs a job from nothing to the end of its input.
///
/// # Errors
/// The text is refused, or the job fails.
pub async fn run_job(job: &CaseJob<'_>, options: RunOptions) -> Result<Outcome> {
    let Started { handle, columns, key, is_insert_only } = job.start(options, "uninterrupted", StartFrom::Fresh).await?;
    until_finished(&handle).await?;
    let metrics = handle.metrics();
    let late_records = metrics.operators.iter().filter_map(|o| o.counters.get("numLateRecordsDropped")).sum();
    let taken_in = |o: &millrace_engine::OperatorMetrics| o.subtasks.iter().filter_map(|s| s.get("numRecordsIn")).sum::<f64>();
    let records_processed = metrics.operators.iter().map(taken_in).sum::<f64>() as u64;
    Ok(Outcome { answer: Answer { columns, key, rows: job.world.visible() }, is_insert_only, late_records, records_processed })
}

/// Waits for the end of the input.
///
/// # Errors
/// The job fails or does not end.
pub async fn until_finished(handle: &JobHandle) -> Result<()> {
    match tokio::time::timeout(PATIENCE, handle.ended()).await.map_err(|_| anyhow!("the job did not end in {PATIENCE:?}"))? {
        ExecutionState::Finished => Ok(()),
        ExecutionState::Failed(failure) => Err(anyhow!(failure.message)),
        other => Err(anyhow!("the job ended as {other:?}")),
    }
}

/// The real store, in which a run can be held before the manifest that makes a checkpoint complete is written.
struct HeldStore {
    inner: LocalStore,
    world: Arc<World>,
}

#[async_trait]
impl CheckpointStore for HeldStore {
    async fn put(&self, path: &str, bytes: Bytes) -> Result<(), CheckpointError> {
        self.inner.put(path, bytes).await
    }

    async fn put_if_absent(&self, path: &str, bytes: Bytes) -> Result<bool, CheckpointError> {
        if path.ends_with(MANIFEST) {
            self.world.pass(Place::Manifest).await;
        }
        self.inner.put_if_absent(path, bytes).await
    }

    async fn get(&self, path: &str) -> Result<Bytes, CheckpointError> {
        self.inner.get(path).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, CheckpointError> {
        self.inner.list(prefix).await
    }

    async fn delete_prefix(&self, prefix: &str) -> Result<(), CheckpointError> {
        self.inner.delete_prefix(prefix).await
    }
}

/// The SQL functions of the project, by name.
pub type Functions = Arc<BTreeMap<String, PluginBinding>>;

struct Names {
    tables: BTreeMap<String, Schema>,
    functions: Functions,
}

/// Tables of the script that are looked up.
fn dimensions_of(sql: &str) -> Result<Vec<String>> {
    let is_dimension = |table: &CreateTable| table.options.iter().any(|o| o.key == "lookup" && o.value == "true");
    let statements = parser::parse_script(sql).map_err(|e| anyhow!(e.at(sql)))?;
    let name = |kind: &StatementKind| match kind {
        StatementKind::CreateTable(table) if is_dimension(table) => table.name.parts.last().map(|p| p.value.clone()),
        _ => None,
    };
    Ok(statements.iter().filter_map(|s| name(&s.kind)).collect())
}

/// Whether a table that is inserted into holds one row per key and is not told what it replaces.
fn takes_upserts(table: &TableDefinition) -> bool {
    match table.options.get("changelog").map(String::as_str) {
        None | Some("auto") => !table.primary_key.is_empty(),
        changelog => changelog == Some("upsert"),
    }
}

/// The job of a case: a source per declared table that the query reads, the SQL node, a sink.
fn job(
    case: &Case,
    session: &Session,
    inserted: Option<&TableDefinition>,
    options: RunOptions,
) -> Result<(JobGraph, BTreeMap<String, Schema>)> {
    let mut nodes: Vec<Value> = Vec::new();
    let mut edges: Vec<Value> = Vec::new();
    let mut dimensions: Vec<Value> = Vec::new();
    let mut schemas = BTreeMap::from(["out", LETTERS].map(|name| (name.to_owned(), Schema::default())));
    for definition in session.tables() {
        let option = |key: &str| definition.options.get(key).cloned();
        if option("connector").as_deref() != Some(KIND) {
            continue;
        }
        // What is inserted into has no input.
        let Some(input) = option("input") else { continue };
        // A table that is only a model for others has no rows.
        let Ok(text) = std::fs::read_to_string(case.folder.join(&input)) else { continue };
        let fields = definition.physical_schema().into_iter().map(|(name, typed)| Field::new(name, typed.data_type, typed.nullable));
        schemas.insert(definition.name.clone(), Schema::new(fields.collect())?);
        if option("lookup").as_deref() == Some("true") {
            let (name, key) = (&definition.name, &definition.primary_key);
            dimensions.push(json!({ "name": name, "table": name, "primary_key": key, "parameters": { "input": input } }));
            continue;
        }
        let id = format!("source-{}", nodes.len());
        let splits: u64 = option("splits").map_or(Ok(1), |s| s.parse())?;
        let changelog = option("changelog");
        let upserts = changelog.as_deref() == Some("upsert");
        let changes = text.contains("\"$op\"") || upserts || changelog.as_deref() == Some("all");
        nodes.push(json!({
            "id": id, "kind": "case_source", "parallelism": options.source_parallelism,
            "config": {
                "table": definition.name, "table_name": definition.name, "input": input, "splits": splits,
                "changes": changes, "upserts": upserts,
            },
        }));
        edges.push(json!({ "from": id, "to": "query" }));
    }
    nodes.push(json!({ "id": "query", "kind": "sql", "config": { "sql": case.sql, "late_records": "dead_letter" }, "parallelism": options.parallelism }));
    let mut sink = json!({ "table": "out" });
    if let Some(table) = inserted {
        sink["upserts"] = takes_upserts(table).into();
        sink["key_fields"] = json!(table.primary_key);
        let columns = table.physical_schema().into_iter();
        let is_not_null = |(name, typed): (String, Typed)| (!typed.nullable && !table.primary_key.contains(&name)).then_some(name);
        sink["not_null"] = columns.filter_map(is_not_null).collect();
        sink["changelog"] = json!(table.options.get("changelog"));
    }
    nodes.push(json!({ "id": "out", "kind": "case_sink", "config": sink, "parallelism": 1 }));
    edges.push(json!({ "from": "query", "to": "out" }));
    let graph = json!({ "nodes": nodes, "edges": edges, "dimension_tables": dimensions, "parameters": { "checkpoint_interval_ms": 60_000, "parallelism": 1, "dead_letter_topic": LETTERS } });
    Ok((serde_json::from_value(graph)?, schemas))
}

#[async_trait]
impl Catalog for Names {
    async fn table(&self, name: &str) -> Result<TableBinding, CatalogError> {
        let schema = self.tables.get(name).cloned();
        let schema = schema.ok_or_else(|| CatalogError::NotFound { what: format!("table `{name}`"), suggestion: None })?;
        let connection = Connection { kind: KIND.into(), properties: BTreeMap::new() };
        Ok(TableBinding { name: name.to_owned(), physical_name: name.to_owned(), schema, format: Value::Null, connection })
    }

    async fn plugin(&self, name: &str, _version: Option<&str>) -> Result<PluginBinding, CatalogError> {
        let found = self.functions.get(name).cloned();
        found.ok_or_else(|| CatalogError::NotFound { what: format!("plugin `{name}`"), suggestion: None })
    }
}
