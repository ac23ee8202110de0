//! Dimension tables of a job (DIM-1, DIM-2): filled by updaters that tenants wrote, from uploaded data packages or from
//! tables that a source follows; looked up by the job's queries and plugins.
//!
//! Invariant: an updater's instance and a loaded table belong to the table, not to who looks up: a look-up that is given
//! up (its caller's deadline) leaves a load that is under way to end in its own time. What is loaded is bounded in rows
//! and bytes.

mod cache;
mod held;
mod rows;
mod table;

pub(crate) use rows::Matches;

use crate::{
    catalog::{Catalog, CatalogError, TableUsage},
    services::EngineServices,
};
use arrow_array::{RecordBatch, UInt32Array};
use futures::future::BoxFuture;
use held::{Feed, HeldTable};
use millrace_model::{
    Schema,
    graph::{DimensionTableSpec, GraphError},
    ids::TenantId,
};
use millrace_sandbox::{DimensionColumns, DimensionTables};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};
use table::DimensionTable;

/// Rows of a whole table, unless the job says.
const ALL_ROWS_MAX: u64 = 1_000_000;
/// Bytes of a whole table.
const ALL_BYTES_MAX: usize = 256 << 20;

/// What is wrong with a declaration.
struct DeclarationError {
    field: &'static str,
    code: String,
    message: String,
}

/// The dimension tables of one job.
#[derive(Default)]
pub(crate) struct JobDimensions {
    by_name: BTreeMap<String, Provider>,
}

/// Where a table's rows come from.
enum Provider {
    /// A plugin that is asked for them.
    Updater(Arc<DimensionTable>),
    /// They are held in memory.
    Held(Arc<HeldTable>),
}

impl Provider {
    fn columns(&self) -> &DimensionColumns {
        match self {
            Self::Updater(table) => table.columns(),
            Self::Held(table) => table.columns(),
        }
    }
}

/// A dimension table as SQL sees it.
pub(crate) struct DimensionShape<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its columns.
    pub schema: Schema,
    /// Of several rows with equal values in these columns the newest counts.
    pub primary_key: Vec<String>,
    /// Whether every look-up must give the whole key.
    pub needs_key: bool,
}

/// Figures of one dimension table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DimensionMetrics {
    /// Its name.
    pub name: String,
    /// Keys that were found in the cache, or known not to be there.
    pub hits: u64,
    /// Keys that had to be loaded.
    pub misses: u64,
    /// Loads: of pages, or of some keys.
    pub loads: u64,
    /// Loads that failed.
    pub errors: u64,
    /// Rows that are cached now.
    pub rows: u64,
}

impl JobDimensions {
    /// Opens the updaters of all declared tables.
    ///
    /// # Errors
    /// Everything that is wrong, by table.
    pub async fn open(
        declared: &[DimensionTableSpec],
        tenant: &TenantId,
        catalog: &dyn Catalog,
        services: &EngineServices,
    ) -> Result<Self, Vec<GraphError>> {
        let (mut by_name, mut errors) = (BTreeMap::new(), Vec::new());
        for (position, spec) in declared.iter().enumerate() {
            let fail = |field: &str, code: &str, message: String| {
                GraphError::in_document(format!("dimension_tables[{position}].{field}"), code, message)
            };
            if by_name.contains_key(&spec.name) {
                errors.push(fail("name", "graph.duplicate_name", format!("`{}` is declared twice", spec.name)));
                continue;
            }
            match Self::provider(spec, tenant, catalog, services).await {
                Ok(table) => drop(by_name.insert(spec.name.clone(), table)),
                Err(error) => errors.push(fail(error.field, &error.code, error.message)),
            }
        }
        if errors.is_empty() { Ok(Self { by_name }) } else { Err(errors) }
    }

