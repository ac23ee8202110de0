//! What the clock shows: the processing time of the batch, once for all its rows.

use super::moments::{Moment, moment_array};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    calendar::DAY_MS,
    scalar::{Builtin, Call, signature::refused},
};
use millrace_model::DataType;

/// A function without arguments that shows the clock as the given type.
macro_rules! clock {
    ($name:literal, $data_type:expr) => {
        Builtin { name: $name, resolve: |a| resolve($name, a, $data_type), evaluate: now, deterministic: false }
    };
}

pub(super) const FUNCTIONS: &[Builtin] = &[
    clock!("CURRENT_DATE", DataType::Date),
    clock!("CURRENT_TIME", DataType::Time { precision: 0 }),
    clock!("LOCALTIME", DataType::Time { precision: 0 }),
    clock!("CURRENT_TIMESTAMP", DataType::TimestampLtz { precision: 3 }),
    clock!("NOW", DataType::TimestampLtz { precision: 3 }),
    clock!("CURRENT_ROW_TIMESTAMP", DataType::TimestampLtz { precision: 3 }),
    clock!("LOCALTIMESTAMP", DataType::Timestamp { precision: 3 }),
];

fn resolve(name: &str, arguments: &[Argument<'_>], data_type: DataType) -> Result<Resolution, ResolveError> {
    if !arguments.is_empty() {
        return Err(refused(name, arguments, ""));
    }
    Ok(Resolution { arguments: Vec::new(), result: Typed::not_null(data_type) })
}

fn now(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let instant = Moment::new(call.context.now_ms, 0);
    let wall = instant.at_zone(call.context.zone);
    let shown = match call.result.data_type {
        DataType::TimestampLtz { .. } => instant,
        DataType::Time { .. } => Moment::new(wall.ms.rem_euclid(DAY_MS) / 1_000 * 1_000, 0),
        _ => wall,
    };
    moment_array(&[Some(shown)], &call.result.data_type).map(Columnar::Scalar)
}
