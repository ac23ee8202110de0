//! `GROUP BY`: grouping sets spelt out, window functions of the older kind found.

use super::{Binder, expression::Env, scope::Scope};
use crate::{
    ast::{Expression, ExpressionKind, GroupingElement, Span},
    error::SqlError,
    plan::{PlanNode, TimeKind, WindowKind, WindowSpec},
};
use millrace_functions::Expr;
use millrace_model::DataType;

/// More grouping sets than this are refused: each one multiplies the stream.
const SETS_MAX: usize = 256;

/// Keys that grouping sets may have together: which of them a row has is a bit each of a BIGINT.
const SET_KEYS_MAX: usize = 63;

/// What `GROUP BY` asks for.
pub(crate) struct Grouping {
    /// Keys of any set, in order of appearance, over the input.
    pub keys: Vec<GroupKey>,
    /// Per set the keys that it has, ascending.
    pub sets: Vec<Vec<usize>>,
    /// `TUMBLE(…)`, `HOP(…)` or `SESSION(…)` among the elements.
    pub window: Option<GroupWindow>,
}

/// One key.
pub(crate) struct GroupKey {
    pub expr: Expr,
    /// The expression's canonical form, by which it is found again behind SELECT.
    pub form: String,
}

/// A window function in `GROUP BY`.
pub(crate) struct GroupWindow {
    /// `TUMBLE`, `HOP`, `SESSION`.
    pub function: String,
    pub spec: WindowSpec,
    /// Canonical forms of its arguments: auxiliary functions must have the same.
    pub arguments: Vec<String>,
}

/// A form in which equal expressions are equal.
pub(crate) fn form(expr: &Expr) -> String {
    format!("{expr:?}")
}

impl Grouping {
    /// Whether there is more than the one set of all keys.
    pub fn has_sets(&self) -> bool {
        self.sets.len() != 1 || self.sets[0].len() != self.keys.len()
    }
}

