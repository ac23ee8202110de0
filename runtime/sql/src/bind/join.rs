//! Joins of two tables: their condition, common columns of `USING` and `NATURAL`, names of the result.

use super::{
    Binder, calc,
    expression::Env,
    scope::{Scope, ScopeColumn},
    select::is_true,
    subquery::holds_query,
};
use crate::{
    ast::{Hint, Identifier, JoinConstraint, JoinKind as Written, Span, TableReference, TableReferenceKind},
    error::{SqlError, nearest},
    plan::{JoinKind, PlanColumn, PlanNode, joined},
};
use millrace_functions::Expr;

/// A table of FROM that has been bound.
pub(super) struct Bound<'r> {
    pub node: PlanNode,
    pub scope: Scope,
    /// Its name or alias; `None` for a join.
    pub name: Option<&'r str>,
}

/// The name by which hints speak of a table.
pub(super) fn reference_name(reference: &TableReference) -> Option<&str> {
    if let Some(alias) = &reference.alias {
        return Some(&alias.name.value);
    }
    match &reference.kind {
        TableReferenceKind::Named { name, .. } => name.parts.last().map(|p| p.value.as_str()),
        _ => None,
    }
}

impl Binder<'_> {
    /// Joins two tables that do not depend on each other.
    pub(super) fn join_tables(
        &mut self,
        left: Bound<'_>,
        right: Bound<'_>,
        written: Written,
        constraint: &JoinConstraint,
        span: Span,
    ) -> Result<(PlanNode, Scope), SqlError> {
        let (kind, needs_condition) = match written {
            Written::Cross => (JoinKind::Inner, false),
            Written::Inner => (JoinKind::Inner, true),
            Written::Left => (JoinKind::Left, true),
            Written::Right => (JoinKind::Right, true),
            Written::Full => (JoinKind::Full, true),
        };
        self.refuse_double(&left.scope, &right.scope, span)?;
        let width = left.scope.columns.len();
        let mut scope = Scope { columns: left.scope.columns.into_iter().chain(right.scope.columns).collect(), outer: 0 };
        let (mut condition, mut common, mut tested) = (None, Vec::new(), None);
        match constraint {
            JoinConstraint::On(expression) if kind == JoinKind::Inner && holds_query(expression) => tested = Some(expression),
            JoinConstraint::On(expression) => {
                let bound = self.condition(expression, &mut Env::over(&scope))?;
                condition = (!is_true(&bound)).then_some(bound);
            }
            JoinConstraint::Using(names) => common = names.iter().map(|n| self.common(&scope, width, n)).collect::<Result<_, _>>()?,
            JoinConstraint::Natural => {
                for name in natural_names(&scope, width, span) {
                    common.push(self.common(&scope, width, &name)?);
                }
            }
            JoinConstraint::None if needs_condition => {
                let error = self.error("sql.syntax", "the join has no condition", span);
                return Err(error.with_hint("write `ON …`, `USING (…)`, or CROSS JOIN if every pair is wanted"));
            }
            JoinConstraint::None => {}
        }
        let mut equal = Vec::with_capacity(common.len());
        for &(l, r, span) in &common {
            let column = |i: usize| Expr::column(i, scope.columns[i].column.typed.clone());
            equal.push(self.call("=", vec![column(l), column(r)], span)?);
        }
        if !equal.is_empty() {
            condition = Some(if equal.len() == 1 { equal.remove(0) } else { Expr::And(equal) });
        }
        let ttl = [left.name, right.name].map(|name| self.side_ttl(name));
        let node = joined(left.node, right.node, kind, condition, ttl);
        for (known, made) in scope.columns.iter_mut().zip(&node.columns) {
            known.column = made.clone();
        }
        if let Some(tested) = tested {
            return Ok((self.filtered(node, &scope, tested)?, scope));
        }
        if common.is_empty() { Ok((node, scope)) } else { self.with_common(node, scope, kind, &common) }
    }

    /// Common columns stand first, once; those of the sides can still be named with their table.
    fn with_common(
        &mut self,
        node: PlanNode,
        mut scope: Scope,
        kind: JoinKind,
        common: &[(usize, usize, Span)],
    ) -> Result<(PlanNode, Scope), SqlError> {
        let (mut projection, mut columns, mut known) = (Vec::new(), Vec::new(), Vec::new());
        for &(l, r, span) in common {
            let column = |i: usize| Expr::column(i, node.columns[i].typed.clone());
            let expr = match kind {
                JoinKind::Right => column(r),
                JoinKind::Full => self.coalesce(vec![column(l), column(r)], span)?,
                _ => column(l),
            };
            let made = super::select::computed_column(&node.columns[l].name, &expr, &node.columns);
            scope.columns[l].is_hidden = true;
            scope.columns[r].is_hidden = true;
            known.push(ScopeColumn { qualifier: None, column: made.clone(), is_hidden: false });
            columns.push(made);
            projection.push(expr);
        }
        projection.extend(super::all_columns(&node));
        columns.extend(node.columns.iter().cloned());
        known.extend(scope.columns);
        Ok((calc(node, None, projection, columns), Scope { columns: known, outer: 0 }))
    }

    /// The columns of both sides that have this name.
    fn common(&self, scope: &Scope, width: usize, name: &Identifier) -> Result<(usize, usize, Span), SqlError> {
        let mut places = [0, 0];
        for (side, place) in places.iter_mut().enumerate() {
            let of_side = |i: usize| (i >= width) == (side == 1);
            let found: Vec<usize> = (scope.columns.iter().enumerate())
                .filter(|(i, c)| of_side(*i) && !c.is_hidden && c.column.name == name.value)
                .map(|(i, _)| i)
                .collect();
            let which = if side == 0 { "left" } else { "right" };
            match found.as_slice() {
                [only] => *place = *only,
                [] => {
                    let message = format!("the {which} side of the join has no column `{}`", name.value);
                    let error = self.error("sql.unknown_column", message, name.span);
                    let known = scope.columns.iter().enumerate().filter(|(i, _)| of_side(*i)).map(|(_, c)| c.column.name.as_str());
                    return Err(match nearest(&name.value, known) {
                        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                        None => error,
                    });
                }
                several => {
                    let message = format!("`{}` is ambiguous: {} columns of the {which} side have this name", name.value, several.len());
                    return Err(self.error("sql.ambiguous_column", message, name.span).with_hint("write the condition with ON"));
                }
            }
        }
        Ok((places[0], places[1], name.span))
    }

    fn refuse_double(&self, left: &Scope, right: &Scope, span: Span) -> Result<(), SqlError> {
        let name = |c: &ScopeColumn| c.qualifier.clone();
        let double = right.columns.iter().filter_map(name).find(|q| left.columns.iter().any(|c| c.qualifier.as_ref() == Some(q)));
        match double {
            None => Ok(()),
            Some(double) => {
                let error = self.error("sql.duplicate_alias", format!("`{double}` stands twice in FROM"), span);
                Err(error.with_hint("give one of them another name: `FROM t AS a JOIN t AS b`"))
            }
        }
    }

    /// How long rows of the table are kept: as its `STATE_TTL` hint says, else as the option does.
    fn side_ttl(&self, name: Option<&str>) -> Option<u64> {
        let hinted = name.and_then(|name| self.ttl_hints.iter().find(|(hinted, _)| hinted == name));
        match hinted {
            Some((_, ttl_ms)) => *ttl_ms,
            None => self.settings.state_ttl_ms,
        }
    }

    /// Times to live by table; a hint must name one of FROM.
    pub(super) fn ttl_hints(&self, hints: &[Hint], from: &[TableReference]) -> Result<Vec<(String, Option<u64>)>, SqlError> {
        let mut names = Vec::new();
        let all_named = from.iter().all(|reference| names_in(reference, &mut names));
        let options = hints.iter().filter(|h| h.name.value.eq_ignore_ascii_case("STATE_TTL")).flat_map(|h| &h.options);
        let mut ttls = Vec::new();
        for option in options {
            if all_named && !names.contains(&option.key.as_str()) {
                let message = format!("STATE_TTL names `{}`, which is no table of this FROM", option.key);
                let error = self.error("sql.unknown_table", message, option.span);
                return Err(match nearest(&option.key, names.iter().copied()) {
                    Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                    None => error.with_hint(format!("its tables are {}", names.join(", "))),
                });
            }
            ttls.push((option.key.clone(), self.ttl_ms(option)?));
        }
        Ok(ttls)
    }
}

/// Adds the names of the tables of a reference; answers whether all have one.
fn names_in<'r>(reference: &'r TableReference, into: &mut Vec<&'r str>) -> bool {
    if let Some(name) = reference_name(reference) {
        into.push(name);
        return true;
    }
    match &reference.kind {
        TableReferenceKind::Join { left, right, .. } => {
            let left = names_in(left, into);
            names_in(right, into) && left
        }
        _ => false,
    }
}

/// Names of columns that both sides have, as the left side has them.
pub(super) fn natural_names(scope: &Scope, width: usize, span: Span) -> Vec<Identifier> {
    let (left, right) = scope.columns.split_at(width.min(scope.columns.len()));
    let is_common = |c: &&ScopeColumn| !c.is_hidden && right.iter().any(|r| !r.is_hidden && r.column.name == c.column.name);
    let named = |c: &PlanColumn| Identifier { value: c.name.clone(), span };
    left.iter().filter(is_common).map(|c| named(&c.column)).collect()
}
