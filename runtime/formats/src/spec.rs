//! A table's `format` JSON: `{"type": "json", …options}`.

use crate::error::FormatError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A format with its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormatSpec {
    /// One JSON object per message.
    Json(JsonOptions),
    /// One CSV line per message.
    Csv(CsvOptions),
}

/// Options of the `json` format; meanings and defaults are those of Flink's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JsonOptions {
    /// How `TIMESTAMP` and `TIMESTAMP_LTZ` are written: `SQL` or `ISO-8601`.
    pub timestamp_format: TimestampFormat,
    /// A record that lacks a field is bad; otherwise the column is NULL.
    pub fail_on_missing_field: bool,
    /// NULL columns are left out of written objects.
    pub ignore_null_fields: bool,
}

/// Forms of date-times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TimestampFormat {
    /// `2020-12-30 12:13:14.123`, with a final `Z` for `TIMESTAMP_LTZ`.
    #[default]
    #[serde(rename = "SQL")]
    Sql,
    /// `2020-12-30T12:13:14.123`, with a final `Z` for `TIMESTAMP_LTZ`.
    #[serde(rename = "ISO-8601")]
    Iso8601,
}

/// Options of the `csv` format; meanings are those of Flink's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CsvOptions {
    /// One ASCII character between fields.
    pub delimiter: char,
    /// One ASCII character around fields that hold a delimiter, a quote or a line end.
    pub quote: char,
    /// The text that stands for NULL; without it an empty field is NULL, except that it is empty text in a `STRING`.
    pub null_literal: Option<String>,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self { delimiter: ',', quote: '"', null_literal: None }
    }
}

impl FormatSpec {
    /// Reads `{"type": …, …options}`.
    ///
    /// # Errors
    /// A type that is not known; an option that is unknown, mistyped or impossible, by name.
    pub fn from_json(value: &Value) -> Result<Self, FormatError> {
        let Value::Object(object) = value else {
            return Err(FormatError::new("format", "expected an object such as {\"type\": \"json\"}"));
        };
        let mut options = object.clone();
        match options.remove("type") {
            Some(Value::String(name)) if name == "json" => Ok(Self::Json(read(options)?)),
            Some(Value::String(name)) if name == "csv" => Ok(Self::Csv(checked_csv(read(options)?)?)),
            Some(other) => Err(FormatError::new("type", format!("is {other}, expected \"json\" or \"csv\""))),
            None => Err(FormatError::new("type", "is missing, expected \"json\" or \"csv\"")),
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(options: serde_json::Map<String, Value>) -> Result<T, FormatError> {
    serde_path_to_error::deserialize(Value::Object(options)).map_err(|error| {
        let message = error.inner().to_string();
        let path = error.path().to_string();
        // serde names an unknown option only in its text: the first name in backticks.
        let field = if path == "." { message.split('`').nth(1).unwrap_or("format").to_owned() } else { path };
        FormatError::new(field, message)
    })
}

fn checked_csv(options: CsvOptions) -> Result<CsvOptions, FormatError> {
    for (name, found) in [("delimiter", options.delimiter), ("quote", options.quote)] {
        if !found.is_ascii() || matches!(found, '\n' | '\r' | '\0') {
            return Err(FormatError::new(name, format!("is {found:?}, expected one ASCII character other than a line end")));
        }
    }
    if options.delimiter == options.quote {
        return Err(FormatError::new("quote", format!("is {:?} as is the delimiter, expected another character", options.quote)));
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(format: Value, expected: &str) {
        let shown = match FormatSpec::from_json(&format) {
            Ok(spec) => format!("{spec:?}"),
            Err(error) => error.field,
        };
        assert!(shown.starts_with(expected), "{format}: {shown}");
    }

    #[test]
    fn wrong_options_are_refused_by_name() {
        check(json!({"type": "json"}), "Json(");
        check(json!({"type": "json", "timestamp_format": "ISO-8601"}), "Json(JsonOptions { timestamp_format: Iso8601");
        check(json!({"type": "json", "timestamp_format": "iso"}), "timestamp_format");
        check(json!({"type": "json", "fail_on_mising_field": true}), "fail_on_mising_field");
        check(json!({"type": "json", "fail_on_missing_field": "yes"}), "fail_on_missing_field");
        check(json!({"type": "csv", "delimiter": ";"}), "Csv(");
        check(json!({"type": "csv", "delimiter": "ä"}), "delimiter");
        check(json!({"type": "csv", "delimiter": "\""}), "quote");
        check(json!({"type": "avro"}), "type");
        check(json!({}), "type");
        check(json!("json"), "format");
    }
}
