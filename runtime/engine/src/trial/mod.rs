//! Trial runs: a job whose ends are replaced, so that it runs on given rows and writes nowhere (DEV-2, JOB-4).
//!
//! Invariants: the ends are replaced in the plan, behind everything that planning finds out: operators, their columns and
//! what queries ask of their sources are those of the real job, and no operator knows of a trial. A trial run opens no
//! connector of an end that is replaced.

mod arrival;
mod collect;
mod expected;
mod fit;
mod replay;
#[cfg(test)]
mod tests;
mod turns;

pub use arrival::{ArrivalOrder, Delay};
pub use collect::{Collected, CollectedPage, CollectedRow, CollectionLimits, rows_as_json};
pub(crate) use collect::{change_of, row_encoder};
pub use expected::{ExpectedRows, comparable, read_expected};
pub use fit::{CHANGE_COLUMN, PackageShape};
pub use replay::ReplayRows;

use crate::{
    plan::{ExecutionPlan, PlannedOperator, Work},
    script::plan_document,
    services::EngineServices,
};
use collect::CollectConnector;
use millrace_model::{
    Schema,
    graph::{GraphError, JobGraph},
    ids::{NodeId, TenantId},
};
use replay::ReplayConnector;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use turns::Turns;

/// Turns that the sources of a trial take at most.
const TURNS_MAX: usize = 100;
/// Between checkpoints when sources take turns: each turn ends with one.
const TURN_INTERVAL_MS: u64 = 10;
/// Between checkpoints when nothing needs one but the end.
const LONG_INTERVAL_MS: u64 = 86_400_000;

/// An end of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobEnd {
    /// Its node.
    pub node: NodeId,
    /// The node's name.
    pub name: String,
    /// The table that it reads or writes.
    pub table: String,
    /// Columns: of a source those of its table, of a sink those of its input.
    pub schema: Schema,
    /// Whether rows may be updates and deletes.
    pub has_changes: bool,
    /// Columns that tell the rows of a sink apart, if it keeps the latest row of each key.
    pub key: Option<Vec<String>>,
}

/// A plan whose ends are replaced, with what its sinks get.
pub struct Trial {
    /// The plan to start.
    pub plan: ExecutionPlan,
    /// Per sink what it got.
    pub collected: BTreeMap<NodeId, Arc<Collected>>,
    /// What of the packages was not used or filled up.
    pub warnings: Vec<String>,
}

/// Sets the parallelism of every operator to 1: a trial with the same seed then does the same in the same order.
pub fn one_subtask_each(graph: &mut JobGraph) {
    graph.parameters.parallelism = 1;
    for node in &mut graph.nodes {
        node.parallelism = Some(1);
    }
}

/// Plans the part of a job that ends with `node`: for a script the part of the graph that it becomes.
///
/// # Errors
/// Everything that is wrong with that part, or there is no such node.
pub async fn plan_up_to(
    document: &JobGraph,
    node: &NodeId,
    tenant: &TenantId,
    catalog: &dyn crate::Catalog,
    services: &EngineServices,
) -> Result<ExecutionPlan, Vec<GraphError>> {
    let expanded = match &document.sql {
        Some(_) => plan_document(document, tenant, catalog, services, false).await?.graph,
        None => document.clone(),
    };
    let part = part_up_to(expanded, node)?;
    crate::plan::plan_part(&part, node, tenant, catalog, services).await
}

/// The node and everything before it.
fn part_up_to(mut graph: JobGraph, node: &NodeId) -> Result<JobGraph, Vec<GraphError>> {
    if !graph.nodes.iter().any(|n| n.id == *node) {
        let known: Vec<&str> = graph.nodes.iter().map(|n| n.id.as_str()).take(50).collect();
        let message = format!("the job has no node `{node}`; its nodes are {}", known.join(", "));
        return Err(vec![GraphError::in_graph("graph.unknown_node", message)]);
    }
    let mut kept = BTreeSet::from([node.clone()]);
    let mut open = vec![node.clone()];
    while let Some(id) = open.pop() {
        let before = graph.edges.iter().filter(|e| e.to == id).map(|e| e.from.clone());
        open.extend(before.filter(|from| kept.insert(from.clone())));
    }
    graph.nodes.retain(|n| kept.contains(&n.id));
    graph.edges.retain(|e| kept.contains(&e.from) && kept.contains(&e.to) && e.from != *node);
    graph.sql = None;
    Ok(graph)
}

impl ExecutionPlan {
    /// Its sources.
    pub fn sources(&self) -> Vec<JobEnd> {
        let source = |o: &PlannedOperator| match &o.work {
            Work::Source(source) => {
                let has_changes = source.connector.sends_changes(&source.config);
                Some(end_of(o, &source.table.name, source.table.schema.clone(), has_changes, None))
            }
            Work::Transform { .. } | Work::Sink { .. } => None,
        };
        self.operators.iter().filter_map(source).collect()
    }

