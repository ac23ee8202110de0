//! SQL nodes operator by operator, without channels: state as it is stored, and state as it should not be.

mod by_clock;
mod hostile_state;
mod joins;
mod late_rows;
mod portions;
mod spilled_state;
mod state_format;
mod table_function;

use super::node::{Upstream, plan_sql};
use crate::{
    catalog::{Catalog, CatalogError, PluginBinding},
    dead_letters::InstanceLetters,
    dimension::JobDimensions,
    error::OperatorError,
    functions::ResolvedFunctions,
    metrics::SubtaskMetrics,
    operators::{
        Collector, Operator, OperatorContext, OperatorKind, OperatorRegistry, OperatorSnapshot, PlanContext, deduplicate::DeduplicateKind,
    },
    plan::{PlannedOperator, Work},
    services::{EngineServices, TenantAccounts},
    state::{KeyGroupBlobs, StateContext},
};
use arrow_array::UInt8Array;
use async_trait::async_trait;
use millrace_checkpoint::LocalStore;
use millrace_connector::{ConnectorRegistry, TableBinding};
use millrace_formats::{Decoder, FormatSpec};
use millrace_functions::FunctionRegistry;
use millrace_model::{
    Batch, Schema,
    graph::JobParameters,
    ids::{InstanceId, TenantId},
};
use millrace_sandbox::{CompilerCommand, Sandbox, SandboxConfig, TenantLimits};
use millrace_sql::{SourceTraits, plan::ChangelogMode};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

/// The columns of the tables `t` and `u`, in SQL.
const COLUMNS: &str = "k STRING, i INT, n BIGINT, d DOUBLE, m DECIMAL(10, 2), b BOOLEAN, y BYTES, a ARRAY<INT>, \
    r ROW<x INT, z STRING>, ts TIMESTAMP(3), WATERMARK FOR ts AS ts";

