//! One dimension table: its updater, its cache, its figures.

use super::{
    ALL_BYTES_MAX, ALL_ROWS_MAX, DeclarationError, DimensionMetrics,
    cache::{Codec, Whole},
};
use crate::{
    catalog::{Catalog, PluginBinding},
    operators::etl::LogToTracing,
    parameter_form::{self, ParameterError},
    services::EngineServices,
};
use arrow_array::{RecordBatch, UInt32Array};
use arrow_schema::SchemaRef;
use hashbrown::{HashMap, HashSet};
use millrace_model::{
    Field, Schema,
    graph::{DimensionCache, DimensionTableSpec},
    ids::{NodeId, TenantId},
};
use millrace_sandbox::{
    DimensionColumns, DimensionGuest, FaultReport, GuestContext, LoadedComponent, NoLog, OpenGuest, OperatorLimits, Sandbox, World,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// Keys kept, unless the job says.
const LRU_KEYS_MAX: u64 = 10_000;
/// Keys of one call of `load`.
const LOAD_KEYS_MAX: usize = 10_000;
/// After a failed load the next one waits so long.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A cached answer of the updater: the values, or that there are none.
type Known = Option<Arc<[u8]>>;

enum Cache {
    All { current: parking_lot::RwLock<Option<Arc<Whole>>>, reloading: AtomicBool, rows_max: u64 },
    Lru(moka::sync::Cache<Box<[u8]>, Known>),
}

/// The instance that loads, and what makes a new one.
struct Loader {
    sandbox: Sandbox,
    component: Arc<LoadedComponent>,
    open: OpenGuest,
    guest: Option<DimensionGuest>,
    failed: Option<(Instant, String)>,
}

/// What a table is, shared with the futures that load it.
struct Shared {
    name: String,
    columns: DimensionColumns,
    rows_schema: SchemaRef,
    codec: Codec,
    cache: Cache,
    ttl: Option<Duration>,
    loader: Mutex<Loader>,
    hits: AtomicU64,
    misses: AtomicU64,
    loads: AtomicU64,
    errors: AtomicU64,
}

/// A dimension table of a job.
pub(super) struct DimensionTable {
    shared: Arc<Shared>,
    plugin: PluginBinding,
}

/// Encoded values by encoded key.
type ByKey = HashMap<Box<[u8]>, Arc<[u8]>>;

impl DimensionTable {
    /// Resolves and opens the updater and checks what it describes; loads nothing yet.
    pub async fn open(
        spec: &DimensionTableSpec,
        tenant: &TenantId,
        catalog: &dyn Catalog,
        services: &EngineServices,
    ) -> Result<Self, DeclarationError> {
        let wrong = |field: &'static str, code: &str, message: String| DeclarationError { field, code: code.to_owned(), message };
        let plugin = catalog.plugin(&spec.plugin, spec.version.as_deref()).await;
        let plugin = plugin.map_err(|e| wrong("plugin", "config.unknown_plugin", e.to_string()))?;
        let component = services.sandbox.load(&plugin.content_hash, plugin.component.clone()).await;
        let component = component.map_err(|e| wrong("plugin", "plugin.load", format!("plugin `{}`: {e}", plugin.name)))?;
        if component.world() != World::Dimension {
            let (found, wanted) = (component.world().name(), World::Dimension.name());
            return Err(wrong("plugin", "plugin.world", format!("`{}` is of the world {found}, expected {wanted}", plugin.name)));
        }
        let parameters = parameter_form::complete(&plugin, spec.parameters.clone()).map_err(|errors| {
            let lines: Vec<String> = errors.into_iter().map(|ParameterError { message, .. }| message).collect();
            wrong("parameters", "config.parameter", lines.join("; "))
        })?;
        let operator = NodeId::new(format!("dimension_{}", spec.name));
        let open = OpenGuest {
            tenant: tenant.clone(),
            job: "dimension".into(),
            operator: operator.clone(),
            function: None,
            parameters,
            limits: OperatorLimits::of(World::Dimension),
            account: services.accounts.get(tenant),
            log: Arc::new(NoLog),
            context: GuestContext { capabilities: services.sandbox.capabilities(&plugin.name, &plugin.grants), ..GuestContext::default() },
        };
        let guest = services.sandbox.open_dimension(&component, open.clone()).await;
        let guest = guest.map_err(|e| wrong("plugin", "plugin.open", e.to_string()))?;
        if spec.cache == DimensionCache::All && !guest.loads_all() {
            let message = format!("is ALL, but `{}` cannot load the whole table; use LRU", plugin.name);
            return Err(wrong("cache", "config.invalid", message));
        }
        let ttl_ms = match (spec.cache_ttl_ms, guest.time_to_live_ms()) {
            (0, own) => own,
            (asked, 0) => asked,
            (asked, own) => asked.min(own),
        };
        let ttl = (ttl_ms > 0).then(|| Duration::from_millis(ttl_ms));
        let columns = nullable_values(guest.columns());
        let rows = Schema::new(guest.columns().key.fields().iter().chain(guest.columns().value.fields()).cloned().collect());
        let rows = rows.map_err(|e| wrong("plugin", "plugin.open", e.to_string()))?;
        let codec = Codec::new(&columns.key, &columns.value).map_err(|e| wrong("plugin", "plugin.open", e))?;
        let size = |usual: u64| if spec.cache_size == 0 { usual } else { spec.cache_size };
        let cache = match spec.cache {
            DimensionCache::All => {
                Cache::All { current: parking_lot::RwLock::default(), reloading: AtomicBool::new(false), rows_max: size(ALL_ROWS_MAX) }
            }
            DimensionCache::Lru => {
                let building = moka::sync::Cache::builder().max_capacity(size(LRU_KEYS_MAX));
                Cache::Lru(match ttl {
                    Some(ttl) => building.time_to_live(ttl).build(),
                    None => building.build(),
                })
            }
        };
        let log = Arc::new(LogToTracing { instance: format!("dimension table {}", spec.name), operator });
        let open = OpenGuest { log, ..open };
        let loader = Loader { sandbox: services.sandbox.clone(), component, open, guest: Some(guest), failed: None };
        let shared = Shared {
            name: spec.name.clone(),
            columns,
            rows_schema: rows.to_arrow(),
            codec,
            cache,
            ttl,
            loader: Mutex::new(loader),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            loads: AtomicU64::new(0),
            errors: AtomicU64::new(0),
        };
        Ok(Self { shared: Arc::new(shared), plugin })
    }

    pub fn columns(&self) -> &DimensionColumns {
        &self.shared.columns
    }

    pub fn pins(&self) -> serde_json::Value {
        serde_json::json!({
            "plugin": self.plugin.name, "version": self.plugin.version, "content_hash": self.plugin.content_hash,
        })
    }

    pub fn metrics(&self, name: &str) -> DimensionMetrics {
        let shared = &self.shared;
        DimensionMetrics {
            name: name.to_owned(),
            hits: shared.hits.load(Relaxed),
            misses: shared.misses.load(Relaxed),
            loads: shared.loads.load(Relaxed),
            errors: shared.errors.load(Relaxed),
            rows: match &shared.cache {
                Cache::All { current, .. } => current.read().as_ref().map_or(0, |whole| whole.len() as u64),
                Cache::Lru(cache) => cache.entry_count(),
            },
        }
    }

    /// Key and value columns.
    pub fn rows_schema(&self) -> &SchemaRef {
        &self.shared.rows_schema
    }

    /// Values of `keys`, whose columns have been checked.
    pub async fn lookup(&self, keys: RecordBatch) -> Result<RecordBatch, String> {
        self.lookup_found(keys).await.map(|(rows, _)| rows)
    }

    /// Values of `keys`, and for which of them there is a row.
    pub async fn lookup_found(&self, keys: RecordBatch) -> Result<(RecordBatch, Vec<bool>), String> {
        let failed = |e: arrow_schema::ArrowError| format!("dimension table `{}`: {e}", self.shared.name);
        let bytes = self.shared.codec.keys_of(&keys).map_err(failed)?;
        match &self.shared.cache {
            Cache::All { .. } => {
                let whole = self.whole().await?;
                let (rows, found) = whole.lookup(&bytes).map_err(failed)?;
                self.shared.hits.fetch_add(found as u64, Relaxed);
                self.shared.misses.fetch_add((bytes.len() - found) as u64, Relaxed);
                Ok((rows, bytes.iter().map(|key| whole.contains(key)).collect()))
            }
            Cache::Lru(cache) => {
                let known = self.known(cache, keys, &bytes).await?;
                let rows = bytes.iter().map(|key| known.get(key).and_then(|known| known.as_deref()));
                let found = bytes.iter().map(|key| known.get(key).is_some_and(Option::is_some)).collect();
                Ok((self.shared.codec.rows(rows).map_err(failed)?, found))
            }
        }
    }

    /// The whole table: what is loaded, loaded first if nothing is; too old, it is loaded again meanwhile.
    async fn whole(&self) -> Result<Arc<Whole>, String> {
        let Cache::All { current, reloading, .. } = &self.shared.cache else {
            return Err("the table is not kept as a whole".into());
        };
        let found = current.read().clone();
        match found {
            Some(whole) => {
                if whole.is_older_than(self.shared.ttl) && !reloading.swap(true, Relaxed) {
                    let shared = self.shared.clone();
                    tokio::spawn(async move {
                        if let Err(reason) = shared.load_all(Some(whole.loaded)).await {
                            tracing::warn!(table = shared.name, "{reason}; the rows loaded before stay in use");
                        }
                        if let Cache::All { reloading, .. } = &shared.cache {
                            reloading.store(false, Relaxed);
                        }
                    });
                    // The old rows are used until the new ones are there.
                    return current.read().clone().ok_or_else(|| "the table is not loaded".into());
                }
                Ok(whole)
            }
            None => detached(self.shared.clone(), |shared| async move { shared.load_all(None).await }).await,
        }
    }

    /// What is known of these keys, once those that were not known have been loaded.
    async fn known(
        &self,
        cache: &moka::sync::Cache<Box<[u8]>, Known>,
        keys: RecordBatch,
        bytes: &[Box<[u8]>],
    ) -> Result<HashMap<Box<[u8]>, Known>, String> {
        let mut known: HashMap<Box<[u8]>, Known> = HashMap::with_capacity(bytes.len());
        let (mut missing, mut rows) = (HashSet::new(), Vec::new());
        for (row, key) in (0u32..).zip(bytes) {
            if known.contains_key(key) || missing.contains(key) {
                continue;
            }
            match cache.get(key) {
                Some(found) => drop(known.insert(key.clone(), found)),
                None => {
                    missing.insert(key.clone());
                    rows.push(row);
                }
            }
        }
        let misses = bytes.iter().filter(|key| missing.contains(*key)).count();
        self.shared.misses.fetch_add(misses as u64, Relaxed);
        self.shared.hits.fetch_add((bytes.len() - misses) as u64, Relaxed);
        for chunk in rows.chunks(LOAD_KEYS_MAX) {
            let wanted = millrace_model::take_rows(&keys, &UInt32Array::from(chunk.to_vec())).map_err(|e| e.to_string())?;
            let loaded = detached(self.shared.clone(), |shared| async move { shared.load_keys(wanted).await }).await?;
            known.extend(loaded);
        }
        Ok(known)
    }
}

/// Runs a load to its end, whatever becomes of who asked for it.
async fn detached<T: Send + 'static, F: Future<Output = Result<T, String>> + Send + 'static>(
    shared: Arc<Shared>,
    load: impl FnOnce(Arc<Shared>) -> F,
) -> Result<T, String> {
    tokio::spawn(load(shared)).await.unwrap_or_else(|_| Err("the load of the dimension table was ended by the server".into()))
}

impl Shared {
    /// Loads the whole table, unless somebody else has since `known`.
    async fn load_all(&self, known: Option<Instant>) -> Result<Arc<Whole>, String> {
        let Cache::All { current, rows_max, .. } = &self.cache else {
            return Err("the table is not kept as a whole".into());
        };
        let mut loader = self.loader.lock().await;
        let found = current.read().clone();
        if let Some(whole) = found.filter(|whole| Some(whole.loaded) != known) {
            return Ok(whole);
        }
        let pages = self.pages(&mut loader, *rows_max).await;
        let whole = pages.and_then(|pages| Whole::new(&self.codec, &pages, &self.rows_schema).map_err(|e| e.to_string()));
        match whole {
            Ok(whole) => {
                let whole = Arc::new(whole);
                *current.write() = Some(whole.clone());
                Ok(whole)
            }
            Err(reason) => Err(self.failed(&mut loader, &reason)),
        }
    }

    async fn pages(&self, loader: &mut Loader, rows_max: u64) -> Result<Vec<RecordBatch>, String> {
        let (mut pages, mut cursor, mut rows, mut bytes) = (Vec::new(), None, 0, 0);
        loop {
            self.loads.fetch_add(1, Relaxed);
            let page = loader.guest().await?.load_page(cursor.as_deref()).await;
            let page = page.map_err(|fault| loader.faulted(&fault))?;
            rows += page.rows.num_rows() as u64;
            bytes += page.rows.get_array_memory_size();
            if rows > rows_max {
                return Err(format!("it has more than {rows_max} rows (`cache_size`); allow more, or use the cache LRU"));
            }
            if bytes > ALL_BYTES_MAX {
                return Err(format!("it has more than {ALL_BYTES_MAX} bytes; use the cache LRU"));
            }
            let is_endless = page.rows.num_rows() == 0 && page.cursor.is_some() && page.cursor == cursor;
            pages.push(page.rows);
            cursor = match page.cursor {
                None => return Ok(pages),
                Some(_) if is_endless => return Err("the updater answers an empty page and the same cursor for ever".into()),
                Some(next) => Some(next),
            };
        }
    }

    /// Loads keys and caches what comes; a key without a row is cached as such.
    async fn load_keys(&self, keys: RecordBatch) -> Result<Vec<(Box<[u8]>, Known)>, String> {
        let Cache::Lru(cache) = &self.cache else {
            return Err("the table is kept as a whole".into());
        };
        let asked = self.codec.keys_of(&keys).map_err(|e| e.to_string())?;
        let mut loader = self.loader.lock().await;
        self.loads.fetch_add(1, Relaxed);
        let rows = match loader.guest().await {
            Ok(guest) => guest.load(&keys).await.map_err(|fault| loader.faulted(&fault)),
            Err(reason) => Err(reason),
        };
        let rows = rows.and_then(|rows| self.by_key(&asked, &rows));
        let mut rows = match rows {
            Ok(rows) => rows,
            Err(reason) => return Err(self.failed(&mut loader, &reason)),
        };
        drop(loader);
        let known = asked.into_iter().map(|key| {
            let row = rows.remove(&key);
            cache.insert(key.clone(), row.clone());
            (key, row)
        });
        Ok(known.collect())
    }

    /// The answered rows by key; a key that nobody asked for is an error.
    fn by_key(&self, asked: &[Box<[u8]>], rows: &RecordBatch) -> Result<ByKey, String> {
        let wanted: HashSet<&Box<[u8]>> = asked.iter().collect();
        let keys = self.codec.keys_of(rows).map_err(|e| e.to_string())?;
        let values = self.codec.values_of(rows).map_err(|e| e.to_string())?;
        if let Some(row) = keys.iter().position(|key| !wanted.contains(key)) {
            return Err(format!("the updater answered a key that it was not asked for, in row {row}"));
        }
        Ok(keys.into_iter().zip(values.into_iter().map(Arc::from)).collect())
    }

    fn failed(&self, loader: &mut Loader, reason: &str) -> String {
        self.errors.fetch_add(1, Relaxed);
        let message = format!("dimension table `{}` cannot be loaded: {reason}", self.name);
        loader.failed = Some((Instant::now(), message.clone()));
        message
    }
}

impl Loader {
    /// The instance, made anew after a fault. Right after a failure the failure is answered instead of trying again for
    /// every batch.
    async fn guest(&mut self) -> Result<&mut DimensionGuest, String> {
        if let Some((at, message)) = &self.failed
            && at.elapsed() < RETRY_AFTER
        {
            return Err(message.clone());
        }
        self.failed = None;
        if self.guest.is_none() {
            let opened = self.sandbox.open_dimension(&self.component, self.open.clone()).await;
            self.guest = Some(opened.map_err(|fault| fault.to_string())?);
        }
        self.guest.as_mut().ok_or_else(|| "the updater has no instance".into())
    }

    fn faulted(&mut self, fault: &FaultReport) -> String {
        tracing::warn!("{fault}");
        if !self.guest.as_ref().is_some_and(DimensionGuest::is_open) {
            self.guest = None;
        }
        fault.message.clone()
    }
}

/// A key that is not there is answered with nulls, so every value column may be null.
fn nullable_values(columns: &DimensionColumns) -> DimensionColumns {
    let fields = columns.value.fields().iter().map(|f| Field::new(f.name.clone(), f.data_type.clone(), true)).collect();
    DimensionColumns { key: columns.key.clone(), value: Schema::new(fields).unwrap_or_default() }
}
