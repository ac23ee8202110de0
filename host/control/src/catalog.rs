//! What names mean to a job: one project's topics and plugins, tables of other projects as far as they are permitted, and
//! for a submitted version what it has pinned.
//!
//! Invariant: a catalog reads only its own tenant and project, and of other projects what the store lets its viewer use (PRM-6).
//! Credentials and permissions are looked up at every start and live in no version. In production a table is what is published
//! there; everything else of a version comes from its pins.

use crate::{nearest::nearest, packages, temp_table_connector, temp_tables};
use async_trait::async_trait;
use bytes::Bytes;
use millrace_connector::{Connection, TableBinding};
use millrace_datapackage::Inspector;
use millrace_domain::{
    Environment, ProjectScope, ResourceKind,
    capability::{FolderUse, PluginCapabilities, TenantCapabilities},
    permission::TablePermission,
};
use millrace_engine::{
    CapabilityGrants, Catalog, CatalogError, FolderGrant, FunctionBinding, PackageBinding, ParameterForm, PluginBinding, SecretValue,
    TableUsage,
};
use millrace_model::{
    Schema,
    graph::{GraphError, JobGraph},
};
use millrace_sandbox::function_owner;
use millrace_store::{Function, PageRequest, ResolvedTable, Store, StoreError, TableViewer};
use parking_lot::Mutex;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Names that are compared for a suggestion at most.
const SUGGESTIONS_FROM: u32 = 200;

/// A project as the engine sees it.
pub(crate) struct ProjectCatalog {
    store: Store,
    scope: ProjectScope,
    viewer: TableViewer,
    pins: Pins,
    /// What reads data packages; without it there are none.
    packages: Option<Inspector>,
    /// Temp tables that sinks of the job will make when it is submitted.
    to_be_made: BTreeSet<String>,
    /// Columns of tables that were looked up and may not be used, by table.
    hidden: Mutex<BTreeMap<String, BTreeSet<String>>>,
    /// Set when the metadata could not be read: the planner's errors are then not the user's fault.
    unreadable: Mutex<Option<String>>,
}

/// What a version has fixed.
#[derive(Debug, Default)]
struct Pins {
    tables: BTreeMap<String, PinnedTable>,
    /// By plugin name and the version that the node asks for.
    plugins: BTreeMap<(String, Option<String>), PinnedPlugin>,
    /// By the package's name and the version that is asked for.
    packages: BTreeMap<(String, Option<String>), PinnedPackage>,
    /// By the name that a script uses.
    functions: BTreeMap<String, PinnedPlugin>,
}

#[derive(Debug, Clone, Deserialize)]
struct PinnedTable {
    table: String,
    physical_name: String,
    schema: Schema,
    format: serde_json::Value,
}

#[derive(Debug, Clone, Deserialize)]
struct PinnedPlugin {
    plugin: String,
    version: String,
    content_hash: String,
}

/// A data package of a dimension table.
#[derive(Debug, Clone, Deserialize)]
struct PinnedPackage {
    package: String,
    version: String,
    #[allow(dead_code)]
    content_hash: String,
}

/// A function of the project in a SQL node.
#[derive(Debug, Clone, Deserialize)]
struct PinnedFunction {
    function: String,
    #[serde(flatten)]
    plugin: PinnedPlugin,
}

/// One node's pin; other kinds of nodes pin nothing or something of their own.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Pin {
    Table(PinnedTable),
    Plugin(PinnedPlugin),
    Package(PinnedPackage),
    Sql { functions: Vec<PinnedFunction> },
    Other(serde::de::IgnoredAny),
}

impl ProjectCatalog {
    /// The project as it is now: for validating and submitting.
    pub(crate) fn current(store: Store, viewer: TableViewer) -> Self {
        let scope = viewer.scope.clone();
        Self {
            store,
            scope,
            viewer,
            pins: Pins::default(),
            packages: None,
            to_be_made: BTreeSet::new(),
            hidden: Mutex::default(),
            unreadable: Mutex::new(None),
        }
    }

    /// The project as a version has fixed it: for running.
    ///
    /// # Errors
    /// The pins are not what [`millrace_engine::ExecutionPlan::pins`] writes.
    pub(crate) fn pinned(store: Store, viewer: TableViewer, graph: &JobGraph, pins: &serde_json::Value) -> Result<Self, serde_json::Error> {
        Ok(Self { pins: Pins::read(graph, pins)?, ..Self::current(store, viewer) })
    }

