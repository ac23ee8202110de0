//! Scripts against a connector in name only: what graph they become, and where each error points.

use super::*;
use crate::{
    catalog::{CatalogError, PluginBinding},
    operators::{OperatorRegistry, sql::stage::StageSettings},
    plan::Work,
    services::TenantAccounts,
};
use async_trait::async_trait;
use millrace_checkpoint::LocalStore;
use millrace_connector::{
    ConfigError, Connection, Connector, ConnectorError, ConnectorRegistry, DeadLetters, Sink, SinkContext, Source, SourceContext,
    SqlConnector, SqlNode, SqlTable, TableBinding,
};
use millrace_model::Schema;
use millrace_sandbox::{CompilerCommand, Sandbox, SandboxConfig, TenantLimits};
use serde_json::Map;
use std::sync::Arc;

/// `log` appends, `latest` keeps the latest row of each key.
struct LogConnector;

const OPTIONS: &[&str] = &["connector", "topic", "start", "sink.parallelism", "properties.*"];

#[async_trait]
impl Connector for LogConnector {
    fn kind(&self) -> &'static str {
        "log"
    }
    fn check_source(&self, config: &Map<String, Value>, _: &TableBinding) -> Vec<ConfigError> {
        let wrong = config.get("start").filter(|s| **s == "never");
        wrong.map(|_| ConfigError::new("start", "config.invalid", "is never")).into_iter().collect()
    }
    fn check_sink(&self, _: &Map<String, Value>, table: &TableBinding, input: &Schema) -> Vec<ConfigError> {
        let missing = table.schema.fields().iter().find(|f| !f.nullable && input.field(&f.name).is_none_or(|i| i.nullable));
        missing.map(|f| ConfigError::new("table", "config.schema_mismatch", format!("`{}` may be NULL", f.name))).into_iter().collect()
    }
    fn dimension_source(&self, table: &TableBinding, _: &BTreeMap<String, String>) -> Option<Map<String, Value>> {
        Some(Map::from_iter([("table".into(), json!(table.name))]))
    }
    fn accepts_changes(&self, config: &Map<String, Value>) -> bool {
        config.contains_key("key")
    }
    fn needs_update_before(&self, _: &Map<String, Value>) -> bool {
        false
    }
    fn change_key(&self, config: &Map<String, Value>) -> Option<Vec<String>> {
        serde_json::from_value(config.get("key")?.clone()).ok()
    }
    fn table_options(&self) -> &'static [&'static str] {
        OPTIONS
    }
    fn sql_connectors(&self) -> &'static [SqlConnector] {
        &[
            SqlConnector { name: "log", table_option: "topic", sends_changes: false, options: OPTIONS },
            SqlConnector { name: "latest", table_option: "topic", sends_changes: true, options: OPTIONS },
        ]
    }
    fn sql_source(&self, table: &SqlTable<'_>) -> Result<SqlNode, Vec<ConfigError>> {
        let mut node = SqlNode::default();
        node.config.insert("table".into(), json!(table.binding.name));
        node.config.insert("start".into(), json!(table.options.get("start").map_or("earliest", String::as_str)));
        Ok(node)
    }
    fn sql_sink(&self, table: &SqlTable<'_>) -> Result<SqlNode, Vec<ConfigError>> {
        let mut node = SqlNode { parallelism: table.options.get("sink.parallelism").and_then(|p| p.parse().ok()), ..SqlNode::default() };
        node.config.insert("table".into(), json!(table.binding.name));
        if table.connector == "latest" {
            node.config.insert("key".into(), json!(table.primary_key));
        }
        Ok(node)
    }
    async fn ensure_table(&self, _: &TableBinding, _: &Value) -> Result<bool, ConnectorError> {
        Ok(false)
    }
    async fn open_source(&self, _: SourceContext) -> Result<Box<dyn Source>, ConnectorError> {
        Err(ConnectorError::Config("none".into()))
    }
    async fn open_sink(&self, _: SinkContext) -> Result<Box<dyn Sink>, ConnectorError> {
        Err(ConnectorError::Config("none".into()))
    }
    async fn open_dead_letters(&self, _: &TableBinding) -> Result<Arc<dyn DeadLetters>, ConnectorError> {
        Err(ConnectorError::Config("none".into()))
    }
}

