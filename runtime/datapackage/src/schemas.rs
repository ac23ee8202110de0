//! Columns of what is no file: messages, and schemas as registries keep them.
//!
//! Invariant: nothing here reads files or trusts lengths; nesting and the number of columns are bounded as for packages.

use crate::{
    PackageError,
    avro::schema::{Avro, Kind},
    infer::{Guess, merge_fields},
    json_lines::Line,
    limits::COLUMNS_MAX,
};
use millrace_model::{
    DataType, Field, Schema,
    data_type::{Element, NESTING_MAX, RowField},
};
use serde_json::{Map, Value};

/// A column that messages have.
#[derive(Debug, Clone, PartialEq)]
pub struct InferredColumn {
    /// Its name.
    pub name: String,
    /// The type that holds all values.
    pub data_type: DataType,
    /// Messages in which it is there and not NULL.
    pub rows_present: u64,
    /// Those whose value is of the type as it is.
    pub rows_agreeing: u64,
}

/// What messages have in common.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InferredMessages {
    /// Columns, in the order of the messages.
    pub columns: Vec<InferredColumn>,
    /// Those that are JSON objects.
    pub rows: Vec<Map<String, Value>>,
    /// How many are not.
    pub unreadable: u64,
    /// Whether date-times are written as ISO 8601 says.
    pub writes_iso: bool,
}

/// Looks at messages in JSON.
///
/// # Errors
/// They are nested too deeply or have too many fields.
pub fn infer_messages(messages: &[Vec<u8>]) -> Result<InferredMessages, PackageError> {
    let mut found = InferredMessages::default();
    let mut guesses = Vec::new();
    for message in messages {
        let Ok(Line(row)) = serde_json::from_slice::<Line>(message) else {
            found.unreadable += 1;
            continue;
        };
        guesses.push(Guess::of_fields(&row, 1)?);
        found.rows.push(row.into_iter().collect());
    }
    let mut merged = Vec::new();
    for row in &guesses {
        merged = merge_fields(merged, row.clone());
        if merged.len() > COLUMNS_MAX {
            return Err(PackageError::file(format!("messages have more than {COLUMNS_MAX} different fields, expected at most that many")));
        }
    }
    found.writes_iso = merged.iter().find_map(|(_, guess)| guess.writes_iso()).unwrap_or(false);
    for (name, column) in merged {
        let values = guesses.iter().filter_map(|row| row.iter().find(|(n, g)| *n == name && *g != Guess::Unknown));
        let (mut rows_present, mut rows_agreeing) = (0, 0);
        for (_, guess) in values {
            rows_present += 1;
            rows_agreeing += u64::from(guess.fits(&column));
        }
        let data_type = column.data_type(found.writes_iso);
        found.columns.push(InferredColumn { name, data_type, rows_present, rows_agreeing });
    }
    Ok(found)
}

/// The columns of a record in Avro.
///
/// # Errors
/// It is no schema, or not of a record.
pub fn of_avro(schema: &str) -> Result<Schema, PackageError> {
    let json: Value = serde_json::from_str(schema).map_err(|e| PackageError::file(format!("the Avro schema is no JSON: {e}")))?;
    let avro = Avro::read(&json)?;
    let Kind::Record(fields) = &avro.kind else {
        return Err(PackageError::file("the Avro schema is not of a record, so it has no columns".to_owned()));
    };
    columns(fields.iter().map(|(name, avro)| Field::new(name, avro.data_type(), avro.nullable)).collect())
}

/// The columns of an object in JSON Schema. What has no type of its own is a text.
///
/// # Errors
/// It is no schema, or not of an object.
pub fn of_json_schema(schema: &str) -> Result<Schema, PackageError> {
    let json: Value = serde_json::from_str(schema).map_err(|e| PackageError::file(format!("the JSON Schema is no JSON: {e}")))?;
    let fields = properties(&json, 0)?
        .ok_or_else(|| PackageError::file("the JSON Schema is not of an object with `properties`, so it has no columns".to_owned()))?;
    columns(fields.into_iter().map(|f| Field::new(f.name, f.data_type, f.nullable)).collect())
}

fn columns(fields: Vec<Field>) -> Result<Schema, PackageError> {
    if fields.len() > COLUMNS_MAX {
        return Err(PackageError::file(format!("the schema has {} columns, at most {COLUMNS_MAX} are expected", fields.len())));
    }
    Schema::new(fields).map_err(|e| PackageError::file(e.to_string()))
}

fn properties(schema: &Value, depth: usize) -> Result<Option<Vec<RowField>>, PackageError> {
    if depth > NESTING_MAX {
        return Err(PackageError::file(format!("the JSON Schema is nested deeper than {NESTING_MAX} levels")));
    }
    let Some(found) = schema.get("properties").and_then(Value::as_object).filter(|p| !p.is_empty()) else { return Ok(None) };
    let required: Vec<&str> = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let field = |(name, property): (&String, &Value)| {
        let (data_type, may_be_null) = json_type(property, depth)?;
        Ok(RowField { name: name.clone(), data_type, nullable: may_be_null || !required.contains(&name.as_str()) })
    };
    found.iter().map(field).collect::<Result<_, _>>().map(Some)
}

/// The type of a property, and whether it may be NULL.
fn json_type(property: &Value, depth: usize) -> Result<(DataType, bool), PackageError> {
    let words: Vec<&str> = match property.get("type") {
        Some(Value::String(word)) => vec![word],
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let may_be_null = words.contains(&"null");
    let mut others = words.into_iter().filter(|w| *w != "null");
    let data_type = match (others.next(), others.next()) {
        (Some("boolean"), None) => DataType::Boolean,
        (Some("integer"), None) => DataType::BigInt,
        (Some("number"), None) => DataType::Double,
        (Some("string"), None) if property.get("format").and_then(Value::as_str) == Some("date") => DataType::Date,
        (Some("array"), None) => {
            let (data_type, nullable) = match property.get("items") {
                Some(items) if depth < NESTING_MAX => json_type(items, depth + 1)?,
                _ => (DataType::String, true),
            };
            DataType::Array(Box::new(Element { data_type, nullable }))
        }
        (Some("object"), None) => properties(property, depth + 1)?.map_or(DataType::String, DataType::Row),
        _ => DataType::String,
    };
    Ok((data_type, may_be_null))
}
