//! Filter and projection in one step.
//!
//! Only the columns that the projection reads are filtered; rows keep their change kinds and origin.

use super::{evaluation_failed, rows_of};
use crate::error::OperatorError;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt8Array, cast::AsArray};
use arrow_schema::SchemaRef;
use arrow_select::filter::{FilterBuilder, FilterPredicate, prep_null_mask_filter};
use millrace_functions::{Columnar, EvaluationContext, Expr, expression::evaluate};
use millrace_model::Batch;
use std::collections::BTreeSet;

/// A compiled filter and projection.
pub(crate) struct Calc {
    predicate: Option<Expr>,
    /// Input columns that the projection reads.
    used: Vec<usize>,
    /// Over the used columns.
    projection: Vec<Expr>,
    output: SchemaRef,
}

impl Calc {
    pub(crate) fn new(predicate: Option<Expr>, projection: &[Expr], output: SchemaRef) -> Self {
        let mut used = BTreeSet::new();
        projection.iter().for_each(|e| e.columns(&mut used));
        let used: Vec<usize> = used.into_iter().collect();
        let place = |index: usize| used.binary_search(&index).unwrap_or_default();
        let projection = projection.iter().map(|e| e.clone().map_columns(&place)).collect();
        Self { predicate, used, projection, output }
    }

    pub(crate) fn apply(&self, batch: Batch, context: &EvaluationContext) -> Result<Option<Batch>, OperatorError> {
        let Batch { rows, kinds, origin } = batch;
        let columns: Vec<ArrayRef> = self.used.iter().map(|&i| rows.column(i).clone()).collect();
        let (columns, kinds, count) = match self.chosen(&rows, context)? {
            Chosen::All => (columns, kinds, rows.num_rows()),
            Chosen::None => return Ok(None),
            Chosen::Some(filter) => {
                let columns = columns.iter().map(|c| filter.filter(c)).collect::<Result<Vec<_>, _>>()?;
                let kinds = kinds.map(|k| filter.filter(&k)).transpose()?;
                (columns, kinds.map(|k| k.as_primitive().clone()), filter.count())
            }
        };
        self.project(&columns, kinds, count, context).map(|(rows, kinds)| Some(Batch { rows, kinds, origin }))
    }

    /// As [`Self::apply`], for rows with a column `beside` them that is filtered too.
    pub(crate) fn apply_with(
        &self,
        rows: &RecordBatch,
        beside: ArrayRef,
        context: &EvaluationContext,
    ) -> Result<(RecordBatch, ArrayRef), OperatorError> {
        let columns: Vec<ArrayRef> = self.used.iter().map(|&i| rows.column(i).clone()).collect();
        let (columns, beside) = match self.chosen(rows, context)? {
            Chosen::All => (columns, beside),
            Chosen::None => (columns.iter().map(|c| c.slice(0, 0)).collect(), beside.slice(0, 0)),
            Chosen::Some(filter) => (columns.iter().map(|c| filter.filter(c)).collect::<Result<Vec<_>, _>>()?, filter.filter(&beside)?),
        };
        let (rows, _) = self.project(&columns, None, beside.len(), context)?;
        Ok((rows, beside))
    }

    fn project(
        &self,
        columns: &[ArrayRef],
        kinds: Option<UInt8Array>,
        count: usize,
        context: &EvaluationContext,
    ) -> Result<(RecordBatch, Option<UInt8Array>), OperatorError> {
        let input = rows_of(columns, count)?;
        let mut output = Vec::with_capacity(self.projection.len());
        for expr in &self.projection {
            let value = evaluate(expr, &input, context).map_err(evaluation_failed)?;
            output.push(value.to_array(count)?);
        }
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(count));
        Ok((RecordBatch::try_new_with_options(self.output.clone(), output, &options)?, kinds))
    }

    fn chosen(&self, rows: &RecordBatch, context: &EvaluationContext) -> Result<Chosen, OperatorError> {
        let Some(predicate) = &self.predicate else {
            return Ok(Chosen::All);
        };
        let value = evaluate(predicate, rows, context).map_err(evaluation_failed)?;
        let truth = match &value {
            Columnar::Scalar(one) => {
                let one = one.as_boolean();
                return Ok(if one.is_valid(0) && one.value(0) { Chosen::All } else { Chosen::None });
            }
            Columnar::Array(array) => array.as_boolean(),
        };
        let prepared: BooleanArray = if truth.null_count() > 0 { prep_null_mask_filter(truth) } else { truth.clone() };
        Ok(match prepared.true_count() {
            0 => Chosen::None,
            n if n == rows.num_rows() => Chosen::All,
            _ => Chosen::Some(FilterBuilder::new(&prepared).optimize().build()),
        })
    }
}

enum Chosen {
    All,
    None,
    Some(FilterPredicate),
}
