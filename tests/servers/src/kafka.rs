//! Apache Kafka (KRaft, broker and controller in one process) from the jars of Maven Central.

mod download;
mod settings;

use crate::{ServerError, guardian::Guardian, port::free_ports};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const READY_MAX: Duration = Duration::from_secs(120);
const STOP_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// User name that the SASL/PLAIN listener knows.
const SASL_USER: &str = "millrace";
/// Password of [`SASL_USER`].
const SASL_PASSWORD: &str = "correct-horse";

/// A broker of its own: one node, data in a temporary folder.
pub struct KafkaBroker {
    ports: settings::Ports,
    bootstrap: String,
    sasl_bootstrap: String,
    jars: PathBuf,
    process: Option<Child>,
    guardian: Guardian,
    folder: TempDir,
}

/// One broker for all tests of this process: started by the first caller, ended with the process.
///
/// # Panics
/// If the broker cannot be started: no test that needs it can go on.
pub fn shared_broker() -> &'static KafkaBroker {
    static BROKER: OnceLock<KafkaBroker> = OnceLock::new();
    BROKER.get_or_init(|| match KafkaBroker::start() {
        Ok(broker) => broker,
        Err(error) => panic!("{error}"),
    })
}

impl KafkaBroker {
    /// Starts a broker and waits until it answers. The first start on a machine downloads its jars.
    ///
    /// # Errors
    /// No JDK or Maven, no registry, or a broker that ends or does not answer within two minutes.
    pub fn start() -> Result<Self, ServerError> {
        let jars = download::jars()?;
        let folder = tempfile::Builder::new().prefix("millrace-kafka-").tempdir().map_err(failed("make a folder"))?;
        let guardian = Guardian::of(folder.path()).map_err(failed("start the guardian"))?;
        let [broker, sasl, controller] = free_ports().map_err(failed("find free ports"))?;
        let mut broker = Self {
            ports: settings::Ports { broker, sasl, controller },
            bootstrap: format!("127.0.0.1:{broker}"),
            sasl_bootstrap: format!("127.0.0.1:{sasl}"),
            jars,
            process: None,
            guardian,
            folder,
        };
        broker.format()?;
        broker.restart()?;
        Ok(broker)
    }

    /// `bootstrap.servers` of the plain listener: no TLS, no sign-in.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// `bootstrap.servers` of the listener that asks for SASL/PLAIN without TLS.
    pub fn sasl_bootstrap(&self) -> &str {
        &self.sasl_bootstrap
    }

    /// User and password that the SASL listener accepts.
    pub fn sasl_credentials(&self) -> (&'static str, &'static str) {
        (SASL_USER, SASL_PASSWORD)
    }

    /// Kills the broker at once, as a crashed machine would. Data and ports stay for [`Self::restart`].
    ///
    /// # Errors
    /// The operating system refused.
    pub fn kill(&mut self) -> Result<(), ServerError> {
        self.end(Signal::KILL)
    }

    /// Asks the broker to stop and waits until it has. Data and ports stay for [`Self::restart`].
    ///
    /// # Errors
    /// The operating system refused.
    pub fn stop(&mut self) -> Result<(), ServerError> {
        self.end(Signal::TERM)
    }

    /// Starts the stopped broker on the same ports with the same data and waits until it answers.
    ///
    /// # Errors
    /// The broker ends or does not answer in time; the end of its log is in the message.
    pub fn restart(&mut self) -> Result<(), ServerError> {
        self.end(Signal::TERM)?;
        let log = File::create(self.path("kafka.log")).map_err(failed("create the log"))?;
        let errors = log.try_clone().map_err(failed("create the log"))?;
        let child = self
            .java()
            .args(["-Xms128m", "-Xmx768m", "kafka.Kafka"])
            .arg(self.path("server.properties"))
            .stdout(log)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(failed("start java"))?;
        let group = child.id();
        self.process = Some(child);
        self.guardian.watch(Some(group)).map_err(failed("tell the guardian"))?;
        self.await_ready()
    }

