//! JSON lines: one object a line.

use crate::{
    Hints, Package, PackageError, PackageFormat,
    infer::{Guess, merge_fields},
    limits::{COLUMNS_MAX, WARNINGS_MAX},
    preview::{Collected, Preview},
    whole_lines,
};
use millrace_model::{Field, Schema};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// An object with its fields in the order of the text, so that columns come in that order.
pub(crate) struct Line(pub(crate) Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Line;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Line(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

pub(crate) fn inspect(bytes: &[u8], is_whole: bool, hints: Hints) -> Result<Package, PackageError> {
    let text = whole_lines(bytes, is_whole)?;
    let (mut fields, mut preview, mut warnings, mut rows) = (Vec::new(), Preview::new(hints), Vec::new(), 0usize);
    let mut is_complete = is_whole;
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        if rows >= hints.rows_max() {
            is_complete = false;
            break;
        }
        let as_written = preview.is_of_lines();
        preview.push_line(line);
        match serde_json::from_str::<Line>(line) {
            Ok(Line(row)) => {
                fields = merge_fields(fields, Guess::of_fields(&row, 1)?);
                if fields.len() > COLUMNS_MAX {
                    return Err(PackageError::file(format!("line {number}: more than {COLUMNS_MAX} fields, expected at most that many")));
                }
                rows += 1;
                if !as_written {
                    preview.push(row.into_iter().collect());
                }
            }
            // The first line decides whether this is JSON lines at all; a bad one later may be what a test needs.
            Err(error) if rows == 0 => return Err(PackageError::file(format!("line {number} is not a JSON object: {error}"))),
            Err(error) if warnings.len() < WARNINGS_MAX => warnings.push(format!("line {number} is not a JSON object: {error}")),
            Err(_) => {}
        }
    }
    let iso = fields.iter().find_map(|(_, guess)| guess.writes_iso()).unwrap_or(false);
    let columns = fields.iter().map(|(name, guess)| Field::new(name, guess.data_type(iso), true)).collect();
    let schema = Schema::new(columns).map_err(|error| PackageError::file(error.to_string()))?;
    let mut options = Map::new();
    if iso {
        options.insert("timestamp_format".into(), "ISO-8601".into());
    }
    let row_count = is_complete.then_some(rows as u64);
    let Collected { rows, lines, is_cut } = preview.finish();
    let has_more_lines = is_cut || !is_complete;
    Ok(Package { format: PackageFormat::JsonLines, options, schema, row_count, rows, lines, has_more_lines, warnings })
}
