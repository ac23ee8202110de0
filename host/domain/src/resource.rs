//! Kinds of uploaded resources (EXT-5).

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
