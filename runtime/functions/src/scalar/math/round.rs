//! `ROUND(x [, places])`, half up, and `TRUNCATE(x [, places])`.
//!
//! Floating-point numbers are rounded by their text, as Flink does by way of `BigDecimal.valueOf`: `ROUND(2.675e0, 2)` is
//! 2.68 although the number is a little less than 2.675.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    cast::{POWERS_OF_TEN, rescale},
    coercion::{is_integer, is_numeric},
    scalar::{
        Builtin, Call,
        operator::kernel::{like, try_binary},
        signature::refused,
    },
};
use arrow_array::{
    Array, ArrowPrimitiveType, Int32Array,
    cast::AsArray,
    types::{Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type},
};
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "ROUND",
        resolve: |arguments| resolve("ROUND", arguments),
        evaluate: |call| evaluate(call, Mode::HalfUp),
        deterministic: true,
    },
    Builtin {
        name: "TRUNCATE",
        resolve: |arguments| resolve("TRUNCATE", arguments),
        evaluate: |call| evaluate(call, Mode::Down),
        deterministic: true,
    },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    HalfUp,
    Down,
}

fn resolve(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let refuse = || refused(name, arguments, "a number, [INT]");
    let (value, places) = match arguments {
        [value] => (value, None),
        [value, places] if is_integer(&places.typed.data_type) || places.typed.data_type == DataType::Null => (value, Some(places)),
        _ => return Err(refuse()),
    };
    let data_type = match &value.typed.data_type {
        DataType::Null => DataType::Int,
        other if is_numeric(other) => other.clone(),
        _ => return Err(refuse()),
    };
    let constant = match places {
        None => Some(0),
        Some(places) => places.literal.and_then(constant_places),
    };
    let result = match (&data_type, constant) {
        (DataType::Decimal { precision, scale }, Some(places)) => rounded_type(*precision, *scale, places),
        (other, _) => other.clone(),
    };
    let nullable = arguments.iter().any(|a| a.typed.nullable || a.typed.data_type == DataType::Null);
    let mut casts = vec![data_type];
    casts.extend(places.map(|_| DataType::Int));
    Ok(Resolution { arguments: casts, result: Typed::new(result, nullable) })
}

fn constant_places(value: &arrow_array::ArrayRef) -> Option<i64> {
    if value.is_empty() || value.is_null(0) {
        return None;
    }
    Some(match value.data_type() {
        Arrow::Int8 => value.as_primitive::<Int8Type>().value(0).into(),
        Arrow::Int16 => value.as_primitive::<Int16Type>().value(0).into(),
        Arrow::Int32 => value.as_primitive::<Int32Type>().value(0).into(),
        Arrow::Int64 => value.as_primitive::<Int64Type>().value(0),
        _ => return None,
    })
}

/// Rounding to `places` can add a digit before the point.
fn rounded_type(precision: u8, scale: u8, places: i64) -> DataType {
    if places >= i64::from(scale) {
        return DataType::Decimal { precision, scale };
    }
    let kept = places.clamp(0, i64::from(scale)) as u8;
    DataType::Decimal { precision: (1 + precision - scale + kept).min(38), scale: kept }
}

fn evaluate(call: &Call<'_>, mode: Mode) -> Result<Columnar, EvaluationError> {
    let zero = Columnar::Scalar(Arc::new(Int32Array::from(vec![0])));
    let (value, places) = match call.arguments {
        [value, places] => (value, places),
        [value] => (value, &zero),
        _ => return Err(EvaluationError("a number is missing".to_owned())),
    };
    match value.inner().data_type() {
        Arrow::Int8 => numbers::<Int8Type>(value, places, |v, p| Ok(integer(v.into(), p, mode) as i8)),
        Arrow::Int16 => numbers::<Int16Type>(value, places, |v, p| Ok(integer(v.into(), p, mode) as i16)),
        Arrow::Int32 => numbers::<Int32Type>(value, places, |v, p| Ok(integer(v.into(), p, mode) as i32)),
        Arrow::Int64 => numbers::<Int64Type>(value, places, |v, p| Ok(integer(v, p, mode))),
        Arrow::Float32 => numbers::<Float32Type>(value, places, |v, p| float(f64::from(v), p, mode).map(|v| v as f32)),
        Arrow::Float64 => numbers::<Float64Type>(value, places, |v, p| float(v, p, mode)),
        Arrow::Decimal128(_, scale) => decimals(value, places, scale.unsigned_abs(), call, mode),
        other => Err(EvaluationError(format!("found {other}, expected a number"))),
    }
}

