//! `PRINTF`: a format of `java.util.Formatter` and its arguments.
//!
//! As in Flink, a format that Java refuses, or that does not fit the arguments, is NULL. What Java would answer but is not
//! written here (`%t` of a `BIGINT`, `%h` of other values than integers) is an error, never another answer.

mod float;
mod integer;
mod specifier;

use super::utf16::Units;
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    cast::{TextForm, to_text_as},
    scalar::{
        Builtin, Call,
        columns::{check_value, text_result, texts},
        signature::refused,
    },
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array, StringArray,
    cast::AsArray,
    types::{Float32Type, Float64Type, Int64Type},
};
use arrow_schema::{DataType as Arrow, TimeUnit};
use millrace_model::DataType;
use specifier::{Conversion, Index, Piece, Specifier};
use std::fmt::Write;

pub(super) const FUNCTIONS: &[Builtin] = &[Builtin { name: "PRINTF", resolve, evaluate, deterministic: true }];

fn resolve(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    use DataType::{Array, Bitmap, Bytes, Map, Multiset, Null, Row, String};
    let [format, values @ ..] = arguments else { return Err(refused("PRINTF", arguments, "STRING, …")) };
    // Flink prints the hash codes of its own objects for these.
    let is_printable = |a: &Argument<'_>| !matches!(a.typed.data_type, Array(_) | Map(..) | Multiset(_) | Row(_) | Bytes | Bitmap);
    if !matches!(format.typed.data_type, String | Null) || !values.iter().all(is_printable) {
        return Err(refused("PRINTF", arguments, "STRING, and texts, numbers, truth values or points in time"));
    }
    let mut casts: Vec<DataType> = arguments.iter().map(|a| a.typed.data_type.clone()).collect();
    casts[0] = String;
    Ok(Resolution { arguments: casts, result: Typed::nullable(String) })
}

/// Why a row has no text.
enum Failure {
    /// Java refuses the format or the argument.
    Null,
    /// Java has an answer, we do not.
    Error(EvaluationError),
}

impl From<EvaluationError> for Failure {
    fn from(error: EvaluationError) -> Self {
        Self::Error(error)
    }
}

impl From<std::fmt::Error> for Failure {
    fn from(_: std::fmt::Error) -> Self {
        Self::Error(EvaluationError("PRINTF: a text did not fit into memory".to_owned()))
    }
}

type Written = Result<(), Failure>;

/// An argument of one row.
enum Value<'a> {
    Null,
    Text(&'a str),
    Boolean(bool),
    /// A number and the width of its type in Java.
    Integer(i64, u32),
    /// A number, and its text when it is a `FLOAT`.
    Float(f64, Option<f32>),
    /// Something that has a text only.
    Other(&'a str),
}

/// A column of arguments.
enum Column {
    Null,
    Text(StringArray),
    Boolean(BooleanArray),
    Integer(Int64Array, u32),
    Float(Float32Array),
    Double(Float64Array),
    Other(StringArray),
}

impl Column {
    fn new(array: &ArrayRef, call: &Call<'_>) -> Result<Self, EvaluationError> {
        let integers = |bits| -> Result<Self, EvaluationError> {
            Ok(Self::Integer(arrow_cast::cast(array, &Arrow::Int64)?.as_primitive::<Int64Type>().clone(), bits))
        };
        Ok(match array.data_type() {
            Arrow::Null => Self::Null,
            Arrow::Utf8 => Self::Text(array.as_string().clone()),
            Arrow::Boolean => Self::Boolean(array.as_boolean().clone()),
            Arrow::Int8 => integers(8)?,
            Arrow::Int16 => integers(16)?,
            // Dates and times are Java's `int` inside Flink: days, and milliseconds of the day.
            Arrow::Int32 | Arrow::Date32 => {
                let numbers = arrow_cast::cast(array, &Arrow::Int32)?;
                Self::Integer(arrow_cast::cast(&numbers, &Arrow::Int64)?.as_primitive::<Int64Type>().clone(), 32)
            }
            Arrow::Time32(_) | Arrow::Time64(_) => {
                let times = arrow_cast::cast(array, &Arrow::Time32(TimeUnit::Millisecond))?;
                let numbers = arrow_cast::cast(&times, &Arrow::Int32)?;
                Self::Integer(arrow_cast::cast(&numbers, &Arrow::Int64)?.as_primitive::<Int64Type>().clone(), 32)
            }
            Arrow::Int64 => integers(64)?,
            Arrow::Float32 => Self::Float(array.as_primitive::<Float32Type>().clone()),
            Arrow::Float64 => Self::Double(array.as_primitive::<Float64Type>().clone()),
            Arrow::Decimal128(precision, scale) => {
                let data_type = DataType::Decimal { precision: *precision, scale: scale.unsigned_abs() };
                Self::Other(to_text_as(array, &data_type, TextForm::Cast, call.context)?)
            }
            Arrow::Timestamp(unit, _) => Self::Other(iso_timestamps(array, *unit)?),
            other => return Err(EvaluationError(format!("PRINTF cannot print {other}"))),
        })
    }

    fn get(&self, at: usize) -> Value<'_> {
        macro_rules! valid {
            ($array:expr, $value:expr) => {
                if $array.is_null(at) { Value::Null } else { $value }
            };
        }
        match self {
            Self::Null => Value::Null,
            Self::Text(a) => valid!(a, Value::Text(a.value(at))),
            Self::Boolean(a) => valid!(a, Value::Boolean(a.value(at))),
            Self::Integer(a, bits) => valid!(a, Value::Integer(a.value(at), *bits)),
            Self::Float(a) => valid!(a, Value::Float(f64::from(a.value(at)), Some(a.value(at)))),
            Self::Double(a) => valid!(a, Value::Float(a.value(at), None)),
            Self::Other(a) => valid!(a, Value::Other(a.value(at))),
        }
    }
}

