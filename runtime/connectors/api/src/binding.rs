//! What a node's table name stands for once the catalog has resolved it.

use millrace_model::Schema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// How to reach an outside system. Holds secrets in clear: never serialized into logs or answers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The data source kind: `kafka`.
    pub kind: String,
    /// Client properties by the system's own names: `bootstrap.servers`, `sasl.password`.
    pub properties: BTreeMap<String, String>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets, names are not.
        f.debug_struct("Connection").field("kind", &self.kind).field("properties", &self.properties.keys()).finish()
    }
}

/// A table (for Kafka: a topic) as the catalog knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableBinding {
    /// Name of the table in the project.
    pub name: String,
    /// Name in the outside system.
    pub physical_name: String,
    /// Columns.
    pub schema: Schema,
    /// Message format and its options: `{"type": "json", …}`, read by `millrace_formats::FormatSpec`.
    pub format: serde_json::Value,
    /// The system that holds it.
    pub connection: Connection,
}

/// How much a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableExtent {
    /// Records between the first and the last, those of transactions' ends included.
    pub records: u64,
    /// Partitions.
    pub partitions: u32,
}
