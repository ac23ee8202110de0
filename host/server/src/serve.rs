//! The server: data folder, metadata, sandbox, engine, control plane and API wired together. The only place that sees
//! all of them.
//!
//! Invariant: what starts last ends first: requests, then instances, then the metadata store.

use crate::{build_service, checkpoint_location, config::Settings, keys::DataDir, openlineage::Deliverer, page, secret_keys};
use anyhow::Context;
use millrace_api::{ApiConfig, ApiState};
use millrace_connector::ConnectorRegistry;
use millrace_connector_kafka::{KafkaConnector, KafkaDataSource};
use millrace_control::{Control, ControlParts, LogWriter, TempTableConnector};
use millrace_datapackage::{Inspector, InspectorCommand};
use millrace_dial::Dialer;
use millrace_domain::Name;
use millrace_engine::{
    EngineServices, EngineThreads, TenantAccounts,
    operators::OperatorRegistry,
    state::{Ceiling, StateSettings},
};
use millrace_sandbox::{CompilerCommand, Sandbox, SandboxConfig, TenantLimits};
use millrace_store::{Store, TokenSecret};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// The token of the local administrator, for the command line on the same machine.
pub(crate) const ADMIN_TOKEN: &str = "admin.token";
/// This program, for child processes. The link, not the path behind it: it still leads to this program when the file has
/// been replaced by a newer build.
const THIS_PROGRAM: &str = "/proc/self/exe";
/// How long a server that was here before may take to be gone after it was killed.
const PREDECESSOR_MAX: Duration = Duration::from_secs(3);
/// How long requests that are under way may take at the end.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// How long instances may take to give themselves back at the end.
const CLOSE_MAX: Duration = Duration::from_secs(15);
/// How long the last log lines of instances may take to be written at the end.
const LOGS_MAX: Duration = Duration::from_millis(500);
/// A server gives a sign of life more often than this.
const SILENT_MAX: Duration = secret_keys::REFRESH_EVERY.saturating_add(Duration::from_secs(2));
/// Time between two looks at the checkpoint store.
const PROBE_EVERY: Duration = Duration::from_secs(60);
/// How long a worker may be silent before another one takes its instances.
const LEASE: Duration = Duration::from_secs(15);

/// A running server.
pub(crate) struct Server {
    address: SocketAddr,
    token: String,
    store: Store,
    control: Control,
    api: ApiState,
    stop_http: oneshot::Sender<()>,
    http: JoinHandle<std::io::Result<()>>,
    reconciler: JoinHandle<()>,
    log_writer: JoinHandle<()>,
    key_refresh: JoinHandle<()>,
    closing: CancellationToken,
    data: DataDir,
}

