//! What a connector is: how the engine reads from and writes to an outside system; what a kind of
//! data source is ([`DataSourceKind`]): how it is described, tested and sampled.
//!
//! A new system is one crate that implements one or both, and one line in the registry that `host/server` makes.
//! Invariant: the engine knows only these traits; a client library appears only in its connector's crate.

mod binding;
mod config;
mod connectivity;
mod dead_letter;
mod error;
mod kind;
mod metadata;
mod registry;
mod sink;
mod source;
mod sql;
mod watermark;

pub use binding::{Connection, TableBinding, TableExtent};
pub use config::{ConfigError, parse_config};
pub use connectivity::{ConnectivityFailure, ConnectivityReport, Reached, Unreachable};
pub use dead_letter::{DeadLetter, DeadLetterReason, DeadLetters, NoDeadLetters};
pub use error::ConnectorError;
pub use kind::{
    ColumnEvidence, DataSourceKind, FieldSpec, FieldType, KindGroup, KindSpec, PORT, Properties, RegisteredSchema, Sample, SampleLimits,
    SampledMessages, SampledTable,
};
pub use metadata::{MetadataColumn, MetadataKey};
pub use registry::ConnectorRegistry;
pub use sink::{RestoredSinkState, Sink, SinkContext, SinkMetrics};
pub use source::{DeclaredTime, RowWatermarks, Source, SourceContext, SourceEvent, SourceMetrics, SourceStart};
pub use sql::{SqlConnector, SqlNode, SqlTable};
pub use watermark::{PartitionWatermarks, WatermarkChange};

use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Arc};

/// One outside system.
#[async_trait]
pub trait Connector: Send + Sync {
    /// The data source kind, in lower case: `kafka`. Node kinds are `<kind>_source` and `<kind>_sink`.
    fn kind(&self) -> &'static str;

    /// Everything wrong with a source node's `config` for this table; empty if it can run. No I/O.
    fn check_source(&self, config: &serde_json::Map<String, serde_json::Value>, table: &TableBinding) -> Vec<ConfigError>;

    /// Everything wrong with a sink node's `config` for this table and the input's schema; empty if it can run. No I/O.
    fn check_sink(
        &self,
        config: &serde_json::Map<String, serde_json::Value>,
        table: &TableBinding,
        input: &millrace_model::Schema,
    ) -> Vec<ConfigError>;

    /// Settings of a source that reads `table` from its beginning and says when it has reached the end, so that a dimension
    /// table can hold its rows; `None` if there is no such source.
    fn dimension_source(
        &self,
        _table: &TableBinding,
        _parameters: &std::collections::BTreeMap<String, String>,
    ) -> Option<serde_json::Map<String, serde_json::Value>> {
        None
    }

    /// Whether a sink node with this `config` takes updates and deletes; inserts it always takes.
    fn accepts_changes(&self, _config: &serde_json::Map<String, serde_json::Value>) -> bool {
        false
    }

    /// Whether a sink node with this `config` that takes changes needs the row that an update replaces (`-U`). One that
    /// replaces rows by its key alone does not, and is then not sent them where that is safe.
    fn needs_update_before(&self, _config: &serde_json::Map<String, serde_json::Value>) -> bool {
        true
    }

    /// Whether a source node with this `config` sends updates and deletes beside inserts.
    fn sends_changes(&self, _config: &serde_json::Map<String, serde_json::Value>) -> bool {
        false
    }

    /// Whether those changes are upserts: a new row of a key replaces the old one without a `-U` before it, and a `-D` may
    /// have only the key.
    fn sends_upserts(&self, _config: &serde_json::Map<String, serde_json::Value>) -> bool {
        false
    }

    /// Metadata that a source node with this `config` can give as columns (`METADATA` in SQL).
    fn source_metadata(&self, _config: &serde_json::Map<String, serde_json::Value>) -> Vec<MetadataKey> {
        Vec::new()
    }

