//! Look-up joins: rows ask a dimension table for the rows of their key as they are now.
//!
//! Invariant: a batch asks once, for each of its distinct keys; a key with a NULL asks for nothing. Rows leave in the order
//! in which they came, each as the change that it is.

use super::{calc::Calc, evaluation_failed, rows_of};
use crate::{
    dimension::{JobDimensions, Matches},
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext},
};
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array, cast::AsArray};
use arrow_row::{RowConverter, SortField};
use arrow_schema::SchemaRef;
use arrow_select::take::take;
use async_trait::async_trait;
use hashbrown::HashMap;
use millrace_functions::{EvaluationContext, Expr, expression::evaluate};
use millrace_model::{Batch, Schema};
use millrace_sql::plan::LookupJoin as Plan;
use std::sync::Arc;

pub(crate) struct LookupJoin {
    dimensions: Arc<JobDimensions>,
    table: String,
    /// Columns of the dimension table that are read.
    physical: Vec<usize>,
    /// Which of the dimension table's columns the keys are.
    key_columns: Vec<usize>,
    keys: Vec<Expr>,
    converter: RowConverter,
    /// Filter and projection over the dimension table's rows.
    calc: Calc,
    condition: Option<Expr>,
    is_left: bool,
    output: SchemaRef,
    evaluation: EvaluationContext,
}

/// The keys of a batch.
struct Asked {
    /// Each key once.
    distinct: RecordBatch,
    /// Per row which of them it has; `None` with a NULL in it.
    of_row: Vec<Option<u32>>,
}

/// Pairs of rows; `None` stands for NULLs.
#[derive(Default)]
struct Pairs {
    left: Vec<u32>,
    right: Vec<Option<u32>>,
}

impl LookupJoin {
    pub(crate) fn new(plan: &Plan, zone: chrono_tz::Tz, output: SchemaRef, context: &OperatorContext) -> Result<Self, OperatorError> {
        let dimensions = context.dimensions.clone();
        let shape = dimensions.shapes().find(|s| s.name == plan.table);
        let lost = |what: &str| OperatorError::Internal(format!("dimension table `{}` has lost {what}", plan.table));
        let schema: Schema = shape.ok_or_else(|| lost("itself"))?.schema;
        let physical = plan.physical.iter().map(|c| schema.index_of(&c.name).ok_or_else(|| lost("a column")));
        let physical = physical.collect::<Result<Vec<_>, _>>()?;
        let key_columns = plan.keys.iter().map(|k| physical.get(k.column).copied().ok_or_else(|| lost("a key")));
        let key_columns = key_columns.collect::<Result<Vec<_>, _>>()?;
        let keys: Vec<Expr> = plan.keys.iter().map(|k| k.value.clone()).collect();
        let fields = keys.iter().map(|k| SortField::new(k.typed().data_type.to_arrow())).collect();
        let left = plan.input.columns.len();
        let made = Arc::new(output.project(&(left..output.fields().len()).collect::<Vec<_>>())?);
        Ok(Self {
            dimensions: dimensions.clone(),
            table: plan.table.clone(),
            physical,
            key_columns,
            keys,
            converter: RowConverter::new(fields)?,
            calc: Calc::new(plan.predicate.clone(), &plan.projection, made),
            condition: plan.condition.clone(),
            is_left: plan.is_left,
            output,
            evaluation: EvaluationContext { zone, ..EvaluationContext::default() },
        })
    }

    fn asked(&self, rows: &RecordBatch) -> Result<Asked, OperatorError> {
        let count = rows.num_rows();
        let value = |key: &Expr| -> Result<ArrayRef, OperatorError> {
            Ok(evaluate(key, rows, &self.evaluation).map_err(evaluation_failed)?.to_array(count)?)
        };
        let columns = self.keys.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        let bytes = self.converter.convert_columns(&columns)?;
        let mut known: HashMap<arrow_row::Row<'_>, u32> = HashMap::new();
        let (mut first, mut of_row) = (Vec::new(), Vec::with_capacity(count));
        for row in 0..count {
            if columns.iter().any(|c| c.is_null(row)) {
                of_row.push(None);
                continue;
            }
            let next = first.len() as u32;
            let number = *known.entry(bytes.row(row)).or_insert(next);
            if number == next {
                first.push(row as u32);
            }
            of_row.push(Some(number));
        }
        let first = UInt32Array::from(first);
        let distinct = columns.iter().map(|c| take(c, &first, None)).collect::<Result<Vec<_>, _>>()?;
        Ok(Asked { distinct: rows_of(&distinct, first.len())?, of_row })
    }

