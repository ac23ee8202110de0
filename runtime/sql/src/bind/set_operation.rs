//! Set operations, as Flink rewrites them: `INTERSECT` and `EXCEPT` are semi and anti joins over all columns with one row of
//! each kind, their `ALL` forms count the rows of each kind on both sides and repeat one as often as is left.

use super::{Binder, all_columns, calc, literal};
use crate::{
    ast::{SetOperator, Span},
    error::SqlError,
    plan::{AggregateCall, Correlation, JoinKind, NodeKind, PlanColumn, PlanNode, joined},
};
use millrace_functions::{Expr, Typed, coercion, expression, registry::Function, table::replicate::ReplicateRows};
use millrace_model::DataType;
use std::sync::Arc;

impl Binder<'_> {
    /// `left UNION | INTERSECT | EXCEPT [ALL] right`.
    pub(super) fn set_operation(
        &mut self,
        operator: SetOperator,
        all: bool,
        (left, right): (PlanNode, PlanNode),
        span: Span,
    ) -> Result<PlanNode, SqlError> {
        let columns = self.set_columns(operator, &left, &right, span)?;
        let sides = [left, right].map(|side| self.with_types(side, &columns));
        match (operator, all) {
            (SetOperator::Union, _) => {
                let union = union_of(sides, columns);
                if all { Ok(union) } else { Ok(self.distinct(union, None, span)) }
            }
            (SetOperator::Intersect, false) => self.distinct_by_join(JoinKind::Semi, sides, span),
            (SetOperator::Except, false) => self.distinct_by_join(JoinKind::Anti, sides, span),
            (SetOperator::Intersect | SetOperator::Except, true) => self.counted(operator, sides, columns, span),
        }
    }

    /// The columns of the result: names of the left side, types in which both sides meet.
    fn set_columns(&self, operator: SetOperator, left: &PlanNode, right: &PlanNode, span: Span) -> Result<Vec<PlanColumn>, SqlError> {
        let name = match operator {
            SetOperator::Union => "UNION",
            SetOperator::Intersect => "INTERSECT",
            SetOperator::Except => "EXCEPT",
        };
        if left.columns.len() != right.columns.len() {
            let message = format!("the queries of {name} have {} and {} columns", left.columns.len(), right.columns.len());
            return Err(self.error("sql.column_count", message, span));
        }
        let mut columns = Vec::with_capacity(left.columns.len());
        for (index, (l, r)) in left.columns.iter().zip(&right.columns).enumerate() {
            let Some(data_type) = coercion::common_type(&l.typed.data_type, &r.typed.data_type) else {
                let message = format!(
                    "column {} of {name} is `{}` {} on the left and `{}` {} on the right",
                    index + 1,
                    l.name,
                    l.typed.data_type,
                    r.name,
                    r.typed.data_type
                );
                return Err(self.error("sql.type_mismatch", message, span).with_hint("cast one of them"));
            };
            let mut column = PlanColumn::new(&l.name, Typed::new(data_type, l.typed.nullable || r.typed.nullable));
            column.time = l.time.filter(|_| l.time == r.time);
            column.lineage = l.lineage.union(&r.lineage).cloned().collect();
            columns.push(column);
        }
        Ok(columns)
    }

    fn distinct_by_join(&mut self, kind: JoinKind, [left, right]: [PlanNode; 2], span: Span) -> Result<PlanNode, SqlError> {
        let width = left.columns.len();
        let mut equal = Vec::with_capacity(width);
        for (index, (l, r)) in left.columns.iter().zip(&right.columns).enumerate() {
            let pair = vec![Expr::column(index, l.typed.clone()), Expr::column(width + index, r.typed.clone())];
            equal.push(self.call("IS NOT DISTINCT FROM", pair, span)?);
        }
        let node = joined(left, right, kind, Some(Expr::And(equal)), [self.settings.state_ttl_ms; 2]);
        Ok(self.distinct(node, None, span))
    }

    /// Rows of each kind are counted, then one of them is repeated: the smaller count of both sides, or what is left of the
    /// left one.
    fn counted(&mut self, operator: SetOperator, sides: [PlanNode; 2], columns: Vec<PlanColumn>, span: Span) -> Result<PlanNode, SqlError> {
        let width = columns.len();
        let marks: [Vec<Expr>; 2] = match operator {
            SetOperator::Intersect => [vec![literal::bigint(1), null_bigint()], vec![null_bigint(), literal::bigint(1)]],
            _ => [vec![literal::bigint(1)], vec![literal::bigint(-1)]],
        };
        let function = if operator == SetOperator::Intersect { "COUNT" } else { "SUM" };
        let mut marked_columns: Vec<PlanColumn> = columns.iter().map(|c| PlanColumn { time: None, window: None, ..c.clone() }).collect();
        let mark_columns =
            marks[0].iter().enumerate().map(|(i, _)| PlanColumn::new(format!("$mark{i}"), Typed::new(DataType::BigInt, true)));
        marked_columns.extend(mark_columns);
        let mark = |(side, marks): (PlanNode, Vec<Expr>)| {
            let projection = all_columns(&side).into_iter().chain(marks).collect();
            calc(side, None, projection, marked_columns.clone())
        };
        let count = marks[0].len();
        let [left, right] = sides;
        let [left_marks, right_marks] = marks;
        let union = union_of([mark((left, left_marks)), mark((right, right_marks))], marked_columns.clone());
        let mut calls = Vec::with_capacity(count);
        let mut grouped: Vec<PlanColumn> = marked_columns.iter().take(width).cloned().collect();
        for place in 0..count {
            let call = self.mark_call(function, width + place, &marked_columns, span)?;
            grouped.push(PlanColumn::new(format!("$count{place}"), call.result.clone()));
            calls.push(call);
        }
        let (state_ttl_ms, mini_batch) = (self.settings.state_ttl_ms, self.settings.mini_batch());
        let kind = NodeKind::GroupAggregate {
            input: Box::new(union),
            keys: (0..width).collect(),
            calls,
            state_ttl_ms,
            mini_batch,
            span: Some(self.placed_span(span)),
        };
        let node = PlanNode { kind, columns: grouped };
        let counts: Vec<Expr> = (0..count).map(|i| Expr::column(width + i, node.columns[width + i].typed.clone())).collect();
        let mut has_rows = Vec::with_capacity(count);
        for count in &counts {
            has_rows.push(self.call(">", vec![count.clone(), literal::bigint(0)], span)?);
        }
        let times = match counts.as_slice() {
            [left, right] => {
                let more = self.call(">", vec![left.clone(), right.clone()], span)?;
                self.case_of(vec![more], vec![right.clone(), left.clone()], true, span)?
            }
            _ => counts.first().cloned().unwrap_or_else(null_bigint),
        };
        let mut projection: Vec<Expr> = all_columns(&node).into_iter().take(width).collect();
        let mut kept: Vec<PlanColumn> = node.columns.iter().take(width).cloned().collect();
        kept.push(PlanColumn::new("$times", times.typed()));
        projection.push(times.clone());
        let node = calc(node, Some(Expr::And(has_rows)), projection, kept.clone());
        let arguments = vec![Expr::column(width, times.typed())];
        let function = Correlation::Function { function: Arc::new(ReplicateRows), arguments };
        let node = PlanNode { kind: NodeKind::Correlate { input: Box::new(node), function, is_left: false }, columns: kept };
        let projection: Vec<Expr> = all_columns(&node).into_iter().take(width).collect();
        let columns = node.columns.iter().take(width).cloned().collect();
        Ok(calc(node, None, projection, columns))
    }

    fn mark_call(&self, name: &str, column: usize, columns: &[PlanColumn], span: Span) -> Result<AggregateCall, SqlError> {
        let Some(Function::Aggregate(function)) = self.names.functions.get(name) else {
            return Err(self.error("sql.internal", format!("there is no `{name}`"), span));
        };
        let argument = [Expr::column(column, columns[column].typed.clone())];
        let types = [columns[column].typed.clone()];
        let resolution = function
            .resolve(&expression::arguments(&argument, &types))
            .map_err(|e| self.error("sql.internal", format!("`{name}`: {e}"), span))?;
        Ok(AggregateCall {
            function: function.clone(),
            arguments: vec![column],
            argument_types: resolution.arguments,
            distinct: false,
            filter: None,
            result: resolution.result,
        })
    }
}

fn null_bigint() -> Expr {
    let value = arrow_array::new_null_array(&DataType::BigInt.to_arrow(), 1);
    literal::constant(value, DataType::BigInt, true)
}

/// All rows of both sides, whose columns have these types already.
fn union_of(sides: [PlanNode; 2], columns: Vec<PlanColumn>) -> PlanNode {
    let mut inputs = Vec::new();
    for side in sides {
        match side.kind {
            NodeKind::Union { inputs: inner } => inputs.extend(inner),
            _ => inputs.push(side),
        }
    }
    PlanNode { kind: NodeKind::Union { inputs }, columns }
}
