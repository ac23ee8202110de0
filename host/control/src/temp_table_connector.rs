//! The connector of temp tables: another connector (Kafka) under a kind of its own, so that a job says which of its tables
//! are the platform's (`temp_table_source`, `temp_table_sink`; in SQL by name, or as `'connector' = 'temp-table'`).
//!
//! Invariant: everything that happens to records is the other connector's doing: temp tables are as exactly-once as it is.

use async_trait::async_trait;
use millrace_connector::{
    ConfigError, Connector, ConnectorError, DeadLetters, MetadataKey, Sink, SinkContext, Source, SourceContext, SourceStart, SqlConnector,
    SqlNode, SqlTable, TableBinding, TableExtent,
};
use millrace_model::Schema;
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

/// The kind of connection that a catalog gives temp tables.
pub(crate) const KIND: &str = "temp_table";
/// A property of the connection of a temp table that is not there yet: it will be made from the rows that its sink gets.
pub(crate) const TO_BE_MADE: &str = "millrace.to-be-made";

/// Options that SQL may give.
const OPTIONS: &[&str] = &[
    "connector",
    "table",
    "scan.startup.mode",
    "scan.startup.timestamp-millis",
    "scan.topic-partition-discovery.interval",
    "scan.watermark.idle-timeout",
    "scan.parallelism",
    "sink.parallelism",
    "sink.delivery-guarantee",
    "key.fields",
];

const CONNECTORS: &[SqlConnector] = &[
    SqlConnector { name: "temp-table", table_option: "table", sends_changes: false, options: OPTIONS },
    SqlConnector { name: "upsert-temp-table", table_option: "table", sends_changes: true, options: OPTIONS },
];

/// Temp tables in another connector's system.
pub struct TempTableConnector {
    inner: Arc<dyn Connector>,
    /// How the other connector's nodes name their table.
    table_field: &'static str,
}

impl TempTableConnector {
    /// Temp tables that `inner` keeps.
    pub fn new(inner: Arc<dyn Connector>) -> Self {
        let table_field = millrace_engine::table_field(inner.kind());
        Self { inner, table_field }
    }

    /// Settings as the other connector reads them.
    fn inner_config(&self, config: &Map<String, Value>) -> Map<String, Value> {
        renamed(config, "table", self.table_field)
    }

    fn own_config(&self, config: &Map<String, Value>) -> Map<String, Value> {
        renamed(config, self.table_field, "table")
    }

    /// An option that names the table, as ours is called.
    fn own_field(&self, mut error: ConfigError) -> ConfigError {
        if error.field == self.table_field {
            error.field = "table".into();
        }
        error
    }

    fn own_fields(&self, errors: Vec<ConfigError>) -> Vec<ConfigError> {
        errors.into_iter().map(|error| self.own_field(error)).collect()
    }

    /// The name that the other connector has for the same thing.
    fn inner_name(&self, connector: &str) -> &'static str {
        let sends_changes = connector.starts_with("upsert");
        let same = self.inner.sql_connectors().iter().find(|c| c.sends_changes == sends_changes);
        same.map_or(self.inner.kind(), |c| c.name)
    }

    /// A table of a script, as the other connector reads it.
    fn sql(
        &self,
        table: &SqlTable<'_>,
        read: impl Fn(&SqlTable<'_>) -> Result<SqlNode, Vec<ConfigError>>,
    ) -> Result<SqlNode, Vec<ConfigError>> {
        let name = self.inner_name(table.connector);
        let mut options = table.options.clone();
        options.remove("table");
        options.insert("connector".into(), name.into());
        let inner = SqlTable { connector: name, options: &options, primary_key: table.primary_key, binding: table.binding };
        let mut node = read(&inner).map_err(|errors| self.own_fields(errors))?;
        node.config = self.own_config(&node.config);
        if let Some(origin) = node.origins.remove(self.table_field) {
            node.origins.insert("table".into(), origin);
        }
        Ok(node)
    }
}

fn renamed(config: &Map<String, Value>, from: &str, to: &str) -> Map<String, Value> {
    config.iter().map(|(name, value)| (if name == from { to.to_owned() } else { name.clone() }, value.clone())).collect()
}

/// Whether the table is made when the job is submitted.
fn is_to_be_made(table: &TableBinding) -> bool {
    table.connection.properties.contains_key(TO_BE_MADE)
}

