//! Operators that the planner sees through: rows leave them as they come, so what is behind talks to what is before.
//!
//! Invariant: an operator is seen through only where it sends on all columns of its one input unchanged; it is planned again
//! whenever what is before it changes.

use super::{PlannedOperator, Planner, Work};
use millrace_model::graph::GraphError;
use millrace_sql::plan::ChangelogMode;

impl Planner<'_> {
    /// Kinds of changes that an operator sends.
    pub(super) fn sent_changes(&self, operator: &PlannedOperator) -> ChangelogMode {
        match &operator.work {
            Work::Source(source) if source.connector.sends_changes(&source.config) => {
                if source.connector.sends_upserts(&source.config) {
                    ChangelogMode::UPSERT
                } else {
                    ChangelogMode::ALL
                }
            }
            Work::Transform { kind, .. } if kind.keeps_changes() => self.changes_before(&operator.inputs),
            Work::Source(_) | Work::Transform { .. } | Work::Sink { .. } => ChangelogMode::INSERT_ONLY,
        }
    }

    /// Kinds of changes that come from any of the inputs.
    pub(super) fn changes_before(&self, inputs: &[usize]) -> ChangelogMode {
        let mut all = ChangelogMode::INSERT_ONLY;
        for changes in inputs.iter().filter_map(|&position| self.changes.get(position)) {
            all.updates |= changes.updates;
            all.deletes |= changes.deletes;
            all.is_upsert |= changes.is_upsert;
        }
        all
    }

    /// Gives the last operator the keys of its one input, if rows keep them there.
    pub(super) fn hand_on_keys(&mut self) {
        let Some(position) = self.operators.len().checked_sub(1) else { return };
        let Some(PlannedOperator { work: Work::Transform { kind, .. }, inputs, .. }) = self.operators.last() else { return };
        let (true, &[input]) = (kind.keeps_changes(), inputs.as_slice()) else { return };
        if let Some(keys) = self.keys.get(&input).cloned() {
            self.keys.insert(position, keys);
        }
        if let Some(changes) = self.sinks.get(&input).cloned() {
            self.sinks.insert(position, changes);
        }
    }

    /// The source that somebody behind `operator` sees: the operator itself, or what is before an operator that is seen
    /// through and alone in reading it.
    pub(super) fn source_seen(&self, operator: usize) -> Option<usize> {
        let planned = self.operators.get(operator)?;
        match &planned.work {
            Work::Source(_) => Some(operator),
            Work::Transform { kind, .. } if kind.keeps_changes() => {
                let &[input] = planned.inputs.as_slice() else { return None };
                let before = self.operators.get(input)?;
                let readers = self.graph.edges.iter().filter(|e| e.from == before.node).count();
                let is_seen = matches!(before.work, Work::Source(_)) && readers == 1 && before.output() == planned.output();
                is_seen.then_some(input)
            }
            Work::Transform { .. } | Work::Sink { .. } => None,
        }
    }

    /// Plans an operator that is seen through again, because the source before it reads something else now.
    pub(super) async fn plan_again(&mut self, operator: usize) -> Result<(), Vec<GraphError>> {
        let Some(PlannedOperator { node, inputs, work: Work::Transform { kind, .. }, .. }) = self.operators.get(operator) else {
            return Ok(());
        };
        let Some(node) = self.graph.nodes.iter().find(|n| n.id == *node) else { return Ok(()) };
        let Some(read) = inputs.first().and_then(|&input| self.operators.get(input)?.output().cloned()) else { return Ok(()) };
        let kind = kind.clone();
        let again = kind.plan(node, &read, &self.context).await?;
        let again = kind.for_changes(again, self.changes_before(inputs));
        if let Some(PlannedOperator { work: Work::Transform { input, planned, .. }, .. }) = self.operators.get_mut(operator) {
            (*input, *planned) = (read, again);
        }
        Ok(())
    }
}
