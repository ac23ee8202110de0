//! Calls and comparisons that the binder answers itself, because their answer lies in types and forms, not in values.

use super::{Binder, expression::Env, literal, not_yet, scope::Scope};
use crate::{
    ast::{
        Expression, ExpressionKind, FunctionCall, IntervalUnit, Literal, Query, QueryBody, Select, SelectItem, Span, TableReference,
        TableReferenceKind,
    },
    error::SqlError,
};
use arrow_array::{ArrayRef, StringArray, new_null_array};
use millrace_functions::Expr;
use millrace_model::DataType;
use std::sync::Arc;

impl Binder<'_> {
    /// `TYPEOF(value [, force_serializable])`: the type's text, as Flink prints it.
    pub(super) fn type_of(&mut self, call: &FunctionCall, arguments: &[Expr], span: Span) -> Result<Expr, SqlError> {
        let (Some(written), Some(value)) = (call.arguments.first(), arguments.first()) else {
            return Err(self.error("sql.argument_count", "TYPEOF takes a value", span));
        };
        if arguments.len() > 2
            || arguments.get(1).is_some_and(|flag| flag.typed().data_type != DataType::Boolean || flag.literal().is_none())
        {
            return Err(self.error("sql.argument_count", "TYPEOF takes a value, and may take TRUE or FALSE behind it", span));
        }
        let text = written_type(written).unwrap_or_else(|| value.typed().data_type.to_string());
        let not_null = if value.typed().nullable { "" } else { " NOT NULL" };
        let value: ArrayRef = Arc::new(StringArray::from(vec![format!("{text}{not_null}")]));
        Ok(literal::constant(value, DataType::String, true))
    }

    /// `(a, b) OVERLAPS (c, d)`: an end may be a distance from the start, and ends may be the wrong way round.
    pub(super) fn overlaps(&mut self, arguments: &[Expr], span: Span) -> Result<Expr, SqlError> {
        let [a, b, c, d] = arguments else {
            return Err(self.error("sql.argument_count", "OVERLAPS takes two periods `(start, end)`", span));
        };
        let (first_start, first_end) = self.period(a, b, span)?;
        let (second_start, second_end) = self.period(c, d, span)?;
        let reaches = self.call(">=", vec![first_end, second_start], span)?;
        let is_reached = self.call(">=", vec![second_end, first_start], span)?;
        Ok(Expr::And(vec![reaches, is_reached]))
    }

    /// Start and end in order.
    fn period(&mut self, start: &Expr, end: &Expr, span: Span) -> Result<(Expr, Expr), SqlError> {
        let is_distance = matches!(end.typed().data_type, DataType::IntervalDayTime | DataType::IntervalYearMonth);
        let end = if is_distance { self.call("+", vec![start.clone(), end.clone()], span)? } else { end.clone() };
        let in_order = self.call("<=", vec![start.clone(), end.clone()], span)?;
        let early = self.case_of(vec![in_order.clone()], vec![start.clone(), end.clone()], true, span)?;
        let late = self.case_of(vec![in_order], vec![end, start.clone()], true, span)?;
        Ok((early, late))
    }

    /// What `x = x` and its like are, when both sides are written the same: Flink does not compare, so that NaN is equal to
    /// itself there and only there. NULL stays NULL.
    pub(super) fn self_comparison(&mut self, name: &str, arguments: &[Expr], span: Span) -> Option<Result<Expr, SqlError>> {
        let [left, right] = arguments else { return None };
        let holds = match name {
            "=" | "<=" | ">=" | "IS NOT DISTINCT FROM" => true,
            "<>" | "<" | ">" | "IS DISTINCT FROM" => false,
            _ => return None,
        };
        if !left.is_same(right) {
            return None;
        }
        if !left.typed().nullable || name.starts_with("IS ") {
            return Some(Ok(literal::boolean(holds)));
        }
        let null = literal::constant(new_null_array(&DataType::Boolean.to_arrow(), 1), DataType::Boolean, true);
        Some(if holds {
            self.call("IS NOT NULL", vec![left.clone()], span).map(|is_there| Expr::Or(vec![null, is_there]))
        } else {
            self.call("IS NULL", vec![left.clone()], span).map(|is_missing| Expr::And(vec![null, is_missing]))
        })
    }

    /// `value IN (query)` where the query's rows are constants: a list.
    pub(super) fn in_constants(
        &mut self,
        value: &Expression,
        query: &Query,
        rows: Vec<Vec<&Expression>>,
        (negated, span): (bool, Span),
        env: &mut Env<'_>,
    ) -> Result<Expr, SqlError> {
        let parts: Vec<&Expression> = match &value.kind {
            ExpressionKind::Row(parts) => parts.iter().collect(),
            _ => vec![value],
        };
        let parts = parts.into_iter().map(|part| self.expression(part, env)).collect::<Result<Vec<_>, _>>()?;
        let nothing = Scope::default();
        let mut choices: Vec<Vec<Expr>> = Vec::with_capacity(rows.len());
        for row in rows {
            if row.len() != parts.len() {
                let message = format!("the query behind IN has {} columns, expected {}", row.len(), parts.len());
                return Err(self.error("sql.type_mismatch", message, query.span));
            }
            let cells = row.into_iter().map(|cell| self.expression(cell, &mut Env::over(&nothing))).collect::<Result<Vec<_>, _>>()?;
            if cells.iter().any(|cell| cell.literal().is_none()) {
                return Err(self.placed(not_yet("`IN (query)` over values that are not constant", span)));
            }
            choices.push(cells);
        }
        if let [value] = parts.as_slice() {
            return self.in_list(value.clone(), choices.into_iter().flatten().collect(), negated, span);
        }
        let mut found = Vec::with_capacity(choices.len());
        for cells in choices {
            let pairs = parts.iter().cloned().zip(cells);
            let equal = pairs.map(|(part, cell)| self.call("=", vec![part, cell], span)).collect::<Result<Vec<_>, _>>()?;
            found.push(Expr::And(equal));
        }
        let found = match found.pop() {
            Some(only) if found.is_empty() => only,
            Some(last) => Expr::Or(found.into_iter().chain([last]).collect()),
            None => literal::boolean(false),
        };
        if negated { self.call("NOT", vec![found], span) } else { Ok(found) }
    }
}

