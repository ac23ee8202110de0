//! Rows that are written out, compared: `(a, b) = (c, d)` is `a = c AND b = d`, with NULL where that is NULL.
//!
//! Rows that are values, such as a column of ROW, are compared as they are.

use super::{Binder, literal};
use crate::{ast::Span, error::SqlError};
use millrace_functions::{Expr, coercion::decimal};
use millrace_model::DataType;

impl Binder<'_> {
    /// What the equality of two written rows of as many fields says; `None` of other values.
    pub(super) fn row_equality(&mut self, arguments: &[Expr], span: Span) -> Option<Result<Expr, SqlError>> {
        let [left, right] = arguments else { return None };
        if !is_written(left) || !is_written(right) {
            return None;
        }
        Some(self.equal_fields(left, right, span))
    }

    fn equal_fields(&mut self, left: &Expr, right: &Expr, span: Span) -> Result<Expr, SqlError> {
        let (left, right) = (self.fields_of(left, span)?, self.fields_of(right, span)?);
        let mut parts = Vec::with_capacity(left.len());
        for (left, right) in left.into_iter().zip(right) {
            match self.call("=", vec![left, right], span)? {
                Expr::And(inner) => parts.extend(inner),
                part => parts.push(part),
            }
        }
        Ok(match parts.pop() {
            None => literal::boolean(true),
            Some(only) if parts.is_empty() => only,
            Some(last) => Expr::And(parts.into_iter().chain([last]).collect()),
        })
    }

    fn fields_of(&mut self, row: &Expr, span: Span) -> Result<Vec<Expr>, SqlError> {
        if let Expr::Call { arguments, .. } = row {
            return Ok(arguments.clone());
        }
        let DataType::Row(fields) = row.typed().data_type else { return Ok(Vec::new()) };
        fields.iter().map(|field| self.call("FIELD", vec![row.clone(), literal::symbol(&field.name)], span)).collect()
    }

    /// `value IN (…)` as equalities, where one of all values would say something else: of written rows, and of decimals that no
    /// one type holds with all of their digits. `None` otherwise.
    pub(super) fn in_equalities(&mut self, value: &Expr, list: &[Expr], span: Span) -> Option<Result<Expr, SqlError>> {
        let of_rows = is_written(value) && list.iter().all(is_written);
        if !of_rows && !loses_digits(value, list) {
            return None;
        }
        Some(self.equal_to_any(value, list, span))
    }

    fn equal_to_any(&mut self, value: &Expr, list: &[Expr], span: Span) -> Result<Expr, SqlError> {
        let mut found = Vec::with_capacity(list.len());
        for item in list {
            found.push(self.call("=", vec![value.clone(), item.clone()], span)?);
        }
        Ok(match found.pop() {
            None => literal::boolean(false),
            Some(only) if found.is_empty() => only,
            Some(last) => Expr::Or(found.into_iter().chain([last]).collect()),
        })
    }
}

/// Whether it is a row whose fields are written out, perhaps as fields of other types.
fn is_written(expr: &Expr) -> bool {
    match expr {
        Expr::Call { function, .. } => function.name() == "ROW",
        Expr::Cast { value, is_try: false, typed, .. } => matches!(typed.data_type, DataType::Row(_)) && is_written(value),
        Expr::Literal { typed, .. } => matches!(typed.data_type, DataType::Row(_)) && !typed.nullable,
        _ => false,
    }
}

fn loses_digits(value: &Expr, list: &[Expr]) -> bool {
    let mut common = None;
    for expr in std::iter::once(value).chain(list) {
        let Some(next) = decimal::of_exact(&expr.typed().data_type) else { return false };
        match common {
            Some(before) if !decimal::unites_all(before, next) => return true,
            Some(before) => common = Some(decimal::union(before, next)),
            None => common = Some(next),
        }
    }
    false
}
