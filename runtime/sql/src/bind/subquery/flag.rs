//! `IN (query)` and `EXISTS (query)` as values: under OR and CASE, behind SELECT, inside of aggregates.
//!
//! The distinct rows of the query are joined to the outer ones by what is compared; where a partner was found, the answer is
//! TRUE. `x IN (query)` is unknown instead of FALSE when x is NULL and the query has a row, or when the query has a NULL.
//! Flink counts the query's rows and its NULLs for that, which changes with each of them; here two more such joins ask
//! whether there is any, and only where FALSE and unknown are not the same.

use super::{
    super::{Binder, all_columns, calc, expression::Env, literal, not_yet, special::constant_rows},
    Attached, QUERY_BASE, all_of, any_of, reads,
    rows::Rows,
    value::inner_column,
};
use crate::{
    ast::{Expression, Query, Span},
    error::SqlError,
    plan::{JoinKind, PlanColumn, PlanNode, joined, one_zero},
};
use millrace_functions::{Expr, Typed};
use millrace_model::DataType;
use std::collections::BTreeSet;

impl Binder<'_> {
    /// `EXISTS (query)`
    pub(in super::super) fn exists_value(&mut self, query: &Query, span: Span, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        self.check_flag("EXISTS", span)?;
        if self.has_one_row(query) {
            return Ok(literal::boolean(true));
        }
        let rows = self.inner_rows(query, false, env)?;
        self.flag(&rows.node, rows.conditions, span)
    }

    /// `value [NOT] IN (query)`
    pub(in super::super) fn in_query(
        &mut self,
        value: &Expression,
        query: &Query,
        negated: bool,
        span: Span,
        env: &mut Env<'_>,
    ) -> Result<Expr, SqlError> {
        let found = match constant_rows(query) {
            Some(rows) => return self.in_constants(value, query, rows, (negated, span), env),
            None => {
                self.check_flag("IN", span)?;
                self.in_flag(value, query, span, env)?
            }
        };
        if negated { self.call("NOT", vec![found], span) } else { Ok(found) }
    }

    fn check_flag(&self, what: &str, span: Span) -> Result<(), SqlError> {
        if self.attaching.is_some() {
            return Ok(());
        }
        Err(self.placed(not_yet(&format!("`{what} (query)` in this place"), span)))
    }

    fn in_flag(&mut self, value: &Expression, query: &Query, span: Span, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        let is_two_valued = self.two_valued.contains(&span);
        let Rows { node, items, conditions, .. } = self.inner_rows(query, true, env)?;
        let pairs = self.compared(value, items, query, env)?;
        let mut equal = conditions.clone();
        let (mut values_missing, mut items_missing) = (Vec::new(), Vec::new());
        // A row of several columns is unknown only beside rows that differ in none.
        let (is_row, mut maybe) = (pairs.len() > 1, conditions.clone());
        for (part, item) in pairs {
            let same = self.call("=", vec![part.clone(), item.clone()], span)?;
            equal.push(same.clone());
            let mut possible = vec![same];
            for (side, missing) in [(part, &mut values_missing), (item, &mut items_missing)] {
                if side.typed().nullable {
                    let is_missing = self.call("IS NULL", vec![side], span)?;
                    possible.push(is_missing.clone());
                    missing.push(is_missing);
                }
            }
            maybe.extend(any_of(possible));
        }
        let found = self.flag(&node, equal, span)?;
        if is_two_valued || (values_missing.is_empty() && items_missing.is_empty()) {
            return Ok(found);
        }
        let unknown = || literal::constant(arrow_array::new_null_array(&DataType::Boolean.to_arrow(), 1), DataType::Boolean, true);
        let (mut whens, mut results) = (vec![found], vec![literal::boolean(true)]);
        if is_row {
            whens.push(self.flag(&node, maybe, span)?);
            results.extend([unknown(), literal::boolean(false)]);
            return self.case_of(whens, results, true, span);
        }
        if let Some(missing) = any_of(values_missing) {
            let any = self.flag(&node, conditions.clone(), span)?;
            whens.push(Expr::And(vec![missing, any]));
            results.push(unknown());
        }
        if let Some(missing) = any_of(items_missing) {
            let with_null = conditions.into_iter().chain([missing]).collect();
            whens.push(self.flag(&node, with_null, span)?);
            results.push(unknown());
        }
        results.push(literal::boolean(false));
        self.case_of(whens, results, true, span)
    }

    /// Whether a row of `node` passes the conditions for the outer row, as a column that is joined to it.
    fn flag(&mut self, node: &PlanNode, conditions: Vec<Expr>, span: Span) -> Result<Expr, SqlError> {
        let (mut keys, mut own, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for condition in conditions {
            match (equality(&condition), reads(&condition)) {
                (Some(pair), _) => keys.push(pair),
                (None, (false, _)) => own.push(condition),
                (None, _) => others.push(condition),
            }
        }
        let within = |e: Expr| e.map_columns(&|i| i - QUERY_BASE);
        // NULL is equal to nothing.
        for (_, inner) in keys.iter().filter(|(_, inner)| inner.typed().nullable) {
            own.push(self.call("IS NOT NULL", vec![inner.clone()], span)?);
        }
        let (columns, all) = (node.columns.clone(), all_columns(node));
        let mut node = match all_of(own) {
            None => node.clone(),
            Some(filter) => calc(node.clone(), Some(within(filter)), all, columns),
        };
        let mut compared = Vec::with_capacity(keys.len());
        if others.is_empty() {
            let (outer, inner): (Vec<Expr>, Vec<Expr>) = keys.into_iter().map(|(outer, inner)| (outer, one_zero(within(inner)))).unzip();
            node = self.distinct_of(node, inner, span);
            for (position, outer) in outer.into_iter().enumerate() {
                let key = inner_column(position, &node);
                compared.push(self.call("=", vec![outer, key], span)?);
            }
        } else {
            for (outer, inner) in keys {
                others.push(self.call("=", vec![outer, inner], span)?);
            }
            (node, compared) = self.found_by_values(node, others, span)?;
        }
        let found = Typed::not_null(DataType::Boolean);
        let mut projection = all_columns(&node);
        let mut columns = node.columns.clone();
        projection.push(literal::boolean(true));
        columns.push(PlanColumn::new("$found", found));
        let node = calc(node, None, projection, columns);
        let position = node.columns.len() - 1;
        let Some(attaching) = self.attaching.as_mut() else { return Ok(literal::boolean(false)) };
        let first = attaching.push(Attached { node, condition: all_of(compared) });
        self.call("IS NOT NULL", vec![Expr::column(first + position, Typed::new(DataType::Boolean, true))], span)
    }

    /// For which of the distinct outer values a row is found, by conditions that are more than equalities.
    fn found_by_values(&mut self, node: PlanNode, conditions: Vec<Expr>, span: Span) -> Result<(PlanNode, Vec<Expr>), SqlError> {
        let Some(base) = self.attaching.as_ref().and_then(|a| a.base.clone()) else {
            let what = "a query behind GROUP BY that compares with outer columns other than by `inner column = outer column`";
            return Err(self.placed(not_yet(what, span)));
        };
        let mut used = BTreeSet::new();
        conditions.iter().for_each(|c| c.columns(&mut used));
        used.retain(|&c| c < QUERY_BASE);
        // A value that was joined for another query is no column of the base.
        if used.iter().any(|&c| c >= base.columns.len()) {
            return Err(self.placed(not_yet("a query that compares with the value of another query other than by equality", span)));
        }
        let values = self.distinct_values(&base, &used, span);
        let width = node.columns.len();
        let place = |i: usize| if i >= QUERY_BASE { i - QUERY_BASE } else { width + used.range(..i).count() };
        let condition = all_of(conditions).map(|c| c.map_columns(&place));
        let pairs = joined(node, values, JoinKind::Inner, condition, [self.settings.state_ttl_ms; 2]);
        let outer: Vec<Expr> = all_columns(&pairs).into_iter().skip(width).collect();
        let node = self.distinct_of(pairs, outer, span);
        let mut compared = Vec::with_capacity(used.len());
        for (position, &column) in used.iter().enumerate() {
            let typed = base.columns[column].typed.clone();
            let sign = if typed.nullable { "IS NOT DISTINCT FROM" } else { "=" };
            let key = inner_column(position, &node);
            compared.push(self.call(sign, vec![Expr::column(column, typed), key], span)?);
        }
        Ok((node, compared))
    }

    /// The distinct values of these expressions; without any, one row if there is one.
    fn distinct_of(&self, node: PlanNode, mut values: Vec<Expr>, span: Span) -> PlanNode {
        if values.is_empty() {
            values.push(literal::boolean(true));
        }
        let columns = values.iter().enumerate().map(|(i, e)| PlanColumn::new(format!("$key{i}"), e.typed())).collect();
        self.distinct(calc(node, None, values, columns), None, span)
    }
}

/// `outer = inner`, in this order. The outer side may be a constant.
fn equality(condition: &Expr) -> Option<(Expr, Expr)> {
    let Expr::Call { function, arguments, .. } = condition else { return None };
    let [left, right] = arguments.as_slice() else { return None };
    if function.name() != "=" || !condition.is_deterministic() {
        return None;
    }
    match (reads(left), reads(right)) {
        ((_, false), (false, true)) => Some((left.clone(), right.clone())),
        ((false, true), (_, false)) => Some((right.clone(), left.clone())),
        _ => None,
    }
}
