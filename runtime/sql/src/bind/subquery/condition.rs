//! Conditions that rows must pass: `WHERE`, `HAVING`.
//!
//! Tests that must be TRUE are semi and anti joins; everything else is a filter, over columns of queries that are values.

use super::{
    super::{Binder, all_columns, calc, expression::Env, literal, scope::Scope, special::constant_rows},
    Attaching, QUERY_BASE, Select, all_of, any_of, conjuncts, holds_query, negations,
    rows::Rows,
    two_valued,
};
use crate::{
    ast::{Expression, ExpressionKind, Query, Span},
    error::SqlError,
    plan::{JoinKind, PlanNode, joined},
};
use millrace_functions::Expr;

/// A query that decides whether a row stays.
struct Test<'e> {
    /// What is looked for; `None` for EXISTS.
    value: Option<&'e Expression>,
    query: &'e Query,
    negated: bool,
    span: Span,
}

/// A test whose query is bound.
struct BoundTest {
    kind: JoinKind,
    node: PlanNode,
    condition: Option<Expr>,
}

/// A condition that is bound, to be laid over the rows that it is about.
#[derive(Default)]
pub(in super::super) struct Conditions {
    filters: Vec<Expr>,
    attaching: Option<Attaching>,
    tests: Vec<BoundTest>,
}

impl Conditions {
    /// The condition as a plain filter, if it is one.
    pub(in super::super) fn plain(self) -> Result<Option<Expr>, Box<Self>> {
        let is_plain = self.tests.is_empty() && self.attaching.as_ref().is_none_or(Attaching::is_empty);
        if is_plain { Ok(all_of(self.filters)) } else { Err(Box::new(self)) }
    }
}

impl Binder<'_> {
    /// `WHERE`. The columns stay as they are.
    pub(in super::super) fn filtered(&mut self, node: PlanNode, scope: &Scope, selection: &Expression) -> Result<PlanNode, SqlError> {
        let conditions = self.conditions(selection, &mut Env::over(scope), Attaching::over(&node))?;
        Ok(self.passed(node, conditions, &|i| i))
    }

    /// Binds a condition that must be TRUE.
    pub(in super::super) fn conditions(
        &mut self,
        condition: &Expression,
        env: &mut Env<'_>,
        attaching: Attaching,
    ) -> Result<Conditions, SqlError> {
        let (mut plain, mut tests) = (Vec::new(), Vec::new());
        for part in conjuncts(condition) {
            match test_of(part) {
                Some(test) => tests.push(test),
                None => plain.push(part),
            }
        }
        let mut spans = Vec::new();
        plain.iter().for_each(|part| two_valued(part, true, &mut spans));
        let outer_spans = std::mem::replace(&mut self.two_valued, spans);
        let outer = self.attaching.replace(attaching);
        let bound = self.bound_parts(plain, tests, env);
        let attaching = std::mem::replace(&mut self.attaching, outer);
        self.two_valued = outer_spans;
        Ok(Conditions { attaching, ..bound? })
    }

    fn bound_parts(&mut self, plain: Vec<&Expression>, tests: Vec<Test<'_>>, env: &mut Env<'_>) -> Result<Conditions, SqlError> {
        let mut conditions = Conditions::default();
        for part in plain {
            match self.condition(part, env)? {
                Expr::And(inner) => conditions.filters.extend(inner),
                other => conditions.filters.push(other),
            }
        }
        for test in tests {
            match self.bound_test(&test, env)? {
                Ok(test) => conditions.tests.push(test),
                Err(is_passed) if is_passed => {}
                Err(_) => conditions.filters.push(literal::boolean(false)),
            }
        }
        Ok(conditions)
    }

    /// The rows of `node` that pass; `place` says where the columns are by now that the condition reads.
    pub(in super::super) fn passed(&self, mut node: PlanNode, conditions: Conditions, place: &impl Fn(usize) -> usize) -> PlanNode {
        let (columns, all) = (node.columns.clone(), all_columns(&node));
        if let Some(predicate) = all_of(conditions.filters) {
            node = self.attach(node, conditions.attaching, place);
            node = calc(node, Some(predicate.map_columns(place)), all, columns);
        }
        for BoundTest { kind, node: right, condition } in conditions.tests {
            let width = node.columns.len();
            let condition = condition.map(|c| c.map_columns(&|i| if i >= QUERY_BASE { width + i - QUERY_BASE } else { place(i) }));
            node = joined(node, right, kind, condition, [self.settings.state_ttl_ms; 2]);
        }
        node
    }

    /// The join that a test is, or what it always answers.
    fn bound_test(&mut self, test: &Test<'_>, env: &mut Env<'_>) -> Result<Result<BoundTest, bool>, SqlError> {
        if test.value.is_none() && self.has_one_row(test.query) {
            return Ok(Err(!test.negated));
        }
        // Which columns an EXISTS selects does not matter.
        let Rows { node, items, mut conditions, .. } = self.inner_rows(test.query, test.value.is_some(), env)?;
        if let Some(value) = test.value {
            for (part, item) in self.compared(value, items, test.query, env)? {
                let mut alternatives = vec![self.call("=", vec![part.clone(), item.clone()], test.span)?];
                // Of `x NOT IN (…)` nothing is known when either is NULL, so the row does not stay.
                for side in [part, item].into_iter().filter(|e| test.negated && e.typed().nullable) {
                    alternatives.push(self.call("IS NULL", vec![side], test.span)?);
                }
                conditions.extend(any_of(alternatives));
            }
        }
        let kind = if test.negated { JoinKind::Anti } else { JoinKind::Semi };
        Ok(Ok(BoundTest { kind, node, condition: all_of(conditions) }))
    }

    /// The values before IN, each with the column that it is looked for in.
    pub(super) fn compared(
        &mut self,
        value: &Expression,
        items: Vec<Expr>,
        query: &Query,
        env: &mut Env<'_>,
    ) -> Result<Vec<(Expr, Expr)>, SqlError> {
        let parts: Vec<&Expression> = match &value.kind {
            ExpressionKind::Row(parts) => parts.iter().collect(),
            _ => vec![value],
        };
        if parts.len() != items.len() {
            let message = format!("the query behind IN has {} columns, expected {}", items.len(), parts.len());
            return Err(self.error("sql.type_mismatch", message, query.span));
        }
        parts.into_iter().zip(items).map(|(part, item)| Ok((self.expression(part, env)?, item))).collect()
    }

    /// Whether the query has one row whatever its table holds: an aggregate of all rows.
    pub(super) fn has_one_row(&self, query: &Query) -> bool {
        let is_global = |select: &Select| select.group_by.as_ref().is_none_or(Vec::is_empty) && select.having.is_none();
        super::plain_select(query).is_some_and(|select| is_global(select) && self.is_aggregate(select))
    }
}

fn test_of(condition: &Expression) -> Option<Test<'_>> {
    let (inner, is_negated) = negations(condition);
    let span = inner.span;
    match &inner.kind {
        ExpressionKind::Exists(query) => Some(Test { value: None, query, negated: is_negated, span }),
        // What is looked for may itself be a query, which is joined before.
        ExpressionKind::InQuery { value, query, negated } if constant_rows(query).is_none() && !holds_query(value) => {
            Some(Test { value: Some(value), query, negated: *negated != is_negated, span })
        }
        // TRUE or not is all that a condition asks.
        ExpressionKind::IsTruth { value, truth: Some(true), negated: false } if !is_negated => test_of(value),
        _ => None,
    }
}
