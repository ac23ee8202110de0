//! `OVER`: calls found behind SELECT, their window resolved, and the plan `Calc(arguments) → Over → Calc(SELECT, QUALIFY)`.
//!
//! As in Flink all calls of one SELECT have the same window.

mod window;

use super::{
    Binder, calc,
    expression::Env,
    grouping::form,
    not_yet,
    select::{NamedItem, computed_column, unique_names},
};
use crate::{
    ast::{FunctionCall, NamedWindow, Over as Written, Span},
    error::SqlError,
    plan::{AggregateCall, NodeKind, Over, PlanColumn, PlanNode, SortColumn},
};
use arrow_array::Float64Array;
use millrace_functions::{
    Expr, Typed,
    aggregate::{AggregateFunction, window_function},
    expression,
    registry::Function,
};
use millrace_model::DataType;
use std::sync::Arc;
use window::Window;

/// Positions from here stand for results of `OVER` until the input of the window is known.
pub(crate) const OVER_BASE: usize = 1 << 40;

/// Calls with `OVER` in one SELECT.
pub(crate) struct OverCalls<'w> {
    /// `WINDOW name AS (…)`
    windows: &'w [NamedWindow],
    pub calls: Vec<BoundOver>,
}

/// A call with its window, over the columns that the SELECT sees.
pub(crate) struct BoundOver {
    form: String,
    call: AggregateCall,
    arguments: Vec<Expr>,
    window: Window,
    span: Span,
}

impl BoundOver {
    /// The same with its columns at other places.
    pub(crate) fn move_columns(&mut self, place: &impl Fn(usize) -> usize) {
        let order = self.window.order.iter_mut().map(|o| &mut o.expr);
        for expr in self.arguments.iter_mut().chain(&mut self.window.partition).chain(order) {
            let taken = std::mem::replace(expr, Expr::And(Vec::new()));
            *expr = taken.map_columns(place);
        }
    }
}

impl<'w> OverCalls<'w> {
    pub(crate) fn new(windows: &'w [NamedWindow]) -> Self {
        Self { windows, calls: Vec::new() }
    }
}

