//! Reads a node's settings into a connector's typed configuration, with errors that name the field.

use serde::de::DeserializeOwned;

/// A setting that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {message}")]
pub struct ConfigError {
    /// Path below the node's `config`: `start.timestamp_ms`.
    pub field: String,
    /// Stable code: `config.invalid`, `config.unknown_column`, …
    pub code: String,
    /// What was found, what was expected.
    pub message: String,
}

impl ConfigError {
    /// An error in `field`.
    pub fn new(field: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self { field: field.into(), code: code.into(), message: message.into() }
    }
}

/// Deserializes a node's settings; the error names the field where it can be told.
///
/// # Errors
/// A missing, unknown or mistyped field.
pub fn parse_config<T: DeserializeOwned>(config: &serde_json::Map<String, serde_json::Value>) -> Result<T, ConfigError> {
    let value = serde_json::Value::Object(config.clone());
    serde_path_to_error::deserialize(value).map_err(|error| {
        let field = error.path().to_string();
        let field = if field == "." { named_field(error.inner()) } else { field };
        ConfigError::new(field, "config.invalid", error.inner().to_string())
    })
}

/// serde names missing and unknown fields only in its text: the first name in backticks.
fn named_field(error: &serde_json::Error) -> String {
    error.to_string().split('`').nth(1).unwrap_or(".").to_owned()
}