/// Queries over `t` that between them keep every kind of state: name, query, how `t` changes.
const QUERIES: &[(&str, &str, ChangelogMode)] = &[
    (
        "group-numbers",
        "SELECT k, COUNT(*), COUNT(i), SUM(i), SUM(n), SUM(d), SUM(m), AVG(i), AVG(d), AVG(m), MIN(i), MAX(k), MIN(ts), MAX(m) FROM t GROUP BY k",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "group-numbers-retracting",
        "SELECT k, COUNT(*), COUNT(i), SUM(i), SUM(d), SUM(m), AVG(i), AVG(d), AVG(m), MIN(i), MAX(k), MAX(m) FROM t GROUP BY k",
        ChangelogMode::ALL,
    ),
    (
        "group-values",
        "SELECT k, FIRST_VALUE(i), LAST_VALUE(k), LISTAGG(k), LISTAGG(k, ';'), ARRAY_AGG(i), COLLECT(i), STDDEV_POP(d), VAR_SAMP(i) FROM t GROUP BY k",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "group-values-retracting",
        "SELECT k, FIRST_VALUE(i), LAST_VALUE(k), LISTAGG(k), ARRAY_AGG(i), COLLECT(i), STDDEV_POP(d), VAR_SAMP(i) FROM t GROUP BY k",
        ChangelogMode::ALL,
    ),
    (
        "group-distinct",
        "SELECT i, COUNT(DISTINCT k), SUM(DISTINCT n), LISTAGG(DISTINCT k), COUNT(*) FILTER (WHERE i > 1), COUNT(DISTINCT k) FILTER (WHERE n > 1) FROM t GROUP BY i",
        ChangelogMode::ALL,
    ),
    ("group-all", "SELECT COUNT(*), SUM(n) FROM t", ChangelogMode::INSERT_ONLY),
    ("distinct-rows", "SELECT DISTINCT k, b, m FROM t", ChangelogMode::INSERT_ONLY),
    (
        "keys-of-all-types",
        "SELECT k, i, n, d, m, b, y, a, r, ts, COUNT(*) FROM t GROUP BY k, i, n, d, m, b, y, a, r, ts",
        ChangelogMode::ALL,
    ),
    ("two-levels", "SELECT c, COUNT(*) FROM (SELECT k, COUNT(*) AS c FROM t GROUP BY k) GROUP BY c", ChangelogMode::INSERT_ONLY),
    (
        "tumble",
        "SELECT k, window_start, window_end, SUM(i), MAX(d), COUNT(DISTINCT n) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "tumble-keys-of-all-types",
        "SELECT k, d, m, b, y, a, r, window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, d, m, b, y, a, r, window_start, window_end",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "hop",
        "SELECT k, window_start, window_end, SUM(i), AVG(d) FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "cumulate",
        "SELECT k, window_start, window_end, SUM(i), MIN(k) FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND)) GROUP BY k, window_start, window_end",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "session",
        "SELECT k, window_start, window_end, SUM(i), LISTAGG(k) FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY k, window_start, window_end",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "group-window-session",
        "SELECT k, SESSION_START(ts, INTERVAL '5' SECOND), COUNT(*) FROM t GROUP BY k, SESSION(ts, INTERVAL '5' SECOND)",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "attached-windows",
        "SELECT window_start, window_end, MAX(s) FROM (SELECT k, window_start, window_end, window_time, SUM(i) AS s FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end, window_time) GROUP BY window_start, window_end",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "mini-batch",
        "SET 'table.exec.mini-batch.enabled' = 'true';\nSET 'table.exec.mini-batch.allow-latency' = '1 s';\nSET 'table.exec.mini-batch.size' = '100';\nSELECT k, SUM(n) FROM t GROUP BY k",
        ChangelogMode::INSERT_ONLY,
    ),
    ("time-to-live", "SET 'table.exec.state.ttl' = '1 h';\nSELECT k, SUM(n) FROM t GROUP BY k", ChangelogMode::INSERT_ONLY),
    (
        "session-rows",
        "SELECT k, i, a, window_start, window_end FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' SECOND))",
        ChangelogMode::INSERT_ONLY,
    ),
    ("upserts", "SELECT k, i, n, d, m, b, y, a, r FROM t", ChangelogMode::UPSERT),
    (
        "top-n-append",
        "SELECT * FROM (SELECT k, i, d, m, y, a, r, ROW_NUMBER() OVER (PARTITION BY k ORDER BY d DESC, i) AS rn FROM t) WHERE rn <= 2",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "top-n-retract",
        "SELECT k, i, a FROM (SELECT k, i, a, ROW_NUMBER() OVER (PARTITION BY k ORDER BY d DESC) AS rn FROM t) WHERE rn <= 1",
        ChangelogMode::ALL,
    ),
    (
        "top-n-update",
        "SELECT * FROM (SELECT b, k, c, ROW_NUMBER() OVER (PARTITION BY b ORDER BY c DESC) AS rn FROM (SELECT b, k, COUNT(*) AS c FROM t GROUP BY b, k)) WHERE rn <= 3",
        ChangelogMode::INSERT_ONLY,
    ),
    ("limit", "SELECT k, r FROM t LIMIT 4 OFFSET 1", ChangelogMode::INSERT_ONLY),
    (
        "deduplicate-last",
        "SELECT k, i, m, a, r FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS rn FROM t) WHERE rn = 1",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "deduplicate-first",
        "SELECT k, i, m, a, r FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts) AS rn FROM t) WHERE rn = 1",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "window-top-n",
        "SELECT k, d, a, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, b ORDER BY d DESC) AS rn FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))) WHERE rn <= 2",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "over-unbounded",
        "SELECT k, ts, SUM(i) OVER w, MAX(k) OVER w, LAG(k) OVER w, COUNT(DISTINCT n) OVER w, RANK() OVER w FROM t WINDOW w AS (PARTITION BY k ORDER BY ts)",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "over-rows",
        "SELECT k, a, r, ts, SUM(n) OVER w, MIN(d) OVER w, MAX(k) OVER w, AVG(m) OVER w FROM t WINDOW w AS (PARTITION BY k ORDER BY ts ROWS 1 PRECEDING)",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "over-range",
        "SELECT k, ts, COUNT(*) OVER w, SUM(n) OVER w, LISTAGG(k) OVER w FROM t WINDOW w AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW)",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "over-updating",
        "SELECT k, i, b, m, SUM(n) OVER w, MAX(i) OVER w FROM (SELECT k, i, n, d, b, m FROM t) WINDOW w AS (PARTITION BY k ORDER BY d)",
        ChangelogMode::ALL,
    ),
    (
        "early-windows",
        "SELECT k, TUMBLE_END(ts, INTERVAL '10' SECOND), COUNT(*), MAX(d) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND) EMIT EARLY, LATE EVERY INTERVAL '5' SECOND ALLOW LATENESS INTERVAL '1' HOUR",
        ChangelogMode::INSERT_ONLY,
    ),
    (
        "match-recognize",
        "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.i AS first_i, LAST(B.d) AS last_d, B.r AS r PATTERN (A B+ C) WITHIN INTERVAL '1' HOUR DEFINE B AS B.n >= 0, C AS C.i > 0)",
        ChangelogMode::INSERT_ONLY,
    ),
    ("order-by-time", "SELECT k, a, r, ts FROM t ORDER BY ts, k DESC", ChangelogMode::INSERT_ONLY),
];