    fn end(&mut self, signal: Signal) -> Result<(), ServerError> {
        let Some(mut child) = self.process.take() else { return Ok(()) };
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let send = |signal| group.map_or(Ok(()), |group| kill_process_group(group, signal));
        // A process that has just ended by itself is as good as a stopped one.
        let _ = send(signal);
        let deadline = Instant::now() + STOP_MAX;
        while child.try_wait().map_err(failed("wait for the broker"))?.is_none() {
            if Instant::now() >= deadline {
                let _ = send(Signal::KILL);
                child.wait().map_err(failed("wait for the broker"))?;
                break;
            }
            std::thread::sleep(POLL);
        }
        self.guardian.watch(None).map_err(failed("tell the guardian"))
    }

    fn format(&self) -> Result<(), ServerError> {
        let data = self.path("data");
        fs::write(self.path("server.properties"), settings::server(&self.ports, &data)).map_err(failed("write settings"))?;
        fs::write(self.path("log4j2.properties"), settings::LOG4J).map_err(failed("write settings"))?;
        let cluster = URL_SAFE_NO_PAD.encode(uuid::Uuid::now_v7().as_bytes());
        let output = self
            .java()
            .args(["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"])
            // A leading dash would be read as an option.
            .args(["kafka.tools.StorageTool", "format", "-t", &format!("M{}", &cluster[1..]), "-c"])
            .arg(self.path("server.properties"))
            .output()
            .map_err(failed("start java (is a JDK 17 installed?)"))?;
        if output.status.success() {
            return Ok(());
        }
        let text = [output.stdout, output.stderr].concat();
        Err(error(format!("formatting the data folder failed: {}", String::from_utf8_lossy(&text))))
    }

    fn java(&self) -> Command {
        let mut command = Command::new("java");
        let mut log4j = std::ffi::OsString::from("-Dlog4j2.configurationFile=");
        log4j.push(self.path("log4j2.properties"));
        command.arg(log4j).arg("-cp").arg(self.jars.join("*")).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn await_ready(&mut self) -> Result<(), ServerError> {
        let deadline = Instant::now() + READY_MAX;
        while !answers(self.ports.broker) {
            let ended = match self.process.as_mut() {
                Some(child) => child.try_wait().map_err(failed("watch the broker"))?,
                None => None,
            };
            if let Some(status) = ended {
                return Err(error(format!("the broker ended with {status}: {}", self.log_end())));
            }
            if Instant::now() >= deadline {
                return Err(error(format!("no answer within {} s: {}", READY_MAX.as_secs(), self.log_end())));
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    fn log_end(&self) -> String {
        let log = fs::read(self.path("kafka.log")).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(2_000)..]).into_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for KafkaBroker {
    fn drop(&mut self) {
        // Nobody can be told in a destructor; the guardian tries again.
        let _ = self.end(Signal::KILL);
    }
}

/// Whether the broker answers an `ApiVersions` request (key 18, version 0): the port alone opens long before.
fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<()> {
        let timeout = Duration::from_secs(2);
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), timeout)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.write_all(&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff])?;
        stream.read_exact(&mut [0; 8])
    };
    ask().is_ok()
}

fn error(message: String) -> ServerError {
    ServerError { server: "kafka", message }
}

fn failed(what: &'static str) -> impl Fn(std::io::Error) -> ServerError {
    move |e| error(format!("cannot {what}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_starts_stops_restarts_on_its_port_and_leaves_nothing() {
        let mut broker = KafkaBroker::start().unwrap();
        let (port, folder) = (broker.ports.broker, broker.folder.path().to_owned());
        assert!(answers(port));
        broker.stop().unwrap();
        assert!(!answers(port));
        broker.restart().unwrap();
        assert!(answers(port));
        drop(broker);
        assert!(!answers(port));
        assert!(!folder.exists());
    }
}
