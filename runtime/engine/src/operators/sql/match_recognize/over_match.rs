//! Expressions over the rows of matches, evaluated for many matches at once: each operand becomes a column with one value
//! per match.

use super::{
    super::{evaluation_failed, rows_of},
    events::{Events, NONE, Place},
    quick::Quick,
};
use crate::error::OperatorError;
use arrow_array::{ArrayRef, RecordBatch, TimestampMillisecondArray, UInt32Array};
use arrow_select::take::take;
use millrace_functions::{
    EvaluationContext, Expr,
    aggregate::{Accumulator, Update},
    expression::evaluate,
};
use millrace_sql::plan::{AggregateCall, MatchExpr, MatchOperand, MatchRows};
use std::{collections::BTreeSet, sync::Arc};

/// Rows of matches that are handed to aggregates at once.
const AGGREGATED_ROWS_MAX: usize = 8_192;

/// A match, or a partial one and the row that is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instance {
    /// The end of its path.
    pub node: u32,
    /// The row that is looked at, behind the path: where it is held, and its number among the rows of the batch.
    pub current: Option<(Place, u32)>,
    pub time_ms: i64,
}

/// An expression that is ready to be evaluated.
pub(super) struct OverMatch {
    expr: Expr,
    operands: Vec<Operand>,
    /// The variable whose condition it is.
    own: Option<u16>,
    /// The same as a comparison of single values, if it is one.
    quick: Option<Quick>,
}

enum Operand {
    Current(usize),
    Row {
        rows: MatchRows,
        from_end: bool,
        offset: u32,
        column: usize,
    },
    Aggregate(Box<Aggregate>),
    /// Whether it is an instant with a zone.
    Time(bool),
}

struct Aggregate {
    rows: MatchRows,
    /// Held columns that the arguments read.
    columns: Vec<usize>,
    /// Over those columns.
    arguments: Vec<Expr>,
    accumulator: Box<dyn Accumulator>,
}

impl OverMatch {
    /// `used` are positions of input columns among the columns of a batch, `held` among those that events hold.
    pub(super) fn new(
        expr: &MatchExpr,
        own: Option<u16>,
        used: &impl Fn(usize) -> usize,
        held: &impl Fn(usize) -> usize,
    ) -> Result<Self, OperatorError> {
        let mut operands = Vec::with_capacity(expr.operands.len());
        for (index, operand) in expr.operands.iter().enumerate() {
            operands.push(match operand {
                MatchOperand::Current(column) => Operand::Current(used(*column)),
                MatchOperand::Row { rows, from_end, offset, column } => {
                    Operand::Row { rows: *rows, from_end: *from_end, offset: *offset, column: held(*column) }
                }
                MatchOperand::Aggregate { rows, arguments, call } => {
                    Operand::Aggregate(Box::new(Aggregate::new(*rows, arguments, call, held)?))
                }
                MatchOperand::Time => Operand::Time(is_instant(&expr.expr, index)),
            });
        }
        let is_plain = operands.iter().all(|operand| matches!(operand, Operand::Current(_) | Operand::Row { .. }));
        let quick = if is_plain { Quick::new(&expr.expr) } else { None };
        Ok(Self { expr: expr.expr.clone(), operands, own, quick })
    }

    /// Whether [`Self::is_true`] mostly answers.
    pub(super) fn is_quick(&self) -> bool {
        self.quick.is_some()
    }

    /// Whether the condition is TRUE for an instance, if that can be told without the expression.
    pub(super) fn is_true(&self, instance: &Instance, rows: &RecordBatch, events: &Events) -> Option<bool> {
        let quick = self.quick.as_ref()?;
        let operand = |index: usize| match self.operands.get(index) {
            Some(Operand::Current(column)) => instance.current.map(|(_, row)| (rows.column(*column), row as usize)),
            Some(Operand::Row { rows, from_end, offset, column }) => {
                events.cell(*column, row_at(instance, self.own, *rows, *from_end, *offset, events)?)
            }
            _ => None,
        };
        quick.truth(&operand).ok().map(|truth| truth == Some(true))
    }

    /// One value per instance; `rows` is the batch that current rows are counted in.
    pub(super) fn evaluate(
        &mut self,
        instances: &[Instance],
        rows: &RecordBatch,
        events: &Events,
        context: &EvaluationContext,
    ) -> Result<ArrayRef, OperatorError> {
        let mut columns = Vec::with_capacity(self.operands.len());
        for operand in &mut self.operands {
            columns.push(match operand {
                Operand::Current(column) => {
                    let numbers = instances.iter().map(|i| i.current.map(|(_, row)| row));
                    take(rows.column(*column), &numbers.collect::<UInt32Array>(), None)?
                }
                Operand::Row { rows, from_end, offset, column } => {
                    let (rows, from_end, offset, own) = (*rows, *from_end, *offset, self.own);
                    let places: Vec<Option<Place>> = instances.iter().map(|i| row_at(i, own, rows, from_end, offset, events)).collect();
                    events.gather_some(*column, places.len(), places.iter().copied())?
                }
                Operand::Aggregate(aggregate) => aggregate.evaluate(instances, self.own, events, context)?,
                Operand::Time(is_instant) => {
                    let times = TimestampMillisecondArray::from_iter_values(instances.iter().map(|i| i.time_ms));
                    if *is_instant { Arc::new(times.with_timezone("UTC")) as ArrayRef } else { Arc::new(times) }
                }
            });
        }
        let operands = rows_of(&columns, instances.len())?;
        let value = evaluate(&self.expr, &operands, context).map_err(evaluation_failed)?;
        Ok(value.to_array(instances.len())?)
    }
}