impl Server {
    /// Starts a server. On return it answers requests and takes instances, whose subtasks run on `jobs`; `logs` brings the lines
    /// that name instances.
    ///
    /// # Errors
    /// The data folder, the metadata database, the checkpoint location or the address cannot be used.
    pub(crate) async fn start(settings: &Settings, logs: LogWriter, jobs: &tokio::runtime::Handle) -> anyhow::Result<Self> {
        let data = DataDir::open(&settings.data_dir, PREDECESSOR_MAX)?;
        let secret_keys = secret_keys::read(&data)?;
        let mac_key = data.key("mac.key")?;
        let token = data.secret(ADMIN_TOKEN, || TokenSecret::generate().reveal().to_owned())?;
        let worker = match &settings.worker_id {
            Some(name) => name.clone(),
            None => data.secret("worker.id", || format!("worker-{}", hex::encode(rand::random::<[u8; 6]>())))?,
        };
        let store = Store::open(secret_keys.options(&settings.metadata_url)).await;
        let store = store.context("cannot open the metadata store")?;
        refuse_second(&store, &worker, &TokenSecret::presented(token.as_str())).await?;
        let admin = "local-admin".parse::<Name>().context("name of the administrator")?;
        let is_valid = store.ensure_admin_token(&admin, &worker, &TokenSecret::presented(token.as_str())).await;
        if !is_valid.context("cannot register the administrator's token")? {
            tracing::warn!("the token in {ADMIN_TOKEN} was revoked; remove the file and start the server again for another one");
        }
        let services = services(settings, &data, mac_key, jobs)?;
        let control = Control::new(ControlParts {
            store: store.clone(),
            services,
            worker: worker.clone(),
            lease: LEASE,
            starts_max: settings.starts_max,
            packages: Inspector::new(InspectorCommand { program: THIS_PROGRAM.into(), args: vec![crate::INSPECT_PACKAGE.into()] }),
        });
        let lost = store.fail_lost_builds(&worker).await.context("cannot end the builds that were under way")?;
        if lost > 0 {
            tracing::warn!(lost, "builds were under way when the server ended");
        }
        let control = control.with_builds(build_service::start(settings, data.join("builds")).await);
        let listener = listen(settings.listen).await?;
        let address = listener.local_addr()?;
        let config = ApiConfig {
            spool_dir: data.join("uploads"),
            public_url: settings.public_url.clone().unwrap_or_else(|| format!("http://{address}")),
            session_idle: settings.session_idle,
            session_max: settings.session_max,
            client_address_header: settings.client_address_header.clone(),
            networks: settings.source_networks.clone(),
            ..ApiConfig::default()
        };
        let api = ApiState::new(store.clone(), control.clone(), config);
        let router = millrace_api::router(api.clone()).merge(page::router(address));
        // Sign-ins are slowed down by address.
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        let (stop_http, stopped) = oneshot::channel::<()>();
        let serve = axum::serve(listener, router).with_graceful_shutdown(async {
            // A sender that is gone means the same.
            let _ = stopped.await;
        });
        let http = tokio::spawn(async move { serve.await });
        let closing = CancellationToken::new();
        let reconciler = tokio::spawn({
            let control = control.clone();
            async move { control.reconcile().await }
        });
        tokio::spawn(probe_checkpoints(control.clone(), closing.clone()));
        let log_writer = tokio::spawn(logs.run(store.clone()));
        let key_refresh = tokio::spawn(secret_keys::refresh(store.clone(), worker.clone()));
        if let Some(endpoint) = &settings.openlineage_url {
            let deliverer = Deliverer::new(store.clone(), endpoint.clone(), worker.clone()).context("cannot deliver lineage events")?;
            tokio::spawn(deliverer.run(closing.clone()));
        }
        tracing::info!(%address, worker, data = %settings.data_dir.display(), "the server is up");
        Ok(Self { address, token, store, control, api, stop_http, http, reconciler, log_writer, key_refresh, closing, data })
    }

    /// Base address for clients on this machine.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The local administrator's token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Ends requests, gives instances back with a last checkpoint when that is quick, closes the store. Whoever gets the data
    /// folder lets it go when nothing of this server runs any more.
    pub(crate) async fn stop(self) -> DataDir {
        tracing::info!("stopping");
        self.api.drain();
        self.closing.cancel();
        // A receiver that is gone means that serving has ended by itself.
        let _ = self.stop_http.send(());
        self.control.close(CLOSE_MAX).await;
        if tokio::time::timeout(DRAIN_MAX, self.http).await.is_err() {
            tracing::warn!("requests were still under way {} s after the end was asked for", DRAIN_MAX.as_secs());
        }
        if let Err(error) = self.reconciler.await {
            tracing::error!(%error, "the reconciler failed");
        }
        // Lines that are gathered now are written; the tap itself lives as long as the process.
        tokio::time::sleep(LOGS_MAX).await;
        self.log_writer.abort();
        self.key_refresh.abort();
        self.store.close().await;
        tracing::info!("stopped");
        self.data
    }
}

