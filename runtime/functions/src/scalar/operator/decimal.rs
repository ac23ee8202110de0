//! Arithmetic of decimals.
//!
//! A result is computed exactly, then rounded half up to the scale of the result type; it is NULL when it has more digits
//! than the type. 128 bits are tried first; what does not fit is computed in 256.

use super::{
    arithmetic::Operator,
    kernel::{like, try_binary},
};
use crate::{
    Columnar, EvaluationError,
    cast::{POWERS_OF_TEN, fits, rescale},
    coercion::decimal,
    scalar::Call,
};
use arrow_array::{
    ArrayRef,
    types::{Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type},
};
use arrow_buffer::i256;
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;
use std::sync::Arc;

/// Scales of both sides, and precision and scale of the result.
#[derive(Debug, Clone, Copy)]
struct Shape {
    left: u8,
    right: u8,
    precision: u8,
    scale: u8,
}

pub(super) fn evaluate(operator: Operator, call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let [left, right] = call.arguments else { return Err(EvaluationError("an operator needs two values".to_owned())) };
    let (Arrow::Decimal128(_, s1), Arrow::Decimal128(_, s2)) = (left.inner().data_type(), right.inner().data_type()) else {
        return Err(EvaluationError("decimals meet only decimals".to_owned()));
    };
    let Some(decimal::Decimal { precision, scale }) = decimal::of_exact(&call.result.data_type) else {
        return Err(EvaluationError(format!("found {}, expected an exact number", call.result.data_type)));
    };
    let shape = Shape { left: s1.unsigned_abs(), right: s2.unsigned_abs(), precision, scale };
    let result = match operator {
        Operator::Plus => combine(left, right, |a, b| Ok(add(a, b, shape))),
        Operator::Minus => combine(left, right, |a, b| Ok(add(a, -b, shape))),
        Operator::Times => combine(left, right, |a, b| Ok(multiply(a, b, shape))),
        Operator::Divide => combine(left, right, |a, b| if b == 0 { Err(operator.by_zero()) } else { Ok(divide(a, b, shape)) }),
        Operator::Modulo => combine(left, right, |a, b| if b == 0 { Err(operator.by_zero()) } else { Ok(modulo(a, b, shape)) }),
    }?;
    let result: ArrayRef = match call.result.data_type {
        // A remainder is smaller than what it is divided by, so it fits.
        DataType::TinyInt => Arc::new(result.unary::<_, Int8Type>(|value| value as i8)),
        DataType::SmallInt => Arc::new(result.unary::<_, Int16Type>(|value| value as i16)),
        DataType::Int => Arc::new(result.unary::<_, Int32Type>(|value| value as i32)),
        DataType::BigInt => Arc::new(result.unary::<_, Int64Type>(|value| value as i64)),
        _ => Arc::new(result.with_precision_and_scale(precision, scale as i8)?),
    };
    Ok(like(&[left, right], result))
}

fn combine(
    left: &Columnar,
    right: &Columnar,
    each: impl Fn(i128, i128) -> Result<Option<i128>, EvaluationError>,
) -> Result<arrow_array::Decimal128Array, EvaluationError> {
    try_binary::<Decimal128Type, Decimal128Type, Decimal128Type>(left, right, each)
}

fn power(exponent: u8) -> i128 {
    POWERS_OF_TEN[usize::from(exponent).min(38)]
}

fn wide(value: i128) -> i256 {
    i256::from_i128(value)
}

#[inline]
fn add(a: i128, b: i128, shape: Shape) -> Option<i128> {
    let scale = shape.left.max(shape.right);
    let (up_a, up_b) = (power(scale - shape.left), power(scale - shape.right));
    let narrow = || a.checked_mul(up_a)?.checked_add(b.checked_mul(up_b)?);
    match narrow() {
        Some(sum) => rescale(sum, scale, shape.scale, shape.precision),
        None => {
            let sum = wide(a).checked_mul(wide(up_a))?.checked_add(wide(b).checked_mul(wide(up_b))?)?;
            rescale_wide(sum, scale, shape)
        }
    }
}

#[inline]
fn multiply(a: i128, b: i128, shape: Shape) -> Option<i128> {
    let scale = shape.left + shape.right;
    match a.checked_mul(b) {
        Some(product) => {
            // Two scales can be more than a decimal has digits.
            if scale > 38 { rescale_wide(wide(product), scale, shape) } else { rescale(product, scale, shape.scale, shape.precision) }
        }
        None => rescale_wide(wide(a).checked_mul(wide(b))?, scale, shape),
    }
}

#[inline]
fn divide(a: i128, b: i128, shape: Shape) -> Option<i128> {
    // The quotient at the result's scale is a · 10^shift / b.
    let shift = i16::from(shape.scale) + i16::from(shape.right) - i16::from(shape.left);
    if shift >= 0 {
        if let Some(dividend) = POWERS_OF_TEN.get(shift as usize).and_then(|unit| a.checked_mul(*unit)) {
            let (quotient, rest) = (dividend / b, dividend % b);
            let is_half = rest.unsigned_abs() >= b.unsigned_abs() - rest.unsigned_abs();
            let away = if is_half { rest.signum() * b.signum() } else { 0 };
            return Some(quotient + away).filter(|value| fits(*value, shape.precision));
        }
        // More than 76 digits: the quotient has more than 38.
        let dividend = wide(a).checked_mul(power_wide(shift as u32)?)?;
        return round_quotient(dividend, wide(b), shape);
    }
    round_quotient(wide(a), wide(b).checked_mul(power_wide(shift.unsigned_abs().into())?)?, shape)
}

#[inline]
fn modulo(a: i128, b: i128, shape: Shape) -> Option<i128> {
    let scale = shape.left.max(shape.right);
    let (up_a, up_b) = (power(scale - shape.left), power(scale - shape.right));
    match (a.checked_mul(up_a), b.checked_mul(up_b)) {
        (Some(a), Some(b)) => rescale(a % b, scale, shape.scale, shape.precision),
        _ => {
            let (a, b) = (wide(a).checked_mul(wide(up_a))?, wide(b).checked_mul(wide(up_b))?);
            rescale_wide(a.checked_rem(b)?, scale, shape)
        }
    }
}

fn power_wide(exponent: u32) -> Option<i256> {
    wide(10).checked_pow(exponent)
}

fn rescale_wide(value: i256, scale: u8, shape: Shape) -> Option<i128> {
    if shape.scale >= scale {
        let value = value.checked_mul(power_wide(u32::from(shape.scale - scale))?)?.to_i128()?;
        return Some(value).filter(|value| fits(*value, shape.precision));
    }
    round_quotient(value, power_wide(u32::from(scale - shape.scale))?, shape)
}

fn round_quotient(dividend: i256, divisor: i256, shape: Shape) -> Option<i128> {
    let (quotient, rest) = (dividend.checked_div(divisor)?, dividend.checked_rem(divisor)?);
    let quotient = quotient.to_i128()?;
    let (rest, divisor_size) = (rest.wrapping_abs(), divisor.wrapping_abs());
    let is_half = rest >= divisor_size.wrapping_sub(rest);
    let is_negative = dividend.is_negative() != divisor.is_negative();
    let away = match (is_half, is_negative) {
        (false, _) => 0,
        (true, true) => -1,
        (true, false) => 1,
    };
    quotient.checked_add(away).filter(|value| fits(*value, shape.precision))
}