fn numbers<T: ArrowPrimitiveType>(
    value: &Columnar,
    places: &Columnar,
    each: impl Fn(T::Native, i32) -> Result<T::Native, EvaluationError>,
) -> Result<Columnar, EvaluationError> {
    let result = try_binary::<T, Int32Type, T>(value, places, |value, places| each(value, places).map(Some))?;
    Ok(like(&[value, places], Arc::new(result)))
}

/// Wraps where the rounded number does not fit, as Java's `intValue`.
fn integer(value: i64, places: i32, mode: Mode) -> i64 {
    let value = i128::from(value);
    // 10²⁰ is beyond twice any of these numbers.
    match POWERS_OF_TEN.get(places.unsigned_abs() as usize).filter(|_| places > -20) {
        _ if places >= 0 => value as i64,
        Some(unit) => (at_unit(value, *unit, mode) * unit) as i64,
        None => 0,
    }
}

/// How many units there are in a number.
fn at_unit(value: i128, unit: i128, mode: Mode) -> i128 {
    let (quotient, rest) = (value / unit, value % unit);
    quotient + if mode == Mode::HalfUp && rest.abs() >= unit - rest.abs() { rest.signum() } else { 0 }
}

fn decimals(value: &Columnar, places: &Columnar, scale: u8, call: &Call<'_>, mode: Mode) -> Result<Columnar, EvaluationError> {
    let DataType::Decimal { precision, scale: result_scale } = call.result.data_type else {
        return Err(EvaluationError(format!("found {}, expected a decimal", call.result.data_type)));
    };
    let result = try_binary::<Decimal128Type, Int32Type, Decimal128Type>(value, places, |value, places| {
        let cut = i64::from(scale) - i64::from(places);
        let rounded = match usize::try_from(cut).ok().map(|cut| POWERS_OF_TEN.get(cut)) {
            // More places than there are.
            None => value,
            Some(Some(unit)) => at_unit(value, *unit, mode) * unit,
            Some(None) => 0,
        };
        Ok(rescale(rounded, scale, result_scale, precision))
    })?;
    Ok(like(&[value, places], Arc::new(result.with_data_type(call.result.data_type.to_arrow()))))
}

fn float(value: f64, places: i32, mode: Mode) -> Result<f64, EvaluationError> {
    if !value.is_finite() {
        return Err(EvaluationError(format!("cannot round {value}")));
    }
    let text = format!("{:e}", value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    // Digits that are kept: those before the point and `places` behind it.
    let kept = exponent + 1 + i64::from(places);
    if kept >= digits.len() as i64 {
        return Ok(value);
    }
    if kept < 0 {
        return Ok(0.0);
    }
    let (head, tail) = digits.split_at(kept as usize);
    let up = mode == Mode::HalfUp && tail.as_bytes().first().is_some_and(|digit| *digit >= b'5');
    let head = head.parse::<u64>().unwrap_or(0) + u64::from(up);
    let rounded: f64 = format!("{head}e{}", -i64::from(places)).parse().unwrap_or(0.0);
    // A zero has no sign, as in BigDecimal.
    Ok(if value < 0.0 && rounded != 0.0 { -rounded } else { rounded })
}