/// Rows of a table; those that take back come last.
const ADDED: &str = r#"
{"k":"a","i":1,"n":10,"d":0.5,"m":1.25,"b":true,"y":"AAH/","a":[1,null],"r":{"x":1,"z":"one"},"ts":"2024-01-01 00:00:01.000"}
{"k":"b","i":2,"n":20,"d":-1.5,"m":-2.50,"b":false,"y":"","a":[],"r":{"x":null,"z":null},"ts":"2024-01-01 00:00:02.000"}
{"k":"a","i":3,"n":10,"d":2.25,"m":10000.00,"b":null,"y":null,"a":null,"r":null,"ts":"2024-01-01 00:00:03.000"}
{"k":null,"i":null,"n":null,"d":null,"m":null,"b":null,"y":null,"a":null,"r":null,"ts":"2024-01-01 00:00:04.000"}
{"k":"a longer key, of more than one block of eight bytes and more than thirty-two","i":1,"n":5,"d":1e300,"m":0.01,"b":true,"y":"AA==","a":[7],"r":{"x":9,"z":""},"ts":"2024-01-01 00:00:12.000"}
{"k":"b","i":2,"n":7,"d":0.1,"m":3.00,"b":false,"y":"","a":[],"r":{"x":2,"z":"two"},"ts":"2024-01-01 00:00:14.000"}
"#;
const TAKEN_BACK: &str = r#"
{"k":"a","i":1,"n":10,"d":0.5,"m":1.25,"b":true,"y":"AAH/","a":[1,null],"r":{"x":1,"z":"one"},"ts":"2024-01-01 00:00:01.000"}
{"k":"b","i":9,"n":9,"d":9.0,"m":9.00,"b":false,"y":"","a":[],"r":{"x":9,"z":"nine"},"ts":"2024-01-01 00:00:09.000"}
"#;

/// A state by name and key group, of one operator.
type States = BTreeMap<String, KeyGroupBlobs>;

/// The tables, in the order in which operators count them.
const TABLES: [&str; 2] = ["t", "u"];

/// The stages of a query, all at parallelism 1.
struct Query {
    /// What is read of the tables; none of one that the query does not name.
    schemas: [Option<Schema>; 2],
    stages: Vec<PlannedOperator>,
    shared: Arc<Shared>,
    changes: [ChangelogMode; 2],
    letters: Arc<InstanceLetters>,
}

/// Services of all queries: a sandbox reserves much address space, so there is one.
struct Shared {
    services: EngineServices,
    _folder: tempfile::TempDir,
}

impl Shared {
    fn get() -> Arc<Self> {
        static SHARED: Mutex<Weak<Shared>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock();
        if let Some(shared) = shared.upgrade() {
            return shared;
        }
        let folder = tempfile::tempdir().unwrap();
        let compiler = CompilerCommand { program: "false".into(), args: Vec::new() };
        let services = EngineServices {
            threads: Default::default(),
            sandbox: Sandbox::new(SandboxConfig::new(folder.path().join("cache"), [7; 32], compiler)).unwrap(),
            connectors: ConnectorRegistry::default(),
            operators: OperatorRegistry::builtin(),
            functions: FunctionRegistry::builtin(),
            checkpoints: Arc::new(LocalStore::open(folder.path().join("checkpoints")).unwrap()),
            accounts: TenantAccounts::new(TenantLimits::default()),
            state: crate::state::StateSettings::default(),
        };
        let made = Arc::new(Self { services, _folder: folder });
        *shared = Arc::downgrade(&made);
        made
    }
}

