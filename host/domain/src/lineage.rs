//! Lineage: which tables a version of a job reads and writes, which columns come from which, and the same as OpenLineage
//! events.
//!
//! Invariant: lineage is read from what a version has pinned, never from what names mean today. The events follow the
//! public specification of OpenLineage 2-0-2 (`RunEvent`, schema and column lineage facets of version 1).

use crate::text_enum::text_enum;
use millrace_model::{Schema, graph::JobGraph};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The key among a version's pins that holds the lineage of columns; no id of a node has a colon.
pub const COLUMNS_PIN: &str = "lineage:columns";
/// Most columns of one version whose lineage is kept.
pub const COLUMNS_MAX: usize = 5_000;

text_enum! {
    /// What a job does with a table.
    TableUse, "use of a table", {
        /// It reads its rows.
        Read = "read",
        /// It writes rows into it.
        Write = "write",
        /// It looks rows up in it.
        LookUp = "look_up",
        /// It sends rows there that could not be processed.
        DeadLetters = "dead_letters",
    }
}

impl TableUse {
    /// Whether rows come from the table.
    pub const fn is_input(self) -> bool {
        matches!(self, Self::Read | Self::LookUp)
    }
}

/// One use of a table by a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeUse {
    /// The node.
    pub node: String,
    /// What it does with the table.
    pub usage: TableUse,
    /// The table as the version has pinned it: `clicks`, or `project.clicks`.
    pub table: String,
    /// Whether it is a table of the catalog; else it is only known to the job's own code.
    pub in_catalog: bool,
}

/// A column with the columns that its values are made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnOrigins {
    /// The table that is written.
    pub table: String,
    /// Its column.
    pub column: String,
    /// The columns that are read.
    pub from: Vec<TableColumn>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableColumn {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
}

/// A table that a version has pinned, as far as lineage needs it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PinnedTable {
    /// Name of the table.
    pub table: String,
    /// Name in the system that holds it.
    #[serde(default)]
    pub physical_name: String,
    /// Columns.
    #[serde(default)]
    pub schema: Schema,
}

/// The tables that a version has pinned, by node.
pub fn pinned_tables(pins: &Value) -> BTreeMap<String, PinnedTable> {
    let nodes = pins.as_object().into_iter().flatten().filter(|(node, _)| !node.contains(':'));
    nodes.filter_map(|(node, pin)| Some((node.clone(), PinnedTable::deserialize(pin).ok()?))).collect()
}

/// What a version does with which tables.
pub fn table_uses(graph: &JobGraph, pins: &Value) -> Vec<NodeUse> {
    let pinned = pinned_tables(pins);
    let mut uses = BTreeSet::new();
    for node in &graph.nodes {
        let usage = if node.kind.ends_with("_source") {
            TableUse::Read
        } else if node.kind.ends_with("_sink") {
            TableUse::Write
        } else {
            continue;
        };
        let config = |field: &str| node.config.get(field).and_then(Value::as_str).map(str::to_owned);
        let known = pinned.get(node.id.as_str()).map(|table| table.table.clone()).or_else(|| config("topic")).or_else(|| config("table"));
        let in_catalog = known.is_some();
        let table = known.or_else(|| config("plugin")).unwrap_or_else(|| node.id.to_string());
        uses.insert(NodeUse { node: node.id.to_string(), usage, table, in_catalog });
    }
    for table in &graph.dimension_tables {
        let node = format!("dimension_table:{}", table.name);
        let (in_catalog, name) = (table.table.is_some(), table.table.as_ref().unwrap_or(&table.name).clone());
        uses.insert(NodeUse { node, usage: TableUse::LookUp, table: name, in_catalog });
    }
    if let Some(table) = &graph.parameters.dead_letter_topic {
        uses.insert(NodeUse { node: "parameters".into(), usage: TableUse::DeadLetters, table: table.clone(), in_catalog: true });
    }
    uses.into_iter().collect()
}

/// The lineage of columns that a version has pinned.
pub fn column_origins(pins: &Value) -> Vec<ColumnOrigins> {
    pins.get(COLUMNS_PIN).and_then(|columns| Vec::deserialize(columns).ok()).unwrap_or_default()
}

text_enum! {
    /// The type of an OpenLineage event.
    RunState, "type of run event", {
        /// A run begins.
        Start = "START",
        /// A run goes on, after a restart.
        Running = "RUNNING",
        /// A run has ended as it should.
        Complete = "COMPLETE",
        /// A run has failed for good.
        Fail = "FAIL",
    }
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq)]
pub struct RunFact {
    /// What happened.
    pub state: RunState,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// The instance's id.
    pub instance: String,
    /// Which start of the instance.
    pub run: i64,
    /// Name of the tenant.
    pub tenant: String,
    /// Name of the project.
    pub project: String,
    /// Name of the job.
    pub job: String,
    /// Number of the version.
    pub version: i64,
    /// Why it failed.
    pub failure: Option<String>,
}

const SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const SCHEMA_FACET: &str = "https://openlineage.io/spec/facets/1-1-1/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet";
const COLUMN_FACET: &str = "https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet";
const ERROR_FACET: &str = "https://openlineage.io/spec/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet";
const JOB_TYPE_FACET: &str = "https://openlineage.io/spec/facets/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet";
const SQL_FACET: &str = "https://openlineage.io/spec/facets/1-1-0/SQLJobFacet.json#/$defs/SQLJobFacet";

