//! `JSON_VALUE`.

use super::{Failure, Selected, Selector, check_path, keywords};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed, cast,
    json::{
        Document, Node,
        path::{Item, Mode, Selection},
        write::{Sink, put_display, put_java_double, put_number},
    },
    scalar::{
        Builtin, Call,
        columns::{boolean_result, booleans, number_result, numbers, text_result, texts},
        signature::refused,
    },
};
use arrow_array::types::{Float64Type, Int32Type};
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[Builtin { name: "JSON_VALUE", resolve, evaluate: value, deterministic: true }];

const TAKES: &str = "STRING, path, [RETURNING type], [NULL or ERROR or DEFAULT value ON EMPTY], [… ON ERROR]";

/// The type behind `RETURNING`.
pub(super) fn returning(arguments: &[Argument<'_>], name: &str) -> Result<Option<DataType>, ResolveError> {
    let Some(text) = arguments.iter().find_map(|a| a.symbol?.strip_prefix("RETURNING ")) else { return Ok(None) };
    text.parse().map(Some).map_err(|error| ResolveError(format!("{name} RETURNING: {error}")))
}

fn resolve(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let refuse = || refused("JSON_VALUE", arguments, TAKES);
    let result = returning(arguments, "JSON_VALUE")?.unwrap_or(DataType::String);
    if !matches!(result, DataType::String | DataType::Boolean | DataType::Int | DataType::Double) {
        return Err(ResolveError(format!(
            "JSON_VALUE returns STRING, BOOLEAN, INT or DOUBLE, not {result}; for other types cast the STRING that it returns"
        )));
    }
    let mut types = Vec::with_capacity(arguments.len());
    let mut is_default = false;
    for (index, argument) in arguments.iter().enumerate() {
        types.push(match argument.symbol {
            None if index < 2 && matches!(argument.typed.data_type, DataType::String | DataType::Null) => DataType::String,
            None if is_default && cast::is_castable(&argument.typed.data_type, &result) => result.clone(),
            Some(symbol) if index >= 2 && !is_default => {
                let is_known = symbol.starts_with("RETURNING ")
                    || matches!(symbol.split_once(" ON "), Some(("NULL" | "ERROR" | "DEFAULT", "EMPTY" | "ERROR")));
                if !is_known {
                    return Err(refuse());
                }
                DataType::String
            }
            _ => return Err(refuse()),
        });
        is_default = argument.symbol.is_some_and(|symbol| symbol.starts_with("DEFAULT "));
    }
    if types.len() < 2 || is_default {
        return Err(refuse());
    }
    check_path("JSON_VALUE", arguments.get(1))?;
    Ok(Resolution { arguments: types, result: Typed::nullable(result) })
}

/// What is answered in place of a value.
#[derive(Debug, Clone, Copy)]
enum Instead {
    Null,
    Error,
    /// The argument that holds it.
    Default(usize),
}

struct Clauses {
    on_empty: Instead,
    on_error: Instead,
}

impl Clauses {
    fn of(call: &Call<'_>) -> Self {
        let mut clauses = Self { on_empty: Instead::Null, on_error: Instead::Null };
        for (index, keyword) in keywords(call, 2) {
            let Some((behaviour, event)) = keyword.split_once(" ON ") else { continue };
            let instead = match behaviour {
                "ERROR" => Instead::Error,
                "DEFAULT" => Instead::Default(index + 1),
                _ => Instead::Null,
            };
            if event == "EMPTY" {
                clauses.on_empty = instead;
            } else {
                clauses.on_error = instead;
            }
        }
        clauses
    }
}

/// What a row comes to.
enum Answer<'d> {
    Null,
    Default(usize),
    Scalar(Document<'d>, Item<'d>),
}

fn is_scalar(document: &Document<'_>, item: &Item<'_>) -> bool {
    match item {
        Item::Node(at) => !document.node(*at).is_container(),
        Item::Picked(_) | Item::Keys(_) => false,
        Item::Count(_) | Item::Double(_) | Item::Text(_) | Item::Null => true,
    }
}

fn answer<'d>(selected: Result<Selected<'d>, Failure>, path: &str, clauses: &Clauses) -> Result<Answer<'d>, EvaluationError> {
    let failure = match selected {
        Ok(Selected { document: Some(document), selection: Selection::One(item), .. }) if is_scalar(&document, &item) => {
            return Ok(Answer::Scalar(document, item));
        }
        Ok(Selected { mode: Mode::Lax, .. }) => {
            return match clauses.on_empty {
                Instead::Null => Ok(Answer::Null),
                Instead::Default(index) => Ok(Answer::Default(index)),
                Instead::Error => Err(EvaluationError(format!("JSON_VALUE: the JSON path '{path}' finds no scalar"))),
            };
        }
        Ok(Selected { mode: Mode::Strict, .. }) => Failure::Kind(path.to_owned(), "a scalar"),
        Err(failure) => failure,
    };
    match clauses.on_error {
        Instead::Null => Ok(Answer::Null),
        Instead::Default(index) => Ok(Answer::Default(index)),
        Instead::Error => Err(EvaluationError(format!("JSON_VALUE: {failure}"))),
    }
}

