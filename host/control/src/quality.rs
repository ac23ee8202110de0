//! Quality rules in jobs: published rules become steps of a version when it is submitted, and their counts are kept.
//!
//! A step is one node, `quality_check`, that counts, marks or diverts. Before a sink it checks what is written into the table;
//! behind a source, what is read from it. Neither side sees it: changes keep their keys on their way into a sink, and SQL
//! behind a source can still declare a watermark and metadata of it.
//! Invariant: the nodes' ids follow from the id of the sink or source alone, and steps that are there already are taken out
//! first, so that submitting again changes nothing.

use crate::{local::View, reconcile::Worker};
use millrace_domain::{
    ProjectScope,
    lineage::pinned_tables,
    quality::{CHECK_NODE, OnViolation},
};
use millrace_model::{
    Schema,
    graph::{Edge, GraphError, JobGraph, Node},
    ids::{InstanceId, NodeId},
};
use millrace_store::{PublishedRule, QualityCount, Store, StoreError};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How the ids of the nodes begin.
const PREFIX: &str = "quality-";

/// Where a rule's step goes.
struct Place {
    /// The sink or source.
    node: NodeId,
    rules: Vec<PublishedRule>,
    /// Columns of the rows that pass.
    columns: Schema,
    is_sink: bool,
}

/// The graph without steps of quality rules.
pub(crate) fn without_steps(graph: &JobGraph) -> JobGraph {
    let mut graph = graph.clone();
    // Versions of before had a SQL node in each step.
    let is_step = |node: &Node| node.id.as_str().starts_with(PREFIX) && (node.kind == CHECK_NODE || node.kind == "sql");
    while let Some(position) = graph.nodes.iter().position(is_step) {
        let id = graph.nodes.remove(position).id;
        let from: Vec<NodeId> = graph.edges.iter().filter(|e| e.to == id).map(|e| e.from.clone()).collect();
        for edge in graph.edges.iter_mut().filter(|e| e.from == id) {
            // A step has one input.
            if let Some(from) = from.first() {
                edge.from.clone_from(from);
            }
        }
        graph.edges.retain(|e| e.to != id && e.from != id);
    }
    graph
}

/// The rules that a draft names itself, in nodes that are no steps: each must be one of the project, so that no job counts
/// for a rule that is not its own.
///
/// # Errors
/// The metadata cannot be read; inside: a rule is not the project's.
pub(crate) async fn foreign_rules(store: &Store, scope: &ProjectScope, graph: &JobGraph) -> Result<Vec<GraphError>, StoreError> {
    let mut errors = Vec::new();
    for node in graph.nodes.iter().filter(|n| n.kind == CHECK_NODE) {
        let rules = node.config.get("rules").and_then(Value::as_array).into_iter().flatten();
        let ids: BTreeSet<&str> = rules.filter_map(|rule| rule.get("id")?.as_str()).collect();
        for id in ids {
            if !store.is_published_rule(scope, id).await? {
                let message = format!("names the quality rule `{id}`, which is no published rule of the project");
                errors.push(GraphError::in_field(&node.id, "config.rules", "quality.unknown_rule", message));
            }
        }
    }
    Ok(errors)
}

/// The graph with steps for the rules that are in force for its tables; `None` if there are none. `schemas` and `pins` are
/// those of the graph.
///
/// # Errors
/// The metadata cannot be read; inside: a rule cannot run in this graph.
pub(crate) async fn with_steps(
    store: &Store,
    scope: &ProjectScope,
    graph: &JobGraph,
    schemas: &BTreeMap<NodeId, Schema>,
    pins: &Value,
) -> Result<Result<Option<JobGraph>, Vec<GraphError>>, StoreError> {
    let tables = pinned_tables(pins);
    let mut places = Vec::new();
    for node in &graph.nodes {
        let (is_sink, is_source) = (node.kind.ends_with("_sink"), node.kind.ends_with("_source"));
        let (Some(table), Some(columns)) = (tables.get(node.id.as_str()), schemas.get(&node.id)) else { continue };
        if !(is_sink || is_source) {
            continue;
        }
        let rules: Vec<_> = store.rules_of_table(scope, &table.table).await?.into_iter().filter(|r| r.rule.is_of_rows()).collect();
        if !rules.is_empty() {
            // A source with a step reads all columns of its table, whatever is asked of it without.
            let columns = if is_source { table.schema.clone() } else { columns.clone() };
            places.push(Place { node: node.id.clone(), rules, columns, is_sink });
        }
    }
    if places.is_empty() {
        return Ok(Ok(None));
    }
    let mut errors = Vec::new();
    let mut changed = graph.clone();
    for place in &places {
        errors.extend(unfit(graph, place));
        add(&mut changed, place);
    }
    Ok(if errors.is_empty() { Ok(Some(changed)) } else { Err(errors) })
}