/// The event of `fact`, with the tables of the version that ran. `producer` is the URI of the program that says so.
pub fn run_event(fact: &RunFact, graph: &JobGraph, pins: &Value, producer: &str) -> Value {
    let (namespace, pinned) = (format!("millrace://{}", fact.tenant), pinned_tables(pins));
    let of_project = |table: &str| if table.contains('.') { table.to_owned() } else { format!("{}.{table}", fact.project) };
    let facet = |schema: &str, content: Value| {
        let mut facet = json!({ "_producer": producer, "_schemaURL": schema });
        if let (Some(facet), Value::Object(content)) = (facet.as_object_mut(), content) {
            facet.extend(content);
        }
        facet
    };
    let origins = column_origins(pins);
    let (mut inputs, mut outputs) = (BTreeMap::new(), BTreeMap::new());
    for NodeUse { node, usage, table, .. } in table_uses(graph, pins) {
        let mut facets = serde_json::Map::new();
        if let Some(pin) = pinned.get(&node) {
            let field = |f: &millrace_model::Field| json!({ "name": f.name, "type": f.data_type.to_string(), "description": f.comment });
            let fields: Vec<Value> = pin.schema.fields().iter().map(field).collect();
            facets.insert("schema".into(), facet(SCHEMA_FACET, json!({ "fields": fields })));
        }
        let columns: serde_json::Map<String, Value> = (origins.iter().filter(|o| !usage.is_input() && o.table == table))
            .map(|origin| {
                let from = origin.from.iter();
                let from = from.map(|c| json!({ "namespace": namespace, "name": of_project(&c.table), "field": c.column }));
                (origin.column.clone(), json!({ "inputFields": from.collect::<Vec<_>>() }))
            })
            .collect();
        if !columns.is_empty() {
            facets.insert("columnLineage".into(), facet(COLUMN_FACET, json!({ "fields": columns })));
        }
        let dataset = json!({ "namespace": namespace, "name": of_project(&table), "facets": facets });
        if usage.is_input() {
            inputs.insert(table, dataset)
        } else {
            outputs.insert(table, dataset)
        };
    }
    let mut run_facets = serde_json::Map::new();
    if let Some(message) = &fact.failure {
        run_facets.insert("errorMessage".into(), facet(ERROR_FACET, json!({ "message": message, "programmingLanguage": "SQL" })));
    }
    let job_type = json!({ "processingType": "STREAMING", "integration": "MILLRACE", "jobType": "JOB" });
    let mut job_facets = json!({ "jobType": facet(JOB_TYPE_FACET, job_type) });
    if let Some(sql) = &graph.sql {
        job_facets["sql"] = facet(SQL_FACET, json!({ "query": sql, "dialect": "flink" }));
    }
    json!({
        "eventType": fact.state,
        "eventTime": time_text(fact.at_ms),
        "run": { "runId": run_id(&fact.instance, fact.run), "facets": run_facets },
        "job": { "namespace": namespace, "name": format!("{}.{}", fact.project, fact.job), "facets": job_facets },
        "inputs": inputs.into_values().collect::<Vec<_>>(),
        "outputs": outputs.into_values().collect::<Vec<_>>(),
        "producer": producer,
        "schemaURL": SCHEMA,
    })
}

/// The id of a run: the instance's own digits with the number of the start mixed into the last ones, so that the same run
/// always has the same id.
fn run_id(instance: &str, run: i64) -> String {
    let digits = instance.rsplit('_').next().unwrap_or_default();
    let number = u128::from_str_radix(digits, 16).unwrap_or(0) ^ (u128::from(run.unsigned_abs()) << 1);
    let text = format!("{number:032x}");
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// RFC 3339 in UTC, to the millisecond. The civil date follows Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn time_text(ms: i64) -> String {
    let (days, in_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second, milli) = (in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1_000 % 60, in_day % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> JobGraph {
        serde_json::from_value(json!({"nodes": [
            {"id": "in", "kind": "kafka_source", "config": {"topic": "clicks"}},
            {"id": "own", "kind": "custom_source", "config": {"plugin": "weather"}},
            {"id": "q", "kind": "sql", "config": {"sql": "SELECT 1"}},
            {"id": "out", "kind": "kafka_sink", "config": {"topic": "clean"}},
        ], "dimension_tables": [{"name": "users", "plugin": "u"}], "parameters": {"dead_letter_topic": "letters"}}))
        .unwrap()
    }

    fn pins() -> Value {
        let table = |name: &str| {
            json!({"table": name, "physical_name": name, "format": {"type": "json"},
            "schema": [{"name": "url", "type": "STRING", "comment": "page"}]})
        };
        json!({"in": table("clicks"), "out": table("clean"), "q": {"sql": "SELECT 1", "functions": []}, "own": null,
            COLUMNS_PIN: [{"table": "clean", "column": "url", "from": [{"table": "clicks", "column": "url"}]}]})
    }

    #[test]
    fn a_version_says_what_it_does_with_tables() {
        let uses = table_uses(&graph(), &pins());
        let shown: Vec<_> = uses.iter().map(|u| format!("{} {} {} {}", u.node, u.usage, u.table, u.in_catalog)).collect();
        assert_eq!(
            shown,
            [
                "dimension_table:users look_up users false",
                "in read clicks true",
                "out write clean true",
                "own read weather false",
                "parameters dead_letters letters true"
            ]
        );
    }

    #[test]
    fn an_event_follows_openlineage() {
        let fact = RunFact {
            state: RunState::Fail,
            at_ms: 1_709_164_799_999,
            instance: "ins_0191a2b3c4d57e6f8a9b0c1d2e3f4a5b".into(),
            run: 2,
            tenant: "acme".into(),
            project: "web".into(),
            job: "clean-clicks".into(),
            version: 3,
            failure: Some("no broker".into()),
        };
        let event = run_event(&fact, &graph(), &pins(), "https://example.org/millrace");
        insta::assert_snapshot!("openlineage_event", serde_json::to_string_pretty(&event).unwrap());
        assert_eq!(time_text(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(time_text(-1), "1969-12-31T23:59:59.999Z");
    }
}
