//! Look-up joins: each row asks a dimension table for the rows of its key as they are now.
//!
//! Invariant: the dimension table is no input of the plan: nothing flows from it, rows only find what it holds when they
//! come, and changes pass as the kind that they have.

use super::{Lineage, NodeKind, PlanColumn, PlanNode, ScanColumn, SourceColumn, UpsertKey, explain};
use millrace_functions::Expr;
use std::collections::BTreeSet;

/// Joins rows to those of a dimension table: output is the input's columns, then [`Self::projection`].
#[derive(Debug, Clone)]
pub struct LookupJoin {
    /// Where rows come from.
    pub input: Box<PlanNode>,
    /// The dimension table's name in the session.
    pub table: String,
    /// Its columns that are read.
    pub physical: Vec<ScanColumn>,
    /// Rows of it for which it is not TRUE are not there; over `physical`.
    pub predicate: Option<Expr>,
    /// What is made of a row of it, over `physical`.
    pub projection: Vec<Expr>,
    /// What is looked up; at least one.
    pub keys: Vec<LookupKey>,
    /// Matches for which it is not TRUE are none; over the output columns.
    pub condition: Option<Expr>,
    /// A row without matches is kept with NULLs.
    pub is_left: bool,
    /// At most one row of the table has such a key.
    pub is_unique: bool,
}

/// One column of the key.
#[derive(Debug, Clone)]
pub struct LookupKey {
    /// Position in [`LookupJoin::physical`].
    pub column: usize,
    /// The value that it must have, of the column's type, over the input.
    pub value: Expr,
}

/// Where each old column went; `None` if it is gone.
type Moved = Vec<Option<usize>>;

impl LookupJoin {
    /// The columns of the input that it needs for these output columns.
    pub(super) fn used_of_input(&self, required: &BTreeSet<usize>) -> BTreeSet<usize> {
        let width = self.input.columns.len();
        let mut used = required.clone();
        self.condition.iter().for_each(|c| c.columns(&mut used));
        used.retain(|&i| i < width);
        self.keys.iter().for_each(|k| k.value.columns(&mut used));
        used
    }

    /// The same over a narrowed input, with the columns of the dimension table that are still read; answers the node and
    /// where the output columns went.
    pub(super) fn narrowed(
        mut self,
        columns: Vec<PlanColumn>,
        required: &BTreeSet<usize>,
        narrow: impl FnOnce(PlanNode, &BTreeSet<usize>) -> (PlanNode, Moved),
    ) -> (PlanNode, Moved) {
        let before = self.input.columns.len();
        let used = self.used_of_input(required);
        let mut wanted = required.clone();
        self.condition.iter().for_each(|c| c.columns(&mut wanted));
        let kept: Vec<usize> = (0..self.projection.len()).filter(|i| wanted.contains(&(before + i))).collect();
        let (input, below) = narrow(*self.input, &used);
        let now = input.columns.len();
        let mut moved = below.clone();
        moved.extend((0..self.projection.len()).map(|i| kept.iter().position(|&k| k == i).map(|place| now + place)));
        self.projection = kept.iter().map(|&i| self.projection[i].clone()).collect();
        let mut read: BTreeSet<usize> = self.keys.iter().map(|k| k.column).collect();
        self.projection.iter().chain(&self.predicate).for_each(|e| e.columns(&mut read));
        let place = |column: usize| read.iter().position(|&r| r == column).unwrap_or_default();
        self.physical = read.iter().map(|&i| self.physical[i].clone()).collect();
        self.projection = self.projection.into_iter().map(|e| e.map_columns(&place)).collect();
        self.predicate = self.predicate.map(|p| p.map_columns(&place));
        let relocate = |e: Expr, moved: &Moved| e.map_columns(&|i| moved.get(i).copied().flatten().unwrap_or_default());
        self.keys.iter_mut().for_each(|k| k.column = place(k.column));
        self.keys = self.keys.into_iter().map(|k| LookupKey { value: relocate(k.value, &below), ..k }).collect();
        self.condition = self.condition.map(|c| relocate(c, &moved));
        self.input = Box::new(input);
        let mut placed: Vec<(usize, PlanColumn)> =
            columns.into_iter().enumerate().filter_map(|(old, column)| Some((moved[old]?, column))).collect();
        placed.sort_by_key(|(new, _)| *new);
        let columns = placed.into_iter().map(|(_, column)| column).collect();
        (PlanNode { kind: NodeKind::LookupJoin(self), columns }, moved)
    }

    /// A row of the input has at most one match where the key contains the table's.
    pub(super) fn upsert_keys(&self, input: Vec<UpsertKey>) -> Vec<UpsertKey> {
        if self.is_unique { input } else { Vec::new() }
    }

    /// Columns of the dimension table, as a condition shows them.
    fn table_columns(&self) -> Vec<PlanColumn> {
        let column = |c: &ScanColumn| PlanColumn {
            lineage: Lineage::from([SourceColumn { table: self.table.clone(), column: c.name.clone() }]),
            ..PlanColumn::new(&c.name, c.typed.clone())
        };
        self.physical.iter().map(column).collect()
    }

    /// Without its closing parenthesis.
    pub(super) fn explained(&self, columns: &[PlanColumn]) -> String {
        let own = self.table_columns();
        let key = |k: &LookupKey| format!("{}={}", own[k.column].name, explain::text(&k.value, &self.input.columns));
        let keys: Vec<String> = self.keys.iter().map(key).collect();
        let filter = self.predicate.as_ref().map(|p| format!(", where=[{}]", explain::text(p, &own))).unwrap_or_default();
        let condition = self.condition.as_ref().map(|c| format!(", joinCondition=[{}]", explain::text(c, columns))).unwrap_or_default();
        let kind = if self.is_left { "LeftOuterJoin" } else { "InnerJoin" };
        format!("LookupJoin(table=[{}], joinType=[{kind}], lookup=[{}]{filter}{condition}", self.table, keys.join(", "))
    }
}
