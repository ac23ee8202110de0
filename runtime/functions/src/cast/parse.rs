//! Casts from text to numbers, booleans and bytes. Spaces around a number do not count.

use super::{Conversion, conversion::Converted, numeric::with_type};
use crate::EvaluationError;
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, StringArray,
    builder::BooleanBuilder,
    types::{Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type},
};
use millrace_model::DataType;
use std::sync::Arc;

pub(super) fn to_bytes(array: &StringArray) -> BinaryArray {
    BinaryArray::from(array.clone())
}

/// Casts texts to a number or a boolean.
pub(super) fn parse(array: &StringArray, to: &DataType, conversion: Conversion<'_>) -> Result<Converted, EvaluationError> {
    macro_rules! numbers {
        ($type:ty, $each:expr) => {{
            let (numbers, failed) = conversion.texts::<$type>(array, $each)?;
            Ok(Converted { array: Arc::new(numbers), failed })
        }};
    }
    match to {
        DataType::Boolean => booleans(array, conversion),
        DataType::TinyInt => numbers!(Int8Type, |text| integer(text, to).map(Some)),
        DataType::SmallInt => numbers!(Int16Type, |text| integer(text, to).map(Some)),
        DataType::Int => numbers!(Int32Type, |text| integer(text, to).map(Some)),
        DataType::BigInt => numbers!(Int64Type, |text| integer(text, to).map(Some)),
        DataType::Float => numbers!(Float32Type, |text| java_float::<f32>(text).ok_or_else(|| unreadable(text, to)).map(Some)),
        DataType::Double => numbers!(Float64Type, |text| java_float::<f64>(text).ok_or_else(|| unreadable(text, to)).map(Some)),
        DataType::Decimal { precision, scale } => {
            let (numbers, failed) = conversion.texts::<Decimal128Type>(array, |text| {
                let digits = Digits::read(text.trim_matches(' ')).ok_or_else(|| unreadable(text, to))?;
                // Unlike numbers, texts beyond the precision are refused.
                decimal_of_digits(&digits, *precision, *scale).map(Some).ok_or_else(|| unreadable(text, to))
            })?;
            Ok(Converted { array: Arc::new(with_type(numbers, *precision, *scale)?), failed })
        }
        other => Err(EvaluationError(format!("cannot cast STRING to {other}"))),
    }
}

pub(super) fn unreadable(text: &str, to: &DataType) -> EvaluationError {
    EvaluationError(format!("cannot cast '{text}' to {to}"))
}

/// A whole number; a well-formed fraction is allowed and dropped.
fn integer<T: TryFrom<i64>>(text: &str, to: &DataType) -> Result<T, EvaluationError> {
    let fail = || unreadable(text, to);
    let trimmed = text.trim_matches(' ');
    let (whole, fraction) = trimmed.split_once('.').unwrap_or((trimmed, ""));
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(fail());
    }
    let has_digits = whole.bytes().any(|b| b.is_ascii_digit());
    let number: i64 = if has_digits {
        whole.parse().map_err(|_| fail())?
    } else if matches!(whole, "" | "+" | "-") && trimmed.contains('.') {
        0
    } else {
        return Err(fail());
    };
    T::try_from(number).map_err(|_| fail())
}

/// A floating-point number as Java's `Double.parseDouble` reads it, without the hexadecimal form.
pub(crate) fn java_float<T: std::str::FromStr + From<f32>>(text: &str) -> Option<T> {
    let trimmed = text.trim_matches(|c: char| c <= ' ');
    let unsigned = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    // Java knows these two words, in this spelling only; Rust knows more.
    match unsigned {
        "NaN" => return Some(T::from(f32::NAN)),
        "Infinity" => return Some(T::from(if trimmed.starts_with('-') { f32::NEG_INFINITY } else { f32::INFINITY })),
        _ if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') => return None,
        _ => {}
    }
    trimmed.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(trimmed).parse().ok()
}

/// Whether Java reads a text as a floating-point number.
pub(crate) fn is_java_float(text: &str) -> bool {
    java_float::<f64>(text).is_some()
}

fn booleans(array: &StringArray, conversion: Conversion<'_>) -> Result<Converted, EvaluationError> {
    let mut builder = BooleanBuilder::with_capacity(array.len());
    let mut failed = Vec::new();
    for (row, text) in array.iter().enumerate() {
        let value = match text {
            None => None,
            Some(text) => match boolean(text) {
                Some(value) => Some(value),
                None => conversion.fail(row, unreadable(text, &DataType::Boolean), &mut failed)?,
            },
        };
        builder.append_option(value);
    }
    let array: BooleanArray = builder.finish();
    Ok(Converted { array: Arc::new(array) as ArrayRef, failed })
}

fn boolean(text: &str) -> Option<bool> {
    let is_one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(&["true", "t", "yes", "y", "1"]) {
        Some(true)
    } else if is_one_of(&["false", "f", "no", "n", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// A written decimal number, taken apart.
pub(super) struct Digits<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Digits<'a> {
    /// Reads `[+-]digits[.digits][e[+-]digits]`; `None` when it is not that.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
            None => (unsigned, 0),
            Some(at) => (&unsigned[..at], unsigned[at + 1..].parse::<i32>().ok()?),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        Some(Self { negative, whole: whole.as_bytes(), fraction: fraction.as_bytes(), exponent: i64::from(exponent) })
    }
}

/// The decimal nearest to a written number, rounded half up; `None` beyond the precision.
pub(super) fn decimal_of_digits(number: &Digits<'_>, precision: u8, scale: u8) -> Option<i128> {
    let digits = || number.whole.iter().chain(number.fraction).map(|b| i128::from(b - b'0'));
    let zeros = digits().take_while(|digit| *digit == 0).count();
    let count = number.whole.len() + number.fraction.len();
    if zeros == count {
        return Some(0);
    }
    // How many digits, leading zeros not counted, are left of the last place that is kept.
    let kept = number.whole.len() as i64 - zeros as i64 + number.exponent + i64::from(scale);
    if kept > i64::from(precision) {
        return None;
    }
    if kept < 0 {
        return Some(0);
    }
    let kept = kept as usize;
    let mut value = digits().skip(zeros).take(kept).fold(0_i128, |value, digit| value * 10 + digit);
    let written = count - zeros;
    if written < kept {
        value *= super::POWERS_OF_TEN[kept - written];
    } else if digits().nth(zeros + kept).is_some_and(|next| next >= 5) {
        value += 1;
    }
    super::numeric::fits(value, precision).then_some(if number.negative { -value } else { value })
}
