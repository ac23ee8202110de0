//! Aggregation: what stands behind SELECT and HAVING, split into what is computed before, in and after the groups.
//!
//! The plan is `Calc(keys, arguments) → [Expand] → aggregate → Calc(HAVING, SELECT)`.

use super::{
    Binder,
    attached_window::{AttachedWindow, attach, attached_window, strategy_columns, take_window_keys},
    calc,
    expression::Env,
    grouping::{GroupKey, GroupWindow, Grouping, form},
    literal,
    over::{OVER_BASE, OverCalls},
    scope::Scope,
    select::{NamedItem, computed_column},
    subquery::{ATTACHED_BASE, Attaching, Conditions, holds_query},
    window::window_columns,
};
use crate::{
    ast::{Expression, ExpressionKind, FunctionCall, Select, Span},
    error::SqlError,
    plan::{
        AggregateCall, EmitStrategy, NodeKind, PlanColumn, PlanNode, WindowBound, WindowKind, WindowPart, WindowSpec, WindowStrategy,
        changelog::changelog_mode, set_masks, set_numbers,
    },
};
use millrace_functions::{Expr, FunctionRegistry, Typed, expression, registry::Function};
use millrace_model::DataType;

/// Positions from here stand for the window's bounds until the number of calls is known.
const WINDOW_BASE: usize = 1 << 30;

/// What is known of the groups while SELECT and HAVING are bound.
pub(crate) struct Aggregation<'s> {
    input: &'s Scope,
    /// Per key its form and its column behind the aggregate.
    keys: Vec<(String, Expr)>,
    /// Keys of the grouping sets, for `GROUPING`; the mask's column is last among the keys.
    sets: Option<Sets>,
    group_window: Option<GroupWindow>,
    window: Option<WindowSpec>,
    calls: Vec<BoundCall>,
    /// Number of key columns behind the aggregate.
    key_columns: usize,
}

struct Sets {
    forms: Vec<String>,
    /// Per set the number of its rows, and the keys that it does not have.
    numbers: Vec<i64>,
    masks: Vec<i64>,
    /// Per set how often it was there before: its `GROUP_ID()`.
    repeats: Vec<i64>,
    mask_column: usize,
}

struct BoundCall {
    /// Equal calls are computed once.
    form: String,
    call: AggregateCall,
    arguments: Vec<Expr>,
    filter: Option<Expr>,
}

/// Expressions computed before the aggregate, each once.
#[derive(Default)]
pub(super) struct Before {
    pub forms: Vec<String>,
    pub projection: Vec<Expr>,
}

impl Before {
    pub(super) fn column(&mut self, expr: &Expr) -> usize {
        let wanted = form(expr);
        if let Some(position) = self.forms.iter().position(|f| *f == wanted) {
            return position;
        }
        self.forms.push(wanted);
        self.projection.push(expr.clone());
        self.projection.len() - 1
    }
}

impl Env<'_> {
    /// Where a column of the rows below the aggregate is behind it, if it is a key.
    pub(super) fn key_column(&self, column: usize) -> Option<usize> {
        let wanted = form(&Expr::column(column, self.scope.columns.get(column)?.column.typed.clone()));
        let (_, key) = self.aggregation.as_ref()?.keys.iter().find(|(form, _)| *form == wanted)?;
        match key {
            Expr::Column { index, .. } => Some(*index),
            _ => None,
        }
    }
}

