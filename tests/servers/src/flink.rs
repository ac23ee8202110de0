//! Apache Flink: a session cluster (one JobManager, one TaskManager) and its SQL gateway, from published packages.

mod compile;
mod download;
pub mod gateway;
mod jobs;
mod settings;
mod types;

use crate::{ServerError, cpu, guardian::Guardian, http, port::free_ports};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const READY_MAX: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(100);

const JOB_MANAGER: Role =
    Role { name: "jobmanager", class: "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint", memory: "640m" };
const TASK_MANAGER: Role = Role { name: "taskmanager", class: "org.apache.flink.runtime.taskexecutor.TaskManagerRunner", memory: "896m" };
/// The same with room for the state of large queries.
const LARGE_TASK_MANAGER: Role = Role { memory: "4224m", ..TASK_MANAGER };
const GATEWAY: Role = Role { name: "gateway", class: "org.apache.flink.table.gateway.SqlGateway", memory: "512m" };

struct Role {
    name: &'static str,
    class: &'static str,
    memory: &'static str,
}

/// A cluster of its own, without checkpoints, with its folder in a temporary place.
pub struct FlinkCluster {
    ports: settings::Ports,
    /// Class path of all three processes.
    classes: std::ffi::OsString,
    /// JobManager, TaskManager, gateway; the first leads the process group of all.
    processes: Mutex<Vec<Child>>,
    guardian: Guardian,
    folder: TempDir,
    worker: &'static Role,
}

impl FlinkCluster {
    /// Folder with Flink's jars, downloaded if it is not there: what user code is compiled against.
    ///
    /// # Errors
    /// No Python or Maven, or no registry.
    pub fn jars() -> Result<PathBuf, ServerError> {
        download::jars()
    }

    /// Flink's Kafka connector with all that it needs, downloaded if it is not there.
    ///
    /// # Errors
    /// No Maven, or no registry.
    pub fn kafka_connector() -> Result<PathBuf, ServerError> {
        download::kafka_connector()
    }

    /// Starts a cluster with these jars beside its own and waits until it takes SQL.
    ///
    /// # Errors
    /// As [`Self::jars`]; or no JDK, or a process that ends or does not answer within three minutes.
    pub fn start(further_jars: &[PathBuf]) -> Result<Self, ServerError> {
        Self::start_with(further_jars, &TASK_MANAGER)
    }

