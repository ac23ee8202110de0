//! Queries inside conditions and as values.
//!
//! `[NOT] IN (query)` and `[NOT] EXISTS (query)` that a row must pass become semi and anti joins. A query as a value becomes
//! a left join with its one row; one that speaks of columns outside of it (`r.k = l.k`) is grouped by what it compares with
//! them and joined by that.

use super::{Binder, calc, expression::Env, not_yet, scope::Scope, special::constant_rows};
use crate::{
    ast::{
        BinaryOperator, Expression, ExpressionKind, FunctionCall, GroupingElement, Identifier, ObjectName, Query, QueryBody, Select,
        SelectItem, Span, TableAlias, TableReference, TableReferenceKind, UnaryOperator,
    },
    error::SqlError,
    plan::{JoinKind, PlanNode, joined},
};
use millrace_functions::Expr;
use std::collections::BTreeSet;

/// The rows of a query as a value, to be joined to the rows that it is a value for.
pub(crate) struct Attached {
    node: PlanNode,
    /// Over the columns in sight, then the query's.
    condition: Option<Expr>,
}

/// A query that decides whether a row stays.
struct Test<'e> {
    /// What is looked for; `None` for EXISTS.
    value: Option<&'e Expression>,
    query: &'e Query,
    negated: bool,
    span: Span,
}

/// The rows of a tested query.
struct Tested {
    node: PlanNode,
    /// What it selects, over the outer columns, then its own.
    items: Vec<Expr>,
    /// What compares outer columns with its own.
    conditions: Vec<Expr>,
}

