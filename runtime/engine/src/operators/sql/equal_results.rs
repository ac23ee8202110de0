//! Whether results of groups have changed: what has not is not sent again.

use crate::error::OperatorError;
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType,
    cast::AsArray,
    types::{Float32Type, Float64Type},
};
use arrow_schema::DataType;

/// Per position, whether all columns are equal: NULL equals NULL, floats compare as in Java (NaN equals nothing, −0 equals
/// 0), so that the same repeated results leave as in Flink.
pub(super) fn equal_results(before: &[ArrayRef], after: &[ArrayRef], count: usize) -> Result<Vec<bool>, OperatorError> {
    let mut equal = vec![true; count];
    for (before, after) in before.iter().zip(after) {
        match before.data_type() {
            DataType::Float32 => narrow(&mut equal, |i| equal_floats::<Float32Type>(before, after, i)),
            DataType::Float64 => narrow(&mut equal, |i| equal_floats::<Float64Type>(before, after, i)),
            // Maps have no order of their own and nothing compares them as columns.
            nested if nested.is_nested() => narrow(&mut equal, |i| before.slice(i, 1).to_data() == after.slice(i, 1).to_data()),
            _ => {
                let same = arrow_ord::cmp::not_distinct(before, after)?;
                narrow(&mut equal, |i| same.value(i));
            }
        }
    }
    Ok(equal)
}

fn narrow(equal: &mut [bool], same: impl Fn(usize) -> bool) {
    equal.iter_mut().enumerate().for_each(|(i, equal)| *equal = *equal && same(i));
}

fn equal_floats<T: ArrowPrimitiveType>(before: &ArrayRef, after: &ArrayRef, i: usize) -> bool {
    match (before.is_null(i), after.is_null(i)) {
        (false, false) => before.as_primitive::<T>().value(i) == after.as_primitive::<T>().value(i),
        (before, after) => before == after,
    }
}
