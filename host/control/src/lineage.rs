//! Lineage of columns over a whole graph: from the columns that enter a sink back to columns of tables.
//!
//! Invariant: a column is traced through SQL by the query's own lineage and through operators that keep columns by name.
//! Tenant code declares what it sends: a column that comes in with the same name and type is taken for the same; for others
//! the trace ends and nothing is claimed.

use millrace_domain::lineage::{COLUMNS_MAX, COLUMNS_PIN, ColumnOrigins, TableColumn, pinned_tables};
use millrace_engine::QueryPlan;
use millrace_model::{
    Schema,
    graph::{JobGraph, Node},
    ids::NodeId,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Kinds of nodes that send on the columns that they get.
const KEEPING: &[&str] = &["deduplicate", "quality_check"];

/// Kinds of nodes whose rows tenant code makes, with the columns that it declares.
const CODE: &[&str] = &["etl", "custom_transform"];

struct Tracer<'a> {
    graph: &'a JobGraph,
    /// What leaves each node.
    schemas: &'a BTreeMap<NodeId, Schema>,
    /// Tables by node.
    tables: BTreeMap<String, String>,
    queries: BTreeMap<&'a str, &'a QueryPlan>,
    known: BTreeMap<(String, String), BTreeSet<TableColumn>>,
}

/// Adds the lineage of columns to the pins of a graph that was planned.
pub(crate) fn pin_columns(graph: &JobGraph, schemas: &BTreeMap<NodeId, Schema>, queries: &[QueryPlan], pins: &mut Value) {
    let origins = column_origins(graph, schemas, queries, pins);
    if let (Some(pins), false) = (pins.as_object_mut(), origins.is_empty()) {
        pins.insert(COLUMNS_PIN.into(), json!(origins));
    }
}

fn column_origins(graph: &JobGraph, schemas: &BTreeMap<NodeId, Schema>, queries: &[QueryPlan], pins: &Value) -> Vec<ColumnOrigins> {
    let tables = pinned_tables(pins).into_iter().map(|(node, pin)| (node, pin.table)).collect();
    let queries = queries.iter().filter_map(|q| Some((q.node.as_ref()?.as_str(), q))).collect();
    let mut tracer = Tracer { graph, schemas, tables, queries, known: BTreeMap::new() };
    let mut origins = Vec::new();
    for sink in graph.nodes.iter().filter(|n| n.kind.ends_with("_sink")) {
        let (Some(table), Some(schema)) = (tracer.tables.get(sink.id.as_str()).cloned(), schemas.get(&sink.id)) else { continue };
        for field in schema.fields() {
            let from = tracer.before(sink, &field.name);
            if !from.is_empty() && origins.len() < COLUMNS_MAX {
                origins.push(ColumnOrigins { table: table.clone(), column: field.name.clone(), from: from.into_iter().collect() });
            }
        }
    }
    origins
}

impl<'a> Tracer<'a> {
    /// Where `column` of what enters `node` comes from.
    fn before(&mut self, node: &Node, column: &str) -> BTreeSet<TableColumn> {
        self.inputs(&node.id).into_iter().flat_map(|input| self.leaving(input, column)).collect()
    }

    fn inputs(&self, node: &NodeId) -> Vec<&'a Node> {
        let edges = self.graph.edges.iter().filter(|e| e.to == *node);
        edges.filter_map(|e| self.graph.nodes.iter().find(|n| n.id == e.from)).collect()
    }

    /// Where `column` of what leaves `node` comes from.
    fn leaving(&mut self, node: &'a Node, column: &str) -> BTreeSet<TableColumn> {
        let key = (node.id.to_string(), column.to_owned());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let found = if node.kind.ends_with("_source") {
            let table = self.tables.get(node.id.as_str()).cloned();
            table.map(|table| TableColumn { table, column: column.to_owned() }).into_iter().collect()
        } else if let Some(query) = self.queries.get(node.id.as_str()).copied() {
            let inputs = self.inputs(&node.id);
            let lineage = query.columns.iter().find(|c| c.name == column).map(|c| c.lineage.clone()).unwrap_or_default();
            let mut found = BTreeSet::new();
            for origin in lineage {
                for input in inputs.iter().filter(|input| name_in_sql(input) == origin.table) {
                    found.extend(self.leaving(input, &origin.column));
                }
            }
            found
        } else if KEEPING.contains(&node.kind.as_str()) {
            self.before(node, column)
        } else if CODE.contains(&node.kind.as_str()) {
            let type_of = |id: &NodeId| self.schemas.get(id)?.field(column).map(|field| field.data_type.clone());
            let made = type_of(&node.id);
            let same = self.inputs(&node.id).into_iter().filter(|input| made.is_some() && type_of(&input.id) == made);
            let same: Vec<&Node> = same.collect();
            same.into_iter().flat_map(|input| self.leaving(input, column)).collect()
        } else {
            BTreeSet::new()
        };
        self.known.insert(key, found.clone());
        found
    }
}