impl Binder<'_> {
    pub(crate) fn grouping(&mut self, elements: &[GroupingElement], scope: &Scope, input: &PlanNode) -> Result<Grouping, SqlError> {
        let mut grouping = Grouping { keys: Vec::new(), sets: vec![Vec::new()], window: None };
        let is_distinct = elements.iter().any(|element| matches!(element, GroupingElement::Distinct(..)));
        let written = elements.iter().flat_map(|element| match element {
            GroupingElement::Distinct(elements, _) => elements.as_slice(),
            element => std::slice::from_ref(element),
        });
        for element in written {
            if let GroupingElement::Expression(expression) = element
                && let Some(window) = self.group_window(expression, scope, input)?
            {
                if grouping.window.is_some() {
                    return Err(self.error("sql.invalid_window", "GROUP BY has more than one window function", expression.span));
                }
                grouping.window = Some(window);
                continue;
            }
            let alternatives = self.alternatives(element, scope, &mut grouping.keys)?;
            let span = element_span(element);
            if grouping.sets.len().saturating_mul(alternatives.len()) > SETS_MAX {
                return Err(self.error("sql.too_many_sets", format!("GROUP BY makes more than {SETS_MAX} grouping sets"), span));
            }
            if grouping.sets.len().max(alternatives.len()) > 1 {
                self.check_set_keys(grouping.keys.len(), span)?;
            }
            // `GROUP BY a, ROLLUP (b, c)` is the product of both.
            let product = grouping.sets.iter().flat_map(|set| {
                alternatives.iter().map(move |added| {
                    let mut all = set.clone();
                    all.extend(added);
                    all.sort_unstable();
                    all.dedup();
                    all
                })
            });
            grouping.sets = product.collect();
        }
        self.check_width(grouping.keys.len(), elements.first().map(element_span).unwrap_or_default())?;
        if let (true, Some(first)) = (grouping.has_sets(), elements.first()) {
            self.check_set_keys(grouping.keys.len(), element_span(first))?;
        }
        if is_distinct {
            let mut seen = std::collections::HashSet::new();
            grouping.sets.retain(|set| seen.insert(set.clone()));
        }
        Ok(grouping)
    }

    /// Grouping sets of more keys than a row can say which of them it has.
    fn check_set_keys(&self, keys: usize, span: Span) -> Result<(), SqlError> {
        if keys <= SET_KEYS_MAX {
            return Ok(());
        }
        let message = format!("grouping sets of {keys} keys, at most {SET_KEYS_MAX} are possible");
        let error = self.error("sql.too_large", message, span);
        Err(error.with_hint("group by fewer keys, or by one ROW of those that always go together"))
    }

    fn alternatives(&mut self, element: &GroupingElement, scope: &Scope, keys: &mut Vec<GroupKey>) -> Result<Vec<Vec<usize>>, SqlError> {
        match element {
            GroupingElement::Expression(expression) => match &expression.kind {
                // `GROUP BY (a, b)` groups by both.
                ExpressionKind::Row(parts) => Ok(vec![self.key_positions(parts, scope, keys)?]),
                _ => Ok(vec![vec![self.key_position(expression, scope, keys)?]]),
            },
            GroupingElement::Tuple(parts, _) => Ok(vec![self.key_positions(parts, scope, keys)?]),
            GroupingElement::Sets(elements, span) => {
                let mut sets = Vec::new();
                for element in elements {
                    sets.extend(self.alternatives(element, scope, keys)?);
                    self.check_sets(sets.len(), *span)?;
                }
                Ok(sets)
            }
            GroupingElement::Rollup(parts, span) => {
                let parts = parts.iter().map(|p| self.key_positions(p, scope, keys)).collect::<Result<Vec<_>, _>>()?;
                self.check_sets(parts.len() + 1, *span)?;
                self.check_set_keys(keys.len(), *span)?;
                Ok((0..=parts.len()).rev().map(|n| parts[..n].concat()).collect())
            }
            GroupingElement::Cube(parts, span) => {
                let parts = parts.iter().map(|p| self.key_positions(p, scope, keys)).collect::<Result<Vec<_>, _>>()?;
                self.check_sets(1usize.checked_shl(parts.len() as u32).unwrap_or(usize::MAX), *span)?;
                self.check_set_keys(keys.len(), *span)?;
                let chosen = |mask: usize| -> Vec<usize> {
                    (0..parts.len()).filter(|i| mask & (1 << (parts.len() - 1 - i)) != 0).flat_map(|i| parts[i].clone()).collect()
                };
                Ok((0..1usize << parts.len()).rev().map(chosen).collect())
            }
            GroupingElement::Distinct(_, span) => Err(self.error("sql.syntax", "DISTINCT stands at the start of GROUP BY", *span)),
        }
    }

    fn check_sets(&self, count: usize, span: Span) -> Result<(), SqlError> {
        if count <= SETS_MAX {
            return Ok(());
        }
        Err(self.error("sql.too_many_sets", format!("GROUP BY makes more than {SETS_MAX} grouping sets"), span))
    }

    fn key_positions(&mut self, parts: &[Expression], scope: &Scope, keys: &mut Vec<GroupKey>) -> Result<Vec<usize>, SqlError> {
        let mut positions = parts.iter().map(|p| self.key_position(p, scope, keys)).collect::<Result<Vec<_>, _>>()?;
        positions.sort_unstable();
        positions.dedup();
        Ok(positions)
    }

    fn key_position(&mut self, expression: &Expression, scope: &Scope, keys: &mut Vec<GroupKey>) -> Result<usize, SqlError> {
        if let Some(found) = super::aggregate::find_aggregate(expression, &self.names.functions) {
            return Err(self.error("sql.misplaced_aggregate", "aggregates cannot stand in GROUP BY", found));
        }
        let expr = self.expression(expression, &mut Env::over(scope))?;
        if matches!(expr.typed().data_type, DataType::Map(..) | DataType::Multiset(_)) {
            let message = format!("{} cannot be a key of GROUP BY", expr.typed().data_type);
            return Err(self.error("sql.type_mismatch", message, expression.span));
        }
        let form = form(&expr);
        if let Some(position) = keys.iter().position(|k| k.form == form) {
            return Ok(position);
        }
        keys.push(GroupKey { expr, form });
        Ok(keys.len() - 1)
    }

    /// `TUMBLE(ts, INTERVAL …)`, `HOP(ts, slide, size)`, `SESSION(ts, gap)`.
    fn group_window(&mut self, expression: &Expression, scope: &Scope, input: &PlanNode) -> Result<Option<GroupWindow>, SqlError> {
        let ExpressionKind::Call(call) = &expression.kind else {
            return Ok(None);
        };
        let function = call.name.parts.last().map(|p| p.value.to_uppercase()).unwrap_or_default();
        let expected = match function.as_str() {
            "TUMBLE" | "SESSION" => 2,
            "HOP" => 3,
            _ => return Ok(None),
        };
        if call.arguments.len() != expected {
            let message = format!("`{function}` in GROUP BY takes {expected} arguments, found {}", call.arguments.len());
            return Err(self.error("sql.argument_count", message, expression.span));
        }
        let mut bound = Vec::with_capacity(expected);
        for argument in &call.arguments {
            bound.push(self.expression(argument, &mut Env::over(scope))?);
        }
        let (time_column, column) = match &bound[0] {
            Expr::Column { index, .. } => {
                if input.columns[*index].time != Some(TimeKind::JoinedRowtime) {
                    self.check_time_attribute(&input.columns[*index], call.arguments[0].span)?;
                }
                (*index, &input.columns[*index])
            }
            Expr::Call { function, arguments, .. } if arguments.is_empty() && function.name() == "CURRENT_ROW_TIMESTAMP" => {
                return Err(self
                    .error("sql.no_time_attribute", "a window needs a column as its time attribute", call.arguments[0].span)
                    .with_hint("add a computed column `pt AS PROCTIME()` to the table and name it here"));
            }
            _ => {
                let error = self.error("sql.no_time_attribute", "a window needs a time attribute", call.arguments[0].span);
                return Err(error.with_hint("name an event-time or processing-time column"));
            }
        };
        let length = |i: usize| self.interval_ms(&bound[i], call.arguments[i].span);
        let kind = match function.as_str() {
            "TUMBLE" => WindowKind::Tumble { size_ms: length(1)?, offset_ms: 0 },
            "HOP" => WindowKind::Hop { slide_ms: length(1)?, size_ms: length(2)?, offset_ms: 0 },
            _ => WindowKind::Session { gap_ms: length(1)? },
        };
        self.check_window(kind, expression.span)?;
        let spec = WindowSpec {
            kind,
            time_column,
            is_processing_time: column.time == Some(TimeKind::Proctime),
            is_local_zone: matches!(column.typed.data_type, DataType::TimestampLtz { .. }),
            partition_keys: Vec::new(),
        };
        Ok(Some(GroupWindow { function, spec, arguments: bound.iter().map(form).collect() }))
    }
}

fn element_span(element: &GroupingElement) -> Span {
    match element {
        GroupingElement::Expression(expression) => expression.span,
        GroupingElement::Sets(_, span)
        | GroupingElement::Cube(_, span)
        | GroupingElement::Rollup(_, span)
        | GroupingElement::Tuple(_, span)
        | GroupingElement::Distinct(_, span) => *span,
    }
}