/// A table with the columns that its sink will give it.
fn with_columns<'a>(table: &'a TableBinding, input: &Schema) -> Cow<'a, TableBinding> {
    if !is_to_be_made(table) {
        return Cow::Borrowed(table);
    }
    let mut made = table.clone();
    made.schema = input.clone();
    made.connection.properties.remove(TO_BE_MADE);
    Cow::Owned(made)
}

#[async_trait]
impl Connector for TempTableConnector {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn check_source(&self, config: &Map<String, Value>, table: &TableBinding) -> Vec<ConfigError> {
        if is_to_be_made(table) {
            let message =
                format!("`{}` is written by this job for the first time; submit a job that writes it before one reads it", table.name);
            return vec![ConfigError::new("table", "config.unknown_table", message)];
        }
        self.own_fields(self.inner.check_source(&self.inner_config(config), table))
    }

    fn check_sink(&self, config: &Map<String, Value>, table: &TableBinding, input: &Schema) -> Vec<ConfigError> {
        self.own_fields(self.inner.check_sink(&self.inner_config(config), &with_columns(table, input), input))
    }

    fn accepts_changes(&self, config: &Map<String, Value>) -> bool {
        self.inner.accepts_changes(&self.inner_config(config))
    }

    fn sends_changes(&self, config: &Map<String, Value>) -> bool {
        self.inner.sends_changes(&self.inner_config(config))
    }

    fn sends_upserts(&self, config: &Map<String, Value>) -> bool {
        self.inner.sends_upserts(&self.inner_config(config))
    }

    fn source_metadata(&self, config: &Map<String, Value>) -> Vec<MetadataKey> {
        self.inner.source_metadata(&self.inner_config(config))
    }

    fn makes_watermarks(&self, config: &Map<String, Value>) -> bool {
        self.inner.makes_watermarks(&self.inner_config(config))
    }

    fn table_options(&self) -> &'static [&'static str] {
        OPTIONS
    }

    fn apply_table_options(&self, config: &mut Map<String, Value>, options: &BTreeMap<String, String>) -> Result<(), ConfigError> {
        let mut inner = self.inner_config(config);
        self.inner.apply_table_options(&mut inner, options).map_err(|error| self.own_field(error))?;
        *config = self.own_config(&inner);
        Ok(())
    }

    fn set_start(&self, config: &mut Map<String, Value>, start: SourceStart) {
        let mut inner = self.inner_config(config);
        self.inner.set_start(&mut inner, start);
        *config = self.own_config(&inner);
    }

    fn change_key(&self, config: &Map<String, Value>) -> Option<Vec<String>> {
        self.inner.change_key(&self.inner_config(config))
    }

    fn sql_connectors(&self) -> &'static [SqlConnector] {
        CONNECTORS
    }

    fn sql_source(&self, table: &SqlTable<'_>) -> Result<SqlNode, Vec<ConfigError>> {
        self.sql(table, |table| self.inner.sql_source(table))
    }

    fn sql_sink(&self, table: &SqlTable<'_>) -> Result<SqlNode, Vec<ConfigError>> {
        self.sql(table, |table| self.inner.sql_sink(table))
    }

    async fn ensure_table(&self, table: &TableBinding, options: &Value) -> Result<bool, ConnectorError> {
        self.inner.ensure_table(table, options).await
    }

    async fn table_extent(&self, table: &TableBinding) -> Result<Option<TableExtent>, ConnectorError> {
        self.inner.table_extent(table).await
    }

    async fn set_retention(&self, table: &TableBinding, retention_ms: u64) -> Result<(), ConnectorError> {
        self.inner.set_retention(table, retention_ms).await
    }

    async fn drop_table(&self, table: &TableBinding) -> Result<(), ConnectorError> {
        self.inner.drop_table(table).await
    }

    async fn open_source(&self, mut context: SourceContext) -> Result<Box<dyn Source>, ConnectorError> {
        context.config = self.inner_config(&context.config);
        self.inner.open_source(context).await
    }

    async fn open_sink(&self, mut context: SinkContext) -> Result<Box<dyn Sink>, ConnectorError> {
        context.config = self.inner_config(&context.config);
        self.inner.open_sink(context).await
    }

    async fn open_dead_letters(&self, table: &TableBinding) -> Result<Arc<dyn DeadLetters>, ConnectorError> {
        self.inner.open_dead_letters(table).await
    }
}