impl Binder<'_> {
    /// `WHERE`: filters, then semi and anti joins. The columns stay as they are.
    pub(super) fn filtered(&mut self, mut node: PlanNode, scope: &Scope, selection: &Expression) -> Result<PlanNode, SqlError> {
        let (mut filters, mut tests) = (Vec::new(), Vec::new());
        for part in conjuncts(selection) {
            match test_of(part) {
                Some(test) => tests.push(test),
                None => filters.push(part),
            }
        }
        let columns = node.columns.clone();
        let all = super::all_columns(&node);
        let outer = self.attached.replace(Vec::new());
        let bound = filters.into_iter().map(|part| self.condition(part, &mut Env::over(scope))).collect::<Result<Vec<_>, _>>();
        let attached = std::mem::replace(&mut self.attached, outer).unwrap_or_default();
        let mut parts = Vec::new();
        for part in bound? {
            match part {
                Expr::And(inner) => parts.extend(inner),
                other => parts.push(other),
            }
        }
        if !parts.is_empty() {
            node = self.attach(node, attached);
            let predicate = if parts.len() == 1 { parts.remove(0) } else { Expr::And(parts) };
            node = calc(node, Some(predicate), all, columns);
        }
        for test in tests {
            node = self.tested(node, scope, &test)?;
        }
        Ok(node)
    }

    /// Joins the rows of queries that stand for values; their columns come behind those of `node`.
    pub(super) fn attach(&self, mut node: PlanNode, attached: Vec<Attached>) -> PlanNode {
        let in_sight = node.columns.len();
        for Attached { node: right, condition } in attached {
            let more = node.columns.len() - in_sight;
            let condition = condition.map(|c| c.map_columns(&|i| if i < in_sight { i } else { i + more }));
            node = joined(node, right, JoinKind::Left, condition, [self.settings.state_ttl_ms; 2]);
        }
        node
    }

    fn tested(&mut self, node: PlanNode, scope: &Scope, test: &Test<'_>) -> Result<PlanNode, SqlError> {
        let Tested { node: right, items, mut conditions } = self.tested_query(scope, test)?;
        if let Some(value) = test.value {
            let parts: Vec<&Expression> = match &value.kind {
                ExpressionKind::Row(parts) => parts.iter().collect(),
                _ => vec![value],
            };
            if parts.len() != items.len() {
                let message = format!("the query behind IN has {} columns, expected {}", items.len(), parts.len());
                return Err(self.error("sql.type_mismatch", message, test.query.span));
            }
            for (part, item) in parts.into_iter().zip(items) {
                let part = self.expression(part, &mut Env::over(scope))?;
                let mut alternatives = vec![self.call("=", vec![part.clone(), item.clone()], test.span)?];
                // Of `x NOT IN (…)` nothing is known when either is NULL, so the row does not stay.
                for side in [part, item].into_iter().filter(|e| test.negated && e.typed().nullable) {
                    alternatives.push(self.call("IS NULL", vec![side], test.span)?);
                }
                conditions.push(if alternatives.len() == 1 { alternatives.remove(0) } else { Expr::Or(alternatives) });
            }
        }
        let condition = match conditions.len() {
            0 => None,
            1 => conditions.pop(),
            _ => Some(Expr::And(conditions)),
        };
        let kind = if test.negated { JoinKind::Anti } else { JoinKind::Semi };
        Ok(joined(node, right, kind, condition, [self.settings.state_ttl_ms; 2]))
    }

    fn tested_query(&mut self, scope: &Scope, test: &Test<'_>) -> Result<Tested, SqlError> {
        let width = scope.columns.len();
        let attached = self.attached.take();
        let made = match plain_select(test.query) {
            Some(select) if !self.is_aggregate(select) => self.tested_select(scope, select, test),
            _ => self.query(test.query).map(|node| {
                let items = if test.value.is_some() { super::all_columns(&node) } else { Vec::new() };
                Tested { items: items.into_iter().map(|e| e.map_columns(&|i| i + width)).collect(), node, conditions: Vec::new() }
            }),
        };
        self.attached = attached;
        made
    }

    /// A query without aggregates: its rows before it selects, and what it compares with outer columns.
    fn tested_select(&mut self, scope: &Scope, select: &Select, test: &Test<'_>) -> Result<Tested, SqlError> {
        let (mut node, inner) = self.from(&select.from, select.span)?;
        let width = scope.columns.len();
        let both = inner.clone().inside(scope);
        let (mut filters, mut conditions, mut tests) = (Vec::new(), Vec::new(), Vec::new());
        for part in select.selection.iter().flat_map(conjuncts) {
            if let Some(test) = test_of(part) {
                tests.push(test);
                continue;
            }
            let bound = self.condition(part, &mut Env::over(&both))?;
            if reads_outer(&bound, width) { conditions.push(bound) } else { filters.push(bound.map_columns(&|i| i - width)) }
        }
        if !filters.is_empty() {
            let (columns, all) = (node.columns.clone(), super::all_columns(&node));
            node = calc(node, Some(Expr::And(filters)), all, columns);
        }
        for test in tests {
            node = self.tested(node, &inner, &test)?;
        }
        let mut items = Vec::new();
        if test.value.is_some() {
            for item in self.items(&select.items, &inner)? {
                items.push(self.expression(&item.expression, &mut Env::over(&both))?);
            }
        }
        Ok(Tested { node, items, conditions })
    }

    fn is_aggregate(&self, select: &Select) -> bool {
        let aggregates = |e: &Expression| super::aggregate::find_aggregate(e, &self.names.functions).is_some();
        let item_aggregates = |item: &SelectItem| matches!(item, SelectItem::Expression { expression, .. } if aggregates(expression));
        select.group_by.is_some() || select.having.is_some() || select.items.iter().any(item_aggregates)
    }

    /// A query as a value: a column of rows that are joined where the value is used.
    pub(super) fn query_value(&mut self, query: &Query, span: Span, env: &Env<'_>) -> Result<Expr, SqlError> {
        let Some(before) = self.attached.take().filter(|_| env.aggregation.is_none()) else {
            return Err(self.placed(not_yet("a query as a value, other than in WHERE and behind SELECT without aggregates,", span)));
        };
        let scope = env.scope;
        let made = self.value_rows(query, span, scope);
        let first = scope.columns.len() + before.iter().map(|a| a.node.columns.len()).sum::<usize>();
        let attached = self.attached.insert(before);
        let (made, column) = made?;
        let mut typed = made.node.columns.get(column).map(|c| c.typed.clone()).unwrap_or_else(|| super::null_literal().typed());
        typed.nullable = true;
        let counts = made.node.columns.get(column).is_some_and(|c| c.name == COUNTED);
        attached.push(made);
        let value = Expr::column(first + column, typed);
        if !counts {
            return Ok(value);
        }
        // Of nothing there are none.
        let none = super::literal::bigint(0);
        self.coalesce(vec![value, none], span)
    }

    /// The rows to be joined, and which of their columns is the value.
    fn value_rows(&mut self, query: &Query, span: Span, scope: &Scope) -> Result<(Attached, usize), SqlError> {
        let select = plain_select(query);
        if let Some(select) = select {
            let outer = self.outer_parts(select, scope)?;
            if !outer.is_empty() {
                return self.value_by_key(select, outer, scope);
            }
        }
        let has_one_row = select.is_some_and(|s| self.is_aggregate(s) && s.group_by.as_ref().is_none_or(Vec::is_empty));
        let single;
        let query = if has_one_row {
            query
        } else {
            single = single_value(query, span);
            &single
        };
        let node = self.query(query)?;
        if node.columns.len() != 1 {
            let message = format!("a query as a value has one column, this one has {}", node.columns.len());
            return Err(self.error("sql.column_count", message, span));
        }
        Ok((Attached { node, condition: None }, 0))
    }

    /// The parts of a query's WHERE that read outer columns.
    fn outer_parts<'s>(&mut self, select: &'s Select, scope: &Scope) -> Result<Vec<&'s Expression>, SqlError> {
        let windows = self.windows;
        let (_, inner) = self.from(&select.from, select.span)?;
        self.windows = windows;
        let both = inner.inside(scope);
        let mut found = Vec::new();
        for part in select.selection.iter().flat_map(conjuncts).filter(|part| test_of(part).is_none()) {
            if reads_outer(&self.condition(part, &mut Env::over(&both))?, scope.columns.len()) {
                found.push(part);
            }
        }
        Ok(found)
    }

    /// `(SELECT MAX(x) FROM r WHERE r.k = l.k AND …)`: the value per `r.k`, joined by it.
    fn value_by_key(&mut self, select: &Select, outer: Vec<&Expression>, scope: &Scope) -> Result<(Attached, usize), SqlError> {
        let refused = |binder: &Self, span| {
            let what = "a query as a value that reads outer columns other than by `inner column = outer column` in its WHERE";
            Err(binder.placed(not_yet(what, span)))
        };
        let [SelectItem::Expression { expression: item, .. }] = select.items.as_slice() else {
            return Err(self.error("sql.column_count", "a query as a value has one column", select.span));
        };
        if select.group_by.is_some() || select.having.is_some() {
            return refused(self, select.span);
        }
        let (_, inner) = self.from(&select.from, select.span)?;
        let width = scope.columns.len();
        let both = inner.inside(scope);
        let (mut keys, mut sides) = (Vec::new(), Vec::new());
        for part in &outer {
            let ExpressionKind::Binary(BinaryOperator::Equal, left, right) = &part.kind else { return refused(self, part.span) };
            let mut bound = Vec::with_capacity(2);
            for side in [left, right] {
                let expr = self.expression(side, &mut Env::over(&both))?;
                let mut used = BTreeSet::new();
                expr.columns(&mut used);
                let (outside, inside) = (used.iter().any(|&c| c < width), used.iter().any(|&c| c >= width));
                bound.push((expr, outside, inside));
            }
            match (bound.remove(0), bound.remove(0)) {
                ((_, false, true), (outside, true, false)) => (keys.push(left.as_ref().clone()), sides.push(outside)),
                ((outside, true, false), (_, false, true)) => (keys.push(right.as_ref().clone()), sides.push(outside)),
                _ => return refused(self, part.span),
            };
        }
        let is_outer = |part: &&Expression| outer.iter().any(|o| std::ptr::eq(*o, *part));
        let rest = select.selection.iter().flat_map(conjuncts).filter(|part| !is_outer(part)).cloned().reduce(and);
        let is_aggregate = self.is_aggregate(select);
        let counts = matches!(&item.kind, ExpressionKind::Call(call) if call.name.parts.last().is_some_and(|p| p.value.eq_ignore_ascii_case("COUNT")));
        let value = if is_aggregate { item.clone() } else { call_of("SINGLE_VALUE", item.clone()) };
        let named = |expression: Expression, name: String| {
            let alias = Some(Identifier { value: name, span: expression.span });
            SelectItem::Expression { expression, alias }
        };
        let value_name = if counts { COUNTED.to_owned() } else { "$value".to_owned() };
        let mut items: Vec<SelectItem> = keys.iter().enumerate().map(|(i, k)| named(k.clone(), format!("$key{i}"))).collect();
        items.push(named(value, value_name));
        let group_by = Some(keys.into_iter().map(GroupingElement::Expression).collect());
        let grouped = Select { items, selection: rest, group_by, distinct: false, ..select.clone() };
        let node = self.query(&query_of(QueryBody::Select(Box::new(grouped)), select.span))?;
        let mut equal = Vec::with_capacity(sides.len());
        for (position, outside) in sides.into_iter().enumerate() {
            let key = Expr::column(width + position, node.columns[position].typed.clone());
            equal.push(self.call("=", vec![outside, key], select.span)?);
        }
        let column = node.columns.len() - 1;
        Ok((Attached { node, condition: Some(Expr::And(equal)) }, column))
    }
}

