//! PostgreSQL from the machine's packages, on a cluster of its own in a temporary folder.
//!
//! PostgreSQL refuses to run as root; then the cluster belongs to the user `postgres` that the package makes.

use crate::{ServerError, guardian::Guardian, port::free_ports};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use std::{
    fs::{self, File, Permissions},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const READY_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// A server with one superuser, `postgres`, who needs no password.
pub struct PostgresServer {
    port: u16,
    programs: PathBuf,
    process: Option<Child>,
    guardian: Guardian,
    folder: TempDir,
}

impl PostgresServer {
    /// Makes a cluster, starts it and waits until it answers.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not answer within a minute.
    pub fn start() -> Result<Self, ServerError> {
        let programs = programs()?;
        let folder = tempfile::Builder::new().prefix("millrace-postgres-").tempdir().map_err(failed("make a folder"))?;
        let guardian = Guardian::of(folder.path()).map_err(failed("start the guardian"))?;
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).map_err(failed("open the folder"))?;
        let [port] = free_ports().map_err(failed("find a free port"))?;
        let mut server = Self { port, programs, process: None, guardian, folder };
        server.make_cluster()?;
        server.launch()?;
        server.await_ready()?;
        Ok(server)
    }

    /// Connection string of the database `name`; `postgres` is there from the beginning.
    pub fn url(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Makes an empty database and answers its connection string.
    ///
    /// # Errors
    /// The server refuses.
    pub fn create_database(&self, name: &str) -> Result<String, ServerError> {
        self.execute("postgres", &format!("CREATE DATABASE \"{name}\""))?;
        Ok(self.url(name))
    }

    /// Runs a statement in the database `name` as its superuser.
    ///
    /// # Errors
    /// The server refuses.
    pub fn execute(&self, name: &str, sql: &str) -> Result<(), ServerError> {
        let output = Command::new(self.programs.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--command", sql, &self.url(name)])
            .output()
            .map_err(failed("start psql"))?;
        if output.status.success() { Ok(()) } else { Err(error(String::from_utf8_lossy(&output.stderr).into_owned())) }
    }

    /// Makes users prove their passwords: those in the role `scram_users` by SCRAM-SHA-256, those in `md5_users` by MD5.
    ///
    /// # Errors
    /// The server refuses, or its folder cannot be written.
    pub fn demand_passwords(&self) -> Result<(), ServerError> {
        self.execute("postgres", "CREATE ROLE scram_users")?;
        self.execute("postgres", "CREATE ROLE md5_users")?;
        let path = self.data().join("pg_hba.conf");
        let rules = fs::read_to_string(&path).map_err(failed("read pg_hba.conf"))?;
        let first = "host all +scram_users all scram-sha-256\nhost all +md5_users all md5\n";
        // Superusers belong to every role: theirs stays open.
        let open = "host all postgres all trust\n";
        fs::write(&path, format!("{open}{first}{rules}")).map_err(failed("write pg_hba.conf"))?;
        self.execute("postgres", "SELECT pg_reload_conf()")
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn make_cluster(&self) -> Result<(), ServerError> {
        fs::create_dir(self.data()).map_err(failed("make the data folder"))?;
        if geteuid().is_root() {
            let owned = Command::new("chown").arg("postgres").arg(self.data()).status().map_err(failed("start chown"))?;
            if !owned.success() {
                return Err(error("there is no user `postgres`; install the package postgresql".into()));
            }
        }
        let output = self
            .unprivileged("initdb")
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "-D"])
            .arg(self.data())
            .output()
            .map_err(failed("start initdb"))?;
        if output.status.success() { Ok(()) } else { Err(error(String::from_utf8_lossy(&output.stderr).into_owned())) }
    }

    fn launch(&mut self) -> Result<(), ServerError> {
        let log = File::create(self.folder.path().join("postgres.log")).map_err(failed("create the log"))?;
        let errors = log.try_clone().map_err(failed("create the log"))?;
        let child = self
            .unprivileged("postgres")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-F", "-c", "unix_socket_directories=", "-D"])
            .arg(self.data())
            .stdout(log)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(failed("start postgres"))?;
        let group = child.id();
        self.process = Some(child);
        self.guardian.watch(Some(group)).map_err(failed("tell the guardian"))
    }

    fn await_ready(&mut self) -> Result<(), ServerError> {
        let deadline = Instant::now() + READY_MAX;
        loop {
            let mut ask = Command::new(self.programs.join("pg_isready"));
            let answer = ask.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]).status().map_err(failed("start pg_isready"))?;
            if answer.success() {
                return Ok(());
            }
            let ended = match self.process.as_mut() {
                Some(child) => child.try_wait().map_err(failed("watch the server"))?,
                None => None,
            };
            if ended.is_some() || Instant::now() >= deadline {
                let log = fs::read_to_string(self.folder.path().join("postgres.log")).unwrap_or_default();
                return Err(error(format!("it does not answer: {log}")));
            }
            std::thread::sleep(POLL);
        }
    }

    /// A program of PostgreSQL, not as root.
    fn unprivileged(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if geteuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir("/").stdin(Stdio::null());
        command
    }

    fn end(&mut self) -> std::io::Result<()> {
        let Some(mut child) = self.process.take() else { return Ok(()) };
        if let Some(id) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            // An immediate shutdown: ends all backends and gives the shared memory back, which SIGKILL would not.
            let _ = kill_process(id, Signal::QUIT);
        }
        let deadline = Instant::now() + STOP_MAX;
        while child.try_wait()?.is_none() {
            if Instant::now() >= deadline {
                child.kill()?;
                child.wait()?;
                break;
            }
            std::thread::sleep(POLL);
        }
        self.guardian.watch(None)
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // Nobody can be told in a destructor; the guardian tries again.
        let _ = self.end();
    }
}

/// The newest PostgreSQL that the machine has: Debian keeps each version in a folder of its own outside of `PATH`.
fn programs() -> Result<PathBuf, ServerError> {
    let versions = fs::read_dir("/usr/lib/postgresql").map(|found| found.flatten().map(|v| v.path().join("bin")).collect::<Vec<_>>());
    let mut found: Vec<PathBuf> = versions.unwrap_or_default();
    found.sort_by_key(|bin| bin.parent().and_then(Path::file_name).and_then(|v| v.to_str()?.parse::<f64>().ok()).map(f64::to_bits));
    found.reverse();
    found.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    let bin = found.into_iter().find(|bin| bin.join("initdb").is_file());
    bin.ok_or_else(|| error("no `initdb` below /usr/lib/postgresql or in PATH; install the package postgresql".into()))
}

fn error(message: String) -> ServerError {
    ServerError { server: "postgres", message }
}

fn failed(what: &'static str) -> impl Fn(std::io::Error) -> ServerError {
    move |e| error(format!("cannot {what}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_starts_and_leaves_nothing() {
        let server = PostgresServer::start().unwrap();
        let url = server.create_database("first").unwrap();
        assert!(url.ends_with("/first"));
        let again = server.create_database("first").unwrap_err().to_string();
        assert!(again.contains("already exists"), "{again}");
        let folder = server.folder.path().to_owned();
        drop(server);
        assert!(!folder.exists());
    }
}
