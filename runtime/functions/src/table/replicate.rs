//! A row as often as a number says: what `INTERSECT ALL` and `EXCEPT ALL` are made of.

use super::{TableFunction, TableRows};
use crate::{Argument, Columnar, EvaluationContext, EvaluationError, ResolveError};
use arrow_array::{Array, cast::AsArray, types::Int64Type};
use millrace_model::{DataType, Schema};

/// Repeats each row as often as its one argument, a BIGINT, says; it has no columns of its own. No name leads to it.
#[derive(Debug, Clone, Copy)]
pub struct ReplicateRows;

impl TableFunction for ReplicateRows {
    fn name(&self) -> &str {
        "$REPLICATE_ROWS"
    }

    fn resolve(&self, _arguments: &[Argument<'_>]) -> Result<(Vec<DataType>, Schema), ResolveError> {
        Ok((vec![DataType::BigInt], Schema::default()))
    }

    fn evaluate(&self, arguments: &[Columnar], rows: usize, _context: &EvaluationContext) -> Result<TableRows, EvaluationError> {
        let [times] = arguments else { return Err(EvaluationError("rows are repeated by one number".to_owned())) };
        let times = times.clone().to_array(rows)?;
        let Some(times) = times.as_primitive_opt::<Int64Type>() else {
            return Err(EvaluationError(format!("rows are repeated by a BIGINT, found {}", times.data_type())));
        };
        let mut input_rows = Vec::with_capacity(rows);
        for row in (0..rows).filter(|&row| times.is_valid(row)) {
            let times = usize::try_from(times.value(row)).unwrap_or_default();
            input_rows.extend(std::iter::repeat_n(row as u32, times));
        }
        Ok(TableRows { input_rows, columns: Vec::new() })
    }
}
