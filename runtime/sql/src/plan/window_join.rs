//! Window joins: rows of one window (and one key) meet when the watermark passes the window's end; then all is forgotten.
//!
//! A join is one when its keys hold the starts and the ends of the same windows on both sides. Else they are compared as any
//! other column, in a regular join.

use super::{
    Join, JoinKey, JoinKind, NodeKind, PlanColumn, PlanNode, WindowBound, WindowKind,
    changelog::changelog_mode,
    explain,
    prune::{Moved, exact, moved},
};
use millrace_functions::Expr;
use std::collections::BTreeSet;

/// Joins rows of the same window: output is the left columns, then the right ones; of a semi or anti join only the left ones.
#[derive(Debug, Clone)]
pub struct WindowJoin {
    /// Left side.
    pub left: Box<PlanNode>,
    /// Right side.
    pub right: Box<PlanNode>,
    /// Which join.
    pub kind: JoinKind,
    /// Columns that must be equal beside the window.
    pub keys: Vec<JoinKey>,
    /// What else must be TRUE, over the left columns, then the right ones.
    pub condition: Option<Expr>,
    /// The column that holds the window's start, of each side.
    pub starts: [usize; 2],
    /// The column that holds the window's end, of each side.
    pub ends: [usize; 2],
    /// Which windows.
    pub window: WindowKind,
    /// Bounds are wall-clock times of the session's zone.
    pub is_local_zone: bool,
}

/// What the keys of `join` say of windows.
enum Windows {
    /// Nothing, or not enough.
    None,
    /// They are those of both sides.
    Same(WindowKeys),
    /// They are of the clock, or a side is updated.
    Refused(String),
}

struct WindowKeys {
    starts: [usize; 2],
    ends: [usize; 2],
    window: WindowKind,
    is_local_zone: bool,
}

fn windows(join: &Join) -> Windows {
    let find = |bound: WindowBound| {
        join.keys.iter().find_map(|key| {
            let of = |side: usize| join.side(side).columns.get(key.of(side)).and_then(|c| c.window).filter(|w| w.bound == bound);
            Some((*key, of(0)?, of(1)?))
        })
    };
    let (Some((start, left, right)), Some((end, ..))) = (find(WindowBound::Start), find(WindowBound::End)) else {
        return Windows::None;
    };
    if left.kind != right.kind || left.is_local_zone != right.is_local_zone || left.is_processing_time != right.is_processing_time {
        return Windows::None;
    }
    if left.is_processing_time {
        return Windows::Refused("a window join takes windows of event time, these are of the clock".into());
    }
    for side in [0, 1] {
        if !changelog_mode(join.side(side)).is_insert_only() {
            let which = if side == 0 { "left" } else { "right" };
            return Windows::Refused(format!("a window join takes only inserts, but its {which} side sends updates"));
        }
    }
    Windows::Same(WindowKeys {
        starts: [start.left, start.right],
        ends: [end.left, end.right],
        window: left.kind,
        is_local_zone: left.is_local_zone,
    })
}

/// What is wrong with a join over windows anywhere in `node`.
pub(crate) fn refused_window_join(node: &PlanNode) -> Option<String> {
    if let NodeKind::Join(join) = &node.kind
        && let Windows::Refused(message) = windows(join)
    {
        return Some(message);
    }
    node.inputs().into_iter().find_map(refused_window_join)
}

/// The window join that `join` is, if it is one.
pub(super) fn of(join: Join) -> Result<WindowJoin, Box<Join>> {
    let Windows::Same(WindowKeys { starts, ends, window, is_local_zone }) = windows(&join) else { return Err(Box::new(join)) };
    let Join { left, right, kind, keys, condition, .. } = join;
    let is_window = |key: &JoinKey| [starts, ends].iter().any(|bound| key.left == bound[0] && key.right == bound[1]);
    let keys = keys.into_iter().filter(|key| !is_window(key)).collect();
    Ok(WindowJoin { left, right, kind, keys, condition, starts, ends, window, is_local_zone })
}

impl WindowJoin {
    /// Side 0 (left) or 1 (right).
    pub fn side(&self, side: usize) -> &PlanNode {
        if side == 0 { &self.left } else { &self.right }
    }

    /// The key columns of a side.
    pub fn keys_of(&self, side: usize) -> Vec<usize> {
        self.keys.iter().map(|key| key.of(side)).collect()
    }

    /// What of its columns is still event time or a bound of the window: that of sides whose rows are always there.
    pub(super) fn columns(&self, mut columns: Vec<PlanColumn>) -> Vec<PlanColumn> {
        let width = self.left.columns.len();
        for (index, column) in columns.iter_mut().enumerate() {
            let side = usize::from(index >= width);
            if self.kind.keeps(1 - side) {
                (column.time, column.window) = (None, None);
            }
        }
        columns
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
            kept.extend([self.starts[side], self.ends[side]]);
        }
        let moved = [moved(left_width, &kept[0]), moved(right_width, &kept[1])];
        let left = exact(*self.left, &kept[0]);
        let right = exact(*self.right, &kept[1]);
        let width = left.columns.len();
        let place = |side: usize, column: usize| moved[side].get(column).copied().flatten().unwrap_or_default();
        self.keys = self.keys.iter().map(|k| JoinKey { left: place(0, k.left), right: place(1, k.right), ..*k }).collect();
        for side in [0, 1] {
            (self.starts[side], self.ends[side]) = (place(side, self.starts[side]), place(side, self.ends[side]));
        }
        let joint = |i: usize| if i < left_width { place(0, i) } else { width + place(1, i - left_width) };
        self.condition = self.condition.take().map(|c| c.map_columns(&joint));
        (self.left, self.right) = (Box::new(left), Box::new(right));
        let [mut all, right_moved] = moved;
        if self.kind.has_right() {
            all.extend(right_moved.iter().map(|place| place.map(|p| p + width)));
        }
        let columns = columns.into_iter().enumerate().filter(|(i, _)| all.get(*i).is_some_and(Option::is_some)).map(|(_, c)| c).collect();
        (PlanNode { kind: NodeKind::WindowJoin(self), columns }, all)
    }

    /// The operator as text, without its closing parenthesis.
    pub(super) fn explained(&self) -> String {
        let end = self.left.columns.get(self.ends[0]).map_or("?", |c| c.name.as_str());
        let window = explain::window_text(self.window, end);
        format!(
            "WindowJoin(joinType=[{}], windows=[{window}], where=[{}]",
            self.kind.name(),
            super::join::condition_text(&self.left, &self.right, &self.keys, self.condition.as_ref())
        )
    }
}
