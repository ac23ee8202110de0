//! What can be wrong with a format's options and with a record.

use millrace_model::{Classified, FaultClass};

/// A format that cannot be used as it is described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("format `{field}`: {message}")]
pub struct FormatError {
    /// The option, or the column that the format cannot carry.
    pub field: String,
    /// What was found, what was expected.
    pub message: String,
}

impl FormatError {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// A column whose type no format has a text for.
pub(crate) fn not_carried(name: &str, data_type: &millrace_model::DataType) -> FormatError {
    FormatError::new(name, format!("is {data_type}, which this format does not carry; cast it to another type"))
}

impl Classified for FormatError {
    fn class(&self) -> FaultClass {
        FaultClass::User
    }
}

/// A record that cannot be read as the declared format and schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    /// Path of the field, `address.zip` or `tags[3]`; empty when the record as a whole is meant.
    pub field: String,
    /// What was found, what was expected.
    pub message: String,
}

impl BadRecord {
    /// Names the field that contains the one named so far.
    pub(crate) fn inside(mut self: Box<Self>, parent: &str) -> Box<Self> {
        let separator = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        self.field = format!("{parent}{separator}{}", self.field);
        self
    }
}

impl std::fmt::Display for BadRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.field.is_empty() { f.write_str(&self.message) } else { write!(f, "field `{}`: {}", self.field, self.message) }
    }
}

impl std::error::Error for BadRecord {}

impl Classified for BadRecord {
    fn class(&self) -> FaultClass {
        FaultClass::User
    }
}

/// A pointer, so that the good path returns in one register.
pub(crate) type Bad = Box<BadRecord>;

/// A fault whose field is added on the way out.
#[cold]
pub(crate) fn bad(message: impl Into<String>) -> Bad {
    Box::new(BadRecord { field: String::new(), message: message.into() })
}