/// Name of a column that counts rows: nothing to count is 0.
const COUNTED: &str = "$count";

fn reads_outer(expr: &Expr, width: usize) -> bool {
    let mut used = BTreeSet::new();
    expr.columns(&mut used);
    used.first().is_some_and(|&first| first < width)
}

/// The parts of a condition that must all be TRUE.
fn conjuncts(condition: &Expression) -> Vec<&Expression> {
    match &condition.kind {
        ExpressionKind::Binary(BinaryOperator::And, left, right) => {
            let mut parts = conjuncts(left);
            parts.extend(conjuncts(right));
            parts
        }
        _ => vec![condition],
    }
}

fn and(left: Expression, right: Expression) -> Expression {
    let span = left.span.to(right.span);
    Expression { kind: ExpressionKind::Binary(BinaryOperator::And, Box::new(left), Box::new(right)), span }
}

fn test_of(condition: &Expression) -> Option<Test<'_>> {
    let span = condition.span;
    match &condition.kind {
        ExpressionKind::Exists(query) => Some(Test { value: None, query, negated: false, span }),
        ExpressionKind::InQuery { value, query, negated } if constant_rows(query).is_none() => {
            Some(Test { value: Some(value), query, negated: *negated, span })
        }
        ExpressionKind::Unary(UnaryOperator::Not, inner) => test_of(inner).map(|test| Test { negated: !test.negated, ..test }),
        _ => None,
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

fn query_of(body: QueryBody, span: Span) -> Query {
    Query { with: Vec::new(), body, order_by: Vec::new(), limit: None, offset: None, span }
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

/// `SELECT SINGLE_VALUE(c) FROM (query) AS t (c)`: an error if there is a second row.
fn single_value(query: &Query, span: Span) -> Query {
    let identifier = |value: &str| Identifier { value: value.to_owned(), span };
    let column = Expression { kind: ExpressionKind::Name(ObjectName { parts: vec![identifier("$value")] }), span };
    let from = TableReference {
        kind: TableReferenceKind::Derived { query: Box::new(query.clone()), lateral: false },
        alias: Some(TableAlias { name: identifier("$query"), columns: vec![identifier("$value")] }),
        span,
    };
    let select = Select {
        hints: Vec::new(),
        distinct: false,
        items: vec![SelectItem::Expression { expression: call_of("SINGLE_VALUE", column), alias: None }],
        from: vec![from],
        selection: None,
        group_by: None,
        having: None,
        windows: Vec::new(),
        qualify: None,
        emit: None,
        span,
    };
    query_of(QueryBody::Select(Box::new(select)), span)
}
