//! Whole jobs on packages: queries with windows, two sources, updates; the same seed gives the same rows.

use super::*;
use crate::{
    EngineServices, ExecutionState, StartFrom, StartOptions, TenantAccounts,
    catalog::{Catalog, CatalogError, PluginBinding},
    operators::OperatorRegistry,
};
use async_trait::async_trait;
use millrace_checkpoint::MemoryStore;
use millrace_connector::*;
use millrace_model::ids::InstanceId;
use millrace_sandbox::{CompilerCommand, Sandbox, SandboxConfig, TenantLimits};
use serde_json::{Value, json};
use std::time::Duration;

/// Stands for a system that must not be reached: every attempt to open it fails.
struct Unreachable;

fn reached<T>() -> Result<T, ConnectorError> {
    Err(ConnectorError::Internal("a trial reached outside".into()))
}

#[async_trait]
impl Connector for Unreachable {
    fn kind(&self) -> &'static str {
        "far"
    }
    fn check_source(&self, _: &serde_json::Map<String, Value>, _: &TableBinding) -> Vec<ConfigError> {
        Vec::new()
    }
    fn check_sink(&self, _: &serde_json::Map<String, Value>, _: &TableBinding, _: &Schema) -> Vec<ConfigError> {
        Vec::new()
    }
    fn accepts_changes(&self, _: &serde_json::Map<String, Value>) -> bool {
        true
    }
    async fn ensure_table(&self, _: &TableBinding, _: &Value) -> Result<bool, ConnectorError> {
        reached()
    }
    async fn open_source(&self, _: SourceContext) -> Result<Box<dyn Source>, ConnectorError> {
        reached()
    }
    async fn open_sink(&self, _: SinkContext) -> Result<Box<dyn Sink>, ConnectorError> {
        reached()
    }
    async fn open_dead_letters(&self, _: &TableBinding) -> Result<Arc<dyn DeadLetters>, ConnectorError> {
        reached()
    }
}

struct Names;

#[async_trait]
impl Catalog for Names {
    async fn table(&self, name: &str) -> Result<TableBinding, CatalogError> {
        let columns = match name {
            "orders" => json!([
                {"name": "id", "type": "BIGINT", "nullable": false}, {"name": "usr", "type": "STRING"},
                {"name": "amount", "type": "DECIMAL(10, 2)"}, {"name": "ts", "type": "TIMESTAMP(3)"},
            ]),
            "users" => json!([{"name": "usr", "type": "STRING"}, {"name": "city", "type": "STRING"}]),
            _ => json!([{"name": "n", "type": "BIGINT"}]),
        };
        let schema = serde_json::from_value(columns).unwrap();
        let connection = Connection { kind: "far".into(), properties: BTreeMap::new() };
        let name = name.to_owned();
        Ok(TableBinding { physical_name: name.clone(), name, schema, format: json!({"type": "json"}), connection })
    }
    async fn plugin(&self, name: &str, _: Option<&str>) -> Result<PluginBinding, CatalogError> {
        Err(CatalogError::NotFound { what: format!("plugin `{name}`"), suggestion: None })
    }
}

struct Bench {
    services: EngineServices,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let compiler = CompilerCommand { program: "false".into(), args: Vec::new() };
        let sandbox = Sandbox::new(SandboxConfig::new(folder.path().join("cache"), [7; 32], compiler)).unwrap();
        let services = EngineServices {
            threads: Default::default(),
            sandbox,
            connectors: ConnectorRegistry::default().with(Arc::new(Unreachable)),
            operators: OperatorRegistry::builtin(),
            functions: millrace_functions::FunctionRegistry::builtin(),
            checkpoints: Arc::new(MemoryStore::new(16 << 20)),
            accounts: TenantAccounts::new(TenantLimits::default()),
            state: crate::state::StateSettings::default(),
        };
        Self { services, _folder: folder }
    }

    async fn plan(&self, graph: Value) -> ExecutionPlan {
        let mut graph: JobGraph = serde_json::from_value(graph).unwrap();
        one_subtask_each(&mut graph);
        crate::plan(&graph, &TenantId::new("t"), &Names, &self.services).await.unwrap_or_else(|e| panic!("{e:?}"))
    }

    /// Change kind and row of everything that the sink `out` gets.
    async fn run(&self, graph: Value, packages: &[(&str, ReplayRows)], order: ArrivalOrder) -> Vec<String> {
        let (handle, collected) = self.start(graph, packages, order).await;
        let ended = tokio::time::timeout(Duration::from_secs(60), handle.ended()).await.expect("it ends");
        assert!(matches!(ended, ExecutionState::Finished), "{ended:?}");
        let page = collected[&NodeId::new("out")].page(0, 1_000);
        page.rows.iter().map(|row| format!("{} {}", row.change, row.row.get())).collect()
    }

    async fn start(
        &self,
        graph: Value,
        packages: &[(&str, ReplayRows)],
        order: ArrivalOrder,
    ) -> (crate::JobHandle, BTreeMap<NodeId, Arc<Collected>>) {
        let rows = packages.iter().map(|(node, rows)| (NodeId::new(*node), copy(rows))).collect();
        let limits = CollectionLimits { rows_max: 1_000, bytes_max: 1 << 20 };
        let trial = self.plan(graph).await.into_trial(rows, order, limits).unwrap_or_else(|e| panic!("{e:?}"));
        let services = EngineServices { checkpoints: Arc::new(MemoryStore::new(16 << 20)), ..self.services.clone() };
        let options = StartOptions {
            tenant: TenantId::new("t"),
            instance: InstanceId::new("trial"),
            job: "j".into(),
            version_hash: String::new(),
            from: StartFrom::Fresh,
        };
        let handle = crate::start(trial.plan, options, &services).await.unwrap_or_else(|e| panic!("{e}"));
        (handle, trial.collected)
    }
}

