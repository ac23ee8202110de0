//! What joins of two inputs by their times have in common: keys of both sides, and the way of columns when sides get
//! narrower.

use super::{PlanColumn, PlanNode};
use millrace_functions::Expr;
use std::collections::BTreeSet;

/// Where each old column went; `None` if it is gone.
pub(super) type Moved = Vec<Option<usize>>;

/// A join's two sides and what it reads of them.
pub(super) struct Sides {
    pub left: PlanNode,
    pub right: PlanNode,
    /// Columns that must be equal, left and right.
    pub keys: Vec<(usize, usize)>,
    /// The time attribute of each side, if it is read.
    pub times: Option<[usize; 2]>,
    /// Over the left columns, then the right ones.
    pub condition: Option<Expr>,
}

impl Sides {
    /// The sides with at least the columns of `required` and those that the join reads; answers the output columns and where
    /// they went.
    pub(super) fn narrowed(
        self,
        columns: Vec<PlanColumn>,
        required: &BTreeSet<usize>,
        exact: impl Fn(PlanNode, &BTreeSet<usize>) -> PlanNode,
    ) -> (Self, Vec<PlanColumn>, Moved) {
        let width = self.left.columns.len();
        let mut used = required.clone();
        self.condition.iter().for_each(|c| c.columns(&mut used));
        used.extend(self.keys.iter().flat_map(|&(l, r)| [l, width + r]));
        used.extend(self.times.iter().flat_map(|&[l, r]| [l, width + r]));
        let mut kept = [BTreeSet::new(), BTreeSet::new()];
        for column in used {
            let side = usize::from(column >= width);
            kept[side].insert(column - side * width);
        }
        // Rows are counted by their columns: one must stay.
        for kept in kept.iter_mut().filter(|k| k.is_empty()) {
            kept.insert(0);
        }
        let [left_kept, right_kept] = &kept;
        let place = |kept: &BTreeSet<usize>, column: usize| kept.iter().position(|&k| k == column);
        let now = left_kept.len();
        let moved: Moved = (0..width)
            .map(|c| place(left_kept, c))
            .chain((0..self.right.columns.len()).map(|c| place(right_kept, c).map(|p| now + p)))
            .collect();
        let at = |column: usize| moved.get(column).copied().flatten().unwrap_or_default();
        let right_at = |column: usize| at(width + column).saturating_sub(now);
        let narrowed = Self {
            left: exact(self.left, left_kept),
            right: exact(self.right, right_kept),
            keys: self.keys.iter().map(|&(l, r)| (at(l), right_at(r))).collect(),
            times: self.times.map(|[l, r]| [at(l), right_at(r)]),
            condition: self.condition.map(|c| c.map_columns(&at)),
        };
        let columns = columns.into_iter().zip(&moved).filter(|(_, place)| place.is_some()).map(|(column, _)| column).collect();
        (narrowed, columns, moved)
    }
}