/// The type of what is written with a length or a unit, which our types do not keep.
fn written_type(expression: &Expression) -> Option<String> {
    let sized = |word: &str, length: usize| Some(format!("{word}({length})"));
    match &expression.kind {
        ExpressionKind::Literal(Literal::String(text)) => sized("CHAR", text.encode_utf16().count()),
        ExpressionKind::Literal(Literal::Bytes(bytes)) => sized("BINARY", bytes.len()),
        ExpressionKind::Cast { data_type, length: Some((length, pads)), .. } => {
            let word = match (data_type, pads) {
                (DataType::String, true) => "CHAR",
                (DataType::String, false) => "VARCHAR",
                (_, true) => "BINARY",
                (_, false) => "VARBINARY",
            };
            sized(word, *length as usize)
        }
        ExpressionKind::Interval { from, .. } => Some(match from {
            IntervalUnit::Year | IntervalUnit::Quarter | IntervalUnit::Month => "INTERVAL MONTH".to_owned(),
            _ => "INTERVAL SECOND(3)".to_owned(),
        }),
        _ => None,
    }
}

/// The rows of a query that reads no table, as far as they can be told from its form: `VALUES`, columns selected from it,
/// and unions of those.
pub(super) fn constant_rows(query: &Query) -> Option<Vec<Vec<&Expression>>> {
    let is_plain = query.with.is_empty() && query.order_by.is_empty() && query.limit.is_none() && query.offset.is_none();
    if is_plain { rows_of(&query.body) } else { None }
}

fn rows_of(body: &QueryBody) -> Option<Vec<Vec<&Expression>>> {
    match body {
        QueryBody::Values { rows, .. } => Some(rows.iter().map(|row| row.iter().collect()).collect()),
        QueryBody::Query(query) => constant_rows(query),
        QueryBody::Set { operator: crate::ast::SetOperator::Union, left, right, .. } => {
            let mut rows = rows_of(left)?;
            rows.extend(rows_of(right)?);
            Some(rows)
        }
        QueryBody::Set { .. } => None,
        QueryBody::Select(select) => selected_rows(select),
    }
}

/// Columns that are selected from constant rows by their names.
fn selected_rows(select: &Select) -> Option<Vec<Vec<&Expression>>> {
    let has_more = select.selection.is_some()
        || select.group_by.is_some()
        || select.having.is_some()
        || select.qualify.is_some()
        || !select.windows.is_empty();
    let [TableReference { kind: TableReferenceKind::Derived { query, .. }, alias, .. }] = select.from.as_slice() else { return None };
    if has_more {
        return None;
    }
    let rows = constant_rows(query)?;
    let width = rows.first()?.len();
    let given = alias.as_ref().map(|alias| alias.columns.as_slice()).unwrap_or_default();
    let mut columns = Vec::new();
    for item in &select.items {
        match item {
            SelectItem::Wildcard { qualifier: None, .. } => columns.extend(0..width),
            SelectItem::Expression { expression: Expression { kind: ExpressionKind::Name(name), .. }, .. } => {
                let name = name.parts.last()?;
                columns.push(given.iter().position(|column| column.value == name.value)?);
            }
            _ => return None,
        }
    }
    rows.into_iter().map(|row| columns.iter().map(|at| row.get(*at).copied()).collect()).collect()
}
