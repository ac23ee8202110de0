//! The embedded broker of `millrace up`: Apache Kafka (KRaft, one node) as a child process with its data below the data
//! folder, so that topics outlive a restart.
//!
//! Invariant: the broker never outlives the process that started it, however that one ends.

mod download;
mod lifetime;
mod settings;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::Instant,
};

/// Port that clients find when nobody else has it.
const PORT_PREFERRED: u16 = 9092;
const READY_MAX: Duration = Duration::from_secs(120);
const STOP_MAX: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);

/// A running broker.
pub(crate) struct EmbeddedBroker {
    child: Child,
    bootstrap: String,
}

impl EmbeddedBroker {
    /// Starts the broker with its data in `folder` and waits until it answers. The first start on a machine fetches
    /// Kafka's jars.
    ///
    /// Must be called from the main thread's future: the broker is tied to the thread that starts it.
    ///
    /// # Errors
    /// No Java, no Maven, no registry, or a broker that ends or does not answer in two minutes.
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        let jars = tokio::task::spawn_blocking(download::jars).await??;
        fs::create_dir_all(folder).with_context(|| format!("cannot make the broker's folder {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        let ports = settings::Ports { broker: free_port(PORT_PREFERRED)?, controller: free_port(0)? };
        let paths = Paths::below(&folder);
        fs::write(&paths.settings, settings::server(ports, &paths.data))?;
        fs::write(&paths.log4j, settings::LOG4J)?;
        if !paths.data.join("meta.properties").exists() {
            format_storage(&jars, &paths).await?;
        }
        let log = fs::File::create(&paths.log)?;
        let mut command = java(&jars, &paths);
        command
            .args(["-Xms64m", "-Xmx512m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "kafka.Kafka"])
            .arg(&paths.settings)
            .stdout(log.try_clone()?)
            .stderr(log)
            // An interrupt from the terminal is for us: the broker must stay until the jobs have stopped.
            .process_group(0)
            .kill_on_drop(true);
        lifetime::end_with_this_thread(&mut command);
        let child = command.spawn().context("cannot start java; a JDK 17 or newer must be on the PATH")?;
        let mut broker = Self { child, bootstrap: format!("127.0.0.1:{}", ports.broker) };
        broker.wait_until_ready(ports.broker, &paths.log).await?;
        Ok(broker)
    }

    /// `bootstrap.servers` of this broker.
    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Asks the broker to stop and waits until it has; kills it when that takes too long.
    pub(crate) async fn stop(mut self) {
        if let Some(pid) = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            // A broker that has just ended by itself is as good as a stopped one.
            let _ = kill_process(pid, Signal::TERM);
        }
        if tokio::time::timeout(STOP_MAX, self.child.wait()).await.is_err() {
            tracing::warn!("the embedded broker did not stop in {} s and is killed", STOP_MAX.as_secs());
            let _ = self.child.kill().await;
        }
    }

    async fn wait_until_ready(&mut self, port: u16, log: &Path) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY_MAX;
        while !answers(port).await {
            if let Some(status) = self.child.try_wait()? {
                bail!("the embedded broker ended with {status}; the end of {}:\n{}", log.display(), log_end(log));
            }
            if Instant::now() >= deadline {
                bail!("the embedded broker does not answer after {} s; see {}", READY_MAX.as_secs(), log.display());
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

struct Paths {
    folder: PathBuf,
    settings: PathBuf,
    log4j: PathBuf,
    data: PathBuf,
    log: PathBuf,
}

impl Paths {
    fn below(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            settings: folder.join("server.properties"),
            log4j: folder.join("log4j2.properties"),
            data: folder.join("data"),
            log: folder.join("broker.log"),
        }
    }
}

fn java(jars: &Path, paths: &Paths) -> Command {
    let mut log4j = std::ffi::OsString::from("-Dlog4j2.configurationFile=");
    log4j.push(&paths.log4j);
    let mut command = Command::new("java");
    command.arg("-Xshare:auto").arg(log4j).arg("-cp").arg(jars.join("*")).current_dir(&paths.folder).stdin(Stdio::null());
    command
}

/// Gives the data folder its cluster id; Kafka refuses to start without.
async fn format_storage(jars: &Path, paths: &Paths) -> anyhow::Result<()> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let id = URL_SAFE_NO_PAD.encode(uuid::Uuid::now_v7().as_bytes());
    let output = java(jars, paths)
        .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "kafka.tools.StorageTool", "format", "-t", &id, "-c"])
        .arg(&paths.settings)
        .output()
        .await
        .context("cannot start java; a JDK 17 or newer must be on the PATH")?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    bail!("cannot format the broker's data folder {}: {}", paths.data.display(), String::from_utf8_lossy(&text))
}

/// `preferred` when nobody listens there, else any free port.
fn free_port(preferred: u16) -> anyhow::Result<u16> {
    let bind = |port| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let listener = bind(preferred).or_else(|_| bind(0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Whether the broker answers an `ApiVersions` request (key 18, version 0, <https://kafka.apache.org/protocol>): the
/// port opens long before the broker can serve.
async fn answers(port: u16) -> bool {
    const API_VERSIONS: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];
    let ask = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream.write_all(&API_VERSIONS).await?;
        let mut head = [0; 8];
        stream.read_exact(&mut head).await
    };
    matches!(tokio::time::timeout(Duration::from_secs(2), ask).await, Ok(Ok(_)))
}

fn log_end(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let start = text.len().saturating_sub(2_000);
    String::from_utf8_lossy(text.get(start..).unwrap_or_default()).into_owned()
}
