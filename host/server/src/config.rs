//! Configuration of `millrace server`: flags win over `MILLRACE_*` variables, those over the TOML file, that over
//! defaults. The file's keys are the flags' names with `_` for `-`.
//!
//! Invariant: secrets stand in files or variables, never in what is logged; `Settings` has no `Debug` output of URLs.

use crate::machine_memory;
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use millrace_dial::{Network, NetworkPolicy};
use millrace_sandbox::TENANT_MEMORY_MIB;
use serde::Deserialize;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where a server listens unless told otherwise.
pub(crate) const LISTEN_DEFAULT: &str = "127.0.0.1:8080";
/// Folder for everything that a server keeps unless told otherwise.
pub(crate) const DATA_DIR_DEFAULT: &str = ".millrace";

/// Memory for the state of a job that says nothing, where there is so much.
const STATE_BYTES_DEFAULT: u64 = 512 << 20;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// The weakest cage in which online code is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BuildCageMin {
    /// Own namespaces.
    Namespaces,
    /// Landlock rules on files.
    #[default]
    Landlock,
    /// Limits and a system-call filter; builds can read what the server can.
    Limits,
    /// Online code is not built.
    None,
}

/// What can be set, each from a flag, a variable or the file.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerOptions {
    /// Folder of key files, the default metadata database, checkpoints and the code cache [default: .millrace]
    #[arg(long, env = "MILLRACE_DATA_DIR", value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, env = "MILLRACE_LISTEN", value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Metadata database: `sqlite://FILE` or `postgres://…` [default: a SQLite file in the data folder]
    #[arg(long, env = "MILLRACE_METADATA_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) metadata_url: Option<String>,
    /// Where checkpoints and savepoints go: a folder or `s3://bucket/prefix` [default: a folder in the data folder]
    #[arg(long, env = "MILLRACE_CHECKPOINTS", value_name = "LOCATION")]
    pub(crate) checkpoints: Option<String>,
    /// How log lines look [default: text]
    #[arg(long, env = "MILLRACE_LOG_FORMAT", value_enum)]
    pub(crate) log_format: Option<LogFormat>,
    /// Name of this worker among all workers on the same metadata; instances are leased to it [default: made once and
    /// kept in the data folder]
    #[arg(long, env = "MILLRACE_WORKER_ID", value_name = "NAME")]
    pub(crate) worker_id: Option<String>,
    /// Instances that may be starting at the same time [default: 16]
    #[arg(long, env = "MILLRACE_STARTS_MAX", value_name = "N")]
    pub(crate) starts_max: Option<usize>,
    /// Weakest cage in which online code is built: `namespaces`, `landlock`, `limits`; `none` builds nothing
    /// [default: landlock]
    #[arg(long, env = "MILLRACE_BUILD_CAGE_MIN", value_enum, value_name = "LEVEL")]
    pub(crate) build_cage_min: Option<BuildCageMin>,
    /// Builds of online code at the same time [default: 2]
    #[arg(long, env = "MILLRACE_BUILDS_MAX", value_name = "N")]
    pub(crate) builds_max: Option<usize>,
    /// Where browsers reach this server, such as https://millrace.example.com; with https, cookies are only sent encrypted
    /// [default: http and the address that it listens on]
    #[arg(long, env = "MILLRACE_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// A session ends after this time without use, in minutes [default: 480]
    #[arg(long, env = "MILLRACE_SESSION_IDLE_MINUTES", value_name = "N")]
    pub(crate) session_idle_minutes: Option<u64>,
    /// A session ends after this time at the latest, in hours [default: 72]
    #[arg(long, env = "MILLRACE_SESSION_HOURS_MAX", value_name = "N")]
    pub(crate) session_hours_max: Option<u64>,
    /// Header in which the proxy before this server names its client, such as x-forwarded-for; only set it if every request
    /// comes through that proxy [default: none]
    #[arg(long, env = "MILLRACE_CLIENT_ADDRESS_HEADER", value_name = "NAME")]
    pub(crate) client_address_header: Option<String>,
    /// Memory that the components of one tenant may use together here, in MiB, where the tenant has no quota `memory_bytes` of
    /// its own [default: 256]
    #[arg(long, env = "MILLRACE_TENANT_MEMORY_MIB", value_name = "MIB")]
    pub(crate) tenant_memory_mib: Option<usize>,
    /// Memory that the keyed state of one job may take here, in MiB; more goes to `state/` in the data folder [default: 512]
    #[arg(long, env = "MILLRACE_STATE_MEMORY_MIB", value_name = "MIB")]
    pub(crate) state_memory_mib: Option<u32>,
    /// The most memory that one job can ask for or be assigned for its state here, in MiB [default: a quarter of the memory
    /// that the process can have]
    #[arg(long, env = "MILLRACE_STATE_MEMORY_MIB_MAX", value_name = "MIB")]
    pub(crate) state_memory_mib_max: Option<u32>,
    /// Networks that data sources may not be in, beside those that are always closed (this machine, link-local addresses
    /// with metadata services, multicast): `10.1.0.0/16,fd00::/8`
    #[arg(long, env = "MILLRACE_SOURCE_NETWORKS_DENIED", value_name = "NETWORKS", value_delimiter = ',')]
    pub(crate) source_networks_denied: Vec<String>,
    /// Networks that data sources may be in although they are closed; the longer prefix wins: `127.0.0.0/8`
    #[arg(long, env = "MILLRACE_SOURCE_NETWORKS_ALLOWED", value_name = "NETWORKS", value_delimiter = ',')]
    pub(crate) source_networks_allowed: Vec<String>,
    /// Where runs of jobs are posted as OpenLineage events, such as `http://marquez:5000/api/v1/lineage` [default: nowhere]
    #[arg(long, env = "MILLRACE_OPENLINEAGE_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) openlineage_url: Option<String>,
}

