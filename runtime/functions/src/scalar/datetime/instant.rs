//! `TO_TIMESTAMP_LTZ`: instants from numbers and from texts.

use super::{
    formatter::Formatter,
    moments::{Moment, moment_result},
    prepared::Prepared,
    read::from_pattern,
    text_forms::from_default_form,
    zone::Zone,
};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    scalar::{
        Builtin, Call,
        columns::{numbers, texts},
        signature::refused,
    },
};
use arrow_array::{
    Array,
    cast::AsArray,
    types::{Float64Type, Int32Type, Int64Type},
};
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[Builtin { name: "TO_TIMESTAMP_LTZ", resolve, evaluate, deterministic: true }];

const TAKES: &str = "BIGINT or DOUBLE, [INT]) or (STRING, [STRING], [STRING]";
/// 0000-01-01 and 9999-12-31 23:59:59.999: instants outside are NULL.
const FIRST_MS: i64 = -62_167_219_200_000;
const LAST_MS: i64 = 253_402_300_799_999;

fn resolve(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    use DataType as D;
    let refuse = || refused("TO_TIMESTAMP_LTZ", arguments, TAKES);
    let first = arguments.first().ok_or_else(refuse)?;
    let result = |precision: u8| Typed::nullable(D::TimestampLtz { precision: precision.max(3) });
    let value = match &first.typed.data_type {
        D::String | D::Null => {
            let all_texts = arguments.iter().all(|a| matches!(a.typed.data_type, D::String | D::Null));
            if !all_texts || arguments.len() > 3 {
                return Err(refuse());
            }
            let pattern = arguments.get(1).and_then(literal_text);
            let precision = pattern.map_or(0, |p| p.bytes().filter(|b| *b == b'S').count().min(9) as u8);
            return Ok(Resolution { arguments: vec![D::String; arguments.len()], result: result(precision) });
        }
        D::TinyInt | D::SmallInt | D::Int | D::BigInt | D::Decimal { .. } => D::BigInt,
        D::Float | D::Double => D::Double,
        _ => return Err(refuse()),
    };
    let Some(precision) = arguments.get(1) else {
        return Ok(Resolution { arguments: vec![value], result: result(3) });
    };
    if arguments.len() > 2 || !matches!(precision.typed.data_type, D::TinyInt | D::SmallInt | D::Int | D::Null) {
        return Err(refuse());
    }
    let digits = precision.literal.and_then(arrow_cast_int);
    match digits {
        Some(digits) if !(0..=9).contains(&digits) => {
            Err(ResolveError(format!("TO_TIMESTAMP_LTZ: the precision is between 0 and 9, not {digits}")))
        }
        digits => Ok(Resolution { arguments: vec![value, D::Int], result: result(digits.map_or(3, |d| d as u8)) }),
    }
}

fn literal_text<'a>(argument: &Argument<'a>) -> Option<&'a str> {
    let literal = argument.literal?.as_string_opt::<i32>()?;
    (literal.len() == 1 && literal.is_valid(0)).then(|| literal.value(0))
}

/// The value of a constant `TINYINT`, `SMALLINT` or `INT`.
fn arrow_cast_int(literal: &arrow_array::ArrayRef) -> Option<i64> {
    use arrow_array::types::{Int8Type, Int16Type};
    if literal.len() != 1 || literal.is_null(0) {
        return None;
    }
    let small = literal.as_primitive_opt::<Int8Type>().map(|a| i64::from(a.value(0)));
    let short = || literal.as_primitive_opt::<Int16Type>().map(|a| i64::from(a.value(0)));
    small.or_else(short).or_else(|| literal.as_primitive_opt::<Int32Type>().map(|a| i64::from(a.value(0))))
}

