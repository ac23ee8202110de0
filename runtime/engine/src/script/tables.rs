//! Tables of a script: which table of the project each stands for, and the settings that its options become.

use super::text::place;
use crate::{
    catalog::{Catalog, CatalogError},
    custom,
    services::EngineServices,
};
use millrace_connector::{ConfigError, Connector, SqlConnector, SqlNode, SqlTable, TableBinding};
use millrace_model::graph::{DimensionTableSpec, GraphError, TextPlace};
use millrace_sql::{
    SqlError, TableDefinition,
    ast::{CreateTable, HintOption, Span, Statement},
    nearest,
    parser::Uses,
};
use std::{collections::BTreeMap, sync::Arc};

/// Whether a table is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Source,
    Sink,
}

/// One use of a table by an INSERT.
pub(super) struct Use<'a> {
    pub(super) definition: &'a TableDefinition,
    /// Options of `/*+ OPTIONS(…) */`, perhaps with those of the table below them.
    pub(super) hints: &'a BTreeMap<String, String>,
    /// The INSERT.
    pub(super) span: Span,
    pub(super) side: Side,
}

/// What a use becomes.
pub(super) struct Resolved {
    /// The node's kind.
    pub(super) kind: String,
    pub(super) node: SqlNode,
    /// The table of the project; `None` for a plugin's.
    pub(super) binding: Option<TableBinding>,
    pub(super) places: Places,
}

/// Where in the script the parts of a node come from.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// By option.
    options: BTreeMap<String, TextPlace>,
    /// Which option a setting comes from, where their names differ.
    origins: BTreeMap<String, String>,
    /// The table's declaration, or the INSERT.
    pub(super) whole: Option<TextPlace>,
}

impl Places {
    /// One place for everything.
    pub(super) fn whole(place: TextPlace) -> Self {
        Self { whole: Some(place), ..Self::default() }
    }

    /// The place of a setting of the node: `key_fields[0]` is where `key_fields` is.
    pub(super) fn of(&self, field: &str) -> Option<TextPlace> {
        let base = field.split('[').next().unwrap_or(field);
        let option = self.origins.get(base).map_or(base, String::as_str);
        self.options.get(option).copied().or(self.whole)
    }
}

/// What a script's tables are looked up in.
pub(super) struct Tables<'a> {
    pub(super) script: &'a str,
    pub(super) statements: &'a [Statement],
    pub(super) uses: &'a Uses,
    /// Tables of the project that the script uses without declaring them.
    pub(super) project: &'a BTreeMap<String, TableBinding>,
    pub(super) catalog: &'a dyn Catalog,
    pub(super) services: &'a EngineServices,
}

/// An error at an option, before its place is known.
fn at_option(option: &str, code: &str, message: impl Into<String>) -> Vec<ConfigError> {
    vec![ConfigError::new(option, code, message)]
}

