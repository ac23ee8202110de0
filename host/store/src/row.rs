//! Reads typed values out of rows; what does not fit is [`StoreError::Corrupt`] with the column's name.

use crate::StoreError;
use serde::de::DeserializeOwned;
use sqlx::{Row, any::AnyRow};
use std::str::FromStr;

/// A TEXT column.
pub(crate) fn text(row: &AnyRow, column: &str) -> Result<String, StoreError> {
    Ok(row.try_get::<String, _>(column)?)
}

/// A nullable TEXT column.
pub(crate) fn text_or_none(row: &AnyRow, column: &str) -> Result<Option<String>, StoreError> {
    Ok(row.try_get::<Option<String>, _>(column)?)
}

/// A BIGINT column.
pub(crate) fn integer(row: &AnyRow, column: &str) -> Result<i64, StoreError> {
    Ok(row.try_get::<i64, _>(column)?)
}

/// A nullable BIGINT column.
pub(crate) fn integer_or_none(row: &AnyRow, column: &str) -> Result<Option<i64>, StoreError> {
    Ok(row.try_get::<Option<i64>, _>(column)?)
}

/// A TEXT column that holds a word or name.
pub(crate) fn word<T: FromStr<Err: std::fmt::Display>>(row: &AnyRow, column: &str) -> Result<T, StoreError> {
    text(row, column)?.parse().map_err(|error| StoreError::Corrupt(format!("column {column}: {error}")))
}

/// A TEXT column that holds JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &AnyRow, column: &str) -> Result<T, StoreError> {
    from_json(&text(row, column)?, column)
}

/// JSON from a stored text.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str, column: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("column {column}: {error}")))
}

/// JSON to store.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(format!("cannot be written as JSON: {error}")))
}

/// What is stored as JSON within a larger document.
pub(crate) fn to_value<T: serde::Serialize>(value: &T) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(value).map_err(|error| StoreError::Corrupt(format!("cannot be written as JSON: {error}")))
}

/// A pattern for `LIKE … ESCAPE '!'` that finds `text` anywhere.
pub(crate) fn contains(text: &str) -> String {
    format!("%{}%", text.replace('!', "!!").replace('%', "!%").replace('_', "!_"))
}
