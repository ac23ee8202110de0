//! Values as JSON texts, as Jackson writes them: no blanks, keys in the order of their UTF-16 units, numbers as
//! [`number::Decimal`](super::number::Decimal) writes them.

use super::{
    DEPTH_MAX,
    document::{Document, Elements, Node},
    number::Decimal,
};
use crate::EvaluationError;
use std::{cmp::Ordering, fmt::Write};

/// Where a text goes that may become too long.
pub(crate) trait Sink {
    /// Adds to the text.
    fn put(&mut self, text: &str) -> Result<(), EvaluationError>;
}

impl Sink for String {
    fn put(&mut self, text: &str) -> Result<(), EvaluationError> {
        crate::scalar::check_value(self.len() + text.len())?;
        self.push_str(text);
        Ok(())
    }
}

/// Why a value was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WriteError {
    /// It nests too deep.
    #[error("a JSON value of more than {DEPTH_MAX} levels")]
    TooDeep,
    /// The text would be too long.
    #[error(transparent)]
    TooLong(#[from] EvaluationError),
}

impl From<WriteError> for EvaluationError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::TooLong(error) => error,
            deep @ WriteError::TooDeep => Self(deep.to_string()),
        }
    }
}

/// The order in which Java has strings, by UTF-16 units, in which the keys of an object are written.
pub(crate) fn key_order(left: &str, right: &str) -> Ordering {
    if left.is_ascii() && right.is_ascii() { left.cmp(right) } else { left.encode_utf16().cmp(right.encode_utf16()) }
}

/// Appends a text in quotes.
pub(crate) fn put_text(text: &str, out: &mut impl Sink) -> Result<(), EvaluationError> {
    out.put("\"")?;
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x8 => "\\b",
            0xc => "\\f",
            0..=0x1f => "",
            _ => continue,
        };
        out.put(text.get(copied..at).unwrap_or_default())?;
        if escaped.is_empty() {
            out.put(&format!("\\u{byte:04X}"))?
        } else {
            out.put(escaped)?
        }
        copied = at + 1;
    }
    out.put(text.get(copied..).unwrap_or_default())?;
    out.put("\"")
}

/// Appends a number of a document.
pub(crate) fn put_number(node: Node, digits: &str, out: &mut impl Sink) -> Result<(), EvaluationError> {
    match (node, digits) {
        (Node::Integer(_), "-0") => out.put("0"),
        (Node::Integer(_), digits) => out.put(digits),
        _ => match Decimal::parse(digits) {
            Some(decimal) if !decimal.is_written_as(digits) => put_formatted(out, |mut out| decimal.write(&mut out)),
            _ => out.put(digits),
        },
    }
}

/// Appends a scalar of a document as a JSON text.
fn put_scalar(document: &Document<'_>, at: u32, out: &mut impl Sink) -> Result<(), EvaluationError> {
    match document.node(at) {
        Node::Boolean(true) => out.put("true"),
        Node::Boolean(false) => out.put("false"),
        node @ (Node::Integer(_) | Node::Float(_)) => put_number(node, document.number(at).unwrap_or_default(), out),
        Node::Plain(_) | Node::Decoded(_) => put_text(document.text(at).unwrap_or_default(), out),
        Node::Null | Node::Array { .. } | Node::Object { .. } => out.put("null"),
    }
}

/// A container that is being written.
enum Open<'d> {
    Array {
        rest: Elements<'d>,
        is_first: bool,
    },
    /// Members not yet written, last first.
    Object {
        rest: Vec<(&'d str, u32)>,
        is_first: bool,
    },
}

/// How scalars are written.
pub(crate) type PutScalar<S> = fn(&Document<'_>, u32, &mut S) -> Result<(), EvaluationError>;

/// Appends a value of a document, which stands in `depth` containers already.
pub(crate) fn put_value<S: Sink>(document: &Document<'_>, at: u32, depth: usize, out: &mut S) -> Result<(), WriteError> {
    put_value_with(document, at, depth, put_scalar, out)
}

/// The same with scalars written in another way.
pub(crate) fn put_value_with<S: Sink>(
    document: &Document<'_>,
    at: u32,
    depth: usize,
    put_scalar: PutScalar<S>,
    out: &mut S,
) -> Result<(), WriteError> {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut next = Some(at);
    loop {
        if let Some(at) = next {
            match document.node(at) {
                Node::Array { .. } => {
                    out.put("[")?;
                    open.push(Open::Array { rest: document.elements(at), is_first: true });
                }
                Node::Object { .. } => {
                    out.put("{")?;
                    let mut rest: Vec<(&str, u32)> = document.members(at).collect();
                    rest.sort_unstable_by(|(a, _), (b, _)| key_order(b, a));
                    open.push(Open::Object { rest, is_first: true });
                }
                _ => put_scalar(document, at, out)?,
            }
            if open.len() + depth > DEPTH_MAX {
                return Err(WriteError::TooDeep);
            }
        }
        next = match open.last_mut() {
            None => return Ok(()),
            Some(Open::Array { rest, is_first }) => match rest.next() {
                Some(at) => {
                    out.put(if std::mem::take(is_first) { "" } else { "," })?;
                    Some(at)
                }
                None => {
                    out.put("]")?;
                    open.pop();
                    None
                }
            },
            Some(Open::Object { rest, is_first }) => match rest.pop() {
                Some((key, at)) => {
                    out.put(if std::mem::take(is_first) { "" } else { "," })?;
                    put_text(key, out)?;
                    out.put(":")?;
                    Some(at)
                }
                None => {
                    out.put("}")?;
                    open.pop();
                    None
                }
            },
        };
    }
}

/// Lets values be formatted right into a sink.
struct Formatted<'s, S> {
    sink: &'s mut S,
    /// What the sink refused.
    error: Option<EvaluationError>,
}

impl<S: Sink> Write for Formatted<'_, S> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.sink.put(text).map_err(|error| {
            self.error = Some(error);
            std::fmt::Error
        })
    }
}

/// Appends what `format` writes.
pub(crate) fn put_formatted<S: Sink>(out: &mut S, format: impl FnOnce(&mut dyn Write) -> std::fmt::Result) -> Result<(), EvaluationError> {
    let mut formatted = Formatted { sink: out, error: None };
    match format(&mut formatted) {
        Ok(()) => Ok(()),
        Err(_) => Err(formatted.error.unwrap_or_else(|| EvaluationError("a value could not be written".to_owned()))),
    }
}

/// Appends a `DOUBLE`, as Java turns it into a `BigDecimal`.
///
/// # Errors
/// An infinite number, or none.
pub(crate) fn put_double(value: f64, out: &mut impl Sink) -> Result<(), EvaluationError> {
    let mut java = String::with_capacity(24);
    put_java_double(value, &mut java)?;
    let decimal = Decimal::parse(&java).ok_or_else(|| EvaluationError(format!("JSON has no number {java}")))?;
    put_formatted(out, |mut out| decimal.write(&mut out))
}

/// Appends a `DOUBLE` as Java writes it.
pub(crate) fn put_java_double(value: f64, out: &mut impl Sink) -> Result<(), EvaluationError> {
    put_formatted(out, |mut out| crate::cast::write_f64(value, &mut out))
}

/// Appends what is displayed.
pub(crate) fn put_display(value: impl std::fmt::Display, out: &mut impl Sink) -> Result<(), EvaluationError> {
    put_formatted(out, |out| write!(out, "{value}"))
}