fn copy(rows: &ReplayRows) -> ReplayRows {
    ReplayRows { shape: rows.shape.clone(), lines: rows.lines.clone(), ..*rows }
}

fn package(columns: Value, lines: &[Value]) -> ReplayRows {
    let shape = PackageShape { name: "sample".into(), schema: serde_json::from_value(columns).unwrap(), is_guessed: true };
    let lines = lines.iter().map(|line| line.as_str().map_or_else(|| line.to_string(), str::to_owned)).collect();
    ReplayRows { shape, lines, iso_timestamps: false, keeps_bad_records: true }
}

fn orders(rows: &[(i64, &str, &str, i64)]) -> ReplayRows {
    let columns = json!([
        {"name": "id", "type": "BIGINT"}, {"name": "usr", "type": "STRING"}, {"name": "amount", "type": "DOUBLE"},
        {"name": "ts", "type": "TIMESTAMP(3)"},
    ]);
    let line = |(id, usr, amount, second): &(i64, &str, &str, i64)| json!({"id": id, "usr": usr, "amount": amount, "ts": format!("2024-01-01 00:00:{second:02}.000")});
    package(columns, &rows.iter().map(line).collect::<Vec<_>>())
}

const WINDOWS: &str = "CREATE TABLE orders (id BIGINT NOT NULL, usr STRING, amount DECIMAL(10, 2), ts TIMESTAMP(3), \
     WATERMARK FOR ts AS ts - INTERVAL '2' SECOND); \
     SELECT window_start, SUM(amount) AS total FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '10' SECOND)) \
     GROUP BY window_start, window_end";

fn query(sources: &[&str], sql: &str) -> Value {
    let mut nodes: Vec<Value> =
        sources.iter().map(|table| json!({"id": table, "kind": "far_source", "config": {"table": table, "table_name": table}})).collect();
    nodes.push(json!({"id": "q", "kind": "sql", "config": {"sql": sql}}));
    nodes.push(json!({"id": "out", "kind": "far_sink", "config": {"table": "any"}}));
    let mut edges: Vec<Value> = sources.iter().map(|table| json!({"from": table, "to": "q"})).collect();
    edges.push(json!({"from": "q", "to": "out"}));
    json!({"nodes": nodes, "edges": edges, "parameters": {"parallelism": 4}})
}

/// Standing promise 2: as many batches that compute for hours as there are threads for jobs, and the rest goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_computes_for_hours_holds_nobody_up_and_ends_when_it_is_cancelled() {
    let jobs = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut bench = Bench::new();
    bench.services.threads = crate::EngineThreads::of(jobs.handle().clone());
    let slow = "SELECT REGEXP_COUNT(REPEAT(usr, 8000000), '.*[^A-Z]|[A-Z]') AS n FROM orders";
    let packages = [("orders", orders(&[(1, "A", "1.50", 1)]))];
    let (handle, _) = bench.start(query(&["orders"], slow), &packages, ArrivalOrder::default()).await;
    for _ in 0..10 {
        let asleep = std::time::Instant::now();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(asleep.elapsed() < Duration::from_secs(2), "{:?}", asleep.elapsed());
    }
    assert!(!handle.state().borrow().is_final());
    handle.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(10), handle.ended()).await.expect("it ends");
    assert!(matches!(ended, ExecutionState::Stopped), "{ended:?}");
    jobs.shutdown_background();
}