/// The topics of the project.
struct Topics;

#[async_trait]
impl Catalog for Topics {
    async fn table(&self, name: &str) -> Result<TableBinding, CatalogError> {
        let columns = match name {
            "clicks" => json!([{"name": "usr", "type": "STRING"}, {"name": "url", "type": "STRING"}, {"name": "ts", "type": "BIGINT"}]),
            "per-minute" => {
                json!([{"name": "start", "type": "TIMESTAMP(3)"}, {"name": "url", "type": "STRING"}, {"name": "n", "type": "BIGINT"}])
            }
            "risk.payments" | "risk.alarms" => json!([{"name": "usr", "type": "STRING"}, {"name": "amount", "type": "BIGINT"}]),
            "risk.cards" => return Err(CatalogError::Forbidden("select on `risk.cards` is not permitted; apply for it".into())),
            "per_user" => json!([{"name": "usr", "type": "STRING"}, {"name": "n", "type": "BIGINT", "nullable": false}]),
            _ => {
                let suggestion = (name == "cliks").then(|| "clicks".to_owned());
                return Err(CatalogError::NotFound { what: format!("topic `{name}`"), suggestion });
            }
        };
        let (name, schema) = (name.to_owned(), serde_json::from_value(columns).unwrap());
        let connection = Connection { kind: "log".into(), properties: BTreeMap::new() };
        Ok(TableBinding { physical_name: name.clone(), name, schema, format: json!({"type": "json"}), connection })
    }
    async fn plugin(&self, name: &str, _: Option<&str>) -> Result<PluginBinding, CatalogError> {
        Err(CatalogError::NotFound { what: format!("plugin `{name}`"), suggestion: None })
    }
}

async fn planned(script: &str, parameters: Value, is_question: bool) -> Result<Planned, Vec<GraphError>> {
    let folder = tempfile::tempdir().unwrap();
    let compiler = CompilerCommand { program: "false".into(), args: Vec::new() };
    let services = EngineServices {
        threads: Default::default(),
        sandbox: Sandbox::new(SandboxConfig::new(folder.path().join("cache"), [7; 32], compiler)).unwrap(),
        connectors: ConnectorRegistry::default().with(Arc::new(LogConnector)),
        operators: OperatorRegistry::builtin(),
        functions: millrace_functions::FunctionRegistry::builtin(),
        checkpoints: Arc::new(LocalStore::open(folder.path().join("checkpoints")).unwrap()),
        accounts: TenantAccounts::new(TenantLimits::default()),
        state: crate::state::StateSettings::default(),
    };
    let document: JobGraph = serde_json::from_value(json!({"sql": script, "parameters": parameters})).unwrap();
    plan_document(&document, &TenantId::new("t1"), &Topics, &services, is_question).await
}

const SCRIPT: &str = "\
-- Two results of one topic.
SET 'parallelism.default' = '3';
SET 'table.exec.state.ttl' = '1 h';
CREATE TABLE events (usr STRING, url STRING, ts BIGINT, et AS TO_TIMESTAMP_LTZ(ts, 3), WATERMARK FOR et AS et)
  WITH ('connector' = 'log', 'topic' = 'clicks');
CREATE TABLE users (usr STRING, n BIGINT, PRIMARY KEY (usr) NOT ENFORCED)
  WITH ('connector' = 'latest', 'topic' = 'per_user', 'sink.parallelism' = '2');
CREATE VIEW signed_in AS SELECT * FROM events /*+ OPTIONS('start' = 'latest') */ WHERE usr IS NOT NULL;
EXECUTE STATEMENT SET BEGIN
  INSERT INTO `per-minute` SELECT window_start, url, COUNT(*)
    FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(et), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, url;
  INSERT INTO users /*+ OPTIONS('sink.parallelism' = '4') */ SELECT usr, COUNT(*) FROM signed_in GROUP BY usr;
END;
";

