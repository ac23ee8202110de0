//! Which kinds of changes an operator emits, as Flink's `FlinkChangelogModeInferenceProgram` infers them.

use super::{NodeKind, PlanNode};
use std::fmt;

/// Kinds of changes that may occur on an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ChangelogMode {
    /// `-U`/`+U` may occur.
    pub updates: bool,
    /// `-D` may occur.
    pub deletes: bool,
    /// `+U` comes without a `-U` before it: rows are told apart by a key.
    pub is_upsert: bool,
}

impl ChangelogMode {
    /// Only `+I`.
    pub const INSERT_ONLY: Self = Self { updates: false, deletes: false, is_upsert: false };
    /// All four.
    pub const ALL: Self = Self { updates: true, deletes: true, is_upsert: false };
    /// All but `-U`.
    pub const UPSERT: Self = Self { updates: true, deletes: true, is_upsert: true };

    /// Whether only `+I` occurs.
    pub fn is_insert_only(self) -> bool {
        self == Self::INSERT_ONLY
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self {
            updates: self.updates || other.updates,
            deletes: self.deletes || other.deletes,
            is_upsert: self.is_upsert || other.is_upsert,
        }
    }
}

/// Flink's short form: `I`, `I,UB,UA`, `I,UB,UA,D`, `I,UA,D`.
impl fmt::Display for ChangelogMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("I")?;
        if self.updates {
            f.write_str(if self.is_upsert { ",UA" } else { ",UB,UA" })?;
        }
        if self.deletes {
            f.write_str(",D")?;
        }
        Ok(())
    }
}

/// What `node` emits.
pub fn changelog_mode(node: &PlanNode) -> ChangelogMode {
    match &node.kind {
        NodeKind::Scan(scan) => scan.changes,
        NodeKind::ChangelogNormalize { .. } => ChangelogMode::ALL,
        NodeKind::Values { .. }
        | NodeKind::WindowAggregate { emit: None, .. }
        | NodeKind::MatchRecognize(_)
        | NodeKind::WindowJoin(_)
        | NodeKind::IntervalJoin(_) => ChangelogMode::INSERT_ONLY,
        NodeKind::TemporalJoin(join) => changelog_mode(&join.left),
        NodeKind::WindowAggregate { input, emit: Some(_), .. } => {
            ChangelogMode { updates: true, deletes: !changelog_mode(input).is_insert_only(), is_upsert: false }
        }
        NodeKind::WindowRank(_) | NodeKind::TemporalSort(_) => ChangelogMode::INSERT_ONLY,
        NodeKind::Rank(rank) => rank.changelog_mode(),
        NodeKind::Deduplicate(deduplicate) => deduplicate.changelog_mode(),
        NodeKind::Calc { input, .. }
        | NodeKind::Expand { input, .. }
        | NodeKind::WindowTable { input, .. }
        | NodeKind::Correlate { input, .. }
        | NodeKind::LookupJoin(super::LookupJoin { input, .. }) => changelog_mode(input),
        NodeKind::Join(join) => join.changelog_mode(),
        NodeKind::Union { inputs } => inputs.iter().map(changelog_mode).fold(ChangelogMode::INSERT_ONLY, ChangelogMode::or),
        NodeKind::Over(over) => over.changelog_mode(),
        NodeKind::GroupAggregate { input, calls, .. } => {
            let below = changelog_mode(input);
            // Without calls the result of a key never changes: it comes and goes.
            ChangelogMode { updates: !calls.is_empty(), deletes: !below.is_insert_only(), is_upsert: false }
        }
    }
}

/// The operator that makes the updates or deletions of `node`: the first one on the way down whose inputs only add rows.
pub fn updating_operator(node: &PlanNode) -> Option<&PlanNode> {
    if changelog_mode(node).is_insert_only() {
        return None;
    }
    Some(node.inputs().into_iter().find_map(updating_operator).unwrap_or(node))
}