impl Query {
    /// A query over `t` alone.
    fn plan(query: &str, changes: ChangelogMode) -> Self {
        Self::of_tables(query, [changes, ChangelogMode::INSERT_ONLY])
    }

    /// A query over tables that change like this.
    fn of_tables(query: &str, changes: [ChangelogMode; 2]) -> Self {
        let (settings, select) = query.rsplit_once(";\n").map_or((String::new(), query), |(s, q)| (format!("{s};\n"), q));
        let mut sql = settings;
        for (table, changes) in TABLES.iter().zip(changes) {
            let key = if changes.is_upsert { ", PRIMARY KEY (k) NOT ENFORCED" } else { "" };
            sql += &format!("CREATE TABLE {table} ({COLUMNS}{key});\n");
        }
        sql += select;
        let schema = serde_json::json!([
            {"name": "k", "type": "STRING"}, {"name": "i", "type": "INT"}, {"name": "n", "type": "BIGINT"}, {"name": "d", "type": "DOUBLE"},
            {"name": "m", "type": "DECIMAL(10, 2)"}, {"name": "b", "type": "BOOLEAN"}, {"name": "y", "type": "BYTES"},
            {"name": "a", "type": "ARRAY<INT>"}, {"name": "r", "type": "ROW<x INT, z STRING>"}, {"name": "ts", "type": "TIMESTAMP(3)"},
        ]);
        let schema: Schema = serde_json::from_value(schema).unwrap();
        let node = serde_json::from_value(
            serde_json::json!({"id": "query", "kind": "sql", "config": {"sql": sql, "late_records": "dead_letter"}}),
        )
        .unwrap();
        let upstream = |(operator, name): (usize, &&str)| Upstream {
            name: (*name).into(),
            operator,
            parallelism: 1,
            schema: schema.clone(),
            changes: changes[operator],
            rowtime: None,
            is_own_source: true,
            reads_by_name: true,
            source: SourceTraits { changes: changes[operator], ..SourceTraits::default() },
        };
        let planned = plan_sql(
            &node,
            &TABLES.iter().enumerate().map(upstream).collect::<Vec<_>>(),
            &JobDimensions::default(),
            (&JobParameters::default(), &ResolvedFunctions::only(FunctionRegistry::builtin())),
            TABLES.len(),
            |_| true,
        );
        let planned = planned.unwrap_or_else(|errors| panic!("{query}: {errors:?}"));
        let schemas = TABLES.map(|table| planned.sources.iter().find(|s| s.table == table).map(|s| s.schema.clone()));
        Self { schemas, stages: planned.operators, shared: Shared::get(), changes, letters: Arc::new(InstanceLetters::new(None)) }
    }

    /// The one operator with state that no SQL makes, over the same table.
    async fn deduplicate() -> Self {
        let mut made = Self::plan("SELECT * FROM t", ChangelogMode::INSERT_ONLY);
        let config = serde_json::json!({"key_fields": ["k", "m", "b"], "ttl_ms": 60_000});
        let node = serde_json::from_value(serde_json::json!({"id": "once", "kind": "deduplicate", "config": config})).unwrap();
        let kind: Arc<dyn OperatorKind> = Arc::new(DeduplicateKind);
        let (tenant, parameters) = (TenantId::new("t1"), JobParameters::default());
        let services = &made.shared.services;
        let context = PlanContext { tenant: &tenant, catalog: &NoNames, services, parameters: &parameters, dimensions: Arc::default() };
        let input = made.schemas[0].clone().unwrap();
        let planned = kind.plan(&node, &input, &context).await.unwrap();
        let work = Work::Transform { kind, input, planned };
        let stage = made.stages.remove(0);
        made.stages = vec![PlannedOperator { node: node.id, name: "deduplicate".into(), work, ..stage }];
        made
    }

