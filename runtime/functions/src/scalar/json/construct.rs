//! `JSON_STRING`, `JSON_OBJECT`, `JSON_ARRAY` and `JSON`.
//!
//! The constructors take a keyword first, `NULL ON NULL` or `ABSENT ON NULL`, and another behind each value: `VALUE`, or
//! `FORMAT JSON` for a value that is the text of another constructor and goes in as it is. So keywords are told from texts by
//! their places. `JSON_STRING` may have that keyword behind its value, too.

use super::column::{Part, check_type};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    json::{
        Document, Reader,
        write::{Sink, key_order, put_text, put_value},
    },
    scalar::{
        Builtin, Call,
        columns::{TextWriter, argument, text_result, texts},
        signature::{Accepts, Nulls, Signature, refused},
    },
};
use arrow_array::{Array, cast::AsArray};
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "JSON_STRING", resolve: resolve_string, evaluate: string, deterministic: true },
    Builtin { name: "JSON_OBJECT", resolve: |a| OBJECT.resolve(a), evaluate: object, deterministic: true },
    Builtin { name: "JSON_ARRAY", resolve: |a| ARRAY.resolve(a), evaluate: array, deterministic: true },
    Builtin { name: "JSON", resolve: resolve_json, evaluate: json, deterministic: true },
];

const NULL_ON_NULL: &str = "NULL ON NULL";
const ABSENT_ON_NULL: &str = "ABSENT ON NULL";
const VALUE: &str = "VALUE";
const FORMAT_JSON: &str = "FORMAT JSON";

impl Sink for TextWriter {
    fn put(&mut self, text: &str) -> Result<(), EvaluationError> {
        self.push_str(text)
    }
}

fn resolve_string(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let (value, types) = match arguments {
        [value] => (value, vec![value.typed.data_type.clone()]),
        [value, form] if form.symbol == Some(FORMAT_JSON) => (value, vec![value.typed.data_type.clone(), DataType::String]),
        _ => return Err(refused("JSON_STRING", arguments, "any type")),
    };
    check_type(&value.typed.data_type).map_err(|reason| ResolveError(format!("JSON_STRING: {reason}")))?;
    let nullable = value.typed.nullable || value.typed.data_type == DataType::Null;
    Ok(Resolution { arguments: types, result: Typed::new(DataType::String, nullable) })
}

fn string(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let column = argument(call, 0)?;
    let part = if keyword(call, 1) == Some(FORMAT_JSON) { Part::json(column.inner())? } else { Part::new(column.inner())? };
    text_result(call, |row, out| {
        let at = column.index(row);
        if part.is_null(at) {
            return Ok(false);
        }
        part.put(at, out)?;
        Ok(true)
    })
}

/// How a constructor is called: what it does with NULL, then its members, each a key (of objects), a value and its form.
#[derive(Debug, Clone, Copy)]
struct Constructor {
    name: &'static str,
    has_keys: bool,
}

const OBJECT: Constructor = Constructor { name: "JSON_OBJECT", has_keys: true };
const ARRAY: Constructor = Constructor { name: "JSON_ARRAY", has_keys: false };

impl Constructor {
    /// Arguments of a member.
    fn width(self) -> usize {
        if self.has_keys { 3 } else { 2 }
    }

    fn resolve(self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let key = if self.has_keys { "STRING, " } else { "" };
        let refuse =
            || refused(self.name, arguments, &format!("{NULL_ON_NULL} or {ABSENT_ON_NULL}, [{key}any type, VALUE or {FORMAT_JSON}], …"));
        let (on_null, members) = arguments.split_first().ok_or_else(refuse)?;
        if !matches!(on_null.symbol, Some(NULL_ON_NULL | ABSENT_ON_NULL)) || !members.len().is_multiple_of(self.width()) {
            return Err(refuse());
        }
        for member in members.chunks_exact(self.width()) {
            let (key, value, form) = match member {
                [key, value, form] => (Some(key), value, form),
                [value, form] => (None, value, form),
                _ => return Err(refuse()),
            };
            if !matches!(form.symbol, Some(VALUE | FORMAT_JSON)) || value.symbol.is_some() || key.is_some_and(|k| k.symbol.is_some()) {
                return Err(refuse());
            }
            if let Some(key) = key.filter(|key| key.typed.data_type != DataType::String || key.typed.nullable) {
                return Err(ResolveError(format!("{}: a key is a STRING NOT NULL, not {}", self.name, key.typed)));
            }
            check_type(&value.typed.data_type).map_err(|reason| ResolveError(format!("{}: {reason}", self.name)))?;
        }
        let types = arguments.iter().map(|a| a.typed.data_type.clone()).collect();
        Ok(Resolution { arguments: types, result: Typed::not_null(DataType::String) })
    }

