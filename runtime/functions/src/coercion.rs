//! Which types meet in which: Flink's implicit conversions.

use millrace_model::DataType;

/// The type in which values of both types meet (`CASE`, `UNION`, `IN`, comparisons), as Calcite's
/// `leastRestrictive` with Flink's type system; `None` when there is none.
pub fn common_type(left: &DataType, right: &DataType) -> Option<DataType> {
    (left == right).then(|| left.clone())
}

/// Whether a value of type `from` may be used where `to` is expected without a written cast.
pub fn is_implicit(from: &DataType, to: &DataType) -> bool {
    from == to || matches!(from, DataType::Null)
}
