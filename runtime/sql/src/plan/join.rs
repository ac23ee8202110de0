//! Regular joins: every row of one input meets every row of the other, now and later.
//!
//! A join is bound with its whole condition. [`super::arrange`] then moves to the inputs what concerns only one of them and
//! makes equalities between both into keys, by which rows are spread over subtasks and found in state.

use super::{
    ChangelogMode, NodeKind, PlanColumn, PlanNode, UpsertKey,
    changelog::changelog_mode,
    explain,
    prune::{Moved, exact, moved},
    upsert_keys,
};
use millrace_functions::Expr;
use std::collections::BTreeSet;

/// Joins two inputs: output is the left columns, then the right ones; of a semi or anti join only the left ones.
#[derive(Debug, Clone)]
pub struct Join {
    /// Left side.
    pub left: Box<PlanNode>,
    /// Right side.
    pub right: Box<PlanNode>,
    /// Which join.
    pub kind: JoinKind,
    /// Columns that must be equal, of equal types.
    pub keys: Vec<JoinKey>,
    /// What else must be TRUE, over the left columns, then the right ones.
    pub condition: Option<Expr>,
    /// A row of a side is forgotten when it was not written for so long (`STATE_TTL` hint, `table.exec.state.ttl`).
    pub state_ttl_ms: [Option<u64>; 2],
}

/// Kinds of joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// Pairs.
    Inner,
    /// Pairs, and left rows without one with NULLs.
    Left,
    /// Pairs, and right rows without one with NULLs.
    Right,
    /// Pairs, and rows of both sides without one with NULLs.
    Full,
    /// Left rows that have a partner.
    Semi,
    /// Left rows that have none.
    Anti,
}

impl JoinKind {
    /// Whether rows of side 0 (left) or 1 (right) without partner are kept with NULLs.
    pub fn keeps(self, side: usize) -> bool {
        matches!((self, side), (Self::Left | Self::Full, 0) | (Self::Right | Self::Full, 1))
    }

    /// Whether columns of the right side leave.
    pub fn has_right(self) -> bool {
        !matches!(self, Self::Semi | Self::Anti)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Inner => "InnerJoin",
            Self::Left => "LeftOuterJoin",
            Self::Right => "RightOuterJoin",
            Self::Full => "FullOuterJoin",
            Self::Semi => "LeftSemiJoin",
            Self::Anti => "LeftAntiJoin",
        }
    }
}

/// A pair of columns that must be equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JoinKey {
    /// Column of the left side.
    pub left: usize,
    /// Column of the right side.
    pub right: usize,
    /// NULL is equal to NULL (`IS NOT DISTINCT FROM`).
    pub matches_nulls: bool,
}

impl JoinKey {
    /// The column of side 0 (left) or 1 (right).
    pub fn of(self, side: usize) -> usize {
        if side == 0 { self.left } else { self.right }
    }
}

/// What a join keeps of one side per key, after Flink's `JoinInputSideSpec`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SideRows {
    /// At most one row: the key holds a unique key of the side.
    One,
    /// At most one row per value of these columns, a unique key of the side.
    Unique(Vec<usize>),
    /// Rows and how often each is there.
    Counted,
    /// All rows one by one: none is ever taken back.
    All,
}

impl Join {
    /// Side 0 (left) or 1 (right).
    pub fn side(&self, side: usize) -> &PlanNode {
        if side == 0 { &self.left } else { &self.right }
    }

    /// The key columns of a side.
    pub fn keys_of(&self, side: usize) -> Vec<usize> {
        self.keys.iter().map(|key| key.of(side)).collect()
    }

    /// What is kept of a side.
    pub fn side_rows(&self, side: usize) -> SideRows {
        let input = self.side(side);
        let join_key: BTreeSet<usize> = self.keys_of(side).into_iter().collect();
        let keys = upsert_keys(input);
        if keys.iter().any(|key| key.is_subset(&join_key)) {
            return SideRows::One;
        }
        match keys.into_iter().next() {
            Some(key) => SideRows::Unique(key.into_iter().collect()),
            None if changelog_mode(input).is_insert_only() => SideRows::All,
            None => SideRows::Counted,
        }
    }

    /// Kinds of changes that leave: an inner join passes on those of its inputs, others add and remove rows with NULLs.
    pub(super) fn changelog_mode(&self) -> ChangelogMode {
        match self.kind {
            JoinKind::Inner | JoinKind::Semi => changelog_mode(&self.left).or(changelog_mode(&self.right)),
            JoinKind::Left | JoinKind::Right | JoinKind::Full | JoinKind::Anti => ChangelogMode::ALL,
        }
    }

    /// A key of one side stays one if each of its rows has at most one partner; keys of both sides together always are one.
    /// Changes of a key must not overtake each other on the way to the join, so it has to hold the join's key.
    pub(super) fn upsert_keys(&self) -> Vec<UpsertKey> {
        let sides = [0, 1].map(|side| {
            let join_key: BTreeSet<usize> = self.keys_of(side).into_iter().collect();
            let all = upsert_keys(self.side(side));
            let has_one_partner = all.iter().any(|key| key.is_subset(&join_key));
            let stable: Vec<UpsertKey> = all.into_iter().filter(|key| key.is_superset(&join_key)).collect();
            (stable, has_one_partner)
        });
        let [(left, left_is_one), (right, right_is_one)] = sides;
        if !self.kind.has_right() {
            return left;
        }
        let width = self.left.columns.len();
        let right: Vec<UpsertKey> = right.into_iter().map(|key| key.into_iter().map(|c| c + width).collect()).collect();
        let mut keys: Vec<UpsertKey> = left.iter().flat_map(|l| right.iter().map(|r| l.union(r).copied().collect())).collect();
        if right_is_one && !self.kind.keeps(1) {
            keys.extend(left);
        }
        if left_is_one && !self.kind.keeps(0) {
            keys.extend(right);
        }
        keys
    }

