//! A tenant's source or sink as a connector of one node.

use super::{GuestCode, GuestSite, sink, source};
use crate::operators::PlanContext;
use async_trait::async_trait;
use millrace_connector::{
    ConfigError, Connection, Connector, ConnectorError, DeadLetters, Sink, SinkContext, Source, SourceContext, TableBinding,
};
use millrace_model::{
    Schema,
    graph::{GraphError, Node},
};
use millrace_sandbox::World;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, sync::Arc};

/// What such a connector is called; no data source is of this kind.
const KIND: &str = "plugin";

/// The connector of one `custom_source` or `custom_sink` node.
pub(crate) struct GuestConnector {
    code: GuestCode,
    accepts_changes: bool,
}

impl GuestConnector {
    /// Asks a source for its columns.
    pub async fn source(node: &Node, context: &PlanContext<'_>) -> Result<(Self, TableBinding), Vec<GraphError>> {
        let (code, component) = GuestCode::resolve(node, World::Source, context).await?;
        let asked = code.sandbox().source(&component, code.open(GuestSite::of_plan(&node.id))).await;
        let guest = asked.map_err(|fault| code.refusal(node, &fault))?;
        let schema = guest.schema().clone();
        if let Some(name) = code.config.event_time_field.as_ref().filter(|name| schema.field(name).is_none()) {
            let columns: Vec<&str> = schema.fields().iter().map(|f| f.name.as_str()).collect();
            let message = format!("column `{name}` is not in the source; its columns are {}", columns.join(", "));
            return Err(vec![GraphError::in_field(&node.id, "config.event_time_field", "config.unknown_column", message)]);
        }
        let table = table(&code, schema);
        Ok((Self { code, accepts_changes: false }, table))
    }

    /// Asks a sink what it takes.
    pub async fn sink(node: &Node, input: &Schema, context: &PlanContext<'_>) -> Result<(Self, TableBinding), Vec<GraphError>> {
        let (code, component) = GuestCode::resolve(node, World::Sink, context).await?;
        let asked = code.sandbox().sink(&component, code.open(GuestSite::of_plan(&node.id))).await;
        let guest = asked.map_err(|fault| code.refusal(node, &fault))?;
        if let Some(name) = code.config.key_fields.iter().flatten().find(|name| input.field(name).is_none()) {
            let message = format!("column `{name}` is not in the input");
            return Err(vec![GraphError::in_field(&node.id, "config.key_fields", "config.unknown_column", message)]);
        }
        let table = table(&code, input.clone());
        Ok((Self { accepts_changes: guest.accepts_changes(), code }, table))
    }
}

fn table(code: &GuestCode, schema: Schema) -> TableBinding {
    let name = code.plugin.name.clone();
    let connection = Connection { kind: KIND.into(), properties: BTreeMap::new() };
    // Columns have places, not names, in what a guest answers: no reader may leave any out.
    TableBinding { physical_name: name.clone(), name, schema, format: serde_json::json!({"type": KIND}), connection }
}

#[async_trait]
impl Connector for GuestConnector {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn table_options(&self) -> &'static [&'static str] {
        &["connector", "plugin", "version", "parameter.*"]
    }

    /// The source is asked for its columns with these parameters before any query is read: they cannot change afterwards.
    fn apply_table_options(&self, _config: &mut Map<String, Value>, options: &BTreeMap<String, String>) -> Result<(), ConfigError> {
        for (option, value) in options {
            let Some(name) = option.strip_prefix(super::table::PARAMETER) else { continue };
            if self.code.parameters.get(name) != Some(value) {
                let message = "is another than the source's node has; set it where the table is declared";
                return Err(ConfigError::new(option.as_str(), "sql.invalid_option", message));
            }
        }
        Ok(())
    }

    fn check_source(&self, _config: &Map<String, Value>, _table: &TableBinding) -> Vec<ConfigError> {
        Vec::new()
    }

    fn check_sink(&self, _config: &Map<String, Value>, _table: &TableBinding, _input: &Schema) -> Vec<ConfigError> {
        Vec::new()
    }

    fn accepts_changes(&self, _config: &Map<String, Value>) -> bool {
        self.accepts_changes
    }

    fn makes_watermarks(&self, _config: &Map<String, Value>) -> bool {
        true
    }

    fn change_key(&self, _config: &Map<String, Value>) -> Option<Vec<String>> {
        self.code.config.key_fields.clone()
    }

    fn pins(&self) -> Option<Value> {
        Some(self.code.pins())
    }

    async fn ensure_table(&self, _table: &TableBinding, _options: &Value) -> Result<bool, ConnectorError> {
        Ok(false)
    }

    async fn open_source(&self, context: SourceContext) -> Result<Box<dyn Source>, ConnectorError> {
        Ok(Box::new(source::open(&self.code, context).await?))
    }

    async fn open_sink(&self, context: SinkContext) -> Result<Box<dyn Sink>, ConnectorError> {
        Ok(Box::new(sink::GuestSink::open(&self.code, context).await?))
    }

    async fn open_dead_letters(&self, _table: &TableBinding) -> Result<Arc<dyn DeadLetters>, ConnectorError> {
        Err(ConnectorError::Config("a plugin cannot be the place for dead letters".into()))
    }
}
