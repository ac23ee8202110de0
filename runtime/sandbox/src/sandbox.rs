//! The sandbox: admits components and keeps their machine code; `worlds` opens operators and functions.

use crate::admission::{AdmissionError, ComponentInfo, check_structure, check_world, has_known, widened};
use crate::cache::CodeCache;
use crate::capabilities::{Capabilities, CapabilityGrants, HttpClient};
use crate::compile::{CompileError, Compiler};
use crate::host_functions::{self, GuestState};
use crate::limits::{AdmissionLimits, SandboxConfig};
use crate::loaded::{LoadedComponent, World};
use crate::machine;
use crate::packed::PackedFiles;
use crate::ticker::Ticker;
use bytes::Bytes;
use millrace_model::{Classified, FaultClass, ids::TenantId};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

/// Runs tenant code. Cheap to clone; one per process.
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) inner: Arc<Inner>,
    /// Whose turn it is where something is shared among tenants.
    tenant: TenantId,
}

pub(crate) struct Inner {
    pub engine: Engine,
    pub ticker: Ticker,
    http: Option<Arc<HttpClient>>,
    linker: Linker<GuestState>,
    admission: AdmissionLimits,
    compiler: Compiler,
    cache: CodeCache,
    /// Machine code by the hash of the code that it was made of: shared by components that differ in packed files only.
    machine_code: moka::future::Cache<String, MachineCode>,
    loaded: moka::future::Cache<String, Arc<LoadedComponent>>,
}

/// Machine code in memory.
#[derive(Clone)]
struct MachineCode {
    component: Component,
    bytes: usize,
}

/// Why a component could not be loaded, or the sandbox not be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    /// The machine or the configuration does not allow the sandbox.
    #[error("the sandbox cannot be set up: {0}")]
    Setup(String),
    /// The bytes are not those that the hash names.
    #[error("the component's bytes have hash {found}, expected {expected}")]
    WrongBytes {
        /// Hash of the bytes given.
        found: String,
        /// Hash asked for.
        expected: String,
    },
    /// The component is refused, as at admission.
    #[error(transparent)]
    Refused(#[from] AdmissionError),
}

impl Classified for SandboxError {
    fn class(&self) -> FaultClass {
        match self {
            Self::Setup(_) | Self::WrongBytes { .. } => FaultClass::Internal,
            Self::Refused(error) => error.class(),
        }
    }
}

impl Sandbox {
    /// Sets the sandbox up: reserves the pool's address space, opens the cache, starts the interrupt tick.
    ///
    /// # Errors
    /// Settings or address space that the machine refuses; a cache folder that cannot be opened.
    pub fn new(config: SandboxConfig) -> Result<Self, SandboxError> {
        let setup = |what: &str, error: &dyn std::fmt::Display| SandboxError::Setup(format!("{what}: {error}"));
        let engine =
            machine::runtime_engine(&config.pool, widened(&config.admission).core_instances_max).map_err(|e| setup("engine", &e))?;
        let mut linker = Linker::new(&engine);
        host_functions::link(&mut linker).map_err(|e| setup("host functions", &e))?;
        let cache = CodeCache::open(&config.cache_dir, config.mac_key, machine::fingerprint(&engine))
            .map_err(|e| setup(&format!("cache folder {}", config.cache_dir.display()), &e))?;
        let ticker =
            Ticker::start(&engine, Duration::from_millis(config.interrupt_tick_ms.max(1))).map_err(|e| setup("interrupt tick", &e))?;
        let loaded = moka::future::Cache::builder()
            .max_capacity(config.pool.loaded_bytes_max)
            .weigher(|_: &String, component: &Arc<LoadedComponent>| u32::try_from(component.code_bytes()).unwrap_or(u32::MAX))
            .build();
        let machine_code = moka::future::Cache::builder()
            .max_capacity(config.pool.loaded_bytes_max)
            .weigher(|_: &String, code: &MachineCode| u32::try_from(code.bytes).unwrap_or(u32::MAX))
            .build();
        let compiler = Compiler::new(config.compiler, config.compile);
        // Without certificates, say, everything else works.
        let http = HttpClient::new().inspect_err(|error| tracing::warn!("{error}; plugins cannot send requests")).ok().map(Arc::new);
        Ok(Self {
            inner: Arc::new(Inner { engine, ticker, http, linker, admission: config.admission, compiler, cache, machine_code, loaded }),
            tenant: TenantId::new(""),
        })
    }

    /// The same sandbox on behalf of a tenant: compilations and requests that are made with it take places of this tenant's share.
    #[must_use]
    pub fn for_tenant(&self, tenant: &TenantId) -> Self {
        Self { inner: self.inner.clone(), tenant: tenant.clone() }
    }

    /// Judges an uploaded component and compiles it, so that starting a job with it is quick.
    ///
    /// # Errors
    /// Everything that is wrong with the component, in words for its author.
    pub async fn admit(&self, component: Bytes) -> Result<ComponentInfo, AdmissionError> {
        let checked = component.clone();
        let inner = self.inner.clone();
        let (content_hash, world) = blocking(move || {
            check_structure(&checked, &inner.admission)?;
            let world = check_world(&checked)?;
            Ok((hash(&checked), world))
        })
        .await?;
        let started = Instant::now();
        let compiled = Arc::new(std::sync::atomic::AtomicBool::new(false));
        self.loaded(&content_hash, world, component.clone(), compiled.clone()).await?;
        let compiled = compiled.load(std::sync::atomic::Ordering::Relaxed);
        Ok(ComponentInfo {
            content_hash,
            world: world.name().to_owned(),
            wit_version: host_functions::WIT_VERSION.to_owned(),
            size_bytes: component.len(),
            compile_ms: if compiled { started.elapsed().as_millis() as u64 } else { 0 },
        })
    }