impl Binder<'_> {
    pub(crate) fn aggregate(
        &mut self,
        input: PlanNode,
        scope: &Scope,
        select: &Select,
        items: &[NamedItem],
        state_ttl_ms: Option<u64>,
    ) -> Result<PlanNode, SqlError> {
        let mut grouping = self.grouping(select.group_by.as_deref().unwrap_or_default(), scope, &input)?;
        let attached = if grouping.window.is_none() { attached_window(&grouping, &input) } else { None };
        let window_keys: Vec<(GroupKey, WindowPart)> = match &attached {
            Some(window) => take_window_keys(&mut grouping, &input, window.id),
            None => Vec::new(),
        };
        if let Some(WindowKind::Hop { size_ms, slide_ms, .. }) = attached.as_ref().map(|a| a.part.kind)
            && size_ms % slide_ms != 0
        {
            let message =
                format!("a hopping window that is aggregated needs a size ({size_ms} ms) that is a multiple of the slide ({slide_ms} ms)");
            return Err(self.error("sql.invalid_window", message, select.span));
        }
        let has_sets = grouping.has_sets();
        let key_columns = grouping.keys.len() + usize::from(has_sets);
        let mut keys: Vec<(String, Expr)> = (grouping.keys.iter().enumerate())
            .map(|(i, key)| {
                let typed = key.expr.typed();
                (key.form.clone(), Expr::column(i, Typed::new(typed.data_type, typed.nullable || has_sets)))
            })
            .collect();
        for (key, part) in &window_keys {
            keys.push((key.form.clone(), Expr::column(WINDOW_BASE + bound_index(part.bound), key.expr.typed())));
        }
        let sets = has_sets.then(|| Sets {
            forms: grouping.keys.iter().map(|k| k.form.clone()).collect(),
            numbers: set_numbers(&grouping.sets, grouping.keys.len()),
            masks: set_masks(&grouping.sets, grouping.keys.len()),
            repeats: repeats(&grouping.sets),
            mask_column: grouping.keys.len(),
        });
        let group_window = grouping.window.take();
        let window = group_window.as_ref().map(|w| w.spec.clone());
        let emit = match (&window, &attached) {
            (Some(window), _) => self.emit_strategy(window, select.emit.as_ref(), select.span)?,
            (None, Some(_)) => self.refuse_emit(select.emit.as_ref(), select.span).map(|()| None)?,
            (None, None) => self.refuse_emit_clause(select.emit.as_ref()).map(|()| None)?,
        };
        let aggregation = Aggregation { input: scope, keys, sets, group_window, window: window.clone(), calls: Vec::new(), key_columns };
        let over = Some(OverCalls::new(&select.windows));
        let mut env = Env { scope, aggregation: Some(aggregation), over, matching: None };
        let below = self.attaching_below.replace(Attaching::over(&input));
        let before = self.begin_values(Attaching::over_aggregate(), items, select.qualify.as_ref());
        let mut projection = Vec::with_capacity(items.len());
        for item in items {
            projection.push(self.expression(&item.expression, &mut env)?);
        }
        let qualify = select.qualify.as_ref().map(|q| self.condition(q, &mut env)).transpose()?;
        let attaching = self.end_values(before);
        let mut over = env.over.take().map(|o| o.calls).unwrap_or_default();
        let having = match &select.having {
            Some(having) => self.conditions(having, &mut env, Attaching::over_aggregate())?,
            None => Conditions::default(),
        };
        let below = std::mem::replace(&mut self.attaching_below, below);
        let calls = env.aggregation.take().map(|a| a.calls).unwrap_or_default();
        let input = self.attach_below(input, below, window.is_some() || attached.is_some(), select.span)?;

        let node = self.aggregate_node(input, &grouping, calls, (window, emit), attached, state_ttl_ms, select.span)?;
        let width = node.columns.len();
        let windows_from = width.saturating_sub(3);
        let place = |index: usize| match index {
            ATTACHED_BASE..OVER_BASE => width + index - ATTACHED_BASE,
            WINDOW_BASE..ATTACHED_BASE => windows_from + index - WINDOW_BASE,
            _ => index,
        };
        let (node, having) = match having.plain() {
            Ok(having) => (node, having.map(|h| h.map_columns(&place))),
            Err(conditions) => (self.passed(node, *conditions, &place), None),
        };
        let node = self.attach(node, attaching, &place);
        let projection: Vec<Expr> = projection.into_iter().map(|e| e.map_columns(&place)).collect();
        let qualify = qualify.map(|c| c.map_columns(&place));
        over.iter_mut().for_each(|call| call.move_columns(&place));
        self.projected(node, having, projection, qualify, items, over, state_ttl_ms)
    }

    /// Joins what arguments of aggregates ask for.
    fn attach_below(&self, input: PlanNode, below: Option<Attaching>, is_windowed: bool, span: Span) -> Result<PlanNode, SqlError> {
        if below.as_ref().is_none_or(Attaching::is_empty) {
            return Ok(input);
        }
        if is_windowed {
            let error =
                self.error("sql.unsupported", "a query inside of an aggregate of windows: rows of a regular join have no event time", span);
            return Err(error.with_hint("join both within windows first, and aggregate the result"));
        }
        Ok(self.attach(input, below, &|i| i))
    }

    #[allow(clippy::too_many_arguments)] // one value per part of the clause
    fn aggregate_node(
        &mut self,
        input: PlanNode,
        grouping: &Grouping,
        bound: Vec<BoundCall>,
        (window, emit): (Option<WindowSpec>, Option<EmitStrategy>),
        attached: Option<AttachedWindow>,
        state_ttl_ms: Option<u64>,
        span: Span,
    ) -> Result<PlanNode, SqlError> {
        let mut before = Before::default();
        let mut keys: Vec<usize> = grouping.keys.iter().map(|k| before.column(&k.expr)).collect();
        let mut calls = Vec::with_capacity(bound.len());
        for call in bound {
            let arguments = call.arguments.iter().map(|a| before.column(a)).collect();
            let filter = call.filter.as_ref().map(|f| before.column(f));
            calls.push(AggregateCall { arguments, filter, ..call.call });
        }
        let window_id = self.next_window();
        let is_group_window = window.is_some();
        let (input, strategy) = match (window, attached) {
            (Some(spec), _) => {
                let time = Expr::column(spec.time_column, input.columns[spec.time_column].typed.clone());
                let time_column = before.column(&time);
                (input, Some(WindowStrategy::Time(WindowSpec { time_column, ..spec })))
            }
            (None, Some(attached)) => attach(input, attached, &mut before, grouping.has_sets(), &keys),
            (None, None) => (input, None),
        };
        let columns = before.projection.iter().map(|e| computed_column(&form_name(e, &input.columns), e, &input.columns)).collect();
        let mut node = calc(input, None, before.projection, columns);
        if grouping.has_sets() {
            let width = node.columns.len();
            let count = keys.len();
            node = expand(node, keys, grouping.sets.clone());
            keys = (width..=width + count).collect();
        }
        let can_retract = !changelog_mode(&node).is_insert_only();
        let is_session = matches!(&strategy, Some(WindowStrategy::Time(spec)) if matches!(spec.kind, WindowKind::Session { .. }));
        for call in &calls {
            call.function.check(&call.argument_types, &call.result.data_type, can_retract).map_err(|e| {
                self.error("sql.no_retraction", format!("`{}` over a stream with updates: {e}", call.function.name()), span)
            })?;
            if is_session && !call.function.can_merge(&call.argument_types, &call.result.data_type) {
                let message =
                    format!("`{}` in a session window: sessions grow together, and this function cannot merge", call.function.name());
                return Err(self
                    .error("sql.no_merge", message, span)
                    .with_hint("give the function a `merge`, or use windows of another kind"));
            }
        }
        let mut columns: Vec<PlanColumn> =
            keys.iter().map(|&k| PlanColumn { time: None, window: None, ..node.columns[k].clone() }).collect();
        for call in &calls {
            let mut column = PlanColumn::new(call.function.name(), call.result.clone());
            let used = call.arguments.iter().chain(&call.filter);
            column.lineage = used.flat_map(|&i| node.columns[i].lineage.iter().cloned()).collect();
            columns.push(column);
        }
        let input = Box::new(node);
        let kind = match strategy {
            None => {
                let (mini_batch, span) = (self.settings.mini_batch(), Some(self.placed_span(span)));
                NodeKind::GroupAggregate { input, keys, calls, state_ttl_ms, mini_batch, span }
            }
            Some(strategy) => {
                columns.extend(strategy_columns(&strategy, window_id, &input.columns));
                NodeKind::WindowAggregate { input, strategy, is_group_window, emit, keys, calls }
            }
        };
        Ok(PlanNode { kind, columns })
    }

    /// Behind GROUP BY: what `expression` stands for if it is a key, an aggregate or a constant; `None` if its parts must
    /// be looked at.
    pub(crate) fn aggregated(&mut self, expression: &Expression, env: &mut Env<'_>) -> Result<Option<Expr>, SqlError> {
        if let ExpressionKind::Call(call) = &expression.kind {
            let name = call.name.parts.last().map(|p| p.value.to_uppercase()).unwrap_or_default();
            if call.over.is_none()
                && let Some(Function::Aggregate(_)) = self.names.functions.get(&name)
            {
                return self.aggregate_call(&name, call, expression.span, env).map(Some);
            }
            if matches!(name.as_str(), "GROUPING" | "GROUPING_ID" | "GROUP_ID") {
                return self.grouping_call(&name, call, expression.span, env).map(Some);
            }
            if let Some(found) = self.auxiliary(&name, call, expression.span, env)? {
                return Ok(Some(found));
            }
        }
        let Some(aggregation) = &env.aggregation else {
            return Ok(None);
        };
        let has_own_meaning = matches!(expression.kind, ExpressionKind::Symbol(_)) || holds_query(expression);
        if has_own_meaning || find_aggregate(expression, &self.names.functions).is_some() {
            return Ok(None);
        }
        let input = aggregation.input;
        let bound = match self.expression(expression, &mut Env::over(input)) {
            Ok(bound) => bound,
            // Its own parts may be auxiliary functions; a plain name cannot be anything else.
            Err(error) if matches!(expression.kind, ExpressionKind::Name(_)) => return Err(error),
            Err(_) => return Ok(None),
        };
        let wanted = form(&bound);
        if let Some((_, column)) = aggregation.keys.iter().find(|(form, _)| *form == wanted) {
            return Ok(Some(column.clone()));
        }
        let mut used = std::collections::BTreeSet::new();
        bound.columns(&mut used);
        if used.is_empty() {
            return Ok(Some(bound));
        }
        if let ExpressionKind::Name(name) = &expression.kind {
            let text: Vec<&str> = name.parts.iter().map(|p| p.value.as_str()).collect();
            let message = format!("`{}` is neither in GROUP BY nor inside an aggregate", text.join("."));
            return Err(self
                .error("sql.not_grouped", message, expression.span)
                .with_hint("add it to GROUP BY, or aggregate it, for example with MAX"));
        }
        Ok(None)
    }

    fn aggregate_call(&mut self, name: &str, call: &FunctionCall, span: Span, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        let functions = self.names.functions.clone();
        let (Some(Function::Aggregate(function)), Some(aggregation)) = (functions.get(name), env.aggregation.as_mut()) else {
            return Err(self.unknown_function(name, span));
        };
        if !call.order_by.is_empty() {
            return Err(self.placed(super::not_yet("ORDER BY inside an aggregate", span)));
        }
        let mut arguments = Vec::new();
        for argument in &call.arguments {
            if matches!(argument.kind, ExpressionKind::Star) {
                continue;
            }
            if let Some(found) = find_aggregate(argument, &functions) {
                return Err(self.error("sql.misplaced_aggregate", "an aggregate cannot stand inside another one", found));
            }
            if name == "COUNT" {
                super::nulls::check(argument).map_err(|e| self.placed(e))?;
            }
            let below = self.below(|binder, input| binder.expression(argument, &mut Env::over(input)), aggregation.input);
            arguments.push(below?);
        }
        super::json::mark_aggregated(name, &mut arguments);
        let filter = call.filter.as_ref();
        let filter = filter.map(|filter| self.below(|binder, input| binder.condition(filter, &mut Env::over(input)), aggregation.input));
        let filter = filter.transpose()?;
        if name == "COUNT" && arguments.len() > 1 {
            return Err(self.error("sql.argument_count", "COUNT takes one argument", span).with_hint("count a ROW or a CONCAT of them"));
        }
        let types: Vec<Typed> = arguments.iter().map(Expr::typed).collect();
        let resolution = function.resolve(&expression::arguments(&arguments, &types)).map_err(|e| {
            let list: Vec<String> = types.iter().map(|t| t.data_type.to_string()).collect();
            self.error("sql.type_mismatch", format!("`{name}` cannot be called with ({}): {e}", list.join(", ")), span)
        })?;
        let arguments: Vec<Expr> = arguments.into_iter().zip(&resolution.arguments).map(|(a, w)| self.implicit(a, w)).collect();
        let forms: Vec<String> = arguments.iter().map(form).collect();
        let own = format!("{name} {} {forms:?} {:?}", call.distinct, filter.as_ref().map(form));
        let position = match aggregation.calls.iter().position(|c| c.form == own) {
            Some(position) => position,
            None => {
                let mut result = resolution.result.clone();
                // A filter or a group of nothing leaves the aggregate without rows.
                let may_be_empty = filter.is_some() || aggregation.keys.is_empty();
                result.nullable |= may_be_empty && function.is_null_when_empty();
                let call = AggregateCall {
                    function: function.clone(),
                    arguments: Vec::new(),
                    argument_types: resolution.arguments.clone(),
                    distinct: call.distinct && !types.is_empty(),
                    filter: None,
                    result,
                };
                aggregation.calls.push(BoundCall { form: own, call, arguments, filter });
                aggregation.calls.len() - 1
            }
        };
        Ok(Expr::column(aggregation.key_columns + position, aggregation.calls[position].call.result.clone()))
    }

    /// Binds something over the rows below the aggregate.
    fn below<T>(&mut self, bind: impl FnOnce(&mut Self, &Scope) -> Result<T, SqlError>, input: &Scope) -> Result<T, SqlError> {
        let above = std::mem::replace(&mut self.attaching, self.attaching_below.take());
        let bound = bind(self, input);
        self.attaching_below = std::mem::replace(&mut self.attaching, above);
        bound
    }

    /// `GROUPING(a)`, `GROUPING_ID(a, b)`, `GROUP_ID()`: made from the mask of the grouping set.
    fn grouping_call(&mut self, name: &str, call: &FunctionCall, span: Span, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        let mut wanted = Vec::new();
        for argument in &call.arguments {
            wanted.push(form(&self.expression(argument, &mut Env::over(env.scope))?));
        }
        let Some(aggregation) = &env.aggregation else {
            return Err(self.error("sql.not_grouped", format!("`{name}` needs GROUP BY"), span));
        };
        let Some(sets) = &aggregation.sets else {
            let all_keys = wanted.iter().all(|w| aggregation.keys.iter().any(|(f, _)| f == w));
            if !all_keys {
                return Err(self.error("sql.not_grouped", format!("an argument of `{name}` is not in GROUP BY"), span));
            }
            return Ok(literal::bigint(0));
        };
        let count = sets.forms.len();
        let mut positions = Vec::new();
        for w in &wanted {
            let Some(position) = sets.forms.iter().position(|f| f == w) else {
                return Err(self.error("sql.not_grouped", format!("an argument of `{name}` is not in GROUP BY"), span));
            };
            positions.push(position);
        }
        let answer = |mask: i64| positions.iter().fold(0i64, |bits, p| (bits << 1) | ((mask >> (count - 1 - p)) & 1));
        let mask_column = Expr::column(sets.mask_column, Typed::not_null(DataType::BigInt));
        let answers: Vec<i64> = match name {
            "GROUP_ID" => sets.repeats.clone(),
            _ => sets.masks.iter().map(|&mask| answer(mask)).collect(),
        };
        let numbers = sets.numbers.clone();
        let (mut whens, mut results) = (Vec::new(), Vec::new());
        for (number, answer) in numbers.into_iter().zip(answers) {
            whens.push(self.call("=", vec![mask_column.clone(), literal::bigint(number)], span)?);
            results.push(literal::bigint(answer));
        }
        results.push(literal::bigint(0));
        self.case_of(whens, results, true, span)
    }

    /// `TUMBLE_START(…)` and its like: a bound of the window in GROUP BY.
    fn auxiliary(&mut self, name: &str, call: &FunctionCall, span: Span, env: &mut Env<'_>) -> Result<Option<Expr>, SqlError> {
        let Some((base, suffix)) = name.rsplit_once('_') else {
            return Ok(None);
        };
        if !matches!(base, "TUMBLE" | "HOP" | "SESSION") {
            return Ok(None);
        }
        let mut arguments = Vec::new();
        for argument in &call.arguments {
            arguments.push(form(&self.expression(argument, &mut Env::over(env.scope))?));
        }
        let Some(aggregation) = &env.aggregation else {
            return Ok(None);
        };
        let (Some(window), Some(spec)) = (&aggregation.group_window, &aggregation.window) else {
            return Ok(None);
        };
        if window.function != base || window.arguments != arguments {
            let message = format!("`{name}` differs from the `{}` in GROUP BY", window.function);
            return Err(self.error("sql.misplaced_window", message, span).with_hint("give it exactly the same arguments"));
        }
        let [start, end, time] = window_columns(spec, 0, &crate::plan::Lineage::new());
        let (bound, typed) = match suffix {
            "START" => (WindowBound::Start, start.typed),
            "END" => (WindowBound::End, end.typed),
            "ROWTIME" if !spec.is_processing_time => (WindowBound::Time, time.typed),
            "PROCTIME" if spec.is_processing_time => (WindowBound::Time, time.typed),
            _ => return Err(self.error("sql.misplaced_window", format!("`{name}` does not fit the window's time"), span)),
        };
        Ok(Some(Expr::column(WINDOW_BASE + bound_index(bound), typed)))
    }
}

