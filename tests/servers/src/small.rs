//! Servers that need nothing but a command line: Redis, S3 (moto), FTP (pyftpdlib).

use crate::{
    ServerError,
    port::free_ports,
    python,
    spawned::{Place, Spawned, listens, program},
};
use std::{path::PathBuf, process::Command, time::Duration};

const READY_MAX: Duration = Duration::from_secs(60);
const MOTO: &str = "moto[server]==5.1.22";
const PYFTPDLIB: &str = "pyftpdlib==2.2.0";

/// Redis from the machine's packages.
pub struct RedisServer {
    port: u16,
    _server: Spawned,
}

impl RedisServer {
    /// Starts a server that asks for this password.
    ///
    /// # Errors
    /// Redis is not installed, or does not answer within a minute.
    pub fn start(password: &str) -> Result<Self, ServerError> {
        let place = Place::make("redis")?;
        let [port] = free_ports().map_err(place.failed("find a free port"))?;
        let mut command = Command::new(program("redis", "redis-server")?);
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no", "--requirepass", password]);
        command.arg("--dir").arg(place.path());
        Ok(Self { port, _server: place.start(command, READY_MAX, || listens(port))? })
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// An S3 server: `moto` from PyPI. It takes every key until it is told to check them.
pub struct S3Server {
    port: u16,
    _server: Spawned,
}

impl S3Server {
    /// Starts a server; the first `free_requests` are taken whoever sends them, the later ones only with a key of a user.
    ///
    /// # Errors
    /// No Python or registry, or no answer within a minute.
    pub fn start(free_requests: u32) -> Result<Self, ServerError> {
        let program = python::program("moto", &[MOTO], "moto_server")?;
        let place = Place::make("s3")?;
        let [port] = free_ports().map_err(place.failed("find a free port"))?;
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).env("INITIAL_NO_AUTH_ACTION_COUNT", free_requests.to_string());
        Ok(Self { port, _server: place.start(command, READY_MAX, || listens(port))? })
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// An FTP server with the user `probe`.
pub struct FtpServer {
    port: u16,
    root: PathBuf,
    _server: Spawned,
}

impl FtpServer {
    /// Starts a server for the user `probe` with this password, who sees one empty folder.
    ///
    /// # Errors
    /// No Python or registry, or no answer within a minute.
    pub fn start(password: &str) -> Result<Self, ServerError> {
        let python = python::program("pyftpdlib", &[PYFTPDLIB], "python")?;
        let place = Place::make("ftp")?;
        let [port] = free_ports().map_err(place.failed("find a free port"))?;
        let root = place.path().join("root");
        std::fs::create_dir(&root).map_err(place.failed("make a folder"))?;
        let mut command = Command::new(python);
        command.args(["-m", "pyftpdlib", "-i", "127.0.0.1", "-p", &port.to_string(), "-w", "-u", "probe", "-P", password, "-d"]).arg(&root);
        Ok(Self { port, root, _server: place.start(command, READY_MAX, || listens(port))? })
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder that its user sees as `/`.
    pub fn root(&self) -> &std::path::Path {
        &self.root
    }
}
