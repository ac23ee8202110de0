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
    regex.as_ref().is_some_and(|regex| regex.is_match(text))
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
        evaluate: |call| classify(call, |_| true, is_java_float),
        deterministic: true,
    },
    Builtin {
        name: "IS_DIGIT",
        resolve: |arguments| resolve("IS_DIGIT", arguments),
        evaluate: |call| classify(call, Arrow::is_integer, |text| is_all(&DIGITS, text, u8::is_ascii_digit)),
        deterministic: true,
    },
];

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
