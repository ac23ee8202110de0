//! A real OpenID provider (`oidc-provider`, certified by the OpenID Foundation) and a browser that signs in there.

use crate::{ServerError, cache, guardian::Guardian, http, port::free_ports};
use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const NAME: &str = "oidc-provider";
const VERSION: &str = "8.8.1";
/// The newest packages of that day are fetched, today and next year.
const AS_OF: &str = "2025-10-03";
const READY_MAX: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// A provider at which anybody may sign in under any name. `dev…` belongs to the group `data-engineers`, `stranger…` has an
/// address elsewhere, that of `unverified…` is not verified.
pub struct OidcServer {
    port: u16,
    process: Child,
    guardian: Guardian,
    _folder: TempDir,
}

impl OidcServer {
    /// The client that the provider knows.
    pub const CLIENT: (&str, &str) = ("millrace", "a-secret-of-the-test");

    /// Starts a provider that sends browsers back to `redirect_uri`.
    ///
    /// # Errors
    /// Node.js or npm is not there, the packages cannot be fetched, or it does not answer within a minute.
    pub fn start(redirect_uri: &str) -> Result<Self, ServerError> {
        let packages = packages()?;
        let folder = tempfile::Builder::new().prefix("millrace-oidc-").tempdir().map_err(failed("make a folder"))?;
        let mut guardian = Guardian::of(folder.path()).map_err(failed("start the guardian"))?;
        let [port] = free_ports().map_err(failed("find a free port"))?;
        let (script, log) = (folder.path().join("server.mjs"), folder.path().join("log"));
        fs::write(&script, include_str!("oidc/server.mjs")).map_err(failed("write its program"))?;
        let output = File::create(&log).map_err(failed("create the log"))?;
        let errors = output.try_clone().map_err(failed("create the log"))?;
        let mut command = Command::new("node");
        command.arg(&script).arg(packages).args([&port.to_string(), Self::CLIENT.0, Self::CLIENT.1, redirect_uri]);
        let process = command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0).spawn().map_err(failed("start node"))?;
        guardian.watch(Some(process.id())).map_err(failed("tell the guardian"))?;
        let mut server = Self { port, process, guardian, _folder: folder };
        server.await_ready(&log)?;
        Ok(server)
    }

    /// What the provider calls itself.
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn await_ready(&mut self, log: &Path) -> Result<(), ServerError> {
        let deadline = Instant::now() + READY_MAX;
        while !http::request(self.port, "GET", "/.well-known/openid-configuration", "").is_ok_and(|(status, _)| status == 200) {
            let ended = self.process.try_wait().map_err(failed("watch the server"))?.is_some();
            if ended || Instant::now() >= deadline {
                return Err(error(format!("it does not answer: {}", fs::read_to_string(log).unwrap_or_default())));
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for OidcServer {
    fn drop(&mut self) {
        // Nobody can be told in a destructor; the guardian tries again.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = self.guardian.watch(None);
    }
}

/// The folder with the provider's packages, fetched once per machine.
fn packages() -> Result<std::path::PathBuf, ServerError> {
    cache::folder(NAME, &format!("{NAME}-{VERSION}"), |work| {
        let target = work.join("packages");
        fs::create_dir(&target).map_err(failed("make a folder"))?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--prefix"]).arg(&target);
        npm.arg(format!("--before={AS_OF}")).arg(format!("{NAME}@{VERSION}"));
        cache::run(NAME, "fetch its packages", &mut npm)?;
        Ok(target)
    })
}

fn error(message: String) -> ServerError {
    ServerError { server: NAME, message }
}

fn failed(what: &'static str) -> impl Fn(std::io::Error) -> ServerError {
    move |e| error(format!("cannot {what} (Node.js 18 or newer and npm are needed): {e}"))
}
