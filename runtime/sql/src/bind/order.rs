//! `ORDER BY`, `LIMIT`, `OFFSET` and `FETCH` at the end of a query.
//!
//! With a number of rows it is a Top-N without partitions, without one an order by time. What is ordered by may be a
//! column of the result, its position, or anything that could have been selected: that is selected too and left out again.

use super::{Binder, all_columns, calc, expression::Env, scope_of};
use crate::{
    ast::{Expression, ExpressionKind, Literal, ObjectName, OrderItem, Query, QueryBody, Select, SelectItem},
    error::SqlError,
    plan::{NodeKind, PlanNode, RankRange, Ranking, SortKey, TemporalSort, TimeKind},
};
use millrace_functions::Expr;

/// A body and what it is ordered by.
struct Ordered {
    node: PlanNode,
    keys: Vec<SortKey>,
    /// How many of the columns the query shows: those that it is only ordered by stand behind them.
    visible: usize,
}

impl Binder<'_> {
    /// The body of a query in its order and cut to its number of rows. `is_outermost`: no query is around it.
    pub(super) fn ordered_body(&mut self, query: &Query, is_outermost: bool) -> Result<PlanNode, SqlError> {
        let has_end = query.limit.is_some() || query.offset.is_some();
        // An order says nothing to a query around, unless rows are cut off by it.
        if !has_end && (query.order_by.is_empty() || !is_outermost) {
            return self.query_body(&query.body);
        }
        let ordered = match &query.body {
            _ if query.order_by.is_empty() => {
                let node = self.query_body(&query.body)?;
                Ordered { visible: node.columns.len(), keys: Vec::new(), node }
            }
            QueryBody::Select(select) if !select.distinct => self.ordered_select(select, &query.order_by)?,
            body => {
                let node = self.query_body(body)?;
                self.ordered_by_result(node, &query.order_by)?
            }
        };
        if has_end { self.cut(ordered, query) } else { self.sorted(ordered, query) }
    }

    /// A SELECT, with what it is ordered by behind its own columns.
    fn ordered_select(&mut self, select: &Select, order_by: &[OrderItem]) -> Result<Ordered, SqlError> {
        let mut extended = select.clone();
        let mut places = Vec::with_capacity(order_by.len());
        for item in order_by {
            if let Some(position) = position_of(&item.expression) {
                places.push(Err((position, item.expression.span)));
                continue;
            }
            let expression = with_aliases(&item.expression, &select.items, &|_| false);
            places.push(Ok(extended.items.len() - select.items.len()));
            extended.items.push(SelectItem::Expression { expression, alias: None });
        }
        let node = self.query_body(&QueryBody::Select(Box::new(extended.clone())))?;
        let width = node.columns.len() - (extended.items.len() - select.items.len());
        let mut keys = Vec::with_capacity(order_by.len());
        for (item, place) in order_by.iter().zip(places) {
            let column = match place {
                Ok(number) => width + number,
                Err((position, span)) => self.position(position, width, span)?,
            };
            keys.push(sort_key(item, column));
        }
        Ok(self.shared(node, keys, width))
    }

    /// Keys that are columns of the result anyway are not carried twice.
    fn shared(&self, mut node: PlanNode, mut keys: Vec<SortKey>, width: usize) -> Ordered {
        if let NodeKind::Calc { projection, .. } = &mut node.kind {
            let same = |a: &Expr, b: &Expr| a.is_deterministic() && format!("{a:?}") == format!("{b:?}");
            for key in keys.iter_mut().filter(|key| key.column >= width) {
                if let Some(own) = (0..width).find(|&own| same(&projection[own], &projection[key.column])) {
                    key.column = own;
                }
            }
            if keys.iter().all(|key| key.column < width) {
                projection.truncate(width);
                node.columns.truncate(width);
            }
        }
        Ordered { node, keys, visible: width }
    }

    /// Any other body: by its columns.
    fn ordered_by_result(&mut self, node: PlanNode, order_by: &[OrderItem]) -> Result<Ordered, SqlError> {
        let scope = scope_of(&node, None);
        let width = node.columns.len();
        let (mut projection, mut columns, mut keys) = (all_columns(&node), node.columns.clone(), Vec::new());
        for item in order_by {
            if let Some(position) = position_of(&item.expression) {
                keys.push(sort_key(item, self.position(position, width, item.expression.span)?));
                continue;
            }
            let expr = self.expression(&item.expression, &mut Env::over(&scope))?;
            if let Expr::Column { index, .. } = expr {
                keys.push(sort_key(item, index));
                continue;
            }
            keys.push(sort_key(item, projection.len()));
            columns.push(super::select::computed_column("", &expr, &node.columns));
            projection.push(expr);
        }
        if projection.len() == width {
            return Ok(Ordered { node, keys, visible: width });
        }
        Ok(Ordered { node: calc(node, None, projection, columns), keys, visible: width })
    }

    fn position(&self, position: u64, width: usize, span: crate::ast::Span) -> Result<usize, SqlError> {
        usize::try_from(position).ok().and_then(|p| p.checked_sub(1)).filter(|&p| p < width).ok_or_else(|| {
            let message = format!("ORDER BY {position}: the result has columns 1 to {width}");
            self.error("sql.unknown_column", message, span)
        })
    }

    /// The first rows in this order.
    fn cut(&mut self, ordered: Ordered, query: &Query) -> Result<PlanNode, SqlError> {
        let number = |expression: &Option<Expression>| expression.as_ref().and_then(|e| position_of(e).map(|n| (n, e.span)));
        let offset = number(&query.offset).map_or(0, |(n, _)| n);
        let Some((limit, _)) = number(&query.limit) else {
            let span = query.offset.as_ref().map_or(query.span, |e| e.span);
            let error = self.error("sql.no_limit", "OFFSET without LIMIT would keep every row", span);
            return Err(error.with_hint("add `LIMIT n`"));
        };
        let Ordered { node: input, keys: order, visible } = ordered;
        if limit == 0 {
            return Ok(first_columns(self.nothing_of(input), visible));
        }
        let columns = input.columns.clone();
        let range = RankRange::Constant { first: offset.saturating_add(1), last: offset.saturating_add(limit) };
        let ranking = Ranking {
            input: Box::new(input),
            partition_keys: Vec::new(),
            order,
            range,
            outputs_rank: false,
            state_ttl_ms: self.settings.state_ttl_ms,
            is_mini_batch: false,
            span: query.limit.as_ref().map(|e| self.placed_span(e.span)),
        };
        let node = PlanNode { kind: NodeKind::Rank(ranking.into_rank()), columns };
        Ok(first_columns(node, visible))
    }

    /// All rows in this order, which must be that of time.
    fn sorted(&mut self, ordered: Ordered, query: &Query) -> Result<PlanNode, SqlError> {
        let span = query.order_by.first().map_or(query.span, |item| item.expression.span);
        let Ordered { node: input, keys: order, visible } = ordered;
        let Some((first, rest)) = order.split_first() else { return Ok(input) };
        let Some(time) = input.columns[first.column].time.filter(|_| !first.descending) else {
            let message = "all rows of a stream can only be ordered by time, earliest first: any other order has no first row";
            let error = self.error("sql.unsupported", message, span);
            return Err(error.with_hint("order by a time attribute first, ascending, or add `LIMIT n`"));
        };
        self.refuse_updates("ORDER BY time", &input, span)?;
        if time == TimeKind::Proctime && rest.is_empty() {
            // Rows are in the order of the clock as they come.
            return Ok(first_columns(input, visible));
        }
        let columns = input.columns.clone();
        let time_column = (time == TimeKind::Rowtime).then_some(first.column);
        let sort = TemporalSort { input: Box::new(input), time_column, order: rest.to_vec() };
        let node = PlanNode { kind: NodeKind::TemporalSort(sort), columns };
        Ok(first_columns(node, visible))
    }
}

