//! Rows of a preview: as JSON, as many as fit. Or rows in full, one line of JSON each, for those who run a job on them.

use crate::{
    Hints,
    limits::{LINES_BYTES_MAX, LINES_MAX, PREVIEW_BYTES_MAX, PREVIEW_ROWS_MAX, PREVIEW_TEXT_MAX},
};
use serde_json::{Map, Value};

/// Collects rows until it is full.
#[derive(Debug, Default)]
pub(crate) struct Preview {
    rows: Vec<Map<String, Value>>,
    bytes: usize,
    is_full: bool,
    lines: Vec<String>,
    /// Rows are wanted in full, so many.
    lines_max: Option<usize>,
}

/// What was collected.
pub(crate) struct Collected {
    pub(crate) rows: Vec<Map<String, Value>>,
    pub(crate) lines: Vec<String>,
    /// A row was left out.
    pub(crate) is_cut: bool,
}

impl Preview {
    /// An empty one.
    pub(crate) fn new(hints: Hints) -> Self {
        let lines_max = hints.lines_max.map(|max| usize::try_from(max).unwrap_or(usize::MAX).min(LINES_MAX));
        Self { lines_max, ..Self::default() }
    }

    /// Whether rows are wanted in full, and texts as they were written.
    pub(crate) fn is_of_lines(&self) -> bool {
        self.lines_max.is_some()
    }

    /// Whether more rows would be left out.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full || self.rows.len() >= PREVIEW_ROWS_MAX
    }

    /// Adds a line as it was written, if lines are wanted and it fits.
    pub(crate) fn push_line(&mut self, line: impl Into<String>) {
        let Some(lines_max) = self.lines_max else { return };
        let line: String = line.into();
        self.is_full |= self.lines.len() >= lines_max || self.bytes + line.len() > LINES_BYTES_MAX;
        if !self.is_full {
            self.bytes += line.len();
            self.lines.push(line);
        }
    }

    /// Adds a row if it fits.
    pub(crate) fn push(&mut self, mut row: Map<String, Value>) {
        if self.is_of_lines() {
            return self.push_line(Value::Object(row).to_string());
        }
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

    /// What was collected.
    pub(crate) fn finish(self) -> Collected {
        Collected { rows: self.rows, lines: self.lines, is_cut: self.is_full }
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
