//! The semantic difference of two job graphs (DEV-3): what a reviewer wants to know, and nothing that only moved.
//!
//! Invariant: pure and bounded. Nodes are matched by id, values by JSON pointer, texts line by line; positions on the
//! canvas and the order of nodes and edges are no difference. What is equal is not in the answer.

mod fields;
mod text;

pub use fields::FieldChange;
pub use text::{DIFF_LINES_MAX, TextDiff, TextHunk, TextLine};

use crate::text_enum::text_enum;
use fields::fields;
use millrace_model::graph::{JobGraph, Node};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

text_enum! {
    /// What happened to a thing.
    Change, "change", {
        /// Only in the later graph.
        Added = "added",
        /// Only in the earlier graph.
        Removed = "removed",
        /// In both, with differences.
        Changed = "changed",
    }
}

/// A node that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeChange {
    /// Its id.
    pub node: String,
    /// Its kind; the later one if the kind itself has changed.
    pub kind: String,
    /// What happened.
    pub change: Change,
    /// Differing fields of a changed node, as JSON pointers into it: `/config/topic`, `/parallelism`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
}

/// An edge that is only in one of the graphs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EdgeChange {
    /// The node that sends.
    pub from: String,
    /// The node that receives.
    pub to: String,
    /// Added or removed.
    pub change: Change,
}

/// Something with a name that differs: a dimension table, or what a node has pinned.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NamedChange {
    /// Its name; for pins the node's id.
    pub name: String,
    /// What happened.
    pub change: Change,
    /// Differing fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
}

/// The difference of two graphs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GraphDiff {
    /// Whether nothing that matters differs.
    pub is_same: bool,
    /// Nodes, by id.
    pub nodes: Vec<NodeChange>,
    /// Edges, by their ends.
    pub edges: Vec<EdgeChange>,
    /// Parameters of the job, as JSON pointers into them: `/checkpoint_interval_ms`.
    pub parameters: Vec<FieldChange>,
    /// Dimension tables, by name.
    pub dimension_tables: Vec<NamedChange>,
    /// The SQL script, line by line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<TextDiff>,
    /// The program of a job of mode `jar`.
    pub jar: Vec<FieldChange>,
    /// What nodes refer to, by content; empty when one of the two is a draft, which has pinned nothing.
    pub pins: Vec<NamedChange>,
}

/// One side of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct DiffSide<'a> {
    /// The graph.
    pub graph: &'a JobGraph,
    /// What it has pinned, by node; absent for a draft.
    pub pins: Option<&'a Value>,
}

/// What leads from `before` to `after`.
pub fn diff(before: DiffSide<'_>, after: DiffSide<'_>) -> GraphDiff {
    let (b, a) = (before.graph, after.graph);
    // The draft of a script has no nodes, its version has those that it became: comparing them would tell nothing.
    let unplanned = |graph: &JobGraph| graph.sql.is_some() && graph.nodes.is_empty();
    let comparable = !(unplanned(b) || unplanned(a)) || (b.sql.is_some() != a.sql.is_some());
    let (nodes, edges) = if comparable { (nodes(b, a), edges(b, a)) } else { (Vec::new(), Vec::new()) };
    let pins = match (before.pins, after.pins) {
        (Some(before), Some(after)) => named(by_key(before), by_key(after)),
        (Some(_) | None, _) => Vec::new(),
    };
    let tables = |graph: &JobGraph| graph.dimension_tables.iter().map(|t| (t.name.clone(), json(t))).collect();
    let sql = match (b.sql.as_deref(), a.sql.as_deref()) {
        (before, after) if before == after => None,
        (before, after) => Some(text::diff(before.unwrap_or_default(), after.unwrap_or_default())),
    };
    let mut diff = GraphDiff {
        is_same: false,
        nodes,
        edges,
        parameters: fields(&json(&b.parameters), &json(&a.parameters)),
        dimension_tables: named(tables(b), tables(a)),
        sql,
        jar: fields(&json(&b.jar), &json(&a.jar)),
        pins,
    };
    diff.is_same = diff.nodes.is_empty()
        && diff.edges.is_empty()
        && diff.parameters.is_empty()
        && diff.dimension_tables.is_empty()
        && diff.sql.is_none()
        && diff.jar.is_empty()
        && diff.pins.is_empty();
    diff
}

/// Our own types always have a JSON form.
fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// A node without what only the canvas needs.
fn meaning(node: &Node) -> Value {
    let mut value = json(node);
    if let Some(fields) = value.as_object_mut() {
        fields.remove("position");
    }
    value
}

fn nodes(before: &JobGraph, after: &JobGraph) -> Vec<NodeChange> {
    fn by_id(graph: &JobGraph) -> BTreeMap<&str, &Node> {
        graph.nodes.iter().map(|node| (node.id.as_str(), node)).collect()
    }
    let (before, after) = (by_id(before), by_id(after));
    let ids: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let change = |id: &str| match (before.get(id), after.get(id)) {
        (Some(b), Some(a)) => {
            let fields = fields(&meaning(b), &meaning(a));
            (!fields.is_empty()).then(|| (a.kind.clone(), Change::Changed, fields))
        }
        (Some(b), None) => Some((b.kind.clone(), Change::Removed, Vec::new())),
        (None, Some(a)) => Some((a.kind.clone(), Change::Added, Vec::new())),
        (None, None) => None,
    };
    ids.into_iter()
        .filter_map(|id| change(id).map(|(kind, change, fields)| NodeChange { node: id.to_owned(), kind, change, fields }))
        .collect()
}

fn edges(before: &JobGraph, after: &JobGraph) -> Vec<EdgeChange> {
    fn ends(graph: &JobGraph) -> BTreeSet<(&str, &str)> {
        graph.edges.iter().map(|edge| (edge.from.as_str(), edge.to.as_str())).collect()
    }
    let (before, after) = (ends(before), ends(after));
    let change = |end: &(&str, &str)| if after.contains(end) { Change::Added } else { Change::Removed };
    let differing = before.symmetric_difference(&after);
    differing.map(|end| EdgeChange { from: end.0.to_owned(), to: end.1.to_owned(), change: change(end) }).collect()
}

fn by_key(value: &Value) -> BTreeMap<String, Value> {
    let none = Map::new();
    value.as_object().unwrap_or(&none).iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn named(before: BTreeMap<String, Value>, after: BTreeMap<String, Value>) -> Vec<NamedChange> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let change = |name: &String| match (before.get(name), after.get(name)) {
        (Some(b), Some(a)) => Some((Change::Changed, fields(b, a))).filter(|(_, fields)| !fields.is_empty()),
        (Some(_), None) => Some((Change::Removed, Vec::new())),
        (None, Some(_)) => Some((Change::Added, Vec::new())),
        (None, None) => None,
    };
    names.into_iter().filter_map(|name| change(name).map(|(change, fields)| NamedChange { name: name.clone(), change, fields })).collect()
}

#[cfg(test)]
mod tests;
