//! Joins rows to what UNNEST or a table function makes of them.
//!
//! Invariant: rows leave in batches of at most [`ROWS_AT_ONCE_MAX`], however many are made of one.

use super::{ROWS_AT_ONCE_MAX, evaluation_failed};
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

/// Takes the batches that leave a step.
pub(crate) type Behind<'a> = dyn FnMut(Batch) -> Result<(), OperatorError> + 'a;

impl Correlate {
    pub(crate) fn new(function: Correlation, is_left: bool, output: SchemaRef) -> Self {
        Self { function, is_left, output }
    }

    pub(crate) fn apply(&mut self, batch: &Batch, context: &EvaluationContext, behind: &mut Behind<'_>) -> Result<(), OperatorError> {
        let count = batch.num_rows();
        match &self.function {
            Correlation::Unnest { collection, with_ordinality, flatten } => {
                let is_multiset = matches!(collection.typed().data_type, millrace_model::DataType::Multiset(_));
                let collection = evaluate(collection, &batch.rows, context).map_err(evaluation_failed)?;
                let unnest = Unnest::of(&collection, is_multiset, *flatten)?;
                let mut made = Made { with_ordinality: *with_ordinality, ..Made::default() };
                for row in 0..count {
                    let mut ordinal = 0;
                    for position in unnest.elements_of(row) {
                        for _ in 0..unnest.times(position) {
                            if made.input_rows.len() >= ROWS_AT_ONCE_MAX {
                                self.emit(batch, made.take(), |positions| unnest.columns(positions), behind)?;
                            }
                            ordinal += 1;
                            made.push(row, Some(position), Some(ordinal));
                        }
                    }
                    if self.is_left && ordinal == 0 {
                        if made.input_rows.len() >= ROWS_AT_ONCE_MAX {
                            self.emit(batch, made.take(), |positions| unnest.columns(positions), behind)?;
                        }
                        made.push(row, None, None);
                    }
                }
                self.emit(batch, made, |positions| unnest.columns(positions), behind)
            }
            Correlation::Function { function, arguments } => {
                let arguments = arguments.iter().map(|a| evaluate(a, &batch.rows, context)).collect::<Result<Vec<Columnar>, _>>();
                let answer = function.evaluate(&arguments.map_err(evaluation_failed)?, count, context).map_err(evaluation_failed)?;
                let columns = |positions: &UInt32Array| {
                    answer.columns.iter().map(|column| Ok(take(column, positions, None)?)).collect::<Result<Vec<_>, OperatorError>>()
                };
                let (mut made, mut next) = (Made::default(), 0);
                for row in 0..count {
                    let before = next;
                    while answer.input_rows.get(next).is_some_and(|&of| of as usize == row) {
                        if made.input_rows.len() >= ROWS_AT_ONCE_MAX {
                            self.emit(batch, made.take(), columns, behind)?;
                        }
                        made.push(row, Some(next), None);
                        next += 1;
                    }
                    if self.is_left && next == before {
                        made.push(row, None, None);
                    }
                }
                self.emit(batch, made, columns, behind)
            }
        }
    }

    fn emit(
        &self,
        batch: &Batch,
        made: Made,
        columns: impl Fn(&UInt32Array) -> Result<Vec<ArrayRef>, OperatorError>,
        behind: &mut Behind<'_>,
    ) -> Result<(), OperatorError> {
        if made.input_rows.is_empty() {
            return Ok(());
        }
        let count = made.input_rows.len();
        let taken = batch.take(&UInt32Array::from(made.input_rows))?;
        let mut all = taken.rows.columns().to_vec();
        all.extend(columns(&UInt32Array::from(made.positions))?);
        if made.with_ordinality {
            all.push(Arc::new(Int32Array::from(made.ordinals)));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let rows = RecordBatch::try_new_with_options(self.output.clone(), all, &options)?;
        behind(Batch { rows, ..taken })
    }
}

/// Rows that are being made: for each the input row and what stands beside it; nothing for a row without answers.
#[derive(Default)]
struct Made {
    with_ordinality: bool,
    input_rows: Vec<u32>,
    positions: Vec<Option<u32>>,
    ordinals: Vec<Option<i32>>,
}

impl Made {
    fn push(&mut self, row: usize, position: Option<usize>, ordinal: Option<i32>) {
        self.input_rows.push(row as u32);
        self.positions.push(position.map(|p| p as u32));
        if self.with_ordinality {
            self.ordinals.push(ordinal);
        }
    }