    /// Names the columns that may not be used, where an error is about one of them: to the planner they are not there.
    pub(crate) fn explain_hidden(&self, errors: &mut [GraphError]) {
        let hidden = self.hidden.lock();
        for error in errors {
            let is_named = |column: &str| error.message.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == column);
            let found = hidden.iter().find_map(|(table, columns)| Some((table, columns.iter().find(|c| is_named(c))?)));
            if let Some((table, column)) = found {
                let command = format!("millrace permission apply {table} --permission select --column {column} --reason …");
                error.code = "permission.column".into();
                error.message =
                    format!("column `{column}` of `{table}` is not permitted to you; apply for it in the catalog, or with `{command}`");
            }
        }
    }

    /// As it is, with data packages.
    pub(crate) fn with_packages(self, packages: Inspector) -> Self {
        Self { packages: Some(packages), ..self }
    }

    /// As it is, with temp tables that are not there yet.
    pub(crate) fn with_tables_to_be_made(self, to_be_made: BTreeSet<String>) -> Self {
        Self { to_be_made, ..self }
    }

    /// A temp table; `None` if the project has none of this name.
    async fn temp_table(&self, name: &str) -> Result<Option<TableBinding>, CatalogError> {
        match self.store.temp_table(&self.scope, name).await {
            Ok(table) => temp_tables::bind(&self.store, &table).await.map(Some).map_err(|e| self.failed(&e)),
            Err(StoreError::NotFound { .. }) if self.to_be_made.contains(name) => self.table_to_be_made(name).await.map(Some),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn table_to_be_made(&self, name: &str) -> Result<TableBinding, CatalogError> {
        let settings = self.store.temp_table_settings(&self.scope).await.map_err(|e| self.failed(&e))?;
        let Some(settings) = settings else {
            let message = "the project has not said where it keeps temp tables; name a data source in its temp table settings first";
            return Err(CatalogError::Forbidden(message.into()));
        };
        let found = self.store.connection(&self.scope, settings.data_source.as_str()).await.map_err(|e| self.failed(&e))?;
        let mut properties = found.properties;
        properties.insert(temp_table_connector::TO_BE_MADE.into(), String::new());
        Ok(TableBinding {
            name: name.to_owned(),
            physical_name: name.to_owned(),
            schema: Schema::default(),
            format: serde_json::json!({"type": "json"}),
            connection: Connection { kind: temp_table_connector::KIND.into(), properties },
        })
    }

    /// What a version has pinned of a table, over what it is now.
    fn as_pinned(&self, table: TableBinding) -> TableBinding {
        match self.pins.tables.get(&table.name) {
            None => table,
            Some(pin) => {
                let PinnedTable { physical_name, schema, format, .. } = pin.clone();
                TableBinding { physical_name, schema, format, ..table }
            }
        }
    }

    /// Why the metadata could not be read, if it could not.
    pub(crate) fn unreadable(&self) -> Option<String> {
        self.unreadable.lock().clone()
    }

    fn failed(&self, error: &StoreError) -> CatalogError {
        let message = error.to_string();
        *self.unreadable.lock() = Some(message.clone());
        CatalogError::External(message)
    }

    async fn near_topic(&self, name: &str) -> Option<String> {
        let page = PageRequest { cursor: None, limit: Some(SUGGESTIONS_FROM) };
        let topics = self.store.topics(&self.scope, &page).await.ok()?.items;
        let temp_tables = self.store.temp_tables(&self.scope, &page).await.ok()?.items;
        let names = topics.iter().map(|t| t.name.as_str()).chain(temp_tables.iter().map(|t| t.name.as_str()));
        nearest(name, names).map(str::to_owned)
    }

    async fn near_plugin(&self, name: &str) -> Option<String> {
        let plugins = self.store.plugins(&self.scope, &PageRequest { cursor: None, limit: Some(SUGGESTIONS_FROM) }).await.ok()?;
        nearest(name, plugins.items.iter().map(|p| p.name.as_str())).map(str::to_owned)
    }

    /// Content hash and number of the plugin version that `name` and `version` mean now.
    async fn current_plugin(&self, name: &str, version: Option<&str>) -> Result<PinnedPlugin, CatalogError> {
        let plugin = match self.store.plugin(&self.scope, name).await {
            Ok(plugin) => plugin,
            Err(StoreError::NotFound { .. }) => {
                return Err(CatalogError::NotFound { what: format!("plugin `{name}`"), suggestion: self.near_plugin(name).await });
            }
            Err(error) => return Err(self.failed(&error)),
        };
        let found = match version {
            None => plugin.latest,
            Some(wanted) => {
                let versions = self.store.plugin_versions(&self.scope, &plugin.id).await.map_err(|e| self.failed(&e))?;
                let found = versions.into_iter().find(|v| v.number.to_string() == wanted);
                let newest = plugin.latest.number.to_string();
                found.ok_or_else(|| CatalogError::NotFound {
                    what: format!("version `{wanted}` of plugin `{name}`"),
                    suggestion: Some(newest),
                })?
            }
        };
        Ok(PinnedPlugin { plugin: plugin.name.to_string(), version: found.number.to_string(), content_hash: found.content_hash })
    }
}

impl ProjectCatalog {
    /// What the plugin of this name may do, as it is now.
    async fn grants(&self, name: &str) -> Result<CapabilityGrants, CatalogError> {
        let plugin = match self.store.plugin(&self.scope, name).await {
            Ok(plugin) => plugin,
            // A version that outlives its plugin's name computes, and no more.
            Err(StoreError::NotFound { .. }) => return Ok(CapabilityGrants::default()),
            Err(error) => return Err(self.failed(&error)),
        };
        let (granted, bounds) = self.store.granted(&self.scope, &plugin.id).await.map_err(|e| self.failed(&e))?;
        capability_grants(granted, &bounds).map_err(|e| CatalogError::Forbidden(format!("grants of plugin `{name}`: {e}")))
    }
}

/// Grants as the sandbox takes them.
fn capability_grants(granted: PluginCapabilities, bounds: &TenantCapabilities) -> Result<CapabilityGrants, String> {
    let folder = |(name, used): (String, FolderUse)| {
        let folder = bounds.folders.get(&name)?;
        let grant = FolderGrant { path: folder.path.clone().into(), writable: used.writable && folder.writable };
        Some((name, grant))
    };
    Ok(CapabilityGrants {
        clock: granted.clock,
        http: granted.http.iter().map(|host| host.parse()).collect::<Result<_, String>>()?,
        secrets: granted.secrets.into_iter().map(|(name, value)| (name, SecretValue::new(value))).collect(),
        folders: granted.folders.into_iter().filter_map(folder).collect(),
    })
}

impl Pins {
    fn read(graph: &JobGraph, pins: &serde_json::Value) -> Result<Self, serde_json::Error> {
        let by_node: BTreeMap<String, Pin> = serde_json::from_value(pins.clone())?;
        let mut read = Self::default();
        for (node, pin) in by_node {
            match pin {
                Pin::Table(table) => {
                    read.tables.insert(table.table.clone(), table);
                }
                Pin::Plugin(plugin) => {
                    let of_node = || graph.nodes.iter().find(|n| n.id.as_str() == node)?.config.get("version")?.as_str();
                    let asked = match node.strip_prefix("dimension_table:") {
                        Some(table) => graph.dimension_tables.iter().find(|t| t.name == table).and_then(|t| t.version.as_deref()),
                        None => of_node(),
                    };
                    let asked = asked.map(str::to_owned);
                    read.plugins.insert((plugin.plugin.clone(), asked), plugin);
                }
                Pin::Package(package) => {
                    let table = node.strip_prefix("dimension_table:").unwrap_or_default();
                    let asked = graph.dimension_tables.iter().find(|t| t.name == table).and_then(|t| t.version.clone());
                    read.packages.insert((package.package.clone(), asked), package);
                }
                Pin::Sql { functions } => read.functions.extend(functions.into_iter().map(|f| (f.function, f.plugin))),
                Pin::Other(_) => {}
            }
        }
        Ok(read)
    }
}

#[async_trait]
impl Catalog for ProjectCatalog {
    async fn table(&self, name: &str) -> Result<TableBinding, CatalogError> {
        self.usable_table(name, None).await
    }

    async fn table_for(&self, name: &str, usage: TableUsage) -> Result<TableBinding, CatalogError> {
        let permission = match usage {
            TableUsage::Read => TablePermission::Select,
            TableUsage::Write => TablePermission::Insert,
        };
        self.usable_table(name, Some(permission)).await
    }

    async fn plugin(&self, name: &str, version: Option<&str>) -> Result<PluginBinding, CatalogError> {
        let pin = match self.pins.plugins.get(&(name.to_owned(), version.map(str::to_owned))) {
            Some(pin) => pin.clone(),
            None => self.current_plugin(name, version).await?,
        };
        self.bound(pin).await
    }

    async fn package(&self, name: &str, version: Option<&str>) -> Result<PackageBinding, CatalogError> {
        let pinned = self.pins.packages.get(&(name.to_owned(), version.map(str::to_owned)));
        self.data_package(name, pinned.map(|p| p.version.as_str()).or(version)).await
    }

    async fn function(&self, name: &str) -> Result<FunctionBinding, CatalogError> {
        let pin = match self.pins.functions.get(name) {
            Some(pin) => pin.clone(),
            None => self.current_function(name).await?,
        };
        Ok(FunctionBinding { name: name.to_owned(), plugin: self.bound(pin).await? })
    }
}

impl ProjectCatalog {
    async fn data_package(&self, name: &str, version: Option<&str>) -> Result<PackageBinding, CatalogError> {
        let not_found = |what: String| CatalogError::NotFound { what, suggestion: None };
        let Some(reader) = &self.packages else {
            return Err(CatalogError::Forbidden("data packages cannot be read here".into()));
        };
        let resource = match self.store.resource(&self.scope, name).await {
            Ok(resource) if resource.kind == ResourceKind::DataPackage => resource,
            Ok(resource) => {
                let message = format!("resource `{name}` is a {}, expected a data package", resource.kind);
                return Err(CatalogError::Forbidden(message));
            }
            Err(StoreError::NotFound { .. }) => return Err(not_found(format!("data package `{name}`"))),
            Err(error) => return Err(self.failed(&error)),
        };
        let found = match self.store.resource_version(&self.scope, &resource.id, version.unwrap_or("latest")).await {
            Ok((found, _)) => found,
            Err(StoreError::NotFound { .. }) => {
                return Err(not_found(format!("version `{}` of data package `{name}`", version.unwrap_or("latest"))));
            }
            Err(error) => return Err(self.failed(&error)),
        };
        packages::binding((&self.store, &self.scope, reader), name, &found).map_err(CatalogError::Forbidden)
    }

    async fn usable_table(&self, name: &str, permission: Option<TablePermission>) -> Result<TableBinding, CatalogError> {
        let table = match self.store.resolve_table(&self.viewer, name, permission).await {
            Ok(table) => table,
            Err(StoreError::NotFound { .. }) => {
                return match self.temp_table(name).await? {
                    Some(table) => Ok(self.as_pinned(table)),
                    None => Err(CatalogError::NotFound { what: format!("topic `{name}`"), suggestion: self.near_topic(name).await }),
                };
            }
            Err(StoreError::Forbidden { message, .. } | StoreError::Conflict { message, .. }) => {
                return Err(CatalogError::Forbidden(message));
            }
            Err(error) => return Err(self.failed(&error)),
        };
        // What production instances reach is what the data source is bound to for production, or nothing.
        // Temp tables are the same in all environments.
        let environment = if table.is_temp { Environment::Test } else { self.viewer.environment };
        let connection = match self.store.connection_in(&table.owner, table.data_source.as_str(), environment).await {
            Ok(connection) => connection,
            Err(StoreError::Conflict { message, .. }) => return Err(CatalogError::Forbidden(message)),
            Err(error) => return Err(self.failed(&error)),
        };
        let kind = if table.is_temp { temp_table_connector::KIND.to_owned() } else { connection.kind };
        let connection = Connection { kind, properties: connection.properties };
        let ResolvedTable { name, physical_name, schema, format, hidden_columns, is_temp, .. } = table;
        let is_pinned = is_temp || self.viewer.environment != Environment::Production;
        let binding = match self.pins.tables.get(&name).filter(|_| is_pinned) {
            None => TableBinding { name: name.clone(), physical_name, schema, format, connection },
            Some(pin) => {
                let PinnedTable { physical_name, schema, format, .. } = pin.clone();
                // A version may have been submitted by somebody who may use more columns than whoever runs it.
                if let Some(field) = schema.fields().iter().find(|f| hidden_columns.contains(&f.name)) {
                    let column = &field.name;
                    return Err(CatalogError::Forbidden(format!(
                        "column `{column}` of `{name}` is not permitted to whoever has started this; they can apply for it with `millrace \
                         permission apply {name} --permission select --column {column} --reason …`"
                    )));
                }
                TableBinding { name: name.clone(), physical_name, schema, format, connection }
            }
        };
        if !hidden_columns.is_empty() {
            self.hidden.lock().insert(name, hidden_columns);
        }
        Ok(binding)
    }

    /// What a name means in SQL now: a function of the project, else of the tenant, else a plugin of the project. SQL
    /// compares names of functions without case; ours are in lower case.
    async fn current_function(&self, name: &str) -> Result<PinnedPlugin, CatalogError> {
        match self.store.function_in(&self.scope, &name.to_lowercase()).await {
            Ok(Function { latest: Some(version), name, .. }) => Ok(PinnedPlugin {
                plugin: function_owner(name.as_str()),
                version: version.number.to_string(),
                content_hash: version.content_hash,
            }),
            Ok(Function { latest: None, name, .. }) => {
                Err(CatalogError::Forbidden(format!("function `{name}` has no version yet; add one before it is called")))
            }
            Err(StoreError::NotFound { .. }) => match self.current_plugin(name, None).await {
                Err(CatalogError::NotFound { .. }) if name.to_lowercase() != name => self.current_plugin(&name.to_lowercase(), None).await,
                found => found,
            },
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn bound(&self, pin: PinnedPlugin) -> Result<PluginBinding, CatalogError> {
        let grants = self.grants(&pin.plugin).await?;
        let component = self.store.component(&self.scope.tenant, &pin.content_hash).await.map_err(|e| self.failed(&e))?;
        let PinnedPlugin { plugin, version, content_hash } = pin;
        let form = self.form(&plugin, &version, &content_hash).await?;
        Ok(PluginBinding { name: plugin, version, content_hash, component: Bytes::from(component), grants, form })
    }

    /// What the parameters of a version of a plugin may be. A function has none, and neither has a version that outlives its
    /// plugin's name.
    async fn form(&self, plugin: &str, version: &str, content_hash: &str) -> Result<Option<Arc<ParameterForm>>, CatalogError> {
        let Ok(number) = version.parse::<i64>() else { return Ok(None) };
        let found = match self.store.plugin_version(&self.scope, plugin, number).await {
            Ok(found) if found.content_hash == content_hash => found,
            Ok(_) | Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.failed(&error)),
        };
        let Some(text) = found.presentation.parameters else { return Ok(None) };
        let read = ParameterForm::parse(&text).map(|form| Some(Arc::new(form)));
        read.map_err(|error| self.failed(&StoreError::Corrupt(format!("parameters of plugin {plugin} version {version}: {error}"))))
    }
}

/// A catalog whose plugins compute and read the clock and their secrets, but reach no host and no folder: for runs that
/// must touch nothing outside.
pub(crate) struct WithoutOutside<'a>(pub(crate) &'a ProjectCatalog);

/// A plugin that reaches nothing outside.
fn confined(plugin: PluginBinding) -> PluginBinding {
    let CapabilityGrants { clock, secrets, .. } = plugin.grants;
    PluginBinding { grants: CapabilityGrants { clock, secrets, ..CapabilityGrants::default() }, ..plugin }
}

#[async_trait]
impl Catalog for WithoutOutside<'_> {
    async fn table(&self, name: &str) -> Result<TableBinding, CatalogError> {
        self.0.table(name).await
    }

    async fn table_for(&self, name: &str, usage: TableUsage) -> Result<TableBinding, CatalogError> {
        self.0.table_for(name, usage).await
    }

    async fn plugin(&self, name: &str, version: Option<&str>) -> Result<PluginBinding, CatalogError> {
        Ok(confined(self.0.plugin(name, version).await?))
    }

    async fn package(&self, name: &str, version: Option<&str>) -> Result<PackageBinding, CatalogError> {
        self.0.package(name, version).await
    }

    async fn function(&self, name: &str) -> Result<FunctionBinding, CatalogError> {
        let FunctionBinding { name, plugin } = self.0.function(name).await?;
        Ok(FunctionBinding { name, plugin: confined(plugin) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_domain::{
        ApprovalEvent,
        approval::Standing,
        function::FunctionState,
        permission::{Grantee, Permit},
        schema_change::{Compatibility, compare},
    };
    use millrace_model::ids::{FunctionId, TopicId};
    use millrace_store::{
        Cause, Decision, FunctionChange, FunctionScope, NewDataSource, NewFunctionVersion, NewJob, NewJobVersion, NewPluginVersion,
        NewTopic, SecretKey, StoreOptions, TablePublishRequest, TopicChange,
    };
    use serde_json::json;

    #[test]
    fn pins_are_found_by_what_the_graph_asks_for() {
        let graph: JobGraph = serde_json::from_value(json!({"nodes": [
            {"id": "in", "kind": "kafka_source", "config": {"topic": "clicks"}},
            {"id": "old", "kind": "etl", "config": {"plugin": "clean", "version": "1"}},
            {"id": "new", "kind": "etl", "config": {"plugin": "clean"}},
            {"id": "once", "kind": "deduplicate"},
        ]}))
        .unwrap();
        let pins = json!({
            "in": {"table": "clicks", "physical_name": "web.clicks", "schema": [{"name": "a", "type": "INT"}], "format": {"type": "json"}},
            "old": {"plugin": "clean", "version": "1", "content_hash": "aa"},
            "new": {"plugin": "clean", "version": "7", "content_hash": "bb"},
            "once": null,
            "query": {"sql": "SELECT f(a) FROM t", "functions": [{"function": "f", "plugin": "my-f", "version": "2", "content_hash": "cc"}]},
        });
        let pins = Pins::read(&graph, &pins).unwrap();
        assert_eq!(pins.tables["clicks"].physical_name, "web.clicks");
        let hash = |version: Option<&str>| pins.plugins[&("clean".to_owned(), version.map(str::to_owned))].content_hash.clone();
        assert_eq!((hash(Some("1")).as_str(), hash(None).as_str()), ("aa", "bb"));
        assert_eq!((pins.functions["f"].plugin.as_str(), pins.functions["f"].content_hash.as_str()), ("my-f", "cc"));
    }

    async fn upload(store: &Store, scope: &ProjectScope, name: &str, component: &[u8]) -> String {
        let content_hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(component));
        let new = NewPluginVersion {
            name: name.parse().unwrap(),
            description: None,
            content_hash: content_hash.clone(),
            world: "scalar-function".into(),
            wit_version: "0.1.0".into(),
            component,
            presentation: Default::default(),
        };
        store.add_plugin_version(&Cause::system("test"), scope, &new).await.unwrap();
        content_hash
    }

    /// EXT-7: what the parameters of a plugin may be comes with its version, also with one that a job has pinned.
    #[tokio::test]
    async fn a_plugin_comes_with_the_form_of_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("metadata.db").display());
        let store = Store::open(StoreOptions::new(url, SecretKey::new(&[7; 32]))).await.unwrap();
        let cause = Cause::system("test");
        let tenant = store.create_tenant(&cause, &"acme".parse().unwrap(), "").await.unwrap().id;
        let scope = store.create_project(&cause, &tenant, &"shop".parse().unwrap(), "").await.unwrap().scope;
        for (component, parameters) in [
            (&b"one"[..], r#"{"type": "object", "properties": {"n": {"type": "integer", "default": 1}}, "required": ["n"]}"#),
            (b"two", r#"{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}"#),
        ] {
            let mut new = NewPluginVersion {
                name: "fees".parse().unwrap(),
                description: None,
                content_hash: hex::encode(<sha2::Sha256 as sha2::Digest>::digest(component)),
                world: "etl-operator".into(),
                wit_version: "0.1.0".into(),
                component,
                presentation: Default::default(),
            };
            new.presentation.parameters = millrace_domain::presentation::Part::Given(parameters.into());
            store.add_plugin_version(&cause, &scope, &new).await.unwrap();
        }
        let viewer = TableViewer { scope: scope.clone(), environment: Environment::Test, person: None };
        let catalog = ProjectCatalog::current(store.clone(), viewer.clone());
        let completed = async |version: Option<&str>| {
            let form = catalog.plugin("fees", version).await.unwrap().form.unwrap();
            form.complete(&BTreeMap::new(), &[]).map_err(|errors| errors[0].message.clone())
        };
        assert_eq!(completed(Some("1")).await, Ok(BTreeMap::from([("n".to_owned(), "1".to_owned())])));
        assert_eq!(completed(None).await, Err("is missing, expected a whole number".to_owned()));
        // A job keeps the form of what it has pinned.
        let graph: JobGraph =
            serde_json::from_value(json!({"nodes": [{"id": "fees", "kind": "etl", "config": {"plugin": "fees"}}]})).unwrap();
        let pins = json!({"fees": {"plugin": "fees", "version": "1", "content_hash": hex::encode(<sha2::Sha256 as sha2::Digest>::digest(b"one"))}});
        let pinned = ProjectCatalog::pinned(store, viewer, &graph, &pins).unwrap();
        assert!(pinned.plugin("fees", None).await.unwrap().form.unwrap().complete(&BTreeMap::new(), &[]).is_ok());
    }

    async fn add_version(store: &Store, scope: &FunctionScope, function: &FunctionId, content_hash: &str) {
        let new = NewFunctionVersion {
            content_hash: content_hash.to_owned(),
            world: "scalar-function".into(),
            wit_version: "0.1.0".into(),
            size_bytes: 1,
            signatures: json!([]),
            origin: json!({}),
            source: json!(null),
            presentation: Default::default(),
        };
        store.add_function_version(&Cause::system("test"), scope, function, &new).await.unwrap();
    }

    /// PRM-6: a person's column permissions, as the planner sees them and as its errors are explained.
    #[tokio::test]
    async fn columns_that_are_not_permitted_are_not_there_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("metadata.db").display());
        let store = Store::open(StoreOptions::new(url, SecretKey::new(&[7; 32]))).await.unwrap();
        let cause = Cause { actor: "usr_ann".into(), actor_name: "ann".into(), request_id: None };
        let tenant = store.create_tenant(&cause, &"acme".parse().unwrap(), "").await.unwrap().id;
        let shop = store.create_project(&cause, &tenant, &"shop".parse().unwrap(), "").await.unwrap().scope;
        let risk = store.create_project(&cause, &tenant, &"risk".parse().unwrap(), "").await.unwrap().scope;
        let table = published(&store, &cause, &risk).await;
        for column in ["id", "amount"] {
            let grantee = Grantee::Person("usr_ann".into());
            let column = Some(column.to_owned());
            let permit = Permit { grantee, permission: TablePermission::Select, column, expires_at_ms: None };
            store.set_table_grants(&cause, (&risk, &table), &[permit]).await.unwrap();
        }
        let viewer = TableViewer { scope: shop, environment: Environment::Test, person: Some("usr_ann".into()) };
        let catalog = ProjectCatalog::current(store.clone(), viewer.clone());
        let seen = catalog.table_for("risk.payments", TableUsage::Read).await.unwrap();
        let names: Vec<_> = seen.schema.fields().iter().map(|f| f.name.as_str()).collect();
        assert_eq!((seen.name.as_str(), names), ("risk.payments", vec!["id", "amount"]));
        assert!(matches!(catalog.table_for("risk.payments", TableUsage::Write).await, Err(CatalogError::Forbidden(_))));

        let about = |message: &str| GraphError::in_document("sql", "sql.unknown_column", message);
        let mut errors = [about("there is no column `card`"), about("there is no column `card_no`")];
        catalog.explain_hidden(&mut errors);
        assert_eq!((errors[0].code.as_str(), errors[1].code.as_str()), ("permission.column", "sql.unknown_column"));
        assert!(
            errors[0].message.starts_with("column `card` of `risk.payments` is not permitted to you; apply for it"),
            "{}",
            errors[0].message
        );

        // A version that was submitted by somebody who may read all columns does not run for somebody who may not.
        let graph: JobGraph = serde_json::from_value(json!({"nodes": [{"id": "in", "kind": "kafka_source"}]})).unwrap();
        let all = json!([{"name": "id", "type": "INT"}, {"name": "card", "type": "STRING"}]);
        let pins = json!({"in": {"table": "risk.payments", "physical_name": "p", "schema": all, "format": {"type": "json"}}});
        let pinned = ProjectCatalog::pinned(store, viewer, &graph, &pins).unwrap();
        let refused = pinned.table_for("risk.payments", TableUsage::Read).await.unwrap_err();
        assert!(refused.to_string().starts_with("column `card` of `risk.payments` is not permitted"), "{refused}");
    }

    /// `risk.payments` with three columns, in test.
    async fn published(store: &Store, cause: &Cause, scope: &ProjectScope) -> TopicId {
        let new = NewDataSource {
            name: "broker".parse().unwrap(),
            kind: "kafka".into(),
            description: String::new(),
            properties: BTreeMap::new(),
        };
        let source = store.create_data_source(cause, scope, &new).await.unwrap();
        let columns = json!([{"name": "id", "type": "INT"}, {"name": "card", "type": "STRING"}, {"name": "amount", "type": "INT"}]);
        let settings = TopicChange {
            physical_name: "payments".into(),
            data_source: Some(source.id.clone()),
            description: String::new(),
            schema: serde_json::from_value(columns).unwrap(),
            format: json!({"type": "json"}),
            expected_revision: None,
        };
        let new = NewTopic { name: "payments".parse().unwrap(), database: None, settings: settings.clone() };
        let topic = store.create_topic(cause, scope, &new).await.unwrap();
        let asked = TablePublishRequest {
            data_source: source.id,
            data_source_name: "broker".into(),
            database: None,
            physical_name: settings.physical_name,
            description: String::new(),
            changes: compare(None, &settings.schema, Compatibility::Full),
            schema: settings.schema,
            format: settings.format,
            design_revision: 1,
            replaces: 0,
            ensure: false,
        };
        let asked = store.request_table_publication(cause, &topic, Environment::Test, &asked, "").await.unwrap();
        let standing = Standing { is_applicant: false, is_decider: true };
        let decision = Decision { event: ApprovalEvent::Approve, standing, opinion: String::new() };
        store.decide_approval(&Cause::system("test"), &scope.tenant, &asked.id, &decision).await.unwrap();
        topic.id
    }

    /// EXT-4: a job's version goes on with the function's version that it has pinned, after a new one was added and after
    /// the project has hidden the tenant's function by one of its own.
    #[tokio::test]
    async fn a_pinned_function_stays_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("metadata.db").display());
        let store = Store::open(StoreOptions::new(url, SecretKey::new(&[7; 32]))).await.unwrap();
        let cause = Cause::system("test");
        let tenant = store.create_tenant(&cause, &"shop".parse().unwrap(), "").await.unwrap().id;
        let scope = store.create_project(&cause, &tenant, &"web".parse().unwrap(), "").await.unwrap().scope;
        let shared = FunctionScope::Tenant(tenant.clone());
        let said = FunctionChange { description: String::new(), attributes: BTreeMap::new(), state: FunctionState::Enabled };
        let function = store.create_function(&cause, &shared, &"normalize".parse().unwrap(), &said).await.unwrap().id;
        let viewer = TableViewer { scope: scope.clone(), environment: Environment::Test, person: None };
        let current = || ProjectCatalog::current(store.clone(), viewer.clone());
        let early = current().function("normalize").await.unwrap_err();
        assert_eq!(early.to_string(), "function `normalize` has no version yet; add one before it is called");

        let (first, second) = (upload(&store, &scope, "normalize", b"one").await, upload(&store, &scope, "two", b"two").await);
        add_version(&store, &shared, &function, &first).await;
        let found = current().function("NORMALIZE").await.unwrap().plugin;
        assert_eq!((found.name.as_str(), found.version.as_str(), &found.content_hash), ("function normalize", "1", &first));
        let call = json!({"function": "NORMALIZE", "plugin": found.name, "version": found.version, "content_hash": found.content_hash});
        let pins = json!({"query": {"sql": "SELECT NORMALIZE(a) FROM t", "functions": [call]}});
        let graph: JobGraph = serde_json::from_value(json!({"nodes": []})).unwrap();
        let new = NewJob { name: "job".parse().unwrap(), folder: "".parse().unwrap(), description: String::new(), draft: graph.clone() };
        let job = store.create_job(&cause, &scope, &new).await.unwrap().id;
        let version = NewJobVersion { graph: graph.clone(), pins, content_hash: "aa".into(), description: String::new() };
        let version = store.add_job_version(&cause, &scope, &job, &version).await.unwrap();

        add_version(&store, &shared, &function, &second).await;
        assert_eq!(current().function("normalize").await.unwrap().plugin.content_hash, second);
        let pinned = ProjectCatalog::pinned(store.clone(), viewer.clone(), &version.graph, &version.pins).unwrap();
        let found = pinned.function("NORMALIZE").await.unwrap().plugin;
        assert_eq!((found.version.as_str(), found.component.as_ref()), ("1", b"one".as_slice()));
        assert!(store.delete_function(&cause, &shared, &function).await.unwrap_err().to_string().contains("job `job version 1`"));

        let own = FunctionScope::Project(scope.clone());
        let hiding = store.create_function(&cause, &own, &"normalize".parse().unwrap(), &said).await.unwrap().id;
        let third = upload(&store, &scope, "three", b"three").await;
        add_version(&store, &own, &hiding, &third).await;
        assert_eq!(current().function("Normalize").await.unwrap().plugin.content_hash, third);
        assert_eq!(pinned.function("NORMALIZE").await.unwrap().plugin.content_hash, first);
        assert_eq!(current().function("two").await.unwrap().plugin.name, "two", "a plugin is a function by its own name");
    }
}