fn evaluate(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    if texts(call, 0).is_ok() {
        return from_texts(call);
    }
    let precisions = (call.arguments.len() > 1).then(|| numbers::<Int32Type>(call, 1)).transpose()?;
    let precision = |row| precisions.as_ref().map_or(Some(3), |p| p.get(row));
    let in_range = |moment: Option<Moment>| moment.filter(|m| (FIRST_MS..=LAST_MS).contains(&m.ms));
    if let Ok(values) = numbers::<Float64Type>(call, 0) {
        return moment_result(call, |row| {
            let (Some(value), Some(precision)) = (values.get(row), precision(row)) else { return Ok(None) };
            Ok(in_range(from_fraction(value, precision)))
        });
    }
    let values = numbers::<Int64Type>(call, 0)?;
    moment_result(call, |row| {
        let (Some(value), Some(precision)) = (values.get(row), precision(row)) else { return Ok(None) };
        Ok(in_range(from_number(value, precision)))
    })
}

/// A count of units of 10^-`digits` seconds with a fraction; NaN counts as 0. As in Flink parts of a nanosecond are dropped
/// first, then, toward the past, what the result has no digits for.
fn from_fraction(value: f64, digits: i32) -> Option<Moment> {
    let nanos = (value * 10_f64.powi(9 - digits)) as i128;
    let kept = 10_i128.pow(9 - u32::try_from(digits.clamp(3, 9)).ok()?);
    let nanos = nanos.checked_sub(nanos.rem_euclid(kept))?;
    let ms = i64::try_from(nanos.div_euclid(1_000_000)).ok()?;
    Some(Moment::new(ms, i32::try_from(nanos.rem_euclid(1_000_000)).ok()?))
}

/// A count of units of 10^-`digits` seconds.
fn from_number(value: i64, digits: i32) -> Option<Moment> {
    let power = |n: i32| 10i64.checked_pow(u32::try_from(n).ok()?);
    match digits {
        0..=3 => Some(Moment::new(value.checked_mul(power(3 - digits)?)?, 0)),
        4..=9 => {
            let (units, nanos) = (power(digits - 3)?, power(9 - digits)?);
            Some(Moment::new(value.div_euclid(units), i32::try_from(value.rem_euclid(units) * nanos).ok()?))
        }
        _ => None,
    }
}

/// A text is a time in UTC unless a zone is given. Without a pattern, a text that is no time is an error; with one, NULL.
fn from_texts(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    let DataType::TimestampLtz { precision } = call.result.data_type else {
        return Err(EvaluationError("TO_TIMESTAMP_LTZ answers TIMESTAMP_LTZ".to_owned()));
    };
    let cut = |moment: Moment| Moment::new(moment.ms, if precision <= 3 { 0 } else { moment.nanos });
    if call.arguments.len() < 2 {
        return moment_result(call, |row| {
            let Some(value) = values.get(row) else { return Ok(None) };
            let moment = from_default_form(value);
            moment.map(|m| Some(cut(m))).ok_or_else(|| EvaluationError(format!("TO_TIMESTAMP_LTZ: '{}' is not a time", shortened(value))))
        });
    }
    let mut formats = Prepared::new(texts(call, 1)?, Formatter::compile);
    let zone: fn(&str) -> Result<Zone, EvaluationError> =
        |id| Zone::strict(id).ok_or_else(|| EvaluationError(format!("TO_TIMESTAMP_LTZ: '{}' is not a zone", shortened(id))));
    let mut zones = (call.arguments.len() > 2).then(|| texts(call, 2).map(|t| Prepared::new(t, zone))).transpose()?;
    moment_result(call, |row| {
        let (Some(value), Some(formatter)) = (values.get(row), formats.get(row)?) else { return Ok(None) };
        let zone = match zones.as_mut() {
            None => Zone::Fixed(0),
            Some(zones) => match zones.get(row)? {
                None => return Ok(None),
                Some(zone) => *zone,
            },
        };
        let Some(wall) = from_pattern(formatter, value) else { return Ok(None) };
        let seconds = zone.instant_of_earlier(wall.ms.div_euclid(1_000));
        Ok(seconds.checked_mul(1_000).map(|ms| cut(Moment::new(ms + wall.ms.rem_euclid(1_000), wall.nanos))))
    })
}

/// The start of a text, for a message.
fn shortened(text: &str) -> &str {
    text.char_indices().nth(64).map_or(text, |(end, _)| &text[..end])
}
