//! `GREATEST` and `LEAST`: NULL when any argument is.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    coercion::merged_type,
    scalar::{Builtin, Call, signature::refused},
};
use arrow_array::{Array, ArrayRef, BooleanArray, make_array};
use arrow_buffer::NullBuffer;
use arrow_ord::cmp;
use arrow_select::zip::zip;
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "GREATEST",
        resolve: |arguments| resolve("GREATEST", arguments),
        evaluate: |call| choose(call, |candidate, best| Ok(cmp::gt(candidate, best)?)),
        deterministic: true,
    },
    Builtin {
        name: "LEAST",
        resolve: |arguments| resolve("LEAST", arguments),
        evaluate: |call| choose(call, |candidate, best| Ok(cmp::lt(candidate, best)?)),
        deterministic: true,
    },
];

fn resolve(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let refuse = || refused(name, arguments, "values that can be ordered");
    let mut types = arguments.iter().map(|a| &a.typed.data_type);
    let first = types.next().ok_or_else(refuse)?.clone();
    let common = types.try_fold(first, |common, next| merged_type(&common, next)).ok_or_else(refuse)?;
    let is_ordered = !matches!(
        common,
        DataType::Array(_) | DataType::Map(..) | DataType::Multiset(_) | DataType::Row(_) | DataType::Null | DataType::Bytes
    );
    if !is_ordered {
        return Err(refuse());
    }
    let nullable = arguments.iter().any(|a| a.typed.nullable || a.typed.data_type == DataType::Null);
    Ok(Resolution { arguments: vec![common.clone(); arguments.len()], result: Typed::new(common, nullable) })
}

/// Floating-point numbers are in the order of Java's `compare`: NaN is the greatest.
fn choose(
    call: &Call<'_>,
    is_better: impl Fn(&ArrayRef, &ArrayRef) -> Result<BooleanArray, EvaluationError>,
) -> Result<Columnar, EvaluationError> {
    let are_scalars = call.arguments.iter().all(|a| a.as_scalar().is_some());
    let rows = if are_scalars { 1 } else { call.rows };
    let mut arrays = call.arguments.iter().map(|a| a.to_array(rows));
    let mut best = arrays.next().ok_or_else(|| EvaluationError("a value is missing".to_owned()))??;
    let mut nulls = best.logical_nulls();
    for candidate in arrays {
        let candidate = candidate?;
        best = zip(&is_better(&candidate, &best)?, &candidate, &best)?;
        nulls = NullBuffer::union(nulls.as_ref(), candidate.logical_nulls().as_ref());
    }
    let best = make_array(best.to_data().into_builder().nulls(nulls).build().map_err(EvaluationError::from)?);
    Ok(if are_scalars { Columnar::Scalar(best) } else { Columnar::Array(best) })
}