impl Tables<'_> {
    /// Resolves one use; errors stand at the option or column that is wrong.
    pub(super) async fn resolve(&self, wanted: &Use<'_>) -> Result<Resolved, Vec<GraphError>> {
        let create = super::columns::declaration(self.statements, &wanted.definition.name);
        let places = self.places(wanted, create);
        let shown = |errors: Vec<ConfigError>| errors.into_iter().map(|e| self.option_error(&places, e)).collect::<Vec<_>>();
        let mut errors = Vec::new();
        let mut options = wanted.definition.options.clone();
        options.extend(wanted.hints.clone());
        let project = self.project.get(&wanted.definition.name);
        if project.is_none() && options.get("connector").is_some_and(|connector| connector == custom::table::CONNECTOR) {
            let node = custom::table::node_of(&options).map_err(shown)?;
            let kind = if wanted.side == Side::Source { custom::SOURCE } else { custom::SINK };
            return Ok(Resolved { kind: kind.to_owned(), node, binding: None, places });
        }
        let found = project.map_or_else(|| self.connector(&options), |binding| self.of_kind(&binding.connection.kind));
        let (connector, sql) = found.map_err(shown)?;
        errors.extend(options.keys().filter_map(|option| unknown_option(option, sql)));
        let binding = match project {
            Some(binding) => Ok(binding.clone()),
            None => self.binding(connector, sql, &options).await,
        };
        let binding = match binding {
            Ok(binding) => binding,
            Err(error) => {
                errors.push(error);
                return Err(shown(errors));
            }
        };
        // A table of the project may be named by its data source's kind, which is a connector of SQL too.
        let name = options.get("connector").map_or(sql.name, String::as_str);
        let table = SqlTable { connector: name, options: &options, primary_key: &wanted.definition.primary_key, binding: &binding };
        let (node, end) = match wanted.side {
            Side::Source => (connector.sql_source(&table), "source"),
            Side::Sink => (connector.sql_sink(&table), "sink"),
        };
        let (node, wrong) = node.map_or_else(|wrong| (SqlNode::default(), wrong), |node| (node, Vec::new()));
        errors.extend(wrong);
        let mut errors = shown(errors);
        if let Some(create) = create {
            let holder = format!("topic `{}`", binding.name);
            let check = super::columns::check_columns(wanted.definition, create, &binding.schema, &holder, wanted.side == Side::Source);
            errors.extend(check.err().map(|e| super::sql_error(self.script, &e)));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let kind = format!("{}_{end}", connector.kind());
        let places = Places { origins: node.origins.clone(), ..places };
        Ok(Resolved { kind, node, binding: Some(binding), places })
    }

    /// The entry of the graph that a declared dimension table stands for.
    pub(super) fn dimension(&self, table: &TableDefinition, span: Span) -> Result<(DimensionTableSpec, Places), Vec<GraphError>> {
        let create = super::columns::declaration(self.statements, &table.name);
        let wanted = Use { definition: table, hints: &BTreeMap::new(), span, side: Side::Source };
        let places = self.places(&wanted, create);
        let spec = super::dimension::spec(table);
        spec.map_err(|errors| errors.into_iter().map(|e| self.option_error(&places, e)).collect::<Vec<_>>()).map(|spec| (spec, places))
    }

    /// The warning or error at its option's place.
    pub(super) fn option_error(&self, places: &Places, error: ConfigError) -> GraphError {
        let message = format!("option '{}' {}", error.field, error.message);
        let shown = GraphError::in_document(super::FIELD, &error.code, message);
        match places.of(&error.field) {
            Some(place) => shown.at(place),
            None => shown,
        }
    }

    fn places(&self, wanted: &Use<'_>, create: Option<&CreateTable>) -> Places {
        let mut options = BTreeMap::new();
        for option in create.into_iter().flat_map(|c| &c.options) {
            options.insert(option.key.clone(), place(self.script, option.span));
        }
        let (hinted, declared) = (wanted.hints, &wanted.definition.options);
        let is_hint = |o: &&HintOption| o.value.as_ref().is_some_and(|v| hinted.get(&o.key) == Some(v) && declared.get(&o.key) != Some(v));
        for option in self.uses.hints.iter().flat_map(|h| &h.options).filter(is_hint) {
            options.insert(option.key.clone(), place(self.script, option.span));
        }
        let whole = create.map_or(wanted.span, |c| c.name.span());
        Places { options, origins: BTreeMap::new(), whole: Some(place(self.script, whole)) }
    }

    fn of_kind(&self, kind: &str) -> Result<(&Arc<dyn Connector>, SqlConnector), Vec<ConfigError>> {
        let found = self.services.connectors.get(kind).and_then(|c| Some((c, *c.sql_connectors().first()?)));
        found.ok_or_else(|| {
            at_option("connector", "sql.unknown_connector", format!("cannot be used: SQL does not reach {kind} data sources"))
        })
    }

    /// The connector that a declared table names.
    fn connector(&self, options: &BTreeMap<String, String>) -> Result<(&Arc<dyn Connector>, SqlConnector), Vec<ConfigError>> {
        let all = all_connectors(self.services);
        let names = all.iter().map(|(_, sql)| sql.name);
        let list = || names.clone().map(|n| format!("'{n}'")).collect::<Vec<_>>().join(", ");
        let Some(wanted) = options.get("connector") else {
            let message = format!("is missing; say where the rows are, with one of {}", list());
            return Err(at_option("connector", "sql.no_connector", message));
        };
        if wanted == super::dimension::CONNECTOR {
            let message = "is 'dimension': such a table is looked up with `FOR SYSTEM_TIME AS OF`, nothing is written to it";
            return Err(at_option("connector", "sql.dimension_not_read", message));
        }
        let Some(found) = all.iter().find(|(_, sql)| sql.name == wanted) else {
            let message = match nearest(wanted, names.clone()) {
                Some(near) => format!("is '{wanted}'; did you mean '{near}'?"),
                None => format!("is '{wanted}', expected one of {}", list()),
            };
            return Err(at_option("connector", "sql.unknown_connector", message));
        };
        Ok(*found)
    }

    /// The table of the project that a declared table stands for.
    async fn binding(
        &self,
        connector: &Arc<dyn Connector>,
        sql: SqlConnector,
        options: &BTreeMap<String, String>,
    ) -> Result<TableBinding, ConfigError> {
        let wrong = |code: &str, message: String| ConfigError::new(sql.table_option, code, message);
        let Some(name) = options.get(sql.table_option) else {
            return Err(wrong("sql.missing_option", format!("is missing; name a {} of the project", sql.table_option)));
        };
        let binding = self.catalog.table(name).await.map_err(|error| {
            let code = error.table_code();
            let message = match error {
                CatalogError::NotFound { suggestion: Some(near), .. } => {
                    format!("is '{name}', which the project does not have; did you mean '{near}'?")
                }
                CatalogError::NotFound { .. } => {
                    format!("is '{name}', which the project does not have; make it first: `millrace {} create {name} …`", sql.table_option)
                }
                other => other.to_string(),
            };
            wrong(code, message)
        })?;
        if binding.connection.kind != connector.kind() {
            let message = format!("is '{name}', which lies in a {} data source, expected {}", binding.connection.kind, connector.kind());
            return Err(wrong("config.wrong_kind", message));
        }
        Ok(binding)
    }
}

