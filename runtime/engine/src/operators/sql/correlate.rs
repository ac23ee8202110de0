//! Joins rows to what UNNEST or a table function makes of them.

use super::evaluation_failed;
use crate::error::OperatorError;
use arrow_array::{Array, ArrayRef, Int32Array, RecordBatch, RecordBatchOptions, UInt32Array, cast::AsArray, types::Int32Type};
use arrow_schema::{DataType, SchemaRef};
use arrow_select::take::take;
use millrace_functions::{Columnar, EvaluationContext, expression::evaluate};
use millrace_model::Batch;
use millrace_sql::plan::Correlation;
use std::sync::Arc;

pub(crate) struct Correlate {
    function: Correlation,
    is_left: bool,
    output: SchemaRef,
}

/// Made rows: for each the input row, and the columns beside it. A NULL position stands for a row without answers.
struct Made {
    input_rows: Vec<u32>,
    columns: Vec<ArrayRef>,
}

impl Correlate {
    pub(crate) fn new(function: Correlation, is_left: bool, output: SchemaRef) -> Self {
        Self { function, is_left, output }
    }

    pub(crate) fn apply(&mut self, batch: Batch, context: &EvaluationContext) -> Result<Batch, OperatorError> {
        let count = batch.num_rows();
        let made = match &self.function {
            Correlation::Unnest { collection, with_ordinality, flatten } => {
                let collection_type = collection.typed().data_type;
                let collection = evaluate(collection, &batch.rows, context).map_err(evaluation_failed)?.to_array(count)?;
                {
                    let is_multiset = matches!(collection_type, millrace_model::DataType::Multiset(_));
                    unnest(&collection, is_multiset, *with_ordinality, *flatten)?
                }
            }
            Correlation::Function { function, arguments } => {
                let arguments = arguments.iter().map(|a| evaluate(a, &batch.rows, context)).collect::<Result<Vec<Columnar>, _>>();
                let answer = function.evaluate(&arguments.map_err(evaluation_failed)?, count, context).map_err(evaluation_failed)?;
                Made { input_rows: answer.input_rows, columns: answer.columns }
            }
        };
        let (input_rows, columns) = if self.is_left { with_lonely_rows(made, count)? } else { (made.input_rows, made.columns) };
        let taken = batch.take(&UInt32Array::from(input_rows))?;
        let rows = taken.num_rows();
        let mut all = taken.rows.columns().to_vec();
        all.extend(columns);
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let rows = RecordBatch::try_new_with_options(self.output.clone(), all, &options)?;
        Ok(Batch { rows, ..taken })
    }
}

/// Rows without answers are kept with NULLs, in the order of the input.
fn with_lonely_rows(made: Made, count: usize) -> Result<(Vec<u32>, Vec<ArrayRef>), OperatorError> {
    let mut positions: Vec<Option<u32>> = Vec::with_capacity(made.input_rows.len());
    let mut input_rows = Vec::with_capacity(made.input_rows.len());
    let mut next = 0;
    for row in 0..count as u32 {
        let before = next;
        while made.input_rows.get(next) == Some(&row) {
            positions.push(Some(next as u32));
            input_rows.push(row);
            next += 1;
        }
        if next == before {
            positions.push(None);
            input_rows.push(row);
        }
    }
    let positions = UInt32Array::from(positions);
    let columns = made.columns.iter().map(|c| take(c, &positions, None)).collect::<Result<Vec<_>, _>>()?;
    Ok((input_rows, columns))
}

fn unnest(collection: &ArrayRef, is_multiset: bool, with_ordinality: bool, flatten: bool) -> Result<Made, OperatorError> {
    let (offsets, elements): (Vec<usize>, Vec<ArrayRef>) = match collection.data_type() {
        DataType::List(_) => {
            let list = collection.as_list::<i32>();
            (list.value_offsets().iter().map(|&o| o as usize).collect(), vec![list.values().clone()])
        }
        DataType::Map(..) => {
            let map = collection.as_map();
            (map.value_offsets().iter().map(|&o| o as usize).collect(), map.entries().columns().to_vec())
        }
        other => return Err(OperatorError::Internal(format!("UNNEST of {other}"))),
    };
    let mut elements = elements;
    let counts = if is_multiset { elements.pop().map(|c| c.as_primitive::<Int32Type>().clone()) } else { None };
    let (mut input_rows, mut positions, mut ordinals) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..collection.len() {
        if collection.is_null(row) {
            continue;
        }
        let mut ordinal = 0;
        for position in offsets[row]..offsets[row + 1] {
            // An element of a multiset comes as often as it is in it.
            let times = counts.as_ref().map_or(1, |c| c.value(position).max(0));
            for _ in 0..times {
                ordinal += 1;
                input_rows.push(row as u32);
                positions.push(position as u32);
                ordinals.push(ordinal);
            }
        }
    }
    let positions = UInt32Array::from(positions);
    let mut columns = Vec::new();
    for element in &elements {
        let element = take(element, &positions, None)?;
        match (flatten, element.as_struct_opt()) {
            // A NULL element has NULL fields.
            (true, Some(fields)) => {
                for field in fields.columns() {
                    let valid: Vec<Option<u32>> = (0..fields.len()).map(|i| fields.is_valid(i).then_some(i as u32)).collect();
                    columns.push(take(field, &UInt32Array::from(valid), None)?);
                }
            }
            _ => columns.push(element),
        }
    }
    if with_ordinality {
        columns.push(Arc::new(Int32Array::from(ordinals)));
    }
    Ok(Made { input_rows, columns })
}
