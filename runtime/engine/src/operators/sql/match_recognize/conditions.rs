//! Conditions of variables over a batch of rows: those that look at the row alone are one bit per row, found for the whole
//! batch at once; the others are asked for many partial matches together.
//!
//! Flink evaluates a condition only where the pattern needs it. What fails on a batch is therefore asked again, row by row
//! and only where it is needed.

use super::{
    events::{Events, Place},
    over_match::{Instance, OverMatch},
    partial::{Conditions, Partial},
};
use crate::error::OperatorError;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, cast::AsArray};
use arrow_buffer::BooleanBuffer;
use millrace_functions::{EvaluationContext, Expr, expression::evaluate};
use millrace_sql::plan::MatchVariable;

/// The condition of a variable.
enum Condition {
    /// None: every row meets it.
    Always,
    /// Over the columns of the batch.
    OfRow(Expr),
    /// Over the path too; the number among those that are asked for together, unless it is quick to ask.
    OfPath(Box<OverMatch>, Option<usize>),
}

/// The conditions of all variables.
pub(super) struct ConditionSet {
    conditions: Vec<Condition>,
    /// Per variable its bits for the rows of the batch; `None` if they are asked for row by row.
    bits: Vec<Option<BooleanBuffer>>,
    /// What was answered for the partial matches of a round.
    answers: Vec<Answer>,
    asked: Vec<Asked>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Unknown,
    Yes,
    No,
}

struct Asked {
    instances: Vec<Instance>,
    /// Where each answer goes.
    slots: Vec<usize>,
}

/// A batch of rows, and where its first row is held.
pub(super) struct Looking<'b> {
    pub rows: &'b RecordBatch,
    pub chunk: u32,
    pub context: &'b EvaluationContext,
}

impl ConditionSet {
    pub(super) fn new(
        variables: &[MatchVariable],
        used: &impl Fn(usize) -> usize,
        held: &impl Fn(usize) -> usize,
    ) -> Result<Self, OperatorError> {
        let mut made = Self { conditions: Vec::new(), bits: Vec::new(), answers: Vec::new(), asked: Vec::new() };
        for (variable, what) in variables.iter().enumerate() {
            made.conditions.push(match &what.condition {
                None => Condition::Always,
                Some(condition) if condition.is_of_current_row() => {
                    let columns = condition.clone().map_columns(used);
                    let column = |operand: usize| match columns.operands.get(operand) {
                        Some(millrace_sql::plan::MatchOperand::Current(column)) => *column,
                        _ => 0,
                    };
                    Condition::OfRow(columns.expr.clone().map_columns(&column))
                }
                Some(condition) => {
                    let over = OverMatch::new(condition, Some(variable as u16), used, held)?;
                    let number = (!over.is_quick()).then_some(made.asked.len());
                    if number.is_some() {
                        made.asked.push(Asked { instances: Vec::new(), slots: Vec::new() });
                    }
                    Condition::OfPath(Box::new(over), number)
                }
            });
        }
        Ok(made)
    }