    /// An admitted component, from memory, from the cache folder, or compiled again.
    ///
    /// # Errors
    /// Bytes of another hash, or a component that this server does not admit (any more).
    pub async fn load(&self, content_hash: &str, component: Bytes) -> Result<Arc<LoadedComponent>, SandboxError> {
        if let Some(loaded) = self.inner.loaded.get(content_hash).await {
            return Ok(loaded);
        }
        let checked = component.clone();
        let inner = self.inner.clone();
        let (found, world) = blocking(move || {
            check_structure(&checked, &inner.admission)?;
            let world = check_world(&checked)?;
            Ok((hash(&checked), world))
        })
        .await?;
        if found != content_hash {
            return Err(SandboxError::WrongBytes { found, expected: content_hash.to_owned() });
        }
        Ok(self.loaded(content_hash, world, component, Arc::default()).await?)
    }

    /// What the guests of one operator may use: the grants of `plugin`, ready for use.
    pub fn capabilities(&self, plugin: &str, grants: &CapabilityGrants) -> Arc<Capabilities> {
        Arc::new(Capabilities::new(plugin, grants, self.inner.http.clone()).of_tenant(&self.tenant))
    }

    /// Loads once for all who ask at the same time; tells by `compiled` whether it was compiled now.
    async fn loaded(
        &self,
        content_hash: &str,
        world: World,
        component: Bytes,
        compiled: Arc<std::sync::atomic::AtomicBool>,
    ) -> Result<Arc<LoadedComponent>, AdmissionError> {
        let (inner, tenant) = (self.inner.clone(), self.tenant.clone());
        let hash = content_hash.to_owned();
        let load = async move {
            let whole = hash.clone();
            let (code, packed, code_hash) = blocking(move || {
                let (code, packed) = PackedFiles::unpack(&component)?;
                let code_hash = if packed.is_empty() { whole } else { self::hash(&code) };
                Ok((code, packed, code_hash))
            })
            .await?;
            let machine_code = inner.machine_code(code_hash, code, (tenant, compiled)).await?;
            blocking(move || inner.prepare(hash, world, machine_code, packed)).await
        };
        self.inner.loaded.try_get_with_by_ref(content_hash, load).await.map_err(|error: Arc<AdmissionError>| (*error).clone())
    }
}

impl Inner {
    /// Machine code from memory, from the cache folder, or compiled: once for all who ask at the same time.
    async fn machine_code(
        self: &Arc<Self>,
        code_hash: String,
        code: Bytes,
        (tenant, compiled): (TenantId, Arc<std::sync::atomic::AtomicBool>),
    ) -> Result<MachineCode, AdmissionError> {
        let (inner, key) = (self.clone(), code_hash.clone());
        let load = async move {
            let (cached, name) = (inner.clone(), key.clone());
            let from_disk = blocking(move || cached.cache.read(&name).map_err(|e| AdmissionError::Host(format!("cache: {e}")))).await;
            let machine_code = match from_disk {
                Ok(Some(machine_code)) => machine_code,
                // A cache that cannot be read is a slow start, not a failed one.
                Ok(None) | Err(_) => {
                    compiled.store(true, std::sync::atomic::Ordering::Relaxed);
                    inner.compile(&tenant, &key, code).await?
                }
            };
            blocking(move || {
                let component =
                    trusted::deserialize(&inner.engine, &machine_code).map_err(|e| AdmissionError::Compile(format!("{e:#}")))?;
                Ok(MachineCode { component, bytes: machine_code.len() })
            })
            .await
        };
        self.machine_code.try_get_with(code_hash, load).await.map_err(|error: Arc<AdmissionError>| (*error).clone())
    }

    async fn compile(self: &Arc<Self>, tenant: &TenantId, content_hash: &str, component: Bytes) -> Result<Vec<u8>, AdmissionError> {
        let checked = component.clone();
        let known_core = blocking(move || Ok(has_known(&checked))).await?;
        let code = self.compiler.compile(tenant, component, known_core).await.map_err(|error| match error {
            CompileError::Component(reason) => AdmissionError::Compile(reason),
            CompileError::Host(reason) => AdmissionError::Host(reason),
        })?;
        let (inner, hash) = (self.clone(), content_hash.to_owned());
        blocking(move || {
            if let Err(error) = inner.cache.write(&hash, &code) {
                tracing::warn!(%error, hash, "machine code cannot be cached");
            }
            Ok(code)
        })
        .await
    }

    fn prepare(
        &self,
        content_hash: String,
        world: World,
        code: MachineCode,
        packed: PackedFiles,
    ) -> Result<Arc<LoadedComponent>, AdmissionError> {
        let contract = |e: wasmtime::Error| AdmissionError::Contract(format!("{e:#}"));
        let pre = self.linker.instantiate_pre(&code.component).map_err(contract)?;
        // Shared machine code is weighed where it is shared.
        let code_bytes = if packed.is_empty() { code.bytes } else { packed.size_bytes() };
        Ok(Arc::new(LoadedComponent::new(content_hash, world, code_bytes, packed, pre).map_err(contract)?))
    }
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Runs CPU or disk work off the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, AdmissionError> + Send + 'static) -> Result<T, AdmissionError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| AdmissionError::Host(e.to_string()))?
}

/// Turning bytes into code that runs.
mod trusted {
    #![allow(unsafe_code)]
    use super::{Component, Engine};

    /// Loads machine code that this server's compile process has just made, or that carried the right MAC.
    pub fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
        // SAFETY: `code` comes from `Inner::compile` (our own compile process, over a pipe) or `CodeCache::read`
        // (MAC checked under this server's key); `Sandbox::loaded` is the only caller's path.
        unsafe { Component::deserialize(engine, code) }
    }
}