fn expand(input: PlanNode, keys: Vec<usize>, sets: Vec<Vec<usize>>) -> PlanNode {
    let mut columns = input.columns.clone();
    for &key in &keys {
        let mut column = PlanColumn { time: None, window: None, ..input.columns[key].clone() };
        column.typed.nullable = true;
        columns.push(column);
    }
    columns.push(PlanColumn::new("$e", Typed::not_null(DataType::BigInt)));
    PlanNode { kind: NodeKind::Expand { input: Box::new(input), keys, sets }, columns }
}

/// Per set how often it was there before.
fn repeats(sets: &[Vec<usize>]) -> Vec<i64> {
    sets.iter().enumerate().map(|(position, set)| sets[..position].iter().filter(|earlier| *earlier == set).count() as i64).collect()
}

fn bound_index(bound: WindowBound) -> usize {
    match bound {
        WindowBound::Start => 0,
        WindowBound::End => 1,
        WindowBound::Time => 2,
    }
}

fn form_name(expr: &Expr, input: &[PlanColumn]) -> String {
    match expr {
        Expr::Column { index, .. } => input[*index].name.clone(),
        _ => "$f".into(),
    }
}

/// Where the first aggregate (or function of a group) in `expression` stands.
pub(crate) fn find_aggregate(expression: &Expression, functions: &FunctionRegistry) -> Option<Span> {
    if let ExpressionKind::Call(call) = &expression.kind {
        let name = call.name.parts.last().map(|p| p.value.to_uppercase()).unwrap_or_default();
        let is_aggregate = matches!(functions.get(&name), Some(Function::Aggregate(_)));
        let of_group = matches!(name.as_str(), "GROUPING" | "GROUPING_ID" | "GROUP_ID");
        let of_window = name.rsplit_once('_').is_some_and(|(base, suffix)| {
            matches!(base, "TUMBLE" | "HOP" | "SESSION") && matches!(suffix, "START" | "END" | "ROWTIME" | "PROCTIME")
        });
        if call.over.is_none() && (is_aggregate || of_group || of_window) {
            return Some(expression.span);
        }
    }
    parts(expression).into_iter().find_map(|part| find_aggregate(part, functions))
}

