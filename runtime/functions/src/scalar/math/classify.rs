//! `IS_ALPHA`, `IS_DECIMAL` and `IS_DIGIT`; the text NULL is none of them. Of numbers only the type counts, as in Flink:
//! `IS_DIGIT` holds for any `INT`, NULL too.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    cast::is_java_float,
    coercion::is_numeric,
    scalar::{
        Builtin, Call,
        columns::{argument, boolean_result, texts},
        signature::refused,
    },
};
use arrow_array::{ArrayRef, BooleanArray};
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;
use regex::Regex;
use std::sync::{Arc, LazyLock};

static LETTERS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{L}+$").ok());
static DIGITS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Nd}+$").ok());

fn is_all(regex: &LazyLock<Option<Regex>>, text: &str, ascii: fn(&u8) -> bool) -> bool {
    if text.is_ascii() {
        return !text.is_empty() && text.as_bytes().iter().all(ascii);
    }
    // Flink looks at UTF-16 units, of which no surrogate is a letter or a digit.
    text.chars().all(|c| c <= '\u{ffff}') && regex.as_ref().is_some_and(|regex| regex.is_match(text))
}

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "IS_ALPHA",
        resolve: |arguments| resolve("IS_ALPHA", arguments),
        evaluate: |call| classify(call, |_| false, |text| is_all(&LETTERS, text, u8::is_ascii_alphabetic)),
        deterministic: true,
    },
    Builtin {
        name: "IS_DECIMAL",
        resolve: |arguments| resolve("IS_DECIMAL", arguments),
        evaluate: |call| classify(call, |_| true, |text| is_java_float(text) || is_hexadecimal_float(text) || is_integer(text)),
        deterministic: true,
    },
    Builtin {
        name: "IS_DIGIT",
        resolve: |arguments| resolve("IS_DIGIT", arguments),
        evaluate: |call| classify(call, Arrow::is_integer, |text| is_all(&DIGITS, text, u8::is_ascii_digit)),
        deterministic: true,
    },
];

/// A whole number in the digits of any script, as Java's `Long.parseLong` reads it.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_digits = !digits.is_ascii() && is_all(&DIGITS, digits, u8::is_ascii_digit);
    // 18 digits fit in any case; leading zeros of 19 are not worth a table of digits.
    is_digits && digits.chars().count() <= 18
}

/// Java's `0x1.8p3`.
fn is_hexadecimal_float(text: &str) -> bool {
    let text = text.trim_matches(|c: char| c <= ' ');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let Some(digits) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) else { return false };
    let digits = digits.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(digits);
    let Some((mantissa, exponent)) = digits.split_once(['p', 'P']) else { return false };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_mantissa = whole.len() + fraction.len() > 0 && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_hexdigit());
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    is_mantissa && !exponent.is_empty() && exponent.bytes().all(|b| b.is_ascii_digit())
}

fn resolve(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    match arguments {
        [Argument { typed, .. }] if matches!(typed.data_type, DataType::String | DataType::Null) => {
            Ok(Resolution { arguments: vec![DataType::String], result: Typed::not_null(DataType::Boolean) })
        }
        [Argument { typed, .. }] if is_numeric(&typed.data_type) => {
            Ok(Resolution { arguments: vec![typed.data_type.clone()], result: Typed::not_null(DataType::Boolean) })
        }
        _ => Err(refused(name, arguments, "STRING or a number")),
    }
}

fn classify(call: &Call<'_>, numbers_are: fn(&Arrow) -> bool, holds: impl Fn(&str) -> bool) -> Result<Columnar, EvaluationError> {
    let column = argument(call, 0)?;
    if *column.inner().data_type() != Arrow::Utf8 {
        let answer: ArrayRef = Arc::new(BooleanArray::from(vec![numbers_are(column.inner().data_type())]));
        return Ok(Columnar::Scalar(answer));
    }
    let values = texts(call, 0)?;
    boolean_result(call, |row| Ok(Some(values.get(row).is_some_and(&holds))))
}