/// Results of one expression are bounded, by the function that makes too much.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_makes_too_much_of_one_batch_fails_by_name() {
    let bench = Bench::new();
    let many = |count: usize, text: &str| vec![text; count].join(", ");
    let rows: Vec<(i64, &str, &str, i64)> = (0..9_500).map(|i| (i, "some-user-name", "1.50", 1)).collect();
    let small = [("orders", orders(&[(1, "a", "1.50", 1)]))];
    let large = [("orders", orders(&rows))];
    for (packages, sql, name) in [
        (&small, format!("SELECT CHAR_LENGTH(ELT(2, {})) AS n FROM orders", many(900, "REPEAT(usr, 15900000)")), "REPEAT"),
        (&large, format!("SELECT SUBSTRING(ELT(2, {}), 1, 3) AS n FROM orders", many(100, "REPEAT(usr, 280)")), "REPEAT"),
        (
            &small,
            format!(
                "SELECT {} FROM orders",
                (0..40).map(|i| format!("REPEAT(usr, {}) AS n{i}", 15_900_000 + i)).collect::<Vec<_>>().join(", ")
            ),
            "REPEAT",
        ),
        (&small, format!("SELECT CONCAT({}) AS n FROM orders", many(20, "REPEAT(usr, 15900000)")), "REPEAT"),
    ] {
        let (handle, _) = bench.start(query(&["orders"], &sql), packages, ArrivalOrder::default()).await;
        let ended = tokio::time::timeout(Duration::from_secs(60), handle.ended()).await.expect("it ends");
        let ExecutionState::Failed(failure) = ended else { panic!("{ended:?} for {}", &sql[..80]) };
        let wanted = format!("`{name}`: the values of a batch would be larger than 268435456 bytes together (batch.memory)");
        assert!(failure.message.contains(&wanted), "{}", failure.message);
        assert_eq!((failure.class, failure.retryable), (millrace_model::FaultClass::User, false));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_close_by_the_watermarks_of_the_package_and_late_rows_are_late() {
    let bench = Bench::new();
    let rows = orders(&[(1, "a", "1.50", 1), (2, "b", "2.00", 9), (3, "a", "4.00", 13), (4, "b", "8.00", 5), (5, "a", "0.25", 14)]);
    let found = bench.run(query(&["orders"], WINDOWS), &[("orders", copy(&rows))], ArrivalOrder::default()).await;
    // The row of second 13 brings the watermark to 11, so the row of second 5 comes too late.
    let expected = [
        "+I {\"window_start\":\"2024-01-01 00:00:00.000\",\"total\":3.50}",
        "+I {\"window_start\":\"2024-01-01 00:00:10.000\",\"total\":4.25}",
    ];
    let plain = |rows: &[String]| rows.iter().map(|r| r.replace(".000", "")).collect::<Vec<_>>();
    assert_eq!(plain(&found), expected.map(|r| r.replace(".000", "")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_seed_is_one_result_also_where_two_sources_meet() {
    let bench = Bench::new();
    let names = ["a", "b", "c", "d", "e"];
    let made: Vec<(i64, &str, &str, i64)> = (0..60).map(|i| (i, names[i as usize % 5], "1.00", i % 60)).collect();
    let users: Vec<Value> = (0..40).map(|i| json!({"usr": names[i % 5], "city": format!("city {i}")})).collect();
    let users = package(json!([{"name": "usr", "type": "STRING"}, {"name": "city", "type": "STRING"}]), &users);
    let join = "SELECT o.usr, COUNT(*) AS n, MAX(u.city) AS city FROM orders o JOIN users u ON o.usr = u.usr GROUP BY o.usr";
    let packages = [("orders", orders(&made)), ("users", users)];
    let graph = query(&["orders", "users"], join);
    if crate::plan_document(&serde_json::from_value(graph.clone()).unwrap(), &TenantId::new("t"), &Names, &bench.services, false)
        .await
        .is_err()
    {
        // Without joins, a union meets as well.
        let union = "SELECT usr, COUNT(*) AS n FROM (SELECT usr FROM orders UNION ALL SELECT usr FROM users) GROUP BY usr";
        return same_for_a_seed(&bench, query(&["orders", "users"], union), &packages).await;
    }
    same_for_a_seed(&bench, graph, &packages).await;
}

async fn same_for_a_seed(bench: &Bench, graph: Value, packages: &[(&str, ReplayRows)]) {
    let order = |seed| ArrivalOrder { seed, shuffle_rows: 20, ..ArrivalOrder::default() };
    let first = bench.run(graph.clone(), packages, order(1)).await;
    assert!(first.iter().any(|row| row.starts_with("+U")), "{first:?}");
    for _ in 0..3 {
        assert_eq!(bench.run(graph.clone(), packages, order(1)).await, first);
    }
    assert_ne!(bench.run(graph, packages, order(2)).await, first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packages_that_do_not_fit_are_refused_by_column_and_types() {
    let bench = Bench::new();
    let refuse = async |rows: Vec<(&str, ReplayRows)>| {
        let rows = rows.into_iter().map(|(node, rows)| (NodeId::new(node), rows)).collect();
        let limits = CollectionLimits { rows_max: 1, bytes_max: 1 };
        let plan = bench.plan(query(&["orders"], "SELECT id, usr, amount FROM orders")).await;
        let Err(errors) = plan.into_trial(rows, ArrivalOrder::default(), limits) else { panic!("must be refused") };
        errors.iter().map(|e| e.message.clone()).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(refuse(vec![]).await, "has no data package; name one for it (or for its table `orders`)");
    let boolean = package(json!([{"name": "id", "type": "BOOLEAN"}, {"name": "usr", "type": "STRING"}]), &[json!({"id": true})]);
    assert_eq!(refuse(vec![("orders", boolean)]).await, "column `id` is BOOLEAN in sample, expected BIGINT as in `orders`");
    let without = package(json!([{"name": "usr", "type": "STRING"}]), &[json!({"usr": "a"})]);
    let message = refuse(vec![("orders", without)]).await;
    assert_eq!(message, "sample has no column `id`, which is BIGINT NOT NULL in `orders`; the package's columns are usr");
    let text = package(json!([{"name": "id", "type": "STRING"}]), &[json!({"id": "x"})]);
    let message = refuse(vec![("orders", text)]).await;
    assert!(message.starts_with("sample: no row can be read as a row of `orders`: row 1: "), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_lines_are_bad_records_as_in_a_topic() {
    let bench = Bench::new();
    let columns = json!([{"name": "id", "type": "BIGINT"}]);
    let rows = package(columns, &[json!({"id": 1}), json!("not json"), json!({"id": 2})]);
    let found = bench.run(query(&["orders"], "SELECT id FROM orders"), &[("orders", rows)], ArrivalOrder::default()).await;
    assert_eq!(found, ["+I {\"id\":1}", "+I {\"id\":2}"]);
}

#[tokio::test]
async fn a_part_of_a_job_is_planned_without_what_is_behind() {
    let bench = Bench::new();
    let mut graph = query(&["orders"], "SELECT id FROM orders");
    graph["nodes"].as_array_mut().unwrap().push(json!({"id": "odd", "kind": "nothing"}));
    graph["edges"].as_array_mut().unwrap().push(json!({"from": "q", "to": "odd"}));
    let graph: JobGraph = serde_json::from_value(graph).unwrap();
    let tenant = TenantId::new("t");
    let plan = plan_up_to(&graph, &NodeId::new("q"), &tenant, &Names, &bench.services).await.unwrap();
    let limits = CollectionLimits { rows_max: 1, bytes_max: 1 };
    let trial = plan.into_preview(&NodeId::new("q"), SourceStart::Earliest, limits);
    let ids: Vec<&str> = trial.collected.keys().map(NodeId::as_str).collect();
    assert_eq!(ids, ["q.preview"]);
    let Err(errors) = plan_up_to(&graph, &NodeId::new("x"), &tenant, &Names, &bench.services).await else { panic!("must be refused") };
    assert_eq!(errors[0].message, "the job has no node `x`; its nodes are orders, q, out, odd");
}

#[test]
fn decimals_are_compared_digit_by_digit() {
    let schema: Schema = serde_json::from_value(json!([{"name": "d", "type": "DECIMAL(38, 2)"}, {"name": "n", "type": "BIGINT"}])).unwrap();
    let rows = package(json!([{"name": "d", "type": "STRING"}]), &[json!({"d": "12345678901234567890.10"}), json!({"d": null})]);
    let read = read_expected(&rows, &schema).unwrap();
    let row = |value: Value| (None, value.as_object().unwrap().clone());
    assert_eq!(read.rows, [row(json!({"d": "12345678901234567890.10"})), row(json!({"d": null}))]);
    let collected = comparable("{\"d\":12345678901234567890.10,\"n\":1}", &schema);
    assert_eq!(Value::Object(collected), json!({"d": "12345678901234567890.10", "n": 1}));
    let odd = package(json!([{"name": "x", "type": "STRING"}]), &[]);
    assert_eq!(read_expected(&odd, &schema).unwrap_err(), "column `x` of sample is not in the sink's rows; its columns are d, n");
}
