//! Values as JSON texts.

use super::Update;
use crate::{Columnar, EvaluationContext, EvaluationError, FunctionRegistry, Typed, scalar};
use arrow_array::{ArrayRef, cast::AsArray};
use millrace_model::DataType;
use std::cmp::Ordering;

/// Turns a column of values into a column of JSON texts, by the scalar function `JSON_STRING`.
pub(super) struct JsonText {
    from: DataType,
}

impl JsonText {
    /// For values of this type.
    pub(super) fn new(from: &DataType) -> Self {
        Self { from: from.clone() }
    }

    /// The texts of an argument; `is_json` says that it holds such already.
    pub(super) fn column(&self, update: &Update<'_>, index: usize, is_json: bool) -> Result<ArrayRef, EvaluationError> {
        let column = super::column::argument(update, index, &self.from.to_arrow())?;
        if is_json {
            return match column.as_string_opt::<i32>() {
                Some(_) => Ok(column.clone()),
                None => Err(EvaluationError(format!("FORMAT JSON needs a string, not {}", self.from))),
            };
        }
        let registry = FunctionRegistry::builtin();
        let function = registry.scalar("JSON_STRING").ok_or_else(|| EvaluationError("JSON_STRING is missing".to_owned()))?;
        let rows = update.groups.len();
        let call = scalar::Call {
            arguments: &[Columnar::Array(column.clone())],
            rows,
            result: &Typed::nullable(DataType::String),
            context: &EvaluationContext::default(),
        };
        let texts = function.evaluate(&call)?.to_array(rows)?;
        match texts.as_string_opt::<i32>() {
            Some(_) => Ok(texts),
            None => Err(EvaluationError(format!("JSON_STRING gave {}", texts.data_type()))),
        }
    }
}

/// The order in which Java has strings, by UTF-16 units, in which Flink writes the keys of an object.
pub(super) fn key_order(left: &str, right: &str) -> Ordering {
    left.encode_utf16().cmp(right.encode_utf16())
}

/// Appends a JSON string.
pub(super) fn put_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if control < ' ' => out.push_str(&format!("\\u{:04X}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}