/// Why rules cannot run in the graph.
fn unfit(graph: &JobGraph, place: &Place) -> Vec<GraphError> {
    let mut errors = Vec::new();
    for PublishedRule { name, rule, .. } in &place.rules {
        let mut fail = |message: String| errors.push(GraphError::in_node(&place.node, "quality.unfit", message));
        for column in [&rule.column, &rule.mark_column].into_iter().flatten() {
            if place.columns.field(column).is_none() {
                fail(format!("the quality rule `{name}` of the table needs the column `{column}`, which these rows do not have"));
            }
        }
        if rule.on_violation == OnViolation::Divert && graph.parameters.dead_letter_topic.is_none() {
            fail(format!("the quality rule `{name}` of the table diverts rows; say where to with parameters.dead_letter_topic"));
        }
    }
    errors
}

/// Adds the step of one place: between the sink and what is before it, or between the source and what is behind it.
fn add(graph: &mut JobGraph, place: &Place) {
    let of_place = |e: &Edge| if place.is_sink { e.to == place.node } else { e.from == place.node };
    let edges: Vec<Edge> = graph.edges.iter().filter(|e| of_place(e)).cloned().collect();
    graph.edges.retain(|e| !of_place(e));
    let starts: Vec<NodeId> = if place.is_sink { edges.iter().map(|e| e.from.clone()).collect() } else { vec![place.node.clone()] };
    for (number, start) in starts.iter().enumerate() {
        let suffix = if number == 0 { String::new() } else { format!("-{}", number + 1) };
        let id = NodeId::new(format!("{PREFIX}{}{suffix}", short(place.node.as_str())));
        let Some(before) = graph.nodes.iter().find(|n| n.id == *start) else { continue };
        let (name, parallelism) = (name_in_sql(before).to_owned(), before.parallelism);
        let rules = place.rules.iter().filter_map(|r| {
            let condition = r.rule.condition()?;
            Some(json!({"id": r.id, "name": r.name, "version": r.version, "condition": condition,
                "on_violation": r.rule.on_violation, "mark_column": r.rule.mark_column}))
        });
        let config = json!({ "rules": rules.collect::<Vec<_>>(), "table_name": if place.is_sink { json!(null) } else { json!(name) } });
        let config = config.as_object().cloned().unwrap_or_default();
        graph.nodes.push(Node { id: id.clone(), name: String::new(), kind: CHECK_NODE.into(), config, parallelism, position: None });
        graph.edges.push(Edge { from: start.clone(), to: id.clone() });
        if place.is_sink {
            graph.edges.push(Edge { from: id, to: place.node.clone() });
        } else {
            graph.edges.extend(edges.iter().map(|e| Edge { from: id.clone(), to: e.to.clone() }));
        }
    }
}

/// Ids are short, and so is what is made of them.
fn short(id: &str) -> &str {
    id.get(..id.len().min(40)).unwrap_or(id)
}

fn name_in_sql(node: &Node) -> &str {
    let named = node.config.get("table_name").and_then(Value::as_str).filter(|name| !name.is_empty());
    named.unwrap_or(if node.name.is_empty() { node.id.as_str() } else { &node.name })
}

/// Keeps what the instances of this worker have counted.
pub(crate) async fn keep_counts(worker: &Worker) {
    for (instance, view) in worker.locals.views() {
        keep_counts_of(worker, &instance, &view).await;
    }
}

