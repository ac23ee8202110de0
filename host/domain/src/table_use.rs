//! Which tables a submitted graph reads and writes.
//!
//! Invariant: only what the graph and its pins say counts, so the answer for a version never changes.

use crate::permission::TablePermission;
use millrace_model::graph::JobGraph;
use serde_json::Value;
use std::collections::BTreeSet;

/// One use of a table by a graph.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableUse {
    /// The table as the graph names it: `clicks`, or `risk.payments` for one of another project.
    pub table: String,
    /// What for.
    pub permission: TablePermission,
    /// Columns that are read, as the version has pinned them; empty if it has pinned none.
    pub columns: BTreeSet<String>,
}

impl TableUse {
    /// Project and table, if it is a table of another project.
    pub fn foreign(&self) -> Option<(&str, &str)> {
        foreign_name(&self.table)
    }
}

/// Project and table of a name such as `risk.payments`; names of tables have no dot themselves.
pub fn foreign_name(name: &str) -> Option<(&str, &str)> {
    name.split_once('.')
}

/// What `graph` uses, each table once per permission.
pub fn table_uses(graph: &JobGraph, pins: &Value) -> Vec<TableUse> {
    let mut uses = BTreeSet::new();
    for node in &graph.nodes {
        let permission = match node.kind.rsplit_once('_') {
            Some((_, "source")) => TablePermission::Select,
            Some((_, "sink")) => TablePermission::Insert,
            _ => continue,
        };
        let setting = |field: &str| node.config.get(field).and_then(Value::as_str);
        let Some(table) = setting("topic").or_else(|| setting("table")) else { continue };
        let columns = match permission {
            TablePermission::Select => pinned_columns(pins, node.id.as_str()),
            TablePermission::Insert | TablePermission::Update | TablePermission::Delete => BTreeSet::new(),
        };
        uses.insert(TableUse { table: table.to_owned(), permission, columns });
    }
    for dimension in &graph.dimension_tables {
        let Some(table) = &dimension.table else { continue };
        let columns = pinned_columns(pins, &format!("dimension_table:{}", dimension.name));
        uses.insert(TableUse { table: table.clone(), permission: TablePermission::Select, columns });
    }
    if let Some(table) = &graph.parameters.dead_letter_topic {
        uses.insert(TableUse { table: table.clone(), permission: TablePermission::Insert, columns: BTreeSet::new() });
    }
    uses.into_iter().collect()
}

fn pinned_columns(pins: &Value, node: &str) -> BTreeSet<String> {
    let columns = pins.get(node).and_then(|pin| pin.get("schema")).and_then(Value::as_array);
    let names = columns.into_iter().flatten().filter_map(|column| column.get("name")?.as_str());
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sources_read_and_sinks_write() {
        let graph: JobGraph = serde_json::from_value(json!({
            "nodes": [
                {"id": "in", "kind": "kafka_source", "config": {"topic": "risk.payments"}},
                {"id": "own", "kind": "kafka_source", "config": {"topic": "clicks"}},
                {"id": "clean", "kind": "etl", "config": {"plugin": "clean"}},
                {"id": "guest", "kind": "custom_source", "config": {"plugin": "p"}},
                {"id": "out", "kind": "mysql_sink", "config": {"table": "risk.alarms"}},
            ],
            "parameters": {"dead_letter_topic": "lost"},
            "dimension_tables": [{"name": "cards", "table": "risk.cards", "primary_key": ["no"]}, {"name": "own", "plugin": "p"}],
        }))
        .unwrap();
        let pins = json!({"dimension_table:cards": {"schema": [{"name": "no", "type": "INT"}]}, "in": {"table": "risk.payments", "schema": [{"name": "id", "type": "INT"}, {"name": "amount", "type": "INT"}]}});
        let found = table_uses(&graph, &pins);
        let shown: Vec<_> = found.iter().map(|u| format!("{} {} {:?} {:?}", u.permission, u.table, u.foreign(), u.columns)).collect();
        assert_eq!(
            shown,
            [
                "select clicks None {}",
                "insert lost None {}",
                "insert risk.alarms Some((\"risk\", \"alarms\")) {}",
                "select risk.cards Some((\"risk\", \"cards\")) {\"no\"}",
                "select risk.payments Some((\"risk\", \"payments\")) {\"amount\", \"id\"}",
            ]
        );
    }
}
