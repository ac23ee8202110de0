//! What conditions make of `ROW_NUMBER() OVER (…)`.
//!
//! A call appends a number to each row; a condition such as `rn <= 10`, however far out it stands, makes a Top-N of it
//! (Flink's `RankUtil`). Numbers that no condition bounds stay as they are.

use super::{Binder, all_columns, calc};
use crate::{
    ast::Span,
    error::SqlError,
    plan::{
        NodeKind, Over, PlanNode, RankRange, Ranking, SortKey, WindowKind,
        changelog::{changelog_mode, updating_operator},
        explain,
    },
};
use arrow_array::Array;
use millrace_functions::{Expr, cast};
use millrace_model::DataType;

/// The function that numbers the rows of `over`, if that is all it does.
fn numbering(over: &Over) -> Option<&str> {
    match over.calls.as_slice() {
        [only] if matches!(only.function.name(), "ROW_NUMBER" | "RANK" | "DENSE_RANK") => Some(only.function.name()),
        _ => None,
    }
}

impl Binder<'_> {
    /// A condition over numbered rows as a Top-N, if it bounds the number.
    pub(crate) fn ranked(&mut self, node: PlanNode) -> Result<PlanNode, SqlError> {
        let NodeKind::Calc { input, predicate: Some(predicate), projection } = &node.kind else { return Ok(node) };
        let NodeKind::Over(number) = &input.kind else { return Ok(node) };
        let Some(function) = numbering(number).filter(|_| !number.order.is_empty()) else { return Ok(node) };
        let rank = number.input.columns.len();
        let Some((range, rest)) = self.range(predicate, rank, number.span)? else { return Ok(node) };
        if function != "ROW_NUMBER" {
            let message = format!("a Top-N by `{function}` is not there, in Flink neither");
            let error = self.error("sql.unsupported", message, number.span);
            return Err(error.with_hint("use ROW_NUMBER; to keep equal rows apart in a fixed order add a key to ORDER BY"));
        }
        let mut used = std::collections::BTreeSet::new();
        projection.iter().for_each(|e| e.columns(&mut used));
        let ranking = Ranking {
            input: number.input.clone(),
            partition_keys: number.keys.clone(),
            order: number
                .order
                .iter()
                .map(|o| SortKey { column: o.column, descending: o.descending, nulls_last: !o.nulls_first })
                .collect(),
            range,
            outputs_rank: used.contains(&rank),
            state_ttl_ms: number.state_ttl_ms,
            is_mini_batch: self.settings.mini_batch().is_some(),
            span: Some(number.span),
        };
        self.check_ranked_window(&ranking, number.span)?;
        let mut columns = ranking.input.columns.clone();
        if ranking.outputs_rank {
            columns.push(input.columns[rank].clone());
        }
        let ranked = PlanNode { kind: ranking.into_node(), columns };
        Ok(calc(ranked, rest, projection.clone(), node.columns.clone()))
    }

    /// Ranks within windows have bounds of their own.
    fn check_ranked_window(&self, ranking: &Ranking, span: Span) -> Result<(), SqlError> {
        let Some((_, part)) = ranking.window() else { return Ok(()) };
        if part.is_processing_time {
            let error = self.error("sql.unsupported", "a Top-N within windows of the clock is not there, in Flink neither", span);
            return Err(error.with_hint("make the windows by event time"));
        }
        if matches!(ranking.range, RankRange::Column(_)) {
            let message = "within windows the number of rows must be a constant, not a column";
            return Err(self.error("sql.unsupported", message, span));
        }
        if let (Some(operator), false) = (updating_operator(&ranking.input), matches!(part.kind, WindowKind::Session { .. })) {
            let message = format!("a Top-N within windows takes only new rows, but {} updates its rows", explain::operator_text(operator));
            return Err(self.error("sql.no_updates", message, span).with_hint("aggregate within the windows, or rank without them"));
        }
        Ok(())
    }

    /// The ranks that pass and what is left of the condition; `None` if it does not bound the rank from above.
    fn range(&self, predicate: &Expr, rank: usize, span: Span) -> Result<Option<(RankRange, Option<Expr>)>, SqlError> {
        let mut parts = Vec::new();
        conjuncts(predicate, &mut parts);
        let (mut bounds, mut rest) = (Vec::new(), Vec::new());
        for part in parts {
            match bound(part, rank) {
                Some(found) => bounds.push(found),
                None => rest.push(part.clone()),
            }
        }
        let mut used = std::collections::BTreeSet::new();
        rest.iter().for_each(|e| e.columns(&mut used));
        if used.contains(&rank) {
            return Ok(None);
        }
        let (first, last) = match bounds.as_slice() {
            [Bound::Column(column)] => return Ok(Some((RankRange::Column(*column), joined(rest)))),
            [Bound::Last(last)] => (1, *last),
            [Bound::Both(only)] => (*only, *only),
            [Bound::First(first), Bound::Last(last)] | [Bound::Last(last), Bound::First(first)] => (*first, *last),
            [Bound::First(_)] => {
                let error = self.error("sql.no_rank_end", "the condition has no greatest rank, so every row would be kept", span);
                return Err(error.with_hint("add one, for example `rn <= 10`"));
            }
            _ => return Ok(None),
        };
        if last <= 0 {
            let message = format!("the greatest rank is {last}, expected at least 1: the first row has rank 1");
            return Err(self.error("sql.invalid_rank", message, span));
        }
        let last = last.unsigned_abs();
        Ok(Some((RankRange::Constant { first: first.max(1).unsigned_abs(), last }, joined(rest))))
    }

    /// No rows at all, with these columns.
    pub(super) fn nothing_of(&self, node: PlanNode) -> PlanNode {
        let (columns, projection) = (node.columns.clone(), all_columns(&node));
        calc(node, Some(super::literal::boolean(false)), projection, columns)
    }

    /// Refuses an input that updates rows.
    pub(super) fn refuse_updates(&self, what: &str, input: &PlanNode, span: Span) -> Result<(), SqlError> {
        if changelog_mode(input).is_insert_only() {
            return Ok(());
        }
        let by = updating_operator(input).map(explain::operator_text).unwrap_or_default();
        let message = format!("{what} takes only new rows, but {by} updates its rows");
        Err(self.error("sql.no_updates", message, span).with_hint("aggregate in windows, or add a LIMIT: `ORDER BY … LIMIT n`"))
    }
}

