//! Real servers for tests, started on free ports of 127.0.0.1 and gone without a trace when the test process ends.
//!
//! Invariant: however the test process ends — return, panic, signal, `SIGKILL` — its servers are killed and their
//! folders removed. That is the [`guardian`]'s task; `Drop` only does it sooner.

mod cache;
mod certificate;
pub mod cpu;
mod flink;
mod guardian;
mod hbase;
mod hive;
pub mod http;
mod kafka;
mod mariadb;
mod oidc;
mod opensearch;
mod port;
mod postgres;
mod python;
mod schemathesis;
mod small;
mod spawned;

pub use flink::{FlinkCluster, gateway};
pub use guardian::Guardian;
pub use hbase::HBaseServer;
pub use hive::HiveServer;
pub use kafka::{KafkaBroker, shared_broker};
pub use mariadb::MariaDbServer;
pub use oidc::OidcServer;
pub use opensearch::OpenSearchServer;
pub use port::free_ports;
pub use postgres::PostgresServer;
pub use schemathesis::schemathesis;
pub use small::{FtpServer, RedisServer, S3Server};

/// A server that could not be started or stopped.
#[derive(Debug, thiserror::Error)]
#[error("{server}: {message}")]
pub struct ServerError {
    /// Which server, as `kafka`.
    pub server: &'static str,
    /// What was tried and what came of it, with the end of the server's log where there is one.
    pub message: String,
}
