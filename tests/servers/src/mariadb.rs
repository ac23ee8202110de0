//! MariaDB from the machine's packages, with TLS offered and not demanded.

use crate::{
    ServerError, certificate,
    port::free_ports,
    spawned::{Place, Spawned, program},
};
use rustix::process::geteuid;
use std::{process::Command, time::Duration};

const SERVER: &str = "mariadb";
const READY_MAX: Duration = Duration::from_secs(60);

/// A server with the user `root`, who needs no password.
pub struct MariaDbServer {
    port: u16,
    certificate: String,
    _server: Spawned,
}

impl MariaDbServer {
    /// Makes a data folder, starts the server and waits until it answers.
    ///
    /// # Errors
    /// MariaDB is not installed, or does not answer within a minute.
    pub fn start() -> Result<Self, ServerError> {
        let place = Place::make(SERVER)?;
        let [port] = free_ports().map_err(place.failed("find a free port"))?;
        let data = place.path().join("data");
        let certificate = certificate::make(SERVER, place.path())?;
        let mut install = Command::new(program(SERVER, "mariadb-install-db")?);
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        install.arg(format!("--datadir={}", data.display()));
        let mut command = Command::new(program(SERVER, "mariadbd")?);
        command.arg("--no-defaults").arg(format!("--datadir={}", data.display())).arg(format!("--port={port}"));
        command.arg(format!("--socket={}", place.path().join("socket").display()));
        command.arg(format!("--ssl-cert={}", certificate.certificate.display())).arg(format!("--ssl-key={}", certificate.key.display()));
        command.args(["--bind-address=127.0.0.1", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=2"]);
        if geteuid().is_root() {
            // It refuses to run as root unless told so.
            install.arg("--user=root");
            command.arg("--user=root");
        }
        crate::cache::run(SERVER, "make the data folder", &mut install)?;
        let server = place.start(command, READY_MAX, || execute(port, "SELECT 1").is_ok())?;
        Ok(Self { port, certificate: certificate.pem, _server: server })
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate (PEM) by which it proves to be `127.0.0.1` and `localhost`.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Runs statements as `root`.
    ///
    /// # Errors
    /// The server refuses.
    pub fn execute(&self, sql: &str) -> Result<String, ServerError> {
        execute(self.port, sql)
    }
}

fn execute(port: u16, sql: &str) -> Result<String, ServerError> {
    let error = |message: String| ServerError { server: SERVER, message };
    let output = Command::new("mariadb")
        .args(["--no-defaults", "--protocol=TCP", "-h127.0.0.1", "-uroot", "-N", "-B", "--default-character-set=utf8mb4"])
        .args([&format!("-P{port}"), "-e", sql])
        .output()
        .map_err(|e| error(format!("cannot start the client `mariadb`: {e}")))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(error(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}
