//! Numbers of any type as doubles, and doubles as decimals, the way Java does it.

use super::column::natives;
use crate::EvaluationError;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::ScalarBuffer;
use arrow_schema::DataType as Arrow;

/// A column of numbers.
pub(super) enum NumberColumn {
    I8(ScalarBuffer<i8>),
    I16(ScalarBuffer<i16>),
    I32(ScalarBuffer<i32>),
    I64(ScalarBuffer<i64>),
    F32(ScalarBuffer<f32>),
    F64(ScalarBuffer<f64>),
    /// Values, and digits in all and after the point.
    Decimal(ScalarBuffer<i128>, u8, i8),
}

impl NumberColumn {
    /// Makes a column ready.
    ///
    /// # Errors
    /// A column that is not of numbers.
    pub(super) fn new(array: &ArrayRef) -> Result<Self, EvaluationError> {
        Ok(match array.data_type() {
            Arrow::Int8 => Self::I8(natives(array)),
            Arrow::Int16 => Self::I16(natives(array)),
            Arrow::Int32 => Self::I32(natives(array)),
            Arrow::Int64 => Self::I64(natives(array)),
            Arrow::Float32 => Self::F32(natives(array)),
            Arrow::Float64 => Self::F64(natives(array)),
            Arrow::Decimal128(precision, scale) => Self::Decimal(natives(array), *precision, *scale),
            other => return Err(EvaluationError(format!("an aggregate over numbers was given {other}"))),
        })
    }

    /// The number in a row that is not NULL.
    #[inline]
    pub(super) fn double(&self, row: usize) -> f64 {
        match self {
            Self::I8(values) => f64::from(values[row]),
            Self::I16(values) => f64::from(values[row]),
            Self::I32(values) => f64::from(values[row]),
            Self::I64(values) => values[row] as f64,
            Self::F32(values) => f64::from(values[row]),
            Self::F64(values) => values[row],
            // Up to 18 digits Flink divides two doubles; beyond, it takes the nearest double.
            Self::Decimal(values, 0..=18, scale) => values[row] as f64 / 10_f64.powi(i32::from(*scale)),
            Self::Decimal(values, _, scale) => format!("{}e-{scale}", values[row]).parse().unwrap_or(f64::NAN),
        }
    }
}

/// The decimal of 38 digits nearest to the shortest decimal form of a double, half away from zero; `None` when it has
/// too many digits or is not a number.
pub(super) fn decimal(value: f64, scale: i32) -> Option<i128> {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let shift = exponent - i32::try_from(fraction.len()).ok()? + scale;
    let scaled = if shift >= 0 {
        digits.checked_mul(10_i128.checked_pow(shift.unsigned_abs())?)?
    } else {
        // Seventeen digits shifted further down round to nothing.
        let Some(divisor) = 10_i128.checked_pow(shift.unsigned_abs()) else { return Some(0) };
        let (quotient, rest) = (digits / divisor, digits % divisor);
        quotient + if rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2) { digits.signum() } else { 0 }
    };
    (scaled.unsigned_abs() < 10_u128.pow(38)).then_some(scaled)
}
