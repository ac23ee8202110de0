//! Changes on their way into sinks: which sinks take them, and by which key.
//!
//! A sink that holds one row per key needs changes whose own key is its key, or is a part of it. Where it is not, an INSERT
//! says what is meant (`ON CONFLICT DO …`): a stage before the sink keeps the rows of each key and lets the latest or the
//! first win, or fails.

use super::{PlannedOperator, Planner, Work};
use crate::operators::{
    KeyFields, PlannedTransform,
    sql::{SinkChanges, upsert_materialize::MaterializeSpec},
};
use millrace_connector::Connector;
use millrace_model::{
    graph::{GraphError, Node},
    ids::NodeId,
};
use millrace_sql::{Conflicts, plan::ChangelogMode};
use std::sync::Arc;

impl Planner<'_> {
    /// Only SQL nodes and sinks that say so take updates and deletes.
    pub(super) fn check_changes(&self, node: &Node, inputs: &[usize], sink: Option<&Arc<dyn Connector>>) -> Result<(), Vec<GraphError>> {
        if let Some(connector) = sink {
            self.check_conflicts(node, inputs, connector)?;
        }
        let changing = inputs.iter().filter(|&&position| !self.changes[position].is_insert_only());
        changing.copied().try_for_each(|position| self.check_change(node, position, sink))
    }

    /// Only a sink that holds one row per key has conflicts to speak of.
    fn check_conflicts(&self, node: &Node, inputs: &[usize], connector: &Arc<dyn Connector>) -> Result<(), Vec<GraphError>> {
        let holds_one = connector.accepts_changes(&node.config) && connector.change_key(&node.config).is_some();
        let said = inputs.iter().find(|position| self.sinks.get(position).is_some_and(|s| s.says_conflicts));
        let Some(&position) = said.filter(|_| !holds_one) else { return Ok(()) };
        let message = format!(
            "`{}` ends with ON CONFLICT, but this sink does not hold one row per key; leave it out, or use a sink that takes changes by \
             key (`changelog` \"upsert\", in SQL 'upsert-kafka' with a primary key)",
            self.operators[position].node
        );
        Err(vec![GraphError::in_node(&node.id, "graph.no_conflicts", message)])
    }

    /// One input that sends updates or deletes.
    fn check_change(&self, node: &Node, position: usize, connector: Option<&Arc<dyn Connector>>) -> Result<(), Vec<GraphError>> {
        let connector = connector.filter(|c| c.accepts_changes(&node.config));
        let from = &self.operators[position];
        let Some(connector) = connector else {
            let by = self.sinks.get(&position).and_then(|s| s.updating_operator.as_ref()).map(|by| format!(", made by {by}"));
            let message = format!(
                "takes only inserts, but `{}` sends updates ({}){}; aggregate in windows, or use a sink that takes changes by key \
                 (`changelog` \"upsert\", in SQL 'upsert-kafka' with a primary key)",
                from.node,
                self.changes[position],
                by.unwrap_or_default()
            );
            return Err(vec![GraphError::in_node(&node.id, "graph.updates_not_accepted", message)]);
        };
        let Some(wanted) = connector.change_key(&node.config) else { return Ok(()) };
        let known = self.known_keys(position);
        if fits(known, &wanted) || self.conflicts(position) != Conflicts::Refused {
            return Ok(());
        }
        Err(vec![GraphError::in_field(&node.id, "config.key_fields", "graph.key_does_not_fit", misfit(&from.node, &wanted, known))])
    }

    /// Whether somebody behind the node needs the rows that its changes replace: all but sinks that replace rows by the very
    /// columns that tell the node's rows apart.
    pub(super) fn needs_before(&self, node: &Node, keys: &[Vec<String>]) -> bool {
        let behind: Vec<&NodeId> = self.graph.edges.iter().filter(|e| e.from == node.id).map(|e| &e.to).collect();
        let takes_upserts = |id: &&NodeId| {
            let Some(sink) = self.graph.nodes.iter().find(|n| n.id == **id) else { return false };
            let Some(connector) = super::connector_kind(&sink.kind, "_sink", self.context.services) else { return false };
            let is_told_apart = match connector.change_key(&sink.config) {
                Some(wanted) => keys.iter().any(|key| key.len() == wanted.len() && key.iter().all(|column| wanted.contains(column))),
                None => true,
            };
            is_told_apart && !connector.needs_update_before(&sink.config)
        };
        behind.is_empty() || !behind.iter().all(takes_upserts)
    }

    fn known_keys(&self, position: usize) -> &[Vec<String>] {
        self.keys.get(&position).map(Vec::as_slice).unwrap_or_default()
    }

    fn conflicts(&self, position: usize) -> Conflicts {
        self.sinks.get(&position).map_or(Conflicts::Refused, |s| s.conflicts)
    }

    /// Puts a stage before a sink for each input whose changes have another key than the sink.
    pub(super) fn materialize(&mut self, sink: &mut PlannedOperator) {
        let Work::Sink { key_fields: Some(wanted), .. } = &sink.work else { return };
        let wanted = wanted.clone();
        for input in &mut sink.inputs {
            let position = *input;
            let Some(changes) = self.sinks.get(&position).cloned() else { continue };
            let known = self.known_keys(position);
            let adds_only = self.changes[position].is_insert_only();
            let is_wanted = match changes.conflicts {
                // Rows that are only added replace each other in the sink itself.
                Conflicts::LatestWins => !fits(known, &wanted) && !adds_only,
                Conflicts::AlwaysLatestWins => !adds_only,
                Conflicts::FirstWins | Conflicts::Error => !fits(known, &wanted),
                Conflicts::Refused | Conflicts::Unchecked => false,
            };
            let Some(schema) = self.operators[position].output().cloned().filter(|_| is_wanted) else { continue };
            let place = |name: &String| schema.index_of(name);
            let Some(keys) = wanted.iter().map(place).collect::<Option<Vec<usize>>>() else { continue };
            let row_keys = known.first().and_then(|key| key.iter().map(place).collect());
            let number = self.operators.len();
            let settings = changes.stage(MaterializeSpec { keys, row_keys }, &schema);
            let planned = PlannedTransform {
                output: schema.clone(),
                key_fields: Some(KeyFields::Same(wanted.clone())),
                settings: Arc::new(settings),
                pins: serde_json::Value::Null,
            };
            let from = self.operators[position].node.clone();
            let operator = PlannedOperator {
                // A dot cannot be part of a user's id.
                node: NodeId::new(format!("{}.{from}", sink.node)),
                name: format!("{}: upsert-materialize", sink.node),
                kind: crate::operators::sql::KIND.into(),
                parallelism: self.graph.parameters.parallelism.max(1).into(),
                inputs: vec![position],
                work: Work::Transform { kind: Arc::new(crate::operators::sql::stage::StageKind), input: schema, planned },
            };
            self.push(operator, ChangelogMode::UPSERT);
            *input = number;
        }
    }

    /// What is known of the changes of a SQL node.
    pub(super) fn note_changes(&mut self, position: usize, keys: Vec<Vec<String>>, changes: SinkChanges) {
        self.keys.insert(position, keys);
        self.sinks.insert(position, changes);
    }
}

/// More columns than the key needs tell the rows apart too; fewer would mix rows that are not the same.
fn fits(known: &[Vec<String>], wanted: &[String]) -> bool {
    known.iter().any(|key| key.iter().all(|column| wanted.contains(column)))
}

/// Why changes cannot be told apart by the columns `wanted`.
fn misfit(from: &NodeId, wanted: &[String], known: &[Vec<String>]) -> String {
    let list = |columns: &[String]| format!("({})", columns.join(", "));
    let latest = "or end the INSERT with ON CONFLICT DO DEDUPLICATE (the latest row of a key wins; all rows of each key are kept), DO \
                  NOTHING (the first one stays) or DO ERROR (the job fails)";
    match known.first() {
        Some(key) => format!(
            "the rows of `{from}` are told apart by {}, but the sink's key is {}: several rows would share a key and replace each \
             other; make the key {}, or aggregate by the key first, {latest}",
            list(key),
            list(wanted),
            list(key)
        ),
        None => format!(
            "`{from}` sends updates, and no columns of its result are known to tell the rows apart; select the columns of its \
             GROUP BY as they are and make them the key, or aggregate once more by {}, {latest}",
            list(wanted)
        ),
    }
}