    /// Whether a source node with this `config` makes watermarks of its own, whatever a table declares
    /// (`SOURCE_WATERMARK()` in SQL).
    fn makes_watermarks(&self, _config: &serde_json::Map<String, serde_json::Value>) -> bool {
        false
    }

    /// Options that SQL may give to a table of this connector (`WITH`, the `OPTIONS` hint), by Flink's names; one that ends in
    /// `*` stands for all that begin so.
    fn table_options(&self) -> &'static [&'static str] {
        &[]
    }

    /// Brings table options, all known by [`Self::table_options`], into a source node's `config`. Options that name the
    /// system, the table or its format change nothing: these are the node's.
    ///
    /// # Errors
    /// A value that is none of its option's; the error's field is the option.
    fn apply_table_options(
        &self,
        _config: &mut serde_json::Map<String, serde_json::Value>,
        _options: &BTreeMap<String, String>,
    ) -> Result<(), ConfigError> {
        Ok(())
    }

    /// Brings where reading begins into a source node's `config`. A source that cannot be told begins where it does.
    fn set_start(&self, _config: &mut serde_json::Map<String, serde_json::Value>, _start: SourceStart) {}

    /// Columns by which a sink node with this `config` tells rows apart when it takes updates; `None` if it needs no key.
    /// Rows of one key must reach it in order.
    fn change_key(&self, _config: &serde_json::Map<String, serde_json::Value>) -> Option<Vec<String>> {
        None
    }

    /// What SQL scripts call this connector in the option `connector`.
    fn sql_connectors(&self) -> &'static [SqlConnector] {
        &[]
    }

    /// A source node for a table of a SQL script.
    ///
    /// # Errors
    /// Everything wrong with the options; fields are names of options.
    fn sql_source(&self, table: &SqlTable<'_>) -> Result<SqlNode, Vec<ConfigError>> {
        Err(vec![ConfigError::new("connector", "sql.unsupported", format!("`{}` cannot be read from SQL", table.connector))])
    }

    /// A sink node for a table of a SQL script.
    ///
    /// # Errors
    /// Everything wrong with the options; fields are names of options.
    fn sql_sink(&self, table: &SqlTable<'_>) -> Result<SqlNode, Vec<ConfigError>> {
        Err(vec![ConfigError::new("connector", "sql.unsupported", format!("`{}` cannot be written from SQL", table.connector))])
    }

    /// What a version pins of a node beside its table; `None` if that is all.
    fn pins(&self) -> Option<serde_json::Value> {
        None
    }

    /// Makes the real table if it is not there, else checks that it can be used. Answers whether it was made.
    async fn ensure_table(&self, table: &TableBinding, options: &serde_json::Value) -> Result<bool, ConnectorError>;

    /// How much the table holds; `None` where that cannot be asked.
    async fn table_extent(&self, _table: &TableBinding) -> Result<Option<TableExtent>, ConnectorError> {
        Ok(None)
    }

    /// Says how long the table keeps its records.
    async fn set_retention(&self, table: &TableBinding, _retention_ms: u64) -> Result<(), ConnectorError> {
        Err(ConnectorError::Config(format!("retention of `{}` cannot be set: {} has none", table.name, self.kind())))
    }

    /// Removes the real table with all its records; one that is not there is no error.
    async fn drop_table(&self, table: &TableBinding) -> Result<(), ConnectorError> {
        Err(ConnectorError::Config(format!("`{}` cannot be removed: tables of {} are made elsewhere", table.name, self.kind())))
    }

    /// Opens one subtask of a source. Must not wait for data.
    async fn open_source(&self, context: SourceContext) -> Result<Box<dyn Source>, ConnectorError>;

    /// Opens one subtask of a sink and settles what restored state left pending.
    async fn open_sink(&self, context: SinkContext) -> Result<Box<dyn Sink>, ConnectorError>;

    /// Opens `table` as the place for what could not be processed.
    async fn open_dead_letters(&self, table: &TableBinding) -> Result<Arc<dyn DeadLetters>, ConnectorError>;
}