    /// The members of a call, and whether those that are NULL are left out.
    fn members<'c>(self, call: &Call<'c>) -> Result<(Vec<Member<'c>>, bool), EvaluationError> {
        let is_absent = keyword(call, 0) == Some(ABSENT_ON_NULL);
        let member = |first: usize| {
            let at = first + usize::from(self.has_keys);
            let value = argument(call, at)?;
            let is_json = keyword(call, at + 1) == Some(FORMAT_JSON);
            let part = if is_json { Part::json(value.inner())? } else { Part::new(value.inner())? };
            Ok(Member { key: first, value, part })
        };
        let members = (1..call.arguments.len()).step_by(self.width()).map(member).collect::<Result<_, EvaluationError>>()?;
        Ok((members, is_absent))
    }
}

/// The text of a keyword argument.
fn keyword<'c>(call: &Call<'c>, index: usize) -> Option<&'c str> {
    let array = call.arguments.get(index)?.inner().as_string_opt::<i32>()?;
    (array.len() == 1).then(|| array.value(0))
}

/// A value of a call.
struct Member<'c> {
    /// The argument that holds its key, in an object.
    key: usize,
    value: &'c Columnar,
    part: Part<'c>,
}

impl Member<'_> {
    fn is_null(&self, row: usize) -> bool {
        self.part.is_null(self.value.index(row))
    }

    fn put(&self, row: usize, out: &mut TextWriter) -> Result<(), EvaluationError> {
        self.part.put(self.value.index(row), out)
    }
}

fn array(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (members, is_absent) = ARRAY.members(call)?;
    text_result(call, |row, out| {
        out.push('[')?;
        let present = members.iter().filter(|member| !(is_absent && member.is_null(row)));
        for (position, member) in present.enumerate() {
            out.push_str(if position == 0 { "" } else { "," })?;
            member.put(row, out)?;
        }
        out.push(']')?;
        Ok(true)
    })
}

/// Members in the order of their keys; of those with one key the last counts.
fn object(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (members, is_absent) = OBJECT.members(call)?;
    let keys = members.iter().map(|member| texts(call, member.key)).collect::<Result<Vec<_>, _>>()?;
    let ordered = |row: usize| {
        let mut order: Vec<(&str, usize)> = keys.iter().enumerate().map(|(at, key)| (key.get(row).unwrap_or_default(), at)).collect();
        order.sort_by(|(a, _), (b, _)| key_order(a, b));
        order
    };
    // Keys are constants nearly always.
    let constant = keys.iter().all(|key| key.is_scalar()).then(|| ordered(0));
    text_result(call, |row, out| {
        let of_row;
        let order = match &constant {
            Some(order) => order,
            None => {
                of_row = ordered(row);
                &of_row
            }
        };
        out.push('{')?;
        let mut is_first = true;
        for same in order.chunk_by(|(a, _), (b, _)| a == b) {
            let last =
                same.iter().rev().filter_map(|(key, at)| Some((key, members.get(*at)?))).find(|(_, m)| !(is_absent && m.is_null(row)));
            let Some((key, member)) = last else { continue };
            out.push_str(if std::mem::take(&mut is_first) { "" } else { "," })?;
            put_text(key, out)?;
            out.push(':')?;
            member.put(row, out)?;
        }
        out.push('}')?;
        Ok(true)
    })
}

fn resolve_json(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    Signature { name: "JSON", required: &[Accepts::Text], optional: &[], repeats: false, nulls: Nulls::Always }
        .resolve(arguments, DataType::String)
}

/// NULL for a text of blanks.
fn json(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    let mut reader = Reader::default();
    text_result(call, |row, out| {
        let Some(text) = values.get(row).map(|text| text.trim_matches(|c| c <= ' ')).filter(|text| !text.is_empty()) else {
            return Ok(false);
        };
        let document = reader.read(text).map_err(|error| EvaluationError(format!("JSON: the text is no JSON: {error}")))?;
        put_value(&document, Document::ROOT, 0, out)?;
        Ok(true)
    })
}