    /// Its sinks.
    pub fn sinks(&self) -> Vec<JobEnd> {
        let sink = |o: &PlannedOperator| match &o.work {
            Work::Sink { connector, table, input, config, key_fields } => {
                Some(end_of(o, &table.name, input.clone(), connector.accepts_changes(config), key_fields.clone()))
            }
            Work::Source(_) | Work::Transform { .. } => None,
        };
        self.operators.iter().filter_map(sink).collect()
    }

    /// Replaces every source by given rows and every sink by a collector.
    ///
    /// # Errors
    /// A source has no rows, or its rows do not fit: by node, with column and types.
    pub fn into_trial(
        mut self,
        mut rows: BTreeMap<NodeId, ReplayRows>,
        order: ArrivalOrder,
        limits: CollectionLimits,
    ) -> Result<Trial, Vec<GraphError>> {
        let (mut errors, mut warnings, mut replayed) = (Vec::new(), Vec::new(), Vec::new());
        let event_time = self.parameters.time_attribute;
        for operator in &mut self.operators {
            let Work::Source(source) = &mut operator.work else { continue };
            let Some(rows) = rows.remove(&operator.node) else {
                let message = format!("has no data package; name one for it (or for its table `{}`)", source.table.name);
                errors.push(GraphError::in_node(&operator.node, "unit_test.no_package", message));
                continue;
            };
            match replay::prepare(&operator.node, source, rows, order, event_time) {
                Ok((prepared, found)) => {
                    warnings.extend(found);
                    replayed.push((operator, prepared));
                }
                Err(found) => errors.extend(found),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        // Where flows meet, rows must come in the same order in every run.
        let arrivals: Vec<&[i64]> = replayed.iter().map(|(_, prepared)| prepared.arrivals_ms.as_slice()).collect();
        let turns = Arc::new(Turns::new(&arrivals, if arrivals.len() > 1 { TURNS_MAX } else { 1 }));
        for (number, (operator, prepared)) in replayed.into_iter().enumerate() {
            if let Work::Source(source) = &mut operator.work {
                source.connector = Arc::new(ReplayConnector::new(number, prepared, turns.clone()));
            }
        }
        self.parameters.checkpoint_interval_ms = if turns.count() > 1 { TURN_INTERVAL_MS } else { LONG_INTERVAL_MS };
        self.parameters.checkpoints_retained = 1;
        self.dead_letters = None;
        let collected = self.collect_at_sinks(limits);
        Ok(Trial { plan: self, collected, warnings })
    }

    /// Leaves the sources as they are and collects what reaches the end `node`: a sink's input, or what another node sends.
    /// The run takes no checkpoint, so that nothing is told to the systems that it reads.
    pub fn into_preview(mut self, node: &NodeId, start: millrace_connector::SourceStart, limits: CollectionLimits) -> Trial {
        for operator in &mut self.operators {
            if let Work::Source(source) = &mut operator.work {
                source.connector.set_start(&mut source.config, start);
            }
        }
        // The last operator of a node stands for it.
        let last = self.operators.iter().rposition(|o| o.node == *node);
        if let Some((at, input)) = last.and_then(|at| Some((at, self.operators.get(at)?.output()?.clone()))) {
            let table = collect::table(node, input.clone());
            let work =
                Work::Sink { connector: Arc::new(CollectConnector::default()), table, input, config: Default::default(), key_fields: None };
            let (name, kind, node) = (node.to_string(), collect::KIND.to_owned(), NodeId::new(format!("{node}.preview")));
            self.operators.push(PlannedOperator { node, name, kind, parallelism: 1, inputs: vec![at], work });
        }
        self.parameters.checkpoint_interval_ms = LONG_INTERVAL_MS;
        self.dead_letters = None;
        let collected = self.collect_at_sinks(limits);
        Trial { plan: self, collected, warnings: Vec::new() }
    }

    fn collect_at_sinks(&mut self, limits: CollectionLimits) -> BTreeMap<NodeId, Arc<Collected>> {
        let budget = collect::budget(limits);
        let mut all = BTreeMap::new();
        for operator in &mut self.operators {
            let Work::Sink { connector, input, .. } = &mut operator.work else { continue };
            let collected = Arc::new(Collected::new(input.clone(), limits, budget.clone()));
            *connector = Arc::new(CollectConnector::new(collected.clone()));
            all.insert(operator.node.clone(), collected);
        }
        all
    }
}

fn end_of(operator: &PlannedOperator, table: &str, schema: Schema, has_changes: bool, key: Option<Vec<String>>) -> JobEnd {
    JobEnd { node: operator.node.clone(), name: operator.name.clone(), table: table.to_owned(), schema, has_changes, key }
}
