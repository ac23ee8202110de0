//! Kinds of uploaded resources, and what a tenant may have of what (EXT-5, ROL-7).

use crate::text_enum::text_enum;

text_enum! {
    /// What an uploaded file is: found by looking at its content, never by its name.
    ResourceKind, "kind of resource", {
        /// Java or Scala classes.
        Jar = "jar",
        /// A WebAssembly component of the plugin contract.
        Component = "component",
        /// Rows: CSV, JSON lines, Avro or Parquet.
        DataPackage = "data_package",
    }
}

text_enum! {
    /// Something that a tenant may have only so much of.
    Quota, "quota", {
        /// Bytes of uploaded and built content; content that is there twice counts once.
        StorageBytes = "storage_bytes",
    }
}

impl Quota {
    /// What a tenant may have unless the platform's administrator says otherwise.
    pub const fn default_allowed(self) -> i64 {
        match self {
            Self::StorageBytes => 1 << 30,
        }
    }
}