/// What SQL behind a node calls it.
fn name_in_sql(node: &Node) -> &str {
    let named = node.config.get("table_name").and_then(Value::as_str).filter(|name| !name.is_empty());
    named.unwrap_or(if node.name.is_empty() { node.id.as_str() } else { &node.name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_engine::QueryColumn;
    use millrace_model::{DataType, Field};

    #[test]
    fn columns_are_traced_through_sql_and_by_name_through_tenant_code() {
        let graph: JobGraph = serde_json::from_value(json!({
            "nodes": [
                {"id": "in", "kind": "kafka_source", "config": {"topic": "clicks", "table_name": "c"}},
                {"id": "once", "kind": "deduplicate"},
                {"id": "q", "kind": "sql"},
                {"id": "q2", "kind": "sql"},
                {"id": "out", "kind": "kafka_sink"},
                {"id": "code", "kind": "etl"},
                {"id": "out2", "kind": "kafka_sink"},
            ],
            "edges": [
                {"from": "in", "to": "once"}, {"from": "once", "to": "q"}, {"from": "q", "to": "q2"}, {"from": "q2", "to": "out"},
                {"from": "in", "to": "code"}, {"from": "code", "to": "out2"},
            ],
        }))
        .unwrap();
        let table = |name: &str| json!({"table": name, "physical_name": name, "schema": [], "format": null});
        let mut pins = json!({"in": table("clicks"), "out": table("counts"), "out2": table("raw"), "q": null});
        let query = |node: &str, columns: &[(&str, &[(&str, &str)])]| {
            let column = |(name, of): &(&str, &[(&str, &str)])| QueryColumn {
                name: (*name).into(),
                data_type: DataType::String,
                nullable: true,
                lineage: of.iter().map(|(t, c)| source_column(t, c)).collect::<Vec<_>>(),
            };
            QueryPlan {
                node: Some(NodeId::new(node)),
                plan: String::new(),
                changelog_mode: "I".into(),
                upsert_keys: Vec::new(),
                columns: columns.iter().map(column).collect(),
            }
        };
        let queries = [
            query("q", &[("a", &[("once", "url"), ("once", "ms")]), ("b", &[])]),
            query("q2", &[("x", &[("q", "a")]), ("y", &[("q", "b")])]),
        ];
        let schema = |names: &[&str]| Schema::new(names.iter().map(|n| Field::new(*n, DataType::String, true)).collect()).unwrap();
        let other = Schema::new(vec![Field::new("url", DataType::String, false), Field::new("ms", DataType::BigInt, true)]).unwrap();
        let schemas = [
            (NodeId::new("in"), schema(&["url", "ms"])),
            (NodeId::new("code"), Schema::new([other.fields(), schema(&["z"]).fields()].concat()).unwrap()),
            (NodeId::new("out"), schema(&["x", "y"])),
            (NodeId::new("out2"), schema(&["z", "url", "ms"])),
        ]
        .into();
        pin_columns(&graph, &schemas, &queries, &mut pins);
        let of = |column: &str| json!({"table": "clicks", "column": column});
        assert_eq!(
            pins[COLUMNS_PIN],
            json!([
                {"table": "counts", "column": "x", "from": [of("ms"), of("url")]},
                {"table": "raw", "column": "url", "from": [of("url")]},
            ]),
            "`z` is new, and `ms` has another type"
        );
    }

    fn source_column(table: &str, column: &str) -> millrace_engine::SourceColumn {
        millrace_engine::SourceColumn { table: table.into(), column: column.into() }
    }
}
