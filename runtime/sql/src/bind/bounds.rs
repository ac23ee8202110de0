//! What one text may cost: columns, expressions, copies of expressions.
//!
//! Invariant: whatever a text says, the plan that it becomes is at most about as large as the text and the views that it
//! names: nothing doubles with each query around another one.

use super::Binder;
use crate::{ast::Span, error::SqlError, plan::PlanNode};
use millrace_functions::{Expr, meter};

/// Most columns of a query, a join or a table in one.
pub(crate) const COLUMNS_MAX: usize = 2_000;
/// Times that parts of expressions are bound for one text: some more than once, those of a view at each use.
const EXPRESSIONS_MAX: usize = 500_000;
/// How often the binder looks whether its time is over.
const LOOK_EXPRESSIONS: usize = 64;
/// Columns of tables that the columns of a query may be made from, all together.
const LINEAGE_MAX: usize = 100_000;
/// Parts that expressions may have after two computations were merged.
const MERGED_PARTS_MAX: usize = 10_000;
/// Greatest height of an expression after two computations were merged.
const MERGED_HEIGHT_MAX: usize = 200;
/// Parts that merging may add by repeating what is read more than once.
const REPEATED_PARTS_MAX: usize = 200;

impl Binder<'_> {
    /// Counts an expression that is about to be bound.
    pub(super) fn count_expression(&mut self, span: Span) -> Result<(), SqlError> {
        self.expressions += 1;
        if self.expressions > EXPRESSIONS_MAX {
            let message = format!("more than {EXPRESSIONS_MAX} parts of expressions, those of views counted at each use");
            let error = self.error("sql.too_large", message, span);
            return Err(error.with_hint("split it: write the results of some queries to topics and read them in jobs of their own"));
        }
        if self.expressions.is_multiple_of(LOOK_EXPRESSIONS) && meter::check().is_err() {
            return Err(self.too_slow(span));
        }
        Ok(())
    }

    fn too_slow(&self, span: Span) -> SqlError {
        let error = self.error("sql.too_slow", "planning takes longer than a text may take", span);
        error.with_hint("use fewer or smaller views and expressions, or split the text into several jobs")
    }

    /// Refuses relations that are too wide.
    pub(super) fn check_width(&self, columns: usize, span: Span) -> Result<(), SqlError> {
        if columns <= COLUMNS_MAX {
            return Ok(());
        }
        let error = self.error("sql.too_large", format!("the query has {columns} columns here, at most {COLUMNS_MAX} are possible"), span);
        Err(error.with_hint("name the columns that are needed instead of `*`"))
    }

    /// Refuses columns that are made from too many others.
    pub(super) fn check_lineage(&self, node: &PlanNode, span: Span) -> Result<(), SqlError> {
        let sources: usize = node.columns.iter().map(|column| column.lineage.len()).sum();
        if sources <= LINEAGE_MAX {
            return Ok(());
        }
        let message =
            format!("the columns are made from {sources} columns of tables, each counted per column; at most {LINEAGE_MAX} are possible");
        Err(self.error("sql.too_large", message, span).with_hint("select fewer columns, or compute them from fewer others"))
    }
}

/// Whether `outer`, over the columns of a computation `inner`, may be written over the input of that: what is read more than
/// once is repeated, so that a computation over another one over another one would double each time.
pub(crate) fn may_merge<'e>(outer: impl Iterator<Item = &'e Expr>, inner: &[Expr]) -> bool {
    let inner: Vec<Extent> = inner.iter().map(|expr| extent(expr, &[])).collect();
    let (mut before, mut merged) = (inner.iter().map(|e| e.parts).sum::<usize>(), Extent { parts: 0, height: 0 });
    for expr in outer {
        before += extent(expr, &[]).parts;
        let after = extent(expr, &inner);
        merged = Extent { parts: merged.parts.saturating_add(after.parts), height: merged.height.max(after.height) };
    }
    merged.parts <= (before + REPEATED_PARTS_MAX).min(MERGED_PARTS_MAX.max(before)) && merged.height <= MERGED_HEIGHT_MAX
}

#[derive(Debug, Clone, Copy)]
struct Extent {
    parts: usize,
    height: usize,
}

/// How large an expression is once its columns are replaced by expressions as large as these.
fn extent(expr: &Expr, columns: &[Extent]) -> Extent {
    if let Expr::Column { index, .. } = expr {
        return columns.get(*index).copied().unwrap_or(Extent { parts: 1, height: 1 });
    }
    let own = Extent { parts: 1, height: 1 };
    expr.children()
        .into_iter()
        .map(|child| extent(child, columns))
        .fold(own, |sum, part| Extent { parts: sum.parts.saturating_add(part.parts), height: sum.height.max(part.height + 1) })
}
