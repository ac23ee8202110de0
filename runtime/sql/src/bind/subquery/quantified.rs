//! `x < SOME (query)` and `x >= ALL (query)`: a comparison with the greatest or the least of the query's values, with regard
//! to whether there is any, and to NULLs among them.

use super::{
    super::{
        Binder,
        expression::{Env, sign},
        literal, not_yet,
    },
    Attached,
    value::aggregates_of,
};
use crate::{
    ast::{BinaryOperator, Expression, Query, Span},
    error::SqlError,
};
use millrace_functions::{Expr, Typed};
use millrace_model::DataType;

impl Binder<'_> {
    /// `value operator SOME (query)`, with `ALL`: not one of them compares otherwise.
    pub(in super::super) fn quantified(
        &mut self,
        value: &Expression,
        (operator, all): (BinaryOperator, bool),
        query: &Query,
        span: Span,
        env: &mut Env<'_>,
    ) -> Result<Expr, SqlError> {
        use BinaryOperator::{Greater, GreaterOrEqual, Less, LessOrEqual};
        let compared = match (operator, all) {
            (Less, false) | (GreaterOrEqual, true) => Less,
            (LessOrEqual, false) | (Greater, true) => LessOrEqual,
            (Greater, false) | (LessOrEqual, true) => Greater,
            (GreaterOrEqual, false) | (Less, true) => GreaterOrEqual,
            _ => {
                let error =
                    self.error("sql.unsupported", "`= ALL` and `<> SOME` compare with all values, which would all have to be kept", span);
                return Err(error.with_hint("compare with MIN and MAX of the query"));
            }
        };
        let furthest = if matches!(compared, Less | LessOrEqual) { "MAX" } else { "MIN" };
        let value = self.expression(value, env)?;
        let some = self.compared_with_some(value, (compared, furthest), query, span)?;
        if all { self.call("NOT", vec![some], span) } else { Ok(some) }
    }

    fn compared_with_some(
        &mut self,
        value: Expr,
        (operator, furthest): (BinaryOperator, &str),
        query: &Query,
        span: Span,
    ) -> Result<Expr, SqlError> {
        let attaching = self.attaching.take();
        let node = self.query(&aggregates_of(query, &[furthest, "COUNT(*)", "COUNT"], span));
        self.attaching = attaching;
        let node = node?;
        let typed = node.columns.iter().map(|c| Typed::new(c.typed.data_type.clone(), true)).collect::<Vec<_>>();
        let Some(attaching) = self.attaching.as_mut() else {
            return Err(self.placed(not_yet("a comparison with SOME or ALL of a query in this place", span)));
        };
        let first = attaching.push(Attached { node, condition: None });
        let [furthest, rows, values] = [0, 1, 2].map(|i| Expr::column(first + i, typed[i].clone()));
        let is_true = self.call(sign(operator), vec![value, furthest], span)?;
        // Nothing is known of an aggregate before its first row.
        let rows = self.coalesce(vec![rows, literal::bigint(0)], span)?;
        let is_empty = self.call("=", vec![rows.clone(), literal::bigint(0)], span)?;
        let has_null = self.call(">", vec![rows, values], span)?;
        let certain = self.call("IS TRUE", vec![is_true.clone()], span)?;
        let unknown = literal::constant(arrow_array::new_null_array(&DataType::Boolean.to_arrow(), 1), DataType::Boolean, true);
        let results = vec![literal::boolean(false), literal::boolean(true), unknown, is_true];
        self.case_of(vec![is_empty, certain, has_null], results, true, span)
    }
}
