//! Filter and projection in one step.
//!
//! Only what the projection reads is filtered: columns, and of a ROW column of which only fields are read these fields
//! alone. Rows keep their change kinds and origin.

use super::{evaluation_failed, rows_of};
use crate::error::OperatorError;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt8Array, cast::AsArray};
use arrow_schema::SchemaRef;
use arrow_select::filter::{FilterBuilder, FilterPredicate, prep_null_mask_filter};
use millrace_functions::{
    Columnar, EvaluationContext, Expr,
    expression::evaluate,
    meter::{self, Together},
};
use millrace_model::Batch;

/// A compiled filter and projection.
pub(crate) struct Calc {
    predicate: Option<Expr>,
    /// What the projection reads of the input: columns and fields of columns.
    inputs: Vec<Expr>,
    /// Over these.
    projection: Vec<Expr>,
    output: SchemaRef,
}

/// A column, or a field of one, by position and names.
type Path = (usize, Vec<String>);

fn path(expr: &Expr) -> Option<Path> {
    match expr {
        Expr::Column { index, .. } => Some((*index, Vec::new())),
        Expr::Call { function, arguments, .. } if function.name() == "FIELD" => {
            let [row, name] = arguments.as_slice() else { return None };
            let (index, mut names) = path(row)?;
            names.push(name.symbol()?.to_owned());
            Some((index, names))
        }
        _ => None,
    }
}

/// Puts a column in the place of each path in `expr`, and what is to stand there behind `inputs`.
fn replace_paths(expr: &mut Expr, paths: &mut Vec<Path>, inputs: &mut Vec<Expr>) {
    let Some(found) = path(expr) else {
        expr.children_mut().into_iter().for_each(|child| replace_paths(child, paths, inputs));
        return;
    };
    let place = paths.iter().position(|path| *path == found).unwrap_or(paths.len());
    let column = Expr::column(place, expr.typed());
    let input = std::mem::replace(expr, column);
    if place == paths.len() {
        paths.push(found);
        inputs.push(input);
    }
}

impl Calc {
    pub(crate) fn new(predicate: Option<Expr>, projection: &[Expr], output: SchemaRef) -> Self {
        let (mut paths, mut inputs, mut projection) = (Vec::new(), Vec::new(), projection.to_vec());
        projection.iter_mut().for_each(|expr| replace_paths(expr, &mut paths, &mut inputs));
        Self { predicate, inputs, projection, output }
    }

    pub(crate) fn apply(&self, batch: Batch, context: &EvaluationContext) -> Result<Option<Batch>, OperatorError> {
        // All columns of the result are there at one time.
        let _together = Together::new();
        let Batch { rows, kinds, origin } = batch;
        let (columns, kinds, count) = match self.chosen(&rows, context)? {
            Chosen::All => (self.inputs(&rows, context)?, kinds, rows.num_rows()),
            Chosen::None => return Ok(None),
            Chosen::Some(filter) => {
                let columns = self.inputs(&rows, context)?;
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
        let _together = Together::new();
        let columns = self.inputs(rows, context)?;
        let (columns, beside) = match self.chosen(rows, context)? {
            Chosen::All => (columns, beside),
            Chosen::None => (columns.iter().map(|c| c.slice(0, 0)).collect(), beside.slice(0, 0)),
            Chosen::Some(filter) => (columns.iter().map(|c| filter.filter(c)).collect::<Result<Vec<_>, _>>()?, filter.filter(&beside)?),
        };
        let (rows, _) = self.project(&columns, None, beside.len(), context)?;
        Ok((rows, beside))
    }

    /// What the projection reads, before any row is left out.
    fn inputs(&self, rows: &RecordBatch, context: &EvaluationContext) -> Result<Vec<ArrayRef>, OperatorError> {
        self.inputs.iter().map(|input| column(input, rows, context)).collect()
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
            output.push(column(expr, &input, context)?);
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

/// The values of an expression as a column.
fn column(expr: &Expr, rows: &RecordBatch, context: &EvaluationContext) -> Result<ArrayRef, OperatorError> {
    let value = evaluate(expr, rows, context).map_err(evaluation_failed)?;
    meter::spread(&value, rows.num_rows()).map_err(evaluation_failed)?;
    Ok(value.to_array(rows.num_rows())?)
}

enum Chosen {
    All,
    None,
    Some(FilterPredicate),
}