    /// Whether conditions are to be asked for together.
    pub(super) fn asks_together(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Begins with the rows of a batch.
    pub(super) fn look(&mut self, looking: &Looking<'_>) -> Result<(), OperatorError> {
        self.bits.clear();
        let rows = looking.rows.num_rows();
        for condition in &self.conditions {
            self.bits.push(match condition {
                Condition::Always => Some(BooleanBuffer::new_set(rows)),
                Condition::OfPath(..) => None,
                Condition::OfRow(expr) => match evaluate(expr, looking.rows, looking.context) {
                    Ok(value) => Some(truth(&value.to_array(rows)?)),
                    Err(_) => None,
                },
            });
        }
        Ok(())
    }

    /// Rows that any of these variables may take.
    pub(super) fn possible(&self, variables: &[u16]) -> Option<BooleanBuffer> {
        let mut possible: Option<BooleanBuffer> = None;
        for &variable in variables {
            let bits = self.bits[usize::from(variable)].as_ref()?;
            possible = Some(match possible {
                None => bits.clone(),
                Some(others) => &others | bits,
            });
        }
        possible
    }

    /// Forgets what was asked for.
    pub(super) fn begin_round(&mut self) {
        self.answers.clear();
    }

    /// Asks for the conditions that may be needed when `partial` meets a row; answers come by [`Self::answer`]. Partial
    /// matches of a partition are asked for one after the other; the number of the first is answered by `asked_so_far`.
    pub(super) fn ask(&mut self, partial: &Partial, variables: &[u16], place: Place, row: u32, time_ms: i64) {
        let base = self.answers.len();
        self.answers.resize(base + self.asked.len(), Answer::Unknown);
        for variable in variables {
            if let Condition::OfPath(_, Some(number)) = &self.conditions[usize::from(*variable)] {
                let asked = &mut self.asked[*number];
                asked.instances.push(Instance { node: partial.node, current: Some((place, row)), time_ms });
                asked.slots.push(base + number);
            }
        }
    }

    /// How many partial matches have been asked for in this round.
    pub(super) fn asked_so_far(&self) -> usize {
        self.answers.len() / self.asked.len().max(1)
    }

    /// Finds the answers to all that was asked.
    pub(super) fn answer(&mut self, looking: &Looking<'_>, events: &Events) -> Result<(), OperatorError> {
        for condition in &mut self.conditions {
            let Condition::OfPath(over, Some(number)) = condition else { continue };
            let asked = &mut self.asked[*number];
            if !asked.instances.is_empty()
                && let Ok(found) = over.evaluate(&asked.instances, looking.rows, events, looking.context)
            {
                let found = truth(&found);
                for (position, &slot) in asked.slots.iter().enumerate() {
                    self.answers[slot] = if found.value(position) { Answer::Yes } else { Answer::No };
                }
            }
            asked.instances.clear();
            asked.slots.clear();
        }
        Ok(())
    }

    /// The conditions as one row of one partition sees them; `first` is the number of its first partial match.
    pub(super) fn for_row<'c>(&'c mut self, looking: &'c Looking<'c>, row: u32, time_ms: i64, first: usize) -> RowConditions<'c> {
        RowConditions { set: self, looking, row, time_ms, first }
    }
}

/// Where a condition is TRUE.
fn truth(values: &ArrayRef) -> BooleanBuffer {
    match values.as_boolean_opt() {
        Some(values) => true_bits(values),
        // A condition without a type is NULL.
        None => BooleanBuffer::new_unset(values.len()),
    }
}

fn true_bits(values: &BooleanArray) -> BooleanBuffer {
    match values.nulls() {
        Some(nulls) => values.values() & nulls.inner(),
        None => values.values().clone(),
    }
}

pub(super) struct RowConditions<'c> {
    set: &'c mut ConditionSet,
    looking: &'c Looking<'c>,
    row: u32,
    time_ms: i64,
    first: usize,
}

impl Conditions for RowConditions<'_> {
    fn is_met(&mut self, events: &Events, partial: usize, node: u32, variable: u16) -> Result<bool, OperatorError> {
        if let Some(bits) = &self.set.bits[usize::from(variable)] {
            return Ok(bits.value(self.row as usize));
        }
        let Looking { rows, chunk, context } = self.looking;
        let together = self.set.asked.len();
        match &mut self.set.conditions[usize::from(variable)] {
            Condition::Always => Ok(true),
            Condition::OfRow(expr) => {
                let row = rows.slice(self.row as usize, 1);
                let value = evaluate(expr, &row, context).map_err(super::super::evaluation_failed)?;
                Ok(truth(&value.to_array(1)?).value(0))
            }
            Condition::OfPath(over, number) => {
                let slot = number.map(|number| (self.first + partial) * together + number);
                match slot.and_then(|slot| self.set.answers.get(slot)) {
                    Some(Answer::Yes) => return Ok(true),
                    Some(Answer::No) => return Ok(false),
                    Some(Answer::Unknown) | None => {}
                }
                let instance = Instance { node, current: Some(((*chunk, self.row), self.row)), time_ms: self.time_ms };
                let found = match over.is_true(&instance, rows, events) {
                    Some(found) => found,
                    None => truth(&over.evaluate(&[instance], rows, events, context)?).value(0),
                };
                if let Some(answer) = slot.and_then(|slot| self.set.answers.get_mut(slot)) {
                    *answer = if found { Answer::Yes } else { Answer::No };
                }
                Ok(found)
            }
        }
    }
}
