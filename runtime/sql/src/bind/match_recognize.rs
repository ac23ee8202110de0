//! `MATCH_RECOGNIZE`: variables of the pattern as scopes, conditions and measures over the rows of a match.
//!
//! A name stands for a column of one row: the last one of its variable (`A.price`), or of all rows of the match (`price`),
//! unless FIRST or LAST says which. In DEFINE the row that is looked at counts as the last one of the variable that is
//! defined.

use super::{Binder, expression::Env, literal, match_pattern::Part, scope::Scope};
use crate::{
    ast::{self, Expression, ExpressionKind, FunctionCall, Literal, ObjectName, OrderItem, SkipTo, Span},
    error::{SqlError, nearest},
    plan::{
        AggregateCall, MatchExpr, MatchOperand, MatchRecognize, MatchRows, MatchSkip, MatchVariable, NodeKind, OrderKey, PlanColumn,
        PlanNode, TimeKind, changelog::changelog_mode,
    },
};
use millrace_functions::{Expr, Typed, expression, registry::Function};
use millrace_model::DataType;
use std::collections::BTreeSet;

/// What is known of the match while MEASURES and DEFINE are bound.
pub(crate) struct Matching<'s> {
    parts: &'s [Part<'s>],
    time_column: usize,
    /// The variable whose condition is bound; `None` in measures.
    current: Option<usize>,
    /// Which row names stand for.
    row: Row,
    /// Variables named since FIRST, LAST or an aggregate began.
    named: Vec<MatchRows>,
    operands: Vec<MatchOperand>,
    /// The type of each operand.
    types: Vec<Typed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    /// The last one of the variable.
    Last,
    /// Inside of FIRST or LAST.
    At { from_end: bool, offset: u32 },
    /// Each row, inside of an aggregate: names are columns of the input.
    Each,
}

impl Matching<'_> {
    fn operand(&mut self, operand: MatchOperand, typed: Typed) -> Expr {
        let form = format!("{operand:?}");
        let known = self.operands.iter().position(|known| format!("{known:?}") == form);
        let index = known.unwrap_or_else(|| {
            self.operands.push(operand);
            self.types.push(typed);
            self.operands.len() - 1
        });
        Expr::column(index, self.types[index].clone())
    }

    /// How many of these rows each match has at least.
    fn least(&self, rows: MatchRows) -> u64 {
        match rows {
            MatchRows::Variable(variable) => u64::from(self.parts[variable].least),
            MatchRows::All => self.parts.iter().map(|part| u64::from(part.least)).sum(),
        }
    }

    fn column(&mut self, rows: MatchRows, column: usize, typed: Typed) -> Expr {
        if !self.named.contains(&rows) {
            self.named.push(rows);
        }
        let (from_end, offset) = match self.row {
            Row::Each => return Expr::column(column, typed),
            Row::Last => (true, 0),
            Row::At { from_end, offset } => (from_end, offset),
        };
        let is_own = rows == MatchRows::All || self.current.is_some_and(|own| rows == MatchRows::Variable(own));
        if self.current.is_some() && is_own && from_end && offset == 0 {
            return self.operand(MatchOperand::Current(column), typed);
        }
        let is_certain = self.current.is_none() && u64::from(offset) < self.least(rows);
        let typed = Typed::new(typed.data_type, typed.nullable || !is_certain);
        self.operand(MatchOperand::Row { rows, from_end, offset, column }, typed)
    }
}

