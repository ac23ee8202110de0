//! `PARSE_JSON` and `TRY_PARSE_JSON`: texts as values of type VARIANT, and parts of such values.
//!
//! A VARIANT is carried as its text: keys in order, whole numbers and decimals of up to 38 digits plainly and without zeros at
//! the end, other numbers as `DOUBLE`. That is what `JSON_STRING` answers for it.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    json::{
        Document, Node, Reader,
        write::{Sink, put_java_double, put_text, put_value, put_value_with},
    },
    scalar::{
        Builtin, Call,
        columns::{TextWriter, argument, booleans, columnar, extent, numbers, texts},
        signature::{Accepts, Nulls, Signature},
    },
};
use arrow_array::{Array, LargeStringArray, StringArray, cast::AsArray, types::Int64Type};
use arrow_cast::cast as arrow_cast;
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "PARSE_JSON",
        resolve: |a| resolve("PARSE_JSON", Nulls::FromArguments, a),
        evaluate: |call| parse(call, false),
        deterministic: true,
    },
    Builtin {
        name: "TRY_PARSE_JSON",
        resolve: |a| resolve("TRY_PARSE_JSON", Nulls::Always, a),
        evaluate: |call| parse(call, true),
        deterministic: true,
    },
];

/// Most digits of a decimal.
const DIGITS_MAX: usize = 38;

fn resolve(name: &str, nulls: Nulls, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    Signature { name, required: &[Accepts::Text], optional: &[Accepts::Boolean], repeats: false, nulls }
        .resolve(arguments, DataType::Variant)
}

/// Texts as a column of variants.
fn variants(texts: &StringArray, is_scalar: bool) -> Result<Columnar, EvaluationError> {
    Ok(columnar(arrow_cast(texts, &Arrow::LargeUtf8)?, is_scalar))
}

fn parse(call: &Call<'_>, is_try: bool) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    let allows_repeats = (call.arguments.len() > 1).then(|| booleans(call, 1)).transpose()?;
    let mut reader = Reader::default();
    let (rows, is_scalar) = extent(call);
    let mut writer = TextWriter::new(rows);
    for row in 0..rows {
        let allows = allows_repeats.as_ref().map_or(Some(false), |allows| allows.get(row));
        let is_valid = match (values.get(row), allows) {
            (Some(text), Some(allows)) => match put_variant(&mut reader, text, allows, &mut writer)? {
                Ok(()) => true,
                Err(_) if is_try => false,
                Err(reason) => return Err(EvaluationError(format!("PARSE_JSON: {reason}"))),
            },
            _ => false,
        };
        writer.end(is_valid);
    }
    variants(&writer.finish(), is_scalar)
}

/// Appends the text of a variant; the inner error says why a text is none.
fn put_variant(reader: &mut Reader, text: &str, allows_repeats: bool, out: &mut TextWriter) -> Result<Result<(), String>, EvaluationError> {
    let document = match reader.read(text) {
        Ok(document) => document,
        Err(error) => return Ok(Err(format!("the text is no JSON: {error}"))),
    };
    if document.has_repeated_keys() && !allows_repeats {
        return Ok(Err("a key of an object comes more than once".to_owned()));
    }
    put_value_with(&document, Document::ROOT, 0, put_scalar, out)?;
    Ok(Ok(()))
}

fn put_scalar(document: &Document<'_>, at: u32, out: &mut TextWriter) -> Result<(), EvaluationError> {
    match document.node(at) {
        Node::Boolean(truth) => out.put(if truth { "true" } else { "false" }),
        Node::Integer(_) | Node::Float(_) => {
            let digits = document.number(at).unwrap_or_default();
            match plain(digits) {
                Some("" | "-" | "-0") => out.put("0"),
                Some(plain) => out.put(plain),
                None => put_double(digits, out),
            }
        }
        Node::Plain(_) | Node::Decoded(_) => put_text(document.text(at).unwrap_or_default(), out),
        _ => out.put("null"),
    }
}

/// The digits of a number that is kept as a decimal, without zeros at the end; `None` for what becomes a `DOUBLE`.
fn plain(digits: &str) -> Option<&str> {
    if digits.contains(['e', 'E']) {
        return None;
    }
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let significant = if whole == "0" { fraction.trim_start_matches('0').len() } else { whole.len() + fraction.len() };
    if significant > DIGITS_MAX || fraction.len() > DIGITS_MAX {
        return None;
    }
    let stripped = if fraction.is_empty() { digits } else { digits.trim_end_matches('0').trim_end_matches('.') };
    Some(stripped)
}

fn put_double(digits: &str, out: &mut TextWriter) -> Result<(), EvaluationError> {
    let number = digits.parse::<f64>().map_err(|error| EvaluationError(format!("a number of a variant: {error}")))?;
    put_java_double(number, out)
}

/// How `ITEM` is called for a variant; `None` when the index is no number and no text.
pub(in crate::scalar) fn resolve_item(index: &Argument<'_>) -> Option<Resolution> {
    let index = match index.typed.data_type {
        DataType::String if index.symbol.is_none() => DataType::String,
        DataType::TinyInt | DataType::SmallInt | DataType::Int | DataType::BigInt => DataType::BigInt,
        _ => return None,
    };
    Some(Resolution { arguments: vec![DataType::Variant, index], result: Typed::nullable(DataType::Variant) })
}

/// `variant['key']` and `variant[1]`.
pub(in crate::scalar) fn item(call: &Call<'_>, source: &LargeStringArray) -> Result<Columnar, EvaluationError> {
    let index = argument(call, 1)?;
    let keys = index.inner().as_string_opt::<i32>();
    let places = if keys.is_none() { Some(numbers::<Int64Type>(call, 1)?) } else { None };
    let column = argument(call, 0)?;
    let mut reader = Reader::default();
    let (rows, is_scalar) = extent(call);
    let mut writer = TextWriter::new(rows);
    for row in 0..rows {
        let at = column.index(row);
        if source.is_null(at) || index.is_null(row) {
            writer.end(false);
            continue;
        }
        // Infinity, which an exponent can lead to, is the one value that is no JSON.
        let document = reader.read(source.value(at));
        let document = document.map_err(|_| EvaluationError("a VARIANT that holds an infinite number has no parts".to_owned()))?;
        let found = match (keys, &places, document.node(Document::ROOT)) {
            (Some(keys), _, Node::Object { .. }) => document.member(Document::ROOT, keys.value(index.index(row))),
            (None, Some(places), Node::Array { .. }) => {
                let place = places.get(row).and_then(|place| usize::try_from(place.checked_sub(1)?).ok());
                place.and_then(|place| document.elements(Document::ROOT).nth(place))
            }
            (Some(_), ..) => return Err(EvaluationError("a key is looked up in a VARIANT that is no object".to_owned())),
            (None, ..) => return Err(EvaluationError("an index is looked up in a VARIANT that is no array".to_owned())),
        };
        if let Some(found) = found {
            put_value_with(&document, found, 0, put_as_it_is, &mut writer)?;
        }
        writer.end(found.is_some());
    }
    variants(&writer.finish(), is_scalar)
}

/// Numbers of a variant are written already.
fn put_as_it_is(document: &Document<'_>, at: u32, out: &mut TextWriter) -> Result<(), EvaluationError> {
    match document.number(at) {
        Some(digits) => out.put(digits),
        None => Ok(put_value(document, at, 0, out)?),
    }
}