    async fn provider(
        spec: &DimensionTableSpec,
        tenant: &TenantId,
        catalog: &dyn Catalog,
        services: &EngineServices,
    ) -> Result<Provider, DeclarationError> {
        let named = [("plugin", !spec.plugin.is_empty()), ("package", spec.package.is_some()), ("table", spec.table.is_some())];
        let mut given = named.into_iter().filter(|(_, is_given)| *is_given).map(|(field, _)| field);
        match (given.next(), given.next()) {
            (Some("plugin"), None) => Ok(Provider::Updater(Arc::new(DimensionTable::open(spec, tenant, catalog, services).await?))),
            (Some(_), None) => Ok(Provider::Held(Arc::new(held_table(spec, catalog, services).await?))),
            (_, second) => {
                let message = match second {
                    Some(second) => {
                        format!("is given beside another origin; rows come from one of `plugin`, `package`, `table`: drop `{second}`")
                    }
                    None => "is missing; say where the rows come from with one of `plugin`, `package`, `table`".into(),
                };
                Err(DeclarationError { field: second.unwrap_or("plugin"), code: "config.invalid".into(), message })
            }
        }
    }

    /// What a version pins, by table.
    pub fn pins(&self) -> impl Iterator<Item = (&str, serde_json::Value)> {
        let pins = |table: &Provider| match table {
            Provider::Updater(table) => table.pins(),
            Provider::Held(table) => table.pins(),
        };
        self.by_name.iter().map(move |(name, table)| (name.as_str(), pins(table)))
    }

    pub fn metrics(&self) -> Vec<DimensionMetrics> {
        let metrics = |(name, table): (&String, &Provider)| match table {
            Provider::Updater(table) => table.metrics(name),
            Provider::Held(table) => table.metrics(),
        };
        self.by_name.iter().map(metrics).collect()
    }

    /// The tables as SQL sees them.
    pub fn shapes(&self) -> impl Iterator<Item = DimensionShape<'_>> {
        self.by_name.iter().map(|(name, table)| {
            let columns = table.columns();
            let keys: Vec<String> = columns.key.fields().iter().map(|f| f.name.clone()).collect();
            let all = || columns.key.fields().iter().chain(columns.value.fields()).cloned().collect();
            match table {
                Provider::Updater(_) => {
                    DimensionShape { name, schema: Schema::new(all()).unwrap_or_default(), primary_key: keys, needs_key: true }
                }
                Provider::Held(table) => DimensionShape { name, schema: table.schema().clone(), primary_key: keys, needs_key: false },
            }
        })
    }

    /// The rows of a table that have these keys in the columns of these names, with all columns of [`DimensionShape::schema`].
    /// No key has a NULL.
    pub async fn matches(&self, table: &str, columns: &[usize], keys: RecordBatch) -> Result<Matches, String> {
        match self.table(table)? {
            Provider::Held(table) => table.matches(columns, &keys).await,
            Provider::Updater(updater) => {
                let wrong = |e: arrow_schema::ArrowError| format!("dimension table `{table}`: {e}");
                let count = updater.columns().key.fields().len();
                // The updater wants its key columns in their own order.
                let order: Option<Vec<usize>> = (0..count).map(|c| columns.iter().position(|&found| found == c)).collect();
                let order = order.ok_or_else(|| format!("dimension table `{table}` is looked up by its whole key"))?;
                let keys = keys.project(&order).map_err(wrong)?;
                let (values, found) = updater.lookup_found(keys.clone()).await?;
                let kept: UInt32Array = (0u32..).zip(&found).filter(|(_, is_found)| **is_found).map(|(row, _)| row).collect();
                let taken = keys.columns().iter().chain(values.columns()).map(|c| arrow_select::take::take(c, &kept, None));
                let taken = taken.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
                let schema = updater.rows_schema().clone();
                let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(kept.len()));
                let rows = RecordBatch::try_new_with_options(schema, taken, &options).map_err(wrong)?;
                Ok(Matches { rows, keys: kept.values().to_vec() })
            }
        }
    }

    fn table(&self, name: &str) -> Result<&Provider, String> {
        self.by_name.get(name).ok_or_else(|| {
            let declared: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
            let known = if declared.is_empty() { "it declares none".into() } else { format!("it declares {}", declared.join(", ")) };
            let shown: String = name.chars().take(100).collect();
            format!("the job declares no dimension table `{shown}`; {known}")
        })
    }
}

