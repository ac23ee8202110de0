//! Casts among numbers, and between numbers and booleans.
//!
//! Integers wrap and floating-point numbers saturate as in Java's narrowing conversions (to 8 and 16 bits by way of 32);
//! decimals round half up and are NULL beyond their precision. Decimals pass through binary floating point only when
//! the other side is one.

use super::{
    Conversion,
    conversion::Converted,
    parse::{Digits, decimal_of_digits},
};
use crate::EvaluationError;
use arrow_array::{
    Array, ArrayRef, BooleanArray, PrimitiveArray,
    cast::AsArray,
    types::{Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type},
};
use arrow_buffer::BooleanBuffer;
use millrace_model::DataType;
use std::sync::Arc;

/// 10⁰ to 10³⁸.
pub(crate) const POWERS_OF_TEN: [i128; 39] = {
    let mut powers = [1_i128; 39];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// Most digits of a decimal that Flink keeps in a long; up to there it divides to get a floating-point number.
const COMPACT_PRECISION_MAX: u8 = 18;

/// A decimal brought to another scale, rounded half up; `None` when it has more than `precision` digits then.
#[inline]
pub(crate) fn rescale(value: i128, from_scale: u8, to_scale: u8, precision: u8) -> Option<i128> {
    let rescaled = if to_scale >= from_scale {
        value.checked_mul(POWERS_OF_TEN[usize::from(to_scale - from_scale)])?
    } else {
        let unit = POWERS_OF_TEN[usize::from(from_scale - to_scale)];
        let (quotient, rest) = (value / unit, value % unit);
        quotient + if rest.abs() >= unit - rest.abs() { rest.signum() } else { 0 }
    };
    fits(rescaled, precision).then_some(rescaled)
}

/// Whether a value has at most `precision` digits.
#[inline]
pub(crate) fn fits(value: i128, precision: u8) -> bool {
    value.unsigned_abs() < POWERS_OF_TEN[usize::from(precision)].unsigned_abs()
}

/// The floating-point number that Flink makes of a decimal.
pub(crate) fn decimal_to_f64(value: i128, precision: u8, scale: u8) -> f64 {
    let exact = value.unsigned_abs() < 1 << 53 && scale <= 22;
    if precision <= COMPACT_PRECISION_MAX || exact {
        return value as f64 / POWERS_OF_TEN[usize::from(scale)] as f64;
    }
    // Correctly rounded, as the text is read.
    format!("{value}e-{scale}").parse().unwrap_or(f64::NAN)
}

/// The decimal nearest to the shortest text of a floating-point number; `Ok(None)` beyond the precision.
fn decimal_from_f64(value: f64, precision: u8, scale: u8) -> Result<Option<i128>, EvaluationError> {
    if !value.is_finite() {
        return Err(EvaluationError(format!("{value} is not a number that a DECIMAL({precision}, {scale}) could hold")));
    }
    let text = format!("{value:e}");
    Ok(Digits::read(&text).and_then(|digits| decimal_of_digits(&digits, precision, scale)))
}

pub(super) fn from_boolean(array: &BooleanArray, to: &DataType) -> Result<Converted, EvaluationError> {
    let bits = PrimitiveArray::<Int8Type>::new(array.values().iter().map(i8::from).collect(), array.nulls().cloned());
    if let DataType::Decimal { precision, scale } = to {
        let decimals: PrimitiveArray<Decimal128Type> = bits.unary_opt(|bit| rescale(i128::from(bit), 0, *scale, *precision));
        return Ok(Converted::whole(with_type(decimals, *precision, *scale)?));
    }
    match to {
        DataType::TinyInt => Ok(Converted::whole(bits)),
        DataType::SmallInt => Ok(Converted::whole(bits.unary::<_, Int16Type>(i16::from))),
        DataType::Int => Ok(Converted::whole(bits.unary::<_, Int32Type>(i32::from))),
        DataType::BigInt => Ok(Converted::whole(bits.unary::<_, Int64Type>(i64::from))),
        DataType::Float => Ok(Converted::whole(bits.unary::<_, Float32Type>(f32::from))),
        DataType::Double => Ok(Converted::whole(bits.unary::<_, Float64Type>(f64::from))),
        other => Err(no_cast(&DataType::Boolean, other)),
    }
}

pub(super) fn to_boolean(array: &ArrayRef, from: &DataType) -> Result<Converted, EvaluationError> {
    macro_rules! not_zero {
        ($type:ty, $zero:expr) => {{
            let numbers = array.as_primitive::<$type>();
            let values = numbers.values();
            BooleanArray::new(BooleanBuffer::collect_bool(values.len(), |row| values[row] != $zero), numbers.nulls().cloned())
        }};
    }
    Ok(Converted::whole(match from {
        DataType::TinyInt => not_zero!(Int8Type, 0),
        DataType::SmallInt => not_zero!(Int16Type, 0),
        DataType::Int => not_zero!(Int32Type, 0),
        DataType::BigInt => not_zero!(Int64Type, 0),
        DataType::Float => not_zero!(Float32Type, 0.0),
        DataType::Double => not_zero!(Float64Type, 0.0),
        DataType::Decimal { .. } => not_zero!(Decimal128Type, 0),
        other => return Err(no_cast(other, &DataType::Boolean)),
    }))
}

/// Casts between two numeric types.
pub(super) fn convert(array: &ArrayRef, from: &DataType, to: &DataType, conversion: Conversion<'_>) -> Result<Converted, EvaluationError> {
    if from == to {
        return Ok(array.clone().into());
    }
    match from {
        DataType::TinyInt => from_integer(&array.as_primitive::<Int8Type>().unary(i64::from), to),
        DataType::SmallInt => from_integer(&array.as_primitive::<Int16Type>().unary(i64::from), to),
        DataType::Int => from_integer(&array.as_primitive::<Int32Type>().unary(i64::from), to),
        DataType::BigInt => from_integer(array.as_primitive(), to),
        DataType::Float => from_float(&array.as_primitive::<Float32Type>().unary(f64::from), to, conversion),
        DataType::Double => from_float(array.as_primitive(), to, conversion),
        DataType::Decimal { precision, scale } => from_decimal(array.as_primitive(), (*precision, *scale), to),
        other => Err(no_cast(other, to)),
    }
}

fn from_integer(array: &PrimitiveArray<Int64Type>, to: &DataType) -> Result<Converted, EvaluationError> {
    Ok(match to {
        DataType::TinyInt => Converted::whole(array.unary::<_, Int8Type>(|v| v as i8)),
        DataType::SmallInt => Converted::whole(array.unary::<_, Int16Type>(|v| v as i16)),
        DataType::Int => Converted::whole(array.unary::<_, Int32Type>(|v| v as i32)),
        DataType::BigInt => Converted::whole(array.clone()),
        DataType::Float => Converted::whole(array.unary::<_, Float32Type>(|v| v as f32)),
        DataType::Double => Converted::whole(array.unary::<_, Float64Type>(|v| v as f64)),
        DataType::Decimal { precision, scale } => {
            Converted::whole(with_type(array.unary_opt(|v| rescale(i128::from(v), 0, *scale, *precision)), *precision, *scale)?)
        }
        other => return Err(no_cast(&DataType::BigInt, other)),
    })
}

/// `FLOAT` comes here widened to 64 bits, which changes none of the results.
fn from_float(array: &PrimitiveArray<Float64Type>, to: &DataType, conversion: Conversion<'_>) -> Result<Converted, EvaluationError> {
    Ok(match to {
        DataType::TinyInt => Converted::whole(array.unary::<_, Int8Type>(|v| v as i32 as i8)),
        DataType::SmallInt => Converted::whole(array.unary::<_, Int16Type>(|v| v as i32 as i16)),
        DataType::Int => Converted::whole(array.unary::<_, Int32Type>(|v| v as i32)),
        DataType::BigInt => Converted::whole(array.unary::<_, Int64Type>(|v| v as i64)),
        DataType::Float => Converted::whole(array.unary::<_, Float32Type>(|v| v as f32)),
        DataType::Double => Converted::whole(array.clone()),
        DataType::Decimal { precision, scale } => {
            let (decimals, failed) = conversion.numbers(array, |v| decimal_from_f64(v, *precision, *scale))?;
            Converted { array: Arc::new(with_type(decimals, *precision, *scale)?), failed }
        }
        other => return Err(no_cast(&DataType::Double, other)),
    })
}

fn from_decimal(array: &PrimitiveArray<Decimal128Type>, (p, s): (u8, u8), to: &DataType) -> Result<Converted, EvaluationError> {
    let unit = POWERS_OF_TEN[usize::from(s)];
    Ok(match to {
        DataType::TinyInt => Converted::whole(array.unary::<_, Int8Type>(|v| (v / unit) as i8)),
        DataType::SmallInt => Converted::whole(array.unary::<_, Int16Type>(|v| (v / unit) as i16)),
        DataType::Int => Converted::whole(array.unary::<_, Int32Type>(|v| (v / unit) as i32)),
        DataType::BigInt => Converted::whole(array.unary::<_, Int64Type>(|v| (v / unit) as i64)),
        DataType::Float => Converted::whole(array.unary::<_, Float32Type>(|v| decimal_to_f64(v, p, s) as f32)),
        DataType::Double => Converted::whole(array.unary::<_, Float64Type>(|v| decimal_to_f64(v, p, s))),
        DataType::Decimal { precision, scale } => {
            Converted::whole(with_type(array.unary_opt(|v| rescale(v, s, *scale, *precision)), *precision, *scale)?)
        }
        other => return Err(no_cast(&DataType::Decimal { precision: p, scale: s }, other)),
    })
}

/// Gives a column of decimals its precision and scale.
pub(crate) fn with_type(
    array: PrimitiveArray<Decimal128Type>,
    precision: u8,
    scale: u8,
) -> Result<PrimitiveArray<Decimal128Type>, EvaluationError> {
    Ok(array.with_precision_and_scale(precision, scale as i8)?)
}

fn no_cast(from: &DataType, to: &DataType) -> EvaluationError {
    EvaluationError(format!("cannot cast {from} to {to}"))
}