/// Refuses to be a worker that another server is: they would take each other's instances, and each start would end the other's
/// administrator token. A server that was here before and is gone is told from one that lives by its signs of life.
async fn refuse_second(store: &Store, worker: &str, own: &TokenSecret) -> anyhow::Result<()> {
    let sign = || async { store.other_server_of(worker, own).await.context("cannot look for other servers of this name") };
    let Some(first) = sign().await? else { return Ok(()) };
    if store.now_ms().saturating_sub(first) > i64::try_from(SILENT_MAX.as_millis())? {
        return Ok(());
    }
    tracing::info!(worker, "another server has been this worker a moment ago; waiting to see whether it lives");
    let deadline = Instant::now() + SILENT_MAX;
    while Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(500)).await;
        match sign().await? {
            Some(now) if now != first => anyhow::bail!(
                "worker `{worker}` is alive: another server with another data folder is this worker on the same metadata; stop it, or give \
                 this one another --worker-id"
            ),
            Some(_) => {}
            None => return Ok(()),
        }
    }
    Ok(())
}

/// Looks at the checkpoint store now and then, from the start on: a location that cannot be written is told before a job fails.
async fn probe_checkpoints(control: Control, closing: CancellationToken) {
    let mut known = None;
    loop {
        let found = control.probe_checkpoints().await;
        match &found {
            Some(failure) if known != found => tracing::error!("the checkpoint store cannot be used, jobs cannot go on: {failure}"),
            None if known.is_some() => tracing::info!("the checkpoint store can be used again"),
            Some(_) | None => {}
        }
        known = found;
        tokio::select! {
            () = closing.cancelled() => return,
            () = tokio::time::sleep(PROBE_EVERY) => {}
        }
    }
}

/// Listens, a little patient with a predecessor that is just ending.
async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let deadline = Instant::now() + PREDECESSOR_MAX;
    loop {
        match TcpListener::bind(address).await {
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            bound => return bound.with_context(|| format!("cannot listen on {address}; is another server running there?")),
        }
    }
}

fn services(settings: &Settings, data: &DataDir, mac_key: [u8; 32], jobs: &tokio::runtime::Handle) -> anyhow::Result<EngineServices> {
    let state = data.join("state");
    // Nobody runs yet, and what lies there is never read again.
    if let Err(error) = std::fs::remove_dir_all(&state)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %state.display(), "state of earlier runs could not be removed: {error}");
    }
    let compiler = CompilerCommand { program: THIS_PROGRAM.into(), args: vec![crate::COMPILE_COMPONENT.into()] };
    let sandbox = Sandbox::new(SandboxConfig::new(data.join("code-cache"), mac_key, compiler)).context("cannot set up the sandbox")?;
    let limits = TenantLimits { memory_bytes_max: (settings.tenant_memory_mib as u64) << 20, ..TenantLimits::default() };
    Ok(EngineServices {
        sandbox,
        connectors: connectors(settings),
        functions: millrace_functions::FunctionRegistry::builtin(),
        operators: OperatorRegistry::builtin(),
        checkpoints: checkpoint_location::open(&settings.checkpoints)?,
        accounts: TenantAccounts::new(limits),
        state: StateSettings {
            folder: Some(state),
            memory_bytes_max: settings.state_memory.bytes,
            ceiling: Ceiling::Server(settings.state_memory.bytes_max),
            ..StateSettings::default()
        },
        threads: EngineThreads::of(jobs.clone()),
    })
}

/// What data sources and jobs can reach, within the networks that the platform permits.
fn connectors(settings: &Settings) -> ConnectorRegistry {
    millrace_connector_kafka::limit_networks(settings.source_networks.clone());
    let dialer = Dialer::new(settings.source_networks.clone());
    let kafka = Arc::new(KafkaConnector);
    let registry = ConnectorRegistry::default().with(kafka.clone()).with(Arc::new(TempTableConnector::new(kafka)));
    let registry = registry.with_data_source(Arc::new(KafkaDataSource::new(dialer.clone())));
    millrace_connector_systems::register(registry, &dialer)
}