/// The settled configuration.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) metadata_url: String,
    pub(crate) checkpoints: String,
    pub(crate) log_format: LogFormat,
    pub(crate) worker_id: Option<String>,
    pub(crate) starts_max: usize,
    pub(crate) tenant_memory_mib: usize,
    pub(crate) state_memory: StateMemory,
    pub(crate) build_cage_min: BuildCageMin,
    pub(crate) builds_max: usize,
    pub(crate) public_url: Option<String>,
    pub(crate) session_idle: Duration,
    pub(crate) session_max: Duration,
    pub(crate) client_address_header: Option<String>,
    pub(crate) source_networks: NetworkPolicy,
    pub(crate) openlineage_url: Option<String>,
}

/// Memory for the state of one job, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StateMemory {
    /// Of a job that says nothing.
    pub(crate) bytes: u64,
    /// The most that a job can have.
    pub(crate) bytes_max: u64,
}

impl StateMemory {
    /// Fills what is not set for a process that can have `process_bytes` of memory.
    fn settle(mib: Option<u32>, mib_max: Option<u32>, process_bytes: u64) -> anyhow::Result<Self> {
        let of = |mib: u32| u64::from(mib.max(1)) << 20;
        // Whoever sets what each job has means that it can have it.
        let bytes_max = mib_max.map_or((process_bytes / 4).max(mib.map_or(1 << 20, of)), of);
        let bytes = mib.map_or(STATE_BYTES_DEFAULT.min(bytes_max), of);
        if bytes > bytes_max {
            bail!("`state-memory-mib` is {} MiB, expected at most the {} MiB of `state-memory-mib-max`", bytes >> 20, bytes_max >> 20);
        }
        Ok(Self { bytes, bytes_max })
    }
}

