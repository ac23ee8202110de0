//! Queries inside conditions and as values.
//!
//! `[NOT] IN (query)` and `[NOT] EXISTS (query)` that a row must pass become semi and anti joins ([`condition`]). Anywhere
//! else such a test is a value ([`flag`]), as a query with one column and one row is ([`value`]): rows of the inner query are
//! joined to the rows of the outer one, and what was asked is read from the joined columns. A query in FROM that speaks of
//! the tables before it is a join as well ([`lateral`]). [`rows`] binds the inner query for all of them.
//!
//! Invariant: bound conditions speak of the outer columns by their positions, and of the inner query's by positions from
//! [`QUERY_BASE`] on, until the two are joined.

mod condition;
mod flag;
mod lateral;
mod quantified;
mod rows;
mod value;

use super::Binder;
use crate::{
    ast::{Expression, ExpressionKind, FunctionCall, Identifier, ObjectName, Query, QueryBody, Select, SelectItem, Span, UnaryOperator},
    plan::{JoinKind, PlanNode, joined, pushed},
};
use millrace_functions::Expr;
use std::collections::BTreeSet;

pub(super) use condition::Conditions;

/// Columns of an inner query begin here until they are joined.
const QUERY_BASE: usize = 1 << 50;
/// Columns that are joined behind an aggregate begin here until its width is known.
pub(super) const ATTACHED_BASE: usize = 1 << 33;

/// The rows of a query as a value, to be joined to the rows that it is a value for.
pub(crate) struct Attached {
    node: PlanNode,
    /// Over the outer columns and those from [`QUERY_BASE`] on.
    condition: Option<Expr>,
}

/// The queries that are values of the clause that is being bound.
pub(crate) struct Attaching {
    /// The rows that the clause is about; `None` behind an aggregate, which is not bound yet.
    base: Option<PlanNode>,
    /// Position of the first column that is joined.
    first: usize,
    attached: Vec<Attached>,
}

impl Attaching {
    /// Of a clause over `node`.
    pub(super) fn over(node: &PlanNode) -> Self {
        Self { base: Some(node.clone()), first: node.columns.len(), attached: Vec::new() }
    }

    /// Of a clause over an aggregate.
    pub(super) fn over_aggregate() -> Self {
        Self { base: None, first: ATTACHED_BASE, attached: Vec::new() }
    }

    /// Adds rows; answers where their columns begin.
    fn push(&mut self, attached: Attached) -> usize {
        let start = self.first + self.attached.iter().map(|a| a.node.columns.len()).sum::<usize>();
        self.attached.push(attached);
        start
    }

    pub(super) fn is_empty(&self) -> bool {
        self.attached.is_empty()
    }
}

impl Binder<'_> {
    /// Joins the rows of queries that stand for values; their columns come behind those of `node`.
    pub(super) fn attach(&self, mut node: PlanNode, attaching: Option<Attaching>, place: &impl Fn(usize) -> usize) -> PlanNode {
        let Some(attaching) = attaching.filter(|a| !a.is_empty()) else { return node };
        for Attached { node: right, condition } in attaching.attached {
            let width = node.columns.len();
            let condition = condition.map(|c| c.map_columns(&|i| if i >= QUERY_BASE { width + i - QUERY_BASE } else { place(i) }));
            node = joined(node, right, JoinKind::Left, condition, [self.settings.state_ttl_ms; 2]);
        }
        // Which kind of join it is decides whether its columns are still time attributes.
        pushed(node)
    }
}

/// Whether `expr` reads outer columns, inner ones.
fn reads(expr: &Expr) -> (bool, bool) {
    let mut used = BTreeSet::new();
    expr.columns(&mut used);
    (used.iter().any(|&c| c < QUERY_BASE), used.iter().any(|&c| c >= QUERY_BASE))
}