/// Timestamps as `java.time.LocalDateTime` prints them: seconds only when they or what follows are not 0, the fraction in
/// groups of three digits.
fn iso_timestamps(array: &ArrayRef, unit: TimeUnit) -> Result<StringArray, EvaluationError> {
    let nanos = arrow_cast::cast(array, &Arrow::Timestamp(unit, None))?;
    let units_per_second = match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    };
    let numbers = arrow_cast::cast(&nanos, &Arrow::Int64)?;
    let texts = numbers.as_primitive::<Int64Type>().iter().map(|value| {
        let value = value?;
        let (seconds, rest) = (value.div_euclid(units_per_second), value.rem_euclid(units_per_second));
        let time = chrono::DateTime::from_timestamp(seconds, (rest * (1_000_000_000 / units_per_second)) as u32)?;
        let shown = match (seconds % 60, rest * (1_000_000_000 / units_per_second)) {
            (0, 0) => "%Y-%m-%dT%H:%M",
            (_, 0) => "%Y-%m-%dT%H:%M:%S",
            (_, nanos) if nanos % 1_000_000 == 0 => "%Y-%m-%dT%H:%M:%S%.3f",
            (_, nanos) if nanos % 1_000 == 0 => "%Y-%m-%dT%H:%M:%S%.6f",
            _ => "%Y-%m-%dT%H:%M:%S%.9f",
        };
        Some(time.format(shown).to_string())
    });
    Ok(texts.collect())
}

fn evaluate(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let formats = texts(call, 0)?;
    let columns = call.arguments.iter().skip(1).map(|a| Column::new(a.inner(), call)).collect::<Result<Vec<_>, _>>()?;
    // The format of the row before, which most often is that of all rows.
    let mut prepared: Option<(&str, Option<Vec<Piece<'_>>>)> = None;
    let mut line = String::new();
    text_result(call, |row, out| {
        let Some(format) = formats.get(row) else { return Ok(false) };
        if !prepared.as_ref().is_some_and(|(known, _)| std::ptr::eq(*known, format) || *known == format) {
            prepared = Some((format, specifier::parse(format)));
        }
        let Some((_, Some(pieces))) = &prepared else { return Ok(false) };
        line.clear();
        let argument = |index: usize| columns.get(index).zip(call.arguments.get(index + 1)).map(|(c, a)| c.get(a.index(row)));
        match print(pieces, argument, &mut line) {
            Ok(()) => out.push_str(&line).map(|()| true),
            Err(Failure::Null) => Ok(false),
            Err(Failure::Error(error)) => Err(error),
        }
    })
}

fn print<'a>(pieces: &[Piece<'_>], argument: impl Fn(usize) -> Option<Value<'a>>, out: &mut String) -> Written {
    let (mut ordinary, mut last) = (0, None);
    for piece in pieces {
        let specifier = match piece {
            Piece::Text(text) => {
                out.push_str(text);
                continue;
            }
            Piece::Specifier(specifier) => specifier,
        };
        check_value(specifier.width.unwrap_or(0).max(specifier.precision.unwrap_or(0)).saturating_add(out.len()))?;
        match specifier.conversion {
            Conversion::Percent => justify("%", specifier, out),
            Conversion::LineEnd => out.push('\n'),
            _ => {
                let index = match specifier.index {
                    Index::Next => {
                        ordinary += 1;
                        Some(ordinary - 1)
                    }
                    Index::Number(number) => Some(number - 1),
                    Index::Same => last,
                };
                last = index;
                let value = index.and_then(&argument).ok_or(Failure::Null)?;
                print_value(&value, specifier, out)?;
            }
        }
    }
    Ok(())
}

