//! The graph of an instance with what its operators do right now, its configuration and its history (RUN-5).

use crate::{
    caller::Caller,
    extract::QueryString,
    instances::find,
    page::{Listing, PageQuery},
    problem::Problem,
};
use axum::{Json, extract::Path};
use millrace_domain::Action;
use millrace_model::graph::{Edge, JobGraph, Node, Position};
use millrace_store::AuditEntry;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A node of a running graph.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunningNodeView {
    id: String,
    name: String,
    kind: String,
    /// Subtasks that run, or would.
    parallelism: u64,
    #[schema(value_type = Option<Object>)]
    position: Option<Position>,
    records_in: Option<f64>,
    records_out: Option<f64>,
    records_in_per_second: Option<f64>,
    records_out_per_second: Option<f64>,
    bytes_in_per_second: Option<f64>,
    bytes_out_per_second: Option<f64>,
    /// Records that its source has not read yet.
    pending_records: Option<f64>,
    /// Share of time in which it works, of its busiest subtask: 0 to 1.
    busy_ratio: Option<f64>,
    /// Share of time in which it waits for a receiver, of its most back-pressured subtask: 0 to 1.
    back_pressured_ratio: Option<f64>,
    /// Share of time in which it waits for input.
    idle_ratio: Option<f64>,
    /// The earliest of its subtasks' watermarks, in milliseconds since the epoch.
    watermark_ms: Option<f64>,
    /// The watermark of each partition that a source reads, in milliseconds since the epoch.
    partition_watermarks_ms: BTreeMap<String, f64>,
    /// Records of its busiest subtask over the mean of all: 1 is even.
    skew: Option<f64>,
    /// Everything else that each subtask counts, under Flink's names.
    #[schema(value_type = Vec<Object>)]
    subtasks: Vec<Value>,
}

/// The graph of an instance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunningGraphView {
    /// Whether the worker of this server runs the instance; if not, there are no figures.
    observed: bool,
    /// The worker that runs it: another server's where `observed` is false. Ask that one.
    worker: Option<String>,
    nodes: Vec<RunningNodeView>,
    #[schema(value_type = Vec<Object>)]
    edges: Vec<Edge>,
    /// The node that holds the others back: it is busy, and those before it are back-pressured.
    bottleneck: Option<String>,
}

/// What an instance runs with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigurationView {
    version_number: i64,
    version: String,
    content_hash: String,
    /// The graph with the values of this instance's parameters.
    #[schema(value_type = Object)]
    graph: JobGraph,
    /// What the graph refers to, by content.
    #[schema(value_type = Object)]
    pins: Value,
    /// What was given for this instance.
    parameters: BTreeMap<String, String>,
    #[schema(value_type = Option<Object>)]
    allocation: Option<Value>,
    /// The restart policy in force.
    #[schema(value_type = Object)]
    restart: Value,
    #[schema(value_type = Object)]
    start: Value,
}

/// Something that happened to an instance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryView {
    id: String,
    at_ms: i64,
    /// `instance.start`, `instance.launched`, `instance.failed_for_now`, `savepoint.create`, …
    event: String,
    /// The state that it led to, where it led to one.
    state: Option<String>,
    actor: String,
    #[schema(value_type = Object)]
    detail: Value,
}

impl From<AuditEntry> for HistoryView {
    fn from(entry: AuditEntry) -> Self {
        let state = entry.detail.get("state").and_then(Value::as_str).map(str::to_owned);
        Self { id: entry.id, at_ms: entry.at_ms, event: entry.action, state, actor: entry.actor_name, detail: entry.detail }
    }
}

/// Shares above which a node counts as busy or back-pressured, as Flink's web page colours them.
const HIGH: f64 = 0.5;

/// The graph with the figures of every operator.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/graph", tag = "instances", responses((status = 200, body = RunningGraphView)))]
pub(crate) async fn instance_graph(caller: Caller, Path(path): Path<(String, String, String)>) -> Result<Json<RunningGraphView>, Problem> {
    let (scope, found) = find(&caller, &path, Action::InstanceView).await?;
    let version = caller.api.store.version(&scope, &found.version).await?;
    let observation = caller.api.control.observe(&found.id);
    let none = Vec::new();
    let operators = observation.as_ref().and_then(|seen| seen.pointer("/metrics/operators")).and_then(Value::as_array).unwrap_or(&none);
    let shown = graph(&version.graph, operators, observation.is_some());
    Ok(Json(RunningGraphView { worker: found.worker, ..shown }))
}

