//! Answers on standard output: tables for people, JSON for programs.

use crate::cli::moments;
use serde_json::Value;
use std::io::Write;

/// One column of a table: its title and where its value lies (`a.b` goes into objects).
pub(crate) type Column = (&'static str, &'static str);

/// How answers are printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// JSON instead of tables.
    pub(crate) json: bool,
}

impl Output {
    /// Prints a list.
    pub(crate) fn list(self, items: &[Value], columns: &[Column]) {
        if self.json {
            return self.value(&Value::Array(items.to_vec()));
        }
        written(&table(items, columns));
    }

    /// Prints rows of data under the names of their columns.
    pub(crate) fn rows(self, names: &[&str], rows: &[Value]) {
        let mut cells = vec![names.iter().map(|name| (*name).to_owned()).collect()];
        cells.extend(rows.iter().map(|row| names.iter().map(|name| cell(row.get(*name).unwrap_or(&Value::Null))).collect()));
        written(&aligned(&cells));
    }

    /// Prints one thing: its fields below each other.
    pub(crate) fn item(self, item: &Value) {
        if self.json {
            return self.value(item);
        }
        match item {
            Value::Object(fields) => {
                let width = fields.keys().map(String::len).max().unwrap_or(0);
                for (name, value) in fields {
                    written(&format!("{name:<width$}  {}\n", moment_or_cell(name, value)));
                }
            }
            Value::Null => {}
            other => written(&format!("{}\n", cell(other))),
        }
    }

    /// Prints a sentence about what was done, or the thing itself as JSON.
    pub(crate) fn done(self, sentence: &str, item: &Value) {
        if self.json { self.value(item) } else { written(&format!("{sentence}\n")) }
    }

    fn value(self, value: &Value) {
        written(&format!("{}\n", serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())));
    }
}

/// Writes to standard output. A reader that is gone (`| head`) wants no more of it, which is no failure.
fn written(text: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        eprintln!("error: cannot write the answer: {error}");
    }
}

/// The items as aligned columns below titles.
fn table(items: &[Value], columns: &[Column]) -> String {
    let mut rows: Vec<Vec<String>> = vec![columns.iter().map(|(title, _)| (*title).to_owned()).collect()];
    rows.extend(items.iter().map(|item| columns.iter().map(|(_, path)| moment_or_cell(path, at(item, path))).collect()));
    aligned(&rows)
}

/// Rows of cells, each column as wide as its widest cell.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> =
        (0..columns).map(|c| rows.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let line: Vec<String> = row.iter().zip(&widths).map(|(t, w)| format!("{t:<w$}", w = *w)).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn at<'a>(item: &'a Value, path: &str) -> &'a Value {
    path.split('.').try_fold(item, |value, name| value.get(name)).unwrap_or(&Value::Null)
}

/// Times are for people; programs have JSON.
fn moment_or_cell(name: &str, value: &Value) -> String {
    let is_moment = name == "at_ms" || name.ends_with("_at_ms") || name.ends_with(".at_ms");
    let shown = value.as_i64().filter(|_| is_moment).and_then(moments::shown);
    shown.unwrap_or_else(|| cell(value))
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.replace('\n', " "),
        Value::Array(items) if items.iter().all(|i| !i.is_object() && !i.is_array()) => {
            items.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_value() {
        let items = [serde_json::json!({"name": "web", "a": {"b": 1}}), serde_json::json!({"name": "a-long-name"})];
        assert_eq!(table(&items, &[("NAME", "name"), ("B", "a.b")]), "NAME         B\nweb          1\na-long-name  -\n");
    }

    #[test]
    fn times_are_shown_as_people_read_them() {
        let items = [serde_json::json!({"made_at_ms": 1_000, "f": {"at_ms": 0}, "took_ms": 5})];
        let columns = [("MADE", "made_at_ms"), ("FAILED", "f.at_ms"), ("MS", "took_ms")];
        assert!(table(&items, &columns).ends_with("\n1970-01-01T00:00:01Z  1970-01-01T00:00:00Z  5\n"));
    }
}