#[tokio::test]
async fn each_insert_becomes_sources_a_query_with_what_it_needs_and_a_sink() {
    let found = planned(SCRIPT, json!({"checkpoint_interval_ms": 500}), false).await.unwrap();
    assert_eq!(found.graph.sql.as_deref(), Some(SCRIPT), "the script stays as it is");
    assert_eq!((found.graph.parameters.parallelism, found.graph.parameters.checkpoint_interval_ms), (3, 500));
    let edges: Vec<String> = found.graph.edges.iter().map(|e| format!("{} {}", e.from, e.to)).collect();
    let expected =
        ["per-minute-from-events per-minute-query", "per-minute-query per-minute", "users-from-events users-query", "users-query users"];
    assert_eq!(edges, expected);
    let node = |id: &str| found.graph.nodes.iter().find(|n| n.id.as_str() == id).unwrap();
    assert_eq!(json!(node("users-from-events").config), json!({"table": "clicks", "table_name": "events", "start": "latest"}));
    assert_eq!((json!(node("users").config), node("users").parallelism), (json!({"table": "per_user", "key": ["usr"]}), Some(4)));
    let sql = |id: &str| node(id).config["sql"].as_str().unwrap().to_owned();
    assert!(sql("per-minute-query").starts_with("CREATE TABLE `per-minute` (\n  `start` TIMESTAMP(3),"), "{}", sql("per-minute-query"));
    let (first, second) = (sql("per-minute-query"), sql("users-query"));
    assert!(first.contains("CREATE TABLE events") && !first.contains("signed_in") && !first.contains("parallelism"), "{first}");
    assert!(second.contains("CREATE VIEW signed_in") && second.contains("state.ttl") && !second.contains("per-minute"), "{second}");
    let (keys, mode) = (&found.queries[1].upsert_keys, &found.queries[1].changelog_mode);
    assert_eq!((keys, mode.as_str()), (&vec![vec!["usr".to_owned()]], "I,UB,UA"));
    // The version's graph is planned again at every start, against what it has pinned.
    let plan = found.plan.unwrap();
    assert_eq!(plan.pins()["users-from-events"]["schema"].as_array().unwrap().len(), 3, "all columns are pinned, not those that are read");
}

/// Tables of other projects are named with their project, as two parts or as one name with a dot.
#[tokio::test]
async fn tables_of_other_projects_are_named_with_their_project() {
    for from in ["risk.payments", "`risk`.`payments`", "`risk.payments`"] {
        let script = format!("INSERT INTO risk.alarms SELECT p.usr, p.amount FROM {from} AS p WHERE p.amount > 9");
        let found = planned(&script, json!({}), false).await.unwrap();
        let tables: Vec<_> = found.graph.nodes.iter().filter_map(|n| n.config.get("table")?.as_str()).collect();
        assert_eq!(tables, ["risk.payments", "risk.alarms"], "{from}");
        assert!(found.plan.is_some(), "{from}: the graph is planned against the same names");
    }
}

