//! Schemas as users see them: named columns with Flink's types.
//!
//! Invariant: column names are unique within a schema (`Schema::new` refuses duplicates), compared byte by byte.

use crate::data_type::DataType;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Column name.
    pub name: String,
    /// Column type, as Flink writes it: `BIGINT`, `DECIMAL(10, 2)`, `ROW<a INT, b STRING>`.
    #[serde(rename = "type")]
    pub data_type: DataType,
    /// Whether the column may hold NULL; true unless stated.
    #[serde(default = "yes")]
    pub nullable: bool,
    /// What the column means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

fn yes() -> bool {
    true
}

impl Field {
    /// A column without a comment.
    pub fn new(name: impl Into<String>, data_type: DataType, nullable: bool) -> Self {
        Self { name: name.into(), data_type, nullable, comment: None }
    }

    /// The Arrow field that carries this column between operators.
    pub fn to_arrow(&self) -> arrow_schema::Field {
        arrow_schema::Field::new(&self.name, self.data_type.to_arrow(), self.nullable)
    }
}

/// Columns in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schema {
    fields: Vec<Field>,
}

/// A schema that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Two columns of one name.
    #[error("column `{0}` is declared twice; column names must be unique")]
    Duplicate(String),
    /// A column without a name.
    #[error("column {0} has an empty name")]
    EmptyName(usize),
}

impl Schema {
    /// A schema of these columns.
    ///
    /// # Errors
    /// A duplicate or empty column name.
    pub fn new(fields: Vec<Field>) -> Result<Self, SchemaError> {
        let schema = Self { fields };
        schema.check()?;
        Ok(schema)
    }

    /// Checks what deserialization does not: unique, non-empty names.
    ///
    /// # Errors
    /// A duplicate or empty column name.
    pub fn check(&self) -> Result<(), SchemaError> {
        let mut seen = std::collections::HashSet::new();
        for (index, field) in self.fields.iter().enumerate() {
            if field.name.is_empty() {
                return Err(SchemaError::EmptyName(index));
            }
            if !seen.insert(field.name.as_str()) {
                return Err(SchemaError::Duplicate(field.name.clone()));
            }
        }
        Ok(())
    }

    /// The columns in order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Position of the column named `name`.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name == name)
    }

    /// The column named `name`.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// The Arrow schema that carries these columns between operators.
    pub fn to_arrow(&self) -> arrow_schema::SchemaRef {
        Arc::new(arrow_schema::Schema::new(self.fields.iter().map(Field::to_arrow).collect::<Vec<_>>()))
    }
}