impl ServerOptions {
    /// Fills what is not set here from `file`, the rest with defaults.
    ///
    /// # Errors
    /// The file cannot be read, names an unknown key, or a value is out of range.
    pub(crate) fn settle(self, file: Option<&Path>) -> anyhow::Result<Settings> {
        let file = file.map_or_else(|| Ok(Self::default()), Self::read)?;
        let data_dir = self.data_dir.or(file.data_dir).unwrap_or_else(|| DATA_DIR_DEFAULT.into());
        let data_dir = std::path::absolute(&data_dir).with_context(|| format!("data folder `{}`", data_dir.display()))?;
        let starts_max = self.starts_max.or(file.starts_max).unwrap_or(16);
        if starts_max == 0 {
            bail!("`starts-max` is 0, expected at least 1");
        }
        let public_url = self.public_url.or(file.public_url);
        if let Some(url) = public_url.as_deref().filter(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
            bail!("`public-url` is `{url}`, expected a URL that begins with https://");
        }
        let networks = |option: &str, given: Vec<String>, file: Vec<String>| -> anyhow::Result<Vec<Network>> {
            let texts = if given.is_empty() { file } else { given };
            texts.iter().map(|text| text.parse().with_context(|| format!("`{option}`"))).collect()
        };
        let denied = networks("source-networks-denied", self.source_networks_denied, file.source_networks_denied)?;
        let allowed = networks("source-networks-allowed", self.source_networks_allowed, file.source_networks_allowed)?;
        let (mib, mib_max) = (self.state_memory_mib.or(file.state_memory_mib), self.state_memory_mib_max.or(file.state_memory_mib_max));
        let state_memory = StateMemory::settle(mib, mib_max, machine_memory::bytes())?;
        let below = |name: &str| data_dir.join(name).display().to_string();
        Ok(Settings {
            listen: match self.listen.or(file.listen) {
                Some(address) => address,
                None => LISTEN_DEFAULT.parse()?,
            },
            metadata_url: self.metadata_url.or(file.metadata_url).unwrap_or_else(|| format!("sqlite://{}", below("metadata.db"))),
            checkpoints: self.checkpoints.or(file.checkpoints).unwrap_or_else(|| below("checkpoints")),
            log_format: self.log_format.or(file.log_format).unwrap_or_default(),
            worker_id: self.worker_id.or(file.worker_id),
            tenant_memory_mib: self.tenant_memory_mib.or(file.tenant_memory_mib).unwrap_or(TENANT_MEMORY_MIB),
            state_memory,
            build_cage_min: self.build_cage_min.or(file.build_cage_min).unwrap_or_default(),
            builds_max: self.builds_max.or(file.builds_max).unwrap_or(2).max(1),
            session_idle: Duration::from_secs(60 * self.session_idle_minutes.or(file.session_idle_minutes).unwrap_or(480).max(1)),
            session_max: Duration::from_secs(3_600 * self.session_hours_max.or(file.session_hours_max).unwrap_or(72).max(1)),
            client_address_header: self.client_address_header.or(file.client_address_header).map(|name| name.to_ascii_lowercase()),
            public_url,
            openlineage_url: self.openlineage_url.or(file.openlineage_url),
            starts_max,
            source_networks: NetworkPolicy::new(denied, allowed),
            data_dir,
        })
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the configuration {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("configuration {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(options: ServerOptions, file: &str) -> anyhow::Result<Settings> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("millrace.toml");
        std::fs::write(&path, file).unwrap();
        options.settle(Some(&path))
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let flags = ServerOptions { listen: Some("127.0.0.1:1".parse().unwrap()), ..ServerOptions::default() };
        let settings = settle(flags, "listen = \"127.0.0.1:2\"\ndata_dir = \"/data\"\nlog_format = \"json\"").unwrap();
        assert_eq!(settings.listen.port(), 1);
        assert_eq!(settings.log_format, LogFormat::Json);
        assert_eq!(settings.metadata_url, "sqlite:///data/metadata.db");
        assert_eq!(settings.checkpoints, "/data/checkpoints");
        assert_eq!(settings.starts_max, 16);
    }

    #[test]
    fn networks_of_data_sources_are_closed_and_opened() {
        let permits =
            |file: &str, address: &str| settle(ServerOptions::default(), file).unwrap().source_networks.permits(address.parse().unwrap());
        assert!(!permits("", "127.0.0.1") && !permits("", "169.254.169.254") && permits("", "10.0.0.1"));
        assert!(permits("source_networks_allowed = [\"127.0.0.0/8\"]", "127.0.0.1"));
        assert!(!permits("source_networks_denied = [\"10.0.0.0/8\"]", "10.0.0.1"));
        let error = settle(ServerOptions::default(), "source_networks_denied = [\"10.0.0.0/99\"]").err().unwrap();
        assert!(format!("{error:#}").contains("`source-networks-denied`: `10.0.0.0/99` is not a network"), "{error:#}");
    }

    #[test]
    fn memory_for_state_follows_that_of_the_machine() {
        let settle = |mib, mib_max, process_mib: u64| StateMemory::settle(mib, mib_max, process_mib << 20);
        let of = |mib: u64, mib_max: u64| StateMemory { bytes: mib << 20, bytes_max: mib_max << 20 };
        assert_eq!(settle(None, None, 16_384).unwrap(), of(512, 4_096));
        assert_eq!(settle(None, None, 1_024).unwrap(), of(256, 256), "a small machine");
        assert_eq!(settle(Some(2_000), None, 6_000).unwrap(), of(2_000, 2_000));
        assert_eq!(settle(Some(64), Some(128), 16_384).unwrap(), of(64, 128));
        let error = settle(Some(200), Some(100), 16_384).unwrap_err().to_string();
        assert_eq!(error, "`state-memory-mib` is 200 MiB, expected at most the 100 MiB of `state-memory-mib-max`");
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = settle(ServerOptions::default(), "listn = \"127.0.0.1:2\"").err().unwrap();
        assert!(format!("{error:#}").contains("unknown field `listn`"), "{error:#}");
    }
}