fn first_columns(node: PlanNode, count: usize) -> PlanNode {
    if count == node.columns.len() {
        return node;
    }
    let projection = (0..count).map(|i| column_of(&node, i)).collect();
    let columns = node.columns[..count].to_vec();
    calc(node, None, projection, columns)
}

fn position_of(expression: &Expression) -> Option<u64> {
    match &expression.kind {
        ExpressionKind::Literal(Literal::Number(digits)) => digits.parse().ok(),
        _ => None,
    }
}

/// Names that SELECT gives, replaced by what they stand for, but for those that are hidden by others.
pub(super) fn with_aliases(expression: &Expression, items: &[SelectItem], is_hidden: &dyn Fn(&ObjectName) -> bool) -> Expression {
    if let ExpressionKind::Name(name) = &expression.kind
        && let [only] = name.parts.as_slice()
    {
        let named = items.iter().find_map(|item| match item {
            SelectItem::Expression { expression, alias: Some(alias) } if alias.value == only.value => Some(expression),
            _ => None,
        });
        return named.filter(|_| !is_hidden(name)).unwrap_or(expression).clone();
    }
    let mut expression = expression.clone();
    for part in super::aggregate::parts_mut(&mut expression) {
        *part = with_aliases(part, items, is_hidden);
    }
    expression
}

fn sort_key(item: &OrderItem, column: usize) -> SortKey {
    // NULL is less than any value unless it is said otherwise.
    let nulls_last = item.nulls_first.map_or(item.descending, |first| !first);
    SortKey { column, descending: item.descending, nulls_last }
}

/// A column as it is.
fn column_of(node: &PlanNode, index: usize) -> Expr {
    Expr::column(index, node.columns[index].typed.clone())
}