/// The direct parts of an expression, queries excluded.
pub(crate) fn parts(expression: &Expression) -> Vec<&Expression> {
    use ExpressionKind::*;
    match &expression.kind {
        Literal(_) | Name(_) | Exists(_) | Query(_) | Interval { .. } | Symbol(_) | Star => Vec::new(),
        Unary(_, value) | IsNull { value, .. } | IsTruth { value, .. } | Cast { value, .. } | Field(value, _) => vec![value],
        InQuery { value, .. } | Quantified { value, .. } => vec![value],
        Binary(_, left, right) | IsDistinctFrom { left, right, .. } | Element(left, right) => vec![left, right],
        Between { value, low, high, .. } => vec![value, low, high],
        InList { value, list, .. } => std::iter::once(value.as_ref()).chain(list).collect(),
        Like { value, pattern, escape, .. } => {
            [Some(value), Some(pattern), escape.as_ref()].into_iter().flatten().map(|e| e.as_ref()).collect()
        }
        Case { operand, branches, otherwise } => {
            let whens = branches.iter().flat_map(|b| [&b.when, &b.then]);
            operand.as_deref().into_iter().chain(whens).chain(otherwise.as_deref()).collect()
        }
        Call(call) => call.arguments.iter().collect(),
        Array(parts) | Map(parts) | Row(parts) => parts.iter().collect(),
    }
}

