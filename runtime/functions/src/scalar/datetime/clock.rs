//! What the clock shows: the processing time of the batch, once for all its rows; and how far event time has come.

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
    // Its argument is a time attribute, which the binder checks: only its kind matters.
    Builtin { name: "CURRENT_WATERMARK", resolve: resolve_watermark, evaluate: watermark, deterministic: false },
];

fn resolve(name: &str, arguments: &[Argument<'_>], data_type: DataType) -> Result<Resolution, ResolveError> {
    if !arguments.is_empty() {
        return Err(refused(name, arguments, ""));
    }
    Ok(Resolution { arguments: Vec::new(), result: Typed::not_null(data_type) })
}

fn resolve_watermark(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let result = match arguments {
        [Argument { typed: Typed { data_type: DataType::Timestamp { .. }, .. }, .. }] => DataType::Timestamp { precision: 3 },
        [Argument { typed: Typed { data_type: DataType::TimestampLtz { .. }, .. }, .. }] => DataType::TimestampLtz { precision: 3 },
        _ => return Err(refused("CURRENT_WATERMARK", arguments, "TIMESTAMP) or (TIMESTAMP_LTZ")),
    };
    let own = arguments.iter().map(|a| a.typed.data_type.clone()).collect();
    Ok(Resolution { arguments: own, result: Typed::nullable(result) })
}

/// NULL before the first watermark. A watermark is a number of milliseconds: as it is for TIMESTAMP too.
fn watermark(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let shown = call.context.watermark_ms.map(|ms| Moment::new(ms, 0));
    moment_array(&[shown], &call.result.data_type).map(Columnar::Scalar)
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