    /// The same with 4 GiB of heap for its queries.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_large(further_jars: &[PathBuf]) -> Result<Self, ServerError> {
        Self::start_with(further_jars, &LARGE_TASK_MANAGER)
    }

    fn start_with(further_jars: &[PathBuf], worker: &'static Role) -> Result<Self, ServerError> {
        let jars = download::jars()?;
        let classes = std::iter::once(jars.join("*")).chain(further_jars.iter().cloned());
        let classes = std::env::join_paths(classes).map_err(|e| error(format!("cannot build the class path: {e}")))?;
        let folder = tempfile::Builder::new().prefix("millrace-flink-").tempdir().map_err(failed("make a folder"))?;
        let guardian = Guardian::of(folder.path()).map_err(failed("start the guardian"))?;
        let [rpc, rest, gateway] = free_ports().map_err(failed("find free ports"))?;
        let ports = settings::Ports { rpc, rest, gateway };
        // Beside the tasks' heap stands the framework's.
        let heap_mib = worker.memory.trim_end_matches('m').parse::<u32>().unwrap_or_default().saturating_sub(settings::FRAMEWORK_HEAP_MIB);
        fs::write(folder.path().join("config.yaml"), settings::cluster(&ports, folder.path(), heap_mib))
            .map_err(failed("write settings"))?;
        fs::write(folder.path().join("log4j.properties"), settings::LOG4J).map_err(failed("write settings"))?;
        let mut cluster = Self { ports, classes, processes: Mutex::default(), guardian, folder, worker };
        cluster.launch()?;
        Ok(cluster)
    }

    fn launch(&mut self) -> Result<(), ServerError> {
        let first = self.spawn(&JOB_MANAGER, 0)?;
        let group = first.id();
        let processes = self.processes.get_mut().unwrap_or_else(PoisonError::into_inner);
        processes.push(first);
        self.guardian.watch(Some(group)).map_err(failed("tell the guardian"))?;
        for role in [self.worker, &GATEWAY] {
            let child = self.spawn(role, group)?;
            self.processes.get_mut().unwrap_or_else(PoisonError::into_inner).push(child);
        }
        self.await_ready()
    }

    /// Port of the SQL gateway's REST interface.
    pub fn gateway_port(&self) -> u16 {
        self.ports.gateway
    }

    /// Processor time of the TaskManager so far, in seconds: what the queries cost, planning and coordination aside.
    ///
    /// # Errors
    /// A TaskManager that has ended.
    pub fn task_manager_cpu_seconds(&self) -> Result<f64, ServerError> {
        let processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        let id = processes.get(1).map(Child::id).ok_or_else(|| error("there is no TaskManager".into()))?;
        cpu::process_seconds(id).map_err(failed("read the TaskManager's processor time"))
    }

    /// Starts the TaskManager again if it has ended, and waits until the cluster has slots. Flink 2.3 ends its
    /// TaskManager when a query fails or is cancelled while its result operator is still starting.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn revive(&self) -> Result<(), ServerError> {
        {
            let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
            if let [first, worker, _] = processes.as_mut_slice()
                && worker.try_wait().map_err(failed("watch the TaskManager"))?.is_some()
            {
                *worker = self.spawn(self.worker, first.id())?;
            }
        }
        self.await_ready()
    }

    fn spawn(&self, role: &Role, group: u32) -> Result<Child, ServerError> {
        let log = File::options().create(true).append(true).open(self.log(role)).map_err(failed("create the log"))?;
        let errors = log.try_clone().map_err(failed("create the log"))?;
        let mut command = Command::new("java");
        command.arg(format!("-Xmx{}", role.memory)).arg("-XX:+UseSerialGC");
        command.args(settings::OPENED.map(|package| format!("--add-opens=java.base/{package}=ALL-UNNAMED")));
        command.arg(format!("-Dlog4j.configurationFile={}", self.folder.path().join("log4j.properties").display()));
        command.arg("-cp").arg(&self.classes).arg(role.class);
        // The gateway knows no such option: it reads the folder's name from the environment.
        if role.name != GATEWAY.name {
            command.arg("--configDir").arg(self.folder.path());
        }
        command.env("FLINK_CONF_DIR", self.folder.path()).current_dir(self.folder.path());
        let group = i32::try_from(group).map_err(|e| error(format!("process group {group}: {e}")))?;
        command.stdin(Stdio::null()).stdout(log).stderr(errors).process_group(group).spawn().map_err(failed("start java"))
    }

    fn await_ready(&self) -> Result<(), ServerError> {
        let deadline = Instant::now() + READY_MAX;
        let answers = |port, path, expected: &str| http::request(port, "GET", path, "").is_ok_and(|(_, body)| body.contains(expected));
        let slots = format!("\"slots-total\":{}", settings::SLOTS);
        while !answers(self.ports.rest, "/overview", &slots) || !answers(self.ports.gateway, "/v2/info", "productName") {
            let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
            for (child, role) in processes.iter_mut().zip([&JOB_MANAGER, &TASK_MANAGER, &GATEWAY]) {
                if let Some(status) = child.try_wait().map_err(failed("watch the cluster"))? {
                    return Err(error(format!("the {} ended with {status}: {}", role.name, end_of(&self.log(role)))));
                }
            }
            if Instant::now() >= deadline {
                return Err(error(format!("not ready within {} s: {}", READY_MAX.as_secs(), end_of(&self.log(&JOB_MANAGER)))));
            }
            drop(processes);
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    fn log(&self, role: &Role) -> PathBuf {
        self.folder.path().join(format!("{}.log", role.name))
    }
}

impl Drop for FlinkCluster {
    fn drop(&mut self) {
        let processes = self.processes.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Nobody can be told in a destructor; the guardian tries again.
        if let Some(group) = processes.first().and_then(|first| i32::try_from(first.id()).ok()).and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        for child in processes {
            let _ = child.wait();
        }
        let _ = self.guardian.watch(None);
    }
}

fn end_of(log: &Path) -> String {
    let log = fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&log[log.len().saturating_sub(2_000)..]).into_owned()
}

fn error(message: String) -> ServerError {
    ServerError { server: "flink", message }
}

fn failed(what: &'static str) -> impl Fn(std::io::Error) -> ServerError {
    move |e| error(format!("cannot {what}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_starts_takes_a_session_and_leaves_nothing() {
        let cluster = FlinkCluster::start(&[]).unwrap();
        let (port, folder) = (cluster.gateway_port(), cluster.folder.path().to_owned());
        let (status, session) = http::request(port, "POST", "/v2/sessions", "{}").unwrap();
        assert_eq!(status, 200, "{session}");
        drop(cluster);
        assert!(http::request(port, "GET", "/v2/info", "").is_err());
        assert!(!folder.exists());
    }
}
