//! `LATERAL (query)`: a query in FROM that speaks of the tables before it.
//!
//! Each row meets the rows that the query has for it, which is a join by what the query compares. As in Flink an aggregate
//! without GROUP BY has no row for whoever meets none, other than in SQL's own reading.

use super::{
    super::{Binder, all_columns, calc, expression::Env, join::Bound, literal, not_yet, scope::Scope, scope::ScopeColumn, substitute},
    QUERY_BASE, all_of, plain_select, reads,
    rows::Rows,
};
use crate::{
    ast::{JoinConstraint, JoinKind as Written, Query, Span, TableAlias},
    error::SqlError,
    plan::{JoinKind, PlanColumn, PlanNode, joined},
};
use millrace_functions::{Expr, Typed};
use millrace_model::DataType;

impl Binder<'_> {
    /// Joins the rows of `query` to those of the tables before it.
    pub(in super::super) fn lateral_join(
        &mut self,
        left: (PlanNode, Scope),
        (query, alias): (&Query, Option<&TableAlias>),
        (written, constraint): (Written, &JoinConstraint),
        span: Span,
    ) -> Result<(PlanNode, Scope), SqlError> {
        let (input, scope) = left;
        let kind = match written {
            Written::Inner | Written::Cross => JoinKind::Inner,
            Written::Left => JoinKind::Left,
            Written::Right | Written::Full => {
                let error = self.error("sql.unsupported", "rows of a lateral query belong to rows of the left side", span);
                return Err(error.with_hint("write CROSS JOIN, JOIN or LEFT JOIN"));
            }
        };
        let rows = self.lateral_rows(query, &input, &scope)?;
        if rows.conditions.is_empty() && rows.items.iter().all(|item| !reads(item).0) {
            let (node, names) = (rows.node, &rows.names);
            let columns = named_columns(&rows.items, names, &node);
            let projection = rows.items.into_iter().map(|e| e.map_columns(&|i| i - QUERY_BASE)).collect();
            let node = calc(node, None, projection, columns);
            let (node, right) = self.aliased(node, alias, None)?;
            let (left, right) = (Bound { node: input, scope, name: None }, Bound { node, scope: right, name: None });
            return self.join_tables(left, right, written, constraint, span);
        }
        self.joined_rows(input, scope, rows, alias, (kind, constraint), span)
    }

    fn joined_rows(
        &mut self,
        input: PlanNode,
        scope: Scope,
        rows: Rows,
        alias: Option<&TableAlias>,
        (kind, constraint): (JoinKind, &JoinConstraint),
        span: Span,
    ) -> Result<(PlanNode, Scope), SqlError> {
        let width = input.columns.len();
        let Rows { node: mut right, items, names, conditions, of_nothing } = rows;
        // As in Flink: what counts no rows is 0 where it is the only column, else NULL as the others.
        let of_nothing = if items.len() == 1 { of_nothing } else { Vec::new() };
        // Whether a partner is there tells a value that is computed behind the join from one that is missing.
        let marker = QUERY_BASE + right.columns.len();
        let needs_marker =
            kind == JoinKind::Left && items.iter().any(|item| !matches!(item, Expr::Column { index, .. } if *index >= QUERY_BASE));
        if needs_marker {
            let (mut projection, mut columns) = (all_columns(&right), right.columns.clone());
            projection.push(literal::boolean(true));
            columns.push(PlanColumn::new("$found", Typed::not_null(DataType::Boolean)));
            right = calc(right, None, projection, columns);
        }
        let place = |i: usize| if i >= QUERY_BASE { width + i - QUERY_BASE } else { i };
        let mut conditions: Vec<Expr> = conditions.into_iter().map(|c| c.map_columns(&place)).collect();
        let mut known = scope;
        self.name_items(&mut known, &items, &names, alias, (&input, &right), span)?;
        let within: Vec<Expr> = all_columns(&input).into_iter().chain(items.iter().map(|e| e.clone().map_columns(&place))).collect();
        match constraint {
            JoinConstraint::None => {}
            JoinConstraint::On(condition) => {
                let bound = self.condition(condition, &mut Env::over(&known))?;
                if !super::super::select::is_true(&bound) {
                    conditions.push(substitute(bound, &within));
                }
            }
            JoinConstraint::Using(_) | JoinConstraint::Natural => {
                return Err(self.error("sql.unsupported", "a lateral query is joined with ON or CROSS JOIN", span));
            }
        }
        let node = joined(input, right, kind, all_of(conditions), [self.settings.state_ttl_ms; 2]);
        let mut projection: Vec<Expr> = all_columns(&node).into_iter().take(width).collect();
        for (position, item) in items.into_iter().enumerate() {
            let mut item = item.map_columns(&place);
            if let (JoinKind::Left, Some(Some(of_nothing)), Expr::Column { index, .. }) = (kind, of_nothing.get(position), &item) {
                let found = Expr::column(*index, node.columns[*index].typed.clone());
                projection.push(self.coalesce(vec![found, of_nothing.clone()], span)?);
                continue;
            }
            if kind == JoinKind::Left && !matches!(item, Expr::Column { .. }) {
                let found = Expr::column(place(marker), Typed::new(DataType::Boolean, true));
                let found = self.call("IS NOT NULL", vec![found], span)?;
                item = self.case_of(vec![found], vec![item], false, span)?;
            } else if let Expr::Column { index, typed } = &mut item {
                *typed = node.columns[*index].typed.clone();
            }
            projection.push(item);
        }
        let columns: Vec<PlanColumn> = (known.columns.iter().zip(&projection))
            .map(|(known, expr)| super::super::select::computed_column(&known.column.name, expr, &node.columns))
            .collect();
        let node = calc(node, None, projection, columns);
        for (known, made) in known.columns.iter_mut().zip(&node.columns) {
            known.column = made.clone();
        }
        Ok((node, known))
    }

    /// The query's columns, under its alias, behind those that are in sight.
    fn name_items(
        &self,
        known: &mut Scope,
        items: &[Expr],
        names: &[String],
        alias: Option<&TableAlias>,
        (input, right): (&PlanNode, &PlanNode),
        span: Span,
    ) -> Result<(), SqlError> {
        let given = alias.map(|a| super::super::names_of(&a.columns)).unwrap_or_default();
        if !given.is_empty() && given.len() != items.len() {
            let message = super::super::wrong_count(given.len(), "the query", items.len());
            return Err(self.error("sql.column_count", message, span));
        }
        let qualifier = alias.map(|a| a.name.value.clone());
        if let Some(alias) = alias.filter(|a| known.columns.iter().any(|c| c.qualifier.as_ref() == Some(&a.name.value))) {
            let message = format!("`{}` stands twice in FROM", alias.name.value);
            return Err(self.error("sql.duplicate_alias", message, alias.name.span).with_hint("give one of them another name"));
        }
        let (width, both) = (input.columns.len(), input.columns.iter().chain(&right.columns).cloned().collect::<Vec<_>>());
        for (position, item) in items.iter().enumerate() {
            let item = item.clone().map_columns(&|i| if i >= QUERY_BASE { width + i - QUERY_BASE } else { i });
            let name = given.get(position).or_else(|| names.get(position)).cloned().unwrap_or_default();
            let column = super::super::select::computed_column(&name, &item, &both);
            known.columns.push(ScopeColumn { qualifier: qualifier.clone(), column, is_hidden: false });
        }
        Ok(())
    }

    fn lateral_rows(&mut self, query: &Query, input: &PlanNode, scope: &Scope) -> Result<Rows, SqlError> {
        match plain_select(query) {
            Some(select) if select.distinct || self.is_aggregate(select) => self.grouped_rows(select, Some(input), scope, false),
            Some(select) => self.selected_rows(select, true, scope),
            None => match self.query(query) {
                Ok(node) => {
                    let items = node.columns.iter().enumerate().map(|(i, c)| Expr::column(QUERY_BASE + i, c.typed.clone())).collect();
                    let names = node.columns.iter().map(|c| c.name.clone()).collect();
                    Ok(Rows { node, items, names, conditions: Vec::new(), of_nothing: Vec::new() })
                }
                Err(error) if error.code == "sql.unknown_column" => {
                    let what = "a lateral query with ORDER BY, LIMIT, set operations or WITH that reads outer columns";
                    let refused = self.placed(not_yet(what, error.span));
                    Err(refused.with_hint("rank all rows by ROW_NUMBER() OVER (PARTITION BY …) and join the first of them"))
                }
                Err(error) => Err(error),
            },
        }
    }
}

fn named_columns(items: &[Expr], names: &[String], node: &PlanNode) -> Vec<PlanColumn> {
    let column = |(item, name): (&Expr, &String)| {
        let item = item.clone().map_columns(&|i| i - QUERY_BASE);
        super::super::select::computed_column(name, &item, &node.columns)
    };
    items.iter().zip(names).map(column).collect()
}
