//! Rows of a preview: as JSON, as many as fit.

use crate::limits::{PREVIEW_BYTES_MAX, PREVIEW_ROWS_MAX, PREVIEW_TEXT_MAX};
use serde_json::{Map, Value};

/// Collects rows until it is full.
#[derive(Debug, Default)]
pub(crate) struct Preview {
    rows: Vec<Map<String, Value>>,
    bytes: usize,
    is_full: bool,
}

impl Preview {
    /// Whether more rows would be left out.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full || self.rows.len() >= PREVIEW_ROWS_MAX
    }

    /// Adds a row if it fits.
    pub(crate) fn push(&mut self, mut row: Map<String, Value>) {
        if self.is_full() {
            return;
        }
        row.values_mut().for_each(cut);
        let bytes: usize = row.iter().map(|(name, value)| name.len() + size(value) + 4).sum();
        if self.bytes + bytes > PREVIEW_BYTES_MAX {
            self.is_full = true;
            return;
        }
        self.bytes += bytes;
        self.rows.push(row);
    }

    /// The rows.
    pub(crate) fn finish(self) -> Vec<Map<String, Value>> {
        self.rows
    }
}

fn cut(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((at, _)) = text.char_indices().nth(PREVIEW_TEXT_MAX) {
                text.truncate(at);
                text.push('…');
            }
        }
        Value::Array(items) => items.iter_mut().for_each(cut),
        Value::Object(fields) => fields.values_mut().for_each(cut),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 20,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| size(item) + 1).sum::<usize>() + 2,
        Value::Object(fields) => fields.iter().map(|(name, field)| name.len() + size(field) + 4).sum::<usize>() + 2,
    }
}