/// The parts of a condition that must all be TRUE.
fn conjuncts(condition: &Expression) -> Vec<&Expression> {
    match &condition.kind {
        ExpressionKind::Binary(crate::ast::BinaryOperator::And, left, right) => {
            let mut parts = conjuncts(left);
            parts.extend(conjuncts(right));
            parts
        }
        _ => vec![condition],
    }
}

fn all_of(mut parts: Vec<Expr>) -> Option<Expr> {
    if parts.len() > 1 { Some(Expr::And(parts)) } else { parts.pop() }
}

fn any_of(mut parts: Vec<Expr>) -> Option<Expr> {
    if parts.len() > 1 { Some(Expr::Or(parts)) } else { parts.pop() }
}

/// Whether a query stands somewhere in `expression`.
pub(super) fn holds_query(expression: &Expression) -> bool {
    use ExpressionKind::{Exists, InQuery, Quantified, Query};
    matches!(expression.kind, Exists(_) | InQuery { .. } | Quantified { .. } | Query(_))
        || super::aggregate::parts(expression).into_iter().any(holds_query)
}

/// Where tests stand of which FALSE and unknown mean the same, as a condition that must be TRUE says.
pub(super) fn two_valued(expression: &Expression, is_condition: bool, into: &mut Vec<Span>) {
    match &expression.kind {
        // Of `NOT IN` they are not the same: what is unknown is not TRUE when it is turned round.
        ExpressionKind::InQuery { negated: false, .. } if is_condition => into.push(expression.span),
        ExpressionKind::Binary(crate::ast::BinaryOperator::And | crate::ast::BinaryOperator::Or, left, right) => {
            two_valued(left, is_condition, into);
            two_valued(right, is_condition, into);
        }
        ExpressionKind::IsTruth { value, truth: Some(true), .. } => two_valued(value, true, into),
        ExpressionKind::Case { operand: None, branches, otherwise } => {
            for branch in branches {
                two_valued(&branch.when, true, into);
                two_valued(&branch.then, is_condition, into);
            }
            otherwise.iter().for_each(|other| two_valued(other, is_condition, into));
        }
        ExpressionKind::Call(call) => {
            call.arguments.iter().for_each(|argument| two_valued(argument, false, into));
            call.filter.iter().for_each(|filter| two_valued(filter, true, into));
        }
        _ => super::aggregate::parts(expression).into_iter().for_each(|part| two_valued(part, false, into)),
    }
}

/// The SELECT of a query that has nothing around it.
fn plain_select(query: &Query) -> Option<&Select> {
    if !query.with.is_empty() || !query.order_by.is_empty() || query.limit.is_some() || query.offset.is_some() {
        return None;
    }
    match &query.body {
        QueryBody::Select(select) if select.qualify.is_none() && select.windows.is_empty() => Some(select),
        QueryBody::Query(query) => plain_select(query),
        _ => None,
    }
}

fn query_of(select: Select) -> Query {
    let span = select.span;
    let body = QueryBody::Select(Box::new(select));
    Query { with: Vec::new(), body, order_by: Vec::new(), limit: None, offset: None, span }
}

fn named(expression: Expression, name: &str) -> SelectItem {
    let alias = Some(Identifier { value: name.to_owned(), span: expression.span });
    SelectItem::Expression { expression, alias }
}

fn call_of(name: &str, argument: Expression) -> Expression {
    let span = argument.span;
    let call = FunctionCall {
        name: ObjectName { parts: vec![Identifier { value: name.to_owned(), span }] },
        arguments: vec![argument],
        argument_names: Vec::new(),
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        over: None,
        ignore_nulls: None,
    };
    Expression { kind: ExpressionKind::Call(call), span }
}

/// What is below the `NOT`s, and whether they are an odd number.
fn negations(expression: &Expression) -> (&Expression, bool) {
    match &expression.kind {
        ExpressionKind::Unary(UnaryOperator::Not, inner) => {
            let (inner, negated) = negations(inner);
            (inner, !negated)
        }
        _ => (expression, false),
    }
}
