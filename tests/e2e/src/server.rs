//! The `millrace server` process: started, killed and started again on the same data folder and port.

use crate::{Api, wait::until};
use anyhow::{Context, bail};
use millrace_test_servers::{Guardian, free_ports};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    fs::{self, OpenOptions},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Longest time from start to the first answer.
const READY_SECONDS: u64 = 60;
/// Longest time for a graceful end.
const STOP_SECONDS: u64 = 60;

/// What a server is started with beyond its data folder and port.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// The binary; [`binary`]'s answer when absent.
    pub binary: Option<PathBuf>,
    /// Further arguments of `millrace server`.
    pub arguments: Vec<String>,
    /// Files that lie in the data folder before the first start: keys that servers of one metadata share.
    pub data_files: Vec<(&'static str, String)>,
    /// Wait until the server lives, not until it is ready: it never will be.
    pub is_never_ready: bool,
}

/// One server. Ended, and its folder removed, on drop — and also if this process is killed.
pub struct Server {
    options: ServerOptions,
    port: u16,
    process: Option<Child>,
    guardian: Guardian,
    folder: tempfile::TempDir,
}

/// The `millrace` binary that belongs to this program: `MILLRACE_BIN`, else the one beside it in the target folder.
///
/// # Errors
/// It is not there.
pub fn binary() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("MILLRACE_BIN") {
        return Ok(path.into());
    }
    let this = std::env::current_exe().context("path of this program")?;
    // Test binaries lie in `deps` below the folder of their profile.
    let folders = this.ancestors().skip(1).take(2);
    for path in folders.map(|f| f.join("millrace")) {
        if path.is_file() {
            return Ok(path);
        }
    }
    bail!("no `millrace` binary beside {}; build it first: cargo build -p millrace-server", this.display())
}

impl Server {
    /// Starts a server on an empty data folder and waits until it answers.
    ///
    /// # Errors
    /// It ends or does not answer; the end of its log is in the message.
    pub async fn start(options: ServerOptions) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("millrace-e2e-").tempdir()?;
        let guardian = Guardian::of(folder.path())?;
        let [port] = free_ports()?;
        let mut server = Self { options, port, process: None, guardian, folder };
        server.lay_files()?;
        server.restart().await?;
        Ok(server)
    }

    /// Starts the ended server again and waits until it answers.
    ///
    /// # Errors
    /// It ends or does not answer; the end of its log is in the message.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        let binary = self.options.binary.clone().map_or_else(binary, Ok)?;
        let log = OpenOptions::new().create(true).append(true).open(self.log_path())?;
        let mut command = Command::new(&binary);
        for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("MILLRACE_")) {
            command.env_remove(name);
        }
        let child = command
            .arg("server")
            .arg("--data-dir")
            .arg(self.data_dir())
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            // Brokers and other systems of tests are on this machine.
            .args(["--source-networks-allowed", "127.0.0.0/8,::1"])
            .args(&self.options.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        self.guardian.watch(Some(child.id()))?;
        self.process = Some(child);
        self.await_ready().await
    }

    fn lay_files(&self) -> anyhow::Result<()> {
        let data = self.data_dir();
        for (name, text) in &self.options.data_files {
            fs::create_dir_all(&data)?;
            fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
            fs::write(data.join(name), text)?;
            fs::set_permissions(data.join(name), fs::Permissions::from_mode(0o600))?;
        }
        Ok(())
    }

    async fn await_ready(&mut self) -> anyhow::Result<()> {
        let http = reqwest::Client::new();
        let path = if self.options.is_never_ready { Api::LIVE } else { Api::READY };
        let url = format!("{}{path}", self.base());
        let ready = until("the server answers", READY_SECONDS, async || {
            if let Some(Ok(Some(status))) = self.process.as_mut().map(Child::try_wait) {
                // Nothing more to wait for, but the caller wants the reason, so it is an answer.
                return Ok(Some(status));
            }
            match http.get(&url).send().await {
                Ok(answer) if answer.status().is_success() => Ok(None),
                Ok(answer) => Err(format!("HTTP {}", answer.status())),
                Err(error) => Err(error.to_string()),
            }
        });
        match ready.await {
            Ok(None) => Ok(()),
            Ok(Some(status)) => bail!("the server ended with {status}: {}", self.log_end()),
            Err(error) => Err(error.context(self.log_end())),
        }
    }

    /// The process, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Kills the server as a power cut would: no signal handler runs.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        let Some(mut child) = self.process.take() else { return Ok(()) };
        if let Some(group) = group_of(&child) {
            // A process that has just ended by itself is as good as a killed one.
            let _ = kill_process_group(group, Signal::KILL);
        }
        child.wait()?;
        self.guardian.watch(None)?;
        Ok(())
    }

    /// Asks the server to end and waits until it has.
    ///
    /// # Errors
    /// It does not end in time, or not with success.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut child) = self.process.take() else { return Ok(()) };
        if let Some(group) = group_of(&child) {
            kill_process_group(group, Signal::TERM)?;
        }
        let ended = until("the server ends after SIGTERM", STOP_SECONDS, async || match child.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err("it runs".to_owned()),
            Err(error) => Err(error.to_string()),
        });
        let ended = ended.await;
        if ended.is_err() {
            child.kill()?;
            child.wait()?;
        }
        self.guardian.watch(None)?;
        let status = ended?;
        anyhow::ensure!(status.success(), "the server ended with {status} after SIGTERM: {}", self.log_end());
        Ok(())
    }

    /// Process number, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Address of the API.
    #[must_use]
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A client with all rights.
    ///
    /// # Errors
    /// The server has left no administrator's token.
    pub fn api(&self) -> anyhow::Result<Api> {
        let path = self.data_dir().join("admin.token");
        let token = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Api::new(self.base(), token.trim()))
    }

    /// Everything that the server keeps.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// All that the server has logged, over all starts.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    /// Whether the server runs or how it ended, and the end of its log: to say why something went wrong.
    pub fn state(&mut self) -> String {
        let process = match self.process.as_mut().map(Child::try_wait) {
            None => "is stopped".to_owned(),
            Some(Ok(None)) => "runs".to_owned(),
            Some(Ok(Some(status))) => format!("has ended by itself with {status}"),
            Some(Err(error)) => error.to_string(),
        };
        format!("the server {process}; its log ends with\n{}", self.log_end())
    }

    fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().rev().take(30).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Modes of all files below the data folder that others may read; a server's data is private.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn open_to_others(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mode = |path: &Path| fs::metadata(path).map(|m| m.permissions().mode() & 0o077);
        let data = self.data_dir();
        Ok(if mode(&data)? != 0 { vec![data] } else { Vec::new() })
    }
}

fn group_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("end of the server's log:\n{}", self.log_end());
        }
        // Nobody can be told in a destructor; the guardian tries again.
        let _ = self.kill();
    }
}
