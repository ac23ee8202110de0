//! Values as JSON texts.

use super::Update;
use crate::{Columnar, EvaluationContext, EvaluationError, FunctionRegistry, Typed, scalar};
use arrow_array::{ArrayRef, cast::AsArray};
use millrace_model::DataType;

/// Turns a column of values into a column of JSON texts, by the scalar function `JSON_STRING`.
pub(super) struct JsonText {
    from: DataType,
}

impl JsonText {
    /// For values of this type.
    pub(super) fn new(from: &DataType) -> Self {
        Self { from: from.clone() }
    }

    /// The texts of an argument; `is_json` says that it holds such already.
    pub(super) fn column(&self, update: &Update<'_>, index: usize, is_json: bool) -> Result<ArrayRef, EvaluationError> {
        let column = super::column::argument(update, index, &self.from.to_arrow())?;
        if is_json {
            return match column.as_string_opt::<i32>() {
                Some(_) => Ok(column.clone()),
                None => Err(EvaluationError(format!("FORMAT JSON needs a string, not {}", self.from))),
            };
        }
        let registry = FunctionRegistry::builtin();
        let function = registry.scalar("JSON_STRING").ok_or_else(|| EvaluationError("JSON_STRING is missing".to_owned()))?;
        let rows = update.groups.len();
        let call = scalar::Call {
            arguments: &[Columnar::Array(column.clone())],
            rows,
            result: &Typed::nullable(DataType::String),
            context: &EvaluationContext::default(),
        };
        let texts = function.evaluate(&call)?.to_array(rows)?;
        match texts.as_string_opt::<i32>() {
            Some(_) => Ok(texts),
            None => Err(EvaluationError(format!("JSON_STRING gave {}", texts.data_type()))),
        }
    }
}
