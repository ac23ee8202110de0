//! Temporal joins: each left row meets the version of a row of the right side that was valid at its time.

use super::{
    NodeKind, PlanColumn, PlanNode, UpsertKey, explain,
    sides::{Moved, Sides},
    upsert_keys,
};
use millrace_functions::Expr;
use std::collections::BTreeSet;

/// Joins rows to versions by event time: output is the left columns, then the right ones.
#[derive(Debug, Clone)]
pub struct TemporalJoin {
    /// Left side.
    pub left: Box<PlanNode>,
    /// The versioned table.
    pub right: Box<PlanNode>,
    /// Columns that must be equal, left and right; the right ones hold a key of the versioned table.
    pub keys: Vec<(usize, usize)>,
    /// The time attribute of each side.
    pub times: [usize; 2],
    /// What else must be TRUE, over the left columns, then the right ones.
    pub condition: Option<Expr>,
    /// Left rows without a version are kept with NULLs.
    pub is_left: bool,
    /// A key that nothing comes for so long is forgotten (`table.exec.state.ttl`).
    pub state_ttl_ms: Option<u64>,
}

impl TemporalJoin {
    /// Keys of the left side, whose rows meet one version at most. A key has to hold the join's: rows of other keys are joined
    /// elsewhere, where changes could overtake each other.
    pub(super) fn upsert_keys(&self) -> Vec<UpsertKey> {
        let holds_join_key = |key: &UpsertKey| self.keys.iter().all(|(left, _)| key.contains(left));
        upsert_keys(&self.left).into_iter().filter(holds_join_key).collect()
    }

    /// The join with at least the columns of `required`.
    pub(super) fn narrowed(
        self,
        columns: Vec<PlanColumn>,
        required: &BTreeSet<usize>,
        exact: impl Fn(PlanNode, &BTreeSet<usize>) -> PlanNode,
    ) -> (PlanNode, Moved) {
        let Self { left, right, keys, times, condition, is_left, state_ttl_ms } = self;
        let sides = Sides { left: *left, right: *right, keys, times: Some(times), condition };
        let (sides, columns, moved) = sides.narrowed(columns, required, exact);
        let (left, right, times) = (Box::new(sides.left), Box::new(sides.right), sides.times.unwrap_or_default());
        let join = Self { left, right, keys: sides.keys, times, condition: sides.condition, is_left, state_ttl_ms };
        (PlanNode { kind: NodeKind::TemporalJoin(join), columns }, moved)
    }

    /// Without its closing parenthesis.
    pub(super) fn explained(&self, columns: &[PlanColumn]) -> String {
        let width = self.left.columns.len();
        let name = |column: usize| columns.get(column).map_or("?", |c| c.name.as_str());
        let mut parts: Vec<String> = self.keys.iter().map(|&(l, r)| format!("{} = {}", name(l), name(width + r))).collect();
        parts.extend(self.condition.iter().map(|c| explain::text(c, columns)));
        let kind = if self.is_left { "LeftOuterJoin" } else { "InnerJoin" };
        let ttl = self.state_ttl_ms.map(|ms| format!(", stateTtl=[{ms} ms]")).unwrap_or_default();
        let [left, right] = [name(self.times[0]), name(width + self.times[1])];
        format!("TemporalJoin(joinType=[{kind}], where=[{}], times=[{left}, {right}]{ttl}", parts.join(" AND "))
    }
}