/// Keeps what one instance has counted.
pub(crate) async fn keep_counts_of(worker: &Worker, instance: &InstanceId, view: &Mutex<View>) {
    let counted = {
        let view = view.lock();
        let metrics = view.execution.as_ref().map(|e| e.metrics());
        view.scope.clone().zip(metrics).zip(view.started_at_ms)
    };
    let Some(((scope, metrics), started_at_ms)) = counted else { return };
    let counts: Vec<QualityCount> = metrics.operators.iter().filter(|o| o.kind == CHECK_NODE).flat_map(counts_of).collect();
    if let Err(error) = worker.store.note_quality(&scope, instance, started_at_ms, &counts).await {
        tracing::warn!(%instance, %error, "cannot keep what quality rules have counted; the next pass tries again");
    }
}

/// The counts of one node, from its counters `quality.<rule>.<version>.checked`.
fn counts_of(operator: &millrace_engine::OperatorMetrics) -> Vec<QualityCount> {
    let count = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let mut counts = Vec::new();
    for (counter, checked) in &operator.counters {
        let Some(name) = counter.strip_suffix(".checked") else { continue };
        let Some((rule, version)) = name.strip_prefix("quality.").and_then(|n| n.rsplit_once('.')) else { continue };
        let of = |what: &str| count(operator.counters.get(&format!("{name}.{what}")).copied().unwrap_or(0));
        counts.push(QualityCount {
            rule: rule.to_owned(),
            version: version.parse().unwrap_or(0),
            node: operator.node.to_string(),
            checked: count(*checked),
            violated: of("violated"),
            marked: of("marked"),
            diverted: of("diverted"),
            samples: operator.samples.get(name).cloned().unwrap_or_default(),
        });
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_domain::quality::QualityRule;
    use millrace_model::{DataType, Field};

    fn rule(value: Value) -> PublishedRule {
        let rule: QualityRule = serde_json::from_value(value).unwrap();
        PublishedRule { id: "qlr_1".into(), name: "url-is-there".into(), version: 2, table: "top_1".into(), rule }
    }

    fn graph() -> JobGraph {
        serde_json::from_value(json!({
            "nodes": [
                {"id": "in", "kind": "kafka_source", "config": {"topic": "clicks", "table_name": "c"}},
                {"id": "q", "kind": "sql", "config": {"sql": "SELECT url FROM c"}, "parallelism": 3},
                {"id": "out", "kind": "kafka_sink", "config": {"topic": "clean"}},
            ],
            "edges": [{"from": "in", "to": "q"}, {"from": "q", "to": "out"}],
        }))
        .unwrap()
    }

    fn place(node: &str, is_sink: bool) -> Place {
        let columns = Schema::new(vec![Field::new("url", DataType::String, true)]).unwrap();
        let rules = vec![rule(json!({"column": "url", "check": {"type": "not_null"}, "on_violation": "divert"}))];
        Place { node: NodeId::new(node), rules, columns, is_sink }
    }

    #[test]
    fn steps_go_in_and_come_out_again() {
        let mut changed = graph();
        add(&mut changed, &place("out", true));
        add(&mut changed, &place("in", false));
        let edges: Vec<_> = changed.edges.iter().map(|e| format!("{}>{}", e.from, e.to)).collect();
        assert_eq!(edges, ["q>quality-out", "quality-out>out", "in>quality-in", "quality-in>q"]);
        let node = |id: &str| changed.nodes.iter().find(|n| n.id.as_str() == id).unwrap();
        assert_eq!(node("quality-out").config["rules"][0]["condition"], "`url` IS NOT NULL");
        assert_eq!(node("quality-out").parallelism, Some(3));
        assert_eq!(node("quality-in").config["table_name"], "c");
        let mut restored = without_steps(&changed);
        restored.edges.sort_by_key(|e| e.from.to_string());
        assert_eq!(restored, graph());
    }

    #[test]
    fn what_cannot_run_is_said() {
        let messages: Vec<String> = unfit(&graph(), &place("out", true)).into_iter().map(|e| e.message).collect();
        assert_eq!(messages, ["the quality rule `url-is-there` of the table diverts rows; say where to with parameters.dead_letter_topic"]);
        let mut lacking = place("out", true);
        lacking.columns = Schema::default();
        lacking.rules[0].rule.on_violation = OnViolation::Count;
        assert!(unfit(&graph(), &lacking)[0].message.contains("needs the column `url`"));
    }
}