    /// The join with at least the columns of `required`; a side keeps only what is read of it.
    pub(super) fn narrowed(mut self, columns: Vec<PlanColumn>, required: &BTreeSet<usize>) -> (PlanNode, Moved) {
        let (left_width, right_width) = (self.left.columns.len(), self.right.columns.len());
        let mut used = required.clone();
        self.condition.iter().for_each(|c| c.columns(&mut used));
        let mut kept = [BTreeSet::new(), BTreeSet::new()];
        for column in used {
            let side = usize::from(column >= left_width);
            kept[side].insert(column - side * left_width);
        }
        for (side, kept) in kept.iter_mut().enumerate() {
            kept.extend(self.keys_of(side));
            // Rows are counted by their columns: one must stay.
            if kept.is_empty() {
                kept.insert(0);
            }
        }
        let [left_moved, right_moved] = [moved(left_width, &kept[0]), moved(right_width, &kept[1])];
        let left = exact(*self.left, &kept[0]);
        let right = exact(*self.right, &kept[1]);
        let width = left.columns.len();
        let mut all = left_moved;
        all.extend(right_moved.iter().map(|place| place.map(|p| p + width)));
        let place = |i: usize| all.get(i).copied().flatten().unwrap_or_default();
        let key = |k: &JoinKey| JoinKey { left: place(k.left), right: place(k.right + left_width) - width, ..*k };
        self.keys = self.keys.iter().map(key).collect();
        self.condition = self.condition.take().map(|c| c.map_columns(&place));
        (self.left, self.right) = (Box::new(left), Box::new(right));
        if !self.kind.has_right() {
            all.truncate(left_width);
        }
        let columns = columns.into_iter().enumerate().filter(|(i, _)| all.get(*i).is_some_and(Option::is_some)).map(|(_, c)| c).collect();
        (PlanNode { kind: NodeKind::Join(self), columns }, all)
    }

    /// The operator as text, without its closing parenthesis.
    pub(super) fn explained(&self) -> String {
        let kept = |side: usize| match self.side_rows(side) {
            SideRows::One => "JoinKeyContainsUniqueKey".to_owned(),
            SideRows::Unique(key) => {
                let names: Vec<&str> = key.iter().filter_map(|&c| self.side(side).columns.get(c)).map(|c| c.name.as_str()).collect();
                format!("HasUniqueKey({})", names.join(", "))
            }
            SideRows::Counted | SideRows::All => "NoUniqueKey".to_owned(),
        };
        let ttl = match self.state_ttl_ms {
            [None, None] => String::new(),
            ttls => format!(", stateTtl=[{}]", ttls.map(|t| t.map_or("none".to_owned(), |ms| format!("{ms} ms"))).join(", ")),
        };
        format!(
            "Join(joinType=[{}], where=[{}], leftInputSpec=[{}], rightInputSpec=[{}]{ttl}",
            self.kind.name(),
            condition_text(&self.left, &self.right, &self.keys, self.condition.as_ref()),
            kept(0),
            kept(1)
        )
    }
}

/// What a join compares, as text.
pub(super) fn condition_text(left: &PlanNode, right: &PlanNode, keys: &[JoinKey], condition: Option<&Expr>) -> String {
    let both: Vec<PlanColumn> = left.columns.iter().chain(&right.columns).cloned().collect();
    let width = left.columns.len();
    let name = |column: usize| both.get(column).map_or("?", |c| c.name.as_str());
    let equal = |key: &JoinKey| {
        let sign = if key.matches_nulls { "IS NOT DISTINCT FROM" } else { "=" };
        format!("({} {sign} {})", name(key.left), name(width + key.right))
    };
    let mut parts: Vec<String> = keys.iter().map(equal).collect();
    parts.extend(condition.map(|c| explain::text(c, &both)));
    if parts.is_empty() { "true".to_owned() } else { parts.join(" AND ") }
}

/// The output columns of a join of `left` and `right`: NULL may stand for whatever has no partner.
pub(crate) fn join_columns(left: &PlanNode, right: &PlanNode, kind: JoinKind) -> Vec<PlanColumn> {
    let side = |node: &PlanNode, may_be_missing: bool| {
        let column = |c: &PlanColumn| {
            let mut column = c.clone();
            column.typed.nullable |= may_be_missing;
            column
        };
        node.columns.iter().map(column).collect::<Vec<_>>()
    };
    let mut columns = side(left, kind.keeps(1));
    if kind.has_right() {
        columns.extend(side(right, kind.keeps(0)));
    }
    columns
}

/// A join with its whole condition, before it is arranged.
pub(crate) fn joined(left: PlanNode, right: PlanNode, kind: JoinKind, condition: Option<Expr>, ttl: [Option<u64>; 2]) -> PlanNode {
    let columns = join_columns(&left, &right, kind);
    let (left, right) = (Box::new(left), Box::new(right));
    PlanNode { kind: NodeKind::Join(Join { left, right, kind, keys: Vec::new(), condition, state_ttl_ms: ttl }), columns }
}
