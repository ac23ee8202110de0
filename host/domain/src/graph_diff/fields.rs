//! Two JSON values compared field by field.
//!
//! Invariant: as many entries as there are differing leaves, [`FIELDS_MAX`] at most; lists are compared as wholes when
//! their lengths differ, so that one inserted item is one change.

use super::text::{self, TextDiff};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Most differing fields that are told apart in one thing; behind them the thing as a whole counts as changed.
const FIELDS_MAX: usize = 1_000;

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// JSON pointer (RFC 6901).
    pub pointer: String,
    /// Its value in the earlier graph; absent when it had none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Its value in the later graph; absent when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// A text of several lines, line by line: then the values themselves are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<TextDiff>,
}

/// The fields in which two values differ, in the order of their pointers.
pub(super) fn fields(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found.truncate(FIELDS_MAX);
    found
}

fn compare(pointer: &str, before: &Value, after: &Value, found: &mut Vec<FieldChange>) {
    if before == after || found.len() > FIELDS_MAX {
        return;
    }
    match (before, after) {
        (Value::Object(b), Value::Object(a)) => {
            let names: BTreeSet<&String> = b.keys().chain(a.keys()).collect();
            for name in names {
                let below = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                match (b.get(name), a.get(name)) {
                    (Some(before), Some(after)) => compare(&below, before, after, found),
                    (before, after) => found.push(leaf(below, before, after)),
                }
            }
        }
        (Value::Array(b), Value::Array(a)) if b.len() == a.len() => {
            for (position, (before, after)) in b.iter().zip(a).enumerate() {
                compare(&format!("{pointer}/{position}"), before, after, found);
            }
        }
        (before, after) => found.push(leaf(pointer.to_owned(), Some(before), Some(after))),
    }
}

fn leaf(pointer: String, before: Option<&Value>, after: Option<&Value>) -> FieldChange {
    let line = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let is_absent = |value: Option<&Value>| value.is_none_or(Value::is_null);
    let (b, a) = (line(before), line(after));
    let are_texts = (b.is_some() || is_absent(before)) && (a.is_some() || is_absent(after));
    let (b, a) = (b.unwrap_or_default(), a.unwrap_or_default());
    if are_texts && (b.contains('\n') || a.contains('\n')) {
        return FieldChange { pointer, before: None, after: None, text: Some(text::diff(&b, &a)) };
    }
    FieldChange { pointer, before: before.cloned(), after: after.cloned(), text: None }
}
