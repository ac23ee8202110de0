//! Real servers for tests, started on free ports of 127.0.0.1 and gone without a trace when the test process ends.
//!
//! Invariant: however the test process ends — return, panic, signal, `SIGKILL` — its servers are killed and their
//! folders removed. That is the [`guardian`]'s task; `Drop` only does it sooner.

mod cache;
pub mod cpu;
mod flink;
mod guardian;
pub mod http;
mod kafka;
mod oidc;
mod port;
mod postgres;
mod schemathesis;

pub use flink::{FlinkCluster, gateway};
pub use guardian::Guardian;
pub use kafka::{KafkaBroker, shared_broker};
pub use oidc::OidcServer;
pub use port::free_ports;
pub use postgres::PostgresServer;
pub use schemathesis::schemathesis;

/// A server that could not be started or stopped.
#[derive(Debug, thiserror::Error)]
#[error("{server}: {message}")]
pub struct ServerError {
    /// Which server, as `kafka`.
    pub server: &'static str,
    /// What was tried and what came of it, with the end of the server's log where there is one.
    pub message: String,
}
