//! What the small servers have in common: a folder of their own, one process group, a wait until they answer.

use crate::{ServerError, guardian::Guardian};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const STOP_MAX: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);

/// A server's folder, watched from its first file on.
pub(crate) struct Place {
    server: &'static str,
    guardian: Guardian,
    folder: TempDir,
}

/// A running server.
pub(crate) struct Spawned {
    place: Place,
    process: Option<Child>,
}

impl Place {
    pub(crate) fn make(server: &'static str) -> Result<Self, ServerError> {
        let failed = |what: &'static str| move |e: std::io::Error| ServerError { server, message: format!("cannot {what}: {e}") };
        let folder = tempfile::Builder::new().prefix(&format!("millrace-{server}-")).tempdir().map_err(failed("make a folder"))?;
        let guardian = Guardian::of(folder.path()).map_err(failed("start the guardian"))?;
        Ok(Self { server, guardian, folder })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf, ServerError> {
        let path = self.path().join(name);
        fs::write(&path, text).map_err(self.failed("write a file"))?;
        Ok(path)
    }

    pub(crate) fn failed(&self, what: &'static str) -> impl Fn(std::io::Error) -> ServerError {
        let server = self.server;
        move |e| ServerError { server, message: format!("cannot {what}: {e}") }
    }

    /// Starts the server and waits until `is_ready` says so.
    pub(crate) fn start(mut self, mut command: Command, max: Duration, mut is_ready: impl FnMut() -> bool) -> Result<Spawned, ServerError> {
        let server = self.server;
        let error = |message: String| ServerError { server, message };
        let log_path = self.path().join("server.log");
        let log = File::create(&log_path).map_err(self.failed("create the log"))?;
        let errors = log.try_clone().map_err(self.failed("create the log"))?;
        let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).process_group(0).spawn();
        let child = child.map_err(|e| error(format!("cannot start {:?} (is it installed?): {e}", command.get_program())))?;
        self.guardian.watch(Some(child.id())).map_err(self.failed("tell the guardian"))?;
        let mut spawned = Spawned { place: self, process: Some(child) };
        let deadline = Instant::now() + max;
        while !is_ready() {
            let ended = match spawned.process.as_mut() {
                Some(child) => child.try_wait().map_err(|e| error(format!("cannot watch the server: {e}")))?,
                None => None,
            };
            if ended.is_some() || Instant::now() >= deadline {
                let log = fs::read_to_string(&log_path).unwrap_or_default();
                let from = log.len().saturating_sub(4000);
                let end: String = log.char_indices().filter(|(at, _)| *at >= from).map(|(_, c)| c).collect();
                return Err(error(format!("it does not answer within {} s: {end}", max.as_secs())));
            }
            std::thread::sleep(POLL);
        }
        Ok(spawned)
    }
}

impl Spawned {
    fn end(&mut self) -> std::io::Result<()> {
        let Some(mut child) = self.process.take() else { return Ok(()) };
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let send = |signal| group.map_or(Ok(()), |group| kill_process_group(group, signal));
        // A process that has just ended by itself is as good as a stopped one.
        let _ = send(Signal::TERM);
        let deadline = Instant::now() + STOP_MAX;
        while child.try_wait()?.is_none() {
            if Instant::now() >= deadline {
                let _ = send(Signal::KILL);
                child.wait()?;
                break;
            }
            std::thread::sleep(POLL);
        }
        self.place.guardian.watch(None)
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        // Nobody can be told in a destructor; the guardian tries again.
        let _ = self.end();
    }
}

/// Whether somebody listens on this port of 127.0.0.1.
pub(crate) fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The program, also where Debian keeps those of servers: outside of a user's `PATH`.
pub(crate) fn program(server: &'static str, name: &str) -> Result<PathBuf, ServerError> {
    let mut folders: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    folders.extend(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| ServerError { server, message: format!("no `{name}` in PATH; run scripts/setup.sh --tests") })
}
