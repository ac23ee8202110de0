//! Table functions: several rows for one.

pub mod replicate;

use crate::{Argument, Columnar, EvaluationContext, EvaluationError, ResolveError};
use arrow_array::ArrayRef;
use millrace_model::{DataType, Schema};

/// A function that answers rows.
pub trait TableFunction: Send + Sync + std::fmt::Debug {
    /// Its name.
    fn name(&self) -> &str;

    /// Argument types to cast to, and the columns of the answer.
    ///
    /// # Errors
    /// Arguments that it does not take.
    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<(Vec<DataType>, Schema), ResolveError>;

    /// Itself, when it cannot be called as it is: whoever runs the query opens it for each of its calls and subtasks.
    fn needs_opening(&self) -> Option<&dyn std::any::Any> {
        None
    }

    /// Calls it for `rows` rows.
    ///
    /// # Errors
    /// Data on which it fails.
    fn evaluate(&self, arguments: &[Columnar], rows: usize, context: &EvaluationContext) -> Result<TableRows, EvaluationError>;
}

/// What a table function answered for a batch.
#[derive(Debug, Clone)]
pub struct TableRows {
    /// For each answered row the input row that it belongs to, ascending.
    pub input_rows: Vec<u32>,
    /// Columns of the answer, each as long as `input_rows`.
    pub columns: Vec<ArrayRef>,
}