impl Binder<'_> {
    /// `f(…) OVER …`: the column that its result will be.
    pub(crate) fn over_call(&mut self, call: &FunctionCall, over: &Written, span: Span, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        let Some(mut calls) = env.over.take() else {
            let message = "`OVER` cannot stand here: results over a window are known behind SELECT only, and not inside another `OVER`";
            return Err(self
                .error("sql.misplaced_window_function", message, span)
                .with_hint("compute it in an inner query, and use its column in the outer one"));
        };
        let name = call.name.parts.last().map(|p| p.value.to_uppercase()).unwrap_or_default();
        let function = self.over_function(&name, call, span)?;
        let mut window = self.window(over, calls.windows, env)?;
        let numbers = matches!(name.as_str(), "ROW_NUMBER" | "RANK" | "DENSE_RANK" | "LAG");
        if numbers {
            if let Some(written) = self.frame_of(over, calls.windows) {
                let message = format!("`{name}` looks at the order of rows, not at a frame");
                return Err(self.error("sql.invalid_window", message, written.span).with_hint("leave out ROWS or RANGE"));
            }
            window.frame.is_rows = name == "ROW_NUMBER";
        }
        let mut arguments = Vec::new();
        for argument in &call.arguments {
            if !matches!(argument.kind, crate::ast::ExpressionKind::Star) {
                arguments.push(self.expression(argument, env)?);
            }
        }
        if matches!(name.as_str(), "RANK" | "DENSE_RANK") {
            self.check_no_arguments(&name, &arguments, span)?;
            // Equal rows share a rank.
            arguments.extend(window.order.first().map(|o| o.expr.clone()));
        }
        super::json::mark_aggregated(&name, &mut arguments);
        let result = match (deviation(&name), arguments.as_slice()) {
            (Some(deviation), [argument]) if !call.distinct => {
                self.over_deviation(deviation, argument.clone(), &window, span, &mut calls)?
            }
            _ => self.over_result(&name, function, (arguments, call.distinct), window, span, &mut calls)?,
        };
        env.over = Some(calls);
        Ok(result)
    }

    /// The column of a call's result; equal calls share one.
    fn over_result(
        &mut self,
        name: &str,
        function: Arc<dyn AggregateFunction>,
        (arguments, distinct): (Vec<Expr>, bool),
        window: Window,
        span: Span,
        calls: &mut OverCalls<'_>,
    ) -> Result<Expr, SqlError> {
        let types: Vec<Typed> = arguments.iter().map(Expr::typed).collect();
        let resolution = function.resolve(&expression::arguments(&arguments, &types)).map_err(|e| {
            let list: Vec<String> = types.iter().map(|t| t.data_type.to_string()).collect();
            self.error("sql.type_mismatch", format!("`{name}` cannot be called with ({}): {e}", list.join(", ")), span)
        })?;
        let arguments: Vec<Expr> = arguments.into_iter().zip(&resolution.arguments).map(|(a, w)| self.implicit(a, w)).collect();
        let own = format!("{name} {distinct} {:?} {}", arguments.iter().map(form).collect::<Vec<_>>(), window.form());
        let position = match calls.calls.iter().position(|c| c.form == own) {
            Some(position) => position,
            None => {
                let call = AggregateCall {
                    function,
                    arguments: Vec::new(),
                    argument_types: resolution.arguments,
                    distinct: distinct && !types.is_empty(),
                    filter: None,
                    result: resolution.result,
                };
                calls.calls.push(BoundOver { form: own, call, arguments, window, span });
                calls.calls.len() - 1
            }
        };
        Ok(Expr::column(OVER_BASE + position, calls.calls[position].call.result.clone()))
    }

    /// Deviations are made of sums, as Flink makes them with `OVER`: `(Σx² − (Σx)²/n) / n`, in the type of the argument.
    fn over_deviation(
        &mut self,
        (is_sample, is_root): (bool, bool),
        argument: Expr,
        window: &Window,
        span: Span,
        calls: &mut OverCalls<'_>,
    ) -> Result<Expr, SqlError> {
        let squares = self.call("*", vec![argument.clone(), argument.clone()], span)?;
        let mut result = |binder: &mut Self, name: &str, argument: Expr| {
            let Some(Function::Aggregate(function)) = binder.names.functions.get(name).cloned() else {
                return Err(binder.unknown_function(name, span));
            };
            binder.over_result(name, function, (vec![argument], false), window.clone(), span, calls)
        };
        let of_squares = result(self, "SUM", squares)?;
        let sum = result(self, "SUM", argument.clone())?;
        let count = result(self, "COUNT", argument.clone())?;
        let square = self.call("*", vec![sum.clone(), sum], span)?;
        let mean = self.call("/", vec![square, count.clone()], span)?;
        let difference = self.call("-", vec![of_squares, mean], span)?;
        let mut by = count.clone();
        if is_sample {
            let is_one = self.call("=", vec![count.clone(), super::literal::bigint(1)], span)?;
            let less = self.call("-", vec![count, super::literal::bigint(1)], span)?;
            let null = self.implicit(super::literal::null(), &DataType::BigInt);
            by = self.case_of(vec![is_one], vec![null, less], true, span)?;
        }
        let mut found = self.call("/", vec![difference, by], span)?;
        if is_root {
            let half = super::literal::constant(Arc::new(Float64Array::from(vec![0.5])), DataType::Double, false);
            found = self.call("POWER", vec![found, half], span)?;
        }
        let data_type = match argument.typed().data_type {
            DataType::Decimal { scale, .. } => DataType::Decimal { precision: 38, scale: scale.max(6) },
            other => other,
        };
        Ok(self.implicit(found, &data_type))
    }

    fn check_no_arguments(&self, name: &str, arguments: &[Expr], span: Span) -> Result<(), SqlError> {
        if arguments.is_empty() {
            return Ok(());
        }
        Err(self.error("sql.argument_count", format!("`{name}` takes no argument, found {}", arguments.len()), span))
    }

    fn over_function(&self, name: &str, call: &FunctionCall, span: Span) -> Result<Arc<dyn AggregateFunction>, SqlError> {
        let function = match (window_function(name), self.names.functions.get(name)) {
            (_, Some(Function::Aggregate(function))) => function.clone(),
            (Some(function), None) => function,
            (_, Some(_)) => {
                let message = format!("`{name}` is no aggregate function, so it cannot have `OVER`");
                return Err(self.error("sql.misplaced_clause", message, span));
            }
            (None, None) if matches!(name, "LEAD" | "NTILE" | "PERCENT_RANK" | "CUME_DIST" | "NTH_VALUE") => {
                let message = format!("`{name}` is not supported over a stream: it would have to know rows that come later");
                return Err(self.error("sql.unsupported", message, span));
            }
            (None, None) => return Err(self.unknown_function(name, span)),
        };
        if let Some(filter) = &call.filter {
            let error = self.error("sql.unsupported", "FILTER cannot stand before `OVER`", filter.span);
            return Err(error.with_hint("write the condition into the argument: `SUM(CASE WHEN … THEN x END) OVER …`"));
        }
        if call.ignore_nulls.is_some() {
            return Err(self.error("sql.unsupported", "IGNORE NULLS and RESPECT NULLS are not supported with `OVER`", span));
        }
        if !call.order_by.is_empty() {
            return Err(self.placed(not_yet("ORDER BY inside an aggregate", span)));
        }
        Ok(function)
    }

    /// The rows of SELECT: over `node` what `projection` says, with the calls that it refers to.
    #[allow(clippy::too_many_arguments)] // one value per clause
    pub(crate) fn projected(
        &mut self,
        node: PlanNode,
        predicate: Option<Expr>,
        projection: Vec<Expr>,
        qualify: Option<Expr>,
        items: &[NamedItem],
        calls: Vec<BoundOver>,
        state_ttl_ms: Option<u64>,
    ) -> Result<PlanNode, SqlError> {
        let (node, predicate, projection) = if calls.is_empty() {
            let predicate = match (predicate, qualify) {
                (Some(first), Some(second)) => Some(Expr::And(vec![first, second])),
                (first, second) => first.or(second),
            };
            (node, predicate, projection)
        } else {
            let node = self.over_node(node, predicate, calls, state_ttl_ms)?;
            let width = node.width;
            let place = |i: usize| if i >= OVER_BASE { width + i - OVER_BASE } else { i };
            let projection = projection.into_iter().map(|e| e.map_columns(&place)).collect();
            (node.node, qualify.map(|q| q.map_columns(&place)), projection)
        };
        let named = items.iter().zip(&projection);
        let mut columns: Vec<PlanColumn> = named.map(|(item, expr)| computed_column(&item.name, expr, &node.columns)).collect();
        unique_names(&mut columns);
        let node = calc(node, predicate, projection, columns);
        self.ranked(node)
    }

    fn over_node(
        &mut self,
        node: PlanNode,
        predicate: Option<Expr>,
        calls: Vec<BoundOver>,
        state_ttl_ms: Option<u64>,
    ) -> Result<OverNode, SqlError> {
        let mut before = Before { projection: super::all_columns(&node), columns: node.columns.clone() };
        if let Some(other) = calls.iter().find(|c| c.window.form() != calls[0].window.form()) {
            let message = "all calls with `OVER` in one SELECT must have the same window (ROW_NUMBER counts by ROWS)";
            return Err(self
                .error("sql.different_windows", message, other.window.span)
                .with_hint("compute one in an inner query, the other in the outer one"));
        }
        let window = &calls[0].window;
        let keys: Vec<usize> = window.partition.iter().map(|e| before.column(e)).collect();
        let order: Vec<SortColumn> = (window.order.iter())
            .map(|o| SortColumn { column: before.column(&o.expr), descending: o.descending, nulls_first: o.nulls_first })
            .collect();
        let mut made = Vec::with_capacity(calls.len());
        for bound in &calls {
            let arguments = bound.arguments.iter().map(|a| before.column(a)).collect();
            made.push(AggregateCall { arguments, ..bound.call.clone() });
        }
        let time = order.first().and_then(|o| before.columns[o.column].time);
        let input = calc(node, predicate, before.projection, before.columns);
        let refused = self.refused_window(window, &order, time, &input).map(Box::new);
        if refused.is_none() && window.frame.preceding.is_some() {
            self.check_retraction(&calls, &made)?;
        }
        let mut columns = input.columns.clone();
        let width = columns.len();
        for call in &made {
            let mut column = PlanColumn::new(call.function.name(), call.result.clone());
            column.lineage = call.arguments.iter().flat_map(|&i| input.columns[i].lineage.iter().cloned()).collect();
            columns.push(column);
        }
        let frame = window.frame;
        let span = self.placed_span(calls[0].span);
        let over = Over { input: Box::new(input), keys, order, time, frame, calls: made, state_ttl_ms, refused, span };
        Ok(OverNode { node: PlanNode { kind: NodeKind::Over(over), columns }, width })
    }

    /// Frames that end take rows back.
    fn check_retraction(&self, calls: &[BoundOver], made: &[AggregateCall]) -> Result<(), SqlError> {
        for (bound, call) in calls.iter().zip(made) {
            call.function.check(&call.argument_types, &call.result.data_type, true).map_err(|e| {
                let message = format!("`{}` over a frame that rows leave again: {e}", call.function.name());
                self.error("sql.no_retraction", message, bound.span)
            })?;
        }
        Ok(())
    }
}

/// Whether a function is a deviation: over a sample, and as a root.
fn deviation(name: &str) -> Option<(bool, bool)> {
    Some(match name {
        "VAR_POP" => (false, false),
        "VAR_SAMP" | "VARIANCE" => (true, false),
        "STDDEV_POP" => (false, true),
        "STDDEV_SAMP" | "STDDEV" => (true, true),
        _ => return None,
    })
}

struct OverNode {
    node: PlanNode,
    /// Columns before those of the calls.
    width: usize,
}

/// What is computed before the window, each once.
struct Before {
    projection: Vec<Expr>,
    columns: Vec<PlanColumn>,
}

impl Before {
    fn column(&mut self, expr: &Expr) -> usize {
        if let Expr::Column { index, .. } = expr {
            return *index;
        }
        let wanted = form(expr);
        if let Some(position) = self.projection.iter().position(|e| form(e) == wanted) {
            return position;
        }
        let column = computed_column("$f", expr, &self.columns);
        self.projection.push(expr.clone());
        self.columns.push(column);
        self.projection.len() - 1
    }
}