/// Whether the column `index` of `expr` is a TIMESTAMP_LTZ.
fn is_instant(expr: &Expr, index: usize) -> bool {
    match expr {
        Expr::Column { index: found, typed } => *found == index && matches!(typed.data_type, millrace_model::DataType::TimestampLtz { .. }),
        _ => expr.children().into_iter().any(|child| is_instant(child, index)),
    }
}

/// Whether the current row counts as the last of `rows`.
fn includes_current(instance: &Instance, own: Option<u16>, rows: MatchRows) -> Option<Place> {
    let is_own = match rows {
        MatchRows::All => true,
        MatchRows::Variable(variable) => own.is_some_and(|own| usize::from(own) == variable),
    };
    instance.current.filter(|_| is_own).map(|(place, _)| place)
}

/// The end of these rows on the path, and their number.
fn path_of(instance: &Instance, rows: MatchRows, events: &Events) -> (u32, u32) {
    if instance.node == NONE {
        return (NONE, 0);
    }
    match rows {
        MatchRows::All => (instance.node, events.node(instance.node).length),
        MatchRows::Variable(variable) => {
            let last = events.last_of(instance.node, variable as u16);
            (last, if last == NONE { 0 } else { events.node(last).of_variable })
        }
    }
}

fn row_at(instance: &Instance, own: Option<u16>, rows: MatchRows, from_end: bool, offset: u32, events: &Events) -> Option<Place> {
    let current = includes_current(instance, own, rows);
    let (last, count) = path_of(instance, rows, events);
    let total = count + u32::from(current.is_some());
    let position = if from_end { total.checked_sub(1)?.checked_sub(offset)? } else { offset };
    if position >= total {
        return None;
    }
    if position == count {
        return current;
    }
    let event = match (position, rows) {
        (0, MatchRows::Variable(_)) => events.node(last).first,
        (0, MatchRows::All) => events.first_event(last),
        _ => events.node(events.step_back(last, count - 1 - position)).event,
    };
    Some(events.event(event).place)
}

impl Aggregate {
    fn new(rows: MatchRows, arguments: &[Expr], call: &AggregateCall, held: &impl Fn(usize) -> usize) -> Result<Self, OperatorError> {
        let mut read = BTreeSet::new();
        arguments.iter().for_each(|a| a.columns(&mut read));
        let read: Vec<usize> = read.into_iter().collect();
        let place = |column: usize| read.binary_search(&column).unwrap_or_default();
        let arguments = arguments.iter().map(|a| a.clone().map_columns(&place)).collect();
        let accumulator = call.function.accumulator(&call.argument_types, &call.result.data_type, false);
        let accumulator = accumulator.map_err(|e| OperatorError::Evaluation(e.to_string()))?;
        Ok(Self { rows, columns: read.into_iter().map(held).collect(), arguments, accumulator })
    }

    fn evaluate(
        &mut self,
        instances: &[Instance],
        own: Option<u16>,
        events: &Events,
        context: &EvaluationContext,
    ) -> Result<ArrayRef, OperatorError> {
        self.accumulator.resize(instances.len());
        let (mut places, mut groups): (Vec<Place>, Vec<u32>) = (Vec::new(), Vec::new());
        for (group, instance) in instances.iter().enumerate() {
            let (mut node, count) = path_of(instance, self.rows, events);
            let from = places.len();
            for _ in 0..count {
                places.push(events.event(events.node(node).event).place);
                node = events.node(node).previous;
            }
            places[from..].reverse();
            places.extend(includes_current(instance, own, self.rows));
            groups.resize(places.len(), group as u32);
            if places.len() >= AGGREGATED_ROWS_MAX {
                self.update(&places, &groups, events, context)?;
                places.clear();
                groups.clear();
            }
        }
        self.update(&places, &groups, events, context)?;
        let all: Vec<u32> = (0..instances.len() as u32).collect();
        let values = self.accumulator.values(&all).map_err(evaluation_failed)?;
        all.iter().for_each(|&group| self.accumulator.clear(group));
        Ok(values)
    }

    fn update(&mut self, places: &[Place], groups: &[u32], events: &Events, context: &EvaluationContext) -> Result<(), OperatorError> {
        if places.is_empty() {
            return Ok(());
        }
        let columns = self.columns.iter().map(|&c| events.gather(c, places)).collect::<Result<Vec<_>, _>>()?;
        let rows = rows_of(&columns, places.len())?;
        let mut arguments = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            arguments.push(evaluate(argument, &rows, context).map_err(evaluation_failed)?.to_array(places.len())?);
        }
        self.accumulator.update(&Update { groups, retract: None, arguments: &arguments }).map_err(evaluation_failed)
    }
}