fn graph(graph: &JobGraph, operators: &[Value], observed: bool) -> RunningGraphView {
    let of = |node: &Node| operators.iter().filter(|o| o.get("node").and_then(Value::as_str) == Some(node.id.as_str())).collect::<Vec<_>>();
    let nodes: Vec<_> = graph.nodes.iter().map(|node| running(node, graph.parameters.parallelism, &of(node))).collect();
    let bottleneck = bottleneck(&nodes, &graph.edges);
    RunningGraphView { observed, worker: None, nodes, edges: graph.edges.clone(), bottleneck }
}

/// A node may run as several operators: the first receives, the last sends.
fn running(node: &Node, default_parallelism: u16, operators: &[&Value]) -> RunningNodeView {
    let subtasks = |operator: Option<&&Value>| -> Vec<Value> {
        operator.and_then(|o| o.get("subtasks")).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let (first, last) = (subtasks(operators.first()), subtasks(operators.last()));
    let all: Vec<Value> = operators.iter().flat_map(|o| subtasks(Some(o))).collect();
    let values = |of: &[Value], name: &str| of.iter().filter_map(|s| s.get(name).and_then(Value::as_f64)).collect::<Vec<_>>();
    let sum = |of: &[Value], name: &str| Some(values(of, name)).filter(|found| !found.is_empty()).map(|found| found.iter().sum::<f64>());
    let most = |name: &str| values(&all, name).into_iter().reduce(f64::max);
    let ratio = |name: &str| most(name).map(|ms| (ms / 1_000.0).clamp(0.0, 1.0));
    let watermarks = [values(&all, "currentOutputWatermark"), values(&all, "currentInputWatermark")].concat();
    let counted = values(&first, if values(&first, "numRecordsIn").is_empty() { "numRecordsOut" } else { "numRecordsIn" });
    let mean = counted.iter().sum::<f64>() / counted.len().max(1) as f64;
    let busiest = counted.iter().copied().reduce(f64::max);
    let parallelism = if first.is_empty() { u64::from(node.parallelism.unwrap_or(default_parallelism)) } else { first.len() as u64 };
    RunningNodeView {
        id: node.id.to_string(),
        name: if node.name.is_empty() { node.id.to_string() } else { node.name.clone() },
        kind: node.kind.clone(),
        parallelism,
        position: node.position,
        records_in: sum(&first, "numRecordsIn"),
        records_out: sum(&last, "numRecordsOut"),
        records_in_per_second: sum(&first, "numRecordsInPerSecond"),
        records_out_per_second: sum(&last, "numRecordsOutPerSecond"),
        bytes_in_per_second: sum(&first, "numBytesInPerSecond"),
        bytes_out_per_second: sum(&last, "numBytesSendPerSecond"),
        pending_records: sum(&first, "pendingRecords").filter(|pending| *pending >= 0.0),
        busy_ratio: ratio("busyTimeMsPerSecond"),
        back_pressured_ratio: ratio("backPressuredTimeMsPerSecond"),
        idle_ratio: ratio("idleTimeMsPerSecond"),
        watermark_ms: watermarks.into_iter().reduce(f64::min),
        partition_watermarks_ms: partitions(&first),
        skew: busiest.filter(|_| mean > 0.0).map(|busiest| busiest / mean),
        subtasks: all,
    }
}

/// What the name of a partition's watermark begins with.
const PARTITION_WATERMARK: &str = "currentOutputWatermark:";

fn partitions(subtasks: &[Value]) -> BTreeMap<String, f64> {
    let figures = subtasks.iter().filter_map(Value::as_object).flatten();
    figures.filter_map(|(name, value)| Some((name.strip_prefix(PARTITION_WATERMARK)?.to_owned(), value.as_f64()?))).collect()
}

/// The busy node that is not itself held back, with back-pressured ones before it.
fn bottleneck(nodes: &[RunningNodeView], edges: &[Edge]) -> Option<String> {
    let held_back = |id: &str| nodes.iter().any(|n| n.id == id && n.back_pressured_ratio.is_some_and(|ratio| ratio >= HIGH));
    let holds = |node: &&RunningNodeView| {
        node.busy_ratio.is_some_and(|busy| busy >= HIGH)
            && !held_back(&node.id)
            && edges.iter().any(|edge| edge.to.as_str() == node.id && held_back(edge.from.as_str()))
    };
    nodes.iter().filter(holds).max_by(|a, b| a.busy_ratio.unwrap_or(0.0).total_cmp(&b.busy_ratio.unwrap_or(0.0))).map(|n| n.id.clone())
}

/// What an instance runs with: the version's graph and pins, the parameters in force, its resources.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/configuration", tag = "instances", responses((status = 200, body = ConfigurationView)))]
pub(crate) async fn instance_configuration(
    caller: Caller,
    Path(path): Path<(String, String, String)>,
) -> Result<Json<ConfigurationView>, Problem> {
    let (scope, found) = find(&caller, &path, Action::InstanceView).await?;
    let version = caller.api.store.version(&scope, &found.version).await?;
    let json = |value: Result<Value, serde_json::Error>| value.map_err(|error| Problem::internal(error.to_string()));
    let mut graph = version.graph;
    millrace_control::override_parameters(&mut graph, &found.parameters).ok();
    let policy = found.restart.clone().unwrap_or_else(|| graph.parameters.restart.clone());
    Ok(Json(ConfigurationView {
        version_number: version.number,
        version: version.id.to_string(),
        content_hash: version.content_hash,
        pins: version.pins,
        parameters: found.parameters,
        allocation: found.allocation.map(|allocation| json(serde_json::to_value(allocation))).transpose()?,
        restart: json(serde_json::to_value(policy))?,
        start: json(serde_json::to_value(found.start))?,
        graph,
    }))
}

/// What users and workers did with an instance, newest first: the changes of its state with who or what caused them.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/history", tag = "instances", params(PageQuery), responses((status = 200, body = Listing<HistoryView>)))]
pub(crate) async fn instance_history(
    caller: Caller,
    Path(path): Path<(String, String, String)>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<HistoryView>>, Problem> {
    let (scope, found) = find(&caller, &path, Action::InstanceView).await?;
    Ok(Listing::of(caller.api.store.instance_history(&scope, &found.id, &query.parse()?.into()).await?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_bottleneck_is_the_cause_not_the_blocked_node() {
        let job: JobGraph = serde_json::from_value(json!({
            "nodes": [{"id": "in", "kind": "kafka_source"}, {"id": "slow", "kind": "etl"}, {"id": "out", "kind": "kafka_sink"}],
            "edges": [{"from": "in", "to": "slow"}, {"from": "slow", "to": "out"}],
        }))
        .unwrap();
        let operator = |node: &str, busy: f64, blocked: f64, records: [f64; 2]| {
            let subtask = |records: f64| {
                json!({
                    "busyTimeMsPerSecond": busy, "backPressuredTimeMsPerSecond": blocked, "numRecordsIn": records, "numRecordsOut": records,
                    "currentOutputWatermark": records, "currentOutputWatermark:3": 7,
                })
            };
            json!({"node": node, "subtasks": [subtask(records[0]), subtask(records[1])]})
        };
        let operators =
            [operator("in", 100.0, 900.0, [10.0, 10.0]), operator("slow", 990.0, 0.0, [15.0, 5.0]), operator("out", 10.0, 0.0, [1.0, 1.0])];
        let view = graph(&job, &operators, true);
        assert_eq!(view.bottleneck.as_deref(), Some("slow"));
        let slow = &view.nodes[1];
        assert_eq!((slow.records_in, slow.skew, slow.watermark_ms, slow.parallelism), (Some(20.0), Some(1.5), Some(5.0), 2));
        assert_eq!(slow.partition_watermarks_ms, BTreeMap::from([("3".to_owned(), 7.0)]));
        let quiet = graph(&job, &[], false);
        assert_eq!((quiet.bottleneck, quiet.nodes[0].records_in, quiet.nodes[0].parallelism), (None, None, 1));
    }
}
