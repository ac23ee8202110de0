//! Metadata of records: what a source knows of a record beside the columns of its table.
//!
//! Invariant: a source gives the metadata that it was asked for, as columns behind the table's own, and works out no other.

use millrace_model::{DataType, Field};

/// A piece of metadata that a source can give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataKey {
    /// Its name: `offset`.
    pub key: &'static str,
    /// Its type.
    pub data_type: DataType,
    /// Whether a record may be without it.
    pub nullable: bool,
}

impl MetadataKey {
    /// A piece of metadata.
    pub fn new(key: &'static str, data_type: DataType, nullable: bool) -> Self {
        Self { key, data_type, nullable }
    }
}

/// A piece of metadata that is read as a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataColumn {
    /// Its key, one of [`crate::Connector::source_metadata`].
    pub key: String,
    /// The column: a name that no other column has, and the key's type.
    pub field: Field,
}
