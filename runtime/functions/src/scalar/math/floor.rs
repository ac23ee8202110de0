//! `CEIL`, `CEILING` and `FLOOR` of numbers; those of points in time, `FLOOR(x TO unit)`, are in `datetime`.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    cast::POWERS_OF_TEN,
    coercion::{is_integer, is_numeric},
    scalar::{
        Builtin, Call,
        datetime::{ceil_to_unit, floor_to_unit, rounds_to},
        operator::kernel::{like, numbers, unary},
        signature::refused,
    },
};
use arrow_array::types::{Decimal128Type, Float32Type, Float64Type};
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "FLOOR", resolve: |arguments| resolve("FLOOR", arguments), evaluate: floor, deterministic: true },
    Builtin { name: "CEIL", resolve: |arguments| resolve("CEIL", arguments), evaluate: ceil, deterministic: true },
    Builtin { name: "CEILING", resolve: |arguments| resolve("CEILING", arguments), evaluate: ceil, deterministic: true },
];

fn resolve(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    match arguments {
        [Argument { typed, .. }, Argument { symbol: Some(unit), .. }] if rounds_to(&typed.data_type, unit) => {
            Ok(Resolution { arguments: vec![typed.data_type.clone(), DataType::String], result: (*typed).clone() })
        }
        [Argument { typed, .. }] if is_numeric(&typed.data_type) => {
            let result = match typed.data_type {
                DataType::Decimal { precision, .. } => DataType::Decimal { precision, scale: 0 },
                ref other => other.clone(),
            };
            Ok(Resolution { arguments: vec![typed.data_type.clone()], result: Typed::new(result, typed.nullable) })
        }
        [Argument { typed, .. }] if typed.data_type == DataType::Null => {
            Ok(Resolution { arguments: vec![DataType::Int], result: Typed::nullable(DataType::Int) })
        }
        _ => Err(refused(name, arguments, "a number, or a point in time and a unit")),
    }
}

fn floor(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    match call.arguments {
        [value] => whole(value, call, f64::floor, |value, unit| value.div_euclid(unit)),
        _ => floor_to_unit(call),
    }
}

fn ceil(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    match call.arguments {
        [value] => whole(value, call, f64::ceil, |value, unit| -(-value).div_euclid(unit)),
        _ => ceil_to_unit(call),
    }
}

fn whole(
    value: &Columnar,
    call: &Call<'_>,
    of_float: fn(f64) -> f64,
    of_decimal: fn(i128, i128) -> i128,
) -> Result<Columnar, EvaluationError> {
    match value.inner().data_type() {
        // Whole numbers of 32 bits are the same in 64.
        Arrow::Float32 => unary::<Float32Type, Float32Type>(value, |v| of_float(f64::from(v)) as f32),
        Arrow::Float64 => unary::<Float64Type, Float64Type>(value, of_float),
        Arrow::Decimal128(_, scale) => {
            let unit = POWERS_OF_TEN[usize::from(scale.unsigned_abs()).min(38)];
            let result = numbers::<Decimal128Type>(value)?.unary::<_, Decimal128Type>(|v| of_decimal(v, unit));
            Ok(like(&[value], Arc::new(result.with_data_type(call.result.data_type.to_arrow()))))
        }
        _ if is_integer(&call.result.data_type) => Ok(value.clone()),
        other => Err(EvaluationError(format!("found {other}, expected a number"))),
    }
}