/// Every connector under every name that SQL has for it.
fn all_connectors(services: &EngineServices) -> Vec<(&Arc<dyn Connector>, SqlConnector)> {
    let connectors = services.connectors.kinds().filter_map(|kind| services.connectors.get(kind));
    connectors.flat_map(|c| c.sql_connectors().iter().map(move |sql| (c, *sql))).collect()
}

/// The connector that SQL calls `name`.
pub(super) fn connector_named<'a>(name: &str, services: &'a EngineServices) -> Option<(&'a Arc<dyn Connector>, SqlConnector)> {
    all_connectors(services).into_iter().find(|(_, sql)| sql.name == name)
}

fn unknown_option(option: &str, sql: SqlConnector) -> Option<ConfigError> {
    let is = |known: &str| match known.strip_suffix('*') {
        Some(start) => option.starts_with(start),
        None => option == known,
    };
    if sql.options.iter().any(|known| is(known)) {
        return None;
    }
    let message = match nearest(option, sql.options.iter().copied()) {
        Some(near) => format!("is not known; did you mean '{near}'?"),
        None => format!("is not known to the connector '{}'", sql.name),
    };
    Some(ConfigError::new(option, "sql.unknown_option", message))
}

/// Tables of the project that a script names without declaring them, and the nearest name for each that is not there.
pub(super) async fn undeclared(
    uses: &Uses,
    is_declared: impl Fn(&str) -> bool,
    catalog: &dyn Catalog,
) -> Result<(BTreeMap<String, TableBinding>, BTreeMap<String, String>), SqlError> {
    let (mut found, mut near) = (BTreeMap::new(), BTreeMap::new());
    let mut asked = std::collections::BTreeSet::new();
    for (name, span) in uses.tables.iter().filter_map(|n| Some((n.foreign().or_else(|| Some(n.parts.last()?.value.clone()))?, n.span()))) {
        if is_declared(&name) || !asked.insert(name.clone()) {
            continue;
        }
        if asked.len() > super::TABLES_MAX {
            let message = format!("the script names more than {} tables", super::TABLES_MAX);
            return Err(SqlError::new("sql.too_many_tables", message, span));
        }
        match catalog.table(&name).await {
            Ok(binding) => drop(found.insert(name, binding)),
            // A WITH table, or a slip: the binder will say so.
            Err(CatalogError::NotFound { suggestion, .. }) => drop(suggestion.map(|s| near.insert(name, s))),
            Err(error) => return Err(SqlError::new(error.table_code(), error.to_string(), span)),
        }
    }
    Ok((found, near))
}