    /// Opens every stage over its part of `restored`.
    async fn open(&self, restored: &[States]) -> Result<Open, OperatorError> {
        let restored = restored.iter().map(|states| (states.clone(), StateContext::default())).collect();
        self.open_with(restored, StateContext::default).await
    }

    /// Opens every stage over what is restored for it; `new` is the context of those for which there is nothing.
    async fn open_with(&self, restored: Vec<(States, StateContext)>, new: impl Fn() -> StateContext) -> Result<Open, OperatorError> {
        let mut stages = Vec::new();
        let mut restored = restored.into_iter();
        for stage in &self.stages {
            let Work::Transform { kind, input, planned } = &stage.work else { panic!("{} is no stage", stage.name) };
            let (restored, state) = restored.next().unwrap_or_else(|| (States::new(), new()));
            let context = OperatorContext {
                tenant: TenantId::new("t1"),
                instance: InstanceId::new("i1"),
                job: "j".into(),
                operator: stage.node.clone(),
                input: input.clone(),
                planned: planned.clone(),
                subtask: 0,
                parallelism: 1,
                state,
                restored_subtasks: Vec::new(),
                restored_parallelism: None,
                dimensions: Arc::default(),
                restored,
                metrics: Arc::new(SubtaskMetrics::default()),
                dead_letters: self.letters.clone(),
                services: self.shared.services.clone(),
            };
            stages.push(kind.open(context).await?);
        }
        Ok(Open { stages, inputs: self.stages.iter().map(|stage| stage.inputs.clone()).collect() })
    }

    /// Rows of `t`, as far as the query reads its columns.
    fn rows(&self, lines: &str, kind: u8) -> Batch {
        self.rows_of(0, lines.lines().map(|line| (kind, line))).unwrap()
    }

    /// Rows of a table with their kinds, as far as the query reads its columns; `None` if it does not.
    fn rows_of<'l>(&self, table: usize, lines: impl Iterator<Item = (u8, &'l str)>) -> Option<Batch> {
        let mut decoder =
            Decoder::new(&FormatSpec::from_json(&serde_json::json!({ "type": "json" })).unwrap(), self.schemas[table].as_ref()?).unwrap();
        // A key is not NULL.
        let fits = |line: &str| !line.is_empty() && (!self.changes[table].is_upsert || !line.contains("\"k\":null"));
        let mut kinds = Vec::new();
        for (kind, line) in lines.filter(|(_, line)| fits(line)) {
            decoder.push(line.as_bytes()).unwrap();
            kinds.push(kind);
        }
        let kinds = kinds.iter().any(|kind| *kind != 0).then(|| UInt8Array::from(kinds));
        Some(Batch { rows: decoder.finish(), kinds, origin: Arc::from([]) })
    }

    /// What the query keeps after the rows.
    async fn state(&self) -> Vec<States> {
        let mut open = self.open(&[]).await.unwrap();
        open.feed(self).await.unwrap();
        open.watermark(FIRST_WATERMARK_MS).await.unwrap();
        open.snapshot().await.unwrap()
    }
}

/// All queries, planned.
async fn all() -> Vec<(&'static str, &'static str, Query)> {
    let mut all: Vec<_> = QUERIES.iter().map(|(name, sql, changes)| (*name, *sql, Query::plan(sql, *changes))).collect();
    all.extend(joins::JOINS.iter().map(|(name, sql, changes)| (*name, *sql, Query::of_tables(sql, *changes))));
    all.push(("deduplicate", "deduplicate by k, m, b", Query::deduplicate().await));
    all
}

struct NoNames;

#[async_trait]
impl Catalog for NoNames {
    async fn table(&self, name: &str) -> Result<TableBinding, CatalogError> {
        Err(CatalogError::NotFound { what: format!("table `{name}`"), suggestion: None })
    }

    async fn plugin(&self, name: &str, _version: Option<&str>) -> Result<PluginBinding, CatalogError> {
        Err(CatalogError::NotFound { what: format!("plugin `{name}`"), suggestion: None })
    }
}

