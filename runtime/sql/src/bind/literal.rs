//! Constants and their types, as Flink gives them.

use crate::{
    ast::{IntervalUnit, Literal, Span},
    error::SqlError,
};
use arrow_array::{ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array, NullArray, StringArray};
use millrace_functions::{Columnar, EvaluationContext, Expr, Typed, cast};
use millrace_model::DataType;
use std::sync::Arc;

/// A constant of this value and type.
pub(crate) fn constant(value: ArrayRef, data_type: DataType, nullable: bool) -> Expr {
    Expr::Literal { value, typed: Typed::new(data_type, nullable), is_symbol: false }
}

pub(crate) fn text(value: &str) -> Expr {
    constant(Arc::new(StringArray::from(vec![value])), DataType::String, false)
}

pub(crate) fn symbol(value: &str) -> Expr {
    let value = Arc::new(StringArray::from(vec![value]));
    Expr::Literal { value, typed: Typed::not_null(DataType::String), is_symbol: true }
}

pub(crate) fn int(value: i32) -> Expr {
    constant(Arc::new(Int32Array::from(vec![value])), DataType::Int, false)
}

pub(crate) fn bigint(value: i64) -> Expr {
    constant(Arc::new(Int64Array::from(vec![value])), DataType::BigInt, false)
}

pub(crate) fn boolean(value: bool) -> Expr {
    constant(Arc::new(BooleanArray::from(vec![value])), DataType::Boolean, false)
}

pub(crate) fn null() -> Expr {
    constant(Arc::new(NullArray::new(1)), DataType::Null, true)
}

pub(crate) fn interval_ms(value: i64) -> Expr {
    constant(Arc::new(Int64Array::from(vec![value])), DataType::IntervalDayTime, false)
}

pub(crate) fn literal(literal: &Literal, span: Span) -> Result<Expr, SqlError> {
    Ok(match literal {
        Literal::Null => null(),
        Literal::Boolean(value) => boolean(*value),
        Literal::Number(digits) => number(digits, span)?,
        Literal::String(value) => text(value),
        Literal::Bytes(bytes) => constant(Arc::new(BinaryArray::from(vec![bytes.as_slice()])), DataType::Bytes, false),
        Literal::Date(value) => from_text(value, DataType::Date, "DATE", "yyyy-MM-dd", span)?,
        Literal::Time(value) => {
            let precision = fraction_digits(value).min(3);
            from_text(value, DataType::Time { precision }, "TIME", "HH:mm:ss[.fraction]", span)?
        }
        Literal::Timestamp(value) => {
            let precision = fraction_digits(value).min(9);
            from_text(value, DataType::Timestamp { precision }, "TIMESTAMP", "yyyy-MM-dd HH:mm:ss[.fraction]", span)?
        }
    })
}

/// How many digits are written behind the seconds.
fn fraction_digits(value: &str) -> u8 {
    value.rsplit_once('.').map_or(0, |(_, digits)| digits.trim_end().len().min(99)) as u8
}

