//! `APPROX_COUNT_DISTINCT`, which Flink has for bounded queries only.

use super::{Accumulator, AggregateFunction};
use crate::{Argument, Resolution, ResolveError};
use millrace_model::DataType;

/// `APPROX_COUNT_DISTINCT`
#[derive(Debug)]
pub(super) struct ApproximateCountDistinct;

fn unsupported() -> ResolveError {
    ResolveError("APPROX_COUNT_DISTINCT is not supported in streaming queries; COUNT(DISTINCT …) is exact".to_owned())
}

impl AggregateFunction for ApproximateCountDistinct {
    fn name(&self) -> &str {
        "APPROX_COUNT_DISTINCT"
    }

    fn resolve(&self, _arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        Err(unsupported())
    }

    fn accumulator(&self, _arguments: &[DataType], _result: &DataType, _can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        Err(unsupported())
    }
}