/// Appends a scalar as text: strings without quotes.
pub(super) fn put_plain(document: &Document<'_>, item: &Item<'_>, out: &mut impl Sink) -> Result<(), EvaluationError> {
    match item {
        Item::Node(at) => match document.node(*at) {
            Node::Boolean(truth) => out.put(if truth { "true" } else { "false" }),
            node @ (Node::Integer(_) | Node::Float(_)) => put_number(node, document.number(*at).unwrap_or_default(), out),
            _ => out.put(document.text(*at).unwrap_or_default()),
        },
        Item::Text(text) => out.put(text),
        Item::Count(count) => put_display(count, out),
        Item::Double(number) => put_java_double(*number, out),
        Item::Null | Item::Picked(_) | Item::Keys(_) => Ok(()),
    }
}

fn wrong_type(expected: &str, document: &Document<'_>, item: &Item<'_>) -> EvaluationError {
    let mut text = String::new();
    // What is too long to be shown is not shown.
    let _ = put_plain(document, item, &mut text);
    let shown: String = text.chars().take(100).collect();
    EvaluationError(format!("JSON_VALUE: found '{shown}', expected {expected}"))
}

fn value(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, paths) = (texts(call, 0)?, texts(call, 1)?);
    let mut selector = Selector::new(texts(call, 1)?);
    let clauses = Clauses::of(call);
    // A macro would hide less than a closure that lends a document to a closure: each type reads the rows by this loop.
    macro_rules! rows {
        ($row:ident) => {{
            let (Some(text), Some(path)) = (values.get($row), paths.get($row)) else { return Ok(None) };
            match selector.select($row, text)? {
                None => Answer::Null,
                Some(selected) => answer(selected, path, &clauses)?,
            }
        }};
    }
    match call.result.data_type {
        DataType::Boolean => boolean_result(call, |row| {
            Ok(match rows!(row) {
                Answer::Null => None,
                Answer::Default(index) => booleans(call, index)?.get(row),
                Answer::Scalar(document, item) => match &item {
                    Item::Node(at) if matches!(document.node(*at), Node::Boolean(_)) => Some(document.node(*at) == Node::Boolean(true)),
                    _ => return Err(wrong_type("a BOOLEAN", &document, &item)),
                },
            })
        }),
        DataType::Int => number_result::<Int32Type>(call, |row| {
            Ok(match rows!(row) {
                Answer::Null => None,
                Answer::Default(index) => numbers::<Int32Type>(call, index)?.get(row),
                Answer::Scalar(document, item) => Some(integer(&document, &item).ok_or_else(|| wrong_type("an INT", &document, &item))?),
            })
        }),
        DataType::Double => number_result::<Float64Type>(call, |row| {
            Ok(match rows!(row) {
                Answer::Null => None,
                Answer::Default(index) => numbers::<Float64Type>(call, index)?.get(row),
                Answer::Scalar(document, item) => {
                    Some(double(&document, &item).ok_or_else(|| wrong_type("a number with a fraction or exponent", &document, &item))?)
                }
            })
        }),
        _ => text_result(call, |row, out| {
            let (Some(text), Some(path)) = (values.get(row), paths.get(row)) else { return Ok(false) };
            let Some(selected) = selector.select(row, text)? else { return Ok(false) };
            match answer(selected, path, &clauses)? {
                Answer::Null => Ok(false),
                Answer::Default(index) => match texts(call, index)?.get(row) {
                    Some(default) => out.push_str(default).map(|()| true),
                    None => Ok(false),
                },
                Answer::Scalar(document, item) => put_plain(&document, &item, out).map(|()| true),
            }
        }),
    }
}

fn integer(document: &Document<'_>, item: &Item<'_>) -> Option<i32> {
    match item {
        Item::Node(at) if matches!(document.node(*at), Node::Integer(_)) => document.number(*at)?.parse().ok(),
        Item::Count(count) => i32::try_from(*count).ok(),
        _ => None,
    }
}

/// Flink takes only what it reads as a decimal: `2.0`, but not `2`.
fn double(document: &Document<'_>, item: &Item<'_>) -> Option<f64> {
    match item {
        Item::Node(at) if matches!(document.node(*at), Node::Float(_)) => document.number(*at)?.parse().ok(),
        _ => None,
    }
}