fn number(digits: &str, span: Span) -> Result<Expr, SqlError> {
    let wrong = || SqlError::new("sql.invalid_number", format!("`{digits}` is not a number that can be represented"), span);
    if digits.contains(['e', 'E']) {
        let value: f64 = digits.parse().map_err(|_| wrong())?;
        return Ok(constant(Arc::new(Float64Array::from(vec![value])), DataType::Double, false));
    }
    // `5.` is the whole number.
    let whole = digits.strip_suffix('.').unwrap_or(digits);
    if !whole.contains('.') {
        if let Ok(value) = whole.parse::<i32>() {
            return Ok(int(value));
        }
        if let Ok(value) = whole.parse::<i64>() {
            return Ok(bigint(value));
        }
        let message = format!("`{digits}` is beyond BIGINT, the greatest of which is {}", i64::MAX);
        return Err(SqlError::new("sql.invalid_number", message, span).with_hint("write it with a point and a digit behind it: `….0`"));
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    // Flink counts the digits as they are written: `0.4` is a DECIMAL(2, 1), `.4` a DECIMAL(1, 1).
    let written = whole.len() + fraction.len();
    let whole = whole.trim_start_matches('0');
    let significant = whole.len() + fraction.len();
    let (scale, precision) = (fraction.len(), if written > 38 { significant } else { written }.max(1));
    if precision > 38 {
        return Err(SqlError::new("sql.invalid_number", format!("`{digits}` has {precision} digits, at most 38 are possible"), span));
    }
    let value: i128 = format!("0{whole}{fraction}").parse().map_err(|_| wrong())?;
    let array = Decimal128Array::from(vec![value]).with_precision_and_scale(precision as u8, scale as i8).map_err(|_| wrong())?;
    Ok(constant(Arc::new(array), DataType::Decimal { precision: precision as u8, scale: scale as u8 }, false))
}

fn from_text(value: &str, data_type: DataType, word: &str, form: &str, span: Span) -> Result<Expr, SqlError> {
    let source = Columnar::Scalar(Arc::new(StringArray::from(vec![value])));
    let target = cast::CastTarget::from(data_type.clone());
    match cast::cast(&source, &DataType::String, &target, true, &EvaluationContext::default()) {
        Ok(found) if found.inner().len() == 1 && !found.is_null(0) => Ok(constant(found.inner().clone(), data_type, false)),
        _ => Err(SqlError::new("sql.invalid_literal", format!("`{value}` is not a {word}, expected the form `{form}`"), span)),
    }
}

/// `INTERVAL 'value' from [TO to]`: months or milliseconds.
pub(crate) fn interval(value: &str, from: IntervalUnit, to: Option<IntervalUnit>, span: Span) -> Result<Expr, SqlError> {
    let wrong = || {
        let to = to.map(|t| format!(" TO {t:?}").to_uppercase()).unwrap_or_default();
        let unit = format!("{from:?}").to_uppercase();
        SqlError::new("sql.invalid_interval", format!("`{value}` is not an interval of {unit}{to}"), span)
            .with_hint("write it as in `INTERVAL '5' MINUTE`, `INTERVAL '1 12:00' DAY TO MINUTE` or `INTERVAL '1-6' YEAR TO MONTH`")
    };
    let trimmed = value.trim();
    let (sign, digits) = match trimmed.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let months = |n: i64| -> Result<Expr, SqlError> {
        let n = i32::try_from(sign * n).map_err(|_| wrong())?;
        Ok(constant(Arc::new(Int32Array::from(vec![n])), DataType::IntervalYearMonth, false))
    };
    let whole = |text: &str| text.parse::<i64>().ok().filter(|n| *n >= 0).ok_or_else(wrong);
    use IntervalUnit::*;
    match (from, to) {
        (Year, None) => months(whole(digits)?.checked_mul(12).ok_or_else(wrong)?),
        (Quarter, None) => months(whole(digits)?.checked_mul(3).ok_or_else(wrong)?),
        (Month, None) => months(whole(digits)?),
        (Year, Some(Month)) => {
            let (years, rest) = digits.split_once('-').ok_or_else(wrong)?;
            months(whole(years)?.checked_mul(12).and_then(|y| y.checked_add(whole(rest).ok()?)).ok_or_else(wrong)?)
        }
        _ => {
            let total = day_time_ms(digits, from, to.unwrap_or(from)).ok_or_else(wrong)?;
            Ok(interval_ms(sign * total))
        }
    }
}

/// `d h:m:s.f`, of which only the units from `from` to `to` are there.
fn day_time_ms(digits: &str, from: IntervalUnit, to: IntervalUnit) -> Option<i64> {
    const UNITS: [(IntervalUnit, i64); 4] =
        [(IntervalUnit::Day, 86_400_000), (IntervalUnit::Hour, 3_600_000), (IntervalUnit::Minute, 60_000), (IntervalUnit::Second, 1_000)];
    match from {
        IntervalUnit::Week => return digits.parse::<i64>().ok()?.checked_mul(7 * 86_400_000),
        IntervalUnit::Millisecond => return digits.parse().ok(),
        _ => {}
    }
    let first = UNITS.iter().position(|(unit, _)| *unit == from)?;
    let last = UNITS.iter().position(|(unit, _)| *unit == to)?;
    let mut parts: Vec<&str> = digits.split([' ', ':']).filter(|p| !p.is_empty()).collect();
    if last < first || parts.len() != last - first + 1 {
        return None;
    }
    let mut total: i64 = 0;
    if last == 3
        && let Some(seconds) = parts.last_mut()
        && let Some((whole, fraction)) = seconds.split_once('.')
    {
        let padded = format!("{fraction:0<3}");
        total = padded.get(..3)?.parse().ok()?;
        *seconds = whole;
    }
    for (part, (_, factor)) in parts.iter().zip(&UNITS[first..]) {
        total = total.checked_add(part.parse::<u32>().ok().map(i64::from)?.checked_mul(*factor)?)?;
    }
    Some(total)
}