    /// Those made so far; the next ones follow.
    fn take(&mut self) -> Self {
        std::mem::replace(self, Self { with_ordinality: self.with_ordinality, ..Self::default() })
    }
}

/// The elements of a column of collections.
struct Unnest<'a> {
    collection: &'a Columnar,
    offsets: Vec<usize>,
    elements: Vec<ArrayRef>,
    /// Of a multiset: how often each element is in it.
    counts: Option<arrow_array::PrimitiveArray<Int32Type>>,
    flatten: bool,
}

impl<'a> Unnest<'a> {
    fn of(collection: &'a Columnar, is_multiset: bool, flatten: bool) -> Result<Self, OperatorError> {
        let array = collection.inner();
        let (offsets, mut elements): (Vec<usize>, Vec<ArrayRef>) = match array.data_type() {
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                (list.value_offsets().iter().map(|&o| o as usize).collect(), vec![list.values().clone()])
            }
            DataType::Map(..) => {
                let map = array.as_map();
                (map.value_offsets().iter().map(|&o| o as usize).collect(), map.entries().columns().to_vec())
            }
            other => return Err(OperatorError::Internal(format!("UNNEST of {other}"))),
        };
        let counts = if is_multiset { elements.pop().map(|c| c.as_primitive::<Int32Type>().clone()) } else { None };
        Ok(Self { collection, offsets, elements, counts, flatten })
    }

    /// Positions of the elements of a row.
    fn elements_of(&self, row: usize) -> std::ops::Range<usize> {
        let row = self.collection.index(row);
        if self.collection.inner().is_null(row) { 0..0 } else { self.offsets[row]..self.offsets[row + 1] }
    }

    /// An element of a multiset comes as often as it is in it.
    fn times(&self, position: usize) -> i32 {
        self.counts.as_ref().map_or(1, |c| c.value(position).max(0))
    }

    fn columns(&self, positions: &UInt32Array) -> Result<Vec<ArrayRef>, OperatorError> {
        let mut columns = Vec::new();
        for element in &self.elements {
            match (self.flatten, element.as_struct_opt()) {
                // A NULL element has NULL fields.
                (true, Some(fields)) => {
                    let valid = |p: u32| fields.is_valid(p as usize).then_some(p);
                    let valid: UInt32Array = positions.iter().map(|p| p.and_then(valid)).collect();
                    for field in fields.columns() {
                        columns.push(take(field, &valid, None)?);
                    }
                }
                _ => columns.push(take(element, positions, None)?),
            }
        }
        Ok(columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{
        StringArray,
        builder::{ListBuilder, StringBuilder},
    };
    use arrow_schema::{Field, Schema};
    use millrace_functions::{Expr, Typed};
    use millrace_model::data_type::Element;

    /// Sizes of the batches and the last element that come of lists of so many elements.
    fn made(lists: &[usize], is_left: bool) -> (Vec<usize>, Option<String>) {
        let mut builder = ListBuilder::new(StringBuilder::new());
        for &length in lists {
            (0..length).for_each(|i| builder.values().append_value(i.to_string()));
            builder.append(true);
        }
        let lists: ArrayRef = Arc::new(builder.finish());
        let rows = RecordBatch::try_from_iter([("l", lists)]).unwrap();
        let element = Box::new(Element { data_type: millrace_model::DataType::String, nullable: true });
        let collection = Expr::column(0, Typed::nullable(millrace_model::DataType::Array(element)));
        let function = Correlation::Unnest { collection, with_ordinality: true, flatten: false };
        let fields: Vec<Field> = rows
            .schema()
            .fields()
            .iter()
            .map(|f| f.as_ref().clone())
            .chain([Field::new("e", DataType::Utf8, true), Field::new("o", DataType::Int32, true)])
            .collect();
        let mut correlate = Correlate::new(function, is_left, Arc::new(Schema::new(fields)));
        let (mut sizes, mut last) = (Vec::new(), None);
        let mut behind = |batch: Batch| {
            sizes.push(batch.num_rows());
            let texts: &StringArray = batch.rows.column(1).as_string();
            let end = texts.len() - 1;
            last = texts.is_valid(end).then(|| texts.value(end).to_owned());
            Ok(())
        };
        correlate.apply(&Batch::inserts(rows), &EvaluationContext::default(), &mut behind).unwrap();
        (sizes, last)
    }

    #[test]
    fn rows_leave_a_few_thousand_at_a_time() {
        let max = ROWS_AT_ONCE_MAX;
        assert_eq!(made(&[2, 0, 3], false), (vec![5], Some("2".into())));
        assert_eq!(made(&[2, 0], true), (vec![3], None));
        assert_eq!(made(&[max], false), (vec![max], Some((max - 1).to_string())));
        assert_eq!(made(&[3 * max + 1, 4], true), (vec![max, max, max, 5], Some("3".into())));
        assert_eq!(made(&[0, 0], false), (vec![], None));
    }
}