/// 2024-01-01 00:00:03: late for nothing that is fed.
const FIRST_WATERMARK_MS: i64 = 1_704_067_203_000;
const NOW_MS: i64 = 1_000;

/// What an operator still has to emit.
async fn emit_rest(stage: &mut dyn Operator, out: &mut Collector) -> Result<(), OperatorError> {
    while stage.has_rest() {
        stage.emit_rest(out).await?;
    }
    Ok(())
}

struct Open {
    stages: Vec<Box<dyn Operator>>,
    /// Where the inputs of each stage come from: tables, then stages.
    inputs: Vec<Vec<usize>>,
}

impl Open {
    async fn feed(&mut self, query: &Query) -> Result<(), OperatorError> {
        for table in 0..TABLES.len() {
            let Some(added) = query.rows_of(table, ADDED.lines().map(|line| (0, line))) else { continue };
            self.process(table, vec![added], NOW_MS).await?;
            if query.changes[table].deletes {
                let taken_back = query.rows_of(table, TAKEN_BACK.lines().map(|line| (3, line)));
                self.process(table, taken_back.into_iter().collect(), NOW_MS).await?;
            }
        }
        Ok(())
    }

    /// Hands on what a table or a stage has given; answers what leaves the last stage.
    async fn process(&mut self, from: usize, batches: Vec<Batch>, now_ms: i64) -> Result<Vec<Batch>, OperatorError> {
        let mut given: Vec<Vec<Batch>> = vec![Vec::new(); TABLES.len() + self.stages.len()];
        given[from] = batches;
        for number in 0..self.stages.len() {
            let mut out = Collector::default();
            for (input, &from) in self.inputs[number].iter().enumerate() {
                for batch in given[from].clone() {
                    self.stages[number].process_input(input, batch, now_ms, &mut out).await?;
                    emit_rest(self.stages[number].as_mut(), &mut out).await?;
                }
            }
            given[TABLES.len() + number].extend(out.drain());
        }
        Ok(given.pop().unwrap())
    }

    async fn watermark(&mut self, watermark_ms: i64) -> Result<Vec<Batch>, OperatorError> {
        let mut left = Vec::new();
        for number in 0..self.stages.len() {
            let mut out = Collector::default();
            loop {
                self.stages[number].on_watermark(watermark_ms, &mut out).await?;
                emit_rest(self.stages[number].as_mut(), &mut out).await?;
                left.extend(self.process(TABLES.len() + number, out.drain().collect(), NOW_MS).await?);
                if !self.stages[number].has_more() {
                    break;
                }
            }
        }
        Ok(left)
    }

    /// What leaves because it is so late by the clock.
    async fn clock(&mut self, now_ms: i64) -> Result<Vec<Batch>, OperatorError> {
        let mut left = Vec::new();
        for number in 0..self.stages.len() {
            let mut out = Collector::default();
            if self.stages[number].next_timer_ms().is_some_and(|due_ms| due_ms <= now_ms) {
                self.stages[number].on_processing_time(now_ms, &mut out).await?;
                emit_rest(self.stages[number].as_mut(), &mut out).await?;
            }
            left.extend(self.process(TABLES.len() + number, out.drain().collect(), now_ms).await?);
        }
        Ok(left)
    }

    async fn snapshot(&mut self) -> Result<Vec<States>, OperatorError> {
        let (_, snapshots) = self.snapshot_at(NOW_MS).await?;
        Ok(snapshots.into_iter().map(|snapshot| snapshot.keyed).collect())
    }

    /// What leaves before the barrier, and the state of each stage.
    async fn snapshot_at(&mut self, now_ms: i64) -> Result<(Vec<Batch>, Vec<OperatorSnapshot>), OperatorError> {
        let (mut left, mut states) = (Vec::new(), Vec::new());
        for number in 0..self.stages.len() {
            let mut out = Collector::default();
            self.stages[number].before_barrier(now_ms, &mut out).await?;
            emit_rest(self.stages[number].as_mut(), &mut out).await?;
            left.extend(self.process(TABLES.len() + number, out.drain().collect(), now_ms).await?);
            states.push(self.stages[number].snapshot(now_ms).await?);
        }
        Ok((left, states))
    }
}