/// The same parts, to be changed.
pub(crate) fn parts_mut(expression: &mut Expression) -> Vec<&mut Expression> {
    use ExpressionKind::*;
    match &mut expression.kind {
        Literal(_) | Name(_) | Exists(_) | Query(_) | Interval { .. } | Symbol(_) | Star => Vec::new(),
        Unary(_, value) | IsNull { value, .. } | IsTruth { value, .. } | Cast { value, .. } | Field(value, _) => vec![value],
        InQuery { value, .. } | Quantified { value, .. } => vec![value],
        Binary(_, left, right) | IsDistinctFrom { left, right, .. } | Element(left, right) => vec![left, right],
        Between { value, low, high, .. } => vec![value, low, high],
        InList { value, list, .. } => std::iter::once(value.as_mut()).chain(list).collect(),
        Like { value, pattern, escape, .. } => {
            [Some(value), Some(pattern), escape.as_mut()].into_iter().flatten().map(|e| e.as_mut()).collect()
        }
        Case { operand, branches, otherwise } => {
            let whens = branches.iter_mut().flat_map(|b| [&mut b.when, &mut b.then]);
            operand.as_deref_mut().into_iter().chain(whens).chain(otherwise.as_deref_mut()).collect()
        }
        Call(call) => call.arguments.iter_mut().collect(),
        Array(parts) | Map(parts) | Row(parts) => parts.iter_mut().collect(),
    }
}
