//! `ABS` and `SIGN`, in the type of the argument.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    cast::POWERS_OF_TEN,
    coercion::is_numeric,
    scalar::{
        Builtin, Call,
        operator::kernel::{like, numbers, unary},
        signature::refused,
    },
};
use arrow_array::types::{Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "ABS", resolve: |arguments| resolve("ABS", arguments), evaluate: absolute, deterministic: true },
    Builtin { name: "SIGN", resolve: |arguments| resolve("SIGN", arguments), evaluate: sign, deterministic: true },
];

fn resolve(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    match arguments {
        [Argument { typed, .. }] if is_numeric(&typed.data_type) => {
            Ok(Resolution { arguments: vec![typed.data_type.clone()], result: (*typed).clone() })
        }
        [Argument { typed, .. }] if typed.data_type == DataType::Null => {
            Ok(Resolution { arguments: vec![DataType::Int], result: Typed::nullable(DataType::Int) })
        }
        _ => Err(refused(name, arguments, "a number")),
    }
}

fn argument<'a>(call: &Call<'a>) -> Result<&'a Columnar, EvaluationError> {
    call.arguments.first().ok_or_else(|| EvaluationError("a number is missing".to_owned()))
}

fn no_number(array: &Arrow) -> EvaluationError {
    EvaluationError(format!("found {array}, expected a number"))
}

fn decimals(value: &Columnar, each: impl Fn(i128) -> i128) -> Result<Columnar, EvaluationError> {
    let result = numbers::<Decimal128Type>(value)?.unary::<_, Decimal128Type>(each);
    Ok(like(&[value], Arc::new(result.with_data_type(value.inner().data_type().clone()))))
}

fn absolute(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let value = argument(call)?;
    match value.inner().data_type() {
        Arrow::Int8 => unary::<Int8Type, Int8Type>(value, i8::wrapping_abs),
        Arrow::Int16 => unary::<Int16Type, Int16Type>(value, i16::wrapping_abs),
        Arrow::Int32 => unary::<Int32Type, Int32Type>(value, i32::wrapping_abs),
        Arrow::Int64 => unary::<Int64Type, Int64Type>(value, i64::wrapping_abs),
        Arrow::Float32 => unary::<Float32Type, Float32Type>(value, f32::abs),
        Arrow::Float64 => unary::<Float64Type, Float64Type>(value, f64::abs),
        Arrow::Decimal128(..) => decimals(value, i128::wrapping_abs),
        other => Err(no_number(other)),
    }
}

/// Java's `Math.signum`: zeros keep their sign, NaN stays.
fn sign(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let value = argument(call)?;
    match value.inner().data_type() {
        Arrow::Int8 => unary::<Int8Type, Int8Type>(value, i8::signum),
        Arrow::Int16 => unary::<Int16Type, Int16Type>(value, i16::signum),
        Arrow::Int32 => unary::<Int32Type, Int32Type>(value, i32::signum),
        Arrow::Int64 => unary::<Int64Type, Int64Type>(value, i64::signum),
        Arrow::Float32 => unary::<Float32Type, Float32Type>(value, |v| if v == 0.0 { v } else { v.signum() }),
        Arrow::Float64 => unary::<Float64Type, Float64Type>(value, |v| if v == 0.0 { v } else { v.signum() }),
        Arrow::Decimal128(precision, scale) => {
            // One may not fit: DECIMAL(2, 2) ends at 0.99. Flink's result is NULL then; it cannot be told from the type.
            let one = POWERS_OF_TEN[usize::from(scale.unsigned_abs()).min(38)];
            if precision.abs_diff(scale.unsigned_abs()) == 0 {
                let result = numbers::<Decimal128Type>(value)?.unary_opt::<_, Decimal128Type>(|v| (v == 0).then_some(0));
                return Ok(like(&[value], Arc::new(result.with_data_type(value.inner().data_type().clone()))));
            }
            decimals(value, |v| v.signum() * one)
        }
        other => Err(no_number(other)),
    }
}