/// Resolves a table that is held in memory.
async fn held_table(spec: &DimensionTableSpec, catalog: &dyn Catalog, services: &EngineServices) -> Result<HeldTable, DeclarationError> {
    let wrong = |field: &'static str, code: &str, message: String| DeclarationError { field, code: code.to_owned(), message };
    let rows_max = if spec.cache_size == 0 { ALL_ROWS_MAX } else { spec.cache_size };
    if let Some(name) = &spec.package {
        let package = catalog.package(name, spec.version.as_deref()).await;
        let package = package.map_err(|e| {
            let (code, what_to_do) = match &e {
                CatalogError::Forbidden(_) => ("permission.missing", String::new()),
                CatalogError::NotFound { .. } if spec.version.is_none() => {
                    ("config.unknown_package", format!("; upload its rows: `millrace resource push {name} FILE`"))
                }
                _ => ("config.unknown_package", String::new()),
            };
            wrong("package", code, format!("{e}{what_to_do}"))
        })?;
        let schema = spec.columns.clone().unwrap_or_else(|| package.schema.clone());
        if let Some(column) = schema.fields().iter().find(|f| package.schema.field(&f.name).is_none()) {
            let known: Vec<&str> = package.schema.fields().iter().map(|f| f.name.as_str()).collect();
            let message = format!("package `{name}` has no column `{}`; its columns are {}", column.name, known.join(", "));
            return Err(wrong("columns", "sql.schema_mismatch", message));
        }
        return HeldTable::new(&spec.name, &schema, &spec.primary_key, rows_max, Feed::Package(package));
    }
    let name = spec.table.as_deref().unwrap_or_default();
    let table = catalog.table_for(name, TableUsage::Read).await.map_err(|e| wrong("table", e.table_code(), e.to_string()))?;
    let kind = &table.connection.kind;
    let connector = services.connectors.get(kind);
    let Some((connector, config)) = connector.and_then(|c| Some((c, c.dimension_source(&table, &spec.parameters)?))) else {
        return Err(wrong(
            "table",
            "config.wrong_kind",
            format!("`{name}` lies in a {kind} data source, which cannot feed a dimension table"),
        ));
    };
    if spec.primary_key.is_empty() && connector.sends_changes(&config) {
        let message = format!("is empty; name the columns that tell the rows of `{name}` apart: the newest row of each key is kept");
        return Err(wrong("primary_key", "sql.no_primary_key", message));
    }
    let errors = connector.check_source(&config, &table);
    if let Some(error) = errors.first() {
        return Err(wrong("table", "config.invalid", error.to_string()));
    }
    // Only what is declared is read, if the format finds columns by their names.
    let format = table.format.get("type").and_then(|t| t.as_str());
    let by_name = format == Some("json") || table.format.is_null();
    let schema = spec.columns.clone().filter(|_| by_name).unwrap_or_else(|| table.schema.clone());
    let feed = Feed::Table { connector: connector.clone(), table, config };
    HeldTable::new(&spec.name, &schema, &spec.primary_key, rows_max, feed)
}

impl DimensionTables for JobDimensions {
    fn columns(&self, table: &str) -> Result<&DimensionColumns, String> {
        Ok(self.table(table)?.columns())
    }

    fn lookup<'a>(&'a self, table: &'a str, keys: RecordBatch) -> BoxFuture<'a, Result<RecordBatch, String>> {
        Box::pin(async move {
            let held = match self.table(table)? {
                Provider::Updater(updater) => return updater.lookup(keys).await,
                Provider::Held(held) => held,
            };
            let count = held.columns().key.fields().len();
            if count == 0 {
                return Err(format!("dimension table `{table}` has no primary key, so plugins cannot look it up; declare one"));
            }
            let columns: Vec<usize> = (0..count).collect();
            let found = held.matches(&columns, &keys).await?;
            let mut places: Vec<Option<u32>> = vec![None; keys.num_rows()];
            for (place, &key) in (0u32..).zip(&found.keys) {
                if let Some(free) = places.get_mut(key as usize) {
                    *free = Some(place);
                }
            }
            let places = UInt32Array::from(places);
            let values = found.rows.columns().iter().skip(count).map(|c| arrow_select::take::take(c, &places, None));
            let wrong = |e: arrow_schema::ArrowError| format!("dimension table `{table}`: {e}");
            let values = values.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
            let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(places.len()));
            RecordBatch::try_new_with_options(held.columns().value.to_arrow(), values, &options).map_err(wrong)
        })
    }
}