#[tokio::test]
async fn every_error_points_into_the_script() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("forbidden", "INSERT INTO per_user\nSELECT usr, 1 FROM risk.cards", &["2:20 permission.missing apply for it"]),
        (
            "forbidden topic of a declared table",
            "CREATE TABLE t (usr STRING) WITH ('connector' = 'log', 'topic' = 'risk.cards');\nINSERT INTO per_user SELECT usr, 1 FROM t",
            &["1:56 permission.missing apply for it"],
        ),
        ("no such table of another project", "INSERT INTO per_user\nSELECT usr, 1 FROM risk.nothing", &["2:20 sql.unknown_database"]),
        ("syntax", "SELECT 1;\nINSERT INTO users SELEC", &["2:19 sql.syntax"]),
        ("no insert", "CREATE TABLE t (a INT) WITH ('connector' = 'log');\n", &["1:51 sql.no_insert"]),
        ("no sink", "SELECT usr FROM clicks", &["1:1 sql.no_sink"]),
        ("slip in a topic", "INSERT INTO per_user\nSELECT usr, 1 FROM cliks", &["2:20 sql.unknown_table did you mean the topic `clicks`"]),
        ("unknown column", "INSERT INTO per_user SELECT usrr, 1 FROM clicks", &["1:29 sql.unknown_column"]),
        (
            "everything about a table at once",
            "CREATE TABLE t (usr BIGINT) WITH ('connector' = 'log', 'topic' = 'clicks', 'strat' = 'x');\nINSERT INTO per_user SELECT url, 1 FROM cliks",
            &["2:41 sql.unknown_table"],
        ),
        (
            "columns and options",
            "CREATE TABLE t (\n  usr BIGINT\n) WITH ('connector' = 'log', 'topic' = 'clicks',\n  'strat' = 'x');\nINSERT INTO per_user SELECT 'a', usr FROM t",
            &[
                "2:3 sql.schema_mismatch is declared as BIGINT, but is STRING in topic `clicks`",
                "4:3 sql.unknown_option did you mean 'start'",
            ],
        ),
        (
            "unknown topic",
            "CREATE TABLE t (usr STRING) WITH ('connector' = 'log', 'topic' = 'cliks');\nINSERT INTO per_user SELECT usr, 1 FROM t",
            &["1:56 config.unknown_table did you mean 'clicks'"],
        ),
        (
            "unknown connector",
            "CREATE TABLE t (usr STRING) WITH ('connector' = 'latets', 'topic' = 'clicks');\nINSERT INTO per_user SELECT usr, 1 FROM t",
            &["1:35 sql.unknown_connector did you mean 'latest'"],
        ),
        (
            "found in the node",
            "CREATE TABLE t (usr STRING) WITH ('connector' = 'log', 'topic' = 'clicks', 'start' = 'never');\nINSERT INTO per_user SELECT usr, 1 FROM t",
            &["1:76 config.invalid is never"],
        ),
        ("found in the sink", "INSERT INTO per_user (usr) SELECT usr FROM clicks", &["1:1 config.schema_mismatch `n` may be NULL"]),
        ("a hint", "INSERT INTO per_user SELECT usr, 1 FROM clicks /*+ OPTIONS('start' = 'never') */", &["1:60 config.invalid is never"]),
        (
            "updates into a log",
            "INSERT INTO per_user SELECT usr, COUNT(*) FROM clicks GROUP BY usr",
            &["1:1 graph.updates_not_accepted 'upsert-kafka'"],
        ),
        (
            "a key that mixes rows",
            "CREATE TABLE u (usr STRING, n BIGINT, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'latest', 'topic' = 'per_user');\n\
             INSERT INTO u SELECT usr, COUNT(*) FROM clicks GROUP BY usr, url",
            &["1:14 graph.key_does_not_fit no columns of its result"],
        ),
        (
            "a dimension table from nowhere",
            "CREATE TABLE d (usr STRING) WITH ('connector' = 'dimension');\nINSERT INTO per_user SELECT c.usr, 1 FROM (SELECT usr, PROCTIME() AS p FROM clicks) AS c JOIN d FOR SYSTEM_TIME AS OF c.p AS d ON c.usr = d.usr",
            &["1:35 sql.missing_option say where the rows come from"],
        ),
        (
            "a dimension table with a slip, and without a key",
            "CREATE TABLE d (usr STRING) WITH ('connector' = 'dimension',\n 'topic' = 'per_user', 'cach' = 'LRU');\nINSERT INTO per_user SELECT c.usr, 1 FROM (SELECT usr, PROCTIME() AS p FROM clicks) AS c JOIN d FOR SYSTEM_TIME AS OF c.p AS d ON c.usr = d.usr",
            &["2:2 sql.no_primary_key", "2:24 sql.unknown_option did you mean 'cache'"],
        ),
        (
            "a dimension table of a topic that is not there",
            "CREATE TABLE d (usr STRING, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'dimension', 'topic' = 'cliks');\nINSERT INTO per_user SELECT c.usr, 1 FROM (SELECT usr, PROCTIME() AS p FROM clicks) AS c JOIN d FOR SYSTEM_TIME AS OF c.p AS d ON c.usr = d.usr",
            &["1:94 config.unknown_table did you mean `clicks`"],
        ),
        (
            "a dimension table that is read",
            "CREATE TABLE d (usr STRING, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'dimension', 'topic' = 'per_user');\nINSERT INTO per_user SELECT usr, 1 FROM d",
            &["2:41 sql.dimension_not_read they do not flow"],
        ),
        ("a setting", "SET 'table.exec.state.tll' = '1 h';\nINSERT INTO per_user SELECT usr, 1 FROM clicks", &["1:5 sql.unknown_option"]),
    ];
    let mut wrong = Vec::new();
    for (what, script, expected) in cases {
        let errors = planned(script, json!({}), false).await.err().unwrap_or_default();
        let shown = |e: &GraphError| {
            let place = e.place.map(|p| format!("{}:{}", p.line, p.column)).unwrap_or_default();
            format!("{place} {} {}", e.code, e.message)
        };
        let found: Vec<String> = errors.iter().map(shown).collect();
        let matches = |found: &String, expected: &&str| {
            let mut parts = expected.splitn(3, ' ');
            let start = format!("{} {} ", parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            found.starts_with(&start) && found.contains(parts.next().unwrap_or_default())
        };
        let all = found.len() == expected.len() && found.iter().zip(*expected).all(|(f, e)| matches(f, e));
        if !all || errors.iter().any(|e| e.field.as_deref() != Some("sql")) {
            wrong.push(format!("{what}: expected {expected:?}, found {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A declared dimension table becomes one of the graph, once, whatever looks it up.
#[tokio::test]
async fn dimension_tables_become_entries_of_the_graph() {
    let script = "CREATE TABLE totals (usr STRING, n BIGINT NOT NULL, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'dimension', 'topic' = 'per_user');
        CREATE VIEW c AS SELECT usr, url, PROCTIME() AS proc FROM clicks;
        INSERT INTO per_user SELECT c.usr, t.n FROM c JOIN totals FOR SYSTEM_TIME AS OF c.proc AS t ON c.usr = t.usr;
        INSERT INTO `risk.alarms` SELECT c.usr, t.n FROM c LEFT JOIN totals FOR SYSTEM_TIME AS OF c.proc AS t ON c.url = t.usr;";
    let found = planned(script, json!({}), false).await.unwrap_or_else(|e| panic!("{e:#?}"));
    let expected = json!([{
        "name": "totals", "table": "per_user", "primary_key": ["usr"], "parameters": {}, "cache": "LRU", "cache_size": 0, "cache_ttl_ms": 0,
    }]);
    assert_eq!(json!(found.graph.dimension_tables), expected);
    assert!(
        found.queries[0].plan.contains("LookupJoin(table=[totals], joinType=[InnerJoin], lookup=[usr=usr]"),
        "{}",
        found.queries[0].plan
    );
    assert_eq!(found.plan.unwrap().pins()["dimension_table:totals"]["table"], "per_user");
}

#[tokio::test]
async fn a_question_needs_no_sink_and_warnings_say_what_surprises() {
    let found = planned("SELECT usr, COUNT(*) AS n FROM clicks GROUP BY usr", json!({}), true).await.unwrap();
    assert!(found.plan.is_none() && found.graph.nodes.is_empty());
    let query = &found.queries[0];
    let columns: Vec<_> = query.columns.iter().map(|c| (c.name.as_str(), c.data_type.to_string(), c.lineage.len())).collect();
    assert_eq!(columns, [("usr", "STRING".to_owned(), 1), ("n", "BIGINT".to_owned(), 0)]);
    let script = SCRIPT.replace("SET 'table.exec.state.ttl' = '1 h'", "SET 'table.optimizer.agg-phase-strategy' = 'AUTO'");
    let found = planned(&script, json!({}), false).await.unwrap();
    let codes: Vec<_> = found.warnings.iter().map(|w| (w.code.as_str(), w.place.map_or(0, |p| p.line))).collect();
    assert_eq!(codes, [("sql.without_effect", 3), ("sql.no_idle_timeout", 10), ("sql.endless_state", 12)]);
}

#[tokio::test]
async fn rows_that_share_the_key_of_their_sink_are_refused_until_it_is_said_what_they_mean() {
    let script = |settings: &str, end: &str| {
        format!(
            "{settings}CREATE TABLE users (usr STRING, n BIGINT, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'latest', 'topic' = 'per_user');
             INSERT INTO users SELECT url, COUNT(*) FROM clicks GROUP BY usr, url {end}"
        )
    };
    let refused = planned(&script("", ""), json!({}), false).await.err().unwrap();
    assert_eq!(refused[0].code, "graph.key_does_not_fit");
    assert!(refused[0].message.contains("ON CONFLICT DO DEDUPLICATE"), "{}", refused[0].message);
    let stages = |found: Planned| -> Vec<String> { found.plan.unwrap().operators.iter().map(|o| o.name.clone()).collect() };
    for (settings, end, is_materialized) in [
        ("", "ON CONFLICT DO DEDUPLICATE", true),
        ("SET 'table.exec.sink.require-on-conflict' = 'false';", "", true),
        ("SET 'table.exec.sink.upsert-materialize' = 'none';", "", false),
    ] {
        let found = stages(planned(&script(settings, end), json!({}), false).await.unwrap());
        let has_stage = found.iter().any(|name| name == "users: upsert-materialize");
        assert_eq!(has_stage, is_materialized, "{settings} {end}: {found:?}");
    }
}

/// Only the operator before the sink may leave out the rows that are replaced, and only if nothing behind it needs them.
#[tokio::test]
async fn sinks_that_replace_rows_by_key_are_not_told_what_is_replaced() {
    let newest = "SELECT usr, COALESCE(CHAR_LENGTH(url), 0) AS n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY url DESC) AS rn FROM clicks)";
    for (query, leaves_out) in [
        ("SELECT usr, COUNT(*) FROM clicks GROUP BY usr".to_owned(), true),
        ("SELECT CONCAT(usr, ''), n FROM (SELECT usr, COUNT(*) AS n FROM clicks GROUP BY usr) ON CONFLICT DO DEDUPLICATE".to_owned(), false),
        ("SELECT usr, COUNT(*) FROM clicks GROUP BY usr HAVING COUNT(*) > 1".to_owned(), false),
        ("SELECT usr, n * 2 FROM (SELECT usr, COUNT(*) AS n FROM clicks GROUP BY usr)".to_owned(), true),
        (format!("{newest} WHERE rn = 1"), true),
        ("SELECT url, COUNT(*) FROM clicks GROUP BY usr, url ON CONFLICT DO DEDUPLICATE".to_owned(), false),
        ("SELECT a.usr, a.n FROM (SELECT usr, COUNT(*) AS n FROM clicks GROUP BY usr) AS a JOIN clicks AS b ON a.usr = b.usr AND a.n = 1 ON CONFLICT DO DEDUPLICATE".to_owned(), false),
    ] {
        let script = format!(
            "CREATE TABLE users (usr STRING, n BIGINT, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'latest', 'topic' = 'per_user');
             INSERT INTO users {query}"
        );
        let found = planned(&script, json!({}), false).await.unwrap_or_else(|e| panic!("{query}: {e:#?}"));
        let leaving: Vec<String> = (found.plan.unwrap().operators.iter())
            .filter(|operator| match &operator.work {
                Work::Transform { planned, .. } => planned.settings.downcast_ref::<StageSettings>().is_some_and(|s| s.leaves_out_before),
                _ => false,
            })
            .map(|operator| operator.node.to_string())
            .collect();
        let expected: &[&str] = if leaves_out { &["users-query"] } else { &[] };
        assert_eq!(leaving, expected, "{query}");
    }
}

/// Two aggregates on top of each other: the lower one has to say what it takes back.
#[tokio::test]
async fn what_aggregates_of_aggregates_take_back_stays() {
    let script =
        "CREATE TABLE users (usr STRING, n BIGINT, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'latest', 'topic' = 'per_user');
        INSERT INTO users SELECT usr, MAX(n) FROM (SELECT usr, url, COUNT(*) AS n FROM clicks GROUP BY usr, url) GROUP BY usr";
    let found = planned(script, json!({}), false).await.unwrap();
    let leaves_out: Vec<bool> = (found.plan.unwrap().operators.iter())
        .filter_map(|operator| match &operator.work {
            Work::Transform { planned, .. } => planned.settings.downcast_ref::<StageSettings>().map(|s| s.leaves_out_before),
            _ => None,
        })
        .collect();
    assert_eq!(leaves_out.last(), Some(&true));
    assert_eq!(leaves_out.iter().filter(|leaves_out| **leaves_out).count(), 1, "{leaves_out:?}");
}