/// What a comparison says of the rank.
enum Bound {
    First(i64),
    Last(i64),
    Both(i64),
    Column(usize),
}

fn conjuncts<'e>(predicate: &'e Expr, into: &mut Vec<&'e Expr>) {
    match predicate {
        Expr::And(parts) => parts.iter().for_each(|part| conjuncts(part, into)),
        other => into.push(other),
    }
}

fn joined(mut parts: Vec<Expr>) -> Option<Expr> {
    match parts.len() {
        0 | 1 => parts.pop(),
        _ => Some(Expr::And(parts)),
    }
}

/// The bound that a comparison of the rank alone with something else is.
fn bound(part: &Expr, rank: usize) -> Option<Bound> {
    let Expr::Call { function, arguments, .. } = part else { return None };
    let [left, right] = arguments.as_slice() else { return None };
    let (sign, other) = match (column_of(left) == Some(rank), column_of(right) == Some(rank)) {
        (true, false) => (function.name(), right),
        (false, true) => (turned(function.name())?, left),
        _ => return None,
    };
    if let Some(column) = column_of(other) {
        let is_number = |expr: &Expr| matches!(expr.typed().data_type, DataType::BigInt | DataType::Int | DataType::SmallInt);
        return (sign == "<=" && is_number(other)).then_some(Bound::Column(column));
    }
    let number = constant_of(other)?;
    Some(match sign {
        "<=" => Bound::Last(number),
        "<" => Bound::Last(number.checked_sub(1)?),
        ">=" => Bound::First(number),
        ">" => Bound::First(number.checked_add(1)?),
        "=" => Bound::Both(number),
        _ => return None,
    })
}

fn turned(sign: &str) -> Option<&'static str> {
    Some(match sign {
        "<=" => ">=",
        "<" => ">",
        ">=" => "<=",
        ">" => "<",
        "=" => "=",
        _ => return None,
    })
}

fn column_of(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Column { index, .. } => Some(*index),
        Expr::Cast { value, is_try: false, .. } => column_of(value),
        _ => None,
    }
}

fn constant_of(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal { value, typed, is_symbol: false } if value.len() == 1 && value.is_valid(0) => {
            let text = cast::to_text(value, &typed.data_type, &Default::default()).ok()?;
            (text.len() == 1).then(|| text.value(0).parse().ok()).flatten()
        }
        Expr::Cast { value, is_try: false, .. } => constant_of(value),
        _ => None,
    }
}