    /// What the rows of the dimension table become, with the key that each was found by.
    fn made(&self, found: &Matches) -> Result<(RecordBatch, Vec<u32>), OperatorError> {
        let numbers: ArrayRef = Arc::new(UInt32Array::from(found.keys.clone()));
        let rows = found.rows.project(&self.physical)?;
        let (rows, numbers) = self.calc.apply_with(&rows, numbers, &self.evaluation)?;
        Ok((rows, numbers.as_primitive::<arrow_array::types::UInt32Type>().values().to_vec()))
    }

    fn joined(&self, batch: &Batch, right: &RecordBatch, pairs: &Pairs) -> Result<Batch, OperatorError> {
        let taken = batch.take(&UInt32Array::from(pairs.left.clone()))?;
        let places = UInt32Array::from(pairs.right.clone());
        let mut columns = taken.rows.columns().to_vec();
        for column in right.columns() {
            columns.push(take(column, &places, None)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(pairs.left.len()));
        let rows = RecordBatch::try_new_with_options(self.output.clone(), columns, &options)?;
        Ok(Batch { rows, ..taken })
    }

    /// The pairs that meet the condition.
    fn matching(&self, batch: &Batch, right: &RecordBatch, pairs: Pairs) -> Result<Pairs, OperatorError> {
        let Some(condition) = &self.condition else { return Ok(pairs) };
        if pairs.left.is_empty() {
            return Ok(pairs);
        }
        let candidates = self.joined(batch, right, &pairs)?;
        let truth = evaluate(condition, &candidates.rows, &self.evaluation).map_err(evaluation_failed)?.to_array(pairs.left.len())?;
        let truth: &BooleanArray = truth.as_boolean();
        let mut kept = Pairs::default();
        for (row, (&left, &right)) in pairs.left.iter().zip(&pairs.right).enumerate() {
            if truth.is_valid(row) && truth.value(row) {
                kept.left.push(left);
                kept.right.push(right);
            }
        }
        Ok(kept)
    }
}

/// Every row with every row that was found by its key.
fn pairs(of_row: &[Option<u32>], found_by: &[u32]) -> Pairs {
    let keys = found_by.last().map_or(0, |&last| last as usize + 1);
    let mut starts = vec![0u32; keys + 1];
    for &key in found_by {
        starts.iter_mut().skip(key as usize + 1).take(1).for_each(|count| *count += 1);
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    let mut pairs = Pairs::default();
    for (row, key) in (0u32..).zip(of_row) {
        let Some(key) = key.map(|k| k as usize) else { continue };
        let (Some(&from), Some(&to)) = (starts.get(key), starts.get(key + 1)) else { continue };
        pairs.left.extend(std::iter::repeat_n(row, (to - from) as usize));
        pairs.right.extend((from..to).map(Some));
    }
    pairs
}

/// Rows that are in no pair are put between, with NULLs.
fn with_lonely_rows(pairs: &Pairs, count: usize) -> Pairs {
    let mut all = Pairs { left: Vec::with_capacity(pairs.left.len()), right: Vec::with_capacity(pairs.left.len()) };
    let mut paired = pairs.left.iter().zip(&pairs.right).peekable();
    for row in 0..count as u32 {
        let before = all.left.len();
        while let Some((left, right)) = paired.next_if(|(left, _)| **left == row) {
            all.left.push(*left);
            all.right.push(*right);
        }
        if all.left.len() == before {
            all.left.push(row);
            all.right.push(None);
        }
    }
    all
}

#[async_trait]
impl Operator for LookupJoin {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.evaluation.now_ms = now_ms;
        let asked = self.asked(&batch.rows)?;
        let found = self.dimensions.matches(&self.table, &self.key_columns, asked.distinct).await;
        let found = found.map_err(OperatorError::Dimension)?;
        let (right, found_by) = self.made(&found)?;
        let pairs = self.matching(&batch, &right, pairs(&asked.of_row, &found_by))?;
        let pairs = if self.is_left { with_lonely_rows(&pairs, batch.num_rows()) } else { pairs };
        out.emit(self.joined(&batch, &right, &pairs)?);
        Ok(())
    }

    async fn on_watermark(&mut self, watermark_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        self.evaluation.watermark_ms = Some(watermark_ms);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_paired_in_their_order() {
        let found = pairs(&[Some(1), None, Some(0), Some(2), Some(1)], &[1, 1, 2]);
        assert_eq!((&found.left[..], &found.right[..]), (&[0, 0, 3, 4, 4][..], &[Some(0), Some(1), Some(2), Some(0), Some(1)][..]));
        let all = with_lonely_rows(&found, 5);
        assert_eq!(all.left, [0, 0, 1, 2, 3, 4, 4]);
        assert_eq!(all.right, [Some(0), Some(1), None, None, Some(2), Some(0), Some(1)]);
        let none = pairs(&[Some(0), None], &[]);
        assert_eq!((none.left.len(), with_lonely_rows(&none, 2).right), (0, vec![None, None]));
    }
}
