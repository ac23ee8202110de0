//! What every handler has: the store, the control plane and the API's own settings.

use crate::{
    control_plane::ControlPlane,
    instance_logs::FOLLOWERS_MAX,
    refusals::RefusalGate,
    upload::{UploadRules, Uploads},
};
use millrace_identity::{HashRules, Hasher, NetworkPolicy, OpenIdClient};
use millrace_places::FairPlaces;
use millrace_store::Store;
use std::{
    ops::Deref,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;

/// Requests that load the JARs of a build at the same time.
const BUILD_LOADS_MAX: usize = 2;

/// Settings of the API.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Largest JSON body.
    pub body_bytes_max: usize,
    /// Largest component that can be uploaded.
    pub plugin_bytes_max: usize,
    /// Largest request of a build, with its JARs in Base64.
    pub build_bytes_max: usize,
    /// Largest resource that can be uploaded.
    pub resource_bytes_max: u64,
    /// Folder for uploads on their way in; made when it is needed.
    pub spool_dir: PathBuf,
    /// Uploads on their way in: how many at the same time, and how slow they may be.
    pub uploads: UploadRules,
    /// Most time for an ordinary request.
    pub request_timeout: Duration,
    /// Most time for a request that waits for an outside system, a compilation or a savepoint.
    pub slow_request_timeout: Duration,
    /// How long one follower of log lines is served; clients of event streams connect again by themselves.
    pub follow_max: Duration,
    /// How often whoever reads a stream is asked for their right to it again.
    pub stream_check: Duration,
    /// Whether `/metrics` answers without a token: for networks where only the monitoring system can reach it.
    pub metrics_public: bool,
    /// Where browsers reach this server: `https://millrace.example.com`. With https, cookies are only sent encrypted.
    pub public_url: String,
    /// A session ends after this time without use.
    pub session_idle: Duration,
    /// A session ends after this time at the latest.
    pub session_max: Duration,
    /// Header in which the nearest proxy names its client, such as `x-forwarded-for`; none if clients reach us directly.
    pub client_address_header: Option<String>,
    /// How passwords are hashed.
    pub hash_rules: HashRules,
    /// Where identity providers may be: where data sources may be.
    pub networks: NetworkPolicy,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            body_bytes_max: 2 << 20,
            // What is larger than the sandbox allows is refused there: only components of known language cores may be.
            plugin_bytes_max: 32 << 20,
            build_bytes_max: 48 << 20,
            resource_bytes_max: 256 << 20,
            spool_dir: std::env::temp_dir(),
            uploads: UploadRules::default(),
            request_timeout: Duration::from_secs(30),
            slow_request_timeout: Duration::from_secs(660),
            follow_max: Duration::from_secs(15 * 60),
            stream_check: Duration::from_secs(5),
            metrics_public: false,
            public_url: "http://127.0.0.1:8080".to_owned(),
            session_idle: Duration::from_secs(8 * 3_600),
            session_max: Duration::from_secs(72 * 3_600),
            client_address_header: None,
            hash_rules: HashRules::default(),
            networks: NetworkPolicy::default(),
        }
    }
}

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub struct ApiState(Arc<Shared>);

/// Whether only this machine reaches the server: for trials, where an identity provider beside it needs no encryption.
fn is_local(public_url: &str) -> bool {
    ["http://127.0.0.1", "http://localhost"]
        .iter()
        .any(|here| public_url.strip_prefix(here).is_some_and(|rest| rest.is_empty() || rest.starts_with(':') || rest.starts_with('/')))
}

/// The parts of [`ApiState`].
pub struct Shared {
    /// Metadata.
    pub store: Store,
    /// Engines, sandbox and connectors.
    pub control: Arc<dyn ControlPlane>,
    /// Settings.
    pub config: ApiConfig,
    pub(crate) uploads: Uploads,
    /// Requests that load what is built.
    pub(crate) build_loads: Arc<Semaphore>,
    pub(crate) followers: FairPlaces,
    pub(crate) hasher: Hasher,
    pub(crate) openid: OpenIdClient,
    pub(crate) refusals: RefusalGate,
    draining: AtomicBool,
}

impl ApiState {
    /// State over this store and control plane.
    pub fn new(store: Store, control: impl ControlPlane, config: ApiConfig) -> Self {
        let uploads = Uploads::new(config.uploads);
        let followers = FairPlaces::quarters(FOLLOWERS_MAX);
        let (hasher, openid) = (Hasher::new(config.hash_rules), OpenIdClient::new(is_local(&config.public_url), config.networks.clone()));
        Self(Arc::new(Shared {
            store,
            control: Arc::new(control),
            config,
            uploads,
            build_loads: Arc::new(Semaphore::new(BUILD_LOADS_MAX)),
            followers,
            hasher,
            openid,
            refusals: RefusalGate::default(),
            draining: AtomicBool::new(false),
        }))
    }

    /// From now on `/health/ready` says no: load balancers send no more requests while the process ends.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }
}

impl Deref for ApiState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