fn print_value(value: &Value<'_>, specifier: &Specifier, out: &mut String) -> Written {
    match (specifier.conversion, value) {
        (Conversion::Truth, Value::Null) => print_text("false", specifier, out),
        (Conversion::Truth, Value::Boolean(truth)) => print_text(if *truth { "true" } else { "false" }, specifier, out),
        (Conversion::Truth, _) => print_text("true", specifier, out),
        (_, Value::Null) => print_text("null", specifier, out),
        (Conversion::Text, Value::Text(text) | Value::Other(text)) => print_text(text, specifier, out),
        (Conversion::Text, Value::Boolean(truth)) => print_text(if *truth { "true" } else { "false" }, specifier, out),
        (Conversion::Text, Value::Integer(number, _)) => print_text(&number.to_string(), specifier, out),
        (Conversion::Text, Value::Float(number, single)) => {
            let mut text = String::new();
            match single {
                Some(single) => crate::cast::write_f32(*single, &mut text)?,
                None => crate::cast::write_f64(*number, &mut text)?,
            }
            print_text(&text, specifier, out)
        }
        (Conversion::Hash, Value::Integer(number, 8..=32)) => print_text(&format!("{:x}", *number as i32), specifier, out),
        (Conversion::Hash, Value::Boolean(truth)) => print_text(if *truth { "4cf" } else { "4d5" }, specifier, out),
        (Conversion::Hash, _) => Err(Failure::Error(EvaluationError("PRINTF: `%h` is supported for INT and BOOLEAN only".to_owned()))),
        (Conversion::Character, Value::Integer(number, 8..=32)) => {
            let character = u32::try_from(*number).ok().and_then(char::from_u32).ok_or(Failure::Null)?;
            print_text(character.encode_utf8(&mut [0; 4]), specifier, out)
        }
        (Conversion::Decimal | Conversion::Octal | Conversion::Hexadecimal, Value::Integer(number, bits)) => {
            integer::print(*number, *bits, specifier, out)
        }
        (Conversion::Scientific | Conversion::Fixed | Conversion::General | Conversion::HexadecimalFloat, Value::Float(number, _)) => {
            float::print(*number, specifier, out)
        }
        (Conversion::Time, Value::Integer(_, 64)) => {
            Err(Failure::Error(EvaluationError("PRINTF: `%t` is not supported; DATE_FORMAT writes points in time".to_owned())))
        }
        _ => Err(Failure::Null),
    }
}

/// A text, cut to the precision and brought to the width; both count UTF-16 units.
fn print_text(text: &str, specifier: &Specifier, out: &mut String) -> Written {
    if specifier.conversion == Conversion::Text && specifier.flags.alternate {
        return Err(Failure::Null);
    }
    let units = Units::new(text);
    let shown = match specifier.precision {
        Some(precision) if precision < units.len() => units.cut(precision),
        _ => std::borrow::Cow::Borrowed(text),
    };
    if specifier.is_upper {
        justify(&shown.to_uppercase(), specifier, out)
    } else {
        justify(&shown, specifier, out)
    }
    Ok(())
}

/// Appends a text, with blanks before or behind it up to the width.
fn justify(text: &str, specifier: &Specifier, out: &mut String) {
    let missing = specifier.width.unwrap_or(0).saturating_sub(Units::new(text).len());
    if !specifier.flags.left {
        out.extend(std::iter::repeat_n(' ', missing));
    }
    out.push_str(text);
    if specifier.flags.left {
        out.extend(std::iter::repeat_n(' ', missing));
    }
}

/// The sign before a number, in Java's order: a parenthesis stands for a minus.
fn leading_sign(is_negative: bool, specifier: &Specifier, out: &mut String) {
    match (is_negative, &specifier.flags) {
        (true, flags) => out.push(if flags.parentheses { '(' } else { '-' }),
        (false, flags) if flags.plus => out.push('+'),
        (false, flags) if flags.space => out.push(' '),
        _ => {}
    }
}

/// Appends the digits of a number, whole part grouped when asked for, and puts zeros behind what stands in `out` until it
/// is `width` long.
fn magnitude(digits: &str, specifier: &Specifier, width: Option<usize>, out: &mut String) -> Written {
    let start = out.len();
    let (whole, rest) = digits.split_at(digits.find(['.', 'e', 'E']).unwrap_or(digits.len()));
    if specifier.flags.group {
        for (position, digit) in whole.chars().enumerate() {
            if position > 0 && (whole.len() - position).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
    } else {
        out.push_str(whole);
    }
    out.push_str(rest);
    if specifier.flags.zeros {
        let missing = width.unwrap_or(0).saturating_sub(out.len());
        let zeros: String = std::iter::repeat_n('0', missing).collect();
        out.insert_str(start, &zeros);
    }
    Ok(())
}

/// The width that is left for a number when a closing parenthesis follows.
fn adjusted(width: Option<usize>, is_negative: bool, specifier: &Specifier) -> Option<usize> {
    width.map(|width| if is_negative && specifier.flags.parentheses { width.saturating_sub(1) } else { width })
}

/// Writes a formatted number: sign, `body`, closing parenthesis; then justified.
fn number(is_negative: bool, specifier: &Specifier, out: &mut String, body: impl FnOnce(&mut String) -> Written) -> Written {
    let mut text = String::new();
    leading_sign(is_negative, specifier, &mut text);
    body(&mut text)?;
    if is_negative && specifier.flags.parentheses {
        text.write_char(')')?;
    }
    justify(&text, specifier, out);
    Ok(())
}