impl Binder<'_> {
    pub(super) fn match_recognize(&mut self, input: PlanNode, scope: Scope, clause: &ast::MatchRecognize) -> Result<PlanNode, SqlError> {
        let refuse = |what: &str, span: Span, hint: &str| Err(self.error("sql.unsupported", what, span).with_hint(hint));
        let changes = changelog_mode(&input);
        if !changes.is_insert_only() {
            let message = format!("MATCH_RECOGNIZE reads rows that only come, but its input changes rows ({changes})");
            let error = self.error("sql.updating_input", message, clause.input.span);
            return Err(error.with_hint("search the rows before they are aggregated or deduplicated, or aggregate them in windows"));
        }
        if let Some(span) = clause.all_rows {
            return refuse("ALL ROWS PER MATCH is not supported", span, "write ONE ROW PER MATCH and say by MEASURES what comes out");
        }
        if let Some(subset) = clause.subsets.first() {
            return refuse("SUBSET is not supported", subset.name.span, "name one variable, or no variable for all rows of the match");
        }
        if clause.measures.is_empty() {
            return refuse("MATCH_RECOGNIZE without MEASURES is not supported", clause.span, "add `MEASURES expression AS name, …`");
        }
        let keys = self.partition_keys(&clause.partition_by, &scope)?;
        let (time_column, order) = self.match_order(&clause.order_by, &scope, clause.span)?;
        let parts = self.pattern_parts(&clause.pattern)?;
        let skip = self.match_skip(clause.skip.as_ref(), &parts)?;
        let within_ms = clause.within.as_ref().map(|within| self.within(within)).transpose()?;
        let variables = self.definitions(clause, &parts, &scope, time_column)?;
        let mut columns: Vec<PlanColumn> =
            keys.iter().map(|&key| PlanColumn { time: None, window: None, ..input.columns[key].clone() }).collect();
        let mut measures = Vec::with_capacity(clause.measures.len());
        for measure in &clause.measures {
            if columns.iter().any(|column| column.name == measure.name.value) {
                let message = format!("`{}` is the name of two columns of the matches", measure.name.value);
                let error = self.error("sql.duplicate_column", message, measure.name.span);
                return Err(error.with_hint("columns of PARTITION BY come out by themselves; give the measure another name"));
            }
            let (bound, time) = self.measure(&measure.expression, &parts, &scope, time_column)?;
            let mut column = PlanColumn::new(&measure.name.value, bound.expr.typed());
            column.time = time;
            let mut used = BTreeSet::new();
            bound.columns(&mut used);
            column.lineage = used.into_iter().flat_map(|i| input.columns[i].lineage.iter().cloned()).collect();
            columns.push(column);
            measures.push(bound);
        }
        let is_processing_time = input.columns[time_column].time == Some(TimeKind::Proctime);
        let input = Box::new(input);
        let node = MatchRecognize { input, keys, time_column, is_processing_time, order, variables, within_ms, skip, measures };
        Ok(PlanNode { kind: NodeKind::MatchRecognize(Box::new(node)), columns })
    }

    fn partition_keys(&mut self, expressions: &[Expression], scope: &Scope) -> Result<Vec<usize>, SqlError> {
        let mut keys = Vec::with_capacity(expressions.len());
        for expression in expressions {
            match self.expression(expression, &mut Env::over(scope))? {
                Expr::Column { index, .. } => keys.push(index),
                _ => {
                    let error = self.error("sql.type_mismatch", "PARTITION BY takes columns", expression.span);
                    return Err(
                        error.with_hint("compute it in a query that MATCH_RECOGNIZE reads: `FROM (SELECT … AS k …) MATCH_RECOGNIZE (…)`")
                    );
                }
            }
        }
        Ok(keys)
    }

    /// The time attribute, and what orders rows of one time.
    fn match_order(&mut self, items: &[OrderItem], scope: &Scope, span: Span) -> Result<(usize, Vec<OrderKey>), SqlError> {
        const HINT: &str = "the first column is a time attribute: one with a WATERMARK, or PROCTIME()";
        let mut keys = Vec::with_capacity(items.len());
        for item in items {
            let Expr::Column { index, .. } = self.expression(&item.expression, &mut Env::over(scope))? else {
                let error = self.error("sql.type_mismatch", "ORDER BY of MATCH_RECOGNIZE takes columns", item.expression.span);
                return Err(error.with_hint(HINT));
            };
            let nulls_first = item.nulls_first.unwrap_or(!item.descending);
            keys.push(OrderKey { column: index, descending: item.descending, nulls_first });
        }
        let (Some((time, order)), Some(first)) = (keys.split_first(), items.first()) else {
            return Err(self.error("sql.no_time_attribute", "MATCH_RECOGNIZE needs `ORDER BY` a time", span).with_hint(HINT));
        };
        let column = &scope.columns[time.column].column;
        if column.time.is_none() {
            let message =
                format!("`{}` ({}) is not a time attribute, so rows cannot be ordered by it first", column.name, column.typed.data_type);
            return Err(self.error("sql.no_time_attribute", message, first.expression.span).with_hint(HINT));
        }
        if time.descending {
            let message = format!("rows come in the order of time, so `{}` must be ascending", column.name);
            return Err(self.error("sql.unsupported", message, first.expression.span).with_hint("leave DESC away"));
        }
        Ok((time.column, order.to_vec()))
    }

    fn match_skip(&self, skip: Option<&ast::Skip>, parts: &[Part<'_>]) -> Result<MatchSkip, SqlError> {
        let place = |variable: &ast::Identifier| {
            parts.iter().position(|part| part.name.value == variable.value).ok_or_else(|| {
                let message = format!("the pattern has no variable `{}` to skip to", variable.value);
                self.error("sql.unknown_variable", message, variable.span).with_hint(known(parts))
            })
        };
        Ok(match skip.map(|skip| &skip.to) {
            None | Some(SkipTo::NextRow) => MatchSkip::NextRow,
            Some(SkipTo::PastLastRow) => MatchSkip::PastLastRow,
            Some(SkipTo::First(variable)) => MatchSkip::First(place(variable)?),
            Some(SkipTo::Last(variable)) => MatchSkip::Last(place(variable)?),
        })
    }

    fn within(&mut self, within: &Expression) -> Result<i64, SqlError> {
        let bound = self.expression(within, &mut Env::over(&Scope::default()))?;
        let within_ms = self.interval_ms(&bound, within.span)?;
        if within_ms <= 0 {
            return Err(self.error("sql.invalid_pattern", "WITHIN needs a time longer than nothing", within.span));
        }
        Ok(within_ms)
    }

    fn definitions(
        &mut self,
        clause: &ast::MatchRecognize,
        parts: &[Part<'_>],
        scope: &Scope,
        time_column: usize,
    ) -> Result<Vec<MatchVariable>, SqlError> {
        let mut conditions: Vec<Option<MatchExpr>> = parts.iter().map(|_| None).collect();
        for (position, definition) in clause.definitions.iter().enumerate() {
            let name = &definition.variable.value;
            if clause.definitions[..position].iter().any(|earlier| earlier.variable.value == *name) {
                return Err(self.error("sql.duplicate_variable", format!("`{name}` is defined twice"), definition.variable.span));
            }
            // Flink takes no notice of variables that are not in the pattern.
            let Some(variable) = parts.iter().position(|part| part.name.value == *name) else { continue };
            let mut env = matching_env(scope, parts, Some(variable), time_column);
            let expr = self.condition(&definition.condition, &mut env)?;
            conditions[variable] = Some(MatchExpr { expr, operands: operands_of(env) });
        }
        let variable = |(part, condition): (&Part<'_>, Option<MatchExpr>)| MatchVariable {
            name: part.name.value.clone(),
            least: part.least,
            most: part.most,
            is_greedy: part.is_greedy,
            condition,
        };
        Ok(parts.iter().zip(conditions).map(variable).collect())
    }

    /// A measure, and the time attribute that it is.
    fn measure(
        &mut self,
        expression: &Expression,
        parts: &[Part<'_>],
        scope: &Scope,
        time_column: usize,
    ) -> Result<(MatchExpr, Option<TimeKind>), SqlError> {
        let mut env = matching_env(scope, parts, None, time_column);
        let expr = self.expression(expression, &mut env)?;
        let operands = operands_of(env);
        let time = match &expression.kind {
            ExpressionKind::Call(call) if is_named(call, "MATCH_PROCTIME") => Some(TimeKind::Proctime),
            // Without an argument it is a TIMESTAMP, which is no time attribute where times have a zone.
            ExpressionKind::Call(call) if is_named(call, "MATCH_ROWTIME") => {
                let is_same = expr.typed().data_type == scope.columns[time_column].column.typed.data_type;
                (is_same && scope.columns[time_column].column.time == Some(TimeKind::Rowtime)).then_some(TimeKind::Rowtime)
            }
            _ => None,
        };
        Ok((MatchExpr { expr, operands }, time))
    }

    /// In MEASURES and DEFINE: what `expression` stands for if it is a name or a function of matches; `None` if its parts
    /// must be looked at.
    pub(crate) fn matched(&mut self, expression: &Expression, env: &mut Env<'_>) -> Result<Option<Expr>, SqlError> {
        let span = expression.span;
        match &expression.kind {
            ExpressionKind::Name(name) => self.matched_name(name, env).map(Some),
            ExpressionKind::Call(call) => {
                let name = call.name.parts.last().map(|p| p.value.to_uppercase()).unwrap_or_default();
                match name.as_str() {
                    "FIRST" | "LAST" => self.navigation(&name, call, span, env).map(Some),
                    "PREV" | "NEXT" => self.physical_navigation(&name, call, span, env).map(Some),
                    "FINAL" | "RUNNING" => self.final_value(&name, call, span, env).map(Some),
                    "MATCH_ROWTIME" => self.match_rowtime(call, span, env).map(Some),
                    "MATCH_PROCTIME" if call.arguments.is_empty() => self.call("CURRENT_ROW_TIMESTAMP", Vec::new(), span).map(Some),
                    "CLASSIFIER" | "MATCH_NUMBER" => {
                        let error = self.error("sql.unsupported", format!("{name}() is not supported"), span);
                        Err(error.with_hint("count the rows of a variable, as in `COUNT(A.id)`, to see whether it took part"))
                    }
                    _ if call.over.is_none() && matches!(self.names.functions.get(&name), Some(Function::Aggregate(_))) => {
                        self.match_aggregate(&name, call, span, env).map(Some)
                    }
                    _ => Ok(None),
                }
            }
            ExpressionKind::InQuery { .. } | ExpressionKind::Quantified { .. } | ExpressionKind::Exists(_) | ExpressionKind::Query(_) => {
                let error = self.error("sql.unsupported", "a query inside of MATCH_RECOGNIZE is not supported", span);
                Err(error.with_hint("join its rows before MATCH_RECOGNIZE reads them"))
            }
            _ => Ok(None),
        }
    }

    /// `A.price`, `price`, and fields behind them.
    fn matched_name(&mut self, name: &ObjectName, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        let scope = env.scope;
        let Some(matching) = env.matching.as_mut() else {
            return Err(self.error("sql.internal", "names of a match outside of one", name.span()));
        };
        let column_of = |name: &str| scope.columns.iter().position(|c| c.column.name == name);
        let variable = |name: &str| matching.parts.iter().position(|part| part.name.value == name);
        let parts = name.parts.as_slice();
        let (rows, column, fields) = match parts {
            [first, second, rest @ ..] if variable(&first.value).is_some() => {
                let Some(column) = column_of(&second.value) else {
                    return Err(self.unknown_match_column(&second.value, second.span, scope));
                };
                (MatchRows::Variable(variable(&first.value).unwrap_or_default()), column, rest)
            }
            [first, rest @ ..] if column_of(&first.value).is_some() => (MatchRows::All, column_of(&first.value).unwrap_or_default(), rest),
            [first, _, ..] => {
                let message = format!("the pattern has no variable `{}`", first.value);
                let error = self.error("sql.unknown_variable", message, first.span);
                return Err(error.with_hint(known(matching.parts)));
            }
            [first] => return Err(self.unknown_match_column(&first.value, first.span, scope)),
            [] => return Err(self.error("sql.internal", "an empty name", name.span())),
        };
        let mut expr = matching.column(rows, column, scope.columns[column].column.typed.clone());
        for field in fields {
            expr = self.field(expr, field)?;
        }
        Ok(expr)
    }

    fn unknown_match_column(&self, name: &str, span: Span, scope: &Scope) -> SqlError {
        let error = self.error("sql.unknown_column", format!("there is no column `{name}`"), span);
        let names: Vec<&str> = scope.columns.iter().map(|c| c.column.name.as_str()).take(40).collect();
        match nearest(name, names.iter().copied()) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error.with_hint(format!("columns in sight are {}", names.join(", "))),
        }
    }

    /// `FIRST(x [, n])`, `LAST(x [, n])`
    fn navigation(&mut self, name: &str, call: &FunctionCall, span: Span, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        let (value, offset) = self.navigation_arguments(name, call, 0, span)?;
        let Some(matching) = env.matching.as_mut() else {
            return Err(self.error("sql.internal", "FIRST and LAST outside of a match", span));
        };
        match matching.row {
            Row::Last => {}
            // Flink looks at each row inside of an aggregate, whatever LAST says.
            Row::Each if offset == 0 => return self.expression(value, env),
            _ => {
                let message = format!("`{name}` cannot stand inside FIRST, LAST or an aggregate");
                return Err(self.error("sql.unsupported", message, span));
            }
        }
        matching.row = Row::At { from_end: name == "LAST", offset };
        let outer = std::mem::take(&mut matching.named);
        let bound = self.expression(value, env);
        if let Some(matching) = env.matching.as_mut() {
            matching.row = Row::Last;
            let named = std::mem::replace(&mut matching.named, outer);
            if named.len() > 1 {
                return Err(self.several_variables(name, span));
            }
            named.into_iter().for_each(|rows| matching.named.push(rows));
        }
        bound
    }

    fn navigation_arguments<'c>(
        &self,
        name: &str,
        call: &'c FunctionCall,
        default: u32,
        span: Span,
    ) -> Result<(&'c Expression, u32), SqlError> {
        let offset = match call.arguments.as_slice() {
            [_] => Some(default),
            [_, Expression { kind: ExpressionKind::Literal(Literal::Number(digits)), .. }] => digits.parse().ok(),
            [_, _] => None,
            _ => return Err(self.error("sql.argument_count", format!("`{name}` takes a value, and may take a number of rows"), span)),
        };
        let Some(offset) = offset else {
            let message = format!("how many rows `{name}` counts must be a constant from 0");
            return Err(self.error("sql.type_mismatch", message, call.arguments[1].span));
        };
        Ok((&call.arguments[0], offset))
    }

    /// `PREV(x, 0)` is `x`; other rows of the partition cannot be looked at.
    fn physical_navigation(&mut self, name: &str, call: &FunctionCall, span: Span, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        let (value, offset) = self.navigation_arguments(name, call, 1, span)?;
        let is_condition = env.matching.as_ref().is_some_and(|m| m.current.is_some());
        if offset == 0 && is_condition {
            return self.expression(value, env);
        }
        let error = self.error("sql.unsupported", format!("`{name}` is not supported: rows that belong to no variable are not kept"), span);
        Err(error.with_hint("`LAST(A.price, 1)` is the row of variable A before its last one"))
    }

    fn final_value(&mut self, name: &str, call: &FunctionCall, span: Span, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        let is_condition = env.matching.as_ref().is_some_and(|m| m.current.is_some());
        match call.arguments.as_slice() {
            [value] if name == "FINAL" && !is_condition => self.expression(value, env),
            _ => {
                let error = self.error("sql.unsupported", format!("`{name}` cannot stand here"), span);
                Err(error.with_hint("leave it away: conditions see the rows so far, measures see the whole match"))
            }
        }
    }

    /// `MATCH_ROWTIME([time attribute])`
    fn match_rowtime(&mut self, call: &FunctionCall, span: Span, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        let scope = env.scope;
        let Some(matching) = env.matching.as_mut() else {
            return Err(self.error("sql.internal", "MATCH_ROWTIME outside of a match", span));
        };
        let time = &scope.columns[matching.time_column].column;
        let typed = match call.arguments.as_slice() {
            [] => Typed::not_null(DataType::Timestamp { precision: 3 }),
            [Expression { kind: ExpressionKind::Name(name), .. }] => {
                let column = name.parts.last().and_then(|last| scope.columns.iter().find(|c| c.column.name == last.value));
                match column.map(|c| &c.column).filter(|c| c.time == Some(TimeKind::Rowtime)) {
                    Some(column) => column.typed.clone(),
                    None => return Err(self.no_rowtime(call.arguments[0].span)),
                }
            }
            [other] => return Err(self.no_rowtime(other.span)),
            _ => return Err(self.error("sql.argument_count", "MATCH_ROWTIME takes at most one column", span)),
        };
        if time.time != Some(TimeKind::Rowtime) {
            let error = self.error("sql.no_time_attribute", "MATCH_ROWTIME needs `ORDER BY` an event time", span);
            return Err(error.with_hint("MATCH_PROCTIME() is the clock's time"));
        }
        if matching.current.is_some() {
            let column = Expr::column(matching.time_column, time.typed.clone());
            let current = matching.operand(MatchOperand::Current(matching.time_column), column.typed());
            return Ok(self.implicit(current, &typed.data_type));
        }
        Ok(matching.operand(MatchOperand::Time, typed))
    }

    fn no_rowtime(&self, span: Span) -> SqlError {
        let error = self.error("sql.no_time_attribute", "MATCH_ROWTIME takes the event-time column, and nothing else", span);
        error.with_hint("name a column that has a `WATERMARK FOR …`")
    }

    fn match_aggregate(&mut self, name: &str, call: &FunctionCall, span: Span, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        let functions = self.names.functions.clone();
        let (Some(Function::Aggregate(function)), Some(matching)) = (functions.get(name), env.matching.as_mut()) else {
            return Err(self.unknown_function(name, span));
        };
        if matching.row != Row::Last {
            return Err(self.error("sql.misplaced_aggregate", format!("`{name}` cannot stand inside FIRST, LAST or an aggregate"), span));
        }
        if call.distinct || call.filter.is_some() || !call.order_by.is_empty() {
            let error = self.error("sql.unsupported", "DISTINCT, FILTER and ORDER BY in an aggregate over a match are not supported", span);
            return Err(error.with_hint("`SUM(CASE WHEN condition THEN value END)` looks at some rows only"));
        }
        matching.row = Row::Each;
        let outer = std::mem::take(&mut matching.named);
        let is_star = matches!(call.arguments.as_slice(), [Expression { kind: ExpressionKind::Star, .. }]);
        let arguments = if is_star { &[] } else { call.arguments.as_slice() };
        let bound: Result<Vec<Expr>, SqlError> = arguments.iter().map(|argument| self.expression(argument, env)).collect();
        let named = match env.matching.as_mut() {
            Some(matching) => {
                matching.row = Row::Last;
                std::mem::replace(&mut matching.named, outer)
            }
            None => Vec::new(),
        };
        let mut arguments = bound?;
        let rows = match named.as_slice() {
            [] if is_star => MatchRows::All,
            [] => return Err(self.error("sql.unsupported", format!("`{name}` looks at no row of the match"), span)),
            [rows] => *rows,
            _ => return Err(self.several_variables(name, span)),
        };
        super::json::mark_aggregated(name, &mut arguments);
        let types: Vec<Typed> = arguments.iter().map(Expr::typed).collect();
        let resolution = function.resolve(&expression::arguments(&arguments, &types)).map_err(|e| {
            let list: Vec<String> = types.iter().map(|t| t.data_type.to_string()).collect();
            self.error("sql.type_mismatch", format!("`{name}` cannot be called with ({}): {e}", list.join(", ")), span)
        })?;
        let mut result = resolution.result.clone();
        result.nullable |= function.is_null_when_empty();
        function
            .check(&resolution.arguments, &result.data_type, false)
            .map_err(|e| self.error("sql.type_mismatch", format!("`{name}`: {e}"), span))?;
        let arguments: Vec<Expr> = arguments.into_iter().zip(&resolution.arguments).map(|(a, w)| self.implicit(a, w)).collect();
        let call = AggregateCall {
            function: function.clone(),
            arguments: (0..arguments.len()).collect(),
            argument_types: resolution.arguments.clone(),
            distinct: false,
            filter: None,
            result: result.clone(),
        };
        let Some(matching) = env.matching.as_mut() else { return Ok(literal::null()) };
        if !matching.named.contains(&rows) {
            matching.named.push(rows);
        }
        Ok(matching.operand(MatchOperand::Aggregate { rows, arguments, call }, result))
    }

    fn several_variables(&self, name: &str, span: Span) -> SqlError {
        let error = self.error("sql.unsupported", format!("`{name}` looks at rows of several variables"), span);
        error.with_hint("one call looks at the rows of one variable, or without a variable at all rows of the match")
    }
}

fn matching_env<'s>(scope: &'s Scope, parts: &'s [Part<'s>], current: Option<usize>, time_column: usize) -> Env<'s> {
    let matching = Matching { parts, time_column, current, row: Row::Last, named: Vec::new(), operands: Vec::new(), types: Vec::new() };
    Env { matching: Some(matching), ..Env::over(scope) }
}

fn operands_of(env: Env<'_>) -> Vec<MatchOperand> {
    env.matching.map(|matching| matching.operands).unwrap_or_default()
}

fn is_named(call: &FunctionCall, name: &str) -> bool {
    call.name.parts.last().is_some_and(|part| part.value.eq_ignore_ascii_case(name))
}

fn known(parts: &[Part<'_>]) -> String {
    format!("its variables are {}", parts.iter().map(|part| part.name.value.as_str()).collect::<Vec<_>>().join(", "))
}
