//! Expected rows of a sink, in the form in which collected rows are.
//!
//! Invariant: an expected value and an equal collected one have one text, however a package writes it.

use super::{
    collect::row_encoder,
    fit::{self, CHANGE_COLUMN},
    replay::ReplayRows,
};
use millrace_formats::{Decoder, EncodedRows, FormatSpec, JsonOptions, TimestampFormat};
use millrace_model::{DataType, Field, Schema};
use serde_json::{Map, Value, value::RawValue};
use std::collections::BTreeMap;

/// Expected rows of a sink.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedRows {
    /// The columns that are compared: those that the package has.
    pub columns: Vec<String>,
    /// Change kind, if the package has one, and columns of each row.
    pub rows: Vec<(Option<String>, Map<String, Value>)>,
}

/// A row as collected, with decimals as texts: as numbers of JSON they would lose digits.
pub fn comparable(row: &str, schema: &Schema) -> Map<String, Value> {
    let is_decimal = |name: &str| schema.field(name).is_some_and(|field| matches!(field.data_type, DataType::Decimal { .. }));
    // An encoder of ours has written the row, so it is an object.
    let cells: BTreeMap<String, &RawValue> = serde_json::from_str(row).unwrap_or_default();
    let cell = |(name, raw): (String, &RawValue)| {
        let text = raw.get();
        let value = if is_decimal(&name) && text != "null" { Value::from(text) } else { serde_json::from_str(text).unwrap_or_default() };
        (name, value)
    };
    cells.into_iter().map(cell).collect()
}

/// Reads expected rows of a sink whose input has the columns `sink`.
///
/// # Errors
/// A column that the sink does not have or has as another type, or a row that cannot be read.
pub fn read_expected(package: &ReplayRows, sink: &Schema) -> Result<ExpectedRows, String> {
    let mut fields = Vec::new();
    for column in package.shape.schema.fields().iter().filter(|c| c.name != CHANGE_COLUMN) {
        let name = &package.shape.name;
        let Some(found) = sink.field(&column.name) else {
            let known: Vec<&str> = sink.fields().iter().map(|f| f.name.as_str()).collect();
            return Err(format!("column `{}` of {name} is not in the sink's rows; its columns are {}", column.name, known.join(", ")));
        };
        if !fit::fits(&column.data_type, &found.data_type, package.shape.is_guessed) {
            return Err(format!("column `{}` is {} in {name}, but {} in the sink's rows", column.name, column.data_type, found.data_type));
        }
        fields.push(Field { nullable: true, ..found.clone() });
    }
    let columns: Vec<String> = fields.iter().map(|f| f.name.clone()).collect();
    if package.shape.schema.field(CHANGE_COLUMN).is_some() {
        fields.push(Field::new(CHANGE_COLUMN, DataType::String, true));
    }
    let schema = Schema::new(fields).map_err(|e| e.to_string())?;
    let timestamp_format = if package.iso_timestamps { TimestampFormat::Iso8601 } else { TimestampFormat::Sql };
    let spec = FormatSpec::Json(JsonOptions { timestamp_format, ..JsonOptions::default() });
    let mut decoder = Decoder::new(&spec, &schema).map_err(|e| e.to_string())?;
    for (number, line) in (1..).zip(&package.lines) {
        decoder.push(line.as_bytes()).map_err(|e| format!("{}, row {number}: {e}", package.shape.name))?;
    }
    let mut encoded = EncodedRows::default();
    let mut encoder = row_encoder(&schema).map_err(|e| e.to_string())?;
    encoder.encode(&decoder.finish(), &mut encoded).map_err(|e| e.to_string())?;
    let row = |text: &[u8]| {
        let mut row = comparable(std::str::from_utf8(text).map_err(|e| e.to_string())?, &schema);
        let change = row.remove(CHANGE_COLUMN).and_then(|change| change.as_str().map(str::to_owned));
        Ok((change, row))
    };
    Ok(ExpectedRows { columns, rows: encoded.iter().map(row).collect::<Result<_, String>>()? })
}
